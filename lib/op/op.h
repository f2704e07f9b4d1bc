/* op.h - operations: what a person asks for, as one explicit machine each, and the runner they
 * share.
 *
 * An operation is a job (base/job.h) that runs backend verbs one after the other. Only
 * oc_op_enter() assigns its state; it logs `book 7f3a [check] -- free --> [write]`. It holds the
 * operation's deadline until the first step that changes a calendar; from there on the undo time is
 * added, cancelling means putting things right, and a reply that was lost is resolved by looking.
 *
 * Order of calls: oc_op_*() makes it (request thread); oc_op_prepare() on the request thread takes
 * the leases and may wait, bounded; then it is signed (auth) and submitted (net); when finished,
 * call->result and the out structure are read by the request thread. If nobody waits any more the
 * loop thread drops it. Leases are given back when the job is done, at the latest with the call's
 * pool.
 */
#ifndef OC_OP_OP_H
#define OC_OP_OP_H

#include "backend/backend.h"
#include "cal/room.h"
#include "op/fresh.h"
#include "op/lease.h"

typedef enum oc_conflict_t {
    OC_CONFLICT_REFUSE,
    OC_CONFLICT_WARN, /* book nevertheless, and say so */
    OC_CONFLICT_ALLOW /* do not even check */
} oc_conflict_t;

typedef struct oc_op_conf_t {
    apr_time_t operation;     /* time for everything up to the first write */
    apr_time_t undo;          /* more for putting things right, once something was written */
    apr_time_t answer_wait;   /* how long to look for the room's own answer before "pending" */
    oc_conflict_t conflict;
    int unknown_refuse;       /* unknown free/busy: 1 refuse, 0 book as pending */
    int members;              /* of distribution lists asked about at most; 0: no lists */
    oc_lease_t *leases;       /* NULL: no shared memory (units) */
    oc_fresh_t *fresh;        /* where acts mark what they change; NULL: nowhere */
    const apr_array_header_t *rooms; /* oc_room_t *: the configured rooms, for their mailbox names
                               * and to tell a room among attendees read back; NULL: the mailbox is
                               * what stands before the @ */
} oc_op_conf_t;

#define OC_OP_MAX_ROOMS 32    /* in one booking */
#define OC_OP_MAX_NAMES 8     /* looked up at a time */

/* What stands in the calendars after a booking, a change or a cancellation. */
typedef enum oc_state_t {
    OC_STATE_CONFIRMED, /* the room's own answer or its calendar says so; no room: it stands */
    OC_STATE_PENDING,   /* booked and sent; the room has not said yes */
    OC_STATE_CONFLICT,  /* the room is somebody else's; our own booking was undone or never made */
    OC_STATE_FAILED,    /* not done; left_behind says what could not be undone */
    OC_STATE_UNKNOWN    /* could not be found out */
} oc_state_t;
const char *oc_state_token(oc_state_t s); /* "confirmed", ... */

typedef struct oc_act_t { /* the outcome of book, change and cancel */
    oc_state_t state;
    oc_booking_t *booking;    /* as it stands; after a cancel: as it stood; NULL if never made */
    oc_told_t told;
    const char *way;          /* "owa", "webdav" or NULL */
    const char *not_done;     /* plain sentence: what was not done; NULL */
    const char *left_behind;  /* plain sentence: what is left where; NULL */
    const char *pending_why;  /* "could not be checked", "the room has not answered"; NULL */
    const char *message_id;
    const oc_booking_t *holder; /* conflict: what stands in the room, if it may be known; NULL */
    oc_range_t clash;         /* conflict: when; start 0 = not known */
    const char *clash_who;    /* address of that room, or of the person who is busy; NULL */
    int replayed;             /* the same key was booked before: this is that booking */
} oc_act_t;

/* How state and result go together: CONFIRMED and PENDING with a good result, or PENDING with
 * NOT_TOLD (it stands, but the attendees were not told). CONFLICT with ROOM_TAKEN, ATTENDEE_BUSY or
 * AVAILABILITY_UNKNOWN: what stood before stands, and nothing else. UNKNOWN with OUTCOME_UNKNOWN:
 * left_behind says what may stand where. FAILED with any other reason; with LEFT_BEHIND if
 * something could not be undone, which left_behind names. A cancellation that was carried out is
 * CONFIRMED. With any other state left_behind speaks at most of a stray message in the drafts. */
