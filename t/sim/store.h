/* The simulator's memory: mailboxes, folders, items and their properties.
 *
 * One store exists per process (the httpd that runs the simulator has one child). Everything in it
 * is malloc'ed and freed explicitly, so that a long run with many writes does not grow.
 *
 * Locking: one read-write lock. Handlers hold it while they look at or change anything reachable
 * from sim_store_t, and never while they read from or write to the network. Functions here do not
 * lock unless they say so; "needs read" and "needs write" name the lock the caller must hold.
 * Mailboxes are never freed while the process lives (a reset empties them), so a sim_mailbox_t
 * pointer may be kept without the lock; its name, address, password, kind and language never
 * change. Folder and item pointers must not outlive the lock.
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include <stddef.h>

#include <apr_pools.h>
#include <apr_time.h>

#define SIM_NS_DAV "DAV:"
#define SIM_NS_EXCHANGE "http://schemas.microsoft.com/exchange/"
#define SIM_NS_CAL "urn:schemas:calendar:"
#define SIM_NS_MAIL "urn:schemas:httpmail:"
#define SIM_NS_HEADER "urn:schemas:mailheader:"
#define SIM_NS_MAPI "http://schemas.microsoft.com/mapi/"
#define SIM_NS_PROPTAG "http://schemas.microsoft.com/mapi/proptag/"
#define SIM_NS_REPL "http://schemas.microsoft.com/repl/"
#define SIM_NS_MEETING \
    "http://schemas.microsoft.com/mapi/id/{6ED8DA90-450B-101B-98DA-00AA003F1305}/"
#define SIM_NS_APPT \
    "http://schemas.microsoft.com/mapi/id/{00062002-0000-0000-C000-000000000046}/"

#define SIM_CLASS_APPOINTMENT "urn:content-classes:appointment"
#define SIM_CLASS_CALMESSAGE "urn:content-classes:calendarmessage"
#define SIM_CLASS_MESSAGE "urn:content-classes:message"

typedef struct sim_store_t sim_store_t;
typedef struct sim_mailbox_t sim_mailbox_t;
typedef struct sim_folder_t sim_folder_t;
typedef struct sim_item_t sim_item_t;

/* ---- property names and values ---- */

typedef enum {
    SIM_T_STRING, /* no dt attribute */
    SIM_T_INT,
    SIM_T_BOOL, /* "0" or "1" */
    SIM_T_DATE, /* always normalised: YYYY-MM-DDTHH:MM:SS.mmmZ, so strcmp orders them */
    SIM_T_FLOAT,
    SIM_T_BIN, /* base64 without blanks */
    SIM_T_MV_STRING,
    SIM_T_MV_INT,
    SIM_T_MV_BIN,
    SIM_T_MV_DATE,
    SIM_T_UNKNOWN
} sim_type_t;

#define SIM_NAME_READONLY 0x1 /* a client's PROPPATCH of it is refused */
#define SIM_NAME_COMPUTED 0x2 /* not stored: made when it is asked for */
#define SIM_NAME_KNOWN 0x4 /* in the table of known names: its type is fixed */

/* A property name. Interned: equal names are the same pointer; never freed. Aliases (a MAPI tag of
 * httpmail:subject, say) intern to the name they stand for. */
typedef struct sim_name_t {
    const char *ns;
    const char *local;
    sim_type_t type;
    unsigned flags;
} sim_name_t;

typedef struct sim_prop_t {
    const sim_name_t *name;
    sim_type_t type;
    int n; /* number of values: 1, or any for SIM_T_MV_* */
    char **values; /* UTF-8, NUL-terminated, unescaped */
} sim_prop_t;

/* The interned name, made if need be. `ns` and `local` are copied. Spellings are normalised:
 * _x0030_ to 0, hex digits and GUIDs in one case. NULL when the table of names is full.
 * Locks by itself; needs no store lock. */
