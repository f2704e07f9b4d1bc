/* read.c - one item of the acting person's calendar: PROPFIND, and then, if it is his own meeting,
 * everybody's answers (answers.c). These are not essential: where they cannot be found out they are
 * unknown.
 */
#include <string.h>

#include "backend/owa2003/owa.h"
#include "wire/ical.h"

typedef struct read_t {
    owa_verb_t v; /* first */
    oc_itemref_t item;
    oc_booking_t **out;
    oc_booking_t *booking;
    owa_ask_t *missed; /* the look that answered 404 */
} read_t;

static void read_over(owa_verb_t *v)
{
    read_t *r = (read_t *)v;

    *r->out = r->booking;
    owa_finish(v);
}

static void start(owa_verb_t *v);

static void missed(owa_verb_t *v, int moved)
{
    if (moved) {
        start(v);
    } else {
        owa_fail(v, ((read_t *)v)->missed, "read");
    }
}

static void item_read(owa_verb_t *v, owa_ask_t *a)
{
    read_t *r = (read_t *)v;
    const oc_dav_row_t *row = a->first;
    const char *why = NULL, *class;
    oc_booking_t *b = NULL;

    if (a->res.reason == OC_REASON_BOOKING_NOT_FOUND) {
        r->missed = a;
        owa_folders_moved(v, missed);
        return;
    }
    if (a->res.reason != OC_REASON_OK) {
        owa_fail(v, a, "read");
        return;
    }
    class = row->value[OWA_P_CONTENTCLASS];
    if (class && strcasecmp(class, OWA_CC_APPOINTMENT)) {
        why = "it is not an appointment";
    } else {
        b = owa_booking(v->pool, row, NULL, 1, &why);
    }
    if (!b) {
        oc_result_fail(&v->call->result, OC_REASON_UPSTREAM_PROTOCOL, "the item cannot be read: %s",
                       why);
        oc_result_wrap(&v->call->result, "read");
        owa_finish(v);
        return;
    }
    b->item = r->item;
    r->booking = b;
    if (b->is_organizer && b->is_meeting && b->attendees->nelts > 0) {
        apr_array_header_t *meetings = apr_array_make(v->pool, 1, sizeof(oc_booking_t *));
        APR_ARRAY_PUSH(meetings, oc_booking_t *) = b;
        owa_answers_find(v, v->own, meetings, OC_ICAL_MAX, read_over);
    } else {
        read_over(v);
    }
}

static void start(owa_verb_t *v)
{
    read_t *r = (read_t *)v;

    owa_send(v, owa_propfind(v, NULL, owa_item_path(v->pool, v->own->calendar, r->item),
                             owa_props_booking, "read", item_read));
}

oc_job_t *owa_read(const oc_backend_t *be, oc_call_t *call, oc_itemref_t item, oc_booking_t **out)
{
    read_t *r;

    *out = NULL;
    if (!item || !be->vt->item_ok(be, item)) {
        oc_result_fail(&call->result, OC_REASON_BOOKING_NOT_FOUND, "a malformed item reference");
        return NULL;
    }
    r = (read_t *)owa_verb(be, call, sizeof(*r), "read", start);
    r->item = item;
    r->out = out;
    return &r->v.job;
}
