/* cancel.c - tell the people on a meeting that it is cancelled, and take it out of the calendar.
 *
 *   [prepare] GET item?Cmd=getcancel: OWA makes a cancellation in Drafts and somehow says where
 *   [claims]  each place it may have named is looked at: only a cancellation of this very meeting
 *             is believed. To send anything else would mail an ordinary appointment, which is how
 *             a client in the comments of D. Szabo's article went wrong. If getcancel did make
 *             something else in Drafts, that is taken away
 *   [drafts]  none: look for it in Drafts
 *   [mend]    recipients without the organizer (or he gets his own cancellation), uid, reason
 *   [send]    MOVE the draft to the submission URI
 *   [webdav]  there was no draft, or it could not be sent: a cancellation of our own
 *   [erase]   DELETE the appointment, which tells nobody; beside it the proof from Sent Items
 *   [sweep]   a draft that may have come after all is taken away
 *
 * The appointment goes only when the cancellation is known to have left: until then the meeting
 * stands for everybody, and nobody was misled.
 */
#include "backend/owa2003/hint.h"
#include "backend/owa2003/write.h"
#include "base/str.h"

#include <apr_strings.h>
#include <string.h>

#define CLAIMS_MAX 4
#define UNSENT_DRAFT OC_TEXT("An unsent cancellation may be left in the Drafts folder.")
#define STANDS     OC_TEXT("The booking still stands in your calendar.")

typedef struct cancel_t {
    owa_verb_t v; /* first */
    oc_booking_t *booking;
    const char *reason;
    oc_change_t *change;
    const char *path;
    apr_array_header_t *claims; /* const char *: encoded paths */
    int claim;                  /* the one being looked at */
    const char *draft;          /* believed; encoded path */
    owa_mail_t *mail;
    int by_webdav; /* our own message was tried */
    int searched;  /* Drafts was */
    int sweep;     /* getcancel may have made a draft that was not found */
    int unread;    /* claims that could not be looked at */
    int stray;     /* something else that getcancel made is left in Drafts */
    oc_mono_t asked; /* when getcancel was sent */
    apr_time_t made; /* what it made is no older by the server's clock; 0 = not known */
    int open;
    oc_result_t cause;
} cancel_t;

static void next_claim(cancel_t *c);
static void mailed(owa_verb_t *v, owa_mail_t *m);

/* ---- over ---- */

static void finish(cancel_t *c)
{
    oc_change_t *change = c->change;
    if (c->stray && !change->left_behind) {
        change->left_behind = UNSENT_DRAFT;
    }
    if (change->told == OC_TOLD_UNKNOWN) {
        change->left_behind = apr_pstrcat(
            c->v.pool,
            STANDS " " OC_TEXT("Whether the attendees were told that it is cancelled could not be "
                               "found out."),
            change->left_behind ? " " : NULL, change->left_behind, NULL);
        owa_verdict(&c->v, OC_REASON_OUTCOME_UNKNOWN, &c->cause, change->left_behind);
    } else if (change->told == OC_TOLD_NOT) {
        oc_result_copy(&c->v.call->result, &c->cause, c->v.pool);
        oc_result_wrap(&c->v.call->result, "cancel");
        if (change->left_behind) {
            owa_verdict(&c->v, OC_REASON_LEFT_BEHIND, &c->cause, change->left_behind);
        }
    } else if (change->item_changed != OC_YES) {
        owa_verdict(&c->v,
                    change->item_changed == OC_NO ? OC_REASON_LEFT_BEHIND
                                                  : OC_REASON_OUTCOME_UNKNOWN,
                    &c->cause, change->left_behind);
    }
    owa_finish(&c->v);
}

static void swept_one(owa_verb_t *v, owa_erase_t *e)
{
    cancel_t *c = e->baton;
    (void)v;
    if (e->gone != OC_YES && !c->change->left_behind) {
        c->change->left_behind = UNSENT_DRAFT;
    }
    if (--c->open == 0) {
        finish(c);
    }
}

