/* forms.c - forms-based authentication of Exchange 2003: the logon page, the two cookies, 440.
 *
 * What a client sees follows the notes and code of Evolution's Exchange connector and of DavMail:
 * the answer to the logon POST is the same whether the password was right or wrong; only the use of
 * the cookies shows it. Sessions live in this process and age by the simulator's clock. */

#include "auth.h"
#include "inspect.h"

#include <stdlib.h>
#include <string.h>
#include <pthread.h>

#include <apr_encode.h>
#include <apr_general.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define LOGON_PAGE "/exchweb/bin/auth/owalogon.asp"
#define LOGON_POST "/exchweb/bin/auth/owaauth.dll"
#define PARTS_MAX 3
#define TOKEN_BYTES 48
#define TOKEN_SIZE (TOKEN_BYTES / 3 * 4 + 1)
#define ID_SIZE 48
#define SESSIONS_MAX 4096       /* past it the oldest slot is taken over */

typedef struct {
    char token[PARTS_MAX][TOKEN_SIZE];  /* of cadata, cadata1, cadata2; "" where not given out */
    char id[ID_SIZE];                   /* of sessionid */
    sim_mailbox_t *user;                /* NULL: the logon failed, */
    const char *failed;                 /* and why, a constant */
    apr_time_t used;
    apr_interval_time_t idle;
} session_t;

static session_t sessions[SESSIONS_MAX];
static unsigned next_session;
static pthread_mutex_t sessions_mutex = PTHREAD_MUTEX_INITIALIZER;

void sim_forms_reset(void)
{
    pthread_mutex_lock(&sessions_mutex);
    memset(sessions, 0, sizeof(sessions));
    next_session = 0;
    pthread_mutex_unlock(&sessions_mutex);
}

/* ---- cookies ---- */

/* The value of a cookie as it stands, quotes included: they belong to it. Several Cookie headers
 * come joined by ", "; a sessionid holds a bare comma, a cadata one inside its quotes. */
static const char *cookie(const sim_req_t *q, const char *name)
{
    const char *p = apr_table_get(q->r->headers_in, "Cookie"), *equals, *end, *comma;
    size_t n = strlen(name);

    for (p = p ? p : ""; (equals = strchr(p, '=')) != NULL; p = end) {
        p += strspn(p, " ;,");
        if (equals[1] == '"' && (end = strchr(equals + 2, '"')) != NULL) {
            end++;
        }
        else {
            end = equals + strcspn(equals, ";");
            if ((comma = strstr(equals, ", ")) != NULL && comma < end)
                end = comma;
        }
        if ((size_t)(equals - p) == n && strncmp(p, name, n) == 0)
            return apr_pstrmemdup(q->p, equals + 1, end - equals - 1);
    }
    return NULL;
}

static const char *cadata_name(apr_pool_t *p, int part)
{
    return part ? apr_psprintf(p, "cadata%d", part) : "cadata";
}

/* The session these cookies belong to, NULL if none. Under the mutex. */
static session_t *find_session(const sim_req_t *q)
{
    const char *part[PARTS_MAX], *id = cookie(q, "sessionid");
    int i, k;

    if (!id || !*id)
        return NULL;
    for (k = 0; k < PARTS_MAX; k++)
        part[k] = cookie(q, cadata_name(q->p, k));
    for (i = 0; i < SESSIONS_MAX && i < (int)next_session; i++) {
        session_t *s = &sessions[i];

        if (!*s->token[0] || !sim_auth_equal(s->id, id))
            continue;
        for (k = 0; k < PARTS_MAX; k++) {
            if (!*s->token[k])
                continue;
            if (!part[k] || !sim_auth_equal(part[k], apr_psprintf(q->p, "\"2,%s\"", s->token[k])))
                break;
        }
        if (k == PARTS_MAX)
            return s;
    }
    return NULL;
}

static void fill_token(char out[TOKEN_SIZE])
{
    unsigned char random[TOKEN_BYTES];

    if (apr_generate_random_bytes(random, sizeof(random)) != APR_SUCCESS)
        abort();
    apr_encode_base64_binary(out, random, sizeof(random), APR_ENCODE_NONE, NULL);
}

static void set_cookie(sim_req_t *q, const char *name, const char *value, const char *more)
{
    apr_table_addn(q->out.headers, "Set-Cookie",
                   apr_pstrcat(q->p, name, "=", value, "; path=/", more, NULL));
}

/* A new session for whoever posted the form, or, for a logon that failed, one that is good for
 * nothing; its cookies. */
