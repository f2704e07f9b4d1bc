/* Words of requests and of the configuration: what is refused, by name. */
#include "tap.h"
#include "wire/words.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static void test_return(void)
{
    static const struct {
        const char *target;
        int good;
        const char *why;
    } rows[] = {
        {"/intranet", 1, "the prefix itself"},
        {"/intranet/", 1, "with a slash"},
        {"/intranet/rooms/today.html?day=1&x=../..", 1, "a page below, dots in its query"},
        {"/intranet/./x", 1, "a dot segment that goes nowhere"},
        {"/intranet/a/../b", 1, "one that stays below"},
        {"/%69ntranet/x", 1, "the prefix, encoded"},
        {"/intranet/T%C3%B6r", 1, "UTF-8"},
        {"/intranet/%252e%252e/x", 1, "encoded twice is a name, not dots"},
        {"/a/b/c", 1, "below another prefix"},
        {"", 0, "nothing"},
        {"intranet", 0, "a relative path"},
        {"//evil.example/intranet", 0, "another host"},
        {"/\\evil.example", 0, "another host to a browser that takes \\ for /"},
        {"/intranet\\..\\x", 0, "a backslash further on"},
        {"https://evil.example/", 0, "a URL"},
        {"javascript:alert(1)", 0, "a script"},
        {"/intranetx", 0, "a longer name"},
        {"/INTRANET", 0, "paths have case"},
        {"/booking", 0, "elsewhere"},
        {"/a", 0, "above a prefix"},
        {"/", 0, "the root"},
        {"/intranet/..", 0, "up and out"},
        {"/intranet/../booking", 0, "up and elsewhere"},
        {"/intranet/../../intranet", 0, "above the root and back"},
        {"/intranet/%2e%2e/x", 0, "dots encoded"},
        {"/intranet/%2E./x", 0, "one of them encoded"},
        {"/%69ntranet/../../x", 0, "both tricks"},
        {"/intranet//x", 0, "an empty segment"},
        {"/intranet%2f..", 0, "an encoded slash"},
        {"/intranet/%2Fx", 0, "in either case"},
        {"/intranet/%5c", 0, "an encoded backslash"},
        {"/intranet/%0d%0aX:1", 0, "an encoded line break"},
        {"/intranet\r\nSet-Cookie: a=b", 0, "a raw one"},
        {"/intranet/\x7f", 0, "DEL"},
        {"/intranet/%00", 0, "an encoded NUL"},
        {"/intranet/%", 0, "a broken escape"},
        {"/intranet/%zz", 0, "another"},
        {"/intranet/%ff", 0, "no UTF-8"},
        {"/intranet/a b", 0, "a blank"},
        {"/intranet/#x", 0, "a fragment"},
    };
    apr_array_header_t *prefixes = apr_array_make(pool, 2, sizeof(const char *));
    const char *target;

    APR_ARRAY_PUSH(prefixes, const char *) = "/intranet";
    APR_ARRAY_PUSH(prefixes, const char *) = "/a/b";
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        is_str(oc_words_return(pool, rows[i].target, prefixes),
               rows[i].good ? rows[i].target : NULL, "return: %s", rows[i].why);
    }
    target = apr_pstrcat(pool, "/intranet/", apr_psprintf(pool, "%01990d", 0), NULL);
    ok(oc_words_return(pool, target, prefixes) != NULL, "2,000 bytes");
    ok(!oc_words_return(pool, apr_pstrcat(pool, target, "0", NULL), prefixes), "one more");
    is_str(oc_words_return(pool, "/intranet", NULL), NULL, "nothing configured, nothing allowed");
}

