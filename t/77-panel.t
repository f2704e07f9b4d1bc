#!/usr/bin/perl
# The panel at a room's door: what it shows, what it books with a device's account and in that room only,
# what it leaves alone, and what it says when it cannot.
use strict;
use warnings;
use FindBin qw($Bin);
use File::Temp qw(tempdir);
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(time sleep);
use lib "$Bin/lib";
use Httpd;
use SimClient;
use SimRun;

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
sub put { my ($name, $mode, $text) = @_; open my $f, '>', "$dir/$name" or die; print $f $text; close $f; chmod $mode, "$dir/$name"; return "$dir/$name" }
sub location {
    my ($path, $lines) = @_;
    return qq{<Location "$path">\nAuthType Basic\nAuthName intranet\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\n}
        . "Require valid-user\nSetHandler owacal\nOwaCalUse corp\nOwaCalTimezone Europe/Budapest\n$lines\n</Location>\n";
}
sub calendar { my ($sim, $name) = @_; return grep { SimRun::subject($_) ne '' } $sim->items($name, qr/^Calendar/) }
sub stamp { return strftime('%Y-%m-%dT%H:%MZ', gmtime shift) }
sub minute { my $t = shift // time; return $t - $t % 60 }

my $users = put('users', 0644, join "\n", (map { "$_:pw-$_:$_\@example.test:person:en" } qw(alice bob panel)),
    (map { "$_:pw-$_:$_\@example.test:room:accept:en" } qw(boardroom room1 hall)), '');
put('pw', 0600, "pw-panel\n");
put('secret', 0600, "0123456789abcdef0123456789abcdef0123456789abcdef\n");
my $sim = SimRun->start('--users', $users, '--auth', 'basic');
$sim->control(POST => "/_sim/grant?mailbox=$_&user=panel&level=owner") for qw(boardroom room1 hall);
my $server = "OwaCalSecret $dir/secret\nOwaCalCredential panels user=EXAMPLE\\panel password=$dir/pw\n"
    . location('/own', 'OwaCalIdentity basic upstream=basic')
    . location('/fixed', "OwaCalIdentity device credential=panels rooms=boardroom,room1\nOwaCalMailbox room1")
    . location('/names', "OwaCalIdentity device credential=panels rooms=boardroom\nOwaCalPrivacy subject");
sub web {
    return Httpd->start(backend => $sim->{url}, rooms => join('', map { qq{OwaCalRoom $_ $_\@example.test name="The $_"\n} } qw(boardroom room1 hall)),
        location => 'OwaCalIdentity device credential=panels rooms=boardroom,room1', server => $server, @_);
}
my $web = web();
my ($door, $other) = map { "/booking/rooms/$_/panel" } qw(boardroom room1);

sub get { my ($path, %o) = @_; return ($o{web} // $web)->request(GET => $path // $door, user => 'alice', headers => { Accept => 'text/html', %{ $o{headers} // {} } }) }
# The fields of the form with that button, as a browser would send them.
sub form_of {
    my ($html, $action) = @_;
    for my $form ($html =~ m{<form(.*?)</form>}gs) {
        my %f = $form =~ /<input type="hidden" name="([^"]+)" value="([^"]*)"/g;
        next unless ($f{action} // '') eq $action;
        my @values = $form =~ /<button[^>]* value="([^"]+)"/g;
        my ($name) = $form =~ /<button[^>]* name="([^"]+)"/;
        return { %f, $name ? (button => $name, values => \@values) : () };
    }
    return;
}
sub press {
    my ($path, $form, $value, %o) = @_;
    my %f = (%$form, defined $value ? ($form->{button} => $value) : (), %{ $o{fields} // {} });
    delete @f{qw(button values)};
    return ($o{web} // $web)->request(POST => $path, user => $o{user} // 'alice', form => \%f);
}
# What stands there already, and may have begun.
sub put_item {
    my ($mailbox, $subject, $start, $minutes) = @_;
    my ($status, $reply) = SimClient->new($sim, 'panel')->put_props("/exchange/$mailbox/Calendar/" . ($subject =~ s/ /-/gr) . '.EML',
        SimClient::appointment('mail:subject' => $subject, map { $_->[0] => strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $_->[1]) } ['cal:dtstart', $start], ['cal:dtend', $start + 60 * $minutes]), 'If-None-Match' => '*');
    return is($status, 201, "$subject stands in $mailbox") || diag $reply->{body};
}
sub state_of { return $_[0]{content} =~ m{<p class="owacal-state">(.*?)</p>} ? $1 =~ s/<[^>]+>//gr : "none: $_[0]{status}" }
# Not within the last seconds of a minute, where what is expected is of the next.
sub settle { sleep 0.2 while time % 60 > 45 }

# ---- free ----

settle();
my $r = get();
is($r->{status}, 200, 'the panel') or diag $r->{content}, $web->log;
like(state_of($r), qr/^Free/, 'the room is free');
like($r->{content}, qr{<h1><bdi>The boardroom</bdi></h1>}, 'its name');
like($r->{content}, qr{<meta http-equiv="refresh" content="30; url=/booking/rooms/boardroom/panel">}, 'it refreshes itself');
unlike($r->{content}, qr/<script|style=|onclick/i, 'without script');
my $book = form_of($r->{content}, 'book');
is("@{ $book->{values} }", '15 30 60', 'three lengths are offered');
my $etag = $r->{headers}{etag};
is($r->{headers}{'cache-control'}, 'private, no-cache', 'to be asked for anew');
for (1 .. 3) {    # a minute may have passed in between; another second, and another form token, has
    sleep 1.1;
    my $again = get($door, headers => { 'If-None-Match' => $etag });
    ($etag, $r) = ($again->{headers}{etag}, $again);
    last if $again->{status} == 304;
}
is($r->{status}, 304, 'unchanged: 304');
is($r->{content} // '', '', 'without content');

# ---- book, twice ----

settle();
$book = form_of(get()->{content}, 'book');
my $before = minute();
$r = press($door, $book, 30);
is($r->{status}, 303, 'book 30 minutes') or diag $r->{content}, $web->log;
like($r->{headers}{location}, qr{^/booking/rooms/boardroom/panel\?owacal=}, 'back to the panel');
my $page = get($r->{headers}{location});
like($page->{content}, qr/Booked until \d\d:\d\d\./, 'which says so');
like(state_of($page), qr/^Busy until \d\d:\d\d$/, 'and is busy');
like($page->{content}, qr/Now: .* Booked at the door/, 'with what');
is(form_of($page->{content}, 'book'), undef, 'no more to book');
my @items = calendar($sim, 'boardroom');
is(scalar(@items), 1, 'one appointment stands in the room\'s calendar');
is(SimRun::subject($items[0]), 'Booked at the door', 'with its subject');
$r = press($door, $book, 30);
is($r->{status}, 303, 'the same press once more') or diag $r->{content};
like(get($r->{headers}{location})->{content}, qr/Booked until/, 'gets the same answer');
is(scalar(calendar($sim, 'boardroom')), 1, 'and books nothing');
$r = press($door, $book, 60);
is($r->{status}, 409, 'another length from the old page') or diag $r->{content};
like($r->{content}, qr/The room is taken.*room-taken/s, 'the room is taken');
like($r->{content}, qr/http-equiv="refresh"/, 'the answer is a panel that goes on by itself');
isnt(get($door, headers => { 'If-None-Match' => $etag })->{status}, 304, 'what has changed is sent');
is(scalar(grep { /@/ } map { SimRun::property($_, 'urn:schemas:mailheader:to') } @items), 0, 'nobody was invited');

# ---- extend, end ----

my $extend = form_of($page->{content}, 'extend');
is(scalar(@{ $extend->{values} }), 2, 'it can be extended by 15 or 30 minutes');
my @both = Httpd::side_by_side(2, sub { return Httpd::plain(press($door, $extend, $extend->{values}[0])) });
is(join(' ', map { $_->{status} // 'none' } @both), '303 303', 'extended by two presses at once') or diag explain(\@both), $web->log;
my ($from, $to) = map { SimRun::property((calendar($sim, 'boardroom'))[0], "urn:schemas:calendar:$_") } qw(dtstart dtend);
sub seconds { my @t = $_[0] =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+)/ or return 0; require Time::Local; return Time::Local::timegm(0, @t[4, 3, 2], $t[1] - 1, $t[0]) }
is((seconds($to) - seconds($from)) / 60, 45, 'by a quarter of an hour, once');
is(press($door, $extend, seconds($to) + 4 * 3600)->{status}, 422, 'not by four hours');
is(press($door, $extend, $extend->{values}[0], fields => { ref => 'abc.def' })->{status}, 404, 'nor what no reference names');

# The next meeting begins when this one ends: alice books the room as people do.
$r = $web->json('alice', POST => '/own/bookings', { subject => 'Secret plan', start => stamp(seconds($to)), duration => 60, room => 'boardroom' });
is($r->{status}, 201, 'somebody books what comes after') or diag $r->{content}, $web->log;
$page = get();
is(form_of($page->{content}, 'extend'), undef, 'then it cannot be extended') or diag $page->{content};
$r = press($door, $extend, seconds($to) + 900);
is($r->{status}, 409, 'a page that does not know it yet is refused') or diag $r->{content}, $web->log;
like($r->{content}, qr/room-taken/, 'by the room\'s own calendar');
unlike($page->{content}, qr/Secret|alice/i, 'what comes is not told');
like($page->{content}, qr/Next: .*Busy/, 'only that it comes');
$page = get('/names/rooms/boardroom/panel');
like($page->{content}, qr/Next: .*Secret plan.*booked by.*alice/i, 'unless the location shows subjects');
sub ended { return scalar grep { SimRun::subject($_) eq 'Booked at the door' && seconds(SimRun::property($_, 'urn:schemas:calendar:dtend')) <= minute() + 60 } calendar($sim, 'boardroom') }
my $end = form_of(get()->{content}, 'end');
$r = press($door, $end);
is($r->{status}, 303, 'end now') or diag $r->{content}, $web->log;
is(ended(), 1, 'it ends in this minute');
$r = press($door, $end);
is($r->{status}, 303, 'once more') or diag $r->{content}, $web->log;
is(ended(), 1, 'changes nothing');
$r = $web->json('alice', POST => '/own/bookings', { subject => 'In the gap', start => stamp(minute() + 120), duration => 10, room => 'boardroom' });
is($r->{status}, 201, 'the time given back is free for others at once') or diag $r->{content};

# ---- what is not the panel's ----

put_item('room1', 'Alice is here', minute(), 60);
$page = get($other);
like(state_of($page), qr/^Busy until/, 'the panel shows it');
is(form_of($page->{content}, $_), undef, "and has no button to $_") for qw(book extend end);
# Booked in the room's mailbox by the same account, but not on the panel: the reference is good, the mark is missing.
$r = $web->json('alice', POST => '/fixed/bookings', { subject => 'By the device', start => stamp(minute() + 86400), duration => 60 });
is($r->{status}, 201, 'an appointment of the room that was not made on the panel') or diag $r->{content};
my %bare = (token => $end->{token}, ref => $r->{json}{booking}{ref});
is(press($other, \%bare, undef, fields => { action => 'end' })->{status}, 403, 'cannot be ended there');
is(press($other, \%bare, undef, fields => { action => 'extend', until => 60 * int(time / 60) + 86400 + 4500 })->{status}, 403, 'nor extended');
is(press($door, \%bare, undef, fields => { action => 'end' })->{status}, 404, 'and at another door it is not even known');
$r = $web->json('alice', POST => '/fixed/bookings', { subject => 'Twice', start => stamp(minute() + 86400 + 1800), duration => 60 });
is("$r->{status} $r->{json}{reason}", '409 room-taken', 'a room that books for itself is asked like any');

# ---- where it is off ----

my $log = sub { return $sim->control(GET => '/_sim/log')->[-1]{id} };
my $last = $log->();
is(get('/booking/rooms/hall/panel')->{status}, 403, 'a room that is not the device\'s');
is(press('/booking/rooms/hall/panel', $book, 15)->{status}, 403, 'for booking, too');
is(get('/fixed/rooms/boardroom/panel')->{status}, 403, 'nor another than OwaCalMailbox names');
is(get('/booking/rooms/cellar/panel')->{status}, 403, 'a device without a mailbox acts nowhere else');
is(get('/fixed/rooms/cellar/panel')->{status}, 404, 'no such room');
is($log->(), $last, 'nothing left for any of it');
is(get('/fixed/rooms/room1/panel')->{status}, 200, 'the one that it names');
$page = get('/own/rooms/room1/panel');
is($page->{status}, 200, 'as a person') or diag $page->{content};
like($page->{content}, qr/Booking at the door is off: .*OwaCalIdentity device/, 'it shows the room and says why nothing can be booked');
is(form_of($page->{content}, 'book'), undef, 'no buttons');
my $token = $web->request(GET => '/own/bookings/new', user => 'alice', headers => { Accept => 'text/html' })->{content} =~ /name="token" value="([^"]+)"/ ? $1 : '';
is(press('/own/rooms/room1/panel', { token => $token, action => 'book', minutes => 15, key => 'k' })->{status}, 403, 'and none are pressed');
is(press($door, { %$book, token => '1.x' }, 15)->{status}, 403, 'a form token is wanted');
is(press($door, { token => $token, action => 'burn' })->{status}, 422, 'and an action');
is(press($door, { token => $token, action => 'book', minutes => 600, key => 'k' })->{status}, 422, 'not for ten hours');

# ---- other front ends, restarts ----

settle();
$sim->control(POST => "/_sim/grant?mailbox=hall&user=panel&level=owner");
my $hall = web(location => 'OwaCalIdentity device credential=panels');
my $form = form_of(get('/booking/rooms/hall/panel', web => $hall)->{content}, 'book');
@both = Httpd::side_by_side(3, sub { return Httpd::plain(press('/booking/rooms/hall/panel', $form, 15, web => $hall)) });
is(join(' ', map { $_->{status} // 'none' } @both), '303 303 303', 'booked on one front end, by three presses at once') or diag explain(\@both), $hall->log;
is(scalar(calendar($sim, 'hall')), 1, 'and stands once');
$hall->stop;
$hall = web(location => 'OwaCalIdentity device credential=panels');
$page = get('/booking/rooms/hall/panel', web => $hall);
ok(form_of($page->{content}, 'end'), 'after a restart, or on another, it is still the panel\'s') or diag $page->{content};

# ---- in a page ----

mkdir "$dir/htdocs";
put('htdocs/hall.html', 0644, '<!DOCTYPE html><meta charset="utf-8"><div data-owacal="panel" data-room="hall">ask</div>');
put('htdocs/door.html', 0644, '<!DOCTYPE html><meta charset="utf-8"><div data-owacal="panel" data-room="room1">ask</div><div data-owacal="agenda" data-room="room1" data-day="tomorrow">none</div>');
chmod 0755, "$dir/htdocs";
my $pages = web(htdocs => "$dir/htdocs", location => "OwaCalIdentity device credential=panels\nOwaCalReturn /hall.html",
    server => $server . location('/hall.html', "SetHandler none\nOwaCalBase /booking\nOwaCalReturn /hall.html\n"
    . "OwaCalIdentity device credential=panels\nOwaCalMailbox hall\nSetOutputFilter OWACAL") . location('/door.html', "SetHandler none\nOwaCalBase /booking\nOwaCalReturn /door.html\n"
    . "OwaCalIdentity device credential=panels rooms=room1\nOwaCalMailbox room1\nSetOutputFilter OWACAL"));
$page = get('/door.html', web => $pages);
like($page->{content}, qr{<h2><bdi>The room1</bdi></h2>.*Busy.* until}s, 'a panel in a page') or diag $page->{content}, $pages->log;
like($page->{content}, qr/owacal-agenda.*<li class="owacal-busy">/s, 'and tomorrow\'s agenda') or diag $page->{content};
unlike($page->{content}, qr/Alice is here|By the device/, 'without names');
$form = form_of(get('/hall.html', web => $pages)->{content}, 'extend');
$r = press('/booking/rooms/hall/panel', $form, $form->{values}[0], web => $pages);
like("$r->{status} " . ($r->{headers}{location} // ''), qr{^303 /hall\.html\?owacal=}, 'a press there comes back there') or diag $r->{content}, $pages->log;

$r = press('/booking/rooms/hall/panel', form_of(get('/booking/rooms/hall/panel', web => $hall)->{content}, 'end'), undef, web => $hall);
is($r->{status}, 303, 'and can be ended') or diag $r->{content}, $hall->log;

# ---- the calendar is down ----

$sim->stop;
$page = get();
like($page->{status}, qr/^50[234]$/, 'without a calendar server');
like($page->{content}, qr/The room&#39;s calendar cannot be read at the moment/, 'it says so');
like($page->{content}, qr{<bdi>The boardroom</bdi>.*http-equiv|http-equiv.*<bdi>The boardroom</bdi>}s, 'as a panel that tries again');
like(state_of($page), qr/^Not known$/, 'and claims nothing');
is(form_of($page->{content}, 'book'), undef, 'nothing to press');
$r = press($door, $book, 15);
like("$r->{status} $r->{content}", qr/^50[234].*http-equiv="refresh".*cannot be read/s, 'a press is answered so, too');
unlike($_->log, qr/pw-panel|owner check|exit signal/i, 'no password in the log, no crash') for $web, $hall, $pages;
ok($_->stop, 'stops') for $web, $hall, $pages;
done_testing();
