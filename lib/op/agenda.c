/* agenda.c - the operation that looks at a room: its own calendar where this identity may read it,
 * else its free/busy. */
#include <apr_strings.h>

#include "op/machine.h"

#define CLOSED     "closed calendar"          /* kind of what is remembered */
#define CLOSED_TTL apr_time_from_sec(15 * 60) /* a right that was given is seen after so long */

typedef struct agenda_t {
    const oc_room_t *room;
    oc_list_query_t list;
    oc_freebusy_query_t freebusy;
    oc_room_look_t *out;
} agenda_t;

enum { CALENDAR, DIGITS };

/* By the backend, too: one mailbox name on two servers is two rooms. */
static const char *memo_name(const oc_call_t *call, const oc_backend_t *be, const oc_room_t *room)
{
    return apr_pstrcat(call->pool, be->conf->name, " ", room->mailbox, NULL);
}

int oc_op_agenda_closed(const oc_call_t *call, const oc_backend_t *be, const oc_room_t *room)
{
    return call->memo && call->identity &&
           oc_memo_get(call->memo, call->pool, call->identity, CLOSED, memo_name(call, be, room));
}

static void calendar_start(oc_op_t *op)
{
    agenda_t *a = op->self;
    oc_op_verb_t *verb;

    if (oc_op_agenda_closed(op->call, op->be, a->room)) {
        oc_op_enter(op, DIGITS, "its calendar is known to be closed");
        return;
    }
    verb = oc_op_verb(op);
    oc_op_run(op, verb, op->be->vt->list(op->be, &verb->call, &a->list, &a->out->list));
}

static void calendar_done(oc_op_t *op)
{
    agenda_t *a = op->self;

    if (!a->out->list->unreadable) {
        oc_op_finish(op, "answered");
        return;
    }
    a->out->list = NULL;
    if (op->call->memo && op->call->identity) {
        oc_memo_put(op->call->memo, op->call->identity, CLOSED,
                    memo_name(op->call, op->be, a->room), "1", CLOSED_TTL);
    }
    oc_op_enter(op, DIGITS, "its calendar is closed");
}

static void digits_start(oc_op_t *op)
{
    agenda_t *a = op->self;
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->freebusy(op->be, &verb->call, &a->freebusy, &a->out->rows));
}

static void digits_done(oc_op_t *op)
{
    oc_op_finish(op, "answered");
}

static const oc_op_row_t rows[] = {{"ask its calendar", calendar_start, calendar_done, NULL, 0},
                                   {"ask its free/busy", digits_start, digits_done, NULL, 0}};
static const oc_op_machine_t machine = {"agenda", rows, NULL, NULL};

oc_job_t *oc_op_agenda(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       const char *room, oc_range_t range, int max, oc_room_look_t **out)
{
    agenda_t *a = apr_pcalloc(call->pool, sizeof(*a));

    *out = a->out = apr_pcalloc(call->pool, sizeof(**out));
    a->room = conf->rooms ? oc_room_find(conf->rooms, room) : NULL;
    if (!a->room) {
        oc_result_fail(&call->result, OC_REASON_UNKNOWN_ROOM, "no configured room");
        return NULL;
    }
    a->list.mailbox = a->room->mailbox;
    a->list.range = range;
    a->list.max = max;
    a->freebusy.slot = OC_OP_AGENDA_SLOT;
    a->freebusy.range = oc_range_align(range, OC_OP_AGENDA_SLOT);
    a->freebusy.who = apr_array_make(call->pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(a->freebusy.who, const char *) = a->room->address;
    return &oc_op_create(call, be, conf, &machine, a)->job;
}
