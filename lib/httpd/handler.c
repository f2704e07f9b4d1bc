/* handler.c - routes of the booking interface, one function for each. */
#include <http_protocol.h>
#include <apr_strings.h>

#include "base/crypto.h"
#include "base/str.h"
#include "httpd/again.h"
#include "httpd/calendar.h"
#include "httpd/freshness.h"
#include "httpd/handler.h"
#include "httpd/panel.h"
#include "httpd/people.h"
#include "wire/words.h"

/* ---- reading ---- */

static int query(oc_request_t *q)
{
    return oc_input_query(q->r, (oc_form_t **)&q->in.form, &q->result) == APR_SUCCESS &&
           oc_input_check(&q->in, &q->result) == APR_SUCCESS;
}

static int send_rooms(oc_request_t *q, const apr_array_header_t *found, const oc_room_wish_t *wish)
{
    return oc_request_send(
        q, HTTP_OK, q->json ? oc_api_rooms(&q->view, found) : oc_page_rooms(&q->view, found, wish));
}

/* With capacity=, feature= or a time: the rooms that fit, best first, and why the others do not. */
static int get_rooms(oc_request_t *q, const char *arg)
{
    apr_array_header_t *found, *who;
    oc_room_wish_t wish = {0};
    oc_freshness_t fresh;
    oc_identity_t *id;
    oc_call_t *call;
    int rc, any = 0;

    (void)arg;
    if (!query(q) || oc_input_wish(&q->in, &wish, &any, &q->result) != APR_SUCCESS) {
        return oc_request_problem(q, NULL, "rooms", NULL, NULL);
    }
    if (!wish.when.start) {
        found = any ? oc_find_room(q->r->pool, q->conf->rooms, &wish, NULL) : NULL;
        return send_rooms(q, found, &wish);
    }
    /* Only those that would fit are asked about; without rows they read as unknown. */
    found = oc_find_room(q->r->pool, q->conf->rooms, &wish, NULL);
    who = apr_array_make(q->r->pool, 16, sizeof(const char *));
    for (int i = 0; i < found->nelts; ++i) {
        const oc_candidate_t *c = &APR_ARRAY_IDX(found, i, oc_candidate_t);
        if (c->fit == OC_FIT_UNKNOWN) {
            APR_ARRAY_PUSH(who, const char *) = c->room->address;
        }
    }
    if (who->nelts == 0) {
        return send_rooms(q, found, &wish);
    }
    if (!(call = oc_request_call(q, &id))) {
        return oc_request_problem(q, NULL, "rooms", NULL, NULL);
    }
    if (oc_freshness_run(&fresh, q, call, id,
                         oc_request_freebusy(call, who, wish.when, apr_time_from_sec(300)))) {
        rc = send_rooms(q, oc_find_room(q->r->pool, q->conf->rooms, &wish, fresh.rows), &wish);
    } else {
        rc = oc_request_problem(q, NULL, "rooms", NULL, NULL);
    }
    oc_request_done(q);
    return rc;
}

static int get_freebusy(oc_request_t *q, const char *arg)
{
    apr_array_header_t *who;
    oc_freebusy_query_t *ask;
    oc_freshness_t fresh;
    oc_identity_t *id;
    oc_range_t range;
    oc_call_t *call;
    apr_time_t slot;
    int rc;

    (void)arg;
    if (!query(q) || oc_input_range(&q->in, 1, &range, &q->result) != APR_SUCCESS ||
        oc_input_who(&q->in, &who, &slot, &q->result) != APR_SUCCESS ||
        !(call = oc_request_call(q, &id))) {
        return oc_request_problem(q, NULL, "freebusy", NULL, NULL);
    }
    ask = oc_request_freebusy(call, who, range, slot);
    ask->members = oc_people_lists(q, who);
    range = ask->range;
    if (oc_freshness_run(&fresh, q, call, id, ask)) {
        rc = oc_request_send(q, HTTP_OK,
                             q->json ? oc_api_freebusy(&q->view, fresh.rows, range, slot,
                                                       oc_freshness_time(&fresh))
                                     : oc_page_freebusy(&q->view, fresh.rows, range, slot));
    } else {
        rc = oc_request_problem(q, NULL, "freebusy", NULL, NULL);
    }
    oc_request_done(q);
    return rc;
}

