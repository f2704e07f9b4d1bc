/* net.h - runs jobs: one I/O thread per child, curl_multi_socket_action on epoll.
 *
 * Knows neither backends nor identities' inner life: it takes an exchange as it is, picks the
 * connection cache by exchange->identity and site, sends, and feeds the reply. Implemented by net.c
 * and run.c (the loop thread, jobs and deadlines), curl.c (the only file that names libcurl),
 * reply.c (reading replies), pool.c (turns, bounds and connection caches), owner.c (the check
 * before each sending), pin.c (connections that belong to one client's), inbox.c and heap.c (what
 * comes in, what is due), refuse.c (what must not go out) and trace.c.
 *
 * Guarantees, each with its test:
 *  - an exchange with `writes` is sent at most once, with or without body, even when a reused
 *    connection dies (libcurl 7.88.1 would repeat it silently): it ends OC_X_LOST instead; so does
 *    one whose credential serves `once`;
 *  - a connection that has carried an exchange of one identity key never carries one of another:
 *    a cache per key, and an owner check before every single sending that aborts, logged at crit;
 *  - redirects are never followed, no proxy, cookies, netrc or environment is used;
 *  - every exchange ends by min(connect, step, job deadline); reply body and headers are bounded;
 *  - a job over the in-flight bounds waits in a bounded queue with its deadline running.
 */
#ifndef OC_NET_NET_H
#define OC_NET_NET_H

#include "base/job.h"
#include "base/result.h"
#include "net/trace.h"

typedef struct oc_net_t oc_net_t;

typedef struct oc_net_conf_t {
    apr_time_t connect_timeout, step_timeout; /* microseconds */
    int max_jobs;        /* jobs taken in at once (running and queued): beyond it submit fails */
    int max_inflight;    /* exchanges on the wire at once in this child */
    int max_per_identity;/* exchanges on the wire for one identity key */
    int max_kept; /* connections it keeps for cache_idle, the others for surplus_idle; and how
                   * many of its exchanges go before those of others: see pool.h */
    int max_shared;      /* the same for a key that stands for many persons (exchange->shared);
                          * 0 = half of max_inflight, so that others have the other half */
    int max_idle;        /* idle handles kept per cache */
    int max_caches;      /* connection caches; the longest unused gives way */
    apr_time_t cache_idle; /* a cache unused that long is closed */
    apr_time_t surplus_idle; /* the same for what is beyond max_kept */
    int max_pins;          /* logins relayed at once: pin.h */
    apr_time_t pin_idle;   /* a pinned connection unused that long is closed; below the server's own
                            * bound, which is 120 s on IIS 6 */
    apr_time_t pin_pending; /* the same before the login is through */
    apr_size_t max_reply;  /* decoded reply body */
    apr_size_t max_header; /* reply header section */
    int share_caches_for_test; /* tests only: defeats the caches; the owner check must trip */
} oc_net_conf_t;

void oc_net_conf_defaults(oc_net_conf_t *conf);

/* Process-wide preparation, before threads; safe to call again. */
apr_status_t oc_net_global_init(void);

/* After fork. Starts the I/O thread with all signals blocked. conf is copied. The pool's cleanup
 * stops it if nobody did, and frees it; sites must outlive it. NULL: res says why. */
oc_net_t *oc_net_create(apr_pool_t *pool, const oc_net_conf_t *conf, oc_result_t *res);

/* Any thread. The job belongs to net from here until its `finished` callback ran (on the loop
 * thread). APR_EAGAIN: max_jobs reached; APR_EOF: stopping; the job was not touched then. */
apr_status_t oc_net_submit(oc_net_t *net, oc_job_t *job);
/* The same, with a record of its exchanges. The trace (NULL = none) belongs to the loop thread
 * until the job is finished, as the job does. */
apr_status_t oc_net_submit_traced(oc_net_t *net, oc_job_t *job, oc_trace_t *trace);
/* Any thread, for a job submitted and not yet finished: cancel(job, ABANDON) soon. */
void oc_net_abandon(oc_net_t *net, oc_job_t *job);

/* Any thread. Cancels every job with OC_CANCEL_STOPPING and refuses new ones; the loop goes on. */
void oc_net_cancel_all(oc_net_t *net);
/* Ends the loop thread: refuse, cancel, drain for at most `patience`, then finish by force what is
 * not done (its finished() runs with done() still 0), join. APR_TIMEUP: the thread did not end in
 * time, being held up in a callback; nothing of net is freed then. Safe to call again. */
apr_status_t oc_net_stop(oc_net_t *net, apr_time_t patience);

typedef struct oc_net_stats_t {
    int jobs, inflight, queued, caches, connections;
    apr_uint64_t exchanges, handshakes, resend_refused, owner_refused, timeouts, lost;
} oc_net_stats_t;
void oc_net_stats(oc_net_t *net, oc_net_stats_t *out); /* any thread; a snapshot */

#endif
