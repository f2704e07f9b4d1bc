#!/usr/bin/perl
# The same as 61-identity-delegated-ldap.t against an Active Directory.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Delegated;

Delegated::run('ad');
done_testing();
