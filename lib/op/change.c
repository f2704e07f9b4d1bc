/* change.c - the organizer changes a meeting.
 *
 * The happy path: [read] it may be changed -> [lease] the rooms -> [check] they are free, if the time
 * or the rooms change -> [update] the item is changed, the attendees are told -> [verify] until the
 * rooms have answered -> over.
 *
 *   look     the reply to the update was lost or bad: does the item show the new values?
 *   told     ... it does: were the attendees told?
 *   wait     a room has not answered yet
 *   contest  a room's calendar shows us and somebody else: who was first?
 *   restore  a room declined: the old values are put back, and the attendees told so
 *   restored the reply to that was lost or bad: what stands now?
 *
 * The item's revision guards against changing what somebody else changed meanwhile. Room answers given
 * before the update do not count.
 */
#include <string.h>
#include <apr_strings.h>

#include "op/check.h"
#include "op/verify.h"

enum {
    READ, LEASE, CHECK, UPDATE, LOOK, LOOK_AGAIN, TOLD, TOLD_AGAIN, VERIFY, WAIT, CONTEST, RESTORE,
    RESTORED
};

#define LOOKS 3
#define LOOK_PAUSE (APR_USEC_PER_SEC / 2)
#define LEASE_TRIES 10
#define LEASE_PAUSE (APR_USEC_PER_SEC / 5)
/* A server stamps the item and its messages by one clock, but not in one instant. */
#define STAMP_SLACK (2 * APR_USEC_PER_SEC)

/* What of two bookings differs. */
#define SUBJECT 1
#define TEXT 2
#define LOCATION 4
#define WHEN 8
#define REMINDER 16
#define PEOPLE 32
#define ZONE 64

typedef struct change_t {
    oc_change_args_t args;
    oc_booking_t *was, *wanted;
    oc_booking_t *found;
    int diff;
    oc_change_t *change;    /* of the update */
    oc_change_t *back;      /* of the restoring */
    oc_act_t *act;
    oc_check_t check;       /* its rooms: those that must be free */
    oc_verify_t verify;     /* its rooms: those that must answer */
    apr_array_header_t *rooms; /* of the wanted booking */
    int tries, looks;
    int noted;
    int lost;
    const char *remark;
} change_t;

static change_t *change_of(oc_op_t *op)
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

static int differences(const oc_booking_t *a, const oc_booking_t *b)
{
    return (same_line(a->subject, b->subject) ? 0 : SUBJECT)
           | (same_text(a->text, b->text) ? 0 : TEXT)
           | (same_line(a->location, b->location) ? 0 : LOCATION)
           | (a->when.start == b->when.start && a->when.end == b->when.end
                      && a->all_day == b->all_day
                  ? 0
                  : WHEN)
           | (a->reminder == b->reminder ? 0 : REMINDER)
           | (same_people(a->attendees, b->attendees) ? 0 : PEOPLE)
           | (same_line(a->zone, b->zone) ? 0 : ZONE);
}

/* 1 if `found` has the values of `one` in all that the change is about. */
static int shows(const change_t *c, const oc_booking_t *found, const oc_booking_t *one)
{
    int about = c->diff & ~ZONE;

    return (differences(found, one) & (about ? about : ZONE)) == 0;
}

/* ---- ends ---- */

static void end(oc_op_t *op, oc_state_t state, const char *why)
{
    change_t *c = change_of(op);

    c->act->state = state;
    if (c->change) {
        c->act->way = c->change->way;
        c->act->message_id = c->act->message_id ? c->act->message_id : c->change->message_id;
    }
    oc_op_finish(op, why);
}

static oc_booking_t *now_standing(const change_t *c)
{
    return c->change && c->change->booking ? c->change->booking : c->found ? c->found : c->wanted;
}

/* The ledger as it was before: the booking stands with its old values. */
static void ledger_back(oc_op_t *op)
{
    change_t *c = change_of(op);
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
    change_t *c = change_of(op);
    apr_array_header_t *old = oc_check_rooms(op, c->was);
    int i;

    for (i = 0; i < old->nelts; ++i) {
        const char *address = APR_ARRAY_IDX(old, i, const oc_attendee_t *)->address;
        if (!oc_attendee_find(c->wanted->attendees, address)) {
            oc_check_forget(op, address, c->was->uid);
        }
    }
}

