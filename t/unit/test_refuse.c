/* What must not go on the wire. */
#include <string.h>

#include <apr_general.h>

#include "tap.h"
#include "net/refuse.h"

static apr_pool_t *root;
static const oc_site_t site = {"http", "mail.example.test", 80, NULL, NULL, 12, NULL};

static oc_exchange_t *good(void)
{
    oc_exchange_t *x = oc_exchange_create(root, &site, "PROPFIND", "/exchange/ana%20b/?x=1", "x");

    x->identity = "ana";
    apr_table_set(x->headers, "Depth", "0");
    return x;
}

static void test_paths(void)
{
    static const char *const bad[] = {"",        "exchange",  "http://x/", "/a b",
                                      "/a\r\nX", "/a#b",      "/a\tb",     "/\x7f",
                                      "/a\nb",   "/\xc3\xa9", " /",        "*"};
    oc_exchange_t *x = good();

    ok(!oc_refuse_exchange(x), "a good one passes");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        x->path = bad[i];
        ok(oc_refuse_exchange(x), "path %d: %s", (int)i, oc_refuse_exchange(x));
    }
    x->path = NULL;
    ok(oc_refuse_exchange(x), "no path");
    for (int c = 1; c < 256; ++c) {
        char path[] = {'/', (char)c, '\0'};

        x->path = path;
        if ((oc_refuse_exchange(x) == NULL) != (c > 0x20 && c < 0x7f && c != '#')) {
            ok(0, "byte %d in a path", c);
        }
    }
}

static void test_headers(void)
{
    static const char *const bad[][2] = {
        {"X\r\nY", "1"},       {"X Y", "1"},           {"", "1"},
        {"X:", "1"},           {"X", "a\r\nY: 1"},     {"X", "a\nb"},
        {"X", "a\x01"},        {"Host", "x"},          {"content-length", "5"},
        {"AUTHORIZATION", ""}, {"Cookie", "a=b"},      {"Transfer-Encoding", "chunked"},
        {"Expect", "x"},       {"Connection", "close"}};
    oc_exchange_t *x;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        x = good();
        apr_table_addn(x->headers, bad[i][0], bad[i][1]);
        ok(oc_refuse_exchange(x), "header %d: %s", (int)i, oc_refuse_exchange(x));
    }
    x = good();
    apr_table_addn(x->headers, "Translate", "f");
    apr_table_addn(x->headers, "If-None-Match", "*");
    apr_table_addn(x->headers, "X-Tab", "a\tb \xc3\xa9");
    ok(!oc_refuse_exchange(x), "ordinary ones pass");
    x->authorization = "Negotiate YII=\r\nX: y";
    ok(oc_refuse_exchange(x), "a line end in the credential");
    x->authorization = "Negotiate YII=";
    ok(!oc_refuse_exchange(x), "a credential");
    x->cookie = "a=b\nX: y";
    ok(oc_refuse_exchange(x), "a line end in the cookie");
}

static void test_the_rest(void)
{
    static const char *const methods[] = {"", "GET /", "G\r\n", "GE:T"};
    oc_exchange_t *x = good();
    oc_site_t bad[7] = {site, site, site, site, site, site, site};

    for (int i = 0; i < 4; ++i) {
        x->method = methods[i];
        ok(oc_refuse_exchange(x), "method %d", i);
    }
    bad[0].scheme = "ftp";
    bad[1].host = "";
    bad[2].host = "a/b";
    bad[3].host = "a@b";
    bad[4].host = "a\r\nb";
    bad[5].port = 0;
    bad[6].port = 65536;
    for (int i = 0; i < 7; ++i) {
        x = good();
        x->site = &bad[i];
        ok(oc_refuse_exchange(x), "site %d", i);
    }
    x = good();
    x->identity = NULL;
    ok(oc_refuse_exchange(x), "nobody's exchange");
    x = good();
    x->connauth = OC_CONNAUTH_NTLM;
    x->user = "ana";
    ok(oc_refuse_exchange(x), "NTLM without password");
    x->password = "";
    ok(!oc_refuse_exchange(x), "an empty password is one");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&root, NULL);
    test_paths();
    test_headers();
    test_the_rest();
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
