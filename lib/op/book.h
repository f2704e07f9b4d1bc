/* book.h - what the two halves of booking share: book.c goes forward, book_mend.c finds out and
 * puts right. Private to lib/op.
 */
#ifndef OC_OP_BOOK_H
#define OC_OP_BOOK_H

#include "op/check.h"
#include "op/undo.h"
#include "op/verify.h"

enum { /* in the order of the table in book.c */
    BOOK_CHECK, BOOK_REPLAY, BOOK_WRITE, BOOK_LOOK, BOOK_HOME, BOOK_RESUME, BOOK_INVITE, BOOK_SENT,
    BOOK_VERIFY, BOOK_CONTEST, BOOK_UNDO, BOOK_UNDONE
};

typedef struct oc_book_t {
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
    int refused;             /* the server refused the write: what stands by this key is older */
    oc_tri_t sent;           /* the request left */
    int looks;
    int looked_home;         /* its own room's calendar was compared, or need not be */
    oc_mono_t lost_at;       /* when the write was sent whose reply was lost; 0 = none */
    oc_undo_t undo;
    const char *remark;      /* why it can be no more than pending, unless the room says yes */
} oc_book_t;

/* The operation's own; and whether a booking found has the same content by its mark. */
oc_book_t *oc_book_of(oc_op_t *op);
int oc_book_same(const oc_book_t *b, const oc_booking_t *other);
int oc_book_invites(const oc_book_t *b); /* there is somebody to invite */
/* What verbs are to act on: an older booking by this key may have been changed since. */
const oc_booking_t *oc_book_standing(const oc_book_t *b);

/* Ends. Standing: confirmed, or pending for that reason. Undone: nothing of ours stands. */
void oc_book_end(oc_op_t *op, oc_state_t state, const char *why);
void oc_book_end_standing(oc_op_t *op, const char *pending_why, const char *why);
void oc_book_end_unknown(oc_op_t *op, const char *left_behind, const char *why);
void oc_book_end_undone(oc_op_t *op, const char *why);
void oc_book_end_foreign(oc_op_t *op); /* another booking has this key */

/* The item stands and is this booking: go on from there. */
void oc_book_resume(oc_op_t *op, const char *why);
/* 1 if it entered the state that compares the calendar of the room one acts in. */
int oc_book_look_home(oc_op_t *op, const char *why);

/* Steps of the table. */
void oc_book_read_start(oc_op_t *op);
void oc_book_look_done(oc_op_t *op);
void oc_book_look_fail(oc_op_t *op);
void oc_book_evidence_start(oc_op_t *op);
void oc_book_resume_done(oc_op_t *op);
void oc_book_sent_done(oc_op_t *op);
void oc_book_doubt_fail(oc_op_t *op); /* of both: it could not be looked */
void oc_book_undo_start(oc_op_t *op);
void oc_book_undo_ended(oc_op_t *op);
void oc_book_undone_start(oc_op_t *op);
void oc_book_undone_looked(oc_op_t *op);
void oc_book_give_up(oc_op_t *op);

#endif
