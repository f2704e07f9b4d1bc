/* trace.h - a bounded record of one operation's exchanges, redacted on entry.
 *
 * Written on failure or on demand (OwaCalTrace). Never contains: credentials, cookies, challenges
 * and tokens in headers, password fields of a form or a query, and what a booking is about (subject
 * and text) - matched without regard to case, from the lists in redact.c. What is neither XML, HTML
 * nor a form is counted, not kept. It does contain who meets whom, when and where, and the paths of
 * items, which Outlook and OWA name after their subjects. Owned by the thread that owns the call.
 *
 * The text of one exchange:
 *     == find folders: https://mail.example.test:443
 *     > PROPFIND /exchange/ana/ HTTP/1.1
 *     > Authorization: Negotiate (removed)
 *     >
 *     > <?xml ...
 *     < 207
 *     < Content-Type: text/xml
 *     <
 *     < <a:multistatus ...
 *     == replied, 1234 bytes in 15 ms
 *
 * A line of more than 1000 bytes goes on in lines that begin with ">+" or "<+". The units of
 * backends replay such a text as it is, as a file of t/data/: what stands behind "trace: " in the
 * log.
 */
#ifndef OC_NET_TRACE_H
#define OC_NET_TRACE_H

#include "base/call.h"
#include "base/exchange.h"

/* At most max_bytes are kept; what does not fit is counted. */
oc_trace_t *oc_trace_create(apr_pool_t *pool, apr_size_t max_bytes);
/* An exchange is about to be sent. */
void oc_trace_request(oc_trace_t *trace, const oc_exchange_t *x);
/* At HEAD with data NULL, at BODY with each block. */
void oc_trace_reply(oc_trace_t *trace, const oc_exchange_t *x, const char *data, apr_size_t len);
/* The exchange has ended: outcome and times are set. */
void oc_trace_end(oc_trace_t *trace, const oc_exchange_t *x);
/* The whole record as text, for the log: lines ended by LF, no other control characters. Exchanges
 * under way stand in it without their reply's body. */
const char *oc_trace_text(oc_trace_t *trace, apr_pool_t *pool);

/* The redactor alone (redact.c; fuzzed): a copy of a header value, a path with query, or a body
 * with secrets replaced. */
const char *oc_trace_redact_header(apr_pool_t *pool, const char *name, const char *value);
const char *oc_trace_redact_path(apr_pool_t *pool, const char *path);
const char *oc_trace_redact_body(apr_pool_t *pool, const char *content_type, const char *body,
                                 apr_size_t len);

#endif
