#!/usr/bin/perl
# The simulator's PROPPATCH and PROPFIND: creating, changing, conditions, types, what the server
# makes itself.
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
my $cal = '/exchange/alice/Calendar/';
my ($status, $r, $row);

subtest 'rule 15: 207 outside, the truth inside' => sub {
    ($status, $r, $row) = $alice->put_props($cal . 'a.EML', SimClient::appointment());
    is($r->{status}, 207, 'outer 207');
    is($row->{status}, 201, 'inner 201: made');
    ok(exists $row->{ok}{'mail:subject'}, 'a propstat names what was set');
    ($status, $r, $row) = $alice->put_props($cal . 'a.EML', { 'cal:location' => 'R1' });
    is($row->{status}, undef, 'changed: no status element');
    $alice->set('changed-status' => '200');
    ($status, $r, $row) = $alice->put_props($cal . 'a.EML', { 'cal:location' => 'R2' }, Brief => 't');
    is($row->{status}, 200, 'or 200, when set so');
    is(keys %{ $row->{ok} }, 0, 'Brief: t leaves out what succeeded');
    $alice->set('brief' => 'ignore');
    ($status, $r, $row) = $alice->put_props($cal . 'a.EML', { 'cal:location' => 'R2' }, Brief => 't');
    is(keys %{ $row->{ok} }, 1, '... unless the server ignores it');
    $alice->reset;

    $alice->set('fail-property' => 'urn:schemas:calendar: location');
    ($status, $r, $row) = $alice->put_props($cal . 'b.EML', SimClient::appointment());
    is($r->{status}, 207, 'one property fails: still 207 outside');
    is($row->{failed}{'cal:location'}, 422, 'its own status');
    is($row->{failed}{'mail:subject'}, 424, '424 on the others');
    is($row->{status}, undef, 'no 201');
    is($alice->items('alice', 'calendar'), 0, 'who takes 207 for success has no item');
    $alice->set('bad-property' => 'alone');
    ($status, $r, $row) = $alice->put_props($cal . 'b.EML', SimClient::appointment());
    is($row->{status}, 201, 'or the others stay: made');
    is_deeply($row->{failed}, { 'cal:location' => 422 }, '... without the one');
    $alice->reset;
};

subtest 'rule 16: existing names' => sub {
    is($alice->put_props($cal . 'day.EML', SimClient::appointment('mail:subject' => 'first'), 'If-None-Match' => '*'), 201, 'made');
    is($alice->put_props($cal . 'day.EML', SimClient::appointment('mail:subject' => 'second'), 'If-None-Match' => '*'), 0, 'again');
    is($alice->{last}{status}, 412, 'is refused');
    is($alice->put_props($cal . 'DAY.eml', SimClient::appointment('mail:subject' => 'second')), 200, 'without If-None-Match');
    my @items = $alice->items('alice', 'calendar');
    is("@{[map { $_->{p}{'mail:subject'} } @items]}", 'second', 'the first appointment is overwritten');
    ($row) = $alice->propfind($cal . 'day.EML', 0, 'D:getetag', 'D:getlastmodified', 'D:creationdate');
    my $etag = $row->{ok}{'D:getetag'};
    is($alice->put_props($cal . 'day.EML', { 'mail:subject' => 'x' }, 'If-Match' => '"other"'), 0, 'If-Match of another');
    is($alice->{last}{status}, 412, '... 412');
    is($alice->put_props($cal . 'day.EML', { 'mail:subject' => 'x' }, 'If-Match' => $etag), 200, 'If-Match of the right one');
    ($row) = $alice->propfind($cal . 'day.EML', 0, 'D:getetag');
    isnt($row->{ok}{'D:getetag'}, $etag, 'a write makes a new ETag');
    is($alice->{last}{status} && $alice->put_props($cal . 'none.EML', { 'mail:subject' => 'x' }, 'If-Match' => '*'), 0, 'If-Match: * on nothing');
    is($alice->{last}{status}, 412, '... 412');
    $alice->reset;
};

