/* auth.c - HTTP authentication: Basic, NTLM bound to the connection, what mod_auth_gssapi in front
 * has verified, and a front that is trusted. See auth.h. */

#include "auth.h"

#include <string.h>

#include <apr_encode.h>
#include <apr_strings.h>

#include "inspect.h"
#include "ntlm.h"

#define TOKEN_MAX 16384         /* NTLM messages are below 3 KB, base64 included */

typedef struct {                /* sim_conn_t.auth: one thread at a time serves a connection */
    sim_ntlm_t ntlm;
    int challenged;             /* ntlm holds a challenge that waits for its answer */
    sim_mailbox_t *user;        /* whom this connection belongs to, once he has proved himself */
    sim_mailbox_t *before;      /* whose it was when the present NTLM handshake began */
} auth_conn_t;

int sim_auth_tls(const sim_req_t *q)
{
    return strcmp(ap_http_scheme(q->r), "https") == 0;
}

int sim_auth_equal(const char *a, const char *b)
{
    size_t n = strlen(a), i;
    unsigned diff = n != strlen(b);

    for (i = 0; i < n && !(diff && b[i] == '\0'); i++)
        diff |= (unsigned char)a[i] ^ (unsigned char)b[i];
    return diff == 0;
}

void sim_auth_reason(sim_req_t *q, const char *reason)
{
    if (reason)
        apr_table_setn(q->out.headers, "X-Sim-Auth", reason);
}

static int our_domain(const sim_req_t *q, const char *name)
{
    return strcasecmp(name, sim_setting(q->conf, "domain")) == 0
        || strcasecmp(name, sim_setting(q->conf, "dns-domain")) == 0;
}

sim_mailbox_t *sim_auth_user(const sim_req_t *q, const char *logon)
{
    const char *slash = strchr(logon, '\\');
    const char *at = strrchr(logon, '@');

    if (slash)
        return our_domain(q, apr_pstrmemdup(q->p, logon, slash - logon)) && !strchr(slash, '@')
            ? sim_mailbox_find(q->store, slash + 1) : NULL;
    if (at && strcasecmp(at + 1, sim_setting(q->conf, "dns-domain")) == 0)
        return sim_mailbox_find(q->store, apr_pstrmemdup(q->p, logon, at - logon));
    if (!at && sim_setting_is(q->conf, "default-domain", "no"))
        return NULL;
    return sim_mailbox_find(q->store, logon);
}

/* ---- schemes on offer ---- */

static const char *offer(const sim_req_t *q)
{
    const char *set = sim_setting(q->conf, "auth-offer");
    const char *mode = sim_setting(q->conf, "auth");

    if (*set)
        return set;
    return strcmp(mode, "basic") == 0 ? "Basic" : strcmp(mode, "ntlm") == 0 ? "NTLM"
        : strcmp(mode, "kerberos") == 0 ? "Negotiate" : "";
}

static int offered(const sim_req_t *q, const char *scheme)
{
    char *rest = apr_pstrdup(q->p, offer(q)), *last = NULL, *one;

    for (one = apr_strtok(rest, ", ", &last); one; one = apr_strtok(NULL, ", ", &last))
        if (strcasecmp(one, scheme) == 0)
            return 1;
    return 0;
}

void sim_auth_challenge(sim_req_t *q)
{
    char *rest = apr_pstrdup(q->p, offer(q)), *last = NULL, *one;

    apr_table_unset(q->out.headers, "WWW-Authenticate");
    for (one = apr_strtok(rest, ", ", &last); one; one = apr_strtok(NULL, ", ", &last)) {
        if (strcasecmp(one, "Basic") == 0)
            one = apr_psprintf(q->p, "Basic realm=\"%s\"", sim_setting(q->conf, "dns-domain"));
        apr_table_addn(q->out.headers, "WWW-Authenticate", one);
    }
}

static int is_submission(const sim_req_t *q)
{
    const char *path = sim_unescape(q->p, q->path);

    return path && ap_strcasestr(path, "/##DavMailSubmissionURI##");
}

