#!/usr/bin/perl
# A form that fails comes back in the page it stood in, with everything typed in it and the message at
# the field, whoever makes that page and whatever it was that failed; a page that has no place for it
# never loses it. Programs see none of this.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8);
use File::Temp ();
use FindBin qw($Bin);
use POSIX ();
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $location = <<'E';
  @LOGIN@
  Options +Includes
  DirectoryIndex index.html
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity basic upstream=basic
  OwaCalTimezone Europe/Budapest
  OwaCalReturn /intranet
E
my $sim = SimRun->start('--auth', 'basic', '--lag', '0');
my $kept = File::Temp->new;
print $kept 'k' x 64, "\n";
close $kept;
my %conf = (backend => $sim->{url}, children => 1, modules => [qw(proxy proxy_http cgi negotiation)],
    passwords => { alice => 'pw-alice', bob => 'pw-bob', carol => 'wrong' },
    location => "OwaCalIdentity basic upstream=basic\n  OwaCalTimezone Europe/Budapest\n  OwaCalReturn /intranet\n"
        . "  OwaCalBase /booking\n  SetOutputFilter OWACAL",    # as where a whole site has it
    server => "OwaCalSecret $kept\n" . <<"E");
<Location "/intranet">
$location  SetOutputFilter OWACAL
  Header set X-Page yes
  Header set ETag '"unfilled"'
</Location>
<Location "/intranet/ssi">
  SetOutputFilter INCLUDES
</Location>
<Location "/intranet/both">
  SetOutputFilter INCLUDES;OWACAL
</Location>
<Location "/intranet/bare">
  SetOutputFilter NONE
</Location>
<Location "/intranet/tongues">
  Options +MultiViews
  AddLanguage de .de
  AddLanguage hu .hu
</Location>
<Location "/intranet/denied">
  Require user bob
</Location>
ProxyPass /intranet/proxied/ http://127.0.0.1:\@PORT\@/plain/
<Directory "\@DIR\@/htdocs/intranet/cgi">
  Options +ExecCGI
  SetHandler cgi-script
