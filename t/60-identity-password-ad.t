#!/usr/bin/perl
# The person's own password, upstream by NTLM, against real verification: a front of the calendar server
# that asks an Active Directory (Samba) about each login and binds it to the connection, as IIS does. In
# front TLS, as a site would have it.
use strict;
use warnings;
use FindBin qw($Bin);
use HTTP::Tiny;
use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use NtlmFront;
use Realm;
use SimRun;

my $why = Realm->skip_reason('ad');
plan skip_all => $why if $why;
plan skip_all => 'openssl or curl is not installed' if grep { system("command -v $_ >/dev/null") } qw(openssl curl);

my $realm = Realm->start(kind => 'ad');
my $sim = SimRun->start(NtlmFront->sim_args);
my $front = NtlmFront->start(realm => $realm, sim => $sim);
my $cert = $realm->path('front.pem');
system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
    . "-addext subjectAltName=IP:127.0.0.1 -keyout '$cert.key' -out '$cert' 2>/dev/null") == 0 or die 'openssl req failed';

# Whom Apache's own password file knows, and by which password: its word is not the domain's.
my %passwords = (alice => 'pw-alice', bob => 'pw-bob', carol => 'not-the-domains', "$realm->{domain}\\alice" => 'pw-alice',
    'alice@INTRANET.TEST' => 'pw-alice', 'OTHER\\alice' => 'pw-bob', nobody => 'pw-alice');

sub web {
    my ($lines, %o) = @_;
    return Httpd->start(backend => $front->{url}, modules => [qw(socache_shmcb ssl)], passwords => \%passwords, location => $lines, %o,
        server => "SSLEngine on\nSSLCertificateFile $cert\nSSLCertificateKeyFile $cert.key\nOwaCalOrigin https://127.0.0.1:\@PORT\@\n"
            . 'OwaCalLimit per-user=50');
}

my $no = 0;
sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }

# By TLS, which core Perl does not speak.
sub ask {
    my ($web, $user, $method, $path, $data) = @_;
    my @body = $data ? ('-H', 'Content-Type: application/json', '--data-binary', encode_json($data)) : ();
    open my $h, '-|', 'curl', '-sS', '-m', 60, '--noproxy', '*', '--cacert', $cert, '-H', 'Accept: application/json',
        '-H', 'Authorization: Basic ' . encode_base64("$user:$passwords{$user}", ''), '-X', $method, @body, '-w', "\n%{http_code}",
        "https://127.0.0.1:$web->{port}$path" or die "curl: $!";
    local $/;
    my ($content, $status) = readline($h) =~ /(.*)\n(\d+)\z/s;
    return { status => $status // 0, content => $content, json => scalar eval { decode_json($content) } };
}
sub said { my ($r) = @_; return "$r->{status} " . ($r->{json}{reason} // '') }
sub calendar { my ($name) = @_; return join ',', sort map { SimRun::subject($_) } $sim->items($name, qr/^Calendar$/) }
sub strangers {
    return grep { my ($box) = $_->{target} =~ m{^/exchange/([^/]+)/}; $box && $box !~ /room/ && $_->{user} && lc $box ne lc $_->{user} } $sim->requests;
}
sub refusals { return scalar(() = $front->log =~ /^\d+ - refused: /mg) }

subtest 'the domain in the configuration' => sub {
    my $web = web("OwaCalIdentity basic upstream=ntlm domain=$realm->{domain}");
    for my $who (qw(alice bob)) {
        my $r = ask($web, $who, POST => '/booking/bookings', booking(subject => "By $who", room => 'boardroom'));
        is(said($r), '201 ', "$who books") or diag $r->{content}, $web->log =~ s/.*debug.*\n//gr, $front->log;
        is($r->{json}{booking}{organizer}, "$who\@example.test", "  as $who");
        is(calendar($who), "By $who", '  in the right mailbox');
    }
    my @got = Httpd::side_by_side(8, sub {
        my ($i) = @_;
        my $who = $i % 2 ? 'alice' : 'bob';
        $no = 20 + $i;
        return ask($web, $who, POST => '/booking/bookings', booking(subject => "Of $who $i"))->{status};
    });
    is(join(' ', @got), join(' ', (201) x 8), 'eight at once, mixed');
    is(calendar('alice'), join(',', 'By alice', map { "Of alice $_" } 1, 3, 5, 7), "alice's with alice");
    is(calendar('bob'), join(',', 'By bob', map { "Of bob $_" } 2, 4, 6, 8), "bob's with bob");

    # Each try counts for the lock-out of the domain's account.
    my @wrong = Httpd::side_by_side(4, sub { return said(ask($web, 'carol', GET => '/booking/bookings')) });
    is(join(', ', @wrong), join(', ', ('403 upstream-refused-login') x 4), "a password that is not the domain's: refused, and no login box");
    is(refusals(), 1, '  it went to the domain once, by all children together') or diag $front->log;
    is(said(ask($web, 'nobody', GET => '/booking/bookings')), '403 upstream-refused-login', 'so is a name that the domain does not know');
    is(scalar(strangers()), 0, 'nobody as anybody else') or diag explain [strangers()];
    unlike($web->log, qr/pw-alice|pw-bob|not-the-domains|TlRMTVNT|exit signal|owner check/, 'no password and no message in the log, no crash');
    is(said(ask($web, 'alice', GET => '/booking/bookings')), '200 ', 'alice goes on');
    ok($web->stop, 'stops');
};

subtest 'the domain in the name' => sub {
    my $web = web('OwaCalIdentity basic upstream=ntlm', children => 1);
    for my $user ("$realm->{domain}\\alice", 'alice@INTRANET.TEST') {
        is(said(ask($web, $user, GET => '/booking/bookings')), '200 ', "$user is alice") or diag $web->log =~ s/.*debug.*\n//gr, $front->log;
    }
    is(said(ask($web, 'OTHER\\alice', GET => '/booking/bookings')), '403 upstream-refused-login', 'of another domain she is not');
    is(scalar(strangers()), 0, 'nobody as anybody else');
    ok($web->stop, 'stops');
};
done_testing();
