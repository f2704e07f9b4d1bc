/* The loop: jobs taken in, worked in order, woken, cancelled, held to their deadlines and bounds,
 * stopped. */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "errand.h"

static apr_pool_t *root;
static oc_net_conf_t conf;

static oc_net_t *start(apr_pool_t **pool)
{
    apr_pool_create(pool, root);
    return errand_net(*pool, &conf);
}

/* Answers everything with its own method and target. */
static void echo(peer_conn_t *c)
{
    char line[512];

    while (peer_request(c)) {
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(c->head, "\r"), c->head);
        peer_reply(c, 200, "X-Test: a\r\nx-test:  b \r\n", line);
    }
}

/* Keeps every request waiting until the test opens the gate, and counts who waits. */
typedef struct gate_t {
    atomic_int open, here, most, served, writes;
} gate_t;

static void gate(peer_conn_t *c)
{
    gate_t *g = c->baton;
    while (peer_request(c)) {
        int here = ++g->here;

        peer_lock(c->peer);
        g->most = here > g->most ? here : g->most;
        peer_unlock(c->peer);
        while (!g->open) {
            char byte;

            usleep(2000);
            if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
                --g->here;
                return; /* the client has given up */
            }
        }
        --g->here;
        ++g->served;
        peer_reply(c, 200, "", "let through");
    }
}

static void await(atomic_int *value, int wanted)
{
    int i;

    for (i = 0; i < 2500 && *value != wanted; ++i) {
        usleep(2000);
    }
}

