#!/usr/bin/perl
# Kerberos: a private realm, mod_auth_gssapi in front of the simulator, curl as client.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Realm;
use SimRun;
use Test::More;

plan skip_all => 'curl is not installed' unless grep { -x "$_/curl" } split /:/, $ENV{PATH};
plan skip_all => 'curl without GSS-API' unless `curl -V` =~ /GSS-API/;
my $why = Realm->skip_reason('mit');
plan skip_all => $why if $why;
my $realm = Realm->start;
$ENV{KRB5_CONFIG} = $realm->{config};

my @args = ('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
my $probe = SimRun->try_start(@args);
plan skip_all => 'mod_auth_gssapi is not installed (Debian: libapache2-mod-auth-gssapi)'
    if $probe->{error} =~ /mod_auth_gssapi is missing/;
BAIL_OUT($probe->{error}) unless $probe->{url};

# Status codes of PROPFINDs in one run of curl, over one connection if the server lets it.
sub curl {
    my ($sim, $cache, @paths) = @_;
    local $ENV{KRB5CCNAME} = $cache;
    open my $h, '-|', 'curl', '-sS', '-m', 20, '--noproxy', '*', '--connect-to', "::127.0.0.1:$sim->{port}", '--negotiate', '-u', ':',
        '-X', 'PROPFIND', '-H', 'Depth: 0', '-w', '%{http_code}/%{num_connects} ', map { ('-o', '/dev/null', "http://exchange.test$_") } @paths
        or die;
    local $/;
    return scalar <$h>;
}
my ($alice, $bob) = @{ $realm->{cache} }{qw(alice bob)};

subtest 'a ticket is who one is' => sub {
    my $sim = $probe;
    is_deeply($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0 })->{headers}{'www-authenticate'}, ['Negotiate'],
        'Negotiate is offered, and nothing else');
    like(curl($sim, $alice, '/exchange/alice/'), qr{^207/}, 'alice in her mailbox');
    like(curl($sim, $alice, '/exchange/bob/'), qr{^403/}, 'not in bob\'s');
    like(curl($sim, $bob, '/exchange/bob/'), qr{^207/}, 'bob in his');
    like(curl($sim, 'FILE:' . $realm->path('none'), '/exchange/alice/'), qr{^401/}, 'without a ticket');
    is($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0, Authorization => 'Negotiate YWJj' })->{status}, 401, 'rubbish');
    is($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0, Authorization => 'Basic YWxpY2U6cHctYWxpY2U=' })->{status}, 401,
        'a password');
    is($sim->once(GET => '/_sim/settings')->{status}, 200, '/_sim/ needs none');
    my @log = grep { ($_->{user} // '') eq 'alice' } $sim->requests;
    ok(@log >= 2, 'the log of requests names alice');
};
$probe->stop;

subtest 'a token serves one request, or, if so set, a connection' => sub {
    my $sim = SimRun->start(@args);
    my $seen = sub {
        my ($sim, $cache) = @_;
        local $ENV{KRB5CCNAME} = $cache // $alice;
        my $trace = `curl -sS -m 20 -v --noproxy '*' --connect-to ::127.0.0.1:$sim->{port} --negotiate -u : -X PROPFIND -H 'Depth: 0' -o /dev/null http://exchange.test/exchange/alice/ 2>&1`;
        return $trace =~ /^> Authorization: (Negotiate \S+)/m ? $1 : undef;
    };
    my $token = $seen->($sim);
    ok($token, 'a token');
    is($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0, Authorization => $token })->{status}, 401, 'a replay is refused');

    my $bound = SimRun->start(@args, '--connection-bound');
    like(curl($bound, $alice, ('/exchange/alice/') x 3), qr{^(207/\d ){3}$}, 'three requests on one connection');
    is($bound->once(PROPFIND => '/exchange/alice/', { Depth => 0 })->{status}, 401, 'a new connection is nobody\'s');

    # tokens that this server has not seen: each has its own memory of those it has
    my ($hers, $his) = map { $seen->($sim, $_) } $alice, $bob;
    $bound->control(POST => '/_sim/reset');
    my $c = $bound->connect;
    is($c->request(PROPFIND => '/exchange/alice/', { Depth => 0, Authorization => $hers })->{status}, 207, 'alice');
    is($c->request(PROPFIND => '/exchange/bob/', { Depth => 0, Authorization => $his })->{status}, 403, "bob's ticket over her connection");
    is($c->request(PROPFIND => '/exchange/alice/', { Depth => 0 })->{status}, 207, 'it stays hers');
    is($bound->control(GET => '/_sim/counters')->{'credential-differs'}, 1, 'which is counted');
    is(join(' ', map { "$_->{user}:$_->{means}" } $bound->requests), 'alice:kerberos alice:connection alice:connection', '  and logged as hers');

    my $shut = SimRun->start(@args, '--fault', 'close-silently');
    my $r = $shut->once(PROPFIND => '/exchange/alice/', { Depth => 0, Authorization => $seen->($sim) });
    like("$r->{status} " . join(' | ', @{ $r->{headers}{'www-authenticate'} // [] }), qr/^207 Negotiate \S{20,}$/, 'a reply that a fault damages still proves who sent it');
};

subtest 'several schemes on offer' => sub {
    my $sim = SimRun->start(@args, '--set', 'auth-offer=Negotiate,NTLM,Basic');
    is_deeply($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0 })->{headers}{'www-authenticate'},
        [ 'Negotiate', 'NTLM', 'Basic realm="example.test"' ], 'all three');
    like(curl($sim, $alice, '/exchange/alice/'), qr{^207/}, 'Kerberos works');
    is($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0, Authorization => 'Basic YWxpY2U6cHctYWxpY2U=' })->{status}, 207,
        'so does Basic');
};

subtest 'the logon is lost' => sub {
    my $sim = SimRun->start(@args, '--fault', 'login-expired:1');
    like(curl($sim, $alice, '/exchange/alice/'), qr{^207/}, 'curl, told to prove itself again, does so');
    is_deeply([ map { "$_->{seen}/$_->{hits}" } @{ $sim->control(GET => '/_sim/fault')->{set} } ], ['2/1'],
        'which took a second token');
};

subtest 'without a keytab' => sub {
    like(SimRun->try_start('--auth', 'kerberos')->{error}, qr/needs --keytab/, 'it says so');
    like(SimRun->try_start('--auth', 'kerberos', '--keytab', $realm->path('none'))->{error}, qr/cannot read/, 'or that it is not there');
};

done_testing;
