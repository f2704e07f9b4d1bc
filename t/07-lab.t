#!/usr/bin/perl
# The realms that other tests run in are what they say: MIT's with a file and with a directory. What is
# wrong here would make those tests prove nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Httpd;
use Realm;
use Test::More;
use Time::HiRes qw(sleep time);

my $why = Realm->skip_reason('mit');
plan skip_all => $why if $why;

sub alive { my ($pid) = @_; return Realm::slurp("/proc/$pid/stat") =~ /\) [^Z]/ }
sub gone_within {
    my ($seconds, @what) = @_;
    my $deadline = time + $seconds;
    sleep 0.05 while time < $deadline && grep { /^\d+$/ ? alive($_) : -e } @what;
    return !grep { /^\d+$/ ? alive($_) : -e } @what;
}
# Whether the front may act for that user towards that service; needs no ticket of the user's.
sub may_act {
    my ($realm, $user, $service) = @_;
    my $cache = $realm->ticket('HTTP/intranet.test', keytab => $realm->{keytab}{front});
    return system("kvno -q -k '$realm->{keytab}{front}' -c '$cache' -U $user -P $service 2>/dev/null") == 0 ? 'yes' : 'no';
}
sub klist { my ($realm, @args) = @_; local $ENV{TZ} = 'UTC'; return scalar `KRB5_CONFIG=$realm->{config} klist @args 2>&1` }
sub kinit_within {
    my ($config, $seconds) = @_;
    return system("echo pw-bob | KRB5_CONFIG='$config' timeout $seconds kinit -c MEMORY: bob >/dev/null 2>&1") >> 8;
}

for my $kind (qw(mit ldap)) {
    subtest $kind => sub {
        my $why = Realm->skip_reason($kind);
        plan skip_all => $why if $why;
        my $realm = Realm->start(kind => $kind, users => 3, ticket_life => '20s');
        local $ENV{KRB5_CONFIG} = $realm->{config};
        like(klist($realm, '-f', $realm->{cache}{$_}), qr/Default principal: $_\@INTRANET\.TEST/, "$_ has a ticket") for qw(alice bob carol);
        like(klist($realm, '-f', $realm->{cache}{alice}), qr/Flags: F/, 'it can be forwarded');
        unlike(klist($realm, '-f', $realm->{cache}{carol}), qr/Flags: F/, "carol's cannot");
        like(klist($realm, $realm->ticket('u03')), qr/u03\@/, 'more users');
        is(eval { $realm->ticket('u04') }, undef, '  as many as asked for');
        like($@, qr/no ticket for u04: .*not found/, '  ...');
        is(eval { $realm->ticket('bob', password => 'pw-alice') }, undef, 'a wrong password');
        isnt($realm->ticket('bob'), $realm->ticket('bob'), 'each ticket is in a cache of its own');
        like(klist($realm, '-kte', $realm->{keytab}{$_}), qr/aes256/, "the $_ server has a key") for qw(front back other);
        unlike(klist($realm, '-kte', $realm->{keytab}{back}), qr/arcfour/, '  and no RC4 one');
        my $yes = $kind eq 'ldap' ? 'yes' : 'no';
        is($realm->{s4u2proxy}, $yes eq 'yes' ? 1 : 0, "constrained delegation: $yes");
        is(may_act($realm, 'bob', 'HTTP/exchange.test'), $yes, '  for bob to the calendar server');
        is(may_act($realm, 'carol', 'HTTP/exchange.test'), 'no', '  not for carol');
        is(may_act($realm, 'bob', 'HTTP/other.test'), 'no', '  not to another server');

        my $service = $realm->ticket('HTTP/intranet.test', keytab => $realm->{keytab}{front}, life => '8h');
        is(system('klist', '-s', '-c', $service), 0, 'a ticket for which a time was asked lives on');
        my $short = $realm->path('cc/short');
        system 'kinit', '-k', '-t', $realm->{keytab}{front}, '-c', $short, 'HTTP/intranet.test';
        my ($from, $to) = klist($realm, $short) =~ m{(\d\d:\d\d:\d\d)  \S+ (\d\d:\d\d:\d\d)};
        my $seconds = sub { my ($h, $m, $s) = split /:/, shift; return ($h * 60 + $m) * 60 + $s };
        is(($seconds->($to) - $seconds->($from)) % 86400, 20, '  others the short time that was set');

        my $kdc = $realm->kdc_pid;
        $realm->kdc_stop;
        is(eval { $realm->ticket('bob') }, undef, 'stopped');
        like($@, qr/Cannot contact any KDC/, '  nobody answers');
        $realm->kdc_start;
        ok($realm->ticket('bob'), 'started again, on the same port');
        isnt($realm->kdc_pid, $kdc, '  another process');
        $realm->kdc_freeze;
        is(kinit_within($realm->{config}, 1), 124, 'frozen: one waits');
        $realm->kdc_thaw;
        ok($realm->ticket('bob'), 'thawed');
        my ($dir, $pid) = ($realm->{dir}, $realm->kdc_pid);
        $realm->stop;
        ok(gone_within(20, $dir, $pid), 'gone');
    };
}

