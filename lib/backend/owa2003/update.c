/* update.c - change a meeting and tell the people on it.
 *
 *   [change] PROPPATCH with If-Match, and beside it a look at what Sent Items holds already
 *   [post]   the OWA command that mails the update; a 200 of it proves nothing
 *   [proof]  look in Sent Items for a request that was not there before, a few times
 *   [webdav] only if the command certainly sent nothing: a request of our own, same uid, new
 *            times, higher sequence (M. Prajdic's way)
 *   [gone]   who is no longer invited gets a cancellation, unless the server has sent him one
 *   [read]   what stands in the calendar now
 *
 * That nothing was sent is certain if the command was refused, or if Sent Items kept earlier
 * messages of this meeting (so copies are kept here) and still shows none after the looks. If it is
 * not certain nothing more is sent: two updates are worse than a word of doubt.
 */
#include "backend/owa2003/write.h"

#include <apr_strings.h>
#include <string.h>

#define LOOKS 4
static const apr_time_t pauses[LOOKS] = {0, 250000, 750000, 1500000};

typedef struct update_t {
    owa_verb_t v; /* first */
    const oc_booking_t *was;
    oc_booking_t *now; /* as wanted, with item, uid and the next sequence */
    oc_change_t *change;
    const char *path;
    apr_array_header_t *removed; /* oc_attendee_t: on the meeting before, not any more */
    int tell;                    /* something was changed that concerns the others */
    apr_array_header_t *before;  /* owa_message_t *: sent before; NULL = not known */
    apr_array_header_t *fresh;   /* owa_message_t *: sent since, as last looked at */
    int open;                    /* asks that must be answered before going on */
    apr_time_t date;             /* the server's clock when the item was changed */
    int looks, lost;
    int no_reply; /* to the change: the server may carry it out even now */
    oc_change_t *parting; /* the cancellation for those removed */
    const char *left;     /* what was left behind before that */
    oc_result_t cause;
} update_t;

static void tell(update_t *u);
static void part(update_t *u);
static void read_back(update_t *u);

/* Texts come back with other line ends, and sometimes without the last one. */
static int same_text(const char *a, const char *b)
{
    a = a ? a : "";
    b = b ? b : "";
    for (;;) {
        a += strspn(a, "\r\n \t");
        b += strspn(b, "\r\n \t");
        if (!*a || !*b) {
            return *a == *b;
        }
        if (*a++ != *b++) {
            return 0;
        }
    }
}

static int same_people(const apr_array_header_t *a, const apr_array_header_t *b)
{
    if (a->nelts != b->nelts) {
        return 0;
    }
    for (int i = 0; i < a->nelts; i++) {
        const oc_attendee_t *x = &APR_ARRAY_IDX(a, i, oc_attendee_t);
        const oc_attendee_t *y = oc_attendee_find(b, x->address);
        if (!y || y->role != x->role) {
            return 0;
        }
    }
    return 1;
}

/* What the people on a meeting see of it, or let others see: a room's calendar is read by many. */
static int looks_same(const oc_booking_t *a, const oc_booking_t *b)
{
    return a->when.start == b->when.start && a->when.end == b->when.end &&
           a->all_day == b->all_day && a->sensitivity == b->sensitivity &&
           same_text(a->subject, b->subject) && same_text(a->location, b->location) &&
           same_text(a->text, b->text) && same_people(a->attendees, b->attendees);
}

/* The people in `a` who are not in `b`. */
static apr_array_header_t *people_less(apr_pool_t *pool, const apr_array_header_t *a,
                                       const apr_array_header_t *b)
{
    apr_array_header_t *less = apr_array_make(pool, 4, sizeof(oc_attendee_t));
    for (int i = 0; i < a->nelts; i++) {
        oc_attendee_t *x = &APR_ARRAY_IDX(a, i, oc_attendee_t);
        if (!oc_attendee_find(b, x->address)) {
            APR_ARRAY_PUSH(less, oc_attendee_t) = *x;
        }
    }
    return less;
}

