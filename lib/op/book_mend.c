/* book_mend.c - when booking did not go straight: finding out what stands, and putting it right.
 *
 * Also the ends of a booking, which say what stands when it is over.
 */
#include <string.h>

#include "op/book.h"

#define SENT_UNKNOWN                                                                             \
    OC_TEXT("The appointment stands in your calendar; whether the invitations were sent is not " \
            "known.")

/* What verbs are to act on: an older booking by this key may have been changed since. */
const oc_booking_t *oc_book_standing(const oc_book_t *b)
{
    return b->existed && b->found ? b->found : b->booking;
}

int oc_book_same(const oc_book_t *b, const oc_booking_t *other)
{
    return other && other->mark && !strcmp(other->mark, b->booking->mark);
}

/* ---- ends ---- */

void oc_book_end(oc_op_t *op, oc_state_t state, const char *why)
{
    oc_book_of(op)->act->state = state;
    oc_op_finish(op, why);
}

/* It stands: confirmed, or pending for that reason. */
void oc_book_end_standing(oc_op_t *op, const char *pending_why, const char *why)
{
    oc_book_t *b = oc_book_of(op);

    oc_result_clear(&op->call->result);
    b->act->booking = oc_verify_answers(op, &b->verify, b->found ? b->found : b->booking);
    b->act->pending_why = pending_why;
    if (b->verify.seen_sent) {
        b->act->told = OC_TOLD;
    }
    if (b->verify.evidence && b->verify.evidence->message_id) {
        b->act->message_id = b->verify.evidence->message_id;
    }
    oc_book_end(op, pending_why ? OC_STATE_PENDING : OC_STATE_CONFIRMED, why);
}

void oc_book_end_unknown(oc_op_t *op, const char *left_behind, const char *why)
{
    oc_book_t *b = oc_book_of(op);

    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, left_behind);
    b->act->left_behind = left_behind;
    b->act->booking = b->found ? b->found : b->booking;
    b->act->told = b->sent == OC_NO ? OC_TOLD_NOT : OC_TOLD_UNKNOWN;
    oc_book_end(op, OC_STATE_UNKNOWN, why);
}

/* Nothing of ours stands. */
void oc_book_end_undone(oc_op_t *op, const char *why)
{
    oc_book_t *b = oc_book_of(op);
    oc_reason_t reason;
    int conflict;

    oc_op_undone(op);
    reason = op->call->result.reason;
    conflict = reason == OC_REASON_ROOM_TAKEN || reason == OC_REASON_ATTENDEE_BUSY ||
               reason == OC_REASON_AVAILABILITY_UNKNOWN;
    if (b->noted) {
        oc_check_forget(op, NULL, b->booking->uid);
    }
    b->act->booking = NULL;
    b->act->told = b->undo.tries ? b->undo.told : OC_TOLD_NOBODY_TO_TELL;
    b->act->left_behind = b->undo.left;
    oc_book_end(op, conflict ? OC_STATE_CONFLICT : OC_STATE_FAILED, why);
}

static void end_left_behind(oc_op_t *op, const char *left_behind, const char *why)
{
    oc_book_t *b = oc_book_of(op);

    oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, left_behind);
    b->act->left_behind = left_behind;
    b->act->booking = b->found ? b->found : b->booking;
    oc_book_end(op, OC_STATE_FAILED, why);
}

void oc_book_end_foreign(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    oc_result_clear(&op->call->result);
    oc_op_fail(op, OC_REASON_KEY_CONFLICT, "another booking stands under this key");
    if (b->noted) {
        oc_check_forget(op, NULL, b->booking->uid);
        b->noted = 0;
    }
    oc_book_end(op, OC_STATE_FAILED, "key used for another booking");
}

/* ---- after a write ---- */

int oc_book_invites(const oc_book_t *b)
{
    return b->booking->attendees->nelts > 0;
}

