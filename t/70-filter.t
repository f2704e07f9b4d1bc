#!/usr/bin/perl
# The output filter OWACAL: placeholders are filled, everything else stays byte for byte, whoever makes
# the page and however it arrives; the headers are right; look-ups run side by side; nothing that goes
# wrong with the calendar harms a page.
use strict;
use warnings;
use POSIX ();
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $location = <<'E';
  @LOGIN@
  Options +Includes +ExecCGI
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity basic upstream=basic
  OwaCalTimezone Europe/Budapest
  OwaCalReturn /intranet
E

sub web {
    my ($url, %o) = @_;
    my $web = Httpd->start(backend => $url, http2 => 1, children => 1,
        modules => [qw(bucketeer cgi proxy proxy_http deflate)],
        rooms => "OwaCalRoom boardroom boardroom\@example.test name=\"\xc3\x9cl\xc3\xa9sterem <1>\"\n"
            . "OwaCalRoom room1 room1\@example.test\n",
        server => <<"E", %o);
<Location "/intranet">
$location  SetOutputFilter OWACAL
</Location>
<Location "/intranet/bits">
  SetOutputFilter BUCKETEER;OWACAL
</Location>
<Location "/intranet/ssi">
  SetOutputFilter INCLUDES;OWACAL
</Location>
<Location "/intranet/latin">
  AddDefaultCharset ISO-8859-2
</Location>
<Location "/intranet/utf8">
  AddDefaultCharset UTF-8
</Location>
<Location "/intranet/wide">
  AddDefaultCharset UTF-16LE
</Location>
<Location "/plain/gz">
  SetOutputFilter DEFLATE
</Location>
<Location "/plain/cached">
  Header set Cache-Control "public, max-age=600, no-transform"
</Location>
<Location "/open">
  SetOutputFilter OWACAL
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity basic
</Location>
<Location "/bare">
  SetOutputFilter OWACAL
</Location>
ProxyPass /intranet/proxied/ http://127.0.0.1:\@PORT\@/plain/
<Directory "\@DIR\@/htdocs/intranet/cgi">
  SetHandler cgi-script
</Directory>
E
    mkdir "$web->{dir}/htdocs/$_" for qw(intranet plain open bare), map { "intranet/$_" } qw(bits ssi latin utf8 wide cgi);
    mkdir "$web->{dir}/htdocs/plain/$_" for qw(gz cached);
    return $web;
}

