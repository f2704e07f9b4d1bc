/* Many people at once through the signing layer and net, from many threads, towards a server where
 * a connection belongs to whom it began with. What counts here is that a sanitizer finds nothing,
 * and that nobody's request comes over the connection, or with the password, of anybody else. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_base64.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "auth/identity.h"
#include "errand.h"
#include "tap.h"

#define THREADS 6
#define JOBS    30 /* of each thread */
#define PEOPLE  25
#define STEPS   3

/* ---- the server ---- */

typedef struct server_t {
    int requests, foreign_credential, foreign_connection;
} server_t;

static void user_of_path(const char *head, char user[16])
{
    const char *p = strstr(head, "/exchange/");

    snprintf(user, 16, "%.*s", p ? (int)strcspn(p + 10, "/") : 0, p ? p + 10 : "");
}

static void credential_of(const char *user, char out[80])
{
    char plain[40];

    snprintf(plain, sizeof(plain), "%.15s:pw-%.15s", user, user);
    strcpy(out, "Basic ");
    apr_base64_encode(out + 6, plain, (int)strlen(plain));
}

static void serve(peer_conn_t *c)
{
    server_t *server = c->baton;
    char owner[16] = "", user[16], want[80], value[200];

    while (peer_request(c)) {
        const char *got = peer_header(c, "Authorization", value, sizeof(value));

        user_of_path(c->head, user);
        credential_of(user, want);
        if (!*owner) {
            strcpy(owner, user);
        }
        peer_lock(c->peer);
        ++server->requests;
        server->foreign_credential += !got || strcmp(got, want) != 0;
        server->foreign_connection += strcmp(owner, user) != 0;
        peer_unlock(c->peer);
        if (c->number % 5 == 0 && c->requests == 4) {
            return; /* without an answer: a look is repeated on another connection */
        }
        peer_reply(c, 207, "", user);
        if (c->number % 3 == 0 && c->requests == 7) {
            return;
        }
    }
}

/* ---- the people ---- */

typedef struct place_t {
    oc_net_t *net;
    oc_signer_t *signer;
    oc_site_t site;
} place_t;

typedef struct line_t {
    pthread_t thread;
    place_t *place;
    unsigned seed;
    int well, given_up, wrong;
} line_t;

typedef struct waiter_t {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int finished;
} waiter_t;

static void finished(oc_job_t *job, void *baton)
{
    waiter_t *w = baton;

    (void)job;
    pthread_mutex_lock(&w->mutex);
    w->finished = 1;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

static int answers_are_his(const errand_t *e, const oc_call_t *call, const char *user)
{
    int good = call->result.reason == OC_REASON_OK;

    for (int i = 0; i < STEPS; ++i) {
        good = good && e->x[i]->status == 207 && e->body[i] && strcmp(e->body[i], user) == 0;
    }
    return good;
}

static void one_job(line_t *line)
{
    waiter_t w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    errand_t *e = errand_create(apr_time_from_sec(60));
    int abandon = rand_r(&line->seed) % 10 == 0;
    char user[16], password[24];
    const char *home;
    oc_identity_t *id;
    oc_call_t *call;
    oc_job_t *job;

    snprintf(user, sizeof(user), "u%02d", rand_r(&line->seed) % PEOPLE);
    snprintf(password, sizeof(password), "pw-%s", user);
    call = oc_call_create(user, user, NULL);
    id = oc_identity_basic(call, OC_UPSTREAM_BASIC, user, password);
    home = apr_psprintf(call->pool, "/exchange/%s/", user);
    oc_identity_home(id, home);
    call->identity = oc_identity_key(id);
    e->in_turn = rand_r(&line->seed) % 2;
    for (int i = 0; i < STEPS; ++i) {
        errand_add(e, &line->place->site, NULL, "PROPFIND",
                   i ? apr_psprintf(e->pool, "%sCalendar/%d", home, i) : home);
    }
    job = oc_identity_sign(line->place->signer, id, call, &e->job);
    job->finished = finished;
    job->finished_baton = &w;
    if (oc_net_submit(line->place->net, job) != APR_SUCCESS) {
        abort();
    }
    pthread_mutex_lock(&w.mutex);
    if (abandon && !w.finished) {
        oc_net_abandon(line->place->net, job);
    }
    while (!w.finished) {
        pthread_cond_wait(&w.cond, &w.mutex);
    }
    pthread_mutex_unlock(&w.mutex);
    if (answers_are_his(e, call, user)) {
        ++line->well;
    } else if (abandon) {
        ++line->given_up;
    } else {
        ++line->wrong;
    }
    oc_call_destroy(call);
    errand_destroy(e);
}

static void *live(void *baton)
{
    for (int i = 0; i < JOBS; ++i) {
        one_job(baton);
    }
    return NULL;
}

static void run(const char *name, int share)
{
    server_t server = {0};
    peer_t *peer = peer_start(serve, &server);
    line_t lines[THREADS] = {0};
    oc_signer_conf_t signer = {0};
    oc_net_conf_t conf;
    oc_net_stats_t stats;
    oc_secret_t secret = {0};
    oc_result_t res;
    place_t place;
    apr_pool_t *pool;
    void *marks = malloc(oc_refusals_size(64));
    int well = 0, given_up = 0, wrong = 0;

    apr_pool_create(&pool, NULL);
    oc_result_init(&res, pool);
    memset(secret.key[0], 3, 32);
    secret.len[0] = 32;
    signer.gss_threads = 2;
    signer.max_sessions = 10; /* fewer than there are people: sessions come and go */
    signer.secret = &secret;
    signer.refusals = oc_refusals_init(marks, 64);
    signer.refused_for = apr_time_from_sec(300);
    oc_net_conf_defaults(&conf);
    conf.max_caches = 12;
    conf.share_caches_for_test = share;
    place.site = errand_site(peer);
    place.signer = oc_signer_create(pool, &signer, &res);
    place.net = errand_net(pool, &conf);
    for (int i = 0; i < THREADS; ++i) {
        lines[i].place = &place;
        lines[i].seed = (unsigned)(share * 100 + i + 1);
        pthread_create(&lines[i].thread, NULL, live, &lines[i]);
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(lines[i].thread, NULL);
        well += lines[i].well;
        given_up += lines[i].given_up;
        wrong += lines[i].wrong;
    }
    oc_net_stats(place.net, &stats);
    oc_net_stop(place.net, apr_time_from_sec(5));
    oc_signer_stop(place.signer, apr_time_from_sec(5));
    peer_stop(peer);
    diag("%s: %d well, %d given up, %d not; %d requests, %d connections, %d stopped", name, well,
         given_up, wrong, server.requests, (int)stats.handshakes, (int)stats.owner_refused);
    is_int(server.foreign_credential, 0, "%s: every request bears its own person's password", name);
    is_int(server.foreign_connection, 0, "%s: and comes over a connection of that person's", name);
    if (share) {
        ok(stats.owner_refused > 0 && wrong > 0, "%s: because the owner check stops the others",
           name);
    } else {
        is_int(stats.owner_refused, 0, "%s: the owner check has nothing to stop", name);
        is_int(wrong, 0, "%s: every job is answered, with what is its own", name);
    }
    apr_pool_destroy(pool);
    free(marks);
}

int main(void)
{
    apr_initialize();
    oc_net_global_init();
    run("apart", 0);
    run("shared", 1);
    return done_testing();
}
