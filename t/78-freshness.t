#!/usr/bin/perl
# OwaCalFreshness: free/busy that is only shown is asked for once within that time, by all children
# together; nobody is shown what was asked for with another's credential, unless the administrator lets
# everybody see the rooms; whatever is done here shows at once; and nothing is decided by it.
use strict;
use warnings;
use Digest::SHA qw(sha1_base64);
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use Realm;
use SimRun;

my $day = '2099-03-05';
my $range = "start=${day}T08:00Z&end=${day}T18:00Z&slot=60";
my $sim = SimRun->start('--auth', 'basic', '--lag', '0', '--set', 'freebusy-months=1200');

# A handler with a login of its own.
sub location {
    my ($path, $lines) = @_;
    return "<Location $path>\nAuthType Basic\nAuthName intranet\nAuthBasicProvider file\nAuthUserFile \@DIR\@/users\n"
        . "Require valid-user\nSetHandler owacal\nOwaCalUse corp\nOwaCalTimezone Europe/Budapest\n$lines\n</Location>\n";
}

my $dir = tempdir(CLEANUP => 1);
open my $password, '>', "$dir/pw" or die;
print $password "pw-alice\n";
close $password;
chmod 0600, "$dir/pw";
open my $actors, '>', "$dir/actors" or die;
print $actors "bob: alice\n";
close $actors;

my $basic = 'OwaCalIdentity basic upstream=basic';
my $web = Httpd->start(backend => $sim->{url}, freshness => '15min', children => 2, threads => 8, server => <<"E");
OwaCalTimeout answer=300ms
LogFormat "%P" child
CustomLog \@DIR\@/children child
@{[ location('/again', "$basic\nOwaCalFreshness 10min") . location('/shared', "$basic\nOwaCalFreshness 15min audience=everyone")
  . location('/always', "$basic\nOwaCalFreshness 0") . location('/brief', "$basic\nOwaCalFreshness 1500ms")
  . location('/default', $basic) . location('/ntlm', "OwaCalIdentity basic upstream=ntlm\nOwaCalFreshness 15min")
  . location('/for', "$basic\nOwaCalMailbox bob\nOwaCalFreshness 15min") ]}
OwaCalCredential svc user=alice password=$dir/pw
@{[ location('/service', "OwaCalIdentity service credential=svc\nOwaCalFreshness 15min")
  . location('/desk', "OwaCalIdentity service credential=svc actors=$dir/actors\nOwaCalMailbox alice\nOwaCalFreshness 15min") ]}
OwaCalBackend twin owa2003 $sim->{url}exchange/
@{[ location('/twin', "$basic\nOwaCalFreshness 15min") =~ s/OwaCalUse corp/OwaCalUse twin/r ]}
<Location /open>
  SetHandler owacal
  OwaCalUse corp
  $basic
  OwaCalFreshness 15min
</Location>
<Location /intranet>
  \@LOGIN\@
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalTimezone Europe/Budapest
  $basic
  OwaCalFreshness 15min
  SetOutputFilter OWACAL
</Location>
E

sub digits { return scalar grep { $_->{target} =~ /Cmd=freebusy/i } $sim->requests }

# Runs it; how often the calendar server was asked for free/busy meanwhile.
sub asked_by { my ($do) = @_; my $before = digits(); $do->(); return digits() - $before }

