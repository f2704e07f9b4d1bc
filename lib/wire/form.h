/* form.h - what a person or program sent, as named values: application/x-www-form-urlencoded both
 * ways. JSON bodies are read into the same shape by wire/json.h. Bounded, UTF-8 only. Any thread.
 */
#ifndef OC_WIRE_FORM_H
#define OC_WIRE_FORM_H

#include "base/result.h"
#include <apr_tables.h>

typedef enum oc_value_kind_t {
    OC_VALUE_TEXT,
    OC_VALUE_NUMBER,
    OC_VALUE_BOOL,
    OC_VALUE_NULL
} oc_value_kind_t;

typedef struct oc_field_t {
    const char *name, *value; /* NUL-terminated UTF-8; bool: "1" or "0"; null: "" */
    oc_value_kind_t kind;     /* forms know text only */
} oc_field_t;

typedef struct oc_form_t {
    apr_array_header_t *fields; /* oc_field_t, in the order sent; a name may stand several times */
} oc_form_t;

#define OC_FORM_MAX_FIELDS 2048 /* values in one request, list members counted */

/* Parse a body or a query. Fails with MALFORMED_BODY: a broken escape, a NUL, bytes that are not
 * UTF-8, more than OC_FORM_MAX_FIELDS values. '+' is a blank. */
apr_status_t oc_form_parse(apr_pool_t *pool, const char *data, apr_size_t len, oc_form_t **form,
                           oc_result_t *res);
oc_form_t *oc_form_create(apr_pool_t *pool);
/* One more field, of a text that the form does not copy; without one (NULL) nothing is added. */
void oc_form_put(oc_form_t *form, const char *name, const char *value);
/* First value of that name, or NULL. */
const oc_field_t *oc_form_get(const oc_form_t *form, const char *name);
int oc_form_count(const oc_form_t *form, const char *name);
/* "name=value&..." of a table, percent-encoded. */
const char *oc_form_print(apr_pool_t *pool, const apr_table_t *pairs);

#endif
