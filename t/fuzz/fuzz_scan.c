/* The placeholder scanner on any page: offsets in order and within the page, bounds kept, and the
 * same events however the page is cut. The first two bytes say where. */
#include "fuzz.h"
#include "wire/scan.h"

typedef struct seen_t {
    apr_pool_t *pool;
    const char *text;
    apr_uint64_t size, last;
    int open, count;
} seen_t;

static void look(void *baton, const oc_scan_event_t *e)
{
    seen_t *seen = baton;

    must(e->at >= seen->last && e->at <= seen->size);
    must((e->what == OC_SCAN_BEGIN) == !seen->open);
    if (e->what == OC_SCAN_BEGIN) {
        must(e->element && e->kind && e->parameters && ++seen->count <= OC_SCAN_PLACEHOLDERS);
    } else {
        must(e->at - seen->last <= OC_SCAN_CONTENT);
    }
    seen->open = e->what == OC_SCAN_BEGIN;
    seen->last = e->at;
    seen->text = apr_psprintf(seen->pool, "%s %d %" APR_UINT64_T_FMT " %s", seen->text,
                              (int)e->what, e->at, e->kind ? e->kind : "");
}

static const char *events(apr_pool_t *pool, const char *page, size_t size, size_t cut, int xml)
{
    seen_t seen = {pool, "", size, 0, 0, 0};
    oc_scan_t *s = oc_scan_create(pool, xml, look, &seen);

    oc_scan_feed(s, page, cut);
    oc_scan_feed(s, page + cut, size - cut);
    oc_scan_end(s);
    must(!seen.open);
    return apr_psprintf(pool, "%s %u", seen.text, oc_scan_left(s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *page = (const char *)data + 2;
    apr_pool_t *pool;
    size_t cut;

    if (size < 2) {
        return 0;
    }
    cut = (size_t)(data[0] << 8 | data[1]);
    size -= 2;
    cut = size ? cut % (size + 1) : 0;
    apr_pool_create(&pool, NULL);
    for (int xml = 0; xml < 2; ++xml) {
        must(!strcmp(events(pool, page, size, size, xml), events(pool, page, size, cut, xml)));
    }
    apr_pool_destroy(pool);
    return 0;
}
