/* view.c - helpers common to pages and JSON. */
#include <string.h>
#include <apr_strings.h>

#include "cal/zone.h"
#include "view/view.h"

const char *oc_view_booking_path(const oc_view_t *view, const oc_booking_t *b)
{
    return apr_pstrcat(view->pool, view->base, "/bookings/", view->ref(view, b->item, b->uid),
                       NULL);
}

const oc_room_t *oc_view_room(const oc_view_t *view, const char *address)
{
    return address ? oc_room_by_address(view->rooms, address) : NULL;
}

const char *oc_view_clock(const oc_view_t *view, apr_time_t t)
{
    oc_local_t l;

    if (oc_zone_to_local(view->zone, t, &l, NULL) != APR_SUCCESS) {
        return "";
    }
    return apr_psprintf(view->pool, "%04d-%02d-%02d %02d:%02d", l.year, l.month, l.day, l.hour,
                        l.minute);
}

const char *oc_view_input(const oc_view_t *view, apr_time_t t)
{
    char *text = apr_pstrdup(view->pool, oc_view_clock(view, t));

    if (strlen(text) > 10) {
        text[10] = 'T';
    }
    return text;
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

const char *oc_view_act_sentence(const oc_view_t *view, const oc_act_t *act, const char *verb)
{
    const char *text;

    if (strcmp(verb, "cancel") == 0) {
        switch (act->state) {
        case OC_STATE_CONFIRMED:
        case OC_STATE_PENDING:
            text = "The booking is cancelled.";
            break;
        case OC_STATE_UNKNOWN:
            text =
                "Whether the booking was cancelled could not be found out; look at your calendar.";
            break;
        default:
            text = "The booking was not cancelled.";
            break;
        }
    } else {
        int change = strcmp(verb, "change") == 0;
        switch (act->state) {
        case OC_STATE_CONFIRMED:
            text = act->replayed ? "It was booked before; this is that booking."
                   : change      ? "The booking is changed."
                                 : "The booking is confirmed.";
            break;
        case OC_STATE_PENDING:
            text = change ? "The booking is changed, but the room has not confirmed it yet."
                          : "The booking is made, but the room has not confirmed it yet.";
            break;
        case OC_STATE_CONFLICT:
            text = "The room is taken at that time; nothing was booked.";
            break;
        case OC_STATE_FAILED:
            text = change ? "The booking was not changed." : "The booking was not made.";
            break;
        default:
            text = "Whether it was done could not be found out; look at your calendar.";
            break;
        }
        if (change && act->state == OC_STATE_CONFLICT) {
            text = "The room is taken at that time; the booking was not changed.";
        }
    }
    if (act->pending_why && act->state == OC_STATE_PENDING) {
        text = apr_pstrcat(view->pool, text, " (", act->pending_why, ")", NULL);
    }
    if (act->not_done) {
        text = apr_pstrcat(view->pool, text, " ", act->not_done, NULL);
    }
    if (act->left_behind) {
        text = apr_pstrcat(view->pool, text, " ", act->left_behind, NULL);
    }
    return text;
}
