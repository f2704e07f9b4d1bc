/* book.c - booking a meeting, with or without people and rooms.
 *
 * The happy path: [check] free -> [write] the organizer's item -> [invite] the request goes out ->
 * [verify] until the room has answered -> over.
 *
 *   check    free/busy, room calendars and ledger, with the rooms leased
 *   replay   about to refuse: was this very booking made before? (then it is what blocks the room)
 *   write    the ledger is noted, then the item is created under a name that follows from the key
 *   look     the reply to that was lost or bad: does the item stand? What stands although it was
 *            refused was booked before by this key, and is not for us to take back
 *   home     one acts in a room's own calendar: did somebody else come first?
 *   resume   it stood there already, or may have: did the request leave?
 *   invite   the request is sent
 *   sent     the reply to that was lost or bad: did it leave?
 *   verify   the room's answer, the room's calendar
 *   contest  the room's calendar shows us and somebody else: who was first?
 *   undo     somebody else was faster, or it failed half-way: it is taken back (undo.h)
 *   undone   that was not proved: what stands now?
 *
 * Nothing is ever sent twice without having looked. What could not be found out is reported as
 * unknown, what could not be undone as left behind.
 */
#include <string.h>
#include <apr_strings.h>

#include "base/crypto.h"
#include "op/book.h"

oc_book_t *oc_book_of(oc_op_t *op)
{
    return op->self;
}

/* Somebody else has the room, now that ours stands. */
static void room_lost(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    oc_act_t *act = b->act;

    act->clash_who = b->verify.who;
    act->holder = b->verify.holder;
    act->clash = b->verify.clash;
    if (!b->made || op->conf.conflict != OC_CONFLICT_REFUSE) {
        oc_book_end_standing(op,
                             b->verify.holder ? OC_TEXT("somebody else has the room")
                                              : OC_TEXT("the room has declined"),
                             "room lost, left standing");
        return;
    }
    oc_op_fail(op, OC_REASON_ROOM_TAKEN,
               b->verify.holder ? "somebody else was faster" : "the room declined");
    b->sent = OC_YES;
    oc_op_enter(op, BOOK_UNDO, "room lost");
}

/* ---- check ---- */

static void check_start(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    if (op->conf.conflict == OC_CONFLICT_ALLOW) {
        oc_op_enter(op, BOOK_WRITE, "unchecked");
    } else {
        oc_check_start(op, &b->check);
    }
}

static void refuse(oc_op_t *op, oc_reason_t reason, const char *detail)
{
    oc_book_t *b = oc_book_of(op);

    b->act->clash_who = b->check.who;
    b->act->clash = b->check.clash;
    b->act->holder = b->check.holder;
    oc_op_fail(op, reason, detail);
    if (b->random_seed) {
        oc_book_end_undone(op, "refused");
    } else {
        oc_op_enter(op, BOOK_REPLAY, "taken");
    }
}

static void check_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    int warn = op->conf.conflict == OC_CONFLICT_WARN;
    oc_free_t free;

    if (!oc_check_judge(op, &b->check, &free)) {
        oc_book_end_undone(op, "could not check");
        return;
    }
    switch (free) {
    case OC_FREE:
        oc_op_enter(op, BOOK_WRITE, "free");
        return;
    case OC_FREE_UNKNOWN:
        if (op->conf.unknown_refuse) {
            refuse(op, OC_REASON_AVAILABILITY_UNKNOWN, "no free/busy is known for that time");
            return;
        }
        b->remark = OC_TEXT("whether the room is free could not be checked");
        break;
    case OC_FREE_ROOM_TAKEN:
        if (!warn) {
            refuse(op, OC_REASON_ROOM_TAKEN, "taken before");
            return;
        }
        b->remark = OC_TEXT("the room was taken at that time");
        break;
    case OC_FREE_PERSON_BUSY:
        if (!warn) {
            refuse(op, OC_REASON_ATTENDEE_BUSY, "a required attendee is busy");
            return;
        }
        b->remark = OC_TEXT("somebody is not free at that time");
        break;
    }
    oc_op_enter(op, BOOK_WRITE, b->remark);
}

static void replay_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    if (!oc_book_same(b, b->found)) {
        oc_book_end_foreign(op);
        return;
    }
    oc_result_clear(&op->call->result);
    memset(&b->act->clash, 0, sizeof(b->act->clash));
    b->act->clash_who = NULL;
    b->act->holder = NULL;
    b->act->replayed = b->existed = 1;
    oc_book_resume(op, "booked before");
}

