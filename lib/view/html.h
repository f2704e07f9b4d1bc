/* html.h - the escaping HTML writer: no angle brackets in strings anywhere else. One thread. */
#ifndef OC_VIEW_HTML_H
#define OC_VIEW_HTML_H

#include <apr_pools.h>

typedef struct oc_html_t oc_html_t;

oc_html_t *oc_html_create(apr_pool_t *pool);
/* <name a="b" ...>; attributes as name, value pairs up to NULL. A NULL value leaves the attribute
 * out;
 * "" writes it bare-valued. Elements without content (input, br, meta, link, hr) are not closed. */
void oc_html_open(oc_html_t *h, const char *name, ...) __attribute__((sentinel));
void oc_html_close(oc_html_t *h);                  /* the innermost open element */
void oc_html_text(oc_html_t *h, const char *text); /* NULL: nothing */
void oc_html_textf(oc_html_t *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A text whose {names} stand for others: each as text, or, where there is a datetime, as the
 * element time, or, where `foreign` is a class, as the element bdi: what other people wrote, which
 * may run in another direction. What an unknown name stands for is nothing. */
typedef struct oc_html_part_t {
    const char *name, *text, *datetime, *foreign;
} oc_html_part_t;
void oc_html_parts(oc_html_t *h, const char *text, const oc_html_part_t *parts, int count);
/* open, text, close in one */
void oc_html_element(oc_html_t *h, const char *name, const char *text, ...)
    __attribute__((sentinel));
/* "<!DOCTYPE html>" */
void oc_html_doctype(oc_html_t *h);
/* What oc_html_print() gave, in an element of that language. */
const char *oc_html_within(apr_pool_t *pool, const char *name, const char *lang, const char *html);
/* The text so far; closes whatever is open. */
const char *oc_html_print(oc_html_t *h);

#endif
