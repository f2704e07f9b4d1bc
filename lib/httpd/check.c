/* check.c - `GET check`: who Apache says I am, which credential there is, what the server offers
 * and answers, how long each step took, and what to do about what failed. No secret is shown. */
#include <httpd.h>
#include <http_protocol.h>
#include <http_core.h>
#include <apr_strings.h>

#include "base/log.h"
#include "httpd/handler.h"
#include "httpd/identify.h"

/* What an administrator can do about it, in one sentence. */
static const char *remedy(oc_reason_t reason)
{
    switch (reason) {
    case OC_REASON_NO_CREDENTIAL:
        return "Make the login leave a credential: GssapiDelegCcacheDir and a browser that may "
               "delegate, "
               "or AuthType Basic for OwaCalIdentity basic.";
    case OC_REASON_CREDENTIAL_EXPIRED:
        return "Sign in again; if it comes back at once, compare the clocks.";
    case OC_REASON_DELEGATION_REFUSED:
        return "Allow the web server's account to delegate to the calendar server's HTTP service, "
               "and "
               "see whether the user is marked as sensitive.";
    case OC_REASON_UNKNOWN_PRINCIPAL:
        return "Compare the user's name with the account in the domain.";
    case OC_REASON_PASSWORD_REFUSED:
        return "Let Apache check the same password as the calendar server, and try domain= of "
               "OwaCalIdentity.";
    case OC_REASON_TOKEN_REFUSED:
        return "See whether the calendar server accepts Negotiate for /exchange and /public, and "
               "whether "
               "spn= names its service.";
    case OC_REASON_CLOCK_SKEW:
        return "Set the clocks of both servers by the same source.";
    case OC_REASON_KDC_UNREACHABLE:
        return "See whether KRB5_CONFIG is in httpd's own environment and the domain controller "
               "answers "
               "on port 88.";
    case OC_REASON_IDENTITY_MISMATCH:
        return "The credential belongs to somebody else than the login says; see the log.";
    case OC_REASON_MISCONFIGURED:
        return "The log line with this operation's id says which directive is wrong.";
    case OC_REASON_MAILBOX_NOT_FOUND:
    case OC_REASON_NO_MAILBOX:
        return "Compare OwaCalMailbox's result with the mailbox's alias on the calendar server.";
    case OC_REASON_MAILBOX_REFUSED:
        return "Compare OwaCalMailbox's result with the account's name, actors= and rooms=.";
    case OC_REASON_ACCESS_DENIED:
        return "The account may sign in but may not open this mailbox.";
    case OC_REASON_UPSTREAM_UNAVAILABLE:
    case OC_REASON_UPSTREAM_TIMEOUT:
        return "See whether this machine can reach the calendar server's host and port, and its "
               "certificate (ca=).";
    case OC_REASON_UPSTREAM_REDIRECT:
        return "Name the host it points to in also= of OwaCalBackend.";
    case OC_REASON_UPSTREAM_PROTOCOL:
        return "See whether the address of OwaCalBackend really is an Exchange 2000 or 2003 "
               "server.";
    case OC_REASON_OK:
        return NULL;
    default:
        return "Look the operation's id up in the log.";
    }
}

static oc_check_section_t *section(oc_request_t *q, apr_array_header_t *list, const char *title)
{
    oc_check_section_t *s = apr_array_push(list);

    s->title = title;
    s->facts = apr_table_make(q->r->pool, 8);
    s->failure = NULL;
    s->took = -1;
    s->remedy = NULL;
    return s;
}

static void fail(oc_request_t *q, oc_check_section_t *s, const oc_result_t *res)
{
    oc_result_t *copy = apr_palloc(q->r->pool, sizeof(*copy));

    oc_result_copy(copy, res, q->r->pool);
    s->failure = copy;
    s->remedy = remedy(res->reason);
}

int oc_check_run(oc_request_t *q)
{
    apr_array_header_t *list = apr_array_make(q->r->pool, 4, sizeof(oc_check_section_t));
    oc_check_section_t *s = section(q, list, "login");
    apr_table_t *facts = NULL;
    oc_identity_t *id;
    oc_call_t *call;
    oc_result_t res;
    oc_mono_t began;
    int i;

    apr_table_set(s->facts, "user", q->r->user);
    apr_table_set(s->facts, "authenticated by", q->r->ap_auth_type ? q->r->ap_auth_type : "?");
    apr_table_set(s->facts, "AuthType", ap_auth_type(q->r) ? ap_auth_type(q->r) : "?");
    apr_table_set(s->facts, "mailbox", q->person.mailbox);

    s = section(q, list, "credential");
    if (q->dir->identity >= 0) {
        apr_table_setn(s->facts, "mode", oc_identify_token(q->dir->identity));
    }
    began = oc_clock_mono();
    call = oc_request_call(q, &id);
    oc_result_init(&res, q->r->pool);
    if (!call) {
        fail(q, s, &q->result);
        goto leave;
    }
    if (oc_identity_describe(id, q->r->pool, s->facts, &res) != APR_SUCCESS) {
        fail(q, s, &res);
    }
    s->took = oc_clock_mono() - began;

    s = section(q, list, "calendar server");
    apr_table_set(s->facts, "address",
                  apr_psprintf(q->r->pool, "%s://%s:%d%s", q->backend->conf->site->scheme,
                               q->backend->conf->site->host, q->backend->conf->site->port,
                               q->backend->conf->path));
    if (oc_request_run(q, call, id, oc_op_probe(call, q->backend, &q->op_conf, &facts),
                       OC_VERB_CHECK) &&
        facts) {
        const apr_array_header_t *rows = apr_table_elts(facts);
        for (i = 0; i < rows->nelts; ++i) {
            const apr_table_entry_t *e = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);
            apr_table_set(s->facts, e->key, e->val);
        }
    }
    s->took = q->wait.took;
    if (q->result.reason != OC_REASON_OK) {
        fail(q, s, &q->result);
    }

leave:
    /* The self-test itself worked, whatever it found. */
    i = oc_request_send(q, HTTP_OK,
                        q->json ? oc_api_check(&q->view, list) : oc_page_check(&q->view, list));
    oc_request_done(q);
    return i;
}
