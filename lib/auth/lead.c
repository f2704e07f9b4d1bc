/* lead.c - signing in: who may send, who goes first, and what a refusal means.
 *
 *   NEW -> (LOGON ->) READY -> PROVING -> PROVEN      a refusal: back to NEW, and a mark
 *
 * A guarded scheme sends a password whose worth is not known once, alone: one job leads, all others
 * of that identity wait, in this child (woken when the phase changes) and in the others (a mark in
 * shared memory, looked at every POLL). A password that was accepted may have been changed since,
 * so after a pause a few exchanges go first, not a page's two dozen.
 *
 * What proves a login is a look at something this person can surely read, the mailbox's root:
 * Exchange also answers 401 (or 440) to people whose password is right, where they have no rights,
 * and some requests get 207 or 404 from it without any login [Evolution Connector's notes]. So an
 * exchange proves by itself only if it reads that very path, or if none is known; otherwise a
 * PROPFIND of depth 0 goes first. The same probe settles a "no" that comes later, when the password
 * may have been changed meanwhile. Where such a path is known, a "no" from any other never marks a
 * password as refused.
 */
#include <string.h>
#include <apr_strings.h>

#include "auth/sign.h"
#include "base/str.h"

#define POLL apr_time_from_msec(50)
/* How long the other children believe, at least, that a login is still being tried. */
#define TRYING_FOR apr_time_from_sec(15)
/* A password last accepted so long ago is presented by so many exchanges at most until it is
 * accepted once more. With the probe that has the last word these are three wrong ones: many
 * domains lock an account after five. */
#define SURE_FOR    apr_time_from_sec(5 * 60)
#define UNSURE_MOST 2

static const oc_scheme_t *scheme_of(const oc_slot_t *slot)
{
    return slot->job->id->scheme;
}

static int is_read(const oc_exchange_t *x)
{
    return !x->writes
           && (strcmp(x->method, "PROPFIND") == 0 || strcmp(x->method, "GET") == 0
               || strcmp(x->method, "SEARCH") == 0);
}

/* The same but for a final slash and a query. */
static int same_path(const char *a, const char *b)
{
    apr_size_t m = strcspn(a, "?"), n = strcspn(b, "?");

    m -= m > 1 && a[m - 1] == '/';
    n -= n > 1 && b[n - 1] == '/';
    return m == n && strncmp(a, b, n) == 0;
}

/* "No" to this exchange can only mean the login. */
static int tells(const oc_slot_t *slot)
{
    const char *probe_path = slot->at->session->probe_path;

    return slot->role != OC_ROLE_INNER
           || (probe_path && is_read(slot->x) && same_path(probe_path, slot->x->path));
}

/* ---- leading ---- */

static void wake_others(oc_attach_t *me)
{
    for (oc_attach_t *at = me->session->attached; at; at = at->next) {
        if (at != me && !me->job->given_up) {
            oc_job_wake(&at->job->job);
        }
    }
}

static void give_up_lead(oc_attach_t *at, oc_phase_t phase)
{
    oc_session_t *s = at->session;

    if (at->job->id->scheme->guarded) {
        oc_refusals_end(at->job->signer->refusals, at->mac, at->owner);
    }
    s->leader = NULL;
    s->phase = phase;
    wake_others(at);
}

void oc_lead_resign(oc_attach_t *at)
{
    if (at->session->leader == at) {
        give_up_lead(at, OC_PHASE_NEW);
    }
}

/* No exchange of a job outlives its deadline. */
static oc_mono_t trying_until(const oc_signing_t *self)
{
    oc_mono_t least = oc_clock_mono() + TRYING_FOR;

    return self->job.deadline > least ? self->job.deadline : least;
}

/* 1 if `at` leads now, and the other children know. */
static int lead(oc_attach_t *at)
{
    oc_session_t *s = at->session;
    oc_signing_t *self = at->job;

    if (s->leader && s->leader != at) {
        return 0;
    }
    if (self->id->scheme->guarded
        && oc_refusals_begin(self->signer->refusals, at->mac, at->owner, trying_until(self))
               != OC_MARK_NONE) {
        self->poll_at = oc_clock_mono() + POLL; /* if it is refused by then, look() will say so */
        return 0;
    }
    s->leader = at;
    return 1;
}

