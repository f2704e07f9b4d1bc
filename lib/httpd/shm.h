/* shm.h - what all children share: room leases and the ledger, refused-password marks, free/busy
 * that was asked for not long ago, counters, and the secret of tokens and refs.
 *
 * Made in the parent (post_config) and kept over graceful restarts, so that a booking made just
 * before a restart is still in the ledger after it. Plain data without pointers inside; children
 * inherit the mapping by fork.
 */
#ifndef OC_HTTPD_SHM_H
#define OC_HTTPD_SHM_H

#include "auth/identity.h"
#include "base/crypto.h"
#include "httpd/config.h"
#include "op/fresh.h"
#include "op/lease.h"

typedef enum oc_verb_t {
    OC_VERB_BOOK,
    OC_VERB_CHANGE,
    OC_VERB_CANCEL,
    OC_VERB_READ,
    OC_VERB_LIST,
    OC_VERB_FREEBUSY,
    OC_VERB_CHECK,
    OC_VERB_PEOPLE,
    OC_VERB_COUNT
} oc_verb_t;

/* Only ever added to, atomically. */
typedef struct oc_counters_t {
    apr_uint64_t outcomes[OC_VERB_COUNT][OC_REASON_COUNT];
    apr_uint64_t microseconds[OC_VERB_COUNT];
    apr_uint64_t rows_kept, rows_asked; /* of free/busy that was shown: from memory, by asking */
} oc_counters_t;

typedef struct oc_shared_t {
    oc_lease_t *leases;
    oc_refusals_t *refusals;
    oc_fresh_t *fresh;
    oc_counters_t *counters;
    const oc_secret_t *secret;
} oc_shared_t;

/* post_config, parent. Logs what is wrong and returns !OK: no memory, the secret's file unreadable,
 * too open (only its owner may have rights) or too short. */
int oc_shared_open(server_rec *s, const oc_server_conf_t *conf, oc_shared_t *shared);

/* Any thread, any child. */
void oc_shared_count(oc_shared_t *shared, oc_verb_t verb, oc_reason_t reason, apr_time_t took);
/* So many rows of free/busy were shown as they were kept, so many asked for. */
void oc_shared_count_rows(oc_shared_t *shared, int kept, int asked);
const char *oc_verb_token(oc_verb_t verb); /* "book", ... */

#endif
