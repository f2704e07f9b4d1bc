/* panel.h - what hangs at a room's door: is it free, who is in there, what comes next, and buttons.
 * Text only, see view.h. Plain enough for an old terminal: no script, no style is needed. */
#ifndef OC_VIEW_PANEL_H
#define OC_VIEW_PANEL_H

#include "cal/agenda.h"
#include "view/view.h"

#define OC_PANEL_REFRESH 30 /* seconds */

typedef struct oc_panel_t {
    const oc_room_t *room;
    const oc_agenda_t *agenda; /* as far as it may be shown; NULL: it could not be read */
    apr_time_t now;
    const char *off;           /* a sentence: why nothing can be booked here; NULL: it can */
    const oc_booking_t *own;   /* what is on now, if it was booked here; NULL */
    const char *key;           /* idempotency key of the next booking; NULL: no buttons */
    const char *back;          /* return= of the forms; NULL: the panel's own page */
    const char *note;          /* outcome of the last press; NULL */
    const oc_result_t *failed; /* why that, or reading, did not work; NULL */
} oc_panel_t;

/* "/panel/rooms/boardroom/panel" */
const char *oc_view_panel_path(const oc_view_t *view, const oc_room_t *room);
/* "10:30" */
const char *oc_view_panel_clock(const oc_view_t *view, apr_time_t t);
/* The full minute that has begun: where bookings start and end. */
apr_time_t oc_view_panel_minute(apr_time_t now);
/* A section for any page; level: of its heading, 1 or 2. view->token NULL: without forms. */
const char *oc_view_panel(const oc_view_t *view, const oc_panel_t *panel, int level);
/* The same as a document of its own that fetches itself anew, or by view->fragment as above. */
const char *oc_view_panel_page(const oc_view_t *view, const oc_panel_t *panel);

#endif
