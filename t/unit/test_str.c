/* Escapers, base64url, UTF-8 and wiping. */
#include <apr_general.h>
#include "base/str.h"
#include "tap.h"

static void test_escapers(apr_pool_t *p)
{
    const char *plain = "a plain text;\t#1 = 100 %\r\n";

    is_str(oc_str_html(p, "<a href=\"x\" b='y'>&"), "&lt;a href=&#34;x&#34; b=&#39;y&#39;&gt;&amp;",
           "markup becomes references");
    is_str(oc_str_html(p, "a\x01"
                          "b\xff"
                          "c\xc0\xaf"),
           "a\xEF\xBF\xBD"
           "b\xEF\xBF\xBD"
           "c\xEF\xBF\xBD\xEF\xBF\xBD",
           "control characters and broken UTF-8 become U+FFFD in HTML");
    is_str(oc_str_html(p, "sz\xc3\xa9k\n"), "sz\xc3\xa9k\n", "UTF-8 and line ends stay in HTML");
    is_str(oc_str_html(p, "\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
           "and surrogates");
    ok(oc_str_html(p, plain) == plain, "a text in which nothing is to be done is not copied");
    is_str(oc_str_html(p, "\xff\xff\xff'''\"\""),
           "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD&#39;&#39;&#39;&#34;&#34;",
           "there is room for the longest");
    ok(oc_str_ascii(p, plain) == plain, "nor one that is ASCII anyway");
    is_str(oc_str_ascii(p, "<b>\xf4\x8f\xbf\xbf\xc3\xa9\xff</b>"),
           "<b>&#1114111;&#233;&#65533;</b>", "all other characters become references");
    is_str(oc_str_segment(p, "a/b+c%d e\xc3\xa9"), "a%2Fb%2Bc%25d%20e%C3%A9", "a path segment");
    is_str(oc_str_query(p, "SMTP:a+b@x.example&c"), "SMTP:a%2Bb@x.example%26c", "a query value");
    is_str(oc_str_log(p, "a\nb\x1b[31m\xff", 100), "a\\x0ab\\x1b[31m\\xff",
           "a log text has no controls");
    is_str(oc_str_log(p, "abcdef", 3), "abc...", "a log text is cut");
}

static void test_unescape(apr_pool_t *p)
{
    is_str(oc_str_unescape(p, "a%2fb+c", 7), "a/b+c", "plus is a plus");
    ok(!oc_str_unescape(p, "%0", 2), "%s", "a cut escape is refused");
    ok(!oc_str_unescape(p, "%", 1), "%s", "a lone percent is refused");
    ok(!oc_str_unescape(p, "%g0", 3), "%s", "a wrong digit is refused");
    ok(!oc_str_unescape(p, "a%00b", 5), "%s", "NUL is refused");
    is_str(oc_str_unescape(p, "%C3%A9", 6), "\xc3\xa9", "the last escape counts");
}

static void test_utf8(void)
{
    ok(oc_str_utf8("abc\xf0\x9f\x98\x80", 7), "%s", "an emoji is UTF-8");
    ok(!oc_str_utf8("\xc0\x80", 2), "%s", "overlong NUL is not");
    ok(!oc_str_utf8("\xed\xa0\x80", 3), "%s", "a surrogate is not");
    ok(!oc_str_utf8("\xf4\x90\x80\x80", 4), "%s", "beyond U+10FFFF is not");
    ok(!oc_str_utf8("\xe2\x82", 2), "%s", "a cut sequence is not");
    ok(oc_str_control("a\tb", "") && !oc_str_control("a\tb", "\t"), "%s",
       "exceptions of control characters");
}

static void test_base64(apr_pool_t *p)
{
    unsigned char all[256];
    apr_size_t n;
    int i, good = 1;

    for (i = 0; i < 256; ++i) {
        all[i] = (unsigned char)i;
    }
    for (i = 0; i < 256; ++i) {
        unsigned char *back =
            oc_str_base64url_decode(p, oc_str_base64url(p, all, (apr_size_t)i), &n);
        good &= back && n == (apr_size_t)i && memcmp(back, all, n) == 0;
    }
    ok(good, "%s", "every length comes back");
    ok(!oc_str_base64url_decode(p, "A", &n), "%s", "an impossible length is refused");
    ok(!oc_str_base64url_decode(p, "AB+=", &n), "%s", "other alphabets are refused");
    ok(!oc_str_base64url_decode(p, "AB", &n), "%s", "left-over bits are refused");
    is_str(oc_str_hex(p, (const unsigned char *)"\x00\xff", 2), "00ff", "hex");
}

static void test_secret(void)
{
    apr_pool_t *p;
    char *s, keep[6];

    apr_pool_create(&p, NULL);
    s = oc_str_secret(p, "hunter");
    memcpy(keep, "xxxxxx", 6);
    ok(memcmp(s, "hunter", 6) == 0, "%s", "a secret stays while its pool lives");
    oc_str_wipe(keep, 6);
    is_mem(keep, 6, "\0\0\0\0\0\0", 6, "wiping overwrites");
    apr_pool_destroy(p);
}

static void test_loopback(void)
{
    static const struct {
        const char *host;
        int want;
    } rows[] = {
        {"127.0.0.1", 1},
        {"127.3.2.1:8080", 1},
        {"localhost", 1},
        {"LocalHost:81", 1},
        {"::1", 1},
        {"[::1]", 1},
        {"[::1]:443", 1},
        {"127.evil.example", 0},
        {"127.0.0.1.example", 0},
        {"localhost.evil.example", 0},
        {"10.0.0.1", 0},
        {"127.1", 0},
        {"[::2]", 0},
        {"", 0},
        {"::ffff:10.0.0.1", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        is_int(oc_str_loopback(rows[i].host), rows[i].want, "is this machine: \"%s\"",
               rows[i].host);
    }
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    test_escapers(p);
    test_unescape(p);
    test_utf8();
    test_base64(p);
    test_secret();
    test_loopback();
    is_str(oc_str_trim(p, " \ta b\n"), "a b", "trim");
    is_str(oc_str_lower(p, "AbÉ"), "abÉ", "lower-casing touches ASCII only");
    return done_testing();
}
