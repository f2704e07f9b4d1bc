/* undo.h - take a booking back: cancelling, and undoing one's own booking. Private to lib/op.
 *
 * If the attendees may know of it the backend's `cancel` tells them and removes the item; if
 * certainly nobody does, `remove` is enough. What became of it is looked at where the verb did not
 * prove it, and what is left is tried once more. A cancellation goes out a second time only if it
 * is certain that the first did not: nobody gets two, and no meeting goes from the organizer's
 * calendar alone.
 *
 * An operation has two states for it: one that starts with oc_undo_start and asks oc_undo_ended
 * afterwards, and one with oc_undo_look and oc_undo_looked.
 */
#ifndef OC_OP_UNDO_H
#define OC_OP_UNDO_H

#include "op/machine.h"

typedef struct oc_undo_t {
    const oc_booking_t *booking; /* set before each start */
    int known;                   /* attendees may know of it. Set before; cleared once told */
    const char *reason;          /* for the message; NULL */
    int insist;                  /* also try once more where nothing was done at all */

    /* What became of it, once it is over. */
    oc_told_t told;              /* of the cancellation */
    oc_tri_t stands;             /* the item */
    const char *left;            /* a sentence on what is left where; NULL = nothing. May be set
                                  * although the booking is gone: a stray draft */
    const char *way, *message_id;
    int acted;                   /* something may have been done at all */

    /* Its own. */
    oc_change_t *change;
    oc_evidence_t *evidence;
    apr_time_t since;
    int tries, looks;
} oc_undo_t;

#define OC_UNDO_PAUSE (APR_USEC_PER_SEC / 2)

typedef enum oc_undo_next_t {
    OC_UNDO_GONE,  /* over: the booking is gone and whoever had to be told was */
    OC_UNDO_LEFT,  /* over: not so */
    OC_UNDO_LOOK,  /* enter the state that looks */
    OC_UNDO_LOOK_LATER, /* the same, after OC_UNDO_PAUSE */
    OC_UNDO_AGAIN  /* enter the state that starts */
} oc_undo_next_t;

void oc_undo_start(oc_op_t *op, oc_undo_t *u);
oc_undo_next_t oc_undo_ended(oc_op_t *op, oc_undo_t *u); /* done and fail of it */
void oc_undo_look(oc_op_t *op, oc_undo_t *u);
oc_undo_next_t oc_undo_looked(oc_op_t *op, oc_undo_t *u); /* done and fail of it */
#endif
