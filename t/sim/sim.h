/* Shared types of the Exchange 2000/2003 simulator: an httpd module that answers as such a server
 * would, keeps mailboxes in memory, and makes wrong clients fail.
 *
 * The life of a request (mod_owasim.c):
 *   sim_auth_check -> sim_fault_request -> dispatch by method, with the store locked
 *   -> the whole reply stands in q->out -> sim_fault_reply -> sent.
 * Nothing is written to the client before the reply is complete, so that a fault can alter, cut
 * or delay it. Numbers in "rule N" are those of the list in t/sim/README.
 */
#ifndef SIM_H
#define SIM_H

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>

#include "store.h"

APLOG_USE_MODULE(owasim);
extern module AP_MODULE_DECLARE_DATA owasim_module;

#define SIM_BODY_MAX (32 * 1024 * 1024)
#define SIM_IE_MARK "MSIE"

/* ---- settings ---- */

/* One row per switch. `allowed`: values separated by '|', or "number" or "text", or "secret", a
 * text that is not shown. */
typedef struct sim_setting_row_t {
    const char *name;
    const char *allowed;
    const char *def;
    const char *help;
} sim_setting_row_t;
extern const sim_setting_row_t sim_setting_rows[]; /* ends with a NULL name */

typedef struct sim_conf_t {
    int enabled; /* OwaSim On */
    const char *users_file; /* OwaSimUsers, or NULL for the default users */
    sim_store_t *store; /* the child's; NULL before */
    const char *volatile *values; /* one per row */
} sim_conf_t;

/* The present value; never NULL. A name without a row is a programming error and aborts. The
 * result stays valid for ever. No lock. */
const char *sim_setting(const sim_conf_t *conf, const char *name);
long sim_setting_number(const sim_conf_t *conf, const char *name);
int sim_setting_is(const sim_conf_t *conf, const char *name, const char *value);
/* Changes one. NULL, or a sentence saying what is wrong and what would be right (from `p`). */
const char *sim_setting_set(apr_pool_t *p, sim_conf_t *conf, const char *name, const char *value);
void sim_setting_start(sim_conf_t *conf); /* before configuration: all at their defaults */
void sim_setting_reset(sim_conf_t *conf); /* back to what the configuration file said */
void sim_setting_keep(sim_conf_t *conf); /* called once, after configuration: that is "said" */

/* ---- byte buffer ---- */

