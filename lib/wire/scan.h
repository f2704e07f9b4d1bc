/* scan.h - finds placeholders in an HTML page without changing or keeping the page.
 *
 * A placeholder is an element with the attribute data-owacal: found by its start tag in the text,
 * ended by counting start and end tags of the same name. The scanner only looks: bytes are fed in
 * any chunking, events say at which offset of the whole input the content of a placeholder begins
 * and ends; the same page gives the same events however it is cut. Time is linear in the input,
 * memory constant, whatever the input is. Not seen at all is what stands in comments, doctype,
 * CDATA sections, attribute values, and in script, style, textarea, title, template, noscript,
 * iframe, xmp, noembed, noframes and plaintext. No I/O; one thread.
 */
#ifndef OC_WIRE_SCAN_H
#define OC_WIRE_SCAN_H

#include <apr_pools.h>
#include <apr_tables.h>

#define OC_SCAN_PLACEHOLDERS 50           /* of one page; further ones are not seen */
#define OC_SCAN_CONTENT      (64 * 1024)  /* bytes of a placeholder's own content */
#define OC_SCAN_ATTRIBUTES   4096         /* bytes of the data-* attributes of one, as written */

typedef enum oc_scan_what_t {
    OC_SCAN_BEGIN, /* `at`: just after the start tag; name, kind and attributes are set */
    OC_SCAN_END,   /* `at`: where its end tag begins */
    OC_SCAN_LOST   /* no end within the bounds, or at all: it is not a placeholder after all */
} oc_scan_what_t;

/* What was left alone, for one log line: bits of oc_scan_left(). */
typedef enum oc_scan_left_t {
    OC_SCAN_LEFT_MANY = 1,      /* more than OC_SCAN_PLACEHOLDERS */
    OC_SCAN_LEFT_ATTRIBUTES = 2, /* attributes too long, or too many */
    OC_SCAN_LEFT_CONTENT = 4,   /* content too long */
    OC_SCAN_LEFT_OPEN = 8       /* not closed before the page ended, or closed in its start tag */
} oc_scan_left_t;

typedef struct oc_scan_event_t {
    oc_scan_what_t what;
    apr_uint64_t at;        /* offset in all that was fed */
    const char *element;    /* BEGIN: lower case; static */
    const char *kind;       /* BEGIN: value of data-owacal */
    const apr_table_t *parameters; /* BEGIN: the other data-* attributes, without "data-", dashes
                             * as underscores, values unescaped; the first of a name counts */
} oc_scan_event_t;

typedef struct oc_scan_t oc_scan_t;
/* Called from within feed and end. The event's strings are in the scanner's pool. */
typedef void oc_scan_sink_t(void *baton, const oc_scan_event_t *event);

/* xml: 1 if the page is XHTML, where "/>" closes and names of entities are XML's. */
oc_scan_t *oc_scan_create(apr_pool_t *pool, int xml, oc_scan_sink_t *sink, void *baton);
void oc_scan_feed(oc_scan_t *s, const char *data, apr_size_t len);
void oc_scan_end(oc_scan_t *s);
unsigned int oc_scan_left(const oc_scan_t *s);
/* The page's language: lang of its html element, as written there; NULL if none was seen so far. */
const char *oc_scan_lang(const oc_scan_t *s);

#endif
