/* xml.c - push reader on transition tables over libxml2's SAX2 parser, and the escaping writer.
 *
 * The reader keeps three small stacks: a frame for each open element a row named, the namespace
 * bindings in force (needed only for the element names libxml2 cannot split, see repair_name), and
 * one text buffer in which each frame that collects text begins where its parent's text stood.
 */
#include <stdlib.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#include "base/str.h"
#include "wire/xml.h"

#define DEPTH_MAX 64        /* what limits.depth may be at most */
#define BINDINGS_MAX 256    /* namespace declarations in force at once */
#define REFERENCE_MAX 12    /* longest "&#x0000001;" looked at */
/* Bytes that may arrive without the parser telling anything (one start tag, one comment): it looks
 * at them again with every block, and at a tag's attributes each with each, which takes seconds for
 * a megabyte of them. */
#define SILENCE_MAX (64 * 1024)
#define BLOCK_BYTES (16 * 1024)

typedef struct frame_t {
    int state, flags;
    apr_size_t text; /* where its text begins */
} frame_t;

typedef struct binding_t {
    int depth;
    const xmlChar *prefix, *uri; /* in the parser's dictionary: live as long as it */
} binding_t;

struct oc_xml_t {
    apr_pool_t *pool;
    const oc_xml_row_t *rows;
    oc_xml_sink_t sink;
    oc_xml_limits_t limits;
    xmlParserCtxtPtr parser; /* NULL until something is fed */
    frame_t frames[DEPTH_MAX + 1]; /* [0] is the document */
    int depth;                     /* open elements, skipped ones included */
    int skipped;                   /* of them, how many no row named */
    binding_t *bindings; /* BINDINGS_MAX of them, made with the parser */
    int bound;
    char name[64]; /* see repair_name */
    char *text;
    apr_size_t text_len, text_room;
    apr_size_t total, silent;
    char pending[REFERENCE_MAX + 1]; /* a character reference cut by the end of a block */
    apr_size_t held;
    int rooted, ended;
    apr_status_t failed;  /* APR_SUCCESS while all is well */
    oc_reason_t reason;   /* OC_REASON_OK: the sink's own failure */
    const char *why;
};

static void stop(oc_xml_t *x, apr_status_t rv, oc_reason_t reason, const char *why)
{
    if (x->failed == APR_SUCCESS) {
        x->failed = rv;
        x->reason = reason;
        x->why = why;
        xmlStopParser(x->parser);
    }
}

/* ---- callbacks of the parser ---- */

static void on_error(void *data, xmlErrorPtr error)
{
    oc_xml_t *x = data;

    if (error->level <= XML_ERR_WARNING || error->code == XML_WAR_NS_URI
        || error->code == XML_NS_ERR_QNAME) {
        /* Namespaces of MAPI properties are no valid URIs (braces), and their names begin with a
         * digit: both are reported, neither stops the parser. */
        return;
    }
    stop(x, APR_EGENERAL, OC_REASON_UPSTREAM_PROTOCOL,
         apr_psprintf(x->pool, "malformed XML at line %d: %s", error->line,
                      oc_str_log(x->pool, error->message ? error->message : "", 200)));
}

static void on_doctype(void *data, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id)
{
    (void)name, (void)public_id, (void)system_id;
    stop(data, APR_EGENERAL, OC_REASON_UPSTREAM_PROTOCOL, "a DOCTYPE, which is not accepted");
}

/* "_x0030_x3", the server's escape of a name that begins with a digit, and "0x3" itself are one. */
static const char *repair_name(oc_xml_t *x, const xmlChar *local, const xmlChar **uri)
{
    const char *name = (const char *)local;
    const char *colon = strchr(name, ':');

    if (colon) { /* <h:0x8218>: libxml2 gives the whole name, and the default namespace */
        apr_size_t n = (apr_size_t)(colon - name);
        int i;
        *uri = NULL;
        for (i = x->bound - 1; i >= 0; --i) {
            const char *prefix = (const char *)x->bindings[i].prefix;
            if (prefix && strlen(prefix) == n && !memcmp(prefix, name, n)) {
                *uri = x->bindings[i].uri;
                break;
            }
        }
        return colon + 1;
    }
    if (!strncmp(name, "_x003", 5) && apr_isdigit(name[5]) && name[6] == '_') {
        x->name[0] = name[5];
        apr_cpystrn(x->name + 1, name + 7, sizeof(x->name) - 1);
        return x->name;
    }
    return name;
}

