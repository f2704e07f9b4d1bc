/* login.c - see login.h. */
#include <string.h>
#include <strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_request.h>
#include <http_ssl.h>
#include <ap_provider.h>
#include <apr_strings.h>
#include <mod_auth.h>

#include "base/str.h"
#include "httpd/login.h"

/* Who answers for an AuthType; of two the one that is loaded. */
static const struct {
    const char *type, *module;
} answers[] = {
    {"Basic", "mod_auth_basic"},        {"Digest", "mod_auth_digest"},
    {"Form", "mod_auth_form"},          {"GSSAPI", "mod_auth_gssapi"},
    {"OwaCalNtlm", "mod_owacal"},       {"Kerberos", "mod_auth_kerb"},
    {"KerberosV5", "mod_auth_kerb"},    {"NTLM", "mod_auth_ntlm_winbind"},
    {"NTLM", "mod_authn_ntlm"},         {"SSPI", "mod_authnz_sspi"},
    {"SSPI", "mod_authn_ntlm"},         {"Negotiate", "mod_auth_ntlm_winbind"},
    {"openid-connect", "mod_auth_openidc"}, {"oauth20", "mod_auth_openidc"},
    {"auth-openidc", "mod_auth_openidc"},   {"oauth2", "mod_oauth2"},
    {"Mellon", "mod_auth_mellon"},      {"shibboleth", "mod_shib"},
    {"CAS", "mod_auth_cas"},            {"Bearer", "mod_auth_bearer"},
};

static int loaded(request_rec *r, const char *module)
{
    return ap_find_linked_module(apr_pstrcat(r->pool, module, ".c", NULL)) != NULL;
}

static const char *by_type(request_rec *r, const char *type)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); ++i) {
        if (strcasecmp(type, answers[i].type) == 0 && loaded(r, answers[i].module)) {
            return answers[i].module;
        }
    }
    return apr_psprintf(r->pool, "a module for AuthType %s", oc_str_log(r->pool, type, 40));
}

static int has_certificate(request_rec *r)
{
    conn_rec *c = r->connection->master ? r->connection->master : r->connection;
    const char *verified = ap_ssl_conn_is_ssl(c)
                               ? ap_ssl_var_lookup(r->pool, r->server, c, r, "SSL_CLIENT_VERIFY")
                               : NULL;

    return verified && strcmp(verified, "SUCCESS") == 0;
}

const char *oc_login_module(request_rec *r)
{
    const char *type = ap_auth_type(r), *module;
    int none = !type || strcasecmp(type, "None") == 0;

    if (has_certificate(r) && (none || !r->ap_auth_type)) {
        return "mod_ssl, by the client's certificate (SSLUserName)";
    }
    if (none) {
        return "a module that needs no AuthType";
    }
    module = by_type(r, type);
    if (r->ap_auth_type && strcasecmp(r->ap_auth_type, "Impersonate") == 0) {
        return apr_pstrcat(r->pool, module, ", then mod_auth_gssapi for him (GssapiImpersonate)",
                           NULL);
    }
    if (strcasecmp(type, "GSSAPI") == 0 && r->ap_auth_type
        && strcasecmp(r->ap_auth_type, "Basic") == 0) {
        return apr_pstrcat(r->pool, module, ", by a password (GssapiBasicAuth)", NULL);
    }
    if (strcasecmp(type, "Basic") == 0 && has_certificate(r) && r->user && strchr(r->user, '=')) {
        return "mod_ssl, by the client's certificate (FakeBasicAuth)";
    }
    return module;
}

const char *oc_login_providers(request_rec *r)
{
    const char *type = ap_auth_type(r), *text = NULL;
    const apr_array_header_t *names;

    if (!type || strcasecmp(type, "Basic") != 0) {
        return NULL;
    }
    names = ap_list_provider_names(r->pool, AUTHN_PROVIDER_GROUP, AUTHN_PROVIDER_VERSION);
    for (int i = 0; i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, ap_list_provider_names_t).provider_name;

        text = text ? apr_pstrcat(r->pool, text, ", ", name, NULL) : name;
    }
    return text;
}
