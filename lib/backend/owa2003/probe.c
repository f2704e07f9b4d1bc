/* probe.c - one cheap authenticated look, for the administrator: who the server takes us for. */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"

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
