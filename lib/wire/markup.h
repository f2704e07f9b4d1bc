/* markup.h - the pieces that tags of HTML are made of, as scan.h needs them: letters, names of
 * elements, where a name and a tag end. Knows no state and keeps none. No I/O; any thread.
 *
 * Letters are ASCII's whatever the process's locale says, so <ctype.h> is not asked.
 */
#ifndef OC_WIRE_MARKUP_H
#define OC_WIRE_MARKUP_H

#include <apr.h>

/* What an element is to the scanner. */
typedef enum oc_markup_kind_t {
    OC_MARKUP_OTHER,    /* nothing */
    OC_MARKUP_HOLE,     /* may be a placeholder */
    OC_MARKUP_RAW,      /* holds text up to its end tag, no elements */
    OC_MARKUP_FOREIGN,  /* svg and math, in which "/>" closes */
    OC_MARKUP_TEMPLATE,
    OC_MARKUP_HTML
} oc_markup_kind_t;

#define OC_MARKUP_NAME_MAX 9 /* bytes; no element that is not OTHER has a longer name */

static inline int oc_markup_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static inline int oc_markup_is_letter(char c)
{
    return (unsigned int)(c | 0x20) - 'a' < 26;
}

static inline char oc_markup_lower(char c)
{
    return (unsigned int)c - 'A' < 26 ? (char)(c | 0x20) : c;
}

/* `name` in lower case, any length. For a HOLE, *element is the same name, static; else NULL. */
oc_markup_kind_t oc_markup_kind(const char *name, apr_size_t len, const char **element);

/* All look from `p`, which is not beyond `end`, and return `end` if there is no such byte. */
const char *oc_markup_find(const char *p, char c, const char *end);
const char *oc_markup_find_either(const char *p, char a, char b, const char *end);
/* The end of a value without quotes. */
const char *oc_markup_bare_end(const char *p, const char *end);

/* From `p`, which is in the text, past the text and all tags that are complete here and change
 * nothing: those of OTHER elements and, unless `holes` is set, of HOLE elements that have no
 * attribute data-owacal. The "<" of what has to be looked at closely; or `end`. What is between the
 * two is looked at twice then, but nothing more than twice if that tag is gone through before the
 * next call. */
const char *oc_markup_pass(const char *p, int holes, const char *end);

#endif