static void replay_fail(oc_op_t *op)
{
    oc_book_end_undone(op, "refused");
}

/* ---- write, invite ---- */

static void write_start(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    const apr_array_header_t *rooms = b->check.rooms;
    oc_op_verb_t *verb = oc_op_verb(op);
    int i, known = 0;

    b->existed = 0;
    b->found = NULL;
    if (op->leased && !oc_lease_held(op->conf.leases, op->call->id, op->leased)) {
        oc_op_fail(op, OC_REASON_BUSY, "the lease of the room ran out before the booking");
        oc_book_end_undone(op, "lease lost");
        return;
    }
    /* An entry that is there already is that of an earlier booking by this key: it stays as it is.
     */
    for (i = 0; op->conf.leases && i < rooms->nelts; ++i) {
        known |=
            oc_ledger_has(op->conf.leases, op->be->conf->site->host,
                          APR_ARRAY_IDX(rooms, i, const oc_attendee_t *)->address, b->booking->uid);
    }
    if (!known) {
        b->noted = 1;
        if (oc_check_note(op, rooms, b->booking->when, b->booking->uid, &op->call->result)) {
            oc_book_end_undone(op, "ledger full");
            return;
        }
    }
    oc_op_run(op, verb,
              op->be->vt->create(op->be, &verb->call, b->booking, &b->existed, &b->found));
}

static void written(oc_op_t *op, const char *why)
{
    oc_book_t *b = oc_book_of(op);

    if (oc_book_invites(b)) {
        oc_op_enter(op, BOOK_INVITE, why);
    } else {
        b->act->told = OC_TOLD_NOBODY_TO_TELL;
        oc_book_end_standing(op, b->remark, why);
    }
}

static void write_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    if (b->existed && !b->found) {
        b->may_resume = 1;
        b->looks = 0;
        oc_op_enter(op, BOOK_LOOK, "something stands there");
    } else if (b->existed && (b->existed == 2 || oc_op_nth(op, 0)->lost) &&
               (!b->found->mark || oc_book_same(b, b->found))) {
        /* The reply to our own write was lost or bad, and the backend has found what it left. */
        b->existed = 0;
        b->made = b->may_resume = 1;
        oc_book_resume(op, "reply lost, it stands");
    } else if (b->existed && !oc_book_same(b, b->found)) {
        oc_book_end_foreign(op);
    } else if (b->existed) {
        b->act->replayed = 1;
        oc_book_resume(op, "booked before");
    } else {
        b->made = 1;
        b->booking->created = b->found ? b->found->created : 0;
        if (!b->noted && oc_check_note(op, b->check.rooms, b->booking->when, b->booking->uid,
                                       &op->call->result) == APR_SUCCESS) {
            b->noted = 1;
        }
        oc_result_clear(&op->call->result);
        if (!oc_book_look_home(op, "written")) {
            written(op, "written");
        }
    }
}

/* The server said no, and nothing speaks of a write that was begun. */
static int plainly_refused(const oc_op_verb_t *verb)
{
    oc_reason_t reason = verb->call.result.reason;

    return !verb->lost && reason != OC_REASON_LEFT_BEHIND && reason != OC_REASON_OUTCOME_UNKNOWN &&
           reason != OC_REASON_UPSTREAM_TIMEOUT && reason != OC_REASON_UPSTREAM_PROTOCOL;
}

static void write_fail(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    const oc_op_verb_t *verb = oc_op_nth(op, 0);

    oc_op_blame(op, verb);
    if (!verb->wrote) {
        oc_book_end_undone(op, "not written");
        return;
    }
    b->may_resume = verb->lost;
    b->refused = !b->random_seed && plainly_refused(verb);
    b->lost_at = verb->lost_at;
    b->looks = 0;
    oc_op_enter(op, BOOK_LOOK, verb->lost ? "reply lost" : "failed");
}

static void invite_start(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    oc_op_verb_t *verb;

    b->sent = OC_NO;
    if (oc_op_late(op)) {
        oc_op_fail(op, OC_REASON_UPSTREAM_TIMEOUT, "no time was left to invite");
        if (b->made) {
            oc_op_enter(op, BOOK_UNDO, "too late");
        } else {
            oc_book_end_unknown(
                op, OC_TEXT("The appointment stands in your calendar; nobody was invited."),
                "too late");
        }
        return;
    }
    b->made = 1; /* from here on it is this operation that answers for it */
    b->change = NULL;
    verb = oc_op_verb(op);
    oc_op_run(op, verb, op->be->vt->invite(op->be, &verb->call, oc_book_standing(b), &b->change));
}