static int this_cancellation(const cancel_t *c, const char *class, const char *uid)
{
    return class && !strcasecmp(class, OWA_CLASS_CANCELED) &&
           (!uid || !strcasecmp(uid, c->booking->uid));
}

static void sweep_found(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                        void *baton)
{
    cancel_t *c = baton;
    (void)res;
    c->open = 1;
    for (int i = 0; messages && i < messages->nelts; i++) {
        owa_message_t *m = APR_ARRAY_IDX(messages, i, owa_message_t *);
        if (m->uid && this_cancellation(c, m->class, m->uid)) {
            c->open++;
            owa_erase(v, owa_erase_make(v, m->path, "remove spare draft", swept_one, c));
        }
    }
    if ((!messages || (c->unread && c->open == 1)) && !c->change->left_behind) {
        c->change->left_behind = UNSENT_DRAFT;
    }
    if (--c->open == 0) {
        finish(c);
    }
}

static void wind_up(cancel_t *c)
{
    if (c->sweep) {
        owa_messages_find(&c->v, c->v.own->drafts, c->booking->uid, OWA_CLASS_CANCELED, 0,
                          sweep_found, c);
    } else {
        finish(c);
    }
}

/* ---- erase ---- */

static void part_done(cancel_t *c)
{
    if (--c->open == 0) {
        wind_up(c);
    }
}

/* A cancellation in Sent Items that went to everybody; one older than the item was of another that
 * bore its uid. messages NULL: it could not be looked. */
static void take_proof(cancel_t *c, const apr_array_header_t *messages)
{
    for (int i = 0; messages && i < messages->nelts; i++) {
        owa_message_t *m = APR_ARRAY_IDX(messages, i, owa_message_t *);
        if ((!m->created || m->created >= c->booking->created) &&
            owa_mail_reached(c->v.pool, m, c->booking->attendees)) {
            c->change->told = OC_TOLD;
            c->change->message_id = m->message_id;
        }
    }
}

static void proof_looked(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                         void *baton)
{
    cancel_t *c = baton;
    (void)v;
    (void)res;
    take_proof(c, messages);
    part_done(c);
}

static void item_erased(owa_verb_t *v, owa_erase_t *e)
{
    cancel_t *c = e->baton;
    (void)v;
    c->change->item_changed = e->gone;
    if (e->gone == OC_YES) {
        c->change->booking = NULL;
        c->change->left_behind = NULL;
    } else {
        oc_result_copy(&c->cause, &e->res, c->v.pool);
        c->change->left_behind =
            c->change->told == OC_TOLD_NOBODY_TO_TELL
                ? STANDS
                : OC_TEXT("The attendees were told, but the booking still stands in "
                          "your calendar.");
    }
    part_done(c);
}

/* Nobody is left to be misled: the item goes. */
static void erase(cancel_t *c)
{
    owa_erase_t *e = owa_erase_make(&c->v, c->path, "delete item", item_erased, c);
    e->look = 1;
    e->restart = c->change->told == OC_TOLD_NOBODY_TO_TELL;
    c->open = 1;
    c->change->item_changed = OC_DONT_KNOW;
    c->change->left_behind =
        c->change->told == OC_TOLD_NOBODY_TO_TELL
            ? STANDS
            : OC_TEXT("The attendees were told; the booking may still stand in your "
                      "calendar.");
    if (c->change->told == OC_TOLD_UNVERIFIED && c->v.own->sent) {
        c->open++;
        owa_messages_find(&c->v, c->v.own->sent, c->booking->uid, OWA_CLASS_CANCELED, 0,
                          proof_looked, c);
    }
    owa_erase(&c->v, e);
}

/* ---- webdav, and what comes of either way ---- */

static void send_own(cancel_t *c)
{
    if (c->booking->attendees->nelts == 0) { /* a meeting nobody was asked to */
        c->change->told = OC_TOLD_NOBODY_TO_TELL;
        erase(c);
        return;
    }
    c->by_webdav = 1;
    c->mail = owa_mail_make(&c->v, OWA_MAIL_CANCEL, c->booking, c->booking->attendees, c->change,
                            mailed, c);
    c->mail->sequence = c->booking->sequence + 1;
    c->mail->stamp = oc_clock_wall() + c->v.skew;
    c->mail->note = c->reason;
    owa_mail_send(&c->v, c->mail);
}

