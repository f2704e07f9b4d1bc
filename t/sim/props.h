/* The properties of a row: what an item, an occurrence or a folder shows, computed ones included,
 * and the writing of one multistatus response. Needs read on the store. */
#ifndef SIM_PROPS_H
#define SIM_PROPS_H

#include "sim.h"
#include "xml.h"

typedef struct sim_row_t {
    sim_folder_t *folder; /* the folder itself when item is NULL */
    sim_item_t *item; /* for an occurrence the master */
    int instance; /* number of the occurrence, or 0 */
    apr_time_t start, end; /* of the occurrence */
} sim_row_t;

typedef struct sim_value_t {
    sim_type_t type;
    int n;
    const char *const *values;
    const char *one; /* where a single computed value lives */
} sim_value_t;

/* 1 and *out, or 0 when the row has no such property. Memory for computed values from `p`. */
int sim_row_value(sim_req_t *q, apr_pool_t *p, const sim_row_t *row, const sim_name_t *name,
                  sim_value_t *out);
/* Absolute URL of the row. */
const char *sim_row_href(sim_req_t *q, const sim_row_t *row);
/* One <response> for a PROPFIND. `brief`: leave the 404 propstat out. */
void sim_row_response(sim_xml_t *x, const sim_row_t *row, const sim_propfind_t *want, int brief);
/* The ETag of an item. */
const char *sim_item_etag(apr_pool_t *p, const sim_item_t *item);

#endif