static void end_standing(oc_op_t *op, const char *pending_why, const char *why)
{
    change_t *c = change_of(op);

    oc_result_clear(&op->call->result);
    ledger_keep(op);
    c->act->booking = oc_verify_answers(op, &c->verify, now_standing(c));
    c->act->pending_why = pending_why;
    if (c->verify.seen_sent) {
        c->act->told = OC_TOLD;
    }
    end(op, pending_why ? OC_STATE_PENDING : OC_STATE_CONFIRMED, why);
}

static void end_not_told(oc_op_t *op)
{
    change_t *c = change_of(op);

    oc_result_clear(&op->call->result);
    oc_op_fail(op, OC_REASON_NOT_TOLD, "no way of telling the attendees worked");
    ledger_keep(op);
    c->act->booking = now_standing(c);
    c->act->told = OC_TOLD_NOT;
    c->act->not_done = "The attendees were not told of the change.";
    c->act->left_behind = c->change ? c->change->left_behind : NULL;
    end(op, OC_STATE_PENDING, "not told");
}

static void end_unchanged(oc_op_t *op, const char *why)
{
    change_t *c = change_of(op);
    oc_reason_t reason = op->call->result.reason;

    ledger_back(op);
    c->act->booking = c->was;
    c->act->told = OC_TOLD_NOT;
    c->act->not_done = "The booking stands as it was.";
    end(op,
        reason == OC_REASON_ROOM_TAKEN || reason == OC_REASON_AVAILABILITY_UNKNOWN
            ? OC_STATE_CONFLICT
            : OC_STATE_FAILED,
        why);
}

static void end_unknown(oc_op_t *op, const char *left_behind, const char *why)
{
    change_t *c = change_of(op);

    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, left_behind);
    c->act->left_behind = left_behind;
    c->act->told = OC_TOLD_UNKNOWN;
    c->act->booking = c->found ? c->found : c->was;
    end(op, OC_STATE_UNKNOWN, why);
}

static void end_left_behind(oc_op_t *op, const char *left_behind, const char *why)
{
    change_t *c = change_of(op);

    oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, left_behind);
    c->act->left_behind = left_behind;
    c->act->booking = c->found ? c->found : now_standing(c);
    end(op, OC_STATE_FAILED, why);
}

static int concerned(const change_t *c, const char *address)
{
    int i;

    for (i = 0; i < c->verify.rooms->nelts; ++i) {
        if (oc_attendee_same(APR_ARRAY_IDX(c->verify.rooms, i, const oc_attendee_t *)->address,
                             address)) {
            return 1;
        }
    }
    return 0;
}

/* What rooms said before holds on where the change does not concern them. */
static const char *rooms_open(oc_op_t *op, const oc_booking_t *booking)
{
    const change_t *c = change_of(op);
    apr_array_header_t *rooms = oc_check_rooms(op, booking);
    int i;

    for (i = 0; i < rooms->nelts; ++i) {
        const oc_attendee_t *room = APR_ARRAY_IDX(rooms, i, const oc_attendee_t *);
        oc_partstat_t p = room->partstat;
        if (concerned(c, room->address)) {
            continue;
        }
        if (p == OC_PARTSTAT_DECLINED) {
            return "the room has declined";
        }
        if (p != OC_PARTSTAT_ACCEPTED) {
            return "the room has not answered";
        }
    }
    return NULL;
}

/* ---- read, lease, check ---- */

static void read_start(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, c->args.item, &c->was));
}

static oc_booking_t *merge(apr_pool_t *pool, const oc_booking_t *was, const oc_change_args_t *args)
{
    oc_booking_t *b = oc_booking_copy(pool, was);
    int i;

    b->subject = args->subject ? args->subject : b->subject;
    b->text = args->text ? args->text : b->text;
    b->location = args->location ? args->location : b->location;
    b->when = args->when.start ? args->when : b->when;
    b->all_day = args->all_day >= 0 ? args->all_day : b->all_day;
    b->zone = args->zone ? args->zone : b->zone;
    b->reminder = args->reminder >= -1 ? args->reminder : b->reminder;
    if (args->attendees) {
        b->attendees = apr_array_copy(pool, args->attendees);
        for (i = 0; i < b->attendees->nelts; ++i) {
            oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
            const oc_attendee_t *before = oc_attendee_find(was->attendees, a->address);
            a->partstat = before ? before->partstat : OC_PARTSTAT_NEEDS_ACTION;
        }
    }
    b->is_meeting = b->attendees->nelts > 0;
    return b;
}

