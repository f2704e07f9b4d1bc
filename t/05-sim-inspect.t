#!/usr/bin/perl
# /_sim/: what tests look at and change.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SimClient;
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic', '--set', 'gal-max=7');
my $alice = SimClient->new($sim, 'alice');
my $post = sub { $sim->once(POST => "/_sim/$_[0]", { 'Content-Length' => 0 })->{status} };

subtest 'settings' => sub {
    my $all = $sim->control(GET => '/_sim/settings');
    is($all->{'gal-max'}{value}, 7, 'from the command line');
    is($all->{lag}{default}, 0, 'with defaults');
    my @mute = grep { !length $all->{$_}{help} } keys %$all;
    is("@mute", '', 'each says what it is for');
    is($post->('settings?getcancel=xml&lag=5'), 200, 'changed');
    is($sim->control(GET => '/_sim/settings')->{lag}{value}, 5, '...');
    is($post->("settings?$_"), 400, "refused: $_") for 'nosuch=1', 'getcancel=maybe', 'lag=soon', 'lag=-1', 'lag=', 'version=' . 'x' x 2000;
    $alice->reset;
    is($sim->control(GET => '/_sim/settings')->{lag}{value}, 0, 'reset: back');
    is($sim->control(GET => '/_sim/settings')->{'gal-max'}{value}, 7, '... to what was said at the start');
};

subtest 'log and counters' => sub {
    $alice->reset;
    $alice->do(GET => '/exchange/alice/?Cmd=freebusy', { 'User-Agent' => $SimClient::IE });
    my @log = @{ $sim->control(GET => '/_sim/log') };
    is(@log, 1, 'one request');
    is("$log[0]{method} $log[0]{target} $log[0]{user} $log[0]{status}", 'GET /exchange/alice/?Cmd=freebusy alice 200', 'who and what');
    like($log[0]{wrong}, qr/^rule 4: /, '... and what was wrong');
    $alice->do(GET => '/exchange/alice/');
    is(@{ $sim->control(GET => "/_sim/log?since=$log[0]{id}") }, 1, 'since');
    my $c = $sim->control(GET => '/_sim/counters');
    is("$c->{requests} $c->{wrong}", '2 1', 'counted');
    $sim->once(GET => '/exchange/alice/', { Authorization => "Basic $_" }) for 'YWxpY2U6eA==', '!';
    $sim->once(GET => '/exchange/alice/');
    $c = $sim->control(GET => '/_sim/counters');
    is("$c->{logons} $c->{'logons-refused'}", '4 2', 'logons tried and refused; a request without credentials is none');
};

subtest 'README tells of every member of a reply' => sub {
    open my $h, '<', "$FindBin::Bin/sim/README" or die "README: $!";
    my $readme = join '', <$h>;
    $sim->control(POST => '/_sim/items?mailbox=alice&urn%3Aschemas%3Amailheader%3Ato=bob%40example.test');
    $alice->do(GET => '/exchange/alice/');
    my $box = $sim->control(GET => '/_sim/mailbox/alice?folder=calendar');
    my ($folder) = @{ $box->{folders} };
    my ($item) = @{ $folder->{items} };
    my @objects = ($box, $folder, $item, $item->{attendees}[0], $sim->control(GET => '/_sim/log')->[0],
        $sim->control(GET => '/_sim/counters'), values %{ $sim->control(GET => '/_sim/settings') });
    my %missing = map { $_ => 1 } grep { $readme !~ /\b\Q$_\E\b/ } map { keys %$_ } @objects;
    is(join(' ', sort keys %missing), '', 'none is missing');
    $alice->reset;
};

subtest 'mailboxes, items, clock, rights' => sub {
    my %m = map { $_->{name} => $_ } @{ $sim->control(GET => '/_sim/mailboxes') };
    is(join(' ', sort keys %m), 'alice boardroom bob carol room1 zoltan', 'the default users');
    is("$m{boardroom}{kind} $m{boardroom}{policy} $m{zoltan}{language}", 'room accept hu', 'as they are');
    is($sim->once(GET => '/_sim/mailbox/nobody')->{status}, 404, 'nobody');
    is($sim->once(GET => '/_sim/mailbox/alice?folder=nowhere')->{status}, 404, 'no such folder');
    is($post->('items?mailbox=alice&count=3&start=2027-01-01T00:00:00Z'), 200, 'three items');
    is($alice->items('alice', 'calendar'), 3, '... stand there');
    is($post->("items?$_"), 400, "refused: $_") for 'mailbox=nobody', 'mailbox=alice&count=0', 'mailbox=alice&start=today', 'mailbox=alice&folder=x',
        'mailbox=alice&urn%3Aschemas%3Acalendar%3Adtstart=today';
    is($alice->items('alice', 'calendar'), 3, 'nothing of these');
    is($post->('clock?advance=x'), 400, 'advance by no number');
    is($post->('clock?set=never'), 400, 'no date');
    is($sim->control(POST => '/_sim/clock?set=2030-01-01T00:00:00Z')->{now}, '2030-01-01T00:00:00.000Z', 'set');
    is($post->('grant?mailbox=bob&user=alice&level=read'), 200, 'a right');
    is($alice->propfind('/exchange/bob/Inbox', 0, 'D:displayname'), 1, '... counts');
    is($post->('grant?mailbox=bob&user=alice&level=none'), 200, 'taken away');
    is($alice->do(PROPFIND => '/exchange/bob/Inbox', { Depth => 0 })->{status}, 403, '... is gone');
    is($sim->once(GET => '/_sim/reset')->{status}, 404, 'GET changes nothing');
    $alice->reset;
    is($alice->items('alice', 'calendar'), 0, 'reset empties');
    unlike($sim->control(GET => '/_sim/clock')->{now}, qr/^2030/, '... and sets the clock back');
};

done_testing;
