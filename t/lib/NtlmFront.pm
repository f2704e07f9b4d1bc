package NtlmFront;

# A server that verifies NTLM for real, against an Active Directory realm, bound to the connection as
# IIS does it, and passes the requests on to a simulator as the user it found. See t/lab/ntlm-front.py.
# Core modules only.
#
#   my $why = Realm->skip_reason('ad');  plan skip_all => $why if $why;
#   my $realm = Realm->start(kind => 'ad');
#   my $sim = SimRun->start(NtlmFront->sim_args);        # trusts this front, and nobody else
#   my $front = NtlmFront->start(realm => $realm, sim => $sim);
#                                                        # schemes => ['NTLM']: not Negotiate, too
#   $front->{port}, $front->{url}                        # http://127.0.0.1:PORT/
#   $front->log;  $front->stop;
#
# Users are the realm's (password pw-NAME) who have a mailbox in the simulator: alice, bob, carol, or
# those of its --users file. Ask the simulator itself for /_sim/: the front does not pass that on. In its
# log and witness a request through the front has the means "trusted". The front ends with the object,
# with the test, and when the test is killed.

use strict;
use warnings;
use Carp qw(croak);
use File::Basename qw(dirname);
use File::Spec;
use IO::Select;
use POSIX ();

my $program = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/lab/ntlm-front.py';
my $secret;     # one for each test

sub secret {
    return $secret if defined $secret;
    open my $in, '<', '/dev/urandom' or croak "/dev/urandom: $!";
    sysread $in, my $bytes, 16;
    return $secret = unpack 'H*', $bytes;
}

sub sim_args { return ('--auth', 'trusted', '--set', 'trusted-secret=' . secret()) }

sub start {
    my ($class, %o) = @_;
    my $realm = $o{realm} or croak 'start wants realm';
    my $sim = $o{sim} or croak 'start wants sim';
    croak 'only an Active Directory has accounts for NTLM' if !$realm->{smb_conf};
    my $self = bless { owner => $$, log => $realm->path("ntlm-front-$sim->{port}.log") }, $class;
    pipe my $in, my $in_w or croak "pipe: $!";
    pipe my $out, my $out_w or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        open STDIN, '<&', $in;
        open STDOUT, '>&', $out_w;
        open STDERR, '>>', $self->{log};
        %ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL => 'C.UTF-8', FRONT_SECRET => secret(), KRB5_CONFIG => $realm->{config});
        exec '/usr/bin/python3', $program, $realm->{smb_conf}, $sim->{port}, @{ $o{schemes} // [] }
            or POSIX::_exit(127);
    }
    # It ends when the last of us who holds this has gone.
    @$self{qw(pid life)} = ($pid, $in_w);
    close $_ for $in, $out_w;
    my $line = IO::Select->new($out)->can_read(120) ? readline $out : undef;
    if (($line // '') !~ /^(\d+)$/) {
        my $why = $self->log;
        $self->stop;
        croak "the NTLM front did not start: $why";
    }
    $self->{port} = $1;
    $self->{url} = "http://127.0.0.1:$1/";
    return $self;
}

sub log {
    my ($self) = @_;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return readline($in) // '';
}

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    my $pid = delete $self->{pid};
    close delete $self->{life};
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}

sub DESTROY { my ($self) = @_; local ($?, $@, $!); $self->stop; return }

1;
