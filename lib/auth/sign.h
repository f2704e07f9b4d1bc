/* sign.h - the parts of lib/auth among themselves: identities, schemes and the signing job. Nothing
 * outside lib/auth includes it.
 *
 * sign.c is the machine that is the same for every way of signing in: who may send, who waits, what
 * a refusal means. A scheme (basic.c, forms.c, delegated.c) knows one way: it puts the credential
 * on an exchange and says what a reply tells about the login. All of it runs on the thread that
 * owns the job; only krb5.c has threads of its own.
 */
#ifndef OC_AUTH_SIGN_H
#define OC_AUTH_SIGN_H

#include "auth/identity.h"
#include "auth/tokens.h"
#include "auth/refusals.h"
#include "auth/session.h"

typedef struct oc_signing_t oc_signing_t;
typedef struct oc_slot_t oc_slot_t;
typedef struct oc_scheme_t oc_scheme_t;

struct oc_signer_t {
    oc_signer_conf_t conf;
    oc_refusals_t *refusals;
    void *own_refusals; /* if the configuration gave none */
    oc_sessions_t *sessions;
    oc_tokens_t *tokens;
    apr_uint64_t owner; /* random: whose marks are whose */
};

struct oc_identity_t {
    oc_call_t *call;
    oc_identity_mode_t mode;
    const oc_scheme_t *scheme;
    const char *key;
    const char *home;      /* see oc_identity_home(); NULL */
    const char *user;      /* basic */
    const char *password;  /* basic; secret, wiped with the pool */
    const char *ccache;    /* delegated */
    const oc_credential_t *credential; /* service, device; else NULL */
    apr_array_header_t *confined; /* const char *, see oc_identity_confine(); NULL */
    const char *reading;          /* likewise */
    const oc_keytab_t *keytab; /* s4u */
    oc_pin_t *pin;             /* relay: the login's connection */
    const char *principal;     /* delegated, s4u; relay: who signed in, for the log */
};

typedef enum oc_sign_t {
    OC_SIGN_DONE,  /* the credential stands on the exchange */
    OC_SIGN_WAIT,  /* not yet: sign() is asked again when the job is woken */
    OC_SIGN_FAILED /* there is none; call->result says why */
} oc_sign_t;

/* What a reply tells about the login. */
typedef enum oc_verdict_t {
    OC_VERDICT_NEUTRAL,  /* nothing: no reply, or one that also strangers get */
    OC_VERDICT_ACCEPTED, /* the server knows who is asking */
    OC_VERDICT_REFUSED,  /* it does not, or this person may not; the request was not executed */
    OC_VERDICT_LOOK      /* the body decides: look() */
} oc_verdict_t;

struct oc_scheme_t {
    const char *name;
    /* A wrong credential counts towards the account's lock-out: it is sent once, alone, until the
     * server has accepted it. */
    int guarded;
    oc_reason_t refused; /* reason when the server refuses it */
    oc_sign_t (*sign)(oc_slot_t *slot);
    oc_verdict_t (*judge)(const oc_slot_t *slot);                       /* at HEAD */
    oc_verdict_t (*look)(const char *body, apr_size_t len);             /* NULL: judge() decides */
    /* 1 if the login can have run out since it was accepted, so that signing on again helps. */
    int renews;
    /* 1 if a credential serves one sending; the next needs another. */
    int once;
    /* The exchange of the logon dialogue for a session without cookies, on the way to `first`. NULL
     * with call->result set; a scheme without a dialogue has none. */
    oc_slot_t *(*logon)(oc_attach_t *at, const oc_exchange_t *first);
    /* Its reply. ACCEPTED: may be tried; the proof comes with the next exchange. */
    oc_verdict_t (*logged_on)(oc_slot_t *slot);
    /* At END of a reply that was not refused. WAIT: END waits, asked again when the job is woken.
     * FAILED: the reply is not to be believed, call->result says why. NULL: always DONE. Until it
     * is DONE, acceptance proves nothing. */
    oc_sign_t (*check)(oc_slot_t *slot);
    /* The reply of a refused exchange may say more exactly why. NULL: `refused`. */
    oc_reason_t (*why)(const oc_slot_t *slot, const char **detail);
};

extern const oc_scheme_t oc_basic_scheme, oc_basic_ntlm_scheme, oc_forms_scheme,
    oc_delegated_scheme, oc_s4u_scheme, oc_relay_scheme;

/* Where the token for that site comes from, of either of the two Kerberos schemes. */
oc_token_source_t oc_delegated_source(apr_pool_t *pool, const oc_identity_t *id,
                                      const oc_site_t *site);

/* The key of the marks of that password on that site, the same in every child. */
apr_status_t oc_sign_mac(const oc_signer_t *signer, const oc_identity_t *id, const oc_site_t *site,
                         unsigned char mac[OC_HMAC_SIZE]);

