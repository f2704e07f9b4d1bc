#include "tap.h"
#include "cal/range.h"

static oc_range_t R(apr_time_t a, apr_time_t b)
{
    oc_range_t r = {a, b};
    return r;
}

int main(void)
{
    oc_range_t r;
    ok(oc_range_valid(R(1, 2)), "a range with a length is valid");
    ok(!oc_range_valid(R(2, 2)), "an empty range is not");
    ok(!oc_range_valid(R(3, 2)), "nor one that ends before it starts");

    ok(oc_range_overlaps(R(0, 10), R(9, 12)), "one shared instant overlaps");
    ok(!oc_range_overlaps(R(0, 10), R(10, 12)), "touching ends do not overlap");
    ok(!oc_range_overlaps(R(10, 12), R(0, 10)), "in either order");
    ok(oc_range_overlaps(R(0, 10), R(3, 4)), "a range inside overlaps");

    ok(oc_range_contains(R(0, 10), R(0, 10)), "a range contains itself");
    ok(oc_range_contains(R(0, 10), R(2, 10)), "and what shares its end");
    ok(!oc_range_contains(R(0, 10), R(2, 11)), "but not what sticks out");

    r = oc_range_intersect(R(0, 10), R(5, 20));
    ok(r.start == 5 && r.end == 10, "the intersection is what both have");
    r = oc_range_intersect(R(0, 5), R(7, 20));
    ok(r.start == r.end, "without anything in common it is empty");

    r = oc_range_align(R(31, 61), 30);
    ok(r.start == 30 && r.end == 90, "aligning widens both ends");
    r = oc_range_align(R(30, 60), 30);
    ok(r.start == 30 && r.end == 60, "whole multiples stay");
    r = oc_range_align(R(-31, -1), 30);
    ok(r.start == -60 && r.end == 0, "before 1970, too");
    r = oc_range_align(R(7, 9), 0);
    ok(r.start == 7 && r.end == 9, "without a step nothing changes");
    return done_testing();
}
