#!/usr/bin/perl
# An account with rights on rooms' mailboxes: it acts in those that are listed and in no other, whoever
# is signed in, and nothing leaves for anything else.
use strict;
use warnings;
use FindBin qw($Bin);
use File::Temp qw(tempdir);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $dir = tempdir(CLEANUP => 1);
my $no = 0;

sub put { my ($name, $mode, $text) = @_; open my $f, '>', "$dir/$name" or die; print $f $text; close $f; chmod $mode, "$dir/$name"; return "$dir/$name" }
sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }
sub calendar { my ($sim, $name) = @_; return join ' ', map { SimRun::subject($_) } $sim->items($name, qr/^Calendar/) }
sub answer { my ($r) = @_; return "$r->{status} " . ($r->{json}{reason} // '') }
sub last_of { my ($sim) = @_; my $log = $sim->control(GET => '/_sim/log'); return @$log ? $log->[-1]{id} : 0 }
sub location {
    my ($path, $lines) = @_;
    return qq{<Location "$path">\nAuthType Basic\nAuthName intranet\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\n}
        . "Require valid-user\nSetHandler owacal\nOwaCalUse corp\nOwaCalTimezone Europe/Budapest\n$lines\n</Location>\n";
}

chmod 0755, $dir;
my $users = put('users', 0644, join "\n", (map { "$_:pw-$_:$_\@example.test:person:en" } qw(alice bob panel)),
    (map { "$_:pw-$_:$_\@example.test:room:accept:en" } qw(boardroom room1 hall)), '');
put('pw', 0600, "pw-panel\n");
my $sim = SimRun->start('--users', $users, '--auth', 'basic');
# The account could do more than it is to do: what holds it back is ours.
$sim->control(POST => "/_sim/grant?mailbox=$_&user=panel&level=owner") for qw(alice bob boardroom room1 hall);
my $rooms = join '', map { "OwaCalRoom $_ $_\@example.test\n" } qw(boardroom room1 hall);
# One child, so that what it remembers of a room it looked into meets the room acting for itself.
my $web = Httpd->start(backend => $sim->{url}, children => 1, rooms => $rooms, location => "OwaCalIdentity device credential=panels rooms=boardroom,room1\nOwaCalMailbox boardroom",
    server => "OwaCalCredential panels user=EXAMPLE\\panel password=$dir/pw\n"
        . location('/room1', "OwaCalIdentity device credential=panels rooms=boardroom,room1\nOwaCalMailbox room1")
        . location('/hall', "OwaCalIdentity device credential=panels rooms=boardroom,room1\nOwaCalMailbox hall")
        . location('/any', "OwaCalIdentity device credential=panels\nOwaCalMailbox hall")
        . location('/me', 'OwaCalIdentity device credential=panels')
        . location('/bob', "OwaCalIdentity device credential=panels\nOwaCalMailbox bob")
        . location('/service', "OwaCalIdentity service credential=panels"));

my $before = last_of($sim);
for my $path (qw(/me /bob)) {
    is(answer($web->json('alice', GET => "$path/bookings")), '403 mailbox-refused', "$path: a person's mailbox is refused");
    is(answer($web->json('alice', POST => "$path/bookings", booking())), '403 mailbox-refused', 'for writing, too');
    is(answer($web->json('alice', GET => "$path/freebusy?start=2099-04-01T00:00&end=2099-04-02T00:00")), '403 mailbox-refused', 'and for a look at free/busy');
}
is(answer($web->json('alice', GET => '/hall/bookings')), '403 mailbox-refused', 'a room that is not listed');
my $page = $web->request(GET => '/me/bookings', user => 'alice', headers => { Accept => 'text/html' });
is($page->{status}, 403, 'a person gets a page');
like($page->{content}, qr/You may not act in that mailbox here/, 'that says so');
is(last_of($sim), $before, 'nothing left for any of it');

my $r = $web->json('alice', POST => '/booking/bookings', booking());
is(answer($r), '201 ', 'a booking in the room\'s own calendar') or diag $r->{content}, $web->log;
is("$r->{json}{acting_as} $r->{json}{credential}", 'boardroom panels', 'in whose name is said');
is(calendar($sim, 'boardroom'), "Meeting $no", 'it stands there');
my $ref = $r->{json}{booking}{ref};
$r = $web->json('bob', GET => '/booking/bookings?start=2099-04-01T00:00&end=2099-04-08T00:00');
is(join(' ', map { $_->{subject} } @{ $r->{json}{bookings} }), "Meeting $no", 'the agenda shows it') or diag $r->{content};
is(answer($web->json('alice', PATCH => "/booking/bookings/$ref", { subject => 'Renamed' })), '200 ', 'it can be changed') or diag $web->log;
$r = $web->json('alice', GET => '/booking/freebusy?who=room1&who=alice@example.test&start=2099-04-01T00:00&end=2099-04-02T00:00');
is(answer($r), '200 ', 'free/busy is read');

# Of another room that is listed the calendar is looked into; of one that is not it is not.
$r = $web->json('alice', POST => '/booking/bookings', booking(room => 'room1'));
is(answer($r), '201 ', 'a second room is invited') or diag $r->{content}, $web->log;
is(answer($web->json('alice', POST => '/room1/bookings', booking(required => ['bob@example.test']))), '201 ', 'then something of its own is booked there, with an invitation') or diag $web->log;
$r = $web->json('alice', POST => '/booking/bookings', booking(room => 'hall'));
is(answer($r), '201 ', 'a third, not listed, is invited') or diag $r->{content}, $web->log;
is(answer($web->json('alice', GET => '/any/bookings')), '200 ', 'without rooms= any room is a device\'s');
is(answer($web->json('alice', DELETE => "/booking/bookings/$ref", {})), '200 ', 'the first one is cancelled');

my @log = grep { $_->{id} > $before } @{ $sim->control(GET => '/_sim/log') };
my %boxes;
for (@log) { $boxes{ lc $1 }++ if $_->{target} =~ m{^/exchange/([^/]+)} }
delete $boxes{panel};    # its own, where the login is proved
my $hall = 0;
for (@log) { last if $_->{target} =~ m{^/exchange/hall/Calendar} ; $hall++ if $_->{target} =~ m{^/exchange/hall}i }
is(join(' ', sort keys %boxes), 'boardroom hall room1', 'it was in rooms only') or diag explain \%boxes;
is($hall, 1, 'in the hall not before that was its own: the folders were found there once');
is(scalar(grep { $_->{user} && lc $_->{user} ne 'panel' } @log), 0, 'and signed in as nobody else');
unlike($web->log, qr/pw-panel|owner check|exit signal/i, 'no password in the log, no crash');
ok($web->stop, 'stops');
done_testing();