/* Which rooms must be free and must answer: all if the time changes, else those that are new. */
static void concern(oc_op_t *op)
{
    change_t *c = change_of(op);
    int i;

    c->rooms = oc_check_rooms(op, c->wanted);
    c->check.rooms = apr_array_make(op->call->pool, 2, sizeof(const oc_attendee_t *));
    for (i = 0; i < c->rooms->nelts; ++i) {
        const oc_attendee_t *room = APR_ARRAY_IDX(c->rooms, i, const oc_attendee_t *);
        if (c->diff & WHEN || !oc_attendee_find(c->was->attendees, room->address)) {
            APR_ARRAY_PUSH(c->check.rooms, const oc_attendee_t *) = room;
        }
    }
    c->check.booking = c->wanted;
    c->check.own = c->was;
    c->verify.rooms = c->check.rooms;
    c->verify.booking = c->wanted;
}

static int refused(oc_op_t *op)
{
    const change_t *c = change_of(op);

    if (c->was->cancelled) {
        oc_op_fail(op, OC_REASON_BOOKING_NOT_FOUND, "it is cancelled");
    } else if (!c->was->is_organizer) {
        oc_op_fail(op, OC_REASON_NOT_ORGANIZER, "somebody else's meeting");
    } else if (c->was->instance != OC_INSTANCE_SINGLE) {
        oc_op_fail(op, OC_REASON_RECURRING, "part of a series");
    } else if (c->args.if_etag && (!c->was->etag || strcmp(c->args.if_etag, c->was->etag))) {
        oc_op_fail(op, OC_REASON_CHANGED_MEANWHILE, "it has another revision");
    } else {
        return 0;
    }
    return 1;
}

static void read_done(oc_op_t *op)
{
    change_t *c = change_of(op);

    c->wanted = merge(op->call->pool, c->was, &c->args);
    c->diff = differences(c->was, c->wanted);
    concern(op);
    if (refused(op)) {
        end_unchanged(op, "may not be changed");
    } else if (!oc_range_valid(c->wanted->when)) {
        oc_result_field(&op->call->result, OC_REASON_INVALID_INPUT, "end",
                        "the end must come after the start");
        end_unchanged(op, "bad time");
    } else if (c->rooms->nelts > OC_OP_MAX_ROOMS) {
        oc_result_field(&op->call->result, OC_REASON_TOO_MANY_ATTENDEES, "rooms",
                        "more than %d rooms in one booking", OC_OP_MAX_ROOMS);
        end_unchanged(op, "too many rooms");
    } else if (!c->diff) {
        const char *open = rooms_open(op, c->was);
        c->act->told = OC_TOLD_NOBODY_TO_TELL;
        c->act->booking = c->was;
        c->act->pending_why = open;
        end(op, open ? OC_STATE_PENDING : OC_STATE_CONFIRMED, "nothing to change");
    } else if (!c->check.rooms->nelts || op->conf.conflict == OC_CONFLICT_ALLOW) {
        oc_op_enter(op, UPDATE, "no room concerned");
    } else {
        oc_op_enter(op, LEASE, "rooms concerned");
    }
}

/* The rooms that were not named in the request could not be waited for on the request's thread. */
static void lease_start(oc_op_t *op)
{
    change_t *c = change_of(op);
    const char *keys[OC_LEASE_MAX_ROOMS];
    oc_result_t why;
    int i;

    oc_result_init(&why, op->call->pool);
    for (i = 0; i < c->rooms->nelts; ++i) {
        keys[i] = APR_ARRAY_IDX(c->rooms, i, const oc_attendee_t *)->address;
    }
    if (oc_op_lease(op, keys, i, 0, &why) == APR_SUCCESS) {
        oc_op_enter(op, CHECK, "leased");
    } else if (++c->tries >= LEASE_TRIES) {
        oc_op_fail(op, why.reason, why.detail);
        op->call->result.retry_after = why.retry_after;
        end_unchanged(op, "no lease");
    } else {
        oc_op_pause(op, LEASE_PAUSE);
    }
}

