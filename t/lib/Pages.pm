package Pages;

# The shipped pages, conf/pages/, served as conf/owacal.conf shows: its commented lines are taken from
# there and put into force, so that what an administrator copies is what the tests and the demonstration
# run. For Httpd->start:
#
#   my $sim = Pages::simulator($dir);
#   my $web = Httpd->start(backend => $sim->{url}, Pages::served());
#   my $web = Httpd->start(backend => $sim->{url}, Pages::served(lines => "OwaCalLimit ..\n"));

use strict;
use warnings;
use Carp qw(croak);
use Httpd;
use SimRun;

# Each is there once for each language: index.html.en, ..
our @PAGES = qw(index.html room.html book.html panel.html check.html);
our @LANGUAGES = qw(en de fr hu);

my $login = <<'E';
    @LOGIN@
    OwaCalIdentity basic upstream=basic
E

sub lines {
    my $root = Httpd::root();
    open my $in, '<', "$root/conf/owacal.conf" or croak "owacal.conf: $!";
    my $text = do { local $/; <$in> };
    $text =~ /^# ---- the pages -+\n(.*?)^# ---- /ms or croak 'conf/owacal.conf shows no pages';
    my $conf = join '', map { /^#( {4,}\S.*|[^ #].*)/s ? $1 : () } split /^/, $1;
    $conf =~ s{"/etc/apache2/owacal-pages"}{"$root/conf/pages"} or croak 'the Alias has gone';
    $conf =~ s{^ +# AuthType.*\n}{$login}m or croak 'the line about the login has gone';
    return $conf;
}

# Rooms enough to choose from, and the simulator's file of users that has them: SimRun's --users.
our @ROOMS = (
    ['boardroom', 'name="Board room" capacity=12 features=projector,phone building=Main floor=2'],
    ['library', 'name="Library" capacity=6 features=whiteboard building=Main floor=1'],
    ['room1', 'name="Room 1" capacity=4 features=phone building=Main floor=1'],
    ['studio', 'name="Studio" capacity=8 features=video,phone building=Annex floor=0'],
    ['hall', 'name="Hall" capacity=60 features=projector,stage building=Annex floor=0'],
);

sub rooms { return join '', map { "OwaCalRoom $_->[0] $_->[0]\@example.test $_->[1]\n" } @ROOMS }

sub users {
    return join('', map { "$_:pw-$_:$_\@example.test:person:en\n" } qw(alice bob carol panel))
        . "zoltan:pw-zoltan:zoltan\@example.test:person:hu\n"
        . join('', map { "$_->[0]:pw-$_->[0]:$_->[0]\@example.test:room:accept:en\n" } @ROOMS);
}

# A simulator that has them. $dir: where the file of users may be put.
sub simulator {
    my ($dir, @args) = @_;
    open my $out, '>', "$dir/sim-users" or croak "sim-users: $!";
    print $out users();
    close $out or croak "sim-users: $!";
    return SimRun->start('--auth', 'basic', '--users', "$dir/sim-users", @args);
}

sub served {
    my (%o) = @_;
    return (
        modules => [qw(filter substitute ssl negotiation)],
        rooms => rooms() . ($o{rooms} // ''),
        server => "AddType text/javascript .js\nAddType image/svg+xml .svg\n" . ($o{before} // '') . lines() . ($o{lines} // ''),
    );
}

1;
