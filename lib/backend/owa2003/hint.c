/* hint.c - a scanner for the few places in an HTML page that can name an item.
 *
 * Tags are read one by one, with their attributes, and nothing is made of how they nest: OWA's
 * pages are tag soup of 2003. Whatever comes out is only a claim. One pass, so that it costs the
 * same for every page of a length: this runs on the thread that serves everybody's exchanges.
 * libxml2's HTML parser is no choice there: a page of 256 KB that opens elements and closes others,
 * or one tag with many attributes, keeps it busy for 2 to 3 seconds (2.9.14), and what it would
 * save is less than what would keep it in bounds.
 */
#include "backend/owa2003/hint.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define HINTS_MAX 8
#define HINT_MAX  4096
#define ATTRS_MAX 16

typedef struct tag_t {
    const char *name; /* without prefix; '/' first for an end tag */
    int count;
    struct {
        const char *name, *value;
    } attr[ATTRS_MAX];
} tag_t;

/* UTF-8 of a code point, as far as a URL can hold it. */
static char *put_char(char *out, long c)
{
    if (c < 0x20 || c == 0x7f || c > 0xffff || (c >= 0xd800 && c <= 0xdfff)) {
        *out++ = '?';
    } else if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* Text or a value with its character references resolved, blanks at both ends cut. NULL: too long,
 * empty, or with a NUL in it. */
static const char *resolve(apr_pool_t *pool, const char *from, const char *to)
{
    static const struct {
        const char *name;
        char c;
    } named[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
    char *text, *out;

    while (from < to && apr_isspace(*from)) {
        from++;
    }
    while (from < to && apr_isspace(to[-1])) {
        to--;
    }
    if (from == to || to - from > HINT_MAX || memchr(from, '\0', (apr_size_t)(to - from))) {
        return NULL;
    }
    out = text = apr_palloc(pool, (apr_size_t)(to - from) + 1);
    while (from < to) {
        apr_size_t left = (apr_size_t)(to - from);
        int known = 0;
        if (*from == '&' && left > 3 && from[1] == '#') {
            int hex = from[2] == 'x' || from[2] == 'X';
            const char *digits = from + (hex ? 3 : 2);
            const char *end = digits;
            long c = 0;
            while (end < to && c <= 0xffff && (hex ? apr_isxdigit(*end) : apr_isdigit(*end))) {
                int digit = apr_isdigit(*end) ? *end - '0' : (*end | 0x20) - 'a' + 10;
                c = c * (hex ? 16 : 10) + digit;
                end++;
            }
            if (c > 0 && end < to && *end == ';') {
                out = put_char(out, c); /* never longer than the reference */
                from = end + 1;
                continue;
            }
        }
        for (int i = 0; !known && i < 4 && *from == '&'; i++) {
            apr_size_t n = strlen(named[i].name);
            if (left >= n && !strncasecmp(from, named[i].name, n)) {
                *out++ = named[i].c;
                from += n;
                known = 1;
            }
        }
        if (!known) {
            *out++ = *from++;
        }
    }
    *out = '\0';
    return text;
}

static int name_char(char c)
{
    return apr_isalnum(c) || c == '-' || c == '_' || c == ':' || c == '.';
}

/* Reads the tag whose '<' stands before *p; moves *p behind its '>', or to the end. 0: no tag. */
static int read_tag(apr_pool_t *pool, const char **p, const char *end, tag_t *tag)
{
    const char *s = *p, *from = s;
    char *name, *colon;

    memset(tag, 0, sizeof(*tag));
    if (s < end && *s == '/') {
        s++;
    }
    while (s < end && name_char(*s)) {
        s++;
    }
    if (s == from || s - from > 64) {
        return 0;
    }
    name = apr_pstrmemdup(pool, from, (apr_size_t)(s - from));
    colon = strchr(name, ':');
    tag->name = colon && *name != '/' ? colon + 1 : name;
    while (s < end && *s != '>') {
        const char *value, *stop;
        while (s < end && (apr_isspace(*s) || *s == '/' || *s == '"' || *s == '\'')) {
            s++;
        }
        from = s;
        while (s < end && !apr_isspace(*s) && *s != '=' && *s != '>' && *s != '/') {
            s++;
        }
        stop = s;
        while (s < end && apr_isspace(*s)) {
            s++;
        }
        value = NULL;
        if (s < end && *s == '=') {
            char quote;
            s++;
            while (s < end && apr_isspace(*s)) {
                s++;
            }
            quote = s < end && (*s == '"' || *s == '\'') ? *s++ : 0;
            value = s;
            while (s < end && (quote ? *s != quote : !apr_isspace(*s) && *s != '>')) {
                s++;
            }
            if (tag->count < ATTRS_MAX && stop > from && stop - from <= 64) {
                tag->attr[tag->count].name = apr_pstrmemdup(pool, from, (apr_size_t)(stop - from));
                tag->attr[tag->count++].value = resolve(pool, value, s);
            }
            if (quote && s < end) {
                s++;
            }
        }
        if (s == from && s < end && *s != '>') {
            s++; /* a stray sign: always move on */
        }
    }
    *p = s < end ? s + 1 : end;
    return 1;
}

static const char *attribute(const tag_t *tag, const char *name)
{
    for (int i = 0; i < tag->count; i++) {
        if (!strcasecmp(tag->attr[i].name, name)) {
            return tag->attr[i].value;
        }
    }
    return NULL;
}

static int is(const char *a, const char *b)
{
    return a && !strcasecmp(a, b);
}

/* The same, and steps over a comment, which names nothing. */
static int next_tag(apr_pool_t *pool, const char **p, const char *end, tag_t *tag)
{
    if (end - *p > 3 && !strncmp(*p, "!--", 3)) {
        const char *over = *p + 3;
        while (over + 3 <= end && strncmp(over, "-->", 3)) {
            over++;
        }
        *p = over + 3 <= end ? over + 3 : end;
        return 0;
    }
    return read_tag(pool, p, end, tag);
}

const char *owa_base(apr_pool_t *pool, const char *body, apr_size_t len)
{
    const char *p = body, *end = body + len, *base = NULL;

    while (p < end && (p = memchr(p, '<', (apr_size_t)(end - p)))) {
        const char *href;
        tag_t tag;
        p++;
        if (!next_tag(pool, &p, end, &tag) || !is(tag.name, "base")) {
            continue;
        }
        href = attribute(&tag, "href");
        if (!href || (base && strcmp(base, href))) {
            return NULL;
        }
        base = href;
    }
    return base;
}

apr_array_header_t *owa_hints(apr_pool_t *pool, const char *body, apr_size_t len, int xml)
{
    enum { ITEM, BASE, ACTION, MSGID, KINDS };
    const char *best[KINDS] = {NULL, NULL, NULL, NULL};
    apr_array_header_t *out = apr_array_make(pool, KINDS, sizeof(const char *));
    const char *p = body, *end = body + len;

    while (p < end && (p = memchr(p, '<', (apr_size_t)(end - p)))) {
        const char *text, *stop;
        tag_t tag;
        p++;
        if (!next_tag(pool, &p, end, &tag)) {
            continue;
        }
        text = p;
        stop = memchr(text, '<', (apr_size_t)(end - text));
        stop = stop ? stop : end;
        if (xml) {
            if (is(tag.name, "href") && !best[ITEM]) {
                best[ITEM] = resolve(pool, text, stop);
            }
        } else if (is(attribute(&tag, "id"), "itemHREF")) {
            const char *there = resolve(pool, text, stop);
            best[ITEM] = best[ITEM] ? best[ITEM] : there ? there : attribute(&tag, "href");
        } else if (is(tag.name, "base") && !best[BASE]) {
            best[BASE] = attribute(&tag, "href");
        } else if (is(tag.name, "form") && !best[ACTION]) {
            best[ACTION] = attribute(&tag, "action");
        } else if (is(attribute(&tag, "name"), "MsgID") && !best[MSGID]) {
            best[MSGID] = attribute(&tag, "value");
        }
    }
    for (int i = 0; i < KINDS && out->nelts < HINTS_MAX; i++) {
        if (best[i]) {
            APR_ARRAY_PUSH(out, const char *) = best[i];
        }
    }
    return out;
}
