#!/usr/bin/perl
# Agendas and feeds: what a room shows and to whom, calendars that another program's parser reads, and
# the conditional GET by which displays and calendar programs ask again.
use strict;
use warnings;
use utf8;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use JSON::PP ();
use POSIX qw(strftime);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimClient;
use SimRun;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;
my $sim = SimRun->start('--auth', 'basic', '--set', 'room-calendar=everybody');
my %more = map { $_ => "<Location /$_>\nAuthType Basic\nAuthName x\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\n"
        . "Require valid-user\nSetHandler owacal\nOwaCalUse corp\nOwaCalIdentity basic\nOwaCalTimezone Europe/Budapest\n"
        . "OwaCalPrivacy $_\n</Location>\n" } qw(organizer subject);
my $keys = tempdir(CLEANUP => 1);
{
    open my $out, '>', "$keys/pw" or die;
    print $out "pw-carol\n";
    close $out;
    chmod 0600, "$keys/pw";
}
# Carol's account stands for rooms, and for everybody; the server would let it read any calendar.
my %account = map { $_->[0] => $more{subject} =~ s/subject>/$_->[0]>/r =~ s/OwaCalIdentity basic/OwaCalIdentity $_->[1]/r }
    ['device', "device credential=panels rooms=boardroom\nOwaCalMailbox boardroom"], ['service', 'service credential=panels'];
$more{$_} = $account{$_} for keys %account;
my $web = Httpd->start(children => 1, passwords => { map { $_ => "pw-$_" } qw(alice bob carol boardroom) },
    backend => $sim->{url}, server => "OwaCalCredential panels user=EXAMPLE\\carol password=$keys/pw\n<Location /intranet>\nOptions +Includes\nAuthType Basic\nAuthName x\n"
    . "AuthBasicProvider file\nAuthUserFile \@DIR\@/users\nRequire valid-user\n</Location>\n" . join '', map { $more{$_} } sort keys %more);
my $room = SimClient->new($sim, 'boardroom');
my $alice = SimClient->new($sim, 'alice');

