#!/usr/bin/perl
# A calendar server whose account has an RC4 key only, as one that was made on Windows 2000 or 2003: the
# ticket that the login forwards, S4U2Proxy by the login module and the module's own S4U work as with
# AES, in a MIT realm and in an Active Directory, and what fails ends with the same reasons.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Delegated;
use Httpd;
use Realm;
use S4u;
use SimRun;

plan skip_all => 'curl with GSS-API is not installed' unless `curl -V 2>/dev/null` =~ /GSS-API/;
plan skip_all => 'mod_auth_gssapi is not installed (Debian: libapache2-mod-auth-gssapi)' unless -e Httpd::module_path('mod_auth_gssapi');

my $url = '/booking/bookings';
my @booking = (POST => $url, { subject => 'By RC4', start => '2099-04-01T10:00', duration => 60, room => 'boardroom' });

sub said { my ($r) = @_; return "$r->{status} " . ($r->{json}{reason} // '') }

sub run {
    my ($kind) = @_;
    my $why = Realm->skip_reason($kind);
    plan skip_all => $why if $why;
    my $realm = Realm->start(kind => $kind, rc4 => 1);
    local $ENV{KRB5_CONFIG} = $realm->{config};
    {
        local $ENV{KRB5CCNAME} = $realm->ticket('alice');
        system 'kvno HTTP/exchange.test >/dev/null 2>&1';
        like(qx{LC_ALL=C klist -e 2>&1}, qr{HTTP/exchange\.test.*\n(?:.*\n)?.*Etype.*,\s*(?:DEPRECATED:)?arcfour-hmac}m, 'its tickets are RC4 ones');
    }
    my $sim = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
    my %carol = (forwarded => 'no-delegated-credential', proxy => 'delegation-refused');
    for my $how (qw(forwarded proxy)) {
        $sim->control(POST => '/_sim/reset');
        my $web = Delegated::front($realm, $sim, $how, children => 1);
        is(said(Delegated::ask($web, $realm, $how, alice => @booking)), '201 ', "delegated, $how: alice books") or diag $web->log =~ s/.*debug.*\n//gr;
        is(Delegated::calendar($sim, 'alice'), 'By RC4', '  in her mailbox');
        is(said(Delegated::ask($web, $realm, $how, carol => GET => $url)), "403 $carol{$how}", '  carol may not be acted for');
    }
    $sim->control(POST => '/_sim/reset');
    my $web = S4u::front($sim, S4u::keytab($realm, 'service'), children => 1);
    is(said($web->json('alice', @booking)), '201 ', 's4u: alice books') or diag $web->log =~ s/.*debug.*\n//gr;
    is(Delegated::calendar($sim, 'alice'), 'By RC4', '  in her mailbox');
    S4u::ends('  carol may not be acted for', $web, 'carol', '403 delegation-refused');
    S4u::ends('  the realm does not know zoltan', $web, 'zoltan', '403 unknown-principal');
    my $wrong = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{other});
    S4u::ends('  a key that the calendar server does not have', S4u::front($wrong, S4u::keytab($realm, 'service'), children => 1), 'alice', '502 upstream-refused-login');
    is(scalar(S4u::strangers($sim)), 0, 'no request as anybody else');
    return;
}

for my $kind (qw(ldap ad)) {
    subtest $kind => sub { run($kind) };
}
done_testing();
