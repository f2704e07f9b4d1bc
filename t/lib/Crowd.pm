package Crowd;

# Many people at once against one front and one simulator, with everything that can go wrong in
# between, and the proof that nobody acted, or saw anything, as somebody else. Core modules only.
#
#   Crowd::play(name => 'event, HTTP/1.1, NTLM', operations => 2000, mpm => 'event', http => 1,
#       tls => 0, sim => [qw(--auth ntlm)], location => 'OwaCalIdentity basic upstream=ntlm');
#
# The crowd itself is t/crowd/crowd.c. Three lists are joined:
#   - what each person of the crowd asked and was answered, by the number of the request;
#   - the front's access log: that number, the person Apache verified, the operation's id;
#   - the simulator's witness: the operation's id, as whom its requests ran, in which mailbox.
# At the end the mailboxes are compared with what the crowd was told.
#
# Options of play: name, children, operations (by default an equal share of CROWD_OPERATIONS for each of the
# runs there are), people (20), mpm, http (1 or 2), tls (in front), sim (options of t/sim/run),
# secure (the simulator speaks TLS), location (lines), faults (names, as t/sim/fault.h has them;
# [] = none), restarts (2), modules, server, backend_line (with PORT), module (another file),
# quarters (code to be called after a quarter, a half and three quarters), also (code that judges
# more), crowd (further words for the driver), seed, realm (a Realm, whose users they are).
# run() does all of it but judge, and returns what was collected.

use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(time sleep);

use Httpd;
use SimRun;

my $root = Httpd::root();
my $all_runs = 11;    # of t/67-wrong-person-*.t, whose shares add up
my $rooms = 8;

# The names of the people of a run; a realm has its own.
sub people {
    my ($o) = @_;
    return map { sprintf 'u%02d', $_ } 1 .. $o->{people} if $o->{realm};
    return map { sprintf 'person%03d', $_ } 0 .. $o->{people} - 1;
}

sub build { return $ENV{OWACAL_BUILD} // "$root/.build/gcc" }

sub users_file {
    my ($dir, $o) = @_;
    open my $out, '>', "$dir/users" or die "$dir/users: $!";
    print $out "$_:pw-$_:$_\@example.test:person:en\n" for people($o);
    print $out "room$_:pw:room$_\@example.test:room:accept:en\n" for 0 .. $rooms - 1;
    close $out or die "$dir/users: $!";
    return "$dir/users";
}

# A certificate for 127.0.0.1 that is its own authority: cert.pem and key.pem in that directory.
sub certificate {
    my ($dir) = @_;
    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
        . "-addext subjectAltName=IP:127.0.0.1 -keyout '$dir/key.pem' -out '$dir/cert.pem' 2>/dev/null") == 0
        or die 'openssl req failed';
    return;
}

