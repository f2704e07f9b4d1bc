#!/usr/bin/perl
# Forms and programs side by side: tokens, origin, redirects, idempotency, references.
use strict;
use warnings;
use Encode ();
use FindBin qw($Bin);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $sim = SimRun->start('--auth', 'basic');
my $web = Httpd->start(backend => $sim->{url});
my $url = '/booking/bookings';
my $hour = 8;
my ($day, $no) = ('2099-03-05', 0);

# A booking at a time of its own.
sub fresh {
    my $start = sprintf '2099-03-%02dT%02d:00', 1 + int($no / 10), 8 + $no % 10;
    $no++;
    return (subject => "Meeting $no", room => 'boardroom', start => $start, duration => @_ ? '60' : 60);
}
sub reason { my ($r) = @_; return $r->{json} ? $r->{json}{reason} : ($r->{content} =~ /Reason: ([a-z-]+)/)[0] // '' }
sub calendar { return $sim->items($_[0], qr/^Calendar$/) }
my $raw = sub {
    my ($fields, %h) = @_;
    return $web->request(POST => $url, user => 'alice', form => $fields, headers => \%h);
};

subtest 'a form needs its token' => sub {
    my %f = fresh(1);
    is($raw->({%f})->{status}, 403, 'none: refused');
    is(reason($raw->({ %f, token => '1.x' })), 'form-token-invalid', 'nonsense: refused');
    is(reason($raw->({ %f, token => $web->token('bob') })), 'form-token-invalid', "another person's: refused");
    my ($when, $mac) = split /\./, $web->token('alice');
    is(reason($raw->({ %f, token => ($when + 1) . ".$mac" })), 'form-token-invalid', 'with its time changed: refused');
    my $r = $raw->({ %f, token => '' });
    like($r->{content}, qr/name="subject" value="\Q$f{subject}\E"/, 'and the form is not lost');
    my ($token) = $r->{content} =~ /name="token" value="([^"]+)"/;
    is($raw->({ %f, token => $token })->{status}, 303, 'sent once more with the token of the answer it books');
};

subtest 'only our own pages may post' => sub {
    my %f = (fresh(1), token => $web->token('alice'));
    for (['Sec-Fetch-Site' => 'cross-site'], ['Sec-Fetch-Site' => 'same-site'], [Origin => 'https://evil.example'],
        [Origin => 'null'], [Origin => "$web->{origin}.evil.example"], [Origin => $web->{origin} =~ s/http/https/r]) {
        is(reason($raw->(\%f, @$_)), 'origin-refused', "@$_: refused");
    }
    my $r = $web->request(DELETE => "$url/x", user => 'alice', headers => { Origin => 'https://evil.example' });
    is(reason($r), 'origin-refused', 'DELETE from elsewhere: refused');
    $r = $web->json('alice', POST => $url, { fresh() }, headers => { Accept => 'application/json', Origin => 'https://evil.example' });
    is(reason($r), 'origin-refused', 'JSON from elsewhere: refused');
    ok(!$r->{headers}{'access-control-allow-origin'}, 'and CORS is not granted');
    is($raw->(\%f, Origin => $web->{origin}, 'Sec-Fetch-Site' => 'same-origin')->{status}, 303, 'ours: booked');
};

subtest 'return=' => sub {
    for my $bad ('//evil.example/intranet', '/\\evil.example', 'https://evil.example/', '/intranet/../booking', '/intranetx',
        "/intranet\r\nSet-Cookie: a=b", '/intranet/%2e%2e/x', '/intranet%2f..', '/intranet/%5c', '/booking', 'intranet',
        '/intranet/%0d%0aX:1', '/%69ntranet/../../x', '') {
        my $r = $web->form('alice', $url, { fresh(1), return => $bad });
        if ($bad eq '') {
            is($r->{status}, 303, 'an empty one is none');
            next;
        }
        is($r->{status}, 422, "refused: $bad") or diag $r->{content};
        ok(!$r->{headers}{location}, '  and nothing redirects there');
    }
    for my $good ('/intranet', '/intranet/', '/intranet/rooms/today.html?day=1', '/intranet/./x', '/%69ntranet/x') {
        my $r = $web->form('alice', $url, { fresh(1), return => $good });
        is($r->{status}, 303, "allowed: $good") or diag $r->{content};
        like($r->{headers}{location}, qr/^\Q$good\E[?&]owacal=/, '  and it leads there, relative');
    }
};

subtest 'the outcome after a redirect' => sub {
    my $r = $web->form('alice', $url, { fresh(1) });
    my $to = $r->{headers}{location};
    my $page = $web->request(GET => $to, user => 'alice', headers => { Accept => 'text/html' });
    like($page->{content}, qr/The booking is confirmed/, 'is shown to who booked');
    my ($note) = $to =~ /owacal=(.*)/;
    $page = $web->request(GET => "$url?owacal=$note", user => 'bob', headers => { Accept => 'text/html' });
    unlike($page->{content}, qr/confirmed/, 'but not to somebody else');
    my $forged = encode_base64url('You won!') . '.' . (split /\./, $note, 2)[1];
    $page = $web->request(GET => "$url?owacal=$forged", user => 'alice', headers => { Accept => 'text/html' });
    unlike($page->{content}, qr/You won/, 'and cannot be forged');
};

