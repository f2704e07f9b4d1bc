/* call.c - a call in a pool of its own. */
#include <stdio.h>
#include <apr_allocator.h>
#include <apr_strings.h>

#include "base/call.h"
#include "base/crypto.h"

oc_call_t *oc_call_create(const char *user, const char *mailbox, const char *identity)
{
    apr_allocator_t *allocator = NULL;
    apr_pool_t *pool = NULL;
    oc_call_t *call;
    unsigned char id[8];
    int i;

    if (oc_crypto_random(id, sizeof(id)) != APR_SUCCESS
        || apr_allocator_create(&allocator) != APR_SUCCESS) {
        return NULL;
    }
    /* Unmanaged, because its parent would belong to one thread and it travels between several; an own
     * allocator without a mutex, because it is owned by one thread at a time. */
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
