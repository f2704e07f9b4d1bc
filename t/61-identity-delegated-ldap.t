#!/usr/bin/perl
# The login module's own delegation (forwarded, S4U2Proxy, GssapiImpersonate after Basic) in a MIT realm
# with constrained delegation.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Delegated;

Delegated::run('ldap');
done_testing();
