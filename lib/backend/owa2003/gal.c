/* gal.c - the address book: galfind, and the person's own distribution lists.
 *
 *   GET /exchange/ana/?Cmd=galfind&DN=smi
 *
 *   <a:response xmlns:a="WM"><a:items><a:item><a:DN>Smith, Bo</a:DN><a:EM>bo@x</a:EM>
 *       <a:AN>bo</a:AN><a:OFFICE>4.12</a:OFFICE>...</a:item></a:items></a:response>
 *
 * The fields of one query are ANDed, each by the beginning of the value (DavMail, Evolution
 * Connector); who is meant may be known by any of them, so several queries go side by side. The
 * element around the rows is not certain, and not looked at. Nothing found and too much found both
 * come as an `error` element or as fewer rows. All of that is what people wrote down, hence texts
 * like any other: markup, direction marks and what not.
 */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"

#define LISTS_READ 5      /* of which the members are read in one look-up */
#define VALUE_MAX  512    /* bytes of one value kept */
static const oc_xml_limits_t limits = {8, 0, 16384, 1024 * 1024};

typedef struct people_t {
    owa_verb_t v; /* first */
    const oc_people_query_t *query;
    const char *text; /* trimmed */
    oc_people_t *out;
    apr_array_header_t *lists; /* owa_dl_t *: those whose members are read */
    int waiting;
} people_t;

enum { VALUE_DN, VALUE_EM, VALUE_AN, VALUE_TL, VALUE_CP, VALUE_OFFICE, VALUES };

typedef struct query_t { /* one galfind */
    people_t *f;
    const char *value[VALUES];
    int answered; /* its root element was one */
    apr_pool_t *scratch;
} query_t;

enum { AT_ROOT, AT_RESPONSE, AT_GROUP, AT_ITEM, AT_ERROR, AT_VALUE };

static const oc_xml_row_t table[] = {
    {AT_ROOT, OC_XML_ANY, "response", AT_RESPONSE, 0},
    {AT_RESPONSE, OC_XML_ANY, "item", AT_ITEM, 0},
    {AT_RESPONSE, OC_XML_ANY, "error", AT_ERROR, 0},
    {AT_RESPONSE, OC_XML_ANY, OC_XML_ANY, AT_GROUP, 0},
    {AT_GROUP, OC_XML_ANY, "item", AT_ITEM, 0},
    {AT_GROUP, OC_XML_ANY, "error", AT_ERROR, 0},
    {AT_ITEM, OC_XML_ANY, "DN", AT_VALUE + VALUE_DN, OC_XML_TEXT},
    {AT_ITEM, OC_XML_ANY, "EM", AT_VALUE + VALUE_EM, OC_XML_TEXT},
    {AT_ITEM, OC_XML_ANY, "AN", AT_VALUE + VALUE_AN, OC_XML_TEXT},
    {AT_ITEM, OC_XML_ANY, "TL", AT_VALUE + VALUE_TL, OC_XML_TEXT},
    {AT_ITEM, OC_XML_ANY, "CP", AT_VALUE + VALUE_CP, OC_XML_TEXT},
    {AT_ITEM, OC_XML_ANY, "OFFICE", AT_VALUE + VALUE_OFFICE, OC_XML_TEXT},
    {0, NULL, NULL, 0, 0},
};

/* ---- reading ---- */

/* On one line, cut between characters; NULL if nothing is left. */
static const char *value_of(apr_pool_t *pool, const char *text)
{
    char *copy, *p;
    apr_size_t n;

    if (!text || !*(text = oc_str_trim(pool, text))) {
        return NULL;
    }
    n = strlen(text);
    if (n > VALUE_MAX) {
        for (n = VALUE_MAX; n > 0 && (text[n] & 0xc0) == 0x80; --n) {
        }
    }
    copy = apr_pstrmemdup(pool, text, n);
    for (p = copy; *p; ++p) {
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p;
    }
    return *copy ? copy : NULL;
}

static oc_entry_t *entry_at(const people_t *f, const char *address)
{
    int i;

    for (i = 0; i < f->out->entries->nelts; ++i) {
        oc_entry_t *e = APR_ARRAY_IDX(f->out->entries, i, oc_entry_t *);
        if (e->address && oc_attendee_same(e->address, address)) {
            return e;
        }
    }
    return NULL;
}

