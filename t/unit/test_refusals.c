/* Marks of refused passwords and of logins under way, shared by children. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>

#include "auth/refusals.h"
#include "auth_world.h"
#include "tap.h"

#define ENTRIES 64

static oc_refusals_t *shared_table(int entries)
{
    void *memory = mmap(NULL, oc_refusals_size(entries), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return oc_refusals_init(memory, entries);
}

static const unsigned char *mac(int n)
{
    static unsigned char m[OC_HMAC_SIZE];

    memset(m, 0, sizeof(m));
    m[0] = (unsigned char)(n >> 24);
    m[1] = (unsigned char)(n >> 16);
    m[2] = (unsigned char)(n >> 8);
    m[3] = (unsigned char)n;
    return m;
}

static oc_mono_t in(int seconds)
{
    return oc_clock_mono() + apr_time_from_sec(seconds);
}

static void marks(void)
{
    oc_refusals_t *t = shared_table(ENTRIES);

    is_int(oc_refusals_look(t, mac(1), 7), OC_MARK_NONE, "an empty table knows nothing");
    is_int(oc_refusals_begin(t, mac(1), 7, in(15)), OC_MARK_NONE, "one may try");
    is_int(oc_refusals_begin(t, mac(1), 8, in(15)), OC_MARK_TRYING, "then no other may");
    is_int(oc_refusals_begin(t, mac(1), 7, in(15)), OC_MARK_NONE, "the same one goes on");
    is_int(oc_refusals_look(t, mac(1), 8), OC_MARK_TRYING, "which others can see");
    is_int(oc_refusals_begin(t, mac(2), 8, in(15)), OC_MARK_NONE,
           "another login is another matter");
    oc_refusals_end(t, mac(1), 8);
    is_int(oc_refusals_look(t, mac(1), 8), OC_MARK_TRYING, "nobody ends another's attempt");
    oc_refusals_end(t, mac(1), 7);
    is_int(oc_refusals_look(t, mac(1), 8), OC_MARK_NONE, "but one's own");
    oc_refusals_begin(t, mac(1), 7, in(15));
    oc_clock_advance(apr_time_from_sec(16));
    is_int(oc_refusals_begin(t, mac(1), 8, in(15)), OC_MARK_NONE,
           "an attempt of a dead child ends");
    oc_refusals_refuse(t, mac(1), in(300));
    is_int(oc_refusals_look(t, mac(1), 8), OC_MARK_REFUSED, "refused is refused");
    is_int(oc_refusals_begin(t, mac(1), 9, in(15)), OC_MARK_REFUSED, "for everybody");
    oc_refusals_end(t, mac(1), 8);
    is_int(oc_refusals_look(t, mac(1), 8), OC_MARK_REFUSED, "and stays after the attempt");
    oc_clock_advance(apr_time_from_sec(301));
    is_int(oc_refusals_look(t, mac(1), 8), OC_MARK_NONE, "until its time is over");
    munmap(t, oc_refusals_size(ENTRIES));
}

static void bounded(void)
{
    oc_refusals_t *t = shared_table(1);
    int known = 0;

    for (int i = 0; i < 1000; ++i) {
        oc_refusals_refuse(t, mac(i), in(300 + i));
    }
    for (int i = 0; i < 1000; ++i) {
        known += oc_refusals_look(t, mac(i), 1) == OC_MARK_REFUSED;
    }
    is_int(known, 8, "a full table keeps what it can");
    is_int(oc_refusals_look(t, mac(999), 1), OC_MARK_REFUSED, "the last one among them");
    munmap(t, oc_refusals_size(1));
}

static int waited(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void killed_child(void)
{
    oc_refusals_t *t = shared_table(ENTRIES);
    int status;

    for (int i = 0; i < 20; ++i) { /* somewhere in the middle, quite often inside the mutex */
        pid_t pid = fork();

        if (pid == 0) {
            for (int n = 0;; ++n) {
                oc_refusals_refuse(t, mac(n % 100), in(300));
            }
        }
        usleep(2000);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        oc_refusals_look(t, mac(1), 1);
    }
    oc_refusals_refuse(t, mac(5000), in(300));
    is_int(oc_refusals_look(t, mac(5000), 1), OC_MARK_REFUSED,
           "children killed in the middle harm nobody");
    munmap(t, oc_refusals_size(ENTRIES));
}

