#!/usr/bin/perl
# That the wrong-person tests can fail. In copies of the module in which all people share their
# connections, towards a server where a connection belongs to whom it began with: the owner check
# stops what would go out under another's name; and with that check blinded, too, the simulator's
# witness sees what went out. See t/crowd/shared.c and blind.c.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Crowd;
use Realm;

sub broken {
    my ($which, @how) = @_;
    return Crowd::run(operations => 120, mpm => 'event', children => 1, faults => [], restarts => 0,
        server => "MaxConnectionsPerChild 0\n", module => Crowd::build() . "/crowd/mod_owacal_$which.so", crowd => [qw(deaths=0 writes=0)], @how);
}

my %how = (basic => [sim => [qw(--auth basic --connection-bound)], location => 'OwaCalIdentity basic upstream=basic']);
my $why = Realm->skip_reason('mit');
my $realm = $why ? undef : Realm->start(kind => 'mit', users => 20);
if ($realm) {
    $ENV{KRB5_CONFIG} = $realm->{config};
    $how{delegated} = [Crowd::kerberos($realm, 20)];
}

for my $mode (qw(basic delegated)) {
    SKIP: {
        skip $why, 2 if !$how{$mode};
        subtest "$mode: shared connections" => sub {
            my $got = broken('shared', @{ $how{$mode} });
            Crowd::statistics($got);
            my $stopped = () = $got->{log} =~ /^.*owacal:crit.*OWACAL0102: .*refused to send on a connection that was opened for somebody else/mg;
            cmp_ok($stopped, '>', 10, 'the owner check trips, and says so at crit');
            my ($counted) = $got->{status} =~ /^owacal_owner_refused\{[^}]*\} (\d+)$/m;
            is($counted, $stopped, 'each time is counted in owacal-status');
            Crowd::none('nothing went out as anybody else', Crowd::strangers($got));
            is($got->{counters}{'credential-differs'}, 0, 'nor with credentials of anybody else');
            Crowd::none('nobody saw anything of anybody else', grep { $_->{verdict} ne 'ok' } @{ $got->{told} });
            cmp_ok(scalar(grep { $_->{reason} eq 'upstream-unavailable' } @{ $got->{told} }), '>', 10, 'those stopped are told that it failed');
        };
        subtest "$mode: shared connections, and nobody looks whose they are" => sub {
            my $got = broken('blind', @{ $how{$mode} });
            Crowd::statistics($got);
            unlike($got->{log}, qr/OWACAL0102/, 'the owner check sees nothing');
            cmp_ok(scalar(Crowd::strangers($got)), '>', 10, 'the witness sees who acted as somebody else');
            cmp_ok($got->{counters}{'credential-differs'}, '>', 10, 'so does the simulator at once');
        };
    }
}

subtest 'the shipped module cannot be brought to it' => sub {
    my @where = grep { !/^lib\/net\// } split /\n/, `cd '$Bin/..' && grep -rlE 'share_(caches_)?for_test' lib mod_owacal.c conf`;
    is("@where", '', 'nothing outside of net knows of shared connections');
    my @set = split /\n/, `cd '$Bin/..' && grep -rhE 'share_(caches_)?for_test *= ' lib`;
    is("@set", '        .share_for_test = net->conf.share_caches_for_test,', 'and nothing sets it');
};
done_testing();
