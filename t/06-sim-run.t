#!/usr/bin/perl
# The launcher of the simulator: one line when it answers, nothing left behind, clear errors.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use SimRun;
use Test::More;
use Time::HiRes qw(sleep time);

my $run = "$FindBin::Bin/sim/run";
$ENV{TMPDIR} = tempdir(CLEANUP => 1);
chmod 0755, $ENV{TMPDIR};
sub left_over { return join ' ', glob "$ENV{TMPDIR}/owasim-*" }
sub gone {
    my ($pid) = @_;
    for (1 .. 100) { return 1 unless kill 0, $pid; sleep 0.1 }
    return 0;
}
sub slurp { open my $h, '<', $_[0] or return ''; local $/; return scalar <$h> }
sub httpd_of {
    my ($dir) = @_;
    open my $h, '<', "$dir/httpd.pid" or return 0;
    chomp(my $pid = <$h>);
    return $pid;
}

subtest 'start and stop' => sub {
    my %sim = map { ($_ => SimRun->start) } 'TERM', 'INT';
    isnt($sim{TERM}{port}, $sim{INT}{port}, 'two beside each other');
    my $taken = SimRun->try_start('--port', $sim{INT}{port});
    like($taken->{error}, qr/Address already in use/, 'a port that is taken');
    my %httpd = map { ($_ => httpd_of($_)) } glob "$ENV{TMPDIR}/owasim-*";
    is(keys %httpd, 2, 'only those that run have files');
    for my $signal (sort keys %sim) {
        my $sim = $sim{$signal};
        like($sim->{url}, qr{^http://127\.0\.0\.1:\d+/$}, 'its URL');
        is($sim->once(GET => '/_sim/ping')->{status}, 200, 'it answers when it says so');
        is($sim->stop($signal), 0, "SIG$signal: status 0");
    }
    ok($_ && gone($_), 'httpd is gone') for values %httpd;
    is(left_over(), '', 'and so are its files');
};

subtest 'nothing is left when it is killed' => sub {
    my $sim = SimRun->start;
    my ($dir) = glob "$ENV{TMPDIR}/owasim-*";
    my $httpd = httpd_of($dir);
    $sim->stop('KILL');
    ok(gone($httpd), 'httpd ends');
    for (1 .. 50) { last unless left_over(); sleep 0.1 }
    is(left_over(), '', 'its files go');
};

subtest 'it ends when httpd does, or the child of httpd' => sub {
    my $sim = SimRun->start;
    my ($dir) = glob "$ENV{TMPDIR}/owasim-*";
    my $httpd = httpd_of($dir);
    my ($child) = split ' ', slurp("/proc/$httpd/task/$httpd/children");
    ok($child, 'httpd has its child');
    kill 'KILL', $httpd;
    ok($sim->ended(10), 'the launcher ends');
    isnt($sim->{status} >> 8, 0, 'with an error');
    ok(gone($child), 'the child of httpd, too');
    is(left_over(), '', 'nothing left');

    $sim = SimRun->start;
    ($dir) = glob "$ENV{TMPDIR}/owasim-*";
    $httpd = httpd_of($dir);
    ($child) = split ' ', slurp("/proc/$httpd/task/$httpd/children");
    kill 'SEGV', $child;
    ok($sim->ended(10), 'it ends when the child that holds the mailboxes does') or $sim->stop;
    isnt(($sim->{status} // 0) >> 8, 0, '... with an error');
    like(join('', readline $sim->{err}), qr/all mailboxes/, '... that says so');
    ok(gone($httpd), '... and with httpd');
    is(left_over(), '', 'nothing left');
};

subtest 'options' => sub {
    my $dir = tempdir(CLEANUP => 1);
    my $sim = SimRun->start('--dir', "$dir/kept", '--latency', 200, '--lag', 77, '--set', 'version=6.0.6249', '--set',
        'domain=OTHER "quoted" \\name');
    my $t = time;
    my $r = $sim->once(PROPFIND => '/exchange/alice/', { Depth => 0 });
    ok(time - $t >= 0.2, '--latency');
    is($r->{headers}{'ms-webstorage'}[0], '6.0.6249', '--set');
    my $settings = $sim->control(GET => '/_sim/settings');
    is($settings->{lag}{value}, 77, '--lag');
    is($settings->{domain}{value}, 'OTHER "quoted" \\name', 'a value with quotes');
    $sim->fault('silence');
    is($sim->connect->timeout(0.5)->request(GET => '/exchange/')->{error}, 'silent', 'a request that hangs');
    $t = time;
    $sim->stop;
    ok(time - $t < 6, '... does not hold up the end');
    ok(-s "$dir/kept/error.log", '--dir is kept');

    my $help = `'$run' --help`;
    like($help, qr/^  --$_\b/m, "--help tells of --$_")
        for qw(port auth keytab users latency lag fault tls ca-out set dir build);
    like($help, qr/^  reset-after-write$/m, 'and of each fault');
    like($help, qr/NAME\[=ARG\]\[:SELECTOR/, 'and of the grammar');
};

subtest 'wrong options stop it with a reason' => sub {
    for my $bad ([ '--auth', 'x' ], [ '--port', 70000 ], [ '--set', 'nosuch=1' ], [ '--set', 'lag=x' ], [ '--set', 'lag' ],
        [ '--fault', 'nosuch' ], [ '--users', '/nonexistent' ], [ '--nosuch' ], ['word'], [ '--set', "lag=1\nListen 80" ],
        [ '--workers', 0 ]) {
        my $failed = SimRun->try_start(@$bad);
        ok(!$failed->{url} && $failed->{status}, "@$bad" =~ s/\n/ /r);
        ok(length $failed->{error}, 'says ' . ($failed->{error} =~ /^(.*?)\n?$/m)[0]);
    }
    is(left_over(), '', 'nothing is left of them');
};

subtest 'TLS' => sub {
    plan skip_all => 'curl is not installed' unless grep { -x "$_/curl" } split /:/, $ENV{PATH};
    my $dir = tempdir(CLEANUP => 1);
    my $sim = SimRun->start('--tls', '--ca-out', "$dir/ca.pem", '--auth', 'forms');
    like($sim->{url}, qr{^https://127\.0\.0\.1:\d+/$}, 'its URL');
    my $curl = sub { my $out = `curl -sS -m 10 --noproxy '*' -o /dev/null -D - -w '%{http_code}' @_ 2>&1`; return $out };
    for my $name ('127.0.0.1', 'localhost', 'exchange.test') {
        like($curl->("--cacert $dir/ca.pem --connect-to ::127.0.0.1:$sim->{port} https://$name:$sim->{port}/_sim/ping"), qr/200$/, "certificate for $name");
    }
    like($curl->("--cacert $dir/ca.pem --connect-to ::127.0.0.1:$sim->{port} https://other.test:$sim->{port}/_sim/ping"), qr/000$/, 'not for another name');
    like($curl->("https://127.0.0.1:$sim->{port}/_sim/ping"), qr/000$/, 'not trusted without its CA');
    like($curl->("--cacert $dir/ca.pem $sim->{url}exchange/"), qr{302$}, 'the logon form works over it');
    my $logon = $curl->("--cacert $dir/ca.pem -d 'username=alice&password=pw-alice&destination=x' $sim->{url}exchweb/bin/auth/owaauth.dll");
    like($logon, qr/^Set-Cookie: cadata="2,[^"]+"; path=\/; HttpOnly; secure\r$/m, 'with secure cookies');
};

subtest 'as an ordinary user' => sub {
    my @who = getpwnam('nobody');
    plan skip_all => 'needs root to become somebody else' if $> || !@who;
    for (my $up = "$FindBin::RealBin/sim"; $up ne '/'; $up =~ s{/[^/]*$}{} || last, $up ||= '/') {
        plan skip_all => "others cannot read $up" unless (stat $up)[2] & 1;
    }
    my $dir = tempdir(CLEANUP => 1);
    chmod 0755, $dir;
    chown $who[2], $who[3], $dir;
    # built already, by the tests above; copied with its times, so that make finds nothing to do
    my $build = $ENV{OWASIM_BUILD} || "$FindBin::Bin/../.build/sim";
    is(system('cp', '-a', $build, "$dir/build"), 0, 'a copy of the module');
    system 'chown', '-R', 'nobody', "$dir/build";
    my $pid = open my $h, '-|';
    if (!$pid) {
        $( = $) = "$who[3] $who[3]";
        ($<, $>) = ($who[2], $who[2]);
        $ENV{TMPDIR} = $dir;
        chdir '/';
        exec $^X, $run, '--build', "$dir/build" or POSIX::_exit(127);
    }
    my $line = <$h> // '';
    like($line, qr{^http://127\.0\.0\.1:\d+/$}, 'starts');
    kill 'TERM', $pid;
    close $h;
    is($?, 0, 'stops');
    is(join(' ', glob "$dir/owasim-*"), '', 'cleans up');
};

done_testing;
