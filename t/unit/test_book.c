/* Booking, against a calendar server in memory. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>

#include "optest.h"
#include "tap.h"

/* What must be so after any booking, whatever happened. NULL: it is. */
static const char *broken(optest_t *t, const char *uid)
{
    mem_t *w = t->world;
    const oc_act_t *act = t->act;
    oc_reason_t reason = optest_reason(t);
    int item = mem_item(w, "alice", uid) != NULL;
    int requests = mem_sent(w, uid, MEM_REQUEST), cancels = mem_sent(w, uid, MEM_CANCEL);
    int entries = mem_entries(w, ROOM, optest_when(0), uid);

    if (w->sent_twice) {
        return "a message was sent twice";
    }
    if (optest_leases(t)) {
        return "a lease was left";
    }
    switch (act->state) {
    case OC_STATE_CONFIRMED:
    case OC_STATE_PENDING:
        if (reason != OC_REASON_OK) {
            return "it stands, but the result is bad";
        }
        if (!item || requests != 1 || cancels) {
            return "said to stand, but does not";
        }
        if (act->state == OC_STATE_CONFIRMED && !entries) {
            return "confirmed, but the room does not have it";
        }
        if (act->state == OC_STATE_PENDING && !act->pending_why) {
            return "pending without a reason";
        }
        if (act->left_behind || !act->booking) {
            return "it stands, but something is left behind or nothing is told of it";
        }
        return optest_ledger(t) ? NULL : "it stands, but the ledger does not know";
    case OC_STATE_CONFLICT:
    case OC_STATE_FAILED:
        if (reason == OC_REASON_OK || reason == OC_REASON_OUTCOME_UNKNOWN) {
            return "failed, but the result says otherwise";
        }
        if ((reason == OC_REASON_LEFT_BEHIND) != (act->left_behind != NULL)) {
            return "what is left behind does not fit the reason";
        }
        if (act->left_behind) {
            return act->state == OC_STATE_CONFLICT ? "conflict with something left behind" : NULL;
        }
        if (item || requests != cancels || entries || mem_drafts(w)) {
            return "said to be undone, but something stands";
        }
        return optest_ledger(t) ? "undone, but the ledger has it" : NULL;
    case OC_STATE_UNKNOWN:
        if (reason != OC_REASON_OUTCOME_UNKNOWN || !act->left_behind) {
            return "unknown without saying what may stand";
        }
        return NULL;
    }
    return "no such state";
}

static void happy(void)
{
    optest_t t;

    optest_begin(&t);
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "a room that accepts");
    is_int(mem_sent(t.world, NULL, MEM_REQUEST), 1, "one request left");
    is_int(mem_entries(t.world, ROOM, optest_when(0), optest_uid(&t, 1)), 1, "the room has it");
    is_int(t.world->count, 7, "check 2, write 2, invite 2, verify 1: no exchange too many");
    is_str(broken(&t, optest_uid(&t, 1)), NULL, "everything fits");
    is_int(APR_ARRAY_IDX(t.act->booking->attendees, 1, oc_attendee_t).partstat,
           OC_PARTSTAT_ACCEPTED, "the room's answer is told");
    optest_end(&t);

    optest_begin(&t);
    t.world->rooms = MEM_SILENT;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_PENDING, OC_REASON_OK, "a room that never answers");
    is_str(t.act->pending_why, "the room has not answered", "and that is said");
    ok(t.world->count > 8 && t.world->count < 20, "it was asked again, with growing pauses");
    optest_end(&t);

    optest_begin(&t);
    t.world->rooms = MEM_TENTATIVE;
    t.world->readable = 1;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK,
              "no answer, but it stands in the room's calendar");
    optest_end(&t);

    optest_begin(&t);
    t.world->rooms = MEM_REFUSES;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "a room that refuses");
    is_str(t.act->clash_who, ROOM, "which room is told");
    is_int(mem_sent(t.world, NULL, MEM_CANCEL), 1, "who was invited was told that it is off");
    is_str(broken(&t, optest_uid(&t, 1)), NULL, "and nothing stands");
    optest_end(&t);
}

