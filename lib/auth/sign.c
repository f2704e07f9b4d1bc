/* sign.c - the signing job: a job around an operation's job that signs each of its exchanges.
 *
 *   HELD -> (SIGNING ->) SENT -> reply to the inner job
 *                         |-> DOUBTED -> reply to the inner job | HELD once more | refused
 *                         |-> CHECKING -> END to the inner job
 *                         '-> HELD once more (the login had run out, or the connection)
 *
 * Here: the list of exchanges, and feeding. Whether an exchange may go, and what a refusal means,
 * is decided in lead.c. An exchange that the inner job asked for is always ended towards it, once.
 */
#include <string.h>
#include <apr_strings.h>

#include "auth/sign.h"
#include "base/str.h"

/* A login page's form stands near its top; what is kept back of a reply until it is known not to be
 * one. */
#define LOOK_MAX 16384

static oc_signing_t *signing(const oc_job_t *job)
{
    return (oc_signing_t *)job;
}

static int inner_done(const oc_signing_t *self)
{
    return self->inner->vt->done(self->inner);
}

/* ---- the list of exchanges ---- */

static oc_slot_t *slot_add(oc_attach_t *at, oc_exchange_t *x, oc_role_t role)
{
    oc_signing_t *self = at->job;
    oc_slot_t *slot = apr_pcalloc(self->call->pool, sizeof(*slot)), **end = &self->slots;

    while (*end) {
        end = &(*end)->next;
    }
    *end = slot;
    slot->job = self;
    slot->at = at;
    slot->x = x;
    slot->role = role;
    x->auth = slot;
    return slot;
}

static void wipe(char **secret)
{
    if (*secret) {
        oc_str_wipe(*secret, strlen(*secret));
        *secret = NULL;
    }
}

/* Secrets and token go as soon as the exchange has been answered. */
static void slot_clean(oc_slot_t *slot)
{
    oc_exchange_t *x = slot->x;

    oc_exchange_unsign(x);
    wipe(&slot->secret[0]);
    wipe(&slot->secret[1]);
    if (slot->body) {
        x->body = NULL;
        x->body_len = 0;
        wipe(&slot->body);
    }
}

static void slot_remove(oc_slot_t *slot)
{
    oc_slot_t **at = &slot->job->slots;

    while (*at != slot) {
        at = &(*at)->next;
    }
    *at = slot->next;
    ++slot->job->unlinked;
    slot_clean(slot);
    if (slot->token) {
        oc_tokens_drop(slot->token);
        slot->token = NULL;
    }
    slot->x->auth = NULL;
}

oc_slot_t *oc_sign_own(oc_attach_t *at, oc_exchange_t *x, oc_role_t role)
{
    return slot_add(at, x, role);
}

/* ---- towards the inner job ---- */

static void inner_end(oc_slot_t *slot)
{
    oc_job_t *inner = slot->job->inner;
    oc_exchange_t *x = slot->x;

    slot_remove(slot);
    inner->vt->feed(inner, x, OC_FEED_END, NULL, 0);
}

void oc_sign_fail(oc_slot_t *slot, const char *why)
{
    oc_exchange_t *x = slot->x;

    x->outcome = OC_X_NOT_SENT;
    x->status = 0;
    x->sent = 0;
    x->error = why;
    inner_end(slot);
}

void oc_sign_pass(oc_slot_t *slot)
{
    oc_job_t *inner = slot->job->inner;

    inner->vt->feed(inner, slot->x, OC_FEED_HEAD, NULL, 0);
    inner_end(slot);
}

void oc_sign_again(oc_slot_t *slot)
{
    slot_clean(slot);
    if (slot->token) {
        oc_tokens_drop(slot->token);
        slot->token = NULL;
    }
    oc_exchange_rewind(slot->x);
    slot->state = OC_SLOT_HELD;
    slot->verdict = OC_VERDICT_NEUTRAL;
    slot->proof = slot->withheld = slot->forgotten = slot->unresolved = 0;
    slot->look = NULL;
    slot->look_len = 0;
}

/* ---- sending ---- */

/* What this identity must not touch is marked so. */
static int forbidden(oc_slot_t *slot)
{
    oc_exchange_t *x = slot->x;
    const char *why = oc_account_forbids(slot->job->id, x, slot->role);

    if (why) {
        x->forbidden = 1;
        oc_log(x->writes ? OC_LOG_WARNING : OC_LOG_DEBUG, 0, slot->job->call->id,
               OC_LOGID(0240) "%s: not sent with the account %s: %s", x->purpose,
               slot->job->id->user, why);
    }
    return why != NULL;
}

