/* The XML reader and writer: what is read, what is tolerated, and that everything else fails. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wire/xml.h"

static apr_pool_t *pool;

/* <list xmlns="L"><item><name>..</name><any/></item></list> */
enum { ROOT, LIST, ITEM, NAME, VALUE };
static const oc_xml_row_t rows[] = {
    {ROOT, "L", "list", LIST, 0},
    {LIST, "L", "item", ITEM, 0},
    {ITEM, "L", "name", NAME, OC_XML_TEXT},
    {NAME, "xml:", "v", VALUE, OC_XML_TEXT},
    {ITEM, OC_XML_ANY, "0x8218", VALUE, OC_XML_TEXT},
    {0, NULL, NULL, 0, 0},
};

typedef struct seen_t {
    char text[65536];
    int opened, closed, refuse;
} seen_t;

static apr_status_t on_open(void *baton, int state, const char *ns, const char *name)
{
    (void)state, (void)ns, (void)name;
    ((seen_t *)baton)->opened++;
    return APR_SUCCESS;
}

static apr_status_t on_close(void *baton, int state, const char *ns, const char *name,
                             const char *text, apr_size_t len)
{
    seen_t *seen = baton;
    apr_size_t used = strlen(seen->text);

    (void)len;
    seen->closed++;
    if (seen->refuse) {
        return APR_EOF;
    }
    if (state >= NAME && used + strlen(text) < sizeof(seen->text) - 200) {
        sprintf(seen->text + used, "%s%s=%s;", !strcmp(ns, "N") ? "N:" : "", name, text);
    }
    return APR_SUCCESS;
}

static seen_t seen;
static oc_result_t res;

/* Reads a document in blocks of `step` bytes; APR_SUCCESS if every call succeeded. */
static apr_status_t read_in(const char *doc, apr_size_t len, apr_size_t step,
                            const oc_xml_limits_t *limits)
{
    oc_xml_sink_t sink = {on_open, on_close, &seen};
    apr_pool_t *sub;
    oc_xml_t *x;
    apr_size_t i;
    apr_status_t rv = APR_SUCCESS;
    int refuse = seen.refuse;

    memset(&seen, 0, sizeof(seen));
    seen.refuse = refuse;
    oc_result_init(&res, pool);
    apr_pool_create(&sub, pool);
    x = oc_xml_open(sub, rows, &sink, limits);
    for (i = 0; i < len && rv == APR_SUCCESS; i += step) {
        rv = oc_xml_feed(x, doc + i, len - i < step ? len - i : step, &res);
    }
    if (rv == APR_SUCCESS) {
        rv = oc_xml_end(x, &res);
    }
    apr_pool_destroy(sub);
    return rv;
}

static apr_status_t read_doc(const char *doc)
{
    return read_in(doc, strlen(doc), 4096, NULL);
}

static const char plain[] =
    "\xEF\xBB\xBF<?xml version=\"1.0\"?>\r\n<q:list xmlns:q=\"L\" xmlns:c=\"xml:\">"
    "<q:skip><q:item><q:name>no</q:name></q:item></q:skip>"
    "<q:item><q:name a=\"1\">a &amp; b&#233;<c:v>in</c:v>!</q:name><!-- x --><q:other>no</q:other>"
    "</q:item><q:item><q:name><![CDATA[<&>]]></q:name></q:item></q:list>\n";

static void test_plain(void)
{
    apr_size_t step;
    int same = 1;

    is_int(read_doc(plain), APR_SUCCESS, "a document is read");
    is_str(seen.text, "v=in;name=a & b\xC3\xA9!;name=<&>;",
           "text, references, CDATA, nested text; what no row names is skipped with its content");
    is_int(seen.opened, seen.closed, "each element opened is closed");
    for (step = 1; step < 40; ++step) {
        same = same && read_in(plain, strlen(plain), step, NULL) == APR_SUCCESS
               && !strcmp(seen.text, "v=in;name=a & b\xC3\xA9!;name=<&>;");
    }
    ok(same, "the same in blocks of 1 to 39 bytes");
}

static void test_cut(void)
{
    apr_size_t len = strlen(plain), whole = len - 1, n; /* the line end after the root may go */
    int bad = 0;

    for (n = 0; n < whole; ++n) {
        if (read_in(plain, n, 7, NULL) == APR_SUCCESS
            || res.reason != OC_REASON_UPSTREAM_PROTOCOL) {
            diag("cut at %d was taken", (int)n);
            ++bad;
        }
    }
    is_int(bad, 0, "cut at each of %d bytes it fails as a protocol error", (int)whole);
}

