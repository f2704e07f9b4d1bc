/* What comes of a request: replies of every shape, cut at every byte, too long, too late. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_general.h>

#include "tap.h"
#include "errand.h"

static apr_pool_t *root;
static oc_net_conf_t conf;

static oc_net_t *start(apr_pool_t **pool)
{
    apr_pool_create(pool, root);
    return errand_net(*pool, &conf);
}

typedef struct canned_t {
    const char *reply;
    size_t len;        /* 0 = strlen(reply) */
    const char *more;  /* sent again and again until the client goes */
    int drip_ms;       /* pause between bytes */
    int cut_by_number; /* the n-th connection sends n - 1 bytes and closes */
} canned_t;

static void canned(peer_conn_t *c)
{
    canned_t *script = c->baton;
    size_t len = script->len ? script->len : strlen(script->reply), i;

    if (!peer_request(c)) {
        return;
    }
    if (script->cut_by_number) {
        peer_write(c, script->reply, (size_t)c->number - 1 < len ? (size_t)c->number - 1 : len);
        return;
    }
    if (!script->drip_ms) {
        peer_write(c, script->reply, len);
    }
    for (i = 0; script->drip_ms && i < len; ++i) {
        usleep((useconds_t)script->drip_ms * 1000);
        peer_write(c, script->reply + i, 1);
    }
    for (i = 0; script->more && i < 20000; ++i) {
        peer_say(c, script->more);
    }
    peer_linger(c);
}

static errand_t *go_canned(const char *reply, const char *more, apr_size_t max_reply)
{
    canned_t script = {.reply = reply, .more = more};
    peer_t *peer = peer_start(canned, &script);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_sec(5));

    errand_add(e, &site, "ana", "GET", "/")->max_reply = max_reply;
    errand_run(net, e);
    apr_pool_destroy(pool);
    peer_stop(peer);
    return e;
}

static void test_replies(void)
{
    oc_net_conf_t before = conf;
    char *big = malloc(150001);
    int head;
    errand_t *e;

    conf.step_timeout = apr_time_from_msec(1500);
    e = go_canned("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 207 Multi-Status\r\n"
                  "X-Folded: a\r\n  b\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n"
                  "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Late: 1\r\n\r\n",
                  NULL, 0);
    is_outcome(e, "replied", 1, "an interim answer, folded header, chunks and trailer");
    is_int(e->x[0]->status, 207, "the final status");
    is_str(e->body[0], "hello world", "the chunks' content");
    is_str(apr_table_get(e->x[0]->reply_headers, "x-folded"), "a b", "the folded line");
    ok(!apr_table_get(e->x[0]->reply_headers, "X-Interim") &&
           !apr_table_get(e->x[0]->reply_headers, "X-Late"),
       "neither the interim answer's headers nor the trailer's");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\n"
                  "Content-Length: 0\r\n\r\n",
                  NULL, 0);
    is_outcome(e, "replied", 1, "a redirect is told, not followed");
    is_int(e->x[0]->status, 302, "as what it is");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 204 No Content\r\n\r\n", NULL, 0);
    is_outcome(e, "replied", 1, "no content");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n"
                  "Content-Length: 2\r\n\r\nno",
                  NULL, 0);
    is_outcome(e, "replied", 1, "401 without connection authentication");
    is_int(e->heads[0], 1, "is told");
    errand_destroy(e);

    e = go_canned("SSH-2.0-OpenSSH_9.2\r\n", NULL, 0);
    is_outcome(e, "lost", 1, "an answer that is not HTTP");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\n", "X-More: 0123456789\r\n", 0);
    is_outcome(e, "too large", 1, "a header section without end");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\nX-Long: ", "0123456789", 0);
    is_outcome(e, "too large", 1, "a header line without end");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\nX-Folded: a\r\n", " b\r\n", 0);
    is_outcome(e, "too large", 1, "a header line folded without end");
    ok(strlen(apr_table_get(e->x[0]->reply_headers, "X-Folded")) < 200,
       "before each of its lines has copied all the others");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\n", "a:\r\n", 0);
    is_outcome(e, "too large", 1, "short headers without end");
    ok(apr_table_elts(e->x[0]->reply_headers)->nelts <= 500, "before there are thousands");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", 0);
    is_outcome(e, "too large", 1, "interim answers without end");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", NULL, 1000);
    is_outcome(e, "too large", 1, "a declared length over the bound");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "0123456789", 1000);
    is_outcome(e, "too large", 1, "a body over the bound without declared length");
    ok(e->body_len[0] <= 1000, "%d bytes were fed", (int)e->body_len[0]);
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "a\r\n0123456789\r\n",
                  1000);
    is_outcome(e, "too large", 1, "a chunked body over the bound");
    ok(e->body_len[0] <= 1000, "%d bytes were fed", (int)e->body_len[0]);
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "fffffffffffffffffff\r\nx",
                  NULL, 0);
    is_outcome(e, "lost", 1, "a chunk of impossible length");
    errand_destroy(e);

    e = go_canned("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", NULL, 0);
    ok(e->x[0]->outcome != OC_X_REPLIED, "a negative length is no reply: %s",
       errand_outcome(e->x[0]->outcome));
    errand_destroy(e);

    head = sprintf(big, "HTTP/1.1 200 OK\r\nContent-Length: 140000\r\n\r\n");
    memset(big + head, 'x', 140000);
    big[head + 140000] = '\0';
    e = go_canned(big, NULL, 0);
    is_outcome(e, "replied", 1, "a long body");
    ok(e->largest_block <= 16384 && e->body_len[0] == 140000 && e->x[0]->received == 140000,
       "in blocks of at most 16 KB (%d)", (int)e->largest_block);
    errand_destroy(e);
    free(big);
    conf = before;
}

