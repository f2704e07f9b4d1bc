/* What is passed on, how the two legs of a login are judged, and whose the page shown is. */
#include <stdio.h>
#include <string.h>

#include <apr_base64.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "auth_world.h"
#include "auth/relay.h"
#include "backend/backend.h"
#include "base/str.h"

static apr_pool_t *pool;
static oc_site_t site = {"http", "owa.test", 80, NULL, NULL, 12, NULL};

static const char *base64(const void *data, int len)
{
    char *out = apr_palloc(pool, (apr_size_t)apr_base64_encode_len(len));

    apr_base64_encode_binary(out, data, len);
    return out;
}

/* A message of that type and length. */
static const char *message(int type, int len)
{
    unsigned char *m = apr_pcalloc(pool, (apr_size_t)len + 16);

    memcpy(m, "NTLMSSP", 8);
    m[8] = (unsigned char)type;
    return base64(m, len);
}

static const char *header(const char *token)
{
    return apr_pstrcat(pool, "NTLM ", token, NULL);
}

static void test_messages(void)
{
    const char *token, *good = message(1, 33);
    char *long_one;
    int i;

    is_int(oc_relay_message(header(good), &token), 1, "message 1");
    is_str(token, good, "its base64");
    is_int(oc_relay_message(apr_pstrcat(pool, "ntlm ", good, NULL), &token), 1, "a scheme's case");
    is_int(oc_relay_message(header(message(2, 60)), &token), 2, "message 2");
    is_int(oc_relay_message(header(message(3, 80)), &token), 3, "message 3");
    is_int(oc_relay_message(header(message(1, 15)), &token), 0, "too short for a 1");
    is_int(oc_relay_message(header(message(2, 27)), &token), 0, "too short for a 2");
    is_int(oc_relay_message(header(message(3, 48)), &token), 0, "too short for a 3");
    is_int(oc_relay_message(header(message(0, 60)), &token), 0, "no type 0");
    is_int(oc_relay_message(header(message(4, 60)), &token), 0, "no type 4");
    is_int(oc_relay_message(header(base64("NTLMSSP\0\1\0\1\0 more and more", 28)), &token), 0,
           "a type of more than one byte");
    is_int(oc_relay_message(header(base64("NTLMSSQ\0\1\0\0\0 more and more", 28)), &token), 0,
           "another signature");
    {
        static const char *const bad[] = {"NTLM", "NTLM ", "NTLM  ", "Basic YTpi", "Negotiate ", "",
                                          "NTLM TlRMTVNTUAABAAAA", "NTLM ===="};
        for (i = 0; i < (int)(sizeof(bad) / sizeof(*bad)); ++i) {
            is_int(oc_relay_message(bad[i], &token), 0, "not a login: \"%s\"", bad[i]);
        }
    }
    is_int(oc_relay_message(apr_pstrcat(pool, "Negotiate ", good, NULL), &token), 0,
           "NTLM within Negotiate");
    is_int(oc_relay_message(apr_pstrcat(pool, "NTLM  ", good, NULL), &token), 0, "two blanks");
    is_int(oc_relay_message(apr_pstrcat(pool, "NTLM ", good, " ", NULL), &token), 0,
           "a blank after");
    is_int(oc_relay_message(apr_pstrcat(pool, "NTLM ", good, ", NTLM ", good, NULL), &token), 0,
           "two headers that became one");
    is_int(oc_relay_message(apr_pstrcat(pool, "NTLM ", good, "\r\nX: y", NULL), &token), 0,
           "a line end");
    is_int(oc_relay_message(apr_pstrcat(pool, "NTLM ", good, "A", NULL), &token), 0,
           "not a multiple of four");
    is_int(oc_relay_message(apr_pstrcat(pool, "NTLM AA==", good, NULL), &token), 0,
           "padding inside");
    is_int(oc_relay_message(header(message(1, 12288)), &token), 1, "16 KB");
    long_one = apr_pstrdup(pool, message(1, 12291));
    is_int(oc_relay_message(header(long_one), &token), 0, "a little more");
}

static void put(unsigned char *m, int at, int len, int off)
{
    m[at] = m[at + 2] = (unsigned char)len;
    m[at + 1] = m[at + 3] = (unsigned char)(len >> 8);
    m[at + 4] = (unsigned char)off;
    m[at + 5] = (unsigned char)(off >> 8);
    m[at + 6] = (unsigned char)(off >> 16);
    m[at + 7] = (unsigned char)(off >> 24);
}

static const char *claim(const char *user, int user_len, int len_said, int off)
{
    unsigned char m[256] = "NTLMSSP";

    m[8] = 3;
    put(m, 28, 4, 64);
    memcpy(m + 64, "E\0X\0", 4);
    put(m, 36, len_said, off);
    memcpy(m + 72, user, (size_t)user_len);
    return oc_relay_claim(pool, base64(m, 72 + user_len));
}