subtest 'the same key books once' => sub {
    my %d = fresh();
    my $before = calendar('alice');
    my @r = map { $web->json('alice', POST => $url, \%d, headers => { Accept => 'application/json', 'Idempotency-Key' => '"once"' }) } 1 .. 3;
    is($r[0]{status}, 201, 'first: created');
    is($r[$_]{status}, 200, 'again: the same') for 1, 2;
    ok($r[1]{json}{replayed}, 'and it says so');
    is($r[1]{json}{booking}{uid}, $r[0]{json}{booking}{uid}, 'the same booking');
    is(scalar(calendar('alice')), $before + 1, 'one item in the calendar');
    my $other = $web->json('alice', POST => $url, { %d, subject => 'Something else' },
        headers => { Accept => 'application/json', 'Idempotency-Key' => 'once' });
    is("$other->{status} " . reason($other), '422 key-conflict', 'the same key for something else is refused');
    my $bob = $web->json('bob', POST => $url, { fresh() }, headers => { Accept => 'application/json', 'Idempotency-Key' => 'once' });
    is($bob->{status}, 201, "another person's key is another key");
    my %f = (fresh(1), key => 'click', token => $web->token('alice'));
    is($raw->(\%f)->{status}, 303, 'a form with its key');
    is($raw->(\%f)->{status}, 303, 'clicked twice');
    is(scalar(grep { SimRun::subject($_) =~ /\Q$f{subject}\E/ } calendar('alice')), 1, 'books once');
    my $long = $web->json('alice', POST => $url, { fresh() }, headers => { Accept => 'application/json', 'Idempotency-Key' => 'x' x 300 });
    is($long->{status}, 422, 'a key over its length is refused');
};

