/* change.h - what the two halves of changing share: change.c goes forward, change_mend.c finds out
 * and puts right. Private to lib/op.
 */
#ifndef OC_OP_CHANGE_H
#define OC_OP_CHANGE_H

#include "op/check.h"
#include "op/verify.h"

enum { /* in the order of the table in change.c */
    CHANGE_READ, CHANGE_LEASE, CHANGE_CHECK, CHANGE_UPDATE, CHANGE_LOOK, CHANGE_TOLD, CHANGE_COPIES,
    CHANGE_HOME, CHANGE_VERIFY, CHANGE_CONTEST, CHANGE_RESTORE, CHANGE_RESTORED
};

typedef struct oc_changing_t {
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
    int at_home;            /* the room one acts in must be free for more time than before */
    int tries, looks;
    int noted;
    int doubtful;           /* the reply to the update, or a part of it, was lost */
    oc_mono_t lost_at;      /* ... which was sent then */
    const char *remark;
} oc_changing_t;

/* The operation's own. */
oc_changing_t *oc_change_of(oc_op_t *op);

/* What of two bookings differs. */
#define OC_DIFFERS_WHEN 8
int oc_change_differences(const oc_booking_t *a, const oc_booking_t *b);

/* Ends. Standing: changed, and confirmed or pending for that reason. */
void oc_change_end(oc_op_t *op, oc_state_t state, const char *why);
void oc_change_end_standing(oc_op_t *op, const char *pending_why, const char *why);
void oc_change_end_not_told(oc_op_t *op);
void oc_change_end_unchanged(oc_op_t *op, const char *why);
void oc_change_end_unknown(oc_op_t *op, const char *left_behind, const char *why);

/* The update is out: wait for the rooms concerned, if any. */
void oc_change_updated(oc_op_t *op, const char *why);
/* Why the booking is not confirmed, by the rooms that the change does not concern; NULL = it is. */
const char *oc_change_rooms_open(oc_op_t *op, const oc_booking_t *booking);

/* Steps of the table. */
void oc_change_look_start(oc_op_t *op);
void oc_change_look_done(oc_op_t *op);
void oc_change_look_fail(oc_op_t *op);
void oc_change_evidence_start(oc_op_t *op);
void oc_change_told_done(oc_op_t *op);
void oc_change_told_fail(oc_op_t *op);
void oc_change_copies_start(oc_op_t *op);
void oc_change_copies_done(oc_op_t *op);
void oc_change_copies_fail(oc_op_t *op);
void oc_change_restore_start(oc_op_t *op);
void oc_change_restore_done(oc_op_t *op);
void oc_change_restore_fail(oc_op_t *op);
void oc_change_restored_done(oc_op_t *op);
void oc_change_restored_fail(oc_op_t *op);
void oc_change_give_up(oc_op_t *op);

#endif
