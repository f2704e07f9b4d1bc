/* words.c - words of the configuration and of requests. */
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "base/exchange.h"
#include "base/str.h"
#include "wire/words.h"

const char *oc_words_host(apr_pool_t *pool, const char *text, int port_default, const char **host,
                          int *port)
{
    char *h = NULL, *scope = NULL;
    apr_port_t p = 0;
    const char *c;

    if (apr_parse_addr_port(&h, &scope, &p, text, pool) != APR_SUCCESS || !h || scope) {
        return "a host or host:port is wanted";
    }
    for (c = h; *c; ++c) {
        if (!apr_isalnum(*c) && !strchr(".-:_", *c)) {
            return "a host's name is made of letters, digits, \".\" and \"-\"";
        }
    }
    if (strchr(h, ':') && text[0] != '[') { /* "h:x": a port that is none was left on the name */
        return "a port is a number from 1 to 65535, and an IPv6 address stands in brackets";
    }
    *host = oc_str_lower(pool, h);
    *port = p ? p : port_default;
    return NULL;
}

int oc_words_name_ok(const char *text)
{
    size_t i;

    for (i = 0; text[i]; ++i) {
        if (!apr_isalnum(text[i]) && !strchr("._-", text[i])) {
            return 0;
        }
    }
    return i > 0 && i <= 64;
}

int oc_words_path_ok(const char *path)
{
    const char *p;

    if (path[0] != '/' || strlen(path) > 1000) {
        return 0;
    }
    for (p = path; *p; ++p) {
        if ((unsigned char)*p <= 0x20 || *p == 0x7f || strchr("\\?#%", *p)) {
            return 0;
        }
        if (*p == '/') {
            size_t n = strcspn(p + 1, "/");
            if ((n == 0 && p[1] == '/') || (n == 1 && p[1] == '.')
                || (n == 2 && p[1] == '.' && p[2] == '.')) {
                return 0;
            }
        }
    }
    return 1;
}

const char *oc_words_origin(apr_pool_t *pool, const char *text)
{
    const char *scheme, *host;
    apr_uri_t uri;
    int port;

    if (apr_uri_parse(pool, text, &uri) != APR_SUCCESS || !uri.scheme || !uri.hostinfo || uri.user
        || uri.password || uri.query || uri.fragment || (uri.path && strcmp(uri.path, "/") != 0)
        || (strcasecmp(uri.scheme, "http") && strcasecmp(uri.scheme, "https"))) {
        return NULL;
    }
    scheme = oc_str_lower(pool, uri.scheme);
    /* Not uri.hostname and uri.port: they come without brackets, unchecked, and cut to 16 bits. */
    if (oc_words_host(pool, uri.hostinfo, oc_scheme_port(scheme), &host, &port)) {
        return NULL;
    }
    return oc_site_origin(pool, &(oc_site_t){.scheme = scheme, .host = host, .port = port});
}

const char *oc_words_person_expr(apr_pool_t *pool, const char *text)
{
    static const char *const functions[] = { "tolower", "toupper", NULL };
    const char *p;

    /* Everything that can read the request, the environment or a file is left out by naming what is
     * allowed, not what is not. */
    for (p = strchr(text, '%'); p; p = strchr(p + 1, '%')) {
        const char *end;
        if (p[1] != '{') {
            continue;
        }
        end = strchr(p, '}');
        if (!end || (strncmp(p, "%{REMOTE_USER}", 14) != 0)) {
            return apr_psprintf(pool,
                                "\"%.*s\" is not allowed: the mailbox may depend on the verified "
                                "user only, %%{REMOTE_USER}",
                                end ? (int)(end - p) + 1 : 40, p);
        }
    }
    for (p = strchr(text, '('); p; p = strchr(p + 1, '(')) {
        const char *word = p;
        int i, ok = 0;
        while (word > text && (apr_isalnum(word[-1]) || word[-1] == '_')) {
            --word;
        }
        for (i = 0; functions[i]; ++i) {
            ok |= strlen(functions[i]) == (size_t)(p - word)
                  && strncmp(functions[i], word, (size_t)(p - word)) == 0;
        }
        if (word != p && !ok) {
            return apr_psprintf(pool,
                                "the function \"%.*s\" is not allowed: tolower and toupper are",
                                (int)(p - word), word);
        }
    }
    return NULL;
}

/* Dots removed as RFC 3986 §5.2.4 does; NULL if the path climbs above the root. */
static const char *without_dots(apr_pool_t *pool, const char *path)
{
    apr_array_header_t *stack = apr_array_make(pool, 16, sizeof(const char *));
    const char *p = path + 1, *out = "";
    int i;

    for (;;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            if (!apr_array_pop(stack)) {
                return NULL;
            }
        } else if (!(n == 1 && p[0] == '.')) {
            APR_ARRAY_PUSH(stack, const char *) = apr_pstrmemdup(pool, p, n);
        }
        if (!p[n]) {
            break;
        }
        p += n + 1;
    }
    for (i = 0; i < stack->nelts; ++i) {
        out = apr_pstrcat(pool, out, "/", APR_ARRAY_IDX(stack, i, const char *), NULL);
    }
    return *out ? out : "/";
}

const char *oc_words_return(apr_pool_t *pool, const char *target,
                            const apr_array_header_t *prefixes)
{
    const char *path, *lower;
    size_t n;
    int i;

    n = strlen(target);
    if (n == 0 || n > 2000 || target[0] != '/' || target[1] == '/' || target[1] == '\\'
        || oc_str_control(target, "") || strpbrk(target, " \\#")) {
        return NULL;
    }
    lower = oc_str_lower(pool, target);
    if (strstr(lower, "%5c") || strstr(lower, "%2f")) {
        return NULL; /* what looks like one segment to us could be two to somebody else */
    }
    path = oc_str_unescape(pool, target, strcspn(target, "?"));
    if (!path || oc_str_control(path, "") || !oc_str_utf8(path, strlen(path))
        || strstr(path, "//") || strchr(path, '\\') || !(path = without_dots(pool, path))) {
        return NULL;
    }
    for (i = 0; prefixes && i < prefixes->nelts; ++i) {
        const char *prefix = APR_ARRAY_IDX(prefixes, i, const char *);
        size_t len = strlen(prefix);
        if (strncmp(path, prefix, len) == 0 && (path[len] == '\0' || path[len] == '/')) {
            return target;
        }
    }
    return NULL;
}
