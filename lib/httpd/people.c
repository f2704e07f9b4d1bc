/* people.c - see people.h. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "httpd/again.h"
#include "httpd/people.h"
#include "view/people.h"

/* ---- looking up ---- */

/* Copied out of the operation. 0: it failed, see q->result. */
static int look_up(oc_request_t *q, const char *const *texts, int count, oc_people_t **copies)
{
    oc_identity_t *id;
    oc_call_t *call = oc_request_call(q, &id);
    oc_people_query_t *queries;
    oc_people_t **found;
    int i, ok;

    if (!call) {
        return 0;
    }
    queries = apr_pcalloc(call->pool, sizeof(*queries) * (apr_size_t)count);
    found = apr_pcalloc(call->pool, sizeof(*found) * (apr_size_t)count);
    for (i = 0; i < count; ++i) {
        queries[i].text = apr_pstrdup(call->pool, texts[i]);
        queries[i].max = OC_PEOPLE_ROWS;
        queries[i].members = q->conf->max_attendees;
    }
    ok = oc_request_run(q, call, id,
                        oc_op_people(call, q->backend, &q->op_conf, queries, count, found),
                        OC_VERB_PEOPLE) &&
         q->result.reason == OC_REASON_OK;
    for (i = 0; ok && i < count; ++i) {
        copies[i] = oc_people_copy(q->r->pool, found[i]);
    }
    oc_request_done(q);
    return ok;
}

int oc_people_get(oc_request_t *q)
{
    const char *text = oc_input_text(&q->in, "q");
    oc_people_t *found = NULL;

    if (!text && !q->json) {
        return oc_request_send(q, HTTP_OK, oc_page_people(&q->view, NULL, NULL));
    }
    if (!oc_people_text_ok(q->r->pool, text)) {
        oc_result_field(&q->result, OC_REASON_OK, "q", "%d to %d characters are wanted",
                        OC_PEOPLE_MIN, OC_PEOPLE_MAX);
        return oc_request_problem(q, NULL, "people", NULL, NULL);
    }
    text = oc_str_trim(q->r->pool, text);
    if (!look_up(q, &text, 1, &found)) {
        return oc_request_problem(q, NULL, "people", NULL, NULL);
    }
    return oc_request_send(q, HTTP_OK, q->json ? oc_api_people(&q->view, text, found)
                                               : oc_page_people(&q->view, text, found));
}

int oc_people_lists(const oc_request_t *q, const apr_array_header_t *who)
{
    int i;

    for (i = 0; i < who->nelts; ++i) {
        if (!oc_room_by_address(q->conf->rooms, APR_ARRAY_IDX(who, i, const char *))) {
            return q->conf->max_attendees;
        }
    }
    return 0;
}

/* ---- names in the form ---- */

static const char *const roles[] = {"required", "optional"};
#define NROLES ((int)(sizeof(roles) / sizeof(roles[0])))

typedef struct entry_text_t {
    int role;
    const char *text; /* as typed; an address stays as it is */
    const char *name; /* to be looked up; NULL: an address, or what input.c will refuse */
} entry_text_t;

/* What is no address and does not try to be one. Quotes around it are not part of the name. */
static const char *name_in(apr_pool_t *pool, const char *text)
{
    size_t n = strlen(text);

    if (strpbrk(text, "@<>")) {
        return NULL;
    }
    return n > 1 && text[0] == '"' && text[n - 1] == '"' ? apr_pstrmemdup(pool, text + 1, n - 2)
                                                        : text;
}