static void test_claims(void)
{
    is_str(claim("A\0n\0a\0", 6, 6, 72), "ana", "UTF-16, in lower case");
    is_str(claim("ANA", 3, 3, 72), "ana", "8 bits");
    is_str(claim("ana@EX.TEST", 11, 11, 72), "ana", "another spelling is the same account");
    is_str(claim("a\nb\"", 4, 4, 72), "a%0ab%22", "nothing that could spoil a log line");
    is_str(claim("ana", 3, 0, 72), NULL, "nobody");
    is_str(claim("@x", 2, 2, 72), NULL, "nobody of a domain");
    is_str(claim("ana", 3, 4, 72), NULL, "beyond the end");
    is_str(claim("ana", 3, 3, 1 << 24), NULL, "far away");
    is_str(claim("ana", 3, 600, 72), NULL, "longer than any name");
}

typedef struct reply_t {
    int type;
    oc_outcome_t outcome;
    int status;
    const char *challenge[3];
    oc_reason_t reason;
    const char *what;
} reply_t;

static void test_leg(const reply_t *row)
{
    oc_call_t *call = oc_call_create("relay:x", "-", "relay:x");
    oc_pin_t *pin = (oc_pin_t *)&site; /* never looked into here */
    oc_relay_leg_t *leg;
    oc_job_t *job = oc_relay_login(call, pin, "relay:x", &site, "/exchange/", row->type,
                                   message(row->type, 60), apr_time_from_sec(5), &leg);
    oc_exchange_t *x = job->vt->next(job);
    int i;

    ok(x && x->pin == pin && x->opens == (row->type == 1) && x->writes && x->identity,
       "%s: over the pin, once, opening it with message 1 only", row->what);
    ok(x && strcmp(x->method, "GET") == 0 && strcmp(x->path, "/exchange/") == 0 &&
           strcmp(x->authorization, header(message(row->type, 60))) == 0,
       "%s: the message as it came", row->what);
    ok(!job->vt->next(job), "%s: nothing after it", row->what);
    x->outcome = row->outcome;
    if (row->status) {
        x->status = row->status;
        for (i = 0; i < 3 && row->challenge[i]; ++i) {
            apr_table_addn(x->reply_headers, "WWW-Authenticate", row->challenge[i]);
        }
        job->vt->feed(job, x, OC_FEED_HEAD, NULL, 0);
        job->vt->feed(job, x, OC_FEED_BODY, "<base ", 6);
        job->vt->feed(job, x, OC_FEED_BODY, "href=x>", 7);
    }
    ok(!job->vt->done(job), "%s: not done yet", row->what);
    job->vt->feed(job, x, OC_FEED_END, NULL, 0);
    ok(job->vt->done(job), "%s: done", row->what);
    is_str(oc_reason_token(call->result.reason), oc_reason_token(row->reason), "%s: %s", row->what,
           oc_reason_token(row->reason));
    is_int(leg->refused, row->type == 3 && row->status == 401, "%s: refused or not", row->what);
    is_int(leg->challenge != NULL, row->reason == OC_REASON_OK && row->type == 1,
           "%s: a challenge or none", row->what);
    ok(!x->authorization, "%s: the message is not kept", row->what);
    if (row->reason == OC_REASON_OK && row->type == 3) {
        ok(leg->page_len == 13 && memcmp(leg->page, "<base href=x>", 13) == 0, "%s: the page",
           row->what);
    }
    oc_call_destroy(call);
}

