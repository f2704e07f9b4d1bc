/* read.c - one item of the acting person's calendar, with everybody's answers.
 *
 *   PROPFIND item  ->  GET item (Translate: f)     the organizer's copy: ATTENDEE;PARTSTAT=..
 *                  ->  SEARCH Inbox by uid         answers that nobody has processed yet
 *
 * The organizer's copy learns of an answer only when Outlook or OWA processes it, so the newest
 * answer in the Inbox counts more. Neither look is essential: where both fail, answers are unknown.
 */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "wire/ical.h"

typedef struct read_t {
    owa_verb_t v; /* first */
    oc_itemref_t item;
    oc_booking_t **out;
    oc_booking_t *booking;
    apr_array_header_t *copy;     /* oc_attendee_t: from the organizer's copy; NULL */
    apr_array_header_t *messages; /* owa_message_t *: answers in the Inbox; NULL */
    owa_ask_t *missed;            /* the look that answered 404 */
    int waiting;
} read_t;

oc_partstat_t owa_answer(const char *class)
{
    size_t n = sizeof(OWA_CLASS_RESPONSE) - 1;

    if (!class || strncasecmp(class, OWA_CLASS_RESPONSE, n)) {
        return OC_PARTSTAT_UNKNOWN;
    }
    return !strcasecmp(class + n, "Pos")    ? OC_PARTSTAT_ACCEPTED
           : !strcasecmp(class + n, "Neg")  ? OC_PARTSTAT_DECLINED
           : !strcasecmp(class + n, "Tent") ? OC_PARTSTAT_TENTATIVE
                                            : OC_PARTSTAT_UNKNOWN;
}

/* An answer to an earlier time of the meeting says nothing about this one. */
static int stale(const read_t *r, const owa_message_t *m)
{
    return m->when.start && m->when.end
           && (m->when.start != r->booking->when.start || m->when.end != r->booking->when.end);
}

static void read_over(read_t *r)
{
    apr_array_header_t *people = r->booking->attendees;
    int i, k;

    for (i = 0; i < people->nelts; ++i) {
        oc_attendee_t *a = &APR_ARRAY_IDX(people, i, oc_attendee_t);
        const oc_attendee_t *said = r->copy ? oc_attendee_find(r->copy, a->address) : NULL;
        apr_time_t newest = -1;
        if (said) {
            a->partstat = said->partstat;
            a->name = a->name ? a->name : said->name;
        } else if (r->messages) {
            a->partstat = OC_PARTSTAT_NEEDS_ACTION;
        }
        for (k = 0; r->messages && k < r->messages->nelts; ++k) {
            const owa_message_t *m = APR_ARRAY_IDX(r->messages, k, owa_message_t *);
            oc_partstat_t answer = owa_answer(m->class);
            if (answer != OC_PARTSTAT_UNKNOWN && m->from && oc_attendee_same(m->from, a->address)
                && m->created > newest && !stale(r, m)) {
                a->partstat = answer;
                newest = m->created;
            }
        }
    }
    *r->out = r->booking;
    owa_finish(&r->v);
}

static void answers_found(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                          void *baton)
{
    read_t *r = baton;

    (void)v, (void)res;
    r->messages = messages;
    if (--r->waiting == 0) {
        read_over(r);
    }
}

static void copy_read(owa_verb_t *v, owa_ask_t *a)
{
    read_t *r = (read_t *)v;
    const char *text = NULL;

    if (a->res.reason == OC_REASON_OK && a->status == 200) {
        text = oc_ical_in_message(v->pool, a->body, a->body_len);
    }
    if (text) {
        r->copy = oc_ical_attendees(v->pool, text, r->booking->uid);
    }
    if (--r->waiting == 0) {
        read_over(r);
    }
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
    if (b->organizer && v->call->address && b->is_meeting
        && !oc_attendee_same(b->organizer, v->call->address)) {
        b->is_organizer = 0;
    }
    r->booking = b;
    if (b->is_organizer && b->is_meeting && b->attendees->nelts > 0) {
        owa_ask_t *get = owa_ask(v, NULL, "GET", owa_item_path(v->pool, v->own->calendar, r->item),
                                 "read answers", OWA_WANT_BODY, copy_read);
        apr_table_setn(get->x->headers, "Translate", "f");
        get->max_body = OC_ICAL_MAX;
        ++r->waiting;
        owa_send(v, get);
        if (v->own->inbox && b->uid) {
            ++r->waiting;
            owa_messages_find(v, v->own->inbox, b->uid, OWA_CLASS_RESPONSE, 0, answers_found, r);
        }
    }
    if (r->waiting == 0) {
        read_over(r);
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
