/* mimein.c - a MIME message becomes properties, as the store does on PUT.
 *
 * The message may be one text/calendar part or any nesting of multiparts; of the first plain text,
 * HTML and calendar part each is taken. What of an event the server honours follows the notes of
 * Evolution's Exchange connector (X-MICROSOFT-CDO-*) and what DavMail sends. A Bcc header is lost
 * on the way in, as clients found: they set it by PROPPATCH afterwards. */

#include "mime.h"
#include "entry.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include <apr_encode.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define DEPTH_MAX 8
#define PARTS_MAX 100
#define HEADERS_MAX (256 * 1024)

/* ---- text ---- */

/* `charset` to UTF-8; unknown charsets and broken text are read as Latin-1, so the result is always
 * valid. NUL bytes end the text. */
static char *to_utf8(apr_pool_t *p, const char *charset, const char *text, apr_size_t len)
{
    iconv_t cd;
    char *out = apr_palloc(p, len * 4 + 4), *o;
    const char *sets[2] = { charset && *charset ? charset : "utf-8", "iso-8859-1" };
    apr_size_t left;
    int i;

    if (strcasecmp(sets[0], "us-ascii") == 0)
        sets[0] = "utf-8";
    for (i = 0; i < 2; i++) {
        char *in = (char *)text;
        apr_size_t inleft = len, rc;

        if ((cd = iconv_open("UTF-8", sets[i])) == (iconv_t)-1)
            continue;
        o = out;
        left = len * 4 + 3;
        rc = iconv(cd, &in, &inleft, &o, &left);
        iconv_close(cd);
        if (rc == (apr_size_t)-1)
            continue;
        *o = '\0';
        return out;
    }
    *out = '\0';
    return out;
}

static int hex(int c)
{
    return apr_isdigit(c) ? c - '0' : apr_isxdigit(c) ? apr_tolower(c) - 'a' + 10 : -1;
}

/* Quoted-printable, or with `q` the variant of headers, where _ is a blank. */
static char *decode_qp(apr_pool_t *p, const char *text, apr_size_t len, int q, apr_size_t *outlen)
{
    char *out = apr_palloc(p, len + 1), *o = out;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] == '=' && i + 2 < len && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            *o++ = hex(text[i + 1]) << 4 | hex(text[i + 2]);
            i += 2;
        }
        else if (!q && text[i] == '=' && i + 1 < len
                 && (text[i + 1] == '\n' || text[i + 1] == '\r')) {
            i += text[i + 1] == '\r' && i + 2 < len && text[i + 2] == '\n' ? 2 : 1;
        }
        else {
            *o++ = q && text[i] == '_' ? ' ' : text[i];
        }
    }
    *o = '\0';
    *outlen = o - out;
    return out;
}

/* Base64 with line breaks and blanks; NULL when it is none. */
static char *decode_base64(apr_pool_t *p, const char *text, apr_size_t len, apr_size_t *outlen)
{
    char *packed = apr_palloc(p, len + 1), *o = packed, *out;
    apr_size_t i;

    for (i = 0; i < len; i++)
        if (!apr_isspace(text[i]))
            *o++ = text[i];
    out = (char *)apr_pdecode_base64_binary(p, packed, o - packed, APR_ENCODE_NONE, outlen);
    return out ? apr_pstrmemdup(p, out, *outlen) : NULL;
}

/* RFC 2047 encoded words. Blanks between two of them vanish. */
static const char *decode_words(apr_pool_t *p, const char *text)
{
    const char *plain = text, *at = text;
    sim_buf_t *out = sim_buf_make(p);

    while ((at = strstr(at, "=?")) != NULL) {
        const char *charset = at + 2, *how = strchr(charset, '?'), *data, *end;
        apr_size_t n;
        char *raw;

        if (!how || !how[1] || how[2] != '?' || (end = strstr(data = how + 3, "?=")) == NULL) {
            at += 2;
            continue;
        }
        raw = apr_toupper(how[1]) == 'B' ? decode_base64(p, data, end - data, &n)
            : apr_toupper(how[1]) == 'Q' ? decode_qp(p, data, end - data, 1, &n) : NULL;
        if (!raw) {
            at += 2;
            continue;
        }
        if (strspn(plain, " \t") < (apr_size_t)(at - plain) || plain == text)
            sim_buf_add(out, plain, at - plain);
        sim_buf_puts(out, to_utf8(p, apr_pstrmemdup(p, charset, how - charset), raw, n));
        plain = at = end + 2;
    }
    sim_buf_puts(out, plain);
    return to_utf8(p, "utf-8", out->data, out->len);
}

