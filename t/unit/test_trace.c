/* The record of an operation: what stands in it, and above all what never does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "backend/backend.h"
#include "drive.h"
#include "errand.h"
#include "net/trace.h"

#define PLANTED "s3cr3tPlanted"

static apr_pool_t *root;
static const oc_site_t site = {"https", "mail.example.test", 443, NULL, NULL, 12, NULL};

static oc_exchange_t *make(const char *method, const char *path, const char *type, const char *body)
{
    oc_exchange_t *x = oc_exchange_create(root, &site, method, path, "find folders");

    x->identity = "ana";
    if (body) {
        apr_table_set(x->headers, "Content-Type", type);
        x->body = body;
        x->body_len = strlen(body);
    }
    return x;
}

static const char *record(oc_exchange_t *x, apr_size_t max, const char *type, const char *reply)
{
    oc_trace_t *trace = oc_trace_create(root, max);

    oc_trace_request(trace, x);
    x->status = 207;
    apr_table_set(x->reply_headers, "Content-Type", type);
    oc_trace_reply(trace, x, NULL, 0);
    for (const char *p = reply; *p; ++p) { /* byte by byte, as badly as it can come */
        oc_trace_reply(trace, x, p, 1);
    }
    x->received = (apr_off_t)strlen(reply);
    x->outcome = OC_X_REPLIED;
    x->started = 1000000;
    x->ended = 1015000;
    oc_trace_end(trace, x);
    return oc_trace_text(trace, root);
}

/* What an operation left in the log is what a unit of the backend can be driven by. */
static void test_replay(void)
{
    static const char xml[] = "text/xml";
    static oc_backend_conf_t conf = {"ex", "owa2003", (oc_site_t *)&site, "/exchange/", "/public/",
                                     NULL, NULL,      0};
    char name[] = "/tmp/owacal-trace-XXXXXX";
    char *noise = apr_pcalloc(root, 3001);
    int fd = mkstemp(name), i;
    FILE *f = fdopen(fd, "w");
    const char *error;
    oc_backend_t *be = oc_backend_open(root, &conf, &error);
    oc_list_query_t query = {NULL, {apr_time_from_sec(1772701200), apr_time_from_sec(1772704800)},
                             NULL, 10, 0};
    oc_list_t *list = NULL;
    oc_call_t *call = oc_call_create("ana", "ana", "ana");
    drive_t *d = drive_create(root);
    oc_exchange_t *x[2];

    for (i = 0; i < 3000; i += 2) { /* so that a line is cut inside a character */
        memcpy(noise + i, "\xC3\xA1", 2);
    }
    for (i = 0; i < 2; ++i) {
        x[i] = make(i ? "SEARCH" : "PROPFIND", i ? "/exchange/ana/Kalender/" : "/exchange/ana/",
                    xml, "<a/>");
        apr_table_set(x[i]->reply_headers, "MS-WebStorage", "6.5.7226");
    }
    fputs(record(x[0], 20000, xml,
                 "<?xml version=\"1.0\"?>\r\n<a:multistatus xmlns:d=\"urn:schemas:httpmail:\" "
                 "xmlns:a=\"DAV:\"><a:response><a:href>http://x/exchange/ana/</a:href><a:propstat>"
                 "<a:status>HTTP/1.1 200 OK</a:status><a:prop>"
                 "<d:inbox>http://x/exchange/ana/Posteingang</d:inbox>"
                 "<d:calendar>http://x/exchange/ana/Kalender</d:calendar>"
                 "<d:drafts>http://x/exchange/ana/Entw%C3%BCrfe</d:drafts>"
                 "<d:sentitems>http://x/exchange/ana/Gesendete%20Objekte</d:sentitems>"
                 "<d:deleteditems>http://x/exchange/ana/Gel%C3%B6schte</d:deleteditems>"
                 "<d:sendmsg>http://x/exchange/ana/##DavMailSubmissionURI##</d:sendmsg>"
                 "</a:prop></a:propstat>"
                 "</a:response></a:multistatus>"), f);
    fputs(record(x[1], 20000, xml,
                 apr_pstrcat(root, "<a:multistatus xmlns:a=\"DAV:\" "
                             "xmlns:c=\"urn:schemas:calendar:\">"
                             "<a:response><a:href>http://x/exchange/ana/Kalender/1.EML</a:href>"
                             "<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop>"
                             "<c:dtstart>2026-03-05T09:00:00.000Z</c:dtstart>"
                             "<c:dtend>2026-03-05T10:00:00.000Z</c:dtend><c:location>", noise,
                             "</c:location></a:prop></a:propstat></a:response></a:multistatus>",
                             NULL)), f);
    fclose(f);
    drive_load(d, name);
    unlink(name);
    is_int(drive_run(d, be->vt->list(be, call, &query, &list)), 0, "a recorded list is replayed");
    is_int(drive_unused(d), 0, "to its end (%s)", call->result.detail ? call->result.detail : "");
    if (ok(list && list->bookings->nelts == 1, "with what it found")) {
        is_str(APR_ARRAY_IDX(list->bookings, 0, oc_booking_t *)->location, noise,
               "long lines and letters beyond ASCII as they were");
    }
    oc_call_destroy(call);

    d = drive_create(root);
    f = fopen(name, "w");
    fputs("== find folders: http://x:80\n> PROPFIND /exchange/ana/ HTTP/1.1\n> Depth: 0\n"
          "== lost after sending: reset, 0 bytes in 3 ms\n", f);
    fclose(f);
    drive_load(d, name);
    unlink(name);
    call = oc_call_create("ana", "ana", "ana");
    drive_run(d, be->vt->list(be, call, &query, &list));
    is_int(drive_unused(d), 0, "a reply that did not come");
    ok(call->result.reason != OC_REASON_OK, "does not come");
    oc_call_destroy(call);
}