static oc_exchange_t *send_probe(oc_attach_t *at, const oc_site_t *site)
{
    oc_session_t *s = at->session;
    oc_exchange_t *x = oc_exchange_create(at->job->call->pool, site, "PROPFIND",
                                          apr_pstrdup(at->job->call->pool, s->probe_path),
                                          "prove the login");

    apr_table_setn(x->headers, "Depth", "0");
    s->phase = OC_PHASE_PROVING;
    return oc_sign_send(oc_sign_own(at, x, OC_ROLE_PROBE));
}

/* For the leader: the next step towards PROVEN that must go before `slot`; NULL with *go = 1 if the
 * slot itself may go. */
static oc_exchange_t *step(oc_slot_t *slot, int *go)
{
    oc_attach_t *at = slot->at;
    oc_session_t *s = at->session;
    const oc_scheme_t *scheme = scheme_of(slot);

    if (s->phase == OC_PHASE_LOGON || s->phase == OC_PHASE_PROVING) {
        return NULL;
    }
    if (scheme->logon && s->cookies.count == 0) {
        oc_slot_t *logon = scheme->logon(at, slot->x);

        if (!logon) {
            give_up_lead(at, OC_PHASE_NEW);
            oc_sign_fail(slot, "no logon form could be made");
            return NULL;
        }
        s->phase = OC_PHASE_LOGON;
        return oc_sign_send(logon);
    }
    s->phase = OC_PHASE_READY;
    if (slot->state == OC_SLOT_DOUBTED
        || (s->probe_path && !at->probed && !tells(slot))) {
        return send_probe(at, slot->x->site);
    }
    *go = 1;
    return NULL;
}

/* ---- refusing ---- */

static void say_refused(oc_slot_t *slot, oc_reason_t reason, const char *detail, int status)
{
    oc_result_t *res = &slot->job->call->result;

    if (res->reason == OC_REASON_OK) {
        oc_result_fail(res, reason, "%s", detail);
        oc_result_wrap(res, "sign in");
        res->upstream_status = status;
    }
}

/* All that this job still holds back for that session has no chance. */
static void fail_held(oc_attach_t *at, const char *why)
{
    oc_slot_t *slot, *next;

    for (slot = at->job->slots; slot; slot = next) {
        next = slot->next;
        if (slot->at == at && slot->role == OC_ROLE_INNER
            && (slot->state == OC_SLOT_HELD || slot->state == OC_SLOT_DOUBTED)) {
            oc_sign_fail(slot, why);
        }
    }
}

/* The server does not take this login. `slot` brought the answer. */
static void refused(oc_slot_t *slot)
{
    oc_attach_t *at = slot->at;
    oc_session_t *s = at->session;
    oc_signing_t *self = slot->job;
    const oc_scheme_t *scheme = scheme_of(slot);
    const char *detail = "the calendar server did not accept the login";
    oc_reason_t reason = scheme->why ? scheme->why(slot, &detail) : scheme->refused;

    oc_log(OC_LOG_WARNING, 0, self->call->id,
           OC_LOGID(0201) "login of %s (%s) refused by %s with status %d: %s",
           oc_str_log(self->call->pool, self->id->user ? self->id->user : self->id->principal, 80),
           scheme->name, slot->x->site->host, slot->x->status, detail);
    say_refused(slot, reason, detail, slot->x->status);
    if (scheme->guarded) {
        oc_refusals_refuse(self->signer->refusals, at->mac,
                           oc_clock_mono() + self->signer->conf.refused_for);
    }
    oc_cookies_drop(&s->cookies);
    s->accepted = 0;
    s->leader = NULL;
    s->phase = OC_PHASE_NEW;
    wake_others(at);
    if (slot->role == OC_ROLE_INNER) {
        oc_sign_fail(slot, "login refused");
    }
    fail_held(at, "login refused");
}

