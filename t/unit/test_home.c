/* A room that books for itself: nobody is asked, so what stands in its own calendar decides. */
#include <stdio.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "optest.h"
#include "tap.h"

#define ME "boardroom"

static void begin(optest_t *t)
{
    static oc_room_t room = {"board", ROOM, "BoardRoom", "Board room", 0, NULL, NULL, NULL};
    apr_array_header_t *rooms;

    optest_begin(t);
    rooms = apr_array_make(t->world->pool, 1, sizeof(oc_room_t *));
    APR_ARRAY_PUSH(rooms, oc_room_t *) = &room;
    t->conf.rooms = rooms;
}

static oc_booking_t *appointment(apr_pool_t *pool, int shift)
{
    oc_booking_t *b = oc_booking_create(pool);

    b->subject = "Booked at the door";
    b->when = optest_when(shift);
    b->busy = OC_BUSY_BUSY;
    return b;
}

static void book(optest_t *t, int shift, int seed)
{
    optest_book(t, ME, appointment(t->world->pool, shift), seed);
}

static void change(optest_t *t, int seed, apr_time_t start, apr_time_t end)
{
    oc_change_args_t args;

    memset(&args, 0, sizeof(args));
    args.item = mem_item(t->world, ME, optest_uid(t, seed))->booking->item;
    args.all_day = -1;
    args.reminder = -2;
    args.when.start = start;
    args.when.end = end;
    optest_run(t, oc_op_change(optest_call(t, ME), &t->world->backend, &t->conf, &args, &t->act));
}

static apr_time_t end_of(optest_t *t, int seed)
{
    return mem_item(t->world, ME, optest_uid(t, seed))->booking->when.end;
}

static int ledger_at(optest_t *t, int shift)
{
    return oc_ledger_clash(t->conf.leases, "mem", ROOM, optest_when(shift), NULL, 0, NULL);
}

static void books(void)
{
    optest_t one, *t = &one;

    begin(t);
    book(t, 0, 1);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "a free room");
    is_int(mem_sent(t->world, NULL, MEM_REQUEST), 0, "nobody is invited");
    ok(ledger_at(t, 0), "whoever books it elsewhere learns of it at once");
    is_int(optest_leases(t), 0, "no lease is left");
    book(t, 0, 2);
    optest_is(t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "what stands there blocks it");
    is_str(t->act->clash_who, ROOM, "which room is told");
    ok(!mem_item(t->world, ME, optest_uid(t, 2)), "nothing was written");
    book(t, 0, 1);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "the same once more");
    ok(t->act->replayed, "is that booking");
    book(t, 1, 3);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "a neighbour only touches");
    t->conf.conflict = OC_CONFLICT_WARN;
    book(t, 0, 4);
    optest_is(t, OC_STATE_PENDING, OC_REASON_OK, "where a warning is enough, with a warning");
    optest_end(t);

    begin(t);
    optest_book(t, "alice", appointment(t->world->pool, 0), 1);
    book(t, 0, 2);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "what people have in theirs is no obstacle");
    optest_end(t);
}

static void changes(void)
{
    optest_t one, *t = &one;

    begin(t);
    book(t, 0, 1);
    change(t, 1, TEN, TEN + HOUR + HOUR / 2);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "longer: our own time is no obstacle");
    ok(end_of(t, 1) == TEN + HOUR + HOUR / 2, "it is longer");
    ok(ledger_at(t, 1), "the ledger follows");
    book(t, 2, 2);
    change(t, 1, TEN, TEN + 2 * HOUR + HOUR / 2);
    optest_is(t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "not into the next");
    ok(end_of(t, 1) == TEN + HOUR + HOUR / 2, "it is as it was");
    change(t, 1, TEN, TEN + HOUR / 2);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "shorter");
    ok(!ledger_at(t, 1), "the time is free for others at once");
    is_int(optest_leases(t), 0, "no lease is left");
    optest_end(t);

    begin(t); /* somebody has put another upon it: ending early helps, and must go */
    t->conf.conflict = OC_CONFLICT_ALLOW;
    book(t, 0, 1);
    book(t, 0, 2);
    t->conf.conflict = OC_CONFLICT_REFUSE;
    change(t, 1, TEN, TEN + HOUR / 2);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "shorter under another's meeting");
    optest_end(t);
}

/* What must be so whatever happened to an exchange. */
static const char *broken(optest_t *t, int item)
{
    const oc_act_t *act = t->act;
    int stands = act->state == OC_STATE_CONFIRMED || act->state == OC_STATE_PENDING;

    if (optest_leases(t)) {
        return "a lease was left";
    }
    if (stands && !item) {
        return "said to stand, but does not";
    }
    if (stands && !optest_ledger(t)) {
        return "it stands, but the ledger does not know";
    }
    if (!stands && act->state != OC_STATE_UNKNOWN && !act->left_behind && item) {
        return "said not to be done, but it is";
    }
    return NULL;
}