subtest 'an account with an RC4 key only' => sub {
    my $realm = Realm->start(rc4 => 1);
    my ($keys) = klist($realm, '-kte', $realm->{keytab}{back});
    like($keys, qr/arcfour/, 'it has one');
    unlike($keys, qr/aes/, '  and no other');
    my $cache = $realm->ticket('alice');
    is(system("KRB5_CONFIG=$realm->{config} kvno -q -c $cache HTTP/exchange.test"), 0, 'a ticket for it');
    like(klist($realm, '-e', $cache), qr{HTTP/exchange\.test\@INTRANET\.TEST\n\s+Etype \(skey, tkt\): \S*aes\S*, \S*arcfour}, '  is in RC4');

    # the same realm by other ways
    is(kinit_within($realm->silent_config('closed'), 20), 1, 'a KDC that refuses connections: known at once');
    is(kinit_within($realm->silent_config($_), 1), 124, "$_: one waits") for qw(silent dropped);
    is(eval { $realm->silent_config('loud') }, undef, 'nothing else');
};

subtest 'side by side' => sub {
    my @got = Httpd::side_by_side(2, sub {
        my $realm = Realm->start;
        return { dir => $realm->{dir}, port => $realm->{kdc_port}, ticket => $realm->ticket('alice') ? 1 : 0 };
    });
    is($got[0]{ticket} + $got[1]{ticket}, 2, 'two realms at once');
    isnt($got[0]{port}, $got[1]{port}, '  on ports of their own');
    ok(gone_within(20, map { $_->{dir} } @got), '  gone with the process, even one that runs no END');
};

subtest 'a test that is killed' => sub {
    pipe my $r, my $w or die;
    my $pid = fork // die;
    if (!$pid) {
        close $r;
        my $realm = Realm->start;
        $realm->kdc_freeze;
        syswrite $w, join(' ', $realm->{dir}, $realm->kdc_pid) . "\n";
        sleep 1000;
    }
    close $w;
    my ($dir, $kdc) = split ' ', readline $r;
    ok(-d $dir && alive($kdc), 'its realm is there, and even frozen');
    kill 'KILL', $pid;
    waitpid $pid, 0;
    ok(gone_within(30, $dir, $kdc), 'and goes with it');
};

subtest 'what cannot be' => sub {
    is(eval { Realm->start(kind => 'novell') }, undef, 'another kind');
    like($@, qr/mit, ldap, ad/, '  it says which there are');
    my $lab = "$FindBin::Bin/lab";
    is(system("'$lab/kdc-up.sh' 2>/dev/null") >> 8, 64, 'no directory');
};

done_testing;
