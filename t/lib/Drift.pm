package Drift;

# What the tests that compare the project's files with each other have in common. Whoever uses it stands in
# the project's root from then on.

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use Test::More;

our @EXPORT = qw(line_of none slurp);

chdir abs_path(dirname(__FILE__) . '/../..') or die "no root: $!";

# The text of a file, which is UTF-8.
sub slurp {
    my ($file) = @_;
    open my $in, '<:encoding(UTF-8)', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

# The number of the line that offset $at of a text is in.
sub line_of { my ($text, $at) = @_; return 1 + (substr($text, 0, $at) =~ tr/\n//) }

# A check that holds if nothing is @bad, which is told otherwise.
sub none {
    my ($what, @bad) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;    # the line of whoever asks
    ok(!@bad, $what) or diag(map { "  $_\n" } @bad);
    return;
}

1;
