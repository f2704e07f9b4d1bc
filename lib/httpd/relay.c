/* relay.c - AuthType OwaCalNtlm; see relay.h.
 *
 * State of a client connection:
 *
 *   NOBODY -- message 1 --> CHALLENGED -- message 3, accepted --> SIGNED_IN
 *      ^---- refused, an error, the upstream connection gone, anything out of turn ----'
 *
 * Every message 1 begins anew, with a new upstream connection. What stands in a message is a claim;
 * who somebody is, is what the calendar server shows to him.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

#include "auth/refusals.h"
#include "auth/relay.h"
#include "base/log.h"
#include "base/str.h"
#include "httpd/relay.h"
#include "httpd/request.h"
#include "net/pin.h"

APLOG_USE_MODULE(owacal);

#define AUTH_TYPE "OwaCalNtlm"
#define PROXY_NOTE "owacal-relay-proxied" /* in r->notes: the header that gave a proxy away */

/* Sign in again before the calendar server closes the connection (net: pin_idle), and after ten
 * minutes in any case: the browser does it without asking anybody. */
#define IDLE_MAX apr_time_from_sec(90)
#define LIFE_MAX apr_time_from_sec(600)
/* Logins that may fail: on one client connection, and from one address under one name. */
#define FAILURES_MAX 3
#define ATTEMPTS_MAX 5
#define ATTEMPTS_FOR apr_time_from_sec(300)
#define KEY_BYTES    40
#define NAME_BYTES   256

typedef enum phase_t { NOBODY, CHALLENGED, SIGNED_IN } phase_t;

/* In the client connection's pool; its requests come one after the other. */
typedef struct login_t {
    phase_t phase;
    oc_pin_t *pin; /* held; NULL in NOBODY */
    const oc_backend_t *backend;
    oc_mono_t since;
    int failures;
    char key[KEY_BYTES];   /* of the identity: random, for this login alone */
    char user[NAME_BYTES]; /* SIGNED_IN: the mailbox, in lower case */
} login_t;

static int in_use;

void oc_relay_in_use(void)
{
    in_use = 1;
}

/* ---- the connection's login ---- */

static void end_login(login_t *login)
{
    login->phase = NOBODY;
    if (login->pin) {
        oc_pin_release(login->pin);
        oc_pin_drop(login->pin);
        login->pin = NULL;
    }
}

/* The client's connection goes. Net may have gone before it; the pin knows. */
static apr_status_t login_cleanup(void *data)
{
    end_login(data);
    return APR_SUCCESS;
}

static login_t *login_of(conn_rec *c, int make)
{
    login_t *login = ap_get_module_config(c->conn_config, &owacal_module);

    if (!login && make) {
        login = apr_pcalloc(c->pool, sizeof(*login));
        ap_set_module_config(c->conn_config, &owacal_module, login);
        apr_pool_cleanup_register(c->pool, login, login_cleanup, apr_pool_cleanup_null);
    }
    return login;
}

int oc_relay_pre_close(conn_rec *c)
{
    login_t *login = login_of(c, 0);

    if (login) {
        end_login(login);
    }
    return OK;
}

static int signed_in(login_t *login, const oc_backend_t *backend)
{
    if (login->phase != SIGNED_IN) {
        return 0;
    }
    if (!oc_pin_alive(login->pin, IDLE_MAX) || oc_clock_mono() - login->since > LIFE_MAX) {
        end_login(login);
        return 0;
    }
    return login->backend == backend;
}

/* ---- what is refused ---- */

static int proxy_header(void *baton, const char *name, const char *value)
{
    static const char *const names[] = {"Forwarded",      "Via",         "X-Real-IP",
                                        "True-Client-IP", "X-Client-IP", "CF-Connecting-IP"};
    size_t i;

    (void)value;
    if (strncasecmp(name, "X-Forwarded-", 12) == 0) {
        *(const char **)baton = name;
        return 0;
    }
    for (i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        if (strcasecmp(name, names[i]) == 0) {
            *(const char **)baton = name;
            return 0;
        }
    }
    return 1;
}

int oc_relay_post_read_request(request_rec *r)
{
    const char *found = NULL;

    if (in_use) {
        apr_table_do(proxy_header, &found, r->headers_in, NULL);
        if (found) {
            apr_table_set(r->notes, PROXY_NOTE, found);
        }
    }
    return DECLINED;
}

/* Why this request cannot take part in a login, for the log; NULL: it can. Two people must never
 * share one client connection, nor one request be taken for two. */
