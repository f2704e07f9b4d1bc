#!/usr/bin/perl
# The simulator's OWA commands: getcancel, the update POST, saveappt, the address list.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SimClient;
use SimRun;
use Test::More;

my $sim = SimRun->start('--auth', 'basic');
my $alice = SimClient->new($sim, 'alice');
my %ie = ('User-Agent' => $SimClient::IE);
my $r;

sub classes { return join ' ', map { ($_->{p}{'e:outlookmessageclass'} // 'none') =~ s/^IPM\.(Schedule\.Meeting\.)?//r } $alice->items(@_) }

subtest 'rule 25: getcancel' => sub {
    my ($path, $uid) = $alice->invite('header:bcc' => 'room1@example.test');
    my ($before) = $alice->items('alice', 'calendar');
    my $sent = $alice->items('bob', 'inbox');
    $r = $alice->do(GET => "$path?Cmd=getcancel", \%ie);
    is($r->{status}, 302, 'redirects');
    my $to = $r->{headers}{location}[0];
    like($to, qr{^http://.*/alice/Drafts/Canceled:%20Review\.EML\?Cmd=edit$}, 'to a draft');
    my ($d) = $alice->items('alice', 'drafts');
    is($d->{p}{'e:outlookmessageclass'}, 'IPM.Schedule.Meeting.Canceled', 'class');
    is($d->{p}{'cal:uid'}, $uid, 'uid');
    is("$d->{p}{'header:to'} $d->{p}{'header:bcc'}", 'bob@example.test room1@example.test', 'recipients');
    is($alice->items('bob', 'inbox'), $sent, 'nothing is sent');
    my ($after) = $alice->items('alice', 'calendar');
    is($after->{revision}, $before->{revision}, 'the appointment is unchanged');
    $r = $alice->do(GET => "$path?cmd=GETCANCEL", \%ie);
    like($r->{headers}{location}[0], qr/Review-2\.EML/, 'rule 27: once more, one draft more');
    (my $draft = SimClient::path_of($to)) =~ s/\?.*//;
    is($alice->do(MOVE => $draft, { Destination => $alice->url('/exchange/alice/%23%23DavMailSubmissionURI%23%23/') })->{status}, 201, 'moved to the submission URI');
    is($alice->items($_, 'calendar'), 0, "gone from $_") for qw(bob room1);
    is($alice->do(DELETE => $path)->{status}, 204, 'then the appointment itself');
    $alice->reset;
};

subtest 'rule 25: how it tells' => sub {
    my %how = (
        '302-path' => sub { $_[0]{headers}{location}[0] =~ m{^/exchange/alice/Drafts/Canceled} },
        '200-itemhref' => sub { $_[0]{body} =~ m{<span id="itemHREF">http://[^<]*/Drafts/Canceled} },
        '200-base' => sub { $_[0]{body} =~ m{<base href="http://[^"]*/Drafts/Canceled} },
        '200-action' => sub { $_[0]{body} =~ m{<form[^>]* action="http://[^"]*/Drafts/Canceled} },
        '200-msgid' => sub { $_[0]{body} =~ m{name="MsgID" value="/Drafts/Canceled: Review\.EML"} },
        'xml' => sub { $_[0]{body} =~ m{<a:href>http://[^<]*/Drafts/Canceled} },
        'none' => sub { $_[0]{status} == 200 && $_[0]{body} !~ /Canceled/ },
        'self' => sub { $_[0]{headers}{location}[0] =~ m{/Calendar/test} },
        'other-host' => sub { $_[0]{headers}{location}[0] =~ m{^http://elsewhere\.} },
        'other-mailbox' => sub { $_[0]{headers}{location}[0] =~ m{/exchange/bob/} },
        'folder' => sub { $_[0]{headers}{location}[0] =~ m{/Drafts/\?} },
    );
    for my $how (sort keys %how) {
        $alice->reset;
        my ($path) = $alice->invite;
        $alice->set(getcancel => $how);
        $r = $alice->do(GET => "$path?Cmd=getcancel", \%ie);
        ok($how{$how}->($r), $how);
        is($alice->items('alice', 'drafts'), $how eq 'self' ? 0 : 1, '... drafts');
    }
    $alice->reset;
    my ($path) = $alice->invite;
    $alice->set('getcancel-uid' => 'no', 'getcancel-organizer' => 'yes');
    $alice->do(GET => "$path?Cmd=getcancel", \%ie);
    my ($d) = $alice->items('alice', 'drafts');
    is($d->{p}{'cal:uid'}, undef, 'without uid');
    like($d->{p}{'header:to'}, qr/alice/, 'with the organizer');
    $alice->reset;
};

subtest 'localized Drafts' => sub {
    my $zoltan = SimClient->new($sim, 'zoltan');
    my $path = '/exchange/zoltan/Napt%C3%A1r/m.EML';
    $zoltan->put_props($path, SimClient::meeting());
    $r = $zoltan->do(GET => "$path?Cmd=getcancel", \%ie);
    like($r->{headers}{location}[0], qr{/zoltan/Piszkozatok/Elmarad:%20Review\.EML}, 'and a localized prefix');
};

subtest 'rule 26: where getcancel does nothing' => sub {
    my ($path, $uid) = $alice->invite;
    my $plain = '/exchange/alice/Calendar/plain.EML';
    $alice->put_props($plain, SimClient::appointment());
    my $bob = SimClient->new($sim, 'bob');
    my %case = (
        'another User-Agent' => [ $alice, $path, { 'User-Agent' => 'curl/7' } ],
        'a plain appointment' => [ $alice, $plain, \%ie ],
        'an attendee\'s copy' => [ $bob, '/exchange/bob/Calendar/Review.EML', \%ie ],
        'a folder' => [ $alice, '/exchange/alice/Calendar/', \%ie ],
    );
    for (sort keys %case) {
        my ($who, $at, $h) = @{ $case{$_} };
        $r = $who->do(GET => "$at?Cmd=getcancel", $h);
        is($r->{status}, 200, "$_: 200");
        like($r->{headers}{'content-type'}[0], qr{text/html}, '... a page');
        like(SimClient::wrong($r), qr/rule (1|26):/, '... and a remark');
    }
    is($alice->items($_, 'drafts'), 0, "no draft of $_") for qw(alice bob);
    $r = $alice->do(MOVE => $path, { Destination => $alice->url('/exchange/alice/%23%23DavMailSubmissionURI%23%23/') });
    is($alice->items('bob', 'calendar'), 1, 'who then mails the appointment itself cancels nothing (19c)');
    $alice->reset;
};

subtest 'rules 1 and 2: interface' => sub {
    my ($path) = $alice->invite;
    $r = $alice->do(GET => "$path?Cmd=getcancel", { %ie, Translate => 'f' });
    is($alice->items('alice', 'drafts'), 0, 'Translate: f: no command');
    like(SimClient::wrong($r), qr/rule 2/, '... and a remark');
    $r = $alice->do(GET => '/exchange/alice/?Cmd=galfind&AN=bob', {});
    unlike($r->{body}, qr/bob\@/, 'no address data without MSIE');
    is($alice->do(GET => "$path?Cmd=nosuchthing", \%ie)->{status}, 200, 'an unknown command: a page');
    $alice->reset;
};

# The body of an update POST as OWA would send it.
sub body { my ($path, %over) = @_; (my $id = $path) =~ s{^/exchange/alice}{};
    my %f = (Cmd => 'sendappt', FORMTYPE => 'appointment', MsgID => $id, 'urn:schemas:httpmail:subject' => 'Changed: Review', 'urn:schemas:calendar:location' => 'Room 9', %over);
    return join '', map { "$_=$f{$_}\r\n" } grep { defined $f{$_} } 'Cmd', sort grep { $_ ne 'Cmd' } keys %f }
my %utf8 = (%ie, 'Content-Type' => 'application/x-www-UTF8-encoded');

subtest 'rules 29 and 30: the update POST' => sub {
    my ($path, $uid) = $alice->invite;
    $alice->put_props($path, { 'header:to' => 'carol@example.test', 'cal:dtstart' => '2027-03-05T11:00:00.000Z', 'cal:dtend' => '2027-03-05T12:00:00.000Z' });
    is(classes('bob', 'inbox'), 'Request', 'PROPPATCH tells nobody');
    $r = $alice->do(POST => $path, \%utf8, body($path));
    is($r->{status}, 200, 'a page');
    for (qw(bob carol)) {
        my ($e) = $alice->items($_, 'calendar');
        is("$e->{p}{'mail:subject'} $e->{p}{'cal:location'} $e->{p}{'cal:dtstart'}", 'Changed: Review Room 9 2027-03-05T11:00:00.000Z', "$_ has the update");
        is($e->{p}{'cal:uid'}, $uid, '... in one entry of that uid');
        is($alice->items($_, 'calendar'), 1, '... one');
    }
    is(classes('alice', 'sentitems'), 'Request Request', 'a copy in Sent Items');
    my ($m) = $alice->items('alice', 'calendar');
    is($m->{p}{'cal:sequence'}, 1, 'sequence is raised');

    $alice->put_props($path, { 'header:to' => '' });
    (my $lf = body($path, 'urn:schemas:calendar:location' => 'a%20b')) =~ s/\r//g;
    $alice->do(POST => $path, \%utf8, $lf);
    my ($e) = $alice->items('bob', 'calendar');
    is($e->{p}{'cal:location'}, 'a%20b', 'LF is taken, %20 is not decoded; emptied recipients still get it');
    $alice->set('update-reply' => '302');
    $r = $alice->do(POST => $path, \%utf8, body($path));
    like($r->{headers}{location}[0] // '', qr{\Q$path\E\?Cmd=Edit$}, 'or 302');
    $alice->reset;
};

subtest 'rule 29: who gets 200 and sends nothing' => sub {
    my ($path) = $alice->invite;
    my $plain = '/exchange/alice/Calendar/plain.EML';
    $alice->put_props($plain, SimClient::appointment());
    my %case = (
        'form-urlencoded' => [ $path, { %ie, 'Content-Type' => 'application/x-www-form-urlencoded' }, body($path) ],
        'another User-Agent' => [ $path, { %utf8, 'User-Agent' => 'curl' }, body($path) ],
        'another Cmd' => [ $path, \%utf8, body($path, Cmd => 'send') ],
        'no Cmd' => [ $path, \%utf8, body($path, Cmd => undef) ],
        'MsgID of another' => [ $path, \%utf8, body($path, MsgID => '/Calendar/x.EML') ],
        'MsgID with the mailbox' => [ $path, \%utf8, body($path, MsgID => $path) ],
        'no MsgID' => [ $path, \%utf8, body($path, MsgID => undef) ],
        'a plain appointment' => [ $plain, \%utf8, body($plain) ],
        'the folder' => [ '/exchange/alice/Calendar/', \%utf8, body($path) ],
    );
    for (sort keys %case) {
        $r = $alice->do(POST => @{ $case{$_} });
        is($r->{status}, 200, "$_: 200");
        is(classes('bob', 'inbox'), 'Request', '... and nothing');
    }
    $alice->set('update-lines' => 'FORMTYPE=appointment;urn:x');
    $r = $alice->do(POST => $path, \%utf8, body($path));
    like(SimClient::wrong($r), qr/rule 29: .*urn:x is missing/, 'a line that this server wants');
    $alice->set('update-lines' => 'FORMTYPE=appointment;urn:x', 'update-cmd' => 'saveandsend');
    $alice->do(POST => $path, \%utf8, body($path, Cmd => 'SaveAndSend', 'urn:x' => 1));
    is(classes('bob', 'inbox'), 'Request Request', 'with what it wants, it sends');
    $alice->reset;
    ($path) = $alice->invite;
    $alice->set('update-mode' => 'silent');
    $r = $alice->do(POST => $path, \%utf8, body($path));
    is("$r->{status} " . classes('bob', 'inbox'), '200 Request', 'rule 31: 200 but not sent');
    is(classes('alice', 'sentitems'), 'Request', '... which Sent Items tell');
    $alice->reset;
};

subtest 'removed attendees' => sub {
    for my $case ([ update => 'Request Request' ], [ cancel => 'Request Canceled' ], [ nothing => 'Request' ]) {
        my ($how, $bob) = @$case;
        my ($path) = $alice->invite('header:to' => 'bob@example.test,carol@example.test');
        $alice->set('update-removed' => $how);
        $alice->put_props($path, { 'header:to' => 'carol@example.test' });
        $alice->do(POST => $path, \%utf8, body($path));
        is(classes('bob', 'inbox'), $bob, "bob, with $how");
        is(classes('carol', 'inbox'), 'Request Request', 'carol has the update');
        is($alice->items('bob', 'calendar'), $how eq 'cancel' ? 0 : 1, 'bob\'s calendar');
        $alice->reset;
    }
};

subtest 'saveappt and sendcancel' => sub {
    $r = $alice->do(POST => '/exchange/alice/Calendar/', { %ie, 'Content-Type' => 'application/x-www-form-urlencoded' }, 'Cmd=saveappt&FORMTYPE=appointment');
    my ($url) = $r->{body} =~ m{<span id="itemHREF">([^<]+)</span>};
    ok($url, 'the page tells the item');
    is($alice->propfind(SimClient::path_of($url), 0, 'cal:timezoneid'), 1, '... which is there');
    $alice->reset;
    my ($path) = $alice->invite;
    $alice->do(GET => "$path?Cmd=getcancel", \%ie);
    my ($d) = $alice->items('alice', 'drafts');
    $alice->do(POST => SimClient::path_of($d->{href}), \%utf8, "Cmd=sendcancel\r\n");
    is($alice->items('bob', 'calendar'), 0, 'sendcancel sends the draft');
    is($alice->items('alice', 'drafts'), 0, '... and uses it up');
};

subtest 'address list' => sub {
    my $find = sub { my $x = $alice->do(GET => "/exchange/alice/?Cmd=$_[0]", \%ie); return join ' ', $x->{body} =~ /<\w:(?:EM|alias)>([^<]*)</g };
    is($find->('galfind&DN=b'), 'bob@example.test boardroom@example.test', 'by the beginning of the name');
    is($find->('galfind&AN=BOB'), 'bob@example.test', 'by alias');
    is($find->('galfind&DN=b&AN=boa'), 'boardroom@example.test', 'several fields are ANDed');
    is($find->('galfind&DN='), '', 'nothing asked, nothing found');
    is($find->('gallookup&ADDR=bob@example.test'), 'bob', 'gallookup');
    $alice->set('gal-max' => 1);
    like($alice->do(GET => '/exchange/alice/?Cmd=galfind&DN=b', \%ie)->{body}, qr/error/, 'too many: an error element');
};

done_testing;
