/* SEARCH: rows of the scopes that satisfy the condition, in order, by pages. */
#include "recur.h"
#include "sql.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_EVERY 64 /* rows between two clearings of the scratch pool */

typedef struct result_t {
    sim_row_t row;
    const char **keys; /* one for each ORDER BY column, NULL: absent */
    int at; /* place before sorting: equals keep their order */
} result_t;

typedef struct search_t {
    sim_req_t *q;
    sim_sql_t sql;
    apr_pool_t *scratch;
    unsigned looked;
    result_t *results;
    int n, size;
    int expand; /* there is a window in which series are expanded */
    apr_time_t from, to;
    const sim_row_t *master; /* of the series being expanded */
} search_t;

static void consider(search_t *s, const sim_row_t *row)
{
    if (++s->looked % SCRATCH_EVERY == 0) {
        apr_pool_clear(s->scratch);
    }
    if (!sim_sql_match(s->q, s->scratch, &s->sql, row)) {
        return;
    }
    if (s->n == s->size) {
        result_t *more = apr_palloc(s->q->p, sizeof(*more) * (apr_size_t)(s->size ? s->size * 2
                                                                                   : 64));

        if (s->n) {
            memcpy(more, s->results, sizeof(*more) * (size_t)s->n);
        }
        s->results = more;
        s->size = s->size ? s->size * 2 : 64;
    }
    s->results[s->n].row = *row;
    s->results[s->n++].keys = NULL;
}

static int consider_instance(void *data, int n, apr_time_t start, apr_time_t end)
{
    search_t *s = data;
    sim_row_t row = *s->master;

    row.instance = n;
    row.start = start;
    row.end = end;
    consider(s, &row);
    return 1;
}

static void walk(search_t *s, sim_folder_t *f, sim_traversal_t how)
{
    sim_row_t row = {f, NULL, 0, 0, 0};
    sim_folder_t *sub;
    sim_item_t *item;

    for (sub = f->folders; sub; sub = sub->next) {
        if (sim_rights(s->q, sub->mailbox, sub) < SIM_RIGHT_READ) {
            continue;
        }
        row.folder = sub;
        consider(s, &row);
        if (how != SIM_SHALLOW) {
            walk(s, sub, how);
        }
    }
    row.folder = f;
    for (item = f->items; item && how != SIM_HIERARCHICAL; item = item->next) {
        row.item = item;
        consider(s, &row);
        if (s->expand && sim_recur_is_master(item)) {
            s->master = &row;
            sim_recur_each(item, s->from, s->to, consider_instance, s);
        }
    }
}

/* ---- order ---- */

static int compare_results(const void *a, const void *b, void *data)
{
    const result_t *x = a, *y = b;
    const search_t *s = data;
    int i;

    for (i = 0; i < s->sql.orders->nelts; i++) {
        const sim_sql_order_t *o = &APR_ARRAY_IDX(s->sql.orders, i, sim_sql_order_t);
        const char *k = x->keys[i], *l = y->keys[i];
        int order = !k || !l ? (k != NULL) - (l != NULL)
                             : sim_sql_compare(o->ask.name->type, k, l);

        if (order) {
            return o->descending ? -order : order;
        }
    }
    return x->at < y->at ? -1 : x->at > y->at;
}

static void sort(search_t *s)
{
    int i, j, n = s->sql.orders->nelts;
    sim_value_t v;

    if (!n || !s->n) {
        return;
    }
    for (i = 0; i < s->n; i++) {
        s->results[i].at = i;
        s->results[i].keys = apr_pcalloc(s->q->p, sizeof(char *) * (apr_size_t)n);
        for (j = 0; j < n; j++) {
            const sim_sql_order_t *o = &APR_ARRAY_IDX(s->sql.orders, j, sim_sql_order_t);

            if (sim_row_value(s->q, s->q->p, &s->results[i].row, o->ask.name, &v) && v.n) {
                s->results[i].keys[j] = v.values[0];
            }
        }
    }
    qsort_r(s->results, (size_t)s->n, sizeof(*s->results), compare_results, s);
}

/* ---- reply ---- */

static void write_columns(search_t *s, sim_xml_t *x, const sim_row_t *row, int found, int *skipped)
{
    int i;

    *skipped = 0;
    for (i = 0; i < s->sql.columns->nelts; i++) {
        const sim_sql_column_t *c = &APR_ARRAY_IDX(s->sql.columns, i, sim_sql_column_t);
        const char *ns = c->alias ? NULL : c->ask.ns;
        const char *local = c->alias ? c->alias : c->ask.local;
        sim_value_t v;
        int has = sim_row_value(s->q, s->q->p, row, c->ask.name, &v);

        if (has && found) {
            sim_xml_prop(x, ns, local, v.type, v.n, v.values);
        }
        else if (!has && !found) {
            sim_xml_empty(x, ns, local);
        }
        else {
            *skipped = 1;
        }
    }
}

