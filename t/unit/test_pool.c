/* Turns, bounds and the life of caches, without a socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "tap.h"
#include "net/pool.h"

static apr_pool_t *root;
static char opened[512], closed[512]; /* identities of the caches */
static int refuse_to_open;

static void *open_wire(void *baton, const oc_exchange_t *first)
{
    (void)baton;
    if (refuse_to_open) {
        return NULL;
    }
    strcat(strcat(opened, first->identity), " ");
    return strdup(first->identity);
}

static void close_wire(void *baton, void *wire)
{
    (void)baton;
    strcat(strcat(closed, wire), " ");
    free(wire);
}

static oc_pool_t *make_keeping(int max_kept, int max_inflight, int max_per_identity, int max_caches)
{
    oc_pool_conf_t conf = {.max_inflight = max_inflight,
                           .max_per_identity = max_per_identity,
                           .max_shared = 3,
                           .max_kept = max_kept,
                           .max_caches = max_caches,
                           .cache_idle = 100,
                           .surplus_idle = max_kept < 20 ? 30 : 1000,
                           .open = open_wire,
                           .close = close_wire};

    opened[0] = closed[0] = '\0';
    return oc_pool_create(&conf);
}

static oc_pool_t *make(int max_inflight, int max_per_identity, int max_caches)
{
    return make_keeping(20, max_inflight, max_per_identity, max_caches);
}

static const oc_site_t mail = {"https", "mail.example.test", 443, NULL, NULL, 12, NULL};

static oc_exchange_t *of(const char *identity, const oc_site_t *site)
{
    oc_exchange_t *x = oc_exchange_create(root, site, "GET", "/", "x");

    x->identity = identity;
    return x;
}

/* Enter one per letter; identities are single letters. */
static void enter(oc_pool_t *pool, oc_ticket_t *tickets, const char *letters)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

    for (; *letters; ++letters, ++tickets) {
        oc_pool_enter(pool, tickets, of(names[*letters - 'a'], &mail));
    }
}

/* Who gets on the wire now, in order. */
static const char *take(oc_pool_t *pool, oc_mono_t now)
{
    static char order[64];
    oc_ticket_t *ticket;

    order[0] = '\0';
    while ((ticket = oc_pool_take(pool, now))) {
        strcat(order, ticket->x->identity);
    }
    return order;
}

static void leave_all(oc_pool_t *pool, oc_ticket_t *tickets, int count)
{
    for (int i = 0; i < count; ++i) {
        oc_pool_leave(pool, &tickets[i], 1);
    }
}

static void test_turns(void)
{
    oc_pool_t *pool = make(4, 2, 10);
    oc_ticket_t t[16] = {0};

    enter(pool, t, "aaaaaabbc");
    is_str(take(pool, 1), "abca", "identities take turns, up to the bound of all");
    ok(oc_pool_inflight(pool) == 4 && oc_pool_waiting(pool) == 5, "counted");
    oc_pool_leave(pool, &t[8], 2);
    is_str(take(pool, 2), "b", "a place goes to who is below his own bound");
    oc_pool_leave(pool, &t[0], 3);
    oc_pool_leave(pool, &t[0], 3);
    is_int(oc_pool_inflight(pool), 3, "leaving twice counts once");
    is_str(take(pool, 3), "a", "then to the next in line");
    oc_pool_leave(pool, &t[5], 4);
    is_int(oc_pool_waiting(pool), 2, "one that waits may leave");
    leave_all(pool, t, 9);
    is_str(take(pool, 5), "", "nobody is left");
    ok(oc_pool_inflight(pool) == 0 && oc_pool_waiting(pool) == 0, "nothing is counted");
    is_str(opened, "a b c ", "one cache each");
    oc_pool_destroy(pool);
    is_str(closed, "c a b ", "all are closed in the end, the longest unused first");
}

