/* op.c - the runner: works the table of an operation, forwards exchanges to its verbs, keeps its
 * deadlines.
 *
 * Deadlines: until the first state that writes, the end of the operation's time simply ends it.
 * Afterwards it ends what is under way, and the undo time is left for finding out and putting
 * right: each such state gets half of what remains, so that one that hangs does not take the time
 * of those after it. When the undo time has passed, too, the machine says what is known and it is
 * over.
 */
#include <apr_strings.h>

#include "op/machine.h"

#define LOOKS      3
#define LOOK_PAUSE (APR_USEC_PER_SEC / 2)

typedef struct flight_t {
    const oc_exchange_t *x;
    oc_op_verb_t *verb;
} flight_t;

int oc_op_late(const oc_op_t *op)
{
    return oc_clock_mono() >= op->soft;
}

static const oc_op_row_t *row_of(const oc_op_t *op)
{
    return &op->machine->rows[op->state];
}

const char *oc_state_token(oc_state_t s)
{
    switch (s) {
    case OC_STATE_CONFIRMED:
        return "confirmed";
    case OC_STATE_PENDING:
        return "pending";
    case OC_STATE_CONFLICT:
        return "conflict";
    case OC_STATE_FAILED:
        return "failed";
    case OC_STATE_UNKNOWN:
        break;
    }
    return "unknown";
}

/* ---- states ---- */

/* How long the state it is in may take. */
static void set_deadline(oc_op_t *op)
{
    oc_mono_t now = oc_clock_mono();

    if (row_of(op)->flags & OC_OP_REPAIRS) {
        /* Half of what is left: if this step hangs, there is time for what must follow from that.
         */
        op->job.deadline = now + (op->hard - now) / 2;
    } else {
        op->job.deadline = now >= op->soft ? op->hard : op->soft;
    }
}

/* Whoever refuses a booking has just seen what a page may not show yet: so at the end in any case.
 */
static void touch(const oc_op_t *op)
{
    for (int i = 0; op->touches && i < op->touches->nelts; ++i) {
        oc_fresh_touch(op->conf.fresh, APR_ARRAY_IDX(op->touches, i, const char *));
    }
}

void oc_op_enter(oc_op_t *op, int state, const char *why)
{
    const oc_op_row_t *next = &op->machine->rows[state];

    oc_log(OC_LOG_DEBUG, 0, op->call->id, OC_LOGID(0400) "%s [%s] -- %s --> [%s]",
           op->machine->name, row_of(op)->name, why, next->name);
    op->state = state;
    op->fresh = 1;
    op->start_at = 0;
    if (next->flags & OC_OP_WRITES) {
        touch(op);
    }
    if (next->flags & OC_OP_WRITES && !op->wrote) {
        op->wrote = 1;
        if (op->leased) {
            oc_lease_extend(op->conf.leases, op->call->id, op->hard);
        }
    }
    set_deadline(op);
}

void oc_op_enter_later(oc_op_t *op, int state, apr_time_t time, const char *why)
{
    oc_op_enter(op, state, why);
    op->start_at = oc_clock_mono() + time;
}

int oc_op_again(oc_op_t *op, int *looks, oc_mono_t sent)
{
    apr_time_t pause = LOOK_PAUSE * ++*looks;
    oc_mono_t now = oc_clock_mono();
    int settled = !sent || now - sent >= op->conf.undo / 2;

    if ((*looks >= LOOKS && settled) || now + pause >= op->hard) {
        return 0;
    }
    oc_op_enter_later(op, op->state, pause, "not seen");
    return 1;
}

void oc_op_unlease(oc_op_t *op)
{
    if (op->leased) {
        oc_lease_release(op->conf.leases, op->call->id);
        op->leased = 0;
    }
}

static apr_status_t unlease_cleanup(void *data)
{
    oc_op_unlease(data);
    return APR_SUCCESS;
}

apr_status_t oc_op_lease(oc_op_t *op, const char *const *keys, int n, int may_wait,
                         oc_result_t *res)
{
    /* Until the first write the operation's own time is all a lease must outlive. */
    oc_mono_t expires = op->wrote ? op->hard : op->soft;
    oc_mono_t wait_until = op->soft - op->conf.operation / 2;
    const char *server = op->be->conf->site->host;
    apr_status_t rv;

    if (!op->conf.leases || !n) {
        return APR_SUCCESS;
    }
    rv = may_wait ? oc_lease_take(op->conf.leases, server, keys, n, op->call->id, expires,
                                  wait_until, res)
                  : oc_lease_try(op->conf.leases, server, keys, n, op->call->id, expires, res);
    if (rv == APR_SUCCESS) {
        op->leased = n;
    }
    return rv;
}

