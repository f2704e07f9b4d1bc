#!/usr/bin/perl
# The self-test in every mode that t/69-identity-check.t does not have: what it shows of the login, the
# credential and the server, and what it says to do when the one or the other fails.
use strict;
use warnings;
use FindBin qw($Bin);
use Digest::SHA qw(sha1_base64);
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use Realm;
use SimRun;

my @steps = ('login', 'credential', 'what the server offers', 'what it answers', 'free/busy');
my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
my $shown = '';    # all that was ever shown

sub put { my ($name, $mode, $text) = @_; open my $f, '>', "$dir/$name" or die; print $f $text; close $f; chmod $mode, "$dir/$name"; return "$dir/$name" }

# By curl, which knows every login: the reply, and its steps in order.
sub check {
    my ($url, @login) = @_;
    open my $h, '-|', 'curl', '-sS', '-m', 60, '--noproxy', '*', '-H', 'Accept: application/json', '-w', "\n%{http_code}", @login, $url or die "curl: $!";
    local $/;
    my ($content, $status) = (readline($h) // '') =~ /(.*)\n(\d+)\z/s;
    $shown .= $content;
    my $json = eval { decode_json($content) } // {};
    my %step = map { $_->{step} => $_ } @{ $json->{steps} // [] };
    return ({ status => $status, content => $content, json => $json }, map { $step{$_} // {} } @steps);
}

sub all_well {
    my ($name, $r) = @_;
    is(join(' ', $r->{status}, map { $_->{ok} ? 1 : 0 } @{ $r->{json}{steps} }), '200 1 1 1 1 1', "$name: all well") or diag $r->{content};
    return;
}

# Fails at a step, with that reason and a remedy; what comes after is not tried.
sub fails {
    my ($name, $r, $step, $reason, $remedy) = @_;
    is("$r->{status} " . ($step->{reason} // ''), "200 $reason", $name) or diag $r->{content};
    like($step->{remedy} // '', $remedy, '  with the remedy');
    ok($r->{json}{steps}[-1]{skipped}, '  and the rest is not tried');
    return;
}

my $curl = system('command -v curl >/dev/null') == 0;
plan skip_all => 'curl is not installed' if !$curl;

subtest 'one account for many' => sub {
    my $users = put('users', 0644, join "\n", (map { "$_:pw-$_:$_\@example.test:person:en" } qw(alice bob svc)), 'boardroom:pw-boardroom:boardroom@example.test:room:accept:en', '');
    my $sim = SimRun->start('--users', $users, '--auth', 'ntlm');
    $sim->control(POST => "/_sim/grant?mailbox=$_&user=svc&level=owner") for qw(alice bob boardroom);
    put('pw', 0600, "pw-svc\n");
    my $location = sub {
        my ($path, $lines) = @_;
        return qq{<Location "$path">\nAuthType Basic\nAuthName intranet\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\nRequire valid-user\n}
            . "SetHandler owacal\nOwaCalUse corp\n$lines\n</Location>\n";
    };
    my $web = Httpd->start(backend => $sim->{url}, children => 1, rooms => "OwaCalRoom boardroom boardroom\@example.test\n", location => 'OwaCalIdentity service credential=svc',
        server => "OwaCalCredential svc user=EXAMPLE\\svc password=$dir/pw upstream=ntlm\n"
            . $location->('/for/bob', "OwaCalIdentity service credential=svc\nOwaCalMailbox bob")
            . $location->('/panel', "OwaCalIdentity device credential=svc rooms=boardroom\nOwaCalMailbox boardroom")
            . $location->('/person', 'OwaCalIdentity device credential=svc'));
    my @alice = ('-u', 'alice:pw-alice');
    my ($r, $login, $credential, $offer, $answer) = check("$web->{origin}/booking/check", @alice);
    all_well('service', $r);
    is("$login->{facts}{user} $login->{facts}{mailbox} $login->{facts}{module}", 'alice alice mod_auth_basic', 'who she is');
    is(join(' ', @{ $credential->{facts} }{qw(mode credential user)}, $credential->{facts}{'presented by'}), 'service svc EXAMPLE\\svc NTLM', 'by whose account');
    is($answer->{facts}{mailbox}, '/exchange/alice/', 'in her mailbox');
    ($r, $login, $credential, $offer) = check("$web->{origin}/panel/check", @alice);
    all_well('device', $r);
    is("$login->{facts}{mailbox} $credential->{facts}{mode}", 'boardroom device', 'in the room\'s');

    my $before = () = $sim->requests;
    for my $where (qw(for/bob person)) {
        ($r, $login) = check("$web->{origin}/$where/check", @alice);
        fails("$where: a mailbox that is not hers here", $r, $login, 'mailbox-refused', qr/OwaCalMailbox's result.*actors= or rooms=/);
        is($login->{facts}{mailbox}, $where eq 'person' ? 'alice' : 'bob', '  and which');
        like($r->{json}{steps}[-1]{skipped}, qr/may not act in that mailbox/, '  and why');
    }
    is(scalar(() = $sim->requests), $before, '  of which the calendar server hears nothing');
    my $page = $web->request(GET => '/for/bob/check', user => 'alice', headers => { Accept => 'text/html' });
    $shown .= $page->{content};
    like($page->{content}, qr/mailbox-refused|may not act in that mailbox/, '  a person gets the page');
    is($web->json('alice', GET => '/for/bob/bookings')->{status}, 403, '  everywhere else it is an error');

    put('pw', 0600, "not-the-accounts\n");
    my $wrong = Httpd->start(backend => $sim->{url}, children => 1, location => 'OwaCalIdentity service credential=svc', server => "OwaCalCredential svc user=EXAMPLE\\svc password=$dir/pw upstream=ntlm");
    ($r, undef, $credential, $offer, $answer) = check("$wrong->{origin}/booking/check", @alice);
    ok($credential->{ok} && $offer->{ok}, "the account's password is refused: all well up to the answer") or diag $r->{content};
    fails('  which says so', $r, $answer, 'upstream-refused-login', qr/./);
};

subtest 'relay' => sub {
    my $sim = SimRun->start('--auth', 'ntlm');
    my $web = Httpd->start(backend => $sim->{url}, children => 1, auth => "AuthType OwaCalNtlm\n  Require valid-user", location => 'OwaCalIdentity relay');
    my ($r, $login, $credential, $offer, $answer) = check("$web->{origin}/booking/check", '--ntlm', '-u', 'alice:pw-alice');
    all_well('relay', $r);
    is(join(' ', @{ $login->{facts} }{qw(user module AuthType)}), 'alice mod_owacal OwaCalNtlm', 'who, and by which module');
    is("$credential->{facts}{mode} $credential->{facts}{'presented by'} $offer->{facts}{offers} $answer->{facts}{'accepted login'}", 'relay NTLM NTLM NTLM', 'by NTLM');
    unlike($r->{content}, qr/TlRMTVNT/, 'no message of it is shown');
};

SKIP: {
    my $why = Realm->skip_reason('ldap') // (-e Httpd::module_path('mod_auth_gssapi') ? undef : 'mod_auth_gssapi is not installed');
    skip "Kerberos: $why", 1 if $why;
    my $realm = Realm->start(kind => 'ldap');
    $ENV{KRB5_CONFIG} = $realm->{config};
    my $keytab = put('keytab', 0600, Realm::slurp($realm->{keytab}{front}));
    my $sim = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
    my $backend = "http://exchange.test/exchange/ connect=127.0.0.1:$sim->{port}";
    my %basic = map { $_ => ['-u', "$_:pw-$_"] } qw(alice carol zoltan);

    subtest 's4u' => sub {
        my $location = sub { my ($path, $use) = @_; return "<Location \"$path\">\nAuthType Basic\nAuthName x\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\nRequire valid-user\n"
                . "SetHandler owacal\nOwaCalUse $use\nOwaCalIdentity s4u keytab=$keytab\n</Location>\n" };
        my $web = Httpd->start(backend_line => "OwaCalBackend corp owa2003 $backend", children => 1, location => "OwaCalIdentity s4u keytab=$keytab",
            server => "OwaCalBackend strange owa2003 http://unknown.test/exchange/ connect=127.0.0.1:$sim->{port}\n" . $location->('/strange', 'strange'));
        my ($r, $login, $credential, $offer, $answer) = check("$web->{origin}/booking/check", @{ $basic{alice} });
        all_well('s4u', $r);
        is("$credential->{facts}{mode} $credential->{facts}{principal} $credential->{facts}{'presented by'}", 's4u alice@INTRANET.TEST Negotiate', 'her ticket') or diag $r->{content};
        is($credential->{facts}{'on behalf by'}, 'HTTP/intranet.test@INTRANET.TEST', '  and who gets it');
        is("$offer->{facts}{offers} $answer->{facts}{'accepted login'}", 'Negotiate Negotiate', '  is what is offered and accepted');
        like($answer->{facts}{expires} // '', qr/^\w{3}, \d\d \w{3} \d{4} /, '  and the ticket that was got expires some day');
        my $failed = sub { my ($r) = @_; return (grep { $_->{reason} } @{ $r->{json}{steps} })[0] // {} };
        ($r) = check("$web->{origin}/booking/check", @{ $basic{carol} });
        fails('carol may not be delegated', $r, $failed->($r), 'delegation-refused', qr/sensitive/);
        ($r) = check("$web->{origin}/booking/check", @{ $basic{zoltan} });
        fails('zoltan is not in the domain', $r, $failed->($r), 'unknown-principal', qr/name and realm/);
        ($r) = check("$web->{origin}/strange/check", @{ $basic{alice} });
        fails('a service that the realm does not know', $r, $failed->($r), 'misconfigured', qr/detail names/);
    };

    subtest 'delegated, after a password' => sub {
        my $store = join '', map { "  GssapiCredStore $_\n" } "keytab:$realm->{keytab}{front}", "client_keytab:$realm->{keytab}{front}", 'ccache:FILE:@DIR@/cc/service';
        my $web = Httpd->start(backend_line => "OwaCalBackend corp owa2003 $backend", children => 1, modules => ['auth_gssapi'], location => 'OwaCalIdentity delegated',
            auth => "AuthType Basic\n  AuthName intranet\n  AuthBasicProvider file\n  AuthUserFile \@DIR\@/users\n  GssapiImpersonate On\n$store"
                . "  GssapiAllowedMech krb5\n  GssapiDelegCcacheDir \@DIR\@/cc\n  GssapiDelegCcacheUnique On\n  Require valid-user");
        my ($r, $login, $credential) = check("$web->{origin}/booking/check", @{ $basic{alice} });
        all_well('GssapiImpersonate', $r);
        is("$login->{facts}{module} $login->{facts}{'kind of login'}", 'mod_auth_basic, then mod_auth_gssapi for him (GssapiImpersonate) Impersonate', 'which modules');
        is("$credential->{facts}{mode} $credential->{facts}{principal}", 'delegated alice@INTRANET.TEST', 'her ticket');
        unlike($r->{content}, qr/FILE:|ccache|\/cc\//i, '  not where it lies');
        ($r, undef, $credential, undef, my $answer) = check("$web->{origin}/booking/check", @{ $basic{carol} });
        fails('carol may not be delegated', $r, $credential->{reason} ? $credential : $answer, 'delegation-refused', qr/sensitive/);
        ($r, $login, $credential) = check("$web->{origin}/booking/check", @{ $basic{zoltan} });
        fails('for zoltan there is no ticket', $r, $credential, 'no-delegated-credential', qr/GssapiDelegCcacheDir/);
        is($login->{facts}{'kind of login'}, 'Basic', '  which the login shows');
    };

    subtest 'a client certificate, then s4u' => sub {
        plan skip_all => 'openssl is not installed' if system 'command -v openssl >/dev/null';
        system("cd '$dir' && (openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem"
            . " && for n in alice 127.0.0.1; do openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\$n -keyout \$n.key -out \$n.csr"
            . " && openssl x509 -req -days 2 -in \$n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out \$n.pem || exit 1; done) >openssl.log 2>&1") == 0 or die;
        put('subjects', 0644, '/CN=alice:{SHA}' . sha1_base64('password') . "=\n");    # as FakeBasicAuth wants it
        my $fake = "AuthType Basic\nAuthName x\nAuthBasicProvider file\nAuthUserFile $dir/subjects\nRequire valid-user";
        my %how = (
            user => "SSLUserName SSL_CLIENT_S_DN_CN\nRequire ssl-verify-client",
            fake => "SSLOptions +FakeBasicAuth\n$fake",
        );
        my $web = Httpd->start(backend_line => "OwaCalBackend corp owa2003 $backend", children => 1, modules => [qw(socache_shmcb ssl)],
            server => "SSLEngine on\nSSLCertificateFile $dir/127.0.0.1.pem\nSSLCertificateKeyFile $dir/127.0.0.1.key\nSSLCACertificateFile $dir/ca.pem\n"
                . "SSLVerifyClient require\nOwaCalOrigin https://127.0.0.1:\@PORT\@\n"
                . join '', map { "<Location \"/$_\">\n$how{$_}\nSetHandler owacal\nOwaCalUse corp\nOwaCalIdentity s4u keytab=$keytab\n</Location>\n" } sort keys %how);
        my @alice = ('-k', '--cert', "$dir/alice.pem", '--key', "$dir/alice.key");
        my $at = sub { return check("https://127.0.0.1:$web->{port}/$_[0]/check", @alice) };
        my ($r, $login, $credential) = $at->('user');
        all_well('SSLUserName', $r);
        is("$login->{facts}{user} by $login->{facts}{module}", 'alice by mod_ssl, by the client\'s certificate (SSLUserName)', 'who, and by which module');
        is($credential->{facts}{principal}, 'alice@INTRANET.TEST', 'for whom a ticket was got');
        ($r, $login) = $at->('fake');
        fails('FakeBasicAuth alone makes a name that is nobody', $r, $login, 'no-mailbox', qr/OwaCalMailbox/);
        is("$login->{facts}{user} by $login->{facts}{module}", '/CN=alice by mod_ssl, by the client\'s certificate (FakeBasicAuth)', '  which is shown');
    };
}
unlike($shown, qr/pw-\w|not-the-accounts/, 'no password is shown');
done_testing();