/* The sentence that a redirect of ours carried along, if it is ours. */
static const char *note_of(oc_request_t *q)
{
    const char *token = oc_input_text(&q->in, "owacal");

    return token ? oc_token_outcome_open(q->r->pool, &q->scope, token, oc_clock_wall()) : NULL;
}

/* A page shows who has answered, unless it is told not to; a program gets what it asks for. */
static int wants_answers(const oc_request_t *q)
{
    if (q->ics) {
        return 0;
    }
    return oc_input_text(&q->in, "answers") ? oc_input_flag(&q->in, "answers") : !q->json;
}

static int get_bookings(oc_request_t *q, const char *arg)
{
    oc_list_query_t *ask;
    oc_list_t **list;
    oc_identity_t *id;
    oc_range_t range;
    oc_call_t *call;
    int rc;

    (void)arg;
    if (!query(q) ||
        oc_input_range(&q->in, q->ics ? oc_calendar_days(q) : 14, &range, &q->result) !=
            APR_SUCCESS ||
        !(call = oc_request_call(q, &id))) {
        return oc_request_problem(q, NULL, "list", NULL, NULL);
    }
    list = apr_pcalloc(call->pool, sizeof(*list));
    ask = apr_pcalloc(call->pool, sizeof(*ask));
    ask->range = range;
    ask->max = 1000;
    ask->answers = wants_answers(q) ? OC_LIST_ANSWERS : 0;
    if (oc_request_run(q, call, id, oc_op_list(call, q->backend, &q->op_conf, ask, list),
                       OC_VERB_LIST) &&
        q->result.reason == OC_REASON_OK) {
        rc = q->ics ? oc_calendar_list(q, *list, range)
                    : oc_request_send(q, HTTP_OK,
                                      q->json ? oc_api_list(&q->view, *list, range)
                                              : oc_page_list(&q->view, *list, range, note_of(q)));
    } else {
        rc = oc_request_problem(q, NULL, "list", NULL, NULL);
    }
    oc_request_done(q);
    return rc;
}

static int get_booking(oc_request_t *q, const char *ref)
{
    oc_booking_t **b;
    oc_identity_t *id;
    const char *item;
    oc_call_t *call;
    int rc;

    if (!query(q) || !(item = oc_request_item(q, ref, &q->result)) ||
        !(call = oc_request_call(q, &id))) {
        return oc_request_problem(q, NULL, "read", NULL, NULL);
    }
    b = apr_pcalloc(call->pool, sizeof(*b));
    item = apr_pstrdup(call->pool, item);
    if (oc_request_run(q, call, id, oc_op_read(call, q->backend, &q->op_conf, item, b),
                       OC_VERB_READ) &&
        q->result.reason == OC_REASON_OK && *b) {
        rc = q->ics ? oc_calendar_booking(q, *b)
                    : oc_request_send(q, HTTP_OK,
                                      q->json ? oc_api_booking(&q->view, *b)
                                      : oc_input_text(&q->in, "cancel")
                                          ? oc_page_cancel(&q->view, *b, NULL)
                                          : oc_page_booking(&q->view, *b, note_of(q)));
    } else {
        rc = oc_request_problem(q, NULL, "read", NULL, NULL);
    }
    oc_request_done(q);
    return rc;
}

static int get_form(oc_request_t *q, const char *arg)
{
    (void)arg;
    if (!query(q)) {
        return oc_request_problem(q, NULL, "book", NULL, NULL);
    }
    q->view.key = oc_request_key(q);
    if (q->json) { /* there is only the page */
        q->json = 0;
        q->view.token = oc_token_form(q->r->pool, &q->scope, oc_clock_wall());
    }
    return oc_request_send(q, HTTP_OK, oc_page_form(&q->view, oc_input_refill(&q->in, "token")));
}

/* ---- writing ---- */

/* What was sent, if it comes from our own origin. A form answers in the language of the page that
 * it stands in. */
