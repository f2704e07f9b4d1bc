#!/usr/bin/perl
# A KDC in trouble, and clocks that differ, for tickets that the login left: who has the ticket for the
# calendar server already needs no KDC; who does not is told within his deadline. (A KDC that is
# silent stands in t/61-identity-delegated.t, the same for s4u in t/64-identity-kdc.t.)
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use Time::HiRes qw(time);
use lib "$Bin/lib";
use Httpd;
use Realm;
use SimRun;

my $why = Realm->skip_reason('mit');
plan skip_all => $why if $why;
plan skip_all => 'mod_auth_gssapi, which the simulator needs, is not installed' unless -e Httpd::module_path('mod_auth_gssapi');

my $url = '/booking/bookings';
my $deadline = 4;       # seconds, of an operation
my $at_once = 2.5;      # generous, but before the deadline
my $realm = Realm->start(users => 2);
$ENV{KRB5_CONFIG} = $realm->{config};
my $sim = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back}, '--users', $realm->users_file);

# By name of the person: alice and bob have the ticket for the calendar server, the others their own only.
my @people = qw(alice bob u01 u02);
chmod 0711, $realm->path('left') if mkdir $realm->path('left');
for my $who (@people) {
    my $cache = $realm->ticket($who);
    if ($who =~ /alice|bob/) {
        local $ENV{KRB5CCNAME} = $cache;
        system('kvno HTTP/exchange.test >/dev/null') == 0 or die 'kvno failed';
    }
    my $file = $realm->path("left/$who");
    rename $cache =~ s/^FILE://r, $file or die "$file: $!";
    chown +(getpwnam 'www-data')[2, 3], $file if $> == 0;
}

sub backend { my ($to) = @_; return "OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:$to->{port}" }

sub front {
    my ($env, $to) = @_;
    return Httpd->start(backend_line => backend($to // $sim), children => 1, env => $env, modules => ['rewrite'], passwords => { map { $_ => "pw-$_" } @people },
        server => "OwaCalTimeout step=2s operation=${deadline}s undo=1s\n",
        location => "OwaCalIdentity delegated\n  RewriteEngine On\n  RewriteRule ^ - [E=KRB5CCNAME:FILE:" . $realm->path('left') . '/%{REMOTE_USER}]');
}

sub ends {
    my ($name, $web, $user, $expected, $within) = @_;
    my $began = time;
    my $r = $web->json($user, GET => $url);
    my $took = time - $began;
    is("$r->{status} " . ($r->{json}{reason} // ''), $expected, $name) or diag $r->{content}, $web->log =~ s/.*debug.*\n//gr;
    cmp_ok($took, '<', $within, "  within $within s") if $within;
    cmp_ok($r->{headers}{'retry-after'} // 0, '>', 0, '  with a time to come back') if $expected =~ /^503/;
    is($r->{headers}{'www-authenticate'}, undef, '  no login box');
    return;
}

for my $how (qw(closed dropped)) {
    subtest "a KDC that is $how" => sub {
        my $web = front({ KRB5_CONFIG => $realm->silent_config($how) });
        ends('who needs a ticket is told', $web, 'u01', '503 kdc-unreachable', $deadline + 3);
        ends('the next at once', $web, 'u02', '503 kdc-unreachable', $at_once);
        ends("$_ has it already", $web, $_, '200 ', $deadline) for qw(alice bob);
        is(scalar(grep { $_->{user} && $_->{user} !~ /^(?:alice|bob)$/ } $sim->requests), 0, 'as nobody else');
    };
}

subtest 'clocks' => sub {
    plan skip_all => 'no C compiler' if system 'command -v cc >/dev/null';
    my $shift = $realm->path('shift.so');
    system('cc', '-shared', '-fPIC', '-O1', '-DSHIFT=600', '-o', $shift, "$Bin/lib/shift_clock.c", '-ldl') == 0 or die;
    my $web = front({ LD_PRELOAD => $shift });
    ends("the web server's is ten minutes ahead, and the ticket is there", $web, 'alice', '502 clock-skew', $deadline);
    like($web->log, qr/it is \w+, [\w ]+ [\d:]+ GMT here and \w+, [\w ]+ [\d:]+ GMT at the calendar server/, '  with both times in the log');
    my $ahead = do { local $ENV{LD_PRELOAD} = $shift; SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back}) };
    ends("the calendar server's is", front({}, $ahead), 'alice', '502 clock-skew', $deadline);
};
done_testing();