static void test_one_job(void)
{
    peer_t *peer = peer_start(echo, NULL);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_exchange_t *x = errand_add(e, &site, "ana", "GET", "/exchange/ana/?Cmd=freebusy");

    errand_run(net, e);
    is_str(e->log, "nhbef", "next, head, body, end, finished, each once and in order");
    is_str(errand_outcome(x->outcome), "replied", "a complete reply");
    is_int(x->status, 200, "its status");
    is_str(apr_table_get(x->reply_headers, "X-TEST"), "a", "its headers, without regard to case");
    is_str(e->body[0], "GET /exchange/ana/?Cmd=freebusy HTTP/1.1", "its body");
    is_int(x->received, (int)e->body_len[0], "bytes are counted");
    ok(x->sent && x->ended >= x->started && x->started, "sent, with times");
    ok(!pthread_equal(e->thread, pthread_self()), "finished on the loop thread");
    errand_destroy(e);

    e = errand_create(0);
    errand_run(net, e);
    is_str(e->log, "f", "a job that wants nothing is finished");
    errand_destroy(e);

    e = errand_create(apr_time_from_sec(5));
    e->in_turn = 1;
    errand_add(e, &site, "ana", "GET", "/1");
    errand_add(e, &site, "ana", "GET", "/2");
    errand_add(e, &site, "ana", "GET", "/3");
    errand_run(net, e);
    is_str(e->log, "nhbenhbenhbef", "one exchange after the other");
    is_int(peer_connections(peer), 1, "on one connection");
    is_int(oc_net_stop(net, apr_time_from_sec(1)), APR_SUCCESS, "stop");
    is_int(oc_net_submit(net, &e->job), APR_EOF, "after it nothing is taken in");
    is_int(oc_net_stop(net, apr_time_from_sec(1)), APR_SUCCESS, "stopping again does no harm");
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

static void test_side_by_side(void)
{
    gate_t g = {0};
    peer_t *peer = peer_start(gate, &g);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_net_stats_t stats;
    int i;

    for (i = 0; i < 5; ++i) {
        errand_add(e, &site, "ana", "GET", "/");
    }
    oc_net_submit(net, &e->job);
    await(&g.here, 5);
    is_int(g.here, 5, "five exchanges of a job are on the wire at once");
    oc_net_stats(net, &stats);
    ok(stats.jobs == 1 && stats.inflight == 5 && stats.queued == 0, "and counted");
    g.open = 1;
    ok(errand_wait(e, 5000), "all end");
    ok(strncmp(e->log, "nnnnn", 5) == 0 && e->ended == 5, "asked for first: %s", e->log);
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

/* ---- bounds -------------------------------------------------------------------------------- */

static void test_bounds(void)
{
    gate_t g = {0};
    peer_t *peer = peer_start(gate, &g);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_conf_t before = conf;
    oc_net_t *net;
    errand_t *ana = errand_create(apr_time_from_sec(8)), *ben = errand_create(apr_time_from_sec(8)),
             *eva = errand_create(apr_time_from_msec(300)), *one_more = errand_create(0);
    oc_net_stats_t stats;
    int i;

    conf.max_inflight = 3;
    conf.max_per_identity = 2;
    conf.max_jobs = 3;
    net = start(&pool);
    for (i = 0; i < 6; ++i) {
        errand_add(ana, &site, "ana", "GET", "/");
    }
    errand_add(ben, &site, "ben", "GET", "/");
    errand_add(ben, &site, "ben", "GET", "/");
    errand_add(eva, &site, "eva", "GET", "/");
    oc_net_submit(net, &ana->job);
    await(&g.here, 2);
    oc_net_submit(net, &ben->job);
    await(&g.here, 3);
    oc_net_submit(net, &eva->job);
    is_int(oc_net_submit(net, &one_more->job), APR_EAGAIN, "more jobs than bounded are refused");
    ok(!one_more->log[0] && !one_more->job.wake, "untouched");
    ok(errand_wait(eva, 3000), "a job that waits for its turn ends at its deadline");
    is_outcome(eva, "timeout", 0, "in the queue");
    for (i = 0; i < 100; ++i, usleep(2000)) { /* counted once the loop has come round */
        oc_net_stats(net, &stats);
        if (stats.queued == 5) {
            break;
        }
    }
    ok(stats.inflight == 3 && stats.queued == 5 && stats.jobs == 2,
       "%d on the wire, %d waiting, %d jobs", stats.inflight, stats.queued, stats.jobs);
    g.open = 1;
    ok(errand_wait(ana, 5000) && errand_wait(ben, 5000), "all come to their turn");
    is_int(g.most, 3, "never more on the wire than allowed");
    errand_destroy(ana);
    errand_destroy(ben);
    errand_destroy(eva);
    errand_destroy(one_more);
    apr_pool_destroy(pool);
    peer_stop(peer);
    conf = before;
}

/* An account that many persons share may have half of all, a person what one may have. */
static void test_shared(void)
{
    gate_t g = {0};
    peer_t *peer = peer_start(gate, &g);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_conf_t before = conf;
    oc_net_t *net;
    errand_t *all = errand_create(apr_time_from_sec(20));
    errand_t *ana = errand_create(apr_time_from_sec(20));
    oc_net_stats_t stats;

    conf.max_inflight = 8;
    conf.max_per_identity = 1;
    net = start(&pool);
    for (int i = 0; i < 7; ++i) {
        errand_add(all, &site, "account", "GET", "/")->shared = 1;
    }
    errand_add(ana, &site, "ana", "GET", "/");
    errand_add(ana, &site, "ana", "GET", "/");
    oc_net_submit(net, &all->job);
    await(&g.here, 4);
    oc_net_submit(net, &ana->job);
    await(&g.here, 5);
    for (int i = 0; i < 100; ++i, usleep(2000)) { /* counted once the loop has come round */
        oc_net_stats(net, &stats);
        if (stats.queued == 4) {
            break;
        }
    }
    ok(stats.inflight == 5 && stats.queued == 4, "a shared account: %d on the wire, %d waiting",
       stats.inflight, stats.queued);
    g.open = 1;
    ok(errand_wait(all, 10000) && errand_wait(ana, 10000), "all come to their turn");
    is_int(peer_connections(peer), 5, "over as many connections as there were at once");
    errand_destroy(all);
    errand_destroy(ana);
    apr_pool_destroy(pool);
    peer_stop(peer);
    conf = before;
}

/* A page asks for much at once; few connections of it stay. */
static void test_surplus(void)
{
    gate_t g = {0};
    peer_t *peer = peer_start(gate, &g);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_conf_t before = conf;
    oc_net_t *net;
    errand_t *e = errand_create(apr_time_from_sec(20));
    oc_net_stats_t stats;

    conf.surplus_idle = apr_time_from_msec(100);
    net = start(&pool);
    for (int i = 0; i < 20; ++i) {
        errand_add(e, &site, "ana", "GET", "/");
    }
    oc_net_submit(net, &e->job);
    await(&g.here, 20);
    is_int(g.here, 20, "twenty exchanges of one person are on the wire at once");
    g.open = 1;
    ok(errand_wait(e, 10000) && g.served == 20, "all are answered");
    errand_destroy(e);
    for (int i = 0; i < 2500; ++i, usleep(2000)) {
        oc_net_stats(net, &stats);
        if (stats.connections <= conf.max_kept && stats.caches == 1) {
            break;
        }
    }
    ok(stats.connections == conf.max_kept && stats.caches == 1, "%d connections stay, of %d",
       stats.connections, peer_connections(peer));
    e = errand_create(apr_time_from_sec(20));
    for (int i = 0; i < conf.max_kept; ++i) {
        errand_add(e, &site, "ana", "GET", "/");
    }
    errand_run(net, e);
    is_int(peer_connections(peer), 20, "and are used again");
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);
    conf = before;
}

/* Without any deadline of their jobs: nobody waits in the queue for longer than a step. */
static void test_queue_time(void)
{
    gate_t g = {0};
    peer_t *peer = peer_start(gate, &g);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_conf_t before = conf;
    oc_net_t *net;
    errand_t *errands[3];
    int i;

    conf.max_inflight = 1;
    conf.step_timeout = apr_time_from_msec(400);
    net = start(&pool);
    for (i = 0; i < 3; ++i) {
        errands[i] = errand_create(0);
        errand_add(errands[i], &site, "ana", "GET", "/");
        oc_net_submit(net, &errands[i]->job);
        usleep(i == 0 ? 200000 : 0);
    }
    for (i = 0; i < 3; ++i) {
        ok(errand_wait(errands[i], 3000), "job %d of 3 ends", i + 1);
    }
    is_outcome(errands[1], "timeout", 1, "one that got its turn in time");
    is_outcome(errands[2], "timeout", 0, "one that did not");
    ok(errands[2]->x[0]->ended < errands[1]->x[0]->ended, "it did not wait for the other");
    for (i = 0; i < 3; ++i) {
        errand_destroy(errands[i]);
    }
    apr_pool_destroy(pool);
    peer_stop(peer);
    conf = before;
}

/* A server of one thread for many connections: takes `count` of them and their requests, then
 * answers all. */
typedef struct crowd_t {
    int listener, count, served;
} crowd_t;

static void *serve_crowd(void *baton)
{
    crowd_t *crowd = baton;
    int *fds = calloc((size_t)crowd->count, sizeof(*fds)), i;
    char text[2048];

    for (i = 0; i < crowd->count; ++i) {
        fds[i] = accept(crowd->listener, NULL, NULL);
    }
    for (i = 0; i < crowd->count; ++i) {
        ssize_t n = recv(fds[i], text, sizeof(text) - 1, 0);
        char reply[2200];

        text[n > 0 ? n : 0] = '\0';
        text[strcspn(text, "\r")] = '\0';
        snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(text), text);
        crowd->served += send(fds[i], reply, strlen(reply), MSG_NOSIGNAL) > 0;
    }
    for (i = 0; i < crowd->count; ++i) {
        recv(fds[i], text, sizeof(text), 0); /* until the client closes */
        close(fds[i]);
    }
    free(fds);
    return NULL;
}

