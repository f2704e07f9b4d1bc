/* What goes over the wire: connections and whose they are, nothing sent twice, NTLM, the request as
 * it leaves. Replies: test_curl_reply.c. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>

#include "base/log.h"
#include "tap.h"
#include "errand.h"

static apr_pool_t *root;
static oc_net_conf_t conf;
static atomic_int crit_lines;

static void sink(void *baton, const char *file, int line, int level, apr_status_t status,
                 const char *text)
{
    (void)baton, (void)file, (void)line, (void)status, (void)text;
    if (level == OC_LOG_CRIT) {
        ++crit_lines;
    }
}

static oc_net_t *start(apr_pool_t **pool)
{
    apr_pool_create(pool, root);
    return errand_net(*pool, &conf);
}

/* One exchange of one errand, run to its end; the caller destroys the errand. */
static errand_t *go(oc_net_t *net, const oc_site_t *site, const char *identity, const char *method,
                    const char *path)
{
    errand_t *e = errand_create(apr_time_from_sec(5));

    errand_add(e, site, identity, method, path);
    return errand_run(net, e);
}

/* ---- whose connection --------------------------------------------------------------------- */

typedef struct seen_t {
    int executed;
    char identities[256]; /* "connection:X-Who " in order */
    char last_head[4096], last_body[4096];
} seen_t;

static void echo_who(peer_conn_t *c)
{
    seen_t *seen = c->baton;
    char who[64], entry[80];

    while (peer_request(c)) {
        snprintf(entry, sizeof(entry), "%d:%s ", c->number,
                 peer_header(c, "X-Who", who, sizeof(who)) ? who : "-");
        peer_lock(c->peer);
        strncat(seen->identities, entry, sizeof(seen->identities) - strlen(seen->identities) - 1);
        snprintf(seen->last_head, sizeof(seen->last_head), "%.4000s", c->head);
        memcpy(seen->last_body, c->body, sizeof(seen->last_body));
        peer_unlock(c->peer);
        peer_reply(c, 200, "Set-Cookie: session=planted; path=/\r\n", "ok");
    }
}

static errand_t *go_as(oc_net_t *net, const oc_site_t *site, const char *identity)
{
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_exchange_t *x = errand_add(e, site, identity, "GET", "/");

    apr_table_set(x->headers, "X-Who", identity);
    return errand_run(net, e);
}

static void test_identities(void)
{
    seen_t seen = {0};
    peer_t *peer = peer_start(echo_who, &seen);
    oc_site_t site = errand_site(peer), other = site;
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    oc_net_stats_t stats;
    const char *const order[] = {"ana", "ben", "ana", "ben", "an", "ana"};
    size_t i;

    for (i = 0; i < sizeof(order) / sizeof(*order); ++i) {
        errand_destroy(go_as(net, &site, order[i]));
    }
    is_str(seen.identities, "1:ana 2:ben 1:ana 2:ben 3:an 1:ana ",
           "each identity reuses its own connection and no other");
    oc_net_stats(net, &stats);
    ok(stats.connections == 3 && stats.handshakes == 3 && stats.caches == 3 &&
           stats.exchanges == 6 && stats.owner_refused == 0,
       "counted: %d connections, %d caches", stats.connections, stats.caches);
    other.tls_min = 13;
    errand_destroy(go_as(net, &other, "ana"));
    ok(strstr(seen.identities, "4:ana "), "other TLS settings are another cache");
    apr_pool_destroy(pool);
    peer_stop(peer);
}