static int known_refused(oc_slot_t *slot)
{
    oc_attach_t *at = slot->at;

    if (!scheme_of(slot)->guarded
        || oc_refusals_look(slot->job->signer->refusals, at->mac, at->owner) != OC_MARK_REFUSED) {
        return 0;
    }
    say_refused(slot, scheme_of(slot)->refused,
                "this password was refused a short time ago and is not sent again yet", 0);
    oc_sign_fail(slot, "password known to be refused");
    return 1;
}

/* ---- admission ---- */

static int is_sure(const oc_session_t *s)
{
    return s->accepted_at && oc_clock_mono() < s->accepted_at + SURE_FOR;
}

/* Exchanges under way with that login. Those of a job that signs in elsewhere as well count, too.
 */
static int under_way(const oc_session_t *s)
{
    int n = 0;

    for (const oc_attach_t *at = s->attached; at; at = at->next) {
        n += at->job->in_flight;
    }
    return n;
}

/* The login is proven: may one more exchange present the password? If not, it is asked for again
 * when the login has been accepted, or soon. */
static int may_follow(oc_slot_t *slot)
{
    oc_session_t *s = slot->at->session;

    if (scheme_of(slot)->logon || is_sure(s) || under_way(s) < UNSURE_MOST) {
        return 1; /* cookies are no password */
    }
    slot->job->poll_at = oc_clock_mono() + POLL;
    return 0;
}

static oc_exchange_t *admit_doubted(oc_slot_t *slot)
{
    oc_session_t *s = slot->at->session;
    int go = 0;

    if (scheme_of(slot)->renews && slot->x->attempt == 0 && slot->generation != s->generation) {
        oc_sign_again(slot); /* the login had run out: it has been renewed since */
        return oc_lead_admit(slot);
    }
    if (slot->unresolved || s->proofs != slot->proofs) {
        oc_sign_pass(slot); /* the login has been accepted since: it was this path */
        return NULL;
    }
    if (known_refused(slot) || !lead(slot->at)) {
        return NULL;
    }
    if (s->phase == OC_PHASE_PROVEN) {
        s->phase = OC_PHASE_READY;
    }
    return step(slot, &go);
}

oc_exchange_t *oc_lead_admit(oc_slot_t *slot)
{
    const oc_scheme_t *scheme = scheme_of(slot);
    oc_session_t *s = slot->at->session;
    oc_exchange_t *x;
    int go = 0;

    if (slot->state == OC_SLOT_DOUBTED) {
        return admit_doubted(slot);
    }
    if (!scheme->guarded) {
        return oc_sign_send(slot);
    }
    if (known_refused(slot)) {
        return NULL;
    }
    if (s->phase == OC_PHASE_PROVEN && (!scheme->logon || s->cookies.count > 0)) {
        return may_follow(slot) ? oc_sign_send(slot) : NULL;
    }
    if (!oc_site_protected(slot->x->site) && scheme != &oc_basic_ntlm_scheme) {
        say_refused(slot, OC_REASON_MISCONFIGURED,
                    "a password must not go to a calendar server in the clear: use https", 0);
        oc_sign_fail(slot, "no protection for the password");
        return NULL;
    }
    if (!lead(slot->at)) {
        return NULL;
    }
    if ((x = step(slot, &go)) != NULL || !go) {
        return x;
    }
    slot->proof = 1;
    s->phase = OC_PHASE_PROVING;
    return oc_sign_send(slot);
}

/* After a probe that decided nothing: those that wait for it go on without. */
static void undecided(oc_slot_t *probe)
{
    probe->at->probed = 1;
    for (oc_slot_t *slot = probe->job->slots; slot; slot = slot->next) {
        if (slot->at == probe->at && slot->state == OC_SLOT_DOUBTED) {
            slot->unresolved = 1;
        }
    }
}

void oc_lead_unsigned(oc_slot_t *slot)
{
    oc_lead_resign(slot->at);
    undecided(slot);
}

/* ---- verdicts ---- */

