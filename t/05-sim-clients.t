#!/usr/bin/perl
# Requests in the shapes of published clients of Exchange 2003: prefixes, default namespaces, quotes,
# absolute targets, chunked bodies. Strict with what is wrong, the simulator must take what is valid.
use strict;
use warnings;
use FindBin;
use MIME::Base64 ();
use lib "$FindBin::Bin/lib";
use SimClient;
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic');
my $alice = SimClient->new($sim, 'alice');
my $cal = '/exchange/alice/Calendar';
my $host = $alice->url('');
my $r;

subtest 'a script after KB 308373: single quotes, its own prefixes, addresses with names' => sub {
    my $item = sub { my ($content, $class, $more) = @_; return <<"END" };
<?xml version='1.0'?>
<g:propertyupdate xmlns:g='DAV:' xmlns:e='http://schemas.microsoft.com/exchange/' xmlns:mapi='http://schemas.microsoft.com/mapi/'
 xmlns:mapit='http://schemas.microsoft.com/mapi/proptag/' xmlns:x='xml:' xmlns:cal='urn:schemas:calendar:'
 xmlns:dt='urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/' xmlns:header='urn:schemas:mailheader:' xmlns:mail='urn:schemas:httpmail:'>
<g:set><g:prop>
<g:contentclass>$content</g:contentclass><e:outlookmessageclass>$class</e:outlookmessageclass>
<mail:subject>Plan &amp; budget</mail:subject><mail:htmldescription><![CDATA[<p>Let's meet</p>]]></mail:htmldescription>
<cal:location>Boardroom</cal:location>
<cal:dtstart dt:dt='dateTime.tz'>2027-03-05T09:00:00.000Z</cal:dtstart><cal:dtend dt:dt='dateTime.tz'>2027-03-05T10:00:00.000Z</cal:dtend>
<cal:instancetype dt:dt='int'>0</cal:instancetype><cal:busystatus>BUSY</cal:busystatus><cal:meetingstatus>CONFIRMED</cal:meetingstatus>
<cal:alldayevent dt:dt='boolean'>0</cal:alldayevent><cal:responserequested dt:dt='boolean'>1</cal:responserequested>
<cal:reminderoffset dt:dt='int'>900</cal:reminderoffset>
<header:to>"Bob, B." &lt;bob\@example.test&gt;, carol\@example.test</header:to>
<mapi:finvited dt:dt='boolean'>1</mapi:finvited>$more
</g:prop></g:set></g:propertyupdate>
END
    my %h = ('Content-Type' => 'text/xml; charset="utf-8"');
    $r = $alice->do(PROPPATCH => "$cal/kb.eml", \%h, $item->('urn:content-classes:appointment', 'IPM.Appointment', ''));
    is(SimClient::multistatus($r->{body}), 1, 'appointment');
    $r = $alice->do(PROPFIND => "$cal/kb.EML", { %h, Depth => 0 }, q{<?xml version="1.0"?><a:propfind xmlns:a="DAV:" xmlns:c="urn:schemas:calendar:"><a:prop><c:uid/></a:prop></a:propfind>});
    my ($uid) = map { $_->{ok}{'cal:uid'} } SimClient::multistatus($r->{body});
    $alice->do(PROPPATCH => "$cal/req.kb.eml", \%h, $item->('urn:content-classes:calendarmessage', 'IPM.Schedule.Meeting.Request', <<"END"));
<cal:uid>$uid</cal:uid><cal:isorganizer dt:dt='boolean'>1</cal:isorganizer><mapi:responsestatus dt:dt='int'>1</mapi:responsestatus>
<mapi:responsestate dt:dt='int'>0</mapi:responsestate><mapi:response_requested dt:dt='boolean'>1</mapi:response_requested>
<mapi:apptstateflags dt:dt='int'>3</mapi:apptstateflags><mapi:busystatus dt:dt='int'>1</mapi:busystatus><mapi:intendedbusystatus dt:dt='int'>2</mapi:intendedbusystatus>
END
    $r = $alice->do(MOVE => "$cal/req.kb.eml", { Destination => "$host/exchange/alice/##DavMailSubmissionURI##/" });
    is($r->{status}, 201, 'sent');
    is(SimClient::wrong($r), '', 'nothing to remark');
    my ($e) = $alice->items('bob', 'calendar');
    is("$e->{p}{'mail:subject'} / $e->{p}{'mail:htmldescription'}", "Plan & budget / <p>Let's meet</p>", 'bob (whose name has a comma) has it');
    is($alice->items('carol', 'calendar'), 1, 'carol too');
    is($alice->items('alice', 'calendar'), 1, 'no ghost is left in the calendar');
    $alice->reset;
};

subtest 'default namespaces, comments, a byte order mark, chunks, Expect' => sub {
    my $body = "\xEF\xBB\xBF" . '<?xml version="1.0" encoding="UTF-8"?><!-- c --><propertyupdate xmlns="DAV:"><set><prop><subject xmlns="urn:schemas:httpmail:">Z'
        . "\xC3\xBC" . 'rich</subject><contentclass>urn:content-classes:appointment</contentclass></prop></set></propertyupdate>';
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length $_, $_ } $body =~ /(.{1,50})/gs;
    my $c = $sim->connect;
    my $auth = 'Authorization: Basic ' . MIME::Base64::encode_base64('alice:pw-alice', '');
    $r = $c->raw("PROPPATCH $host$cal/d.EML HTTP/1.1\r\nHost: other.example.test\r\n$auth\r\nTransfer-Encoding: chunked\r\nContent-Type: text/xml\r\n\r\n${chunks}0\r\n\r\n");
    is($r->{status}, 207, 'chunked, absolute target, byte order mark');
    my ($item) = $alice->items('alice', 'calendar');
    is($item->{p}{'mail:subject'}, "Z\x{fc}rich", 'UTF-8');
    $r = $c->raw("PROPFIND $cal/d.EML HTTP/1.1\r\nHost: x\r\n$auth\r\nDepth: 0\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    $r = $c->reply if $r->{status} == 100;
    is($r->{status}, 207, 'Expect: 100-continue');
    is($sim->connect->raw("PROPFIND /exchange/alice/Calendar HTTP/1.0\r\n$auth\r\nDepth: 0\r\n\r\n")->{status}, 207, 'HTTP/1.0 without Host');
    $alice->reset;
};

subtest 'SEARCH as published clients write it' => sub {
    $alice->put_props("$cal/s.EML", SimClient::appointment());
    my %sql = (
        'calendar connector' => q{SELECT "urn:schemas:calendar:location", "urn:schemas:httpmail:subject", "urn:schemas:calendar:dtstart", "http://schemas.microsoft.com/mapi/apptstateflags", "DAV:href"
            FROM Scope('SHALLOW TRAVERSAL OF ""') WHERE NOT "urn:schemas:calendar:instancetype" = 1 AND "DAV:contentclass" = 'urn:content-classes:appointment'
            AND "urn:schemas:calendar:dtend" > '2027/03/05 00:00:00' AND "urn:schemas:calendar:dtstart" < '2027/03/06 00:00:00' ORDER BY "urn:schemas:calendar:dtstart" ASC},
        'telephone exchange' => qq{SELECT   "DAV:href", "DAV:contentclass", "urn:schemas:calendar:uid" FROM Scope('SHALLOW TRAVERSAL OF "$host$cal"')
            WHERE NOT "urn:schemas:calendar:instancetype" = 1  AND "DAV:contentclass" = 'urn:content-classes:appointment' AND NOT ("urn:schemas:calendar:dtend" < '2027/03/05 00:00:00'
            OR "urn:schemas:calendar:dtstart" > '2027/03/06 00:00:00') ORDER BY "urn:schemas:calendar:dtstart" ASC},
        'mail connector' => qq{SELECT "DAV:href" FROM SCOPE('SHALLOW TRAVERSAL OF ""') WHERE "DAV:ishidden" = False AND ("urn:schemas:calendar:dtstart" >= CAST("2027-03-01T00:00:00Z" as 'dateTime.tz'))},
        'gateway' => qq{Select "http://schemas.microsoft.com/exchange/permanenturl" as permanenturl,"http://schemas.microsoft.com/mapi/id/{00062008-0000-0000-C000-000000000046}/0x8506" as _x0030_x8506
            FROM Scope('SHALLOW TRAVERSAL OF "/exchange/alice/calendar"') WHERE "DAV:isfolder" = False AND "DAV:ishidden" = False and "urn:schemas:calendar:instancetype" is not null},
        'script' => qq{SELECT "DAV:displayname" FROM scope('shallow traversal of "$host$cal/"') WHERE ("DAV:isfolder" = false) AND ("DAV:contentclass" = 'urn:content-classes:appointment')
            AND ("urn:schemas:calendar:dtstart" >= CAST("2027-03-01T08:00:00Z" as 'dateTime')) AND ("urn:schemas:calendar:dtend" <= CAST("2027-04-01T08:00:00Z" as 'dateTime'))},
        'phone' => qq{SELECT "DAV:uid", "DAV:ishidden" FROM "" WHERE "DAV:ishidden"=False AND "DAV:isfolder"=False},
    );
    for (sort keys %sql) {
        is($alice->search("$cal/", $sql{$_}), 1, $_);
        diag(SimClient::wrong($alice->{last})) if $alice->{last}{status} != 207;
    }
    $alice->search('/exchange/alice/', q{SELECT "DAV:displayname", "DAV:visiblecount", "http://schemas.microsoft.com/exchange/outlookfolderclass"
        FROM SCOPE('DEEP TRAVERSAL OF "/exchange/alice/"') WHERE "DAV:ishidden"=False AND "DAV:isfolder"=True});
    like($alice->{last}{body}, qr/IPF\.Appointment/, 'folders of a mailbox, with their classes');
    $alice->reset;
};

subtest 'first steps of a gateway: welcome page, folders, who am I' => sub {
    $r = $alice->do(GET => '/exchange/', { 'User-Agent' => 'Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)' });
    my ($base) = $r->{body} =~ /<base href="([^"]*)"/i;
    my @names = map { "mail:$_" } qw(inbox deleteditems sentitems sendmsg drafts calendar tasks contacts outbox);
    my ($row) = $alice->propfind(SimClient::path_of($base), 0, @names);
    is(scalar(keys %{ $row->{ok} }), 9, 'all folders');
    like($alice->do(GET => '/exchange/alice/?Cmd=galfind&AN=alice', { 'User-Agent' => $SimClient::IE })->{body}, qr/alice\@example\.test/, 'the own address');
    is($alice->do(GET => '/exchange/alice/?Cmd=navbar', { 'User-Agent' => $SimClient::IE })->{body} =~ m{href="[^"]*/public/}, 1, 'the link to the public folders');
    is($alice->do(PROPFIND => '/public', { Depth => 0 })->{status}, 207, 'public folders');
    ($row) = $alice->propfind('/public/', 0, 'D:displayname', 'D:iscollection', 'mail:inbox');
    is_deeply([ $row->{ok}, $row->{missing} ], [ { 'D:displayname' => 'public', 'D:iscollection' => 1 }, { 'mail:inbox' => 1 } ], '... with what was asked');
    ($row) = $alice->propfind('/exchange/', 0, 'mail:calendar');
    like($row->{ok}{'mail:calendar'}, qr{/exchange/alice/Calendar$}, '/exchange/ itself is the own mailbox');
    $r = $alice->do(OPTIONS => '/exchange/alice/');
    like($r->{headers}{dasl}[0], qr/DAV:sql/, 'OPTIONS');
};

