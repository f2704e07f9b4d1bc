#!/usr/bin/perl
# Runs the simulator's unit programs (t/sim/test_*.c), one subtest each; a crash is a failure.
use strict;
use warnings;
use FindBin;
use File::Temp qw(tempdir);
use Test::More;

my $root = "$FindBin::Bin/..";
my $out = tempdir(CLEANUP => 1);
my $said = `cd '$root' && make -s -f t/sim/sim.mk OUT='$out' units 2>&1`;
is($?, 0, 'they build') or diag($said);
for my $program (grep { -x } glob "$out/test_*") {
    next if $program =~ /\.\w+$/;
    subtest $program =~ s{.*/}{}r => sub {
        open my $h, '-|', "$program 2>&1" or die "$program: $!";
        my $planned;
        while (my $line = <$h>) {
            chomp $line;
            if ($line =~ /^(not )?ok \d+ - (.*)/) { ok(!$1, $2) }
            elsif ($line =~ /^1\.\.(\d+)/) { $planned = $1 }
            else { diag($line) }
        }
        close $h;
        is($?, 0, 'exit status');
        ok(defined $planned, 'ran to its end');
    };
}
done_testing;
