/* Changing a booking, against a calendar server in memory. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>

#include "optest.h"
#include "tap.h"

#define UID optest_uid(t, 1)

/* Alice's booking from ten to eleven, confirmed, a minute ago. */
static void begin(optest_t *t, mem_room_t rooms, const char *room)
{
    oc_booking_t *b;

    optest_begin(t);
    t->world->rooms = rooms;
    b = optest_booking(t->world->pool, 0, room, NULL);
    optest_book(t, "alice", b, 1);
    oc_clock_advance(apr_time_from_sec(60));
    t->world->count = 0;
    t->world->writes = 0;
}

static oc_change_args_t nothing(optest_t *t)
{
    oc_change_args_t args;

    memset(&args, 0, sizeof(args));
    args.item =
        mem_item(t->world, NULL, UID) ? mem_item(t->world, NULL, UID)->booking->item : "none";
    args.all_day = -1;
    args.reminder = -2;
    return args;
}

static void change_as(optest_t *t, const char *who, const oc_change_args_t *args)
{
    oc_call_t *call = optest_call(t, who);

    optest_run(t, oc_op_change(call, &t->world->backend, &t->conf, args, &t->act));
}

static void move(optest_t *t, int shift)
{
    oc_change_args_t args = nothing(t);

    args.when = optest_when(shift);
    change_as(t, "alice", &args);
}

static int stands_at(optest_t *t, int shift)
{
    const mem_item_t *i = mem_item(t->world, "alice", UID);

    return i && i->booking->when.start == optest_when(shift).start;
}

static int ledger_at(optest_t *t, int shift)
{
    return oc_ledger_clash(t->conf.leases, "mem", ROOM, optest_when(shift), NULL, 0, NULL);
}

static void times(void)
{
    optest_t one, *t = &one;

    begin(t, MEM_ACCEPTS, ROOM);
    move(t, 2);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "to another time");
    ok(stands_at(t, 2), "the item is there");
    is_int(mem_sent(t->world, UID, MEM_UPDATE), 1, "one update left");
    is_int(mem_entries(t->world, ROOM, optest_when(2), UID), 1, "the room has it at the new time");
    is_int(mem_entries(t->world, ROOM, optest_when(0), UID), 0, "and not at the old");
    ok(ledger_at(t, 2) && !ledger_at(t, 0), "the ledger follows");
    is_int(optest_leases(t), 0, "no lease is left");
    is_int(t->world->count, 7, "read, check 2, update 3, verify: no exchange too many");
    optest_end(t);

    begin(t, MEM_ACCEPTS, ROOM);
    {
        oc_change_args_t args = nothing(t);
        args.when.start = TEN + HOUR / 2;
        args.when.end = TEN + HOUR + HOUR / 2;
        change_as(t, "alice", &args);
    }
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK,
              "half an hour later: our own time is no obstacle");
    optest_end(t);

    begin(t, MEM_ACCEPTS, ROOM);
    mem_book(t->world, ROOM, optest_when(1), "OTHER");
    {
        oc_change_args_t args = nothing(t);
        args.when.start = TEN + HOUR / 2;
        args.when.end = TEN + HOUR + HOUR / 2;
        change_as(t, "alice", &args);
    }
    optest_is(t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "half an hour later, into another's");
    is_int(t->world->writes, 0, "nothing was written");
    ok(ledger_at(t, 0) && !ledger_at(t, 1), "the ledger is as it was");
    optest_end(t);

    begin(t, MEM_SILENT, ROOM);
    move(t, 2);
    optest_is(t, OC_STATE_PENDING, OC_REASON_OK, "a silent room");
    optest_end(t);

    begin(t, MEM_ACCEPTS, ROOM);
    t->world->rooms = MEM_SILENT;
    move(t, 2);
    optest_is(t, OC_STATE_PENDING, OC_REASON_OK, "what it accepted before does not count");
    optest_end(t);

    begin(t, MEM_ACCEPTS, ROOM);
    t->world->lag = HOUR;
    mem_book(t->world, ROOM, optest_when(2), "OTHER");
    move(t, 2);
    optest_is(t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "a room that declines the new time");
    ok(stands_at(t, 0), "the old time was put back");
    is_int(mem_entries(t->world, ROOM, optest_when(0), UID), 1, "the room has it there");
    is_int(mem_sent(t->world, UID, MEM_UPDATE), 2, "and the attendees were told both times");
    ok(ledger_at(t, 0) && !ledger_at(t, 2), "the ledger is as it was");
    optest_end(t);
}

