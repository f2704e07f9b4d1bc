/* identity.c - making identities and the store they are signed by. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

#include "auth/ccache.h"
#include "auth/keytab.h"
#include "auth/relay.h"
#include "auth/sign.h"
#include "base/str.h"

#define NAME_MAX_BYTES 256     /* of a user name: Windows allows 104 and a domain */
#define OWN_MARKS 256          /* without shared memory */

/* ---- the signer ---- */

static apr_status_t signer_cleanup(void *data)
{
    oc_signer_t *signer = data;

    oc_tokens_stop(signer->tokens, 0);
    oc_tokens_free(signer->tokens);
    oc_session_store_free(signer->sessions);
    free(signer->own_refusals);
    return APR_SUCCESS;
}

oc_signer_t *oc_signer_create(apr_pool_t *pool, const oc_signer_conf_t *conf, oc_result_t *res)
{
    oc_signer_t *signer = apr_pcalloc(pool, sizeof(*signer));

    signer->conf = *conf;
    if (signer->conf.refused_for < apr_time_from_sec(1)) {
        signer->conf.refused_for = apr_time_from_sec(1); /* or jobs that wait would all try again */
    }
    if (oc_crypto_random(&signer->owner, sizeof(signer->owner)) != APR_SUCCESS) {
        oc_result_fail(res, OC_REASON_INTERNAL, "no random numbers for the signer");
        return NULL;
    }
    signer->owner |= (apr_uint64_t)1 << 63; /* never 0, whatever serial is added */
    signer->refusals = conf->refusals;
    if (!signer->refusals) {
        signer->own_refusals = malloc(oc_refusals_size(OWN_MARKS));
        signer->refusals = signer->own_refusals
                               ? oc_refusals_init(signer->own_refusals, OWN_MARKS) : NULL;
    }
    signer->sessions = oc_session_store(conf->max_sessions);
    signer->tokens = oc_tokens_create(conf->gss_threads, conf->max_sessions);
    if (!signer->refusals || !signer->sessions || !signer->tokens) {
        if (signer->tokens) {
            oc_tokens_free(signer->tokens);
        }
        if (signer->sessions) {
            oc_session_store_free(signer->sessions);
        }
        free(signer->own_refusals);
        oc_result_fail(res, OC_REASON_INTERNAL, "no memory for the signer");
        return NULL;
    }
    apr_pool_cleanup_register(pool, signer, signer_cleanup, apr_pool_cleanup_null);
    return signer;
}

void oc_signer_stop(oc_signer_t *signer, apr_time_t patience)
{
    oc_tokens_stop(signer->tokens, patience);
}

void oc_signer_stats(oc_signer_t *signer, oc_signer_stats_t *out)
{
    oc_tokens_stats_t gss;

    oc_tokens_stats(signer->tokens, &gss);
    out->sessions = oc_session_count(signer->sessions);
    out->gss_busy = gss.busy;
    out->gss_stuck = gss.stuck;
    out->gss_queued = gss.queued;
}

/* ---- identities ---- */

/* The key of identity keys: of this process and never stored, so that a key found in a log tells
 * nothing about the password. */
static oc_secret_t key_secret;
static int key_secret_ok;

static void make_key_secret(void)
{
    key_secret.len[0] = 32;
    key_secret_ok = oc_crypto_random(key_secret.key[0], 32) == APR_SUCCESS;
}

static const oc_secret_t *identity_secret(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_key_secret);
    return key_secret_ok ? &key_secret : NULL;
}

static oc_identity_t *identity_create(oc_call_t *call, oc_identity_mode_t mode,
                                      const oc_scheme_t *scheme)
{
    oc_identity_t *id = apr_pcalloc(call->pool, sizeof(*id));

    id->call = call;
    id->mode = mode;
    id->scheme = scheme;
    return id;
}

