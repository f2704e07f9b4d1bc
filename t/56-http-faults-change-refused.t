#!/usr/bin/perl
# The server refuses the n-th exchange of a change, or does not carry it out. What must hold then: t/lib/FaultChange.pm.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use FaultChange;
use FaultList;
use Faults;

my $world = Faults->start(cases => 600);
my $where;
my $n = $world->exchanges(sub { $_[0]->change($where) }, sub { $where = $_[0]->steady('book')->{headers}{location} });
$world->run([{ name => 'no fault' }, FaultList::refused($n)], \&FaultChange::story);
$world->finish;
done_testing();
