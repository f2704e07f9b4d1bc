/* book.c - booking a meeting, with or without people and rooms.
 *
 * The happy path: [check] free -> [write] the organizer's item -> [invite] the request goes out ->
 * [verify] until the room has answered -> over.
 *
 *   check    free/busy, room calendars and ledger, with the rooms leased
 *   replay   about to refuse: was this very booking made before? (then it is what blocks the room)
 *   write    the ledger is noted, then the item is created under a name that follows from the key
 *   look     the reply to that was lost or bad: does the item stand?
 *   resume   it stood there already, or may have: did the request leave?
 *   invite   the request is sent
 *   sent     the reply to that was lost or bad: did it leave?
 *   verify   the room's answer, the room's calendar
 *   wait     ... again in a while
 *   contest  the room's calendar shows us and somebody else: who was first?
 *   undo     somebody else was faster, or it failed half-way: cancel if the request left, else remove
 *   undone   the reply to that was lost or bad: what stands now?
 *
 * Nothing is ever sent twice without having looked. What could not be found out is reported as
 * unknown, what could not be undone as left behind.
 */
#include <string.h>
#include <apr_strings.h>

#include "base/crypto.h"
#include "op/check.h"
#include "op/verify.h"

enum {
    CHECK, REPLAY, WRITE, LOOK, LOOK_AGAIN, RESUME, RESUME_AGAIN, INVITE, SENT, SENT_AGAIN, VERIFY,
    WAIT, CONTEST, UNDO, UNDONE
};

#define LOOKS 3                             /* after a lost reply: the server may still be at it */
#define LOOK_PAUSE (APR_USEC_PER_SEC / 2)

typedef struct book_t {
    oc_booking_t *booking;   /* what is to stand */
    oc_booking_t *found;     /* what was found standing */
    oc_act_t *act;
    oc_check_t check;
    oc_verify_t verify;
    int random_seed;
    int existed;
    oc_change_t *change;     /* of the verb under way */
    int noted;               /* the ledger was noted by this operation */
    int made;                /* 1: the item is (or may be) of this operation's making */
    int may_resume;          /* what failed was a reply, not the server's refusal */
    oc_tri_t sent;           /* the request left */
    int looks;
    int undoing;             /* 1: by cancelling, 0: by removing */
    int undos;
    int undo_acted;          /* that verb may have done something */
    const char *remark;      /* why it can be no more than pending, unless the room says yes */
} book_t;

static book_t *book_of(oc_op_t *op)
{
    return op->self;
}

/* What verbs are to act on: an older booking by this key may have been changed since. */
static const oc_booking_t *standing(const book_t *b)
{
    return b->existed && b->found ? b->found : b->booking;
}

/* ---- ends ---- */

static void end(oc_op_t *op, oc_state_t state, const char *why)
{
    book_of(op)->act->state = state;
    oc_op_finish(op, why);
}

/* It stands: confirmed, or pending for that reason. */
static void end_standing(oc_op_t *op, const char *pending_why, const char *why)
{
    book_t *b = book_of(op);

    oc_result_clear(&op->call->result);
    b->act->booking = oc_verify_answers(op, &b->verify, b->found ? b->found : b->booking);
    b->act->pending_why = pending_why;
    if (b->verify.seen_sent) {
        b->act->told = OC_TOLD;
    }
    if (b->verify.evidence && b->verify.evidence->message_id) {
        b->act->message_id = b->verify.evidence->message_id;
    }
    end(op, pending_why ? OC_STATE_PENDING : OC_STATE_CONFIRMED, why);
}

static void end_unknown(oc_op_t *op, const char *left_behind, const char *why)
{
    book_t *b = book_of(op);

    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, left_behind);
    b->act->left_behind = left_behind;
    b->act->booking = b->found ? b->found : b->booking;
    b->act->told = b->sent == OC_NO ? OC_TOLD_NOT : OC_TOLD_UNKNOWN;
    end(op, OC_STATE_UNKNOWN, why);
}