static oc_sign_t put_credential(oc_slot_t *slot)
{
    if (forbidden(slot)) {
        return OC_SIGN_FAILED;
    }
    return slot->role == OC_ROLE_LOGON ? OC_SIGN_DONE : slot->job->id->scheme->sign(slot);
}

oc_exchange_t *oc_sign_send(oc_slot_t *slot)
{
    oc_signing_t *self = slot->job;
    oc_session_t *s = slot->at->session;
    oc_exchange_t *x = slot->x;

    switch (put_credential(slot)) {
    case OC_SIGN_WAIT:
        slot->state = OC_SLOT_SIGNING;
        return NULL;
    case OC_SIGN_FAILED:
        if (slot->proof || slot->role != OC_ROLE_INNER) {
            oc_lead_unsigned(slot);
        }
        if (slot->role == OC_ROLE_INNER) {
            oc_sign_fail(slot, x->forbidden ? "not a mailbox of this credential"
                                            : "no credential to send it with");
        } else {
            slot_remove(slot);
        }
        return NULL;
    case OC_SIGN_DONE:
        break;
    }
    slot->state = OC_SLOT_SENT;
    slot->generation = s->generation;
    slot->proofs = s->proofs;
    x->identity = self->id->key;
    x->shared = self->id->credential != NULL;
    x->once = self->id->scheme->once;
    x->fresh = x->once && x->attempt > 0; /* what was wrong may be wrong with all the others */
    x->op = self->call->id;
    ++self->in_flight;
    ++self->sent;
    return x;
}

/* What it says of the login counts only when the reply is known to be the server's. */
static int awaits_check(const oc_slot_t *slot)
{
    return slot->verdict == OC_VERDICT_ACCEPTED && slot->job->id->scheme->check;
}

/* The end of an exchange of the inner job, or of one of the signer's own. */
static void slot_end(oc_slot_t *slot)
{
    if (slot->role == OC_ROLE_INNER) {
        inner_end(slot);
    } else {
        slot_remove(slot);
    }
}

static void check_reply(oc_slot_t *slot)
{
    const oc_scheme_t *scheme = slot->job->id->scheme;
    oc_exchange_t *x = slot->x;

    switch (scheme->check ? scheme->check(slot) : OC_SIGN_DONE) {
    case OC_SIGN_WAIT:
        slot->state = OC_SLOT_CHECKING;
        break;
    case OC_SIGN_FAILED:
        /* Whoever answered was not the server, which may or may not have had the request. */
        x->outcome = OC_X_LOST;
        x->error = "the reply did not prove that it came from the calendar server";
        if (awaits_check(slot)) {
            oc_lead_disbelieved(slot);
        }
        slot_end(slot);
        break;
    case OC_SIGN_DONE:
        if (awaits_check(slot)) {
            oc_lead_believed(slot);
        }
        slot_end(slot);
        break;
    }
}

static oc_exchange_t *advance(oc_slot_t *slot)
{
    switch (slot->state) {
    case OC_SLOT_HELD:
        if (slot->role == OC_ROLE_INNER && forbidden(slot)) {
            /* Now already: not even a logon goes out for its sake. */
            oc_sign_fail(slot, "not a mailbox of this credential");
            return NULL;
        }
        return oc_lead_admit(slot);
    case OC_SLOT_DOUBTED:
        return oc_lead_admit(slot);
    case OC_SLOT_SIGNING:
        return oc_sign_send(slot);
    case OC_SLOT_CHECKING:
        check_reply(slot);
        return NULL;
    case OC_SLOT_SENT:
        break;
    }
    return NULL;
}

/* ---- sessions held ---- */

static void site_port(char *out, apr_size_t size, const oc_site_t *site)
{
    apr_snprintf(out, size, "%d", site->port);
}

apr_status_t oc_sign_mac(const oc_signer_t *signer, const oc_identity_t *id, const oc_site_t *site,
                         unsigned char mac[OC_HMAC_SIZE])
{
    char port[16];
    /* Names are taken without regard to case, as Windows does: another spelling is not another
     * chance. */
    const char *strings[] = {"login", site->scheme, site->host, port,
                             oc_str_lower(id->call->pool, id->user), id->password};

    site_port(port, sizeof(port), site);
    return signer->conf.secret ? oc_crypto_hmac(mac, signer->conf.secret, 0, strings, 6)
                               : APR_EINVAL;
}

