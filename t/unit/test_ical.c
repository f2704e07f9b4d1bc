/* The calendar part of a message, and the attendees of an event. */
#include <stdlib.h>
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

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_attendees();
    test_messages();
    apr_terminate();
    return done_testing();
}
