/* zone.h - time zones: local time to UTC and back, DST gap and overlap, names. By ICU, of
 * which no caller sees anything. Any thread. */
#ifndef OC_CAL_ZONE_H
#define OC_CAL_ZONE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include "base/result.h"

typedef struct oc_local_t {
    int year, month, day, hour, minute, second; /* month 1..12 */
} oc_local_t;

typedef enum oc_zone_fit_t {
    OC_ZONE_EXACT,
    OC_ZONE_GAP,  /* that local time does not exist */
    OC_ZONE_TWICE /* it exists twice: *utc is the first */
} oc_zone_fit_t;

/* 1 if the name is a zone ICU knows. Names are IANA ids. */
int oc_zone_known(const char *iana);
/* IANA id for an IANA id, a Windows zone name ("W. Europe Standard Time") or a CDO number as text
 * ("4"); NULL if unknown. Copied into pool. */
const char *oc_zone_canonical(apr_pool_t *pool, const char *name);
/* The CDO zone id (cal:timezoneid) that fits an IANA zone; -1 if none does. */
int oc_zone_cdo(const char *iana);
const char *oc_zone_from_cdo(int id);                            /* IANA id or NULL; static */
const char *oc_zone_windows(apr_pool_t *pool, const char *iana); /* Windows name or NULL */

/* Fails with INVALID_INPUT if the fields are no date or the zone is unknown. On a gap *utc is the
 * instant that the clock shows right after it. */
apr_status_t oc_zone_to_utc(const char *iana, const oc_local_t *local, apr_time_t *utc,
                            oc_zone_fit_t *fit, oc_result_t *res);
apr_status_t oc_zone_to_local(const char *iana, apr_time_t utc, oc_local_t *local, int *offset_sec);
/* Instant of 00:00 (or the first instant that exists) of the local day that contains utc, plus
 * `days` days. */
apr_time_t oc_zone_midnight(const char *iana, apr_time_t utc, int days);

/* A change of the clocks; the first one is what held at the start of the time asked about. */
typedef struct oc_zone_shift_t {
    apr_time_t at;       /* 0: it held since before anybody asks */
    int before, after;   /* seconds east of UTC */
    int dst;             /* 1 if `after` is summer time */
} oc_zone_shift_t;
/* What the clocks of a zone do in [from, to): array of oc_zone_shift_t in order of time, never
 * empty: first the shift in force at `from`, then those within. At most 256; UTC if the zone is not
 * known. */
apr_array_header_t *oc_zone_shifts(apr_pool_t *pool, const char *iana, apr_time_t from,
                                   apr_time_t to);

/* RFC 3339 with offset ("2026-03-05T10:00:00+01:00", "...Z"; seconds may be absent), or local
 * "2026-03-05T10:00[:00]" or date "2026-03-05" (midnight) with the zone `iana`. *fit may be NULL.
 * Fails with INVALID_INPUT naming `field`, or with TIME_GAP: then *fit is OC_ZONE_GAP and *utc the
 * instant that the clock shows right after it. */
apr_status_t oc_zone_parse(const char *text, const char *iana, const char *field, apr_time_t *utc,
                           oc_zone_fit_t *fit, oc_result_t *res);
/* RFC 3339 in that zone, seconds precision: "2026-03-05T10:00:00+01:00"; zone NULL: "...Z". */
const char *oc_zone_print(apr_pool_t *pool, apr_time_t utc, const char *iana);
/* The strict UTC form of the calendar server: "2026-03-05T09:00:00.000Z". */
const char *oc_zone_print_dav(apr_pool_t *pool, apr_time_t utc);
apr_status_t oc_zone_parse_dav(const char *text,
                               apr_time_t *utc); /* with or without fraction; 'Z' */

#endif