static void without_rooms(void)
{
    optest_t t;
    oc_booking_t *b;

    optest_begin(&t);
    b = optest_booking(t.world->pool, 0, NULL, NULL);
    optest_book(&t, "alice", b, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "people, but no room");
    is_int(mem_sent(t.world, NULL, MEM_REQUEST), 1, "they were invited");
    b = oc_booking_create(t.world->pool);
    b->subject = "Quiet";
    b->when = optest_when(5);
    t.world->count = 0;
    optest_book(&t, "alice", b, 2);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "an appointment of one's own");
    is_int(t.world->count, 2, "is written and read back, and that is all");
    is_int(mem_sent(t.world, NULL, MEM_REQUEST), 1, "nobody is invited");
    is_int(t.act->told, OC_TOLD_NOBODY_TO_TELL, "and that is what is reported");
    optest_end(&t);
}

static void policies(void)
{
    optest_t t;
    oc_range_t half = {TEN + HOUR / 2, TEN + HOUR};

    optest_begin(&t);
    mem_book(t.world, ROOM, half, "OTHER");
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "a taken room");
    is_int(t.world->writes, 0, "nothing was written");
    is_str(broken(&t, optest_uid(&t, 1)), NULL, "nothing stands");

    t.world->readable = 1;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "a taken room, its calendar readable");
    ok(t.act->holder && !strcmp(t.act->holder->uid, "OTHER"), "then the holder is known");
    ok(t.act->clash.start == half.start && t.act->clash.end == half.end, "and when");

    t.world->readable = 0;
    t.world->rooms = MEM_SILENT;
    t.conf.conflict = OC_CONFLICT_WARN;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_PENDING, OC_REASON_OK, "a taken room with conflict=warn");
    is_str(t.act->pending_why, "the room was taken at that time", "and the remark is there");
    t.world->rooms = MEM_ACCEPTS;
    optest_book(&t, "alice", NULL, 2);
    optest_is(&t, OC_STATE_PENDING, OC_REASON_OK, "a room that declines with conflict=warn");
    is_str(t.act->pending_why, "the room has declined", "and that is said");
    optest_end(&t);

    optest_begin(&t);
    t.conf.conflict = OC_CONFLICT_ALLOW;
    mem_book(t.world, ROOM, half, "OTHER");
    t.world->rooms = MEM_SILENT;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_PENDING, OC_REASON_OK, "a taken room with conflict=allow");
    optest_end(&t);

    optest_begin(&t);
    t.world->unknown = 1;
    t.world->rooms = MEM_SILENT;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_PENDING, OC_REASON_OK, "unknown free/busy");
    is_str(t.act->pending_why, "whether the room is free could not be checked", "and that is said");
    t.conf.unknown_refuse = 1;
    optest_book(&t, "carol", optest_booking(t.world->pool, 3, ROOM, NULL), 2);
    optest_is(&t, OC_STATE_CONFLICT, OC_REASON_AVAILABILITY_UNKNOWN, "unknown and unknown=refuse");
    t.world->readable = 1;
    t.world->rooms = MEM_ACCEPTS;
    optest_book(&t, "carol", optest_booking(t.world->pool, 4, ROOM, NULL), 3);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "unknown digits, but a readable calendar");
    optest_end(&t);

    optest_begin(&t);
    mem_book(t.world, "bob@example.test", half, "BOBS");
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "a busy attendee, nobody asked");
    {
        oc_call_t *call = optest_call(&t, "alice");
        oc_book_args_t args = {0};
        args.booking = optest_booking(call->pool, 0, NULL, NULL);
        args.seed[0] = 9;
        args.check_people = 1;
        optest_run(&t, oc_op_book(call, &t.world->backend, &t.conf, &args, &t.act));
    }
    optest_is(&t, OC_STATE_CONFLICT, OC_REASON_ATTENDEE_BUSY, "a busy attendee, people asked");
    is_str(t.act->clash_who, "bob@example.test", "who is told");
    optest_end(&t);
}

