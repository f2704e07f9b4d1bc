#!/usr/bin/perl
# Who has answered, in the list of one's own bookings: rooms that accept, decline or never answer, people
# who do so later; on the page, in a page and in JSON. It costs one round trip more and never the list.
use strict;
use warnings;
use FindBin qw($Bin);
use POSIX ();
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $sim = SimRun->start('--auth', 'basic', '--lag', '0');
my $web = Httpd->start(backend => $sim->{url}, children => 1,
    rooms => qq{OwaCalRoom boardroom boardroom\@example.test name="Board <b>room"\nOwaCalRoom room1 room1\@example.test\n},
    location => "OwaCalIdentity basic upstream=basic\n  OwaCalTimezone Europe/Budapest", server => <<'E2');
<Location "/intranet">
  @LOGIN@
  OwaCalUse corp
  OwaCalBase /booking
  OwaCalIdentity basic upstream=basic
  OwaCalTimezone Europe/Budapest
  SetOutputFilter OWACAL
</Location>
E2
mkdir "$web->{dir}/htdocs/intranet";
$web->write_file('htdocs/intranet/mine.html', '<div data-owacal=mine data-days=31></div>');
$web->write_file('htdocs/intranet/plain.html', '<div data-owacal=mine data-days=31 data-answers=0></div>');

