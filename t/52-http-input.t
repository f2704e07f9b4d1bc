#!/usr/bin/perl
# Bad input gets a clear error naming its field, and nothing reaches the calendar server.
use strict;
use warnings;
use utf8;
use FindBin qw($Bin);
use JSON::PP ();
use Test::More;
use lib "$Bin/lib";
use Httpd;
use SimRun;

my $sim = SimRun->start('--auth', 'basic');
my $web = Httpd->start(backend => $sim->{url}, server => 'OwaCalLimit body=65536 attendees=50');
my %good = (subject => 'Test', room => 'boardroom', start => '2099-03-05T10:00', end => '2099-03-05T11:00');
my $url = '/booking/bookings';

sub without { my ($name) = @_; my %d = %good; delete $d{$name}; return %d }

sub wrong {
    my ($name, $r, $status, $reason, $field) = @_;
    my $tags = $r->{json} ? "$r->{json}{reason}" : ($r->{content} =~ /Reason: ([a-z-]+)/)[0] // '?';
    is("$r->{status} $tags", "$status $reason", $name) or diag $r->{content};
    if ($r->{json}) {
        is($r->{json}{field}, $field, "$name: names the field") if defined $field;
        like($r->{headers}{'content-type'}, qr{^application/problem\+json}, "$name: is a problem document");
    } else {
        like($r->{content}, qr/aria-invalid="true"|$field/, "$name: names the field") if defined $field;
    }
    return $r;
}

sub bad_json { my ($name, $data, @want) = @_; return wrong("JSON: $name", $web->json('alice', POST => $url, $data), @want) }
sub bad_form { my ($name, $data, @want) = @_; return wrong("form: $name", $web->form('alice', $url, $data), @want) }
sub bad_both { bad_json(@_); return bad_form(@_) }

# ---- fields ----
bad_both('no subject', { without('subject') }, 422, 'invalid-input', 'subject');
bad_both('no start', { without('start') }, 422, 'invalid-input', 'start');
bad_both('no end', { without('end') }, 422, 'invalid-input', 'end');
bad_both('end before start', { %good, end => '2099-03-05T09:00' }, 422, 'invalid-input', 'end');
bad_both('end at start', { %good, end => $good{start} }, 422, 'invalid-input', 'end');
bad_both('a time that is none', { %good, start => 'tomorrow' }, 422, 'invalid-input', 'start');
bad_both('30 February', { %good, start => '2099-02-30T10:00' }, 422, 'invalid-input', 'start');
bad_both('a past date', { %good, start => '2020-03-05T10:00', end => '2020-03-05T11:00' }, 422, 'past-date');
bad_both('longer than a year', { %good, end => '2100-06-05T11:00' }, 422, 'range-too-long', 'end');
bad_both('a time in the DST gap', { %good, start => '2099-03-29T02:30', end => '2099-03-29T04:00' }, 422, 'time-does-not-exist', 'start');
bad_both('an unknown room', { %good, room => 'cellar' }, 422, 'unknown-room', 'room');
bad_both('a room that is a path', { %good, room => '../boardroom' }, 422, 'unknown-room', 'room');
bad_both('an unknown zone', { %good, tz => 'Mars/Olympus' }, 422, 'invalid-input', 'tz');
bad_both('a subject over its length', { %good, subject => 'x' x 300 }, 422, 'invalid-input', 'subject');
bad_both('a subject far over its length', { %good, subject => 'x' x 10000 }, 422, 'invalid-input', 'subject');
bad_both('control characters in the subject', { %good, subject => "a\x01b" }, 422, 'invalid-input', 'subject');
bad_both('a line break in the subject', { %good, subject => "a\r\nBcc: x\@evil.example" }, 422, 'invalid-input', 'subject');
bad_both('a text over its length', { %good, text => 'x' x 33000 }, 422, 'invalid-input', 'text');
bad_both('an address that is none', { %good, required => 'bob@' }, 422, 'invalid-input', 'required');
bad_both('an address with a blank', { %good, required => 'bo b@example.test' }, 422, 'invalid-input', 'required');
bad_json('an address with CR/LF', { %good, required => "bob\@example.test\r\nBcc: eve\@example.test" }, 422, 'invalid-input', 'required');
bad_form('an address with CR/LF', { %good, required => "bob\@example.test\r\nBcc: eve\@example.test" }, 422, 'invalid-input', 'required');
bad_json('1,000 attendees', { %good, required => [map {"p$_\@example.test"} 1 .. 1000] }, 422, 'too-many-attendees', 'required');
bad_form('1,000 attendees', { %good, required => join ',', map {"p$_\@example.test"} 1 .. 1000 }, 422, 'too-many-attendees', 'required');
bad_form('a field twice', { %good, subject => ['a', 'b'] }, 422, 'invalid-input', 'subject');
bad_form('a reminder that is no number', { %good, reminder => 'soon' }, 422, 'invalid-input', 'reminder');
bad_form('one of more than two weeks', { %good, reminder => 20161 }, 422, 'invalid-input', 'reminder');

