/* say.h - the texts that people read, in their language.
 *
 * The English text stands in the code and is the key. lib/view/po/LANGUAGE.po holds what it is in
 * the others; po/tables makes one constant table of them when the module is built. Nothing of the
 * process's locale is read or set. A text that is missing in a language fails t/94-drift-texts.t,
 * and would be shown in English. Constant data; any thread.
 */
#ifndef OC_VIEW_SAY_H
#define OC_VIEW_SAY_H

#include <apr_pools.h>

typedef enum oc_language_t {
    OC_LANGUAGE_EN,
    OC_LANGUAGE_DE,
    OC_LANGUAGE_FR,
    OC_LANGUAGE_HU,
    OC_LANGUAGE_COUNT
} oc_language_t;

/* "en", "de", ...: for lang attributes. */
const char *oc_say_tag(oc_language_t language);

/* The language of an Accept-Language header or a lang attribute ("de-AT, en;q=0.7"): the one that
 * is wanted most of those there are. 0, and nothing set, if none of ours is in it, or there is no
 * text (NULL). *locale, in `pool`: the whole tag that decided, "de-AT", for dates; English of no
 * country is written as in Britain, with the day before the month and no noon to get wrong. */
int oc_say_language(apr_pool_t *pool, const char *wanted, oc_language_t *language,
                    const char **locale);
/* What is spoken where nobody says a word: English, and its locale as above. */
#define OC_SAY_LOCALE "en-GB"

/* What `english` is in that language. The text given itself, if there is none. */
const char *oc_say(oc_language_t language, const char *english);

/* The same with {names} in it filled: name, value pairs up to NULL; a NULL value is empty. What a
 * value holds is not looked into. In `pool`. */
const char *oc_say_with(apr_pool_t *pool, oc_language_t language, const char *english, ...)
    __attribute__((sentinel));

/* The same for {1}, {2}, ..: values[0], values[1], .. */
const char *oc_say_numbered(apr_pool_t *pool, oc_language_t language, const char *english,
                            const char *const *values, int count);

/* Several sentences, one after the other, as an operation puts them together: each that is known is
 * put into the language. One that ends in a list ("Not told: a@x, b@x.") is known without it, as
 * "Not told: {list}." */
const char *oc_say_sentences(apr_pool_t *pool, oc_language_t language, const char *english);

#endif
