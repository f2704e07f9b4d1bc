#!/usr/bin/perl
# One person, many spellings; two people, one spelling. Whatever a login lets through as a name, and
# whatever stands in the Authorization header, nobody acts as somebody else.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

# A login that takes everybody: what it lets through as a name is the test's choice. X-Late comes in
# after the login and replaces the Authorization header, as a module between login and us could.
my $anybody = "AuthType Basic\n  AuthName x\n  AuthBasicProvider anon\n  Anonymous *\n  Anonymous_MustGiveEmail Off\n"
    . "  Anonymous_LogEmail Off\n  Require valid-user\n"
    . "  RequestHeader set Authorization \"expr=%{req:X-Late}\" \"expr=-n req('X-Late')\"";
my $realm = 'OwaCalRealm EXAMPLE.TEST domain=EXAMPLE mail=example.test default';
my $url = '/booking/bookings';
my $no = 0;

sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }
sub front { my ($sim, %o) = @_; return Httpd->start(backend => $sim->{url}, modules => ['authn_anon'], auth => $anybody, location => 'OwaCalIdentity basic', %o) }
sub said { my ($r) = @_; return "$r->{status} " . ($r->{json}{reason} // '') }
sub basic { return 'Basic ' . encode_base64($_[0], '') }
sub as { my ($web, $user, @more) = @_; return $web->request(@more, user => $user, password => 'pw-alice') }
my %json = (Accept => 'application/json');

# Header lines exactly as they are given; status and body.
sub raw {
    my ($web, @lines) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $web->{port}, Timeout => 60) or die "connect: $!";
    print $s join("\r\n", "GET $url.json HTTP/1.1", 'Host: 127.0.0.1', 'Connection: close', @lines, '', '');
    local $/;
    my $text = readline($s) // '';
    my ($status) = $text =~ m{^HTTP/1\.1 (\d+)};
    my ($reason) = $text =~ /"reason":\s*"([^"]+)"/;
    return ($status // 0) . ' ' . ($reason // '');
}

my $sim = SimRun->start('--auth', 'basic');

subtest 'spellings of one person' => sub {
    my $web = front($sim, server => $realm);
    my @spellings = ('EXAMPLE\alice', 'example.test\Alice', 'alice@EXAMPLE.TEST', 'Alice@example.test', 'ALICE');
    my $token = $web->token('alice');
    my %form = (%{ booking() }, token => $token, key => 'of-all-spellings');
    for my $user ('alice', @spellings) {
        my $r = as($web, $user, POST => $url, form => \%form);
        is($r->{status}, 303, "$user posts alice's form") or diag $r->{content};
    }
    is(scalar(grep { SimRun::subject($_) eq $form{subject} } $sim->items('alice', qr/^Calendar$/)), 1, 'all together booked once');
    my $r = $web->request(POST => $url, user => 'bob', headers => {%json}, form => { %form, key => 'another' });
    is($r->{status}, 403, "bob does not post alice's form");
    like($r->{content}, qr/form-token-invalid|does not belong to you/, '  because it is hers');

    $r = as($web, 'alice', POST => $url, json => booking(), headers => {%json});
    my $ref = $r->{json}{booking}{ref};
    is(as($web, $_, GET => "$url/$ref.json")->{status}, 200, "$_ opens alice's booking") for @spellings;
    my %users = map { $_ => 1 } $web->log =~ /audit: act=\S+ user="([^"]*)"/g;
    is(join(' ', sort keys %users), 'alice@EXAMPLE.TEST', 'one name in the audit lines');
    is(said(as($web, 'alice@elsewhere.test', GET => "$url.json")), '403 no-mailbox', 'another domain is nobody here');
    like($web->log, qr/"alice\@elsewhere\.test" is not usable: no OwaCalRealm has its domain/, '  and the log says why');
    ok($web->stop, 'stops');
};

