/* owa.c - the Exchange 2000/2003 backend: its vtable, item names and uids, paths and hosts. */
#include <stdlib.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "backend/owa2003/hint.h"
#include "backend/owa2003/owa.h"
#include "base/str.h"

/* ---- names ---- */

/* An item's name is our own to choose; a name taken means that item would be changed. So it comes
 * from the seed, and items are created with If-None-Match. */
static oc_itemref_t item_of(const oc_backend_t *be, apr_pool_t *pool, const unsigned char seed[32])
{
    (void)be;
    return apr_pstrcat(pool, "oc-", oc_str_hex(pool, seed, 16), ".EML", NULL);
}

/* A uid has the form of Outlook's global object id (MS-OXOCAL): a fixed head, no exception date, a
 * creation time (none: it must not change when the same request is repeated), 8 zero bytes, the
 * length 16, and 16 bytes of our own. Outlook matches updates by the binary form, OWA by this text.
 */
static const char *uid_of(const oc_backend_t *be, apr_pool_t *pool, const unsigned char seed[32])
{
    (void)be;
    return apr_pstrcat(pool, "040000008200E00074C5B7101A82E008", "00000000", "0000000000000000",
                       "0000000000000000", "10000000",
                       oc_str_upper(pool, oc_str_hex(pool, seed + 16, 16)), NULL);
}

static const char *home(const oc_backend_t *be, apr_pool_t *pool, const char *mailbox)
{
    return apr_pstrcat(pool, be->conf->path, oc_str_segment(pool, mailbox), "/", NULL);
}

/* A reference is an item's name as it stands in a URL: one encoded segment, in our own spelling. */
static int item_ok(const oc_backend_t *be, const char *item)
{
    apr_pool_t *pool;
    const char *plain;
    int ok = 0;

    (void)be;
    if (!*item || strlen(item) > 1024 || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    plain = oc_str_unescape(pool, item, strlen(item));
    ok = plain && *plain && oc_str_utf8(plain, strlen(plain)) && !oc_str_control(plain, "")
         && !strpbrk(plain, "/\\?") && strcmp(plain, ".") && strcmp(plain, "..")
         && !strcmp(oc_str_segment(pool, plain), item);
    apr_pool_destroy(pool);
    return ok;
}

oc_itemref_t owa_message_item(apr_pool_t *pool, oc_itemref_t item, const char *kind)
{
    const char *dot = strrchr(item, '.');
    apr_size_t n = dot ? (apr_size_t)(dot - item) : strlen(item);

    /* The names of others' items may be long; their end tells them apart as well as their start. */
    if (n > 200) {
        item += n - 200;
        n = 200;
        while (n > 0 && strspn(item, "%0123456789ABCDEFabcdef") >= 1 && *item != '%') {
            ++item; /* not into the middle of an escape */
            --n;
        }
    }
    return apr_psprintf(pool, "%.*s-%s.EML", (int)n, item, kind);
}

const char *owa_goid(apr_pool_t *pool, const char *uid)
{
    apr_size_t len = strlen(uid), i;
    unsigned char *bytes;

    if (len < 80 || len % 2 || len > 1024 || strncasecmp(uid, "040000008200E000", 16)) {
        return NULL;
    }
    bytes = apr_palloc(pool, len / 2);
    for (i = 0; i < len; ++i) {
        int c = apr_tolower(uid[i]);
        if (!apr_isxdigit(c)) {
            return NULL;
        }
        c = apr_isdigit(c) ? c - '0' : c - 'a' + 10;
        bytes[i / 2] = (unsigned char)(i % 2 ? bytes[i / 2] | c : c << 4);
    }
    return oc_dav_value_binary(pool, bytes, len / 2);
}

/* ---- paths ---- */

const char *owa_item_path(apr_pool_t *pool, const char *folder, oc_itemref_t item)
{
    return apr_pstrcat(pool, folder, item, NULL);
}

static const char *decoded(apr_pool_t *pool, const char *path)
{
    const char *plain = oc_str_unescape(pool, path, strlen(path));

    return plain ? plain : "\1"; /* equal to nothing */
}

/* The rest of `path` behind `folder`, or NULL. */
static const char *behind(apr_pool_t *pool, const char *folder, const char *path)
{
    const char *head = decoded(pool, folder);
    apr_size_t n = strlen(head);

    return !strncasecmp(path, head, n) && path[n] ? path + n : NULL;
}

int owa_path_below(apr_pool_t *pool, const char *folder, const char *path)
{
    return behind(pool, folder, path) != NULL;
}

oc_itemref_t owa_item_in(apr_pool_t *pool, const char *folder, const char *path)
{
    const char *name = behind(pool, folder, path);
    const char *item = name && !strchr(name, '/') ? oc_str_segment(pool, name) : NULL;

    return item && item_ok(NULL, item) ? item : NULL;
}

int owa_path_same(apr_pool_t *pool, const char *a, const char *b)
{
    apr_size_t m, n;

    a = decoded(pool, a);
    b = decoded(pool, b);
    m = strlen(a);
    n = strlen(b);
    m -= m > 1 && a[m - 1] == '/';
    n -= n > 1 && b[n - 1] == '/';
    return m == n && !strncasecmp(a, b, n);
}

const char *owa_url(apr_pool_t *pool, const oc_site_t *site, const char *path)
{
    return apr_pstrcat(pool, oc_site_origin(pool, site), path, NULL);
}

const oc_site_t *owa_site(const oc_backend_t *be, const char *scheme, const char *host,
                          const oc_site_t *otherwise)
{
    const oc_site_t *by_name = NULL;
    const char *colon;
    apr_size_t n;
    int port, i, others = be->conf->also ? be->conf->also->nelts : 0;

    if (!host) {
        return otherwise;
    }
    colon = strrchr(host, ':');
    if (colon && strchr(colon, ']')) {
        colon = NULL; /* an IPv6 address without port */
    }
    n = colon ? (apr_size_t)(colon - host) : strlen(host);
    port = colon ? atoi(colon + 1) : oc_scheme_port(scheme);
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        ++host;
        n -= 2;
    }
    for (i = -1; i < others; ++i) {
        const oc_site_t *s = i < 0 ? be->conf->site
                                   : APR_ARRAY_IDX(be->conf->also, i, const oc_site_t *);
        if (strlen(s->host) != n || strncasecmp(s->host, host, n)) {
            continue;
        }
        if (!strcmp(s->scheme, scheme) && (s->port ? s->port : oc_scheme_port(s->scheme)) == port) {
            return s;
        }
        by_name = by_name ? by_name : s;
    }
    return by_name;
}