static void finish(update_t *u)
{
    oc_change_t *change = u->change;
    switch (change->told) {
    case OC_TOLD_NOT:
        owa_verdict(&u->v, OC_REASON_NOT_TOLD, &u->cause, "the update could not be sent");
        break;
    case OC_TOLD_UNKNOWN:
        owa_verdict(&u->v, OC_REASON_OUTCOME_UNKNOWN, &u->cause,
                    "the item was changed; whether the update was sent could not be found out");
        break;
    default:
        break;
    }
    owa_finish(&u->v);
}

/* ---- change ---- */

static void go_on(update_t *u)
{
    if (--u->open == 0) {
        tell(u);
    }
}

static void restored(owa_verb_t *v, owa_ask_t *a)
{
    update_t *u = a->baton;
    if (a->res.reason == OC_REASON_OK) {
        u->change->item_changed = OC_NO;
        u->change->left_behind = NULL;
        oc_result_copy(&v->call->result, &u->cause, v->pool);
    } else {
        owa_verdict(v, OC_REASON_LEFT_BEHIND, &u->cause, u->change->left_behind);
    }
    owa_finish(v);
}

/* Some properties were taken, others refused: put the old values back. */
static void restore(update_t *u)
{
    apr_array_header_t *set = owa_compose_item(u->v.pool, u->was, u->now);
    owa_ask_t *a = owa_proppatch(&u->v, u->path, (const oc_dav_set_t *)set->elts, set->nelts, "*",
                                 "put back", restored);
    a->baton = u;
    u->change->left_behind = OC_TEXT("The booking may be half changed; nobody was told.");
    owa_send(&u->v, a);
}

/* The reply to the PROPPATCH was lost. */
static void change_looked(owa_verb_t *v, owa_ask_t *a)
{
    update_t *u = a->baton;
    const char *why = "it cannot be read";
    oc_booking_t *b = NULL;

    if (a->res.reason == OC_REASON_OK && a->status != 404 && a->first) {
        b = owa_booking(v->pool, a->first, v->own->calendar, 1, &why);
    }
    if (b && b->sequence == u->now->sequence && looks_same(b, u->now)) {
        u->change->item_changed = OC_YES;
        u->date = a->date ? a->date : oc_clock_wall() + v->skew;
        go_on(u);
        return;
    }
    if (a->status == 404) {
        owa_verdict(v, OC_REASON_BOOKING_NOT_FOUND, &u->cause, "the item is gone");
        u->change->item_changed = OC_NO;
    } else if (b && b->etag && u->was->etag && !strcmp(b->etag, u->was->etag)) {
        oc_result_copy(&v->call->result, &u->cause, v->pool);
        u->change->item_changed = u->no_reply ? OC_DONT_KNOW : OC_NO;
    } else {
        owa_verdict(v, OC_REASON_OUTCOME_UNKNOWN, &u->cause,
                    "whether the item was changed could not be found out");
    }
    owa_finish(v);
}

static void changed(owa_verb_t *v, owa_ask_t *a)
{
    update_t *u = a->baton;
    if (a->res.reason == OC_REASON_OK) {
        u->change->item_changed = OC_YES;
        u->date = a->date ? a->date : oc_clock_wall() + v->skew;
        go_on(u);
        return;
    }
    oc_result_copy(&u->cause, &a->res, v->pool);
    oc_result_wrap(&u->cause, "change item");
    if (owa_precondition_failed(a)) {
        u->change->item_changed = OC_NO;
        owa_verdict(v, OC_REASON_CHANGED_MEANWHILE, &u->cause, "the item was changed or is gone");
        owa_finish(v);
    } else if (owa_doubtful(a)) {
        owa_ask_t *look =
            owa_propfind(v, NULL, u->path, owa_props_booking, "was it changed", change_looked);
        u->no_reply = a->status == 0;
        look->quiet_404 = 1;
        look->baton = u;
        owa_send(v, look);
    } else if (owa_partly(a)) {
        restore(u);
    } else {
        u->change->item_changed = OC_NO;
        if (!owa_restart(v, a, NULL)) {
            owa_fail(v, a, "change item");
        }
    }
}

