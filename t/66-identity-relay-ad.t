#!/usr/bin/perl
# AuthType OwaCalNtlm against real verification: a front of the calendar server that asks an Active
# Directory (Samba) about each NTLM login and binds it to the connection, as IIS does. The client is
# curl.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use Time::HiRes qw(sleep time);
use lib "$Bin/lib";
use Httpd;
use NtlmFront;
use Realm;
use SimRun;

my $why = Realm->skip_reason('ad');
plan skip_all => $why if $why;

my $realm = Realm->start(kind => 'ad');
my $sim = SimRun->start(NtlmFront->sim_args);
my $front = NtlmFront->start(realm => $realm, sim => $sim);
my $web = Httpd->start(backend => $front->{url}, auth => "AuthType OwaCalNtlm\n  Require valid-user",
    location => 'OwaCalIdentity relay', server => 'OwaCalLimit per-user=50');
my $origin = "http://127.0.0.1:$web->{port}";
my $booked = 0;

sub curl {
    my ($user, @args) = @_;
    open my $out, '-|', 'curl', '-sS', '--max-time', 60, '--ntlm', '-u', $user, '-w', '\n%{http_code} %{num_connects}', @args or die "curl: $!";
    local $/;
    return readline($out) // '';
}

sub book {
    my ($user, $subject, %o) = @_;
    my $start = sprintf '2099-05-%02dT%02d:00', 1 + int($o{at} / 12), 6 + $o{at} % 12;
    return curl($user, '-H', 'Content-Type: application/json', '-H', 'Accept: application/json', '-d',
        qq({"subject": "$subject", "start": "$start", "duration": 60}), "$origin/booking/bookings");
}

sub calendar { my ($name) = @_; return join ',', sort map { SimRun::subject($_) } $sim->items($name, qr/^(Calendar|Napt)/) }

# Domain names as people write them.
my $at = 0;
for my $name ('alice', "$realm->{domain}\\alice", "$realm->{domain}\\bob") {
    my ($account) = $name =~ /(\w+)$/;
    like(book("$name:pw-$account", "By $account " . ++$at, at => $at), qr/"state": "confirmed".*\n201 1\z/s, "$name books, on one connection")
        or diag $web->log, $front->log;
}
is(calendar('alice'), 'By alice 1,By alice 2', 'in her mailbox');
is(calendar('bob'), 'By bob 3', 'in his');

like(curl('alice:pw-bob', "$origin/booking/rooms.json"), qr/\n401 \d\z/, 'a wrong password is refused');
like(curl('OTHER\\alice:wrong', "$origin/booking/rooms.json"), qr/\n401 \d\z/, 'so is another domain');
like(curl('nobody:pw-alice', "$origin/booking/rooms.json"), qr/\n401 \d\z/, 'and an unknown name');

my @got = Httpd::side_by_side(6, sub {
    my ($i) = @_;
    my $user = qw(alice bob)[ $i % 2 ];
    return (split ' ', book("$user:pw-$user", "Of $user $i", at => 20 + $i))[-2];
});
is(join(' ', @got), join(' ', (201) x 6), 'six at once, mixed');
is(calendar('alice'), 'By alice 1,By alice 2,Of alice 2,Of alice 4,Of alice 6', "alice's in alice's mailbox");
is(calendar('bob'), 'By bob 3,Of bob 1,Of bob 3,Of bob 5', "bob's in bob's");
is(scalar(grep { my ($box) = $_->{target} =~ m{^/exchange/([^/]+)/}; $box && $box !~ /room/ && $_->{user} && lc $box ne lc $_->{user} } $sim->requests),
    0, 'nobody as anybody else');
ok($web->log !~ /TlRMTVNT|pw-alice|pw-bob|exit signal/, 'no message and no password in the log, no crash');
ok($web->stop, 'stops');
done_testing;
