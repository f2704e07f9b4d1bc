/* identify.h - the directives that say as whom a location acts: OwaCalIdentity and what it refers
 * to. Each mode's options are read by a function of its own; what needs the whole configuration, or
 * a file's content, is done by oc_config_check. Start-up only, parent.
 */
#ifndef OC_HTTPD_IDENTIFY_H
#define OC_HTTPD_IDENTIFY_H

#include "httpd/config.h"

/* OwaCalIdentity MODE [option=value ..]. */
const char *oc_identify_mode(cmd_parms *cmd, void *mconfig, int argc, char *const argv[]);
/* The mode's word in the configuration, "basic". */
const char *oc_identify_token(int mode);

#endif
