/* view.h - results to text: what all pages and JSON documents have in common.
 *
 * Rendering knows nothing of backends, sockets or httpd: given a result it returns text in
 * view->pool. Every text from outside goes through the escaping writers (view/html.h, wire/json.h).
 */
#ifndef OC_VIEW_VIEW_H
#define OC_VIEW_VIEW_H

#include "cal/room.h"
#include "op/op.h"
#include "wire/form.h"

typedef enum oc_view_as_t {
    OC_VIEW_DOCUMENT, /* a document of its own */
    OC_VIEW_SECTION,  /* a section with its heading, for inclusion in another page */
    OC_VIEW_BARE      /* the mere content of an element that the page's author wrote */
} oc_view_as_t;

typedef struct oc_view_t {
    apr_pool_t *pool;
    const char *base;  /* path of the handler without trailing slash */
    const char *zone;  /* IANA id in which times are shown */
    const char *op_id; /* NULL: no operation took place */
    const char *user;  /* the signed-in person */
    const char *acting_as;  /* mailbox in which a configured account acts; NULL: the person does */
    const char *credential; /* that account's name in the configuration */
    const char *token; /* form token; NULL: no forms are shown */
    int fragment;      /* an oc_view_as_t */
    const char *ids; /* begins every id="": differs among the forms of one page; NULL = "owacal" */
    int show_holder;   /* 0 nobody, 1 organizer, 2 organizer and subject: who holds a taken room */
    const char *key;   /* idempotency key for a new form; NULL = none */
    const apr_array_header_t
        *remarks; /* const char *: what was decided for the sender; may be NULL */
    const apr_array_header_t
        *asked; /* oc_asked_t (people.h): names the form asks about; may be NULL */
    const apr_array_header_t *rooms; /* oc_room_t * */
    /* The {ref} of an item in this person's calendar. */
    const char *(*ref)(const struct oc_view_t *view, const char *item, const char *uid);
    const void *ref_baton;
} oc_view_t;

/* "/booking/bookings/REF" */
const char *oc_view_booking_path(const oc_view_t *view, const oc_booking_t *b);
/* The room with that address, or NULL. */
const oc_room_t *oc_view_room(const oc_view_t *view, const char *address);
/* "2026-03-05 10:00" in the page's zone; "" if it cannot be said. */
const char *oc_view_clock(const oc_view_t *view, apr_time_t t);
/* The same in the form that a datetime-local field takes: "2026-03-05T10:00". */
const char *oc_view_input(const oc_view_t *view, apr_time_t t);
/* One sentence for what an act came to ("The room is booked.", ...). */
const char *oc_view_act_sentence(const oc_view_t *view, const oc_act_t *act, const char *verb);
/* "sent", "unverified", "not-sent", "unknown", "none" for oc_told_t. */
const char *oc_view_told_token(oc_told_t told);

#endif
