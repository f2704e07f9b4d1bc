/* Whatever surrounds a secret, it does not come through the redactor. */
#include "fuzz.h"
#include "net/trace.h"

#define PLANTED "s3cr3tPlanted"

static void hides(apr_pool_t *pool, const char *type, const char *before, const char *planted,
                  const char *after)
{
    const char *body = apr_pstrcat(pool, before, planted, after, NULL);

    must(!strstr(oc_trace_redact_body(pool, type, body, strlen(body)), PLANTED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    const char *before, *after;

    apr_pool_create(&pool, NULL);
    before = apr_pstrmemdup(pool, (const char *)data, size / 2);
    after = apr_pstrmemdup(pool, (const char *)data + size / 2, size - size / 2);
    oc_trace_redact_body(pool, "text/html", (const char *)data, size); /* with NULs in it */
    oc_trace_redact_body(pool, "text/xml", (const char *)data, size);
    if (!strstr(before, PLANTED) && !strstr(after, PLANTED)) {
        hides(pool, "application/x-www-form-urlencoded", before, "&passw%6frd=" PLANTED "&", after);
        hides(pool, "text/html", before, "<input value=\"" PLANTED "\">", after);
        if (!strpbrk(before, "\"'")) { /* inside an attribute it is not an element */
            hides(pool, "text/xml", before, "><x:subject>" PLANTED "</x:subject>", after);
        }
        must(!strstr(oc_trace_redact_header(pool, "x-SET-cookie",
                                          apr_pstrcat(pool, before, PLANTED, after, NULL)),
                     PLANTED));
    }
    apr_pool_destroy(pool);
    return 0;
}
