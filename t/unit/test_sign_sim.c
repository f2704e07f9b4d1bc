/* The signer over real connections: lib/auth and lib/net together against the simulator, by every
 * way of signing in. Needs what `check` brings: the simulator built, called from the checkout. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "auth/identity.h"
#include "net/net.h"
#include "tap.h"

#define STEPS 6

/* ---- the simulator ---- */

static pid_t sim_pid;
static int sim_port;

static int sim_start(const char *auth, const char *more, const char *value)
{
    FILE *said;
    int out[2], scheme_end = 0;
    char line[200] = "";

    if (pipe(out) != 0) {
        return 0;
    }
    fflush(stdout);
    if ((sim_pid = fork()) == 0) {
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        execl("t/sim/run", "t/sim/run", "--auth", auth, "--set", "fba-plain=yes", more, value,
              NULL);
        _exit(127);
    }
    close(out[1]);
    said = fdopen(out[0], "r");
    if (!fgets(line, sizeof(line), said)
        || sscanf(line, "http://127.0.0.1:%d/%n", &sim_port, &scheme_end) != 1) {
        diag("the simulator says: %s", line);
        sim_port = 0;
    }
    fclose(said);
    return sim_port != 0;
}

static void sim_stop(void)
{
    int status;

    kill(sim_pid, SIGTERM);
    waitpid(sim_pid, &status, 0);
}

static void control(const char *method, const char *query)
{
    char line[400];

    snprintf(line, sizeof(line),
             "perl -MHTTP::Tiny -e 'exit(!HTTP::Tiny->new->request(@ARGV)->{success})' %s "
             "'http://127.0.0.1:%d/_sim/%s'", method, sim_port, query);
    if (system(line) != 0) {
        diag("%s %s failed", method, query);
    }
}

/* ---- a job: looks, writes, looks ---- */

typedef struct errand_t {
    oc_job_t job; /* first */
    oc_call_t *call;
    const oc_site_t *site;
    const char *user, *other;
    char unique[40];
    int given, ended;
    int status[STEPS], attempt[STEPS];
    oc_outcome_t outcome[STEPS];
    oc_reason_t reason;
} errand_t;

static oc_exchange_t *errand_next(oc_job_t *job)
{
    errand_t *e = (errand_t *)job;
    apr_pool_t *pool = e->call->pool;
    oc_exchange_t *x;
    int n = e->given;

    if (n == STEPS || e->ended < n) {
        return NULL;
    }
    ++e->given;
    if (n == 1 || n == 3) {
        x = oc_exchange_create(pool, e->site, "MKCOL",
                               apr_psprintf(pool, "/exchange/%s/%s-%d/", e->user, e->unique, n),
                               "make");
        x->writes = 1;
    } else if (n == 4) { /* where this person has no rights */
        x = oc_exchange_create(pool, e->site, "PROPFIND",
                               apr_psprintf(pool, "/exchange/%s/", e->other), "peep");
        apr_table_setn(x->headers, "Depth", "0");
    } else {
        x = oc_exchange_create(pool, e->site, "PROPFIND",
                               apr_psprintf(pool, "/exchange/%s/", e->user), "look");
        apr_table_setn(x->headers, "Depth", "0");
    }
    x->baton = (void *)(apr_size_t)n;
    return x;
}

static int errand_feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data,
                       apr_size_t len)
{
    errand_t *e = (errand_t *)job;
    apr_size_t n = (apr_size_t)x->baton;

    (void)data, (void)len;
    if (what == OC_FEED_END) {
        e->status[n] = x->status;
        e->attempt[n] = x->attempt;
        e->outcome[n] = x->outcome;
        ++e->ended;
    }
    return 0;
}

static int errand_done(const oc_job_t *job)
{
    return ((const errand_t *)job)->ended == STEPS;
}

static void errand_cancel(oc_job_t *job, oc_cancel_t why)
{
    (void)why;
    ((errand_t *)job)->given = ((errand_t *)job)->ended = STEPS;
}

static const oc_job_vtable_t errand_vtable = {"errand", errand_next, errand_feed, errand_done,
                                              errand_cancel};

/* ---- running them ---- */

typedef struct place_t {
    apr_pool_t *pool;
    oc_net_t *net;
    oc_signer_t *signer;
    oc_secret_t secret;
    oc_site_t site;
    char connect[40];
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int finished;
} place_t;