subtest 'references' => sub {
    my $r = $web->json('alice', POST => $url, { fresh() });
    my $ref = $r->{json}{booking}{ref};
    is($web->json('alice', GET => "$url/$ref")->{status}, 200, 'ours works');
    for my $m ([GET => undef], [PATCH => { subject => 'x' }], [DELETE => undef]) {
        is($web->json('bob', $m->[0] => "$url/$ref", $m->[1])->{status}, 404, "$m->[0] by somebody else: not found");
    }
    my ($body, $mac) = split /\./, $ref;
    my $forged = encode_base64url(decode_base64url($body) =~ s/oc-(.)/'oc-' . ($1 eq '0' ? 1 : 0)/er) . ".$mac";
    for my $bad ($forged, substr($ref, 0, -1), substr($ref, 1), $body, ".$mac", 'x.y', 'A' x 3000,
        encode_base64url("../../bob/Calendar/x.EML\0uid") . ".$mac", "$ref.x") {
        is($web->json('alice', GET => "$url/$bad")->{status}, 404, 'not found: ' . substr($bad, 0, 40));
    }
    is(scalar(grep { ($_->{user} // '') eq 'alice' && $_->{target} =~ m{^/exchange/bob/} } @{ $sim->control(GET => '/_sim/log') }), 0,
        "nothing was ever asked of another person's mailbox");
    is($web->json('alice', DELETE => "$url/$ref")->{status}, 200, 'cancelled');
    is($web->json('alice', GET => "$url/$ref")->{status}, 404, 'gone');
    is(reason($web->json('alice', DELETE => "$url/$ref")), 'booking-not-found', 'cancelled twice: not found');
};

subtest 'the longest note' => sub {
    my $note = "\xd0\xb4" x 16_000;    # 32,000 bytes, each three in a form
    my %fields = (start => '2099-07-05T10:00', duration => 60, text => $note);
    is($web->form('alice', $url, { %fields, subject => 'A long note' })->{status}, 303, 'is taken in any script');
    my $r = $web->form('alice', $url, { %fields, subject => 'Kept', text => "$note." });
    like("$r->{status} $r->{content}", qr/^422 .*name="subject" value="Kept"/s, 'one that is longer comes back with its form');
    my @parts = Httpd::form_encode({ token => $web->token('alice'), %fields, subject => 'In chunks' }) =~ /(.{1,3000})/gs;
    $r = $web->request(POST => $url, user => 'alice', body => sub { return shift @parts },
        headers => { 'Content-Type' => 'application/x-www-form-urlencoded', Accept => 'text/html' });
    is($r->{status}, 303, 'whether or not its length is told before');
    my ($item) = grep { SimRun::subject($_) eq 'In chunks' } calendar('alice');
    is($item->{properties}{'urn:schemas:httpmail:textdescription'}, Encode::decode_utf8($note), 'and all of it stands in the calendar');
};

subtest 'a reminder' => sub {
    my $at = sub {
        my ($item) = grep { SimRun::subject($_) eq 'Reminded' } calendar('alice');
        return ($item->{properties}{'http://schemas.microsoft.com/mapi/reminderset'} // '?') . ' ' . ($item->{properties}{'urn:schemas:calendar:reminderoffset'} // '');
    };
    my $r = $web->json('alice', POST => $url, { subject => 'Reminded', start => '2099-07-06T10:00', duration => 60, reminder => 10 });
    is($at->(), '1 600', 'is set');
    my $href = $r->{headers}{location};
    is($web->form('alice', $href, { action => 'update', text => 'x' })->{status}, 303, 'a form without that field');
    is($at->(), '1 600', '... leaves it');
    is($web->form('alice', $href, { action => 'update', reminder => '' })->{status}, 303, 'one in which it was emptied');
    like($at->(), qr/^0 /, '... takes it away');
};

subtest 'what a form has no field for' => sub {
    $sim->control(POST => '/_sim/items?' . Httpd::form_encode({ mailbox => 'alice', start => '2099-06-05T10:00:00Z',
        'urn:schemas:httpmail:subject' => 'Elsewhere', 'urn:schemas:mailheader:to' => 'bob@example.test',
        'urn:schemas:mailheader:bcc' => 'Projector <projector@example.test>, boardroom@example.test',
        map { ("http://schemas.microsoft.com/mapi/$_" => 1) } qw(finvited responsestatus apptstateflags) }));
    my $invited = sub {
        my ($item) = grep { SimRun::subject($_) =~ /Elsewhere/ } calendar('alice');
        return join ' ', sort map { "$_->{role}:$_->{address}" } grep { $_->{listed} } @{ $item->{attendees} };
    };
    my ($b) = grep { $_->{subject} eq 'Elsewhere' } @{ $web->json('alice', GET => "$url?start=2099-06-05&end=2099-06-06")->{json}{bookings} };
    my $page = $web->request(GET => $b->{href}, user => 'alice', headers => { Accept => 'text/html' })->{content};
    like($page, qr/value="boardroom" selected/, 'the room that is configured is in the form');
    my %fields = (action => 'update', room => '', required => 'bob@example.test', optional => '');
    is($web->form('alice', $b->{href}, { %fields, subject => 'Elsewhere, too' })->{status}, 303, 'changed');
    is($invited->(), 'bcc:projector@example.test to:bob@example.test', 'one that is not stays invited, the other may be left out');
    is($web->form('alice', $b->{href}, { %fields, required => 'projector@example.test' })->{status}, 303, 'named as a person');
    is($invited->(), 'to:projector@example.test', '... it is not invited twice');
};

subtest 'what every reply says' => sub {
    for my $r ($web->json('alice', GET => '/booking/rooms'), $web->json('alice', GET => '/booking/nowhere'),
        $web->request(GET => '/booking/rooms', user => 'alice')) {
        is($r->{headers}{'cache-control'}, 'private, no-store', 'private, no-store');
        like($r->{headers}{vary} // '', qr/Accept, ?Accept-Language/, 'Vary');
        is($r->{headers}{'x-content-type-options'}, 'nosniff', 'nosniff');
        ok(!$r->{headers}{'www-authenticate'}, 'no login is asked for');
    }
    is($web->request(GET => '/booking/rooms.json', user => 'alice')->{headers}{'content-type'}, 'application/json', '.json');
    like($web->request(GET => '/booking/rooms.html', user => 'alice', headers => { Accept => 'application/json' })->{headers}{'content-type'}, qr/html/, '.html');
    like($web->request(GET => '/booking/rooms', user => 'alice', headers => { Accept => 'text/html;q=0.4, application/json;q=0.5' })->{headers}{'content-type'}, qr/json/, 'Accept is weighed');
    my $head = $web->request(HEAD => '/booking/rooms', user => 'alice');
    is($head->{status}, 200, 'HEAD');
    is($head->{content} // '', '', '  without a body');
    is($web->request(GET => '/booking/rooms')->{status}, 401, "only Apache's own login asks for one");
};

subtest 'a calendar server whose address is IPv6' => sub {
    my $front = Httpd->start(children => 1, backend_line => "OwaCalBackend corp owa2003 http://[::1]/exchange/ connect=127.0.0.1:$sim->{port}");
    my $r = $front->json('alice', POST => $url, { subject => 'Six', start => '2099-06-08T10:00', duration => 30, room => 'boardroom', required => 'bob@example.test' });
    is($r->{status}, 201, 'books') or diag $r->{content};
    is($front->json('alice', PATCH => $r->{headers}{location}, { subject => 'Seven' })->{status}, 200, 'changes');
    is($front->json('alice', DELETE => $r->{headers}{location})->{status}, 200, 'cancels');
};

like($web->log, qr/OWACAL0541: \[op [0-9a-f]{16}\] audit: act=book user="alice" mailbox="alice" .*message-id=<\w+\@\S+> outcome=confirmed/,
    'acts are in the audit log, with the Message-ID of what was sent');
unlike($web->log, qr/Meeting \d|pw-alice|YWxpY2U6/, 'subjects and passwords are not in the log');
unlike($web->log, qr/exit signal|segfault/i, 'no child crashed');
done_testing();
