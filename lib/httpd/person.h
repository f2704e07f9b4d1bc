/* person.h - who is acting, and with which credential: from what Apache's login modules left in the
 * request. Request thread. */
#ifndef OC_HTTPD_PERSON_H
#define OC_HTTPD_PERSON_H

#include "auth/identity.h"
#include "httpd/config.h"

typedef struct oc_person_t {
    const char *user;      /* canonical (auth/names.h): the same for every spelling of one person */
    const char *account;   /* without realm */
    const char *principal; /* for Kerberos: account@REALM, as it was verified */
    const char *mailbox;   /* one path segment, unescaped: the account, or by OwaCalMailbox */
    int alone;             /* a device that acts in this mailbox and in none of its other rooms */
} oc_person_t;

/* httpd's fixups hook: notes that the request has got through login and authorization. */
int oc_person_fixups(request_rec *r);

/* panel: the room whose panel is asked for; a device acts in that room's mailbox, if it is among
 * its rooms and OwaCalMailbox does not name another. NULL, and every other mode: as above.
 * Fails with NOT_AUTHENTICATED (nobody signed in, or the name is that of a login that failed),
 * IDENTITY_MISMATCH (a subrequest under another name; an Authorization header that can be read in
 * two ways, so that login module and we might not see the same), NO_MAILBOX (the name maps to
 * nobody, to two, or to nothing usable; a NUL in a Basic header), MAILBOX_REFUSED (not one in which
 * this person may act with the location's account). In r->pool. */
apr_status_t oc_person_of(request_rec *r, const oc_dir_conf_t *conf, const oc_room_t *panel,
                          oc_person_t *person, oc_result_t *res);

/* Can that be a mailbox: one plausible path segment, unescaped? */
int oc_person_mailbox_ok(const char *name);

/* The credential of this request for `call`, as OwaCalIdentity says; no fallback from one mode to
 * another. Sets call->identity and where the login is proved. NULL with call->result set:
 * NO_CREDENTIAL, IDENTITY_MISMATCH, MISCONFIGURED (a password over an unprotected connection, no
 * mode configured). */
oc_identity_t *oc_person_identity(request_rec *r, const oc_dir_conf_t *conf,
                                  const oc_person_t *person, const oc_backend_t *backend,
                                  oc_call_t *call);

#endif
