/* result.c - recording, wrapping and copying failures. */
#include <string.h>
#include <apr_strings.h>

#include "base/result.h"

#define DETAIL_MAX 2000 /* bytes: a detail may quote what a server or a browser sent */

void oc_result_init(oc_result_t *res, apr_pool_t *pool)
{
    memset(res, 0, sizeof(*res));
    res->pool = pool;
}

static apr_status_t record(oc_result_t *res, oc_reason_t reason, const char *field,
                           const char *format, va_list args)
{
    char *text = apr_pvsprintf(res->pool, format, args);

    if (strlen(text) > DETAIL_MAX) {
        text[DETAIL_MAX] = '\0';
    }
    if (res->reason != OC_REASON_OK) {
        /* The cause stands; what followed from it is of use only to the administrator. */
        if (!res->detail || strlen(res->detail) < DETAIL_MAX) {
            res->detail =
                apr_pstrcat(res->pool, res->detail ? res->detail : "", "; then: ", text, NULL);
        }
        return res->status;
    }
    res->status = APR_EGENERAL;
    res->reason = reason;
    res->field = field ? apr_pstrdup(res->pool, field) : NULL;
    res->detail = text;
    return res->status;
}

apr_status_t oc_result_fail(oc_result_t *res, oc_reason_t reason, const char *detail, ...)
{
    va_list args;
    apr_status_t rv;

    va_start(args, detail);
    rv = record(res, reason, NULL, detail, args);
    va_end(args);
    return rv;
}

apr_status_t oc_result_field(oc_result_t *res, oc_reason_t reason, const char *field,
                             const char *detail, ...)
{
    va_list args;
    apr_status_t rv;

    va_start(args, detail);
    rv =
        record(res, reason == OC_REASON_OK ? OC_REASON_INVALID_INPUT : reason, field, detail, args);
    va_end(args);
    return rv;
}

void oc_result_wrap(oc_result_t *res, const char *step)
{
    if (res->reason == OC_REASON_OK) {
        return;
    }
    res->step = res->step ? apr_pstrcat(res->pool, step, " > ", res->step, NULL)
                          : apr_pstrdup(res->pool, step);
}

void oc_result_clear(oc_result_t *res)
{
    oc_result_init(res, res->pool);
}

void oc_result_copy(oc_result_t *to, const oc_result_t *from, apr_pool_t *pool)
{
    *to = *from;
    to->pool = pool;
    to->step = from->step ? apr_pstrdup(pool, from->step) : NULL;
    to->field = from->field ? apr_pstrdup(pool, from->field) : NULL;
    to->detail = from->detail ? apr_pstrdup(pool, from->detail) : NULL;
}