static place_t *place_create(void)
{
    place_t *place = calloc(1, sizeof(*place));
    oc_net_conf_t net;
    oc_signer_conf_t signer;
    oc_result_t res;

    apr_pool_create(&place->pool, NULL);
    oc_result_init(&res, place->pool);
    pthread_mutex_init(&place->mutex, NULL);
    pthread_cond_init(&place->cond, NULL);
    memset(place->secret.key[0], 3, 32);
    place->secret.len[0] = 32;
    snprintf(place->connect, sizeof(place->connect), "127.0.0.1:%d", sim_port);
    place->site.scheme = "http";
    place->site.host = "exchange.test";
    place->site.port = 80;
    place->site.connect = place->connect;
    memset(&signer, 0, sizeof(signer));
    signer.gss_threads = 4;
    signer.max_sessions = 50;
    signer.secret = &place->secret;
    signer.refused_for = apr_time_from_sec(300);
    place->signer = oc_signer_create(place->pool, &signer, &res);
    oc_net_conf_defaults(&net);
    place->net = oc_net_create(place->pool, &net, &res);
    return place;
}

static void place_destroy(place_t *place)
{
    oc_net_stop(place->net, apr_time_from_sec(2));
    oc_signer_stop(place->signer, apr_time_from_sec(2));
    apr_pool_destroy(place->pool);
    free(place);
}

static void finished(oc_job_t *job, void *baton)
{
    place_t *place = baton;

    (void)job;
    pthread_mutex_lock(&place->mutex);
    ++place->finished;
    pthread_cond_signal(&place->cond);
    pthread_mutex_unlock(&place->mutex);
}

typedef enum way_t { WAY_BASIC, WAY_NTLM, WAY_FORMS, WAY_KERBEROS } way_t;

static errand_t *send_off(place_t *place, way_t way, const char *user, const char *secret)
{
    static int count;
    errand_t *e = calloc(1, sizeof(*e));
    oc_call_t *call = oc_call_create(user, user, NULL);
    oc_identity_t *id = way == WAY_KERBEROS
                            ? oc_identity_delegated(call, secret, user)
                            : oc_identity_basic(call, (oc_upstream_t)way, user, secret);
    oc_job_t *job;

    e->job.vt = &errand_vtable;
    e->job.deadline = oc_clock_mono() + apr_time_from_sec(20);
    e->call = call;
    e->site = &place->site;
    e->user = user;
    e->other = strcmp(user, "alice") == 0 ? "bob" : "alice";
    snprintf(e->unique, sizeof(e->unique), "errand%d-%d", (int)getpid(), ++count);
    oc_identity_home(id, apr_psprintf(call->pool, "/exchange/%s/", user));
    call->identity = oc_identity_key(id);
    job = oc_identity_sign(place->signer, id, call, &e->job);
    job->finished = finished;
    job->finished_baton = place;
    if (oc_net_submit(place->net, job) != APR_SUCCESS) {
        diag("not submitted");
    }
    return e;
}

static void wait_for(place_t *place, int jobs)
{
    pthread_mutex_lock(&place->mutex);
    while (place->finished < jobs) {
        pthread_cond_wait(&place->cond, &place->mutex);
    }
    place->finished -= jobs;
    pthread_mutex_unlock(&place->mutex);
}

/* 1 if all of it went as it should; frees it. */
static int went_well(errand_t *e, int *attempts)
{
    static const int want[STEPS] = {207, 201, 207, 201, 0, 207};
    int good = e->call->result.reason == OC_REASON_OK;

    for (int n = 0; n < STEPS; ++n) {
        if (want[n] && e->status[n] != want[n]) {
            good = 0;
        }
        *attempts += e->attempt[n];
    }
    good = good && (e->status[4] == 401 || e->status[4] == 403 || e->status[4] == 440);
    if (!good) {
        diag("%s: %d %d %d %d %d %d, %s: %s", e->user, e->status[0], e->status[1], e->status[2],
             e->status[3], e->status[4], e->status[5], oc_reason_token(e->call->result.reason),
             e->call->result.detail ? e->call->result.detail : "");
    }
    apr_pool_destroy(e->call->pool);
    free(e);
    return good;
}

