/* pin.h - one upstream connection that belongs to one client's connection, and to no other.
 *
 * A login that is relayed (NTLM) authenticates a connection, not a person: whoever may send over it
 * is that person. So the connection is opened by one exchange (exchange->opens), carries one
 * exchange at a time, and when it is gone every further exchange with that pin ends OC_X_NOT_SENT:
 * net never opens another in its place, nor does libcurl in its silence.
 *
 * A pin has owners on several threads and is freed by the last. It may outlive net: a client's
 * connection can be cleaned up after the child's threads have been stopped.
 */
#ifndef OC_NET_PIN_H
#define OC_NET_PIN_H

#include "net/net.h"

/* What ends an exchange whose pin has no connection (any more). */
#define OC_PIN_GONE "the connection of the login is gone: sign in again"

/* Any thread: a pin for a login that is about to begin; the caller holds it. NULL: conf.max_pins of
 * them exist, or there is no memory. */
oc_pin_t *oc_net_pin(oc_net_t *net);
/* Any thread: one owner more, one owner less. */
void oc_pin_hold(oc_pin_t *pin);
void oc_pin_drop(oc_pin_t *pin);
/* Any thread, repeatable: its connection is shut down at once, also under an exchange, and given
 * back soon; nothing is sent over it any more. The caller still holds the pin. */
void oc_pin_release(oc_pin_t *pin);
/* Any thread: the login is through. Until then the connection is closed after conf.pin_pending
 * without use, from then on after conf.pin_idle. */
void oc_pin_proven(oc_pin_t *pin);
/* Any thread: 1 while its connection stands, as far as can be seen from here: opened, not released,
 * not closed by the server, not left unused for longer than `idle` microseconds (0 = however long).
 */
int oc_pin_alive(oc_pin_t *pin, apr_time_t idle);

/* ---- net's own: the loop thread, except create and destroy of a bench ---- */

/* What all pins of a net share; it outlives net as long as there are pins. */
typedef struct oc_pin_bench_t oc_pin_bench_t;
struct oc_inbox_t;

/* The inbox is rung when a pin was released. NULL: no memory. */
oc_pin_bench_t *oc_pin_bench_create(struct oc_inbox_t *inbox, int max);
/* Net goes: from now on releasing rings nobody. */
void oc_pin_bench_destroy(oc_pin_bench_t *bench);
oc_pin_t *oc_pin_create(oc_pin_bench_t *bench);
/* 1 once after each release. */
int oc_pin_bench_rung(oc_pin_bench_t *bench);

/* May a socket be opened for this exchange? */
int oc_pin_may_open(oc_pin_t *pin, int opens);
/* About to send over the socket `fd`, opened for this very exchange or (-1) the one known already.
 * 0: not over this one. */
int oc_pin_may_send(oc_pin_t *pin, int opens, int fd);
/* A socket is about to be closed: if it is the pin's, the pin is over. */
void oc_pin_closed(oc_pin_t *pin, int fd);
/* An exchange goes on the wire or off it. */
void oc_pin_busy(oc_pin_t *pin, int more, oc_mono_t now);
/* 1: released, or its connection is gone. */
int oc_pin_over(oc_pin_t *pin);
int oc_pin_is_proven(oc_pin_t *pin);

#endif
