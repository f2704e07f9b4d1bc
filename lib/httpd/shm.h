/* shm.h - what all children share: room leases and the ledger, refused-password marks, counters,
 * and the secret of tokens and refs.
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
} oc_counters_t;

typedef struct oc_shared_t {
    oc_lease_t *leases;
    oc_refusals_t *refusals;
    oc_counters_t *counters;
    const oc_secret_t *secret;
} oc_shared_t;

/* post_config, parent. Logs what is wrong and returns !OK: no memory, the secret's file unreadable,
 * too open (only its owner may have rights) or too short. */
int oc_shared_open(server_rec *s, const oc_server_conf_t *conf, oc_shared_t *shared);

/* Any thread, any child. */
void oc_shared_count(oc_shared_t *shared, oc_verb_t verb, oc_reason_t reason, apr_time_t took);
const char *oc_verb_token(oc_verb_t verb); /* "book", ... */

#endif
