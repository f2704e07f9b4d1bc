/* evidence.c - what can be seen of a booking, without changing anything: the item, the message that
 * left or did not, the rooms' answers and, where they may be read, the rooms' calendars. All looks
 * are in flight side by side; one that fails leaves its question open and nothing else.
 */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"

#define SKEW_SLACK apr_time_from_sec(2) /* a Date header counts whole seconds */

typedef struct evidence_t evidence_t;

typedef struct room_look_t {
    evidence_t *e;
    oc_room_evidence_t *room;
    const char *mailbox, *calendar;
} room_look_t;

struct evidence_t {
    owa_verb_t v; /* first */
    const oc_booking_t *booking;
    apr_time_t since;
    oc_evidence_t *out;
    apr_array_header_t *answers; /* owa_message_t *; NULL = not known */
    int waiting, again;
};

static void start(owa_verb_t *v);

/* `since` is by our clock, messages bear the server's. What is older than the item is about one
 * that bore its uid before: a booking that was cancelled, and made anew by its key. */
static int counts(const evidence_t *e, const owa_message_t *m)
{
    if (m->created && e->booking->created && m->created < e->booking->created - SKEW_SLACK) {
        return 0;
    }
    return e->since == 0 || m->created >= e->since + e->v.skew - SKEW_SLACK;
}

static void judge_room(evidence_t *e, oc_room_evidence_t *room)
{
    apr_time_t newest = -1;
    int i;

    if (!e->answers) {
        return;
    }
    room->answer = OC_PARTSTAT_NEEDS_ACTION;
    for (i = 0; i < e->answers->nelts; ++i) {
        const owa_message_t *m = APR_ARRAY_IDX(e->answers, i, owa_message_t *);
        oc_partstat_t answer = owa_answer(m->class);
        if (answer == OC_PARTSTAT_UNKNOWN || !m->from || !counts(e, m)
            || !oc_attendee_same(m->from, room->address)) {
            continue;
        }
        if (owa_answer_stale(e->booking, m)) {
            /* but a request left once */
            if (e->since == 0 && !e->booking->cancelled) {
                e->out->request_sent = OC_YES;
            }
        } else if (m->created > newest) {
            room->answer = answer;
            newest = m->created;
        }
    }
}

static void one_less(evidence_t *e)
{
    int i;

    if (--e->waiting > 0) {
        return;
    }
    if (e->again) {
        e->again = 0;
        start(&e->v);
        return;
    }
    for (i = 0; i < e->out->rooms->nelts; ++i) {
        oc_room_evidence_t *room = APR_ARRAY_IDX(e->out->rooms, i, oc_room_evidence_t *);
        judge_room(e, room);
        /* Whoever answered was told, and so was the room whose calendar shows it, whether or not a
         * copy was kept in Sent Items. */
        if (e->out->request_sent != OC_YES && !e->booking->cancelled
            && (room->answer == OC_PARTSTAT_ACCEPTED || room->answer == OC_PARTSTAT_TENTATIVE
                || room->answer == OC_PARTSTAT_DECLINED || room->calendar == OC_YES)) {
            e->out->request_sent = OC_YES;
        }
    }
    owa_finish(&e->v);
}

/* ---- the looks ---- */

static void item_missed(owa_verb_t *v, int moved)
{
    evidence_t *e = (evidence_t *)v;

    if (moved) {
        e->again = 1; /* once all that is in flight has come: it looked in the wrong places */
    } else {
        e->out->item = OC_NO;
    }
    one_less(e);
}

static void item_seen(owa_verb_t *v, owa_ask_t *a)
{
    evidence_t *e = (evidence_t *)v;

    if (a->res.reason == OC_REASON_OK) {
        const char *uid = oc_dav_text(a->first, OWA_P_UID, v->pool);
        e->out->item = uid && !strcasecmp(oc_str_trim(v->pool, uid), e->booking->uid) ? OC_YES
                                                                                      : OC_NO;
    } else if (a->res.reason == OC_REASON_BOOKING_NOT_FOUND) {
        owa_folders_moved(v, item_missed);
        return;
    }
    one_less(e);
}

static void sent_seen(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                      void *baton)
{
    evidence_t *e = baton;
    const char *class = e->booking->cancelled ? OWA_CLASS_CANCELED : OWA_CLASS_REQUEST;
    int i;

    (void)v, (void)res;
    if (messages) {
        e->out->request_sent = OC_NO;
        for (i = 0; i < messages->nelts; ++i) {
            const owa_message_t *m = APR_ARRAY_IDX(messages, i, owa_message_t *);
            if (m->class && !strcasecmp(m->class, class) && counts(e, m)) {
                e->out->request_sent = OC_YES;
                e->out->message_id = m->message_id ? m->message_id : e->out->message_id;
            }
        }
    }
    one_less(e);
}

static void drafts_seen(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                        void *baton)
{
    evidence_t *e = baton;

    (void)v, (void)res;
    if (messages) {
        e->out->draft_left = messages->nelts > 0 ? OC_YES : OC_NO;
    }
    one_less(e);
}

static void answers_seen(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                         void *baton)
{
    evidence_t *e = baton;

    (void)v, (void)res;
    e->answers = messages;
    one_less(e);
}

/* ---- a room's own calendar ---- */

