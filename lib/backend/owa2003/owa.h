/* owa.h - the Exchange 2000/2003 backend, inside: what its verbs share.
 *
 * A verb is a job made of asks. An ask is one exchange with a judged reply: the verb makes it,
 * sends it, and its `then` function is called once when the reply is complete. Several asks may be
 * in flight. Below `then` the machine deals with what every verb would: standard headers, reading
 * the multistatus while it streams, redirects to another configured host, one bounded retry of
 * reads, backoff on locked items, and the mapping of status codes to reasons (owa_judge, the only
 * place).
 *
 * Nothing here outside lib/backend/owa2003. All functions run on the thread that owns the call.
 */
#ifndef OWA_H
#define OWA_H

#include "backend/backend.h"
#include "wire/dav.h"
#include "wire/xml.h"

/* ---- properties ---- */

#define OWA_NS_EX "http://schemas.microsoft.com/exchange/"
#define OWA_NS_CAL "urn:schemas:calendar:"
#define OWA_NS_MAIL "urn:schemas:httpmail:"
#define OWA_NS_HEADER "urn:schemas:mailheader:"
#define OWA_NS_MAPI "http://schemas.microsoft.com/mapi/"
#define OWA_NS_MEETING                                                                             \
    "http://schemas.microsoft.com/mapi/id/{6ED8DA90-450B-101B-98DA-00AA003F1305}/"

/* The schema: X(ID, namespace, name, type). A new property is one line here; props.c makes the
 * table owa_schema of it, body builders and readers walk that. Sources: KB 308373, the Exchange
 * SDK's property lists; GOID and CLEAN_GOID: H. Krause (infinitec.de), 2007. */
