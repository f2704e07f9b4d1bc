/* calendar.c - a room's agenda, and bookings as iCalendar, with conditional GET. */
#include <httpd.h>
#include <http_protocol.h>
#include <apr_strings.h>

#include "base/log.h"
#include "cal/zone.h"
#include "httpd/calendar.h"
#include "httpd/freshness.h"
#include "view/agenda.h"
#include "view/feed.h"

#define ICS        "text/calendar; charset=utf-8"
#define FEED_DAYS  42
#define ROWS_MAX   1000
#define ETAG_BYTES 18 /* of a MAC: nobody can tell from it what a text was */

/* 0, or the status with which a request that brought conditions ends. A page that holds this one is
 * no answer to them. */
static int condition(request_rec *r)
{
    if (r->main) {
        return 0;
    }
    if (ap_condition_if_match(r, r->headers_out) == AP_CONDITION_NOMATCH) {
        return HTTP_PRECONDITION_FAILED;
    }
    switch (ap_condition_if_none_match(r, r->headers_out)) {
    case AP_CONDITION_WEAK:
    case AP_CONDITION_STRONG:
        return HTTP_NOT_MODIFIED;
    default:
        return 0;
    }
}

static int reply(oc_request_t *q, const char *type, const char *text)
{
    return oc_calendar_reply(q, type, text, text);
}

int oc_calendar_reply(oc_request_t *q, const char *type, const char *text, const char *shown)
{
    request_rec *r = q->r;
    const char *words[3] = {"etag1", type, shown}, *mac;
    int status;

    mac = text && shown ? oc_crypto_sign(r->pool, q->scope.secret, ETAG_BYTES, words, 3) : NULL;
    if (!mac) {
        oc_result_fail(&q->result, OC_REASON_INTERNAL, "the answer could not be written");
        return oc_request_problem(q, NULL, "", NULL, NULL);
    }
    apr_table_setn(r->headers_out, "ETag", apr_pstrcat(r->pool, "\"", mac, "\"", NULL));
    apr_table_setn(r->headers_out, "Cache-Control", "private, no-cache");
    apr_table_mergen(r->headers_out, "Vary", OC_REQUEST_VARY);
    if ((status = condition(r)) != 0) {
        apr_table_unset(r->headers_out, "Content-Disposition");
        return status;
    }
    return oc_request_write(q, type, text);
}

/* name: letters, digits, ".", "_" and "-" only. */
static int send_ics(oc_request_t *q, const char *how, const char *name, const char *text)
{
    apr_table_setn(q->r->headers_out, "Content-Disposition",
                   apr_psprintf(q->r->pool, "%s; filename=\"%s.ics\"", how, name));
    return reply(q, ICS, text);
}

static oc_agenda_seal_t seal_of(const oc_request_t *q)
{
    oc_agenda_seal_t seal = {q->scope.secret, q->backend->conf->name};

    return seal;
}

int oc_calendar_days(const oc_request_t *q)
{
    int most = q->conf->max_range - 1; /* a day may have 25 hours */

    return most < 1 ? 1 : most < FEED_DAYS ? most : FEED_DAYS;
}

int oc_calendar_list(oc_request_t *q, const oc_list_t *list, oc_range_t range)
{
    oc_agenda_seal_t seal = seal_of(q);

    return send_ics(q, "inline", "bookings",
                    oc_feed_bookings(&q->view, &seal, list->bookings, range));
}

int oc_calendar_booking(oc_request_t *q, const oc_booking_t *b)
{
    oc_agenda_seal_t seal = seal_of(q);
    oc_local_t day = {1970, 1, 1, 0, 0, 0};

    oc_zone_to_local(b->zone ? b->zone : q->view.zone, b->when.start, &day, NULL);
    return send_ics(
        q, "attachment",
        apr_psprintf(q->r->pool, "booking-%04d-%02d-%02d", day.year, day.month, day.day),
        oc_feed_booking(&q->view, &seal, b));
}

