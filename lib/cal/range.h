/* range.h - half-open ranges of UTC instants, [start, end). Pure; any thread. */
#ifndef OC_CAL_RANGE_H
#define OC_CAL_RANGE_H

#include <apr_time.h>

typedef struct oc_range_t {
    apr_time_t start, end; /* microseconds since 1970, UTC; start < end in a valid range */
} oc_range_t;

int oc_range_valid(oc_range_t r);
int oc_range_overlaps(oc_range_t a, oc_range_t b); /* touching ends do not overlap */
int oc_range_contains(oc_range_t outer, oc_range_t inner);
oc_range_t oc_range_intersect(oc_range_t a, oc_range_t b); /* empty: start == end */
/* Widen to whole multiples of `step` microseconds since 1970. */
oc_range_t oc_range_align(oc_range_t r, apr_time_t step);

#endif
