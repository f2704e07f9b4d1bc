/* call.c - a call in a pool of its own. */
#include <pthread.h>
#include <stdio.h>
#include <apr_allocator.h>
#include <apr_strings.h>

#include "base/call.h"
#include "base/crypto.h"

#define SPARE_MAX   64          /* allocators kept for the next calls */
#define SPARE_BYTES (64 * 1024) /* memory kept with each of them */

/* Debian's APR maps an allocator's blocks one by one: to give them back after every call would cost
 * an interruption of all threads of the process (TLB shootdown) for each, which was the largest
 * single cost of a short operation. */
static apr_allocator_t *spare[SPARE_MAX];
static int spares;
static pthread_mutex_t spare_mutex = PTHREAD_MUTEX_INITIALIZER;

static apr_allocator_t *take_allocator(void)
{
    apr_allocator_t *allocator = NULL;

    pthread_mutex_lock(&spare_mutex);
    if (spares > 0) {
        allocator = spare[--spares];
    }
    pthread_mutex_unlock(&spare_mutex);
    if (!allocator && apr_allocator_create(&allocator) == APR_SUCCESS) {
        apr_allocator_max_free_set(allocator, SPARE_BYTES);
    }
    return allocator;
}

/* Nothing of it is in use any more. */
static void keep_allocator(apr_allocator_t *allocator)
{
    pthread_mutex_lock(&spare_mutex);
    if (spares < SPARE_MAX) {
        spare[spares++] = allocator;
        allocator = NULL;
    }
    pthread_mutex_unlock(&spare_mutex);
    if (allocator) {
        apr_allocator_destroy(allocator);
    }
}

oc_call_t *oc_call_create(const char *user, const char *mailbox, const char *identity)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool = NULL;
    oc_call_t *call;
    unsigned char id[8];
    int i;

    if (oc_crypto_random(id, sizeof(id)) != APR_SUCCESS || !(allocator = take_allocator())) {
        return NULL;
    }
    /* Unmanaged, because its parent would belong to one thread and it travels between several; an
     * own allocator without a mutex, because it is owned by one thread at a time. */
    if (apr_pool_create_unmanaged_ex(&pool, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    call = apr_pcalloc(pool, sizeof(*call));
    call->pool = pool;
    for (i = 0; i < 8; ++i) {
        snprintf(call->id + 2 * i, 3, "%02x", id[i]);
    }
    apr_pool_tag(pool, call->id);
    call->user = user ? apr_pstrdup(pool, user) : NULL;
    call->mailbox = mailbox ? apr_pstrdup(pool, mailbox) : NULL;
    call->identity = identity ? apr_pstrdup(pool, identity) : NULL;
    oc_result_init(&call->result, pool);
    return call;
}

void oc_call_destroy(oc_call_t *call)
{
    apr_allocator_t *allocator = apr_pool_allocator_get(call->pool);

    apr_allocator_owner_set(allocator, NULL); /* it outlives the pool */
    apr_pool_destroy(call->pool);
    keep_allocator(allocator);
}
