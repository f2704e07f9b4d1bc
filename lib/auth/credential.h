/* credential.h - the account of a service or a device: name, way of signing in, password.
 *
 * The password comes from a file or from a program's output, read once at every (re)start by the
 * parent and with its rights; children inherit it. Constant after start-up; any thread.
 */
#ifndef OC_AUTH_CREDENTIAL_H
#define OC_AUTH_CREDENTIAL_H

#include <apr_tables.h>
#include "auth/identity.h"

typedef struct oc_credential_t {
    const char *name;        /* in the configuration */
    const char *user;        /* as the calendar server wants it: "EX\\svc-rooms" */
    oc_upstream_t upstream;
    const char *source;      /* file, or "exec:/path words": the program's first line of output */
    const char *password;    /* NULL until loaded; never logged */
} oc_credential_t;

/* Parent, before children are forked. NULL, or what is wrong and what would be right: not there,
 * not a regular file, readable for others, empty, too long, the program failed or took longer than
 * 10 s. The password is wiped with the pool. */
const char *oc_credential_load(oc_credential_t *credential, apr_pool_t *pconf);

/* Who may act in whose mailbox, besides his own: lines "person: mailbox, mailbox"; the person in
 * canonical spelling (names.h). From a file read at start-up. */
typedef struct oc_actors_t oc_actors_t;
oc_actors_t *oc_actors_read(apr_pool_t *pconf, const char *file, const char **error);
/* `account` is the person's account name, which is his own mailbox. actors may be NULL. */
int oc_actors_may(const oc_actors_t *actors, const char *canonical, const char *account,
                  const char *mailbox);

#endif
