#!/usr/bin/perl
# Log ids, reason tokens, statuses: what an administrator or a program sees must be unique, stay, and be
# found in README; a failed login has its remedy, and none of ours asks for one.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Drift;


# The arguments of a call whose opening bracket is at $at, strings and nesting respected.
sub call_text {
    my ($text, $at) = @_;
    my $depth = 0;
    pos($text) = $at;
    while ($text =~ /\G(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|([()])|[^"'()]+)/gcs) {
        next if !defined $1;
        $depth += $1 eq '(' ? 1 : -1;
        return substr($text, $at + 1, pos($text) - $at - 2) if $depth == 0;
    }
    return;
}

my @source = grep { !m{^lib/base/log\.[ch]$} } sort map { glob } qw(mod_owacal.c lib/*/*.[ch] lib/backend/*/*.[ch]);
my $readme = slurp('README');
ok(scalar(@source) && length $readme, 'there are sources and a README to compare');

my (%id_at, @doubled, @malformed, @nameless, @literal);
for my $file (@source) {
    my $text = slurp($file);
    while ($text =~ /\bOC_LOGID\(\s*([^)]*?)\s*\)/g) {
        my ($id, $where) = ($1, "$file:" . line_of($text, $-[0]));
        push @malformed, "$where: $id" if $id !~ /^\d{4}$/;
        push @doubled, "$id: $id_at{$id} and $where" if $id_at{$id};
        $id_at{$id} //= $where;
    }
    while ($text =~ /\boc_log\(/g) {
        my $where = "$file:" . line_of($text, $-[0]);
        my $args  = call_text($text, pos($text) - 1) // '';
        push @nameless, $where if $args !~ /^\s*OC_LOG_TRACE\b/ && $args !~ /\bOC_LOGID\(/;
    }
    while ($text =~ /"[^"\n]*OWACAL\d/g) {
        push @literal, "$file:" . line_of($text, $-[0]);
    }
}
none('log ids are four digits', @malformed);
none('no two messages share a log id', @doubled);
none('every message from debug level up has an id', @nameless);
none('ids come from the macro, none is written out', @literal);

{
    my %named = map { $_ => 1 } $readme =~ /\bOWACAL(\d{4})\b/g;
    none('every log id that README explains exists', grep { !$id_at{$_} } sort keys %named);
    cmp_ok(scalar(keys %named), '>=', 10, 'README explains the ids an administrator meets');
}

{
    my $table = slurp('lib/base/result.h');
    my %token;
    my @names;
    while ($table =~ /\bX\((\w+),\s*"([^"]+)",/g) {
        push @names, $1;
        $token{$2} = 1;
    }
    cmp_ok(scalar(@names), '>', 20, 'the table of reasons can be read');
    none('reason tokens are small words with hyphens', grep { !/^[a-z]+(?:-[a-z0-9]+)*$/ } sort keys %token);
    none('README documents every reason token', grep { $_ ne 'ok' && $readme !~ /`\Q$_\E`/ } sort keys %token);

    my $all = join '', map { slurp($_) } grep { $_ ne 'lib/base/result.h' } @source;
    none('every reason is given somewhere', grep { $all !~ /\bOC_REASON_$_\b/ } @names);
}

{
    my %remedied = map { $_ => 1 } slurp('lib/view/remedy.c') =~ /case OC_REASON_(\w+):/g;
    my %given;
    for my $file (grep { m{^lib/auth/|^lib/httpd/person\.c$} && /\.c$/ } @source) {
        my $text = slurp($file);
        $given{$1} //= $file while $text =~ /\bOC_REASON_(\w+)/g;
    }
    delete @given{qw(OK COUNT)};
    cmp_ok(scalar(keys %given), '>', 10, 'signing in can fail in many ways');
    none('each of which the self-test knows a remedy for', map { "$_ ($given{$_})" } grep { !$remedied{$_} } sort keys %given);
}

# A 401 of ours would make the browser ask for a password, and a challenge passed on would send it to
# the wrong server. The relay is a login module of its own.
{
    my @wrong;
    for my $file (grep { $_ eq 'mod_owacal.c' || m{^lib/(?:httpd|view|op)/} && $_ ne 'lib/httpd/relay.c' } @source) {
        my $text = slurp($file);
        $text =~ s{(/\*.*?\*/)}{$1 =~ s/[^\n]//gr}ges;
        push @wrong, "$file:" . line_of($text, $-[0]) . ": $1"
            while $text =~ /(\bHTTP_UNAUTHORIZED\b|\b401\b|"(?:WWW|Proxy)-Authenticate"|\bap_note_\w*auth_failure\b|"(?:Proxy-)?Authentication-Info")/gi;
    }
    none('nothing but the relay asks for a login', @wrong);
    none('no reason is answered with 401 or 407', slurp('lib/base/result.h') =~ /\bX\((\w+),\s*"[^"]+",\s*\w+,\s*40[17]\b/g);
}

done_testing();