static const oc_xml_row_t *find_row(const oc_xml_t *x, int state, const char *ns, const char *name)
{
    const oc_xml_row_t *row;

    for (row = x->rows; row->name; ++row) {
        if (row->state == state
            && (!strcmp(row->name, OC_XML_ANY) || !strcmp(row->name, name))
            && (!strcmp(row->ns, OC_XML_ANY) || !strcmp(row->ns, ns))) {
            return row;
        }
    }
    return NULL;
}

static void on_start(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces, const xmlChar **spaces, int count, int defaulted,
                     const xmlChar **attributes)
{
    oc_xml_t *x = data;
    const oc_xml_row_t *row;
    const char *name, *ns;
    frame_t *frame;
    apr_status_t rv;
    int i;

    (void)prefix, (void)defaulted, (void)attributes;
    x->silent = 0;
    if (x->failed) {
        return;
    }
    x->rooted = 1;
    if (++x->depth > x->limits.depth) {
        stop(x, APR_EGENERAL, OC_REASON_UPSTREAM_PROTOCOL, "XML nested too deeply");
        return;
    }
    if (count > x->limits.attributes || x->bound + namespaces > BINDINGS_MAX) {
        stop(x, APR_EGENERAL, OC_REASON_UPSTREAM_PROTOCOL, "too many XML attributes");
        return;
    }
    for (i = 0; i < namespaces; ++i, spaces += 2) {
        binding_t *b = &x->bindings[x->bound++];
        b->depth = x->depth;
        b->prefix = spaces[0];
        b->uri = spaces[1];
    }
    if (x->skipped > 0) {
        ++x->skipped;
        return;
    }
    name = repair_name(x, local, &uri);
    ns = uri ? (const char *)uri : "";
    frame = &x->frames[x->depth];
    row = find_row(x, frame[-1].state, ns, name);
    if (!row) {
        x->skipped = 1;
        return;
    }
    frame->state = row->next;
    frame->flags = row->flags;
    frame->text = x->text_len;
    if (x->sink.open) {
        rv = x->sink.open(x->sink.baton, row->next, ns, name);
        if (rv != APR_SUCCESS) {
            stop(x, rv, OC_REASON_OK, NULL);
        }
    }
}

static void on_end(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    oc_xml_t *x = data;
    frame_t *frame;
    apr_status_t rv = APR_SUCCESS;

    (void)prefix;
    x->silent = 0;
    if (x->failed || x->depth == 0) {
        return;
    }
    if (x->skipped > 0) {
        --x->skipped;
    } else {
        frame = &x->frames[x->depth];
        if (x->sink.close) {
            const char *name = repair_name(x, local, &uri);
            const char *text = "";
            apr_size_t len = x->text_len - frame->text;
            if (len > 0) {
                x->text[x->text_len] = '\0';
                text = x->text + frame->text;
            }
            rv = x->sink.close(x->sink.baton, frame->state, uri ? (const char *)uri : "", name,
                               text, len);
        }
        x->text_len = frame->text;
    }
    while (x->bound > 0 && x->bindings[x->bound - 1].depth == x->depth) {
        --x->bound;
    }
    if (--x->depth == 0) {
        x->ended = 1;
    }
    if (rv != APR_SUCCESS) {
        stop(x, rv, OC_REASON_OK, NULL);
    }
}

static void on_text(void *data, const xmlChar *chars, int count)
{
    oc_xml_t *x = data;
    const frame_t *frame = &x->frames[x->depth];
    apr_size_t len = (apr_size_t)count, need;

    x->silent = 0;
    if (x->failed || x->skipped > 0 || x->depth == 0 || !(frame->flags & OC_XML_TEXT)) {
        return;
    }
    need = x->text_len + len + 1;
    if (x->text_len - frame->text + len > x->limits.text) {
        stop(x, APR_EGENERAL, OC_REASON_UPSTREAM_TOO_LARGE, "an XML element with too long a text");
        return;
    }
    if (need > x->text_room) {
        apr_size_t room = x->text_room ? x->text_room : 1024;
        char *grown;
        while (room < need) {
            room *= 2;
        }
        grown = realloc(x->text, room); /* not the pool: it would keep every smaller one */
        if (!grown) {
            stop(x, APR_ENOMEM, OC_REASON_INTERNAL, "out of memory");
            return;
        }
        x->text = grown;
        x->text_room = room;
    }
    memcpy(x->text + x->text_len, chars, len);
    x->text_len += len;
}