/* Nothing of ours stands. */
static void end_undone(oc_op_t *op, const char *why)
{
    book_t *b = book_of(op);
    oc_reason_t reason = op->call->result.reason;
    int conflict = reason == OC_REASON_ROOM_TAKEN || reason == OC_REASON_ATTENDEE_BUSY
                   || reason == OC_REASON_AVAILABILITY_UNKNOWN;

    if (b->noted) {
        oc_check_forget(op, NULL, b->booking->uid);
    }
    b->act->booking = NULL;
    b->act->told = b->undos && b->undoing && b->change ? b->change->told : OC_TOLD_NOBODY_TO_TELL;
    end(op, conflict ? OC_STATE_CONFLICT : OC_STATE_FAILED, why);
}

static void end_left_behind(oc_op_t *op, const char *left_behind, const char *why)
{
    book_t *b = book_of(op);

    oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, left_behind);
    b->act->left_behind = left_behind;
    b->act->booking = b->found ? b->found : b->booking;
    end(op, OC_STATE_FAILED, why);
}

static void end_foreign(oc_op_t *op)
{
    book_t *b = book_of(op);

    oc_result_clear(&op->call->result);
    oc_op_fail(op, OC_REASON_KEY_CONFLICT, "another booking stands under this key");
    if (b->noted) {
        oc_check_forget(op, NULL, b->booking->uid);
        b->noted = 0;
    }
    end(op, OC_STATE_FAILED, "key used for another booking");
}

/* ---- common judgements ---- */

static int invites(const book_t *b)
{
    return b->booking->attendees->nelts > 0;
}

static int same_mark(const book_t *b, const oc_booking_t *other)
{
    return other && other->mark && !strcmp(other->mark, b->booking->mark);
}

/* The item stands and is this booking: go on from there. */
static void resume(oc_op_t *op, const char *why)
{
    book_t *b = book_of(op);

    b->looks = 0;
    if (b->existed) {
        b->verify.booking = b->found;
        b->verify.rooms = b->check.rooms = oc_check_rooms(op, b->found);
    }
    if (invites(b)) {
        oc_op_enter(op, RESUME, why);
    } else if (b->made && !b->may_resume) {
        oc_op_enter(op, UNDO, why);
    } else {
        end_standing(op, NULL, why);
    }
}

/* To look again after a pause; 0: often enough, or no time. */
static int again(oc_op_t *op, int pause_state)
{
    book_t *b = book_of(op);

    if (++b->looks >= LOOKS || oc_clock_mono() + LOOK_PAUSE >= op->hard) {
        return 0;
    }
    oc_op_enter(op, pause_state, "not seen");
    return 1;
}

static void pause_start(oc_op_t *op)
{
    oc_op_pause(op, LOOK_PAUSE);
}

/* Somebody else has the room, now that ours stands. */
static void room_lost(oc_op_t *op)
{
    book_t *b = book_of(op);
    oc_act_t *act = b->act;

    act->clash_room = b->verify.who;
    act->holder = b->verify.holder;
    act->clash = b->verify.clash;
    if (!b->made || op->conf.conflict != OC_CONFLICT_REFUSE) {
        end_standing(op, b->verify.holder ? "somebody else has the room" : "the room has declined",
                     "room lost, left standing");
        return;
    }
    oc_op_fail(op, OC_REASON_ROOM_TAKEN,
               b->verify.holder ? "somebody else was faster" : "the room declined");
    b->sent = OC_YES;
    oc_op_enter(op, UNDO, "room lost");
}

/* ---- check ---- */

static void check_start(oc_op_t *op)
{
    book_t *b = book_of(op);

    if (op->conf.conflict == OC_CONFLICT_ALLOW) {
        oc_op_enter(op, WRITE, "unchecked");
    } else {
        oc_check_start(op, &b->check);
    }
}

static void refuse(oc_op_t *op, oc_reason_t reason, const char *detail)
{
    book_t *b = book_of(op);

    b->act->clash_room = b->check.who;
    b->act->clash = b->check.clash;
    b->act->holder = b->check.holder;
    oc_op_fail(op, reason, detail);
    if (b->random_seed) {
        end_undone(op, "refused");
    } else {
        oc_op_enter(op, REPLAY, "taken");
    }
}

