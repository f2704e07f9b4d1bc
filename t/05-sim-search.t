#!/usr/bin/perl
# The simulator's SEARCH: scopes, conditions, dates, series, pages.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SimClient;
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic');
my $alice = SimClient->new($sim, 'alice');
my $cal = '/exchange/alice/Calendar/';
my $N = '"urn:schemas:httpmail:subject"';
my $S = '"urn:schemas:calendar:dtstart"';
my $E = '"urn:schemas:calendar:dtend"';
my $day = sub { my ($d, $h, $l) = @_; return sprintf '2027-03-%02dT%02d:00:00.000Z', $d, $h };

sub add { my ($name, $from, $to, %more) = @_; $alice->put_props($cal . "$name.EML", SimClient::appointment('mail:subject' => $name, 'cal:dtstart' => $from, 'cal:dtend' => $to, %more)) == 201 or die "no $name" }
add('early', '2027-03-04T22:00:00.000Z', '2027-03-05T01:00:00.000Z');
add('nine', $day->(5, 9), $day->(5, 10));
add('allday', '2027-03-04T23:00:00.000Z', '2027-03-05T23:00:00.000Z', 'cal:alldayevent' => 1, 'cal:busystatus' => 'FREE');
add('private', $day->(5, 14), $day->(5, 15), 'mapi:sensitivity' => [ 'int', 2 ]);
add('next', $day->(6, 9), $day->(6, 10), 'cal:location' => "Peter's room");
$alice->put_props($cal . 'note.EML', { 'mail:subject' => 'note' });

