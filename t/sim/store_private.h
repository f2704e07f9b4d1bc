/* The inside of sim_store_t, for the files that keep it alone. */
#ifndef SIM_STORE_PRIVATE_H
#define SIM_STORE_PRIVATE_H

#include "store.h"

#include <pthread.h>

typedef struct sim_later_t sim_later_t;

struct sim_store_t {
    pthread_rwlock_t lock;
    sim_index_t by_name, by_address; /* built at start-up, then only read */
    sim_mailbox_t *first, *last;
    unsigned long next_id;
    apr_int64_t offset; /* of the clock, microseconds; atomic */
    apr_int64_t next_due; /* of the first late event, 0 if none; atomic */
    sim_later_t *later; /* by due time */
};

/* Gives up loudly without memory: a server of this kind is of no use then. */
void *sim_must(void *p);
void sim_props_free(sim_prop_t *props, int n);

/* Case-blind index; the node is the first member of what it finds. */
sim_node_t *sim_index_find(const sim_index_t *ix, const char *name);
void sim_index_add(sim_index_t *ix, sim_node_t *node, const char *name);
void sim_index_remove(sim_index_t *ix, sim_node_t *node);

void sim_later_clear(sim_store_t *store);

/* freebusy.c: to be called before a calendar changes, with the write lock. Takes the snapshot that
 * has become due, and starts the lag for the change about to happen. */
void sim_busy_touch(sim_mailbox_t *mailbox);

#endif
