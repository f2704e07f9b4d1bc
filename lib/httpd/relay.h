/* relay.h - the login provider of `AuthType OwaCalNtlm`: passes the browser's NTLM messages on to
 * the calendar server, over one upstream connection for each client connection.
 *
 * The one place of this module that answers 401. Whoever has signed in has r->user = his mailbox
 * and r->ap_auth_type = "OwaCalNtlm" on every later request of the same client connection; what he
 * does goes over that upstream connection and no other, and it goes when the client's does.
 * Request thread, except where it says otherwise.
 */
#ifndef OC_HTTPD_RELAY_H
#define OC_HTTPD_RELAY_H

#include "auth/identity.h"
#include "httpd/config.h"

/* Start-up: a location uses it, so requests are looked at early. Parent. */
void oc_relay_in_use(void);

/* httpd's post_read_request hook, before mod_remoteip: remembers the marks of a proxy. */
int oc_relay_post_read_request(request_rec *r);
/* httpd's check_authn hook: DECLINED unless AuthType is OwaCalNtlm. */
int oc_relay_check_authn(request_rec *r);

/* httpd's pre_close_connection hook: the login ends now, not after a lingering close. */
int oc_relay_pre_close(conn_rec *c);

/* The identity of whoever signed in on this client connection, for `call`, which keeps the login's
 * connection for as long as it lives; if the calendar server no longer takes the login, it ends
 * with the call. NULL with call->result set: MISCONFIGURED (another AuthType), CREDENTIAL_EXPIRED
 * (the connection has gone meanwhile), IDENTITY_MISMATCH. */
oc_identity_t *oc_relay_identity(request_rec *r, const oc_backend_t *backend, oc_call_t *call);

#endif
