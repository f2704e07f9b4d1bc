/* pool.c - turns, bounds and the life of connection caches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_hash.h>
#include <apr_pools.h>

#include "net/pin.h"
#include "net/pool.h"

typedef APR_RING_HEAD(queue_t, oc_ticket_t) queue_t;
typedef APR_RING_HEAD(turns_t, oc_person_t) turns_t;
typedef APR_RING_HEAD(ages_t, oc_cache_t) ages_t;

/* One identity key; exists while it waits for something or has something on the wire. */
struct oc_person_t {
    APR_RING_ENTRY(oc_person_t) link; /* in turns, if queued */
    char *identity;
    queue_t queue;
    int inflight, waiting, in_turns;
    int most; /* on the wire at once */
};

struct oc_cache_t {
    APR_RING_ENTRY(oc_cache_t) link; /* in ages, or in pinned */
    char *key;
    void *wire;
    oc_pin_t *pin; /* held; NULL = an ordinary one */
    int inflight;
    oc_mono_t used;
};

struct oc_pool_t {
    oc_pool_conf_t conf;
    apr_pool_t *memory; /* for the hashes alone, which use freed slots again */
    apr_hash_t *persons, *caches;
    turns_t turns; /* persons who wait and are below their bound */
    ages_t ages;   /* longest unused first */
    ages_t pinned; /* those with a pin, in any order; never give way */
    int inflight, waiting;
};

oc_pool_t *oc_pool_create(const oc_pool_conf_t *conf)
{
    oc_pool_t *pool = calloc(1, sizeof(*pool));

    if (!pool) {
        return NULL;
    }
    if (apr_pool_create_unmanaged_ex(&pool->memory, NULL, NULL) != APR_SUCCESS) {
        free(pool);
        return NULL;
    }
    apr_pool_tag(pool->memory, "owacal net caches");
    pool->conf = *conf;
    pool->persons = apr_hash_make(pool->memory);
    pool->caches = apr_hash_make(pool->memory);
    APR_RING_INIT(&pool->turns, oc_person_t, link);
    APR_RING_INIT(&pool->ages, oc_cache_t, link);
    APR_RING_INIT(&pool->pinned, oc_cache_t, link);
    return pool;
}

static void close_cache(oc_pool_t *pool, oc_cache_t *cache)
{
    APR_RING_REMOVE(cache, link);
    apr_hash_set(pool->caches, cache->key, APR_HASH_KEY_STRING, NULL);
    pool->conf.close(pool->conf.baton, cache->wire);
    if (cache->pin) {
        oc_pin_release(cache->pin);
        oc_pin_drop(cache->pin);
    }
    free(cache->key);
    free(cache);
}

void oc_pool_destroy(oc_pool_t *pool)
{
    if (!pool) {
        return;
    }
    while (!APR_RING_EMPTY(&pool->ages, oc_cache_t, link)) {
        close_cache(pool, APR_RING_FIRST(&pool->ages));
    }
    while (!APR_RING_EMPTY(&pool->pinned, oc_cache_t, link)) {
        close_cache(pool, APR_RING_FIRST(&pool->pinned));
    }
    apr_pool_destroy(pool->memory);
    free(pool);
}

/* Each part is framed by its length: no two different lists give the same key. */
static char *make_key(const oc_exchange_t *x, int with_identity)
{
    const oc_site_t *site = x->site;
    const char *identity = with_identity ? x->identity : "";
    const char *connect = site->connect ? site->connect : "";
    const char *ca = site->ca ? site->ca : "";
    char *key = NULL;

    if (asprintf(&key, "%d %zu:%s %s %zu:%s %d %zu:%s %zu:%s %d", (int)x->connauth,
                 strlen(identity), identity, site->scheme, strlen(site->host), site->host,
                 site->port, strlen(connect), connect, strlen(ca), ca, site->tls_min) < 0) {
        return NULL;
    }
    return key;
}

