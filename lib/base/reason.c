/* reason.c - the one table from reason to token, kind, HTTP status and sentence. */
#include "base/log.h"
#include "base/result.h"

static const struct {
    const char *token;
    oc_kind_t kind;
    int http;
    const char *sentence;
} reasons[OC_REASON_COUNT] = {
#define X(name, token, kind, http, sentence) {token, OC_KIND_##kind, http, sentence},
    OC_REASONS(X)
#undef X
};

static int row(oc_reason_t reason)
{
    return (unsigned)reason < OC_REASON_COUNT ? (int)reason : (int)OC_REASON_INTERNAL;
}

const char *oc_reason_token(oc_reason_t reason)
{
    return reasons[row(reason)].token;
}

const char *oc_reason_sentence(oc_reason_t reason)
{
    return reasons[row(reason)].sentence;
}

oc_kind_t oc_reason_kind(oc_reason_t reason)
{
    return reasons[row(reason)].kind;
}

int oc_reason_http(oc_reason_t reason)
{
    return reasons[row(reason)].http;
}

int oc_reason_loglevel(oc_reason_t reason)
{
    switch (oc_reason_kind(reason)) {
    case OC_KIND_OK:
    case OC_KIND_INPUT:
    case OC_KIND_CONFLICT:
    case OC_KIND_NOT_FOUND:
        return OC_LOG_INFO;
    case OC_KIND_DENIED:
    case OC_KIND_AUTH:
    case OC_KIND_BUSY:
        return OC_LOG_WARNING;
    case OC_KIND_UPSTREAM:
    case OC_KIND_TIMEOUT:
    case OC_KIND_INTERNAL:
        break;
    }
    return OC_LOG_ERR;
}
