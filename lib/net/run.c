/* run.c - working one job: its exchanges, its deadline, its end. */
#include <stddef.h>
#include <stdlib.h>

#include <apr_tables.h>

#include "base/log.h"
#include "net/refuse.h"
#include "net/run.h"

#define JOB_WIDTH 64 /* exchanges of one job under way; the others wait in the job */

/* ---- free places: any thread ---------------------------------------------------------------- */

oc_run_t *oc_run_take(oc_net_t *net)
{
    uint64_t top = atomic_load(&net->free_top);

    while ((uint32_t)top != 0) {
        oc_run_t *run = &net->runs[(uint32_t)top - 1];
        uint64_t below = (top & ~(uint64_t)UINT32_MAX) | atomic_load(&run->next_free);

        if (atomic_compare_exchange_weak(&net->free_top, &top, below)) {
            return run;
        }
    }
    return NULL;
}

static void give(oc_net_t *net, oc_run_t *run)
{
    uint64_t top = atomic_load(&net->free_top), mine;

    do {
        atomic_store(&run->next_free, (uint32_t)top);
        mine = ((top >> 32) + 1) << 32 | (uint32_t)(run - net->runs + 1);
    } while (!atomic_compare_exchange_weak(&net->free_top, &top, mine));
}

apr_status_t oc_run_make_places(oc_net_t *net)
{
    int i;

    net->runs = calloc((size_t)net->conf.max_jobs, sizeof(*net->runs));
    if (!net->runs) {
        return APR_ENOMEM;
    }
    for (i = net->conf.max_jobs - 1; i >= 0; --i) {
        net->runs[i].net = net;
        net->runs[i].due.kind = OC_DUE_RUN;
        APR_RING_INIT(&net->runs[i].flights, oc_flight_t, link);
        give(net, &net->runs[i]);
    }
    return APR_SUCCESS;
}

/* ---- exchanges ---------------------------------------------------------------------------- */

static void on_sending(oc_transfer_t *t)
{
    oc_flight_t *flight = (oc_flight_t *)t;
    oc_net_t *net = flight->run->net;

    /* Connected: from now on the step's own deadline holds, counted from the start. */
    oc_heap_set(&net->heap, &flight->due, t->x->started + net->conf.step_timeout);
}

static int on_feed(oc_transfer_t *t, oc_feed_t what, const char *data, apr_size_t len)
{
    oc_run_t *run = ((oc_flight_t *)t)->run;

    if (run->trace) {
        oc_trace_reply(run->trace, t->x, data, len);
    }
    return run->job->vt->feed(run->job, t->x, what, data, len);
}

static const oc_transfer_ops_t transfer_ops = {on_sending, on_feed};

/* Take a flight out of everything. */
static void land(oc_flight_t *flight)
{
    oc_run_t *run = flight->run;
    oc_net_t *net = run->net;

    oc_curl_abort(&flight->transfer);
    oc_pool_leave(net->pool, &flight->ticket, oc_clock_mono());
    oc_heap_set(&net->heap, &flight->due, 0);
    APR_RING_REMOVE(flight, link);
    --run->width;
    oc_exchange_unsign(flight->transfer.x);
    flight->transfer.x->net = NULL;
    free(flight);
}

/* The exchange is over: say so to its job. The job may be done afterwards. */
static void end_flight(oc_flight_t *flight, oc_outcome_t outcome)
{
    oc_run_t *run = flight->run;
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
    if (run->trace) {
        oc_trace_end(run->trace, x);
    }
    land(flight);
    run->job->vt->feed(run->job, x, OC_FEED_END, NULL, 0);
}

static void end_all(oc_run_t *run, oc_outcome_t outcome, const char *why)
{
    while (!APR_RING_EMPTY(&run->flights, oc_flight_t, link)) {
        oc_flight_t *flight = APR_RING_FIRST(&run->flights);

        if (flight->outcome != OC_X_PENDING) {
            end_flight(flight, flight->outcome);
        } else {
            flight->transfer.x->error = why;
            end_flight(flight, outcome);
        }
    }
}

/* An exchange that cannot be sent ends by the heap, not from within next(). */
static void fail(oc_flight_t *flight, const char *why)
{
    flight->outcome = OC_X_NOT_SENT;
    if (!flight->transfer.x->error) {
        flight->transfer.x->error = why;
    }
    oc_heap_set(&flight->run->net->heap, &flight->due, 1);
}

static void launch(oc_run_t *run, oc_exchange_t *x)
{
    oc_net_t *net = run->net;
    oc_flight_t *flight = calloc(1, sizeof(*flight));
    const char *refused;
    oc_mono_t now = oc_clock_mono();

    oc_exchange_unanswer(x);
    x->started = now;
    if (!flight || oc_heap_set(&net->heap, &flight->due, now + net->conf.step_timeout)) {
        free(flight);
        x->outcome = OC_X_NOT_SENT;
        x->error = "out of memory";
        x->ended = now;
        oc_exchange_unsign(x);
        run->job->vt->feed(run->job, x, OC_FEED_END, NULL, 0);
        return;
    }
    flight->due.kind = OC_DUE_FLIGHT;
    flight->run = run;
    flight->transfer.x = x;
    flight->transfer.ops = &transfer_ops;
    x->net = flight;
    APR_RING_INSERT_TAIL(&run->flights, flight, oc_flight_t, link);
    ++run->width;
    ++net->exchanges;
    if (run->trace) {
        oc_trace_request(run->trace, x);
    }
    refused = oc_refuse_exchange(x);
    if (refused) {
        oc_log(OC_LOG_ERR, 0, NULL, OC_LOGID(0111) "%s: refused to send: %s",
               x->purpose ? x->purpose : "exchange", refused);
        fail(flight, refused);
    } else if (oc_pool_enter(net->pool, &flight->ticket, x) != APR_SUCCESS) {
        fail(flight, "out of memory");
    }
}

