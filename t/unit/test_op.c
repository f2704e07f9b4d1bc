/* The runner: what every operation has in common. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "optest.h"
#include "tap.h"

static void looking(void)
{
    optest_t one, *t = &one;
    oc_call_t *call;
    oc_freebusy_query_t ask;
    oc_list_query_t range;
    apr_array_header_t *rows;
    oc_list_t *list;
    oc_booking_t *b;
    apr_table_t *facts;

    optest_begin(t);
    optest_book(t, "alice", NULL, 1);
    call = optest_call(t, "alice");
    memset(&ask, 0, sizeof(ask));
    ask.who = apr_array_make(call->pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(ask.who, const char *) = ROOM;
    ask.range = optest_when(0);
    ask.slot = apr_time_from_sec(1800);
    ok(optest_run(t, oc_op_freebusy(call, &t->world->backend, &t->conf, &ask, &rows)),
       "free/busy needs no lease");
    ok(rows && rows->nelts == 1 && optest_reason(t) == OC_REASON_OK, "and answers");

    call = optest_call(t, "alice");
    memset(&range, 0, sizeof(range));
    range.range = optest_when(0);
    range.max = 10;
    optest_run(t, oc_op_list(call, &t->world->backend, &t->conf, &range, &list));
    ok(list && list->bookings->nelts == 1, "a calendar is listed");

    call = optest_call(t, "alice");
    optest_run(t, oc_op_read(call, &t->world->backend, &t->conf,
                             mem_item(t->world, "alice", optest_uid(t, 1))->booking->item, &b));
    ok(b && !strcmp(b->subject, "Budget"), "a booking is read");
    call = optest_call(t, "bob");
    optest_run(t, oc_op_read(call, &t->world->backend, &t->conf, "0101010101010101.EML", &b));
    ok(!b && optest_reason(t) == OC_REASON_BOOKING_NOT_FOUND, "but not by another");
    is_str(call->result.step, "read > ask", "the failure says in which step");

    call = optest_call(t, "alice");
    optest_run(t, oc_op_probe(call, &t->world->backend, &t->conf, &facts));
    ok(facts && apr_table_get(facts, "server"), "the server is probed");

    call = optest_call(t, "alice");
    t->world->count = 0;
    t->world->fault_at = 1;
    t->world->fault = MEM_HANG_UNDONE;
    optest_run(t, oc_op_probe(call, &t->world->backend, &t->conf, &facts));
    is_int(optest_reason(t), OC_REASON_UPSTREAM_TIMEOUT, "a silent server: the time is up");
    optest_end(t);
}

/* Works a booking by hand up to its n-th exchange, which is left on the wire. */
typedef struct by_hand_t {
    optest_t t;
    oc_job_t *op;
    oc_exchange_t *wire[8];
    int on_wire, executed;
} by_hand_t;

static void hand_begin(by_hand_t *h)
{
    oc_book_args_t args;
    oc_call_t *call;

    memset(h, 0, sizeof(*h));
    optest_begin(&h->t);
    call = optest_call(&h->t, "alice");
    memset(&args, 0, sizeof(args));
    args.booking = optest_booking(call->pool, 0, ROOM, NULL);
    memset(args.seed, 1, sizeof(args.seed));
    h->op = oc_op_book(call, &h->t.world->backend, &h->t.conf, &args, &h->t.act);
    oc_op_prepare(h->op);
}

static void hand_gather(by_hand_t *h)
{
    oc_exchange_t *x;

    while (!h->op->vt->done(h->op) && (x = h->op->vt->next(h->op))) {
        h->wire[h->on_wire++] = x;
    }
}

/* Ends what is on the wire the way net does before it cancels a job. */
static void hand_cancel(by_hand_t *h, oc_cancel_t why, int sent)
{
    while (h->on_wire) {
        oc_exchange_t *x = h->wire[--h->on_wire];
        x->sent = sent;
        x->outcome = OC_X_CANCELLED;
        h->op->vt->feed(h->op, x, OC_FEED_END, NULL, 0);
    }
    if (!h->op->vt->done(h->op)) {
        h->op->vt->cancel(h->op, why);
    }
}

