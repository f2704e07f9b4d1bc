#!/usr/bin/perl
# A form comes back with everything typed in it even where nobody can be found for whom to act, or nothing
# on which: in its page if that can be made and a page of ours sent it, else in one of our own. What comes
# from elsewhere is not shown to anybody.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8);
use FindBin qw($Bin);
use POSIX ();
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $sim = SimRun->start('--auth', 'basic', '--lag', '0');
my $login = <<'E2';
  @LOGIN@
E2
my $good = "  OwaCalUse corp\n  OwaCalIdentity basic upstream=basic\n  OwaCalTimezone Europe/Budapest\n";
my $web = Httpd->start(backend => $sim->{url}, children => 1, passwords => { alice => 'pw-alice', 'team/x' => 'pw-x' },
    location => "OwaCalIdentity basic upstream=basic\n  OwaCalTimezone Europe/Budapest\n  OwaCalReturn /intranet", server => <<"E2");
<Location "/intranet">
$login$good  OwaCalBase /booking
  OwaCalReturn /intranet
  SetOutputFilter OWACAL
</Location>
<Location "/nomailbox">
$login$good  SetHandler owacal
  OwaCalMailbox "%{REMOTE_USER}/x"
  OwaCalReturn /intranet
</Location>
<Location "/nobackend">
$login  SetHandler owacal
  OwaCalBase /nobackend
  OwaCalIdentity basic upstream=basic
  OwaCalReturn /intranet
</Location>
<LocationMatch "^/nobase/">
$login$good  SetHandler owacal
  OwaCalReturn /intranet
</LocationMatch>
<Location "/nologin">
  SetHandler owacal
$good  OwaCalReturn /intranet
</Location>
E2
mkdir "$web->{dir}/htdocs/intranet";
my $page = '<!DOCTYPE html><p>of the intranet</p><div data-owacal=message></div><div data-owacal=form>no form</div><div data-owacal=mine data-days=31>none</div>';
$web->write_file('htdocs/intranet/home.html', $page);
$web->write_file('htdocs/intranet/none.html', '<p>of the intranet</p>');