static void invite_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    oc_told_t told = b->change ? b->change->told : OC_TOLD_UNVERIFIED;

    b->looks = 0;
    b->act->told = told;
    if (b->change) {
        b->act->way = b->change->way;
        b->act->message_id = b->change->message_id;
    }
    if (told == OC_TOLD_NOT) {
        oc_op_fail(op, OC_REASON_UPSTREAM_ERROR, "the request was not sent");
        oc_op_enter(op, BOOK_UNDO, "not sent");
    } else if (told == OC_TOLD_UNKNOWN) {
        oc_op_fail(op, OC_REASON_OUTCOME_UNKNOWN, "whether the request was sent is not known");
        oc_op_enter(op, BOOK_SENT, "not known whether sent");
    } else {
        b->sent = told == OC_TOLD_UNVERIFIED ? OC_DONT_KNOW : OC_YES;
        b->verify.seen_sent = told == OC_TOLD;
        if (told == OC_TOLD && !b->verify.rooms->nelts) {
            oc_book_end_standing(op, b->remark, "sent");
        } else {
            oc_op_enter(op, BOOK_VERIFY, "sent");
        }
    }
}

static void invite_fail(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    const oc_op_verb_t *verb = oc_op_nth(op, 0);

    oc_op_blame(op, verb);
    b->looks = 0;
    if (!verb->wrote || (b->change && b->change->told == OC_TOLD_NOT)) {
        b->sent = OC_NO;
        oc_op_enter(op, BOOK_UNDO, "not sent");
    } else {
        oc_op_enter(op, BOOK_SENT, verb->lost ? "reply lost" : "failed");
    }
}

/* ---- verify ---- */

/* What stands without the room having said yes. */
static void end_open(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    const char *why = b->remark;

    if (!why && b->verify.rooms->nelts) {
        why = b->verify.answer == OC_PARTSTAT_TENTATIVE
                  ? OC_TEXT("the room has accepted provisionally")
                  : OC_TEXT("the room has not answered");
    }
    if (!b->verify.rooms->nelts && !b->verify.seen_sent) {
        b->act->told = OC_TOLD_UNVERIFIED;
        why = why ? why : OC_TEXT("whether the invitations were sent could not be seen");
    }
    oc_book_end_standing(op, why, "no answer");
}

static void verify_start(oc_op_t *op)
{
    /* The ledger guards the room from here on: nobody need wait while the room makes up its mind.
     */
    oc_op_unlease(op);
    oc_book_evidence_start(op);
}

static void verdict(oc_op_t *op, oc_verdict_t v)
{
    oc_book_t *b = oc_book_of(op);
    apr_time_t pause;

    if (v == OC_VERDICT_CONFIRMED) {
        oc_book_end_standing(op, NULL, "confirmed");
    } else if (v == OC_VERDICT_LOST) {
        room_lost(op);
    } else if (v == OC_VERDICT_CONTESTED) {
        oc_op_enter(op, BOOK_CONTEST, "two hold the room");
    } else if ((pause = oc_verify_pause(op, &b->verify))) {
        oc_op_enter_later(op, BOOK_VERIFY, pause, "no answer yet");
    } else if (v == OC_VERDICT_NOT_SENT && b->made) {
        b->sent = OC_NO;
        oc_op_fail(op, OC_REASON_UPSTREAM_ERROR, "the request was not sent");
        oc_op_enter(op, BOOK_UNDO, "the request lies unsent");
    } else if (v == OC_VERDICT_NO_ITEM) {
        oc_book_end_unknown(
            op,
            OC_TEXT("The appointment is not in your calendar any more; the invitations may "
                    "have been sent."),
            "it is gone");
    } else {
        end_open(op);
    }
}

static void verify_done(oc_op_t *op)
{
    verdict(op, oc_verify_judge(op, &oc_book_of(op)->verify));
}

/* It could not be looked, or not be compared. */
static void verify_fail(oc_op_t *op)
{
    verdict(op, OC_VERDICT_OPEN);
}

static void contest_start(oc_op_t *op)
{
    oc_verify_contest(op, &oc_book_of(op)->verify);
}

static void contest_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);
    oc_verdict_t v;

    if (oc_verify_yields(op, &b->verify, 0)) {
        room_lost(op);
        return;
    }
    v = oc_verify_judge(op, &b->verify);
    verdict(op, v == OC_VERDICT_CONTESTED ? OC_VERDICT_OPEN : v);
}