static void test_owner_check(void)
{
    seen_t seen = {0};
    peer_t *peer = peer_start(echo_who, &seen);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net;
    oc_net_stats_t stats;
    errand_t *e;

    conf.share_caches_for_test = 1;
    net = start(&pool);
    conf.share_caches_for_test = 0;
    errand_destroy(go_as(net, &site, "ana"));
    crit_lines = 0;
    e = go_as(net, &site, "ben");
    is_outcome(e, "not sent", 0, "a request on a connection of somebody else");
    is_str(seen.identities, "1:ana ", "nothing of it reached the server");
    oc_net_stats(net, &stats);
    ok(stats.owner_refused == 1 && crit_lines == 1, "it is counted and logged at crit");
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

static void test_idle(void)
{
    seen_t seen = {0};
    peer_t *peer = peer_start(echo_who, &seen);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_conf_t before = conf;
    oc_net_t *net;
    oc_net_stats_t stats;
    int i;

    conf.max_caches = 2;
    conf.cache_idle = apr_time_from_msec(200);
    net = start(&pool);
    errand_destroy(go_as(net, &site, "ana"));
    errand_destroy(go_as(net, &site, "ben"));
    errand_destroy(go_as(net, &site, "ana"));
    errand_destroy(go_as(net, &site, "eva")); /* ben's was used longest ago */
    errand_destroy(go_as(net, &site, "ana"));
    is_str(seen.identities, "1:ana 2:ben 1:ana 3:eva 1:ana ", "the longest unused cache gives way");
    oc_net_stats(net, &stats);
    is_int(stats.connections, 2, "and its connection is closed");
    for (i = 0; i < 100 && stats.caches; ++i) {
        usleep(20000);
        oc_net_stats(net, &stats);
    }
    ok(stats.caches == 0 && stats.connections == 0, "unused caches are closed in time");
    errand_destroy(go_as(net, &site, "ana"));
    ok(strstr(seen.identities, "4:ana"), "the next request connects anew");
    apr_pool_destroy(pool);
    conf = before;
    peer_stop(peer);
}

/* ---- nothing is sent twice ---------------------------------------------------------------- */

/* Answers the first request of the first connection; executes the second and dies without a word.
 * Later connections answer. */
static void execute_and_die(peer_conn_t *c)
{
    seen_t *seen = c->baton;

    while (peer_request(c)) {
        if (strstr(c->head, "/warm")) {
            peer_reply(c, 200, "", "warm");
            continue;
        }
        peer_lock(c->peer);
        ++seen->executed;
        peer_unlock(c->peer);
        if (c->number == 1) {
            if (strstr(c->head, "/reset")) {
                peer_reset(c);
            }
            return;
        }
        peer_reply(c, 200, "", "done");
    }
}

/* guard: what forbids to repeat it; 'w' it writes, 'o' its credential serves once, 0 nothing. */
static void one_send(const char *method, const char *body, const char *path, int guard)
{
    seen_t seen = {0};
    peer_t *peer = peer_start(execute_and_die, &seen);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_exchange_t *x = errand_add(e, &site, "ana", method, path);
    oc_net_stats_t stats;

    x->body = body;
    x->body_len = body ? strlen(body) : 0;
    x->writes = guard == 'w';
    x->once = guard == 'o';
    errand_destroy(go(net, &site, "ana", "GET", "/warm"));
    errand_run(net, e);
    oc_net_stats(net, &stats);
    apr_pool_destroy(pool);
    peer_stop(peer);
    if (guard) {
        ok(seen.executed == 1 && x->outcome == OC_X_LOST && x->sent && e->heads[0] == 0,
           "%s%s that %s, on a reused connection that dies (%s): executed %d time, %s", method,
           body ? " with body" : "", guard == 'w' ? "writes" : "has a credential for one sending",
           path, seen.executed, errand_outcome(x->outcome));
        is_int(oc_exchange_unknown(x), guard == 'w', "its outcome is unknown if it writes");
        ok(x->reused, "that the connection had been used is told");
        is_int(stats.resend_refused, 1, "the guard did it");
    } else {
        ok(seen.executed == 2 && x->outcome == OC_X_REPLIED,
           "%s that only reads is repeated on a new connection: %s", method,
           errand_outcome(x->outcome));
        ok(!x->reused, "which is told, too");
    }
    errand_destroy(e);
}

static void test_one_send(void)
{
    one_send("POST", "Cmd=update", "/x", 'w');
    one_send("PUT", "", "/x", 'w');
    one_send("MOVE", NULL, "/x", 'w');
    one_send("GET", NULL, "/x?Cmd=accept", 'w');
    one_send("DELETE", NULL, "/x", 'w');
    one_send("POST", "Cmd=update", "/reset", 'w');
    one_send("MOVE", NULL, "/reset", 'w');
    one_send("GET", NULL, "/x", 'o');
    one_send("PROPFIND", "<propfind/>", "/x", 'o');
    one_send("GET", NULL, "/reset", 'o');
    one_send("GET", NULL, "/x", 0);
    one_send("PROPFIND", "<propfind/>", "/x", 0);
}

static void test_fresh(void)
{
    seen_t seen = {0};
    peer_t *peer = peer_start(echo_who, &seen);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    oc_net_stats_t stats;
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_exchange_t *x = errand_add(e, &site, "ana", "GET", "/");

    errand_destroy(go_as(net, &site, "ana"));
    x->fresh = 1;
    apr_table_set(x->headers, "X-Who", "ana");
    errand_run(net, e);
    ok(!x->reused, "over a new connection, as it was wanted");
    errand_destroy(e);
    errand_destroy(go_as(net, &site, "ana"));
    is_str(seen.identities, "1:ana 2:ana 1:ana ", "and the others over the one that was kept");
    oc_net_stats(net, &stats);
    is_int(stats.connections, 1, "no more than that is kept");
    apr_pool_destroy(pool);
    peer_stop(peer);
}

/* ---- NTLM --------------------------------------------------------------------------------- */

/* A type 2 message: signature, type, empty target, flags (Unicode, NTLM, target info), challenge,
 * target info at 48 with a domain name and its end. Enough for a client to compute an answer. */
#define CHALLENGE \
    "TlRMTVNTUAACAAAAAAAAADAAAAABAoEAASNFZ4mrze8AAAAAAAAAABAAEAAwAAAAAgAEAEUAWAAAAAAAAAAAAAA="

typedef struct ntlm_t {
    int refuse; /* 401 to the third message, too */
    int die_at; /* die without a word at this message */
    int closes; /* closes after the challenge, as no honest server does */
    int legs, executed, empty_first, unsigned_later;
    char body[256];
} ntlm_t;

static void ntlm(peer_conn_t *c)
{
    ntlm_t *n = c->baton;
    char value[2048];
    int signed_in = 0;

    while (peer_request(c)) {
        int message = 0;

        if (peer_header(c, "Authorization", value, sizeof(value))) {
            message = strncmp(value, "NTLM TlRMTVNTUAAB", 17) == 0   ? 1
                      : strncmp(value, "NTLM TlRMTVNTUAAD", 17) == 0 ? 3
                                                                     : 0;
        }
        peer_lock(c->peer);
        n->legs += message != 0;
        n->empty_first += message == 1 && c->body_len == 0;
        n->unsigned_later += message == 0 && signed_in;
        peer_unlock(c->peer);
        if (message && message == n->die_at) {
            peer_lock(c->peer);
            n->executed += message == 3;
            peer_unlock(c->peer);
            return;
        }
        if (message == 1) {
            peer_reply(c, 401,
                       n->closes ? "Connection: close\r\nWWW-Authenticate: NTLM " CHALLENGE "\r\n"
                                 : "WWW-Authenticate: NTLM " CHALLENGE "\r\n",
                       "<h1>not you</h1>");
            if (n->closes) {
                return;
            }
        } else if ((message == 3 && !n->refuse) || signed_in) {
            signed_in = 1;
            peer_lock(c->peer);
            ++n->executed;
            snprintf(n->body, sizeof(n->body), "%.200s", c->body);
            peer_unlock(c->peer);
            peer_reply(c, 201, "X-Final: yes\r\n", "created");
        } else {
            peer_reply(c, 401, "WWW-Authenticate: NTLM\r\n", "<h1>never you</h1>");
        }
    }
}

static oc_exchange_t *add_ntlm(errand_t *e, const oc_site_t *site, const char *who)
{
    oc_exchange_t *x = errand_add(e, site, who, "POST", "/exchange/ana/Calendar/");

    x->writes = 1;
    x->body = "Cmd=update";
    x->body_len = strlen(x->body);
    x->connauth = OC_CONNAUTH_NTLM;
    x->user = "EX\\ana";
    x->password = "pw-ana";
    return x;
}

static errand_t *go_ntlm(ntlm_t *n, const char *what)
{
    peer_t *peer = peer_start(ntlm, n);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_sec(5));

    add_ntlm(e, &site, "ana");
    errand_run(net, e);
    apr_pool_destroy(pool);
    peer_stop(peer);
    diag("NTLM, %s: %d messages, %s", what, n->legs, e->x[0]->error ? e->x[0]->error : "no error");
    return e;
}