static void others(void)
{
    optest_t one, *t = &one;
    oc_change_args_t args;

    begin(t, MEM_ACCEPTS, ROOM);
    args = nothing(t);
    change_as(t, "alice", &args);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "nothing to change");
    is_int(t->world->count, 1, "is found out by one look");
    args = nothing(t);
    args.subject = "Budget";
    change_as(t, "alice", &args);
    is_int(t->world->writes, 0, "the same subject again is no change");
    args.subject = "Other subject";
    change_as(t, "alice", &args);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "another subject: the room's yes holds on");
    is_str(t->act->booking->subject, "Other subject", "and is shown");
    is_int(mem_sent(t->world, UID, MEM_UPDATE), 1, "attendees were told");
    args = nothing(t);
    args.location = "Here";
    args.if_etag = "stale";
    change_as(t, "alice", &args);
    optest_is(t, OC_STATE_FAILED, OC_REASON_CHANGED_MEANWHILE, "another revision than expected");
    args = nothing(t);
    args.item = "0000000000000000.EML";
    change_as(t, "alice", &args);
    optest_is(t, OC_STATE_FAILED, OC_REASON_BOOKING_NOT_FOUND, "no such booking");
    args = nothing(t);
    args.when.start = TEN;
    args.when.end = TEN;
    change_as(t, "alice", &args);
    optest_is(t, OC_STATE_FAILED, OC_REASON_INVALID_INPUT, "no time at all");
    mem_item(t->world, "alice", UID)->booking->instance = OC_INSTANCE_MASTER;
    move(t, 2);
    optest_is(t, OC_STATE_FAILED, OC_REASON_RECURRING, "a series");
    mem_item(t->world, "alice", UID)->booking->instance = OC_INSTANCE_SINGLE;
    mem_item(t->world, "alice", UID)->booking->is_organizer = 0;
    move(t, 2);
    optest_is(t, OC_STATE_FAILED, OC_REASON_NOT_ORGANIZER, "somebody else's meeting");
    optest_end(t);

    begin(t, MEM_ACCEPTS, ROOM);
    t->world->quiet_update = 1;
    move(t, 2);
    optest_is(t, OC_STATE_PENDING, OC_REASON_NOT_TOLD, "a server that tells nobody");
    ok(stands_at(t, 2) && t->act->not_done, "the change stands, and that nobody was told is said");
    optest_end(t);
}

static void rooms(void)
{
    optest_t one, *t = &one;
    oc_change_args_t args;

    begin(t, MEM_ACCEPTS, ROOM);
    args = nothing(t);
    args.attendees = optest_booking(t->world->pool, 0, ROOM2, NULL)->attendees;
    change_as(t, "alice", &args);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "another room");
    is_int(mem_entries(t->world, ROOM2, optest_when(0), UID), 1, "it has it");
    is_int(mem_entries(t->world, ROOM, optest_when(0), UID), 0, "the first does not");
    ok(!ledger_at(t, 0), "and is free in the ledger, too");
    optest_end(t);

    begin(t, MEM_ACCEPTS, ROOM);
    mem_book(t->world, ROOM2, optest_when(0), "OTHER");
    args = nothing(t);
    args.attendees = optest_booking(t->world->pool, 0, ROOM, ROOM2)->attendees;
    change_as(t, "alice", &args);
    optest_is(t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "one more room, which is taken");
    is_str(t->act->clash_who, ROOM2, "which one is told");
    is_int(t->world->writes, 0, "nothing was written");
    optest_end(t);

    begin(t, MEM_ACCEPTS, ROOM);
    {
        oc_result_t res;
        const char *room = ROOM;
        oc_result_init(&res, t->world->pool);
        oc_lease_try(t->conf.leases, "mem", &room, 1, "another",
                     oc_clock_mono() + apr_time_from_sec(1), &res);
        move(t, 2);
        optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, "a lease of somebody else is waited for");
        oc_lease_try(t->conf.leases, "mem", &room, 1, "another",
                     oc_clock_mono() + apr_time_from_sec(60), &res);
        move(t, 4);
        optest_is(t, OC_STATE_FAILED, OC_REASON_BUSY, "but not for ever");
        ok(stands_at(t, 2), "nothing was changed then");
        oc_lease_release(t->conf.leases, "another");
    }
    optest_end(t);
}

/* 1: private, -1: not, as oc_change_args_t has it; what it came to. */
static oc_sensitivity_t made(optest_t *t, int private)
{
    oc_change_args_t args = nothing(t);

    args.private = private;
    change_as(t, "alice", &args);
    optest_is(t, OC_STATE_CONFIRMED, OC_REASON_OK, private > 0   ? "made private"
                                                   : private < 0 ? "made public"
                                                                 : "left as it is");
    return mem_item(t->world, "alice", UID)->booking->sensitivity;
}

