/* crypto.h - HMAC, random, constant-time compare. crypto.c is the only file that names libcrypto.
 * Any thread. */
#ifndef OC_BASE_CRYPTO_H
#define OC_BASE_CRYPTO_H

#include <apr_pools.h>
#include <apr_errno.h>

#define OC_HMAC_SIZE 32 /* HMAC-SHA-256 */

/* Up to two keys for rotation: the first signs, both verify. Plain data; secret. */
typedef struct oc_secret_t {
    unsigned char key[2][64];
    apr_size_t len[2]; /* second 0: only one key */
} oc_secret_t;

/* HMAC over `count` strings, each framed by its length, so that no two lists of strings give the
 * same input. `which` names the key (0 or 1). A NULL string counts as empty, but differs from "".
 */
apr_status_t oc_crypto_hmac(unsigned char out[OC_HMAC_SIZE], const oc_secret_t *secret, int which,
                            const char *const *strings, int count);
/* base64url of the first `bytes` bytes of that HMAC by key 0. NULL on failure. */
const char *oc_crypto_sign(apr_pool_t *pool, const oc_secret_t *secret, apr_size_t bytes,
                           const char *const *strings, int count);
/* 1 if `mac` is what oc_crypto_sign gives under key 0 or key 1, in constant time. */
int oc_crypto_verify(const oc_secret_t *secret, const char *mac, apr_size_t bytes,
                     const char *const *strings, int count);
apr_status_t oc_crypto_random(void *out, apr_size_t len);
/* 1 if equal; time depends on len only. */
int oc_crypto_equal(const void *a, const void *b, apr_size_t len);

#endif
