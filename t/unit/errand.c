#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "errand.h"

static void note(errand_t *e, char what)
{
    size_t len = strlen(e->log);

    if (len + 1 < sizeof(e->log)) {
        e->log[len] = what;
    }
}

static int done(const oc_job_t *job)
{
    const errand_t *e = (const errand_t *)job;

    return (e->ended == e->count && e->woken >= e->waits) ||
           (e->cancels && !e->stubborn && e->given == e->ended && (!e->after || e->more_time == 0));
}

static oc_exchange_t *next(oc_job_t *job)
{
    errand_t *e = (errand_t *)job;

    e->called_after_done += e->finished;
    ++e->woken;
    if (e->given == e->count || (e->in_turn && e->given > e->ended) || e->cancels > 1 ||
        (e->cancels && !e->after)) {
        return NULL;
    }
    note(e, 'n');
    return e->x[e->given++];
}

static int feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data, apr_size_t len)
{
    errand_t *e = (errand_t *)job;
    int i = 0;

    while (e->x[i] != x) {
        ++i;
    }
    e->called_after_done += e->finished || e->ends[i];
    switch (what) {
    case OC_FEED_HEAD:
        note(e, 'h');
        ++e->heads[i];
        return e->stop_at == -1;
    case OC_FEED_BODY:
        if (e->log[0] && e->log[strlen(e->log) - 1] != 'b') {
            note(e, 'b');
        }
        e->body[i] = realloc(e->body[i], e->body_len[i] + len + 1);
        memcpy(e->body[i] + e->body_len[i], data, len);
        e->body_len[i] += len;
        e->body[i][e->body_len[i]] = '\0';
        e->largest_block = len > e->largest_block ? len : e->largest_block;
        return e->stop_at > 0 && e->body_len[i] >= (size_t)e->stop_at;
    case OC_FEED_END:
        note(e, 'e');
        ++e->ends[i];
        ++e->ended;
        if (e->more_time && e->cancels && e->ended == e->count) {
            e->more_time = 0;
        }
        return 0;
    }
    return 0;
}

static void cancel(oc_job_t *job, oc_cancel_t why)
{
    errand_t *e = (errand_t *)job;

    note(e, 'c');
    e->called_after_done += e->finished;
    e->in_flight_at_cancel = e->given - e->ended;
    e->cancel_why = (int)why;
    if (++e->cancels == 1 && e->after && why != OC_CANCEL_STOPPING) {
        e->job.deadline = oc_clock_mono() + e->more_time;
        e->count = e->given; /* what was not begun is left */
        e->x[e->count++] = e->after;
    } else {
        e->more_time = 0;
    }
}

static void finished(oc_job_t *job, void *baton)
{
    errand_t *e = (errand_t *)job;

    (void)baton;
    note(e, 'f');
    pthread_mutex_lock(&e->mutex);
    ++e->finished;
    e->thread = pthread_self();
    pthread_cond_broadcast(&e->cond);
    pthread_mutex_unlock(&e->mutex);
}

static const oc_job_vtable_t vtable = {"errand", next, feed, done, cancel};

errand_t *errand_create(apr_time_t deadline)
{
    errand_t *e = calloc(1, sizeof(*e));
    pthread_condattr_t attr;

    apr_pool_create_unmanaged_ex(&e->pool, NULL, NULL);
    pthread_mutex_init(&e->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&e->cond, &attr);
    pthread_condattr_destroy(&attr);
    e->job.vt = &vtable;
    e->job.finished = finished;
    e->job.deadline = deadline ? oc_clock_mono() + deadline : 0;
    return e;
}

oc_exchange_t *errand_add(errand_t *e, const oc_site_t *site, const char *identity,
                          const char *method, const char *path)
{
    oc_exchange_t *x = oc_exchange_create(e->pool, site, method, path, "test exchange");

    x->identity = identity;
    e->x[e->count++] = x;
    return x;
}

int errand_wait(errand_t *e, int ms)
{
    struct timespec until;
    int finished;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        ++until.tv_sec;
    }
    pthread_mutex_lock(&e->mutex);
    while (!e->finished && pthread_cond_timedwait(&e->cond, &e->mutex, &until) == 0) {}
    finished = e->finished;
    pthread_mutex_unlock(&e->mutex);
    return finished;
}

void errand_destroy(errand_t *e)
{
    int i;

    for (i = 0; i < ERRAND_MAX; ++i) {
        free(e->body[i]);
    }
    pthread_mutex_destroy(&e->mutex);
    pthread_cond_destroy(&e->cond);
    apr_pool_destroy(e->pool);
    free(e);
}

oc_net_t *errand_net(apr_pool_t *pool, const oc_net_conf_t *conf)
{
    oc_result_t res;
    oc_net_t *net;

    oc_result_init(&res, pool);
    net = oc_net_create(pool, conf, &res);
    if (!net) {
        fprintf(stderr, "# no net: %s\n", res.detail);
        abort();
    }
    return net;
}

oc_site_t errand_site(const peer_t *peer)
{
    oc_site_t site = {"http", "127.0.0.1", peer_port(peer), NULL, NULL, 12, NULL};

    return site;
}

errand_t *errand_run(oc_net_t *net, errand_t *e)
{
    if (oc_net_submit(net, &e->job) != APR_SUCCESS || !errand_wait(e, 10000)) {
        fprintf(stderr, "# an errand did not finish\n");
        abort();
    }
    return e;
}

const char *errand_outcome(oc_outcome_t outcome)
{
    static const char *const names[] = {"pending", "replied",   "not sent", "lost",
                                        "timeout", "too large", "cancelled"};

    return outcome <= OC_X_CANCELLED ? names[outcome] : "?";
}
