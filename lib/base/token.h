/* token.h - everything we sign and hand out: form tokens, booking refs, outcomes after a redirect.
 *
 * All are stateless: HMAC under the shared secret, bound to the person and the backend, compared in
 * constant time, the second key of a rotation accepted. Any thread.
 */
#ifndef OC_BASE_TOKEN_H
#define OC_BASE_TOKEN_H

#include "base/crypto.h"
#include "base/result.h"

typedef struct oc_token_scope_t { /* whose and for what */
    const oc_secret_t *secret;
    const char *user;    /* canonical */
    const char *backend; /* name */
    const char *mailbox;
} oc_token_scope_t;

#define OC_TOKEN_FORM_SECONDS 3600
#define OC_TOKEN_OUTCOME_SECONDS 60

const char *oc_token_form(apr_pool_t *pool, const oc_token_scope_t *scope, apr_time_t now);
/* Fails with FORM_TOKEN_INVALID or FORM_TOKEN_EXPIRED. NULL text is invalid. */
apr_status_t oc_token_form_check(const oc_token_scope_t *scope, const char *text, apr_time_t now,
                                 oc_result_t *res);

/* {ref}: base64url of item and uid with a MAC. It names no mailbox, host or path, and is of use to
 * nobody but this person, even to another who has the same mailbox. */
const char *oc_token_ref(apr_pool_t *pool, const oc_token_scope_t *scope, const char *item,
                         const char *uid);
/* Fails with BOOKING_NOT_FOUND for anything not made by oc_token_ref in the same scope. */
apr_status_t oc_token_ref_open(apr_pool_t *pool, const oc_token_scope_t *scope, const char *ref,
                               const char **item, const char **uid, oc_result_t *res);

/* The sentence shown after a redirect: `text` comes back from open() if it is ours and fresh. */
const char *oc_token_outcome(apr_pool_t *pool, const oc_token_scope_t *scope, const char *text,
                             apr_time_t now);
const char *oc_token_outcome_open(apr_pool_t *pool, const oc_token_scope_t *scope,
                                  const char *token, apr_time_t now);

/* 32 bytes from an idempotency key (any text, at most 255 bytes): the same on every front end,
 * others for everybody else, even in the same mailbox. */
apr_status_t oc_token_seed(const oc_token_scope_t *scope, const char *key, unsigned char seed[32]);
#endif