/* The reply to the MOVE is missing, and what became of the draft is not known either. */
static void doubt_looked(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                         void *baton)
{
    cancel_t *c = baton;
    (void)v;
    (void)res;
    take_proof(c, messages);
    if (c->change->told == OC_TOLD) {
        c->change->way = c->by_webdav ? "webdav" : "owa";
        erase(c);
    } else {
        wind_up(c);
    }
}

static void mailed(owa_verb_t *v, owa_mail_t *m)
{
    cancel_t *c = m->baton;
    switch (c->change->told) {
    case OC_TOLD:
    case OC_TOLD_UNVERIFIED:
        c->change->way = c->by_webdav ? "webdav" : "owa";
        erase(c);
        break;
    case OC_TOLD_NOT:
        oc_result_copy(&c->cause, &m->res, v->pool);
        c->sweep |= c->change->left_behind != NULL;
        if (!c->by_webdav) {
            send_own(c);
        } else {
            wind_up(c);
        }
        break;
    default:
        oc_result_copy(&c->cause, &m->res, v->pool);
        if (v->own->sent) {
            owa_messages_find(v, v->own->sent, c->booking->uid, OWA_CLASS_CANCELED, 0, doubt_looked,
                              c);
        } else {
            wind_up(c);
        }
        break;
    }
}

/* ---- mend ---- */

static void send_draft(cancel_t *c)
{
    c->mail = owa_mail_make(&c->v, OWA_MAIL_CANCEL, c->booking, c->booking->attendees, c->change,
                            mailed, c);
    c->mail->path = c->draft;
    owa_mail_submit(&c->v, c->mail);
}

static void draft_dropped(owa_verb_t *v, owa_erase_t *e)
{
    cancel_t *c = e->baton;
    (void)v;
    if (e->gone != OC_YES) {
        c->sweep = 1;
    }
    send_own(c);
}

static void mended(owa_verb_t *v, owa_ask_t *a)
{
    cancel_t *c = a->baton;
    if (a->res.reason == OC_REASON_OK) {
        send_draft(c);
    } else { /* OWA's draft is of no use */
        oc_result_copy(&c->cause, &a->res, v->pool);
        owa_erase(v, owa_erase_make(v, c->draft, "take back the draft", draft_dropped, c));
    }
}

static void add_people(apr_array_header_t *people, const apr_array_header_t *more,
                       const oc_booking_t *b)
{
    for (int i = 0; i < more->nelts; i++) {
        oc_attendee_t a = APR_ARRAY_IDX(more, i, oc_attendee_t);
        if (!oc_attendee_same(a.address, b->organizer) &&
            !oc_attendee_find(people, a.address)) {
            APR_ARRAY_PUSH(people, oc_attendee_t) = a;
        }
    }
}

/* The rows of a list whose address we cannot read, as they stand: OWA may know who is meant. */
static const char *with_unread(apr_pool_t *pool, const char *list, const char *header)
{
    apr_array_header_t *rows = oc_attendee_split(pool, header);
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(const char *));

    if (list) {
        APR_ARRAY_PUSH(all, const char *) = list;
    }
    for (int i = 0; i < rows->nelts; i++) {
        const char *row = APR_ARRAY_IDX(rows, i, const char *);
        if (oc_attendee_parse_list(pool, row, OC_ROLE_REQUIRED, NULL)->nelts == 0) {
            APR_ARRAY_PUSH(all, const char *) = row;
        }
    }
    return all->nelts ? apr_array_pstrcat(pool, all, ',') : NULL;
}

/* The draft as OWA made it, put right where it is wrong: everybody on it whom OWA or we know, the
 * organizer not; the uid, without which the cancellation removes nothing; the reason. */
