/* agenda.h - what stands in a room's calendar, as far as others may know it. Plain data; pure but
 * for the pool; any thread that owns the pool.
 *
 * Here, and nowhere later, the reader's view is cut down to what the configuration and the items
 * themselves allow: whatever shows an agenda cannot show more than stands in it. */
#ifndef OC_CAL_AGENDA_H
#define OC_CAL_AGENDA_H

#include "base/crypto.h"
#include "cal/booking.h"
#include "cal/freebusy.h"
#include "cal/room.h"

typedef struct oc_agenda_entry_t {
    oc_range_t when;
    oc_busy_t busy;         /* never FREE: what leaves the room free is not in the agenda */
    int all_day;
    const char *zone;       /* in whose midnights an all-day entry was meant; NULL = not known */
    const char *subject;    /* NULL: not known, or not to be shown */
    const char *by;         /* who holds the room: a name, else an address; NULL as above */
    const char *by_address; /* NULL unless `by` is told and the address is known */
    const char *uid;        /* the booking's own, or one made of a MAC: never NULL */
    int sequence;
    apr_time_t created, modified; /* 0 = not known, or not to be told */
} oc_agenda_entry_t;

typedef struct oc_agenda_t {
    const oc_room_t *room;
    oc_range_t range;
    int by_freebusy;             /* 1: made of free/busy, for its calendar may not be read */
    int more;                    /* 1: there was more than was read */
    apr_array_header_t *entries; /* oc_agenda_entry_t, by start */
} oc_agenda_t;

/* What makes the uids of an agenda: secret and name of the calendar server. */
typedef struct oc_agenda_seal_t {
    const oc_secret_t *secret;
    const char *backend;
} oc_agenda_seal_t;

/* From the room's own calendar (oc_booking_t *), whoever could read it. show: 0 busy, 1 organizer,
 * 2 organizer and subject, as OwaCalPrivacy says. Items that are cancelled or free are left out.
 * Private and confidential ones keep nothing but their time, not even that they are private. A
 * subject that is only the organizer's name (Exchange writes that into rooms' calendars) is no
 * subject. NULL: no MAC could be made. */
oc_agenda_t *oc_agenda_of_calendar(apr_pool_t *pool, const oc_agenda_seal_t *seal,
                                   const oc_room_t *room, oc_range_t range,
                                   const apr_array_header_t *bookings, int show);
/* From its free/busy: blocks without names; what is unknown is an entry, too. */
oc_agenda_t *oc_agenda_of_freebusy(apr_pool_t *pool, const oc_agenda_seal_t *seal,
                                   const oc_room_t *room, oc_range_t range,
                                   const oc_freebusy_t *row);

/* What the room is at `now`, and until when: *until is the end of that state, 0 if it lasts to the
 * end of the agenda. UNKNOWN outside its range. Neighbours that touch count as one time. */
oc_busy_t oc_agenda_now(const oc_agenda_t *agenda, apr_time_t now, apr_time_t *until);

/* A uid that is always the same for the same words and tells nothing of them; NULL on failure. */
const char *oc_agenda_uid(apr_pool_t *pool, const oc_agenda_seal_t *seal, const char *kind,
                          const char *what, oc_range_t when);

#endif
