#!/usr/bin/perl
# No mode falls back to another, and none to what the process itself has. Every way to sign in lies ready
# at once: a good ticket and keys in httpd's own environment, a good ticket in the request, a password in
# its header. What the mode itself wants is missing or bad. A server that offers everything sees what
# is presented to it; one that takes Kerberos sees that the ready credentials would have worked.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use MIME::Base64 qw(decode_base64);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use NtlmClient;
use Realm;
use SimRun;
use Upstream;

my $why = Realm->skip_reason('ldap');
plan skip_all => $why if $why;
plan skip_all => 'mod_auth_gssapi, which the simulator needs, is not installed' unless -e Httpd::module_path('mod_auth_gssapi');

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
my $realm = Realm->start(kind => 'ldap');
$ENV{KRB5_CONFIG} = $realm->{config};
my @owner = $> ? () : (owner => 'www-data');
my $url = '/booking/bookings';

sub put { my ($name, $mode, $text) = @_; open my $f, '>', "$dir/$name" or die; print $f $text; close $f; chmod $mode, "$dir/$name"; return "$dir/$name" }
sub slurp { return Realm::slurp(@_) }

# What the process has: alice's ticket, and the keys of the service that may act for everybody.
my $keys = put('process.keytab', 0644, slurp($realm->{keytab}{front}));
my %ready = (KRB5CCNAME => $realm->ticket('alice', @owner), KRB5_KTNAME => "FILE:$keys", KRB5_CLIENT_KTNAME => "FILE:$keys");
# What lies in the request, where it is not the mode's own.
my %cache = (good => $realm->ticket('alice', @owner), bob => $realm->ticket('bob', @owner), expired => $realm->ticket('alice', life => '1s', @owner));
# And keys that open nothing here: of a service that may not act for anybody.
my $other = put('other.keytab', 0600, slurp($realm->{keytab}{other}));
my $front = put('front.keytab', 0600, slurp($realm->{keytab}{front}));
put('pw', 0600, "not-the-accounts\n");
sleep 2;    # one ticket is to expire

my $kerberos = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
my $reply = "HTTP/1.1 401 No\r\n" . join('', map { "WWW-Authenticate: $_\r\n" } 'Negotiate', 'NTLM', 'Basic realm="x"') . "Content-Length: 0\r\n\r\n";
my $all = Upstream->start(all => sub { return $reply });

