#!/usr/bin/perl
# The shipped pages in a real browser, as conf/owacal.conf serves them: an ordinary day with the script on
# and off, in English, German and Hungarian, by keyboard alone, at 320 and 1920 pixels; accessible in every
# language, quiet in the console, nothing asked of anybody else, nothing inline. What happens there stands
# in t/browser/everyday.mjs.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Browser;
use Httpd;
use Pages;

if (my $why = Browser::missing()) {
    plan skip_all => $why if $> != 0;    # root could have installed it
    fail('a browser is here');
    diag $why;
    done_testing();
    exit 1;
}

my $dir = tempdir('owacal-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
my $sim = Pages::simulator($dir, '--lag', '0');

# Doors act by an account of their own.
open my $secret, '>', "$dir/panel.password" or die "$dir: $!";
print $secret "pw-panel\n";
close $secret or die "$dir: $!";
chmod 0600, "$dir/panel.password";
$sim->control(POST => "/_sim/grant?mailbox=$_&user=panel&level=owner") for qw(boardroom library);
my $door = <<"E";
OwaCalCredential panel user=EXAMPLE\\panel password=$dir/panel.password
<Location "/panel">
  AuthType Basic
  AuthName panels
  AuthBasicProvider file
  AuthUserFile \@DIR\@/users
  Require valid-user
  SetHandler owacal
  OwaCalUse corp
  OwaCalTimezone Europe/Budapest
  OwaCalIdentity device credential=panel rooms=boardroom,library
</Location>
E
my $web = Httpd->start(backend => $sim->{url}, Pages::served(lines => $door));
my ($planned, $good) = (-1, 1);
my $status = Browser::run('everyday.mjs', $web, sub {
    my ($line) = @_;
    if ($line =~ /^(not )?ok \d+ - (.*)/) {
        $good = ok(!$1, $2);
    } elsif ($line =~ /^1\.\.(\d+)/) {
        $planned = $1;
    } elsif ($good) {
        note $line;
    } else {
        diag $line;
    }
});
is(Test::More->builder->current_test, $planned, 'it came to its end');
is($status, 0, 'and well');
unlike($web->log, qr/\[\w+:(?:error|crit|alert|emerg)\]/, 'httpd has no error in its log');
$web->stop;

# What can be proved without a browser: nothing that the policy would refuse is shipped, or written by us.
for my $file (glob("$Bin/../conf/pages/*.html.*"), glob("$Bin/../lib/view/*.c")) {
    open my $in, '<', $file or die "$file: $!";
    my $text = do { local $/; <$in> };
    my $name = $file =~ s{^.*/\.\./}{}r;
    if ($name =~ /\.c$/) {
        unlike($text, qr/"(?:style|on[a-z]+)"\s*,/, "$name writes nothing inline");
    } else {
        unlike($text, qr/\s(?:style|on[a-z]+)\s*=|<style|<script(?![^>]*\ssrc=)|javascript:/i, "$name has nothing inline");
        unlike($text, qr{\b(?:src|href|action)="(?:[a-z]+:)?//}i, "$name needs nothing of anybody else");
    }
}

done_testing();
