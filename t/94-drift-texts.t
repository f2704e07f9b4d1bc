#!/usr/bin/perl
# The texts that people read: each stands in every language, with the same {names}; no language has
# one that nobody says; and nothing visible is written past the tables.
use strict;
use warnings;
use utf8;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Drift;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my @languages = qw(de fr hu);

sub plain { my ($s) = @_; $s =~ s/\\x([0-9a-f]{2})/chr hex $1/gie; $s =~ s/\\n/\n/g; $s =~ s/\\(["\\])/$1/g; return $s }

# ---- C ----

my $string   = qr/"(?:[^"\\\n]|\\.)*"/;
my $strings  = qr/$string(?:\s*$string)*/;
my %source;
for my $file (sort map { glob } qw(lib/*/*.[ch] lib/backend/*/*.[ch])) {
    my $text = slurp($file);
    # Comments go, line ends stay; a string may hold what looks like one.
    $text =~ s{($string)|(/\*.*?\*/)}{defined $1 ? $1 : $2 =~ s/[^\n]//gr}ges;
    $text =~ s/\\\n/ \n/g;
    $source{$file} = $text;
}

sub joined { my ($literals) = @_; return plain(join '', $literals =~ /"((?:[^"\\\n]|\\.)*)"/g) }

# The arguments of the call whose opening bracket is at $at, each as text.
sub arguments {
    my ($text, $at) = @_;
    my ($depth, @args) = (0, '');
    pos($text) = $at;
    while ($text =~ /\G($string|'(?:[^'\\]|\\.)*'|[^"'(){},]+|.)/gcs) {
        my $piece = $1;
        if ($piece =~ /^[({]$/) { next if ++$depth == 1 }
        elsif ($piece =~ /^[)}]$/) { return @args if --$depth == 0 }
        elsif ($piece eq ',' && $depth == 1) { push @args, ''; next }
        $args[-1] .= $piece;
    }
    return;
}

# All literals of an argument that are its value: not those that another call is given.
sub values_of {
    my ($argument) = @_;
    my @kept;
    1 while $argument =~ s/\bOC_TEXT\(\s*($strings)\s*\)/$1/g;
    $argument =~ s/($strings)/push @kept, $1; "\@$#kept\@"/ge;
    1 while $argument =~ s/\b\w+\([^()]*\)//g || $argument =~ s/(?<!\w)\(([^()]*)\)/$1/g;
    return map { joined($kept[$_]) } $argument =~ /\@(\d+)\@/g;
}

# "more than %d bytes" is known as "more than {1} bytes".
sub numbered {
    my ($format) = @_;
    my $n = 0;
    $format =~ s/%([-+ 0-9.]*(?:[lz]*[disu]|%))/$1 eq '%' ? '%' : '{' . ++$n . '}'/ge;
    return $format;
}

my %macro = (APR_SIZE_T_FMT => '"lu"', APR_TIME_T_FMT => '"ld"', APR_INT64_T_FMT => '"ld"');
my $macros = join '|', keys %macro;

