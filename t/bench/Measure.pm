package Measure;

# What the measurements of t/bench/run need: processes as /proc shows them, wrk, a relay that writes
# down when each exchange went by, and tables. Core modules only.

use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Spec;
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(children cpu_seconds thread_named cpu_seconds_of_thread
    cpu_by_thread_name memory_kb peak_kb forget_peak descriptors auth_file load
    load_in_background median percentile row table relay_start relay_stop);

my $here = dirname(File::Spec->rel2abs(__FILE__));
my $ticks = POSIX::sysconf(&POSIX::_SC_CLK_TCK);

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or return '';
    local $/;
    return scalar(<$in>) // '';
}

# ---- processes ----

sub children { my ($pid) = @_; return split ' ', slurp("/proc/$pid/task/$pid/children") }

sub cpu_of {
    my ($stat) = @_;
    my ($rest) = slurp($stat) =~ /\) (.*)/s or return 0;
    my @f = split ' ', $rest;
    return ($f[11] + $f[12]) / $ticks;
}

# User and system time used so far by a server's parent and its living children.
sub cpu_seconds {
    my ($pid) = @_;
    my $sum = 0;
    $sum += cpu_of("/proc/$_/stat") for $pid, children($pid);
    return $sum;
}

sub thread_named {
    my ($pid, $name) = @_;
    my ($found) = grep { slurp("$_/comm") eq "$name\n" } glob "/proc/$pid/task/*";
    return $found ? $found =~ s{.*/}{}r : croak "no thread $name";
}

sub cpu_seconds_of_thread { my ($pid, $thread) = @_; return cpu_of("/proc/$pid/task/$thread/stat") }

# The same in nanoseconds' precision (a tick is 10 ms): name of its threads => seconds, and all => the
# sum. Without the time of threads that have ended meanwhile.
sub cpu_by_thread_name {
    my ($pid) = @_;
    my %sum = (all => 0);
    for (glob "/proc/$pid/task/*") {
        my ($ns) = slurp("$_/schedstat") =~ /^(\d+)/ or next;
        my $name = slurp("$_/comm") =~ s/\n//r;
        $sum{$_} += $ns / 1e9 for $name, 'all';
    }
    return \%sum;
}

sub status_kb {
    my ($pid, $name) = @_;
    return slurp("/proc/$pid/status") =~ /^$name:\s+(\d+) kB/m ? $1 : 0;
}

sub memory_kb { return status_kb($_[0], 'VmRSS') }

# The most it ever used since forget_peak, which needs root (or the same user).
sub peak_kb { return status_kb($_[0], 'VmHWM') }

sub forget_peak {
    my ($pid) = @_;
    open my $out, '>', "/proc/$pid/clear_refs" or croak "clear_refs of $pid: $!";
    print $out "5\n";
    return close $out;
}

sub descriptors {
    my ($pid) = @_;
    opendir my $dir, "/proc/$pid/fd" or return 0;
    return scalar grep { !/^\./ } readdir $dir;
}

# ---- load ----

# One Authorization header a line, for load.lua.
sub auth_file {
    my ($path, @people) = @_;
    open my $out, '>', $path or croak "$path: $!";
    print $out 'Basic ', encode_base64("$_:pw-$_", ''), "\n" for @people;
    close $out or croak "$path: $!";
    return $path;
}

