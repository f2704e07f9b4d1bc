/* Recurring masters: their occurrences, computed from rrule, rdate and exdate in the master's time
 * zone. Needs read on the store. */
#ifndef SIM_RECUR_H
#define SIM_RECUR_H

#include "store.h"

/* Is it a master with a rule? */
int sim_recur_is_master(const sim_item_t *item);
/* The n-th occurrence, from 1; 0 if there is none or it was deleted. start/end may be NULL. */
int sim_recur_nth(const sim_item_t *master, int n, apr_time_t *start, apr_time_t *end);
/* Calls `each` for the occurrences that overlap [from, to), in order, with their number; stops when
 * it returns 0. Occurrences replaced by a stored exception are left out. */
void sim_recur_each(const sim_item_t *master, apr_time_t from, apr_time_t to,
                    int (*each)(void *data, int n, apr_time_t start, apr_time_t end), void *data);

#endif
