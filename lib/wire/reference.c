/* reference.c - see reference.h. */
#include <string.h>
#include <apr_lib.h>

#include "wire/reference.h"

/* The character that a reference stands for, and its length; 0 if it is none of those known. */
static apr_size_t reference(const char *s, unsigned int *c)
{
    static const struct {
        const char *text;
        char c;
    } named[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    const char *p = s + 2, *digits;
    int hex = s[1] == '#' && (s[2] | 0x20) == 'x';

    for (apr_size_t i = 0; i < sizeof(named) / sizeof(named[0]); ++i) {
        apr_size_t n = strlen(named[i].text);
        if (strncmp(s, named[i].text, n) == 0) {
            *c = (unsigned char)named[i].c;
            return n;
        }
    }
    if (s[1] != '#') {
        return 0;
    }
    digits = p += hex;
    for (*c = 0; hex ? apr_isxdigit(*p) : apr_isdigit(*p); ++p) {
        unsigned int digit = apr_isdigit(*p) ? (unsigned int)(*p - '0')
                                             : (unsigned int)((*p | 0x20) - 'a' + 10);
        *c = *c > 0x10ffff ? *c : *c * (hex ? 16 : 10) + digit;
    }
    if (p == digits || *p != ';') {
        return 0;
    }
    if (*c == 0 || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000)) {
        *c = 0xfffd;
    }
    return (apr_size_t)(p + 1 - s);
}

static char *put_utf8(char *out, unsigned int c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* No reference is shorter than what it stands for. */
const char *oc_reference_text(apr_pool_t *pool, const char *value)
{
    char *text = apr_palloc(pool, strlen(value) + 1), *out = text;

    while (*value) {
        unsigned int c;
        apr_size_t n = *value == '&' ? reference(value, &c) : 0;

        if (n > 0) {
            out = put_utf8(out, c);
            value += n;
        } else {
            *out++ = *value++;
        }
    }
    *out = '\0';
    return text;
}
