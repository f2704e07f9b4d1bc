/* person.c - the signed-in person and his credential. */
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_ssl.h>
#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "wire/words.h"
#include "httpd/person.h"
#include "httpd/relay.h"

APLOG_USE_MODULE(owacal);

/* "alice" of "EX\alice", "alice@REALM" and "alice". */
static const char *name_part(apr_pool_t *pool, const char *user)
{
    const char *backslash = strchr(user, '\\');
    const char *name = backslash ? backslash + 1 : user;

    return apr_pstrmemdup(pool, name, strcspn(name, "@"));
}

static int mailbox_ok(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 254 && !strpbrk(name, "/\\?#%") && !strstr(name, "..") &&
           strcmp(name, ".") != 0 && !oc_str_control(name, "") && oc_str_utf8(name, len);
}

apr_status_t oc_person_of(request_rec *r, const oc_dir_conf_t *conf, oc_person_t *person,
                          oc_result_t *res)
{
    const char *mailbox, *error = NULL;

    if (!r->user || !*r->user) {
        return oc_result_fail(res, OC_REASON_NOT_AUTHENTICATED,
                              "no user: protect the location with AuthType and Require valid-user");
    }
    if (r->main && (!r->main->user || strcmp(r->main->user, r->user) != 0)) {
        return oc_result_fail(res, OC_REASON_IDENTITY_MISMATCH,
                              "the subrequest's user differs from the "
                              "main request's");
    }
    if (strlen(r->user) > 512 || oc_str_control(r->user, "") ||
        !oc_str_utf8(r->user, strlen(r->user))) {
        return oc_result_fail(res, OC_REASON_NO_MAILBOX, "the user's name is not usable");
    }
    person->user = oc_str_lower(r->pool, r->user);
    if (conf->mailbox) {
        mailbox = ap_expr_str_exec(r, conf->mailbox, &error);
        if (error) {
            return oc_result_fail(res, OC_REASON_MISCONFIGURED, "OwaCalMailbox: %s", error);
        }
    } else {
        mailbox = oc_str_lower(r->pool, name_part(r->pool, r->user));
    }
    if (!mailbox || !mailbox_ok(mailbox)) {
        return oc_result_fail(res, OC_REASON_NO_MAILBOX, "\"%s\" gives no usable mailbox name",
                              oc_str_log(r->pool, r->user, 100));
    }
    person->mailbox = mailbox;
    return APR_SUCCESS;
}

/* A password may travel over TLS, or within this machine. */
static int front_protected(request_rec *r)
{
    conn_rec *c = r->connection->master ? r->connection->master : r->connection;

    return ap_ssl_conn_is_ssl(c) || oc_str_loopback(c->client_ip);
}

/* The header is the client's claim: it counts only if the login module verified that very name.
 * With a Kerberos realm check the module adds the realm. */
static int same_user(const char *header, const char *verified)
{
    size_t n = strlen(header);

    return strcmp(header, verified) == 0 ||
           (strncmp(header, verified, n) == 0 && verified[n] == '@');
}

static oc_identity_t *basic_identity(request_rec *r, const oc_dir_conf_t *conf,
                                     const oc_backend_t *backend, oc_call_t *call)
{
    const char *user = NULL, *password = NULL, *type = ap_auth_type(r);
    request_rec *top = r->main ? r->main : r;

    if (ap_get_basic_auth_components(r, &user, &password) != APR_SUCCESS || !user || !password ||
        !((r->ap_auth_type && strcasecmp(r->ap_auth_type, "Basic") == 0) ||
          (type && strcasecmp(type, "Basic") == 0))) {
        oc_result_fail(&call->result, OC_REASON_NO_CREDENTIAL,
                       "no password came with the request; "
                       "OwaCalIdentity basic needs a login by AuthType Basic");
        return NULL;
    }
    if (!same_user(user, r->user)) {
        oc_result_fail(&call->result, OC_REASON_IDENTITY_MISMATCH,
                       "the Authorization header names "
                       "somebody else than the login module verified");
        return NULL;
    }
    if (!front_protected(top)) {
        oc_result_fail(&call->result, OC_REASON_MISCONFIGURED,
                       "the password came over an unencrypted "
                       "connection; OwaCalIdentity basic needs TLS in front");
        return NULL;
    }
    if (conf->upstream != OC_UPSTREAM_NTLM && !oc_site_protected(backend->conf->site)) {
        oc_result_fail(&call->result, OC_REASON_MISCONFIGURED,
                       "the password would go to %s "
                       "unencrypted; use https:// or upstream=ntlm",
                       backend->conf->site->host);
        return NULL;
    }
    if (conf->domain && !strpbrk(user, "\\@")) {
        user = apr_pstrcat(r->pool, conf->domain, "\\", user, NULL);
    }
    return oc_identity_basic(call, (oc_upstream_t)conf->upstream, user, password);
}

oc_identity_t *oc_person_identity(request_rec *r, const oc_dir_conf_t *conf,
                                  const oc_backend_t *backend, oc_call_t *call)
{
    oc_identity_t *id = NULL;
    const char *ccache;

    switch (conf->identity) {
    case OC_IDENTITY_BASIC:
        id = basic_identity(r, conf, backend, call);
        break;
    case OC_IDENTITY_DELEGATED:
        /* Only what the login module put into this request; never the process's environment. */
        ccache = apr_table_get(r->subprocess_env, conf->ccache_variable);
        if (!ccache || !*ccache) {
            oc_result_fail(&call->result, OC_REASON_NO_CREDENTIAL,
                           "the login left no %s; check "
                           "GssapiDelegCcacheDir and that the browser may delegate",
                           conf->ccache_variable);
            return NULL;
        }
        id = oc_identity_delegated(call, ccache, r->user);
        break;
    case OC_IDENTITY_RELAY:
        id = oc_relay_identity(r, backend, call);
        break;
    default:
        oc_result_fail(&call->result, OC_REASON_MISCONFIGURED,
                       "this location has no OwaCalIdentity");
        return NULL;
    }
    if (id) {
        call->identity = oc_identity_key(id);
    } else if (call->result.reason == OC_REASON_OK) {
        oc_result_fail(&call->result, OC_REASON_INTERNAL, "no identity could be made");
    }
    return id;
}
