/* json.c - the only file that names jansson. */
#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include <jansson.h>

#include "base/str.h"
#include "wire/json.h"

/* ---- in ---- */

/* Depth is bounded before the parser recurses; brackets inside strings do not count. */
static int too_deep(const char *data, apr_size_t len)
{
    int depth = 0, in_string = 0;
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        if (in_string) {
            if (data[i] == '\\') {
                ++i;
            } else if (data[i] == '"') {
                in_string = 0;
            }
        } else if (data[i] == '"') {
            in_string = 1;
        } else if (data[i] == '{' || data[i] == '[') {
            if (++depth > OC_JSON_DEPTH) {
                return 1;
            }
        } else if (data[i] == '}' || data[i] == ']') {
            --depth;
        }
    }
    return 0;
}

static apr_status_t add_value(apr_pool_t *pool, oc_form_t *form, const char *name, const json_t *v,
                              oc_result_t *res)
{
    oc_field_t *f;

    if (form->fields->nelts >= OC_FORM_MAX_FIELDS) {
        return oc_result_fail(res, OC_REASON_MALFORMED_BODY, "more than %d values",
                              OC_FORM_MAX_FIELDS);
    }
    f = apr_array_push(form->fields);
    f->name = apr_pstrdup(pool, name);
    f->value = "";
    switch (json_typeof(v)) {
    case JSON_STRING:
        f->kind = OC_VALUE_TEXT;
        f->value = apr_pstrdup(pool, json_string_value(v));
        if (strlen(f->value) != json_string_length(v)) {
            return oc_result_field(res, OC_REASON_INVALID_INPUT, name, "holds a NUL character");
        }
        return APR_SUCCESS;
    case JSON_INTEGER:
        f->kind = OC_VALUE_NUMBER;
        f->value = apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(v));
        return APR_SUCCESS;
    case JSON_TRUE:
    case JSON_FALSE:
        f->kind = OC_VALUE_BOOL;
        f->value = json_is_true(v) ? "1" : "0";
        return APR_SUCCESS;
    case JSON_NULL:
        f->kind = OC_VALUE_NULL;
        return APR_SUCCESS;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_REAL:
        break;
    }
    return oc_result_field(res, OC_REASON_INVALID_INPUT, name,
                           "a text, an integer, true, false or a list of them is wanted");
}

apr_status_t oc_json_parse(apr_pool_t *pool, const char *data, apr_size_t len, oc_form_t **form,
                           oc_result_t *res)
{
    apr_status_t rv = APR_SUCCESS;
    json_error_t error;
    json_t *doc, *value;
    const char *name;

    *form = oc_form_create(pool);
    if (too_deep(data, len)) {
        return oc_result_fail(res, OC_REASON_MALFORMED_BODY, "JSON nested deeper than %d",
                              OC_JSON_DEPTH);
    }
    doc = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);
    if (!doc) {
        return oc_result_fail(res, OC_REASON_MALFORMED_BODY, "not JSON: %s (line %d)", error.text,
                              error.line);
    }
    if (!json_is_object(doc)) {
        rv = oc_result_fail(res, OC_REASON_MALFORMED_BODY, "a JSON object is wanted");
        goto leave;
    }
    json_object_foreach(doc, name, value)
    {
        size_t i;
        json_t *member;

        if (!json_is_array(value)) {
            if ((rv = add_value(pool, *form, name, value, res)) != APR_SUCCESS) {
                goto leave;
            }
            continue;
        }
        json_array_foreach(value, i, member)
        {
            if ((rv = add_value(pool, *form, name, member, res)) != APR_SUCCESS) {
                goto leave;
            }
        }
        if (json_array_size(value) == 0 /* "none" is something else than "not said" */
            && (rv = add_value(pool, *form, name, json_null(), res)) != APR_SUCCESS) {
            goto leave;
        }
    }

leave:
    json_decref(doc);
    return rv;
}

/* ---- out ---- */

struct oc_json_t {
    apr_pool_t *pool;
    json_t *value; /* the outermost one owns the tree */
};

static apr_status_t free_tree(void *data)
{
    json_decref(data);
    return APR_SUCCESS;
}

