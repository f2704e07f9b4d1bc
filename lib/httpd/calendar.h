/* calendar.h - what displays and calendar programs fetch again and again: a room's agenda, and
 * bookings as iCalendar. Answers bear a strong ETag of their content, and whoever has it gets 304.
 * Request thread. */
#ifndef OC_HTTPD_CALENDAR_H
#define OC_HTTPD_CALENDAR_H

#include "cal/agenda.h"
#include "httpd/request.h"

/* `GET rooms/{id}`: the agenda of a day as HTML or JSON, or a feed. Only configured rooms. */
int oc_calendar_room(oc_request_t *q, const char *id);
/* Look at the room: its calendar, else its free/busy, which may be as old as OwaCalFreshness lets
 * it. 1: *look is filled until oc_request_done(); 0: q->result says why not. */
int oc_calendar_look(oc_request_t *q, const oc_room_t *room, oc_range_t range,
                     oc_room_look_t **look);
/* What a look at a room came to, cut down to what this location may show; NULL: nothing. */
oc_agenda_t *oc_calendar_agenda(const oc_request_t *q, const oc_room_t *room, oc_range_t range,
                                const oc_room_look_t *look);
/* Send `text` with an ETag of `shown`, what of it counts as news, or 304. */
int oc_calendar_reply(oc_request_t *q, const char *type, const char *text, const char *shown);
/* How many days a feed has unless the request says so. */
int oc_calendar_days(const oc_request_t *q);
/* Send one's own bookings, or one, as iCalendar. */
int oc_calendar_list(oc_request_t *q, const oc_list_t *list, oc_range_t range);
int oc_calendar_booking(oc_request_t *q, const oc_booking_t *b);

#endif