static oc_attach_t *attach(oc_signing_t *self, const oc_site_t *site)
{
    oc_signer_t *signer = self->signer;
    oc_identity_t *id = self->id;
    apr_pool_t *pool = self->call->pool;
    char port[16];
    const char *key;
    oc_attach_t *at;

    site_port(port, sizeof(port), site);
    key = apr_pstrcat(pool, id->key, " ", site->scheme, "://", site->host, ":", port, NULL);
    for (at = self->attached; at; at = at->more) {
        if (strcmp(at->session->key, key) == 0) {
            return at;
        }
    }
    at = apr_pcalloc(pool, sizeof(*at));
    at->job = self;
    if (id->scheme->guarded && oc_sign_mac(signer, id, site, at->mac) != APR_SUCCESS) {
        return NULL;
    }
    at->session = oc_session_hold(signer->sessions, key);
    if (!at->session) {
        return NULL;
    }
    at->owner = signer->owner + at->session->serial;
    at->next = at->session->attached;
    if (at->next) {
        at->next->prev = at;
    }
    at->session->attached = at;
    at->more = self->attached;
    self->attached = at;
    if (id->home) {
        oc_session_probe_path(at->session, id->home);
    }
    return at;
}

static void let_go(oc_signing_t *self)
{
    while (self->attached) {
        oc_attach_t *at = self->attached;

        oc_lead_resign(at);
        self->attached = at->more;
        *(at->prev ? &at->prev->next : &at->session->attached) = at->next;
        if (at->next) {
            at->next->prev = at->prev;
        }
        oc_session_release(self->signer->sessions, at->session);
    }
    while (self->slots) {
        slot_remove(self->slots);
    }
    if (self->ahead) {
        oc_tokens_drop(self->ahead);
        self->ahead = NULL;
    }
}

/* Only a job that its owner has given up comes here holding anything: then nobody is left to
 * wake. */
static apr_status_t let_go_cleanup(void *data)
{
    oc_signing_t *self = data;

    self->given_up = 1;
    let_go(self);
    return APR_SUCCESS;
}

/* ---- the job ---- */

static int signing_done(const oc_job_t *job)
{
    return inner_done(signing(job)) && signing(job)->in_flight == 0;
}

/* At the end of each entry: what the owner watches, and what is not needed any more. */
static void settle(oc_signing_t *self)
{
    self->job.deadline = self->inner->deadline;
    self->job.wake_at = self->inner->wake_at;
    if (self->poll_at && (!self->job.wake_at || self->poll_at < self->job.wake_at)) {
        self->job.wake_at = self->poll_at;
    }
    if (signing_done(&self->job)) {
        let_go(self);
        /* It may have ended inside next(), where the owner does not look. */
        self->job.wake_at = oc_clock_mono();
    }
}

static oc_exchange_t *signing_next(oc_job_t *job)
{
    oc_signing_t *self = signing(job);
    oc_exchange_t *x = NULL;
    oc_slot_t *slot, *next;
    oc_attach_t *at;
    unsigned unlinked;

    self->poll_at = 0;
    do {
        unlinked = self->unlinked;
        for (slot = self->slots; slot && !x && unlinked == self->unlinked; slot = next) {
            next = slot->next;
            x = advance(slot);
        }
    } while (!x && unlinked != self->unlinked);

    while (!x && !inner_done(self)) {
        oc_exchange_t *wanted = self->inner->vt->next(self->inner);

        if (!wanted) {
            break;
        }
        at = attach(self, wanted->site);
        if (!at) {
            oc_result_fail(&self->call->result, OC_REASON_INTERNAL, "no memory for a session");
            wanted->outcome = OC_X_NOT_SENT;
            wanted->error = "no memory for a session";
            self->inner->vt->feed(self->inner, wanted, OC_FEED_END, NULL, 0);
            continue;
        }
        x = advance(slot_add(at, wanted, OC_ROLE_INNER));
    }
    settle(self);
    return x;
}

/* The verdict is final: hand on, in one piece, what was kept back while it was not. */
static int flush(oc_slot_t *slot)
{
    oc_job_t *inner = slot->job->inner;
    char *look = slot->look;
    int unwanted;

    slot->look = NULL;
    slot->withheld = !oc_lead_verdict(slot);
    if (slot->withheld || slot->role != OC_ROLE_INNER) {
        return 0;
    }
    unwanted = inner->vt->feed(inner, slot->x, OC_FEED_HEAD, NULL, 0);
    if (!unwanted && look && slot->look_len > 0) {
        unwanted = inner->vt->feed(inner, slot->x, OC_FEED_BODY, look, slot->look_len);
    }
    return unwanted;
}

