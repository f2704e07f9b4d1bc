/* view.c - helpers common to pages and JSON. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "view/view.h"

void oc_view_document(const oc_view_t *view, oc_html_t *h, const char *title, const char *refresh)
{
    oc_html_doctype(h);
    oc_html_open(h, "html", "lang", oc_say_tag(view->language), NULL);
    oc_html_open(h, "head", NULL);
    oc_html_open(h, "meta", "charset", "utf-8", NULL);
    oc_html_open(h, "meta", "name", "viewport", "content", "width=device-width, initial-scale=1",
                 NULL);
    if (refresh) {
        oc_html_open(h, "meta", "http-equiv", "refresh", "content", refresh, NULL);
    }
    oc_html_element(h, "title", title, NULL);
    oc_html_close(h);
    oc_html_open(h, "body", NULL);
}

const char *oc_view_booking_path(const oc_view_t *view, const oc_booking_t *b)
{
    return apr_pstrcat(view->pool, view->base, "/bookings/", view->ref(view, b->item, b->uid),
                       NULL);
}

int oc_view_own(const oc_view_t *view, const oc_booking_t *b)
{
    return b->is_organizer && b->item && view->token && b->instance == OC_INSTANCE_SINGLE;
}

const oc_room_t *oc_view_room(const oc_view_t *view, const char *address)
{
    return address ? oc_room_by_address(view->rooms, address) : NULL;
}

const char *oc_view_input(const oc_view_t *view, apr_time_t t)
{
    oc_local_t l;

    if (oc_zone_to_local(view->zone, t, &l, NULL) != APR_SUCCESS) {
        return "";
    }
    return apr_psprintf(view->pool, "%04d-%02d-%02dT%02d:%02d", l.year, l.month, l.day, l.hour,
                        l.minute);
}

const char *oc_view_day(const oc_view_t *view, apr_time_t t)
{
    return apr_pstrndup(view->pool, oc_view_input(view, t), sizeof("2026-03-05") - 1);
}

int oc_view_one_day(const oc_view_t *view, oc_range_t range)
{
    return strcmp(oc_view_day(view, range.start), oc_view_day(view, range.end - 1)) == 0;
}

const char *oc_view_date(const oc_view_t *view, apr_time_t t, oc_dates_t style)
{
    return oc_dates_text(view->pool, t, view->zone, view->locale ? view->locale : OC_SAY_LOCALE,
                         style);
}

oc_html_part_t oc_view_part(const oc_view_t *view, const char *name, apr_time_t t, oc_dates_t style)
{
    oc_html_part_t part = {name, oc_view_date(view, t, style),
                           oc_zone_print(view->pool, t, view->zone), NULL};

    return part;
}

void oc_view_range(const oc_view_t *view, oc_range_t range, oc_html_part_t parts[2])
{
    parts[0] = oc_view_part(view, "start", range.start, OC_DATES_DAY_CLOCK);
    parts[1] = oc_view_part(view, "end", range.end,
                            oc_view_one_day(view, range) ? OC_DATES_CLOCK : OC_DATES_DAY_CLOCK);
}

int oc_view_days(const oc_view_t *view, oc_range_t range, oc_html_part_t parts[2])
{
    parts[0] = oc_view_part(view, "start", range.start, OC_DATES_DAY);
    parts[1] = oc_view_part(view, "end", range.end - 1, OC_DATES_DAY);
    parts[0].datetime = oc_view_day(view, range.start);
    parts[1].datetime = oc_view_day(view, range.end - 1);
    return oc_view_one_day(view, range);
}

const char *oc_view_say(const oc_view_t *view, const char *english)
{
    return oc_say(view->language, english);
}

const char *oc_view_detail(const oc_view_t *view, const oc_result_t *res)
{
    if (!res->detail || oc_reason_kind(res->reason) != OC_KIND_INPUT) {
        return NULL;
    }
    return res->said ? oc_say_numbered(view->pool, view->language, res->said, res->values,
                                       res->said_count)
                     : res->detail;
}

const char *oc_view_joint(const char *path)
{
    size_t n = strlen(path);

    return n && path[n - 1] == '?' ? "" : strchr(path, '?') ? "&" : "?";
}

const char *oc_view_form_at(const oc_view_t *view, const char *path, const char *prefix,
                            const char *room, const char *start, const char *end)
{
    const char *p = prefix ? prefix : "";
    const char *joint = oc_view_joint(path), *last = prefix ? "#owacal-form" : "",
               *id = oc_str_query(view->pool, room);

    return start ? apr_pstrcat(view->pool, path, joint, p, "room=", id, "&", p, "start=", start,
                               "&", p, "end=", end, last, NULL)
                 : apr_pstrcat(view->pool, path, joint, p, "room=", id, last, NULL);
}

const char *oc_view_form_path(const oc_view_t *view, const char *path, const char *prefix,
                              const char *room, oc_range_t when)
{
    const char *start = when.start ? oc_view_input(view, when.start) : NULL;

    return oc_view_form_at(view, path, prefix, room, start,
                           start ? oc_view_input(view, when.end) : NULL);
}

const char *oc_view_told_token(oc_told_t told)
{
    switch (told) {
    case OC_TOLD_NOBODY_TO_TELL:
        return "none";
    case OC_TOLD:
        return "sent";
    case OC_TOLD_UNVERIFIED:
        return "unverified";
    case OC_TOLD_NOT:
        return "not-sent";
    case OC_TOLD_UNKNOWN:
        break;
    }
    return "unknown";
}

static const char *cancel_text(oc_state_t state)
{
    switch (state) {
    case OC_STATE_CONFIRMED:
    case OC_STATE_PENDING:
        return OC_TEXT("The booking is cancelled.");
    case OC_STATE_UNKNOWN:
        return OC_TEXT(
            "Whether the booking was cancelled could not be found out; look at your calendar.");
    default:
        return OC_TEXT("The booking was not cancelled.");
    }
}

static const char *change_text(oc_state_t state)
{
    switch (state) {
    case OC_STATE_CONFIRMED:
        return OC_TEXT("The booking is changed.");
    case OC_STATE_PENDING:
        return OC_TEXT("The booking is changed, but the room has not confirmed it yet.");
    case OC_STATE_CONFLICT:
        return OC_TEXT("The booking was not changed.");
    case OC_STATE_FAILED:
        return OC_TEXT("The booking was not changed.");
    default:
        return OC_TEXT("Whether it was done could not be found out; look at your calendar.");
    }
}

static const char *book_text(oc_state_t state)
{
    switch (state) {
    case OC_STATE_CONFIRMED:
        return OC_TEXT("The booking is confirmed.");
    case OC_STATE_PENDING:
        return OC_TEXT("The booking is made, but the room has not confirmed it yet.");
    case OC_STATE_CONFLICT:
        return OC_TEXT("Nothing was booked.");
    case OC_STATE_FAILED:
        return OC_TEXT("The booking was not made.");
    default:
        return OC_TEXT("Whether it was done could not be found out; look at your calendar.");
    }
}

const char *oc_view_act_sentence(const oc_view_t *view, const oc_act_t *act, const char *verb)
{
    const char *text = strcmp(verb, "cancel") == 0   ? cancel_text(act->state)
                       : strcmp(verb, "change") == 0 ? change_text(act->state)
                                                     : book_text(act->state);

    if (strcmp(verb, "cancel") != 0 && act->state == OC_STATE_CONFIRMED && act->replayed) {
        text = OC_TEXT("It was booked before; this is that booking.");
    }
    text = oc_view_say(view, text);
    if (act->pending_why && act->state == OC_STATE_PENDING) {
        text = apr_pstrcat(view->pool, text, " (", oc_view_say(view, act->pending_why), ")", NULL);
    }
    if (act->not_done) {
        text = apr_pstrcat(view->pool, text, " ",
                           oc_say_sentences(view->pool, view->language, act->not_done), NULL);
    }
    if (act->left_behind) {
        text = apr_pstrcat(view->pool, text, " ",
                           oc_say_sentences(view->pool, view->language, act->left_behind), NULL);
    }
    return text;
}
