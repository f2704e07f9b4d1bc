#!/usr/bin/perl
# A calendar server that is broken, overloaded or not what it says it is: every answer to it is a
# plain error within its deadline, nothing else is contacted, no child crashes or swells, no write is
# sent twice, and nobody sees what is somebody else's.
use strict;
use warnings;
use utf8;
use FindBin qw($Bin);
use IO::Select;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(time);
use lib "$Bin/lib";
use Httpd;
use SimRun;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;
my $deadline = 9;    # operation and undo time, and something for a busy machine
my $sim = SimRun->start('--auth', 'basic');
my $web = Httpd->start(backend => $sim->{url}, freshness => 0, children => 1, threads => 16,
    server => "OwaCalTimeout connect=500ms step=1500ms operation=4s undo=2s answer=200ms\nOwaCalLimit response=4194304");
my ($child) = split ' ', `ps -o pid= --ppid $web->{pid}`;

# Nobody may ever knock here.
my $decoy = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "decoy: $!";
my $elsewhere = '127.0.0.1%3A' . $decoy->sockport;
sub nobody_knocked { ok(!IO::Select->new($decoy)->can_read(0), "$_[0]: no other host was contacted"); return }

sub memory {
    open my $in, '<', "/proc/$child/status" or return 0;
    return (map { /^VmHWM:\s+(\d+)/ ? $1 : () } <$in>)[0] / 1024;
}

