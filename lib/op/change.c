/* change.c - the organizer changes a meeting.
 *
 * The happy path: [read] it may be changed -> [lease] the rooms -> [check] they are free, if the
 * time or the rooms change -> [update] the item is changed, the attendees are told -> [verify]
 * until the rooms have answered -> over.
 *
 *   look     the reply to the update was lost or bad: does the item show the new values?
 *   told     ... it does: were the attendees told?
 *   copies   ... it seems not: but are copies of sent messages kept at all, to tell by?
 *   home     one acts in a room's own calendar: did somebody else book what it takes more?
 *   contest  a room's calendar shows us and somebody else: who was first?
 *   restore  a room declined: the old values are put back, and the attendees told so
 *   restored the reply to that was lost or bad: what stands now?
 *
 * The item's revision guards against changing what somebody else changed meanwhile. Room answers
 * given before the update do not count.
 */
#include <string.h>
#include <apr_strings.h>

#include "op/change.h"

#define LEASE_TRIES 10
#define LEASE_PAUSE (APR_USEC_PER_SEC / 5)

/* ---- read, lease, check ---- */

static int concerned(const oc_changing_t *c, const char *address)
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
const char *oc_change_rooms_open(oc_op_t *op, const oc_booking_t *booking)
{
    const oc_changing_t *c = oc_change_of(op);
    apr_array_header_t *rooms = oc_check_rooms(op, booking);
    int i;

    for (i = 0; i < rooms->nelts; ++i) {
        const oc_attendee_t *room = APR_ARRAY_IDX(rooms, i, const oc_attendee_t *);
        oc_partstat_t p = room->partstat;
        if (concerned(c, room->address)) {
            continue;
        }
        if (p == OC_PARTSTAT_DECLINED) {
            return OC_TEXT("the room has declined");
        }
        if (p != OC_PARTSTAT_ACCEPTED) {
            return OC_TEXT("the room has not answered");
        }
    }
    return NULL;
}

static void read_start(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, c->args.item, &c->was));
}

/* What a form of the configured rooms has no way to name. */
static void keep_resources(const oc_op_t *op, const oc_booking_t *was, oc_booking_t *b)
{
    for (int i = 0; i < was->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(was->attendees, i, oc_attendee_t);
        if (a->role == OC_ROLE_RESOURCE && !oc_room_by_address(op->conf.rooms, a->address) &&
            !oc_attendee_find(b->attendees, a->address)) {
            APR_ARRAY_PUSH(b->attendees, oc_attendee_t) = *a;
        }
    }
}

static oc_booking_t *merge(const oc_op_t *op, const oc_booking_t *was, const oc_change_args_t *args)
{
    apr_pool_t *pool = op->call->pool;
    oc_booking_t *b = oc_booking_copy(pool, was);
    int i;

    b->subject = args->subject ? args->subject : b->subject;
    b->text = args->text ? args->text : b->text;
    b->location = args->location ? args->location : b->location;
    b->when = args->when.start ? args->when : b->when;
    b->all_day = args->all_day >= 0 ? args->all_day : b->all_day;
    b->zone = args->zone ? args->zone : b->zone;
    b->reminder = args->reminder >= -1 ? args->reminder : b->reminder;
    if (args->private < 0) {
        b->sensitivity = OC_SENSITIVITY_NORMAL;
    } else if (args->private > 0 && b->sensitivity == OC_SENSITIVITY_NORMAL) {
        b->sensitivity = OC_SENSITIVITY_PRIVATE; /* what is confidential stays so */
    }
    if (args->attendees) {
        b->attendees = apr_array_copy(pool, args->attendees);
        for (i = 0; i < b->attendees->nelts; ++i) {
            oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
            const oc_attendee_t *before = oc_attendee_find(was->attendees, a->address);
            a->partstat = before ? before->partstat : OC_PARTSTAT_NEEDS_ACTION;
        }
        if (args->keep_resources && op->conf.rooms) {
            keep_resources(op, was, b);
        }
    }
    b->is_meeting = b->attendees->nelts > 0;
    return b;
}

