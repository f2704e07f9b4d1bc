#!/usr/bin/perl
# Directives: what the command table offers, what the reference configuration and README describe,
# and what create and merge know must be the same set.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Drift;


sub no_comments { my ($text) = @_; $text =~ s{/\*.*?\*/}{}gs; return $text }

my $code      = no_comments(join '', map { slurp($_) } sort glob 'lib/httpd/*.[ch]');
my $reference = slurp('conf/owacal.conf');
my $readme    = slurp('README');

my (%directive, @doubled, @helpless);
while ($code =~ /\bAP_INIT_\w+\(\s*"(\w+)"((?:[^"()]|\([^()]*\))*)((?:"(?:[^"\\]|\\.)*"\s*)*)\)/g) {
    my ($name, $help) = ($1, $3);
    push @doubled, $name if $directive{$name}++;
    push @helpless, $name if $help !~ /"[^"]{10,}/;
}
my @directives = sort keys %directive;
cmp_ok(scalar(@directives), '>=', 10, 'the command table can be read');
is(scalar(() = $code =~ /\bAP_INIT_\w+\(/g), scalar(@directives) + @doubled, 'all of it');
none('each directive stands in it once', @doubled);
none('directives are named OwaCal<Noun>', grep { !/^OwaCal[A-Z][A-Za-z]+$/ } @directives);
none('each has a help text for httpd -L', @helpless);

# A line of its own, in force or commented out, is what somebody copies.
none('conf/owacal.conf shows every directive', grep { $reference !~ /^\s*#?\s*$_\s/m } @directives);
none('README names every directive', grep { $readme !~ /\b$_\b/ } @directives);

{
    my %other = map { $_ => 1 } qw(OwaCalNtlm);     # an AuthType, not a directive
    for (['conf/owacal.conf', $reference], ['README', $readme]) {
        my ($file, $text) = @$_;
        my %named = map { $_ => 1 } $text =~ /\b(OwaCal[A-Z]\w*)/g;
        none("$file names no directive that does not exist",
            grep { !$directive{$_} && !$other{$_} } sort keys %named);
    }
}

# Members of the two configuration records: either all come from the one list that also makes the
# merge, or the merge names each.
{
    my %record;
    while ($code =~ /typedef\s+struct\s+(oc_(?:dir|server|srv)_?conf(?:ig)?(?:_t)?)\s*\{(.*?)^\}/gms) {
        $record{$1} = $2;
    }
    is(scalar(keys %record), 2, 'the server and the directory record can be read');
    my $merge = '';
    while ($code =~ /^[\w\s*]*?\b\w*merge\w*\s*\([^;{]*\)\s*\{(.*?)^\}/gms) {
        $merge .= $1;
    }
    for my $name (sort keys %record) {
        my $body = $record{$name};
        my @lists = $body =~ /^\s*(OC_[A-Z_]+)\s*\(/gm;
        none("$name: a member list in the record is in the merge, too",
            grep { $merge !~ /\b$_\s*\(/ } @lists);
        $body =~ s/^\s*#.*$//gm;
        $body =~ s/^\s*OC_[A-Z_]+\s*\(.*?\)\s*$//gm;
        my @members = map { /(\w+)\s*(?:\[[^]]*\])*\s*$/ ? $1 : () } split /;/, $body;
        none("$name: every member of its own is in the merge",
            grep { $_ ne 'pool' && $merge !~ /(?:->|\.)\s*$_\b|\(\s*$_\b|\b$_\s*[,)]/ } @members);
    }
}

done_testing();