static void lease_done(oc_op_t *op)
{
    oc_op_enter(op, LEASE, "again");
}

static void check_start(oc_op_t *op)
{
    oc_check_start(op, &change_of(op)->check);
}

static void refuse(oc_op_t *op, oc_reason_t reason, const char *detail)
{
    change_t *c = change_of(op);

    c->act->clash_room = c->check.who;
    c->act->clash = c->check.clash;
    c->act->holder = c->check.holder;
    oc_op_fail(op, reason, detail);
    end_unchanged(op, "refused");
}

static void check_done(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_free_t free;

    if (!oc_check_judge(op, &c->check, &free)) {
        end_unchanged(op, "could not check");
    } else if (free == OC_FREE) {
        oc_op_enter(op, UPDATE, "free");
    } else if (free == OC_FREE_UNKNOWN && op->conf.unknown_refuse) {
        refuse(op, OC_REASON_AVAILABILITY_UNKNOWN, "no free/busy is known for that time");
    } else if (free == OC_FREE_UNKNOWN) {
        c->remark = "whether the room is free could not be checked";
        oc_op_enter(op, UPDATE, c->remark);
    } else if (op->conf.conflict == OC_CONFLICT_WARN) {
        c->remark = "the room was taken at that time";
        oc_op_enter(op, UPDATE, c->remark);
    } else {
        refuse(op, OC_REASON_ROOM_TAKEN, "taken before");
    }
}

/* ---- update ---- */

static void update_start(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    if (op->leased && !oc_lease_held(op->conf.leases, op->call->id, op->leased)) {
        oc_op_fail(op, OC_REASON_BUSY, "the lease of the room ran out before the change");
        end_unchanged(op, "lease lost");
        return;
    }
    if (c->check.rooms->nelts) {
        c->noted = 1;
        if (oc_check_note(op, c->rooms, c->wanted->when, c->was->uid, &op->call->result)) {
            end_unchanged(op, "ledger full");
            return;
        }
    }
    c->verify.since = oc_clock_wall() - STAMP_SLACK;
    oc_op_run(op, verb, op->be->vt->update(op->be, &verb->call, c->was, c->wanted, &c->change));
}

/* From here on the answers count that came after the update, by the server's clock. */
static void set_since(change_t *c, const oc_booking_t *now)
{
    if (now && now->modified) {
        c->verify.since = now->modified - STAMP_SLACK;
    }
}

static void updated(oc_op_t *op, const char *why)
{
    change_t *c = change_of(op);

    if (c->verify.rooms->nelts) {
        oc_op_enter(op, VERIFY, why);
    } else {
        end_standing(op, rooms_open(op, c->wanted), why);
    }
}

static void update_done(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_told_t told = c->change ? c->change->told : OC_TOLD_UNKNOWN;

    c->act->told = told;
    set_since(c, c->change ? c->change->booking : NULL);
    if (!c->change || c->change->item_changed != OC_YES) {
        oc_op_enter(op, LOOK, "no proof");
    } else if (told == OC_TOLD_NOT) {
        end_not_told(op);
    } else if (told == OC_TOLD_UNKNOWN) {
        oc_op_enter(op, TOLD, "not known whether told");
    } else {
        c->verify.seen_sent = told == OC_TOLD;
        updated(op, "updated");
    }
}

static void update_fail(oc_op_t *op)
{
    change_t *c = change_of(op);
    const oc_op_verb_t *verb = oc_op_nth(op, 0);

    oc_op_blame(op, verb);
    c->lost = verb->lost;
    if (!verb->wrote
        || (c->change && c->change->item_changed == OC_NO && c->change->told == OC_TOLD_NOT
            && !verb->lost)) {
        end_unchanged(op, "not changed");
    } else {
        oc_op_enter(op, LOOK, verb->lost ? "reply lost" : "failed");
    }
}

