#include "cal/range.h"

int oc_range_valid(oc_range_t r)
{
    return r.start < r.end;
}

int oc_range_overlaps(oc_range_t a, oc_range_t b)
{
    return a.start < b.end && b.start < a.end;
}

int oc_range_contains(oc_range_t outer, oc_range_t inner)
{
    return outer.start <= inner.start && inner.end <= outer.end;
}

oc_range_t oc_range_intersect(oc_range_t a, oc_range_t b)
{
    oc_range_t r;
    r.start = a.start > b.start ? a.start : b.start;
    r.end = a.end < b.end ? a.end : b.end;
    if (r.end < r.start) {
        r.end = r.start;
    }
    return r;
}

oc_range_t oc_range_align(oc_range_t r, apr_time_t step)
{
    apr_time_t below, above;
    if (step <= 1) {
        return r;
    }
    below = r.start % step;
    r.start -= below < 0 ? below + step : below; /* C rounds towards zero, we go down */
    above = r.end % step;
    if (above) {
        r.end += above < 0 ? -above : step - above;
    }
    return r;
}
