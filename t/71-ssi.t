#!/usr/bin/perl
# <!--#owacal view=".." -->: the same fragments by mod_include, with its variables; the page's headers;
# what is wrong is mod_include's error text and a line in the log.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $sim = SimRun->start('--auth', 'basic');
my $web = Httpd->start(backend => $sim->{url},
    rooms => "OwaCalRoom boardroom boardroom\@example.test name=\"\xc3\x9cl\xc3\xa9sterem\"\nOwaCalRoom room1 room1\@example.test\n", children => 1,
    server => <<'E');
<Location "/intranet">
  @LOGIN@
  Options +Includes
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity basic upstream=basic
  OwaCalTimezone Europe/Budapest
  OwaCalFreshness 0
</Location>
<Location "/intranet/both">
  SetOutputFilter INCLUDES;OWACAL
</Location>
<Location "/bare">
  Options +Includes
</Location>
E
mkdir "$web->{dir}/htdocs/$_" for qw(intranet intranet/both bare);
sub get {
    my ($name, $text, $user) = @_;
    $web->write_file("htdocs/$name", $text);
    return $web->request(GET => "/$name", user => $user);
}
sub newest { my ($max) = sort { $b <=> $a } map { $_->{id} } $sim->requests; return $max }
sub lines { my ($id) = @_; return scalar(() = $web->log =~ /OWACAL$id/g) }

my $r = get('intranet/a.shtml', '<p>a<!--#set var="where" value="boardroom" --><!--#owacal view="grid" room="${where}" day="+5" slot="120" -->'
    . '|<!--#owacal view="next" room="room1" -->|<!--#if expr="false" --><!--#owacal view="mine" --><!--#endif -->z', 'alice');
is($r->{status}, 200, 'the page is served');
like($r->{content}, qr{^<p>a<table class="owacal-grid">.*<th scope="row">&#220;l&#233;sterem</th>.*</table>\s*\|<span class="owacal-next \w+">.*</span>\s*\|z$}s,
    'elements are filled, variables expanded, what is not printed is not asked');
unlike($r->{content}, qr/room1<\/th>/, 'one room only');
is($r->{headers}{'cache-control'}, 'private, no-cache', 'for this person only');
ok(!exists $r->{headers}{$_}, "no $_") for qw(etag last-modified);
ok(!grep({ $_->{method} eq 'SEARCH' } $sim->requests), 'my calendar was not looked at');

my $last = newest();
$r = get('intranet/b.shtml', join('', map { "<!--#owacal view='grid' day='+$_' slot='600' from='09:00' to='19:00' -->\n" } 1 .. 4)
    . "<!--#owacal view='next' room='boardroom' --><!--#owacal view='next' room='room1' -->", 'alice');
is(() = $r->{content} =~ /<table|owacal-next/g, 6, 'several elements');
is(scalar(grep { $_->{id} > $last } $sim->requests), 5, 'of one day ask once, though mod_include passes them on one by one');
$sim->fault('slow=1500:1-5');
$last = newest();
$r = $web->request(GET => '/intranet/b.shtml', user => 'alice');
$sim->no_faults;
my %connections = map { $_->{connection} => 1 } grep { $_->{id} > $last } $sim->requests;
cmp_ok(scalar(keys %connections), '>=', 4, 'and side by side');

$r = get('intranet/c.shtml', 'a<!--#owacal view="zip" -->b<!--#owacal room="x" -->c<!--#owacal view="next" rom="x" -->d', 'alice');
like($r->{content}, qr{^a\[an error[^\]]*\]b\[an error[^\]]*\]c<small class="owacal-notice"[^>]*>.*is no parameter of next.*</small>\s*d$}s, 'mistakes are shown');
is(lines('0599'), 2, 'and logged');
is(lines('0598'), 1, 'a missing view=, too');

$r = get('intranet/both/a.html', '<div data-owacal="next" data-room="<!--#echo var="nothing" -->room1">x</div><!--#owacal view="next" room="room1" -->', 'alice');
like($r->{content}, qr{>x<small.*</div><span class="owacal-next}s, 'both ways in one page');
$web->write_file('htdocs/intranet/both/part.html', '<div data-owacal="next" data-room="room1">x</div>');
$r = get('intranet/both/b.html', 'a<!--#include virtual="part.html" -->z', 'alice');
like($r->{content}, qr{^a<div data-owacal="next" data-room="room1"><span class="owacal-next[^<]*<[^>]*>[^<]*</span>|^a<div data-owacal="next" data-room="room1"><span class="owacal-next \w+">[^<]*</span>\s*</div>z$}s,
    'an included page is filled once, with the page around it');

$web->write_file('htdocs/intranet/part.shtml', '<!--#owacal view="next" room="room1" -->+');
$r = get('intranet/d.shtml', '(<!--#include virtual="part.shtml" --><!--#include virtual="part.shtml" -->)<!--#owacal view="next" room="room1" -->', 'alice');
like($r->{content}, qr{^\((<span class="owacal-next.*</span>\s*\+){2}\)<span class="owacal-next.*</span>\s*$}s, 'elements in included pages');

$r = get('bare/a.shtml', 'a<!--#owacal view="next" room="room1" -->b');
like($r->{content}, qr/^a\[an error[^\]]*\]b$/, 'nothing configured');
like($web->log, qr{OWACAL0596: /bare/a.shtml: .* no OwaCalUse}, 'the log says what is missing');
$web->stop;

$sim->stop;
done_testing();
