/* One person, many spellings: which belong together, and which names are nobody's. */
#include "tap.h"
#include "auth/names.h"
#include "base/str.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

/* Realms as OwaCalRealm lines, words apart by blanks; *error is the first thing wrong with them. */
static apr_array_header_t *realms_of(const char *const lines[], const char **error)
{
    apr_array_header_t *realms = apr_array_make(pool, 2, sizeof(oc_realm_t *));

    *error = NULL;
    for (int i = 0; lines[i] && !*error; i++) {
        oc_realm_t *realm = NULL;
        char **argv;
        int argc = 0;

        apr_tokenize_to_argv(lines[i], &argv, pool);
        while (argv[argc]) {
            argc++;
        }
        *error = oc_realm_parse(pool, argc, argv, &realm);
        if (!*error) {
            APR_ARRAY_PUSH(realms, oc_realm_t *) = realm;
        }
    }
    *error = *error ? *error : oc_realms_wrong(pool, realms);
    return realms;
}

static const char *const none[] = {NULL};
static const char *const one[] = {"ex.example.com domain=EX,EX2 mail=example.com,Example.ORG",
                                  NULL};
static const char *const two[] = {"EX.EXAMPLE.COM domain=EX mail=example.com,ex.example.com",
                                  "OTHER.EXAMPLE.NET domain=OTHER mail=other.example.net", NULL};
static const char *const two_one_default[] = {"EX.EXAMPLE.COM domain=EX mail=example.com default",
                                              "OTHER.EXAMPLE.NET domain=OTHER", NULL};

