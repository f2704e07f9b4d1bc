/* Any page in which an item may be named; the first byte chooses HTML or XML. */
#include "fuzz.h"
#include "backend/owa2003/hint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_array_header_t *hints;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    if (size > 0) {
        hints = owa_hints(pool, (const char *)data + 1, size - 1, data[0] == 'x');
        must(hints->nelts <= 8);
        for (int i = 0; i < hints->nelts; i++) {
            const char *hint = APR_ARRAY_IDX(hints, i, const char *);
            must(*hint && strlen(hint) <= 4096);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