#define OWA_PROPS(X)                                                                               \
    X(HREF, OC_NS_DAV, "href", STRING)                                                             \
    X(CONTENTCLASS, OC_NS_DAV, "contentclass", STRING)                                             \
    X(ETAG, OC_NS_DAV, "getetag", STRING)                                                          \
    X(CREATIONDATE, OC_NS_DAV, "creationdate", TIME)                                               \
    X(LASTMODIFIED, OC_NS_DAV, "getlastmodified", TIME)                                            \
    X(ISHIDDEN, OC_NS_DAV, "ishidden", BOOL)                                                       \
    X(ISFOLDER, OC_NS_DAV, "isfolder", BOOL)                                                       \
    X(DISPLAYNAME, OC_NS_DAV, "displayname", STRING)                                               \
    X(CLASS, OWA_NS_EX, "outlookmessageclass", STRING)                                             \
    X(PERMANENTURL, OWA_NS_EX, "permanenturl", STRING)                                             \
    X(SUBJECT, OWA_NS_MAIL, "subject", STRING)                                                     \
    X(TEXT, OWA_NS_MAIL, "textdescription", STRING)                                                \
    X(SAVEINSENT, OWA_NS_MAIL, "saveinsent", BOOL)                                                 \
    X(DATE, OWA_NS_MAIL, "date", TIME)                                                             \
    X(FROMEMAIL, OWA_NS_MAIL, "fromemail", STRING)                                                 \
    X(F_INBOX, OWA_NS_MAIL, "inbox", STRING)                                                       \
    X(F_CALENDAR, OWA_NS_MAIL, "calendar", STRING)                                                 \
    X(F_DRAFTS, OWA_NS_MAIL, "drafts", STRING)                                                     \
    X(F_SENT, OWA_NS_MAIL, "sentitems", STRING)                                                    \
    X(F_DELETED, OWA_NS_MAIL, "deleteditems", STRING)                                              \
    X(F_CONTACTS, OWA_NS_MAIL, "contacts", STRING)                                                 \
    X(F_SENDMSG, OWA_NS_MAIL, "sendmsg", STRING)                                                   \
    X(FROM, OWA_NS_HEADER, "from", STRING)                                                         \
    X(TO, OWA_NS_HEADER, "to", STRING)                                                             \
    X(CC, OWA_NS_HEADER, "cc", STRING)                                                             \
    X(BCC, OWA_NS_HEADER, "bcc", STRING)                                                           \
    X(MESSAGE_ID, OWA_NS_HEADER, "message-id", STRING)                                             \
    X(UID, OWA_NS_CAL, "uid", STRING)                                                              \
    X(METHOD, OWA_NS_CAL, "method", STRING)                                                        \
    X(SEQUENCE, OWA_NS_CAL, "sequence", INT)                                                       \
    X(DTSTAMP, OWA_NS_CAL, "dtstamp", TIME)                                                        \
    X(DTSTART, OWA_NS_CAL, "dtstart", TIME)                                                        \
    X(DTEND, OWA_NS_CAL, "dtend", TIME)                                                            \
    X(ALLDAY, OWA_NS_CAL, "alldayevent", BOOL)                                                     \
    X(LOCATION, OWA_NS_CAL, "location", STRING)                                                    \
    X(BUSYSTATUS, OWA_NS_CAL, "busystatus", STRING)                                                \
    X(MEETINGSTATUS, OWA_NS_CAL, "meetingstatus", STRING)                                          \
    X(INSTANCETYPE, OWA_NS_CAL, "instancetype", INT)                                               \
    X(RESPONSEREQUESTED, OWA_NS_CAL, "responserequested", BOOL)                                    \
    X(REMINDEROFFSET, OWA_NS_CAL, "reminderoffset", INT)                                           \
    X(ORGANIZER, OWA_NS_CAL, "organizer", STRING)                                                  \
    X(ISORGANIZER, OWA_NS_CAL, "isorganizer", BOOL)                                                \
    X(TIMEZONEID, OWA_NS_CAL, "timezoneid", INT)                                                   \
    X(CREATED, OWA_NS_CAL, "created", TIME)                                                        \
    X(CALMODIFIED, OWA_NS_CAL, "lastmodified", TIME)                                               \
    X(PRODID, OWA_NS_CAL, "prodid", STRING)                                                        \
    X(FINVITED, OWA_NS_MAPI, "finvited", BOOL)                                                     \
    X(RESPONSESTATUS, OWA_NS_MAPI, "responsestatus", INT)                                          \
    X(RESPONSESTATE, OWA_NS_MAPI, "responsestate", INT)                                            \
    X(RESPONSE_REQUESTED, OWA_NS_MAPI, "response_requested", BOOL)                                 \
    X(APPTSTATEFLAGS, OWA_NS_MAPI, "apptstateflags", INT)                                          \
    X(MAPIBUSY, OWA_NS_MAPI, "busystatus", INT)                                                    \
    X(INTENDEDBUSY, OWA_NS_MAPI, "intendedbusystatus", INT)                                        \
    X(REMINDERSET, OWA_NS_MAPI, "reminderset", BOOL)                                               \
    X(REMINDERDELTA, OWA_NS_MAPI, "reminderdelta", INT)                                            \
    X(SENSITIVITY, OWA_NS_MAPI, "sensitivity", INT)                                                \
    X(GOID, OWA_NS_MEETING, "0x3", BINARY)                                                         \
    X(CLEAN_GOID, OWA_NS_MEETING, "0x23", BINARY)

enum {
#define X(ID, ns, name, type) OWA_P_##ID,
    OWA_PROPS(X)
#undef X
    OWA_P_COUNT
};
extern const oc_dav_schema_t owa_schema;

/* Lists of property indices for PROPFIND and SEARCH, each ended by OC_DAV_END. */
extern const int owa_props_booking[]; /* everything that makes an oc_booking_t */
extern const int owa_props_list[];    /* what a calendar view needs: no text, no attendees */
extern const int owa_props_people[];  /* the same and the attendees */
extern const int owa_props_answer[];  /* what of a message makes an answer */
extern const int owa_props_message[]; /* a message's class, uid, people, times */
extern const int owa_props_uid[];     /* uid, class, instance type, etag */

#define OWA_CC_APPOINTMENT "urn:content-classes:appointment"
#define OWA_CC_MESSAGE "urn:content-classes:calendarmessage"
#define OWA_CLASS_APPOINTMENT "IPM.Appointment"
#define OWA_CLASS_REQUEST "IPM.Schedule.Meeting.Request"
#define OWA_CLASS_CANCELED "IPM.Schedule.Meeting.Canceled"
#define OWA_CLASS_LIST "IPM.DistList"
#define OWA_CLASS_RESPONSE "IPM.Schedule.Meeting.Resp." /* + Pos, Neg, Tent */

