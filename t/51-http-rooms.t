#!/usr/bin/perl
# Rooms and free/busy: which rooms fit and why the others do not, the merged grid, and that what is not
# known is never shown as free.
use strict;
use warnings;
use FindBin qw($Bin);
use POSIX qw(strftime);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

# Free/busy is published for two months: a day within, and one beyond.
my $day = strftime('%Y-%m-%d', localtime(time + 9 * 86400));
my $beyond = strftime('%Y-%m-%d', localtime(time + 200 * 86400));
my $sim = SimRun->start('--auth', 'basic');
my $web = Httpd->start(backend => $sim->{url}, rooms => join "\n",
    'OwaCalRoom boardroom boardroom@example.test name="Board room" capacity=12 features=projector,phone',
    'OwaCalRoom room1 room1@example.test capacity=4 features=phone',
    'OwaCalRoom gone gone@example.test name="Not there" capacity=20 features=projector');

sub fits { my ($path) = @_; my $r = $web->json('alice', GET => $path); return join ' ', map { "$_->{id}:" . ($_->{fit} // '-') } @{ $r->{json}{rooms} } }
sub asked { return scalar grep { $_->{target} =~ /freebusy/i } @{ $sim->control(GET => '/_sim/log') } }

is(fits('/booking/rooms'), 'boardroom:- room1:- gone:-', 'all rooms, as configured');
is(asked(), 0, 'without asking the server');
is(fits('/booking/rooms?capacity=5'), 'boardroom:fits gone:fits room1:too-small', 'by capacity, the smallest sufficient first');
is(fits('/booking/rooms?feature=projector&feature=phone'), 'boardroom:fits room1:feature-missing gone:feature-missing', 'by features');
is(asked(), 0, 'still without asking');
my $when = "start=${day}T10:00&end=${day}T11:00";
is(fits("/booking/rooms?$when"), 'boardroom:fits room1:fits gone:unknown', 'by time: an unknown room is unknown');
is(asked(), 1, 'one question for all rooms');
$web->json('alice', POST => '/booking/bookings', { subject => 'x', room => 'boardroom', start => "${day}T10:30", duration => 60 });
is(fits("/booking/rooms?$when&capacity=1"), 'room1:fits gone:unknown boardroom:taken', 'the taken one comes after');
like($web->request(GET => "/booking/rooms?$when", user => 'alice', headers => { Accept => 'text/html' })->{content},
    qr{Board room, Seats: 12, projector, phone – taken}, 'the page says why');
is($web->json('alice', GET => '/booking/rooms?capacity=many')->{json}{field}, 'capacity', 'a wrong capacity is an error');
is($web->json('alice', GET => "/booking/rooms?start=${day}T10:00")->{json}{field}, 'end', 'a start needs an end');

my $r = $web->json('alice', GET => "/booking/freebusy?who=boardroom&who=bob\@example.test&who=nobody\@elsewhere.example&start=${day}T10:00&end=${day}T12:00&slot=30");
is($r->{status}, 200, 'free/busy of a room, a person and a stranger') or diag $r->{content};
is(join(' | ', map { join ' ', @{ $_->{slots} } } @{ $r->{json}{rows} }), 'free busy busy free | free free free free | unknown unknown unknown unknown',
    'each in his row, in the order asked; the stranger unknown');
$r = $web->json('alice', GET => "/booking/freebusy?who=boardroom&start=${beyond}T10:00&end=${beyond}T11:00");
is(join(' ', @{ $r->{json}{rows}[0]{slots} }), 'unknown unknown', 'beyond what is published: unknown, not free');

# A virtual host's own server and rooms go before those of the main server that have the same name.
my $other = SimRun->start('--auth', 'basic');
$web = Httpd->start(backend => $sim->{url}, rooms => "OwaCalRoom boardroom boardroom\@example.test name=\"Board room\"\nOwaCalRoom room1 room1\@example.test\n", server => <<"E");
<VirtualHost *:\@PORT\@>
  ServerName http://127.0.0.1:\@PORT\@
  OwaCalBackend corp owa2003 $other->{url}exchange/
  OwaCalRoom boardroom room1\@example.test name="Another"
</VirtualHost>
E
is(join(' ', map { "$_->{id}=$_->{name}" } @{ $web->json('alice', GET => '/booking/rooms')->{json}{rooms} }), 'room1=room1 boardroom=Another',
    'a virtual host\'s room of one id takes the place of the main server\'s');
my $before = $sim->requests;
$r = $web->json('alice', GET => "/booking/freebusy?who=boardroom&start=${day}T10:00&end=${day}T12:00");
is($r->{status}, 200, 'its server is asked') or diag $r->{content}, $web->log;
is(scalar($sim->requests), $before, 'not the main server\'s of the same name');
done_testing();
