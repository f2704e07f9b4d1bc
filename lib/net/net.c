/* net.c - the loop thread: takes jobs in, works them in the order of base/job.h, holds them to
 * their deadlines, and ends.
 *
 * One slot per job that may be taken in, all made at the start and never freed before the end: a
 * note posted to the loop at the last moment (oc_job_wake against a job that finishes) finds valid
 * memory, and at worst gives the slot's next job one needless next(). Free slots form a stack that
 * any thread takes from.
 *
 * Names: functions that begin with oc_net_ are called by anybody unless net.h says otherwise, all
 * others run on the loop thread unless they say "any thread".
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <apr_ring.h>
#include <apr_tables.h>

#include "base/log.h"
#include "net/curl.h"
#include "net/heap.h"
#include "net/inbox.h"
#include "net/net.h"
#include "net/pool.h"

#define EVENTS     64
#define JOB_WIDTH  64 /* exchanges of one job under way; more of them wait in the job */
#define NAP        APR_USEC_PER_SEC /* longest sleep while there are jobs: tests move the clock */
#define LAST_WORDS (2 * APR_USEC_PER_SEC) /* what a loop may need beyond its patience */

enum { NOTE_SUBMIT = 1, NOTE_WAKE = 2, NOTE_ABANDON = 4 };  /* posted to a run */
enum { ORDER_REFUSE = 1, ORDER_CANCEL = 2, ORDER_END = 4 }; /* given to the loop */
enum { KIND_RUN, KIND_FLIGHT };                             /* what is due */

typedef struct flight_t flight_t;
typedef struct run_t run_t;

/* One exchange under way: waiting for its turn, on the wire, or ended at once (outcome set). */
struct flight_t {
    oc_transfer_t transfer; /* first: net's callbacks get it */
    APR_RING_ENTRY(flight_t) link;
    oc_heap_item_t due;
    oc_ticket_t ticket;
    run_t *run;
    oc_outcome_t outcome; /* PENDING unless it never got as far as the queue */
};

/* One job. */
struct run_t {
    oc_note_t note; /* first: the inbox gives it back */
    APR_RING_ENTRY(run_t) link;
    oc_heap_item_t due;
    APR_RING_HEAD(flights_t, flight_t) flights;
    int width;
    int active; /* the loop's view: taken in, not finished */
    oc_job_t *job;
    oc_trace_t *trace;
    oc_net_t *net;
    _Atomic uint32_t next_free; /* number of the slot below in the stack of free ones */
};

struct oc_net_t {
    oc_net_conf_t conf;
    pthread_t thread;
    int started, joined;
    int epoll, ended; /* `ended`: an eventfd that becomes readable as the thread's last act */
    oc_inbox_t inbox;
    oc_curl_t *curl;
    oc_pool_t *pool;
    oc_heap_t heap;
    oc_mono_t sweep_at;
    APR_RING_HEAD(runs_t, run_t) active;

    run_t *runs;               /* conf.max_jobs of them */
    _Atomic uint64_t free_top; /* upper half: a count against ABA; lower: slot + 1, 0 = none */
    _Atomic unsigned orders;
    _Atomic int submitting;
    _Atomic oc_mono_t end_by;

    _Atomic int jobs, inflight, waiting, caches;
    _Atomic apr_uint64_t exchanges, timeouts, lost;
    oc_curl_counts_t counts;
};

static void work(run_t *run);

/* ---- free slots: any thread ---------------------------------------------------------------- */

static run_t *take_slot(oc_net_t *net)
{
    uint64_t top = atomic_load(&net->free_top);

    while ((uint32_t)top != 0) {
        run_t *run = &net->runs[(uint32_t)top - 1];
        uint64_t below = (top & ~(uint64_t)UINT32_MAX) | atomic_load(&run->next_free);

        if (atomic_compare_exchange_weak(&net->free_top, &top, below)) {
            return run;
        }
    }
    return NULL;
}

static void give_slot(oc_net_t *net, run_t *run)
{
    uint64_t top = atomic_load(&net->free_top), mine;

    do {
        atomic_store(&run->next_free, (uint32_t)top);
        mine = ((top >> 32) + 1) << 32 | (uint32_t)(run - net->runs + 1);
    } while (!atomic_compare_exchange_weak(&net->free_top, &top, mine));
}

