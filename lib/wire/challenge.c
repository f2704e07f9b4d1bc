/* challenge.c - see challenge.h. */
#include <string.h>
#include <strings.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "wire/challenge.h"

#define NAMES_MAX 8
#define NAME_BYTES 20

typedef struct list_t {
    apr_pool_t *pool;
    const char *name[NAMES_MAX];
    int names, more;
} list_t;

static void add(list_t *list, const char *name, apr_size_t len)
{
    apr_size_t good = 0;

    for (int i = 0; i < list->names; ++i) {
        if (strlen(list->name[i]) == len && strncasecmp(list->name[i], name, len) == 0) {
            return;
        }
    }
    while (good < len && (apr_isalnum(name[good]) || name[good] == '-' || name[good] == '_')) {
        ++good;
    }
    if (good < len || len > NAME_BYTES || list->names == NAMES_MAX) {
        ++list->more;
        return;
    }
    list->name[list->names++] = apr_pstrmemdup(list->pool, name, len);
}

/* Behind a parameter's value: a quoted one may hold commas. */
static const char *skip_value(const char *s)
{
    int quoted = 0;

    for (; *s && (quoted || *s != ','); ++s) {
        if (quoted && *s == '\\' && s[1]) {
            ++s;
        } else if (*s == '"') {
            quoted = !quoted;
        }
    }
    return s;
}

/* A word is a parameter if '=' follows, a token if it stands behind a scheme without a comma
 * between; else it is a scheme. */
static int one_header(void *baton, const char *key, const char *value)
{
    const char *s = value;
    int behind_scheme = 0;

    (void)key;
    while (*s) {
        apr_size_t n = strcspn(s, " \t,=\"");
        const char *after = s + n + strspn(s + n, " \t");

        if (n == 0 && *s != '=' && *s != '"') {
            behind_scheme = behind_scheme && *s != ',';
            ++s;
            continue;
        }
        if (n == 0 || *after == '=' || *after == '"') {
            s = skip_value(s + n);
            behind_scheme = 0;
            continue;
        }
        if (!behind_scheme) {
            add(baton, s, n);
        }
        behind_scheme = !behind_scheme;
        s += n;
    }
    return 1;
}

/* 12,345: a number that a person reads. */
static const char *grouped(apr_pool_t *pool, int n)
{
    return n < 1000 ? apr_itoa(pool, n) : apr_psprintf(pool, "%s,%03d", grouped(pool, n / 1000),
                                                       n % 1000);
}

const char *oc_challenge_schemes(apr_pool_t *pool, const apr_table_t *headers)
{
    list_t list = {.pool = pool};
    const char *text = "";

    apr_table_do(one_header, &list, headers, "WWW-Authenticate", NULL);
    for (int i = 0; i < list.names; ++i) {
        text = apr_pstrcat(pool, text, i ? ", " : "", list.name[i], NULL);
    }
    if (list.more) {
        text = apr_pstrcat(pool, text, *text ? " and " : "", grouped(pool, list.more),
                           *text ? " more" : " unreadable", NULL);
    }
    return text;
}
