package Readme;

# The configurations that README shows, for tests that load them as they stand there.
#
#   my $text = Readme::configuration('s4u', 'EXAMPLE.COM' => 'INTRANET.TEST', ..);
#
# A configuration is an indented block whose first line is "# configuration: NAME". Pairs say what of
# its names is replaced by the test's own: hosts, realms, files. One that is not in it is an error,
# so that a test cannot quietly load something else. Names are replaced once, the longest first.

use strict;
use warnings;
use Carp qw(croak);
use File::Basename qw(dirname);
use File::Spec;

my $file = dirname(dirname(dirname(File::Spec->rel2abs(__FILE__)))) . '/README';

# NAME => text, indentation taken off.
sub configurations {
    open my $in, '<', $file or croak "$file: $!";
    my (%text, $name);
    while (my $line = <$in>) {
        if ($line =~ /^    # configuration: (.*)$/) {
            $name = $1;
            croak "README has two configurations '$name'" if exists $text{$name};
            $text{$name} = '';
        }
        elsif (defined $name && $line =~ /^    (.*)$/) { $text{$name} .= "$1\n" }
        else { $name = undef }
    }
    return %text;
}

sub configuration {
    my ($name, %own) = @_;
    my $text = { configurations() }->{$name} // croak "README has no configuration '$name'";
    for my $word (keys %own) { croak "the configuration '$name' has no $word" if index($text, $word) < 0 }
    my $any = join '|', map { quotemeta } sort { length $b <=> length $a } keys %own;
    $text =~ s/($any)/$own{$1}/g if %own;
    return $text;
}

1;
