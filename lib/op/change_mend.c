/* change_mend.c - when a change did not go straight: finding out what stands, and putting it right.
 *
 * Also the comparison of bookings, and the ends of a change, which say what stands when it is over.
 */
#include <string.h>
#include <apr_strings.h>

#include "op/change.h"

#define SUBJECT    1
#define TEXT       2
#define LOCATION   4
#define WHEN       OC_DIFFERS_WHEN
#define REMINDER   16
#define PEOPLE     32
#define ZONE       64
#define SENSITIVITY 128

oc_changing_t *oc_change_of(oc_op_t *op)
{
    return op->self;
}

/* ---- comparing ---- */

static int same_line(const char *a, const char *b)
{
    return !strcmp(a ? a : "", b ? b : "");
}

/* Servers change line ends and blanks at them. */
static int same_text(const char *a, const char *b)
{
    static const char blank[] = " \t\r\n";

    for (a = a ? a : "", b = b ? b : "";; ++a, ++b) {
        a += strspn(a, blank);
        b += strspn(b, blank);
        if (*a != *b) {
            return 0;
        }
        if (!*a) {
            return 1;
        }
    }
}

static int same_people(const apr_array_header_t *a, const apr_array_header_t *b)
{
    int i;

    if (a->nelts != b->nelts) {
        return 0;
    }
    for (i = 0; i < a->nelts; ++i) {
        const oc_attendee_t *one = &APR_ARRAY_IDX(a, i, oc_attendee_t);
        const oc_attendee_t *other = oc_attendee_find(b, one->address);
        if (!other || other->role != one->role) {
            return 0;
        }
    }
    return 1;
}

int oc_change_differences(const oc_booking_t *a, const oc_booking_t *b)
{
    return (same_line(a->subject, b->subject) ? 0 : SUBJECT) |
           (same_text(a->text, b->text) ? 0 : TEXT) |
           (same_line(a->location, b->location) ? 0 : LOCATION) |
           (a->when.start == b->when.start && a->when.end == b->when.end && a->all_day == b->all_day
                ? 0
                : WHEN) |
           (a->reminder == b->reminder ? 0 : REMINDER) |
           (a->sensitivity == b->sensitivity ? 0 : SENSITIVITY) |
           (same_people(a->attendees, b->attendees) ? 0 : PEOPLE) |
           (same_line(a->zone, b->zone) ? 0 : ZONE);
}

/* 1 if `found` has the values of `one` in all that the change is about. */
static int shows(const oc_changing_t *c, const oc_booking_t *found, const oc_booking_t *one)
{
    int about = c->diff & ~ZONE;

    return (oc_change_differences(found, one) & (about ? about : ZONE)) == 0;
}

/* ---- ends ---- */

void oc_change_end(oc_op_t *op, oc_state_t state, const char *why)
{
    oc_changing_t *c = oc_change_of(op);

    c->act->state = state;
    if (c->change) {
        c->act->way = c->change->way;
        c->act->message_id = c->act->message_id ? c->act->message_id : c->change->message_id;
    }
    oc_op_finish(op, why);
}

static oc_booking_t *now_standing(const oc_changing_t *c)
{
    return c->found ? c->found : c->change && c->change->booking ? c->change->booking : c->wanted;
}

/* The ledger as it was before: the booking stands with its old values. */
static void ledger_back(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    apr_array_header_t *old;
    oc_result_t ignored;

    if (!c->noted) {
        return;
    }
    oc_check_forget(op, NULL, c->was->uid);
    old = oc_check_rooms(op, c->was);
    oc_result_init(&ignored, op->call->pool);
    oc_check_note(op, old, c->was->when, c->was->uid, &ignored);
    c->noted = 0;
}

/* The change stands: rooms that were given up are free again. */
static void ledger_keep(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    apr_array_header_t *old = oc_check_invited(op, c->was);
    oc_result_t ignored;
    int i;

    for (i = 0; i < old->nelts; ++i) {
        const char *address = APR_ARRAY_IDX(old, i, const oc_attendee_t *)->address;
        if (!oc_attendee_find(c->wanted->attendees, address)) {
            oc_check_forget(op, address, c->was->uid);
        }
    }
    if (c->diff & WHEN && oc_check_home(op)) { /* time given back is free for others at once */
        oc_result_init(&ignored, op->call->pool);
        oc_check_note(op, c->rooms, c->wanted->when, c->was->uid, &ignored);
    }
}

/* What an update leaves unsaid: answers given before, of those whom the change does not concern. */
static void keep_answers(oc_changing_t *c)
{
    int i;

    for (i = 0; i < c->act->booking->attendees->nelts; ++i) {
        oc_attendee_t *a = &APR_ARRAY_IDX(c->act->booking->attendees, i, oc_attendee_t);
        const oc_attendee_t *before = oc_attendee_find(c->was->attendees, a->address);
        if (a->partstat == OC_PARTSTAT_UNKNOWN && before && !(c->diff & WHEN)) {
            a->partstat = before->partstat;
        }
    }
}

