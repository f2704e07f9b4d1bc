/* reference.h - character references in the attribute values of a page. No I/O; any thread. */
#ifndef OC_WIRE_REFERENCE_H
#define OC_WIRE_REFERENCE_H

#include <apr_pools.h>

/* `value` with its references resolved, in the pool: the five names that XML knows, and numbers,
 * which must end with a semicolon. What is none of these stays as it is; a number that stands for
 * no character gives U+FFFD. */
const char *oc_reference_text(apr_pool_t *pool, const char *value);

#endif
