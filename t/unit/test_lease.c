/* Leases and ledger: one table, many threads and processes, some of them killed. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>

#include "op/lease.h"
#include "tap.h"

#define SECOND APR_USEC_PER_SEC

static apr_pool_t *pool;

static oc_lease_t *table_of(int leases, int ledger)
{
    void *memory = mmap(NULL, oc_lease_size(leases, ledger), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return oc_lease_init(memory, leases, ledger);
}

static int take(oc_lease_t *table, const char *op, apr_time_t lasts, apr_time_t patience,
                const char *a, const char *b)
{
    const char *rooms[2] = {a, b};
    oc_mono_t now = oc_clock_mono();
    oc_result_t res;

    oc_result_init(&res, pool);
    return oc_lease_take(table, "be", rooms, b ? 2 : 1, op, now + lasts, now + patience, &res) ==
           APR_SUCCESS;
}

static void basics(void)
{
    oc_lease_t *t = table_of(4, 4);
    const char *rooms[OC_LEASE_MAX_ROOMS + 1];
    oc_lease_stats_t stats;
    oc_result_t res;
    char *lengthy = memset(apr_pcalloc(pool, 2000), 'x', 1999);
    int i;

    ok(take(t, "a", SECOND, 0, "r1@x", "r2@x"), "two rooms");
    ok(!take(t, "b", SECOND, 0, "r2@x", "r3@x"), "one of them is not had by another");
    ok(!take(t, "b", SECOND, 0, "R2@X", NULL), "nor in capitals");
    ok(take(t, "b", SECOND, 0, "r3@x", NULL), "all or nothing: the third is free");
    ok(oc_lease_held(t, "a", 2) && oc_lease_held(t, "b", 1) && !oc_lease_held(t, "b", 2),
       "each holds what it took");
    ok(take(t, "a", SECOND, 0, "r1@x", "r4@x"), "one may add to one's own");
    ok(oc_lease_held(t, "a", 3), "and then holds three");
    oc_result_init(&res, pool);
    is_int(
        oc_lease_take(t, "be", (const char *[]){"r9@x"}, 1, "c", oc_clock_mono() + SECOND, 0, &res),
        APR_EGENERAL, "a full table refuses");
    is_int(res.reason, OC_REASON_BUSY, "as busy");
    ok(res.retry_after > 0, "and says when to come back");
    oc_result_init(&res, pool);
    ok(oc_lease_take(t, "other", (const char *[]){"r1@x"}, 1, "c", oc_clock_mono() + SECOND, 0,
                     &res),
       "still full for another backend");
    oc_lease_release(t, "a");
    ok(!oc_lease_held(t, "a", 1), "released");
    ok(take(t, "c", SECOND, 0, "r1@x", "r1@x"), "one room named twice is one room");
    ok(oc_lease_held(t, "c", 1) && !oc_lease_held(t, "c", 2), "and one lease");
    oc_lease_stats(t, &stats);
    is_int(stats.leases, 2, "two leases are counted");
    is_int(stats.refused, 4, "and four refusals");
    oc_lease_release(t, "b");
    oc_lease_release(t, "c");

    ok(take(t, "a", SECOND, 0, "r1@x", NULL), "a lease of a second");
    oc_clock_advance(SECOND / 2);
    oc_lease_extend(t, "a", oc_clock_mono() + SECOND);
    oc_clock_advance(SECOND * 3 / 4);
    ok(oc_lease_held(t, "a", 1), "lives on when extended");
    oc_clock_advance(SECOND / 2);
    ok(!oc_lease_held(t, "a", 1), "and then expires");
    oc_lease_extend(t, "a", oc_clock_mono() + SECOND);
    ok(!oc_lease_held(t, "a", 1), "what has expired is not brought back");
    ok(take(t, "b", SECOND, 0, "r1@x", NULL), "but is had by the next");

    oc_result_init(&res, pool);
    ok(oc_lease_try(t, "be", (const char *[]){lengthy}, 1, "a", 1, &res) != APR_SUCCESS,
       "a name too long is refused");
    for (i = 0; i <= OC_LEASE_MAX_ROOMS; ++i) {
        rooms[i] = "r@x";
    }
    ok(oc_lease_try(t, "be", rooms, OC_LEASE_MAX_ROOMS + 1, "a", 1, &res) != APR_SUCCESS,
       "and so are too many rooms");
}

static oc_range_t hours(int from, int to)
{
    apr_time_t now = oc_clock_wall();
    oc_range_t r = {now + apr_time_from_sec(3600) * from, now + apr_time_from_sec(3600) * to};
    return r;
}

static apr_status_t note(oc_lease_t *t, const char *room, oc_range_t when, const char *uid)
{
    oc_result_t res;
    oc_result_init(&res, pool);
    return oc_ledger_note(t, "be", room, when, uid, &res);
}

static void ledger(void)
{
    oc_lease_t *t = table_of(4, 3);
    oc_range_t clash;

    is_int(note(t, "r1@x", hours(1, 2), "U1"), APR_SUCCESS, "noted");
    ok(oc_ledger_clash(t, "be", "R1@x", hours(1, 3), NULL, 0, &clash), "it clashes");
    ok(clash.end - clash.start == apr_time_from_sec(3600), "the clash is told");
    ok(!oc_ledger_clash(t, "be", "r1@x", hours(1, 3), "U1", 0, NULL), "not with itself");
    ok(!oc_ledger_clash(t, "be", "r2@x", hours(1, 3), NULL, 0, NULL), "not in another room");
    ok(!oc_ledger_clash(t, "xx", "r1@x", hours(1, 3), NULL, 0, NULL), "nor on another server");
    ok(!oc_ledger_clash(t, "be", "r1@x", hours(4, 5), NULL, 0, NULL), "nor at another time");
    is_int(note(t, "r1@x", hours(4, 6), "U1"), APR_SUCCESS, "noted anew");
    ok(oc_ledger_clash(t, "be", "r1@x", hours(4, 5), NULL, 0, NULL) &&
           !oc_ledger_clash(t, "be", "r1@x", hours(1, 2), NULL, 0, NULL),
       "the new time has replaced the old");
    note(t, "r2@x", hours(4, 6), "U1");
    note(t, "r1@x", hours(10, 12), "U2");
    is_int(note(t, "r3@x", hours(4, 6), "U3"), APR_ENOSPC, "full of young entries: refused");
    oc_ledger_forget(t, "be", "r2@x", "U1");
    ok(oc_ledger_has(t, "be", "r1@x", "U1") && !oc_ledger_has(t, "be", "r2@x", "U1"),
       "forgotten in one room");
    is_int(note(t, "r3@x", hours(4, 6), "U3"), APR_SUCCESS, "and there is place again");
    oc_clock_advance(apr_time_from_sec(3601));
    ok(oc_ledger_clash(t, "be", "r1@x", hours(3, 5), NULL, 0, NULL), "an old entry is still there");
    ok(!oc_ledger_clash(t, "be", "r1@x", hours(3, 5), NULL, OC_LEDGER_HOUR, NULL),
       "but not for who wants young ones");
    is_int(note(t, "r4@x", hours(4, 6), "U4"), APR_SUCCESS, "and gives way to a new one");
    oc_clock_advance(apr_time_from_sec(13 * 3600));
    is_int(note(t, "r5@x", hours(4, 6), "U5"), APR_SUCCESS, "what is over gives way first");
    oc_ledger_forget(t, "be", NULL, "U5");
    ok(!oc_ledger_has(t, "be", "r5@x", "U5"), "forgotten in all rooms");
}

/* ---- fights ---- */