void oc_op_finish(oc_op_t *op, const char *why)
{
    oc_result_t *res = &op->call->result;

    op->over = 1;
    op->fresh = 0;
    op->job.wake_at = 0;
    op->verbs->nelts = 0;
    touch(op);
    oc_op_unlease(op);
    oc_result_wrap(res, op->machine->name);
    oc_log(OC_LOG_DEBUG, 0, op->call->id, OC_LOGID(0401) "%s [%s] -- %s --> over",
           op->machine->name, row_of(op)->name, why);
    if (res->reason != OC_REASON_OK) {
        oc_log(oc_reason_loglevel(res->reason), res->status, op->call->id,
               OC_LOGID(0402) "%s: %s at %s (upstream status %d): %s", op->machine->name,
               oc_reason_token(res->reason), res->step ? res->step : "-", res->upstream_status,
               res->detail ? res->detail : "-");
    }
}

/* ---- verbs ---- */

oc_op_verb_t *oc_op_verb(oc_op_t *op)
{
    oc_op_verb_t *verb = apr_pcalloc(op->call->pool, sizeof(*verb));

    verb->call = *op->call;
    oc_result_init(&verb->call.result, op->call->pool);
    return verb;
}

void oc_op_run(oc_op_t *op, oc_op_verb_t *verb, oc_job_t *job)
{
    verb->job = job;
    if (job) {
        job->outer = &op->job;
    } else {
        verb->finished = 1;
        oc_result_fail(&verb->call.result, OC_REASON_INTERNAL, "the verb could not be begun");
    }
    APR_ARRAY_PUSH(op->verbs, oc_op_verb_t *) = verb;
}

oc_op_verb_t *oc_op_nth(const oc_op_t *op, int n)
{
    return APR_ARRAY_IDX(op->verbs, n, oc_op_verb_t *);
}

int oc_op_failed(const oc_op_verb_t *verb)
{
    return verb->call.result.reason != OC_REASON_OK;
}

void oc_op_blame(oc_op_t *op, const oc_op_verb_t *verb)
{
    oc_result_t *res = &op->call->result;

    if (res->reason == OC_REASON_OK) {
        oc_result_copy(res, &verb->call.result, res->pool);
        oc_result_wrap(res, row_of(op)->name);
    } else {
        oc_result_fail(res, verb->call.result.reason, "%s: %s", row_of(op)->name,
                       verb->call.result.detail ? verb->call.result.detail : "failed");
    }
}

void oc_op_fail(oc_op_t *op, oc_reason_t reason, const char *detail)
{
    oc_result_t *res = &op->call->result;
    int first = res->reason == OC_REASON_OK;

    oc_result_fail(res, reason, "%s", detail);
    if (first) {
        oc_result_wrap(res, row_of(op)->name);
    }
}

void oc_op_fail_over(oc_op_t *op, oc_reason_t reason, const char *detail)
{
    oc_result_t *res = &op->call->result;
    oc_result_t before = *res;

    if (before.reason == reason) {
        return;
    }
    oc_result_clear(res);
    if (before.reason == OC_REASON_OK) {
        oc_op_fail(op, reason, detail);
        return;
    }
    oc_result_fail(res, reason, "%s; because of %s: %s", detail, oc_reason_token(before.reason),
                   before.detail ? before.detail : "no detail");
    res->step = before.step;
    res->upstream_status = before.upstream_status;
    res->retry_after = before.retry_after;
}

void oc_op_undone(oc_op_t *op)
{
    oc_reason_t reason = op->call->result.reason;

    if (reason == OC_REASON_LEFT_BEHIND || reason == OC_REASON_OUTCOME_UNKNOWN ||
        reason == OC_REASON_NOT_TOLD || reason == OC_REASON_OK) {
        oc_op_fail_over(op, OC_REASON_UPSTREAM_ERROR, "it was not done");
    }
}

/* A verb's end. The signing layer knows the call it was given, not the verb's copy: why there was
 * no usable credential stands there and is the true cause; for a verb that managed without, it is
 * over. */
