#!/usr/bin/perl
# The shipped pages: each is there in every language, the same but for its words, and no word was left
# in English; what they say of states and actions are the words that fragments use, too.
use strict;
use warnings;
use utf8;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Drift;
use Pages;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

# Names are the same in every language.
my %name = map { $_ => 1 } 'Example Company', 'Board room';
# What a fragment says in the same place, or a word that must not be another beside it.
my @shared = ('Find a room', 'My bookings', 'Book a room', 'Book', 'Today', 'free', 'tentative', 'busy', 'out of office', 'unknown');

# A page in two lists: its bones, which are everything but words, and its words. Attributes that people
# read or hear are words.
sub parts {
    my ($html) = @_;
    my (@bones, @words);
    while ($html =~ /\G(?:(<!--.*?-->|<!DOCTYPE html>)|<(\/?)([a-z0-9]+)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>|([^<]+))/gcs) {
        my ($comment, $end, $element, $attributes, $text) = ($1, $2, $3, $4, $5);
        if (defined $comment) {
            push @bones, $comment;
        } elsif (defined $element) {
            my @attributes;
            while ($attributes =~ /([a-z-]+)(?:="([^"]*)")?/g) {
                my ($key, $value) = ($1, $2);
                if ($key =~ /^(?:aria-label|title|alt|placeholder)$/) {
                    push @words, $value;
                    $value = '..';
                }
                push @attributes, defined $value ? qq{$key="$value"} : $key;
            }
            push @bones, join ' ', "$end$element", @attributes;
        } elsif ($text =~ /\S/) {
            push @words, $text =~ s/[ \n]+/ /gr =~ s/^ | $//gr;
            push @bones, 'text';
        }
    }
    return (\@bones, \@words, substr($html, pos($html) // 0));
}

# ---- what is there ----

my %there = map { s{.*/}{}r => 1 } glob 'conf/pages/*.html*';
my @want = map { my $page = $_; map { "$page.$_" } @Pages::LANGUAGES } @Pages::PAGES;
none('each page is there in each language', grep { !$there{$_} } @want);
{
    my %want = map { $_ => 1 } @want;
    none('and there is no other', grep { !$want{$_} } sort keys %there);
}
my @po = map { m{(\w+)\.po$} } glob 'lib/view/po/*.po';
is_deeply([sort @Pages::LANGUAGES], [sort 'en', @po], 'pages speak the languages of the fragments');
{
    my $conf = slurp('conf/owacal.conf');
    none('conf/owacal.conf tells httpd of each language', grep { $conf !~ /^#\s+AddLanguage $_ \.$_$/m } @Pages::LANGUAGES);
    my ($order) = $conf =~ /^#\s+LanguagePriority (.*)$/m;
    is_deeply([sort split ' ', $order // ''], [sort @Pages::LANGUAGES], 'and of their order');
}

# ---- what is in it ----

my %text;    # language => English => its own
for my $lang (@po) {
    my $id;
    for (split /\n/, slurp("lib/view/po/$lang.po")) {
        $id = $1 if /^msgid "(.*)"$/;
        $text{$lang}{$id} = $1 if /^msgstr "(.*)"$/ && defined $id;
    }
}

for my $page (@Pages::PAGES) {
    my ($bones, $words, $rest) = parts(slurp("conf/pages/$page.en"));
    is($rest, '', "$page.en can be read");
    cmp_ok(scalar(@$words), '>=', 3, '  and says something');
    is($bones->[1], 'html lang="en"', '  in English');
    for my $lang (@po) {
        my $html = slurp("conf/pages/$page.$lang");
        my ($b, $w, $r) = parts($html);
        is($r, '', "$page.$lang can be read");
        is($b->[1], qq{html lang="$lang"}, '  says its language');
        is_deeply([@$b[0, 2 .. $#$b]], [@$bones[0, 2 .. $#$bones]], '  same elements, placeholders, links and remarks, in the same order');
        none('  no word is left in English', grep { !$name{$_} && /\p{L}/ } map { $w->[$_] } grep { $w->[$_] eq $words->[$_] } 0 .. $#$w);
        my %same = map { $words->[$_] => $w->[$_] } 0 .. $#$words;
        none('  names are names', grep { exists $same{$_} && $same{$_} ne $_ } keys %name);
        none('  the words of the fragments', map { "$_: $same{$_}, there $text{$lang}{$_}" }
            grep { exists $same{$_} && $same{$_} ne ($text{$lang}{$_} // '') } @shared);
        none('  quotes and apostrophes as the language has them', grep { /['"]/ } @$w);
        none('  a blank that keeps French marks with their word', grep { /(?<!\x{a0})[:;?!]/ } @$w) if $lang eq 'fr';
        unlike($html, qr/\x{FEFF}|\x{FFFD}|\r/, '  plain UTF-8');
    }
}

# The script says nothing by itself: what it shows is from the page, or the server.
{
    my $js = slurp('conf/pages/owacal.js');
    $js =~ s{/\*.*?\*/|//[^\n]*}{}gs;
    # Sentences and labels begin with a capital letter or hold a blank; names of elements, events and keys do not.
    my %key = map { $_ => 1 } 'use strict', qw(ArrowDown ArrowLeft ArrowRight ArrowUp Arrow Enter Escape Accept Event);
    none('owacal.js has no words of its own', grep { !$key{$_} && /^\p{Lu}\p{Ll}|\p{L}{2} \p{L}{2}/ && !/[\[\]#.>=]/ }
        $js =~ /"((?:[^"\\\n]|\\.)*)"/g, map { s/\$\{[^}]*\}//gr } $js =~ /`([^`]*)`/g);
    my $css = slurp('conf/pages/owacal.css');
    $css =~ s{/\*.*?\*/}{}gs;
    none('nor has owacal.css', grep { /\p{L}/ } map { s/\\[0-9a-fA-F]+ ?//gr } $css =~ /\bcontent:\s*"([^"]*)"/g);
}

done_testing();
