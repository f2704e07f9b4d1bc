/* mail.c - sending one scheduling message, and knowing whether it left.
 *
 *   write the draft --made--> MOVE to the submission URI --2xx--> sent
 *        | taken                   | lost, or a 5xx
 *        v                         v
 *   was one sent before?      DELETE the draft: it was there = not sent, and never will be;
 *                             it is gone = the MOVE has used it up, so it was sent. Not if the
 *                             MOVE itself found none: then somebody else may be sending it
 *
 * After a MOVE whose reply is missing, that DELETE both looks and decides: between a look and a
 * later DELETE the server could still send the draft.
 */
#include "backend/owa2003/write.h"

#include <apr_strings.h>
#include <string.h>

oc_change_t *owa_change_make(apr_pool_t *pool)
{
    oc_change_t *change = apr_pcalloc(pool, sizeof(*change));
    change->told = OC_TOLD_NOT;
    return change;
}

void owa_verdict(owa_verb_t *v, oc_reason_t reason, const oc_result_t *cause, const char *sentence)
{
    oc_result_t *res = &v->call->result;
    oc_result_t copy;
    int known = cause && cause->reason != OC_REASON_OK;

    if (known) { /* it may be call->result itself */
        oc_result_copy(&copy, cause, v->pool);
    }
    oc_result_clear(res);
    oc_result_fail(res, reason, "%s%s%s", sentence, known && copy.detail ? ": " : "",
                   known && copy.detail ? copy.detail : "");
    if (known) {
        res->upstream_status = copy.upstream_status;
        res->retry_after = copy.retry_after;
        res->step = copy.step;
    }
}

owa_mail_t *owa_mail_make(owa_verb_t *v, owa_mail_kind_t kind, const oc_booking_t *b,
                          const apr_array_header_t *people, oc_change_t *change, owa_mailed_t *then,
                          void *baton)
{
    owa_mail_t *m = apr_pcalloc(v->pool, sizeof(*m));
    m->kind = kind;
    m->booking = b;
    m->people = people;
    m->name = kind == OWA_MAIL_REQUEST ? "req" : "cancel";
    m->sequence = b->sequence;
    m->change = change;
    m->then = then;
    m->baton = baton;
    return m;
}

static const char *class_of(const owa_mail_t *m)
{
    return m->kind == OWA_MAIL_REQUEST ? OWA_CLASS_REQUEST : OWA_CLASS_CANCELED;
}

static void ended(owa_verb_t *v, owa_mail_t *m, oc_told_t told)
{
    m->change->told = told;
    m->then(v, m);
}

/* ---- taking back a draft ---- */

static void withdrawn(owa_verb_t *v, owa_erase_t *e)
{
    owa_mail_t *m = e->baton;
    if (e->gone == OC_YES) {
        m->change->left_behind = NULL;
    }
    ended(v, m, OC_TOLD_NOT);
}

/* It was not sent: leave nothing in Drafts. */
static void withdraw(owa_verb_t *v, owa_mail_t *m, const oc_result_t *cause)
{
    oc_result_copy(&m->res, cause, v->pool);
    owa_erase(v, owa_erase_make(v, m->path, "take back the draft", withdrawn, m));
}

/* ---- the MOVE ---- */

static void settled(owa_verb_t *v, owa_erase_t *e)
{
    owa_mail_t *m = e->baton;
    if (e->was_there == OC_YES) { /* and we erased it: nobody can send it any more */
        m->change->left_behind = e->gone == OC_YES ? NULL : m->change->left_behind;
        ended(v, m, OC_TOLD_NOT);
    } else if (e->gone == OC_YES && e->was_there == OC_NO && m->res.upstream_status != 404) {
        m->change->left_behind = NULL;
        oc_result_clear(&m->res);
        ended(v, m, OC_TOLD_UNVERIFIED);
    } else {
        if (e->gone == OC_YES) {
            m->change->left_behind = NULL;
        }
        ended(v, m, OC_TOLD_UNKNOWN);
    }
}

static void moved(owa_verb_t *v, owa_ask_t *a)
{
    owa_mail_t *m = a->baton;
    if (a->res.reason == OC_REASON_OK && !owa_no_success(a)) {
        m->change->left_behind = NULL;
        ended(v, m, OC_TOLD_UNVERIFIED);
    } else if (owa_doubtful(a) || owa_no_success(a) || a->status == 404) {
        if (owa_no_success(a)) {
            oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL, "%s in answer to a MOVE",
                           a->status == 207 ? "a multistatus" : "a page");
        }
        oc_result_copy(&m->res, &a->res, v->pool);
        owa_erase(v, owa_erase_make(v, m->path, "was it sent", settled, m));
    } else {
        m->change->told = OC_TOLD_NOT;
        withdraw(v, m, &a->res);
    }
}

