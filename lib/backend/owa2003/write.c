/* write.c - create, invite, remove: the organizer's item and the first request.
 *
 * The way of KB 308373: one PROPPATCH makes the item (and mails nobody, whatever its properties
 * say), a look compares the uid that the server kept, a second item in Drafts is the request, and
 * a MOVE of that to the submission URI sends it.
 */
#include "backend/owa2003/write.h"

#include <apr_strings.h>
#include <string.h>

#define STANDS OC_TEXT("The booking may still stand in your calendar, without invitations.")

static int complete(oc_call_t *call, const oc_booking_t *b, const char *verb)
{
    if (b->item && b->uid) {
        return 1;
    }
    oc_result_fail(&call->result, OC_REASON_INTERNAL, "%s: the booking has no item or uid", verb);
    return 0;
}

int owa_may_change(oc_call_t *call, const oc_booking_t *b, const char *verb)
{
    if (!complete(call, b, verb)) {
        return 0;
    }
    if (b->instance != OC_INSTANCE_SINGLE) {
        oc_result_fail(&call->result, OC_REASON_RECURRING, "%s: a recurring meeting", verb);
        return 0;
    }
    if (!b->is_organizer) {
        oc_result_fail(&call->result, OC_REASON_NOT_ORGANIZER, "%s: not the organizer's copy",
                       verb);
        return 0;
    }
    return 1;
}

/* ---- create ---- */

typedef struct create_t {
    owa_verb_t v; /* first */
    const oc_booking_t *booking;
    int *existed;
    oc_booking_t **out;
    const char *path;
    int taken;         /* the name was taken before */
    oc_result_t cause; /* why it fails, while it is being put right */
} create_t;

static void create_undone(owa_verb_t *v, owa_erase_t *e)
{
    create_t *c = e->baton;
    oc_result_copy(&v->call->result, &c->cause, v->pool);
    if (e->gone == OC_NO) {
        owa_verdict(v, OC_REASON_LEFT_BEHIND, &c->cause, STANDS);
    } else if (e->gone == OC_DONT_KNOW) {
        owa_verdict(v, OC_REASON_OUTCOME_UNKNOWN, &c->cause, STANDS);
    }
    owa_finish(v);
}

static void create_undo(create_t *c)
{
    owa_erase(&c->v, owa_erase_make(&c->v, c->path, "undo", create_undone, c));
}

/* After 412, or a lost reply: whatever stands there is handed up as found, so that the caller looks
 * whether it was invited for before he does so. */
static void create_found(owa_verb_t *v, owa_ask_t *a)
{
    create_t *c = a->baton;
    const char *why = NULL;
    oc_booking_t *b;

    if (a->res.reason == OC_REASON_OK && a->status != 404 && a->first) {
        b = owa_booking(v->pool, a->first, v->own->calendar, 1, &why);
        if (b) {
            *c->existed = c->taken ? 1 : 2;
            *c->out = b;
        } else {
            owa_verdict(v, OC_REASON_UPSTREAM_PROTOCOL, NULL, why);
        }
        owa_finish(v);
    } else if (c->taken) {
        if (a->status == 404) {
            oc_result_fail(&v->call->result, OC_REASON_CHANGED_MEANWHILE,
                           "the item was there, and is gone");
            owa_finish(v);
        } else {
            owa_fail(v, a, "read what stands there");
        }
    } else if (a->status == 404) {
        create_undo(c); /* it may yet come */
    } else {
        owa_verdict(v, OC_REASON_OUTCOME_UNKNOWN, &c->cause, STANDS);
        owa_finish(v);
    }
}

/* This look is not to be saved: the server may give the item another uid than it was told, the
 * invitation has to bear the uid and the time that it gave, and whoever changes it the etag. */