static void settle(oc_op_t *op, oc_op_verb_t *verb)
{
    oc_result_t *shared = &op->call->result;
    const oc_result_t *before = &op->recorded;

    verb->finished = 1;
    if (shared->reason == before->reason && shared->detail == before->detail) {
        return;
    }
    if (oc_op_failed(verb) && before->reason == OC_REASON_OK) {
        oc_result_copy(&verb->call.result, shared, shared->pool);
    }
    *shared = *before;
}

/* ---- the runner ---- */

static int verbs_busy(oc_op_t *op)
{
    int i, busy = 0;

    for (i = 0; i < op->verbs->nelts; ++i) {
        oc_op_verb_t *verb = oc_op_nth(op, i);
        if (!verb->finished && verb->job->vt->done(verb->job)) {
            settle(op, verb);
        }
        busy += !verb->finished;
    }
    return busy;
}

static void complete(oc_op_t *op)
{
    const oc_op_row_t *row = row_of(op);
    const oc_op_verb_t *failed = NULL;
    int i;

    for (i = 0; i < op->verbs->nelts && !failed; ++i) {
        failed = oc_op_failed(oc_op_nth(op, i)) ? oc_op_nth(op, i) : NULL;
    }
    if (!failed) {
        row->done(op);
    } else if (row->fail) {
        row->fail(op);
    } else {
        oc_op_blame(op, failed);
        oc_op_finish(op, "failed");
    }
    if (!op->over && !op->fresh) {
        oc_op_fail(op, OC_REASON_INTERNAL, "a state led nowhere");
        oc_op_finish(op, "led nowhere");
    }
    op->recorded = op->call->result;
}

/* As far as it goes without a reply. */
static void advance(oc_op_t *op)
{
    while (!op->over) {
        if (op->fresh) {
            if (op->start_at > oc_clock_mono()) {
                return;
            }
            if (op->start_at) {
                set_deadline(op);
            }
            op->fresh = 0;
            op->start_at = 0;
            ++op->starts;
            op->verbs->nelts = 0;
            row_of(op)->start(op);
            op->recorded = op->call->result;
            continue;
        }
        if (verbs_busy(op)) {
            return;
        }
        complete(op);
    }
}

static void set_wake(oc_op_t *op)
{
    oc_mono_t at = 0;
    int i;

    if (!op->over) {
        at = op->fresh ? op->start_at : 0;
        for (i = 0; i < op->verbs->nelts; ++i) {
            const oc_op_verb_t *verb = oc_op_nth(op, i);
            if (!verb->finished && verb->job->wake_at && (!at || verb->job->wake_at < at)) {
                at = verb->job->wake_at;
            }
        }
    }
    op->job.wake_at = at;
}

static oc_exchange_t *op_next(oc_job_t *job)
{
    oc_op_t *op = (oc_op_t *)job;
    unsigned starts;
    int i;

    advance(op);
    do {
        starts = op->starts;
        for (i = 0; i < op->verbs->nelts; ++i) {
            oc_op_verb_t *verb = oc_op_nth(op, i);
            oc_exchange_t *x = verb->finished ? NULL : verb->job->vt->next(verb->job);
            if (x) {
                flight_t *flight = apr_array_push(op->flights);
                flight->x = x;
                flight->verb = verb;
                set_wake(op);
                return x;
            }
        }
        advance(op); /* a verb may have ended by being asked for more */
    } while (op->starts != starts);
    set_wake(op);
    return NULL;
}

static int find_flight(const oc_op_t *op, const oc_exchange_t *x)
{
    int i = op->flights->nelts - 1;

    while (i >= 0 && APR_ARRAY_IDX(op->flights, i, flight_t).x != x) {
        --i;
    }
    return i;
}

static int op_feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data,
                   apr_size_t len)
{
    oc_op_t *op = (oc_op_t *)job;
    int i = find_flight(op, x);
    oc_op_verb_t *verb;

    if (i < 0) {
        return 1;
    }
    verb = APR_ARRAY_IDX(op->flights, i, flight_t).verb;
    if (what != OC_FEED_END) {
        return verb->job->vt->feed(verb->job, x, what, data, len);
    }
    APR_ARRAY_IDX(op->flights, i, flight_t) = *(flight_t *)apr_array_pop(op->flights);
    if (x->writes && (x->sent || x->outcome == OC_X_REPLIED)) {
        verb->wrote = 1;
    }
    if (oc_exchange_unknown(x)) {
        verb->lost = 1;
        verb->lost_at = x->started;
    }
    verb->job->vt->feed(verb->job, x, what, data, len);
    advance(op);
    set_wake(op);
    return 0;
}

