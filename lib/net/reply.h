/* reply.h - a transfer's reply as it comes in: bounds, header fields, and what is handed on when.
 *
 * Called by curl.c from inside libcurl, on net's loop thread. Where a function returns 0 the reply
 * ends there: transfer->verdict says how, and the connection is given up.
 */
#ifndef OC_NET_REPLY_H
#define OC_NET_REPLY_H

#include "net/curl.h"

/* One line of a header section or trailer, line end included; a new section begins with the status
 * line. 1 if the reply may go on. */
int oc_reply_line(oc_transfer_t *t, const char *line, apr_size_t len);
/* Some of the decoded body. 1 if the reply may go on. */
int oc_reply_body(oc_transfer_t *t, const char *data, apr_size_t len);
/* Hand the header section on as it is. 1 if the reply may go on. */
int oc_reply_head(oc_transfer_t *t);

#endif
