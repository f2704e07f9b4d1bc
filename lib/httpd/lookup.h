/* lookup.h - what one page asks the calendar server: many questions side by side, each asked once.
 *
 * A question asked again, or as a part of one that was asked, is the same look-up; those about the
 * free/busy of one time become one exchange, for as long as oc_lookup_go() has not sent them off. A
 * page's reader does that whenever he has to wait for more of the page. A room whose calendar is
 * known to be closed is asked about together with the others' free/busy. What is kept of free/busy
 * (httpd/freshness.h) is not asked for; where all of it is, nothing is waited for. All of a page's
 * look-ups together are one waiting request in the sense of OwaCalLimit per-user= and waiting=: one
 * worker thread sleeps for them. Request thread; everything in the request's pool; with that pool
 * the look-ups under way are abandoned.
 */
#ifndef OC_HTTPD_LOOKUP_H
#define OC_HTTPD_LOOKUP_H

#include "httpd/freshness.h"

typedef struct oc_lookup_store_t oc_lookup_store_t;

typedef struct oc_lookup_t {
    oc_verb_t verb;
    const char *op_id;        /* NULL: it did not even begin */
    oc_result_t result;       /* final after oc_lookup_wait() */
    apr_array_header_t *rows; /* freebusy: oc_freebusy_t *, one for each asked about */
    oc_list_t *list;          /* list */
    oc_booking_t *booking;    /* read */
    oc_room_look_t *look;     /* room */
    /* lookup.c's own */
    struct oc_lookup_t *next;
    oc_lookup_store_t *store;
    const char *key;
    apr_array_header_t *who; /* free/busy of; more may join before it is sent */
    oc_range_t range;
    apr_time_t slot;
    oc_freshness_t fresh;       /* what of that was known */
    struct oc_answer_t *answer; /* what was asked for: filled in by the operation, in whose memory
                                 * it is */
    const oc_room_t *room;      /* whose calendar; NULL: the person's own */
    struct oc_lookup_t *joined; /* room: its calendar is closed, here is its free/busy; NULL */
    int max, answers;
    const char *item;
    oc_wait_t wait;
    int sent, begun, ended; /* sent: it was tried; begun: and there is something to wait for */
} oc_lookup_t;

#define OC_LOOKUP_MAX 64 /* of one page */

/* q: opened, living as long as its request's pool. */
oc_lookup_store_t *oc_lookup_open(oc_request_t *q);
/* None returns NULL; a failure to begin is in the look-up's result. */
oc_lookup_t *oc_lookup_freebusy(oc_lookup_store_t *store, const apr_array_header_t *who,
                                oc_range_t range, apr_time_t slot);
/* answers: as oc_list_query_t has it. */
oc_lookup_t *oc_lookup_list(oc_lookup_store_t *store, oc_range_t range, int max, int answers);
/* item: of oc_request_item(). */
oc_lookup_t *oc_lookup_read(oc_lookup_store_t *store, const char *item);
/* The calendar, else the free/busy, of a configured room. */
oc_lookup_t *oc_lookup_room(oc_lookup_store_t *store, const oc_room_t *room, oc_range_t range,
                            int max);
/* Begin what was asked so far; never waits. */
void oc_lookup_go(oc_lookup_store_t *store);
/* 1 if oc_lookup_wait() would return at once. */
int oc_lookup_over(const oc_lookup_t *l);
/* Wait until it is answered, having sent off what was asked; what l->result says. Results live
 * until oc_lookup_close(). */
apr_status_t oc_lookup_wait(oc_lookup_t *l);
/* End of the page, or of all wish to know: abandon what is under way, free what was answered. */
void oc_lookup_close(oc_lookup_store_t *store);

#endif
