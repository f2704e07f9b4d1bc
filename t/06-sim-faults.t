#!/usr/bin/perl
# The simulator's faults: each does what its name says, to exactly the requests it was set for, and
# the mailbox shows whether the request was executed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SimRun;
use Test::More;
use Time::HiRes qw(time);

my $sim = SimRun->start('--fault', 'status=500:1,path~configured');
my %find = (Depth => 0);
my $n = 0;

# Makes an item; returns its path and the reply.
sub make {
    my ($c) = @_;
    my $path = '/exchange/alice/Calendar/f' . ++$n . '.EML';
    my $r = ($c || $sim->connect->timeout(5))->request(PROPPATCH => $path, { 'Content-Type' => 'text/xml' },
        '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" xmlns:m="urn:schemas:httpmail:"'
        . ' xmlns:c="urn:schemas:calendar:"><D:set><D:prop><m:subject>' . "f\xc3\xa1$n"
        . '</m:subject><c:location>here</c:location></D:prop></D:set></D:propertyupdate>');
    return ($path, $r);
}
sub exists_ { return $sim->once(PROPFIND => $_[0], \%find)->{status} == 207 }

# One PROPPATCH under a fault; checks whether it was executed; returns the reply.
sub under {
    my ($spec, $executed, $name) = @_;
    $sim->fault($spec);
    my ($path, $r) = make();
    my $set = $sim->control(GET => '/_sim/fault')->{set};
    is($set->[0]{hits}, 1, "$name: hit once");
    $sim->no_faults;
    is(exists_($path) ? 'executed' : 'not executed', $executed ? 'executed' : 'not executed', "$name: whether it was done");
    return $r;
}

subtest 'which requests' => sub {
    is($sim->once(PROPFIND => '/exchange/alice/?configured', \%find)->{status}, 207, 'the query does not count');
    is($sim->once(PROPFIND => '/exchange/alice/configured/', \%find)->{status}, 500, 'one from the command line');
    is($sim->once(PROPFIND => '/exchange/alice/configured/', \%find)->{status}, 404, 'is over');
    $sim->no_faults;

    my $run = sub { my ($spec, @try) = @_;
        $sim->fault($spec);
        my $seen = join ' ', map { $sim->once(@$_)->{status} } @try;
        $sim->no_faults;
        return $seen };
    my @p = ([ PROPFIND => '/exchange/alice/', \%find ]);
    is($run->('status=599', @p, @p), '599 599', 'every request by default');
    is($run->('status=599:2', (@p) x 3), '207 599 207', 'the second');
    is($run->('status=599:2-3', (@p) x 4), '207 599 599 207', 'the second and third');
    is($run->('status=599:3-', (@p) x 4), '207 207 599 599', 'from the third on');
    my @get = ([ GET => '/exchange/alice/' ]);
    is($run->('status=599:1,method=PROPFIND', @get, @p, @p, @get), '200 599 207 200', 'counted by method');
    is($run->('status=599:2,path~calendar', @p, [ PROPFIND => '/exchange/alice/%43alendar/', \%find ],
            [ PROPFIND => '/exchange/alice/Calendar/', \%find ]), '207 207 599', 'by path, decoded, case-blind');
    is($run->('status=599:1,cmd=getcancel', @get, [ GET => '/exchange/alice/x?cmd=GETCANCEL' ]), '200 599', 'by command');
    is($run->('status=599:1,cmd=sendappt', [ POST => '/exchange/alice/x', {}, "FORMTYPE=a\r\nCmd=sendappt\r\n" ]), '599',
        'by a posted command');
    is($run->('status=599:1,body~b%2Cc', @p, [ PROPFIND => '/exchange/alice/', \%find, '<a>b,c</a>' ]), '207 599',
        'by body, with an escaped comma');
    is($run->('status=599:1,to~submission', [ MOVE => '/exchange/alice/Drafts/a', { Destination => '/exchange/alice/Drafts/b' } ],
            [ MOVE => '/exchange/alice/Drafts/a', { Destination => 'http://h/exchange/alice/%23%23DavMailSubmissionURI%23%23/' } ]),
        '404 599', 'by destination');

    $sim->fault('status=599:2,conn');
    my ($one, $two) = ($sim->connect, $sim->connect);
    my @seen = map { $_->request(PROPFIND => '/exchange/alice/', \%find)->{status} } $one, $two, $one, $two, $one;
    is("@seen", '207 207 599 599 207', 'counted on each connection');
    $sim->no_faults;

    $sim->fault('status=501:2');
    $sim->fault('status=502:2-3');
    @seen = map { $sim->once(PROPFIND => '/exchange/alice/', \%find)->{status} } 1 .. 4;
    is("@seen", '207 501 502 207', 'two faults count for themselves, the first one set wins');
    is_deeply([ map { "$_->{seen}/$_->{hits}" } @{ $sim->control(GET => '/_sim/fault')->{set} } ], [ '4/1', '4/2' ],
        'and tell what they did');
    $sim->control(DELETE => '/_sim/fault?name=status');
    is_deeply($sim->control(GET => '/_sim/fault')->{set}, [], 'cleared by name');
};

