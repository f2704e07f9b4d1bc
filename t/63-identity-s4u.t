#!/usr/bin/perl
# The module's own S4U2Self and S4U2Proxy: whoever verified the person, the calendar server sees that
# person, by constrained delegation of a MIT realm.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use S4u;

S4u::run('ldap');
done_testing();