static void change(update_t *u, const char *etag)
{
    apr_array_header_t *set = owa_compose_item(u->v.pool, u->now, u->was);
    owa_ask_t *a = owa_proppatch(&u->v, u->path, (const oc_dav_set_t *)set->elts, set->nelts, etag,
                                 "change item", changed);
    a->baton = u;
    u->change->item_changed = OC_DONT_KNOW; /* until the reply says better */
    owa_send(&u->v, a);
}

static void etag_read(owa_verb_t *v, owa_ask_t *a)
{
    update_t *u = a->baton;
    const char *etag = a->first ? a->first->value[OWA_P_ETAG] : NULL;
    const char *uid = a->first ? a->first->value[OWA_P_UID] : NULL;

    if (a->res.reason != OC_REASON_OK || !etag) {
        if (a->res.reason == OC_REASON_OK) {
            oc_result_fail(&v->call->result, OC_REASON_UPSTREAM_PROTOCOL, "the item has no etag");
            owa_finish(v);
        } else if (!owa_restart(v, a, NULL)) {
            owa_fail(v, a, "read etag");
        }
    } else if (uid && strcasecmp(uid, u->was->uid)) {
        oc_result_fail(&v->call->result, OC_REASON_CHANGED_MEANWHILE,
                       "another meeting stands there");
        owa_finish(v);
    } else {
        change(u, apr_pstrdup(v->pool, etag));
    }
}

static void snapshot_taken(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                           void *baton)
{
    update_t *u = baton;
    (void)v;
    (void)res; /* without it, less is certain later: no failure */
    u->before = messages;
    go_on(u);
}

static void start(owa_verb_t *v)
{
    update_t *u = (update_t *)v;

    u->before = NULL;
    u->open = 1; /* for the change */
    u->path = owa_item_path(v->pool, v->own->calendar, u->was->item);
    oc_result_init(&u->cause, v->pool);
    if (u->tell && v->own->sent) {
        u->open++;
        owa_messages_find(v, v->own->sent, u->was->uid, NULL, 0, snapshot_taken, u);
    }
    if (u->was->etag) {
        change(u, u->was->etag);
    } else {
        owa_ask_t *a = owa_propfind(v, NULL, u->path, owa_props_uid, "read etag", etag_read);
        a->baton = u;
        owa_send(v, a);
    }
}

/* ---- webdav ---- */

static void told_by_webdav(owa_verb_t *v, owa_mail_t *m)
{
    update_t *u = m->baton;
    (void)v;
    oc_result_copy(&u->cause, &m->res, u->v.pool);
    if (u->change->told != OC_TOLD_NOT) {
        u->change->way = "webdav";
    }
    part(u);
}

static void tell_by_webdav(update_t *u)
{
    owa_mail_t *m = owa_mail_make(&u->v, OWA_MAIL_REQUEST, u->now, u->now->attendees, u->change,
                                  told_by_webdav, u);
    m->name = apr_psprintf(u->v.pool, "upd%d", u->now->sequence);
    m->stamp = u->date;
    owa_mail_send(&u->v, m);
}

/* ---- post and proof ---- */

static int is_known(const apr_array_header_t *before, const owa_message_t *message)
{
    for (int i = 0; before && i < before->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(before, i, owa_message_t *)->path, message->path)) {
            return 1;
        }
    }
    return 0;
}

static void look_for_proof(owa_verb_t *v);

