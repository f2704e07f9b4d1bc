/* erase.c - judging writes, and making sure that an item is gone. */
#include "backend/owa2003/write.h"

#include <apr_strings.h>
#include <string.h>

int owa_doubtful(const owa_ask_t *a)
{
    if (a->res.reason == OC_REASON_OK) {
        return 0;
    }
    if (a->unknown) {
        return 1;
    }
    if (a->first && (a->first->status >= 400 || a->first->worst >= 400)) {
        return 0; /* it said what it did */
    }
    return (a->status >= 200 && a->status < 300) || (a->status >= 500 && a->status != 507);
}

int owa_no_success(const owa_ask_t *a)
{
    return a->status == 207 || (a->status == 200 && !strcmp(a->type, "text/html"));
}

int owa_precondition_failed(const owa_ask_t *a)
{
    return a->status == 412 || (a->first && (a->first->status == 412 || a->first->worst == 412));
}

int owa_partly(const owa_ask_t *a)
{
    return a->res.reason != OC_REASON_OK && a->status == 207 && a->first &&
           !owa_precondition_failed(a);
}

/* ---- erasing ---- */

static void send_delete(owa_verb_t *v, owa_erase_t *e);

static void ended(owa_verb_t *v, owa_erase_t *e, oc_tri_t gone, const oc_result_t *why)
{
    e->gone = gone;
    if (why) {
        oc_result_copy(&e->res, why, v->pool);
    }
    e->then(v, e);
}

static void looked(owa_verb_t *v, owa_ask_t *a)
{
    owa_erase_t *e = a->baton;
    if (a->status == 404) {
        ended(v, e, OC_YES, NULL);
    } else if (a->res.reason != OC_REASON_OK) {
        ended(v, e, OC_DONT_KNOW, e->res.reason != OC_REASON_OK ? NULL : &a->res);
    } else if (e->tries < 2) {
        send_delete(v, e);
    } else {
        if (e->res.reason == OC_REASON_OK) {
            oc_result_fail(&e->res, OC_REASON_UPSTREAM_ERROR, "the item is still there after %s",
                           e->purpose);
        }
        ended(v, e, OC_NO, NULL);
    }
}

static void deleted(owa_verb_t *v, owa_ask_t *a)
{
    owa_erase_t *e = a->baton;
    int gone = a->status == 404;
    int said = gone || (a->res.reason == OC_REASON_OK && !owa_no_success(a));

    a->res.upstream_status = a->status;
    if (gone && e->restart && e->tries == 1 && owa_restart(v, a, NULL)) {
        return; /* nothing of that name, but perhaps the folder was known by an old name */
    }
    if (!said && !owa_doubtful(a) && !owa_no_success(a)) {
        ended(v, e, OC_NO, &a->res);
        return;
    }
    if (said) {
        e->was_there = !gone ? OC_YES : e->tries == 1 ? OC_NO : e->was_there;
        oc_result_clear(&e->res);
    } else {
        oc_result_copy(&e->res, &a->res, v->pool);
    }
    if (said && !e->look) {
        ended(v, e, OC_YES, NULL);
    } else {
        owa_ask_t *look = owa_propfind(v, NULL, e->path, owa_props_uid, "is it gone", looked);
        look->quiet_404 = 1;
        look->baton = e;
        owa_send(v, look);
    }
}

static void send_delete(owa_verb_t *v, owa_erase_t *e)
{
    owa_ask_t *a = owa_delete(v, e->path, e->purpose, deleted);
    a->quiet_404 = 1;
    a->baton = e;
    e->tries++;
    owa_send(v, a);
}

void owa_erase(owa_verb_t *v, owa_erase_t *e)
{
    e->gone = e->was_there = OC_DONT_KNOW;
    e->tries = 0;
    oc_result_init(&e->res, v->pool);
    send_delete(v, e);
}

owa_erase_t *owa_erase_make(owa_verb_t *v, const char *path, const char *purpose,
                            owa_erased_t *then, void *baton)
{
    owa_erase_t *e = apr_pcalloc(v->pool, sizeof(*e));
    e->path = path;
    e->purpose = purpose;
    e->then = then;
    e->baton = baton;
    return e;
}
