#!/usr/bin/perl
# Twenty people want one room at one time: exactly one gets it, nineteen are refused clearly, and
# nothing stands in the losers' calendars - with free/busy that lags by a quarter of an hour, rooms
# that never answer, nobody allowed to read the room's calendar, and four children.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my @users = map { sprintf 'user%02d', $_ } 1 .. 20;
my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
open my $out, '>', "$dir/users" or die;
print $out "$_:pw-$_:$_\@example.test:person:en\n" for @users;
print $out "silent$_:pw:silent$_\@example.test:room:silent:en\n" for 1, 2;
print $out "eager:pw:eager\@example.test:room:accept:en\n";
close $out or die;

# All users at once: name => reply.
sub at_once {
    my ($make) = @_;
    my @got = Httpd::side_by_side(scalar @users, sub { return Httpd::plain($make->($users[$_[0] - 1])) });
    return { map { $users[$_] => $got[$_] // { status => 0 } } 0 .. $#users };
}

sub calendar { my ($sim, $name) = @_; return [$sim->items($name, qr/^Calendar$/)] }
sub outbox { my ($sim, $name) = @_; return [$sim->items($name, qr/sent|drafts/i)] }

sub race {
    my ($name, $sim, $web, $data) = @_;
    my $got = at_once(sub {
        my ($user) = @_;
        return $web->json($user, POST => '/booking/bookings', { %$data, subject => "Meeting of $user" });
    });
    my @won = grep { $got->{$_}{status} == 201 } @users;
    my @lost = grep { $got->{$_}{status} != 201 } @users;
    is(scalar(@won), 1, "$name: exactly one booking") or diag explain $got;
    is(scalar(grep { $got->{$_}{status} == 409 && ($got->{$_}{json}{reason} // '') eq 'room-taken' } @lost), 19, "$name: nineteen clear refusals")
        or diag explain { map { $_ => $got->{$_} } @lost };
    is(scalar(grep { @{ calendar($sim, $_) } } @lost), 0, "$name: nothing in the losers' calendars");
    is(scalar(grep { @{ outbox($sim, $_) } } @lost), 0, "$name: the losers sent nothing");
    is(scalar(@{ calendar($sim, $won[0]) }), 1, "$name: one item in the winner's") if @won;
    return $won[0] ? $got->{ $won[0] } : undef;
}

for my $mpm (qw(event prefork)) {
    my $sim = SimRun->start('--auth', 'basic', '--users', "$dir/users", '--lag', 900);
    my $web = Httpd->start(backend => $sim->{url}, mpm => $mpm, children => $mpm eq 'event' ? 4 : 24, threads => 8,
        passwords => { map { $_ => "pw-$_" } @users }, loglevel => 'owacal:info',
        server => "OwaCalTimeout operation=30s answer=300ms\nOwaCalBackend other owa2003 $sim->{url}exchange/\n"
            . "<Location /other>\n  \@LOGIN\@\n  SetHandler owacal\n  OwaCalUse other\n  OwaCalIdentity basic upstream=basic\n</Location>",
        rooms => join '', map { "OwaCalRoom $_ $_\@example.test\n" } qw(silent1 silent2 eager));
    my $won = race("$mpm, a silent room", $sim, $web,
        { room => 'silent1', start => '2099-03-05T10:00', end => '2099-03-05T11:00' });
    is($won->{json}{state}, 'pending', "$mpm: a room that never answers leaves the booking pending");

    $sim->control(POST => '/_sim/reset');
    $won = race("$mpm, a room that answers", $sim, $web, { room => 'eager', start => '2099-03-06T10:00', end => '2099-03-06T11:00' });
    is($won->{json}{state}, 'confirmed', "$mpm: its answer confirms");

    $sim->control(POST => '/_sim/reset');
    race("$mpm, two rooms at once", $sim, $web,
        { room => ['silent2', 'silent1'], start => '2099-03-07T10:00', end => '2099-03-07T11:00' });

    # Overlapping times, not equal ones: every later one touches the middle.
    $sim->control(POST => '/_sim/reset');
    my $n = 0;
    my %start = map { $_ => sprintf('2099-03-08T10:%02d', $n++) } @users;
    my $got = at_once(sub {
        my ($user) = @_;
        return $web->json($user, POST => '/booking/bookings', { subject => 'x', room => 'silent1', start => $start{$user}, duration => 60 });
    });
    is(scalar(grep { $got->{$_}{status} == 201 } @users), 1, "$mpm: of overlapping times one is booked") or diag explain $got;

    # Touching times do not clash.
    for my $at ('2099-03-09T10:00', '2099-03-09T11:00') {
        is($web->json($users[0], POST => '/booking/bookings', { subject => 'x', room => 'silent1', start => $at, duration => 60 })->{status},
            201, "$mpm: $at, touching the other, is booked");
    }

    # Some may come by another login and another name of the server.
    is($web->json($users[1], POST => '/other/bookings', { subject => 'x', room => 'silent1', start => '2099-03-09T10:30', duration => 60 })->{json}{reason},
        'room-taken', "$mpm: what was booked counts also where the server has another name");
    unlike($web->log, qr/exit signal|segfault/i, "$mpm: no child crashed");
    ok($web->stop, "$mpm: stops by itself");
}
done_testing();
