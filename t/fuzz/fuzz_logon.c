/* Any reply to the logon form: its lines as cookies, its whole as a page. What is sent back as
 * Cookie is one header line, bounded, and holds what the logon's replies set, no more. */
#include "fuzz.h"
#include "auth/cookies.h"
#include "auth/sign.h"

static apr_table_t *headers_of(apr_pool_t *pool, char *lines)
{
    apr_table_t *headers = apr_table_make(pool, 8);
    char *line, *last;

    for (line = apr_strtok(lines, "\n", &last); line; line = apr_strtok(NULL, "\n", &last)) {
        apr_table_addn(headers, "Set-Cookie", line);
    }
    return headers;
}

static void check_header(apr_pool_t *pool, const oc_cookies_t *jar)
{
    const char *header = oc_cookies_header(jar, pool), *p;
    int pairs = 1;

    must((header == NULL) == (jar->count == 0) && jar->count <= OC_COOKIES_MAX);
    if (!header) {
        return;
    }
    must(oc_str_header_ok(header) && !strpbrk(header, "\r\n"));
    must(strlen(header) <= OC_COOKIES_MAX * (OC_COOKIES_MAX_BYTES + 3));
    for (p = header; (p = strchr(p, ';')); p++) {
        must(p[1] == ' ');
        pairs++;
    }
    must(pairs == jar->count);
    for (int i = 0; i < jar->count; i++) {
        must(!strncasecmp(jar->name[i], "sessionid", 9) || !strncasecmp(jar->name[i], "cadata", 6));
        must(*jar->value[i] && !strpbrk(jar->name[i], "=; \t"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oc_cookies_t jar = {0};
    apr_table_t *first, *second;
    apr_pool_t *pool;
    int before;

    apr_pool_create(&pool, NULL);
    first = headers_of(pool, apr_pstrmemdup(pool, (const char *)data, size / 2));
    second = headers_of(pool, apr_pstrmemdup(pool, (const char *)data + size / 2, size - size / 2));
    oc_cookies_take(&jar, first, 1);
    check_header(pool, &jar);
    before = jar.count;
    oc_cookies_take(&jar, second, 0);
    must(jar.count <= before); /* only our own logon brings new ones */
    check_header(pool, &jar);
    oc_cookies_removed(first);
    oc_cookies_drop(&jar);
    must(jar.count == 0);

    oc_forms_scheme.look((const char *)data, size);
    apr_pool_destroy(pool);
    return 0;
}
