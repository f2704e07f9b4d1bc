/* fault.h - failures on demand, so that a test can say "the second MOVE that sends is executed and
 * its answer is lost" and mean exactly that.
 *
 *     NAME[=ARG][:SELECTOR,SELECTOR,...]
 *
 * NAME is one of the table at the end of damage.c (t/sim/run --help prints it, as does
 * GET /_sim/fault). Selectors choose the requests; all must hold:
 *
 *     n  n-m  n-  every     of the requests that pass the filters below, counted from 1 since the
 *                           fault was set, those with these numbers; default: every
 *     conn                  count anew on each connection
 *     method=MOVE           the method
 *     path~text             the decoded path contains this, without regard to case
 *     to~text               so does the decoded Destination header
 *     body~text             the body contains this
 *     cmd=getcancel         the OWA command, of the query or of a posted form
 *     user=alice            who is asking
 *
 * %XX in ARG and in the text of a filter stands for that byte, a comma or colon for instance.
 *
 *     reset-after-write:1,method=MOVE,to~submission
 *     status=503/2:2-3,path~calendar
 *
 * Only requests that got past authentication are counted, so the legs of a logon do not disturb a
 * count (close-after-401 is the exception: it counts 401 replies). Several faults may be set; each
 * counts for itself, and when more than one applies the one set first wins.
 *
 *     POST   /_sim/fault?spec=SPEC            sets one; SPEC percent-encoded as a query value
 *     POST   /_sim/fault?name=N&arg=A&when=W  the same in parts (arg and when optional, taken raw)
 *     GET    /_sim/fault                      those set, with the number of requests seen and hit
 *     DELETE /_sim/fault                      clears all; ?name=N those of that name
 *
 * The functions are declared in sim.h.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "sim.h"

/* Notes of a request: its connection is no longer httpd's to write to; its answer is not to look
 * like this server's. */
#define SIM_FAULT_TAKEN "sim-fault-taken"
#define SIM_FAULT_FOREIGN "sim-fault-foreign"

typedef enum {
    FAULT_BEFORE,       /* instead of executing the request, or before it */
    FAULT_AFTER,        /* the request is executed; the answer suffers */
    FAULT_LOGON         /* a 401 */
} fault_stage_t;

typedef struct fault_kind_t fault_kind_t;
/* A fault that applies to a request. `arg` may be "". OK: go on; DONE: dealt with. */
typedef int fault_run_t(sim_req_t *q, const char *arg);

struct fault_kind_t {
    const char *name;
    fault_stage_t stage;
    const char *arg;            /* what ARG means and its default, or NULL if there is none */
    const char *help;
    fault_run_t *run;
    const char *methods;        /* the only methods it can happen to, or NULL for any */
};
/* In damage.c; ends with a NULL name. */
extern const fault_kind_t fault_kinds[];

/* Waits, in slices, so that a stopping server is not held up. Returns 0 when it was cut short. */
int sim_fault_sleep(const sim_req_t *q, long ms);

#endif
