/* Any list of people: no address that is taken can end a header, begin another, or be two. */
#include "fuzz.h"
#include "cal/attendee.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_array_header_t *people, *again;
    apr_pool_t *pool;
    int bad = -1;

    apr_pool_create(&pool, NULL);
    people = oc_attendee_parse_list(pool, apr_pstrmemdup(pool, (const char *)data, size),
                                    OC_ROLE_OPTIONAL, &bad);
    must(people && bad >= 0);
    for (int i = 0; i < people->nelts; i++) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(people, i, oc_attendee_t);
        must(oc_attendee_address_ok(a->address) && strlen(a->address) <= 254);
        must(!strpbrk(a->address, "\r\n\t ,;<>\"") && !oc_str_control(a->address, ""));
        must(strchr(a->address, '@') == strrchr(a->address, '@'));
        must(!a->name || *a->name);
        must(a->role == OC_ROLE_OPTIONAL && oc_attendee_find(people, a->address));
        again = oc_attendee_parse_list(pool, a->address, OC_ROLE_REQUIRED, &bad);
        must(bad == 0 && again->nelts == 1);
        must(!strcmp(APR_ARRAY_IDX(again, 0, oc_attendee_t).address, a->address));
    }
    apr_pool_destroy(pool);
    return 0;
}
