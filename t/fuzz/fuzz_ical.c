/* Any message: its calendar part, and the attendees of its event. */
#include "fuzz.h"
#include "wire/ical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_array_header_t *people = NULL;
    apr_pool_t *pool;
    const char *text;
    int i;

    apr_pool_create(&pool, NULL);
    text = oc_ical_in_message(pool, (const char *)data, size);
    if (text) {
        people = oc_ical_attendees(pool, text, NULL);
    }
    for (i = 0; people && i < people->nelts; ++i) {
        must(oc_attendee_address_ok(APR_ARRAY_IDX(people, i, oc_attendee_t).address));
    }
    apr_pool_destroy(pool);
    return 0;
}