</Directory>
E
my $web = Httpd->start(%conf);
mkdir "$web->{dir}/htdocs/$_" for qw(intranet plain), map { "intranet/$_" } qw(ssi both bare denied cgi dir tongues);
my ($no, $day) = (0, POSIX::strftime('%Y-%m-%d', gmtime(time + 20 * 86400)));
my $page = '<!DOCTYPE html><p>mine & only mine</p><div data-owacal=message>nothing to say</div><div data-owacal=form>no form</div><p>end</p>';
sub page { my ($name, $text) = @_; $web->write_file("htdocs/$name", $text // $page); return "/$name" }
sub fresh { $no++; return (subject => "Meeting $no", room => 'boardroom', date => $day,
    start => sprintf('%02d:%02d', 8 + int($no / 4), 15 * ($no % 4)), duration => 15, @_) }
sub post { my ($back, $fields, %o) = @_; return $web->form('alice', '/booking/bookings', { return => $back, %$fields }, %o) }
sub again { my ($fields, $url) = @_; return $web->request(POST => $url // '/booking/bookings', user => 'alice', form => $fields) }
sub reason { my ($r) = @_; return ($r->{content} =~ /Reason: ([a-z-]+)/)[0] // '' }
my %named = (lt => '<', gt => '>', amp => '&', quot => '"');
sub plain { my ($s) = @_; return decode_utf8($s) =~ s/&#(\d+);/chr $1/ger =~ s/&(lt|gt|amp|quot);/$named{$1}/gr }

# What a browser would send of the form in a page: name => value.
sub typed {
    my ($r) = @_;
    my ($form) = $r->{content} =~ m{(<form [^>]*class="owacal-form".*?</form>)}s or return {};
    my %v;
    while ($form =~ /<input ([^>]*)>/g) {
        my %a = $1 =~ /([a-z-]+)="([^"]*)"/g;
        next if $a{type} eq 'checkbox' && !exists $a{checked};
        $v{ $a{name} } = plain($a{value} // '');
    }
    while ($form =~ m{<textarea [^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>}gs) { my ($k, $t) = ($1, $2); $v{$k} = plain($t) }
    ($v{room}) = map { plain($_) } $form =~ /<option value="([^"]*)" selected/;
    return \%v;
}
sub subjects { return grep { /\Q$_[0]\E/ } map { SimRun::subject($_) } $sim->items('alice', qr/^Calendar$/) }

my $evil = qq{"'><script>alert(1)</script>&amp;<!--#owacal view="mine" --><div data-owacal=mine>\x{202e}\x{2066}\x{1f4c5}};
my %odd = (subject => $evil, location => "$evil 2", required => "$evil 3", optional => 'bo@example.test, x@y@z', text => "\nline\n$evil",
    reminder => '15', private => 1);
my $home = page('intranet/home.html');

sub in_page {
    my ($r, $fields) = @_;
    like($r->{content}, qr{^<!DOCTYPE html><p>mine & only mine</p>.*<p>end</p>}s, '  in the page itself') or diag $r->{content};
    my $back = typed($r);
    for my $k (sort keys %$fields) {
        is($back->{$k}, $fields->{$k}, "  typed: $k") if $k ne 'return' && $k ne 'token';
    }
    return $back;
}

# It is the page, filled with what was typed, and nothing in it is markup.
sub is_page {
    my ($r, $status, $reason, $fields, $what) = @_;
    is("$r->{status} " . reason($r), "$status $reason", "$what: $status $reason");
    is($r->{headers}{'cache-control'}, 'private, no-store', '  not to be kept');
    ok(!exists $r->{headers}{$_}, "  no $_") for qw(etag last-modified location);
    is($r->{headers}{'content-length'}, length $r->{content}, '  of its own length');
    like($r->{content}, qr{<div data-owacal=message><span class="owacal-message owacal-error" role="alert">[^<]}, '  the message is told');
    unlike($r->{content}, qr{<script|<div data-owacal=mine|owacal-mine}, '  text is text');
    return in_page($r, $fields);
}

subtest 'a field is wrong' => sub {
    my %f = fresh(%odd, start => '10:00', duration => '');
    my $r = post($home, \%f);
    my $back = is_page($r, 422, 'invalid-input', \%f, 'hostile text in every field');
    like($r->{content}, qr{name="required"[^>]* aria-invalid="true" aria-describedby="owacal-required-error"[^>]*>\s*<span class="owacal-field-error" id="owacal-required-error">}, 'said at the field');
    like($r->{content}, qr{<a href="#owacal-required">}, 'with a link to it');
    like($r->{content}, qr{name="end"[^>]*aria-invalid="true"}, 'every mistake, not the first only');
    is($r->{headers}{'x-page'}, 'yes', "the page's own headers");
    $r = again({ %$back, required => '', optional => '', end => '11:00', subject => 'mended' });
    is($r->{status}, 303, 'mended, it books') or diag $r->{content};
    like($r->{headers}{location}, qr{^/intranet/home.html\?owacal=}, 'and comes back');

    for my $case ([date => '2026-02-30'], [date => 'tomorrow'], [start => '25:00'], [end => 'late'], [duration => '1h'],
        [reminder => '99999'], [room => 'nowhere'], [subject => ''], [end_date => 'x'], [tz => 'Mars/Base'])
    {
        my ($name, $value) = @$case;
        my %g = fresh($name => $value);
        delete $g{duration} if $name eq 'end' || $name eq 'end_date';
        $r = post($home, \%g);
        is($r->{status}, 422, "$name: '$value'");
        like($r->{content}, qr{id="owacal-$name-error"}, '  is said there') if $name ne 'tz';
        is(typed($r)->{$name}, $value, '  and still there');
        is(typed($r)->{subject}, $g{subject}, '  with the rest');
    }
    my $long = 'ő' x 10_000;
    $r = post($home, { fresh(), subject => $long });
    is($r->{status}, 422, '10,000 characters');
    is(typed($r)->{subject}, $long, '  all of them');
    $r = post($home, { fresh(duration => 30, end => '23:00') });
    like($r->{content}, qr{id="owacal-duration-error"}, 'an end that does not fit the duration');
};

subtest 'taken, and mended' => sub {
    my %f = fresh();
    is(post($home, \%f)->{status}, 303, 'booked');
    my %g = (%f, subject => 'late', text => $evil, key => 'k1');
    my $r = post($home, \%g);
    my $back = is_page($r, 409, 'room-taken', \%g, 'taken');
    like($r->{content}, qr{<select id="owacal-room"[^>]*aria-invalid="true"}, 'said at the room');
    like($r->{content}, qr{Nothing was booked.*Board room is taken from}s, 'what was not done, and when it is taken');
    like($r->{content}, qr{operation [0-9a-f]{16}}, 'with the operation');
    is(again({ %$back, fresh(), subject => 'late' })->{status}, 303, 'at another time it books');
    is(scalar(subjects('late')), 1, 'once');
};

subtest 'the day that was typed' => sub {
    my $with = page('intranet/day.html', $page . '<div data-owacal=grid>old</div><div data-owacal=grid data-day=+1>old</div>');
    my $days = sub { return join ' ', map { substr $_, 0, 10 } $_[0]{content} =~ /<caption>[^<]*<time datetime="([^"]*)/g };
    my ($today, $tomorrow) = split ' ', $days->($web->request(GET => $with, user => 'alice'));
    for my $case ([{}, $day], [{ date => '', start => "${day}T10:00" }, $day], [{ date => '2026-02-30' }, $today], [{ date => 'x', start => 'y' }, $today]) {
        my ($fields, $shown) = @$case;
        my $r = post($with, { fresh(reminder => 'x'), %$fields });
        is($r->{status}, 422, join ' ', map { "$_ '$fields->{$_}'" } sort keys %$fields);
        is($days->($r), "$shown $tomorrow", '  the grid whose day is open shows that of the form, if it is one');
    }
    is($days->(post("$with?owacal-day=2099-03-05", { fresh(reminder => 'x') })), "2099-03-05 $tomorrow", 'what the page was asked for goes before');
};

subtest 'tokens and keys' => sub {
    my %f = fresh(key => 'twice', text => $evil);
    my $r = post($home, { %f, token => '' });
    my $back = is_page($r, 403, 'form-token-invalid', \%f, 'no token');
    is(again($back)->{status}, 303, 'the token of the answer is good');
    is(again($back)->{status}, 303, 'clicked twice');
    is(scalar(subjects($f{subject})), 1, 'booked once');
    SKIP: {
        my $so = "$web->{dir}/shift.so";
        skip 'no C compiler', 1 if system "cc -shared -fPIC -O1 -DSHIFT=7200 -o $so $Bin/lib/shift_clock.c -ldl 2>/dev/null";
        my $later = Httpd->start(%conf, env => { LD_PRELOAD => $so });
        mkdir "$later->{dir}/htdocs/intranet";
        $later->write_file('htdocs/intranet/home.html', $page);
        my %h = (fresh(text => $evil), key => 'late', return => $home);
        $r = $later->request(POST => '/booking/bookings', user => 'alice', form => { %h, token => $web->token('alice') });
        $back = is_page($r, 409, 'form-token-expired', \%h, 'a form that was open for two hours');
        is($later->request(POST => '/booking/bookings', user => 'alice', form => $back)->{status}, 303, 'sent once more it books');
        $later->stop;
    }
    my %g = (fresh(), text => $evil);
    $r = post($home, { %g, key => 'twice' });
    $back = is_page($r, 422, 'key-conflict', \%g, 'the key of another booking');
    like($back->{key}, qr/^[0-9a-f]{32}$/, 'is replaced by a fresh one');
    is(again($back)->{status}, 303, 'with which it books');
};

subtest 'whoever makes the page' => sub {
    my %f = fresh(reminder => 'x', text => $evil);
    my $ssi = $page =~ s{<div data-owacal=(\w+)>[^<]*</div>}{<div data-owacal=$1><!--#owacal view="$1" --></div>}gr;
    page('plain/p.html');
    my $cgi = page('intranet/cgi/p.pl', "#!$^X\nprint qq{Content-Type: text/html\\nSet-Cookie: a=1\\n\\n}, \$ENV{REQUEST_METHOD} eq 'GET' && !\$ENV{CONTENT_LENGTH} ? <DATA> : 'no GET';\n__DATA__\n$page");
    chmod 0755, "$web->{dir}/htdocs$cgi";
    page('intranet/dir/index.html');
    page('intranet/both/part.html', '<div data-owacal=form>no form</div>');
    my $both = page('intranet/both/a.html', $page =~ s{<div data-owacal=form>.*?</div>}{<!--#include virtual="part.html" -->}r);
    is_page(post(page('intranet/ssi/p.shtml', $ssi), \%f), 422, 'invalid-input', \%f, 'mod_include');
    is_page(post($both, \%f), 422, 'invalid-input', \%f, 'both, the form in an included page');
    is_page(post('/intranet/proxied/p.html', \%f), 422, 'invalid-input', \%f, 'proxied');
    my $r = post($cgi, \%f);
    is_page($r, 422, 'invalid-input', \%f, 'a program');
    is($r->{headers}{'set-cookie'}, 'a=1', 'with its cookie');
    is_page(post('/intranet/dir/', \%f), 422, 'invalid-input', \%f, 'a directory');
    is_page(post("$home?x=1&owacal-day=$day", \%f), 422, 'invalid-input', \%f, 'with a query');

    for (qw(de hu)) { page("intranet/tongues/index.html.$_", $page =~ s/<p>/<p lang="$_">/r) }
    for my $back ('/intranet/tongues/index.html', '/intranet/tongues/', '/intranet/tongues/index.html?x=1') {
        my %in = (Accept => 'text/html', 'Accept-Language' => 'hu');
        $r = $web->request(GET => $back, user => 'alice', headers => \%in);
        is(typed($r)->{return}, $back, "content negotiation: the form goes back to $back");
        $r = post($back, \%f, headers => \%in);
        is($r->{status}, 422, '  and fails there');
        like($r->{content}, qr{^<!DOCTYPE html><p lang="hu">mine.*Ok: invalid-input.*<p>end</p>}s, '  in the language asked for');
        is($r->{headers}{'content-language'}, 'hu', '  which is said');
        is($r->{headers}{'cache-control'}, 'private, no-store', '  not to be kept');
        is($r->{headers}{'content-length'}, length $r->{content}, '  of its own length');
        ok(!exists $r->{headers}{$_}, "  no $_, which would be the page's") for qw(content-location tcn etag last-modified);
        is(typed($r)->{$_}, $f{$_}, "  typed: $_") for qw(subject text reminder);
        is(typed($r)->{return}, $back, '  and goes there again');
    }
    my $two = page('intranet/two.html', $page . '<div data-owacal=form>2</div>');
    my $second = (map { /name="place" value="(\d)"/g } $web->request(GET => $two, user => 'alice')->{content})[1];
    $r = post($two, { %f, place => $second });
    like($r->{content}, qr{id="owacal-subject" name="subject" required.*id="owacal2-subject" name="subject" value="\Q$f{subject}\E"}s, 'two forms: the one that was sent');
};

subtest 'a page without a place for it' => sub {
    my %f = fresh(reminder => 'x', text => $evil);
    my %pages = ('no form' => page('intranet/none.html', '<p>nothing</p><div data-owacal=message></div>'), 'no filter' => page('intranet/bare/a.html'),
        'not there' => '/intranet/missing.html', 'not mine to see' => page('intranet/denied/a.html'),
        'too large' => page('intranet/large.html', $page . 'x' x 1_100_000), 'no html' => page('intranet/a.txt', $page),
        'behind 50 others' => page('intranet/many.html', '<li data-owacal=message></li>' x 50 . $page),
        'an error' => '/intranet/proxied/missing.html');
    for my $name (sort keys %pages) {
        my $r = post($pages{$name}, \%f);
        is($r->{status}, 422, "$name: 422");
        like($r->{content}, qr{^<!DOCTYPE html>\s*<html}, '  a page of our own');
        is(typed($r)->{$_}, $f{$_}, "  typed: $_") for qw(subject date start reminder text);
        is(typed($r)->{return}, $pages{$name}, '  and it goes back there when it is mended');
        ok(!$r->{headers}{'x-page'}, '  without what was caught');
    }
    is(scalar(() = $web->log =~ /OWACAL0650/g), scalar(keys %pages), 'the log says why');
};

subtest 'names are asked back' => sub {
    my %f = fresh(required => 'nobody of that name', lookup => 1);
    my $r = post($home, \%f);
    is($r->{status}, 200, 'only looked up');
    like($r->{content}, qr{^<!DOCTYPE html><p>mine & only mine</p><div data-owacal=message>nothing to say</div>}, 'in the page');
    is(typed($r)->{subject}, $f{subject}, 'with what was typed');
    like($r->{content}, qr/nobody of that name/, 'and the question');
};

subtest 'a booking is changed and cancelled in the page' => sub {
    my $mine = page('intranet/mine.html', $page . "<div data-owacal=mine data-day=$day data-days=2 data-form=here></div>");
    my %f = fresh(subject => 'Changeable <b>', text => 'note');
    is(post($mine, \%f)->{status}, 303, 'booked');
    my $r = $web->request(GET => "$mine?x=1", user => 'alice');
    my ($change) = $r->{content} =~ m{<a href="(\?x=1&amp;owacal-booking=[^"#]*)#owacal-form" aria-label="Change: Changeable} or diag $r->{content};
    my ($cancel) = $r->{content} =~ m{<a href="(\?x=1&amp;owacal-cancel=[^"#]*)#owacal-cancel" aria-label="Cancel: Changeable};
    s/&amp;/&/g for $change, $cancel;
    $r = $web->request(GET => "$mine$change", user => 'alice');
    my ($action) = $r->{content} =~ /<form method="post" action="([^"]+)"/;
    my $was = typed($r);
    is($was->{action}, 'update', 'the form changes');
    is($was->{$_}, $f{$_}, "  $_") for qw(subject date start text room);
    is($was->{return}, "$mine?x=1", 'and comes back to the page as it was');
    $r = again({ %$was, text => $evil, start => '99:00' }, $action);
    is($r->{status}, 422, 'a change that is wrong');
    my $back = in_page($r, { %$was, text => $evil, start => '99:00' });
    $r = again({ %$back, start => $was->{start} }, $action);
    is($r->{status}, 303, 'mended, it is changed') or diag $r->{content};
    $r = again({ %$back, start => $was->{start}, text => 'later' }, $action);
    is(reason($r), 'changed-meanwhile', 'an old revision');
    ok(!exists typed($r)->{etag}, 'does not hold back the next try');
    is(typed($r)->{text}, 'later', 'with what was typed');

    my $n = () = $sim->items('alice', qr/^Calendar$/);
    $r = $web->request(GET => "$mine$cancel", user => 'alice');
    like($r->{content}, qr{<form [^>]*id="owacal-cancel".*Changeable &lt;b&gt;.*name="reason".*Cancel the booking.*Keep it}s, 'cancelling asks first');
    my ($form) = $r->{content} =~ m{(<form [^>]*id="owacal-cancel".*?</form>)}s;
    my %c = $form =~ /name="(\w+)" value="([^"]*)"/g;
    is(scalar(() = $sim->items('alice', qr/^Calendar$/)), $n, 'and does nothing yet');
    $r = again({ %c, token => '1.x', reason => $evil }, $action);
    is($r->{status}, 403, 'a bad token');
    my $e = quotemeta 'alert(1)';
    like($r->{content}, qr{^<!DOCTYPE html><p>mine & only mine.*id="owacal-cancel".*name="reason" value="[^"<>]*$e}s, 'in the page, with the reason typed') or diag $r->{content};
    $r = again({ %c, reason => 'ill' }, $action);
    is($r->{status}, 303, 'cancelled') or diag $r->{content};
    $r = $web->request(GET => $r->{headers}{location}, user => 'alice');
    like($r->{content}, qr{role="status">The booking is cancelled}, 'and said so');
    $r = again({%c}, $action);
    is("$r->{status} " . reason($r), '404 booking-not-found', 'twice: it is gone');
    like($web->request(GET => "$action?cancel=1", user => 'alice', headers => { Accept => 'text/html' })->{content}, qr/booking-not-found/, 'our own page says so, too');
};

# The answer to a form stands at the address that the form was sent to: what leads to the page itself must
# name it.
subtest 'links to the page itself' => sub {
    my $all = page('intranet/a%20 ü.html', $page . '<div data-owacal=grid data-room="boardroom room1" data-form=here data-slot=60></div><div data-owacal=finder data-form=here></div>'
        . "<div data-owacal=mine data-day=$day data-days=2 data-form=here></div><div data-owacal=rooms data-form=here></div><div data-owacal=next data-room=boardroom></div>");
    my $path = '/intranet/a%2520%20%C3%BC.html';
    is(post("$path?x=1", { fresh() })->{status}, 303, 'booked');
    my %f = (fresh(reminder => 'x'), return => "$path?owacal-day=$day&x=%261");
    my $r = $web->request(POST => '/booking/bookings', user => 'alice', form => { token => $web->token('alice'), %f });
    is($r->{status}, 422, 'a form that fails');
    like($r->{content}, qr{^<!DOCTYPE html><p>mine & only mine}, 'in its page');
    my @links = grep { !/^#/ } map { plain($_) } $r->{content} =~ /\bhref="([^"]*)"/g;
    my @own = grep { !m{^/booking/bookings/} } @links;    # a booking has a page of ours
    my $start = quotemeta "$path?x=%261&owacal-";
    is_deeply([grep { !/^$start/ } @own], [], 'every other link names the page and keeps its query');
    for my $kind (qw(day booking cancel room)) {
        my ($to) = grep { /owacal-$kind=/ } @own;
        ok($to, "  one of $kind") or next;
        my $there = $web->request(GET => $to =~ s/#.*//r, user => 'alice');
        is($there->{status}, 200, '  leads to it');
        like($there->{content}, qr{mine & only mine.*owacal-grid}s, '  filled');
    }
    my ($search) = $r->{content} =~ /(<form method="get"[^>]*>)/;
    is(($search =~ /action="([^"]*)"/)[0], $path, 'the search is sent there, too');
    unlike($web->request(GET => "$path?x=1", user => 'alice')->{content}, qr{(?:href|action)="\Q$path\E}, 'a page that was asked for by itself has its links relative');
    my ($cancel) = map { plain($_) } $r->{content} =~ /href="([^"#]*owacal-cancel=[^"#]*)/;
    my ($form) = $web->request(GET => $cancel, user => 'alice')->{content} =~ m{(<form [^>]*id="owacal-cancel".*?</form>)}s;
    my %c = map { plain($_) } $form =~ /name="(\w+)" value="([^"]*)"/g;
    my ($action) = $form =~ /action="([^"]*)"/;
    $r = again({ %c, token => '1.x', reason => 'ill' }, $action);
    is($r->{status}, 403, 'a cancellation that fails');
    my ($keep) = map { plain($_) } $r->{content} =~ m{<a href="([^"]*)">Keep it</a>};
    like($keep, qr/^\Q$path\E\?/i, 'to leave it alone leads to the page');
};

subtest 'programs' => sub {
    my $r = $web->json('alice', POST => '/booking/bookings', { subject => 'x', return => $home });
    is($r->{status}, 422, 'JSON');
    is($r->{headers}{'content-type'}, 'application/problem+json', 'gets a problem');
    is($r->{json}{field}, 'start', 'with one field');
};

subtest 'no identity, no calendar' => sub {
    my %f = fresh(text => $evil);
    my $r = $web->form('carol', '/booking/bookings', { %f, return => $home });
    is_page($r, 403, 'upstream-refused-login', \%f, 'a password that the calendar refuses');
    $sim->stop;
    my $down = post($home, \%f);
    is_page($down, 503, 'upstream-unavailable', \%f, 'the calendar is down');
    ok($down->{headers}{'retry-after'}, 'with a time to come again');
};
unlike($web->log, qr/child pid \d+ exit signal|AddressSanitizer|OWACAL01\d\d/, 'no child died');
$web->stop;
done_testing();