sub front {
    my ($o, $sim, $dir) = @_;
    my $server = "LogFormat \"%{X-Crowd}i\\t%u\\t%{OwaCal-Operation}o\\t%>s\\t%H\\t%{remote}p\" crowd\n"
        . "CustomLog \@DIR\@/crowd.log crowd\nMaxConnectionsPerChild 12\nMaxKeepAliveRequests 0\n"
        . "OwaCalTimeout answer=100ms step=5s\nOwaCalLimit per-user=100 waiting=200\nOwaCalSecret $dir/secret\n";
    my @modules = @{ $o->{modules} // [] };
    if ($o->{tls}) {
        certificate($dir);
        push @modules, qw(socache_shmcb ssl);
        $server .= "SSLEngine on\nSSLCertificateFile $dir/cert.pem\nSSLCertificateKeyFile $dir/key.pem\n"
            . "SSLSessionCache shmcb:\@DIR\@/run/tls(512000)\nOwaCalOrigin https://127.0.0.1:\@PORT\@\n";
    }
    local $ENV{OWACAL_MODULE} = $o->{module} if $o->{module};
    return Httpd->start(
        mpm => $o->{mpm} // 'event', children => $o->{children} // (($o->{mpm} // '') eq 'prefork' ? 8 : 2), threads => 12,
        backend => $sim->{url}, backend_options => $o->{secure} ? "ca=$dir/ca.pem" : '',
        $o->{backend_line} ? (backend_line => $o->{backend_line} =~ s/PORT/$sim->{port}/r) : (),
        passwords => { map { $_ => "pw-$_" } people($o) },
        rooms => join('', map { "OwaCalRoom room$_ room$_\@example.test\n" } 0 .. $rooms - 1),
        http2 => ($o->{http} // 1) == 2, modules => \@modules, loglevel => 'owacal:info',
        location => $o->{location}, server => $server . ($o->{server} // ''));
}

# Options of play for `delegated`. Signed in by Basic, each with a ticket cache by his name: this is
# about what the module does with tickets, and mod_auth_gssapi has its own tests.
sub kerberos {
    my ($realm, $people) = @_;
    chmod 0711, $realm->path('crowd') if mkdir $realm->path('crowd');
    for my $user (map { sprintf 'u%02d', $_ } 1 .. $people) {
        rename $realm->ticket($user, owner => $> ? undef : 'www-data') =~ s/^FILE://r, $realm->path("crowd/$user") or die "$user: $!";
    }
    return (realm => $realm, people => $people, modules => ['rewrite'],
        sim => ['--auth', 'kerberos', '--keytab', $realm->{keytab}{back}, '--connection-bound'],
        backend_line => 'OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:PORT',
        location => "OwaCalIdentity delegated\n  RewriteEngine On\n"
            . "  RewriteRule ^ - [E=KRB5CCNAME:FILE:" . $realm->path('crowd') . "/%{REMOTE_USER}]");
}

# Options of play for `s4u`, of a realm with constrained delegation: whoever signed in, the module gets
# his ticket by the service's key.
sub s4u {
    my ($realm, $people) = @_;
    my $keytab = $realm->path('crowd.keytab');
    copy($realm->{keytab}{front}, $keytab) or die "$keytab: $!";
    chmod 0600, $keytab;
    return (realm => $realm, people => $people,
        sim => ['--auth', 'kerberos', '--keytab', $realm->{keytab}{back}, '--connection-bound'],
        backend_line => 'OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:PORT',
        location => "OwaCalIdentity s4u keytab=$keytab");
}

# Tickets of these people that have run out: put in place of the good ones by {swap}, and taken away
# again by {restore}.
sub expired_tickets {
    my ($realm, @users) = @_;
    my %old;
    for my $user (@users) {
        my $file = $realm->ticket($user, life => '1s', owner => $> ? undef : 'www-data') =~ s/^FILE://r;
        $old{$user} = $file;
    }
    my $since = time;
    my $place = sub { my ($user, $from) = @_; rename $from, $realm->path("crowd/$user") or die "$user: $!" };
    sleep 2.2;
    return {
        swap => sub {
            for (@users) {
                link $realm->path("crowd/$_"), $realm->path("crowd/$_.good") or die "$_: $!";
                $place->($_, delete $old{$_});
            }
        },
        restore => sub { $place->($_, $realm->path("crowd/$_.good")) for @users },
    };
}

# Faults come one at a time, each for the next request it fits.
my @faults = qw(cut reset-after-write close-silently close-before reset-before login-expired
    close-after-401 close-after-401=silently status-after truncated late=80);

sub trouble {
    my ($o, $sim, $random) = @_;
    my $faults = $o->{faults} // \@faults;
    return if !@$faults;
    my $fault = $faults->[ int(rand_of($random) * @$faults) ];
    $sim->no_faults if rand_of($random) < 0.2;    # what nothing fitted
    $sim->fault("$fault:1");
    return;
}

# A generator of its own: the same seed gives the same faults in the same order.
sub rand_of { my ($state) = @_; $$state = ($$state * 1103515245 + 12345) % 2**31; return $$state / 2**31 }

sub play {
    my (%o) = @_;
    my $name = $o{name};
    subtest $name => sub {
        my $got = run(%o);
        judge($got);
        $o{also}->($got) if $o{also};
    };
    return;
}

sub run {
    my (%o) = @_;
    $o{people} //= 20;
    $o{operations} //= int(($ENV{CROWD_OPERATIONS} // 20_000) / $all_runs) + 1;
    $o{seed} //= $ENV{CROWD_SEED} // $$ % 10_000;
    note("seed $o{seed} (CROWD_SEED), $o{operations} operations (CROWD_OPERATIONS: of all runs together)");
    my $dir = tempdir(CLEANUP => 1);
    chmod 0755, $dir;
    open my $out, '>', "$dir/secret" or die;
    print $out 'a secret of thirty-two characters.' x 2;
    close $out or die;
    chmod 0600, "$dir/secret";
    my $sim = SimRun->start(@{ $o{sim} }, '--users', users_file($dir, \%o), '--latency', 2,
        '--set', 'fba-plain=yes', $o{secure} ? ('--tls', '--ca-out', "$dir/ca.pem") : ());
    my $web = front(\%o, $sim, $dir);
    my %got = (o => \%o, sim => $sim, web => $web, dir => $dir, began => time);
    my ($random, $n) = ($o{seed}, 0);
    my %at = map { int($o{operations} * $_ / (1 + ($o{restarts} // 2))) => 1 } 1 .. $o{restarts} // 2;
    my $scheme = $o{tls} ? 'https' : 'http';
    open my $crowd, '-|', build() . '/crowd/crowd', "url=$scheme://127.0.0.1:$web->{port}/booking",
        "people=$o{people}", "operations=$o{operations}", "seed=$o{seed}", 'http=' . ($o{http} // 1),
        $o{tls} ? "ca=$dir/cert.pem" : (), $o{realm} ? qw(names=u first=1) : (), @{ $o{crowd} // [] } or die "crowd: $!";
    while (my $line = readline $crowd) {
        chomp $line;
        my %r;
        @r{qw(number person act serial version status reason op verdict)} = split /\t/, $line;
        push @{ $got{told} }, \%r;
        $n++;
        trouble(\%o, $sim, \$random) if $n % 25 == 0;
        $web->signal('USR1') if $at{$n};
        for my $at (1 .. 3) {
            my $do = $o{quarters} ? $o{quarters}[$at - 1] : undef;
            $do->($web, $sim) if $do && $n == int($o{operations} * $at / 4);
        }
    }
    $got{ended_well} = close $crowd;
    $got{took} = time - $got{began};
    $sim->no_faults;
    $got{status} = $web->request(GET => '/owacal-status')->{content} if !$o{tls};
    settle(\%got);    # and that request, too: event's own end may fall over a connection that closes just then
    $got{stopped} = $web->stop;
    $got{log} = $web->log;
    $got{witness} = [witness($sim)];
    $got{counters} = $sim->control(GET => '/_sim/counters');
    open my $in, '<', "$web->{dir}/crowd.log" or die;
    while (<$in>) {
        chomp;
        my %r;
        @r{qw(number user op status protocol port)} = split /\t/;
        push @{ $got{access} }, \%r;
    }
    return \%got;
}

# What nobody waited for any more comes to its end: a request whose sender has left may still lie in the front's
# queue, and one that lies there when the front is stopped was seen by the simulator, and by no log.
sub settle {
    my ($got) = @_;
    my ($web, $sim) = @$got{qw(web sim)};
    my ($last, $since, $began) = ('', time, time);
    while (time - $began < 60) {
        my $log = $web->slurp('crowd.log');
        my %there = map { $_ => 1 } $log =~ /^(\d+)\t/mg;
        my $now = length($log) . ' ' . $sim->control(GET => '/_sim/counters')->{requests};
        ($last, $since) = ($now, time) if $now ne $last;
        # Longer than any step waits, where some never came, or have not come yet.
        return if time - $since > ((grep { !$there{ $_->{number} } } @{ $got->{told} }) ? 6 : 0.3);
        sleep 0.1;
    }
    return;
}

# All rows of the witness: operation, user, means, mailbox, connection, requests.
sub witness {
    my ($sim) = @_;
    my @rows;
    while (1) {
        my $page = $sim->control(GET => '/_sim/witness?from=' . @rows . '&count=20000');
        my @more = map { my %r; @r{qw(op user means mailbox connection requests)} = split /\t/; \%r } split /\n/, $page;
        push @rows, @more;
        return @rows if @more < 20000;
    }
}

# ---- the verdicts ----

sub none {
    my ($what, @bad) = @_;
    my $n = @bad;
    ok(!$n, $what) or diag((map { ref $_ ? explain($_) : "$_\n" } @bad > 5 ? @bad[0 .. 4] : @bad), "$n in all");
    return;
}

# Requests that ran as somebody other than who asked, by what the three lists say.
sub strangers {
    my ($got) = @_;
    my (%user_of, %person_of, @bad);
    $person_of{ $_->{number} } = $_->{person} for @{ $got->{told} };
    for (@{ $got->{access} }) {
        next if $_->{number} eq '-';
        push @bad, { %$_, why => 'Apache verified another person than asked' } if $_->{user} ne ($person_of{ $_->{number} } // '?');
        next if $_->{op} eq '-';
        push @bad, { %$_, why => 'an operation id given twice' } if exists $user_of{ $_->{op} };
        $user_of{ $_->{op} } = $_->{user};
    }
    for (@{ $got->{told} }) {
        next if $_->{op} eq '-';
        push @bad, { %$_, why => 'an answer bears the operation of another' } if ($user_of{ $_->{op} } // '?') ne $_->{person};
    }
    for (@{ $got->{witness} }) {
        my $user = $user_of{ $_->{op} };
        if (!defined $user) { push @bad, { %$_, why => 'nobody asked for this operation' } }
        elsif ($_->{user} ne $user && $_->{user} ne '-') { push @bad, { %$_, why => "it was $user who asked" } }
        elsif ($_->{mailbox} ne $user && $_->{mailbox} !~ /^(?:-|room\d)$/) { push @bad, { %$_, why => "the mailbox of somebody other than $user" } }
    }
    return @bad;
}

# What the mailboxes must hold by what was answered: person => serial => { there => 1, 0 or undef
# (unknown), version => [those possible] }.
sub expected {
    my ($got) = @_;
    my (%times, %want);
    $times{ $_->{number} }++ for @{ $got->{access} };
    for (@{ $got->{told} }) {
        my $is = $want{ $_->{person} }{ $_->{serial} } //= { there => 0, versions => [1], late => [] };
        my $version = $_->{version};
        my $good = $_->{status} =~ /^2/;
        # A client's library repeats what a dying connection swallowed: then the first may have worked.
        my $unknown = !$good && ($_->{status} == 0 || $times{ $_->{number} } > 1
            || $_->{reason} =~ /^(?:outcome-unknown|left-behind|attendees-not-told)$/);
        if ($_->{act} eq 'book') { $is->{there} = $good ? 1 : $unknown ? undef : 0 }
        elsif ($_->{act} eq 'cancel' && ($good || $unknown)) { $is->{there} = $good ? 0 : undef }
        # One that nobody waited for may come after all that was sent later.
        elsif ($_->{act} eq 'change' && $good) { $is->{versions} = [ $version, @{ $is->{late} } ] }
        elsif ($_->{act} eq 'change' && $unknown) { push @{$_}, $version for @$is{qw(versions late)} }
    }
    return \%want;
}

sub mailbox_faults {
    my ($got) = @_;
    my $want = expected($got);
    my @bad;
    for my $person (people($got->{o})) {
        my %have;
        for my $item ($got->{sim}->items($person, qr/^Calendar$/)) {
            my $subject = SimRun::subject($item);
            my ($who, $serial, $version) = $subject =~ /^(\w+) #(\d+) v(\d+)$/;
            if (!$who || $who ne $person) { push @bad, "$person has \"$subject\"" }
            else { push @{ $have{$serial} }, $version }
        }
        for my $serial (sort { $a <=> $b } keys %{ $want->{$person} }) {
            next if !$serial;
            my $is = $want->{$person}{$serial};
            my $there = delete $have{$serial} // [];
            push @bad, "$person #$serial stands there " . @$there . ' times' if @$there > 1;
            push @bad, "$person #$serial is lost" if $is->{there} && !@$there;
            push @bad, "$person #$serial must not be there" if defined $is->{there} && !$is->{there} && @$there;
            push @bad, "$person #$serial is version $there->[0], not " . join ' or ', @{ $is->{versions} }
                if @$there && $is->{there} && !grep { $_ == $there->[0] } @{ $is->{versions} };
        }
        push @bad, "$person has #$_, which nobody booked" for keys %have;
    }
    return @bad;
}

sub statistics {
    my ($got) = @_;
    my (%acts, %reasons);
    for (@{ $got->{told} }) {
        $acts{ $_->{act} }++;
        $reasons{"$_->{status} $_->{reason}"}++;
    }
    my %people_on;
    $people_on{ $_->{connection} }{ $_->{user} } = 1 for grep { $_->{user} ne '-' } @{ $got->{witness} };
    note(sprintf '%.1f s; %s', $got->{took}, join ', ', map { "$_ $acts{$_}" } sort keys %acts);
    note(join ', ', map { "$_: $reasons{$_}" } sort keys %reasons);
    note(sum0(map { $_->{requests} } @{ $got->{witness} }) . ' requests upstream over ' . keys(%people_on) . ' connections');
    return;
}

sub judge {
    my ($got) = @_;
    my $o = $got->{o};
    statistics($got);
    ok($got->{ended_well}, 'the crowd came to its end');
    is(scalar(@{ $got->{told} }), $o->{operations}, 'every request is accounted for');
    none('nobody saw anything of anybody else', grep { $_->{verdict} ne 'ok' } @{ $got->{told} });
    none('every request ran as the one who asked', strangers($got));
    my %seen = map { $_->{op} => 1 } grep { $_->{user} ne '-' } @{ $got->{witness} };
    my @good = grep { $_->{status} =~ /^2/ && $_->{act} !~ /steal|check/ } @{ $got->{told} };
    my $kept = sub { $_->{act} eq 'freebusy' && $_->{op} eq '-' };    # OwaCalFreshness: nothing was asked
    none('every answer of the calendar server was asked for by that operation', grep { !$kept->() && !$seen{ $_->{op} } } @good);
    my %asked = map { $_->{person} => 1 } grep { $_->{act} eq 'freebusy' && !$kept->() } @good;
    none('nobody was shown what was kept without having asked himself', grep { $kept->() && !$asked{ $_->{person} } } @good);
    note(scalar(grep { $kept->() } @good) . ' free/busy answers as they were kept');
    is_deeply({ map { $_ => $got->{counters}{$_} } qw(without-op op-two-users connection-two-users credential-differs) },
        { 'without-op' => 0, 'op-two-users' => 0, 'connection-two-users' => 0, 'credential-differs' => 0 }, 'the simulator counted nothing of the kind');
    none('nothing answered is lost, nothing is doubled', mailbox_faults($got));
    my $good = grep { $_->{status} =~ /^2/ } @{ $got->{told} };
    cmp_ok($good, '>', $o->{operations} / 2, 'most of it worked, so that this says something');
    unlike($got->{log}, qr/OWACAL0102/, 'the owner check had nothing to stop');
    unlike($got->{log}, qr/exit signal|segfault|AH00045/i, 'no child crashed');
    ok($got->{stopped}, 'the front stops by itself');
    my (%protocol, %users_on);
    for (@{ $got->{access} }) {
        $protocol{ $_->{protocol} }++;
        $users_on{ $_->{port} }{ $_->{user} } = 1;
    }
    note(join ', ', map { "$_: $protocol{$_}" } sort keys %protocol);
    my $wanted = ($o->{http} // 1) == 2 ? 'HTTP/2.0' : 'HTTP/1.1';
    cmp_ok($protocol{$wanted} // 0, '>', $o->{operations} * 0.8, "it was $wanted") or diag(explain(\%protocol));
    cmp_ok(scalar(grep { keys %$_ > 3 } values %users_on), '>', 5, 'different people came over one connection');
    return;
}

1;