subtest 'a draft as MIME, Bcc added, then sent' => sub {
    my $draft = '/exchange/alice/Drafts/m.EML';
    $r = $alice->do(PUT => $draft, { 'Content-Type' => 'message/rfc822', Translate => 'f', 'If-None-Match' => '*' },
        "Subject: Plain\r\nTo: bob\@example.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello\r\n");
    is($r->{status}, 201, 'PUT');
    is($alice->put_props($draft, { 'header:bcc' => 'carol@example.test' }), 200, 'Bcc by PROPPATCH');
    is($alice->do(MOVE => $draft, { Destination => '/exchange/alice/%23%23DavMailSubmissionURI%23%23/', Overwrite => 'F' })->{status}, 201, 'MOVE');
    for (qw(bob carol)) {
        my ($m) = $alice->items($_, 'inbox');
        is($m->{p}{'mail:subject'}, 'Plain', "$_ has it");
    }
};

subtest 'a file that curl uploads has no type, and is what its name says' => sub {
    my $mail = "Subject: Up\r\nTo: bob\@example.test\r\n\r\nHello\r\n";
    is($alice->do(PUT => '/exchange/alice/Drafts/up.eml', {}, $mail)->{status}, 201, 'a message');
    is($alice->do(PUT => '/exchange/alice/Drafts/up.txt', {}, $mail)->{status}, 415, 'no message');
    is($alice->do(PUT => '/exchange/alice/Drafts/up2.eml', { 'Content-Type' => 'text/plain' }, $mail)->{status}, 415, 'another type that is said');
    $alice->reset;
};

subtest 'private items are shown to every reader (rule 39)' => sub {
    $alice->reset;
    $alice->set('room-calendar' => 'everybody');
    $sim->control(POST => '/_sim/items?mailbox=boardroom&start=2027-03-05T09:00:00Z&urn%3Aschemas%3Ahttpmail%3Asubject=Secret&http%3A%2F%2Fschemas.microsoft.com%2Fexchange%2Fsensitivity=2');
    my ($row) = $alice->search('/exchange/boardroom/Calendar/', q{SELECT "urn:schemas:httpmail:subject", "http://schemas.microsoft.com/mapi/sensitivity" FROM ""});
    is($row->{ok}{'mail:subject'}, 'Secret', 'who does not mask them tells the secret');
    is($row->{ok}{'mapi:sensitivity'}, 2, '... though they are marked');
};

done_testing;