/* ---- exchanges ---------------------------------------------------------------------------- */

static void on_sending(oc_transfer_t *t)
{
    flight_t *flight = (flight_t *)t;
    oc_net_t *net = flight->run->net;

    /* Connected: from now on the step's own deadline holds, counted from the start. */
    oc_heap_set(&net->heap, &flight->due, t->x->started + net->conf.step_timeout);
}

static int on_feed(oc_transfer_t *t, oc_feed_t what, const char *data, apr_size_t len)
{
    run_t *run = ((flight_t *)t)->run;

    return run->job->vt->feed(run->job, t->x, what, data, len);
}

static const oc_transfer_ops_t transfer_ops = {on_sending, on_feed};

/* The memory of the secrets is the identity's; the exchange only forgets where it is. */
static void forget_secrets(oc_exchange_t *x)
{
    x->authorization = x->cookie = NULL;
    x->user = x->password = NULL;
    x->connauth = OC_CONNAUTH_NONE;
}

/* Take a flight out of everything. */
static void land(flight_t *flight)
{
    run_t *run = flight->run;
    oc_net_t *net = run->net;

    oc_curl_abort(&flight->transfer);
    oc_pool_leave(net->pool, &flight->ticket, oc_clock_mono());
    oc_heap_set(&net->heap, &flight->due, 0);
    APR_RING_REMOVE(flight, link);
    --run->width;
    forget_secrets(flight->transfer.x);
    flight->transfer.x->net = NULL;
    free(flight);
}

/* The exchange is over: say so to its job. The job may be done afterwards. */
static void end_flight(flight_t *flight, oc_outcome_t outcome)
{
    run_t *run = flight->run;
    oc_net_t *net = run->net;
    oc_exchange_t *x = flight->transfer.x;

    if (outcome != OC_X_REPLIED) {
        x->sent = flight->transfer.outstanding;
        if (outcome == OC_X_TIMEOUT) {
            ++net->timeouts;
        } else if (outcome == OC_X_LOST) {
            ++net->lost;
        }
    }
    x->outcome = outcome;
    x->ended = oc_clock_mono();
    land(flight);
    run->job->vt->feed(run->job, x, OC_FEED_END, NULL, 0);
}

static void end_all(run_t *run, oc_outcome_t outcome, const char *why)
{
    while (!APR_RING_EMPTY(&run->flights, flight_t, link)) {
        flight_t *flight = APR_RING_FIRST(&run->flights);

        if (flight->outcome != OC_X_PENDING) {
            end_flight(flight, flight->outcome);
        } else {
            flight->transfer.x->error = why;
            end_flight(flight, outcome);
        }
    }
}

/* An exchange that cannot be sent ends by the heap, not from within next(). */
static void fail(flight_t *flight, const char *why)
{
    flight->outcome = OC_X_NOT_SENT;
    if (!flight->transfer.x->error) {
        flight->transfer.x->error = why;
    }
    oc_heap_set(&flight->run->net->heap, &flight->due, 1);
}

static void launch(run_t *run, oc_exchange_t *x)
{
    oc_net_t *net = run->net;
    flight_t *flight = calloc(1, sizeof(*flight));
    const char *refused;
    oc_mono_t now = oc_clock_mono();

    x->status = 0;
    x->received = 0;
    x->outcome = OC_X_PENDING;
    x->sent = 0;
    x->error = NULL;
    x->started = now;
    x->ended = 0;
    apr_table_clear(x->reply_headers);
    if (!flight || oc_heap_set(&net->heap, &flight->due, now + net->conf.step_timeout)) {
        free(flight);
        x->outcome = OC_X_NOT_SENT;
        x->error = "out of memory";
        x->ended = now;
        forget_secrets(x);
        run->job->vt->feed(run->job, x, OC_FEED_END, NULL, 0);
        return;
    }
    flight->due.kind = KIND_FLIGHT;
    flight->run = run;
    flight->transfer.x = x;
    flight->transfer.ops = &transfer_ops;
    x->net = flight;
    APR_RING_INSERT_TAIL(&run->flights, flight, flight_t, link);
    ++run->width;
    ++net->exchanges;
    refused = oc_curl_refuses(x);
    if (refused) {
        oc_log(OC_LOG_ERR, 0, NULL, OC_LOGID(0111) "%s: refused to send: %s",
               x->purpose ? x->purpose : "exchange", refused);
        fail(flight, refused);
    } else if (oc_pool_enter(net->pool, &flight->ticket, x) != APR_SUCCESS) {
        fail(flight, "out of memory");
    }
}

