/* check.h - is there room? Shared by booking and changing; private to lib/op.
 *
 * Asks, side by side, published free/busy of the rooms (and people) and each room's own calendar,
 * and weighs them: the ledger's young entries first (published data lags, and a lease only says
 * that nobody else decides meanwhile), then the room's calendar where it may be read, then the
 * digits.
 */
#ifndef OC_OP_CHECK_H
#define OC_OP_CHECK_H

#include "op/machine.h"

typedef enum oc_free_t {
    OC_FREE,
    OC_FREE_UNKNOWN, /* nothing speaks against it, but for some room nothing speaks at all */
    OC_FREE_ROOM_TAKEN,
    OC_FREE_PERSON_BUSY
} oc_free_t;

typedef struct oc_check_t {
    const oc_booking_t *booking; /* what is wanted; its uid does not count against itself */
    const oc_booking_t *own;     /* what stands already and will be moved: free/busy shows it as
                                  * busy where it is our own; NULL */
    apr_array_header_t *rooms;   /* const oc_attendee_t *: the rooms to ask about */
    int people;                  /* ask about required attendees as well */

    /* Filled by oc_check_judge. */
    const char *who;             /* taken, busy, unknown: the first such address */
    oc_range_t clash;            /* taken: when, as far as known */
    const oc_booking_t *holder;  /* taken: by what, if its calendar could be read */

    /* Its own. */
    const oc_attendee_t *home;   /* oc_check_home() */
    apr_array_header_t *rows;
    oc_list_t **lists;
    int first_list;
} oc_check_t;

/* The rooms of a booking: array of const oc_attendee_t *. One counts as a room by its type, its
 * role (a resource) or because it is configured. At most OC_OP_MAX_ROOMS + 1 of them, and the room
 * in whose own calendar the booking stands. */
apr_array_header_t *oc_check_rooms(const oc_op_t *op, const oc_booking_t *booking);
/* Without that: those which have to answer. */
apr_array_header_t *oc_check_invited(const oc_op_t *op, const oc_booking_t *booking);
/* The configured room whose mailbox one acts in: nobody is asked there, so what stands in that
 * calendar decides; NULL. */
const oc_attendee_t *oc_check_home(const oc_op_t *op);
/* Mark those attendees as rooms, with their mailboxes' names, so that the backend takes the same
 * for rooms. */
void oc_check_type_rooms(const oc_op_t *op, oc_booking_t *booking);

/* An act on that booking: whose free/busy it changes. Before the first state that writes; several
 * bookings add up. */
void oc_check_touches(oc_op_t *op, const oc_booking_t *booking);

/* Begin the verbs; in a state's start. */
void oc_check_start(oc_op_t *op, oc_check_t *check);
/* In done or fail of that state. 1: *verdict is filled. 0: the look-up failed so that nothing can
 * be said; call->result tells why. */
int oc_check_judge(oc_op_t *op, oc_check_t *check, oc_free_t *verdict);

/* Ledger, for all rooms in `rooms` (const oc_attendee_t *). Nothing without shared memory. */
apr_status_t oc_check_note(oc_op_t *op, const apr_array_header_t *rooms, oc_range_t when,
                           const char *uid, oc_result_t *res);
/* room NULL: all rooms. */
void oc_check_forget(oc_op_t *op, const char *room, const char *uid);

#endif
