package SimRun;

# Starts t/sim/run for one test and speaks raw HTTP to it, connection by connection, so that a test
# sees exactly what went over which connection. Core modules only.
#
#   my $sim = SimRun->start('--auth', 'ntlm', '--set', 'lag=10');
#   my $c = $sim->connect;                                  # one TCP connection
#   my $r = $c->request(PROPFIND => '/exchange/alice/', { Depth => 0 }, $body);
#   $r->{status}, $r->{reason}, $r->{headers}{'content-type'}[0], $r->{body}, $r->{error}
#   my $json = $sim->control(POST => '/_sim/fault?name=cut');
#
# A reply that never came has status 0 and says in {error} whether the connection was closed, reset
# or silent. The simulator is stopped when the object goes, or when the test ends in any way that
# runs END blocks.

use strict;
use warnings;
use Carp qw(croak);
use Errno qw(ECONNRESET EPIPE);
use File::Basename qw(dirname);
use IO::Select;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time sleep);

my $root = dirname(dirname(dirname(__FILE__)));
my %running;    # pid of launcher => pid of the test that started it

sub start {
    my ($class, @args) = @_;
    my $self = $class->try_start(@args);
    croak("the simulator did not start: $self->{error}") unless $self->{url};
    return $self;
}

# As start, but leaves {url} empty and {error} set when it fails.
sub try_start {
    my ($class, @args) = @_;
    my $self = bless { error => '' }, $class;
    pipe my $out, my $out_w or die "pipe: $!";
    pipe my $err, my $err_w or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>&', $out_w;
        open STDERR, '>&', $err_w;
        close $_ for $out, $err, $out_w, $err_w;
        exec $^X, "$root/t/sim/run", @args or POSIX::_exit(127);
    }
    close $_ for $out_w, $err_w;
    $self->{pid} = $pid;
    $running{$pid} = $$;
    my ($line, $said) = ('', '');
    my $select = IO::Select->new($out, $err);
    my $deadline = time + 120;
    while ($line !~ /\n/ && $select->count && time < $deadline) {
        for my $h ($select->can_read(1)) {
            my $n = sysread $h, my $data, 4096;
            $select->remove($h) unless $n;
            if ($h == $out) { $line .= $data // '' }
            else { $said .= $data // '' }
        }
    }
    if ($line =~ m{^((https?)://([\d.]+):(\d+)/)\n$}) {
        @$self{qw(url scheme host port)} = ($1, $2, $3, $4);
        $self->{err} = $err;
    }
    else {
        waitpid $pid, 0;
        $self->{status} = $? >> 8;
        delete $running{$pid};
        $self->{error} = $said || "exit status $self->{status}, output '$line'";
    }
    return $self;
}

# Stops it; returns the launcher's exit status.
sub stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} or return;
    return unless delete $running{$pid};
    kill $signal || 'TERM', $pid;
    my $deadline = time + 20;
    while (waitpid($pid, WNOHANG) == 0) {
        if (time > $deadline) { kill 'KILL', $pid; }
        sleep 0.02;
    }
    return $?;
}

# True when the launcher ends by itself within so many seconds; {status} is its exit status.
sub ended {
    my ($self, $seconds) = @_;
    my $deadline = time + $seconds;
    while (waitpid($self->{pid}, WNOHANG) == 0) {
        return 0 if time > $deadline;
        sleep 0.05;
    }
    $self->{status} = $?;
    delete $running{ delete $self->{pid} };
    return 1;
}

sub DESTROY { my $self = shift; local $?; $self->stop if $self->{pid} && ($running{ $self->{pid} } // 0) == $$ }

END {
    my $status = $?;
    for my $pid (grep { $running{$_} == $$ } keys %running) {
        kill 'TERM', $pid;
        waitpid $pid, 0;
    }
    $? = $status;
}

sub connect {
    my ($self) = @_;
    return SimRun::Connection->new($self->{host}, $self->{port});
}

# One request on a connection of its own.
sub once { my $self = shift; return $self->connect->request(@_) }

# One request to /_sim/; dies unless it succeeds. JSON comes decoded.
sub control {
    my ($self, $method, $path) = @_;
    return $self->control_over_tls($method, $path) if $self->{scheme} eq 'https';
    my $r = $self->once($method, $path, { 'Content-Length' => 0 });
    croak("$method $path: $r->{status} $r->{body}") unless $r->{status} =~ /^2/;
    return ($r->{headers}{'content-type'}[0] // '') =~ /json/ ? decode_json($r->{body}) : $r->{body};
}

# What stands in /_sim/ is for this machine only, so whose certificate it is does not matter.
sub control_over_tls {
    my ($self, $method, $path) = @_;
    open my $h, '-|', 'curl', '-sSk', '--noproxy', '*', '-m', 60, '-X', $method, '-H', 'Content-Length: 0',
        '-w', "\n%{http_code} %{content_type}", "https://$self->{host}:$self->{port}$path" or croak("curl: $!");
    my $text = do { local $/; readline $h } // '';
    close $h;
    my ($body, $status, $type) = $text =~ /\A(.*)\n(\d+) (.*)\z/s or croak("$method $path: $text");
    croak("$method $path: $status $body") if $status !~ /^2/;
    return $type =~ /json/ ? decode_json($body) : $body;
}

# A text as a value in a query.
# What stands in a mailbox, as /_sim/ shows it, each item with its folder's name as {folder}; only of
# folders whose names are like $like, if that is given.
sub items {
    my ($self, $mailbox, $like) = @_;
    my $box = $self->control(GET => "/_sim/mailbox/$mailbox");
    return map {
        my $folder = $_->{name};
        map { { %$_, folder => $folder } } @{ $_->{items} }
    } grep { !defined $like || $_->{name} =~ $like } @{ $box->{folders} };
}

# A property of such an item; an empty text if it has none.
sub property { my ($item, $name) = @_; return $item->{properties}{$name} // '' }
sub subject { return property($_[0], 'urn:schemas:httpmail:subject') }

sub escape { my $s = shift; $s =~ s/([^A-Za-z0-9._-])/sprintf '%%%02X', ord $1/ge; return $s }

sub fault { my ($self, $spec) = @_; return $self->control(POST => '/_sim/fault?spec=' . escape($spec)) }
sub no_faults { $_[0]->control(DELETE => '/_sim/fault') }

# The request log, oldest first.
sub requests { my $log = $_[0]->control(GET => '/_sim/log'); return @$log }

package SimRun::Connection;
use Errno qw(ECONNRESET EPIPE);
use Time::HiRes qw(time);

sub new {
    my ($class, $host, $port) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5)
        or Carp::croak("connect to $host:$port: $!");
    $s->autoflush(1);
    binmode $s;
    return bless { socket => $s, host => "$host:$port", buffer => '', timeout => 15 }, $class;
}

sub timeout { $_[0]{timeout} = $_[1]; return $_[0] }
sub close { CORE::close($_[0]{socket}) }

sub request {
    my ($self, $method, $path, $headers, $body) = @_;
    my %h = ('Host' => $self->{host}, %{ $headers || {} });
    $h{'Content-Length'} //= length $body if defined $body;
    my $text = "$method $path HTTP/1.1\r\n";
    for my $name (sort keys %h) {
        $text .= "$name: $_\r\n" for ref $h{$name} ? @{ $h{$name} } : $h{$name};
    }
    return $self->raw($text . "\r\n" . ($body // ''), $method);
}

# Bytes as they are, then the reply.
sub raw {
    my ($self, $bytes, $method) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $at = 0;
    while ($at < length $bytes) {
        my $n = syswrite $self->{socket}, $bytes, length($bytes) - $at, $at;
        last unless $n;
        $at += $n;
    }
    return $self->reply($method || 'GET');
}

sub more {
    my ($self, $deadline) = @_;
    my $left = $deadline - time;
    return 'silent' if $left <= 0 || !IO::Select->new($self->{socket})->can_read($left);
    my $n = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
    return defined $n ? $n ? '' : 'closed' : $! == ECONNRESET ? 'reset' : "error $!";
}

sub reply {
    my ($self, $method) = @_;
    my $deadline = time + $self->{timeout};
    my %r = (status => 0, headers => {}, body => '', error => '', began => 0);
    while ($self->{buffer} !~ /\r\n\r\n/) {
        my $error = $self->more($deadline);
        $r{began} ||= length $self->{buffer};
        return { %r, error => $error, body => $self->{buffer} } if $error;
    }
    $self->{buffer} =~ s/\A(.*?)\r\n\r\n//s;
    my ($line, @lines) = split /\r\n/, $1;
    @r{qw(status reason)} = $line =~ m{^HTTP/1\.[01] (\d{3}) ?(.*)$} or return { %r, status => 0, error => 'no HTTP' };
    for (@lines) { push @{ $r{headers}{ lc $1 } }, $2 if /^([^:]+):\s*(.*)$/ }
    my $length = $r{headers}{'content-length'} ? $r{headers}{'content-length'}[0] : undef;
    my $chunked = ($r{headers}{'transfer-encoding'}[0] // '') =~ /chunked/;
    return \%r if $method eq 'HEAD' || $r{status} =~ /^(?:1..|204|304)$/;
    if ($chunked) {
        while ($self->{buffer} !~ /\A(?:[0-9a-fA-F]+[^\r\n]*\r\n(?s:.*?)\r\n)*?0\r\n\r\n/) {
            $r{error} = $self->more($deadline) and last;
        }
        while ($self->{buffer} =~ s/\A([0-9a-fA-F]+)[^\r\n]*\r\n//) {
            my $n = hex $1;
            $r{body} .= substr $self->{buffer}, 0, $n, '';
            $self->{buffer} =~ s/\A\r\n//;
            last unless $n;
        }
        return \%r;
    }
    while (!defined $length || length $self->{buffer} < $length) {
        my $error = $self->more($deadline) or next;
        $r{error} = $error unless !defined $length && $error eq 'closed';
        last;
    }
    $r{body} = substr $self->{buffer}, 0, $length // length $self->{buffer}, '';
    return \%r;
}

# True when the server closes the connection within a second.
sub closed {
    my ($self) = @_;
    return $self->more(time + 1) =~ /closed|reset/;
}

1;
