#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

#include "optest.h"

void optest_begin(optest_t *t)
{
    memset(t, 0, sizeof(*t));
    t->world = mem_create();
    t->conf.operation = apr_time_from_sec(20);
    t->conf.undo = apr_time_from_sec(10);
    t->conf.answer_wait = apr_time_from_sec(3);
    t->conf.conflict = OC_CONFLICT_REFUSE;
    t->conf.leases = oc_lease_init(apr_palloc(t->world->pool, oc_lease_size(64, 64)), 64, 64);
}

void optest_end(optest_t *t)
{
    if (t->call) {
        apr_pool_destroy(t->call->pool);
    }
    mem_destroy(t->world);
}

oc_call_t *optest_call(optest_t *t, const char *who)
{
    if (t->call) {
        apr_pool_destroy(t->call->pool);
    }
    return t->call = oc_call_create(who, who, who);
}

oc_range_t optest_when(int shift)
{
    oc_range_t when = {TEN + shift * HOUR, TEN + (shift + 1) * HOUR};
    return when;
}

void optest_attendee(oc_booking_t *b, const char *address, int room)
{
    oc_attendee_t *a = apr_array_push(b->attendees);

    memset(a, 0, sizeof(*a));
    a->address = address;
    a->role = room ? OC_ROLE_RESOURCE : OC_ROLE_REQUIRED;
    a->cutype = room ? OC_CUTYPE_ROOM : OC_CUTYPE_INDIVIDUAL;
}

oc_booking_t *optest_booking(apr_pool_t *pool, int shift, const char *room, const char *room2)
{
    oc_booking_t *b = oc_booking_create(pool);

    b->subject = "Budget";
    b->when = optest_when(shift);
    optest_attendee(b, "bob@example.test", 0);
    if (room) {
        optest_attendee(b, room, 1);
    }
    if (room2) {
        optest_attendee(b, room2, 1);
    }
    return b;
}

const char *optest_uid(optest_t *t, int seed)
{
    unsigned char bytes[32];

    memset(bytes, seed, sizeof(bytes));
    return t->world->backend.vt->uid_of(&t->world->backend, t->world->pool, bytes);
}

int optest_run(optest_t *t, oc_job_t *op)
{
    if (!op || oc_op_prepare(op) != APR_SUCCESS) {
        return 0;
    }
    mem_run(t->world, op);
    return 1;
}

oc_act_t *optest_book(optest_t *t, const char *who, oc_booking_t *b, int seed)
{
    oc_call_t *call = optest_call(t, who);
    oc_book_args_t args;

    memset(&args, 0, sizeof(args));
    args.booking = b ? b : optest_booking(call->pool, 0, ROOM, NULL);
    memset(args.seed, seed, sizeof(args.seed));
    optest_run(t, oc_op_book(call, &t->world->backend, &t->conf, &args, &t->act));
    return t->act;
}

oc_reason_t optest_reason(const optest_t *t)
{
    return t->call->result.reason;
}

const char *optest_outcome(const optest_t *t)
{
    const oc_act_t *a = t->act;
    const oc_result_t *r = &t->call->result;

    return apr_psprintf(
        t->call->pool, "%s, %s at %s (%s); told %d; pending: %s; left: %s; not done: %s",
        oc_state_token(a->state), oc_reason_token(r->reason), r->step ? r->step : "-",
        r->detail ? r->detail : "-", (int)a->told, a->pending_why ? a->pending_why : "-",
        a->left_behind ? a->left_behind : "-", a->not_done ? a->not_done : "-");
}

int optest_leases(optest_t *t)
{
    oc_lease_stats_t stats;

    oc_lease_stats(t->conf.leases, &stats);
    return stats.leases;
}

int optest_ledger(optest_t *t)
{
    oc_lease_stats_t stats;

    oc_lease_stats(t->conf.leases, &stats);
    return stats.ledger;
}
