#!/usr/bin/perl
# A KDC in trouble, and clocks that differ: each case ends with its status and reason within its
# deadline; who has a ticket already, and who belongs to another realm, does not notice.
#
# Every case of the identity table (README, chapter "Identity") ends with one status and one reason
# within its deadline, without 401. Where each is proved; "kinds" are mit, ldap, ad:
#
#   case                                        delegated         s4u            others
#   location not protected                      -                 64             60, 69-check
#   no ticket, no password                      61, 64-fallback   -              60 (no header), 64-fallback
#   the person may not be delegated             61-*-{ldap,ad}    63 (kinds)     -
#   the service is not on the list              -                 63             -
#   ticket expired                              64-fallback, 67   63 (renewed)   66 (relay: connection gone)
#   user unknown to the KDC                     61-*-{ldap,ad}    63             60-*-ad (NTLM)
#   damaged, empty, foreign, readable, linked   61                50, 63         65 (password file)
#   somebody else's ticket or header            61, 64-fallback   62             62
#   keytab missing, wrong, older than the key   -                 63, 64         -
#   SPN unknown                                 61                63             -
#   valid ticket or password refused            61, 68            64, 68 (S4u)   60, 68, 65
#   KDC closed                                  64-kdc-delegated  64             -
#   KDC dropping                                64-kdc-delegated  64             -
#   KDC silent                                  61                64             -
#   breaker open; another realm not concerned   64-kdc-delegated  64             -
#   GSS queue full                              unit/test_krb5    unit/test_krb5 -
#   clock of the calendar server                64-kdc-delegated  64             none is looked at
#   our own clock                               64-kdc-delegated  64             none is looked at
#   RC4 key only                                61-rc4            61-rc4, 63     -
#   the process's own credential unused         64-fallback       64-fallback    64-fallback
#
# A password that the KDC refuses is the login module's to answer, in front of us.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use Time::HiRes qw(sleep time);
use lib "$Bin/lib";
use Httpd;
use Realm;
use SimRun;

my $why = Realm->skip_reason('ldap');
plan skip_all => $why if $why;
plan skip_all => 'mod_auth_gssapi, which the simulator needs, is not installed' unless -e Httpd::module_path('mod_auth_gssapi');

my $url = '/booking/bookings';
my $deadline = 4;       # seconds, of an operation; a thread counts as stuck after three
my $at_once = 2.5;      # generous, but before the deadline
my $realm = Realm->start(kind => 'ldap');
$ENV{KRB5_CONFIG} = $realm->{config};
my $keytab = $realm->path('service');
system 'cp', $realm->{keytab}{front}, $keytab;
chmod 0600, $keytab;
my $sim = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});

sub backend { my ($to) = @_; return "OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:$to->{port}" }

