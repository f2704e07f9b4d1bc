/* panel.c - see panel.h. */
#include <stdlib.h>
#include <httpd.h>
#include <http_protocol.h>
#include <apr_strings.h>

#include "cal/zone.h"
#include "httpd/calendar.h"
#include "httpd/handler.h"
#include "httpd/panel.h"
#include "view/panel.h"

#define MARK       "panel."
#define MARK_BYTES 15
#define KEY_BYTES  12
#define MINUTE     apr_time_from_sec(60)
#define MORE_MAX   apr_time_from_sec(3600) /* by which one press may extend */
#define SUBJECT    "Booked at the door"

/* ---- the mark ---- */

static const char *mark_of(const oc_request_t *q, const char *uid)
{
    const char *words[] = {"panel-mark1", q->scope.backend, q->scope.mailbox, uid};
    const char *mac = oc_crypto_sign(q->r->pool, q->scope.secret, MARK_BYTES, words, 4);

    return mac ? apr_pstrcat(q->r->pool, MARK, mac, NULL) : NULL;
}

/* Was it booked on this room's panel? */
static int is_ours(const oc_request_t *q, const oc_booking_t *b)
{
    const char *words[] = {"panel-mark1", q->scope.backend, q->scope.mailbox, b->uid};

    return b->item && b->uid && b->mark && strncmp(b->mark, MARK, strlen(MARK)) == 0 &&
           oc_crypto_verify(q->scope.secret, b->mark + strlen(MARK), MARK_BYTES, words, 4);
}

static int contains(oc_range_t when, apr_time_t t)
{
    return when.start <= t && t < when.end;
}

static const oc_booking_t *own_now(const oc_request_t *q, const oc_room_look_t *look)
{
    for (int i = 0; look->list && i < look->list->bookings->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(look->list->bookings, i, const oc_booking_t *);

        if (!b->cancelled && contains(b->when, q->in.now) && is_ours(q, b)) {
            return b;
        }
    }
    return NULL;
}

/* ---- what is shown ---- */

oc_range_t oc_panel_range(const oc_request_t *q)
{
    oc_range_t range;

    range.start = oc_zone_midnight(q->view.zone, q->in.now, 0);
    range.end = oc_zone_midnight(q->view.zone, q->in.now, 1);
    if (range.end < q->in.now + 120 * MINUTE) {
        range.end = oc_view_panel_minute(q->in.now) + 121 * MINUTE;
    }
    return range;
}

/* A sentence, or NULL: this request acts in the room's own mailbox, as a device. */
static const char *why_off(const oc_request_t *q, const oc_room_t *room)
{
    if (q->dir->identity != OC_IDENTITY_DEVICE) {
        return OC_TEXT("Booking at the door is off: this location does not act by a device's "
                       "account (OwaCalIdentity device).");
    }
    if (strcasecmp(q->person.mailbox, room->mailbox) != 0) {
        return OC_TEXT("Booking at the door is off: this page does not act in this room's "
                       "mailbox.");
    }
    return NULL;
}

static void describe(const oc_request_t *q, const oc_room_t *room, oc_range_t range,
                     const oc_room_look_t *look, oc_panel_t *p)
{
    memset(p, 0, sizeof(*p));
    p->room = room;
    p->now = q->in.now;
    p->off = why_off(q, room);
    p->agenda = look ? oc_calendar_agenda(q, room, range, look) : NULL;
    if (p->agenda && !p->off && p->agenda->by_freebusy) {
        p->off = OC_TEXT("Booking at the door is off: the device's account may not read this "
                         "room's calendar.");
    }
    if (p->agenda && !p->off) {
        p->own = own_now(q, look);
    }
}

/* What a panel shows, without what is new each time: by it a change is told. The next booking's key
 * follows from it, so that a page and its copy in a cache have the same. */
static const char *shown(const oc_request_t *q, const oc_view_t *view, oc_panel_t *p)
{
    oc_view_t bare = *view;
    const char *text, *words[4] = {"panel-key1", q->scope.backend, q->scope.mailbox, NULL};

    bare.token = "";
    p->key = "";
    text = words[3] = oc_view_panel_page(&bare, p);
    p->key = oc_crypto_sign(q->r->pool, q->scope.secret, KEY_BYTES, words, 4);
    return text;
}