void oc_change_end_standing(oc_op_t *op, const char *pending_why, const char *why)
{
    oc_changing_t *c = oc_change_of(op);

    oc_result_clear(&op->call->result);
    ledger_keep(op);
    c->act->booking = oc_verify_answers(op, &c->verify, now_standing(c));
    keep_answers(c);
    c->act->pending_why = pending_why;
    c->act->not_done = c->change ? c->change->left_behind : NULL;
    if (c->verify.seen_sent) {
        c->act->told = OC_TOLD;
    }
    oc_change_end(op, pending_why ? OC_STATE_PENDING : OC_STATE_CONFIRMED, why);
}

void oc_change_end_not_told(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);

    oc_result_clear(&op->call->result);
    oc_op_fail(op, OC_REASON_NOT_TOLD, "no way of telling the attendees worked");
    ledger_keep(op);
    c->act->booking = now_standing(c);
    c->act->told = OC_TOLD_NOT;
    c->act->not_done = OC_TEXT("The attendees were not told of the change.");
    c->act->left_behind = c->change ? c->change->left_behind : NULL;
    oc_change_end(op, OC_STATE_PENDING, "not told");
}

void oc_change_end_unchanged(oc_op_t *op, const char *why)
{
    oc_changing_t *c = oc_change_of(op);
    oc_reason_t reason;

    oc_op_undone(op);
    reason = op->call->result.reason;
    ledger_back(op);
    c->act->booking = c->was;
    c->act->told = OC_TOLD_NOT;
    c->act->not_done = OC_TEXT("The booking stands as it was.");
    oc_change_end(op,
                  reason == OC_REASON_ROOM_TAKEN || reason == OC_REASON_AVAILABILITY_UNKNOWN
                      ? OC_STATE_CONFLICT
                      : OC_STATE_FAILED,
                  why);
}

void oc_change_end_unknown(oc_op_t *op, const char *left_behind, const char *why)
{
    oc_changing_t *c = oc_change_of(op);

    if (c->change && c->change->left_behind) {
        left_behind = apr_pstrcat(op->call->pool, left_behind, " ", c->change->left_behind, NULL);
    }
    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, left_behind);
    c->act->left_behind = left_behind;
    c->act->told = OC_TOLD_UNKNOWN;
    c->act->booking = c->found ? c->found : c->was;
    oc_change_end(op, OC_STATE_UNKNOWN, why);
}

static void end_left_behind(oc_op_t *op, const char *left_behind, const char *why)
{
    oc_changing_t *c = oc_change_of(op);

    oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, left_behind);
    c->act->left_behind = left_behind;
    c->act->booking = c->found ? c->found : now_standing(c);
    oc_change_end(op, OC_STATE_FAILED, why);
}

/* ---- look, told ---- */

static int again(oc_op_t *op)
{
    return oc_op_again(op, &oc_change_of(op)->looks, 0);
}

void oc_change_look_start(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    c->found = NULL;
    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, c->args.item, &c->found));
}

void oc_change_look_done(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);

    if (shows(c, c->found, c->wanted)) {
        c->looks = 0;
        if (c->change && c->change->told == OC_TOLD_NOT) {
            oc_change_end_not_told(op);
        } else if (c->was->attendees->nelts || c->wanted->attendees->nelts) {
            oc_op_enter(op, CHANGE_TOLD, "it has the new values");
        } else {
            c->act->told = OC_TOLD_NOBODY_TO_TELL;
            oc_change_updated(op, "it has the new values");
        }
    } else if (!shows(c, c->found, c->was)) {
        oc_change_end_unknown(
            op,
            OC_TEXT("The booking has neither its old nor its new values; look at your calendar."),
            "something else stands");
    } else if (!c->doubtful || !oc_op_again(op, &c->looks, c->lost_at)) {
        oc_op_fail(op, OC_REASON_UPSTREAM_ERROR, "the server did not change it");
        oc_change_end_unchanged(op, "it has the old values");
    }
}

void oc_change_look_fail(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);

    if (oc_op_nth(op, 0)->call.result.reason == OC_REASON_BOOKING_NOT_FOUND) {
        oc_op_fail_over(op, OC_REASON_BOOKING_NOT_FOUND, "it vanished while it was changed");
        oc_check_forget(op, NULL, c->was->uid);
        oc_change_end(op, OC_STATE_FAILED, "gone");
    } else if (!again(op)) {
        oc_change_end_unknown(
            op, OC_TEXT("Whether the booking was changed is not known; look at your calendar."),
            "cannot look");
    }
}

void oc_change_evidence_start(oc_op_t *op)
{
    oc_verify_start(op, &oc_change_of(op)->verify);
}

