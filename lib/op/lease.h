/* lease.h - room leases and the ledger of recent bookings, in memory shared by all children.
 *
 * A lease says: this operation is deciding about this room. The ledger says: this booking was made
 * here, whatever published free/busy (which lags by a quarter of an hour) still shows. Both live in
 * one block of anonymous shared memory under one short robust process-shared mutex: a child that is
 * killed holding it harms nobody, and its leases expire.
 *
 * The block must not hold pointers; rooms are keyed by a hash of their server and their lower-cased
 * address together with the (bounded) text itself. Any thread, any child.
 *
 * server: its host as configured, in lower case, whatever OwaCalBackend calls it and whichever port
 * it is spoken to at: one server may have several of both.
 */
#ifndef OC_OP_LEASE_H
#define OC_OP_LEASE_H

#include "base/clock.h"
#include "base/result.h"
#include "cal/range.h"

typedef struct oc_lease_t oc_lease_t; /* the table in shared memory */

#define OC_LEASE_MAX_ROOMS 33   /* of one operation: 32 rooms and the booking itself */
#define OC_LEDGER_HOUR apr_time_from_sec(3600) /* what an entry of the ledger is kept at least */

apr_size_t oc_lease_size(int leases, int ledger);
/* Lay out fresh memory, in the parent, before fork. NULL: no process-shared robust mutexes here. */
oc_lease_t *oc_lease_init(void *memory, int leases, int ledger);

/* Take all rooms (addresses; sorted inside, so that no two operations wait for each other in a
 * circle) for operation `op_id` until `expires`, waiting for others at most until `wait_until` in
 * short sleeps. Request thread only, never the I/O thread. All or nothing. Fails with BUSY. */
apr_status_t oc_lease_take(oc_lease_t *table, const char *server, const char *const *rooms, int n,
                           const char *op_id, oc_mono_t expires, oc_mono_t wait_until,
                           oc_result_t *res);
/* The same without waiting, for the loop thread; rooms that op_id holds already are no obstacle, so
 * it may be called to add rooms. */
apr_status_t oc_lease_try(oc_lease_t *table, const char *server, const char *const *rooms, int n,
                          const char *op_id, oc_mono_t expires, oc_result_t *res);
/* Not waiting: for the loop thread to move an expiry forward (undo). */
void oc_lease_extend(oc_lease_t *table, const char *op_id, oc_mono_t expires);
void oc_lease_release(oc_lease_t *table, const char *op_id);
/* 1 if op_id still holds n rooms (none expired). Checked right before a write. */
int oc_lease_held(oc_lease_t *table, const char *op_id, int n);

/* Note a booking made here; replaces one with the same uid and room (and starts its hour anew).
 * Kept until `forget` or its end; after an hour it gives way if the ledger is full. If the ledger
 * is full of entries that must stay: APR_ENOSPC, BUSY. A uid or room too long for it: INTERNAL. */
apr_status_t oc_ledger_note(oc_lease_t *table, const char *server, const char *room,
                            oc_range_t range, const char *uid, oc_result_t *res);
/* Another booking (uid differs) in that room overlapping range: 1 and its range in *clash (may be
 * NULL). max_age: only entries noted that recently count; 0 = all. A young one outweighs published
 * free/busy, which may lag; an old one does not: the meeting may have been cancelled elsewhere. */
int oc_ledger_clash(oc_lease_t *table, const char *server, const char *room, oc_range_t range,
                    const char *not_uid, apr_time_t max_age, oc_range_t *clash);
/* 1 if the ledger has that booking in that room, at whatever time. */
int oc_ledger_has(oc_lease_t *table, const char *server, const char *room, const char *uid);
/* Undone or cancelled. room NULL: all rooms of that uid. */
void oc_ledger_forget(oc_lease_t *table, const char *server, const char *room, const char *uid);

typedef struct oc_lease_stats_t { int leases, ledger, waits, refused; } oc_lease_stats_t;
void oc_lease_stats(oc_lease_t *table, oc_lease_stats_t *out);

#endif