static void test_spellings(void)
{
    static const struct {
        const char *const *realms;
        const char *user, *canonical, *principal, *account, *realm;
    } rows[] = {
        /* nothing declared */
        {none, "alice", "alice", "alice", "alice", NULL},
        {none, "Alice", "alice", "Alice", "alice", NULL},
        {none, "Alice@ex.example.com", "alice@EX.EXAMPLE.COM", "Alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {none, "ex\\Alice", "alice@EX", "Alice@EX", "alice", "EX"},
        /* one realm: it is the default */
        {one, "alice", "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice", "EX.EXAMPLE.COM"},
        {one, "ALICE", "alice@EX.EXAMPLE.COM", "ALICE@EX.EXAMPLE.COM", "alice", "EX.EXAMPLE.COM"},
        {one, "EX\\alice", "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {one, "ex2\\Alice", "alice@EX.EXAMPLE.COM", "Alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {one, "ex.example.com\\alice", "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {one, "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {one, "alice@Ex.Example.Com", "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {one, "alice@example.com", "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {one, "Alice@EXAMPLE.org", "alice@EX.EXAMPLE.COM", "Alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {one, "Zolt\xc3\xa1n", "zolt\xc3\xa1n@EX.EXAMPLE.COM", "Zolt\xc3\xa1n@EX.EXAMPLE.COM",
         "zolt\xc3\xa1n", "EX.EXAMPLE.COM"},
        {one, "ZOLTA\xcc\x81N@example.com", "zolt\xc3\xa1n@EX.EXAMPLE.COM",
         "ZOLTA\xcc\x81N@EX.EXAMPLE.COM", "zolt\xc3\xa1n", "EX.EXAMPLE.COM"},
        {one, "alice+x=y&z", "alice+x=y&z@EX.EXAMPLE.COM", "alice+x=y&z@EX.EXAMPLE.COM",
         "alice+x=y&z", "EX.EXAMPLE.COM"},
        {one, "Alice O'Brien", "alice o'brien@EX.EXAMPLE.COM", "Alice O'Brien@EX.EXAMPLE.COM",
         "alice o'brien", "EX.EXAMPLE.COM"},
        {one, "\xd0\xb0lice", "\xd0\xb0lice@EX.EXAMPLE.COM", "\xd0\xb0lice@EX.EXAMPLE.COM",
         "\xd0\xb0lice", "EX.EXAMPLE.COM"}, /* looks like alice and is another */
        /* several */
        {two, "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {two, "other\\alice", "alice@OTHER.EXAMPLE.NET", "alice@OTHER.EXAMPLE.NET", "alice",
         "OTHER.EXAMPLE.NET"},
        {two_one_default, "alice", "alice@EX.EXAMPLE.COM", "alice@EX.EXAMPLE.COM", "alice",
         "EX.EXAMPLE.COM"},
        {two_one_default, "OTHER\\alice", "alice@OTHER.EXAMPLE.NET", "alice@OTHER.EXAMPLE.NET",
         "alice", "OTHER.EXAMPLE.NET"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *error, *user = rows[i].user;
        apr_array_header_t *realms = realms_of(rows[i].realms, &error);
        oc_result_t res;
        oc_name_t name, again;

        oc_result_init(&res, pool);
        ok(!error && oc_name_of(pool, realms, user, &name, &res) == APR_SUCCESS, "%s", user)
            || (diag("%s", error ? error : res.detail), 0);
        is_str(name.canonical, rows[i].canonical, "  canonical");
        is_str(name.principal, rows[i].principal, "  principal");
        is_str(name.account, rows[i].account, "  account");
        is_str(name.realm, rows[i].realm, "  realm");
        if (name.canonical) {
            oc_name_of(pool, realms, name.canonical, &again, &res);
            is_str(again.canonical, name.canonical, "  given in again, it stays");
        }
    }
}

static void test_nobody(void)
{
    static const struct {
        const char *const *realms;
        const char *user, *why, *detail;
    } rows[] = {
        {one, NULL, "none at all", "it is empty"},
        {one, "", "an empty one", "it is empty"},
        {one, "@EX.EXAMPLE.COM", "a realm only", "nothing but a domain"},
        {one, "EX\\", "a domain only", "nothing but a domain"},
        {one, "\\alice", "an empty domain", "its domain is empty"},
        {one, "alice@", "an empty realm", "its domain is empty"},
        {one, "\\", "a backslash", "nothing but a domain"},
        {one, "@", "an at sign", "nothing but a domain"},
        {one, ".\\alice", "this machine's own", "its domain is none"},
        {one, "EX\\EX\\alice", "two backslashes", "two domains"},
        {one, "EX\\\\alice", "in a row", "two domains"},
        {one, "alice@example.com@EX.EXAMPLE.COM", "two at signs", "two domains"},
        {one, "alice@@EX.EXAMPLE.COM", "in a row", "two domains"},
        {one, "EX\\alice@EX.EXAMPLE.COM", "both forms", "before \"\\\" and another"},
        {one, "alice\\@example.com@EX.EXAMPLE.COM", "an enterprise name", "enterprise"},
        {one, "HTTP/www.example.com@EX.EXAMPLE.COM", "a service", "a service"},
        {one, "alice/admin", "an instance", "a service"},
        {one, "/C=DE/CN=alice", "a certificate's subject", "certificate"},
        {one, "..", "dots", "two dots"},
        {one, "../bob", "up and over", "a service, a path"},
        {one, "..\\bob", "up and over, the other way", "its domain is none"},
        {one, "a..b", "two dots", "two dots"},
        {one, ".alice", "a dot first", "neither begins"},
        {one, "alice.", "a dot last", "nor ends"},
        {one, "alice ", "a blank last", "nor ends"},
        {one, " alice", "a blank first", "neither begins"},
        {one, "alice @example.com", "a blank last in the account", "nor ends"},
        {one, "a%2fb", "percent", "\"%\" may not"},
        {one, "alice?x", "a query", "\"?\" may not"},
        {one, "alice#x", "a fragment", "\"#\" may not"},
        {one, "alice:x", "a colon", "\":\" may not"},
        {one, "alice\" outcome=\"ok", "a quote", "may not"},
        {one, "CN=alice,O=x", "a subject", "\",\" may not"},
        {one, "alice@example.com.", "a domain that ends in a dot", "its domain is none"},
        {one, "alice@example..com", "an empty label", "its domain is none"},
        {one, "alice@ex ample.com", "a domain with a blank", "its domain is none"},
        {one, "alice@ex\xc3\xa4mple.com", "a domain in letters", "its domain is none"},
        {one, "alice@-x", "a domain of a hyphen", "its domain is none"},
        {one, "alice\nX", "a line break", "U+000A"},
        {one, "al\xe2\x80\xaeice", "right-to-left override", "U+202E"},
        {one, "al\xe2\x80\x8bice", "a zero-width space", "U+200B"},
        {one, "\xef\xbd\x81lice", "full-width", "U+FF41"},
        {one, "alice\xef\xbc\x8f..", "a full-width slash", "U+FF0F"},
        {one, "x\xcd\xbey", "a Greek question mark, which is \";\"", "\";\" may not"},
        {one, "EX\\\xcd\x85" "E", "a mark that stands alone once the domain is gone", "U+0345"},
        {one, "alice\xff", "no UTF-8", "not UTF-8"},
        {one, "alice@elsewhere.example", "an unknown domain", "no OwaCalRealm has its domain"},
        {one, "ELSE\\alice", "an unknown domain", "no OwaCalRealm has its domain"},
        {one, "alice@EX", "a Windows domain behind the @", "no OwaCalRealm has its domain"},
        {one, "example.com\\alice", "a mail domain before the \\", "no OwaCalRealm"},
        {two, "alice", "bare, with several realms", "could be of several realms"},
        {none, "EX\\", "nothing declared, nobody named", "nothing but a domain"},
        {none, "alice@..", "nothing declared, a domain of dots", "its domain is none"},
    };
    const char *error;
    oc_result_t res;
    oc_name_t name;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        apr_array_header_t *realms = realms_of(rows[i].realms, &error);

        oc_result_init(&res, pool);
        ok(oc_name_of(pool, realms, rows[i].user, &name, &res) != APR_SUCCESS
               && res.reason == OC_REASON_NO_MAILBOX, "refused: %s", rows[i].why);
        ok(res.detail && strstr(res.detail, rows[i].detail), "  and says why")
            || (diag("%s", res.detail ? res.detail : "nothing"), 0);
        ok(!res.detail || !oc_str_control(res.detail, ""), "  in one line");
    }
    oc_result_init(&res, pool);
    ok(oc_name_of(pool, NULL, apr_psprintf(pool, "%01000d", 1), &name, &res) != APR_SUCCESS
           && strstr(res.detail, "more than 256 bytes"), "1,000 characters");
    oc_result_init(&res, pool);
    is_int(oc_name_of(pool, NULL, apr_psprintf(pool, "%0256d", 1), &name, &res), APR_SUCCESS,
           "256 are taken");
    ok(oc_name_of(pool, realms_of(one, &error), apr_psprintf(pool, "%0256d", 1), &name, &res)
           != APR_SUCCESS && strstr(res.detail, "too long"), "unless a realm makes them more");
}

static void test_realms(void)
{
    static const struct {
        const char *const lines[4];
        const char *wrong; /* NULL: nothing is */
    } rows[] = {
        {{"EX.EXAMPLE.COM", NULL}, NULL},
        {{"EX.EXAMPLE.COM default domain=EX mail=ex.example.com,EXAMPLE.COM", NULL}, NULL},
        {{"A.TEST domain=A", "B.TEST domain=B default", "C.TEST", NULL}, NULL},
        {{"", NULL}, "a Kerberos realm is wanted"},
        {{"EX/COM", NULL}, "is no realm"},
        {{"domain=EX", NULL}, "is no realm"},
        {{"EX. ", NULL}, "is no realm"},
        {{"EX domains=EX", NULL}, "domains=EX: known are domain="},
        {{"EX domain=", NULL}, "\"\" is no domain's name"},
        {{"EX domain=A,,B", NULL}, "is no domain's name"},
        {{"EX mail=a@b.test", NULL}, "is no domain's name"},
        {{"A.TEST", "a.test", NULL}, "A.TEST was declared before"},
        {{"A.TEST mail=x.test", "B.TEST mail=X.test", NULL}, "belongs to A.TEST and to B.TEST"},
        {{"A.TEST domain=X", "B.TEST domain=x", NULL}, "belongs to A.TEST and to B.TEST"},
        {{"A.TEST mail=b.test", "B.TEST", NULL}, "belongs to A.TEST and to B.TEST"},
        {{"A.TEST", "B.TEST mail=a.test", NULL}, "belongs to A.TEST and to B.TEST"},
        {{"A.TEST default", "B.TEST", "C.TEST default", NULL}, "A.TEST and C.TEST are both"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *error;

        realms_of(rows[i].lines, &error);
        ok(rows[i].wrong ? error && strstr(error, rows[i].wrong) : !error, "realms: %s",
           rows[i].wrong ? rows[i].wrong : rows[i].lines[0])
            || (diag("%s", error ? error : "nothing wrong"), 0);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_spellings();
    test_nobody();
    test_realms();
    apr_pool_destroy(pool);
    return done_testing();
}
