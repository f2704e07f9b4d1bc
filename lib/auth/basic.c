/* basic.c - a password presented by HTTP itself: Basic in a header, or NTLM on the connection,
 * whose three messages are net's work.
 */
#include <stdlib.h>
#include <string.h>
#include <apr_base64.h>
#include <apr_strings.h>

#include "auth/sign.h"
#include "base/str.h"

/* Some requests are answered although nobody signed in: POLL and the B-verbs with a 207 whose inner
 * statuses are the refusals, PUT to the submission address with 404 [Evolution Connector's
 * notes]. */
static int answered_to_strangers(const oc_exchange_t *x)
{
    return x->method[0] == 'B' || strcmp(x->method, "POLL") == 0
           || (strcmp(x->method, "PUT") == 0 && x->status == 404);
}

oc_verdict_t oc_basic_judge(const oc_slot_t *slot)
{
    const oc_exchange_t *x = slot->x;

    switch (x->status) {
    case 401:
        return OC_VERDICT_REFUSED;
    case 404: case 405: case 409: case 412: case 416: case 422: case 423: case 424: case 507:
        break;
    default:
        /* 403 may be the plain-http page "use SSL", 302 a redirect to a logon form, 400, 440 and
         * 5xx may come from something in front. */
        if (x->status < 200 || x->status > 299) {
            return OC_VERDICT_NEUTRAL;
        }
    }
    return answered_to_strangers(x) ? OC_VERDICT_NEUTRAL : OC_VERDICT_ACCEPTED;
}

static oc_sign_t sign_header(oc_slot_t *slot)
{
    const oc_identity_t *id = slot->job->id;
    apr_pool_t *pool = slot->job->call->pool;
    apr_size_t user = strlen(id->user), password = strlen(id->password);
    apr_size_t len = user + 1 + password;
    char *pair = apr_palloc(pool, len + 1), *value;

    memcpy(pair, id->user, user);
    pair[user] = ':';
    memcpy(pair + user + 1, id->password, password + 1);
    value = apr_palloc(pool, 6 + (apr_size_t)apr_base64_encode_len((int)len));
    memcpy(value, "Basic ", 6);
    apr_base64_encode(value + 6, pair, (int)len);
    oc_str_wipe(pair, len);
    slot->secret[0] = oc_str_secret(pool, value);
    oc_str_wipe(value, strlen(value));
    slot->x->authorization = slot->secret[0];
    return OC_SIGN_DONE;
}

static oc_sign_t sign_connection(oc_slot_t *slot)
{
    const oc_identity_t *id = slot->job->id;

    slot->secret[0] = oc_str_secret(slot->job->call->pool, id->password);
    slot->x->connauth = OC_CONNAUTH_NTLM;
    slot->x->user = id->user;
    slot->x->password = slot->secret[0];
    return OC_SIGN_DONE;
}

const oc_scheme_t oc_basic_scheme = {
    .name = "basic",
    .guarded = 1,
    .refused = OC_REASON_PASSWORD_REFUSED,
    .sign = sign_header,
    .judge = oc_basic_judge,
};

const oc_scheme_t oc_basic_ntlm_scheme = {
    .name = "ntlm",
    .guarded = 1,
    .refused = OC_REASON_PASSWORD_REFUSED,
    .sign = sign_connection,
    .judge = oc_basic_judge,
};