/* Which rooms must be free and must answer: all if the time changes, else those that are new. */
static void concern(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    const oc_attendee_t *home = oc_check_home(op);
    apr_array_header_t *invited = oc_check_invited(op, c->wanted);
    int i;

    c->rooms = oc_check_rooms(op, c->wanted);
    c->check.rooms = apr_array_make(op->call->pool, 2, sizeof(const oc_attendee_t *));
    for (i = 0; i < invited->nelts; ++i) {
        const oc_attendee_t *room = APR_ARRAY_IDX(invited, i, const oc_attendee_t *);
        if (c->diff & OC_DIFFERS_WHEN || !oc_attendee_find(c->was->attendees, room->address)) {
            APR_ARRAY_PUSH(c->check.rooms, const oc_attendee_t *) = room;
        }
    }
    c->verify.rooms = apr_array_copy(op->call->pool, c->check.rooms);
    /* Time that is given back need not be free. */
    c->at_home = home && c->rooms->nelts > invited->nelts && c->diff & OC_DIFFERS_WHEN &&
                 !oc_range_contains(c->was->when, c->wanted->when);
    if (c->at_home) {
        APR_ARRAY_PUSH(c->check.rooms, const oc_attendee_t *) = home;
    }
    c->verify.home = home;
    c->check.booking = c->wanted;
    c->check.own = c->was;
    c->verify.booking = c->wanted;
}

static int refused(oc_op_t *op)
{
    const oc_changing_t *c = oc_change_of(op);

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
    oc_changing_t *c = oc_change_of(op);

    c->wanted = merge(op, c->was, &c->args);
    oc_check_type_rooms(op, c->was);
    oc_check_type_rooms(op, c->wanted);
    oc_check_touches(op, c->was);
    oc_check_touches(op, c->wanted);
    c->diff = oc_change_differences(c->was, c->wanted);
    concern(op);
    if (refused(op)) {
        oc_change_end_unchanged(op, "may not be changed");
    } else if (!oc_range_valid(c->wanted->when)) {
        oc_result_field(&op->call->result, OC_REASON_INVALID_INPUT, "end",
                        "the end must come after the start");
        oc_change_end_unchanged(op, "bad time");
    } else if (c->rooms->nelts > OC_OP_MAX_ROOMS) {
        oc_result_field(&op->call->result, OC_REASON_TOO_MANY_ATTENDEES, "rooms",
                        "more than %d rooms in one booking", OC_OP_MAX_ROOMS);
        oc_change_end_unchanged(op, "too many rooms");
    } else if (!c->diff) {
        const char *open = oc_change_rooms_open(op, c->was);
        c->act->told = OC_TOLD_NOBODY_TO_TELL;
        c->act->booking = c->was;
        c->act->pending_why = open;
        oc_change_end(op, open ? OC_STATE_PENDING : OC_STATE_CONFIRMED, "nothing to change");
    } else if (!c->check.rooms->nelts || op->conf.conflict == OC_CONFLICT_ALLOW) {
        oc_op_enter(op, CHANGE_UPDATE, "no room concerned");
    } else {
        oc_op_enter(op, CHANGE_LEASE, "rooms concerned");
    }
}

/* The rooms that were not named in the request could not be waited for on the request's thread. */
static void lease_start(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    const char *keys[OC_LEASE_MAX_ROOMS];
    oc_result_t why;
    int i;

    oc_result_init(&why, op->call->pool);
    for (i = 0; i < c->rooms->nelts; ++i) {
        keys[i] = APR_ARRAY_IDX(c->rooms, i, const oc_attendee_t *)->address;
    }
    if (oc_op_lease(op, keys, i, 0, &why) == APR_SUCCESS) {
        oc_op_enter(op, CHANGE_CHECK, "leased");
    } else if (++c->tries >= LEASE_TRIES) {
        oc_op_fail(op, why.reason, why.detail);
        op->call->result.retry_after = why.retry_after;
        oc_change_end_unchanged(op, "no lease");
    } else {
        oc_op_enter_later(op, CHANGE_LEASE, LEASE_PAUSE, "leased by another");
    }
}

static void check_start(oc_op_t *op)
{
    oc_check_start(op, &oc_change_of(op)->check);
}

static void refuse(oc_op_t *op, oc_reason_t reason, const char *detail)
{
    oc_changing_t *c = oc_change_of(op);

    c->act->clash_who = c->check.who;
    c->act->clash = c->check.clash;
    c->act->holder = c->check.holder;
    oc_op_fail(op, reason, detail);
    oc_change_end_unchanged(op, "refused");
}

