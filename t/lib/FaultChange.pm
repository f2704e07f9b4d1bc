package FaultChange;

# The n-th exchange of a change fails, for every n and every fault. The meeting is moved by some hours
# and one of two people need not come any more; afterwards either everybody has the old values, or
# everybody the new ones, or the answer says plainly who has not.

use strict;
use warnings;
use FaultList;

my ($old, $new) = ('08:00', '12:00');    # in UTC

sub judge {
    my ($c, $r, $again) = @_;
    my $see = $c->look;
    my ($j, @wrong) = ($r->{json} // {});
    my $state = $j->{state} // 'failed';
    my $told = $j->{invitations} // '';
    my $said = join ' ', grep { defined } @$j{qw(not_done left_behind)};
    my ($org, $bob, $carol, $room) = map { "@{ $see->{$_}{calendar} }" } qw(org bob carol room);
    my $updates = $see->{bob}{requests} - 1;

    push @wrong, "status $r->{status} $r->{content}" if $r->{status} !~ /^(?:200|4\d\d|50[2-7])$/ || !$r->{json};
    push @wrong, "bob got $updates updates" if $updates > 1;
    push @wrong, "carol got $see->{carol}{requests} requests, $see->{carol}{cancels} cancellations"
        if $see->{carol}{requests} > 2 || $see->{carol}{cancels} > 1;
    push @wrong, 'bob was told of a cancellation' if $see->{bob}{cancels};
    push @wrong, 'the meeting is gone' if $org eq '';
    push @wrong, 'something was mailed as an ordinary message' if grep { $see->{$_}{ordinary} } qw(bob carol room);
    push @wrong, 'a draft is left' if $see->{org}{drafts} && $said !~ /draft/i;
    if ($r->{status} == 200) {
        push @wrong, "200 with state $state" if $state !~ /^(?:confirmed|pending)$/;
        push @wrong, 'the organizer has not the new time' if $org ne $new;
        push @wrong, "told is $told, but Bob has not the new time" if $bob ne $new;
        push @wrong, 'Carol still has it' if $carol ne '' && $said !~ /told of no longer being invited/;
        push @wrong, 'the room has not the new time' if $room ne $new;
    }
    elsif ($state eq 'unknown' || $j->{left_behind}) {
        push @wrong, 'not known, but it does not say what may be' if $said eq '';
        push @wrong, "the organizer's is at $org, but $said" if $said =~ /has its new values/ && $org ne $new;
    }
    elsif (($j->{reason} // '') eq 'attendees-not-told') {
        push @wrong, 'not told, but they were' if $updates;
        push @wrong, 'the organizer has not the new time' if $org ne $new;
        push @wrong, 'it does not say so' if $said !~ /not told/;
    }
    else {
        push @wrong, "state $state" if $state !~ /^(?:failed|conflict)$/;
        push @wrong, 'failed, but not everybody has the old time' if "$org $bob $carol $room" ne "$old $old $old $old";
        push @wrong, 'failed, but people were told' if $updates || $see->{carol}{cancels};
    }
    return map { "$_ (" . ($again ? 'repeat, ' : '') . "$state $told" . ($said ? ": $said" : '') . '; ' . Faults::Case::shown($see) . ')' } @wrong;
}

# A change that failed or came half can be made again, unless the repeat finds nothing to do.
sub repeat {
    my ($c, $where) = @_;
    my $r = $c->steady('change', $where);
    return () if $r->{status} == 403 && FaultList::spoils_password($c->{fault});
    my $see = $c->look;
    my @wrong;
    push @wrong, "repeat: $r->{status} $r->{content}" if $r->{status} != 200;
    push @wrong, 'repeat: not at the new time' if "@{ $see->{org}{calendar} }" ne $new;
    push @wrong, "repeat: bob got $see->{bob}{requests} requests" if $see->{bob}{requests} > 2;
    push @wrong, 'repeat: carol got two cancellations' if $see->{carol}{cancels} > 1;
    return map { "$_ (" . Faults::Case::shown($see) . ')' } @wrong;
}

sub story {
    my ($c) = @_;
    my $where = $c->steady('book')->{headers}{location} // return 'the booking before it failed';
    $c->{said} = [];
    $c->fault;
    my @wrong = judge($c, $c->change($where));
    push @wrong, repeat($c, $where) if !$c->{lasting};
    return @wrong;
}

1;
