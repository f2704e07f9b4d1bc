/* json.h - JSON in and out, with limits. json.c is the only file that names jansson. Any thread.
 *
 * In: a flat object of scalars and arrays of scalars becomes the same named values as a form
 * (wire/form.h), so that both kinds of request are checked by the same code. Out: a document is
 * built from values owned by a pool. */
#ifndef OC_WIRE_JSON_H
#define OC_WIRE_JSON_H

#include "wire/form.h"

#define OC_JSON_DEPTH 4 /* deeper input is refused before it is parsed */

/* Fails with MALFORMED_BODY (no JSON object, a member twice, too deep, too many values) or
 * INVALID_INPUT naming the member (an object where a value is wanted). Numbers come as their text;
 * integers only. */
apr_status_t oc_json_parse(apr_pool_t *pool, const char *data, apr_size_t len, oc_form_t **form,
                           oc_result_t *res);

typedef struct oc_json_t oc_json_t; /* an object or array under construction */

oc_json_t *oc_json_object(apr_pool_t *pool);
oc_json_t *oc_json_array(apr_pool_t *pool);
/* Members of an object; name NULL when `in` is an array. Text that is not UTF-8 has U+FFFD put in;
 * NULL text becomes null. */
void oc_json_text(oc_json_t *in, const char *name, const char *value);
void oc_json_int(oc_json_t *in, const char *name, apr_int64_t value);
void oc_json_bool(oc_json_t *in, const char *name, int value);
oc_json_t *oc_json_add_object(oc_json_t *in, const char *name);
oc_json_t *oc_json_add_array(oc_json_t *in, const char *name);
/* The document, members in the order they were added, in the pool. "</" is safe in HTML. NULL only
 * when memory is out. */
const char *oc_json_print(oc_json_t *doc, apr_pool_t *pool);

#endif