static int again(oc_op_t *op, int pause_state)
{
    change_t *c = change_of(op);

    if (++c->looks >= LOOKS || oc_clock_mono() + LOOK_PAUSE >= op->hard) {
        return 0;
    }
    oc_op_enter(op, pause_state, "not seen");
    return 1;
}

static void pause_start(oc_op_t *op)
{
    oc_op_pause(op, LOOK_PAUSE);
}

static void look_start(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    c->found = NULL;
    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, c->args.item, &c->found));
}

static void look_done(oc_op_t *op)
{
    change_t *c = change_of(op);

    if (shows(c, c->found, c->wanted)) {
        set_since(c, c->found);
        c->looks = 0;
        if (c->change && c->change->told == OC_TOLD_NOT && !c->lost) {
            end_not_told(op);
        } else if (c->was->attendees->nelts || c->wanted->attendees->nelts) {
            oc_op_enter(op, TOLD, "it has the new values");
        } else {
            c->act->told = OC_TOLD_NOBODY_TO_TELL;
            end_standing(op, NULL, "it has the new values");
        }
    } else if (!shows(c, c->found, c->was)) {
        end_unknown(op, "The booking has neither its old nor its new values; look at your calendar.",
                    "something else stands");
    } else if (!c->lost || !again(op, LOOK_AGAIN)) {
        oc_op_fail(op, OC_REASON_UPSTREAM_ERROR, "the server did not change it");
        end_unchanged(op, "it has the old values");
    }
}

static void look_fail(oc_op_t *op)
{
    change_t *c = change_of(op);

    if (oc_op_nth(op, 0)->call.result.reason == OC_REASON_BOOKING_NOT_FOUND) {
        oc_op_fail_over(op, OC_REASON_BOOKING_NOT_FOUND, "it vanished while it was changed");
        oc_check_forget(op, NULL, c->was->uid);
        end(op, OC_STATE_FAILED, "gone");
    } else if (!again(op, LOOK_AGAIN)) {
        end_unknown(op, "Whether the booking was changed is not known; look at your calendar.",
                    "cannot look");
    }
}

static void look_again_done(oc_op_t *op)
{
    oc_op_enter(op, LOOK, "again");
}

static void evidence_start(oc_op_t *op)
{
    oc_verify_start(op, &change_of(op)->verify);
}

static void told_done(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_tri_t sent;

    c->verify.evidence = c->verify.next;
    sent = oc_verify_sent(&c->verify);
    if (sent == OC_YES) {
        oc_result_clear(&op->call->result);
        c->verify.seen_sent = 1;
        c->act->told = OC_TOLD;
        updated(op, "told");
    } else if (!again(op, TOLD_AGAIN)) {
        if (sent == OC_NO) {
            end_not_told(op);
        } else {
            end_unknown(op, "The booking has its new values; whether the attendees were told is not "
                            "known.", "cannot tell");
        }
    }
}

static void told_fail(oc_op_t *op)
{
    if (!again(op, TOLD_AGAIN)) {
        end_unknown(op, "The booking has its new values; whether the attendees were told is not known.",
                    "cannot look");
    }
}

static void told_again_done(oc_op_t *op)
{
    oc_op_enter(op, TOLD, "again");
}

/* ---- verify ---- */

static void end_open(oc_op_t *op)
{
    change_t *c = change_of(op);

    end_standing(op,
                 c->remark                                     ? c->remark
                 : c->verify.answer == OC_PARTSTAT_TENTATIVE   ? "the room has accepted provisionally"
                                                               : "the room has not answered",
                 "no answer");
}

static void room_lost(oc_op_t *op)
{
    change_t *c = change_of(op);

    c->act->clash_room = c->verify.who;
    c->act->holder = c->verify.holder;
    c->act->clash = c->verify.clash;
    if (op->conf.conflict != OC_CONFLICT_REFUSE) {
        end_standing(op, c->verify.holder ? "somebody else has the room" : "the room has declined",
                     "room lost, left standing");
        return;
    }
    oc_op_fail(op, OC_REASON_ROOM_TAKEN,
               c->verify.holder ? "somebody else was faster" : "the room declined");
    oc_op_enter(op, RESTORE, "room lost");
}

