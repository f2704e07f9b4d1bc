/* call.h - what every layer below an operation is handed.
 *
 * One call = one operation for one person. It lives in a pool with its own allocator, tagged with
 * the op id. Exactly one thread owns it at any time: the request thread until it submits, net's
 * loop thread until the job is done, then the request thread again; if the request has gone by
 * then, the loop thread destroys the call. Nothing in it points into a request's pool.
 */
#ifndef OC_BASE_CALL_H
#define OC_BASE_CALL_H

#include "base/result.h"
#include "base/memo.h"
#include "base/clock.h"
#include "base/log.h"

typedef struct oc_trace_t oc_trace_t; /* net/trace.h */

typedef struct oc_call_t {
    apr_pool_t *pool;
    char id[17];          /* op id: 16 hex digits; in every log line, page and problem */
    const char *user;     /* the signed-in person, canonical */
    const char *mailbox;  /* the acting person's mailbox: one unescaped path segment */
    const char *identity; /* identity key: principal + realm + credential generation; opaque */
    const char *language; /* for Accept-Language upstream; NULL */
    oc_memo_t *memo;      /* what is known already (folder URLs, ...); NULL = know nothing */
    oc_trace_t *trace;    /* NULL = not traced */
    oc_result_t result;
} oc_call_t;

/* A call in an own unmanaged pool with its own allocator; id is random. Strings are copied.
 * NULL: out of memory or of randomness. */
oc_call_t *oc_call_create(const char *user, const char *mailbox, const char *identity);

/* The end of a call and of everything in its pool, from the thread that owns it. A little memory is
 * kept for the calls to come; apr_pool_destroy(call->pool) ends a call as well, but keeps none. */
void oc_call_destroy(oc_call_t *call);

#endif
