/* fragment.h - what stands in other people's pages: one table of kinds, whichever way they are
 * asked for (a data-owacal placeholder, an SSI element, a handler's query).
 *
 * A fragment goes parameters -> look-ups, not waited for -> text. A kind is one row in the
 * table of fragment.c with two functions: `ask` reads the parameters (checked and bounded by then)
 * and asks what it needs to know (lookup.h); `show` runs when they are answered and renders by
 * lib/view. A new kind needs the row, the two functions (kinds.c or a file of its own) and a view
 * function. Request thread; everything in the request's pool.
 */
#ifndef OC_HTTPD_FRAGMENT_H
#define OC_HTTPD_FRAGMENT_H

#include "httpd/again.h"
#include "httpd/lookup.h"

typedef struct oc_fragment_page_t { /* what the fragments of one page share */
    oc_request_t q;
    oc_lookup_store_t *lookups;
    const oc_form_t *query; /* the page's own owacal-* fields, without that prefix */
    const char *rest;       /* "?", or "?x=1&": the page's other fields; ours are appended */
    const char *at;         /* the page's address, where the browser has it under another, as the
                             * answer to a form; else NULL */
    const char *self;       /* what links of the page to itself go on from: `at`, and `rest` */
    oc_form_t *others; /* the page's other fields */
    const char *lang;       /* what the page says of itself, as far as it has been read; NULL */
    const char *path;       /* of the page itself, percent-encoded: where a form comes back to */
    oc_again_t *again;      /* a form that comes back in this page; NULL */
    int forms;              /* handed out so far: ids must differ */
} oc_fragment_page_t;

typedef struct oc_fragment_kind_t oc_fragment_kind_t;

typedef struct oc_fragment_t {
    oc_fragment_page_t *page;
    const oc_fragment_kind_t *kind;
    oc_view_t view;   /* the page's, with what belongs to this fragment alone */
    const apr_table_t *said; /* by the author */
    const char *lang; /* the page's word of itself that counts here; NULL: none */
    oc_input_t in;    /* that, and what the page's query says of what was left open */
    oc_result_t result;
    apr_array_header_t *lookups; /* oc_lookup_t *: what `ask` asked; answered before `show` */
    void *data;       /* the kind's own, from `ask` to `show` */
} oc_fragment_t;

struct oc_fragment_kind_t {
    const char *name;
    const char *const *parameters; /* what an author may say; names, NULL at the end */
    const char *const *open; /* what the page's query may say where the author does not */
    int phrasing; /* 1: may stand within a sentence (span); 0: needs a block */
    /* Fails with f->result set. */
    apr_status_t (*ask)(oc_fragment_t *f);
    /* The text; NULL with f->result OK: nothing to say, the author's own content stays. */
    const char *(*show)(oc_fragment_t *f);
};

/* 1 if the module is configured for pages of this location (OwaCalUse, OwaCalBase, OwaCalIdentity);
 * else *why says what is missing. Looks at the configuration only. */
int oc_fragment_wanted(request_rec *r, const char **why);
/* Who acts, and on which backend; NULL with *res set (NOT_AUTHENTICATED, ...). */
oc_fragment_page_t *oc_fragment_open(request_rec *r, oc_result_t *res);
void oc_fragment_close(oc_fragment_page_t *page);

/* parameters: names as in forms ("all_day"), each once; a list is separated by blanks or commas.
 * element: the one it stands in, lower case; NULL = nobody knows. Never waits, never NULL: what is
 * wrong is in the fragment's result. */
oc_fragment_t *oc_fragment_begin(oc_fragment_page_t *page, const char *kind,
                                 const apr_table_t *parameters, const char *element);
/* 1 if oc_fragment_finish() would return at once. */
int oc_fragment_over(const oc_fragment_t *f);
/* Wait and render, in UTF-8. APR_SUCCESS with *html NULL: nothing to say. On failure *html is the
 * quiet notice that goes after the author's own content. */
apr_status_t oc_fragment_finish(oc_fragment_t *f, const char **html);

#endif