typedef struct oc_book_args_t {
    oc_booking_t *booking;         /* checked; rooms among its attendees; item and uid NULL; mark:
                                    * NULL (made here from its content) or the adapter's own */
    unsigned char seed[32];        /* from the idempotency key, or random */
    int random_seed;               /* 1: the seed was never used before: nothing to replay */
    int check_people;              /* also refuse when a required attendee is busy */
} oc_book_args_t;
typedef struct oc_change_args_t {
    oc_itemref_t item;
    /* NULL or negative: leave as it is. */
    const char *subject, *text, *location;
    oc_range_t when;               /* start 0: leave */
    int all_day;                   /* -1: leave */
    const char *zone;
    int reminder;                  /* -2: leave */
    int private;                   /* 1: private, -1: not; 0: leave */
    apr_array_header_t *attendees; /* oc_attendee_t; NULL: leave */
    int keep_resources;            /* 1: resources that are no configured rooms stay all the same */
    const char *if_etag;           /* refuse with CHANGED_MEANWHILE unless it is this; NULL */
} oc_change_args_t;

/* All return an operation in call->pool, or NULL with call->result set. Out structures are in
 * call->pool and valid once the job is done; act->booking etc. may be NULL. The time of the
 * operation begins here. job->deadline is at first the operation's; after a calendar may have been
 * changed, cancel() and feed() may move it, never beyond the operation's time plus the undo time.
 *
 * What a look fills in (rows, out, facts) must be in call->pool, too: one that was abandoned may
 * still do so.
 *
 * While an operation runs its verbs each have a call of their own, a copy with its own result: what
 * the signing layer records in call->result meanwhile counts as the cause of the verb's failure. */
oc_job_t *oc_op_book(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                     const oc_book_args_t *args, oc_act_t **act);
oc_job_t *oc_op_change(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       const oc_change_args_t *args, oc_act_t **act);
/* An item that is not there (any more): BOOKING_NOT_FOUND, also if it was cancelled here before. */
oc_job_t *oc_op_cancel(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       oc_itemref_t item, const char *reason, oc_act_t **act);
oc_job_t *oc_op_freebusy(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                         const oc_freebusy_query_t *query, apr_array_header_t **rows);
oc_job_t *oc_op_list(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                     const oc_list_query_t *query, oc_list_t **out);
oc_job_t *oc_op_read(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                     oc_itemref_t item, oc_booking_t **out);
oc_job_t *oc_op_probe(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                      apr_table_t **facts);
/* found: `count` of them are filled, one for each query. Arguments must live in call->pool. */
oc_job_t *oc_op_people(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       const oc_people_query_t *queries, int count, oc_people_t **found);
/* What stands in a room. `room` is the id of one of conf->rooms: no other mailbox is ever looked
 * into (UNKNOWN_ROOM). That its calendar may not be read is remembered for some minutes. */
typedef struct oc_room_look_t {
    oc_list_t *list;          /* its calendar, `max` rows at most; NULL: it may not be read */
    apr_array_header_t *rows; /* then its free/busy (one oc_freebusy_t *), in slots of 5 minutes */
} oc_room_look_t;
oc_job_t *oc_op_agenda(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       const char *room, oc_range_t range, int max, oc_room_look_t **out);
#define OC_OP_AGENDA_SLOT apr_time_from_sec(300)
/* 1: it is remembered that this identity may not read that room's calendar, so that the room's
 * free/busy is all there is to be asked for. */
int oc_op_agenda_closed(const oc_call_t *call, const oc_backend_t *be, const oc_room_t *room);
/* To be signed as nobody. */
oc_job_t *oc_op_look(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                     apr_table_t **facts);

/* Request thread, before submitting: take the leases the operation needs (a no-op for reads). Waits
 * at most for half of the operation's time. A change of room or time learns what it needs only
 * after reading: it asks with the rooms it was given and re-checks before writing. */
apr_status_t oc_op_prepare(oc_job_t *op);
/* Name of the state it is in, for status pages and logs. */
const char *oc_op_state(const oc_job_t *op);
int oc_op_wrote(const oc_job_t *op); /* 1 once a step that changes a calendar began */

#endif