static void test_thousand(void)
{
    enum { MANY = 1000 };
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    oc_site_t site = {"http", "127.0.0.1", 0, NULL, NULL, 12, NULL};
    crowd_t crowd = {.count = MANY};
    oc_net_conf_t before = conf;
    errand_t **errands = calloc(MANY, sizeof(*errands));
    struct rlimit limit;
    apr_pool_t *pool;
    oc_net_t *net;
    pthread_t thread;
    char path[32], line[64];
    int i, right = 0, finished = 0;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * MANY + 64) {
        skip(3, "only %d descriptors are allowed here", (int)limit.rlim_cur);
        free(errands);
        return;
    }
    crowd.listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(crowd.listener, (struct sockaddr *)&address, len) != 0 ||
        listen(crowd.listener, MANY) != 0 ||
        getsockname(crowd.listener, (struct sockaddr *)&address, &len) != 0 ||
        pthread_create(&thread, NULL, serve_crowd, &crowd) != 0) {
        abort();
    }
    site.port = ntohs(address.sin_port);
    conf.max_inflight = conf.max_jobs = conf.max_caches = MANY;
    conf.step_timeout = conf.connect_timeout = apr_time_from_sec(60);
    net = start(&pool);
    for (i = 0; i < MANY; ++i) {
        char *identity;

        errands[i] = errand_create(apr_time_from_sec(60));
        identity = apr_psprintf(errands[i]->pool, "person %d", i);
        snprintf(path, sizeof(path), "/%d", i);
        errand_add(errands[i], &site, identity, "GET", apr_pstrdup(errands[i]->pool, path));
        finished += oc_net_submit(net, &errands[i]->job) == APR_SUCCESS;
    }
    is_int(finished, MANY, "%d jobs are taken in", MANY);
    for (i = finished = 0; i < MANY; ++i) {
        finished += errand_wait(errands[i], 60000);
        snprintf(line, sizeof(line), "GET /%d HTTP/1.1", i);
        right += errands[i]->body[0] && strcmp(errands[i]->body[0], line) == 0;
    }
    is_int(finished, MANY, "all of them, each on a connection of its own, finish");
    is_int(right, MANY, "each with its own reply");
    oc_net_stop(net, apr_time_from_sec(1));
    pthread_join(thread, NULL);
    for (i = 0; i < MANY; ++i) {
        errand_destroy(errands[i]);
    }
    free(errands);
    close(crowd.listener);
    apr_pool_destroy(pool);
    conf = before;
}

