/* check.c - `GET check`: who Apache says I am and by which module, which credential there is, what
 * the server offers to a stranger and answers to this person, how long each step took, and what to
 * do about what failed. No secret is shown.
 *
 * The steps share one op id and, together, one operation's time. The look as a stranger is made
 * whatever became of the credential: it tells a server that is down from a login that fails.
 */
#include <httpd.h>
#include <http_protocol.h>
#include <http_core.h>
#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "httpd/handler.h"
#include "httpd/identify.h"
#include "httpd/login.h"
#include "view/remedy.h"

#define LEAST apr_time_from_sec(1) /* for one step, however little is left */

typedef struct check_t {
    oc_request_t *q;
    apr_array_header_t *steps; /* oc_check_section_t */
    oc_mono_t began;
    const char *presented; /* the scheme that the server is shown; NULL = not known */
} check_t;

static oc_check_section_t *step(check_t *c, const char *title)
{
    oc_check_section_t *s = apr_array_push(c->steps);

    memset(s, 0, sizeof(*s));
    s->title = title;
    s->facts = apr_table_make(c->q->r->pool, 8);
    s->took = -1;
    return s;
}

static void fail(check_t *c, oc_check_section_t *s, const oc_result_t *res)
{
    oc_result_t *copy = apr_palloc(c->q->r->pool, sizeof(*copy));

    oc_result_copy(copy, res, c->q->r->pool);
    s->failure = copy;
    s->remedy = oc_remedy_for(res->reason);
    if (!s->remedy) {
        s->remedy = OC_TEXT("Look the operation's id up in the log.");
    }
}

static void skip(check_t *c, const char *title, const char *why)
{
    step(c, title)->skipped = why;
}

/* A fact about the person or from outside: bounded, without control characters. */
static void fact(check_t *c, oc_check_section_t *s, const char *name, const char *value)
{
    if (value) {
        apr_table_setn(s->facts, name, oc_str_log(c->q->r->pool, value, 500));
    }
}

/* The operation's results are gone with its call: take copies. */
static void take_facts(oc_check_section_t *s, const apr_table_t *facts)
{
    const apr_array_header_t *rows = facts ? apr_table_elts(facts) : NULL;

    for (int i = 0; rows && i < rows->nelts; ++i) {
        const apr_table_entry_t *e = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        apr_table_set(s->facts, e->key, e->val);
    }
}

/* ---- time ---- */

static apr_time_t left(const check_t *c)
{
    apr_time_t left = c->q->conf->operation - (oc_clock_mono() - c->began);

    return left > LEAST ? left : LEAST;
}

/* ---- the steps ---- */

static void login(check_t *c)
{
    request_rec *r = c->q->r;
    oc_check_section_t *s = step(c, OC_TEXT("login"));

    fact(c, s, "user", r->user);
    fact(c, s, "module", oc_login_module(r));
    fact(c, s, "AuthType", ap_auth_type(r));
    fact(c, s, "kind of login", r->ap_auth_type);
    fact(c, s, "password checkers loaded", oc_login_providers(r));
    fact(c, s, "canonical name", c->q->person.user);
    fact(c, s, "mailbox", c->q->person.mailbox);
    s->took = apr_time_now() - r->request_time; /* reading the request included */
    if (c->q->result.reason != OC_REASON_OK) {
        fail(c, s, &c->q->result);
    }
}

static const char *scheme_of(const check_t *c, const oc_check_section_t *s)
{
    const char *upstream = apr_table_get(s->facts, "upstream");

    switch (c->q->dir->identity) {
    case OC_IDENTITY_DELEGATED:
    case OC_IDENTITY_S4U:
        return "Negotiate";
    case OC_IDENTITY_RELAY:
        return "NTLM";
    default:
        return !upstream                        ? NULL
               : strcmp(upstream, "basic") == 0 ? "Basic"
               : strcmp(upstream, "ntlm") == 0  ? "NTLM"
                                                : "the logon form";
    }
}

