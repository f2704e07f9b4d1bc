/* feed.h - bookings and agendas as iCalendar, for calendar programs. Text in view->pool; NULL:
 * memory is out, or no MAC could be made. */
#ifndef OC_VIEW_FEED_H
#define OC_VIEW_FEED_H

#include "cal/agenda.h"
#include "view/view.h"

/* A room's, with what the agenda allows to be seen and no more. */
const char *oc_feed_agenda(const oc_view_t *view, const oc_agenda_t *agenda);
/* One's own calendar (oc_booking_t *) in a range. An occurrence of a series is an event by itself.
 */
const char *oc_feed_bookings(const oc_view_t *view, const oc_agenda_seal_t *seal,
                             const apr_array_header_t *bookings, oc_range_t range);
/* One booking with its attendees, in the zone it was booked in. */
const char *oc_feed_booking(const oc_view_t *view, const oc_agenda_seal_t *seal,
                            const oc_booking_t *b);

#endif
