/* Whose connection is this? */
#include <apr_general.h>

#include "tap.h"
#include "net/owner.h"

int main(void)
{
    oc_owner_t *owners;
    int i, wrong = 0;
    char name[32];

    apr_initialize();
    owners = oc_owner_create();
    is_int(oc_owner_check(owners, "1", "ana"), OC_OWNER_UNKNOWN, "nobody's yet");
    oc_owner_opened(owners, 7, "ana");
    is_int(oc_owner_check(owners, "1", "ana"), OC_OWNER_UNKNOWN, "opened, not named");
    is_int(oc_owner_named(owners, 7, "ben", "1"), APR_EINVAL, "ben may not name ana's socket");
    is_int(oc_owner_named(owners, 8, "ana", "1"), APR_EINVAL, "nor ana one that is not open");
    is_int(oc_owner_named(owners, 7, "ana", "1"), APR_SUCCESS, "ana may");
    is_int(oc_owner_named(owners, 7, "ana", "2"), APR_EINVAL, "once");
    is_int(oc_owner_check(owners, "1", "ana"), OC_OWNER_SAME, "ana's");
    is_int(oc_owner_check(owners, "1", "an"), OC_OWNER_OTHER, "not an's");
    oc_owner_opened(owners, 200, "ben");
    is_int(oc_owner_named(owners, 200, "ben", "1"), APR_EINVAL, "a name that is taken");
    is_int(oc_owner_count(owners), 2, "two sockets");
    oc_owner_closed(owners, 7);
    oc_owner_closed(owners, 7);
    oc_owner_closed(owners, -1);
    oc_owner_closed(owners, 100000);
    is_int(oc_owner_count(owners), 1, "closed once");
    is_int(oc_owner_check(owners, "1", "ana"), OC_OWNER_UNKNOWN, "what is closed is forgotten");
    is_int(oc_owner_named(owners, 200, "ben", "1"), APR_SUCCESS, "the address may come again");
    is_int(oc_owner_check(owners, "1", "ana"), OC_OWNER_OTHER, "for somebody else");
    oc_owner_opened(owners, 200, "eva");
    ok(oc_owner_check(owners, "1", "ben") == OC_OWNER_UNKNOWN && oc_owner_count(owners) == 1,
       "a descriptor that comes again without having been closed is a new socket");
    is_int(oc_owner_opened(owners, -1, "ana"), APR_EINVAL, "no descriptor");
    for (i = 0; i < 3000; ++i) {
        snprintf(name, sizeof(name), "n%d", i);
        wrong += oc_owner_opened(owners, i, i % 2 ? "ana" : "ben") != APR_SUCCESS ||
                 oc_owner_named(owners, i, i % 2 ? "ana" : "ben", name) != APR_SUCCESS;
    }
    for (i = 0; i < 3000; ++i) {
        snprintf(name, sizeof(name), "n%d", i);
        wrong += oc_owner_check(owners, name, "ana") != (i % 2 ? OC_OWNER_SAME : OC_OWNER_OTHER);
    }
    is_int(wrong, 0, "three thousand of them");
    oc_owner_destroy(owners);
    apr_terminate();
    return done_testing();
}
