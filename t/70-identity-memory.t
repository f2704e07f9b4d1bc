#!/usr/bin/perl
# After an operation the password stands nowhere in the child's memory where we, or libcurl on our
# behalf, put it: looked for as it is, in base64 with the name, percent-encoded and as UTF-16. What
# httpd and its login module keep in the request's own pool is theirs, and told apart by its looks. In
# no log line of any level, traces included, does it stand either.
use strict;
use warnings;
no warnings 'portable';    # addresses have 48 bits
use Encode qw(encode);
use File::Temp ();
use FindBin qw($Bin);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

plan skip_all => 'reading another process\'s memory takes root' if $> != 0;

my $password = 'Hush!Kanari%Xq9Zzvbn';
my %forms = (
    plain => $password,
    'UTF-16' => encode('UTF-16LE', $password),
    'percent-encoded' => 'Hush%21Kanari%25Xq9Zzvbn',
    # Three alignments: whatever name stands before it.
    map { ("base64 $_" => substr(encode_base64('x' x $_ . $password, ''), $_ ? 4 : 0, 20)) } 0 .. 2,
);

# Everything that can be written to, as one list of [form, what stands around it].
sub findings {
    my ($pid) = @_;
    my @found;
    open my $maps, '<', "/proc/$pid/maps" or return ['?', "maps: $!"];
    open my $mem, '<:raw', "/proc/$pid/mem" or return ['?', "mem: $!"];
    while (<$maps>) {
        my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
        my ($at, $left, $data) = (hex $from, hex($to) - hex $from, '');
        next if !sysseek $mem, $at, 0;
        while ($left > 0) {
            my $n = sysread $mem, $data, $left, length $data or last;
            $left -= $n;
        }
        for my $form (sort keys %forms) {
            for (my $i = 0; ($i = index $data, $forms{$form}, $i) >= 0; $i++) {
                push @found, [$form, substr($data, $i > 48 ? $i - 48 : 0, 120) =~ s/[^ -~]/./gr];
            }
        }
    }
    return @found;
}

# The header as it came: behind "alice:", so that its base64 has another alignment than towards the
# calendar server, where the name is EXAMPLE\alice; and its decoding, behind the colon.
sub of_httpd { my ($f) = @_; return $f->[0] eq 'base64 0' || $f->[0] eq 'plain' && $f->[1] =~ /:\Q$password\E/ }

my %sim_args = (basic => [], ntlm => [], forms => ['--set', 'fba-plain=yes']);
for my $how (qw(basic ntlm forms)) {
    subtest "upstream=$how" => sub {
        my $dir = File::Temp::tempdir(CLEANUP => 1);
        chmod 0755, $dir;    # the simulator has an account of its own
        open my $out, '>', "$dir/users" or die "users: $!";
        print $out "alice:$password:alice\@example.test:person:english\nbob:pw-bob:bob\@example.test:person:english\n",
            "room1:pw-room1:room1\@example.test:room:accept:english\nboardroom:pw-b:boardroom\@example.test:room:accept:english\n";
        close $out;
        my $sim = SimRun->start('--auth', $how, '--users', "$dir/users", @{ $sim_args{$how} });
        my $web = Httpd->start(backend => $sim->{url}, children => 1, threads => 2, loglevel => 'owacal:trace8', server => 'OwaCalTrace all',
            passwords => { alice => $password, bob => 'pw-bob' }, location => "OwaCalIdentity basic upstream=$how domain=EXAMPLE");
        my ($child) = split ' ', `ps -o pid= --ppid $web->{pid}`;
        my $r = $web->json('alice', POST => '/booking/bookings', { subject => 'x', start => '2099-03-03T10:00', duration => 30, room => 'room1' });
        is($r->{status}, 201, 'alice books') or diag $r->{content};
        is($web->json('alice', GET => '/booking/check')->{status}, 200, 'and tests herself');
        my @found = findings($child);
        my @ours = grep { !of_httpd($_) } @found;
        # mod_auth_basic decodes once for each request; we did so for each operation, and wiped it.
        cmp_ok(scalar(grep { of_httpd($_) && $_->[0] eq 'plain' } @found), '<=', 2, 'what the login module decoded') or diag map { "$_->[1]\n" } @found;
        if ($how eq 'ntlm') {
            # libcurl compares it before it uses a connection again: a few for each connection, as it is.
            my @live = grep { $_->[0] eq 'plain' } @ours;
            @ours = grep { $_->[0] ne 'plain' } @ours;
            cmp_ok(scalar(@live), '<=', 12, 'what the connections keep') or diag map { "$_->[0]: $_->[1]\n" } @live;
        }
        is(join("\n", map { "$_->[0]: $_->[1]" } @ours), '', 'nothing else is left');
        ok(!grep({ $_->[0] eq '?' } @found), 'the memory could be read');

        my $log = $web->log;
        like($log, qr/OWACAL0530.*trace/, 'the exchanges were traced');
        is(join(' ', grep { index($log, $forms{$_}) >= 0 } sort keys %forms), '', 'it stands in no log line');
        unlike($log, qr/exit signal|segfault/i, 'no crash');
        is($web->json('bob', GET => '/booking/bookings?start=2099-03-01T00:00&end=2099-03-10T00:00')->{status}, 200, 'bob goes on');
    };
}
done_testing();
