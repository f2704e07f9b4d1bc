/* check.c - asking and weighing free/busy, room calendars and the ledger. */
#include <string.h>
#include <apr_strings.h>

#include "op/check.h"

#define MINUTE         apr_time_from_sec(60)
#define ROWS_OF_A_ROOM 50 /* within the time of one booking: more is no ordinary room */

static const oc_room_t *configured(const oc_op_t *op, const oc_attendee_t *a)
{
    return op->conf.rooms ? oc_room_by_address(op->conf.rooms, a->address) : NULL;
}

static int is_room(const oc_op_t *op, const oc_attendee_t *a)
{
    return a->cutype == OC_CUTYPE_ROOM || a->role == OC_ROLE_RESOURCE || configured(op, a);
}

const oc_attendee_t *oc_check_home(const oc_op_t *op)
{
    const apr_array_header_t *rooms = op->conf.rooms;

    for (int i = 0; rooms && op->call->mailbox && i < rooms->nelts; ++i) {
        const oc_room_t *room = APR_ARRAY_IDX(rooms, i, const oc_room_t *);
        if (strcasecmp(room->mailbox, op->call->mailbox) == 0) {
            oc_attendee_t *home = apr_pcalloc(op->call->pool, sizeof(*home));
            home->address = room->address;
            home->mailbox = room->mailbox;
            home->name = room->name;
            home->role = OC_ROLE_RESOURCE;
            home->cutype = OC_CUTYPE_ROOM;
            home->partstat = OC_PARTSTAT_ACCEPTED;
            return home;
        }
    }
    return NULL;
}

apr_array_header_t *oc_check_rooms(const oc_op_t *op, const oc_booking_t *booking)
{
    apr_array_header_t *rooms = oc_check_invited(op, booking);
    const oc_attendee_t *home = oc_check_home(op);

    if (home && !oc_attendee_find(booking->attendees, home->address)) {
        APR_ARRAY_PUSH(rooms, const oc_attendee_t *) = home;
    }
    return rooms;
}

apr_array_header_t *oc_check_invited(const oc_op_t *op, const oc_booking_t *booking)
{
    apr_array_header_t *rooms = apr_array_make(op->call->pool, 2, sizeof(const oc_attendee_t *));
    int i;

    for (i = 0; i < booking->attendees->nelts && rooms->nelts <= OC_OP_MAX_ROOMS; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(booking->attendees, i, oc_attendee_t);
        if (is_room(op, a)) {
            APR_ARRAY_PUSH(rooms, const oc_attendee_t *) = a;
        }
    }
    return rooms;
}

void oc_check_type_rooms(const oc_op_t *op, oc_booking_t *booking)
{
    int i;

    for (i = 0; i < booking->attendees->nelts; ++i) {
        oc_attendee_t *a = &APR_ARRAY_IDX(booking->attendees, i, oc_attendee_t);
        const oc_room_t *room = configured(op, a);
        if (is_room(op, a)) {
            a->cutype = OC_CUTYPE_ROOM;
            a->mailbox = room ? room->mailbox : a->mailbox;
        }
    }
}

void oc_check_touches(oc_op_t *op, const oc_booking_t *booking)
{
    const oc_attendee_t *home = oc_check_home(op);

    if (!op->touches) {
        op->touches = apr_array_make(op->call->pool, 8, sizeof(const char *));
    }
    for (int i = 0; i < booking->attendees->nelts; ++i) {
        APR_ARRAY_PUSH(op->touches, const char *) =
            APR_ARRAY_IDX(booking->attendees, i, oc_attendee_t).address;
    }
    if (booking->organizer) {
        APR_ARRAY_PUSH(op->touches, const char *) = booking->organizer;
    }
    if (home) {
        APR_ARRAY_PUSH(op->touches, const char *) = home->address;
    }
    if (op->call->mailbox) { /* whose calendar it stands in: the address need not be known */
        APR_ARRAY_PUSH(op->touches, const char *) = op->call->mailbox;
    }
}

/* The longest slot that cuts at these instants, so that a neighbouring meeting that only touches
 * ours does not make a slot of ours busy. */
