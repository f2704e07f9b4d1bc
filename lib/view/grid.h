/* grid.h - who is free when, as a table; and in one line. Text only, see view.h. */
#ifndef OC_VIEW_GRID_H
#define OC_VIEW_GRID_H

#include "cal/freebusy.h"
#include "view/html.h"
#include "view/view.h"

typedef struct oc_grid_t {
    const apr_array_header_t *rows; /* oc_freebusy_t *, their slots no longer than `slot` */
    oc_range_t range;               /* the columns */
    apr_time_t slot;                /* width of a column */
    apr_time_t now;                 /* marks the column; what is past leads nowhere; 0 = unknown */
    const char *form; /* a free slot of a room leads here, "room=..&start=.." follows; NULL */
    const char *prefix;             /* of the names in that query: "owacal-"; NULL = none */
} oc_grid_t;

/* Rows of rooms and people by columns of time. The state stands in each cell as a word and as its
 * class: free, tentative, busy, oof, unknown; never by colour alone. */
void oc_grid_table(const oc_view_t *view, oc_html_t *h, const oc_grid_t *grid);
/* Links to the days around `day` (an instant in it): self + "owacal-day=..". */
void oc_grid_days(const oc_view_t *view, oc_html_t *h, const char *self, apr_time_t day);
/* "Free until 14:30." or "Busy until 11:00, then free until 12:00.", for within a sentence. */
void oc_grid_next(const oc_view_t *view, oc_html_t *h, const oc_freebusy_t *fb, apr_time_t now);

#endif
