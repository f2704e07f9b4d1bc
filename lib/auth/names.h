/* names.h - one person, many spellings: EX\alice, alice@EX.EXAMPLE.COM, alice@example.com, Alice.
 *
 * The one place where a verified user name becomes a canonical one. What belongs together is
 * declared (OwaCalRealm): a Kerberos realm, the Windows short names of its domain, its mail
 * domains. Constant after start-up; any thread.
 */
#ifndef OC_AUTH_NAMES_H
#define OC_AUTH_NAMES_H

#include <apr_tables.h>
#include "base/result.h"

typedef struct oc_realm_t {
    const char *realm;                  /* upper case */
    const apr_array_header_t *domains;  /* const char *, "EX"; compared without regard to case */
    const apr_array_header_t *mail;     /* const char *, "example.com" */
    int is_default;                     /* names without domain belong here */
} oc_realm_t;

typedef struct oc_name_t {
    const char *account;   /* NFC, case folded */
    const char *realm;     /* upper case; NULL: the name had none and no realm is the default */
    const char *principal; /* for Kerberos: account@REALM, the account spelled as it was verified */
    const char *canonical; /* "account@REALM", or "account": equal for equal persons only */
} oc_name_t;

/* A word of OwaCalRealm's arguments: NULL, or what is wrong. */
const char *oc_realm_parse(apr_pool_t *pool, int argc, char *const argv[], oc_realm_t **realm);
/* NULL, or why these realms (oc_realm_t *) contradict each other: a name twice, two defaults. */
const char *oc_realms_wrong(apr_pool_t *pool, const apr_array_header_t *realms);

/* What `user` (any bytes, from a login module) names. With realms declared, a domain, realm or mail
 * domain that none of them has maps to nobody; without, the part after @ is taken for a realm, the
 * one before \ for a domain, each as it is. NO_MAILBOX with a detail if it names nobody or could
 * name two; bounded, never a control character, '/', '%', "..", NUL. */
apr_status_t oc_name_of(apr_pool_t *pool, const apr_array_header_t *realms, const char *user,
                        oc_name_t *name, oc_result_t *res);

#endif
