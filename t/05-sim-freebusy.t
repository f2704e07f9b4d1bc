#!/usr/bin/perl
# The simulator's free/busy: rows, digits, lag, range, and what it refuses.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SimClient;
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic');
my $alice = SimClient->new($sim, 'alice');
my %ie = ('User-Agent' => $SimClient::IE);
my $r;

sub clock { $sim->control(POST => '/_sim/clock?set=2027-03-01T12:00:00Z') }
clock();

sub query { my ($query, %h) = @_; $r = $alice->do(GET => "/public/?Cmd=freebusy&$query", { %ie, %h }); return $r->{body} }
sub rows { return map { my ($email) = /email type="SMTP">([^<]*)</; my ($fb) = /fbdata>([^<]*)</; my ($name) = /displayname>([^<]*)</; [ $name, $email, $fb ] } $_[0] =~ m{<\w:item>(.*?)</\w:item>}g }
sub digits { my ($who, $range) = @_; my %d = map { lc($_->[1] // '') => $_->[2] } rows(query(($range // 'start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z') . '&interval=30&u=SMTP:' . $who)); return $d{$who} }
sub add { my ($mailbox, $from, $to, %p) = @_; $sim->control(POST => "/_sim/items?mailbox=$mailbox&" . join '&', map { SimRun::escape($_->[0]) . '=' . SimRun::escape($_->[1]) } [ 'urn:schemas:calendar:dtstart', "2027-03-05T$from:00Z" ], [ 'urn:schemas:calendar:dtend', "2027-03-05T$to:00Z" ], map { [ $_, $p{$_} ] } keys %p) }
my $busy = 'urn:schemas:calendar:busystatus';

subtest 'rule 35: digits' => sub {
    add('bob', '09:00', '10:00');
    is(digits('bob@example.test'), '00220000', 'busy');
    add('bob', '09:30', '10:40', $busy => 'TENTATIVE');
    is(digits('bob@example.test'), '00221100', 'the highest wins, a touched slot counts');
    add('bob', '09:45', '10:00', $busy => 'OUTOFOFFICE');
    add('bob', '11:00', '12:00', $busy => 'FREE');
    is(digits('bob@example.test'), '00231100', 'out of office; free is free');
    is(digits('bob@example.test', 'start=2027-03-05T08:10:00Z&end=2027-03-05T10:00:00Z'), '022', 'only whole intervals, counted from start');
    is(digits('bob@example.test', 'start=2027-02-28T23:00:00Z&end=2027-03-01T01:00:00Z'), '4400', 'before the published range: 4');
    is(digits('bob@example.test', 'start=2027-04-30T23:00:00Z&end=2027-05-01T01:00:00Z'), '0044', 'two months from the start of this one');
    is(digits('bob@example.test', 'start=2027-03-05T09:00:00%2B01:00&end=2027-03-05T10:00:00%2B01:00'), '00', 'an offset');
};

subtest 'rule 33: rows' => sub {
    my @rows = rows(query('start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&interval=30&u=SMTP:bob@example.test&u=carol@example.test', 'Accept-Language' => 'de'));
    is($rows[0][0], 'Alle Teilnehmer', 'the first row has a localized name');
    is($rows[0][1], undef, '... and no email');
    is($rows[0][2], '00231100', '... all merged');
    is($rows[1][0], 'Carol', 'another order than asked: who goes by position is wrong');
    is($rows[2][1], 'Bob@Example.Test', 'mixed case: who compares exactly finds nobody');
    query('start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&interval=30&u=bob@example.test', 'Accept-Language' => 'hu');
    like($r->{body}, qr/Minden r\xc3\xa9sztvev\xc5\x91/, 'UTF-8');
    is($r->{headers}{'content-type'}[0], 'text/xml', 'Content-Type');
};

subtest 'rule 34: unknown, bad, unpublished' => sub {
    is(digits('nobody@example.test'), '44444444', 'unknown: all 4');
    my $bad = 'start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&interval=30&u=bob';
    query($bad);
    is($r->{status}, 400, 'no address');
    $alice->set('freebusy-bad-address' => '500');
    query($bad);
    is($r->{status}, 500, '... or 500');
    $alice->set('freebusy-bad-address' => 'error');
    like(query($bad), qr/error/, '... or an error element');
    $alice->set('freebusy-published' => 'no');
    query('start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&interval=30&u=bob@example.test');
    is($r->{status}, 404, 'nobody ever published');
    $alice->set('freebusy-published' => 'yes');
};

subtest 'rule 36: lag' => sub {
    $alice->reset;
    clock();
    $alice->set(lag => 900);
    my $path = '/exchange/alice/Calendar/l.EML';
    $alice->put_props($path, SimClient::appointment());
    is(digits('alice@example.test'), '00000000', 'a new booking does not show');
    $sim->control(POST => '/_sim/clock?advance=600');
    $alice->put_props('/exchange/alice/Calendar/l2.EML', SimClient::appointment('cal:dtstart' => '2027-03-05T11:00:00.000Z', 'cal:dtend' => '2027-03-05T12:00:00.000Z'));
    is(digits('alice@example.test'), '00000000', 'still not');
    $sim->control(POST => '/_sim/clock?advance=301');
    $alice->do(DELETE => $path);
    is(digits('alice@example.test'), '00220022', 'published when it was due, before the DELETE');
    is($alice->items('alice', 'calendar'), 1, '... which has happened');
    $sim->control(POST => '/_sim/clock?advance=901');
    is(digits('alice@example.test'), '00000022', '... and shows later');
    $alice->reset;
    clock();
};

subtest 'meetings' => sub {
    my ($path, $uid) = $alice->invite('header:bcc' => 'boardroom@example.test');
    is(digits('bob@example.test'), '00110000', 'an invitation: tentative');
    is(digits('boardroom@example.test'), '00220000', 'a room that accepted: busy');
    $sim->control(POST => '/_sim/items?mailbox=carol&start=2027-03-01T08:00:00Z&minutes=60&urn%3Aschemas%3Acalendar%3Arrule=FREQ%3DDAILY');
    is(digits('carol@example.test'), '22000000', 'an occurrence of a series');
};

subtest 'rules 1, 2, 4: interface' => sub {
    my $q = 'Cmd=freebusy&start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&interval=30&u=bob@example.test';
    for my $case ([ 'no MSIE', '/public/', { 'User-Agent' => 'curl' }, 1 ], [ 'Translate: f', '/public/', { %ie, Translate => 'f' }, 2 ],
        [ 'on a mailbox', '/exchange/alice/', \%ie, 4 ]) {
        my ($why, $path, $h, $rule) = @$case;
        $r = $alice->do(GET => "$path?$q", $h);
        is($r->{status}, 200, "$why: 200");
        unlike($r->{body}, qr/fbdata/, '... without data');
        like(SimClient::wrong($r), qr/rule $rule:/, "... and a remark of rule $rule");
    }
};

subtest 'rule 37: wrong questions' => sub {
    my %bad = (
        'no interval' => 'start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&u=bob@example.test',
        'no end' => 'start=2027-03-05T08:00:00Z&interval=30&u=bob@example.test',
        'end before start' => 'end=2027-03-05T08:00:00Z&start=2027-03-05T12:00:00Z&interval=30&u=bob@example.test',
        'interval 0' => 'start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&interval=0&u=bob@example.test',
        'no zone' => 'start=2027-03-05T08:00:00&end=2027-03-05T12:00:00&interval=30&u=bob@example.test',
        'a raw +' => 'start=2027-03-05T08:00:00+01:00&end=2027-03-05T12:00:00Z&interval=30&u=bob@example.test',
        'without dashes' => 'start=20270305T080000Z&end=20270305T120000Z&interval=30&u=bob@example.test',
        'nobody' => 'start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&interval=30',
        'ten years' => 'start=2027-03-05T08:00:00Z&end=2037-03-05T12:00:00Z&interval=30&u=bob@example.test',
    );
    for (sort keys %bad) {
        query($bad{$_});
        is($r->{status}, 400, $_);
    }
    $alice->set('freebusy-missing' => 'page');
    query($bad{'no interval'});
    is($r->{status}, 200, 'or a page');
    unlike($r->{body}, qr/fbdata/, '... without data');
    $alice->set('freebusy-url-max' => 200);
    query('start=2027-03-05T08:00:00Z&end=2027-03-05T12:00:00Z&interval=30&u=' . 'b' x 200 . '@example.test');
    is($r->{status}, 414, 'a query longer than the server takes');
};

done_testing;