static oc_person_t *find_person(oc_pool_t *pool, const oc_exchange_t *x)
{
    const char *identity = x->identity;
    oc_person_t *person = apr_hash_get(pool->persons, identity, APR_HASH_KEY_STRING);

    if (person) {
        return person;
    }
    person = calloc(1, sizeof(*person));
    if (person) {
        person->identity = strdup(identity);
    }
    if (!person || !person->identity) {
        free(person);
        return NULL;
    }
    person->most = x->pin      ? 1
                   : x->shared ? pool->conf.max_shared
                               : pool->conf.max_per_identity;
    APR_RING_INIT(&person->queue, oc_ticket_t, link);
    apr_hash_set(pool->persons, person->identity, APR_HASH_KEY_STRING, person);
    return person;
}

/* Put the person where he belongs now: among those whose turn comes, or out, or nowhere at all. */
static void settle(oc_pool_t *pool, oc_person_t *person)
{
    int wants = person->waiting > 0 && person->inflight < person->most;

    if (wants && !person->in_turns) {
        APR_RING_INSERT_TAIL(&pool->turns, person, oc_person_t, link);
    } else if (!wants && person->in_turns) {
        APR_RING_REMOVE(person, link);
    }
    person->in_turns = wants;
    if (person->waiting == 0 && person->inflight == 0) {
        apr_hash_set(pool->persons, person->identity, APR_HASH_KEY_STRING, NULL);
        free(person->identity);
        free(person);
    }
}

apr_status_t oc_pool_enter(oc_pool_t *pool, oc_ticket_t *ticket, oc_exchange_t *x)
{
    oc_person_t *person;

    ticket->key = make_key(x, 1);
    if (!ticket->key) {
        return APR_ENOMEM;
    }
    person = find_person(pool, x);
    if (!person) {
        free(ticket->key);
        ticket->key = NULL;
        return APR_ENOMEM;
    }
    ticket->x = x;
    ticket->person = person;
    ticket->cache = NULL;
    APR_RING_INSERT_TAIL(&person->queue, ticket, oc_ticket_t, link);
    ++person->waiting;
    ++pool->waiting;
    settle(pool, person);
    return APR_SUCCESS;
}

/* Make room for one more; caches in use stay. */
static void give_way(oc_pool_t *pool)
{
    oc_cache_t *cache = APR_RING_FIRST(&pool->ages), *next;

    while (cache != APR_RING_SENTINEL(&pool->ages, oc_cache_t, link) &&
           oc_pool_caches(pool) >= pool->conf.max_caches) {
        next = APR_RING_NEXT(cache, link);
        if (cache->inflight == 0) {
            close_cache(pool, cache);
        }
        cache = next;
    }
}

static oc_cache_t *find_cache(oc_pool_t *pool, const oc_ticket_t *ticket)
{
    oc_pin_t *pin = ticket->x->pin;
    char *key = pool->conf.share_for_test && !pin ? make_key(ticket->x, 0) : strdup(ticket->key);
    oc_cache_t *cache = key ? apr_hash_get(pool->caches, key, APR_HASH_KEY_STRING) : NULL;

    /* Opened once, by the exchange that is meant to; never in place of one that is gone. */
    if (pin && (oc_pin_over(pin) || (cache == NULL) != ticket->x->opens ||
                (cache && cache->pin != pin))) {
        free(key);
        return NULL;
    }
    if (cache || !key) {
        free(key);
        return cache;
    }
    if (!pin) {
        give_way(pool);
    }
    cache = calloc(1, sizeof(*cache));
    if (cache) {
        cache->wire = pool->conf.open(pool->conf.baton, ticket->x);
    }
    if (!cache || !cache->wire) {
        free(cache);
        free(key);
        return NULL;
    }
    cache->key = key;
    apr_hash_set(pool->caches, cache->key, APR_HASH_KEY_STRING, cache);
    if (pin) {
        oc_pin_hold(pin);
        cache->pin = pin;
    }
    APR_RING_INSERT_TAIL(pin ? &pool->pinned : &pool->ages, cache, oc_cache_t, link);
    return cache;
}

/* An exchange goes on the wire over it (1) or off it (-1). */
static void use_cache(oc_pool_t *pool, oc_cache_t *cache, int more, oc_mono_t now)
{
    cache->inflight += more;
    cache->used = now;
    if (cache->pin) {
        oc_pin_busy(cache->pin, more, now);
    } else {
        APR_RING_REMOVE(cache, link);
        APR_RING_INSERT_TAIL(&pool->ages, cache, oc_cache_t, link);
    }
}