static int op_done(const oc_job_t *job)
{
    return ((const oc_op_t *)job)->over;
}

/* End the verbs under way; what is theirs on the wire has been ended before. */
static void drop_verbs(oc_op_t *op, oc_cancel_t why)
{
    int i;

    for (i = 0; i < op->verbs->nelts; ++i) {
        oc_op_verb_t *verb = oc_op_nth(op, i);
        if (verb->finished) {
            continue;
        }
        if (verb->job->vt->cancel) {
            verb->job->vt->cancel(verb->job, why);
        }
        oc_result_fail(&verb->call.result, OC_REASON_UPSTREAM_TIMEOUT, "the time was up");
        settle(op, verb);
    }
}

static void op_cancel(oc_job_t *job, oc_cancel_t why)
{
    oc_op_t *op = (oc_op_t *)job;

    advance(op);
    if (op->over) {
        return;
    }
    if (!op->wrote) {
        drop_verbs(op, why);
        if (why == OC_CANCEL_DEADLINE) {
            oc_op_fail(op, OC_REASON_UPSTREAM_TIMEOUT, "the operation's time was up");
        } else {
            oc_op_fail(op, OC_REASON_STOPPING,
                       why == OC_CANCEL_STOPPING ? "the process stops" : "nobody waits any more");
        }
        oc_op_finish(op, "cancelled");
    } else if (why == OC_CANCEL_STOPPING ||
               (why == OC_CANCEL_DEADLINE && oc_clock_mono() >= op->hard)) {
        drop_verbs(op, why);
        op->machine->give_up(op);
        oc_op_finish(op, why == OC_CANCEL_STOPPING ? "stopping" : "no time left");
    } else if (why == OC_CANCEL_DEADLINE && oc_clock_mono() >= op->job.deadline) {
        /* It may lie ahead again: what ended just before led to another state. */
        op->job.deadline = op->hard;
        op->start_at = 0; /* no more waiting, if it was */
        drop_verbs(op, why);
        advance(op);
    }
    /* Abandoned after a write: it goes on, so that the calendars end up consistent. */
    set_wake(op);
}

static const oc_job_vtable_t op_vtable = {"operation", op_next, op_feed, op_done, op_cancel};

/* ---- making one ---- */

oc_op_t *oc_op_create(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                      const oc_op_machine_t *machine, void *self)
{
    oc_op_t *op = apr_pcalloc(call->pool, sizeof(*op));

    op->job.vt = &op_vtable;
    op->machine = machine;
    op->call = call;
    op->be = be;
    op->conf = *conf;
    op->self = self;
    op->fresh = 1;
    op->soft = oc_clock_mono() + conf->operation;
    op->hard = op->soft + conf->undo;
    op->job.deadline = op->soft;
    op->verbs = apr_array_make(call->pool, 4, sizeof(oc_op_verb_t *));
    op->flights = apr_array_make(call->pool, 4, sizeof(flight_t));
    oc_result_clear(&call->result);
    op->recorded = call->result;
    if (conf->leases) {
        apr_pool_cleanup_register(call->pool, op, unlease_cleanup, apr_pool_cleanup_null);
    }
    return op;
}

apr_status_t oc_op_prepare(oc_job_t *job)
{
    oc_op_t *op = (oc_op_t *)job;
    apr_status_t rv = APR_SUCCESS;

    if (op->machine->prepare) {
        rv = op->machine->prepare(op, &op->call->result);
    }
    if (rv != APR_SUCCESS) {
        oc_result_wrap(&op->call->result, "lease");
        oc_op_finish(op, "no lease");
    }
    op->recorded = op->call->result;
    return rv;
}

const char *oc_op_state(const oc_job_t *job)
{
    const oc_op_t *op = (const oc_op_t *)job;

    return op->over ? "over" : row_of(op)->name;
}

int oc_op_wrote(const oc_job_t *job)
{
    return ((const oc_op_t *)job)->wrote;
}
