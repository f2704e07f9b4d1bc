/* hint.h - where a reply to an OWA command may say that the item it made stands. Pure. */
#ifndef OWA_HINT_H
#define OWA_HINT_H

#include <apr_tables.h>

/* URLs and paths (const char *, at most 8, as written but for character references) named by a page
 * or document, in the order in which they deserve belief: the text of an element with id
 * "itemHREF", <base href>, a form's action, a field named MsgID; of an XML document its first href
 * element. They are claims of the server's: check path and class before acting on one. */
apr_array_header_t *owa_hints(apr_pool_t *pool, const char *body, apr_size_t len, int xml);

/* The href of the page's one <base>; NULL: it has none, or several that differ. */
const char *owa_base(apr_pool_t *pool, const char *body, apr_size_t len);

#endif
