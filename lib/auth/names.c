/* names.c - see names.h. */
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "auth/names.h"
#include "base/str.h"
#include "base/text.h"

#define NAME_BYTES 256 /* of what comes in and of what goes out: an identity takes no more */

/* The ASCII characters that no account may hold: what Windows forbids in account names, less "+"
 * and "=" which mail names have, and what means something in a path or a query. */
#define FORBIDDEN "/\\@%?#\":;,*|<>[]"

/* A realm, a Windows domain, a mail domain: "EX.EXAMPLE.COM", "EX_1". Names in other alphabets
 * travel as xn--..; so do they here. */
static int domain_ok(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > 200 || !apr_isalnum(s[0]) || s[n - 1] == '.' || strstr(s, "..")) {
        return 0;
    }
    for (; *s; ++s) {
        if ((unsigned char)*s >= 0x80 || (!apr_isalnum(*s) && !strchr("._-", *s))) {
            return 0;
        }
    }
    return 1;
}

static int among(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; ++i) {
        if (strcasecmp(APR_ARRAY_IDX(names, i, const char *), name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- what is declared ---- */

static const char *parse_list(apr_pool_t *pool, const char *word, const char *list,
                              apr_array_header_t *names)
{
    for (;;) {
        size_t n = strcspn(list, ",");
        const char *name = apr_pstrmemdup(pool, list, n);

        if (!domain_ok(name)) {
            return apr_pstrcat(pool, oc_str_log(pool, word, 80), ": \"", oc_str_log(pool, name, 80),
                               "\" is no domain's name; names made of letters, digits, \".\", "
                               "\"_\" and \"-\" are wanted, with commas between them", NULL);
        }
        APR_ARRAY_PUSH(names, const char *) = name;
        if (!list[n]) {
            return NULL;
        }
        list += n + 1;
    }
}

const char *oc_realm_parse(apr_pool_t *pool, int argc, char *const argv[], oc_realm_t **realm)
{
    apr_array_header_t *domains = apr_array_make(pool, 2, sizeof(const char *));
    apr_array_header_t *mail = apr_array_make(pool, 2, sizeof(const char *));
    oc_realm_t *made = apr_pcalloc(pool, sizeof(*made));
    const char *error = NULL;

    if (argc < 1) {
        return "a Kerberos realm is wanted, as in "
               "OwaCalRealm EX.EXAMPLE.COM domain=EX mail=example.com default";
    }
    if (!domain_ok(argv[0])) {
        return apr_pstrcat(pool, "\"", oc_str_log(pool, argv[0], 80),
                           "\" is no realm; its name comes first and is made of letters, digits, "
                           "\".\", \"_\" and \"-\", as in EX.EXAMPLE.COM", NULL);
    }
    made->realm = oc_str_upper(pool, argv[0]);
    made->domains = domains;
    made->mail = mail;
    for (int i = 1; i < argc && !error; ++i) {
        if (strncmp(argv[i], "domain=", 7) == 0) {
            error = parse_list(pool, argv[i], argv[i] + 7, domains);
        } else if (strncmp(argv[i], "mail=", 5) == 0) {
            error = parse_list(pool, argv[i], argv[i] + 5, mail);
        } else if (strcasecmp(argv[i], "default") == 0) {
            made->is_default = 1;
        } else {
            error = apr_pstrcat(pool, oc_str_log(pool, argv[i], 80),
                                ": known are domain=NAME,.., mail=DOMAIN,.. and default", NULL);
        }
    }
    *realm = error ? NULL : made;
    return error;
}

/* A name of `a` that is one of `b`'s, too, whatever each means by it: NULL, or that name. */
static const char *shared_name(const oc_realm_t *a, const oc_realm_t *b)
{
    const apr_array_header_t *lists[] = {a->domains, a->mail};

    if (strcasecmp(a->realm, b->realm) == 0 || among(b->domains, a->realm)
        || among(b->mail, a->realm)) {
        return a->realm;
    }
    for (int l = 0; l < 2; ++l) {
        for (int i = 0; i < lists[l]->nelts; ++i) {
            const char *name = APR_ARRAY_IDX(lists[l], i, const char *);
            if (strcasecmp(name, b->realm) == 0 || among(b->domains, name)
                || among(b->mail, name)) {
                return name;
            }
        }
    }
    return NULL;
}

const char *oc_realms_wrong(apr_pool_t *pool, const apr_array_header_t *realms)
{
    for (int i = 0; i < realms->nelts; ++i) {
        const oc_realm_t *a = APR_ARRAY_IDX(realms, i, const oc_realm_t *);
        for (int j = i + 1; j < realms->nelts; ++j) {
            const oc_realm_t *b = APR_ARRAY_IDX(realms, j, const oc_realm_t *);
            const char *name = shared_name(a, b);

            if (name && strcmp(a->realm, b->realm) == 0) {
                return apr_pstrcat(pool, "the realm ", a->realm, " was declared before; say all "
                                   "its domains in one line, as in domain=EX,EX2", NULL);
            }
            if (name) {
                return apr_pstrcat(pool, "\"", name, "\" belongs to ", a->realm, " and to ",
                                   b->realm, ", so a name in it could mean two people; give each "
                                   "domain to one realm", NULL);
            }
            if (a->is_default && b->is_default) {
                return apr_pstrcat(pool, a->realm, " and ", b->realm, " are both the default; "
                                   "say default for one of them", NULL);
            }
        }
    }
    return NULL;
}

/* ---- a name taken apart ---- */

typedef struct parts_t {
    const char *account;
    const char *domain; /* NULL: bare */
    int mail_form;      /* it stood after an @ */
} parts_t;

/* Everything about the bytes, before a meaning is looked for: NULL, or what is wrong. */
static const char *text_wrong(apr_pool_t *pool, const char *user)
{
    unsigned int odd;

    if (!*user) {
        return "it is empty";
    }
    if (strnlen(user, NAME_BYTES + 1) > NAME_BYTES) {
        return apr_psprintf(pool, "it has more than %d bytes", NAME_BYTES);
    }
    if (!oc_str_utf8(user, strlen(user))) {
        return "it is not UTF-8";
    }
    if ((odd = oc_text_unnameable(user)) != 0) {
        return apr_psprintf(pool, "the character U+%04X may not stand in it", odd);
    }
    return NULL;
}

static const char *split(apr_pool_t *pool, const char *user, parts_t *parts)
{
    const char *backslash = strchr(user, '\\'), *at = strchr(user, '@');

    if (strstr(user, "\\@")) {
        return "it is an enterprise name; let the login module leave the principal itself";
    }
    if (strchr(user, '/')) {
        return "with \"/\" it is a service, a path or a certificate's subject, not a person";
    }
    if (backslash && at) {
        return "it has a domain before \"\\\" and another after \"@\"";
    }
    if ((backslash && strchr(backslash + 1, '\\')) || (at && strchr(at + 1, '@'))) {
        return "it has two domains";
    }
    parts->mail_form = at != NULL;
    parts->account = backslash ? backslash + 1
                     : at      ? apr_pstrmemdup(pool, user, (apr_size_t)(at - user))
                               : user;
    parts->domain = backslash ? apr_pstrmemdup(pool, user, (apr_size_t)(backslash - user))
                    : at      ? at + 1
                              : NULL;
    if (!*parts->account) {
        return "nothing but a domain stands in it";
    }
    if (parts->domain && !domain_ok(parts->domain)) {
        return *parts->domain ? "its domain is none: letters, digits, \".\", \"_\" and \"-\""
                              : "its domain is empty";
    }
    return NULL;
}

static const char *account_wrong(apr_pool_t *pool, const char *account)
{
    const char *bad = strpbrk(account, FORBIDDEN), *why = text_wrong(pool, account);
    size_t n = strlen(account);

    if (why) {
        return why;
    }
    if (bad) {
        return apr_psprintf(pool, "\"%c\" may not stand in it", *bad);
    }
    /* Windows drops blanks and dots at the end of a path's segment: another name would come out. */
    if (strstr(account, "..") || strchr(". ", account[0]) || strchr(". ", account[n - 1])) {
        return "an account neither begins nor ends with a dot or a blank, nor holds two dots";
    }
    return NULL;
}

/* The realm that the name belongs to, upper case; NULL where nothing is known of realms. */
static const char *realm_of(apr_pool_t *pool, const apr_array_header_t *realms,
                            const parts_t *parts, const char **error)
{
    if (!realms || realms->nelts == 0) {
        return parts->domain ? oc_str_upper(pool, parts->domain) : NULL;
    }
    for (int i = 0; i < realms->nelts; ++i) {
        const oc_realm_t *r = APR_ARRAY_IDX(realms, i, const oc_realm_t *);

        if (!parts->domain ? r->is_default || realms->nelts == 1
                           : strcasecmp(r->realm, parts->domain) == 0
                                 || among(parts->mail_form ? r->mail : r->domains,
                                          parts->domain)) {
            return r->realm;
        }
    }
    *error = parts->domain ? "no OwaCalRealm has its domain"
                           : "it has no domain and could be of several realms; say default in one "
                             "OwaCalRealm";
    return NULL;
}

/* In a log or a page nothing of it should do anything: with an odd character in it, it is not
 * repeated at all. */
static apr_status_t refuse(apr_pool_t *pool, oc_result_t *res, const char *user, const char *why)
{
    const char *quote = oc_text_unnameable(user) ? "" : "\"";

    return oc_result_fail(res, OC_REASON_NO_MAILBOX, "the user's name%s%s%s%s is not usable: %s",
                          *quote ? " " : "", quote, *quote ? oc_str_log(pool, user, 100) : "",
                          quote, why);
}

apr_status_t oc_name_of(apr_pool_t *pool, const apr_array_header_t *realms, const char *user,
                        oc_name_t *name, oc_result_t *res)
{
    parts_t parts = {NULL, NULL, 0};
    const char *why;

    memset(name, 0, sizeof(*name));
    user = user ? user : "";
    if ((why = text_wrong(pool, user)) || (why = split(pool, user, &parts))
        || (why = account_wrong(pool, parts.account))) {
        return refuse(pool, res, user, why);
    }
    name->realm = realm_of(pool, realms, &parts, &why);
    if (why) {
        return refuse(pool, res, user, why);
    }
    name->account = oc_text_fold(pool, parts.account);
    /* Once more: a few letters are composed to ASCII, U+037E to ";". */
    if (!name->account || (why = account_wrong(pool, name->account))) {
        return refuse(pool, res, user, why ? why : "it cannot be case folded");
    }
    name->principal = name->realm ? apr_pstrcat(pool, parts.account, "@", name->realm, NULL)
                                  : apr_pstrdup(pool, parts.account);
    name->canonical = name->realm ? apr_pstrcat(pool, name->account, "@", name->realm, NULL)
                                  : name->account;
    if (strlen(name->canonical) > NAME_BYTES || strlen(name->principal) > NAME_BYTES) {
        return refuse(pool, res, user, "with its realm it becomes too long");
    }
    return APR_SUCCESS;
}
