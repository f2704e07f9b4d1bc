#!/usr/bin/perl
# A room whose mailbox has another name than what stands before the @ of its address: mailbox= names it,
# and with it the room's own calendar decides and confirms.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
open my $users, '>', "$dir/users" or die;
print $users "alice:pw-alice:alice\@example.test:person:english\nbob:pw-bob:bob\@example.test:person:english\n",
    "hall:pw-hall:north.hall\@example.test:room:silent:english\n";
close $users;
my $sim = SimRun->start('--auth', 'basic', '--users', "$dir/users", '--lag', '900', '--set', 'room-calendar=everybody');

sub web {
    my ($rooms) = @_;
    return Httpd->start(backend => $sim->{url}, rooms => $rooms, server => 'OwaCalTimeout answer=300ms');
}

sub book {
    my ($web, $who, $hour) = @_;
    return $web->json($who, POST => '/booking/bookings', { subject => "At $hour", room => 'hall',
        start => "2027-04-05T$hour:00", end => "2027-04-05T$hour:30" });
}

subtest 'with mailbox=' => sub {
    my $web = web("OwaCalRoom hall north.hall\@example.test mailbox=hall\n");
    my $r = book($web, 'alice', '10');
    is("$r->{status} $r->{json}{state}", '201 confirmed', "the room's calendar confirms what the room never answers");
    my $where = $r->{headers}{location};

    # Written by somebody else's program: in no ledger, and in no published free/busy yet.
    my $name = '/exchange/hall/Calendar/foreign.EML';
    my $body = '<D:propertyupdate xmlns:D="DAV:" xmlns:c="urn:schemas:calendar:" xmlns:m="urn:schemas:httpmail:" '
        . 'xmlns:b="urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/"><D:set><D:prop>'
        . '<D:contentclass>urn:content-classes:appointment</D:contentclass><m:subject>Foreign</m:subject>'
        . '<c:busystatus>BUSY</c:busystatus><c:dtstart b:dt="dateTime.tz">2027-04-05T10:00:00.000Z</c:dtstart>'
        . '<c:dtend b:dt="dateTime.tz">2027-04-05T12:00:00.000Z</c:dtend></D:prop></D:set></D:propertyupdate>';
    my $put = $sim->connect->request(PROPPATCH => $name, { Authorization => 'Basic ' . Httpd::encode_base64('hall:pw-hall', ''),
        'Content-Type' => 'text/xml' }, $body);
    is($put->{status}, 207, 'somebody else takes the room later that day');
    $r = book($web, 'bob', '13');
    is("$r->{status} $r->{json}{reason}", '409 room-taken', 'which its calendar says before anything else does');

    $r = $web->json('alice', PATCH => $where, { start => '2027-04-05T16:00', end => '2027-04-05T16:30' });
    is("$r->{status} $r->{json}{state}", '200 confirmed', 'a room read back from the server is known by its mailbox, too')
        or diag $r->{content};
    $web->stop;
};

subtest 'without' => sub {
    my $web = web("OwaCalRoom hall north.hall\@example.test\n");
    my $r = book($web, 'alice', '08');
    is("$r->{status} $r->{json}{state}", '201 pending', 'its calendar is not found, and nothing is claimed');
    $web->stop;
};
done_testing();
