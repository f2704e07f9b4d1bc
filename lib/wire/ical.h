/* ical.h - iCalendar text (RFC 5545). ical.c is the only file that names libical. Any thread that
 * owns the pool. Everything is bounded: text over OC_ICAL_MAX is refused, not read in part. */
#ifndef OC_WIRE_ICAL_H
#define OC_WIRE_ICAL_H

#include <apr_tables.h>
#include "cal/attendee.h"
#include "cal/booking.h"

#define OC_ICAL_MAX (1024 * 1024)

/* The decoded text/calendar part of a message (RFC 5322, MIME), or the text itself if it is a bare
 * iCalendar stream. NULL: there is none, or the message is nested or cut so that it cannot be told.
 */
const char *oc_ical_in_message(apr_pool_t *pool, const char *message, apr_size_t len);

/* The attendees of the first VEVENT without RECURRENCE-ID whose UID is `uid` (NULL = any): array of
 * oc_attendee_t with address, name, role and partstat; without PARTSTAT: NEEDS-ACTION. NULL: not
 * iCalendar, or no such event. */
apr_array_header_t *oc_ical_attendees(apr_pool_t *pool, const char *text, const char *uid);

/* ---- writing ---- */

typedef struct oc_ical_calendar_t {
    const char *name;                 /* what calendar programs call it; NULL */
    const char *zone;                 /* IANA id in which times are written; NULL: in UTC */
    const apr_array_header_t *events; /* oc_booking_t *, each with a uid, no two the same */
    apr_time_t stamp;                 /* DTSTAMP of events that do not say when they were written */
} oc_ical_calendar_t;

/* An iCalendar object (RFC 5545): one VEVENT for each, in their order, and a VTIMEZONE that holds
 * for all of them. Texts stand in it as oc_ical_plain() gives them. An address that is none is left
 * out; the reminder becomes an alarm. The same events give the same bytes. Text in the pool; NULL:
 * memory is out. */
const char *oc_ical_write(apr_pool_t *pool, const oc_ical_calendar_t *calendar);
/* The text that a reader of iCalendar gets for `s`: line ends are LF, a tab is a blank, and other
 * control characters and bytes that are not UTF-8 are U+FFFD. */
const char *oc_ical_plain(apr_pool_t *pool, const char *s);

#endif
