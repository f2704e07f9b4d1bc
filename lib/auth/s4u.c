/* s4u.c - see s4u.h.
 *
 * One mutex, never held over a call that may ask a KDC. Tickets and the service's own are counted:
 * what was replaced or has given way lives on until the last thread that works with it lets go.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auth/s4u.h"
#include "base/log.h"

#define BUCKETS 1024
#define BYTES_MAX (16 * 1024 * 1024)
#define MARGIN_MAX apr_time_from_sec(300) /* clocks may differ by so much */
#define RETRY_AFTER apr_time_from_sec(10)

struct oc_s4u_ticket_t {
    oc_s4u_ticket_t *chain;         /* same bucket */
    oc_s4u_ticket_t *newer, *older; /* order of use */
    oc_krb5_cache_t *cache;
    const oc_keytab_t *keytab;
    char *principal, *spn;
    int refs; /* holders, and the table */
    int kept; /* in the table */
};

typedef struct ticket_t { /* the service's own */
    oc_krb5_cache_t *cache;
    int refs;
} ticket_t;

typedef struct own_t { /* of one keytab */
    struct own_t *next;
    const oc_keytab_t *keytab;
    ticket_t *ticket;      /* NULL: none yet */
    oc_mono_t renew_at;
    int renewing;
    unsigned tries;        /* counts the attempts that ended */
    oc_krb5_why_t last;    /* how the last one ended */
} own_t;

struct oc_s4u_t {
    pthread_mutex_t mutex;
    pthread_cond_t renewed;
    oc_s4u_ticket_t *bucket[BUCKETS], *newest, *oldest;
    own_t *own;
    int max, kept;
    unsigned got;
    apr_size_t bytes;
};

/* What is left of a ticket when another is better got: a tenth of its life, and the second that
 * Kerberos' whole seconds may have cost. */
static apr_time_t margin(const oc_krb5_cache_t *cache)
{
    apr_time_t tenth = cache->life / 10 + apr_time_from_sec(1);

    return tenth < MARGIN_MAX ? tenth : MARGIN_MAX;
}

static int is_good(const oc_krb5_cache_t *cache, oc_mono_t now)
{
    return now < cache->got + cache->life - margin(cache);
}

oc_s4u_t *oc_s4u_create(int max)
{
    oc_s4u_t *store = calloc(1, sizeof(*store));

    if (store) {
        store->max = max > 0 ? max : 1;
        pthread_mutex_init(&store->mutex, NULL);
        pthread_cond_init(&store->renewed, NULL);
    }
    return store;
}

/* ---- persons' tickets; under the mutex unless said otherwise ---- */

static unsigned bucket_of(const oc_keytab_t *keytab, const char *principal, const char *spn)
{
    apr_uint64_t h = 14695981039346656037u ^ (apr_uintptr_t)keytab; /* FNV-1a */

    for (const char *c = principal; *c; ++c) {
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    }
    for (const char *c = spn; *c; ++c) {
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    }
    return (unsigned)((h ^ (h >> 32)) % BUCKETS);
}

static void use_unlink(oc_s4u_t *store, oc_s4u_ticket_t *t)
{
    *(t->newer ? &t->newer->older : &store->newest) = t->older;
    *(t->older ? &t->older->newer : &store->oldest) = t->newer;
}

static void use_first(oc_s4u_t *store, oc_s4u_ticket_t *t)
{
    t->newer = NULL;
    t->older = store->newest;
    *(t->older ? &t->older->newer : &store->oldest) = t;
    store->newest = t;
}

static void ticket_free(oc_s4u_ticket_t *t)
{
    if (t->cache) {
        oc_krb5_cache_free(t->cache);
    }
    free(t->principal);
    free(t->spn);
    free(t);
}

/* Gives a reference back. Freeing is short and local: no need to leave the mutex. */
static void ticket_unref(oc_s4u_ticket_t *t)
{
    if (--t->refs == 0) {
        ticket_free(t);
    }
}

static void take_out(oc_s4u_t *store, oc_s4u_ticket_t *t)
{
    oc_s4u_ticket_t **at = &store->bucket[bucket_of(t->keytab, t->principal, t->spn)];

    while (*at != t) {
        at = &(*at)->chain;
    }
    *at = t->chain;
    use_unlink(store, t);
    t->kept = 0;
    --store->kept;
    store->bytes -= t->cache->bytes;
    ticket_unref(t);
}

static oc_s4u_ticket_t *look_up(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                                const char *spn)
{
    oc_s4u_ticket_t *t = store->bucket[bucket_of(keytab, principal, spn)];

    while (t && !(t->keytab == keytab && strcmp(t->principal, principal) == 0
                  && strcmp(t->spn, spn) == 0)) {
        t = t->chain;
    }
    return t;
}

