/* token.c - form tokens, refs, outcomes, seeds. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "base/token.h"

#define MAC_BYTES 16

/* "EXPIRY.MAC" over kind, person, backend and whatever else belongs to it. */
static const char *stamp(apr_pool_t *pool, const oc_token_scope_t *scope, const char *kind,
                         const char *extra, apr_time_t expires)
{
    const char *when = apr_psprintf(pool, "%" APR_TIME_T_FMT, apr_time_sec(expires));
    const char *parts[] = { kind, scope->user, scope->backend, extra, when };
    const char *mac = oc_crypto_sign(pool, scope->secret, MAC_BYTES, parts, 5);

    return mac ? apr_pstrcat(pool, when, ".", mac, NULL) : NULL;
}

/* 1 good, 0 not ours, -1 ours but past its time. */
static int stamp_good(apr_pool_t *pool, const oc_token_scope_t *scope, const char *kind,
                      const char *extra, const char *text, apr_time_t now)
{
    const char *dot = strchr(text, '.');
    const char *parts[] = { kind, scope->user, scope->backend, extra, NULL };
    apr_int64_t when;
    char *end;

    if (!dot || dot == text || dot - text > 18 || strlen(dot) > 64) {
        return 0;
    }
    parts[4] = apr_pstrmemdup(pool, text, (apr_size_t)(dot - text));
    if (!oc_crypto_verify(scope->secret, dot + 1, MAC_BYTES, parts, 5)) {
        return 0;
    }
    when = apr_strtoi64(parts[4], &end, 10);
    return *end == '\0' && when >= apr_time_sec(now) ? 1 : -1;
}

const char *oc_token_form(apr_pool_t *pool, const oc_token_scope_t *scope, apr_time_t now)
{
    return stamp(pool, scope, "form1", NULL, now + apr_time_from_sec(OC_TOKEN_FORM_SECONDS));
}

apr_status_t oc_token_form_check(const oc_token_scope_t *scope, const char *text, apr_time_t now,
                                 oc_result_t *res)
{
    switch (text ? stamp_good(res->pool, scope, "form1", NULL, text, now) : 0) {
    case 1:
        return APR_SUCCESS;
    case -1:
        return oc_result_fail(res, OC_REASON_FORM_TOKEN_EXPIRED, "form token expired");
    default:
        return oc_result_fail(res, OC_REASON_FORM_TOKEN_INVALID, "form token %s",
                              text && *text ? "not valid" : "missing");
    }
}

const char *oc_token_ref(apr_pool_t *pool, const oc_token_scope_t *scope, const char *item,
                         const char *uid)
{
    const char *parts[] = { "ref2", scope->user, scope->backend, scope->mailbox, item, uid };
    apr_size_t a = strlen(item), b = uid ? strlen(uid) : 0;
    unsigned char *bytes = apr_palloc(pool, a + b + 2);

    memcpy(bytes, item, a + 1);
    memcpy(bytes + a + 1, uid ? uid : "", b + 1);
    parts[5] = uid ? uid : "";
    return apr_pstrcat(pool, oc_str_base64url(pool, bytes, a + 1 + b), ".",
                       oc_crypto_sign(pool, scope->secret, MAC_BYTES, parts, 6), NULL);
}

apr_status_t oc_token_ref_open(apr_pool_t *pool, const oc_token_scope_t *scope, const char *ref,
                               const char **item, const char **uid, oc_result_t *res)
{
    const char *dot = strchr(ref, '.');
    const char *parts[] = { "ref2", scope->user, scope->backend, scope->mailbox, NULL, NULL };
    unsigned char *bytes = NULL;
    apr_size_t len = 0, a;

    if (dot && strlen(ref) < 2000) {
        bytes =
            oc_str_base64url_decode(pool, apr_pstrmemdup(pool, ref, (apr_size_t)(dot - ref)), &len);
    }
    if (bytes && len > 0) {
        char *text = apr_pstrmemdup(pool, (const char *)bytes, len); /* NUL put at the end */
        a = strlen(text);
        if (a < len && strlen(text + a + 1) == len - a - 1) {
            parts[4] = text;
            parts[5] = text + a + 1;
            if (oc_crypto_verify(scope->secret, dot + 1, MAC_BYTES, parts, 6)) {
                *item = parts[4];
                *uid = parts[5];
                return APR_SUCCESS;
            }
        }
    }
    return oc_result_fail(res, OC_REASON_BOOKING_NOT_FOUND,
                          "not a reference of this person and mailbox");
}

const char *oc_token_outcome(apr_pool_t *pool, const oc_token_scope_t *scope, const char *text,
                             apr_time_t now)
{
    const char *s = stamp(pool, scope, "outcome1", text,
                          now + apr_time_from_sec(OC_TOKEN_OUTCOME_SECONDS));

    return s ? apr_pstrcat(pool, oc_str_base64url(pool, (const unsigned char *)text, strlen(text)),
                           ".", s, NULL)
             : NULL;
}

const char *oc_token_outcome_open(apr_pool_t *pool, const oc_token_scope_t *scope,
                                  const char *token, apr_time_t now)
{
    const char *dot = strchr(token, '.');
    unsigned char *bytes;
    const char *text;
    apr_size_t len;

    if (!dot || strlen(token) > 4000 ||
        !(bytes = oc_str_base64url_decode(
              pool, apr_pstrmemdup(pool, token, (apr_size_t)(dot - token)), &len))) {
        return NULL;
    }
    text = apr_pstrmemdup(pool, (const char *)bytes, len);
    return strlen(text) == len && stamp_good(pool, scope, "outcome1", text, dot + 1, now) == 1
           ? text : NULL;
}

apr_status_t oc_token_seed(const oc_token_scope_t *scope, const char *key, unsigned char seed[32])
{
    const char *parts[] = { "seed2", scope->user, scope->backend, scope->mailbox, key };

    return oc_crypto_hmac(seed, scope->secret, 0, parts, 5);
}