subtest 'what lies ready would do' => sub {
    plan skip_all => 'curl with GSS-API is not installed' unless `curl -V 2>/dev/null` =~ /GSS-API/;
    for my $cache ($ready{KRB5CCNAME}, $cache{good}) {
        local $ENV{KRB5CCNAME} = $cache;
        my $status = qx{curl -sS -m 60 --noproxy '*' --connect-to ::127.0.0.1:$kerberos->{port} --negotiate -u : -o /dev/null -w '%{http_code}' -X PROPFIND -H 'Depth: 0' http://exchange.test/exchange/alice/};
        is($status, 207, 'a ticket lets alice in');
    }
};

# The same locations for both servers, each with a name of its own.
my %location = (
    'delegated, no ticket' => ['OwaCalIdentity delegated', undef],
    'delegated, expired' => ['OwaCalIdentity delegated', 'expired'],
    "delegated, another's" => ['OwaCalIdentity delegated', 'bob'],
    's4u, may not act' => ["OwaCalIdentity s4u keytab=$other", 'good'],
    'basic' => ['OwaCalIdentity basic upstream=basic', 'good'],
    'ntlm' => ['OwaCalIdentity basic upstream=ntlm', 'good'],
    'forms' => ['OwaCalIdentity basic upstream=forms', 'good'],
    'service' => ['OwaCalIdentity service credential=svc', 'good'],
    'device' => ["OwaCalIdentity device credential=svc\nOwaCalMailbox boardroom", 'good'],
    's4u' => ["OwaCalIdentity s4u keytab=$front", 'good'],
);
my %path = map { my $p = $_; ($p => '/' . $p =~ s/\W+/-/gr) } keys %location;

sub web {
    my ($port) = @_;
    # "exchange.test" without TLS takes no password, so those go to the same server by its address.
    return Httpd->start(children => 1, env => \%ready, modules => ['rewrite'], server => "OwaCalCredential svc user=EXAMPLE\\svc password=$dir/pw\n"
            . "OwaCalBackend local owa2003 http://127.0.0.1:$port/exchange/\n"
            . join('', map {
                my ($lines, $ticket) = @{ $location{$_} };
                "<Location \"$path{$_}\">\nAuthType Basic\nAuthName x\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\nRequire valid-user\nSetHandler owacal\n"
                    . 'OwaCalUse ' . (/^(?:delegated|s4u)/ ? 'corp' : 'local') . "\n$lines\n"
                    . ($ticket ? "RewriteEngine On\nRewriteRule ^ - [E=KRB5CCNAME:$cache{$ticket}]\n" : '') . "</Location>\n";
            } sort keys %location),
        backend_line => "OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:$port");
}

my %want = (    # status and reason, and what may be presented at all
    'delegated, no ticket' => [qr/^403 no-delegated-credential$/, undef],
    'delegated, expired' => [qr/^403 credential-expired$/, undef],
    "delegated, another's" => [qr/^500 identity-mismatch$/, undef],
    's4u, may not act' => [qr/^(?:403 delegation-refused|500 misconfigured)$/, undef],
    'basic' => [qr/^403 upstream-refused-login$/, qr/^Basic YWxpY2U6cHctYWxpY2U=$/],
    'ntlm' => [qr/^(?:403|502) upstream-refused-login$/, qr/^NTLM /],
    'forms' => [qr/^(?:403|502) upstream-refused-login$|^500 misconfigured$/, undef],
    'service' => [qr/^403 upstream-refused-login$/, qr/^Basic /],
    'device' => [qr/^403 upstream-refused-login$/, qr/^Basic /],
);

subtest 'a server that offers every way' => sub {
    my $web = web($all->{port});
    for my $name (sort keys %want) {
        $all->behave('all');
        my $r = $web->json('alice', GET => "$path{$name}/bookings");
        my ($outcome, $may) = @{ $want{$name} };
        like("$r->{status} " . ($r->{json}{reason} // ''), $outcome, $name) or diag $r->{content}, $web->log =~ s/.*debug.*\n//gr;
        is($r->{headers}{'www-authenticate'}, undef, '  no login box');
        my @sent = grep { length } map { $_->{headers}{authorization} // '' } $all->requests;
        is(join(' | ', grep { !$may || $_ !~ $may } @sent), '', '  nothing else was presented');
        next if $name !~ /^(?:service|device)$/;
        is(scalar(grep { (decode_base64(s/^Basic //r)) =~ /alice/ } @sent), 0, "  not the person's own password");
    }
    ok($web->stop, 'stops');
};

subtest 'a server that takes Kerberos' => sub {
    my $web = web($kerberos->{port});
    my $r = $web->json('alice', GET => "$path{s4u}/bookings");
    is("$r->{status} " . ($r->{json}{reason} // ''), '200 ', 'by its own key s4u works here') or diag $r->{content};
    for my $name (sort keys %want) {
        my $mark = (map { $_->{id} } $kerberos->requests)[-1];
        $r = $web->json('alice', GET => "$path{$name}/bookings");
        like("$r->{status} " . ($r->{json}{reason} // ''), $want{$name}[0], $name) or diag $r->{content};
        is(scalar(grep { $_->{id} > $mark && $_->{user} } $kerberos->requests), 0, '  nobody came in');
    }
    $r = $web->json('carol', GET => "$path{s4u}/bookings");
    is("$r->{status} $r->{json}{reason}", '403 delegation-refused', "carol may not be delegated: alice's ticket in the request does not help");
    unlike($web->log, qr/pw-alice|not-the-accounts|exit signal/, 'no password in the log, no crash');
    ok($web->stop, 'stops');
};

subtest 'the relay' => sub {
    my $web = Httpd->start(backend => "http://127.0.0.1:$all->{port}/", env => \%ready, children => 1, modules => ['rewrite'], auth => "AuthType OwaCalNtlm\n  Require valid-user",
        location => "OwaCalIdentity relay\n  RewriteEngine On\n  RewriteRule ^ - [E=KRB5CCNAME:$cache{good}]");
    $all->behave('all');
    my $c = SimRun::Connection->new('127.0.0.1', $web->{port});
    my $r = $c->request(GET => "$url.json", { Accept => 'application/json', Authorization => NtlmClient::auth('NTLM', $NtlmClient::TYPE1)->{Authorization} });
    is($r->{status}, 502, 'a server that answers no NTLM') or diag $r->{body};
    is(join(' | ', grep { length && !/^NTLM / } map { $_->{headers}{authorization} // '' } $all->requests), '', '  is shown nothing else');
    ok($web->stop, 'stops');
};
done_testing();
