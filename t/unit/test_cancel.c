/* Cancelling, against a calendar server in memory. */
#include <string.h>
#include <apr_general.h>

#include "optest.h"
#include "tap.h"

#define UID optest_uid(t, 1)

static void begin(optest_t *t, int people)
{
    oc_booking_t *b;

    optest_begin(t);
    b = optest_booking(t->world->pool, 0, people ? ROOM : NULL, NULL);
    if (!people) {
        b->attendees->nelts = 0;
    }
    optest_book(t, "alice", b, 1);
    oc_clock_advance(apr_time_from_sec(60));
    t->world->count = 0;
    t->world->writes = 0;
}

static void cancel_as(optest_t *t, const char *who)
{
    const mem_item_t *i = mem_item(t->world, NULL, UID);
    oc_call_t *call = optest_call(t, who);

    optest_run(t, oc_op_cancel(call, &t->world->backend, &t->conf,
                               i ? i->booking->item : "0101010101010101.EML", "No need.", &t->act));
}

static void plain(void)
{
    optest_t one, *t = &one;

    begin(t, 1);
    cancel_as(t, "alice");
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "cancelled");
    ok(!mem_item(t->world, "alice", UID), "the item is gone");
    is_int(mem_sent(t->world, UID, MEM_CANCEL), 1, "the attendees were told");
    is_int(mem_entries(t->world, ROOM, optest_when(0), UID), 0, "the room is free");
    is_int(optest_ledger(t), 0, "in the ledger, too");
    is_int(t->world->count, 4, "read, draft, send, delete: no exchange too many");
    is_str(t->act->booking->subject, "Budget", "what was cancelled is told");
    cancel_as(t, "alice");
    optest_is(t, OC_STATE_FAILED, OC_REASON_BOOKING_NOT_FOUND,
              "and again: it is not there any more");
    optest_end(t);

    begin(t, 0);
    cancel_as(t, "alice");
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "an appointment of one's own");
    is_int(t->act->told, OC_TOLD_NOBODY_TO_TELL, "nobody was to be told");
    is_int(t->world->count, 2, "read, delete");
    optest_end(t);

    begin(t, 1);
    mem_item(t->world, NULL, UID)->booking->is_organizer = 0;
    cancel_as(t, "alice");
    optest_is(t, OC_STATE_FAILED, OC_REASON_NOT_ORGANIZER, "somebody else's meeting");
    mem_item(t->world, NULL, UID)->booking->is_organizer = 1;
    mem_item(t->world, NULL, UID)->booking->instance = OC_INSTANCE_OCCURRENCE;
    cancel_as(t, "alice");
    optest_is(t, OC_STATE_FAILED, OC_REASON_RECURRING, "one of a series");
    is_int(t->world->writes, 0, "nothing was written");
    optest_end(t);
}

static const char *broken(optest_t *t, int people)
{
    mem_t *w = t->world;
    const oc_act_t *act = t->act;
    oc_reason_t reason = optest_reason(t);
    int stands = mem_item(w, "alice", UID) != NULL, cancels = mem_sent(w, UID, MEM_CANCEL);

    if (w->sent_twice) {
        return "a cancellation was sent twice";
    }
    switch (act->state) {
    case OC_STATE_CONFIRMED:
        return reason != OC_REASON_OK || stands || cancels != people || mem_drafts(w) ||
                       mem_entries(w, ROOM, optest_when(0), UID) || optest_ledger(t) ||
                       act->left_behind
                   ? "said to be cancelled, but something stands"
                   : NULL;
    case OC_STATE_FAILED:
        if (reason == OC_REASON_OK || reason == OC_REASON_OUTCOME_UNKNOWN ||
            (reason == OC_REASON_LEFT_BEHIND) != (act->left_behind != NULL)) {
            return "what is left behind does not fit the reason";
        }
        return !act->left_behind && (!stands || cancels || mem_drafts(w))
                   ? "said to stand as before, but does not"
                   : NULL;
    case OC_STATE_UNKNOWN:
        return reason != OC_REASON_OUTCOME_UNKNOWN || !act->left_behind ? "unknown without a word"
                                                                        : NULL;
    default:
        return "no outcome of a cancellation";
    }
}

static void every_fault(int people, int copies, const char *name)
{
    int at, fault, on, runs = 0, bad = 0;

    for (on = 0; on < 2; ++on) {
        for (fault = MEM_FINE + 1; fault < MEM_FAULTS; ++fault) {
            for (at = 1; at <= 8; ++at) {
                optest_t one, *t = &one;
                const char *why;

                begin(t, people);
                t->world->fault = (mem_fault_t)fault;
                t->world->fault_at = at;
                t->world->fault_on = on;
                t->world->no_sent_copy = !copies;
                cancel_as(t, "alice");
                ++runs;
                why = broken(t, people);
                if (why && ++bad < 10) {
                    diag("exchange %d%s %s: %s: %s", at, on ? " and on" : "",
                         mem_fault_name((mem_fault_t)fault), why, optest_outcome(t));
                }
                if (!on && copies && t->act->state == OC_STATE_UNKNOWN && ++bad < 10) {
                    diag("exchange %d %s: not settled: %s", at, mem_fault_name((mem_fault_t)fault),
                         optest_outcome(t));
                }
                optest_end(t);
            }
        }
    }
    is_int(bad, 0, "%s: %d ways to fail, each with a truthful outcome", name, runs);
}

/* As a double click has it: the exchanges of two cancellations mixed at random. In one thread
 * nobody can wait for a lease: the second begins when nothing is leased. */
typedef struct queue_t {
    optest_t *t;
    oc_job_t *jobs[2];
} queue_t;

static int may_start(void *baton, int i)
{
    queue_t *q = baton;

    return !optest_leases(q->t) && oc_op_prepare(q->jobs[i]) == APR_SUCCESS;
}

static void at_once(void)
{
    int run, bad = 0;

    for (run = 0; run < 40; ++run) {
        optest_t one, *t = &one;
        queue_t queue = {&one, {NULL, NULL}};
        oc_call_t *calls[2];
        oc_act_t *acts[2];
        int i, done = 0, gone = 0;

        begin(t, 1);
        t->world->latency = 1000;
        for (i = 0; i < 2; ++i) {
            calls[i] = oc_call_create("alice", "alice", "alice");
            queue.jobs[i] = oc_op_cancel(calls[i], &t->world->backend, &t->conf,
                                         mem_item(t->world, NULL, UID)->booking->item, NULL,
                                         &acts[i]);
        }
        t->world->start = may_start;
        t->world->start_baton = &queue;
        mem_run_all(t->world, queue.jobs, 2, (unsigned)run * 7919u + 1);
        for (i = 0; i < 2; ++i) {
            done += acts[i]->state == OC_STATE_CONFIRMED;
            gone += calls[i]->result.reason == OC_REASON_BOOKING_NOT_FOUND;
            apr_pool_destroy(calls[i]->pool);
        }
        if (mem_sent(t->world, UID, MEM_CANCEL) != 1 || done != 1 || gone != 1) {
            ++bad;
            diag("run %d: %d sent, %d done, %d not found", run,
                 mem_sent(t->world, UID, MEM_CANCEL), done, gone);
        }
        optest_end(t);
    }
    is_int(bad, 0, "two at once: the attendees are told once, the second finds it gone");
}

int main(void)
{
    apr_initialize();
    plain();
    at_once();
    every_fault(1, 1, "a meeting");
    every_fault(1, 0, "a meeting, no copies of what was sent are kept");
    every_fault(0, 1, "an appointment of one's own");
    return done_testing();
}
