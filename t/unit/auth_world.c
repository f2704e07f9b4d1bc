#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

#include "auth_world.h"

/* ---- the inner job: sends its wishes ---- */

static oc_exchange_t *person_next(oc_job_t *job)
{
    person_t *p = (person_t *)job;
    wish_t *w = &p->wish[p->given];

    if (p->cancelled || p->given == p->wishes || (w->after && p->ended < p->given)) {
        return NULL;
    }
    ++p->given;
    w->x = oc_exchange_create(p->call->pool, &p->world->site, w->method, w->path, "test");
    w->x->writes = w->writes;
    w->x->baton = w;
    if (w->destination) {
        apr_table_setn(w->x->headers, "Destination", w->destination);
    }
    return w->x;
}

static int person_feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data,
                       apr_size_t len)
{
    person_t *p = (person_t *)job;
    wish_t *w = x->baton;

    if (what == OC_FEED_HEAD) {
        ++w->heads;
        w->status = x->status;
    } else if (what == OC_FEED_BODY) {
        if (w->body_len + len < sizeof(w->body)) {
            memcpy(w->body + w->body_len, data, len);
            w->body_len += len;
        }
    } else {
        ++w->ends;
        ++p->ended;
        w->outcome = x->outcome;
        w->status = x->status;
        w->attempt = x->attempt;
    }
    return 0;
}

static int person_done(const oc_job_t *job)
{
    const person_t *p = (const person_t *)job;

    return p->ended == p->given && (p->cancelled || p->given == p->wishes);
}

static void person_cancel(oc_job_t *job, oc_cancel_t why)
{
    (void)why;
    ((person_t *)job)->cancelled = 1;
}

static const oc_job_vtable_t person_vtable = {"person", person_next, person_feed, person_done,
                                              person_cancel};

/* ---- the world ---- */

world_t *world_create(oc_refusals_t *shared)
{
    oc_result_t res;
    oc_signer_conf_t conf;
    world_t *w;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    w = calloc(1, sizeof(*w));
    w->pool = pool;
    memset(w->secret.key[0], 7, 32);
    w->secret.len[0] = 32;
    w->site.scheme = "https";
    w->site.host = "exchange.test";
    w->site.port = 443;
    memset(&conf, 0, sizeof(conf));
    conf.gss_threads = 2;
    conf.max_sessions = 100;
    conf.refusals = shared;
    conf.secret = &w->secret;
    conf.refused_for = apr_time_from_sec(300);
    oc_result_init(&res, pool);
    w->signer = oc_signer_create(pool, &conf, &res);
    return w->signer ? w : NULL;
}

void world_destroy(world_t *w)
{
    for (int i = 0; i < w->persons; ++i) {
        apr_pool_destroy(w->person[i]->call->pool);
        free(w->person[i]);
    }
    apr_pool_destroy(w->pool);
    free(w);
}

static person_t *person_of(oc_job_t *job)
{
    return job->owner;
}

/* A thread that makes tokens may do the same at the same time. */
static void set_woken(person_t *p)
{
    __atomic_store_n(&p->woken, 1, __ATOMIC_SEQ_CST);
}

static void wake(oc_job_t *job)
{
    set_woken(person_of(job));
}

person_t *world_person(world_t *w, oc_call_t *call, oc_identity_t *id)
{
    person_t *p = calloc(1, sizeof(*p));

    p->world = w;
    p->call = call;
    p->id = id;
    p->inner.vt = &person_vtable;
    call->identity = oc_identity_key(id);
    p->job = oc_identity_sign(w->signer, id, call, &p->inner);
    p->job->wake = wake;
    p->job->owner = p;
    set_woken(p);
    w->person[w->persons++] = p;
    return p;
}

person_t *world_basic(world_t *w, oc_upstream_t up, const char *user, const char *password)
{
    oc_call_t *call = oc_call_create(user, user, NULL);
    oc_identity_t *id = oc_identity_basic(call, up, user, password);

    return world_person(w, call, id);
}

person_t *world_delegated(world_t *w, const char *ccache, const char *principal)
{
    oc_call_t *call = oc_call_create(principal, principal, NULL);
    oc_identity_t *id = oc_identity_delegated(call, ccache, principal);

    return world_person(w, call, id);
}

void world_wish(person_t *p, const char *method, const char *path, int writes, int after)
{
    wish_t *w = &p->wish[p->wishes++];

    w->method = method;
    w->path = path;
    w->writes = writes;
    w->after = after;
}

