/* ssi.h - the element <!--#owacal view="grid" room="boardroom" --> of mod_include. */
#ifndef OC_HTTPD_SSI_H
#define OC_HTTPD_SSI_H

#include <httpd.h>

/* From register_hooks. */
void oc_ssi_register(void);
void oc_ssi_insert_filter(request_rec *r); /* httpd's insert_filter hook, last */
/* httpd's post_config hook, after mod_include's: registers the element; without mod_include there
 * is nothing to do. */
int oc_ssi_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