subtest 'one letter in two ways of writing it' => sub {
    # "é" as one character, or as "e" and an accent: keyboards and directories differ in it.
    my $dir = tempdir(CLEANUP => 1);
    chmod 0755, $dir;
    my $put = sub { my ($name, $mode, $text) = @_; open my $f, '>', "$dir/$name" or die; print $f $text; close $f; chmod $mode, "$dir/$name"; return "$dir/$name" };
    my ($one, $two) = ("zo\xc3\xa9", "zoe\xcc\x81");
    my $users = $put->('users', 0644, "$one:pw:zoe\@example.test:person:en\nzoe:pw:zoe2\@example.test:person:en\nsvc:pw-svc:svc\@example.test:person:en\n");
    my $with = SimRun->start('--auth', 'basic', '--users', $users);
    $with->control(POST => "/_sim/grant?mailbox=$_&user=svc&level=owner") for 'zo%C3%A9', 'zoe';
    my $web = front($with, server => "$realm\nOwaCalCredential svc user=svc password=" . $put->('pw', 0600, "pw-svc\n"),
        location => 'OwaCalIdentity service credential=svc actors=' . $put->('actors', 0644, "$one\@EXAMPLE.TEST: $one\n"));
    my $token = $web->token($one);
    my %form = (%{ booking() }, token => $token, key => 'of-both');
    for my $user ($one, $two, uc($two), "$two\@EXAMPLE.TEST", "EXAMPLE\\Zo\xc3\x89") {
        my $r = as($web, $user, POST => $url, form => \%form);
        is($r->{status}, 303, "$user posts the same form") or diag $r->{content}, $web->log =~ s/.*debug.*\n//gr;
    }
    is(scalar(grep { SimRun::subject($_) eq $form{subject} } $with->items($one, qr/^Calendar$/)), 1, 'all together booked once');
    my %names = map { $_ => 1 } $web->log =~ /audit: act=\S+ user="([^"]*)"/g;
    is(scalar(keys %names), 1, 'one name in the audit lines') or diag explain \%names;
    is($web->request(POST => $url, user => 'zoe', headers => {%json}, form => { %form, key => 'x' })->{status}, 403, 'zoe without the accent is somebody else');
    is(join(' ', map { SimRun::subject($_) } $with->items('zoe', qr/^Calendar$/)), '', '  with a calendar of her own');
    ok($web->stop, 'stops');
};

subtest 'spellings of one person share one bound' => sub {
    my $slow = SimRun->start('--auth', 'basic', '--latency', 1500);
    my $web = front($slow, server => "$realm\nOwaCalLimit per-user=2", children => 1);
    my @as = ('alice', 'EXAMPLE\alice', 'Alice', 'alice@example.test', 'ALICE@EXAMPLE.TEST');
    my @got = Httpd::side_by_side(5, sub { return as($web, $as[$_[0] - 1], GET => '/booking/freebusy.json?who=room1')->{status} });
    is(join(' ', sort @got), '200 200 429 429 429', 'five at once, of which two are let in');
    ok($web->stop, 'stops');
};

subtest 'names that are nobody' => sub {
    my $web = front($sim);
    my %bad = (
        'a/b' => '/', '/C=DE/CN=alice' => "a certificate's subject", 'HTTP/www@EXAMPLE.TEST' => 'a service', 'EXAMPLE\\' => 'a domain only',
        '@EXAMPLE.TEST' => 'a realm only', 'A\B\alice' => '\ twice', 'alice@a@b' => '@ twice', 'A\alice@B' => '\ and @',
        'alice\@example.test@EXAMPLE.TEST' => 'an enterprise name', '..' => '..', 'a..b' => '.. inside', '..\alice' => '.. as a domain', 'alice.' => 'a dot last',
        'x%2fy' => '%', 'x?y' => '?', 'x#y' => '#', 'x' x 1000 => '1,000 characters', "al\xe2\x80\xaeice" => 'a direction mark',
        "al\xe2\x80\x8bice" => 'a zero-width space', "\xef\xbd\x81lice" => 'full-width letters', "alice\xff" => 'no UTF-8', "ali\tce" => 'a tab', "alice\x7f" => 'DEL',
    );
    for my $user (sort keys %bad) {
        is(said(as($web, $user, GET => "$url.json")), '403 no-mailbox', "refused: $bad{$user}");
    }
    is(raw($web, 'Authorization: ' . basic("alice\0bob:pw-alice")), '403 no-mailbox', 'refused: a NUL in the name');
    is(raw($web, 'Authorization: ' . basic("alice:pw-alice\0x")), '403 no-mailbox', 'refused: a NUL behind the password');
    is(as($web, 'alice', GET => "$url.json")->{status}, 200, 'alice is somebody');
    unlike($web->log, qr/\xe2\x80\xae|\xff/, 'nothing of it stands in the log as it came');
    ok($web->stop, 'stops');
};