/* An account that many persons share has a bound of its own, and leaves room for others. */
static void test_shared(void)
{
    oc_pool_t *pool = make(5, 1, 10);
    oc_ticket_t t[9] = {0};

    for (int i = 0; i < 5; ++i) {
        oc_exchange_t *x = of("s", &mail);

        x->shared = 1;
        oc_pool_enter(pool, &t[i], x);
    }
    enter(pool, &t[5], "aabb");
    is_str(take(pool, 1), "sabss", "more than one person may, and not all that there is");
    is_int(oc_pool_waiting(pool), 4, "the others wait");
    oc_pool_leave(pool, &t[0], 2);
    is_str(take(pool, 2), "s", "the next of that account");
    oc_pool_leave(pool, &t[5], 3);
    is_str(take(pool, 3), "a", "a person still has one at a time");
    is_str(opened, "s a b ", "over one cache each");
    leave_all(pool, t, 9);
    oc_pool_destroy(pool);
}

/* Many of one person at once, while few of his connections stay. */
static void test_surplus(void)
{
    oc_pool_t *pool = make_keeping(2, 20, 5, 10);
    oc_ticket_t t[8] = {0};

    enter(pool, t, "aaaaaa");
    is_str(take(pool, 10), "aaaaa", "as many as one may have");
    is_str(opened, "a a ", "over two caches");
    ok(t[0].cache == t[1].cache && t[2].cache == t[4].cache && t[0].cache != t[2].cache,
       "of which the first has what stays, the other the surplus");
    is_str(t[2].key, t[0].key, "both are of the same owner");
    oc_pool_leave(pool, &t[2], 11);
    oc_pool_leave(pool, &t[0], 11);
    ok(oc_pool_take(pool, 12) == &t[5] && t[5].cache == t[1].cache, "what stays is used first");
    oc_pool_leave(pool, &t[1], 13);
    leave_all(pool, t, 6);
    enter(pool, t, "a");
    take(pool, 20);
    leave_all(pool, t, 1);
    is_str(opened, "a a ", "and again");
    is_int((int)oc_pool_sweep(pool, 30), 31, "told when to come back for the surplus");
    is_str(closed, "", "nothing is closed too early");
    is_int((int)oc_pool_sweep(pool, 31), 61,
           "and while there is anything, often enough for another");
    is_str(closed, "a ", "the surplus is closed soon after its last use");
    is_int(oc_pool_caches(pool), 1, "the other stays");
    enter(pool, t, "aaa");
    take(pool, 40);
    is_str(opened, "a a a ", "a new surplus when it is needed again");
    leave_all(pool, t, 3);
    oc_pool_destroy(pool);

    pool = make_keeping(1, 20, 3, 3);
    enter(pool, t, "baa");
    take(pool, 10);
    leave_all(pool, t, 3);
    enter(pool, t, "c");
    take(pool, 20);
    is_str(closed, "a ", "a surplus gives way before a person's only cache");
    is_str(opened, "b a a c ", "though that is older");
    leave_all(pool, t, 1);
    oc_pool_destroy(pool);
}

/* Who has few on the wire goes first, and half of the places is for him alone. */
static void test_crowded(void)
{
    oc_pool_t *pool = make_keeping(2, 8, 5, 10);
    oc_ticket_t t[16] = {0};

    enter(pool, t, "aaaaaabbb");
    is_str(take(pool, 1), "abab", "no surplus while half of the places are taken");
    oc_pool_leave(pool, &t[6], 2);
    is_str(take(pool, 2), "b", "a place goes to who has few");
    oc_pool_leave(pool, &t[7], 3);
    is_str(take(pool, 3), "a", "the others come when there is room");
    enter(pool, &t[9], "cccd");
    is_str(take(pool, 4), "cdc", "the other half is for who has few");
    leave_all(pool, &t[6], 7);
    is_str(take(pool, 5), "a", "and again when there is room");
    is_int(oc_pool_inflight(pool), 4, "as many as half");
    leave_all(pool, t, 3);
    is_str(take(pool, 6), "aa", "until nobody waits");
    leave_all(pool, t, 13);
    ok(oc_pool_inflight(pool) == 0 && oc_pool_waiting(pool) == 0, "nothing is counted");
    oc_pool_destroy(pool);
}

