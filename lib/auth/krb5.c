/* krb5.c - one Kerberos token by GSSAPI; the only file that names it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <apr_base64.h>
#include <apr_strings.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include "auth/krb5.h"
#include "base/clock.h"
#include "base/str.h"

#define SILENT_AFTER apr_time_from_sec(5) /* a KDC that answers does so in milliseconds */
#define ANSWER_MAX (256 * 1024)           /* base64; a server's token is some hundred bytes */

struct oc_krb5_t {
    char *spn;
    gss_cred_id_t cred;
    gss_ctx_id_t context;
};

static gss_OID_desc spnego = {6, "\053\006\001\005\005\002"}; /* 1.3.6.1.5.5.2 */

/* What the minor status of the krb5 mechanism means for us. Codes seen: MIT krb5 1.20.1. */
static oc_reason_t reason_of(OM_uint32 major, OM_uint32 minor)
{
    switch ((krb5_error_code)minor) {
    case KRB5_FCC_NOFILE:
    case KRB5_FCC_PERM:
    case KRB5_CC_NOTFOUND:
    case KRB5_CC_END:
    case KRB5_CC_FORMAT:
    case KRB5_CC_BADNAME:
    case KRB5_CCACHE_BADVNO:
        return OC_REASON_NO_CREDENTIAL;
    case KRB5KRB_AP_ERR_TKT_EXPIRED:
    case KRB5KDC_ERR_KEY_EXP:
        return OC_REASON_CREDENTIAL_EXPIRED;
    case KRB5KDC_ERR_BADOPTION:
    case KRB5KDC_ERR_POLICY:
        return OC_REASON_DELEGATION_REFUSED;
    case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
    case KRB5KDC_ERR_CLIENT_REVOKED:
        return OC_REASON_UNKNOWN_PRINCIPAL;
    case KRB5_KDC_UNREACH:
    case KRB5_REALM_CANT_RESOLVE:
        return OC_REASON_KDC_UNREACHABLE;
    case KRB5KRB_AP_ERR_SKEW:
    case KRB5KRB_AP_ERR_TKT_NYV:
        return OC_REASON_CLOCK_SKEW;
    default:
        if (GSS_ROUTINE_ERROR(major) == GSS_S_CREDENTIALS_EXPIRED) {
            return OC_REASON_CREDENTIAL_EXPIRED;
        }
        if (GSS_ROUTINE_ERROR(major) == GSS_S_NO_CRED) {
            return OC_REASON_NO_CREDENTIAL; /* a cache without tickets, and the like */
        }
        /* The server unknown to the KDC, no krb5.conf, no such realm, ...: for the
         * administrator. */
        return OC_REASON_MISCONFIGURED;
    }
}

static void explain(oc_krb5_why_t *why, const char *what, OM_uint32 code, int type)
{
    OM_uint32 minor, more = 0;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

    gss_display_status(&minor, code, type, (gss_OID)gss_mech_krb5, &more, &text);
    apr_snprintf(why->detail, OC_KRB5_DETAIL, "%.120s: %.*s (%d)", what, (int)text.length,
                 (char *)text.value, (int)code);
    gss_release_buffer(&minor, &text);
}

static void fail(oc_krb5_why_t *why, const char *what, OM_uint32 major, OM_uint32 minor)
{
    /* Of an expired credential, the minor status says "success". */
    int by_minor = minor != 0 && GSS_ROUTINE_ERROR(major) != GSS_S_CREDENTIALS_EXPIRED;

    why->reason = reason_of(major, minor);
    explain(why, what, by_minor ? minor : major, by_minor ? GSS_C_MECH_CODE : GSS_C_GSS_CODE);
}

static void say(oc_krb5_why_t *why, oc_reason_t reason, const char *detail)
{
    why->reason = reason;
    apr_cpystrn(why->detail, detail, OC_KRB5_DETAIL);
}

/* Only from the cache named. Without a client keytab of our choosing the library would take the
 * process's default one to renew, or even to fill, that cache. */
static OM_uint32 acquire(OM_uint32 *minor, const char *ccache, gss_OID_set mechs,
                         gss_cred_id_t *cred)
{
    gss_key_value_element_desc elements[] = {{"ccache", ccache},
                                             {"client_keytab", "MEMORY:owacal-empty"}};
    gss_key_value_set_desc store = {2, elements};

    return gss_acquire_cred_from(minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, mechs, GSS_C_INITIATE,
                                 &store, cred, NULL, NULL);
}

/* A principal as the library writes it, malloc'ed. NULL: it cannot be one. */
static char *name_text(gss_name_t name)
{
    OM_uint32 minor;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    char *copy = NULL;

    if (gss_display_name(&minor, name, &text, NULL) == GSS_S_COMPLETE) {
        copy = strndup(text.value, text.length);
    }
    gss_release_buffer(&minor, &text);
    return copy;
}

