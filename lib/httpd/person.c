/* person.c - the signed-in person and his credential. */
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_ssl.h>
#include <apr_base64.h>
#include <apr_strings.h>

#include "auth/names.h"
#include "base/log.h"
#include "base/str.h"
#include "base/text.h"
#include "httpd/person.h"
#include "httpd/relay.h"
#include "wire/words.h"

APLOG_USE_MODULE(owacal);

#define HEADER_BYTES 65536 /* of an Authorization header we take apart */
#define LET_IN_NOTE  "owacal-let-in" /* in r->notes: login and authorization have passed */

/* ---- the Authorization header ---- */

/* What follows "Basic", if that is the scheme; else NULL. */
static const char *basic_part(const char *header)
{
    if (strncasecmp(header, "Basic", 5) != 0 || (header[5] != ' ' && header[5] != '\t')) {
        return NULL;
    }
    return header + 5 + strspn(header + 5, " \t");
}

/* Do several credentials stand in it? httpd joins headers of one name with commas. A comma also
 * stands between the parameters of one credential (Digest), but these are NAME=value. */
static int several(const char *header)
{
    const char *p = header;
    int quoted = 0;

    for (; *p; ++p) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (*p == '\\' && quoted && p[1]) {
            ++p;
        } else if (*p == ',' && !quoted) {
            const char *word = p + 1 + strspn(p + 1, " \t,");
            size_t n = strcspn(word, " \t,=\"");
            const char *after = word + n + strspn(word + n, " \t");

            if (n == 0 || *after != '=') {
                return 1;
            }
        }
    }
    return quoted; /* never closed: who knows where it ends */
}

/* "name:password" of a Basic header, wiped with the pool. httpd reads base64 up to the first
 * character that is none, and names up to the first NUL; somebody else might read on. So either is
 * an error: NULL, with res filled in. */
