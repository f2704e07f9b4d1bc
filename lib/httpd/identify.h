/* identify.h - the directives that say as whom a location acts: OwaCalIdentity and what it refers
 * to. Each mode's options are read by a function of its own; what needs the whole configuration, or
 * a file's content, is done by oc_config_check. Start-up only, parent.
 */
#ifndef OC_HTTPD_IDENTIFY_H
#define OC_HTTPD_IDENTIFY_H

#include "httpd/config.h"

/* OwaCalCredential NAME user=.. password=.. [option=value ..]; raw, for the sake of quotes behind
 * an equals sign. */
const char *oc_identify_credential(cmd_parms *cmd, void *mconfig, const char *args);
/* Parent, at every (re)start after the configuration was checked: read all passwords. At the first
 * start a failure ends it (!OK); at a restart it is logged, and the locations that need it answer
 * `misconfigured`, for the site's other pages must not go down with a vault that does not answer.
 */
int oc_identify_load(apr_pool_t *pconf, server_rec *s);

/* OwaCalIdentity MODE [option=value ..]. */
const char *oc_identify_mode(cmd_parms *cmd, void *mconfig, int argc, char *const argv[]);
/* OwaCalRealm REALM [domain=EX,EX2] [mail=example.com,..] [default]: auth/names.h. */
const char *oc_identify_realm(cmd_parms *cmd, void *dummy, int argc, char *const argv[]);
/* Of a server's merged list: NULL, or what contradicts what, and the later of the two lines. */
const char *oc_identify_realms_wrong(apr_pool_t *pool, const oc_server_conf_t *conf,
                                     const oc_use_t **where);
/* The mode's word in the configuration, "basic". */
const char *oc_identify_token(int mode);

#endif