static void inner_status(sim_req_t *q, const char *status)
{
    sim_answer(q, HTTP_MULTI_STATUS);
    q->out.type = "text/xml";
    sim_buf_puts(&q->out.body, "<?xml version=\"1.0\"?><a:multistatus xmlns:a=\"DAV:\"><a:response>"
                 "<a:href>");
    sim_buf_xml(&q->out.body, sim_href_path(q, q->path));
    sim_buf_printf(&q->out.body, "</a:href><a:status>HTTP/1.1 %s</a:status></a:response>"
                   "</a:multistatus>", status);
}

int sim_auth_refuse(sim_req_t *q, const char *reason)
{
    const char *method = q->r->method;

    if (sim_setting_is(q->conf, "auth", "forms"))
        return sim_forms_refuse(q, reason);
    /* Three requests that give no 401 to whoever sends no credentials at all (rule 14), seen by the
     * authors of Evolution's Exchange connector. */
    if (!apr_table_get(q->r->headers_in, "Authorization")
        && sim_setting_is(q->conf, "auth-odd", "yes")) {
        int odd = 1;

        if (strcmp(method, "POLL") == 0)
            inner_status(q, "409 Conflict");
        else if (strcmp(method, "BPROPPATCH") == 0)
            inner_status(q, "401 Unauthorized");
        else if (strcmp(method, "PUT") == 0 && is_submission(q))
            sim_page(q, HTTP_NOT_FOUND, "Not found", "The resource was not found.");
        else
            odd = 0;
        if (odd) {
            sim_wrong(q, 14, "%s without having logged on", method);
            return DONE;
        }
    }
    sim_page(q, HTTP_UNAUTHORIZED, "401 Unauthorized",
             "You are not authorized to view this page: access is denied due to invalid "
             "credentials.");
    sim_auth_reason(q, reason);
    return DONE;
}

/* ---- the schemes ---- */

/* As sim_auth_refuse, for credentials that were looked at: a server that locks accounts counts
 * these. */
static int refuse_logon(sim_req_t *q, const char *reason)
{
    sim_count(SIM_COUNT_LOGONS_REFUSED);
    return sim_auth_refuse(q, reason);
}

static auth_conn_t *conn_state(sim_req_t *q)
{
    if (!q->conn->auth)
        q->conn->auth = apr_pcalloc(q->r->connection->pool, sizeof(auth_conn_t));
    return q->conn->auth;
}

/* With connection-bound=yes the connection is this user's from now on. */
static int accept_user(sim_req_t *q, sim_mailbox_t *user, const char *means)
{
    q->user = user;
    q->user_name = user->name;
    q->means = means;
    if (sim_setting_is(q->conf, "connection-bound", "yes"))
        conn_state(q)->user = user;
    return OK;
}

/* The name and, if `password` is given, the password of Basic credentials; NULL if malformed. */
static const char *read_basic(sim_req_t *q, const char *token, const char **password)
{
    const char *plain = apr_pdecode_base64(q->p, token, APR_ENCODE_STRING, APR_ENCODE_NONE, NULL);
    const char *colon = plain ? strchr(plain, ':') : NULL;

    if (!colon)
        return NULL;
    if (password)
        *password = colon + 1;
    return apr_pstrmemdup(q->p, plain, colon - plain);
}

static int check_basic(sim_req_t *q, const char *token)
{
    const char *password, *name = read_basic(q, token, &password);
    sim_mailbox_t *user;

    sim_count(SIM_COUNT_LOGONS);
    if (!name)
        return refuse_logon(q, "malformed Basic credentials");
    user = sim_auth_user(q, name);
    if (!user)
        return refuse_logon(q, "Basic: no such user in this domain");
    if (!sim_auth_equal(password, user->password))
        return refuse_logon(q, "Basic: wrong password");
    return accept_user(q, user, "basic");
}