static void create_compared(owa_verb_t *v, owa_ask_t *a)
{
    create_t *c = a->baton;
    const char *why = "there is nothing at its address";
    oc_booking_t *b = NULL;

    oc_result_init(&c->cause, v->pool);
    if (a->res.reason != OC_REASON_OK) {
        oc_result_copy(&c->cause, &a->res, v->pool);
        oc_result_wrap(&c->cause, "compare uid");
        create_undo(c);
        return;
    }
    if (a->status != 404 && a->first) {
        b = owa_booking(v->pool, a->first, v->own->calendar, 1, &why);
    }
    if (!b) {
        oc_result_fail(&c->cause, OC_REASON_UPSTREAM_PROTOCOL, "the new item cannot be read: %s",
                       why);
        create_undo(c);
    } else if (!b->uid || strcasecmp(b->uid, c->booking->uid)) {
        /* A cancellation with another uid would remove nothing from anybody's calendar. */
        oc_result_fail(&c->cause, OC_REASON_UPSTREAM_PROTOCOL,
                       "the server gave the new item another uid");
        create_undo(c);
    } else {
        *c->out = b;
        owa_finish(v);
    }
}

static void create_look(create_t *c, const char *purpose, owa_then_t *then)
{
    owa_ask_t *a = owa_propfind(&c->v, NULL, c->path, owa_props_booking, purpose, then);
    a->quiet_404 = 1;
    a->baton = c;
    owa_send(&c->v, a);
}

static void create_written(owa_verb_t *v, owa_ask_t *a)
{
    create_t *c = a->baton;
    if (a->res.reason == OC_REASON_OK) {
        create_look(c, "compare uid", create_compared);
    } else if (owa_precondition_failed(a)) {
        c->taken = 1;
        create_look(c, "what stands there", create_found);
    } else if (owa_doubtful(a) || (owa_partly(a) && a->first->status < 400)) {
        oc_result_copy(&c->cause, &a->res, v->pool);
        oc_result_wrap(&c->cause, "write item");
        if (owa_partly(a)) {
            create_undo(c);
        } else {
            create_look(c, "was it written", create_found);
        }
    } else if (!owa_restart(v, a, NULL)) {
        owa_fail(v, a, "write item");
    }
}

static void create_start(owa_verb_t *v)
{
    create_t *c = (create_t *)v;
    apr_array_header_t *set = owa_compose_item(v->pool, c->booking, NULL);
    owa_ask_t *a;

    c->path = owa_item_path(v->pool, v->own->calendar, c->booking->item);
    a = owa_proppatch(v, c->path, (const oc_dav_set_t *)set->elts, set->nelts, NULL, "write item",
                      create_written);
    a->baton = c;
    owa_send(v, a);
}

oc_job_t *owa_create(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *booking,
                     int *existed, oc_booking_t **out)
{
    create_t *c;
    *existed = 0;
    *out = NULL;
    if (!complete(call, booking, "create")) {
        return NULL;
    }
    c = (create_t *)owa_verb(be, call, sizeof(*c), "create", create_start);
    c->booking = booking;
    c->existed = existed;
    c->out = out;
    return &c->v.job;
}

/* ---- invite ---- */

typedef struct invite_t {
    owa_verb_t v; /* first */
    const oc_booking_t *booking;
    oc_change_t *change;
} invite_t;

static void invited(owa_verb_t *v, owa_mail_t *m)
{
    invite_t *i = m->baton;
    switch (i->change->told) {
    case OC_TOLD:
    case OC_TOLD_UNVERIFIED:
        i->change->way = "webdav";
        break;
    case OC_TOLD_NOT:
        oc_result_copy(&v->call->result, &m->res, v->pool);
        oc_result_wrap(&v->call->result, "invite");
        if (i->change->left_behind) {
            owa_verdict(v, OC_REASON_LEFT_BEHIND, &m->res, i->change->left_behind);
        }
        break;
    default:
        owa_verdict(v, OC_REASON_OUTCOME_UNKNOWN, &m->res,
                    "whether the request was sent could not be found out");
        break;
    }
    owa_finish(v);
}