static apr_time_t slot_for(oc_range_t a, const oc_booking_t *own)
{
    static const int minutes[] = {30, 15, 10, 5};
    apr_size_t i;

    if (a.end - a.start > apr_time_from_sec(31 * 86400)) {
        return 30 * MINUTE; /* more digits than that are of no use */
    }
    for (i = 0; i < sizeof(minutes) / sizeof(*minutes); ++i) {
        apr_time_t slot = minutes[i] * MINUTE;
        if (a.start % slot == 0 && a.end % slot == 0 &&
            (!own || (own->when.start % slot == 0 && own->when.end % slot == 0))) {
            return slot;
        }
    }
    return MINUTE;
}

static void ask_freebusy(oc_op_t *op, oc_check_t *check)
{
    oc_freebusy_query_t *query = apr_pcalloc(op->call->pool, sizeof(*query));
    oc_op_verb_t *verb = oc_op_verb(op);
    int i;

    query->who = apr_array_make(op->call->pool, 8, sizeof(const char *));
    query->slot = slot_for(check->booking->when, check->own);
    query->range = oc_range_align(check->booking->when, query->slot);
    for (i = 0; i < check->rooms->nelts; ++i) {
        APR_ARRAY_PUSH(query->who, const char *) =
            APR_ARRAY_IDX(check->rooms, i, const oc_attendee_t *)->address;
    }
    for (i = 0; check->people && i < check->booking->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(check->booking->attendees, i, oc_attendee_t);
        if (a->role == OC_ROLE_REQUIRED && !is_room(op, a)) {
            APR_ARRAY_PUSH(query->who, const char *) = a->address;
            query->members = op->conf.members;
        }
    }
    check->rows = NULL;
    check->first_list = 0;
    if (query->who->nelts) {
        oc_op_run(op, verb, op->be->vt->freebusy(op->be, &verb->call, query, &check->rows));
        check->first_list = 1;
    }
}

static int is_home(const oc_check_t *check, const oc_attendee_t *room)
{
    return check->home && oc_attendee_same(check->home->address, room->address);
}

void oc_check_start(oc_op_t *op, oc_check_t *check)
{
    int i;

    check->home = oc_check_home(op);
    check->who = NULL;
    check->holder = NULL;
    memset(&check->clash, 0, sizeof(check->clash));
    ask_freebusy(op, check);
    check->lists = apr_pcalloc(op->call->pool, sizeof(*check->lists) * (check->rooms->nelts + 1));
    for (i = 0; i < check->rooms->nelts; ++i) {
        const oc_attendee_t *room = APR_ARRAY_IDX(check->rooms, i, const oc_attendee_t *);
        oc_list_query_t *query = apr_pcalloc(op->call->pool, sizeof(*query));
        oc_op_verb_t *verb = oc_op_verb(op);

        query->mailbox = oc_attendee_mailbox(op->call->pool, room);
        if (is_home(check, room)) {
            query->mailbox = NULL;
        }
        query->range = check->booking->when;
        query->not_uid = check->booking->uid;
        query->max = ROWS_OF_A_ROOM;
        oc_op_run(op, verb, op->be->vt->list(op->be, &verb->call, query, &check->lists[i]));
    }
}

/* The digits outside the time that is our own already. */
static oc_busy_t digits(const oc_check_t *check, const oc_attendee_t *room)
{
    const oc_freebusy_t *fb = check->rows ? oc_freebusy_find(check->rows, room->address) : NULL;
    oc_range_t when = check->booking->when, part;
    oc_busy_t busy = OC_BUSY_FREE, other;

    if (!fb) {
        return OC_BUSY_UNKNOWN;
    }
    if (!check->own || !oc_range_overlaps(check->own->when, when) ||
        !(is_home(check, room) || oc_attendee_find(check->own->attendees, room->address))) {
        return oc_freebusy_in(fb, when);
    }
    part.start = when.start;
    part.end = check->own->when.start;
    if (part.start < part.end) {
        busy = oc_freebusy_in(fb, part);
    }
    part.start = check->own->when.end;
    part.end = when.end;
    if (part.start < part.end) {
        other = oc_freebusy_in(fb, part);
        if (busy == OC_BUSY_FREE || (busy == OC_BUSY_UNKNOWN && other != OC_BUSY_FREE)) {
            busy = other;
        }
    }
    return busy;
}

static const oc_booking_t *blocker(const oc_list_t *list, const oc_booking_t *booking)
{
    int i;

    for (i = 0; i < list->bookings->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(list->bookings, i, const oc_booking_t *);
        if (!b->cancelled && b->busy != OC_BUSY_FREE && oc_range_overlaps(b->when, booking->when) &&
            !(b->uid && booking->uid && !strcmp(b->uid, booking->uid))) {
            return b;
        }
    }
    return NULL;
}

