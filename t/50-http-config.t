#!/usr/bin/perl
# configtest: the reference configuration and a plain one are accepted; each wrong directive is refused
# with file, line, what is wrong and what would be right.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;

sub refused {
    my ($name, $like, %o) = @_;
    my ($status, $out) = Httpd->configtest(%o);
    isnt($status, 0, "$name: refused");
    like($out, $like, "$name: says why and what would be right");
    like($out, qr/line \d+/, "$name: names the line") if !$o{no_line};
    like($out, qr/httpd\.conf|owacal\.conf|rooms/, "$name: names the file") if !$o{no_line};
    return;
}

my ($status, $out) = Httpd->configtest;
is($status, 0, 'a plain configuration is accepted') or diag $out;

{    # the reference configuration, as an administrator would include it
    my $dir = tempdir(CLEANUP => 1);
    open my $in, '<', "$Bin/../conf/owacal.conf" or die;
    my $text = do { local $/; <$in> };
    $text =~ s/^LoadModule.*$//m;
    open my $file, '>', "$dir/owacal.conf" or die;
    print $file $text;
    close $file;
    ($status, $out) = Httpd->configtest(backend_line => "Include $dir/owacal.conf", rooms => '',
        modules => ['authz_host'], location => 'OwaCalIdentity delegated');
    is($status, 0, 'conf/owacal.conf is accepted as it is') or diag $out;
    # every commented directive works, too, when somebody takes the # away
    $text =~ s/^(\s*)#(OwaCal(?!Rooms|Secret|Credential)\w+ )/$1$2/mg;
    open $file, '>', "$dir/owacal.conf" or die;
    print $file $text;
    close $file;
    ($status, $out) = Httpd->configtest(backend_line => "Include $dir/owacal.conf", rooms => '',
        modules => ['authz_host']);
    is($status, 0, 'so are its commented lines when they are put in force') or diag $out;
}

