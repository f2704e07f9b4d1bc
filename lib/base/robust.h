/* robust.h - a mutex in memory shared by all children, which a child that is killed holding it does
 * not take along.
 *
 * Whoever has it next goes on as if nothing had happened: what the dead one left half done must be
 * sound as it is. Any thread, any child; unlock with pthread_mutex_unlock().
 */
#ifndef OC_BASE_ROBUST_H
#define OC_BASE_ROBUST_H

#include <pthread.h>

/* In the parent, before fork. 1; 0: this system has no such mutexes. */
int oc_robust_init(pthread_mutex_t *mutex);
/* 1; 0, and not held: it can never be had again. */
int oc_robust_lock(pthread_mutex_t *mutex);

#endif
