/* The loop: jobs taken in, worked in order, woken, cancelled, held to their deadlines, stopped. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>

#include "errand.h"
#include "peer.h"
#include "tap.h"

static apr_pool_t *root;
static oc_net_conf_t conf;

static oc_net_t *start(void)
{
    oc_result_t res;
    oc_net_t *net;

    oc_result_init(&res, root);
    net = oc_net_create(root, &conf, &res);
    if (!net) {
        diag("no net: %s", res.detail);
        abort();
    }
    return net;
}

static oc_site_t site_of(const peer_t *peer)
{
    oc_site_t site = {"http", "127.0.0.1", peer_port(peer), NULL, NULL, 12, NULL};
    return site;
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

static void test_one_job(void)
{
    peer_t *peer = peer_start(echo, NULL);
    oc_site_t site = site_of(peer);
    oc_net_t *net = start();
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_exchange_t *x = errand_add(e, &site, "ana", "GET", "/exchange/ana/?Cmd=freebusy");

    errand_run(net, e);
    is_str(e->log, "nhbef", "next, head, body, end, finished, each once and in order");
    is_str(errand_outcome(x->outcome), "replied", "a complete reply");
    is_int(x->status, 200, "its status");
    is_str(apr_table_get(x->reply_headers, "X-TEST"), "a", "its headers, without regard to case");
    is_str(e->body[0], "GET /exchange/ana/?Cmd=freebusy HTTP/1.1", "the path went out verbatim");
    is_int(x->received, (int)e->body_len[0], "bytes are counted");
    ok(x->sent && x->ended >= x->started && x->started, "sent, with times");
    ok(!pthread_equal(e->thread, pthread_self()), "finished on the loop thread");
    is_int(oc_net_stop(net, apr_time_from_sec(1)), APR_SUCCESS, "stop");
    is_int(oc_net_submit(net, &e->job), APR_EOF, "after it nothing is taken in");
    errand_destroy(e);
    peer_stop(peer);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&root, NULL);
    oc_net_conf_defaults(&conf);
    test_one_job();
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
