/* api.h - JSON answers. All return text in view->pool. The field names are part of the interface:
 * README lists them. */
#ifndef OC_VIEW_API_H
#define OC_VIEW_API_H

#include "cal/find_room.h"
#include "view/view.h"
#include "wire/json.h"

/* A document. Where the person does not act by himself it says so: for whom, and by which account.
 */
oc_json_t *oc_api_begin(const oc_view_t *view);

/* found: oc_candidate_t from oc_find_room(), each with `fit`; NULL: all rooms as configured. */
const char *oc_api_rooms(const oc_view_t *view, const apr_array_header_t *found);
/* rows: oc_freebusy_t *, one for each of `who` in order; range and slot as asked. */
const char *oc_api_freebusy(const oc_view_t *view, const apr_array_header_t *rows, oc_range_t range,
                            apr_time_t slot, apr_time_t asked);
const char *oc_api_booking(const oc_view_t *view, const oc_booking_t *b);
const char *oc_api_list(const oc_view_t *view, const oc_list_t *list, oc_range_t range);
/* verb: "book", "change", "cancel". */
const char *oc_api_act(const oc_view_t *view, const oc_act_t *act, const char *verb);
/* application/problem+json (RFC 9457). act may be NULL. */
const char *oc_api_problem(const oc_view_t *view, const oc_result_t *res, const oc_act_t *act,
                           const char *verb);
/* For `GET check`: sections of facts, name -> apr_table_t. */
const char *oc_api_check(const oc_view_t *view, const apr_array_header_t *sections);

/* One section of the self-test. */
typedef struct oc_check_section_t {
    const char *title;
    apr_table_t *facts;
    const oc_result_t *failure; /* NULL: well, unless skipped */
    const char *skipped;        /* why it was not tried; NULL = it was */
    apr_time_t took;            /* microseconds; -1 = not measured */
    const char *remedy;         /* what an administrator can do; NULL */
} oc_check_section_t;

#endif
