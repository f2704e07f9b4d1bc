/* memo.c - a bounded table of malloc'ed entries under one mutex, the longest unused giving way. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <apr_hash.h>
#include <apr_ring.h>
#include <apr_strings.h>

#include "base/memo.h"

#define VALUE_MAX 65536 /* bytes of one value: a memo is for short facts */

typedef struct entry_t entry_t;
struct entry_t {
    APR_RING_ENTRY(entry_t) link; /* by use, newest first */
    char *key;                    /* identity NUL kind NUL name NUL */
    apr_ssize_t keylen;
    apr_ssize_t kindlen; /* up to and with the NUL after kind */
    char *value;
    oc_mono_t expires;
};

APR_RING_HEAD(entry_ring_t, entry_t);

struct oc_memo_t {
    pthread_mutex_t mutex;
    apr_hash_t *table;
    struct entry_ring_t ring;
    int count, max;
};

static char *make_key(const char *identity, const char *kind, const char *name, apr_ssize_t *len,
                      apr_ssize_t *kindlen)
{
    size_t a = strlen(identity) + 1, b = strlen(kind) + 1, c = name ? strlen(name) + 1 : 0;
    char *key = malloc(a + b + c + 1);

    if (key) {
        memcpy(key, identity, a);
        memcpy(key + a, kind, b);
        memcpy(key + a + b, name ? name : "", c);
        *len = (apr_ssize_t)(a + b + c);
        *kindlen = (apr_ssize_t)(a + b);
    }
    return key;
}

static void drop(oc_memo_t *memo, entry_t *e)
{
    apr_hash_set(memo->table, e->key, e->keylen, NULL);
    APR_RING_REMOVE(e, link);
    --memo->count;
    free(e->key);
    free(e->value);
    free(e);
}

static apr_status_t cleanup(void *data)
{
    oc_memo_t *memo = data;

    while (!APR_RING_EMPTY(&memo->ring, entry_t, link)) {
        drop(memo, APR_RING_FIRST(&memo->ring));
    }
    pthread_mutex_destroy(&memo->mutex);
    return APR_SUCCESS;
}

oc_memo_t *oc_memo_create(apr_pool_t *pool, int max)
{
    oc_memo_t *memo = apr_pcalloc(pool, sizeof(*memo));

    pthread_mutex_init(&memo->mutex, NULL);
    memo->table =
        apr_hash_make(pool); /* reuses the nodes of removed keys: it does not grow past max */
    APR_RING_INIT(&memo->ring, entry_t, link);
    memo->max = max > 0 ? max : 1;
    apr_pool_cleanup_register(pool, memo, cleanup, apr_pool_cleanup_null);
    return memo;
}

const char *oc_memo_get(oc_memo_t *memo, apr_pool_t *pool, const char *identity, const char *kind,
                        const char *name)
{
    apr_ssize_t len, kindlen;
    const char *value = NULL;
    entry_t *e;
    char *key;

    if (!memo || !(key = make_key(identity, kind, name, &len, &kindlen))) {
        return NULL;
    }
    pthread_mutex_lock(&memo->mutex);
    e = apr_hash_get(memo->table, key, len);
    if (e && e->expires <= oc_clock_mono()) {
        drop(memo, e);
    } else if (e) {
        APR_RING_REMOVE(e, link);
        APR_RING_INSERT_HEAD(&memo->ring, e, entry_t, link);
        value = apr_pstrdup(pool, e->value);
    }
    pthread_mutex_unlock(&memo->mutex);
    free(key);
    return value;
}

void oc_memo_put(oc_memo_t *memo, const char *identity, const char *kind, const char *name,
                 const char *value, apr_time_t ttl)
{
    entry_t *e, *old;

    if (!memo || strlen(value) > VALUE_MAX || !(e = calloc(1, sizeof(*e)))) {
        return;
    }
    e->key = make_key(identity, kind, name, &e->keylen, &e->kindlen);
    e->value = strdup(value);
    if (!e->key || !e->value) {
        free(e->key);
        free(e->value);
        free(e);
        return; /* not remembering is always allowed */
    }
    e->expires = oc_clock_mono() + ttl;
    pthread_mutex_lock(&memo->mutex);
    if ((old = apr_hash_get(memo->table, e->key, e->keylen)) != NULL) {
        drop(memo, old);
    } else if (memo->count >= memo->max) {
        drop(memo, APR_RING_LAST(&memo->ring));
    }
    apr_hash_set(memo->table, e->key, e->keylen, e);
    APR_RING_INSERT_HEAD(&memo->ring, e, entry_t, link);
    ++memo->count;
    pthread_mutex_unlock(&memo->mutex);
}

void oc_memo_forget(oc_memo_t *memo, const char *identity, const char *kind, const char *name)
{
    apr_ssize_t len, kindlen;
    entry_t *e, *next;
    char *key;

    if (!memo || !(key = make_key(identity, kind, name, &len, &kindlen))) {
        return;
    }
    pthread_mutex_lock(&memo->mutex);
    for (e = APR_RING_FIRST(&memo->ring); e != APR_RING_SENTINEL(&memo->ring, entry_t, link);
         e = next) {
        next = APR_RING_NEXT(e, link);
        if (e->kindlen == kindlen && memcmp(e->key, key, (size_t)kindlen) == 0 &&
            (!name || (e->keylen == len && memcmp(e->key, key, (size_t)len) == 0))) {
            drop(memo, e);
        }
    }
    pthread_mutex_unlock(&memo->mutex);
    free(key);
}
