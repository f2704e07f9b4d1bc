#!/usr/bin/perl
# AuthType OwaCalNtlm: the browser's own NTLM login, passed on over one upstream connection that belongs
# to the client's. The simulator verifies NTLM and binds it to the connection, as IIS does; so whoever
# got onto another's connection would act as him, and its log would show it.
use strict;
use warnings;
use FindBin qw($Bin);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64 decode_base64);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib "$Bin/lib";
use Httpd;
use NtlmClient qw(type3 $TYPE1);
use SimRun;

my $AUTH = "AuthType OwaCalNtlm\n  Require valid-user";
my $no = 0;

sub ntlm { return 'NTLM ' . encode_base64($_[0], '') }
sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }
sub json { return JSON::PP->new->utf8->canonical->encode($_[0]) }
sub offers { return join ' | ', @{ $_[0]{headers}{'www-authenticate'} // [] } }
sub reason { return (eval { JSON::PP->new->utf8->decode($_[0]{body}) } // {})->{reason} // '' }

sub client { my ($web) = @_; return SimRun::Connection->new('127.0.0.1', $web->{port}) }
sub get { my ($c, $path, %h) = @_; return $c->request(GET => $path // '/booking/rooms.json', { Accept => 'application/json', %h }) }
sub post { my ($c, $data, %h) = @_; return $c->request(POST => '/booking/bookings', { Accept => 'application/json', 'Content-Type' => 'application/json', %h }, json($data)) }

# The reply to message 1, and the challenge in it.
sub first {
    my ($c, $path, %h) = @_;
    my $r = get($c, $path, Authorization => ntlm($TYPE1), %h);
    my ($token) = offers($r) =~ /^NTLM (\S+)$/;
    return ($r, $token ? decode_base64($token) : undef);
}

# Signs in on that connection; the last reply.
sub login {
    my ($c, $user, %o) = @_;
    my ($r, $type2) = first($c, $o{path});
    return $r if !$type2;
    return get($c, $o{path}, Authorization => ntlm(type3($type2, $user, $o{password} // "pw-$user")));
}

sub wait_for {
    my ($code) = @_;
    my $deadline = time + 20;
    until ($code->()) { return 0 if time > $deadline; sleep 0.05 }
    return 1;
}

# Connections that stand between httpd and that port.
sub upstream {
    my ($port) = @_;
    my $there = sprintf '0100007F:%04X', $port;
    open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    return scalar grep { my @f = split; $f[2] eq $there && $f[3] eq '01' } <$in>;
}

sub calendar { my ($sim, $name) = @_; return sort map { SimRun::subject($_) } $sim->items($name, qr/^(Calendar|Napt)/) }
sub strangers {
    my ($sim) = @_;
    return grep { my ($box) = $_->{target} =~ m{^/exchange/([^/]+)/}; $box && $box !~ /room/ && $_->{user} && lc $box ne lc $_->{user} } $sim->requests;
}

my $sim = SimRun->start('--auth', 'ntlm');
# A second location with the same login, one whose two halves do not agree, each way, and a page.
my $web = Httpd->start(backend => $sim->{url}, auth => $AUTH, location => 'OwaCalIdentity relay', http2 => 1, children => 1,
    modules => ['remoteip', 'rewrite'], top => "LimitRequestFieldSize 40000\nMaxKeepAliveRequests 200",
    server => <<'END');
OwaCalLimit per-user=50
OwaCalTimeout step=2s operation=8s undo=2s
RemoteIPHeader X-Client-Is
RemoteIPInternalProxy 127.0.0.0/8
<Location "/half-a">
  AuthType OwaCalNtlm
  Require valid-user
  SetHandler owacal
  OwaCalUse corp
  OwaCalIdentity basic
</Location>
<Location "/half-b">
  AuthType Basic
  AuthName x
  AuthBasicProvider file
  AuthUserFile @DIR@/users
  Require valid-user
  SetHandler owacal
  OwaCalUse corp
  OwaCalIdentity relay
</Location>
<Location "/pages">
  AuthType OwaCalNtlm
  Require valid-user
  OwaCalUse corp
  OwaCalIdentity relay
  ErrorDocument 401 /pages/sorry.html
  ErrorDocument 404 /pages/sorry.html
</Location>
<Directory "@DIR@/htdocs">
  Options +Includes
</Directory>
END
mkdir "$web->{dir}/htdocs/$_" for qw(pages open);
for my $where (qw(pages open)) {
    $web->write_file("htdocs/$where/with.shtml", 'Before <!--#include virtual="/booking/rooms.html" --> after');
}
$web->write_file('htdocs/pages/sorry.html', 'Sorry.');
my $origin = "http://127.0.0.1:$web->{port}";

sub curl { my @args = @_; open my $out, '-|', 'curl', '-sS', '--max-time', 30, @args or die "curl: $!"; local $/; return readline($out) // '' }

subtest 'a real client: curl --ntlm' => sub {
    my $out = curl('--ntlm', '-u', 'alice:pw-alice', "$origin/booking/rooms.json", '-w', '%{http_code}');
    like($out, qr/"boardroom".*200\z/s, 'alice gets in');
    $out = curl('--ntlm', '-u', 'bob:pw-bob', '-H', 'Content-Type: application/json', '-H', 'Accept: application/json', '-d', json(booking(subject => 'By curl', room => 'room1')),
        "$origin/booking/bookings", '-w', '%{http_code} %{num_connects}');
    like($out, qr/"state": "confirmed".*201 1\z/s, 'bob books: an empty POST, then the real one, on one connection') or diag $out, $web->log;
    is(join(' ', calendar($sim, 'bob')), 'By curl', 'it stands in his mailbox');
    is(scalar(strangers($sim)), 0, 'nobody asked as anybody else');
    ok($web->log =~ /OWACAL0584: \S+httpd\.conf line \d+: OwaCalIdentity relay: this server relays NTLM logins/, 'the log says at start what this is, and where');
    $out = curl('-v', '--http2-prior-knowledge', '--ntlm', '-u', 'alice:pw-alice', '--stderr', '-', "$origin/booking/rooms.json");
    like($out, qr/HTTP_1_1_REQUIRED.*> GET \S+ HTTP\/1\.1\r?\n.*"boardroom"/s, 'HTTP/2 is told to use HTTP/1.1, and does');
    ok($web->log =~ /OWACAL0583/, 'which is logged');
};

subtest 'one connection, one person' => sub {
    my %c = map { $_ => client($web) } qw(alice bob neighbour);
    my $before = $sim->requests;
    my $r = get($c{neighbour});
    is("$r->{status} " . offers($r), '401 NTLM', 'who has not signed in is asked to');
    is($r->{headers}{'cache-control'}[0], 'no-store', 'not to be cached');
    is(scalar($sim->requests), $before, 'without asking the calendar server');
    is(login($c{$_}, $_)->{status}, 200, "$_ signs in") for qw(alice bob);
    for my $turn (1 .. 3) {
        for my $user (qw(alice bob)) {
            $r = post($c{$user}, booking(subject => "$user $turn"));
            is($r->{status}, 201, "$user books without any header") or diag $r->{body}, $web->log;
        }
        $r = get($c{neighbour}, '/booking/bookings.json');
        is("$r->{status} " . offers($r), '401 NTLM', 'the neighbour still has to sign in');
    }
    is(join(',', grep { !/curl/ } calendar($sim, $_)), "$_ 1,$_ 2,$_ 3", "all of $_\'s and no others") for qw(alice bob);
    my @log = $sim->requests;
    my %over;
    $over{ $_->{user} }{ $_->{connection} }++ for grep { $_->{user} && $_->{id} > 0 } @log[ $before .. $#log ];
    is(join(' ', map { "$_:" . keys %{ $over{$_} } } sort keys %over), 'alice:1 bob:1', 'each over one upstream connection');
    is(scalar(strangers($sim)), 0, 'nobody as anybody else');
    is(login($c{neighbour}, 'carol')->{status}, 200, 'and then signs in as carol');

    # A form is the person's it was made for.
    $r = $c{alice}->request(GET => '/booking/bookings/new', { Accept => 'text/html' });
    my ($token) = $r->{body} =~ /name="token" value="([^"]+)"/;
    my %form = (%{ booking(subject => 'By form') }, token => $token);
    for my $try ([ bob => 403, 'form-token-invalid' ], [ alice => 303, '' ]) {
        $r = $c{ $try->[0] }->request(POST => '/booking/bookings', { Accept => 'text/html', 'Content-Type' => 'application/x-www-form-urlencoded' }, Httpd::form_encode(\%form));
        is($r->{status}, $try->[1], "alice's form token from $try->[0]") or diag $r->{body};
    }

    # With the client's connection its upstream connection goes.
    $c{$_}->close for keys %c;
    ok(wait_for(sub { upstream($sim->{port}) == 0 }), 'the clients gone, no upstream connection stands') or diag upstream($sim->{port});
};

subtest 'a new login on the same connection' => sub {
    my $c = client($web);
    login($c, 'alice');
    is(upstream($sim->{port}), 1, 'alice has her connection');
    my ($r, $type2) = first($c);
    is($r->{status}, 401, 'message 1 again');
    is(get($c)->{status}, 401, 'that was the end of the old login');
    is(login($c, 'bob')->{status}, 200, 'bob signs in there');
    is(post($c, booking(subject => 'By bob now'))->{status}, 201, 'and books');
    ok((grep { $_ eq 'By bob now' } calendar($sim, 'bob')), 'as bob');
    ok(wait_for(sub { upstream($sim->{port}) == 1 }), "alice's upstream connection is closed");
    is(scalar(strangers($sim)), 0, 'nobody as anybody else');
    my $alice = type3($type2, 'alice', 'pw-alice');
    is(get($c, undef, Authorization => ntlm($alice))->{status}, 401, "a message 3 to somebody else's challenge");
    is(get($c)->{status}, 401, 'signs nobody in');
};

subtest 'what is no login causes no traffic' => sub {
    my $before = $sim->requests;
    my $type2 = "NTLMSSP\0" . pack('V', 2) . "\0" x 60;
    my $type3 = "NTLMSSP\0" . pack('V', 3) . "\0" x 60;
    my @bad = ([ 'Basic ' . encode_base64('alice:pw-alice', ''), 'Basic' ], [ 'Negotiate ' . encode_base64($TYPE1, ''), 'Negotiate' ],
        [ ntlm($type2), 'message 2' ], [ ntlm($type3), 'message 3 without message 1' ], [ 'NTLM', 'nothing' ], [ 'NTLM %%%%', 'garbage' ],
        [ ntlm($TYPE1 . 'x' x 13000), 'more than 16 KB' ], [ [ ntlm($TYPE1), ntlm($TYPE1) ], 'two headers' ], [ ntlm("\0" x 64), 'zeros' ]);
    for (@bad) {
        my $r = get(client($web), undef, Authorization => $_->[0]);
        is("$r->{status} " . offers($r), '401 NTLM', "$_->[1]: a fresh offer");
    }
    my $c = client($web);
    my @got = map { my $r = get($c, undef, Authorization => 'NTLM AAAA'); "$r->{status} " . reason($r) } 1 .. 3;
    is(join(', ', @got), '401 , 401 , 403 relay-refused', 'not without end on one connection');
    ok($c->closed, 'which is closed then');
    is(scalar($sim->requests), $before, 'nothing came to the calendar server');

    $c = client($web);
    login($c, 'alice');
    is(get($c, undef, Authorization => 'Basic ' . encode_base64('bob:pw-bob', ''))->{status}, 401, 'another credential on a connection that is signed in');
    is(get($c)->{status}, 401, 'ends the login');

    # The body of a request that gets 401 does not become the next request.
    $c = client($web);
    is(post($c, { subject => "GET /booking/check HTTP/1.1\r\nHost: x\r\n\r\n" })->{status}, 401, 'a POST without login');
    is(login($c, 'alice')->{status}, 200, 'the connection is in order after it');
};

subtest 'what a login must not come through' => sub {
    my $before = $sim->requests;
    my %login = (Authorization => ntlm($TYPE1));
    for my $h ([ 'X-Forwarded-For' => '10.0.0.1' ], [ 'X-Forwarded-Host' => 'x' ], [ 'X-Forwarded-Proto' => 'https' ], [ 'X-Forwarded-Server' => 'x' ],
        [ Forwarded => 'for=10.0.0.1' ], [ Via => '1.1 proxy' ], [ 'X-Client-Is' => '10.1.2.3' ], [ 'x-real-ip' => '127.0.0.1' ]) {
        my $r = get(client($web), undef, %login, @$h);
        is("$r->{status} " . reason($r) . offers($r), '403 relay-refused', "$h->[0]: refused");
    }
    my $head = "Host: x\r\nAccept: application/json\r\nAuthorization: " . ntlm($TYPE1) . "\r\n";
    for my $raw ([ "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 'Content-Length and Transfer-Encoding' ],
        [ "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 'the other way round' ], [ "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 'Transfer-Encoding' ]) {
        my $c = client($web);
        my $r = $c->raw("POST /booking/bookings HTTP/1.1\r\n$head$raw->[0]");
        is("$r->{status} " . reason($r), '403 relay-refused', "$raw->[1]: refused");
        ok($c->closed, 'and the connection closed');
    }
    my $r = client($web)->raw("GET /booking/rooms.json HTTP/1.0\r\nConnection: keep-alive\r\n$head\r\n");
    is("$r->{status} " . reason($r), '403 relay-refused', 'HTTP/1.0: refused');
    is(scalar($sim->requests), $before, 'nothing came to the calendar server');

    my $c = client($web);
    login($c, 'alice');
    $r = get($c, undef, Via => '1.1 proxy');
    is("$r->{status} " . reason($r), '403 relay-refused', 'not on a connection that is signed in either');
    $c = client($web);
    login($c, 'alice');
    $r = $c->raw("POST /booking/bookings HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        . "GET /booking/rooms.json HTTP/1.1\r\nHost: x\r\n\r\n");
    is("$r->{status} " . reason($r), '403 relay-refused', 'a smuggled request');
    ok($c->closed, 'gets no answer');

    ok($web->log =~ /OWACAL0580: .*relay-refused \(it came through a proxy \(mod_remoteip\)/, 'the log says why');
};

subtest 'the two directives agree, or 500' => sub {
    for my $r (get(client($web), '/half-a/rooms.json'), get(client($web), '/half-b/bookings.json', Authorization => 'Basic ' . encode_base64('alice:pw-alice', ''))) {
        is("$r->{status} " . reason($r) . offers($r), '500 misconfigured', 'one of them alone is a mistake');
    }
    ok($web->log =~ /AuthType OwaCalNtlm needs OwaCalUse and OwaCalIdentity relay in the same place/, 'the log says so');
    ok($web->log =~ /OwaCalIdentity relay needs AuthType OwaCalNtlm in the same place/, 'either way');
    my ($status, $out) = Httpd->configtest(auth => $AUTH, location => 'OwaCalIdentity relay upstream=ntlm');
    ok($status && $out =~ /OwaCalIdentity relay: there is no option "upstream=ntlm"; known are none/, 'it takes no options') or diag $out;
};

subtest 'pages and their parts' => sub {
    my $c = client($web);
    my $none = get($c, '/pages/none.html');
    is("$none->{status} " . offers($none), '401 NTLM', 'an error page that is protected, too: one 401, one offer');
    is(login($c, 'alice', path => '/pages/with.shtml')->{status}, 200, 'alice signs in at a page');
    my $r = get($c, '/pages/with.shtml');
    like($r->{body}, qr/Before .*Board room.* after/s, 'a part of it, included, is hers');
    is(get($c)->{status}, 200, 'so is the rest of the site');
    $r = get($c, '/pages/none.html');
    is("$r->{status} $r->{body}", '404 Sorry.', 'an error page is shown to who has signed in');
    $r = get($c, '/booking/check.json');
    ok($r->{status} == 200 && $r->{body} =~ /"mode": "relay"/ && $r->{body} =~ /OwaCalNtlm/, 'the self-test knows the mode') or diag $r->{body};
    $r = get(client($web), '/open/with.shtml', Authorization => ntlm($TYPE1));
    is("$r->{status} " . offers($r), '200 ', 'a page without login is shown');
    unlike($r->{body}, qr/Board room/, 'without that part: a part does not begin a login');
    $r = get($c, '/open/with.shtml');
    unlike($r->{body}, qr/Board room/, 'not even on a connection that is signed in, for the page is nobody\'s');
};

subtest 'a wrong password' => sub {
    my $count = sub { return $sim->control(GET => '/_sim/counters')->{'logons-refused'} };
    my $before = $count->();
    my $out = curl('--ntlm', '-u', 'carol:wrong', "$origin/booking/rooms.json", '-w', '%{http_code}', '-o', '/dev/null');
    is($out, 401, 'is said to the browser');
    is($count->() - $before, 1, 'and goes upstream once');
    my $c = client($web);
    my @got = map { my $r = login($c, 'carol', password => 'wrong'); "$r->{status} " . offers($r) . reason($r) } 1 .. 3;
    is(join(', ', @got), '401 NTLM, 401 NTLM, 403 relay-refused', 'three on a connection');
    is($count->() - $before, 4, 'each went once');
    my $r = login(client($web), 'CAROL@example.test', password => 'wrong');
    is($r->{status}, 401, 'one more under another spelling');
    $r = login(client($web), 'carol', password => 'wrong');
    is("$r->{status} " . reason($r), '403 relay-refused', 'no more than five from one address under one name');
    is($count->() - $before, 5, 'the sixth did not go upstream');
    is(login(client($web), 'alice')->{status}, 200, 'others are not concerned');
};

subtest 'the upstream connection goes' => sub {
    my $again = sub {
        my ($c, $what) = @_;
        my $r = get($c);
        is("$r->{status} " . offers($r), '401 NTLM', "$what: the next request is asked to sign in");
        is(login($c, 'alice')->{status}, 200, 'does so');
        is(post($c, booking())->{status}, 201, 'and books');
    };
    for my $fault ('cut=0:1,method=SEARCH', 'reset-before:1,method=SEARCH', 'close-before:1,method=PROPFIND', 'login-expired:1,method=PROPFIND') {
        my $c = client($web);
        login($c, 'alice');
        my $before = $sim->requests;
        $sim->fault("$fault,user=alice");
        my $r = get($c, '/booking/bookings.json?start=2099-01-01');
        is("$r->{status} " . reason($r) . offers($r), '403 credential-expired', "$fault: a reason, no 401") or diag $r->{body};
        $sim->no_faults;
        my @log = $sim->requests;
        is(scalar(grep { !$_->{user} && $_->{status} != 401 } @log[ $before .. $#log ]), 0, 'nothing was asked as nobody');
        $again->($c, $fault);
    }
    my $c = client($web);
    login($c, 'alice');
    $sim->fault('close-silently:1,method=SEARCH');
    is(get($c, '/booking/bookings.json?start=2099-01-01')->{status}, 200, 'closed after the answer: nobody notices');
    $sim->no_faults;
    sleep 0.2;
    $again->($c, 'but');

    # What became of a write cannot be looked up without the connection.
    for my $fault ('reset-after-write:1,method=PROPPATCH', 'reset-after-write:1,method=MOVE') {
        my $subject = "Lost $fault";
        my $before = $sim->requests;
        $sim->fault($fault);
        my $r = post($c, booking(subject => $subject, $fault =~ /MOVE/ ? (room => 'room1') : ()));
        is("$r->{status} " . reason($r) . offers($r), '504 outcome-unknown', "$fault: not known, and said so") or diag $r->{body}, $web->log;
        $sim->no_faults;
        my @log = $sim->requests;
        is(scalar(grep { $fault =~ /method=\Q$_->{method}\E$/ } @log[ $before .. $#log ]), 1, 'the write went once');
        $again->($c, $fault);
    }
    is(scalar(strangers($sim)), 0, 'nobody as anybody else');
};

subtest 'a slow calendar server' => sub {
    my ($c, $d) = (client($web), client($web));
    login($c, 'alice');
    $sim->fault('silence=60:1,user=bob');
    my $r = login($d, 'bob');
    is("$r->{status} " . reason($r) . offers($r), '504 upstream-timeout', 'a login that is not answered: a deadline, no 401');
    is(get($c, '/booking/bookings.json?start=2099-01-01')->{status}, 200, 'others go on');
    $sim->no_faults;
    $sim->fault('silence=60:1,method=SEARCH,user=alice');
    $r = get($c, '/booking/bookings.json?start=2099-01-01');
    is("$r->{status} " . reason($r) . offers($r), '504 upstream-timeout', 'an operation that is not answered');
    $sim->no_faults;
    $r = get($c);
    is("$r->{status} " . offers($r), '401 NTLM', 'its connection was given up');
};

subtest 'everybody at once' => sub {
    my @people = qw(alice bob carol zoltan);
    my @got = Httpd::side_by_side(8, sub {
        my ($i) = @_;
        my $user = $people[ $i % @people ];
        my $c = client($web);
        $no = 100 + 10 * $i;
        # carol's attempts are used up
        my @got = $user eq 'carol' ? () : login($c, $user)->{status};
        push @got, post($c, booking(subject => "Of $user $i $_"))->{status} for 1 .. 3;
        return join ' ', @got;
    });
    is(join(', ', @got), join(', ', map { $people[ $_ % @people ] eq 'carol' ? '401 401 401' : '200 201 201 201' } 1 .. 8), 'all who may have booked');
    my %wrong;
    for my $user (@people) { $wrong{"$_ with $user"}++ for grep { /^Of (?!$user)/ } calendar($sim, $user) }
    is(join(', ', sort keys %wrong), '', 'each in his own mailbox');
    is(scalar(strangers($sim)), 0, 'nobody as anybody else');
};

subtest 'a graceful restart' => sub {
    my $c = client($web);
    login($c, 'alice');
    $web->signal('USR1');
    my $ok = wait_for(sub { my $d = client($web); my $r = eval { login($d, 'bob') }; $r && $r->{status} == 200 && post($d, booking())->{status} == 201 });
    ok($ok, 'after it people sign in and book');
    my $r = eval { get($c) } // { status => 0 };
    ok($r->{status} == 200 || $r->{status} == 0 || $r->{status} == 401, 'an old connection serves or is closed, nothing else') or diag $r->{status};
    $c->close;
    ok(wait_for(sub { upstream($sim->{port}) == 0 }), 'no upstream connection is left');
    ok($web->log !~ /TlRMTVNT|exit signal|this is a bug/, 'no message in the log, no crash, no owner check');
};
ok($web->stop, 'stops');

# ---- servers that are not what they should be ----

# Says what $say makes of each request's number on the connection.
sub odd_server {
    my ($say) = @_;
    my $listener = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "listen: $!";
    my $pid = fork // die "fork: $!";
    return { port => $listener->sockport, pid => $pid } if $pid;
    $SIG{TERM} = sub { POSIX::_exit(0) };
    $SIG{ALRM} = sub { POSIX::_exit(0) };
    alarm 120;
    while (my $c = $listener->accept) {
        my ($n, $got) = (0, '');
        while (sysread $c, $got, 65536, length $got) {
            next if $got !~ /\r\n\r\n/;
            $got = '';
            my $text = $say->(++$n) // last;
            syswrite $c, $text;
            last if $text =~ /^Connection: close/m;
        }
        close $c;
    }
    POSIX::_exit(0);
}

sub answer {
    my ($status, $body, @headers) = @_;
    return "HTTP/1.1 $status X\r\nContent-Length: " . length($body) . "\r\n" . join('', map { "$_\r\n" } @headers) . "\r\n$body";
}

my $challenge = 'WWW-Authenticate: ' . ntlm("NTLMSSP\0" . pack('V', 2) . pack('vvV', 0, 0, 56) . pack('V', 0x00828201) . 'challeng' . "\0" x 24);
my $welcome = sub { answer(200, qq(<html><base href="http://x$_[0]"></html>)) };
my @odd = (
    [ 'offers no NTLM', '502 upstream-protocol', sub { answer(401, '', 'WWW-Authenticate: Basic realm="x"') } ],
    [ 'lets anybody in', '502 upstream-protocol', sub { $welcome->('/exchange/alice/') } ],
    [ 'answers with garbage', '502 upstream-protocol', sub { answer(401, '', 'WWW-Authenticate: NTLM YWJj') } ],
    [ 'redirects', '502 upstream-redirect', sub { answer(302, '', 'Location: http://other.test/exchange/') } ],
    [ 'has another login page', '502 upstream-redirect', sub { $_[0] == 1 ? answer(401, '', $challenge) : answer(302, '', 'Location: /exchweb/bin/auth/owalogon.asp') } ],
    [ 'closes after the challenge', '502 upstream-protocol', sub { answer(401, '', $challenge, 'Connection: close') } ],
    [ 'closes after the login', '502 upstream-protocol', sub { $_[0] == 1 ? answer(401, '', $challenge) : $welcome->('/exchange/alice/') =~ s/\r\n/\r\nConnection: close\r\n/r } ],
    [ 'shows no mailbox', '502 upstream-protocol', sub { $_[0] == 1 ? answer(401, '', $challenge) : answer(200, '<html>Welcome</html>') } ],
    [ 'shows two segments', '502 upstream-protocol', sub { $_[0] == 1 ? answer(401, '', $challenge) : $welcome->('/exchange/a/b/') } ],
    [ 'shows a hostile one', '502 upstream-protocol', sub { $_[0] == 1 ? answer(401, '', $challenge) : $welcome->('/exchange/..%2fbob/') } ],
    [ 'fails', '502 upstream-error', sub { answer(500, 'no') } ],
    [ 'is silent', '504 upstream-timeout', sub { sleep 6; return undef } ],
    [ 'is as it should be', '200 ', sub { $_[0] == 1 ? answer(401, '', $challenge) : $welcome->('/exchange/Ana/') } ],
);
subtest 'odd calendar servers' => sub {
    my ($lines, @servers) = '';
    for my $i (0 .. $#odd) {
        push @servers, odd_server($odd[$i][2]);
        $lines .= "OwaCalBackend odd$i owa2003 http://127.0.0.1:$servers[$i]{port}/exchange/\n<Location \"/odd$i\">\n  $AUTH\n  SetHandler owacal\n"
            . "  OwaCalUse odd$i\n  OwaCalIdentity relay\n</Location>\n";
    }
    my $odd = Httpd->start(backend => $sim->{url}, children => 1, server => "OwaCalTimeout step=2s operation=4s\n$lines");
    for my $i (0 .. $#odd) {
        my $c = client($odd);
        my ($r, $type2) = first($c, "/odd$i/rooms.json");
        $r = get($c, "/odd$i/rooms.json", Authorization => ntlm(type3($type2, 'ana', 'x'))) if $type2;
        is("$r->{status} " . reason($r) . offers($r), $odd[$i][1], "one that $odd[$i][0]") or diag $r->{body}, $odd->log;
        next if $odd[$i][1] =~ /^200/ || $c->closed;
        $r = get($c, "/odd$i/rooms.json");
        is($r->{status}, $r->{status} == 401 ? 401 : substr($odd[$i][1], 0, 3), 'nobody is signed in by it');
    }
    ok($odd->stop, 'stops');    # a line is written after its answer
    like($odd->slurp('access.log'), qr/^\S+ ana "GET \/odd$#odd\//m, 'the access log has the mailbox as the name');
    for (@servers) { kill 'TERM', $_->{pid}; waitpid $_->{pid}, 0 }
};

for my $mpm (qw(worker prefork)) {
    subtest "under $mpm" => sub {
        my $other = Httpd->start(backend => $sim->{url}, auth => $AUTH, location => 'OwaCalIdentity relay', mpm => $mpm);
        my @c = map { client($other) } 1, 2;
        is(join(' ', login($c[0], 'alice')->{status}, post($c[0], booking(subject => "Under $mpm"))->{status}), '200 201', 'alice signs in and books');
        is(get($c[1])->{status}, 401, 'the neighbour has to sign in');
        ok((grep { $_ eq "Under $mpm" } calendar($sim, 'alice')), 'as herself');
        is(upstream($sim->{port}), 1, 'over one connection');
        $c[0]->close;
        ok(wait_for(sub { upstream($sim->{port}) == 0 }), 'which goes with hers');
        ok($other->stop, 'stops');
    };
}

subtest 'over TLS' => sub {
    my $dir = tempdir(CLEANUP => 1);
    my $tls = SimRun->start('--auth', 'ntlm', '--tls', '--ca-out', "$dir/ca.pem", '--set', 'connection-requests=6');
    chmod 0755, $dir;
    my $over = Httpd->start(backend => "https://127.0.0.1:$tls->{port}/", backend_options => "ca=$dir/ca.pem", auth => $AUTH, location => 'OwaCalIdentity relay', children => 1);
    my $c = client($over);
    my @got = map { login($c, 'alice')->{status}, map { get($c, '/booking/bookings.json?start=2099-01-01')->{status} } 1 .. 2 } 1 .. 2;
    is(join(' ', @got), '200 200 200 200 200 200', 'a login and what follows, twice on one connection') or diag $over->log;
    my $r;
    for (1 .. 8) {
        $r = get($c, '/booking/bookings.json?start=2099-01-01');
        last if $r->{status} != 200;
        sleep 0.1;
    }
    is("$r->{status} " . offers($r), '401 NTLM', 'when the server has ended the connection between two requests, a new login') or diag $r->{body};
    is(login($c, 'bob')->{status}, 200, 'which works');
    is(upstream($tls->{port}), 1, 'one connection');
    $c->close;
    ok(wait_for(sub { upstream($tls->{port}) == 0 }), 'none when the client has gone');
    ok($over->stop, 'stops');
};

subtest 'without keep-alive it cannot work' => sub {
    my $off = Httpd->start(backend => $sim->{url}, auth => $AUTH, location => 'OwaCalIdentity relay', children => 1, server => 'KeepAlive Off');
    my $r = get(client($off));
    is("$r->{status} " . reason($r), '500 misconfigured', 'which is said');
    ok($off->log =~ /needs KeepAlive On/, 'and logged');
    ok($off->stop, 'stops');
};

subtest 'no more than the bound' => sub {
    my $few = Httpd->start(backend => $sim->{url}, auth => $AUTH, location => 'OwaCalIdentity relay', children => 1, server => 'OwaCalLimit relayed=2');
    my @c = map { client($few) } 1 .. 3;
    is(join(' ', map { login($c[$_], 'alice')->{status} } 0, 1), '200 200', 'two logins');
    my $r = login($c[2], 'alice');
    is("$r->{status} " . reason($r) . offers($r), '503 busy', 'the third is told to come again');
    ok($r->{headers}{'retry-after'}, 'and when');
    is(get($c[0])->{status}, 200, 'the others go on');
    $c[1]->close;
    ok(wait_for(sub { my $r = eval { login(client($few), 'bob') }; $r && $r->{status} == 200 }), 'one gone makes room');
    ok($few->stop, 'stops');
};

done_testing;