/* A job's hold on a session. */
struct oc_attach_t {
    oc_signing_t *job;
    oc_session_t *session;
    oc_attach_t *more;         /* same job */
    oc_attach_t *prev, *next;  /* same session */
    unsigned char mac[OC_HMAC_SIZE]; /* key of the shared marks; guarded schemes */
    apr_uint64_t owner;
    int accepted;              /* the server accepted an exchange of this job */
    int probed;                /* a probe said neither yes nor no: do without */
    int in_vain;               /* one more try was refused as well */
};

typedef enum oc_slot_state_t {
    OC_SLOT_HELD,     /* not sent yet */
    OC_SLOT_SIGNING,  /* waits for its credential */
    OC_SLOT_SENT,
    OC_SLOT_DOUBTED,  /* answered "no": is it the login, or just this path? */
    OC_SLOT_CHECKING  /* answered; END waits for check() */
} oc_slot_state_t;

typedef enum oc_role_t { OC_ROLE_INNER, OC_ROLE_LOGON, OC_ROLE_PROBE } oc_role_t;

/* One exchange on its way through the signer. */
struct oc_slot_t {
    oc_slot_t *next;
    oc_signing_t *job;
    oc_attach_t *at;
    oc_exchange_t *x;
    oc_slot_state_t state;
    oc_role_t role;
    oc_verdict_t verdict;
    int proof;            /* the session's proof hangs on its reply */
    int withheld;         /* the inner job does not see this reply */
    int forgotten;        /* refused, perhaps for its connection: one more try */
    int unresolved;       /* doubted, and no answer can be had */
    unsigned generation;  /* of the cookies it was sent with */
    unsigned proofs;      /* the session's when it was sent */
    char *look;           /* beginning of the body while the verdict is LOOK */
    apr_size_t look_len;
    char *secret[2];      /* what stands on the exchange, to be wiped at its end */
    char *body;           /* a logon's form; wiped likewise */
    oc_token_t *token;    /* delegated, s4u */
};

struct oc_signing_t {
    oc_job_t job; /* first */
    oc_signer_t *signer;
    oc_identity_t *id;
    oc_call_t *call;
    oc_job_t *inner;
    oc_slot_t *slots;     /* in the order they came */
    oc_attach_t *attached;
    int in_flight;
    int sent;             /* exchanges sent so far */
    int given_up;         /* its pool is being destroyed */
    int uncertain;        /* relay: a write was lost with the login's connection */
    unsigned unlinked;    /* slots taken off the list so far: who walks it must begin anew */
    oc_mono_t poll_at;    /* another child holds the mark: look again then */
    oc_token_t *ahead;    /* delegated, s4u: made in advance, for this site */
    const oc_site_t *ahead_site;
};

/* sign.c: what the two halves of the machine, sign.c and lead.c, use of each other. */

/* Put the credential on it and let it go; NULL: not now, or never (then it has been ended). */
oc_exchange_t *oc_sign_send(oc_slot_t *slot);
/* An exchange of the signer's own. */
oc_slot_t *oc_sign_own(oc_attach_t *at, oc_exchange_t *x, oc_role_t role);
/* End an inner exchange that was certainly not executed. */
void oc_sign_fail(oc_slot_t *slot, const char *why);
/* Let the inner job have the reply that was kept from it. */
void oc_sign_pass(oc_slot_t *slot);
/* Back to waiting, to be sent once more. Only for what was not executed. */
void oc_sign_again(oc_slot_t *slot);

/* lead.c: who may send, and what a refusal means. */

/* An exchange to send now for this slot: its own, or a logon or proof that has to go first; or
 * NULL. */
oc_exchange_t *oc_lead_admit(oc_slot_t *slot);
/* At HEAD, or once the body told: 1 if the inner job sees the reply, 0 if it is withheld. */
int oc_lead_verdict(oc_slot_t *slot);
/* At END: 1 if it is to be signed anew and sent once more. */
int oc_lead_once_more(const oc_slot_t *slot);
/* At END: what follows from it for the session. The slot may have been ended on return. */
void oc_lead_ended(oc_slot_t *slot);
/* An acceptance that check() was asked about: the reply is to be believed, or not. */
void oc_lead_believed(oc_slot_t *slot);
void oc_lead_disbelieved(oc_slot_t *slot);
/* A proof, probe or logon that could not even be signed. */
void oc_lead_unsigned(oc_slot_t *slot);
/* The job lets go of the session. */
void oc_lead_resign(oc_attach_t *at);

/* account.c: a sentence if this identity may not send that, or NULL. What is the signer's own (a
 * logon, a look at home) names no mailbox that anybody asked for. */
const char *oc_account_forbids(const oc_identity_t *id, const oc_exchange_t *x, oc_role_t role);
/* Facts of a service or a device for oc_identity_describe(). */
void oc_account_describe(const oc_identity_t *id, apr_table_t *facts);

/* What 401 and most other statuses tell, for all schemes but forms (basic.c). */
oc_verdict_t oc_basic_judge(const oc_slot_t *slot);

#endif
