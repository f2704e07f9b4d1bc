/* forms.c - the logon form of Outlook Web Access 2003 ("forms-based authentication") and its
 * cookies.
 *
 * POST /exchweb/bin/auth/owaauth.dll, form fields as published clients send them [Evolution
 * Connector's notes, DavMail]; 302 with cookies whatever the password. A wrong one shows with the
 * next request, as does a login that has run out: 440 to WebDAV, 302 to owalogon.asp or the form
 * itself (200) to a browser's GET. None of these has done anything, so the request may be repeated.
 */
#include <string.h>
#include <strings.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "auth/sign.h"
#include "base/str.h"

#define LOGON_PATH "/exchweb/bin/auth/owaauth.dll"
#define LOGON_REPLY_MAX 65536

/* Form-encodes s to out, which has three bytes for each of its; returns the new end. */
static char *encode(char *out, const char *s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (; *s; ++s) {
        unsigned char c = (unsigned char)*s;

        if (apr_isalnum(c) || strchr("-._~", c)) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    return out;
}

static char *append(char *out, const char *text)
{
    apr_size_t len = strlen(text);

    memcpy(out, text, len);
    return out + len;
}

/* Where the form leads to: the virtual directory that is asked for first, as a whole URL. */
static const char *destination(apr_pool_t *pool, const oc_exchange_t *first)
{
    return apr_psprintf(pool, "%s/%.*s/", oc_site_origin(pool, first->site),
                        (int)strcspn(first->path + 1, "/?"), first->path + 1);
}

static oc_slot_t *forms_logon(oc_attach_t *at, const oc_exchange_t *first)
{
    oc_signing_t *job = at->job;
    const oc_identity_t *id = job->id;
    apr_pool_t *pool = job->call->pool;
    const char *to = destination(pool, first);
    oc_exchange_t *x = oc_exchange_create(pool, first->site, "POST", LOGON_PATH, "log on");
    oc_slot_t *slot;
    char *body, *end;

    body = end = apr_palloc(pool, 3 * (strlen(to) + strlen(id->user) + strlen(id->password)) + 128);
    end = encode(append(end, "destination="), to);
    /* 4: a private computer, so that the login lives long; the form's own choice of premium
     * pages. */
    end = encode(append(end, "&flags=4&username="), id->user);
    end = encode(append(end, "&password="), id->password);
    end = append(end, "&SubmitCreds=Log+On&trusted=4");
    *end = '\0';

    x->writes = 1; /* never silently repeated: each sending counts for the account's lock-out */
    x->max_reply = LOGON_REPLY_MAX;
    apr_table_setn(x->headers, "Content-Type", "application/x-www-form-urlencoded");
    slot = oc_sign_own(at, x, OC_ROLE_LOGON);
    slot->body = oc_str_secret(pool, body);
    oc_str_wipe(body, strlen(body));
    x->body = slot->body;
    x->body_len = strlen(slot->body);
    return slot;
}

/* 1 if that Location leads to the logon page; `reason=` in it is not looked at: 0 is "first visit
 * or time-out", 2 and 4 a failed logon, others are not known. */
static int leads_to_logon(const oc_exchange_t *x)
{
    const char *location = apr_table_get(x->reply_headers, "Location"), *page;

    page = location ? strcasestr(location, "/owalogon.asp") : NULL;
    return page && (apr_size_t)(page - location) < strcspn(location, "?");
}

static oc_verdict_t forms_logged_on(oc_slot_t *slot)
{
    oc_exchange_t *x = slot->x;
    oc_session_t *s = slot->at->session;
    oc_result_t *res = &slot->job->call->result;
    oc_cookies_change_t change;

    if (x->status == 440 || (x->status == 302 && leads_to_logon(x))) {
        return OC_VERDICT_REFUSED;
    }
    if (x->status == 302 || x->status == 200) {
        change = oc_cookies_take(&s->cookies, x->reply_headers, 1);
        if (s->cookies.count > 0) {
            ++s->generation;
            return OC_VERDICT_ACCEPTED;
        }
        if (x->status == 200) {
            return OC_VERDICT_REFUSED; /* the form once more */
        }
        oc_result_fail(res, OC_REASON_UPSTREAM_PROTOCOL,
                       "the logon form was answered without usable cookies (%d refused)",
                       change.refused);
    } else if (x->status == 401) {
        /* The web server itself wants a login before the form's: nobody looked at the password. */
        oc_result_fail(res, OC_REASON_MISCONFIGURED,
                       "the logon form at %s is itself behind a login (401)", LOGON_PATH);
    } else if (x->status == 403 || x->status == 404) {
        oc_result_fail(res, OC_REASON_MISCONFIGURED,
                       x->status == 403 ? "the logon form is not served at this address (403): it "
                                          "wants https"
                                        : "the calendar server has no logon form at %s (404)",
                       LOGON_PATH);
    } else if (x->status == 503) {
        oc_result_fail(res, OC_REASON_UPSTREAM_UNAVAILABLE, "the logon form was answered with 503");
    } else {
        oc_result_fail(res, OC_REASON_UPSTREAM_ERROR, "the logon form was answered with %d",
                       x->status);
    }
    res->upstream_status = x->status;
    oc_result_wrap(res, "sign in");
    return OC_VERDICT_NEUTRAL;
}

static oc_sign_t forms_sign(oc_slot_t *slot)
{
    slot->secret[0] = oc_cookies_header(&slot->at->session->cookies, slot->job->call->pool);
    if (!slot->secret[0]) {
        oc_result_fail(&slot->job->call->result, OC_REASON_INTERNAL, "no cookies to sign with");
        return OC_SIGN_FAILED;
    }
    slot->x->cookie = slot->secret[0];
    return OC_SIGN_DONE;
}

static oc_verdict_t forms_judge(const oc_slot_t *slot)
{
    const oc_exchange_t *x = slot->x;
    const char *type;

    if (slot->role == OC_ROLE_LOGON) {
        return OC_VERDICT_NEUTRAL; /* logged_on() judges */
    }
    if (x->status == 440 || (x->status == 302 && leads_to_logon(x))) {
        return OC_VERDICT_REFUSED;
    }
    if (x->status == 401) {
        return OC_VERDICT_NEUTRAL; /* the forms filter lets nobody unknown get so far: no rights */
    }
    type = apr_table_get(x->reply_headers, "Content-Type");
    if (x->status == 200 && type && strncasecmp(type, "text/html", 9) == 0) {
        return OC_VERDICT_LOOK;
    }
    return oc_basic_judge(slot);
}

/* The logon form is a <form> whose start tag names owaauth.dll. */
static oc_verdict_t forms_look(const char *body, apr_size_t len)
{
    static const char dll[] = "owaauth.dll";
    const char *p = body, *end = body + len;

    while ((p = memchr(p, '<', (apr_size_t)(end - p))) != NULL) {
        const char *close = memchr(p, '>', (apr_size_t)(end - p));

        close = close ? close : end;
        if (close - p > 5 && strncasecmp(p, "<form", 5) == 0 && !apr_isalnum(p[5])) {
            for (p += 5; close - p >= (apr_ssize_t)sizeof(dll) - 1; ++p) {
                if (strncasecmp(p, dll, sizeof(dll) - 1) == 0) {
                    return OC_VERDICT_REFUSED;
                }
            }
        }
        if (close == end) {
            break;
        }
        p = close + 1;
    }
    return OC_VERDICT_ACCEPTED;
}

const oc_scheme_t oc_forms_scheme = {
    .name = "forms",
    .guarded = 1,
    .refused = OC_REASON_PASSWORD_REFUSED,
    .sign = forms_sign,
    .judge = forms_judge,
    .look = forms_look,
    .renews = 1,
    .logon = forms_logon,
    .logged_on = forms_logged_on,
};