static void accepted(oc_slot_t *slot)
{
    oc_attach_t *at = slot->at;
    oc_session_t *s = at->session;
    oc_exchange_t *x = slot->x;

    if (slot->generation != s->generation) {
        return; /* it speaks of cookies that are no longer ours */
    }
    if (scheme_of(slot)->logon) {
        oc_cookies_take(&s->cookies, x->reply_headers, 0);
    }
    at->accepted = 1;
    s->accepted = s->generation;
    if (scheme_of(slot)->guarded && s->phase == OC_PHASE_PROVEN && !is_sure(s)) {
        wake_others(at); /* they may follow now */
    }
    s->accepted_at = oc_clock_mono();
    if (slot->proof || slot->role == OC_ROLE_PROBE) {
        if (!s->probe_path && is_read(x)) {
            oc_session_probe_path(s, apr_pstrndup(at->job->call->pool, x->path,
                                                  strcspn(x->path, "?")));
        }
        slot->proof = 0;
        ++s->proofs;
        if (s->leader == at) {
            give_up_lead(at, OC_PHASE_PROVEN);
        }
    } else if (!scheme_of(slot)->guarded && !s->leader) {
        s->phase = OC_PHASE_PROVEN;
    }
}

/* "No", to an exchange of the inner job that was not the proof: is it about this path? 1 =
 * surely. */
static int is_about_path(oc_slot_t *slot)
{
    const oc_scheme_t *scheme = scheme_of(slot);
    oc_session_t *s = slot->at->session;

    if (scheme->renews) {
        /* The first "no" is taken for a login that ran out; after a new one that was accepted, a
         * "no" means no permission [DavMail reports 440 on a write so]. */
        return slot->x->attempt > 0 && s->phase == OC_PHASE_PROVEN
               && (s->proofs != slot->proofs || !s->probe_path || slot->at->accepted);
    }
    /* A ticket is another each time: that the server took an earlier one says little about it. */
    if (s->phase == OC_PHASE_PROVEN
        && (slot->at->accepted || (!scheme->guarded && !s->probe_path))) {
        return 1;
    }
    return scheme->guarded && !s->probe_path;
}

/* The first "no" to a good token, over a connection that had been used: IIS may have forgotten it,
 * or be about to close it. */
static int is_forgotten(oc_slot_t *slot)
{
    const oc_exchange_t *x = slot->x;

    if (!scheme_of(slot)->once || slot->verdict != OC_VERDICT_REFUSED || x->status != 401) {
        return 0;
    }
    if (x->attempt > 0) {
        slot->at->in_vain = 1; /* it is another matter: no more of that in this job */
    }
    return !x->writes && x->reused && x->attempt == 0 && !slot->at->in_vain;
}

int oc_lead_once_more(const oc_slot_t *slot)
{
    const oc_exchange_t *x = slot->x;

    if (slot->forgotten) {
        return 1;
    }
    /* The connection died unanswered: net did not repeat it with the token that it had. */
    return scheme_of(slot)->once && !x->writes && x->reused && x->attempt == 0
           && x->outcome == OC_X_LOST && x->status == 0;
}

int oc_lead_verdict(oc_slot_t *slot)
{
    if (slot->verdict == OC_VERDICT_ACCEPTED && !scheme_of(slot)->check) {
        accepted(slot);
    }
    slot->forgotten = is_forgotten(slot);
    if (slot->verdict == OC_VERDICT_REFUSED && !slot->forgotten && !slot->proof
        && slot->role == OC_ROLE_INNER && is_about_path(slot)) {
        slot->verdict = OC_VERDICT_NEUTRAL;
    }
    return slot->verdict != OC_VERDICT_REFUSED;
}

void oc_lead_believed(oc_slot_t *slot)
{
    accepted(slot);
}

/* Somebody else answered. What waits for a proof of the login has no chance: call->result says so
 * already. */
void oc_lead_disbelieved(oc_slot_t *slot)
{
    if (slot->role != OC_ROLE_INNER) {
        oc_lead_resign(slot->at);
        fail_held(slot->at, "the reply to the login did not prove that it came from the server");
    }
}

/* The cookies that `slot` was sent with do not serve any more. */
static void drop_cookies(oc_slot_t *slot)
{
    oc_session_t *s = slot->at->session;

    if (s->generation != slot->generation || s->cookies.count == 0) {
        return;
    }
    oc_log(OC_LOG_DEBUG, 0, slot->job->call->id, OC_LOGID(0202) "the login at %s has run out",
           slot->x->site->host);
    oc_cookies_drop(&s->cookies);
    if (s->phase == OC_PHASE_PROVEN) {
        s->phase = OC_PHASE_NEW;
    }
}

