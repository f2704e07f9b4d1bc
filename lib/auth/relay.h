/* relay.h - signing in with the browser's own NTLM messages, passed on over one upstream
 * connection, and acting over that connection afterwards.
 *
 * Here: what may be passed on, the two exchanges of a login, and the identity of what follows. Who
 * brings the messages, and what a browser is answered, is the adapter's. Nothing here ever asks the
 * calendar server on its own account: the messages are the browser's, a refusal is final.
 */
#ifndef OC_AUTH_RELAY_H
#define OC_AUTH_RELAY_H

#include "auth/identity.h"

#define OC_RELAY_TOKEN_MAX 16384 /* bytes of base64 */

/* The NTLM message in the value of an Authorization or WWW-Authenticate header: 1, 2 or 3, with its
 * base64 in *token (within `value`); 0: no such message. Strict: the scheme NTLM, one blank,
 * canonical base64 of at most OC_RELAY_TOKEN_MAX bytes, the signature, a message no shorter than
 * its fixed part. Pure. */
int oc_relay_message(const char *value, const char **token);

/* The account that a type 3 message claims, in lower case, without its domain: another spelling is
 * not another chance. To count attempts by, never to be taken for a name. NULL: it cannot be read,
 * or it is nobody (an anonymous login, which a server might take). */
const char *oc_relay_claim(apr_pool_t *pool, const char *token);

/* One leg of a login, filled when its job is done and call->result is OK; or see `refused`. */
typedef struct oc_relay_leg_t {
    const char *challenge; /* after message 1: the base64 of the server's message 2 */
    const char *page;      /* after message 3: the beginning of the page shown */
    apr_size_t page_len;
    int refused;           /* after message 3: the server does not take it (PASSWORD_REFUSED) */
} oc_relay_leg_t;

/* GET `path` with message `type` (1 opens the pin's connection, 3 goes over it). Strings are
 * copied. Fails with UPSTREAM_PROTOCOL (no NTLM on offer, a page without any login, an odd answer),
 * UPSTREAM_REDIRECT, UPSTREAM_ERROR, UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, ACCESS_DENIED,
 * NO_MAILBOX, CREDENTIAL_EXPIRED (the connection is gone), PASSWORD_REFUSED. */
oc_job_t *oc_relay_login(oc_call_t *call, oc_pin_t *pin, const char *key, const oc_site_t *site,
                         const char *path, int type, const char *token, apr_time_t at_most,
                         oc_relay_leg_t **leg);

/* Whoever signed in over that pin; `key` as it was then, `user` for the log. The caller keeps the
 * pin for as long as the call lives. */
oc_identity_t *oc_identity_relay(oc_call_t *call, oc_pin_t *pin, const char *key, const char *user);

#endif
