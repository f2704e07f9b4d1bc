/* tokens.h - Kerberos tokens made on a small bounded pool of threads, for jobs that must not wait.
 *
 * A token is asked for and fetched later: the asker's job is woken. Who leaves earlier drops it;
 * the thread goes on alone and throws its result away. Everything a thread works with is its own
 * copy.
 *
 * First it is looked whether the ticket for the calendar server is at hand; such a token needs no
 * KDC and is made whatever becomes of the KDCs. The others ask one, and a KDC that is silent holds
 * its thread for half a minute. So one realm never has all threads, and after one of them failed to
 * get an answer, or while it waits for one too long, the realm's breaker is open: tokens that would
 * have to ask fail at once. After some seconds one at a time is let through, to see whether the KDC
 * is back. Nor does one person have all: who has a quarter of the threads waits for those who have
 * less, and half of the queue is left to others.
 */
#ifndef OC_AUTH_TOKENS_H
#define OC_AUTH_TOKENS_H

#include "auth/keytab.h"
#include "base/job.h"
#include "base/result.h"

typedef struct oc_tokens_t oc_tokens_t; /* the pool of threads */
typedef struct oc_token_t oc_token_t;   /* one token, asked for or made; belongs to its asker */

typedef struct oc_tokens_stats_t {
    int busy, stuck, queued; /* threads at work; those of them too long; waiting for a thread */
} oc_tokens_stats_t;

/* Threads start when they are first needed: at most `threads` that ask a KDC, and one more for what
 * needs none. `tickets`: the bound of those kept for `s4u` (s4u.h). NULL: out of memory. */
oc_tokens_t *oc_tokens_create(int threads, int tickets);
/* Any thread, repeatable. Refuses new work (STOPPING), waits at most `patience` for the threads.
 * One that hangs in a silent KDC is left behind. */
void oc_tokens_stop(oc_tokens_t *pool, apr_time_t patience);
/* After that, when all tokens have been dropped. What a thread left behind still needs stays until
 * it returns. */
void oc_tokens_free(oc_tokens_t *pool);
void oc_tokens_stats(oc_tokens_t *pool, oc_tokens_stats_t *out); /* any thread */

/* Where a token comes from. */
typedef struct oc_token_source_t {
    const char *ccache;        /* the person's own cache; or NULL, and then: */
    const oc_keytab_t *keytab; /* the service's key, which acts for the person */
    const char *principal;     /* the person */
    const char *spn;           /* the calendar server */
} oc_token_source_t;

/* For `GET check`, any thread: how long the ticket lives that is kept for such a source with a
 * keytab; 0: none is kept. */
apr_time_t oc_tokens_left(oc_tokens_t *pool, const oc_token_source_t *from);

/* Ask for a token (see oc_krb5_make, s4u.h). The strings are copied. `job` is woken when it is
 * ready; it must stay until then or drop the token. NULL with *reason set if that cannot be done
 * now: BUSY, STOPPING, INTERNAL. All of the following by one thread at a time, the one that owns
 * the job. */
oc_token_t *oc_tokens_ask(oc_tokens_t *pool, oc_job_t *job, const oc_token_source_t *from,
                          oc_reason_t *reason);
/* 1 when the last thing asked of it is done; then *reason is OK, or why not, with *detail in it. */
int oc_tokens_ready(oc_token_t *token, oc_reason_t *reason, const char **detail);
/* Base64 of a token that is ready; belongs to it. Serves once. */
const char *oc_tokens_text(const oc_token_t *token);
/* Ask whether the server's answer proves who it is (see oc_krb5_verify); then wait for
 * oc_tokens_ready() again. */
void oc_tokens_check(oc_token_t *token, const char *answer);
/* The server did not take it: the ticket that was kept for it is not used again. */
void oc_tokens_distrust(oc_token_t *token);
/* The asker is through with it. Wiped and freed now, or when its thread lets go. */
void oc_tokens_drop(oc_token_t *token);

#endif
