/* OWA commands: those of a GET's query and those of a POST's body. */
#ifndef SIM_OWACMD_H
#define SIM_OWACMD_H

#include "sim.h"

/* GET with a Cmd and without Translate: f. Takes the lock it needs. */
int sim_do_command(sim_req_t *q);
/* Cmd=getcancel on an item (getcancel.c). Needs write; access has been checked. */
int sim_getcancel(sim_req_t *q, sim_target_t *t);
/* POST with lines in application/x-www-UTF8-encoded to an item (update.c). Needs write. */
int sim_update_post(sim_req_t *q, sim_target_t *t);
/* Cmd=galfind and Cmd=gallookup (gal.c). Needs read. */
int sim_gal(sim_req_t *q, const sim_target_t *t);
/* Cmd=viewmembers on the item of a list (gal.c). Needs read. */
int sim_viewmembers(sim_req_t *q, const sim_target_t *t);
/* /_sim/directory: one more in the address list. /_sim/list: a list among the contacts of `m`.
 * NULL, or what is wrong. Need write. */
const char *sim_gal_add(sim_req_t *q);
const char *sim_gal_list(sim_req_t *q, sim_mailbox_t *m);
/* Only the mailboxes are left in it. Needs write. */
void sim_gal_reset(void);
/* The organizer's own meeting: an appointment with finvited, made in this mailbox. Needs read. */
int sim_is_own_meeting(const sim_item_t *item, const sim_mailbox_t *mailbox);

#endif