const char *oc_panel_text(oc_request_t *q, const oc_view_t *view, const oc_room_t *room,
                          oc_range_t range, const oc_room_look_t *look, const char *back)
{
    oc_panel_t p;

    describe(q, room, range, look, &p);
    p.back = back;
    shown(q, view, &p);
    return oc_view_panel(view, &p, 2);
}

/* The panel, whatever happened: a display at a door shows no error pages. failed: what the answer's
 * status says; back: of the form that failed. */
static int send_panel(oc_request_t *q, const oc_room_t *room, const oc_result_t *failed,
                      const char *back, const char *note)
{
    oc_range_t range = oc_panel_range(q);
    oc_result_t reading;
    oc_room_look_t *look = NULL;
    const char *text, *tag;
    oc_panel_t p;
    int read;

    read = oc_calendar_look(q, room, range, &look);
    oc_result_init(&reading, q->r->pool);
    oc_result_copy(&reading, &q->result, q->r->pool);
    describe(q, room, range, read ? look : NULL, &p);
    if (!p.agenda && reading.reason == OC_REASON_OK) {
        oc_result_fail(&reading, OC_REASON_INTERNAL, "no agenda could be made");
    }
    p.failed = failed ? failed : reading.reason != OC_REASON_OK ? &reading : NULL;
    p.note = note;
    p.back = back;
    tag = shown(q, &q->view, &p);
    text = oc_view_panel_page(&q->view, &p);
    oc_request_done(q);
    if (!p.failed) {
        return oc_calendar_reply(q, OC_REQUEST_HTML, text, tag);
    }
    if (oc_reason_kind(p.failed->reason) == OC_KIND_BUSY) {
        apr_table_setn(q->r->headers_out, "Retry-After", apr_itoa(q->r->pool, OC_PANEL_REFRESH));
    }
    return oc_request_send(q, oc_reason_http(p.failed->reason), text);
}

static const oc_room_t *room_of(oc_request_t *q, const char *id)
{
    const oc_room_t *room = oc_request_room(q, id);

    if (room && q->json) { /* there is only the page */
        q->json = q->ics = 0;
        q->view.token = oc_token_form(q->r->pool, &q->scope, oc_clock_wall());
    }
    return room;
}

int oc_panel_get(oc_request_t *q, const char *id)
{
    const oc_room_t *room = room_of(q, id);
    const char *token;

    if (!room || oc_input_query(q->r, (oc_form_t **)&q->in.form, &q->result) != APR_SUCCESS ||
        oc_input_check(&q->in, &q->result) != APR_SUCCESS) {
        return oc_request_problem(q, NULL, "", NULL, NULL);
    }
    token = oc_input_text(&q->in, "owacal");
    return send_panel(
        q, room, NULL, NULL,
        token ? oc_token_outcome_open(q->r->pool, &q->scope, token, q->in.now) : NULL);
}

/* ---- presses ---- */

/* The value of a field of digits, within bounds; -1 with q->result set. */
static apr_int64_t number(oc_request_t *q, const char *name, apr_int64_t most)
{
    const char *text = oc_input_text(&q->in, name);
    apr_int64_t n = text ? apr_atoi64(text) : 0;

    if (n < 1 || n > most) {
        oc_result_field(&q->result, OC_REASON_OK, name, "is missing or out of bounds");
        return -1;
    }
    return n;
}

static const char *until_note(oc_request_t *q, const char *what, const oc_booking_t *b)
{
    return oc_view_with(&q->view, what, "time", oc_view_panel_clock(&q->view, b->when.end), NULL);
}

