/* find_room.h - which of the configured rooms fit, and why the others do not. Pure; any thread that
 * owns the pool. */
#ifndef OC_CAL_FIND_ROOM_H
#define OC_CAL_FIND_ROOM_H

#include "cal/freebusy.h"
#include "cal/room.h"

typedef enum oc_fit_t {
    OC_FIT_YES,
    OC_FIT_UNKNOWN, /* fits, but whether it is free could not be found out */
    OC_FIT_TAKEN,
    OC_FIT_SMALL,  /* too few seats, or their number is not known */
    OC_FIT_FEATURE /* a feature is missing */
} oc_fit_t;

typedef struct oc_candidate_t {
    const oc_room_t *room;
    oc_fit_t fit;
    const char *missing; /* OC_FIT_FEATURE: which; else NULL */
} oc_candidate_t;

typedef struct oc_room_wish_t {
    int capacity;                       /* 0 = any */
    const apr_array_header_t *features; /* const char *; NULL = none */
    oc_range_t when;                    /* start 0 = at any time */
} oc_room_wish_t;

/* Every room (oc_room_t *) once as an oc_candidate_t: those that fit first, the smallest sufficient
 * one before larger ones, then the unknown, the taken, and the unfit; otherwise as configured.
 * rows: oc_freebusy_t * covering wish->when, matched by address; NULL if no time is asked about. */
apr_array_header_t *oc_find_room(apr_pool_t *pool, const apr_array_header_t *rooms,
                                 const oc_room_wish_t *wish, const apr_array_header_t *rows);
/* "fits", "unknown", "taken", "too-small", "feature-missing" */
const char *oc_fit_token(oc_fit_t fit);

#endif
