package Pages;

# The shipped pages, conf/pages/, served as conf/owacal.conf shows: its commented lines are taken from
# there and put into force, so that what an administrator copies is what the tests and the demonstration
# run. For Httpd->start:
#
#   my $web = Httpd->start(backend => $sim->{url}, Pages::served());
#   my $web = Httpd->start(backend => $sim->{url}, Pages::served(lines => "OwaCalLimit ..\n"));

use strict;
use warnings;
use Carp qw(croak);
use Httpd;

our @PAGES = qw(index.html room.html book.html panel.html check.html);

my $login = <<'E';
    AuthType Basic
    AuthName intranet
    AuthBasicProvider file
    AuthUserFile @DIR@/users
    Require valid-user
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

# Enough of them to choose from.
my $rooms = <<'E';
OwaCalRoom boardroom boardroom@example.test name="Board room" capacity=12 features=projector,phone building=Main floor=2
OwaCalRoom room1 room1@example.test name="Room 1" capacity=4
E

sub served {
    my (%o) = @_;
    return (
        modules => [qw(filter substitute ssl)],
        rooms => $o{rooms} // $rooms,
        server => "AddType text/javascript .js\nAddType image/svg+xml .svg\n" . lines() . ($o{lines} // ''),
    );
}

1;
