/* freebusy.h - who is free when. Plain data and arithmetic; any thread that owns the pool. */
#ifndef OC_CAL_FREEBUSY_H
#define OC_CAL_FREEBUSY_H

#include <apr_tables.h>
#include "cal/booking.h"

/* A row of equal slots; slot i covers [range.start + i*slot, + slot). What was not said is
 * OC_BUSY_UNKNOWN, never free. */
typedef struct oc_freebusy_t {
    const char *address;
    const char *name; /* the server's display name or NULL */
    int members;      /* a distribution list: so many were asked about instead; 0 = it is none */
    int told; /* 1: the server said something of every slot, be it that it knows nothing of it */
    oc_range_t range;
    apr_time_t slot;     /* microseconds */
    int count;           /* number of slots */
    unsigned char *busy; /* oc_busy_t for each */
} oc_freebusy_t;

/* All slots unknown. The range is cut into ceil(length/slot) slots, 100,000 at most: else NULL. */
oc_freebusy_t *oc_freebusy_create(apr_pool_t *pool, const char *address, oc_range_t range,
                                  apr_time_t slot);
/* Mark what overlaps `r`: the stronger of old and new wins (oof > busy > tentative > free);
 * unknown gives way to anything. */
void oc_freebusy_mark(oc_freebusy_t *fb, oc_range_t r, oc_busy_t busy);
/* The strongest state within `r`; any unknown slot in it makes it UNKNOWN, unless another is
 * tentative or stronger; outside the row: UNKNOWN. */
oc_busy_t oc_freebusy_in(const oc_freebusy_t *fb, oc_range_t r);
/* All rows merged into one: the strongest wins; unknown beats free only. Rows must agree in range
 * and slot. */
oc_freebusy_t *oc_freebusy_merge(apr_pool_t *pool, const apr_array_header_t *rows);
/* First time >= from when `length` fits free into all rows (array of oc_freebusy_t *), on slot
 * boundaries; 0 = none in their range. */
apr_time_t oc_freebusy_first_fit(const apr_array_header_t *rows, apr_time_t from,
                                 apr_time_t length);
/* The row as a list of oc_range_t of one state (neighbours joined). */
apr_array_header_t *oc_freebusy_ranges(apr_pool_t *pool, const oc_freebusy_t *fb, oc_busy_t busy);
oc_freebusy_t *oc_freebusy_find(const apr_array_header_t *rows, const char *address);

#endif
