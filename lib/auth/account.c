/* account.c - identities of `service` and `device`: one configured account, held to the mailboxes
 * that the adapter names, whatever a verb may ask for.
 *
 * An account signs in as a person does, so all of `basic` serves: the schemes, the marks of refused
 * passwords, the look at home. What differs is the key, which a personal credential never has, and
 * the confinement.
 *
 * Paths are compared as the server would read them in the worst case: decoded, without regard to
 * case. What two readers could read differently (an encoded slash, a backslash, dot segments, empty
 * segments, a second layer of encoding) is refused, not understood.
 */
#include <stdlib.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "auth/credential.h"
#include "auth/sign.h"
#include "base/str.h"

#define PATH_MAX_BYTES 8192
#define TARGET_MAX_BYTES 32768 /* with a query: free/busy names many people */

static const char *mode_token(oc_identity_mode_t mode)
{
    return mode == OC_IDENTITY_DEVICE ? "device" : "service";
}

oc_identity_t *oc_identity_account(oc_call_t *call, oc_identity_mode_t mode,
                                   const oc_credential_t *credential)
{
    oc_identity_t *id;

    if (!credential->password) {
        oc_result_fail(&call->result, OC_REASON_MISCONFIGURED,
                       "the password of the credential %s could not be read at the last start",
                       credential->name);
        return NULL;
    }
    id = oc_identity_basic(call, credential->upstream, credential->user, credential->password);
    if (!id) {
        return NULL;
    }
    id->mode = mode;
    id->credential = credential;
    /* The rest holds the way of signing in, the user and the password's HMAC. */
    id->key = apr_pstrcat(call->pool, mode_token(mode), ":", credential->name, ":", id->key, NULL);
    return id;
}

void oc_account_describe(const oc_identity_t *id, apr_table_t *facts)
{
    apr_table_setn(facts, "mode", mode_token(id->mode));
    apr_table_set(facts, "credential", id->credential->name);
    apr_table_setn(facts, "upstream", id->scheme->name);
    apr_table_set(facts, "user", id->user);
}

/* ---- paths ---- */

/* "/a/b/" of the first `len` bytes of an encoded path: decoded, in lower case, a slash at its end;
 * NULL if it can be read in more than one way. */
static const char *plain(apr_pool_t *pool, const char *path, apr_size_t len)
{
    const char *decoded, *p;

    if (len == 0 || len > PATH_MAX_BYTES || path[0] != '/') {
        return NULL;
    }
    for (apr_size_t i = 0; i < len; ++i) {
        if ((unsigned char)path[i] <= 0x20 || (unsigned char)path[i] >= 0x7f
            || strchr("\\#?", path[i])) {
            return NULL;
        }
        if (path[i] == '%' && len - i > 2
            && (strncasecmp(path + i, "%2f", 3) == 0 || strncasecmp(path + i, "%5c", 3) == 0)) {
            return NULL;
        }
    }
    decoded = oc_str_unescape(pool, path, len);
    if (!decoded || oc_str_control(decoded, "") || !oc_str_utf8(decoded, strlen(decoded))) {
        return NULL;
    }
    for (p = strchr(decoded, '%'); p; p = strchr(p + 1, '%')) {
        if (p[1] == 'u' || p[1] == 'U' || (apr_isxdigit(p[1]) && apr_isxdigit(p[2]))) {
            return NULL; /* encoded twice, or it looks so */
        }
    }
    for (p = decoded; *p; p += strcspn(p, "/")) {
        apr_size_t n = strcspn(++p, "/");

        /* Windows leaves dots and blanks at the end of a name out: "..", "...", ". ." */
        if ((n == 0 && *p == '/') || (n > 0 && strspn(p, ". ") >= n)) {
            return NULL;
        }
    }
    return oc_str_lower(pool, decoded[strlen(decoded) - 1] == '/'
                                  ? decoded : apr_pstrcat(pool, decoded, "/", NULL));
}

void oc_identity_confine(oc_identity_t *id, const apr_array_header_t *paths, const char *reading)
{
    apr_pool_t *pool = id->call->pool;

    id->confined = apr_array_make(pool, paths->nelts, sizeof(const char *));
    for (int i = 0; i < paths->nelts; ++i) {
        const char *path = APR_ARRAY_IDX(paths, i, const char *);
        const char *root = plain(pool, path, strlen(path));

        if (root) { /* else nothing is below it */
            APR_ARRAY_PUSH(id->confined, const char *) = root;
        }
    }
    id->reading = reading ? plain(pool, reading, strlen(reading)) : NULL;
}

/* Both of plain(); path: NULL is below nothing. */
static int below(const char *path, const char *root)
{
    return path && root && strncmp(path, root, strlen(root)) == 0;
}

