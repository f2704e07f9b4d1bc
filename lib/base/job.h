/* job.h - work that is done by exchanges, without I/O of its own.
 *
 * Backend verbs, operations and the identity's signing layer are all jobs, one inside the other:
 * net runs the outermost, each hands its inner one's exchanges up and their replies down. Tests
 * run the same objects from recorded exchanges.
 *
 * The owner (net's loop thread, or a test) works a job so:
 *   1. call next() until it returns NULL: each exchange given is to be sent now, side by side;
 *   2. for each of them feed HEAD once (if a status line came), BODY 0..n times, END once;
 *   3. after every END, at wake_at, after oc_job_wake() and after cancel(): done()? else go to 1.
 * A job that is not done, has nothing in flight, gives nothing and has no wake_at is waiting for
 * oc_job_wake(); its deadline still holds.
 *
 * Nothing here blocks. All calls of one job come from one thread at a time.
 */
#ifndef OC_BASE_JOB_H
#define OC_BASE_JOB_H

#include "base/exchange.h"

typedef struct oc_job_t oc_job_t;

typedef enum oc_feed_t {
    OC_FEED_HEAD, /* x->status and x->reply_headers are set (a final reply, not 1xx or an NTLM leg)
                   */
    OC_FEED_BODY, /* data, len: the next block of the decoded body; valid during the call only */
    OC_FEED_END   /* x->outcome is set; x will not be touched by the owner again */
} oc_feed_t;

typedef enum oc_cancel_t {
    OC_CANCEL_DEADLINE, /* job->deadline has come */
    OC_CANCEL_STOPPING, /* the process stops now: finish at once, whatever state it leaves */
    OC_CANCEL_ABANDON   /* nobody waits for the result any more; a job that has written goes on */
} oc_cancel_t;

typedef struct oc_job_vtable_t {
    const char *name;
    /* The next exchange to send, or NULL for none now. */
    oc_exchange_t *(*next)(oc_job_t *job);
    /* A non-zero return at HEAD or BODY says: the rest of this reply is not wanted. The owner then
     * ends the exchange (END with OC_X_REPLIED and what was received). */
    int (*feed)(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data, apr_size_t len);
    /* 1 when finished, well or badly (the job's own result says which). Then nothing is in flight.
     */
    int (*done)(const oc_job_t *job);
    /* End early. Exchanges in flight have been ended before (fed END). The job may set a later
     * deadline and go on, to put things right. */
    void (*cancel)(oc_job_t *job, oc_cancel_t why);
} oc_job_vtable_t;

struct oc_job_t {
    const oc_job_vtable_t *vt;
    oc_mono_t wake_at;  /* call next() again then; 0 = not needed. Set by the job */
    oc_mono_t deadline; /* 0 = none (inner jobs). Set by the job, watched by the owner */
    /* Set by the owner before the first next(): makes the owner call next() again soon. Any thread,
     * for as long as the job is not done. NULL in tests that need none. */
    void (*wake)(oc_job_t *outermost);
    oc_job_t *outer; /* the job this one runs in; NULL for the outermost */
    void (*finished)(oc_job_t *job,
                     void *baton); /* the owner calls it once, on its thread, when done */
    void *finished_baton;
    void *owner; /* net's own */
};

/* Wake the outermost job around `job`. Any thread; no effect without an owner. */
void oc_job_wake(oc_job_t *job);

#endif