sub get { my ($who, $path, @more) = @_; return $web->request(GET => $path, user => $who, @more) }
sub freebusy { my ($who, $of, $base) = @_; return get($who, ($base // '/booking') . '/freebusy.json?' . join('', map { "who=$_&" } split ' ', $of) . $range) }

# "free busy .." of the first row; or what went wrong.
sub shown { my $r = freebusy(@_); return $r->{status} == 200 ? join ' ', @{ $r->{json}{rows}[0]{slots} } : "$r->{status} " . ($r->{json}{reason} // '') }
sub new_exchanges { my (@with) = @_; return asked_by(sub { freebusy(@with) }) }
sub query { my ($start, $end, $slot) = @_; return "/booking/freebusy.json?who=boardroom&start=$start&end=$end&slot=$slot" }

my $free = join ' ', ('free') x 10;

subtest 'asked once' => sub {
    my ($first, $second);
    is(asked_by(sub { $first = freebusy('alice', 'boardroom room1') }), 1, 'the first is asked');
    ok($first->{headers}{'owacal-operation'}, 'and bears its operation');
    is(asked_by(sub { $second = freebusy('alice', 'boardroom room1') }), 0, 'the second is not');
    is_deeply($second->{json}, $first->{json}, 'and is the same, with when it was asked for');
    like($first->{json}{asked}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/, 'as a time');
    ok(!exists $second->{headers}{'owacal-operation'}, 'there was no operation');
    is($second->{headers}{'cache-control'}, 'private, no-store', 'which is no matter of the browser');
    is(asked_by(sub { get('alice', "/booking/freebusy.html?who=room1&who=boardroom&$range") }), 0, 'for a page it is the same, in whatever order');
    is(new_exchanges('alice', 'BoardRoom@Example.test'), 0, 'in whatever spelling');
    is(new_exchanges('alice', 'boardroom', '/again'), 0, 'and wherever else this person acts in the same way');
    is(asked_by(sub { get('alice', query("${day}T08:00Z", "${day}T18:00Z", 30)) }), 1, 'shorter slots are another question');
    is(asked_by(sub { get('alice', query("${day}T07:00Z", "${day}T18:00Z", 60)) }), 1, 'another beginning, too');
    is(asked_by(sub { get('alice', query("${day}T08:00Z", "${day}T17:00Z", 60)) }), 0, 'a part from the beginning is not');
    is(asked_by(sub { get('alice', query('2099-04-06', '2099-04-13', 30)) }), 1, 'a week');
    is(asked_by(sub { get('alice', query("2099-04-0$_", '2099-04-' . ($_ + 1), 30)) for 6 .. 8 }), 0, 'has its days');
};

subtest 'only what is missing is asked' => sub {
    my $r;
    is(asked_by(sub { $r = freebusy('alice', 'room1 carol@example.test boardroom') }), 1, 'one exchange');
    my ($new) = (grep { $_->{target} =~ /Cmd=freebusy/ } $sim->requests)[-1];
    like($new->{target}, qr/carol/, 'about the one who is not known');
    unlike($new->{target}, qr/room1|boardroom/, 'and about nobody else');
    is(join(' ', map { $_->{address} =~ s/@.*//r } @{ $r->{json}{rows} }), 'room1 carol boardroom', 'the rows come as they were asked for');
};

subtest 'two children' => sub {
    my $before = digits();
    my %child;
    for (1 .. 300) {
        shown('alice', 'boardroom');
        %child = map { $_ => 1 } split ' ', $web->slurp('children');
        last if keys %child > 1;
    }
    cmp_ok(scalar(keys %child), '>', 1, 'have answered');
    is(digits() - $before, 0, 'and none has asked again');
};

subtest 'another person' => sub {
    is(new_exchanges('bob', 'boardroom'), 1, 'asks himself');
    is(new_exchanges('bob', 'boardroom'), 0, 'once');
    is(new_exchanges('alice', 'boardroom', '/shared'), 1, 'what was asked for oneself is not given to everyone');
    is(new_exchanges('bob', 'boardroom', '/shared'), 0, 'where rooms are for everyone, one has asked for all');
    is(new_exchanges('carol', 'boardroom', '/shared'), 0, 'of them');
    is(new_exchanges('carol', 'boardroom'), 1, 'there only');
    is(new_exchanges('alice', 'zoltan@example.test', '/shared'), 1, 'a person is no room');
    is(new_exchanges('bob', 'zoltan@example.test', '/shared'), 1, 'and asked about by each');
    is(new_exchanges('bob', 'zoltan@example.test boardroom', '/shared'), 0, 'once');
};

subtest 'another way of acting' => sub {
    is(new_exchanges('alice', 'boardroom', '/for'), 1, 'in another mailbox');
    is(new_exchanges('alice', 'boardroom', '/twin'), 1, 'on a calendar server of another name');
    is(new_exchanges('alice', 'boardroom', '/service'), 1, 'by an account, though it is the same one');
    is(new_exchanges('alice', 'boardroom', '/desk'), 0, 'in the mailbox where she acts anyway');
    is(new_exchanges('bob', 'boardroom', '/desk'), 1, 'but bob is bob, be it in her mailbox and by that account');
    is(new_exchanges('alice', 'boardroom', $_), 0, "$_ keeps its own") for qw(/for /twin /service);
};

subtest 'nobody' => sub {
    is($web->request(GET => "/booking/freebusy.json?who=boardroom&$range")->{status}, 401, 'without a login: not');
    is($web->request(GET => "/booking/freebusy.json?who=boardroom&$range", user => 'alice', password => 'x')->{status}, 401, 'with a wrong password: not');
    my $r = $web->request(GET => "/open/freebusy.json?who=boardroom&$range");
    is("$r->{status} $r->{json}{reason}", '500 not-authenticated', 'where no login is asked for: not');
    $r = $web->request(GET => "/open/freebusy.json?who=boardroom&$range", user => 'alice');
    is("$r->{status} $r->{json}{reason}", '500 not-authenticated', 'not even with a header that nobody verified');
};

subtest 'what is done here shows at once' => sub {
    is(shown('alice', 'boardroom'), $free, 'free');
    is(shown('bob', 'boardroom', '/shared'), $free, 'for everyone');
    is(shown('alice', 'boardroom', '/twin'), $free, 'and on the same server by its other name');
    shown('alice', 'carol@example.test room1 bob@example.test');
    shown('bob', 'zoltan@example.test');
    my $r = $web->json('bob', POST => '/booking/bookings', { subject => 'Budget', start => "${day}T10:00Z", duration => 60, room => 'boardroom', required => 'carol@example.test' });
    is($r->{status}, 201, 'bob books') or diag $r->{content};
    my $booked = $free =~ s/free free free/free free busy/r;
    is(shown('alice', 'boardroom'), $booked, 'and alice sees it');
    is(shown('carol', 'boardroom', '/shared'), $booked, 'and everyone');
    is(shown('alice', 'boardroom', '/twin'), $booked, 'by whatever name the server has');
    like(shown('alice', 'carol@example.test'), qr/^free free (?!free)/, 'with whoever is invited');
    is(shown('alice', 'bob@example.test'), $booked, 'and bob himself');
    is(new_exchanges('alice', 'room1'), 0, 'other rooms are kept as they were');
    is(new_exchanges('bob', 'zoltan@example.test'), 1, 'but bob is shown nothing from before: his may be any address');
    my $where = $r->{headers}{location};
    is($web->json('bob', PATCH => $where, { start => "${day}T12:00Z", end => "${day}T13:00Z" })->{status}, 200, 'bob changes it');
    my $moved = 'free free free free busy free free free free free';
    is(shown('alice', 'boardroom'), $moved, 'it has moved');
    is($web->json('bob', PATCH => $where, { room => 'room1' })->{status}, 200, 'into another room');
    is(shown('alice', 'room1') . "\n" . shown('alice', 'boardroom'), "$moved\n$free", 'one is taken, the other free');
    is($web->json('bob', DELETE => $where)->{status}, 200, 'bob cancels');
    is(shown('alice', 'room1'), $free, 'it is free');
};

subtest 'nothing is decided by it' => sub {
    is(shown('alice', 'boardroom'), $free, 'shown as free');
    $sim->control(POST => "/_sim/items?mailbox=boardroom&count=1&start=${day}T15:00:00.000Z&minutes=60");
    is(shown('alice', 'boardroom'), $free, 'somebody else took it by other means, which cannot be known');
    my $r = $web->json('alice', POST => '/booking/bookings', { subject => 'Late', start => "${day}T15:00Z", duration => 60, room => 'boardroom' });
    is("$r->{status} $r->{json}{reason}", '409 room-taken', 'whoever wants to book it is refused');
    is(shown('alice', 'boardroom'), $free =~ s/^((?:\w+ ){7})free/$1busy/r, 'and then sees why');
};

subtest 'how long' => sub {
    is(new_exchanges('carol', 'room1', '/always') + new_exchanges('carol', 'room1', '/always'), 2, '0: always asked');
    is(new_exchanges('carol', 'room1'), 1, 'and not kept');
    is(new_exchanges('carol', 'room1', '/default'), 0, 'by default it may be some seconds old');
    sleep 2;
    is(new_exchanges('carol', 'room1', '/brief'), 1, 'the reader says how old: too old for this one');
    is(new_exchanges('carol', 'room1'), 0, 'not for that');
};

subtest 'trouble' => sub {
    my $taken = 0;
    my $change = sub { my $at = sprintf '%02d:00Z', 8 + ++$taken;
        $web->json('carol', POST => '/booking/bookings', { subject => 'x', start => "${day}T$at", duration => 60, room => 'room1' })->{status} };
    is($change->(), 201, 'nothing is kept');
    $sim->fault('status=503:path~public');
    like(shown('carol', 'room1'), qr/^50\d/, 'a failure');
    $sim->no_faults;
    like(shown('carol', 'room1'), qr/^free busy/, 'is not kept');
    is($change->(), 201, 'once more');
    $sim->fault('status=404:path~public');
    is(shown('carol', 'room1'), $free =~ s/free/unknown/gr, 'an answer that says nothing');
    $sim->no_faults;
    like(shown('carol', 'room1'), qr/^free busy busy/, 'neither');
    my $ahead = sub { get('carol', '/booking/freebusy.json?who=room1&start=2098-01-01&end=2098-01-02&slot=30') };
    $sim->control(POST => '/_sim/settings?freebusy-months=2');
    is(asked_by(sub { $ahead->() for 1 .. 2 }), 1, 'that nothing is published so far ahead is an answer');
    is($ahead->()->{json}{rows}[0]{slots}[0], 'unknown', 'and not "free"');
    $sim->control(POST => '/_sim/settings?freebusy-months=1200');
    my $long = sub { get('carol', '/booking/freebusy.json?who=room1&start=2099-01-01&end=2099-03-01&slot=1440') };
    is(asked_by(sub { $long->() for 1 .. 2 }), 2, 'more than a month is not kept');
};

subtest 'in pages' => sub {
    mkdir "$web->{dir}/htdocs/intranet";
    $web->write_file('htdocs/intranet/a.html', "<div data-owacal=grid data-day=$day data-slot=60>x</div><p><span data-owacal=next data-room=room1>y</span></p>");
    my @got;
    cmp_ok(asked_by(sub { push @got, get('alice', '/intranet/a.html')->{content} }), '>', 0, 'a page asks');
    is(asked_by(sub { push @got, get('alice', '/intranet/a.html')->{content} }), 0, 'once');
    like($got[1], qr{<table class="owacal-grid".*<span class="owacal-next}s, 'and is filled all the same');
    is($got[1], $got[0], 'alike');
    is(asked_by(sub { get('alice', query("${day}T00:00", '2099-03-06T00:00', 5)) }), 0, 'what a page has asked for the handler need not');
    is($web->json('alice', POST => '/booking/bookings', { subject => 'x', start => "${day}T16:00Z", duration => 60, room => 'boardroom' })->{status}, 201, 'one books');
    isnt(get('alice', '/intranet/a.html')->{content}, $got[0], 'it shows what was booked');
    is(asked_by(sub { get('alice', "/booking/rooms.json?start=${day}T08:00&duration=60") for 1 .. 2 }), 1, 'the room finder asks once');
};

subtest 'figures' => sub {
    my $status = sub { my %n = $web->request(GET => '/owacal-status')->{content} =~ /^owacal_freebusy_rows_total\{source="(\w+)"\} (\d+)$/mg; return \%n };
    freebusy('alice', 'room1 boardroom');
    my $before = $status->();
    freebusy('alice', 'room1 boardroom nobody@far.test');
    freebusy('alice', 'room1', '/always');
    my $after = $status->();
    is($after->{kept} - $before->{kept} . ' ' . ($after->{asked} - $before->{asked}), '2 2', 'rows kept and rows asked for');
};

subtest 'a restart' => sub {
    is(new_exchanges('alice', 'room1'), 0, 'kept before');
    $web->signal('USR1');
    sleep 2;
    is(new_exchanges('alice', 'room1'), 0, 'and after a graceful one');
};

# The password that Apache has is changed.
subtest 'a password that the calendar server refuses' => sub {
    my $users = sub { my ($zoltans) = @_; $web->write_file('users', join '', map { "$_:{SHA}" . sha1_base64($_ eq 'zoltan' ? $zoltans : "pw-$_") . "=\n" } @Httpd::PEOPLE) };
    is(new_exchanges('zoltan', 'boardroom'), 1, 'asked');
    $users->('other');
    my $r = get('zoltan', "/booking/freebusy.json?who=boardroom&$range", password => 'other');
    is("$r->{status} $r->{json}{reason}", '403 upstream-refused-login', 'what was asked for with another password is not shown');
    $users->('pw-zoltan');
    is(new_exchanges('zoltan', 'boardroom'), 0, 'with that one it is');
    $r = freebusy('zoltan', 'boardroom', '/ntlm');
    is("$r->{status} $r->{json}{reason}", '403 upstream-refused-login', 'until that one is refused as well, be it elsewhere');
    is(shown('zoltan', 'boardroom'), '403 upstream-refused-login', 'then it is not');
};
unlike($web->log, qr/child pid \d+ exit signal|AddressSanitizer/, 'no child died');
$web->stop;

# Of a room whose calendar a person may not read there is only free/busy.
subtest 'closed calendars' => sub {
    my $page_at = sub { my ($path, $time) = @_; return location($path, "$basic\nOwaCalBase /booking\nOwaCalFreshness $time\nSetOutputFilter OWACAL\nSetHandler none") };
    my $front = Httpd->start(backend => $sim->{url}, children => 1, freshness => '15min',
        server => $page_at->('/intranet', 0) . $page_at->('/kept', '15min'));
    my $visit = sub {
        my ($path) = @_;
        my $before = $sim->requests;
        my $r = $front->request(GET => $path, user => 'alice');
        my @new = $sim->requests;
        return ($r->{content}, map { "$_->{method} " . join ',', sort $_->{target} =~ /u=SMTP:(\w+)/g } splice @new, $before);
    };
    my $agenda = sub { my ($room, $on) = @_; return "<div data-owacal=agenda data-room=$room data-day=$on>x</div>" };
    mkdir "$front->{dir}/htdocs/$_" for qw(intranet kept);
    $front->write_file("htdocs/$_/a.html", $agenda->(boardroom => $day) . $agenda->(room1 => $day)
        . "<div data-owacal=grid data-day=$day data-slot=60>x</div>" . $agenda->(room1 => $day)) for qw(intranet kept);
    my ($first, @asked) = $visit->('/intranet/a.html');
    is(scalar(grep { /^SEARCH/ } @asked), 2, 'at first each calendar is tried') or diag "@asked";
    (my $page, @asked) = $visit->('/intranet/a.html');
    is_deeply(\@asked, ['GET boardroom,room1'], 'from then on all rooms are asked about at once, with the grid');
    is($page, $first, 'and the page is the same');
    is(() = $page =~ /class="owacal owacal-agenda/g, 3, 'with three agendas') or diag $page;
    $front->write_file('htdocs/intranet/c.html', "<div data-owacal=grid data-room=room1 data-day=$day data-slot=60>x</div>" . $agenda->(boardroom => $day));
    (undef, @asked) = $visit->('/intranet/c.html');
    is_deeply(\@asked, ['GET boardroom,room1'], 'also behind a grid of others');
    (undef, @asked) = $visit->('/kept/a.html');
    is_deeply(\@asked, ['GET boardroom,room1'], 'where it is kept it is asked');
    (undef, @asked) = $visit->('/kept/a.html');
    is_deeply(\@asked, [], 'once');
    (my $json, @asked) = $visit->("/booking/rooms/room1.json?day=$day");
    is_deeply(\@asked, [], 'and not again for the agenda alone');
    like($json, qr/"source":\s*"free\/?busy"/, 'which says where it is from');
    $sim->fault('status=503:path~public');
    ($page) = $visit->('/intranet/a.html');
    is(() = $page =~ /owacal-notice/g, 4, 'a failure is told in each place');
    $sim->no_faults;
    $front->write_file('htdocs/intranet/b.html', join '', map { $agenda->(room1 => "+$_") } 1 .. 45);
    ($page) = $visit->('/intranet/b.html');
    is(() = $page =~ /class="owacal owacal-agenda/g, 45, 'forty-five days of one room') or diag substr $page, 0, 2000;
    unlike($front->log, qr/child pid \d+ exit signal|AddressSanitizer/, 'no child died');
    $front->stop;
};

subtest 'tickets' => sub {
    my $why = Realm->skip_reason('mit');
    plan skip_all => $why if $why;
    my $realm = Realm->start;
    local $ENV{KRB5_CONFIG} = $realm->{config};
    my $back = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back}, '--lag', '0', '--set', 'freebusy-months=1200');
    chmod 0711, $realm->path('now') if mkdir $realm->path('now');
    my @owner = $> ? () : (owner => 'www-data');
    my $expired = $realm->ticket('alice', life => '1s', @owner);
    my $put = sub { my ($ticket) = @_; unlink $realm->path('now/alice'); return !$ticket || rename $ticket =~ s/^FILE://r, $realm->path('now/alice') };
    my $front = Httpd->start(modules => ['rewrite'], freshness => '15min',
        backend_line => "OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:$back->{port}",
        location => "OwaCalIdentity delegated\n  RewriteEngine On\n  RewriteRule ^ - [E=KRB5CCNAME:FILE:" . $realm->path('now') . '/%{REMOTE_USER}]');
    my $ask = sub {
        my $before = grep { $_->{target} =~ /Cmd=freebusy/ } $back->requests;
        my $r = $front->json('alice', GET => "/booking/freebusy.json?who=boardroom&$range");
        return "$r->{status} " . ($r->{json}{reason} // (grep { $_->{target} =~ /Cmd=freebusy/ } $back->requests) - $before);
    };
    $put->($realm->ticket('alice', @owner));
    is($ask->(), '200 1', 'asked with a ticket');
    is($ask->(), '200 0', 'and kept');
    $put->($realm->ticket('alice', @owner));
    is($ask->(), '200 0', 'for whichever ticket is hers');
    $put->($realm->ticket('bob', @owner));
    is($ask->(), '500 identity-mismatch', "not with bob's");
    $put->($expired);
    sleep 2;
    is($ask->(), '403 credential-expired', 'not with one that has run out');
    $put->(undef);
    is($ask->(), '403 no-delegated-credential', 'not without one');
    $put->($realm->ticket('alice', @owner));
    is($ask->(), '200 0', 'and hers is as good as before');
    $front->stop;
    $back->stop;
};

for (['soon', 'is not a time from 0 to 15 minutes'], ['-5s', 'is not a time'], ['16min', 'is not a time'], ['15s all', 'audience='],
    ['15s audience=all', 'audience=self or audience=everyone'], ['15s audience=everyone more', 'takes'], ['', 'takes']) {
    my ($words, $said) = @$_;
    my ($status, $out) = Httpd->configtest(freshness => $words);
    ok($status && $out =~ /OwaCalFreshness.*\Q$said\E/s, "OwaCalFreshness $words: refused") or diag $out;
}
for ('0', '0s', '15', '900s', '15min audience=self', '500ms audience=Everyone') {
    my ($status, $out) = Httpd->configtest(freshness => $_);
    is($status, 0, "OwaCalFreshness $_") or diag $out;
}
my ($status, $out) = Httpd->configtest(server => 'OwaCalLimit fresh=1');
ok($status && $out =~ /fresh=1: a number from 64/, 'a table too small is refused') or diag $out;
$sim->stop;
done_testing();