static void mend(cancel_t *c, const oc_dav_row_t *row)
{
    apr_pool_t *pool = c->v.pool;
    apr_array_header_t *set = apr_array_make(pool, 8, sizeof(oc_dav_set_t));
    apr_array_header_t *people = apr_array_make(pool, 8, sizeof(oc_attendee_t));
    static const int lists[] = {OWA_P_TO, OWA_P_CC, OWA_P_BCC};
    static const oc_role_t roles[] = {OC_ROLE_REQUIRED, OC_ROLE_OPTIONAL, OC_ROLE_RESOURCE};
    int listed = 0;

    for (int i = 0; i < 3; i++) {
        apr_array_header_t *some =
            oc_attendee_parse_list(pool, row->value[lists[i]], roles[i], NULL);
        listed += some->nelts;
        add_people(people, some, c->booking);
    }
    if (people->nelts != listed ||
        owa_mail_reached(pool,
                         &(owa_message_t){.to = row->value[OWA_P_TO],
                                          .cc = row->value[OWA_P_CC],
                                          .bcc = row->value[OWA_P_BCC]},
                         c->booking->attendees) == 0) {
        add_people(people, c->booking->attendees, c->booking);
        for (int i = 0; i < 3; i++) {
            oc_dav_set_t *s = apr_array_push(set);
            s->prop = lists[i];
            s->value =
                with_unread(pool, owa_compose_list(pool, people, roles[i]), row->value[lists[i]]);
        }
    }
    if (!row->value[OWA_P_UID] || !*row->value[OWA_P_UID]) {
        const char *goid = owa_goid(pool, c->booking->uid);
        oc_dav_set_t *s = apr_array_push(set);
        s->prop = OWA_P_UID;
        s->value = c->booking->uid;
        if (goid) {
            s = apr_array_push(set);
            s->prop = OWA_P_GOID;
            s->value = goid;
            s = apr_array_push(set);
            s->prop = OWA_P_CLEAN_GOID;
            s->value = goid;
        }
        oc_log(OC_LOG_WARNING, 0, c->v.call->id,
               OC_LOGID(0350) "cancel: the server's draft has no uid, it is set");
    }
    if (c->reason && *c->reason) {
        oc_dav_set_t *s = apr_array_push(set);
        s->prop = OWA_P_TEXT;
        s->value = c->reason;
    }
    c->change->left_behind = STANDS " " UNSENT_DRAFT;
    if (set->nelts) {
        owa_ask_t *a = owa_proppatch(&c->v, c->draft, (const oc_dav_set_t *)set->elts, set->nelts,
                                     "*", "mend draft", mended);
        a->baton = c;
        owa_send(&c->v, a);
    } else {
        send_draft(c);
    }
}

/* ---- claims ---- */

static void next_after(cancel_t *c)
{
    c->claim++;
    next_claim(c);
}

static void stray_gone(owa_verb_t *v, owa_erase_t *e)
{
    cancel_t *c = e->baton;
    (void)v;
    c->stray |= e->gone != OC_YES;
    next_after(c);
}

/* 1 if getcancel made this, though it is no cancellation: it lies in one's own Drafts, and is about
 * this meeting or as new as the answer that named it. */
static int made_by_us(const cancel_t *c, const char *path, const oc_dav_row_t *row, const char *uid)
{
    const char *plain = oc_str_unescape(c->v.pool, path, strlen(path));
    apr_time_t created;

    if (!plain || !owa_item_in(c->v.pool, c->v.own->drafts, plain)) {
        return 0;
    }
    return uid ? !strcasecmp(uid, c->booking->uid)
               : c->made && oc_dav_time(row, OWA_P_CREATIONDATE, &created) && created >= c->made;
}

