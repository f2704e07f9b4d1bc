/* Any word of a request or of the configuration. The page to go back to is the one that matters:
 * what is taken stays on this host and below its prefix, whoever decodes it. */
#include "fuzz.h"
#include "wire/words.h"

#include <stdio.h>

/* The path of a target as a server sees it: decoded, then "." and ".." done with. Written apart
 * from what is tested, with a fixed stack of segments. NULL: it climbs above the root. */
static const char *seen_by_a_server(apr_pool_t *pool, const char *target)
{
    char *path = apr_pstrmemdup(pool, target, strcspn(target, "?")), *in, *out;
    const char *segments[2001], *seen = "";
    int depth = 0;

    for (in = out = path; *in; in++) {
        unsigned int c;
        if (*in == '%' && sscanf(in + 1, "%2x", &c) == 1) {
            *out++ = (char)c;
            in += 2;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    while (*path == '/') {
        char *end = path + 1 + strcspn(path + 1, "/");
        const char *segment = apr_pstrmemdup(pool, path + 1, (size_t)(end - path - 1));
        if (!strcmp(segment, "..")) {
            if (depth-- == 0) {
                return NULL;
            }
        } else if (strcmp(segment, ".")) {
            segments[depth++] = segment;
        }
        path = end;
    }
    for (int i = 0; i < depth; i++) {
        seen = apr_pstrcat(pool, seen, "/", segments[i], NULL);
    }
    return seen;
}

static void page_to_go_back_to(apr_pool_t *pool, const char *target)
{
    apr_array_header_t *prefixes = apr_array_make(pool, 2, sizeof(const char *));
    const char *kept, *seen;

    APR_ARRAY_PUSH(prefixes, const char *) = "/intranet";
    APR_ARRAY_PUSH(prefixes, const char *) = "/a/b";
    kept = oc_words_return(pool, target, prefixes);
    if (!kept) {
        return;
    }
    must(!strcmp(kept, target)); /* refused or left alone, never mended */
    must(kept[0] == '/' && kept[1] != '/' && kept[1] != '\\' && strlen(kept) <= 2000);
    must(oc_str_header_ok(kept) && !strpbrk(kept, "\t \\#"));
    seen = seen_by_a_server(pool, kept);
    must(seen && !oc_str_control(seen, "") && !strchr(seen, '\\'));
    must(!strcmp(seen, "/intranet") || !strncmp(seen, "/intranet/", 10) || !strcmp(seen, "/a/b") ||
         !strncmp(seen, "/a/b/", 5));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text, *origin, *host, *again, *p;
    apr_pool_t *pool;
    int port;

    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    page_to_go_back_to(pool, text);

    origin = oc_words_origin(pool, text);
    if (origin) {
        must(!strncmp(origin, "http://", 7) || !strncmp(origin, "https://", 8));
        must(oc_str_header_ok(origin) && !strpbrk(strstr(origin, "//") + 2, "/?#@ \t\\\"<>"));
        again = oc_words_origin(pool, origin);
        must(again && !strcmp(again, origin));
    }
    if (!oc_words_host(pool, text, 80, &host, &port)) {
        must(*host && !strpbrk(host, "/?#@ \t\r\n\\\"<>[]") && port > 0 && port < 65536);
    }
    if (oc_words_path_ok(text)) {
        must(*text == '/' && !strstr(text, "//") && !strstr(text, "/../") && !strpbrk(text, "\\%"));
    }
    if (oc_words_name_ok(text)) {
        must(!strpbrk(text, "/\\%\r\n \t\"'<>&") && strlen(text) <= 64);
    }
    if (!oc_words_person_expr(pool, text)) {
        for (p = text; (p = strstr(p, "%{")); p += 2) {
            must(!strncmp(p, "%{REMOTE_USER}", 14));
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
