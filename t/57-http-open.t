#!/usr/bin/perl
# What nobody outside could ever establish about the calendar server is switchable in the simulator. A
# booking, a change and a cancellation come out right with each of the possible behaviours.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $sim = SimRun->start('--auth', 'basic');
my $web = Httpd->start(backend => $sim->{url}, loglevel => 'owacal:info', server => 'OwaCalTimeout answer=300ms');
my $no = 0;

sub subject_of { return SimRun::subject(@_) }
sub property { return SimRun::property(@_) }
sub folder { return $sim->items(@_) }
my $class = 'http://schemas.microsoft.com/exchange/outlookmessageclass';

sub story {
    my ($name, %o) = @_;
    my $day = sprintf '2099-%02d-%02d', 4 + int($no / 25), 1 + $no % 25;
    my $subject = 'Story ' . ++$no;
    my $who = $o{user} // 'alice';
    my ($calendar, $drafts, $sent) = $who eq 'zoltan' ? (qr/^Napt/, qr/^Piszk/, qr/^Elk/) : (qr/^Calendar$/, qr/^Drafts$/, qr/^Sent Items$/);
    my $r = $web->json($who, POST => '/booking/bookings', { subject => $subject, room => 'boardroom', start => "${day}T10:00",
        end => "${day}T11:00", required => ['bob@example.test', 'carol@example.test'] });
    my $where = $r->{headers}{location} // '';
    my @wrong;
    push @wrong, "book: $r->{status} " . ($r->{json}{reason} // '') if $r->{status} != 201;
    push @wrong, "book: state " . ($r->{json}{state} // '') if ($r->{json}{state} // '') ne ($o{state} // 'confirmed');
    my @entry = grep { subject_of($_) eq $subject } folder('bob', qr/^Calendar$/);
    push @wrong, 'book: bob has ' . @entry . ' entries' if @entry != ($o{entries} // 1);

    $r = $web->json($who, PATCH => $where, { start => "${day}T14:00", end => "${day}T15:00", required => 'bob@example.test', room => 'boardroom' });
    push @wrong, "change: $r->{status} " . ($r->{json}{reason} // $r->{content}) if $r->{status} != 200;
    push @wrong, "change: told $r->{json}{invitations}" if ($r->{json}{invitations} // '') ne 'sent';
    @entry = grep { subject_of($_) eq $subject } folder('bob', qr/^Calendar$/);
    push @wrong, 'change: bob at ' . join(' and ', map { property($_, 'urn:schemas:calendar:dtstart') } @entry)
        if ($o{entries} // 1) && (@entry != 1 || property($entry[0], 'urn:schemas:calendar:dtstart') !~ /T1[23]:00/);
    push @wrong, 'change: carol, who was removed, still has it'
        if ($o{entries} // 1) && !$o{removed_stay} && grep { subject_of($_) eq $subject } folder('carol', qr/^Calendar$/);
    my @updates = grep { subject_of($_) =~ /\Q$subject\E$/ && property($_, $class) =~ /Request/ } folder('bob', qr/^Inbox$/);
    push @wrong, 'change: bob got ' . (@updates - 1) . ' updates' if @updates != 2;

    $r = $web->json($who, DELETE => $where, undef);
    push @wrong, "cancel: $r->{status} " . ($r->{json}{reason} // $r->{content}) if $r->{status} != 200;
    for my $box ($who, qw(bob boardroom)) {
        my $like = $box eq $who ? $calendar : qr/^Calendar$/;
        push @wrong, "cancel: it still stands with $box" if grep { subject_of($_) =~ /\Q$subject\E$/ } folder($box, $like);
    }
    my @cancels = grep { subject_of($_) =~ /\Q$subject\E$/ && property($_, $class) =~ /Canceled/ } folder('bob', qr/^Inbox$/);
    push @wrong, 'cancel: bob got ' . @cancels . ' cancellations' if @cancels != 1;
    push @wrong, 'cancel: the organizer was told, too' if grep { subject_of($_) =~ /\Q$subject\E$/ && property($_, $class) =~ /Canceled/ } folder($who, qr/^(Inbox|Be)/);
    push @wrong, 'a draft is left: ' . subject_of($_) for grep { subject_of($_) =~ /\Q$subject\E$/ } folder($who, $drafts);
    push @wrong, 'an ordinary appointment was mailed' if grep { subject_of($_) =~ /\Q$subject\E$/ && property($_, $class) eq 'IPM.Appointment' } folder('bob', qr/^Inbox$/);
    ok(!@wrong, $name) or diag join "\n", map { "  $_" } @wrong;
    return;
}

# The setting is put back afterwards, and the mailboxes emptied, so that no story sees another's.
sub with {
    my ($name, $value, %o) = @_;
    my ($row) = grep { $_->{name} eq $name } @{ settings() };
    die "no setting $name" if !$row;
    $sim->control(POST => '/_sim/settings?' . Httpd::form_encode({ $name => $value }));
    story("$name=$value", %o);
    $sim->control(POST => '/_sim/settings?' . Httpd::form_encode({ $name => $row->{value} }));
    $sim->control(POST => '/_sim/reset');
    return;
}
my $settings;
sub settings { $settings //= do { my $s = $sim->control(GET => '/_sim/settings'); ref $s eq 'HASH' ? [map { { name => $_, %{ $s->{$_} } } } keys %$s] : $s }; return $settings }

story('as it is by default');
story('a mailbox in Hungarian', user => 'zoltan');
with('href-host', 'mail.other.example:8080');
with('submit-escaped', 'no');
with('prefixes', 'fixed');
with('stranger-status', $_) for qw(401 403 404 440);
with('room-calendar', 'everybody');
with('bad-property', 'alone');
with('changed-status', '200');
with('brief', 'ignore');
with('range', 'ignore');
with('range-empty', '207');
with('sql-errors', '400');
with('submit-status', $_) for qw(200 204);
with('organizer-update', 'yes');
with('getcancel', $_) for qw(302 302-path 200-itemhref 200-base 200-action 200-msgid xml none self other-host other-mailbox);
with('getcancel-uid', 'no');
with('getcancel-organizer', 'yes');
with('getcancel-class', 'appointment');
with('update-cmd', 'somethingelse');
with('update-mode', 'silent');
with('update-reply', '302');
with('update-removed', $_) for qw(update cancel nothing);
with('update-raises', 'no');
with('freebusy-order', 'as-asked');
with('freebusy-merged-row', 'no');
with('unknown-elements', 'no');
with('delivery', 'inbox', state => 'confirmed', entries => 0);
done_testing();
