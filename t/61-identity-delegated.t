#!/usr/bin/perl
# Kerberos from the browser to the calendar server: mod_auth_gssapi in front leaves a ticket, the module
# acts with it. Alice's booking stands in alice's mailbox as alice, bob's in bob's, many at once; every
# failure of the ticket is a page with a reason, never a login box.
use strict;
use warnings;
use FindBin qw($Bin);
use JSON::PP qw(encode_json decode_json);
use Test::More;
use Time::HiRes qw(time);
use lib "$Bin/lib";
use Hostile;
use Httpd;
use Realm;
use SimRun;

plan skip_all => 'curl is not installed' unless grep { -x "$_/curl" } split /:/, $ENV{PATH};
plan skip_all => 'curl without GSS-API' unless `curl -V` =~ /GSS-API/;
plan skip_all => 'mod_auth_gssapi is not installed (Debian: libapache2-mod-auth-gssapi)' unless -e Httpd::module_path('mod_auth_gssapi');
my $why = Realm->skip_reason('mit');
plan skip_all => $why if $why;
my $realm = Realm->start;
$ENV{KRB5_CONFIG} = $realm->{config};
$ENV{KRB5CCNAME} = 'FILE:' . $realm->path('nobody');    # whatever the process itself has must never be used

my $url = '/booking/bookings';
my $no = 0;
sub booking { $no++; return { subject => "Meeting $no", start => sprintf('2099-04-%02dT%02d:00', 1 + int($no / 12), 6 + $no % 12), duration => 60, @_ } }

sub front {
    my ($sim, %o) = @_;
    my $extra = delete $o{gss} // "  GssapiDelegCcacheDir \@DIR\@/cc\n  GssapiDelegCcacheUnique On\n";
    my $web = Httpd->start(
        backend_line => "OwaCalBackend corp owa2003 http://exchange.test/exchange/ connect=127.0.0.1:$sim->{port}",
        modules => ['auth_gssapi'], location => 'OwaCalIdentity delegated',
        threads => 20,    # so that sixteen at once have a place each, also when one child takes all of them
        %o,
        auth => "AuthType GSSAPI\n  AuthName intranet\n  GssapiCredStore keytab:$realm->{keytab}{front}\n"
            . "  GssapiAllowedMech krb5\n$extra  Require valid-user");
    return $web;
}