/* Send whatever may be sent now. */
static void pump(oc_net_t *net)
{
    oc_ticket_t *ticket;

    while ((ticket = oc_pool_take(net->pool, oc_clock_mono()))) {
        flight_t *flight = ticket->x->net;
        apr_time_t shorter = net->conf.connect_timeout < net->conf.step_timeout
                                 ? net->conf.connect_timeout
                                 : net->conf.step_timeout;

        flight->transfer.key = ticket->key;
        ticket->x->started = oc_clock_mono();
        oc_heap_set(&net->heap, &flight->due, ticket->x->started + shorter);
        if (!ticket->cache) {
            fail(flight, "the connection cache cannot be made");
        } else if (oc_curl_start(oc_pool_wire(ticket->cache), &flight->transfer) != APR_SUCCESS) {
            oc_pool_leave(net->pool, ticket, oc_clock_mono());
            fail(flight, "the request cannot be set up");
        }
    }
}

/* ---- jobs --------------------------------------------------------------------------------- */

static void finish(run_t *run)
{
    oc_net_t *net = run->net;
    oc_job_t *job = run->job;

    while (!APR_RING_EMPTY(&run->flights, flight_t, link)) { /* a job that is done has none */
        oc_log(OC_LOG_ERR, 0, NULL, OC_LOGID(0112) "job %s is done with an exchange under way",
               job->vt->name);
        land(APR_RING_FIRST(&run->flights));
    }
    oc_heap_set(&net->heap, &run->due, 0);
    APR_RING_REMOVE(run, link);
    run->active = 0;
    run->job = NULL;
    run->trace = NULL;
    if (job->finished) {
        job->finished(job, job->finished_baton); /* the job's memory may be gone from here on */
    }
    --net->jobs;
    give_slot(net, run);
}

/* When the job wants to be called: the nearer of wake_at and deadline. */
static void set_due(run_t *run)
{
    oc_mono_t wake = run->job->wake_at, at = run->job->deadline;

    if (wake && (!at || wake < at)) {
        at = wake;
    }
    if (oc_heap_set(&run->net->heap, &run->due, at) != APR_SUCCESS) {
        /* Nothing could be promised to this job any more: end it while we still can. */
        oc_log(OC_LOG_CRIT, APR_ENOMEM, NULL, OC_LOGID(0113) "job %s loses its deadline",
               run->job->vt->name);
        end_all(run, OC_X_CANCELLED, "out of memory");
        if (!run->job->vt->done(run->job)) {
            run->job->vt->cancel(run->job, OC_CANCEL_STOPPING);
        }
        finish(run);
    }
}

/* Step 1 and 3 of base/job.h: send what it wants sent, or see that it is done. */
static void work(run_t *run)
{
    oc_job_t *job = run->job;
    oc_exchange_t *x;

    while (!job->vt->done(job) && run->width < JOB_WIDTH && (x = job->vt->next(job))) {
        launch(run, x);
    }
    if (job->vt->done(job)) {
        finish(run);
    } else {
        set_due(run);
    }
}

