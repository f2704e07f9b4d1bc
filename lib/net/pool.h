/* pool.h - which exchange goes on the wire next, and over which connection cache.
 *
 * Two bounds hold at once: exchanges on the wire in this process, and for one identity key (a wider
 * one where many persons share the key). What does not fit waits: first come, first served within
 * an identity, and identities take turns, so that nobody's long list delays another's single
 * request. Who has max_kept on the wire has been served well: all others go first, and while half
 * of the places of this process or more are taken he gets no further ones.
 *
 * A cache is the set of idle connections of one identity towards one site in one way of
 * authentication; nothing else ever uses it. What a cache consists of is the wire's business
 * (`wire`, made and closed by the two functions given). What goes on the wire beside max_kept
 * others of that cache has a second one, the surplus, which closes soon after its last use: so a
 * page may ask for much at a time and few connections stay. The key of many persons has none. The
 * cache not used for longest gives way, a surplus first; those in use never do, so there may be up
 * to max_inflight caches, whatever max_caches says. The cache of a pin (pin.h) holds one
 * connection, takes one exchange at a time, is made for the exchange that opens it only, and closes
 * when its pin is over or was unused for too long.
 *
 * No sockets, no locks: net's loop thread owns a pool and all it holds.
 */
#ifndef OC_NET_POOL_H
#define OC_NET_POOL_H

#include <apr_ring.h>

#include "base/exchange.h"

typedef struct oc_pool_t oc_pool_t;
typedef struct oc_cache_t oc_cache_t;
typedef struct oc_person_t oc_person_t;

/* An exchange's place in the queue and on the wire; embedded in what sends it. Zero-initialise. */
typedef struct oc_ticket_t {
    APR_RING_ENTRY(oc_ticket_t) link;
    oc_exchange_t *x;
    oc_person_t *person; /* not NULL: waiting or on the wire */
    oc_cache_t *cache;   /* not NULL: on the wire, over this cache */
    char *key;           /* identity, site, authentication: one string */
} oc_ticket_t;

typedef struct oc_pool_conf_t {
    int max_inflight, max_per_identity, max_shared, max_kept, max_caches;
    apr_time_t cache_idle, surplus_idle, pin_idle, pin_pending;
    /* One cache for everybody towards a site, so that a test can see the owner check trip. */
    int share_for_test;
    void *(*open)(void *baton, const oc_exchange_t *first); /* NULL = could not */
    void (*close)(void *baton, void *wire);                 /* nothing is in flight on it */
    void *baton;
} oc_pool_conf_t;

/* NULL: out of memory. */
oc_pool_t *oc_pool_create(const oc_pool_conf_t *conf);
/* Closes every cache. No ticket may be in it. */
void oc_pool_destroy(oc_pool_t *pool);

/* Queue an exchange. APR_ENOMEM: it is not in. */
apr_status_t oc_pool_enter(oc_pool_t *pool, oc_ticket_t *ticket, oc_exchange_t *x);
/* The ticket whose turn it is, now counted as on the wire; NULL = nobody waits or bounds are
 * reached. If its cache could not be opened, ticket->cache is NULL: say so and let it leave. */
oc_ticket_t *oc_pool_take(oc_pool_t *pool, oc_mono_t now);
/* Out of the queue or off the wire. No effect on a ticket that is not in. */
void oc_pool_leave(oc_pool_t *pool, oc_ticket_t *ticket, oc_mono_t now);

/* What the `open` function made for this cache. */
void *oc_pool_wire(const oc_cache_t *cache);
/* Close what was not used for cache_idle (a surplus: surplus_idle; a pin's: pin_idle, pin_pending),
 * or is over. Returns when to call again; 0 = there is no cache. */
oc_mono_t oc_pool_sweep(oc_pool_t *pool, oc_mono_t now);

int oc_pool_inflight(const oc_pool_t *pool);
int oc_pool_waiting(const oc_pool_t *pool);
int oc_pool_caches(const oc_pool_t *pool);

#endif
