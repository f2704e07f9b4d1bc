/* A pinned connection: opened by one exchange, never by another, one exchange at a time, gone with
 * its owner, and never opened again. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_general.h>

#include "tap.h"
#include "errand.h"
#include "net/pin.h"

static apr_pool_t *root;
static oc_net_conf_t conf;

static oc_net_t *start(apr_pool_t **pool)
{
    apr_pool_create(pool, root);
    return errand_net(*pool, &conf);
}

/* Which connection, the how manieth request on it. `here` counts requests being answered. */
typedef struct world_t {
    atomic_int slow, here, most, closed, served;
} world_t;

static void serve(peer_conn_t *c)
{
    world_t *w = c->baton;
    char text[64];

    while (peer_request(c)) {
        int here = ++w->here;

        w->most = here > w->most ? here : w->most;
        ++w->served;
        usleep((useconds_t)w->slow * 1000);
        --w->here;
        snprintf(text, sizeof(text), "%d/%d", c->number, c->requests);
        if (strstr(c->head, "/cut")) {
            break;
        }
        peer_reply(c, 200, strstr(c->head, "/last") ? "Connection: close\r\n" : "", text);
        if (strstr(c->head, "/last") || strstr(c->head, "/hang-up")) {
            break;
        }
    }
    ++w->closed;
}

/* One exchange over the pin; the errand is the caller's. */
static errand_t *over(oc_net_t *net, const oc_site_t *site, oc_pin_t *pin, int opens,
                      const char *path)
{
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_exchange_t *x = errand_add(e, site, "relay:1", "GET", path);

    x->pin = pin;
    x->opens = opens;
    return errand_run(net, e);
}

static void is_over(oc_net_t *net, const oc_site_t *site, oc_pin_t *pin, int opens,
                    const char *path, const char *outcome, const char *body, const char *what)
{
    errand_t *e = over(net, site, pin, opens, path);

    is_str(errand_outcome(e->x[0]->outcome), outcome, "%s: %s", what, outcome);
    if (body) {
        is_str(e->body[0], body, "%s: connection/request %s", what, body);
    } else {
        ok(e->x[0]->error != NULL, "%s: says why (%s)", what, e->x[0]->error);
    }
    errand_destroy(e);
}

static void await(atomic_int *value, int wanted)
{
    int i;

    for (i = 0; i < 2500 && *value < wanted; ++i) {
        usleep(2000);
    }
}