static void take(query_t *q)
{
    people_t *f = q->f;
    apr_pool_t *pool = f->v.pool;
    const char *address = q->value[VALUE_EM];
    oc_entry_t one = {0}, *e;

    if (!address || !oc_attendee_address_ok(address)) {
        return; /* nobody could be invited by it */
    }
    one.name = q->value[VALUE_DN] ? q->value[VALUE_DN] : address;
    one.address = address;
    one.alias = q->value[VALUE_AN];
    one.fit = oc_people_fit(q->scratch, f->text, &one);
    e = entry_at(f, address);
    if (e) { /* found by another query, or under another name */
        e->fit = e->fit > one.fit ? e->fit : one.fit;
        return;
    }
    if (f->out->entries->nelts >= f->query->max) {
        f->out->more = 1;
        return;
    }
    e = apr_pmemdup(pool, &one, sizeof(one));
    e->name = apr_pstrdup(pool, one.name);
    e->address = apr_pstrdup(pool, address);
    e->alias = apr_pstrdup(pool, one.alias);
    e->title = apr_pstrdup(pool, q->value[VALUE_TL]);
    e->office = apr_pstrdup(pool, q->value[VALUE_OFFICE]);
    e->company = apr_pstrdup(pool, q->value[VALUE_CP]);
    APR_ARRAY_PUSH(f->out->entries, oc_entry_t *) = e;
}

static apr_status_t on_open(void *baton, int state, const char *ns, const char *name)
{
    query_t *q = baton;

    (void)ns, (void)name;
    if (state == AT_RESPONSE) {
        q->answered = 1;
    } else if (state == AT_ERROR) {
        q->f->out->refused = 1;
    } else if (state == AT_ITEM) {
        memset(q->value, 0, sizeof(q->value));
        apr_pool_clear(q->scratch);
    }
    return APR_SUCCESS;
}

static apr_status_t on_close(void *baton, int state, const char *ns, const char *name,
                             const char *text, apr_size_t len)
{
    query_t *q = baton;

    (void)ns, (void)name, (void)len;
    if (state >= AT_VALUE) {
        q->value[state - AT_VALUE] = value_of(q->scratch, text);
    } else if (state == AT_ITEM) {
        take(q);
    }
    return APR_SUCCESS;
}

/* ---- asking ---- */

static void one_done(owa_verb_t *v)
{
    people_t *f = (people_t *)v;
    int i;

    if (--f->waiting > 0) {
        return;
    }
    for (i = 0; f->lists && i < f->lists->nelts; ++i) {
        const owa_dl_t *dl = APR_ARRAY_IDX(f->lists, i, const owa_dl_t *);
        oc_entry_t *e = apr_pcalloc(v->pool, sizeof(*e));
        e->name = dl->name;
        e->kind = OC_PEOPLE_LIST;
        e->members = dl->members;
        e->fit = oc_people_fit(v->pool, f->text, e);
        APR_ARRAY_PUSH(f->out->entries, oc_entry_t *) = e;
    }
    oc_people_sort(v->pool, f->out->entries);
    if (f->out->entries->nelts > f->query->max) {
        f->out->entries->nelts = f->query->max;
        f->out->more = 1;
    }
    owa_finish(v);
}

static void answered(owa_verb_t *v, owa_ask_t *a)
{
    const query_t *q = a->baton;

    if (a->res.reason == OC_REASON_OK && !q->answered) {
        oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL,
                       "%s: a document of another kind instead of data", a->x->purpose);
    }
    if (a->res.reason != OC_REASON_OK) {
        if (owa_restart(v, a, NULL)) {
            return;
        }
        if (a->res.reason == OC_REASON_BOOKING_NOT_FOUND) {
            oc_result_clear(&a->res);
            oc_result_fail(&a->res, OC_REASON_MAILBOX_NOT_FOUND, "404 to the mailbox itself");
            a->res.upstream_status = 404;
        }
        owa_fail(v, a, "people");
        return;
    }
    one_done(v);
}

