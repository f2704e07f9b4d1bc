#include "base/str.h"
#include "cal/attendee.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3, less the angle brackets */
#define LOCAL_MAX   64  /* RFC 5321 4.5.3.1.1 */

/* Labels of letters, digits, hyphens and underscores, not empty, no hyphen at either end. */
static int domain_ok(const char *s)
{
    int label = 0;
    char last = '.';
    for (; *s; last = *s++) {
        if (*s == '.') {
            if (!label || last == '-') {
                return 0;
            }
            label = 0;
            continue;
        }
        if (!apr_isalnum(*s) && *s != '_' && (*s != '-' || !label)) {
            return 0;
        }
        label = 1;
    }
    return label && last != '-';
}

int oc_attendee_address_ok(const char *s)
{
    const char *at, *p;
    if (!s || !(at = strchr(s, '@')) || at == s || at - s > LOCAL_MAX || strlen(s) > ADDRESS_MAX) {
        return 0;
    }
    for (p = s; p < at; p++) {
        if (*p <= 0x20 || *p >= 0x7f || strchr("\"\\,;:<>()[]", *p) ||
            (*p == '.' && (p == s || p + 1 == at || p[1] == '.'))) {
            return 0;
        }
    }
    return domain_ok(at + 1);
}

int oc_attendee_same(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

oc_attendee_t *oc_attendee_find(const apr_array_header_t *list, const char *address)
{
    for (int i = 0; list && i < list->nelts; i++) {
        oc_attendee_t *a = &APR_ARRAY_IDX(list, i, oc_attendee_t);
        if (oc_attendee_same(a->address, address)) {
            return a;
        }
    }
    return NULL;
}

const char *oc_attendee_mailbox(apr_pool_t *pool, const oc_attendee_t *a)
{
    return a->mailbox ? a->mailbox : apr_pstrmemdup(pool, a->address, strcspn(a->address, "@"));
}

/* One row of a list, [from, to): `"Ana B" <ana@x.example>`, `Ana B <ana@x>`, `<ana@x>`, `ana@x`. */
static int parse_row(apr_pool_t *pool, const char *from, const char *to, oc_attendee_t *a)
{
    char *name = apr_palloc(pool, (apr_size_t)(to - from) + 1), *n = name;
    const char *open = NULL, *close = NULL, *p;
    int quoted = 0;

    for (p = from; p < to; p++) {
        if (*p == '\\' && quoted && p + 1 < to) {
            *n++ = *++p;
        } else if (*p == '"') {
            quoted = !quoted;
        } else if (!quoted && *p == '<' && !open) {
            open = p + 1;
            close = memchr(open, '>', (apr_size_t)(to - open));
            break;
        } else {
            *n++ = *p;
        }
    }
    *n = '\0';
    if (open) {
        a->address = close ? apr_pstrmemdup(pool, open, (apr_size_t)(close - open)) : NULL;
        while (n > name && apr_isspace(n[-1])) {
            *--n = '\0';
        }
        while (apr_isspace(*name)) {
            name++;
        }
        a->name = *name ? name : NULL;
    } else {
        a->address = apr_pstrmemdup(pool, from, (apr_size_t)(to - from));
    }
    /* Blanks around it may go; one inside makes two words of it, and neither is what was meant. */
    a->address = a->address ? oc_str_trim(pool, a->address) : NULL;
    return oc_attendee_address_ok(a->address);
}

apr_array_header_t *oc_attendee_split(apr_pool_t *pool, const char *header)
{
    apr_array_header_t *rows = apr_array_make(pool, 4, sizeof(const char *));
    const char *p = header ? header : "", *from;

    while (*p) {
        int quoted = 0, angle = 0;
        while (apr_isspace(*p) || *p == ',' || *p == ';') {
            p++;
        }
        for (from = p; *p && (quoted || angle || (*p != ',' && *p != ';')); p++) {
            if (*p == '\\' && quoted && p[1]) {
                p++;
            } else if (*p == '"') {
                quoted = !quoted;
            } else if (!quoted && (*p == '<' || *p == '>')) {
                angle = *p == '<';
            }
        }
        if (p > from) {
            APR_ARRAY_PUSH(rows, const char *) = apr_pstrmemdup(pool, from, (apr_size_t)(p - from));
        }
    }
    return rows;
}

apr_array_header_t *oc_attendee_parse_list(apr_pool_t *pool, const char *header, oc_role_t role,
                                           int *bad)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(oc_attendee_t));
    apr_array_header_t *rows = oc_attendee_split(pool, header);
    int refused = 0, i;

    for (i = 0; i < rows->nelts; ++i) {
        const char *row = APR_ARRAY_IDX(rows, i, const char *);
        oc_attendee_t a = {NULL, NULL, role, OC_CUTYPE_INDIVIDUAL, OC_PARTSTAT_NEEDS_ACTION,
                           NULL, NULL};
        if (role == OC_ROLE_RESOURCE) {
            a.cutype = OC_CUTYPE_ROOM;
        }
        if (parse_row(pool, row, row + strlen(row), &a)) {
            APR_ARRAY_PUSH(list, oc_attendee_t) = a;
        } else {
            refused++;
        }
    }
    if (bad) {
        *bad = refused;
    }
    return list;
}

const char *oc_partstat_token(oc_partstat_t p)
{
    switch (p) {
    case OC_PARTSTAT_NEEDS_ACTION:
        return "NEEDS-ACTION";
    case OC_PARTSTAT_ACCEPTED:
        return "ACCEPTED";
    case OC_PARTSTAT_TENTATIVE:
        return "TENTATIVE";
    case OC_PARTSTAT_DECLINED:
        return "DECLINED";
    case OC_PARTSTAT_UNKNOWN:
        break;
    }
    return "UNKNOWN";
}

const char *oc_role_token(oc_role_t r)
{
    switch (r) {
    case OC_ROLE_OPTIONAL:
        return "OPT-PARTICIPANT";
    case OC_ROLE_RESOURCE:
        return "NON-PARTICIPANT";
    case OC_ROLE_REQUIRED:
        break;
    }
    return "REQ-PARTICIPANT";
}