static void draft_read(owa_verb_t *v, owa_ask_t *a)
{
    cancel_t *c = a->baton;
    const oc_dav_row_t *row = a->first;
    const char *cc = row ? row->value[OWA_P_CONTENTCLASS] : NULL;
    const char *uid =
        row && row->value[OWA_P_UID] && *row->value[OWA_P_UID] ? row->value[OWA_P_UID] : NULL;

    if (a->res.reason == OC_REASON_OK && a->status != 404 && cc &&
        !strcasecmp(cc, OWA_CC_MESSAGE) && this_cancellation(c, row->value[OWA_P_CLASS], uid)) {
        c->draft = APR_ARRAY_IDX(c->claims, c->claim, const char *);
        mend(c, row);
        return;
    }
    if (a->res.reason != OC_REASON_OK) {
        oc_result_copy(&c->cause, &a->res, v->pool);
        c->sweep = 1;
        c->unread++;
    } else if (a->status == 404) {
        c->sweep |= c->searched; /* it was listed a moment ago */
    } else {
        const char *path = APR_ARRAY_IDX(c->claims, c->claim, const char *);
        int ours = row && made_by_us(c, path, row, uid);

        oc_log(OC_LOG_WARNING, 0, v->call->id,
               OC_LOGID(0351) "cancel: the server named %s, which is no cancellation of this "
                              "meeting: %s",
               oc_str_log(v->pool, path, 200), ours ? "taken away" : "left alone");
        if (ours) {
            owa_erase(v, owa_erase_make(v, path, "remove stray draft", stray_gone, c));
            return;
        }
    }
    next_after(c);
}

static void drafts_searched(owa_verb_t *v, apr_array_header_t *messages, const oc_result_t *res,
                            void *baton)
{
    cancel_t *c = baton;
    (void)v;
    for (int i = 0; messages && i < messages->nelts; i++) {
        owa_message_t *m = APR_ARRAY_IDX(messages, i, owa_message_t *);
        const char *plain = oc_str_unescape(c->v.pool, m->path, strlen(m->path));
        if (m->uid && this_cancellation(c, m->class, m->uid) && plain &&
            owa_path_below(c->v.pool, c->v.own->root, plain)) {
            for (int k = 0; k < c->claim; k++) { /* named before, but it could not be read then */
                c->unread -= owa_path_same(c->v.pool, m->path,
                                           APR_ARRAY_IDX(c->claims, k, const char *));
            }
            APR_ARRAY_PUSH(c->claims, const char *) = m->path;
            c->sweep |= messages->nelts > 1; /* spare ones of earlier tries */
            next_claim(c);
            return;
        }
    }
    if (!messages) {
        oc_result_copy(&c->cause, res, c->v.pool);
        c->sweep = 1; /* there may be one all the same */
    }
    send_own(c);
}

static void next_claim(cancel_t *c)
{
    if (c->claim < c->claims->nelts) {
        owa_ask_t *a = owa_propfind(&c->v, NULL, APR_ARRAY_IDX(c->claims, c->claim, const char *),
                                    owa_props_message, "is it the draft", draft_read);
        a->quiet_404 = 1;
        a->baton = c;
        owa_send(&c->v, a);
    } else if (!c->searched) {
        c->searched = 1;
        owa_messages_find(&c->v, c->v.own->drafts, c->booking->uid, OWA_CLASS_CANCELED, 0,
                          drafts_searched, c);
    } else {
        send_own(c);
    }
}

/* A claim counts if it lies in this mailbox and is not the appointment itself. */
static void add_claim(cancel_t *c, const char *path)
{
    apr_pool_t *pool = c->v.pool;
    apr_size_t n = path ? strlen(path) : 0;
    const char *plain;

    while (n > 1 && path[n - 1] == '/') { /* as a base has it; an item is no folder */
        path = apr_pstrmemdup(pool, path, --n);
    }
    plain = path ? oc_str_unescape(pool, path, n) : NULL;
    if (!plain || !owa_path_below(pool, c->v.own->root, plain) || strstr(plain, "/../") ||
        owa_path_same(pool, path, c->path) || c->claims->nelts >= CLAIMS_MAX) {
        return;
    }
    for (int i = 0; i < c->claims->nelts; i++) {
        if (owa_path_same(pool, APR_ARRAY_IDX(c->claims, i, const char *), path)) {
            return;
        }
    }
    APR_ARRAY_PUSH(c->claims, const char *) = path;
}

