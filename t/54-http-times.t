#!/usr/bin/perl
# Times: zones by every kind of name, clocks put forward and back, whole days; a meeting booked in one
# zone reads right in another; lists by range with series; private meetings; the trace and its redaction.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $sim = SimRun->start('--auth', 'basic');
my $web = Httpd->start(backend => $sim->{url});
my $york = Httpd->start(backend => $sim->{url},
    server => "OwaCalTrace all\n<Location /york>\nAuthType Basic\nAuthName x\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\n"
        . "Require valid-user\nSetHandler owacal\nOwaCalUse corp\nOwaCalIdentity basic\nOwaCalTimezone America/New_York\n</Location>\n");
my $url = '/booking/bookings';

# The properties of alice's item of that subject.
sub stored {
    my ($subject) = @_;
    my ($item) = grep { SimRun::subject($_) eq $subject } $sim->items('alice', qr/^Calendar$/);
    return $item ? $item->{properties} : {};
}

sub booked {
    my ($name, $data, $start, $end, $like) = @_;
    my $r = $web->json('alice', POST => $url, { subject => $name, %$data });
    is($r->{status}, 201, $name) or diag $r->{content};
    my $s = stored($name);
    is($s->{'urn:schemas:calendar:dtstart'}, $start, "  starts");
    is($s->{'urn:schemas:calendar:dtend'}, $end, "  ends");
    like(join(' ', @{ $r->{json}{remarks} // [] }), $like, '  and it says so') if $like;
    return $r;
}

my ($s, $e) = ('2099-03-05T09:00:00.000Z', '2099-03-05T10:00:00.000Z');
booked('the default zone', { start => '2099-03-05T10:00', end => '2099-03-05T11:00' }, $s, $e);
booked('an IANA name', { start => '2099-03-05T04:00', end => '2099-03-05T05:00', tz => 'America/New_York' }, $s, $e);
booked('a Windows name', { start => '2099-03-05T04:00', end => '2099-03-05T05:00', tz => 'Eastern Standard Time' }, $s, $e);
booked('a CDO number', { start => '2099-03-05T04:00', end => '2099-03-05T05:00', tz => '10' }, $s, $e);
booked('an offset', { start => '2099-03-05T14:30:00+05:30', duration => 60 }, $s, $e);
booked('summer time', { start => '2099-07-05T10:00', duration => 60 }, '2099-07-05T08:00:00.000Z', '2099-07-05T09:00:00.000Z');
booked('across the change', { start => '2099-03-29T01:30', end => '2099-03-29T03:30' }, '2099-03-29T00:30:00.000Z', '2099-03-29T01:30:00.000Z');
booked('a time that occurs twice', { start => '2099-10-25T02:30', duration => 60 }, '2099-10-25T00:30:00.000Z', '2099-10-25T01:30:00.000Z', qr/twice/);
booked('a whole day', { start => '2099-07-05', all_day => JSON::PP::true() }, '2099-07-04T22:00:00.000Z', '2099-07-05T22:00:00.000Z');
is(stored('a whole day')->{'urn:schemas:calendar:alldayevent'}, 1, '  as an all-day event');
booked('two whole days', { start => '2099-07-06', end => '2099-07-07', all_day => JSON::PP::true() }, '2099-07-05T22:00:00.000Z', '2099-07-07T22:00:00.000Z');
booked('the day the clocks change', { start => '2099-03-29', all_day => JSON::PP::true() }, '2099-03-28T23:00:00.000Z', '2099-03-29T22:00:00.000Z');
booked("that day by its $_ minutes", { start => '2099-03-29', duration => $_, all_day => JSON::PP::true() }, '2099-03-28T23:00:00.000Z', '2099-03-29T22:00:00.000Z') for 60, 1440;
booked('two days with it', { start => '2099-03-28', duration => 2880, all_day => JSON::PP::true() }, '2099-03-27T23:00:00.000Z', '2099-03-29T22:00:00.000Z');
booked('the day they are put back, by its minutes', { start => '2099-10-25', duration => 1440, all_day => JSON::PP::true() }, '2099-10-24T22:00:00.000Z', '2099-10-25T23:00:00.000Z');
booked('a duration past midnight', { start => '2099-07-08T23:30', duration => 60, all_day => JSON::PP::true() }, '2099-07-07T22:00:00.000Z', '2099-07-09T22:00:00.000Z');

subtest 'booked in one zone, read in another' => sub {
    my $r = $york->json('alice', GET => '/york/bookings?start=2099-03-05&end=2099-03-06');
    my ($b) = grep { $_->{subject} eq 'the default zone' } @{ $r->{json}{bookings} };
    is($b->{start}, '2099-03-05T04:00:00-05:00', 'the list says it in New York time');
    is($york->json('alice', GET => $b->{href})->{json}{start}, '2099-03-05T04:00:00-05:00', 'so does the booking');
    $r = $york->json('alice', PATCH => $b->{href}, { start => '2099-03-05T06:00', end => '2099-03-05T07:00' });
    is($r->{status}, 200, 'changed from there') or diag $r->{content};
    is(stored('the default zone')->{'urn:schemas:calendar:dtstart'}, '2099-03-05T11:00:00.000Z', 'to the right instant');
};

subtest 'lists by range' => sub {
    $sim->control(POST => '/_sim/items?mailbox=alice&urn%3Aschemas%3Ahttpmail%3Asubject=weekly&urn%3Aschemas%3Acalendar%3Atimezoneid=6&start=2099-09-06T08:00:00Z&minutes=60&urn%3Aschemas%3Acalendar%3Arrule=FREQ%3DWEEKLY%3BCOUNT%3D4');
    my $r = $web->json('alice', GET => "$url?start=2099-09-01&end=2099-10-15");
    my @weekly = grep { ($_->{subject} // '') eq 'weekly' } @{ $r->{json}{bookings} };
    is(scalar(@weekly), 4, 'a series as its occurrences') or diag $r->{content};
    my $one = $weekly[0] // {};
    isnt($one->{instance}, 'single', '  which say what they are');
    my $del = $web->json('alice', DELETE => $one->{href} // "$url/x");
    is($del->{status} . ' ' . ($del->{json}{reason} // ''), '422 recurring-not-supported', '  and cannot be cancelled one by one');
    $r = $web->json('alice', GET => "$url?start=2099-09-06T08:30:00Z&end=2099-09-06T08:45:00Z");
    is(scalar(@{ $r->{json}{bookings} }), 1, 'what only overlaps is listed, too');
    $r = $web->json('alice', GET => "$url?start=2099-09-06T09:00:00Z&end=2099-09-06T10:00:00Z");
    is(scalar(@{ $r->{json}{bookings} }), 0, 'what only touches is not');
    $sim->control(POST => '/_sim/items?mailbox=alice&urn%3Aschemas%3Ahttpmail%3Asubject=many&count=250&start=2100-01-10T08:00:00Z&minutes=5&step=5');
    $r = $web->json('alice', GET => "$url?start=2100-01-10&end=2100-01-12");
    is(scalar(@{ $r->{json}{bookings} }), 250, 'more than a page of rows');
    my %seen;
    is(scalar(grep { $seen{ $_->{uid} }++ } @{ $r->{json}{bookings} }), 0, '  each once');
};

subtest 'the trace' => sub {
    my $r = $york->json('alice', POST => $url, { subject => 'traced', start => '2099-03-10T10:00', duration => 30 });
    is($r->{status}, 201, 'an operation');
    my $log = $york->log;
    like($log, qr/OWACAL0530: \[op $r->{json}{op}\] trace: .*PROPPATCH/, 'its exchanges are in the log');
    like($log, qr/OWACAL0530: \[op $r->{json}{op}\] trace: .*Authorization: Basic \(removed\)/, 'with the login left out');
    unlike($log, qr/YWxpY2U6cHctYWxpY2U|pw-alice/, 'no password in any form');
};
done_testing();
