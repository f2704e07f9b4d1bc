/* cancel.c - the organizer calls a meeting off.
 *
 * The happy path: [read] it may be cancelled -> [cancel] attendees are told, the item goes -> over.
 *
 *   read     is it there, is it this person's, is it no series?
 *   cancel   the backend tells the attendees, then removes the item
 *   look     that was not proved: what stands now, and does a prepared message lie about?
 *   remove   the attendees were told, but the item stands still
 *
 * A cancellation is not sent again unless it is clear that it was not sent: nobody gets two.
 */
#include <apr_strings.h>

#include "op/check.h"

enum { READ, CANCEL, LOOK, LOOK_AGAIN, REMOVE };

#define LOOKS 3
#define LOOK_PAUSE (APR_USEC_PER_SEC / 2)

typedef struct cancel_t {
    oc_itemref_t item;
    const char *reason;
    oc_booking_t *booking;
    oc_change_t *change;   /* of the cancellation */
    oc_change_t *removal;
    oc_evidence_t *evidence;
    oc_act_t *act;
    int looks, removals;
} cancel_t;

static cancel_t *cancel_of(oc_op_t *op)
{
    return op->self;
}

static oc_told_t told_of(const cancel_t *c)
{
    return c->change ? c->change->told : OC_TOLD_UNKNOWN;
}

static void end(oc_op_t *op, oc_state_t state, const char *why)
{
    cancel_t *c = cancel_of(op);

    c->act->state = state;
    c->act->booking = c->booking;
    if (c->change) {
        c->act->way = c->change->way;
        c->act->message_id = c->change->message_id;
    }
    oc_op_finish(op, why);
}

static void end_cancelled(oc_op_t *op, oc_told_t told)
{
    cancel_t *c = cancel_of(op);

    oc_result_clear(&op->call->result);
    oc_check_forget(op, NULL, c->booking->uid);
    c->act->told = told;
    end(op, OC_STATE_CONFIRMED, "cancelled");
}

static void end_left_behind(oc_op_t *op, const char *left_behind)
{
    cancel_t *c = cancel_of(op);

    c->act->left_behind = c->change && c->change->left_behind ? c->change->left_behind : left_behind;
    c->act->told = told_of(c);
    oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, c->act->left_behind);
    end(op, OC_STATE_FAILED, "left behind");
}

static void end_unknown(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);

    c->act->left_behind = "The meeting may still stand in your calendar; the attendees may have been "
                          "told that it is cancelled.";
    c->act->told = OC_TOLD_UNKNOWN;
    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, c->act->left_behind);
    end(op, OC_STATE_UNKNOWN, "cannot look");
}

static void read_start(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, c->item, &c->booking));
}

static void read_done(oc_op_t *op)
{
    const oc_booking_t *b = cancel_of(op)->booking;

    if (!b->is_organizer) {
        oc_op_fail(op, OC_REASON_NOT_ORGANIZER, "somebody else's meeting");
        end(op, OC_STATE_FAILED, "not the organizer");
    } else if (b->instance != OC_INSTANCE_SINGLE) {
        oc_op_fail(op, OC_REASON_RECURRING, "part of a series");
        end(op, OC_STATE_FAILED, "recurring");
    } else {
        oc_op_enter(op, CANCEL, "may be cancelled");
    }
}

static void cancel_start(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb,
              op->be->vt->cancel(op->be, &verb->call, c->booking, c->reason, &c->change));
}

static void cancel_done(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);
    oc_told_t told = told_of(c);

    if (c->change && c->change->left_behind) {
        end_left_behind(op, c->change->left_behind);
    } else if (c->change && c->change->item_changed == OC_YES && told != OC_TOLD_NOT
               && told != OC_TOLD_UNKNOWN) {
        end_cancelled(op, told);
    } else {
        oc_op_enter(op, LOOK, "no proof");
    }
}

static void cancel_fail(oc_op_t *op)
{
    const oc_op_verb_t *verb = oc_op_nth(op, 0);

    oc_op_blame(op, verb);
    if (!verb->wrote) {
        cancel_of(op)->act->told = OC_TOLD_NOT;
        end(op, OC_STATE_FAILED, "nothing was done");
    } else {
        oc_op_enter(op, LOOK, verb->lost ? "reply lost" : "failed");
    }
}