static int confined(const oc_identity_t *id, const char *path)
{
    for (int i = 0; i < id->confined->nelts; ++i) {
        if (below(path, APR_ARRAY_IDX(id->confined, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

/* ---- what an exchange does ---- */

static int one_of(const char *word, const char *const *list)
{
    for (; *list; ++list) {
        if (strcasecmp(word, *list) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A query that asks for data only. Some commands of the server's act although they come by GET
 * (accept, getcancel). */
static int harmless_query(apr_pool_t *pool, const char *query)
{
    static const char *const data[] = {"freebusy", "galfind", "gallookup", "viewmembers", NULL};
    const char *p = query, *key, *value;

    while (*p) {
        apr_size_t n = strcspn(p, "&;"), k = strcspn(p, "=&;");

        key = oc_str_unescape(pool, p, k);
        value = k < n ? oc_str_unescape(pool, p + k + 1, n - k - 1) : "";
        if (!key || !value || (strcasecmp(key, "cmd") == 0 && !one_of(value, data))) {
            return 0;
        }
        /* "?accept" alone, and a key that hides behind blanks, are not for guessing. */
        if (n > 0 && (k == n || oc_str_control(key, "") || strpbrk(key, " +%"))) {
            return 0;
        }
        p += n + (p[n] != '\0');
    }
    return 1;
}

static int only_reads(apr_pool_t *pool, const oc_exchange_t *x)
{
    static const char *const verbs[] = {"GET", "HEAD", "PROPFIND", "SEARCH", NULL};
    const char *query = strchr(x->path, '?');

    return !x->writes && one_of(x->method, verbs) && (!query || harmless_query(pool, query + 1));
}

/* The path of an absolute URL on that very site, or of one without a host; else NULL. */
static const char *path_on(const oc_site_t *site, const char *url)
{
    apr_size_t n = strlen(site->scheme), host = strlen(site->host);
    const char *p = url;
    char *end;
    long port = oc_scheme_port(site->scheme);

    if (p[0] == '/') {
        return p[1] == '/' ? NULL : p;
    }
    if (strncasecmp(p, site->scheme, n) != 0 || strncmp(p + n, "://", 3) != 0) {
        return NULL;
    }
    p += n + 3;
    if (strchr(site->host, ':')) { /* an IPv6 address */
        if (*p != '[' || strncasecmp(p + 1, site->host, host) != 0 || p[1 + host] != ']') {
            return NULL;
        }
        p += host + 2;
    } else if (strncasecmp(p, site->host, host) == 0) {
        p += host;
    } else {
        return NULL;
    }
    if (*p == ':') {
        if (!apr_isdigit(p[1])) {
            return NULL;
        }
        port = strtol(p + 1, &end, 10);
        p = end;
    }
    return port == site->port && *p == '/' ? p : NULL;
}

/* A header that names where something goes: a sentence, or NULL. */
static const char *goes_elsewhere(const oc_identity_t *id, const oc_exchange_t *x,
                                  const char *header)
{
    apr_pool_t *pool = id->call->pool;
    const char *to = apr_table_get(x->headers, header), *path;
    const char *hash, *encoded = "";

    if (!to) {
        return NULL;
    }
    path = strlen(to) <= TARGET_MAX_BYTES ? path_on(x->site, to) : NULL;
    if (!path) {
        return "its destination is on no host or path that can be told";
    }
    /* The submission address may stand there raw, "##..##". Cut at a # it would still have to be in
     * the mailbox: no confined path holds one. */
    for (; (hash = strchr(path, '#')) != NULL; path = hash + 1) {
        encoded = apr_pstrcat(pool, encoded, apr_pstrmemdup(pool, path, (apr_size_t)(hash - path)),
                              "%23", NULL);
    }
    encoded = apr_pstrcat(pool, encoded, path, NULL);
    return confined(id, plain(pool, encoded, strlen(encoded))) ? NULL
                                                        : "its destination is in another mailbox";
}

static const char *inner_forbids(const oc_identity_t *id, const oc_exchange_t *x)
{
    /* Others act on what their body names: BMOVE, BPROPPATCH, SUBSCRIBE. */
    static const char *const verbs[] = {"GET", "HEAD", "POST", "PUT", "PROPFIND", "PROPPATCH",
                                        "SEARCH", "MOVE", "COPY", "DELETE", "MKCOL", NULL};
    apr_pool_t *pool = id->call->pool;
    const char *why, *path;

    if (!id->confined) {
        return "it was not said which mailboxes it may act in";
    }
    if (!one_of(x->method, verbs) || strlen(x->path) > TARGET_MAX_BYTES || strchr(x->path, '#')
        || oc_str_control(x->path, "")) {
        return "no request of a known shape";
    }
    if ((why = goes_elsewhere(id, x, "Destination")) != NULL
        || (why = goes_elsewhere(id, x, "Savedestination")) != NULL) {
        return why;
    }
    path = plain(pool, x->path, strcspn(x->path, "?"));
    if (confined(id, path)) {
        return NULL;
    }
    if (!below(path, id->reading)) {
        return "another mailbox, or no mailbox at all";
    }
    return only_reads(pool, x) && !apr_table_get(x->headers, "Destination")
               ? NULL : "there it may only read";
}

const char *oc_account_forbids(const oc_identity_t *id, const oc_exchange_t *x, oc_role_t role)
{
    if (id->mode != OC_IDENTITY_SERVICE && id->mode != OC_IDENTITY_DEVICE && !id->confined) {
        return NULL;
    }
    switch (role) {
    case OC_ROLE_LOGON:
        return NULL;
    case OC_ROLE_PROBE:
        return id->home && strcmp(x->path, id->home) == 0 && strcmp(x->method, "PROPFIND") == 0
                   ? NULL : inner_forbids(id, x);
    case OC_ROLE_INNER:
        break;
    }
    return inner_forbids(id, x);
}
