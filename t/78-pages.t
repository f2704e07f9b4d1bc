#!/usr/bin/perl
# The shipped pages as conf/owacal.conf serves them, to people of four languages: which page the browser's
# language chooses, that addresses go on to be those without a language, that a form that failed comes
# back in the page of that language, and that one language alone will do. No browser needed.
use strict;
use warnings;
use utf8;
use Encode qw(decode);
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use Pages;
use SimRun;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;

my $pages = Httpd::root() . '/conf/pages';
my $dir = tempdir('owacal-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
make_path(map { "$dir/$_" } qw(german start));
# What an administrator does who wants one language; and a start page that has the form in it.
for my $page (@Pages::PAGES) {
    copy("$pages/$page.de", "$dir/german/$page") or die "$page: $!";
}
for my $lang (@Pages::LANGUAGES) {
    copy("$pages/book.html.$lang", "$dir/start/index.html.$lang") or die "$lang: $!";
}
copy("$pages/index.html.hu", "$dir/german/index.html.hu") or die $!;

my $sim = Pages::simulator($dir, '--lag', '0');
my $web = Httpd->start(backend => $sim->{url}, http2 => 1, Pages::served(
    before => qq{Alias "/intranet/german" "$dir/german"\nAlias "/intranet/start" "$dir/start"\n},
    lines => <<'E2'));
<LocationMatch "^/intranet/german/check\.html">
  Options +Includes
  SetOutputFilter INCLUDES;OWACAL
</LocationMatch>
<Location "/intranet/german">
  RequestHeader set Accept-Language de
</Location>
E2

sub slurp { my ($file) = @_; open my $in, '<:encoding(UTF-8)', $file or die "$file: $!"; local $/; return scalar <$in> }
sub title { my ($text) = @_; return ($text =~ m{<title>([^<]*)</title>})[0] // 'none' }
sub lang { my ($r) = @_; return ($r->{text} =~ /<html lang="([^"]*)"/)[0] // 'none' }
sub ask {
    my ($method, $path, $wanted, %o) = @_;
    my $r = $web->request($method, $path, user => 'alice', %o,
        headers => { Accept => 'text/html', defined $wanted ? ('Accept-Language' => $wanted) : (), %{ $o{headers} // {} } });
    $r->{text} = decode('UTF-8', $r->{content});
    return $r;
}
sub post {
    my ($wanted, $fields) = @_;
    return ask(POST => '/booking/bookings', $wanted, form => { token => $web->token('alice'), %$fields });
}

# What all of these have in common, whoever answers.
sub is_in {
    my ($r, $lang, $file, $what) = @_;
    is(lang($r), $lang, "$what: in its language") or diag $r->{text};
    is(title($r->{text}), title(slurp("$pages/$file.$lang")), '  with its words');
    is($r->{headers}{'content-language'}, $lang, '  which is said');
    like($r->{headers}{'content-type'}, qr{^text/html; ?charset=utf-8$}i, '  in UTF-8');
    like($r->{headers}{'content-security-policy'}, qr/^default-src 'none'/, '  under the policy');
    unlike($r->{text} =~ s/<html lang="$lang"//r, qr/\slang="/, '  nothing in it is in another');
    unlike($r->{text}, qr/\.html\.\w/, '  and no address says which');
}

my %who = (en => 'Who', de => 'Name', fr => 'Nom', hu => 'Név');
for my $lang (@Pages::LANGUAGES) {
    subtest "every page: $lang" => sub {
        for my $page (@Pages::PAGES) {
            my $r = ask(GET => "/intranet/$page", $lang);
            is($r->{status}, 200, $page);
            is_in($r, $lang, $page, $page);
            is($r->{headers}{'cache-control'}, 'private, no-cache', '  asked for anew each time');
            ok(!exists $r->{headers}{$_}, "  no $_") for qw(etag last-modified accept-ranges);
            my %vary = map { lc $_ => 1 } split /,\s*/, $r->{headers}{vary} // '';
            ok($vary{'accept-language'}, '  caches know');
            is($r->{headers}{refresh}, $page eq 'panel.html' ? 60 : undef, '  the door asks again, and no other');
            unlike($r->{text}, qr/<!--#|owacal-notice/, '  all is filled');
            like($r->{text}, qr/<section class="owacal">.*<dd>alice</s, '  mod_include ran') if $page eq 'check.html';
        }
        my $r = ask(GET => '/intranet/', $lang);
        is_in($r, $lang, 'index.html', 'the folder');
        like($r->{text}, qr{<th scope="col">$who{$lang}</th>}, 'fragments speak as the page does');
    };
}

subtest 'which one it is' => sub {
    for ([undef, 'en'], ['hu-HU,hu;q=0.9,en;q=0.8', 'hu'], ['hu-HU', 'hu'], ['de-AT', 'de'], ['fr-CA,fr;q=0.5', 'fr'], ['it', 'en'], ['*', 'en'],
        ['it, de;q=0.1', 'de'], ['en;q=0.3, hu;q=0.8, de;q=0.5', 'hu'], ['de;q=0, fr;q=0.001', 'fr'], ['de"><b>', 'en'], ['x' x 3000, 'en']) {
        my ($wanted, $lang) = @$_;
        my $r = ask(GET => '/intranet/book.html', $wanted);
        is("$r->{status} " . lang($r), "200 $lang", defined $wanted ? substr($wanted, 0, 40) : 'nothing');
    }
    my $r = ask(GET => '/intranet/book.html.hu', 'de');
    is(lang($r), 'hu', 'the very file, by its own name');
    like($r->{text}, qr{name="return" value="/intranet/book\.html\.hu"}, '  which it keeps');
    $r = ask(HEAD => '/intranet/book.html', 'hu');
    is("$r->{status} $r->{headers}{'content-language'}", '200 hu', 'HEAD');
    SKIP: {
        skip 'curl is not here', 1 if system('sh -c "command -v curl" >/dev/null 2>&1');
        my $out = `curl -s -i --noproxy '*' --http2-prior-knowledge -u alice:pw-alice -H 'Accept-Language: hu' $web->{origin}/intranet/index.html`;
        like(decode('UTF-8', $out), qr{^HTTP/2 200.*content-language: hu.*<html lang="hu">.*szabad}s, 'HTTP/2');
    }
};

subtest 'a form that fails' => sub {
    my $no = 0;
    for my $lang (@Pages::LANGUAGES) {
        for my $back ('/intranet/book.html', '/intranet/start/', '/intranet/book.html?x=1') {
            my $r = ask(GET => $back, $lang);
            my ($return) = $r->{text} =~ /name="return" value="([^"]*)"/;
            is($return, $back, "$lang: the form comes back to $back");
            $r = post($lang, { subject => "Ő & <$lang>", room => 'boardroom', start => 'x', return => $return, lang => $lang });
            is($r->{status}, 422, '  it fails');
            is_in($r, $lang, 'book.html', '  in the page');
            like($r->{text}, qr/name="subject" value="Ő &amp; &lt;$lang&gt;"/, '  nothing typed is lost');
            like($r->{text}, qr/name="return" value="\Q$back\E"/, '  and goes there again');
            is($r->{headers}{'cache-control'}, 'private, no-store', '  not to be kept');
            ok(!exists $r->{headers}{$_}, "  no $_, which would be the page's") for qw(content-location tcn alternates etag last-modified);
        }
        my $day = sprintf '2099-03-%02d', ++$no;
        my $r = post($lang, { subject => 'x', room => 'boardroom', start => "${day}T10:00", duration => 30, return => '/intranet/book.html' });
        like($r->{headers}{location}, qr{^/intranet/book\.html\?owacal=}, "$lang: one that does not leads there");
        $r = ask(GET => $r->{headers}{location}, $lang);
        is_in($r, $lang, 'book.html', '  the page');
        like($r->{text}, qr/data-owacal="message"><span class="owacal-message[^>]*role="status">/, '  says it is booked');
    }
    unlike($web->log, qr/OWACAL0650/, 'and never in a page of our own');
};

subtest 'one language alone' => sub {
    for my $page (@Pages::PAGES) {
        my $r = ask(GET => "/intranet/german/$page", 'hu');
        is("$r->{status} " . lang($r), '200 de', "$page, whatever the browser asks for");
        unlike($r->{text} =~ s/<html lang="de"//r, qr/\slang="|önellenőrzés/i, '  all of it');
        like($r->{text}, qr/<h2>Selbsttest/, '  what is included, too') if $page eq 'check.html';
    }
    my $r = post('hu', { subject => 'x', room => 'boardroom', start => 'x', return => '/intranet/german/book.html', lang => 'de' });
    is("$r->{status} " . lang($r), '422 de', 'a form that fails');
    like($r->{text}, qr/>Beginn: /, '  says why in it');
};

unlike($web->log, qr/\[\w+:(?:error|crit|alert|emerg)\]|exit signal/, 'httpd has no error in its log');
$web->stop;
$sim->stop;
done_testing();
