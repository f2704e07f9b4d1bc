/* machine.h - what the operations share with their runner (op.c). Private to lib/op.
 *
 * An operation is a table of states. Entering one runs its `start`, at once or after a pause, which
 * begins verbs (any number, they run side by side) or enters another state. When every verb is
 * done, `done` or `fail` is called, and must enter a state or finish. Only oc_op_enter() assigns
 * the state. Everything runs on the thread that owns the call, but oc_op_create() and the machine's
 * `prepare`, which run on the request thread.
 */
#ifndef OC_OP_MACHINE_H
#define OC_OP_MACHINE_H

#include "op/op.h"

typedef struct oc_op_t oc_op_t;
typedef void oc_op_step_t(oc_op_t *op);

typedef struct oc_op_row_t {
    const char *name;    /* what it waits for */
    oc_op_step_t *start;
    oc_op_step_t *done;  /* every verb succeeded */
    oc_op_step_t *fail;  /* at least one did not; NULL: the operation fails for its reason */
    int flags;
} oc_op_row_t;

#define OC_OP_WRITES 1  /* changes a calendar: from here on cancelling means putting things right */
#define OC_OP_REPAIRS 2 /* finds out or puts right: may use the undo time */

typedef struct oc_op_machine_t {
    const char *name;
    const oc_op_row_t *rows;
    oc_op_step_t *give_up; /* no time is left after a write: say what is known. The runner finishes.
                            * NULL for an operation that never writes */
    apr_status_t (*prepare)(oc_op_t *op, oc_result_t *res); /* NULL: takes no leases */
} oc_op_machine_t;

/* One verb under way. */
typedef struct oc_op_verb_t {
    oc_call_t call;    /* the operation's, with a result of its own */
    oc_job_t *job;
    int finished;
    int wrote;         /* an exchange that writes may have been executed */
    int lost;          /* ... and of one of them the reply did not come */
    oc_mono_t lost_at; /* ... which was sent then, the last of them */
} oc_op_verb_t;

struct oc_op_t {
    oc_job_t job; /* first: an oc_job_t * is an oc_op_t * */
    const oc_op_machine_t *machine;
    oc_call_t *call;
    const oc_backend_t *be;
    oc_op_conf_t conf;
    void *self;               /* the machine's own */

    int state;
    int fresh;                /* entered, not yet started */
    unsigned starts;          /* how many states were started */
    int over;
    int wrote;                /* a state that writes was entered */
    int leased;               /* how many keys it must hold: those it took last */
    oc_mono_t soft, hard;     /* end of the operation's time; with the undo time */
    oc_mono_t start_at;       /* fresh: not to be started before; 0 = at once */
    apr_array_header_t *touches;  /* const char *: whose free/busy this act changes; NULL: nobody's.
                                   * Marked when a state that writes begins, and at the end */
    apr_array_header_t *verbs;    /* oc_op_verb_t *, of the state it is in */
    apr_array_header_t *flights;  /* which verb has which exchange on the wire */
    oc_result_t recorded;     /* call->result as the operation itself left it */
};

/* Request thread. In state 0, which starts with the first next(). */
oc_op_t *oc_op_create(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                      const oc_op_machine_t *machine, void *self);
void oc_op_enter(oc_op_t *op, int state, const char *why);
/* The same, but the state is started after that time. */
void oc_op_enter_later(oc_op_t *op, int state, apr_time_t time, const char *why);
/* Done. call->result says how it went; leases are released. */
void oc_op_finish(oc_op_t *op, const char *why);

/* A verb's call; to be given to a begin function, whose job goes to oc_op_run. A NULL job counts as
 * a failed verb. */
oc_op_verb_t *oc_op_verb(oc_op_t *op);
void oc_op_run(oc_op_t *op, oc_op_verb_t *verb, oc_job_t *job);
/* The n-th verb begun in this state. */
oc_op_verb_t *oc_op_nth(const oc_op_t *op, int n);
int oc_op_failed(const oc_op_verb_t *verb); /* 1: its result is a failure */
/* Make the verb's failure the operation's, with the state's name as step. A first one stands. */
void oc_op_blame(oc_op_t *op, const oc_op_verb_t *verb);
/* Enter the state it is in once more after a pause, each longer than the one before, to look again;
 * *looks counts, from 0. At least three times in all; if something was sent at `sent` (0: nothing)
 * and never answered, until half of the undo time has passed since: by then a server has executed
 * it, or never will, but until then not seeing its effect proves nothing. 0: often enough, or no
 * time is left. */
int oc_op_again(oc_op_t *op, int *looks, oc_mono_t sent);
/* 1: the time for going on is over, what is left is for putting things right. */
int oc_op_late(const oc_op_t *op);
/* Take leases, added to those it holds. may_wait: on the request thread only. */
apr_status_t oc_op_lease(oc_op_t *op, const char *const *keys, int n, int may_wait,
                         oc_result_t *res);
void oc_op_unlease(oc_op_t *op);
/* A failure of the operation itself, with the state's name as its step. */
void oc_op_fail(oc_op_t *op, oc_reason_t reason, const char *detail);
/* What the operation reports instead of all that was recorded before, which becomes the detail. */
void oc_op_fail_over(oc_op_t *op, oc_reason_t reason, const char *detail);
/* Nothing of it stands, whatever a verb feared: a reason that says otherwise gives way to an error
 * of the server's. */
void oc_op_undone(oc_op_t *op);

#endif
