package Realm;

# A throw-away Kerberos realm INTRANET.TEST for one test, by the scripts of t/lab: on free loopback
# ports, in a private directory, gone when the object goes, when the test ends, and when it is killed.
# Several run side by side. Core modules only.
#
#   my $why = Realm->skip_reason('ldap');            # why it cannot run here, or undef
#   plan skip_all => $why if $why;
#   my $realm = Realm->start(kind => 'ldap', users => 20, rc4 => 1, ticket_life => '20s');
#   $ENV{KRB5_CONFIG} = $realm->{config};            # of this process and of what it starts
#   my $cache = $realm->ticket('alice');             # FILE:.., fresh, hers
#
# Options of start:
#   kind         mit   MIT's KDC with a file as its database: refuses every S4U2Proxy
#                ldap  MIT's KDC with a directory: constrained delegation works
#                ad    an Active Directory (Samba): that, PACs, and accounts for NTLM; takes some
#                      seconds, so take it where the others do not do
#   users        so many more users u01, u02, ..
#   rc4          the calendar server's account has an RC4 key only
#   ticket_life  of tickets whose owner asks for no time, such as those taken with a keytab: '20s'
#
# Users are alice, bob, carol (who may not be delegated) and u01, ..; each one's password is pw-NAME.
# HTTP/intranet.test may act for them towards HTTP/exchange.test, and not towards HTTP/other.test.
#
# Members: config (krb5.conf), realm (INTRANET.TEST), kind, dir, s4u2proxy (1 or 0), keytab
# ({front}, {back}, {other}: plain file names), cache ({alice}, {bob}, {carol}: FILE:.., forwardable,
# 8 hours), kdc_port, env (all that the script said, LAB_..), and of an Active Directory domain
# (INTRANET) and smb_conf.
#
# Methods:
#   ticket(USER, OPTIONS)    life => '20s', forwardable => 0, password => .., owner => 'www-data',
#                            keytab => FILE: dies if the KDC refuses
#   kdc_stop, kdc_start      nobody listens on its port meanwhile, and nobody else gets it
#   kdc_freeze, kdc_thaw     it takes connections, and never answers
#   silent_config(HOW)       another krb5.conf for the same realm, whose KDC is 'silent' (takes
#                            connections, never answers), 'dropped' (no connection comes about) or
#                            'closed' (refuses them)
#   users_file               for the simulator's --users: mailboxes of alice, bob, carol and u01, ..,
#                            and the rooms boardroom and room1
#   path(NAME)               a name for a file of the test's own, readable for httpd's user
#   stop

use strict;
use warnings;
use Carp qw(croak);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Spec;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);
use Socket qw(SOL_SOCKET SO_REUSEADDR SOCK_STREAM pack_sockaddr_in inet_aton);
use Time::HiRes qw(sleep time);

my $lab = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/lab';
my %script = (mit => 'kdc', ldap => 'kdc', ad => 'ad');
my %running;    # object => pid of the test that started it

sub command {
    my ($kind, @args) = @_;
    my $script = $script{$kind} or croak "kind is one of mit, ldap, ad, not '$kind'";
    return ('env', 'KDC_BACKEND=' . ($kind eq 'ldap' ? 'ldap' : 'db2'), @args, "$lab/$script-up.sh");
}