/* The same for a name given as text: the default realm is added to one without. */
static char *principal_text(const char *principal)
{
    OM_uint32 minor;
    gss_buffer_desc text = {strlen(principal), (void *)principal};
    gss_name_t name = GSS_C_NO_NAME, krb5_name = GSS_C_NO_NAME;
    char *copy = NULL;

    if (gss_import_name(&minor, &text, GSS_C_NT_USER_NAME, &name) == GSS_S_COMPLETE
        && gss_canonicalize_name(&minor, name, (gss_OID)gss_mech_krb5, &krb5_name)
               == GSS_S_COMPLETE) {
        copy = name_text(krb5_name);
    }
    gss_release_name(&minor, &krb5_name);
    gss_release_name(&minor, &name);
    return copy;
}

/* Names agree in case, realms need not: MIT tells Alice from alice, nobody has two realms that
 * differ in case only. */
static int same_principal(const char *a, const char *b)
{
    const char *realm_a = strrchr(a, '@'), *realm_b = strrchr(b, '@');

    return realm_a && realm_b && realm_a - a == realm_b - b
           && strncmp(a, b, (size_t)(realm_a - a)) == 0 && strcasecmp(realm_a, realm_b) == 0;
}

/* Is this credential the person's, and still good? 0 with *why set if not. */
static int check_owner(oc_krb5_t *k, const char *principal, oc_krb5_why_t *why)
{
    OM_uint32 major, minor, lifetime = 0;
    gss_name_t name = GSS_C_NO_NAME;
    char *has = NULL, *wanted = NULL;
    int good = 0;

    major = gss_inquire_cred_by_mech(&minor, k->cred, (gss_OID)gss_mech_krb5, &name, &lifetime,
                                     NULL, NULL);
    if (GSS_ERROR(major) || name == GSS_C_NO_NAME) {
        fail(why, "credential", major, minor);
        goto leave;
    }
    has = name_text(name);
    wanted = principal_text(principal);
    if (!has || !wanted || !same_principal(has, wanted)) {
        why->reason = OC_REASON_IDENTITY_MISMATCH;
        apr_snprintf(why->detail, OC_KRB5_DETAIL, "the credential is %.100s's, signed in is %.100s",
                     has ? has : "nobody", principal);
        goto leave;
    }
    if (lifetime == 0) {
        say(why, OC_REASON_CREDENTIAL_EXPIRED, "the ticket has expired");
        goto leave;
    }
    good = 1;

leave:
    free(has);
    free(wanted);
    gss_release_name(&minor, &name);
    return good;
}