oc_ticket_t *oc_pool_take(oc_pool_t *pool, oc_mono_t now)
{
    oc_person_t *person;
    oc_ticket_t *ticket;

    if (pool->inflight >= pool->conf.max_inflight ||
        APR_RING_EMPTY(&pool->turns, oc_person_t, link)) {
        return NULL;
    }
    person = APR_RING_FIRST(&pool->turns);
    APR_RING_REMOVE(person, link); /* to the end of the line, if he wants more */
    person->in_turns = 0;
    ticket = APR_RING_FIRST(&person->queue);
    APR_RING_REMOVE(ticket, link);
    --person->waiting;
    --pool->waiting;
    ++person->inflight;
    ++pool->inflight;
    settle(pool, person);
    ticket->cache = find_cache(pool, ticket);
    if (ticket->cache) {
        use_cache(pool, ticket->cache, 1, now);
    } else { /* counted as nothing; its leaving is all that remains */
        --person->inflight;
        --pool->inflight;
        ticket->person = NULL;
        free(ticket->key);
        ticket->key = NULL;
        settle(pool, person);
    }
    return ticket;
}

void oc_pool_leave(oc_pool_t *pool, oc_ticket_t *ticket, oc_mono_t now)
{
    oc_person_t *person = ticket->person;

    if (!person) {
        return;
    }
    if (ticket->cache) {
        use_cache(pool, ticket->cache, -1, now);
        --person->inflight;
        --pool->inflight;
    } else {
        APR_RING_REMOVE(ticket, link);
        --person->waiting;
        --pool->waiting;
    }
    free(ticket->key);
    ticket->key = NULL;
    ticket->person = NULL;
    ticket->cache = NULL;
    settle(pool, person);
}

void *oc_pool_wire(const oc_cache_t *cache)
{
    return cache->wire;
}

/* The same for those with a pin: what is over, or was left for too long. */
static oc_mono_t sweep_pinned(oc_pool_t *pool, oc_mono_t now)
{
    oc_cache_t *cache = APR_RING_FIRST(&pool->pinned), *next;
    oc_mono_t again = 0, at;

    for (; cache != APR_RING_SENTINEL(&pool->pinned, oc_cache_t, link); cache = next) {
        next = APR_RING_NEXT(cache, link);
        at = cache->used + (oc_pin_is_proven(cache->pin) ? pool->conf.pin_idle
                                                         : pool->conf.pin_pending);
        if (cache->inflight == 0 && (at <= now || oc_pin_over(cache->pin))) {
            close_cache(pool, cache);
        } else {
            at = at > now ? at : now + pool->conf.pin_pending;
            again = !again || at < again ? at : again;
        }
    }
    return again;
}

static oc_mono_t sweep_ages(oc_pool_t *pool, oc_mono_t now)
{
    oc_cache_t *cache = APR_RING_FIRST(&pool->ages), *next;

    while (cache != APR_RING_SENTINEL(&pool->ages, oc_cache_t, link)) {
        next = APR_RING_NEXT(cache, link);
        if (cache->used + pool->conf.cache_idle > now) {
            return cache->used + pool->conf.cache_idle; /* all that follow were used later */
        }
        if (cache->inflight == 0) {
            close_cache(pool, cache);
        }
        cache = next;
    }
    return APR_RING_EMPTY(&pool->ages, oc_cache_t, link) ? 0 : now + pool->conf.cache_idle;
}

oc_mono_t oc_pool_sweep(oc_pool_t *pool, oc_mono_t now)
{
    oc_mono_t a = sweep_ages(pool, now), b = sweep_pinned(pool, now);

    return a && (!b || a < b) ? a : b;
}

int oc_pool_inflight(const oc_pool_t *pool)
{
    return pool->inflight;
}

int oc_pool_waiting(const oc_pool_t *pool)
{
    return pool->waiting;
}

int oc_pool_caches(const oc_pool_t *pool)
{
    return (int)apr_hash_count(pool->caches);
}
