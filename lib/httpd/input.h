/* input.h - what a request asks for, checked: body or query to named values, values to arguments.
 *
 * Everything is bounded and every mistake names its field. Form fields and JSON members have the
 * same names. Request thread; results in r->pool.
 */
#ifndef OC_HTTPD_INPUT_H
#define OC_HTTPD_INPUT_H

#include "httpd/config.h"
#include "cal/find_room.h"
#include "op/op.h"
#include "view/view.h"

/* The body of a POST, PATCH or DELETE (at most conf->max_body): urlencoded or JSON by its content
 * type; no body gives an empty form. *json says which. Fails with BODY_TOO_LARGE, UNSUPPORTED_TYPE,
 * MALFORMED_BODY. Always reads the body to its end or refuses the connection's reuse. */
apr_status_t oc_input_body(request_rec *r, const oc_server_conf_t *conf, oc_form_t **form,
                           int *json, oc_result_t *res);
apr_status_t oc_input_query(request_rec *r, oc_form_t **form, oc_result_t *res);

/* A state-changing request must come from our own origin, as far as the browser says: Origin and
 * Sec-Fetch-Site. Fails with ORIGIN_REFUSED. */
apr_status_t oc_input_origin(request_rec *r, const oc_server_conf_t *conf, oc_result_t *res);

/* 1 if the browser says in so many words that the request comes from our own origin; one that says
 * nothing may come from anywhere. */
int oc_input_ours(request_rec *r, const oc_server_conf_t *conf);

typedef struct oc_input_t {
    apr_pool_t *pool;
    const oc_server_conf_t *conf;
    const oc_dir_conf_t *dir;
    const oc_form_t *form;
    int json; /* JSON is held to its types and to the known names */
    apr_array_header_t
        *remarks; /* const char *: what was decided for the sender ("twice: the first") */
    apr_array_header_t
        *errors; /* oc_view_error_t: all mistakes of a form, where `res` has the first */
    apr_time_t now;
    oc_language_t language; /* of the remarks */
} oc_input_t;

/* Known names, no single-valued one twice, lengths, no control characters. Every other function
 * here relies on it having passed. */
apr_status_t oc_input_check(const oc_input_t *in, oc_result_t *res);
/* Value of a field, NULL if absent or empty. */
const char *oc_input_text(const oc_input_t *in, const char *name);
/* 1 if a field of yes and no says yes. */
int oc_input_flag(const oc_input_t *in, const char *name);

/* A complete new booking, in `pool` (the operation's). */
oc_booking_t *oc_input_booking(const oc_input_t *in, apr_pool_t *pool, oc_result_t *res);
/* Only what was sent; `was` NULL: times need start and end together (or start and duration). */
apr_status_t oc_input_change(const oc_input_t *in, apr_pool_t *pool, oc_change_args_t *args,
                             oc_result_t *res);
/* start and end of a query; absent: from the start of today for `days`. Bounded by OwaCalLimit
 * range=. */
apr_status_t oc_input_range(const oc_input_t *in, int days, oc_range_t *range, oc_result_t *res);
/* What a search for rooms asks: capacity=, feature=, start= and end= (both or neither). 1 in *any
 * if anything was asked at all. */
apr_status_t oc_input_wish(const oc_input_t *in, oc_room_wish_t *wish, int *any, oc_result_t *res);
/* who= (addresses or room ids) and slot= of a free/busy query; nobody named: all rooms. */
apr_status_t oc_input_who(const oc_input_t *in, apr_array_header_t **who, apr_time_t *slot,
                          oc_result_t *res);

/* The values as they are put back into a form: date and clock times joined. without: a field that
 * is left out; NULL. */
oc_form_t *oc_input_refill(const oc_input_t *in, const char *without);
#endif
