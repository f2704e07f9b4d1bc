/* cancel.c - the organizer calls a meeting off.
 *
 * The happy path: [read] it may be cancelled -> [cancel] attendees are told, the item goes -> over.
 *
 *   look   that was not proved: what stands now, did the cancellation leave? (undo.h)
 */
#include <string.h>
#include <apr_strings.h>

#include "op/check.h"
#include "op/undo.h"

enum { READ, CANCEL, LOOK };

typedef struct cancel_t {
    oc_itemref_t item;
    oc_booking_t *booking;
    oc_undo_t undo;
    oc_act_t *act;
} cancel_t;

static cancel_t *cancel_of(oc_op_t *op)
{
    return op->self;
}

static void end(oc_op_t *op, oc_state_t state, const char *why)
{
    cancel_t *c = cancel_of(op);

    c->act->state = state;
    c->act->booking = c->booking;
    c->act->told = c->undo.told;
    c->act->way = c->undo.way;
    c->act->message_id = c->undo.message_id;
    c->act->left_behind = c->undo.left;
    oc_op_finish(op, why);
}

static void read_start(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, c->item, &c->booking));
}

static void read_done(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);

    if (!c->booking->is_organizer) {
        oc_op_fail(op, OC_REASON_NOT_ORGANIZER, "somebody else's meeting");
        end(op, OC_STATE_FAILED, "not the organizer");
    } else if (c->booking->instance != OC_INSTANCE_SINGLE) {
        oc_op_fail(op, OC_REASON_RECURRING, "part of a series");
        end(op, OC_STATE_FAILED, "recurring");
    } else {
        oc_check_touches(op, c->booking);
        c->undo.booking = c->booking;
        c->undo.known = 1; /* the backend knows best whether there is anybody to tell */
        oc_op_enter(op, CANCEL, "may be cancelled");
    }
}

static void cancel_start(oc_op_t *op)
{
    oc_undo_start(op, &cancel_of(op)->undo);
}

static void look_start(oc_op_t *op)
{
    oc_undo_look(op, &cancel_of(op)->undo);
}

static void go_on(oc_op_t *op, oc_undo_next_t next)
{
    cancel_t *c = cancel_of(op);
    oc_undo_t *u = &c->undo;

    switch (next) {
    case OC_UNDO_LOOK:
        oc_op_enter(op, LOOK, "no proof");
        break;
    case OC_UNDO_LOOK_LATER:
        oc_op_enter_later(op, LOOK, OC_UNDO_PAUSE, "not seen");
        break;
    case OC_UNDO_AGAIN:
        oc_op_enter(op, CANCEL, u->known ? "nobody was told" : "told, but it stands still");
        break;
    case OC_UNDO_GONE:
        oc_result_clear(&op->call->result);
        oc_check_forget(op, NULL, c->booking->uid);
        end(op, OC_STATE_CONFIRMED, "cancelled");
        break;
    case OC_UNDO_LEFT:
        if (!u->acted) {
            u->left = NULL;
            end(op, OC_STATE_FAILED, "nothing was done");
        } else if (u->stands == OC_DONT_KNOW || u->told == OC_TOLD_UNKNOWN) {
            oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, u->left);
            end(op, OC_STATE_UNKNOWN, "not known");
        } else if (u->stands == OC_YES && u->told == OC_TOLD_NOT &&
                   u->evidence->draft_left != OC_YES) {
            u->left = NULL;
            oc_op_undone(op);
            end(op, OC_STATE_FAILED, "it stands as before");
        } else {
            oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, u->left);
            end(op, OC_STATE_FAILED, "left behind");
        }
        break;
    }
}

static void cancel_ended(oc_op_t *op)
{
    go_on(op, oc_undo_ended(op, &cancel_of(op)->undo));
}

static void looked(oc_op_t *op)
{
    go_on(op, oc_undo_looked(op, &cancel_of(op)->undo));
}

static void give_up(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);

    c->act->left_behind =
        OC_TEXT("The meeting may still stand in your calendar; the attendees may have been "
        "told that it is cancelled.");
    c->act->told = OC_TOLD_UNKNOWN;
    c->act->state = OC_STATE_UNKNOWN;
    c->act->booking = c->booking;
    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, c->act->left_behind);
}

static const oc_op_row_t rows[] = {
    [READ] = {"read", read_start, read_done, NULL, 0},
    [CANCEL] = {"cancel", cancel_start, cancel_ended, cancel_ended, OC_OP_WRITES},
    [LOOK] = {"look", look_start, looked, looked, OC_OP_REPAIRS},
};

#define KEY_BYTES 200

/* Of two cancellations of one meeting, as a double click sends them, the second waits and then
 * finds that it is gone: nobody gets two messages. */
static apr_status_t prepare(oc_op_t *op, oc_result_t *res)
{
    const char *mailbox = op->call->mailbox ? op->call->mailbox : "";
    const char *key = apr_pstrcat(op->call->pool, mailbox, "/", cancel_of(op)->item, NULL);
    apr_size_t n = strlen(key);

    key += n > KEY_BYTES ? n - KEY_BYTES : 0; /* of a longer one the end tells items apart */
    return oc_op_lease(op, &key, 1, 1, res);
}

static const oc_op_machine_t machine = {"cancel", rows, give_up, prepare};

oc_job_t *oc_op_cancel(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       oc_itemref_t item, const char *reason, oc_act_t **act)
{
    cancel_t *c = apr_pcalloc(call->pool, sizeof(*c));
    oc_op_t *op = oc_op_create(call, be, conf, &machine, c);

    *act = c->act = apr_pcalloc(call->pool, sizeof(*c->act));
    c->act->state = OC_STATE_FAILED;
    c->act->told = c->undo.told = OC_TOLD_NOT;
    c->item = apr_pstrdup(call->pool, item);
    c->undo.reason = reason ? apr_pstrdup(call->pool, reason) : NULL;
    return &op->job;
}