/* End early. The job may go on, with a later deadline, except when it was told to stop. */
static void cancel(run_t *run, oc_cancel_t why)
{
    static const char *const reasons[] = {"the operation's time is over", "the process stops",
                                          "nobody waits for it any more"};
    oc_job_t *job = run->job;

    end_all(run, why == OC_CANCEL_DEADLINE ? OC_X_TIMEOUT : OC_X_CANCELLED, reasons[why]);
    if (!job->vt->done(job)) {
        job->vt->cancel(job, why);
    }
    if (why == OC_CANCEL_DEADLINE && !job->vt->done(job) && job->deadline &&
        job->deadline <= oc_clock_mono()) {
        /* Neither ended nor gave itself more time. */
        job->vt->cancel(job, OC_CANCEL_STOPPING);
        if (!job->vt->done(job)) {
            oc_log(OC_LOG_CRIT, 0, NULL, OC_LOGID(0114) "job %s does not end at its deadline",
                   job->vt->name);
            finish(run);
            return;
        }
    }
    work(run);
}

static void run_is_due(run_t *run)
{
    oc_job_t *job = run->job;
    oc_mono_t now = oc_clock_mono(), woken_for = job->wake_at;

    if (job->deadline && job->deadline <= now) {
        cancel(run, OC_CANCEL_DEADLINE);
        return;
    }
    work(run);
    if (run->active && run->job == job && job->wake_at == woken_for && woken_for <= now) {
        job->wake_at = 0; /* it was called, and that was that */
        set_due(run);
    }
}

static void flight_is_due(flight_t *flight)
{
    run_t *run = flight->run;

    if (flight->outcome != OC_X_PENDING) {
        end_flight(flight, flight->outcome);
    } else {
        flight->transfer.x->error = flight->transfer.outstanding ? "no complete reply in time"
                                    : flight->ticket.cache       ? "no connection in time"
                                                                 : "no free place in time";
        end_flight(flight, OC_X_TIMEOUT);
    }
    work(run);
}

/* ---- the loop ----------------------------------------------------------------------------- */

static void take_in(oc_net_t *net)
{
    oc_note_t *note = oc_inbox_take(&net->inbox), *next;
    int stopping = (atomic_load(&net->orders) & ORDER_CANCEL) != 0;

    for (; note; note = next) {
        run_t *run = (run_t *)note;
        unsigned flags;

        next = note->next;
        flags = oc_inbox_flags(note);
        if (flags & NOTE_SUBMIT) {
            run->active = 1;
            APR_RING_INSERT_TAIL(&net->active, run, run_t, link);
            if (stopping) { /* between its submission and the order */
                cancel(run, OC_CANCEL_STOPPING);
                continue;
            }
        }
        if (!run->active) {
            continue; /* it finished in the meantime */
        }
        if (flags & NOTE_ABANDON) {
            cancel(run, OC_CANCEL_ABANDON);
        } else {
            work(run);
        }
    }
}

/* Once per order. A job that is told to stop is done afterwards, or has a little left to do. */
static void cancel_jobs(oc_net_t *net)
{
    run_t *run = APR_RING_FIRST(&net->active), *next, *last = APR_RING_LAST(&net->active);
    int more = !APR_RING_EMPTY(&net->active, run_t, link);

    while (more) { /* what comes in meanwhile is cancelled by take_in() */
        next = APR_RING_NEXT(run, link);
        more = run != last;
        cancel(run, OC_CANCEL_STOPPING);
        run = next;
    }
}

static void reap(oc_net_t *net)
{
    oc_transfer_t *t;
    oc_outcome_t outcome;

    while ((t = oc_curl_reap(net->curl, &outcome))) {
        run_t *run = ((flight_t *)t)->run;

        end_flight((flight_t *)t, outcome);
        work(run);
    }
}

static void serve_due(oc_net_t *net)
{
    oc_heap_item_t *item;
    oc_mono_t now = oc_clock_mono();
    /* What becomes due by being served comes next time, after the sockets. */
    apr_size_t most = net->heap.count;

    while (most-- > 0 && (item = oc_heap_first(&net->heap)) && item->at <= now) {
        if (item->kind == KIND_FLIGHT) {
            flight_is_due((flight_t *)((char *)item - offsetof(flight_t, due)));
        } else {
            run_is_due((run_t *)((char *)item - offsetof(run_t, due)));
        }
    }
}

static void sooner(oc_mono_t *at, oc_mono_t other)
{
    if (other && (!*at || other < *at)) {
        *at = other;
    }
}