/* ---- from many threads --------------------------------------------------------------------- */

typedef struct crew_t {
    oc_net_t *net;
    oc_site_t site;
    atomic_int replied, refused;
} crew_t;

static void *submit_many(void *baton)
{
    crew_t *crew = baton;
    int i;

    for (i = 0; i < 25; ++i) {
        errand_t *e = errand_create(apr_time_from_sec(20));

        errand_add(e, &crew->site, i % 2 ? "ana" : "ben", "GET", "/");
        e->waits = 2;
        while (oc_net_submit(crew->net, &e->job) == APR_EAGAIN) {
            ++crew->refused;
            usleep(1000);
        }
        oc_job_wake(&e->job);
        if (i % 5 == 4) {
            oc_net_abandon(crew->net, &e->job); /* no wake is sure to come: this ends it, too */
        }
        while (!errand_wait(e, 20)) {
            oc_job_wake(&e->job);
        }
        crew->replied += e->x[0]->outcome == OC_X_REPLIED;
        errand_destroy(e);
    }
    return NULL;
}

static void test_threads(void)
{
    peer_t *peer = peer_start(echo, NULL);
    crew_t crew = {.site = errand_site(peer)};
    apr_pool_t *pool;
    oc_net_conf_t before = conf;
    pthread_t threads[8];
    oc_net_stats_t stats;
    int i;

    conf.max_jobs = 6;
    crew.net = start(&pool);
    for (i = 0; i < 8; ++i) {
        pthread_create(&threads[i], NULL, submit_many, &crew);
    }
    for (i = 0; i < 8; ++i) {
        pthread_join(threads[i], NULL);
    }
    ok(crew.replied >= 160, "200 jobs of 8 threads: %d replied, the rest abandoned; %d had to wait",
       crew.replied, crew.refused);
    usleep(20000);
    oc_net_stats(crew.net, &stats);
    ok(stats.jobs == 0 && stats.inflight == 0, "none is left");
    apr_pool_destroy(pool);
    conf = before;
    peer_stop(peer);
}

/* ---- waking and waiting -------------------------------------------------------------------- */

static void test_wake(void)
{
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_sec(10)), inner = {0};
    oc_mono_t before;

    e->waits = 4;
    inner.job.outer = &e->job;
    oc_net_submit(net, &e->job);
    ok(!errand_wait(e, 100), "a job that wants nothing and is not done waits");
    oc_job_wake(&inner.job);
    ok(!errand_wait(e, 100), "once woken it is asked again");
    oc_job_wake(&e->job);
    usleep(20000);
    oc_job_wake(&e->job);
    ok(errand_wait(e, 2000), "woken by another thread, it goes on");
    errand_destroy(e);

    e = errand_create(apr_time_from_sec(10));
    e->waits = 2;
    before = oc_clock_mono();
    e->job.wake_at = before + apr_time_from_msec(150);
    oc_net_submit(net, &e->job);
    ok(errand_wait(e, 2000), "wake_at");
    ok(oc_clock_mono() - before >= apr_time_from_msec(149), "not before its time");
    errand_destroy(e);

    e = errand_create(apr_time_from_sec(10));
    e->waits = 1000;
    e->job.wake_at = before;
    oc_net_submit(net, &e->job);
    ok(!errand_wait(e, 200), "a wake_at that stays in the past");
    oc_net_abandon(net, &e->job);
    ok(errand_wait(e, 2000) && e->cancel_why == OC_CANCEL_ABANDON, "abandon() ends it");
    ok(e->woken < 10, "the loop did not spin (%d)", e->woken);
    errand_destroy(e);
    apr_pool_destroy(pool);
}