my $sim = SimRun->start('--auth', 'basic', '--lag', '0');
my $day = POSIX::strftime('%Y-%m-%d', gmtime(time + 5 * 86400));
my $web = web($sim->{url});
sub page { my ($name, $text) = @_; $web->write_file("htdocs/$name", $text); return "/$name" }
sub get { my ($path, %o) = @_; return $web->request($o{method} // 'GET', $path, user => 'alice', %o) }
sub newest { my ($max) = sort { $b <=> $a } map { $_->{id} } $sim->requests; return $max }
sub lines { my ($id) = @_; return scalar(() = $web->log =~ /OWACAL$id/g) }

my $grid = '<div class=a data-owacal="grid" data-day="+5" data-slot=120 data-room="boardroom">no <b>grid</b></div>';
my $before = "<!DOCTYPE html>\r\n<title><div data-owacal=grid></title>\n<p>\xff\xfe\0 &nbsp;<!-- $grid -->";
my $after = "<script>x='$grid'</script><textarea>$grid</textarea><template>$grid</template></body >\n\n";
my $want = qr{^\Q$before\E<div class=a data-owacal="grid" data-day="\+5" data-slot=120 data-room="boardroom"><table class="owacal-grid">(.*?)</table>\n</div>\Q$after\E$}s;

subtest 'a static page' => sub {
    my $r = get(page('intranet/a.html', $before . $grid . $after));
    is($r->{status}, 200, 'is served');
    like($r->{content}, $want, 'byte for byte the same but for the placeholder');
    my ($table) = $r->{content} =~ $want;
    like($table, qr{<caption>.*Europe/Budapest</caption>}, 'the table has a caption');
    is(() = $table =~ m{<th scope="col">}g, 6, 'and headers of its columns');
    like($table, qr{<th scope="row">&#220;l&#233;sterem &lt;1&gt;</th>}, 'and rows, in references without a charset');
    is(() = $table =~ m{<td class="free"><a href="/booking/bookings/new\?room=boardroom&amp;start=\S+&amp;end=\S+" aria-label="free: book [^"]+">free</a></td>}g,
        5, 'a free slot leads to the form and says so in a word');
    is($r->{headers}{'cache-control'}, 'private, no-cache', 'for this person only');
    ok(!exists $r->{headers}{$_}, "no $_") for qw(etag last-modified accept-ranges);
    is($r->{headers}{'content-length'}, length $r->{content}, 'the length is that of the filled page');

    my $head = get('/intranet/a.html', method => 'HEAD');
    is($head->{headers}{$_} // '', $r->{headers}{$_} // '', "HEAD: $_") for qw(cache-control etag last-modified content-type vary);
    ok(!exists $head->{headers}{'content-length'}, 'HEAD: no length of the unfilled page');
    my $n = () = $sim->requests;
    get('/intranet/a.html', method => 'HEAD');
    is(scalar(() = $sim->requests), $n, 'HEAD asks the calendar nothing');

    like(get('/intranet/a.html', headers => { 'If-Modified-Since' => 'Fri, 01 Jan 2100 00:00:00 GMT', 'If-None-Match' => '*' })->{content},
        $want, 'conditions do not hold it back');
    $r = get('/intranet/a.html', headers => { Range => 'bytes=0-9' });
    is($r->{status}, 200, 'no range of the unfilled page');
    like($r->{content}, $want, 'but all of it');
};

subtest 'whoever makes the page' => sub {
    page("plain/$_", $before . $grid . $after) for qw(a.html gz/a.html cached/a.html);
    like(get('/intranet/proxied/a.html')->{content}, $want, 'proxied');
    my $r = get('/intranet/proxied/cached/a.html');
    is($r->{headers}{'cache-control'}, 'private, no-cache, no-transform', 'what the origin said of caching the unfilled page has gone');
    ok(!exists $r->{headers}{etag}, 'and its ETag');
    $r = get('/intranet/proxied/gz/a.html', headers => { 'Accept-Encoding' => 'gzip' });
    is($r->{headers}{'content-encoding'}, 'gzip', 'a compressed one');
    is(lines('0591'), 1, 'is left alone, and the log says why');
    like(get('/intranet/proxied/gz/a.html')->{content}, $want, 'but not when the browser takes none');

    like(get(page('intranet/ssi/a.html', $before . '<!--#set var="d" value="+5" -->' . ($grid =~ s/\+5/<!--#echo var="d" -->/r) . $after))->{content},
        $want, 'made by mod_include');

    my $script = page('intranet/cgi/a.pl', "#!$^X\n\$| = 1; print qq{Content-Type: text/html\\n\\n};\nlocal \$/; for (split /(?<=e)/, <DATA>) { print; select undef, undef, undef, 0.01 }\n__DATA__\n$before$grid$after");
    chmod 0755, "$web->{dir}/htdocs$script";
    like(get($script)->{content}, $want, 'by a program, bit by bit');
};

subtest 'however it is cut' => sub {
    my $plain = get('/intranet/a.html')->{content};
    my $page = $before . $grid . $after;
    for my $size (1, 2, 7, 40) {
        for my $mark ("\x02", "\x10", "\x06") {    # of mod_bucketeer: a bucket, a brigade, a flush
            my @parts = $page =~ /(.{1,$size})/gs;
            my $r = get(page("intranet/bits/$size.html", join $mark, @parts));
            my $same = $r->{content} eq $plain;
            ok($same, sprintf 'pieces of %d by mark %d', $size, ord $mark) or diag substr $r->{content}, 0, 400;
        }
    }
    my $big = "<p>" . ("0123456789abcdef" x 65536 . "\n") x 3;
    my $r = get(page('intranet/big.html', "$before$grid$big$grid$after"));
    is(length $r->{content}, length("$before$grid$big$grid$after") + 2 * (length($plain) - length $page), 'a page of 3 MB');
    $r = get(page('intranet/many.html', $grid x 20 . $big));
    like($r->{content}, qr/\Q$big\E$/, 'many placeholders before much text');
};

subtest 'side by side, and once' => sub {
    get('/intranet/a.html');    # signed in
    my $path = page('intranet/twenty.html', join '', map { "<li data-owacal=next data-who=p$_\@example.test>old</li>" } 1 .. 20);
    my $last = newest();
    my $r = get($path);
    is(() = $r->{content} =~ /owacal-next/g, 20, 'twenty of twenty people');
    is(scalar(grep { $_->{id} > $last } $sim->requests), 1, 'are one question');

    $path = page('intranet/days.html', join '', map { "<div data-owacal=grid data-day=+$_ data-slot=600>old</div>" } 1 .. 20);
    $last = newest();
    $sim->fault('slow=1500:1-20');
    $r = get($path);
    $sim->no_faults;
    is(() = $r->{content} =~ /<table/g, 20, 'twenty different days');
    my @asked = grep { $_->{id} > $last } $sim->requests;
    is(scalar(@asked), 20, 'are twenty questions');
    my %connections = map { $_->{connection} => 1 } @asked;
    is(scalar(keys %connections), 20, 'under way at one time: each on a connection of its own')
        or diag map { "$_->{connection} $_->{ms} $_->{method} $_->{target}\n" } @asked;

    $path = page('intranet/same.html', '<div data-owacal=grid data-slot=30>1</div><div data-owacal=grid data-room=room1>2</div>'
        . '<span data-owacal=next data-room=boardroom>3</span><div data-owacal=mine>4</div><div data-owacal=mine>5</div>');
    $last = newest();
    $r = get($path);
    is(() = $r->{content} =~ /<table|owacal-next|owacal-nothing/g, 5, 'five fragments');
    @asked = grep { $_->{id} > $last && $_->{target} =~ /freebusy/ } $sim->requests;
    is(scalar(@asked), 1, 'free/busy of one day is asked once');
    @asked = grep { $_->{id} > $last && $_->{method} eq 'SEARCH' } $sim->requests;
    is(scalar(@asked), 1, 'and the calendar');
};

subtest 'charsets' => sub {
    my $text = "\xc1rv\xedz$grid";
    like(get(page('intranet/latin/a.html', $text))->{content}, qr/^\xc1rv\xedz<div.*&#220;l&#233;sterem.*<\/div>$/s, 'ISO-8859-2: in references');
    like(get(page('intranet/utf8/a.html', $grid))->{content}, qr/\xc3\x9cl\xc3\xa9sterem/, 'UTF-8: as it is');
    my $n = lines('0591');
    is(get(page('intranet/wide/a.html', $grid))->{content}, $grid, 'UTF-16: left alone');
    is(lines('0591'), $n + 1, 'with a line in the log');
    is(get(page('intranet/a.css', $grid))->{content}, $grid, 'no page at all');
    is(lines('0591'), $n + 1, 'is no matter for the log');
};

subtest 'what cannot be filled' => sub {
    my $r = get(page('intranet/odd.html', join "\n", '<div data-owacal="zip">a</div>', '<div data-owacal="grid" data-rom="x">b</div>',
        '<div data-owacal=grid data-room=nowhere>c</div>', '<span data-owacal=mine>d</span>',
        '<div data-owacal=grid data-slot="<b>">e</div>', '<div data-owacal=next data-room="room1 boardroom">f</div>',
        '<div data-owacal=form data-return=//evil.example/>g</div>', '<div data-owacal=grid data-days=31 data-slot=5>h</div>',
        '<div data-owacal=message>i</div>', '<div data-owacal=grid>j'));
    my $c = $r->{content};
    like($c, qr{^<div data-owacal="zip">a</div>$}m, 'an unknown kind: nothing is said in the page');
    like($c, qr{>b<small class="owacal-notice" role="note">[^<]*rom: is no parameter of grid; known are room, who,[^<]*\(invalid-input\)</small>}, 'an unknown parameter');
    like($c, qr{>c<small[^>]*>[^<]*not a configured room\S* \(unknown-room\)</small>}, 'an unknown room');
    like($c, qr{>d<small[^>]*>[^<]*cannot stand in a span}, 'a table in a sentence');
    like($c, qr{>e<small[^>]*>[^<]*slot: a whole number}, 'a hostile parameter');
    like($c, qr{>f<small[^>]*>[^<]*one room is wanted}, 'two rooms where one is wanted');
    like($c, qr{>g<small[^>]*>[^<]*\(return-refused\)}, 'a way back to elsewhere');
    like($c, qr{>h<small[^>]*>[^<]*too large a table}, 'a table that is too large');
    like($c, qr{^<div data-owacal=message>i</div>$}m, 'no message: the author\'s text stays');
    like($c, qr{^<div data-owacal=grid>j$}m, 'not closed: untouched');
    is(lines('0593'), 1, 'one line for the wrong ones');
    is(lines('0594'), 1, 'and one for the open one');

    $c = get(page('intranet/51.html', join '', map { "<li data-owacal=next data-room=room1>$_</li>" } 1 .. 60))->{content};
    is(() = $c =~ /owacal-next/g, 50, 'fifty are filled');
    like($c, qr{<li data-owacal=next data-room=room1>51</li>.*<li data-owacal=next data-room=room1>60</li>$}, 'the rest is untouched');
    is(lines('0594'), 2, 'with one line');

    my $fill = 'x' x 70_000;
    my $wide = "<div data-owacal=grid data-room='" . 'y' x 1_000_000 . "'>z</div><div data-owacal=grid>$fill</div>";
    ok(get(page('intranet/wide.html', $wide))->{content} eq $wide, 'beyond all bounds: byte for byte the same');
    is(lines('0594'), 3, 'with one line');

    is(get(page('open/a.html', $grid), user => undef)->{content}, $grid, 'nobody signed in: untouched');
    ok(get('/open/a.html', user => undef)->{headers}{etag}, 'headers, too');
    is(lines('0592'), 2, 'with a line in the log');
    is(get(page('bare/a.html', $grid), user => undef)->{content}, $grid, 'nothing configured: untouched');
    like($web->log, qr{OWACAL0590: /bare/a.html is not filled: its location has no OwaCalUse}, 'and the log says what is missing');
};

subtest 'the form, a booking, the message' => sub {
    my $path = page('intranet/form.html', '<div data-owacal=message></div><div data-owacal=form data-room=room1></div><div data-owacal=form data-subject="A &amp; B"></div>');
    my $c = get("$path?x=1&owacal-start=${day}T10:00&owacal-end=${day}T11:00&owacal-subject=%3Cb%3E")->{content};
    like($c, qr{name="date" value="$day".*name="start" value="10:00"}s, 'the query fills what the author left open');
    like($c, qr{name="subject" value="&lt;b&gt;"}, 'as text');
    like($c, qr{name="subject" value="A &amp; B"}, 'and not what he said');
    like($c, qr{id="owacal-subject".*id="owacal2-subject"}s, 'ids differ');
    my %field = $c =~ /type="hidden" name="(\w+)" value="([^"]*)"/g;
    my $r = $web->request(POST => '/booking/bookings', user => 'alice', form => { token => $field{token}, key => $field{key},
        return => $field{return}, subject => 'S', room => 'room1', start => "${day}T10:00", end => "${day}T11:00" });
    is($r->{status}, 303, 'it books') or diag $r->{content};
    like($r->{headers}{location}, qr{^/intranet/form\.html\?x=1&owacal=}, 'and comes back to the page it stood in, with its query');
    like(get($r->{headers}{location})->{content}, qr{<div data-owacal=message><span class="owacal-message" role="status">The booking is}, 'which says so');
    unlike($web->request(GET => $r->{headers}{location}, user => 'bob')->{content}, qr/The booking is/, 'but not to somebody else');
    $c = get(page('intranet/day.html', '<div data-owacal=grid data-room=room1></div><div data-owacal=grid data-day=today></div>')
        . "?id=7&owacal-day=$day")->{content};
    like($c, qr{<td class="busy">busy</td>}, 'the grid shows it on that day');
    like($c, qr{href="\?id=7&amp;owacal-day=\d{4}-\d\d-\d\d">Next day}, 'links to other days keep the page\'s own query');
    is(() = $c =~ /Next week/g, 1, 'a fixed day has none');
    is(() = get("/intranet/day.html?owacal-room=room1&owacal-who=x\@y.example")->{content} =~ /<th scope="row">/g, 3,
        'the query has no say in what is none of its business');
    like(get(page('intranet/now.html', '<div data-owacal=grid data-room=room1 data-day=today data-from=00:00 data-to=24:00></div>'))->{content},
        qr{aria-current="time"}, 'today has a mark at this hour');
    like(get(page('intranet/spring.html', '<div data-owacal=grid data-room=room1 data-day=2099-03-29 data-from=2:30 data-to=5:00></div>'))->{content},
        qr{<th scope="col">(?:<time[^>]*>)?03:00}, 'a grid from an hour that the clocks leave out begins with the next');
    like(get('/intranet/day.html?owacal-day=never')->{content}, qr{day: today, tomorrow}, 'a day that is none');
};

subtest 'HTTP/2' => sub {
    plan skip_all => 'no curl' if !grep { -x "$_/curl" } split /:/, $ENV{PATH};
    my $url = "http://127.0.0.1:$web->{port}/intranet/a.html";
    my @got = Httpd::side_by_side(3, sub { `curl -s --http2-prior-knowledge -u alice:pw-alice $url` =~ $want ? 1 : 0 });
    is("@got", '1 1 1', 'streams are filled, too');
    like(`curl -s -i --http2-prior-knowledge -u alice:pw-alice $url`, qr{^HTTP/2 200.*cache-control: private, no-cache}s, 'with the same headers');
};
my $log = $web->log;
$web->stop;
unlike($log, qr/child pid \d+ exit signal|AddressSanitizer|OWACAL01\d\d/, 'no child died');

subtest 'the calendar is down' => sub {
    $sim->stop;
    $web = web($sim->{url}, timeout => 20);
    my $r = get(page('intranet/a.html', "a$grid<div data-owacal=form></div><span data-owacal=next data-room=room1>?</span>z"));
    is($r->{status}, 200, 'the page is there');
    like($r->{content}, qr{^a<div[^>]*>no <b>grid</b><small class="owacal-notice" role="note">[^<]* \(upstream-unavailable, operation [0-9a-f]{16}\)</small>\s*</div>},
        'what the author wrote stays, with a quiet notice');
    like($r->{content}, qr{<form .*<span data-owacal=next data-room=room1>\?<small .*</span>z$}s, 'what needs no calendar is filled');
    my ($op) = $r->{content} =~ /operation ([0-9a-f]{16})/;
    like($web->log, qr/OWACAL0540: \[op $op\]/, 'the log has the operation');
    $web->stop;
};
done_testing();
