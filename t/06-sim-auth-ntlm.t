#!/usr/bin/perl
# NTLM in the simulator: verified for real, and bound to the connection (rule 11). The client is
# our own, so that it can be wrong in every way; curl shows that a real one gets through.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use NtlmClient qw(md4 type3 auth logon $TYPE1);
use SimRun;
use Test::More;

is(unpack('H*', md4('abc')), 'a448017aaf21d8525fc10ae87aa6729d', 'this client computes MD4');

my $sim = SimRun->start('--auth', 'ntlm');
my %plain = (Depth => 0);

subtest 'the handshake, and what it is worth' => sub {
    my $c = $sim->connect;
    my $r = $c->request(PROPFIND => '/exchange/alice/', \%plain);
    is($r->{status}, 401, 'without credentials');
    is_deeply($r->{headers}{'www-authenticate'}, ['NTLM'], 'NTLM is offered');
    is(logon($c, 'alice', 'pw-alice')->{status}, 207, 'three messages on one connection');
    is($c->request(PROPFIND => '/exchange/alice/', \%plain)->{status}, 207,
        'later requests on it need no header');
    is($sim->once(PROPFIND => '/exchange/alice/', \%plain)->{status}, 401, 'a new connection does');
    is($c->request(PROPFIND => '/exchange/alice/', \%plain)->{status}, 207, 'the first one still counts');
};

subtest 'names and domains' => sub {
    for my $ok ([ 'ALICE', '' ], [ 'alice', 'EXAMPLE' ], [ 'alice', 'example.test' ],
        [ 'alice@example.test', '' ]) {
        is(scalar(logon($sim->connect, $ok->[0], 'pw-alice', domain => $ok->[1]))->{status}, 207,
            "$ok->[1]\\$ok->[0]");
    }
    is(scalar(logon($sim->connect, 'alice', 'pw-alice', domain => 'OTHER'))->{status}, 401, 'another domain');
};

subtest 'wrong clients are refused' => sub {
    is(scalar(logon($sim->connect, 'alice', 'pw-bob'))->{status}, 401, 'wrong password');
    is(scalar(logon($sim->connect, 'nobody', 'pw-alice'))->{status}, 401, 'unknown user');
    is(scalar(logon($sim->connect, '', ''))->{status}, 401, 'anonymous');
    is(scalar(logon($sim->connect, 'alice', 'pw-alice', response => 'x' x 24))->{status}, 401, 'NTLM version 1');
    is(scalar(logon($sim->connect, 'alice', 'pw-alice', response => ''))->{status}, 401, 'no response');
    is(scalar(logon($sim->connect, 'alice', 'pw-alice', challenge => 'notthis!'))->{status}, 401,
        'an answer to another challenge');

    my ($first, $second) = ($sim->connect, $sim->connect);
    my ($r, $type2) = logon($first, 'alice', 'pw-alice');
    my $replay = type3($type2, 'alice', 'pw-alice');
    $r = $second->request(PROPFIND => '/exchange/alice/', auth('NTLM', $replay));
    is($r->{status}, 401, 'message 3 on another connection');
    like($r->{headers}{'x-sim-wrong'}[0] // '', qr/^rule 11: /, 'which is named as the mistake');
    is($first->request(PROPFIND => '/exchange/alice/', auth('NTLM', $replay))->{status}, 401,
        'message 3 a second time');
    is($first->request(PROPFIND => '/exchange/alice/', \%plain)->{status}, 401,
        'after which the connection is nobody\'s');
    for my $junk ('', 'NTLMSSP', 'NTLMSSP' . "\0" x 40, $TYPE1 . 'x' x 20000, "\xff" x 64,
        substr($replay, 0, 60)) {
        is($sim->once(PROPFIND => '/exchange/alice/', auth('NTLM', $junk))->{status},
            401, 'rubbish of ' . length($junk) . ' bytes');
    }
};

subtest 'one connection, two users' => sub {
    $sim->control(POST => '/_sim/reset');
    my $c = $sim->connect;
    is(scalar(logon($c, 'alice', 'pw-alice'))->{status}, 207, 'alice');
    is(scalar(logon($c, 'bob', 'pw-bob'))->{status}, 403, 'bob logs on over it: alice\'s mailbox is not his');
    is($c->request(PROPFIND => '/exchange/bob/', \%plain)->{status}, 207, 'now the connection is bob\'s');
    is(scalar(logon($c, 'alice', 'wrong'))->{status}, 401, 'a failed logon');
    is($c->request(PROPFIND => '/exchange/bob/', \%plain)->{status}, 401, 'ends the old identity');
    my $counters = $sim->control(GET => '/_sim/counters');
    is("$counters->{'connection-two-users'} $counters->{'credential-differs'}", '1 2', 'which was counted: the first, and both names');
    is(join(' ', map { $_->{means} } $sim->requests), '- ntlm - ntlm connection - - -', 'by which means each was who he was');
};

subtest 'the connection is closed after so many requests' => sub {
    $sim->control(POST => '/_sim/settings?connection-requests=4');
    my $c = $sim->connect;
    is(scalar(logon($c, 'alice', 'pw-alice'))->{status}, 207, 'logged on: two requests');
    is($c->request(PROPFIND => '/exchange/alice/', \%plain)->{status}, 207, 'the third');
    my $last = $c->request(PROPFIND => '/exchange/alice/', \%plain);
    is("$last->{status} $last->{headers}{connection}[0]", '207 close', 'the fourth says it is the last');
    ok($c->closed, 'closed');
    $sim->control(POST => '/_sim/settings?connection-requests=0');
};

subtest 'NTLM under the name of Negotiate' => sub {
    is(scalar(logon($sim->connect, 'alice', 'pw-alice', scheme => 'Negotiate'))->{status}, 401,
        'not while it is not offered');
    $sim->control(POST => '/_sim/settings?auth-offer=Negotiate,NTLM');
    is(scalar(logon($sim->connect, 'alice', 'pw-alice', scheme => 'Negotiate'))->{status}, 207, 'offered');
    $sim->control(POST => '/_sim/settings?auth-offer=');
};

subtest 'curl' => sub {
    plan skip_all => 'curl is not installed' unless grep { -x "$_/curl" } split /:/, $ENV{PATH};
    my @curl = ('curl', '-sS', '-m', 20, '-o', '/dev/null', '-w', '%{http_code} ', '--noproxy', '*');
    my $run = sub { open my $h, '-|', @curl, @_ or die; local $/; return scalar <$h> };
    my $url = "$sim->{url}exchange/alice/";
    is($run->('--ntlm', '-u', 'alice:pw-alice', '-X', 'PROPFIND', '-H', 'Depth: 0', $url), '207 ', 'PROPFIND');
    is($run->('--ntlm', '-u', 'EXAMPLE\\alice:pw-alice', '-X', 'PROPFIND', '-H', 'Depth: 0', $url), '207 ',
        'with domain');
    is($run->('--ntlm', '-u', 'alice:wrong', '-X', 'PROPFIND', '-H', 'Depth: 0', $url), '401 ', 'wrong password');
    is($run->('--anyauth', '-u', 'alice:pw-alice', '-X', 'PROPFIND', '-H', 'Depth: 0', $url), '207 ',
        'by what is on offer');
    my $message = "To: bob\@example.test\r\nSubject: hello\r\n\r\nhello\r\n";
    is($run->('--ntlm', '-u', 'alice:pw-alice', '-X', 'PUT', '-H', 'Content-Type: message/rfc822', '-H',
            'Translate: f', '--data-binary', $message, "${url}Drafts/curl.EML"), '201 ',
        'a body goes with the third message only');
};

done_testing;