static int feed_head(oc_slot_t *slot)
{
    slot->verdict = slot->job->id->scheme->judge(slot);
    if (slot->verdict == OC_VERDICT_LOOK) {
        slot->look = apr_palloc(slot->job->call->pool, LOOK_MAX);
        return 0;
    }
    return flush(slot);
}

static int look_decides(oc_slot_t *slot)
{
    slot->verdict = slot->job->id->scheme->look(slot->look, slot->look_len);
    return flush(slot);
}

static int feed_body(oc_slot_t *slot, const char *data, apr_size_t len)
{
    oc_job_t *inner = slot->job->inner;

    if (slot->look) {
        apr_size_t n = len < LOOK_MAX - slot->look_len ? len : LOOK_MAX - slot->look_len;
        int unwanted;

        memcpy(slot->look + slot->look_len, data, n);
        slot->look_len += n;
        if (slot->look_len < LOOK_MAX) {
            return 0;
        }
        unwanted = look_decides(slot);
        data += n;
        len -= n;
        if (unwanted || len == 0) {
            return unwanted;
        }
    }
    if (slot->role != OC_ROLE_INNER || slot->withheld) {
        return 0;
    }
    return inner->vt->feed(inner, slot->x, OC_FEED_BODY, data, len);
}

static void feed_end(oc_slot_t *slot)
{
    --slot->job->in_flight;
    if (slot->look) {
        look_decides(slot);
    }
    if (oc_lead_once_more(slot)) {
        oc_sign_again(slot);
        return;
    }
    slot_clean(slot);
    if (!awaits_check(slot) && (slot->proof || slot->withheld || slot->role != OC_ROLE_INNER)) {
        int own = slot->role != OC_ROLE_INNER, withheld = slot->withheld;

        oc_lead_ended(slot);
        if (own) {
            slot_remove(slot);
        }
        if (own || withheld) {
            return;
        }
    }
    check_reply(slot);
}

static int signing_feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data,
                        apr_size_t len)
{
    oc_slot_t *slot = x->auth;
    int unwanted = 0;

    if (what == OC_FEED_HEAD) {
        unwanted = feed_head(slot);
    } else if (what == OC_FEED_BODY) {
        unwanted = feed_body(slot, data, len);
    } else {
        feed_end(slot);
    }
    settle(signing(job));
    return unwanted;
}

static void signing_cancel(oc_job_t *job, oc_cancel_t why)
{
    oc_signing_t *self = signing(job);
    oc_slot_t *slot;

    while ((slot = self->slots) != NULL) {
        oc_exchange_t *x = slot->x;

        if (slot->role != OC_ROLE_INNER) {
            slot_remove(slot);
            continue;
        }
        if (why == OC_CANCEL_DEADLINE && slot->state == OC_SLOT_SIGNING) {
            oc_result_fail(&self->call->result, OC_REASON_KDC_UNREACHABLE,
                           "no Kerberos ticket came in time");
        }
        x->outcome = why == OC_CANCEL_DEADLINE ? OC_X_TIMEOUT : OC_X_CANCELLED;
        x->error = "ended while its login was under way";
        if (slot->state != OC_SLOT_CHECKING) {
            x->status = 0; /* a doubted reply says that it was not executed */
            x->sent = 0;
        }
        inner_end(slot);
    }
    for (oc_attach_t *at = self->attached; at; at = at->more) {
        oc_lead_resign(at);
    }
    self->inner->vt->cancel(self->inner, why);
    settle(self);
}

static const oc_job_vtable_t signing_vtable = {"sign", signing_next, signing_feed, signing_done,
                                               signing_cancel};

oc_job_t *oc_identity_sign(oc_signer_t *signer, oc_identity_t *id, oc_call_t *call, oc_job_t *inner)
{
    oc_signing_t *self = apr_pcalloc(call->pool, sizeof(*self));

    self->job.vt = &signing_vtable;
    self->job.deadline = inner->deadline;
    self->job.wake_at = inner->wake_at;
    self->signer = signer;
    self->id = id;
    self->call = call;
    self->inner = inner;
    inner->outer = &self->job;
    apr_pool_pre_cleanup_register(call->pool, self, let_go_cleanup);
    return &self->job;
}
