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
    int is_default;                     /* names without domain belong here; so with only one */
} oc_realm_t;

typedef struct oc_name_t {
    const char *account;   /* NFC, case folded (base/text.h) */
    const char *realm;     /* upper case; NULL: the name had none and no realm is declared */
    const char *principal; /* for Kerberos: account@REALM, the account spelled as it was verified */
    const char *canonical; /* "account@REALM", or "account": equal for equal persons only */
} oc_name_t;

/* OwaCalRealm's words: REALM [domain=EX,EX2] [mail=example.com,..] [default]. NULL, or what is
 * wrong and what would be right; *realm is in `pool`, its words are copied. */
const char *oc_realm_parse(apr_pool_t *pool, int argc, char *const argv[], oc_realm_t **realm);
/* NULL, or why these realms (oc_realm_t *) contradict each other: a name that belongs to two of
 * them, whether as realm, domain or mail domain; a realm twice; two defaults. */
const char *oc_realms_wrong(apr_pool_t *pool, const apr_array_header_t *realms);

/* What `user` (any bytes, from a login module) names.
 *
 *   DOMAIN\user          the realm with that domain, or of that name
 *   user@REALM           that realm
 *   user@mail.domain     the realm with that mail domain
 *   user                 the default realm, or the only one
 *
 * With realms declared, a domain that none of them has maps to nobody. Without (NULL or empty), the
 * part after @ is taken for a realm, the one before \ for a domain, each as it is, and a bare name
 * is one without realm.
 *
 * NO_MAILBOX, with a detail for the administrator, if it names nobody or could name two, or holds
 * what no name should: more than 256 bytes, no UTF-8, anything oc_text_unnameable() knows, '/',
 * '%', '"' and their like, "..", two domains, an empty part, a dot or blank at an end; enterprise
 * names (user\@mail@REALM) and service principals. A NUL ends a C string, so whoever has the length
 * must look for it first. Look-alikes of other alphabets are different names: the directory's
 * concern.
 *
 * Everything in `name` is in `pool` (or the realm's), printable, at most 256 bytes; canonical given
 * in again comes out as it is. */
apr_status_t oc_name_of(apr_pool_t *pool, const apr_array_header_t *realms, const char *user,
                        oc_name_t *name, oc_result_t *res);

#endif