# Starts wrk: url, auth (file), connections, threads, seconds, total (then it ends with the last
# answer, and seconds is only the bound), ramp (milliseconds over which the connections begin). Returns code that waits and gives what load.lua says.
sub load_in_background {
    my (%o) = @_;
    local $ENV{BENCH_AUTH} = $o{auth};
    local $ENV{BENCH_TOTAL} = $o{total} // '';
    local $ENV{BENCH_RAMP} = $o{ramp} // 0;
    local $ENV{BENCH_CONNECTIONS} = $o{ramp} ? $o{connections} : 0;
    my $pid = open my $out, '-|', 'wrk', '-t', $o{threads} // 1, '-c', $o{connections} // 8,
        '-d', ($o{seconds} // 2) . 's', '--timeout', '60s', '-s', "$here/load.lua", $o{url}
        or croak "wrk: $!";
    return sub {
        local $/;
        my $said = readline $out;
        close $out;
        my ($line) = ($said // '') =~ /^load: (.*)$/m or croak "wrk did not say what it did: $said";
        my %got = map { split /=/ } split ' ', $line;
        croak "no answers from $o{url}" unless $got{requests};
        $got{rate} = $got{requests} / $got{seconds};
        return \%got;
    };
}

sub load { return load_in_background(@_)->() }

sub median { my @v = sort { $a <=> $b } @_; return @v % 2 ? $v[$#v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2 }

sub percentile { my ($p, @v) = @_; @v = sort { $a <=> $b } @v; return @v ? $v[$p / 100 * $#v] : 0 }

# ---- a relay in front of the calendar server ----

# Forwards connections to a port and notes, for each exchange, when its first byte came and when the
# last byte of its reply went by. relay_stop gives them in order: { what, from, to }, seconds.
# One exchange at a time on a connection, as HTTP/1.1 without pipelining has it.
sub relay_start {
    my ($port) = @_;
    my $listen = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', LocalPort => 0)
        or croak "relay: $!";
    pipe my $in, my $out or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        close $in;
        my $stop = 0;
        local $SIG{TERM} = sub { $stop = 1 };
        my @done = relay_loop($listen, $port, \$stop);
        printf $out "%.6f %.6f %s\n", @$_{qw(from to what)} for @done;
        close $out;
        POSIX::_exit(0);
    }
    close $out;
    return { pid => $pid, port => $listen->sockport, in => $in };
}

sub relay_loop {
    my ($listen, $port, $stop) = @_;
    my $select = IO::Select->new($listen);
    my (%peer, %client, %now, @all);
    while (!$$stop) {
        for my $h ($select->can_read(0.2)) {
            if ($h == $listen) {
                my $from = $listen->accept or next;
                my $to = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or next;
                setsockopt $_, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1 for $from, $to;
                @peer{ $from, $to } = ($to, $from);
                $client{$from} = 1;
                $select->add($from, $to);
                next;
            }
            my $other = $peer{$h} or next;
            my $n = sysread $h, my $data, 65536;
            if (!$n) {
                $select->remove($h, $other);
                close $_ for $h, $other;
                delete @peer{ $h, $other };
                next;
            }
            my $key = $client{$h} ? $h : $other;
            if ($client{$h} && (!$now{$key} || $now{$key}{answered}) && $data =~ /^([A-Z]+ \S+)/) {
                push @all, $now{$key} = { what => $1, from => time, to => 0, answered => 0 };
            }
            elsif (!$client{$h}) {
                $now{$key}{answered} = 1;
            }
            while (length $data) {
                my $wrote = syswrite $other, $data or last;
                substr $data, 0, $wrote, '';
            }
            $now{$key}{to} = time if !$client{$h};
        }
    }
    return @all;
}

sub relay_stop {
    my ($relay) = @_;
    kill 'TERM', $relay->{pid};
    my @lines = readline $relay->{in};
    waitpid $relay->{pid}, 0;
    return map { my ($from, $to, $what) = /^(\S+) (\S+) (.*)$/; { from => $from, to => $to, what => $what } } @lines;
}

# ---- tables ----

my @rows;

sub row { push @rows, [@_]; return }

# Prints the rows given since the last table, aligned; the first is the head.
sub table {
    my ($title) = @_;
    my @width;
    for my $r (@rows) {
        for (0 .. $#$r) { $width[$_] = length $r->[$_] if length $r->[$_] > ($width[$_] // 0) }
    }
    print "\n$title\n\n";
    for my $r (@rows) {
        my $line = join '  ', map { $_ ? sprintf "%$width[$_]s", $r->[$_] : sprintf "%-$width[0]s", $r->[0] } 0 .. $#$r;
        print "    $line\n" =~ s/ +\n/\n/r;
    }
    @rows = ();
    return;
}

1;
