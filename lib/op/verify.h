/* verify.h - did it take? Shared by booking and changing; private to lib/op.
 *
 * Reads back what stands where and weighs it: a room's own answer, then the room's calendar. A room
 * that has not said anything is asked about again, with growing pauses, until the time for answers
 * is over. Nothing here changes a calendar.
 */
#ifndef OC_OP_VERIFY_H
#define OC_OP_VERIFY_H

#include "op/machine.h"

typedef enum oc_verdict_t {
    OC_VERDICT_CONFIRMED, /* every room is ours; without rooms: the request left */
    OC_VERDICT_OPEN,      /* not (yet) known for some room, or whether the request left */
    OC_VERDICT_LOST,      /* a room declined, or its calendar shows somebody else instead of us */
    OC_VERDICT_CONTESTED, /* a room's calendar shows us and somebody else: compare them */
    OC_VERDICT_NOT_SENT,  /* the prepared request still lies there */
    OC_VERDICT_NO_ITEM    /* the organizer's item is gone */
} oc_verdict_t;

typedef struct oc_verify_t {
    const oc_booking_t *booking;
    const apr_array_header_t *rooms; /* const oc_attendee_t * */
    apr_time_t since;            /* older messages do not count; 0 = all */
    const oc_attendee_t *home;   /* the room in whose own calendar it stands; NULL */

    /* Filled by judging. */
    oc_evidence_t *evidence;     /* the last that could be had; NULL */
    int seen_sent;               /* the request left: seen, or because a room knows of it */
    const char *who;             /* lost: which room; open: the first that is not ours yet */
    oc_partstat_t answer;        /* that room's */
    const oc_booking_t *holder;  /* lost: who has it; NULL */
    oc_range_t clash;            /* lost: when; start 0 = not known */

    /* Its own. */
    oc_evidence_t *next;
    oc_list_t *calendar;         /* of the contested room */
    apr_uint64_t ours;           /* bit i: the comparison gave room i to us */
    int contested;               /* which room is compared; -1: the home room */
    oc_mono_t until;
    apr_time_t pause;
} oc_verify_t;

/* Begin the verb that looks; in a state's start. */
void oc_verify_start(oc_op_t *op, oc_verify_t *v);
/* In its done (or after a comparison, on the same evidence). */
oc_verdict_t oc_verify_judge(oc_op_t *op, oc_verify_t *v);
/* Whether that evidence says that the request left. */
oc_tri_t oc_verify_sent(oc_verify_t *v);
/* How long to wait before looking again; 0: the time for answers is over. Each time is longer. */
apr_time_t oc_verify_pause(oc_op_t *op, oc_verify_t *v);
/* The next comparison is of the home room's calendar. */
void oc_verify_at_home(oc_verify_t *v);
/* Begin the verb that reads the contested room's calendar. */
void oc_verify_contest(oc_op_t *op, oc_verify_t *v);
/* In its done. 1: somebody else's entry comes first, we yield. Of two entries as they stand in that
 * calendar the younger yields; the order is by time of creation, then by uid, so that everybody who
 * compares comes to the same result. always: we yield to any, for we can go back to what stood. */
int oc_verify_yields(oc_op_t *op, oc_verify_t *v, int always);
/* A copy of the booking with the rooms' answers as they are known. */
oc_booking_t *oc_verify_answers(oc_op_t *op, const oc_verify_t *v, const oc_booking_t *booking);

#endif
