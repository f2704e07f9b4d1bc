/* filter.h - the output filter OWACAL, which fills the placeholders of a page that somebody else
 * makes. */
#ifndef OC_HTTPD_FILTER_H
#define OC_HTTPD_FILTER_H

#include <httpd.h>

/* From register_hooks. */
void oc_filter_register(void);
/* The headers of a page that shows something of ours: for this person, not to be kept, and nothing
 * that was said of the page without it. Before the first byte is sent. */
void oc_filter_headers(request_rec *r);

#endif