# ---- encodings and bodies ----
my $token = $web->token('alice');
my $raw = sub {
    my ($body, %h) = @_;
    return $web->request(POST => $url, user => 'alice', body => $body,
        headers => { 'Content-Type' => 'application/x-www-form-urlencoded', Accept => 'application/json', %h });
};
wrong('form: bytes that are not UTF-8', $raw->("token=$token&subject=%FF%FE"), 400, 'malformed-body');
wrong('form: an escaped NUL', $raw->("token=$token&subject=a%00b"), 400, 'malformed-body');
wrong('form: a broken escape', $raw->("token=$token&subject=%4"), 400, 'malformed-body');
wrong('form: another charset', $raw->("subject=a", 'Content-Type' => 'application/x-www-form-urlencoded; charset=iso-8859-2'), 415, 'unsupported-media-type');
wrong('form: too many fields', $raw->(join '&', map {"a$_=1"} 1 .. 3000), 400, 'malformed-body');
wrong('a body over its limit', $raw->('subject=' . 'x' x 70000), 413, 'body-too-large');
wrong('multipart is not taken', $raw->("--x\r\n", 'Content-Type' => 'multipart/form-data; boundary=x'), 415, 'unsupported-media-type');
wrong('text is not taken', $raw->('{"subject":"x"}', 'Content-Type' => 'text/plain'), 415, 'unsupported-media-type');
my $json = sub { return $raw->($_[0], 'Content-Type' => 'application/json') };
wrong('JSON: malformed', $json->('{"subject":'), 400, 'malformed-body');
wrong('JSON: an array', $json->('[1,2]'), 400, 'malformed-body');
wrong('JSON: deep', $json->('[' x 50000), 400, 'malformed-body');
wrong('JSON: deep inside', $json->('{"subject":' . '[' x 200 . ']' x 200 . '}'), 400, 'malformed-body');
wrong('JSON: a member twice', $json->('{"subject":"a","subject":"b"}'), 400, 'malformed-body');
wrong('JSON: a wrong type', $json->('{"subject":5}'), 422, 'invalid-input', 'subject');
wrong('JSON: an object as value', $json->('{"subject":{"a":1}}'), 422, 'invalid-input', 'subject');
wrong('JSON: text for a number', $json->('{"subject":"a","reminder":"15"}'), 422, 'invalid-input', 'reminder');
wrong('JSON: text for a boolean', $json->('{"subject":"a","all_day":"yes"}'), 422, 'invalid-input', 'all_day');
wrong('JSON: a member that does not exist', $json->('{"subject":"a","rom":"boardroom"}'), 422, 'invalid-input', 'rom');
wrong('JSON: huge', $json->('{"subject":"' . 'x' x 100000 . '"}'), 413, 'body-too-large');
wrong('JSON: not UTF-8', $json->("{\"subject\":\"\xff\"}"), 400, 'malformed-body');
wrong('an empty body', $json->(''), 422, 'invalid-input', 'subject');

# ---- queries ----
my $get = sub { my ($path) = @_; return $web->json('alice', GET => $path) };
wrong('free/busy of a path', $get->('/booking/freebusy?who=../x'), 422, 'invalid-input', 'who');
wrong('free/busy with a header in it', $get->('/booking/freebusy?who=a%40x.example%0d%0aX:1'), 422, 'invalid-input', 'who');
wrong('free/busy with an odd slot', $get->('/booking/freebusy?slot=0'), 422, 'invalid-input', 'slot');
wrong('free/busy of a year', $get->('/booking/freebusy?start=2099-01-01&end=2099-12-31'), 422, 'range-too-long', 'end');
wrong('free/busy backwards', $get->('/booking/freebusy?start=2099-01-02&end=2099-01-01'), 422, 'invalid-input', 'end');
wrong('free/busy of 51 people', $get->('/booking/freebusy?' . join '&', map {"who=p$_\@x.example"} 1 .. 51), 422, 'too-many-attendees', 'who');
wrong('a query that is not UTF-8', $get->('/booking/bookings?start=%ff'), 400, 'malformed-body');
wrong('an unknown page', $get->('/booking/nowhere'), 404, 'no-such-page');
wrong('a page below a page', $get->('/booking/rooms/x/y'), 404, 'no-such-page');
wrong('a method that is not there', $web->request(PUT => '/booking/bookings', user => 'alice', body => 'x', headers => { Accept => 'application/json' }), 405, 'method-not-allowed');
is($web->request(PUT => '/booking/bookings', user => 'alice', body => 'x')->{headers}{allow}, 'GET, HEAD, POST', 'and what is allowed is said');

# ---- what came back is safe, and nothing happened ----
my $evil = q{"><script>alert(1)</script>};
my $r = $web->form('alice', $url, { %good, subject => $evil, room => 'cellar' });
unlike($r->{content}, qr/<script/, 'markup in the subject comes back as text');
like($r->{content}, qr/value="&#34;&gt;&lt;script&gt;/, 'and is not lost');
$r = $web->form('alice', $url, { %good, required => 'bob@', text => "Line one\nline two", reminder => '15', end => '2099-03-05T12:30' });
for my $typed ('value="Test"', 'name="date" value="2099-03-05"', 'name="start" value="10:00"', 'name="end" value="12:30"', 'value="bob@"', 'Line one', 'value="15"') {
    like($r->{content}, qr/\Q$typed\E/, "typed before, there again: $typed");
}
$r = $web->form('alice', $url, { %good, date => '2099-03-05', start => '10:00', end => '9:00', room => 'cellar' });
like($r->{content}, qr/name="date" value="2099-03-05".*name="start" value="10:00".*type="text"[^>]*name="end" value="9:00"/s, 'date and time fields come back as they were typed');
$web->json('alice', GET => '/booking/bookings');
my $log = $sim->control(GET => '/_sim/log');
ok((grep { $_->{method} eq 'SEARCH' } @$log), 'what did reach it is in its log');
is(scalar(grep { ($_->{method} // '') =~ /PROPPATCH|MOVE|POST|PUT|DELETE/ } @$log), 0,
    'none of it wrote anything to the calendar server');
like($web->log, qr/OWACAL0515/, 'the server is alive');
unlike($web->log, qr/exit signal|segfault/i, 'no child crashed');
done_testing();
