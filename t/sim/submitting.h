/* Between the verbs: conditions of a write, and what the OWA commands share with submission.
 * All need the write lock unless they say otherwise. */
#ifndef SIM_SUBMITTING_H
#define SIM_SUBMITTING_H

#include "sim.h"

/* If-Match and If-None-Match against the item at the target (NULL: none). OK or 412. Needs read. */
int sim_preconditions(sim_req_t *q, const sim_item_t *item);

#define SIM_KIND_REQUEST 1
#define SIM_KIND_CANCEL 2
#define SIM_KIND_ANSWER 3
#define SIM_KIND_ORDINARY 4
/* What a message is, by contentclass and message class: only both together make it a calendar
 * message (rule 19c). Needs read. */
int sim_message_kind(const sim_item_t *item);

/* Gives a message that is about to be sent its Message-ID, the same on every copy of it. */
void sim_message_id(sim_item_t *message);
/* Delivers a copy of `message`, sent by `sender`, to one address. Returns 0 when it has no mailbox
 * here. */
int sim_deliver(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *sender,
                const sim_item_t *message, const char *address);
/* A copy in Sent Items (or in `folder`). */
void sim_sent_copy(sim_store_t *store, sim_mailbox_t *sender, const sim_item_t *message,
                   sim_folder_t *folder);
/* The calendar entry of a meeting in a mailbox, as that mailbox matches them: by uid, or by 0x23 in
 * one that is "Outlook cached" (rule 21). Needs read. */
sim_item_t *sim_find_meeting(const sim_mailbox_t *mailbox, const sim_item_t *like);
/* A request, an update or a cancellation made from the organizer's item; not stored. The caller
 * frees it. `kind` is SIM_KIND_REQUEST or SIM_KIND_CANCEL. */
sim_item_t *sim_meeting_message(sim_store_t *store, const sim_mailbox_t *organizer,
                                const sim_item_t *meeting, int kind);
/* Joins the addresses of the attendees of a role for a to/cc/bcc header; "" if none. Needs read. */
const char *sim_attendee_list(apr_pool_t *p, const sim_item_t *item, sim_role_t role);

#endif
