/* relay.c - NTLM messages passed on; see relay.h. */
#include <string.h>
#include <strings.h>
#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "auth/relay.h"
#include "auth/sign.h"
#include "base/str.h"

#define PAGE_MAX (64 * 1024) /* what is kept of the page; its base element stands near its top */
#define NAME_BYTES 512       /* of a domain or user in message 3, far above what Windows allows */

/* ---- messages ---- */

static int base64_ok(const char *s, apr_size_t len)
{
    apr_size_t i, padding = 0;

    while (padding < 2 && padding < len && s[len - 1 - padding] == '=') {
        ++padding;
    }
    for (i = 0; i < len - padding; ++i) {
        if (!apr_isalnum(s[i]) && s[i] != '+' && s[i] != '/') {
            return 0;
        }
    }
    return len > 0 && len % 4 == 0;
}

int oc_relay_message(const char *value, const char **token)
{
    /* signature, type and flags; with a challenge; with six fields and flags */
    static const apr_size_t least[] = {0, 16, 32, 52};
    unsigned char head[12];
    char quads[17];
    apr_size_t len;
    int type;

    if (strncasecmp(value, "NTLM ", 5) != 0) {
        return 0;
    }
    *token = value + 5;
    len = strlen(*token);
    if (len < 24 || len > OC_RELAY_TOKEN_MAX || !base64_ok(*token, len)) {
        return 0;
    }
    apr_cpystrn(quads, *token, sizeof(quads));
    if (strchr(quads, '=') || apr_base64_decode_binary(head, quads) != (int)sizeof(head)
        || memcmp(head, "NTLMSSP", 8) != 0 || head[9] || head[10] || head[11]) {
        return 0;
    }
    type = head[8];
    return type >= 1 && type <= 3 && len / 4 * 3 >= least[type] ? type : 0;
}

/* The name in the security buffer at `at`, in ASCII as far as it is, anything else as hex: enough
 * to tell claims apart. */
static const char *claimed(apr_pool_t *pool, const unsigned char *msg, apr_size_t len,
                           apr_size_t at)
{
    apr_size_t n = msg[at] | (apr_size_t)msg[at + 1] << 8, i;
    apr_size_t off = msg[at + 4] | (apr_size_t)msg[at + 5] << 8 | (apr_size_t)msg[at + 6] << 16;
    char *out, *end;

    if (n > NAME_BYTES || msg[at + 7] || off > len || n > len - off) {
        return NULL;
    }
    out = end = apr_palloc(pool, n * 3 + 1);
    for (i = 0; i < n; ++i) {
        unsigned char c = msg[off + i];

        if (c == 0) {
            continue; /* the upper half of an ASCII character in UTF-16 */
        }
        if (apr_isalnum(c) || strchr("-_.@$", c)) {
            *end++ = (char)apr_tolower(c);
        } else {
            *end++ = '%';
            *end++ = "0123456789abcdef"[c >> 4];
            *end++ = "0123456789abcdef"[c & 15];
        }
    }
    *end = '\0';
    return out;
}

const char *oc_relay_claim(apr_pool_t *pool, const char *token)
{
    unsigned char *msg = apr_palloc(pool, (apr_size_t)apr_base64_decode_len(token) + 1);
    apr_size_t len = (apr_size_t)apr_base64_decode_binary(msg, token);
    const char *user = NULL;
    apr_size_t account;

    if (len >= 52 && claimed(pool, msg, len, 28)) {
        user = claimed(pool, msg, len, 36);
    }
    oc_str_wipe(msg, len);
    account = user ? strcspn(user, "@") : 0;
    return account ? apr_pstrmemdup(pool, user, account) : NULL;
}

/* ---- a leg of the login ---- */

typedef struct login_t {
    oc_job_t job; /* first */
    oc_call_t *call;
    oc_exchange_t *x;
    oc_relay_leg_t leg;
    char *page;
    int type, given, over;
} login_t;

