package Hostile;

# Hostile and odd calendar servers: one table for every way of presenting a person, and what must hold of
# every reply. Core modules only.
#
#   my %behave = Hostile::replies($elsewhere);    # for Upstream->start; $elsewhere: http://HOST:PORT of a decoy
#   like($got, Hostile::may($kind), $kind);       # what may come of it: "502 upstream-error"
#   Hostile::sent('ntlm', $up->requests);         # how often the password went out; basic, ntlm, forms
#   my $got = Hostile::ask($web, 'alice', GET => $path);
#   Hostile::nothing_seen($name);                 # ok unless one of the replies since was 401, late, ..
#
#   Hostile::ticket(sub { my ($up) = @_; return front($up) }, sub { my ($web) = @_; return ("502 x", $head) });
#       all of it for a ticket: a server in front of $up, one request there, its outcome and its headers

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;
use Time::HiRes qw(time);
use Upstream;

our $deadline = 10;     # seconds, for everything

sub reply {
    my ($status, $headers, $body) = @_;
    $body //= '';
    return "HTTP/1.1 $status X\r\n" . join('', map { "$_\r\n" } @$headers) . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

# A challenge of type 2 as a server would send it: flags and a nonce, no target information.
my $type2 = encode_base64("NTLMSSP\0" . pack('V vvV V', 2, 0, 0, 48, 0x00008201) . 'nonce678' . "\0" x 8 . pack('vvV', 0, 0, 48), '');
sub ntlm_type { my ($r) = @_; my ($token) = ($r->{headers}{authorization} // '') =~ /^NTLM (.+)/ or return 0; return unpack 'x8 V', decode_base64($token) }

my @offer = map { "WWW-Authenticate: $_" } 'Negotiate', 'NTLM', 'Basic realm="x"';
my $noise = join "\r\n", 'Proxy-Authenticate: Basic realm="x"', 'Authentication-Info: nextnonce="x"', 'Set-Cookie: evil=1; Path=/',
    'Set-Cookie: sessionid=taken', 'Proxy-Authentication-Info: x=y';
my $form = '<html><form action="/exchweb/bin/auth/owaauth.dll" method="POST"><input name="username"><input name="password" type="password"></form></html>';
# The handshake goes well until the last message; then this.
my $after_login = sub {
    my ($last) = @_;
    return sub {
        my ($r, $c) = @_;
        return reply(401, ["WWW-Authenticate: NTLM $type2", $noise]) if ntlm_type($r) == 1;
        return reply(302, ['Location: /exchange/', 'Set-Cookie: sessionid=a', 'Set-Cookie: cadata=b']) if $r->{target} =~ /owaauth/;
        return $last->($r, $c);
    };
};

sub replies {
    my ($elsewhere) = @_;
    return (
        '401 for ever' => sub { reply(401, [@offer, $noise]) },
        '401 after the handshake' => $after_login->(sub { reply(401, [@offer, $noise]) }),
        'unknown schemes only' => sub { reply(401, ['WWW-Authenticate: Foo bar="baz"', 'WWW-Authenticate: Bar', $noise]) },
        '401 without a scheme' => sub { reply(401, [$noise]) },
        'two challenges of one name' => sub { reply(401, ['WWW-Authenticate: Basic realm="a"', 'WWW-Authenticate: Basic realm="b"', 'WWW-Authenticate: NTLM', 'WWW-Authenticate: NTLM', $noise]) },
        'ten thousand challenges' => sub { reply(401, [@offer, map { "WWW-Authenticate: S$_" } 1 .. 10_000]) },
        'a challenge of 60 KB' => sub { reply(401, ['WWW-Authenticate: NTLM ' . 'A' x 60_000, 'WWW-Authenticate: Negotiate ' . 'B' x 60_000]) },
        'a challenge over many lines' => sub { reply(401, ["WWW-Authenticate: Basic\r\n realm=\"x\",\r\n\tNTLM,\r\n Set-Cookie: a=b", $noise]) },
        'a challenge that is no token' => sub { reply(401, ['WWW-Authenticate: NTLM !!!%%%', 'WWW-Authenticate: Negotiate !!!', $noise]) },
        'a type 2 for ever' => sub { reply(401, ["WWW-Authenticate: NTLM $type2", $noise]) },
        'a type 2, then closed' => sub { ntlm_type($_[0]) == 1 ? reply(401, ["WWW-Authenticate: NTLM $type2", 'Connection: close']) . "\0close" : reply(401, [@offer]) },
        'closed within the handshake' => sub { ntlm_type($_[0]) == 1 ? reply(401, ["WWW-Authenticate: NTLM $type2"]) . "\0close" : undef },
        '401 cut off in its body' => sub { "HTTP/1.1 401 X\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 1000\r\n\r\nno\0close" },
        '407' => sub { reply(407, [@offer, $noise]) },
        '407 after the handshake' => $after_login->(sub { reply(407, [@offer, $noise]) }),
        '440' => sub { reply(440, [$noise]) },
        '440 after the handshake' => $after_login->(sub { reply(440, [$noise]) }),
        'a redirect to another host' => sub { reply(302, ["Location: $elsewhere/exchange/", @offer, $noise]) },
        'such a redirect after the handshake' => $after_login->(sub { reply(307, ["Location: $elsewhere$_[0]{target}", $noise]) }),
        'a redirect of the logon form' => sub { $_[0]{target} =~ /owaauth/ ? reply(307, ["Location: $elsewhere$_[0]{target}", 'Set-Cookie: sessionid=a']) : reply(440, []) },
        'a redirect in a circle' => sub { reply(302, ["Location: $_[0]{target}", $noise]) },
        'a login page' => sub { reply(200, ['Content-Type: text/html', $noise], $form) },
        'a login page after the handshake' => $after_login->(sub { reply(200, ['Content-Type: text/html', $noise], $form) }),
        'a flood of cookies' => sub { reply(302, ['Location: /exchange/', map { "Set-Cookie: cadata$_=" . 'x' x 100 } 1 .. 600]) },
        'a flood of cookies after the handshake' => $after_login->(sub { reply(403, [map { "Set-Cookie: sessionid=$_; x=" . 'x' x 100 } 1 .. 600]) }),
        'many 100' => sub { "HTTP/1.1 100 Continue\r\nWWW-Authenticate: Basic realm=\"y\"\r\nSet-Cookie: a=b\r\n\r\n" x 50 . reply(401, [@offer, $noise]) },
        '100 and no more' => sub { "HTTP/1.1 100 Continue\r\n\r\n\0close" },
        '100 without end' => sub { my ($r, $c) = @_; for (1 .. 5000) { syswrite $c->{socket}, "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" or return; select undef, undef, undef, 0.005 } return },
        'a change of protocol' => sub { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" },
        'a change of protocol after the handshake' => $after_login->(sub { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" . reply(200, []) }),
        'closed after the proof' => sub { ntlm_type($_[0]) == 1 ? reply(401, ["WWW-Authenticate: NTLM $type2"]) : undef },
        'silence after the challenge' => sub { ntlm_type($_[0]) == 1 ? reply(401, ["WWW-Authenticate: NTLM $type2"]) : do { sleep 20; undef } },
    );
}

# What may come of it. Whatever is not named here is a refusal, and said so.
my $refused = qr/^(?:403|502) upstream-refused-login$/;
my $broken = qr/^(?:502 upstream-(?:error|protocol|too-large|refused-login)|503 upstream-unavailable|504 upstream-timeout|403 upstream-refused-login)$/;
my $denied = qr/^(?:403 access-denied|403 upstream-refused-login|502 upstream-(?:error|protocol))$/;
sub may {
    my ($kind) = @_;
    return $kind eq 'a redirect of the logon form' ? qr/^(?:502 upstream-error|403 access-denied)$/    # 440, but for the logon
        : $kind =~ /^(?:ten thousand|a flood|a challenge of 60|closed (?:within|after)|401 cut|407|100|a change|silence|a type 2, then)/ ? $broken
        : $kind =~ /^440/ ? $denied
        : $kind =~ /redirect/ ? qr/^(?:502 upstream-(?:redirect|protocol)|403 upstream-refused-login)$/
        : $kind =~ /login page/ ? qr/^(?:502 upstream-(?:protocol|refused-login)|403 upstream-refused-login)$/
        : $refused;
}

# As a header, as the last message of a handshake, as a form.
my %sent = (
    basic => sub { scalar grep { ($_->{headers}{authorization} // '') =~ /^Basic / } @_ },
    ntlm => sub { scalar grep { ntlm_type($_) == 3 } @_ },
    forms => sub { scalar grep { $_->{target} =~ /owaauth/ } @_ },
);
sub sent { my ($how, @requests) = @_; return $sent{$how}->(@requests) }

# ---- what must hold of every reply ----
my (@seen, %reasons);
sub ask {
    my ($web, $user, @rest) = @_;
    my $began = time;
    my $r = $web->json($user, @rest);
    my $what = "$r->{status} " . ($r->{json}{reason} // ($r->{json} ? 'data' : '?'));
    push @seen, "$user: 401" if $r->{status} == 401;
    push @seen, "$user: " . int(time - $began) . ' s' if time - $began > $deadline;
    push @seen, "$user: $_" for grep { /^(?:www-authenticate|proxy-authenticate|set-cookie|authentication-info|proxy-authentication-info)$/ } keys %{ $r->{headers} };
    push @seen, "$user: a password is shown" if $r->{content} =~ /pw-/;
    $reasons{$what}++;
    return $what;
}
sub nothing_seen { my ($name) = @_; is(join("\n", splice @seen), '', "$name: no 401, nothing passed on, each in time"); return }
sub reasons { return map { "$reasons{$_} x $_" } sort keys %reasons }

# ---- a ticket before such a server ----
sub ticket {
    my ($start, $one) = @_;
    my $decoy = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die;
    my $elsewhere = 'http://127.0.0.1:' . $decoy->sockport;
    my $noise = "Set-Cookie: evil=1\r\nAuthentication-Info: x=y\r\nProxy-Authenticate: Basic realm=\"x\"\r\n";
    my $reply = sub { my ($status, $headers, $body) = @_; $body //= ''; "HTTP/1.1 $status X\r\n$headers${noise}Content-Length: " . length($body) . "\r\n\r\n$body" };
    # Without TLS a refusal proves its sender as little as anything else, which may be what is said.
    my $refused = qr/^502 upstream-(?:refused-login|protocol)$/;
    my %kind = (
        '401 for ever' => [qr/^502 upstream-refused-login$/, sub { $reply->(401, "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n") }],
        'a token that goes on' => [$refused, sub { $reply->(401, 'WWW-Authenticate: Negotiate oYGUMIGRoAMKAQ==' . "\r\n") }],
        'unknown schemes only' => [$refused, sub { $reply->(401, "WWW-Authenticate: Foo\r\n") }],
        'a weaker scheme only' => [$refused, sub { $reply->(401, "WWW-Authenticate: Basic realm=\"x\"\r\n") }],
        'ten thousand challenges' => [qr/^502 upstream-(?:too-large|error)$/, sub { $reply->(401, join '', map { "WWW-Authenticate: S$_\r\n" } 1 .. 10_000) }],
        'a token of 60 KB' => [qr/^502 upstream-(?:too-large|error|protocol|refused-login)$/, sub { $reply->(401, 'WWW-Authenticate: Negotiate ' . 'B' x 60_000 . "\r\n") }],
        'status 407' => [qr/^502 upstream-(?:error|protocol)$/, sub { $reply->(407, '') }],
        'a redirect to another host' => [qr/^502 upstream-(?:redirect|protocol)$/, sub { $reply->(302, "Location: $elsewhere/exchange/\r\n") }],
        'a login page' => [qr/^502 upstream-(?:protocol|refused-login)$/, sub { $reply->(200, "Content-Type: text/html\r\n", '<form action="owaauth.dll">') }],
        'success without proof' => [qr/^502 upstream-protocol$/, sub { $reply->(207, "Content-Type: text/xml\r\n", '<a:multistatus xmlns:a="DAV:"/>') }],
        'a false proof' => [qr/^502 upstream-protocol$/, sub { $reply->(207, "Content-Type: text/xml\r\nWWW-Authenticate: Negotiate YQ==\r\n", '<a:multistatus xmlns:a="DAV:"/>') }],
        'closed at once' => [qr/^50[23] upstream-(?:error|unavailable)$/, sub { undef }],
    );
    my $up = Upstream->start(map { $_ => $kind{$_}[1] } keys %kind);
    my $web = $start->($up);
    for my $name (sort keys %kind) {
        $up->behave($name);
        my ($got, $head) = $one->($web);
        like($got, $kind{$name}[0], $name) or diag $web->log =~ s/.*debug.*\n//gr;
        unlike($head, qr/^(?:Set-Cookie|Authentication-Info|Proxy-Auth\w*|WWW-Authenticate: (?!Negotiate o))/mi, '  nothing is passed on') or diag $head;
        my @sent = map { $_->{headers}{authorization} // '' } $up->requests;
        is(scalar(grep { !/^Negotiate / } @sent), 0, '  never another way') or diag explain \@sent;
        my %times;
        $times{$_}++ for @sent;
        cmp_ok((sort { $b <=> $a } values %times)[0] // 0, '<=', 1, '  each token once');
    }
    ok(!IO::Select->new($decoy)->can_read(0), 'no other host was contacted');
    return;
}

1;
