/* feed.c - bookings and agendas as iCalendar. */
#include <apr_hash.h>
#include <apr_strings.h>

#include "view/agenda.h"
#include "view/feed.h"
#include "wire/ical.h"

static const char *summary_of(const oc_view_t *view, const oc_agenda_entry_t *e)
{
    if (e->subject) {
        return e->subject;
    }
    if (e->by) {
        return oc_view_with(view, "Booked by {name}", "name", e->by, NULL);
    }
    return oc_view_agenda_state(view, e->busy);
}

static oc_booking_t *event_of(const oc_view_t *view, const oc_agenda_t *agenda,
                              const oc_agenda_entry_t *e)
{
    oc_booking_t *b = oc_booking_create(view->pool);

    b->uid = e->uid;
    b->subject = summary_of(view, e);
    b->location = agenda->room->name;
    b->when = e->when;
    b->all_day = e->all_day;
    b->zone = e->zone;
    b->busy = e->busy;
    b->organizer = e->by_address;
    b->organizer_name = e->by_address ? e->by : NULL;
    b->sequence = e->sequence;
    b->created = e->created;
    b->modified = e->modified;
    return b;
}

static const char *write_events(const oc_view_t *view, const apr_array_header_t *events,
                                const char *name, const char *zone, apr_time_t stamp)
{
    oc_ical_calendar_t calendar = {name, zone, events, stamp};
    apr_hash_t *seen = apr_hash_make(view->pool);

    /* A server's uids need not be unique; in one calendar they must be. */
    for (int i = 0; i < events->nelts; ++i) {
        oc_booking_t *b = APR_ARRAY_IDX(events, i, oc_booking_t *);
        const char *uid = b->uid;
        int *count;
        while ((count = apr_hash_get(seen, b->uid, APR_HASH_KEY_STRING)) != NULL) {
            count = apr_hash_get(seen, uid, APR_HASH_KEY_STRING);
            b->uid = apr_psprintf(view->pool, "%s.%d", uid, ++*count);
        }
        count = apr_palloc(view->pool, sizeof(*count));
        *count = 1;
        apr_hash_set(seen, b->uid, APR_HASH_KEY_STRING, count);
    }
    return oc_ical_write(view->pool, &calendar);
}

const char *oc_feed_agenda(const oc_view_t *view, const oc_agenda_t *agenda)
{
    apr_array_header_t *events =
        apr_array_make(view->pool, agenda->entries->nelts + 1, sizeof(oc_booking_t *));

    for (int i = 0; i < agenda->entries->nelts; ++i) {
        APR_ARRAY_PUSH(events, oc_booking_t *) =
            event_of(view, agenda, &APR_ARRAY_IDX(agenda->entries, i, oc_agenda_entry_t));
    }
    return write_events(view, events, agenda->room->name, view->zone, agenda->range.start);
}

/* A copy that may be changed, with a uid. */
static oc_booking_t *own_event(const oc_view_t *view, const oc_agenda_seal_t *seal,
                               const oc_booking_t *from)
{
    oc_booking_t *b = apr_pmemdup(view->pool, from, sizeof(*from));
    int series = b->instance == OC_INSTANCE_OCCURRENCE || b->instance == OC_INSTANCE_EXCEPTION;

    if (!b->uid || !*b->uid || series) {
        b->uid =
            oc_agenda_uid(view->pool, seal, "mine", b->uid && *b->uid ? b->uid : b->item, b->when);
    }
    return b->uid ? b : NULL;
}

const char *oc_feed_bookings(const oc_view_t *view, const oc_agenda_seal_t *seal,
                             const apr_array_header_t *bookings, oc_range_t range)
{
    apr_array_header_t *events =
        apr_array_make(view->pool, bookings->nelts + 1, sizeof(oc_booking_t *));

    for (int i = 0; i < bookings->nelts; ++i) {
        oc_booking_t *b = own_event(view, seal, APR_ARRAY_IDX(bookings, i, const oc_booking_t *));
        if (!b) {
            return NULL;
        }
        APR_ARRAY_PUSH(events, oc_booking_t *) = b;
    }
    return write_events(view, events, oc_view_say(view, "My bookings"), view->zone, range.start);
}

const char *oc_feed_booking(const oc_view_t *view, const oc_agenda_seal_t *seal,
                            const oc_booking_t *from)
{
    apr_array_header_t *events = apr_array_make(view->pool, 1, sizeof(oc_booking_t *));
    oc_booking_t *b = own_event(view, seal, from);

    if (!b) {
        return NULL;
    }
    APR_ARRAY_PUSH(events, oc_booking_t *) = b;
    return write_events(view, events, NULL, b->zone ? b->zone : view->zone, b->when.start);
}
