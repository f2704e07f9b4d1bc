/* tokens.c - the threads that make Kerberos tokens, their queue and the breakers.
 *
 * One mutex guards all of it; it is never held over a call of krb5.h that may block. While a token
 * is WORKING its other fields belong to its thread; while READY, to the asker. Threads are detached
 * and hold a reference to the pool, so that one which hangs can be left behind.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <apr_strings.h>

#include "auth/krb5.h"
#include "auth/tokens.h"
#include "base/log.h"
#include "base/str.h"

#define QUEUE_PER_THREAD 64 /* some milliseconds each */
#define STUCK_AFTER apr_time_from_sec(3) /* a KDC that answers does so in milliseconds */
#define BREAKER_FOR apr_time_from_sec(30)
#define BREAKERS 8
#define REALM_SIZE 96

typedef enum state_t { STATE_QUEUED, STATE_WORKING, STATE_READY } state_t;

typedef struct breaker_t {
    char realm[REALM_SIZE];
    oc_mono_t until;
} breaker_t;

struct oc_tokens_t {
    pthread_mutex_t mutex;
    pthread_cond_t work, gone;
    int max, threads, idle, stopping;
    int refs; /* threads, and the owner */
    oc_token_t *first, *last;
    int queued;
    oc_token_t *working;
    breaker_t breaker[BREAKERS];
};

struct oc_token_t {
    oc_tokens_t *pool;
    oc_token_t *next; /* in the queue, or among those being worked at */
    oc_job_t *job;    /* whom to wake; NULL once dropped */
    state_t state;
    oc_mono_t since;  /* being worked at */
    char *ccache, *spn, *principal;
    char realm[REALM_SIZE];
    char *answer;     /* to be checked; NULL: the token is to be made */
    oc_krb5_t *krb5;
    char *text;
    oc_krb5_why_t why;
};

static void token_free(oc_token_t *t)
{
    if (t->krb5) {
        oc_krb5_close(t->krb5);
    }
    if (t->text) {
        oc_str_wipe(t->text, strlen(t->text));
        free(t->text);
    }
    free(t->answer);
    free(t->ccache);
    free(t->spn);
    free(t->principal);
    free(t);
}

/* Gives the mutex back. */
static void unref(oc_tokens_t *pool)
{
    int last = --pool->refs == 0;

    pthread_mutex_unlock(&pool->mutex);
    if (last) {
        pthread_cond_destroy(&pool->gone);
        pthread_cond_destroy(&pool->work);
        pthread_mutex_destroy(&pool->mutex);
        free(pool);
    }
}

/* ---- breakers; under the mutex ---- */

static int breaker_open(const oc_tokens_t *pool, const char *realm, oc_mono_t now)
{
    int hanging = 0;

    for (int i = 0; i < BREAKERS; ++i) {
        if (pool->breaker[i].until > now && strcmp(pool->breaker[i].realm, realm) == 0) {
            return 1;
        }
    }
    for (const oc_token_t *t = pool->working; t; t = t->next) {
        hanging += now - t->since > STUCK_AFTER && strcmp(t->realm, realm) == 0;
    }
    return 2 * hanging >= pool->max;
}

static void breaker_set(oc_tokens_t *pool, const char *realm, oc_reason_t reason)
{
    oc_mono_t now = oc_clock_mono();
    breaker_t *b = &pool->breaker[0];

    for (int i = 0; i < BREAKERS; ++i) {
        if (strcmp(pool->breaker[i].realm, realm) == 0) {
            b = &pool->breaker[i];
            break;
        }
        if (pool->breaker[i].until < b->until) {
            b = &pool->breaker[i];
        }
    }
    if (reason == OC_REASON_KDC_UNREACHABLE) {
        apr_cpystrn(b->realm, realm, sizeof(b->realm));
        b->until = now + BREAKER_FOR;
        oc_log(OC_LOG_ERR, 0, NULL, OC_LOGID(0210) "no KDC of realm %s answers: its tickets are "
               "refused for %d s", *realm ? realm : "(default)", (int)apr_time_sec(BREAKER_FOR));
    } else if (strcmp(b->realm, realm) == 0) {
        b->until = 0; /* it answered, whatever it said */
    }
}

/* ---- the threads ---- */

