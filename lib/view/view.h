/* view.h - results to text: what all pages and JSON documents have in common.
 *
 * Rendering knows nothing of backends, sockets or httpd: given a result it returns text in
 * view->pool. Every text from outside goes through the escaping writers (view/html.h, wire/json.h).
 */
#ifndef OC_VIEW_VIEW_H
#define OC_VIEW_VIEW_H

#include "cal/dates.h"
#include "cal/room.h"
#include "op/op.h"
#include "view/html.h"
#include "view/say.h"
#include "wire/form.h"

typedef enum oc_view_as_t {
    OC_VIEW_DOCUMENT, /* a document of its own */
    OC_VIEW_SECTION,  /* a section with its heading, for inclusion in another page */
    OC_VIEW_BARE      /* the mere content of an element that the page's author wrote */
} oc_view_as_t;

typedef struct oc_view_error_t { /* what is wrong with one field of a form */
    const char *field;
    const oc_result_t *what;
} oc_view_error_t;

typedef struct oc_view_t {
    apr_pool_t *pool;
    const char *base;  /* path of the handler without trailing slash */
    const char *zone;  /* IANA id in which times are shown */
    oc_language_t language;   /* of all texts */
    const char *locale;       /* the tag it came from, for dates: "de-AT"; NULL = OC_SAY_LOCALE */
    const char *op_id; /* NULL: no operation took place */
    const char *user;  /* the signed-in person */
    const char *acting_as;  /* mailbox in which a configured account acts; NULL: the person does */
    const char *credential; /* that account's name in the configuration */
    const char *token; /* form token; NULL: no forms are shown */
    int fragment;      /* an oc_view_as_t */
    const char *ids; /* begins every id="": differs among the forms of one page; NULL = "owacal" */
    int place;         /* number of a form among those of its page; 0 = it does not say */
    apr_time_t now;    /* 0 = not known */
    int show_holder;   /* 0 nobody, 1 organizer, 2 organizer and subject: who holds a taken room */
    const char *key;   /* idempotency key for a new form; NULL = none */
    const apr_array_header_t
        *remarks; /* const char *: what was decided for the sender; may be NULL */
    const apr_array_header_t
        *errors; /* oc_view_error_t: all that is wrong with the fields; may be NULL */
    const apr_array_header_t
        *asked; /* oc_asked_t (people.h): names the form asks about; may be NULL */
    const apr_array_header_t *rooms; /* oc_room_t * */
    /* The {ref} of an item in this person's calendar. */
    const char *(*ref)(const struct oc_view_t *view, const char *item, const char *uid);
    const void *ref_baton;
} oc_view_t;

/* A document as far as its open body. refresh: content of such a meta element; NULL. */
void oc_view_document(const oc_view_t *view, oc_html_t *h, const char *title, const char *refresh);
/* "/booking/bookings/REF" */
const char *oc_view_booking_path(const oc_view_t *view, const oc_booking_t *b);
/* 1 if this person can change and cancel it here. */
int oc_view_own(const oc_view_t *view, const oc_booking_t *b);
/* The room with that address, or NULL. */
const oc_room_t *oc_view_room(const oc_view_t *view, const char *address);
/* "2026-03-05", the day of an instant in the page's zone; "" if it cannot be said. */
const char *oc_view_day(const oc_view_t *view, apr_time_t t);
/* 1 if all of it lies on one such day. */
int oc_view_one_day(const oc_view_t *view, oc_range_t range);
/* "2026-03-05T10:00" in the page's zone, as fields and queries take it; "" if it cannot be said. */
const char *oc_view_input(const oc_view_t *view, apr_time_t t);
/* What stands between a path and one more field of its query: "?", "&", or nothing. */
const char *oc_view_joint(const char *path);
/* path with "room=..&start=..&end=.." behind it, each name with the prefix (NULL: none), and the
 * place of the form if it has one: where a free time leads. path "?" is the page itself. */
const char *oc_view_form_path(const oc_view_t *view, const char *path, const char *prefix,
                              const char *room, oc_range_t when);
/* The same for times that have been written as oc_view_input() does; start NULL: without any. */
const char *oc_view_form_at(const oc_view_t *view, const char *path, const char *prefix,
                            const char *room, const char *start, const char *end);
/* Day and clock as people write them. */
const char *oc_view_date(const oc_view_t *view, apr_time_t t, oc_dates_t style);
/* The same for oc_html_parts(). */
oc_html_part_t oc_view_part(const oc_view_t *view, const char *name, apr_time_t t,
                            oc_dates_t style);
/* Parts "start" and "end" of a range; the end says its day only where it is another one. */
void oc_view_range(const oc_view_t *view, oc_range_t range, oc_html_part_t parts[2]);
/* The same of whole days: "start" and "end" are the first and the last of them. 1: it is one day.
 */
int oc_view_days(const oc_view_t *view, oc_range_t range, oc_html_part_t parts[2]);
/* A text in the page's language: oc_say(), and oc_say_with() with pairs. */
const char *oc_view_say(const oc_view_t *view, const char *english);
#define oc_view_with(view, ...) oc_say_with((view)->pool, (view)->language, __VA_ARGS__)
/* "When was: is missing" of a failure of kind INPUT; NULL if there is nothing to tell people. */
const char *oc_view_detail(const oc_view_t *view, const oc_result_t *res);
/* One sentence for what an act came to ("The room is booked.", ...). */
const char *oc_view_act_sentence(const oc_view_t *view, const oc_act_t *act, const char *verb);
/* "sent", "unverified", "not-sent", "unknown", "none" for oc_told_t. */
const char *oc_view_told_token(oc_told_t told);

#endif
