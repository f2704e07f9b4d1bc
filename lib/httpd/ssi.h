/* ssi.h - the element <!--#owacal view="grid" room="boardroom" --> of mod_include. */
#ifndef OC_HTTPD_SSI_H
#define OC_HTTPD_SSI_H

#include <httpd.h>

/* httpd's post_config hook, after mod_include's: registers the element; without mod_include there
 * is nothing to do. */
int oc_ssi_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
