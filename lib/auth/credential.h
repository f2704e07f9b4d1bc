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
    const char *mailbox;     /* that this account can surely open: its login is proved there */
    oc_upstream_t upstream;
    const char *source;      /* file, or "exec:/path words": the program's first line of output */
    const char *password;    /* NULL until loaded; never logged */
} oc_credential_t;

/* What can be seen of the source without reading a password or running a program, for configtest:
 * NULL, or what is wrong and what would be right. */
const char *oc_credential_check(const oc_credential_t *credential, apr_pool_t *pool);
/* Parent, before children are forked. NULL, or what is wrong and what would be right: not there,
 * not a regular file, readable for others, empty, too long, the program failed or took longer than
 * 10 s. The password is wiped with the pool. */
const char *oc_credential_load(oc_credential_t *credential, apr_pool_t *pconf);
/* The first line that a program prints: `command` is its absolute path and its words, divided by
 * blanks; no shell, no quoting. It runs in a process group of its own, with nothing but PATH and
 * LC_ALL in its environment, no open file but its output, and is killed with its group at the end
 * of `patience` or when it prints more than is sensible. Waits for it. NULL and *line (secret,
 * wiped with the pool), or what is wrong. */
const char *oc_credential_exec(apr_pool_t *pool, const char *command, apr_time_t patience,
                               char **line);

/* Who may act in whose mailbox, besides his own: lines "person: mailbox, mailbox"; the person in
 * canonical spelling (names.h). "@group: mailbox" stands for every member of a group of `groups`, a
 * file of lines "group: person person" as AuthGroupFile takes it; NULL: there are no groups. Both
 * are read at start-up, are bounded, and must not be writable for others. # begins a comment. NULL
 * and *error: file, line, what is wrong. */
typedef struct oc_actors_t oc_actors_t;
oc_actors_t *oc_actors_read(apr_pool_t *pconf, const char *file, const char *groups,
                            const char **error);
/* The same from text, for tests: `file` and `groups` are contents. */
oc_actors_t *oc_actors_parse(apr_pool_t *pool, const char *file, const char *groups,
                             const char **error);
/* `account` is the person's account name, which is his own mailbox; NULL: it is not known which is
 * his. actors may be NULL. */
int oc_actors_may(const oc_actors_t *actors, const char *canonical, const char *account,
                  const char *mailbox);

#endif
