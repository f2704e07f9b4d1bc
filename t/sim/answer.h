/* What attendees do with a meeting request: by the policy of their mailbox, or when told to by
 * /_sim/respond. All need the write lock. */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "sim.h"

/* A request has reached a mailbox: it answers now, after room-delay seconds of the simulator's
 * clock, or never, as its policy says. */
void sim_asked(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *who,
               const sim_item_t *request);
/* The tentative entry a request makes in a calendar, or the update of the one there (submit.c).
 * NULL when the meeting is the mailbox's own or the request is out of date. */
sim_item_t *sim_entry_of_request(sim_store_t *store, sim_mailbox_t *mailbox,
                                 const sim_item_t *request);

#endif