static void stopping(void)
{
    int n, sent, bad = 0, unknown = 0;

    for (sent = 0; sent < 2; ++sent) {
        for (n = 0; n < 8; ++n) {
            by_hand_t h;
            const oc_act_t *act;

            hand_begin(&h);
            hand_gather(&h);
            while (h.executed < n && h.on_wire) {
                mem_execute(h.t.world, h.op, h.wire[--h.on_wire]);
                ++h.executed;
                hand_gather(&h);
            }
            hand_cancel(&h, OC_CANCEL_STOPPING, sent);
            act = h.t.act;
            if (!h.op->vt->done(h.op)) {
                diag("after %d: not done", n);
                ++bad;
            } else if (!oc_op_wrote(h.op)) {
                bad += act->state != OC_STATE_FAILED || h.t.world->writes;
            } else if (act->state == OC_STATE_UNKNOWN) {
                ++unknown;
                bad += !act->left_behind || optest_reason(&h.t) != OC_REASON_OUTCOME_UNKNOWN;
            } else if (act->state == OC_STATE_CONFIRMED || act->state == OC_STATE_PENDING) {
                bad += !mem_item(h.t.world, "alice", optest_uid(&h.t, 1));
            } else if (!act->left_behind) {
                bad += mem_item(h.t.world, "alice", optest_uid(&h.t, 1)) != NULL;
            }
            bad += optest_leases(&h.t);
            optest_end(&h.t);
        }
    }
    is_int(bad, 0, "a process that stops ends an operation at once, wherever it is");
    ok(unknown >= 2, "and what may stand is said");
}

static void abandoned(void)
{
    by_hand_t h;

    hand_begin(&h);
    hand_gather(&h);
    hand_cancel(&h, OC_CANCEL_ABANDON, 1);
    ok(h.op->vt->done(h.op) && !oc_op_wrote(h.op), "nobody waits, nothing written: it ends");
    is_int(optest_leases(&h.t), 0, "its leases are free");
    optest_end(&h.t);

    hand_begin(&h);
    hand_gather(&h);
    while (!oc_op_wrote(h.op)) {
        mem_execute(h.t.world, h.op, h.wire[--h.on_wire]);
        hand_gather(&h);
    }
    hand_cancel(&h, OC_CANCEL_ABANDON, 1);
    ok(!h.op->vt->done(h.op), "nobody waits, but something may have been written: it goes on");
    mem_run(h.t.world, h.op);
    ok(h.op->vt->done(h.op) && h.t.act->state == OC_STATE_FAILED
           && !mem_item(h.t.world, "alice", optest_uid(&h.t, 1)),
       "and leaves things in order");
    optest_end(&h.t);
}

static void deadlines(void)
{
    by_hand_t h;
    oc_mono_t soft, hard;

    hand_begin(&h);
    soft = h.op->deadline;
    hard = soft + h.t.conf.undo;
    hand_gather(&h);
    while (!oc_op_wrote(h.op)) {
        mem_execute(h.t.world, h.op, h.wire[--h.on_wire]);
        hand_gather(&h);
    }
    is_int(h.op->deadline, soft, "the first write does not prolong the operation");
    oc_clock_advance(soft - oc_clock_mono());
    hand_cancel(&h, OC_CANCEL_DEADLINE, 1);
    ok(!h.op->vt->done(h.op), "its end after a write is not the end");
    ok(h.op->deadline > soft && h.op->deadline <= hard, "but the undo time begins");
    is_str(oc_op_state(h.op), "look", "with looking");
    hand_gather(&h);
    is_int(h.on_wire, 1, "at what stands");
    oc_clock_advance(h.op->deadline - oc_clock_mono());
    hand_cancel(&h, OC_CANCEL_DEADLINE, 1);
    ok(!h.op->vt->done(h.op) && h.op->deadline <= hard, "which may fail, and is tried again");
    oc_clock_advance(hard - oc_clock_mono());
    hand_cancel(&h, OC_CANCEL_DEADLINE, 1);
    ok(h.op->vt->done(h.op), "until there is no time left");
    is_int(h.t.act->state, OC_STATE_UNKNOWN, "and nothing is known");
    is_int(optest_leases(&h.t), 0, "the leases are free");
    optest_end(&h.t);

    hand_begin(&h);
    oc_clock_advance(h.op->deadline + 1 - oc_clock_mono());
    hand_cancel(&h, OC_CANCEL_DEADLINE, 0);
    ok(h.op->vt->done(h.op) && optest_reason(&h.t) == OC_REASON_UPSTREAM_TIMEOUT,
       "one that waited all its time in a queue fails");
    optest_end(&h.t);
}

