/* crypto.c - the only file that names libcrypto. */
#include <pthread.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/crypto.h"
#include "base/str.h"

/* Looked up once: OpenSSL 3 searches its providers by name, which takes as long as the MAC. */
static EVP_MAC *hmac;

static void fetch_hmac(void)
{
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

apr_status_t oc_crypto_hmac(unsigned char out[OC_HMAC_SIZE], const oc_secret_t *secret, int which,
                            const char *const *strings, int count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    apr_status_t rv = APR_EGENERAL;
    EVP_MAC_CTX *ctx = NULL;
    char digest[] = "SHA256";
    OSSL_PARAM params[2];
    size_t outlen = 0;
    int i;

    if (which < 0 || which > 1 || secret->len[which] == 0) {
        return APR_EINVAL;
    }
    pthread_once(&once, fetch_hmac);
    ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    params[0] = OSSL_PARAM_construct_utf8_string("digest", digest, 0);
    params[1] = OSSL_PARAM_construct_end();
    if (!ctx || !EVP_MAC_init(ctx, secret->key[which], secret->len[which], params)) {
        goto leave;
    }
    for (i = 0; i < count; ++i) {
        /* A frame of eight length bytes before each string: ("ab","c") is not ("a","bc"). All ones
         * stands for NULL, which no string can be as long as. */
        unsigned char frame[8];
        apr_uint64_t len = strings[i] ? strlen(strings[i]) : ~(apr_uint64_t)0;
        int b;

        for (b = 0; b < 8; ++b) {
            frame[b] = (unsigned char)(len >> (8 * (7 - b)));
        }
        if (!EVP_MAC_update(ctx, frame, sizeof(frame)) ||
            (strings[i] && !EVP_MAC_update(ctx, (const unsigned char *)strings[i], len))) {
            goto leave;
        }
    }
    if (EVP_MAC_final(ctx, out, &outlen, OC_HMAC_SIZE) && outlen == OC_HMAC_SIZE) {
        rv = APR_SUCCESS;
    }

leave:
    EVP_MAC_CTX_free(ctx);
    return rv;
}

const char *oc_crypto_sign(apr_pool_t *pool, const oc_secret_t *secret, apr_size_t bytes,
                           const char *const *strings, int count)
{
    unsigned char out[OC_HMAC_SIZE];

    if (bytes > sizeof(out) || oc_crypto_hmac(out, secret, 0, strings, count) != APR_SUCCESS) {
        return NULL;
    }
    return oc_str_base64url(pool, out, bytes);
}

int oc_crypto_verify(const oc_secret_t *secret, const char *mac, apr_size_t bytes,
                     const char *const *strings, int count)
{
    unsigned char want[OC_HMAC_SIZE];
    unsigned char *got;
    apr_pool_t *pool;
    apr_size_t len = 0;
    int which, ok = 0;

    if (bytes > sizeof(want) || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    got = oc_str_base64url_decode(pool, mac, &len);
    for (which = 0; got && len == bytes && which < 2; ++which) {
        if (oc_crypto_hmac(want, secret, which, strings, count) == APR_SUCCESS) {
            ok |= oc_crypto_equal(want, got, bytes);
        }
    }
    apr_pool_destroy(pool);
    return ok;
}

apr_status_t oc_crypto_random(void *out, apr_size_t len)
{
    return RAND_bytes(out, (int)len) == 1 ? APR_SUCCESS : APR_EGENERAL;
}

int oc_crypto_equal(const void *a, const void *b, apr_size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