/* A booking of one row, in `pool`; item is taken from the href if it lies directly in `calendar`
 * (an encoded folder path), else NULL. Times are parsed strictly: NULL and *why if the row cannot
 * be a booking. own: the calendar of the acting person, for is_organizer. */
oc_booking_t *owa_booking(apr_pool_t *pool, const oc_dav_row_t *row, const char *calendar,
                          int own, const char **why);
/* Somebody else's private or confidential item: only time and busy status stay. */
void owa_booking_mask(oc_booking_t *b);
const char *owa_busystatus(oc_busy_t busy);      /* "BUSY", ... */
oc_busy_t owa_busystatus_parse(const char *text); /* NULL or strange: BUSY */
/* booking->mark travels in cal:prodid, which clients leave alone. mark NULL: our bare prodid. */
const char *owa_prodid(apr_pool_t *pool, const char *mark);
const char *owa_prodid_mark(apr_pool_t *pool, const char *prodid); /* NULL: not ours, or no mark */

/* ---- names ---- */

/* Percent-encoded path of an item in a folder (encoded, ends in '/'). */
const char *owa_item_path(apr_pool_t *pool, const char *folder, oc_itemref_t item);
/* The item's reference if `path` (decoded) lies directly in `folder` (encoded), compared without
 * regard to ASCII case; else NULL. */
oc_itemref_t owa_item_in(apr_pool_t *pool, const char *folder, const char *path);
/* 1 if `path` (decoded) lies below `folder` (encoded), at any depth. */
int owa_path_below(apr_pool_t *pool, const char *folder, const char *path);
/* 1 if both encoded paths name the same thing: decoded, ASCII-case-blind, final slash ignored. */
int owa_path_same(apr_pool_t *pool, const char *a, const char *b);
/* Name of a message derived from the booking's item: the same item and kind ("req", "cancel", ..)
 * give the same name, so that a repeated try finds the first one. */
oc_itemref_t owa_message_item(apr_pool_t *pool, oc_itemref_t item, const char *kind);
/* The global object id behind a uid of ours: the uid's hex as bytes, base64 (as GOID and CLEAN_GOID
 * are written). NULL: the uid is not of that form. */
const char *owa_goid(apr_pool_t *pool, const char *uid);
/* "https://host[:port]" + encoded path: for Destination. */
const char *owa_url(apr_pool_t *pool, const oc_site_t *site, const char *path);
/* The configured host (the backend's own or one of also=) that a URL names: exactly if one fits by
 * scheme, name and port, else by name; NULL: none. A URL never adds a port or takes TLS away. host
 * NULL (a bare path): `otherwise`. */
const oc_site_t *owa_site(const oc_backend_t *be, const char *scheme, const char *host,
                          const oc_site_t *otherwise);

/* ---- folders ---- */

/* Where a mailbox keeps its things: percent-encoded paths that end in '/'; NULL = not told. */
typedef struct owa_folders_t {
    const oc_site_t *site; /* which configured host serves this mailbox */
    const char *root, *calendar, *inbox, *drafts, *sent, *deleted, *contacts;
    const char *submission; /* ".../%23%23DavMailSubmissionURI%23%23/"; of the own mailbox only */
    const char *version;    /* MS-WebStorage, "6.5.7226"; NULL */
    int from_memo;          /* known from before: may be out of date */
} owa_folders_t;

typedef struct owa_verb_t owa_verb_t;
typedef struct owa_ask_t owa_ask_t;

/* Find a mailbox's folders: NULL = the acting person's own. `then` is called with the folders, at
 * once if they are known, or with NULL and the reason in `res`. For one's own mailbox calendar,
 * drafts and submission are always set. */
typedef void owa_folders_then_t(owa_verb_t *v, const owa_folders_t *folders, const oc_result_t *res,
                                void *baton);
void owa_folders_find(owa_verb_t *v, const char *mailbox, owa_folders_then_t *then, void *baton);
void owa_folders_forget(owa_verb_t *v, const char *mailbox);
/* An item of one's own calendar answered 404. Is it gone, or has the calendar another name by now?
 * If the folders were known from before they are found once more: `then` is called with moved = 1
 * (v->own is new: ask again) or 0 (the item is gone), at once if they had just been found. */
