/* run.h - private to net.c and run.c: one job under way, its exchanges, and what they belong to.
 *
 * net.c is the thread and the outside; run.c works jobs in the order of base/job.h. All functions
 * are the loop thread's unless they say "any thread".
 *
 * A run is a place for one job. All places are made at the start and none is freed before the end:
 * a note posted at the last moment (oc_job_wake against a job that finishes) finds valid memory,
 * and at worst gives the place's next job one needless next().
 */
#ifndef OC_NET_RUN_H
#define OC_NET_RUN_H

#include <pthread.h>
#include <stdint.h>

#include <apr_ring.h>

#include "net/curl.h"
#include "net/heap.h"
#include "net/inbox.h"
#include "net/net.h"
#include "net/pin.h"
#include "net/pool.h"

typedef struct oc_flight_t oc_flight_t;
typedef struct oc_run_t oc_run_t;

enum { OC_DUE_RUN, OC_DUE_FLIGHT }; /* oc_heap_item_t.kind */

/* One exchange under way: waiting for its turn, on the wire, or ended at once (outcome set). */
struct oc_flight_t {
    oc_transfer_t transfer; /* first: net's callbacks get it */
    APR_RING_ENTRY(oc_flight_t) link;
    oc_heap_item_t due;
    oc_ticket_t ticket;
    oc_run_t *run;
    oc_outcome_t outcome; /* PENDING unless it never got as far as the queue */
};

/* One job. */
struct oc_run_t {
    oc_note_t note; /* first: the inbox gives it back */
    APR_RING_ENTRY(oc_run_t) link;
    oc_heap_item_t due;
    APR_RING_HEAD(flights_t, oc_flight_t) flights;
    int width;
    int active; /* taken in, not finished */
    int held;   /* finished, but a note for it is still on its way: not free yet */
    oc_job_t *job;
    oc_trace_t *trace;
    oc_net_t *net;
    _Atomic uint32_t next_free; /* the place below in the stack of free ones: its number + 1 */
};

struct oc_net_t {
    oc_net_conf_t conf;
    pthread_t thread;
    int started, joined;
    int epoll, ended; /* `ended`: an eventfd that becomes readable as the thread's last act */
    oc_inbox_t inbox;
    oc_curl_t *curl;
    oc_pool_t *pool;
    oc_pin_bench_t *pins;
    oc_heap_t heap;
    oc_mono_t sweep_at;
    APR_RING_HEAD(runs_t, oc_run_t) active;

    oc_run_t *runs;            /* conf.max_jobs of them */
    _Atomic uint64_t free_top; /* upper half: a count against ABA; lower: number + 1 */
    _Atomic unsigned orders;
    _Atomic int submitting;
    _Atomic oc_mono_t end_by;

    _Atomic int jobs, inflight, waiting, caches;
    _Atomic apr_uint64_t exchanges, timeouts, lost;
    oc_curl_counts_t counts;
};

/* Any thread: a free place, or NULL. */
oc_run_t *oc_run_take(oc_net_t *net);
/* Make all places, free. Before the thread starts. */
apr_status_t oc_run_make_places(oc_net_t *net);
/* A note was taken for a run that is not active: the last one may free the place. */
void oc_run_note_taken(oc_run_t *run);

/* Call next() until it gives nothing more, or see that the job is done and finish it. */
void oc_run_work(oc_run_t *run);
/* End the exchanges, call cancel(), go on as oc_run_work(). */
void oc_run_cancel(oc_run_t *run, oc_cancel_t why);
/* The job has had its time: finished() is called, whether it is done or not. */
void oc_run_end_by_force(oc_run_t *run);

/* Feed the ends of the exchanges that have ended. */
void oc_run_reap(oc_net_t *net);
/* Deadlines and wake-up times that have come. */
void oc_run_serve_due(oc_net_t *net);
/* Put on the wire what may go. */
void oc_run_pump(oc_net_t *net);

#endif