static void check_done(oc_op_t *op)
{
    book_t *b = book_of(op);
    int warn = op->conf.conflict == OC_CONFLICT_WARN;
    oc_free_t free;

    if (!oc_check_judge(op, &b->check, &free)) {
        end_undone(op, "could not check");
        return;
    }
    switch (free) {
    case OC_FREE:
        oc_op_enter(op, WRITE, "free");
        return;
    case OC_FREE_UNKNOWN:
        if (op->conf.unknown_refuse) {
            refuse(op, OC_REASON_AVAILABILITY_UNKNOWN, "no free/busy is known for that time");
            return;
        }
        b->remark = "whether the room is free could not be checked";
        break;
    case OC_FREE_ROOM_TAKEN:
        if (!warn) {
            refuse(op, OC_REASON_ROOM_TAKEN, "taken before");
            return;
        }
        b->remark = "the room was taken at that time";
        break;
    case OC_FREE_PERSON_BUSY:
        if (!warn) {
            refuse(op, OC_REASON_ATTENDEE_BUSY, "a required attendee is busy");
            return;
        }
        b->remark = "somebody is not free at that time";
        break;
    }
    oc_op_enter(op, WRITE, b->remark);
}

static void read_start(oc_op_t *op)
{
    book_t *b = book_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    b->found = NULL;
    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, b->booking->item, &b->found));
}

static void replay_done(oc_op_t *op)
{
    book_t *b = book_of(op);

    if (!same_mark(b, b->found)) {
        end_foreign(op);
        return;
    }
    oc_result_clear(&op->call->result);
    memset(&b->act->clash, 0, sizeof(b->act->clash));
    b->act->clash_room = NULL;
    b->act->holder = NULL;
    b->act->replayed = b->existed = 1;
    resume(op, "booked before");
}

static void replay_fail(oc_op_t *op)
{
    end_undone(op, "refused");
}

/* ---- write ---- */

static void write_start(oc_op_t *op)
{
    book_t *b = book_of(op);
    const apr_array_header_t *rooms = b->check.rooms;
    oc_op_verb_t *verb = oc_op_verb(op);
    int i, known = 0;

    b->existed = 0;
    b->found = NULL;
    if (op->leased && !oc_lease_held(op->conf.leases, op->call->id, op->leased)) {
        oc_op_fail(op, OC_REASON_BUSY, "the lease of the room ran out before the booking");
        end_undone(op, "lease lost");
        return;
    }
    /* An entry that is there already is that of an earlier booking by this key: it stays as it is. */
    for (i = 0; op->conf.leases && i < rooms->nelts; ++i) {
        known |= oc_ledger_has(op->conf.leases, op->be->conf->name,
                               APR_ARRAY_IDX(rooms, i, const oc_attendee_t *)->address,
                               b->booking->uid);
    }
    if (!known) {
        b->noted = 1;
        if (oc_check_note(op, rooms, b->booking->when, b->booking->uid, &op->call->result)) {
            end_undone(op, "ledger full");
            return;
        }
    }
    oc_op_run(op, verb,
              op->be->vt->create(op->be, &verb->call, b->booking, &b->existed, &b->found));
}

static void write_done(oc_op_t *op)
{
    book_t *b = book_of(op);

    if (b->existed && !b->found) {
        b->may_resume = 1;
        b->looks = 0;
        oc_op_enter(op, LOOK, "something stands there");
    } else if (b->existed && !same_mark(b, b->found)) {
        end_foreign(op);
    } else if (b->existed) {
        b->act->replayed = 1;
        resume(op, "booked before");
    } else {
        b->made = 1;
        if (!b->noted
            && oc_check_note(op, b->check.rooms, b->booking->when, b->booking->uid,
                             &op->call->result) == APR_SUCCESS) {
            b->noted = 1;
        }
        oc_result_clear(&op->call->result);
        if (invites(b)) {
            oc_op_enter(op, INVITE, "written");
        } else {
            b->act->told = OC_TOLD_NOBODY_TO_TELL;
            end_standing(op, NULL, "written");
        }
    }
}