/* The same key and length give the same booking, whoever asks and on whichever front end. */
static oc_booking_t *door_booking(oc_request_t *q, const oc_room_t *room, int minutes,
                                  const char *key, unsigned char seed[32])
{
    apr_pool_t *pool = q->r->pool;
    const char *words[] = {"panel-seed1", q->scope.backend, q->scope.mailbox, key,
                           apr_itoa(pool, minutes)};
    oc_booking_t *b = oc_booking_create(pool);
    const char *uid;

    if (oc_crypto_hmac(seed, q->scope.secret, 0, words, 5) != APR_SUCCESS) {
        return NULL;
    }
    uid = q->backend->vt->uid_of(q->backend, pool, seed);
    b->mark = uid ? mark_of(q, uid) : NULL;
    b->subject = SUBJECT;
    b->location = room->name;
    b->when.start = oc_view_panel_minute(q->in.now);
    b->when.end = b->when.start + minutes * MINUTE;
    b->zone = q->view.zone;
    b->busy = OC_BUSY_BUSY;
    b->reminder = -1;
    return b->mark ? b : NULL;
}

static const char *book(oc_request_t *q, const oc_room_t *room)
{
    const char *key = oc_input_text(&q->in, "key"), *note = NULL;
    apr_int64_t minutes = number(q, "minutes", 60);
    oc_book_args_t *args;
    oc_act_t *act = NULL;
    oc_identity_t *id;
    oc_call_t *call;
    int ran;

    if (minutes < 0) {
        return NULL;
    }
    if ((minutes != 15 && minutes != 30 && minutes != 60) || !key) {
        oc_result_field(&q->result, OC_REASON_OK, key ? "minutes" : "key",
                        "15, 30 or 60 minutes, and the key of the panel's form, are wanted");
        return NULL;
    }
    if (!(call = oc_request_call(q, &id))) {
        return NULL;
    }
    args = apr_pcalloc(call->pool, sizeof(*args));
    args->booking = door_booking(q, room, (int)minutes, key, args->seed);
    if (!args->booking) {
        oc_result_fail(&q->result, OC_REASON_INTERNAL, "no mark can be made");
        oc_call_destroy(call);
        return NULL;
    }
    ran = oc_request_run(q, call, id, oc_op_book(call, q->backend, &q->op_conf, args, &act),
                         OC_VERB_BOOK);
    oc_request_audit(q, OC_VERB_BOOK, ran ? act : NULL, args->booking);
    if (q->result.reason == OC_REASON_OK && ran && act && act->booking) {
        if (act->replayed && !contains(act->booking->when, q->in.now)) {
            oc_result_fail(&q->result, OC_REASON_KEY_CONFLICT, "booked before, at another time");
        } else {
            note = until_note(q, OC_TEXT("Booked until {time}."), act->booking);
        }
    }
    oc_request_done(q);
    return note;
}

/* What extending and ending begin from: the item as it stands, if it is ours. */
static oc_booking_t *read_own(oc_request_t *q)
{
    const char *ref = oc_input_text(&q->in, "ref"), *item;
    oc_booking_t **b, *copy = NULL;
    oc_identity_t *id;
    oc_call_t *call;

    if (!ref) {
        oc_result_fail(&q->result, OC_REASON_BOOKING_NOT_FOUND, "no reference of a panel's");
        return NULL;
    }
    if (!(item = oc_request_item(q, ref, &q->result)) || !(call = oc_request_call(q, &id))) {
        return NULL;
    }
    b = apr_pcalloc(call->pool, sizeof(*b));
    if (oc_request_run(q, call, id,
                       oc_op_read(call, q->backend, &q->op_conf, apr_pstrdup(call->pool, item), b),
                       OC_VERB_READ) &&
        q->result.reason == OC_REASON_OK && *b) {
        if (is_ours(q, *b) && !(*b)->cancelled) {
            copy = oc_booking_copy(q->r->pool, *b);
        } else {
            oc_result_fail(&q->result, OC_REASON_NOT_ORGANIZER, "not booked on this panel");
        }
    }
    oc_request_done(q);
    return copy;
}