static void write_row(search_t *s, sim_xml_t *x, const sim_row_t *row)
{
    int skipped;

    if (s->sql.star) {
        sim_propfind_t all = {1, 0, 0, NULL, 0, NULL};

        sim_row_response(x, row, &all, 1);
        return;
    }
    sim_xml_open(x, SIM_NS_DAV, "response");
    sim_xml_text(x, SIM_NS_DAV, "href", sim_row_href(s->q, row));
    sim_xml_open(x, SIM_NS_DAV, "propstat");
    sim_xml_status(x, 200);
    sim_xml_open(x, SIM_NS_DAV, "prop");
    write_columns(s, x, row, 1, &skipped);
    sim_xml_close(x, SIM_NS_DAV, "prop");
    sim_xml_close(x, SIM_NS_DAV, "propstat");
    if (skipped && !s->q->brief) {
        sim_xml_open(x, SIM_NS_DAV, "propstat");
        sim_xml_status(x, 404);
        sim_xml_open(x, SIM_NS_DAV, "prop");
        write_columns(s, x, row, 0, &skipped);
        sim_xml_close(x, SIM_NS_DAV, "prop");
        sim_xml_close(x, SIM_NS_DAV, "propstat");
    }
    sim_xml_close(x, SIM_NS_DAV, "response");
}

/* One part of Range: rows=a-b | a- | -n, into first and last. 0: not such a form; -1: no such
 * rows. */
static int read_rows(const char *text, int total, int *first, int *last)
{
    char *end;
    long a, b;

    if (*text == '-') {
        b = strtol(text + 1, &end, 10);
        if (end == text + 1 || b < 1) {
            return 0;
        }
        *first = b < total ? total - (int)b : 0;
        *last = total - 1;
        return *end && *end != ',' ? 0 : total ? 1 : -1;
    }
    a = strtol(text, &end, 10);
    if (end == text || *end != '-' || a < 0) {
        return 0;
    }
    text = end + 1;
    b = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : (end = (char *)text, total - 1L);
    if ((*end && *end != ',') || (b < a && b != total - 1L)) {
        return 0;
    }
    *first = (int)a;
    *last = b < total ? (int)b : total - 1;
    return a < total ? 1 : -1;
}

/* Writes the rows asked for. 0, or the status to answer instead. */
static int write_rows(search_t *s, sim_xml_t *x)
{
    const char *range = apr_table_get(s->q->r->headers_in, "Range"), *shown = "";
    int i, first, last, any = 0;

    if (range && sim_setting_is(s->q->conf, "range", "ignore")) {
        range = NULL;
    }
    if (range && strncasecmp(range, "rows=", 5) == 0) {
        range += 5;
        for (; range; range = strchr(range, ',') ? strchr(range, ',') + 1 : NULL) {
            int rc = read_rows(range + strspn(range, " "), s->n, &first, &last);

            if (rc == 0) {
                return HTTP_BAD_REQUEST;
            }
            for (i = first; rc > 0 && i <= last; i++) {
                write_row(s, x, &s->results[i].row);
            }
            if (rc > 0) {
                shown = apr_psprintf(s->q->p, "%s%s%d-%d", shown, *shown ? "," : "", first, last);
                any = 1;
            }
        }
        if (!any && (s->n || sim_setting_is(s->q->conf, "range-empty", "416"))) {
            return HTTP_RANGE_NOT_SATISFIABLE;
        }
    }
    else {
        for (i = 0; i < s->n; i++) {
            write_row(s, x, &s->results[i].row);
        }
        shown = s->n ? apr_psprintf(s->q->p, "0-%d", s->n - 1) : "";
    }
    apr_table_setn(s->q->out.headers, "Accept-Ranges", "rows");
    if (*shown && sim_setting_is(s->q->conf, "range", "honour")) {
        apr_table_set(s->q->out.headers, "Content-Range",
                      apr_psprintf(s->q->p, "rows %s; total=%d", shown, s->n));
    }
    return 0;
}

/* 0, or the status that the scope deserves. */
static int search_scope(search_t *s, const sim_sql_scope_t *scope)
{
    sim_target_t t;

    sim_resolve(s->q, sim_target_path(s->q, scope->url), &t);
    if (!t.mailbox) {
        return HTTP_NOT_FOUND;
    }
    if (sim_rights(s->q, t.mailbox, t.folder) < SIM_RIGHT_READ) {
        return (int)sim_setting_number(s->q->conf, "stranger-status");
    }
    if (t.at != SIM_AT_FOLDER) {
        return HTTP_NOT_FOUND;
    }
    walk(s, t.folder, scope->how);
    return 0;
}

int sim_do_search(sim_req_t *q)
{
    const char *text, *wrong;
    search_t s;
    sim_xml_t x;
    int rc, i;

    rc = sim_xml_read_search(q, &text);
    if (rc != OK) {
        sim_wrong(q, 38, "the body is no searchrequest of XML (< in SQL is written &lt;)");
        return sim_answer(q, rc);
    }
    memset(&s, 0, sizeof(s));
    s.q = q;
    wrong = sim_sql_parse(q, text, &s.sql);
    if (wrong) {
        sim_wrong(q, 38, "SQL: %s", wrong);
        return sim_answer(q, (int)sim_setting_number(q->conf, "sql-errors"));
    }
    s.expand = sim_sql_window(&s.sql, &s.from, &s.to);
    apr_pool_create(&s.scratch, q->p);
    sim_xml_begin(&x, q);
    sim_store_read(q->store);
    for (i = 0; i < s.sql.scopes->nelts && rc == OK; i++) {
        rc = search_scope(&s, &APR_ARRAY_IDX(s.sql.scopes, i, sim_sql_scope_t));
    }
    if (rc == OK) {
        sort(&s);
        rc = write_rows(&s, &x);
    }
    sim_store_unlock(q->store);
    if (rc != OK) {
        return sim_answer(q, rc);
    }
    sim_xml_finish(&x, 207, SIM_NS_DAV, "multistatus");
    return OK;
}
