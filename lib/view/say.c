/* say.c - looking texts up, and choosing the language. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "base/str.h"
#include "view/say.h"

typedef struct text_t {
    const char *english;
    const char *in[OC_LANGUAGE_COUNT]; /* NULL: none */
} text_t;

/* Made from the .po files by po/tables, in the order of strcmp(). */
static const text_t texts[] = {
#include <texts.inc>
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static const char *const tags[OC_LANGUAGE_COUNT] = {"en", "de", "fr", "hu"};

#define WANTED_MAX 400 /* bytes of a header that are looked at */
#define TAG_MAX    20

const char *oc_say_tag(oc_language_t language)
{
    return tags[language];
}

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const text_t *)row)->english);
}

/* NULL: there is none. */
static const char *find(oc_language_t language, const char *english)
{
    const text_t *found = bsearch(english, texts, TEXTS, sizeof(texts[0]), compare);

    return found ? found->in[language] : NULL;
}

const char *oc_say(oc_language_t language, const char *english)
{
    const char *text = find(language, english);

    return text ? text : english;
}

/* The value of the name [name, name + len) among pairs. */
static const char *value_of(const char *name, size_t len, va_list args)
{
    const char *n;

    while ((n = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);

        if (strlen(n) == len && strncmp(n, name, len) == 0) {
            return value ? value : "";
        }
    }
    return "";
}

const char *oc_say_with(apr_pool_t *pool, oc_language_t language, const char *english, ...)
{
    const char *text = oc_say(language, english), *out = "", *open;

    while ((open = strchr(text, '{')) != NULL) {
        size_t len = strcspn(open + 1, "}");
        const char *value;
        va_list args;

        va_start(args, english);
        value = value_of(open + 1, len, args);
        va_end(args);
        out = apr_pstrcat(pool, out, apr_pstrmemdup(pool, text, (apr_size_t)(open - text)), value,
                          NULL);
        text = open + 1 + len;
        text += *text == '}';
    }
    return *out ? apr_pstrcat(pool, out, text, NULL) : text;
}

const char *oc_say_numbered(apr_pool_t *pool, oc_language_t language, const char *english,
                            const char *const *values, int count)
{
    const char *text = oc_say(language, english), *out = "", *open;

    while ((open = strchr(text, '{')) != NULL) {
        int n = open[1] - '1';
        int number = n >= 0 && n < 9 && open[2] == '}';

        out = apr_pstrcat(pool, out, apr_pstrmemdup(pool, text, (apr_size_t)(open - text)),
                          !number ? "{" : n < count ? values[n] : "", NULL);
        text = open + (number ? 3 : 1);
    }
    return *out ? apr_pstrcat(pool, out, text, NULL) : text;
}

/* ---- sentences ---- */

static const char *one_sentence(apr_pool_t *pool, oc_language_t language, const char *english)
{
    const char *text = find(language, english), *colon = strstr(english, ": ");
    size_t len = strlen(english);

    if (!text && colon && english[len - 1] == '.') {
        const char *head = apr_pstrmemdup(pool, english, (apr_size_t)(colon - english));
        const char *list = apr_pstrmemdup(pool, colon + 2, (apr_size_t)(english + len - 3 - colon));

        head = apr_pstrcat(pool, head, ": {list}.", NULL);
        if (find(language, head)) {
            text = oc_say_with(pool, language, head, "list", list, NULL);
        }
    }
    return text ? text : english;
}

const char *oc_say_sentences(apr_pool_t *pool, oc_language_t language, const char *english)
{
    const char *out = "", *rest = english, *end;

    if (find(language, english)) {
        return oc_say(language, english);
    }
    while ((end = strstr(rest, ". ")) != NULL) {
        out = apr_pstrcat(
            pool, out,
            one_sentence(pool, language, apr_pstrmemdup(pool, rest, (apr_size_t)(end + 1 - rest))),
            " ", NULL);
        rest = end + 2;
    }
    return apr_pstrcat(pool, out, *rest ? one_sentence(pool, language, rest) : "", NULL);
}

/* ---- the language ---- */

/* A tag of the shape that ICU can be given: letters, digits and hyphens. */
static int tag_ok(const char *tag, size_t len)
{
    for (size_t i = 0; i < len; ++i) {
        if (!apr_isalnum(tag[i]) && tag[i] != '-') {
            return 0;
        }
    }
    return len >= 2 && len <= TAG_MAX;
}

static oc_language_t language_of(const char *tag, size_t len)
{
    for (int i = 0; i < OC_LANGUAGE_COUNT; ++i) {
        if (strncasecmp(tag, tags[i], 2) == 0 && (len == 2 || tag[2] == '-')) {
            return (oc_language_t)i;
        }
    }
    return OC_LANGUAGE_COUNT;
}

/* In thousandths; what is no number is no wish. */
static int quality_of(const char *parameters)
{
    const char *q = strstr(parameters, "q=");
    int n = 0;

    if (!q) {
        return 1000;
    }
    q += 2;
    if (*q == '0' || *q == '1') {
        n = (*q++ - '0') * 1000;
    }
    if (*q == '.') {
        for (int weight = 100; weight && apr_isdigit(*++q); weight /= 10) {
            n += (*q - '0') * weight;
        }
    }
    return n < 1000 ? n : 1000;
}

int oc_say_language(apr_pool_t *pool, const char *wanted, oc_language_t *language,
                    const char **locale)
{
    char *copy = apr_pstrndup(pool, wanted ? wanted : "", WANTED_MAX), *state = NULL, *part;
    int most = 0;

    for (part = apr_strtok(copy, ",", &state); part; part = apr_strtok(NULL, ",", &state)) {
        size_t len;
        oc_language_t one;
        int quality;

        part += strspn(part, " \t");
        len = strcspn(part, "; \t");
        one = tag_ok(part, len) ? language_of(part, len) : OC_LANGUAGE_COUNT;
        quality = one < OC_LANGUAGE_COUNT ? quality_of(part + len) : 0;
        if (quality > most) {
            most = quality;
            *language = one;
            *locale = one == OC_LANGUAGE_EN && len == 2 ? OC_SAY_LOCALE
                                                        : apr_pstrmemdup(pool, part, len);
        }
    }
    return most > 0;
}
