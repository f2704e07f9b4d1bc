package Delegated;

# The tests of OwaCalIdentity delegated where the login module obtains the ticket by constrained
# delegation, the same for every kind of realm that knows it:
#
#   Delegated::run('ldap');    # or 'ad'
#
# Set-ups: the browser's ticket is forwarded; GssapiUseS4U2Proxy, the browser forwards nothing;
# GssapiImpersonate after Basic, the browser has no ticket at all.

use strict;
use warnings;
use JSON::PP qw(decode_json encode_json);
use Test::More;
use Httpd;
use Realm;
use SimRun;

my $url = '/booking/bookings';
my $no = 0;
sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }

sub front {
    my ($realm, $sim, $kind, %o) = @_;
    my $store = "  GssapiCredStore keytab:$realm->{keytab}{front}\n  GssapiCredStore client_keytab:$realm->{keytab}{front}\n"
        . "  GssapiCredStore ccache:FILE:\@DIR\@/cc/service\n  GssapiAllowedMech krb5\n"
        . "  GssapiDelegCcacheDir \@DIR\@/cc\n  GssapiDelegCcacheUnique On\n";
    my %auth = (
        forwarded => "AuthType GSSAPI\n  AuthName intranet\n  GssapiCredStore keytab:$realm->{keytab}{front}\n  GssapiAllowedMech krb5\n"
            . "  GssapiDelegCcacheDir \@DIR\@/cc\n  GssapiDelegCcacheUnique On\n",
        proxy => "AuthType GSSAPI\n  AuthName intranet\n  GssapiUseS4U2Proxy On\n$store",
        impersonate => "AuthType Basic\n  AuthName intranet\n  AuthBasicProvider file\n  AuthUserFile \@DIR\@/users\n"
            . "  GssapiImpersonate On\n$store",
    );
    return Httpd->start(backend_line => "OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:$sim->{port}",
        modules => ['auth_gssapi'], location => 'OwaCalIdentity delegated', auth => "$auth{$kind}  Require valid-user", %o);
}

# One request by curl: as the owner of a ticket cache, or with a password.
sub ask {
    my ($web, $realm, $kind, $user, $method, $path, $data) = @_;
    local $ENV{KRB5CCNAME} = $realm->{cache}{$user};
    my @who = $kind eq 'impersonate' ? ('-u', "$user:pw-$user") : ('--negotiate', '-u', ':', $kind eq 'forwarded' ? ('--delegation', 'always') : ());
    my @body = $data ? ('-H', 'Content-Type: application/json', '--data-binary', encode_json($data)) : ();
    open my $h, '-|', 'curl', '-sS', '-m', 60, '--noproxy', '*', '--connect-to', "::127.0.0.1:$web->{port}", @who,
        '-X', $method, '-H', 'Accept: application/json', @body, '-w', "\n%{http_code}", "http://intranet.test$path" or die;
    local $/;
    my ($content, $status) = readline($h) =~ /(.*)\n(\d+)\z/s;
    return { status => $status // 0, content => $content, json => scalar eval { decode_json($content) } };
}

sub calendar { my ($sim, $name) = @_; return join ' ', map { SimRun::subject($_) } $sim->items($name, qr/^Calendar$/) }

sub run {
    my ($kind) = @_;
    my $why = Realm->skip_reason($kind);
    plan skip_all => $why if $why;
    plan skip_all => 'curl with GSS-API is not installed' unless `curl -V 2>/dev/null` =~ /GSS-API/;
    plan skip_all => 'mod_auth_gssapi is not installed (Debian: libapache2-mod-auth-gssapi)' unless -e Httpd::module_path('mod_auth_gssapi');
    my $realm = Realm->start(kind => $kind);
    $ENV{KRB5_CONFIG} = $realm->{config};
    my $sim = SimRun->start('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
    my %carol = (forwarded => 'no-delegated-credential', proxy => 'delegation-refused', impersonate => 'delegation-refused');
    for my $how (qw(forwarded proxy impersonate)) {
        subtest $how => sub {
            $sim->control(POST => '/_sim/reset');
            my $web = front($realm, $sim, $how);
            for my $who (qw(alice bob)) {
                my $r = ask($web, $realm, $how, $who, POST => $url, booking(subject => "Of-$who"));
                is($r->{status}, 201, "$who books") or diag $r->{content}, $web->log =~ s/.*debug.*\n//gr;
                is($r->{json}{booking}{organizer}, "$who\@example.test", "  as $who");
                is(calendar($sim, $who), "Of-$who", '  in the right mailbox');
            }
            my %status;
            $status{$_}++ for Httpd::side_by_side(8, sub {
                my ($i) = @_;
                my $who = $i % 2 ? 'alice' : 'bob';
                $no = 100 + $i;
                return ask($web, $realm, $how, $who, POST => $url, booking(subject => "Of-$who"))->{status};
            });
            is_deeply(\%status, { 201 => 8 }, 'eight at once');
            is(calendar($sim, 'alice'), join(' ', ('Of-alice') x 5), "alice's with alice");
            is(calendar($sim, 'bob'), join(' ', ('Of-bob') x 5), "bob's with bob");
            my $r = ask($web, $realm, $how, 'carol', GET => $url);
            is("$r->{status} " . ($r->{json}{reason} // ''), "403 $carol{$how}", 'carol may not be acted for') or diag $r->{content};
            is(join(' ', $web->tickets_left), '', 'no ticket is left behind');
            if ($how eq 'impersonate') {
                # the login module lets the request go on when the realm does not know the person
                $r = ask($web, $realm, $how, 'zoltan', GET => $url);
                is("$r->{status} " . ($r->{json}{reason} // ''), '403 no-delegated-credential', 'nor somebody whom the realm does not know');
            }
            unlike($web->log, qr/exit signal|segfault/i, 'no child crashed');
        };
    }
    return;
}

1;