static void proof_looked(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                         void *baton)
{
    update_t *u = baton;
    int copies_kept = u->before && u->before->nelts > 0;
    (void)res;

    u->fresh->nelts = 0;
    for (int i = 0; messages && i < messages->nelts; i++) {
        owa_message_t *message = APR_ARRAY_IDX(messages, i, owa_message_t *);
        if (u->before && !is_known(u->before, message)) {
            APR_ARRAY_PUSH(u->fresh, owa_message_t *) = message;
            if (message->class && !strcasecmp(message->class, OWA_CLASS_REQUEST)) {
                u->change->told = OC_TOLD;
                u->change->message_id = message->message_id;
            }
        }
    }
    if (u->change->told == OC_TOLD) {
        u->change->way = "owa";
        part(u);
    } else if (++u->looks < LOOKS && (u->before || u->lost)) {
        owa_pause(v, pauses[u->looks], look_for_proof);
    } else if (messages && copies_kept) {
        u->change->told = OC_TOLD_NOT;
        tell_by_webdav(u);
    } else { /* it may have worked: do not send again */
        u->change->told = u->lost ? OC_TOLD_UNKNOWN : OC_TOLD_UNVERIFIED;
        u->change->way = "owa";
        part(u);
    }
}

static void look_for_proof(owa_verb_t *v)
{
    update_t *u = (update_t *)v;
    if (v->own->sent) {
        owa_messages_find(v, v->own->sent, u->was->uid, NULL, 0, proof_looked, u);
    } else {
        u->looks = LOOKS;
        proof_looked(v, NULL, NULL, u);
    }
}

static void posted(owa_verb_t *v, owa_ask_t *a)
{
    update_t *u = a->baton;
    if (a->res.reason == OC_REASON_OK || owa_doubtful(a)) {
        u->lost = a->res.reason != OC_REASON_OK;
        if (u->lost) {
            oc_result_copy(&u->cause, &a->res, v->pool);
        }
        look_for_proof(v);
    } else {
        u->change->told = OC_TOLD_NOT;
        oc_result_copy(&u->cause, &a->res, v->pool);
        tell_by_webdav(u);
    }
}

static void tell(update_t *u)
{
    apr_size_t len;
    const char *body;
    owa_ask_t *a;

    if (!u->tell) {
        u->change->told = OC_TOLD_NOBODY_TO_TELL;
        read_back(u);
        return;
    }
    if (u->now->attendees->nelts == 0) {
        part(u);
        return;
    }
    body = owa_compose_update(u->v.pool, u->v.be->conf, u->v.own, u->now, &len);
    if (u->was->attendees->nelts == 0 || !body) { /* nobody was invited yet: that is no update */
        tell_by_webdav(u);
        return;
    }
    a = owa_command(&u->v, u->path, body, len, "send update", posted);
    a->want = OWA_WANT_STATUS;
    a->baton = u;
    u->change->told = OC_TOLD_UNKNOWN;
    owa_send(&u->v, a);
}

/* ---- those no longer invited ---- */

static const char *addresses(apr_pool_t *pool, const apr_array_header_t *people)
{
    const char *all = "";
    for (int i = 0; i < people->nelts; i++) {
        all = apr_pstrcat(pool, all, i ? ", " : "", APR_ARRAY_IDX(people, i, oc_attendee_t).address,
                          NULL);
    }
    return all;
}

#define NOT_TOLD    OC_TEXT_LIST("Not told of no longer being invited")
#define PERHAPS_NOT OC_TEXT_LIST("Perhaps not told of no longer being invited")

/* Says of those removed that they were not told, or perhaps not, beside what was said before. */
static void say_untold(update_t *u, const char *how, const char *draft)
{
    u->change->left_behind =
        apr_psprintf(u->v.pool, "%s%s%s: %s.%s%s",
                     u->left ? u->left : "", u->left ? " " : "", how,
                     addresses(u->v.pool, u->removed), draft ? " " : "", draft ? draft : "");
}

