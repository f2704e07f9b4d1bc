/* Any text as a literal of a SEARCH and as an element's text: the document is well-formed, and says
 * to a reader what was meant, neither less nor more. */
#include "fuzz.h"
#include "wire/dav.h"
#include "wire/xml.h"

static const oc_dav_prop_t props[] = {{"urn:x:", "subject", OC_DAV_STRING}};
static const oc_dav_schema_t schema = {props, 1};

typedef struct reading_t {
    apr_pool_t *pool;
    const char *text; /* of the element in state 3 */
    int elements;
} reading_t;

static apr_status_t on_open(void *baton, int state, const char *ns, const char *name)
{
    (void)state, (void)ns, (void)name;
    ((reading_t *)baton)->elements++;
    return APR_SUCCESS;
}

static apr_status_t on_close(void *baton, int state, const char *ns, const char *name,
                             const char *text, apr_size_t len)
{
    reading_t *r = baton;

    (void)ns, (void)name;
    must(strlen(text) == len);
    if (state == 3) {
        r->text = apr_pstrmemdup(r->pool, text, len);
    }
    return APR_SUCCESS;
}

/* The text of the innermost element; `elements` is how many there must be, and no others. */
static const char *read_back(apr_pool_t *pool, const char *doc, apr_size_t len, int depth)
{
    static const oc_xml_row_t rows[] = {{0, OC_XML_ANY, OC_XML_ANY, 1, 0},
                                        {1, OC_XML_ANY, OC_XML_ANY, 2, 0},
                                        {2, OC_XML_ANY, OC_XML_ANY, 4, 0},
                                        {4, OC_XML_ANY, OC_XML_ANY, 3, OC_XML_TEXT},
                                        {3, OC_XML_ANY, OC_XML_ANY, 5, 0},
                                        {0, NULL, NULL, 0, 0}};
    static const oc_xml_row_t flat[] = {{0, OC_XML_ANY, OC_XML_ANY, 1, 0},
                                        {1, OC_XML_ANY, OC_XML_ANY, 3, OC_XML_TEXT},
                                        {3, OC_XML_ANY, OC_XML_ANY, 5, 0},
                                        {0, NULL, NULL, 0, 0}};
    reading_t r = {pool, NULL, 0};
    oc_xml_sink_t sink = {on_open, on_close, &r};
    oc_xml_t *xml = oc_xml_open(pool, depth == 2 ? flat : rows, &sink, NULL);
    oc_result_t res;

    must(strlen(doc) == len);
    oc_result_init(&res, pool);
    must(oc_xml_feed(xml, doc, len, &res) == APR_SUCCESS);
    must(oc_xml_end(xml, &res) == APR_SUCCESS);
    must(r.text && r.elements == depth);
    return r.text;
}

/* 1 if XML can hold it as it is. */
static int plain(const char *s)
{
    return oc_str_utf8(s, strlen(s)) && !oc_str_control(s, "\t\r\n") &&
           !strstr(s, "\xEF\xBF\xBE") && !strstr(s, "\xEF\xBF\xBF");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int wanted[] = {0, OC_DAV_END};
    oc_dav_where_t where = {0, "=", NULL, 0, 0};
    oc_dav_set_t set = {0, NULL};
    const char *text, *doc, *back;
    apr_size_t len;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);

    set.value = text;
    doc = oc_dav_proppatch(pool, &schema, &set, 1, &len);
    back = read_back(pool, doc, len, 4);
    must(!plain(text) || !strcmp(back, text));

    where.text = text;
    doc = oc_dav_search(pool, &schema, wanted, &where, 1, OC_DAV_END, &len);
    back = read_back(pool, doc, len, 2);
    back = strstr(back, "\"urn:x:subject\" = '");
    must(back);
    back += strlen("\"urn:x:subject\" = '");
    if (plain(text)) { /* what SQL makes of the literal; it ends where the statement ends */
        for (; *text; text++) {
            must(*back++ == *text);
            must(*text != '\'' || *back++ == '\'');
        }
        must(!strcmp(back, "'"));
    } else {
        for (; *back != '\'' || *++back == '\''; back++) {
            must(*back);
        }
        must(!*back);
    }
    apr_pool_destroy(pool);
    return 0;
}
