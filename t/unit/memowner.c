/* memowner.c - works jobs on a calendar server in memory, as net does, and makes exchanges fail. */
#include <stdlib.h>

#include "membackend.h"

static const char *const fault_names[] = {
    "fine",           "not sent",          "lost, done",
    "lost, not done", "timeout, done",     "timeout, not done",
    "silence, done",  "silence, not done", "denied",
    "locked",         "error, done",       "error, not done"};

const char *mem_fault_name(mem_fault_t f)
{
    return fault_names[f];
}

/* Carries out one exchange. 0: it hangs. */
static int carry_out(mem_t *w, oc_exchange_t *x)
{
    mem_fault_t fault = MEM_FINE;
    int execute;

    if (w->late_x && oc_clock_mono() >= w->late_at) {
        mem_perform(w->late_x);
        w->late_x = NULL;
    }
    ++w->count;
    w->writes += x->writes;
    if (w->fault_at && (w->count == w->fault_at || (w->fault_on && w->count > w->fault_at))) {
        fault = w->fault;
    } else if (w->fault2_at && w->count == w->fault2_at) {
        fault = w->fault2;
    }
    execute = fault == MEM_FINE || fault == MEM_LOST_DONE || fault == MEM_TIMEOUT_DONE ||
              fault == MEM_HANG_DONE || fault == MEM_ERROR_DONE;
    x->started = oc_clock_mono();
    x->sent = fault != MEM_NOT_SENT;
    oc_clock_advance(w->latency);
    if (execute) {
        x->status = 200;
        mem_perform(x);
    }
    x->outcome = OC_X_REPLIED;
    switch (fault) {
    case MEM_NOT_SENT:
        x->outcome = OC_X_NOT_SENT;
        break;
    case MEM_LOST_DONE:
    case MEM_LOST_UNDONE:
        if (w->late && x->writes) {
            w->late_x = x;
            w->late_at = oc_clock_mono() + w->late;
        }
        x->outcome = OC_X_LOST;
        x->status = 0;
        break;
    case MEM_TIMEOUT_DONE:
    case MEM_TIMEOUT_UNDONE:
        x->outcome = OC_X_TIMEOUT;
        x->status = 0;
        oc_clock_advance(apr_time_from_sec(3));
        break;
    case MEM_HANG_DONE:
    case MEM_HANG_UNDONE:
        x->status = 0;
        return 0;
    case MEM_DENIED:
        x->status = 403;
        break;
    case MEM_LOCKED:
        x->status = 423;
        break;
    case MEM_ERROR_DONE:
    case MEM_ERROR_UNDONE:
        x->status = 500;
        break;
    default:
        break;
    }
    return 1;
}

static void end(oc_job_t *job, oc_exchange_t *x)
{
    if (x->outcome == OC_X_REPLIED) {
        job->vt->feed(job, x, OC_FEED_HEAD, NULL, 0);
    }
    job->vt->feed(job, x, OC_FEED_END, NULL, 0);
}

void mem_execute(mem_t *w, oc_job_t *job, oc_exchange_t *x)
{
    carry_out(w, x);
    end(job, x);
}

typedef struct running_t {
    oc_job_t *job;
    oc_exchange_t *wire[80]; /* waiting to be carried out */
    oc_exchange_t *hung[80];
    int waiting, hanging, begun;
} running_t;

static void deadline(running_t *r)
{
    while (r->waiting || r->hanging) {
        oc_exchange_t *x = r->hanging ? r->hung[--r->hanging] : r->wire[--r->waiting];
        x->outcome = x->sent ? OC_X_TIMEOUT : OC_X_NOT_SENT;
        end(r->job, x);
    }
    if (!r->job->vt->done(r->job)) {
        r->job->vt->cancel(r->job, OC_CANCEL_DEADLINE);
    }
}

static void gather(running_t *r)
{
    oc_exchange_t *x;

    while (!r->job->vt->done(r->job) && (x = r->job->vt->next(r->job))) {
        if (r->waiting == 80) {
            abort();
        }
        r->wire[r->waiting++] = x;
    }
}

void mem_run_all(mem_t *w, oc_job_t **jobs, int n, unsigned seed)
{
    running_t *all = calloc((size_t)n, sizeof(*all));
    int i, turn, left = n, rounds = 0;

    for (i = 0; i < n; ++i) {
        all[i].job = jobs[i];
    }
    while (left && ++rounds < 100000) {
        oc_mono_t now = oc_clock_mono(), soonest = 0;
        int busy = 0, pick;

        for (i = left = 0; i < n; ++i) {
            running_t *r = &all[i];
            oc_mono_t at;
            if (r->job->vt->done(r->job)) {
                continue;
            }
            if (!r->begun && w->start && !w->start(w->start_baton, i)) {
                ++left;
                continue;
            }
            r->begun = 1;
            if (now >= r->job->deadline) {
                deadline(r);
            }
            gather(r);
            if (r->job->vt->done(r->job)) {
                continue;
            }
            ++left;
            busy += r->waiting;
            at = r->job->wake_at && r->job->wake_at < r->job->deadline ? r->job->wake_at
                                                                       : r->job->deadline;
            soonest = !soonest || at < soonest ? at : soonest;
        }
        if (!left) {
            break;
        }
        if (!busy) {
            if (soonest > now) {
                oc_clock_advance(soonest - now);
            }
            continue;
        }
        seed = seed * 1103515245u + 12345u;
        pick = (int)((seed >> 8) % (unsigned)busy);
        for (i = 0; i < n && pick >= 0; ++i) {
            running_t *r = &all[i];
            oc_exchange_t *x;
            if (pick >= r->waiting) {
                pick -= r->waiting;
                continue;
            }
            turn = pick;
            x = r->wire[turn];
            r->wire[turn] = r->wire[--r->waiting];
            if (carry_out(w, x)) {
                end(r->job, x);
            } else {
                r->hung[r->hanging++] = x;
            }
            break;
        }
    }
    if (left) {
        abort(); /* a job that never ends */
    }
    free(all);
}

void mem_run(mem_t *w, oc_job_t *job)
{
    mem_run_all(w, &job, 1, 1);
}
