/* mime.h - MIME messages and their calendar part: between mimein.c, ical.c and mimeout.c.
 *
 * sim_mime_put and sim_mime_stream, which the rest of the simulator calls, are declared in sim.h.
 * Everything returned lives in the pool given.
 */
#ifndef SIM_MIME_H
#define SIM_MIME_H

#include "sim.h"

typedef struct {
    apr_table_t *headers;       /* of the message, unfolded, encoded words as they came */
    const char *text, *html, *calendar; /* first part of each kind, UTF-8, or NULL */
    const char *method;         /* of the calendar part's Content-Type, or NULL */
} sim_mime_t;

/* NULL when it is no MIME message: malformed headers, a multipart without its end, base64 that is
 * none, more than 100 parts or 8 levels. */
sim_mime_t *sim_mime_parse(apr_pool_t *p, const char *data, apr_size_t len);
const char *sim_mime_header(const sim_mime_t *m, const char *name);
/* A parameter of a structured header value, unquoted, or NULL. */
const char *sim_mime_param(apr_pool_t *p, const char *value, const char *name);

/* Fills `item` from the first event of m->calendar. NULL, or a sentence saying what is wrong. The
 * store's write lock is held. */
const char *sim_ical_put(sim_req_t *q, sim_item_t *item, const sim_mime_t *m);

/* A VTIMEZONE text of a CDO zone id, NULL for an id not in the table. */
const char *sim_ical_zone(apr_pool_t *p, int cdo_id);

#endif
