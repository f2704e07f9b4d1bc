/* The schemes that a server offers, from headers that may say anything. */
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wire/challenge.h"

static apr_pool_t *pool;

static void test_rows(void)
{
    static const struct {
        const char *header, *second, *want, *why;
    } rows[] = {
        {NULL, NULL, "", "none"},
        {"", NULL, "", "an empty one"},
        {"Negotiate", "NTLM", "Negotiate, NTLM", "IIS, one header each"},
        {"Basic realm=\"mail.example\"", NULL, "Basic", "a parameter is left out"},
        {"Negotiate, NTLM, Basic realm=\"x\"", NULL, "Negotiate, NTLM, Basic",
         "one header for all"},
        {"Basic realm=\"a, Evil b\", Digest nonce=x, qop=\"auth\"", NULL, "Basic, Digest",
         "a comma within quotes"},
        {"Basic realm=\"a\\\", Evil\"", NULL, "Basic", "a quote within quotes"},
        {"Negotiate oYGUMIGRoAMKAQ==", "NTLM TlRMTVNTUAACAAAA", "Negotiate, NTLM",
         "tokens are left out"},
        {"NTLM abc, Basic realm=x", NULL, "NTLM, Basic", "a token before another scheme"},
        {"basic realm=x", "BASIC realm=y", "basic", "each once"},
        {"<script>, Basic", NULL, "Basic and 1 more", "what is no name is not shown"},
        {"Ba\xff\x01sic", NULL, "1 unreadable", "nor are bytes"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", NULL, "1 unreadable", "nor a long one"},
        {"a,b,c,d,e,f,g,h,i,j", NULL, "a, b, c, d, e, f, g, h and 2 more", "eight at most"},
        {"Basic realm=\"never closed, NTLM", NULL, "Basic", "an open quote"},
        {"=x, =\"y\", ,,\"z\"", NULL, "", "rubbish"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        apr_table_t *headers = apr_table_make(pool, 2);

        if (rows[i].header) {
            apr_table_addn(headers, "WWW-Authenticate", rows[i].header);
        }
        if (rows[i].second) {
            apr_table_addn(headers, "www-authenticate", rows[i].second);
        }
        is_str(oc_challenge_schemes(pool, headers), rows[i].want, "%s", rows[i].why);
    }
}

static void test_many(void)
{
    apr_table_t *headers = apr_table_make(pool, 10000);
    const char *text;

    for (int i = 0; i < 10000; ++i) {
        apr_table_addn(headers, "WWW-Authenticate", apr_psprintf(pool, "S%d", i));
    }
    text = oc_challenge_schemes(pool, headers);
    is_str(text, "S0, S1, S2, S3, S4, S5, S6, S7 and 9,992 more", "ten thousand");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rows();
    test_many();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