oc_identity_t *oc_identity_basic(oc_call_t *call, oc_upstream_t upstream, const char *user,
                                 const char *password)
{
    static const oc_scheme_t *const schemes[] = {&oc_basic_scheme, &oc_basic_ntlm_scheme,
                                                 &oc_forms_scheme};
    oc_identity_t *id = identity_create(call, OC_IDENTITY_BASIC, schemes[upstream]);
    const char *strings[] = {id->scheme->name, user, password};
    const oc_secret_t *secret = identity_secret();
    const char *mac;

    if (!*user || !*password) {
        oc_result_fail(&call->result, OC_REASON_NO_CREDENTIAL, "the login brought no %s",
                       *user ? "password" : "user name");
        return NULL;
    }
    if (strlen(user) > NAME_MAX_BYTES || strlen(password) > OC_PASSWORD_MAX
        || oc_str_control(user, "") || (upstream == OC_UPSTREAM_BASIC && strchr(user, ':'))) {
        oc_result_fail(&call->result, OC_REASON_NO_CREDENTIAL,
                       "user name or password cannot be presented to the calendar server");
        return NULL;
    }
    mac = secret ? oc_crypto_sign(call->pool, secret, 18, strings, 3) : NULL;
    if (!mac) {
        oc_result_fail(&call->result, OC_REASON_INTERNAL, "no key could be made of the identity");
        return NULL;
    }
    id->user = apr_pstrdup(call->pool, user);
    id->password = oc_str_secret(call->pool, password);
    id->key = apr_pstrcat(call->pool, id->scheme->name, ":", oc_str_segment(call->pool, user), ":",
                          mac, NULL);
    return id;
}

/* "name@REALM": the realm's case does not matter to Kerberos users, the name's does. */
static const char *principal_key(apr_pool_t *pool, const char *principal)
{
    const char *at = strrchr(principal, '@');

    if (at) {
        principal = apr_pstrcat(pool, apr_pstrmemdup(pool, principal, (apr_size_t)(at - principal)),
                                oc_str_upper(pool, at), NULL);
    }
    return oc_str_query(pool, principal);
}

static int principal_ok(oc_call_t *call, const char *principal)
{
    if (principal && *principal && strlen(principal) <= NAME_MAX_BYTES
        && !oc_str_control(principal, "")) {
        return 1;
    }
    oc_result_fail(&call->result, OC_REASON_IDENTITY_MISMATCH,
                   "the signed-in name cannot be a Kerberos principal");
    return 0;
}

oc_identity_t *oc_identity_delegated(oc_call_t *call, const char *ccache, const char *principal)
{
    oc_identity_t *id;
    const char *why;

    if (!ccache || !*ccache) {
        oc_result_fail(&call->result, OC_REASON_NO_CREDENTIAL,
                       "the login left no credential cache for this request");
        return NULL;
    }
    if ((why = oc_ccache_refused(ccache)) != NULL) {
        oc_result_fail(&call->result, OC_REASON_NO_CREDENTIAL, "the credential cache %s: %s",
                       oc_str_log(call->pool, ccache, 120), why);
        return NULL;
    }
    if (!principal_ok(call, principal)) {
        return NULL;
    }
    id = identity_create(call, OC_IDENTITY_DELEGATED, &oc_delegated_scheme);
    id->ccache = apr_pstrdup(call->pool, ccache);
    id->principal = apr_pstrdup(call->pool, principal);
    id->key = apr_pstrcat(call->pool, "krb5:", principal_key(call->pool, principal), NULL);
    return id;
}

oc_identity_t *oc_identity_s4u(oc_call_t *call, const oc_keytab_t *keytab, const char *principal)
{
    const char *service = oc_keytab_principal(keytab), *realm;
    oc_identity_t *id;

    if (!service || !(realm = strrchr(service, '@'))) {
        oc_result_fail(&call->result, OC_REASON_MISCONFIGURED,
                       "the service's keytab is not loaded");
        return NULL;
    }
    if (!principal_ok(call, principal)) {
        return NULL;
    }
    /* In a principal the library takes it for an escape: "EX\ana" would be somebody named EXana. */
    if (strchr(principal, '\\')) {
        oc_result_fail(&call->result, OC_REASON_IDENTITY_MISMATCH,
                       "the signed-in name %s names a Windows domain, not a Kerberos realm",
                       oc_str_log(call->pool, principal, 100));
        return NULL;
    }
    id = identity_create(call, OC_IDENTITY_S4U, &oc_s4u_scheme);
    id->keytab = keytab;
    id->principal = apr_pstrcat(call->pool, principal, strchr(principal, '@') ? NULL : realm, NULL);
    id->key = apr_pstrcat(call->pool, "s4u:", principal_key(call->pool, id->principal), ",",
                          principal_key(call->pool, service), NULL);
    return id;
}

