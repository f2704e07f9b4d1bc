#!/usr/bin/perl
# How far a page is read ahead of a look-up that is not answered yet, when it comes in many brigades: a
# placeholder within 256 KB of the first is asked about at the same time, one beyond it when the first
# is filled; a page that comes slowly goes on to the reader as it comes, and nothing is kept of it.
use strict;
use warnings;
use FindBin qw($Bin);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use lib "$Bin/lib";
use Httpd;
use SimRun;

# An origin that sends a page piece by piece, a piece each time the test says so.
my $listen = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1', LocalPort => 0) or die "listen: $!";
my $sim = SimRun->start('--auth', 'basic', '--lag', '0');
my $web = Httpd->start(backend => $sim->{url}, children => 1, modules => [qw(proxy proxy_http bucketeer)],
    server => <<"E");
<Location "/intranet">
  \@LOGIN\@
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity basic upstream=basic
  OwaCalTimezone Europe/Budapest
  OwaCalFreshness 0
  SetOutputFilter OWACAL
</Location>
<Location "/intranet/cut">
  SetOutputFilter BUCKETEER;OWACAL
</Location>
ProxyPass /intranet/slow/ http://127.0.0.1:@{[ $listen->sockport ]}/ flushpackets=off
E

my ($reader, $origin, $got);

sub begin {
    $reader = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $web->{port}) or die "connect: $!";
    syswrite $reader, "GET /intranet/slow/$_[0] HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic "
        . encode_base64('alice:pw-alice', '') . "\r\n\r\n";
    $origin = $listen->accept or die "accept: $!";
    my $asked = '';
    sysread $origin, $asked, 4096, length $asked until $asked =~ /\r\n\r\n/;
    syswrite $origin, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
    $got = '';
}
sub send_piece { my ($text) = @_; my $at = 0; $at += syswrite $origin, $text, length($text) - $at, $at while $at < length $text }

# Reads until the answer so far matches, or nothing has come for so many seconds. 1: it matches.
sub arrives {
    my ($pattern, $quiet) = @_;
    my $select = IO::Select->new($reader);
    until ($got =~ $pattern) {
        return 0 if !$select->can_read($quiet) || !sysread $reader, $got, 65536, length $got;
    }
    return 1;
}
sub asked { return scalar grep { $_->{target} =~ /freebusy/ } $sim->requests }
sub wait_for { my ($code) = @_; my $until = time + 30; while (time < $until) { return 1 if $code->(); select undef, undef, undef, 0.05 } return 0 }

$web->request(GET => '/booking/bookings.json', user => 'alice');    # signed in
my $hole = '<div data-owacal=grid data-day=+5 data-slot=120 data-room=boardroom>old</div>';
my $piece = sub { return "<p>$_[0]</p>" . ('x' x 8192) };

# Brigades of 8 KB, none of them a flush.
mkdir "$web->{dir}/htdocs/$_" for qw(intranet intranet/cut);
my $other = $hole =~ s/\+5/+6/r;
for my $case ([24, 'within the look-ahead', 2], [40, 'beyond it', 1]) {
    my ($n, $name, $at_once) = @$case;
    $web->write_file("htdocs/intranet/cut/$n.html", join "\x10", "<p>first</p>$hole", (map { $piece->($_) } 1 .. $n), "$other<p>last</p>", map { $piece->($_) } 1 .. 3);
    my $before = () = grep { $_->{target} =~ /freebusy/ } $sim->requests;
    $sim->fault('slow=1500:1-2');
    $reader = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $web->{port}) or die "connect: $!";
    syswrite $reader, "GET /intranet/cut/$n.html HTTP/1.0\r\nAuthorization: Basic " . encode_base64('alice:pw-alice', '') . "\r\n\r\n";
    $got = '';
    ok(arrives(qr{<table.*<p>$n</p>.*<table.*<p>last</p>.*<p>3</p>x{8192}\z}s, 60), "$name: the page comes whole");
    my @asked = grep { $_->{target} =~ /freebusy/ } $sim->requests;
    splice @asked, 0, $before;
    is(scalar(@asked), 2, '  two questions');
    my %connections = map { $_->{connection} => 1 } @asked;
    is(scalar(keys %connections), $at_once, "  so many under way at one time, each on a connection of its own: $at_once");
    $sim->no_faults;
}

begin('page');
my $before = asked();
send_piece("<p>first</p>$hole<p>second</p>");
ok(arrives(qr{<p>first</p>.*<table.*<p>second</p>}s, 10), 'a page that comes slowly goes on as it comes');
for (1 .. 8) {
    send_piece($piece->($_));
    ok(arrives(qr{<p>$_</p>x}, 10), "  piece $_");
}
send_piece("$hole<p>last</p>");
close $origin;
ok(arrives(qr{<p>last</p>(?:\r\n0\r\n\r\n)?\z}, 30), 'to its end');
is(() = $got =~ /<table/g, 2, 'both are filled');
is(asked() - $before, 1, 'by one question') or diag asked() - $before;

# A slow calendar does not hold more than the look-ahead either.
$sim->fault('slow=4000:1-2');
begin('slower');
$before = asked();
send_piece("$hole<p>second</p>");
wait_for(sub { asked() > $before });
my $sent = 0;
$origin->blocking(0);
my $until = time + 2;
while (time < $until && $sent < 64 * 1024 * 1024) {
    my $n = syswrite $origin, 'y' x 65536;
    $sent += $n // 0;
    select undef, undef, undef, 0.02 if !$n;
}
cmp_ok($sent, '<', 32 * 1024 * 1024, 'a page without end is not read into memory while one look-up waits');
close $origin;
ok(arrives(qr{<table}, 30), 'and it is filled in the end');
$sim->no_faults;
unlike($web->log, qr/child pid \d+ exit signal|AddressSanitizer/, 'no child died');
close $reader;
$web->stop;
$sim->stop;
done_testing();