/* Milliseconds for epoll_wait, rounded up; -1 = until something happens. */
static int patience(oc_net_t *net)
{
    oc_heap_item_t *first = oc_heap_first(&net->heap);
    oc_mono_t at = 0, now = oc_clock_mono();

    sooner(&at, first ? first->at : 0);
    sooner(&at, oc_curl_due(net->curl));
    sooner(&at, net->sweep_at);
    sooner(&at, atomic_load(&net->end_by));
    if (net->jobs) {
        sooner(&at, now + NAP);
    }
    if (!at) {
        return -1;
    }
    return at <= now ? 0 : (int)((at - now < 60 * NAP ? at - now : 60 * NAP) + 999) / 1000;
}

/* The order to end was given: is there anything left to wait for? */
static int may_end(oc_net_t *net)
{
    if (atomic_load(&net->submitting) != 0) {
        return 0;
    }
    /* Nobody can submit any more; what was submitted before stands in the inbox by now. */
    take_in(net);
    if (!APR_RING_EMPTY(&net->active, run_t, link) && oc_clock_mono() < atomic_load(&net->end_by)) {
        return 0;
    }
    while (!APR_RING_EMPTY(&net->active, run_t, link)) {
        run_t *run = APR_RING_FIRST(&net->active);
        oc_job_t *job = run->job;

        oc_log(OC_LOG_CRIT, 0, NULL, OC_LOGID(0115) "job %s is ended by force", job->vt->name);
        end_all(run, OC_X_CANCELLED, "the process stops");
        if (!job->vt->done(job)) {
            job->vt->cancel(job, OC_CANCEL_STOPPING);
        }
        finish(run);
    }
    return 1;
}

static void *loop(void *baton)
{
    oc_net_t *net = baton;
    struct epoll_event events[EVENTS];
    unsigned obeyed = 0;
    int n, i;

    pthread_setname_np(pthread_self(), "owacal-net");
    for (;;) {
        unsigned orders;

        n = epoll_wait(net->epoll, events, EVENTS, patience(net));
        if (n == -1 && errno != EINTR) {
            oc_log(OC_LOG_CRIT, APR_FROM_OS_ERROR(errno), NULL,
                   OC_LOGID(0116) "waiting for sockets failed");
            poll(NULL, 0, 100);
        }
        for (i = 0; i < n; ++i) {
            if (events[i].data.fd == net->inbox.event) {
                oc_inbox_hush(&net->inbox);
            } else {
                oc_curl_ready(net->curl, events[i].data.fd, events[i].events);
            }
        }
        if (oc_curl_due(net->curl) && oc_curl_due(net->curl) <= oc_clock_mono()) {
            oc_curl_tick(net->curl);
        }
        reap(net);
        orders = atomic_load(&net->orders);
        if (orders & ~obeyed & ORDER_CANCEL) {
            cancel_jobs(net);
        }
        obeyed = orders;
        take_in(net);
        serve_due(net);
        if ((orders & ORDER_END) && may_end(net)) {
            break;
        }
        pump(net);
        if (!net->sweep_at || net->sweep_at <= oc_clock_mono()) {
            net->sweep_at = oc_pool_sweep(net->pool, oc_clock_mono());
        }
        net->inflight = oc_pool_inflight(net->pool);
        net->waiting = oc_pool_waiting(net->pool);
        net->caches = oc_pool_caches(net->pool);
    }
    oc_pool_destroy(net->pool);
    oc_curl_destroy(net->curl);
    net->pool = NULL;
    net->curl = NULL;
    net->inflight = net->waiting = net->caches = net->counts.connections = 0;
    eventfd_write(net->ended, 1);
    return NULL;
}

/* ---- the outside: any thread -------------------------------------------------------------- */

void oc_net_conf_defaults(oc_net_conf_t *conf)
{
    memset(conf, 0, sizeof(*conf));
    conf->connect_timeout = apr_time_from_sec(3);
    conf->step_timeout = apr_time_from_sec(10);
    conf->max_jobs = 1024;
    conf->max_inflight = 256;
    conf->max_per_identity = 6;
    conf->max_idle = 3;
    conf->max_caches = 1000;
    conf->cache_idle = apr_time_from_sec(45);
    conf->max_reply = 8 * 1024 * 1024;
    conf->max_header = 64 * 1024;
}