sub subjects { my ($where, $order) = @_; return join ' ', map { $_->{ok}{'mail:subject'} } $alice->search($cal, "SELECT $N FROM Scope('SHALLOW TRAVERSAL OF \"$cal\"') WHERE $where ORDER BY " . ($order // $N)) }
my $overlap = "$E > '2027/03/05 00:00:00' AND $S < '2027/03/06 00:00:00'";

subtest 'rule 39: overlap, all-day, private' => sub {
    is(subjects($overlap), 'allday early nine private', 'what overlaps the day');
    is(subjects("$S >= '2027/03/05 00:00:00' AND $S < '2027/03/06 00:00:00'"), 'nine private', 'who looks at dtstart alone loses two');
    my ($row) = $alice->search($cal, qq{SELECT "http://schemas.microsoft.com/mapi/sensitivity" FROM "" WHERE $N = 'private'});
    is($row->{ok}{'mapi:sensitivity'}, 2, 'private items come to every reader, marked');
    $alice->set('room-calendar' => 'everybody');
};

subtest 'conditions' => sub {
    my %cases = (
        qq{"DAV:contentclass" = 'urn:content-classes:appointment'} => 'allday early next nine private',
        qq{NOT "urn:schemas:calendar:instancetype" = 1} => 'allday early next nine note private',
        qq{"urn:schemas:calendar:alldayevent" = True} => 'allday',
        qq{"urn:schemas:calendar:alldayevent" = CAST("1" as 'boolean')} => 'allday',
        qq{"DAV:isfolder" = False AND "DAV:ishidden" = false AND $N <> 'nine'} => 'allday early next note private',
        qq{"urn:schemas:calendar:busystatus" <> 'FREE'} => 'early next nine private',
        qq{"urn:schemas:calendar:location" = 'peter''s ROOM'} => 'next',
        qq{$N LIKE 'n%'} => 'next nine note',
        qq{$N LIKE '%i_e'} => 'nine',
        qq{$N NOT LIKE '%e%'} => 'allday',
        qq{$S IS NULL} => 'note',
        qq{$S IS NOT NULL AND ($N = 'nine' OR ($N = 'next'))} => 'next nine',
        qq{$S > CAST("2027-03-05T10:00:00Z" as 'dateTime')} => 'next private',
        qq{$S > CAST('2027-03-05T12:00:00+02:00' as "dateTime.tz")} => 'next private',
        qq{$S = '2027-03-05T09:00:00.000Z'} => 'nine',
        qq{CAST($S as 'dateTime') = '2027/03/05 09:00'} => 'nine',
        qq{"urn:schemas:calendar:instancetype" = CAST("0" as 'int') AND $N != 'next' and not($N='early')} => 'allday nine private',
        qq{"urn:nobody:ever:used" = 1} => '',
        qq{"DAV:href" LIKE '%nine%'} => '',
        qq{"http://schemas.microsoft.com/mapi/proptag/x10f3001f" = 'nine.EML'} => 'nine',
    );
    is(subjects($_), $cases{$_}, $_) for sort keys %cases;
    is(subjects($overlap, "$S DESC, $N"), 'private nine allday early', 'ORDER BY');
};

subtest 'scopes' => sub {
    $alice->do(MKCOL => $cal . 'Sub/');
    $alice->put_props($cal . 'Sub/deep.EML', SimClient::appointment('mail:subject' => 'deep'));
    my $n = sub { my ($from, $at) = @_; return scalar $alice->search($at // $cal, qq{SELECT "DAV:href" FROM $from WHERE "DAV:isfolder" = False}) };
    my $base = $alice->url($cal);
    is($n->('""'), 6, 'FROM ""');
    is($n->(q{SCOPE('SHALLOW TRAVERSAL OF ""')}), 6, 'empty URL in a scope');
    is($n->(qq{Scope('shallow traversal of "$base"')}), 6, 'a full URL');
    is($n->(qq{SCOPE("SHALLOW TRAVERSAL OF '$cal'")}), 6, 'quotes the other way');
    is($n->(qq{"$cal"}), 6, 'a path alone');
    is($n->(qq{Scope('DEEP TRAVERSAL OF "$cal"')}), 7, 'DEEP');
    is($n->(qq{Scope('SHALLOW TRAVERSAL OF "/exchange/alice/Inbox"','SHALLOW TRAVERSAL OF "$cal"')}), 6, 'two');
    is($n->(qq{Scope('SHALLOW TRAVERSAL OF "$cal"')}, '/exchange/alice/'), 6, 'another than the request URL');
    $n->(qq{Scope('SHALLOW TRAVERSAL OF "/exchange/bob/Calendar"')});
    is($alice->{last}{status}, 403, 'no right: 403');
    $n->(qq{Scope('SHALLOW TRAVERSAL OF "/exchange/alice/Kalender"')});
    is($alice->{last}{status}, 404, 'no such folder: 404');
    $alice->do(DELETE => $cal . 'Sub/');
};

subtest 'rule 38: bad SQL, unknown columns' => sub {
    for my $sql ('', 'SELECT', "SELECT $N", "SELECT $N FROM \"\" WHERE", "SELECT $N FROM \"\" WHERE $S >", "SELECT $N FROM \"\" WHERE ($N = 'a'",
        "SELECT $N FROM \"\" WHERE $N = 'a", "SELECT $N FROM \"\" WHERE $N = 'a' nonsense", "SELECT $N FROM \"\" WHERE $S = CAST(\"x\" as 'dateTime')",
        "SELECT $N FROM \"\" WHERE $N ~ 'a'", 'DELETE FROM ""', "SELECT $N FROM \"\" WHERE " . '(' x 200) {
        $alice->search($cal, $sql);
        is($alice->{last}{status}, 422, 'refused: ' . substr $sql, 0, 50);
    }
    $alice->set('sql-errors' => '400');
    $alice->search($cal, 'SELECT');
    is($alice->{last}{status}, 400, 'or 400');
    my $r = $alice->do(SEARCH => $cal, {}, qq{<D:searchrequest xmlns:D="DAV:"><D:sql>SELECT $N FROM "" WHERE $S < '2027/03/06'</D:sql></D:searchrequest>});
    is($r->{status}, 400, 'an unescaped < is no XML');
    my ($row) = $alice->search($cal, qq{SELECT $N, "urn:schemas:calendar:nosuch" FROM "" WHERE $N = 'nine'});
    ok($row->{missing}{'urn:schemas:calendar:nosuch'} || $row->{missing}{'cal:nosuch'}, 'an unknown column: 404 propstat');
    is($row->{ok}{'mail:subject'}, 'nine', '... beside the known');
    ($row) = $alice->search($cal, qq{SELECT $N, "urn:schemas:calendar:nosuch" FROM "" WHERE $N = 'nine'}, Brief => 't');
    is(keys %{ $row->{missing} }, 0, 'Brief: t leaves it out');
    ($row) = $alice->search($cal, qq{SELECT * FROM "" WHERE $N = 'nine'});
    is($row->{ok}{'cal:location'}, 'Boardroom', 'SELECT *');
    $alice->reset;
};

subtest 'batches name their targets relative to the request or in full' => sub {
    my $batch = sub { my ($verb, $root, @hrefs) = @_;
        my %h = ('Content-Type' => 'text/xml', $verb eq 'BDELETE' ? () : (Destination => '/exchange/alice/Deleted%20Items/'));
        my $r = $alice->do($verb => $cal, \%h, qq{<?xml version="1.0"?><D:$root xmlns:D="DAV:"><D:target>} . join('', map { "<D:href>$_</D:href>" } @hrefs) . "</D:target></D:$root>");
        return join ' ', $r->{status}, map { $_->{status} } SimClient::multistatus($r->{body});
    };
    $alice->put_props($cal . "batch$_.EML", SimClient::appointment()) for 1 .. 5;
    is($batch->('BDELETE', 'delete', 'batch1.EML', $alice->url($cal . 'batch2.EML'), 'none.EML'), '207 204 204 404', 'BDELETE');
    is($batch->('BMOVE', 'move', 'batch3.EML', $cal . 'batch4.EML'), '207 201 201', 'BMOVE');
    is($batch->('BCOPY', 'copy', 'batch5.EML'), '207 201', 'BCOPY');
    is($alice->items('alice', 'deleteditems'), 3, 'what was moved and copied');
    is($batch->('BDELETE', 'delete', 'batch5.EML'), '207 204', 'nothing of it is left');
    $alice->do(DELETE => '/exchange/alice/Deleted%20Items/' . "batch$_.EML") for 3 .. 5;
};

subtest 'rule 40: pages' => sub {
    $sim->control(POST => '/_sim/items?mailbox=alice&count=120&start=2027-05-01T00:00:00Z');
    my $q = qq{SELECT $N FROM "" WHERE "DAV:isfolder" = False ORDER BY $S};
    my $n = sub { scalar $alice->search($cal, $q, @_) };
    my $cr = sub { $alice->{last}{headers}{'content-range'}[0] };
    is($n->(), 120, 'all');
    is($cr->(), 'rows 0-119; total=120', '... and says so');
    is($n->(Range => 'rows=0-49'), 50, 'rows=0-49');
    is($cr->(), 'rows 0-49; total=120', 'Content-Range');
    is($n->(Range => 'rows=100-149'), 20, 'the last page is short');
    is($n->(Range => 'rows=-50'), 50, 'the last fifty');
    is($cr->(), 'rows 70-119; total=120', '...');
    is($n->(Range => 'rows=110-'), 10, 'from there');
    is($n->(Range => 'rows=0-1,5-6'), 4, 'a list');
    $n->(Range => 'rows=120-149');
    is($alice->{last}{status}, 416, 'past the end');
    $alice->search($cal, qq{SELECT $N FROM "" WHERE $N = 'nobody'}, Range => 'rows=0-9');
    is($alice->{last}{status}, 416, 'empty with Range');
    $alice->set('range-empty' => '207');
    is($alice->search($cal, qq{SELECT $N FROM "" WHERE $N = 'nobody'}, Range => 'rows=0-9'), 0, 'or an empty 207');
    is($alice->{last}{status}, 207, '...');
    $alice->set(range => 'ignore');
    is($n->(Range => 'rows=0-49'), 120, 'a server that ignores Range: who counts pages gets all rows each time');
    is($cr->(), undef, '... and no Content-Range');
    $alice->reset;
};

subtest 'rule 39: series' => sub {
    $sim->control(POST => '/_sim/items?mailbox=alice&start=2027-03-01T08:00:00Z&minutes=30'
        . '&urn%3Aschemas%3Acalendar%3Atimezoneid=6&urn%3Aschemas%3Acalendar%3Arrule=FREQ%3DWEEKLY%3BBYDAY%3DMO%3BCOUNT%3D8'
        . '&urn%3Aschemas%3Ahttpmail%3Asubject=weekly');
    my $cols = qq{SELECT $N, $S, $E, "urn:schemas:calendar:instancetype", "urn:schemas:calendar:uid", "urn:schemas:calendar:rrule"};
    my $march = qq{$E > '2027/03/20 00:00:00' AND $S < '2027/04/06 00:00:00'};
    my @rows = $alice->search($cal, qq{$cols FROM "" WHERE NOT "urn:schemas:calendar:instancetype" = 1 AND $march ORDER BY $S});
    is_deeply([ map { $_->{ok}{'cal:dtstart'} } @rows ], [ '2027-03-22T08:00:00.000Z', '2027-03-29T07:00:00.000Z', '2027-04-05T07:00:00.000Z' ],
        'occurrences, summer time included');
    is($rows[0]{ok}{'cal:instancetype'}, 2, 'of type 2');
    like($rows[0]{href}, qr/weekly-4\.EML$/, 'each with an href of its own');
    is($rows[0]{ok}{'cal:uid'}, $rows[1]{ok}{'cal:uid'}, 'one uid');
    my $uid = $rows[0]{ok}{'cal:uid'};
    is($alice->search($cal, qq{$cols FROM "" WHERE "urn:schemas:calendar:uid" = '$uid'}), 1, 'by uid alone: the master');
    is($alice->search($cal, qq{$cols FROM "" WHERE "urn:schemas:calendar:uid" = '$uid' AND $S < '2027/12/01'}), 9, 'with the master, unless one\'s own WHERE leaves it out');
    my $path = SimClient::path_of($rows[0]{href});
    my ($row) = $alice->propfind($path, 0, 'cal:dtstart', 'cal:instancetype');
    is($row->{ok}{'cal:dtstart'}, '2027-03-22T08:00:00.000Z', 'PROPFIND on an occurrence');
    is($alice->do(DELETE => $path)->{status}, 204, 'DELETE removes that one');
    @rows = $alice->search($cal, qq{$cols FROM "" WHERE NOT "urn:schemas:calendar:instancetype" = 1 AND $march ORDER BY $S});
    is(@rows, 2, '... only');
    $path = SimClient::path_of($rows[0]{href});
    is($alice->put_props($path, { 'cal:dtstart' => '2027-03-30T07:00:00.000Z', 'cal:dtend' => '2027-03-30T08:00:00.000Z' }), 200, 'a change');
    @rows = $alice->search($cal, qq{$cols, "urn:schemas:calendar:recurrenceid" FROM "" WHERE NOT "urn:schemas:calendar:instancetype" = 1 AND $march ORDER BY $S});
    is_deeply([ map { "$_->{ok}{'cal:dtstart'} $_->{ok}{'cal:instancetype'}" } @rows ], [ '2027-03-30T07:00:00.000Z 3', '2027-04-05T07:00:00.000Z 2' ], 'makes an exception in its place');
    is($rows[0]{ok}{'cal:recurrenceid'}, '2027-03-29T07:00:00.000Z', '... that knows which it was');
};

subtest 'ten thousand rows' => sub {
    $alice->reset;
    $sim->control(POST => '/_sim/items?mailbox=alice&count=10000&start=2027-05-01T00:00:00Z&step=30');
    is(scalar(() = do { $alice->search($cal, qq{SELECT "DAV:href" FROM "" WHERE $N = 'x'}); $alice->do(SEARCH => $cal, { 'Content-Type' => 'text/xml' },
        qq{<a:searchrequest xmlns:a="DAV:"><a:sql>SELECT "DAV:href", $N, $S, $E FROM "" ORDER BY $S</a:sql></a:searchrequest>})->{body} } =~ /<\w:response>/g), 10000, 'all there');
};

done_testing;
