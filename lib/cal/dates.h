/* dates.h - days and clock times as people write them in their language. Any thread. */
#ifndef OC_CAL_DATES_H
#define OC_CAL_DATES_H

#include <apr_pools.h>
#include <apr_time.h>

typedef enum oc_dates_t {
    OC_DATES_DAY,       /* "Thursday, 5 March 2026" */
    OC_DATES_SHORT_DAY, /* "Thu, 5 Mar" */
    OC_DATES_CLOCK,     /* "10:00", "10:00 AM" */
    OC_DATES_DAY_CLOCK, /* "Thu, 5 Mar 2026, 10:00" */
    OC_DATES_WEEKDAY,   /* "Thursday" */
    OC_DATES_COUNT
} oc_dates_t;

/* locale: a language tag, "de-AT", from oc_say_language(). zone: an IANA id. UTF-8, in pool; if ICU
 * knows no better, as oc_zone_print() writes it. */
const char *oc_dates_text(apr_pool_t *pool, apr_time_t utc, const char *zone, const char *locale,
                          oc_dates_t style);
/* The weekday that a week begins with there: 0 Sunday, 1 Monday, .. */
int oc_dates_first_weekday(const char *locale);

#endif
