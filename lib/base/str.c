/* str.c - escapers and small string helpers. */
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/str.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* Length of the well-formed UTF-8 sequence at s (1..4), 0 if there is none. RFC 3629. */
static int utf8_at(const unsigned char *s, apr_size_t left)
{
    unsigned char c = s[0];
    int n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    int i;

    if (n == 0 || (apr_size_t)n > left) {
        return 0;
    }
    for (i = 1; i < n; ++i) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    if ((c == 0xE0 && s[1] < 0xA0) || (c == 0xED && s[1] > 0x9F) || (c == 0xF0 && s[1] < 0x90) ||
        (c == 0xF4 && s[1] > 0x8F)) {
        return 0; /* overlong, surrogate, beyond U+10FFFF */
    }
    return n;
}

int oc_str_utf8(const char *s, apr_size_t len)
{
    const unsigned char *p = (const unsigned char *)s;

    while (len > 0) {
        int n = utf8_at(p, len);
        if (n == 0 || *p == 0) {
            return 0;
        }
        p += n;
        len -= (apr_size_t)n;
    }
    return 1;
}

static int is_plain(unsigned char c)
{
    return c >= 0x20 ? c < 0x7f && c != '&' && c != '<' && c != '>' && c != '"' && c != '\''
                     : c == '\t' || c == '\n' || c == '\r';
}

static int is_ascii(unsigned char c)
{
    return c < 0x80;
}

/* Room for `s` when each byte that does not stay as it is may become `factor` bytes; NULL: all
 * stay. A page's fragments are made of such texts, and live as long as the page. */
static char *output(apr_pool_t *pool, const char *s, int (*stays)(unsigned char), apr_size_t factor)
{
    apr_size_t others = 0;
    const char *p;

    for (p = s; *p; ++p) {
        others += !stays((unsigned char)*p);
    }
    return others ? apr_palloc(pool, (apr_size_t)(p - s) + others * (factor - 1) + 1) : NULL;
}

static char *put(char *o, const char *text)
{
    apr_size_t n = strlen(text);

    memcpy(o, text, n);
    return o + n;
}

