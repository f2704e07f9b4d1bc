/* redact.c - taking secrets and the content of bookings out of what is going to be kept.
 *
 * Everything errs on the side of leaving out: an unfinished element, attribute or pair ends with
 * the text, an unknown kind of body is only counted.
 */
#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/str.h"
#include "net/trace.h"

#define REMOVED "(removed)"

/* A growing text in a pool; never beyond what goes in. */
typedef struct text_t {
    apr_pool_t *pool;
    char *s;
    apr_size_t len, room;
} text_t;

static void add(text_t *t, const char *s, apr_size_t len)
{
    if (t->len + len + 1 > t->room) {
        char *longer;

        t->room = 2 * (t->len + len + 1);
        longer = apr_palloc(t->pool, t->room);
        if (t->len) {
            memcpy(longer, t->s, t->len);
        }
        t->s = longer;
    }
    memcpy(t->s + t->len, s, len);
    t->len += len;
    t->s[t->len] = '\0';
}

static void add_str(text_t *t, const char *s)
{
    add(t, s, strlen(s));
}

/* 1 if one of the words occurs in the name, in any case. */
static int has_word(const char *name, apr_size_t len, const char *const *words)
{
    for (; *words; ++words) {
        apr_size_t word = strlen(*words), i;

        for (i = 0; i + word <= len; ++i) {
            if (strncasecmp(name + i, *words, word) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

/* Names, or parts of names, of headers, form fields and query parameters that carry secrets. */
static const char *const secret_words[] = {"authori", "authenticat", "cookie", "passw",
                                           "pwd",     "secret",      "token",  "canary",
                                           "credent", "cadata",      NULL};
/* Parts of names of form fields and HTML or XML elements that tell what a booking is about. */
/* The numbers are MAPI's property tags as WebDAV names them: subject, topic, normalized subject,
 * body, HTML body, the whole message. */
static const char *const content_words[] = {"subject", "description", "body",  "summary",
                                            "topic",   "x0037",       "x0070", "x0e1d",
                                            "x1000",   "x1013",       "x6659", NULL};

static int is_private(const char *name, apr_size_t len)
{
    return has_word(name, len, secret_words) || has_word(name, len, content_words) ||
           (len == 4 && strncasecmp(name, "pass", 4) == 0);
}

/* ---- forms and queries -------------------------------------------------------------------- */

static void redact_pairs(text_t *out, const char *s, apr_size_t len)
{
    const char *end = s + len;

    while (s < end) {
        const char *stop = memchr(s, '&', (apr_size_t)(end - s)), *equals;
        const char *name;

        if (!stop) {
            stop = end;
        }
        equals = memchr(s, '=', (apr_size_t)(stop - s));
        if (!equals) {
            /* No name, or one alone. A value of unknown meaning, if it is not plainly a word. */
            equals = s;
            while (equals < stop && (apr_isalnum(*equals) || strchr("_-.", *equals)) &&
                   equals - s < 32) {
                ++equals;
            }
            add_str(out, equals == stop && !is_private(s, (apr_size_t)(stop - s))
                             ? apr_pstrmemdup(out->pool, s, (apr_size_t)(stop - s))
                             : REMOVED);
        } else {
            name = oc_str_unescape(out->pool, s, (apr_size_t)(equals - s));
            add(out, s, (apr_size_t)(equals - s) + 1);
            if (!name || is_private(name, strlen(name))) {
                add_str(out, REMOVED);
            } else {
                add(out, equals + 1, (apr_size_t)(stop - equals - 1));
            }
        }
        if (stop < end) {
            add(out, "&", 1);
            ++stop;
        }
        s = stop;
    }
}

const char *oc_trace_redact_path(apr_pool_t *pool, const char *path)
{
    text_t out = {.pool = pool};
    const char *query = strchr(path, '?');

    if (!query) {
        return apr_pstrdup(pool, path);
    }
    add(&out, path, (apr_size_t)(query - path) + 1);
    redact_pairs(&out, query + 1, strlen(query + 1));
    return out.s;
}

/* ---- headers ------------------------------------------------------------------------------ */

const char *oc_trace_redact_header(apr_pool_t *pool, const char *name, const char *value)
{
    static const char *const schemes[] = {"Basic",    "NTLM",   "Negotiate", "Digest",
                                          "Kerberos", "Bearer", NULL};
    static const char *const addresses[] = {
        "Location", "Content-Location", "Destination", "Referer", "Refresh", "Link", NULL};
    int i;

    if (has_word(name, strlen(name), secret_words)) {
        for (i = 0; schemes[i]; ++i) {
            apr_size_t len = strlen(schemes[i]);

            if (strncasecmp(value, schemes[i], len) == 0 && (value[len] == ' ' || !value[len])) {
                return value[len] ? apr_pstrcat(pool, schemes[i], " " REMOVED, NULL) : schemes[i];
            }
        }
        return REMOVED;
    }
    if (has_word(name, strlen(name), content_words)) {
        return REMOVED;
    }
    for (i = 0; addresses[i]; ++i) {
        if (strcasecmp(name, addresses[i]) == 0) {
            return oc_trace_redact_path(pool, value);
        }
    }
    return apr_pstrdup(pool, value);
}

/* ---- markup ------------------------------------------------------------------------------- */

/* Past the '>' of the tag that begins at s ('<'), quotes respected; `end` if there is none. */
static const char *tag_end(const char *s, const char *end)
{
    char quote = '\0';

    for (; s < end; ++s) {
        if (quote) {
            quote = *s == quote ? '\0' : quote;
        } else if (*s == '"' || *s == '\'') {
            quote = *s;
        } else if (*s == '>') {
            return s + 1;
        }
    }
    return end;
}

static apr_size_t name_len(const char *s, const char *end)
{
    const char *start = s;

    while (s < end && !apr_isspace(*s) && !strchr("<>/=\"'", *s)) {
        ++s;
    }
    return (apr_size_t)(s - start);
}

/* The closing tag "</name" from s on, or end. */
static const char *closing(const char *s, const char *end, const char *name, apr_size_t len)
{
    for (; s + 2 + len <= end; ++s) {
        if (s[0] == '<' && s[1] == '/' && strncmp(s + 2, name, len) == 0 &&
            (s + 2 + len == end || apr_isspace(s[2 + len]) || s[2 + len] == '>')) {
            return s;
        }
    }
    return end;
}

/* Elements with a private name lose their content, others keep it. */
static void redact_xml(text_t *out, const char *s, apr_size_t len)
{
    const char *end = s + len;

    while (s < end) {
        const char *open = memchr(s, '<', (apr_size_t)(end - s)), *after, *name;
        apr_size_t n;

        if (!open) {
            add(out, s, (apr_size_t)(end - s));
            return;
        }
        add(out, s, (apr_size_t)(open - s));
        after = tag_end(open, end);
        add(out, open, (apr_size_t)(after - open));
        name = open + 1;
        n = name_len(name, end);
        s = after;
        if (n && after[-1] == '>' && after[-2] != '/' && is_private(name, n)) {
            s = closing(after, end, name, n);
            if (s > after) {
                add_str(out, REMOVED);
            }
        }
    }
}

/* One attribute from s on: its name and value, NULL = none. Returns the end of it. */
static const char *attribute(const char *s, const char *end, const char **name, apr_size_t *n,
                             const char **value, apr_size_t *v)
{
    *value = NULL;
    *v = 0;
    while (s < end && (apr_isspace(*s) || strchr("/\"'<>=", *s))) {
        ++s;
    }
    *name = s;
    *n = name_len(s, end);
    s += *n;
    while (s < end && apr_isspace(*s)) {
        ++s;
    }
    if (s < end && *s == '=') {
        const char *stop;

        for (++s; s < end && apr_isspace(*s);) {
            ++s;
        }
        if (s < end && (*s == '"' || *s == '\'')) {
            stop = memchr(s + 1, *s, (apr_size_t)(end - s - 1));
            *value = s + 1;
            *v = (apr_size_t)((stop ? stop : end) - *value);
            return stop ? stop + 1 : end;
        }
        *value = s;
        *v = name_len(s, end);
        return s + *v;
    }
    return s;
}

/* 1 if quotes went astray and swallowed markup. */
static int is_odd(const char *value, apr_size_t len)
{
    return memchr(value, '<', len) || memchr(value, '>', len) || memchr(value, '"', len) ||
           memchr(value, '\'', len);
}

static void add_attribute(text_t *out, const char *name, const char *value, apr_size_t len)
{
    add(out, " ", 1);
    add_str(out, name);
    add(out, "=\"", 2);
    add(out, value, len);
    add(out, "\"", 1);
}

/* The skeleton: tags, the attributes that tell what a page is made of, and no text. */
static void redact_html(text_t *out, const char *s, apr_size_t len)
{
    static const char *const plain[] = {"name", "id", "type", "method", "class", NULL};
    static const char *const address[] = {"action", "href", NULL};
    const char *end = s + len;

    while (s < end && (s = memchr(s, '<', (apr_size_t)(end - s)))) {
        const char *after, *stop, *name, *value, *tag = s + 1;
        apr_size_t n, v;
        int closes = tag < end && *tag == '/';

        n = name_len(tag + closes, end);
        if (n == 0 || n > 20 || !apr_isalpha(tag[closes])) { /* a comment, or no tag at all */
            s = tag;
            continue;
        }
        after = tag_end(s, end);
        add(out, "<", 1);
        add(out, tag, n + (apr_size_t)closes);
        stop = after[-1] == '>' ? after - 1 : after;
        for (s = tag + closes + n; s < stop;) {
            int i;

            s = attribute(s, stop, &name, &n, &value, &v);
            if (!value || is_odd(value, v)) {
                continue;
            }
            for (i = 0; plain[i]; ++i) {
                if (n == strlen(plain[i]) && strncasecmp(name, plain[i], n) == 0 && v <= 64) {
                    add_attribute(out, plain[i], value, v);
                }
            }
            for (i = 0; address[i]; ++i) {
                if (n == strlen(address[i]) && strncasecmp(name, address[i], n) == 0 && v <= 1024) {
                    value = oc_trace_redact_path(out->pool, apr_pstrmemdup(out->pool, value, v));
                    add_attribute(out, address[i], value, strlen(value));
                }
            }
        }
        add(out, ">", 1);
        s = after;
    }
}

const char *oc_trace_redact_body(apr_pool_t *pool, const char *content_type, const char *body,
                                 apr_size_t len)
{
    text_t out = {.pool = pool};
    const char *type = content_type ? content_type : "";

    if (len == 0) {
        return "";
    }
    if (strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0) {
        redact_pairs(&out, body, len);
    } else if (strncasecmp(type, "text/html", 9) == 0) {
        redact_html(&out, body, len);
    } else if (strncasecmp(type, "text/xml", 8) == 0 ||
               strncasecmp(type, "application/xml", 15) == 0) {
        static const char *const html[] = {"<html", "<!doctype", "<form", "<input", NULL};

        /* A login page often comes under the type that was asked for. */
        if (has_word(body, len < 4096 ? len : 4096, html)) {
            redact_html(&out, body, len);
        } else {
            redact_xml(&out, body, len);
        }
    } else {
        return apr_psprintf(pool, "(%" APR_SIZE_T_FMT " bytes of %s)", len,
                            *type ? oc_str_log(pool, type, 64) : "no declared type");
    }
    return out.s ? out.s : "";
}
