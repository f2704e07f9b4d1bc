/* clock.h - the time, replaceable in tests. Any thread. Microseconds, as apr_time_t.
 *
 * Two clocks: `wall` is UTC and may jump; every deadline and duration uses `mono`, which never
 * does. Do not compare one with the other.
 */
#ifndef OC_BASE_CLOCK_H
#define OC_BASE_CLOCK_H

#include <apr_time.h>

typedef apr_time_t oc_mono_t; /* microseconds on CLOCK_MONOTONIC; 0 = none */

apr_time_t oc_clock_wall(void);
oc_mono_t oc_clock_mono(void);
/* Tests: add to both clocks from now on (process-wide). */
void oc_clock_advance(apr_time_t by);

#endif