/* 1 if there is one. */
static int credential(check_t *c)
{
    oc_request_t *q = c->q;
    oc_check_section_t *s = step(c, OC_TEXT("credential"));
    oc_mono_t began = oc_clock_mono();
    oc_identity_t *id;
    oc_call_t *call;
    oc_result_t res;

    apr_table_setn(s->facts, "mode", oc_identify_token(q->dir->identity));
    oc_result_init(&res, q->r->pool);
    call = oc_request_call(c->q, &id);
    if (!call) {
        fail(c, s, &q->result);
    } else {
        if (oc_identity_describe(id, q->r->pool, s->facts, &res) != APR_SUCCESS) {
            fail(c, s, &res);
        }
        oc_call_destroy(call);
        c->presented = scheme_of(c, s);
    }
    fact(c, s, "presented by", c->presented);
    s->took = oc_clock_mono() - began;
    return !s->failure;
}

static void site_facts(check_t *c, oc_check_section_t *s)
{
    const oc_site_t *site = c->q->backend->conf->site;

    apr_table_setn(s->facts, "address",
                   apr_psprintf(c->q->r->pool, "%s://%s:%d%s", site->scheme, site->host, site->port,
                                c->q->backend->conf->path));
    fact(c, s, "connected to", site->connect);
    apr_table_setn(s->facts, "protection",
                   strcmp(site->scheme, "https") != 0
                       ? "none: plain http"
                       : apr_psprintf(c->q->r->pool, "TLS 1.%d or newer, certificate verified",
                                      site->tls_min % 10));
}

/* The commonest reason why a good credential is refused. */
static const char *not_offered(const check_t *c, const char *offers)
{
    int form = c->presented && strcmp(c->presented, "the logon form") == 0;

    if (!c->presented || !offers
        || (form ? strcmp(offers, "a logon form") == 0 || strcmp(offers, "a redirect") == 0
                 : strstr(offers, c->presented) != NULL)) {
        return NULL;
    }
    return apr_psprintf(c->q->r->pool, "the server does not offer %s, by which the credential is "
                        "presented", c->presented);
}

/* 1 if the server answered. */
static int offer(check_t *c)
{
    oc_request_t *q = c->q;
    oc_check_section_t *s = step(c, OC_TEXT("what the server offers"));
    oc_call_t *call = oc_call_create(q->person.user, NULL, NULL);
    apr_table_t **facts;
    oc_identity_t *id;

    site_facts(c, s);
    if (!call) {
        oc_result_init(&q->result, q->r->pool);
        oc_result_fail(&q->result, OC_REASON_INTERNAL, "out of memory or randomness");
        fail(c, s, &q->result);
        return 0;
    }
    apr_cpystrn(call->id, q->view.op_id ? q->view.op_id : call->id, sizeof(call->id));
    id = oc_identity_nobody(call);
    call->identity = oc_identity_key(id);
    facts = apr_pcalloc(call->pool, sizeof(*facts));
    q->op_conf.operation = left(c) / 4 > LEAST ? left(c) / 4 : LEAST;
    if (oc_request_run(q, call, id, oc_op_look(call, q->backend, &q->op_conf, facts),
                       OC_VERB_CHECK)) {
        take_facts(s, *facts);
    }
    s->took = q->wait.took;
    if (q->result.reason != OC_REASON_OK) {
        fail(c, s, &q->result);
    } else {
        fact(c, s, "note", not_offered(c, apr_table_get(s->facts, "offers")));
    }
    oc_request_done(q);
    return !s->failure;
}

/* 1 if the mailbox was found. */
static int answer(check_t *c)
{
    oc_request_t *q = c->q;
    oc_check_section_t *s = step(c, OC_TEXT("what it answers"));
    apr_table_t **facts;
    oc_identity_t *id;
    oc_call_t *call = oc_request_call(c->q, &id);

    if (!call) {
        fail(c, s, &q->result);
        return 0;
    }
    facts = apr_pcalloc(call->pool, sizeof(*facts));
    q->op_conf.operation = left(c);
    if (oc_request_run(q, call, id, oc_op_probe(call, q->backend, &q->op_conf, facts),
                       OC_VERB_CHECK)) {
        take_facts(s, *facts);
    }
    s->took = q->wait.took;
    if (q->result.reason != OC_REASON_OK) {
        fail(c, s, &q->result);
        if (q->result.upstream_status) {
            apr_table_setn(s->facts, "status", apr_itoa(q->r->pool, q->result.upstream_status));
        }
    } else {
        fact(c, s, "accepted login", c->presented);
        oc_identity_describe_used(oc_child_signer(q->child), id, q->backend->conf->site, s->facts);
    }
    oc_request_done(q);
    return !s->failure;
}