static void write_fail(oc_op_t *op)
{
    book_t *b = book_of(op);
    const oc_op_verb_t *verb = oc_op_nth(op, 0);

    oc_op_blame(op, verb);
    if (!verb->wrote) {
        end_undone(op, "not written");
        return;
    }
    b->may_resume = verb->lost;
    b->looks = 0;
    oc_op_enter(op, LOOK, verb->lost ? "reply lost" : "failed");
}

static void look_done(oc_op_t *op)
{
    book_t *b = book_of(op);

    /* Without any mark it is what a half-done write left, for nothing else bears this name. */
    if (b->found && b->found->mark && !same_mark(b, b->found)) {
        end_foreign(op);
        return;
    }
    b->made = !b->existed;
    b->may_resume = b->may_resume && same_mark(b, b->found);
    if (b->may_resume) {
        oc_result_clear(&op->call->result);
    }
    resume(op, "it stands");
}

static void look_fail(oc_op_t *op)
{
    book_t *b = book_of(op);
    const oc_op_verb_t *verb = oc_op_nth(op, 0);
    int absent = verb->call.result.reason == OC_REASON_BOOKING_NOT_FOUND;

    if (absent && !b->may_resume) {
        end_undone(op, "refused and not there"); /* the server said no: it will not come later */
    } else if (again(op, LOOK_AGAIN)) {
        return;
    } else if (absent) {
        end_undone(op, "not there");
    } else {
        end_unknown(op, "The appointment may stand in your calendar; nobody was invited.",
                    "cannot look");
    }
}

static void look_again_done(oc_op_t *op)
{
    oc_op_enter(op, LOOK, "again");
}

/* ---- resume, invite ---- */

static void evidence_start(oc_op_t *op)
{
    oc_verify_start(op, &book_of(op)->verify);
}

static void verify_done(oc_op_t *op);

static void resume_done(oc_op_t *op)
{
    book_t *b = book_of(op);

    b->verify.evidence = b->verify.next;
    b->sent = oc_verify_sent(&b->verify);
    if (b->sent == OC_DONT_KNOW && again(op, RESUME_AGAIN)) {
        return;
    }
    if (b->sent == OC_YES) {
        oc_result_clear(&op->call->result);
        b->act->told = OC_TOLD;
        oc_op_enter(op, VERIFY, "the request left before");
    } else if (b->sent == OC_DONT_KNOW) {
        end_unknown(op, "The appointment stands in your calendar; whether the invitations were sent "
                        "is not known.", "cannot tell whether the request left");
    } else if (b->made && !b->may_resume) {
        oc_op_enter(op, UNDO, "half written");
    } else {
        oc_op_enter(op, INVITE, "the request did not leave");
    }
}

static void resume_fail(oc_op_t *op)
{
    book_t *b = book_of(op);

    if (again(op, RESUME_AGAIN)) {
        return;
    }
    oc_op_blame(op, oc_op_nth(op, 0));
    b->sent = OC_DONT_KNOW;
    end_unknown(op, "The appointment stands in your calendar; whether the invitations were sent is "
                    "not known.", "cannot look");
}

static void resume_again_done(oc_op_t *op)
{
    oc_op_enter(op, RESUME, "again");
}

static void invite_start(oc_op_t *op)
{
    book_t *b = book_of(op);
    oc_op_verb_t *verb;

    b->sent = OC_NO;
    if (oc_op_late(op)) {
        oc_op_fail(op, OC_REASON_UPSTREAM_TIMEOUT, "no time was left to invite");
        if (b->made) {
            oc_op_enter(op, UNDO, "too late");
        } else {
            end_unknown(op, "The appointment stands in your calendar; nobody was invited.",
                        "too late");
        }
        return;
    }
    b->made = 1; /* from here on it is this operation that answers for it */
    b->change = NULL;
    verb = oc_op_verb(op);
    oc_op_run(op, verb, op->be->vt->invite(op->be, &verb->call, standing(b), &b->change));
}

