/* tokens.c - the threads that make Kerberos tokens, their queue and the breakers.
 *
 *   LOOK -> READY              the ticket is at hand, or it is certain that there can be none
 *        -> ASK -> READY       a KDC has to be asked; waits in the queue while its realm has its
 *                              share of the threads
 *   CHECK -> READY             the server's answer is looked at
 *
 * One mutex guards all of it; it is never held over a call of krb5.h that may block. While a token
 * is WORKING its other fields belong to its thread; while READY, to the asker. Threads are detached
 * and hold a reference to the pool, so that one which hangs can be left behind.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "auth/krb5.h"
#include "auth/s4u.h"
#include "auth/tokens.h"
#include "base/log.h"
#include "base/str.h"

#define QUEUE_PER_THREAD 64 /* some milliseconds each */
#define STUCK_AFTER apr_time_from_sec(3) /* a KDC that answers does so in milliseconds */
#define BREAKER_FIRST apr_time_from_sec(5) /* until it is tried again; doubled each time */
#define BREAKER_MOST apr_time_from_sec(30)
#define BREAKERS 8
#define REALM_SIZE 96
#define LOOK_AGAIN_MS 250 /* tokens wait, and time alone may change what becomes of them */

typedef enum state_t { STATE_QUEUED, STATE_WORKING, STATE_READY } state_t;
typedef enum phase_t { PHASE_LOOK, PHASE_ASK, PHASE_CHECK } phase_t;

typedef struct breaker_t {
    char realm[REALM_SIZE];
    apr_time_t pause;  /* 0: not in use, or closed */
    oc_mono_t retry_at;
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
    oc_s4u_t *tickets;
};

struct oc_token_t {
    oc_tokens_t *pool;
    oc_token_t *next; /* in the queue, or among those being worked at */
    oc_job_t *job;    /* whom to wake; NULL once dropped */
    state_t state;
    phase_t phase;
    oc_mono_t since;  /* being worked at */
    char *ccache, *spn, *principal;
    unsigned person; /* the principal's hash: two that share one take each other's turns */
    const oc_keytab_t *keytab;
    oc_s4u_ticket_t *ticket;
    char realm[REALM_SIZE]; /* whose KDC is asked */
    char *answer;           /* to be checked */
    oc_krb5_t *krb5;
    char *text;
    oc_krb5_why_t why;
};

static void token_free(oc_token_t *t)
{
    if (t->krb5) {
        oc_krb5_close(t->krb5);
    }
    if (t->ticket) {
        oc_s4u_release(t->pool->tickets, t->ticket);
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
        oc_s4u_free(pool->tickets);
        free(pool);
    }
}

/* ---- breakers; under the mutex ---- */

static breaker_t *breaker_of(oc_tokens_t *pool, const char *realm)
{
    for (int i = 0; i < BREAKERS; ++i) {
        if (pool->breaker[i].pause && strcasecmp(pool->breaker[i].realm, realm) == 0) {
            return &pool->breaker[i];
        }
    }
    return NULL;
}

static void breaker_open(oc_tokens_t *pool, const char *realm)
{
    breaker_t *b = breaker_of(pool, realm);

    if (!b) {
        b = &pool->breaker[0];
        for (int i = 1; i < BREAKERS && b->pause; ++i) {
            if (!pool->breaker[i].pause || pool->breaker[i].retry_at < b->retry_at) {
                b = &pool->breaker[i];
            }
        }
        b->pause = 0;
        apr_cpystrn(b->realm, realm, sizeof(b->realm));
    } else if (oc_clock_mono() < b->retry_at) {
        return; /* asked before it was open */
    }
    b->pause = !b->pause                        ? BREAKER_FIRST
               : 2 * b->pause < BREAKER_MOST ? 2 * b->pause
                                                : BREAKER_MOST;
    b->retry_at = oc_clock_mono() + b->pause;
    oc_log(OC_LOG_ERR, 0, NULL, OC_LOGID(0210) "no KDC of realm %s answers: nothing is asked of it "
           "for %d s", *realm ? realm : "(default)", (int)apr_time_sec(b->pause));
}

static void breaker_close(oc_tokens_t *pool, const char *realm)
{
    breaker_t *b = breaker_of(pool, realm);

    if (b) {
        b->pause = 0;
        oc_log(OC_LOG_NOTICE, 0, NULL, OC_LOGID(0214) "a KDC of realm %s answers again",
               *realm ? realm : "(default)");
    }
}

/* What a question to a KDC says about it. Reasons that may have been found here, too, say nothing.
 */
static void breaker_learn(oc_tokens_t *pool, const oc_token_t *t)
{
    switch (t->why.reason) {
    case OC_REASON_KDC_UNREACHABLE:
        breaker_open(pool, t->realm);
        break;
    case OC_REASON_OK:
    case OC_REASON_DELEGATION_REFUSED:
    case OC_REASON_UNKNOWN_PRINCIPAL:
    case OC_REASON_MISCONFIGURED:
        breaker_close(pool, t->realm);
        break;
    default:
        break;
    }
}

