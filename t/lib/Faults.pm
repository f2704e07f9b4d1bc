package Faults;

# One simulator and one httpd for a few hundred cases in which the calendar server fails once, or
# from some request on. Every case has mailboxes of its own - an organizer, two people, a room - so
# that cases run side by side and none sees another's remains; faults are set by organizer.
#
#   my $world = Faults->start(cases => 400);
#   my $n = $world->exchanges(sub { my ($c) = @_; book($c) });     # of a run without a fault
#   $world->run(\@cases, sub { my ($c) = @_; ...; return @what_is_wrong });
#
# A case is { name => .., fault => 'reset-before:3' } (a list of specs if it is an array). The code
# gets it with {org} {bob} {carol} {room} {subject} {world} filled in; it calls $c->fault when the
# time has come. What it returns are sentences about what is wrong; none makes the case pass.

use strict;
use warnings;
use Carp qw(croak);
use File::Temp qw(tempdir);
use JSON::PP qw(encode_json decode_json);
use Test::More;
use Time::HiRes qw(sleep time);
use Httpd;
use SimRun;

my $batch = 48;       # the simulator knows 64 faults at once
my $side_by_side = 8;

sub start {
    my ($class, %o) = @_;
    my $self = bless { next => 1, cases => $o{cases} + 8 }, $class;
    $self->{dir} = tempdir('owacal-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $self->{dir};
    open my $out, '>', "$self->{dir}/users" or croak "users: $!";
    my $rooms = '';
    my %password;
    for my $i (1 .. $self->{cases}) {
        print $out "$_$i:pw:$_$i\@example.test:person:en\n" for qw(org bob carol);
        print $out "room$i:pw:room$i\@example.test:room:accept:en\n";
        $rooms .= "OwaCalRoom room$i room$i\@example.test\n";
        $password{"org$i"} = 'pw';
    }
    close $out or croak "users: $!";
    $self->{sim} = SimRun->start('--auth', 'basic', '--users', "$self->{dir}/users", @{ $o{sim} // [] });
    $self->{web} = Httpd->start(backend => $self->{sim}{url}, children => 1, threads => 24, rooms => $rooms,
        passwords => \%password, loglevel => $o{loglevel} // 'owacal:info',
        server => 'OwaCalTimeout connect=700ms step=' . ($o{step} // '5s')
            . " operation=8s undo=5s answer=200ms\nOwaCalLimit waiting=100");
    return $self;
}

# A case with fresh mailboxes.
sub fresh {
    my ($self, %o) = @_;
    my $i = $self->{next}++;
    croak 'more cases than announced' if $i > $self->{cases};
    return bless { %o, world => $self, i => $i, subject => "Case $i.", (map { $_ => "$_$i" } qw(org bob carol room)) }, 'Faults::Case';
}

# How many requests of the organizer a run without a fault makes; setup runs before the count.
sub exchanges {
    my ($self, $code, $setup) = @_;
    my $c = $self->fresh(name => 'without a fault');
    $setup->($c) if $setup;
    my $before = grep { ($_->{user} // '') eq $c->{org} } $self->{sim}->requests;
    $code->($c);
    return (grep { ($_->{user} // '') eq $c->{org} } $self->{sim}->requests) - $before;
}

sub one {
    my ($case, $code) = @_;
    my $began = time;
    my @wrong = eval { $code->($case) };
    @wrong = ("it died: $@") if $@;
    my $took = time - $began;
    return { wrong => \@wrong, said => $case->{said} // [], took => $took };
}

sub run {
    my ($self, $cases, $code) = @_;
    my @cases = map { $self->fresh(%$_) } @$cases;
    while (my @now = splice @cases, 0, $batch) {
        my @kids;
        for my $k (0 .. $side_by_side - 1) {
            my @mine = grep { $_ % $side_by_side == $k } 0 .. $#now;
            pipe my $r, my $w or croak "pipe: $!";
            my $pid = fork // croak "fork: $!";
            if (!$pid) {
                close $r;
                print $w encode_json([map { one($now[$_], $code) } @mine]);
                close $w;
                POSIX::_exit(0);
            }
            close $w;
            push @kids, [$pid, $r, @mine];
        }
        my @result;
        for (@kids) {
            my ($pid, $r, @mine) = @$_;
            local $/;
            my $got = eval { decode_json(scalar <$r>) } // [];
            @result[@mine] = @$got;
            waitpid $pid, 0;
        }
        for my $i (0 .. $#now) {
            my $got = $result[$i] // { wrong => ['no result came'] };
            ok(!@{ $got->{wrong} }, $now[$i]{name} . (@{ $got->{said} // [] } ? ' - ' . join ', then ', @{ $got->{said} } : ''))
                or diag map { "  $_\n" } @{ $got->{wrong} }, "($now[$i]{org})";
            $self->{slowest} = [$got->{took}, $now[$i]{name}] if ($got->{took} // 0) > ($self->{slowest}[0] // 0);
        }
        $self->{sim}->no_faults;
    }
    return;
}

# What holds for every server: no child crashed, and it stops by itself.
sub finish {
    my ($self) = @_;
    note sprintf 'slowest: %.1f s, %s', @{ $self->{slowest} } if $self->{slowest};
    unlike($self->{web}->log, qr/exit signal|segfault/i, 'no child crashed');
    my ($figures, $until) = ('', time + 30);    # what nobody waited for any more may take its time
    until ($figures eq '0 0 0' || time > $until) {
        my $text = $self->{web}->request(GET => '/owacal-status')->{content};
        $figures = join ' ', map { $text =~ /^owacal_$_(?:\{[^}]*\})? (\d+)$/m ? $1 : '?' } qw(waiting exchanges_in_flight leases);
        sleep 0.1;
    }
    is($figures, '0 0 0', 'nothing is left under way: nobody waiting, nothing on the wire, no room under decision');
    ok($self->{web}->stop, 'httpd stops by itself');
    return;
}

package Faults::Case;
use Time::HiRes qw(time);

sub fault {
    my ($c) = @_;
    for (ref $c->{fault} ? @{ $c->{fault} } : $c->{fault} // ()) {
        $c->{world}{sim}->fault($_ . (/:/ ? ',' : ':') . "user=$c->{org}");
    }
    return;
}

# The requests people make. Each answer is kept in short for the name of the test.
sub say_of {
    my ($c, $r) = @_;
    push @{ $c->{said} }, join ' ', grep { defined } $r->{status}, @{ $r->{json} // {} }{qw(reason state)},
        ($r->{json}{left_behind} ? 'LEFT' : undef);
    return $r;
}

sub book {
    my ($c, %o) = @_;
    return $c->say_of($c->{world}{web}->json($c->{org}, POST => '/booking/bookings',
        { subject => $c->{subject}, room => $c->{room}, start => '2027-05-04T10:00', end => '2027-05-04T11:00',
            required => ["$c->{bob}\@example.test", "$c->{carol}\@example.test"] },
        headers => { 'Idempotency-Key' => "key of $c->{org}" }, timeout => 40));
}

# An hour later, two hours longer; Carol need not come.
sub change {
    my ($c, $where) = @_;
    return $c->say_of($c->{world}{web}->json($c->{org}, PATCH => $where,
        { start => '2027-05-04T14:00', end => '2027-05-04T15:00', room => $c->{room}, required => ["$c->{bob}\@example.test"] },
        timeout => 40));
}

sub cancel {
    my ($c, $where) = @_;
    return $c->say_of($c->{world}{web}->json($c->{org}, DELETE => $where, undef, timeout => 40));
}

# The same for what comes before and after the fault: a busy machine may need several tries.
sub steady {
    my ($c, $verb, @args) = @_;
    my $r;
    for (1 .. 4) {
        $r = $c->$verb(@args);
        last if $r->{status} !~ /^50[34]$/;
    }
    return $r;
}

# What the four mailboxes hold of this meeting. JSON::PP would take most of the time of the whole
# test, so that the text is cut up by hand:
#   {org}{calendar} etc. = [starting times]; {bob}{requests}, {cancels} = numbers; drafts, sent.
sub look {
    my ($c) = @_;
    my %see;
    for my $who (qw(org bob carol room)) {
        my $text = $c->{world}{sim}->once(GET => "/_sim/mailbox/$c->{$who}")->{body};
        my %of = (calendar => [], drafts => 0, sent => 0, requests => 0, cancels => 0);
        for my $folder (split /"items":/, $text) {    # keys are sorted: "kind" comes after "items"
            my ($kind) = $folder =~ /\],"kind":"(\w+)"/ or next;
            for my $item (split /"properties":/, $folder) {
                next if $item !~ /"urn:schemas:httpmail:subject": ?"[^"]*\Q$c->{subject}\E"/;
                my ($class) = $item =~ m{outlookmessageclass": ?"([^"]*)"};
                my ($start) = $item =~ m{calendar:dtstart": ?"([^"]*)"};
                $class //= '';
                if ($kind eq 'calendar') { push @{ $of{calendar} }, substr $start // '?', 11, 5 }
                elsif ($kind eq 'drafts') { $of{drafts}++ }
                elsif ($kind eq 'sentitems') { $of{sent}++ }
                elsif ($kind eq 'inbox') {
                    $of{requests}++ if $class =~ /Request$/;
                    $of{cancels}++ if $class =~ /Canceled$/;
                    $of{ordinary}++ if $class =~ /^IPM\.(?:Appointment|Note)$/;
                }
            }
        }
        $see{$who} = \%of;
    }
    return \%see;
}

# In short, for people.
sub shown {
    my ($see) = @_;
    return join '; ', map { my $of = $see->{$_};
        "$_: at [@{ $of->{calendar} }]" . join '', map { $of->{$_} ? " $_ $of->{$_}" : '' } qw(drafts sent requests cancels ordinary) } qw(org bob carol room);
}

1;