static void invite_done(oc_op_t *op)
{
    book_t *b = book_of(op);
    oc_told_t told = b->change ? b->change->told : OC_TOLD_UNVERIFIED;

    b->looks = 0;
    b->act->told = told;
    if (b->change) {
        b->act->way = b->change->way;
        b->act->message_id = b->change->message_id;
    }
    if (told == OC_TOLD_NOT) {
        oc_op_fail(op, OC_REASON_UPSTREAM_ERROR, "the request was not sent");
        oc_op_enter(op, UNDO, "not sent");
    } else if (told == OC_TOLD_UNKNOWN) {
        oc_op_fail(op, OC_REASON_OUTCOME_UNKNOWN, "whether the request was sent is not known");
        oc_op_enter(op, SENT, "not known whether sent");
    } else {
        b->sent = told == OC_TOLD_UNVERIFIED ? OC_DONT_KNOW : OC_YES;
        b->verify.seen_sent = told == OC_TOLD;
        if (told == OC_TOLD && !b->check.rooms->nelts) {
            end_standing(op, b->remark, "sent");
        } else {
            oc_op_enter(op, VERIFY, "sent");
        }
    }
}

static void invite_fail(oc_op_t *op)
{
    book_t *b = book_of(op);
    const oc_op_verb_t *verb = oc_op_nth(op, 0);

    oc_op_blame(op, verb);
    b->looks = 0;
    if (!verb->wrote || (b->change && b->change->told == OC_TOLD_NOT && !verb->lost)) {
        b->sent = OC_NO;
        oc_op_enter(op, UNDO, "not sent");
    } else {
        oc_op_enter(op, SENT, verb->lost ? "reply lost" : "failed");
    }
}

static void sent_done(oc_op_t *op)
{
    book_t *b = book_of(op);

    b->verify.evidence = b->verify.next;
    b->sent = oc_verify_sent(&b->verify);
    if (b->sent == OC_YES) {
        oc_result_clear(&op->call->result);
        b->act->told = OC_TOLD;
        b->verify.seen_sent = 1;
        oc_op_enter(op, VERIFY, "it left");
    } else if (b->sent == OC_NO && b->verify.evidence->draft_left == OC_YES) {
        oc_op_enter(op, UNDO, "the request lies unsent");
    } else if (again(op, SENT_AGAIN)) {
        return;
    } else if (b->sent == OC_NO) {
        oc_op_enter(op, UNDO, "it did not leave");
    } else {
        end_unknown(op, "The appointment stands in your calendar; whether the invitations were sent "
                        "is not known.", "cannot tell whether it left");
    }
}

static void sent_fail(oc_op_t *op)
{
    book_t *b = book_of(op);

    if (again(op, SENT_AGAIN)) {
        return;
    }
    b->sent = OC_DONT_KNOW;
    end_unknown(op, "The appointment stands in your calendar; whether the invitations were sent is "
                    "not known.", "cannot look");
}

static void sent_again_done(oc_op_t *op)
{
    oc_op_enter(op, SENT, "again");
}

/* ---- verify ---- */

/* What stands without the room having said yes. */
static void end_open(oc_op_t *op)
{
    book_t *b = book_of(op);
    const char *why = b->remark;

    if (!why && b->check.rooms->nelts) {
        why = b->verify.answer == OC_PARTSTAT_TENTATIVE ? "the room has accepted provisionally"
                                                        : "the room has not answered";
    }
    if (!b->check.rooms->nelts && !b->verify.seen_sent) {
        b->act->told = OC_TOLD_UNVERIFIED;
        why = why ? why : "whether the invitations were sent could not be seen";
    }
    end_standing(op, why, "no answer");
}

static void verify_start(oc_op_t *op)
{
    /* The ledger guards the room from here on: nobody need wait while the room makes up its mind. */
    oc_op_unlease(op);
    evidence_start(op);
}

