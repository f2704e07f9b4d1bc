package Httpd;

# Starts an Apache httpd with mod_owacal in a private directory on a free loopback port, for one
# test, and speaks HTTP to it. Core modules only.
#
#   my $web = Httpd->start(backend => $sim->{url});
#   my $r = $web->request(GET => '/booking/rooms.json', user => 'alice');
#   $r->{status}, $r->{headers}{location}, $r->{content}, $r->{json}
#   $web->form('alice', '/booking/bookings', { subject => '..' });    # posts with a fresh token
#   $web->log;  $web->stop;
#
# Options of start: mpm (event, worker, prefork), backend (URL of the server below), kind options in
# `backend_options`, rooms (lines), location (lines inside <Location /booking>), auth (lines that
# replace the Basic login), server (lines of server scope), top (lines before everything), children,
# freshness (of OwaCalFreshness there; 0 where a test counts what is asked), threads, modules (further
# module names), env (hash), http2 (1), timeout (httpd's Timeout), site (everything of the module's own,
# instead of the template's backend, rooms and location).
# Whatever is not given is what a plain intranet site would have. In all lines @DIR@ is the server's
# folder, @PORT@ its port, and @LOGIN@ the five lines of the Basic login.

use strict;
use warnings;
use Carp qw(croak);
use Digest::SHA qw(sha1_base64);
use File::Basename qw(dirname);
use File::Spec;
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

my $root = dirname(dirname(dirname(File::Spec->rel2abs(__FILE__))));
my %running;

our @PEOPLE = qw(alice bob carol zoltan);

sub free_port {
    my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0, ReuseAddr => 1)
        or croak "no free port: $!";
    return $s->sockport;
}

sub module_dir {
    for (qw(/usr/lib/apache2/modules)) { return $_ if -d }
    chomp(my $dir = `apxs -q LIBEXECDIR`);
    return $dir;
}

sub module_path {
    my ($name) = @_;
    my $plain = module_dir() . "/$name.so";
    return $plain if -e $plain;
    chomp(my $private = `'$root/.ci/packages' --module-path $name 2>/dev/null`);
    return $private;
}

sub root { return $root }

