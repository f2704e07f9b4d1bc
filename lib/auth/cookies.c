/* cookies.c - the logon's cookies: taking, sending, forgetting. */
#include <stdlib.h>
#include <string.h>
#include <apr_date.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "auth/cookies.h"
#include "base/str.h"

typedef struct set_cookie_t {
    const char *name, *value; /* in the header line, not ended by NUL */
    apr_size_t name_len, value_len;
    int removes;
} set_cookie_t;

static void trim(const char **s, apr_size_t *len)
{
    while (*len > 0 && apr_isspace(**s)) {
        ++*s;
        --*len;
    }
    while (*len > 0 && apr_isspace((*s)[*len - 1])) {
        --*len;
    }
}

static int is_logon_cookie(const char *name, apr_size_t len)
{
    return (len == 9 && strncasecmp(name, "sessionid", 9) == 0)
           || (len >= 6 && strncasecmp(name, "cadata", 6) == 0);
}

/* Exchange removes with an empty value and a date in 1970, which apr_date_parse_http cannot tell
 * from one that it cannot read. A date that cannot be read is none (RFC 6265, 5.2.1). */
static int date_is_past(const char *text, apr_size_t len)
{
    char date[64];
    apr_time_t t;

    if (len >= sizeof(date)) {
        return 0;
    }
    memcpy(date, text, len);
    date[len] = '\0';
    if (strstr(date, "1970")) {
        return 1;
    }
    t = apr_date_parse_http(date);
    return t != APR_DATE_BAD && t < apr_time_now();
}

/* Parses `line`; 0 if it is not one of the logon's cookies. */
static int parse(const char *line, set_cookie_t *c)
{
    const char *end = strchr(line, ';'), *eq = strchr(line, '=');

    end = end ? end : line + strlen(line);
    if (!eq || eq > end) {
        return 0;
    }
    c->name = line;
    c->name_len = (apr_size_t)(eq - line);
    c->value = eq + 1;
    c->value_len = (apr_size_t)(end - eq - 1);
    trim(&c->name, &c->name_len);
    trim(&c->value, &c->value_len);
    if (!is_logon_cookie(c->name, c->name_len)) {
        return 0;
    }
    c->removes = c->value_len == 0;
    while (*end == ';') {
        const char *attribute = end + 1, *value;
        apr_size_t len = strcspn(attribute, ";"), value_len;

        end = attribute + len;
        trim(&attribute, &len);
        value = memchr(attribute, '=', len);
        if (!value) {
            continue;
        }
        value_len = len - (apr_size_t)(++value - attribute);
        trim(&value, &value_len);
        if (strncasecmp(attribute, "max-age", 7) == 0) {
            c->removes |= value_len > 0 && (*value == '0' || *value == '-');
        } else if (strncasecmp(attribute, "expires", 7) == 0) {
            c->removes |= date_is_past(value, value_len);
        }
    }
    return 1;
}

static void forget(char **s)
{
    if (*s) {
        oc_str_wipe(*s, strlen(*s));
        free(*s);
        *s = NULL;
    }
}

static void remove_at(oc_cookies_t *jar, int i)
{
    forget(&jar->name[i]);
    forget(&jar->value[i]);
    --jar->count;
    jar->name[i] = jar->name[jar->count];
    jar->value[i] = jar->value[jar->count];
    jar->name[jar->count] = jar->value[jar->count] = NULL;
}

static int acceptable(const set_cookie_t *c)
{
    apr_size_t i;

    if (c->name_len + c->value_len > OC_COOKIES_MAX_BYTES) {
        return 0;
    }
    for (i = 0; i < c->name_len; ++i) {
        if (!apr_isgraph(c->name[i])) {
            return 0;
        }
    }
    for (i = 0; i < c->value_len; ++i) {
        if ((unsigned char)c->value[i] < 0x20 || c->value[i] == 0x7f) {
            return 0;
        }
    }
    return 1;
}

typedef struct take_t {
    oc_cookies_t *jar;
    int fresh;
    oc_cookies_change_t change;
} take_t;

static int take_one(void *baton, const char *key, const char *line)
{
    take_t *t = baton;
    oc_cookies_t *jar = t->jar;
    set_cookie_t c;
    int i;

    (void)key;
    if (!parse(line, &c)) {
        return 1;
    }
    for (i = 0; i < jar->count; ++i) {
        if (strlen(jar->name[i]) == c.name_len && memcmp(jar->name[i], c.name, c.name_len) == 0) {
            break;
        }
    }
    if (c.removes) {
        if (i < jar->count) {
            remove_at(jar, i);
            ++t->change.removed;
        }
        return 1;
    }
    if (!acceptable(&c) || (i == jar->count && (!t->fresh || i == OC_COOKIES_MAX))) {
        ++t->change.refused;
        return 1;
    }
    if (i < jar->count) {
        remove_at(jar, i);
    }
    i = jar->count;
    jar->name[i] = strndup(c.name, c.name_len);
    jar->value[i] = strndup(c.value, c.value_len);
    if (!jar->name[i] || !jar->value[i]) {
        forget(&jar->name[i]);
        forget(&jar->value[i]);
        ++t->change.refused;
        return 1;
    }
    ++jar->count;
    ++t->change.set;
    return 1;
}

oc_cookies_change_t oc_cookies_take(oc_cookies_t *jar, const apr_table_t *reply_headers, int fresh)
{
    take_t t = {jar, fresh, {0, 0, 0}};

    apr_table_do(take_one, &t, reply_headers, "Set-Cookie", NULL);
    return t.change;
}

static int removes_one(void *baton, const char *key, const char *line)
{
    set_cookie_t c;

    (void)key;
    if (parse(line, &c) && c.removes) {
        *(int *)baton = 1;
    }
    return 1;
}

int oc_cookies_removed(const apr_table_t *reply_headers)
{
    int removed = 0;

    apr_table_do(removes_one, &removed, reply_headers, "Set-Cookie", NULL);
    return removed;
}

char *oc_cookies_header(const oc_cookies_t *jar, apr_pool_t *pool)
{
    apr_size_t len = 1;
    char *header, *o;
    int i;

    if (jar->count == 0) {
        return NULL;
    }
    for (i = 0; i < jar->count; ++i) {
        len += strlen(jar->name[i]) + strlen(jar->value[i]) + 3;
    }
    o = header = apr_palloc(pool, len);
    for (i = 0; i < jar->count; ++i) {
        apr_size_t n = strlen(jar->name[i]);

        if (i > 0) {
            *o++ = ';';
            *o++ = ' ';
        }
        memcpy(o, jar->name[i], n);
        o += n;
        *o++ = '=';
        n = strlen(jar->value[i]);
        memcpy(o, jar->value[i], n);
        o += n;
    }
    *o = '\0';
    o = oc_str_secret(pool, header);
    oc_str_wipe(header, len);
    return o;
}

void oc_cookies_drop(oc_cookies_t *jar)
{
    while (jar->count > 0) {
        remove_at(jar, jar->count - 1);
    }
}
