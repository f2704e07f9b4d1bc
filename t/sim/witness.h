/* witness.h - under whose name each operation of a client reached this server.
 *
 * A client that acts for many people says in `X-Request-Id` (16 hex digits) which operation a
 * request belongs to. For each operation the witness keeps as whom its requests ran, how that was
 * proved, in which mailboxes and over which connections; a test joins that with its own list of
 * operations and persons. What can be seen at once is counted at once: see SIM_COUNT_OP_TWO_USERS
 * and its neighbours in inspect.h. Any thread; one lock of its own.
 */
#ifndef SIM_WITNESS_H
#define SIM_WITNESS_H

#include "sim.h"

/* Digits of an operation's id. */
#define SIM_OP_DIGITS 16

/* Notes a request with what authentication found out about it, after it was served. */
void sim_witness_note(sim_req_t *q);

/* GET /_sim/witness[?from=N&count=M]: a page of it as text, README tells the columns. Builds
 * q->out. */
int sim_witness_page(sim_req_t *q);

/* Forgets everything. */
void sim_witness_reset(void);

#endif
