/* verify.c - weighing evidence. */
#include <stdint.h>
#include <string.h>

#include "op/check.h"
#include "op/verify.h"

#define FIRST_PAUSE    (APR_USEC_PER_SEC / 4)
#define LAST_PAUSE     (2 * APR_USEC_PER_SEC)
#define ROWS_OF_A_ROOM 50

void oc_verify_start(oc_op_t *op, oc_verify_t *v)
{
    oc_op_verb_t *verb = oc_op_verb(op);

    if (!v->until) {
        v->until = oc_clock_mono() + op->conf.answer_wait;
        v->pause = FIRST_PAUSE;
    }
    v->next = NULL;
    oc_op_run(op, verb, op->be->vt->evidence(op->be, &verb->call, v->booking, v->since, &v->next));
}

static const oc_room_evidence_t *about(const oc_evidence_t *e, const char *address)
{
    int i;

    for (i = 0; e->rooms && i < e->rooms->nelts; ++i) {
        const oc_room_evidence_t *r = APR_ARRAY_IDX(e->rooms, i, const oc_room_evidence_t *);
        if (oc_attendee_same(r->address, address)) {
            return r;
        }
    }
    return NULL;
}

static int says_something(const oc_room_evidence_t *r)
{
    return r->calendar == OC_YES || r->answer == OC_PARTSTAT_ACCEPTED ||
           r->answer == OC_PARTSTAT_TENTATIVE || r->answer == OC_PARTSTAT_DECLINED;
}

oc_tri_t oc_verify_sent(oc_verify_t *v)
{
    const oc_evidence_t *e = v->evidence;
    int i;

    if (!e) {
        return OC_DONT_KNOW;
    }
    if (e->request_sent == OC_YES) {
        return OC_YES;
    }
    for (i = 0; i < v->rooms->nelts; ++i) {
        const oc_room_evidence_t *r =
            about(e, APR_ARRAY_IDX(v->rooms, i, const oc_attendee_t *)->address);
        if (r && says_something(r)) {
            return OC_YES;
        }
    }
    return e->request_sent;
}

static oc_verdict_t judge_room(oc_verify_t *v, int i)
{
    const char *address = APR_ARRAY_IDX(v->rooms, i, const oc_attendee_t *)->address;
    const oc_room_evidence_t *r = about(v->evidence, address);
    oc_verdict_t verdict = OC_VERDICT_OPEN;

    if (r && r->answer == OC_PARTSTAT_DECLINED) {
        verdict = OC_VERDICT_LOST;
    } else if (r && r->answer == OC_PARTSTAT_ACCEPTED) {
        return OC_VERDICT_CONFIRMED;
    } else if (r && r->calendar == OC_YES) {
        if (!r->holder || v->ours & UINT64_C(1) << i) {
            return OC_VERDICT_CONFIRMED;
        }
        verdict = OC_VERDICT_CONTESTED;
        v->contested = i;
    } else if (r && r->calendar == OC_NO && r->holder) {
        verdict = OC_VERDICT_LOST;
    }
    if (!v->who || verdict != OC_VERDICT_OPEN) {
        v->who = address;
        v->answer = r ? r->answer : OC_PARTSTAT_UNKNOWN;
    }
    if (verdict == OC_VERDICT_LOST && r->holder) {
        v->holder = r->holder;
        v->clash = r->holder->when;
    }
    return verdict;
}

