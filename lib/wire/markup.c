/* markup.c - see markup.h. */
#include <string.h>
#include <strings.h>

#include "wire/markup.h"

/* The elements that are not OTHER, by length. */
static const struct {
    const char *name;
    oc_markup_kind_t kind;
} elements[] = {
    {"li", OC_MARKUP_HOLE},      {"td", OC_MARKUP_HOLE},      {"div", OC_MARKUP_HOLE},
    {"nav", OC_MARKUP_HOLE},     {"svg", OC_MARKUP_FOREIGN},  {"xmp", OC_MARKUP_RAW},
    {"html", OC_MARKUP_HTML},    {"main", OC_MARKUP_HOLE},    {"math", OC_MARKUP_FOREIGN},
    {"span", OC_MARKUP_HOLE},    {"aside", OC_MARKUP_HOLE},   {"style", OC_MARKUP_RAW},
    {"title", OC_MARKUP_RAW},    {"iframe", OC_MARKUP_RAW},   {"script", OC_MARKUP_RAW},
    {"article", OC_MARKUP_HOLE}, {"noembed", OC_MARKUP_RAW},  {"section", OC_MARKUP_HOLE},
    {"noframes", OC_MARKUP_RAW}, {"noscript", OC_MARKUP_RAW}, {"template", OC_MARKUP_TEMPLATE},
    {"textarea", OC_MARKUP_RAW}, {"plaintext", OC_MARKUP_RAW},
};
/* The place of the first of each length, and at its end how many there are. No such
 * element has a name of one letter. */
static const unsigned char of_length[OC_MARKUP_NAME_MAX + 2] = {0,  0,  0,  2,  6, 10,
                                                                13, 15, 18, 22, 23};

oc_markup_kind_t oc_markup_kind(const char *name, apr_size_t len, const char **element)
{
    *element = NULL;
    if (len > OC_MARKUP_NAME_MAX) {
        return OC_MARKUP_OTHER;
    }
    for (int i = of_length[len]; i < of_length[len + 1]; ++i) {
        if (elements[i].name[0] == name[0] && memcmp(elements[i].name, name, len) == 0) {
            *element = elements[i].kind == OC_MARKUP_HOLE ? elements[i].name : NULL;
            return elements[i].kind;
        }
    }
    return OC_MARKUP_OTHER;
}

const char *oc_markup_find(const char *p, char c, const char *end)
{
    const char *at = memchr(p, c, (apr_size_t)(end - p));

    return at ? at : end;
}

const char *oc_markup_find_either(const char *p, char a, char b, const char *end)
{
    while (p < end && *p != a && *p != b) {
        ++p;
    }
    return p;
}

/* Of an element's name; with `also` "=" of an attribute's. */
static const char *name_end(const char *p, char also, const char *end)
{
    while (p < end && *p != '>' && *p != '/' && *p != also && !oc_markup_is_blank(*p)) {
        ++p;
    }
    return p;
}

const char *oc_markup_bare_end(const char *p, const char *end)
{
    while (p < end && *p != '>' && !oc_markup_is_blank(*p)) {
        ++p;
    }
    return p;
}

static const char *blanks_end(const char *p, const char *end)
{
    while (p < end && oc_markup_is_blank(*p)) {
        ++p;
    }
    return p;
}

/* The value of an attribute, `p` behind its "=". */
static const char *value_end(const char *p, const char *end)
{
    p = blanks_end(p, end);
    if (p < end && (*p == '"' || *p == '\'')) {
        p = oc_markup_find(p + 1, *p, end);
        return p < end ? p + 1 : end;
    }
    return oc_markup_bare_end(p, end);
}

/* Just behind the tag whose name ends at `p`. NULL: it has the attribute data-owacal, or does not
 * end here. */
static const char *tag_end(const char *p, const char *end)
{
    static const char ours[] = "data-owacal";
    const char *name;

    while (p < end && *p != '>') {
        if (*p == '/' || oc_markup_is_blank(*p)) {
            ++p;
            continue;
        }
        name = p; /* which may begin with "=" */
        p = name_end(name + 1, '=', end);
        if (p - name == sizeof(ours) - 1 && strncasecmp(name, ours, sizeof(ours) - 1) == 0) {
            return NULL;
        }
        p = blanks_end(p, end);
        if (p < end && *p == '=') {
            p = value_end(p + 1, end);
        }
    }
    return p < end ? p + 1 : NULL;
}

/* The same for the tag that begins with its name at `p`; NULL also: its element matters. */
static const char *pass_tag(const char *p, int holes, const char *end)
{
    const char *from = p, *element;
    char name[OC_MARKUP_NAME_MAX];
    apr_size_t len;

    if (p == end || !oc_markup_is_letter(*p)) {
        return NULL;
    }
    p = name_end(p, '>', end);
    len = (apr_size_t)(p - from);
    if (len > 1 && len <= OC_MARKUP_NAME_MAX) { /* most tags of a page have one letter */
        oc_markup_kind_t kind;

        for (apr_size_t i = 0; i < len; ++i) {
            name[i] = oc_markup_lower(from[i]);
        }
        kind = oc_markup_kind(name, len, &element);
        if (kind != OC_MARKUP_OTHER && (kind != OC_MARKUP_HOLE || holes)) {
            return NULL;
        }
    }
    return p < end && *p == '>' ? p + 1 : tag_end(p, end);
}

const char *oc_markup_pass(const char *p, int holes, const char *end)
{
    const char *less;

    while (p < end && (less = memchr(p, '<', (apr_size_t)(end - p)))) {
        p = pass_tag(less + (end - less > 2 && less[1] == '/' ? 2 : 1), holes, end);
        if (!p) {
            return less;
        }
    }
    return end;
}
