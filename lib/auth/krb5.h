/* krb5.h - Kerberos through GSSAPI: one token, made and checked. krb5.c is the only file that names
 * GSSAPI.
 *
 * oc_krb5_make() blocks: gss_init_sec_context() may ask a KDC, and a silent KDC holds its caller
 * for half a minute (measured: 24 to 27 s; MIT krb5 1.20 has no setting for it). Only the threads
 * of tokens.c call it. No process-wide state is used or changed: the credential cache is named in
 * each call; the environment's and the library's default cache and client keytab are never looked
 * at. Any number of threads at once, each with its own oc_krb5_t.
 */
#ifndef OC_AUTH_KRB5_H
#define OC_AUTH_KRB5_H

#include <apr_tables.h>
#include "base/result.h"

typedef struct oc_krb5_t oc_krb5_t; /* one security context with its credential; heap */

#define OC_KRB5_DETAIL 300

typedef struct oc_krb5_why_t {
    oc_reason_t reason; /* OK: it worked */
    char detail[OC_KRB5_DETAIL];
} oc_krb5_why_t;

/* NULL if `ccache` may be used: FILE: or DIR: with an absolute path, or MEMORY: with a name; else a
 * sentence saying why not. */
const char *oc_krb5_refused(const char *ccache);

/* A token for `spn` ("HTTP@host", or a principal with a '/') from that cache, whose owner must be
 * `principal` (without realm: of the default realm). *text is its base64, malloc'ed. NULL with *why
 * set: IDENTITY_MISMATCH, NO_CREDENTIAL, CREDENTIAL_EXPIRED, DELEGATION_REFUSED, UNKNOWN_PRINCIPAL,
 * MISCONFIGURED, KDC_UNREACHABLE, CLOCK_SKEW, INTERNAL. */
oc_krb5_t *oc_krb5_make(const char *ccache, const char *spn, const char *principal, char **text,
                        oc_krb5_why_t *why);
/* Does the server's answer (base64 from WWW-Authenticate, any bytes) prove that it is the one the
 * token was made for? Local computation. why->reason: OK or UPSTREAM_PROTOCOL. */
void oc_krb5_verify(oc_krb5_t *krb5, const char *answer, oc_krb5_why_t *why);
void oc_krb5_close(oc_krb5_t *krb5);

/* Request thread; reads files, asks no KDC: "principal" and "expires" of the credential. */
apr_status_t oc_krb5_describe(apr_pool_t *pool, const char *ccache, apr_table_t *facts,
                              oc_result_t *res);

#endif
