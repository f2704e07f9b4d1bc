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
struct oc_waiter_t {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    atomic_int refs;
    int done, abandoned;
    oc_call_t *call; /* destroyed by the loop thread when the request has gone */
};

static oc_waiter_t *waiter_create(oc_call_t *call)
{
    oc_waiter_t *w = calloc(1, sizeof(*w));
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

static void waiter_unref(oc_waiter_t *w)
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
    oc_waiter_t *w = baton;
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

/* Under the lock finished() cannot run in between, so the job is still there. */
static void abandon(oc_waiter_t *w, oc_child_t *child, oc_job_t *job)
{
    w->abandoned = 1;
    if (oc_child()) { /* the I/O thread has not been stopped */
        oc_net_abandon(oc_child_net(child), job);
    }
}

/* 1 when the job is done, 0 when time is up: then it has been abandoned. */
static int sleep_until_done(oc_wait_t *wait, apr_time_t at_most)
{
    oc_waiter_t *w = wait->waiter;
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
        abandon(w, wait->child, wait->job);
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

/* w->job, with w->waiter to wait for it. */
static apr_status_t submit(oc_wait_t *w)
{
    apr_status_t rv;

    w->job->finished = finished;
    w->job->finished_baton = w->waiter;
    rv = oc_net_submit_traced(oc_child_net(w->child), w->job, w->call->trace);
    if (rv != APR_SUCCESS) {
        oc_result_fail(&w->result, rv == APR_EOF ? OC_REASON_STOPPING : OC_REASON_BUSY,
                       "the I/O thread takes no more operations (OwaCalLimit queue=)");
        w->result.retry_after = 2;
    }
    return rv;
}

static apr_status_t start(oc_wait_t *w, oc_identity_t *id)
{
    oc_call_t *call = w->call;
    apr_status_t rv = oc_op_prepare(w->op);

    if (rv != APR_SUCCESS) {
        oc_result_copy(&w->result, &call->result, w->pool);
        return rv;
    }
    w->job = oc_identity_sign(oc_child_signer(w->child), id, call, w->op);
    if (!w->job) {
        oc_result_copy(&w->result, &call->result, w->pool);
        return APR_EGENERAL;
    }
    return submit(w);
}

static apr_status_t pool_goes(void *data)
{
    oc_wait_drop(data);
    return APR_SUCCESS;
}

static void prepare(oc_wait_t *w, oc_child_t *child, const oc_server_conf_t *conf, oc_call_t *call,
                    oc_job_t *op, apr_pool_t *pool)
{
    memset(w, 0, sizeof(*w));
    w->child = child;
    w->conf = conf;
    w->call = call;
    w->op = op;
    w->pool = pool;
    w->began = oc_clock_mono();
    oc_result_init(&w->result, pool);
}

/* The loop never got the job: its share of the waiter goes as well. */
static void never_began(oc_wait_t *w)
{
    waiter_unref(w->waiter);
    waiter_unref(w->waiter);
    w->waiter = NULL;
}

apr_status_t oc_wait_begin(oc_child_t *child, const oc_server_conf_t *conf, oc_call_t *call,
                           oc_identity_t *id, oc_job_t *op, apr_pool_t *pool, oc_wait_t *w)
{
    prepare(w, child, conf, call, op, pool);
    if (conf->tracing != OC_TRACING_OFF) {
        call->trace = oc_trace_create(call->pool, TRACE_BYTES);
    }
    w->waiter = waiter_create(call);
    if (!w->waiter) {
        return oc_result_fail(&w->result, OC_REASON_INTERNAL, "out of memory");
    }
    if (start(w, id) != APR_SUCCESS) {
        never_began(w);
        w->took = oc_clock_mono() - w->began;
        return APR_EGENERAL;
    }
    apr_pool_cleanup_register(pool, w, pool_goes, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

int oc_wait_over(const oc_wait_t *w)
{
    int done = 1;

    if (w->waiter) {
        pthread_mutex_lock(&w->waiter->mutex);
        done = w->waiter->done;
        pthread_mutex_unlock(&w->waiter->mutex);
    }
    return done;
}

void oc_wait_end(oc_wait_t *w)
{
    const oc_server_conf_t *conf = w->conf;
    apr_time_t left = w->began + conf->operation + conf->undo + conf->answer + GRACE -
                      oc_clock_mono();

    apr_pool_cleanup_kill(w->pool, w, pool_goes);
    if (sleep_until_done(w, left > 0 ? left : 0)) {
        oc_result_copy(&w->result, &w->call->result, w->pool);
        w->state = apr_pstrdup(w->pool, oc_op_state(w->op));
        w->wrote = oc_op_wrote(w->op);
        write_trace(conf, w->call);
    } else {
        w->call = NULL;
        oc_result_fail(&w->result, OC_REASON_OUTCOME_UNKNOWN,
                       "the operation did not end within its own "
                       "deadlines; it goes on without the request");
    }
    waiter_unref(w->waiter);
    w->waiter = NULL;
    w->took = oc_clock_mono() - w->began;
}

void oc_wait_drop(oc_wait_t *w)
{
    int done;

    if (!w->waiter) {
        return;
    }
    apr_pool_cleanup_kill(w->pool, w, pool_goes);
    pthread_mutex_lock(&w->waiter->mutex);
    done = w->waiter->done;
    if (!done) {
        abandon(w->waiter, w->child, w->job);
    }
    pthread_mutex_unlock(&w->waiter->mutex);
    if (done) {
        oc_call_destroy(w->call);
    }
    w->call = NULL;
    waiter_unref(w->waiter);
    w->waiter = NULL;
}

void oc_wait_run(oc_child_t *child, const oc_server_conf_t *conf, oc_call_t *call,
                 oc_identity_t *id, oc_job_t *op, apr_pool_t *pool, oc_wait_t *w)
{
    const char *user = apr_pstrdup(pool, call->user); /* the call may be gone before we leave */
    oc_result_t res;

    oc_result_init(&res, pool);
    if (oc_child_enter(child, user, &res) != APR_SUCCESS) {
        prepare(w, child, conf, call, op, pool);
        w->result = res;
        return;
    }
    if (oc_wait_begin(child, conf, call, id, op, pool, w) == APR_SUCCESS) {
        oc_wait_end(w);
    }
    oc_child_leave(child, user);
}

void oc_wait_job(oc_child_t *child, oc_call_t *call, oc_job_t *job, apr_time_t at_most,
                 apr_pool_t *pool, oc_wait_t *w)
{
    const char *user = apr_pstrdup(pool, call->user);

    prepare(w, child, NULL, call, NULL, pool);
    w->job = job;
    if (oc_child_enter(child, user, &w->result) != APR_SUCCESS) {
        return;
    }
    w->waiter = waiter_create(call);
    if (!w->waiter) {
        oc_result_fail(&w->result, OC_REASON_INTERNAL, "out of memory");
    } else if (submit(w) != APR_SUCCESS) {
        never_began(w);
    } else {
        if (sleep_until_done(w, at_most + GRACE)) {
            oc_result_copy(&w->result, &call->result, pool);
        } else {
            w->call = NULL;
            oc_result_fail(&w->result, OC_REASON_UPSTREAM_TIMEOUT,
                           "no answer within its deadline");
        }
        waiter_unref(w->waiter);
        w->waiter = NULL;
    }
    oc_child_leave(child, user);
    w->took = oc_clock_mono() - w->began;
}
