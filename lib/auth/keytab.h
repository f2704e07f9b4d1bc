/* keytab.h - the service's own key, and acting for a person with it (S4U2Self, S4U2Proxy: MS-SFU).
 *
 * The file is read once at every (re)start, by the parent and with its rights, into the memory of
 * the process; children inherit it. So the file can stay readable for root alone. With it each
 * child gets the service's own ticket, kept in a MEMORY cache and renewed before it expires.
 */
#ifndef OC_AUTH_KEYTAB_H
#define OC_AUTH_KEYTAB_H

#include <apr_pools.h>
#include "auth/krb5.h"

typedef struct oc_keytab_t oc_keytab_t;

/* Declare one: file (absolute) and principal ("HTTP/host@REALM", NULL = the file's first). The same
 * pair declared twice in one pool's life is one. Reads nothing yet. */
oc_keytab_t *oc_keytab_declare(apr_pool_t *pconf, const char *file, const char *principal);
/* Parent, after the configuration was read, before children are forked. NULL, or what is wrong and
 * what would be right: not there, not a regular file, readable for others, no key of that
 * principal, damaged. A symbolic link is followed (secrets are often mounted so); what it leads to
 * is judged, and read through the same descriptor. Replaces what an earlier call read. */
const char *oc_keytab_load(oc_keytab_t *keytab, apr_pool_t *pool);
/* Known after loading; "HTTP/host@REALM". */
const char *oc_keytab_principal(const oc_keytab_t *keytab);
/* For lib/auth; NULL before loading. */
const oc_krb5_keys_t *oc_keytab_keys(const oc_keytab_t *keytab);

#endif