void owa_folders_moved(owa_verb_t *v, void (*then)(owa_verb_t *v, int moved));

/* ---- verbs ---- */

typedef void owa_then_t(owa_verb_t *v, owa_ask_t *a);

/* A verb's first member; each verb puts its own state behind it. To be looked at, not set. */
struct owa_verb_t {
    oc_job_t job; /* first: an owa_verb_t * is an oc_job_t * */
    const oc_backend_t *be;
    oc_call_t *call;
    apr_pool_t *pool;           /* call->pool */
    const owa_folders_t *own;   /* set before `start`; NULL with without_own */
    /* May be set by the verb after owa_verb(): called on cancel(), in-flight asks having been
     * judged before. It must owa_finish, or go on and see to it that the job ends. NULL: the verb
     * ends with UPSTREAM_TIMEOUT, STOPPING, or OUTCOME_UNKNOWN if it wrote. */
    void (*cancelled)(owa_verb_t *v, oc_cancel_t why);
    int without_own;            /* may be set after owa_verb(): the own folders are not needed */
    int wrote;                  /* an ask with `writes` acted, or may have acted */
    apr_time_t skew;            /* the server's clock minus ours, from the last Date header */

    /* The machine's own. */
    const char *name;
    void (*start)(owa_verb_t *v);
    owa_ask_t *asks;            /* waiting to be sent, in flight, or waiting for their retry */
    void (*woken)(owa_verb_t *v);
    oc_mono_t woken_at;
    int begun, done, flying, memo_used, restarted;
};

/* A zeroed verb of `size` bytes. start is called by the first next(), once the own folders are
 * known (they are found first; if that fails the verb fails), and again by owa_restart. */
owa_verb_t *owa_verb(const oc_backend_t *be, oc_call_t *call, apr_size_t size, const char *name,
                     void (*start)(owa_verb_t *v));
/* The verb is over; call->result says how. What is still in flight ends unheard. */
void owa_finish(owa_verb_t *v);
/* Copy the ask's failure into call->result with `step`, and finish. */
void owa_fail(owa_verb_t *v, const owa_ask_t *a, const char *step);
/* For `then` functions of the first request that used the folders: if it failed with 404 or 409 and
 * they were known from before, forget them and start the verb again, once. 1 = did so: return. */
int owa_restart(owa_verb_t *v, const owa_ask_t *a, const char *mailbox);
/* Call `woken` after a pause. One at a time. */
void owa_pause(owa_verb_t *v, apr_time_t pause, void (*woken)(owa_verb_t *v));

/* ---- asks ---- */

typedef enum owa_want_t {
    OWA_WANT_STATUS, /* any body is dropped */
    OWA_WANT_ROWS,   /* 207 multistatus: rows go to `row` while they stream */
    OWA_WANT_XML,    /* 200 with an XML document: goes to `xml` while it streams */
    OWA_WANT_BODY    /* any type, collected up to max_body */
} owa_want_t;

struct owa_ask_t {
    /* Set by the maker. */
    oc_exchange_t *x;      /* headers may be added before owa_send. After a redirect or a retry it
                              is another exchange with the same request */
    owa_want_t want;
    owa_then_t *then;
    void *baton;
    oc_dav_row_fn *row;    /* WANT_ROWS: NULL = keep the first row's values in a->first. A row that
                              is itself a failure is not handed on: the ask fails with it, but for
                              a 404 of something below the path asked */
    void *row_baton;
    oc_xml_t *xml;         /* WANT_XML: the reader it is fed to */
    apr_pool_t *body_pool; /* WANT_BODY: where it is collected; NULL = the verb's */
    apr_size_t max_body;   /* WANT_BODY: 0 = 256 KB; more fails with UPSTREAM_TOO_LARGE */
    const char *mailbox;   /* whose mailbox: NULL = the acting person's own (for 401/403/404) */
    int command;           /* OWA command: a redirect is success, is not followed, but told in
                              `location` */
    int quiet_404;         /* 404 is an answer, not a failure */
    const char *destination; /* encoded path: header Destination, a URL on the site sent to */

