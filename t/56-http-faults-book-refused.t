#!/usr/bin/perl
# The server refuses the n-th exchange of a booking, or does not carry it out. What must hold then: t/lib/FaultBook.pm.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use FaultBook;
use FaultList;
use Faults;

my $world = Faults->start(cases => 600);
my $n = $world->exchanges(sub { $_[0]->book });
$world->run([{ name => 'no fault' }, { name => 'no fault, connections open', warm => 1 },
    FaultList::refused($n)], \&FaultBook::story);
$world->finish;
done_testing();