/* ---- ends ---------------------------------------------------------------------------------- */

static void test_cancel(void)
{
    gate_t g = {0};
    peer_t *peer = peer_start(gate, &g), *friendly = peer_start(echo, NULL);
    oc_site_t site = errand_site(peer), other = errand_site(friendly);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_msec(200));

    errand_add(e, &site, "ana", "POST", "/");
    errand_add(e, &site, "ana", "POST", "/");
    errand_add(e, &site, "ana", "POST", "/later");
    e->in_turn = 1;
    e->more_time = apr_time_from_sec(5);
    e->after = oc_exchange_create(e->pool, &other, "DELETE", "/undo", "undo");
    e->after->identity = "ana";
    errand_run(net, e);
    is_str(e->log, "necnhbef", "at the deadline: end, cancel, then time to put things right");
    is_str(errand_outcome(e->x[0]->outcome), "timeout", "the exchange under way timed out");
    is_str(e->body[1], "DELETE /undo HTTP/1.1", "and was put right");
    errand_destroy(e);

    e = errand_create(apr_time_from_msec(100));
    e->stubborn = 1;
    e->waits = 1000;
    oc_net_submit(net, &e->job);
    ok(errand_wait(e, 2000) && e->cancels == 2 && e->cancel_why == OC_CANCEL_STOPPING,
       "a job that ignores its deadline is told to stop, then ended by force");
    errand_destroy(e);

    e = errand_create(apr_time_from_sec(10));
    errand_add(e, &site, "ana", "GET", "/");
    errand_add(e, &site, "ana", "GET", "/");
    e->waits = 1000;
    oc_net_submit(net, &e->job);
    await(&g.here, 2);
    oc_net_abandon(net, &e->job);
    ok(errand_wait(e, 2000), "abandoned with exchanges under way");
    is_str(e->log, "nneecf", "they end before cancel()");
    is_outcome(e, "cancelled", 1, "they");
    ok(e->in_flight_at_cancel == 0, "none is left at cancel()");
    errand_destroy(e);
    await(&g.here, 0);

    e = errand_create(apr_time_from_sec(10));
    e->waits = 1000;
    errand_add(e, &site, "ana", "POST", "/");
    oc_net_submit(net, &e->job);
    await(&g.here, 1);
    oc_net_cancel_all(net);
    ok(errand_wait(e, 2000) && e->cancel_why == OC_CANCEL_STOPPING, "all are cancelled");
    is_str(e->log, "necf", "exchanges first");
    is_int(oc_net_submit(net, &e->job), APR_EOF, "and no new ones are taken in");
    is_int(oc_net_stop(net, apr_time_from_sec(1)), APR_SUCCESS, "a stop may follow");
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(friendly);
    peer_stop(peer);
}