/* Send whatever may be sent now. */
void oc_run_pump(oc_net_t *net)
{
    oc_ticket_t *ticket;

    while ((ticket = oc_pool_take(net->pool, oc_clock_mono()))) {
        oc_flight_t *flight = ticket->x->net;
        apr_time_t shorter = net->conf.connect_timeout < net->conf.step_timeout
                                 ? net->conf.connect_timeout
                                 : net->conf.step_timeout;

        flight->transfer.key = ticket->key;
        ticket->x->started = oc_clock_mono();
        oc_heap_set(&net->heap, &flight->due, ticket->x->started + shorter);
        if (!ticket->cache) {
            fail(flight, ticket->x->pin ? OC_PIN_GONE : "the connection cache cannot be made");
        } else if (oc_curl_start(oc_pool_wire(ticket->cache), &flight->transfer) != APR_SUCCESS) {
            oc_pool_leave(net->pool, ticket, oc_clock_mono());
            fail(flight, "the request cannot be set up");
        }
    }
}

/* ---- jobs --------------------------------------------------------------------------------- */

static void finish(oc_run_t *run)
{
    oc_net_t *net = run->net;
    oc_job_t *job = run->job;

    while (!APR_RING_EMPTY(&run->flights, oc_flight_t, link)) { /* a job that is done has none */
        oc_log(OC_LOG_ERR, 0, NULL, OC_LOGID(0112) "job %s is done with an exchange under way",
               job->vt->name);
        land(APR_RING_FIRST(&run->flights));
    }
    oc_heap_set(&net->heap, &run->due, 0);
    APR_RING_REMOVE(run, link);
    run->active = 0;
    run->job = NULL;
    run->trace = NULL;
    --net->jobs;
    if (job->finished) {
        job->finished(job, job->finished_baton); /* the job's memory may be gone from here on */
    }
    /* A note posted before finished() may still be on its way, an abandon() even: it must not meet
     * the place's next job. */
    run->held = atomic_load(&run->note.flags) != 0;
    if (!run->held) {
        give(net, run);
    }
}

void oc_run_note_taken(oc_run_t *run)
{
    if (run->held) {
        run->held = 0;
        give(run->net, run);
    }
}

/* When the job wants to be called: the nearer of wake_at and deadline. */
static void set_due(oc_run_t *run)
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
void oc_run_work(oc_run_t *run)
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
void oc_run_cancel(oc_run_t *run, oc_cancel_t why)
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
    oc_run_work(run);
}

void oc_run_end_by_force(oc_run_t *run)
{
    oc_job_t *job = run->job;

    oc_log(OC_LOG_CRIT, 0, NULL, OC_LOGID(0115) "job %s is ended by force", job->vt->name);
    end_all(run, OC_X_CANCELLED, "the process stops");
    if (!job->vt->done(job)) {
        job->vt->cancel(job, OC_CANCEL_STOPPING);
    }
    finish(run);
}

static void run_is_due(oc_run_t *run)
{
    oc_job_t *job = run->job;
    oc_mono_t now = oc_clock_mono(), woken_for = job->wake_at;

    if (job->deadline && job->deadline <= now) {
        oc_run_cancel(run, OC_CANCEL_DEADLINE);
        return;
    }
    oc_run_work(run);
    if (run->active && run->job == job && job->wake_at == woken_for && woken_for <= now) {
        job->wake_at = 0; /* it was called, and that was that */
        set_due(run);
    }
}

static void flight_is_due(oc_flight_t *flight)
{
    oc_run_t *run = flight->run;

    if (flight->outcome != OC_X_PENDING) {
        end_flight(flight, flight->outcome);
    } else {
        flight->transfer.x->error = flight->transfer.outstanding ? "no complete reply in time"
                                    : flight->ticket.cache       ? "no connection in time"
                                                                 : "no free place in time";
        end_flight(flight, OC_X_TIMEOUT);
    }
    oc_run_work(run);
}

void oc_run_reap(oc_net_t *net)
{
    oc_transfer_t *t;
    oc_outcome_t outcome;

    while ((t = oc_curl_reap(net->curl, &outcome))) {
        oc_run_t *run = ((oc_flight_t *)t)->run;

        end_flight((oc_flight_t *)t, outcome);
        oc_run_work(run);
    }
}

void oc_run_serve_due(oc_net_t *net)
{
    oc_heap_item_t *item;
    oc_mono_t now = oc_clock_mono();
    /* What becomes due by being served comes next time, after the sockets. */
    apr_size_t most = net->heap.count;

    while (most-- > 0 && (item = oc_heap_first(&net->heap)) && item->at <= now) {
        if (item->kind == OC_DUE_FLIGHT) {
            flight_is_due((oc_flight_t *)((char *)item - offsetof(oc_flight_t, due)));
        } else {
            run_is_due((oc_run_t *)((char *)item - offsetof(oc_run_t, due)));
        }
    }
}