static apr_status_t change_end(oc_request_t *q, const oc_booking_t *was, apr_time_t end)
{
    oc_change_args_t args = {0};
    oc_act_t *act = NULL;
    oc_identity_t *id;
    oc_call_t *call = oc_request_call(q, &id);
    int ran;

    if (!call) {
        return APR_EGENERAL;
    }
    args.item = was->item;
    args.when.start = was->when.start;
    args.when.end = end;
    args.all_day = -1;
    args.reminder = -2;
    args.if_etag = was->etag;
    ran = oc_request_run(q, call, id, oc_op_change(call, q->backend, &q->op_conf, &args, &act),
                         OC_VERB_CHANGE);
    oc_request_audit(q, OC_VERB_CHANGE, ran ? act : NULL, was);
    oc_request_done(q);
    return q->result.reason == OC_REASON_OK ? APR_SUCCESS : APR_EGENERAL;
}

static const char *extend(oc_request_t *q, oc_booking_t *b)
{
    apr_int64_t until = number(q, "until", APR_INT64_C(100000000000));
    apr_time_t end = apr_time_from_sec(until);

    if (until < 0) {
        return NULL;
    }
    if (b->when.end <= q->in.now) {
        oc_result_fail(&q->result, OC_REASON_CHANGED_MEANWHILE, "it is over");
        return NULL;
    }
    if (end > b->when.end) { /* else another press was faster: nothing is to be done */
        if (end - b->when.end > MORE_MAX || end % MINUTE) {
            oc_result_field(&q->result, OC_REASON_OK, "until", "an hour more at most");
            return NULL;
        }
        if (change_end(q, b, end) != APR_SUCCESS) {
            return NULL;
        }
        b->when.end = end;
    }
    return until_note(q, OC_TEXT("Extended until {time}."), b);
}

static const char *end_now(oc_request_t *q, const oc_booking_t *b)
{
    apr_time_t end = oc_view_panel_minute(q->in.now);

    end = end > b->when.start ? end : b->when.start + MINUTE; /* a meeting has some length */
    if (b->when.end > end && change_end(q, b, end) != APR_SUCCESS) {
        return NULL;
    }
    return oc_view_say(&q->view, "The meeting has ended.");
}

/* Of two presses at once the slower finds the item changed: it looks again, once. */
static const char *press_own(oc_request_t *q, int ends)
{
    const char *note = NULL;

    for (int tries = 0; tries < 2 && !note; ++tries) {
        oc_booking_t *b;

        if (tries && q->result.reason != OC_REASON_CHANGED_MEANWHILE) {
            break;
        }
        oc_result_clear(&q->result);
        if ((b = read_own(q)) != NULL) {
            note = ends ? end_now(q, b) : extend(q, b);
        }
    }
    return note;
}

static const char *press(oc_request_t *q, const oc_room_t *room)
{
    const char *action = oc_input_text(&q->in, "action"), *off = why_off(q, room);

    if (off) {
        oc_result_fail(&q->result, OC_REASON_MAILBOX_REFUSED, "%s", off);
        return NULL;
    }
    /* Whatever the location allows people: nobody at a door can weigh a warning. */
    q->op_conf.conflict = OC_CONFLICT_REFUSE;
    q->op_conf.unknown_refuse = 1;
    if (action && strcmp(action, "book") == 0) {
        return book(q, room);
    }
    if (action && (strcmp(action, "extend") == 0 || strcmp(action, "end") == 0)) {
        return press_own(q, strcmp(action, "end") == 0);
    }
    oc_result_field(&q->result, OC_REASON_OK, "action", "book, extend or end is wanted");
    return NULL;
}

int oc_panel_post(oc_request_t *q, const char *id)
{
    const oc_room_t *room = room_of(q, id);
    const char *back = NULL, *note = NULL;
    const oc_form_t *form;
    oc_result_t failed;

    if (!room) {
        return oc_request_problem(q, NULL, "", NULL, NULL);
    }
    if (oc_handler_admit(q, &form, &back) == APR_SUCCESS) {
        note = press(q, room);
    }
    if (note) {
        return oc_request_redirect(q, back ? back : oc_view_panel_path(&q->view, room), note);
    }
    oc_result_init(&failed, q->r->pool);
    oc_result_copy(&failed, &q->result, q->r->pool);
    if (failed.reason == OC_REASON_OK) {
        oc_result_fail(&failed, OC_REASON_INTERNAL, "a press came to nothing");
    }
    oc_result_clear(&q->result);
    return send_panel(q, room, &failed, back, NULL);
}
