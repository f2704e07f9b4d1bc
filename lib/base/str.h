/* str.h - one escaper per context, secret wiping, and the few string helpers APR lacks. (JSON is
 * written by wire/json.h.)
 *
 * All functions are pure but for the pool; any thread that owns the pool. None trusts its input to
 * be UTF-8 unless it says so.
 */
#ifndef OC_BASE_STR_H
#define OC_BASE_STR_H

#include <apr_pools.h>

/* HTML text and double- or single-quoted attribute values: & < > " ' become references; control
 * characters except tab, LF, CR, and bytes that are not UTF-8, become U+FFFD. `s` itself if all of
 * it stays; likewise the next one. */
const char *oc_str_html(apr_pool_t *pool, const char *s);
/* HTML in UTF-8 as HTML in ASCII: every other character becomes a numeric reference. */
const char *oc_str_ascii(apr_pool_t *pool, const char *html);
/* One path segment: RFC 3986 unreserved stay, all else (%, / and + too) is percent-encoded. */
const char *oc_str_segment(apr_pool_t *pool, const char *s);
/* One value of a query: unreserved and "@" ":" stay, everything else is percent-encoded. */
const char *oc_str_query(apr_pool_t *pool, const char *s);
/* Undo percent-encoding; '+' stays '+'. NULL if an escape is broken, or decodes to NUL. */
const char *oc_str_unescape(apr_pool_t *pool, const char *s, apr_size_t len);
/* For a log line: control characters, DEL and broken UTF-8 as \xHH; at most max bytes of s, then
 * "...". */
const char *oc_str_log(apr_pool_t *pool, const char *s, apr_size_t max);

/* 1 if the bytes are valid UTF-8 (no surrogates, no overlong forms, no NUL). */
int oc_str_utf8(const char *s, apr_size_t len);
/* 1 if s holds a control character (below 0x20 or 0x7f) other than those in `except`. */
int oc_str_control(const char *s, const char *except);
/* 1 if the host, with or without a port and an IPv6 address's brackets, is this machine itself: an
 * address of 127.0.0.0/8, ::1, or the one name that always means it. "127.evil.example" is a name
 * like any other. */
int oc_str_loopback(const char *host);
/* 1 if s may stand as a header value: no control characters but tab. */
int oc_str_header_ok(const char *s);
/* Unicode-blind ASCII lower-casing and upper-casing copies. */
const char *oc_str_lower(apr_pool_t *pool, const char *s);
const char *oc_str_upper(apr_pool_t *pool, const char *s);
/* The same of `len` bytes of s, to `out`, which has room for them and a NUL. */
void oc_str_lower_to(char *out, const char *s, apr_size_t len);
/* Copy without blanks at both ends. */
const char *oc_str_trim(apr_pool_t *pool, const char *s);

/* base64url without padding (RFC 4648 §5). Decode: NULL on any character or length not allowed. */
const char *oc_str_base64url(apr_pool_t *pool, const unsigned char *data, apr_size_t len);
unsigned char *oc_str_base64url_decode(apr_pool_t *pool, const char *s, apr_size_t *len);
/* Lower-case hex. */
const char *oc_str_hex(apr_pool_t *pool, const unsigned char *data, apr_size_t len);

/* Overwrite a secret so that the compiler cannot leave it out. */
void oc_str_wipe(void *data, apr_size_t len);
/* Copy a secret into the pool; it is wiped when the pool is cleared. */
char *oc_str_secret(apr_pool_t *pool, const char *s);

#endif