#define ROOMS 5

typedef struct arena_t {
    oc_lease_t *table;
    atomic_int inside[ROOMS];
    atomic_int doubled, fights, stop;
    atomic_uint ops; /* an operation's id is its own: who has the same one shares its leases */
} arena_t;

static const char *const room_names[ROOMS] = {"r0@x", "r1@x", "r2@x", "r3@x", "r4@x"};

static void *fight(void *data)
{
    arena_t *arena = data;
    unsigned seed = (unsigned)getpid() * 31u + (unsigned)(uintptr_t)pthread_self();
    apr_pool_t *own;
    int round;

    apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    for (round = 0; !arena->stop; ++round) {
        int a = rand_r(&seed) % ROOMS, b = (a + 1 + rand_r(&seed) % (ROOMS - 1)) % ROOMS;
        const char *rooms[2] = {room_names[a], room_names[b]};
        oc_mono_t now = oc_clock_mono();
        oc_result_t res;
        char op[24];

        oc_result_init(&res, own);
        snprintf(op, sizeof(op), "%x", arena->ops++);
        if (oc_lease_take(arena->table, "be", rooms, 2, op, now + 10 * SECOND, now + SECOND,
                          &res)) {
            apr_pool_clear(own);
            continue;
        }
        arena->doubled += arena->inside[a]++ != 0;
        arena->doubled += arena->inside[b]++ != 0;
        ++arena->fights;
        usleep((useconds_t)(rand_r(&seed) % 300));
        --arena->inside[a];
        --arena->inside[b];
        oc_lease_release(arena->table, op);
        apr_pool_clear(own);
    }
    apr_pool_destroy(own);
    return NULL;
}

static void processes(void)
{
    arena_t *arena =
        mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child[4];
    int i, status, bad = 0;

    arena->table = table_of(64, 4);
    for (i = 0; i < 4; ++i) {
        child[i] = fork();
        if (!child[i]) {
            pthread_t threads[8];
            int k;
            alarm(20);
            for (k = 0; k < 8; ++k) {
                pthread_create(&threads[k], NULL, fight, arena);
            }
            for (k = 0; k < 8; ++k) {
                pthread_join(threads[k], NULL);
            }
            _exit(0);
        }
    }
    for (i = 0; i < 100 && (i < 10 || arena->fights <= 200); ++i) { /* longer on a busy machine */
        usleep(100000);
    }
    arena->stop = 1;
    for (i = 0; i < 4; ++i) {
        bad += waitpid(child[i], &status, 0) != child[i] || status != 0;
    }
    is_int(bad, 0, "four processes with eight threads each came to an end");
    is_int(arena->doubled, 0, "no room was ever held twice");
    ok(arena->fights > 200, "in many fights");
    diag("%d fights", arena->fights);
}

static void killed(void)
{
    oc_lease_t *t = table_of(8, 8);
    int round, bad = 0;

    for (round = 0; round < 60; ++round) {
        pid_t child = fork();
        if (!child) {
            for (;;) {
                take(t, "child", SECOND / 100, 0, "r1@x", "r2@x");
                note(t, "r1@x", hours(1, 2), "CHILD");
                oc_lease_release(t, "child");
            }
        }
        usleep(1000 + (useconds_t)round * 37);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        alarm(10); /* a mutex that is never given back would stop everything here */
        bad += !take(t, "parent", SECOND, SECOND / 2, "r1@x", "r2@x");
        bad += note(t, "r1@x", hours(3, 4), "PARENT") != APR_SUCCESS;
        oc_lease_release(t, "parent");
        alarm(0);
    }
    is_int(bad, 0, "whenever a child is killed, the table goes on, and its leases expire");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    basics();
    ledger();
    processes();
    killed();
    return done_testing();
}
