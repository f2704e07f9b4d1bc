package FaultBook;

# The n-th exchange of a booking fails, for every n and every fault: the answer is true, the mailboxes
# agree with it, and a repeat with the same key ends in exactly one booking.

use strict;
use warnings;
use FaultList;

# What is wrong with a booking that was answered like this, given what the mailboxes hold.
sub judge {
    my ($c, $r) = @_;
    my $see = $c->look;
    my ($j, @wrong) = ($r->{json} // {});
    my $state = $j->{state} // 'failed';
    my $left = $j->{left_behind};
    my @standing = map { scalar @{ $see->{$_}{calendar} } } qw(org bob carol room);
    my ($requests, $cancels) = map { my $k = $_; (sort { $b <=> $a } map { $see->{$_}{$k} } qw(bob carol))[0] } qw(requests cancels);

    push @wrong, "status $r->{status} $r->{content}" if $r->{status} !~ /^(?:201|4\d\d|50[2-7])$/ || !$r->{json};
    push @wrong, "$requests requests reached somebody" if $requests > 1;
    push @wrong, "$cancels cancellations reached somebody" if $cancels > 1;
    push @wrong, 'something was mailed as an ordinary message' if grep { $see->{$_}{ordinary} } qw(bob carol room);
    push @wrong, 'the organizer has two' if $standing[0] > 1;
    if ($r->{status} == 201) {
        push @wrong, "201 with state $state" if $state !~ /^(?:confirmed|pending)$/;
        push @wrong, 'confirmed, but not everybody has it' if "@standing" ne '1 1 1 1';
        push @wrong, 'confirmed, but somebody got no request' if grep { $see->{$_}{requests} != 1 } qw(bob carol);
        push @wrong, 'confirmed, but a draft is left' if $see->{org}{drafts} && !$left;
    }
    elsif ($state eq 'unknown' || $left) {
        push @wrong, 'not known, but it does not say what may be left' if !$left;
        push @wrong, "reason $j->{reason}" if $j->{reason} !~ /^(?:outcome-unknown|left-behind)$/ && $see->{org}{calendar}[0];
        push @wrong, 'sent, and gone from the organizer alone' if !$standing[0] && $requests && !$cancels;
    }
    else {
        push @wrong, "state $state" if $state !~ /^(?:failed|conflict)$/;
        push @wrong, 'failed, but something stands' if "@standing" ne '0 0 0 0';
        push @wrong, 'failed, but a draft is left' if $see->{org}{drafts};
        push @wrong, 'failed, but people were left with a request' if grep { $see->{$_}{requests} != $see->{$_}{cancels} } qw(bob carol);
    }
    return map { "$_ ($state" . ($left ? ": $left" : '') . '; ' . Faults::Case::shown($see) . ')' } @wrong;
}

sub repeat {
    my ($c) = @_;
    my $r = $c->steady('book');
    return () if $r->{status} == 403 && FaultList::spoils_password($c->{fault});
    my $see = $c->look;
    my @standing = map { scalar @{ $see->{$_}{calendar} } } qw(org bob carol room);
    my @wrong;
    push @wrong, "repeat: $r->{status} $r->{content}" if $r->{status} !~ /^20[01]$/;
    push @wrong, 'repeat: not exactly one booking' if "@standing" ne '1 1 1 1';
    push @wrong, 'repeat: requests and cancellations do not add up' if grep { $see->{$_}{requests} - $see->{$_}{cancels} != 1 } qw(bob carol);
    push @wrong, 'repeat: a draft is left' if $see->{org}{drafts};
    return map { "$_ (" . Faults::Case::shown($see) . ')' } @wrong;
}

# Connections are open then, the folders known.
sub warm_up {
    my ($c) = @_;
    $c->{world}{web}->json($c->{org}, GET => "/booking/freebusy?who=$c->{room}");
    $c->{world}{web}->json($c->{org}, GET => '/booking/bookings?start=2027-05-01T00:00&end=2027-05-02T00:00');
    return;
}

sub story {
    my ($c) = @_;
    warm_up($c) if $c->{warm};
    $c->fault;
    my @wrong = judge($c, $c->book);
    push @wrong, repeat($c) if !$c->{lasting};
    return @wrong;
}

1;
