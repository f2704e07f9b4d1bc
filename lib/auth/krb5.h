/* krb5.h - Kerberos: one token, made and checked; a service's own keys, and a ticket for a person
 * got with them. krb5.c is the only file that names GSSAPI and libkrb5.
 *
 * oc_krb5_make(), oc_krb5_service() and oc_krb5_act() block: they may ask a KDC, and a silent KDC
 * holds its caller for half a minute (measured: 24 to 27 s; MIT krb5 1.20 has no setting for it).
 * Only the threads of tokens.c call them. No process-wide state is used or changed: the credential
 * cache is named in each call; the environment's and the library's default cache and client keytab
 * are never looked at. Any number of threads at once, each with its own oc_krb5_t.
 */
#ifndef OC_AUTH_KRB5_H
#define OC_AUTH_KRB5_H

#include <apr_tables.h>
#include "base/clock.h"
#include "base/result.h"

typedef struct oc_krb5_t oc_krb5_t; /* one security context with its credential; heap */

#define OC_KRB5_DETAIL 300

typedef struct oc_krb5_why_t {
    oc_reason_t reason; /* OK: it worked */
    int uncached;       /* it failed only because no KDC was to be asked */
    char detail[OC_KRB5_DETAIL];
} oc_krb5_why_t;

/* A token for `spn` ("HTTP@host", or a principal with a '/'; the DNS is not asked) from that cache,
 * which must be good for use (ccache.h) and whose owner must be `principal` (without realm: of the
 * default realm). With ask_kdc 0 no KDC is asked: the ticket for `spn` must be in the cache. *text
 * is the token's base64, malloc'ed. NULL with *why set: IDENTITY_MISMATCH, NO_CREDENTIAL,
 * CREDENTIAL_EXPIRED, DELEGATION_REFUSED, UNKNOWN_PRINCIPAL, MISCONFIGURED, KDC_UNREACHABLE,
 * CLOCK_SKEW, INTERNAL. */
oc_krb5_t *oc_krb5_make(const char *ccache, const char *spn, const char *principal, int ask_kdc,
                        char **text, oc_krb5_why_t *why);
/* Does the server's answer (base64 from WWW-Authenticate, any bytes) prove that it is the one the
 * token was made for? Local computation. why->reason: OK or UPSTREAM_PROTOCOL. */
void oc_krb5_verify(oc_krb5_t *krb5, const char *answer, oc_krb5_why_t *why);
void oc_krb5_close(oc_krb5_t *krb5);

/* ---- the service's own key ---- */

typedef struct oc_krb5_keys_t oc_krb5_keys_t; /* in the process's memory; children inherit it */

/* The keys of `principal` (NULL: of the file's first) out of the keytab "FILE:..". Local. NULL with
 * why->detail. */
oc_krb5_keys_t *oc_krb5_keys(const char *name, const char *principal, oc_krb5_why_t *why);
const char *oc_krb5_keys_principal(const oc_krb5_keys_t *keys); /* "HTTP/host@REALM" */
/* Wiped and freed. */
void oc_krb5_keys_free(oc_krb5_keys_t *keys);

/* A cache in memory, with one ticket in it. */
typedef struct oc_krb5_cache_t {
    char name[64];     /* "MEMORY:.." */
    oc_mono_t got;
    apr_time_t life;   /* from then on */
    apr_size_t bytes;  /* of the ticket */
    char *owner;       /* of a person's: the principal as the KDC spells it */
} oc_krb5_cache_t;

/* The service's own ticket, got with its keys. NULL with *why: MISCONFIGURED (whatever is wrong
 * with the keys), KDC_UNREACHABLE, CLOCK_SKEW, INTERNAL. */
oc_krb5_cache_t *oc_krb5_service(const oc_krb5_keys_t *keys, oc_krb5_why_t *why);
/* By S4U2Self and S4U2Proxy (MS-SFU) with the service's own ticket: a cache of `principal`
 * ("alice@REALM"; the KDC may spell it in another case) that holds nothing but a ticket for `spn`,
 * so that oc_krb5_make() needs no KDC for it and can get no further ticket with it. NULL with *why
 * as oc_krb5_make(). */
oc_krb5_cache_t *oc_krb5_act(const oc_krb5_cache_t *own, const char *principal, const char *spn,
                             oc_krb5_why_t *why);
/* Wiped and freed. */
void oc_krb5_cache_free(oc_krb5_cache_t *cache);

/* Whose credential is in that cache, malloc'ed, and how long it lives on (0: it has expired). Reads
 * files, asks no KDC. NULL with *why. */
char *oc_krb5_look(const char *ccache, apr_time_t *left, oc_krb5_why_t *why);
/* 1 if there is a credential of `principal` in that cache that has not expired: what oc_krb5_make()
 * demands before it asks for a ticket. Reads files, asks no KDC. 0 with *why. */
int oc_krb5_owned(const char *ccache, const char *principal, oc_krb5_why_t *why);

#endif