sub front {
    my (%o) = @_;
    my $config = delete $o{config};
    return Httpd->start(backend_line => backend($sim), location => "OwaCalIdentity s4u keytab=$keytab", children => 1,
        $config ? (env => { KRB5_CONFIG => $config }) : (), %o,
        server => "OwaCalTimeout step=2s operation=${deadline}s undo=1s\n" . ($o{server} // ''));
}

sub quiet { my ($log) = @_; return join "\n", grep { !/:debug\]/ } split /\n/, $log }

# What it ends with, and within how many seconds.
sub ends {
    my ($name, $web, $user, $expected, $within, $path) = @_;
    my $began = time;
    my $r = $web->json($user, GET => $path // $url);
    my $took = time - $began;
    is("$r->{status} " . ($r->{json}{reason} // ''), $expected, $name) or diag $r->{content}, quiet($web->log);
    cmp_ok($took, '<', $within, "  within $within s") if $within;
    cmp_ok($r->{headers}{'retry-after'} // 0, '>', 0, '  with a time to come back') if $expected =~ /^503/;
    is($r->{headers}{'www-authenticate'}, undef, '  no login box');
    return $r;
}

sub comes_back {
    my ($name, $web, $user) = @_;
    my ($until, $r) = (time + 60);
    do { $r = $web->json($user, GET => $url); sleep 0.3 if $r->{status} != 200 } until $r->{status} == 200 || time > $until;
    is($r->{status}, 200, $name) or diag quiet($web->log);
    return;
}

subtest 'closed: the port refuses' => sub {
    my $web = front();
    ends('alice has a ticket', $web, 'alice', '200 ');
    $realm->kdc_stop;
    ends('bob needs one', $web, 'bob', '503 kdc-unreachable', $deadline + 2);
    ends('at once from then on', $web, 'carol', '503 kdc-unreachable', $at_once);
    ends("alice's serves on", $web, 'alice', '200 ', $deadline);
    like($web->log, qr/OWACAL0210.*no KDC of realm INTRANET\.TEST answers/, 'the log says it');
    $realm->kdc_start;
    comes_back('when the KDC is back, bob is served', $web, 'bob');
    like($web->log, qr/OWACAL0214.*answers again/, 'the log says that, too');
};

subtest 'silent: it takes connections and never answers' => sub {
    my $web = front();
    ends('alice has a ticket', $web, 'alice', '200 ');
    $realm->kdc_freeze;
    ends('bob waits until his deadline', $web, 'bob', '503 kdc-unreachable', $deadline + 3);
    ends('the next does not wait', $web, 'carol', '503 kdc-unreachable', $at_once);
    ends("alice's serves on", $web, 'alice', '200 ', $deadline);
    is($web->json('bob', GET => '/booking/rooms')->{status}, 200, 'what needs no ticket works on');
    $realm->kdc_thaw;
    comes_back('when the KDC is back, bob is served', $web, 'bob');
};

subtest 'dropping: no connection comes about' => sub {
    my $web = front(config => $realm->silent_config('dropped'));
    ends('alice waits until her deadline', $web, 'alice', '503 kdc-unreachable', $deadline + 3);
    ends('the next does not wait', $web, 'bob', '503 kdc-unreachable', $at_once);
};

subtest 'one realm is silent, the other is not' => sub {
    plan skip_all => 'ktutil is not installed' if system 'command -v ktutil >/dev/null';
    my $config = $realm->path('two.conf');
    my ($port) = Realm::slurp($realm->silent_config('silent')) =~ /kdc = 127\.0\.0\.1:(\d+)/;
    open my $f, '>', $config or die;
    print $f Realm::slurp($realm->{config}) =~ s/^\[realms\]\n/[realms]\n    OTHER.TEST = {\n        kdc = 127.0.0.1:$port\n    }\n/mr;
    close $f;
    my $foreign = $realm->path('foreign.keytab');
    open my $k, '|-', 'ktutil >/dev/null' or die;
    print $k "addent -password -p HTTP/www.other.test\@OTHER.TEST -k 1 -e aes256-cts-hmac-sha1-96\nsecret\nwkt $foreign\nquit\n";
    close $k;
    chmod 0600, $foreign;
    my $web = front(config => $config, server => <<"E");
OwaCalLimit gss-threads=4 per-user=20
<Location "/other">
  AuthType Basic
  AuthName intranet
  AuthBasicProvider file
  AuthUserFile "\@DIR\@/users"
  Require valid-user
  SetHandler owacal
  OwaCalUse corp
  OwaCalIdentity s4u keytab=$foreign
</Location>
E
    my $hanging = Httpd::in_background(8, sub {
        my $began = time;
        my $r = $web->json('zoltan', GET => '/other/bookings');
        return { what => "$r->{status} " . ($r->{json}{reason} // ''), took => time - $began };
    });
    sleep 0.5;
    ends('alice of the other realm is served meanwhile', $web, 'alice', '200 ', $at_once);
    ends('bob, too', $web, 'bob', '200 ', $at_once);
    my @got = $hanging->();
    is(join(',', map { $_->{what} } @got), join(',', ('503 kdc-unreachable') x 8), 'the eight are told');
    is(scalar(grep { $_->{took} > $deadline + 3 } @got), 0, '  within their deadline');
    ends('and the next at once', $web, 'zoltan', '503 kdc-unreachable', $at_once, '/other/bookings');
};

sub shifted {
    my ($by) = @_;
    my $so = $realm->path("shift$by.so");
    system('cc', '-shared', '-fPIC', '-O1', "-DSHIFT=$by", '-o', $so, "$Bin/lib/shift_clock.c", '-ldl') == 0 or return;
    return $so;
}

subtest 'clocks' => sub {
    plan skip_all => 'no C compiler' if system 'command -v cc >/dev/null';
    my $preload = shifted(600) or die;
    my $ahead = do { local $ENV{LD_PRELOAD} = $preload; SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back}) };
    my $web = front(backend_line => backend($ahead));
    ends("the calendar server's is ten minutes ahead", $web, 'alice', '502 clock-skew', $deadline);
    like($web->log, qr/it is \w+, [\w ]+ [\d:]+ GMT here and \w+, [\w ]+ [\d:]+ GMT at the calendar server/, '  with both times in the log');
    $web = front(env => { LD_PRELOAD => $preload });
    ends("the web server's is: the KDC's time is taken", $web, 'alice', '200 ');
    ends('  for kept tickets, too', $web, 'alice', '200 ');
};

subtest 'the rest of the table' => sub {
    my $other = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{other});
    my $web = front(backend_line => backend($other));
    ends('a valid ticket that the calendar server refuses', $web, 'alice', '502 upstream-refused-login', $deadline);
    my $asked = scalar grep { ($_->{user} // '') } @{ $other->control(GET => '/_sim/log') };
    is($asked, 0, '  nobody came in');
    $web = front(auth => 'Require all granted');
    my $r = $web->json(undef, GET => $url);
    is("$r->{status} $r->{json}{reason}", '500 not-authenticated', 'a location without login');
    system "KRB5_KDC_PROFILE=$realm->{env}{KRB5_KDC_PROFILE} kadmin.local -r INTRANET.TEST -q 'cpw -randkey HTTP/intranet.test' >/dev/null 2>&1";
    $web = front();
    ends("a keytab that is older than the account's key", $web, 'alice', '500 misconfigured', $deadline);
    like($web->log, qr{OWACAL0213.*no ticket for the service itself, HTTP/intranet\.test\@INTRANET\.TEST}, '  with the reason in the log');
};

done_testing();