/* One leg of the handshake; `scheme` is NTLM, or Negotiate carrying NTLM, which Windows takes. */
static int check_ntlm(sim_req_t *q, const char *scheme, const char *token)
{
    auth_conn_t *c = conn_state(q);
    const char *wrong;
    const unsigned char *msg;
    apr_size_t len = 0;
    sim_ntlm_claim_t claim;
    int challenged = c->challenged;

    if (c->user)
        c->before = c->user;
    c->user = NULL;             /* a new handshake ends the old identity */
    c->challenged = 0;
    msg = strlen(token) > TOKEN_MAX ? NULL
        : apr_pdecode_base64_binary(q->p, token, APR_ENCODE_STRING, APR_ENCODE_NONE, &len);
    switch (msg ? sim_ntlm_message(msg, len) : 0) {
    case 1:
        msg = sim_ntlm_challenge(q->p, &c->ntlm, msg, len, sim_setting(q->conf, "domain"),
                                 sim_setting(q->conf, "dns-domain"), &len);
        if (!msg)
            return sim_auth_refuse(q, "malformed NTLM message 1");
        c->challenged = 1;
        sim_page(q, HTTP_UNAUTHORIZED, "401 Unauthorized", "Authentication goes on.");
        apr_table_setn(q->out.headers, "WWW-Authenticate",
                       apr_pstrcat(q->p, scheme, " ",
                                   apr_pencode_base64_binary(q->p, msg, len, APR_ENCODE_NONE, NULL),
                                   NULL));
        return DONE;
    case 3:
        sim_count(SIM_COUNT_LOGONS);
        if (!challenged) {
            sim_wrong(q, 11, "NTLM message 3 on a connection that got no challenge");
            return refuse_logon(q, "NTLM message 3 without a challenge on this connection");
        }
        if ((wrong = sim_ntlm_read(q->p, &c->ntlm, msg, len, &claim)) != NULL)
            return refuse_logon(q, apr_pstrcat(q->p, "NTLM: ", wrong, NULL));
        c->user = !*claim.domain
            || our_domain(q, claim.domain) ? sim_auth_user(q, claim.user) : NULL;
        if (!c->user)
            return refuse_logon(q, "NTLM: no such user in this domain");
        if (c->before && c->before != c->user)
            sim_count(SIM_COUNT_CREDENTIAL_DIFFERS);
        c->before = NULL;
        if (!sim_ntlm_verify(q->p, &c->ntlm, &claim, c->user->password)) {
            c->user = NULL;
            return refuse_logon(q, "NTLM: wrong password");
        }
        return accept_user(q, c->user, "ntlm");
    default:
        return sim_auth_refuse(q, "not an NTLM message");
    }
}

/* The mailbox of the account that somebody in front has verified: user or user@REALM. */
static sim_mailbox_t *account(const sim_req_t *q, const char *name)
{
    const char *at = strchr(name, '@');

    return sim_mailbox_find(q->store, at ? apr_pstrmemdup(q->p, name, at - name) : name);
}

static int accept_account(sim_req_t *q, const char *name, const char *means)
{
    sim_mailbox_t *user = account(q, name);

    sim_count(SIM_COUNT_LOGONS);
    if (user)
        return accept_user(q, user, means);
    sim_count(SIM_COUNT_LOGONS_REFUSED);
    q->user_name = apr_pstrdup(q->p, name);
    sim_page(q, HTTP_FORBIDDEN, "403 Forbidden", "This account has no mailbox here.");
    sim_auth_reason(q, apr_pstrcat(q->p, means, ": an account without a mailbox", NULL));
    return DONE;
}

/* A front that has verified the user says who he is, and proves by a secret that it is the one. */
static int check_trusted(sim_req_t *q)
{
    const char *secret = sim_setting(q->conf, "trusted-secret");
    const char *given = apr_table_get(q->r->headers_in, "X-Sim-Secret");
    const char *name = apr_table_get(q->r->headers_in, "X-Sim-User");

    if (!*secret || !given || !sim_auth_equal(given, secret))
        return sim_auth_refuse(q, "trusted: not the front with the secret");
    if (!name || !*name)
        return sim_auth_refuse(q, "trusted: the front names nobody");
    return accept_account(q, name, "trusted");
}

