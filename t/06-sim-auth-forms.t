#!/usr/bin/perl
# The logon form of Exchange 2003 in the simulator (rules 12 and 13).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SimRun;
use Test::More;

my $POST = '/exchweb/bin/auth/owaauth.dll';
my %form = ('Content-Type' => 'application/x-www-form-urlencoded');

sub body {
    my (%field) = (destination => 'http://x.test/exchange/', flags => 0, trusted => 0,
        SubmitCreds => 'Log On', @_);
    return join '&', map { "$_=" . SimRun::escape($field{$_}) } sort keys %field;
}

# Logs on; returns the cookies as a client should send them, and the reply.
sub logon {
    my ($sim, $user, $password, @more) = @_;
    my $r = $sim->once(POST => $POST, \%form, body(username => $user, password => $password, @more));
    my %cookie = map { /^([^=]+)=([^;]*)/ ? ($1 => $2) : () } @{ $r->{headers}{'set-cookie'} || [] };
    my $line = join '; ', map { "$_=$cookie{$_}" } sort keys %cookie;
    return wantarray ? ($line, $r, \%cookie) : $line;
}
sub with { return { Depth => 0, Cookie => $_[0] } }

sub is_440 {
    my ($r, $name) = @_;
    is("$r->{status} $r->{reason}", '440 Login Timeout', $name);
    my $gone = join "\n", @{ $r->{headers}{'set-cookie'} || [] };
    like($gone, qr/^sessionid=; path=\/; expires=Thu, 01-Jan-1970 00:00:00 GMT$/m, 'sessionid is deleted');
    like($gone, qr/^cadata=; path=\/; expires=Thu, 01-Jan-1970 00:00:00 GMT$/m, 'cadata is deleted');
    is_deeply($r->{headers}{connection}, ['close'], 'Connection: close');
}

subtest 'over plain http it is refused, unless allowed (rule 13)' => sub {
    my $sim = SimRun->start('--auth', 'forms');
    for my $try ([ GET => '/exchange/' ], [ POST => $POST ], [ PROPFIND => '/exchange/alice/' ]) {
        is($sim->once(@$try)->{status}, 403, "$try->[0] $try->[1]");
    }
};

my $sim = SimRun->start('--auth', 'forms', '--set', 'fba-plain=yes');
my $host = "$sim->{host}:$sim->{port}";

subtest 'without cookies (rule 12)' => sub {
    my $r = $sim->once(GET => '/exchange/alice/?Cmd=contents&x=1');
    is($r->{status}, 302, 'GET: a redirect');
    is($r->{headers}{location}[0], "http://$host/exchweb/bin/auth/owalogon.asp?url=http://$host"
        . '/exchange/alice/%3FCmd%3Dcontents%26x%3D1&reason=0', 'to the form');
    is_440($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0 }), 'PROPFIND');
    is_440($sim->once(GET => '/exchange/alice/', { Translate => 'f' }), 'GET with Translate: f');
    is($sim->once(GET => '/public/?Cmd=freebusy')->{status}, 302, '/public/ too');
    is_440($sim->once(PROPFIND => '/exchange/alice/',
            { Depth => 0, Authorization => 'Basic YWxpY2U6cHctYWxpY2U=' }), 'HTTP authentication does not work');
};

subtest 'the form' => sub {
    my $page = $sim->once(GET => "/exchweb/bin/auth/owalogon.asp?url=http://$host/exchange/%22%3E&reason=0");
    is($page->{status}, 200, 'page');
    like($page->{body}, qr/name="$_"/, "field $_") for qw(destination flags username password trusted SubmitCreds);
    like($page->{body}, qr/action="\Q$POST\E"/, 'its target');
    like($page->{body}, qr/value="http:\/\/\Q$host\E\/exchange\/&quot;&gt;"/, 'the destination is escaped');
    is($sim->once(GET => '/exchweb/bin/auth/owalogon.asp', { Translate => 'f' })->{status}, 403,
        'with Translate: f it is refused');
};

subtest 'a good logon' => sub {
    my ($cookies, $r, $set) = logon($sim, 'EXAMPLE\\alice', 'pw-alice');
    is($r->{status}, 302, 'answered by a redirect');
    is($r->{headers}{location}[0], 'http://x.test/exchange/', 'to the destination');
    like($set->{sessionid}, qr/^[0-9a-f-]{36},0x409$/, 'sessionid');
    like($set->{cadata}, qr/^"2,[A-Za-z0-9+\/=]+"$/, 'cadata, quotes and all');
    is($sim->once(PROPFIND => '/exchange/alice/', with($cookies))->{status}, 207, 'the cookies are good');
    is($sim->once(PROPFIND => '/exchange/bob/', with($cookies))->{status}, 403, 'for alice only');
    for my $wrong (
        [ 'without the quotes of cadata', join('; ', "sessionid=$set->{sessionid}", 'cadata=' . $set->{cadata} =~ s/"//gr) ],
        [ 'cadata alone', "cadata=$set->{cadata}" ],
        [ 'another session id', "sessionid=0,0x409; cadata=$set->{cadata}" ],
        [ 'one letter changed', "sessionid=$set->{sessionid}; cadata=" . $set->{cadata} =~ s/"$/x"/r ],
        [ 'nothing in it', 'sessionid=; cadata=' ]) {
        is($sim->once(PROPFIND => '/exchange/alice/', with($wrong->[1]))->{status}, 440, $wrong->[0]);
    }
    is($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0, Cookie =>
            [ "a=b; cadata=$set->{cadata}", "sessionid=$set->{sessionid}; c=\"d,e\"" ] })->{status}, 207,
        'among other cookies, in several headers');
};

