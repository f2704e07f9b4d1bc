/* session.c - the bounded store of sessions: a hash table with an order of use. */
#include <stdlib.h>
#include <string.h>
#include <apr_hash.h>

#include "auth/session.h"
#include "base/str.h"

/* An unused session is forgotten after this long, a used one not believed for ever: the server
 * keeps a forms logon of a private computer for 24 hours, a day's work is shorter. */
#define IDLE_MAX apr_time_from_sec(15 * 60)
#define AGE_MAX apr_time_from_sec(8 * 3600)

struct oc_sessions_t {
    int max;
    unsigned made;
    int count; /* read by any thread */
    oc_session_t *newest, *oldest;
    unsigned buckets; /* a power of two */
    oc_session_t *bucket[];
};

oc_sessions_t *oc_session_store(int max)
{
    unsigned buckets = 16;
    oc_sessions_t *store;

    while (buckets < (unsigned)max && buckets < 65536) {
        buckets *= 2;
    }
    store = calloc(1, sizeof(*store) + buckets * sizeof(store->bucket[0]));
    if (store) {
        store->max = max > 0 ? max : 1;
        store->buckets = buckets;
    }
    return store;
}

static oc_session_t **bucket_of(oc_sessions_t *store, const char *key)
{
    apr_ssize_t len = APR_HASH_KEY_STRING;

    return &store->bucket[apr_hashfunc_default(key, &len) & (store->buckets - 1)];
}

static void count_by(oc_sessions_t *store, int n)
{
    __atomic_add_fetch(&store->count, n, __ATOMIC_RELAXED);
}

static void unlink_use(oc_sessions_t *store, oc_session_t *s)
{
    *(s->newer ? &s->newer->older : &store->newest) = s->older;
    *(s->older ? &s->older->newer : &store->oldest) = s->newer;
    s->newer = s->older = NULL;
}

static void link_newest(oc_sessions_t *store, oc_session_t *s)
{
    s->older = store->newest;
    s->newer = NULL;
    *(store->newest ? &store->newest->newer : &store->oldest) = s;
    store->newest = s;
}

static void discard(oc_sessions_t *store, oc_session_t *s)
{
    oc_session_t **at = bucket_of(store, s->key);

    while (*at != s) {
        at = &(*at)->chain;
    }
    *at = s->chain;
    unlink_use(store, s);
    count_by(store, -1);
    oc_cookies_drop(&s->cookies);
    free(s->probe_path);
    free(s->key);
    free(s);
}

void oc_session_store_free(oc_sessions_t *store)
{
    while (store->oldest) {
        discard(store, store->oldest);
    }
    free(store);
}

/* From the one unused longest on; a session in use is younger than any of these or stays. */
static void sweep(oc_sessions_t *store)
{
    oc_mono_t now = oc_clock_mono();
    oc_session_t *s = store->oldest, *next;

    for (; s && (store->count > store->max || now - s->used > IDLE_MAX); s = next) {
        next = s->newer;
        if (s->refs == 0) {
            discard(store, s);
        }
    }
}

oc_session_t *oc_session_hold(oc_sessions_t *store, const char *key)
{
    oc_session_t *s;
    oc_mono_t now = oc_clock_mono();

    for (s = *bucket_of(store, key); s && strcmp(s->key, key) != 0; s = s->chain) {
    }
    if (s && s->refs == 0 && (now - s->used > IDLE_MAX || now - s->born > AGE_MAX)) {
        discard(store, s);
        s = NULL;
    }
    if (s) {
        unlink_use(store, s);
    } else {
        s = calloc(1, sizeof(*s));
        if (!s || !(s->key = strdup(key))) {
            free(s);
            return NULL;
        }
        s->serial = ++store->made;
        s->born = now;
        s->chain = *bucket_of(store, key);
        *bucket_of(store, key) = s;
        count_by(store, 1);
    }
    link_newest(store, s);
    s->used = now;
    ++s->refs;
    sweep(store);
    return s;
}

void oc_session_release(oc_sessions_t *store, oc_session_t *s)
{
    s->used = oc_clock_mono();
    unlink_use(store, s);
    link_newest(store, s);
    --s->refs;
    sweep(store);
}

int oc_session_count(oc_sessions_t *store)
{
    return __atomic_load_n(&store->count, __ATOMIC_RELAXED);
}

void oc_session_probe_path(oc_session_t *s, const char *path)
{
    if (!s->probe_path) {
        s->probe_path = strdup(path);
    }
}