my %named = (lt => '<', gt => '>', amp => '&', quot => '"');
sub plain { my ($s) = @_; return decode_utf8($s) =~ s/&#(\d+);/chr $1/ger =~ s/&(lt|gt|amp|quot);/$named{$1}/gr }
sub typed {
    my ($r) = @_;
    my ($form) = $r->{content} =~ m{(<form [^>]*class="owacal-(?:form|cancel)".*?</form>)}s or return {};
    my %v = (' action' => ($form =~ /action="([^"]*)"/)[0]);
    while ($form =~ /<input ([^>]*)>/g) {
        my %a = $1 =~ /([a-z-]+)="([^"]*)"/g;
        $v{ $a{name} } = plain($a{value} // '') if $a{type} ne 'checkbox' || exists $a{checked};
    }
    while ($form =~ m{<textarea [^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>}gs) { my ($k, $t) = ($1, $2); $v{$k} = plain($t) }
    ($v{room}) = map { plain($_) } $form =~ /<option value="([^"]*)" selected/;
    return \%v;
}
sub reason { my ($r) = @_; return ($r->{content} =~ /Reason: ([a-z-]+)/)[0] // '' }

my $day = POSIX::strftime('%Y-%m-%d', gmtime(time + 20 * 86400));
my $secret = 'a meeting of the board';
is($web->json('alice', POST => '/booking/bookings', { subject => $secret, start => "${day}T08:00", duration => 30 })->{status}, 201, 'something that is hers alone');
my $evil = qq{"'><script>alert(1)</script>&amp;<!--#owacal view="mine" --><div data-owacal=mine>\x{202e}\x{1f4c5}};
my %form = (subject => $evil, room => 'boardroom', date => $day, start => '10:00', duration => '30', required => "$evil 2", text => "one\n$evil", private => 1,
    location => 'x', reminder => '15', key => 'k', tz => 'Europe/Budapest', return => '/intranet/home.html');
my @ours = (Origin => $web->{origin}, 'Sec-Fetch-Site' => 'same-origin');
my @fields = grep { $_ ne 'return' } sort keys %form;
sub post { my ($to, $fields, $who, @headers) = @_; return $web->request(POST => $to, form => $fields, headers => {@headers}, $who ? (user => $who) : ()) }

sub is_back {
    my ($r, $status, $reason, $in_page, $what) = @_;
    is("$r->{status} " . reason($r), "$status $reason", "$what: $status $reason") or diag $r->{content};
    my $v = typed($r);
    is($v->{$_}, $form{$_}, "  typed: $_") for @fields;
    unlike($r->{content}, qr/<script|<div data-owacal=mine>\x{202e}/, '  text is text');
    is($r->{headers}{'cache-control'}, 'private, no-store', '  not to be kept');
    ($in_page ? \&like : \&unlike)->($r->{content}, qr/of the intranet/, $in_page ? '  in its page' : '  in a page of our own');
    return $v;
}

my $n = 0;
my %wrong = (nomailbox => [403, 'no-mailbox'], nobackend => [500, 'misconfigured'], 'nobase/x' => [500, 'misconfigured']);
for my $where (sort keys %wrong) {
    subtest $where => sub {
        my $url = "/$where/bookings";
        my $token = $web->token('alice');
        my $r = post($url, { %form, token => $token }, 'alice', @ours);
        is_back($r, @{ $wrong{$where} }, 1, 'sent by a page of ours');
        like($r->{content}, qr/\Q$secret\E/, '  with all that stands in it');
        like($r->{content}, qr{<div data-owacal=message><span class="owacal-message owacal-error"}, '  the message is told');
        is(typed($r)->{' action'}, '/booking/bookings', "  to be sent where that page's form is");
        is(post('/booking/bookings', { %{ typed($r) }, required => '', text => '', subject => "of $where", key => $where, start => 11 + $n++ . ':00' }, 'alice', @ours)->{status}, 303, '  where it can be booked');

        $r = post($url, { %form, token => $token, return => '/intranet/none.html' }, 'alice', @ours);
        my $v = is_back($r, @{ $wrong{$where} }, 0, 'a page that has no place for it');
        is($v->{' action'}, $url, '  to be sent there once more');
        is($v->{token}, $token, '  with the token it came with');
        is($v->{return}, '/intranet/none.html', '  and to come back there');
        is_back(post($url, { %form, token => $token, return => '/else/where' }, 'alice', @ours), @{ $wrong{$where} }, 0, 'a page that may not be come back to');

        $r = post("$url/some.ref", { %form, token => $token, action => 'update' }, 'alice', @ours);
        is_back($r, @{ $wrong{$where} }, 1, 'a change');
        is(typed($r)->{' action'}, '/booking/bookings/some.ref', '  of the same booking');
        $r = post("$url/some.ref", { token => $token, action => 'cancel', reason => $evil, return => '/intranet/none.html' }, 'alice', @ours);
        is(typed($r)->{reason}, $evil, 'a cancellation, with its reason');
        is(typed($r)->{' action'}, "$url/some.ref", '  of the same booking');

        # Whoever sends it from elsewhere sees nothing of it, nor does he see her calendar.
        for my $h ([Origin => 'https://evil.example'], ['Sec-Fetch-Site' => 'cross-site'], [Origin => 'null'], [Origin => $web->{origin}, 'Sec-Fetch-Site' => 'cross-site']) {
            $r = post($url, { %form, token => $token }, 'alice', @$h);
            is(reason($r), $wrong{$where}[1], "@$h: the problem");
            unlike($r->{content}, qr/alert\(1\)|\Q$secret\E|<form/, '  and nothing else');
        }
        # A browser that does not say where it comes from: the token does, if it is known whose it must be.
        $r = post($url, { %form, token => $token }, 'alice');
        is_back($r, @{ $wrong{$where} }, $where eq 'nomailbox', 'an old browser, with a token');
        for my $bad ('', '1.x', $token =~ s/^(\d)/$1 ^ 1/er) {
            $r = post($url, { %form, token => $bad }, 'alice');
            is_back($r, @{ $wrong{$where} }, 0, "with a token that is not hers ('$bad')");
            unlike($r->{content}, qr/\Q$secret\E/, '  and nothing of hers beside it');
        }
        $r = $web->json('alice', POST => $url, { subject => $evil });
        is($r->{headers}{'content-type'}, 'application/problem+json', 'a program gets a problem');
        is($r->{json}{reason}, $wrong{$where}[1], '  with its reason');
        $r = post("/$where/people", \%form, 'alice', @ours);
        unlike($r->{content}, qr/alert\(1\)/, 'what takes no form shows none');
    };
}

subtest 'nobody in particular' => sub {
    my $r = post('/nologin/bookings', \%form, undef, @ours);
    is_back($r, 500, 'not-authenticated', 0, 'no login');
    unlike($r->{content}, qr/Board room|Room 1/, 'a stranger is not told which rooms there are');
    $r = post('/booking/bookings', { %form, token => 'x' }, 'team/x', @ours);
    is_back($r, 403, 'no-mailbox', 0, 'a name that is no mailbox');
    $r = $web->request(POST => '/nologin/bookings', body => 'x' x 5_000_000, headers => { 'Content-Type' => 'application/x-www-form-urlencoded', Accept => 'text/html', @ours });
    is("$r->{status} " . reason($r), '500 not-authenticated', 'too much of it');
    $r = $web->request(POST => '/nologin/bookings', body => "subject=%ff%fe&text=%00%0d%0a&room=\x01&token=" . 't' x 5000,
        headers => { 'Content-Type' => 'application/x-www-form-urlencoded', Accept => 'text/html', @ours });
    is($r->{status}, 500, 'rubbish');
    unlike($r->{content}, qr/[\x00\x01\xfe\xff]/, '  is not passed on');
};
unlike($web->log, qr/child pid \d+ exit signal|AddressSanitizer|\Q$secret\E|alert/, 'no child died, and no subject is in the log');
$web->stop;
done_testing();
