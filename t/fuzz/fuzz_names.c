/* Any user name, as a login module may have verified it, under several declarations. What is taken
 * is one path segment, one line, bounded; is the same when it is given in again, and however its
 * letters were written. */
#include "fuzz.h"
#include "auth/names.h"
#include "base/text.h"

static apr_array_header_t *declared(apr_pool_t *pool, int which)
{
    static const char *const lines[] = {"EX.EXAMPLE.COM domain=EX,EX2 mail=example.com default",
                                        "OTHER.EXAMPLE.NET domain=OTHER mail=other.example.net"};
    apr_array_header_t *realms = apr_array_make(pool, 2, sizeof(oc_realm_t *));

    for (int i = 0; i < which; i++) {
        oc_realm_t *realm;
        char **argv;
        int argc = 0;

        apr_tokenize_to_argv(lines[i], &argv, pool);
        while (argv[argc]) {
            argc++;
        }
        must(!oc_realm_parse(pool, argc, argv, &realm));
        APR_ARRAY_PUSH(realms, oc_realm_t *) = realm;
    }
    must(!oc_realms_wrong(pool, realms));
    return realms;
}

static void segment(const char *account)
{
    must(*account && strlen(account) <= 256 && oc_str_utf8(account, strlen(account)));
    must(!oc_str_control(account, "") && !strpbrk(account, "/\\%?#@\":") && !strstr(account, ".."));
    must(account[0] != '.' && account[strlen(account) - 1] != '.');
    must(!oc_text_unnameable(account));
}

static void a_name(apr_pool_t *pool, const char *user, int which)
{
    apr_array_header_t *realms = declared(pool, which);
    oc_name_t name, again;
    oc_result_t res;

    oc_result_init(&res, pool);
    if (oc_name_of(pool, realms, user, &name, &res) != APR_SUCCESS) {
        must(res.reason == OC_REASON_NO_MAILBOX && res.detail);
        must(strlen(res.detail) < 1000 && !oc_str_control(res.detail, ""));
        must(oc_str_utf8(res.detail, strlen(res.detail)));
        return;
    }
    segment(name.account);
    must(!which || name.realm);
    must(strlen(name.canonical) <= 256 && strlen(name.principal) <= 256);
    must(strlen(name.canonical) == strlen(name.account)
                                       + (name.realm ? strlen(name.realm) + 1 : 0));
    must(!oc_name_of(pool, realms, name.canonical, &again, &res));
    must(!strcmp(again.canonical, name.canonical) && !strcmp(again.account, name.account));
    must(!strcmp(again.principal, name.canonical));
    must(!oc_name_of(pool, realms, name.principal, &again, &res));
    must(!strcmp(again.canonical, name.canonical) && !strcmp(again.principal, name.principal));
}

/* The same text as a directive's words. */
static void a_declaration(apr_pool_t *pool, const char *text)
{
    apr_array_header_t *realms = declared(pool, 2);
    oc_realm_t *realm = NULL;
    const char *error;
    char **argv;
    int argc = 0;

    apr_tokenize_to_argv(text, &argv, pool);
    while (argv[argc]) {
        argc++;
    }
    error = oc_realm_parse(pool, argc, argv, &realm);
    must(!error == !!realm);
    must(!error || !oc_str_control(error, ""));
    if (realm) {
        must(*realm->realm && strlen(realm->realm) <= 200 && !strpbrk(realm->realm, "@/\\% \n"));
        APR_ARRAY_PUSH(realms, oc_realm_t *) = realm;
        oc_realms_wrong(pool, realms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text, *folded;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    for (int which = 0; which <= 2; which++) {
        a_name(pool, text, which);
    }
    a_declaration(pool, text);
    folded = oc_text_fold(pool, text);
    if (folded) {
        must(oc_str_utf8(folded, strlen(folded)) && !strcmp(oc_text_fold(pool, folded), folded));
    }
    apr_pool_destroy(pool);
    return 0;
}