static void look_start(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    c->evidence = NULL;
    oc_op_run(op, verb, op->be->vt->evidence(op->be, &verb->call, c->booking, 0, &c->evidence));
}

static int again(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);

    if (++c->looks >= LOOKS || oc_clock_mono() + LOOK_PAUSE >= op->hard) {
        return 0;
    }
    oc_op_enter(op, LOOK_AGAIN, "not seen");
    return 1;
}

static void look_done(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);
    const oc_evidence_t *e = c->evidence;
    oc_told_t told = told_of(c);

    /* A submission consumes the prepared message: where it is gone, it went out. */
    if (told == OC_TOLD_UNKNOWN && e->draft_left == OC_NO) {
        told = OC_TOLD_UNVERIFIED;
    }
    if (e->item == OC_DONT_KNOW || (told == OC_TOLD_UNKNOWN && e->draft_left == OC_DONT_KNOW)) {
        if (!again(op)) {
            end_unknown(op);
        }
    } else if (told == OC_TOLD_NOT || told == OC_TOLD_UNKNOWN) {
        if (e->item == OC_NO) {
            end_left_behind(op, "The meeting is gone from your calendar, but the attendees were not "
                                "told.");
        } else if (e->draft_left == OC_YES) {
            end_left_behind(op, "The meeting stands as before; a prepared cancellation lies among your "
                                "drafts.");
        } else {
            oc_op_fail(op, OC_REASON_UPSTREAM_ERROR, "nobody was told, the meeting stands");
            c->act->told = OC_TOLD_NOT;
            end(op, OC_STATE_FAILED, "it stands as before");
        }
    } else if (e->item == OC_NO) {
        end_cancelled(op, told);
    } else if (c->removals < 2) {
        oc_op_enter(op, REMOVE, "told, but it stands still");
    } else {
        end_left_behind(op, "The attendees were told that the meeting is cancelled, but it still stands "
                            "in your calendar.");
    }
}

static void look_fail(oc_op_t *op)
{
    if (!again(op)) {
        end_unknown(op);
    }
}

static void look_again_start(oc_op_t *op)
{
    oc_op_pause(op, LOOK_PAUSE);
}

static void look_again_done(oc_op_t *op)
{
    oc_op_enter(op, LOOK, "again");
}

static void remove_start(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    ++c->removals;
    oc_op_run(op, verb, op->be->vt->remove(op->be, &verb->call, c->booking, &c->removal));
}

static void remove_done(oc_op_t *op)
{
    cancel_t *c = cancel_of(op);

    c->looks = 0;
    oc_op_enter(op, LOOK, "removed");
}

static void give_up(oc_op_t *op)
{
    oc_act_t *act = cancel_of(op)->act;

    act->left_behind = "The meeting may still stand in your calendar; the attendees may have been told "
                       "that it is cancelled.";
    act->told = OC_TOLD_UNKNOWN;
    act->state = OC_STATE_UNKNOWN;
    act->booking = cancel_of(op)->booking;
    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, act->left_behind);
}

static const oc_op_row_t rows[] = {
    [READ] = { "read", read_start, read_done, NULL, 0 },
    [CANCEL] = { "cancel", cancel_start, cancel_done, cancel_fail, OC_OP_WRITES },
    [LOOK] = { "look", look_start, look_done, look_fail, OC_OP_REPAIRS },
    [LOOK_AGAIN] = { "look-again", look_again_start, look_again_done, NULL, OC_OP_REPAIRS },
    [REMOVE] = { "remove", remove_start, remove_done, remove_done, OC_OP_WRITES | OC_OP_REPAIRS },
};

static const oc_op_machine_t machine = { "cancel", rows, give_up, NULL };

oc_job_t *oc_op_cancel(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       oc_itemref_t item, const char *reason, oc_act_t **act)
{
    cancel_t *c = apr_pcalloc(call->pool, sizeof(*c));
    oc_op_t *op = oc_op_create(call, be, conf, &machine, c);

    *act = c->act = apr_pcalloc(call->pool, sizeof(*c->act));
    c->act->state = OC_STATE_FAILED;
    c->act->told = OC_TOLD_NOT;
    c->item = apr_pstrdup(call->pool, item);
    c->reason = reason ? apr_pstrdup(call->pool, reason) : NULL;
    return &op->job;
}