static void new_session(sim_req_t *q, sim_mailbox_t *user, const char *failed, int private)
{
    int parts = sim_setting_number(q->conf, "fba-parts"), k;
    unsigned char g[16];
    session_t copy;

    memset(&copy, 0, sizeof(copy));
    for (k = 0; k < PARTS_MAX && (k == 0 || k < parts); k++)
        fill_token(copy.token[k]);
    if (apr_generate_random_bytes(g, sizeof(g)) != APR_SUCCESS)
        abort();
    apr_snprintf(copy.id, sizeof(copy.id), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                 "%02x%02x%02x%02x%02x%02x,0x409", g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7],
                 g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
    copy.user = failed ? NULL : user;
    copy.failed = failed;
    copy.used = sim_now(q->store);
    copy.idle = apr_time_from_sec(60) * sim_setting_number(q->conf, private ? "fba-private-minutes"
                                                                           : "fba-public-minutes");
    pthread_mutex_lock(&sessions_mutex);
    sessions[next_session % SESSIONS_MAX] = copy;
    next_session = next_session + 1 < 2 * SESSIONS_MAX ? next_session + 1 : SESSIONS_MAX;
    pthread_mutex_unlock(&sessions_mutex);

    set_cookie(q, "sessionid", copy.id, "");
    for (k = 0; k < PARTS_MAX; k++)
        if (*copy.token[k])
            set_cookie(q, cadata_name(q->p, k), apr_psprintf(q->p, "\"2,%s\"", copy.token[k]),
                       sim_auth_tls(q) ? "; HttpOnly; secure" : "; HttpOnly");
}

void sim_forms_expire(sim_req_t *q)
{
    session_t *s;

    pthread_mutex_lock(&sessions_mutex);
    s = find_session(q);
    if (s)
        memset(s, 0, sizeof(*s));
    pthread_mutex_unlock(&sessions_mutex);
}

/* ---- pages ---- */

static const char *own_url(const sim_req_t *q, const char *rest)
{
    const char *host = apr_table_get(q->r->headers_in, "Host");

    return apr_pstrcat(q->p, ap_http_scheme(q->r), "://", host ? host : "localhost", rest, NULL);
}

/* Percent-encodes what would end or split a query value. */
static const char *query_value(apr_pool_t *p, const char *text)
{
    char *out = apr_palloc(p, strlen(text) * 3 + 1), *o = out;

    for (; *text; text++) {
        if (apr_isalnum(*text) || strchr("-._~:/", *text))
            *o++ = *text;
        else
            o += apr_snprintf(o, 4, "%%%02X", (unsigned char)*text);
    }
    *o = '\0';
    return out;
}

static int redirect(sim_req_t *q, const char *location)
{
    sim_answer(q, HTTP_MOVED_TEMPORARILY);
    apr_table_setn(q->out.headers, "Location", location);
    return DONE;
}

static int to_logon(sim_req_t *q, const char *reason_code)
{
    const char *url = own_url(q, q->r->unparsed_uri[0] == '/' ? q->r->unparsed_uri : q->path);

    return redirect(q, apr_pstrcat(q->p, own_url(q, LOGON_PAGE), "?url=", query_value(q->p, url),
                                   "&reason=", reason_code, NULL));
}

int sim_forms_page(sim_req_t *q, const char *destination)
{
    sim_buf_t *b = &q->out.body;

    sim_answer(q, HTTP_OK);
    q->out.type = "text/html; charset=utf-8";
    sim_buf_puts(b, "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.0 Transitional//EN\">\r\n"
                 "<html><head><title>Microsoft Outlook Web Access</title></head><body>\r\n"
                 "<form action=\"" LOGON_POST "\" method=\"POST\" name=\"logonForm\" "
                 "autocomplete=\"off\">\r\n<input type=\"hidden\" name=\"destination\" value=\"");
    sim_buf_html(b, destination);
    sim_buf_puts(b, "\">\r\n<input type=\"hidden\" name=\"flags\" value=\"0\">\r\n"
                 "<input type=\"radio\" name=\"trusted\" value=\"0\" checked> Public or shared "
                 "computer\r\n"
                 "<input type=\"radio\" name=\"trusted\" value=\"4\"> Private computer\r\n"
                 "Domain\\user name: <input type=\"text\" name=\"username\">\r\n"
                 "Password: <input type=\"password\" name=\"password\">\r\n"
                 "<input type=\"submit\" name=\"SubmitCreds\" value=\"Log On\">\r\n"
                 "</form></body></html>\r\n");
    return OK;
}

static int refuse_440(sim_req_t *q)
{
    static const char gone[] = "; expires=Thu, 01-Jan-1970 00:00:00 GMT";
    int k, parts = sim_setting_number(q->conf, "fba-parts");

    sim_page(q, 440, "Login Timeout", "Your session has timed out. Please log on again.");
    set_cookie(q, "sessionid", "", gone);
    for (k = 0; k < PARTS_MAX && (k == 0 || k < parts); k++)
        set_cookie(q, cadata_name(q->p, k), "", gone);
    apr_table_setn(q->out.headers, "Connection", "close");
    q->r->connection->keepalive = AP_CONN_CLOSE;
    return DONE;
}

