/* filter.h - the two ways into pages: the output filter OWACAL, which fills the placeholders of a
 * page that somebody else makes, and the element <!--#owacal --> of mod_include. */
#ifndef OC_HTTPD_FILTER_H
#define OC_HTTPD_FILTER_H

#include <apr_pools.h>

/* Registers the filter. From register_hooks. */
void oc_filter_register(void);
/* Registers the element, if mod_include is there. From a pre_config hook that runs after its. */
int oc_ssi_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

#endif
