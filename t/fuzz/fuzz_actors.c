/* A file of who may act for whom, and after a zero byte one of groups: nobody whom neither names
 * may act for anybody, and a mailbox that somebody may act in is one segment of a path. */
#include "fuzz.h"
#include "auth/credential.h"

static int named(const char *text, const char *word)
{
    return text && strcasestr(text, word) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const bad[] = {"..", ".", "a/b", "a\\b", "a%2fb", "a?b", "a#b", ""};
    const char *error = NULL, *file, *groups = NULL;
    oc_actors_t *actors;
    apr_pool_t *pool;
    size_t n;

    apr_pool_create(&pool, NULL);
    file = apr_pstrmemdup(pool, (const char *)data, size);
    n = strlen(file);
    if (n < size) {
        groups = apr_pstrmemdup(pool, (const char *)data + n + 1, size - n - 1);
    }
    actors = oc_actors_parse(pool, file, groups, &error);
    must((actors == NULL) == (error != NULL));
    if (actors) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
            must(!oc_actors_may(actors, "ana", NULL, bad[i]));
        }
        if (oc_actors_may(actors, "ana", NULL, "boss")) {
            must(named(file, "boss") && (named(file, "ana") || named(groups, "ana")));
        }
        must(!oc_actors_may(actors, "@staff", NULL, "boss"));
        must(!oc_actors_may(actors, "", NULL, "boss"));
    }
    apr_pool_destroy(pool);
    return 0;
}
