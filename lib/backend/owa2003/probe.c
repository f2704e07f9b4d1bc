/* probe.c - for the administrator: what the server tells a stranger, and for whom it takes us. */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"
#include "wire/challenge.h"

typedef struct probe_t {
    owa_verb_t v; /* first */
    apr_table_t *facts;
} probe_t;

static void fact(probe_t *p, const char *name, const char *encoded)
{
    const char *plain = encoded ? oc_str_unescape(p->v.pool, encoded, strlen(encoded)) : NULL;

    if (plain) {
        apr_table_setn(p->facts, name, oc_str_log(p->v.pool, plain, 500));
    }
}

static void found(owa_verb_t *v, const owa_folders_t *f, const oc_result_t *res, void *baton)
{
    probe_t *p = baton;

    if (!f) {
        owa_fail_with(v, res, "find folders");
        return;
    }
    apr_table_setn(p->facts, "status", "207");
    fact(p, "server", owa_url(v->pool, f->site, ""));
    fact(p, "version", f->version);
    fact(p, "mailbox", f->root);
    fact(p, "calendar", f->calendar);
    fact(p, "drafts", f->drafts);
    fact(p, "inbox", f->inbox);
    fact(p, "sent items", f->sent);
    owa_finish(v);
}

static void start(owa_verb_t *v)
{
    owa_folders_forget(v, NULL); /* what is remembered proves nothing */
    owa_folders_find(v, NULL, found, v);
}

oc_job_t *owa_probe(const oc_backend_t *be, oc_call_t *call, apr_table_t **facts)
{
    probe_t *p = (probe_t *)owa_verb(be, call, sizeof(*p), "probe", start);

    p->v.without_own = 1;
    p->facts = *facts = apr_table_make(call->pool, 8);
    return &p->v.job;
}

/* ---- as a stranger ---- */

static void header_fact(probe_t *p, const owa_ask_t *a, const char *name, const char *header)
{
    const char *value = apr_table_get(a->x->reply_headers, header);

    if (value) {
        apr_table_setn(p->facts, name, oc_str_log(p->v.pool, value, 100));
    }
}

static void clock_fact(probe_t *p, const owa_ask_t *a)
{
    apr_int64_t seconds = p->v.skew / APR_USEC_PER_SEC; /* its clock is told in whole seconds */

    apr_table_setn(p->facts, "clock difference",
                   !a->date       ? "not known: the server does not say its time"
                   : seconds >= -1 && seconds <= 1 ? "none"
                                  : apr_psprintf(p->v.pool, "%" APR_INT64_T_FMT " s: the calendar "
                                                 "server is %s", seconds < 0 ? -seconds : seconds,
                                                 seconds < 0 ? "behind" : "ahead"));
}

static void looked(owa_verb_t *v, owa_ask_t *a)
{
    probe_t *p = a->baton;
    const char *offers;

    if (!a->status) {
        owa_fail(v, a, "look");
        return;
    }
    apr_table_setn(p->facts, "status", apr_itoa(v->pool, a->status));
    offers = oc_challenge_schemes(v->pool, a->x->reply_headers);
    apr_table_setn(p->facts, "offers",
                   *offers              ? offers
                   : a->status == 440   ? "a logon form"
                   : a->status / 100 == 3 ? "a redirect"
                                        : "nothing to sign in by");
    header_fact(p, a, "server", "Server");
    header_fact(p, a, "version", "MS-WebStorage");
    clock_fact(p, a);
    owa_finish(v);
}

static void look_start(owa_verb_t *v)
{
    /* What this request is told is told to those that follow, too: a browser would be shown the way
     * to the logon form. */
    owa_ask_t *a = owa_ask(v, v->be->conf->site, "PROPFIND", v->be->conf->path, "look as nobody",
                           OWA_WANT_STATUS, looked);

    apr_table_setn(a->x->headers, "Depth", "0");
    a->baton = v;
    a->command = 1; /* a redirect is an answer */
    owa_send(v, a);
}

oc_job_t *owa_look(const oc_backend_t *be, oc_call_t *call, apr_table_t **facts)
{
    probe_t *p = (probe_t *)owa_verb(be, call, sizeof(*p), "look", look_start);

    p->v.without_own = 1;
    p->facts = *facts = apr_table_make(call->pool, 8);
    return &p->v.job;
}