my $b = 'OwaCalBackend corp owa2003 http://127.0.0.1:9/exchange/';
refused('no address', qr/takes a name, a kind and an address/, backend_line => 'OwaCalBackend corp owa2003');
refused('unknown kind', qr/OwaCalBackend corp: .*owa2003/s, backend_line => 'OwaCalBackend corp owa2099 http://h/exchange/');
refused('address with a password', qr/without user/, backend_line => 'OwaCalBackend corp owa2003 http://u:p@h/exchange/');
refused('address of another scheme', qr/https:\/\/HOST/, backend_line => 'OwaCalBackend corp owa2003 ftp://h/');
refused('address with a port that is none', qr/"http:\/\/h:70000\/": a/, backend_line => 'OwaCalBackend corp owa2003 http://h:70000/');
refused('address with an odd host', qr/host's name is made of/, backend_line => 'OwaCalBackend corp owa2003 "http://h(1)/exchange/"');
($status, $out) = Httpd->configtest(backend_line => 'OwaCalBackend corp owa2003 http://[::1]:8080/exchange/');
is($status, 0, 'an IPv6 address in brackets is one') or diag $out;
refused('unknown backend option', qr/known are connect=/, backend_line => "$b conect=h:1");
refused('connect= without host', qr/connect=/, backend_line => "$b connect=a/b");
refused('ca= of a missing file', qr/no such file/, backend_line => "$b ca=/nonexistent.pem");
refused('tls= of no version', qr/1\.0, 1\.1, 1\.2 or 1\.3/, backend_line => "$b tls=0.9");
refused('spn= of no service', qr/HTTP\@/, backend_line => "$b spn=mail");
refused('a backend twice', qr/given before .* line \d+/, backend_line => "$b\n$b");
refused('a backend name with a slash', qr/letters/, backend_line => 'OwaCalBackend a/b owa2003 http://h/exchange/');
refused('use of no backend', qr/OwaCalUse corp: there is no such backend; declare/, backend_line => 'OwaCalBackend other owa2003 http://127.0.0.1:9/exchange/');
refused('room without address', qr/OwaCalRoom/, rooms => 'OwaCalRoom boardroom');
refused('room with no address', qr/address/, rooms => 'OwaCalRoom boardroom nowhere');
refused('room twice', qr/given before/, rooms => "OwaCalRoom a a\@x.example\nOwaCalRoom a b\@x.example");
refused('mailbox twice', qr/another room/, rooms => "OwaCalRoom a a\@x.example\nOwaCalRoom b A\@x.example");
refused('mailbox name twice', qr/say mailbox=ALIAS/, rooms => "OwaCalRoom a hall\@x.example\nOwaCalRoom b hall\@y.example");
($status, $out) = Httpd->configtest(rooms => "OwaCalRoom a hall\@x.example\nOwaCalRoom b hall\@y.example mailbox=hall2");
is($status, 0, 'two rooms of one name in two domains, with mailbox=') or diag $out;
refused('room with an unknown option', qr/unknown: name=/, rooms => 'OwaCalRoom a a@x.example capcity=3');
refused('missing rooms file', qr/OwaCalRooms/, rooms => 'OwaCalRooms /nonexistent/rooms');
refused('origin with a path', qr/scheme, host and port/, server => 'OwaCalOrigin https://h/path');
refused('timeout of nothing', qr/50ms to 300s/, server => 'OwaCalTimeout step=0');
refused('unknown timeout', qr/known are connect=/, server => 'OwaCalTimeout stop=3s');
refused('step longer than operation', qr/must not be longer/, server => 'OwaCalTimeout step=30s operation=5s');
($status, $out) = Httpd->configtest(server => 'OwaCalTimeout operation=2s');
is($status, 0, 'a short operation shortens the defaults inside it') or diag $out;
refused('limit past its bound', qr/from 1 to 64/, server => 'OwaCalLimit gss-threads=100');
refused('limit that is no number', qr/a number/, server => 'OwaCalLimit body=many');
refused('unknown limit', qr/known are inflight=/, server => 'OwaCalLimit speed=1');
refused('trace of nothing', qr/off, failures or all/, server => 'OwaCalTrace some');
refused('command without update=', qr/update=/, server => 'OwaCalOwaCommand Cmd=sendappt');
refused('command with an unknown placeholder', qr/\{path\} is no placeholder: \{msgid\}/,
    server => 'OwaCalOwaCommand "update=MsgID={path}"');
($status, $out) = Httpd->configtest(server => 'OwaCalOwaCommand "update=MsgID={msgid}" '
        . '"update=http://schemas.microsoft.com/mapi/id/{00062008-0000-0000-C000-000000000046}/0x8501=15"');
is($status, 0, 'placeholders and GUIDs are told apart') or diag $out;
refused('identity without mode', qr/basic, delegated, s4u, service, device or relay/, location => 'OwaCalIdentity kerberos');
refused('identity with an unknown option', qr/known are upstream=/, location => 'OwaCalIdentity basic realm=x');
refused('upstream of nothing', qr/basic, ntlm or forms/, location => 'OwaCalIdentity basic upstream=digest');
for my $case (
    ['a credential without user', 'OwaCalCredential svc password=/etc/passwd', qr/user= and password= are wanted/],
    ['a credential without password', 'OwaCalCredential svc user=svc', qr/user= and password= are wanted/],
    ['a credential without name', 'OwaCalCredential', qr/takes a name and options/],
    ['a credential with a bad name', 'OwaCalCredential a/b user=svc password=x', qr/takes a name and options/],
    ['a credential with an unknown option', 'OwaCalCredential svc user=svc secret=hunter2', qr/no option "secret"; known are user=/],
    ['a credential with an unknown upstream', 'OwaCalCredential svc user=svc password=x upstream=digest', qr/basic, ntlm or forms/],
    ['a credential with a colon by Basic', 'OwaCalCredential svc user=a:b password=x', qr/upstream=ntlm/],
    ['a credential without mailbox', 'OwaCalCredential svc user=EX\\ password=x', qr/say mailbox=NAME/],
    ['a credential with a path as mailbox', 'OwaCalCredential svc user=svc password=x mailbox=../x', qr/mailbox= takes/],
    ['a quotation mark left open', 'OwaCalCredential svc user=svc password="exec:/bin/x y', qr/not closed/],
    ['a password file that is not there', 'OwaCalCredential svc user=svc password=/nonexistent/pw', qr/OwaCalCredential svc: .*no such file/],
    ['a password file that others can read', 'OwaCalCredential svc user=svc password=/etc/passwd', qr/chmod 0600/],
    ['a password program that is not there', 'OwaCalCredential svc user=svc password="exec:/nonexistent/pw x"', qr/no such program/],
    ['a password program by a relative path', 'OwaCalCredential svc user=svc password=exec:cat', qr/absolute path/],
) {
    refused($case->[0], $case->[2], server => $case->[1]);
}
{
    my $dir = tempdir(CLEANUP => 1);
    my $put = sub { my ($name, $mode, $text) = @_; open my $f, '>', "$dir/$name" or die; print $f $text; close $f; chmod $mode, "$dir/$name"; return "$dir/$name" };
    $put->('pw', 0600, "secret\n");
    my $svc = "OwaCalCredential svc user=EXAMPLE\\svc password=$dir/pw";
    refused('a credential twice', qr/given before .* line \d+/, server => "$svc\n$svc");
    refused('service without credential', qr/credential=NAME is wanted/, location => 'OwaCalIdentity service', server => $svc);
    refused('service with an unknown credential', qr/no credential nobody; declare it with OwaCalCredential nobody/,
        location => 'OwaCalIdentity service credential=nobody', server => $svc);
    refused('device with an unknown room', qr/no room attic; declare it with OwaCalRoom attic/,
        location => 'OwaCalIdentity device credential=svc rooms=boardroom,attic', server => $svc);
    refused('device with an empty list of rooms', qr/ids of rooms/, location => 'OwaCalIdentity device credential=svc rooms=,', server => $svc);
    refused('device with actors', qr/known are credential=NAME and rooms=/, location => "OwaCalIdentity device credential=svc actors=$dir/pw", server => $svc);
    refused('service with a missing actors file', qr/no such file/, location => "OwaCalIdentity service credential=svc actors=$dir/none", server => $svc);
    $put->('actors', 0644, "ana: boss\nbob\n");
    refused('a wrong line of an actors file', qr/actors: line 2: there is no colon/, location => "OwaCalIdentity service credential=svc actors=$dir/actors", server => $svc);
    $put->('actors', 0644, "\@staff: boss\n");
    refused('a group without groups=', qr/groups=FILE/, location => "OwaCalIdentity service credential=svc actors=$dir/actors", server => $svc);
    refused('groups= without actors=', qr/actors=FILE/, location => "OwaCalIdentity service credential=svc groups=$dir/actors", server => $svc);
    $put->('groups', 0644, "staff: ana bob\n");
    ($status, $out) = Httpd->configtest(location => "OwaCalIdentity service credential=svc actors=$dir/actors groups=$dir/groups", server => $svc);
    is($status, 0, 'a service with people and groups') or diag $out;
    $put->('program', 0700, "#!/bin/sh\necho secret; : >$dir/ran\n");
    ($status, $out) = Httpd->configtest(location => 'OwaCalIdentity device credential=svc rooms=boardroom',
        server => qq{OwaCalCredential svc user=EXAMPLE\\svc password="exec:$dir/program a b"});
    is($status, 0, 'a device with a program for its password') or diag $out;
    ok(!-e "$dir/ran", 'configtest does not run it');
}
refused('freshness with something behind it', qr/is not a time/, location => "OwaCalIdentity basic\nOwaCalFreshness 15s,30s");
refused('a deadline of another unit', qr/a time from 50ms to 300s/, server => 'OwaCalTimeout operation=5millions');
refused('a deadline without a number', qr/a time from 50ms to 300s/, server => 'OwaCalTimeout operation=s');
($status, $out) = Httpd->configtest(server => 'OwaCalTimeout connect=900ms step=9 operation=1min undo=5s');
is($status, 0, 'deadlines in the units that httpd knows') or diag $out;
refused('time zone of nowhere', qr/no time zone/, location => "OwaCalIdentity basic\nOwaCalTimezone Mars/Olympus");
refused('conflict policy', qr/refuse, warn or allow/, location => "OwaCalIdentity basic\nOwaCalConflict never");
refused('return to another host', qr/OwaCalReturn/, location => "OwaCalIdentity basic\nOwaCalReturn //evil.example");
refused('privacy', qr/busy, organizer or subject/, location => "OwaCalIdentity basic\nOwaCalPrivacy all");
refused('base that is no path', qr/OwaCalBase/, location => "OwaCalIdentity basic\nOwaCalBase booking");
for my $expr ('%{HTTP_X_USER}', '%{req:X-User}', '%{QUERY_STRING}', '%{env:USER}', '%{reqenv:USER}', '%{osenv:USER}',
    "%{REMOTE_USER}%{HTTP:X}") {
    refused("mailbox from $expr", qr/not allowed/, location => qq{OwaCalIdentity basic\nOwaCalMailbox "$expr"});
}
refused('realm of nothing', qr/OwaCalRealm: a Kerberos realm is wanted, as in/, server => 'OwaCalRealm');
refused('realm with a slash', qr/OwaCalRealm: "EX\/COM" is no realm/, server => 'OwaCalRealm EX/COM');
refused('realm with an unknown option', qr/domains=EX: known are domain=/, server => 'OwaCalRealm EX.TEST domains=EX');
refused('realm with an empty domain', qr/"" is no domain's name/, server => 'OwaCalRealm EX.TEST domain=EX,');
{    # the later of the two lines is named
    my $dir = tempdir(CLEANUP => 1);
    open my $file, '>', "$dir/owacal.conf" or die;
    print $file "OwaCalRealm EX.TEST\nOwaCalRealm OTHER.TEST\nOwaCalRealm ex.test\nOwaCalRealm LAST.TEST\n";
    close $file;
    refused('realm twice', qr/owacal\.conf line 3: OwaCalRealm EX\.TEST: the realm EX\.TEST was declared before/, server => "Include $dir/owacal.conf");
}
refused('a mail domain in two realms', qr/"mail\.test" belongs to A\.TEST and to B\.TEST.*one realm/,
    server => "OwaCalRealm A.TEST mail=mail.test\nOwaCalRealm B.TEST mail=mail.test");
refused('a Windows domain in two realms', qr/belongs to A\.TEST and to B\.TEST/, server => "OwaCalRealm A.TEST domain=X\nOwaCalRealm B.TEST domain=x");
refused("a mail domain that is another's realm", qr/belongs to A\.TEST and to B\.TEST/, server => "OwaCalRealm A.TEST mail=b.test\nOwaCalRealm B.TEST");
refused('two defaults', qr/A\.TEST and B\.TEST are both the default/, server => "OwaCalRealm A.TEST default\nOwaCalRealm B.TEST default");
refused('a realm inside a location', qr/OwaCalRealm.*not allowed/s, location => "OwaCalIdentity basic\nOwaCalRealm A.TEST");
my $host = sub { "<VirtualHost *:8>\nServerName http://v\n$_[0]\n</VirtualHost>" };
refused("a virtual host's realm against the main server's", qr/OwaCalRealm B\.TEST: "X" belongs to A\.TEST and to B\.TEST/,
    server => "OwaCalRealm A.TEST domain=X\n" . $host->('OwaCalRealm B.TEST domain=X'));
refused("a virtual host's default against the main server's", qr/both the default/,
    server => "OwaCalRealm A.TEST default\n" . $host->('OwaCalRealm B.TEST default'));
($status, $out) = Httpd->configtest(server => "OwaCalRealm A.TEST domain=A mail=a.test default\n" . $host->('OwaCalRealm B.TEST domain=B mail=b.test,b2.test')
        . "\n" . $host->('OwaCalRealm C.TEST mail=b.test'));
is($status, 0, 'virtual hosts add realms, each to those of the main server') or diag $out;
refused('deadlines inside a virtual host', qr/VirtualHost/i,
    server => "<VirtualHost *:8>\nServerName http://v\nOwaCalTimeout step=3s\n</VirtualHost>");

{
    my $dir = tempdir(CLEANUP => 1);
    my $write = sub { open my $f, '>', "$dir/rooms" or die; print $f $_[0]; close $f };
    $write->("# rooms\nboardroom boardroom\@x.example name=\"Board room\" capacity=5\n\nroom1 room1\@x.example\n");
    ($status, $out) = Httpd->configtest(rooms => "OwaCalRooms $dir/rooms");
    is($status, 0, 'a rooms file is accepted') or diag $out;
    $write->("boardroom boardroom\@x.example\nroom1 nowhere\n");
    refused('a wrong line of a rooms file', qr/rooms.*2/s, rooms => "OwaCalRooms $dir/rooms");
}
done_testing();
