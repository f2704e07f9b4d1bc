/* freshness.h - OwaCalFreshness: what of a free/busy question need not be asked, because it was not
 * long ago (op/fresh.h).
 *
 * For what is shown, never for what is decided. Nothing kept is given before this request's person
 * and credential have been looked at: a call comes from oc_request_call(), and oc_identity_vouch()
 * has the last word; where it has none, the question is asked, and fails as it must. Request
 * thread; in the request's pool.
 */
#ifndef OC_HTTPD_FRESHNESS_H
#define OC_HTTPD_FRESHNESS_H

#include "httpd/request.h"

typedef struct oc_freshness_t {
    apr_array_header_t *rows; /* oc_freebusy_t *, one for each address asked about, in that order;
                               * NULL: not known yet */
    int missing;              /* so many of them; 0: nothing need be asked */
    oc_mono_t asked;          /* when what is oldest of it was asked for, or is going to be */
    /* Its own. */
    oc_mono_t began;
    int lists, keep;
} oc_freshness_t;

/* Look what is known. `query` is left with what is missing. To be called just before it is asked:
 * what is asked for from now on counts as being of now. */
void oc_freshness_open(oc_freshness_t *f, oc_request_t *q, oc_call_t *call,
                       const oc_identity_t *id, oc_freebusy_query_t *query);
/* The missing rows, as `query` was answered: they are put where they are missing, and kept. */
void oc_freshness_fill(oc_freshness_t *f, oc_request_t *q, const apr_array_header_t *answered);
/* The wall clock's time of f->asked. */
apr_time_t oc_freshness_time(const oc_freshness_t *f);

/* The whole of it, as oc_request_run(): the outcome stands in q->result. 1: the answer is in
 * f->rows and may be read until oc_request_done(). */
int oc_freshness_run(oc_freshness_t *f, oc_request_t *q, oc_call_t *call, oc_identity_t *id,
                     oc_freebusy_query_t *query);

#endif
