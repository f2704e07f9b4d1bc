/* exchange.h - one HTTP request that is wanted, and its reply, as plain data.
 *
 * No curl, no socket, no backend. Made by a backend verb in the operation's pool, signed by the
 * identity, sent by net, and handed back through oc_job_vtable_t.feed. Owned by the operation; the
 * thread that owns the operation (call.h) is the only one to touch it.
 */
#ifndef OC_BASE_EXCHANGE_H
#define OC_BASE_EXCHANGE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include "base/clock.h"

/* What all exchanges call themselves, the logins among them: the server gives its data commands to
 * Internet Explorer only (Exchange looks for MSIE). */
#define OC_USER_AGENT "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.2; SV1)"

/* How an exchange ended. */
typedef enum oc_outcome_t {
    OC_X_PENDING = 0,
    OC_X_REPLIED,   /* a complete reply stands in status, reply_headers and the body fed */
    OC_X_NOT_SENT,  /* certainly not executed: no address, no connection, refused before sending */
    OC_X_LOST,      /* may have been executed: sent, but no complete reply came */
    OC_X_TIMEOUT,   /* its deadline came; `sent` says whether it may have been executed */
    OC_X_TOO_LARGE, /* reply over its bound; a write may have been executed */
    OC_X_CANCELLED  /* the operation was cancelled; `sent` as above */
} oc_outcome_t;

/* How the connection itself is authenticated, when it is net that has to do it. */
typedef enum oc_connauth_t {
    OC_CONNAUTH_NONE = 0, /* headers only */
    OC_CONNAUTH_NTLM      /* three messages on the connection, by net, with user and password */
} oc_connauth_t;

/* The one connection that such an exchange may go over, see net/pin.h. */
typedef struct oc_pin_t oc_pin_t;

/* A calendar server's address, from the configuration; lives as long as the server's. */
typedef struct oc_site_t {
    const char *scheme; /* "http" or "https" */
    const char *host;   /* as in the URL: Host header, SNI, SPN */
    int port;
    const char *connect; /* "host:port" really connected to; NULL = host and port */
    const char *ca;      /* file with trusted certificates; NULL = the system's */
    int tls_min;         /* 10, 11, 12, 13: lowest TLS version */
    const char *spn;     /* "HTTP@host"; NULL = made of host */
} oc_site_t;

/* 443 of "https", 80 of any other. */
int oc_scheme_port(const char *scheme);

/* "scheme://host" with the port if it is not the scheme's own, and an IPv6 address in brackets. */
const char *oc_site_origin(apr_pool_t *pool, const oc_site_t *site);

/* 1 if a secret may go there as it is: over TLS, or to this machine itself. */
int oc_site_protected(const oc_site_t *site);

typedef struct oc_exchange_t {
    /* The request: set by the verb, then constant. */
    const char *method;
    const char *path;     /* absolute, percent-encoded, query included; never with a raw '#' */
    apr_table_t *headers; /* never NULL; no Host, Content-Length, Authorization or Cookie */
    const char *body;     /* NULL = none. Not copied: must live until END */
    apr_size_t body_len;
    int writes;            /* acts on the server: is sent at most once, whatever happens */
    apr_size_t max_reply;  /* bound of the decoded reply body in bytes; 0 = the configured one */
    const char *purpose;   /* two or three words for log and trace: "find folders" */
    const oc_site_t *site; /* which configured host */
    const char *op;        /* op id, sent as X-Request-Id: a front of the server may log it; NULL */
    void *baton;           /* the verb's own */

    /* As whom: set by the identity before each sending, wiped after it. */
    const char *identity;      /* key of the connection cache; never NULL when sent */
    int shared; /* that key stands for many persons (an account of the service): a wider bound */
    const char *authorization; /* value of the header; NULL = none. Secret */
    const char *cookie;        /* value of the header; NULL = none. Secret */
    oc_connauth_t connauth;
    const char *user, *password; /* for connauth; password is secret */
    oc_pin_t *pin;               /* over this connection and no other; NULL = over any of its own */
    int opens;                   /* with a pin: this exchange is the one that opens it */
    int once;  /* its credential serves once: net does not repeat the sending, even of a read */
    int fresh; /* over a new connection that is not kept, whatever there is */

    /* The reply: filled by net. */
    int status;                 /* 0 until a final status line came */
    apr_table_t *reply_headers; /* never NULL once HEAD was fed; names without regard to case */
    apr_off_t received;         /* decoded body bytes so far */
    oc_outcome_t outcome;
    int sent;          /* the request, or part of it, may have reached the server */
    int reused;        /* it went out over a connection that had been used before */
    const char *error; /* for the log: why there is no reply; NULL */
    oc_mono_t started, ended;

    int attempt;   /* identity: how often this exchange was sent before */
    int forbidden; /* identity: this credential may not act there; never sent (NOT_SENT) */
    void *net;   /* net's own */
    void *auth;  /* the identity's own */
} oc_exchange_t;

/* A zeroed exchange with empty header tables, in pool. path is not copied. */
oc_exchange_t *oc_exchange_create(apr_pool_t *pool, const oc_site_t *site, const char *method,
                                  const char *path, const char *purpose);
/* Take off everything that says as whom and over which connection it goes. The memory of the
 * secrets is the identity's; the exchange only forgets where it is. */
void oc_exchange_unsign(oc_exchange_t *x);
/* Empty the reply. */
void oc_exchange_unanswer(oc_exchange_t *x);
/* Back to the state before sending, for one more attempt by the identity; request part kept. */
void oc_exchange_rewind(oc_exchange_t *x);
/* 1 if the server may have acted on it without our knowing the reply. */
int oc_exchange_unknown(const oc_exchange_t *x);

#endif
