/* ical.h - iCalendar text (RFC 5545). ical.c is the only file that names libical. Any thread that
 * owns the pool. Everything is bounded: text over OC_ICAL_MAX is refused, not read in part. */
#ifndef OC_WIRE_ICAL_H
#define OC_WIRE_ICAL_H

#include <apr_tables.h>
#include "cal/attendee.h"

#define OC_ICAL_MAX (1024 * 1024)

/* The decoded text/calendar part of a message (RFC 5322, MIME), or the text itself if it is a bare
 * iCalendar stream. NULL: there is none, or the message is nested or cut so that it cannot be told.
 */
const char *oc_ical_in_message(apr_pool_t *pool, const char *message, apr_size_t len);

/* The attendees of the first VEVENT without RECURRENCE-ID whose UID is `uid` (NULL = any): array of
 * oc_attendee_t with address, name, role and partstat; without PARTSTAT: NEEDS-ACTION. NULL: not
 * iCalendar, or no such event. */
apr_array_header_t *oc_ical_attendees(apr_pool_t *pool, const char *text, const char *uid);

#endif