my ($days, $day, $span) = (10);
# An empty calendar, and a day on which nobody has booked here yet.
sub anew {
    $sim->control(POST => '/_sim/reset');
    $days++;
    $day = POSIX::strftime('%Y-%m-%d', gmtime(time + $days * 86400));
    $span = "start=$day&end=" . POSIX::strftime('%Y-%m-%d', gmtime(time + ($days + 5) * 86400));
    return;
}
my $who = 'alice';
sub get { my ($path) = @_; return $web->request(GET => $path, user => $who, headers => { Accept => 'text/html' }) }
sub rows { my ($r) = @_; return $r->{content} =~ m{<tr>\s*<td>.*?</tr>}gs }
sub row { my ($r, $subject) = @_; return (grep { /\Q$subject\E/ } rows($r))[0] // '' }
sub answers { my ($row) = @_; return join ' | ', $row =~ m{<li>(?:<strong class="owacal-declined">)?(.*?)(?:</strong>)?</li>}g }
sub book {
    my (%f) = @_;
    my $r = $web->json($who, POST => '/booking/bookings', { tz => 'Europe/Budapest', %f });
    is($r->{status}, 201, "booked: $f{subject}") or diag $r->{content};
    return $r->{json}{booking};
}
sub answer {    # a second after whatever was before
    my ($mailbox, $uid, $answer) = @_;
    $sim->control(POST => '/_sim/clock?advance=1');
    return $sim->control(POST => "/_sim/respond?mailbox=$mailbox&uid=$uid&answer=$answer");
}
sub policy { my ($room, $how) = @_; return $sim->control(POST => "/_sim/mailbox/$room?policy=$how") }
sub asked {
    my ($what) = @_;
    my ($last) = sort { $b <=> $a } map { $_->{id} } $sim->requests;
    my $r = $what->();
    return ($r, map { "$_->{method} $_->{target}" } grep { $_->{id} > ($last // 0) } $sim->requests);
}

my %people = (alice => [qw(Calendar Inbox)], zoltan => ['Napt%C3%A1r', 'Be%C3%A9rkezett%20%C3%BCzenetek']);
for my $case (['alice', 'no'], ['alice', 'yes'], ['zoltan', 'no']) {
    ($who, my $update) = @$case;
    subtest "$who, an answer updates the organizer's copy: $update" => sub {
        anew();
        $sim->control(POST => "/_sim/settings?organizer-update=$update");
        my $yes = book(subject => 'Accepted', room => 'room1', start => "${day}T09:00", duration => 30, required => 'bob@example.test');
        policy(boardroom => 'silent');
        my $no = book(subject => 'Refused', room => 'boardroom', start => "${day}T10:00", duration => 30,
            required => 'bob@example.test', optional => 'carol@example.test');
        my $open = book(subject => 'Open', room => 'boardroom', start => "${day}T11:00", duration => 30, required => 'carol@example.test');
        book(subject => 'Alone', start => "${day}T12:00", duration => 30);
        answer(bob => $yes->{uid}, 'accept');
        answer(bob => $no->{uid}, 'accept');
        answer(bob => $no->{uid}, 'decline');
        answer(carol => $no->{uid}, 'tentative');
        answer(boardroom => $no->{uid}, 'decline');

        for my $path ("/booking/bookings?$span", '/intranet/mine.html') {
            my $r = get($path);
            is($r->{status}, 200, $path);
            is(answers(row($r, 'Accepted')), 'room1: accepted | bob@example.test: accepted', '  both said yes');
            is(answers(row($r, 'Refused')), 'Board &lt;b&gt;room: declined | bob@example.test: declined | carol@example.test: tentative',
                '  the room first, by its name; of two answers the newer');
            is(answers(row($r, 'Open')), 'Board &lt;b&gt;room: no answer yet | carol@example.test: no answer yet', '  nobody has answered');
            unlike(row($r, 'Alone'), qr/owacal-answers/, '  an appointment has no attendees');
            is(() = row($r, 'Refused') =~ m{<strong class="owacal-declined">Board}g, 1, '  a room that declined is marked, and in a word');
        }
        my ($r, @asked) = asked(sub { get("/booking/bookings?$span") });
        is(scalar(grep { /^GET / } @asked), 3, 'a copy is read for each meeting');
        is(scalar(grep { m{^SEARCH \S*\Q$people{$who}[1]\E/?$} } @asked), 1, 'the Inbox is searched once') or diag "@asked";
        is(scalar(@asked), 5, 'and the list: that is all');

        # Moved: answers to the time before do not count.
        is($web->json($who, PATCH => $yes->{href}, { start => "${day}T14:00", duration => 30, tz => 'Europe/Budapest' })->{status}, 200, 'moved');
        my $row = row(get("/booking/bookings?$span"), 'Accepted');
        like($row, qr/T14:00/, 'it stands at the new time');
        like(answers($row), qr/bob\@example.test: no answer yet/, 'an answer to the time before is none') if $update eq 'no';
        answer(bob => $yes->{uid}, 'decline');
        like(answers(row(get("/booking/bookings?$span"), 'Accepted')), qr/bob\@example.test: declined/, 'one to the new time is');

        ($r, @asked) = asked(sub { get('/intranet/plain.html') });
        unlike($r->{content}, qr/owacal-answers/, 'data-answers=0: none are shown');
        is(scalar(@asked), 1, '  and none looked for') or diag "@asked";

        ($r, @asked) = asked(sub { $web->json($who, GET => "/booking/bookings?$span") });
        is_deeply([map { @{ $_->{attendees} } } @{ $r->{json}{bookings} }], [], 'JSON has no attendees');
        is(scalar(@asked), 1, '  and pays nothing for them');
        $r = $web->json($who, GET => "/booking/bookings?$span&answers=1");
        my ($b) = grep { $_->{subject} eq 'Refused' } @{ $r->{json}{bookings} };
        is_deeply([map { "$_->{address} $_->{answer}" } @{ $b->{rooms} }, @{ $b->{attendees} }],
            ['boardroom@example.test DECLINED', 'bob@example.test DECLINED', 'carol@example.test TENTATIVE'], 'unless they are asked for');
        is(get("/booking/bookings?$span&answers=maybe")->{status}, 422, 'answers: 0 or 1');
        is_deeply([grep { length } map { $_->{wrong} } $sim->requests], [], 'the server finds nothing wrong');
    };
}

$who = 'alice';
subtest 'somebody else\'s meeting' => sub {
    anew();
    $who = 'bob';
    my $b = book(subject => 'Of bob', start => "${day}T09:00", duration => 30, required => 'alice@example.test, carol@example.test');
    $who = 'alice';
    answer(carol => $b->{uid}, 'decline');
    my ($r, @asked) = asked(sub { get("/booking/bookings?$span") });
    like(row($r, 'Of bob'), qr/Of bob/, 'is in the list');
    unlike(row($r, 'Of bob'), qr/owacal-answers|carol/, 'without who answered it');
    is(scalar(@asked), 1, 'which is not even looked for');
};

subtest 'a look that fails' => sub {
    anew();
    my $b = book(subject => 'Mine', room => 'room1', start => "${day}T09:00", duration => 30, required => 'bob@example.test');
    answer(bob => $b->{uid}, 'accept');
    $sim->fault('status=500:method=SEARCH,path~Inbox');
    my $r = get("/booking/bookings?$span");
    is($r->{status}, 200, 'the Inbox cannot be searched: the list comes');
    like(answers(row($r, 'Mine')), qr/bob\@example.test: no answer yet/, '  with what the copy knows');
    $sim->fault('status=500:method=GET');
    $r = get("/booking/bookings?$span");
    is($r->{status}, 200, 'nor the copy read: the list comes');
    like(row($r, 'Mine'), qr{<p class="owacal-answers"><a href="\Q$b->{href}\E" aria-label="Who has answered: Mine">Who has answered\?</a></p>},
        '  with a link to where answers stand');
    $sim->no_faults;
    is($web->json('alice', GET => "/booking/bookings?$span&answers=1")->{json}{bookings}[0]{attendees}[0]{answer}, 'ACCEPTED', 'when it works again');
};

subtest 'many' => sub {
    anew();
    my $people = join ',', map { "p$_\@example.test" } 1 .. 7;
    my %props = ('http://schemas.microsoft.com/mapi/finvited' => 1, 'http://schemas.microsoft.com/mapi/responsestatus' => 1,
        'urn:schemas:mailheader:to' => $people, 'urn:schemas:mailheader:bcc' => 'boardroom@example.test');
    $sim->control(POST => "/_sim/items?mailbox=alice&count=23&start=${day}T06:00:00.000Z&minutes=10&step=15&"
        . join '&', map { SimRun::escape($_) . '=' . SimRun::escape($props{$_}) } sort keys %props);
    my ($r, @asked) = asked(sub { get("/booking/bookings?$span") });
    is(scalar(() = rows($r)), 23, '23 meetings');
    is(scalar(grep { /^GET / } @asked), 20, 'the first 20 are looked at');
    is(scalar(grep { /^SEARCH .*Inbox/ } @asked), 1, 'with one search');
    my @links = $r->{content} =~ /Who has answered\?/g;
    is(scalar(@links), 3, 'the others lead to where answers stand');
    my ($row) = rows($r);
    like($row, qr{<ul class="owacal-answers" aria-label="Answers"><li>Board &lt;b&gt;room: no answer yet</li></ul>\s*<details><summary>no answer yet: 7</summary>\s*<ul}s,
        'many people are folded away, the room is not');
    is_deeply([grep { length } map { $_->{wrong} } $sim->requests], [], 'the server finds nothing wrong');
};
unlike($web->log, qr/child pid \d+ exit signal|AddressSanitizer/, 'no child died');
$web->stop;
done_testing();
