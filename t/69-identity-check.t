#!/usr/bin/perl
# The self-test: who Apache says I am and by which module, which credential there is, what the server
# offers and answers, the clocks, the time of each step, and a remedy for each failure. It works when
# nothing else does, shows no secret, and its look as a stranger carries no credential.
use strict;
use warnings;
use FindBin qw($Bin);
use MIME::Base64 qw(encode_base64);
use Test::More;
use POSIX qw(strftime);
use Time::HiRes qw(time);
use lib "$Bin/lib";
use Httpd;
use SimRun;
use Upstream;

my @steps = ('login', 'credential', 'what the server offers', 'what it answers', 'free/busy');
my @every;    # all that was ever shown

sub check {
    my ($web, $user, %o) = @_;
    my $r = $web->json($user, GET => '/booking/check', undef, %o);
    push @every, $r->{content};
    ok(!$r->{headers}{'www-authenticate'}, "$user: no login is asked for") if $r->{headers}{'www-authenticate'};
    my %step = map { $_->{step} => $_ } @{ $r->{json}{steps} // [] };
    return ($r, map { $step{$_} // {} } @steps);
}

my %sim_args = (basic => [], ntlm => [], forms => ['--set', 'fba-plain=yes']);
my %scheme = (basic => 'Basic', ntlm => 'NTLM', forms => 'the logon form');
for my $how (qw(basic ntlm forms)) {
    subtest "upstream=$how" => sub {
        my $sim = SimRun->start('--auth', $how, @{ $sim_args{$how} });
        my $web = Httpd->start(backend => $sim->{url}, location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE", children => 1);
        my ($r, $login, $credential, $offer, $answer, $freebusy) = check($web, 'alice');
        is($r->{status}, 200, 'it answers') or diag $r->{content}, $web->log;
        is(join(', ', map { $_->{step} } @{ $r->{json}{steps} }), join(', ', @steps), 'step by step');
        is(join(' ', map { $_->{ok} ? 1 : 0 } @{ $r->{json}{steps} }), '1 1 1 1 1', 'all well') or diag $r->{content};
        is(scalar(grep { ($_->{ms} // '') =~ /^\d+$/ } @{ $r->{json}{steps} }), 5, 'each with its time');
        is($login->{facts}{user}, 'alice', 'who');
        is($login->{facts}{module}, 'mod_auth_basic', 'by which module');
        is($login->{facts}{'password checkers loaded'}, 'file', 'that asked whom');
        is($login->{facts}{mailbox}, 'alice', 'whose mailbox');
        is($credential->{facts}{user}, 'EXAMPLE\\alice', 'the name as presented');
        is($credential->{facts}{'presented by'}, $scheme{$how}, 'how');
        is($offer->{facts}{status}, $how eq 'forms' ? 440 : 401, 'what a stranger is told');
        is($offer->{facts}{offers}, $how eq 'forms' ? 'a logon form' : $scheme{$how}, 'what is offered');
        ok(!$offer->{facts}{note}, 'which is what is presented') or diag $offer->{facts}{note};
        is($offer->{facts}{'clock difference'}, 'none', 'one clock');
        is($answer->{facts}{status}, 207, 'what the person is told');
        is($answer->{facts}{mailbox}, '/exchange/alice/', 'whose mailbox that is');
        like($freebusy->{facts}{now}, qr/^(?:free|unknown)$/, 'free/busy is answered');

        my @log = $sim->requests;
        my ($stranger) = grep { $_->{target} eq '/exchange/' } @log;
        is($stranger->{user}, '', 'the stranger is nobody');
        is(scalar(grep { $_->{connection} == $stranger->{connection} && $_->{id} != $stranger->{id} } @log), 0, 'on a connection of his own');
        is(scalar(grep { $_->{op} ne $r->{json}{op} } grep { $_->{target} =~ m{^/(?:exchange|public)/} } @log), 0, 'all under one op id')
            or diag explain \@log;

        # A login of his is not disturbed, and theirs does not help the stranger.
        is($web->json('alice', POST => '/booking/bookings', { subject => 'x', start => '2099-03-03T10:00', duration => 30 })->{status}, 201, 'booking goes on');
        (my $again, undef, undef, $offer) = check($web, 'alice');
        is($offer->{facts}{status}, $how eq 'forms' ? 440 : 401, 'the stranger stays one');
        is(scalar(grep { $_->{target} eq '/exchange/' && $_->{user} ne '' } $sim->requests), 0, '  to the server, too');

        # Each failure has its reason and its remedy.
        my $wrong = Httpd->start(backend => $sim->{url}, location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE",
            passwords => { bob => 'not-the-domains' });
        ($r, undef, $credential, $offer, $answer, $freebusy) = check($wrong, 'bob');
        is($r->{status}, 200, 'a wrong password: the self-test works');
        ok($credential->{ok} && $offer->{ok}, '  up to the answer');
        is($answer->{reason}, 'upstream-refused-login', '  which says so');
        like($answer->{remedy}, qr/domain= and upstream=/, '  and what to do');
        is($freebusy->{skipped}, 'the login failed', '  the rest is not tried');
        unlike($web->log . $wrong->log, qr/pw-alice|not-the-domains/, 'no password in the log');
    };
}

subtest 'what can be wrong' => sub {
    my $sim = SimRun->start('--auth', 'ntlm');
    my $web = Httpd->start(backend => $sim->{url}, location => 'OwaCalIdentity basic upstream=basic domain=EXAMPLE');
    my ($r, $login, $credential, $offer, $answer) = check($web, 'alice');
    is($offer->{facts}{note}, 'the server does not offer Basic, by which the credential is presented', 'the wrong way of presenting it is seen');
    is($answer->{reason}, 'upstream-refused-login', '  and refused');

    $web = Httpd->start(backend => $sim->{url}, location => 'OwaCalIdentity delegated');
    ($r, undef, $credential, $offer, $answer) = check($web, 'alice');
    is($credential->{reason}, 'no-delegated-credential', 'no ticket: is said');
    like($credential->{remedy}, qr/GssapiDelegCcacheDir/, '  with the remedy');
    is($offer->{facts}{offers}, 'NTLM', '  and the server is looked at all the same');
    is($answer->{skipped}, 'there is no usable credential', '  as a stranger only');

    $web = Httpd->start(backend => $sim->{url}, location => '');
    ($r, undef, $credential) = check($web, 'alice');
    is("$r->{status} $credential->{reason}", '200 misconfigured', 'no OwaCalIdentity: is said') or diag $r->{content};

    $web = Httpd->start(backend => 'http://127.0.0.1:' . Httpd::free_port(), server => 'OwaCalTimeout connect=1s step=1s operation=4s undo=2s');
    ($r, $login, $credential, $offer, $answer) = check($web, 'alice');
    is($r->{status}, 200, 'a server that is down: the self-test works');
    ok($login->{ok} && $credential->{ok}, '  up to it');
    is($offer->{reason}, 'upstream-unavailable', '  says so');
    like($offer->{remedy}, qr/reaches the calendar server/, '  with the remedy');
    is($answer->{skipped}, 'the calendar server does not answer', '  the rest is not tried');

    $web = Httpd->start(backend => $sim->{url}, passwords => { 'a/b' => 'x' });
    ($r, $login) = check($web, 'a/b', password => 'x');
    is("$r->{status} $login->{reason}", '200 no-mailbox', 'a name that gives no mailbox: is said') or diag $r->{content};
    is($login->{facts}{user}, 'a/b', '  with the name');
    like($login->{remedy}, qr/OwaCalMailbox/, '  and the remedy');
    ($r) = $web->json('a/b', GET => '/booking/rooms', undef, password => 'x');
    is("$r->{status} $r->{json}{reason}", '403 no-mailbox', '  everywhere else it is an error');

    $web = Httpd->start(backend => $sim->{url}, auth => 'Require all granted');
    $r = $web->request(GET => '/booking/check.json');
    is("$r->{status} $r->{json}{reason}", '500 not-authenticated', 'nobody signed in: nothing is told');
    unlike($r->{content}, qr/127\.0\.0\.1/, '  not even where the server is');
};

# ---- a server that says what it likes ----
my $evil = '<script>alert(1)</script>"&';
my $late = strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(time - 600));
my $up = Upstream->start(
    evil => sub { "HTTP/1.1 401 No\r\nServer: $evil\r\nMS-WebStorage: $evil\r\nDate: $late\r\nWWW-Authenticate: <script>\r\n"
            . "WWW-Authenticate: Basic realm=\"<script>, Digest\", NTLM TlRM\r\nSet-Cookie: a=$evil\r\nContent-Length: 0\r\n\r\n" },
    silent => sub { sleep 30; return },
    page => sub { my $text = 'Your request was blocked'; "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " . length($text) . "\r\n\r\n$text" },
);
my $web = Httpd->start(backend => $up->{url}, server => 'OwaCalTimeout connect=1s step=1s operation=4s undo=2s', loglevel => 'owacal:trace8',
    passwords => { map { $_ => "pw-$_" } qw(alice bob carol dora) }, htdocs => "$Bin/../conf/pages");
subtest 'what the server says is shown as text' => sub {
    my ($r, undef, undef, $offer, $answer) = check($web, 'alice');
    is($offer->{facts}{offers}, 'Basic, NTLM and 1 more', 'the names of the schemes alone') or diag $r->{content};
    like($offer->{facts}{'clock difference'}, qr/^(?:599|60\d) s: the calendar server is behind$/, 'the clocks');
    ok(!grep({ /^(?:www-authenticate|set-cookie)$/ } keys %{ $r->{headers} }), 'no header of it is passed on');
    $r = $web->request(GET => '/booking/check.html', user => 'bob');
    push @every, $r->{content};
    is($r->{status}, 200, 'the page');
    unlike($r->{content}, qr/<script/, '  without anybody\'s script');
    like($r->{content}, qr/&lt;script&gt;/, '  which is text');
    like($r->{content}, qr/<dt>module<\/dt><dd>mod_auth_basic</, '  says the same');
    like($r->{content}, qr/Not tried: the login failed\./, '  and what was not tried');
    my ($first) = $up->requests;
    ok(!grep({ defined $first->{headers}{$_} } qw(authorization cookie)), 'the stranger brings nothing along');
};
subtest 'a server that is silent' => sub {
    $up->behave('silent');
    my $began = time;
    my ($r, undef, undef, $offer) = check($web, 'carol');
    cmp_ok(time - $began, '<', 10, 'is given up in time');
    is("$r->{status} $offer->{reason}", '200 upstream-timeout', '  and said so');
    like($offer->{remedy}, qr/firewall/, '  with the remedy');
};
subtest 'something else at that address' => sub {
    $up->behave('page');
    my ($r, undef, undef, $offer, $answer) = check($web, 'dora');
    is($offer->{facts}{status}, 200, 'is seen');
    is($answer->{reason}, 'upstream-protocol', '  and said');
    like($answer->{remedy}, qr/OwaCalBackend/, '  with the remedy');
};

my $shown = join '', @every;
for my $password (qw(pw-alice pw-bob pw-carol not-the-domains)) {
    unlike($shown, qr/\Q$password\E/, "$password is shown nowhere");
}
unlike($shown, qr/\Q@{[encode_base64('alice:pw-alice', '')]}\E/, 'nor encoded');
done_testing();