static apr_status_t read_body(oc_request_t *q, oc_result_t *res)
{
    oc_form_t *body = NULL;

    if (oc_input_origin(q->r, q->conf, res) != APR_SUCCESS ||
        oc_input_body(q->r, q->conf, &body, &q->in.json, res) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    q->in.form = body;
    oc_say_language(q->r->pool, oc_input_text(&q->in, "lang"), &q->view.language, &q->view.locale);
    q->in.language = q->view.language;
    return APR_SUCCESS;
}

/* Where it wants to be led back to, allowed or not; NULL. */
static const char *wants_back(const oc_request_t *q)
{
    return oc_form_count(q->in.form, "return") == 1 ? oc_input_text(&q->in, "return") : NULL;
}

apr_status_t oc_handler_admit(oc_request_t *q, const oc_form_t **form, const char **back)
{
    const char *target;

    *form = NULL;
    *back = NULL;
    if (read_body(q, &q->result) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    *form = q->in.form;
    q->view.key = oc_request_key(q);
    target = wants_back(q);
    q->back = *back = target ? oc_words_return(q->r->pool, target, q->dir->returns) : NULL;
    if (oc_input_check(&q->in, &q->result) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    /* JSON cannot be posted by a foreign page's form, and PATCH and DELETE not without leave. */
    if (!q->in.json && q->r->method_number == M_POST &&
        oc_token_form_check(&q->scope, oc_input_text(&q->in, "token"), oc_clock_wall(),
                            &q->result) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    return !target || *back
               ? APR_SUCCESS
               : oc_result_field(&q->result, OC_REASON_RETURN_REFUSED, "return",
                                 "not below any OwaCalReturn of this location");
}

static int refuse(oc_request_t *q, const oc_act_t *act, const char *verb, const oc_form_t *form,
                  const char *ref)
{
    if (!form || q->json) {
        return oc_request_problem(q, act, verb, NULL, ref);
    }
    q->in.form = form;
    return oc_again_answer(q, act, verb, ref);
}

/* The Idempotency-Key header or the form's key. *random says that there was neither. */
static apr_status_t seed_of(oc_request_t *q, unsigned char seed[32], int *random)
{
    const char *key = apr_table_get(q->r->headers_in, "Idempotency-Key");
    size_t n = key ? strlen(key) : 0;

    if (n > 1 && key[0] == '"' && key[n - 1] == '"') {
        key = apr_pstrmemdup(q->r->pool, key + 1, n - 2); /* a structured field's string */
    }
    if (key && (strlen(key) == 0 || strlen(key) > 255 || !oc_str_header_ok(key))) {
        return oc_result_field(&q->result, OC_REASON_OK, "key",
                               "Idempotency-Key: 1 to 255 characters");
    }
    key = key ? key : oc_input_text(&q->in, "key");
    *random = !key;
    if ((key ? oc_token_seed(&q->scope, key, seed) : oc_crypto_random(seed, 32)) != APR_SUCCESS) {
        return oc_result_fail(&q->result, OC_REASON_INTERNAL, "no seed");
    }
    return APR_SUCCESS;
}

/* A good outcome: 303 for forms, a document for programs. */
static int succeed(oc_request_t *q, const oc_act_t *act, const char *verb, const char *back,
                   int status)
{
    const char *sentence = oc_view_act_sentence(&q->view, act, verb);
    const char *path =
        act->booking && act->booking->item ? oc_view_booking_path(&q->view, act->booking) : NULL;
    int i;

    if (q->json) {
        if (status == HTTP_CREATED && path) {
            apr_table_setn(q->r->headers_out, "Location", path);
        }
        return oc_request_send(q, status, oc_api_act(&q->view, act, verb));
    }
    for (i = 0; i < q->in.remarks->nelts; ++i) {
        sentence = apr_pstrcat(q->r->pool, sentence, " ",
                               APR_ARRAY_IDX(q->in.remarks, i, const char *), NULL);
    }
    if (!back) {
        back = path && strcmp(verb, "cancel") != 0
                   ? path
                   : apr_pstrcat(q->r->pool, q->view.base, "/bookings", NULL);
    }
    return oc_request_redirect(q, back, sentence);
}

/* The end of every act: audit line, answer, and the operation's memory. ran: what oc_request_run()
 * said, without which neither act nor wanted may be looked at. */
static int conclude(oc_request_t *q, int ran, oc_verb_t verb, const oc_act_t *act,
                    const oc_booking_t *wanted, const char *back, const oc_form_t *form,
                    const char *ref)
{
    const char *name = oc_verb_token(verb);
    int rc;

    act = ran ? act : NULL;
    oc_request_audit(q, verb, act, ran ? wanted : NULL);
    if (q->result.reason == OC_REASON_OK && act) {
        rc = succeed(q, act, name, back,
                     verb == OC_VERB_BOOK && !act->replayed ? HTTP_CREATED : HTTP_OK);
    } else {
        rc = refuse(q, act, name, form, ref);
    }
    oc_request_done(q);
    return rc;
}

/* Names among the attendees; what is put back into the form knows of it. */
static apr_status_t resolve(oc_request_t *q, const oc_form_t **form)
{
    apr_status_t rv = oc_people_resolve(q);

    *form = q->in.form;
    return rv;
}

static int post_booking(oc_request_t *q, const char *arg)
{
    oc_book_args_t args = {0};
    const oc_form_t *form;
    const char *back;
    oc_act_t *act = NULL;
    oc_identity_t *id;
    oc_call_t *call;
    int ran;

    (void)arg;
    if (oc_handler_admit(q, &form, &back) != APR_SUCCESS) {
        return refuse(q, NULL, "book", form, NULL);
    }
    if (oc_people_only_looks(q)) {
        return oc_people_look(q, NULL);
    }
    if (resolve(q, &form) != APR_SUCCESS ||
        seed_of(q, args.seed, &args.random_seed) != APR_SUCCESS ||
        !(call = oc_request_call(q, &id))) {
        return refuse(q, NULL, "book", form, NULL);
    }
    args.check_people = oc_input_flag(&q->in, "check_people");
    args.booking = oc_input_booking(&q->in, call->pool, &q->result);
    if (!args.booking) {
        oc_call_destroy(call);
        return refuse(q, NULL, "book", form, NULL);
    }
    ran = oc_request_run(q, call, id,
                         oc_op_book(call, q->backend, &q->op_conf,
                                    apr_pmemdup(call->pool, &args, sizeof(args)), &act),
                         OC_VERB_BOOK);
    return conclude(q, ran, OC_VERB_BOOK, act, args.booking, back, form, NULL);
}

static int change_booking(oc_request_t *q, const char *ref, const oc_form_t *form, const char *back)
{
    oc_change_args_t args = {0};
    const char *etag = apr_table_get(q->r->headers_in, "If-Match");
    const char *item = oc_request_item(q, ref, &q->result);
    oc_act_t *act = NULL;
    oc_identity_t *id;
    oc_call_t *call;
    int ran;

    if (!item) {
        return refuse(q, NULL, "change", form, ref);
    }
    if (oc_people_only_looks(q)) {
        return oc_people_look(q, ref);
    }
    if (resolve(q, &form) != APR_SUCCESS || !(call = oc_request_call(q, &id))) {
        return refuse(q, NULL, "change", form, ref);
    }
    args.item = apr_pstrdup(call->pool, item);
    if (etag && strcmp(etag, "*") != 0 && strlen(etag) < 200 && oc_str_header_ok(etag)) {
        args.if_etag = apr_pstrdup(call->pool, etag);
    }
    if (oc_input_change(&q->in, call->pool, &args, &q->result) != APR_SUCCESS) {
        oc_call_destroy(call);
        return refuse(q, NULL, "change", form, ref);
    }
    ran = oc_request_run(q, call, id,
                         oc_op_change(call, q->backend, &q->op_conf,
                                      apr_pmemdup(call->pool, &args, sizeof(args)), &act),
                         OC_VERB_CHANGE);
    return conclude(q, ran, OC_VERB_CHANGE, act, NULL, back, form, ref);
}

static int cancel_booking(oc_request_t *q, const char *ref, const oc_form_t *form, const char *back)
{
    const char *item = oc_request_item(q, ref, &q->result),
               *reason = oc_input_text(&q->in, "reason");
    oc_act_t *act = NULL;
    oc_identity_t *id;
    oc_call_t *call;
    int ran;

    if (!item || !(call = oc_request_call(q, &id))) {
        return refuse(q, NULL, "cancel", form, ref);
    }
    item = apr_pstrdup(call->pool, item);
    reason = reason ? apr_pstrdup(call->pool, reason) : NULL;
    ran =
        oc_request_run(q, call, id, oc_op_cancel(call, q->backend, &q->op_conf, item, reason, &act),
                       OC_VERB_CANCEL);
    return conclude(q, ran, OC_VERB_CANCEL, act, NULL, back, form, ref);
}

static int post_to_booking(oc_request_t *q, const char *ref)
{
    const oc_form_t *form;
    const char *back, *action;

    if (oc_handler_admit(q, &form, &back) != APR_SUCCESS) {
        action = form ? oc_input_text(&q->in, "action") : NULL;
        return refuse(q, NULL, action && strcmp(action, "cancel") == 0 ? "cancel" : "change", form,
                      ref);
    }
    action = oc_input_text(&q->in, "action");
    if (action && strcmp(action, "cancel") == 0) {
        return cancel_booking(q, ref, form, back);
    }
    if (action && strcmp(action, "update") == 0) {
        return change_booking(q, ref, form, back);
    }
    oc_result_field(&q->result, OC_REASON_OK, "action", "update or cancel is wanted");
    return refuse(q, NULL, "change", form, ref);
}

static int patch_booking(oc_request_t *q, const char *ref)
{
    const oc_form_t *form;
    const char *back;

    if (oc_handler_admit(q, &form, &back) != APR_SUCCESS) {
        return refuse(q, NULL, "change", form, ref);
    }
    if (!q->in.json) {
        oc_result_fail(&q->result, OC_REASON_UNSUPPORTED_TYPE, "PATCH takes application/json");
        return oc_request_problem(q, NULL, "change", NULL, NULL);
    }
    return change_booking(q, ref, form, back);
}

static int delete_booking(oc_request_t *q, const char *ref)
{
    const oc_form_t *form;
    const char *back;

    if (oc_handler_admit(q, &form, &back) != APR_SUCCESS) {
        return oc_request_problem(q, NULL, "cancel", NULL, NULL);
    }
    return cancel_booking(q, ref, form, back);
}

static int get_check(oc_request_t *q, const char *arg)
{
    (void)arg;
    return oc_check_run(q);
}

static int get_people(oc_request_t *q, const char *arg)
{
    (void)arg;
    return query(q) ? oc_people_get(q) : oc_request_problem(q, NULL, "people", NULL, NULL);
}

/* ---- routing ---- */

static const struct route_t {
    const char *path; /* a '*' takes one segment as the argument */
    int method;
    const char *name; /* of the method; a GET answers HEAD, too */
    int (*run)(oc_request_t *q, const char *arg);
} routes[] = {
    {"", M_GET, "GET, HEAD", get_rooms},
    {"rooms", M_GET, "GET, HEAD", get_rooms},
    {"rooms/*", M_GET, "GET, HEAD", oc_calendar_room},
    {"rooms/*/panel", M_GET, "GET, HEAD", oc_panel_get},
    {"rooms/*/panel", M_POST, "POST", oc_panel_post},
    {"freebusy", M_GET, "GET, HEAD", get_freebusy},
    {"bookings", M_GET, "GET, HEAD", get_bookings},
    {"bookings", M_POST, "POST", post_booking},
    {"bookings/new", M_GET, "GET, HEAD", get_form},
    {"bookings/*", M_GET, "GET, HEAD", get_booking},
    {"bookings/*", M_POST, "POST", post_to_booking},
    {"bookings/*", M_PATCH, "PATCH", patch_booking},
    {"bookings/*", M_DELETE, "DELETE", delete_booking},
    {"people", M_GET, "GET, HEAD", get_people},
    {"check", M_GET, "GET, HEAD", get_check},
};

/* An address that ends in .ics is there only where a calendar is. */
static int in_format(const oc_request_t *q, const struct route_t *route)
{
    return q->ics < 2 || route->run == oc_calendar_room || route->run == get_bookings ||
           route->run == get_booking;
}

/* The argument if `route` fits `path`, else NULL. */
static const char *fits(apr_pool_t *pool, const char *path, const char *route)
{
    const char *star = strchr(path, '*');
    size_t before = star ? (size_t)(star - path) : 0, n;

    if (!star) {
        return strcmp(path, route) == 0 ? "" : NULL;
    }
    if (strncmp(route, path, before) != 0) {
        return NULL;
    }
    n = strcspn(route + before, "/");
    return n > 0 && strcmp(route + before + n, star + 1) == 0
               ? apr_pstrmemdup(pool, route + before, n) : NULL;
}

/* ---- a form that cannot even be looked at ---- */

/* Was this sent by a page of ours to the person it was sent by? Only then may what was typed stand
 * in a page with that person's data. */
static int is_ours(oc_request_t *q)
{
    oc_result_t res;

    oc_result_init(&res, q->r->pool);
    q->scope.secret = q->shared ? q->shared->secret : NULL;
    q->scope.user = q->person.user;
    q->scope.backend = q->backend ? q->backend->conf->name : NULL;
    return oc_input_ours(q->r, q->conf) ||
           (q->scope.secret && q->scope.user && q->scope.backend &&
            oc_token_form_check(&q->scope, oc_input_text(&q->in, "token"), oc_clock_wall(),
                                &res) == APR_SUCCESS);
}

/* The handler's base as the address has it: the location may be without one. */
static const char *booking_of(oc_request_t *q)
{
    const char *at = strstr(q->r->uri, "/bookings");

    if (!*q->route && at && q->r->uri[1] != '/') {
        q->view.base = apr_pstrmemdup(q->r->pool, q->r->uri, (apr_size_t)(at - q->r->uri));
        q->route = at + 1;
    }
    return strcmp(q->route, "bookings") == 0 ? "" : fits(q->r->pool, "bookings/*", q->route);
}

/* Who acts, or where, could not be found out: q->result says why. A form comes back all the same.
 * It has the token it came with, for no other can be made: once the matter is mended it can be
 * sent. */
static int unopened(oc_request_t *q)
{
    const char *ref, *action, *target;
    oc_result_t res;

    oc_result_init(&res, q->r->pool);
    if (q->r->method_number != M_POST || q->r->main || q->json || !(ref = booking_of(q)) ||
        read_body(q, &res) != APR_SUCCESS || q->in.json) {
        return oc_request_problem(q, NULL, "", NULL, NULL);
    }
    oc_input_check(&q->in, &res); /* what is wrong with the fields is told, too */
    q->view.token = oc_input_text(&q->in, "token");
    q->view.token = q->view.token ? q->view.token : "";
    if (!q->person.user) { /* a stranger is not told which rooms there are */
        q->view.rooms = apr_array_make(q->r->pool, 1, sizeof(const oc_room_t *));
    }
    target = wants_back(q);
    q->back = target && is_ours(q) ? oc_words_return(q->r->pool, target, q->dir->returns) : NULL;
    action = oc_input_text(&q->in, "action");
    return oc_again_answer(q, NULL,
                           !*ref                                      ? "book"
                           : action && strcmp(action, "cancel") == 0 ? "cancel"
                                                                     : "change",
                           *ref ? ref : NULL);
}

int oc_handler(request_rec *r)
{
    oc_request_t q;
    size_t i;
    int found = 0;

    if (!r->handler || strcmp(r->handler, "owacal") != 0) {
        return DECLINED;
    }
    if (oc_request_open(&q, r) != APR_SUCCESS) {
        oc_log(oc_reason_loglevel(q.result.reason), 0, NULL, OC_LOGID(0550) "%s: %s",
               oc_reason_token(q.result.reason), q.result.detail);
        if (oc_check_explains(&q)) {
            return oc_check_run(&q);
        }
        return unopened(&q);
    }
    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); ++i) {
        const char *arg = fits(r->pool, routes[i].path, q.route);
        if (arg && in_format(&q, &routes[i])) {
            if (r->method_number == routes[i].method) {
                return routes[i].run(&q, arg);
            }
            found = 1;
            r->allowed |= AP_METHOD_BIT << routes[i].method;
        }
    }
    if (found && r->method_number == M_OPTIONS) {
        return DECLINED; /* the core answers with what is allowed */
    }
    if (found) {
        const char *allow = "";
        for (i = 0; i < sizeof(routes) / sizeof(routes[0]); ++i) {
            if (fits(r->pool, routes[i].path, q.route) && in_format(&q, &routes[i])) {
                allow = apr_pstrcat(r->pool, allow, *allow ? ", " : "", routes[i].name, NULL);
            }
        }
        apr_table_setn(r->headers_out, "Allow", allow);
    }
    oc_result_fail(&q.result, found ? OC_REASON_METHOD : OC_REASON_NO_SUCH_PAGE, "%s %s", r->method,
                   oc_str_log(r->pool, r->uri, 200));
    return oc_request_problem(&q, NULL, "", NULL, NULL);
}
