/* text.c - one of three files that name ICU, see text.h. */
#include "base/text.h"

#include <string.h>
#include <apr_strings.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "base/str.h"

#define FOLD_MAX 4096 /* bytes taken */

static int ascii(const char *s)
{
    while (*s && !((unsigned char)*s & 0x80)) {
        ++s;
    }
    return !*s;
}

/* Letter for letter; units is a UTF-16 text that is changed in place. No letter changes its number
 * of units by it. */
static void fold_letters(UChar *units, int32_t n)
{
    int32_t i = 0, from;
    UChar32 c;

    while (i < n) {
        from = i;
        U16_NEXT(units, i, n, c);
        c = u_foldCase(c, U_FOLD_CASE_DEFAULT);
        if (U16_LENGTH(c) == i - from) {
            U16_APPEND_UNSAFE(units, from, c);
        }
    }
}

const char *oc_text_fold(apr_pool_t *pool, const char *s)
{
    size_t len = strnlen(s, FOLD_MAX + 1);
    /* NFC is at most three times as long in UTF-16; four, to be sure. */
    int32_t max = (int32_t)(4 * len + 1), n = 0, bytes = 0;
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *nfc;
    UChar *plain, *composed;
    char *out;

    if (len > FOLD_MAX || !oc_str_utf8(s, len)) {
        return NULL;
    }
    if (ascii(s)) {
        return oc_str_lower(pool, s);
    }
    plain = apr_palloc(pool, (apr_size_t)max * sizeof(UChar));
    composed = apr_palloc(pool, (apr_size_t)max * sizeof(UChar));
    nfc = unorm2_getNFCInstance(&error);
    u_strFromUTF8(plain, max, &n, s, (int32_t)len, &error);
    n = U_SUCCESS(error) ? unorm2_normalize(nfc, plain, n, composed, max, &error) : 0;
    if (U_SUCCESS(error)) {
        fold_letters(composed, n);
        /* A small letter may have a composed form where its capital has none. */
        n = unorm2_normalize(nfc, composed, n, plain, max, &error);
    }
    if (U_FAILURE(error)) {
        return NULL;
    }
    out = apr_palloc(pool, 3 * (apr_size_t)n + 1);
    u_strToUTF8(out, 3 * n + 1, &bytes, plain, n, &error);
    return U_SUCCESS(error) ? out : NULL;
}

static int decomposes_to_ascii(UChar32 c)
{
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&error);
    UChar parts[32];
    int32_t n = U_SUCCESS(error) ? unorm2_getDecomposition(nfkd, c, parts, 32, &error) : 0;

    if (U_FAILURE(error)) {
        return 1;
    }
    for (int32_t i = 0; i < n; ++i) {
        if (parts[i] < 0x80) {
            return 1;
        }
    }
    return 0;
}

/* Another way to write a plain character? Vowel signs of Thai and Lao are among these by Unicode's
 * book, and stand in people's names: they lead to nothing in ASCII. */
static int presentation_form(UChar32 c)
{
    switch (u_getIntPropertyValue(c, UCHAR_DECOMPOSITION_TYPE)) {
    case U_DT_NONE:
    case U_DT_CANONICAL:
        return 0;
    case U_DT_COMPAT:
        return decomposes_to_ascii(c);
    default:
        return 1;
    }
}

static int unnameable(UChar32 c, int first)
{
    switch (u_charType(c)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
    case U_UNASSIGNED:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
        return 1;
    case U_SPACE_SEPARATOR:
        return c != ' ';
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_COMBINING_SPACING_MARK:
        if (first) {
            return 1;
        }
        break;
    default:
        break;
    }
    return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || presentation_form(c);
}

unsigned int oc_text_unnameable(const char *s)
{
    int32_t i = 0, len = (int32_t)strnlen(s, INT32_MAX);
    int first = 1;
    UChar32 c;

    while (i < len) {
        U8_NEXT(s, i, len, c);
        if (c < 0) {
            return 0xfffd;
        }
        if (unnameable(c, first)) {
            return (unsigned int)c;
        }
        first = 0;
    }
    return 0;
}
