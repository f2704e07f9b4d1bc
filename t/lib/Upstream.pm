package Upstream;

# A calendar server that does what a test says, byte by byte: for what no honest server does. One
# process for each connection; what was asked is kept in a file. Core modules only.
#
#   my $up = Upstream->start(kind => sub { my ($request, $c) = @_; return "HTTP/1.1 200 OK\r\n..." }, ..);
#   $up->behave('kind');                  # from now on, on new requests
#   for my $r ($up->requests) { $r->{method}, $r->{target}, $r->{headers}{authorization}, $r->{connection} }
#
# A behaviour gives the bytes to send, or undef to close the connection; with "\0close" at their end
# it is closed after them. $c->{n} counts the requests on the connection, $c->{socket} may be written to.

use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();

sub start {
    my ($class, %behaviours) = @_;
    my $listen = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', LocalPort => 0) or die "listen: $!";
    my $self = bless { dir => tempdir(CLEANUP => 1), port => $listen->sockport, owner => $$ }, $class;
    $self->{url} = "http://127.0.0.1:$self->{port}/";
    $self->behave((sort keys %behaviours)[0]);
    pipe my $r, my $w or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $w;
        setpgrp;
        open $_, '+<', '/dev/null' for \*STDIN, \*STDOUT, \*STDERR;
        $SIG{CHLD} = 'IGNORE';
        $SIG{$_} = 'DEFAULT' for qw(TERM INT);
        my $watch = IO::Select->new($listen, $r);    # the test's end ends it, however it ends
        my $connection = 0;
        while (my @ready = $watch->can_read) {
            kill 'TERM', -$$ if grep { $_ == $r } @ready;    # itself and all its connections
            my $c = $listen->accept or next;
            $connection++;
            my $kid = fork;
            if (defined $kid && !$kid) {
                eval { $self->serve($c, $connection, \%behaviours) };
                POSIX::_exit(0);
            }
            close $c;
        }
        POSIX::_exit(0);
    }
    close $r;
    @$self{qw(pid life)} = ($pid, $w);
    return $self;
}

sub behave {
    my ($self, $kind) = @_;
    $self->write("$self->{dir}/kind.new", $kind);
    rename "$self->{dir}/kind.new", "$self->{dir}/kind" or die "kind: $!";
    $self->write("$self->{dir}/log", '');
    return;
}

sub write {
    my ($self, $file, $text, $how) = @_;
    open my $out, $how // '>', $file or die "$file: $!";
    syswrite $out, $text;
    return close $out;
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    local $/;
    return scalar(<$in>) // '';
}

sub requests { my ($self) = @_; return map { JSON::PP->new->decode($_) } split /\n/, slurp("$self->{dir}/log") }

sub serve {
    my ($self, $c, $connection, $behaviours) = @_;
    my %state = (n => 0, connection => $connection, socket => $c);
    local $SIG{PIPE} = 'IGNORE';
    alarm 60;
    my $buffer = '';
    while (1) {
        until ($buffer =~ /\r\n\r\n/) { return unless sysread $c, $buffer, 65536, length $buffer }
        $buffer =~ s/\A(.*?)\r\n\r\n//s;
        my ($line, @lines) = split /\r\n/, $1;
        my ($method, $target) = split / /, $line;
        my %headers = map { /^([^:]+):\s*(.*)/ ? (lc $1 => $2) : () } @lines;
        my $length = $headers{'content-length'} // 0;
        while (length $buffer < $length) { return unless sysread $c, $buffer, 65536, length $buffer }
        my $body = substr $buffer, 0, $length, '';
        $state{n}++;
        my %request = (method => $method, target => $target, headers => \%headers, body => $body, connection => $connection);
        $self->write("$self->{dir}/log", JSON::PP->new->canonical->encode(\%request) . "\n", '>>');
        my $reply = $behaviours->{ slurp("$self->{dir}/kind") }->(\%request, \%state) // return;
        my $close = $reply =~ s/\0close\z//;
        while (length $reply) {
            my $n = syswrite $c, $reply or return;
            substr $reply, 0, $n, '';
        }
        return if $close;
    }
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    close delete $self->{life};
    waitpid $pid, 0;
    return;
}

sub DESTROY { my ($self) = @_; local ($?, $@, $!); $self->stop if $self->{owner} == $$; return }

1;
