/* optest.h - what the tests of operations share: a world, a lease table, calls and arguments. */
#ifndef OPTEST_H
#define OPTEST_H

#include "membackend.h"
#include "op/op.h"

#define ROOM "boardroom@example.test"
#define ROOM2 "room1@example.test"
#define TEN APR_TIME_C(1893492000000000) /* 2030-01-01 10:00 UTC */
#define HOUR apr_time_from_sec(3600)

typedef struct optest_t {
    mem_t *world;
    oc_op_conf_t conf;
    oc_call_t *call;  /* of the last operation */
    oc_act_t *act;
} optest_t;

/* A world, and a configuration with a lease table and short times: 20 s, 10 s undo, 3 s for
 * answers. */
void optest_begin(optest_t *t);
void optest_end(optest_t *t);
oc_call_t *optest_call(optest_t *t, const char *who); /* replaces the one before */
/* A booking from TEN + shift hours, one hour long, with bob and the rooms given (NULL: none). */
oc_booking_t *optest_booking(apr_pool_t *pool, int shift, const char *room, const char *room2);
void optest_attendee(oc_booking_t *b, const char *address, int room);
/* Book as `who`, seed filled with that byte; works it to the end. */
oc_act_t *optest_book(optest_t *t, const char *who, oc_booking_t *b, int seed);
const char *optest_uid(optest_t *t, int seed);
oc_range_t optest_when(int shift);
/* Prepares an operation and works it to its end. 0: it was refused before. */
int optest_run(optest_t *t, oc_job_t *op);
oc_reason_t optest_reason(const optest_t *t);
/* "confirmed ok left=.. pending=.." for diagnostics. */
const char *optest_outcome(const optest_t *t);

/* Leases and entries of the ledger now. */
int optest_leases(optest_t *t);
int optest_ledger(optest_t *t);
/* One check on the last outcome; explains itself when it fails. A macro: TAP counts per program. */
#define optest_is(t, want_state, want_reason, name)                                                \
    do {                                                                                           \
        if (!ok((t)->act->state == (want_state) && optest_reason(t) == (want_reason),              \
                "%s: %s, %s", (name), oc_state_token(want_state), oc_reason_token(want_reason))) { \
            diag("%s", optest_outcome(t));                                                         \
        }                                                                                          \
    } while (0)

#endif