/* ---- cut anywhere ------------------------------------------------------------------------- */

static void cut_everywhere(const char *reply, size_t complete_from, const char *what)
{
    size_t len = strlen(reply), n;
    canned_t script = {.reply = reply, .cut_by_number = 1};
    peer_t *peer = peer_start(canned, &script);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    int wrong = 0, told_badly = 0;

    for (n = 0; n <= len; ++n) {
        errand_t *e = errand_create(apr_time_from_sec(5));
        oc_exchange_t *x = errand_add(e, &site, "ana", "POST", "/");
        oc_outcome_t wanted = n >= complete_from ? OC_X_REPLIED : OC_X_LOST;

        x->writes = 1;
        errand_run(net, e);
        if (x->outcome != wanted || !x->sent) {
            ++wrong;
            diag("%s, %d of %d bytes: %s", what, (int)n, (int)len, errand_outcome(x->outcome));
        }
        told_badly += e->ends[0] != 1 || e->heads[0] > 1 || e->called_after_done != 0;
        errand_destroy(e);
    }
    ok(!wrong, "%s, cut at every byte: lost unless complete", what);
    ok(!told_badly, "and told in order");
    is_int(peer_connections(peer), (intmax_t)len + 1, "sent once each");
    apr_pool_destroy(pool);
    peer_stop(peer);
}

static void test_cut(void)
{
    static const char counted[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    static const char empty[] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"
                                "Location: /x\r\nContent-Length: 0\r\n\r\n";
    static const char chunked[] = "HTTP/1.1 207 Multi\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n";

    cut_everywhere(counted, sizeof(counted) - 1, "a counted body");
    cut_everywhere(empty, sizeof(empty) - 1, "an empty body after an interim answer");
    /* Complete without its very last line feed: the last chunk has been announced. */
    cut_everywhere(chunked, sizeof(chunked) - 2, "chunks");
}

static void enough(int at, const char *what, size_t at_most)
{
    char reply[8192];
    canned_t script = {.reply = reply};
    peer_t *peer;
    oc_site_t site;
    apr_pool_t *pool;
    oc_net_t *net;
    errand_t *e;
    int head = sprintf(reply, "HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n");

    memset(reply + head, 'x', sizeof(reply) - (size_t)head - 1);
    reply[sizeof(reply) - 1] = '\0';
    peer = peer_start(canned, &script);
    site = errand_site(peer);
    net = start(&pool);
    e = errand_create(apr_time_from_sec(5));
    e->stop_at = at;
    e->in_turn = 1;
    errand_add(e, &site, "ana", "GET", "/");
    errand_add(e, &site, "ana", "GET", "/");
    errand_run(net, e);
    is_outcome(e, "replied", 1, what);
    ok(e->body_len[0] <= at_most && e->x[0]->status == 200, "%s: what was received stands", what);
    is_int(peer_connections(peer), 2, "%s: the rest is not waited for, the connection is closed",
           what);
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

/* ---- too late ----------------------------------------------------------------------------- */

static void is_late(const errand_t *e, int sent, int least_ms, int most_ms, const char *what)
{
    int ms = (int)apr_time_as_msec(e->x[0]->ended - e->x[0]->started);

    is_outcome(e, "timeout", sent, what);
    ok(ms >= least_ms && ms < most_ms, "%s: after %d ms", what, ms);
}

/* A port whose backlog is full: the kernel answers no SYN. */
static int deaf_port(int fds[8])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int i;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fds[0], (struct sockaddr *)&address, len) != 0 || listen(fds[0], 0) != 0 ||
        getsockname(fds[0], (struct sockaddr *)&address, &len) != 0) {
        abort();
    }
    for (i = 1; i < 8; ++i) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fds[i], (struct sockaddr *)&address, len) == 0) {
            diag("connected at once");
        }
    }
    usleep(100000);
    return ntohs(address.sin_port);
}

