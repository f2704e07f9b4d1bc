/* What tests may look at: /_sim/ and the log of requests behind it. */
#ifndef SIM_INSPECT_H
#define SIM_INSPECT_H

#include "sim.h"

/* Notes a request with the reply that stands in q->out. No lock needed. */
void sim_log_request(sim_req_t *q);

/* Things counted since start or reset; each is one row of /_sim/counters. */
typedef enum {
    SIM_COUNT_REQUESTS,
    SIM_COUNT_WRONG,
    SIM_COUNT_SUBMITTED, /* messages taken for delivery */
    SIM_COUNT_INVITATIONS, /* delivered meeting requests, one per recipient */
    SIM_COUNT_CANCELLATIONS,
    SIM_COUNT_ANSWERS,
    SIM_COUNT_ORDINARY, /* delivered, neither of the above */
    SIM_COUNT_OUTSIDE, /* recipients that have no mailbox here */
    SIM_COUNT_OWA_UPDATES, /* update POSTs that were sent */
    SIM_COUNT_LOGONS, /* credentials looked at: Basic each time, NTLM message 3, a posted form */
    SIM_COUNT_LOGONS_REFUSED, /* of these, the wrong ones */
    /* Nobody is to act as somebody else: these three stay 0. */
    SIM_COUNT_OP_TWO_USERS, /* operations whose requests ran as two users or more */
    SIM_COUNT_CONNECTION_TWO_USERS, /* connections on which two users or more proved themselves */
    SIM_COUNT_CREDENTIAL_DIFFERS, /* requests whose header names another than their connection's */
    SIM_COUNT_WITHOUT_OP, /* requests that do not say which operation they belong to */
    SIM_COUNT_KINDS
} sim_count_t;
void sim_count(sim_count_t what);

#endif
