/* wait.h - how a request waits for its operation: it sleeps on a condition.
 *
 * Works on every MPM, on HTTP/2 streams and in subrequests, with public calls only. Another way of
 * waiting (giving the worker thread back) would replace this file and nothing else.
 */
#ifndef OC_HTTPD_WAIT_H
#define OC_HTTPD_WAIT_H

#include "httpd/child.h"

typedef struct oc_wait_t {
    oc_call_t *call;    /* NULL after oc_wait_run() lost it: it belongs to the I/O thread then */
    oc_result_t result; /* in the caller's pool: how it went */
    const char *state;  /* of the operation, when it ended */
    apr_time_t took;    /* microseconds in all */
    int wrote;          /* a step that changes a calendar had begun */
} oc_wait_t;

/* Run `op` (made in call->pool) as `id`, and wait until it is done or can wait no longer than the
 * timeouts allow. Takes a place (oc_child_enter), the leases, signs, submits. On return w->result
 * is filled. If w->call is not NULL the results of the operation may be read, and the caller
 * destroys w->call; if it is NULL they must not be touched: the operation goes on alone and cleans
 * up. Request thread. */
void oc_wait_run(oc_child_t *child, const oc_server_conf_t *conf, oc_call_t *call,
                 oc_identity_t *id, oc_job_t *op, apr_pool_t *pool, oc_wait_t *w);

/* The same for a job that is no operation and signs for itself (the login of relay.c), under
 * call->user's place; it has set its own deadline, `at_most` from now. Time over: UPSTREAM_TIMEOUT.
 */
void oc_wait_job(oc_child_t *child, oc_call_t *call, oc_job_t *job, apr_time_t at_most,
                 apr_pool_t *pool, oc_wait_t *w);

#endif
