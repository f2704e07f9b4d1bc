#!/usr/bin/perl
# The configurations of README's chapter "Identity", loaded as they stand there (only hosts, realms and
# files are this test's own): each books a room as the person who is signed in.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use JSON::PP qw(encode_json decode_json);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use Readme;
use Realm;
use SimRun;

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
my @people = qw(alice bob carol);
my %seen;    # configurations that were loaded

sub write_file {
    my ($name, $text, $mode) = @_;
    open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out or die "$dir/$name: $!";
    chmod $mode, "$dir/$name" if $mode;
    return "$dir/$name";
}

my $users = write_file('sim-users', join '', (map { "$_:pw-$_:$_\@example.test:person:en\n" } @people, qw(svc-booking svc-panel)),
    "boardroom:pw-boardroom:boardroom\@example.test:room:accept:en\n");

sub simulator {
    my (@args) = @_;
    my $sim = SimRun->start('--tls', '--ca-out', "$dir/ca.pem", '--users', $users, @args);
    $sim->{ca} = "$dir/ca.pem";
    return $sim;
}

# The server with README's common lines and the configuration of that name.
sub web {
    my ($name, $sim, $own, %o) = @_;
    $seen{$name} = $seen{common} = 1;
    my $secret = write_file('secret', 'a' x 64 . "\n", 0600);
    my $common = Readme::configuration('common',
        'https://mail.example.com/exchange/' => "https://exchange.test:$sim->{port}/exchange/ connect=127.0.0.1:$sim->{port} ca=$sim->{ca}",
        'boardroom@example.com' => 'boardroom@example.test', 'mail=example.com' => 'mail=example.test',
        'https://intranet.example.com' => ($o{tls} ? 'https' : 'http') . '://intranet.test', '/etc/apache2/owacal.secret' => $secret,
        $own->{'EXAMPLE.COM'} ? ('EXAMPLE.COM' => delete $own->{'EXAMPLE.COM'}) : ());
    return Httpd->start(children => 1, %o, site => ($o{before} // '') . $common . Readme::configuration($name, %$own));
}

sub curl {
    my ($web, $method, $path, $data, @more) = @_;
    my $scheme = $web->{tls} ? 'https' : 'http';
    my @body = $data ? ('-H', 'Content-Type: application/json', '--data-binary', encode_json($data)) : ();
    open my $h, '-|', 'curl', '-sS', '-m', 60, '--noproxy', '*', '--connect-to', "::127.0.0.1:$web->{port}", '-X', $method,
        '-H', 'Accept: application/json', @body, @more, '-w', "\n%{http_code}", "$scheme://intranet.test$path" or die "curl: $!";
    local $/;
    my ($content, $status) = readline($h) =~ /(.*)\n(\d+)\z/s;
    return { status => $status // 0, content => $content, json => scalar eval { decode_json($content) } };
}

# Books as that person, over that login; it must stand in the calendar named, as his.
sub books {
    my ($web, $sim, $whose, $login, %o) = @_;
    my $base = $o{base} // '/booking';
    my $subject = "By README $$ " . ++$o{n};
    my $r = curl($web, POST => "$base/bookings", { subject => $subject, start => '2099-05-05T10:00', duration => 30,
        $o{no_room} ? () : (room => 'boardroom') }, @$login);
    is($r->{status}, 201, "$whose books") or diag $r->{content}, $web->log =~ s/.*debug.*\n//gr;
    is(scalar(grep { SimRun::subject($_) eq $subject } $sim->items($whose, qr/^Calendar$/)), 1, '  it stands there');
    is($r->{json}{booking}{organizer}, "$whose\@example.test", '  as the organizer');
    my $check = curl($web, GET => "$base/check", undef, @$login);
    is($check->{status}, 200, '  the self-test');
    unlike($web->log, qr/exit signal|segfault/i, '  no child crashed');
    $sim->control(POST => '/_sim/reset');
    return;
}

my @basic = ('-u', 'alice:pw-alice');
my %password_file = ('/etc/apache2/users' => '@DIR@/users');

SKIP: for my $kind (qw(mit ldap)) {
    my $why = Realm->skip_reason($kind) // (`curl -V` =~ /GSS-API/ ? undef : 'curl without GSS-API');
    skip "$kind: $why", 1 if $why;
    my $realm = Realm->start(kind => $kind);
    local $ENV{KRB5_CONFIG} = $realm->{config};
    local $ENV{KRB5CCNAME} = $realm->{cache}{alice};
    my $sim = simulator('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
    my @negotiate = ('--negotiate', '-u', ':');
    my %kerberos = ('EXAMPLE.COM' => 'INTRANET.TEST', '/etc/apache2/http.keytab' => $realm->{keytab}{front});
    my @gssapi = (modules => ['auth_gssapi'], env => { KRB5CCNAME => "FILE:$dir/nobody" });
    if ($kind eq 'mit') {
        subtest 'delegated' => sub {
            my $web = web('delegated', $sim, { %kerberos, '/run/owacal' => '@DIR@/cc' }, @gssapi);
            books($web, $sim, alice => [@negotiate, '--delegation', 'always']);
        };
        next;
    }
    subtest 'delegated, constrained' => sub {
        my $web = web('delegated, constrained', $sim, { %kerberos, '/run/owacal' => '@DIR@/cc' }, @gssapi);
        books($web, $sim, alice => [@negotiate, '--delegation', 'none']);
    };
    subtest 'delegated, after another login' => sub {
        my $web = web('delegated, after another login', $sim, { %kerberos, %password_file, '/run/owacal' => '@DIR@/cc' }, @gssapi);
        books($web, $sim, alice => \@basic);
    };
    subtest 's4u, after a password' => sub {
        my $web = web('s4u, after a password', $sim, { %kerberos, %password_file }, env => { KRB5CCNAME => "FILE:$dir/nobody" });
        books($web, $sim, alice => \@basic);
    };
    subtest 's4u' => sub {
        system "cd '$dir' && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out people.pem -days 2 -subj /CN=people >openssl.log 2>&1"
            . " && for n in alice intranet.test; do openssl req -newkey rsa:2048 -nodes -keyout \$n.key -out \$n.csr -subj /CN=\$n >>openssl.log 2>&1"
            . " && openssl x509 -req -in \$n.csr -CA people.pem -CAkey ca.key -CAcreateserial -days 2 -out \$n.pem >>openssl.log 2>&1 || exit 1; done"
            and die 'no certificates: ' . `cat '$dir/openssl.log'`;
        my $web = web('s4u', $sim, { %kerberos }, tls => 1, modules => [qw(ssl socache_shmcb)], env => { KRB5CCNAME => "FILE:$dir/nobody" },
            before => "SSLEngine on\nSSLCertificateFile $dir/intranet.test.pem\nSSLCertificateKeyFile $dir/intranet.test.key\n"
                . "SSLCACertificateFile $dir/people.pem\n");
        books($web, $sim, alice => ['--cacert', "$dir/people.pem", '-k', '--cert', "$dir/alice.pem", '--key', "$dir/alice.key"]);
    };
}

my $sim = simulator('--auth', 'ntlm');
subtest 'basic' => sub {
    books(web('basic', $sim, {%password_file}), $sim, alice => \@basic);
};
subtest 'service' => sub {
    $sim->control(POST => "/_sim/grant?mailbox=$_&user=svc-booking&level=owner") for @people;
    my $password = write_file('booking.password', "pw-svc-booking\n", 0600);
    my $web = web('service', $sim, { %password_file, '/etc/apache2/booking.password' => $password });
    books($web, $sim, alice => \@basic);
};
subtest 'device' => sub {
    $sim->control(POST => '/_sim/grant?mailbox=boardroom&user=svc-panel&level=owner');
    my $password = write_file('panel.password', "pw-svc-panel\n", 0600);
    my $web = web('device', $sim, { %password_file, '/etc/apache2/panel.password' => $password });
    books($web, $sim, boardroom => \@basic, base => '/panel', no_room => 1);
};
subtest 'relay' => sub {
    books(web('relay', $sim, {}), $sim, alice => ['--ntlm', '-u', 'EXAMPLE\\alice:pw-alice']);
};

my %there = Readme::configurations();
is(join(', ', grep { !$seen{$_} } sort keys %there), '', 'every configuration of README was loaded') unless grep { Realm->skip_reason($_) } qw(mit ldap);
done_testing();