static void inner_refused(oc_slot_t *slot)
{
    const oc_scheme_t *scheme = scheme_of(slot);
    oc_exchange_t *x = slot->x;
    oc_session_t *s = slot->at->session;

    if (scheme->renews && x->attempt == 0) {
        /* Where a write is not permitted, an unexpired login gets the same status, but then the
         * server does not take its cookies back [Evolution Connector's notes show the expiry]. */
        if (x->writes && s->probe_path && s->generation == slot->generation
            && !oc_cookies_removed(x->reply_headers)) {
            slot->state = OC_SLOT_DOUBTED;
            return;
        }
        drop_cookies(slot);
        oc_sign_again(slot);
        return;
    }
    if (s->probe_path && !tells(slot)) {
        slot->state = OC_SLOT_DOUBTED;
        return;
    }
    refused(slot);
}

/* A sign-in step that got no reply ends what waits for it in this job, with its own outcome. */
static void not_answered(oc_slot_t *slot)
{
    oc_exchange_t *x = slot->x;
    int late = x->outcome == OC_X_TIMEOUT;

    undecided(slot);
    if (x->outcome == OC_X_CANCELLED) {
        return; /* cancel() follows and ends them */
    }
    say_refused(slot, late ? OC_REASON_UPSTREAM_TIMEOUT : OC_REASON_UPSTREAM_UNAVAILABLE,
                x->error ? x->error : "no reply to the login", 0);
    fail_held(slot->at, "no reply to the login");
}

static void probe_ended(oc_slot_t *slot)
{
    oc_session_t *s = slot->at->session;

    if (slot->verdict == OC_VERDICT_ACCEPTED) {
        return; /* all is done where it was accepted */
    }
    if (slot->verdict == OC_VERDICT_REFUSED) {
        if (scheme_of(slot)->renews && slot->generation == s->accepted) {
            drop_cookies(slot); /* they had been accepted before: run out, not refused */
            s->phase = OC_PHASE_NEW;
            return;
        }
        refused(slot);
        return;
    }
    oc_lead_resign(slot->at);
    if (slot->x->status == 0) {
        not_answered(slot);
    } else {
        undecided(slot);
    }
}

static void logon_ended(oc_slot_t *slot)
{
    oc_session_t *s = slot->at->session;
    oc_verdict_t verdict = slot->x->status ? scheme_of(slot)->logged_on(slot) : OC_VERDICT_NEUTRAL;

    if (verdict == OC_VERDICT_ACCEPTED) {
        s->phase = OC_PHASE_READY;
        return;
    }
    if (verdict == OC_VERDICT_REFUSED) {
        refused(slot);
        return;
    }
    oc_lead_resign(slot->at);
    if (slot->x->status == 0) {
        not_answered(slot);
        return;
    }
    undecided(slot);
    fail_held(slot->at, "the logon form was not answered as expected");
}

static void proof_ended(oc_slot_t *slot)
{
    oc_session_t *s = slot->at->session;
    /* Repeated after a new logon: the login was good before, so it may well be this path. */
    int doubtful = scheme_of(slot)->renews && slot->x->attempt > 0 && slot->x->writes;

    slot->proof = 0;
    if (slot->verdict != OC_VERDICT_REFUSED) {
        oc_lead_resign(slot->at);
    } else if (s->probe_path ? !tells(slot) : doubtful) {
        /* The look at home decided nothing, or there is none: no reason to mark the password. */
        oc_lead_resign(slot->at);
        oc_sign_pass(slot);
    } else {
        refused(slot);
    }
}

void oc_lead_ended(oc_slot_t *slot)
{
    if (slot->role == OC_ROLE_LOGON) {
        logon_ended(slot);
    } else if (slot->role == OC_ROLE_PROBE) {
        probe_ended(slot);
    } else if (slot->proof) {
        proof_ended(slot);
    } else if (slot->withheld) {
        inner_refused(slot);
    }
}
