/* clock.c - wall and monotonic time, with a test's offset on both. */
#include <time.h>

#include "base/clock.h"

static volatile apr_time_t advanced;

apr_time_t oc_clock_wall(void)
{
    return apr_time_now() + __atomic_load_n(&advanced, __ATOMIC_RELAXED);
}

oc_mono_t oc_clock_mono(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (apr_time_t)ts.tv_sec * APR_USEC_PER_SEC + ts.tv_nsec / 1000 +
           __atomic_load_n(&advanced, __ATOMIC_RELAXED);
}

void oc_clock_advance(apr_time_t by)
{
    __atomic_add_fetch(&advanced, by, __ATOMIC_RELAXED);
}
