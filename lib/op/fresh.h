/* fresh.h - free/busy that was asked for not long ago, in memory shared by all children, so that
 * what is only shown need not be asked for again.
 *
 * A row is one address, for one scope, over one stretch of time: 24 hours at most, counted from the
 * start of the query it came from, so that a day and the week that begins with it share a row. How
 * old it may be is the reader's wish. It never decides anything: the check before a write does not
 * come here.
 *
 * What is booked, changed or cancelled here is marked by oc_fresh_touch(); a row that was asked for
 * before that counts no more. It is marked when a write begins and when the act ends, so that an
 * answer from in between does not outlive it.
 *
 * One block without pointers. Rows lie in small sets behind one robust process-shared mutex, held
 * while one address is looked up or put; a child that is killed holding it loses a row at most.
 * Where a set is full the oldest row gives way. Touching takes no lock: it may be done on the I/O
 * thread. Any thread, any child.
 */
#ifndef OC_OP_FRESH_H
#define OC_OP_FRESH_H

#include "backend/backend.h"
#include "base/crypto.h"

typedef struct oc_fresh_t oc_fresh_t; /* the table in shared memory */

/* Longer queries are not kept. */
#define OC_FRESH_STRETCHES 31
#define OC_FRESH_SLOTS     288 /* of a stretch: a day of 5 minutes each */

apr_size_t oc_fresh_size(int rows);
/* Lay out fresh memory, which must be all zeros, in the parent, before fork. NULL: no
 * process-shared robust mutexes here. */
oc_fresh_t *oc_fresh_init(void *memory, int rows);

/* Whose rows: those put for one scope are found for no other. */
typedef struct oc_fresh_scope_t {
    unsigned char whose[OC_HMAC_SIZE];
    const char *mailbox; /* where the reader acts: he sees at once what is done there, by whatever
                          * address it shows; NULL: not known. It does not tell rows apart */
} oc_fresh_scope_t;

/* For the people that `whose` (strings, each framed by its length) names, on this calendar server;
 * mailbox is NULL. Fails without a secret or OpenSSL's help. */
apr_status_t oc_fresh_scope(oc_fresh_scope_t *scope, const oc_secret_t *secret,
                            const oc_backend_conf_t *backend, const char *const *whose, int count);

/* What is kept about `address` over all of `range` (whole slots), in `pool`, if none of it was
 * asked for longer ago than `age`; NULL. lists: 1 if it was to be found out whether it is a
 * distribution list: another question. *asked: made older, down to when the oldest part was asked
 * for. */
oc_freebusy_t *oc_fresh_get(oc_fresh_t *table, const oc_fresh_scope_t *scope, apr_pool_t *pool,
                            const char *address, oc_range_t range, apr_time_t slot, int lists,
                            apr_time_t age, oc_mono_t *asked);
/* Keep it, in place of what was kept of it; asked: an instant before the question was sent. Not
 * kept: what the server did not tell (row->told), and what does not fit. */
void oc_fresh_put(oc_fresh_t *table, const oc_fresh_scope_t *scope, const oc_freebusy_t *row,
                  int lists, oc_mono_t asked);
/* Something is being changed, or has been, that the free/busy of this address shows: an SMTP
 * address, or a mailbox's name, which stands for every address with that before its @. table NULL:
 * nothing. */
void oc_fresh_touch(oc_fresh_t *table, const char *address);

#endif
