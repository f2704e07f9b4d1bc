/* net.c - the loop thread and the outside: jobs come in, orders are obeyed, and it ends.
 *
 * Names: functions that begin with oc_net_ are for any thread, all others run on the loop thread
 * unless they say "any thread".
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "net/run.h"

#define EVENTS     64
#define NAP        APR_USEC_PER_SEC       /* longest sleep while there are jobs */
#define LAST_WORDS (2 * APR_USEC_PER_SEC) /* what a loop may need beyond its patience */

enum { NOTE_SUBMIT = 1, NOTE_WAKE = 2, NOTE_ABANDON = 4 };  /* posted to a run */
enum { ORDER_REFUSE = 1, ORDER_CANCEL = 2, ORDER_END = 4 }; /* given to the loop */

/* ---- the loop ----------------------------------------------------------------------------- */

static void take_in(oc_net_t *net)
{
    oc_note_t *note = oc_inbox_take(&net->inbox), *next;
    int stopping = (atomic_load(&net->orders) & ORDER_CANCEL) != 0;

    for (; note; note = next) {
        oc_run_t *run = (oc_run_t *)note;
        unsigned flags;

        next = note->next;
        flags = oc_inbox_flags(note);
        if (flags & NOTE_SUBMIT) {
            run->active = 1;
            APR_RING_INSERT_TAIL(&net->active, run, oc_run_t, link);
            if (stopping) { /* between its submission and the order */
                oc_run_cancel(run, OC_CANCEL_STOPPING);
                continue;
            }
        }
        if (!run->active) { /* it finished in the meantime */
            oc_run_note_taken(run);
            continue;
        }
        if (flags & NOTE_ABANDON) {
            oc_run_cancel(run, OC_CANCEL_ABANDON);
        } else {
            oc_run_work(run);
        }
    }
}