static void put_in(oc_s4u_t *store, oc_s4u_ticket_t *t)
{
    oc_s4u_ticket_t *before = look_up(store, t->keytab, t->principal, t->spn);
    oc_s4u_ticket_t **bucket = &store->bucket[bucket_of(t->keytab, t->principal, t->spn)];

    if (before) {
        take_out(store, before);
    }
    t->chain = *bucket;
    *bucket = t;
    use_first(store, t);
    t->kept = 1;
    ++t->refs;
    ++store->kept;
    store->bytes += t->cache->bytes;
    while (store->oldest != t && (store->kept > store->max || store->bytes > BYTES_MAX)) {
        take_out(store, store->oldest);
    }
}

/* Without the mutex; takes the cache over. */
static oc_s4u_ticket_t *ticket_create(const oc_keytab_t *keytab, const char *principal,
                                      const char *spn, oc_krb5_cache_t *cache)
{
    oc_s4u_ticket_t *t = calloc(1, sizeof(*t));

    if (!t) {
        oc_krb5_cache_free(cache);
        return NULL;
    }
    t->keytab = keytab;
    t->cache = cache;
    t->refs = 1;
    t->principal = strdup(principal);
    t->spn = strdup(spn);
    if (!t->principal || !t->spn) {
        ticket_free(t);
        return NULL;
    }
    return t;
}

oc_s4u_ticket_t *oc_s4u_find(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                             const char *spn)
{
    oc_s4u_ticket_t *t;

    pthread_mutex_lock(&store->mutex);
    t = look_up(store, keytab, principal, spn);
    if (t && !is_good(t->cache, oc_clock_mono())) {
        take_out(store, t);
        t = NULL;
    }
    if (t) {
        use_unlink(store, t);
        use_first(store, t);
        ++t->refs;
    }
    pthread_mutex_unlock(&store->mutex);
    return t;
}

apr_time_t oc_s4u_left(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                       const char *spn)
{
    oc_mono_t now = oc_clock_mono();
    apr_time_t left = 0;
    const oc_s4u_ticket_t *t;

    pthread_mutex_lock(&store->mutex);
    t = look_up(store, keytab, principal, spn);
    if (t && is_good(t->cache, now)) {
        left = t->cache->got + t->cache->life - now;
    }
    pthread_mutex_unlock(&store->mutex);
    return left;
}

const char *oc_s4u_ccache(const oc_s4u_ticket_t *t)
{
    return t->cache->name;
}

const char *oc_s4u_owner(const oc_s4u_ticket_t *t)
{
    return t->cache->owner;
}

void oc_s4u_forget(oc_s4u_t *store, oc_s4u_ticket_t *t)
{
    pthread_mutex_lock(&store->mutex);
    if (t->kept) {
        take_out(store, t);
    }
    pthread_mutex_unlock(&store->mutex);
}

void oc_s4u_release(oc_s4u_t *store, oc_s4u_ticket_t *t)
{
    pthread_mutex_lock(&store->mutex);
    ticket_unref(t);
    pthread_mutex_unlock(&store->mutex);
}

/* ---- the service's own ticket; under the mutex unless said otherwise ---- */

static own_t *own_of(oc_s4u_t *store, const oc_keytab_t *keytab)
{
    own_t *own = store->own;

    while (own && own->keytab != keytab) {
        own = own->next;
    }
    if (!own && (own = calloc(1, sizeof(*own))) != NULL) {
        own->keytab = keytab;
        own->next = store->own;
        store->own = own;
    }
    return own;
}

static void own_unref(ticket_t *ticket)
{
    if (ticket && --ticket->refs == 0) {
        oc_krb5_cache_free(ticket->cache);
        free(ticket);
    }
}

static void own_replace(oc_s4u_t *store, own_t *own, oc_krb5_cache_t *cache)
{
    ticket_t *ticket = calloc(1, sizeof(*ticket));

    if (!ticket) {
        oc_krb5_cache_free(cache);
        own->last.reason = OC_REASON_INTERNAL;
        return;
    }
    ticket->cache = cache;
    ticket->refs = 1;
    own_unref(own->ticket);
    own->ticket = ticket;
    own->renew_at = cache->got + cache->life - margin(cache);
    ++store->got;
}