static const char *unfit(request_rec *r)
{
    const char *header = apr_table_get(r->notes, PROXY_NOTE);

    if (header) {
        return apr_psprintf(r->pool, "it came through a proxy (%s), whose connections are shared",
                            oc_str_log(r->pool, header, 40));
    }
    if (r->proxyreq != PROXYREQ_NONE) {
        return "it is a proxy's request";
    }
    if (strcmp(r->useragent_ip, r->connection->client_ip) != 0) {
        return "it came through a proxy (mod_remoteip), whose connections are shared";
    }
    if (apr_table_get(r->headers_in, "Transfer-Encoding")) {
        /* httpd has taken a Content-Length beside it away by now. */
        return "its body has a Transfer-Encoding; only Content-Length is clear beyond doubt";
    }
    if (r->proto_num < HTTP_VERSION(1, 1)) {
        return "it is not HTTP/1.1, whose connections stay open";
    }
    return NULL;
}

/* A problem from here, with the reason, as the handler would send it; the connection ends. */
static int problem(request_rec *r, const oc_result_t *res, const char *op)
{
    oc_request_t q;

    oc_log(oc_reason_loglevel(res->reason), 0, op,
           OC_LOGID(0580) "relayed login of %s at %s: %s (%s)",
           r->connection->client_ip, oc_str_log(r->pool, r->uri, 200),
           oc_reason_token(res->reason), res->detail ? res->detail : "");
    r->connection->keepalive = AP_CONN_CLOSE;
    if (!ap_is_initial_req(r)) {
        return oc_reason_http(res->reason);
    }
    (void)oc_request_open(&q, r); /* cannot succeed: nobody is signed in */
    q.result = *res;
    q.view.op_id = op;
    oc_request_problem(&q, NULL, "", NULL, NULL);
    return DONE;
}

static int refuse(request_rec *r, oc_reason_t reason, const char *detail)
{
    oc_result_t res;

    oc_result_init(&res, r->pool);
    oc_result_fail(&res, reason, "%s", detail);
    return problem(r, &res, NULL);
}

/* ---- 401 ---- */

/* A login takes two more requests on this connection. */
static int has_room(const request_rec *r)
{
    int max = r->server->keep_alive_max;

    return max == 0 || r->connection->keepalives + 3 < max;
}

static int offer(request_rec *r, const char *challenge)
{
    apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                   challenge ? apr_pstrcat(r->pool, "NTLM ", challenge, NULL) : "NTLM");
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (!challenge && !has_room(r)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    return HTTP_UNAUTHORIZED;
}

/* What came is not a login: there was no traffic upstream for it. */
static int offer_again(request_rec *r, login_t *login, const char *why)
{
    oc_log(OC_LOG_INFO, 0, NULL, OC_LOGID(0581) "relayed login of %s: %s",
           r->connection->client_ip, why);
    end_login(login);
    if (++login->failures >= FAILURES_MAX) {
        return refuse(r, OC_REASON_RELAY_REFUSED, "too many failed logins on one connection");
    }
    return offer(r, NULL);
}

/* ---- passing on ---- */

/* A call keeps the pin for as long as it lives. */
static apr_status_t unhold(void *pin)
{
    oc_pin_drop(pin);
    return APR_SUCCESS;
}

/* What came of a leg, in the request's pool. */
typedef struct answer_t {
    oc_result_t res;
    const char *op;
    const char *challenge, *user;
    int refused;
} answer_t;

static void read_leg(request_rec *r, const login_t *login, int type, const oc_relay_leg_t *leg,
                     answer_t *a)
{
    const oc_backend_t *be = login->backend;

    a->refused = leg->refused;
    if (a->res.reason != OC_REASON_OK) {
        return;
    }
    if (!oc_pin_alive(login->pin, 0)) {
        oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL,
                       "the calendar server closed the connection in the middle of the login; "
                       "it must keep connections open");
    } else if (type == 1) {
        a->challenge = apr_pstrdup(r->pool, leg->challenge);
    } else {
        a->user = be->vt->whose(be, r->pool, leg->page ? leg->page : "", leg->page_len);
        if (!a->user || strlen(a->user) >= NAME_BYTES) {
            oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL,
                           "the page at %s does not say whose mailbox it is", be->conf->path);
        }
    }
}

static void run_leg(request_rec *r, login_t *login, int type, const char *token, answer_t *a)
{
    const oc_server_conf_t *conf = oc_config_server(r->server);
    const oc_backend_conf_t *be = login->backend->conf;
    oc_child_t *child = oc_child();
    oc_relay_leg_t *leg;
    oc_wait_t wait;
    oc_call_t *call;
    oc_job_t *job;

    oc_result_init(&a->res, r->pool);
    call = child ? oc_call_create(login->key, "-", login->key) : NULL;
    if (!call) {
        oc_result_fail(&a->res, OC_REASON_INTERNAL, "out of memory, or the child is stopping");
        return;
    }
    a->op = apr_pstrdup(r->pool, call->id);
    oc_pin_hold(login->pin);
    apr_pool_cleanup_register(call->pool, login->pin, unhold, apr_pool_cleanup_null);
    job = oc_relay_login(call, login->pin, login->key, be->site, be->path, type, token, conf->step,
                         &leg);
    oc_wait_job(child, call, job, conf->step, r->pool, &wait);
    oc_result_copy(&a->res, &wait.result, r->pool);
    if (wait.call) {
        read_leg(r, login, type, leg, a);
        oc_call_destroy(call);
    }
}