/* ---- structure ---- */

const char *sim_mime_header(const sim_mime_t *m, const char *name)
{
    return apr_table_get(m->headers, name);
}

const char *sim_mime_param(apr_pool_t *p, const char *value, const char *name)
{
    apr_size_t n = strlen(name);

    while (value && (value = strchr(value, ';')) != NULL) {
        value++;
        value += strspn(value, " \t");
        if (strncasecmp(value, name, n) == 0 && value[n + strspn(value + n, " \t")] == '=') {
            const char *v = strchr(value + n, '=') + 1, *end;

            v += strspn(v, " \t");
            if (*v == '"' && (end = strchr(v + 1, '"')) != NULL)
                return apr_pstrmemdup(p, v + 1, end - v - 1);
            return apr_pstrmemdup(p, v, strcspn(v, "; \t"));
        }
    }
    return NULL;
}

/* The headers of an entity, unfolded; *body is set behind the empty line. 0: malformed. */
static int read_headers(apr_pool_t *p, const char *text, const char *end, apr_table_t *t,
                        const char **body)
{
    const char *start = text;

    while (text < end) {
        const char *line = text, *colon, *in;
        char *value, *out;

        if (*text == '\n' || (*text == '\r' && text + 1 < end && text[1] == '\n')) {
            text += *text == '\r' ? 2 : 1;
            break;
        }
        /* the logical line: up to a line break that no blank follows */
        do {
            text = memchr(text, '\n', end - text);
            text = text ? text + 1 : end;
        } while (text < end && (*text == ' ' || *text == '\t'));
        colon = memchr(line, ':', text - line);
        if (!colon || colon == line || memchr(line, ' ', colon - line)
            || memchr(line, '\n', colon - line) || text - start > HEADERS_MAX)
            return 0;
        value = out = apr_palloc(p, text - colon);
        for (in = colon + 1; in < text; in++)
            if (*in != '\r' && *in != '\n' && *in)
                *out++ = *in;
        while (out > value && apr_isspace(out[-1]))
            out--;
        *out = '\0';
        value += strspn(value, " \t");
        apr_table_mergen(t, apr_pstrmemdup(p, line, colon - line), value);
    }
    *body = text;
    return 1;
}

static const char *decode_part(apr_pool_t *p, const apr_table_t *t, const char *type,
                               const char *body, apr_size_t len)
{
    const char *encoding = apr_table_get(t, "Content-Transfer-Encoding");

    if (encoding && strncasecmp(encoding, "base64", 6) == 0)
        body = decode_base64(p, body, len, &len);
    else if (encoding && strncasecmp(encoding, "quoted-printable", 16) == 0)
        body = decode_qp(p, body, len, 0, &len);
    return body ? to_utf8(p, sim_mime_param(p, type, "charset"), body, len) : NULL;
}

static int walk(apr_pool_t *p, sim_mime_t *m, apr_table_t *t, const char *body, const char *end,
                int depth, int *parts);

/* The parts between the boundary lines. 0: malformed. */
static int walk_multipart(apr_pool_t *p, sim_mime_t *m, const char *boundary, const char *body,
                          const char *end, int depth, int *parts)
{
    const char *mark = apr_pstrcat(p, "--", boundary, NULL), *line = body, *part = NULL;
    apr_size_t n = strlen(mark);

    if (depth >= DEPTH_MAX)
        return 0;
    while (line < end) {
        const char *eol = memchr(line, '\n', end - line), *next = eol ? eol + 1 : end;

        if ((apr_size_t)(next - line) >= n && memcmp(line, mark, n) == 0) {
            if (part) {
                apr_table_t *t = apr_table_make(p, 4);
                const char *stop = line, *inner;

                if (stop > part && stop[-1] == '\n')
                    stop--;
                if (stop > part && stop[-1] == '\r')
                    stop--;
                if (++*parts > PARTS_MAX || !read_headers(p, part, stop, t, &inner)
                    || !walk(p, m, t, inner, stop, depth + 1, parts))
                    return 0;
            }
            if ((apr_size_t)(next - line) >= n + 2 && memcmp(line + n, "--", 2) == 0)
                return 1;
            part = next;
        }
        line = next;
    }
    return 0;                   /* no closing boundary: the message was cut */
}

