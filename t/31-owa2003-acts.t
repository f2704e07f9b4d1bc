#!/usr/bin/perl
# Creating, inviting, updating, cancelling and removing on the simulator, in each of the ways the real
# server is known or suspected to behave: what the verbs say, and what everybody's mailbox then holds.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

my $root;
BEGIN { $root = abs_path(dirname(__FILE__) . '/..') }
use lib "$root/t/lib";
use SimRun;

my $program = ($ENV{OWACAL_BUILD} // "$root/.build/gcc") . '/unit/test_owa_act';
plan skip_all => 'the unit programs are not built' unless -x $program;

my $sim = SimRun->start('--auth', 'basic');
(my $url = $sim->{url}) =~ s{/$}{};

my $CLASS = 'http://schemas.microsoft.com/exchange/outlookmessageclass';
my $UID = 'urn:schemas:calendar:uid';
my ($nine, $eleven) = ('2030-03-04T09:00:00.000Z', '2030-03-04T11:00:00.000Z');

# A fresh server of that kind.
sub server {
    my (@settings) = @_;
    $sim->control(POST => '/_sim/reset');
    $sim->no_faults;
    $sim->control(POST => "/_sim/settings?$_") for @settings;
}

# Runs the acts; returns the line of the last one, all lines and what was logged.
sub act {
    my ($acts, $user) = @_;
    local $ENV{OWASIM_URL} = $url;
    local $ENV{OWASIM_ACTS} = $acts;
    local $ENV{OWASIM_USER} = $user // 'alice';
    my @lines = split /\n/, `'$program' 2>&1`;
    diag("'$acts' ended with status $?: @lines") if $?;
    diag(grep { /X-Sim-Wrong/ } @lines) if grep { /X-Sim-Wrong/ } @lines;
    my @said = grep { /^\w+: \S+ told=/ } @lines;
    return $said[-1] // '';
}

sub items {
    my ($mailbox, $kind, $class) = @_;
    my $box = $sim->control(GET => "/_sim/mailbox/$mailbox");
    return grep { !$class || ($_->{properties}{$CLASS} // '') =~ /^\Q$class\E$/ }
        map { @{ $_->{items} } } grep { $_->{kind} eq $kind } @{ $box->{folders} };
}
sub requests { my ($who) = @_; return scalar items($who, 'inbox', 'IPM.Schedule.Meeting.Request') }
sub cancels { my ($who) = @_; return scalar items($who, 'inbox', 'IPM.Schedule.Meeting.Canceled') }
sub starts { return join ' ', map { $_->{properties}{'urn:schemas:calendar:dtstart'} } items($_[0], 'calendar') }
sub counter { return $sim->control(GET => '/_sim/counters')->{ $_[0] } }

sub nothing_wrong {
    my ($who) = @_;
    is(counter('wrong'), 0, 'the server finds no fault with any request');
    is(counter('ordinary'), 0, 'no ordinary item was mailed');
    is(scalar items($who // 'alice', 'drafts'), 0, 'no draft is left');
}

# ---- the whole life of a meeting, on each kind of server ----

my @kinds = (
    ['as it comes', 'alice'],
    ['Hungarian folders', 'zoltan'],
    ['hrefs on another host name', 'alice', 'href-host=old-name.example'],
    ['raw number signs in sendmsg', 'alice', 'submit-escaped=no'],
    ['Brief ignored', 'alice', 'brief=ignore'],
    ['a change says 200', 'alice', 'changed-status=200'],
    ['a submission says 200', 'alice', 'submit-status=200'],
    ['a submission says 204', 'alice', 'submit-status=204'],
    ['an update answers 302', 'alice', 'update-reply=302'],
    ['an update raises nothing', 'alice', 'update-raises=no'],
    ['an update that sends nothing', 'alice', 'update-mode=silent'],
    ['getcancel: 302 with a path', 'alice', 'getcancel=302-path'],
    ['getcancel: itemHREF', 'zoltan', 'getcancel=200-itemhref'],
    ['getcancel: base', 'alice', 'getcancel=200-base'],
    ['getcancel: form action', 'zoltan', 'getcancel=200-action'],
    ['getcancel: MsgID', 'zoltan', 'getcancel=200-msgid'],
    ['getcancel: XML', 'alice', 'getcancel=xml'],
    ['getcancel: a page, no draft named', 'alice', 'getcancel=none'],
    ['getcancel: the appointment itself', 'alice', 'getcancel=self'],
    ['getcancel: another host', 'alice', 'getcancel=other-host'],
    ['getcancel: another mailbox', 'alice', 'getcancel=other-mailbox'],
    ['getcancel: the folder', 'alice', 'getcancel=folder'],
    ['getcancel: a draft without uid', 'alice', 'getcancel-uid=no'],
    ['getcancel: a draft to the organizer, too', 'alice', 'getcancel-organizer=yes'],
);
for (@kinds) {
    my ($name, $who, @settings) = @$_;
    subtest $name => sub {
        server(@settings);
        my $silent = grep { $_ eq 'update-mode=silent' } @settings;
        like(act('create', $who), qr/^create: ok /, 'created');
        is(starts($who), $nine, 'it stands');
        is(requests('bob'), 0, 'nobody was told');
        like(act('invite', $who), qr/^invite: ok told=(told|unverified)/, 'invited');
        is(requests($_), 1, "$_ has the request") for qw(bob carol boardroom);
        is(starts('bob'), $nine, 'and an entry');
        is(requests($who), 0, 'the organizer has none');
        my ($room) = items($who, 'inbox', 'IPM.Schedule.Meeting.Resp.Pos');
        ok($room, 'the room said yes');

        my $way = $silent ? 'webdav' : 'owa';
        like(act('move', $who), qr/^move: ok told=\w+ way=$way changed=yes left=-/, 'moved');
        is(requests($_), 2, "$_ has one update") for qw(bob carol boardroom);
        is(starts($_), $eleven, "$_ has it at the new time") for $who, qw(bob carol boardroom);

        like(act('cancel', $who), qr/^cancel: ok told=\w+ way=\w+ changed=yes left=-/, 'cancelled');
        is(cancels($_), 1, "$_ has one cancellation") for qw(bob carol boardroom);
        is(cancels($who), 0, 'the organizer has none');
        is(starts($_), '', "$_ has it no longer") for $who, qw(bob carol boardroom);
        nothing_wrong($who);
    };
}

# ---- people come and go ----

for my $removed (qw(update cancel nothing)) {
    for my $mode (qw(send silent)) {
        subtest "people change; OWA: $mode, those removed: $removed" => sub {
            server("update-removed=$removed", "update-mode=$mode");
            act('create invite');
            like(act('people'), qr/^people: ok told=\w+ way=\w+ changed=yes left=-/, 'changed');
            is(requests('bob'), 2, 'Bob has an update');
            is(requests('zoltan'), 1, 'Zoltan an invitation');
            is(starts('zoltan'), $nine, 'and an entry');
            is(cancels('carol'), 1, 'Carol one cancellation');
            is(starts('carol'), '', 'and no entry');
            is(cancels('bob'), 0, 'nobody else has one');
            nothing_wrong();
        };
    }
}
subtest 'everybody goes' => sub {
    server();
    act('create invite');
    like(act('empty'), qr/^empty: ok told=\w+ way=webdav changed=yes left=-/, 'changed');
    is(cancels($_), 1, "$_ has one cancellation") for qw(bob carol boardroom);
    is(requests('bob'), 1, 'and no update');
    is(starts('alice'), $nine, 'the appointment stands');
    like(act('cancel'), qr/^cancel: ok told=nobody way=- changed=yes/, 'it can be deleted');
    is(cancels('bob'), 1, 'which tells nobody');
    nothing_wrong();
};

# ---- proof that cannot be had ----

subtest 'no copies in Sent Items' => sub {
    server('sent-copy=no');
    act('create invite');
    like(act('move'), qr/^move: ok told=unverified way=owa changed=yes/, 'an update, unproved');
    is(requests('bob'), 2, 'went out once');
    like(act('cancel'), qr/^cancel: ok told=unverified way=owa changed=yes/, 'a cancellation as well');
    is(cancels('bob'), 1, 'went out once');
    nothing_wrong();
};

# ---- refused ----

subtest 'remove before anybody was told' => sub {
    server();
    act('create');
    like(act('remove'), qr/^remove: ok told=nobody way=- changed=yes left=-/, 'removed');
    is(starts('alice'), '', 'nothing stands');
    like(act('remove'), qr/^remove: ok told=nobody way=- changed=yes left=-/, 'once more: the same');
    nothing_wrong();
};
subtest 'a full mailbox' => sub {
    server('over-quota=yes');
    like(act('create'), qr/^create: mailbox-full/, 'is said to be full');
};
subtest 'a property that fails' => sub {
    for my $bad (qw(all-fail alone)) {
        server("bad-property=$bad", 'fail-property=urn:schemas:calendar:%20location');
        like(act('create'), qr/^create: (?!ok)\S+/, "$bad: the 207 is no success");
        is(starts('alice'), '', 'and nothing is left');
    }
    server();
    act('create invite');
    $sim->control(POST => '/_sim/settings?bad-property=alone');
    $sim->control(POST => '/_sim/settings?fail-property=urn:schemas:calendar:%20location');
    like(act('move'), qr/^move: (?!ok)\S+/, 'nor of an update');
    is(requests('bob'), 1, 'of which nobody is told');
};
subtest 'locked' => sub {
    server();
    act('create invite');
    $sim->control(POST => '/_sim/settings?locked=yes');
    like(act('move'), qr/^move: locked/, 'an update');
    like(act('cancel'), qr/^cancel: /, 'a cancellation ends, too');
    is(requests('bob'), 1, 'nobody was told of an update');
};

# ---- replies that never come ----

my @lost = (
    # fault, act, what it must say, requests and cancellations Bob then has, entries of Alice's
    ['reset-after-write:1,method=MOVE,to~submission', 'create invite', qr/^invite: ok/, 1, 0, 1],
    ['reset-before:1,method=MOVE,to~submission', 'create invite', qr/^invite: (?!ok)/, 0, 0, 1],
    ['reset-after-write:1,method=PROPPATCH,path~Drafts', 'create invite', qr/^invite: ok/, 1, 0, 1],
    ['reset-after-write:1,method=PROPPATCH,path~Calendar', 'create', qr/^create: ok/, 0, 0, 1],
    ['reset-before:1,method=PROPPATCH,path~Calendar', 'create', qr/^create: (?!ok)/, 0, 0, 0],
    ['reset-after-write:1,method=POST', 'create invite move', qr/^move: ok told=told way=owa/, 2, 0, 1],
    ['reset-before:1,method=POST', 'create invite move', qr/^move: ok told=\w+ way=webdav/, 2, 0, 1],
    ['reset-after-write:1,cmd=getcancel', 'create invite cancel', qr/^cancel: ok .*left=-/, 1, 1, 0],
    ['reset-before:1,cmd=getcancel', 'create invite cancel', qr/^cancel: ok .*left=-/, 1, 1, 0],
    ['reset-after-write:2,method=MOVE,to~submission', 'create invite cancel', qr/^cancel: ok/, 1, 1, 0],
    ['reset-before:2,method=MOVE,to~submission', 'create invite cancel', qr/^cancel: ok \S+ way=webdav/,
     1, 1, 0],
    ['reset-after-write:1,method=DELETE', 'create invite cancel', qr/^cancel: ok/, 1, 1, 0],
    ['reset-before:1,method=DELETE', 'create invite cancel', qr/^cancel: ok/, 1, 1, 0],
    ['html-instead-of-xml:1,method=PROPPATCH,path~Calendar', 'create', qr/^create: /, 0, 0, undef],
);
for (@lost) {
    my ($fault, $acts, $says, $requests, $cancels, $entries) = @$_;
    subtest "$acts with $fault" => sub {
        server();
        $sim->fault($fault);
        like(act($acts), $says, 'what is said');
        is(requests('bob'), $requests, 'requests');
        is(cancels('bob'), $cancels, 'cancellations');
        is(scalar items('alice', 'calendar'), $entries, "the organizer's entries") if defined $entries;
        is(scalar items('alice', 'drafts'), 0, 'drafts');
    };
}

done_testing;
