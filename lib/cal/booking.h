/* booking.h - the event: what a person books, reads, changes and cancels. Plain data in a pool;
 * absent strings are NULL. */
#ifndef OC_CAL_BOOKING_H
#define OC_CAL_BOOKING_H

#include "base/result.h"
#include "cal/attendee.h"
#include "cal/range.h"

typedef enum oc_busy_t {
    OC_BUSY_FREE,
    OC_BUSY_TENTATIVE,
    OC_BUSY_BUSY,
    OC_BUSY_OOF,
    OC_BUSY_UNKNOWN
} oc_busy_t;
typedef enum oc_instance_t {
    OC_INSTANCE_SINGLE,
    OC_INSTANCE_MASTER,
    OC_INSTANCE_OCCURRENCE,
    OC_INSTANCE_EXCEPTION
} oc_instance_t;
typedef enum oc_sensitivity_t {
    OC_SENSITIVITY_NORMAL,
    OC_SENSITIVITY_PERSONAL,
    OC_SENSITIVITY_PRIVATE,
    OC_SENSITIVITY_CONFIDENTIAL
} oc_sensitivity_t;

/* The backend's name of an item in the acting person's own calendar: printed and parsed only by
 * the backend. A short printable string without host, mailbox or folder. */
typedef const char *oc_itemref_t;

typedef struct oc_booking_t {
    oc_itemref_t item; /* NULL before it is created */
    const char *uid;
    const char *etag; /* opaque revision; NULL = not known */
    const char *mark; /* short opaque token kept with the item (fingerprint of the request) */
    const char *subject, *text, *location;
    oc_range_t when; /* UTC; all-day: instants of local midnight in `zone` */
    int all_day;
    const char *zone; /* IANA id it was booked in; NULL = UTC */
    oc_busy_t busy;
    int reminder; /* minutes before start; -1 = none */
    oc_sensitivity_t sensitivity;
    const char *organizer, *organizer_name; /* address, display name */
    apr_array_header_t
        *attendees; /* oc_attendee_t, rooms included; never NULL; organizer not in it */
    int sequence;
    apr_time_t stamp, created, modified; /* 0 = not known */
    oc_instance_t instance;
    int is_meeting;   /* invitations belong to it */
    int is_organizer; /* the acting person's own meeting or appointment */
    int cancelled;
} oc_booking_t;

#define OC_SUBJECT_MAX  255 /* characters */
#define OC_LOCATION_MAX 255
#define OC_TEXT_MAX     32000 /* bytes */
#define OC_REMINDER_MAX (14 * 24 * 60) /* minutes: Outlook's longest usual choice */

/* A zeroed booking with an empty attendee list, busy, no reminder. */
oc_booking_t *oc_booking_create(apr_pool_t *pool);
oc_booking_t *oc_booking_copy(apr_pool_t *pool, const oc_booking_t *from); /* deep */
/* What no backend could take: fails with INVALID_INPUT (or PAST_DATE, TOO_MANY_ATTENDEES) and the
 * field's name: subject missing or too long, bad UTF-8, control characters, start >= end, longer
 * than a year, an address that is not one, an attendee twice, the organizer as attendee (left out
 * silently), more than max_attendees. now = 0: past times are allowed. */
apr_status_t oc_booking_check(oc_booking_t *b, int max_attendees, apr_time_t now, oc_result_t *res);
/* The rooms among the attendees: array of oc_attendee_t *. */
apr_array_header_t *oc_booking_rooms(apr_pool_t *pool, const oc_booking_t *b);
const char *oc_busy_token(oc_busy_t b); /* "free", "tentative", "busy", "oof", "unknown" */

#endif
