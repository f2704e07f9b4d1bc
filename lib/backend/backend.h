/* backend.h - what a calendar server can be asked, whatever product it is.
 *
 * The verbs are those of the domain. Each `begin` function returns a job (base/job.h) in the call's
 * pool: an object without I/O that gives exchanges and is fed replies. When the job is done,
 * call->result says how it went and the out parameter is filled (on failure as far as known; see
 * each verb). A verb never sleeps for a human and never retries a write.
 *
 * An oc_backend_t is made once from the configuration, is constant afterwards and may be used from
 * any thread; what a verb learns about a mailbox it keeps in call->memo. begin functions run on the
 * thread that owns the call (mostly net's loop thread) and only fail (NULL, with call->result set)
 * for arguments that no server could take.
 *
 * Arrays of results hold pointers (oc_booking_t *, oc_freebusy_t *, oc_room_evidence_t *), never
 * the structures themselves; the attendees of a booking are the exception (cal/booking.h).
 */
#ifndef OC_BACKEND_BACKEND_H
#define OC_BACKEND_BACKEND_H

#include "base/call.h"
#include "base/job.h"
#include "cal/booking.h"
#include "cal/freebusy.h"
#include "cal/people.h"
#include "cal/range.h"

/* From the configuration; plain strings that outlive the backend. */
typedef struct oc_backend_conf_t {
    const char *name;            /* OwaCalBackend's first word */
    const char *kind;            /* "owa2003" */
    oc_site_t *site;             /* scheme, host, port, ... */
    const char *path;            /* path of the mailboxes, both slashes: "/exchange/" */
    const char *public_path;     /* "/public/" */
    apr_array_header_t *also;    /* oc_site_t *: further hosts of the same organization */
    apr_array_header_t *update_lines; /* const char *: of OwaCalOwaCommand; NULL = built in */
    int range_days;              /* longest free/busy range asked at once; 0 = built in */
} oc_backend_conf_t;

typedef struct oc_backend_t oc_backend_t;

/* ---- free/busy ---- */
typedef struct oc_freebusy_query_t {
    apr_array_header_t *who; /* const char *: SMTP addresses */
    oc_range_t range;
    apr_time_t slot;         /* microseconds, a whole number of minutes, a day at most */
    int members;             /* > 0: who is a distribution list is found out, and its members are
                              * asked about instead, so many in all; 0: nobody is taken for one */
} oc_freebusy_query_t;

/* ---- people ---- */
typedef struct oc_people_query_t {
    const char *text;        /* oc_people_text_ok() */
    int max;                 /* entries kept, at most OC_PEOPLE_ROWS */
    int members;             /* of a list, read at most; a longer one counts as not readable */
} oc_people_query_t;

/* ---- list ---- */
typedef struct oc_list_query_t {
    const char *mailbox;     /* NULL = the acting person's own; else a room's mailbox name */
    oc_range_t range;
    const char *not_uid;     /* leave this meeting out; NULL */
    int max;                 /* rows kept; the rest is counted in `more` */
    int answers;             /* > 0: with attendees, and what those of the first so many of one's
                              * own meetings have answered, OC_LIST_ANSWERS at most; where it is not
                              * found out, UNKNOWN. 0: without attendees */
} oc_list_query_t;
#define OC_LIST_ANSWERS 20   /* each costs an exchange */
typedef struct oc_list_t {
    apr_array_header_t *bookings; /* oc_booking_t *, by start; private ones of others masked */
    int more;                /* 1 = there were more than max */
    int strange;             /* so many were left out because no sense could be made of them: not
                              * all that stands there is known */
    int unreadable;          /* 1 = this person may not read that calendar (then not a failure) */
} oc_list_t;

/* ---- evidence: did the invitation leave, who answered, who holds the room ---- */
typedef enum oc_tri_t { OC_NO = 0, OC_YES = 1, OC_DONT_KNOW = 2 } oc_tri_t;
typedef struct oc_room_evidence_t {
    const char *address;
    oc_partstat_t answer;    /* the room's own answer */
    oc_tri_t calendar;       /* YES: its calendar shows our uid; NO: readable, but does not */
    const oc_booking_t *holder; /* somebody else's item in its calendar at that time; NULL */
} oc_room_evidence_t;
typedef struct oc_evidence_t {
    oc_tri_t item;           /* the organizer's item stands, with this uid */
    oc_tri_t request_sent;   /* the request (or update, cancellation) left */
    oc_tri_t draft_left;     /* a prepared message still lies unsent */
    apr_array_header_t *rooms; /* oc_room_evidence_t *, one for each room asked about */
    const char *message_id;  /* of the sent message; NULL */
} oc_evidence_t;

/* ---- what happened to the people ---- */
typedef enum oc_told_t {
    OC_TOLD_NOBODY_TO_TELL, OC_TOLD, OC_TOLD_UNVERIFIED, /* the server said yes, no proof found */
    OC_TOLD_NOT, OC_TOLD_UNKNOWN
} oc_told_t;
/* The out parameter of invite, update, cancel and remove points to one of these as soon as there is
 * anything to tell. What it says is true at every moment, for a verb may be cut off between any two
 * calls: before a request is given that sends or changes, `told` and `item_changed` turn to "not
 * known", and only its reply makes them better. */