subtest 'a wrong specification is refused with a reason' => sub {
    for my $bad ('nosuch', 'slow:0', 'slow:2-1', 'slow:x', 'slow:method', 'locked=7', 'slow:1,,foo=2', '') {
        my $r = $sim->once(POST => '/_sim/fault?spec=' . SimRun::escape($bad), { 'Content-Length' => 0 });
        is($r->{status}, 400, "'$bad'");
    }
    my $failed = SimRun->try_start('--fault', 'nosuch');
    like($failed->{error}, qr/there is no fault "nosuch"/, 'on the command line too');
};

subtest 'answers without execution' => sub {
    my %status = ('status' => 500, 'status=503' => 503, 'status=404' => 404, 'over-quota' => 507, 'locked' => 423,
        'html-instead-of-xml' => 200, 'login-page' => 200, 'redirect-away' => 302, 'inner=423' => 207, 'status=440' => 440,
        'status=424' => 424);
    for my $spec (sort keys %status) {
        my $r = under("$spec:1,method=PROPPATCH", 0, $spec);
        is($r->{status}, $status{$spec}, "$spec: status");
        is($r->{headers}{'retry-after'}[0], 5, 'Retry-After') if $spec eq 'status=503';
        like($r->{body}, qr/HTTP\/1\.1 423 Locked/, 'inner status') if $spec eq 'inner=423';
        like($r->{headers}{location}[0], qr{^http://other-host\.example/exchange/alice/}, 'elsewhere') if $spec eq 'redirect-away';
        like($r->{body}, qr/logonForm/, 'the form') if $spec eq 'login-page';
        ok(!$r->{headers}{'ms-webstorage'}, 'not signed by the server') if $spec eq 'html-instead-of-xml';
        is($r->{headers}{'content-type'}[0] =~ s/;.*//r, 'text/html', 'HTML') if $spec eq 'html-instead-of-xml';
    }
    is(under('status=503/17:1,method=PROPPATCH', 0, 'status=503/17')->{headers}{'retry-after'}[0], 17, 'Retry-After as set');
    is(under('redirect-away=http%3A//x.test/y:1,method=PROPPATCH', 0, 'a URL')->{headers}{location}[0], 'http://x.test/y', 'as set');
    is($sim->once(PROPFIND => '/exchange/alice/', \%find)->{status}, 207, 'reads are not hit') for map { $sim->fault($_) } 'locked', 'over-quota';
    $sim->no_faults;
};

subtest 'broken connections' => sub {
    is(under('reset-before:1,method=PROPPATCH', 0, 'reset-before')->{error}, 'reset', 'reset');
    is(under('close-before:1,method=PROPPATCH', 0, 'close-before')->{error}, 'closed', 'closed');
    my $r = under('reset-after-write:1,method=PROPPATCH', 1, 'reset-after-write');
    is("$r->{status} $r->{error} $r->{body}", '0 reset ', 'reset without a byte');
    $r = under('cut:1,method=PROPPATCH', 1, 'cut');
    is("$r->{status} $r->{error} $r->{body}", '0 closed ', 'closed without a byte');
    $r = under('cut=9:1,method=PROPPATCH', 1, 'cut=9');
    is("$r->{error} $r->{body}", 'closed HTTP/1.1 ', 'after nine bytes');
    $r = under('truncated:1,method=PROPPATCH', 1, 'truncated');
    is($r->{status}, 207, 'headers are whole');
    is(length $r->{body}, int($r->{headers}{'content-length'}[0] / 2), 'half of the body that was promised');
    is($r->{error}, 'closed', 'then the end');
    is(under('garbage:1,method=PROPPATCH', 0, 'garbage')->{error}, 'no HTTP', 'garbage');

    my $c = $sim->connect;
    $sim->fault('close-silently:2,conn');
    ok(!$c->request(PROPFIND => '/exchange/alice/', \%find)->{headers}{connection}, 'first on the connection');
    $r = $c->request(PROPFIND => '/exchange/alice/', \%find);
    is("$r->{status} " . ($r->{headers}{connection}[0] // 'silent'), '207 silent', 'the second is answered in full, and says nothing');
    like($r->{body}, qr/<\/\w+:multistatus>$/, 'in full');
    ok($c->closed, 'then the connection is closed');
    $sim->no_faults;
};

subtest 'time' => sub {
    my $timed = sub { my $t = time; my @r = $_[0]->(); return (time - $t, @r) };
    my ($took, $r) = $timed->(sub { under('slow=300:1,method=PROPPATCH', 1, 'slow') });
    ok($took >= 0.3 && $r->{status} == 207, 'slow: late, but well');
    ($took, $r) = $timed->(sub { under('late=300:1,method=PROPPATCH', 1, 'late') });
    ok($took >= 0.3 && $r->{status} == 207, 'late: executed first');
    ($took, $r) = $timed->(sub { under('drip=200/20:1,method=PROPPATCH', 1, 'drip') });
    ok($took >= 0.04 && $r->{status} == 207 && !$r->{error}, 'drip: complete in the end');
    for my $spec ([ 'silence', 0 ], [ 'mute', 1 ]) {
        $sim->fault("$spec->[0]:1,method=PROPPATCH");
        my $c = $sim->connect->timeout(0.5);
        my ($path, $answer) = make($c);
        is($answer->{error}, 'silent', "$spec->[0]: no answer");
        $c->close;
        $sim->no_faults;
        is(exists_($path) || 0, $spec->[1], 'whether it was done');
    }
    ($took, $r) = $timed->(sub { under('silence=1:1,method=PROPPATCH', 0, 'silence=1') });
    ok($took >= 1 && $took < 4, 'silence ends when it was told to');
    is($r->{error}, 'closed', 'by closing');
};

subtest 'damaged answers' => sub {
    my $bytes = sub { $sim->fault("$_[0]:1"); my $r = $sim->once(PROPFIND => '/exchange/alice/', \%find); $sim->no_faults; $r };
    my $r = $bytes->('doctype');
    like($r->{body}, qr/^<\?xml[^>]*\?><!DOCTYPE multistatus SYSTEM "http:\/\/other-host.example\/evil.dtd"><\w+:multistatus/, 'doctype');
    $r = $bytes->('entity-bomb');
    like($r->{body}, qr/<!ENTITY e9 "(&e8;){10}">.*<\w+:multistatus[^>]*>&e9;/s, 'entity-bomb');
    $r = $bytes->('malformed-xml');
    like($r->{body}, qr/<\/y:other>/, 'malformed-xml');
    $r = $bytes->('wrong-charset');
    ok($r->{body} =~ /\xe1/ && $r->{body} !~ /\xc3\xa1/, 'wrong-charset: bytes that are no UTF-8');
    is($r->{headers}{'content-type'}[0], 'text/xml', 'under the usual label');
    is($bytes->('wrong-charset=label')->{headers}{'content-type'}[0], 'text/xml; charset="iso-8859-2"', 'or the wrong label');
    like($bytes->('wrong-charset=utf-16')->{body}, qr/^\xff\xfe<\0\?\0x\0/, 'or UTF-16');
    $r = $bytes->('huge=2');
    ok(length $r->{body} > 2 * 1024 * 1024, 'huge: ' . length $r->{body});
    is(length $r->{body}, $r->{headers}{'content-length'}[0], 'and complete');
    like($r->{body}, qr/ <\/\w+:multistatus>$/, 'and well-formed');
    is(length $bytes->('big-header=20')->{headers}{'x-filler'}[0], 20 * 1024, 'big-header');
    ok(!$bytes->('no-ms-webstorage')->{headers}{'ms-webstorage'}, 'no-ms-webstorage');
    $r = under('status-after=500:1,method=PROPPATCH', 1, 'status-after');
    is($r->{status}, 500, 'status-after: done, and yet an error');
};

subtest 'one property of many fails (rule 15)' => sub {
    my $r = under('207-partial:1,method=PROPPATCH', 0, '207-partial');
    is($r->{status}, 207, 'the outer status says nothing');
    my %inner;
    $inner{$1}++ while $r->{body} =~ /HTTP\/1\.1 (\d{3})/g;
    ok($inner{424} && !$inner{200} && !$inner{201} && keys %inner == 2, 'one failed, the others 424: ' . join ' ', sort keys %inner);
    $r = under('207-partial=urn%3Aschemas%3Acalendar%3A%20location:1', 0, '207-partial=location');
    like($r->{body}, qr/HTTP\/1\.1 4(?!24)\d\d [^<]*<\/\w+:status><\w+:prop><\w+:location/, 'the one that was named');
};

subtest 'a logon that is closed on' => sub {
    my $ntlm = SimRun->start('--auth', 'ntlm');
    $ntlm->fault('close-after-401:2');
    my $c = $ntlm->connect;
    my %type1 = (Depth => 0, Authorization => 'NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA=');
    is($c->request(PROPFIND => '/exchange/alice/', \%find)->{headers}{connection}, undef, 'the first 401 keeps it');
    my $r = $c->request(PROPFIND => '/exchange/alice/', \%type1);
    is("$r->{status} $r->{headers}{connection}[0]", '401 close', 'the one with the challenge does not');
    ok($c->closed, 'closed');
    $ntlm->no_faults;
    $ntlm->fault('close-after-401=silently');
    $c = $ntlm->connect;
    is($c->request(PROPFIND => '/exchange/alice/', \%type1)->{headers}{connection}, undef, 'or without a word');
    ok($c->closed, 'closed');
};

done_testing;
