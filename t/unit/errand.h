/*
 * A job for units of net: a list of exchanges, sent side by side or one after the other, which
 * writes down everything that happens to it. All of it belongs to net's thread from the submission
 * until errand_wait() said yes.
 */
#ifndef ERRAND_H
#define ERRAND_H

#include <pthread.h>

#include "net/net.h"
#include "peer.h"

#define ERRAND_MAX 80

typedef struct errand_t {
    oc_job_t job;         /* first */
    apr_pool_t *pool;     /* its own, with its own allocator */
    int in_turn;          /* 1: one after the other; 0: side by side */
    int stop_at;          /* say "enough" at this many body bytes; 0 = at no time, -1 = at HEAD */
    int waits;            /* not done before it was woken that often */
    int stubborn;         /* ignores cancel() */
    apr_time_t more_time; /* at its first cancel(), gives itself that much more and adds `after` */
    oc_exchange_t *after;

    oc_exchange_t *x[ERRAND_MAX];
    char *body[ERRAND_MAX]; /* malloced */
    size_t body_len[ERRAND_MAX], largest_block;
    int heads[ERRAND_MAX], ends[ERRAND_MAX];
    int count, given, ended, woken;
    int cancels, cancel_why; /* the last one */
    int in_flight_at_cancel;
    int called_after_done; /* a call that must not come */
    pthread_t thread;      /* that finished it */
    char log[4096];        /* n(ext that gave one) h(ead) b(ody) e(nd) c(ancel) f(inished) */

    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int finished;
} errand_t;

/* deadline: microseconds from now, 0 = none. */
errand_t *errand_create(apr_time_t deadline);
oc_exchange_t *errand_add(errand_t *e, const oc_site_t *site, const char *identity,
                          const char *method, const char *path);
/* 1 if it finished within so many milliseconds. */
int errand_wait(errand_t *e, int ms);
void errand_destroy(errand_t *e);

/* A net of that configuration, until the pool is destroyed; the program ends if there is none. */
oc_net_t *errand_net(apr_pool_t *pool, const oc_net_conf_t *conf);
oc_site_t errand_site(const peer_t *peer);

/* One exchange, submitted and awaited (10 s): the errand, to be destroyed by the caller. */
errand_t *errand_run(oc_net_t *net, errand_t *e);
const char *errand_outcome(oc_outcome_t outcome);

#ifdef TAP_H /* include tap.h first */
/* How the first exchange ended, and that the job was told properly. */
__attribute__((unused)) static void is_outcome(const errand_t *e, const char *outcome, int sent,
                                               const char *what)
{
    const oc_exchange_t *x = e->x[0];

    is_str(errand_outcome(x->outcome), outcome, "%s: %s", what, outcome);
    is_int(x->sent, sent, "%s: %s", what, sent ? "may have been executed" : "not executed");
    ok(e->ends[0] == 1 && e->heads[0] <= 1 && (e->heads[0] || !e->body[0]) && !e->called_after_done,
       "%s: told in order (%s)", what, e->log);
    ok(x->outcome == OC_X_REPLIED || x->error, "%s: says why (%s)", what,
       x->error ? x->error : "replied");
}
#endif

#endif