static void test_one_connection(void)
{
    world_t w = {0};
    peer_t *peer = peer_start(serve, &w);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    oc_pin_t *pin = oc_net_pin(net);
    errand_t *e;
    int i;

    ok(!oc_pin_alive(pin, 0), "nothing stands before the first exchange");
    is_over(net, &site, pin, 0, "/", "not sent", NULL, "whoever does not open");
    is_int(peer_connections(peer), 0, "no connection was made for it");
    is_over(net, &site, pin, 1, "/", "replied", "1/1", "the one that opens");
    ok(oc_pin_alive(pin, 0), "now it stands");
    is_over(net, &site, pin, 0, "/", "replied", "1/2", "the next goes over it");
    is_over(net, &site, pin, 1, "/", "not sent", NULL, "opening twice");
    is_over(net, &site, pin, 0, "/", "replied", "1/3", "which does no harm");

    w.slow = 10;
    w.most = 0;
    e = errand_create(apr_time_from_sec(10));
    for (i = 0; i < 8; ++i) {
        errand_add(e, &site, "relay:1", "GET", "/")->pin = pin;
    }
    errand_run(net, e);
    is_int(w.most, 1, "eight at once go one after the other");
    is_str(e->body[7], "1/11", "over the same connection");
    errand_destroy(e);
    is_int(peer_connections(peer), 1, "one connection in all");

    e = errand_create(apr_time_from_sec(5));
    errand_add(e, &site, "relay:2", "GET", "/");
    errand_run(net, e);
    is_str(e->body[0], "2/1", "who has no pin does not get it");
    errand_destroy(e);
    e = errand_create(apr_time_from_sec(5));
    errand_add(e, &site, "relay:1", "GET", "/")->pin = NULL;
    errand_run(net, e);
    oc_pin_release(pin);
    await(&w.closed, 1);
    ok(w.closed >= 1, "released: the server sees the end");
    ok(!oc_pin_alive(pin, 0), "it stands no more");
    errand_destroy(e);
    is_over(net, &site, pin, 0, "/", "not sent", NULL, "over a pin that was released");
    is_over(net, &site, pin, 1, "/", "not sent", NULL, "nor does it open again");
    oc_pin_release(pin);
    oc_pin_drop(pin);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

static void test_server_closes(void)
{
    static const struct {
        const char *path, *outcome, *body;
    } ways[] = {
        {"/last", "replied", "1/2"},    /* says so */
        {"/hang-up", "replied", "1/2"}, /* does not */
        {"/cut", "lost", NULL},         /* instead of an answer: libcurl would repeat it */
    };
    size_t i;

    for (i = 0; i < sizeof(ways) / sizeof(*ways); ++i) {
        world_t w = {0};
        peer_t *peer = peer_start(serve, &w);
        oc_site_t site = errand_site(peer);
        apr_pool_t *pool;
        oc_net_t *net = start(&pool);
        oc_pin_t *pin = oc_net_pin(net);
        int served, looks;

        is_over(net, &site, pin, 1, "/", "replied", "1/1", ways[i].path);
        is_over(net, &site, pin, 0, ways[i].path, ways[i].outcome, ways[i].body, ways[i].path);
        await(&w.closed, 1);
        for (looks = 0; looks < 2500 && oc_pin_alive(pin, 0); ++looks) {
            usleep(2000);
        }
        ok(!oc_pin_alive(pin, 0), "%s: seen without sending anything", ways[i].path);
        served = w.served;
        is_over(net, &site, pin, 0, "/", "not sent", NULL, "after that");
        is_int(w.served, served, "%s: nothing came to the server", ways[i].path);
        is_int(peer_connections(peer), 1, "%s: no second connection", ways[i].path);
        oc_pin_release(pin);
        oc_pin_drop(pin);
        apr_pool_destroy(pool);
        peer_stop(peer);
    }
}

static void test_bounds(void)
{
    world_t w = {0};
    peer_t *peer = peer_start(serve, &w);
    oc_site_t site = errand_site(peer), other = site;
    apr_pool_t *pool;
    oc_net_t *net;
    oc_pin_t *pin, *second;

    conf.max_pins = 2;
    conf.pin_pending = apr_time_from_msec(300);
    conf.pin_idle = apr_time_from_sec(20);
    conf.cache_idle = apr_time_from_msec(100);
    conf.max_caches = 1;
    net = start(&pool);
    pin = oc_net_pin(net);
    second = oc_net_pin(net);
    ok(pin && second && !oc_net_pin(net), "no more than max_pins");
    oc_pin_drop(second);
    second = oc_net_pin(net);
    ok(second != NULL, "one given back makes room");

    is_over(net, &site, pin, 1, "/", "replied", "1/1", "one that proves itself");
    oc_pin_proven(pin);
    is_over(net, &site, second, 1, "/", "not sent", NULL, "the same identity under another pin");
    errand_destroy(over(net, &site, second, 0, "/"));
    is_int(peer_connections(peer), 1, "that made no connection");
    other.host = "localhost";
    is_over(net, &other, pin, 0, "/", "not sent", NULL, "another site over the same pin");

    {
        errand_t *e = errand_create(apr_time_from_sec(5));
        errand_add(e, &site, "relay:2", "GET", "/");
        e->x[0]->pin = second;
        e->x[0]->opens = 1;
        errand_run(net, e);
        is_str(e->body[0], "2/1", "one that does not");
        errand_destroy(e);
        /* Ordinary caches come, go and give way meanwhile. */
        for (int i = 0; i < 3; ++i) {
            char who[8] = {(char)('a' + i), 0};
            e = errand_create(apr_time_from_sec(5));
            errand_add(e, &site, who, "GET", "/");
            errand_run(net, e);
            errand_destroy(e);
        }
    }
    for (int i = 0; i < 2500 && oc_pin_alive(second, 0); ++i) {
        usleep(2000);
    }
    ok(!oc_pin_alive(second, 0), "is closed after pin_pending");
    ok(oc_pin_alive(pin, 0), "the other one is not");
    is_over(net, &site, pin, 0, "/", "replied", "1/2", "neither swept nor given way");
    usleep(5000);
    ok(!oc_pin_alive(pin, 1) && oc_pin_alive(pin, apr_time_from_sec(15)), "idle as asked");
    apr_pool_destroy(pool);
    ok(!oc_pin_alive(pin, 0), "net has gone, and so has it");
    oc_pin_release(pin);
    oc_pin_drop(pin);
    oc_pin_release(second);
    oc_pin_drop(second);
    oc_net_conf_defaults(&conf);
    peer_stop(peer);
}

static void *release_later(void *pin)
{
    usleep(50000);
    oc_pin_release(pin);
    return NULL;
}

static void test_released_under_way(void)
{
    world_t w = {.slow = 3000};
    peer_t *peer = peer_start(serve, &w);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    oc_pin_t *pin = oc_net_pin(net);
    pthread_t thread;
    apr_time_t began = oc_clock_mono();
    oc_net_stats_t stats;
    int i;

    pthread_create(&thread, NULL, release_later, pin);
    is_over(net, &site, pin, 1, "/", "lost", NULL, "released by another thread meanwhile");
    ok(oc_clock_mono() - began < apr_time_from_sec(3), "at once");
    pthread_join(thread, NULL);
    oc_pin_drop(pin);
    for (i = 0; i < 2500; ++i) {
        oc_net_stats(net, &stats);
        if (stats.connections == 0 && stats.caches == 0) {
            break;
        }
        usleep(2000);
    }
    is_int(stats.connections, 0, "no descriptor is left");
    is_int(stats.caches, 0, "no cache either");
    apr_pool_destroy(pool);
    peer_stop(peer);
}

/* Many threads with a pin each, opened, used and released without order. */
typedef struct crowd_t {
    oc_net_t *net;
    const oc_site_t *site;
    int number;
    atomic_int *wrong;
} crowd_t;

static void *crowd(void *baton)
{
    crowd_t *c = baton;
    char who[24];

    snprintf(who, sizeof(who), "relay:%d", c->number);
    for (int turn = 0; turn < 6; ++turn) {
        oc_pin_t *pin = oc_net_pin(c->net);
        char first[16] = "";

        for (int i = 0; i < 3; ++i) {
            errand_t *e = errand_create(apr_time_from_sec(10));
            oc_exchange_t *x = errand_add(e, c->site, who, "GET", "/");
            char expected[32];

            x->pin = pin;
            x->opens = i == 0;
            errand_run(c->net, e);
            if (i == 0 && e->body[0]) {
                snprintf(first, sizeof(first), "%.*s", (int)strcspn(e->body[0], "/"), e->body[0]);
            }
            snprintf(expected, sizeof(expected), "%s/%d", first, i + 1);
            *c->wrong += !e->body[0] || strcmp(e->body[0], expected) != 0;
            errand_destroy(e);
            (void)oc_pin_alive(pin, 0);
        }
        oc_pin_release(pin);
        oc_pin_drop(pin);
        /* The key is the same next time: wait until its cache has gone, as a new login would not
         * have to, its key being new. */
        usleep(20000);
        c->number += 100;
        snprintf(who, sizeof(who), "relay:%d", c->number);
    }
    return NULL;
}

static void test_crowd(void)
{
    world_t w = {0};
    peer_t *peer = peer_start(serve, &w);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    atomic_int wrong = 0;
    pthread_t thread[8];
    crowd_t c[8];

    for (int i = 0; i < 8; ++i) {
        c[i] = (crowd_t){net, &site, i, &wrong};
        pthread_create(&thread[i], NULL, crowd, &c[i]);
    }
    for (int i = 0; i < 8; ++i) {
        pthread_join(thread[i], NULL);
    }
    is_int(wrong, 0, "each pin saw its own connection only");
    is_int(peer_connections(peer), 48, "one connection for each");
    await(&w.closed, 48);
    is_int(w.closed, 48, "and each was closed");
    apr_pool_destroy(pool);
    peer_stop(peer);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&root, NULL);
    oc_net_conf_defaults(&conf);
    test_one_connection();
    test_server_closes();
    test_bounds();
    test_released_under_way();
    test_crowd();
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
