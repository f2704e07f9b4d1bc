/* WebDAV bodies: multistatus replies in every shape, hostile ones included, and the requests. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wire/dav.h"

static apr_pool_t *pool;

enum { SUBJECT, START, TYPE, ALLDAY, GOID, WORDS, LOCATION, COUNT };
static const oc_dav_prop_t props[] = {
    {"urn:schemas:httpmail:", "subject", OC_DAV_STRING},
    {"urn:schemas:calendar:", "dtstart", OC_DAV_TIME},
    {"urn:schemas:calendar:", "instancetype", OC_DAV_INT},
    {"urn:schemas:calendar:", "alldayevent", OC_DAV_BOOL},
    {"http://schemas.microsoft.com/mapi/id/{6ED8DA90}/", "0x23", OC_DAV_BINARY},
    {"urn:schemas:x:", "keywords", OC_DAV_STRINGS},
    {"urn:schemas:calendar:", "location", OC_DAV_STRING},
};
static const oc_dav_schema_t schema = {props, COUNT};

static char log_text[8192];
static int rows, stop_after;
static oc_result_t res;

static apr_status_t on_row(void *baton, const oc_dav_row_t *row)
{
    int i;

    (void)baton;
    ++rows;
    if (strlen(log_text) < sizeof(log_text) - 1000) {
        sprintf(log_text + strlen(log_text), "[%s", row->path);
        if (row->status) {
            sprintf(log_text + strlen(log_text), " %d", row->status);
        }
        if (row->worst) {
            sprintf(log_text + strlen(log_text), " worst %d", row->worst);
        }
        for (i = 0; i < COUNT; ++i) {
            if (row->value[i]) {
                sprintf(log_text + strlen(log_text), " %s=%.100s", props[i].name, row->value[i]);
            } else if (row->prop_status[i]) {
                sprintf(log_text + strlen(log_text), " %s:%d", props[i].name, row->prop_status[i]);
            }
        }
        strcat(log_text, "]");
    }
    return stop_after && rows >= stop_after ? APR_EOF : APR_SUCCESS;
}

static apr_status_t read_in(const char *doc, apr_size_t len, apr_size_t step)
{
    apr_pool_t *sub;
    oc_dav_t *d;
    apr_size_t i;
    apr_status_t rv = APR_SUCCESS;

    apr_pool_create(&sub, pool);
    log_text[0] = '\0';
    rows = 0;
    oc_result_init(&res, pool);
    d = oc_dav_open(sub, &schema, on_row, NULL);
    for (i = 0; i < len && rv == APR_SUCCESS; i += step) {
        rv = oc_dav_feed(d, doc + i, len - i < step ? len - i : step, &res);
    }
    if (rv == APR_SUCCESS) {
        rv = oc_dav_end(d, &res);
    }
    apr_pool_destroy(sub);
    return rv;
}

static void reads_as(const char *doc, const char *want, const char *what)
{
    apr_size_t step;
    int same = 1;

    for (step = 1; step < 5000; step = step * 3 + 1) {
        same = same && read_in(doc, strlen(doc), step) == APR_SUCCESS && !strcmp(log_text, want);
    }
    if (!ok(same, "%s", what)) {
        diag("got %s\n(%s)", log_text, res.detail ? res.detail : "");
    }
}

#define HEAD "<?xml version=\"1.0\"?><a:multistatus xmlns:a=\"DAV:\" xmlns:c=\"xml:\" " \
    "xmlns:b=\"urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/\" " \
    "xmlns:d=\"urn:schemas:calendar:\" xmlns:e=\"urn:schemas:httpmail:\" " \
    "xmlns:x=\"urn:schemas:x:\" " \
    "xmlns:h=\"http://schemas.microsoft.com/mapi/id/{6ED8DA90}/\">"
#define TAIL "</a:multistatus>"
#define ITEM(inner) "<a:response>" \
    "<a:href>http://other.example/exchange/ana/Calendar/A%20b.EML</a:href>" inner "</a:response>"
#define AT "[/exchange/ana/Calendar/A b.EML"

static const char full[] = HEAD ITEM(
    "<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop><e:subject>B &amp; C</e:subject>"
    "<d:dtstart b:dt=\"dateTime.tz\">2026-03-05T09:00:00.000Z</d:dtstart><x:unknown>1</x:unknown>"
    "<x:keywords b:dt=\"mv.string\"><c:v>one</c:v><c:v/></x:keywords>"
    "<d:alldayevent b:dt=\"boolean\">0</d:alldayevent></a:prop></a:propstat>"
    "<a:propstat><a:status>HTTP/1.1 404 Resource Not Found</a:status><a:prop><d:location/></a:prop>"
    "</a:propstat>") TAIL;

static void test_shapes(void)
{
    reads_as(full, AT " subject=B & C dtstart=2026-03-05T09:00:00.000Z alldayevent=0 "
                   "keywords=one\n\n location:404]",
             "a PROPFIND reply: values of the 200 propstat, 404 is absence");
    reads_as(HEAD ITEM("<a:propstat><a:prop><e:subject>x</e:subject></a:prop>"
                       "<a:status>HTTP/1.1 200 OK</a:status></a:propstat>") TAIL,
             AT " subject=x]", "prop before status");
    reads_as(HEAD ITEM("<a:status>HTTP/1.1 201 Created</a:status>") TAIL, AT " 201]",
             "PROPPATCH in brief: created");
    reads_as(HEAD ITEM("<a:status>HTTP/1.1 201 Created</a:status><a:propstat>"
                       "<a:status>HTTP/1.1 200 OK</a:status><a:prop><e:subject/><h:0x23/></a:prop>"
                       "</a:propstat>") TAIL,
             AT " 201 subject= 0x23=]", "PROPPATCH in full: status and propstat side by side");
    reads_as(HEAD ITEM("<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop><e:subject/>"
                       "</a:prop></a:propstat><a:propstat><a:status>HTTP/1.1 424 F</a:status>"
                       "<a:prop><d:location/></a:prop></a:propstat><a:propstat>"
                       "<a:status>HTTP/1.1 507 Full</a:status><a:prop><d:dtstart/></a:prop>"
                       "</a:propstat>") TAIL,
             AT " worst 507 subject= dtstart:507 location:424]",
             "a PROPPATCH that failed in part: each property's own status");
    reads_as(HEAD ITEM("<a:propstat><a:status>HTTP/1.1 403 No</a:status><a:prop><x:zzz/></a:prop>"
                       "</a:propstat>") TAIL,
             AT " worst 403]", "a property outside the schema that failed is not overlooked");
    reads_as(HEAD ITEM("<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop>"
                       "<e:subject>yes</e:subject></a:prop></a:propstat><a:propstat>"
                       "<a:status>HTTP/1.1 404 N</a:status><a:prop><e:subject>no</e:subject>"
                       "</a:prop></a:propstat>") TAIL,
             AT " subject=yes]", "a value never comes from another propstat than a good one");
    reads_as(HEAD TAIL, "", "no rows");
    reads_as("<multistatus xmlns='DAV:'><response><href>/x/y</href><status>HTTP/1.1 404 N</status>"
             "</response></multistatus>",
             "[/x/y 404]", "default namespace, bare path");
    reads_as(HEAD ITEM("<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop>"
                       "<h:0x23 b:dt='bin.base64'>BAAA</h:0x23><e:subject>a&#x1;b</e:subject>"
                       "</a:prop></a:propstat>") TAIL,
             AT " subject=ab 0x23=BAAA]", "the server's known damage is repaired");
    stop_after = 1;
    is_int(read_in(full, strlen(full), 4096), APR_EOF, "the row function can end the reading");
    is_int(res.reason, OC_REASON_OK, "which is no failure of the reader's");
    stop_after = 0;
}

static void test_hostile(void)
{
    static const struct {
        const char *doc, *what;
    } bad[] = {
        {"<html><body>Server error</body></html>", "an HTML page"},
        {"<!DOCTYPE html><html></html>", "an HTML page with DOCTYPE"},
        {"<a:response xmlns:a='WM'/>", "another document"},
        {HEAD "<a:response><a:status>HTTP/1.1 200 OK</a:status></a:response>" TAIL,
         "a response without href"},
        {HEAD ITEM("<a:status>200</a:status>") TAIL, "a malformed status"},
        {HEAD ITEM("<a:status>HTTP/1.1 2000 OK</a:status>") TAIL, "a status of four digits"},
        {HEAD ITEM("<a:propstat><a:prop><e:subject>x</e:subject></a:prop></a:propstat>") TAIL,
         "a propstat without status"},
        {HEAD "<a:response><a:href>javascript:x</a:href></a:response>" TAIL, "an href of no path"},
        {HEAD "<a:response><a:href>http://h/a/%zz</a:href></a:response>" TAIL, "a broken escape"},
        {HEAD "<a:response><a:href>http://h/a/%00</a:href></a:response>" TAIL, "an encoded NUL"},
        {HEAD "<a:response><a:href>http://h/a/%0d%0aX</a:href></a:response>" TAIL, "encoded CR LF"},
        {HEAD "<a:response><a:href>http://h/a/../b</a:href></a:response>" TAIL, "a dot segment"},
        {HEAD "<a:response><a:href>http://h/a/%2e%2e/b</a:href></a:response>" TAIL,
         "an encoded dot segment"},
        {HEAD "<a:response><a:href>http://h/a%2fb</a:href></a:response>" TAIL, "an encoded slash"},
        {HEAD "<a:response><a:href>//h/a</a:href></a:response>" TAIL, "a network path"},
    };
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        ok(read_in(bad[i].doc, strlen(bad[i].doc), 50) != APR_SUCCESS
               && res.reason == OC_REASON_UPSTREAM_PROTOCOL,
           "%s fails as a protocol error", bad[i].what);
    }
    {
        int taken = 0, wrong = 0;
        size_t n;
        for (n = 0; n < strlen(full); ++n) {
            taken += read_in(full, n, 64) == APR_SUCCESS;
            wrong += res.reason != OC_REASON_UPSTREAM_PROTOCOL;
        }
        is_int(taken + wrong, 0, "cut at every byte: never taken for whole");
    }
}

static apr_size_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long total = 0, pages = 0;

    if (f) {
        if (fscanf(f, "%ld %ld", &total, &pages) != 2) {
            pages = 0;
        }
        fclose(f);
    }
    return (apr_size_t)pages * 4096;
}

static void test_stream(void)
{
    static const char row[] = ITEM(
        "<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop>"
        "<e:subject>Budget review</e:subject><d:dtstart>2026-03-05T09:00:00.000Z</d:dtstart>"
        "<d:location>Room</d:location></a:prop>"
        "</a:propstat>");
    apr_pool_t *sub;
    oc_dav_t *d;
    apr_size_t before, after;
    int i, failed = 0;

    apr_pool_create(&sub, pool);
    oc_result_init(&res, pool);
    rows = 0;
    d = oc_dav_open(sub, &schema, on_row, NULL);
    oc_dav_feed(d, HEAD, strlen(HEAD), &res);
    for (i = 0; i < 100; ++i) {
        failed += oc_dav_feed(d, row, strlen(row), &res) != APR_SUCCESS;
    }
    before = resident();
    for (i = 0; i < 20000; ++i) {
        log_text[0] = '\0';
        failed += oc_dav_feed(d, row, strlen(row), &res) != APR_SUCCESS;
    }
    after = resident();
    failed += oc_dav_feed(d, TAIL, strlen(TAIL), &res) != APR_SUCCESS;
    failed += oc_dav_end(d, &res) != APR_SUCCESS;
    is_int(failed, 0, "20,100 rows are read");
    is_int((int)oc_dav_rows(d), 20100, "and counted");
    ok(after < before + 512 * 1024, "in memory that does not grow with them (%d KB more)",
       (int)((after - before) / 1024));
    apr_pool_destroy(sub);
}

static apr_status_t on_typed(void *baton, const oc_dav_row_t *row)
{
    int n = -7, b = -7, has_n, has_b, has_t;
    apr_time_t t = -7 * APR_USEC_PER_SEC;

    (void)baton;
    has_n = oc_dav_int(row, TYPE, &n);
    has_b = oc_dav_bool(row, ALLDAY, &b);
    has_t = oc_dav_time(row, START, &t);
    sprintf(log_text, "%d:%d %d:%d %d:%ld;", has_n, n, has_b, b, has_t,
            (long)(t / APR_USEC_PER_SEC));
    return APR_SUCCESS;
}

static const char *typed(const char *type, const char *allday, const char *start)
{
    apr_pool_t *sub;
    oc_dav_t *d;
    const char *doc = apr_pstrcat(pool, HEAD "<a:response><a:href>/x</a:href><a:propstat>"
                                  "<a:status>HTTP/1.1 200 OK</a:status><a:prop><d:instancetype>",
                                  type, "</d:instancetype><d:alldayevent>", allday,
                                  "</d:alldayevent><d:dtstart>", start, "</d:dtstart></a:prop>"
                                  "</a:propstat></a:response>" TAIL, NULL);

    apr_pool_create(&sub, pool);
    log_text[0] = '\0';
    d = oc_dav_open(sub, &schema, on_typed, NULL);
    oc_dav_feed(d, doc, strlen(doc), &res);
    oc_dav_end(d, &res);
    apr_pool_destroy(sub);
    return log_text;
}

static void test_types(void)
{
    is_str(typed("1", "1", "1970-01-01T00:00:05.000Z"), "1:1 1:1 1:5;", "int, boolean, time");
    is_str(typed(" -3\n", "0", "1970-01-01T00:00:05Z"), "1:-3 1:0 1:5;", "blanks, no fraction");
    is_str(typed("1x", "yes", "1970-01-01T00:00:05"), "0:-7 0:-7 0:-7;", "malformed: untouched");
    is_str(typed("99999999999", "", "2026-02-30T00:00:00.000Z"), "0:-7 0:-7 0:-7;",
           "out of range, empty, no such day");
}

static void test_urls(void)
{
    const char *scheme, *host;

    is_str(oc_dav_url_path(pool, "https://Mail.example.com:8443/exchange/a%20b/?Cmd=edit", &scheme,
                           &host),
           "/exchange/a%20b/", "the path of a URL, without the query");
    is_str(host, "Mail.example.com:8443", "its host");
    is_str(scheme, "https", "its scheme");
    is_str(oc_dav_url_path(pool, "/exchange/\xC3\xA9", &scheme, &host), "/exchange/%C3%A9",
           "a bare path; raw UTF-8 becomes encoded");
    ok(!host && !scheme, "without host and scheme");
    is_str(oc_dav_url_path(pool, "http://h", NULL, NULL), "/", "no path is the root");
    is_str(oc_dav_url_path(pool, "http://h/e/ana/##DavMailSubmissionURI##/", NULL, NULL),
           "/e/ana/%23%23DavMailSubmissionURI%23%23/", "the raw submission URI comes back encoded");
    is_str(oc_dav_url_path(pool, "http://h/e#frag", NULL, NULL), "/e", "other fragments are cut");
    ok(!oc_dav_url_path(pool, "http://u:p@h/e", NULL, NULL), "user information is refused");
    ok(!oc_dav_url_path(pool, "ftp://h/e", NULL, NULL), "other schemes are refused");
    ok(!oc_dav_url_path(pool, "e/f", NULL, NULL), "relative paths are refused");
    ok(!oc_dav_url_path(pool, "/e f", NULL, NULL), "blanks are refused");
    ok(!oc_dav_url_path(pool, "/e\\f", NULL, NULL), "backslashes are refused");
    is_int(oc_dav_status("HTTP/1.1 424 Failed Dependency"), 424, "a status line");
    is_int(oc_dav_status("HTTP/1.1"), 0, "a status line without status");
}

static void test_bodies(void)
{
    static const int some[] = {SUBJECT, GOID, OC_DAV_END};
    const oc_dav_set_t set[] = {{SUBJECT, "<b> & 'c'"}, {TYPE, "0"}, {LOCATION, NULL}};
    const oc_dav_where_t where[] = {{TYPE, "<>", NULL, 1, 0},
                                    {SUBJECT, "=", "it's \"<x>\"", 0, 0},
                                    {ALLDAY, "=", NULL, 0, 0},
                                    {START, ">", NULL, 0, apr_time_from_sec(86399)}},
                         several[] = {{SUBJECT, "in", "a\nit's) OR (1\n", 0, 0},
                                      {TYPE, "=", NULL, 1, 0}};
    apr_size_t len;

    is_str(oc_dav_propfind(pool, &schema, some, &len),
           "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propfind xmlns:D=\"DAV:\" "
           "xmlns:dt=\"" OC_NS_TYPE "\" xmlns:p2=\"urn:schemas:httpmail:\" "
           "xmlns:p3=\"http://schemas.microsoft.com/mapi/id/{6ED8DA90}/\"><D:prop><p2:subject/>"
           "<p3:_x0030_x23/></D:prop></D:propfind>\n", "PROPFIND");
    is_str(oc_dav_proppatch(pool, &schema, set, 3, &len),
           "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propertyupdate xmlns:D=\"DAV:\" "
           "xmlns:dt=\"" OC_NS_TYPE "\" xmlns:p2=\"urn:schemas:httpmail:\" "
           "xmlns:p3=\"urn:schemas:calendar:\"><D:set><D:prop>"
           "<p2:subject>&lt;b&gt; &amp; &#39;c&#39;</p2:subject>"
           "<p3:instancetype dt:dt=\"int\">0</p3:instancetype></D:prop></D:set>"
           "<D:remove><D:prop><p3:location/></D:prop></D:remove></D:propertyupdate>\n",
           "PROPPATCH: typed, escaped, removing");
    is_str(oc_dav_search(pool, &schema, some, where, 4, START, &len),
           "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:searchrequest xmlns:D=\"DAV:\"><D:sql>"
           "SELECT &#34;urn:schemas:httpmail:subject&#34;, "
           "&#34;http://schemas.microsoft.com/mapi/id/{6ED8DA90}/0x23&#34; "
           "FROM Scope(&#39;SHALLOW TRAVERSAL OF &#34;&#34;&#39;) "
           "WHERE NOT &#34;urn:schemas:calendar:instancetype&#34; = 1 AND "
           "&#34;urn:schemas:httpmail:subject&#34; = &#39;it&#39;&#39;s &#34;&lt;x&gt;&#34;&#39; "
           "AND "
           "&#34;urn:schemas:calendar:alldayevent&#34; = False AND "
           "&#34;urn:schemas:calendar:dtstart&#34; &gt; &#39;1970/01/01 23:59:59&#39; "
           "ORDER BY &#34;urn:schemas:calendar:dtstart&#34; ASC</D:sql></D:searchrequest>\n",
           "SEARCH: literals quoted, then escaped");
    ok(strstr(oc_dav_search(pool, &schema, some, several, 2, OC_DAV_END, &len),
              " WHERE (&#34;urn:schemas:httpmail:subject&#34; = &#39;a&#39; OR "
              "&#34;urn:schemas:httpmail:subject&#34; = &#39;it&#39;&#39;s) OR (1&#39;) AND "
              "&#34;urn:schemas:calendar:instancetype&#34; = 1</D:sql>"),
       "SEARCH: one of several, each quoted");
    is_str(oc_dav_value_binary(pool, (const unsigned char *)"\x04\x00\x00", 3), "BAAA", "base64");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_shapes();
    test_hostile();
    test_stream();
    test_types();
    test_urls();
    test_bodies();
    apr_terminate();
    return done_testing();
}
