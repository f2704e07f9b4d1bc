#!/usr/bin/perl
# A page with twenty different look-ups takes one round trip: all are on their way before the first is
# answered, each on a connection; of those six stay, and the next page uses them. OwaCalLimit
# per-identity= makes it fewer. By NTLM, where each connection has a login of its own, it is no other.
use strict;
use warnings;
use FindBin qw($Bin);
use File::Temp ();
use HTTP::Tiny;
use Test::More;
use Time::HiRes qw(time sleep);
use lib "$Bin/lib";
use Httpd;
use SimRun;
use Upstream;

my $many = 20;

# In front of the simulator: free/busy is answered when as many questions are here as the test says, or,
# which fails the test, after a while.
sub barrier {
    my ($sim, $dir, $wanted, $request, $c) = @_;
    if ($request->{target} =~ /freebusy/) {
        open my $mark, '>', sprintf '%s/%d-%d', $dir, $request->{connection}, $c->{n} or die "mark: $!";
        my $until = time + 20;
        sleep 0.01 while @{ [glob "$dir/*"] } < $wanted && time < $until;
        return "HTTP/1.1 503 Too few came\r\nContent-Length: 0\r\n\r\n" if @{ [glob "$dir/*"] } < $wanted;
    }
    my %headers = %{ $request->{headers} };
    delete @headers{qw(host content-length connection)};
    my $r = HTTP::Tiny->new(timeout => 20, max_redirect => 0)->request($request->{method},
        $sim->{url} =~ s{/$}{}r . $request->{target}, { headers => \%headers, content => $request->{body} });
    delete @{ $r->{headers} }{qw(content-length transfer-encoding connection keep-alive)};
    my $head = join '', map { my $name = $_; map { "$name: $_\r\n" } ref $r->{headers}{$name} ? @{ $r->{headers}{$name} } : $r->{headers}{$name} }
        sort keys %{ $r->{headers} };
    return "HTTP/1.1 $r->{status} $r->{reason}\r\n${head}Content-Length: " . length($r->{content}) . "\r\n\r\n$r->{content}";
}

sub start_web {
    my ($url, $upstream, $lines) = @_;
    my $web = Httpd->start(backend => $url, children => 1, location => "OwaCalIdentity basic upstream=$upstream\nOwaCalTimezone UTC\n",
        server => "$lines<Location \"/intranet\">\n  AuthType Basic\n  AuthName intranet\n  AuthBasicProvider file\n"
            . "  AuthUserFile \@DIR\@/users\n  Require valid-user\n  OwaCalUse corp\n  OwaCalBase /booking\n"
            . "  OwaCalIdentity basic upstream=$upstream\n  OwaCalTimezone UTC\n  OwaCalFreshness 0\n  SetOutputFilter OWACAL\n</Location>\n");
    mkdir "$web->{dir}/htdocs/intranet";
    $web->write_file('htdocs/intranet/page.html', join "\n", map { "<div data-owacal=grid data-room=boardroom data-day=+$_ data-slot=120>none</div>" } 1 .. $many);
    return $web;
}

sub filled { my ($web) = @_; my $r = $web->request(GET => '/intranet/page.html', user => 'alice'); return scalar(() = $r->{content} =~ /<table/g) }
sub figure { my ($web, $name) = @_; return $web->request(GET => '/owacal-status')->{content} =~ /^owacal_$name\S* (\d+)/m ? $1 : die $name }
sub wait_for { my ($code) = @_; my $until = time + 60; while (time < $until) { return 1 if $code->(); sleep 0.1 } return 0 }
sub connections { my %seen = map { $_->{connection} => 1 } @_; return scalar keys %seen }

my $sim = SimRun->start('--auth', 'basic', '--lag', '0');
for my $case (['', $many, "all $many are asked before the first is answered"], ["OwaCalLimit per-identity=3\n", 3, 'or as many as OwaCalLimit says']) {
    my ($lines, $wanted, $name) = @$case;
    my $dir = File::Temp::tempdir(CLEANUP => 1);
    my $upstream = Upstream->start(sim => sub { return barrier($sim, $dir, $wanted, @_) });
    my $web = start_web($upstream->{url}, 'basic', $lines);
    $web->request(GET => '/booking/bookings.json', user => 'alice');    # signed in
    my $before = $upstream->requests;
    is(filled($web), $many, $name);
    my @asked = $upstream->requests;
    splice @asked, 0, $before;
    is(scalar(@asked), $many, '  a question each');
    is(connections(@asked), $wanted, '  each of those under way has a connection');
    if ($wanted == $many) {
        ok(wait_for(sub { figure($web, 'connections') == 6 }), '  six connections stay') or diag figure($web, 'connections');
        is(figure($web, 'connection_caches'), 1, '  in one cache');
        my $opened = figure($web, 'handshakes');
        is(filled($web), $many, '  the next page is filled as well');
        is(figure($web, 'handshakes') - $opened, $many - 6, '  and opens those that are missing');
    }
    $web->stop;
    $upstream->stop;
}
$sim->stop;

# 7.88.1 of libcurl counts a connection between two messages of NTLM as idle.
$sim = SimRun->start('--auth', 'ntlm', '--lag', '0', '--latency', '100');
my $web = start_web($sim->{url}, 'ntlm', '');
$web->request(GET => '/booking/bookings.json', user => 'alice');
my $before = $sim->requests;
is(filled($web), $many, 'twenty logins side by side');
my @asked;    # it is noted there after it was answered
ok(wait_for(sub { @asked = $sim->requests; splice @asked, 0, $before; connections(@asked) == $many }), '  a connection each');
cmp_ok(scalar(@asked), '<=', 2 * $many, '  none begins anew: two messages on each new connection at most');
is(filled($web), $many, 'once more');
unlike($web->log, qr/child pid \d+ exit signal|OWACAL0102/, 'no child died, nothing was sent on another\'s');
$web->stop;
$sim->stop;
done_testing();
