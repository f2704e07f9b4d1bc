/* panel.h - a room's door panel: `rooms/{id}/panel`, and the fragment `panel`.
 *
 * Everybody sees it as far as he may see the room. Booking there needs OwaCalIdentity device: the
 * booking is the room's own, in its own mailbox, and bears a mark that is a MAC over its uid. Only
 * what bears that mark can be extended or ended, on whichever front end has the secret. Request
 * thread.
 */
#ifndef OC_HTTPD_PANEL_H
#define OC_HTTPD_PANEL_H

#include "httpd/request.h"

int oc_panel_get(oc_request_t *q, const char *id);
/* action=book with minutes= and key=, extend with ref= and until=, end with ref=. All may be sent
 * twice. */
int oc_panel_post(oc_request_t *q, const char *id);

/* How much of its calendar a panel shows: today, and two hours at least. */
oc_range_t oc_panel_range(const oc_request_t *q);
/* The fragment, of what a look at that range came to. back: where its forms come back to; NULL: to
 * the panel's own page. NULL with q->result set. */
const char *oc_panel_text(oc_request_t *q, const oc_view_t *view, const oc_room_t *room,
                          oc_range_t range, const oc_room_look_t *look, const char *back);

#endif
