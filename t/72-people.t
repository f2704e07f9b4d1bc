#!/usr/bin/perl
# People: the address book as a page and as data, names in the booking form, and distribution lists
# whose members are asked about in their place.
use strict;
use warnings;
use utf8;
use Encode qw(encode decode);
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $sim = SimRun->start('--auth', 'basic');
my $web = Httpd->start(backend => $sim->{url}, freshness => 0, rooms => "OwaCalRoom boardroom boardroom\@example.test name=\"Board room\"\n",
    server => "OwaCalTimeout answer=300ms\nOwaCalLimit attendees=20");
my $day = '2099-03-';
my $no = 0;

sub esc { return SimRun::escape(encode('UTF-8', $_[0])) }
sub directory { my (%f) = @_; $sim->control(POST => '/_sim/directory?' . join '&', map { "$_=" . esc($f{$_}) } sort keys %f) }
sub list { my ($of, $name, @members) = @_; $sim->control(POST => "/_sim/list?mailbox=$of&" . join '&', 'name=' . esc($name), map { 'member=' . esc($_) } @members) }
sub set { my (%s) = @_; $sim->control(POST => '/_sim/settings?' . join '&', map { "$_=" . SimRun::escape($s{$_}) } keys %s) }
sub people { my ($q, $as) = @_; return $web->request(GET => '/booking/people.json?q=' . esc($q), user => $as // 'alice') }
sub page { my ($path, $as) = @_; my $r = $web->request(GET => "/booking/$path", user => $as // 'alice', headers => { Accept => 'text/html' }); $r->{text} = decode('UTF-8', $r->{content}); return $r }
sub names { my ($r) = @_; return join ' | ', map { $_->{name} } @{ $r->{json}{people} || [] } }
sub when_ { $no++; return sprintf '%s%02dT%02d', $day, 1 + int($no / 10), 8 + $no % 10 }
sub fields { my (%f) = @_; my $t = when_(); return { subject => "Meeting $no", start => "$t:00", end => "$t:30", tz => 'UTC', %f } }
sub post { my ($f, $path) = @_; my $r = $web->form('alice', $path // '/booking/bookings', $f); $r->{text} = decode('UTF-8', $r->{content}); return $r }
sub unwrong { my ($what) = @_; is_deeply([ map { "$_->{method} $_->{target}: $_->{wrong}" } grep { $_->{wrong} } $sim->requests ], [], "the server finds nothing wrong: $what") }
sub invited { my ($subject) = @_; my ($item) = grep { SimRun::subject($_) eq $subject } $sim->items('alice', qr/^Calendar$/); return $item ? join ' ', sort map { $_->{address} } @{ $item->{attendees} } : undef }
sub booked { return scalar $sim->items('alice', qr/^Calendar$/) }

my %odd = (markup => 'Eve <script>alert(1)</script> & "Co"', rtl => "Eve \x{202e}txt.exe\x{202c}", emoji => "Eve \x{1f389} Partys");
directory(DN => 'Bob Smith', EM => 'bsmith@far.test', AN => 'bsmith', FN => 'Bob', LN => 'Smith', TL => 'Cook', OF => '4.12');
directory(DN => $odd{$_}, EM => "eve.$_\@far.test", AN => "eve$_") for sort keys %odd;
directory(DN => 'Őri Áron', EM => 'aron@far.test', AN => 'aron', FN => 'Áron', LN => 'Őri');
directory(DN => 'Xavier X400', EM => 'no address', AN => 'xx');

subtest 'the address book as data' => sub {
    my $r = people('bo');
    is($r->{status}, 200, 'found');
    is(names($r), 'Boardroom | Bob | Bob Smith', 'persons and rooms, by name');
    is_deeply([ map { $_->{kind} } @{ $r->{json}{people} } ], [qw(room person person)], 'a room of ours is called one');
    is_deeply($r->{json}{people}[2], { name => 'Bob Smith', address => 'bsmith@far.test', kind => 'person', alias => 'bsmith', title => 'Cook', office => '4.12' }, 'what is known of one');
    is(names(people('smith')), 'Bob Smith', 'by the last name');
    is(names(people('Bob Smi')), 'Bob Smith', 'by both');
    is(names(people('Smith, Bob')), 'Bob Smith', '... the other way round');
    is(names(people('őri')), 'Őri Áron', 'without regard to case, whatever the script');
    is(names(people('bsmith@far.test')), 'Bob Smith', 'by address');
    is(names(people('xa')), '', 'who has no usable address is not offered');
    is(names(people('a&b=c+d%')), '', 'what looks like a query is a name');
    for ('', 'b', 'b' x 65, '   b ', "b\nb") {
        $r = people($_);
        is("$r->{status} $r->{json}{reason} $r->{json}{field}", '422 invalid-input q', 'refused: ' . esc(substr $_, 0, 5));
    }
    is($web->request(POST => '/booking/people', user => 'alice', content => '')->{status}, 405, 'GET only');
    set('gal-max' => 2);
    $r = people('bo');
    ok($r->{json}{more}, 'too many for the server: there may be more');
    set('gal-max' => 100, 'gal-nothing' => 'error');
    is(names(people('nobody')), '', 'nobody, told by an error');
    set('gal-nothing' => 'empty');
    directory(DN => sprintf('Many %03d', $_), EM => "many$_\@far.test") for 1 .. 60;
    $r = people('many');
    is(scalar(@{ $r->{json}{people} }) . ($r->{json}{more} ? ' and more' : ''), '50 and more', 'fifty at most');
    unwrong('looking up');
};

subtest 'names are text' => sub {
    my $r = people('eve');
    is_deeply([ sort map { $_->{name} } @{ $r->{json}{people} } ], [ sort values %odd ], 'in JSON as they are');
    my $p = page('people?q=eve');
    is($p->{status}, 200, 'the page');
    unlike($p->{text}, qr/<script/, 'no markup of theirs');
    like($p->{text}, qr{<bdi>Eve &lt;script&gt;alert\(1\)&lt;/script&gt; &amp; &#34;Co&#34;</bdi>}, 'but its text');
    like($p->{text}, qr{<bdi>\Q$odd{$_}\E</bdi>}, "$_: isolated") for qw(rtl emoji);
    like($p->{text}, qr{href="/booking/bookings/new\?required=eve\.rtl@?(?:%40)?far\.test"}, 'each leads to the form');
    like(page('people')->{text}, qr{<form method="get" action="/booking/people" role="search">.*name="q"}, 'without a name: the search form');
    like(page('people?q=' . esc('"><script>'))->{text}, qr{value="&#34;&gt;&lt;script&gt;"}, 'what was looked for is text, too');
    like(page('people?q=nobody')->{text}, qr{Nobody was found}, 'nobody');
    like(page('people?q=boardroom')->{text}, qr{href="/booking/bookings/new\?room=boardroom"}, 'a room is taken as one');
    like(page('bookings/new?required=bsmith%40far.test')->{text}, qr{name="required" value="bsmith\@far.test"}, 'the form takes him');
    my $form = post(fields(lookup => 1, required => 'eve', subject => 'Odd <b>'));
    unlike($form->{text}, qr/<script/, 'in the form as well');
    like($form->{text}, qr{<bdi>\Q$odd{rtl}\E</bdi>}, '... isolated');
    unwrong('names');
};

subtest 'the button that looks up' => sub {
    my $before = booked();
    my %f = %{ fields(lookup => 1, required => "bob, carol\@example.test\naron", optional => 'x', text => 'a <note>', key => 'k-lookup') };
    my $r = post(\%f);
    is($r->{status}, 200, 'answered with the form');
    is(booked(), $before, 'and nothing is booked');
    like($r->{text}, qr{name="subject" value="\Q$f{subject}\E"}, 'what was typed is in it');
    like($r->{text}, qr{a &lt;note&gt;</textarea>}, '... all of it');
    like($r->{text}, qr{name="key" value="k-lookup"}, '... the key of the booking, too');
    like($r->{text}, qr{name="required" value="bob\@example.test, carol\@example.test, aron\@far.test"}, 'who is meant without doubt is taken');
    like($r->{text}, qr{“bob” was taken for \x{2068}Bob\x{2069} &lt;bob\@example.test&gt;}, '... and said');
    like($r->{text}, qr{2 to 64 characters}, 'too short to be looked up: asked');
    $r = post(fields(lookup => 1, required => 'bo'));
    my @radio = $r->{text} =~ /<input type="radio" name="required\.0" value="([^"]*)"/g;
    is("@radio", 'bo boardroom@example.test bob@example.test bsmith@far.test ', 'several: radio buttons, to ask again and to leave out among them');
    like($r->{text}, qr{value="bo" checked="checked"}, 'nobody is chosen for one');
    like($r->{text}, qr{name="required" value="[^"b]*"}, 'the name is not in the text any more');
    is(scalar(() = $r->{text} =~ /checked="checked"/g), 1, 'one button is set');
    $r = post(fields(lookup => 1, required => 'carol@example.test'));
    is($r->{status}, 200, 'nothing to look up: the form again');
    my $no_token = $web->request(POST => '/booking/bookings', user => 'alice', form => fields(lookup => 1, required => 'bo'));
    is($no_token->{status}, 403, 'it is a form like the others: not without its token');
    unwrong('the button');
};

subtest 'names on booking' => sub {
    my $before = booked();
    my $f = fields(required => 'bo, carol@example.test', optional => 'nobody at all');
    my $r = post($f);
    is($r->{status}, 422, 'a name that means several people is asked back');
    is(booked(), $before, 'nothing is booked');
    like($r->{text}, qr{Reason: invalid-input}, 'with its reason');
    like($r->{text}, qr{aria-invalid="true"}, '... at the field');
    like($r->{text}, qr{name="required" value="carol\@example.test"}, 'the others stay');
    like($r->{text}, qr{name="optional\.0" value="nobody at all" checked}, 'a name that means nobody, too');
    # As a browser would send it: every field of the form, one radio button of each group.
    my %answer = (%$f, required => 'carol@example.test', optional => '', 'required.0' => 'bo', 'optional.0' => 'nobody at all');
    is(post({%answer})->{status}, 422, 'undecided: asked again');
    $r = post({ %answer, 'required.0' => 'bsmith@far.test', 'optional.0' => '' });
    is($r->{status}, 303, 'decided: booked') or diag $r->{text};
    is(invited($f->{subject}), 'bsmith@far.test carol@example.test', 'they are invited');

    $f = fields(required => 'Őri Áron', room => 'boardroom');
    $r = post($f);
    is($r->{status}, 303, 'a name that means one person books');
    like(invited($f->{subject}), qr{^aron\@far.test boardroom}, '... with him');
    my $shown = $web->request(GET => $r->{headers}{location}, user => 'alice', headers => { Accept => 'text/html' });
    like(decode('UTF-8', $shown->{content}), qr{“Őri Áron” was taken for \x{2068}Őri Áron\x{2069} &lt;aron\@far.test&gt;}, '... and the outcome says who');
    $f = fields(required => $odd{rtl});
    is(post($f)->{status}, 303, 'a name with direction marks is found, too');
    is(invited($f->{subject}), 'eve.rtl@far.test', '... and who bears it is invited');

    set('gal-match' => 'wider');
    is(post(fields(required => 'Áron Zzz'))->{status}, 422, 'what the server found beyond the question is never taken by itself');
    set('gal-match' => 'exact', 'gal-max' => 1);
    is(post(fields(required => 'bob'))->{status}, 422, 'nor anybody where there may be more');
    set('gal-max' => 100);
    for my $many (9, 10, 18) {
        is(post(fields(required => join ',', map { "name$_" } 1 .. $many))->{status}, 422, "$many names at a time are refused");
    }
    unwrong('names on booking');
};

subtest 'names from programs' => sub {
    my $before = booked();
    my $r = $web->json('alice', POST => '/booking/bookings', { %{ fields() }, required => [ 'bo', 'carol@example.test' ] });
    is("$r->{status} $r->{json}{reason} $r->{json}{field}", '422 invalid-input required', 'refused');
    is_deeply([ map { "$_->{field} $_->{name}: " . join ' ', map { $_->{address} } @{ $_->{people} } } @{ $r->{json}{candidates} } ],
        ['required bo: boardroom@example.test bob@example.test bsmith@far.test'], 'with the candidates');
    $r = $web->json('alice', POST => '/booking/bookings', { %{ fields() }, required => 'Őri Áron' });
    is("$r->{status} $r->{json}{candidates}[0]{people}[0]{address}", '422 aron@far.test', 'even if there is one only: a program says whom it means');
    $r = $web->json('alice', POST => '/booking/bookings', { %{ fields() }, required => 'bad@@address' });
    is($r->{status} . ' ' . ($r->{json}{candidates} // 'none'), '422 none', 'a mistyped address is no name');
    is(booked(), $before, 'nothing is booked');
};

subtest 'changing' => sub {
    my $f = fields(required => 'carol@example.test');
    my $at = post($f)->{headers}{location};
    $at =~ s/\?.*//;
    my %change = (%$f, action => 'update', required => 'carol@example.test, aron');
    my $r = post({ %change, lookup => 1 }, $at);
    is($r->{status}, 200, 'looked up');
    like($r->{text}, qr{<form method="post" action="\Q$at\E".*name="required" value="carol\@example.test, aron\@far.test"}s, 'in the form of that booking');
    is(invited($f->{subject}), 'carol@example.test', 'nothing is changed');
    is(post({ %change, required => 'bo' }, $at)->{status}, 422, 'an ambiguous name: asked back');
    is(post(\%change, $at)->{status}, 303, 'one that is not: changed');
    like(invited($f->{subject}), qr{aron\@far.test carol}, '... with him');
};

subtest 'distribution lists' => sub {
    list('alice', 'team', 'bob@example.test', 'carol@example.test');
    list('alice', 'Bob', 'carol@example.test');
    list('alice', 'Broken', 'bob@example.test', 'no address');
    list('alice', 'Empty');
    list('alice', 'Strangers', 'bob@example.test', 'who@far.test');
    my $at = "${day}28T10:00Z";
    my $ask = sub {
        my (@who) = @_;
        my $r = $web->request(GET => "/booking/freebusy.json?start=$at&end=${day}28T11:00Z&slot=30&" . join('&', map { "who=$_" } @who), user => 'alice');
        return { map { $_->{address} => join(' ', @{ $_->{slots} }) . ($_->{members} ? " of $_->{members}" : '') } @{ $r->{json}{rows} || [] } };
    };
    set('freebusy-months' => 1200);
    is_deeply($ask->('team@example.test', 'bob@example.test'), { 'team@example.test' => 'free free of 2', 'bob@example.test' => 'free free' }, 'all members free: free');
    $sim->control(POST => "/_sim/items?mailbox=carol&count=1&start=${day}28T10:30:00.000Z&minutes=30");
    is_deeply($ask->('team@example.test', 'bob@example.test'), { 'team@example.test' => 'free busy of 2', 'bob@example.test' => 'free free' }, "one is busy; and bob is himself, whatever alice calls a list");
    is($ask->('broken@example.test')->{'broken@example.test'}, 'unknown unknown', 'a list that cannot be read in full: unknown');
    is($ask->('empty@example.test')->{'empty@example.test'}, 'unknown unknown', 'an empty one, too');
    is($ask->('strangers@example.test')->{'strangers@example.test'}, 'unknown unknown of 2', 'a member nobody knows of: unknown');
    is($ask->('team@example.test')->{'team@example.test'}, 'free busy of 2', 'not only together');
    set('members-wrapped' => 'yes');
    is($ask->('team@example.test')->{'team@example.test'}, 'free busy of 2', 'members in another wrapping');
    set('members-wrapped' => 'no', 'gal-lookup' => 'no');
    is($ask->('bob@example.test')->{'bob@example.test'}, 'free busy of 1', 'a server that cannot tell persons from lists: neither makes the other look free');
    set('gal-lookup' => 'yes');

    my $f = { subject => 'With the team', start => "${day}28T10:30", end => "${day}28T11:00", tz => 'UTC', required => 'team@example.test', check_people => 1 };
    my $r = post($f);
    is($r->{status} . ' ' . (($r->{text} =~ /Reason: ([a-z-]+)/)[0] // ''), '409 attendee-busy', 'a list with a busy member does not pass the check');
    like($r->{text}, qr{Nothing was booked\..*team\@example\.test is not free at that time\.}s, '... which says who, and blames no room');
    unlike($r->{text}, qr{room is taken}, '... at all');
    my $found = people('team');
    is_deeply($found->{json}{people}, [ { name => 'team', kind => 'list', members => [ 'bob@example.test', 'carol@example.test' ] } ], 'found by its name, with its members');
    is_deeply([ map { $_->{members} // 'unreadable' } grep { $_->{kind} eq 'list' } @{ people('broken')->{json}{people} } ], ['unreadable'], 'or without, if they cannot be read');
    is(names(people('team', 'bob')), '', "another person's lists are not mine");
    $f = fields(required => 'team');
    is(post($f)->{status}, 303, 'booking with a list of one\'s own');
    is(invited($f->{subject}), 'bob@example.test carol@example.test', 'invites its members');
    is(post(fields(required => 'broken'))->{status}, 422, 'one that cannot be read is asked back');
    unwrong('lists');
};

# What a form says is put together at the cost of its length, not of its length by its number of values.
sub memory {
    my $most = 0;
    for my $child (split ' ', `ps -o pid= --ppid $web->{pid}`) {
        open my $in, '<', "/proc/$child/status" or next;
        my ($peak) = map { /^VmHWM:\s+(\d+)/ ? $1 / 1024 : () } <$in>;
        $most = $peak if $peak > $most;
    }
    return $most;
}

subtest 'very many names' => sub {
    my %very = (
        'addresses, and a name among them' => 'required=' . 'a@b,' x 9900 . 'Smith',
        'names' => 'required=' . 'a,' x 19_900,
        'of them optional' => 'optional=' . 'Smith,' x 21,
        'fields of one name' => join('&', ("required=aaaaaaaaaaaaaaaaaaaa\@b") x 1900),
        'of a field that stands once' => join('&', ('tz=' . 'a' x 28) x 1900),
    );
    my $token = $web->token('alice');
    my $before = memory();
    for (sort keys %very) {
        my $r = $web->request(POST => '/booking/bookings', user => 'alice', body => "token=$token&subject=Kept&$very{$_}",
            headers => { 'Content-Type' => 'application/x-www-form-urlencoded', Accept => 'text/html' });
        like("$r->{status} $r->{content}", qr/^422 .*name="subject" value="Kept"/s, "$_: the form comes back");
        cmp_ok(length $r->{content}, '<', 256 * 1024, '... and is no flood');
    }
    my $r = $web->json('alice', POST => '/booking/bookings', { %{ fields() }, required => [map { "Name $_" } 1 .. 21] });
    is("$r->{status} $r->{json}{reason} $r->{json}{field}", '422 too-many-attendees required', 'a program is told, too');
    cmp_ok(memory() - $before, '<', 24, 'within little memory') or diag "$before MB before";
};

subtest 'Exchange 2000' => sub {
    set(version => '6.0.6603', 'gal-at' => 'public', 'gal-lookup' => 'no');
    is(names(people('smith', 'zoltan')), 'Bob Smith', 'has its address book below /public/');
    unwrong('Exchange 2000');
    set(version => '6.5.7226', 'gal-at' => 'mailbox', 'gal-lookup' => 'yes');
};

subtest 'a server in trouble' => sub {
    set('gal-at' => 'public');
    my $r = people('bob');
    is("$r->{status} $r->{json}{reason}", '502 upstream-protocol', 'a page instead of data is a failure, not nobody') or diag $r->{content};
    my $before = booked();
    $r = post(my $f = fields(required => 'bob'));
    is($r->{status}, 502, 'so is a booking that needs it');
    like($r->{text}, qr{name="subject" value="\Q$f->{subject}\E".*name="required" value="bob"}s, '... and the form is not lost');
    $r = post({ %$f, lookup => 1 });
    like($r->{status} . $r->{text}, qr{^502.*name="required" value="bob"}s, '... neither by the button');
    is(booked(), $before, 'nothing is booked');
};
$web->stop;
done_testing();