static void invite_start(owa_verb_t *v)
{
    invite_t *i = (invite_t *)v;
    owa_mail_t *m = owa_mail_make(v, OWA_MAIL_REQUEST, i->booking, i->booking->attendees, i->change,
                                  invited, i);
    /* The revision's time must be by the server's clock, which stamps later updates; the item's own
     * time is. Unknown: the server sets it. */
    m->stamp = i->booking->modified ? i->booking->modified : i->booking->created;
    m->only_once = 1;
    m->restart = 1;
    owa_mail_send(v, m);
}

static void invite_nobody(owa_verb_t *v)
{
    owa_finish(v);
}

/* Ends with told UNVERIFIED when the server took the request: `evidence` is the proof, which a
 * caller looks for anyway. */
oc_job_t *owa_invite(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *booking,
                     oc_change_t **out)
{
    int nobody = booking->attendees->nelts == 0;
    invite_t *i;
    *out = NULL;
    if (!complete(call, booking, "invite")) {
        return NULL;
    }
    i = (invite_t *)owa_verb(be, call, sizeof(*i), "invite", nobody ? invite_nobody : invite_start);
    i->v.without_own = nobody;
    i->booking = booking;
    i->change = *out = owa_change_make(call->pool);
    i->change->booking = oc_booking_copy(call->pool, booking);
    if (nobody) {
        i->change->told = OC_TOLD_NOBODY_TO_TELL;
    }
    return &i->v.job;
}

/* ---- remove ---- */

typedef struct remove_t {
    owa_verb_t v; /* first */
    const oc_booking_t *booking;
    oc_change_t *change;
    owa_erase_t *item, *draft;
    int open;
} remove_t;

static void remove_done(owa_verb_t *v, owa_erase_t *e)
{
    remove_t *r = e->baton;
    oc_change_t *change = r->change;
    if (--r->open) {
        return;
    }
    change->item_changed = r->item->gone;
    if (r->item->gone == OC_YES) {
        change->booking = NULL;
    }
    change->left_behind = r->item->gone != OC_YES ? STANDS
                          : r->draft->gone != OC_YES
                              ? OC_TEXT("An unsent request may be left in the Drafts "
                                "folder.")
                              : NULL;
    if (r->item->gone == OC_NO) {
        owa_verdict(v, OC_REASON_LEFT_BEHIND, &r->item->res, change->left_behind);
    } else if (r->item->gone == OC_DONT_KNOW) {
        owa_verdict(v, OC_REASON_OUTCOME_UNKNOWN, &r->item->res, change->left_behind);
    } else if (change->left_behind) {
        owa_verdict(v, OC_REASON_LEFT_BEHIND, &r->draft->res, change->left_behind);
    }
    owa_finish(v);
}

static void remove_start(owa_verb_t *v)
{
    remove_t *r = (remove_t *)v;
    oc_itemref_t draft = owa_message_item(v->pool, r->booking->item, "req");

    r->item = owa_erase_make(v, owa_item_path(v->pool, v->own->calendar, r->booking->item),
                             "delete item", remove_done, r);
    r->draft = owa_erase_make(v, owa_item_path(v->pool, v->own->drafts, draft), "delete draft",
                              remove_done, r);
    r->item->look = 1;
    r->item->restart = 1;
    r->open = 2;
    r->change->item_changed = OC_DONT_KNOW;
    r->change->left_behind = STANDS;
    owa_erase(v, r->item);
    owa_erase(v, r->draft);
}

oc_job_t *owa_remove(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *booking,
                     oc_change_t **out)
{
    remove_t *r;
    *out = NULL;
    if (!complete(call, booking, "remove")) {
        return NULL;
    }
    r = (remove_t *)owa_verb(be, call, sizeof(*r), "remove", remove_start);
    r->booking = booking;
    r->change = *out = owa_change_make(call->pool);
    r->change->told = OC_TOLD_NOBODY_TO_TELL;
    r->change->booking = oc_booking_copy(call->pool, booking);
    return &r->v.job;
}
