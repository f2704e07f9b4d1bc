#include "cal/freebusy.h"
#include "cal/attendee.h"

#include <apr_strings.h>
#include <string.h>

#define SLOTS_MAX 100000

/* Which of two states is stronger when both hold in one slot. */
static int strength(oc_busy_t b)
{
    switch (b) {
    case OC_BUSY_FREE:
        return 1;
    case OC_BUSY_TENTATIVE:
        return 2;
    case OC_BUSY_BUSY:
        return 3;
    case OC_BUSY_OOF:
        return 4;
    case OC_BUSY_UNKNOWN:
        break;
    }
    return 0;
}

/* The slots that `r` touches: [*first, *last). */
static void slots_of(const oc_freebusy_t *fb, oc_range_t r, int *first, int *last)
{
    oc_range_t in = oc_range_intersect(r, fb->range);
    if (in.start >= in.end) {
        *first = *last = 0;
        return;
    }
    *first = (int)((in.start - fb->range.start) / fb->slot);
    *last = (int)((in.end - fb->range.start + fb->slot - 1) / fb->slot);
    if (*last > fb->count) {
        *last = fb->count;
    }
}

oc_freebusy_t *oc_freebusy_create(apr_pool_t *pool, const char *address, oc_range_t range,
                                  apr_time_t slot)
{
    oc_freebusy_t *fb;
    apr_time_t length = range.end - range.start, count;
    if (!oc_range_valid(range) || slot <= 0) {
        return NULL;
    }
    count = length / slot + (length % slot != 0);
    if (count > SLOTS_MAX) {
        return NULL;
    }
    fb = apr_pcalloc(pool, sizeof(*fb));
    fb->address = apr_pstrdup(pool, address);
    fb->range = range;
    fb->slot = slot;
    fb->count = (int)count;
    fb->busy = apr_palloc(pool, (apr_size_t)count);
    memset(fb->busy, OC_BUSY_UNKNOWN, (apr_size_t)count);
    return fb;
}

void oc_freebusy_mark(oc_freebusy_t *fb, oc_range_t r, oc_busy_t busy)
{
    int i, last;
    slots_of(fb, r, &i, &last);
    for (; i < last; i++) {
        if (strength(busy) > strength((oc_busy_t)fb->busy[i])) {
            fb->busy[i] = (unsigned char)busy;
        }
    }
}

oc_busy_t oc_freebusy_in(const oc_freebusy_t *fb, oc_range_t r)
{
    oc_busy_t worst = OC_BUSY_FREE;
    int i, last, unknown = !oc_range_contains(fb->range, r);
    slots_of(fb, r, &i, &last);
    unknown |= i == last;
    for (; i < last; i++) {
        if (fb->busy[i] == OC_BUSY_UNKNOWN) {
            unknown = 1;
        } else if (strength((oc_busy_t)fb->busy[i]) > strength(worst)) {
            worst = (oc_busy_t)fb->busy[i];
        }
    }
    return unknown && worst == OC_BUSY_FREE ? OC_BUSY_UNKNOWN : worst;
}

oc_freebusy_t *oc_freebusy_merge(apr_pool_t *pool, const apr_array_header_t *rows)
{
    const oc_freebusy_t *first;
    oc_freebusy_t *all;
    if (rows->nelts == 0) {
        return NULL;
    }
    first = APR_ARRAY_IDX(rows, 0, oc_freebusy_t *);
    all = oc_freebusy_create(pool, NULL, first->range, first->slot);
    for (int i = 0; all && i < all->count; i++) {
        oc_busy_t worst = OC_BUSY_FREE;
        for (int n = 0; n < rows->nelts; n++) {
            const oc_freebusy_t *row = APR_ARRAY_IDX(rows, n, oc_freebusy_t *);
            oc_busy_t b = i < row->count ? (oc_busy_t)row->busy[i] : OC_BUSY_UNKNOWN;
            /* here unknown stands between free and tentative */
            if (b == OC_BUSY_UNKNOWN ? worst == OC_BUSY_FREE
                                     : strength(b) > strength(worst) && b != OC_BUSY_FREE) {
                worst = b;
            }
        }
        all->busy[i] = (unsigned char)worst;
    }
    return all;
}

apr_time_t oc_freebusy_first_fit(const apr_array_header_t *rows, apr_time_t from, apr_time_t length)
{
    const oc_freebusy_t *first;
    apr_time_t at, step;
    if (rows->nelts == 0 || length <= 0) {
        return 0;
    }
    first = APR_ARRAY_IDX(rows, 0, oc_freebusy_t *);
    at = first->range.start;
    if (from > at) {
        step = (from - at) % first->slot;
        at = step ? from + first->slot - step : from;
    }
    while (at + length <= first->range.end) {
        oc_range_t want = {at, at + length};
        int n;
        for (n = 0; n < rows->nelts; n++) {
            const oc_freebusy_t *row = APR_ARRAY_IDX(rows, n, oc_freebusy_t *);
            int i, last, blocked = -1;
            if (!oc_range_contains(row->range, want)) {
                return 0;
            }
            slots_of(row, want, &i, &last);
            for (; i < last; i++) {
                if (row->busy[i] != OC_BUSY_FREE) {
                    blocked = i;
                }
            }
            if (blocked >= 0) { /* no start before the end of the last slot in the way can fit */
                at = row->range.start + (apr_time_t)(blocked + 1) * row->slot;
                step = (at - first->range.start) % first->slot;
                at += step ? first->slot - step : 0;
                break;
            }
        }
        if (n == rows->nelts) {
            return at;
        }
    }
    return 0;
}

apr_array_header_t *oc_freebusy_ranges(apr_pool_t *pool, const oc_freebusy_t *fb, oc_busy_t busy)
{
    apr_array_header_t *out = apr_array_make(pool, 4, sizeof(oc_range_t));
    for (int i = 0; i < fb->count; i++) {
        int from = i;
        while (i < fb->count && fb->busy[i] == busy) {
            i++;
        }
        if (i > from) {
            oc_range_t *r = apr_array_push(out);
            r->start = fb->range.start + (apr_time_t)from * fb->slot;
            r->end = fb->range.start + (apr_time_t)i * fb->slot;
            *r = oc_range_intersect(*r, fb->range);
        }
    }
    return out;
}

oc_freebusy_t *oc_freebusy_find(const apr_array_header_t *rows, const char *address)
{
    for (int i = 0; i < rows->nelts; i++) {
        oc_freebusy_t *fb = APR_ARRAY_IDX(rows, i, oc_freebusy_t *);
        if (oc_attendee_same(fb->address, address)) {
            return fb;
        }
    }
    return NULL;
}
