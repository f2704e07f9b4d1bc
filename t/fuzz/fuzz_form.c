/* Any body or query: what is taken is UTF-8 and bounded, and prints and parses to the same. */
#include "fuzz.h"
#include "wire/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oc_form_t *form, *again;
    apr_table_t *pairs;
    apr_pool_t *pool;
    oc_result_t res;
    const char *text;

    apr_pool_create(&pool, NULL);
    oc_result_init(&res, pool);
    if (oc_form_parse(pool, (const char *)data, size, &form, &res) != APR_SUCCESS) {
        must(res.reason == OC_REASON_MALFORMED_BODY);
        goto leave;
    }
    must(res.reason == OC_REASON_OK && form->fields->nelts <= OC_FORM_MAX_FIELDS);
    pairs = apr_table_make(pool, 16);
    for (int i = 0; i < form->fields->nelts; i++) {
        const oc_field_t *f = &APR_ARRAY_IDX(form->fields, i, oc_field_t);
        must(oc_str_utf8(f->name, strlen(f->name)) && oc_str_utf8(f->value, strlen(f->value)));
        must(f->kind == OC_VALUE_TEXT);
        must(oc_form_get(form, f->name) && oc_form_count(form, f->name) > 0);
        apr_table_addn(pairs, f->name, f->value);
    }
    text = oc_form_print(pool, pairs);
    must(oc_form_parse(pool, text, strlen(text), &again, &res) == APR_SUCCESS);
    must(again->fields->nelts == form->fields->nelts);
    for (int i = 0; i < form->fields->nelts; i++) {
        const oc_field_t *a = &APR_ARRAY_IDX(form->fields, i, oc_field_t);
        const oc_field_t *b = &APR_ARRAY_IDX(again->fields, i, oc_field_t);
        must(!strcmp(a->name, b->name) && !strcmp(a->value, b->value));
    }

leave:
    apr_pool_destroy(pool);
    return 0;
}