static void by_password(const char *mode, way_t way)
{
    place_t *place;
    errand_t *e[20];
    int good = 0, attempts = 0, refused = 0;

    if (!ok(sim_start(mode, "--latency", "5"), "%s: the simulator is up", mode)) {
        return;
    }
    place = place_create();
    for (int i = 0; i < 20; ++i) {
        e[i] = i & 1 ? send_off(place, way, "bob", "pw-bob")
                     : send_off(place, way, "alice", "pw-alice");
    }
    wait_for(place, 20);
    for (int i = 0; i < 20; ++i) {
        good += went_well(e[i], &attempts);
    }
    is_int(good, 20, "%s: twenty jobs of two people side by side", mode);
    is_int(attempts, 0, "%s: nothing had to be sent twice", mode);

    for (int i = 0; i < 20; ++i) {
        e[i] = send_off(place, way, "carol", "wrong");
    }
    wait_for(place, 20);
    for (int i = 0; i < 20; ++i) {
        refused += e[i]->call->result.reason == OC_REASON_PASSWORD_REFUSED
                   && e[i]->outcome[1] == OC_X_NOT_SENT;
        apr_pool_destroy(e[i]->call->pool);
        free(e[i]);
    }
    is_int(refused, 20, "%s: a wrong password is refused to all", mode);

    if (way != WAY_BASIC) { /* what Basic proves, it proves with every request */
        static const char *const when[] = {"method=MKCOL", "method=PROPFIND", "method=MKCOL"};

        for (int i = 0; i < 3; ++i) {
            char fault[100];

            snprintf(fault, sizeof(fault), "fault?spec=login-expired:1,%s", when[i]);
            control("POST", fault);
            e[0] = send_off(place, way, "alice", "pw-alice");
            wait_for(place, 1);
            attempts = 0;
            ok(went_well(e[0], &attempts), "%s: the login runs out at %s: all is done", mode,
               when[i]);
            /* libcurl goes through NTLM's messages once more by itself. */
            ok((attempts > 0) == (way == WAY_FORMS), "%s: after a new logon", mode);
            control("DELETE", "fault");
        }
    }
    place_destroy(place);
    if (way == WAY_NTLM) {
        place = place_create(); /* without connections */
        control("POST", "fault?spec=close-after-401:1");
        e[0] = send_off(place, way, "bob", "pw-bob");
        wait_for(place, 1);
        ok(e[0]->status[0] == 0 && e[0]->call->result.reason != OC_REASON_PASSWORD_REFUSED,
           "ntlm: a connection closed within the login refuses no password: %s",
           oc_reason_token(e[0]->call->result.reason));
        apr_pool_destroy(e[0]->call->pool);
        free(e[0]);
        e[0] = send_off(place, way, "bob", "pw-bob");
        wait_for(place, 1);
        ok(went_well(e[0], &attempts), "ntlm: the next job signs in as ever");
        place_destroy(place);
    }
    sim_stop();
}

static void by_ticket(void)
{
    char lab[] = "/tmp/owacal-sign-XXXXXX", line[300], keytab[100], conf[100], cc[2][100];
    place_t *place;
    errand_t *e[20];
    int good = 0, attempts = 0, status;

    if (!mkdtemp(lab)) {
        return;
    }
    chmod(lab, 0755);
    snprintf(line, sizeof(line), "t/lab/kdc-up.sh %s >/dev/null 2>&1", lab);
    status = system(line);
    if (WEXITSTATUS(status) == 77) {
        skip(3, "no KDC programs");
        return;
    }
    snprintf(conf, sizeof(conf), "%s/krb5.conf", lab);
    setenv("KRB5_CONFIG", conf, 1);
    snprintf(keytab, sizeof(keytab), "%s/keytabs/back.keytab", lab);
    snprintf(cc[0], sizeof(cc[0]), "FILE:%s/cc/alice", lab);
    snprintf(cc[1], sizeof(cc[1]), "FILE:%s/cc/bob", lab);
    if (!ok(sim_start("kerberos", "--keytab", keytab), "kerberos: the simulator is up")) {
        goto leave;
    }
    place = place_create();
    for (int i = 0; i < 20; ++i) {
        e[i] = send_off(place, WAY_KERBEROS, i & 1 ? "bob" : "alice", cc[i & 1]);
    }
    wait_for(place, 20);
    for (int i = 0; i < 20; ++i) {
        good += went_well(e[i], &attempts);
    }
    is_int(good, 20, "kerberos: twenty jobs of two people side by side, each reply proved");
    is_int(attempts, 0, "kerberos: nothing had to be sent twice");
    place_destroy(place);
    sim_stop();

leave:
    snprintf(line, sizeof(line), "t/lab/kdc-down.sh %s >/dev/null 2>&1; rm -rf %s", lab, lab);
    status = system(line);
}

int main(void)
{
    const char *module = getenv("OWASIM_MODULE");

    apr_initialize();
    if (!module || access(module, R_OK) != 0 || access("t/sim/run", X_OK) != 0) {
        return skip_all("the simulator is not built, or not called from the checkout");
    }
    oc_net_global_init();
    by_password("basic", WAY_BASIC);
    by_password("ntlm", WAY_NTLM);
    by_password("forms", WAY_FORMS);
    by_ticket();
    return done_testing();
}
