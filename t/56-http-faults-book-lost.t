#!/usr/bin/perl
# The server may have carried out the n-th exchange of a booking, but its answer is lost, late or
# nonsense; or everything fails from the n-th on. What must hold then: t/lib/FaultBook.pm.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use FaultBook;
use FaultList;
use Faults;

my $world = Faults->start(cases => 600, step => '900ms');
my $n = $world->exchanges(sub { $_[0]->book });
my $warm = $world->exchanges(sub { $_[0]->book }, \&FaultBook::warm_up);
$world->run([{ name => 'no fault' }, FaultList::lost($n), FaultList::on_open_connections($warm), FaultList::lasting($n)], \&FaultBook::story);
$world->finish;
done_testing();