/* Once per order. A job that is told to stop is done afterwards, or has a little left to do. */
static void cancel_jobs(oc_net_t *net)
{
    oc_run_t *run = APR_RING_FIRST(&net->active), *next, *last = APR_RING_LAST(&net->active);
    int more = !APR_RING_EMPTY(&net->active, oc_run_t, link);

    while (more) { /* what comes in meanwhile is cancelled by take_in() */
        next = APR_RING_NEXT(run, link);
        more = run != last;
        oc_run_cancel(run, OC_CANCEL_STOPPING);
        run = next;
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
    if (!APR_RING_EMPTY(&net->active, oc_run_t, link) &&
        oc_clock_mono() < atomic_load(&net->end_by)) {
        return 0;
    }
    while (!APR_RING_EMPTY(&net->active, oc_run_t, link)) {
        oc_run_end_by_force(APR_RING_FIRST(&net->active));
    }
    return 1;
}

static void *loop(void *baton)
{
    oc_net_t *net = baton;
    struct epoll_event events[EVENTS];
    unsigned obeyed = 0;
    int n, i, ms, looked = 1;

    pthread_setname_np(pthread_self(), "owacal-net");
    for (;;) {
        unsigned orders;

        /* What is due already need not be asked for; but the sockets get every other turn. */
        ms = patience(net);
        looked = ms != 0 || !looked;
        n = looked ? epoll_wait(net->epoll, events, EVENTS, ms) : 0;
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
        oc_run_reap(net);
        orders = atomic_load(&net->orders);
        if (orders & ~obeyed & ORDER_CANCEL) {
            cancel_jobs(net);
        }
        obeyed = orders;
        take_in(net);
        oc_run_serve_due(net);
        if ((orders & ORDER_END) && may_end(net)) {
            break;
        }
        oc_run_pump(net);
        if (oc_pin_bench_rung(net->pins) || !net->sweep_at || net->sweep_at <= oc_clock_mono()) {
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
    conf->max_per_identity = 24;
    conf->max_kept = 6;
    conf->max_idle = 3;
    conf->max_caches = 1000;
    conf->cache_idle = apr_time_from_sec(45);
    conf->surplus_idle = apr_time_from_sec(5);
    conf->max_pins = 512;
    conf->pin_idle = apr_time_from_sec(100);
    conf->pin_pending = apr_time_from_sec(20);
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
    oc_run_t *run = outermost->owner;

    oc_inbox_post(&run->net->inbox, &run->note, NOTE_WAKE);
}

apr_status_t oc_net_submit_traced(oc_net_t *net, oc_job_t *job, oc_trace_t *trace)
{
    apr_status_t rv = APR_SUCCESS;
    oc_run_t *run;

    atomic_fetch_add(&net->submitting, 1); /* the loop does not end before we have left */
    if (atomic_load(&net->orders) & ORDER_REFUSE) {
        rv = APR_EOF;
    } else if (!(run = oc_run_take(net))) {
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
    oc_run_t *run = job->owner;

    oc_inbox_post(&net->inbox, &run->note, NOTE_ABANDON);
}

void oc_net_cancel_all(oc_net_t *net)
{
    order(net, ORDER_REFUSE | ORDER_CANCEL);
}

/* Wait for the thread's last act, then join it. */
static apr_status_t join_by(oc_net_t *net, oc_mono_t by)
{
    struct pollfd ended = {.fd = net->ended, .events = POLLIN};
    int ready;

    do {
        oc_mono_t now = oc_clock_mono();

        ready = poll(&ended, 1, now < by ? (int)((by - now) / 1000) + 1 : 0);
    } while (ready == -1 && errno == EINTR);
    if (ready != 1) {
        return APR_TIMEUP;
    }
    pthread_join(net->thread, NULL);
    net->joined = 1;
    return APR_SUCCESS;
}

apr_status_t oc_net_stop(oc_net_t *net, apr_time_t patience_left)
{
    oc_mono_t end_by = oc_clock_mono() + patience_left;

    if (!net->started || net->joined) {
        return APR_SUCCESS;
    }
    /* 1. refuse new jobs, 2. cancel those there are, 3. let the loop drain until end_by */
    atomic_store(&net->end_by, end_by);
    order(net, ORDER_REFUSE | ORDER_CANCEL | ORDER_END);
    /* 4. join, with a bound: a callback may hold the thread up beyond its patience. What there is
     * to free goes with the pool. */
    return join_by(net, end_by + LAST_WORDS);
}

oc_pin_t *oc_net_pin(oc_net_t *net)
{
    return oc_pin_create(net->pins);
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
    return oc_curl_cache_open(((oc_net_t *)baton)->curl, first);
}

static void close_cache(void *baton, void *wire)
{
    (void)baton;
    oc_curl_cache_close(wire);
}

/* As many for an account of many persons, unless said otherwise. */
static int shared_by_default(const oc_net_conf_t *conf)
{
    int half = conf->max_inflight / 2;

    return half > conf->max_per_identity ? half : conf->max_per_identity;
}

/* The loop thread does not run (any more). */
static void destroy(oc_net_t *net)
{
    oc_pool_destroy(net->pool);
    oc_curl_destroy(net->curl);
    oc_heap_destroy(&net->heap);
    oc_pin_bench_destroy(net->pins);
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
    /* Somebody who stopped it before has waited long enough. */
    int stopped = (atomic_load(&net->orders) & ORDER_END) != 0 && !net->joined;
    apr_status_t rv = stopped ? join_by(net, 0) : oc_net_stop(net, LAST_WORDS);

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
        .max_shared = net->conf.max_shared,
        .max_kept = net->conf.max_kept,
        .max_caches = net->conf.max_caches,
        .cache_idle = net->conf.cache_idle,
        .surplus_idle = net->conf.surplus_idle,
        .pin_idle = net->conf.pin_idle,
        .pin_pending = net->conf.pin_pending,
        .share_for_test = net->conf.share_caches_for_test,
        .open = open_cache,
        .close = close_cache,
        .baton = net,
    };

    net->epoll = epoll_create1(EPOLL_CLOEXEC);
    net->ended = eventfd(0, EFD_CLOEXEC);
    if (oc_inbox_open(&net->inbox) != APR_SUCCESS || net->epoll == -1 || net->ended == -1) {
        return oc_result_fail(res, OC_REASON_INTERNAL, "no descriptors for the network thread");
    }
    event.data.fd = net->inbox.event;
    net->pins = oc_pin_bench_create(&net->inbox, net->conf.max_pins);
    if (!net->pins || epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->inbox.event, &event) != 0 ||
        oc_run_make_places(net) != APR_SUCCESS) {
        return oc_result_fail(res, OC_REASON_INTERNAL, "no memory for the network thread");
    }
    APR_RING_INIT(&net->active, oc_run_t, link);
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
        conf->max_shared < 0 || conf->max_kept < 1 || conf->max_idle < 1 || conf->max_caches < 1 ||
        conf->connect_timeout < 1 || conf->step_timeout < 1 || conf->cache_idle < 1 ||
        conf->surplus_idle < 1 || conf->max_pins < 0 || conf->pin_idle < 1 ||
        conf->pin_pending < 1 || conf->max_reply < 1 || conf->max_header < 1) {
        oc_result_fail(res, OC_REASON_MISCONFIGURED, "a bound of the network thread is below 1");
        return NULL;
    }
    net = calloc(1, sizeof(*net));
    if (!net) {
        oc_result_fail(res, OC_REASON_INTERNAL, "no memory for the network thread");
        return NULL;
    }
    net->conf = *conf;
    if (net->conf.max_shared == 0) {
        net->conf.max_shared = shared_by_default(conf);
    }
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
