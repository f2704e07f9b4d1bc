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
#include "texts.inc"
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

const char *oc_say(oc_language_t language, const char *english)
{
    const text_t *found = bsearch(english, texts, TEXTS, sizeof(texts[0]), compare);

    return found && found->in[language] ? found->in[language] : english;
}

const char *oc_say_with(apr_pool_t *pool, oc_language_t language, const char *english, ...)
{
    const char *text = oc_say(language, english), *out = "", *open;

    while ((open = strchr(text, '{')) != NULL) {
        size_t len = strcspn(open + 1, "}");
        const char *name, *value = NULL;
        va_list args;

        va_start(args, english);
        while ((name = va_arg(args, const char *)) != NULL) {
            value = va_arg(args, const char *);
            if (strlen(name) == len && strncmp(name, open + 1, len) == 0) {
                break;
            }
        }
        va_end(args);
        out = apr_pstrcat(pool, out, apr_pstrmemdup(pool, text, (apr_size_t)(open - text)),
                          name && value ? value : "", NULL);
        text = open + 1 + len;
        text += *text == '}';
    }
    return *out ? apr_pstrcat(pool, out, text, NULL) : text;
}

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

/* In thousandths. */
static int quality_of(const char *parameters)
{
    const char *q = strstr(parameters, "q=");

    return q ? (int)(strtod(q + 2, NULL) * 1000) : 1000;
}

oc_language_t oc_say_language(apr_pool_t *pool, const char *wanted, const char **locale)
{
    char *copy = apr_pstrndup(pool, wanted ? wanted : "", WANTED_MAX), *state = NULL, *part;
    oc_language_t best = OC_LANGUAGE_EN;
    const char *tag = tags[best];
    int most = 0;

    for (part = apr_strtok(copy, ", \t", &state); part; part = apr_strtok(NULL, ",", &state)) {
        size_t len;
        oc_language_t language;
        int quality;

        part += strspn(part, " \t");
        len = strcspn(part, "; \t");
        language = tag_ok(part, len) ? language_of(part, len) : OC_LANGUAGE_COUNT;
        quality = language < OC_LANGUAGE_COUNT ? quality_of(part + len) : 0;
        if (quality > most) {
            most = quality;
            best = language;
            tag = apr_pstrmemdup(pool, part, len);
        }
    }
    if (locale) {
        *locale = tag;
    }
    return best;
}