apr_status_t oc_net_global_init(void)
{
    return oc_curl_global();
}

static void order(oc_net_t *net, unsigned orders)
{
    atomic_fetch_or(&net->orders, orders);
    oc_inbox_ring(&net->inbox);
}

/* oc_job_t.wake */
static void wake(oc_job_t *outermost)
{
    run_t *run = outermost->owner;

    oc_inbox_post(&run->net->inbox, &run->note, NOTE_WAKE);
}

apr_status_t oc_net_submit_traced(oc_net_t *net, oc_job_t *job, oc_trace_t *trace)
{
    apr_status_t rv = APR_SUCCESS;
    run_t *run;

    atomic_fetch_add(&net->submitting, 1); /* the loop does not end before we have left */
    if (atomic_load(&net->orders) & ORDER_REFUSE) {
        rv = APR_EOF;
    } else if (!(run = take_slot(net))) {
        rv = APR_EAGAIN;
    } else {
        ++net->jobs;
        run->job = job;
        run->trace = trace;
        job->owner = run;
        job->wake = wake;
        oc_inbox_post(&net->inbox, &run->note, NOTE_SUBMIT);
    }
    atomic_fetch_sub(&net->submitting, 1);
    return rv;
}

apr_status_t oc_net_submit(oc_net_t *net, oc_job_t *job)
{
    return oc_net_submit_traced(net, job, NULL);
}

void oc_net_abandon(oc_net_t *net, oc_job_t *job)
{
    run_t *run = job->owner;

    oc_inbox_post(&net->inbox, &run->note, NOTE_ABANDON);
}

void oc_net_cancel_all(oc_net_t *net)
{
    order(net, ORDER_REFUSE | ORDER_CANCEL);
}

apr_status_t oc_net_stop(oc_net_t *net, apr_time_t patience_left)
{
    struct pollfd ended = {.fd = net->ended, .events = POLLIN};
    oc_mono_t end_by = oc_clock_mono() + patience_left, now;
    int ready;

    if (!net->started || net->joined) {
        return APR_SUCCESS;
    }
    /* 1. refuse new jobs, 2. cancel those there are, 3. let the loop drain until end_by */
    atomic_store(&net->end_by, end_by);
    order(net, ORDER_REFUSE | ORDER_CANCEL | ORDER_END);
    /* 4. wait for the thread's last act: a callback may hold it beyond its patience */
    do {
        now = oc_clock_mono();
        ready = poll(&ended, 1,
                     now < end_by + LAST_WORDS ? (int)((end_by + LAST_WORDS - now) / 1000) + 1 : 0);
    } while (ready == -1 && errno == EINTR);
    if (ready != 1) {
        return APR_TIMEUP;
    }
    /* 5. join; what there is to free goes with the pool */
    pthread_join(net->thread, NULL);
    net->joined = 1;
    return APR_SUCCESS;
}

void oc_net_stats(oc_net_t *net, oc_net_stats_t *out)
{
    out->jobs = net->jobs;
    out->inflight = net->inflight;
    out->queued = net->waiting;
    out->caches = net->caches;
    out->connections = net->counts.connections;
    out->exchanges = net->exchanges;
    out->handshakes = net->counts.handshakes;
    out->resend_refused = net->counts.resend_refused;
    out->owner_refused = net->counts.owner_refused;
    out->timeouts = net->timeouts;
    out->lost = net->lost;
}

/* ---- birth and death ---------------------------------------------------------------------- */

static void *open_cache(void *baton, const oc_exchange_t *first)
{
    return oc_curl_cache_open(((oc_net_t *)baton)->curl, first->site, first->connauth);
}

static void close_cache(void *baton, void *wire)
{
    (void)baton;
    oc_curl_cache_close(wire);
}

