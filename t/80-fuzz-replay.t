#!/usr/bin/perl
# Every fuzz target takes its seeds, and everything a fuzzer ever found, once more: no crash, no
# endless loop. Live fuzzing is `make -f Makefile.apxs fuzz`.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

chdir abs_path(dirname(__FILE__) . '/..') or die;
my $build = $ENV{OWACAL_BUILD} // '.build/gcc';
my $limit = 60;     # seconds for one target's whole corpus

my @targets = map { basename($_, '.c') } sort glob 't/fuzz/fuzz_*.c';
plan skip_all => 'no fuzz target in t/fuzz yet' if !@targets;

for my $target (@targets) {
    subtest $target => sub {
        my $corpus = "t/fuzz/corpus/$target";
        my @seeds = grep { -f } glob "$corpus/*";
        ok(scalar(@seeds), 'it has seeds');
        if (!-x "$build/fuzz/$target") {
            fail("$build/fuzz/$target is built (make -f Makefile.apxs check builds it)");
            return;
        }
        open my $out, '-|', 'timeout', $limit, "$build/fuzz/$target", $corpus or die "$target: $!";
        my @said = <$out>;
        close $out;
        is($?, 0, "all inputs run through within $limit s")
            or diag('the last input tried: ', $said[-1] // 'none');
        is(scalar(@said), scalar(@seeds), 'none was left out');
    };
}

done_testing();