static void test_ntlm(void)
{
    ntlm_t n = {0};
    peer_t *peer = peer_start(ntlm, &n);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_exchange_t *x = add_ntlm(e, &site, "ana");

    e->in_turn = 1;
    add_ntlm(e, &site, "ana");
    errand_run(net, e);
    is_outcome(e, "replied", 1, "NTLM");
    is_int(x->status, 201, "only the final reply is told");
    is_str(apr_table_get(x->reply_headers, "X-Final"), "yes", "with its headers");
    ok(!apr_table_get(x->reply_headers, "WWW-Authenticate"), "and none of a leg's");
    is_str(e->body[0], "created", "and its body");
    ok(n.legs == 2 && n.empty_first == 1, "two messages; the body goes with the second only");
    ok(e->x[1]->outcome == OC_X_REPLIED && e->x[1]->status == 201 && n.executed == 2 &&
           n.unsigned_later == 1 && peer_connections(peer) == 1,
       "the next exchange uses the signed-in connection as it is");
    ok(!x->password && !x->user && x->connauth == OC_CONNAUTH_NONE,
       "the exchange has no secret left");
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);

    n = (ntlm_t){.refuse = 1};
    e = go_ntlm(&n, "refused for good");
    is_outcome(e, "replied", 1, "NTLM refused for good");
    ok(e->x[0]->status == 401 && e->heads[0] == 1 && n.legs == 2, "a final 401 is told once");
    is_str(e->body[0], "<h1>never you</h1>", "with its own body");
    errand_destroy(e);

    n = (ntlm_t){.die_at = 3};
    e = go_ntlm(&n, "dead after the third message");
    is_outcome(e, "lost", 1, "NTLM, death after the third message");
    is_int(n.executed, 1, "executed once");
    errand_destroy(e);

    n = (ntlm_t){.die_at = 1};
    e = go_ntlm(&n, "dead after the first message");
    ok(e->x[0]->outcome == OC_X_LOST && n.executed == 0 && n.legs == 1,
       "NTLM, death after the first message: not repeated either");
    errand_destroy(e);

    n = (ntlm_t){.closes = 1};
    e = go_ntlm(&n, "closed after the challenge");
    ok(n.executed == 0 && n.legs < 20 && e->x[0]->outcome != OC_X_PENDING,
       "NTLM, closed after the challenge: nothing executed, an end is found (%s)",
       errand_outcome(e->x[0]->outcome));
    errand_destroy(e);
}

