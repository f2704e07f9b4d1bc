package S4u;

# The tests of OwaCalIdentity s4u, the same for every kind of realm that knows constrained delegation:
#
#   S4u::run('ldap');    # or 'ad'
#
# Alice, bob and carol sign in by Basic (a password file: Kerberos has no part in that) or by a
# client certificate; the calendar server takes Kerberos only.

use strict;
use warnings;
use File::Basename qw(dirname);
use File::Copy qw(copy);
use JSON::PP qw(decode_json encode_json);
use Test::More;
use Time::HiRes qw(sleep time);
use Hostile;
use Httpd;
use Realm;
use SimRun;

my $url = '/booking/bookings';
my $no = 0;
sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }

sub calendar { my ($sim, $name) = @_; return map { SimRun::subject($_) } $sim->items($name, qr/^Calendar$/) }

# A keytab of the test's own, as an administrator would leave it: for root alone.
sub keytab {
    my ($realm, $name) = @_;
    my $file = $realm->path($name);
    copy($realm->{keytab}{front}, $file) or die "$file: $!";
    chmod 0600, $file;
    return $file;
}

sub front {
    my ($sim, $keytab, %o) = @_;
    return Httpd->start(backend_line => "OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:$sim->{port}",
        location => "OwaCalIdentity s4u keytab=$keytab",
        threads => 20,    # so that sixteen at once have a place each, also when one child takes all of them
        %o);
}

sub quiet { my ($log) = @_; return join "\n", grep { !/:debug\]/ } split /\n/, $log }

