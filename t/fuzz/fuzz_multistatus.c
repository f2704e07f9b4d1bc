/* A multistatus of any kind, in blocks of any size, into rows and bookings. The first byte is the
 * size of the blocks. */
#include "fuzz.h"
#include "backend/owa2003/owa.h"

static apr_status_t on_row(void *baton, const oc_dav_row_t *row)
{
    const char *why;
    oc_booking_t *b = owa_booking(row->pool, row, "/exchange/ana/Calendar/", 1, &why);

    (void)baton;
    /* a reference made here must be one that is taken */
    must(!b || !b->item || owa2003_vtable.item_ok(NULL, b->item));
    must(row->path[0] == '/');
    return APR_SUCCESS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t step = size > 0 && data[0] ? data[0] : 1, i;
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *pool;
    oc_result_t res;
    oc_dav_t *d;

    apr_pool_create(&pool, NULL);
    oc_result_init(&res, pool);
    d = oc_dav_open(pool, &owa_schema, on_row, NULL);
    for (i = 1; i < size && rv == APR_SUCCESS; i += step) {
        rv = oc_dav_feed(d, (const char *)data + i, size - i < step ? size - i : step, &res);
    }
    if (rv == APR_SUCCESS) {
        rv = oc_dav_end(d, &res);
    }
    /* every failure has a reason, and only failures have one */
    must((rv == APR_SUCCESS) == (res.reason == OC_REASON_OK));
    apr_pool_destroy(pool);
    return 0;
}