static void every_fault(int changing, const char *name)
{
    int runs = 0, bad = 0;

    for (int on = 0; on < 2; ++on) {
        for (int fault = MEM_FINE + 1; fault < MEM_FAULTS; ++fault) {
            for (int at = 1; at <= 10; ++at, ++runs) {
                optest_t one, *t = &one;
                const char *why;
                int done;

                begin(t);
                if (changing) {
                    book(t, 0, 1);
                    t->world->count = 0;
                }
                t->world->fault = (mem_fault_t)fault;
                t->world->fault_at = at;
                t->world->fault_on = on;
                if (changing) {
                    change(t, 1, TEN, TEN + 2 * HOUR);
                    done = end_of(t, 1) == TEN + 2 * HOUR;
                } else {
                    book(t, 0, 1);
                    done = mem_item(t->world, ME, optest_uid(t, 1)) != NULL;
                }
                why = broken(t, done);
                if (why && ++bad < 10) {
                    diag("exchange %d%s %s: %s: %s", at, on ? " and on" : "",
                         mem_fault_name((mem_fault_t)fault), why, optest_outcome(t));
                }
                optest_end(t);
            }
        }
    }
    is_int(bad, 0, "%s: %d ways to fail, each with a truthful outcome", name, runs);
}

/* Front ends that share no leases press at once: only the calendar tells them apart. */
static void race(void)
{
    enum { N = 5 };
    int bad = 0;

    for (unsigned run = 0; run < 40; ++run) {
        oc_call_t *calls[N];
        oc_act_t *acts[N];
        oc_job_t *jobs[N];
        int won = 0, standing = 0;
        optest_t t;

        begin(&t);
        t.world->latency = 1000;
        t.conf.leases = NULL;
        for (int i = 0; i < N; ++i) {
            oc_book_args_t args = {0};

            calls[i] = oc_call_create(ME, ME, ME);
            args.booking = appointment(calls[i]->pool, 0);
            memset(args.seed, 10 + i, sizeof(args.seed));
            jobs[i] = oc_op_book(calls[i], &t.world->backend, &t.conf, &args, &acts[i]);
        }
        mem_run_all(t.world, jobs, N, run * 7919u + 1);
        for (int i = 0; i < N; ++i) {
            int item = mem_item(t.world, ME, optest_uid(&t, 10 + i)) != NULL;
            int yes = acts[i]->state == OC_STATE_CONFIRMED;

            won += yes;
            standing += item;
            bad += item != yes;
            apr_pool_destroy(calls[i]->pool);
        }
        if (won > 1 || standing > 1) {
            ++bad;
            diag("run %u: %d won, %d stand", run, won, standing);
        }
        optest_end(&t);
    }
    is_int(bad, 0, "five front ends: never two bookings, and what is said is so");
}

/* One makes his longer while, on another front end, somebody books what comes next. */
static void race_for_more(void)
{
    int bad = 0, both = 0, longer = 0;

    for (unsigned run = 0; run < 60; ++run) {
        oc_book_args_t args = {0};
        oc_change_args_t more = {0};
        oc_call_t *calls[2];
        oc_act_t *acts[2];
        oc_job_t *jobs[2];
        optest_t t;
        int grown, next;

        begin(&t);
        book(&t, 0, 1);
        t.world->latency = 1000;
        t.conf.leases = NULL;
        calls[0] = oc_call_create(ME, ME, ME);
        calls[1] = oc_call_create(ME, ME, ME);
        more.item = mem_item(t.world, ME, optest_uid(&t, 1))->booking->item;
        more.all_day = -1;
        more.reminder = -2;
        more.when.start = TEN;
        more.when.end = TEN + 2 * HOUR;
        args.booking = appointment(calls[1]->pool, 1);
        memset(args.seed, 2, sizeof(args.seed));
        jobs[0] = oc_op_change(calls[0], &t.world->backend, &t.conf, &more, &acts[0]);
        jobs[1] = oc_op_book(calls[1], &t.world->backend, &t.conf, &args, &acts[1]);
        mem_run_all(t.world, jobs, 2, run * 7919u + 1);
        grown = end_of(&t, 1) > TEN + HOUR;
        next = mem_item(t.world, ME, optest_uid(&t, 2)) != NULL;
        both += grown && next;
        longer += grown;
        bad += grown != (acts[0]->state == OC_STATE_CONFIRMED) ||
               next != (acts[1]->state == OC_STATE_CONFIRMED);
        apr_pool_destroy(calls[0]->pool);
        apr_pool_destroy(calls[1]->pool);
        optest_end(&t);
    }
    is_int(both, 0, "never both");
    is_int(bad, 0, "and what is said is so");
    ok(longer > 0 && longer < 60, "each wins sometimes, or none (%d of 60 longer)", longer);
}

int main(void)
{
    apr_initialize();
    books();
    changes();
    every_fault(0, "booking");
    every_fault(1, "changing");
    race();
    race_for_more();
    return done_testing();
}