typedef enum turn_t { TURN_WAIT, TURN_ASK, TURN_REFUSE } turn_t;

/* May this token's KDC be asked now? A quarter of the threads, one at least, is left to other
 * realms. */
static turn_t turn_of(oc_tokens_t *pool, const oc_token_t *token)
{
    const breaker_t *b = breaker_of(pool, token->realm);
    oc_mono_t now = oc_clock_mono();
    int asking = 0, same = 0, stuck = 0;
    int share = pool->max > 1 ? pool->max - (pool->max + 3) / 4 : 1;

    for (const oc_token_t *t = pool->working; t; t = t->next) {
        if (t->phase == PHASE_ASK) {
            int here = strcasecmp(t->realm, token->realm) == 0;

            ++asking;
            same += here;
            stuck += here && now - t->since > STUCK_AFTER;
        }
    }
    if (stuck > 0 || (b && (now < b->retry_at || same > 0))) {
        return TURN_REFUSE;
    }
    return same < share && asking < pool->max ? TURN_ASK : TURN_WAIT;
}

/* ---- turns; under the mutex ---- */

/* Has this token's person a quarter of the threads at work, one at least? Then others go first: a
 * page may want two dozen tokens at a time. */
static int is_served(const oc_tokens_t *pool, const oc_token_t *token)
{
    int n = 0;

    for (const oc_token_t *t = pool->working; t; t = t->next) {
        n += t->person == token->person;
    }
    return n >= (pool->max + 3) / 4;
}

/* The queue is full, or for this person: half of it is left to others. */
static int is_full(const oc_tokens_t *pool, const oc_token_t *token)
{
    int most = pool->max * QUEUE_PER_THREAD, n = 0;

    if (pool->queued < most / 2) {
        return 0;
    }
    for (const oc_token_t *t = pool->first; t; t = t->next) {
        n += t->person == token->person;
    }
    return pool->queued >= most || n >= most / 2;
}

/* ---- the threads ---- */

static void make(oc_token_t *t)
{
    oc_tokens_t *pool = t->pool;
    int ask = t->phase == PHASE_ASK;

    if (!t->keytab) {
        t->krb5 = oc_krb5_make(t->ccache, t->spn, t->principal, ask, &t->text, &t->why);
        return;
    }
    t->ticket = ask ? oc_s4u_get(pool->tickets, t->keytab, t->principal, t->spn, &t->why)
                    : oc_s4u_find(pool->tickets, t->keytab, t->principal, t->spn);
    if (!t->ticket) {
        t->why.uncached = !ask;
        return;
    }
    /* Nothing but the ticket is in its cache, so nobody can be asked. */
    t->krb5 = oc_krb5_make(oc_s4u_ccache(t->ticket), t->spn, oc_s4u_owner(t->ticket), 0, &t->text,
                           &t->why);
    if (!t->krb5) {
        oc_s4u_forget(pool->tickets, t->ticket);
        oc_s4u_release(pool->tickets, t->ticket);
        t->ticket = NULL;
        t->why.uncached = !ask; /* perhaps it has expired by another clock: get a new one */
        t->why.reason = ask ? OC_REASON_MISCONFIGURED : t->why.reason;
    }
}

static void work(oc_token_t *t)
{
    if (t->phase == PHASE_CHECK) {
        oc_krb5_verify(t->krb5, t->answer, &t->why);
    } else {
        make(t);
    }
}

static void refuse(oc_token_t *t)
{
    t->why.reason = OC_REASON_KDC_UNREACHABLE;
    apr_cpystrn(t->why.detail, "the domain's login service did not answer a moment ago",
                sizeof(t->why.detail));
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

/* The first of the queue whose turn it is, taken out; NULL. Those that need not wait any longer
 * because there is no hope are answered on the way. */
static oc_token_t *take(oc_tokens_t *pool)
{
    oc_token_t *t, *next, *late;

again:
    late = NULL;
    for (t = pool->first; t; t = next) {
        turn_t turn = t->phase == PHASE_ASK ? turn_of(pool, t) : TURN_ASK;

        next = t->next;
        if (turn == TURN_ASK && !is_served(pool, t)) {
            unqueue(pool, t);
            return t;
        }
        if (turn == TURN_REFUSE) {
            unqueue(pool, t);
            refuse(t);
            finish(pool, t);
            goto again; /* finish() may have given the mutex up */
        }
        late = turn == TURN_ASK && !late ? t : late;
    }
    if (late) {
        unqueue(pool, late);
    }
    return late;
}

static void queue(oc_tokens_t *pool, oc_token_t *t)
{
    t->state = STATE_QUEUED;
    t->next = NULL;
    *(pool->last ? &pool->last->next : &pool->first) = t;
    pool->last = t;
    ++pool->queued;
}

/* Works at it and puts it where it belongs then. The mutex is given up meanwhile. */
static void serve(oc_tokens_t *pool, oc_token_t *t)
{
    oc_token_t **at;

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
    if (t->phase == PHASE_ASK) {
        breaker_learn(pool, t);
    }
    if (t->phase == PHASE_LOOK && t->why.uncached && t->job && !pool->stopping) {
        t->phase = PHASE_ASK;
        queue(pool, t);
    } else {
        if (t->why.uncached) {
            t->why.reason = OC_REASON_STOPPING;
        }
        finish(pool, t);
    }
}

static struct timespec monotonic_in(apr_time_t wait)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)apr_time_sec(wait);
    t.tv_nsec += (long)apr_time_usec(wait) * 1000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        ++t.tv_sec;
    }
    return t;
}