sub skip_reason {
    my ($class, $kind) = @_;
    my @command = command($kind // 'mit');
    my $said = join '', qx{@command -n 2>&1};
    return undef if $? == 0;
    croak "$command[-1]: $said" if $? >> 8 != 77;
    chomp $said;
    return $said;
}

sub start {
    my ($class, %o) = @_;
    my $kind = $o{kind} // 'mit';
    my @command = command($kind, 'USERS=' . ($o{users} // 0), 'BACK_ENCTYPES=' . ($o{rc4} ? 'rc4' : 'aes'),
        'TICKET_LIFE=' . ($o{ticket_life} // '8h'));
    my $self = bless { kind => $kind, users => $o{users} // 0, dir => tempdir('realm-XXXXXX', TMPDIR => 1), owner => $$ }, $class;
    chmod 0755, $self->{dir};
    $self->guard;
    my $pid = open my $out, '-|' // croak "fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>', "$self->{dir}/err";
        exec @command, $self->{dir} or POSIX::_exit(127);
    }
    syswrite $self->{guarded}, "$pid\n";
    my $said = do { local $/; readline $out };
    if (!close $out) {
        my $why = slurp("$self->{dir}/err");
        $self->stop;
        croak "no realm: $why";
    }
    my %env = $said =~ /^export (\w+)='?(.*?)'?$/mg;
    $self->{env} = \%env;
    $self->{config} = $env{KRB5_CONFIG};
    $self->{realm} = $env{LAB_REALM};
    $self->{kdc_port} = $env{LAB_KDC_PORT};
    $self->{s4u2proxy} = $env{LAB_S4U2PROXY} eq 'yes' ? 1 : 0;
    $self->{keytab} = { map { $_ => $env{"LAB_\U$_\E_KEYTAB"} } qw(front back other) };
    $self->{cache} = { map { $_ => $env{"LAB_CC_\U$_"} } qw(alice bob carol) };
    @$self{qw(domain smb_conf)} = @env{qw(LAB_DOMAIN LAB_SMB_CONF)} if $kind eq 'ad';
    return $self;
}

# A process of its own that outlives a test which is killed. It takes down what was started and
# removes the directory, also at an ordinary end, so that there is one way only.
sub guard {
    my ($self) = @_;
    pipe my $r, my $w or croak "pipe: $!";
    my $guard = fork // croak "fork: $!";
    if (!$guard) {
        POSIX::setsid();
        close $w;
        open STDIN, '<', '/dev/null';
        open $_, '>', '/dev/null' for \*STDOUT, \*STDERR;
        my $up = 0;
        while (my $line = readline $r) {
            last if $line =~ /stop/;
            $up = 0 + $line;
        }
        end_script($up, $self->{dir});
        system "$lab/$script{ $self->{kind} }-down.sh", $self->{dir};
        remove_tree($self->{dir});
        POSIX::_exit(0);
    }
    close $r;
    @$self{qw(guard guarded)} = ($guard, $w);
    $running{$self} = $self;
    return;
}

# A script that is still starting things would start more of them after we have stopped the first.
sub end_script {
    my ($pid, $dir) = @_;
    for my $i (1 .. 600) {
        return if !$pid || slurp("/proc/$pid/cmdline") !~ /\Q$dir\E/;
        kill 'TERM', $pid if $i == 1;
        sleep 0.1;
    }
    return;
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    local $/;
    return readline($in) // '';
}

sub stop {
    my ($self) = @_;
    return if !$self->{guard} || $self->{owner} != $$;
    delete $running{$self};
    delete @$self{qw(held silent)};
    local $SIG{PIPE} = 'IGNORE';
    syswrite $self->{guarded}, "stop\n";
    close delete $self->{guarded};
    waitpid delete $self->{guard}, 0;
    return;
}

sub DESTROY { my ($self) = @_; local ($?, $@, $!); $self->stop; return }

END {
    local $?;
    $_->stop for grep { $_ && $_->{owner} == $$ } values %running;
}

sub path { my ($self, $name) = @_; return "$self->{dir}/$name" }

sub users_file {
    my ($self) = @_;
    my $file = $self->path('users');
    open my $out, '>', $file or croak "$file: $!";
    print $out map { "$_:pw-$_:$_\@example.test:person:en\n" } qw(alice bob carol), map { sprintf 'u%02d', $_ } 1 .. $self->{users};
    print $out map { "$_:pw-$_:$_\@example.test:room:accept:en\n" } qw(boardroom room1);
    close $out or croak "$file: $!";
    return $file;
}

# ---- tickets ----

my $count = 0;

sub ticket {
    my ($self, $user, %o) = @_;
    my $file = $self->path("cc/$user-$$-" . ++$count) =~ s{HTTP/}{}r;
    my @how = $o{keytab} ? ('-k', '-t', $o{keytab}) : ();
    my $pid = open my $in, '|-' // croak "fork: $!";
    if (!$pid) {
        @ENV{qw(KRB5_CONFIG LC_ALL)} = ($self->{config}, 'C');
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', "$file.err";
        exec 'kinit', @how, '-l', $o{life} // '8h', $o{forwardable} // 1 ? '-f' : '-F', '-c', "FILE:$file", $user
            or POSIX::_exit(127);
    }
    local $SIG{PIPE} = 'IGNORE';
    print $in $o{password} // "pw-$user", "\n" if !$o{keytab};
    my $done = close $in;
    my $said = slurp("$file.err");
    unlink "$file.err";
    croak "no ticket for $user: $said" if !$done;
    chown +(getpwnam $o{owner})[2, 3], $file if $o{owner};
    return "FILE:$file";
}

# ---- a KDC in trouble ----

sub kdc_pid {
    my ($self) = @_;
    my ($pid) = slurp($self->{env}{LAB_KDC_PID_FILE}) =~ /(\d+)/ or croak 'the KDC has no pid file';
    return $pid;
}

sub state_of { my ($pid) = @_; return slurp("/proc/$pid/stat") =~ /\) (\w)/ ? $1 : '' }

sub until_true {
    my ($what, $check) = @_;
    my $deadline = time + 60;
    until ($check->()) {
        croak "the KDC does not $what" if time > $deadline;
        sleep 0.02;
    }
    return;
}

# A socket on that port which is bound but takes no connections: to a client the port is closed, and
# no other process gets it.
sub hold_port {
    my ($port) = @_;
    socket my $s, Socket::PF_INET(), SOCK_STREAM, 0 or croak "socket: $!";
    setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;
    bind $s, pack_sockaddr_in($port, inet_aton('127.0.0.1')) or return;
    return $s;
}

sub kdc_stop {
    my ($self) = @_;
    my $pid = $self->kdc_pid;
    kill $_, $pid for qw(TERM CONT);
    until_true('end', sub { state_of($pid) =~ /^Z?$/ });
    until_true('leave its port', sub { $self->{held} = hold_port($self->{kdc_port}) });
    return;
}

sub kdc_start {
    my ($self) = @_;
    local %ENV = (%ENV, map { $_ => $self->{env}{$_} } grep { /^KRB5/ } keys %{ $self->{env} });
    system "$self->{env}{LAB_KDC_START} >>'$self->{dir}/err' 2>&1 </dev/null";
    until_true('answer', sub { eval { unlink $self->ticket('alice') =~ s/^FILE://r; 1 } });
    delete $self->{held};
    return;
}

sub kdc_freeze {
    my ($self) = @_;
    my $pid = $self->kdc_pid;
    kill 'STOP', $pid;
    until_true('freeze', sub { state_of($pid) eq 'T' });
    return;
}

sub kdc_thaw { my ($self) = @_; kill 'CONT', $self->kdc_pid; return }

# Sockets on one free port for TCP and UDP; kept open by the object.
sub silent_config {
    my ($self, $how) = @_;
    $how //= 'silent';
    my @s = (hold_port(0));
    my ($port) = Socket::unpack_sockaddr_in(getsockname $s[0]);
    if ($how ne 'closed') {
        listen $s[0], $how eq 'dropped' ? 0 : 100 or croak "listen: $!";
        push @s, IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => $port) // croak "UDP: $!";
    }
    if ($how eq 'dropped') {    # the queue is full: the kernel lets further first packets fall
        push @s, map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0) } 1 .. 3;
    }
    elsif ($how !~ /^(?:silent|closed)$/) { croak "silent_config: silent, dropped or closed, not '$how'" }
    push @{ $self->{silent} }, @s;
    my $text = slurp($self->{config});
    $text =~ s/(kdc = 127\.0\.0\.1:)\d+/$1$port/ or croak 'no kdc in krb5.conf';
    my $file = $self->path("krb5-$how-$port.conf");
    open my $out, '>', $file or croak "$file: $!";
    print $out $text;
    close $out or croak "$file: $!";
    return $file;
}

1;
