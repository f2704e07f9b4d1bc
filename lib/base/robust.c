/* robust.c - see robust.h. */
#include <errno.h>

#include "base/robust.h"

int oc_robust_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;
    int rv;

    if (pthread_mutexattr_init(&attr) != 0) {
        return 0;
    }
    rv = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (rv == 0) {
        rv = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }
    if (rv == 0) {
        rv = pthread_mutex_init(mutex, &attr);
    }
    pthread_mutexattr_destroy(&attr);
    return rv == 0;
}

int oc_robust_lock(pthread_mutex_t *mutex)
{
    int rv = pthread_mutex_lock(mutex);

    if (rv == EOWNERDEAD) {
        rv = pthread_mutex_consistent(mutex);
        if (rv != 0) {
            pthread_mutex_unlock(mutex);
        }
    }
    return rv == 0;
}
