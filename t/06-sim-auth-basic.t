#!/usr/bin/perl
# The simulator's HTTP authentication: Basic, what is on offer, who the actor is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use SimRun;
use Test::More;

sub basic { return { Depth => 0, Authorization => 'Basic ' . encode_base64("$_[0]:$_[1]", '') } }

subtest 'names in the forms that Windows takes' => sub {
    my $sim = SimRun->start('--auth', 'basic');
    for my $name ('alice', 'ALICE', 'EXAMPLE\\alice', 'example.test\\alice', 'alice@example.test') {
        is($sim->once(PROPFIND => '/exchange/alice/', basic($name, 'pw-alice'))->{status}, 207, $name);
    }
    for my $bad ([ 'alice', 'pw-bob' ], [ 'alice', '' ], [ 'alice', 'pw-alice ' ], [ 'nobody', 'x' ],
        [ 'OTHER\\alice', 'pw-alice' ], [ 'alice@other.test', 'pw-alice' ], [ '', '' ]) {
        my $r = $sim->once(PROPFIND => '/exchange/alice/', basic(@$bad));
        is($r->{status}, 401, "refused: $bad->[0]");
        like($r->{headers}{'www-authenticate'}[0], qr/^Basic realm="example.test"$/, 'Basic is offered');
    }
    is($sim->once(PROPFIND => '/exchange/alice/', { Depth => 0, Authorization => $_ })->{status}, 401,
        "malformed: $_") for 'Basic', 'Basic !!!', 'Basic YWxpY2U=', 'Digest x', 'Basic ' . 'A' x 4000;

    is($sim->once(PROPFIND => '/exchange/alice/', basic('bob', 'pw-bob'))->{status}, 403,
        'a good logon is not yet a right on someone else\'s mailbox (rule 10)');
    $sim->control(POST => '/_sim/settings?default-domain=no');
    is($sim->once(PROPFIND => '/exchange/alice/', basic('alice', 'pw-alice'))->{status}, 401,
        'a bare name without a default domain');
    is($sim->once(PROPFIND => '/exchange/alice/', basic('EXAMPLE\\alice', 'pw-alice'))->{status}, 207,
        'the same with its domain');
};

subtest 'requests that give no 401 without credentials (rule 14)' => sub {
    my $sim = SimRun->start('--auth', 'basic');
    my $poll = $sim->once(POLL => '/exchange/alice/Inbox/');
    is($poll->{status}, 207, 'POLL');
    like($poll->{body}, qr/HTTP\/1\.1 409 /, 'with an inner 409');
    my $patch = $sim->once(BPROPPATCH => '/exchange/alice/Inbox/', {}, '<x/>');
    is($patch->{status}, 207, 'BPROPPATCH');
    like($patch->{body}, qr/HTTP\/1\.1 401 /, 'with an inner 401');
    my $put = $sim->once(PUT => '/exchange/alice/%23%23DavMailSubmissionURI%23%23/', {}, "To: x\r\n\r\n");
    is($put->{status}, 404, 'PUT to the submission URI');
    like($put->{headers}{'x-sim-wrong'}[0] // '', qr/^rule 14: /, 'and the client is told its mistake');
    is($sim->once(PUT => '/exchange/alice/Drafts/x.EML', {}, "To: x\r\n\r\n")->{status}, 401,
        'any other PUT');
};

subtest 'schemes on offer, plain http, limits of a connection' => sub {
    my $sim = SimRun->start('--auth', 'basic', '--set', 'auth-offer=Negotiate,NTLM,Basic', '--set',
        'connection-requests=3');
    is_deeply($sim->once(GET => '/exchange/')->{headers}{'www-authenticate'},
        [ 'Negotiate', 'NTLM', 'Basic realm="example.test"' ], 'in the order that was set');
    my $c = $sim->connect;
    my @closing = map { $c->request(PROPFIND => '/exchange/alice/', basic('alice', 'pw-alice')) } 1 .. 3;
    is_deeply([ map { $_->{headers}{connection}[0] // '' } @closing ], [ '', '', 'close' ],
        'the third request on a connection is the last, and says so (rule 11)');
    ok($c->closed, 'and it is closed');
    $sim->control(POST => '/_sim/settings?plain-http=refuse');
    my $r = $sim->once(PROPFIND => '/exchange/alice/', basic('alice', 'pw-alice'));
    is($r->{status}, 403, 'plain http can be refused');
    like($r->{body}, qr/SSL/, 'with a page asking for SSL');
};

subtest 'a users file' => sub {
    require File::Temp;
    my $file = File::Temp->new;
    print $file <<'END';
# staff

dora : pa ss:dora@x.example:person:de
attic:s3cret:attic@x.example:room:refuse:en
four:p:four@x.example:room
five:p:five@x.example:room:silent
hall:p:hall@x.example:room:hu
eager:p:eager@x.example:person:accept:fr
END
    $file->flush;
    chmod 0644, $file->filename;
    my $sim = SimRun->start('--auth', 'basic', '--users', $file->filename);
    is($sim->once(PROPFIND => '/exchange/dora/Kalender/', basic('dora', 'pa ss'))->{status}, 207,
        'a German user');
    is($sim->once(PROPFIND => '/exchange/alice/', basic('alice', 'pw-alice'))->{status}, 401,
        'the default users are gone');
    my %m = map { $_->{name} => "$_->{kind} $_->{policy} $_->{language}" } @{ $sim->control(GET => '/_sim/mailboxes') };
    is_deeply(\%m, { dora => 'person silent de', attic => 'room refuse en', four => 'room accept en', five => 'room silent en',
        hall => 'room accept hu', eager => 'person accept fr' }, 'policy and language may be left out');
    for my $line ('x', 'x:y:z@a:dog', 'x:y:z@a:room:maybe:en', 'x:y:z@a:person:klingon',
        "a:b:c\@d:person:en\na:b:e\@f:person:en", 'a:b:c@d:room:accept:en:more') {
        my $bad = File::Temp->new;
        print $bad "$line\n";
        $bad->flush;
        chmod 0644, $bad->filename;
        my $failed = SimRun->try_start('--users', $bad->filename);
        ok(!$failed->{url}, 'a wrong file stops it: ' . $line =~ s/\n/ | /r);
        like($failed->{error}, qr/line \d+: /, 'with the line');
    }
};

done_testing;