static OM_uint32 import_target(OM_uint32 *minor, const char *spn, gss_name_t *name)
{
    gss_buffer_desc text = {strlen(spn), (void *)spn};

    return gss_import_name(minor, &text,
                           strchr(spn, '/') ? (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME
                                            : GSS_C_NT_HOSTBASED_SERVICE, name);
}

static OM_uint32 init(OM_uint32 *minor, oc_krb5_t *k, gss_OID mech, gss_buffer_t in,
                      gss_buffer_t out, OM_uint32 *flags)
{
    gss_name_t target = GSS_C_NO_NAME;
    OM_uint32 major = import_target(minor, k->spn, &target), ignored;

    /* No delegation flag: no ticket of this person is given away to the calendar server. */
    if (!GSS_ERROR(major)) {
        major = gss_init_sec_context(minor, k->cred, &k->context, target, mech,
                                     GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG, 0,
                                     GSS_C_NO_CHANNEL_BINDINGS, in, NULL, out, flags, NULL);
    }
    gss_release_name(&ignored, &target);
    return major;
}

static void forget(oc_krb5_t *k)
{
    OM_uint32 minor;

    if (k->context != GSS_C_NO_CONTEXT) {
        gss_delete_sec_context(&minor, &k->context, GSS_C_NO_BUFFER);
    }
    if (k->cred != GSS_C_NO_CREDENTIAL) {
        gss_release_cred(&minor, &k->cred);
    }
}

static void release(gss_buffer_t buffer)
{
    OM_uint32 minor;

    if (buffer->value) {
        oc_str_wipe(buffer->value, buffer->length);
    }
    gss_release_buffer(&minor, buffer);
}

/* SPNEGO hides why Kerberos failed. Once more without it, for the reason only. */
static void find_reason(oc_krb5_t *k, const char *ccache, const char *principal, oc_krb5_why_t *why)
{
    gss_OID_set_desc krb5_only = {1, (gss_OID)gss_mech_krb5};
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    OM_uint32 major, minor;

    forget(k);
    major = acquire(&minor, ccache, &krb5_only, &k->cred);
    if (GSS_ERROR(major)) {
        fail(why, "credential", major, minor);
        return;
    }
    if (!check_owner(k, principal, why)) {
        return;
    }
    major = init(&minor, k, (gss_OID)gss_mech_krb5, GSS_C_NO_BUFFER, &out, NULL);
    if (GSS_ERROR(major)) {
        fail(why, k->spn, major, minor);
    }
    release(&out);
}

oc_krb5_t *oc_krb5_make(const char *ccache, const char *spn, const char *principal, char **text,
                        oc_krb5_why_t *why)
{
    /* An open list would let SPNEGO fall back to whatever else is installed: with gss-ntlmssp, to
     * NTLM as the process's own user (seen). */
    gss_OID_desc both[] = {*gss_mech_krb5, spnego};
    gss_OID_set_desc mechs = {2, both}, krb5_only = {1, both};
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    oc_krb5_t *k = calloc(1, sizeof(*k));
    oc_mono_t began = oc_clock_mono();
    OM_uint32 major, minor;

    *text = NULL;
    if (!k || !(k->spn = strdup(spn))) {
        say(why, OC_REASON_INTERNAL, "out of memory");
        goto leave;
    }
    say(why, OC_REASON_MISCONFIGURED, "SPNEGO does not work here, though Kerberos does");
    major = acquire(&minor, ccache, &mechs, &k->cred);
    if (!GSS_ERROR(major)) {
        if (!check_owner(k, principal, why)) {
            goto leave;
        }
        major = gss_set_neg_mechs(&minor, k->cred, &krb5_only);
    }
    if (!GSS_ERROR(major)) {
        major = init(&minor, k, &spnego, GSS_C_NO_BUFFER, &out, NULL);
    }
    if (!GSS_ERROR(major) && out.length > 0) {
        *text = malloc((size_t)apr_base64_encode_len((int)out.length));
        if (!*text) {
            say(why, OC_REASON_INTERNAL, "out of memory");
            goto leave;
        }
        apr_base64_encode_binary(*text, out.value, (int)out.length);
        say(why, OC_REASON_OK, "");
    } else if (oc_clock_mono() - began > SILENT_AFTER) {
        say(why, OC_REASON_KDC_UNREACHABLE, "no KDC answered"); /* not 27 s more to hear the same */
    } else {
        find_reason(k, ccache, principal, why);
    }

leave:
    release(&out);
    if (!*text && k) {
        oc_krb5_close(k);
        k = NULL;
    }
    return k;
}

void oc_krb5_verify(oc_krb5_t *k, const char *answer, oc_krb5_why_t *why)
{
    gss_buffer_desc in = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;
    OM_uint32 major, minor, flags = 0;

    say(why, OC_REASON_UPSTREAM_PROTOCOL, "its proof is not valid");
    if (strlen(answer) > ANSWER_MAX
        || !(in.value = malloc((size_t)apr_base64_decode_len(answer) + 1))) {
        return;
    }
    in.length = (size_t)apr_base64_decode_binary(in.value, answer);
    major = init(&minor, k, &spnego, &in, &out, &flags);
    if (major == GSS_S_COMPLETE && (flags & GSS_C_MUTUAL_FLAG)) {
        say(why, OC_REASON_OK, "");
    }
    free(in.value);
    release(&out);
}

void oc_krb5_close(oc_krb5_t *k)
{
    forget(k);
    free(k->spn);
    free(k);
}

const char *oc_krb5_refused(const char *ccache)
{
    if (strncmp(ccache, "FILE:", 5) == 0) {
        return ccache[5] == '/' ? NULL : "the path of a FILE cache must be absolute";
    }
    if (strncmp(ccache, "DIR:", 4) == 0) {
        const char *path = ccache[4] == ':' ? ccache + 5 : ccache + 4; /* DIR::/dir/tkt is one */

        return *path == '/' ? NULL : "the path of a DIR cache must be absolute";
    }
    if (strncmp(ccache, "MEMORY:", 7) == 0) {
        return ccache[7] ? NULL : "a MEMORY cache needs a name";
    }
    /* A keyring or a KCM daemon would give the caches of the process's own user. */
    return "only caches of the types FILE, DIR and MEMORY are used, with the type named";
}

apr_status_t oc_krb5_describe(apr_pool_t *pool, const char *ccache, apr_table_t *facts,
                              oc_result_t *res)
{
    gss_OID_set_desc krb5_only = {1, (gss_OID)gss_mech_krb5};
    gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
    gss_name_t name = GSS_C_NO_NAME;
    oc_krb5_why_t why;
    OM_uint32 major, minor, lifetime = 0;
    char *has = NULL, expires[APR_RFC822_DATE_LEN];
    apr_status_t rv = APR_SUCCESS;

    apr_table_setn(facts, "credential", apr_pstrmemdup(pool, ccache, strcspn(ccache, ":")));
    major = acquire(&minor, ccache, &krb5_only, &cred);
    if (!GSS_ERROR(major)) {
        major = gss_inquire_cred_by_mech(&minor, cred, (gss_OID)gss_mech_krb5, &name, &lifetime,
                                         NULL, NULL);
    }
    if (GSS_ERROR(major) || !(has = name_text(name))) {
        fail(&why, "credential", major, minor);
        rv = oc_result_fail(res, why.reason, "%s", why.detail);
        goto leave;
    }
    apr_table_set(facts, "principal", has);
    if (lifetime == 0) {
        rv = oc_result_fail(res, OC_REASON_CREDENTIAL_EXPIRED, "the ticket has expired");
        goto leave;
    }
    apr_rfc822_date(expires, apr_time_now() + apr_time_from_sec(lifetime));
    apr_table_set(facts, "expires", expires);

leave:
    free(has);
    gss_release_name(&minor, &name);
    gss_release_cred(&minor, &cred);
    return rv;
}
