#!/usr/bin/perl
# The Active Directory realm that other tests run in is what it says, and so is the server that verifies
# NTLM against its directory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use NtlmClient;
use NtlmFront;
use Realm;
use SimRun;
use Test::More;
use Time::HiRes qw(sleep time);

my $why = Realm->skip_reason('ad');
plan skip_all => $why if $why;
my $realm = Realm->start(kind => 'ad', users => 2, rc4 => 1, ticket_life => '20s');
$ENV{KRB5_CONFIG} = $realm->{config};

sub may_act {
    my ($user, $service) = @_;
    my $cache = $realm->ticket('HTTP/intranet.test', keytab => $realm->{keytab}{front});
    return system("kvno -q -k '$realm->{keytab}{front}' -c '$cache' -U $user -P $service 2>/dev/null") == 0 ? 'yes' : 'no';
}

subtest 'the realm' => sub {
    like(scalar(`klist -f $realm->{cache}{alice}`), qr/alice\@INTRANET\.TEST.*Flags: F/s, "alice's ticket can be forwarded");
    unlike(scalar(`klist -f $realm->{cache}{carol}`), qr/Flags: F/, "carol's cannot");
    ok($realm->ticket('u02'), 'more users');
    is(eval { $realm->ticket('u03') }, undef, '  as many as asked for');
    is(eval { $realm->ticket('bob', password => 'pw-alice') }, undef, 'a wrong password');
    is($realm->{s4u2proxy}, 1, 'constrained delegation');
    is(may_act('bob', 'HTTP/exchange.test'), 'yes', '  for bob to the calendar server');
    is(may_act('carol', 'HTTP/exchange.test'), 'no', '  not for carol');
    is(may_act('bob', 'HTTP/other.test'), 'no', '  not to another server');
    like(scalar(`klist -kte $realm->{keytab}{$_}`), qr/aes256/, "the $_ server has a key") for qw(front other);
    unlike(scalar(`klist -kte $realm->{keytab}{back}`), qr/aes/, "the calendar server's is RC4 only");
    my $cache = $realm->ticket('alice');
    is(system("kvno -q -c $cache HTTP/exchange.test"), 0, '  a ticket for it');
    like(scalar(`klist -e $cache`), qr{HTTP/exchange\.test\@INTRANET\.TEST\n\s+Etype \(skey, tkt\): \S+, \S*arcfour}, '  is in RC4');
};

subtest 'its KDC in trouble' => sub {
    $realm->kdc_stop;
    is(eval { $realm->ticket('bob') }, undef, 'stopped');
    like($@, qr/Cannot contact any KDC/, '  nobody answers');
    $realm->kdc_start;
    ok($realm->ticket('bob'), 'started again');
    $realm->kdc_freeze;
    is(system("echo pw-bob | timeout 1 kinit -c MEMORY: bob >/dev/null 2>&1") >> 8, 124, 'frozen: one waits');
    $realm->kdc_thaw;
    ok($realm->ticket('bob'), 'thawed');
};

my $sim = SimRun->start(NtlmFront->sim_args, '--users', $realm->users_file);
my $front = NtlmFront->start(realm => $realm, sim => $sim);
my $box = '/exchange/alice/';
# What the front is: something to open connections to, as SimRun's.
sub connection { return SimRun::Connection->new('127.0.0.1', $front->{port}) }

subtest 'NTLM by curl' => sub {
    plan skip_all => 'curl is not installed' unless grep { -x "$_/curl" } split /:/, $ENV{PATH};
    my $curl = sub {
        my (@args) = @_;
        open my $h, '-|', 'curl', '-sS', '-m', 30, '-o', '/dev/null', '-w', '%{http_code}/%{num_connects} ', '--noproxy', '*', @args or die;
        local $/;
        return readline $h;
    };
    my @ask = ('-X', 'PROPFIND', '-H', 'Depth: 0', "http://127.0.0.1:$front->{port}$box");
    for (['alice', 'pw-alice', '207/1 '], ['INTRANET\\alice', 'pw-alice', '207/1 '], ['alice@INTRANET.TEST', 'pw-alice', '207/1 '],
        ['alice', 'pw-bob', '401/1 '], ['OTHER\\alice', 'pw-alice', '401/1 '], ['nobody', 'pw-nobody', '401/1 '], ['bob', 'pw-bob', '403/1 ']) {
        my ($user, $password, $want) = @$_;
        is($curl->('--ntlm', '-u', "$user:$password", @ask), $want, "$user with $password");
    }
    is($curl->('--ntlm', '-u', 'u02:pw-u02', @ask[0 .. 3], "http://127.0.0.1:$front->{port}/exchange/u02/"), '207/1 ', 'one of the further users');
    is($curl->(@ask), '401/1 ', 'without a login');
    is($curl->('-u', 'alice:pw-alice', @ask), '401/1 ', 'a Basic login');
    my $message = "To: bob\@example.test\r\nSubject: hello\r\n\r\n" . "hello\r\n" x 5000;
    my $file = $realm->path('message');
    open my $out, '>', $file or die;
    print $out $message;
    close $out;
    my @put = ('-X', 'PUT', '-H', 'Content-Type: message/rfc822', '-H', 'Translate: f', '--data-binary', "\@$file");
    is($curl->('--ntlm', '-u', 'alice:pw-alice', @put, "http://127.0.0.1:$front->{port}${box}Drafts/curl.EML"), '201/1 ', 'a body goes up');
    is($curl->('--ntlm', '-u', 'alice:pw-alice', @put, '-H', 'Transfer-Encoding: chunked', "http://127.0.0.1:$front->{port}${box}Drafts/two.EML"),
        '201/1 ', '  in chunks, too');
    my $got = `curl -sS -m 30 --noproxy '*' --ntlm -u alice:pw-alice -H 'Translate: f' 'http://127.0.0.1:$front->{port}${box}Drafts/two.EML'`;
    is($got, $message, '  and comes down');
};