static void test_damage(void)
{
    static const char doc[] =
        "<l:list xmlns:l='L' xmlns:h='http://schemas.microsoft.com/mapi/id/{00062002-0000}/'>"
        "<l:item><h:0x8218 l:dt='int'>3</h:0x8218><h:0x8219/>"
        "<l:name>a&#x1;&amp;&#31;b&#x0;&lt;&#xD83D;&#10;c</l:name></l:item></l:list>";
    apr_size_t step;
    int same = 1;

    is_int(read_doc(doc), APR_SUCCESS, "names with a leading digit and control references pass");
    is_str(seen.text, "0x8218=3;name=a&b<\nc;",
           "the name is whole, control characters are left out, later references are kept");
    for (step = 1; step < 30; ++step) {
        same = same && read_in(doc, strlen(doc), step, NULL) == APR_SUCCESS
               && !strcmp(seen.text, "0x8218=3;name=a&b<\nc;");
    }
    ok(same, "wherever blocks are cut");
    is_int(read_doc("<list xmlns='L' xmlns:h='N'><item><h:0x8218>1</h:0x8218>"
                    "<h:_x0030_x8218>2</h:_x0030_x8218></item></list>"),
           APR_SUCCESS, "both spellings of a digit name");
    is_str(seen.text, "N:0x8218=1;N:0x8218=2;", "are one, in their namespace");
}

static void test_hostile(void)
{
    static const struct {
        const char *doc, *what;
    } bad[] = {
        {"", "an empty reply"},
        {"   \n", "white space only"},
        {"just text", "text"},
        {"<!DOCTYPE list><list xmlns='L'/>", "a DOCTYPE"},
        {"<!DOCTYPE list [<!ENTITY a 'x'>]><list xmlns='L'><item><name>&a;</name></item></list>",
         "an internal entity"},
        {"<!DOCTYPE l [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
         "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]><list xmlns='L'>&c;</list>",
         "an entity bomb"},
        {"<!DOCTYPE l [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><list xmlns='L'>&a;</list>",
         "an external entity"},
        {"<list xmlns='L'><item><name>&lol;</name></item></list>", "an undeclared entity"},
        {"<list xmlns='L'><item><name>x</item></list>", "tags that cross"},
        {"<list xmlns='L'></list><list/>", "two roots"},
        {"<list xmlns='L'></list>trailing", "text after the root"},
        {"<q:list></q:list>", "an undeclared prefix"},
        {"<list xmlns='L' a='1' a='2'/>", "an attribute twice"},
        {"<list xmlns='L'><item><name>\x01</name></item></list>", "a raw control character"},
        {"<list xmlns='L'><item><name>caf\xE9</name></item></list>", "bytes that are not UTF-8"},
        {"<list xmlns='L'><item a=b/></list>", "an attribute without quotes"},
        {"<html><head><title>Logon</title><br></head></html>", "HTML"},
        {"<list xmlns='L'><item><name>&#x110000;</name></item></list>x", "rubbish"},
    };
    apr_size_t i, step;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        int taken = 0;
        for (step = 1; step < 2000; step = step * 5 + 1) {
            taken += read_in(bad[i].doc, strlen(bad[i].doc), step, NULL) == APR_SUCCESS
                     || res.reason != OC_REASON_UPSTREAM_PROTOCOL;
        }
        ok(!taken, "%s fails as a protocol error", bad[i].what);
    }
    is_int(read_doc("<?xml version='1.0' encoding='iso-8859-2'?>"
                    "<list xmlns='L'><item><name>N\xC3\xA9v</name></item></list>"),
           APR_SUCCESS, "a wrong charset declaration does no harm");
    is_str(seen.text, "name=N\xC3\xA9v;", "since the text is UTF-8 whatever is declared");
    seen.refuse = 1;
    is_int(read_doc(plain), APR_EOF, "the sink's own status ends the reading and is returned");
    is_int(res.reason, OC_REASON_OK, "without a reason of the reader's");
    seen.refuse = 0;
}

static char *repeat(const char *head, const char *unit, int times, const char *tail)
{
    apr_size_t n = strlen(unit);
    char *doc = malloc(strlen(head) + n * (apr_size_t)times + strlen(tail) + 1), *o = doc;

    o += sprintf(o, "%s", head);
    for (; times > 0; --times, o += n) {
        memcpy(o, unit, n);
    }
    strcpy(o, tail);
    return doc;
}