static void test_expressions(void)
{
    static const struct {
        const char *text;
        int good;
    } rows[] = {
        {"%{REMOTE_USER}", 1},
        {"room-admin", 1},
        {"%{REMOTE_USER}@example.com", 1},
        {"100%", 1},
        {"tolower(%{REMOTE_USER})", 1},
        {"toupper(%{REMOTE_USER})", 1},
        {"%{HTTP_X_USER}", 0},
        {"%{req:X-User}", 0},
        {"%{QUERY_STRING}", 0},
        {"%{env:USER}", 0},
        {"%{reqenv:USER}", 0},
        {"%{osenv:USER}", 0},
        {"%{REMOTE_USER}%{HTTP:X}", 0},
        {"%{REMOTE_USER", 0},
        {"%{REMOTE_USERS}", 0},
        {"%{remote_user}", 0},
        {"%{tolower:%{REMOTE_USER}}", 0},
        {"req('X-User')", 0},
        {"file(/etc/passwd)", 0},
        {"tolower(req('X-User'))", 0},
        {"mytolower(x)", 0},
        {"%%{HTTP_X_USER}", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *said = oc_words_person_expr(pool, rows[i].text);
        is_int(!said, rows[i].good, "expression %s: %s", rows[i].text, said ? said : "allowed");
    }
}

static void test_origins(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"https://intranet.example.com", "https://intranet.example.com"},
        {"https://intranet.example.com/", "https://intranet.example.com"},
        {"HTTPS://Intranet.Example.COM:443", "https://intranet.example.com"},
        {"http://h:80", "http://h"},
        {"http://h:443", "http://h:443"},
        {"https://h:8443", "https://h:8443"},
        {"http://[::1]:8080", "http://[::1]:8080"},
        {"null", NULL},
        {"", NULL},
        {"intranet.example.com", NULL},
        {"ftp://h", NULL},
        {"https://h/path", NULL},
        {"https://h?q", NULL},
        {"https://h#f", NULL},
        {"https://u:p@h", NULL},
        {"https://u@h", NULL},
        {"https://", NULL},
        {"https://h:0", NULL},
        {"https://h:70000", NULL},
        {"https://h h", NULL},
        {"https://h\r\nx", NULL},
        {"https://h\\evil", NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        is_str(oc_words_origin(pool, rows[i].text), rows[i].want, "origin %s", rows[i].text);
    }
}

static void test_hosts(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"Mail.Example.COM", "mail.example.com 80"},
        {"h:8080", "h 8080"},
        {"[::1]:8080", "::1 8080"},
        {"192.0.2.1", "192.0.2.1 80"},
        {"", "wrong"},
        {"h:0", "wrong"},
        {"h:70000", "wrong"},
        {"h:x", "wrong"},
        {"h/path", "wrong"},
        {"h h", "wrong"},
        {"fe80::1%eth0", "wrong"},
        {"u@h", "wrong"},
        {":8080", "wrong"},
        {"8080", "wrong"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *host = NULL;
        int port = 0;
        const char *error = oc_words_host(pool, rows[i].text, 80, &host, &port);
        is_str(error ? "wrong" : apr_psprintf(pool, "%s %d", host, port), rows[i].want, "host %s",
               rows[i].text);
    }
}

static void test_small_words(void)
{
    static const char *const paths[] = {"/", "/exchange/", "/a/b", "/.hidden", "/a..b"};
    static const char *const no_paths[] = {"", "a", "/a//b", "/./a", "/a/..", "/..", "//", "/a b",
                                           "/a?b", "/a#b", "/a%20b", "/a\\b", "/a\x7f", "/a\n"};
    const char *name64 = apr_psprintf(pool, "%064d", 0);

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        ok(oc_words_path_ok(paths[i]), "path %s", paths[i]);
    }
    for (size_t i = 0; i < sizeof(no_paths) / sizeof(*no_paths); i++) {
        ok(!oc_words_path_ok(no_paths[i]), "no path: %s", no_paths[i]);
    }
    ok(oc_words_name_ok("corp-1.x_y") && oc_words_name_ok(name64), "names");
    ok(!oc_words_name_ok("") && !oc_words_name_ok("a b") && !oc_words_name_ok("a/b") &&
           !oc_words_name_ok("\xc3\xa9") && !oc_words_name_ok(apr_pstrcat(pool, name64, "0", NULL)),
       "no names");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_return();
    test_expressions();
    test_origins();
    test_hosts();
    test_small_words();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