typedef struct oc_change_t {
    oc_booking_t *booking;   /* as it stands now; NULL if gone or not known */
    oc_tri_t item_changed;   /* update: the item has the new values; cancel: the item is gone */
    oc_told_t told;
    const char *way;         /* "owa" or "webdav": which way told them; NULL */
    const char *left_behind; /* a sentence naming what is left where; NULL = nothing */
    const char *message_id;
} oc_change_t;

typedef struct oc_backend_vtable_t {
    const char *kind;
    /* Where items go: `seed` is 32 bytes; the same seed gives the same item and uid, on every front
     * end. Pure. */
    oc_itemref_t (*item_of)(const oc_backend_t *, apr_pool_t *, const unsigned char seed[32]);
    const char *(*uid_of)(const oc_backend_t *, apr_pool_t *, const unsigned char seed[32]);
    /* 1 if `item` is a well-formed reference of this backend (it came from outside, with a MAC). */
    int (*item_ok)(const oc_backend_t *, const char *item);

    /* Rows in the order of query->who, one for each address; unknown where the server knew
     * nothing. One exchange for as many people as the server's limits allow. The row of a list is
     * that of all its members, and unknown where one of them is unknown and none busy, or where
     * they cannot all be read: never free because nobody was asked. */
    oc_job_t *(*freebusy)(const oc_backend_t *, oc_call_t *, const oc_freebusy_query_t *,
                          apr_array_header_t **rows /* oc_freebusy_t * */);
    oc_job_t *(*list)(const oc_backend_t *, oc_call_t *, const oc_list_query_t *, oc_list_t **out);
    /* Look people up in the server's address book, and among the lists of the person's own. */
    oc_job_t *(*people)(const oc_backend_t *, oc_call_t *, const oc_people_query_t *,
                        oc_people_t **out);
    /* One item of the acting person's calendar, with attendees' and rooms' answers. */
    oc_job_t *(*read)(const oc_backend_t *, oc_call_t *, oc_itemref_t item, oc_booking_t **out);

    /* Write the organizer's item named by booking->item, uid booking->uid; mails nobody. *existed =
     * 1: an item of that name stood there already and was not touched; 2: one stands there that may
     * be this verb's own, for the answer to the write was lost or bad. *out is what stands. */
    oc_job_t *(*create)(const oc_backend_t *, oc_call_t *, const oc_booking_t *, int *existed,
                        oc_booking_t **out);
    /* Send the request for an item just created. Not repeated by the caller without evidence. */
    oc_job_t *(*invite)(const oc_backend_t *, oc_call_t *, const oc_booking_t *, oc_change_t **out);
    /* Look, change nothing. since: an instant of our own wall clock (0 = any); only messages and
     * room answers from after it count, the server's clock being allowed for. A copy of the booking
     * with `cancelled` set asks about its cancellation instead of its request. */
    oc_job_t *(*evidence)(const oc_backend_t *, oc_call_t *, const oc_booking_t *, apr_time_t since,
                          oc_evidence_t **out);
    /* Change the item (must still have was->etag) and tell the attendees, removed ones included. */
    oc_job_t *(*update)(const oc_backend_t *, oc_call_t *, const oc_booking_t *was,
                        const oc_booking_t *wanted, oc_change_t **out);
    /* Tell the attendees and remove the item. reason: a sentence for the message; NULL. */
    oc_job_t *(*cancel)(const oc_backend_t *, oc_call_t *, const oc_booking_t *, const char *reason,
                        oc_change_t **out);
    /* Remove item and drafts without telling anybody (nothing was sent). */
    oc_job_t *(*remove)(const oc_backend_t *, oc_call_t *, const oc_booking_t *, oc_change_t **out);
    /* One cheap authenticated look: proves the login and finds the folders. *facts: name -> value
     * for `GET check` (server version, mailbox path, folder names), nothing secret. */
    oc_job_t *(*probe)(const oc_backend_t *, oc_call_t *, apr_table_t **facts);
    /* One look without a login (oc_identity_nobody): what a stranger is told. Succeeds with any
     * status. *facts: "status", "offers" (schemes), "server", "version", "clock difference". */
    oc_job_t *(*look)(const oc_backend_t *, oc_call_t *, apr_table_t **facts);
    /* Path of that mailbox's root, encoded: what its owner can surely read. NULL in the table: the
     * product has no such path. */
    const char *(*home)(const oc_backend_t *, apr_pool_t *, const char *mailbox);
    /* The mailbox that the page at conf->path shows to whoever has signed in: one plausible name,
     * unescaped, or NULL. NULL in the table: the product has no such page. Pure. */
    const char *(*whose)(const oc_backend_t *, apr_pool_t *, const char *page, apr_size_t len);
} oc_backend_vtable_t;

struct oc_backend_t {
    const oc_backend_vtable_t *vt;
    const oc_backend_conf_t *conf;
};

/* By conf->kind; NULL and *error (a sentence) if there is no such kind or conf does not suit it. */
oc_backend_t *oc_backend_open(apr_pool_t *pool, const oc_backend_conf_t *conf, const char **error);
/* A line for conf->update_lines: NULL, or a sentence that says what is wrong with it. */
const char *oc_backend_line_wrong(apr_pool_t *pool, const char *line);

#endif
