#!/usr/bin/perl
# The simulator's submission URI: who gets what, what it does to calendars, how rooms answer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SimClient;
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic');
my $alice = SimClient->new($sim, 'alice');
my $r;

sub classes { return join ' ', map { ($_->{p}{'e:outlookmessageclass'} // 'none') =~ s/^IPM\.(Schedule\.Meeting\.)?//r } $alice->items(@_) }
sub busy { return join ' ', map { $_->{p}{'cal:busystatus'} } $alice->items(@_) }
sub cancel_of { my ($uid, %more) = @_; return SimClient::request('e:outlookmessageclass' => 'IPM.Schedule.Meeting.Canceled', 'cal:uid' => $uid, 'cal:method' => 'CANCEL', %more) }

subtest 'rule 19a: a request' => sub {
    my ($path, $uid) = $alice->invite('header:to' => '"Bob B" <bob@example.test>', 'header:cc' => 'carol@example.test');
    ok($uid, 'sent');
    for (qw(bob carol)) {
        is(classes($_, 'inbox'), 'Request', "$_ has the request");
        my ($e) = $alice->items($_, 'calendar');
        is($e->{p}{'cal:busystatus'}, 'TENTATIVE', "... and a tentative entry");
        is($e->{p}{'cal:uid'}, $uid, '... of the same uid');
        is($e->{p}{'cal:organizer'}, '"Alice" <alice@example.test>', '... by its organizer');
        is($e->{p}{'header:bcc'}, undef, '... without bcc');
    }
    is($alice->items('alice', 'drafts'), 0, 'rule 19f: the draft is used up');
    is($alice->do(PROPFIND => $alice->{draft}, { Depth => 0 })->{status}, 404, '... and its URL 404');
    is(classes('alice', 'sentitems'), 'Request', 'a copy in Sent Items');
    my @ids = map { ($alice->items(@$_))[0]->{p}{'header:message-id'} // '' } ['alice', 'sentitems'], ['bob', 'inbox'], ['carol', 'inbox'];
    like($ids[0], qr/^<\w+\@[\w.]+>$/, '... with the Message-ID it was sent under');
    is_deeply([@ids[1, 2]], [@ids[0, 0]], '... which all copies share');
    is($alice->items('alice', 'calendar'), 1, 'the organizer\'s copy stands');
    $alice->reset;
    $alice->set(delivery => 'inbox');
    $alice->invite;
    is($alice->items('bob', 'calendar'), 0, 'or delivery leaves calendars alone, when set so');
    $alice->reset;
};

subtest 'forms of the destination' => sub {
    my $base = '/exchange/alice/';
    for my $d ($alice->url("${base}%23%23DavMailSubmissionURI%23%23/"), $alice->url("${base}##DavMailSubmissionURI##/"), "${base}%23%23DavMailSubmissionURI%23%23",
        "http://localhost$base##davmailsubmissionuri##") {
        is($alice->send_props(SimClient::request('cal:uid' => 'd' . length $d), Destination => $d)->{status}, 201, $d);
    }
    is($alice->items('bob', 'inbox'), 4, 'all delivered');
    for (200, 204) {
        $alice->set('submit-status' => $_);
        is($alice->send_props(SimClient::request())->{status}, $_, "success may be $_");
    }
    $alice->reset;
    is($alice->send_props(SimClient::request(), Destination => 'http://other.test' . $base . '%23%23DavMailSubmissionURI%23%23/')->{status}, 502, 'another server');
    is($alice->send_props(SimClient::request(), Destination => $alice->url('/exchange/bob/%23%23DavMailSubmissionURI%23%23/'))->{status}, 502, 'another mailbox');
    is($alice->items('bob', 'inbox'), 0, 'neither was sent');
    is($alice->send_props(SimClient::request(), Destination => $alice->url($base))->{status}, 201, 'a URL cut at # is a folder: 201');
    is($alice->items('bob', 'inbox'), 0, '... and nothing is sent');
    $alice->reset;
    my $draft = '/exchange/alice/Drafts/c.EML';
    $alice->put_props($draft, SimClient::request());
    is($alice->do(COPY => $draft, { Destination => $alice->url("${base}%23%23DavMailSubmissionURI%23%23/") })->{status}, 201, 'COPY sends');
    is($alice->items('alice', 'drafts'), 1, '... and keeps the source');
    $r = $alice->do(MOVE => $draft, { Destination => $alice->url("${base}%23%23DavMailSubmissionURI%23%23/") }, 'body');
    is($r->{status}, 415, 'a MOVE with a body is refused');
    is($alice->put_props("${base}%23%23DavMailSubmissionURI%23%23/", SimClient::request('cal:uid' => 'pp')), 201, 'PROPPATCH to it sends');
    is($alice->items('bob', 'inbox'), 2, '... delivered');
    $alice->reset;
};

subtest 'rule 19b: a cancellation removes by uid only' => sub {
    my ($path, $uid) = $alice->invite;
    $alice->send_props(cancel_of('something-else'));
    is($alice->items('bob', 'calendar'), 1, 'another uid: the entry stays');
    is(classes('bob', 'inbox'), 'Request Canceled', '... though the message came');
    $alice->send_props(cancel_of($uid));
    is($alice->items('bob', 'calendar'), 0, 'the right uid: gone');
    is($alice->items('alice', 'calendar'), 1, 'the organizer\'s own is his to delete');
    $alice->reset;
};

subtest 'rule 19c: an appointment that is mailed is no cancellation' => sub {
    my ($path, $uid) = $alice->invite;
    $r = $alice->do(MOVE => $path, { Destination => $alice->url('/exchange/alice/%23%23DavMailSubmissionURI%23%23/') });
    is($r->{status}, 201, '201 all the same');
    like(SimClient::wrong($r), qr/rule 19/, '... with a remark');
    is(classes('bob', 'inbox'), 'Request Appointment', 'an ordinary item arrives');
    is($alice->items('bob', 'calendar'), 1, 'the entry stays');
    $r = $alice->send_props(cancel_of($uid, 'D:contentclass' => 'urn:content-classes:appointment'));
    is($alice->items('bob', 'calendar'), 1, 'class without contentclass: stays');
    $r = $alice->send_props(cancel_of($uid, 'e:outlookmessageclass' => 'IPM.Appointment'));
    is($alice->items('bob', 'calendar'), 1, 'contentclass without class: stays');
    $alice->reset;
};

subtest 'rules 19d and 19e: recipients and sender' => sub {
    is($alice->send_props(SimClient::request('header:to' => ''))->{status}, 403, 'nobody: 403');
    is($alice->items('alice', 'drafts'), 1, '... the draft stays');
    $alice->set('no-recipients' => '404');
    is($alice->send_props(SimClient::request('header:to' => ''))->{status}, 404, '... or 404');
    $r = $alice->send_props(SimClient::request('header:from' => 'bob@example.test'));
    is($r->{status}, 403, 'From of another');
    is($alice->send_props(SimClient::request('header:from' => '"Alice" <ALICE@example.test>'))->{status}, 201, 'one\'s own is taken');
    my $bob = SimClient->new($sim, 'bob');
    my $draft = '/exchange/alice/Drafts/b.EML';
    $alice->put_props($draft, SimClient::request('header:to' => 'carol@example.test'));
    is($bob->do(MOVE => $draft, { Destination => $bob->url('/exchange/alice/%23%23DavMailSubmissionURI%23%23/') })->{status}, 403, 'a stranger sends nothing as alice');
    $sim->control(POST => '/_sim/grant?mailbox=alice&user=bob&level=write');
    is($bob->do(MOVE => $draft, { Destination => $bob->url('/exchange/alice/%23%23DavMailSubmissionURI%23%23/') })->{status}, 403, '... not with write rights either');
    $sim->control(POST => '/_sim/grant?mailbox=alice&user=bob&level=owner');
    is($bob->do(MOVE => $draft, { Destination => $bob->url('/exchange/alice/%23%23DavMailSubmissionURI%23%23/') })->{status}, 201, '... but with those of an owner');
    $alice->reset;
};

subtest 'rule 19f: copies' => sub {
    $alice->send_props(SimClient::request(), Saveinsent => 'f');
    is($alice->items('alice', 'sentitems'), 0, 'Saveinsent: f');
    $alice->send_props(SimClient::request('mail:saveinsent' => [ 'boolean', 0 ]));
    is($alice->items('alice', 'sentitems'), 0, 'the property');
    $alice->send_props(SimClient::request('mail:saveinsent' => [ 'boolean', 0 ]), Saveinsent => 't');
    is($alice->items('alice', 'sentitems'), 1, 'the header wins');
    $alice->send_props(SimClient::request(), Savedestination => $alice->url('/exchange/alice/Notes'));
    is($alice->items('alice', 'notes'), 1, 'Savedestination');
    $alice->set('sent-copy' => 'no');
    $alice->send_props(SimClient::request());
    is($alice->items('alice', 'sentitems'), 1, 'a server that keeps none');
    $alice->reset;
};

subtest 'rule 20: to, cc and bcc, the organizer too' => sub {
    my ($path, $uid) = $alice->invite('header:to' => 'bob@example.test,alice@example.test', 'header:cc' => 'carol@example.test;BOB@example.test', 'header:bcc' => 'room1@example.test,away@elsewhere.test');
    is($alice->items($_, 'inbox'), 1, "$_ has one") for qw(bob carol room1);
    is(classes('alice', 'inbox'), 'Request Resp.Pos', 'the organizer gets his own request');
    is($alice->items('alice', 'calendar'), 1, '... which makes no second entry');
    is($sim->control(GET => '/_sim/counters')->{outside}, 1, 'an address elsewhere is counted');
    $r = $alice->send_props(cancel_of($uid, 'header:to' => 'alice@example.test'));
    like(SimClient::wrong($r), qr/rule 20/, 'a remark');
    is($alice->items('alice', 'calendar'), 1, 'his own cancellation does not remove the meeting');
    $alice->reset;
};

subtest 'rule 21: an Outlook in cached mode' => sub {
    $sim->control(POST => '/_sim/mailbox/bob?cached=1');
    my ($path, $uid) = $alice->invite('meeting:0x3' => 'QUJD');
    is($alice->items('bob', 'calendar'), 1, 'invited');
    $alice->send_props(cancel_of($uid, 'meeting:0x3' => 'QUJD'));
    is($alice->items('bob', 'calendar'), 1, 'without 0x23 the entry stays');
    ($path, $uid) = $alice->invite('meeting:0x3' => 'REVG', 'meeting:0x23' => 'REVG');
    is($alice->items('bob', 'calendar'), 2, 'invited with 0x23');
    $alice->send_props(cancel_of('whatever', 'meeting:0x23' => 'REVG'));
    is($alice->items('bob', 'calendar'), 1, 'removed by it');
    $alice->reset;
};

subtest 'updates' => sub {
    my ($path, $uid) = $alice->invite('cal:sequence' => 1, 'cal:dtstamp' => '2027-01-01T00:00:00.000Z');
    my $send = sub { $alice->send_props(SimClient::request('cal:uid' => $uid, @_)); return join ' ', map { "$_->{p}{'cal:location'}" } $alice->items('bob', 'calendar') };
    is($send->('cal:location' => 'two', 'cal:sequence' => 2), 'two', 'a later sequence replaces');
    is($send->('cal:location' => 'one', 'cal:sequence' => 1), 'two', 'an older one is out of date');
    is($send->('cal:location' => 'a', 'cal:sequence' => 2, 'cal:dtstamp' => '2027-01-02T00:00:00.000Z'), 'a', 'same sequence');
    is($send->('cal:location' => 'b', 'cal:sequence' => 2, 'cal:dtstamp' => '2027-01-01T12:00:00.000Z'), 'a', '... with an older dtstamp: out of date');
    $alice->reset;
};

subtest 'rooms' => sub {
    my ($path, $uid) = $alice->invite('header:to' => '', 'header:bcc' => 'boardroom@example.test');
    is(busy('boardroom', 'calendar'), 'BUSY', 'free: accepts');
    my ($answer) = $alice->items('alice', 'inbox');
    is($answer->{p}{'e:outlookmessageclass'}, 'IPM.Schedule.Meeting.Resp.Pos', 'tells the organizer');
    is($answer->{p}{'cal:uid'}, $uid, '... of the same uid');
    my ($second) = $alice->invite('header:to' => '', 'header:bcc' => 'boardroom@example.test', 'cal:dtstart' => '2027-03-05T09:30:00.000Z', 'cal:dtend' => '2027-03-05T10:30:00.000Z');
    is(classes('alice', 'inbox'), 'Resp.Pos Resp.Neg', 'taken: refuses');
    is(busy('boardroom', 'calendar'), 'BUSY', '... and has one entry');
    $alice->invite('header:to' => '', 'header:bcc' => 'boardroom@example.test', 'cal:dtstart' => '2027-03-05T10:00:00.000Z', 'cal:dtend' => '2027-03-05T10:30:00.000Z');
    is(busy('boardroom', 'calendar'), 'BUSY BUSY', 'end to end is no conflict');
    $sim->control(POST => '/_sim/mailbox/room1?policy=refuse');
    $alice->invite('header:to' => '', 'header:bcc' => 'room1@example.test');
    is($alice->items('room1', 'calendar'), 0, 'a room that refuses all');
    $sim->control(POST => '/_sim/mailbox/room1?policy=silent');
    $alice->invite('header:to' => '', 'header:bcc' => 'room1@example.test');
    is(busy('room1', 'calendar'), 'TENTATIVE', 'one that never answers');
    is($alice->items('alice', 'inbox'), 4, '... says nothing');
    $alice->reset;

    $alice->set('room-delay' => 300, 'organizer-update' => 'yes');
    ($path, $uid) = $alice->invite('header:to' => 'bob@example.test', 'header:bcc' => 'boardroom@example.test');
    is(busy('boardroom', 'calendar'), 'TENTATIVE', 'a slow room');
    $sim->control(POST => '/_sim/clock?advance=299');
    is($alice->items('alice', 'inbox'), 0, 'not yet');
    $sim->control(POST => '/_sim/clock?advance=2');
    is(classes('alice', 'inbox'), 'Resp.Pos', 'then');
    is(busy('boardroom', 'calendar'), 'BUSY', '...');
    my %answer = map { $_->{address} => $_->{answer} } @{ ($alice->items('alice', 'calendar'))[0]{attendees} };
    is_deeply(\%answer, { 'bob@example.test' => 5, 'boardroom@example.test' => 3 }, 'the organizer\'s copy knows, when set so');
    $alice->send_props(cancel_of($uid, 'header:to' => 'boardroom@example.test'));
    is($alice->items('boardroom', 'calendar'), 0, 'cancelled');
    $alice->reset;
};

subtest 'rooms and series' => sub {
    $sim->control(POST => '/_sim/items?mailbox=boardroom&start=2027-03-01T09:30:00Z&minutes=60&urn%3Aschemas%3Acalendar%3Arrule=FREQ%3DDAILY');
    my $try = sub { $alice->invite('header:to' => '', 'header:bcc' => 'boardroom@example.test', @_) };
    $try->('cal:dtstart' => '2027-03-05T09:00:00.000Z', 'cal:dtend' => '2027-03-05T10:00:00.000Z');
    $try->('cal:dtstart' => '2027-03-05T10:30:00.000Z', 'cal:dtend' => '2027-03-05T11:00:00.000Z');
    is(classes('alice', 'inbox'), 'Resp.Neg Resp.Pos', 'an occurrence is in the way, or not');
    $alice->set('room-conflicts' => 'accept');
    $try->();
    is(classes('alice', 'inbox'), 'Resp.Neg Resp.Pos Resp.Pos', 'a room that takes conflicts, when set so');
    $alice->reset;
};

subtest 'persons answer when told to' => sub {
    my ($path, $uid) = $alice->invite;
    $sim->control(POST => "/_sim/respond?mailbox=bob&uid=$uid&answer=tentative");
    is(busy('bob', 'calendar') . ' ' . classes('alice', 'inbox'), 'TENTATIVE Resp.Tent', 'tentative');
    $sim->control(POST => "/_sim/respond?mailbox=bob&uid=$uid&answer=accept");
    is(busy('bob', 'calendar') . ' ' . classes('alice', 'inbox'), 'BUSY Resp.Tent Resp.Pos', 'accept');
    $sim->control(POST => "/_sim/respond?mailbox=bob&uid=$uid&answer=decline");
    is(busy('bob', 'calendar') . ' ' . classes('alice', 'inbox'), ' Resp.Tent Resp.Pos Resp.Neg', 'decline');
    is($sim->once(POST => '/_sim/respond?mailbox=bob&uid=none&answer=accept', {})->{status}, 404, 'to what is not there');
};

subtest 'rule 28: DELETE tells nobody' => sub {
    $alice->reset;
    my ($path, $uid) = $alice->invite;
    is($alice->do(DELETE => $path)->{status}, 204, 'deleted');
    is(classes('bob', 'inbox'), 'Request', 'no message');
    is($alice->items('bob', 'calendar'), 1, 'the entry stays');
};

subtest 'item names' => sub {
    $alice->reset;
    $alice->invite('mail:subject' => 'a/b: ~c?') for 1 .. 3;
    is_deeply([ map { $_->{name} } $alice->items('bob', 'inbox') ], [ map { "a_xF8FF_b: _x007E_c_x003F_$_.EML" } '', '-2', '-3' ], 'after the subject, numbered, in stored form');
};

done_testing;