static void test_limits(void)
{
    oc_xml_limits_t limits = {0};
    char *doc;

    doc = repeat("<list xmlns='L'>", "<a>", 40, "");
    ok(read_in(doc, strlen(doc), 4096, NULL) != APR_SUCCESS && res.detail
           && strstr(res.detail, "deeply"), "40 levels are too deep");
    free(doc);
    doc = repeat("<list xmlns='L'>", "<a>", 5000, "");
    ok(read_in(doc, strlen(doc), 4096, NULL) != APR_SUCCESS, "5,000 levels are refused");
    is_int(res.reason, OC_REASON_UPSTREAM_PROTOCOL, "as a protocol error");
    free(doc);

    doc = repeat("<list xmlns='L'><item><name>", "0123456789abcdef", 1 << 17,
                 "</name></item></list>");
    ok(read_in(doc, strlen(doc), 4096, NULL) != APR_SUCCESS, "2 MB of text in an element: refused");
    is_int(res.reason, OC_REASON_UPSTREAM_TOO_LARGE, "as too large");
    free(doc);

    doc = repeat("<list xmlns='L' a='", "0123456789abcdef", 1 << 18, "'/>");
    ok(read_in(doc, strlen(doc), 16384, NULL) != APR_SUCCESS, "a start tag of 4 MB is refused");
    free(doc);

    doc = repeat("<list xmlns='L'>", "<skip/>", 200000, "</list>");
    is_int(read_in(doc, strlen(doc), 16384, NULL), APR_SUCCESS, "many skipped elements are fine");
    limits.total = 100000;
    ok(read_in(doc, strlen(doc), 16384, &limits) != APR_SUCCESS, "but not past the total");
    is_int(res.reason, OC_REASON_UPSTREAM_TOO_LARGE, "as too large");
    free(doc);

    {
        char many[8192] = "<list xmlns='L' ";
        int i;
        for (i = 0; i < 100; ++i) {
            sprintf(many + strlen(many), "a%d='' ", i);
        }
        strcat(many, "/>");
        ok(read_doc(many) != APR_SUCCESS, "a hundred attributes are refused");
    }
}

static void test_writer(void)
{
    static const oc_xml_ns_t known[] = {{"D", "DAV:"}, {"m", "M{}"}, {NULL, NULL}};
    oc_xml_writer_t *w = oc_xml_writer(pool, known);
    const char *doc;
    apr_size_t len;

    oc_xml_start(w, "DAV:", "set");
    oc_xml_element(w, "DAV:", "a", "1 < 2 & \"3\" > '4'\r\n\x01\xFF\xEF\xBF\xBE");
    oc_xml_start(w, "M{}", "0x23");
    oc_xml_attr(w, "T", "dt", "a\"b<c");
    oc_xml_stop(w);
    oc_xml_element(w, "X", "y", "");
    oc_xml_element(w, "", "bare", "z");
    doc = oc_xml_finish(w, &len);
    is_str(doc,
           "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
           "<D:set xmlns:D=\"DAV:\" xmlns:m=\"M{}\"><D:a>1 &lt; 2 &amp; &#34;3&#34; &gt; "
           "&#39;4&#39;"
           "&#13;\n\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD</D:a>"
           "<m:_x0030_x23 xmlns:n1=\"T\" n1:dt=\"a&#34;b&lt;c\"/><n2:y xmlns:n2=\"X\"></n2:y>"
           "<bare>z</bare></D:set>\n",
           "elements, attributes and text are escaped, namespaces declared");
    is_int((int)len, (int)strlen(doc), "and counted");
}

/* A megabyte of `more` between two pieces. */
static apr_status_t read_much(const char *head, const char *more, const char *tail, apr_size_t step)
{
    static char doc[1100000];
    apr_size_t n = (apr_size_t)sprintf(doc, "%s", head), len = strlen(more);

    for (int i = 0; n + len + 100 < 1000000; ++i) {
        n += *more == ' ' ? (apr_size_t)sprintf(doc + n, " a%x=''", (unsigned)i)
                          : (apr_size_t)sprintf(doc + n, "%s", more);
    }
    n += (apr_size_t)sprintf(doc + n, "%s", tail);
    return read_in(doc, n, step, NULL);
}

static void test_much(void)
{
    static const char head[] = "<list xmlns='L'><item><name>", tail[] = "</name></item></list>";
    static const char open[] = "<list xmlns='L'><item";

    for (apr_size_t step = 4096; step < 2000000; step += 1500000) {
        ok(!read_much(head, "a b", tail, step), "a long text");
        ok(!read_much(head, "\xc3\xa9 ", tail, step), "one that is not ASCII");
        ok(!read_much(head, "<x/>", tail, step), "many elements");
        ok(!read_much("<list xmlns='L'><item><name><![CDATA[", "b", "]]></name></item></list>",
                      step),
           "a long piece of CDATA");
        ok(read_much(open, " ", "/></list>", step), "a tag with attributes without end");
        is_str(oc_reason_token(res.reason), "upstream-protocol", "is refused");
        ok(read_much("<!--", "x", "--><list xmlns='L'/>", step), "so is a comment");
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_plain();
    test_cut();
    test_damage();
    test_hostile();
    test_limits();
    test_writer();
    test_much();
    apr_terminate();
    return done_testing();
}
