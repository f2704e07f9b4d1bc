/* fragment.c - the table of kinds, parameters, and what all kinds have in common. */
#include <http_request.h>
#include <apr_strings.h>

#include "base/str.h"
#include "httpd/finder.h"
#include "httpd/kinds.h"
#include "view/page.h"
#include "wire/words.h"

#define PREFIX "owacal-" /* of our fields in the query of other people's pages */

static const oc_fragment_kind_t *const kinds[] = {
    &oc_finder_kind, &oc_kinds_agenda, &oc_kinds_form, &oc_kinds_grid,   &oc_kinds_message,
    &oc_kinds_mine,  &oc_kinds_next,   &oc_kinds_panel, &oc_finder_rooms,
};

static const oc_fragment_kind_t *find(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        if (strcasecmp(kinds[i]->name, name) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

int oc_fragment_wanted(request_rec *r, const char **why)
{
    const oc_dir_conf_t *dir = oc_config_dir(r);

    *why = !dir->use            ? "OwaCalUse"
           : !dir->base         ? "OwaCalBase"
           : dir->identity < 0 ? "OwaCalIdentity"
                               : NULL;
    return *why == NULL;
}

/* ---- the page ---- */

/* The page's query in two: our own fields, and the text that links of ours go on from. A query that
 * cannot be read is the page's own affair. */
static void split_query(oc_fragment_page_t *page, const char *args)
{
    apr_pool_t *pool = page->q.r->pool;
    apr_array_header_t *rest = apr_array_make(pool, 8, sizeof(const char *));
    oc_form_t *mine = oc_form_create(pool), *all;
    oc_result_t res;

    page->rest = "?";
    page->query = mine;
    page->others = oc_form_create(pool);
    oc_result_init(&res, pool);
    if (!args || strlen(args) > 8192 ||
        oc_form_parse(pool, args, strlen(args), &all, &res) != APR_SUCCESS) {
        return;
    }
    for (int i = 0; i < all->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(all->fields, i, oc_field_t);

        if (strcmp(f->name, "owacal") == 0) {
            oc_form_put(mine, f->name, f->value);
        } else if (strncmp(f->name, PREFIX, strlen(PREFIX)) == 0) {
            oc_form_put(mine, f->name + strlen(PREFIX), f->value);
        } else {
            oc_form_put(page->others, f->name, f->value);
            APR_ARRAY_PUSH(rest, const char *) = oc_str_query(pool, f->name);
            APR_ARRAY_PUSH(rest, const char *) = "=";
            APR_ARRAY_PUSH(rest, const char *) = oc_str_query(pool, f->value);
            APR_ARRAY_PUSH(rest, const char *) = "&";
        }
    }
    page->rest = apr_pstrcat(pool, "?", apr_array_pstrcat(pool, rest, 0), NULL);
}

/* The page's address as people know it, unescaped. What httpd found there, index.html in a folder
 * or index.html.de for index.html, may be another tomorrow, and for somebody else. */
static const char *address_of(const oc_fragment_page_t *page, const request_rec *top)
{
    char *asked = apr_pstrdup(page->q.r->pool, top->parsed_uri.path ? top->parsed_uri.path : "");
    apr_size_t n;

    if (ap_unescape_url(asked) != OK) {
        return top->uri;
    }
    n = strlen(asked);
    return n && strncmp(asked, top->uri, n) == 0 && (asked[n - 1] == '/' || top->uri[n] == '.') &&
                   oc_words_return(page->q.r->pool, ap_escape_uri(page->q.r->pool, asked),
                                   page->q.dir->returns)
               ? asked
               : top->uri;
}

oc_fragment_page_t *oc_fragment_open(request_rec *r, oc_result_t *res)
{
    oc_fragment_page_t *page = apr_pcalloc(r->pool, sizeof(*page));
    const request_rec *top = oc_again_top(r);

    if (oc_request_open_page(&page->q, r) != APR_SUCCESS) {
        oc_result_copy(res, &page->q.result, r->pool);
        return NULL;
    }
    page->again = oc_again_of(r);
    split_query(page, top->args);
    if (page->again) { /* as the form named it: percent-encoded, whatever it was mapped to */
        const char *back = page->again->q->back;
        page->at = apr_pstrmemdup(r->pool, back, strcspn(back, "?"));
    }
    page->path = page->at ? page->at : ap_escape_uri(r->pool, address_of(page, top));
    page->self = apr_pstrcat(r->pool, page->at ? page->at : "", page->rest, NULL);
    page->lookups = oc_lookup_open(&page->q);
    return page;
}

void oc_fragment_close(oc_fragment_page_t *page)
{
    oc_lookup_close(page->lookups);
}

/* ---- language ---- */

/* What the author says of this fragment, or the page of itself; else it stays what the reader's
 * browser asks for. Of an SSI element the page's is known only when it is shown. */
static void choose_language(oc_fragment_t *f)
{
    const char *said = apr_table_get(f->said, "lang");

    if (!said || !oc_say_language(f->in.pool, said, &f->view.language, &f->view.locale)) {
        oc_say_language(f->in.pool, f->lang, &f->view.language, &f->view.locale);
    }
    f->in.language = f->view.language;
}

/* Where the language is another than the page's, the fragment says so. Of a page that keeps silent
 * English is nothing to be said, and any other language is. */
static const char *in_language(const oc_fragment_t *f, const char *html, int phrasing)
{
    oc_language_t language = OC_LANGUAGE_EN;
    const char *locale;

    oc_say_language(f->in.pool, f->lang, &language, &locale);
    if (language == f->view.language) {
        return html;
    }
    return oc_html_within(f->in.pool, phrasing ? "span" : "div", oc_say_tag(f->view.language),
                          html);
}

/* ---- parameters ---- */

static int among(const char *const *names, const char *name)
{
    for (const char *const *p = names; *p; ++p) {
        if (strcmp(*p, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *all_names(apr_pool_t *pool, const oc_fragment_kind_t *kind)
{
    const char *text = "none";

    for (const char *const *p = kind->parameters; *p; ++p) {
        text = p == kind->parameters ? *p : apr_pstrcat(pool, text, ", ", *p, NULL);
    }
    return text;
}

static void put_words(apr_pool_t *pool, oc_form_t *form, const char *name, const char *value)
{
    char *copy = apr_pstrdup(pool, value), *state = NULL, *word;

    for (word = apr_strtok(copy, " \t\r\n,", &state); word;
         word = apr_strtok(NULL, " \t\r\n,", &state)) {
        oc_form_put(form, name, word);
    }
}

static apr_status_t read_parameters(oc_fragment_t *f, const apr_table_t *parameters)
{
    const apr_array_header_t *rows = apr_table_elts(parameters);
    apr_pool_t *pool = f->in.pool;
    oc_form_t *form = oc_form_create(pool);

    for (int i = 0; i < rows->nelts; ++i) {
        const apr_table_entry_t *e = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        if (strcmp(e->key, "lang") == 0) {
            continue; /* of any kind; see choose_language() */
        }
        if (!among(f->kind->parameters, e->key)) {
            return oc_result_field(&f->result, OC_REASON_OK, oc_str_log(pool, e->key, 64),
                                   "is no parameter of %s; known are %s", f->kind->name,
                                   all_names(pool, f->kind));
        }
        if (!oc_str_utf8(e->val, strlen(e->val))) {
            return oc_result_field(&f->result, OC_REASON_OK, e->key,
                                   "is not UTF-8; write such characters as &#NNN;");
        }
        if (strcmp(e->key, "room") == 0 || strcmp(e->key, "who") == 0 ||
            strcmp(e->key, "feature") == 0) {
            put_words(pool, form, e->key, e->val);
        } else {
            oc_form_put(form, e->key, e->val);
        }
    }
    /* What the author says stands; what he leaves open the page's query may say. */
    for (int i = 0; i < f->page->query->fields->nelts; ++i) {
        const oc_field_t *v = &APR_ARRAY_IDX(f->page->query->fields, i, oc_field_t);

        if (among(f->kind->open, v->name) && !apr_table_get(parameters, v->name)) {
            oc_form_put(form, v->name, v->value);
        }
    }
    f->in.form = form;
    return oc_input_check(&f->in, &f->result);
}

/* ---- one fragment ---- */

oc_fragment_t *oc_fragment_begin(oc_fragment_page_t *page, const char *kind,
                                 const apr_table_t *parameters, const char *element)
{
    apr_pool_t *pool = page->q.r->pool;
    oc_fragment_t *f = apr_pcalloc(pool, sizeof(*f));

    f->page = page;
    f->view = page->q.view;
    f->view.op_id = NULL;
    f->said = parameters;
    f->lang = page->lang;
    f->in = page->q.in;
    f->lookups = apr_array_make(pool, 2, sizeof(oc_lookup_t *));
    oc_result_init(&f->result, pool);
    choose_language(f);
    f->kind = find(kind);
    if (!f->kind) {
        oc_result_field(&f->result, OC_REASON_OK, "owacal", "\"%s\" is no kind of fragment",
                        oc_str_log(pool, kind, 64));
    } else if (element && !f->kind->phrasing && strcmp(element, "span") == 0) {
        oc_result_field(&f->result, OC_REASON_OK, "owacal",
                        "%s cannot stand in a span; use a div", f->kind->name);
    } else if (read_parameters(f, parameters) == APR_SUCCESS) {
        f->kind->ask(f);
    }
    return f;
}

int oc_fragment_over(const oc_fragment_t *f)
{
    for (int i = 0; i < f->lookups->nelts; ++i) {
        if (!oc_lookup_over(APR_ARRAY_IDX(f->lookups, i, oc_lookup_t *))) {
            return 0;
        }
    }
    return 1;
}

apr_status_t oc_fragment_finish(oc_fragment_t *f, const char **html)
{
    for (int i = 0; i < f->lookups->nelts; ++i) {
        oc_lookup_t *l = APR_ARRAY_IDX(f->lookups, i, oc_lookup_t *);

        if (oc_lookup_wait(l) != APR_SUCCESS && f->result.reason == OC_REASON_OK) {
            oc_result_copy(&f->result, &l->result, f->in.pool);
            f->view.op_id = l->op_id;
        }
    }
    choose_language(f);
    *html = f->result.reason == OC_REASON_OK ? f->kind->show(f) : NULL;
    if (f->result.reason != OC_REASON_OK) {
        *html = in_language(f, oc_page_notice(&f->view, &f->result), 1);
        return APR_EGENERAL;
    }
    *html = *html ? in_language(f, *html, f->kind->phrasing) : NULL;
    return APR_SUCCESS;
}
