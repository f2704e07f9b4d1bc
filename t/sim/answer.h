/* What attendees do with a meeting request: rooms by their policy, persons when told to by
 * /_sim/respond. All need the write lock. */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "sim.h"

/* A request has reached a room: it answers now, after room-delay seconds of the simulator's clock,
 * or never. */
void sim_room_asked(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *room,
                    const sim_item_t *request);
/* The tentative entry a request makes in a calendar, or the update of the one there (submit.c).
 * NULL when the meeting is the mailbox's own or the request is out of date. */
sim_item_t *sim_entry_of_request(sim_store_t *store, sim_mailbox_t *mailbox,
                                 const sim_item_t *request);

#endif