static void on_comment(void *data, const xmlChar *value)
{
    (void)value;
    ((oc_xml_t *)data)->silent = 0;
}

static void on_instruction(void *data, const xmlChar *target, const xmlChar *value)
{
    (void)target, (void)value;
    ((oc_xml_t *)data)->silent = 0;
}

/* ---- the reader ---- */

static apr_status_t release(void *data)
{
    oc_xml_t *x = data;

    if (x->parser) {
        xmlFreeParserCtxt(x->parser);
        x->parser = NULL;
    }
    free(x->text);
    x->text = NULL;
    x->text_len = x->text_room = 0;
    if (!x->failed) {
        x->failed = APR_EINVAL;
        x->reason = OC_REASON_INTERNAL;
        x->why = "the XML reader was closed";
    }
    return APR_SUCCESS;
}

/* With the first bytes, not before: most of the life of an exchange is waiting for its reply, and
 * the parser is the largest thing it would hold meanwhile (some 20 KB). */
static int open_parser(oc_xml_t *x)
{
    xmlSAXHandler sax;

    memset(&sax, 0, sizeof(sax));
    sax.initialized = XML_SAX2_MAGIC;
    sax.startElementNs = on_start;
    sax.endElementNs = on_end;
    sax.characters = on_text;
    sax.ignorableWhitespace = on_text;
    sax.comment = on_comment;
    sax.processingInstruction = on_instruction;
    sax.internalSubset = on_doctype;
    sax.serror = on_error;
    /* No getEntity and no declarations: every entity but XML's five is an error. */

    x->parser = xmlCreatePushParserCtxt(&sax, x, NULL, 0, NULL);
    if (!x->parser) {
        return 0;
    }
    x->bindings = apr_palloc(x->pool, BINDINGS_MAX * sizeof(*x->bindings));
    /* IGNORE_ENC: the text is UTF-8 whatever it declares. No RECOVER: after the first error it
     * drops every later &amp; (2.9.14), and it lets bytes through that are not UTF-8. */
    xmlCtxtUseOptions(x->parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
    return 1;
}

oc_xml_t *oc_xml_open(apr_pool_t *pool, const oc_xml_row_t *rows, const oc_xml_sink_t *sink,
                      const oc_xml_limits_t *limits)
{
    oc_xml_t *x = apr_pcalloc(pool, sizeof(*x));

    xmlInitParser();
    x->pool = pool;
    x->rows = rows;
    x->sink = *sink;
    if (limits) {
        x->limits = *limits;
    }
    x->limits.depth = x->limits.depth > 0 && x->limits.depth < DEPTH_MAX ? x->limits.depth : 32;
    x->limits.attributes = x->limits.attributes > 0 && x->limits.attributes < 256
                               ? x->limits.attributes : 64;
    x->limits.text = x->limits.text ? x->limits.text : 1024 * 1024;
    x->limits.total = x->limits.total ? x->limits.total : 64 * 1024 * 1024;
    apr_pool_cleanup_register(pool, x, release, apr_pool_cleanup_null);
    return x;
}

void oc_xml_close(oc_xml_t *xml)
{
    apr_pool_cleanup_run(xml->pool, xml, release);
}

static apr_status_t verdict(oc_xml_t *x, oc_result_t *res)
{
    if (x->failed != APR_SUCCESS && x->reason != OC_REASON_OK) {
        oc_result_fail(res, x->reason, "%s", x->why);
    }
    return x->failed;
}

static void push(oc_xml_t *x, const char *data, apr_size_t len, int last)
{
    if (x->failed || (len == 0 && !last)) {
        return;
    }
    if (!x->parser && !open_parser(x)) {
        stop(x, APR_ENOMEM, OC_REASON_INTERNAL, "out of memory");
        return;
    }
    do {
        apr_size_t n = len < BLOCK_BYTES ? len : BLOCK_BYTES;
        /* Of a CDATA section it tells nothing before its end. */
        int cdata = x->parser->instate == XML_PARSER_CDATA_SECTION;

        x->silent += n;
        if (x->silent > SILENCE_MAX + (cdata ? x->limits.text : 0)) {
            stop(x, APR_EGENERAL, OC_REASON_UPSTREAM_PROTOCOL, "an XML tag or comment without end");
            return;
        }
        xmlParseChunk(x->parser, data, (int)n, last && n == len);
        data += n;
        len -= n;
    } while (len > 0 && !x->failed);
}

/* What a (possibly incomplete) character reference at the start of data is: its length if it names
 * a character XML does not have, and is to be left out; 0 if it is none or a good one; -1 if more
 * bytes are needed to know. The server writes control characters of subjects so: <x>&#x1;</x>. */
static int bad_reference(const char *data, apr_size_t len)
{
    apr_size_t i = 2;
    unsigned long value = 0;
    int hex = 0, digits = 0;

    if (len > REFERENCE_MAX) {
        len = REFERENCE_MAX;
    }
    if (len < 2 || data[1] != '#') {
        return len < 2 ? -1 : 0;
    }
    if (len > 2 && data[2] == 'x') {
        hex = 1;
        i = 3;
    }
    for (; i < len; ++i) {
        char c = data[i];
        if (c == ';' && digits > 0) {
            int good = value == 0x9 || value == 0xA || value == 0xD
                       || (value >= 0x20 && value < 0xD800)
                       || (value >= 0xE000 && value < 0xFFFE) || value >= 0x10000;
            return good ? 0 : (int)i + 1;
        }
        if (hex ? !apr_isxdigit(c) : !apr_isdigit(c)) {
            return 0;
        }
        value = hex ? value * 16 + (unsigned long)(apr_isdigit(c) ? c - '0' : (c | 32) - 'a' + 10)
                    : value * 10 + (unsigned long)(c - '0');
        ++digits;
    }
    return len < REFERENCE_MAX ? -1 : 0;
}

apr_status_t oc_xml_feed(oc_xml_t *x, const char *data, apr_size_t len, oc_result_t *res)
{
    const char *from, *end = data + len, *p;
    int n;

    x->total += len;
    if (!x->failed && x->total > x->limits.total) {
        stop(x, APR_EGENERAL, OC_REASON_UPSTREAM_TOO_LARGE, "the XML document is too long");
    }
    while (x->held > 0 && data < end && !x->failed) { /* the reference the last block cut */
        x->pending[x->held++] = *data++;
        n = bad_reference(x->pending, x->held);
        if (n >= 0) {
            push(x, x->pending, n > 0 ? 0 : x->held, 0);
            x->held = 0;
        }
    }
    for (from = p = data; p < end && !x->failed;) {
        p = memchr(p, '&', (apr_size_t)(end - p));
        if (!p) {
            break;
        }
        n = bad_reference(p, (apr_size_t)(end - p));
        if (n == 0) {
            ++p;
            continue;
        }
        push(x, from, (apr_size_t)(p - from), 0);
        if (n < 0) {
            x->held = (apr_size_t)(end - p);
            memcpy(x->pending, p, x->held);
            from = p = end;
            break;
        }
        from = p = p + n;
    }
    if (!x->failed) {
        push(x, from, (apr_size_t)(end - from), 0);
    }
    return verdict(x, res);
}

apr_status_t oc_xml_end(oc_xml_t *x, oc_result_t *res)
{
    if (!x->failed) {
        push(x, x->pending, x->held, 0);
        x->held = 0;
        push(x, "", 0, 1);
    }
    if (!x->failed && (!x->rooted || !x->ended)) {
        stop(x, APR_EGENERAL, OC_REASON_UPSTREAM_PROTOCOL,
             x->rooted ? "the XML document is cut off" : "an empty reply where XML was expected");
    }
    return verdict(x, res);
}

/* ---- writing ---- */

struct oc_xml_writer_t {
    apr_pool_t *pool;
    const oc_xml_ns_t *known;
    char *out;
    apr_size_t len, room;
    apr_array_header_t *open; /* qualified names of the elements not yet ended */
    int in_tag, local;
};

static void put(oc_xml_writer_t *w, const char *s)
{
    apr_size_t n = strlen(s);

    if (w->len + n + 1 > w->room) {
        apr_size_t room = w->room ? w->room * 2 : 1024;
        char *grown;
        while (room < w->len + n + 1) {
            room *= 2;
        }
        grown = apr_palloc(w->pool, room);
        if (w->len > 0) {
            memcpy(grown, w->out, w->len);
        }
        w->out = grown;
        w->room = room;
    }
    memcpy(w->out + w->len, s, n + 1);
    w->len += n;
}

/* As HTML text; besides, a bare CR would be read back as LF, and U+FFFE and U+FFFF are not XML's.
 */
static void put_escaped(oc_xml_writer_t *w, const char *text)
{
    char *s = apr_pstrdup(w->pool, oc_str_html(w->pool, text));
    char *p;

    for (p = s; (p = strstr(p, "\xEF\xBF")) != NULL; p += 2) {
        if ((unsigned char)p[2] >= 0xBE) {
            p[2] = '\xBD';
        }
    }
    while ((p = strchr(s, '\r')) != NULL) {
        *p = '\0';
        put(w, s);
        put(w, "&#13;");
        s = p + 1;
    }
    put(w, s);
}

static void close_tag(oc_xml_writer_t *w)
{
    if (w->in_tag) {
        put(w, ">");
        w->in_tag = 0;
    }
}

static const char *prefix_of(const oc_xml_writer_t *w, const char *ns)
{
    const oc_xml_ns_t *k;

    for (k = w->known; k && k->prefix; ++k) {
        if (!strcmp(k->uri, ns)) {
            return k->prefix;
        }
    }
    return NULL;
}

static void declare(oc_xml_writer_t *w, const char *prefix, const char *uri)
{
    put(w, " xmlns:");
    put(w, prefix);
    put(w, "=\"");
    put_escaped(w, uri);
    put(w, "\"");
}

/* "prefix:name" with a prefix that is declared, or *fresh set if it must be declared here. */
static const char *qualified(oc_xml_writer_t *w, const char *ns, const char *name,
                             const char **fresh)
{
    const char *prefix = *ns ? prefix_of(w, ns) : NULL;

    *fresh = NULL;
    if (apr_isdigit(*name)) {
        name = apr_psprintf(w->pool, "_x%04X_%s", (unsigned int)*name, name + 1);
    }
    if (*ns && !prefix) {
        prefix = *fresh = apr_psprintf(w->pool, "n%d", ++w->local);
    }
    return prefix ? apr_pstrcat(w->pool, prefix, ":", name, NULL) : name;
}

oc_xml_writer_t *oc_xml_writer(apr_pool_t *pool, const oc_xml_ns_t *known)
{
    oc_xml_writer_t *w = apr_pcalloc(pool, sizeof(*w));

    w->pool = pool;
    w->known = known;
    w->open = apr_array_make(pool, 8, sizeof(const char *));
    put(w, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    return w;
}

void oc_xml_start(oc_xml_writer_t *w, const char *ns, const char *name)
{
    const oc_xml_ns_t *k;
    const char *fresh, *q = qualified(w, ns, name, &fresh);

    close_tag(w);
    put(w, "<");
    put(w, q);
    if (w->open->nelts == 0) {
        for (k = w->known; k && k->prefix; ++k) {
            declare(w, k->prefix, k->uri);
        }
    }
    if (fresh) {
        declare(w, fresh, ns);
    }
    APR_ARRAY_PUSH(w->open, const char *) = q;
    w->in_tag = 1;
}

void oc_xml_attr(oc_xml_writer_t *w, const char *ns, const char *name, const char *value)
{
    const char *fresh, *q = qualified(w, ns, name, &fresh);

    if (fresh) {
        declare(w, fresh, ns);
    }
    put(w, " ");
    put(w, q);
    put(w, "=\"");
    put_escaped(w, value);
    put(w, "\"");
}

void oc_xml_text(oc_xml_writer_t *w, const char *text)
{
    close_tag(w);
    put_escaped(w, text);
}

void oc_xml_stop(oc_xml_writer_t *w)
{
    const char *name = *(const char **)apr_array_pop(w->open);

    if (w->in_tag) {
        put(w, "/>");
        w->in_tag = 0;
        return;
    }
    put(w, "</");
    put(w, name);
    put(w, ">");
}

void oc_xml_element(oc_xml_writer_t *w, const char *ns, const char *name, const char *text)
{
    oc_xml_start(w, ns, name);
    oc_xml_text(w, text);
    oc_xml_stop(w);
}

const char *oc_xml_finish(oc_xml_writer_t *w, apr_size_t *len)
{
    while (w->open->nelts > 0) {
        oc_xml_stop(w);
    }
    put(w, "\n");
    *len = w->len;
    return w->out;
}
