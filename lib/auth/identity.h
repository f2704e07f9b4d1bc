/* identity.h - acting upstream as one person: signs exchanges, judges refusals, owns logon cookies.
 *
 * oc_identity_t is what one request brings along: who, and the credential (a password, a ccache).
 * It lives in the call's pool and is wiped with it. oc_session_t is what a child process knows
 * about signing in for one identity key: proven or refused, cookies, who waits; it outlives
 * requests, belongs to net's loop thread, and never holds a password longer than an operation.
 *
 * oc_identity_sign() wraps an operation's job into one that signs every exchange: it may put a
 * logon exchange in front, hold exchanges back while a logon of the same identity is under way or a
 * token is being made on a GSS thread, and repeat an exchange once that was refused without having
 * been executed (401 or 440 before any effect). The inner job never sees any of it.
 *
 * No fallback from one mode to another; nothing here reads the process's environment or default
 * credential cache.
 */
#ifndef OC_AUTH_IDENTITY_H
#define OC_AUTH_IDENTITY_H

#include "base/call.h"
#include "base/crypto.h"
#include "base/exchange.h"
#include "base/job.h"

#define OC_PASSWORD_MAX 512 /* bytes: Windows allows 256 characters */

typedef enum oc_identity_mode_t {
    OC_IDENTITY_BASIC,     /* the person's own password */
    OC_IDENTITY_DELEGATED, /* the ticket that the login module left */
    OC_IDENTITY_S4U,       /* a ticket for the person, got with the service's own key */
    OC_IDENTITY_SERVICE,   /* one account for all, each confined to his mailbox */
    OC_IDENTITY_DEVICE,    /* one account, confined to room mailboxes */
    OC_IDENTITY_RELAY,     /* the browser's own NTLM login, on a connection pinned to it */
    OC_IDENTITY_NOBODY     /* no credential at all; no location can be configured so */
} oc_identity_mode_t;
typedef enum oc_upstream_t { /* how a password is presented upstream */
    OC_UPSTREAM_BASIC, OC_UPSTREAM_NTLM, OC_UPSTREAM_FORMS
} oc_upstream_t;

/* Marks of refused passwords and of logons under way, shared by all children of a server: a table
 * in shared memory (given by the adapter). Keys are HMACs, never passwords. */
typedef struct oc_refusals_t oc_refusals_t;
apr_size_t oc_refusals_size(int entries);
/* Lay out in fresh shared memory of that size, before children are forked. */
oc_refusals_t *oc_refusals_init(void *memory, int entries);

/* The per-child store of sessions and the GSS threads. Created in child_init. */
typedef struct oc_signer_t oc_signer_t;
typedef struct oc_signer_conf_t {
    int gss_threads;         /* 1..64 */
    int max_sessions;        /* bound of identities remembered; the longest unused gives way */
    oc_refusals_t *refusals; /* may be NULL: this child only */
    const oc_secret_t *secret;
    apr_time_t refused_for;  /* how long a refused password is not sent again (5 minutes) */
} oc_signer_conf_t;
oc_signer_t *oc_signer_create(apr_pool_t *pool, const oc_signer_conf_t *conf, oc_result_t *res);
/* Stop the GSS threads: waits at most `patience`; a thread stuck in a silent KDC is left behind. */
void oc_signer_stop(oc_signer_t *signer, apr_time_t patience);
typedef struct oc_signer_stats_t {
    int sessions, gss_busy, gss_stuck, gss_queued;
} oc_signer_stats_t;
void oc_signer_stats(oc_signer_t *signer, oc_signer_stats_t *out);

typedef struct oc_identity_t oc_identity_t;

/* `basic`: user as the upstream wants it ("EX\\ana", "ana"), password copied and wiped with the
 * pool. */
oc_identity_t *oc_identity_basic(oc_call_t *call, oc_upstream_t upstream, const char *user,
                                 const char *password);
/* `delegated`: ccache as the login module named it ("FILE:..."); `principal` is what r->user became
 * after canonicalisation, with realm if known: the credential's own must equal it (else
 * IDENTITY_MISMATCH). */
oc_identity_t *oc_identity_delegated(oc_call_t *call, const char *ccache, const char *principal);

/* `s4u`: `principal` is the verified person, "alice@REALM" (without realm: of the keytab's); see
 * keytab.h. A name with a backslash is refused: IDENTITY_MISMATCH. */
typedef struct oc_keytab_t oc_keytab_t;
oc_identity_t *oc_identity_s4u(oc_call_t *call, const oc_keytab_t *keytab, const char *principal);
/* `service` and `device`: a configured account (credential.h). Must be confined before signing, or
 * every exchange is refused. Never shares a connection with a personal credential. */
typedef struct oc_credential_t oc_credential_t;
oc_identity_t *oc_identity_account(oc_call_t *call, oc_identity_mode_t mode,
                                   const oc_credential_t *credential);
/* Refuse, before it leaves, every exchange that is not within one of these paths ("/exchange/ana/",
 * percent-encoded; const char *) in its target, its Destination and its Savedestination, except
 * reading below `reading` ("/public/": free/busy; NULL = nothing). It ends as NOT_SENT with
 * x->forbidden set, which the backend reads as MAILBOX_REFUSED, or as a look that had no answer.
 * What a body says is not looked at: the backend writes no path of another mailbox there. Strings
 * are copied. */
void oc_identity_confine(oc_identity_t *id, const apr_array_header_t *paths, const char *reading);

/* Nobody: exchanges go out without a credential, on connections of their own; every reply reaches
 * the inner job, 401 included. For a look at what the server offers. Never NULL. */
oc_identity_t *oc_identity_nobody(oc_call_t *call);

/* A path on the calendar server that this person can surely read, percent-encoded: the root of the
 * own mailbox, "/exchange/ana/". With it a login is proved by a look there before anything else is
 * sent (unless that is itself such a look): the server answers 401 and 440 also where a person has
 * no rights, so another exchange alone could brand a good password as refused. Copied. Before
 * oc_identity_sign(). */
void oc_identity_home(oc_identity_t *id, const char *path);

/* The connection cache key: mode, principal or user, and for a password its HMAC (a changed
 * password is another identity). Printable, no secret. Set call->identity to it. */
const char *oc_identity_key(const oc_identity_t *id);

/* For an answer that is given without asking the calendar server, and so without signing in: a text
 * that stands for this very credential on that site and for no other (the same in every child of
 * this server; of a relayed login alone), if nothing that can be seen from here speaks against it:
 * a password that was refused not long ago, a ticket that is somebody else's or has expired. In the
 * call's pool; secret, and not for a log. NULL: it is not vouched for; ask, and the answer says
 * why. May block on reading a file; request thread only. */
const char *oc_identity_vouch(oc_signer_t *signer, const oc_identity_t *id, const oc_site_t *site);

/* The signing job around `inner`. Its deadline follows the inner one's. */
oc_job_t *oc_identity_sign(oc_signer_t *signer, oc_identity_t *id, oc_call_t *call,
                           oc_job_t *inner);

/* For `GET check`: what is known of the credential without using it: "principal", "expires", ...
 * May block on reading a file; request thread only. */
apr_status_t oc_identity_describe(oc_identity_t *id, apr_pool_t *pool, apr_table_t *facts,
                                  oc_result_t *res);
/* The same after the credential was used on that site, for one that is got by using it: "expires".
 * Adds nothing if there is no such thing. Asks nobody; request thread. */
void oc_identity_describe_used(oc_signer_t *signer, const oc_identity_t *id, const oc_site_t *site,
                               apr_table_t *facts);

#endif
