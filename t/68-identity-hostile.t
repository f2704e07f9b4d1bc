#!/usr/bin/perl
# Hostile and odd calendar servers, for each way of presenting a person: every answer has a status and
# a reason of the table within its deadline, none is 401, nothing of what the server said about logins
# reaches the browser, no credential goes anywhere else, and a refused password is sent once.
use strict;
use warnings;
use FindBin qw($Bin);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib "$Bin/lib";
use Hostile;
use Httpd;
use SimRun;
use Upstream;

my $timeouts = 'OwaCalTimeout connect=1s step=1s operation=2s undo=1s answer=100ms';
my $decoy = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "decoy: $!";
my $elsewhere = 'http://127.0.0.1:' . $decoy->sockport;
my $read = '/booking/bookings?start=2099-03-01T00:00&end=2099-03-10T00:00';

my %behave = Hostile::replies($elsewhere);
my @kinds = sort keys %behave;
my $up = Upstream->start(%behave);
my %people = map { my $who = "u$_"; $who => "pw-$who" } 0 .. $#kinds;
for my $how (qw(basic ntlm forms)) {
    subtest "upstream=$how" => sub {
        my $web = Httpd->start(backend => $up->{url}, children => 1, threads => 8, server => $timeouts, passwords => \%people,
            location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE", loglevel => 'owacal:trace8');
        for my $i (0 .. $#kinds) {
            my ($kind, $who) = ($kinds[$i], "u$i");
            next if $how ne 'basic' && $kind =~ /^(?:100 without end|a change of protocol)$/;    # before any login: all the same
            $up->behave($kind);
            my $got = Hostile::ask($web, $who, GET => $read);
            # The web server wants a login before the form's: nobody looked at the password, and it is said so.
            next if $how eq 'forms' && $got eq '500 misconfigured' && ($up->requests)[-1]{target} =~ /owaauth/;
            like($got, Hostile::may($kind), "$kind: $got");
            my @requests = $up->requests;
            my $first = Hostile::sent($how, @requests);
            cmp_ok(scalar @requests, '<=', 12, '  a few requests at most');
            next if $how eq 'basic' && $got !~ /refused-login/;    # it goes along with each request then
            cmp_ok($first, '<=', 1, '  the password was sent once') or diag explain [map { "$_->{method} $_->{target} " . ($_->{headers}{authorization} // '') } @requests];
            next if !$first || $got !~ /refused-login/;
            like(Hostile::ask($web, $who, GET => $read), qr/^(?:403|502) upstream-refused-login$/, '  once more: the same');
            is(Hostile::sent($how, $up->requests), $first, '  without sending it again');
        }
        Hostile::nothing_seen($how);
        ok(!IO::Select->new($decoy)->can_read(0), 'no other host was contacted');
        unlike($web->log, qr/exit signal|segfault/i, 'no crash');
        my %shown = map { encode_base64("EXAMPLE\\$_:pw-$_", '') => 1, encode_base64("$_:pw-$_", '') => 1 } keys %people;
        is(join(' ', grep { index($web->log, $_) >= 0 } 'pw-u', sort keys %shown), '', 'no password in the log');
        ok($web->stop, 'stops');
    };
}

# ---- an honest server on bad connections ----
my %sim_args = (basic => [], ntlm => [], forms => ['--set', 'fba-plain=yes']);
for my $how (qw(basic ntlm forms)) {
    subtest "upstream=$how, connections that end" => sub {
        my $sim = SimRun->start('--auth', $how, @{ $sim_args{$how} });
        my $web = Httpd->start(backend => $sim->{url}, children => 1, server => $timeouts, location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE");
        is(Hostile::ask($web, $_, GET => $read), '200 data', "$_ reads") for qw(alice bob);
        $sim->fault('close-silently');
        my %before = map { $_->{id} => 1 } $sim->requests;
        for my $round (1 .. 3) {
            is(Hostile::ask($web, $_, GET => $read), '200 data', "$_ reads, though each reply ends its connection") for qw(alice bob);
        }
        $sim->no_faults;
        my @new = grep { !$before{ $_->{id} } && $_->{target} =~ m{^/exchange/} } $sim->requests;
        cmp_ok(scalar(@new), '>=', 6, 'all were asked');
        is(scalar(grep { my ($box) = $_->{target} =~ m{^/exchange/(\w+)}; $_->{user} && lc $box ne lc $_->{user} } @new), 0, 'none as anybody else');

        # A write that is answered 401: it is not known to have been executed, and never sent again as it is.
        my $subject = "Once $how";
        for my $method (qw(PROPPATCH MOVE)) {
            my ($mark) = (map { $_->{id} } $sim->requests)[-1];
            $sim->fault("status=401:method=$method");
            my $got = Hostile::ask($web, 'alice', POST => '/booking/bookings', { subject => $subject, room => 'room1', start => '2099-05-01T10:00', duration => 30 });
            $sim->no_faults;
            isnt($got, '201 data', "a $method answered by 401: no success ($got)");
            my %times;
            $times{"$_->{method} $_->{target}"}++ for grep { $_->{id} > $mark && $_->{method} eq $method } $sim->requests;
            is(join(', ', grep { $times{$_} > ($how eq 'forms' ? 2 : $how eq 'ntlm' ? 3 : 1) } sort keys %times), '', '  and it was not sent again') or diag explain \%times;
        }
        is(Hostile::ask($web, 'alice', GET => $read), '200 data', 'alice goes on: her password was not taken for a wrong one');
        Hostile::nothing_seen($how);
        unlike($web->log, qr/exit signal|segfault|pw-alice|pw-bob/i, 'no crash, no password in the log');
    };
}
note join "\n", Hostile::reasons();
done_testing();