static void ask_for(people_t *f, const char *query)
{
    oc_xml_sink_t sink = {on_open, on_close, NULL};
    owa_verb_t *v = &f->v;
    query_t *q = apr_pcalloc(v->pool, sizeof(*q));
    owa_ask_t *a = owa_ask(v, NULL, "GET",
                           apr_pstrcat(v->pool, owa_gal_path(v), "?Cmd=galfind", query, NULL),
                           "address book", OWA_WANT_XML, answered);

    q->f = f;
    apr_pool_create(&q->scratch, v->pool);
    sink.baton = q;
    a->baton = q;
    a->xml = oc_xml_open(v->pool, table, &sink, &limits);
    ++f->waiting;
    owa_send(v, a);
}

static const char *field(people_t *f, const char *name, const char *value)
{
    return apr_pstrcat(f->v.pool, "&", name, "=", oc_str_query(f->v.pool, value), NULL);
}

/* "Bo Smith" and "Smith, Bo". */
static void ask_for_names(people_t *f, const char *first, const char *last)
{
    ask_for(f, apr_pstrcat(f->v.pool, field(f, "FN", first), field(f, "LN", last), NULL));
}

static void ask_gal(people_t *f)
{
    apr_pool_t *pool = f->v.pool;
    apr_size_t n = strcspn(f->text, " ,");
    const char *rest = f->text + n + strspn(f->text + n, " ,");
    const char *at = strchr(f->text, '@');

    if (at) { /* nobody ever asked for EM: the alias it is, and the rows are compared */
        if (at > f->text) {
            ask_for(f, field(f, "AN", apr_pstrmemdup(pool, f->text, (apr_size_t)(at - f->text))));
        }
        return;
    }
    ask_for(f, field(f, "DN", f->text));
    if (n > 0 && *rest) {
        const char *word = apr_pstrmemdup(pool, f->text, n);
        ask_for_names(f, word, rest);
        ask_for_names(f, rest, word);
    } else {
        ask_for(f, field(f, "AN", f->text));
        ask_for(f, field(f, "LN", f->text));
    }
}

static void lists_found(owa_verb_t *v, apr_array_header_t *lists, const oc_result_t *res)
{
    people_t *f = (people_t *)v;
    int i;

    if (!lists) {
        owa_fail_with(v, res, "people > find lists");
        return;
    }
    f->lists = apr_array_make(v->pool, 2, sizeof(owa_dl_t *));
    for (i = 0; i < lists->nelts; ++i) {
        owa_dl_t *dl = APR_ARRAY_IDX(lists, i, owa_dl_t *);
        oc_entry_t e = {.name = dl->name};
        if (oc_people_fit(v->pool, f->text, &e) == OC_PEOPLE_FAR) {
            continue;
        }
        if (f->lists->nelts == LISTS_READ) {
            f->out->more = 1;
            break;
        }
        APR_ARRAY_PUSH(f->lists, owa_dl_t *) = dl;
    }
    f->waiting += f->lists->nelts;
    for (i = 0; i < f->lists->nelts; ++i) {
        owa_list_read(v, APR_ARRAY_IDX(f->lists, i, owa_dl_t *), f->query->members, one_done);
    }
    one_done(v);
}

static void start(owa_verb_t *v)
{
    people_t *f = (people_t *)v;

    apr_array_clear(f->out->entries);
    f->lists = NULL;
    f->waiting = 1; /* the lists */
    ask_gal(f);
    owa_lists_find(v, lists_found);
}

oc_job_t *owa_people(const oc_backend_t *be, oc_call_t *call, const oc_people_query_t *query,
                     oc_people_t **out)
{
    people_t *f;

    *out = apr_pcalloc(call->pool, sizeof(**out));
    (*out)->entries = apr_array_make(call->pool, 8, sizeof(oc_entry_t *));
    if (!oc_people_text_ok(call->pool, query->text) || query->max < 1
        || query->max > OC_PEOPLE_ROWS) {
        oc_result_fail(&call->result, OC_REASON_INVALID_INPUT,
                       "people: %d to %d characters to look for", OC_PEOPLE_MIN, OC_PEOPLE_MAX);
        return NULL;
    }
    f = (people_t *)owa_verb(be, call, sizeof(*f), "people", start);
    f->query = query;
    f->text = oc_str_trim(call->pool, query->text);
    f->out = *out;
    return &f->v.job;
}
