/* A clock that differs from this machine's by SHIFT seconds, for one program of a test: built by
 * the test (-DSHIFT=600), put in front of libc by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

time_t time(time_t *out)
{
    struct timeval tv;

    gettimeofday(&tv, NULL);
    if (out) {
        *out = tv.tv_sec;
    }
    return tv.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    static int (*real)(struct timeval *, void *);
    int rv;

    if (!real) {
        real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    }
    rv = real(tv, zone);
    tv->tv_sec += SHIFT;
    return rv;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    static int (*real)(clockid_t, struct timespec *);
    int rv;

    if (!real) {
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    }
    rv = real(id, ts);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) {
        ts->tv_sec += SHIFT;
    }
    return rv;
}