static void verdict(oc_op_t *op, oc_verdict_t v)
{
    book_t *b = book_of(op);

    switch (v) {
    case OC_VERDICT_CONFIRMED:
        end_standing(op, NULL, "confirmed");
        break;
    case OC_VERDICT_LOST:
        room_lost(op);
        break;
    case OC_VERDICT_CONTESTED:
        oc_op_enter(op, CONTEST, "two hold the room");
        break;
    case OC_VERDICT_OPEN:
        if (oc_verify_may_wait(op, &b->verify)) {
            oc_op_enter(op, WAIT, "no answer yet");
        } else {
            end_open(op);
        }
        break;
    case OC_VERDICT_NOT_SENT:
        if (oc_verify_may_wait(op, &b->verify)) {
            oc_op_enter(op, WAIT, "not seen to leave");
        } else if (b->made) {
            b->sent = OC_NO;
            oc_op_fail(op, OC_REASON_UPSTREAM_ERROR, "the request was not sent");
            oc_op_enter(op, UNDO, "the request lies unsent");
        } else {
            end_open(op);
        }
        break;
    case OC_VERDICT_NO_ITEM:
        if (oc_verify_may_wait(op, &b->verify)) {
            oc_op_enter(op, WAIT, "not seen");
        } else {
            end_unknown(op, "The appointment is not in your calendar any more; the invitations may "
                            "have been sent.", "it is gone");
        }
        break;
    }
}

static void verify_done(oc_op_t *op)
{
    verdict(op, oc_verify_judge(op, &book_of(op)->verify));
}

static void verify_fail(oc_op_t *op)
{
    book_t *b = book_of(op);

    if (oc_verify_may_wait(op, &b->verify)) {
        oc_op_enter(op, WAIT, "cannot look");
    } else {
        end_open(op);
    }
}

static void wait_start(oc_op_t *op)
{
    oc_verify_wait(op, &book_of(op)->verify);
}

static void wait_done(oc_op_t *op)
{
    if (oc_op_late(op)) {
        end_open(op);
    } else {
        oc_op_enter(op, VERIFY, "again");
    }
}

static void contest_start(oc_op_t *op)
{
    oc_verify_contest(op, &book_of(op)->verify);
}

static void contest_done(oc_op_t *op)
{
    book_t *b = book_of(op);
    oc_verdict_t v;

    if (oc_verify_yields(op, &b->verify)) {
        room_lost(op);
        return;
    }
    v = oc_verify_judge(op, &b->verify);
    verdict(op, v == OC_VERDICT_CONTESTED ? OC_VERDICT_OPEN : v);
}

static void contest_fail(oc_op_t *op)
{
    verdict(op, OC_VERDICT_OPEN);
}

/* ---- undo ---- */

static void undo_start(oc_op_t *op)
{
    book_t *b = book_of(op);
    const oc_booking_t *what = standing(b);
    oc_op_verb_t *verb = oc_op_verb(op);

    ++b->undos;
    b->change = NULL;
    b->undoing = b->sent != OC_NO;
    oc_op_run(op, verb,
              b->undoing ? op->be->vt->cancel(op->be, &verb->call, what,
                                              "The room is not available at that time.", &b->change)
                         : op->be->vt->remove(op->be, &verb->call, what, &b->change));
}

static void undo_done(oc_op_t *op)
{
    const oc_change_t *change = book_of(op)->change;

    book_of(op)->undo_acted = 1;
    if (change && change->left_behind) {
        end_left_behind(op, change->left_behind, "left behind");
    } else if (change && change->item_changed == OC_YES) {
        end_undone(op, "undone");
    } else {
        oc_op_enter(op, UNDONE, "no proof");
    }
}

static void undo_fail(oc_op_t *op)
{
    const oc_op_verb_t *verb = oc_op_nth(op, 0);

    book_of(op)->undo_acted = verb->wrote;
    oc_op_blame(op, verb);
    oc_op_enter(op, UNDONE, "failed");
}

/* What a verb said, and what the drafts say where it did not know. */
static int all_told(const book_t *b, const oc_evidence_t *e)
{
    oc_told_t told = b->change ? b->change->told : OC_TOLD_UNKNOWN;

    return told == OC_TOLD || told == OC_TOLD_UNVERIFIED || told == OC_TOLD_NOBODY_TO_TELL
           || (told == OC_TOLD_UNKNOWN && b->undo_acted && e->draft_left == OC_NO);
}

