package Browser;

# Debian's Chromium, driven by programs in t/browser/ with playwright-core. What these need from npm is
# pinned by t/browser/package-lock.json and installed below .build, without running anybody's scripts.
#
#   my $why = Browser::missing();               # undef: all is here
#   Browser::run('everyday.mjs', $web, sub { my ($line) = @_; .. }, OWACAL_HAS => 'people');

use strict;
use warnings;
use Carp qw(croak);
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);
use Httpd;

sub command {
    my ($name) = @_;
    my ($found) = grep { -x } map { "$_/$name" } split /:/, "$ENV{PATH}:/usr/bin";
    return $found;
}

sub chromium { return $ENV{CHROMIUM} // command('chromium') }

# The folder with node_modules.
sub modules {
    my $build = $ENV{OWACAL_BUILD} ? dirname($ENV{OWACAL_BUILD}) : Httpd::root() . '/.build';
    return "$build/browser";
}

sub slurp { my ($file) = @_; open my $in, '<', $file or return ''; local $/; return scalar(<$in>) // '' }

sub install {
    my $from = Httpd::root() . '/t/browser';
    my $dir = modules();
    make_path($dir);
    open my $lock, '>', "$dir/lock" or return "$dir/lock: $!";
    flock $lock, LOCK_EX;
    my $done = "$dir/installed";
    return if slurp($done) eq slurp("$from/package-lock.json");
    for (qw(package.json package-lock.json)) { copy("$from/$_", "$dir/$_") or return "$_: $!" }
    my $said = '';
    for (1 .. 2) {
        $said = `cd '$dir' && npm ci --ignore-scripts --no-audit --no-fund 2>&1 </dev/null`;
        next if $?;
        copy("$from/package-lock.json", $done) or return "$done: $!";
        return;
    }
    return "npm ci failed: $said";
}

# Why it cannot be done here, or undef.
sub missing {
    for (qw(node npm)) { return "no $_; .ci/packages check brings it" if !command($_) }
    return 'no chromium; .ci/packages check brings it' if !chromium();
    return install();
}

# Hands each line the program writes to $sink; returns its exit status.
sub run {
    my ($program, $web, $sink, %env) = @_;
    my $pid = open my $out, '-|';
    croak "fork: $!" if !defined $pid;
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        %ENV = (%ENV, OWACAL_URL => $web->{origin}, OWACAL_MODULES => modules(), OWACAL_CHROMIUM => chromium(), %env);
        exec 'node', Httpd::root() . "/t/browser/$program" or POSIX::_exit(127);
    }
    while (my $line = <$out>) { chomp $line; $sink->($line) }
    close $out;
    return $? >> 8 || $? & 127;
}

1;
