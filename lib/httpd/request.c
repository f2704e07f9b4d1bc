/* request.c - opening requests, running operations, sending answers. */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/str.h"
#include "base/text.h"
#include "httpd/request.h"

APLOG_USE_MODULE(owacal);

#define OPERATION "OwaCal-Operation" /* the header that every asked answer bears */

static const char *make_ref(const oc_view_t *view, const char *item, const char *uid)
{
    return oc_token_ref(view->pool, view->ref_baton, item, uid);
}

/* Quality of a media type in an Accept header, in thousandths; -1 if it is not named there. */
static int quality(apr_pool_t *pool, const char *accept, const char *type)
{
    char *copy = apr_pstrdup(pool, accept), *state = NULL, *part;
    size_t n = strlen(type);

    for (part = apr_strtok(copy, ",", &state); part; part = apr_strtok(NULL, ",", &state)) {
        const char *q;
        while (*part == ' ') {
            ++part;
        }
        if (strncasecmp(part, type, n) != 0 || (part[n] && !strchr("; ", part[n]))) {
            continue;
        }
        q = strstr(part, "q=");
        return q ? (int)(strtod(q + 2, NULL) * 1000) : 1000;
    }
    return -1;
}

/* The suffix decides; without one the Accept header; a program that posts JSON gets JSON. */
static int wants_json(oc_request_t *q, const char **route)
{
    const char *accept = apr_table_get(q->r->headers_in, "Accept");
    const char *type = apr_table_get(q->r->headers_in, "Content-Type");
    size_t n = strlen(*route);
    int json, html, problem, ics;

    if (n > 4 && strcmp(*route + n - 4, ".ics") == 0) {
        *route = apr_pstrmemdup(q->r->pool, *route, n - 4);
        q->ics = 2;
        return 1;
    }
    if (n > 5 && strcmp(*route + n - 5, ".json") == 0) {
        *route = apr_pstrmemdup(q->r->pool, *route, n - 5);
        return 1;
    }
    if (n > 5 && strcmp(*route + n - 5, ".html") == 0) {
        *route = apr_pstrmemdup(q->r->pool, *route, n - 5);
        return 0;
    }
    json = accept ? quality(q->r->pool, accept, "application/json") : -1;
    problem = accept ? quality(q->r->pool, accept, "application/problem+json") : -1;
    html = accept ? quality(q->r->pool, accept, "text/html") : -1;
    ics = accept ? quality(q->r->pool, accept, "text/calendar") : -1;
    json = problem > json ? problem : json;
    if (ics > 0 && ics > json && ics > html) {
        q->ics = 1;
        return 1;
    }
    if (json < 0 && html < 0) {
        return !q->r->main && type && strncasecmp(type, "application/json", 16) == 0;
    }
    return json > html;
}

/* What the person's browser asks for; English if it asks for nothing we have. */
static void open_language(oc_request_t *q)
{
    q->view.language = OC_LANGUAGE_EN;
    q->view.locale = OC_SAY_LOCALE;
    oc_say_language(q->r->pool, apr_table_get(q->r->headers_in, "Accept-Language"),
                    &q->view.language, &q->view.locale);
}

static void open_view(oc_request_t *q, const char *base)
{
    open_language(q);
    q->view.pool = q->r->pool;
    q->view.base = base;
    q->view.zone = q->dir->zone;
    q->view.rooms = q->conf->rooms;
    q->view.fragment = q->r->main != NULL;
    q->view.show_holder = q->dir->privacy;
    q->view.ref = make_ref;
    q->view.ref_baton = &q->scope;
}

static void open_op_conf(oc_request_t *q)
{
    q->op_conf.operation = q->conf->operation;
    q->op_conf.undo = q->conf->undo;
    q->op_conf.answer_wait = q->conf->answer;
    q->op_conf.conflict = (oc_conflict_t)q->dir->conflict;
    q->op_conf.unknown_refuse = q->dir->unknown_refuse;
    q->op_conf.members = q->conf->max_attendees;
    q->op_conf.leases = q->shared->leases;
    q->op_conf.fresh = q->shared->fresh;
    q->op_conf.rooms = q->conf->rooms;
}

static void begin(oc_request_t *q, request_rec *r)
{
    memset(q, 0, sizeof(*q));
    q->r = r;
    q->conf = oc_config_server(r->server);
    q->dir = oc_config_dir(r);
    q->child = oc_child();
    q->shared = oc_child_shared();
    oc_result_init(&q->result, r->pool);
    q->route = "";
}