typedef struct sim_buf_t { /* malloc'ed, freed by the request pool's cleanup */
    char *data; /* always NUL-terminated once something was added */
    apr_size_t len, size;
} sim_buf_t;
void sim_buf_init(apr_pool_t *p, sim_buf_t *b); /* *b must live as long as p: not on the stack */
void sim_buf_add(sim_buf_t *b, const char *data, apr_size_t len);
void sim_buf_puts(sim_buf_t *b, const char *text);
void sim_buf_printf(sim_buf_t *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Text escaped for XML content and attributes; control characters become references, which XML 1.0
 * forbids and the real server sends (rule 41). */
void sim_buf_xml(sim_buf_t *b, const char *text);
void sim_buf_html(sim_buf_t *b, const char *text);
void sim_buf_clear(sim_buf_t *b);

/* ---- request ---- */

/* What the path of a request names. */
typedef enum {
    SIM_AT_OUTSIDE, /* none of the virtual directories */
    SIM_AT_TOP, /* /exchange/ */
    SIM_AT_FOLDER, /* a mailbox or a folder in it */
    SIM_AT_ITEM,
    SIM_AT_INSTANCE, /* one occurrence of a recurring master, without an item of its own */
    SIM_AT_SUBMIT, /* the submission URI of a mailbox */
    SIM_AT_FREE, /* the parent folder exists, the last name does not */
    SIM_AT_NO_PARENT, /* a folder on the way does not exist */
    SIM_AT_NO_MAILBOX,
    SIM_AT_PUBLIC, /* /public/ itself */
    SIM_AT_PUBLIC_BELOW
} sim_at_t;

typedef struct sim_target_t {
    sim_at_t at;
    sim_mailbox_t *mailbox;
    sim_folder_t *folder; /* the folder itself, or the parent of item, instance or free name */
    sim_item_t *item; /* SIM_AT_ITEM; the master for SIM_AT_INSTANCE */
    int instance; /* number of the occurrence, from 1 */
    const char *leaf; /* last name, decoded */
} sim_target_t;

typedef struct sim_conn_t { /* of one TCP connection; conn_config of owasim_module */
    unsigned long id; /* never used again */
    unsigned requests; /* begun so far */
    void *auth; /* auth.c's own, from the connection's pool */
    const char *user; /* witness.c: the first who proved himself on it, or NULL */
    int shared; /* witness.c: a second one did, too */
} sim_conn_t;

typedef struct sim_out_t {
    int status;
    const char *status_line; /* "440 Login Timeout" for codes httpd does not know, or NULL */
    const char *type; /* Content-Type, or NULL */
    apr_table_t *headers; /* further ones; may repeat */
    sim_buf_t body;
} sim_out_t;

typedef struct sim_req_t {
    request_rec *r;
    apr_pool_t *p;
    sim_conf_t *conf;
    sim_store_t *store;
    sim_conn_t *conn;
    unsigned long id; /* number of the request since start */
    apr_time_t started;
    const char *path; /* of the URL, still percent-encoded, without query and host */
    const char *args; /* query or NULL */
    const char *cmd; /* value of Cmd in the query, or NULL */
    int brief, translate_f, ie; /* Brief: t, Translate: f, User-Agent with MSIE */
    const char *body; /* complete, NUL-terminated */
    apr_size_t body_len;
    sim_mailbox_t *user; /* actor; NULL with --auth none: full rights */
    const char *user_name; /* for the log: as authenticated, "" if not */
    const char *means; /* how: basic, ntlm, kerberos, forms, trusted, connection (by an earlier
                        * request on it); a constant, "-" if not */
    const char *op; /* X-Request-Id, which operation of the client's this is part of, or "" */
    const char *fail_property; /* a fault: "namespace name" or "*" that fails (rule 15) */
    const char *wrong; /* remarks so far, for the log */
    unsigned long random; /* state of sim_random */
    sim_out_t out;
} sim_req_t;

/* Says what the client did wrong: reply header `X-Sim-Wrong: rule N: sentence`, log and counter. */
void sim_wrong(sim_req_t *q, int rule, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Sets the status (with its line for 440 and others), empties the body. Returns OK. */
int sim_answer(sim_req_t *q, int status);
/* As sim_answer with a small HTML page saying `text`. Returns OK. */
int sim_page(sim_req_t *q, int status, const char *title, const char *text);
/* Repeatable numbers: the same run gives the same replies. */
unsigned sim_random(sim_req_t *q, unsigned below);
/* First value of a query or form field by case-blind name, decoded ('+' is a blank), or NULL. */
const char *sim_field(apr_pool_t *p, const char *text, const char *name);
/* All values of it. */
int sim_fields(apr_pool_t *p, const char *text, const char *name, const char ***values);
/* Percent decoding in which '+' stays '+' (rule 7). NULL if an escape is broken or the result holds
 * a NUL or is not UTF-8. */
const char *sim_unescape(apr_pool_t *p, const char *text);
/* Percent-encodes one path segment as the server writes it. */
const char *sim_escape(apr_pool_t *p, const char *segment);
/* What a percent-encoded path names. Needs read. */
void sim_resolve(sim_req_t *q, const char *path, sim_target_t *t);
/* Whose mailbox /exchange/ itself shows: the actor's, without authentication the first. Or NULL. */
sim_mailbox_t *sim_top_mailbox(const sim_req_t *q);
/* Absolute hrefs, on the host name the server believes it has (rule 9). Needs read. */
const char *sim_href_folder(sim_req_t *q, const sim_folder_t *folder, int slash);
const char *sim_href_item(sim_req_t *q, const sim_item_t *item);
const char *sim_href_path(sim_req_t *q, const char *encoded_path);
/* The path of an absolute URL or of a path, raw; NULL when `*other_host` should be looked at. */
const char *sim_url_path(sim_req_t *q, const char *url, int *other_host);
/* The path an href in a body means (batch verbs, scopes): absolute, or relative to the request URL,
 * which "" means itself. */
const char *sim_target_path(sim_req_t *q, const char *href);

/* ---- rights ---- */

#define SIM_RIGHT_NONE 0
#define SIM_RIGHT_READ 1
#define SIM_RIGHT_WRITE 2
#define SIM_RIGHT_OWNER 3 /* also sends as the mailbox */
/* What q->user may do in a folder (NULL: the mailbox root). Needs read. */
int sim_rights(const sim_req_t *q, const sim_mailbox_t *mailbox, const sim_folder_t *folder);
/* OK, or the denial has been answered (returns DONE). */
int sim_require(sim_req_t *q, const sim_mailbox_t *mailbox, const sim_folder_t *folder, int right);

/* ---- verbs: each builds the reply in q->out and returns OK, or an HTTP status to be answered.
 *      Called without the lock; each takes what it needs ---- */
int sim_do_options(sim_req_t *q);
int sim_do_get(sim_req_t *q); /* GET and HEAD */
int sim_do_put(sim_req_t *q);
int sim_do_post(sim_req_t *q);
int sim_do_propfind(sim_req_t *q);
int sim_do_proppatch(sim_req_t *q);
int sim_do_search(sim_req_t *q);
int sim_do_mkcol(sim_req_t *q);
int sim_do_delete(sim_req_t *q);
int sim_do_copymove(sim_req_t *q);
int sim_do_freebusy(sim_req_t *q);
/* Lag and published range, which a change of a calendar must know. Called for every request. */
void sim_freebusy_settings(const sim_conf_t *conf);
int sim_do_inspect(sim_req_t *q); /* /_sim/ */

/* ---- submission (submit.c) ---- */

/* Sends `item` for `mailbox`: recipients from to, cc and bcc. The item is not consumed. Returns an
 * HTTP status (2xx: sent). Needs write. */
int sim_submit(sim_req_t *q, sim_mailbox_t *mailbox, sim_item_t *item);
/* An attendee's answer to the meeting with that uid in his calendar; returns 0 if there is none.
 * Needs write. */
int sim_respond(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *attendee,
                const char *uid, sim_answer_t answer);

/* ---- the entry side: auth.c, forms.c, fault.c, users.c, mimein.c, mimeout.c ---- */

/* First thing for every request but /_sim/. OK: q->user and q->user_name are set; DONE: it has put
 * the answer into q->out; else an HTTP status. */
int sim_auth_check(sim_req_t *q);
/* Adds the challenges of a 401 to q->out (used when rights are missing). */
void sim_auth_challenge(sim_req_t *q);
/* After authentication, before dispatch. OK: go on. DONE: answered, or connection broken. */
int sim_fault_request(sim_req_t *q);
/* With the full reply in q->out, before it is sent. OK: caller sends. DONE: dealt with. */
int sim_fault_reply(sim_req_t *q);
/* OwaSimFault SPEC at configuration time: NULL or what is wrong with it. */
const char *sim_fault_add(apr_pool_t *p, const char *spec);
/* /_sim/fault: GET lists, POST sets, DELETE clears. Builds q->out. */
int sim_fault_inspect(sim_req_t *q);
/* Called by POST /_sim/reset: faults and logon sessions go. */
void sim_entry_reset(void);
/* Fills the store from a users file, or with the default users when `file` is NULL. */
apr_status_t sim_users_load(sim_store_t *store, const char *file, const char **error);
/* Turns a MIME message into properties of `item` (not stored yet, or touched). OK, or an HTTP
 * status (400, 406, 415). The caller keeps the stream itself. Needs write. */
int sim_mime_put(sim_req_t *q, sim_item_t *item, const char *data, apr_size_t len);
/* The item as message/rfc822: its own stream or one made from the properties; from q->p, NULL when
 * it cannot be made. Needs read. */
const char *sim_mime_stream(sim_req_t *q, const sim_item_t *item, apr_size_t *len);

/* Writes q->out to the client as it stands. For sim_fault_reply, which may send parts itself. */
int sim_send(sim_req_t *q);

#endif
