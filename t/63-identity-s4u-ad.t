#!/usr/bin/perl
# The same as 63-identity-s4u.t against an Active Directory.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use S4u;

S4u::run('ad');
done_testing();