/* What an input is held to does not depend on who sends it. */
static void open_input(oc_request_t *q)
{
    q->in.pool = q->r->pool;
    q->in.conf = q->conf;
    q->in.dir = q->dir;
    q->in.remarks = apr_array_make(q->r->pool, 2, sizeof(const char *));
    q->in.now = oc_clock_wall();
    q->in.errors = apr_array_make(q->r->pool, 4, sizeof(oc_view_error_t));
    q->in.language = q->view.language;
    q->view.remarks = q->in.remarks;
    q->view.errors = q->in.errors;
    q->view.now = q->in.now;
}

/* The room of "rooms/ID/panel"; NULL: no such route, or no such room. */
static const oc_room_t *panel_of(const oc_request_t *q)
{
    const char *id = q->route + strlen("rooms/");
    size_t n;

    if (strncmp(q->route, "rooms/", strlen("rooms/")) != 0) {
        return NULL;
    }
    n = strcspn(id, "/");
    return strcmp(id + n, "/panel") == 0
               ? oc_room_find(q->conf->rooms, apr_pstrmemdup(q->r->pool, id, n)) : NULL;
}

/* Who acts, and on what. */
static apr_status_t open_person(oc_request_t *q)
{
    request_rec *r = q->r;

    if (!q->dir->use || !(q->backend = oc_config_backend(q->conf, q->dir->use))) {
        return oc_result_fail(&q->result, OC_REASON_MISCONFIGURED,
                              "this location has no OwaCalUse");
    }
    if (!q->child) {
        return oc_result_fail(&q->result, OC_REASON_INTERNAL,
                              "this child could not start its threads");
    }
    open_op_conf(q);
    if (oc_person_of(r, q->dir, panel_of(q), &q->person, &q->result) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    q->view.user = q->person.user;
    if (q->dir->identity == OC_IDENTITY_SERVICE || q->dir->identity == OC_IDENTITY_DEVICE) {
        q->view.acting_as = q->person.mailbox;
        q->view.credential = q->dir->account->credential;
    }
    q->scope.secret = q->shared->secret;
    q->scope.user = q->person.user;
    q->scope.backend = q->backend->conf->name;
    q->scope.mailbox = oc_text_fold(r->pool, q->person.mailbox);
    q->view.token = q->json ? NULL : oc_token_form(r->pool, &q->scope, oc_clock_wall());
    return APR_SUCCESS;
}

apr_status_t oc_request_open(oc_request_t *q, request_rec *r)
{
    const char *base;
    size_t n;

    begin(q, r);
    base = oc_config_base(q->dir);
    open_view(q, base ? base : "");
    open_input(q);
    n = base ? strlen(base) : 0;
    if (base && strncmp(r->uri, base, n) == 0 && (r->uri[n] == '/' || r->uri[n] == '\0')) {
        q->route = r->uri + n + (r->uri[n] == '/');
        q->json = wants_json(q, &q->route);
    } else {
        q->json = wants_json(q, &q->route);
        return oc_result_fail(&q->result, OC_REASON_MISCONFIGURED,
                              "the path %s is not below the "
                              "handler's base; set OwaCalBase",
                              oc_str_log(r->pool, r->uri, 200));
    }
    return open_person(q);
}

apr_status_t oc_request_open_page(oc_request_t *q, request_rec *r)
{
    begin(q, r);
    open_view(q, q->dir->base ? q->dir->base : "");
    open_input(q);
    q->view.fragment = OC_VIEW_BARE;
    return open_person(q);
}

/* ---- operations ---- */

oc_call_t *oc_request_call(oc_request_t *q, oc_identity_t **id)
{
    oc_call_t *call = oc_call_create(q->person.user, q->person.mailbox, NULL);
    const char *language = apr_table_get(q->r->headers_in, "Accept-Language");

    if (!call) {
        oc_result_fail(&q->result, OC_REASON_INTERNAL, "out of memory or randomness");
        return NULL;
    }
    q->op_before = apr_table_get(q->r->headers_out, OPERATION);
    /* Whatever a request asks for, one after the other, goes by one id. */
    if (q->view.op_id) {
        apr_cpystrn(call->id, q->view.op_id, sizeof(call->id));
    }
    q->view.op_id = apr_pstrdup(q->r->pool, call->id);
    /* In every format, and in the access log by %{OwaCal-Operation}o. */
    apr_table_setn(q->r->headers_out, OPERATION, q->view.op_id);
    call->memo = oc_child_memo(q->child);
    if (language && strlen(language) < 200 && oc_str_header_ok(language)) {
        call->language = apr_pstrdup(call->pool, language);
    }
    *id = oc_person_identity(q->r, q->dir, &q->person, q->backend, call);
    if (!*id) {
        oc_log(oc_reason_loglevel(call->result.reason), 0, call->id,
               OC_LOGID(0585) "no credential for %s at %s: %s (%s)", q->person.user,
               oc_str_log(q->r->pool, q->r->uri, 200), oc_reason_token(call->result.reason),
               call->result.detail ? call->result.detail : "");
        oc_result_copy(&q->result, &call->result, q->r->pool);
        oc_call_destroy(call);
        return NULL;
    }
    return call;
}

void oc_request_spare(oc_request_t *q, oc_call_t *call)
{
    if (q->op_before) {
        apr_table_setn(q->r->headers_out, OPERATION, q->op_before);
    } else {
        apr_table_unset(q->r->headers_out, OPERATION);
    }
    q->view.op_id = q->op_before;
    oc_call_destroy(call);
}

oc_freebusy_query_t *oc_request_freebusy(oc_call_t *call, const apr_array_header_t *who,
                                       oc_range_t range, apr_time_t slot)
{
    oc_freebusy_query_t *ask = apr_pcalloc(call->pool, sizeof(*ask));

    ask->slot = slot;
    ask->range = oc_range_align(range, slot);
    ask->who = apr_array_make(call->pool, who->nelts + 1, sizeof(const char *));
    for (int i = 0; i < who->nelts; ++i) {
        APR_ARRAY_PUSH(ask->who, const char *) =
            apr_pstrdup(call->pool, APR_ARRAY_IDX(who, i, const char *));
    }
    return ask;
}

void oc_request_count(oc_request_t *q, oc_verb_t verb, const oc_result_t *res,
                      const oc_wait_t *wait)
{
    oc_shared_count(q->shared, verb, res->reason, wait->took);
    if (res->reason != OC_REASON_OK) {
        oc_log(oc_reason_loglevel(res->reason), 0, q->view.op_id,
               OC_LOGID(0540) "%s for %s: %s "
                              "(%s%s%s)%s%s",
               oc_verb_token(verb), q->person.user, oc_reason_token(res->reason),
               res->step ? res->step : "", res->step ? ": " : "", res->detail ? res->detail : "",
               wait->state ? " in state " : "", wait->state ? wait->state : "");
    }
}

int oc_request_run(oc_request_t *q, oc_call_t *call, oc_identity_t *id, oc_job_t *op,
                   oc_verb_t verb)
{
    if (!op) {
        oc_result_copy(&q->result, &call->result, q->r->pool);
        q->wait.call = call;
    } else {
        oc_wait_run(q->child, q->conf, call, id, op, q->r->pool, &q->wait);
        oc_result_copy(&q->result, &q->wait.result, q->r->pool);
    }
    oc_request_count(q, verb, &q->result, &q->wait);
    return q->wait.call != NULL;
}

void oc_request_done(oc_request_t *q)
{
    if (q->wait.call) {
        oc_call_destroy(q->wait.call);
        q->wait.call = NULL;
    }
}

void oc_request_audit(oc_request_t *q, oc_verb_t verb, const oc_act_t *act,
                      const oc_booking_t *wanted)
{
    const oc_booking_t *b = act && act->booking ? act->booking : wanted;
    const char *rooms = "";
    int i;

    for (i = 0; b && i < b->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        if (a->role == OC_ROLE_RESOURCE) {
            rooms = apr_pstrcat(q->r->pool, rooms, *rooms ? "," : "", a->address, NULL);
        }
    }
    /* Subjects do not belong here: who did what to which room, and how it ended. */
    oc_log(OC_LOG_NOTICE, 0, q->view.op_id,
           OC_LOGID(0541) "audit: act=%s user=\"%s\" mailbox=\"%s\" "
                          "backend=%s rooms=%s uid=%s message-id=%s outcome=%s told=%s reason=%s "
                          "ms=%" APR_TIME_T_FMT,
           oc_verb_token(verb), oc_str_log(q->r->pool, q->person.user, 200),
           oc_str_log(q->r->pool, q->person.mailbox, 200), q->backend->conf->name,
           *rooms ? rooms : "-", b && b->uid ? oc_str_log(q->r->pool, b->uid, 200) : "-",
           act && act->message_id ? oc_str_log(q->r->pool, act->message_id, 200) : "-",
           act ? oc_state_token(act->state) : "none", act ? oc_view_told_token(act->told) : "none",
           oc_reason_token(q->result.reason), apr_time_as_msec(q->wait.took));
}

const char *oc_request_key(const oc_request_t *q)
{
    unsigned char random[16];

    return oc_crypto_random(random, sizeof(random)) == APR_SUCCESS
               ? oc_str_hex(q->r->pool, random, sizeof(random))
               : NULL;
}

const char *oc_request_item(const oc_request_t *q, const char *ref, oc_result_t *res)
{
    const char *item, *uid;

    if (oc_token_ref_open(q->r->pool, &q->scope, ref, &item, &uid, res) != APR_SUCCESS) {
        return NULL;
    }
    if (!q->backend->vt->item_ok(q->backend, item)) {
        oc_result_fail(res, OC_REASON_BOOKING_NOT_FOUND, "no item of this backend");
        return NULL;
    }
    return item;
}

const oc_room_t *oc_request_room(oc_request_t *q, const char *id)
{
    const oc_room_t *room = oc_room_find(q->conf->rooms, id);

    if (!room) {
        oc_result_fail(&q->result, OC_REASON_NO_SUCH_PAGE, "no room %s",
                       oc_str_log(q->r->pool, id, 64));
    }
    return room;
}

/* ---- answers ---- */

int oc_request_write(oc_request_t *q, const char *type, const char *text)
{
    request_rec *r = q->r;
    apr_size_t len = strlen(text);

    ap_set_content_type(r, type);
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    if (!r->main) {
        if (strcmp(type, "application/json") != 0) { /* the words of data are no language's */
            apr_table_setn(r->headers_out, "Content-Language", oc_say_tag(q->view.language));
        }
        apr_table_setn(
            r->headers_out, "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; "
            "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'");
    }
    ap_set_content_length(r, (apr_off_t)len);
    if (!r->header_only) {
        ap_rwrite(text, (int)len, r);
    }
    return OK;
}

int oc_request_send(oc_request_t *q, int status, const char *text)
{
    request_rec *r = q->r;

    r->status = status;
    apr_table_setn(r->headers_out, "Cache-Control", "private, no-store");
    apr_table_mergen(r->headers_out, "Vary", OC_REQUEST_VARY);
    return oc_request_write(q, !q->json        ? OC_REQUEST_HTML
                               : status >= 400 ? "application/problem+json"
                                               : "application/json", text);
}

int oc_request_status(oc_request_t *q)
{
    /* Whoever comes too early is told when to come again. */
    if (oc_reason_kind(q->result.reason) == OC_KIND_BUSY) {
        apr_table_setn(q->r->headers_out, "Retry-After",
                       apr_itoa(q->r->pool, q->result.retry_after > 0 ? q->result.retry_after : 5));
    }
    return oc_reason_http(q->result.reason);
}

int oc_request_problem(oc_request_t *q, const oc_act_t *act, const char *verb,
                       const oc_form_t *form, const char *ref)
{
    int status = oc_request_status(q);

    return oc_request_send(q, status,
                           q->json ? oc_api_problem(&q->view, &q->result, act, verb)
                                   : oc_page_problem(&q->view, &q->result, act, verb, form, ref));
}

int oc_request_redirect(oc_request_t *q, const char *path, const char *sentence)
{
    const char *note = oc_token_outcome(q->r->pool, &q->scope, sentence, oc_clock_wall());
    const char *hash = strchr(path, '?') ? "&" : "?";

    if (note) {
        path = apr_pstrcat(q->r->pool, path, hash, "owacal=", note, NULL);
    }
    apr_table_setn(q->r->headers_out, "Location", path);
    q->r->status = HTTP_SEE_OTHER;
    apr_table_setn(q->r->headers_out, "Cache-Control", "private, no-store");
    ap_set_content_type(q->r, OC_REQUEST_HTML);
    ap_set_content_length(q->r, 0);
    return OK;
}