static login_t *login_of(const oc_job_t *job)
{
    return (login_t *)job;
}

static oc_exchange_t *login_next(oc_job_t *job)
{
    login_t *self = login_of(job);

    if (self->given || self->over) {
        return NULL;
    }
    self->given = 1;
    return self->x;
}

static void fail(login_t *self, oc_reason_t reason, const char *detail)
{
    oc_result_t *res = &self->call->result;

    oc_result_fail(res, reason, "%s", detail);
    oc_result_wrap(res, "sign in");
    res->upstream_status = self->x->status;
}

typedef struct challenges_t {
    const char *token;
    int count, offers;
} challenges_t;

static int challenge(void *baton, const char *name, const char *value)
{
    challenges_t *found = baton;
    const char *token;

    (void)name;
    if (strncasecmp(value, "NTLM", 4) == 0) {
        ++found->offers;
        if (oc_relay_message(value, &token) == 2) {
            found->token = token;
            ++found->count;
        }
    }
    return 1;
}

static void no_reply(login_t *self)
{
    const oc_exchange_t *x = self->x;
    const char *why = x->error ? x->error : "no reply";

    switch (x->outcome) {
    case OC_X_TIMEOUT:
        fail(self, OC_REASON_UPSTREAM_TIMEOUT, why);
        break;
    case OC_X_CANCELLED:
        fail(self, OC_REASON_STOPPING, why);
        break;
    case OC_X_TOO_LARGE:
        fail(self, OC_REASON_UPSTREAM_TOO_LARGE, why);
        break;
    default:
        fail(self, self->type == 1 ? OC_REASON_UPSTREAM_UNAVAILABLE : OC_REASON_CREDENTIAL_EXPIRED,
             why);
    }
}

/* The one answer message 1 may get: 401 with one message 2. Above all, a page is no login. */
static void judge_first(login_t *self)
{
    challenges_t found = {0};

    apr_table_do(challenge, &found, self->x->reply_headers, "WWW-Authenticate", NULL);
    if (found.count == 1 && found.offers == 1) {
        self->leg.challenge = apr_pstrdup(self->call->pool, found.token);
    } else if (found.offers) {
        fail(self, OC_REASON_UPSTREAM_PROTOCOL,
             "the calendar server's answer to an NTLM login cannot be understood");
    } else {
        fail(self, OC_REASON_UPSTREAM_PROTOCOL,
             "the calendar server does not offer NTLM (Integrated Windows Authentication) there");
    }
}

static void judge_common(login_t *self)
{
    int status = self->x->status;

    if (status >= 300 && status < 400) {
        fail(self, OC_REASON_UPSTREAM_REDIRECT,
             "the calendar server redirects the login instead of answering it");
    } else if (status >= 200 && status < 300) {
        fail(self, OC_REASON_UPSTREAM_PROTOCOL,
             "the calendar server shows a page without any login: it would let anybody in");
    } else if (status == 403) {
        fail(self, OC_REASON_ACCESS_DENIED, "the calendar server answers the login with 403");
    } else if (status == 404) {
        fail(self, OC_REASON_NO_MAILBOX, "the calendar server shows no mailbox to this login");
    } else {
        fail(self, status == 503 ? OC_REASON_UPSTREAM_UNAVAILABLE : OC_REASON_UPSTREAM_ERROR,
             "the calendar server cannot answer the login");
    }
}

static void judge(login_t *self)
{
    if (self->x->outcome != OC_X_REPLIED) {
        no_reply(self);
    } else if (self->type == 1 && self->x->status == 401) {
        judge_first(self);
    } else if (self->type == 3 && self->x->status == 401) {
        self->leg.refused = 1;
        fail(self, OC_REASON_PASSWORD_REFUSED, "the calendar server does not accept the login");
    } else if (self->type == 1 || self->x->status != 200) {
        judge_common(self);
    } else {
        self->leg.page = self->page;
    }
}