static void undone_done(oc_op_t *op)
{
    book_t *b = book_of(op);
    const oc_evidence_t *e = b->verify.next;
    int told = !b->undoing || all_told(b, e), stands = e->item != OC_NO;
    int untold = b->change && b->change->told == OC_TOLD_NOT;
    const char *left = b->change ? b->change->left_behind : NULL;

    if (!stands && told && e->draft_left != OC_YES) {
        end_undone(op, "gone");
        return;
    }
    /* Once more, now that it is clear what for: the cancellation does not go out twice. */
    if (b->undos < 2 && e->item != OC_DONT_KNOW && (stands || !b->undoing)
        && (told || untold || !b->undo_acted || e->draft_left == OC_YES)) {
        b->sent = told ? OC_NO : b->sent;
        oc_op_enter(op, UNDO, stands ? "it stands still" : "a draft is left");
        return;
    }
    if (!left) {
        left = !stands && told ? "A prepared message still lies among your drafts."
               : !stands       ? "The appointment is gone from your calendar, but the attendees may "
                                 "not have been told."
               : told          ? "The appointment still stands in your calendar, but for nobody else."
               : untold        ? "The meeting still stands in your calendar, and the attendees were not "
                                 "told of its cancellation."
                               : "The meeting still stands in your calendar; whether the attendees "
                                 "were told of its cancellation is not known.";
    }
    end_left_behind(op, left, "it could not be undone");
}

static void undone_fail(oc_op_t *op)
{
    end_left_behind(op, "The appointment may still stand in your calendar.", "cannot look");
}

static void give_up(oc_op_t *op)
{
    book_t *b = book_of(op);
    oc_act_t *act = b->act;

    act->booking = b->found ? b->found : b->booking;
    switch (op->state) {
    case VERIFY:
    case WAIT:
    case CONTEST:
        oc_result_clear(&op->call->result);
        act->booking = oc_verify_answers(op, &b->verify, b->found ? b->found : b->booking);
        act->pending_why = b->remark ? b->remark : "the room has not answered";
        act->state = OC_STATE_PENDING;
        return;
    case UNDO:
    case UNDONE:
        act->left_behind = "It could not be undone in time: the appointment may still stand in your "
                           "calendar.";
        oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, act->left_behind);
        act->state = OC_STATE_FAILED;
        return;
    case WRITE:
    case LOOK:
    case LOOK_AGAIN:
        act->left_behind = "The appointment may stand in your calendar; nobody was invited.";
        break;
    default:
        act->left_behind = "The appointment stands in your calendar; whether the invitations were "
                           "sent is not known.";
        act->told = OC_TOLD_UNKNOWN;
        break;
    }
    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, act->left_behind);
    act->state = OC_STATE_UNKNOWN;
}

static const oc_op_row_t rows[] = {
    [CHECK] = { "check", check_start, check_done, check_done, 0 },
    [REPLAY] = { "replay", read_start, replay_done, replay_fail, 0 },
    [WRITE] = { "write", write_start, write_done, write_fail, OC_OP_WRITES },
    [LOOK] = { "look", read_start, look_done, look_fail, OC_OP_REPAIRS },
    [LOOK_AGAIN] = { "look-again", pause_start, look_again_done, NULL, OC_OP_REPAIRS },
    [RESUME] = { "resume", evidence_start, resume_done, resume_fail, OC_OP_REPAIRS },
    [RESUME_AGAIN] = { "resume-again", pause_start, resume_again_done, NULL, OC_OP_REPAIRS },
    [INVITE] = { "invite", invite_start, invite_done, invite_fail, OC_OP_WRITES },
    [SENT] = { "sent", evidence_start, sent_done, sent_fail, OC_OP_REPAIRS },
    [SENT_AGAIN] = { "sent-again", pause_start, sent_again_done, NULL, OC_OP_REPAIRS },
    [VERIFY] = { "verify", verify_start, verify_done, verify_fail, 0 },
    [WAIT] = { "wait", wait_start, wait_done, NULL, 0 },
    [CONTEST] = { "contest", contest_start, contest_done, contest_fail, 0 },
    [UNDO] = { "undo", undo_start, undo_done, undo_fail, OC_OP_WRITES | OC_OP_REPAIRS },
    [UNDONE] = { "undone", evidence_start, undone_done, undone_fail, OC_OP_REPAIRS },
};

