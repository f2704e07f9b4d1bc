/* krb5.c - tokens by GSSAPI, tickets for others by libkrb5. Long because it is the only file that
 * names them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <apr_base64.h>
#include <apr_strings.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include "auth/ccache.h"
#include "auth/krb5.h"
#include "base/str.h"

#define SILENT_AFTER apr_time_from_sec(5) /* a KDC that answers does so in milliseconds */
#define ANSWER_MAX (256 * 1024)           /* base64; a server's token is some hundred bytes */

struct oc_krb5_t {
    char *target;                   /* the calendar server's principal */
    int fd;                         /* of a cache in a file; -1 */
    char ccache[OC_CCACHE_NAME + 8]; /* as the library is to name it */
    gss_cred_id_t cred;
    gss_ctx_id_t context;
};

static gss_OID_desc spnego = {6, "\053\006\001\005\005\002"}; /* 1.3.6.1.5.5.2 */

/* What the minor status of the krb5 mechanism means for us. Codes seen: MIT krb5 1.20.1. */
static oc_reason_t reason_of_code(krb5_error_code code)
{
    switch (code) {
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
    case KRB5_TKT_NOT_FORWARDABLE:
        return OC_REASON_DELEGATION_REFUSED;
    case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
    case KRB5KDC_ERR_CLIENT_REVOKED:
    case KRB5KDC_ERR_NAME_EXP:
        return OC_REASON_UNKNOWN_PRINCIPAL;
    case KRB5_KDC_UNREACH:
    case KRB5_REALM_CANT_RESOLVE:
        return OC_REASON_KDC_UNREACHABLE;
    case KRB5KRB_AP_ERR_SKEW:
    case KRB5KRB_AP_ERR_TKT_NYV:
        return OC_REASON_CLOCK_SKEW;
    default:
        /* The server unknown to the KDC, no krb5.conf, no such realm, ...: for the
         * administrator. */
        return OC_REASON_MISCONFIGURED;
    }
}

static oc_reason_t reason_of(OM_uint32 major, OM_uint32 minor)
{
    oc_reason_t reason = reason_of_code((krb5_error_code)minor);

    if (reason == OC_REASON_MISCONFIGURED) {
        if (GSS_ROUTINE_ERROR(major) == GSS_S_CREDENTIALS_EXPIRED) {
            return OC_REASON_CREDENTIAL_EXPIRED;
        }
        if (GSS_ROUTINE_ERROR(major) == GSS_S_NO_CRED) {
            return OC_REASON_NO_CREDENTIAL; /* a cache without tickets, and the like */
        }
    }
    return reason;
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
    why->uncached = 0;
    explain(why, what, by_minor ? minor : major, by_minor ? GSS_C_MECH_CODE : GSS_C_GSS_CODE);
}