sub get {
    my ($path, %headers) = @_;
    my $method = delete $headers{method} // 'GET';
    return $web->request($method, $path, user => delete $headers{user} // 'bob', headers => { %headers });
}

# What python3-icalendar reads in a calendar.
sub foreign {
    my ($text) = @_;
    open my $out, '>', "$web->{dir}/read.ics" or die;
    binmode $out;
    print $out $text;
    close $out;
    my $json = `/usr/bin/python3 '$Bin/lib/ics.py' < '$web->{dir}/read.ics' 2>'$web->{dir}/read.err'`;
    return JSON::PP->new->utf8->decode($json) if $json;
    diag $web->slurp('read.err');
    return { events => [], errors => ['not read'], zones => [] };
}

sub feed {
    my ($path, %o) = @_;
    my $r = get($path, %o);
    is($r->{status}, 200, "$path") or diag $r->{content};
    is($r->{headers}{'content-type'}, 'text/calendar; charset=utf-8', '  is a calendar');
    my $c = foreign($r->{content});
    is_deeply([@{ $c->{errors} }, map { @{ $_->{ERRORS} } } @{ $c->{events} }], [], '  which a foreign parser takes');
    cmp_ok($c->{longest}, '<=', 75, '  lines of 75 bytes at most');
    is($c->{bare}, 0, '  with proper ends');
    my %seen;
    is(scalar(grep { $seen{ $_->{UID} }++ } @{ $c->{events} }), 0, '  no uid twice');
    return ($c, $r);
}

my $evil = qq{<b>"; , c:\\x\x{202e}gpj\x{2066}😀};
my $n = 0;
sub put {
    my ($who, $mailbox, %set) = @_;
    my $path = "/exchange/$mailbox/Calendar/item-" . ++$n . '.EML';
    my $set = SimClient::appointment(%set);
    utf8::encode($_) for grep { !ref } values %$set;
    my ($status, $r) = $who->put_props($path, $set, 'If-None-Match' => '*');
    is($status, 201, "item $n stands") or diag $r->{body};
    return $path;
}
sub at { my ($day, $hour) = @_; return ('cal:dtstart' => "2027-$day" . "T$hour:00:00.000Z", 'cal:dtend' => "2027-$day" . "T$hour:30:00.000Z") }
# Alice books the room, and it says yes: what then stands in its calendar is what Exchange put there.
sub book {
    my ($subject, $start, %o) = @_;
    my $r = $web->json('alice', POST => '/booking/bookings', { subject => $subject, start => $start, room => 'boardroom',
        $o{all_day} ? () : (duration => 30), %o });
    is($r->{status}, 201, "booked at $start") or diag $r->{content};
    return $r->{json}{booking}{uid};
}
# Changes what stands in the room's calendar under that uid.
sub rewrite {
    my ($uid, %set) = @_;
    my ($item) = grep { SimRun::property($_, 'urn:schemas:calendar:uid') eq $uid } $sim->items('boardroom', qr/^Calendar$/);
    my ($status, $r) = $room->put_props("/exchange/boardroom/Calendar/$item->{name}", \%set);
    is($status, 200, "$item->{name} changed") or diag $r->{body};
    return;
}
my $who = 'Alice';    # as the server shows her
my %uid;
$uid{evil} = book($evil, '2027-03-27T10:00');
$uid{name} = book('Anything', '2027-03-28T11:00');
rewrite($uid{name}, 'mail:subject' => $who);
$uid{secret} = book('Secret plans', '2027-03-28T12:00', private => JSON::PP::true(), location => 'Hidden place');
$uid{perhaps} = book('Perhaps', '2027-03-28T13:00');
rewrite($uid{perhaps}, 'cal:busystatus' => 'TENTATIVE');
put($room, 'boardroom', at('03-28', '12'), 'mail:subject' => 'Not in the way', 'cal:busystatus' => 'FREE');
$uid{day} = book('Cleaning day', '2027-03-29', all_day => JSON::PP::true());

sub secrets { my ($text) = @_; return join ' ', $text =~ /(Secret|Hidden|uid-secret|sensitiv|\Q$uid{secret}\E|Not in the way)/g }
sub shown { my ($r) = @_; return [map { join '/', substr($_->{start}, 11, 5), $_->{state}, $_->{subject} // '-', $_->{booked_by} // '-' } @{ $r->{json}{entries} }] }

subtest 'what a room shows' => sub {
    my $r = get('/booking/rooms/boardroom.json?day=2027-03-28');
    is($r->{status}, 200, 'its agenda') or diag $r->{content};
    is($r->{json}{source}, 'calendar', 'from its calendar');
    is("$r->{json}{start} $r->{json}{end}", '2027-03-28T00:00:00+01:00 2027-03-29T00:00:00+02:00', 'of a day of 23 hours');
    is_deeply(shown($r), ['11:00/busy/-/-', '12:00/busy/-/-', '13:00/tentative/-/-'], 'busy: nothing but times');
    is_deeply([grep { $r->{content} =~ /$_/ } qw(Alice Secret Hidden uid)], [], '  and nothing else of it');

    $r = get('/organizer/rooms/boardroom.json?day=2027-03-28');
    is_deeply(shown($r), ['11:00/busy/-/Alice', '12:00/busy/-/-', '13:00/tentative/-/Alice'], 'organizer: who, too');
    is(secrets($r->{content}) . ($r->{content} =~ /Perhaps/ ? 'Perhaps' : ''), '', '  but not what');
    $r = get('/subject/rooms/boardroom.json?day=2027-03-28');
    is_deeply(shown($r), ['11:00/busy/-/Alice', '12:00/busy/-/-', '13:00/tentative/Perhaps/Alice'],
        'subject: what as well; a subject that is a name says who');
    is(secrets($r->{content}), '', '  never of what is private');

    for my $where (qw(booking organizer subject)) {
        $r = get("/$where/rooms/boardroom.html?day=2027-03-27&end=2027-03-29");
        is($r->{status}, 200, "$where as HTML");
        is(secrets($r->{content}), '', '  nothing private in it');
        is($r->{content} =~ /Alice/ ? 1 : 0, $where eq 'booking' ? 0 : 1, '  the organizer as configured');
    }
    my $text = $r->{content};
    utf8::decode($text);
    like($text, qr{<bdi class="owacal-subject">&lt;b&gt;&#34;; , c:\\x\x{202e}gpj\x{2066}😀</bdi>}, 'hostile subjects are text, kept by themselves');
    like($text, qr{Booked by <bdi class="owacal-by">Alice}, 'a name in place of the subject is "booked by"');
    like($text, qr{<time datetime="2027-03-28T11:00:00\+02:00">Sun, 28 Mar 2027, 11:00</time>}, 'times are elements');
    $r = get('/organizer/rooms/boardroom.ics?start=2027-03-27&end=2027-03-30');
    is(secrets($r->{content}), '', 'nothing private in a feed');

    # The mailbox's own account reads everything there; what is private stays so.
    for my $as (qw(alice boardroom)) {
        for my $path ('.json?day=2027-03-28', '.html?day=2027-03-28', '.ics?start=2027-03-27&end=2027-03-30') {
            $r = get("/subject/rooms/boardroom$path", user => $as);
            is("$r->{status} " . secrets($r->{content}), '200 ', "nor in $path for $as");
        }
    }
    $r = get('/booking/rooms/alice.json?day=2027-03-28');
    is("$r->{status} $r->{json}{reason}", '404 no-such-page', 'a mailbox that is no configured room is not there');
    for (qw(boardroom/panels ../alice boardroom%2f..%2falice BOARDROOM boardroom%00)) {
        is(get("/booking/rooms/$_.json")->{status} =~ /^40[04]$/ ? 1 : 0, 1, "nor is $_");
    }
    is(scalar(grep { $_->{target} =~ m{/exchange/(?!boardroom|bob|alice/)} } $sim->requests), 0, 'and nobody else was asked about');
    is(get('/booking/rooms/boardroom.json?day=tomorrow')->{status}, 422, 'a day that is none');
};

subtest 'now' => sub {
    my $t = time;
    my $z = sub { strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $_[0]) };
    my $from = $t - $t % 60 - 600;
    my $until = $from + 3600;
    put($room, 'boardroom', 'cal:dtstart' => $z->($from), 'cal:dtend' => $z->($until), 'mail:subject' => 'Now', 'cal:uid' => 'uid-now');
    put($room, 'boardroom', 'cal:dtstart' => $z->($from - 7200), 'cal:dtend' => $z->($from - 3600), 'mail:subject' => 'Before', 'cal:uid' => 'uid-before');
    my $range = '?start=' . strftime('%Y-%m-%dT%H:00:00Z', gmtime $t - 86400) . '&end=' . strftime('%Y-%m-%dT%H:00:00Z', gmtime $t + 86400);
    my $r = get("/subject/rooms/boardroom.json$range");
    is($r->{json}{now}{state}, 'busy', 'the room is busy');
    is_deeply([map { [$_->{subject}, $_->{past} ? 1 : 0] } @{ $r->{json}{entries} }], [['Before', 1], ['Now', 0]], 'what is over is marked');
    $r = get("/subject/rooms/boardroom.html$range");
    like($r->{content}, qr{<p class="owacal-now owacal-busy">Busy until <time datetime=}, 'HTML says until when');
    like($r->{content}, qr{<li class="owacal-busy owacal-past">.*Before.*over.*aria-current="time">.*Now}s, 'past and current are told apart');
    $r = get("/subject/rooms/room1.html$range");
    like($r->{content}, qr{owacal-free">Free</p>.*Nothing is booked}s, 'another is free');
};

subtest 'a feed of a room' => sub {
    my ($c, $r) = feed('/subject/rooms/boardroom.ics?start=2027-03-27&end=2027-03-30');
    my %by = map { $_->{SUMMARY} => $_ } @{ $c->{events} };
    is_deeply([sort keys %by], [sort $evil, 'Booked by Alice', 'Busy', 'Perhaps', 'Cleaning day'], 'every event, texts as they are');
    is_deeply($c->{zones}, ['Europe/Budapest'], 'with the rules of its zone');
    is("$by{$evil}{DTSTART} $by{$evil}{TZID} $by{Perhaps}{DTSTART}", '2027-03-27T09:00:00Z Europe/Budapest 2027-03-28T11:00:00Z',
        'which hold before and after the change of the clocks');
    like($r->{content}, qr/^DTSTART;TZID=Europe\/Budapest:20270327T100000\r\n.*^DTSTART;TZID=Europe\/Budapest:20270328T130000\r$/ms, 'in local times');
    is("$by{'Cleaning day'}{DTSTART} $by{'Cleaning day'}{DTEND}", '2027-03-29 2027-03-30', 'whole days are dates');
    is($by{Perhaps}{STATUS}, 'TENTATIVE', 'tentative is said');
    ok(!$by{Busy}{CLASS}, 'but not what is private');
    is($by{$evil}{UID}, $uid{evil}, "a booking's own uid");
    like($by{$evil}{ORGANIZER}, qr/^mailto:alice\@example\.test$/i, 'and organizer');
    like($by{Busy}{UID}, qr/^[\w-]{24}\@owacal$/, 'what is private has another one');
    ok(!$by{Busy}{ORGANIZER} && !$by{Busy}{CREATED} && !$by{Busy}{'LAST-MODIFIED'}, 'and says nothing else');
    is($c->{NAME}, 'Board room', "the calendar bears the room's name");
    is($r->{headers}{'content-disposition'}, 'inline; filename="boardroom.ics"', 'and so does the file');

    my ($again) = feed('/subject/rooms/boardroom.ics?start=2027-03-27&end=2027-03-31', user => 'alice');
    is_deeply([sort map { $_->{UID} } @{ $again->{events} }], [sort map { $_->{UID} } @{ $c->{events} }], 'uids stay, whoever asks and when');
    my ($busy) = feed('/booking/rooms/boardroom.ics?start=2027-03-27&end=2027-03-30');
    is_deeply([map { $_->{SUMMARY} } @{ $busy->{events} }], [qw(Busy Busy Busy), 'Tentatively booked', 'Busy'], 'busy: times only');
    is(scalar(grep { $_->{UID} !~ /\@owacal$/ } @{ $busy->{events} }), 0, '  under uids that say nothing');
    my ($empty) = feed('/booking/rooms/room1.ics?start=2027-03-27&end=2027-03-30');
    is(scalar @{ $empty->{events} }, 0, 'an empty calendar is one, too');

    is(get('/booking/rooms/boardroom', Accept => 'text/calendar, text/html;q=0.5')->{headers}{'content-type'}, 'text/calendar; charset=utf-8', 'by Accept');
    is(get('/booking/rooms/boardroom', Accept => 'text/html')->{headers}{'content-type'}, 'text/html; charset=utf-8', 'or not');
    is(get('/booking/rooms.ics')->{status}, 404, 'where there is no calendar there is no .ics');
    is(get('/booking/freebusy.ics')->{status}, 404, '  nor there');
    is(get('/booking/bookings.ics', method => 'POST')->{status}, 405, 'nothing is posted to one');
    my $bad = get('/booking/rooms/boardroom.ics?start=2027-03-27&end=2029-03-30');
    is("$bad->{status} $bad->{headers}{'content-type'}", '422 application/problem+json', 'failures are problems');
};

my $ref;
subtest 'my bookings' => sub {
    my $long = '😀ű,;\\' x 2500;    # 12,500 characters
    my $r = $web->json('alice', POST => '/booking/bookings', { subject => "Budget; \"a\", b $evil", start => '2027-07-05T10:00', end => '2027-07-05T11:00',
        tz => 'America/New_York', room => 'boardroom', required => 'bob@example.test', text => "Line one\r\n\r\nline; two\n" . substr($long, 0, 10_000),
        reminder => 15 });
    is($r->{status}, 201, 'booked') or diag $r->{content};
    $ref = $r->{headers}{location};
    my ($c, $one) = feed("$ref.ics", user => 'alice');
    is(scalar @{ $c->{events} }, 1, 'to download');
    my $e = $c->{events}[0];
    is($e->{SUMMARY}, "Budget; \"a\", b $evil", 'subject');
    (my $text = "Line one\n\nline; two\n" . substr($long, 0, 10_000)) =~ s/\s+\z//;
    $e->{DESCRIPTION} =~ s/\s+\z//;
    is($e->{DESCRIPTION}, $text, 'note of 10,000 characters, line by line');
    is("$e->{DTSTART} $e->{DTEND}", '2027-07-05T14:00:00Z 2027-07-05T15:00:00Z', 'times');
    is($e->{TZID}, $c->{zones}[0], 'in the zone it was booked in');
    is_deeply([sort map { lc $_ } @{ $e->{ATTENDEE} }], ['mailto:boardroom@example.test accepted', 'mailto:bob@example.test needs-action'],
        'attendees with their answers');
    is_deeply($e->{ALARMS}, ['-1 day, 23:45:00'], 'a reminder 15 minutes before');
    is($one->{headers}{'content-disposition'}, 'attachment; filename="booking-2027-07-05.ics"', 'a file with a plain name');
    like($e->{DTSTAMP} . ($e->{SEQUENCE} // ''), qr/^20\d\d-.*Z\d+$/, 'stamp and sequence');
    is($e->{UID}, $r->{json}{booking}{uid}, 'uid');

    put($alice, 'alice', at('07-06', '09'), 'mail:subject' => 'Dentist', 'e:sensitivity' => ['int', 2], 'cal:uid' => 'uid-dentist');
    my ($mine, $list) = feed('/booking/bookings.ics?start=2027-07-01&end=2027-07-31', user => 'alice');
    is_deeply([map { $_->{UID} } @{ $mine->{events} }], [$e->{UID}, 'uid-dentist'], 'mine, private ones included');
    is($mine->{events}[1]{CLASS}, 'PRIVATE', '  and marked so');
    is(get("$ref.ics")->{status}, 404, "another person's booking is not there");
    my $bobs = get('/booking/bookings.ics?start=2027-07-01&end=2027-07-31');
    unlike($bobs->{content}, qr/Dentist/, 'nor in another feed');
    is(get('/booking/bookings/new.ics', user => 'alice')->{status}, 404, 'the form is no calendar');
    my ($default) = feed('/booking/bookings.ics', user => 'alice');
    is(get('/booking/bookings.ics', user => 'alice', Accept => 'text/html')->{headers}{'content-type'}, 'text/calendar; charset=utf-8', 'the suffix decides');
};

subtest 'a series' => sub {
    my $path = '/exchange/alice/Calendar/series-' . ++$n . '.EML';
    my $raw = join "\r\n", 'Content-Type: text/calendar; method=REQUEST', 'Content-Class: urn:content-classes:appointment', '', 'BEGIN:VCALENDAR', 'VERSION:2.0',
        'PRODID:x', 'BEGIN:VEVENT', 'UID:uid-series', 'SUMMARY:Weekly', 'DTSTART:20270802T090000Z', 'DTEND:20270802T100000Z', 'RRULE:FREQ=WEEKLY;COUNT=3',
        'END:VEVENT', 'END:VCALENDAR', '';
    my $r = $alice->do(PUT => $path, { 'Content-Type' => 'message/rfc822', Translate => 'f' }, $raw);
    like($r->{status}, qr/^20/, 'stands') or diag $r->{body};
    my ($c) = feed('/booking/bookings.ics?start=2027-08-01&end=2027-08-31', user => 'alice');
    is_deeply([map { $_->{DTSTART} } @{ $c->{events} }], [map { "2027-08-${_}T09:00:00Z" } qw(02 09 16)], 'each time is an event by itself');
};

subtest 'asking again' => sub {
    for my $path ('/subject/rooms/boardroom.json?day=2027-03-28', '/subject/rooms/boardroom.html?day=2027-03-28',
        '/subject/rooms/boardroom.ics?start=2027-03-28&end=2027-03-29', '/booking/bookings.ics?start=2027-03-28&end=2027-03-29') {
        my $r = get($path);
        my $etag = $r->{headers}{etag} // '';
        like($etag, qr/^"[\w-]{24}"$/, "$path: a strong ETag");
        is($r->{headers}{'cache-control'}, 'private, no-cache', '  to be kept by the reader only, and asked about');
        like($r->{headers}{vary}, qr/Accept/, '  by format');
        is(get($path)->{headers}{etag}, $etag, '  the same while nothing happens');
        my $count = () = $sim->requests;
        my $same = get($path, 'If-None-Match' => qq{"other", $etag});
        is($same->{status}, 304, '  304 to whoever has it');
        is($same->{content} // '', '', '    without a body');
        is($same->{headers}{etag}, $etag, '    but with the ETag');
        is($same->{headers}{'cache-control'}, 'private, no-cache', '    and how to keep it');
        is(() = ($sim->requests), $count + 1, '    for one request to the server');
        is(get($path, 'If-None-Match' => '"other"')->{status}, 200, '  200 to others');
        is(get($path, 'If-Modified-Since' => strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime))->{status}, 200, '  a date says nothing');
        my $head = get($path, method => 'HEAD');
        is("$head->{status} $head->{headers}{etag} $head->{headers}{'content-length'} [" . ($head->{content} // '') . ']', "200 $etag " . length($r->{content}) . ' []', '  HEAD');
        is(get($path, method => 'HEAD', 'If-None-Match' => $etag)->{status}, 304, '  and HEAD again');
    }
    my $path = '/subject/rooms/boardroom.json?day=2027-03-28';
    my $etag = get($path)->{headers}{etag};
    put($room, 'boardroom', at('03-28', '15'), 'mail:subject' => 'One more', 'cal:uid' => 'uid-more');
    is(get($path, 'If-None-Match' => $etag)->{status}, 200, 'something new is sent');
    isnt(get('/organizer/rooms/boardroom.json?day=2027-03-28')->{headers}{etag}, get($path)->{headers}{etag}, 'what is not the same has another tag');

    mkdir "$web->{dir}/htdocs/intranet";
    $web->write_file('htdocs/intranet/room.shtml', "<p>before</p><!--#include virtual=\"/subject/rooms/boardroom.html?day=2027-03-28\" --><p>after</p>\n");
    my $page = get('/intranet/room.shtml', 'If-None-Match' => '*');
    like($page->{content}, qr{before.*<section class="owacal owacal-agenda".*One more.*after}s, 'in a page it is a fragment, whatever the reader has')
        or diag "$page->{status} $page->{content}";
    unlike($page->{content}, qr/<html/, '  and no document');
};

subtest 'a calendar that is closed' => sub {
    my $soon = time + 2 * 86400;
    my $day = strftime('%Y-%m-%d', gmtime $soon);
    put($room, 'boardroom', 'cal:dtstart' => "${day}T09:00:00.000Z", 'cal:dtend' => "${day}T10:00:00.000Z", 'mail:subject' => 'Closed subject',
        'cal:uid' => 'uid-closed');
    $sim->control(POST => '/_sim/settings?room-calendar=nobody');
    my $r = get("/subject/rooms/boardroom.json?day=$day", user => 'carol');
    is($r->{status}, 200, 'is no failure') or diag $r->{content};
    is($r->{json}{source}, 'freebusy', 'it says where it comes from');
    is_deeply([map { "$_->{state} " . substr $_->{start}, 11, 5 } @{ $r->{json}{entries} }], ['busy ' . substr(gm_in_zone("${day}T09"), 0, 5)], 'when it is busy');
    is($r->{content} =~ /Closed|Alice/ ? 1 : 0, 0, 'and no more');
    my $count = () = $sim->requests;
    my $again = get("/subject/rooms/boardroom.json?day=$day", user => 'carol', 'If-None-Match' => $r->{headers}{etag});
    is($again->{status}, 304, 'asked again: 304');
    is_deeply([map { $_->{method} } ($sim->requests)[$count .. (() = $sim->requests) - 1]], ['GET'], '  and the closed calendar was not tried again');
    my ($c) = feed("/subject/rooms/boardroom.ics?start=$day&end=" . strftime('%Y-%m-%d', gmtime $soon + 86400), user => 'carol');
    is_deeply([map { "$_->{SUMMARY} $_->{DTSTART} $_->{DTEND}" } @{ $c->{events} }], ["Busy ${day}T09:00:00Z ${day}T10:00:00Z"], 'as a feed');
    my ($same) = feed("/subject/rooms/boardroom.ics?start=$day&end=" . strftime('%Y-%m-%d', gmtime $soon + 2 * 86400), user => 'carol');
    is($same->{events}[0]{UID}, $c->{events}[0]{UID}, '  with a uid that stays');
    my ($far) = feed('/subject/rooms/boardroom.ics?start=2031-03-28&end=2031-03-30', user => 'carol');
    is_deeply([map { "$_->{SUMMARY} $_->{TRANSP}" } @{ $far->{events} }], ['Not known TRANSPARENT'], 'what nobody knows is not free');
    my $unknown = get('/subject/rooms/boardroom.html?day=2031-03-28', user => 'carol');
    like($unknown->{content}, qr/Not known.*From free\/busy/s, '  nor in HTML');
};

subtest 'by an account' => sub {
    $sim->control(POST => "/_sim/grant?mailbox=$_&user=carol&level=owner") for qw(alice bob boardroom room1);
    my $day = strftime('%Y-%m-%d', gmtime time + 2 * 86400);
    my $r = get("/device/rooms/boardroom.json?day=$day");
    is("$r->{status} $r->{json}{source} $r->{json}{entries}[0]{subject}", '200 calendar Closed subject', 'that of a display reads its own room') or diag $r->{content};
    $r = get('/device/rooms/boardroom.json?day=2027-03-28');
    is($r->{status} . secrets($r->{content}), '200', '  and shows nothing private of it');
    $r = get("/device/rooms/room1.json?day=$day");
    is("$r->{status} $r->{json}{source}", '200 freebusy', '  of another room free/busy') or diag $r->{content};
    $r = get("/service/rooms/boardroom.json?day=$day");
    is("$r->{status} $r->{json}{source}", '200 freebusy', 'that of everybody looks into no room') or diag $r->{content};
    is($r->{content} =~ /Closed|Alice/ ? 1 : 0, 0, '  whatever the server would let it see');
};

sub gm_in_zone {    # of a UTC hour, what the clocks in Budapest show
    my ($text) = @_;
    chomp(my $local = `TZ=Europe/Budapest date -d '${text}:00:00Z' +%H:%M`);
    return $local;
}

done_testing();
