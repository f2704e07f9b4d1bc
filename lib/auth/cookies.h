/* cookies.h - the few cookies of a forms logon, as plain data.
 *
 * Only what the logon needs: `sessionid` and names beginning with `cadata` [DavMail's forms
 * authenticator, Evolution Connector's notes], bounded in number and size, kept for the one host
 * that set them; Domain and Path are not looked at. Values are kept as they came, quotes included:
 * Exchange 2003 counts them to the value.
 */
#ifndef OC_AUTH_COOKIES_H
#define OC_AUTH_COOKIES_H

#include <apr_pools.h>
#include <apr_tables.h>

#define OC_COOKIES_MAX 8          /* cookies */
#define OC_COOKIES_MAX_BYTES 4096 /* name and value of one */

typedef struct oc_cookies_t {
    int count;
    char *name[OC_COOKIES_MAX]; /* heap; secret */
    char *value[OC_COOKIES_MAX];
} oc_cookies_t;

/* What a reply did to the cookies. */
typedef struct oc_cookies_change_t {
    int set, removed, refused; /* refused: over a bound, or with control characters */
} oc_cookies_change_t;

/* Take the Set-Cookie lines of a reply. `fresh` says that it is the reply to our own logon: only
 * then may cookies appear that were not there; any signed reply may renew or remove those that
 * are. */
oc_cookies_change_t oc_cookies_take(oc_cookies_t *jar, const apr_table_t *reply_headers, int fresh);
/* 1 if the reply removes one of the logon's cookies; changes nothing. */
int oc_cookies_removed(const apr_table_t *reply_headers);
/* Value of the Cookie header, wiped with the pool; NULL if there is none. */
char *oc_cookies_header(const oc_cookies_t *jar, apr_pool_t *pool);
/* Wipe and free all. */
void oc_cookies_drop(oc_cookies_t *jar);

#endif
