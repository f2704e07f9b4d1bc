#!/usr/bin/perl
# The hostile calendar servers of t/68-identity-hostile.t before an account that acts for many: its
# password is sent once, to that server only, and neither it nor the person's own is shown to anybody.
# An account for each kind: one whose password was refused is not tried again.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib "$Bin/lib";
use Hostile;
use Httpd;
use Upstream;

my $decoy = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "decoy: $!";
my %behave = Hostile::replies('http://127.0.0.1:' . $decoy->sockport);
# Before any login it is all the same who would sign in: t/68-identity-hostile.t has those.
my @kinds = grep { !/^(?:100|a change of protocol$|silence)/ } sort keys %behave;
my $read = 'bookings?start=2099-03-01T00:00&end=2099-03-10T00:00';
my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
open my $f, '>', "$dir/pw" or die;
print $f "secret-of-svc\n";
close $f;
chmod 0600, "$dir/pw";

my $up = Upstream->start(%behave);
for my $run ([service => 'ntlm'], [service => 'forms'], [device => 'basic']) {
    my ($mode, $how) = @$run;
    subtest "$mode, upstream=$how" => sub {
        my $lines = '';
        for my $i (0 .. $#kinds) {
            $lines .= "OwaCalCredential c$i user=EXAMPLE\\svc$i password=$dir/pw upstream=$how\n<Location \"/k$i\">\nAuthType Basic\nAuthName x\nAuthBasicProvider file\n"
                . "AuthUserFile \@DIR\@/users\nRequire valid-user\nSetHandler owacal\nOwaCalUse corp\nOwaCalIdentity $mode credential=c$i\n"
                . ($mode eq 'device' ? "OwaCalMailbox boardroom\n" : '') . "</Location>\n";
        }
        my $web = Httpd->start(backend => $up->{url}, children => 1, threads => 8, loglevel => 'owacal:trace8',
            server => "OwaCalTimeout connect=1s step=1s operation=2s undo=1s answer=100ms\n$lines");
        for my $i (0 .. $#kinds) {
            my $kind = $kinds[$i];
            $up->behave($kind);
            my $got = Hostile::ask($web, 'alice', GET => "/k$i/$read");
            my @requests = $up->requests;
            # The web server wants a login before the form's: nobody looked at the password, and it is said so.
            if ($how eq 'forms' && $got eq '500 misconfigured') { like($requests[-1]{target}, qr/owaauth/, "$kind: $got") }
            # Where it leads is no mailbox of the account's: that is seen before whose host it is.
            elsif ($kind eq 'a redirect to another host') { is($got, '403 mailbox-refused', "$kind: $got") }
            else { like($got, Hostile::may($kind), "$kind: $got") }
            my $seen = join ' ', map { ($_->{headers}{authorization} // '', $_->{headers}{cookie} // '', $_->{body}) } @requests;
            is(index($seen, encode_base64('alice:pw-alice', '')) + index($seen, 'pw-alice'), -2, "  not the person's own password");
            next if $how eq 'basic' && $got !~ /refused-login/;    # it goes along with each request then
            cmp_ok(Hostile::sent($how, @requests), '<=', 1, "  the account's once");
            next if !Hostile::sent($how, @requests) || $got !~ /refused-login/;
            Hostile::ask($web, 'bob', GET => "/k$i/$read");
            is(Hostile::sent($how, $up->requests), Hostile::sent($how, @requests), '  and not again, for whoever asks');
        }
        Hostile::nothing_seen("$mode, $how");
        ok(!IO::Select->new($decoy)->can_read(0), 'no other host was contacted');
        unlike($web->log, qr/exit signal|segfault/i, 'no crash');
        my @shown = grep { index($web->log, $_) >= 0 } 'secret-of-svc', 'pw-alice', map { encode_base64("EXAMPLE\\svc$_:secret-of-svc", '') } 0 .. $#kinds;
        is("@shown", '', 'no password in the log');
        ok($web->stop, 'stops');
    };
}
note join "\n", Hostile::reasons();
done_testing();