/* ---- a room that books for itself ---- */

static void home_start(oc_op_t *op)
{
    oc_verify_at_home(&oc_book_of(op)->verify);
    oc_verify_contest(op, &oc_book_of(op)->verify);
}

static void home_on(oc_op_t *op, const char *why)
{
    oc_book_t *b = oc_book_of(op);

    b->looks = 0;
    if (b->may_resume) {
        oc_book_resume(op, why);
    } else {
        written(op, why);
    }
}

static void home_done(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    if (!oc_verify_yields(op, &b->verify, 0)) {
        home_on(op, "the room is ours");
    } else if (op->conf.conflict == OC_CONFLICT_WARN) {
        b->remark = "somebody else has the room";
        home_on(op, "room lost, left standing");
    } else {
        b->act->clash_who = b->verify.who;
        b->act->holder = b->verify.holder;
        b->act->clash = b->verify.clash;
        oc_op_fail(op, OC_REASON_ROOM_TAKEN, "somebody else was faster");
        b->sent = OC_NO;
        oc_op_enter(op, BOOK_UNDO, "room lost");
    }
}

/* It was free when we looked, and it stands: no reason to take it back. */
static void home_fail(oc_op_t *op)
{
    oc_book_t *b = oc_book_of(op);

    if (!oc_op_again(op, &b->looks, 0)) {
        b->remark = OC_TEXT("whether somebody else was faster could not be checked");
        home_on(op, "cannot look");
    }
}

static const oc_op_row_t rows[] = {
    [BOOK_CHECK] = {"check", check_start, check_done, check_done, 0},
    [BOOK_REPLAY] = {"replay", oc_book_read_start, replay_done, replay_fail, 0},
    [BOOK_WRITE] = {"write", write_start, write_done, write_fail, OC_OP_WRITES},
    [BOOK_LOOK] = {"look", oc_book_read_start, oc_book_look_done, oc_book_look_fail, OC_OP_REPAIRS},
    [BOOK_HOME] = {"home", home_start, home_done, home_fail, OC_OP_REPAIRS},
    [BOOK_RESUME] = {"resume", oc_book_evidence_start, oc_book_resume_done, oc_book_doubt_fail,
                     OC_OP_REPAIRS},
    [BOOK_INVITE] = {"invite", invite_start, invite_done, invite_fail, OC_OP_WRITES},
    [BOOK_SENT] = {"sent", oc_book_evidence_start, oc_book_sent_done, oc_book_doubt_fail,
                   OC_OP_REPAIRS},
    [BOOK_VERIFY] = {"verify", verify_start, verify_done, verify_fail, 0},
    [BOOK_CONTEST] = {"contest", contest_start, contest_done, verify_fail, 0},
    [BOOK_UNDO] = {"undo", oc_book_undo_start, oc_book_undo_ended, oc_book_undo_ended,
                   OC_OP_WRITES | OC_OP_REPAIRS},
    [BOOK_UNDONE] = {"undone", oc_book_undone_start, oc_book_undone_looked, oc_book_undone_looked,
                     OC_OP_REPAIRS},
};

/* The booking itself is leased with its rooms: of two requests with one key, sent side by side, the
 * second waits and then finds what the first has done. */
static apr_status_t prepare(oc_op_t *op, oc_result_t *res)
{
    const oc_book_t *b = oc_book_of(op);
    const char *keys[OC_LEASE_MAX_ROOMS];
    int i, n = 0;

    keys[n++] = b->booking->uid;
    for (i = 0; op->conf.conflict != OC_CONFLICT_ALLOW && i < b->check.rooms->nelts; ++i) {
        keys[n++] = APR_ARRAY_IDX(b->check.rooms, i, const oc_attendee_t *)->address;
    }
    return oc_op_lease(op, keys, n, 1, res);
}

static const oc_op_machine_t machine = {"book", rows, oc_book_give_up, prepare};

/* A fingerprint of what was asked for, keyed by the seed: two requests with one key are the same
 * booking if it is the same, and it tells nobody else anything. */
static const char *fingerprint(apr_pool_t *pool, const oc_booking_t *b,
                               const unsigned char seed[32])
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
    oc_book_t *b = apr_pcalloc(call->pool, sizeof(*b));
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
    oc_check_type_rooms(op, b->booking);
    oc_check_touches(op, b->booking);
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
    b->verify.rooms = oc_check_invited(op, b->booking);
    b->verify.home = oc_check_home(op);
    return &op->job;
}