/* "Not done" is not said before the server has had time to do it. */
static void done_late(void)
{
    static const apr_time_t late[] = {0, 400000, 2 * APR_USEC_PER_SEC, 4 * APR_USEC_PER_SEC};
    optest_t t;
    oc_mono_t began;

    for (unsigned i = 0; i < sizeof(late) / sizeof(late[0]); ++i) {
        optest_begin(&t);
        t.world->fault_at = 3;
        t.world->fault = MEM_LOST_UNDONE;
        t.world->late = late[i];
        began = oc_clock_mono();
        optest_book(&t, "alice", NULL, 1);
        if (late[i]) {
            optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "written after the reply was lost");
            is_int(mem_sent(t.world, NULL, MEM_REQUEST), 1, "the invitation went out once");
        } else {
            ok(t.act->state == OC_STATE_FAILED, "never written: it failed");
            ok(oc_clock_mono() - began >= t.conf.undo / 2, "said when it can be relied upon");
        }
        optest_end(&t);
    }
}

static void neighbours(void)
{
    optest_t t;
    oc_range_t before = {TEN - HOUR, TEN}, after = {TEN + HOUR, TEN + 2 * HOUR};
    oc_booking_t *b;

    optest_begin(&t);
    mem_book(t.world, ROOM, before, "BEFORE");
    mem_book(t.world, ROOM, after, "AFTER");
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "meetings that only touch do not clash");
    b = optest_booking(t.world->pool, 5, ROOM, NULL);
    b->when.start = TEN + 2 * HOUR + apr_time_from_sec(600);
    b->when.end = b->when.start + apr_time_from_sec(1200);
    mem_book(t.world, ROOM, (oc_range_t){b->when.end, b->when.end + HOUR}, "TEN-PAST");
    optest_book(&t, "alice", b, 2);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "nor at ten past and half past");
    optest_end(&t);
}

static void lag(void)
{
    optest_t t;

    optest_begin(&t);
    t.world->lag = 15 * apr_time_from_sec(60);
    t.world->rooms = MEM_SILENT;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_PENDING, OC_REASON_OK, "the first with lagging free/busy");
    t.world->count = 0;
    optest_book(&t, "bob", NULL, 2);
    optest_is(&t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN,
              "the second, though free/busy says free");
    ok(!mem_item(t.world, "bob", optest_uid(&t, 2)), "and nothing stands in bob's calendar");
    optest_book(&t, "bob", optest_booking(t.world->pool, 1, ROOM, NULL), 3);
    optest_is(&t, OC_STATE_PENDING, OC_REASON_OK, "an hour later it is free");
    optest_end(&t);

    optest_begin(&t);
    t.world->lag = 15 * apr_time_from_sec(60);
    t.conf.leases = NULL; /* as from another front end: nothing but the room itself arbitrates */
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "first of two front ends");
    optest_book(&t, "bob", NULL, 2);
    optest_is(&t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "second of two: the room declined");
    ok(!mem_item(t.world, "bob", optest_uid(&t, 2)), "and nothing stands in bob's calendar");
    is_int(mem_sent(t.world, optest_uid(&t, 2), MEM_CANCEL), 1, "who was invited was told");
    optest_end(&t);
}

/* A room's calendar that cannot be read in full does not say that the room is free. */
static void partly(void)
{
    optest_t t;

    for (int how = 1; how <= 2; ++how) {
        optest_begin(&t);
        t.world->readable = 1;
        t.world->partly = how;
        t.world->lag = how == 2 ? HOUR : 0;
        mem_book(t.world, ROOM, optest_when(0), "them");
        optest_book(&t, "alice", NULL, 1);
        optest_is(&t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN,
                  how == 1 ? "rows nobody understands: free/busy decides"
                           : "what is seen of a calendar counts, even if there is more");
        is_int(t.world->writes, 0, "and nothing is written");
        optest_end(&t);
    }
}