static void work(oc_token_t *t)
{
    if (t->answer) {
        oc_krb5_verify(t->krb5, t->answer, &t->why);
    } else {
        t->krb5 = oc_krb5_make(t->ccache, t->spn, t->principal, &t->text, &t->why);
    }
}

static oc_token_t *take(oc_tokens_t *pool)
{
    oc_token_t *t = pool->first;

    if (t) {
        pool->first = t->next;
        pool->last = pool->first ? pool->last : NULL;
        --pool->queued;
        t->next = NULL;
    }
    return t;
}

static void unqueue(oc_tokens_t *pool, oc_token_t *t)
{
    oc_token_t *before = NULL, **at = &pool->first;

    for (; *at != t; at = &(*at)->next) {
        before = *at;
    }
    *at = t->next;
    if (pool->last == t) {
        pool->last = before;
    }
    --pool->queued;
}

/* Ready, or nobody's any more; gives the mutex up for a moment in the latter case. */
static void finish(oc_tokens_t *pool, oc_token_t *t)
{
    t->state = STATE_READY;
    if (t->job) {
        oc_job_wake(t->job); /* under the mutex: the asker cannot leave meanwhile */
        return;
    }
    pthread_mutex_unlock(&pool->mutex);
    token_free(t);
    pthread_mutex_lock(&pool->mutex);
}

static void *thread_main(void *data)
{
    oc_tokens_t *pool = data;
    oc_token_t *t, **at;

    pthread_mutex_lock(&pool->mutex);
    while (!pool->stopping) {
        if (!(t = take(pool))) {
            ++pool->idle;
            pthread_cond_wait(&pool->work, &pool->mutex);
            --pool->idle;
            continue;
        }
        t->state = STATE_WORKING;
        t->since = oc_clock_mono();
        t->next = pool->working;
        pool->working = t;
        pthread_mutex_unlock(&pool->mutex);

        work(t);

        pthread_mutex_lock(&pool->mutex);
        for (at = &pool->working; *at != t; at = &(*at)->next) {
        }
        *at = t->next;
        t->next = NULL;
        if (!t->answer) {
            breaker_set(pool, t->realm, t->why.reason);
        }
        finish(pool, t);
    }
    --pool->threads;
    pthread_cond_signal(&pool->gone);
    unref(pool);
    return NULL;
}

/* Signals are the server's main thread's business. */
static int start_thread(oc_tokens_t *pool)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    int rv;

    if (pthread_attr_init(&attr) != 0) {
        return 0;
    }
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = pthread_create(&thread, &attr, thread_main, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rv != 0) {
        oc_log(OC_LOG_ERR, rv, NULL, OC_LOGID(0211) "no thread for Kerberos tokens can be started");
        return 0;
    }
    pthread_setname_np(thread, "owacal-gss");
    ++pool->threads;
    ++pool->refs;
    return 1;
}

oc_tokens_t *oc_tokens_create(int threads)
{
    oc_tokens_t *pool = calloc(1, sizeof(*pool));
    pthread_condattr_t attr;

    if (!pool) {
        return NULL;
    }
    pool->max = threads < 1 ? 1 : threads > 64 ? 64 : threads;
    pool->refs = 1;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->gone, &attr);
    pthread_condattr_destroy(&attr);
    return pool;
}

void oc_tokens_stop(oc_tokens_t *pool, apr_time_t patience)
{
    struct timespec until;
    oc_token_t *t;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)apr_time_sec(patience);
    until.tv_nsec += (long)apr_time_usec(patience) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        ++until.tv_sec;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = 1;
    while ((t = take(pool)) != NULL) {
        t->why.reason = OC_REASON_STOPPING;
        finish(pool, t);
    }
    pthread_cond_broadcast(&pool->work);
    while (pool->threads > 0
           && pthread_cond_timedwait(&pool->gone, &pool->mutex, &until) == 0) {
    }
    if (pool->threads > 0 && patience > 0) {
        oc_log(OC_LOG_WARNING, 0, NULL,
               OC_LOGID(0212) "%d threads still wait for a KDC and are left behind", pool->threads);
    }
    pthread_mutex_unlock(&pool->mutex);
}

