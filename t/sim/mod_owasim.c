/* mod_owasim: an Exchange 2000/2003 to test against. Module record, directives, hooks and dispatch;
 * the contracts are in sim.h. */
#include "sim.h"
#include "inspect.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_connection.h>
#include <http_request.h>
#include <string.h>

static sim_conf_t conf;
static apr_uint32_t request_count, connection_count;
static unsigned *children; /* how many were started since configuration; shared with the parent */

/* ---- directives ---- */

static const char *cmd_on(cmd_parms *cmd, void *dummy, int on)
{
    (void)cmd;
    (void)dummy;
    conf.enabled = on;
    return NULL;
}

static const char *cmd_users(cmd_parms *cmd, void *dummy, const char *file)
{
    (void)dummy;
    conf.users_file = ap_server_root_relative(cmd->pool, file);
    return conf.users_file ? NULL : apr_psprintf(cmd->pool, "OwaSimUsers: bad path \"%s\"", file);
}

static const char *cmd_set(cmd_parms *cmd, void *dummy, const char *name, const char *value)
{
    const char *wrong = sim_setting_set(cmd->pool, &conf, name, value);

    (void)dummy;
    return wrong ? apr_pstrcat(cmd->pool, "OwaSimSet: ", wrong, NULL) : NULL;
}

static const char *cmd_fault(cmd_parms *cmd, void *dummy, const char *spec)
{
    const char *wrong = sim_fault_add(cmd->pool, spec);

    (void)dummy;
    return wrong ? apr_pstrcat(cmd->pool, "OwaSimFault: ", wrong, NULL) : NULL;
}

static const command_rec directives[] = {
    AP_INIT_FLAG("OwaSim", cmd_on, NULL, RSRC_CONF, "On: this server is an Exchange simulator"),
    AP_INIT_TAKE1("OwaSimUsers", cmd_users, NULL, RSRC_CONF, "users file; default: six users"),
    AP_INIT_TAKE2("OwaSimSet", cmd_set, NULL, RSRC_CONF, "name and value of a switch"),
    AP_INIT_TAKE1("OwaSimFault", cmd_fault, NULL, RSRC_CONF, "a fault from the start"),
    {NULL, {NULL}, NULL, 0, 0, NULL}};

/* ---- a request ---- */

/* The path as sent, still encoded: r->uri is decoded by now, and the target may be absolute. */
static const char *raw_path(sim_req_t *q)
{
    const char *uri = q->r->unparsed_uri, *slashes;
    apr_size_t n;

    if (*uri != '/' && (slashes = strstr(uri, "://")) != NULL) {
        uri = slashes + 3 + strcspn(slashes + 3, "/?#");
    }
    n = strcspn(uri, "?#"); /* a raw # ends the path: what follows is lost (rule 5) */
    if (uri[n] == '#') {
        sim_wrong(q, 5, "a raw # in the request line; it is written %%23");
    }
    return n ? apr_pstrmemdup(q->p, uri, n) : "/";
}

static int read_body(sim_req_t *q)
{
    request_rec *r = q->r;
    sim_buf_t *body = apr_palloc(q->p, sizeof(*body));
    char chunk[8192];
    long n = 0;
    int rc;

    sim_buf_init(q->p, body);
    sim_buf_add(body, "", 0);
    rc = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);
    if (rc != OK) {
        return rc;
    }
    if (ap_should_client_block(r)) {
        while ((n = ap_get_client_block(r, chunk, sizeof(chunk))) > 0) {
            if (body->len + (apr_size_t)n > SIM_BODY_MAX) {
                return HTTP_REQUEST_ENTITY_TOO_LARGE;
            }
            sim_buf_add(body, chunk, (apr_size_t)n);
        }
        if (n < 0) {
            return HTTP_BAD_REQUEST;
        }
    }
    q->body = body->data;
    q->body_len = body->len;
    return OK;
}

static int header_is_t(request_rec *r, const char *name, char want)
{
    const char *v = apr_table_get(r->headers_in, name);

    return v && (*v | 32) == want;
}

static int not_implemented(sim_req_t *q)
{
    return sim_answer(q, HTTP_NOT_IMPLEMENTED);
}

static int dispatch(sim_req_t *q)
{
    static const struct {
        const char *method;
        int (*run)(sim_req_t *);
    } verbs[] = {
        {"GET", sim_do_get},           {"HEAD", sim_do_get},        {"POST", sim_do_post},
        {"PUT", sim_do_put},           {"PROPFIND", sim_do_propfind},
        {"BPROPFIND", sim_do_propfind}, {"PROPPATCH", sim_do_proppatch},
        {"BPROPPATCH", sim_do_proppatch}, {"SEARCH", sim_do_search},
        {"MKCOL", sim_do_mkcol},       {"DELETE", sim_do_delete},   {"BDELETE", sim_do_delete},
        {"MOVE", sim_do_copymove},     {"COPY", sim_do_copymove},   {"BMOVE", sim_do_copymove},
        {"BCOPY", sim_do_copymove},    {"OPTIONS", sim_do_options},
    };
    int (*run)(sim_req_t *) = not_implemented;
    size_t i;

    for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].method, q->r->method) == 0) {
            run = verbs[i].run;
        }
    }
    return run(q);
}