static oc_json_t *wrap(apr_pool_t *pool, json_t *value)
{
    oc_json_t *doc = apr_palloc(pool, sizeof(*doc));

    doc->pool = pool;
    doc->value = value;
    return doc;
}

oc_json_t *oc_json_object(apr_pool_t *pool)
{
    oc_json_t *doc = wrap(pool, json_object());

    apr_pool_cleanup_register(pool, doc->value, free_tree, apr_pool_cleanup_null);
    return doc;
}

oc_json_t *oc_json_array(apr_pool_t *pool)
{
    oc_json_t *doc = wrap(pool, json_array());

    apr_pool_cleanup_register(pool, doc->value, free_tree, apr_pool_cleanup_null);
    return doc;
}

static void add(oc_json_t *in, const char *name, json_t *value)
{
    if (name) {
        json_object_set_new(in->value, name, value);
    } else {
        json_array_append_new(in->value, value);
    }
}

/* Text of the calendar server may hold anything; jansson refuses what is not UTF-8. */
static const char *as_utf8(apr_pool_t *pool, const char *s)
{
    apr_array_header_t *out;
    apr_size_t len = strlen(s), i = 0;

    if (oc_str_utf8(s, len)) {
        return s;
    }
    out = apr_array_make(pool, (int)len + 16, 1);
    while (i < len) {
        apr_size_t n = 1;
        while (n <= 4 && i + n <= len && !oc_str_utf8(s + i, n)) {
            ++n;
        }
        if (n <= 4 && i + n <= len) {
            *(char *)apr_array_push(out) = s[i];
            while (--n > 0) {
                ++i;
                *(char *)apr_array_push(out) = s[i];
            }
        } else {
            *(char *)apr_array_push(out) = '\xEF';
            *(char *)apr_array_push(out) = '\xBF';
            *(char *)apr_array_push(out) = '\xBD';
        }
        ++i;
    }
    *(char *)apr_array_push(out) = '\0';
    return out->elts;
}

/* The same text once more, as in a row of slots: the value is shared. jansson's texts are constant.
 */
static int add_again(oc_json_t *in, const char *value)
{
    size_t n = json_array_size(in->value);
    json_t *last = n ? json_array_get(in->value, n - 1) : NULL;
    const char *text = last ? json_string_value(last) : NULL;

    return text && strcmp(text, value) == 0 && json_array_append(in->value, last) == 0;
}

void oc_json_text(oc_json_t *in, const char *name, const char *value)
{
    if (!name && value && add_again(in, value)) {
        return;
    }
    add(in, name, value ? json_string(as_utf8(in->pool, value)) : json_null());
}

void oc_json_int(oc_json_t *in, const char *name, apr_int64_t value)
{
    add(in, name, json_integer(value));
}

void oc_json_bool(oc_json_t *in, const char *name, int value)
{
    add(in, name, json_boolean(value));
}

oc_json_t *oc_json_add_object(oc_json_t *in, const char *name)
{
    json_t *value = json_object();

    add(in, name, value);
    return wrap(in->pool, value);
}

oc_json_t *oc_json_add_array(oc_json_t *in, const char *name)
{
    json_t *value = json_array();

    add(in, name, value);
    return wrap(in->pool, value);
}

const char *oc_json_print(oc_json_t *doc, apr_pool_t *pool)
{
    char *text = json_dumps(doc->value, JSON_INDENT(2));
    const char *out = NULL;

    if (text) {
        apr_size_t lt = 0;
        const char *p, *next;
        char *o;

        for (p = text; (p = strchr(p, '<')) != NULL; ++p) {
            ++lt;
        }
        /* "<" as an escape, so that the text may stand anywhere in a page. */
        out = o = apr_palloc(pool, strlen(text) + lt * 5 + 2);
        for (p = text; (next = strchr(p, '<')) != NULL; p = next + 1) {
            memcpy(o, p, (size_t)(next - p));
            o += next - p;
            memcpy(o, "\\u003c", 6);
            o += 6;
        }
        memcpy(o, p, strlen(p));
        o += strlen(p);
        *o++ = '\n';
        *o = '\0';
        free(text);
    }
    return out;
}
