#!/usr/bin/perl
# One account for everybody: each acts in his own mailbox or in those a file of the administrator's gives
# him, the organizer stays the person, nothing leaves for another mailbox, and the account's connections
# and password are nobody else's.
use strict;
use warnings;
use FindBin qw($Bin);
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
my $url = '/booking/bookings';
my $no = 0;

sub put { my ($name, $mode, $text) = @_; unlink "$dir/$name"; open my $f, '>', "$dir/$name" or die; print $f $text; close $f; chmod $mode, "$dir/$name"; return "$dir/$name" }
sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }
sub calendar { my ($sim, $name) = @_; return join ' ', map { SimRun::subject($_) } $sim->items($name, qr/^(Calendar|Napt)/) }
sub answer { my ($r) = @_; return "$r->{status} " . ($r->{json}{reason} // '') }
sub log_of { my ($sim) = @_; return @{ $sim->control(GET => '/_sim/log') } }

# People as in the default users, and svc, whose rights are granted.
my $users = put('users', 0644, join "\n", (map { "$_:pw-$_:$_\@example.test:person:en" } qw(alice bob carol zoltan svc)),
    (map { "$_:pw-$_:$_\@example.test:room:accept:en" } qw(boardroom room1)), '');
sub simulator {
    my $sim = SimRun->start('--users', $users, @_);
    $sim->control(POST => "/_sim/grant?mailbox=$_&user=svc&level=owner") for qw(alice bob carol zoltan boardroom room1);
    return $sim;
}
put('pw', 0600, "pw-svc\n");
put('groups', 0644, "staff: carol zoltan\n");
put('actors', 0644, "# who for whom\nalice: bob\n\@staff: alice\n");
my $credential = "OwaCalCredential svc user=EXAMPLE\\svc password=$dir/pw";

# A second location where people act for others: the user "for" is mapped by the expression.
sub location {
    my ($path, $lines) = @_;
    return qq{<Location "$path">\nAuthType Basic\nAuthName intranet\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\n}
        . "Require valid-user\nSetHandler owacal\nOwaCalUse corp\nOwaCalTimezone Europe/Budapest\n$lines\n</Location>\n";
}

# Each way on a server of its own kind: whether a message names the account that sent it is not known.
my %sim_args = (basic => ['--set', 'on-behalf=sender'], ntlm => [], forms => ['--set', 'fba-plain=yes', '--set', 'on-behalf=actor-copy']);
for my $how (qw(basic ntlm forms)) {
    subtest "upstream=$how" => sub {
        my $sim = simulator('--auth', $how, @{ $sim_args{$how} });
        my $web = Httpd->start(backend => $sim->{url}, location => 'OwaCalIdentity service credential=svc',
            server => "OwaCalLimit per-user=50\n$credential upstream=$how\n"
                . location('/for/bob', "OwaCalIdentity service credential=svc actors=$dir/actors groups=$dir/groups\nOwaCalMailbox bob")
                . location('/for/alice', "OwaCalIdentity service credential=svc actors=$dir/actors groups=$dir/groups\nOwaCalMailbox alice")
                . location('/own', "OwaCalIdentity basic upstream=$how domain=EXAMPLE"));
        my $r = $web->json('alice', POST => $url, booking(room => 'room1', required => ['carol@example.test']));
        my $first = "Meeting $no";
        is(answer($r), '201 ', 'alice books') or diag $r->{content}, $web->log;
        is($r->{json}{state}, 'confirmed', 'the room said yes');
        is("$r->{json}{acting_as} $r->{json}{credential}", 'alice svc', 'in whose name, and by which account, is said');
        is(calendar($sim, 'alice'), $first, 'it stands in her calendar');
        is(calendar($sim, 'svc'), '', "not in the account's");
        my ($request) = grep { SimRun::subject($_) eq $first } $sim->items('carol', qr/^Inbox/);
        like(SimRun::property($request, 'urn:schemas:mailheader:from'), qr/alice\@example\.test/, 'carol is invited by alice');
        like(SimRun::property($request, 'urn:schemas:calendar:organizer'), qr/alice\@example\.test/, 'who is the organizer');
        my $ref = $r->{json}{booking}{ref};
        $r = $web->json('alice', GET => "$url/$ref");
        like($r->{json}{organizer} // '', qr/alice\@example\.test/, 'and is shown so') or diag $r->{content};
        ok($r->{json}{is_organizer}, 'she may change it');
        $r = $web->request(GET => "$url/$ref", user => 'alice', headers => { Accept => 'text/html' });
        like($r->{content}, qr/In the calendar of alice, for alice, by the account svc\./, 'the page says on whose behalf');
        $r = $web->json('alice', PATCH => "$url/$ref", { subject => 'Meeting one' });
        is(answer($r), '200 ', 'and changes it') or diag $r->{content}, $web->log;
        is(answer($web->json('alice', DELETE => "$url/$ref", { reason => 'none' })), '200 ', 'and cancels it');
        is(answer($web->json('bob', GET => "$url/$ref")), '404 booking-not-found', 'her reference is of no use to bob');

        my $before = (log_of($sim))[-1]{id};
        is(answer($web->json('carol', POST => '/for/bob/bookings', booking())), '403 mailbox-refused', 'carol may not act for bob');
        is(answer($web->json('bob', GET => '/for/alice/bookings')), '403 mailbox-refused', 'nor bob for alice');
        is((log_of($sim))[-1]{id}, $before, 'nothing left for it');
        is(answer($web->json('alice', POST => '/for/bob/bookings', booking(subject => 'For bob'))), '201 ', 'alice may for bob: it is in the file');
        like(calendar($sim, 'bob'), qr/For bob/, 'it stands in his calendar');
        is(answer($web->json('carol', POST => '/for/alice/bookings', booking(subject => 'For alice'))), '201 ', 'carol may for alice, as one of a group');
        is(answer($web->json('bob', POST => '/for/bob/bookings', booking())), '201 ', 'bob needs no line for himself');

        # Where rights are the calendar server's: what is not granted is refused there, and brands nobody.
        $sim->control(POST => '/_sim/settings?stranger-status=401');
        $sim->control(POST => '/_sim/grant?mailbox=zoltan&user=svc&level=none');
        $r = $web->json('zoltan', GET => $url);
        cmp_ok($r->{status}, '>=', 403, 'a mailbox that the account may not open') or diag $r->{content};
        is(answer($web->json('alice', GET => $url)), '200 ', 'is no reason to doubt its password');

        # Personal and service side by side in one server: connections and cookies apart. carol signs in as svc.
        is(answer($web->json('alice', GET => '/own/bookings')), '200 ', 'alice by herself');
        is(answer($web->json('alice', GET => $url)), '200 ', 'and by the service') for 1 .. 3;
        is(answer($web->json('alice', GET => '/own/bookings')), '200 ', 'in turns') for 1 .. 3;
        my %by;
        for (grep { $_->{user} && $_->{status} != 401 && $_->{target} =~ m{^/exchange/} } log_of($sim)) { $by{ $_->{connection} }{ lc $_->{user} }++ }
        is(scalar(grep { keys %$_ > 1 } values %by), 0, 'no connection served two accounts') or diag explain \%by;
        cmp_ok(scalar(grep { $_->{svc} } values %by), '>=', 1, 'some served the service');
        cmp_ok(scalar(grep { $_->{alice} } values %by), '>=', 1, 'some served alice');
        my @elsewhere = grep { ($_->{user} // '') =~ /svc$/i && $_->{target} =~ m{^/exchange/([^/]+)/}i && lc $1 !~ /^(alice|bob|carol|zoltan|svc)$/ } log_of($sim);
        is(scalar(@elsewhere), 0, 'the service looked into nobody else\'s mailbox, no room\'s either') or diag explain \@elsewhere;
        unlike($web->log, qr/pw-svc|owner check|exit signal/i, 'no password in the log, no crash');
        ok($web->stop, 'stops');
    };
}

subtest 'the very same account, in person and as a service' => sub {
    my $sim = simulator('--auth', 'ntlm');
    my $web = Httpd->start(backend => $sim->{url}, location => 'OwaCalIdentity service credential=svc', children => 1,
        passwords => { alice => 'pw-alice', svc => 'pw-svc' },
        server => "$credential upstream=ntlm\n" . location('/own', 'OwaCalIdentity basic upstream=ntlm domain=EXAMPLE'));
    is(answer($web->json('alice', GET => $url)), '200 ', 'by the service') for 1 .. 2;
    is(answer($web->json('svc', GET => '/own/bookings')), '200 ', 'svc in person') for 1 .. 2;
    my %for;
    for (log_of($sim)) { $for{ $_->{connection} }{$1}++ if $_->{target} =~ m{^/exchange/(alice|svc)/Calendar} }
    is(scalar(grep { keys %$_ > 1 } values %for), 0, 'they share no connection') or diag explain \%for;
    cmp_ok(scalar(keys %for), '>=', 2, 'there are at least two');
};

subtest 'a name with a realm is nobody\'s own mailbox' => sub {
    my $sim = simulator('--auth', 'basic');
    put('realm', 0644, "alice\@a.test: alice\n");
    my $web = Httpd->start(backend => $sim->{url}, location => "OwaCalIdentity service credential=svc actors=$dir/realm", server => $credential,
        passwords => { map { $_ => 'pw' } 'alice@a.test', 'alice@b.test', 'B\alice', 'alice.', 'ALICE' });
    is(answer($web->json('alice@a.test', GET => $url)), '200 ', 'the file says who that is');
    is(answer($web->json($_, GET => $url)), '403 mailbox-refused', "$_ is somebody else") for 'alice@b.test', 'B\alice';
    is(answer($web->json('alice.', GET => $url)), '403 no-mailbox', 'alice. is nobody');
    is(answer($web->json('ALICE', GET => $url)), '200 ', 'case does not matter');
    # With realms: who needs no realm to be named is ana of the file, and his own mailbox's owner.
    put('realm', 0644, "bob: carol\n");
    $web = Httpd->start(backend => $sim->{url}, location => "OwaCalIdentity service credential=svc actors=$dir/realm\nOwaCalMailbox carol",
        server => "${credential}\nOwaCalRealm A.TEST domain=A default\nOwaCalRealm B.TEST domain=B\n" . location('/own', 'OwaCalIdentity service credential=svc'),
        passwords => { map { $_ => 'pw' } 'alice', 'A\bob', 'bob@B.TEST', 'alice@b.test' });
    is(answer($web->json('A\bob', GET => $url)), '200 ', 'A\bob is bob of the file');
    is(answer($web->json($_, GET => $url)), '403 mailbox-refused', "$_ is not") for 'alice', 'bob@B.TEST';
    is(answer($web->json('alice', GET => '/own/bookings')), '200 ', 'alice in her own');
    is(answer($web->json('alice@b.test', GET => '/own/bookings')), '403 mailbox-refused', 'alice of B is not her');
};

subtest 'a mailbox without rights does not brand the password' => sub {
    my $sim = simulator('--auth', 'basic', '--set', 'stranger-status=401');
    $sim->control(POST => '/_sim/grant?mailbox=zoltan&user=svc&level=none');
    my $web = Httpd->start(backend => $sim->{url}, location => 'OwaCalIdentity service credential=svc', server => $credential);
    cmp_ok($web->json('zoltan', GET => $url)->{status}, '>=', 403, 'the very first request is for one');
    is(answer($web->json('alice', GET => $url)), '200 ', 'the others are served');
};

subtest 'the password is read at each start and restart' => sub {
    my $sim = simulator('--auth', 'basic');
    put('pw', 0600, "pw-old\n");
    my $web = Httpd->start(backend => $sim->{url}, location => 'OwaCalIdentity service credential=svc', server => $credential);
    my @got = Httpd::side_by_side(6, sub { return answer($web->json((qw(alice bob carol))[$_[0] % 3], GET => $url)) });
    is(join(', ', keys %{ { map { $_ => 1 } @got } }), '403 upstream-refused-login', 'a wrong one is refused to all') or diag explain \@got;
    is(scalar(grep { $_->{status} == 401 } log_of($sim)), 1, 'and was sent once');
    my $restart = sub {
        my $want = shift;
        my $times = () = $web->log =~ /AH00489/g;
        $web->signal('USR1');
        my $until = time + 60;
        sleep 0.1 while time < $until && (() = $web->log =~ /AH00489/g) == $times;
        my $r;
        do { $r = $web->json('alice', GET => $url); sleep 0.2 } while time < $until && answer($r) !~ $want;
        return answer($r);
    };
    put('pw', 0600, "pw-svc\n");
    is($restart->(qr/^200/), '200 ', 'a graceful restart brings the new one');
    # A vault that fails at a restart takes its locations down, not the site.
    put('vault', 0700, "#!/bin/sh\n/bin/cat $dir/pw\n");
    put('vault-conf', 0644, "OwaCalCredential svc user=EXAMPLE\\svc password=\"exec:$dir/vault read svc\"\n");
    $web = Httpd->start(backend => $sim->{url}, location => 'OwaCalIdentity service credential=svc', server => "Include $dir/vault-conf");
    is(answer($web->json('alice', GET => $url)), '200 ', 'a password from a program');
    put('vault', 0700, "#!/bin/sh\nexit 7\n");
    is($restart->(qr/^500/), '500 misconfigured', 'a program that fails at a restart');
    like($web->log, qr/OWACAL0570.*vault-conf line 1: OwaCalCredential svc: .*failed with status 7/, 'the log says where and why');
    is($web->request(GET => '/')->{status} < 500 ? 1 : 0, 1, 'the site lives on');
    put('vault', 0700, "#!/bin/sh\necho pw-svc\n");
    is($restart->(qr/^200/), '200 ', 'and the next restart heals it');
};

subtest 'what stops a start' => sub {
    my $fails = sub {
        my ($name, $like, $password) = @_;
        my $began = time;
        my $web = eval { Httpd->start(location => 'OwaCalIdentity service credential=svc', server => "OwaCalCredential svc user=EXAMPLE\\svc password=$password") };
        my $said = $@;
        ok(!$web, "$name: httpd does not start");
        like($said, $like, "$name: it says why");
        like($said, qr/line \d+: OwaCalCredential svc/, "$name: and where");
        unlike($said, qr/pw-svc/, "$name: without the password");
        return time - $began;
    };
    $fails->('a file that others can read', qr/chmod 0600/, put('open', 0644, "pw-svc\n"));
    $fails->('an empty file', qr/no password in it/, put('empty', 0600, ''));
    put('quiet', 0700, "#!/bin/sh\n");
    $fails->('a program that prints nothing', qr/no password in it/, qq{"exec:$dir/quiet"});
    put('big', 0700, "#!/bin/sh\nexec /usr/bin/head -c 1000000 /dev/zero\n");
    $fails->('a program that prints a megabyte', qr/prints too much/, qq{"exec:$dir/big"});
    put('hang', 0700, "#!/bin/sh\necho \$\$ >$dir/hang.pid\necho pw-svc\nexec /bin/sleep 600\n");
    cmp_ok($fails->('a program that hangs', qr/did not end in time/, qq{"exec:$dir/hang"}), '<', 100, 'within a bounded time');
    open my $in, '<', "$dir/hang.pid" or die;
    chomp(my $pid = <$in>);
    ok(!kill(0, $pid), 'it was killed');
};

# httpd hands the name of a failed login on to the error page, without asking the login module again.
subtest 'an error page is nobody\'s' => sub {
    my $sim = simulator('--auth', 'basic');
    put('pw', 0600, "pw-svc\n");
    my $web = Httpd->start(backend => $sim->{url}, location => "OwaCalIdentity service credential=svc\nErrorDocument 401 /booking/bookings", server => <<"E");
$credential
<Location "/intranet">
  AuthType Basic
  AuthName intranet
  AuthBasicProvider file
  AuthUserFile \@DIR\@/users
  Require valid-user
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity service credential=svc
  SetOutputFilter OWACAL
  ErrorDocument 401 /intranet/sorry.html
  ErrorDocument 404 /intranet/sorry.html
</Location>
<Location "/intranet/closed">
  Require user bob
  ErrorDocument 401 /intranet/closed/sorry.html
</Location>
<Location "/intranet/broken">
  AuthUserFile $dir/nothing-here
  ErrorDocument 500 /intranet/broken/sorry.html
</Location>
E
    my @dirs = ('/intranet', '/intranet/closed', '/intranet/broken');
    for (@dirs) {
        mkdir "$web->{dir}/htdocs$_";
        $web->write_file("htdocs$_/sorry.html", '<meta charset="utf-8"><div data-owacal="mine">Sorry.</div>');
    }
    my $ask = sub { my ($path, $password) = @_; return $web->request(GET => $path, headers => { Accept => 'text/html', Authorization => 'Basic ' . encode_base64("alice:$password", '') }) };
    my $before = log_of($sim);
    for (['/intranet/sorry.html', 'wrong', 401], ['/intranet/nothing', 'wrong', 401], ['/intranet/closed/x', 'pw-alice', 401], ['/intranet/broken/x', 'wrong', 500]) {
        my ($path, $password, $status) = @$_;
        my $r = $ask->($path, $password);
        is($r->{status}, $status, "$path with $password: $status");
        like($r->{content}, qr/<div data-owacal="mine">Sorry\.<\/div>/, 'the page keeps what its author wrote');
    }
    my $r = $ask->('/booking/bookings', 'wrong');
    is($r->{status}, 500, 'the handler as an error page shows nothing');
    unlike($r->{content}, qr/alice/, 'of whoever was claimed');
    like($web->log, qr/OWACAL0550.*not-authenticated: .*nobody has verified/, 'the log says why');
    is(scalar(log_of($sim)), $before, 'the calendar server was not asked');
    $r = $ask->('/intranet/nothing', 'pw-alice');
    is($r->{status}, 404, 'who is signed in and asks for what is not there');
    like($r->{content}, qr/owacal-nothing/, 'finds an error page filled');
};

subtest 'no password in the clear' => sub {
    put('pw', 0600, "pw-svc\n");
    my $web = Httpd->start(backend_line => 'OwaCalBackend corp owa2003 http://127.evil.test/exchange/', location => 'OwaCalIdentity service credential=svc', server => $credential);
    is(answer($web->json('alice', GET => $url)), '500 misconfigured', 'not by Basic to a server without TLS');
};
done_testing();