/* Everything but the mail system's own reply header. */
static void run(sim_req_t *q)
{
    int rc = sim_auth_check(q);

    if (rc == OK) {
        sim_run_due(q->store);
        rc = sim_fault_request(q);
    }
    if (rc == OK) {
        rc = dispatch(q);
    }
    if (rc != OK && rc != DONE) {
        sim_answer(q, rc);
    }
}

static sim_req_t *request_new(request_rec *r)
{
    sim_req_t *q = apr_pcalloc(r->pool, sizeof(*q));
    const char *ua = apr_table_get(r->headers_in, "User-Agent");
    const char *op = apr_table_get(r->headers_in, "X-Request-Id");

    q->r = r;
    q->p = r->pool;
    q->conf = &conf;
    q->store = conf.store;
    q->conn = ap_get_module_config(r->connection->conn_config, &owasim_module);
    q->id = apr_atomic_inc32(&request_count) + 1;
    q->random = q->id * 2654435761UL + 88172645UL;
    q->started = apr_time_now();
    q->conn->requests++;
    q->user_name = "";
    q->means = "-";
    q->op = op ? op : "";
    q->body = "";
    q->out.status = HTTP_OK;
    q->out.headers = apr_table_make(r->pool, 4);
    sim_buf_init(r->pool, &q->out.body);
    sim_freebusy_settings(&conf);
    q->path = raw_path(q);
    q->args = r->args;
    q->cmd = r->args ? sim_field(r->pool, r->args, "Cmd") : NULL;
    q->brief = header_is_t(r, "Brief", 't') && sim_setting_is(&conf, "brief", "honour");
    q->translate_f = header_is_t(r, "Translate", 'f');
    q->ie = ua && strstr(ua, SIM_IE_MARK) != NULL;
    return q;
}

static int handler(request_rec *r)
{
    sim_req_t *q;
    int rc;

    if (!conf.enabled || strcmp(r->handler ? r->handler : "", "owasim") != 0) {
        return DECLINED;
    }
    q = request_new(r);
    rc = read_body(q);
    if (strncmp(q->path, "/_sim/", 6) == 0) {
        if (rc == OK) {
            sim_do_inspect(q);
        }
        else {
            sim_answer(q, rc);
        }
        return sim_send(q);
    }
    if (rc == OK) {
        run(q);
    }
    else {
        sim_answer(q, rc);
    }
    apr_table_setn(q->out.headers, "MS-WebStorage", sim_setting(&conf, "version"));
    sim_log_request(q);
    if (sim_fault_reply(q) == DONE) {
        return OK;
    }
    return sim_send(q);
}

/* ---- hooks ---- */

static int on_pre_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)p;
    (void)plog;
    (void)ptemp;
    memset(&conf, 0, sizeof(conf));
    sim_setting_start(&conf);
    return OK;
}

static int on_post_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_shm_t *shm;
    apr_status_t rv;

    (void)plog;
    (void)ptemp;
    sim_setting_keep(&conf);
    rv = apr_shm_create(&shm, sizeof(*children), NULL, p);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "no shared memory for a counter");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    children = apr_shm_baseaddr_get(shm);
    *children = 0;
    return OK;
}

static void on_child_init(apr_pool_t *p, server_rec *s)
{
    const char *error = "";

    (void)p;
    if (!conf.enabled) {
        return;
    }
    /* The mailboxes went with the child that held them. A second one, with empty mailboxes, would
     * look to a client like a server that loses mail. */
    if (__atomic_add_fetch(children, 1, __ATOMIC_RELAXED) > 1) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "the only child ended, and all mailboxes with "
                     "it: the simulator does not go on with empty ones");
        exit(APEXIT_CHILDFATAL);
    }
    conf.store = sim_store_create();
    if (sim_users_load(conf.store, conf.users_file, &error) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "users: %s", error);
        exit(APEXIT_CHILDFATAL);
    }
}

static int on_pre_connection(conn_rec *c, void *csd)
{
    sim_conn_t *conn = apr_pcalloc(c->pool, sizeof(*conn));

    (void)csd;
    conn->id = apr_atomic_inc32(&connection_count) + 1;
    ap_set_module_config(c->conn_config, &owasim_module, conn);
    return OK;
}

/* No file is behind any URL. */
static int on_translate(request_rec *r)
{
    return conf.enabled ? (r->filename = "owasim", OK) : DECLINED;
}

static int on_map_to_storage(request_rec *r)
{
    (void)r;
    return conf.enabled ? OK : DECLINED;
}

static int on_fixups(request_rec *r)
{
    if (conf.enabled && !r->handler) {
        r->handler = "owasim";
    }
    return DECLINED;
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_pre_config(on_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(on_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(on_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_connection(on_pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_translate_name(on_translate, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_map_to_storage(on_map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_fixups(on_fixups, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
}

module AP_MODULE_DECLARE_DATA owasim_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, directives, register_hooks
#if defined(AP_MODULE_FLAG_NONE)
    , AP_MODULE_FLAG_NONE
#endif
};