/* The booking itself is leased with its rooms: of two requests with one key, sent side by side, the
 * second waits and then finds what the first has done. */
static apr_status_t prepare(oc_op_t *op, oc_result_t *res)
{
    const book_t *b = book_of(op);
    const char *keys[OC_LEASE_MAX_ROOMS];
    int i, n = 0;

    keys[n++] = b->booking->uid;
    for (i = 0; op->conf.conflict != OC_CONFLICT_ALLOW && i < b->check.rooms->nelts; ++i) {
        keys[n++] = APR_ARRAY_IDX(b->check.rooms, i, const oc_attendee_t *)->address;
    }
    return oc_op_lease(op, keys, n, 1, res);
}

static const oc_op_machine_t machine = { "book", rows, give_up, prepare };

/* A fingerprint of what was asked for, keyed by the seed: two requests with one key are the same
 * booking if it is the same, and it tells nobody else anything. */
static const char *fingerprint(apr_pool_t *pool, const oc_booking_t *b, const unsigned char seed[32])
{
    apr_array_header_t *strings = apr_array_make(pool, 24, sizeof(const char *));
    oc_secret_t key;
    const char *mark;
    int i;

    memset(&key, 0, sizeof(key));
    memcpy(key.key[0], seed, 32);
    key.len[0] = 32;
    APR_ARRAY_PUSH(strings, const char *) = "booking1";
    APR_ARRAY_PUSH(strings, const char *) = b->subject;
    APR_ARRAY_PUSH(strings, const char *) = b->text;
    APR_ARRAY_PUSH(strings, const char *) = b->location;
    APR_ARRAY_PUSH(strings, const char *) = b->zone;
    APR_ARRAY_PUSH(strings, const char *) =
        apr_psprintf(pool, "%" APR_TIME_T_FMT " %" APR_TIME_T_FMT " %d %d %d %d", b->when.start,
                     b->when.end, b->all_day, (int)b->busy, b->reminder, (int)b->sensitivity);
    for (i = 0; i < b->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        APR_ARRAY_PUSH(strings, const char *) = apr_psprintf(pool, "%d", (int)a->role);
        APR_ARRAY_PUSH(strings, const char *) = a->address;
    }
    mark = oc_crypto_sign(pool, &key, 12, (const char *const *)strings->elts, strings->nelts);
    memset(&key, 0, sizeof(key));
    return mark;
}

oc_job_t *oc_op_book(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                     const oc_book_args_t *args, oc_act_t **act)
{
    book_t *b = apr_pcalloc(call->pool, sizeof(*b));
    oc_op_t *op = oc_op_create(call, be, conf, &machine, b);

    *act = b->act = apr_pcalloc(call->pool, sizeof(*b->act));
    b->act->state = OC_STATE_FAILED;
    b->booking = oc_booking_copy(call->pool, args->booking);
    b->booking->item = be->vt->item_of(be, call->pool, args->seed);
    b->booking->uid = be->vt->uid_of(be, call->pool, args->seed);
    b->booking->is_organizer = 1;
    b->booking->is_meeting = b->booking->attendees->nelts > 0;
    if (!b->booking->mark) {
        b->booking->mark = fingerprint(call->pool, b->booking, args->seed);
    }
    if (!b->booking->item || !b->booking->uid || !b->booking->mark) {
        oc_result_fail(&call->result, OC_REASON_INTERNAL, "no name can be made for the booking");
        return NULL;
    }
    b->random_seed = args->random_seed;
    b->sent = OC_NO;
    b->check.booking = b->booking;
    b->check.rooms = oc_check_rooms(op, b->booking);
    b->check.people = args->check_people;
    if (b->check.rooms->nelts > OC_OP_MAX_ROOMS) {
        oc_result_field(&call->result, OC_REASON_TOO_MANY_ATTENDEES, "rooms",
                        "more than %d rooms in one booking", OC_OP_MAX_ROOMS);
        return NULL;
    }
    b->verify.booking = b->booking;
    b->verify.rooms = b->check.rooms;
    return &op->job;
}