static void verdict(oc_op_t *op, oc_verdict_t v)
{
    change_t *c = change_of(op);
    int wait = oc_verify_may_wait(op, &c->verify);

    if (v == OC_VERDICT_CONFIRMED) {
        end_standing(op, rooms_open(op, c->wanted), "confirmed");
    } else if (v == OC_VERDICT_LOST) {
        room_lost(op);
    } else if (v == OC_VERDICT_CONTESTED) {
        oc_op_enter(op, CONTEST, "two hold the room");
    } else if (wait) {
        oc_op_enter(op, WAIT, "no answer yet");
    } else if (v == OC_VERDICT_NOT_SENT) {
        end_not_told(op);
    } else if (v == OC_VERDICT_NO_ITEM) {
        end_unknown(op, "The booking is not in your calendar any more.", "it is gone");
    } else {
        end_open(op);
    }
}

static void verify_done(oc_op_t *op)
{
    verdict(op, oc_verify_judge(op, &change_of(op)->verify));
}

static void verify_fail(oc_op_t *op)
{
    verdict(op, OC_VERDICT_OPEN);
}

static void wait_start(oc_op_t *op)
{
    oc_verify_wait(op, &change_of(op)->verify);
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
    oc_verify_contest(op, &change_of(op)->verify);
}

static void contest_done(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_verdict_t v;

    if (oc_verify_yields(op, &c->verify)) {
        room_lost(op);
        return;
    }
    v = oc_verify_judge(op, &c->verify);
    verdict(op, v == OC_VERDICT_CONTESTED ? OC_VERDICT_OPEN : v);
}

/* ---- restore ---- */

static void restore_start(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);
    oc_booking_t *now = oc_booking_copy(op->call->pool, c->wanted);
    oc_booking_t *old = oc_booking_copy(op->call->pool, c->was);

    now->etag = now_standing(c) == c->wanted ? NULL : now_standing(c)->etag;
    now->sequence = old->sequence = now_standing(c)->sequence;
    old->etag = now->etag;
    c->looks = 0;
    oc_op_run(op, verb, op->be->vt->update(op->be, &verb->call, now, old, &c->back));
}

static void put_back(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_told_t told = c->back ? c->back->told : OC_TOLD_UNKNOWN;

    c->found = c->back && c->back->booking ? c->back->booking : c->found ? c->found : c->was;
    if (told == OC_TOLD_NOT || told == OC_TOLD_UNKNOWN) {
        end_left_behind(op, "The room declined. The old values stand in your calendar again, but the "
                            "attendees may not have been told so.", "put back, not told");
        return;
    }
    ledger_back(op);
    c->act->booking = c->found;
    c->act->told = told;
    c->act->not_done = "The room declined the change; the old values were put back.";
    end(op, OC_STATE_CONFLICT, "put back");
}

static void restore_done(oc_op_t *op)
{
    change_t *c = change_of(op);

    c->found = NULL;
    if (c->back && c->back->item_changed == OC_YES) {
        put_back(op);
    } else {
        oc_op_enter(op, RESTORED, "no proof");
    }
}

static void restore_fail(oc_op_t *op)
{
    oc_op_blame(op, oc_op_nth(op, 0));
    oc_op_enter(op, RESTORED, "failed");
}

static void restored_done(oc_op_t *op)
{
    change_t *c = change_of(op);

    if (shows(c, c->found, c->was)) {
        put_back(op);
    } else {
        end_left_behind(op, "The room declined, but the booking stands with its new values.",
                        "not put back");
    }
}

static void restored_fail(oc_op_t *op)
{
    end_left_behind(op, "The room declined; whether the booking has its old or its new values is not "
                        "known.", "cannot look");
}

static void give_up(oc_op_t *op)
{
    change_t *c = change_of(op);
    oc_act_t *act = c->act;

    act->booking = now_standing(c);
    if (op->state == VERIFY || op->state == WAIT || op->state == CONTEST) {
        oc_result_clear(&op->call->result);
        act->state = OC_STATE_PENDING;
        act->pending_why = c->remark ? c->remark : "the room has not answered";
        return;
    }
    if (op->state == RESTORE || op->state == RESTORED) {
        act->state = OC_STATE_FAILED;
        act->left_behind = "The room declined, and the old values could not be put back in time.";
        oc_op_fail_over(op, OC_REASON_LEFT_BEHIND, act->left_behind);
        return;
    }
    act->state = OC_STATE_UNKNOWN;
    act->told = OC_TOLD_UNKNOWN;
    act->left_behind = op->state == TOLD || op->state == TOLD_AGAIN
                           ? "The booking has its new values; whether the attendees were told is not "
                             "known."
                           : "Whether the booking was changed is not known; look at your calendar.";
    oc_op_fail_over(op, OC_REASON_OUTCOME_UNKNOWN, act->left_behind);
}