static void wait_for_work(oc_tokens_t *pool)
{

    ++pool->idle;
    if (pool->queued == 0) {
        pthread_cond_wait(&pool->work, &pool->mutex);
    } else {
        struct timespec until = monotonic_in(apr_time_from_msec(LOOK_AGAIN_MS));

        pthread_cond_timedwait(&pool->work, &pool->mutex, &until);
    }
    --pool->idle;
}

static void *thread_main(void *data)
{
    oc_tokens_t *pool = data;
    oc_token_t *t;

    pthread_mutex_lock(&pool->mutex);
    while (!pool->stopping) {
        t = take(pool);
        if (t) {
            if (pool->queued > 0) {
                pthread_cond_signal(&pool->work); /* somebody else has an eye on those that wait */
            }
            serve(pool, t);
        } else if (!pool->stopping) {
            wait_for_work(pool);
        }
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

oc_tokens_t *oc_tokens_create(int threads, int tickets)
{
    oc_tokens_t *pool = calloc(1, sizeof(*pool));
    pthread_condattr_t attr;

    if (!pool || !(pool->tickets = oc_s4u_create(tickets))) {
        free(pool);
        return NULL;
    }
    pool->max = threads < 1 ? 1 : threads > 64 ? 64 : threads;
    pool->refs = 1;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, &attr);
    pthread_cond_init(&pool->gone, &attr);
    pthread_condattr_destroy(&attr);
    return pool;
}

void oc_tokens_stop(oc_tokens_t *pool, apr_time_t patience)
{
    struct timespec until = monotonic_in(patience);
    oc_token_t *t;

    pthread_mutex_lock(&pool->mutex);
    pool->stopping = 1;
    while ((t = pool->first) != NULL) {
        unqueue(pool, t);
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

apr_time_t oc_tokens_left(oc_tokens_t *pool, const oc_token_source_t *from)
{
    return oc_s4u_left(pool->tickets, from->keytab, from->principal, from->spn);
}

/* ---- tokens ---- */

/* Under the mutex. 0: there is no thread and none can be had. One more than may ask a KDC: all of
 * those may hang, and somebody's ticket be at hand. */
static int enqueue(oc_tokens_t *pool, oc_token_t *t)
{
    if (pool->idle <= pool->queued && pool->threads <= pool->max && !start_thread(pool)
        && pool->threads == 0) {
        return 0;
    }
    queue(pool, t);
    pthread_cond_signal(&pool->work);
    return 1;
}

static oc_token_t *token_create(oc_tokens_t *pool, oc_job_t *job, const oc_token_source_t *from)
{
    oc_token_t *t = calloc(1, sizeof(*t));
    const char *who = from->keytab ? oc_keytab_principal(from->keytab) : from->principal;
    const char *realm = who ? strrchr(who, '@') : NULL;

    if (!t) {
        return NULL;
    }
    t->pool = pool;
    t->job = job;
    t->keytab = from->keytab;
    t->ccache = from->ccache ? strdup(from->ccache) : NULL;
    t->spn = strdup(from->spn);
    t->principal = strdup(from->principal);
    if (t->principal) {
        apr_ssize_t len = APR_HASH_KEY_STRING;

        t->person = apr_hashfunc_default(t->principal, &len);
    }
    apr_cpystrn(t->realm, realm ? realm + 1 : "", sizeof(t->realm));
    if ((!t->ccache && !t->keytab) || !t->spn || !t->principal) {
        token_free(t);
        return NULL;
    }
    return t;
}

oc_token_t *oc_tokens_ask(oc_tokens_t *pool, oc_job_t *job, const oc_token_source_t *from,
                          oc_reason_t *reason)
{
    oc_token_t *t = token_create(pool, job, from);

    *reason = OC_REASON_INTERNAL;
    if (!t) {
        return NULL;
    }
    pthread_mutex_lock(&pool->mutex);
    if (pool->stopping) {
        *reason = OC_REASON_STOPPING;
    } else if (is_full(pool, t) || !enqueue(pool, t)) {
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
    t->phase = PHASE_CHECK;
    pthread_mutex_lock(&pool->mutex);
    /* Not subject to the queue's bound: as many as there are replies. */
    if (!t->answer || pool->stopping || !enqueue(pool, t)) {
        t->why.reason = OC_REASON_STOPPING;
        t->state = STATE_READY;
    }
    pthread_mutex_unlock(&pool->mutex);
}

void oc_tokens_distrust(oc_token_t *t)
{
    if (t->ticket) {
        oc_s4u_forget(t->pool->tickets, t->ticket);
    }
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