static int login_feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data,
                      apr_size_t len)
{
    login_t *self = login_of(job);
    apr_size_t room = PAGE_MAX - self->leg.page_len;

    if (what == OC_FEED_BODY && self->type == 3 && x->status == 200) {
        if (!self->page) {
            self->page = apr_palloc(self->call->pool, PAGE_MAX);
        }
        /* Read to its end, whatever is kept: breaking off would cost the connection. */
        len = len < room ? len : room;
        memcpy(self->page + self->leg.page_len, data, len);
        self->leg.page_len += len;
    } else if (what == OC_FEED_END) {
        x->authorization = NULL; /* wiped with the pool */
        judge(self);
        self->over = 1;
    }
    return 0;
}

static int login_done(const oc_job_t *job)
{
    return login_of(job)->over;
}

static void login_cancel(oc_job_t *job, oc_cancel_t why)
{
    login_t *self = login_of(job);

    if (!self->over) {
        self->x->outcome = why == OC_CANCEL_DEADLINE ? OC_X_TIMEOUT : OC_X_CANCELLED;
        self->x->error = "the login was ended before it was sent";
        judge(self);
        self->over = 1;
    }
}

static const oc_job_vtable_t login_vtable = {"relayed login", login_next, login_feed, login_done,
                                             login_cancel};

oc_job_t *oc_relay_login(oc_call_t *call, oc_pin_t *pin, const char *key, const oc_site_t *site,
                         const char *path, int type, const char *token, apr_time_t at_most,
                         oc_relay_leg_t **leg)
{
    login_t *self = apr_pcalloc(call->pool, sizeof(*self));
    oc_exchange_t *x = oc_exchange_create(call->pool, site, "GET", apr_pstrdup(call->pool, path),
                                          type == 1 ? "begin the login" : "finish the login");
    const char *value = apr_pstrcat(call->pool, "NTLM ", token, NULL);

    /* A login counts: it is sent once, as what writes is. */
    x->writes = 1;
    x->authorization = oc_str_secret(call->pool, value);
    oc_str_wipe((char *)value, strlen(value));
    x->identity = apr_pstrdup(call->pool, key);
    x->op = call->id;
    x->pin = pin;
    x->opens = type == 1;
    apr_table_setn(x->headers, "Accept", "text/html, */*");
    apr_table_setn(x->headers, "User-Agent", OC_USER_AGENT);
    self->job.vt = &login_vtable;
    self->job.deadline = oc_clock_mono() + at_most;
    self->call = call;
    self->x = x;
    self->type = type;
    *leg = &self->leg;
    return &self->job;
}

/* ---- what follows the login ---- */

static oc_sign_t relay_sign(oc_slot_t *slot)
{
    slot->x->pin = slot->job->id->pin;
    slot->x->opens = 0;
    return OC_SIGN_DONE;
}

/* Without its connection a login is nothing. That is why, unless a write was under way: then what
 * became of it is the question, and it cannot be looked up any more. */
static oc_sign_t relay_check(oc_slot_t *slot)
{
    const oc_exchange_t *x = slot->x;
    oc_signing_t *job = slot->job;
    oc_result_t *res = &job->call->result;

    if (x->outcome != OC_X_NOT_SENT && x->outcome != OC_X_LOST) {
        return OC_SIGN_DONE;
    }
    if (oc_exchange_unknown(x)) {
        job->uncertain = 1;
    }
    if (!job->uncertain && res->reason == OC_REASON_OK) {
        oc_result_fail(res, OC_REASON_CREDENTIAL_EXPIRED, "%s: %s", x->purpose,
                       x->error ? x->error : "the connection of the login is gone");
    }
    return OC_SIGN_DONE;
}

const oc_scheme_t oc_relay_scheme = {
    .name = "relay",
    .refused = OC_REASON_CREDENTIAL_EXPIRED,
    .sign = relay_sign,
    .judge = oc_basic_judge,
    .check = relay_check,
};