subtest 'two people, one account name, one mailbox' => sub {
    # Both end in the mailbox of the same name, and the calendar server takes both logins.
    my $web = front($sim, server => "OwaCalRealm ONE.TEST domain=EXAMPLE\nOwaCalRealm EXAMPLE.TEST");
    my ($one, $two) = ('EXAMPLE\alice', 'alice@example.test');
    is(said(as($web, 'alice', GET => "$url.json")), '403 no-mailbox', 'a bare name could be either: refused');
    my $page = as($web, $one, GET => "$url/new", headers => { Accept => 'text/html' });
    my ($token) = $page->{content} =~ /name="token" value="([^"]+)"/;
    my %form = (%{ booking() }, token => $token // '', key => 'k1');
    is(as($web, $one, POST => $url, form => \%form)->{status}, 303, 'the first books');
    is(as($web, $two, POST => $url, form => \%form, headers => {%json})->{status}, 403, "the second may not use the first's form");

    my %key = (headers => { %json, 'Idempotency-Key' => 'once' });
    my $mine = as($web, $one, POST => $url, json => booking(), %key);
    my $yours = as($web, $two, POST => $url, json => booking(), %key);
    is("$mine->{status} $yours->{status}", '201 201', "one's key is not the other's") or diag $yours->{content};
    isnt($yours->{json}{booking}{uid}, $mine->{json}{booking}{uid}, '  nor is his booking');
    is(said(as($web, $two, GET => "$url/$mine->{json}{booking}{ref}.json")), '404 booking-not-found', "nor is his booking's address");
    is(as($web, $one, GET => "$url/$mine->{json}{booking}{ref}.json")->{status}, 200, '  which leads him there');
    ok($web->stop, 'stops');
};

subtest 'OwaCalMailbox' => sub {
    my $web = front($sim, server => $realm, location => qq(OwaCalIdentity basic\nOwaCalMailbox "%{REMOTE_USER}"));
    is(as($web, 'ALICE', GET => "$url.json")->{status}, 200, 'of the verified user, as the login spelled him');
    is(said(as($web, 'EXAMPLE\alice', GET => "$url.json")), '403 no-mailbox', 'which must be one path segment');
    is(said(as($web, 'nobody@elsewhere.test', GET => "$url.json")), '403 no-mailbox', 'a name that is nobody gets no mailbox by it');
    ok($web->stop, 'stops');
    $web = front($sim, server => $realm, location => qq(OwaCalIdentity basic\nOwaCalMailbox "%{REMOTE_USER}/../bob"));
    is(said(as($web, 'alice', GET => "$url.json")), '403 no-mailbox', 'nor does a path come out of it');
    ok($web->stop, 'stops');
};