static void idempotent(void)
{
    optest_t t;
    oc_booking_t *other;

    optest_begin(&t);
    optest_book(&t, "alice", NULL, 1);
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "the same key and content again");
    ok(t.act->replayed, "is told to be the booking made before");
    is_int(mem_sent(t.world, NULL, MEM_REQUEST), 1, "and sends nothing");
    is_str(broken(&t, optest_uid(&t, 1)), NULL, "everything fits");
    t.world->lag = HOUR;
    optest_book(&t, "alice", NULL, 1);
    ok(t.act->replayed && t.act->state == OC_STATE_CONFIRMED, "the same where free/busy lags");

    other = optest_booking(t.world->pool, 0, ROOM, NULL);
    other->subject = "Something else";
    optest_book(&t, "alice", other, 1);
    optest_is(&t, OC_STATE_FAILED, OC_REASON_KEY_CONFLICT, "the same key, other content");
    other = optest_booking(t.world->pool, 7, ROOM, NULL);
    optest_book(&t, "alice", other, 1);
    optest_is(&t, OC_STATE_FAILED, OC_REASON_KEY_CONFLICT, "the same key, another time");
    ok(!mem_sent(t.world, NULL, MEM_CANCEL) && mem_item(t.world, "alice", optest_uid(&t, 1)),
       "and the first booking is untouched");
    t.world->lag = HOUR;
    optest_book(&t, "bob", NULL, 5);
    optest_is(&t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "the ledger still knows of the first");
    optest_end(&t);

    /* It was written, and then the front end died. */
    optest_begin(&t);
    t.conf.answer_wait = 0;
    t.world->fault_at = 5; /* the request is not written, nor can anything be undone */
    t.world->fault_on = 1;
    t.world->fault = MEM_NOT_SENT;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_FAILED, OC_REASON_LEFT_BEHIND, "the server goes away half-way");
    ok(mem_item(t.world, "alice", optest_uid(&t, 1)) != NULL, "and something stands indeed");
    t.world->fault_at = 0;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "the same key again goes on from there");
    is_int(mem_sent(t.world, NULL, MEM_REQUEST), 1, "and invites once");
    optest_end(&t);
}

/* The same key once more after what it booked was cancelled: answers to that do not count. */
static void booked_anew(void)
{
    optest_t t;

    optest_begin(&t);
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "a booking");
    oc_clock_advance(apr_time_from_sec(60));
    optest_run(&t, oc_op_cancel(optest_call(&t, "alice"), &t.world->backend, &t.conf,
                                mem_item(t.world, "alice", optest_uid(&t, 1))->booking->item, NULL,
                                &t.act));
    optest_is(&t, OC_STATE_CONFIRMED, OC_REASON_OK, "is cancelled");
    oc_clock_advance(apr_time_from_sec(60));
    t.world->rooms = MEM_SILENT;
    optest_book(&t, "alice", NULL, 1);
    optest_is(&t, OC_STATE_PENDING, OC_REASON_OK, "and made anew: the room has not answered yet");
    optest_end(&t);
}

/* The same key and content once more, and something fails: what stood before stands. */
static void replay_faults(int people, mem_room_t rooms)
{
    int at, fault, on, bad = 0;

    for (on = 0; on < 2; ++on) {
        for (fault = MEM_FINE + 1; fault < MEM_FAULTS; ++fault) {
            for (at = 1; at <= 10; ++at) {
                optest_t t;
                oc_booking_t *b;

                optest_begin(&t);
                t.world->rooms = rooms;
                b = optest_booking(t.world->pool, 0, people ? ROOM : NULL, NULL);
                b->attendees->nelts = people ? b->attendees->nelts : 0;
                optest_book(&t, "alice", b, 1);
                oc_clock_advance(apr_time_from_sec(60));
                t.world->count = 0;
                t.world->fault = (mem_fault_t)fault;
                t.world->fault_at = at;
                t.world->fault_on = on;
                optest_book(&t, "alice", b, 1);
                if ((!mem_item(t.world, "alice", optest_uid(&t, 1)) ||
                     mem_sent(t.world, NULL, MEM_CANCEL) || t.world->sent_twice) && ++bad < 10) {
                    diag("exchange %d%s %s: %s", at, on ? " and on" : "",
                         mem_fault_name((mem_fault_t)fault), optest_outcome(&t));
                }
                optest_end(&t);
            }
        }
    }
    is_int(bad, 0, "%s booked before stands, whatever fails", people ? "a meeting" : "a time");
}

