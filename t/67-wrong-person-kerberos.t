#!/usr/bin/perl
# Nobody acts as anybody else: Kerberos towards a server where a ticket counts for its connection.
# Tickets that the login left, which run out in the middle and come back; and tickets that the module
# gets by its own key.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Crowd;
use Realm;

my $kind = Realm->skip_reason('ldap') ? 'mit' : 'ldap';    # the one without constrained delegation
my $why = Realm->skip_reason($kind);
plan skip_all => $why if $why;
my $realm = Realm->start(kind => $kind, users => 20);
$ENV{KRB5_CONFIG} = $realm->{config};
my @kerberos = Crowd::kerberos($realm, 20);

my @expired = map { Crowd::expired_tickets($realm, 'u03', 'u11') } 1 .. 3;
for my $run ([event => 1], [worker => 2], [prefork => 1]) {
    my ($mpm, $http) = @$run;
    my $expired = shift @expired;
    my $refused = sub { my ($got) = @_; return grep { $_->{reason} eq 'credential-expired' } @{ $got->{told} } };
    Crowd::play(name => "$mpm, HTTP/$http, delegated", mpm => $mpm, http => $http, @kerberos,
        quarters => [undef, $expired->{swap}, $expired->{restore}],
        also => sub {
            my ($got) = @_;
            my %who = map { $_->{person} => 1 } $refused->($got);
            is(join(' ', sort keys %who), 'u03 u11', 'whose ticket has run out is told so, and nobody else');
        });
}
SKIP: {
    skip 's4u: ' . Realm->skip_reason('ldap'), 1 if $kind ne 'ldap';
    Crowd::play(name => 'event, HTTP/2, s4u', mpm => 'event', http => 2, Crowd::s4u($realm, 20));
}
done_testing();