/* The item stands and is this booking: go on from there. */
void oc_book_resume(oc_op_t *op, const char *why)
{
    oc_book_t *b = oc_book_of(op);

    b->looks = 0;
    if (b->existed) {
        oc_check_type_rooms(op, b->found);
        oc_check_touches(op, b->found); /* it is what the request is sent for, if it has to be */
        b->verify.booking = b->found;
        b->check.rooms = oc_check_rooms(op, b->found);
        b->verify.rooms = oc_check_invited(op, b->found);
    } else {
        b->booking->created = b->found ? b->found->created : 0;
        if (b->made && b->may_resume && oc_book_look_home(op, why)) {
            return;
        }
    }
    if (oc_book_invites(b)) {
        oc_op_enter(op, BOOK_RESUME, why);
    } else if (b->made && !b->may_resume) {
        oc_op_enter(op, BOOK_UNDO, why);
    } else {
        oc_book_end_standing(op, b->remark, why);
    }
}

int oc_book_look_home(oc_op_t *op, const char *why)
{
    oc_book_t *b = oc_book_of(op);

    if (!b->verify.home || b->looked_home || op->conf.conflict == OC_CONFLICT_ALLOW) {
        return 0;
    }
    b->looked_home = 1;
    oc_op_enter(op, BOOK_HOME, why);
    return 1;
}

static int again(oc_op_t *op)
{
    return oc_op_again(op, &oc_book_of(op)->looks, 0);
}

void oc_book_read_start(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    b->found = NULL;
    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, b->booking->item, &b->found));
}

void oc_book_look_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    /* Without any mark it is what a half-done write left, for nothing else bears this name. */
    if (b->found && b->found->mark && !oc_book_same(b, b->found)) {
        oc_book_end_foreign(op);
        return;
    }
    if (b->refused && oc_book_same(b, b->found)) {
        b->act->replayed = b->existed = 1;
    }
    b->made = !b->existed;
    b->may_resume = b->may_resume && oc_book_same(b, b->found);
    if (b->may_resume || b->existed) {
        oc_result_clear(&op->call->result);
    }
    oc_book_resume(op, "it stands");
}

void oc_book_look_fail(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    const oc_op_verb_t *verb = oc_op_nth(op, 0);
    int absent = verb->call.result.reason == OC_REASON_BOOKING_NOT_FOUND;

    if (absent && !b->may_resume) {
        oc_book_end_undone(op, "refused and not there"); /* it will not come later */
    } else if (oc_op_again(op, &b->looks, b->lost_at)) {
        return;
    } else if (absent) {
        oc_book_end_undone(op, "not there");
    } else {
        oc_book_end_unknown(
            op, OC_TEXT("The appointment may stand in your calendar; nobody was invited."),
            "cannot look");
    }
}

/* ---- did the request leave? ---- */

void oc_book_evidence_start(oc_op_t *op)
{
    oc_verify_start(op, &oc_book_of(op)->verify);
}

static void sent_unknown(oc_op_t *op, const char *why)
{
    oc_book_end_unknown(op, SENT_UNKNOWN, why);
}

void oc_book_resume_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    b->verify.evidence = b->verify.next;
    b->sent = oc_verify_sent(&b->verify);
    if (b->sent == OC_DONT_KNOW && again(op)) {
        return;
    }
    if (b->sent == OC_YES) {
        oc_result_clear(&op->call->result);
        b->act->told = OC_TOLD;
        oc_op_enter(op, BOOK_VERIFY, "the request left before");
    } else if (b->sent == OC_DONT_KNOW) {
        sent_unknown(op, "cannot tell whether the request left");
    } else if (b->made && !b->may_resume) {
        oc_op_enter(op, BOOK_UNDO, "half written");
    } else {
        oc_op_enter(op, BOOK_INVITE, "the request did not leave");
    }
}

