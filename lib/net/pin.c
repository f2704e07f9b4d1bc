/* pin.c - the life of a pinned connection, seen from all the threads that own it.
 *
 * The pin has a descriptor of its own for the connection (dup), so that it can be looked at and
 * shut down by any thread without racing libcurl, which closes its own on the loop thread.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/inbox.h"
#include "net/pin.h"

struct oc_pin_bench_t {
    pthread_mutex_t mutex;
    oc_inbox_t *inbox; /* NULL: net has gone */
    atomic_int refs;   /* net's, and one for each pin */
    atomic_int pins;
    int max;
    atomic_int rung;
};

typedef enum state_t {
    PIN_NEW,  /* nothing was sent yet */
    PIN_OPEN, /* its one connection stands */
    PIN_OVER
} state_t;

struct oc_pin_t {
    pthread_mutex_t mutex;
    oc_pin_bench_t *bench;
    atomic_int refs;
    state_t state;
    int socket; /* libcurl's number for it, to know it by when it is closed; -1 */
    int own;    /* the pin's own descriptor of it; -1 */
    int proven;
    int busy;       /* exchanges on the wire */
    oc_mono_t used; /* when the last one ended, or the pin was made */
};

/* ---- the bench ---- */

oc_pin_bench_t *oc_pin_bench_create(oc_inbox_t *inbox, int max)
{
    oc_pin_bench_t *bench = calloc(1, sizeof(*bench));

    if (bench) {
        pthread_mutex_init(&bench->mutex, NULL);
        bench->inbox = inbox;
        bench->max = max;
        atomic_init(&bench->refs, 1);
    }
    return bench;
}

static void bench_drop(oc_pin_bench_t *bench)
{
    if (atomic_fetch_sub(&bench->refs, 1) == 1) {
        pthread_mutex_destroy(&bench->mutex);
        free(bench);
    }
}

void oc_pin_bench_destroy(oc_pin_bench_t *bench)
{
    if (bench) {
        pthread_mutex_lock(&bench->mutex);
        bench->inbox = NULL;
        pthread_mutex_unlock(&bench->mutex);
        bench_drop(bench);
    }
}

int oc_pin_bench_rung(oc_pin_bench_t *bench)
{
    return atomic_exchange(&bench->rung, 0);
}

static void ring(oc_pin_bench_t *bench)
{
    atomic_store(&bench->rung, 1);
    pthread_mutex_lock(&bench->mutex);
    if (bench->inbox) {
        oc_inbox_ring(bench->inbox);
    }
    pthread_mutex_unlock(&bench->mutex);
}

/* ---- pins ---- */

oc_pin_t *oc_pin_create(oc_pin_bench_t *bench)
{
    oc_pin_t *pin = NULL;

    if (atomic_fetch_add(&bench->pins, 1) < bench->max) {
        pin = calloc(1, sizeof(*pin));
    }
    if (!pin) {
        atomic_fetch_sub(&bench->pins, 1);
        return NULL;
    }
    pthread_mutex_init(&pin->mutex, NULL);
    atomic_init(&pin->refs, 1);
    atomic_fetch_add(&bench->refs, 1);
    pin->bench = bench;
    pin->socket = pin->own = -1;
    pin->used = oc_clock_mono();
    return pin;
}

void oc_pin_hold(oc_pin_t *pin)
{
    atomic_fetch_add(&pin->refs, 1);
}

void oc_pin_drop(oc_pin_t *pin)
{
    if (atomic_fetch_sub(&pin->refs, 1) != 1) {
        return;
    }
    if (pin->own != -1) {
        close(pin->own);
    }
    atomic_fetch_sub(&pin->bench->pins, 1);
    bench_drop(pin->bench);
    pthread_mutex_destroy(&pin->mutex);
    free(pin);
}

/* Under the mutex. The shutdown reaches the server now, whoever still has a descriptor open. */
static void end(oc_pin_t *pin)
{
    pin->state = PIN_OVER;
    if (pin->own != -1) {
        shutdown(pin->own, SHUT_RDWR);
        close(pin->own);
        pin->own = -1;
    }
}

void oc_pin_release(oc_pin_t *pin)
{
    int first;

    pthread_mutex_lock(&pin->mutex);
    first = pin->state != PIN_OVER;
    end(pin);
    pthread_mutex_unlock(&pin->mutex);
    if (first) {
        ring(pin->bench);
    }
}

void oc_pin_proven(oc_pin_t *pin)
{
    pthread_mutex_lock(&pin->mutex);
    pin->proven = 1;
    pthread_mutex_unlock(&pin->mutex);
}

int oc_pin_alive(oc_pin_t *pin, apr_time_t idle)
{
    struct pollfd peer = {.events = POLLIN | POLLRDHUP};
    int alive;

    pthread_mutex_lock(&pin->mutex);
    alive = pin->state == PIN_OPEN;
    if (alive && !pin->busy) {
        /* A server that speaks while nobody asked it anything is saying goodbye. */
        peer.fd = pin->own;
        alive = (idle == 0 || oc_clock_mono() - pin->used <= idle) && poll(&peer, 1, 0) == 0;
    }
    pthread_mutex_unlock(&pin->mutex);
    return alive;
}

/* ---- net's own ---- */

int oc_pin_may_open(oc_pin_t *pin, int opens)
{
    int may;

    pthread_mutex_lock(&pin->mutex);
    may = opens && pin->state == PIN_NEW;
    pthread_mutex_unlock(&pin->mutex);
    return may;
}

int oc_pin_may_send(oc_pin_t *pin, int opens, int fd)
{
    int may = 0;

    pthread_mutex_lock(&pin->mutex);
    if (fd == -1) {
        may = !opens && pin->state == PIN_OPEN;
    } else if (opens && pin->state == PIN_NEW) {
        pin->own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        pin->socket = fd;
        pin->state = pin->own == -1 ? PIN_OVER : PIN_OPEN;
        may = pin->state == PIN_OPEN;
    }
    pthread_mutex_unlock(&pin->mutex);
    return may;
}

void oc_pin_closed(oc_pin_t *pin, int fd)
{
    pthread_mutex_lock(&pin->mutex);
    if (pin->socket == fd) {
        pin->socket = -1;
        end(pin);
    }
    pthread_mutex_unlock(&pin->mutex);
}

void oc_pin_busy(oc_pin_t *pin, int more, oc_mono_t now)
{
    pthread_mutex_lock(&pin->mutex);
    pin->busy += more;
    pin->used = now;
    pthread_mutex_unlock(&pin->mutex);
}

int oc_pin_over(oc_pin_t *pin)
{
    int over;

    pthread_mutex_lock(&pin->mutex);
    over = pin->state == PIN_OVER;
    pthread_mutex_unlock(&pin->mutex);
    return over;
}

int oc_pin_is_proven(oc_pin_t *pin)
{
    int proven;

    pthread_mutex_lock(&pin->mutex);
    proven = pin->proven;
    pthread_mutex_unlock(&pin->mutex);
    return proven;
}