static int role_of(const char *field)
{
    for (int i = 0; i < NROLES; ++i) {
        if (strcmp(field, roles[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* entry_text_t for everybody named; NULL if all are addresses. */
static apr_array_header_t *entries_of(const oc_request_t *q)
{
    apr_pool_t *pool = q->r->pool;
    apr_array_header_t *entries = apr_array_make(pool, 8, sizeof(entry_text_t));
    int i, k, names = 0;

    for (i = 0; i < q->in.form->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(q->in.form->fields, i, oc_field_t);
        int role = role_of(f->name);
        char *line = apr_pstrdup(pool, f->value), *p;
        apr_array_header_t *rows;

        for (p = line; role >= 0 && *p; ++p) { /* a textarea may have one a line */
            *p = *p == '\r' || *p == '\n' ? ',' : *p;
        }
        rows = role >= 0 ? oc_attendee_split(pool, line) : NULL;
        for (k = 0; rows && k < rows->nelts; ++k) {
            entry_text_t *e = apr_array_push(entries);
            e->role = role;
            e->text = oc_str_trim(pool, APR_ARRAY_IDX(rows, k, const char *));
            e->name = name_in(pool, e->text);
            names += e->name != NULL;
        }
    }
    return names ? entries : NULL;
}

/* The form with one field for each role, of the entries that have a text. */
static oc_form_t *form_with(const oc_request_t *q, const apr_array_header_t *entries)
{
    oc_form_t *form = apr_palloc(q->r->pool, sizeof(*form));
    int i, role;

    form->fields = apr_array_make(q->r->pool, q->in.form->fields->nelts + 2, sizeof(oc_field_t));
    for (i = 0; i < q->in.form->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(q->in.form->fields, i, oc_field_t);
        if (role_of(f->name) < 0) {
            APR_ARRAY_PUSH(form->fields, oc_field_t) = *f;
        }
    }
    for (role = 0; role < NROLES; ++role) {
        apr_array_header_t *texts = apr_array_make(q->r->pool, 8, sizeof(const char *));
        oc_field_t f = {roles[role], NULL, OC_VALUE_TEXT};
        for (i = 0; i < entries->nelts; ++i) {
            const entry_text_t *e = &APR_ARRAY_IDX(entries, i, entry_text_t);
            if (e->role == role && e->text) {
                APR_ARRAY_PUSH(texts, const char *) = texts->nelts ? ", " : "";
                APR_ARRAY_PUSH(texts, const char *) = e->text;
            }
        }
        if (texts->nelts || oc_form_get(q->in.form, roles[role])) {
            f.value = apr_array_pstrcat(q->r->pool, texts, 0);
            APR_ARRAY_PUSH(form->fields, oc_field_t) = f;
        }
    }
    return form;
}

/* Each different name once; their number, OC_OP_MAX_NAMES + 1 if there are more than fit. */
static int names_of(const oc_request_t *q, const apr_array_header_t *entries, const char **names)
{
    int i, k, n = 0;

    for (i = 0; i < entries->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(entries, i, entry_text_t).name;
        if (!name || !oc_people_text_ok(q->r->pool, name)) {
            continue;
        }
        for (k = 0; k < n && strcmp(names[k], name) != 0; ++k) {
        }
        if (k == OC_OP_MAX_NAMES) {
            return k + 1;
        }
        if (k == n) {
            names[n++] = name;
        }
    }
    return n;
}

static void settle(oc_request_t *q, entry_text_t *e, const oc_people_t *found)
{
    const oc_entry_t *only = found && !q->in.json ? oc_people_only(found) : NULL;
    const char *value = only ? oc_people_value(q->r->pool, only) : NULL;
    oc_asked_t *a;

    if (value) {
        APR_ARRAY_PUSH(q->in.remarks, const char *) =
            oc_view_with(&q->view, "“{name}” was taken for {entry}.", "name", e->name, "entry",
                         oc_people_label(&q->view, only), NULL);
        e->text = value;
        return;
    }
    a = apr_array_push((apr_array_header_t *)q->view.asked);
    a->field = roles[e->role];
    a->text = e->name;
    a->found = found;
    e->text = NULL;
}

static apr_status_t refuse_names(oc_request_t *q)
{
    const oc_asked_t *a = &APR_ARRAY_IDX(q->view.asked, 0, oc_asked_t);
    int n = a->found ? a->found->entries->nelts : 0;

    return oc_result_field(
        &q->result, OC_REASON_OK, a->field,
        !a->found ? "“%s” is no mail address, and too short or too long to be looked up"
        : n == 0  ? "“%s” is no mail address, and nobody of that name was found"
        : n == 1  ? "“%s” is no mail address, and one entry of the address book may be meant"
                  : "“%s” is no mail address, and several entries of the address book may be meant",
        oc_str_log(q->r->pool, a->text, 64));
}

apr_status_t oc_people_resolve(oc_request_t *q)
{
    apr_array_header_t *entries = entries_of(q);
    const char *names[OC_OP_MAX_NAMES];
    oc_people_t *found[OC_OP_MAX_NAMES];
    int i, k, n, most = q->conf->max_attendees;

    if (!entries) {
        return APR_SUCCESS;
    }
    if (entries->nelts > most) { /* before each of them becomes a question */
        return oc_result_field(&q->result, OC_REASON_TOO_MANY_ATTENDEES,
                               roles[APR_ARRAY_IDX(entries, most, entry_text_t).role],
                               "more than %d attendees", most);
    }
    n = names_of(q, entries, names);
    if (n > OC_OP_MAX_NAMES) {
        return oc_result_field(&q->result, OC_REASON_OK, roles[0],
                               "at most %d names can be looked up at a time", OC_OP_MAX_NAMES);
    }
    if (n > 0 && !look_up(q, names, n, found)) {
        return APR_EGENERAL;
    }
    q->view.asked = apr_array_make(q->r->pool, 2, sizeof(oc_asked_t));
    for (i = 0; i < entries->nelts; ++i) {
        entry_text_t *e = &APR_ARRAY_IDX(entries, i, entry_text_t);
        for (k = 0; e->name && k < n && strcmp(names[k], e->name) != 0; ++k) {
        }
        if (e->name) {
            settle(q, e, k < n ? found[k] : NULL);
        }
    }
    q->in.form = form_with(q, entries);
    return q->view.asked->nelts ? refuse_names(q) : APR_SUCCESS;
}

int oc_people_only_looks(const oc_request_t *q)
{
    return oc_input_flag(&q->in, "lookup") && !q->in.json;
}

int oc_people_look(oc_request_t *q, const char *ref)
{
    /* Names that are left are what it is for; anything else that failed is told as ever. */
    if (oc_people_resolve(q) != APR_SUCCESS && q->view.asked && q->view.asked->nelts) {
        oc_result_clear(&q->result);
    }
    if (q->json) { /* there is only the page */
        q->json = 0;
        q->view.token = oc_token_form(q->r->pool, &q->scope, oc_clock_wall());
    }
    return oc_again_answer(q, NULL, ref ? "change" : "book", ref);
}
