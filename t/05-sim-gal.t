#!/usr/bin/perl
# The simulator's address list: what a right client finds, and a wrong client for each rule.
use strict;
use warnings;
use utf8;
use Encode qw(encode decode);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use SimClient;
use SimRun;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $sim = SimRun->start('--set', 'prefixes=fixed');
my $alice = SimClient->new($sim, 'alice');
my %ie = ('User-Agent' => $SimClient::IE);
my $r;

sub ask { my ($query, $path, $headers) = @_; return $r = $alice->do(GET => ($path // '/exchange/alice/') . "?Cmd=$query", $headers // \%ie) }
sub rows { return join ' ', ask(@_)->{body} =~ /<a:(?:EM|alias)>([^<]*)</g }
sub wrong { return SimClient::wrong($r) }
sub directory { my (%f) = @_; $sim->control(POST => '/_sim/directory?' . join '&', map { "$_=" . SimRun::escape(encode('UTF-8', $f{$_})) } sort keys %f) }
sub list { my ($of, $name, @members) = @_; $sim->control(POST => "/_sim/list?mailbox=$of&" . join '&', 'name=' . SimRun::escape(encode('UTF-8', $name)), map { 'member=' . SimRun::escape($_) } @members) }

subtest 'rule 43: what is found' => sub {
    directory(DN => 'Őri "Öcsi" <b>Áron</b> & Co', EM => 'aron@far.test', AN => 'aron', FN => 'Áron', LN => 'Őri', TL => 'Koch', OF => 'Szeged');
    directory(DN => 'All Staff', EM => 'staff@example.test', AN => 'staff', list => 1);
    is(rows('galfind&DN=%C5%91ri'), 'aron@far.test', 'by the beginning of the name, without regard to case, in UTF-8');
    like(decode('UTF-8', $r->{body}), qr{<a:DN>Őri "Öcsi" &lt;b&gt;Áron&lt;/b&gt; &amp; Co</a:DN>|<a:DN>Őri &quot;Öcsi&quot; &lt;b}, 'markup is escaped');
    like(decode('UTF-8', $r->{body}), qr{<a:TL>Koch</a:TL>.*<a:OFFICE>Szeged</a:OFFICE>}, 'what is known is told');
    like($r->{body}, qr/x-unknown/, 'and elements that no client knows');
    like($r->{headers}{'content-type'}[0], qr{^text/xml}, 'as XML');
    is(rows('galfind&FN=%C3%81&LN=%C5%90'), 'aron@far.test', 'several fields');
    is(rows('galfind&FN=%C3%81&LN=Xx'), '', '... must all match');
    is(rows('galfind&DN=all'), 'staff@example.test', 'lists are in it, too');
    is(wrong(), '', 'nothing wrong');
    is(rows('galfind&DN=%20%22no%26body'), '', 'nobody');
    $alice->set('gal-nothing' => 'error');
    like(ask('galfind&DN=nobody')->{body}, qr{<a:error>}, '... or an error element');
    $alice->set('gal-max' => 1, 'gal-nothing' => 'empty');
    like(ask('galfind&DN=a')->{body}, qr{<a:response xmlns:a="WM"><a:error>[^<]*</a:error></a:response>}, 'too many: an error');
    $alice->set('gal-too-many' => 'cut', 'gal-max' => 2);
    is(rows('galfind&DN=a'), 'alice@example.test staff@example.test', '... or just those');
    $alice->set('gal-match' => 'wider', 'gal-max' => 100);
    is(rows('galfind&FN=%C3%81&LN=Xx'), 'aron@far.test', 'a server that looks at the first field only');
    $alice->reset;
    is(rows('galfind&DN=all'), '', 'a reset leaves the mailboxes only');
};

subtest 'rule 43: what is wrong' => sub {
    my %case = ('galfind' => qr/without a field/, 'galfind&DN=' => qr/without a field/, 'galfind&DN=a&b' => qr/no field "b"/,
        'galfind&NAME=bob' => qr/no field "NAME"/, 'galfind&EM=bob%40example.test' => qr/EM/, 'galfind&DN=%E1' => qr/no UTF-8/,
        'galfind&DN=%' => qr/no UTF-8/, 'gallookup' => qr/ADDR/, 'gallookup&ADDR=bob' => qr/ADDR/, 'gallookup&DN=bob' => qr/ADDR/);
    for (sort keys %case) {
        is(rows($_), $_ eq 'galfind&DN=a&b' ? 'alice@example.test' : '', "$_: not what was meant");
        like(wrong(), qr/^rule 43: .*$case{$_}/, '... and said');
    }
    $alice->set('gal-em' => 'search');
    is(rows('galfind&EM=bob'), 'bob@example.test', 'EM on a server that takes it');
    $alice->reset;
};

subtest 'gallookup' => sub {
    directory(DN => 'All Staff', EM => 'staff@example.test', AN => 'staff', list => 1);
    is(rows('gallookup&ADDR=BOB@example.test'), 'bob', 'a person');
    for ('staff@example.test', 'nobody@example.test') {
        is(rows("gallookup&ADDR=$_"), '', "$_ is none");
        like($r->{body}, qr/<a:error>/, '... an error element');
    }
    $alice->set('gal-lookup' => 'no');
    like(ask('gallookup&ADDR=bob@example.test')->{headers}{'content-type'}[0], qr{text/html}, 'a server that does not know it: a page');
    $alice->reset;
};

subtest 'rules 1, 2, 10 and 44: where and how' => sub {
    my $page = sub { my ($what, @how) = @_; is(rows('galfind&AN=bob', @how), '', "$what: no data"); };
    $page->('another browser', undef, {});
    like(wrong(), qr/rule 1/, '... said');
    $page->('Translate: f', undef, { %ie, Translate => 'f' });
    for ('/exchange/alice/Calendar/', '/exchange/alice/Inbox/', '/public/') {
        $page->($_, $_);
        like(wrong(), qr/rule 44/, '... said');
        is($r->{status}, 200, '... by a page');
    }
    $alice->set('gal-at' => 'public');
    is(rows('galfind&AN=bob', '/public/'), 'bob@example.test', 'a server that answers at /public/');
    $page->('the mailbox then');
    $alice->set('gal-at' => 'both');
    is(rows('galfind&AN=bob', $_), 'bob@example.test', "both: $_") for qw(/public/ /exchange/alice/);
    $alice->reset;
};

subtest 'rule 45: the members of a list' => sub {
    list('alice', 'Team <A> 🎉', 'bob@example.test', 'carol@example.test', 'x<y>@odd');
    list('alice', 'Nobody');
    my ($team, $nobody) = map { SimClient::path_of($_->{href}) } $alice->items('alice', 'contacts');
    my $members = sub { my ($path, %h) = @_; return join ' ', ask('viewmembers', $path, $h{headers})->{body} =~ /<a:memberid>\d+<\/a:memberid><a:email>([^<]*)</g };
    is($members->($team), 'bob@example.test carol@example.test x&lt;y&gt;@odd', 'in parallel elements');
    is($members->($nobody), '', 'of an empty one: nobody');
    $alice->set('members-wrapped' => 'yes');
    like(ask('viewmembers', $team)->{body}, qr{<a:item><a:memberid>1</a:memberid><a:email>bob}, '... or wrapped');
    $alice->reset;
    list('alice', 'Team', 'bob@example.test');
    my $plain = '/exchange/alice/Calendar/plain.EML';
    $alice->put_props($plain, SimClient::appointment());
    for ($plain, '/exchange/alice/', '/exchange/alice/Contacts/') {
        is($members->($_), '', "$_ has none");
        like(wrong(), qr/rule 45/, '... said');
    }
    is($members->('/exchange/alice/Contacts/Team.EML', headers => {}), '', 'another browser: a page');
    is(ask('viewmembers', '/exchange/alice/Contacts/No.EML')->{status}, 404, 'a list that is not there');
};
done_testing();