subtest 'rule 17: types' => sub {
    my @bad = (
        [ 'cal:dtstart' => 'dateTime.tz', '2027-03-05T09:00:00', 'no Z' ],
        [ 'cal:dtstart' => 'dateTime.tz', '2027/03/05 09:00', 'a date for SQL' ],
        [ 'cal:dtstart' => 'dateTime.tz', '2027-02-30T09:00:00.000Z', 'a day that is not' ],
        [ 'cal:alldayevent' => 'boolean', 'true', 'true for 1' ],
        [ 'cal:instancetype' => 'int', 'none', 'no number' ],
        [ 'cal:instancetype' => 'boolean', '1', 'the wrong type' ],
        [ 'mail:subject' => 'text', 'x', 'a type that does not exist' ],
        [ 'meeting:0x3' => 'bin.base64', '***', 'no base64' ],
        [ 'appt:0x8218' => '', '3', 'a named MAPI property without type' ],
    );
    for (@bad) {
        my ($name, $type, $value, $why) = @$_;
        $alice->put_props($cal . 'bad.EML', { 'mail:subject' => 'x', $name => [ $type, $value ] });
        is($alice->{last}{status}, 400, "$name: $why");
        like(SimClient::wrong($alice->{last}), qr/rule 17/, '... and is told');
    }
    is($alice->items('alice', 'calendar'), 0, 'nothing was made');
    $alice->set('type-errors' => '422');
    ($status, $r, $row) = $alice->put_props($cal . 'bad.EML', { 'mail:subject' => 'x', 'cal:alldayevent' => 'true' });
    is($row->{failed}{'cal:alldayevent'}, 422, 'or inner 422');
    $alice->reset;
    is($alice->put_props($cal . 'ok.EML', { 'cal:dtstart' => '2027-03-05T10:00:00+01:00', 'cal:dtend' => '2027-03-05T10:30:00Z',
        'cal:alldayevent' => [ '', '0' ], 'x:new' => [ 'int', 7 ], 'x:list' => [ 'mv.string', [ 'a', '', 'c' ] ] }), 201, 'generous forms');
    ($row) = $alice->propfind($cal . 'ok.EML', 0, 'cal:dtstart', 'cal:dtend', 'x:new', 'x:list');
    is($row->{ok}{'cal:dtstart'}, '2027-03-05T09:00:00.000Z', 'an offset becomes UTC with three digits');
    is($row->{ok}{'cal:dtend'}, '2027-03-05T10:30:00.000Z', '.000 may be missing');
    is($row->{type}{'x:new'}, 'int', 'types of new properties are kept');
    is_deeply($row->{ok}{'x:list'}, [ 'a', '', 'c' ], 'multi-values, an empty one too');
    my $body = SimClient::patch_body({ 'cal:sequence' => 3 });
    $body =~ s/urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882\//urn:schemas-microsoft-com:datatypes/;
    is($alice->do(PROPPATCH => $cal . 'ok.EML', {}, $body)->{status}, 207, 'the other namespace of dt');
    $alice->reset;
};