    /* Set by the machine, for `then`. */
    oc_result_t res;       /* reason OK, or why it failed (the verb decides whether that matters) */
    int status;            /* HTTP status; 0 = no reply */
    int unknown;           /* a write whose outcome is unknown: look before doing anything else */
    const char *location;  /* encoded path of Location, query cut, if its host is configured */
    apr_time_t date;       /* the server's clock (Date header); 0 = not said */
    const char *body;      /* WANT_BODY; NUL-terminated; never NULL when replied */
    apr_size_t body_len;
    const char *type;      /* Content-Type, lower case, without parameters; "" */
    int rows;              /* WANT_ROWS: responses read */
    oc_dav_row_t *first;   /* the first one, copied, or NULL */
    int range_first, range_last, range_total; /* Content-Range: rows F-L; total=T; -1 = not said */

    /* The machine's own. */
    owa_ask_t *link;
    oc_dav_t *dav;
    char *buffer;
    apr_size_t room;
    int state, tries, hops, row_status;
    oc_mono_t retry_at;
};

/* An ask on `site` (NULL = the own mailbox's, or the configured one before it is known). path:
 * encoded, with query. purpose: two or three words for log and trace. writes follows the method:
 * everything but GET, PROPFIND and SEARCH writes; set x->writes = 1 for a GET that acts
 * (Cmd=getcancel). */
owa_ask_t *owa_ask(owa_verb_t *v, const oc_site_t *site, const char *method, const char *path,
                   const char *purpose, owa_want_t want, owa_then_t *then);
void owa_ask_xml(owa_ask_t *a, const char *body, apr_size_t len); /* body and its Content-Type */
void owa_send(owa_verb_t *v, owa_ask_t *a);

/* Ready-made asks; the caller may still set fields and headers before owa_send. */
owa_ask_t *owa_propfind(owa_verb_t *v, const oc_site_t *site, const char *path, const int *props,
                        const char *purpose, owa_then_t *then);
/* If-None-Match: * when etag is NULL, If-Match: etag otherwise ("*" = must exist). Its inner status
 * decides: a->res fails when the response or any property failed; a->first->status is 201 for
 * created. */
owa_ask_t *owa_proppatch(owa_verb_t *v, const char *path, const oc_dav_set_t *set, int count,
                         const char *etag, const char *purpose, owa_then_t *then);
/* Send a message: MOVE to the submission URI of the own mailbox. */
owa_ask_t *owa_submit(owa_verb_t *v, const char *path, const char *purpose, owa_then_t *then);
owa_ask_t *owa_delete(owa_verb_t *v, const char *path, const char *purpose, owa_then_t *then);
/* rows from..to of a search in `folder`; to < 0: no Range header. */
owa_ask_t *owa_search(owa_verb_t *v, const oc_site_t *site, const char *folder, const int *props,
                      const oc_dav_where_t *where, int count, int order, int from, int to,
                      const char *purpose, owa_then_t *then);
/* An OWA data or form command: IE User-Agent, no Translate, ask->command set. body NULL: GET. */
owa_ask_t *owa_command(owa_verb_t *v, const char *path, const char *body, apr_size_t len,
                       const char *purpose, owa_then_t *then);

/* Messages of one meeting in a folder of v->own: contentclass calendarmessage with that uid,
 * `class` a prefix of the message class or NULL, created at or after `since` by the server's clock
 * (0 = any; one that does not say counts as before). At most 200. */
typedef struct owa_message_t {
    const char *path;      /* encoded, of the href */
    const char *class, *uid, *to, *cc, *bcc, *message_id;
    const char *from;      /* address */
    apr_time_t created;    /* by the server's clock; 0 = not said */
    oc_range_t when;       /* of the meeting it is about; 0, 0 = not said */
} owa_message_t;
owa_message_t *owa_message(apr_pool_t *pool, const oc_dav_row_t *row); /* of one row; never NULL */
typedef void owa_messages_then_t(owa_verb_t *v, apr_array_header_t *messages /* owa_message_t * */,
                                 const oc_result_t *res, void *baton);
/* messages NULL: it failed, see res. */
void owa_messages_find(owa_verb_t *v, const char *folder, const char *uid, const char *class,
                       apr_time_t since, owa_messages_then_t *then, void *baton);

/* ---- distribution lists (lists.c) ---- */