static void test_stop(void)
{
    gate_t g = {0};
    peer_t *peer = peer_start(gate, &g);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *errands[50], *stubborn = errand_create(0);
    int i, finished = 0, told = 0;

    for (i = 0; i < 50; ++i) {
        char *identity;

        errands[i] = errand_create(i % 2 ? apr_time_from_sec(30) : 0);
        identity = apr_psprintf(errands[i]->pool, "%d", i);
        errand_add(errands[i], &site, identity, "GET", "/");
        errands[i]->waits = 1000;
        oc_net_submit(net, &errands[i]->job);
    }
    stubborn->stubborn = 1;
    stubborn->waits = 1000;
    oc_net_submit(net, &stubborn->job);
    await(&g.here, 50);
    is_int(oc_net_stop(net, apr_time_from_msec(300)), APR_SUCCESS, "stop with 50 under way");
    for (i = 0; i < 50; ++i) {
        finished += errand_wait(errands[i], 0);
        told +=
            strcmp(errands[i]->log, "necf") == 0 && errands[i]->cancel_why == OC_CANCEL_STOPPING;
        errand_destroy(errands[i]);
    }
    ok(finished == 50 && told == 50, "all are finished, in order (%d, %d)", finished, told);
    ok(errand_wait(stubborn, 0), "the stubborn one, too");
    errand_destroy(stubborn);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

/* A callback that does not return in time. */
static atomic_int held_up;

static void hold_up(oc_job_t *job, void *baton)
{
    (void)job, (void)baton;
    held_up = 1;
    while (held_up == 1) {
        usleep(10000);
    }
    held_up = 3;
}

static void test_held_up(void)
{
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(0);

    e->job.finished = hold_up;
    oc_net_submit(net, &e->job);
    await(&held_up, 1);
    is_int(oc_net_stop(net, 0), APR_TIMEUP, "a thread held up in a callback is not waited for");
    held_up = 2;
    await(&held_up, 3);
    is_int(oc_net_stop(net, apr_time_from_sec(1)), APR_SUCCESS, "once it is free it ends");
    errand_destroy(e);
    apr_pool_destroy(pool);
}

/* A note for a job may still be on its way when the job has finished. Its place must not be given
 * on with that note: here the first job is abandoned at the very end, and the second, taken in
 * along with it, submits a third. */
typedef struct heir_t {
    oc_net_t *net;
    errand_t *third;
    apr_status_t submitted;
    atomic_int done;
} heir_t;

static void abandon_late(oc_job_t *job, void *baton)
{
    oc_net_abandon(((heir_t *)baton)->net, job);
}

static void submit_third(oc_job_t *job, void *baton)
{
    heir_t *heir = baton;

    (void)job;
    heir->submitted = oc_net_submit(heir->net, &heir->third->job);
    heir->done = 1;
}

static void test_late_abandon(void)
{
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *holder = errand_create(0), *first = errand_create(0), *second = errand_create(0);
    heir_t heir = {.net = net, .third = errand_create(apr_time_from_sec(10))};

    heir.third->waits = 1000;
    held_up = 0;
    holder->job.finished = hold_up;
    first->job.finished = abandon_late;
    second->job.finished = submit_third;
    first->job.finished_baton = second->job.finished_baton = &heir;
    oc_net_submit(net, &holder->job);
    await(&held_up, 1);
    oc_net_submit(net, &first->job);
    oc_net_submit(net, &second->job);
    held_up = 2;
    await(&heir.done, 1);
    is_int(heir.submitted, APR_SUCCESS, "finished() may submit another job");
    ok(!errand_wait(heir.third, 100), "which a late abandon() of one before does not end");
    oc_net_stop(net, apr_time_from_sec(1));
    errand_destroy(holder);
    errand_destroy(first);
    errand_destroy(second);
    errand_destroy(heir.third);
    apr_pool_destroy(pool);
}

static int descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(dir)) {
        ++count;
    }
    closedir(dir);
    return count;
}

/* What the thread looks like from outside, and that it leaves nothing behind. */
static void report_self(oc_job_t *job, void *baton)
{
    sigset_t mask;
    int i;

    (void)job;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    *(int *)baton = 1;
    for (i = 1; i < 32; ++i) {
        if (i != SIGKILL && i != SIGSTOP && !sigismember(&mask, i)) {
            *(int *)baton = -i;
        }
    }
    pthread_getname_np(pthread_self(), (char *)baton + sizeof(int), 16);
    ++held_up;
}

static void test_thread(int before)
{
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(0);
    struct {
        int signals;
        char name[16];
    } self = {0};

    held_up = 0;
    e->job.finished = report_self;
    e->job.finished_baton = &self;
    oc_net_submit(net, &e->job);
    await(&held_up, 1);
    is_int(self.signals, 1, "all signals are blocked");
    is_str(self.name, "owacal-net", "the thread has a name");
    errand_destroy(e);
    apr_pool_destroy(pool);
    is_int(descriptors(), before, "no descriptor is left open");
}

static void test_bad_configuration(void)
{
    oc_net_conf_t bad = conf;
    oc_result_t res;

    oc_result_init(&res, root);
    bad.max_inflight = 0;
    ok(!oc_net_create(root, &bad, &res) && res.reason == OC_REASON_MISCONFIGURED,
       "a bound of nothing is refused");
}

int main(void)
{
    int before;

    apr_initialize();
    apr_pool_create(&root, NULL);
    oc_net_conf_defaults(&conf);
    before = descriptors();
    test_one_job();
    test_side_by_side();
    test_bounds();
    test_shared();
    test_surplus();
    test_queue_time();
    test_threads();
    test_wake();
    test_cancel();
    test_stop();
    test_held_up();
    test_late_abandon();
    test_thousand();
    test_thread(before);
    test_bad_configuration();
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
