#!/usr/bin/perl
# MIME in the simulator: PUT becomes properties, GET with Translate: f gives a message back.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(encode decode);
use MIME::Base64 qw(encode_base64 decode_base64);
use MIME::QuotedPrint qw(encode_qp);
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic');
my $c = $sim->connect;
sub as { my $u = shift; return (Authorization => 'Basic ' . encode_base64("$u:pw-$u", '')) }
sub put {
    my ($path, $message, %h) = @_;
    return $sim->once(PUT => $path, { 'Content-Type' => 'message/rfc822', Translate => 'f', 'If-None-Match' => '*',
            as('alice'), %h }, encode('UTF-8', $message =~ s/(?<!\r)\n/\r\n/gr));
}
my %NS = (D => 'DAV:', e => 'http://schemas.microsoft.com/exchange/', h => 'urn:schemas:mailheader:',
    m => 'urn:schemas:httpmail:', c => 'urn:schemas:calendar:', i => 'http://schemas.microsoft.com/mapi/',
    t => 'http://schemas.microsoft.com/mapi/proptag/');

# Properties of an item by PROPFIND: { 'c:uid' => value }.
sub props {
    my ($path, @want) = @_;
    my $body = '<?xml version="1.0"?><D:propfind ' . join(' ', map { qq(xmlns:$_="$NS{$_}") } sort keys %NS)
        . '><D:prop>' . join('', map { "<$_/>" } @want) . '</D:prop></D:propfind>';
    my $r = $sim->once(PROPFIND => $path, { Depth => 0, Brief => 't', 'Content-Type' => 'text/xml', as('alice') }, $body);
    my %got = (status => $r->{status});
    for my $want (@want) {
        my ($p, $local) = split /:/, $want;
        my ($prefix) = $r->{body} =~ /xmlns:(\w+)="\Q$NS{$p}\E"/ or next;
        ($got{$want}) = $r->{body} =~ m{<$prefix:$local(?: [^>]*)?>(.*?)</$prefix:$local>}s;
        next unless defined $got{$want};
        my @v = $got{$want} =~ m{<\w+:v>(.*?)</\w+:v>}gs;
        $got{$want} = join ' ', @v if @v;
        $got{$want} =~ s/&(amp|lt|gt|quot|#13|#10);/{amp => '&', lt => '<', gt => '>', quot => '"', '#13' => "\r", '#10' => "\n"}->{$1}/ge;
        $got{$want} = decode('UTF-8', $got{$want});
    }
    return \%got;
}
sub get {
    my $r = $sim->once(GET => $_[0], { Translate => 'f', as('alice') });
    $r->{text} = decode('UTF-8', $r->{body});
    $r->{unfolded} = $r->{text} =~ s/\r\n[ \t]//gr;
    return $r;
}

my $ZONE = <<'END';
BEGIN:VTIMEZONE
TZID:Budapest
X-MICROSOFT-CDO-TZID:6
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE
END
sub calendar {
    my ($lines, $method) = @_;
    return "BEGIN:VCALENDAR\nMETHOD:" . ($method || 'PUBLISH') . "\nPRODID:-//test\nVERSION:2.0\n$ZONE"
        . "BEGIN:VEVENT\n$lines" . "END:VEVENT\nEND:VCALENDAR\n";
}
sub single {
    my ($ics, %o) = @_;
    my $class = $o{class} || 'appointment';
    return "Content-class: urn:content-classes:$class\nMIME-Version: 1.0\n" . ($o{headers} || '')
        . 'Content-Type: text/calendar; method=' . ($o{method} || 'REQUEST') . "; charset=\"utf-8\"\n"
        . "Content-Transfer-Encoding: 8bit\n\n$ics";
}
my $EVENT = "UID:put-1\nSUMMARY:Költség, terv\nDTSTAMP:20260701T080000Z\nDTSTART;TZID=Budapest:20260715T100000\n"
    . "DTEND;TZID=Budapest:20260715T113000\nLOCATION:Room 4\\, left\nDESCRIPTION:Agenda\\nfollows\nSEQUENCE:2\nCLASS:PRIVATE\n"
    . "X-MICROSOFT-CDO-BUSYSTATUS:OOF\nORGANIZER:MAILTO:alice\@example.test\n"
    . "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:MAILTO:bob\@example.test\n"
    . "ATTENDEE;ROLE=OPT-PARTICIPANT;CN=\"Carol C\":MAILTO:carol\@example.test\n"
    . "ATTENDEE;ROLE=NON-PARTICIPANT;CUTYPE=RESOURCE:mailto:room1\@example.test\n"
    . "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT15M\nEND:VALARM\n";

subtest 'an appointment becomes properties' => sub {
    my $path = '/exchange/alice/Calendar/put1.EML';
    is(put($path, single(calendar($EVENT)))->{status}, 201, 'created');
    my $p = props($path, qw(D:contentclass e:outlookmessageclass m:subject m:textdescription c:location c:dtstart
            c:dtend c:uid c:busystatus c:sequence c:timezoneid c:reminderoffset c:alldayevent c:instancetype
            e:sensitivity h:to h:cc h:bcc i:finvited c:organizer));
    is($p->{$_->[0]}, $_->[1], $_->[0]) for [ 'D:contentclass', 'urn:content-classes:appointment' ],
        [ 'e:outlookmessageclass', 'IPM.Appointment' ], [ 'm:subject', 'Költség, terv' ],
        [ 'm:textdescription', "Agenda\nfollows" ], [ 'c:location', 'Room 4, left' ],
        [ 'c:dtstart', '2026-07-15T08:00:00.000Z' ], [ 'c:dtend', '2026-07-15T09:30:00.000Z' ], [ 'c:uid', 'put-1' ],
        [ 'c:busystatus', 'OUTOFOFFICE' ], [ 'c:sequence', 2 ], [ 'c:timezoneid', 6 ], [ 'c:reminderoffset', 900 ],
        [ 'c:alldayevent', 0 ], [ 'c:instancetype', 0 ], [ 'e:sensitivity', 2 ], [ 'h:to', 'bob@example.test' ],
        [ 'h:cc', 'carol@example.test' ], [ 'h:bcc', 'room1@example.test' ], [ 'i:finvited', 1 ];
    like($p->{'c:organizer'}, qr/alice\@example\.test/, 'organizer is set by the server');
    my $r = get($path);
    is($r->{headers}{'content-type'}[0], 'message/rfc822', 'it reads back');
    is($r->{text}, single(calendar($EVENT)) =~ s/\n/\r\n/gr, 'as it was written');
    is(decode_base64(props($path, 't:x66590102')->{'t:x66590102'} // ''), $r->{body}, 'PR_INTERNET_CONTENT is the same');
    is(put($path, single(calendar($EVENT)))->{status}, 412, 'If-None-Match: * on a name that is taken');
    unlike($sim->once(GET => $path, { as('alice') })->{body}, qr/BEGIN:VCALENDAR/, 'without Translate: f: a page (rule 3)');
};

subtest 'every encoding and nesting' => sub {
    my $ics = calendar($EVENT);
    my $bytes = encode('UTF-8', $ics =~ s/\n/\r\n/gr);
    my %way = (
        'base64' => "Content-Type: text/calendar; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" . encode_base64($bytes),
        'quoted-printable' => "Content-Type: text/calendar; charset=utf-8\nContent-Transfer-Encoding: Quoted-Printable\n\n"
            . encode_qp($bytes, "\n"),
        'no encoding named' => "Content-Type: TEXT/CALENDAR;\n charset=\"utf-8\"\n\n$ics",
        'alternative' => "Content-Type: multipart/alternative; boundary=\"x=y\"\n\npreamble\n--x=y\nContent-Type: text/plain\n\n"
            . "plain\n--x=y\nContent-Type: text/calendar; charset=utf-8\n\n$ics\n--x=y--\nepilogue\n",
        'nested' => "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=b\n\n"
            . "--b\nContent-Type: text/html\n\n<p>x</p>\n--b\nContent-Type: text/calendar; charset=utf-8\n\n$ics\n--b--\n--a--\n",
        'latin-2' => undef);
    for my $name (sort keys %way) {
        my $path = "/exchange/alice/Calendar/way-" . $name =~ s/ /-/gr . '.EML';
        my $message = $way{$name};
        my $r;
        if (defined $message) {
            $r = put($path, "Content-class: urn:content-classes:appointment\nMIME-Version: 1.0\n$message");
        }
        else {
            my $text = "Content-class: urn:content-classes:appointment\nMIME-Version: 1.0\nContent-Type: text/calendar; charset=iso-8859-2\n\n$ics";
            $r = $sim->once(PUT => $path, { 'Content-Type' => 'message/rfc822', Translate => 'f', as('alice') }, encode('iso-8859-2', $text));
        }
        is($r->{status}, 201, $name);
        my $p = props($path, qw(m:subject c:dtstart));
        is("$p->{'m:subject'} $p->{'c:dtstart'}", 'Költség, terv 2026-07-15T08:00:00.000Z', "$name: same properties");
    }
};

subtest 'all-day, duration, recurrence' => sub {
    my $try = sub {
        my ($name, $lines) = @_;
        is(put("/exchange/alice/Calendar/$name.EML", single(calendar("UID:$name\nSUMMARY:x\n$lines")))->{status}, 201, $name);
        return props("/exchange/alice/Calendar/$name.EML", qw(c:dtstart c:dtend c:alldayevent c:instancetype c:rrule c:exdate c:busystatus));
    };
    my $p = $try->('date', "DTSTART;VALUE=DATE:20260715\nDTEND;VALUE=DATE:20260716\nTRANSP:TRANSPARENT\n");
    is("$p->{'c:dtstart'} $p->{'c:dtend'} $p->{'c:alldayevent'} $p->{'c:busystatus'}",
        '2026-07-14T22:00:00.000Z 2026-07-15T22:00:00.000Z 1 FREE', 'local midnight in UTC (there are no DATE values)');
    $p = $try->('duration', "DTSTART:20260715T100000Z\nDURATION:PT45M\n");
    is($p->{'c:dtend'}, '2026-07-15T10:45:00.000Z', 'DURATION');
    $p = $try->('series', "DTSTART;TZID=Budapest:20261020T090000\nDTEND;TZID=Budapest:20261020T100000\n"
        . "RRULE:FREQ=WEEKLY;COUNT=3\nEXDATE;TZID=Budapest:20261027T090000\n");
    is($p->{'c:instancetype'}, 1, 'a master');
    like($p->{'c:rrule'}, qr/FREQ=WEEKLY/, 'rrule');
    is($p->{'c:exdate'}, '2026-10-27T08:00:00.000Z', 'exdate, after the clocks went back');
};

subtest 'mail and its headers' => sub {
    my $path = '/exchange/alice/Drafts/mail.eml';
    is(put($path, "Subject: =?utf-8?B?" . encode_base64(encode('UTF-8', 'Árvíz'), '') . "?=\n =?utf-8?Q?t=C5=B1r=C5=91?=\n"
            . "To: \"Bob, B\" <bob\@example.test>,\n carol\@example.test\nBcc: zoltan\@example.test\n\nhello\n")->{status}, 201, 'a plain mail');
    my $p = props($path, qw(D:contentclass e:outlookmessageclass m:subject h:to h:bcc m:textdescription));
    is($p->{'m:subject'}, 'Árvíztűrő', 'encoded words');
    is($p->{'h:to'}, '"Bob, B" <bob@example.test>, carol@example.test', 'a folded header');
    is($p->{'h:bcc'}, undef, 'Bcc does not travel in MIME');
    is("$p->{'D:contentclass'} $p->{'e:outlookmessageclass'}", 'urn:content-classes:message IPM.Note', 'classes');
};

subtest 'wrong messages' => sub {
    my $n = 0;
    my $bad = sub {
        my ($name, $status, $message, %h) = @_;
        my $path = '/exchange/alice/Calendar/bad' . ++$n . '.EML';
        is(put($path, $message, %h)->{status}, $status, $name);
        is(props($path)->{status}, 404, "$name: nothing was made");
    };
    $bad->('empty', 400, '');
    $bad->('no headers', 400, "\nbody\n");
    $bad->('a header without a colon', 400, "Subject\n\nbody\n");
    $bad->('no event', 400, single("BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n"));
    $bad->('no calendar in it', 400, single('hello'));
    $bad->('no start', 400, single(calendar("UID:x\n")));
    $bad->('end before start', 400, single(calendar("UID:x\nDTSTART:20260715T100000Z\nDTEND:20260715T090000Z\n")));
    $bad->('MODPROPS, on which the server fails', 400, single(calendar("${EVENT}X-MICROSOFT-CDO-MODPROPS:BEGIN\n")));
    $bad->('base64 that is none', 400, "Content-Type: text/calendar\nContent-Transfer-Encoding: base64\n\n!!!\n");
    $bad->('a multipart without an end', 400, "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n");
    $bad->('too deep', 400, join('', map { "Content-Type: multipart/mixed; boundary=b$_\n\n--b$_\n" } 1 .. 12) . "\nx\n");
    $bad->('another type', 415, 'BEGIN:VCALENDAR', 'Content-Type' => 'text/calendar');
    is(put('/exchange/alice/NoSuch/x.EML', single(calendar($EVENT)))->{status}, 409, 'a folder that is not there');
    is(put('/exchange/bob/Calendar/x.EML', single(calendar($EVENT)))->{status}, 403, 'somebody else\'s calendar');
    $sim->control(POST => '/_sim/settings?mime=406');
    $bad->('a server that is not set up for MIME', 406, single(calendar($EVENT)));
    $sim->control(POST => '/_sim/settings?mime=accept');
    my $deep = "Content-Type: text/plain\nX: " . ("=?utf-8?Q?x?= " x 30000) . "\n\nx";
    is(put('/exchange/alice/Drafts/long.EML', $deep)->{status}, 400, 'headers without end');
};

sub mailbox_items {
    my ($name, $folder) = @_;
    my $json = $sim->control(GET => "/_sim/mailbox/$name");
    my @found;
    my $walk;
    $walk = sub {
        my $f = shift;
        if (ref $f eq 'HASH') {
            push @found, @{ $f->{items} } if ($f->{name} // '') eq $folder && ref $f->{items} eq 'ARRAY';
            $walk->($_) for values %$f;
        }
        elsif (ref $f eq 'ARRAY') { $walk->($_) for @$f }
    };
    $walk->($json);
    return @found;
}

subtest 'PUT and MOVE sends' => sub {
    my $submit = '/exchange/alice/%23%23DavMailSubmissionURI%23%23/';
    my $headers = "To: bob\@example.test\nSubject: Invitation\n";
    my $request = single(calendar($EVENT, 'REQUEST'), class => 'calendarmessage', headers => $headers);
    is(put('/exchange/alice/Drafts/r.EML', $request)->{status}, 201, 'a request in Drafts');
    is(props('/exchange/alice/Drafts/r.EML', 'e:outlookmessageclass')->{'e:outlookmessageclass'}, 'IPM.Schedule.Meeting.Request', 'its class');
    my $r = $sim->once(MOVE => '/exchange/alice/Drafts/r.EML', { Destination => $submit, Overwrite => 'F', as('alice') });
    like($r->{status}, qr/^2/, 'MOVE');
    is(scalar(mailbox_items('bob', 'Inbox')), 1, 'bob has it');
    ok(scalar(mailbox_items('bob', 'Calendar')), 'and an entry in his calendar');

    is(put('/exchange/alice/Drafts/f.EML', single(calendar($EVENT), class => 'calendarmessage',
                headers => "From: bob\@example.test\nTo: carol\@example.test\n"))->{status}, 201, 'a foreign From is taken by PUT');
    $r = $sim->once(MOVE => '/exchange/alice/Drafts/f.EML', { Destination => $submit, as('alice') });
    is($r->{status}, 403, 'and refused by MOVE (rule 19e)');
    is(scalar(mailbox_items('carol', 'Inbox')), 0, 'carol has nothing');

    $r = $sim->once(PUT => $submit, { 'Content-Type' => 'message/rfc822', Translate => 'f', as('alice') },
        "To: carol\@example.test\r\nSubject: direct\r\n\r\nhello\r\n");
    like($r->{status}, qr/^2/, 'PUT to the submission URI');
    is(scalar(mailbox_items('carol', 'Inbox')), 1, 'sends at once');
};

subtest 'an item made by PROPPATCH reads as MIME' => sub {
    my $path = '/exchange/alice/Calendar/patched.EML';
    my $body = encode('UTF-8', '<?xml version="1.0"?><D:propertyupdate ' . join(' ', map { qq(xmlns:$_="$NS{$_}") } sort keys %NS)
        . ' xmlns:dt="urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/"><D:set><D:prop><D:contentclass>urn:content-classes:appointment</D:contentclass>'
        . '<e:outlookmessageclass>IPM.Appointment</e:outlookmessageclass><m:subject>Értekezlet; a, b</m:subject>'
        . '<m:textdescription>' . ('Zeile ä ' x 30) . '</m:textdescription><c:uid>patched-1</c:uid><c:location>Room 1</c:location>'
        . '<c:dtstart dt:dt="dateTime.tz">2026-08-03T09:00:00.000Z</c:dtstart><c:dtend dt:dt="dateTime.tz">2026-08-03T10:00:00.000Z</c:dtend>'
        . '<c:busystatus>TENTATIVE</c:busystatus><c:timezoneid dt:dt="int">10</c:timezoneid>'
        . '<h:to>bob@example.test</h:to><h:cc>carol@example.test</h:cc><h:bcc>room1@example.test</h:bcc>'
        . '<i:finvited dt:dt="boolean">1</i:finvited></D:prop></D:set></D:propertyupdate>');
    is($sim->once(PROPPATCH => $path, { 'Content-Type' => 'text/xml', as('alice') }, $body)->{status}, 207, 'made');
    my $r = get($path);
    is($r->{headers}{'content-type'}[0], 'message/rfc822', 'a message');
    my $u = $r->{unfolded};
    like($u, qr/^$_\r$/m, $_) for 'METHOD:REQUEST', 'UID:patched-1', 'SUMMARY:Értekezlet\\\\; a\\\\, b', 'LOCATION:Room 1',
        'DTSTART:20260803T090000Z', 'DTEND:20260803T100000Z', 'X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE', 'X-MICROSOFT-CDO-TZID:10',
        'ORGANIZER;CN="[^"]*":MAILTO:alice@example.test', 'X-MICROSOFT-CDO-INSTTYPE:0',
        'ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;.*:MAILTO:bob@example.test',
        'ATTENDEE;ROLE=OPT-PARTICIPANT;.*:MAILTO:carol@example.test', 'ATTENDEE;ROLE=NON-PARTICIPANT;.*:MAILTO:room1@example.test';
    like($r->{body}, qr/^Subject: =\?utf-8\?B\?[A-Za-z0-9+\/=]+\?=\r$/m, 'the subject is an encoded word');
    is((grep { length > 998 } split /\r\n/, $r->{body}), 0, 'no line is too long');
    is((grep { length > 75 } $r->{body} =~ /^BEGIN:VCALENDAR.*?^END:VCALENDAR/ms ? split /\r\n/, $& : ()), 0, 'calendar lines are folded');

    my ($copy) = ('/exchange/alice/Calendar/again.EML');
    is($sim->once(PUT => $copy, { 'Content-Type' => 'message/rfc822', as('alice') }, $r->{body})->{status}, 201, 'and can be PUT again');
    is_deeply({ %{ props($copy, qw(m:subject c:dtstart h:to h:cc c:uid)) } }, { %{ props($path, qw(m:subject c:dtstart h:to h:cc c:uid)) } },
        'with the same properties');
};

done_testing;