static void privacy(void)
{
    optest_t one, *t = &one;

    begin(t, MEM_ACCEPTS, ROOM);
    is_int(made(t, 1), OC_SENSITIVITY_PRIVATE, "it is private");
    is_int(mem_sent(t->world, UID, MEM_UPDATE), 1,
           "the room is told: it shows its calendar around");
    is_int(t->world->count, 4, "read, update 3: no room need be free for it");
    is_int(made(t, 0), OC_SENSITIVITY_PRIVATE, "it stays so unless it is said");
    is_int(mem_sent(t->world, UID, MEM_UPDATE), 1, "and nobody is told");
    is_int(made(t, -1), OC_SENSITIVITY_NORMAL, "it is not");
    mem_item(t->world, "alice", UID)->booking->sensitivity = OC_SENSITIVITY_CONFIDENTIAL;
    is_int(made(t, 1), OC_SENSITIVITY_CONFIDENTIAL, "what is confidential is private enough");
    optest_end(t);
}

static const char *broken(optest_t *t)
{
    mem_t *w = t->world;
    const oc_act_t *act = t->act;
    oc_reason_t reason = optest_reason(t);
    int updates = mem_sent(w, UID, MEM_UPDATE);

    if (optest_leases(t)) {
        return "a lease was left";
    }
    if (mem_sent(w, UID, MEM_REQUEST) != 1 || mem_sent(w, UID, MEM_CANCEL) ||
        !mem_item(w, "alice", UID)) {
        return "more happened than a change";
    }
    switch (act->state) {
    case OC_STATE_CONFIRMED:
    case OC_STATE_PENDING:
        if (!stands_at(t, 2) || !ledger_at(t, 2) || ledger_at(t, 0)) {
            return "said to be changed, but is not";
        }
        if (act->state == OC_STATE_PENDING && reason == OC_REASON_NOT_TOLD) {
            return updates ? "said not to be told, but they were" : NULL;
        }
        if (act->state == OC_STATE_CONFIRMED && !mem_entries(w, ROOM, optest_when(2), UID)) {
            return "confirmed, but the room does not have it";
        }
        return reason != OC_REASON_OK || act->left_behind ? "it stands, but the result is bad"
               : updates != 1                             ? "one update should have left"
                                                          : NULL;
    case OC_STATE_CONFLICT:
    case OC_STATE_FAILED:
        if (reason == OC_REASON_OK || reason == OC_REASON_OUTCOME_UNKNOWN ||
            reason == OC_REASON_NOT_TOLD) {
            return "failed, but the result says otherwise";
        }
        if ((reason == OC_REASON_LEFT_BEHIND) != (act->left_behind != NULL)) {
            return "what is left behind does not fit the reason";
        }
        if (act->left_behind) {
            return NULL;
        }
        if (!stands_at(t, 0) || !ledger_at(t, 0) || ledger_at(t, 2)) {
            return "said to be as before, but is not";
        }
        return updates != 0 && updates != 2 ? "attendees know something else" : NULL;
    case OC_STATE_UNKNOWN:
        return reason != OC_REASON_OUTCOME_UNKNOWN || !act->left_behind
                   ? "unknown without saying what"
                   : NULL;
    }
    return "no such state";
}

static void every_fault(mem_room_t rooms_are, int declined, int copies, const char *name)
{
    int at, fault, on, runs = 0, bad = 0;

    for (on = 0; on < 2; ++on) {
        for (fault = MEM_FINE + 1; fault < MEM_FAULTS; ++fault) {
            for (at = 1; at <= 14; ++at) {
                optest_t one, *t = &one;
                const char *why;

                begin(t, rooms_are, ROOM);
                if (declined) {
                    t->world->lag = HOUR;
                    mem_book(t->world, ROOM, optest_when(2), "OTHER");
                }
                t->world->fault = (mem_fault_t)fault;
                t->world->fault_at = at;
                t->world->fault_on = on;
                t->world->no_sent_copy = !copies;
                move(t, 2);
                ++runs;
                why = broken(t);
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

/* "Not changed" is not said before the server has had time to do it. */
static void done_late(void)
{
    optest_t t;
    oc_mono_t began;

    for (int late = 0; late < 4; late += 2) {
        begin(&t, MEM_ACCEPTS, ROOM);
        t.world->fault_at = 4;
        t.world->fault = MEM_LOST_UNDONE;
        t.world->late = apr_time_from_sec(late);
        began = oc_clock_mono();
        move(&t, 2);
        ok((t.act->state == OC_STATE_FAILED) == !late, "an update lost, made %s",
           late ? "later: it has not failed" : "never: it has failed");
        ok(late || oc_clock_mono() - began >= t.conf.undo / 2, "said when it can be relied upon");
        optest_end(&t);
    }
}

int main(void)
{
    apr_initialize();
    times();
    others();
    rooms();
    privacy();
    done_late();
    every_fault(MEM_ACCEPTS, 0, 1, "a room that accepts");
    every_fault(MEM_SILENT, 0, 1, "a silent room");
    every_fault(MEM_SILENT, 0, 0, "a silent room, no copies of what was sent are kept");
    every_fault(MEM_ACCEPTS, 1, 1, "a room that declines the new time");
    return done_testing();
}