subtest 'rules 22 and 23: what the server makes' => sub {
    $alice->put_props($cal . 'u.EML', SimClient::meeting());
    ($row) = $alice->propfind($cal . 'u.EML', 0, 'cal:uid', 'meeting:0x3', 'meeting:0x23', 'cal:organizer', 'cal:created');
    like($row->{ok}{'cal:uid'}, qr/^040000008200E00074C5B7101A82E008/, 'a uid');
    ok($row->{missing}{'meeting:0x23'}, '0x23 never');
    is_deeply([ unpack 'H16', MIME::Base64::decode_base64($row->{ok}{'meeting:x3'} // $row->{ok}{'meeting:0x3'}) ], ['040000008200e000'], '0x3 always');
    is($row->{ok}{'cal:organizer'}, '"Alice" <alice@example.test>', 'organizer from the mailbox');
    my ($from) = $alice->propfind($cal . 'u.EML', 0, 'header:from');
    is($from->{ok}{'header:from'}, '"Alice" <alice@example.test>', 'From, too');
    my ($again) = $alice->propfind($cal . 'u.EML', 0, 'cal:uid');
    is($again->{ok}{'cal:uid'}, $row->{ok}{'cal:uid'}, 'the uid stays');
    $alice->put_props($cal . 'v.EML', SimClient::meeting('cal:uid' => 'mine'));
    ($row) = $alice->propfind($cal . 'v.EML', 0, 'cal:uid');
    is($row->{ok}{'cal:uid'}, 'mine', 'one that was set is kept');
    ($status, $r, $row) = $alice->put_props($cal . 'v.EML', { 'cal:organizer' => '"Eve" <eve@example.test>', 'cal:location' => 'x' });
    is($row->{failed}{'cal:organizer'}, 403, 'organizer is read-only');
    ($row) = $alice->propfind($cal . 'v.EML', 0, 'cal:organizer');
    like($row->{ok}{'cal:organizer'}, qr/alice/, '... and unchanged');
    for my $ro ('D:getetag', 'D:creationdate', 'mail:sendmsg', 'cal:created', 'e:permanenturl') {
        ($status, $r, $row) = $alice->put_props($cal . 'v.EML', { $ro => [ '', '2027-03-05T09:00:00.000Z' ] });
        is($row->{failed}{$ro}, 403, "$ro is read-only");
    }
};

subtest 'rule 18: PROPPATCH alone mails nobody' => sub {
    $alice->put_props($cal . 'm.EML', SimClient::request('cal:uid' => 'u18'));
    is($alice->items('bob', 'inbox'), 0, 'no message');
    is($alice->items('bob', 'calendar'), 0, 'no entry');
};

subtest 'PROPFIND' => sub {
    $alice->reset;
    $alice->put_props($cal . "p$_.EML", SimClient::appointment()) for 1 .. 3;
    is($alice->propfind($cal, 1, 'D:displayname'), 4, 'Depth 1: folder and items');
    is($alice->propfind($cal, '1,noroot', 'D:displayname'), 3, 'noroot');
    ($row) = $alice->propfind($cal . 'p1.EML', 0);
    is($row->{ok}{'mail:subject'}, 'Review', 'allprop');
    $r = $alice->do(PROPFIND => $cal . 'p1.EML', { Depth => 0 }, '');
    is($r->{status}, 207, 'an empty body asks for all');
    ($row) = $alice->propfind($cal . 'p1.EML', 0, 'x:none', 'mail:subject', { Brief => 't' });
    is(keys %{ $row->{missing} }, 0, 'Brief: t leaves out what is not there');
    ($row) = $alice->propfind($cal . 'p1.EML', 0, 'mapi:sensitivity', 'tag:x0037001e');
    is($row->{ok}{'tag:x0037001e'}, 'Review', 'a MAPI tag of a known property, under the name asked for');
    is($alice->do(PROPFIND => $cal . 'p9.EML', { Depth => 0 })->{status}, 404, 'nothing there');
    my $body = '<?xml version="1.0"?><a:propfind xmlns:a="DAV:"><a:target><a:href>p1.EML</a:href><a:href>nix.EML</a:href><a:href>'
        . $alice->url($cal . 'p2.EML') . '</a:href></a:target><a:prop><a:displayname/></a:prop></a:propfind>';
    my @rows = SimClient::multistatus($alice->do(BPROPFIND => $cal, {}, $body)->{body});
    is_deeply([ map { $_->{ok}{'D:displayname'} // $_->{status} } @rows ], [ 'p1.EML', 404, 'p2.EML' ], 'BPROPFIND');
    $r = $alice->do(PROPFIND => $cal, { Depth => 0 }, '<propfind xmlns="DAV:"><prop><displayname xmlns="DAV:"/></prop></propfind>');
    is(SimClient::multistatus($r->{body}), 1, 'a default namespace in the request');
};

subtest 'rule 41: ill-formed names and control characters' => sub {
    $alice->put_props($cal . 'w.EML', { 'appt:0x8218' => [ 'int', 3 ], 'mail:subject' => 'x' });
    $alice->propfind($cal . 'w.EML', 0, 'appt:0x8218');
    like($alice->{last}{body}, qr/<\w+:0x8218 /, 'an element that XML forbids');
    $sim->control(POST => '/_sim/items?mailbox=alice&urn%3Aschemas%3Ahttpmail%3Asubject=bell%07&start=2027-01-01T00:00:00Z');
    $alice->propfind($cal, 1, 'mail:subject');
    like($alice->{last}{body}, qr/bell&#x7;/, 'a character reference that XML forbids');
    $alice->search($cal, 'SELECT "http://schemas.microsoft.com/mapi/id/{00062002-0000-0000-C000-000000000046}/0x8218" as answer FROM ""');
    like($alice->{last}{body}, qr{<answer \w+:dt="int">3</answer>}, 'SEARCH with an alias avoids it');
};

subtest 'bad requests' => sub {
    my %bad = ('no XML' => 'hello', 'cut' => '<D:propfind xmlns:D="DAV:"><D:prop>',
        'a DOCTYPE' => '<!DOCTYPE x [<!ENTITY a "b">]><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
        'an undeclared prefix' => '<D:propfind xmlns:D="DAV:"><D:prop><h:inbox/></D:prop></D:propfind>',
        'an undeclared prefix of an attribute' => '<D:propfind xmlns:D="DAV:"><D:prop><D:href dt:dt="int"/></D:prop></D:propfind>',
        'an undeclared prefix in the root' => '<D:propfind><D:allprop/></D:propfind>');
    for (sort keys %bad) {
        my $s = $alice->do(PROPFIND => $cal, { Depth => 0 }, $bad{$_})->{status};
        ok($s == 400 || $s == 422, "$_: $s");
    }
    is($alice->do(PROPFIND => $cal, { Depth => 7 })->{status}, 400, 'a Depth that is none');
};

subtest 'rule 24: full and locked' => sub {
    $alice->set('over-quota' => 'yes');
    $alice->put_props($cal . 'q.EML', SimClient::appointment());
    is($alice->{last}{status}, 507, '507 on writing');
    $alice->set('over-quota' => 'no', locked => 'yes');
    $alice->put_props($cal . 'p1.EML', { 'mail:subject' => 'x' });
    is($alice->{last}{status}, 423, '423 on changing');
    is($alice->do(DELETE => $cal . 'p1.EML')->{status}, 423, '423 on DELETE');
    is($alice->do(MOVE => $cal . 'p1.EML', { Destination => $alice->url($cal . 'n.EML') })->{status}, 423, '423 on MOVE');
    $alice->reset;
};

subtest 'BPROPPATCH, folders, removal' => sub {
    $alice->put_props($cal . "p$_.EML", SimClient::appointment()) for 1, 2;
    (my $body = SimClient::patch_body({ 'mail:read' => [ 'boolean', 1 ] })) =~
        s{<D:set>}{<D:target><D:href>p1.EML</D:href><D:href>p2.EML</D:href></D:target><D:set>};
    $r = $alice->do(BPROPPATCH => $cal, {}, $body);
    is_deeply([ map { $_->{p}{'mail:read'} } $alice->items('alice', 'calendar') ], [ 1, 1 ], 'BPROPPATCH');
    is($alice->put_props($cal . 'p1.EML', {}, remove => [ 'mail:read', 'x:none' ]), 200, 'remove');
    ($row) = $alice->propfind($cal . 'p1.EML', 0, 'mail:read');
    ok($row->{missing}{'mail:read'}, 'gone');
    is($alice->do(MKCOL => '/exchange/alice/Projects')->{status}, 201, 'MKCOL');
    is($alice->do(MKCOL => '/exchange/alice/projects')->{status}, 405, 'again: 405');
    $r = $alice->do(MKCOL => '/exchange/alice/Rooms', {}, SimClient::patch_body({ 'e:outlookfolderclass' => 'IPF.Appointment' }));
    my ($made) = SimClient::multistatus($r->{body});
    is("$r->{status} $made->{status}", '207 201', 'MKCOL with properties');
    my ($class) = $alice->propfind('/exchange/alice/Rooms', 0, 'e:outlookfolderclass');
    is($class->{ok}{'e:outlookfolderclass'}, 'IPF.Appointment', '... which the folder has');
    is($alice->do(MKCOL => '/exchange/alice/no/where')->{status}, 409, 'without parent: 409');
    is($alice->do(MOVE => $cal . 'p1.EML', { Destination => $alice->url('/exchange/alice/Projects/p1.EML') })->{status}, 201, 'MOVE');
    is($alice->do(MOVE => $cal . 'p2.EML', { Destination => '/exchange/alice/Projects/p1.EML', Overwrite => 'F' })->{status}, 412, 'Overwrite: F');
    is($alice->do(COPY => $cal . 'p2.EML', { Destination => '/exchange/alice/Projects/p1.EML' })->{status}, 204, 'COPY over it');
    is($alice->do(MOVE => $cal . 'p2.EML', { Destination => $cal . 'p2.EML' })->{status}, 403, 'onto itself');
    is($alice->do(MOVE => $cal . 'p2.EML', { Destination => 'http://other.test' . $cal . 'x.EML' })->{status}, 502, 'to another server');
    is($alice->do(DELETE => '/exchange/alice/Projects/')->{status}, 204, 'DELETE a folder');
    is($alice->do(DELETE => '/exchange/alice/Calendar/')->{status}, 403, '... not a well-known one');
    is($alice->do(DELETE => $cal . 'p2.EML')->{status}, 204, 'DELETE an item');
    is($alice->do(DELETE => $cal . 'p2.EML')->{status}, 404, '... again');
};

done_testing;