static char *basic_pair(apr_pool_t *pool, const char *coded, oc_result_t *res)
{
    size_t n = strspn(coded, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    size_t rest = n + strspn(coded + n, "=");
    int len;
    char *pair;

    if (coded[rest + strspn(coded + rest, " \t")] || rest > HEADER_BYTES || rest - n > 2) {
        oc_result_fail(res, OC_REASON_IDENTITY_MISMATCH,
                       "the Authorization header is not one piece of base64");
        return NULL;
    }
    pair = apr_pcalloc(pool, (apr_size_t)apr_base64_decode_len(coded) + 1);
    len = apr_base64_decode(pair, coded);
    if (len < 0 || strlen(pair) != (size_t)len) {
        oc_str_wipe(pair, len > 0 ? (apr_size_t)len : 0);
        oc_result_fail(res, OC_REASON_NO_MAILBOX,
                       "a NUL stands in the Authorization header: where it cuts the name, another "
                       "name is left");
        return NULL;
    }
    return pair;
}

typedef struct headers_t {
    int count;
    const char *value;
} headers_t;

static int count_header(void *baton, const char *name, const char *value)
{
    headers_t *headers = baton;

    (void)name;
    ++headers->count;
    headers->value = value;
    return 1;
}

/* Whatever the mode: a header that login module and we could read differently is refused. */
static apr_status_t check_authorization(request_rec *r, oc_result_t *res)
{
    headers_t found = {0, NULL};
    const char *coded;
    char *pair;

    apr_table_do(count_header, &found, r->headers_in, "Authorization", NULL);
    if (found.count > 1 || (found.value && several(found.value))) {
        return oc_result_fail(res, OC_REASON_IDENTITY_MISMATCH,
                              "the request carries more than one Authorization");
    }
    if (found.value && (coded = basic_part(found.value))) {
        if (!(pair = basic_pair(r->pool, coded, res))) {
            return APR_EGENERAL;
        }
        oc_str_wipe(pair, strlen(pair));
    }
    return APR_SUCCESS;
}

/* ---- a login that failed ---- */

int oc_person_fixups(request_rec *r)
{
    apr_table_setn(r->notes, LET_IN_NOTE, "");
    return DECLINED;
}

/* httpd gives the name of a request to whatever follows from it in the same place, without asking
 * the login module again: to its error page as well, though the name be one whose password was
 * wrong. A request that was not let in has not come as far as its fixups. */
static int let_in(const request_rec *r)
{
    for (;;) {
        if (!apr_table_get(r->notes, LET_IN_NOTE)) {
            return 0;
        }
        if (r->prev && r->prev->per_dir_config == r->per_dir_config) {
            r = r->prev;
        } else if (r->main && r->main->per_dir_config == r->per_dir_config) {
            r = r->main;
        } else {
            return 1;
        }
    }
}

/* ---- the person ---- */

/* Is that one of the rooms that the device may act in? */
static int of_device(const oc_dir_conf_t *conf, const oc_room_t *room)
{
    const apr_array_header_t *ids = conf->account->rooms;

    for (int i = 0; ids && i < ids->nelts; ++i) {
        if (strcmp(APR_ARRAY_IDX(ids, i, const char *), room->id) == 0) {
            return 1;
        }
    }
    return !ids;
}

int oc_person_mailbox_ok(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 254 && !strpbrk(name, "/\\?#%") && !strstr(name, "..") &&
           strcmp(name, ".") != 0 && !oc_str_control(name, "") && oc_str_utf8(name, len) &&
           !oc_text_unnameable(name);
}

/* The account's name, where it can mean that person only: "ana" of another realm is somebody else.
 * NULL: it takes the realm as well to name him. */
static const char *bare_name(const apr_array_header_t *realms, const oc_name_t *name)
{
    int is_default = !name->realm;

    for (int i = 0; i < realms->nelts && !is_default; ++i) {
        const oc_realm_t *realm = APR_ARRAY_IDX(realms, i, const oc_realm_t *);
        is_default = (realm->is_default || realms->nelts == 1)
                     && strcmp(realm->realm, name->realm) == 0;
    }
    return is_default ? name->account : NULL;
}

/* Is the mailbox that is named like his account surely his? Not where a directory may take two
 * spellings for one name ("ana.", "ána"): what those may is said in the actors file. */
static int plain_name(const char *account)
{
    return account && oc_words_name_ok(account) && account[strlen(account) - 1] != '.';
}

/* With a configured account it is not the calendar server that says who may act where, but we. */
static apr_status_t may_act(request_rec *r, const oc_dir_conf_t *conf, const oc_person_t *person,
                            const oc_name_t *name, oc_result_t *res)
{
    const oc_server_conf_t *server = oc_config_server(r->server);
    const apr_array_header_t *rooms = server->rooms;
    const char *bare = bare_name(server->realms, name);
    int may = 1;

    if (conf->identity == OC_IDENTITY_SERVICE) {
        may = oc_actors_may(conf->account->actors, person->user, plain_name(bare) ? bare : NULL,
                            person->mailbox)
              || (bare && oc_actors_may(conf->account->actors, bare, NULL, person->mailbox));
    } else if (conf->identity == OC_IDENTITY_DEVICE) {
        may = 0;
        for (int i = 0; i < rooms->nelts && !may; ++i) {
            const oc_room_t *room = APR_ARRAY_IDX(rooms, i, const oc_room_t *);
            may = strcasecmp(room->mailbox, person->mailbox) == 0 && of_device(conf, room);
        }
    }
    return may ? APR_SUCCESS
               : oc_result_fail(res, OC_REASON_MAILBOX_REFUSED,
                                "%s may not act in the mailbox %s here",
                                oc_str_log(r->pool, r->user, 100),
                                oc_str_log(r->pool, person->mailbox, 100));
}

/* The id came with the request, the mailbox comes from the configuration. */
static apr_status_t at_panel(const oc_dir_conf_t *conf, const oc_room_t *room, oc_person_t *person,
                             oc_result_t *res)
{
    if (conf->mailbox && strcasecmp(person->mailbox, room->mailbox) != 0) {
        return oc_result_fail(res, OC_REASON_MAILBOX_REFUSED,
                              "OwaCalMailbox of this location names another mailbox than %s",
                              room->mailbox);
    }
    person->mailbox = room->mailbox;
    person->alone = 1;
    return APR_SUCCESS;
}

apr_status_t oc_person_of(request_rec *r, const oc_dir_conf_t *conf, const oc_room_t *panel,
                          oc_person_t *person, oc_result_t *res)
{
    const char *mailbox, *error = NULL;
    oc_name_t name;

    if (!r->user || !*r->user) {
        return oc_result_fail(res, OC_REASON_NOT_AUTHENTICATED,
                              "no user: protect the location with AuthType and Require valid-user");
    }
    if (!let_in(r)) {
        return oc_result_fail(res, OC_REASON_NOT_AUTHENTICATED,
                              "the error page of a request that was not let in: nobody has "
                              "verified its user");
    }
    if (r->main && (!r->main->user || strcmp(r->main->user, r->user) != 0)) {
        return oc_result_fail(res, OC_REASON_IDENTITY_MISMATCH,
                              "the subrequest's user differs from the "
                              "main request's");
    }
    if (check_authorization(r, res) != APR_SUCCESS ||
        oc_name_of(r->pool, oc_config_server(r->server)->realms, r->user, &name, res) !=
            APR_SUCCESS) {
        return APR_EGENERAL;
    }
    person->user = name.canonical;
    person->account = name.account;
    person->principal = name.principal;
    mailbox = name.account;
    if (conf->mailbox) {
        mailbox = ap_expr_str_exec(r, conf->mailbox, &error);
        if (error) {
            return oc_result_fail(res, OC_REASON_MISCONFIGURED, "OwaCalMailbox: %s", error);
        }
    }
    if (!mailbox || !oc_person_mailbox_ok(mailbox)) {
        return oc_result_fail(res, OC_REASON_NO_MAILBOX, "\"%s\" gives no usable mailbox name",
                              oc_str_log(r->pool, r->user, 100));
    }
    person->mailbox = mailbox;
    person->alone = 0;
    if (panel && conf->identity == OC_IDENTITY_DEVICE &&
        at_panel(conf, panel, person, res) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    return may_act(r, conf, person, &name, res);
}

/* ---- the credential ---- */

/* A password may travel over TLS, or within this machine. */
static int front_protected(request_rec *r)
{
    conn_rec *c = r->connection->master ? r->connection->master : r->connection;

    return ap_ssl_conn_is_ssl(c) || oc_str_loopback(c->client_ip);
}

/* The header is the client's claim: it counts only if the login module verified that very person.
 * A bare "bob" is not bob@OTHER, unless OwaCalRealm says that bare names are OTHER's; and where
 * nothing is known of either's realm, nor is anything known of capitals. */
static int same_person(request_rec *r, const char *header, const oc_person_t *person)
{
    oc_result_t unsaid;
    oc_name_t claimed;

    oc_result_init(&unsaid, r->pool);
    if (oc_name_of(r->pool, oc_config_server(r->server)->realms, header, &claimed, &unsaid) !=
        APR_SUCCESS) {
        return 0;
    }
    return strcmp(claimed.canonical, person->user) == 0 &&
           (claimed.realm || strcmp(claimed.principal, person->principal) == 0);
}

static oc_identity_t *password_identity(request_rec *r, const oc_dir_conf_t *conf,
                                        const oc_person_t *person, const oc_backend_t *backend,
                                        oc_call_t *call, const char *user, const char *password)
{
    const char *type = ap_auth_type(r);
    request_rec *top = r->main ? r->main : r;

    if (!user ||
        !((r->ap_auth_type && strcasecmp(r->ap_auth_type, "Basic") == 0) ||
          (type && strcasecmp(type, "Basic") == 0))) {
        oc_result_fail(&call->result, OC_REASON_NO_CREDENTIAL,
                       "no password came with the request; "
                       "OwaCalIdentity basic needs a login by AuthType Basic");
        return NULL;
    }
    if (!same_person(r, user, person)) {
        oc_result_fail(&call->result, OC_REASON_IDENTITY_MISMATCH,
                       "the Authorization header names somebody else than the login module "
                       "verified, %s; if they are one person, say so by OwaCalRealm",
                       oc_str_log(call->pool, person->principal, 200));
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
    if (conf->domain && *conf->domain && !strpbrk(user, "\\@")) {
        user = apr_pstrcat(r->pool, conf->domain, "\\", user, NULL);
    }
    return oc_identity_basic(call, (oc_upstream_t)conf->upstream, user, password);
}

/* The decoded header is a copy that was made for us alone; the identity has its own, which is wiped
 * with the call. What httpd and its login module keep in the request's pool (the header itself,
 * mod_auth_basic's decoding) stays until that memory is used again: it is not ours. */
static oc_identity_t *basic_identity(request_rec *r, const oc_dir_conf_t *conf,
                                     const oc_person_t *person, const oc_backend_t *backend,
                                     oc_call_t *call)
{
    const char *user = NULL, *password = NULL;
    int found = ap_get_basic_auth_components(r, &user, &password) == APR_SUCCESS && user
                && password;
    oc_identity_t *id = password_identity(r, conf, person, backend, call, found ? user : NULL,
                                          password);

    if (password) {
        oc_str_wipe((char *)password, strlen(password));
    }
    return id;
}

/* One account for many: held to the mailbox that this request acts in, or to the device's rooms. */
static oc_identity_t *account_identity(request_rec *r, const oc_dir_conf_t *conf,
                                       const oc_person_t *person, const oc_backend_t *backend,
                                       oc_call_t *call)
{
    const oc_server_conf_t *server = oc_config_server(r->server);
    const oc_credential_t *c = oc_config_credential(server, conf->account->credential);
    apr_array_header_t *paths = apr_array_make(r->pool, 8, sizeof(const char *));
    oc_identity_t *id;

    if (!c || !backend->vt->home) {
        oc_result_fail(&call->result, OC_REASON_MISCONFIGURED, "no credential %s for this server",
                       conf->account->credential);
        return NULL;
    }
    if (c->upstream != OC_UPSTREAM_NTLM && !oc_site_protected(backend->conf->site)) {
        oc_result_fail(&call->result, OC_REASON_MISCONFIGURED,
                       "the password of the credential %s would go to %s unencrypted; use https:// "
                       "or upstream=ntlm",
                       c->name, backend->conf->site->host);
        return NULL;
    }
    id = oc_identity_account(call, (oc_identity_mode_t)conf->identity, c);
    if (!id) {
        return NULL;
    }
    APR_ARRAY_PUSH(paths, const char *) = backend->vt->home(backend, r->pool, call->mailbox);
    for (int i = 0;
         conf->identity == OC_IDENTITY_DEVICE && !person->alone && i < server->rooms->nelts; ++i) {
        const oc_room_t *room = APR_ARRAY_IDX(server->rooms, i, const oc_room_t *);
        if (of_device(conf, room)) {
            APR_ARRAY_PUSH(paths, const char *) =
                backend->vt->home(backend, r->pool, room->mailbox);
        }
    }
    oc_identity_confine(id, paths, backend->conf->public_path);
    return id;
}

/* Whatever module verified the person: the name is what it all rests on. */
static oc_identity_t *s4u_identity(const oc_dir_conf_t *conf, const oc_person_t *person,
                                   oc_call_t *call)
{
    return oc_identity_s4u(call, conf->keytab, person->principal);
}

oc_identity_t *oc_person_identity(request_rec *r, const oc_dir_conf_t *conf,
                                  const oc_person_t *person, const oc_backend_t *backend,
                                  oc_call_t *call)
{
    oc_identity_t *id = NULL;
    const char *ccache, *home;

    switch (conf->identity) {
    case OC_IDENTITY_BASIC:
        id = basic_identity(r, conf, person, backend, call);
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
        id = oc_identity_delegated(call, ccache, person->principal);
        break;
    case OC_IDENTITY_SERVICE:
    case OC_IDENTITY_DEVICE:
        id = account_identity(r, conf, person, backend, call);
        break;
    case OC_IDENTITY_S4U:
        id = s4u_identity(conf, person, call);
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
        home = call->mailbox;
        if (conf->identity == OC_IDENTITY_SERVICE || conf->identity == OC_IDENTITY_DEVICE) {
            const oc_server_conf_t *server = oc_config_server(r->server);
            /* What is remembered stays apart by person, though connections do not. */
            call->identity = apr_pstrcat(call->pool, call->identity, " for ", call->user, NULL);
            home = oc_config_credential(server, conf->account->credential)->mailbox;
        }
        if (backend->vt->home) { /* where a login is proved before anything else is asked */
            oc_identity_home(id, backend->vt->home(backend, call->pool, home));
        }
    } else if (call->result.reason == OC_REASON_OK) {
        oc_result_fail(&call->result, OC_REASON_INTERNAL, "no identity could be made");
    }
    return id;
}