static void test_order_within(void)
{
    oc_pool_t *pool = make(1, 1, 10);
    oc_ticket_t t[3] = {0};

    enter(pool, t, "aaa");
    for (int i = 0; i < 3; ++i) {
        ok(oc_pool_take(pool, 1) == &t[i], "first come, first served: %d", i + 1);
        oc_pool_leave(pool, &t[i], 1);
    }
    oc_pool_destroy(pool);
}

static void test_caches(void)
{
    oc_pool_t *pool = make(10, 10, 2);
    oc_ticket_t t[8] = {0};

    enter(pool, t, "ab");
    take(pool, 10);
    leave_all(pool, t, 2);
    enter(pool, t, "c");
    take(pool, 20);
    is_str(closed, "a ", "the longest unused gives way");
    enter(pool, t + 1, "de");
    take(pool, 30);
    is_str(closed, "a b ", "one in use does not");
    is_int(oc_pool_caches(pool), 3, "so there may be more for a while");
    oc_pool_leave(pool, &t[0], 40);
    is_int((int)oc_pool_sweep(pool, 139), 140, "told when to come back");
    is_str(closed, "a b ", "nothing is closed too early");
    oc_pool_sweep(pool, 140);
    is_str(closed, "a b c ", "what was not used for so long is closed; what is in use is not");
    leave_all(pool, t, 3);
    is_int((int)oc_pool_sweep(pool, 1000), 0, "without caches there is nothing to come back for");
    oc_pool_destroy(pool);
}

static void test_keys(void)
{
    oc_pool_t *pool = make(20, 20, 20);
    oc_ticket_t t[8] = {0};
    oc_site_t other[6] = {mail, mail, mail, mail, mail, mail};
    oc_exchange_t *x;
    int i;

    other[0].scheme = "http";
    other[1].host = "mail2.example.test";
    other[2].port = 444;
    other[3].connect = "10.0.0.1:443";
    other[4].ca = "/etc/ca.pem";
    other[5].tls_min = 13;
    oc_pool_enter(pool, &t[0], of("a", &mail));
    for (i = 0; i < 6; ++i) {
        oc_pool_enter(pool, &t[i + 1], of("a", &other[i]));
    }
    x = of("a", &mail);
    x->connauth = OC_CONNAUTH_NTLM;
    oc_pool_enter(pool, &t[7], x);
    take(pool, 1);
    is_int(oc_pool_caches(pool), 8, "every setting of a site and of signing in counts");
    leave_all(pool, t, 8);
    other[0] = mail; /* a copy of the site is the same site */
    oc_pool_enter(pool, &t[0], of("a", &other[0]));
    take(pool, 1);
    is_int(oc_pool_caches(pool), 8, "what is written the same is the same");
    leave_all(pool, t, 1);
    /* Strings that run into one another when they are joined. */
    other[0].host = "m";
    other[0].connect = "1:2";
    other[1].host = "m 443 3:1:2";
    other[1].connect = NULL;
    oc_pool_enter(pool, &t[0], of("a", &other[0]));
    oc_pool_enter(pool, &t[1], of("a", &other[1]));
    oc_pool_enter(pool, &t[2], of("a https 17:mail.example.test", &mail));
    take(pool, 1);
    is_int(oc_pool_caches(pool), 11, "no two different keys look alike");
    leave_all(pool, t, 3);
    oc_pool_destroy(pool);
}

static void test_no_cache(void)
{
    oc_pool_t *pool = make(10, 10, 2);
    oc_ticket_t t[1] = {0};

    refuse_to_open = 1;
    enter(pool, t, "a");
    ok(oc_pool_take(pool, 1) == &t[0] && !t[0].cache, "a cache that cannot be opened is told");
    refuse_to_open = 0;
    ok(oc_pool_inflight(pool) == 0 && !t[0].key, "and holds no place");
    oc_pool_leave(pool, &t[0], 1);
    oc_pool_destroy(pool);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&root, NULL);
    test_turns();
    test_shared();
    test_surplus();
    test_crowded();
    test_order_within();
    test_caches();
    test_keys();
    test_no_cache();
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