/* In and out of the same mutex, all at once. */
static void crowd(void)
{
    oc_refusals_t *t = shared_table(ENTRIES);
    pid_t pid[4];
    int good = 0;

    for (int i = 0; i < 4; ++i) {
        if ((pid[i] = fork()) == 0) {
            alarm(30);
            for (int n = 0; n < 50000; ++n) {
                if (oc_refusals_begin(t, mac(i), 7 + i, in(15)) != OC_MARK_NONE) {
                    _exit(1);
                }
                oc_refusals_end(t, mac(i), 7 + i);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < 4; ++i) {
        good += waited(pid[i]) == 0;
    }
    is_int(good, 4, "four children at it for a while, each with its own marks");
    munmap(t, oc_refusals_size(ENTRIES));
}

static int refuses(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    (void)w, (void)s, (void)headers, (void)body;
    usleep(30000); /* so that the others meet the mark */
    return 401;
}

/* One child of four: five jobs with the wrong password each. Counts what it sent. */
static int child(oc_refusals_t *t, int start_at)
{
    world_t *w = world_create(t);
    int refused = 0, sent;
    char go;

    if (read(start_at, &go, 1) < 0) { /* all begin when the parent closes the pipe */
        return 99;
    }
    for (int i = 0; i < 5; ++i) {
        world_wish(world_basic(w, OC_UPSTREAM_BASIC, "ana", "wrong"), "GET", "/exchange/ana/", 0,
                   0);
    }
    for (int rounds = 0; !world_all_done(w) && rounds < 300; ++rounds) {
        world_run(w, refuses);
        usleep(10000);
    }
    for (int i = 0; i < 5; ++i) {
        refused += w->person[i]->call->result.reason == OC_REASON_PASSWORD_REFUSED;
    }
    sent = w->sent;
    world_destroy(w);
    return refused == 5 ? sent : 99;
}

static void children(void)
{
    oc_refusals_t *t = shared_table(ENTRIES);
    int start[2], sent = 0;
    pid_t pid[4];

    if (pipe(start) != 0) {
        return;
    }
    for (int i = 0; i < 4; ++i) {
        if ((pid[i] = fork()) == 0) {
            close(start[1]);
            _exit(child(t, start[0]));
        }
    }
    close(start[1]);
    for (int i = 0; i < 4; ++i) {
        sent += waited(pid[i]);
    }
    close(start[0]);
    is_int(sent, 1, "four children, twenty jobs, one wrong password: sent once, refused to all");
    munmap(t, oc_refusals_size(ENTRIES));
}

/* What one child proves, the next one need not fear. */
static void proof_ends_the_mark(void)
{
    oc_refusals_t *t = shared_table(ENTRIES);
    world_t *a = world_create(t), *b = world_create(t);
    person_t *p = world_basic(a, OC_UPSTREAM_BASIC, "ana", "good");
    person_t *q = world_basic(b, OC_UPSTREAM_BASIC, "ana", "good");

    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    world_wish(q, "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(a), 1, "one child tries");
    is_int(world_pump(b), 0, "the other waits");
    ok(q->job->wake_at > oc_clock_mono(), "and will look again");
    ok(q->job->wake_at <= oc_clock_mono() + apr_time_from_msec(100), "soon");
    world_reply(a, 0, 200, NULL, NULL);
    world_pump(a);
    oc_clock_advance(apr_time_from_msec(100));
    is_int(world_pump(b), 1, "after the proof it is the other's turn");
    world_reply(b, 0, 200, NULL, NULL);
    world_pump(b);

    q = world_basic(b, OC_UPSTREAM_BASIC, "ana", "good");
    world_wish(q, "GET", "/exchange/ana/", 0, 0);
    world_wish(q, "GET", "/exchange/ana/", 0, 1);
    world_pump(b);
    world_reply(b, 0, 200, NULL, NULL);
    p = world_basic(a, OC_UPSTREAM_BASIC, "ana", "good");
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    oc_clock_advance(apr_time_from_sec(3600)); /* the one's session ages away */
    world_pump(a);
    world_reply(a, 0, 401, NULL, NULL);
    world_pump(a);
    is_int(world_pump(b), 0, "refused in one child, a login proven long ago in another ends");
    is_int(q->call->result.reason, OC_REASON_PASSWORD_REFUSED, "and says so");
    world_destroy(a);
    world_destroy(b);
    munmap(t, oc_refusals_size(ENTRIES));
}

int main(void)
{
    apr_initialize();
    marks();
    bounded();
    killed_child();
    crowd();
    children();
    proof_ends_the_mark();
    return done_testing();
}