static void test_whole(void)
{
    oc_exchange_t *x = make("PROPFIND", "/exchange/ana/", "text/xml", "<a>\n<b/></a>");

    apr_table_set(x->headers, "Depth", "0");
    x->authorization = "Negotiate YII" PLANTED;
    x->cookie = "sessionid=" PLANTED;
    apr_table_add(x->reply_headers, "WWW-Authenticate", "Negotiate oRQw" PLANTED);
    apr_table_add(x->reply_headers, "Set-Cookie", "cadata=" PLANTED "; path=/");
    is_str(record(x, 10000, "text/xml",
                  "<a:x xmlns:a=\"DAV:\"><a:subject>Pay rise</a:subject>"
                  "<a:href>/x</a:href></a:x>\r\nend\x1b[1m"),
           "== find folders: https://mail.example.test:443\n"
           "> PROPFIND /exchange/ana/ HTTP/1.1\n"
           "> Content-Type: text/xml\n"
           "> Depth: 0\n"
           "> Authorization: Negotiate (removed)\n"
           "> Cookie: (removed)\n"
           ">\n"
           "> <a>\n"
           "> <b/></a>\n"
           "< 207\n"
           "< WWW-Authenticate: Negotiate (removed)\n"
           "< Set-Cookie: (removed)\n"
           "< Content-Type: text/xml\n"
           "<\n"
           "< <a:x xmlns:a=\"DAV:\"><a:subject>(removed)</a:subject><a:href>/x</a:href></a:x>\n"
           "< end\\x1b[1m\n"
           "== replied, 85 bytes in 15 ms\n",
           "an exchange as it is written down");
}

static void test_bounds(void)
{
    oc_trace_t *trace = oc_trace_create(root, 300);
    oc_exchange_t *x = make("GET", "/", NULL, NULL), *y = make("GET", "/y", NULL, NULL);
    char block[200];
    const char *text;
    int i;

    memset(block, 'x', sizeof(block));
    apr_table_set(x->reply_headers, "Content-Type", "text/xml");
    oc_trace_request(trace, x);
    oc_trace_reply(trace, x, NULL, 0);
    for (i = 0; i < 100; ++i) {
        oc_trace_reply(trace, x, block, sizeof(block));
    }
    ok(strstr(oc_trace_text(trace, root), "== under way\n"), "an exchange under way");
    for (i = 0; i < 5; ++i) {
        oc_trace_request(trace, y);
    }
    oc_trace_reply(trace, y, block, sizeof(block)); /* unknown: left out */
    oc_trace_end(trace, y);
    x->outcome = OC_X_LOST;
    x->sent = 1;
    x->error = "reset by\npeer";
    oc_trace_end(trace, x);
    text = oc_trace_text(trace, root);
    ok(strlen(text) < 300 + 200, "%d characters for a bound of 300", (int)strlen(text));
    ok(strstr(text, "bytes are not kept\n") && strstr(text, "== 5 more exchanges are not kept\n"),
       "what is left out is counted");
    ok(strstr(text, "== lost after sending: reset by\\x0apeer"), "how it ended");
    is_str(oc_trace_text(oc_trace_create(root, 10), root), "", "nothing yet");
}

