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
    APR_RING_ENTRY(oc_person_t) link;
    turns_t *turns; /* the ring he is in; NULL = none */
    char *identity;
    queue_t queue;
    int inflight, waiting;
    int most; /* on the wire at once */
    int kept; /* of these, so many before others, and over the cache that stays */
};

struct oc_cache_t {
    APR_RING_ENTRY(oc_cache_t) link;
    ages_t *ages; /* the ring it is in */
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
    /* Persons who wait and are below their bound: with few on the wire, and with more. */
    turns_t turns, late_turns;
    ages_t ages, surplus; /* longest unused first */
    ages_t pinned;        /* those with a pin, in any order; never give way */
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
    APR_RING_INIT(&pool->late_turns, oc_person_t, link);
    APR_RING_INIT(&pool->ages, oc_cache_t, link);
    APR_RING_INIT(&pool->surplus, oc_cache_t, link);
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

static void close_ring(oc_pool_t *pool, ages_t *ring)
{
    while (!APR_RING_EMPTY(ring, oc_cache_t, link)) {
        close_cache(pool, APR_RING_FIRST(ring));
    }
}

void oc_pool_destroy(oc_pool_t *pool)
{
    if (!pool) {
        return;
    }
    close_ring(pool, &pool->ages);
    close_ring(pool, &pool->surplus);
    close_ring(pool, &pool->pinned);
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
    person->kept = x->shared ? person->most : pool->conf.max_kept;
    APR_RING_INIT(&person->queue, oc_ticket_t, link);
    apr_hash_set(pool->persons, person->identity, APR_HASH_KEY_STRING, person);
    return person;
}

/* Put the person where he belongs now: among those whose turn comes, or out, or nowhere at all. */
static void settle(oc_pool_t *pool, oc_person_t *person)
{
    turns_t *turns = person->waiting == 0 || person->inflight >= person->most ? NULL
                     : person->inflight < person->kept                        ? &pool->turns
                                                                              : &pool->late_turns;

    if (turns != person->turns) {
        if (person->turns) {
            APR_RING_REMOVE(person, link);
        }
        if (turns) {
            APR_RING_INSERT_TAIL(turns, person, oc_person_t, link);
        }
        person->turns = turns;
    }
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
static void give_way(oc_pool_t *pool, ages_t *ring)
{
    oc_cache_t *cache = APR_RING_FIRST(ring), *next;

    while (cache != APR_RING_SENTINEL(ring, oc_cache_t, link) &&
           oc_pool_caches(pool) >= pool->conf.max_caches) {
        next = APR_RING_NEXT(cache, link);
        if (cache->inflight == 0) {
            close_cache(pool, cache);
        }
        cache = next;
    }
}

/* `key` is the cache's from here on; NULL: there was no memory for it. */
static oc_cache_t *open_cache(oc_pool_t *pool, ages_t *ring, char *key, const oc_exchange_t *x)
{
    oc_cache_t *cache = key ? calloc(1, sizeof(*cache)) : NULL;

    if (ring != &pool->pinned) {
        give_way(pool, &pool->surplus);
        give_way(pool, &pool->ages);
    }
    if (cache) {
        cache->wire = pool->conf.open(pool->conf.baton, x);
    }
    if (!cache || !cache->wire) {
        free(cache);
        free(key);
        return NULL;
    }
    cache->key = key;
    apr_hash_set(pool->caches, cache->key, APR_HASH_KEY_STRING, cache);
    if (x->pin) {
        oc_pin_hold(x->pin);
        cache->pin = x->pin;
    }
    cache->ages = ring;
    APR_RING_INSERT_TAIL(ring, cache, oc_cache_t, link);
    return cache;
}

/* Opened once, by the exchange that is meant to; never in place of one that is gone. */
static oc_cache_t *find_pinned(oc_pool_t *pool, const oc_ticket_t *ticket)
{
    oc_pin_t *pin = ticket->x->pin;
    oc_cache_t *cache = apr_hash_get(pool->caches, ticket->key, APR_HASH_KEY_STRING);

    if (oc_pin_over(pin) || (cache == NULL) != ticket->x->opens || (cache && cache->pin != pin)) {
        return NULL;
    }
    return cache ? cache : open_cache(pool, &pool->pinned, strdup(ticket->key), ticket->x);
}

static oc_cache_t *find_cache(oc_pool_t *pool, const oc_ticket_t *ticket)
{
    char *key = pool->conf.share_for_test ? make_key(ticket->x, 0) : strdup(ticket->key);
    oc_cache_t *cache = key ? apr_hash_get(pool->caches, key, APR_HASH_KEY_STRING) : NULL;
    ages_t *ring = &pool->ages;

    if (cache && cache->inflight >= ticket->person->kept) {
        char *further = NULL;

        if (asprintf(&further, "%s surplus", key) < 0) {
            further = NULL;
        }
        free(key);
        key = further;
        cache = key ? apr_hash_get(pool->caches, key, APR_HASH_KEY_STRING) : NULL;
        ring = &pool->surplus;
    }
    if (cache) {
        free(key);
        return cache;
    }
    return open_cache(pool, ring, key, ticket->x);
}

/* An exchange goes on the wire over it (1) or off it (-1). */
static void use_cache(oc_cache_t *cache, int more, oc_mono_t now)
{
    cache->inflight += more;
    cache->used = now;
    if (cache->pin) {
        oc_pin_busy(cache->pin, more, now);
    } else {
        APR_RING_REMOVE(cache, link);
        APR_RING_INSERT_TAIL(cache->ages, cache, oc_cache_t, link);
    }
}

/* Whose turn it is, and who is at the end of the line from now on; NULL = nobody's. */
static oc_person_t *next_person(oc_pool_t *pool)
{
    int crowded = pool->inflight >= pool->conf.max_inflight / 2;
    turns_t *turns = APR_RING_EMPTY(&pool->turns, oc_person_t, link) && !crowded
                         ? &pool->late_turns
                         : &pool->turns;
    oc_person_t *person;

    if (pool->inflight >= pool->conf.max_inflight || APR_RING_EMPTY(turns, oc_person_t, link)) {
        return NULL;
    }
    person = APR_RING_FIRST(turns);
    APR_RING_REMOVE(person, link);
    person->turns = NULL;
    return person;
}

oc_ticket_t *oc_pool_take(oc_pool_t *pool, oc_mono_t now)
{
    oc_person_t *person = next_person(pool);
    oc_ticket_t *ticket;

    if (!person) {
        return NULL;
    }
    ticket = APR_RING_FIRST(&person->queue);
    APR_RING_REMOVE(ticket, link);
    --person->waiting;
    --pool->waiting;
    ++person->inflight;
    ++pool->inflight;
    settle(pool, person);
    ticket->cache = ticket->x->pin ? find_pinned(pool, ticket) : find_cache(pool, ticket);
    if (ticket->cache) {
        use_cache(ticket->cache, 1, now);
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
        use_cache(ticket->cache, -1, now);
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

static oc_mono_t sweep_ages(oc_pool_t *pool, ages_t *ring, apr_time_t idle, oc_mono_t now)
{
    oc_cache_t *cache = APR_RING_FIRST(ring), *next;

    while (cache != APR_RING_SENTINEL(ring, oc_cache_t, link)) {
        next = APR_RING_NEXT(cache, link);
        if (cache->used + idle > now) {
            return cache->used + idle; /* all that follow were used later */
        }
        if (cache->inflight == 0) {
            close_cache(pool, cache);
        }
        cache = next;
    }
    return APR_RING_EMPTY(ring, oc_cache_t, link) ? 0 : now + idle;
}

static oc_mono_t sooner(oc_mono_t a, oc_mono_t b)
{
    return a && (!b || a < b) ? a : b;
}

oc_mono_t oc_pool_sweep(oc_pool_t *pool, oc_mono_t now)
{
    oc_mono_t at = sweep_ages(pool, &pool->ages, pool->conf.cache_idle, now);

    at = sooner(at, sweep_ages(pool, &pool->surplus, pool->conf.surplus_idle, now));
    at = sooner(at, sweep_pinned(pool, now));
    /* A surplus may be opened before that. */
    return at ? sooner(at, now + pool->conf.surplus_idle) : 0;
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
