#!/usr/bin/perl
# The server refuses the n-th exchange of a cancellation, or does not carry it out. What must hold then: t/lib/FaultCancel.pm.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use FaultCancel;
use FaultList;
use Faults;

my $world = Faults->start(cases => 600);
my $where;
my $n = $world->exchanges(sub { $_[0]->cancel($where) }, sub { $where = $_[0]->steady('book')->{headers}{location} });
$world->run([{ name => 'no fault' }, FaultList::refused($n)], \&FaultCancel::story);
$world->finish;
done_testing();
