/* result.c - recording, wrapping and copying failures. */
#include <string.h>
#include <apr_strings.h>

#include "base/result.h"

#define VALUES_MAX 8
#define DETAIL_MAX 2000 /* bytes: a detail may quote what a server or a browser sent */

void oc_result_init(oc_result_t *res, apr_pool_t *pool)
{
    memset(res, 0, sizeof(*res));
    res->pool = pool;
}

/* One conversion of a format, "%04d", and its argument: as text. *format is behind it then. NULL:
 * none of those that are known here. */
static const char *convert(apr_pool_t *pool, const char **format, va_list *args)
{
    const char *from = *format;
    apr_size_t len = 1 + strspn(from + 1, "-+ 0123456789.");
    apr_size_t longs = strspn(from + len, "lz");
    char how = from[len + longs], *one = apr_pstrmemdup(pool, from, len + longs + 1);

    *format = how ? from + len + longs + 1 : from + len + longs;
    if (how == 's' && !longs) {
        const char *s = va_arg(*args, const char *);
        return apr_psprintf(pool, one, s ? s : "");
    }
    if (how != 'd' && how != 'i' && how != 'u') {
        return NULL;
    }
    return longs == 0   ? apr_psprintf(pool, one, va_arg(*args, int))
           : longs == 1 ? apr_psprintf(pool, one, va_arg(*args, long))
                        : apr_psprintf(pool, one, va_arg(*args, long long));
}

/* The format with {1}, {2}, .. for its conversions, and their texts beside it. */
static void keep_said(oc_result_t *res, const char *format, va_list *args)
{
    const char **values = apr_pcalloc(res->pool, VALUES_MAX * sizeof(*values)), *p;
    char *said = apr_palloc(res->pool, strlen(format) * 2 + 1), *out = said;
    int n = 0;

    for (p = format; *p;) {
        if (*p != '%') {
            *out++ = *p++;
        } else if (p[1] == '%') {
            *out++ = '%';
            p += 2;
        } else if (n == VALUES_MAX || !(values[n] = convert(res->pool, &p, args))) {
            return;
        } else {
            *out++ = '{';
            *out++ = (char)('1' + n++);
            *out++ = '}';
        }
    }
    *out = '\0';
    res->said = said;
    res->values = values;
    res->said_count = n;
}

static apr_status_t record(oc_result_t *res, oc_reason_t reason, const char *field,
                           const char *format, va_list args)
{
    va_list again;
    char *text;

    va_copy(again, args);
    text = apr_pvsprintf(res->pool, format, args);
    if (oc_reason_kind(reason) == OC_KIND_INPUT && res->reason == OC_REASON_OK) {
        keep_said(res, format, &again);
    }
    va_end(again);
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
    to->said = from->said ? apr_pstrdup(pool, from->said) : NULL;
    if (from->said_count > 0) {
        const char **values = apr_palloc(pool, (apr_size_t)from->said_count * sizeof(*values));

        for (int i = 0; i < from->said_count; ++i) {
            values[i] = apr_pstrdup(pool, from->values[i]);
        }
        to->values = values;
    }
}