void owa_mail_submit(owa_verb_t *v, owa_mail_t *m)
{
    owa_ask_t *a = owa_submit(
        v, m->path, m->kind == OWA_MAIL_REQUEST ? "send request" : "send cancellation", moved);
    a->baton = m;
    m->change->told = OC_TOLD_UNKNOWN; /* until the reply says better */
    m->change->left_behind = OWA_UNSENT;
    if (!m->res.pool) {
        oc_result_init(&m->res, v->pool);
    }
    owa_send(v, a);
}

/* ---- the draft ---- */

static void write_draft(owa_verb_t *v, owa_mail_t *m, const char *etag);

static void found_again(owa_verb_t *v, owa_ask_t *a)
{
    owa_mail_t *m = a->baton;
    const char *uid = a->first ? a->first->value[OWA_P_UID] : NULL;
    if (a->res.reason == OC_REASON_OK && a->status != 404 && uid && m->booking->uid &&
        !strcasecmp(uid, m->booking->uid)) {
        oc_result_clear(&m->res);
        owa_mail_submit(v, m);
    } else {
        withdraw(v, m, &m->res);
    }
}

static void swept(owa_verb_t *v, owa_erase_t *e)
{
    owa_mail_t *m = e->baton;
    if (e->gone == OC_YES) {
        m->change->left_behind = NULL;
    }
    ended(v, m, OC_TOLD);
}

/* The draft stood there already, from an earlier try that was cut off. */
static void sent_before(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                        void *baton)
{
    owa_mail_t *m = baton;
    if (!messages) {
        oc_result_copy(&m->res, res, v->pool);
        ended(v, m, OC_TOLD_UNKNOWN); /* not to be sent blindly */
    } else if (messages->nelts > 0) {
        m->change->message_id = APR_ARRAY_IDX(messages, 0, owa_message_t *)->message_id;
        owa_erase(v, owa_erase_make(v, m->path, "remove spare draft", swept, m));
    } else {
        write_draft(v, m, "*");
    }
}

static void drafted(owa_verb_t *v, owa_ask_t *a)
{
    owa_mail_t *m = a->baton;
    if (a->res.reason == OC_REASON_OK) {
        owa_mail_submit(v, m);
    } else if (owa_precondition_failed(a) && m->taken++ == 0) {
        if (m->only_once && v->own->sent) {
            owa_messages_find(v, v->own->sent, m->booking->uid, class_of(m), 0, sent_before, m);
        } else {
            write_draft(v, m, "*");
        }
    } else if (owa_precondition_failed(a)) { /* there, and gone: somebody else is sending it */
        oc_result_copy(&m->res, &a->res, v->pool);
        m->change->left_behind = NULL;
        ended(v, m, OC_TOLD_UNKNOWN);
    } else if (owa_doubtful(a)) {
        owa_ask_t *look =
            owa_propfind(v, NULL, m->path, owa_props_message, "is the draft there", found_again);
        oc_result_copy(&m->res, &a->res, v->pool);
        look->quiet_404 = 1;
        look->baton = m;
        owa_send(v, look);
    } else if (owa_partly(a)) {
        withdraw(v, m, &a->res);
    } else {
        if (m->restart && owa_restart(v, a, NULL)) {
            return;
        }
        oc_result_copy(&m->res, &a->res, v->pool);
        m->change->left_behind = NULL;
        ended(v, m, OC_TOLD_NOT);
    }
}

static void write_draft(owa_verb_t *v, owa_mail_t *m, const char *etag)
{
    apr_array_header_t *set = owa_compose_message(v->pool, m->booking, m->kind, m->people,
                                                  m->sequence, m->stamp, m->note, !etag);
    owa_ask_t *a = owa_proppatch(v, m->path, (const oc_dav_set_t *)set->elts, set->nelts, etag,
                                 "write draft", drafted);
    a->baton = m;
    m->change->left_behind = OWA_UNSENT;
    owa_send(v, a);
}

void owa_mail_send(owa_verb_t *v, owa_mail_t *m)
{
    m->path = owa_item_path(v->pool, v->own->drafts,
                            owa_message_item(v->pool, m->booking->item, m->name));
    oc_result_init(&m->res, v->pool);
    m->change->told = OC_TOLD_NOT;
    write_draft(v, m, NULL);
}

int owa_mail_reached(apr_pool_t *pool, const owa_message_t *message,
                     const apr_array_header_t *people)
{
    const char *all =
        apr_pstrcat(pool, message->to ? message->to : "", ",", message->cc ? message->cc : "", ",",
                    message->bcc ? message->bcc : "", NULL);
    apr_array_header_t *list = oc_attendee_parse_list(pool, all, OC_ROLE_REQUIRED, NULL);
    for (int i = 0; i < people->nelts; i++) {
        if (!oc_attendee_find(list, APR_ARRAY_IDX(people, i, oc_attendee_t).address)) {
            return 0;
        }
    }
    return 1;
}