static void note(world_t *w, person_t *p, oc_exchange_t *x)
{
    sent_t *s = &w->flight[w->flights++];

    s->by = p;
    s->x = x;
    apr_snprintf(s->seen, sizeof(s->seen), "%s %s [%s%s%s] [%s] %s", x->method, x->path,
                 x->authorization ? x->authorization : "",
                 x->connauth == OC_CONNAUTH_NTLM ? "NTLM " : "", x->password ? x->password : "",
                 x->cookie ? x->cookie : "", x->identity);
    apr_snprintf(s->body, sizeof(s->body), "%.*s", (int)x->body_len, x->body ? x->body : "");
    if (w->sent < 1024) {
        w->log[w->sent++] = *s;
    }
}

int world_pump(world_t *w)
{
    int moved;

    do {
        moved = 0;
        for (int i = 0; i < w->persons; ++i) {
            person_t *p = w->person[i];
            oc_exchange_t *x;
            oc_mono_t at = p->job->wake_at;

            if (p->was_done || p->job->vt->done(p->job)) {
                p->was_done = 1;
                continue;
            }
            if (!__atomic_exchange_n(&p->woken, 0, __ATOMIC_SEQ_CST)
                && !(at && at <= oc_clock_mono())) {
                continue;
            }
            moved = 1;
            while ((x = p->job->vt->next(p->job)) != NULL) {
                note(w, p, x);
            }
        }
    } while (moved);
    return w->flights;
}

static sent_t land(world_t *w, int i)
{
    sent_t s = w->flight[i];

    memmove(&w->flight[i], &w->flight[i + 1], sizeof(s) * (size_t)(w->flights - i - 1));
    --w->flights;
    return s;
}

static void add_headers(apr_table_t *to, const char *headers)
{
    char *copy = headers ? strdup(headers) : NULL, *last = NULL;

    for (char *line = copy ? apr_strtok(copy, "\n", &last) : NULL; line;
         line = apr_strtok(NULL, "\n", &last)) {
        char *colon = strchr(line, ':');

        *colon = '\0';
        apr_table_add(to, line, colon + 2);
    }
    free(copy);
}

void world_reply(world_t *w, int i, int status, const char *headers, const char *body)
{
    sent_t s = land(w, i);
    oc_job_t *job = s.by->job;
    apr_size_t len = body ? strlen(body) : 0;
    int unwanted;

    s.x->sent = 1;
    s.x->reused = w->reused && !s.x->fresh;
    s.x->status = status;
    add_headers(s.x->reply_headers, headers);
    unwanted = job->vt->feed(job, s.x, OC_FEED_HEAD, NULL, 0);
    while (len > 0 && !unwanted) { /* in odd pieces */
        apr_size_t n = len < 7 ? len : 7;

        unwanted = job->vt->feed(job, s.x, OC_FEED_BODY, body, n);
        body += n;
        len -= n;
    }
    s.x->outcome = OC_X_REPLIED;
    job->vt->feed(job, s.x, OC_FEED_END, NULL, 0);
    set_woken(s.by);
}

void world_no_reply(world_t *w, int i, oc_outcome_t outcome)
{
    sent_t s = land(w, i);

    s.x->outcome = outcome;
    s.x->sent = outcome != OC_X_NOT_SENT;
    s.x->reused = w->reused && !s.x->fresh;
    s.x->error = "told so by the test";
    s.by->job->vt->feed(s.by->job, s.x, OC_FEED_END, NULL, 0);
    set_woken(s.by);
}

void world_run(world_t *w, world_server_t *server)
{
    while (world_pump(w) > 0) {
        const char *headers = NULL, *body = NULL;
        int status = server(w, &w->flight[0], &headers, &body);

        world_reply(w, 0, status, headers, body);
    }
}

void world_cancel(world_t *w, person_t *p, oc_cancel_t why)
{
    for (int i = w->flights - 1; i >= 0; --i) {
        if (w->flight[i].by == p) {
            world_no_reply(w, i, why == OC_CANCEL_DEADLINE ? OC_X_TIMEOUT : OC_X_CANCELLED);
        }
    }
    if (!p->job->vt->done(p->job)) {
        p->job->vt->cancel(p->job, why);
    }
    set_woken(p);
}

int world_all_done(world_t *w)
{
    for (int i = 0; i < w->persons; ++i) {
        if (!w->person[i]->job->vt->done(w->person[i]->job)) {
            return 0;
        }
    }
    return w->flights == 0;
}

int world_count(world_t *w, const char *text)
{
    int n = 0;

    for (int i = 0; i < w->sent; ++i) {
        n += strstr(w->log[i].seen, text) != NULL;
    }
    return n;
}
