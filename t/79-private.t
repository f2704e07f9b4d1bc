#!/usr/bin/perl
# Whether a booking is private can be changed: the form shows it and takes it, JSON names it, and the room's
# calendar, which many may read, follows. What does not speak of it leaves it as it is.
use strict;
use warnings;
use FindBin qw($Bin);
use JSON::PP ();
use POSIX ();
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $sim = SimRun->start('--auth', 'basic', '--lag', '0', '--set', 'room-calendar=everybody');
my $web = Httpd->start(backend => $sim->{url}, children => 1,
    location => "OwaCalIdentity basic upstream=basic\n  OwaCalPrivacy subject\n  OwaCalTimezone Europe/Budapest");
my $day = POSIX::strftime('%Y-%m-%d', gmtime(time + 9 * 86400));
my ($yes, $no) = (JSON::PP::true(), JSON::PP::false());
my $hour = 8;
my $sensitivity = 'http://schemas.microsoft.com/exchange/sensitivity';

sub book { return $web->json('alice', POST => '/booking/bookings', { subject => 'Salary', room => 'boardroom', start => sprintf("${day}T%02d:00", $hour++), duration => 30, required => 'bob@example.test', @_ })->{json}{booking} }
sub page { my ($href) = @_; return $web->request(GET => $href, user => 'alice', headers => { Accept => 'text/html' })->{content} }
sub ticked { my ($html) = @_; my ($box) = $html =~ /(<input type="checkbox" [^>]*name="private"[^>]*>)/ or return 'no box'; return $box =~ /checked/ ? 1 : 0 }
sub now { my ($b) = @_; return $web->json('alice', GET => $b->{href})->{json}{sensitivity} }

# How it stands in a mailbox: the sensitivity of the entry with that uid.
sub in_calendar {
    my ($who, $b) = @_;
    my ($item) = grep { SimRun::property($_, 'urn:schemas:calendar:uid') eq $b->{uid} } $sim->items($who, qr/^Calendar$/);
    return $item ? SimRun::property($item, $sensitivity) : 'none';
}
sub seen_by_carol { return $web->json('carol', GET => "/booking/rooms/boardroom?day=$day")->{content} =~ /Salary/ ? 1 : 0 }

# The fields of the change form, as a browser sends them.
sub fields {
    my ($html) = @_;
    my ($form) = $html =~ m{(<form [^>]*class="owacal-form".*?</form>)}s or die $html;
    my %v;
    while ($form =~ /<input ([^>]*)>/g) {
        my %a = $1 =~ /([a-z-]+)="([^"]*)"/g;
        $v{ $a{name} } = ($a{value} // '') =~ s/&#(\d+);/chr $1/ger if $a{type} ne 'checkbox' || exists $a{checked};
    }
    ($v{room}) = $form =~ /<option value="([^"]*)" selected/;
    return %v;
}
sub send_form { my ($b, %f) = @_; return $web->request(POST => $b->{href}, user => 'alice', form => \%f) }

for my $mode (qw(send silent)) {
    subtest "an update that the server has to $mode" => sub {
        $sim->control(POST => "/_sim/settings?update-mode=$mode");
        my $b = book();
        is(now($b), 'normal', 'an open booking');
        is(ticked(page($b->{href})), 0, 'its form has the box, not ticked');
        ok(seen_by_carol(), "who reads the room's calendar sees what it is");

        my $r = send_form($b, fields(page($b->{href})), private => 1);
        is($r->{status}, 303, 'ticked') or diag $r->{content};
        is(now($b), 'private', 'it is private');
        is(ticked(page($b->{href})), 1, 'and the form shows it');
        is(in_calendar($_, $b), 2, "  so it stands with $_") for qw(alice boardroom bob);
        ok(!seen_by_carol(), '  and is not seen');

        my %f = fields(page($b->{href}));
        is($f{private}, 1, 'a browser sends the box back');
        is(send_form($b, %f, text => 'a note')->{status}, 303, 'another field changed');
        is(now($b), 'private', '  it stays private');

        %f = fields(page($b->{href}));
        delete @f{qw(private boxes)};
        is(send_form($b, %f, text => 'more')->{status}, 303, 'a form without such a box');
        is(now($b), 'private', '  does not open it');

        %f = fields(page($b->{href}));
        delete $f{private};
        is(send_form($b, %f)->{status}, 303, 'the box not ticked');
        is(now($b), 'normal', '  opens it');
        is(in_calendar($_, $b), 0, "  so it stands with $_") for qw(alice boardroom);
        ok(seen_by_carol(), '  and is seen');
        $web->json('alice', DELETE => $b->{href});
    };
}

subtest 'JSON' => sub {
    my $b = book(private => $yes);
    is(now($b), 'private', 'booked as private');
    for my $case ([{ text => 'x' }, 'private', 'what is not named stays'], [{ private => $no }, 'normal', 'false'], [{ private => undef }, 'normal', 'null changes nothing'],
        [{ private => $yes, subject => 'Salary 2' }, 'private', 'true, and a subject'], [{ private => undef }, 'private', 'nor does it here'])
    {
        my ($patch, $want, $what) = @$case;
        my $r = $web->json('alice', PATCH => $b->{href}, $patch);
        is($r->{status}, 200, $what) or diag $r->{content};
        is($r->{json}{booking}{sensitivity}, $want, '  the answer says so');
        is(now($b), $want, '  so it is');
    }
    is($web->json('alice', PATCH => $b->{href}, { private => 'yes' })->{status}, 422, 'a text is wrong');
};

subtest 'a form that fails' => sub {
    my $b = book();
    my %f = fields(page($b->{href}));
    my $r = send_form($b, %f, private => 1, start => '99:99');
    is($r->{status}, 422, 'with the box ticked');
    is(ticked($r->{content}), 1, '  comes back so');
    my %again = fields($r->{content});
    is(send_form($b, %again, start => $f{start})->{status}, 303, '  and mended');
    is(now($b), 'private', '  it is private');
    delete $f{private};
    $r = send_form($b, fields(page($b->{href})), start => '99:99', private => 0);
    is(ticked($r->{content}), 0, 'taken off, it comes back without');
};
unlike($web->log, qr/child pid \d+ exit signal|AddressSanitizer|Salary/, 'no child died, and no subject is in the log');
$web->stop;
done_testing();