subtest 'a bad logon looks the same until the cookies are used' => sub {
    for my $bad ([ 'alice', 'wrong' ], [ 'nobody', 'pw-alice' ], [ 'OTHER\\alice', 'pw-alice' ], [ 'alice', '' ]) {
        my ($cookies, $r) = logon($sim, @$bad);
        is($r->{status}, 302, "$bad->[0], $bad->[1]: redirect");
        ok(!$r->{headers}{'x-sim-auth'}, 'nothing in it tells');
        is_440($sim->once(PROPFIND => '/exchange/alice/', with($cookies)), 'the cookies are no good');
        my $page = $sim->once(GET => '/exchange/', with($cookies));
        is($page->{status}, 200, 'a GET');
        like($page->{body}, qr/name="logonForm"/, 'is answered with the form again');
    }
    my $r = $sim->once(POST => $POST, { 'Content-Type' => 'text/plain' },
        body(username => 'alice', password => 'pw-alice'));
    my ($cookie) = map { /^(cadata=[^;]*)/ } @{ $r->{headers}{'set-cookie'} };
    is($sim->once(PROPFIND => '/exchange/alice/', with($cookie))->{status}, 440, 'a body of another type');
    $sim->control(POST => '/_sim/settings?fba-refused=redirect');
    $r = $sim->once(GET => '/exchange/', with(scalar logon($sim, 'alice', 'wrong')));
    like($r->{headers}{location}[0], qr/&reason=2$/, 'or, if so set, by a redirect with reason 2');
    $sim->control(POST => '/_sim/settings?fba-refused=form');
};

subtest 'expiry' => sub {
    my $public = logon($sim, 'alice', 'pw-alice');
    my $private = logon($sim, 'alice', 'pw-alice', flags => 4, trusted => 4);
    is($sim->once(PROPFIND => '/exchange/alice/', with($_))->{status}, 207, 'fresh') for $public, $private;
    $sim->control(POST => '/_sim/clock?advance=600');
    is($sim->once(PROPFIND => '/exchange/alice/', with($_))->{status}, 207, 'after ten minutes') for $public, $private;
    $sim->control(POST => '/_sim/clock?advance=600');
    is($sim->once(PROPFIND => '/exchange/alice/', with($public))->{status}, 207, 'use keeps it alive');
    $sim->control(POST => '/_sim/clock?advance=1200');
    is_440($sim->once(PROPFIND => '/exchange/alice/', with($public)), 'public: gone after 20 idle minutes');
    is($sim->once(PROPFIND => '/exchange/alice/', with($private))->{status}, 207, 'private: not');
    $sim->control(POST => '/_sim/clock?advance=90000');
    is($sim->once(PROPFIND => '/exchange/alice/', with($private))->{status}, 440, 'but after a day');

    my ($one, $two) = map { scalar logon($sim, $_, "pw-$_") } qw(alice bob);
    $sim->fault('login-expired:2,user=alice');
    is($sim->once(PROPFIND => '/exchange/alice/', with($one))->{status}, 207, 'the first request is served');
    is_440($sim->once(PROPFIND => '/exchange/alice/', with($one)), 'the second finds the session gone');
    is($sim->once(PROPFIND => '/exchange/alice/', with($one))->{status}, 440, 'for good');
    is($sim->once(PROPFIND => '/exchange/bob/', with($two))->{status}, 207, 'bob\'s is not');
    is($sim->once(PROPFIND => '/exchange/alice/', with(scalar logon($sim, 'alice', 'pw-alice')))->{status}, 207,
        'a new logon works');
    $sim->no_faults;

    my $off = logon($sim, 'alice', 'pw-alice');
    like($sim->once(GET => '/exchange/alice/?Cmd=logoff', with($off))->{headers}{location}[0], qr/reason=1$/, 'log off');
    is($sim->once(PROPFIND => '/exchange/alice/', with($off))->{status}, 440, 'ends it');
    my $kept = logon($sim, 'alice', 'pw-alice');
    $sim->control(POST => '/_sim/reset');
    is($sim->once(PROPFIND => '/exchange/alice/', with($kept))->{status}, 440, 'so does a reset');
};

subtest 'a server that hands out cadata in parts' => sub {
    $sim->control(POST => '/_sim/settings?fba-parts=2');
    my ($cookies, undef, $set) = logon($sim, 'alice', 'pw-alice');
    ok($set->{cadata1}, 'cadata1');
    is($sim->once(PROPFIND => '/exchange/alice/', with($cookies))->{status}, 207, 'all of them are good');
    is($sim->once(PROPFIND => '/exchange/alice/', with("sessionid=$set->{sessionid}; cadata=$set->{cadata}"))->{status},
        440, 'a part is not');
};

done_testing;