/* The loop thread does not run (any more). */
static void destroy(oc_net_t *net)
{
    oc_pool_destroy(net->pool);
    oc_curl_destroy(net->curl);
    oc_heap_destroy(&net->heap);
    oc_inbox_close(&net->inbox);
    if (net->epoll != -1) {
        close(net->epoll);
    }
    if (net->ended != -1) {
        close(net->ended);
    }
    free(net->runs);
    free(net);
}

static apr_status_t cleanup(void *baton)
{
    oc_net_t *net = baton;
    apr_status_t rv = oc_net_stop(net, LAST_WORDS);

    if (rv == APR_SUCCESS) {
        destroy(net);
    } else {
        oc_log(OC_LOG_CRIT, rv, NULL, OC_LOGID(0117) "the network thread did not end and is left");
    }
    return rv;
}

static apr_status_t prepare(oc_net_t *net, oc_result_t *res)
{
    struct epoll_event event = {.events = EPOLLIN};
    oc_pool_conf_t conf = {
        .max_inflight = net->conf.max_inflight,
        .max_per_identity = net->conf.max_per_identity,
        .max_caches = net->conf.max_caches,
        .cache_idle = net->conf.cache_idle,
        .share_for_test = net->conf.share_caches_for_test,
        .open = open_cache,
        .close = close_cache,
        .baton = net,
    };
    int i;

    net->epoll = epoll_create1(EPOLL_CLOEXEC);
    net->ended = eventfd(0, EFD_CLOEXEC);
    if (oc_inbox_open(&net->inbox) != APR_SUCCESS || net->epoll == -1 || net->ended == -1) {
        return oc_result_fail(res, OC_REASON_INTERNAL, "no descriptors for the network thread");
    }
    event.data.fd = net->inbox.event;
    net->runs = calloc((size_t)net->conf.max_jobs, sizeof(*net->runs));
    if (!net->runs || epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->inbox.event, &event) != 0) {
        return oc_result_fail(res, OC_REASON_INTERNAL, "no memory for the network thread");
    }
    for (i = net->conf.max_jobs - 1; i >= 0; --i) {
        net->runs[i].net = net;
        net->runs[i].due.kind = KIND_RUN;
        APR_RING_INIT(&net->runs[i].flights, flight_t, link);
        give_slot(net, &net->runs[i]);
    }
    APR_RING_INIT(&net->active, run_t, link);
    net->curl = oc_curl_create(net->epoll, &net->conf, &net->counts, res);
    if (!net->curl) {
        return APR_EGENERAL;
    }
    net->pool = oc_pool_create(&conf);
    return net->pool ? APR_SUCCESS
                     : oc_result_fail(res, OC_REASON_INTERNAL, "no memory for the network thread");
}

oc_net_t *oc_net_create(apr_pool_t *pool, const oc_net_conf_t *conf, oc_result_t *res)
{
    oc_net_t *net;
    sigset_t all, before;
    int rc;

    if (conf->max_jobs < 1 || conf->max_inflight < 1 || conf->max_per_identity < 1 ||
        conf->max_idle < 1 || conf->max_caches < 1 || conf->connect_timeout < 1 ||
        conf->step_timeout < 1 || conf->cache_idle < 1 || conf->max_reply < 1 ||
        conf->max_header < 1) {
        oc_result_fail(res, OC_REASON_MISCONFIGURED, "a bound of the network thread is below 1");
        return NULL;
    }
    net = calloc(1, sizeof(*net));
    if (!net) {
        oc_result_fail(res, OC_REASON_INTERNAL, "no memory for the network thread");
        return NULL;
    }
    net->conf = *conf;
    net->epoll = net->ended = net->inbox.event = -1;
    if (oc_net_global_init() != APR_SUCCESS || prepare(net, res) != APR_SUCCESS) {
        oc_result_fail(res, OC_REASON_INTERNAL, "the network thread cannot be set up");
        destroy(net);
        return NULL;
    }
    /* The server's signals are the server's threads' business. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&net->thread, NULL, loop, net);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        oc_result_fail(res, OC_REASON_INTERNAL, "the network thread cannot be started: error %d",
                       rc);
        destroy(net);
        return NULL;
    }
    net->started = 1;
    apr_pool_pre_cleanup_register(pool, net, cleanup);
    return net;
}