/* A list that the acting person keeps among the contacts: it has a name, and no address. */
typedef struct owa_dl_t {
    const char *name;
    const char *path;            /* encoded */
    apr_array_header_t *members; /* const char *: usable addresses; NULL = not read in full */
} owa_dl_t;
/* lists NULL: it failed, see res. A person who keeps no contacts, or whose contacts the acting
 * account may not read, has none. At most 200. */
typedef void owa_lists_then_t(owa_verb_t *v, apr_array_header_t *lists /* owa_dl_t * */,
                              const oc_result_t *res);
void owa_lists_find(owa_verb_t *v, owa_lists_then_t *then);
/* Fill in dl->members: all of them, or NULL if they cannot be read or are more than max. */
void owa_list_read(owa_verb_t *v, owa_dl_t *dl, int max, void (*then)(owa_verb_t *v));
/* Where the address book answers: Exchange 2000 (6.0) below /public/, 2003 at the mailbox (DavMail
 * goes by the version, too). */
const char *owa_gal_path(const owa_verb_t *v);
/* Whether the address book has a person (or a room) of that address: then it is no list. */
typedef void owa_person_then_t(owa_verb_t *v, const char *address, oc_tri_t person);
void owa_person_look(owa_verb_t *v, const char *address, owa_person_then_t *then);

/* One ask's or look's failure into call->result, with `step`, and finish. */
void owa_fail_with(owa_verb_t *v, const oc_result_t *res, const char *step);

/* ---- answers (answers.c) ---- */

/* What an attendee's answer says by its message class; UNKNOWN: it is no answer. */
oc_partstat_t owa_answer(const char *class);
/* 1 if an answer is about an earlier time of the meeting: it says nothing about this one. */
int owa_answer_stale(const oc_booking_t *b, const owa_message_t *message);
/* What the attendees of these meetings (oc_booking_t *, the acting person's own, in own->calendar)
 * have answered: one exchange for each and one for all, side by side. Sets their partstat and,
 * where there is none, their name; where nothing is found out both stay. max_copy: bytes of an
 * organizer's copy; of a larger one nothing is read. Never fails; `then` is called once, at the
 * end. */
void owa_answers_find(owa_verb_t *v, const owa_folders_t *own, const apr_array_header_t *meetings,
                      apr_size_t max_copy, void (*then)(owa_verb_t *v));

/* A configured line of the update command: NULL, or a sentence that says what is wrong with its
 * placeholders (compose.c). */
const char *owa_update_line_wrong(apr_pool_t *pool, const char *line);

/* ---- the verbs, each in the file of its name ---- */

extern const oc_backend_vtable_t owa2003_vtable;

/* find.c, read.c, evidence.c, freebusy.c, gal.c, probe.c */
oc_job_t *owa_list(const oc_backend_t *, oc_call_t *, const oc_list_query_t *, oc_list_t **);
oc_job_t *owa_read(const oc_backend_t *, oc_call_t *, oc_itemref_t, oc_booking_t **);
oc_job_t *owa_evidence(const oc_backend_t *, oc_call_t *, const oc_booking_t *, apr_time_t since,
                       oc_evidence_t **);
oc_job_t *owa_freebusy(const oc_backend_t *, oc_call_t *, const oc_freebusy_query_t *,
                       apr_array_header_t **);
oc_job_t *owa_probe(const oc_backend_t *, oc_call_t *, apr_table_t **);
oc_job_t *owa_look(const oc_backend_t *, oc_call_t *, apr_table_t **);
oc_job_t *owa_people(const oc_backend_t *, oc_call_t *, const oc_people_query_t *, oc_people_t **);
/* write.c, update.c, cancel.c */
oc_job_t *owa_create(const oc_backend_t *, oc_call_t *, const oc_booking_t *, int *existed,
                     oc_booking_t **);
oc_job_t *owa_invite(const oc_backend_t *, oc_call_t *, const oc_booking_t *, oc_change_t **);
oc_job_t *owa_remove(const oc_backend_t *, oc_call_t *, const oc_booking_t *, oc_change_t **);
oc_job_t *owa_update(const oc_backend_t *, oc_call_t *, const oc_booking_t *was,
                     const oc_booking_t *wanted, oc_change_t **);
oc_job_t *owa_cancel(const oc_backend_t *, oc_call_t *, const oc_booking_t *, const char *reason,
                     oc_change_t **);

#endif
