#!/usr/bin/perl
# The finder in a page: rooms that fit, best first, why the others do not, the next free time if none
# does; the list of rooms; both lead to the form.
use strict;
use warnings;
use File::Temp ();
use FindBin qw($Bin);
use POSIX ();
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $users = File::Temp->new;
print $users map { "$_\n" } 'alice:pw-alice:alice@example.test:person:en', 'bob:pw-bob:bob@example.test:person:en',
    map { "$_:pw-$_:$_\@example.test:room:accept:en" } qw(hall boardroom room1);
close $users;
chmod 0644, "$users";
my $sim = SimRun->start('--auth', 'basic', '--lag', '0', '--users', "$users");
my $web = Httpd->start(backend => $sim->{url}, children => 1,
    rooms => "OwaCalRoom hall hall\@example.test name=\"Hall <1>\" capacity=80 features=projector\n"
        . "OwaCalRoom boardroom boardroom\@example.test name=\"Board room\" capacity=12 features=projector,phone\n"
        . "OwaCalRoom room1 room1\@example.test name=\"Room 1\" capacity=4 features=phone\n",
    location => "OwaCalIdentity basic upstream=basic\n  OwaCalTimezone Europe/Budapest\n  OwaCalReturn /intranet",
    server => <<'E');
<Location "/intranet">
  @LOGIN@
  Options +Includes
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity basic upstream=basic
  OwaCalTimezone Europe/Budapest
  OwaCalReturn /intranet
  SetOutputFilter INCLUDES;OWACAL