subtest 'the login belongs to the connection' => sub {
    $sim->control(POST => '/_sim/reset');
    my ($c, $neighbour) = (connection(), connection());
    is(scalar(NtlmClient::logon($c, 'alice', 'pw-alice'))->{status}, 207, 'alice');
    my %plain = (Depth => 0, 'X-Request-Id' => '00000000000000aa');
    is($c->request(PROPFIND => $box, \%plain)->{status}, 207, 'later requests on it need no header') for 1 .. 2;
    my $r = $neighbour->request(PROPFIND => $box, \%plain);
    is("$r->{status} @{ $r->{headers}{'www-authenticate'} }", '401 Negotiate NTLM', 'her neighbour is asked who he is');
    is(connection()->request(PROPFIND => $box, { %plain, 'X-Sim-User' => 'alice', 'X-Sim-Secret' => NtlmFront::secret() })->{status}, 401,
        'what the front tells the simulator, nobody tells the front');
    is($c->request(GET => '/_sim/settings', {})->{status}, 404, '/_sim/ is not passed on');
    is(scalar(my @lines = split /\n/, $sim->control(GET => '/_sim/witness')), 1, 'the simulator saw hers only');
    like($lines[0], qr/^00000000000000aa\talice\ttrusted\talice\t\d+\t2$/, '  as alice');
    is(scalar(NtlmClient::logon($neighbour, 'bob', 'pw-bob', path => '/exchange/bob/'))->{status}, 207, 'the neighbour is bob');
    is($c->request(PROPFIND => '/exchange/bob/', \%plain)->{status}, 403, '  which makes no difference to her');
    my %conn = map { $_->{user} => $_->{connection} } $sim->requests;
    isnt($conn{alice}, $conn{bob}, '  each has a connection to the simulator');
    is(scalar(NtlmClient::logon(connection(), 'alice', 'pw-alice', scheme => 'Negotiate', domain => 'INTRANET'))->{status}, 207, 'under the name of Negotiate');

    is(scalar(NtlmClient::logon($c, 'bob', 'pw-bob', path => '/exchange/bob/'))->{status}, 207, 'bob over the connection that was hers');
    is($sim->control(GET => '/_sim/counters')->{'connection-two-users'}, 1, '  is noticed');
    is(scalar(NtlmClient::logon($c, 'alice', 'wrong'))->{status}, 401, 'a failed login');
    is($c->request(PROPFIND => '/exchange/bob/', \%plain)->{status}, 401, '  ends what was before');
};

subtest 'wrong requests' => sub {
    my ($r, $type2) = NtlmClient::logon(connection(), 'alice', 'pw-alice');
    my $replay = NtlmClient::type3($type2, 'alice', 'pw-alice');
    is(connection()->request(PROPFIND => $box, NtlmClient::auth('NTLM', $replay))->{status}, 401, 'message 3 on another connection');
    is(connection()->request(PROPFIND => $box, NtlmClient::auth('NTLM', $_))->{status}, 401, 'rubbish of ' . length($_) . ' bytes')
        for '', 'NTLMSSP', "NTLMSSP\0\3" . "\0" x 60, 'x' x 20000;
    for (["Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n"], ['Content-Length: x', ''], ["Content-Length: 1\r\nContent-Length: 2", 'ab'],
        ['Transfer-Encoding: chunked', "zz\r\n"]) {
        is(connection()->raw("PUT ${box}x.EML HTTP/1.1\r\nHost: exchange.test\r\n$_->[0]\r\n\r\n$_->[1]")->{status}, 400, $_->[0] =~ s/\r\n/, /r);
    }
    my $c = connection();
    is(scalar(NtlmClient::logon($c, 'alice', 'pw-alice'))->{status}, 207, 'it goes on');
    $sim->fault('login-expired:1');
    my $lost = $c->request(PROPFIND => $box, { Depth => 0 });
    is("$lost->{status} @{ $lost->{headers}{'www-authenticate'} }", '401 Negotiate NTLM', 'a lost logon is to be proved again');
    is(scalar(NtlmClient::logon($c, 'alice', 'pw-alice'))->{status}, 207, '  and can be');
    $sim->fault('reset-before');
    is($c->request(PROPFIND => $box, { Depth => 0 })->{status}, 0, 'a connection that the simulator breaks off is broken off');
    $sim->no_faults;
    unlike($front->log, qr/pw-|[0-9a-f]{32}/, 'neither a password nor the secret is in its log');
};

subtest 'gone' => sub {
    my ($dir, $pid) = ($realm->{dir}, $front->{pid});
    $front->stop;
    $sim->stop;
    $realm->stop;
    ok(!-e $dir && !kill(0, $pid), 'realm and front');
};

done_testing;