/* ---- what must not stand in it ------------------------------------------------------------ */

static void hides(const char *what, const char *got)
{
    ok(!strstr(got, PLANTED), "hidden: %s", what) || (diag("%s", got), 0);
}

static void test_headers(void)
{
    static const char *const names[] = {
        "Authorization",       "authorization", "PROXY-AUTHORIZATION", "Cookie",
        "Set-Cookie",          "set-cookie2",   "WWW-Authenticate",    "Proxy-Authenticate",
        "Authentication-Info", "X-OWA-Canary",  "X-CSRF-Token",        "X-Password"};
    static const char *const values[] = {PLANTED,
                                         "Basic " PLANTED,
                                         "NTLM " PLANTED,
                                         "negotiate " PLANTED,
                                         "Digest a=\"" PLANTED "\"",
                                         "a=b; c=" PLANTED,
                                         "Basic" PLANTED};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        int shown = 0;

        for (size_t k = 0; k < sizeof(values) / sizeof(*values); ++k) {
            shown += strstr(oc_trace_redact_header(root, names[i], values[k]), PLANTED) != NULL;
        }
        is_int(shown, 0, "hidden: %s", names[i]);
    }
    is_str(oc_trace_redact_header(root, "ETag", "\"a\""), "\"a\"", "others stay");
    is_str(oc_trace_redact_header(root, "WWW-Authenticate", "NTLM"), "NTLM", "a bare scheme stays");
    is_str(oc_trace_redact_header(root, "Location", "/owa?reason=2&password=" PLANTED),
           "/owa?reason=2&password=(removed)", "an address keeps what is harmless");
}

static void test_bodies(void)
{
    static const char form[] = "application/x-www-form-urlencoded; charset=utf-8";
    static const char *const forms[] = {"username=ana&password=" PLANTED "&flags=0",
                                        "PASSWORD=" PLANTED,
                                        "a=b&pass%77ord=" PLANTED,
                                        "pa%73sword=" PLANTED "&x",
                                        "urn%3Aschemas%3Ahttpmail%3Asubject=" PLANTED,
                                        "%zz=" PLANTED,
                                        "MsgBody=" PLANTED "&Cmd=save",
                                        "a&" PLANTED "%20&b",
                                        "pass=" PLANTED};
    static const char *const xml[] = {"<a><e:subject>" PLANTED "</e:subject></a>",
                                      "<subject a='>'>" PLANTED "</subject>",
                                      "<e:textdescription >" PLANTED,
                                      "<d:htmldescription>" PLANTED "</d:htmlde",
                                      "<d:x1000001f>" PLANTED "</d:x1000001f>",
                                      "<Subject>a<b>" PLANTED "</b></Subject>"};
    static const char *const html[] = {"<form><input type=hidden name=canary value=" PLANTED
                                       "></form>",
                                       "<input value='" PLANTED "' type=\"password\">",
                                       "<title>" PLANTED "</title>",
                                       "<script>var x='" PLANTED "'</script>",
                                       "<a href=\"/x?token=" PLANTED "\">",
                                       "<textarea name=msg>" PLANTED,
                                       "<!-- " PLANTED " -->",
                                       "<a title=\"" PLANTED,
                                       "<" PLANTED " x=1",
                                       "<p x=" PLANTED " " PLANTED "=1>"};
    const char *text;

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); ++i) {
        hides(forms[i], oc_trace_redact_body(root, form, forms[i], strlen(forms[i])));
    }
    for (size_t i = 0; i < sizeof(xml) / sizeof(*xml); ++i) {
        hides(xml[i], oc_trace_redact_body(root, "text/xml", xml[i], strlen(xml[i])));
    }
    for (size_t i = 0; i < sizeof(html) / sizeof(*html); ++i) {
        if (!strstr(html[i], "<" PLANTED)) {
            hides(html[i], oc_trace_redact_body(root, "text/html", html[i], strlen(html[i])));
        }
    }
    text = "<html><form action=\"auth.dll?x=1\" method=post><input name=username value=ana>";
    is_str(oc_trace_redact_body(root, "text/html", text, strlen(text)),
           "<html><form action=\"auth.dll?x=1\" method=\"post\"><input name=\"username\">",
           "a page keeps its skeleton");
    is_str(oc_trace_redact_body(root, "text/xml; charset=utf-8", text, strlen(text)),
           oc_trace_redact_body(root, "text/html", text, strlen(text)),
           "also when it comes as XML");
    text = "BEGIN:VCALENDAR\nSUMMARY:" PLANTED;
    is_str(oc_trace_redact_body(root, "text/calendar", text, strlen(text)),
           "(37 bytes of text/calendar)", "other kinds are only counted");
    is_str(oc_trace_redact_body(root, NULL, text, strlen(text)), "(37 bytes of no declared type)",
           "and what does not say what it is");
    is_str(oc_trace_redact_body(root, form, "username=ana&password=x&z", 25),
           "username=ana&password=(removed)&z", "a form keeps what is harmless");
}