/* Every exchange of a booking fails in every way, alone or with all that follow. */
static void every_fault(mem_room_t rooms, int readable, int copies, const char *name)
{
    int at, fault, on, runs = 0, bad = 0, states[5] = {0};

    for (on = 0; on < 2; ++on) {
        for (fault = MEM_FINE + 1; fault < MEM_FAULTS; ++fault) {
            for (at = 1; at <= 14; ++at) {
                optest_t t;
                const char *why;

                optest_begin(&t);
                t.world->rooms = rooms;
                t.world->readable = readable;
                t.world->no_sent_copy = !copies;
                t.world->fault = (mem_fault_t)fault;
                t.world->fault_at = at;
                t.world->fault_on = on;
                optest_book(&t, "alice", NULL, 1);
                ++runs;
                ++states[t.act->state];
                why = broken(&t, optest_uid(&t, 1));
                if (why && ++bad < 10) {
                    diag("exchange %d%s %s: %s: %s", at, on ? " and on" : "",
                         mem_fault_name((mem_fault_t)fault), why, optest_outcome(&t));
                }
                /* A single fault leaves all the time and the means to find out and put right. */
                if (!on && copies && (t.act->state == OC_STATE_UNKNOWN || t.act->left_behind) &&
                    ++bad < 10) {
                    diag("exchange %d %s: not settled: %s", at, mem_fault_name((mem_fault_t)fault),
                         optest_outcome(&t));
                }
                optest_end(&t);
            }
        }
    }
    is_int(bad, 0, "%s: %d ways to fail, each with a truthful outcome", name, runs);
    ok(states[OC_STATE_FAILED] && states[OC_STATE_UNKNOWN], "... of several kinds");
}

/* Two faults at random places. */
static void two_faults(void)
{
    int run, bad = 0;

    for (run = 0; run < 3000; ++run) {
        optest_t t;
        const char *why;

        optest_begin(&t);
        srand((unsigned)run);
        t.world->rooms = (mem_room_t)(rand() % 4);
        t.world->readable = rand() % 2;
        t.world->fault = (mem_fault_t)(1 + rand() % (MEM_FAULTS - 1));
        t.world->fault_at = 1 + rand() % 10;
        t.world->fault2 = (mem_fault_t)(1 + rand() % (MEM_FAULTS - 1));
        t.world->fault2_at = t.world->fault_at + 1 + rand() % 4;
        optest_book(&t, "alice", NULL, 1);
        why = broken(&t, optest_uid(&t, 1));
        if (why && ++bad < 10) {
            diag("run %d, exchanges %d %s and %d %s: %s: %s", run, t.world->fault_at,
                 mem_fault_name(t.world->fault), t.world->fault2_at,
                 mem_fault_name(t.world->fault2), why, optest_outcome(&t));
        }
        optest_end(&t);
    }
    is_int(bad, 0, "two faults: a truthful outcome every time");
}

/* In one thread nobody can wait for a lease: each begins when it can have one, and so meets those
 * before it at whatever they are doing then. */
typedef struct queue_t {
    optest_t *t;
    oc_call_t **calls;
    oc_job_t **jobs;
} queue_t;

static int may_start(void *baton, int i)
{
    queue_t *q = baton;
    const char *room = ROOM;
    oc_result_t res;

    oc_result_init(&res, q->calls[i]->pool);
    return oc_lease_try(q->t->conf.leases, "mem", &room, 1, q->calls[i]->id,
                        oc_clock_mono() + apr_time_from_sec(60), &res) == APR_SUCCESS &&
           oc_op_prepare(q->jobs[i]) == APR_SUCCESS;
}

