#!/usr/bin/perl
# The witness: as whom the requests of each operation ran. What a client must never do is counted, and
# for each of these there is a client here that does it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic');
sub basic { my ($user, $password) = @_; return 'Basic ' . encode_base64("$user:" . ($password // "pw-$user"), '') }
sub op { return sprintf '%016x', $_[0] }
sub ask {
    my ($c, $user, $op, $path, %more) = @_;
    return $c->request(PROPFIND => $path // "/exchange/$user/", { Depth => 0, (defined $user ? (Authorization => basic($user)) : ()),
        (defined $op ? ('X-Request-Id' => $op) : ()), %more });
}
# The four counters that tell of wrong clients, and all that follows the name of the operation.
sub counted {
    my ($s) = @_;
    my $c = $s->control(GET => '/_sim/counters');
    return join ' ', map { $c->{$_} // 'none' } qw(op-two-users connection-two-users credential-differs without-op);
}
sub lines { my ($s, $query) = @_; return split /\n/, $s->control(GET => '/_sim/witness' . ($query // '')) }
sub seen { return map { join ' ', (split /\t/)[0, 1, 2, 3, 5] } lines(@_) }

subtest 'a client that does right' => sub {
    my ($a, $b) = ($sim->connect, $sim->connect);
    is(ask($a, 'alice', op(1))->{status}, 207, 'alice') for 1 .. 2;
    is(ask($b, 'bob', op(2))->{status}, 207, 'bob');
    is(ask($a, 'alice', 'fedcba9876543210', '/public/')->{status} > 0, 1, 'another operation of hers, about no mailbox');
    is(ask($a, 'alice', op(3), '/exchange/gone/')->{status}, 404, 'about one that is not here');
    is(counted($sim), '0 0 0 0', 'nothing to complain of');
    is_deeply([ seen($sim) ], [ op(1) . ' alice basic alice 2', op(2) . ' bob basic bob 1', 'fedcba9876543210 alice basic - 1',
        op(3) . ' alice basic ? 1' ], 'who, by which means, in which mailbox, how often');
    my @conn = map { (split /\t/)[4] } lines($sim);
    is("$conn[0] $conn[0]", "$conn[2] $conn[3]", "alice's over one connection");
    isnt($conn[0], $conn[1], "  and bob's over another");
    my ($last) = grep { $_->{user} eq 'bob' } $sim->requests;
    is("$last->{op} $last->{means}", op(2) . ' basic', 'the log tells it, too');
};

subtest 'from one mailbox into another' => sub {
    $sim->control(POST => '/_sim/reset');
    $sim->control(POST => '/_sim/items?mailbox=alice');
    my $c = $sim->connect;
    $c->request(COPY => '/exchange/alice/Calendar/x.EML', { Authorization => basic('alice'), 'X-Request-Id' => op(9), 'Content-Length' => 0,
        Destination => "$sim->{url}exchange/bob/Calendar/y.EML" });
    is_deeply([ seen($sim) ], [ op(9) . ' alice basic alice 1', op(9) . ' alice basic bob 1' ], 'is about both');
};

subtest 'one operation as two people' => sub {
    $sim->control(POST => '/_sim/reset');
    ask($sim->connect, 'alice', op(7));
    ask($sim->connect, undef, op(7), '/exchange/alice/');
    is(counted($sim), '0 0 0 0', 'a request that proves nothing is nobody else');
    is((seen($sim))[1], op(7) . ' - - alice 1', '  but stands there');
    ask($sim->connect, 'bob', op(7));
    is(counted($sim), '1 0 0 0', 'the second is counted');
    ask($sim->connect, $_, op(7)) for qw(carol alice bob);
    is(counted($sim), '1 0 0 0', '  once for the operation');
    ask($sim->connect, $_, op(8)) for qw(bob alice);
    is(counted($sim), '2 0 0 0', 'another operation');
    ask($sim->connect, $_, uc op(0xabc)) for qw(alice);
    ask($sim->connect, $_, op(0xabc)) for qw(bob);
    is(counted($sim), '3 0 0 0', 'ids are numbers: case makes no difference');
};

subtest 'one connection for two people' => sub {
    $sim->control(POST => '/_sim/reset');
    my $c = $sim->connect;
    ask($c, 'alice', op(1));
    is($c->request(PROPFIND => '/exchange/bob/', { Depth => 0, Authorization => basic('bob', 'wrong'), 'X-Request-Id' => op(2) })->{status}, 401,
        'who does not prove himself');
    is(counted($sim), '0 0 0 0', '  is nobody');
    is(ask($c, 'bob', op(2))->{status}, 207, 'bob over the connection that alice used');
    is(counted($sim), '0 1 0 0', 'counted');
    ask($c, 'alice', op(1));
    is(counted($sim), '0 1 0 0', '  once for the connection');
};

subtest 'no operation' => sub {
    $sim->control(POST => '/_sim/reset');
    ask($sim->connect, 'alice', $_) for undef, '', '1', 'x' x 16, '0' x 17, '-00000000000000f', op(1) . ' ' . op(2);
    is(counted($sim), '0 0 0 7', 'counted, whatever stands there instead of an id');
    is(scalar(seen($sim)), 0, 'and not kept');
    is($sim->once(GET => '/_sim/counters')->{status}, 200, '/_sim/ needs none');
    is(counted($sim), '0 0 0 7', '...');
};

subtest 'pages' => sub {
    $sim->control(POST => '/_sim/reset');
    my $c = $sim->connect;
    ask($c, 'alice', op($_)) for 1 .. 5;
    is_deeply([ map { /^0*(\d)\t/ } lines($sim, '?from=1&count=3') ], [ 2, 3, 4 ], 'a part of it');
    is_deeply([ lines($sim, '?from=99') ], [], 'past the end');
    my $r = $sim->once(GET => '/_sim/witness?count=1');
    is("$r->{headers}{'x-sim-total'}[0] $r->{headers}{'x-sim-lost'}[0]", '5 0', 'how many there are');
    $sim->control(POST => '/_sim/reset');
    is_deeply([ lines($sim) ], [], 'reset forgets');
};
$sim->stop;

subtest 'a connection stays whose it was, as with IIS' => sub {
    my $bound = SimRun->start('--auth', 'basic', '--connection-bound');
    my $c = $bound->connect;
    is(ask($c, undef, op(1), '/exchange/alice/')->{status}, 401, "nobody's at first");
    is(ask($c, 'alice', op(1))->{status}, 207, 'alice');
    is(ask($c, undef, op(1), '/exchange/alice/')->{status}, 207, 'needs no header any more');
    is(ask($c, 'alice', op(1))->{status}, 207, 'may send hers again');
    is(counted($bound), '0 0 0 0', 'nothing to complain of');
    is(ask($c, 'bob', op(2))->{status}, 403, "bob's header over it: not in his mailbox");
    is(ask($c, 'bob', op(2), '/exchange/alice/')->{status}, 207, '  but in hers');
    is(counted($bound), '0 0 2 0', 'both counted');
    is_deeply([ seen($bound) ], [ op(1) . ' - - alice 1', op(1) . ' alice basic alice 1', op(1) . ' alice connection alice 2',
        op(2) . ' alice connection bob 1', op(2) . ' alice connection alice 1' ], 'as alice, by her connection');
    is(ask($bound->connect, 'bob', op(3))->{status}, 207, 'over one of his own he is himself');
};

subtest 'a front that is trusted' => sub {
    like(SimRun->try_start('--auth', 'trusted')->{error}, qr/needs --set trusted-secret/, 'not without a secret');
    my $front = SimRun->start('--auth', 'trusted', '--set', 'trusted-secret=open-sesame');
    my $as = sub { my ($c, $user, $secret, %more) = @_;
        return $c->request(PROPFIND => '/exchange/alice/', { Depth => 0, 'X-Request-Id' => op(1), (defined $user ? ('X-Sim-User' => $user) : ()),
            (defined $secret ? ('X-Sim-Secret' => $secret) : ()), %more })->{status} };
    my $c = $front->connect;
    is($as->($c, 'alice', 'open-sesame'), 207, 'alice');
    is($as->($front->connect, undef, 'open-sesame'), 401, 'nobody named');
    is($as->($front->connect, '', 'open-sesame'), 401, 'an empty name');
    is($as->($c, 'alice', $_), 401, 'the secret is ' . ($_ // 'not there')) for undef, '', 'open-sesam', 'open-sesame2', 'Open-sesame';
    is($as->($c, 'alice', undef, Authorization => basic('alice')), 401, 'a password is not accepted');
    is($as->($front->connect, 'mallory', 'open-sesame', 'X-Request-Id' => op(2)), 403, 'an account without a mailbox');
    is(counted($front), '0 0 0 0', 'nothing to complain of');
    is((seen($front))[0], op(1) . ' alice trusted alice 1', 'the witness names the means');
    is($as->($c, 'alice', 'open-sesame', Authorization => basic('bob')), 207, 'a header of somebody else');
    is(counted($front), '0 0 1 0', '  is counted');
    is($as->($c, 'bob', 'open-sesame'), 403, 'one connection for two people');
    is(counted($front), '1 1 1 0', '  is counted');
    unlike($front->once(GET => '/_sim/settings')->{body}, qr/sesame/, 'the secret is not shown');
};

done_testing;
