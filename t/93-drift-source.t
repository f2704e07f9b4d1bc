#!/usr/bin/perl
# The state of the source itself: sizes, white space, words that must not be there, and that
# everything that looks like a test is one.
use strict;
use warnings;
use File::Find qw(find);
use FindBin qw($Bin);
use Module::CoreList;
use Test::More;
use lib "$Bin/lib";
use Drift;


my @files;
find({ no_chdir => 1, wanted => sub {
    s{^\./}{};
    if (m{^(?:\.git|\.build|\.libs|node_modules)$} || m{/node_modules$}) {
        $File::Find::prune = 1;
        return;
    }
    push @files, $_ if -f && !-l;
} }, '.');
@files = sort @files;

my %text;
for my $file (@files) {
    next if $file =~ m{^(?:LICENSE$|t/fuzz/corpus/|t/data/)};
    open my $in, '<', $file or die "$file: $!";
    local $/;
    my $content = <$in> // '';
    $text{$file} = $content if $content !~ /\0/;
}
my @c = grep { /\.[ch]$/ } sort keys %text;
ok(scalar(@c), 'there are sources to look at');

# ---- sizes and white space ----

{
    my @long;
    for my $file (grep { /\.(?:[ch]|t|pm|pl|sh)$/ } sort keys %text) {
        my $lines = $text{$file} =~ tr/\n//;
        my ($head) = $text{$file} =~ m{\A((?:.*\n){0,60})};
        push @long, "$file: $lines lines" if $lines > 800 && $head !~ /\blong because\b/i;
    }
    none('no file beyond 800 lines without "long because ..." in its head', @long);
}

{
    my (@tab, @trailing, @wide, @end, @return);
    for my $file (sort keys %text) {
        push @end, $file if length $text{$file} && $text{$file} !~ /\n\z/;
        push @return, $file if $text{$file} =~ /\r\n/;
        my $number = 0;
        for my $line (split /\n/, $text{$file}) {
            $number++;
            push @trailing, "$file:$number" if $line =~ /[ \t]$/;
            next if $file !~ /\.[ch]$/;
            push @tab, "$file:$number" if $line =~ /\t/;
            my $shown = $line;
            utf8::decode($shown);
            push @wide, "$file:$number" if length $shown > 100;
        }
    }
    none('no tabs in C', @tab);
    none('no blanks at line ends', @trailing);
    none('C stays within 100 columns', @wide);
    none('files end with a line end', @end);
    none('no carriage returns before line ends', @return);
}

# ---- words ----

{
    # Put together here so that this file is not its own finding.
    my $unfinished = join '|', map { "\\b$_\\b" } 'TO' . 'DO', 'FIX' . 'ME', 'X' x 3, 'HA' . 'CK';
    my $machine = join '|', '/wo' . 'rk/', '/tmp/' . 'brief', '/ro' . 'ot/', '/ho' . 'me/\w';
    my (@unfinished, @machine);
    for my $file (sort keys %text) {
        my $number = 0;
        for my $line (split /\n/, $text{$file}) {
            $number++;
            push @unfinished, "$file:$number" if $line =~ /$unfinished/;
            push @machine, "$file:$number" if $line =~ /(?:^|[\s"'=(:`])(?:$machine)/;
        }
    }
    none('nothing is marked as unfinished', @unfinished);
    none('no path of the machine it was written on', @machine);
}

# ---- what an abandoned operation may still write to ----

{
    my @own;
    for my $file (grep { m{^lib/httpd/} } @c) {
        push @own, map { "$file: $_" } grep { !/^\w+->answer->/ }
            $text{$file} =~ /\boc_op_(?:freebusy|list|read|probe|look)\([^;]*?&q->op_conf,[^;]*?&(\w[\w>-]*)\)/g;
    }
    none('a look fills in what is in the memory of its call, never in that of the request', @own);
}

# ---- tests that are not run, scripts that do not parse ----

{
    my @want = map { m{([^/]+)\.c$} } sort glob 't/unit/test_*.c';
    my $make = $ENV{OWACAL_MAKE} // 'Makefile.apxs';
    my @have = do {
        delete local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
        sort grep { length } split /\s+/, `make -s -f '$make' list-units 2>/dev/null`;
    };
    is_deeply(\@have, \@want, 'every t/unit/test_*.c is built and run');

    my (@open, @tapless);
    for my $file (grep { m{^t/unit/test_} } @c) {
        push @tapless, $file if $text{$file} !~ /#include "tap\.h"/ || $text{$file} !~ /\bdone_testing\(\)/;
        push @open, map { "$file: $_" } grep { $_ ne 'main' }
            $text{$file} =~ /^(?!static\b|typedef\b|return\b|else\b)[a-z]\w*[\w \*]*?\b(\w+)\([^;{]*\)\s*\{/gm;
    }
    none('every unit program speaks TAP by tap.h to its end', @tapless);
    none('test functions are static, so that the compiler tells of one nobody calls', @open);

    none('a test file lies directly in t/, where it is run',
        grep { /\.t$/ && !m{^t/[^/]+\.t$} } @files);
    none('every test file is numbered by layer', grep { m{^t/[^/]+\.t$} && !m{^t/\d\d-[a-z0-9-]+\.t$} } @files);
}

{
    my @bad;
    for my $file (grep { $text{$_} =~ m{^#!/bin/sh\b} } sort keys %text) {
        push @bad, $file if system('sh', '-n', $file) != 0;
    }
    none('shell scripts parse', @bad);

    my (@foreign, @lax);
    for my $file (sort keys %text) {
        next if $file !~ /\.(?:t|pm|pl)$/ && $text{$file} !~ m{^#!.*\bperl\b};
        push @lax, $file if $text{$file} !~ /^use strict;/m || $text{$file} !~ /^use warnings;/m;
        for my $name ($text{$file} =~ /^\s*(?:use|require)\s+([A-Z]\w*(?:::\w+)*)/gm) {
            (my $path = "$name.pm") =~ s{::}{/}g;
            push @foreign, "$file uses $name"
                if !Module::CoreList->first_release($name) && !grep { m{(?:^|/)\Q$path\E$} } @files;
        }
    }
    none('Perl is strict and warns', @lax);
    none('Perl uses core modules and our own only', @foreign);

    none('what starts with #! can be executed',
        grep { $text{$_} =~ /^#!/ && !/\.(?:t|pm)$/ && !-x } sort keys %text);
}

done_testing();