static int ledger_clash(oc_op_t *op, oc_check_t *check, const oc_attendee_t *room,
                        apr_time_t max_age)
{
    return op->conf.leases &&
           oc_ledger_clash(op->conf.leases, op->be->conf->site->host, room->address,
                           check->booking->when, check->booking->uid, max_age, &check->clash);
}

/* A room's calendar, as far as it was read. */
static const oc_list_t *calendar_of(const oc_op_t *op, const oc_check_t *check, int i)
{
    const oc_list_t *list = check->lists[i];

    return oc_op_failed(oc_op_nth(op, check->first_list + i)) || !list || list->unreadable ? NULL
                                                                                           : list;
}

/* Only then does it say that the room is free. */
static int in_full(const oc_list_t *calendar)
{
    return calendar && !calendar->more && !calendar->strange;
}

static oc_free_t judge_room(oc_op_t *op, oc_check_t *check, int i)
{
    const oc_attendee_t *room = APR_ARRAY_IDX(check->rooms, i, const oc_attendee_t *);
    const oc_list_t *calendar = calendar_of(op, check, i);
    oc_busy_t busy;

    check->holder = calendar ? blocker(calendar, check->booking) : NULL;
    if (ledger_clash(op, check, room, OC_LEDGER_HOUR)) {
        return OC_FREE_ROOM_TAKEN;
    }
    if (check->holder) {
        check->clash = check->holder->when;
        return OC_FREE_ROOM_TAKEN;
    }
    if (in_full(calendar)) {
        return OC_FREE;
    }
    busy = digits(check, room);
    if (busy == OC_BUSY_UNKNOWN) {
        return ledger_clash(op, check, room, 0) ? OC_FREE_ROOM_TAKEN : OC_FREE_UNKNOWN;
    }
    return busy == OC_BUSY_FREE ? OC_FREE : OC_FREE_ROOM_TAKEN;
}

static int person_busy(oc_op_t *op, oc_check_t *check)
{
    int i;

    for (i = 0; check->people && i < check->booking->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(check->booking->attendees, i, oc_attendee_t);
        const oc_freebusy_t *fb;
        oc_busy_t busy;

        if (a->role != OC_ROLE_REQUIRED || is_room(op, a) || !check->rows ||
            !(fb = oc_freebusy_find(check->rows, a->address))) {
            continue;
        }
        busy = oc_freebusy_in(fb, check->booking->when);
        if (busy == OC_BUSY_BUSY || busy == OC_BUSY_OOF) {
            check->who = a->address;
            return 1;
        }
    }
    return 0;
}

int oc_check_judge(oc_op_t *op, oc_check_t *check, oc_free_t *verdict)
{
    int i, need_digits = check->people;

    *verdict = OC_FREE;
    for (i = 0; i < check->rooms->nelts; ++i) {
        need_digits |= !in_full(calendar_of(op, check, i));
    }
    /* A failed look-up is not "unknown": asking again may well succeed. */
    if (check->first_list && oc_op_failed(oc_op_nth(op, 0))) {
        if (need_digits) {
            oc_op_blame(op, oc_op_nth(op, 0));
            return 0;
        }
        check->rows = NULL;
    }
    for (i = 0; i < check->rooms->nelts; ++i) {
        oc_free_t one = judge_room(op, check, i);
        if (one > *verdict) {
            *verdict = one;
            check->who = APR_ARRAY_IDX(check->rooms, i, const oc_attendee_t *)->address;
        }
        if (one == OC_FREE_ROOM_TAKEN) {
            return 1;
        }
    }
    if (person_busy(op, check)) {
        *verdict = OC_FREE_PERSON_BUSY;
    }
    return 1;
}

apr_status_t oc_check_note(oc_op_t *op, const apr_array_header_t *rooms, oc_range_t when,
                           const char *uid, oc_result_t *res)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; op->conf.leases && i < rooms->nelts && rv == APR_SUCCESS; ++i) {
        rv =
            oc_ledger_note(op->conf.leases, op->be->conf->site->host,
                           APR_ARRAY_IDX(rooms, i, const oc_attendee_t *)->address, when, uid, res);
    }
    return rv;
}

void oc_check_forget(oc_op_t *op, const char *room, const char *uid)
{
    if (op->conf.leases) {
        oc_ledger_forget(op->conf.leases, op->be->conf->site->host, room, uid);
    }
}
