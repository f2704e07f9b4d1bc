/* Any body, read as JSON; what was read, and the bytes themselves as a text, written and read
 * again. Written documents hold no '<' at all: they may stand in a script element. */
#include "fuzz.h"
#include "wire/json.h"

static oc_form_t *read_back(apr_pool_t *pool, oc_json_t *doc)
{
    const char *text = oc_json_print(doc, pool);
    oc_form_t *form;
    oc_result_t res;

    must(text && !strchr(text, '<') && oc_str_utf8(text, strlen(text)));
    oc_result_init(&res, pool);
    must(oc_json_parse(pool, text, strlen(text), &form, &res) == APR_SUCCESS);
    return form;
}

static void write_value(oc_json_t *list, const oc_field_t *f)
{
    switch (f->kind) {
    case OC_VALUE_TEXT:
        oc_json_text(list, NULL, f->value);
        break;
    case OC_VALUE_NUMBER:
        oc_json_int(list, NULL, apr_strtoi64(f->value, NULL, 10));
        break;
    case OC_VALUE_BOOL:
        oc_json_bool(list, NULL, *f->value == '1');
        break;
    case OC_VALUE_NULL:
        oc_json_text(list, NULL, NULL);
        break;
    }
}

/* A text as it should come back: each byte that is not UTF-8 has become U+FFFD, all else stays. */
static const char *mended(apr_pool_t *pool, const char *s)
{
    char *out = apr_palloc(pool, strlen(s) * 3 + 1), *o = out;

    while (*s) {
        size_t n = 1, left = strlen(s);
        while (n <= 4 && n <= left && !oc_str_utf8(s, n)) {
            ++n;
        }
        if (n > 4 || n > left) {
            memcpy(o, "\xEF\xBF\xBD", 3);
            o += 3;
            ++s;
        } else {
            memcpy(o, s, n);
            o += n;
            s += n;
        }
    }
    *o = '\0';
    return out;
}

static void parsed(apr_pool_t *pool, const char *data, size_t size)
{
    oc_form_t *form, *again;
    oc_json_t *doc, *list;
    oc_result_t res;

    oc_result_init(&res, pool);
    if (oc_json_parse(pool, data, size, &form, &res) != APR_SUCCESS) {
        must(res.reason == OC_REASON_MALFORMED_BODY || res.reason == OC_REASON_INVALID_INPUT);
        return;
    }
    must(res.reason == OC_REASON_OK && form->fields->nelts <= OC_FORM_MAX_FIELDS);
    doc = oc_json_object(pool);
    list = oc_json_add_array(doc, "all");
    for (int i = 0; i < form->fields->nelts; i++) {
        const oc_field_t *f = &APR_ARRAY_IDX(form->fields, i, oc_field_t);
        must(oc_str_utf8(f->name, strlen(f->name)) && oc_str_utf8(f->value, strlen(f->value)));
        write_value(list, f);
    }
    again = read_back(pool, doc);
    must(again->fields->nelts == (form->fields->nelts ? form->fields->nelts : 1));
    for (int i = 0; i < form->fields->nelts; i++) {
        const oc_field_t *a = &APR_ARRAY_IDX(form->fields, i, oc_field_t);
        const oc_field_t *b = &APR_ARRAY_IDX(again->fields, i, oc_field_t);
        must(a->kind == b->kind && !strcmp(a->value, b->value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    oc_form_t *again;
    oc_json_t *doc;
    const char *text;

    apr_pool_create(&pool, NULL);
    parsed(pool, (const char *)data, size);

    text = apr_pstrmemdup(pool, (const char *)data, size);
    doc = oc_json_object(pool);
    oc_json_text(doc, "text", text);
    again = read_back(pool, doc);
    must(again->fields->nelts == 1);
    must(!strcmp(oc_form_get(again, "text")->value, mended(pool, text)));
    apr_pool_destroy(pool);
    return 0;
}