static void say(oc_krb5_why_t *why, oc_reason_t reason, const char *detail)
{
    why->reason = reason;
    why->uncached = 0;
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

/* The principal that "HTTP@host" means, by krb5.conf's [domain_realm], malloc'ed; where that says
 * nothing the realm is left open, "HTTP/host@". As a host-based service the library would, by
 * default, ask the DNS what the host is called, wait for it, and believe it. */
static char *target_text(const char *spn)
{
    const char *at = strchr(spn, '@');
    char principal[OC_KRB5_DETAIL], **realms = NULL;
    krb5_context context;

    if (!at || strchr(spn, '/')) {
        return strdup(spn);
    }
    if (krb5_init_context(&context) != 0) {
        return NULL;
    }
    krb5_get_host_realm(context, at + 1, &realms);
    apr_snprintf(principal, sizeof(principal), "%.*s/%s@%s", (int)(at - spn), spn, at + 1,
                 realms && realms[0] ? realms[0] : "");
    if (realms) {
        krb5_free_host_realm(context, realms);
    }
    krb5_free_context(context);
    return strdup(principal);
}

static OM_uint32 init(OM_uint32 *minor, oc_krb5_t *k, gss_OID mech, gss_buffer_t in,
                      gss_buffer_t out, OM_uint32 *flags)
{
    gss_buffer_desc text = {strlen(k->target), k->target};
    gss_name_t target = GSS_C_NO_NAME;
    OM_uint32 major = gss_import_name(minor, &text, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &target);
    OM_uint32 ignored;

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

/* Puts the cache's name for the library into k. 0 with *why set if it may not be used. */
static int open_cache(oc_krb5_t *k, const char *ccache, oc_krb5_why_t *why)
{
    const char *refused = oc_ccache_refused(ccache);

    why->reason = OC_REASON_NO_CREDENTIAL;
    if (refused) {
        say(why, OC_REASON_NO_CREDENTIAL, refused);
        return 0;
    }
    if (*ccache == 'M') {
        apr_cpystrn(k->ccache, ccache, sizeof(k->ccache));
        return 1;
    }
    k->fd = oc_ccache_open(ccache, why->detail, OC_KRB5_DETAIL);
    if (k->fd < 0) {
        return 0;
    }
    oc_ccache_name(ccache, k->fd, k->ccache, sizeof(k->ccache));
    return 1;
}

/* Is a good ticket for `target` in the cache? Then gss_init_sec_context() finds it by this very
 * look-up and asks no KDC. */
static int is_cached(const char *ccache, const char *target)
{
    krb5_context context;
    krb5_ccache cache = NULL;
    krb5_creds want, *found = NULL;
    int yes = 0;

    if (krb5_init_context(&context) != 0) {
        return 0;
    }
    memset(&want, 0, sizeof(want));
    if (krb5_cc_resolve(context, ccache, &cache) == 0
        && krb5_cc_get_principal(context, cache, &want.client) == 0
        && krb5_parse_name(context, target, &want.server) == 0) {
        yes = krb5_get_credentials(context, KRB5_GC_CACHED, cache, &want, &found) == 0;
    }
    krb5_free_creds(context, found);
    krb5_free_cred_contents(context, &want);
    if (cache) {
        krb5_cc_close(context, cache);
    }
    krb5_free_context(context);
    return yes;
}

/* SPNEGO hides why Kerberos failed. Once more without it, for the reason only. */
static void find_reason(oc_krb5_t *k, const char *principal, oc_krb5_why_t *why)
{
    gss_OID_set_desc krb5_only = {1, (gss_OID)gss_mech_krb5};
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    OM_uint32 major, minor;

    forget(k);
    major = acquire(&minor, k->ccache, &krb5_only, &k->cred);
    if (GSS_ERROR(major)) {
        fail(why, "credential", major, minor);
        return;
    }
    if (!check_owner(k, principal, why)) {
        return;
    }
    major = init(&minor, k, (gss_OID)gss_mech_krb5, GSS_C_NO_BUFFER, &out, NULL);
    if (GSS_ERROR(major)) {
        fail(why, k->target, major, minor);
    }
    release(&out);
}

static oc_krb5_t *krb5_create(const char *spn)
{
    oc_krb5_t *k = calloc(1, sizeof(*k));

    if (!k || !(k->target = target_text(spn))) {
        free(k);
        return NULL;
    }
    k->fd = -1;
    return k;
}

/* Everything but asking: the credential, looked at and confined to Kerberos. 0 with *why set. */
static int prepare(oc_krb5_t *k, const char *ccache, const char *principal, oc_krb5_why_t *why)
{
    /* An open list would let SPNEGO fall back to whatever else is installed: with gss-ntlmssp, to
     * NTLM as the process's own user (seen). */
    gss_OID_desc both[] = {*gss_mech_krb5, spnego};
    gss_OID_set_desc mechs = {2, both}, krb5_only = {1, both};
    OM_uint32 major, minor;

    if (!open_cache(k, ccache, why)) {
        return 0;
    }
    say(why, OC_REASON_MISCONFIGURED, "SPNEGO does not work here, though Kerberos does");
    major = acquire(&minor, k->ccache, &mechs, &k->cred);
    if (!GSS_ERROR(major)) {
        if (!check_owner(k, principal, why)) {
            return 0;
        }
        major = gss_set_neg_mechs(&minor, k->cred, &krb5_only);
    }
    if (GSS_ERROR(major)) {
        find_reason(k, principal, why);
        return 0;
    }
    return 1;
}

static char *base64_of(const gss_buffer_desc *out)
{
    char *text = malloc((size_t)apr_base64_encode_len((int)out->length));

    if (text) {
        apr_base64_encode_binary(text, out->value, (int)out->length);
    }
    return text;
}

oc_krb5_t *oc_krb5_make(const char *ccache, const char *spn, const char *principal, int ask_kdc,
                        char **text, oc_krb5_why_t *why)
{
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    oc_krb5_t *k = krb5_create(spn);
    oc_mono_t began = oc_clock_mono();
    OM_uint32 major, minor;

    *text = NULL;
    say(why, OC_REASON_INTERNAL, "out of memory");
    if (!k || !prepare(k, ccache, principal, why)) {
        goto leave;
    }
    if (!ask_kdc && !is_cached(k->ccache, k->target)) {
        say(why, OC_REASON_KDC_UNREACHABLE, "no ticket for the calendar server is at hand");
        why->uncached = 1;
        goto leave;
    }
    major = init(&minor, k, &spnego, GSS_C_NO_BUFFER, &out, NULL);
    if (!GSS_ERROR(major) && out.length > 0) {
        *text = base64_of(&out);
        say(why, *text ? OC_REASON_OK : OC_REASON_INTERNAL, *text ? "" : "out of memory");
    } else if (oc_clock_mono() - began > SILENT_AFTER) {
        say(why, OC_REASON_KDC_UNREACHABLE, "no KDC answered"); /* not 27 s more to hear the same */
    } else {
        find_reason(k, principal, why);
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
    if (k->fd >= 0) {
        close(k->fd);
    }
    free(k->target);
    free(k);
}

/* ---- the service's own key ---- */

struct oc_krb5_keys_t {
    krb5_context context; /* only to close the keytab with; not for threads */
    krb5_keytab keytab;   /* MEMORY, with the keys of one principal */
    char *principal;
};

static void code_text(oc_krb5_why_t *why, krb5_context context, krb5_error_code code,
                      const char *what)
{
    const char *text = krb5_get_error_message(context, code);

    why->uncached = 0;
    apr_snprintf(why->detail, OC_KRB5_DETAIL, "%.120s: %.140s (%ld)", what, text, (long)code);
    krb5_free_error_message(context, text);
}

/* Copies what is the principal's; *principal may be NULL and is then that of the first key. The
 * number of keys copied, or -1 with *code. */
static int copy_keys(krb5_context context, krb5_keytab from, krb5_keytab to,
                     krb5_principal *principal, krb5_error_code *code)
{
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    int keys = 0;

    if ((*code = krb5_kt_start_seq_get(context, from, &cursor)) != 0) {
        return -1;
    }
    while ((*code = krb5_kt_next_entry(context, from, &entry, &cursor)) == 0) {
        if (!*principal) {
            krb5_copy_principal(context, entry.principal, principal);
        }
        if (*principal && krb5_principal_compare(context, entry.principal, *principal)
            && krb5_kt_add_entry(context, to, &entry) == 0) {
            ++keys;
        }
        krb5_free_keytab_entry_contents(context, &entry);
    }
    krb5_kt_end_seq_get(context, from, &cursor);
    return *code == KRB5_KT_END ? keys : -1;
}

static int read_keys(oc_krb5_keys_t *keys, const char *name, const char *principal,
                     oc_krb5_why_t *why)
{
    krb5_context context = keys->context;
    krb5_keytab file = NULL;
    krb5_principal who = NULL;
    krb5_error_code code;
    static unsigned serial;
    char memory[48], *text = NULL;
    int count = -1;

    apr_snprintf(memory, sizeof(memory), "MEMORY:owacal-keys-%u",
                 __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
    if (principal && (code = krb5_parse_name(context, principal, &who)) != 0) {
        code_text(why, context, code, "principal=");
        return 0;
    }
    if ((code = krb5_kt_resolve(context, memory, &keys->keytab)) == 0
        && (code = krb5_kt_resolve(context, name, &file)) == 0) {
        count = copy_keys(context, file, keys->keytab, &who, &code);
    }
    if (count < 0) {
        code_text(why, context, code, "damaged, or not a keytab");
    } else if (count == 0) {
        apr_snprintf(why->detail, OC_KRB5_DETAIL, "it holds no key%s%.150s",
                     principal ? " of " : "", principal ? principal : "");
    } else if (krb5_unparse_name(context, who, &text) == 0) {
        keys->principal = strdup(text);
        krb5_free_unparsed_name(context, text);
    }
    krb5_free_principal(context, who);
    if (file) {
        krb5_kt_close(context, file);
    }
    return count > 0 && keys->principal;
}

oc_krb5_keys_t *oc_krb5_keys(const char *name, const char *principal, oc_krb5_why_t *why)
{
    oc_krb5_keys_t *keys = calloc(1, sizeof(*keys));
    krb5_error_code code;

    say(why, OC_REASON_MISCONFIGURED, "out of memory");
    if (keys && (code = krb5_init_context(&keys->context)) != 0) {
        code_text(why, NULL, code, "the Kerberos library cannot start (KRB5_CONFIG, krb5.conf)");
    } else if (keys && read_keys(keys, name, principal, why)) {
        return keys;
    }
    if (keys) {
        oc_krb5_keys_free(keys);
    }
    return NULL;
}

const char *oc_krb5_keys_principal(const oc_krb5_keys_t *keys)
{
    return keys->principal;
}

void oc_krb5_keys_free(oc_krb5_keys_t *keys)
{
    if (keys->keytab) {
        krb5_kt_close(keys->context, keys->keytab); /* its only handle: the keys are wiped */
    }
    if (keys->context) {
        krb5_free_context(keys->context);
    }
    free(keys->principal);
    free(keys);
}

/* A cache of `owner` with that ticket in it, which is also found under the name `server`. */
static oc_krb5_cache_t *keep(krb5_context context, krb5_principal owner, krb5_principal server,
                             krb5_creds *ticket)
{
    oc_krb5_cache_t *cache = calloc(1, sizeof(*cache));
    krb5_principal issued = ticket->server;
    krb5_timestamp from =
        ticket->times.starttime ? ticket->times.starttime : ticket->times.authtime;
    krb5_ccache id = NULL;
    int good = cache && krb5_cc_new_unique(context, "MEMORY", NULL, &id) == 0
               && krb5_cc_initialize(context, id, owner) == 0
               && krb5_cc_store_cred(context, id, ticket) == 0;

    if (good && server && !krb5_principal_compare(context, server, issued)) {
        ticket->server = server;
        good = krb5_cc_store_cred(context, id, ticket) == 0;
        ticket->server = issued;
    }
    if (!good) {
        if (id) {
            krb5_cc_destroy(context, id);
        }
        free(cache);
        return NULL;
    }
    apr_snprintf(cache->name, sizeof(cache->name), "MEMORY:%s", krb5_cc_get_name(context, id));
    krb5_cc_close(context, id);
    cache->got = oc_clock_mono();
    /* A difference, by the KDC's clock, from which ours may differ; unsigned: beyond 2038, too. */
    cache->life =
        apr_time_from_sec((krb5_int32)((krb5_ui_4)ticket->times.endtime - (krb5_ui_4)from));
    cache->bytes = ticket->ticket.length;
    return cache;
}

void oc_krb5_cache_free(oc_krb5_cache_t *cache)
{
    krb5_context context;
    krb5_ccache id;

    if (krb5_init_context(&context) == 0) {
        if (krb5_cc_resolve(context, cache->name, &id) == 0) {
            krb5_cc_destroy(context, id);
        }
        krb5_free_context(context);
    }
    free(cache->owner);
    free(cache);
}

oc_krb5_cache_t *oc_krb5_service(const oc_krb5_keys_t *keys, oc_krb5_why_t *why)
{
    krb5_context context = NULL;
    krb5_get_init_creds_opt *options = NULL;
    krb5_principal self = NULL;
    krb5_creds ticket;
    krb5_error_code code;
    char what[120];
    oc_krb5_cache_t *cache = NULL;

    say(why, OC_REASON_INTERNAL, "out of memory");
    memset(&ticket, 0, sizeof(ticket));
    if ((code = krb5_init_context(&context)) != 0
        || (code = krb5_parse_name(context, keys->principal, &self)) != 0
        || (code = krb5_get_init_creds_opt_alloc(context, &options)) != 0) {
        goto leave;
    }
    /* Without this, S4U2Self gives a ticket that S4U2Proxy does not take. */
    krb5_get_init_creds_opt_set_forwardable(options, 1);
    code = krb5_get_init_creds_keytab(context, &ticket, self, keys->keytab, 0, NULL, options);
    if (code == 0) {
        cache = keep(context, ticket.client, NULL, &ticket);
    }

leave:
    if (code != 0) {
        why->reason = reason_of_code(code);
        if (why->reason != OC_REASON_KDC_UNREACHABLE && why->reason != OC_REASON_CLOCK_SKEW) {
            why->reason = OC_REASON_MISCONFIGURED; /* all else is the administrator's keytab */
        }
        apr_snprintf(what, sizeof(what), "no ticket for the service itself, %.70s",
                     keys->principal);
        code_text(why, context, code, what);
    } else if (cache) {
        say(why, OC_REASON_OK, "");
    }
    if (context) {
        krb5_free_cred_contents(context, &ticket);
        krb5_get_init_creds_opt_free(context, options);
        krb5_free_principal(context, self);
        krb5_free_context(context);
    }
    return cache;
}

/* S4U2Self: a credential of that person, into k. Its name, malloc'ed; NULL with *why. */
static char *impersonate(oc_krb5_t *k, const char *own, const char *principal, oc_krb5_why_t *why)
{
    gss_OID_set_desc krb5_only = {1, (gss_OID)gss_mech_krb5};
    gss_buffer_desc text = {strlen(principal), (void *)principal};
    gss_cred_id_t service = GSS_C_NO_CREDENTIAL;
    gss_name_t person = GSS_C_NO_NAME, name = GSS_C_NO_NAME;
    OM_uint32 major, minor, ignored;
    char *has = NULL;

    major = acquire(&minor, own, &krb5_only, &service);
    if (!GSS_ERROR(major)) {
        major = gss_import_name(&minor, &text, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &person);
    }
    if (!GSS_ERROR(major)) {
        major = gss_acquire_cred_impersonate_name(&minor, service, person, GSS_C_INDEFINITE,
                                                  &krb5_only, GSS_C_INITIATE, &k->cred, NULL, NULL);
    }
    if (!GSS_ERROR(major)) {
        major = gss_inquire_cred_by_mech(&minor, k->cred, (gss_OID)gss_mech_krb5, &name, NULL, NULL,
                                         NULL);
    }
    if (GSS_ERROR(major)) {
        fail(why, "ticket for the person (S4U2Self)", major, minor);
    } else if ((has = name_text(name)) != NULL && strcasecmp(has, principal) != 0) {
        /* In Active Directory case does not matter; anything more is somebody else. */
        say(why, OC_REASON_IDENTITY_MISMATCH, "the KDC gave a ticket for somebody else than asked");
        free(has);
        has = NULL;
    }
    gss_release_name(&ignored, &name);
    gss_release_name(&ignored, &person);
    gss_release_cred(&ignored, &service);
    return has;
}

/* The ticket for k's server out of its credential, alone in a cache of `owner`. The library stores
 * it under the name it was asked for, with an open realm, and looks for it under its real one. */
static oc_krb5_cache_t *extract(oc_krb5_t *k, const char *own, const char *owner,
                                oc_krb5_why_t *why)
{
    krb5_context context = NULL;
    krb5_ccache service = NULL, all = NULL;
    krb5_creds want, found;
    krb5_ticket *ticket = NULL;
    krb5_error_code code;
    OM_uint32 minor;
    oc_krb5_cache_t *cache = NULL;

    memset(&want, 0, sizeof(want));
    memset(&found, 0, sizeof(found));
    if ((code = krb5_init_context(&context)) == 0
        /* brings along what the KDC's clock differs by */
        && (code = krb5_cc_resolve(context, own, &service)) == 0
        && (code = krb5_parse_name(context, owner, &want.client)) == 0
        && (code = krb5_cc_new_unique(context, "MEMORY", NULL, &all)) == 0
        && (code = krb5_cc_initialize(context, all, want.client)) == 0
        && (code = krb5_parse_name(context, k->target, &want.server)) == 0
        && gss_krb5_copy_ccache(&minor, k->cred, all) == GSS_S_COMPLETE
        && (code = krb5_cc_retrieve_cred(context, all, KRB5_TC_MATCH_SRV_NAMEONLY, &want, &found))
               == 0
        && (code = krb5_decode_ticket(&found.ticket, &ticket)) == 0) {
        cache = keep(context, want.client, ticket->server, &found);
    }
    if (cache) {
        say(why, OC_REASON_OK, "");
    } else {
        why->reason = OC_REASON_INTERNAL;
        code_text(why, context, code, "the ticket for the person cannot be kept");
    }
    if (context) {
        krb5_free_ticket(context, ticket);
        krb5_free_cred_contents(context, &found);
        krb5_free_cred_contents(context, &want);
        if (all) {
            krb5_cc_destroy(context, all);
        }
        if (service) {
            krb5_cc_close(context, service);
        }
        krb5_free_context(context);
    }
    return cache;
}

oc_krb5_cache_t *oc_krb5_act(const oc_krb5_cache_t *own, const char *principal, const char *spn,
                             oc_krb5_why_t *why)
{
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    oc_krb5_t *k = krb5_create(spn);
    oc_krb5_cache_t *cache = NULL;
    OM_uint32 major, minor;
    char *owner = NULL, *read = principal_text(principal);

    if (!k) {
        say(why, OC_REASON_INTERNAL, "out of memory");
    } else if (!read || strcmp(read, principal) != 0) {
        /* Of "EX\ana" and the like the library would make another name. */
        say(why, OC_REASON_IDENTITY_MISMATCH, "the signed-in name cannot be a Kerberos principal");
    } else if ((owner = impersonate(k, own->name, principal, why)) != NULL) {
        /* S4U2Proxy happens inside; the token is not wanted, the ticket is. */
        major = init(&minor, k, (gss_OID)gss_mech_krb5, GSS_C_NO_BUFFER, &out, NULL);
        if (GSS_ERROR(major)) {
            fail(why, spn, major, minor);
        } else {
            cache = extract(k, own->name, owner, why);
        }
    }
    if (cache) {
        cache->owner = owner;
        owner = NULL;
    }
    release(&out);
    free(owner);
    free(read);
    if (k) {
        oc_krb5_close(k);
    }
    return cache;
}

char *oc_krb5_look(const char *ccache, apr_time_t *left, oc_krb5_why_t *why)
{
    gss_OID_set_desc krb5_only = {1, (gss_OID)gss_mech_krb5};
    oc_krb5_t *k = krb5_create("");
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 major, minor, lifetime = 0;
    char *has = NULL;

    say(why, OC_REASON_INTERNAL, "out of memory");
    if (k && open_cache(k, ccache, why)) {
        major = acquire(&minor, k->ccache, &krb5_only, &k->cred);
        if (!GSS_ERROR(major)) {
            major = gss_inquire_cred_by_mech(&minor, k->cred, (gss_OID)gss_mech_krb5, &name,
                                             &lifetime, NULL, NULL);
        }
        if (GSS_ERROR(major) || !(has = name_text(name))) {
            fail(why, "credential", major, minor);
        }
    }
    *left = apr_time_from_sec(lifetime);
    gss_release_name(&minor, &name);
    if (k) {
        oc_krb5_close(k);
    }
    return has;
}

int oc_krb5_owned(const char *ccache, const char *principal, oc_krb5_why_t *why)
{
    oc_krb5_t *k = krb5_create("");
    int good;

    say(why, OC_REASON_INTERNAL, "out of memory");
    good = k && prepare(k, ccache, principal, why);
    if (k) {
        oc_krb5_close(k);
    }
    return good;
}
