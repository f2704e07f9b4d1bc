/* challenge.h - the ways of signing in that a server offers (WWW-Authenticate, RFC 9110 11.6.1).
 * Pure; the headers are a stranger's. */
#ifndef OC_WIRE_CHALLENGE_H
#define OC_WIRE_CHALLENGE_H

#include <apr_pools.h>
#include <apr_tables.h>

/* "Negotiate, NTLM, Basic": the names of the schemes alone, in the server's order, each once, no
 * parameter and no token. At most eight, each at most 20 letters, digits, '-' and '_'; what is
 * anything else, or more, is only counted: "Basic and 9,998 more". "" if there is none. */
const char *oc_challenge_schemes(apr_pool_t *pool, const apr_table_t *headers);

#endif