my $no = 0;
sub booking { $no++; return { subject => "Meeting $no", room => 'room1', start => sprintf('2027-06-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60 } }

my %r = (subject => 'Árvíztűrő <b>tükör</b>', start => '2027-03-05T10:00', end => '2027-03-05T11:00');
my $where = $web->json('alice', POST => '/booking/bookings', \%r)->{headers}{location} // die 'no booking to begin with';
my %reads = (
    'free/busy' => '/booking/freebusy?who=room1',
    'my calendar' => '/booking/bookings?start=2027-03-01T00:00&end=2027-03-10T00:00',
    'a booking' => $where,
);

# One read while the server behaves like that.
sub reading {
    my ($what, @faults) = @_;
    $sim->fault($_) for @faults;
    my $began = time;
    my $r = $web->json('alice', GET => $reads{$what});
    my $took = time - $began;
    $sim->no_faults;
    my $short = "$r->{status} " . ($r->{json}{reason} // ($r->{json} ? 'data' : '?'));
    return ($short, $took, $r);
}

# Each must be one of these, in time, and the next request must be served again.
sub each_read {
    my ($name, $faults, $want) = @_;
    my @wrong;
    for my $what (sort keys %reads) {
        my ($got, $took, $r) = reading($what, @$faults);
        push @wrong, "$what: $got: $r->{content}" if $got !~ $want;
        push @wrong, "$what: took $took s" if $took > $deadline;
        push @wrong, "$what: what it says is no UTF-8" if !utf8::decode(my $copy = $r->{content});
        my ($after) = reading($what);
        push @wrong, "$what: afterwards $after" if $after ne '200 data';
    }
    ok(!@wrong, $name) or diag join "\n", @wrong;
    return;
}

# ---- what is no calendar data ----
my $nonsense = qr/^502 upstream-(?:protocol|error)$/;
each_read('malformed XML', ['malformed-xml'], $nonsense);
each_read('a DOCTYPE that names a file elsewhere', ["doctype=http%3A//$elsewhere/x.dtd"], $nonsense);
each_read('entities that grow to 4 GB', ['entity-bomb'], $nonsense);
each_read('HTML instead of XML', ['html-instead-of-xml'], $nonsense);
each_read('the logon form instead of data', ['login-page'], qr/^502 upstream-(?:protocol|error|refused-login)$/);
each_read('bytes that are no HTTP', ['garbage'], $nonsense);
each_read('a redirect to another host', ["redirect-away=$elsewhere"], qr/^502 upstream-redirect$/);
each_read('Latin-1 where UTF-8 is announced', ['wrong-charset=bytes'], qr/^(?:200 data|502 upstream-protocol)$/);
each_read('a wrong charset label', ['wrong-charset=label'], qr/^(?:200 data|502 upstream-protocol)$/);
each_read('UTF-16', ['wrong-charset=utf-16'], qr/^(?:200 data|502 upstream-protocol)$/);
each_read('truncated bodies', ['truncated'], qr/^50[24] upstream-(?:protocol|error|timeout)$/);
each_read('a body that grows beyond the bound', ['huge=16'], qr/^(?:502 upstream-too-large|200 data)$/);
each_read('a header line of 64 KB', ['big-header=64'], qr/^(?:200 data|502 upstream-(?:protocol|error|too-large))$/);
each_read('a header line of 2 MB', ['big-header=2048'], qr/^502 upstream-(?:protocol|error|too-large)$/);
each_read('no sign of Exchange', ['no-ms-webstorage'], qr/^(?:200 data|502 upstream-protocol)$/);
nobody_knocked('nonsense');

# ---- no answer ----
each_read('silence', ['silence=3'], qr/^504 upstream-timeout$/);
each_read('executed, never answered', ['mute=3'], qr/^504 upstream-timeout$/);
each_read('connections reset', ['reset-before'], qr/^50[23] upstream-(?:error|unavailable)$/);
each_read('connections closed without a byte', ['close-before'], qr/^50[23] upstream-(?:error|unavailable)$/);
each_read('a closed connection after every reply', ['close-silently'], qr/^200 data$/);
each_read('answers in drops, slower than the deadline', ['drip=4/200'], qr/^504 upstream-timeout$/);
each_read('answers in drops, fast enough', ['drip=256/5'], qr/^200 data$/);

# ---- statuses ----
my %status = (
    403 => '403 access-denied', 404 => '404 [a-z]+-not-found|200 data',    # free/busy: nothing was published
    409 => '502 upstream-error', 412 => '409 changed-meanwhile|502 upstream-error', 423 => '409 locked', 424 => '502 upstream-error',
    440 => '403 access-denied', 500 => '502 upstream-error', 503 => '503 upstream-unavailable', 507 => '507 mailbox-full',
);
each_read("status $_", ["status=$_"], qr/^(?:$status{$_})$/) for sort keys %status;

subtest 'status 401 for ever' => sub {    # a password refused once is not sent again for a while
    my ($mark) = (map { $_->{id} } $sim->requests)[-1];
    $sim->fault('status=401:user=zoltan');
    my @got = map { my $r = $web->json('zoltan', GET => $reads{'my calendar'}); "$r->{status} " . ($r->{json}{reason} // '') } 1 .. 5;
    $sim->no_faults;
    is(scalar(grep { /^(?:403|502) upstream-refused-login$/ } @got), 5, 'is said each time') or diag explain \@got;
    cmp_ok(scalar(grep { $_->{id} > $mark } $sim->requests), '<=', 2, 'after asking once');
    my ($got) = reading('my calendar');
    is($got, '200 data', 'and others go on');
};

# ---- much ----
subtest '10,000 items' => sub {
    $sim->control(POST => '/_sim/items?mailbox=carol&count=10000&start=2027-08-01T00:00:00Z&minutes=1&step=2');
    my $before = memory();
    my $r = $web->json('carol', GET => '/booking/bookings?start=2027-08-01T00:00&end=2027-08-15T00:00');
    is($r->{status}, 200, 'are read') or diag $r->{content};
    cmp_ok(scalar @{ $r->{json}{bookings} // [] }, '<=', 2000, 'and not all shown');
    ok($r->{json}{more}, 'which it says');
    cmp_ok(memory() - $before, '<', 24, 'within little memory') or diag "$before MB before";
};
subtest 'an answer without end' => sub {
    my $before = memory();
    my ($got, $took) = reading('my calendar', 'huge=200');
    is($got, '502 upstream-too-large', 'is cut off');
    cmp_ok($took, '<', $deadline, 'soon');
    cmp_ok(memory() - $before, '<', 24, 'within little memory') or diag "$before MB before";
};

# ---- death at every byte ----
for my $what (sort keys %reads) {
    my ($whole) = (reading($what))[2]{content};
    my (%got, @wrong);
    for (my $at = 0; $at < 3600; $at += 113) {
        my ($got, $took, $r) = reading($what, "cut=$at:1");
        $got{$got}++;
        push @wrong, "$at: $got" if $got !~ /^(?:200 data|50[234] upstream-(?:error|protocol|unavailable))$/;
        push @wrong, "$at: not the whole" if $got eq '200 data' && $r->{content} ne $whole && $what ne 'free/busy';
        push @wrong, "$at: took $took s" if $took > $deadline;
    }
    ok(!@wrong, "$what: an answer that ends at any byte is whole or an error - " . join ', ', map { "$got{$_} x $_" } sort keys %got)
        or diag join "\n", @wrong;
}

# ---- writes ----
subtest 'no write is sent twice' => sub {
    my ($booked, @wrong) = (0);
    for my $fault (qw(reset-before close-before reset-after-write cut=0 cut=40 garbage close-silently)) {
        for my $filter ('method=PROPPATCH', 'method=MOVE', 'cmd=getcancel', 'method=POST') {
            my $b = booking();
            my ($mark) = (map { $_->{id} } $sim->requests)[-1];
            $sim->fault("$fault:1,$filter");
            my $r = $web->json('alice', POST => '/booking/bookings', $b);
            if ($r->{status} == 201) {
                ++$booked;
                $web->json('alice', PATCH => $r->{headers}{location}, { start => $b->{start} =~ s/-06-/-07-/r, duration => 60 });
                $web->json('alice', DELETE => $r->{headers}{location});
            }
            $sim->no_faults;
            my %seen;
            for (grep { $_->{id} > $mark } $sim->requests) {
                next if $_->{method} !~ /MOVE|POST/ && $_->{target} !~ /Cmd=getcancel/;
                push @wrong, "$fault, $filter: $_->{method} $_->{target}" if $seen{"$_->{method} $_->{target}"}++;
            }
        }
    }
    is(join("\n", @wrong), '', 'whatever dies under it');
    cmp_ok($booked, '>', 10, "and $booked of 28 bookings were made all the same");
};

# ---- a password that is refused ----
subtest 'a server that refuses the password is not asked again' => sub {
    my $strict = SimRun->start('--auth', 'basic');
    my $web = Httpd->start(backend => $strict->{url}, children => 2, passwords => { alice => 'another', bob => 'pw-bob' });
    my $r = $web->json('alice', GET => $reads{'my calendar'});
    is("$r->{status} $r->{json}{reason}", '403 upstream-refused-login', 'it is said') or diag $r->{content};
    my $asked = $strict->control(GET => '/_sim/counters')->{requests};
    is($web->json('alice', GET => $reads{'my calendar'})->{status}, 403, 'said again') for 1 .. 6;
    is($strict->control(GET => '/_sim/counters')->{requests}, $asked, 'without asking');
    is($web->json('bob', GET => $reads{'my calendar'})->{status}, 200, 'others go on');
    unlike($web->log, qr/another|pw-bob/, 'no password is in the log');
};

# ---- what is shown ----
subtest 'what the server says is escaped' => sub {
    my $evil = '</title><script>alert(1)</script>"\'><img src=x onerror=alert(2)>';
    $sim->control(POST => '/_sim/items?' . Httpd::form_encode({ mailbox => 'bob', start => '2027-03-05T10:00:00Z',
        'urn:schemas:httpmail:subject' => $evil, 'urn:schemas:calendar:location' => $evil }));
    my $r = $web->request(GET => '/booking/bookings.html?start=2027-03-01T00:00&end=2027-03-10T00:00', user => 'bob');
    is($r->{status}, 200, 'the page comes');
    unlike($r->{content}, qr/<script>alert|<img src=x/, 'without anybody\'s script');
    like($r->{content}, qr/&lt;script/, 'which is text');
};

subtest 'nobody sees what is somebody else\'s' => sub {
    my %secret = (alice => 'The secret of Alice', bob => 'Bobs own matter', carol => 'Only for Carol');
    $web->json($_, POST => '/booking/bookings', { subject => $secret{$_}, start => '2027-03-06T10:00', end => '2027-03-06T11:00' }) for keys %secret;
    $sim->fault($_) for 'close-silently:1-,conn', 'reset-after-write:7,method=SEARCH', 'cut=300:11,method=SEARCH', 'late=40:3-,method=SEARCH';
    my @kids;
    for my $who ((sort keys %secret) x 3) {
        pipe my $r, my $w or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my ($mine, $theirs) = (0, 0);
            for (1 .. 12) {
                my $text = $web->json($who, GET => '/booking/bookings?start=2027-03-06T00:00&end=2027-03-07T00:00')->{content};
                $mine++ if index($text, $secret{$who}) >= 0;
                $theirs += grep { $_ ne $who && index($text, $secret{$_}) >= 0 } keys %secret;
            }
            print $w "$mine $theirs";
            close $w;
            POSIX::_exit(0);
        }
        close $w;
        push @kids, [$pid, $r];
    }
    my ($mine, $theirs) = (0, 0);
    for (@kids) {
        my ($m, $t) = split ' ', readline($_->[1]) // '0 99';
        $mine += $m;
        $theirs += $t;
        waitpid $_->[0], 0;
    }
    $sim->no_faults;
    is($theirs, 0, 'on connections that die under three people at once');
    cmp_ok($mine, '>', 80, "though $mine of 108 answers came");
};

nobody_knocked('at no time');
my ($same) = split ' ', `ps -o pid= --ppid $web->{pid}`;
is($same, $child, 'it is still the same child');
unlike($web->log, qr/exit signal|segfault/i, 'which did not crash');
ok($web->stop, 'and stops by itself');
done_testing();
