#include "tap.h"
#include "cal/freebusy.h"

#include <apr_general.h>

#define MIN apr_time_from_sec(60)
static apr_pool_t *pool;
static const oc_range_t day = {0, 600 * MIN};

static oc_freebusy_t *row(const char *digits)
{
    oc_freebusy_t *fb = oc_freebusy_create(pool, "a@x.example", day, 60 * MIN);
    for (int i = 0; digits[i]; i++) {
        fb->busy[i] = (unsigned char)(digits[i] - '0');
    }
    return fb;
}

static oc_range_t minutes(int from, int to)
{
    oc_range_t r = {from * MIN, to * MIN};
    return r;
}

static void test_row(void)
{
    oc_range_t odd = {0, 601 * MIN}, long_ = {0, APR_INT64_C(100001) * MIN};
    oc_freebusy_t *fb = oc_freebusy_create(pool, "a@x.example", day, 60 * MIN);
    is_int(fb->count, 10, "ten slots");
    is_int(oc_freebusy_in(fb, minutes(0, 60)), OC_BUSY_UNKNOWN, "what was not said is unknown");
    is_int(oc_freebusy_create(pool, "a", odd, 60 * MIN)->count, 11, "a broken slot counts");
    ok(!oc_freebusy_create(pool, "a", long_, MIN), "too many slots");
    ok(!oc_freebusy_create(pool, "a", day, 0), "no slot");

    oc_freebusy_mark(fb, minutes(0, 600), OC_BUSY_FREE);
    is_int(oc_freebusy_in(fb, minutes(0, 600)), OC_BUSY_FREE, "unknown gives way to free");
    oc_freebusy_mark(fb, minutes(90, 91), OC_BUSY_BUSY);
    is_int(fb->busy[1], OC_BUSY_BUSY, "a minute marks its whole slot");
    is_int(fb->busy[2], OC_BUSY_FREE, "and no other");
    oc_freebusy_mark(fb, minutes(60, 180), OC_BUSY_TENTATIVE);
    is_int(fb->busy[1], OC_BUSY_BUSY, "the stronger stays");
    is_int(fb->busy[2], OC_BUSY_TENTATIVE, "the weaker gives way");
    oc_freebusy_mark(fb, minutes(60, 120), OC_BUSY_UNKNOWN);
    is_int(fb->busy[1], OC_BUSY_BUSY, "unknown overwrites nothing");
    oc_freebusy_mark(fb, minutes(-100, 0), OC_BUSY_OOF);
    is_int(fb->busy[0], OC_BUSY_FREE, "what ends at the start does not touch it");
    oc_freebusy_mark(fb, minutes(540, 9000), OC_BUSY_OOF);
    is_int(fb->busy[9], OC_BUSY_OOF, "what goes beyond the end is cut");
    is_int(oc_freebusy_in(fb, minutes(0, 60)), OC_BUSY_FREE, "free within");
    is_int(oc_freebusy_in(fb, minutes(0, 600)), OC_BUSY_OOF, "the strongest within");
    is_int(oc_freebusy_in(fb, minutes(-60, 60)), OC_BUSY_UNKNOWN, "outside is unknown");
    is_int(oc_freebusy_in(fb, minutes(590, 700)), OC_BUSY_OOF, "but busy if a part is");
    is_int(oc_freebusy_in(row("0400000000"), minutes(0, 120)), OC_BUSY_UNKNOWN,
           "an unknown slot among free ones is unknown");
    is_int(oc_freebusy_in(row("0420000000"), minutes(0, 180)), OC_BUSY_BUSY,
           "an unknown slot hides no busy one");
}

static void test_rows(void)
{
    apr_array_header_t *rows = apr_array_make(pool, 2, sizeof(oc_freebusy_t *)), *ranges;
    oc_freebusy_t *all;
    const unsigned char want[] = {0, 4, 2, 1, 1, 4, 0, 0, 0, 0};
    ok(!oc_freebusy_merge(pool, rows), "nothing to merge");
    APR_ARRAY_PUSH(rows, oc_freebusy_t *) = row("0421040000");
    APR_ARRAY_PUSH(rows, oc_freebusy_t *) = row("0001140000");
    all = oc_freebusy_merge(pool, rows);
    is_mem(all->busy, 10, want, 10, "merged: unknown beats free only");

    is_int(oc_freebusy_first_fit(rows, 0, 60 * MIN), 0, "the very start: 0 is also 'none'");
    is_int(oc_freebusy_first_fit(rows, 1, 60 * MIN) / MIN, 360,
           "the first later hour free for all");
    is_int(oc_freebusy_first_fit(rows, 0, 240 * MIN) / MIN, 360, "four hours");
    is_int(oc_freebusy_first_fit(rows, 0, 241 * MIN), 0, "a minute more does not fit");
    is_int(oc_freebusy_first_fit(rows, 400 * MIN, 60 * MIN) / MIN, 420, "on slot boundaries");
    ranges = oc_freebusy_ranges(pool, all, OC_BUSY_TENTATIVE);
    is_int(ranges->nelts, 1, "neighbours are joined");
    is_int(APR_ARRAY_IDX(ranges, 0, oc_range_t).start / MIN, 180, "from");
    is_int(APR_ARRAY_IDX(ranges, 0, oc_range_t).end / MIN, 300, "to");
    is_int(oc_freebusy_ranges(pool, all, OC_BUSY_OOF)->nelts, 0, "none");
    is_int(oc_freebusy_ranges(pool, all, OC_BUSY_FREE)->nelts, 2, "one at each end");
    ok(oc_freebusy_find(rows, "A@X.EXAMPLE") == APR_ARRAY_IDX(rows, 0, oc_freebusy_t *), "found");
    ok(!oc_freebusy_find(rows, "b@x.example"), "not found");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_row();
    test_rows();
    return done_testing();
}