/* Asks the KDC; the mutex is given up meanwhile. */
static void own_renew(oc_s4u_t *store, own_t *own)
{
    oc_krb5_cache_t *cache;
    oc_krb5_why_t why;

    own->renewing = 1;
    pthread_mutex_unlock(&store->mutex);
    cache = oc_krb5_service(oc_keytab_keys(own->keytab), &why);
    pthread_mutex_lock(&store->mutex);
    own->last = why;
    if (cache) {
        own_replace(store, own, cache);
    } else {
        own->renew_at = oc_clock_mono() + RETRY_AFTER; /* with the old one, while it is good */
        oc_log(OC_LOG_ERR, 0, NULL, OC_LOGID(0213) "%s", why.detail);
    }
    own->renewing = 0;
    ++own->tries;
    pthread_cond_broadcast(&store->renewed);
}

static int own_alive(const own_t *own, oc_mono_t now)
{
    return own->ticket && now < own->ticket->cache->got + own->ticket->cache->life;
}

/* A good ticket of the service, held; NULL with *why. Whoever waits for another's attempt shares
 * its failure: a silent KDC must not be waited for once more by each. */
static ticket_t *own_hold(oc_s4u_t *store, const oc_keytab_t *keytab, oc_krb5_why_t *why)
{
    own_t *own = own_of(store, keytab);
    unsigned tries = own ? own->tries : 0;

    while (own && !(own_alive(own, oc_clock_mono()) && oc_clock_mono() < own->renew_at)) {
        if (own->tries != tries && own->last.reason != OC_REASON_OK) {
            break;
        }
        if (!own->renewing) {
            own_renew(store, own);
        } else if (own_alive(own, oc_clock_mono())) {
            break;
        } else {
            pthread_cond_wait(&store->renewed, &store->mutex);
        }
    }
    if (own && own_alive(own, oc_clock_mono())) {
        ++own->ticket->refs;
        return own->ticket;
    }
    why->reason = own ? own->last.reason : OC_REASON_INTERNAL;
    memcpy(why->detail, own ? own->last.detail : "out of memory", own ? sizeof(why->detail) : 14);
    return NULL;
}

/* The KDC did not like it: the next one begins with a new one. */
static void own_distrust(oc_s4u_t *store, const oc_keytab_t *keytab, const ticket_t *ticket)
{
    own_t *own = own_of(store, keytab);

    if (own && own->ticket == ticket && !own->renewing) {
        own_unref(own->ticket);
        own->ticket = NULL;
    }
}

/* One attempt, without the mutex. *again: the service's own ticket did not serve, though it should
 * have. */
static oc_krb5_cache_t *act(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                            const char *spn, oc_krb5_why_t *why, int *again)
{
    oc_krb5_cache_t *cache;
    ticket_t *own;

    pthread_mutex_lock(&store->mutex);
    own = own_hold(store, keytab, why);
    pthread_mutex_unlock(&store->mutex);
    if (!own) {
        return NULL;
    }
    cache = oc_krb5_act(own->cache, principal, spn, why);
    *again = why->reason == OC_REASON_CREDENTIAL_EXPIRED || why->reason == OC_REASON_NO_CREDENTIAL;
    pthread_mutex_lock(&store->mutex);
    if (*again || why->reason == OC_REASON_MISCONFIGURED) {
        own_distrust(store, keytab, own);
    }
    own_unref(own);
    pthread_mutex_unlock(&store->mutex);
    return cache;
}

oc_s4u_ticket_t *oc_s4u_get(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                            const char *spn, oc_krb5_why_t *why)
{
    oc_s4u_ticket_t *t;
    oc_krb5_cache_t *cache;
    int again = 0;

    memset(why, 0, sizeof(*why));
    cache = act(store, keytab, principal, spn, why, &again);
    if (again) {
        again = 0;
        cache = act(store, keytab, principal, spn, why, &again);
    }
    if (again) {
        why->reason = OC_REASON_MISCONFIGURED; /* it is not the person's ticket that is wrong */
    }
    if (!cache) {
        return NULL;
    }
    t = ticket_create(keytab, principal, spn, cache);
    if (!t) {
        why->reason = OC_REASON_INTERNAL;
        return NULL;
    }
    pthread_mutex_lock(&store->mutex);
    put_in(store, t);
    pthread_mutex_unlock(&store->mutex);
    return t;
}

/* ---- the store ---- */

void oc_s4u_free(oc_s4u_t *store)
{
    while (store->oldest) {
        take_out(store, store->oldest);
    }
    while (store->own) {
        own_t *own = store->own;

        store->own = own->next;
        own_unref(own->ticket);
        free(own);
    }
    pthread_cond_destroy(&store->renewed);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

void oc_s4u_stats(oc_s4u_t *store, oc_s4u_stats_t *out)
{
    pthread_mutex_lock(&store->mutex);
    out->kept = store->kept;
    out->bytes = store->bytes;
    out->own = store->got;
    pthread_mutex_unlock(&store->mutex);
}
