#!/usr/bin/perl
# The simulator's names: folders by language, letters and escapes, hosts in hrefs, prefixes.
# "rule N" is a way in which a wrong client must fail.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SimClient;
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic');
my $alice = SimClient->new($sim, 'alice');
my $zoltan = SimClient->new($sim, 'zoltan');
my @well_known = map { "mail:$_" } qw(inbox calendar drafts sentitems deleteditems outbox sendmsg msgfolderroot);

subtest 'the mailbox root tells its folders' => sub {
    my ($row) = $alice->propfind('/exchange/alice/', 0, @well_known);
    is($row->{ok}{'mail:calendar'}, $alice->url('/exchange/alice/Calendar'), 'calendar, full URL, no final slash');
    is($row->{ok}{'mail:sentitems'}, $alice->url('/exchange/alice/Sent%20Items'), 'a blank is %20');
    like($row->{ok}{'mail:sendmsg'}, qr{/%23%23DavMailSubmissionURI%23%23$}, 'submission URI');
    $alice->set('submit-escaped' => 'no');
    ($row) = $alice->propfind('/exchange/alice/', 0, 'mail:sendmsg');
    like($row->{ok}{'mail:sendmsg'}, qr{/##DavMailSubmissionURI##$}, 'raw, when set so');
    $alice->set('submit-escaped' => 'yes');
    is($alice->propfind('/exchange/ALICE', 0, 'mail:inbox'), 1, 'mailbox by another case, no slash');
    is($alice->propfind('/exchange/alice@example.test/', 0, 'mail:inbox'), 1, 'mailbox by address');
    is($alice->propfind('/exadmin/admin/example.test/mbx/alice/', 0, 'mail:inbox'), 1, 'the administrators\' view');
};

subtest 'rule 8: folders are named in the language of the mailbox' => sub {
    my ($row) = $zoltan->propfind('/exchange/zoltan/', 0, @well_known);
    is($row->{ok}{'mail:calendar'}, $zoltan->url('/exchange/zoltan/Napt%C3%A1r'), 'Calendar is Napt%C3%A1r');
    like($row->{ok}{'mail:drafts'}, qr{/Piszkozatok$}, 'Drafts is Piszkozatok');
    is($zoltan->do(PROPFIND => '/exchange/zoltan/Calendar/', { Depth => 0 })->{status}, 404, '/Calendar is not there');
    is($zoltan->put_props('/exchange/zoltan/Calendar/x.EML', SimClient::appointment()), 0, 'hard-coded: no item');
    is($zoltan->{last}{status}, 409, '... but 409');
    is($zoltan->put_props('/exchange/zoltan/Napt%C3%A1r/x.EML', SimClient::appointment()), 201, 'discovered: made');
    is($zoltan->propfind('/exchange/zoltan/NAPT%C3%81R/x.eml', 0, 'cal:uid'), 1, 'letters outside ASCII are case-blind too');
};

subtest 'folder names of another person' => sub {
    is($alice->do(PROPFIND => '/exchange/zoltan/', { Depth => 0 })->{status}, 403, 'the root is closed to strangers');
    my ($row) = $alice->propfind('/exchange/zoltan/NON_IPM_SUBTREE', 0, 'mail:calendar');
    like($row->{ok}{'mail:calendar'}, qr{/zoltan/Napt%C3%A1r$}, 'NON_IPM_SUBTREE tells them to anybody');
};

subtest 'rule 7: names' => sub {
    my $c = '/exchange/alice/Calendar/';
    is($alice->put_props($c . 'a+b%20c.EML', SimClient::appointment()), 201, 'made');
    is($alice->propfind($c . 'A+B%20C.eml', 0, 'cal:uid'), 1, 'case-blind');
    $alice->put_props($c . 'Small.eml', SimClient::appointment());
    my ($small) = $alice->propfind($c . 'Small.eml', 0, 'D:displayname');
    like($small->{href}, qr{/Small\.EML$}, 'clients write .eml, the server shows .EML');
    is($alice->do(DELETE => $c . 'sMALL.eml')->{status}, 204, '... and takes either');
    is($alice->propfind($c . 'a%2Bb%20c.EML', 0, 'cal:uid'), 1, '%2B is +');
    is($alice->do(PROPFIND => $c . 'a%20b%20c.EML', { Depth => 0 })->{status}, 404, 'who decodes + to a blank finds nothing');
    is($alice->put_props($c . 'x_xF8FF_y_x003F_.EML', SimClient::appointment()), 201, 'stored forms');
    my ($row) = $alice->propfind($c . 'x_xF8FF_y_x003F_.EML', 0, 'tag:x10f3001f', 'D:displayname');
    is($row->{ok}{'tag:x10f3001f'}, 'x_xF8FF_y_x003F_.EML', '... are kept as they are');
    my $r = $alice->do(PROPPATCH => $c . 'x%2Fy.EML', { 'Content-Type' => 'text/xml' }, SimClient::patch_body(SimClient::appointment()));
    is($r->{status}, 409, 'an escaped slash is no name');
    like(SimClient::wrong($r), qr/rule 7/, '... and the simulator says so');
};

subtest 'rule 5: # in the request line' => sub {
    my $r = $alice->do(PROPPATCH => '/exchange/alice/##DavMailSubmissionURI##/', { 'Content-Type' => 'text/xml' },
        SimClient::patch_body({ 'mail:subject' => 'x', 'header:to' => 'bob@example.test' }));
    is($alice->items('bob', 'inbox'), 0, "raw ## sends nothing (status $r->{status})");
    is($alice->put_props('/exchange/alice/%23%23DavMailSubmissionURI%23%23/', { 'mail:subject' => 'x', 'header:to' => 'bob@example.test' }), 201, 'escaped: sent');
    is($alice->items('bob', 'inbox'), 1, '... and delivered');
};

subtest 'rule 6: MS-WebStorage, shuffled prefixes, unknown elements' => sub {
    my (%dav, %dt, %unknown);
    $alice->put_props('/exchange/alice/Calendar/p.EML', SimClient::appointment());
    for (1 .. 8) {
        my ($row) = $alice->propfind('/exchange/alice/Calendar/p.EML', 0, 'cal:alldayevent', 'cal:dtstart');
        is($row->{ok}{'cal:dtstart'}, '2027-03-05T09:00:00.000Z', 'the value is found by namespace') if $_ == 8;
        my $body = $alice->{last}{body};
        $dav{$1}++ if $body =~ /<(\w+):multistatus/;
        $dt{$1}++ if $body =~ / (\w+):dt="boolean"/;
        $unknown{$1}++ if $body =~ /(urn:x-simulator:unknown)/;
        is($alice->{last}{headers}{'ms-webstorage'}[0], '6.5.7226', 'MS-WebStorage') if $_ == 1;
        is($alice->{last}{headers}{'content-type'}[0], 'text/xml', 'Content-Type is exactly text/xml') if $_ == 1;
    }
    cmp_ok(keys %dav, '>', 1, 'a client that looks for one prefix fails');
    cmp_ok(keys %dt, '>', 1, '... for the type attribute as well');
    cmp_ok(keys %unknown, '==', 1, 'there are elements nobody knows');
    is($alice->do(DELETE => '/exchange/alice/Calendar/none.EML')->{headers}{'ms-webstorage'}[0], '6.5.7226', 'errors bear it too');
};

subtest 'rule 9: the host in hrefs' => sub {
    $alice->set('href-host' => 'old.example.test');
    my ($row) = $alice->propfind('/exchange/alice/', 0, 'mail:calendar');
    isnt($row->{href}, $alice->url('/exchange/alice/'), 'who compares whole URLs fails');
    is(SimClient::path_of($row->{href}), '/exchange/alice/', '... paths agree');
    like($row->{ok}{'mail:calendar'}, qr{^http://old\.example\.test/}, 'in values too');
    $alice->set('href-host' => '');
};

subtest 'rule 10: rights' => sub {
    my $bob = SimClient->new($sim, 'bob');
    $alice->put_props('/exchange/alice/Calendar/r.EML', SimClient::appointment());
    for my $status (403, 401, 404, 440) {
        $alice->set('stranger-status' => $status);
        is($bob->do(PROPFIND => '/exchange/alice/Calendar/', { Depth => 1 })->{status}, $status, "a stranger reads: $status");
        is($bob->do(DELETE => '/exchange/alice/Calendar/r.EML')->{status}, $status, "a stranger deletes: $status");
    }
    $alice->set('stranger-status' => 403);
    is($bob->put_props('/exchange/alice/Calendar/r.EML', { 'mail:subject' => 'mine' }), 0, 'writes nothing');
    is($bob->do(PROPFIND => '/exchange/boardroom/Calendar/', { Depth => 0 })->{status}, 403, 'rooms are closed by default');
    $alice->set('room-calendar' => 'everybody');
    is($bob->do(PROPFIND => '/exchange/boardroom/Calendar/', { Depth => 0 })->{status}, 207, '... or open to readers');
    is($bob->put_props('/exchange/boardroom/Calendar/r.EML', SimClient::appointment()), 0, '... not to writers');
    $sim->control(POST => '/_sim/grant?mailbox=boardroom&user=bob&level=write');
    is($bob->put_props('/exchange/boardroom/Calendar/r.EML', SimClient::appointment()), 201, '... unless granted');
};

subtest 'the welcome page' => sub {
    my $r = $alice->do(GET => '/exchange/');
    like($r->{body}, qr{<base href="\Q@{[$alice->url('/exchange/alice/')]}\E">}, 'has the base of one\'s own mailbox');
    is($alice->do(GET => '/exchange/nobody/')->{status}, 404, 'no such mailbox');
    ok($alice->do(GET => '/exchange/nobody/')->{headers}{'ms-webstorage'}, '... by a server that says what it is');
};

subtest 'rule 3: GET of an item' => sub {
    $alice->put_props('/exchange/alice/Calendar/g.EML', SimClient::appointment());
    my $r = $alice->do(GET => '/exchange/alice/Calendar/g.EML');
    like($r->{headers}{'content-type'}[0], qr{^text/html}, 'a page');
    unlike($r->{body}, qr/BEGIN:VCALENDAR/, '... from which no iCalendar can be read');
    $r = $alice->do(GET => '/exchange/alice/Calendar/g.EML', { Translate => 'f' });
    is($r->{headers}{'content-type'}[0], 'message/rfc822', 'with Translate: f the message');
    is($alice->do(GET => '/exchange/', { Translate => 'f' })->{status}, 403, 'the page of frames is not for Translate: f');
};

subtest 'absolute request targets and permanent URLs' => sub {
    is($alice->propfind($alice->url('/exchange/alice/Calendar/r.EML'), 0, 'cal:uid'), 1, 'http://host/path as target');
    my ($row) = $alice->propfind('/exchange/alice/Calendar/r.EML', 0, 'e:permanenturl', 'cal:uid');
    my ($same) = $alice->propfind(SimClient::path_of($row->{ok}{'e:permanenturl'}), 0, 'cal:uid');
    is($same->{ok}{'cal:uid'}, $row->{ok}{'cal:uid'}, 'the permanent URL leads to the item');
};

done_testing;