static void check_done(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_free_t free;

    if (!oc_check_judge(op, &c->check, &free)) {
        oc_change_end_unchanged(op, "could not check");
    } else if (free == OC_FREE) {
        oc_op_enter(op, CHANGE_UPDATE, "free");
    } else if (free == OC_FREE_UNKNOWN && op->conf.unknown_refuse) {
        refuse(op, OC_REASON_AVAILABILITY_UNKNOWN, "no free/busy is known for that time");
    } else if (free == OC_FREE_UNKNOWN) {
        c->remark = OC_TEXT("whether the room is free could not be checked");
        oc_op_enter(op, CHANGE_UPDATE, c->remark);
    } else if (op->conf.conflict == OC_CONFLICT_WARN) {
        c->remark = OC_TEXT("the room was taken at that time");
        oc_op_enter(op, CHANGE_UPDATE, c->remark);
    } else {
        refuse(op, OC_REASON_ROOM_TAKEN, "taken before");
    }
}

/* ---- update ---- */

static void update_start(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_op_verb_t *verb = oc_op_verb(op);

    if (op->leased && !oc_lease_held(op->conf.leases, op->call->id, op->leased)) {
        oc_op_fail(op, OC_REASON_BUSY, "the lease of the room ran out before the change");
        oc_change_end_unchanged(op, "lease lost");
        return;
    }
    if (c->check.rooms->nelts) {
        c->noted = 1;
        if (oc_check_note(op, c->rooms, c->wanted->when, c->was->uid, &op->call->result)) {
            oc_change_end_unchanged(op, "ledger full");
            return;
        }
    }
    c->verify.since = oc_clock_wall(); /* what was said before does not count */
    oc_op_run(op, verb, op->be->vt->update(op->be, &verb->call, c->was, c->wanted, &c->change));
}

void oc_change_updated(oc_op_t *op, const char *why)
{
    oc_changing_t *c = oc_change_of(op);

    if (c->at_home && op->conf.conflict == OC_CONFLICT_REFUSE) {
        c->at_home = c->looks = 0;
        oc_op_enter(op, CHANGE_HOME, why);
    } else if (c->verify.rooms->nelts) {
        oc_op_enter(op, CHANGE_VERIFY, why);
    } else {
        oc_change_end_standing(op, c->remark ? c->remark : oc_change_rooms_open(op, c->wanted),
                               why);
    }
}

static void update_done(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_told_t told = c->change ? c->change->told : OC_TOLD_UNKNOWN;

    c->act->told = told;
    if (!c->change || c->change->item_changed != OC_YES) {
        oc_op_enter(op, CHANGE_LOOK, "no proof");
    } else if (told == OC_TOLD_NOT) {
        oc_change_end_not_told(op);
    } else if (told == OC_TOLD_UNKNOWN) {
        oc_op_enter(op, CHANGE_TOLD, "not known whether told");
    } else {
        c->verify.seen_sent = told == OC_TOLD;
        oc_change_updated(op, "updated");
    }
}

static void update_fail(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    const oc_op_verb_t *verb = oc_op_nth(op, 0);

    oc_op_blame(op, verb);
    c->doubtful = verb->lost;
    c->lost_at = verb->lost_at;
    if (!verb->wrote ||
        (c->change && c->change->item_changed == OC_NO && c->change->told == OC_TOLD_NOT)) {
        oc_change_end_unchanged(op, "not changed");
    } else {
        oc_op_enter(op, CHANGE_LOOK, verb->lost ? "reply lost" : "failed");
    }
}

/* ---- verify ---- */

static void end_open(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);

    oc_change_end_standing(op,
                           c->remark ? c->remark
                           : c->verify.answer == OC_PARTSTAT_TENTATIVE
                               ? OC_TEXT("the room has accepted provisionally")
                               : OC_TEXT("the room has not answered"),
                           "no answer");
}

static void room_lost(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);

    c->act->clash_who = c->verify.who;
    c->act->holder = c->verify.holder;
    c->act->clash = c->verify.clash;
    if (op->conf.conflict != OC_CONFLICT_REFUSE) {
        oc_change_end_standing(op,
                               c->verify.holder ? OC_TEXT("somebody else has the room")
                                                : OC_TEXT("the room has declined"),
                               "room lost, left standing");
        return;
    }
    oc_op_fail(op, OC_REASON_ROOM_TAKEN,
               c->verify.holder ? "somebody else was faster" : "the room declined");
    oc_op_enter(op, CHANGE_RESTORE, "room lost");
}

