#!/usr/bin/perl
# What one person leaves behind is of no use to another: keys, tokens, sentences, addresses, etags,
# cookies of a logon, connections, what a child remembers, and TLS sessions with a certificate.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep);
use lib "$Bin/lib";
use Crowd;
use Httpd;
use SimRun;

my $url = '/booking/bookings';
my $no = 0;
sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }
sub reason { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{reason} // '' : '') }
sub subjects { my ($sim, $who) = @_; return join '|', sort map { SimRun::subject($_) } $sim->items($who, qr/^(Calendar|Napt)/) }

# One child, so that whatever it remembers could be found by the next.
my $sim = SimRun->start('--auth', 'basic', '--connection-bound');
my $web = Httpd->start(backend => $sim->{url}, children => 1);

subtest 'an idempotency key' => sub {
    my $data = booking(subject => 'The same');
    my %post = map { my $user = $_; $user => sub { $web->json($user, POST => $url, $data, headers => { 'Idempotency-Key' => 'one-key' }) } } qw(alice bob);
    my $hers = $post{alice}->();
    my $his = $post{bob}->();
    is("$hers->{status} $his->{status}", '201 201', 'is each person\'s own');
    ok(!$his->{json}{replayed}, 'what came of hers is not given to him');
    isnt($his->{json}{booking}{uid}, $hers->{json}{booking}{uid}, 'the meetings are two');
    my $again = $post{alice}->();
    is($again->{json}{booking}{uid}, $hers->{json}{booking}{uid}, 'hers stands for hers still');
    is(subjects($sim, $_), 'The same', "$_ has one") for qw(alice bob);
};

subtest 'a form token and its key' => sub {
    my $token = $web->token('alice');
    my $r = $web->request(POST => $url, user => 'bob', form => { %{ booking() }, token => $token, key => 'a-key' });
    is($r->{status}, 403, 'of hers is refused to him');
    like($r->{content}, qr/form-token-invalid/, 'with that reason');
    is(subjects($sim, 'bob'), 'The same', 'nothing was booked');
    $r = $web->request(POST => $url, user => 'alice', form => { %{ booking(subject => 'By form') }, token => $token, key => 'a-key' });
    is($r->{status}, 303, 'she can use it');
};

subtest 'the sentence a redirect carries' => sub {
    my $r = $web->form('alice', $url, booking(subject => 'Secret plan'));
    my $where = $r->{headers}{location};
    my ($note) = $where =~ /owacal=([^&]+)/;
    ok($note, 'there is one');
    like($web->request(GET => $where, user => 'alice', headers => { Accept => 'text/html' })->{content}, qr/role="status"|Booked|booked/, 'she is shown it');
    my $list = $web->request(GET => "$url.html?owacal=$note", user => 'bob');
    my $plain = $web->request(GET => "$url.html", user => 'bob');
    is($list->{status}, 200, 'his page comes');
    my $same = sub { $_[0]{content} =~ s/(?:name="(?:token|key)" value=|owacal=)"?[^"& ]+//gr =~ s/[0-9a-f]{16}//gr };
    is($same->($list), $same->($plain), 'and is what it is without');
};

subtest 'the address of a booking' => sub {
    my $hers = $web->json('alice', POST => $url, booking(subject => 'Hers'));
    my $where = $hers->{headers}{location};
    my $token = $web->token('bob');
    my $before = subjects($sim, 'alice');
    is(reason($web->json('bob', GET => $where)), '404 booking-not-found', 'cannot be read by him');
    is(reason($web->json('bob', PATCH => $where, { subject => 'x' })), '404 booking-not-found', 'nor changed');
    is(reason($web->json('bob', DELETE => $where, {})), '404 booking-not-found', 'nor cancelled');
    my $r = $web->request(POST => $where, user => 'bob', form => { token => $token, action => 'cancel' });
    is($r->{status}, 404, 'nor cancelled by a form');
    unlike($r->{content}, qr/Hers/, 'which shows nothing of it');
    is(subjects($sim, 'alice'), $before, 'it stands as it stood');
    is($web->json('alice', GET => $where)->{status}, 200, 'for her it is there');
};

subtest 'etags and conditions' => sub {
    my $hers = $web->json('alice', POST => $url, booking());
    my $his = $web->json('bob', POST => $url, booking());
    my $etag = $hers->{json}{booking}{etag};
    is(reason($web->json('bob', PATCH => $his->{headers}{location}, { subject => 'x' }, headers => { 'If-Match' => $etag })),
        '409 changed-meanwhile', 'an etag of hers is none of his');
    for my $path ($url, "$url.html", '/booking/freebusy?who=bob@example.test', '/booking/check') {
        my $r = $web->json('alice', GET => $path);
        is($r->{headers}{'cache-control'}, 'private, no-store', "$path is not to be kept");
        ok(!$r->{headers}{etag} && !$r->{headers}{'last-modified'}, '  and has nothing to ask with');
        $r = $web->json('bob', GET => $path, undef, headers => { 'If-None-Match' => '*', 'If-Modified-Since' => 'Thu, 01 Jan 2099 00:00:00 GMT' });
        is($r->{status}, 200, '  his question is answered anew');
    }
};

subtest 'what a child remembers' => sub {
    # zoltan's folders have other names, and alice's are known here already.
    for my $round (1 .. 3) {
        for my $user (qw(zoltan alice carol bob)) {
            my $r = $web->json($user, POST => $url, booking(subject => "$user $round"));
            is($r->{status}, 201, "$user books") or diag $r->{content};
            my @rows = map { $_->{organizer} } @{ $web->json($user, GET => "$url?start=2099-04-01T00:00Z&end=2099-05-01T00:00Z")->{json}{bookings} };
            is(scalar(grep { $_ ne "$user\@example.test" } @rows), 0, '  and sees his own only') or diag "@rows";
        }
    }
    like(subjects($sim, 'zoltan'), qr/^zoltan 1\|zoltan 2\|zoltan 3$/, 'each in his own folder');
};

# Whom the simulator saw, by operation, where that is not who asked. httpd writes its log after the answer has gone.
sub strangers {
    my ($web, $sim) = @_;
    my @seen = grep { $_->{user} ne '-' } Crowd::witness($sim);
    my %asked;
    for (1 .. 100) {
        %asked = reverse $web->slurp('who.log') =~ /^(\S+) ([0-9a-f]{16})$/mg;
        last if !grep { !exists $asked{ $_->{op} } } @seen;
        sleep 0.1;
    }
    return grep { $_->{user} ne ($asked{ $_->{op} } // '?') } @seen;
}

# A front that lets everybody in, so that the same name may come with one password and another.
my %upstream = (basic => ['--connection-bound'], ntlm => [], forms => ['--set', 'fba-plain=yes']);
for my $how (sort keys %upstream) {
    subtest "$how: cookies, connections and the password they began with" => sub {
        my $sim = SimRun->start('--auth', $how, @{ $upstream{$how} });
        my $web = Httpd->start(backend => $sim->{url}, children => 1, modules => ['authn_anon'],
            location => "OwaCalIdentity basic upstream=$how", server => "LogFormat \"%u %{OwaCal-Operation}o\" who\nCustomLog \@DIR\@/who.log who\n",
            auth => "AuthType Basic\nAuthName x\nAuthBasicProvider anon\nAnonymous *\nAnonymous_MustGiveEmail Off\nAnonymous_LogEmail Off\nRequire valid-user");
        my $ask = sub { my ($user, $password) = @_; return $web->request(GET => $url, user => $user, password => $password, headers => { Accept => 'application/json' }) };
        for my $round (1 .. 4) {
            is(reason($ask->($_, "pw-$_")), '200 ', "$_ is answered") for qw(alice bob carol);
        }
        my $logons = $sim->control(GET => '/_sim/counters')->{logons};
        is($logons, 3, 'each signed in once, so that there is something to take') or diag $logons;
        is(reason($ask->('alice', 'pw-bob')), '403 upstream-refused-login', "her name with another's password opens nothing");
        is(reason($ask->('bob', 'wrong')), '403 upstream-refused-login', 'his name with a wrong one, neither');
        is(reason($ask->('alice', 'pw-alice')), '200 ', 'and that hurts nobody who knows it');
        is(reason($ask->('bob', 'pw-bob')), '200 ', '  nor him');
        my %users_of;
        $users_of{ $_->{connection} }{ $_->{user} } = 1 for grep { $_->{user} ne '-' } Crowd::witness($sim);
        is(scalar(grep { keys %$_ > 1 } values %users_of), 0, 'no connection served two') or diag explain \%users_of;
        is(scalar(strangers($web, $sim)), 0, 'nobody acted as another') or diag explain [strangers($web, $sim)];
    };
}

subtest 'a TLS session with a client certificate' => sub {
    my $dir = tempdir(CLEANUP => 1);
    chmod 0755, $dir;
    Crowd::certificate($dir);
    my $run = sub { system("openssl @_ 2>>'$dir/log'") == 0 or die "openssl @_: " . `cat '$dir/log'` };
    $run->("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=people -keyout $dir/ca.key -out $dir/ca.pem");
    $run->("req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=alice -keyout $dir/alice.key -out $dir/alice.csr");
    $run->("x509 -req -in $dir/alice.csr -CA $dir/ca.pem -CAkey $dir/ca.key -CAcreateserial -days 2 -out $dir/alice.pem");
    my $front = Httpd->start(backend => $sim->{url}, children => 1, modules => [qw(socache_shmcb ssl)],
        location => "OwaCalIdentity basic upstream=basic\n  SSLUserName SSL_CLIENT_S_DN_CN",
        server => "SSLEngine on\nSSLProtocol TLSv1.2\nSSLCertificateFile $dir/cert.pem\nSSLCertificateKeyFile $dir/key.pem\n"
            . "SSLSessionCache shmcb:\@DIR\@/run/tls(512000)\nSSLVerifyClient optional\nSSLCACertificateFile $dir/ca.pem\n"
            . "OwaCalOrigin https://127.0.0.1:\@PORT\@\n");
    # One request over one connection: status, reason, organizers, and whether the session was resumed.
    my $ask = sub {
        my ($user, @options) = @_;
        my $auth = encode_base64("$user:pw-$user", '');
        my $out = `printf 'GET $url?start=2099-04-01T00:00Z&end=2099-05-01T00:00Z HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAccept: application/json\\r\\nAuthorization: Basic $auth\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:$front->{port} -CAfile '$dir/cert.pem' -ign_eof -no_ticket @options 2>&1`;
        my ($status) = $out =~ m{^HTTP/1\.1 (\d+)}m;
        my ($why) = $out =~ /"reason": *"([^"]*)"/;
        my %who = map { $_ => 1 } $out =~ /"organizer": *"(\w+)\@/g;
        return ($status // $out) . ' ' . ($why // join ',', sort keys %who) . ($out =~ /^Reused, /m ? ' resumed' : '');
    };
    my @cert = ('-cert', "$dir/alice.pem", '-key', "$dir/alice.key", '-sess_out', "$dir/session");
    is($ask->('alice', @cert), '200 alice', "hers, with her password: she sees hers");
    is($ask->('alice', '-sess_in', "$dir/session"), '200 alice resumed', 'she comes back to it without showing the certificate again');
    is($ask->('bob', '-sess_in', "$dir/session"), '500 identity-mismatch resumed', 'it does not go with his password');
    is($ask->('bob', @cert), '500 identity-mismatch', 'nor does the certificate itself');
    is($ask->('bob'), '200 bob', 'without both he sees his own');
};
ok($web->stop, 'stops');
unlike($web->log, qr/exit signal|segfault|OWACAL0102/i, 'cleanly');
done_testing();
