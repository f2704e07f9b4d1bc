#include "cal/booking.h"
#include "base/str.h"

#include <apr_strings.h>
#include <string.h>

#define LONGEST apr_time_from_sec(366 * 24 * 3600)
#define LATEST  APR_INT64_C(7258118400000000) /* 2200-01-01 */

oc_booking_t *oc_booking_create(apr_pool_t *pool)
{
    oc_booking_t *b = apr_pcalloc(pool, sizeof(*b));
    b->attendees = apr_array_make(pool, 4, sizeof(oc_attendee_t));
    b->busy = OC_BUSY_BUSY;
    b->reminder = -1;
    return b;
}

oc_booking_t *oc_booking_copy(apr_pool_t *pool, const oc_booking_t *from)
{
    oc_booking_t *b = apr_pmemdup(pool, from, sizeof(*b));
    b->item = apr_pstrdup(pool, from->item);
    b->uid = apr_pstrdup(pool, from->uid);
    b->etag = apr_pstrdup(pool, from->etag);
    b->mark = apr_pstrdup(pool, from->mark);
    b->subject = apr_pstrdup(pool, from->subject);
    b->text = apr_pstrdup(pool, from->text);
    b->location = apr_pstrdup(pool, from->location);
    b->zone = apr_pstrdup(pool, from->zone);
    b->organizer = apr_pstrdup(pool, from->organizer);
    b->organizer_name = apr_pstrdup(pool, from->organizer_name);
    b->attendees = apr_array_copy(pool, from->attendees);
    for (int i = 0; i < b->attendees->nelts; i++) {
        oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        a->address = apr_pstrdup(pool, a->address);
        a->name = apr_pstrdup(pool, a->name);
        a->room = apr_pstrdup(pool, a->room);
        a->mailbox = apr_pstrdup(pool, a->mailbox);
    }
    return b;
}

static apr_size_t characters(const char *s)
{
    apr_size_t n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

/* Control characters must not reach a header, a command line or a property. A text may have line
 * ends and tabs. U+FFFE and U+FFFF cannot be written in XML at all. */
static apr_status_t check_text(const char *s, const char *field, const char *except,
                               oc_result_t *res)
{
    if (!s) {
        return APR_SUCCESS;
    }
    if (!oc_str_utf8(s, strlen(s)) || strstr(s, "\xef\xbf\xbe") || strstr(s, "\xef\xbf\xbf")) {
        return oc_result_field(res, OC_REASON_INVALID_INPUT, field, "is not valid UTF-8 text");
    }
    if (oc_str_control(s, except)) {
        return oc_result_field(res, OC_REASON_INVALID_INPUT, field, "holds control characters");
    }
    return APR_SUCCESS;
}

static apr_status_t check_line(const char *s, const char *field, apr_size_t max, oc_result_t *res)
{
    apr_status_t rv = check_text(s, field, "", res);
    if (!rv && s && characters(s) > max) {
        rv = oc_result_field(res, OC_REASON_INVALID_INPUT, field,
                             "is longer than %" APR_SIZE_T_FMT " characters", max);
    }
    return rv;
}

static apr_status_t check_times(const oc_booking_t *b, apr_time_t now, oc_result_t *res)
{
    if (b->when.start <= 0 || b->when.start > LATEST) {
        return oc_result_field(res, OC_REASON_INVALID_INPUT, "start",
                               "the start is missing or not between the years 1970 and 2200");
    }
    if (b->when.end <= b->when.start) {
        return oc_result_field(res, OC_REASON_INVALID_INPUT, "end",
                               "the end must come after the start");
    }
    if (b->when.end - b->when.start > LONGEST) {
        return oc_result_field(res, OC_REASON_RANGE_TOO_LONG, "end",
                               "a booking may last a year at most");
    }
    if (now && b->when.start < now) {
        return oc_result_field(res, OC_REASON_PAST_DATE, "start", "the start lies in the past");
    }
    return APR_SUCCESS;
}

/* Leaves the organizer out, refuses what is no address, what comes twice, and too many. */
static apr_status_t check_attendees(oc_booking_t *b, int max, oc_result_t *res)
{
    int kept = 0;
    apr_status_t rv;
    for (int i = 0; i < b->attendees->nelts; i++) {
        oc_attendee_t a = APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        if (!oc_attendee_address_ok(a.address)) {
            return oc_result_field(res, OC_REASON_INVALID_INPUT, "attendees",
                                   "attendee %d has no usable e-mail address", i + 1);
        }
        if ((rv = check_line(a.name, "attendees", OC_SUBJECT_MAX, res))) {
            return rv;
        }
        if (oc_attendee_same(a.address, b->organizer)) {
            continue;
        }
        for (int k = 0; k < kept; k++) {
            if (oc_attendee_same(APR_ARRAY_IDX(b->attendees, k, oc_attendee_t).address,
                                 a.address)) {
                return oc_result_field(res, OC_REASON_INVALID_INPUT, "attendees",
                                       "%s is listed twice", a.address);
            }
        }
        if (kept == max) {
            return oc_result_field(res, OC_REASON_TOO_MANY_ATTENDEES, "attendees",
                                   "more than %d attendees", max);
        }
        APR_ARRAY_IDX(b->attendees, kept++, oc_attendee_t) = a;
    }
    b->attendees->nelts = kept;
    return APR_SUCCESS;
}

apr_status_t oc_booking_check(oc_booking_t *b, int max_attendees, apr_time_t now, oc_result_t *res)
{
    apr_status_t rv;
    if (!b->subject || !*oc_str_trim(res->pool, b->subject)) {
        return oc_result_field(res, OC_REASON_INVALID_INPUT, "subject", "the subject is missing");
    }
    if ((rv = check_line(b->subject, "subject", OC_SUBJECT_MAX, res)) ||
        (rv = check_line(b->location, "location", OC_LOCATION_MAX, res)) ||
        (rv = check_text(b->text, "text", "\t\r\n", res))) {
        return rv;
    }
    if (b->text && strlen(b->text) > OC_TEXT_MAX) {
        return oc_result_field(res, OC_REASON_INVALID_INPUT, "text",
                               "the text is longer than %d bytes", OC_TEXT_MAX);
    }
    if (b->reminder < -1 || b->reminder > OC_REMINDER_MAX) {
        return oc_result_field(res, OC_REASON_INVALID_INPUT, "reminder",
                               "the reminder must lie between 0 minutes and 14 days");
    }
    if (b->organizer && !oc_attendee_address_ok(b->organizer)) {
        return oc_result_field(res, OC_REASON_INVALID_INPUT, "organizer",
                               "the organizer has no usable e-mail address");
    }
    if ((rv = check_times(b, now, res))) {
        return rv;
    }
    return check_attendees(b, max_attendees, res);
}

apr_array_header_t *oc_booking_rooms(apr_pool_t *pool, const oc_booking_t *b)
{
    apr_array_header_t *rooms = apr_array_make(pool, 2, sizeof(oc_attendee_t *));
    for (int i = 0; i < b->attendees->nelts; i++) {
        oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        if (a->cutype == OC_CUTYPE_ROOM) {
            APR_ARRAY_PUSH(rooms, oc_attendee_t *) = a;
        }
    }
    return rooms;
}

const char *oc_busy_token(oc_busy_t b)
{
    switch (b) {
    case OC_BUSY_FREE:
        return "free";
    case OC_BUSY_TENTATIVE:
        return "tentative";
    case OC_BUSY_BUSY:
        return "busy";
    case OC_BUSY_OOF:
        return "oof";
    case OC_BUSY_UNKNOWN:
        break;
    }
    return "unknown";
}
