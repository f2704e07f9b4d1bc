#!/usr/bin/perl
# The person's own password, upstream by Basic, NTLM and the OWA logon form: the right mailbox as the
# right person, under concurrency; refused passwords are not sent again; an expired logon is renewed
# without anybody noticing.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my @people = qw(alice bob carol zoltan);
my $url = '/booking/bookings';
my $no = 0;

sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }

sub calendar { my ($sim, $name) = @_; return map { SimRun::subject($_) } $sim->items($name, qr/^(Calendar|Napt)/) }

# Every request to a mailbox of a person must have been made by that person (into rooms all may look).
sub strangers {
    my ($sim) = @_;
    return grep { my ($box) = $_->{target} =~ m{^/exchange/([^/]+)/}; $box && $box !~ /room/ && $_->{user} && lc $box ne lc $_->{user} } @{ $sim->control(GET => '/_sim/log') };
}

my %sim_args = (basic => [], ntlm => [], forms => ['--set', 'fba-plain=yes']);
for my $how (qw(basic ntlm forms)) {
    subtest "upstream=$how" => sub {
        my $sim = SimRun->start('--auth', $how, @{ $sim_args{$how} });
        my $web = Httpd->start(backend => $sim->{url}, location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE",
            server => 'OwaCalLimit per-user=50');
        my $r = $web->json('alice', POST => $url, booking(room => 'room1'));
        is($r->{status}, 201, 'alice books') or diag $r->{content}, $web->log;
        $r = $web->json('bob', POST => $url, booking(room => 'boardroom'));
        is($r->{status}, 201, 'bob books');
        is(join(' ', calendar($sim, 'alice')), 'Meeting ' . ($no - 1), "alice's stands in alice's mailbox");
        is(join(' ', calendar($sim, 'bob')), "Meeting $no", "bob's in bob's");

        # Many at once, mixed, on few connections.
        my $from = $no;
        my @got = Httpd::side_by_side(12, sub {
            my ($i) = @_;
            my $user = $people[$i % @people];
            $no = $from + $i;
            return $web->json($user, POST => $url, booking(subject => "Of $user $i"))->{status};
        });
        $no += 12;
        is(join(' ', @got), join(' ', (201) x 12), 'twelve at once');
        my %wrong;
        for my $user (@people) { $wrong{"$_ with $user"}++ for grep { /^Of (?!$user)/ } calendar($sim, $user) }
        is(join(', ', sort keys %wrong), '', 'each in his own mailbox');
        is(scalar(strangers($sim)), 0, 'no request as anybody else') or diag explain [strangers($sim)];
        unlike($web->log, qr/pw-(alice|bob|carol|zoltan)|owner check|exit signal/i, 'no password in the log, no crash');
        ok($web->stop, 'stops');
    };

    subtest "upstream=$how, a wrong password" => sub {
        my $sim = SimRun->start('--auth', $how, @{ $sim_args{$how} });
        # Apache's password file and the domain disagree.
        my $web = Httpd->start(backend => $sim->{url}, location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE",
            passwords => { alice => 'not-the-domains', bob => 'pw-bob' }, server => 'OwaCalLimit per-user=50');
        my @got = Httpd::side_by_side(8, sub { my $r = $web->json('alice', POST => $url, booking()); return "$r->{status} " . ($r->{json}{reason} // '') });
        my %got = map { $_ => 1 } @got;
        is(join(', ', sort keys %got), '403 upstream-refused-login', 'all are refused, none with 401') or diag explain \@got;
        my $log = $sim->control(GET => '/_sim/log');
        my %leg = (
            basic => [1, sub { $_[0]{status} == 401 }],
            ntlm => [2, sub { $_[0]{status} == 401 }],    # the challenge and the refusal
            forms => [1, sub { $_[0]{target} =~ /owaauth\.dll/ }],
        );
        is(scalar(grep { $leg{$how}[1]->($_) } @$log), $leg{$how}[0], 'the password was sent once, by all children together')
            or diag explain $log;
        is($web->json('bob', POST => $url, booking())->{status}, 201, "another person's password is another matter");
        ok($web->stop, 'stops');
    };
}

subtest 'a forms logon that expires in the middle' => sub {
    my $sim = SimRun->start('--auth', 'forms', '--set', 'fba-plain=yes');
    # One child, so that its logon is proven: a 440 on the very first use of cookies means refused.
    my $web = Httpd->start(backend => $sim->{url}, location => "OwaCalIdentity basic upstream=forms domain=EXAMPLE", children => 1);
    is($web->json('alice', POST => $url, booking())->{status}, 201, 'books');
    for my $n (1 .. 8) {
        $sim->control(DELETE => '/_sim/fault');
        $sim->control(POST => "/_sim/fault?name=login-expired&when=$n");
        my $b = booking(room => 'room1');
        my $r = $web->json('alice', POST => $url, $b);
        is($r->{status}, 201, "expired before exchange $n: books all the same") or diag $r->{content};
        is(scalar(grep { $_ eq $b->{subject} } calendar($sim, 'alice')), 1, '  once');
    }
};

subtest 'the header must be the verified person' => sub {
    my $sim = SimRun->start('--auth', 'basic');
    my $web = Httpd->start(backend => $sim->{url}, modules => [qw(authn_anon)], auth => "AuthType Basic\nAuthName x\n"
        . "AuthBasicProvider anon\nAnonymous *\nAnonymous_NoUserID On\nRequire all granted");
    my $r = $web->request(GET => '/booking/bookings.json');
    is("$r->{status} $r->{json}{reason}", '500 not-authenticated', 'nobody signed in: a configuration error, not a login box');
    ok(!$r->{headers}{'www-authenticate'}, 'no login is asked for');
    $web = Httpd->start(backend => $sim->{url}, modules => [qw(authn_anon)], auth => "AuthType Basic\nAuthName x\n"
        . "AuthBasicProvider anon\nAnonymous *\nAnonymous_MustGiveEmail Off\nAnonymous_LogEmail Off\nRequire valid-user");
    for my $bad ('..', 'a/b', 'x%2fy', "a?b", 'a#b', 'a..b', 'x' x 600) {
        $r = $web->request(GET => '/booking/bookings.json', user => $bad, password => 'x');
        is("$r->{status} " . ($r->{json}{reason} // ''), '403 no-mailbox', 'no mailbox for ' . substr($bad, 0, 20));
    }
    # A password goes to this machine or over TLS; a name that only begins like an address is neither.
    $web = Httpd->start(backend_line => 'OwaCalBackend corp owa2003 http://127.evil.test/exchange/');
    $r = $web->json('alice', GET => '/booking/bookings');
    is("$r->{status} $r->{json}{reason}", '500 misconfigured', 'no password to a server of that name without TLS');
};

subtest 'OwaCalIdentity takes nothing from an outer location' => sub {
    my $web = Httpd->start(backend_line => 'OwaCalBackend corp owa2003 http://127.evil.test/exchange/', location => 'OwaCalIdentity basic', server => <<'E');
<Location "/">
  OwaCalIdentity basic upstream=ntlm domain=EXAMPLE
</Location>
<Location "/tickets">
  @LOGIN@
  SetHandler owacal
  OwaCalUse corp
  OwaCalIdentity delegated variable=OTHER
</Location>
<Location "/tickets/bookings">
  OwaCalIdentity delegated
  OwaCalBase /tickets
</Location>
E
    is($web->json('alice', GET => $url)->{json}{reason}, 'misconfigured', 'by Basic, as is the default: refused without TLS') or diag $web->log;
    $web->json('alice', GET => '/tickets/bookings');
    like($web->log, qr/the login left no KRB5CCNAME/, 'a ticket is where it is by default');
};
done_testing();
