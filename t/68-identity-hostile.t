#!/usr/bin/perl
# Hostile and odd calendar servers, for each way of presenting a person: every answer has a status and
# a reason of the table within its deadline, none is 401, nothing of what the server said about logins
# reaches the browser, no credential goes anywhere else, and a refused password is sent once.
use strict;
use warnings;
use FindBin qw($Bin);
use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;
use Time::HiRes qw(time);
use lib "$Bin/lib";
use Httpd;
use SimRun;
use Upstream;

my $deadline = 10;
my $timeouts = 'OwaCalTimeout connect=1s step=1s operation=2s undo=1s answer=100ms';
my $decoy = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "decoy: $!";
my $elsewhere = 'http://127.0.0.1:' . $decoy->sockport;
my $read = '/booking/bookings?start=2099-03-01T00:00&end=2099-03-10T00:00';

# ---- replies ----
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
my %behave = (
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
my @kinds = sort keys %behave;

# What may come of it. Whatever is not named here is a refusal, and said so.
my $refused = qr/^(?:403|502) upstream-refused-login$/;
my $broken = qr/^(?:502 upstream-(?:error|protocol|too-large|refused-login)|503 upstream-unavailable|504 upstream-timeout|403 upstream-refused-login)$/;
my $denied = qr/^(?:403 access-denied|403 upstream-refused-login|502 upstream-(?:error|protocol))$/;
my %want = (
    (map { $_ => $broken } grep { /^(?:ten thousand|a flood|a challenge of 60|closed (?:within|after)|401 cut|407|100|a change|silence|a flood|a type 2, then)/ } @kinds),
    (map { $_ => $denied } grep { /^440/ } @kinds),
    (map { $_ => qr/^(?:502 upstream-(?:redirect|protocol)|403 upstream-refused-login)$/ } grep { /redirect/ } @kinds),
    'a redirect of the logon form' => qr/^(?:502 upstream-error|403 access-denied)$/,    # 440, but for the logon
    (map { $_ => qr/^(?:502 upstream-(?:protocol|refused-login)|403 upstream-refused-login)$/ } grep { /login page/ } @kinds),
);

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

# How often the password went out: as a header, as the last message of a handshake, as a form.
my %sent = (
    basic => sub { scalar grep { ($_->{headers}{authorization} // '') =~ /^Basic / } @_ },
    ntlm => sub { scalar grep { ntlm_type($_) == 3 } @_ },
    forms => sub { scalar grep { $_->{target} =~ /owaauth/ } @_ },
);

my $up = Upstream->start(%behave);
my %people = map { my $who = "u$_"; $who => "pw-$who" } 0 .. $#kinds;
for my $how (qw(basic ntlm forms)) {
    subtest "upstream=$how" => sub {
        my $web = Httpd->start(backend => $up->{url}, children => 1, threads => 8, server => $timeouts, passwords => \%people,
            location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE", loglevel => 'owacal:trace8');
        for my $i (0 .. $#kinds) {
            my ($kind, $who) = ($kinds[$i], "u$i");
            next if $how ne 'basic' && $kind =~ /^(?:100 without end|a change of protocol)$/;    # before any login: all the same
            $up->behave($kind);
            my $got = ask($web, $who, GET => $read);
            # The web server wants a login before the form's: nobody looked at the password, and it is said so.
            next if $how eq 'forms' && $got eq '500 misconfigured' && ($up->requests)[-1]{target} =~ /owaauth/;
            like($got, $want{$kind} // $refused, "$kind: $got");
            my @requests = $up->requests;
            my $first = $sent{$how}->(@requests);
            cmp_ok(scalar @requests, '<=', 12, '  a few requests at most');
            next if $how eq 'basic' && $got !~ /refused-login/;    # it goes along with each request then
            cmp_ok($first, '<=', 1, '  the password was sent once') or diag explain [map { "$_->{method} $_->{target} " . ($_->{headers}{authorization} // '') } @requests];
            next if !$first || $got !~ /refused-login/;
            like(ask($web, $who, GET => $read), $refused, '  once more: the same');
            is($sent{$how}->($up->requests), $first, '  without sending it again');
        }
        nothing_seen($how);
        ok(!IO::Select->new($decoy)->can_read(0), 'no other host was contacted');
        unlike($web->log, qr/exit signal|segfault/i, 'no crash');
        my %shown = map { encode_base64("EXAMPLE\\$_:pw-$_", '') => 1, encode_base64("$_:pw-$_", '') => 1 } keys %people;
        is(join(' ', grep { index($web->log, $_) >= 0 } 'pw-u', sort keys %shown), '', 'no password in the log');
        ok($web->stop, 'stops');
    };
}

# ---- an honest server on bad connections ----
my %sim_args = (basic => [], ntlm => [], forms => ['--set', 'fba-plain=yes']);
for my $how (qw(basic ntlm forms)) {
    subtest "upstream=$how, connections that end" => sub {
        my $sim = SimRun->start('--auth', $how, @{ $sim_args{$how} });
        my $web = Httpd->start(backend => $sim->{url}, children => 1, server => $timeouts, location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE");
        is(ask($web, $_, GET => $read), '200 data', "$_ reads") for qw(alice bob);
        $sim->fault('close-silently');
        my %before = map { $_->{id} => 1 } $sim->requests;
        for my $round (1 .. 3) {
            is(ask($web, $_, GET => $read), '200 data', "$_ reads, though each reply ends its connection") for qw(alice bob);
        }
        $sim->no_faults;
        my @new = grep { !$before{ $_->{id} } && $_->{target} =~ m{^/exchange/} } $sim->requests;
        cmp_ok(scalar(@new), '>=', 6, 'all were asked');
        is(scalar(grep { my ($box) = $_->{target} =~ m{^/exchange/(\w+)}; $_->{user} && lc $box ne lc $_->{user} } @new), 0, 'none as anybody else');

        # A write that is answered 401: it is not known to have been executed, and never sent again as it is.
        my $subject = "Once $how";
        for my $method (qw(PROPPATCH MOVE)) {
            my ($mark) = (map { $_->{id} } $sim->requests)[-1];
            $sim->fault("status=401:method=$method");
            my $got = ask($web, 'alice', POST => '/booking/bookings', { subject => $subject, room => 'room1', start => '2099-05-01T10:00', duration => 30 });
            $sim->no_faults;
            isnt($got, '201 data', "a $method answered by 401: no success ($got)");
            my %times;
            $times{"$_->{method} $_->{target}"}++ for grep { $_->{id} > $mark && $_->{method} eq $method } $sim->requests;
            is(join(', ', grep { $times{$_} > ($how eq 'forms' ? 2 : $how eq 'ntlm' ? 3 : 1) } sort keys %times), '', '  and it was not sent again') or diag explain \%times;
        }
        is(ask($web, 'alice', GET => $read), '200 data', 'alice goes on: her password was not taken for a wrong one');
        nothing_seen($how);
        unlike($web->log, qr/exit signal|segfault|pw-alice|pw-bob/i, 'no crash, no password in the log');
    };
}
note join "\n", map { "$reasons{$_} x $_" } sort keys %reasons;
done_testing();