/* Twenty people want one room and time; their exchanges are mixed at random. */
static void race(mem_room_t rooms, int readable, int shared, const char *name)
{
    enum { N = 20 };
    int run, bad = 0;

    for (run = 0; run < 40; ++run) {
        optest_t t;
        oc_call_t *calls[N];
        oc_act_t *acts[N];
        oc_job_t *jobs[N];
        int i, won = 0, standing = 0, refused = 0;

        optest_begin(&t);
        t.world->lag = 15 * apr_time_from_sec(60);
        t.world->rooms = rooms;
        t.world->readable = readable;
        t.world->latency = 1000;
        if (!shared) {
            t.conf.leases = NULL;
        }
        for (i = 0; i < N; ++i) {
            oc_book_args_t args = {0};
            char who[16];
            snprintf(who, sizeof(who), "user%d", i);
            calls[i] = oc_call_create(who, who, who);
            args.booking = optest_booking(calls[i]->pool, 0, ROOM, NULL);
            memset(args.seed, 10 + i, sizeof(args.seed));
            jobs[i] = oc_op_book(calls[i], &t.world->backend, &t.conf, &args, &acts[i]);
        }
        if (shared) {
            queue_t queue = {&t, calls, jobs};
            t.world->start = may_start;
            t.world->start_baton = &queue;
            mem_run_all(t.world, jobs, N, (unsigned)run * 7919u + 1);
        } else {
            mem_run_all(t.world, jobs, N, (unsigned)run * 7919u + 1);
        }
        for (i = 0; i < N; ++i) {
            int item = mem_item(t.world, NULL, optest_uid(&t, 10 + i)) != NULL;
            won += acts[i]->state == OC_STATE_CONFIRMED || acts[i]->state == OC_STATE_PENDING;
            refused += acts[i]->state == OC_STATE_CONFLICT &&
                       calls[i]->result.reason == OC_REASON_ROOM_TAKEN;
            standing += item;
            if (item !=
                (acts[i]->state == OC_STATE_CONFIRMED || acts[i]->state == OC_STATE_PENDING)) {
                ++bad;
            }
        }
        if (won != 1 || standing != 1 || refused != N - 1 || t.world->sent_twice) {
            ++bad;
            diag("run %d: %d won, %d stand, %d refused", run, won, standing, refused);
        }
        for (i = 0; i < N; ++i) {
            apr_pool_destroy(calls[i]->pool);
        }
        optest_end(&t);
    }
    is_int(bad, 0, "%s: exactly one booking, %d clear refusals", name, N - 1);
}

int main(void)
{
    apr_initialize();
    happy();
    done_late();
    without_rooms();
    policies();
    neighbours();
    lag();
    partly();
    idempotent();
    booked_anew();
    replay_faults(1, MEM_ACCEPTS);
    replay_faults(1, MEM_SILENT);
    replay_faults(0, MEM_ACCEPTS);
    every_fault(MEM_ACCEPTS, 0, 1, "a room that accepts");
    every_fault(MEM_ACCEPTS, 1, 1, "a readable room that accepts");
    every_fault(MEM_SILENT, 0, 1, "a silent room");
    every_fault(MEM_SILENT, 0, 0, "a silent room, no copies of what was sent are kept");
    every_fault(MEM_REFUSES, 0, 1, "a room that refuses");
    every_fault(MEM_REFUSES, 0, 0, "a room that refuses, no copies of what was sent are kept");
    two_faults();
    race(MEM_SILENT, 0, 1, "twenty for a silent room");
    race(MEM_ACCEPTS, 0, 1, "twenty for a room that accepts");
    race(MEM_ACCEPTS, 0, 0, "twenty front ends for a room that accepts");
    race(MEM_TENTATIVE, 1, 0, "twenty front ends for a readable room that takes all");
    return done_testing();
}
