#!/usr/bin/perl
# NTLM in the simulator: verified for real, and bound to the connection (rule 11). The client of this
# file is its own, so that it can be wrong in every way; curl shows that a real one gets through.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5);
use Encode qw(encode);
use MIME::Base64 qw(encode_base64 decode_base64);
use SimRun;
use Test::More;

# MD4 (RFC 1320); Perl's core has none.
sub md4 {
    my ($m) = @_;
    my @s = (0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
    my $bits = 8 * length $m;
    $m .= "\x80";
    $m .= "\0" while length($m) % 64 != 56;
    $m .= pack 'VV', $bits, 0;
    my $rol = sub { my ($x, $n) = @_; $x &= 0xffffffff; return (($x << $n) | ($x >> (32 - $n))) & 0xffffffff };
    for my $block (unpack '(a64)*', $m) {
        my @x = unpack 'V16', $block;
        my ($a, $b, $c, $d) = @s;
        my @k = ([ 0 .. 15 ], [ map { ($_, $_ + 4, $_ + 8, $_ + 12) } 0 .. 3 ],
            [ 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 ]);
        my @shift = ([ 3, 7, 11, 19 ], [ 3, 5, 9, 13 ], [ 3, 9, 11, 15 ]);
        my @add = (0, 0x5a827999, 0x6ed9eba1);
        for my $round (0 .. 2) {
            for my $i (0 .. 15) {
                my $f = $round == 0 ? ($b & $c) | (~$b & $d & 0xffffffff)
                    : $round == 1 ? ($b & $c) | ($b & $d) | ($c & $d) : $b ^ $c ^ $d;
                my $t = $rol->($a + $f + $x[ $k[$round][$i] ] + $add[$round], $shift[$round][ $i % 4 ]);
                ($a, $b, $c, $d) = ($d, $t, $b, $c);
            }
        }
        $s[0] += $a; $s[1] += $b; $s[2] += $c; $s[3] += $d;
        $_ &= 0xffffffff for @s;
    }
    return pack 'V4', @s;
}
is(unpack('H*', md4('abc')), 'a448017aaf21d8525fc10ae87aa6729d', 'this client computes MD4');

sub hmac {
    my ($key, $data) = @_;
    $key .= "\0" x (64 - length $key);
    return md5(($key ^ ("\x5c" x 64)) . md5(($key ^ ("\x36" x 64)) . $data));
}
sub utf16 { return encode('UTF-16LE', $_[0]) }

my $TYPE1 = "NTLMSSP\0" . pack 'VVx16', 1, 0x00088207;

sub type3 {
    my ($type2, $user, $password, %o) = @_;
    my $challenge = $o{challenge} // substr $type2, 24, 8;
    my ($len, $off) = unpack 'vx2V', substr $type2, 40, 8;
    my $info = substr $type2, $off, $len;
    my $domain = $o{domain} // '';
    my $blob = pack('V2', 0x101, 0) . pack('V2', 0, 0x01d00000) . 'clientch' . pack('V', 0) . $info . pack('V', 0);
    my $key = hmac(md4(utf16($password)), utf16(uc $user) . utf16($domain));
    my $nt = $o{response} // hmac($key, $challenge . $blob) . $blob;
    my @payload = (utf16($domain), utf16($user), utf16('WS'), "\0" x 24, $nt, '');
    my ($offset, @field) = (64);
    for (@payload) { push @field, pack 'vvV', length, length, $offset; $offset += length }
    return "NTLMSSP\0" . pack('V', 3) . $field[3] . $field[4] . $field[0] . $field[1] . $field[2] . $field[5]
        . pack('V', 0x00088201) . join '', @payload;
}

sub auth { return { Depth => 0, 'Content-Length' => 0, Authorization => "$_[0] " . encode_base64($_[1], '') } }

# The two legs on one connection; returns the last reply, and the challenge for those who want it.
sub logon {
    my ($c, $user, $password, %o) = @_;
    my $scheme = $o{scheme} // 'NTLM';
    my $first = $c->request(PROPFIND => '/exchange/alice/', auth($scheme, $TYPE1));
    my ($token) = ($first->{headers}{'www-authenticate'}[0] // '') =~ /^\Q$scheme\E (\S+)$/ or return $first;
    my $type2 = decode_base64($token);
    my $r = $c->request(PROPFIND => '/exchange/alice/', auth($scheme, type3($type2, $user, $password, %o)));
    return wantarray ? ($r, $type2) : $r;
}

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