const sim_name_t *sim_name(const char *ns, const char *local);
/* As sim_name, but never makes one: NULL when nobody ever used that name. */
const sim_name_t *sim_name_find(const char *ns, const char *local);
/* The type a dt:dt attribute value means; SIM_T_UNKNOWN for one that does not exist. */
sim_type_t sim_type_from(const char *dt);
/* The dt:dt attribute value of a type; NULL for a string, which has none. */
const char *sim_type_name(sim_type_t type);
/* Checks and normalises one value of `type`: dates come out as above, base64 without blanks,
 * booleans as 0/1. Result from `p`; NULL when `text` is no such value (rule 17). */
const char *sim_value_check(apr_pool_t *p, sim_type_t type, const char *text);

/* ---- items ---- */

typedef enum { SIM_ROLE_TO, SIM_ROLE_CC, SIM_ROLE_BCC } sim_role_t;
/* The values of the MAPI response status. */
typedef enum {
    SIM_ANSWER_NONE = 0,
    SIM_ANSWER_ORGANIZED = 1,
    SIM_ANSWER_TENTATIVE = 2,
    SIM_ANSWER_ACCEPTED = 3,
    SIM_ANSWER_DECLINED = 4,
    SIM_ANSWER_NOT_RESPONDED = 5
} sim_answer_t;

/* What the server remembers of one invited address, whatever to/cc/bcc say later. */
typedef struct sim_attendee_t {
    char *address; /* as written, without display name */
    char *name; /* display name or NULL */
    sim_role_t role;
    sim_answer_t answer;
    apr_time_t answered;
    int listed; /* still in to/cc/bcc */
} sim_attendee_t;

typedef struct sim_node_t { /* entry of a case-blind index; first member of what is indexed */
    struct sim_node_t *next;
    char *key;
    unsigned hash;
} sim_node_t;

typedef struct sim_index_t {
    sim_node_t **slots;
    unsigned nslots;
    unsigned count;
} sim_index_t;

struct sim_item_t {
    sim_node_t node; /* key: name, case-folded */
    sim_folder_t *folder; /* NULL while the item is not stored */
    sim_item_t *prev, *next; /* siblings, oldest first */
    char *name; /* UTF-8, not percent-encoded, with .EML */
    unsigned long id; /* never used again; part of the permanent URL */
    unsigned long revision; /* grows with each write; part of the ETag */
    apr_time_t created, modified;
    sim_prop_t *props;
    int nprops, aprops;
    sim_attendee_t *attendees;
    int nattendees;
    char *stream; /* the MIME text it was PUT as, or NULL */
    size_t stream_len;
};

/* A new item that belongs to nobody yet; free with sim_item_free or hand to sim_item_store. */
sim_item_t *sim_item_new(sim_store_t *store);
void sim_item_free(sim_item_t *item);
/* Deep copy with a new id, not stored. */
sim_item_t *sim_item_copy(sim_store_t *store, const sim_item_t *item);
/* Puts an unstored item into a folder under `name`; the folder owns it from then on. The name must
 * be free (sim_item_find). Needs write. */
void sim_item_store(sim_folder_t *folder, sim_item_t *item, const char *name);
/* Takes it out of its folder without freeing it. Needs write. */
void sim_item_detach(sim_item_t *item);
/* Detach and free. Needs write. */
void sim_item_delete(sim_item_t *item);
/* To be called BEFORE a stored item is changed: published free/busy is settled and the revision and
 * modification time move. Harmless on an unstored item. Needs write. */
void sim_item_touch(sim_item_t *item);
sim_item_t *sim_item_find(const sim_folder_t *folder, const char *name);
/* A name not yet in use in the folder: "<stem>.EML", "<stem>-2.EML"... Characters that a stored
 * name cannot hold take their _xHHHH_ form. Result from `p`. */
const char *sim_item_free_name(apr_pool_t *p, const sim_folder_t *folder, const char *stem);

const sim_prop_t *sim_prop(const sim_item_t *item, const sim_name_t *name);
/* First value of a stored property, or NULL. */
const char *sim_get(const sim_item_t *item, const char *ns, const char *local);
/* Same with a fallback for an absent one. */
const char *sim_get_or(const sim_item_t *item, const char *ns, const char *local, const char *def);
/* Sets one value (copied), replacing what was there; the type is the name's own. NULL removes.
 * Values must already be valid for the type. On a stored item call sim_item_touch first. */