oc_verdict_t oc_verify_judge(oc_op_t *op, oc_verify_t *v)
{
    oc_verdict_t verdict = OC_VERDICT_CONFIRMED;
    oc_tri_t sent;
    int i;

    (void)op;
    if (v->next) {
        v->evidence = v->next;
    }
    v->who = NULL;
    v->holder = NULL;
    memset(&v->clash, 0, sizeof(v->clash));
    if (!v->evidence) {
        return OC_VERDICT_OPEN;
    }
    sent = oc_verify_sent(v);
    v->seen_sent |= sent == OC_YES;
    if (v->evidence->item == OC_NO) {
        return OC_VERDICT_NO_ITEM;
    }
    for (i = 0; i < v->rooms->nelts; ++i) {
        oc_verdict_t one = judge_room(v, i);
        if (one == OC_VERDICT_LOST) {
            return one;
        }
        if (one > verdict) {
            verdict = one;
        }
    }
    if (!v->seen_sent && sent == OC_NO && v->evidence->draft_left == OC_YES) {
        return OC_VERDICT_NOT_SENT;
    }
    if (verdict == OC_VERDICT_CONFIRMED && !v->rooms->nelts && !v->seen_sent) {
        return OC_VERDICT_OPEN;
    }
    return verdict;
}

apr_time_t oc_verify_pause(oc_op_t *op, oc_verify_t *v)
{
    oc_mono_t now = oc_clock_mono();
    apr_time_t pause = v->pause < v->until - now ? v->pause : v->until - now;

    if (pause <= 0 || now + pause >= op->soft) {
        return 0;
    }
    v->pause = v->pause * 2 < LAST_PAUSE ? v->pause * 2 : LAST_PAUSE;
    return pause;
}

void oc_verify_at_home(oc_verify_t *v)
{
    v->contested = -1;
}

static const oc_attendee_t *contested(const oc_verify_t *v)
{
    return v->contested < 0 ? v->home
                            : APR_ARRAY_IDX(v->rooms, v->contested, const oc_attendee_t *);
}

void oc_verify_contest(oc_op_t *op, oc_verify_t *v)
{
    oc_list_query_t *query = apr_pcalloc(op->call->pool, sizeof(*query));
    oc_op_verb_t *verb = oc_op_verb(op);

    query->mailbox =
        v->contested < 0 ? NULL : oc_attendee_mailbox(op->call->pool, contested(v));
    query->range = v->booking->when;
    query->max = ROWS_OF_A_ROOM;
    v->calendar = NULL;
    oc_op_run(op, verb, op->be->vt->list(op->be, &verb->call, query, &v->calendar));
}

static int comes_first(const oc_booking_t *a, const oc_booking_t *b)
{
    if (a->created && b->created && a->created != b->created) {
        return a->created < b->created;
    }
    return strcmp(a->uid ? a->uid : "", b->uid ? b->uid : "") < 0;
}

int oc_verify_yields(oc_op_t *op, oc_verify_t *v, int always)
{
    const oc_booking_t *mine = NULL;
    int i;

    (void)op;
    for (i = 0; v->calendar && i < v->calendar->bookings->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(v->calendar->bookings, i, const oc_booking_t *);
        if (b->uid && !strcmp(b->uid, v->booking->uid)) {
            mine = b;
        }
    }
    for (i = 0; mine && i < v->calendar->bookings->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(v->calendar->bookings, i, const oc_booking_t *);
        if (b != mine && !b->cancelled && b->busy != OC_BUSY_FREE &&
            !(b->uid && !strcmp(b->uid, v->booking->uid)) &&
            oc_range_overlaps(b->when, v->booking->when) && (always || comes_first(b, mine))) {
            v->who = contested(v)->address;
            v->holder = b;
            v->clash = b->when;
            return 1;
        }
    }
    if (mine && v->contested >= 0) {
        v->ours |= UINT64_C(1) << v->contested;
    }
    return 0;
}

oc_booking_t *oc_verify_answers(oc_op_t *op, const oc_verify_t *v, const oc_booking_t *booking)
{
    oc_booking_t *copy = oc_booking_copy(op->call->pool, booking);
    int i;

    for (i = 0; v->evidence && i < v->rooms->nelts; ++i) {
        const char *address = APR_ARRAY_IDX(v->rooms, i, const oc_attendee_t *)->address;
        const oc_room_evidence_t *r = about(v->evidence, address);
        oc_attendee_t *a = oc_attendee_find(copy->attendees, address);
        if (a && r && r->answer != OC_PARTSTAT_UNKNOWN) {
            a->partstat = r->answer;
        }
    }
    return copy;
}