oc_identity_t *oc_identity_relay(oc_call_t *call, oc_pin_t *pin, const char *key, const char *user)
{
    oc_identity_t *id = identity_create(call, OC_IDENTITY_RELAY, &oc_relay_scheme);

    id->pin = pin;
    id->key = apr_pstrdup(call->pool, key);
    id->principal = apr_pstrdup(call->pool, user);
    return id;
}

void oc_identity_home(oc_identity_t *id, const char *path)
{
    id->home = apr_pstrdup(id->call->pool, path);
}

const char *oc_identity_key(const oc_identity_t *id)
{
    return id->key;
}

const char *oc_identity_vouch(oc_signer_t *signer, const oc_identity_t *id, const oc_site_t *site)
{
    apr_pool_t *pool = id->call->pool;
    unsigned char mac[OC_HMAC_SIZE];
    oc_krb5_why_t why;

    switch (id->mode) {
    case OC_IDENTITY_BASIC:
    case OC_IDENTITY_SERVICE:
    case OC_IDENTITY_DEVICE:
        /* The identity's own key is of this child alone. */
        if (oc_sign_mac(signer, id, site, mac) != APR_SUCCESS ||
            oc_refusals_look(signer->refusals, mac, 0) == OC_MARK_REFUSED) {
            return NULL;
        }
        return apr_pstrcat(pool, id->scheme->name, " ", oc_str_hex(pool, mac, sizeof(mac)), NULL);
    case OC_IDENTITY_DELEGATED:
        return oc_krb5_owned(id->ccache, id->principal, &why) ? id->key : NULL;
    case OC_IDENTITY_S4U:
    case OC_IDENTITY_RELAY: /* that this very login's connection stands was seen by who verified it
                             */
        return id->key;
    case OC_IDENTITY_NOBODY:
        break;
    }
    return NULL;
}

static void expires(apr_table_t *facts, apr_time_t left)
{
    char date[APR_RFC822_DATE_LEN];

    apr_rfc822_date(date, apr_time_now() + left);
    apr_table_set(facts, "expires", date);
}

static apr_status_t describe_cache(apr_pool_t *pool, const char *ccache, apr_table_t *facts,
                                   oc_result_t *res)
{
    oc_krb5_why_t why;
    apr_time_t left;
    char *owner;

    apr_table_setn(facts, "credential", apr_pstrmemdup(pool, ccache, strcspn(ccache, ":")));
    owner = oc_krb5_look(ccache, &left, &why);
    if (!owner) {
        return oc_result_fail(res, why.reason, "%s", why.detail);
    }
    apr_table_set(facts, "principal", owner);
    free(owner);
    if (left <= 0) {
        return oc_result_fail(res, OC_REASON_CREDENTIAL_EXPIRED, "the ticket has expired");
    }
    expires(facts, left);
    return APR_SUCCESS;
}

apr_status_t oc_identity_describe(oc_identity_t *id, apr_pool_t *pool, apr_table_t *facts,
                                  oc_result_t *res)
{
    if (id->credential) {
        oc_account_describe(id, facts);
        return APR_SUCCESS;
    }
    apr_table_setn(facts, "mode", id->mode == OC_IDENTITY_BASIC ? "basic" : id->scheme->name);
    if (id->mode == OC_IDENTITY_RELAY) {
        apr_table_set(facts, "signed-in", id->principal);
        return APR_SUCCESS;
    }
    if (id->mode == OC_IDENTITY_BASIC) {
        apr_table_setn(facts, "upstream", id->scheme->name);
        apr_table_set(facts, "user", id->user);
        return APR_SUCCESS;
    }
    apr_table_set(facts, "signed-in", id->principal);
    if (id->mode == OC_IDENTITY_S4U) {
        apr_table_set(facts, "principal", id->principal);
        apr_table_set(facts, "on behalf by", oc_keytab_principal(id->keytab));
        return APR_SUCCESS;
    }
    return describe_cache(pool, id->ccache, facts, res);
}

void oc_identity_describe_used(oc_signer_t *signer, const oc_identity_t *id, const oc_site_t *site,
                               apr_table_t *facts)
{
    const oc_token_source_t from = oc_delegated_source(id->call->pool, id, site);
    apr_time_t left = id->mode == OC_IDENTITY_S4U ? oc_tokens_left(signer->tokens, &from) : 0;

    if (left > 0) {
        expires(facts, left);
    }
}