static void end_told_unknown(oc_op_t *op)
{
    oc_change_end_unknown(
        op,
        OC_TEXT("The booking has its new values; whether the attendees were told is not known."),
        "cannot tell");
}

void oc_change_told_done(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_tri_t sent;

    c->verify.evidence = c->verify.next;
    sent = oc_verify_sent(&c->verify);
    if (sent == OC_YES) {
        oc_result_clear(&op->call->result);
        c->verify.seen_sent = 1;
        c->act->told = OC_TOLD;
        oc_change_updated(op, "told");
    } else if (!again(op)) {
        if (sent == OC_NO) {
            oc_op_enter(op, CHANGE_COPIES, "no update was seen to leave");
        } else {
            end_told_unknown(op);
        }
    }
}

void oc_change_told_fail(oc_op_t *op)
{
    if (!again(op)) {
        end_told_unknown(op);
    }
}

void oc_change_copies_start(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->evidence(op->be, &verb->call, c->wanted, 0, &c->verify.next));
}

void oc_change_copies_done(oc_op_t *op)
{
    /* The copy of an earlier message of this meeting. */
    if (oc_change_of(op)->verify.next->message_id) {
        oc_change_end_not_told(op);
    } else {
        end_told_unknown(op);
    }
}

void oc_change_copies_fail(oc_op_t *op)
{
    end_told_unknown(op);
}

/* ---- restore ---- */

void oc_change_restore_start(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);
    oc_booking_t *now = oc_booking_copy(op->call->pool, c->wanted);
    oc_booking_t *old = oc_booking_copy(op->call->pool, c->was);

    /* A revision that was not read back is the old one: the backend has to look itself. */
    now->etag = now_standing(c)->etag;
    if (now->etag && c->was->etag && !strcmp(now->etag, c->was->etag)) {
        now->etag = NULL;
    }
    now->sequence = old->sequence = now_standing(c)->sequence;
    old->etag = now->etag;
    c->looks = 0;
    oc_op_run(op, verb, op->be->vt->update(op->be, &verb->call, now, old, &c->back));
}

static void put_back(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_told_t told = c->back ? c->back->told : OC_TOLD_UNKNOWN;

    c->found = c->found ? c->found : c->back && c->back->booking ? c->back->booking : c->was;
    if (told == OC_TOLD_NOT || told == OC_TOLD_UNKNOWN) {
        end_left_behind(
            op,
            OC_TEXT("The room declined. The old values stand in your calendar again, but the "
                    "attendees may not have been told so."),
            "put back, not told");
        return;
    }
    ledger_back(op);
    c->act->booking = c->found;
    c->act->told = told;
    c->act->not_done = OC_TEXT("The room declined the change; the old values were put back.");
    oc_change_end(op, OC_STATE_CONFLICT, "put back");
}

void oc_change_restore_done(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);

    c->found = NULL;
    if (c->back && c->back->item_changed == OC_YES) {
        put_back(op);
    } else {
        oc_op_enter(op, CHANGE_RESTORED, "no proof");
    }
}

void oc_change_restore_fail(oc_op_t *op)
{
    oc_op_blame(op, oc_op_nth(op, 0));
    oc_op_enter(op, CHANGE_RESTORED, "failed");
}

void oc_change_restored_done(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);

    if (shows(c, c->found, c->was)) {
        put_back(op);
    } else {
        end_left_behind(op,
                        OC_TEXT("The room declined, but the booking stands with its new values."),
                        "not put back");
    }
}

void oc_change_restored_fail(oc_op_t *op)
{
    end_left_behind(
        op,
        OC_TEXT("The room declined; whether the booking has its old or its new values is not "
                "known."),
        "cannot look");
}

void oc_change_give_up(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_act_t *act = c->act;

    act->booking = now_standing(c);
    if (op->state == CHANGE_VERIFY || op->state == CHANGE_CONTEST) {
        oc_result_clear(&op->call->result);
        act->state = OC_STATE_PENDING;
        act->pending_why = c->remark ? c->remark : OC_TEXT("the room has not answered");
        return;
    }
    if (op->state == CHANGE_RESTORE || op->state == CHANGE_RESTORED) {
        act->state = OC_STATE_FAILED;
        act->left_behind =
            OC_TEXT("The room declined, and the old values could not be put back in time.");
        oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, act->left_behind);
        return;
    }
    act->state = OC_STATE_UNKNOWN;
    act->told = OC_TOLD_UNKNOWN;
    act->left_behind =
        op->state == CHANGE_TOLD || op->state == CHANGE_COPIES
            ? OC_TEXT("The booking has its new values; whether the attendees were told is not "
              "known.")
            : OC_TEXT("Whether the booking was changed is not known; look at your calendar.");
    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, act->left_behind);
}