static void say_nothing(peer_conn_t *c)
{
    if (peer_request(c)) {
        peer_linger(c);
    }
}

static errand_t *go_late(const oc_site_t *site, apr_time_t deadline, int and_more)
{
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(deadline);

    e->in_turn = 1;
    errand_add(e, site, "ana", "POST", "/")->writes = 1;
    if (and_more) {
        errand_add(e, site, "ana", "GET", "/");
    }
    errand_run(net, e);
    apr_pool_destroy(pool);
    return e;
}

static void test_late(void)
{
    oc_net_conf_t before = conf;
    canned_t drip = {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n0123456789"
                              "0123456789012345678901234567890123456789",
                     .drip_ms = 20};
    oc_site_t site = {"http", "127.0.0.1", 1, NULL, NULL, 12, NULL};
    peer_t *peer;
    errand_t *e;
    int fds[8], i;

    conf.connect_timeout = apr_time_from_msec(300);
    conf.step_timeout = apr_time_from_msec(600);

    site.port = deaf_port(fds);
    e = go_late(&site, apr_time_from_sec(5), 0);
    is_late(e, 0, 250, 590, "no connection");
    errand_destroy(e);
    for (i = 0; i < 8; ++i) {
        close(fds[i]);
    }
    e = go_late(&site, apr_time_from_sec(5), 0);
    is_outcome(e, "not sent", 0, "a closed port");
    errand_destroy(e);

    peer = peer_start(say_nothing, NULL);
    site = errand_site(peer);
    e = go_late(&site, apr_time_from_sec(5), 0);
    is_late(e, 1, 590, 2000, "silence");
    is_str(e->log, "nef", "silence ends the exchange, not the job");
    errand_destroy(e);
    e = go_late(&site, apr_time_from_msec(200), 1);
    is_late(e, 1, 190, 590, "the job's deadline comes first");
    is_str(e->log, "necf", "then the exchange ends before cancel() is called");
    ok(e->cancel_why == OC_CANCEL_DEADLINE && e->in_flight_at_cancel == 0,
       "cancel() is told why, with nothing in flight");
    errand_destroy(e);
    peer_stop(peer);

    peer = peer_start(canned, &drip);
    site = errand_site(peer);
    e = go_late(&site, apr_time_from_sec(5), 0);
    is_late(e, 1, 590, 2000, "a reply that drips");
    errand_destroy(e);
    peer_stop(peer);

    site.host = "no-such-host.invalid";
    e = go_late(&site, apr_time_from_sec(5), 0);
    ok((e->x[0]->outcome == OC_X_NOT_SENT || e->x[0]->outcome == OC_X_TIMEOUT) && !e->x[0]->sent,
       "a host without address: %s", errand_outcome(e->x[0]->outcome));
    errand_destroy(e);
    conf = before;
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&root, NULL);
    oc_net_conf_defaults(&conf);
    test_replies();
    test_cut();
    enough(-1, "enough at the head", 0);
    enough(1, "enough at the first byte", 16384);
    test_late();
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
