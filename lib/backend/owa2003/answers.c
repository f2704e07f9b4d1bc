/* answers.c - what the attendees of one's own meetings have answered.
 *
 *   GET item (Translate: f), for each meeting    the organizer's copy: ATTENDEE;PARTSTAT=..
 *   SEARCH Inbox, once, by the uids of them all  answers that nobody has processed yet
 *
 * All side by side. The organizer's copy learns of an answer only when Outlook or OWA processes it,
 * so the newest answer in the Inbox counts more. What the Inbox holds is weighed while it streams:
 * of however many answers one for each attendee is kept.
 */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"
#include "wire/ical.h"

#define UID_MAX 1000 /* a longer one is nobody's, and is not searched for */

typedef struct said_t {
    oc_partstat_t answer;
    apr_time_t created; /* -1: nothing is in the Inbox */
} said_t;

typedef struct answers_t answers_t;

typedef struct meeting_t {
    answers_t *all;
    oc_booking_t *booking;
    apr_array_header_t *copy; /* oc_attendee_t: from the organizer's copy; NULL */
    said_t *said;             /* of each attendee, in the Inbox */
} meeting_t;

struct answers_t {
    const owa_folders_t *own;
    meeting_t *meetings;
    int count, waiting;
    int searched; /* the Inbox was read to its end */
    void (*then)(owa_verb_t *v);
};

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

static void weigh(const meeting_t *m, int searched)
{
    int i;

    for (i = 0; i < m->booking->attendees->nelts; ++i) {
        oc_attendee_t *a = &APR_ARRAY_IDX(m->booking->attendees, i, oc_attendee_t);
        const oc_attendee_t *copy = m->copy ? oc_attendee_find(m->copy, a->address) : NULL;

        if (copy) {
            a->partstat = copy->partstat;
            a->name = a->name ? a->name : copy->name;
        } else if (searched) {
            a->partstat = OC_PARTSTAT_NEEDS_ACTION;
        }
        if (searched && m->said[i].created >= 0) {
            a->partstat = m->said[i].answer;
        }
    }
}

static void one_less(owa_verb_t *v, answers_t *all)
{
    int i;

    if (--all->waiting > 0) {
        return;
    }
    for (i = 0; i < all->count; ++i) {
        weigh(&all->meetings[i], all->searched);
    }
    all->then(v);
}

/* ---- the organizer's copies ---- */

static void copy_read(owa_verb_t *v, owa_ask_t *a)
{
    meeting_t *m = a->baton;
    const char *text = NULL;

    if (a->res.reason == OC_REASON_OK && a->status == 200) {
        text = oc_ical_in_message(a->body_pool, a->body, a->body_len);
    }
    if (text) {
        m->copy = oc_ical_attendees(v->pool, text, m->booking->uid);
    }
    a->body = "";
    apr_pool_destroy(a->body_pool); /* many copies are read for one list */
    one_less(v, m->all);
}

static void ask_copy(owa_verb_t *v, meeting_t *m, apr_size_t max)
{
    const owa_folders_t *own = m->all->own;
    owa_ask_t *get = owa_ask(v, own->site, "GET",
                             owa_item_path(v->pool, own->calendar, m->booking->item),
                             "read answers", OWA_WANT_BODY, copy_read);

    apr_table_setn(get->x->headers, "Translate", "f");
    apr_pool_create(&get->body_pool, v->pool);
    get->max_body = max;
    get->baton = m;
    ++m->all->waiting;
    owa_send(v, get);
}

/* ---- the Inbox ---- */

int owa_answer_stale(const oc_booking_t *b, const owa_message_t *message)
{
    return message->when.start && message->when.end
           && (message->when.start != b->when.start || message->when.end != b->when.end);
}

static apr_status_t take_answer(void *baton, const oc_dav_row_t *row)
{
    answers_t *all = baton;
    const owa_message_t *message;
    oc_partstat_t answer = owa_answer(row->value[OWA_P_CLASS]);
    int i, k;

    if (answer == OC_PARTSTAT_UNKNOWN || !owa_path_below(row->pool, all->own->inbox, row->path)) {
        return APR_SUCCESS;
    }
    message = owa_message(row->pool, row);
    for (i = 0; message->uid && message->from && i < all->count; ++i) {
        const meeting_t *m = &all->meetings[i];
        const apr_array_header_t *people = m->booking->attendees;

        if (!m->booking->uid || strcasecmp(m->booking->uid, message->uid)
            || owa_answer_stale(m->booking, message)) {
            continue;
        }
        for (k = 0; k < people->nelts; ++k) {
            if (oc_attendee_same(message->from, APR_ARRAY_IDX(people, k, oc_attendee_t).address)
                && message->created > m->said[k].created) {
                m->said[k].answer = answer;
                m->said[k].created = message->created;
            }
        }
    }
    return APR_SUCCESS;
}

static void inbox_searched(owa_verb_t *v, owa_ask_t *a)
{
    answers_t *all = a->row_baton;

    all->searched = a->res.reason == OC_REASON_OK;
    one_less(v, all);
}

static void search_inbox(owa_verb_t *v, answers_t *all)
{
    oc_dav_where_t where[] = {
        {OWA_P_CONTENTCLASS, "=", OWA_CC_MESSAGE, 0, 0},
        {OWA_P_UID, "in", NULL, 0, 0},
    };
    apr_array_header_t *uids = apr_array_make(v->pool, all->count + 1, sizeof(const char *));
    owa_ask_t *a;
    int i;

    for (i = 0; i < all->count; ++i) {
        const char *uid = all->meetings[i].booking->uid;
        if (uid && strlen(uid) <= UID_MAX && !strchr(uid, '\n')) {
            APR_ARRAY_PUSH(uids, const char *) = apr_pstrcat(v->pool, uid, "\n", NULL);
        }
    }
    if (!all->own->inbox || uids->nelts == 0) {
        return;
    }
    where[1].text = apr_array_pstrcat(v->pool, uids, 0);
    a = owa_search(v, all->own->site, all->own->inbox, owa_props_answer, where, 2, OC_DAV_END, 0,
                   -1, "look into Inbox", inbox_searched);
    a->row = take_answer;
    a->row_baton = all;
    ++all->waiting;
    owa_send(v, a);
}

void owa_answers_find(owa_verb_t *v, const owa_folders_t *own, const apr_array_header_t *meetings,
                      apr_size_t max_copy, void (*then)(owa_verb_t *v))
{
    answers_t *all = apr_pcalloc(v->pool, sizeof(*all));
    int i, k;

    all->own = own;
    all->count = meetings->nelts;
    all->meetings = apr_pcalloc(v->pool, sizeof(*all->meetings) * (apr_size_t)all->count);
    all->then = then;
    all->waiting = 1; /* until all is asked */
    for (i = 0; i < all->count; ++i) {
        meeting_t *m = &all->meetings[i];
        int people;

        m->all = all;
        m->booking = APR_ARRAY_IDX(meetings, i, oc_booking_t *);
        people = m->booking->attendees->nelts;
        m->said = apr_pcalloc(v->pool, sizeof(*m->said) * (apr_size_t)people);
        for (k = 0; k < people; ++k) {
            m->said[k].created = -1;
        }
        ask_copy(v, m, max_copy);
    }
    search_inbox(v, all);
    one_less(v, all);
}
