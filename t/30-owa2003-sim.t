#!/usr/bin/perl
# Every verb of the Exchange 2003 backend against the simulator, in each of the ways the real server is
# known, or suspected, to behave. The story itself is t/unit/test_owa_sim.c.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

my $root;
BEGIN { $root = abs_path(dirname(__FILE__) . '/..') }
use lib "$root/t/lib";
use SimRun;

my $program = ($ENV{OWACAL_BUILD} // "$root/.build/gcc") . '/unit/test_owa_sim';
plan skip_all => 'the unit programs are not built' unless -x $program;

my $sim = SimRun->start('--auth', 'basic');
(my $url = $sim->{url}) =~ s{/$}{};

sub story {
    my ($name, $user, @settings) = @_;
    $sim->control(POST => '/_sim/reset');
    my %before;
    for (@settings) {
        my ($key, $value) = split /=/, $_, 2;
        $before{$key} = setting($key);
        $sim->control(POST => "/_sim/settings?$key=$value");
    }
    my $out = do {
        local $ENV{OWASIM_URL} = $url;
        local $ENV{OWASIM_USER} = $user;
        `'$program' 2>&1`;
    };
    my $status = $?;
    subtest $name => sub {
        is($status, 0, 'the whole story goes well');
        unlike($out, qr/X-Sim-Wrong/, 'and the server finds no fault with any request');
        diag(join "\n", grep { !/^ok / } split /\n/, $out) if $status || $out =~ /X-Sim-Wrong/;
    };
    $sim->control(POST => "/_sim/settings?$_=$before{$_}") for keys %before;
}

my $settings;
sub setting {
    my ($name) = @_;
    $settings //= $sim->control(GET => '/_sim/settings');
    my $found = ref $settings eq 'HASH' ? $settings->{$name} : undef;
    $found = $found->{value} if ref $found eq 'HASH';
    return $found // '';
}

story('as it comes', 'alice');
story('a mailbox with Hungarian folders', 'zoltan');
story('hrefs on another host name', 'alice', 'href-host=old-name.example');
story('the submission URI with raw number signs', 'zoltan', 'submit-escaped=no');
story('Brief ignored', 'alice', 'brief=ignore');
story('Range ignored', 'alice', 'range=ignore');
story('an empty list is 207', 'alice', 'range-empty=207');
story('a change says 200', 'alice', 'changed-status=200');
story("$_ for strangers", 'alice', "stranger-status=$_") for 401, 404, 440;
story('a submission says 200', 'alice', 'submit-status=200');
story('answers reach the copy, rooms are readable', 'alice', 'organizer-update=yes',
    'room-calendar=everybody');
story('free/busy rows as asked, without the merged one', 'alice', 'freebusy-order=as-asked',
    'freebusy-merged-row=no');

# A server that answers nonsense: reading ends with a reason, in any case.
$sim->control(POST => '/_sim/settings?range-empty=207');
my $faulty = 'path~public';
my $searching = 'method=SEARCH';
for (
    ['upstream-protocol', 'html-instead-of-xml'],
    ['upstream-redirect', 'redirect-away'],
    ['upstream-error',    'status=400'],
    ['access-denied',     'status=403'],
    ['mailbox-full',      'status=507'],
    ['upstream-error',    'status=500'],
    ['upstream-unavailable', 'status=503/30'],
    ['upstream-protocol', 'malformed-xml'],
    ['upstream-protocol', 'doctype'],
    ['upstream-protocol', 'entity-bomb'],
    ['ok',                'wrong-charset=label'],
    ['ok',                'drip=64/1'],
    ['upstream-error',    'close-before'],
) {
    my ($reason, $fault) = @$_;
    $sim->no_faults;
    $sim->fault("$fault:$_") for $faulty, $searching;
    my $out = do {
        local $ENV{OWASIM_URL} = $url;
        local $ENV{OWASIM_EXPECT} = $reason;
        `'$program' 2>&1`;
    };
    is($?, 0, "$fault: $reason") or diag($out);
}

done_testing;