# What a request of that person ends with: "403 delegation-refused".
sub ends {
    my ($name, $web, $user, $expected, %o) = @_;
    my $r = $web->json($user, GET => $url, undef, %o);
    is("$r->{status} " . ($r->{json}{reason} // ''), $expected, $name) or diag $r->{content}, quiet($web->log);
    is($r->{headers}{'www-authenticate'}, undef, '  no login box');
    return $r;
}

sub requests { my ($sim) = @_; return grep { $_->{target} !~ m{^/_sim} } @{ $sim->control(GET => '/_sim/log') } }

# Requests into a person's mailbox by somebody else.
sub strangers {
    my ($sim) = @_;
    return grep { my ($box) = $_->{target} =~ m{^/exchange/(alice|bob)/}; $box && $_->{user} && $box ne $_->{user} } requests($sim);
}

sub story {
    my ($sim, $web) = @_;
    my $r = $web->json('alice', POST => $url, booking(room => 'boardroom', required => 'carol@example.test'));
    is($r->{status}, 201, 'alice books') or diag $r->{content}, quiet($web->log);
    is($r->{json}{state}, 'confirmed', 'confirmed');
    is($r->{json}{booking}{organizer}, 'alice@example.test', 'as alice');
    my $where = $r->{json}{booking}{href} // $url;
    is($web->json('alice', PATCH => $where, { subject => 'Changed' })->{status}, 200, 'changes');
    is($web->json('bob', GET => $where)->{status}, 404, 'bob cannot see it by her address');
    is($web->json('alice', DELETE => $where)->{status}, 200, 'cancels');
    is(join(' ', calendar($sim, 'alice')), '', 'nothing is left');
    my $check = $web->json('alice', GET => '/booking/check');
    like($check->{content}, qr/s4u.*alice\@INTRANET\.TEST/s, 'the self-test names the principal');
    like($check->{content}, qr{HTTP/intranet\.test\@INTRANET\.TEST}, '  and who acts on behalf');
    return;
}

sub at_once {
    my ($sim, $web) = @_;
    $sim->control(POST => '/_sim/reset');
    my %status;
    $status{$_}++ for Httpd::side_by_side(16, sub {
        my ($i) = @_;
        my $user = $i % 2 ? 'alice' : 'bob';
        $no = 100 + $i;
        return $web->json($user, POST => $url, booking(subject => "Of $user $i"))->{status};
    });
    is_deeply(\%status, { 201 => 16 }, 'sixteen bookings') or diag quiet($web->log);
    is(scalar(grep { /^Of alice/ } calendar($sim, 'alice')), 8, "alice's with alice");
    is(scalar(grep { /^Of bob/ } calendar($sim, 'bob')), 8, "bob's with bob");
    is(scalar(strangers($sim)), 0, 'no request as anybody else') or diag explain [strangers($sim)];
    unlike($web->log, qr/exit signal|segfault/i, 'no child crashed');
    return;
}

sub refusals {
    my ($sim, $web, $keytab) = @_;
    ends('an account that may not be delegated', $web, 'carol', '403 delegation-refused');
    ends('an account that the domain does not know', $web, 'zoltan', '403 unknown-principal');
    my %odd = ('EX\\alice' => 'x', 'alice@OTHER.TEST' => 'x', 'a\\lice' => 'x', 'ALICE/admin' => 'x', 'alice@INTRANET.TEST' => 'x');
    my $odd = front($sim, $keytab, passwords => \%odd, children => 1);
    for my $user (sort keys %odd) {
        my $r = $odd->json($user, GET => $url, undef, password => 'x');
        my $good = $user eq 'alice@INTRANET.TEST';
        is($r->{status} == 200 ? 1 : 0, $good ? 1 : 0, "$user: " . ($good ? 'is alice' : "nobody ($r->{status} $r->{json}{reason})"));
    }
    is(scalar(strangers($sim)), 0, 'no request as anybody else');
    my $unknown = front($sim, $keytab, children => 1,
        backend_line => "OwaCalBackend corp owa2003 http://unknown.test/exchange/ connect=127.0.0.1:$sim->{port}");
    ends('a calendar server that the realm does not know', $unknown, 'alice', '500 misconfigured');
    my $other = front($sim, $keytab, children => 1,
        backend_line => "OwaCalBackend corp owa2003 http://other.test/exchange/ connect=127.0.0.1:$sim->{port}");
    ends('one that is not on the list', $other, 'alice', '403 delegation-refused');
    my $spn = front($sim, $keytab, children => 1,
        backend_line => "OwaCalBackend corp owa2003 http://mail.test/exchange/ connect=127.0.0.1:$sim->{port} spn=HTTP\@exchange.test");
    ends('spn= says whose key it has', $spn, 'alice', '200 ');
    return;
}

# A server that has not the key answers without the proof: what is not protected by TLS is not believed.
sub proof {
    my ($keytab) = @_;
    my $liar = SimRun->start('--auth', 'none');
    my $web = front($liar, $keytab, children => 1);
    ends('an answer without proof', $web, 'alice', '502 upstream-protocol');
    return;
}

# What a hostile server gets is a ticket for each request, and no more; an odd one that ends each
# connection is only slower.
sub hostile {
    my ($sim, $web, $keytab) = @_;
    Hostile::ticket(sub { my ($up) = @_; return front($up, $keytab, children => 1) }, sub {
        my ($other) = @_;
        my $r = $other->json('alice', GET => $url);
        return ("$r->{status} " . ($r->{json}{reason} // ''), join '', map { "$_: $r->{headers}{$_}\n" } sort keys %{ $r->{headers} });
    });
    $sim->fault('close-silently');
    ends("closed after each reply: $_ is served", $web, $_, '200 ') for qw(alice bob);
    $sim->no_faults;
    is(scalar(strangers($sim)), 0, 'no request as anybody else');
    return;
}

sub configuration {
    my ($realm, $keytab) = @_;
    my $says = sub {
        my ($what, $location, $message) = @_;
        my ($status, $out) = Httpd->configtest(location => $location);
        ok($status != 0, $what);
        like($out, $message, '  and why') or diag $out;
    };
    my $bad = sub { my ($name, $code) = @_; my $file = keytab($realm, $name); $code->($file); return "OwaCalIdentity s4u keytab=$file" };
    $says->('no keytab named', 'OwaCalIdentity s4u', qr/keytab= is missing.*keytab=\//);
    $says->('no such option', "OwaCalIdentity s4u keys=$keytab", qr/no option "keys=.*known are keytab=FILE and principal=/);
    $says->('no such file', 'OwaCalIdentity s4u keytab=/nowhere/http.keytab', qr{httpd\.conf line \d+: OwaCalIdentity s4u: keytab=/nowhere/http\.keytab.*no such file});
    $says->('readable for all', $bad->('open', sub { chmod 0644, @_ }), qr/mode 0644.*chmod 600/);
    $says->('damaged', $bad->('damaged', sub { open my $f, '>', @_; print $f 'rubbish'; close $f }), qr/damaged, or not a keytab/);
    $says->('empty', $bad->('empty', sub { truncate $_[0], 0 }), qr/is empty/);
    $says->('a directory', 'OwaCalIdentity s4u keytab=/etc', qr/not a regular file/);
    $says->('not that principal', "OwaCalIdentity s4u keytab=$keytab principal=HTTP/www.test\@INTRANET.TEST", qr/no key of HTTP\/www\.test/);
    $says->('not a principal', "OwaCalIdentity s4u keytab=$keytab principal=www", qr/principal= takes .*HTTP\//);
    my ($status, $out) = Httpd->configtest(location => "OwaCalIdentity s4u keytab=$keytab principal=HTTP/intranet.test\@INTRANET.TEST");
    is($status, 0, 'a good one') or diag $out;
    return;
}

# The keytab is read again at a graceful restart, by root; a child never needs the file.
sub restart {
    my ($realm, $sim, $keytab) = @_;
    my $file = keytab($realm, 'moving');
    my $web = front($sim, $file, children => 1);
    ends('with a keytab that only root can read', $web, 'alice', '200 ');
    unlink $file;
    ends('the file is not needed any more', $web, 'bob', '200 ');
    copy($realm->{keytab}{other}, $file);
    chmod 0600, $file;
    my $restart = sub {
        my $before = () = $web->log =~ /resuming normal operations/g;
        $web->signal('USR1');
        my $deadline = time + 30;
        sleep 0.1 until (() = $web->log =~ /resuming normal operations/g) > $before || time > $deadline;
    };
    # Until a child of the old configuration answers no more.
    my $by_now = sub {
        my ($status) = @_;
        my ($deadline, $r) = (time + 30);
        do { $r = $web->json('alice', GET => $url); sleep 0.1 } until $r->{status} == $status || time > $deadline;
        return "$r->{status} " . ($r->{json}{reason} // '');
    };
    $restart->();
    # Active Directory gives a service whose account bears another name not even a ticket of its own.
    my $own = $realm->{kind} eq 'ad' ? '500 misconfigured' : '403 delegation-refused';
    is($by_now->($own =~ /^(\d+)/), $own, 'another key after a graceful restart acts by its own rights');
    copy($realm->{keytab}{front}, $file);
    $restart->();
    is($by_now->(200), '200 ', 'the right one after the next');
    unlink $file;
    $restart->();
    is($by_now->(500), '500 misconfigured', 'none after a graceful restart: its requests are told') or diag quiet($web->log);
    like($web->log, qr/OWACAL0630.*keytab=\S+moving cannot be read: there is no such file/, '  the log says why');
    is($web->json('alice', GET => '/booking/rooms')->{status}, 200, '  the rest of the site goes on');
    return;
}

sub openssl {
    my (@args) = @_;
    my $out = qx{openssl @args 2>&1};
    die "openssl @args: $out" if $?;
    return;
}

# Persons known by a certificate: no password, no ticket comes with the request.
sub certificates {
    my ($realm, $sim, $keytab) = @_;
    plan skip_all => 'openssl or curl is not installed' if grep { system("command -v $_ >/dev/null") } qw(openssl curl);
    my $d = $realm->path('tls');
    mkdir $d;
    openssl('req', '-x509', '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca', "-keyout $d/ca.key -out $d/ca.pem");
    for my $name (qw(intranet.test alice bob)) {
        openssl('req', '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes', "-subj /CN=$name -keyout $d/$name.key -out $d/$name.csr");
        openssl('x509', "-req -days 2 -in $d/$name.csr -CA $d/ca.pem -CAkey $d/ca.key -CAcreateserial -out $d/$name.pem");
    }
    my $port = Httpd::free_port();
    my $web = front($sim, $keytab, modules => ['ssl'], server => <<"E");
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
  ServerName https://intranet.test:$port
  SSLEngine on
  SSLCertificateFile $d/intranet.test.pem
  SSLCertificateKeyFile $d/intranet.test.key
  SSLCACertificateFile $d/ca.pem
  SSLVerifyClient require
  SSLUserName SSL_CLIENT_S_DN_CN
  <Location "/booking">
    Require ssl-verify-client
    SetHandler owacal
    OwaCalUse corp
    OwaCalIdentity s4u keytab=$keytab
  </Location>
</VirtualHost>
E
    my $by = sub {
        my ($who, $method, $path, $data) = @_;
        my @body = $data ? ('-H', 'Content-Type: application/json', '--data-binary', encode_json($data)) : ();
        open my $h, '-|', 'curl', '-sS', '-m', 60, '--noproxy', '*', '--cacert', "$d/ca.pem", '--connect-to', "::127.0.0.1:$port",
            ($who ? ('--cert', "$d/$who.pem", '--key', "$d/$who.key") : ()), '-X', $method, '-H', 'Accept: application/json', @body,
            '-w', "\n%{http_code}", "https://intranet.test:$port$path" or die;
        local $/;
        my ($content, $status) = readline($h) =~ /(.*)\n(\d+)\z/s;
        return { status => $status // 0, content => $content, json => scalar eval { decode_json($content) } };
    };
    $sim->control(POST => '/_sim/reset');
    for my $who (qw(alice bob)) {
        my $r = $by->($who, POST => $url, booking(subject => "By certificate of $who"));
        is($r->{status}, 201, "$who books by certificate") or diag $r->{content}, quiet($web->log);
        is($r->{json}{booking}{organizer}, "$who\@example.test", "  as $who");
        is(join(' ', calendar($sim, $who)), "By certificate of $who", '  in the right mailbox');
    }
    is($by->(undef, GET => $url)->{status}, '000', 'without a certificate nobody comes in');
    is(scalar(strangers($sim)), 0, 'no request as anybody else');
    return;
}

# Tickets that live for seconds: the service's own and the persons' are renewed, unnoticed.
sub renewal {
    my ($kind) = @_;
    my $realm = Realm->start(kind => $kind, ticket_life => '4s', rc4 => 1);
    local $ENV{KRB5_CONFIG} = $realm->{config};
    my $sim = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
    my $web = front($sim, keytab($realm, 'short'), children => 1);
    my (%got, $last);
    my $until = time + 10;
    while (time < $until) {
        for (qw(alice bob)) {
            $last = $web->json($_, GET => $url);
            $got{"$last->{status} " . ($last->{json}{reason} // '')}++;
        }
        sleep 0.2;
    }
    is_deeply([keys %got], ['200 '], 'over several lives, with an RC4 key of the calendar server, all goes well')
        or diag explain \%got, $last->{content}, quiet($web->log);
    is(scalar(strangers($sim)), 0, 'no request as anybody else');
    return;
}

sub run {
    my ($kind) = @_;
    my $why = Realm->skip_reason($kind);
    plan skip_all => $why if $why;
    plan skip_all => 'mod_auth_gssapi, which the simulator needs, is not installed' unless -e Httpd::module_path('mod_auth_gssapi');
    my $realm = Realm->start(kind => $kind);
    $ENV{KRB5_CONFIG} = $realm->{config};
    $ENV{KRB5CCNAME} = 'FILE:' . $realm->path('nobody');    # whatever the process itself has must never be used
    my $keytab = keytab($realm, 'service');
    my $sim = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
    my $web = front($sim, $keytab);
    subtest 'the story' => sub { story($sim, $web) };
    subtest 'alice and bob at once on event' => sub { at_once($sim, $web) };
    subtest 'alice and bob at once on prefork' => sub { at_once($sim, front($sim, $keytab, mpm => 'prefork', children => 4)) } if $kind ne 'ad';
    subtest 'who may not' => sub { refusals($sim, $web, $keytab) };
    subtest 'a server that proves nothing' => sub { proof($keytab) };
    subtest 'a hostile server' => sub { hostile($sim, $web, $keytab) } if $kind ne 'ad';
    subtest 'by client certificate' => sub { certificates($realm, $sim, $keytab) };
    subtest 'the configuration' => sub { configuration($realm, $keytab) } if $kind ne 'ad';
    subtest 'a restart' => sub { restart($realm, $sim, $keytab) };
    ok($web->stop, 'stops');
    unlike($web->log, qr/exit signal|segfault/i, 'cleanly');
    subtest 'short lives' => sub { renewal($kind) } if $kind ne 'ad';
    return;
}

1;