sub owacal_module { return $ENV{OWACAL_MODULE} // "$root/.libs/mod_owacal.so" }

sub start {
    my ($class, %o) = @_;
    my $self = bless { %o, dir => $o{dir} // tempdir('owacal-XXXXXX', TMPDIR => 1), owner => $$ }, $class;
    chmod 0755, $self->{dir};
    make_path(map { "$self->{dir}/$_" } qw(run htdocs cc));
    chmod 0700, "$self->{dir}/cc";    # for ticket caches of the login module
    chown +(getpwnam 'www-data')[2, 3], "$self->{dir}/cc" if $> == 0;
    my $try = 0;
    do {    # another process may take the port between looking and binding
        $self->{port} = $o{port} // free_port();
        $self->{origin} = "http://127.0.0.1:$self->{port}";
        $self->write_config;
        $self->{error} = $self->launch;
    } while ($self->{error} =~ /Address already in use/ && ++$try < 5);
    croak "httpd did not start: $self->{error}\n" . $self->log if $self->{error};
    return $self;
}

sub write_file {
    my ($self, $name, $text) = @_;
    open my $out, '>', "$self->{dir}/$name" or croak "$name: $!";
    print $out $text;
    close $out or croak "$name: $!";
    return "$self->{dir}/$name";
}

# The template with what this server is to be; also for configtest, without starting anything.
sub write_config {
    my ($self) = @_;
    my $mpm = $self->{mpm} // 'event';
    my %user = $self->{passwords} ? %{ $self->{passwords} } : map { $_ => "pw-$_" } @PEOPLE;
    $self->write_file('users', join '', map { "$_:{SHA}" . sha1_base64($user{$_}) . "=\n" } sort keys %user);
    my @modules = ("mpm_$mpm", qw(authn_core authn_file auth_basic authz_core authz_user alias dir mime
        include env headers), @{ $self->{modules} // [] });
    push @modules, 'http2' if $self->{http2};
    my $children = $self->{children} // 2;
    my $threads = $self->{threads} // 16;
    my $workers = $mpm eq 'prefork' ? $children : $children * $threads;
    my $login = "AuthType Basic\n  AuthName intranet\n  AuthBasicProvider file\n"
        . "  AuthUserFile $self->{dir}/users\n  Require valid-user";
    my %value = (
        DIR => $self->{dir}, PORT => $self->{port}, ROOT => $root,
        MODULES => join('', map { 'LoadModule ' . ($_ eq 'mpm_event' ? 'mpm_event' : $_) . "_module "
                . module_path("mod_$_") . "\n" } @modules),
        MODULE => owacal_module(),
        ACCOUNT => $> == 0 ? "User www-data\nGroup www-data\n" : '',
        TOP => $self->{top} // '',
        PROCESSES => $mpm eq 'prefork'
            ? "StartServers $children\nMinSpareServers $children\nMaxSpareServers $children\nServerLimit "
                . ($children * 3) . "\nMaxRequestWorkers $workers\n"
            : "StartServers $children\nServerLimit " . ($children * 3) . "\nThreadLimit $threads\n"
                . "ThreadsPerChild $threads\nMinSpareThreads 1\nMaxSpareThreads $workers\n"
                . "MaxRequestWorkers $workers\n",
        PROTOCOLS => $self->{http2} ? "Protocols h2 h2c http/1.1\nH2MaxWorkers 32\n" : '',
        BACKEND => $self->{backend_line} // ('OwaCalBackend corp owa2003 ' . (($self->{backend} // 'http://127.0.0.1:9') =~ s{/\z}{}r)
            . '/exchange/ ' . ($self->{backend_options} // '')),
        ROOMS => $self->{rooms} // "OwaCalRoom boardroom boardroom\@example.test name=\"Board room\" capacity=12 "
            . "features=projector,phone building=Main floor=2\n"
            . "OwaCalRoom room1 room1\@example.test name=\"Room 1\" capacity=4\n",
        SERVER => $self->{server} // '',
        LOGIN => $login, AUTH => $self->{auth} // $login,
        LOCATION => ($self->{location} // "OwaCalIdentity basic upstream=basic")
            . (defined $self->{freshness} ? "\n  OwaCalFreshness $self->{freshness}" : ''),
        HTDOCS => $self->{htdocs} // "$self->{dir}/htdocs",
        LOGLEVEL => $self->{loglevel} // 'owacal:debug',
        TIMEOUT => $self->{timeout} // 60,
    );
    open my $in, '<', "$root/t/conf/httpd.conf.in" or croak "httpd.conf.in: $!";
    my $text = do { local $/; <$in> };
    $text =~ s/^\@BACKEND\@.*\z/$self->{site}/ms if defined $self->{site};
    for (1, 2) {    # twice: a test's own lines may name the directory, too
        $text =~ s/\@([A-Z]+)\@/$value{$1} \/\/ croak "no value for $1"/ge;
    }
    $self->{conf} = $self->write_file('httpd.conf', $text);
    return;
}

# Output and exit status of `httpd -t`.
sub configtest {
    my ($class, %o) = @_;
    my $self = bless { %o, dir => tempdir('owacal-XXXXXX', TMPDIR => 1), port => 8, owner => $$ }, $class;
    make_path(map { "$self->{dir}/$_" } qw(run htdocs cc));
    $self->write_config;
    my $out = `/usr/sbin/apache2 -t -f '$self->{conf}' 2>&1`;
    my $status = $? >> 8;
    remove_tree($self->{dir});
    return ($status, $out);
}

sub launch {
    my ($self) = @_;
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        POSIX::setsid();    # prefork ends by a signal to its whole process group
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$self->{dir}/stdout";
        open STDERR, '>&', \*STDOUT;
        %ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL => 'C.UTF-8',
            (map { defined $ENV{$_} ? ($_ => $ENV{$_}) : () } qw(KRB5_CONFIG KRB5CCNAME ASAN_OPTIONS TSAN_OPTIONS LD_PRELOAD)),
            %{ $self->{env} // {} });
        exec '/usr/sbin/apache2', '-DFOREGROUND', '-f', $self->{conf} or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    $running{$pid} = $$;
    $self->guard($pid);
    my $deadline = time + 30;
    while (time < $deadline) {
        if (waitpid($pid, WNOHANG) == $pid) {
            delete $running{$pid};
            $self->dismiss;
            my $said = $self->slurp('stdout') . $self->slurp('error.log');
            return $said || 'it ended without a word';
        }
        my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 1);
        return '' if $s && -e "$self->{dir}/run/httpd.pid";
        sleep 0.05;
    }
    $self->stop;
    return 'it did not answer within 30 s';
}

# A process that outlives a test which is killed, and then stops the server the test started and takes
# its directory away: there are tickets in it.
sub guard {
    my ($self, $pid) = @_;
    pipe my $r, my $w or croak "pipe: $!";
    my $guard = fork // croak "fork: $!";
    if (!$guard) {
        POSIX::setsid();
        close $w;
        open STDIN, '<', '/dev/null';
        open $_, '>', '/dev/null' for \*STDOUT, \*STDERR;
        sysread $r, my $nothing, 1;    # the end of the file: the test, and all it forked, has gone
        kill 'TERM', $pid if is_ours($pid, $self->{conf});
        my $deadline = time + 30;
        sleep 0.05 while time < $deadline && is_ours($pid, $self->{conf});
        remove_tree($self->{dir}) if !$self->{keep};
        POSIX::_exit(0);
    }
    close $r;
    @$self{qw(guard guarded)} = ($guard, $w);
    return;
}

# The server has ended as it should: its guard goes before it could see the end of the file.
sub dismiss {
    my ($self) = @_;
    kill 'TERM', $self->{guard};
    waitpid delete $self->{guard}, 0;
    close delete $self->{guarded};
    return;
}

sub is_ours {
    my ($pid, $conf) = @_;
    open my $in, '<', "/proc/$pid/cmdline" or return 0;
    return (readline($in) // '') =~ /\Q$conf\E/;
}

sub slurp {
    my ($self, $name) = @_;
    open my $in, '<', "$self->{dir}/$name" or return '';
    local $/;
    return scalar(<$in>) // '';
}

sub log { my ($self) = @_; return $self->slurp('error.log') }

sub signal { my ($self, $name) = @_; return kill $name, $self->{pid} }

# Files that the login module left in cc/, besides the service's own. A request's ticket goes when the
# request does, which is just after its answer: so it is waited for a little.
sub tickets_left {
    my ($self) = @_;
    my @left;
    for (1 .. 50) {
        @left = grep { !m{/service$} } glob "$self->{dir}/cc/*";
        last if !@left;
        sleep 0.1;
    }
    return @left;
}

# Stops it by its pid and waits; 1 when it ended by itself after the signal.
sub stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} or return 1;
    return 1 if ($running{$pid} // 0) != $$;
    kill $signal // 'TERM', $pid;
    my $deadline = time + 30;
    my $ended = 0;
    until ($ended || time > $deadline) {
        $ended = waitpid($pid, WNOHANG) == $pid;
        sleep 0.05 unless $ended;
    }
    if (!$ended) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    delete $running{$pid};
    $self->dismiss;
    return $ended;
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $@, $!);
    $self->stop;
    remove_tree($self->{dir}) if !$self->{keep};
    return;
}

END {
    local $?;
    for (grep { $running{$_} == $$ } keys %running) { kill 'TERM', $_ }
}

# ---- speaking to it ----

sub request {
    my ($self, $method, $path, %o) = @_;
    my %headers = %{ $o{headers} // {} };
    if (defined $o{user}) {
        my $password = $o{password} // $self->{passwords}{ $o{user} } // "pw-$o{user}";
        $headers{Authorization} = 'Basic ' . encode_base64("$o{user}:$password", '');
    }
    my $body = $o{body};
    if ($o{json}) {
        $body = JSON::PP->new->utf8->canonical->encode($o{json});
        $headers{'Content-Type'} //= 'application/json';
        $headers{Accept} //= 'application/json';
    }
    if ($o{form}) {
        $body = form_encode($o{form});
        $headers{'Content-Type'} //= 'application/x-www-form-urlencoded';
        $headers{Accept} //= 'text/html';
    }
    my $http = HTTP::Tiny->new(timeout => $o{timeout} // 60, max_redirect => 0, keep_alive => 0);
    my $r = $http->request($method, "http://127.0.0.1:$self->{port}$path",
        { headers => \%headers, defined $body ? (content => $body) : () });
    if (($r->{headers}{'content-type'} // '') =~ /json/) {
        $r->{json} = eval { JSON::PP->new->utf8->decode($r->{content}) };
    }
    return $r;
}

sub json {
    my ($self, $user, $method, $path, $data, %o) = @_;
    return $self->request($method, $path, user => $user, json => $data, %o) if $data;
    return $self->request($method, $path, user => $user, %o,
        headers => { Accept => 'application/json', %{ $o{headers} // {} } });
}

# A fresh form token of that user, as a browser would find it in the form.
sub token {
    my ($self, $user) = @_;
    my $r = $self->request(GET => "/booking/bookings/new", user => $user, headers => { Accept => 'text/html' });
    my ($token) = $r->{content} =~ /name="token" value="([^"]+)"/ or croak "no token: $r->{status} $r->{content}";
    return $token;
}

sub form {
    my ($self, $user, $path, $fields, %o) = @_;
    return $self->request(POST => $path, user => $user, form => { token => $self->token($user), %$fields }, %o);
}

# Runs $code->(1 .. $n) side by side, each in a process of its own, all let go at one moment. Returns a
# function that waits for them and gives their results, in order; undef for one that died. Results go
# through JSON: plain data only.
sub in_background {
    my ($n, $code) = @_;
    pipe my $gate_r, my $gate_w or croak "pipe: $!";
    my @kids;
    for my $i (1 .. $n) {
        pipe my $r, my $w or croak "pipe: $!";
        my $pid = fork // croak "fork: $!";
        if (!$pid) {
            close $gate_w;
            close $r;
            sysread $gate_r, my $nothing, 1;
            print $w JSON::PP->new->utf8->encode([$code->($i)]);
            close $w;
            POSIX::_exit(0);
        }
        close $w;
        push @kids, [$pid, $r];
    }
    close $gate_r;
    close $gate_w;
    return sub {
        my @got;
        for (@kids) {
            local $/;
            my $text = readline $_->[1];
            my $list = eval { JSON::PP->new->utf8->decode($text) };
            push @got, $list ? $list->[0] : undef;
            waitpid $_->[0], 0;
        }
        return @got;
    };
}

sub side_by_side { return in_background(@_)->() }

# What a test compares of a reply, as plain data.
sub plain { my ($r) = @_; return { map { $_ => $r->{$_} } qw(status json headers) } }

sub form_encode {
    my ($fields) = @_;
    my $e = sub { my $s = shift // ''; utf8::encode($s) if utf8::is_utf8($s); $s =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge; $s };
    return join '&', map { my $k = $_; map { $e->($k) . '=' . $e->($_) } ref $fields->{$k} ? @{ $fields->{$k} } : $fields->{$k} }
        sort keys %$fields;
}

1;