# One request by curl as the owner of that ticket cache: status, JSON.
sub ask {
    my ($web, $cache, $method, $path, $data, @more) = @_;
    local $ENV{KRB5CCNAME} = $cache;
    my @body = $data ? ('-H', 'Content-Type: application/json', '--data-binary', encode_json($data)) : ();
    open my $h, '-|', 'curl', '-sS', '-m', 60, '--noproxy', '*', '--connect-to', "::127.0.0.1:$web->{port}", '--negotiate', '-u', ':',
        '--delegation', 'always', '-X', $method, '-H', 'Accept: application/json', @body, @more, '-w', "\n%{http_code}",
        "http://intranet.test$path" or die;
    local $/;
    my $out = readline $h;
    my ($content, $status) = $out =~ /(.*)\n(\d+)\z/s;
    return { status => $status // 0, content => $content, json => scalar eval { decode_json($content) } };
}

sub calendar { my ($sim, $name) = @_; return map { SimRun::subject($_) } $sim->items($name, qr/^Calendar$/) }

my @sim_args = ('--auth', 'kerberos', '--keytab', $realm->{keytab}{back});
my $sim = SimRun->start(@sim_args);
my $web = front($sim);
my %cache = %{ $realm->{cache} };

subtest 'the story with a forwarded ticket' => sub {
    my $r = ask($web, $cache{alice}, POST => $url, booking(room => 'boardroom', required => 'carol@example.test'));
    is($r->{status}, 201, 'alice books') or diag $r->{content}, $web->log;
    is($r->{json}{state}, 'confirmed', 'confirmed');
    is($r->{json}{booking}{organizer}, 'alice@example.test', 'as alice');
    my $where = $r->{json}{booking}{href};
    is(ask($web, $cache{alice}, PATCH => $where, { subject => 'Changed' })->{status}, 200, 'changes');
    is(ask($web, $cache{bob}, GET => $where)->{status}, 404, 'bob cannot see it by her address');
    is(ask($web, $cache{alice}, DELETE => $where)->{status}, 200, 'cancels');
    is(join(' ', calendar($sim, 'alice')), '', 'nothing is left');
    my $check = ask($web, $cache{alice}, GET => '/booking/check');
    is($check->{status}, 200, 'the self-test');
    my ($login, $credential, $offer, $answer) = @{ $check->{json}{steps} };
    is($login->{facts}{module}, 'mod_auth_gssapi', '  names the login module');
    is($credential->{facts}{principal}, 'alice@INTRANET.TEST', '  the principal');
    like($credential->{facts}{expires} // '', qr/^\d{4}-|^\w{3}, /, '  when it expires') or diag $check->{content};
    is("$offer->{facts}{offers}, $answer->{facts}{'accepted login'}", 'Negotiate, Negotiate', '  what is offered and what was accepted');
    is(join(' ', map { $_->{ok} ? 1 : 0 } @{ $check->{json}{steps} }), '1 1 1 1 1', '  all is well');
    unlike($check->{content}, qr/FILE:|ccache/i, '  not where the ticket lies');
};

for my $mpm (qw(event prefork)) {
    subtest "alice and bob at once on $mpm" => sub {
        $sim->control(POST => '/_sim/reset');
        my $front = $mpm eq 'event' ? $web : front($sim, mpm => $mpm, children => 4);
        my %status;
        $status{$_}++ for Httpd::side_by_side(16, sub {
            my ($i) = @_;
            my $user = $i % 2 ? 'alice' : 'bob';
            $no = 100 + $i;
            return ask($front, $cache{$user}, POST => $url, booking(subject => "Of $user $i"))->{status};
        });
        is_deeply(\%status, { 201 => 16 }, 'sixteen bookings');
        is(scalar(grep { /^Of alice/ } calendar($sim, 'alice')), 8, "alice's with alice");
        is(scalar(grep { /^Of bob/ } calendar($sim, 'bob')), 8, "bob's with bob");
        is(scalar(grep { /^Of bob/ } calendar($sim, 'alice')) + scalar(grep { /^Of alice/ } calendar($sim, 'bob')), 0, 'none with the other');
        my @strange = grep { my ($box) = $_->{target} =~ m{^/exchange/(alice|bob)/}; $box && $_->{user} && $box ne $_->{user} } @{ $sim->control(GET => '/_sim/log') };
        is(scalar(@strange), 0, 'no request as anybody else') or diag explain \@strange;
        unlike($front->log, qr/exit signal|segfault/i, 'no child crashed');
        is(join(' ', $front->tickets_left), '', 'no ticket is left behind');
    };
}

sub reason_of {
    my ($name, $front, $cache, $status, $reason) = @_;
    my $r = ask($front, $cache, GET => '/booking/bookings');
    is("$r->{status} " . ($r->{json}{reason} // ''), "$status $reason", $name) or diag $r->{content}, $front->log =~ s/.*debug.*\n//gr;
    return;
}

subtest 'what can be wrong with a ticket' => sub {
    reason_of('not delegated: the login forwards nothing', front($sim, gss => ''), $cache{alice}, 403, 'no-delegated-credential');
    # carol's ticket may not be forwarded
    reason_of('sensitive: may not be forwarded', $web, $cache{carol}, 403, 'no-delegated-credential');
    # A ticket cache of bob's under alice's login: only a misconfigured server does that, and it must be noticed.
    # Like the login module's it belongs to the server's user, who alone may read it.
    my $file = sub {
        my ($name, $make, %o) = @_;
        my $path = $realm->path($name);
        system 'cp', $cache{bob} =~ s/^FILE://r, $path if !$make;
        $make->($path) if $make;
        chmod $o{mode} // 0600, $path unless -l $path;
        chown $o{owner} // scalar getpwnam('www-data'), scalar getgrnam('www-data'), $path if $> == 0 && !-l $path;
        return "FILE:$path";
    };
    my $front = front($sim, modules => ['auth_gssapi', 'setenvif'], location => 'OwaCalIdentity delegated variable=OTHER', children => 1,
        gss => qq{  SetEnvIf X-Cache "(.+)" OTHER=\$1\n});    # no site would ask the client
    my $mixed = sub { my ($name, $value, $status, $reason, $detail) = @_;
        my $began = time;
        my $r = ask($front, $cache{alice}, GET => '/booking/bookings', undef, '-H', "X-Cache: $value");
        is("$r->{status} " . ($r->{json}{reason} // ''), "$status $reason", $name) or diag $r->{content}, $front->log =~ s/.*debug.*\n//gr;
        like(((grep { /OWACAL0540|OWACAL0402/ } split /\n/, $front->log)[-1] // ''), $detail, '  and the log says why') if $detail;
        cmp_ok(time - $began, '<', 10, '  at once');
    };
    my @none = (403, 'no-delegated-credential');
    $mixed->("somebody else's ticket", $file->('foreign'), 500, 'identity-mismatch', qr/the credential is bob/);
    $mixed->('a cache that is not there', 'FILE:' . $realm->path('gone'), @none, qr/not there/);
    $mixed->('a damaged cache', $file->('damaged', sub { open my $f, '>', @_; print $f 'this is no ticket cache'; close $f }), @none);
    $mixed->('an empty one', $file->('empty', sub { open my $f, '>', @_; close $f }), @none, qr/is empty/);
    $mixed->('one that all may read', $file->('readable', undef, mode => 0604), @none, qr/accessible to others/);
    $mixed->('one that a group may write', $file->('writable', undef, mode => 0660), @none, qr/accessible to others/);
    $mixed->('a symbolic link', $file->('link', sub { symlink $realm->path('foreign'), $_[0] }), @none, qr/symbolic link/);
    $mixed->('a FIFO', $file->('fifo', sub { system 'mkfifo', @_ }), @none, qr/not a regular file/);
    $mixed->('a directory', $file->('dir', sub { mkdir $_[0] }, mode => 0700), @none, qr/a directory/);
    $mixed->('a huge one', $file->('huge', sub { open my $f, '>', @_; truncate $f, 1 << 30; close $f }), @none, qr/too large/);
    $mixed->("root's", $file->('roots', undef, owner => 0, mode => 0640), @none, qr/owned by user id 0/) if $> == 0;
    $mixed->('a cache type that is not a file', 'KEYRING:session', @none);
    # The same realm, but a calendar server that it does not know.
    my $other = front($sim, backend_line => "OwaCalBackend corp owa2003 http://unknown.test/exchange/ connect=127.0.0.1:$sim->{port}");
    reason_of('a service the realm does not know', $other, $cache{alice}, 500, 'misconfigured');
};

subtest 'the ticket must be the person that the name means' => sub {
    my $local = "  GssapiDelegCcacheDir \@DIR\@/cc\n  GssapiLocalName On\n";    # the login leaves "alice"
    my $named = front($sim, gss => $local, server => 'OwaCalRealm INTRANET.TEST domain=INTRANET mail=intranet.example');
    my $r = ask($named, $cache{alice}, POST => $url, booking());
    is($r->{status}, 201, 'a bare name is completed by its realm') or diag $r->{content}, $named->log;
    like($named->log, qr/audit: act=\S+ user="alice\@INTRANET\.TEST" mailbox="alice"/, '  and is known by it');
    my $wrong = front($sim, gss => $local, server => 'OwaCalRealm OTHER.TEST');
    reason_of('by another realm it is somebody else', $wrong, $cache{alice}, 500, 'identity-mismatch');
    $wrong = front($sim, server => 'OwaCalRealm OTHER.TEST');
    reason_of('with a realm that is not declared it is nobody', $wrong, $cache{alice}, 403, 'no-mailbox');
};

subtest 'a KDC that is silent hurts nobody else' => sub {
    # A realm whose KDC takes connections and never answers; alice's ticket is good, the service ticket is not cached.
    my $front = front($sim, env => { KRB5_CONFIG => $realm->silent_config }, server => 'OwaCalTimeout step=1s operation=2s undo=1s');
    my $began = time;
    my $r = ask($front, $cache{alice}, GET => '/booking/bookings');
    is("$r->{status} $r->{json}{reason}", '503 kdc-unreachable', 'its users get 503') or diag $r->{content};
    cmp_ok(time - $began, '<', 8, '  within the deadline');
    is(ask($front, $cache{alice}, GET => '/booking/rooms')->{status}, 200, 'what needs no ticket works on');
    $began = time;
    $r = ask($front, $cache{alice}, GET => '/booking/check');
    my (undef, $credential, $offer, $answer) = @{ $r->{json}{steps} };
    cmp_ok(time - $began, '<', 12, 'the self-test comes in time');
    ok($credential->{ok} && $offer->{ok}, '  with what works');
    is($answer->{reason}, 'kdc-unreachable', '  and what does not');
    like($answer->{remedy}, qr/port 88/, '  and the remedy');
};

# A token serves once, and a connection that was kept may have come to its end: that shows only when it is used.
subtest 'a connection that was kept, and is not what it was' => sub {
    my $front = front($sim, children => 1);
    my $list = sub { ask($front, $cache{alice}, GET => '/booking/bookings') };
    my $under = sub {
        my ($spec) = @_;
        is($list->()->{status}, 200, "$spec: before, all is well");    # and there is a connection to use again
        $sim->control(POST => '/_sim/reset');
        $sim->fault($spec);
        my $r = $list->();
        my ($fault) = @{ $sim->control(GET => '/_sim/fault')->{set} };
        $sim->no_faults;
        return ($r, $fault->{hits});
    };
    my ($r, $hits) = $under->('cut=0:1,method=SEARCH');
    is("$r->{status} $hits", '200 1', 'it dies unanswered under what only reads: asked again, with another token')
        or diag $r->{content}, $front->log =~ s/.*debug.*\n//gr;
    ($r, $hits) = $under->('status=401:1');
    is("$r->{status} $hits", '200 1', 'it has forgotten the person: asked again, with another token') or diag $r->{content};
    ($r, $hits) = $under->('status=401');
    is("$r->{status} $r->{json}{reason}", '502 upstream-refused-login', 'a server that refuses for ever') or diag $r->{content};
    cmp_ok($hits, '<=', 3, '  is asked twice, and for the way home');
    $sim->fault('cut=0:1,method=PROPPATCH');
    $r = ask($front, $cache{alice}, POST => $url, booking());
    is(scalar(grep { $_->{method} eq 'PROPPATCH' && $_->{status} != 401 } $sim->requests), 1, 'a write that dies unanswered is not sent again')
        or diag $r->{content}, explain [map { "$_->{method} $_->{status}" } $sim->requests];
    $sim->no_faults;
};

subtest 'a ticket before a hostile server' => sub {
    my $head = "$realm->{dir}/head";
    Hostile::ticket(sub { my ($up) = @_; return front($up) }, sub {
        my ($front) = @_;
        my $r = ask($front, $cache{alice}, GET => '/booking/bookings', undef, '-D', $head);
        # of the last reply: curl's own login goes before
        return ("$r->{status} " . ($r->{json}{reason} // ''), Realm::slurp($head) =~ s/.*\r\n\r\n(?=HTTP)//sr);
    });
};
# What httpd looks at to choose are subrequests, each of which could be another login.
subtest 'a page that is chosen by language acts with the ticket of the person' => sub {
    my $front = front($sim, modules => [qw(auth_gssapi negotiation)], server => <<"E");
<Location "/intranet">
  AuthType GSSAPI
  AuthName intranet
  GssapiCredStore keytab:$realm->{keytab}{front}
  GssapiAllowedMech krb5
  GssapiDelegCcacheDir \@DIR\@/cc
  GssapiDelegCcacheUnique On
  Require valid-user
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity delegated
  OwaCalReturn /intranet
  Options +MultiViews
  AddLanguage de .de
  AddLanguage hu .hu
  SetOutputFilter OWACAL
</Location>
E
    mkdir "$front->{dir}/htdocs/intranet";
    $front->write_file("htdocs/intranet/mine.html.$_", "<html lang=$_><div data-owacal=mine data-day=2099-06-01 data-days=2>-</div>") for qw(de hu);
    for my $who (qw(alice bob)) {
        my $r = ask($front, $cache{$who}, POST => $url, { subject => "Of $who", start => '2099-06-01T10:00', duration => 30 });
        is($r->{status}, 201, "$who books") or diag $r->{content};
    }
    for my $who (qw(alice bob)) {
        my $r = ask($front, $cache{$who}, GET => '/intranet/mine.html', undef, '-H', 'Accept: text/html', '-H', 'Accept-Language: hu');
        like($r->{content}, qr/^<html lang=hu><div[^>]*><table class="owacal-mine">.*Of $who/s, "$who sees it in the page") or diag $r->{content};
        unlike($r->{content}, $who eq 'alice' ? qr/Of bob/ : qr/Of alice/, "  and nobody else's");
    }
    is_deeply([$front->tickets_left], [], 'no ticket is left');
};

ok($web->stop, 'stops');
unlike($web->log, qr/exit signal|segfault/i, 'cleanly');
done_testing();
