/* login.h - which of Apache's modules has signed the person in. Request thread. */
#ifndef OC_HTTPD_LOGIN_H
#define OC_HTTPD_LOGIN_H

#include <httpd.h>

/* "mod_auth_gssapi", "mod_auth_basic, then mod_auth_gssapi for him (GssapiImpersonate)", ...:
 * httpd keeps no record of it, so it is told from the AuthType and from the modules loaded. In
 * r->pool; never NULL. */
const char *oc_login_module(request_rec *r);
/* What mod_auth_basic can ask on this server: "file, ldap". NULL unless AuthType is Basic. */
const char *oc_login_providers(request_rec *r);

#endif
