/* fakeowa.h - a programmable calendar server in memory, fed with exchanges instead of sockets.
 *
 * For the verbs that act: it keeps the items of one mailbox, counts what was mailed to whom, and
 * can make its n-th exchange fail in any way, before or after having carried it out. It knows just
 * what those verbs need of Exchange 2003.
 */
#ifndef FAKEOWA_H
#define FAKEOWA_H

#include "backend/backend.h"
#include <apr_tables.h>

typedef struct fake_item_t {
    const char *path;   /* decoded */
    apr_table_t *props; /* "URI name" -> text */
    int etag;
    apr_time_t created;
} fake_item_t;

typedef struct fake_mail_t {
    const char *class, *uid, *to; /* to: to, cc and bcc with commas */
    int sequence;
    int by_command; /* sent by an OWA command */
} fake_mail_t;

typedef enum fake_getcancel_t {
    FAKE_302,
    FAKE_302_PATH,
    FAKE_ITEMHREF,
    FAKE_BASE,
    FAKE_ACTION,
    FAKE_MSGID,
    FAKE_XML,
    FAKE_SILENT,        /* a draft is made, but a page says nothing of it */
    FAKE_NO_DRAFT,      /* a page, and no draft */
    FAKE_SELF,          /* 302 to the appointment itself, no draft */
    FAKE_OTHER_HOST,    /* 302 to another host, draft made */
    FAKE_OTHER_MAILBOX, /* 302 to another mailbox, no draft */
    FAKE_FOREIGN,       /* 302 to a cancellation of another meeting that lies in Drafts */
    FAKE_ORDINARY,      /* 302 to an ordinary message in Drafts */
    FAKE_GETCANCELS
} fake_getcancel_t;

typedef enum fake_fault_t {
    FAKE_OK,
    FAKE_LOST,
    FAKE_LOST_DONE,
    FAKE_NOT_SENT,
    FAKE_TIMEOUT,
    FAKE_TIMEOUT_DONE,
    FAKE_401,
    FAKE_403,
    FAKE_404,
    FAKE_409,
    FAKE_412,
    FAKE_423,
    FAKE_424,
    FAKE_440,
    FAKE_500,
    FAKE_500_DONE,
    FAKE_503,
    FAKE_507,
    FAKE_PARTIAL,
    FAKE_423_INNER, /* 207, and the refusal in it */
    FAKE_HTML,
    FAKE_HTML_DONE,
    FAKE_CUT,
    FAKE_DEADLINE, /* the job is cancelled then */
    FAKE_DEADLINE_DONE,
    FAKE_FAULTS
} fake_fault_t;
extern const char *const fake_fault_names[FAKE_FAULTS];

typedef struct fake_t {
    apr_pool_t *pool;
    apr_array_header_t *items; /* fake_item_t * */
    apr_array_header_t *mails; /* fake_mail_t * */
    /* what kind of server */
    fake_getcancel_t getcancel;
    int draft_uid;       /* 0: OWA's draft has no uid */
    int draft_organizer; /* OWA's draft is addressed to the organizer too */
    int command_silent;  /* an update command is answered 200 and sends nothing */
    int command_cancels; /* it sends a cancellation to removed attendees */
    int no_sent_copies;
    int opens;     /* nothing stays private, whatever is written */
    int keeps_uid; /* 0: the server gives every new item a uid of its own */
    /* what goes wrong */
    int fail_at; /* number of the exchange, from 1; 0 = none */
    fake_fault_t fault;
    int for_good; /* every exchange from that one on fails so */
    int over;     /* the job's deadline has come */
    /* what happened */
    int exchanges, serial;
    int wrong; /* a client did what it must never do */
    const char *wrong_why;
    const char *log; /* method and path of each exchange, one a line */
    const char *last_post;
} fake_t;

fake_t *fake_create(apr_pool_t *pool);
/* Run a job to its end; pauses cost no time. Returns the number of exchanges it sent. */
int fake_run(fake_t *f, oc_job_t *job);
fake_item_t *fake_find(const fake_t *f, const char *path);
/* Items in a folder ("Piszkozatok"), or with name not NULL that item only. */
int fake_count(const fake_t *f, const char *folder);
const char *fake_prop(const fake_item_t *item, const char *name); /* by its local name */
/* Mails of that class that reached `address` (NULL: anybody). */
int fake_mailed(const fake_t *f, const char *class, const char *address);

/* A backend for it, a call of ana's (memo NULL: her folders are asked for each time), and her
 * meeting of 5 March 2026 with bo (required), cy (optional) and a room. */
const oc_backend_t *fake_backend(apr_pool_t *pool);
oc_call_t *fake_call(apr_pool_t *pool, oc_memo_t *memo);
oc_booking_t *fake_meeting(apr_pool_t *pool, const oc_backend_t *be);
void fake_add(oc_booking_t *b, const char *address, oc_role_t role);

/* For loops over faults: notes what is wrong instead of a check of its own. fake_held() is the
 * check: nothing was noted since the last one. */
void fake_must(int holds, const char *format, ...) __attribute__((format(printf, 2, 3)));
int fake_held(void);

#define FAKE_ROOT     "/exchange/ana/"
#define FAKE_CALENDAR "/exchange/ana/Napt\xc3\xa1r/"
#define FAKE_DRAFTS   "/exchange/ana/Piszkozatok/"
#define FAKE_SENT     "/exchange/ana/Elk\xc3\xbcld\xc3\xb6tt elemek/"

#endif