static const oc_op_row_t rows[] = {
    [READ] = { "read", read_start, read_done, NULL, 0 },
    [LEASE] = { "lease", lease_start, lease_done, NULL, 0 },
    [CHECK] = { "check", check_start, check_done, check_done, 0 },
    [UPDATE] = { "update", update_start, update_done, update_fail, OC_OP_WRITES },
    [LOOK] = { "look", look_start, look_done, look_fail, OC_OP_REPAIRS },
    [LOOK_AGAIN] = { "look-again", pause_start, look_again_done, NULL, OC_OP_REPAIRS },
    [TOLD] = { "told", evidence_start, told_done, told_fail, OC_OP_REPAIRS },
    [TOLD_AGAIN] = { "told-again", pause_start, told_again_done, NULL, OC_OP_REPAIRS },
    [VERIFY] = { "verify", evidence_start, verify_done, verify_fail, 0 },
    [WAIT] = { "wait", wait_start, wait_done, NULL, 0 },
    [CONTEST] = { "contest", contest_start, contest_done, verify_fail, 0 },
    [RESTORE] = { "restore", restore_start, restore_done, restore_fail,
                  OC_OP_WRITES | OC_OP_REPAIRS },
    [RESTORED] = { "restored", look_start, restored_done, restored_fail, OC_OP_REPAIRS },
};

/* Only the rooms that the request names can be waited for before anything was read. */
static apr_status_t prepare(oc_op_t *op, oc_result_t *res)
{
    const change_t *c = change_of(op);
    oc_booking_t given;
    apr_array_header_t *rooms;
    const char *keys[OC_LEASE_MAX_ROOMS];
    int i;

    if (!c->args.attendees || op->conf.conflict == OC_CONFLICT_ALLOW) {
        return APR_SUCCESS;
    }
    memset(&given, 0, sizeof(given));
    given.attendees = c->args.attendees;
    rooms = oc_check_rooms(op, &given);
    if (rooms->nelts > OC_OP_MAX_ROOMS) {
        return oc_result_field(res, OC_REASON_TOO_MANY_ATTENDEES, "rooms",
                               "more than %d rooms in one booking", OC_OP_MAX_ROOMS);
    }
    for (i = 0; i < rooms->nelts; ++i) {
        keys[i] = APR_ARRAY_IDX(rooms, i, const oc_attendee_t *)->address;
    }
    return oc_op_lease(op, keys, i, 1, res);
}

static const oc_op_machine_t machine = { "change", rows, give_up, prepare };

static const char *copied(apr_pool_t *pool, const char *s)
{
    return s ? apr_pstrdup(pool, s) : NULL;
}

oc_job_t *oc_op_change(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       const oc_change_args_t *args, oc_act_t **act)
{
    change_t *c = apr_pcalloc(call->pool, sizeof(*c));
    oc_op_t *op = oc_op_create(call, be, conf, &machine, c);

    *act = c->act = apr_pcalloc(call->pool, sizeof(*c->act));
    c->act->state = OC_STATE_FAILED;
    c->act->told = OC_TOLD_NOT;
    c->args = *args;
    c->args.item = copied(call->pool, args->item);
    c->args.subject = copied(call->pool, args->subject);
    c->args.text = copied(call->pool, args->text);
    c->args.location = copied(call->pool, args->location);
    c->args.zone = copied(call->pool, args->zone);
    c->args.if_etag = copied(call->pool, args->if_etag);
    if (args->attendees) {
        oc_booking_t carrier;
        memset(&carrier, 0, sizeof(carrier));
        carrier.attendees = args->attendees;
        c->args.attendees = oc_booking_copy(call->pool, &carrier)->attendees;
    }
    return &op->job;
}