static void causes(void)
{
    by_hand_t h;

    /* The signing layer found no credential: it says so in the call it knows, and ends the exchange
     * unsent. */
    hand_begin(&h);
    hand_gather(&h);
    while (h.on_wire) {
        oc_exchange_t *x = h.wire[--h.on_wire];
        oc_result_fail(&h.t.call->result, OC_REASON_CREDENTIAL_EXPIRED, "ticket is too old");
        x->outcome = OC_X_NOT_SENT;
        h.op->vt->feed(h.op, x, OC_FEED_END, NULL, 0);
    }
    ok(h.op->vt->done(h.op), "without a credential it ends");
    is_int(optest_reason(&h.t), OC_REASON_CREDENTIAL_EXPIRED, "for that very reason");
    optest_end(&h.t);

    /* The same while waiting for the room's answer takes nothing from the booking. */
    hand_begin(&h);
    h.t.conf.answer_wait = 0;
    hand_gather(&h);
    while (strcmp(oc_op_state(h.op), "verify") != 0) {
        mem_execute(h.t.world, h.op, h.wire[--h.on_wire]);
        hand_gather(&h);
    }
    oc_result_fail(&h.t.call->result, OC_REASON_CREDENTIAL_EXPIRED, "ticket is too old");
    h.wire[0]->outcome = OC_X_NOT_SENT;
    h.op->vt->feed(h.op, h.wire[0], OC_FEED_END, NULL, 0);
    h.on_wire = 0;
    mem_run(h.t.world, h.op);
    ok(h.t.act->state == OC_STATE_CONFIRMED && optest_reason(&h.t) == OC_REASON_OK,
       "a credential that fails later on takes nothing from what stands");
    optest_end(&h.t);
}

static void leases(void)
{
    by_hand_t first, second;
    oc_call_t *call;
    oc_book_args_t args;
    oc_act_t *act;
    oc_job_t *op;

    /* A lease that ran out before the write. */
    hand_begin(&first);
    hand_gather(&first);
    oc_lease_release(first.t.conf.leases, first.t.call->id);
    while (first.on_wire) {
        mem_execute(first.t.world, first.op, first.wire[--first.on_wire]);
        hand_gather(&first);
    }
    ok(first.op->vt->done(first.op) && optest_reason(&first.t) == OC_REASON_BUSY,
       "without its lease it does not write");
    is_int(first.t.world->writes, 0, "indeed not");
    optest_end(&first.t);

    /* Somebody else is deciding about the room. */
    hand_begin(&first);
    call = oc_call_create("bob", "bob", "bob");
    memset(&args, 0, sizeof(args));
    args.booking = optest_booking(call->pool, 0, ROOM, NULL);
    memset(args.seed, 2, sizeof(args.seed));
    second = first;
    second.t.conf.operation = apr_time_from_sec(1) / 10;
    op = oc_op_book(call, &first.t.world->backend, &second.t.conf, &args, &act);
    ok(oc_op_prepare(op) != APR_SUCCESS, "while another decides the wait is bounded");
    ok(call->result.reason == OC_REASON_BUSY && op->vt->done(op) && act->state == OC_STATE_FAILED,
       "and ends as busy");
    apr_pool_destroy(call->pool);
    mem_run(first.t.world, first.op);
    is_int(first.t.act->state, OC_STATE_CONFIRMED, "the other one is not disturbed");
    optest_end(&first.t);

    /* A request that goes away. */
    hand_begin(&first);
    is_int(optest_leases(&first.t), 2, "the room and the booking are leased");
    apr_pool_destroy(first.t.call->pool);
    first.t.call = NULL;
    is_int(optest_leases(&first.t), 0, "and free again with the call's pool");
    optest_end(&first.t);
}

static void too_many(void)
{
    optest_t one, *t = &one;
    oc_booking_t *b;
    int i;

    optest_begin(t);
    b = optest_booking(t->world->pool, 0, NULL, NULL);
    for (i = 0; i < OC_OP_MAX_ROOMS; ++i) {
        optest_attendee(b, apr_psprintf(t->world->pool, "r%d@example.test", i), 1);
    }
    optest_book(t, "alice", b, 1);
    ok(t->act->state == OC_STATE_CONFIRMED, "as many rooms as allowed");
    optest_attendee(b, "more@example.test", 1);
    optest_book(t, "alice", b, 2);
    is_int(optest_reason(t), OC_REASON_TOO_MANY_ATTENDEES, "and one more is refused");
    is_str(t->call->result.field, "rooms", "with the field named");
    optest_end(t);
}

int main(void)
{
    apr_initialize();
    looking();
    stopping();
    abandoned();
    deadlines();
    causes();
    leases();
    too_many();
    return done_testing();
}
