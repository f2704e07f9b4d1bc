#!/usr/bin/perl
# Who may include whom. Folders under lib/ are layers; each may use its own files and what is
# listed here. Every foreign library is named in one file (ICU in three), httpd only by the adapter,
# and the simulator and the client know nothing of each other.
use strict;
use warnings;
use File::Find qw(find);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Drift;


# A folder allows everything in it, a file only itself.
my %may_use = (
    base    => [],
    cal     => [qw(base)],
    wire    => [qw(base cal)],
    net     => [qw(base)],
    auth    => [qw(base)],
    backend => [qw(base cal wire)],
    op      => [qw(base cal backend/backend.h)],
    view    => [qw(base cal wire op/op.h)],
    httpd   => [qw(base cal wire net auth backend op view)],
);

my %only_in = (
    'curl'     => [qr{^curl/},                  'lib/net/curl.c'],
    'libxml2'  => [qr{^libxml/},                'lib/wire/xml.c'],
    'libical'  => [qr{^(?:libical/|ical\w*\.h)}, 'lib/wire/ical.c'],
    'jansson'  => [qr{^jansson},                'lib/wire/json.c'],
    # Three things are asked of ICU. The layer that folds names (auth) may not use cal; and what zones
    # are is one matter, how people write a date another, each with its own handles kept.
    'ICU'      => [qr{^unicode/},               'lib/cal/zone.c', 'lib/base/text.c', 'lib/cal/dates.c'],
    'OpenSSL'  => [qr{^openssl/},               'lib/base/crypto.c'],
    'Kerberos' => [qr{^(?:gssapi|krb5|profile\.h|com_err)}, 'lib/auth/krb5.c'],
);

my $httpd_header = qr{^(?:httpd|http_\w+|ap_\w+|util_\w+|mod_(?!owacal)\w+|mpm_common|scoreboard
                       |unixd|os|heartbeat)\.h$}x;

my %includes;   # file => [[line, name, quoted?], ..]
sub read_includes {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    $includes{$file} = [];
    while (my $line = <$in>) {
        push @{ $includes{$file} }, [$., $2, $1 eq '"']
            if $line =~ /^\s*#\s*include\s*(["<])([^">]+)/;
    }
}
find({ no_chdir => 1, wanted => sub { read_includes($_) if /\.[ch]$/ } }, grep { -d } qw(lib t/sim));
read_includes('mod_owacal.c') if -e 'mod_owacal.c';
my @lib = sort grep { m{^lib/} } keys %includes;
ok(scalar(@lib), 'there are sources to look at');

none('every folder under lib/ has its rule here',
    grep { !$may_use{$_} } map { m{^lib/([^/]+)$} && -d ? $1 : () } glob 'lib/*');

{
    my (@missing, @wrong);
    for my $file (@lib) {
        my ($layer) = $file =~ m{^lib/([^/]+)/} or next;
        for (@{ $includes{$file} }) {
            my ($line, $name, $quoted) = @$_;
            if (!-e "lib/$name") {
                push @missing, "$file:$line includes \"$name\"" if $quoted;
                next;
            }
            my ($folder) = $name =~ m{^([^/]+)/};
            push @wrong, "$file:$line includes $name"
                if !grep { $_ eq $folder || $_ eq $name } $layer, @{ $may_use{$layer} // [] };
        }
    }
    none('quoted includes are written from lib/, by folder', @missing);
    none('each layer includes only what it may use', @wrong);
}

{
    my @wrong;
    for my $file (grep { !m{^lib/backend/([^/]+)/} } @lib) {
        push @wrong, map { "$file:$_->[0] includes $_->[1]" }
            grep { $_->[1] =~ m{^backend/[^/]+/} } @{ $includes{$file} };
    }
    # The look-up by name is the one place that must list them.
    none("no file outside a backend's folder includes from it, but the one that lists them",
        grep { !m{^lib/backend/backend\.c:} } @wrong);
}

for my $library (sort keys %only_in) {
    my ($header, @homes) = @{ $only_in{$library} };
    my $home = join '|', map { quotemeta } @homes;
    my @where;
    for my $file (grep { $includes{$_} } @lib, 'mod_owacal.c') {
        push @where, map { "$file:$_->[0]" } grep { $_->[1] =~ $header } @{ $includes{$file} };
    }
    none("$library is named in @homes only", grep { !/^(?:$home):/ } @where);
    for my $file (@homes) {
        ok(scalar(grep { /^\Q$file\E:/ } @where), "  and $file does need it");
    }
}

{
    my @wrong;
    for my $file (grep { !m{^lib/httpd/} } @lib) {
        push @wrong, map { "$file:$_->[0] includes $_->[1]" }
            grep { $_->[1] =~ $httpd_header && !-e "lib/$_->[1]" } @{ $includes{$file} };
    }
    none('no httpd header outside lib/httpd', @wrong);
}

{
    my @sim = sort grep { m{^t/sim/} } keys %includes;
    my @wrong;
    for my $file (@sim) {
        push @wrong, map { "$file:$_->[0] includes $_->[1]" }
            grep { $_->[2] && (!-e "t/sim/$_->[1]"
                && $_->[1] ne 'tap.h' || $_->[1] =~ /\.\./) } @{ $includes{$file} };
    }
    for my $file (grep { $includes{$_} } @lib, 'mod_owacal.c') {
        push @wrong, map { "$file:$_->[0] includes $_->[1]" }
            grep { $_->[1] =~ m{(?:^|/)t/|\bsim/|\.\.} } @{ $includes{$file} };
    }
    none('the simulator and the client share no header', @wrong);
}

done_testing();