/* ---- the request as it is sent ------------------------------------------------------------ */

static void test_request(void)
{
    seen_t seen = {0};
    peer_t *peer = peer_start(echo_who, &seen);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e;
    oc_exchange_t *x;
    char connect[64];

    e = go(net, &site, "ana", "PROPFIND", "/a/../b//%2e%2e/%C3%A9?q=a+b&c");
    ok(strncmp(seen.last_head, "PROPFIND /a/../b//%2e%2e/%C3%A9?q=a+b&c HTTP/1.1\r\n", 49) == 0,
       "the path goes out byte for byte");
    ok(!strstr(seen.last_head, "Content-Type") && !strstr(seen.last_head, "Content-Length") &&
           !strstr(seen.last_head, "Cookie") && !strstr(seen.last_head, "Authorization"),
       "nothing is invented for a request without a body");
    errand_destroy(e);

    e = errand_create(apr_time_from_sec(5));
    x = errand_add(e, &site, "ana", "POST", "/");
    x->body = "a\0b<>";
    x->body_len = 5;
    x->authorization = "Basic c2VjcmV0";
    x->cookie = "sessionid=1234; cadata=x";
    apr_table_addn(x->headers, "Content-Type", "text/xml");
    apr_table_addn(x->headers, "X-Empty", "");
    errand_run(net, e);
    ok(strstr(seen.last_head, "\r\nAuthorization: Basic c2VjcmV0") &&
           strstr(seen.last_head, "\r\nCookie: sessionid=1234; cadata=x") &&
           strstr(seen.last_head, "\r\nContent-Type: text/xml") &&
           strstr(seen.last_head, "\r\nX-Empty:\r\n") &&
           strstr(seen.last_head, "\r\nContent-Length: 5"),
       "headers, credential, cookie and length go out");
    ok(!strstr(seen.last_head, "Expect"), "without Expect");
    is_mem(seen.last_body, 5, "a\0b<>", 5, "the body is bytes");
    ok(!x->authorization && !x->cookie, "the exchange has no secret left");
    ok(!strstr(seen.identities, "2:"), "on the same connection");
    errand_destroy(e);

    e = go(net, &site, "ana", "GET", "/");
    ok(!strstr(seen.last_head, "Cookie") && !strstr(seen.last_head, "Authorization") &&
           !strstr(seen.last_head, "Content-Type"),
       "nothing of one exchange stays for the next, nor a cookie that was set");
    errand_destroy(e);

    e = go(net, &site, "ana", "POST", "/");
    ok(strstr(seen.last_head, "\r\nContent-Length: 0") != NULL, "a POST without body says so");
    errand_destroy(e);

    snprintf(connect, sizeof(connect), "127.0.0.1:%d", site.port);
    site.connect = connect;
    site.host = "mail.example.test";
    site.port = 8080;
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("all_proxy", "http://127.0.0.1:1/", 1);
    e = go(net, &site, "ana", "GET", "/");
    is_outcome(e, "replied", 1, "connect= leads elsewhere, no proxy of the environment is used");
    ok(strstr(seen.last_head, "\r\nHost: mail.example.test:8080") != NULL,
       "Host stays the site's own");
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

static void test_refused(void)
{
    seen_t seen = {0};
    peer_t *peer = peer_start(echo_who, &seen);
    oc_site_t site = errand_site(peer);
    apr_pool_t *pool;
    oc_net_t *net = start(&pool);
    errand_t *e = errand_create(apr_time_from_sec(5));
    oc_exchange_t *x = errand_add(e, &site, "ana", "GET", "/");

    apr_table_setn(x->headers, "X-Bad", "a\r\nAuthorization: Basic x");
    errand_run(net, e);
    is_outcome(e, "not sent", 0, "a header with a line end in it");
    is_str(e->log, "nef", "next, end, finished");
    errand_destroy(e);

    e = errand_create(apr_time_from_sec(5));
    x = errand_add(e, &site, NULL, "GET", "/");
    errand_run(net, e);
    is_outcome(e, "not sent", 0, "nobody's exchange");
    is_int(peer_connections(peer), 0, "none of them connected");
    errand_destroy(e);
    apr_pool_destroy(pool);
    peer_stop(peer);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&root, NULL);
    oc_log_install(sink, NULL, NULL);
    oc_net_conf_defaults(&conf);
    test_identities();
    test_owner_check();
    test_idle();
    test_one_send();
    test_fresh();
    test_ntlm();
    test_request();
    test_refused();
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