static int send_room(oc_request_t *q, const oc_agenda_t *agenda)
{
    apr_time_t now = q->in.now;

    if (q->ics) {
        return send_ics(q, "inline", agenda->room->id, oc_feed_agenda(&q->view, agenda));
    }
    return q->json
               ? reply(q, "application/json", oc_view_agenda_json(&q->view, agenda, now))
               : reply(q, OC_REQUEST_HTML, oc_view_agenda_page(&q->view, agenda, now));
}

oc_agenda_t *oc_calendar_agenda(const oc_request_t *q, const oc_room_t *room, oc_range_t range,
                                const oc_room_look_t *look)
{
    oc_agenda_seal_t seal = seal_of(q);
    oc_agenda_t *agenda = NULL;

    if (look->list) {
        agenda = oc_agenda_of_calendar(q->r->pool, &seal, room, range, look->list->bookings,
                                       q->dir->privacy);
    } else if (look->rows && look->rows->nelts > 0) {
        agenda = oc_agenda_of_freebusy(q->r->pool, &seal, room, range,
                                       APR_ARRAY_IDX(look->rows, 0, const oc_freebusy_t *));
    }
    if (agenda) {
        agenda->more = look->list && look->list->more;
    }
    return agenda;
}

/* That its calendar is closed is known: then what is asked for is the same as for a grid. */
static int look_at_digits(oc_request_t *q, oc_call_t *call, oc_identity_t *id,
                          const oc_room_t *room, oc_range_t range, oc_room_look_t *look)
{
    apr_array_header_t *who = apr_array_make(q->r->pool, 1, sizeof(const char *));
    oc_freshness_t fresh;

    APR_ARRAY_PUSH(who, const char *) = room->address;
    if (!oc_freshness_run(&fresh, q, call, id,
                          oc_request_freebusy(call, who, range, OC_OP_AGENDA_SLOT))) {
        return 0;
    }
    look->list = NULL;
    look->rows = fresh.rows;
    return 1;
}

int oc_calendar_look(oc_request_t *q, const oc_room_t *room, oc_range_t range,
                     oc_room_look_t **look)
{
    oc_identity_t *id;
    oc_call_t *call = oc_request_call(q, &id);

    if (call && oc_op_agenda_closed(call, q->backend, room)) {
        *look = apr_pcalloc(q->r->pool, sizeof(**look));
        return look_at_digits(q, call, id, room, range, *look);
    }
    return call &&
           oc_request_run(
               q, call, id,
               oc_op_agenda(call, q->backend, &q->op_conf, room->id, range, ROWS_MAX, look),
               OC_VERB_LIST) &&
           q->result.reason == OC_REASON_OK;
}

int oc_calendar_room(oc_request_t *q, const char *id)
{
    const oc_room_t *room = oc_request_room(q, id);
    oc_room_look_t *look = NULL;
    oc_agenda_t *agenda;
    oc_range_t range;
    int rc;

    if (!room) {
        return oc_request_problem(q, NULL, "", NULL, NULL);
    }
    if (oc_input_query(q->r, (oc_form_t **)&q->in.form, &q->result) != APR_SUCCESS ||
        oc_input_check(&q->in, &q->result) != APR_SUCCESS ||
        oc_input_range(&q->in, q->ics ? oc_calendar_days(q) : 1, &range, &q->result) !=
            APR_SUCCESS) {
        return oc_request_problem(q, NULL, "list", NULL, NULL);
    }
    if (oc_calendar_look(q, room, range, &look)) {
        agenda = oc_calendar_agenda(q, room, range, look);
        if (agenda) {
            rc = send_room(q, agenda);
        } else {
            oc_result_fail(&q->result, OC_REASON_INTERNAL, "no agenda could be made");
            rc = oc_request_problem(q, NULL, "list", NULL, NULL);
        }
    } else {
        rc = oc_request_problem(q, NULL, "list", NULL, NULL);
    }
    oc_request_done(q);
    return rc;
}
