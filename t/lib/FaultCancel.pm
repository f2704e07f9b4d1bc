package FaultCancel;

# The n-th exchange of a cancellation fails, for every n and every fault: the meeting stands for
# everybody, or is gone for everybody, or the answer says what stands where; nobody is told twice.

use strict;
use warnings;
use FaultList;

sub judge {
    my ($c, $r) = @_;
    my $see = $c->look;
    my ($j, @wrong) = ($r->{json} // {});
    my $state = $j->{state} // 'failed';
    my $said = join ' ', grep { defined } @$j{qw(not_done left_behind)};
    my @standing = map { scalar @{ $see->{$_}{calendar} } } qw(org bob carol room);
    my @cancels = map { $see->{$_}{cancels} } qw(bob carol);

    push @wrong, "status $r->{status} $r->{content}" if $r->{status} !~ /^(?:200|4\d\d|50[2-7])$/ || !$r->{json};
    push @wrong, "cancellations: @cancels" if grep { $_ > 1 } @cancels;
    push @wrong, 'something was mailed as an ordinary message' if grep { $see->{$_}{ordinary} } qw(bob carol room);
    push @wrong, 'a draft is left' if $see->{org}{drafts} && $said !~ /draft/i;
    push @wrong, 'gone from the organizer alone' if !$standing[0] && "@cancels" ne '1 1' && $state ne 'unknown';
    if ($r->{status} == 200) {
        push @wrong, "200 with state $state" if $state ne 'confirmed';
        push @wrong, 'cancelled, but it stands' if "@standing" ne '0 0 0 0';
        push @wrong, 'cancelled, but not everybody was told' if "@cancels" ne '1 1';
    }
    elsif ($state eq 'unknown' || $j->{left_behind}) {
        push @wrong, 'not known, but it does not say what may be' if $said eq '';
        push @wrong, "told, but $said" if $said =~ /not told/ && "@cancels" ne '0 0';
        push @wrong, "it is gone, but $said" if $said =~ /^The \w+ still stands/ && !$standing[0];
    }
    else {
        push @wrong, "state $state" if $state ne 'failed';
        push @wrong, 'failed, but it does not stand with everybody' if "@standing" ne '1 1 1 1';
        push @wrong, 'failed, but people were told' if "@cancels" ne '0 0';
    }
    return map { "$_ ($state" . ($said ? ": $said" : '') . '; ' . Faults::Case::shown($see) . ')' } @wrong;
}

sub repeat {
    my ($c, $where) = @_;
    my $r = $c->steady('cancel', $where);
    return () if $r->{status} == 403 && FaultList::spoils_password($c->{fault});
    my $see = $c->look;
    my @standing = map { scalar @{ $see->{$_}{calendar} } } qw(org bob carol room);
    my @cancels = map { $see->{$_}{cancels} } qw(bob carol);
    my @wrong;
    push @wrong, "repeat: $r->{status} $r->{content}" if $r->{status} !~ /^(?:200|404)$/;
    push @wrong, 'repeat: it still stands' if "@standing" ne '0 0 0 0';
    push @wrong, "repeat: cancellations: @cancels" if "@cancels" ne '1 1';
    push @wrong, 'repeat: a draft is left' if $see->{org}{drafts};
    return map { "$_ (" . Faults::Case::shown($see) . ')' } @wrong;
}

sub story {
    my ($c) = @_;
    my $where = $c->steady('book')->{headers}{location} // return 'the booking before it failed';
    $c->{said} = [];
    $c->fault;
    my @wrong = judge($c, $c->cancel($where));
    push @wrong, repeat($c, $where) if !$c->{lasting};
    return @wrong;
}

1;