void oc_book_doubt_fail(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    if (again(op)) {
        return;
    }
    oc_op_blame(op, oc_op_nth(op, 0));
    b->sent = OC_DONT_KNOW;
    sent_unknown(op, "cannot look");
}

void oc_book_sent_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    b->verify.evidence = b->verify.next;
    b->sent = oc_verify_sent(&b->verify);
    if (b->sent == OC_YES) {
        oc_result_clear(&op->call->result);
        b->act->told = OC_TOLD;
        b->verify.seen_sent = 1;
        oc_op_enter(op, BOOK_VERIFY, "it left");
    } else if (b->sent == OC_NO && b->verify.evidence->draft_left == OC_YES) {
        oc_op_enter(op, BOOK_UNDO, "the request lies unsent");
    } else if (!again(op)) {
        /* Not in Sent Items, nor among the drafts: sent without a copy, or taken back. */
        sent_unknown(op, "cannot tell whether it left");
    }
}

/* ---- undo ---- */

void oc_book_undo_start(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    if (!b->undo.tries) {
        b->undo.booking = oc_book_standing(b);
        b->undo.known = b->sent != OC_NO;
        b->undo.insist = 1;
        b->undo.reason = "The room is not available at that time.";
    }
    oc_undo_start(op, &b->undo);
}

void oc_book_undone_start(oc_op_t *op)
{
    oc_undo_look(op, &oc_book_of(op)->undo);
}

static void undo_on(oc_op_t *op, oc_undo_next_t next)
{
    oc_book_t *b = oc_book_of(op);

    switch (next) {
    case OC_UNDO_LOOK:
        oc_op_enter(op, BOOK_UNDONE, "no proof");
        break;
    case OC_UNDO_LOOK_LATER:
        oc_op_enter_later(op, BOOK_UNDONE, OC_UNDO_PAUSE, "not seen");
        break;
    case OC_UNDO_AGAIN:
        oc_op_enter(op, BOOK_UNDO, "it stands still");
        break;
    case OC_UNDO_GONE:
        oc_book_end_undone(op, "undone");
        break;
    case OC_UNDO_LEFT:
        b->act->told = b->undo.told;
        end_left_behind(op,
                        b->undo.left ? b->undo.left
                        : b->undo.known
                            ? OC_TEXT("The meeting still stands in your calendar.")
                            : OC_TEXT("The appointment still stands in your calendar; nobody was "
                              "invited."),
                        "it could not be undone");
        break;
    }
}

void oc_book_undo_ended(oc_op_t *op)
{
    undo_on(op, oc_undo_ended(op, &oc_book_of(op)->undo));
}

void oc_book_undone_looked(oc_op_t *op)
{
    undo_on(op, oc_undo_looked(op, &oc_book_of(op)->undo));
}

void oc_book_give_up(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    oc_act_t *act = b->act;

    act->booking = b->found ? b->found : b->booking;
    switch (op->state) {
    case BOOK_VERIFY:
    case BOOK_CONTEST:
        oc_result_clear(&op->call->result);
        act->booking = oc_verify_answers(op, &b->verify, b->found ? b->found : b->booking);
        act->pending_why = b->remark ? b->remark : OC_TEXT("the room has not answered");
        act->state = OC_STATE_PENDING;
        return;
    case BOOK_UNDO:
    case BOOK_UNDONE:
        act->left_behind =
            OC_TEXT("It could not be undone in time: the appointment may still stand in your "
            "calendar.");
        oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, act->left_behind);
        act->state = OC_STATE_FAILED;
        return;
    case BOOK_WRITE:
    case BOOK_LOOK:
    case BOOK_HOME:
        act->left_behind =
            OC_TEXT("The appointment may stand in your calendar; nobody was invited.");
        break;
    default:
        act->left_behind = SENT_UNKNOWN;
        act->told = OC_TOLD_UNKNOWN;
        break;
    }
    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, act->left_behind);
    act->state = OC_STATE_UNKNOWN;
}
