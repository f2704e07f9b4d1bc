/* nobody.c - asking as nobody: what does the server offer to a stranger?
 *
 * It goes the way of every other exchange, with a connection cache and a session of its own, so
 * that no credential can come along and no guarded login is disturbed by it.
 */
#include "auth/sign.h"

static oc_sign_t sign_nothing(oc_slot_t *slot)
{
    (void)slot;
    return OC_SIGN_DONE;
}

/* Nothing was presented that could be refused: a 401 is an answer like any other. */
static oc_verdict_t judge_nothing(const oc_slot_t *slot)
{
    (void)slot;
    return OC_VERDICT_NEUTRAL;
}

static const oc_scheme_t nobody_scheme = {
    .name = "nobody",
    .refused = OC_REASON_INTERNAL,
    .sign = sign_nothing,
    .judge = judge_nothing,
};

oc_identity_t *oc_identity_nobody(oc_call_t *call)
{
    oc_identity_t *id = apr_pcalloc(call->pool, sizeof(*id));

    id->call = call;
    id->mode = OC_IDENTITY_NOBODY;
    id->scheme = &nobody_scheme;
    id->key = "nobody"; /* all others have a ':' */
    return id;
}
