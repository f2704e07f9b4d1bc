/* The calendar part of a message, and the attendees of an event. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wire/ical.h"

static apr_pool_t *pool;

#define EVENT "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:u1\r\n" \
    "DTSTART:20260305T090000Z\r\nATTENDEE;PARTSTAT=ACCEPTED;CN=\"Bo, B\":MAILTO:Bo@ex.example\r\n" \
    "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=DECL\r\n INED:mailto:cy@ex.example\r\n" \
    "ATTENDEE;ROLE=NON-PARTICIPANT;CUTYPE=ROOM;PARTSTAT=TENTATIVE:mailto:r@ex.example\r\n" \
    "ATTENDEE:mailto:dee@ex.example\r\nATTENDEE:mailto:not an address\r\nATTENDEE:urn:x\r\n" \
    "ATTENDEE;PARTSTAT=X-ODD:mailto:ed@ex.example\r\n" \
    "END:VEVENT\r\nEND:VCALENDAR\r\n"

static const char *list(const char *text, const char *uid)
{
    apr_array_header_t *people = oc_ical_attendees(pool, text, uid);
    const char *s = "";
    int i;

    if (!people) {
        return NULL;
    }
    for (i = 0; i < people->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(people, i, oc_attendee_t);
        s = apr_pstrcat(pool, s, a->address, "/", a->name ? a->name : "", "/",
                        oc_role_token(a->role), "/", oc_partstat_token(a->partstat), ";", NULL);
    }
    return s;
}

static void test_attendees(void)
{
    is_str(list(EVENT, "u1"),
           "Bo@ex.example/Bo, B/REQ-PARTICIPANT/ACCEPTED;cy@ex.example//OPT-PARTICIPANT/DECLINED;"
           "r@ex.example//NON-PARTICIPANT/TENTATIVE;dee@ex.example//REQ-PARTICIPANT/NEEDS-ACTION;"
           "ed@ex.example//REQ-PARTICIPANT/UNKNOWN;",
           "address, name, role and answer; lines unfolded; what is no address is left out");
    ok(list(EVENT, "U1") != NULL, "a uid without regard to case");
    ok(list(EVENT, NULL) != NULL, "or any");
    ok(list(EVENT, "u2") == NULL, "another meeting's event is not taken");
    ok(list("", NULL) == NULL, "nothing is no event");
    ok(list("hello\r\n", NULL) == NULL, "text is no event");
    ok(list("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", NULL) == NULL, "an empty calendar");
    is_str(list("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u1\r\nRECURRENCE-ID:20260305T090000Z\r\n"
                "ATTENDEE:mailto:x@y.example\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:u1\r\n"
                "ATTENDEE:mailto:z@y.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", "u1"),
           "z@y.example//REQ-PARTICIPANT/NEEDS-ACTION;", "an exception is not the meeting");
}

/* An event with `head` in it, and `more` again and again up to a megabyte. */
static const char *much(const char *head, const char *more, const char *tail)
{
    static char text[OC_ICAL_MAX];
    size_t n = strlen(more), at = (size_t)sprintf(text, "%s", head);

    while (at + n + strlen(tail) < sizeof(text)) {
        memcpy(text + at, more, n);
        at += n;
    }
    sprintf(text + at, "%s", tail);
    return text;
}

static void test_hostile(void)
{
    static const char head[] = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u1\r\n";
    static const char end[] = "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    static const char *const lines[] = {"A:\n", "\n:", "X", ";X=Y", "\n B", "\nUIDS:1"};
    const char *attended = apr_pstrcat(pool, head, "ATTENDEE:mailto:a@b.example\r\nX:", NULL);
    char *deep = apr_palloc(pool, 80000 * 14 + 100), *o = deep;

    for (int i = 0; i < (int)(sizeof(lines) / sizeof(lines[0])); ++i) {
        is_str(list(much(attended, lines[i], end), "u1"),
               "a@b.example//REQ-PARTICIPANT/NEEDS-ACTION;",
               "a megabyte of other lines (%d) does not matter", i);
    }
    ok(!list(much(head, "ATTENDEE\n", end), "u1"), "too many lines of those that are read");
    ok(!list(much(head, "ATTENDEE;X=Y", end), "u1"), "one without end");
    for (int i = 0; i < 70000; ++i) {
        o = apr_cpystrn(o, "BEGIN:A\n", 9);
    }
    for (int i = 0; i < 70000; ++i) {
        o = apr_cpystrn(o, "END:A\n", 7);
    }
    ok(!list(deep, NULL), "components within components");
}