void sim_set(sim_item_t *item, const char *ns, const char *local, const char *value);
/* Same with explicit type and several values. */
void sim_set_values(sim_item_t *item, const sim_name_t *name, sim_type_t type, int n,
                    const char *const *values);
void sim_unset(sim_item_t *item, const sim_name_t *name);

/* The attendee with that address (case-blind), or NULL. */
sim_attendee_t *sim_attendee(const sim_item_t *item, const char *address);
/* Adds or updates one; never touches an answer already known. */
sim_attendee_t *sim_attendee_add(sim_item_t *item, const char *address, const char *name,
                                 sim_role_t role);
void sim_attendee_remove(sim_item_t *item, const char *address);
/* Brings the list up to date with the item's to/cc/bcc: new ones are added, those gone stay with
 * listed = 0. */
void sim_attendees_from_headers(sim_item_t *item);
/* Fills in what the server generates on saving an appointment or a calendar message: uid, the
 * global object id 0x3 (never 0x23), organizer, instancetype. Idempotent. */
void sim_item_complete(sim_item_t *item, const sim_mailbox_t *owner);

/* One address of an address list header. */
typedef struct sim_address_t {
    const char *address;
    const char *name; /* or NULL */
} sim_address_t;
/* Splits `list` at commas and semicolons outside quotes; "Name" <addr> and bare addr. Returns the
 * count, the array from `p`. */
int sim_addresses(apr_pool_t *p, const char *list, sim_address_t **out);

/* ---- folders and mailboxes ---- */

typedef enum {
    SIM_F_ROOT, /* the mailbox itself */
    SIM_F_INBOX,
    SIM_F_CALENDAR,
    SIM_F_DRAFTS,
    SIM_F_SENT,
    SIM_F_DELETED,
    SIM_F_OUTBOX,
    SIM_F_TASKS,
    SIM_F_CONTACTS,
    SIM_F_NOTES,
    SIM_F_JOURNAL,
    SIM_F_WELLKNOWN, /* number of the above */
    SIM_F_HIDDEN = SIM_F_WELLKNOWN, /* NON_IPM_SUBTREE and what is in it */
    SIM_F_OTHER
} sim_folder_kind_t;

struct sim_folder_t {
    sim_node_t node;
    sim_mailbox_t *mailbox;
    sim_folder_t *parent; /* NULL for a root */
    sim_folder_t *prev, *next;
    sim_folder_kind_t kind;
    char *name;
    unsigned long id, revision;
    apr_time_t created, modified;
    sim_index_t item_index, folder_index;
    sim_item_t *items, *last_item;
    sim_folder_t *folders, *last_folder;
    sim_prop_t *props; /* set by MKCOL or PROPPATCH */
    int nprops, aprops;
};

typedef enum { SIM_PERSON, SIM_ROOM } sim_kind_t;
typedef enum { SIM_POLICY_SILENT, SIM_POLICY_ACCEPT, SIM_POLICY_REFUSE } sim_policy_t;
typedef enum { SIM_EN, SIM_DE, SIM_FR, SIM_HU } sim_language_t;

typedef struct sim_busy_t { /* one published period */
    apr_time_t start, end;
    int status; /* 1 tentative, 2 busy, 3 out of office */
} sim_busy_t;

typedef struct sim_grant_t { /* rights of another user on this mailbox */
    struct sim_grant_t *next;
    const sim_mailbox_t *user;
    int level; /* SIM_RIGHT_* of sim.h */
    int calendar_only;
} sim_grant_t;