subtest 'the header is somebody else than the login verified' => sub {
    my @rows = (    # declared, verified, header, outcome
        ['', 'alice', 'bob:pw-bob', '500 identity-mismatch'],
        ['', 'alice', 'Alice:pw-alice', '500 identity-mismatch'],    # nothing is known of capitals
        ['', 'alice@OTHER.TEST', 'alice:pw-alice', '500 identity-mismatch'],    # nor of realms
        ['', 'alice', 'alice@OTHER.TEST:pw-alice', '500 identity-mismatch'],
        ['', 'alice', "alice\0\@x:pw-alice", '403 no-mailbox'],
        [$realm, 'alice@EXAMPLE.TEST', 'alice:pw-alice', '200 '],
        [$realm, 'alice', 'EXAMPLE\Alice:pw-alice', '200 '],
        [$realm, 'alice', 'bob:pw-bob', '500 identity-mismatch'],
        [$realm, 'alice', 'alice@elsewhere.test:pw-alice', '500 identity-mismatch'],
        [$realm, 'alice', 'alice/admin:pw-alice', '500 identity-mismatch'],
        ["$realm\nOwaCalRealm OTHER.TEST domain=OTHER", 'alice@OTHER.TEST', 'alice:pw-alice', '500 identity-mismatch'],
        ["$realm\nOwaCalRealm OTHER.TEST domain=OTHER", 'alice', 'OTHER\alice:pw-alice', '500 identity-mismatch'],
    );
    my ($web, $with);
    for (@rows) {
        my ($declared, $user, $header, $want) = @$_;
        if (!$web || $with ne $declared) {
            $web->stop if $web;
            ($web, $with) = (front($sim, server => $declared), $declared);
        }
        my $r = $web->request(GET => "$url.json", user => $user, password => 'pw-alice', headers => { 'X-Late' => basic($header) });
        is(said($r), $want, "verified $user, header " . $header =~ s/:.*|\0.*//r) or diag $r->{content}, $web->log;
        ok(!$r->{headers}{'www-authenticate'}, '  no login is asked for');
    }
    unlike($web->log, qr/pw-/, 'no password in the log');
    ok($web->stop, 'stops');
};

subtest 'two Authorization headers' => sub {
    my $web = front($sim, http2 => 1);
    my ($alice, $bob) = map { basic("$_:pw-$_") } qw(alice bob);
    is(raw($web, "Authorization: $alice"), '200 ', 'one');
    is(raw($web, "Authorization: $alice", "Authorization: $bob"), '500 identity-mismatch', "alice's and bob's");
    is(raw($web, "Authorization: $bob", "Authorization: $alice"), '500 identity-mismatch', "bob's and alice's");
    is(raw($web, "Authorization: $alice", "Authorization: $alice"), '500 identity-mismatch', 'the same twice');
    is(raw($web, "Authorization: $alice", 'Authorization: Bearer abc'), '500 identity-mismatch', 'of two schemes');
    is(raw($web, "Authorization: $alice", 'Authorization:'), '500 identity-mismatch', 'the second empty');
    is(raw($web, "Authorization: $alice, $bob"), '500 identity-mismatch', 'two in one');
    is(raw($web, "Authorization: $alice $bob"), '500 identity-mismatch', 'one with something behind it');
    is(raw($web, qq(Authorization: $alice"), qq(Authorization: x"$bob)), '500 identity-mismatch', 'with quotes around the comma');
    # Of other schemes, as a login module could have taken the first of them.
    my $late = sub { return said($web->request(GET => '/booking/rooms.json', user => 'alice', headers => { 'X-Late' => $_[0] })) };
    is($late->($_), '500 identity-mismatch', 'refused: ' . substr($_, 0, 40))
        for "Negotiate YWJj, $bob", 'Bearer a, Bearer b', 'Negotiate YWJj,', qq(Digest username="alice", $bob), qq(Digest username="alice, $bob);
    is($late->($_), '200 ', "one of its own kind: $_") for 'Negotiate YWJj==', 'Digest username="a, \\"b", nc=1, qop = auth', 'Bearer a-b._~+/';
    SKIP: {
        skip 'curl without HTTP/2', 2 if `curl -V 2>/dev/null` !~ /HTTP2/;
        my @curl = ('curl', '-sS', '-m', 60, '--noproxy', '*', '--http2-prior-knowledge', '-o', '/dev/null', '-w', '%{http_version} %{http_code}');
        my $ask = sub { open my $h, '-|', @curl, (map { ('-H', "Authorization: $_") } @_), "http://127.0.0.1:$web->{port}$url.json" or die; return scalar readline $h };
        is($ask->($alice), '2 200', 'one, by HTTP/2');
        is($ask->($alice, $bob), '2 500', 'two, by HTTP/2');
    }
    ok($web->stop, 'stops');
};

subtest 'a header of 60 KB' => sub {
    my $long = basic('alice:' . 'x' x 45_000);
    my $web = front($sim, children => 1);
    is(raw($web, "Authorization: $long"), '400 ', "httpd's own bound stops it");
    ok($web->stop, 'stops');
    $web = front($sim, children => 1, top => 'LimitRequestFieldSize 70000');
    is(raw($web, "Authorization: $long"), '403 no-delegated-credential', 'where that is raised: a password that nobody has') or diag $web->log =~ s/.*debug.*\n//gr;
    is(raw($web, 'Authorization: ' . basic('x' x 45_000 . ':pw-alice')), '403 no-mailbox', 'a name of that length is nobody');
    is(raw($web, 'Authorization: ' . basic('alice:pw-alice')), '200 ', 'alice goes on');
    unlike($web->log, qr/x{200}|exit signal/, 'the log has the beginning of a name at most, no crash');
    ok($web->stop, 'stops');
};

subtest 'a subrequest under another name' => sub {
    # Of two pages that include the same, one is open: there the login is the included part's alone.
    my $web = front($sim, server => "Alias /open \@DIR\@/htdocs\nAlias /closed \@DIR\@/htdocs\n<LocationMatch \"^/(open|closed)\">\nOptions +Includes\n"
        . "</LocationMatch>\n<Location /closed>\n$anybody\n</Location>");
    $web->write_file('htdocs/index.shtml', qq{<html lang="en"><body><!--#include virtual="/booking/rooms.html" --></body></html>\n});
    my %html = (Accept => 'text/html');
    like(as($web, 'alice', GET => '/closed/index.shtml', headers => {%html})->{content}, qr/Board room/, 'alice in alice: shown');
    my $r = as($web, 'alice', GET => '/open/index.shtml', headers => {%html});
    unlike($r->{content}, qr/Board room/, 'alice in nobody: refused');
    like($web->log, qr/subrequest's user differs/, '  and the log says why');
    ok($web->stop, 'stops');
};
done_testing();