void oc_tokens_free(oc_tokens_t *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = 1;
    pthread_cond_broadcast(&pool->work);
    unref(pool);
}

void oc_tokens_stats(oc_tokens_t *pool, oc_tokens_stats_t *out)
{
    oc_mono_t now = oc_clock_mono();

    memset(out, 0, sizeof(*out));
    pthread_mutex_lock(&pool->mutex);
    for (const oc_token_t *t = pool->working; t; t = t->next) {
        ++out->busy;
        out->stuck += now - t->since > STUCK_AFTER;
    }
    out->queued = pool->queued;
    pthread_mutex_unlock(&pool->mutex);
}

/* ---- tokens ---- */

/* Under the mutex. 0: there is no thread and none can be had. */
static int enqueue(oc_tokens_t *pool, oc_token_t *t)
{
    if (pool->idle <= pool->queued && pool->threads < pool->max && !start_thread(pool)
        && pool->threads == 0) {
        return 0;
    }
    t->state = STATE_QUEUED;
    t->next = NULL;
    *(pool->last ? &pool->last->next : &pool->first) = t;
    pool->last = t;
    ++pool->queued;
    pthread_cond_signal(&pool->work);
    return 1;
}

static oc_token_t *token_create(oc_tokens_t *pool, oc_job_t *job, const char *ccache,
                                const char *spn, const char *principal)
{
    oc_token_t *t = calloc(1, sizeof(*t));
    const char *realm = strrchr(principal, '@');

    if (!t) {
        return NULL;
    }
    t->pool = pool;
    t->job = job;
    t->ccache = strdup(ccache);
    t->spn = strdup(spn);
    t->principal = strdup(principal);
    apr_cpystrn(t->realm, realm ? realm + 1 : "", sizeof(t->realm));
    if (!t->ccache || !t->spn || !t->principal) {
        token_free(t);
        return NULL;
    }
    return t;
}

oc_token_t *oc_tokens_ask(oc_tokens_t *pool, oc_job_t *job, const char *ccache, const char *spn,
                          const char *principal, oc_reason_t *reason)
{
    oc_token_t *t = token_create(pool, job, ccache, spn, principal);

    *reason = OC_REASON_INTERNAL;
    if (!t) {
        return NULL;
    }
    pthread_mutex_lock(&pool->mutex);
    if (pool->stopping) {
        *reason = OC_REASON_STOPPING;
    } else if (breaker_open(pool, t->realm, oc_clock_mono())) {
        *reason = OC_REASON_KDC_UNREACHABLE;
    } else if (pool->queued >= pool->max * QUEUE_PER_THREAD || !enqueue(pool, t)) {
        *reason = OC_REASON_BUSY;
    } else {
        *reason = OC_REASON_OK;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (*reason != OC_REASON_OK) {
        token_free(t);
        return NULL;
    }
    return t;
}

int oc_tokens_ready(oc_token_t *t, oc_reason_t *reason, const char **detail)
{
    int ready;

    pthread_mutex_lock(&t->pool->mutex);
    ready = t->state == STATE_READY;
    pthread_mutex_unlock(&t->pool->mutex);
    if (ready) {
        *reason = t->why.reason;
        *detail = t->why.detail;
    }
    return ready;
}

const char *oc_tokens_text(const oc_token_t *t)
{
    return t->text;
}

void oc_tokens_check(oc_token_t *t, const char *answer)
{
    oc_tokens_t *pool = t->pool;

    free(t->answer);
    t->answer = strdup(answer);
    pthread_mutex_lock(&pool->mutex);
    /* Not subject to the queue's bound: as many as there are replies. */
    if (!t->answer || pool->stopping || !enqueue(pool, t)) {
        t->why.reason = OC_REASON_STOPPING;
        t->state = STATE_READY;
    }
    pthread_mutex_unlock(&pool->mutex);
}

void oc_tokens_drop(oc_token_t *t)
{
    oc_tokens_t *pool = t->pool;
    int mine;

    pthread_mutex_lock(&pool->mutex);
    t->job = NULL;
    if (t->state == STATE_QUEUED) {
        unqueue(pool, t);
    }
    mine = t->state != STATE_WORKING;
    pthread_mutex_unlock(&pool->mutex);
    if (mine) {
        token_free(t);
    }
}