struct sim_mailbox_t {
    sim_node_t node; /* key: name, case-folded */
    sim_mailbox_t *next; /* all of the store, in order of the users file */
    sim_store_t *store;
    char *name; /* alias: path segment and logon name */
    char *address; /* SMTP address as configured */
    char *display; /* "Alice", "Boardroom" */
    char *password;
    sim_kind_t kind;
    sim_policy_t policy; /* changed only with the write lock */
    sim_language_t language;
    int cached; /* "Outlook cached": matches meetings by 0x23 only (rule 21) */
    sim_grant_t *grants;
    sim_folder_t *root;
    sim_folder_t *known[SIM_F_WELLKNOWN]; /* may be renamed, never NULL */
    sim_folder_t *hidden;
    /* published free/busy: a snapshot, see freebusy.c */
    sim_busy_t *busy;
    int nbusy;
    apr_time_t busy_due; /* 0: snapshot is up to date; else when it is next refreshed */
};

/* A store of its own, empty, with clock and lock. Lives until the process ends. */
sim_store_t *sim_store_create(void);
void sim_store_read(sim_store_t *store);
void sim_store_write(sim_store_t *store);
void sim_store_unlock(sim_store_t *store);

/* Adds a mailbox with its folders. NULL and a sentence in *error when the name or the address is
 * taken or malformed. Needs write (or start-up). */
sim_mailbox_t *sim_store_add(sim_store_t *store, const char *name, const char *password,
                             const char *address, sim_kind_t kind, sim_policy_t policy,
                             sim_language_t language, const char **error);
/* By alias or by full SMTP address, case-blind. Safe without the lock once the server is up. */
sim_mailbox_t *sim_mailbox_find(const sim_store_t *store, const char *name_or_address);
sim_mailbox_t *sim_mailbox_first(const sim_store_t *store); /* then ->next */
/* Empties all mailboxes and sets the clock and the rights back. Needs write. */
void sim_store_reset(sim_store_t *store);

sim_folder_t *sim_folder_find(const sim_folder_t *parent, const char *name);
/* NULL if the name is taken. Needs write. */
sim_folder_t *sim_folder_add(sim_folder_t *parent, const char *name, sim_folder_kind_t kind);
/* Deletes it with all that is in it; well-known folders are refused with 0. Needs write. */
int sim_folder_delete(sim_folder_t *folder);
/* Moves or renames, everything in it included. The new name must be free. Needs write. */
void sim_folder_move(sim_folder_t *folder, sim_folder_t *parent, const char *name);
/* Takes the new number of a changed folder. Needs write. */
void sim_folder_touch(sim_folder_t *folder);
/* The item with that permanent id in a mailbox; walks the mailbox. */
sim_item_t *sim_item_by_id(const sim_mailbox_t *mailbox, unsigned long id);

/* The language tag ("hu", "hu-HU", "hungarian") in SIM_LANG terms; -1 if unknown. */
int sim_language_from(const char *tag);
/* The name of a well-known folder in a language. */
const char *sim_folder_name(sim_language_t language, sim_folder_kind_t kind);

/* ---- clock ---- */

/* The simulator's time: real time plus what /_sim/clock added. No lock needed. */
apr_time_t sim_now(const sim_store_t *store);
void sim_clock_advance(sim_store_t *store, apr_interval_time_t by);
void sim_clock_set(sim_store_t *store, apr_time_t to);
/* YYYY-MM-DDTHH:MM:SS.mmmZ from `p`. */
const char *sim_time_text(apr_pool_t *p, apr_time_t t);
/* Reads ISO 8601 with Z or +hh:mm, fraction optional, and, if `sql`, the form
 * YYYY/MM/DD[ HH:MM[:SS]] taken as UTC. Returns 0 when it is no date-time. */
int sim_time_parse(const char *text, int sql, apr_time_t *out);

/* ---- late events ---- */

/* Something due later by the simulator's clock (a room's delayed answer). `run` is called with the
 * write lock held, once, and owns `data`. Needs write. */
void sim_later(sim_store_t *store, apr_time_t due, void (*run)(sim_store_t *, void *), void *data,
               void (*drop)(void *));
/* Runs what is due. Takes the lock itself, and only if there is something. */
void sim_run_due(sim_store_t *store);

/* Case folding of a UTF-8 name; result from malloc. */
char *sim_fold(const char *name);

#endif
