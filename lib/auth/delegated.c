/* delegated.c - a Kerberos ticket of the person's, presented by Negotiate (RFC 4559): the one that
 * the login module obtained, or one got with the service's own key (s4u). They differ in where
 * tokens.c has it from, and in nothing else.
 *
 * A token serves once, so each exchange has its own. From the second exchange of a job on, the next
 * token is made while the reply is awaited, so that no exchange waits for one; one ahead at most.
 * That a connection had come to its end, or the server had forgotten whom it knew on it, shows only
 * when it is used: what only reads is then tried once more, with another token (lead.c).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <apr_date.h>
#include <apr_strings.h>

#include "auth/sign.h"
#include "base/str.h"

/* Kerberos lets clocks differ by five minutes (RFC 4120, 1.6). */
#define SKEW_MAX apr_time_from_sec(300)
/* Servers take headers of that size as they come: Apache 8190 bytes, IIS 6 16 KB a field. */
#define LONG_TOKEN 8000

oc_token_source_t oc_delegated_source(apr_pool_t *pool, const oc_identity_t *id,
                                      const oc_site_t *site)
{
    oc_token_source_t from = {
        id->ccache, id->keytab, id->principal,
        site->spn ? site->spn : apr_pstrcat(pool, "HTTP@", site->host, NULL)};

    return from;
}

static oc_token_t *ask(oc_signing_t *job, const oc_site_t *site, oc_reason_t *reason)
{
    const oc_token_source_t from = oc_delegated_source(job->call->pool, job->id, site);

    return oc_tokens_ask(job->signer->tokens, &job->job, &from, reason);
}

static oc_sign_t no_token(oc_slot_t *slot, oc_reason_t reason, const char *detail)
{
    oc_result_t *res = &slot->job->call->result;

    if (res->reason == OC_REASON_OK) {
        oc_result_fail(res, reason, "%s", detail);
        oc_result_wrap(res, "sign in");
        res->retry_after = oc_reason_kind(reason) == OC_KIND_BUSY ? 30 : 0;
    }
    return OC_SIGN_FAILED;
}

static oc_sign_t delegated_sign(oc_slot_t *slot)
{
    oc_signing_t *job = slot->job;
    oc_reason_t reason = OC_REASON_OK;
    const char *detail = "";

    if (!slot->token && job->ahead && job->ahead_site == slot->x->site) {
        slot->token = job->ahead;
        job->ahead = NULL;
    }
    if (!slot->token) {
        slot->token = ask(job, slot->x->site, &reason);
        if (!slot->token) {
            return no_token(slot, reason, "no Kerberos token can be made now");
        }
    }
    if (!oc_tokens_ready(slot->token, &reason, &detail)) {
        return OC_SIGN_WAIT;
    }
    if (reason != OC_REASON_OK) {
        return no_token(slot, reason, detail);
    }
    slot->secret[0] = apr_pstrcat(job->call->pool, "Negotiate ", oc_tokens_text(slot->token), NULL);
    slot->x->authorization = slot->secret[0];
    if (job->sent > 0 && !job->ahead) {
        job->ahead = ask(job, slot->x->site, &reason); /* none now: asked for again when needed */
        job->ahead_site = slot->x->site;
    }
    return OC_SIGN_DONE;
}

static int answer_in(void *baton, const char *key, const char *value)
{
    (void)key;
    if (strncasecmp(value, "Negotiate ", 10) != 0) {
        return 1;
    }
    *(const char **)baton = value + 10;
    return 0;
}

/* Without TLS, only the answer to our token proves who it was that answered. */
static oc_sign_t delegated_check(oc_slot_t *slot)
{
    oc_exchange_t *x = slot->x;
    oc_result_t *res = &slot->job->call->result;
    const char *answer = NULL, *detail = "it carries no proof";
    oc_reason_t reason = OC_REASON_UPSTREAM_PROTOCOL;

    if (strcmp(x->site->scheme, "https") == 0 || !slot->token || x->status == 0) {
        return OC_SIGN_DONE;
    }
    if (slot->state != OC_SLOT_CHECKING) {
        apr_table_do(answer_in, &answer, x->reply_headers, "WWW-Authenticate", NULL);
        if (answer) {
            oc_tokens_check(slot->token, answer);
        }
    }
    if (answer || slot->state == OC_SLOT_CHECKING) {
        if (!oc_tokens_ready(slot->token, &reason, &detail)) {
            return OC_SIGN_WAIT;
        }
        if (reason == OC_REASON_OK) {
            return OC_SIGN_DONE;
        }
    }
    if (res->reason == OC_REASON_OK) {
        oc_result_fail(res, OC_REASON_UPSTREAM_PROTOCOL,
                       "a reply that is not protected by TLS does not prove its sender: %s",
                       detail);
        res->upstream_status = x->status;
    }
    return OC_SIGN_FAILED;
}

/* The ticket of a person in many groups does not fit into what servers take by default. */
static int is_too_long(const oc_slot_t *slot)
{
    int status = slot->x->status;

    return (status == 400 || status == 413 || status == 431) && slot->token
           && oc_tokens_text(slot->token) && strlen(oc_tokens_text(slot->token)) > LONG_TOKEN;
}

static oc_verdict_t delegated_judge(const oc_slot_t *slot)
{
    return is_too_long(slot) ? OC_VERDICT_REFUSED : oc_basic_judge(slot);
}

static oc_reason_t delegated_why(const oc_slot_t *slot, const char **detail)
{
    const char *date = apr_table_get(slot->x->reply_headers, "Date");
    apr_time_t theirs = date ? apr_date_parse_http(date) : APR_DATE_BAD, ours = oc_clock_wall();
    char here[APR_RFC822_DATE_LEN];

    if (is_too_long(slot)) {
        *detail =
            apr_psprintf(slot->job->call->pool,
                         "the calendar server answered %d to a Kerberos token of %d bytes: it "
                         "takes no header so long; raise MaxFieldLength and MaxRequestBytes of "
                         "its HTTP service (LimitRequestFieldSize of an Apache before it), or "
                         "put the person into fewer groups",
                         slot->x->status, (int)strlen(oc_tokens_text(slot->token)));
        return OC_REASON_TOKEN_REFUSED;
    }
    if (slot->token) {
        oc_tokens_distrust(slot->token); /* the server's key may have changed since */
    }
    if (theirs != APR_DATE_BAD && (theirs - ours > SKEW_MAX || ours - theirs > SKEW_MAX)) {
        apr_rfc822_date(here, ours);
        *detail = apr_psprintf(slot->job->call->pool,
                               "it is %s here and %s at the calendar server", here,
                               oc_str_log(slot->job->call->pool, date, 40));
        return OC_REASON_CLOCK_SKEW;
    }
    *detail = "the calendar server refused a valid Kerberos ticket";
    return OC_REASON_TOKEN_REFUSED;
}

const oc_scheme_t oc_delegated_scheme = {
    .name = "delegated",
    .once = 1,
    .refused = OC_REASON_TOKEN_REFUSED,
    .sign = delegated_sign,
    .judge = delegated_judge,
    .check = delegated_check,
    .why = delegated_why,
};

const oc_scheme_t oc_s4u_scheme = {
    .name = "s4u",
    .once = 1,
    .refused = OC_REASON_TOKEN_REFUSED,
    .sign = delegated_sign,
    .judge = delegated_judge,
    .check = delegated_check,
    .why = delegated_why,
};