static void found(const char *message, const char *want, const char *what)
{
    const char *got = oc_ical_in_message(pool, message, strlen(message));

    is_str(got, want, "%s", what);
}

static void test_messages(void)
{
    found("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "bare");
    found("Subject: x\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN\r\n", "BEGIN\r\n",
          "the whole body");
    found("content-type: TEXT/Calendar\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\n"
          "A=3DB=\r\nC=C3=A9=\n=ZZ", "A=BC\xC3\xA9", "quoted-printable, broken escapes dropped");
    found("Content-Type: text/calendar\nContent-Transfer-Encoding: base64\n\nQUJD\n REVG\n",
          "ABCDEF", "base64 with line breaks, bare line feeds");
    found("Content-Type: multipart/mixed;\r\n\tboundary=b\r\n\r\npre\r\n--b\r\n"
          "Content-Type: multipart/alternative; boundary=\"c d\"\r\n\r\n--c d\r\n\r\ntext\r\n"
          "--c d\r\nContent-Type: text/calendar\r\n\r\nHERE\r\n--c d--\r\n--b--\r\n",
          "HERE\r\n", "inside multipart inside multipart");
    found("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
          "Content-Type: text/calendar\r\n\r\nX", NULL, "a part without end is cut off");
    found("Content-Type: text/plain\r\n\r\nBEGIN:VCALENDAR", NULL, "no calendar part");
    found("", NULL, "nothing");
    found("Content-Type: multipart/mixed\r\n\r\n--\r\n", NULL, "no boundary");
    found("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n"
          "Content-Type: text/calendar\r\n\r\nx\r\n----\r\n", NULL, "an empty boundary");
    {
        const char *deep = "Content-Type: text/calendar\r\n\r\nX\r\n";
        int i;
        for (i = 0; i < 10; ++i) {
            if (i == 3) {
                found(deep, "X\r\n", "three parts deep");
            }
            deep = apr_psprintf(pool, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
                                "%s--b%d--\r\n", i, i, deep, i);
        }
        found(deep, NULL,
              "parts nested too deeply");
    }
    {
        char *big = apr_palloc(pool, OC_ICAL_MAX + 2);
        memset(big, 'x', OC_ICAL_MAX + 1);
        ok(!oc_ical_in_message(pool, big, OC_ICAL_MAX + 1), "a message that is too large");
        ok(!oc_ical_in_message(pool, "Content-Type: text/calendar\n\nA\0B", 31), "a NUL byte");
    }
}

/* One event, an hour at 2026-03-05T09:00:00Z. */
static oc_booking_t *event(void)
{
    oc_booking_t *b = oc_booking_create(pool);

    b->uid = "u1";
    b->when.start = apr_time_from_sec(1772701200);
    b->when.end = b->when.start + apr_time_from_sec(3600);
    return b;
}

static const char *write_one(oc_booking_t *b, const char *zone)
{
    oc_ical_calendar_t c = {NULL, zone, NULL, apr_time_from_sec(86400)};
    apr_array_header_t *events = apr_array_make(pool, 1, sizeof(oc_booking_t *));

    APR_ARRAY_PUSH(events, oc_booking_t *) = b;
    c.events = events;
    return oc_ical_write(pool, &c);
}

#define has(text, part, ...)   ok(strstr((text), (part)) != NULL, __VA_ARGS__)
#define lacks(text, part, ...) ok(strstr((text), (part)) == NULL, __VA_ARGS__)

static void test_plain(void)
{
    is_str(oc_ical_plain(pool, "a\r\nb\rc\nd\te"), "a\nb\nc\nd e", "line ends and tabs");
    is_str(oc_ical_plain(pool, "\x01\x7f\xff\xc3"),
           "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", "what is no text");
    is_str(oc_ical_plain(pool, "\xC3\xA9\xE2\x80\xAE\xF0\x9F\x98\x80"),
           "\xC3\xA9\xE2\x80\xAE\xF0\x9F\x98\x80", "letters, marks and pictures stay");
}

static void test_writing(void)
{
    oc_booking_t *b = event();
    oc_attendee_t *a;
    const char *text = write_one(b, NULL);

    has(text, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:", "a calendar");
    has(text, "DTSTART:20260305T090000Z\r\nDTEND:20260305T100000Z\r\n", "in UTC without a zone");
    lacks(text, "VTIMEZONE", "  which needs no rules");
    has(text, "DTSTAMP:19700102T000000Z\r\n", "stamped as told");
    has(text, "STATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\n", "confirmed, and takes time");
    lacks(text, "SUMMARY", "no subject");
    lacks(text, "VALARM", "no reminder");

    b->modified = apr_time_from_sec(1772701200);
    b->created = b->modified - apr_time_from_sec(60);
    b->sequence = 3;
    b->subject = "a;b,c\\d\r\ne";
    b->organizer = "ana@ex.example";
    b->organizer_name = "A \"B\"; C\\:\r\nX";
    b->reminder = 15;
    b->busy = OC_BUSY_TENTATIVE;
    b->sensitivity = OC_SENSITIVITY_CONFIDENTIAL;
    a = apr_array_push(b->attendees);
    memset(a, 0, sizeof(*a));
    a->address = "no address\r\nX:y";
    text = write_one(b, "Europe/Budapest");
    has(text,
        "DTSTAMP:20260305T090000Z\r\nCREATED:20260305T085900Z\r\n"
        "LAST-MODIFIED:20260305T090000Z\r\nSEQUENCE:3\r\n",
        "stamps of the event's own");
    has(text, "DTSTART;TZID=Europe/Budapest:20260305T100000\r\n", "local time");
    has(text,
        "BEGIN:DAYLIGHT\r\nDTSTART:20260329T020000\r\nTZOFFSETFROM:+0100\r\n"
        "TZOFFSETTO:+0200\r\n",
        "by rules that say when the clocks change");
    has(text,
        "BEGIN:STANDARD\r\nDTSTART:20251026T030000\r\nTZOFFSETFROM:+0200\r\n"
        "TZOFFSETTO:+0100\r\n",
        "  and changed before");
    has(text, "SUMMARY:a\\;b\\,c\\\\d\\ne\r\n", "a text escaped");
    has(text, "ORGANIZER;CN=\"A 'B'; C/: X\":mailto:ana@ex.example\r\n",
        "a name that cannot break out");
    lacks(text, "ATTENDEE", "what is no address is left out");
    has(text, "TRIGGER:-PT15M\r\n", "a reminder");
    has(text, "STATUS:TENTATIVE\r\nTRANSP:OPAQUE\r\n", "tentative");
    b->reminder = INT_MAX;
    lacks(write_one(b, "Europe/Budapest"), "VALARM", "none that lies beyond all sense");
    has(text, "CLASS:CONFIDENTIAL\r\n", "confidential");
    b->cancelled = 1;
    has(write_one(b, NULL), "STATUS:CANCELLED\r\n", "cancelled");
}

static void test_days(void)
{
    oc_booking_t *b = event();

    b->all_day = 1;
    b->zone = "America/New_York";
    b->when.start = apr_time_from_sec(1772686800); /* 2026-03-05T00:00 there */
    b->when.end = b->when.start + apr_time_from_sec(2 * 86400);
    has(write_one(b, "Europe/Budapest"),
        "DTSTART;VALUE=DATE:20260305\r\nDTEND;VALUE=DATE:20260307\r\n",
        "days are those of the place they were meant in");
    b->when.end = b->when.start;
    has(write_one(b, NULL), "DTEND;VALUE=DATE:20260306\r\n", "one day at least");
}

static void test_folding(void)
{
    oc_booking_t *b = event();
    int n, bad = 0;

    for (n = 1; n < 400; ++n) { /* every place a line can end at */
        char *subject = apr_palloc(pool, (apr_size_t)n + 1);
        const char *text, *line, *end;
        memset(subject, 'x', (apr_size_t)n);
        subject[n] = '\0';
        b->subject = subject;
        for (line = text = write_one(b, NULL); (end = strstr(line, "\r\n")); line = end + 2) {
            bad += end - line > 75 || end == line || memchr(line, '\r', (apr_size_t)(end - line));
        }
        bad += *line != '\0';
    }
    is_int(bad, 0, "lines of every length end and are folded where they may be");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_attendees();
    test_hostile();
    test_messages();
    test_plain();
    test_writing();
    test_days();
    test_folding();
    apr_terminate();
    return done_testing();
}