/* Property: wherever a secret is planted in rubbish made of the formats' own characters, it does
 * not come through. */
static void test_property(void)
{
    static const char *const pieces[] = {"<",    ">",         "</",  "/>",    "&",       "=",
                                         "\"",   "'",         " ",   "a",     "b:c",     "<a>",
                                         "</a>", "%41",       "%",   "\r\n",  "?",       "<!--",
                                         "-->",  "<![CDATA[", "]]>", "name=", "password"};
    enum { PIECES = sizeof(pieces) / sizeof(*pieces) };
    unsigned seed = 7;
    int shown = 0;
    apr_pool_t *pool;

    apr_pool_create(&pool, root);
    for (int round = 0; round < 20000; ++round) {
        char before[256] = "", after[256] = "", *body;
        const char *got;

        for (int i = rand_r(&seed) % 12; i > 0; --i) {
            strcat(before, pieces[rand_r(&seed) % PIECES]);
            strcat(after, pieces[rand_r(&seed) % PIECES]);
        }
        body = apr_psprintf(pool, "%s&password=" PLANTED "&%s", before, after);
        got = oc_trace_redact_body(pool, "application/x-www-form-urlencoded", body, strlen(body));
        shown += strstr(got, PLANTED) != NULL;
        body = apr_psprintf(pool, "%s><x:subject>" PLANTED "</x:subject>%s", after, before);
        got = oc_trace_redact_body(pool, "text/xml", body, strlen(body));
        if (strstr(got, PLANTED)) {
            /* Only where the element itself stands inside an attribute's quotes. */
            shown += !strchr(after, '"') && !strchr(after, '\'');
        }
        body = apr_psprintf(pool, "%s<input value=\"" PLANTED "\">%s", "", after);
        got = oc_trace_redact_body(pool, "text/html", body, strlen(body));
        shown += strstr(got, PLANTED) != NULL;
        if (shown) {
            diag("%s\n-> %s", body, got);
            break;
        }
        apr_pool_clear(pool);
    }
    ok(!shown, "no planted secret survives 20,000 rounds of rubbish");
}

/* ---- on the wire -------------------------------------------------------------------------- */

static void answer(peer_conn_t *c)
{
    while (peer_request(c)) {
        peer_reply(c, 200, "Content-Type: text/xml\r\nSet-Cookie: a=" PLANTED "\r\n",
                   "<a><subject>" PLANTED "</subject></a>");
    }
}

static void test_traced(void)
{
    peer_t *peer = peer_start(answer, NULL);
    oc_site_t here = errand_site(peer);
    apr_pool_t *pool;
    oc_net_conf_t conf;
    oc_net_t *net;
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_trace_t *trace = oc_trace_create(e->pool, 10000);
    const char *text;

    apr_pool_create(&pool, root);
    oc_net_conf_defaults(&conf);
    net = errand_net(pool, &conf);
    errand_add(e, &here, "ana", "GET", "/1")->authorization = "Basic " PLANTED;
    errand_add(e, &here, "ana", "GET", "/a b");
    oc_net_submit_traced(net, &e->job, trace);
    errand_wait(e, 5000);
    text = oc_trace_text(trace, e->pool);
    hides("a job's trace", text);
    ok(strstr(text, "> GET /1 HTTP/1.1\n") && strstr(text, "< 200\n") &&
           strstr(text, "<subject>(removed)</subject>") && strstr(text, "== replied, 39 bytes"),
       "a job's trace has it all");
    ok(strstr(text, "> GET /a b HTTP/1.1\n") && strstr(text, "== not sent: a character"),
       "what was refused, too");
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&root, NULL);
    test_whole();
    test_replay();
    test_bounds();
    test_headers();
    test_bodies();
    test_property();
    test_traced();
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