static int is_unreserved(unsigned char c)
{
    return apr_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static const char hex_upper[] = "0123456789ABCDEF";
static const char hex_lower[] = "0123456789abcdef";

const char *oc_str_html(apr_pool_t *pool, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    apr_size_t left = strlen(s);
    char *out = output(pool, s, is_plain, 6), *o = out;

    if (!out) {
        return s;
    }
    while (left > 0) {
        int n = utf8_at(p, left);
        switch (*p) {
        case '&':
            o = put(o, "&amp;");
            break;
        case '<':
            o = put(o, "&lt;");
            break;
        case '>':
            o = put(o, "&gt;");
            break;
        case '"':
            o = put(o, "&#34;");
            break;
        case '\'':
            o = put(o, "&#39;");
            break;
        default:
            if (n == 0 || *p == 0x7f || (*p < 0x20 && !strchr("\t\n\r", *p))) {
                o = put(o, REPLACEMENT);
                n = 1;
            } else {
                memcpy(o, p, (apr_size_t)n);
                o += n;
            }
            break;
        }
        p += n;
        left -= (apr_size_t)n;
    }
    *o = '\0';
    return out;
}

const char *oc_str_ascii(apr_pool_t *pool, const char *html)
{
    const unsigned char *p = (const unsigned char *)html;
    apr_size_t left = strlen(html);
    char *out = output(pool, html, is_ascii, 10), *o = out;

    if (!out) {
        return html;
    }
    while (left > 0) {
        int n = utf8_at(p, left);
        unsigned int c = n == 0 ? 0xFFFD : n == 1 ? *p : *p & (0xFFU >> (n + 1));

        for (int i = 1; i < n; ++i) {
            c = c << 6 | (p[i] & 0x3FU);
        }
        if (n == 1) {
            *o++ = (char)c;
        } else {
            o += apr_snprintf(o, 11, "&#%u;", c);
        }
        n = n ? n : 1;
        p += n;
        left -= (apr_size_t)n;
    }
    *o = '\0';
    return out;
}

static const char *percent(apr_pool_t *pool, const char *s, const char *also)
{
    char *out = apr_palloc(pool, strlen(s) * 3 + 1), *o = out;
    const unsigned char *p;

    for (p = (const unsigned char *)s; *p; ++p) {
        if (is_unreserved(*p) || strchr(also, *p)) {
            *o++ = (char)*p;
        } else {
            *o++ = '%';
            *o++ = hex_upper[*p >> 4];
            *o++ = hex_upper[*p & 15];
        }
    }
    *o = '\0';
    return out;
}

const char *oc_str_segment(apr_pool_t *pool, const char *s)
{
    return percent(pool, s, "");
}

const char *oc_str_query(apr_pool_t *pool, const char *s)
{
    return percent(pool, s, "@:");
}

static int hex_value(unsigned char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

const char *oc_str_unescape(apr_pool_t *pool, const char *s, apr_size_t len)
{
    char *out = apr_palloc(pool, len + 1), *o = out;
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        int c = (unsigned char)s[i];
        if (c == '%') {
            int hi = len - i > 2 ? hex_value((unsigned char)s[i + 1]) : -1;
            int lo = len - i > 2 ? hex_value((unsigned char)s[i + 2]) : -1;

            if (hi < 0 || lo < 0) {
                return NULL;
            }
            c = hi * 16 + lo;
            i += 2;
        }
        if (c == 0) {
            return NULL;
        }
        *o++ = (char)c;
    }
    *o = '\0';
    return out;
}

const char *oc_str_log(apr_pool_t *pool, const char *s, apr_size_t max)
{
    const unsigned char *p = (const unsigned char *)s;
    apr_size_t left = strlen(s);
    int cut = left > max;
    char *out, *o;

    left = cut ? max : left;
    out = o = apr_palloc(pool, left * 4 + 4);
    while (left > 0) {
        int n = utf8_at(p, left);
        if (n == 0 || *p < 0x20 || *p == 0x7f) {
            *o++ = '\\';
            *o++ = 'x';
            *o++ = hex_lower[*p >> 4];
            *o++ = hex_lower[*p & 15];
            n = 1;
        } else {
            memcpy(o, p, (apr_size_t)n);
            o += n;
        }
        p += n;
        left -= (apr_size_t)n;
    }
    o = cut ? put(o, "...") : o;
    *o = '\0';
    return out;
}

int oc_str_control(const char *s, const char *except)
{
    const unsigned char *p;

    for (p = (const unsigned char *)s; *p; ++p) {
        if ((*p < 0x20 || *p == 0x7f) && !strchr(except, *p)) {
            return 1;
        }
    }
    return 0;
}

int oc_str_loopback(const char *host)
{
    char text[64];
    struct in6_addr v6;
    struct in_addr v4;
    apr_size_t len;

    if (*host == '[') {
        len = strcspn(++host, "]");
    } else if (strchr(host, ':') != strrchr(host, ':')) {
        len = strlen(host); /* a bare IPv6 address: its colons are no port's */
    } else {
        len = strcspn(host, ":");
    }
    if (len >= sizeof(text)) {
        return 0;
    }
    apr_cpystrn(text, host, len + 1);
    return strcasecmp(text, "localhost") == 0 ||
           (inet_pton(AF_INET, text, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127) ||
           (inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

int oc_str_header_ok(const char *s)
{
    return !oc_str_control(s, "\t");
}

void oc_str_lower_to(char *out, const char *s, apr_size_t len)
{
    for (; len > 0; --len, ++s) {
        *out++ = (char)(*s >= 'A' && *s <= 'Z' ? *s + ('a' - 'A') : *s);
    }
    *out = '\0';
}

const char *oc_str_lower(apr_pool_t *pool, const char *s)
{
    apr_size_t len = strlen(s);
    char *out = apr_palloc(pool, len + 1);

    oc_str_lower_to(out, s, len);
    return out;
}

const char *oc_str_upper(apr_pool_t *pool, const char *s)
{
    char *out = apr_pstrdup(pool, s), *p;

    for (p = out; *p; ++p) {
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - ('a' - 'A') : *p);
    }
    return out;
}

const char *oc_str_trim(apr_pool_t *pool, const char *s)
{
    apr_size_t len;

    while (apr_isspace(*s)) {
        ++s;
    }
    len = strlen(s);
    while (len > 0 && apr_isspace(s[len - 1])) {
        --len;
    }
    return apr_pstrmemdup(pool, s, len);
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const char *oc_str_base64url(apr_pool_t *pool, const unsigned char *data, apr_size_t len)
{
    char *out = apr_palloc(pool, (len + 2) / 3 * 4 + 1), *o = out;
    apr_size_t i;

    for (i = 0; i < len; i += 3) {
        apr_size_t n = len - i < 3 ? len - i : 3;
        unsigned v = (unsigned)data[i] << 16 | (n > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                     (n > 2 ? data[i + 2] : 0);
        apr_size_t k;

        for (k = 0; k <= n; ++k) {
            *o++ = base64url[v >> (18 - 6 * k) & 63];
        }
    }
    *o = '\0';
    return out;
}

unsigned char *oc_str_base64url_decode(apr_pool_t *pool, const char *s, apr_size_t *len)
{
    apr_size_t n = strlen(s), i;
    unsigned char *out = apr_palloc(pool, n / 4 * 3 + 3), *o = out;
    unsigned v = 0;
    int bits = 0;

    if (n % 4 == 1) {
        return NULL;
    }
    for (i = 0; i < n; ++i) {
        const char *at = memchr(base64url, s[i], 64);
        if (!at) {
            return NULL;
        }
        v = v << 6 | (unsigned)(at - base64url);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *o++ = (unsigned char)(v >> bits & 255);
            v &= (1u << bits) - 1;
        }
    }
    if (v != 0) {
        return NULL; /* left-over bits set: two texts would mean the same bytes */
    }
    *len = (apr_size_t)(o - out);
    return out;
}

const char *oc_str_hex(apr_pool_t *pool, const unsigned char *data, apr_size_t len)
{
    char *out = apr_palloc(pool, len * 2 + 1);
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        out[2 * i] = hex_lower[data[i] >> 4];
        out[2 * i + 1] = hex_lower[data[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

void oc_str_wipe(void *data, apr_size_t len)
{
    explicit_bzero(data, len);
}

static apr_status_t wipe_string(void *data)
{
    explicit_bzero(data, strlen(data));
    return APR_SUCCESS;
}

char *oc_str_secret(apr_pool_t *pool, const char *s)
{
    char *copy = apr_pstrdup(pool, s);

    apr_pool_cleanup_register(pool, copy, wipe_string, apr_pool_cleanup_null);
    return copy;
}