</Location>
E
mkdir "$web->{dir}/htdocs/intranet";
sub page { my ($name, $text) = @_; $web->write_file("htdocs/intranet/$name", $text); return "/intranet/$name" }
sub get { my ($path) = @_; return $web->request(GET => $path, user => 'alice')->{content} }
sub newest { my ($max) = sort { $b <=> $a } map { $_->{id} } $sim->requests; return $max // 0 }
# A Wednesday some days ahead, so that neither today nor a weekend plays a part.
my $t = time + 3 * 86400;
$t += 86400 while (gmtime $t)[6] != 3;
my ($day, $next) = map { POSIX::strftime('%Y-%m-%d', gmtime($t + $_ * 86400)) } 0, 1;
sub book { my ($room, $start, $end) = @_;
    my $r = $web->form('bob', '/booking/bookings', { subject => 'x', room => $room, start => "${day}T$start", end => "${day}T$end" });
    is($r->{status}, 303, "$room is booked from $start to $end") or diag $r->{content} }

my $path = page('find.html', '<div data-owacal=finder data-form=here>none</div>');
my $last = newest();
my $c = get("$path?id=7&a=%22%3Cb%3E");
like($c, qr{<form method="get" role="search"}, 'a search');
like($c, qr{<input type="hidden" name="id" value="7"><input type="hidden" name="a" value="&#34;&lt;b&gt;">}, "the page's own query stays");
like($c, qr{<label for="owacal-find-$_">}, "a label for $_") for qw(date start duration capacity feature0 feature1);
unlike($c, qr/owacal-found/, 'nothing is found yet');
is(newest(), $last, 'and nothing was asked');

my $when = "owacal-date=$day&owacal-start=10:00&owacal-duration=60";
$c = get("$path?id=7&$when&owacal-capacity=5");
like($c, qr{Rooms that fit, the best first: 2\..*<li class="fits"><a href="\?id=7&amp;owacal-room=boardroom&amp;owacal-start=${day}T10:00&amp;owacal-end=${day}T11:00#owacal-form">Board room</a>.*<li class="fits"><a [^>]*>Hall &lt;1&gt;</a>.*<li class="too-small">Room 1, Seats: 4, phone &#8211; too small}s,
    'the smallest that is large enough first; why another is not') or diag $c;
like($c, qr{name="owacal-capacity" value="5"}, 'the search stays');
$c = get("$path?$when&owacal-feature=phone&owacal-feature=projector");
like($c, qr{first: 1\..*Board room.*Hall &lt;1&gt;[^&]*&#8211; missing: phone}s, 'features');
like($c, qr{value="phone" checked}, 'stay ticked');
like(get("$path?owacal-date=$day&owacal-start=10:00"), qr{10:00</time> to <time datetime="${day}T11:00}, 'an hour, if nothing is said');

book('boardroom', '10:30', '12:00');
$last = newest();
$c = get("$path?$when&owacal-capacity=5");
like($c, qr{first: 1\..*Hall.*<li class="taken">Board room[^<]*&#8211; taken}s, 'one is taken');
is(scalar(grep { $_->{id} > $last && $_->{target} =~ /freebusy/ } $sim->requests), 1, 'one question');
book('hall', '09:00', '11:30');
book('boardroom', '12:00', '17:30');
$c = get("$path?$when&owacal-capacity=5");
like($c, qr{No room fits.*<ul class="owacal-later">\s*<li><a href="\?owacal-room=hall&amp;owacal-start=${day}T11:30&amp;owacal-end=${day}T12:30#owacal-form"><time datetime="${day}T11:30[^>]*>[^<]*11:30</time>, Hall.*owacal-room=boardroom&amp;owacal-start=${next}T08:00}s,
    'the next free time, in the hours of work') or diag $c;
like($c, qr{<li class="taken">Hall}, 'and why not now');
$c = get("$path?$when&owacal-capacity=500");
like($c, qr{No room fits}, 'nobody has that many');
unlike($c, qr{owacal-later}, 'nor ever will');

for my $case (['owacal-start=25:00', 'start'], ['owacal-start=', ''], ['owacal-start=10:00&owacal-duration=0', 'end'], ['owacal-start=10:00&owacal-end=09:00', 'end']) {
    $c = get("$path?owacal-date=$day&$case->[0]");
    like($c, qr{<form method="get"}, "$case->[0]: the search stays");
    like($c, qr{role="alert">[^<]*$case->[1]: }i, '  and says what is wrong') if $case->[1];
}
like(get("$path?owacal-date=2020-01-01&owacal-start=10:00"), qr{role="alert">The time lies in the past}, 'yesterday');
unlike(get("$path?owacal-date=$day&owacal-start=%3Cscript%3E&owacal-feature=%22%3E%3Cscript%3E"), qr/<script/, 'hostile values are text');

subtest 'the form beside it' => sub {
    my $both = page('both.html', '<div data-owacal=message></div><div data-owacal=finder data-form=here data-duration=30></div><div data-owacal=form></div>');
    my ($to) = get("$both?$when") =~ m{<li class="fits"><a href="(\?owacal-room=room1[^"#]*)#owacal-form"} or return fail('a link');
    $to =~ s/&amp;/&/g;
    my $form = get("$both$to") =~ s/^.*(<form method="post")/$1/sr;
    like($form, qr{<option value="room1" selected}, 'the room is chosen');
    like($form, qr{type="date"[^>]*name="date" value="$day"}, 'the day');
    like($form, qr{type="time"[^>]*name="start" value="10:00"}, 'the time');
    my %f = $form =~ /name="(\w+)" value="([^"]*)"/g;
    delete $f{lookup};
    my $r = $web->request(POST => '/booking/bookings', user => 'alice', form => { %f, room => 'room1', subject => 'Found' });
    is($r->{status}, 303, 'and it books') or diag $r->{content};
};

subtest 'rooms' => sub {
    my $c = get(page('rooms.html', '<div data-owacal=rooms data-feature=projector data-form=/intranet/book.html></div>|<!--#owacal view="rooms" -->'));
    my ($some, $all) = split /\|/, $c;
    like($some, qr{<a href="/intranet/book.html\?owacal-room=hall#owacal-form">Hall &lt;1&gt;</a>, Seats: 80, projector}, 'each leads to the form');
    like($some, qr{Room 1[^&]*&#8211; missing: projector}, 'why one does not fit');
    is(() = $all =~ m{<li class="fits"><a href="/booking/bookings/new\?room=}g, 3, 'all of them');
    like(get(page('span.html', '<span data-owacal=finder>x</span>')), qr/cannot stand in a span/, 'not in a sentence');
};
unlike($web->log, qr/OWACAL0593.*find.html/, 'what people search for is no warning');

$sim->stop;
$c = get("$path?$when");
like($c, qr{none<small class="owacal-notice"}, "the calendar is down: the author's text stays, with a notice");
unlike($web->log, qr/child pid \d+ exit signal|AddressSanitizer/, 'no child died');
$web->stop;
done_testing();
