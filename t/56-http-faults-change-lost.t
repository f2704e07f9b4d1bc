#!/usr/bin/perl
# The server may have carried out the n-th exchange of a change, but its answer is lost, late or
# nonsense; or everything fails from the n-th on. What must hold then: t/lib/FaultChange.pm.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use FaultChange;
use FaultList;
use Faults;

my $world = Faults->start(cases => 600, step => '900ms');
my $where;
my $n = $world->exchanges(sub { $_[0]->change($where) }, sub { $where = $_[0]->steady('book')->{headers}{location} });
$world->run([{ name => 'no fault' }, FaultList::lost($n), FaultList::lasting($n)], \&FaultChange::story);
$world->finish;
done_testing();