static void test_legs(void)
{
    const char *two = header(message(2, 60)), *other = header(message(2, 63));
    const reply_t rows[] = {
        {1, OC_X_REPLIED, 401, {two}, OC_REASON_OK, "a challenge"},
        {1, OC_X_REPLIED, 401, {"Negotiate", two, "Basic realm=\"x\""}, OC_REASON_OK,
         "among other offers"},
        {1, OC_X_REPLIED, 401, {two, other}, OC_REASON_UPSTREAM_PROTOCOL, "two challenges"},
        {1, OC_X_REPLIED, 401, {"NTLM"}, OC_REASON_UPSTREAM_PROTOCOL, "an offer instead"},
        {1, OC_X_REPLIED, 401, {"NTLM", two}, OC_REASON_UPSTREAM_PROTOCOL, "an offer beside it"},
        {1, OC_X_REPLIED, 401, {header(message(1, 60))}, OC_REASON_UPSTREAM_PROTOCOL,
         "message 1 sent back"},
        {1, OC_X_REPLIED, 401, {header(message(3, 60))}, OC_REASON_UPSTREAM_PROTOCOL,
         "message 3 sent back"},
        {1, OC_X_REPLIED, 401, {"NTLM !!!!"}, OC_REASON_UPSTREAM_PROTOCOL, "garbage"},
        {1, OC_X_REPLIED, 401, {"Negotiate", "Basic realm=x"}, OC_REASON_UPSTREAM_PROTOCOL,
         "no NTLM there"},
        {1, OC_X_REPLIED, 401, {NULL}, OC_REASON_UPSTREAM_PROTOCOL, "nothing on offer"},
        {1, OC_X_REPLIED, 200, {NULL}, OC_REASON_UPSTREAM_PROTOCOL, "a page without login"},
        {1, OC_X_REPLIED, 200, {two}, OC_REASON_UPSTREAM_PROTOCOL, "a page with a challenge"},
        {1, OC_X_REPLIED, 302, {NULL}, OC_REASON_UPSTREAM_REDIRECT, "a redirect"},
        {1, OC_X_REPLIED, 403, {NULL}, OC_REASON_ACCESS_DENIED, "forbidden"},
        {1, OC_X_REPLIED, 404, {NULL}, OC_REASON_NO_MAILBOX, "not there"},
        {1, OC_X_REPLIED, 500, {NULL}, OC_REASON_UPSTREAM_ERROR, "an error"},
        {1, OC_X_REPLIED, 503, {NULL}, OC_REASON_UPSTREAM_UNAVAILABLE, "not now"},
        {1, OC_X_NOT_SENT, 0, {NULL}, OC_REASON_UPSTREAM_UNAVAILABLE, "no connection"},
        {1, OC_X_LOST, 0, {NULL}, OC_REASON_UPSTREAM_UNAVAILABLE, "no answer"},
        {1, OC_X_TIMEOUT, 0, {NULL}, OC_REASON_UPSTREAM_TIMEOUT, "too late"},
        {1, OC_X_CANCELLED, 0, {NULL}, OC_REASON_STOPPING, "stopping"},
        {3, OC_X_REPLIED, 200, {NULL}, OC_REASON_OK, "accepted"},
        {3, OC_X_REPLIED, 401, {"NTLM"}, OC_REASON_PASSWORD_REFUSED, "refused"},
        {3, OC_X_REPLIED, 401, {two}, OC_REASON_PASSWORD_REFUSED, "challenged once more"},
        {3, OC_X_REPLIED, 204, {NULL}, OC_REASON_UPSTREAM_PROTOCOL, "no page"},
        {3, OC_X_REPLIED, 302, {NULL}, OC_REASON_UPSTREAM_REDIRECT, "redirected"},
        {3, OC_X_REPLIED, 403, {NULL}, OC_REASON_ACCESS_DENIED, "accepted, but forbidden"},
        {3, OC_X_NOT_SENT, 0, {NULL}, OC_REASON_CREDENTIAL_EXPIRED, "its connection is gone"},
        {3, OC_X_LOST, 0, {NULL}, OC_REASON_CREDENTIAL_EXPIRED, "cut off"},
        {3, OC_X_TOO_LARGE, 200, {NULL}, OC_REASON_UPSTREAM_TOO_LARGE, "without end"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        test_leg(&rows[i]);
    }
}

static void test_large_page(void)
{
    oc_call_t *call = oc_call_create("relay:x", "-", "relay:x");
    oc_relay_leg_t *leg;
    oc_job_t *job = oc_relay_login(call, (oc_pin_t *)&site, "k", &site, "/exchange/", 3,
                                   message(3, 60), apr_time_from_sec(5), &leg);
    oc_exchange_t *x = job->vt->next(job);
    char block[1000] = "";
    int i, unwanted = 0;

    x->status = 200;
    x->outcome = OC_X_REPLIED;
    for (i = 0; i < 100; ++i) {
        unwanted += job->vt->feed(job, x, OC_FEED_BODY, block, sizeof(block));
    }
    job->vt->feed(job, x, OC_FEED_END, NULL, 0);
    is_int(unwanted, 0, "a large page is read to its end, for the connection's sake");
    is_int(leg->page_len, 65536, "its beginning is kept");
    oc_call_destroy(call);
}

static person_t *signed_in(world_t *w)
{
    oc_call_t *call = oc_call_create("ana", "ana", NULL);

    return world_person(w, call, oc_identity_relay(call, (oc_pin_t *)&site, "relay:1", "ana"));
}

/* What is said when the login's connection goes: that, unless a write is in doubt. */
static void test_after(void)
{
    static const struct {
        oc_outcome_t first, second;
        int writes;
        oc_reason_t reason;
        const char *what;
    } rows[] = {
        {OC_X_NOT_SENT, OC_X_NOT_SENT, 0, OC_REASON_CREDENTIAL_EXPIRED, "gone before a look"},
        {OC_X_LOST, OC_X_NOT_SENT, 0, OC_REASON_CREDENTIAL_EXPIRED, "gone under a look"},
        {OC_X_NOT_SENT, OC_X_NOT_SENT, 1, OC_REASON_CREDENTIAL_EXPIRED, "gone before a write"},
        {OC_X_LOST, OC_X_NOT_SENT, 1, OC_REASON_OK, "gone under a write: what became of it?"},
        {OC_X_TIMEOUT, OC_X_NOT_SENT, 0, OC_REASON_CREDENTIAL_EXPIRED, "given up, then gone"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        world_t *w = world_create(NULL);
        person_t *p = signed_in(w);

        world_wish(p, rows[i].writes ? "MOVE" : "SEARCH", "/exchange/ana/a", rows[i].writes, 0);
        world_wish(p, "PROPFIND", "/exchange/ana/a", 0, 1);
        is_int(world_pump(w), 1, "%s: it goes at once", rows[i].what);
        ok(w->flight[0].x->pin == (oc_pin_t *)&site && !w->flight[0].x->opens &&
               !w->flight[0].x->authorization && !w->flight[0].x->connauth,
           "%s: over the pin, bare, opening nothing", rows[i].what);
        w->flight[0].x->sent = rows[i].first != OC_X_NOT_SENT;
        world_no_reply(w, 0, rows[i].first);
        world_pump(w);
        world_no_reply(w, 0, rows[i].second);
        world_pump(w);
        is_str(oc_reason_token(p->call->result.reason), oc_reason_token(rows[i].reason), "%s: %s",
               rows[i].what, oc_reason_token(rows[i].reason));
        ok(p->wish[0].outcome == rows[i].first && p->wish[1].outcome == rows[i].second,
           "%s: each exchange as it ended", rows[i].what);
        world_destroy(w);
    }
}

static void test_whose(void)
{
    static const struct {
        const char *page, *want;
    } rows[] = {
        {"<html><base href=\"http://owa.test/exchange/ana/\">", "ana"},
        {"<html><base href=\"http://owa.test/exchange/ana\">", "ana"},
        {"<base href='https://internal:8443/Exchange/Ana%20B/'>", NULL},
        {"<base href='/exchange/Ana.B-1/'>", "Ana.B-1"},
        {"<base href='/exchange/%C3%A1gnes/'>", "\xc3\xa1gnes"},
        {"<base href='/exchange/ana/'><base href='/exchange/ana/'>", "ana"},
        {"<base href='/exchange/ana/'><base href='/exchange/bob/'>", NULL},
        {"<!-- <base href='/exchange/bob/'> --><base href='/exchange/ana/'>", "ana"},
        {"<base href='/exchange/'>", NULL},
        {"<base href='/exchange'>", NULL},
        {"<base href='/exchange//'>", NULL},
        {"<base href='/exchange/ana/Inbox/'>", NULL},
        {"<base href='/exchange/../bob/'>", NULL},
        {"<base href='/exchange/%2e%2e/'>", NULL},
        {"<base href='/exchange/a%2fb/'>", NULL},
        {"<base href='/exchange/a%5cb/'>", NULL},
        {"<base href='/exchange/a%00b/'>", NULL},
        {"<base href='/exchange/a%0ab/'>", NULL},
        {"<base href='/exchange/a%25b/'>", NULL},
        {"<base href='/exchange/a%c3/'>", NULL},
        {"<base href='/exchange/.'>", NULL},
        {"<base href='/public/ana/'>", NULL},
        {"<base href='javascript:/exchange/ana/'>", NULL},
        {"<base target=x>", NULL},
        {"<span id=itemHREF>/exchange/ana/</span>", NULL},
        {"Welcome", NULL},
        {"", NULL},
    };
    oc_backend_conf_t conf = {.name = "corp", .kind = "owa2003", .site = &site,
                              .path = "/exchange/", .public_path = "/public/"};
    const char *error;
    oc_backend_t *be = oc_backend_open(pool, &conf, &error);
    char *name = apr_pcalloc(pool, 301);
    const char *page;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        is_str(be->vt->whose(be, pool, rows[i].page, strlen(rows[i].page)), rows[i].want, "%s",
               rows[i].page);
    }
    memset(name, 'a', 300);
    page = apr_pstrcat(pool, "<base href='/exchange/", name, "/'>", NULL);
    is_str(be->vt->whose(be, pool, page, strlen(page)), NULL, "a name of 300 characters");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_messages();
    test_claims();
    test_legs();
    test_large_page();
    test_after();
    test_whose();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
