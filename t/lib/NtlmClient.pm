package NtlmClient;

# NTLM as a client speaks it, for tests: its own, so that it can be wrong in every way.
#
#   my $r = NtlmClient::logon($connection, 'alice', 'pw-alice', %options);     # the last reply
#   my ($r, $type2) = NtlmClient::logon(..);                                   # and the challenge
#   NtlmClient::auth('NTLM', $message)                                         # headers for a request
#   NtlmClient::type3($type2, 'alice', 'pw-alice', %options)
#
# $connection is one of SimRun's. Options: scheme (NTLM or Negotiate), domain, path, and, to be wrong,
# challenge and response.

use strict;
use warnings;
use Digest::MD5 qw(md5);
use Encode qw(encode);
use Exporter qw(import);
use MIME::Base64 qw(encode_base64 decode_base64);

our @EXPORT_OK = qw(md4 type3 auth logon $TYPE1);

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

sub hmac {
    my ($key, $data) = @_;
    $key .= "\0" x (64 - length $key);
    return md5(($key ^ ("\x5c" x 64)) . md5(($key ^ ("\x36" x 64)) . $data));
}
sub utf16 { return encode('UTF-16LE', $_[0]) }

our $TYPE1 = "NTLMSSP\0" . pack 'VVx16', 1, 0x00088207;

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
    my $path = $o{path} // '/exchange/alice/';
    my $first = $c->request(PROPFIND => $path, auth($scheme, $TYPE1));
    my ($token) = ($first->{headers}{'www-authenticate'}[0] // '') =~ /^\Q$scheme\E (\S+)$/ or return $first;
    my $type2 = decode_base64($token);
    my $r = $c->request(PROPFIND => $path, auth($scheme, type3($type2, $user, $password, %o)));
    return wantarray ? ($r, $type2) : $r;
}

1;
