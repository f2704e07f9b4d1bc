/* form.c - urlencoded pairs in and out. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "wire/form.h"

static const char *decode(apr_pool_t *pool, const char *s, apr_size_t len)
{
    char *copy = apr_pstrmemdup(pool, s, len);
    const char *text;
    apr_size_t i;

    if (memchr(s, '\0', len)) {
        return NULL;
    }
    for (i = 0; i < len; ++i) {
        copy[i] = copy[i] == '+' ? ' ' : copy[i];
    }
    text = oc_str_unescape(pool, copy, len);
    return text && oc_str_utf8(text, strlen(text)) ? text : NULL;
}

oc_form_t *oc_form_create(apr_pool_t *pool)
{
    oc_form_t *form = apr_palloc(pool, sizeof(*form));

    form->fields = apr_array_make(pool, 16, sizeof(oc_field_t));
    return form;
}

void oc_form_put(oc_form_t *form, const char *name, const char *value)
{
    oc_field_t field = {name, value, OC_VALUE_TEXT};

    if (value) {
        APR_ARRAY_PUSH(form->fields, oc_field_t) = field;
    }
}

apr_status_t oc_form_parse(apr_pool_t *pool, const char *data, apr_size_t len, oc_form_t **form,
                           oc_result_t *res)
{
    const char *p = data, *end = data + len;

    *form = oc_form_create(pool);
    while (p < end) {
        const char *amp = memchr(p, '&', (apr_size_t)(end - p));
        const char *stop = amp ? amp : end;
        const char *eq = memchr(p, '=', (apr_size_t)(stop - p));

        if (stop > p) {
            oc_field_t *f;
            if ((*form)->fields->nelts >= OC_FORM_MAX_FIELDS) {
                return oc_result_fail(res, OC_REASON_MALFORMED_BODY, "more than %d values",
                                      OC_FORM_MAX_FIELDS);
            }
            f = apr_array_push((*form)->fields);
            f->kind = OC_VALUE_TEXT;
            f->name = decode(pool, p, (apr_size_t)((eq ? eq : stop) - p));
            f->value = eq ? decode(pool, eq + 1, (apr_size_t)(stop - eq - 1)) : "";
            if (!f->name || !f->value) {
                return oc_result_fail(res, OC_REASON_MALFORMED_BODY,
                                      "value %d is not percent-encoded UTF-8",
                                      (*form)->fields->nelts);
            }
        }
        p = stop + 1;
    }
    return APR_SUCCESS;
}

const oc_field_t *oc_form_get(const oc_form_t *form, const char *name)
{
    int i;

    for (i = 0; i < form->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(form->fields, i, oc_field_t);
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

int oc_form_count(const oc_form_t *form, const char *name)
{
    int i, n = 0;

    for (i = 0; i < form->fields->nelts; ++i) {
        n += strcmp(APR_ARRAY_IDX(form->fields, i, oc_field_t).name, name) == 0;
    }
    return n;
}

const char *oc_form_print(apr_pool_t *pool, const apr_table_t *pairs)
{
    const apr_array_header_t *rows = apr_table_elts(pairs);
    const char *out = "";
    int i;

    for (i = 0; i < rows->nelts; ++i) {
        const apr_table_entry_t *e = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);
        out = apr_pstrcat(pool, out, i ? "&" : "", oc_str_segment(pool, e->key), "=",
                          oc_str_segment(pool, e->val), NULL);
    }
    return out;
}
