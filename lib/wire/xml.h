/* xml.h - XML in and out. xml.c is the only file that names libxml2.
 *
 * Reading: a push reader that is fed blocks as they arrive and walks a transition table: in this
 * state, on this element, go there; elements nobody named are skipped with all they contain. It
 * keeps the text of one element at a time, so its memory does not grow with the document. The state
 * belongs to the document; any thread, one at a time.
 *
 * What a reader never does: read a DTD (a DOCTYPE fails the document), expand entities beyond the
 * five of XML, open a file or a connection. Two kinds of damage that Exchange 2003 is known to send
 * are tolerated (Evolution Connector's notes, bug-xml): element names that begin with a digit
 * (<h:0x8218>) and references to control characters (&#x1;), which are left out. Names in the
 * server's own escape (_x0030_x8218) read the same. Everything else
 * that is not well-formed fails, a truncated document included.
 *
 * Text is UTF-8, whatever the document or its Content-Type declare: the server writes nothing else,
 * and a wrong declaration is a known fault. Bytes that are not UTF-8 fail.
 */
#ifndef OC_WIRE_XML_H
#define OC_WIRE_XML_H

#include "base/result.h"

/* ---- reading ---- */

#define OC_XML_ANY "*" /* as a row's ns or name: matches every one */

typedef enum oc_xml_flag_t {
    OC_XML_TEXT = 1 /* collect the character data that stands directly in this element */
} oc_xml_flag_t;

/* One transition. A table ends with a row whose name is NULL; its first matching row counts. */
typedef struct oc_xml_row_t {
    int state;        /* in this state (0 = outside the root element) */
    const char *ns;   /* namespace URI; "" = none */
    const char *name; /* local name; a leading digit is written as it is meant: "0x8218" */
    int next;         /* the state inside the element */
    int flags;
} oc_xml_row_t;

/* Where the document goes. Both are called for elements named by a row only; `state` is the state
 * inside the element. Strings are valid during the call. A status other than APR_SUCCESS ends the
 * reading: oc_xml_feed returns it. Either may be NULL. */
typedef struct oc_xml_sink_t {
    apr_status_t (*open)(void *baton, int state, const char *ns, const char *name);
    /* text: "" unless the row has OC_XML_TEXT; len bytes and a NUL. */
    apr_status_t (*close)(void *baton, int state, const char *ns, const char *name,
                          const char *text, apr_size_t len);
    void *baton;
} oc_xml_sink_t;

typedef struct oc_xml_limits_t {
    int depth;             /* of elements; 0 = 32 */
    int attributes;        /* of one element, namespace declarations not counted; 0 = 64.
                              (No reply read here says anything in attributes: they are dropped) */
    apr_size_t text;       /* bytes of one element's text; 0 = 1 MB */
    apr_size_t total;      /* bytes fed; 0 = 64 MB */
} oc_xml_limits_t;

typedef struct oc_xml_t oc_xml_t;

/* A reader for one document; freed with the pool, or by oc_xml_close. limits NULL: the defaults.
 * Never NULL. The parser comes with the first bytes, so one that waits for a reply costs 2 KB.
 * rows must outlive it. */
oc_xml_t *oc_xml_open(apr_pool_t *pool, const oc_xml_row_t *rows, const oc_xml_sink_t *sink,
                      const oc_xml_limits_t *limits);
/* The next block. Fails with UPSTREAM_PROTOCOL (or UPSTREAM_TOO_LARGE: a limit), saying why and at
 * which line, or with what the sink returned (`res` then only if the sink filled it). After a
 * failure every further call fails. */
apr_status_t oc_xml_feed(oc_xml_t *xml, const char *data, apr_size_t len, oc_result_t *res);
/* No more blocks: fails unless the document is complete. */
apr_status_t oc_xml_end(oc_xml_t *xml, oc_result_t *res);
void oc_xml_close(oc_xml_t *xml);

/* ---- writing ---- */

/* A writer for one document. Elements and attributes are named by namespace URI; all namespaces of
 * `known` are declared on the root element with their prefixes, others where they are used. Text
 * and values are escaped; characters XML 1.0 cannot hold, and bytes that are not UTF-8, become
 * U+FFFD. */
typedef struct oc_xml_ns_t {
    const char *prefix, *uri;
} oc_xml_ns_t;
typedef struct oc_xml_writer_t oc_xml_writer_t;

/* known: ends with a NULL prefix; must outlive the writer; NULL = none. */
oc_xml_writer_t *oc_xml_writer(apr_pool_t *pool, const oc_xml_ns_t *known);
/* ns "" = in no namespace. A name's leading digit is written as _xHHHH_, the server's own escape.
 */
void oc_xml_start(oc_xml_writer_t *w, const char *ns, const char *name);
/* Right after oc_xml_start only. */
void oc_xml_attr(oc_xml_writer_t *w, const char *ns, const char *name, const char *value);
void oc_xml_text(oc_xml_writer_t *w, const char *text);
void oc_xml_stop(oc_xml_writer_t *w); /* ends the element started last */
/* start, text, stop. */
void oc_xml_element(oc_xml_writer_t *w, const char *ns, const char *name, const char *text);
/* Ends what is open; the document, NUL-terminated, in the writer's pool. */
const char *oc_xml_finish(oc_xml_writer_t *w, apr_size_t *len);

#endif
