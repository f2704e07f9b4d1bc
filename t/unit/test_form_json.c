/* Forms and JSON read into the same named values; hostile bodies refused by name. */
#include <apr_general.h>
#include <apr_strings.h>
#include "wire/json.h"
#include "tap.h"

static apr_pool_t *p;

static oc_reason_t form(const char *text, apr_size_t len, oc_form_t **f)
{
    oc_result_t res;
    oc_result_init(&res, p);
    oc_form_parse(p, text, len, f, &res);
    return res.reason;
}

static oc_reason_t json(const char *text, apr_size_t len, oc_form_t **f, oc_result_t *res)
{
    oc_result_init(res, p);
    oc_json_parse(p, text, len, f, res);
    return res->reason;
}
#define FORM(s) form(s, sizeof(s) - 1, &f)
#define JSON(s) json(s, sizeof(s) - 1, &f, &res)

int main(void)
{
    oc_form_t *f;
    oc_result_t res;
    oc_json_t *doc, *list;
    char big[9000];
    static char many[32768];
    int i, n;

    apr_initialize();
    apr_pool_create(&p, NULL);

    is_int(FORM("a=1+2&b=%C3%A9&a=x&&c"), OC_REASON_OK, "a form");
    is_str(oc_form_get(f, "a")->value, "1 2", "plus is a blank");
    is_str(oc_form_get(f, "b")->value, "\xc3\xa9", "UTF-8");
    is_str(oc_form_get(f, "c")->value, "", "a name alone");
    is_int(oc_form_count(f, "a"), 2, "double values are seen");
    ok(!oc_form_get(f, "d"), "%s", "absent is NULL");
    is_int(FORM("a=%"), OC_REASON_MALFORMED_BODY, "a broken escape");
    is_int(FORM("a=%ff"), OC_REASON_MALFORMED_BODY, "not UTF-8");
    is_int(FORM("a=%00"), OC_REASON_MALFORMED_BODY, "an escaped NUL");
    is_int(FORM("a=b\0c"), OC_REASON_MALFORMED_BODY, "a raw NUL");
    for (i = 0; i < 9000; i += 2) {
        memcpy(big + i, "a&", 2);
    }
    is_int(form(big, 9000, &f), OC_REASON_MALFORMED_BODY, "too many values");

    is_int(JSON("{\"a\":\"x\",\"n\":15,\"t\":true,\"l\":[\"p\",\"q\"],\"e\":[],\"z\":null}"),
           OC_REASON_OK, "an object");
    is_str(oc_form_get(f, "n")->value, "15", "an integer as text");
    is_int(oc_form_get(f, "n")->kind, OC_VALUE_NUMBER, "of kind number");
    is_str(oc_form_get(f, "t")->value, "1", "true");
    is_int(oc_form_count(f, "l"), 2, "a list is several values");
    is_int(oc_form_get(f, "e")->kind, OC_VALUE_NULL, "an empty list is null, not absent");
    is_int(JSON("[1]"), OC_REASON_MALFORMED_BODY, "an array is no object");
    is_int(JSON("{\"a\":1,\"a\":2}"), OC_REASON_MALFORMED_BODY, "a member twice");
    is_int(JSON("{\"a\":1"), OC_REASON_MALFORMED_BODY, "truncated");
    is_int(JSON("{\"a\":1}x"), OC_REASON_MALFORMED_BODY, "trailing bytes");
    is_int(JSON("{\"a\":{}}"), OC_REASON_INVALID_INPUT, "an object as value");
    is_str(res.field, "a", "names the member");
    is_int(JSON("{\"a\":1.5}"), OC_REASON_INVALID_INPUT, "a fraction");
    is_int(JSON("{\"a\":\"x\\u0000y\"}"), OC_REASON_MALFORMED_BODY, "NUL in a string");
    is_int(JSON("{\"a\":\"\xff\"}"), OC_REASON_MALFORMED_BODY, "not UTF-8");
    is_int(JSON("{\"a\":99999999999999999999}"), OC_REASON_MALFORMED_BODY, "an integer too large");
    memset(big, '[', sizeof(big));
    is_int(json(big, sizeof(big), &f, &res), OC_REASON_MALFORMED_BODY, "too deep");
    n = 0;
    for (i = 0; i <= OC_FORM_MAX_FIELDS; ++i) {
        n += apr_snprintf(many + n, sizeof(many) - (apr_size_t)n, "%s\"%d\":[]", i ? "," : "{", i);
    }
    many[n++] = '}';
    is_int(json(many, (apr_size_t)n, &f, &res), OC_REASON_MALFORMED_BODY,
           "too many members, if only with empty lists");
    is_int(JSON("{\"a\":\"[[[[[[[[\"}"), OC_REASON_OK, "brackets in a text do not count");

    doc = oc_json_object(p);
    oc_json_text(doc, "s", "a\"</script>\xff");
    oc_json_int(doc, "n", -3);
    oc_json_bool(doc, "b", 1);
    oc_json_text(doc, "z", NULL);
    list = oc_json_add_array(doc, "l");
    oc_json_text(oc_json_add_object(list, NULL), "x", "\xc3\xa9\xe2\x82");
    is_str(oc_json_print(doc, p),
           "{\n  \"s\": \"a\\\"\\u003c/script>\xEF\xBF\xBD\",\n  \"n\": -3,\n  \"b\": true,\n  "
           "\"z\": null,\n"
           "  \"l\": [\n    {\n      \"x\": \"\xc3\xa9\xEF\xBF\xBD\xEF\xBF\xBD\"\n    }\n  ]\n}\n",
           "a document, escaped, never broken UTF-8");
    return done_testing();
}