/* The welcome page names the mailbox's root as its base. Host names are as the server thinks it is
 * called; the path is what counts. */
static const char *whose(const oc_backend_t *be, apr_pool_t *pool, const char *page, apr_size_t len)
{
    const char *scheme, *host, *base = owa_base(pool, page, len);
    const char *path = base ? oc_dav_url_path(pool, base, &scheme, &host) : NULL;
    const char *name = path ? behind(pool, be->conf->path, decoded(pool, path)) : NULL;
    apr_size_t n = name ? strcspn(name, "/") : 0;

    if (n == 0 || n > 254 || (name[n] == '/' && name[n + 1]) || strpbrk(name, "\\?#%")
        || strstr(name, "..") || oc_str_control(name, "") || !oc_str_utf8(name, strlen(name))) {
        return NULL;
    }
    name = apr_pstrmemdup(pool, name, n);
    return strcmp(name, ".") && !strpbrk(name, " \"'<>:;*|,") ? name : NULL;
}

/* ---- the vtable ---- */

const oc_backend_vtable_t owa2003_vtable = {
    .kind = "owa2003",
    .item_of = item_of,
    .home = home,
    .whose = whose,
    .uid_of = uid_of,
    .item_ok = item_ok,
    .freebusy = owa_freebusy,
    .list = owa_list,
    .people = owa_people,
    .read = owa_read,
    .create = owa_create,
    .invite = owa_invite,
    .evidence = owa_evidence,
    .update = owa_update,
    .cancel = owa_cancel,
    .remove = owa_remove,
    .probe = owa_probe,
    .look = owa_look,
};