static apr_status_t room_row(void *baton, const oc_dav_row_t *row)
{
    room_look_t *look = baton;
    const oc_booking_t *ours = look->e->booking;
    const char *why;
    oc_booking_t *b;

    if (!owa_path_below(row->pool, look->calendar, row->path)) {
        return APR_SUCCESS;
    }
    b = owa_booking(row->pool, row, NULL, 0, &why);
    if (!b || !oc_range_overlaps(b->when, ours->when) || b->instance == OC_INSTANCE_MASTER) {
        return APR_SUCCESS;
    }
    if (b->uid && !strcasecmp(b->uid, ours->uid)) {
        /* Ours at an older time is not this booking. */
        if (b->when.start == ours->when.start && b->when.end == ours->when.end && !b->cancelled) {
            look->room->calendar = OC_YES;
        }
    } else if (!look->room->holder && !b->cancelled && b->busy != OC_BUSY_FREE) {
        b = oc_booking_copy(look->e->v.pool, b);
        if (b->sensitivity >= OC_SENSITIVITY_PRIVATE) {
            owa_booking_mask(b);
        }
        look->room->holder = b;
    }
    return APR_SUCCESS;
}

static void room_read(owa_verb_t *v, owa_ask_t *a)
{
    room_look_t *look = a->row_baton;

    (void)v;
    if (a->res.reason != OC_REASON_OK) {
        look->room->calendar = OC_DONT_KNOW;
        look->room->holder = NULL;
    } else if (look->room->calendar != OC_YES) {
        look->room->calendar = OC_NO;
    }
    one_less(look->e);
}

static void room_found(owa_verb_t *v, const owa_folders_t *folders, const oc_result_t *res,
                       void *baton)
{
    room_look_t *look = baton;
    const oc_range_t when = look->e->booking->when;
    const oc_dav_where_t where[] = {
        {OWA_P_INSTANCETYPE, "<>", NULL, 1, 0},
        {OWA_P_CONTENTCLASS, "=", OWA_CC_APPOINTMENT, 0, 0},
        {OWA_P_DTEND, ">", NULL, 0, when.start},
        {OWA_P_DTSTART, "<", NULL, 0, when.end + APR_USEC_PER_SEC - 1},
    };
    owa_ask_t *a;

    (void)res;
    if (!folders) {
        one_less(look->e);
        return;
    }
    look->calendar = folders->calendar;
    a = owa_search(v, folders->site, folders->calendar, owa_props_list, where,
                   (int)(sizeof(where) / sizeof(where[0])), OC_DAV_END, 0, -1, "look into room",
                   room_read);
    a->row = room_row;
    a->row_baton = look;
    a->mailbox = look->mailbox;
    owa_send(v, a);
}

static void look_into_rooms(evidence_t *e)
{
    apr_array_header_t *rooms = oc_booking_rooms(e->v.pool, e->booking);
    int i;

    e->out->rooms = apr_array_make(e->v.pool, rooms->nelts, sizeof(oc_room_evidence_t *));
    for (i = 0; i < rooms->nelts; ++i) {
        const oc_attendee_t *at = APR_ARRAY_IDX(rooms, i, oc_attendee_t *);
        room_look_t *look = apr_pcalloc(e->v.pool, sizeof(*look));
        look->e = e;
        look->mailbox = oc_attendee_mailbox(e->v.pool, at);
        look->room = apr_pcalloc(e->v.pool, sizeof(*look->room));
        look->room->address = at->address;
        look->room->answer = OC_PARTSTAT_UNKNOWN;
        look->room->calendar = OC_DONT_KNOW;
        APR_ARRAY_PUSH(e->out->rooms, oc_room_evidence_t *) = look->room;
        ++e->waiting;
        owa_folders_find(&e->v, look->mailbox, room_found, look);
    }
}

static void start(owa_verb_t *v)
{
    evidence_t *e = (evidence_t *)v;
    const oc_booking_t *b = e->booking;
    const owa_folders_t *own = v->own;

    e->out->item = e->out->request_sent = e->out->draft_left = OC_DONT_KNOW;
    e->out->message_id = NULL;
    e->answers = NULL;
    e->waiting = 1; /* until all is asked: an answer may be known at once */
    if (b->item) {
        ++e->waiting;
        owa_send(v, owa_propfind(v, NULL, owa_item_path(v->pool, own->calendar, b->item),
                                 owa_props_uid, "look for item", item_seen));
    }
    if (own->sent) {
        ++e->waiting;
        owa_messages_find(v, own->sent, b->uid, NULL, 0, sent_seen, e);
    }
    if (own->drafts) {
        ++e->waiting;
        owa_messages_find(v, own->drafts, b->uid, NULL, 0, drafts_seen, e);
    }
    if (own->inbox) {
        ++e->waiting;
        owa_messages_find(v, own->inbox, b->uid, OWA_CLASS_RESPONSE, 0, answers_seen, e);
    }
    look_into_rooms(e);
    one_less(e);
}

oc_job_t *owa_evidence(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *booking,
                       apr_time_t since, oc_evidence_t **out)
{
    evidence_t *e;

    *out = apr_pcalloc(call->pool, sizeof(**out));
    (*out)->rooms = apr_array_make(call->pool, 0, sizeof(oc_room_evidence_t *));
    if (!booking->uid) {
        oc_result_fail(&call->result, OC_REASON_INTERNAL, "evidence: the booking has no uid");
        return NULL;
    }
    e = (evidence_t *)owa_verb(be, call, sizeof(*e), "evidence", start);
    e->booking = booking;
    e->since = since;
    e->out = *out;
    return &e->v.job;
}