/* ---- a connection that belongs to somebody ---- */

/* 1 if the request bears credentials of another person than `owner`. NTLM's first message names
 * nobody: check_ntlm looks when the third comes. */
static int names_another(sim_req_t *q, const sim_mailbox_t *owner)
{
    const char *header = apr_table_get(q->r->headers_in, "Authorization");
    const char *scheme, *name;

    if (!header)
        return 0;
    scheme = ap_getword_white(q->p, &header);
    if (strcasecmp(scheme, "Basic") == 0) {
        name = read_basic(q, header, NULL);
        return name && sim_auth_user(q, name) != owner;
    }
    return sim_setting_is(q->conf, "auth", "kerberos") && q->r->user && *q->r->user
        && account(q, q->r->user) != owner;
}

static int is_ntlm(sim_req_t *q)
{
    const char *header = apr_table_get(q->r->headers_in, "Authorization");

    return header && ap_strcasestr(header, " TlRMTVNTU"); /* "NTLMSSP" */
}

/* As IIS with a connection on which somebody has proved himself: whatever the request bears, it is
 * his. A client that sends bob's credentials there acts as alice. */
static int accept_owner(sim_req_t *q, sim_mailbox_t *owner)
{
    if (names_another(q, owner))
        sim_count(SIM_COUNT_CREDENTIAL_DIFFERS);
    return accept_user(q, owner, "connection");
}

/* Announces the end of a connection that has carried its share (rule 11). */
static void limit_connection(sim_req_t *q)
{
    long limit = sim_setting_number(q->conf, "connection-requests");

    if (limit && q->conn->requests >= (unsigned long)limit)
        q->r->connection->keepalive = AP_CONN_CLOSE;
}

int sim_auth_check(sim_req_t *q)
{
    const char *header = apr_table_get(q->r->headers_in, "Authorization");
    auth_conn_t *c = q->conn->auth;
    const char *token;
    char *scheme;

    q->user = NULL;
    q->user_name = "";
    limit_connection(q);
    if (sim_setting_is(q->conf, "plain-http", "refuse") && !sim_auth_tls(q)) {
        sim_page(q, HTTP_FORBIDDEN, "403 Forbidden",
                 "This page must be viewed over a secure channel (SSL): use https.");
        return DONE;
    }
    if (sim_setting_is(q->conf, "auth", "none"))
        return OK;
    if (sim_setting_is(q->conf, "auth", "forms"))
        return sim_forms_check(q);
    if (sim_setting_is(q->conf, "auth", "trusted")) {
        int rc = check_trusted(q);

        if (rc == OK && names_another(q, q->user))
            sim_count(SIM_COUNT_CREDENTIAL_DIFFERS);
        return rc;
    }
    if (c && c->user && !is_ntlm(q)
        && (!header || sim_setting_is(q->conf, "connection-bound", "yes")))
        return accept_owner(q, c->user);
    if (sim_setting_is(q->conf, "auth", "kerberos") && q->r->user && *q->r->user)
        return accept_account(q, q->r->user, "kerberos");
    if (!header)
        return sim_auth_refuse(q, "no credentials");
    scheme = ap_getword_white(q->p, &header);
    token = header;
    if (!offered(q, scheme))
        return sim_auth_refuse(q, "a scheme that was not offered");
    if (strcasecmp(scheme, "Basic") == 0)
        return check_basic(q, token);
    if (strcasecmp(scheme, "NTLM") == 0)
        return check_ntlm(q, "NTLM", token);
    if (strcasecmp(scheme, "Negotiate") == 0)
        return check_ntlm(q, "Negotiate", token);
    return sim_auth_refuse(q, "a scheme this server does not know");
}

void sim_auth_expire(sim_req_t *q)
{
    auth_conn_t *c = q->conn->auth;

    if (c)
        memset(c, 0, sizeof(*c));
    sim_forms_expire(q);
    q->user = NULL;
    q->user_name = "";
    q->means = "-";
}