static void verdict(oc_op_t *op, oc_verdict_t v)
{
    oc_changing_t *c = oc_change_of(op);
    apr_time_t pause;

    if (v == OC_VERDICT_CONFIRMED) {
        oc_change_end_standing(op, oc_change_rooms_open(op, c->wanted), "confirmed");
    } else if (v == OC_VERDICT_LOST) {
        room_lost(op);
    } else if (v == OC_VERDICT_CONTESTED) {
        oc_op_enter(op, CHANGE_CONTEST, "two hold the room");
    } else if ((pause = oc_verify_pause(op, &c->verify))) {
        oc_op_enter_later(op, CHANGE_VERIFY, pause, "no answer yet");
    } else if (v == OC_VERDICT_NOT_SENT) {
        oc_change_end_not_told(op);
    } else if (v == OC_VERDICT_NO_ITEM) {
        oc_change_end_unknown(op, OC_TEXT("The booking is not in your calendar any more."),
                              "it is gone");
    } else {
        end_open(op);
    }
}

static void verify_done(oc_op_t *op)
{
    verdict(op, oc_verify_judge(op, &oc_change_of(op)->verify));
}

static void verify_fail(oc_op_t *op)
{
    verdict(op, OC_VERDICT_OPEN);
}

static void home_start(oc_op_t *op)
{
    oc_verify_at_home(&oc_change_of(op)->verify);
    oc_verify_contest(op, &oc_change_of(op)->verify);
}

static void home_done(oc_op_t *op)
{
    if (oc_verify_yields(op, &oc_change_of(op)->verify, 1)) {
        room_lost(op);
    } else {
        oc_change_updated(op, "the room is ours");
    }
}

static void home_fail(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);

    if (!oc_op_again(op, &c->looks, 0)) {
        c->remark = OC_TEXT("whether somebody else was faster could not be checked");
        oc_change_updated(op, "cannot look");
    }
}

static void contest_start(oc_op_t *op)
{
    oc_verify_contest(op, &oc_change_of(op)->verify);
}

static void contest_done(oc_op_t *op)
{
    oc_changing_t *c = oc_change_of(op);
    oc_verdict_t v;

    if (oc_verify_yields(op, &c->verify, 0)) {
        room_lost(op);
        return;
    }
    v = oc_verify_judge(op, &c->verify);
    verdict(op, v == OC_VERDICT_CONTESTED ? OC_VERDICT_OPEN : v);
}

static const oc_op_row_t rows[] = {
    [CHANGE_READ] = {"read", read_start, read_done, NULL, 0},
    [CHANGE_LEASE] = {"lease", lease_start, NULL, NULL, 0},
    [CHANGE_CHECK] = {"check", check_start, check_done, check_done, 0},
    [CHANGE_UPDATE] = {"update", update_start, update_done, update_fail, OC_OP_WRITES},
    [CHANGE_LOOK] = {"look", oc_change_look_start, oc_change_look_done, oc_change_look_fail,
                     OC_OP_REPAIRS},
    [CHANGE_TOLD] = {"told", oc_change_evidence_start, oc_change_told_done, oc_change_told_fail,
                     OC_OP_REPAIRS},
    [CHANGE_COPIES] = {"copies", oc_change_copies_start, oc_change_copies_done,
                       oc_change_copies_fail, OC_OP_REPAIRS},
    [CHANGE_HOME] = {"home", home_start, home_done, home_fail, OC_OP_REPAIRS},
    [CHANGE_VERIFY] = {"verify", oc_change_evidence_start, verify_done, verify_fail, 0},
    [CHANGE_CONTEST] = {"contest", contest_start, contest_done, verify_fail, 0},
    [CHANGE_RESTORE] = {"restore", oc_change_restore_start, oc_change_restore_done,
                        oc_change_restore_fail, OC_OP_WRITES | OC_OP_REPAIRS},
    [CHANGE_RESTORED] = {"restored", oc_change_look_start, oc_change_restored_done,
                         oc_change_restored_fail, OC_OP_REPAIRS},
};

/* Only the rooms that the request names can be waited for before anything was read. */
static apr_status_t prepare(oc_op_t *op, oc_result_t *res)
{
    const oc_changing_t *c = oc_change_of(op);
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

static const oc_op_machine_t machine = {"change", rows, oc_change_give_up, prepare};

static const char *copied(apr_pool_t *pool, const char *s)
{
    return s ? apr_pstrdup(pool, s) : NULL;
}

oc_job_t *oc_op_change(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       const oc_change_args_t *args, oc_act_t **act)
{
    oc_changing_t *c = apr_pcalloc(call->pool, sizeof(*c));
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