/* A path as a page writes it ("/Drafts/a b.EML", decoded or not) in encoded form. */
static const char *encoded(apr_pool_t *pool, const char *raw)
{
    const char *plain = oc_str_unescape(pool, raw, strlen(raw)), *out = "";
    char *rest = apr_pstrdup(pool, plain ? plain : raw), *slash;
    for (; (slash = strchr(rest, '/')); rest = slash + 1) {
        *slash = '\0';
        out = apr_pstrcat(pool, out, oc_str_segment(pool, rest), "/", NULL);
    }
    return apr_pstrcat(pool, out, oc_str_segment(pool, rest), NULL);
}

static void add_hint(cancel_t *c, const char *hint)
{
    apr_pool_t *pool = c->v.pool;
    const char *scheme, *host, *path, *root = c->v.own->root;

    if (*hint == '/' && hint[1] != '/') {
        path = encoded(pool, apr_pstrmemdup(pool, hint, strcspn(hint, "?#")));
        if (owa_path_below(pool, root, oc_str_unescape(pool, path, strlen(path)))) {
            add_claim(c, path);
        } else { /* below the mailbox, as in a MsgID field */
            add_claim(c, apr_pstrcat(pool, root, path + 1, NULL));
        }
    } else if ((path = oc_dav_url_path(pool, hint, &scheme, &host)) &&
               (!host || owa_site(c->v.be, scheme, host, NULL))) {
        add_claim(c, encoded(pool, path));
    }
}

static void prepared(owa_verb_t *v, owa_ask_t *a)
{
    cancel_t *c = a->baton;
    apr_array_header_t *hints;

    if (a->res.reason != OC_REASON_OK && !owa_doubtful(a)) {
        if (a->status == 404 && owa_restart(v, a, NULL)) {
            return;
        }
        if (a->status == 404) {
            c->change->left_behind = NULL;
            owa_fail(v, a, "prepare cancellation");
            return;
        }
        oc_result_copy(&c->cause, &a->res, v->pool);
        send_own(c);
        return;
    }
    if (a->res.reason != OC_REASON_OK) {
        oc_result_copy(&c->cause, &a->res, v->pool);
        c->sweep = 1;
    }
    c->made = a->date ? a->date - (oc_clock_mono() - c->asked) - apr_time_from_sec(1) : 0;
    add_claim(c, a->location);
    hints = owa_hints(v->pool, a->body, a->body_len, strstr(a->type, "xml") != NULL);
    for (int i = 0; i < hints->nelts; i++) {
        add_hint(c, APR_ARRAY_IDX(hints, i, const char *));
    }
    next_claim(c);
}

static void start(owa_verb_t *v)
{
    cancel_t *c = (cancel_t *)v;
    owa_ask_t *a;

    c->path = owa_item_path(v->pool, v->own->calendar, c->booking->item);
    c->claims = apr_array_make(v->pool, CLAIMS_MAX + 1, sizeof(const char *));
    c->claim = c->searched = c->sweep = c->unread = c->stray = 0;
    oc_result_init(&c->cause, v->pool);
    if (c->booking->attendees->nelts == 0 && !c->booking->is_meeting) {
        c->change->told = OC_TOLD_NOBODY_TO_TELL;
        erase(c);
        return;
    }
    a = owa_command(v, apr_pstrcat(v->pool, c->path, "?Cmd=getcancel", NULL), NULL, 0,
                    "prepare cancellation", prepared);
    a->x->writes = 1;                      /* each call makes one more draft */
    c->change->left_behind = UNSENT_DRAFT; /* until it is known better */
    c->asked = oc_clock_mono();
    a->baton = c;
    owa_send(v, a);
}

oc_job_t *owa_cancel(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *booking,
                     const char *reason, oc_change_t **out)
{
    cancel_t *c;
    *out = NULL;
    if (!owa_may_change(call, booking, "cancel")) {
        return NULL;
    }
    c = (cancel_t *)owa_verb(be, call, sizeof(*c), "cancel", start);
    c->booking = oc_booking_copy(call->pool, booking);
    c->reason = apr_pstrdup(call->pool, reason);
    c->change = *out = owa_change_make(call->pool);
    c->change->booking = c->booking;
    return &c->v.job;
}
