/* curl.h - one exchange over one connection: what libcurl does for us, and nothing it should not.
 *
 * curl.c is the only file that names libcurl. It knows caches and transfers; jobs, turns and
 * deadlines are net.c's. Everything here happens on net's loop thread, except oc_curl_global().
 *
 * A transfer is started, calls back while it runs, and is either reaped (it ended by itself) or
 * aborted by its owner. Callbacks come from inside libcurl: they must not start, abort or free a
 * transfer, nor close a cache.
 */
#ifndef OC_NET_CURL_H
#define OC_NET_CURL_H

#include "base/exchange.h"
#include "net/legs.h"
#include "net/net.h"

typedef struct oc_curl_t oc_curl_t;             /* the multi handle and its sockets */
typedef struct oc_curl_cache_t oc_curl_cache_t; /* one person's connections to one site */
typedef struct oc_transfer_t oc_transfer_t;

typedef struct oc_transfer_ops_t {
    /* There is a connection, and (the rest of) the request goes out now. Once per leg. */
    void (*sending)(oc_transfer_t *t);
    /* As oc_job_vtable_t.feed, HEAD and BODY only. */
    int (*feed)(oc_transfer_t *t, oc_feed_t what, const char *data, apr_size_t len);
} oc_transfer_ops_t;

/* Embedded in what owns it; the owner sets the first three. */
struct oc_transfer_t {
    oc_exchange_t *x;
    const char *key; /* whose connection it has to be: see owner.h. Must outlive the transfer */
    const oc_transfer_ops_t *ops;
    /* curl.c's own, and reply.c's */
    struct slot_t *slot;
    apr_size_t header_bytes, max_header, max_reply;
    int status;           /* of the header section being read; 0 = none yet */
    int folds;            /* lines of it that went on with the one before */
    int complete, fed;    /* header section read to its end; handed on */
    int outstanding;      /* sent, and not answered by a refusal that asks for another leg */
    oc_legs_t legs;
    oc_outcome_t verdict; /* we ended it ourselves so; PENDING = we did not */
    const char *why;
    int opened[8], opened_count; /* sockets opened for it, the latest */
};

/* Counters, written by the loop, read by any thread. */
typedef struct oc_curl_counts_t {
    _Atomic apr_uint64_t handshakes, resend_refused, owner_refused;
    _Atomic int connections;
} oc_curl_counts_t;

apr_status_t oc_curl_global(void);

/* Registers its sockets with the epoll descriptor; event.data.fd is the socket. conf must outlive
 * it. NULL: `res` says why. */
oc_curl_t *oc_curl_create(int epoll, const oc_net_conf_t *conf, oc_curl_counts_t *counts,
                          oc_result_t *res);
/* All transfers have ended and all caches are closed. */
void oc_curl_destroy(oc_curl_t *curl);

/* For exchanges like this one: its site, its kind of authentication, its pin (held). */
oc_curl_cache_t *oc_curl_cache_open(oc_curl_t *curl, const oc_exchange_t *first);
/* Closes its connections. No transfer is running over it. */
void oc_curl_cache_close(oc_curl_cache_t *cache);

/* APR_SUCCESS: it runs. Else x->error may say more; nothing was sent and nothing runs. */
apr_status_t oc_curl_start(oc_curl_cache_t *cache, oc_transfer_t *t);
/* End it now, unless it has ended. An unfinished one costs its connection. */
void oc_curl_abort(oc_transfer_t *t);
/* Something about this socket is ready: `events` are epoll's. */
void oc_curl_ready(oc_curl_t *curl, int fd, unsigned events);
/* When libcurl wants to be called; 0 = not at all. */
oc_mono_t oc_curl_due(const oc_curl_t *curl);
void oc_curl_tick(oc_curl_t *curl);
/* The next transfer that has ended by itself, and how; NULL = none. It no longer runs; HEAD has
 * been fed if a final reply came. x->error is set. */
oc_transfer_t *oc_curl_reap(oc_curl_t *curl, oc_outcome_t *outcome);

#endif
