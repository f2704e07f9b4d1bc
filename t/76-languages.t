#!/usr/bin/perl
# Pages in German, French and Hungarian: by what the browser asks for, by what the page says of itself,
# by what its author says of one placeholder; dates as people write them; what programs read stays as it
# is.
use strict;
use warnings;
use utf8;
use Encode qw(decode encode);
use FindBin qw($Bin);
use JSON::PP ();
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $evil = "\"><script>alert(1)</script>&{name}";
my $sim = SimRun->start('--auth', 'basic', '--lag', '0');
my $web = Httpd->start(backend => $sim->{url}, children => 1,
    rooms => encode('UTF-8', "OwaCalRoom boardroom boardroom\@example.test name=\"Ülésterem {start} <1>\" capacity=12 floor=2\n"),
    server => <<'E2');
<LocationMatch "^/(intranet|ssi)/">
  @LOGIN@
  Options +Includes
  AddDefaultCharset UTF-8
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity basic upstream=basic
  OwaCalTimezone Europe/Budapest
  OwaCalReturn /intranet
</LocationMatch>
<Location "/intranet">
  SetOutputFilter OWACAL
</Location>
E2
mkdir "$web->{dir}/htdocs/$_" for qw(intranet ssi);

# The text of a reply is UTF-8, and escaped characters are put back.
sub readable {
    my ($r) = @_;
    $r->{text} = decode('UTF-8', $r->{content});
    return $r;
}
sub ask {
    my ($path, $wanted, %o) = @_;
    return readable($web->request($o{method} // 'GET', $path, user => 'alice', %o,
        headers => { defined $wanted ? ('Accept-Language' => $wanted) : (), %{ $o{headers} // {} } }));
}
sub page {
    my ($name, $text, $wanted) = @_;
    $name = "intranet/$name" if $name !~ m{/};
    $web->write_file("htdocs/$name", encode('UTF-8', $text));
    return ask("/$name", $wanted);
}
sub lang { my ($r) = @_; return ($r->{text} =~ /<html lang="([^"]*)"/)[0] // 'none' }
sub post {
    my ($wanted, $fields) = @_;
    return readable($web->request(POST => '/booking/bookings', user => 'alice', headers => { 'Accept-Language' => $wanted },
        form => { token => $web->token('alice'), map { $_ => encode('UTF-8', $fields->{$_}) } keys %$fields }));
}

my %word = (en => 'Rooms', de => 'Räume', fr => 'Salles', hu => 'Termek');
my %seats = (en => 'Seats: 12', de => 'Plätze: 12', fr => "Places\x{a0}: 12", hu => 'Férőhely: 12');

subtest 'what the browser asks for' => sub {
    for ([undef, 'en'], ['de', 'de'], ['fr-CA,fr;q=0.8', 'fr'], ['hu-HU, hu;q=0.9, en;q=0.8', 'hu'], ['en;q=0.3, hu;q=0.8, de;q=0.5', 'hu'],
        ['it, de;q=0.1', 'de'], ['it', 'en'], ['de;q=0, fr;q=0.001', 'fr'], ['*', 'en'], ["de\"><b>", 'en'], ['x' x 3000, 'en'], ['DE-at', 'de']) {
        my ($wanted, $language) = @$_;
        my $r = ask('/booking/rooms.html', $wanted);
        my $what = defined $wanted ? substr($wanted, 0, 40) : 'nothing';
        is(lang($r), $language, "$what: lang");
        is($r->{headers}{'content-language'}, $language, '  Content-Language');
        like($r->{text}, qr{<h1>$word{$language}</h1>}, '  the words');
        like($r->{text}, qr{\Q$seats{$language}\E}, '  and those with a value');
        like($r->{headers}{vary}, qr/Accept-Language/, '  and caches know');
    }
};

subtest 'dates' => sub {
    my $day = '2099-03-05';
    my %want = (
        # ICU's data has a narrow or an ordinary space before AM, by its version.
        'en-GB' => ['Thursday, 5 March 2099', '08:00'], 'en-US' => ['Thursday, March 5, 2099', qr/8:00\sAM/],
        de => ['Donnerstag, 5. März 2099', '08:00'], 'fr' => ['jeudi 5 mars 2099', '08:00'],
        hu => ['2099. március 5., csütörtök', '8:00'],
    );
    for my $wanted (sort keys %want) {
        my ($caption, $clock) = @{ $want{$wanted} };
        $clock = qr/\Q$clock\E/ if !ref $clock;
        my $r = ask("/booking/freebusy.html?start=${day}T08:00&end=${day}T10:00&slot=60", $wanted);
        like($r->{text}, qr{<caption>\Q$caption\E, <time datetime="2099-03-05T08:00:00\+01:00">$clock</time>}, "$wanted: the day, and hours");
        like($r->{text}, qr{<th scope="col"><time datetime="2099-03-05T08:00:00\+01:00">$clock</time></th>}, '  machines read the same everywhere');
    }
};

subtest 'the words of a page win over the browser' => sub {
    my $next = '<span data-owacal=next data-room=boardroom>x</span>';
    my $r = page('hu.html', "<!DOCTYPE html>\n<html lang=\"hu\"><title>é</title><p>$next", 'de');
    like($r->{text}, qr{<p><span data-owacal=next data-room=boardroom><span class="owacal-next \w+">(?:Szabad|Foglalt|A nap|Nem ismert)}, 'Hungarian, with no lang of its own');
    ok(!exists $r->{headers}{'content-language'}, 'what language the page is in is for its author to say');
    like($r->{headers}{vary}, qr/Accept-Language/, 'caches know');
    $r = page('it.html', "<html class=x lang='it-IT'>$next", 'fr');
    like($r->{text}, qr{<span lang="fr"><span class="owacal-next \w+">(?:Libre|Occup|Disponib)}, 'in a page of another language the browser decides, and the fragment says so');
    $r = page('no.html', "<html data-lang=hu>$next", 'de');
    like($r->{text}, qr{<span lang="de"><span class="owacal-next}, 'in one that keeps silent, too');
    $r = page('en.html', "<html data-lang=hu>$next");
    like($r->{text}, qr{data-room=boardroom><span class="owacal-next \w+">(?:Free|Whether)}, 'English of nobody needs no word');
    $r = page('own.html', "<html lang=hu><div data-owacal=grid data-lang='de-AT' data-room=boardroom>x</div>" . $next =~ s/next/next data-lang=tlh/r, 'en');
    like($r->{text}, qr{<div lang="de"><table class="owacal-grid">.*<th scope="col">Name</th>}s, "the author's word for one placeholder wins");
    unlike($r->{text}, qr{lang="hu"}, 'one that nobody speaks is none: the page\'s');
    $r = page('late.html', "<p>$next<html lang=fr>$next", 'hu');
    like($r->{text}, qr{<span lang="hu">.*<html lang=fr>}s, 'what comes later was not known then');
    $r = page('quoted.html', "<!-- <html lang=fr> --><html lang='de' lang=fr title=\"<html lang='hu'>\">$next", 'en');
    like($r->{text}, qr{data-room=boardroom><span class="owacal-next \w+">(?:Frei|Gebucht|Für|Ob)}, 'no comment and no value is a tag');
    $r = page('long.html', "<html lang='" . 'd' x 5000 . "'>$next", 'hu');
    like($r->{text}, qr{<span lang="hu">}, 'a long nothing is none');
    $r = page('wrong.html', "<html lang=de><div data-owacal=grid data-slot=3>mein</div>", 'en');
    like($r->{text}, qr{mein<small class="owacal-notice"[^>]*>Einige der gesendeten Angaben.* slot: 5 bis 1440 Minuten\. \(invalid-input\)}, 'notices, too');

    for (['de', 'Montag'], ['en-US', 'Sunday'], ['hu', 'hétfő']) {
        my ($lang, $day) = @$_;
        $r = page('week.html', "<html lang=$lang><div data-owacal=grid data-day=week data-days=7 data-slot=600>x</div>");
        my @captions = $r->{text} =~ /<caption>([^<]*)</g;
        is(scalar(@captions), 7, "$lang: a week");
        like($captions[0], qr/$day/, "  begins on $day");
    }

    $r = page('ssi/a.shtml', '<html lang="hu"><p><!--#owacal view="next" room="boardroom" -->|<!--#owacal view="next" room="boardroom" lang="fr" -->', 'de');
    like($r->{text}, qr{<p><span class="owacal-next \w+">(?:Szabad|Foglalt|A nap|Nem ismert).*\|<span lang="fr"><span class="owacal-next}s, 'the same through mod_include');
};

subtest 'what was booked, and what was not' => sub {
    my %f = (subject => "Österreich $evil", room => 'boardroom', start => '2099-03-05T10:00', duration => 60);
    my $r = post('de-DE', { %f, key => 'k1' });
    is($r->{status}, 303, 'booked');
    $r = ask($r->{headers}{location}, 'de-DE');
    like($r->{text}, qr{role="status">Die Buchung ist (?:bestätigt\.|eingetragen, aber der Raum hat sie noch nicht bestätigt\. \(der Raum hat nicht geantwortet\))<}, 'and said');
    unlike($r->{text}, qr{<script}, 'what others wrote is text');
    like($r->{text}, qr{<h1>Österreich &#34;&gt;&lt;script&gt;alert\(1\)&lt;/script&gt;&amp;\{name\}</h1>}, '  all of it, names in braces included');
    like($r->{text}, qr{<dt>Wann</dt><dd><time datetime="2099-03-05T10:00:00\+01:00">Do\., 5\. März 2099(?: um|,) 10:00</time>}, 'when');
    like($r->{text}, qr{<dt>Raum</dt><dd>Ülésterem \{start\} &lt;1&gt;: }, 'where');
    my ($ref) = $r->{text} =~ m{action="(/booking/bookings/[^"]+)"};
    like(ask($ref, 'hu')->{text}, qr{<h2>Módosítás</h2>.*<h2>Lemondás</h2>.*>Foglalás lemondása</a>}s, 'the same booking for somebody else');
    like(ask("$ref?cancel=1", 'hu')->{text}, qr{Lemondja ezt a foglalást\?.*<label for="owacal-reason">Indok }s, 'and the question before it is cancelled');
    like(ask('/booking/bookings.html?start=2099-03-05', 'fr')->{text}, qr{<h1>Mes réservations</h1>.*<th scope="col">Quand</th>.*Österreich}s, 'the list');

    $r = post('fr', { %f, key => 'k2' });
    is($r->{status}, 409, 'taken');
    like($r->{text}, qr{<html lang="fr">.*<p>La salle est occupée à ce moment\.</p>.*Rien n’a été réservé.*Ülésterem \{start\} &lt;1&gt;\x{a0}: occupé, <time datetime="2099-03-05T10:00:00\+01:00">jeu\. 5 mars 2099[^<]* 10:00</time> – <time[^>]*>11:00</time>\.}s,
        'in French') or diag $r->{text};
    like($r->{text}, qr{<p>Motif\x{a0}: room-taken, opération \w+</p>}, 'with the token for the help desk');
    like($r->{text}, qr{name="lang" value="fr"}, 'the form knows its language');
    $r = post('fr', { %f, key => 'k3', lang => 'hu' });
    is(lang($r), 'hu', "and that is the answer's, whatever the browser asks for");
    like($r->{text}, qr{A terem abban az időben foglalt\.}, '  its words, too');
    $r = post('de', { %f, start => '', key => 'k4' });
    like($r->{text}, qr{>Beginn: fehlt</a>}, 'a field is called what it is called in the form');
    $r = post('hu', { %f, start => 'x<y', key => 'k5' });
    like($r->{text}, qr{>Kezdés: dátum szükséges, vagy dátum és idő, például 2026-03-05T10:00}, 'with values in their places');
    $r = post('de', { %f, room => '<b>', key => 'k6' });
    like($r->{text}, qr{>Raum: „&lt;b&gt;“ ist kein konfigurierter Raum</a>}, 'and escaped');
    $r = post('de', { %f, start => '2027-03-28T02:30', tz => 'Europe/Berlin', key => 'k7' });
    like($r->{text}, qr{>Beginn: 2027-03-28T02:30 gibt es in Europe/Berlin nicht: Die Uhren werden dann vorgestellt</a>}, 'two values');
};

subtest 'what programs read' => sub {
    my $json = sub { my ($path, $wanted) = @_; return ask($path, $wanted, headers => { Accept => 'application/json' }) };
    for ('/booking/rooms', '/booking/freebusy?start=2099-03-05T08:00&end=2099-03-05T12:00', '/booking/bookings?start=2099-03-05') {
        my ($plain, $german) = map { $json->($_[0] // $_, undef) } $_;
        $german = $json->($_, 'de');
        is($german->{content}, $plain->{content}, "$_: the same in every language");
        ok(!exists $german->{headers}{'content-language'}, '  which it has not');
    }
    my $plain = $json->('/booking/freebusy?slot=3');
    my $r = $json->('/booking/freebusy?slot=3', 'hu');
    is($r->{json}{$_}, $plain->{json}{$_}, "a problem: $_") for qw(type status reason field);
    is($plain->{json}{title}, 'Some of the values sent are missing or wrong.', 'title in English');
    is($r->{json}{title}, 'A megadott adatok közül néhány hiányzik vagy hibás.', 'or as asked for');
    is($r->{json}{detail}, '5–1440 perc', 'and the detail');
    is($r->{headers}{'content-language'}, 'hu', 'which is said');
    $r = $json->('/booking/check', 'de');
    is_deeply([map { $_->{step} } @{ $r->{json}{steps} }], ['login', 'credential', 'what the server offers', 'what it answers', 'free/busy'], 'the self-test keeps its names');
    like(ask('/booking/check.html', 'de')->{text}, qr{<h2>was der Server anbietet</h2>.*<dt>Postfach</dt>}s, 'its page does not');
    unlike($web->log, qr/bestätigt|Angaben|foglalt/, 'the log is English');
};

$web->stop;
$sim->stop;
done_testing();
