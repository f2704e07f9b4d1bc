#!/usr/bin/perl
# Booking, changing and cancelling on the simulator, through the Exchange 2003 backend: every exchange
# fails in every way, and each time what is said must be what everybody's mailbox then holds. The
# operations themselves are run by t/unit/test_op_sim.c.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

my $root;
BEGIN { $root = abs_path(dirname(__FILE__) . '/..') }
use lib "$root/t/lib";
use SimRun;

my $program = ($ENV{OWACAL_BUILD} // "$root/.build/gcc") . '/unit/test_op_sim';
plan skip_all => 'the unit programs are not built' unless -x $program;

my $sim = SimRun->start('--auth', 'basic');
(my $url = $sim->{url}) =~ s{/$}{};

my $CLASS = 'http://schemas.microsoft.com/exchange/outlookmessageclass';
my ($nine, $eleven) = ('2030-03-04T09:00:00.000Z', '2030-03-04T11:00:00.000Z');

sub server {
    my (@settings) = @_;
    $sim->control(POST => '/_sim/reset');
    $sim->no_faults;
    $sim->control(POST => "/_sim/settings?$_") for @settings;
}

# Runs the acts; returns what was said of the last one.
sub act {
    my ($acts, %env) = @_;
    local $ENV{OWASIM_URL} = $url;
    local $ENV{OWASIM_ACTS} = $acts;
    local @ENV{ map { "OWASIM_$_" } keys %env } = values %env;
    my @lines = split /\n/, `'$program' 2>&1`;
    my ($said) = grep { /^\w+: state=/ } reverse @lines;
    diag("'$acts' ended with status $?: @lines") if $? || !$said;
    my %said = ($said // '') =~ /(\w+)=(<[^>]*>|\S+)/g;
    s/^<|>$//g for values %said;
    $said{line} = $said;
    return \%said;
}

# Who holds what, in one look.
sub world {
    my %w;
    for my $who (qw(alice bob boardroom)) {
        my $box = $sim->control(GET => "/_sim/mailbox/$who");
        for my $folder (@{ $box->{folders} }) {
            for my $item (@{ $folder->{items} }) {
                my $class = $item->{properties}{$CLASS} // '';
                my $start = $item->{properties}{'urn:schemas:calendar:dtstart'} // '';
                push @{ $w{$who}{ $folder->{kind} } }, { class => $class, start => $start };
            }
        }
    }
    return {
        item     => join(' ', map { $_->{start} } @{ $w{alice}{calendar} // [] }),
        drafts   => scalar @{ $w{alice}{drafts} // [] },
        bob      => join(' ', map { $_->{start} } @{ $w{bob}{calendar} // [] }),
        room     => join(' ', map { $_->{start} } @{ $w{boardroom}{calendar} // [] }),
        requests => scalar(grep { $_->{class} eq 'IPM.Schedule.Meeting.Request' } @{ $w{bob}{inbox} // [] }),
        cancels  => scalar(grep { $_->{class} eq 'IPM.Schedule.Meeting.Canceled' } @{ $w{bob}{inbox} // [] }),
    };
}

sub wrong { return $sim->control(GET => '/_sim/counters')->{wrong} }

# ---- as it should be ----

subtest 'the life of a meeting' => sub {
    server();
    my $said = act('book');
    is("$said->{state} $said->{reason}", 'confirmed ok', 'booked');
    like($said->{answers}, qr/ACCEPTED$/, 'the room has accepted');
    my $w = world();
    is_deeply([@$w{qw(item bob room requests drafts)}], [$nine, $nine, $nine, 1, 0], 'everybody has it once');
    $said = act('book');
    is("$said->{state} $said->{replayed}", 'confirmed 1', 'the same key again: that booking');
    is(world()->{requests}, 1, 'and nobody is invited again');
    $sim->control(POST => '/_sim/clock?advance=60');
    $said = act('subject');
    is("$said->{state} $said->{reason}", 'confirmed ok', 'another subject');
    like($said->{answers}, qr/ACCEPTED$/, 'the room\'s yes holds on');
    $sim->control(POST => '/_sim/clock?advance=60');
    $said = act('move');
    is("$said->{state} $said->{reason}", 'confirmed ok', 'moved');
    $w = world();
    is_deeply([@$w{qw(item bob room requests)}], [$eleven, $eleven, $eleven, 3], 'everybody has it there');
    $said = act('cancel');
    is("$said->{state} $said->{reason}", 'confirmed ok', 'cancelled');
    $w = world();
    is_deeply([@$w{qw(item bob room cancels drafts)}], ['', '', '', 1, 0], 'nobody has it any more');
    $said = act('cancel');
    is("$said->{state} $said->{reason}", 'failed booking-not-found', 'and once more: it is not there');
    is(wrong(), 0, 'the server finds no fault with any request');
};

subtest 'a room that was given away' => sub {
    server();
    act('book', USER => 'carol', KEY => 'l');
    my $before = world();
    my $said = act('book');
    is("$said->{state} $said->{reason}", 'conflict room-taken', 'free/busy does not reach that far: the room declines');
    my $w = world();
    is($w->{item}, '', 'nothing is left in the calendar');
    is($w->{requests} - $before->{requests}, 1, 'who was invited');
    is($w->{cancels} - $before->{cancels}, 1, 'was told that it is off');
    is($w->{room}, $nine, 'the room keeps the first one');
    is(wrong(), 0, 'the server finds no fault');
};

sub room { my ($policy) = @_; $sim->control(POST => "/_sim/mailbox/boardroom?policy=$policy") }

subtest 'rooms' => sub {
    my @rooms = (
        ['silent', [], 'pending ok', 1],
        ['silent, but readable', ['room-calendar=everybody'], undef, 1],
        ['refuse', [], 'conflict room-taken', 0],
    );
    for (@rooms) {
        my ($name, $settings, $expected, $stands) = @$_;
        my ($policy) = $name =~ /^(\w+)/;
        server(@$settings);
        room($policy);
        my $said = act('book');
        is("$said->{state} $said->{reason}", $expected, "a room that is $name") if $expected;
        my $w = world();
        is(length $w->{item} ? 1 : 0, $stands, 'the booking stands, or does not');
        is($w->{requests} - $w->{cancels}, $stands, 'and so people were told');
        is(wrong(), 0, 'the server finds no fault');
    }
    room('accept');
};

# ---- every exchange fails in every way ----

# Each stands for a kind: not done or done, and the reply lost, bad, or a refusal.
my @lost = qw(reset-before reset-after-write status-after=500);
my @faults = (@lost, qw(status=403 status=500 locked html-instead-of-xml truncated));

sub of_booking {
    my ($s, $w) = @_;
    my $live = $w->{requests} - $w->{cancels};
    if ($s->{state} =~ /^(?:confirmed|pending)$/) {
        return 'a bad result' if $s->{reason} ne 'ok';
        return 'it does not stand' if $w->{item} ne $nine || $w->{requests} != 1 || $w->{cancels};
        return 'the room does not have it' if $s->{state} eq 'confirmed' && $w->{room} ne $nine;
        return;
    }
    return $s->{reason} eq 'outcome-unknown' && $s->{left} ? () : 'unknown without a word' if $s->{state} eq 'unknown';
    return 'not the reason of a failure' if $s->{reason} =~ /^(?:ok|outcome-unknown)$/;
    return if $s->{reason} eq 'left-behind' && $s->{left};
    return 'something stands' if $w->{item} || $live || $w->{bob} || $w->{room} || ($w->{drafts} && !$s->{left});
    return;
}

sub of_moving {
    my ($s, $w) = @_;
    if ($s->{reason} eq 'attendees-not-told') {
        return $w->{item} eq $eleven && $w->{requests} == 1 ? () : 'not as said';
    }
    if ($s->{state} =~ /^(?:confirmed|pending)$/) {
        return 'a bad result' if $s->{reason} ne 'ok';
        return 'it is not moved' if $w->{item} ne $eleven || $w->{requests} != 2;
        return 'the room does not have it' if $s->{state} eq 'confirmed' && $w->{room} ne $eleven;
        return;
    }
    return $s->{reason} eq 'outcome-unknown' && $s->{left} ? () : 'unknown without a word' if $s->{state} eq 'unknown';
    return 'not the reason of a failure' if $s->{reason} =~ /^(?:ok|outcome-unknown)$/;
    return if $s->{reason} eq 'left-behind' && $s->{left};
    return 'it is not as before' if $w->{item} ne $nine || $w->{bob} ne $nine || $w->{requests} != 1;
    return;
}

sub of_cancelling {
    my ($s, $w) = @_;
    return 'two cancellations' if $w->{cancels} > 1;
    if ($s->{state} eq 'confirmed') {
        return 'something stands'
            if $w->{item} || $w->{bob} || $w->{room} || $w->{cancels} != 1 || ($w->{drafts} && !$s->{left});
        return;
    }
    return $s->{reason} eq 'outcome-unknown' && $s->{left} ? () : 'unknown without a word' if $s->{state} eq 'unknown';
    return 'not the reason of a failure' if $s->{reason} =~ /^(?:ok|outcome-unknown)$/;
    return if $s->{reason} eq 'left-behind' && $s->{left};
    return 'it does not stand as before' if $w->{item} ne $nine || $w->{cancels} || ($w->{drafts} && !$s->{left});
    return;
}

for (
    ['a booking',                            'book',   \&of_booking,    0, 13, @faults],
    ['a booking that the room declines',     'book',   \&of_booking,    0, 18, @lost],
    ['a change',                             'move',   \&of_moving,     1, 17, @lost, 'locked'],
    ['a cancellation',                       'cancel', \&of_cancelling, 1, 11, @lost, 'status=403'],
) {
    my ($name, $act, $judge, $booked, $exchanges, @faults) = @$_;
    subtest "every exchange of $name fails" => sub {
        room($name =~ /declines/ ? 'refuse' : 'accept');
        for my $fault (@faults) {
            my (@bad, %states);
            for my $n (1 .. $exchanges) {
                server();
                if ($booked) {
                    act('book');
                    $sim->control(POST => '/_sim/clock?advance=60');
                }
                $sim->fault("$fault:$n");
                my $said = act($act);
                $sim->no_faults;
                my $w = world();
                my $why = $judge->($said, $w);
                $why = 'it did not end' if $said->{stuck};
                $why //= 'the server found fault: ' . wrong() if wrong();
                ++$states{ $said->{state} };
                push @bad, "$n: $why: $said->{line}\n    " . join ', ', map { "$_=$w->{$_}" } sort keys %$w if $why;
            }
            is(scalar(@bad), 0, "$fault: the truth each time (" . join(', ', map { "$_ $states{$_}" } sort keys %states) . ')')
                or diag(join "\n", @bad);
        }
    };
}

done_testing;
