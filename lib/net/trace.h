/* trace.h - a bounded record of one operation's exchanges, redacted on entry.
 *
 * Written on failure or on demand (OwaCalTrace), replayable as a file of t/data/. Never contains:
 * Authorization, Proxy-Authorization, Cookie, Set-Cookie, WWW-Authenticate tokens, password fields
 * of a form body - matched without regard to case, from one list in trace.c. Owned by the thread
 * that owns the call.
 */
#ifndef OC_NET_TRACE_H
#define OC_NET_TRACE_H

#include "base/call.h"
#include "base/exchange.h"

/* At most max_bytes are kept; what does not fit is counted. */
oc_trace_t *oc_trace_create(apr_pool_t *pool, apr_size_t max_bytes);
void oc_trace_request(oc_trace_t *trace, const oc_exchange_t *x);
void oc_trace_reply(oc_trace_t *trace, const oc_exchange_t *x, const char *data, apr_size_t len);
void oc_trace_end(oc_trace_t *trace, const oc_exchange_t *x);
/* The whole record as text, for the log. */
const char *oc_trace_text(oc_trace_t *trace, apr_pool_t *pool);
/* The redactor alone (fuzzed): a copy of a header value or body with secrets replaced. */
const char *oc_trace_redact_header(apr_pool_t *pool, const char *name, const char *value);
const char *oc_trace_redact_body(apr_pool_t *pool, const char *content_type, const char *body,
                                 apr_size_t len);

#endif