static int walk(apr_pool_t *p, sim_mime_t *m, apr_table_t *t, const char *body, const char *end,
                int depth, int *parts)
{
    const char *type = apr_table_get(t, "Content-Type"), *boundary;
    const char **slot = NULL;

    if (!type || !*type)
        type = "text/plain";
    if (strncasecmp(type, "multipart/", 10) == 0) {
        boundary = sim_mime_param(p, type, "boundary");
        return boundary && *boundary
            && walk_multipart(p, m, boundary, body, end, depth, parts);
    }
    if (strncasecmp(type, "text/calendar", 13) == 0)
        slot = &m->calendar;
    else if (strncasecmp(type, "text/html", 9) == 0)
        slot = &m->html;
    else if (strncasecmp(type, "text/plain", 10) == 0)
        slot = &m->text;
    if (slot && !*slot) {
        *slot = decode_part(p, t, type, body, end - body);
        if (!*slot)
            return 0;
        if (slot == &m->calendar)
            m->method = sim_mime_param(p, type, "method");
    }
    return 1;
}

sim_mime_t *sim_mime_parse(apr_pool_t *p, const char *data, apr_size_t len)
{
    sim_mime_t *m = apr_pcalloc(p, sizeof(*m));
    const char *body;
    int parts = 0;

    m->headers = apr_table_make(p, 16);
    if (!len || !read_headers(p, data, data + len, m->headers, &body)
        || apr_is_empty_table(m->headers))
        return NULL;
    return walk(p, m, m->headers, body, data + len, 0, &parts) ? m : NULL;
}

/* ---- properties ---- */

static void set_header(sim_req_t *q, sim_item_t *item, const sim_mime_t *m, const char *header,
                       const char *ns, const char *local)
{
    const char *value = sim_mime_header(m, header);

    if (value && *value)
        sim_set(item, ns, local, decode_words(q->p, value));
}

/* What a message class and content class are worth without a calendar part. */
static void set_classes(sim_req_t *q, sim_item_t *item, const sim_mime_t *m)
{
    const char *said = sim_mime_header(m, "Content-class");
    const char *class = SIM_CLASS_MESSAGE, *outlook = "IPM.Note";

    if (said && strcasecmp(said, SIM_CLASS_APPOINTMENT) == 0) {
        class = SIM_CLASS_APPOINTMENT;
        outlook = "IPM.Appointment";
    }
    else if (said && strcasecmp(said, SIM_CLASS_CALMESSAGE) == 0) {
        class = SIM_CLASS_CALMESSAGE;
    }
    else if (said && strncasecmp(said, "urn:content-classes:", 20) == 0) {
        class = decode_words(q->p, said);
    }
    else if (!said && m->calendar && m->method && strcasecmp(m->method, "publish") != 0) {
        class = SIM_CLASS_CALMESSAGE;
    }
    sim_set(item, SIM_NS_DAV, "contentclass", class);
    sim_set(item, SIM_NS_EXCHANGE, "outlookmessageclass", outlook);
}

int sim_mime_put(sim_req_t *q, sim_item_t *item, const char *data, apr_size_t len)
{
    const char *wrong = NULL;
    sim_mime_t *m;

    if (sim_setting_is(q->conf, "mime", "406"))
        return HTTP_NOT_ACCEPTABLE;
    m = sim_mime_parse(q->p, data, len);
    if (!m) {
        sim_wrong(q, 3, "the body is no MIME message");
        return HTTP_BAD_REQUEST;
    }
    set_classes(q, item, m);
    set_header(q, item, m, "Subject", SIM_NS_MAIL, "subject");
    set_header(q, item, m, "To", SIM_NS_HEADER, "to");
    set_header(q, item, m, "Cc", SIM_NS_HEADER, "cc");
    set_header(q, item, m, "From", SIM_NS_HEADER, "from");
    set_header(q, item, m, "Message-ID", SIM_NS_HEADER, "message-id");
    set_header(q, item, m, "Importance", SIM_NS_HEADER, "importance");
    if (m->text)
        sim_set(item, SIM_NS_MAIL, "textdescription", m->text);
    if (m->html)
        sim_set(item, SIM_NS_MAIL, "htmldescription", m->html);
    if (m->calendar && (wrong = sim_ical_put(q, item, m)) != NULL) {
        sim_wrong(q, 3, "%s", wrong);
        return HTTP_BAD_REQUEST;
    }
    return OK;
}
