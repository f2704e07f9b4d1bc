/* wait.h - how a request waits for its operations: it begins them, does what else it has to do, and
 * sleeps on a condition until they are done.
 *
 * Works on every MPM, on HTTP/2 streams and in subrequests, with public calls only. Another way of
 * waiting (giving the worker thread back) would replace this file and nothing else.
 */
#ifndef OC_HTTPD_WAIT_H
#define OC_HTTPD_WAIT_H

#include "httpd/child.h"

typedef struct oc_waiter_t oc_waiter_t; /* wait.c's own: shared with the I/O thread */

typedef struct oc_wait_t {
    oc_call_t *call;    /* NULL once it belongs to the I/O thread alone */
    oc_result_t result; /* in the caller's pool: how it went */
    const char *state;  /* of the operation, when it ended */
    apr_time_t took;    /* microseconds in all */
    int wrote;          /* a step that changes a calendar had begun */
    /* wait.c's own */
    oc_child_t *child;
    const oc_server_conf_t *conf;
    apr_pool_t *pool;
    oc_waiter_t *waiter; /* NULL: nothing is under way */
    oc_job_t *op, *job;
    oc_mono_t began;
} oc_wait_t;

/* Begin `op` (made in call->pool) as `id`: takes the leases (a write may wait for them, a look-up
 * does not), signs, submits; does not wait for the operation. The caller holds a place
 * (oc_child_enter) from before the first begin until after the last end. *w lives as long as `pool`
 * or until it is ended; if the pool goes first, the operation is abandoned.
 * APR_SUCCESS: exactly one oc_wait_end() or oc_wait_drop() follows. Otherwise the failure is in
 * w->result and the caller destroys w->call. Request thread, as all here. */
apr_status_t oc_wait_begin(oc_child_t *child, const oc_server_conf_t *conf, oc_call_t *call,
                           oc_identity_t *id, oc_job_t *op, apr_pool_t *pool, oc_wait_t *w);
/* 1 if oc_wait_end() would return at once. */
int oc_wait_over(const oc_wait_t *w);
/* Wait until it is done, or can wait no longer than the timeouts, counted from its begin, allow. On
 * return w->result is filled. If w->call is not NULL the results of the operation may be read, and
 * the caller destroys w->call; if it is NULL they must not be touched: the operation goes on alone
 * and cleans up. */
void oc_wait_end(oc_wait_t *w);
/* Nobody wants the result any more: never waits. The call is no longer the caller's. */
void oc_wait_drop(oc_wait_t *w);

/* A place, begin and end in one: for the request that has one operation only. */
void oc_wait_run(oc_child_t *child, const oc_server_conf_t *conf, oc_call_t *call,
                 oc_identity_t *id, oc_job_t *op, apr_pool_t *pool, oc_wait_t *w);

/* The same for a job that is no operation and signs for itself (the login of relay.c), under
 * call->user's place; it has set its own deadline, `at_most` from now. Time over: UPSTREAM_TIMEOUT.
 */
void oc_wait_job(oc_child_t *child, oc_call_t *call, oc_job_t *job, apr_time_t at_most,
                 apr_pool_t *pool, oc_wait_t *w);

#endif
