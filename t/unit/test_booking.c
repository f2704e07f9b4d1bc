#include "tap.h"
#include "cal/booking.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static oc_booking_t *good(void)
{
    oc_booking_t *b = oc_booking_create(pool);
    oc_attendee_t bo = {.address = "bo@x.example", .name = "Bo"};
    oc_attendee_t room = {.address = "room@x.example", .role = OC_ROLE_RESOURCE,
                          .cutype = OC_CUTYPE_ROOM, .room = "room", .mailbox = "hall"};
    b->subject = "Budget review";
    b->when.start = apr_time_from_sec(1772701200);
    b->when.end = apr_time_from_sec(1772704800);
    b->organizer = "ana@x.example";
    APR_ARRAY_PUSH(b->attendees, oc_attendee_t) = bo;
    APR_ARRAY_PUSH(b->attendees, oc_attendee_t) = room;
    return b;
}

static void refused(oc_booking_t *b, apr_time_t now, oc_reason_t reason, const char *field,
                    const char *why)
{
    oc_result_t res;
    oc_result_init(&res, pool);
    ok(oc_booking_check(b, 5, now, &res) != APR_SUCCESS, "refused: %s", why);
    is_int(res.reason, reason, "reason of: %s", why);
    is_str(res.field, field, "field of: %s", why);
}

static void passes(oc_booking_t *b, const char *why)
{
    oc_result_t res;
    oc_result_init(&res, pool);
    ok(oc_booking_check(b, 5, 0, &res) == APR_SUCCESS, "taken: %s (%s)", why,
       res.detail ? res.detail : "");
}

static void add(oc_booking_t *b, const char *address)
{
    oc_attendee_t a = {address, NULL, OC_ROLE_REQUIRED, OC_CUTYPE_INDIVIDUAL, 0, NULL, NULL};
    APR_ARRAY_PUSH(b->attendees, oc_attendee_t) = a;
}

static void test_check(void)
{
    oc_booking_t *b;
    char *longer = apr_pcalloc(pool, 40000);

    passes(good(), "a good booking");
    b = good(), b->subject = NULL;
    refused(b, 0, OC_REASON_INVALID_INPUT, "subject", "no subject");
    b = good(), b->subject = "  ";
    refused(b, 0, OC_REASON_INVALID_INPUT, "subject", "a blank subject");
    b = good(), b->subject = "a\r\nBcc: eve@x.example";
    refused(b, 0, OC_REASON_INVALID_INPUT, "subject", "a line break in the subject");
    b = good(), b->subject = "\xff\xfe";
    refused(b, 0, OC_REASON_INVALID_INPUT, "subject", "a subject that is not UTF-8");
    b = good(), b->subject = "x\xef\xbf\xbf";
    refused(b, 0, OC_REASON_INVALID_INPUT, "subject", "a character XML cannot hold");
    for (int i = 0; i < 255; i++) {
        memcpy(longer + 2 * i, "\xc3\xa1", 2);
    }
    b = good(), b->subject = longer;
    passes(b, "255 characters of two bytes");
    b = good(), b->subject = apr_pstrcat(pool, longer, "x", NULL);
    refused(b, 0, OC_REASON_INVALID_INPUT, "subject", "256 characters");
    b = good(), b->location = "a\tb";
    refused(b, 0, OC_REASON_INVALID_INPUT, "location", "a tab in the location");
    b = good(), b->text = "two\r\nlines\tand a tab";
    passes(b, "a text of two lines");
    b = good(), b->text = "bell\a";
    refused(b, 0, OC_REASON_INVALID_INPUT, "text", "a control character in the text");
    memset(longer, 'x', OC_TEXT_MAX + 1);
    b = good(), b->text = longer;
    refused(b, 0, OC_REASON_INVALID_INPUT, "text", "a text over its bound");
    longer[OC_TEXT_MAX] = '\0';
    passes(b, "a text at its bound");

    b = good(), b->when.start = 0;
    refused(b, 0, OC_REASON_INVALID_INPUT, "start", "no start");
    b = good(), b->when.end = b->when.start;
    refused(b, 0, OC_REASON_INVALID_INPUT, "end", "an end at the start");
    b = good(), b->when.end = b->when.start + apr_time_from_sec(367 * 86400);
    refused(b, 0, OC_REASON_RANGE_TOO_LONG, "end", "more than a year");
    b = good();
    refused(b, b->when.start + 1, OC_REASON_PAST_DATE, "start", "a start in the past");
    b = good(), b->reminder = -2;
    refused(b, 0, OC_REASON_INVALID_INPUT, "reminder", "a negative reminder");

    b = good(), add(b, "eve@x.example\r\nX: y");
    refused(b, 0, OC_REASON_INVALID_INPUT, "attendees", "an address with CR LF");
    b = good(), add(b, "BO@x.example");
    refused(b, 0, OC_REASON_INVALID_INPUT, "attendees", "an attendee twice, in other case");
    b = good(), add(b, "a@x.example"), add(b, "b@x.example"), add(b, "c@x.example");
    passes(b, "as many attendees as allowed");
    add(b, "d@x.example");
    refused(b, 0, OC_REASON_TOO_MANY_ATTENDEES, "attendees", "one attendee more");
    b = good(), add(b, "Ana@X.example");
    passes(b, "the organizer among the attendees");
    is_int(b->attendees->nelts, 2, "he is left out");
}

static void test_rest(void)
{
    oc_booking_t *b = good(), *c = oc_booking_copy(pool, b);
    apr_array_header_t *rooms = oc_booking_rooms(pool, b);
    is_int(rooms->nelts, 1, "one room");
    is_str(APR_ARRAY_IDX(rooms, 0, oc_attendee_t *)->address, "room@x.example", "this one");
    ok(c->attendees != b->attendees && c->subject != b->subject, "a copy is deep");
    is_str(APR_ARRAY_IDX(c->attendees, 0, oc_attendee_t).name, "Bo", "with its attendees");
    is_str(oc_attendee_mailbox(pool, &APR_ARRAY_IDX(c->attendees, 1, oc_attendee_t)), "hall",
           "a mailbox with a name of its own");
    is_str(oc_attendee_mailbox(pool, &APR_ARRAY_IDX(c->attendees, 0, oc_attendee_t)), "bo",
           "another is named as its address");
    APR_ARRAY_IDX(c->attendees, 0, oc_attendee_t).name = "Cy";
    is_str(APR_ARRAY_IDX(b->attendees, 0, oc_attendee_t).name, "Bo", "which are its own");
    is_str(oc_busy_token(OC_BUSY_OOF), "oof", "token");
    is_str(oc_busy_token((oc_busy_t)77), "unknown", "token out of range");
    b = oc_booking_create(pool);
    ok(b->reminder == -1 && b->busy == OC_BUSY_BUSY && b->attendees->nelts == 0, "defaults");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_check();
    test_rest();
    return done_testing();
}
