/* memo.h - a small bounded memory of things that are dear to ask for and slow to change (where a
 * mailbox keeps its folders, which forms logon is current).
 *
 * One per child process, any thread (a short lock inside, never held across anything slow). A key
 * is a list of strings and must begin with the identity key unless the fact is the same for
 * everybody: nothing of one person is found by another.
 */
#ifndef OC_BASE_MEMO_H
#define OC_BASE_MEMO_H

#include <apr_pools.h>
#include "base/clock.h"

typedef struct oc_memo_t oc_memo_t;

/* At most `max` entries; the one used longest ago gives way. Lives until its pool is destroyed. */
oc_memo_t *oc_memo_create(apr_pool_t *pool, int max);
/* A copy in `pool`, or NULL if unknown or older than the ttl it was put with. */
const char *oc_memo_get(oc_memo_t *memo, apr_pool_t *pool, const char *identity, const char *kind,
                        const char *name);
void oc_memo_put(oc_memo_t *memo, const char *identity, const char *kind, const char *name,
                 const char *value, apr_time_t ttl);
/* name NULL: everything of that identity and kind. */
void oc_memo_forget(oc_memo_t *memo, const char *identity, const char *kind, const char *name);

#endif
