/* wait.c - waiting on a condition. */
#include <httpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <apr_strings.h>

#include "base/log.h"
#include "httpd/wait.h"
#include "net/trace.h"

#define GRACE       apr_time_from_sec(2) /* beyond the own deadlines, for a busy machine */
#define TRACE_BYTES 65536

/* Lives until both sides have let go: the request that waits and the loop thread that finishes. */
typedef struct waiter_t {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    atomic_int refs;
    int done, abandoned;
    oc_call_t *call; /* destroyed by the loop thread when the request has gone */
} waiter_t;

static waiter_t *waiter_create(oc_call_t *call)
{
    waiter_t *w = calloc(1, sizeof(*w));
    pthread_condattr_t attr;

    if (!w) {
        return NULL;
    }
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->cond, &attr);
    pthread_condattr_destroy(&attr);
    atomic_init(&w->refs, 2);
    w->call = call;
    return w;
}

static void waiter_unref(waiter_t *w)
{
    if (atomic_fetch_sub(&w->refs, 1) == 1) {
        pthread_cond_destroy(&w->cond);
        pthread_mutex_destroy(&w->mutex);
        free(w);
    }
}

/* Loop thread, once for each job submitted. */
static void finished(oc_job_t *job, void *baton)
{
    waiter_t *w = baton;
    int abandoned;

    (void)job;
    pthread_mutex_lock(&w->mutex);
    w->done = 1;
    abandoned = w->abandoned;
    pthread_mutex_unlock(&w->mutex);
    /* Without the mutex, or the request would wake only to wait for it. */
    pthread_cond_signal(&w->cond);
    if (abandoned) {
        oc_call_destroy(w->call);
    }
    waiter_unref(w);
}

/* 1 when the job is done, 0 when time is up: then it has been abandoned. */
static int sleep_until_done(oc_child_t *child, waiter_t *w, oc_job_t *job, apr_time_t at_most)
{
    struct timespec until;
    int rc = 0, done;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)apr_time_sec(at_most);
    pthread_mutex_lock(&w->mutex);
    while (!w->done && rc == 0) {
        rc = pthread_cond_timedwait(&w->cond, &w->mutex, &until);
    }
    done = w->done;
    if (!done) {
        /* Under the lock: finished() cannot run in between, so the job is still there. */
        w->abandoned = 1;
        oc_net_abandon(oc_child_net(child), job);
    }
    pthread_mutex_unlock(&w->mutex);
    return done;
}

static void write_trace(const oc_server_conf_t *conf, oc_call_t *call)
{
    if (call->trace && (conf->tracing == OC_TRACING_ALL || call->result.reason != OC_REASON_OK)) {
        char *text = (char *)oc_trace_text(call->trace, call->pool), *line;
        /* One log line for each of the trace's, since a log line holds no line ends. */
        for (line = text; line && *line;) {
            char *end = strchr(line, '\n');
            if (end) {
                *end = '\0';
            }
            oc_log(OC_LOG_NOTICE, 0, call->id, OC_LOGID(0530) "trace: %s", line);
            line = end ? end + 1 : NULL;
        }
    }
}

static apr_status_t submit(oc_child_t *child, oc_call_t *call, oc_job_t *job, waiter_t *waiter,
                           oc_result_t *res)
{
    apr_status_t rv;

    job->finished = finished;
    job->finished_baton = waiter;
    rv = oc_net_submit_traced(oc_child_net(child), job, call->trace);
    if (rv != APR_SUCCESS) {
        oc_result_fail(res, rv == APR_EOF ? OC_REASON_STOPPING : OC_REASON_BUSY,
                       "the I/O thread takes no more operations (OwaCalLimit queue=)");
        res->retry_after = 2;
    }
    return rv;
}

static apr_status_t start(oc_child_t *child, oc_call_t *call, oc_identity_t *id, oc_job_t *op,
                          waiter_t *waiter, oc_job_t **job, oc_result_t *res)
{
    apr_status_t rv = oc_op_prepare(op);

    if (rv != APR_SUCCESS) {
        oc_result_copy(res, &call->result, res->pool);
        return rv;
    }
    *job = oc_identity_sign(oc_child_signer(child), id, call, op);
    if (!*job) {
        oc_result_copy(res, &call->result, res->pool);
        return APR_EGENERAL;
    }
    return submit(child, call, *job, waiter, res);
}

void oc_wait_run(oc_child_t *child, const oc_server_conf_t *conf, oc_call_t *call,
                 oc_identity_t *id, oc_job_t *op, apr_pool_t *pool, oc_wait_t *w)
{
    oc_mono_t began = oc_clock_mono();
    const char *user = call->user;
    waiter_t *waiter = NULL;
    oc_job_t *job = NULL;

    w->call = call;
    w->state = NULL;
    w->wrote = 0;
    oc_result_init(&w->result, pool);
    if (oc_child_enter(child, user, &w->result) != APR_SUCCESS) {
        goto leave;
    }
    if (conf->tracing != OC_TRACING_OFF) {
        call->trace = oc_trace_create(call->pool, TRACE_BYTES);
    }
    user = apr_pstrdup(pool, user); /* the call may be gone before we leave */
    waiter = waiter_create(call);
    if (!waiter) {
        oc_result_fail(&w->result, OC_REASON_INTERNAL, "out of memory");
        goto enter_undone;
    }
    if (start(child, call, id, op, waiter, &job, &w->result) != APR_SUCCESS) {
        waiter_unref(waiter); /* the loop's share: it never got the job */
        waiter_unref(waiter);
        goto enter_undone;
    }
    if (sleep_until_done(child, waiter, job, conf->operation + conf->undo + conf->answer + GRACE)) {
        oc_result_copy(&w->result, &call->result, pool);
        w->state = apr_pstrdup(pool, oc_op_state(op));
        w->wrote = oc_op_wrote(op);
        write_trace(conf, call);
    } else {
        w->call = NULL;
        oc_result_fail(&w->result, OC_REASON_OUTCOME_UNKNOWN,
                       "the operation did not end within its own "
                       "deadlines; it goes on without the request");
    }
    waiter_unref(waiter);

enter_undone:
    oc_child_leave(child, user);
leave:
    w->took = oc_clock_mono() - began;
}

void oc_wait_job(oc_child_t *child, oc_call_t *call, oc_job_t *job, apr_time_t at_most,
                 apr_pool_t *pool, oc_wait_t *w)
{
    oc_mono_t began = oc_clock_mono();
    const char *user = apr_pstrdup(pool, call->user);
    waiter_t *waiter;

    memset(w, 0, sizeof(*w));
    w->call = call;
    oc_result_init(&w->result, pool);
    if (oc_child_enter(child, user, &w->result) != APR_SUCCESS) {
        return;
    }
    waiter = waiter_create(call);
    if (!waiter) {
        oc_result_fail(&w->result, OC_REASON_INTERNAL, "out of memory");
    } else if (submit(child, call, job, waiter, &w->result) != APR_SUCCESS) {
        waiter_unref(waiter); /* the loop's share: it never got the job */
        waiter_unref(waiter);
    } else if (sleep_until_done(child, waiter, job, at_most + GRACE)) {
        oc_result_copy(&w->result, &call->result, pool);
        waiter_unref(waiter);
    } else {
        w->call = NULL;
        oc_result_fail(&w->result, OC_REASON_UPSTREAM_TIMEOUT, "no answer within its deadline");
        waiter_unref(waiter);
    }
    oc_child_leave(child, user);
    w->took = oc_clock_mono() - began;
}