static void parted(owa_verb_t *v, owa_mail_t *m)
{
    update_t *u = m->baton;
    oc_told_t told = u->parting->told;

    u->change->left_behind = u->left;
    if (u->now->attendees->nelts == 0) { /* they are all there is to tell */
        u->change->told = told;
        u->change->way = told == OC_TOLD_NOT ? NULL : "webdav";
        oc_result_copy(&u->cause, &m->res, v->pool);
    }
    if (told == OC_TOLD_NOT) {
        say_untold(u, NOT_TOLD, u->parting->left_behind);
    } else if (told == OC_TOLD_UNKNOWN) {
        say_untold(u, PERHAPS_NOT, u->parting->left_behind);
    }
    read_back(u);
}

static void part(update_t *u)
{
    owa_mail_t *m;
    if (u->removed->nelts == 0) {
        read_back(u);
        return;
    }
    for (int i = 0; i < u->fresh->nelts; i++) {
        owa_message_t *message = APR_ARRAY_IDX(u->fresh, i, owa_message_t *);
        if (message->class && !strcasecmp(message->class, OWA_CLASS_CANCELED) &&
            owa_mail_reached(u->v.pool, message, u->removed)) {
            read_back(u);
            return;
        }
    }
    /* Higher and later than any update that the command may have sent to them as well. */
    u->left = u->change->left_behind;
    say_untold(u, PERHAPS_NOT, OWA_UNSENT);
    if (u->now->attendees->nelts == 0) {
        u->change->told = OC_TOLD_UNKNOWN; /* until it is known better */
    }
    u->parting = owa_change_make(u->v.pool);
    m = owa_mail_make(&u->v, OWA_MAIL_CANCEL, u->was, u->removed, u->parting, parted, u);
    m->name = apr_psprintf(u->v.pool, "gone%d", u->now->sequence);
    m->sequence = u->now->sequence + 1;
    m->stamp = u->date + apr_time_from_sec(1);
    owa_mail_send(&u->v, m);
}

/* ---- read ---- */

static void read_done(owa_verb_t *v, owa_ask_t *a)
{
    update_t *u = a->baton;
    const char *why = NULL;
    oc_booking_t *b = NULL;

    if (a->status == 404) {
        u->change->item_changed = OC_DONT_KNOW; /* it was, and is gone now */
        u->change->booking = NULL;
    } else if (a->res.reason == OC_REASON_OK && a->first) {
        b = owa_booking(v->pool, a->first, v->own->calendar, 1, &why);
    }
    if (b) {
        u->change->booking = b;
        u->change->item_changed = b->when.start == u->now->when.start &&
                                          b->when.end == u->now->when.end &&
                                          b->sensitivity == u->now->sensitivity &&
                                          same_text(b->subject, u->now->subject)
                                      ? OC_YES
                                      : OC_NO;
    }
    finish(u);
}

static void read_back(update_t *u)
{
    owa_ask_t *a = owa_propfind(&u->v, NULL, u->path, owa_props_booking, "read it back", read_done);
    a->quiet_404 = 1;
    a->baton = u;
    owa_send(&u->v, a);
}

oc_job_t *owa_update(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *was,
                     const oc_booking_t *wanted, oc_change_t **out)
{
    update_t *u;
    *out = NULL;
    if (!owa_may_change(call, was, "update")) {
        return NULL;
    }
    u = (update_t *)owa_verb(be, call, sizeof(*u), "update", start);
    u->was = was;
    u->now = oc_booking_copy(call->pool, wanted);
    u->now->item = was->item;
    u->now->uid = was->uid;
    u->now->sequence = was->sequence + 1;
    u->removed = people_less(call->pool, was->attendees, wanted->attendees);
    u->tell = !looks_same(was, u->now) && was->attendees->nelts + wanted->attendees->nelts > 0;
    u->fresh = apr_array_make(call->pool, 4, sizeof(owa_message_t *));
    u->change = *out = owa_change_make(call->pool);
    u->change->booking = u->now;
    return &u->v.job;
}