/* Which of this address's attempts under that name the next one is: ATTEMPTS_MAX if there may be no
 * more. `mac` is its mark, shared by all children. */
static int attempt(request_rec *r, const login_t *login, const char *claim,
                   unsigned char mac[OC_HMAC_SIZE])
{
    oc_shared_t *shared = oc_child_shared();
    int n;

    for (n = 0; n < ATTEMPTS_MAX; ++n) {
        const char *strings[] = {"relay", login->backend->conf->name, r->connection->client_ip,
                                 claim, apr_itoa(r->pool, n)};

        if (oc_crypto_hmac(mac, shared->secret, 0, strings, 5) != APR_SUCCESS) {
            return ATTEMPTS_MAX;
        }
        if (oc_refusals_look(shared->refusals, mac, 0) != OC_MARK_REFUSED) {
            return n;
        }
    }
    return n;
}

/* Message 1: a new login, with an upstream connection of its own. */
static int begin(request_rec *r, login_t *login, const oc_backend_t *be, const char *token)
{
    unsigned char random[16];
    answer_t a = {0};

    end_login(login);
    if (oc_crypto_random(random, sizeof(random)) != APR_SUCCESS || !oc_child()) {
        return refuse(r, OC_REASON_INTERNAL, "no random numbers, or no threads");
    }
    apr_snprintf(login->key, KEY_BYTES, "relay:%s", oc_str_hex(r->pool, random, sizeof(random)));
    login->pin = oc_net_pin(oc_child_net(oc_child()));
    login->backend = be;
    if (!login->pin) {
        return refuse(r, OC_REASON_BUSY, "too many relayed logins stand in this child (OwaCalLimit "
                                        "relayed=)");
    }
    run_leg(r, login, 1, token, &a);
    if (a.res.reason != OC_REASON_OK) {
        end_login(login);
        return problem(r, &a.res, a.op);
    }
    login->phase = CHALLENGED;
    return offer(r, a.challenge);
}

/* Message 3: the answer to the challenge; sent on once. */
static int finish(request_rec *r, login_t *login, const char *token)
{
    const char *claim = oc_relay_claim(r->pool, token);
    unsigned char mac[OC_HMAC_SIZE];
    answer_t a = {0};

    if (!claim) {
        return offer_again(r, login, "message 3 names nobody");
    }
    if (attempt(r, login, claim, mac) == ATTEMPTS_MAX) {
        end_login(login);
        return refuse(r, OC_REASON_RELAY_REFUSED,
                      "too many failed logins under that name; wait five minutes");
    }
    run_leg(r, login, 3, token, &a);
    if (a.refused) {
        oc_refusals_refuse(oc_child_shared()->refusals, mac, oc_clock_mono() + ATTEMPTS_FOR);
        return offer_again(r, login, apr_psprintf(r->pool, "refused by the calendar server as %s",
                                                  oc_str_log(r->pool, claim, 80)));
    }
    if (a.res.reason != OC_REASON_OK) {
        end_login(login);
        return problem(r, &a.res, a.op);
    }
    login->phase = SIGNED_IN;
    login->since = oc_clock_mono();
    login->failures = 0;
    apr_cpystrn(login->user, oc_str_lower(r->pool, a.user), NAME_BYTES);
    oc_pin_proven(login->pin);
    oc_log(OC_LOG_INFO, 0, a.op, OC_LOGID(0582) "relayed login: %s from %s",
           oc_str_log(r->pool, login->user, 200), r->connection->client_ip);
    return OK;
}

/* ---- who is asking ---- */

static int is_user(request_rec *r, const char *user)
{
    r->user = apr_pstrdup(r->pool, user);
    r->ap_auth_type = AUTH_TYPE;
    return OK;
}

/* Part of another request: as whoever that runs. It never begins a login, nor ends one. */
static int inherit(request_rec *r)
{
    const request_rec *top = r;

    while (top->prev || top->main) {
        top = top->prev ? top->prev : top->main;
    }
    if (!top->user || !top->ap_auth_type || strcmp(top->ap_auth_type, AUTH_TYPE) != 0) {
        /* An error page of the request that got 401 keeps that request's headers. */
        return r->prev && !r->main ? HTTP_UNAUTHORIZED : HTTP_FORBIDDEN;
    }
    return is_user(r, top->user);
}