static const char *first_room(const oc_request_t *q)
{
    const apr_array_header_t *rooms = q->conf->rooms;

    return rooms && rooms->nelts ? APR_ARRAY_IDX(rooms, 0, const oc_room_t *)->address : NULL;
}

static void freebusy(check_t *c)
{
    oc_request_t *q = c->q;
    const char *room = first_room(q);
    oc_freebusy_query_t query = {.slot = apr_time_from_sec(1800)};
    apr_array_header_t **rows;
    oc_check_section_t *s;
    oc_identity_t *id;
    oc_call_t *call;

    if (!room) {
        skip(c, OC_TEXT("free/busy"), OC_TEXT("no room is configured to ask about"));
        return;
    }
    s = step(c, OC_TEXT("free/busy"));
    fact(c, s, "asked about", room);
    if (!(call = oc_request_call(c->q, &id))) {
        fail(c, s, &q->result);
        return;
    }
    rows = apr_pcalloc(call->pool, sizeof(*rows));
    query.who = apr_array_make(call->pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(query.who, const char *) = apr_pstrdup(call->pool, room);
    query.range.start = oc_clock_wall() / query.slot * query.slot;
    query.range.end = query.range.start + 2 * query.slot;
    q->op_conf.operation = left(c);
    if (oc_request_run(q, call, id,
                       oc_op_freebusy(call, q->backend, &q->op_conf,
                                      apr_pmemdup(call->pool, &query, sizeof(query)), rows),
                       OC_VERB_CHECK)
        && q->result.reason == OC_REASON_OK && *rows && (*rows)->nelts) {
        const oc_freebusy_t *row = APR_ARRAY_IDX(*rows, 0, const oc_freebusy_t *);

        fact(c, s, "now", oc_busy_token(oc_freebusy_in(row, query.range)));
    }
    s->took = q->wait.took;
    if (q->result.reason != OC_REASON_OK) {
        fail(c, s, &q->result);
    }
    oc_request_done(q);
}

int oc_check_run(oc_request_t *q)
{
    check_t c = {.q = q, .began = oc_clock_mono()};
    const char *why = q->result.reason == OC_REASON_MAILBOX_REFUSED
                          ? OC_TEXT("this person may not act in that mailbox here")
                          : OC_TEXT("the login gives nobody to act for");
    int has_credential = 0, answers = 0;

    c.steps = apr_array_make(q->r->pool, 5, sizeof(oc_check_section_t));
    login(&c);
    if (q->result.reason == OC_REASON_OK) {
        has_credential = credential(&c);
        answers = offer(&c);
        why = !answers ? OC_TEXT("the calendar server does not answer")
                       : OC_TEXT("there is no usable credential");
    }
    if (!has_credential || !answers) {
        skip(&c, OC_TEXT("what it answers"), why);
        skip(&c, OC_TEXT("free/busy"), why);
    } else if (answer(&c)) {
        freebusy(&c);
    } else {
        skip(&c, OC_TEXT("free/busy"), OC_TEXT("the login failed"));
    }
    /* The self-test itself worked, whatever it found. */
    return oc_request_send(q, HTTP_OK,
                           q->json ? oc_api_check(&q->view, c.steps)
                                   : oc_page_check(&q->view, c.steps));
}

int oc_check_explains(const oc_request_t *q)
{
    return q->r->user && *q->r->user && q->r->method_number == M_GET
           && strcmp(q->route, "check") == 0
           && (q->result.reason == OC_REASON_NO_MAILBOX
               || q->result.reason == OC_REASON_MAILBOX_REFUSED
               || q->result.reason == OC_REASON_MISCONFIGURED);
}