my %said;           # text => where
sub said { my ($text, $where) = @_; $said{$text} //= $where if $text =~ /\p{L}/ }
sub has_words { my ($text) = @_; $text =~ s/\{\w+\}//g; return $text =~ /\p{L}/ }

# Which argument of what is a text, and whether it is a printf format.
my %speaks = (oc_say => [1], oc_view_say => [1], oc_say_with => [2], oc_view_with => [1], OC_TEXT => [0]);
my %input = map { $_ => 1 } slurp('lib/base/result.h') =~ /\bX\((\w+),\s*"[^"]+",\s*INPUT,/g;
cmp_ok(scalar(keys %input), '>', 8, 'the reasons that are told with a detail can be read');

for my $file (sort keys %source) {
    my $text = $source{$file};
    $text =~ s/\b($macros)\b/$macro{$1}/g;
    while ($text =~ /\b(oc_say|oc_view_say|oc_say_with|oc_view_with|OC_TEXT|OC_TEXT_LIST|oc_result_field|oc_result_fail)\(/g) {
        my ($name, $at, $where) = ($1, pos($text) - 1, "$file:" . line_of($text, $-[0]));
        next if substr($text, 0, $-[0]) =~ /#define\s+\z/ || $file =~ m{^lib/base/result\.|^lib/view/say\.};
        my @args = arguments($text, $at);
        if ($speaks{$name}) {
            said($_, $where) for values_of($args[ $speaks{$name}[0] ] // '');
        }
        elsif ($name eq 'OC_TEXT_LIST') {
            said("$_: {list}.", $where) for values_of($args[0]);
        }
        else {
            my @reasons = ($args[1] // '') =~ /OC_REASON_(\w+)/g;
            next if $name eq 'oc_result_fail' && !grep { $input{$_} } @reasons;
            said($_, $where) for grep { has_words($_) }
                map { numbered($_) } values_of($args[ $name eq 'oc_result_field' ? 3 : 2 ] // '');
        }
    }
}

# The table of reasons, and what is to be done about them.
{
    my $table = slurp('lib/base/result.h');
    my @sentences;
    while ($table =~ /\bX\(\w+,\s*"[^"]+",\s*\w+,\s*\d+,[\s\\]*($strings)\)/g) {
        push @sentences, joined($1);
    }
    cmp_ok(scalar(@sentences), '>', 40, 'the sentences of the reasons can be read');
    said($_, 'lib/base/result.h') for @sentences;
    my @remedies = map { joined($_) } $source{'lib/view/remedy.c'} =~ /\breturn\s+($strings);/g;
    cmp_ok(scalar(@remedies), '>', 20, 'the remedies can be read');
    said($_, 'lib/view/remedy.c') for @remedies;
}
# What the self-test calls the facts that it has found.
{
    my $n = 0;
    for my $file (grep { m{^lib/httpd/check\.c$|^lib/backend/\w+/probe\.c$|^lib/auth/} } sort keys %source) {
        while ($source{$file} =~ /\b(?:apr_table_setn?\([\w>-]*facts|fact\((?:\w+, )+)(?:, )?\s*"([^"]+)"/g) {
            said($1, "$file:" . line_of($source{$file}, $-[0]));
            $n++;
        }
    }
    cmp_ok($n, '>', 30, 'the facts of the self-test can be read');
}
cmp_ok(scalar(keys %said), '>', 150, 'texts are found');

# ---- the .po files ----

sub read_po {
    my ($file) = @_;
    my (%texts, $what, %entry, @twice);
    my $end = sub {
        my $id = plain($entry{msgid} // '');
        push @twice, $id if length $id && exists $texts{$id};
        $texts{$id} = plain($entry{msgstr} // '') if length $id;
        %entry = ();
    };
    for (split /\n/, slurp($file)) {
        if (/^(msgid|msgstr) "(.*)"$/) {
            $end->() if $1 eq 'msgid';
            ($what, $entry{$1}) = ($1, $2);
        }
        elsif (/^"(.*)"$/) { $entry{$what} .= $1 }
    }
    $end->();
    none("$file: no text stands there twice", @twice);
    return \%texts;
}

sub names { my ($text) = @_; return join ' ', sort $text =~ /\{(\w+)\}/g }

for my $language (@languages) {
    my $po = read_po("lib/view/po/$language.po");
    none("$language: every text is there", map { "$said{$_}: $_" } grep { !length($po->{$_} // '') } sort keys %said);
    none("$language: and none that nobody says", grep { !exists $said{$_} } sort keys %$po);
    none("$language: with the same {names}",
        map { "$_ -- $po->{$_}" } grep { length $po->{$_} && names($_) ne names($po->{$_}) } sort keys %$po);
    none("$language: sentences end as theirs do",
        map { "$_ -- $po->{$_}" } grep { length $po->{$_} && /\.$/ != ($po->{$_} =~ /\.$/) } sort keys %$po);
    none("$language: no markup, no line ends", grep { $po->{$_} =~ /[<>\n\t]|&\w+;/ } sort keys %$po);
}

# ---- nothing is written past them ----

# What stands in a page and is no word of a language.
my %no_text = map { $_ => 1 } (
    ' (%ld ms)',            # a unit
    'utf-8', 'width=device-width, initial-scale=1',
);
{
    my @bare;
    my %visible = map { $_ => 1 } qw(aria-label title alt placeholder aria-description);
    for my $file (grep { m{^lib/(?:view|httpd)/.*\.c$} && $_ ne 'lib/view/html.c' } sort keys %source) {
        my $text = $source{$file};
        $text =~ s/\b($macros)\b/$macro{$1}/g;
        while ($text =~ /\b(oc_html_(?:text|textf|element|open|parts)|oc_page_begin)\(/g) {
            my ($name, $at, $where) = ($1, pos($text) - 1, "$file:" . line_of($text, $-[0]));
            my @args  = arguments($text, $at);
            my @shown = $name eq 'oc_html_element' ? $args[2] : $name eq 'oc_html_open' ? () : $args[1];
            my $first = $name eq 'oc_html_element' ? 3 : $name eq 'oc_html_open' ? 2 : @args;
            for (my $i = $first; $i + 1 < @args; $i += 2) {
                my ($attribute) = $args[$i] =~ /"([^"]*)"/;
                push @shown, $args[ $i + 1 ] if $visible{ $attribute // '' };
            }
            for my $literal (map { values_of($_ // '') } @shown) {
                (my $words = $literal) =~ s/%[-0-9.]*[lz]*[disux]|\{\w+\}//g;
                push @bare, "$where: $literal" if $words =~ /\p{L}/ && !$no_text{$literal};
            }
        }
    }
    none('every text in a page goes through oc_say', @bare);
}

# A sentence, or a word with a capital, anywhere in the files that render is one that people read,
# unless it is one of these.
my %technical = map { $_ => 1 } (
    'width=device-width, initial-scale=1', '2026-03-05 10:00',
);
{
    my @bare;
    for my $file (grep { m{^lib/view/\w+\.c$} && !m{/(?:say|html)\.c$} } sort keys %source) {
        my $text = $source{$file};
        while ($text =~ /($strings)/g) {
            my ($literal, $where) = (joined($1), "$file:" . line_of($text, $-[0]));
            next if $said{$literal} || $technical{$literal} || $literal =~ /\bowacal\b/;    # classes
            next if substr($text, 0, $-[0]) =~ /#include\s*\z/;
            push @bare, "$where: $literal" if $literal =~ /\p{L}\p{L}+ \p{L}/ || $literal =~ /^\p{Lu}\p{Ll}/;
        }
    }
    none('no sentence stands in a file that renders and is not put into languages', @bare);
}

# What operations and backends keep for people is marked.
{
    my @unmarked;
    for my $file (grep { m{^lib/(?:op|backend)/.*\.[ch]$} } sort keys %source) {
        my $text = $source{$file};
        while ($text =~ /\b(?:pending_why|not_done|left_behind|remark|left)\s*=\s*([^;]*);/g) {
            my ($value, $where) = ($1, "$file:" . line_of($text, $-[0]));
            push @unmarked, map { "$where: $_" } grep { /\p{L}/ && !$said{$_} } values_of($value);
        }
        while ($text =~ /\b(oc_\w+_end_(?:standing|unknown)|end_left_behind)\(/g) {
            my ($at, $where) = (pos($text) - 1, "$file:" . line_of($text, $-[0]));
            my @args = arguments($text, $at);
            push @unmarked, map { "$where: $_" } grep { /\p{L}/ && !$said{$_} } values_of($args[1] // '');
        }
    }
    # Sent to the attendees in the name of the organizer, whose language nobody here knows.
    my %sent = map { $_ => 1 } 'The room is not available at that time.';
    for my $file (grep { m{^lib/(?:op|backend/\w+)/\w+\.[ch]$} } sort keys %source) {
        my $text = $source{$file};
        while ($text =~ /(return\s+)?($strings)/g) {
            my ($return, $literal, $where) = ($1, joined($2), "$file:" . line_of($text, $-[2]));
            (my $sentence = $literal) =~ s/^ //;
            next if $said{$sentence} || $sent{$sentence};
            push @unmarked, "$where: $literal"
                if $sentence =~ /^\p{Lu}.* .*\.$/ || $return && $file =~ m{^lib/op/} && $literal =~ /\p{L} \p{L}/;
        }
    }
    none('what an operation leaves to be said is marked', @unmarked);
}

# What a typesetter would see: apostrophes and quotation marks of the language, and in French a blank that
# keeps a mark with its word.
for my $lang (@languages) {
    my @bad;
    for (split /\n/, slurp("lib/view/po/$lang.po")) {
        my ($text) = /^msgstr "(.*)"$/ or next;
        $text =~ s/&#NNN;/0/g;
        push @bad, $text if $text =~ /'|\\"/ || $text =~ /  /;
        push @bad, $text if $lang eq 'fr' && ($text =~ / [;:?!»]|« / || $text =~ /\p{L}[;?!»]/);
    }
    none("$lang.po is set as that language is", @bad);
}

done_testing();