static int sign_in(request_rec *r, const oc_backend_t *be)
{
    const char *header = apr_table_get(r->headers_in, "Authorization"), *token;
    login_t *login = login_of(r->connection, 1);
    int rv;

    if (!header) {
        return signed_in(login, be) ? is_user(r, login->user) : offer(r, NULL);
    }
    switch (oc_relay_message(header, &token)) {
    case 1:
        return begin(r, login, be, token);
    case 3:
        if (login->phase != CHALLENGED || login->backend != be) {
            return offer_again(r, login, "message 3 without message 1");
        }
        rv = finish(r, login, token);
        return rv == OK ? is_user(r, login->user) : rv;
    default:
        return offer_again(r, login, "what came is not an NTLM login");
    }
}

int oc_relay_check_authn(request_rec *r)
{
    const oc_server_conf_t *conf = oc_config_server(r->server);
    const char *type = ap_auth_type(r), *why;
    const oc_dir_conf_t *dir;
    const oc_backend_t *be;

    if (!type || strcasecmp(type, AUTH_TYPE) != 0) {
        return DECLINED;
    }
    dir = oc_config_dir(r);
    be = dir->use ? oc_config_backend(conf, dir->use) : NULL;
    if (dir->identity != OC_IDENTITY_RELAY || !be || !be->vt->whose) {
        return refuse(r, OC_REASON_MISCONFIGURED,
                      "AuthType OwaCalNtlm needs OwaCalUse and OwaCalIdentity relay in the same "
                      "place");
    }
    if (!r->server->keep_alive || (r->server->keep_alive_max && r->server->keep_alive_max < 4)) {
        return refuse(r, OC_REASON_MISCONFIGURED,
                      "AuthType OwaCalNtlm needs KeepAlive On and MaxKeepAliveRequests 100 or so: "
                      "an NTLM login takes three requests on one connection");
    }
    if (!ap_is_initial_req(r)) {
        return inherit(r);
    }
    if (r->connection->master) {
        /* mod_http2 makes of it what tells the browser to come again with HTTP/1.1. */
        apr_table_setn(r->notes, "ssl-renegotiate-forbidden", "relayed login");
        oc_log(OC_LOG_INFO, 0, NULL,
               OC_LOGID(0583) "relayed login of %s: HTTP/2 carries many requests at once on one "
                              "connection; told to use HTTP/1.1",
               r->connection->client_ip);
        return HTTP_FORBIDDEN;
    }
    why = unfit(r);
    return why ? refuse(r, OC_REASON_RELAY_REFUSED, why) : sign_in(r, be);
}

/* ---- acting ---- */

typedef struct stay_t {
    oc_pin_t *pin;
    const oc_call_t *call;
} stay_t;

/* The end of a call, on whatever thread. */
static apr_status_t stay_cleanup(void *data)
{
    stay_t *stay = data;

    if (stay->call->result.reason == OC_REASON_CREDENTIAL_EXPIRED) {
        oc_pin_release(stay->pin); /* the next request has to sign in */
    }
    oc_pin_drop(stay->pin);
    return APR_SUCCESS;
}

oc_identity_t *oc_relay_identity(request_rec *r, const oc_backend_t *backend, oc_call_t *call)
{
    const char *type = ap_auth_type(r);
    login_t *login = login_of(r->connection, 0);
    stay_t *stay;

    if (!type || strcasecmp(type, AUTH_TYPE) != 0 || !r->ap_auth_type
        || strcmp(r->ap_auth_type, AUTH_TYPE) != 0) {
        oc_result_fail(&call->result, OC_REASON_MISCONFIGURED,
                       "OwaCalIdentity relay needs AuthType OwaCalNtlm in the same place");
        return NULL;
    }
    if (!login || login->phase != SIGNED_IN) {
        oc_result_fail(&call->result, OC_REASON_CREDENTIAL_EXPIRED,
                       "the login of this connection is over: sign in again");
        return NULL;
    }
    if (login->backend != backend || strcmp(login->user, r->user) != 0) {
        oc_result_fail(&call->result, OC_REASON_IDENTITY_MISMATCH,
                       "somebody else has signed in on this connection, or to another server");
        return NULL;
    }
    stay = apr_palloc(call->pool, sizeof(*stay));
    stay->pin = login->pin;
    stay->call = call;
    oc_pin_hold(stay->pin);
    apr_pool_cleanup_register(call->pool, stay, stay_cleanup, apr_pool_cleanup_null);
    return oc_identity_relay(call, login->pin, login->key, login->user);
}