int sim_forms_refuse(sim_req_t *q, const char *reason)
{
    sim_auth_reason(q, reason);
    /* only a browser that opens a page can do anything with a form */
    return q->r->method_number == M_GET && !q->translate_f ? to_logon(q, "0") : refuse_440(q);
}

/* Cookies came, but they are no good. */
static int refuse_cookies(sim_req_t *q, const char *reason)
{
    if (q->r->method_number == M_GET && !q->translate_f) {
        if (sim_setting_is(q->conf, "fba-refused", "redirect")) {
            to_logon(q, "2");
        }
        else {
            sim_forms_page(q, own_url(q, q->r->unparsed_uri));
        }
    }
    else {
        refuse_440(q);
    }
    sim_auth_reason(q, reason);
    return DONE;
}

/* ---- requests ---- */

static int logon_post(sim_req_t *q)
{
    const char *type = apr_table_get(q->r->headers_in, "Content-Type");
    const char *form = type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0
        ? q->body : "";
    const char *name = sim_field(q->p, form, "username");
    const char *password = sim_field(q->p, form, "password");
    const char *destination = sim_field(q->p, form, "destination");
    const char *flags = sim_field(q->p, form, "flags");
    const char *trusted = sim_field(q->p, form, "trusted");
    const char *failed = NULL;
    sim_mailbox_t *user = NULL;

    if (!*form)
        failed = "forms: the logon was no application/x-www-form-urlencoded form";
    else if (!name || !password)
        failed = "forms: the logon had no username or no password";
    else if (!(user = sim_auth_user(q, name)))
        failed = "forms: no such user in this domain";
    else if (!sim_auth_equal(password, user->password))
        failed = "forms: wrong password";
    sim_count(SIM_COUNT_LOGONS);
    if (failed)
        sim_count(SIM_COUNT_LOGONS_REFUSED);
    if (!destination || !*destination || strpbrk(destination, "\r\n"))
        destination = own_url(q, "/exchange/");
    /* good or bad, the same answer: rule 12 */
    redirect(q, destination);
    new_session(q, user, failed, (flags && atoi(flags) & 4) || (trusted && atoi(trusted) == 4));
    return DONE;
}

static int logon_files(sim_req_t *q)
{
    const char *url = q->args ? sim_field(q->p, q->args, "url") : NULL;
    int get = q->r->method_number == M_GET;

    if (strcasecmp(q->path, LOGON_POST) == 0 && q->r->method_number == M_POST)
        return logon_post(q);
    if (strcasecmp(q->path, LOGON_POST) == 0)
        return redirect(q, own_url(q, LOGON_PAGE));
    if (strcasecmp(q->path, LOGON_PAGE) == 0 && get && !q->translate_f)
        sim_forms_page(q, url && !strpbrk(url, "\r\n") ? url : own_url(q, "/exchange/"));
    else if (strcasecmp(q->path, LOGON_PAGE) == 0)
        sim_page(q, HTTP_FORBIDDEN, "403 Forbidden", "Execute access forbidden.");
    else
        sim_page(q, HTTP_NOT_FOUND, "404", "The page cannot be found.");
    return DONE;
}

int sim_forms_check(sim_req_t *q)
{
    const char *reason = NULL;
    sim_mailbox_t *user = NULL;
    session_t *s;

    if (!sim_auth_tls(q) && sim_setting_is(q->conf, "fba-plain", "no")) {
        sim_wrong(q, 13, "the logon form needs https");
        sim_page(q, HTTP_FORBIDDEN, "403 Forbidden",
                 "This page must be viewed over a secure channel (SSL): use https.");
        return DONE;
    }
    if (strncasecmp(q->path, "/exchweb/", 9) == 0)
        return logon_files(q);
    if (!cookie(q, "cadata"))
        return sim_forms_refuse(q, apr_table_get(q->r->headers_in, "Authorization")
                                ? "forms: HTTP authentication is off" : "forms: no cookies");

    pthread_mutex_lock(&sessions_mutex);
    s = find_session(q);
    if (!s) {
        reason = "forms: these cookies are no session's";
    }
    else if (!s->user) {
        reason = s->failed;
    }
    else if (sim_now(q->store) - s->used > s->idle) {
        reason = "forms: the session has expired";
        memset(s, 0, sizeof(*s));
    }
    else {
        s->used = sim_now(q->store);
        user = s->user;
    }
    pthread_mutex_unlock(&sessions_mutex);
    if (!user)
        return refuse_cookies(q, reason);

    q->user = user;
    q->user_name = user->name;
    q->means = "forms";
    if (q->cmd && strcasecmp(q->cmd, "logoff") == 0) {
        sim_forms_expire(q);
        return to_logon(q, "1");
    }
    return OK;
}
