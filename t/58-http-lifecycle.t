#!/usr/bin/perl
# A module that waits for another server must let httpd live: every MPM, HTTP/2 streams, subrequests,
# graceful restarts and stops with operations under way, bounds that answer at once.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use Time::HiRes qw(time sleep);
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $sim = SimRun->start('--auth', 'basic', '--latency', 0);
my $url = '/booking/bookings';
my $no = 0;
sub booking { $no++; return { subject => "Meeting $no", room => 'room1', start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60 } }

# Requests in the background; the function returned waits for their replies.
sub side_by_side {
    my ($n, $code) = @_;
    my $wait = Httpd::in_background($n, sub { return Httpd::plain($code->(@_)) });
    return sub { return map { $_ // { status => 0 } } $wait->() };
}

sub statuses { my %n; $n{ $_->{status} }++ for @_; return join ' ', map { "$_:$n{$_}" } sort keys %n }

sub children { my ($web) = @_; my @pids = split ' ', `ps -o pid= --ppid $web->{pid}`; return @pids }

for my $mpm (qw(event worker prefork)) {
    my $web = Httpd->start(backend => $sim->{url}, mpm => $mpm, children => 3);
    my $r = $web->json('alice', POST => $url, booking());
    is($r->{status}, 201, "$mpm: books") or diag $r->{content};
    is($web->json('alice', GET => $r->{headers}{location})->{status}, 200, "$mpm: reads");
    ok($web->stop, "$mpm: stops");
    unlike($web->log, qr/exit signal|segfault|AH00045/i, "$mpm: cleanly");
}

subtest 'subrequests of mod_include' => sub {
    my $web = Httpd->start(backend => $sim->{url}, server => "Alias /intranet \@DIR\@/htdocs\n<Location /intranet>\n"
        . "AuthType Basic\nAuthName intranet\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\nRequire valid-user\n"
        . "Options +Includes\n</Location>");
    $web->write_file('htdocs/index.shtml', qq{<!DOCTYPE html>\n<html lang="en"><body><!--#include virtual="/booking/rooms.html" -->\n}
        . qq{<!--#include virtual="/booking/bookings/new.html?return=/intranet/done.shtml" --></body></html>\n});
    $web->write_file('htdocs/done.shtml', "<p>Done.</p>\n");
    my $r = $web->request(GET => '/intranet/index.shtml', user => 'alice', headers => { Accept => 'text/html' });
    is($r->{status}, 200, 'the page comes');
    like($r->{content}, qr/Board room/, 'with the rooms');
    like($r->{content}, qr/name="token"/, 'and the form');
    is(scalar(() = $r->{content} =~ /<html/g), 1, 'as parts of one document');
    my ($token) = $r->{content} =~ /name="token" value="([^"]+)"/;
    my ($key) = $r->{content} =~ /name="key" value="([^"]+)"/;
    $r = $web->request(POST => $url, user => 'alice', form => { %{ booking() }, token => $token, key => $key, return => '/intranet/done.shtml' });
    is($r->{status}, 303, 'which books');
    $r = $web->request(GET => $r->{headers}{location}, user => 'alice');
    is($r->{status}, 200, 'and comes back to the page');
};

SKIP: {
    skip 'h2load is not here (package nghttp2-client)', 1 if system('sh -c "command -v h2load" >/dev/null 2>&1');
    subtest 'HTTP/2 streams' => sub {
        my $slow = SimRun->start('--auth', 'basic', '--latency', 100);
        my $web = Httpd->start(backend => $slow->{url}, freshness => 0, http2 => 1, children => 2, server => 'OwaCalLimit per-user=100 waiting=100');
        my $auth = MIME::Base64::encode_base64('alice:pw-alice', '');
        my $out = `h2load -n 40 -c 2 -m 10 -H 'Authorization: Basic $auth' 'http://127.0.0.1:$web->{port}/booking/freebusy.json?who=room1' 2>&1`;
        like($out, qr/40 succeeded, 0 failed/, 'ten streams at a time on each of two connections are answered') or diag $out;
        like($out, qr/status codes: 40 2xx/, 'well');
        ok($web->stop, 'stops');
        unlike($web->log, qr/exit signal|segfault/i, 'cleanly');
    };
}

subtest 'a graceful restart loses nothing' => sub {
    my $slow = SimRun->start('--auth', 'basic', '--latency', 250);
    my $web = Httpd->start(backend => $slow->{url}, children => 2, server => 'OwaCalLimit per-user=100');
    my @before = children($web);
    my $wait = side_by_side(8, sub { my ($i) = @_; $no = 100 + 10 * $i;
        return $web->json('alice', POST => $url, { %{ booking() }, room => [], required => 'bob@example.test' }) });
    sleep 0.6;
    $web->signal('USR1');
    my @got = $wait->();
    is(statuses(@got), '201:8', 'operations under way end well');
    sleep 1;
    my $r = $web->json('alice', GET => '/booking/rooms');
    is($r->{status}, 200, 'and the server goes on');
    my %old = map { $_ => 1 } @before;
    my $deadline = time + 15;
    sleep 0.2 while time < $deadline && grep { $old{$_} } children($web);
    is(scalar(grep { $old{$_} } children($web)), 0, 'the old children have gone');
    is($web->json('alice', GET => $got[0]{headers}{location})->{status}, 200, 'addresses from before it still work');
    # The ledger is kept: free/busy of this simulator lags, so only the ledger knows.
    unlike($web->log, qr/exit signal|segfault/i, 'no child crashed');
};

subtest 'the ledger outlives a graceful restart' => sub {
    my $lag = SimRun->start('--auth', 'basic', '--lag', 900, '--set', 'room-delay=100000');
    my $web = Httpd->start(backend => $lag->{url}, server => 'OwaCalTimeout answer=200ms');
    my $b = booking();
    is($web->json('alice', POST => $url, $b)->{status}, 201, 'booked');
    $web->signal('USR1');
    sleep 1.5;
    is($web->json('bob', POST => $url, { %$b, subject => 'Another' })->{status}, 409, 'still refused to others');
};

subtest 'a stop does not wait for a slow server' => sub {
    my $slow = SimRun->start('--auth', 'basic', '--latency', 4000);
    my $web = Httpd->start(backend => $slow->{url}, children => 2, server => 'OwaCalLimit per-user=100');
    my $wait = side_by_side(6, sub { return $web->json('alice', GET => '/booking/freebusy?who=room1') });
    sleep 0.8;
    my $began = time;
    ok($web->stop, 'it ends by itself');
    cmp_ok(time - $began, '<', 6, 'before the parent has to kill') or diag time - $began;
    my @got = $wait->();
    is(scalar(grep { $_->{status} == 200 } @got), 0, 'nobody gets a made-up answer') or diag statuses(@got);
    unlike($web->log, qr/AH00045|AH00046|exit signal|segfault/i, 'no child had to be killed');
};

subtest 'MaxConnectionsPerChild with operations under way' => sub {
    my $slow = SimRun->start('--auth', 'basic', '--latency', 50);
    my $web = Httpd->start(backend => $slow->{url}, freshness => 0, children => 2, threads => 8,
        server => "MaxConnectionsPerChild 5\nOwaCalLimit per-user=100");
    my @all;
    for my $round (1 .. 3) {
        push @all, side_by_side(10, sub { return $web->json('alice', GET => '/booking/freebusy?who=room1') })->();
    }
    is(statuses(@all), '200:30', 'every request is answered');
    unlike($web->log, qr/exit signal|segfault/i, 'no child crashed');
    ok($web->stop, 'stops');
};

subtest 'bounds answer at once' => sub {
    my $slow = SimRun->start('--auth', 'basic', '--latency', 1500);
    my $web = Httpd->start(backend => $slow->{url}, freshness => 0, children => 1, threads => 16,
        server => 'OwaCalLimit waiting=4 per-user=2');
    my $wait = side_by_side(5, sub { my ($i) = @_; my $began = time;
        my $r = $web->json('alice', GET => '/booking/freebusy?who=room1'); $r->{json}{took} = time - $began; return $r });
    my @got = $wait->();
    is(scalar(grep { $_->{status} == 200 } @got), 2, 'one person gets his share') or diag statuses(@got);
    my @over = grep { $_->{status} == 429 } @got;
    is(scalar(@over), 3, 'and no more');
    is(scalar(grep { $_->{headers}{'retry-after'} } @over), 3, 'with Retry-After');
    is(scalar(grep { $_->{json}{reason} eq 'too-many-requests' } @over), 3, 'and the reason');
    my @people = qw(alice bob carol zoltan);
    $wait = side_by_side(8, sub { my ($i) = @_; return $web->json($people[$i % 4], GET => '/booking/freebusy?who=room1') });
    @got = $wait->();
    is(scalar(grep { $_->{status} == 200 } @got), 4, 'the child takes as many as it may') or diag statuses(@got);
    is(scalar(grep { $_->{status} == 503 && $_->{json}{reason} eq 'busy' && $_->{headers}{'retry-after'} } @got), 4, 'the others get 503 and Retry-After');
};

subtest 'every wait has a deadline' => sub {
    my $dead = SimRun->start('--auth', 'basic', '--fault', 'silence');
    my $web = Httpd->start(backend => $dead->{url}, server => 'OwaCalTimeout connect=1s step=1s operation=2s undo=1s answer=200ms');
    my $began = time;
    my $r = $web->json('alice', GET => '/booking/freebusy?who=room1');
    is("$r->{status} $r->{json}{reason}", '504 upstream-timeout', 'a silent server is a time-out');
    cmp_ok(time - $began, '<', 5, 'within its deadline');
    $began = time;
    $r = $web->json('alice', POST => $url, booking());
    is($r->{status}, 504, 'a booking, too') or diag $r->{content};
    cmp_ok(time - $began, '<', 7, 'within its deadline');
    my $none = Httpd->start(backend => 'http://127.0.0.1:' . Httpd::free_port());
    $r = $none->json('alice', GET => '/booking/freebusy?who=room1');
    is("$r->{status} $r->{json}{reason}", '503 upstream-unavailable', 'a server that is not there');
    ok($r->{headers}{'retry-after'}, 'with Retry-After');
};

subtest 'figures for a monitoring system' => sub {
    my $web = Httpd->start(backend => $sim->{url});
    $web->json('alice', POST => $url, booking());
    my $r = $web->request(GET => '/owacal-status');
    is($r->{status}, 200, 'owacal-status answers');
    like($r->{content}, qr/^owacal_operations_total\{act="book",reason="ok"\} 1$/m, 'with what was done');
    my %help = map { $_ => 1 } $r->{content} =~ /^# HELP (\w+)/mg;
    my @nameless = grep { !$help{$_} } $r->{content} =~ /^(\w+)[ {]/mg;
    is("@nameless", '', 'every figure is explained');
};
done_testing();
