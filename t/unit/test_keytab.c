/* Acting for others with the service's own key, against a throw-away realm with a directory: what
 * is wrong with a keytab, whose ticket it is, what is kept and for how long, and what a KDC's
 * silence does. Needs krb5kdc and slapd; the programs of t/lab are called from the checkout. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "auth/keytab.h"
#include "auth/s4u.h"
#include "auth/tokens.h"
#include "auth_world.h"
#include "tap.h"

#define EXCHANGE "HTTP@exchange.test"

static char lab[] = "/tmp/owacal-s4u-XXXXXX";
static char front[200];
static apr_pool_t *pool;

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
    char line[1000];
    va_list args;
    int status;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int lab_up(void)
{
    char conf[200];
    int status;

    if (access("t/lab/kdc-up.sh", X_OK) != 0 || !mkdtemp(lab)) {
        return 77;
    }
    status = shell("KDC_BACKEND=ldap t/lab/kdc-up.sh %s >%s/up.out 2>%s/up.err", lab, lab, lab);
    snprintf(conf, sizeof(conf), "%s/krb5.conf", lab);
    setenv("KRB5_CONFIG", conf, 1);
    snprintf(front, sizeof(front), "%s/keytabs/front.keytab", lab);
    return status;
}

static void lab_down(void)
{
    shell("t/lab/kdc-down.sh %s >/dev/null 2>&1", lab);
    shell("rm -rf %s", lab);
}

static const char *load(const char *file, const char *principal)
{
    return oc_keytab_load(oc_keytab_declare(pool, file, principal), pool);
}

static oc_keytab_t *loaded(void)
{
    oc_keytab_t *keytab = oc_keytab_declare(pool, front, NULL);

    oc_keytab_load(keytab, pool);
    return keytab;
}

/* ---- the file ---- */

static void says(const char *name, const char *principal, const char *what)
{
    const char *error = load(apr_psprintf(pool, "%s/keytabs/%s", lab, name), principal);

    ok(error && strstr(error, what) != NULL, "%s: %s", name, error ? error : "(nothing)");
}

static void files(void)
{
    oc_keytab_t *keytab = oc_keytab_declare(pool, front, NULL);

    ok(!oc_keytab_principal(keytab), "not loaded yet: no name");
    ok(!oc_keytab_load(keytab, pool), "a keytab is read");
    is_str(oc_keytab_principal(keytab), "HTTP/intranet.test@INTRANET.TEST", "whose it is");
    ok(oc_keytab_declare(pool, front, NULL) == keytab, "the same pair is one");
    ok(oc_keytab_declare(pool, front, "x@Y") != keytab, "another principal is another");
    ok(!load(front, "HTTP/intranet.test@INTRANET.TEST"), "by its name, too");
    shell("cd %s/keytabs; umask 077; mkdir dir; mkfifo fifo; : >empty; echo rubbish >rubbish; "
          "head -c 40 front.keytab >cut; cp front.keytab open; chmod 604 open; cp front.keytab "
          "group; "
          "chmod 660 group; truncate -s 1G huge; ln -s front.keytab link; ln -s gone broken",
          lab);
    says("gone", NULL, "no such file");
    says("dir", NULL, "not a regular file");
    says("fifo", NULL, "not a regular file");
    says("empty", NULL, "is empty");
    says("rubbish", NULL, "not a keytab");
    says("cut", NULL, "holds no key");
    says("open", NULL, "chmod 600");
    says("group", NULL, "chmod 600");
    says("huge", NULL, "too large");
    says("broken", NULL, "no such file");
    says("front.keytab", "HTTP/elsewhere.test@INTRANET.TEST", "no key of HTTP/elsewhere.test");
    ok(!load(apr_psprintf(pool, "%s/keytabs/link", lab), NULL), "a symbolic link is followed");
}

/* ---- tickets ---- */

static oc_s4u_ticket_t *get(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                            const char *spn, oc_reason_t reason)
{
    oc_krb5_why_t why;
    oc_s4u_ticket_t *t = oc_s4u_get(store, keytab, principal, spn, &why);

    is_int(why.reason, reason, "%s for %s: %s", principal, spn, why.detail);
    return t;
}

static void refused(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                    const char *spn, oc_reason_t reason)
{
    ok(!get(store, keytab, principal, spn, reason), "  no ticket");
}

static int good_token(const oc_s4u_ticket_t *t, const char *principal)
{
    oc_krb5_why_t why;
    char *text = NULL;
    oc_krb5_t *k = oc_krb5_make(oc_s4u_ccache(t), EXCHANGE, principal, 0, &text, &why);

    if (k) {
        oc_krb5_close(k);
    } else {
        diag("%s", why.detail);
    }
    free(text);
    return k != NULL;
}

static void persons(void)
{
    oc_keytab_t *keytab = loaded();
    oc_keytab_t *other = oc_keytab_declare(pool, apr_psprintf(pool, "%s/keytabs/other.keytab", lab),
                                           NULL);
    oc_s4u_t *store = oc_s4u_create(100);
    oc_s4u_ticket_t *alice, *bob, *again;
    oc_s4u_stats_t stats;
    unsigned own;

    ok(!oc_keytab_load(other, pool), "another service's keytab");
    ok(!oc_s4u_find(store, keytab, "alice@INTRANET.TEST", EXCHANGE), "nothing at first");
    ok(oc_s4u_left(store, keytab, "alice@INTRANET.TEST", EXCHANGE) == 0, "which lives no time");
    alice = get(store, keytab, "alice@INTRANET.TEST", EXCHANGE, OC_REASON_OK);
    bob = get(store, keytab, "bob@INTRANET.TEST", EXCHANGE, OC_REASON_OK);
    ok(good_token(alice, "alice@INTRANET.TEST"), "a token for alice, without a KDC");
    ok(good_token(bob, "bob@INTRANET.TEST"), "and for bob");
    ok(!good_token(alice, "bob@INTRANET.TEST"), "alice's is not bob's");
    ok(oc_s4u_left(store, keytab, "alice@INTRANET.TEST", EXCHANGE) > apr_time_from_sec(60)
           && oc_s4u_left(store, keytab, "alice", EXCHANGE) == 0,
       "kept for a while, for her");
    again = oc_s4u_find(store, keytab, "alice@INTRANET.TEST", EXCHANGE);
    ok(again == alice, "hers is found again");
    oc_s4u_release(store, again);
    ok(!oc_s4u_find(store, keytab, "alice@intranet.test", EXCHANGE)
           && !oc_s4u_find(store, keytab, "alice", EXCHANGE)
           && !oc_s4u_find(store, keytab, "alice@INTRANET.TEST", "HTTP@other.test")
           && !oc_s4u_find(store, other, "alice@INTRANET.TEST", EXCHANGE),
       "under no other name, server or keytab");
    oc_s4u_stats(store, &stats);
    is_int(stats.kept, 2, "two are kept");
    is_int(stats.own, 1, "with one ticket of the service's own");

    refused(store, keytab, "carol@INTRANET.TEST", EXCHANGE, OC_REASON_DELEGATION_REFUSED);
    refused(store, keytab, "nobody@INTRANET.TEST", EXCHANGE, OC_REASON_UNKNOWN_PRINCIPAL);
    refused(store, keytab, "alice@INTRANET.TEST", "HTTP@other.test", OC_REASON_DELEGATION_REFUSED);
    refused(store, other, "alice@INTRANET.TEST", EXCHANGE, OC_REASON_DELEGATION_REFUSED);
    refused(store, keytab, "a\\lice@INTRANET.TEST", EXCHANGE, OC_REASON_IDENTITY_MISMATCH);
    refused(store, keytab, "alice", EXCHANGE, OC_REASON_IDENTITY_MISMATCH);
    refused(store, keytab, "alice@x@INTRANET.TEST", EXCHANGE, OC_REASON_IDENTITY_MISMATCH);
    refused(store, keytab, "", EXCHANGE, OC_REASON_IDENTITY_MISMATCH);
    refused(store, keytab, "alice/@INTRANET.TEST", EXCHANGE, OC_REASON_UNKNOWN_PRINCIPAL);
    refused(store, keytab, "alice@INTRANET.TEST", "HTTP@unknown.test", OC_REASON_MISCONFIGURED);
    oc_s4u_stats(store, &stats);
    is_int(stats.kept, 2, "nothing of that is kept");

    oc_s4u_forget(store, alice);
    ok(!oc_s4u_find(store, keytab, "alice@INTRANET.TEST", EXCHANGE), "forgotten: not found");
    ok(oc_s4u_left(store, keytab, "alice@INTRANET.TEST", EXCHANGE) == 0, "  nor told of");
    ok(good_token(alice, "alice@INTRANET.TEST"), "but good for whoever holds it");
    oc_s4u_release(store, alice);
    oc_s4u_release(store, bob);

    oc_clock_advance(apr_time_from_sec(8 * 3600));
    ok(!oc_s4u_find(store, keytab, "bob@INTRANET.TEST", EXCHANGE),
       "not when it is about to expire");
    oc_s4u_stats(store, &stats);
    is_int(stats.kept, 0, "and gone");
    is_int(stats.bytes, 0, "with all its bytes");
    own = stats.own;
    bob = get(store, keytab, "bob@INTRANET.TEST", EXCHANGE, OC_REASON_OK);
    oc_s4u_stats(store, &stats);
    is_int(stats.own, own + 1, "then the service's own ticket is new, too");
    oc_s4u_release(store, bob);
    oc_s4u_free(store);
}

static void bounded(void)
{
    oc_keytab_t *keytab = loaded();
    oc_s4u_t *store = oc_s4u_create(1);
    oc_s4u_ticket_t *alice = get(store, keytab, "alice@INTRANET.TEST", EXCHANGE, OC_REASON_OK);
    oc_s4u_ticket_t *bob = get(store, keytab, "bob@INTRANET.TEST", EXCHANGE, OC_REASON_OK);
    oc_s4u_stats_t stats;

    oc_s4u_stats(store, &stats);
    is_int(stats.kept, 1, "no more are kept than is allowed");
    ok(!oc_s4u_find(store, keytab, "alice@INTRANET.TEST", EXCHANGE), "the older gave way");
    ok(good_token(alice, "alice@INTRANET.TEST"), "who holds it can use it");
    oc_s4u_release(store, alice);
    oc_s4u_release(store, bob);
    oc_s4u_free(store);
}

/* ---- threads ---- */

typedef struct user_t {
    pthread_t thread;
    oc_s4u_t *store;
    const oc_keytab_t *keytab;
    int wrong;
} user_t;

static void *use(void *data)
{
    user_t *u = data;

    for (int i = 0; i < 12; ++i) {
        const char *who = i & 1 ? "alice@INTRANET.TEST" : "bob@INTRANET.TEST";
        oc_krb5_why_t why;
        oc_s4u_ticket_t *t = oc_s4u_find(u->store, u->keytab, who, EXCHANGE);

        if (!t) {
            t = oc_s4u_get(u->store, u->keytab, who, EXCHANGE, &why);
        }
        u->wrong += !t || strcmp(oc_s4u_owner(t), who) != 0 || !good_token(t, who);
        if (t && i % 4 == 3) {
            oc_s4u_forget(u->store, t);
        }
        if (t) {
            oc_s4u_release(u->store, t);
        }
        oc_clock_advance(apr_time_from_sec(1200)); /* all lives end during the test */
    }
    return NULL;
}

static void threads(void)
{
    oc_s4u_t *store = oc_s4u_create(100);
    user_t u[6];
    oc_s4u_stats_t stats;
    int wrong = 0;

    for (int i = 0; i < 6; ++i) {
        u[i].store = store;
        u[i].keytab = loaded();
        u[i].wrong = 0;
    }
    for (int i = 0; i < 6; ++i) {
        pthread_create(&u[i].thread, NULL, use, &u[i]);
    }
    for (int i = 0; i < 6; ++i) {
        pthread_join(u[i].thread, NULL);
        wrong += u[i].wrong;
    }
    is_int(wrong, 0, "six threads: each ticket is the one's it is for");
    oc_s4u_stats(store, &stats);
    ok(stats.own > 1, "the service's own was renewed meanwhile (%u times)", stats.own);
    oc_s4u_free(store);
}

/* ---- keys and KDCs that do not serve; the last tests ---- */

static void keys_changed(void)
{
    oc_keytab_t *keytab = loaded();
    oc_s4u_t *store = oc_s4u_create(10);

    shell("KRB5_KDC_PROFILE=%s/kdc.conf kadmin.local -r INTRANET.TEST -q 'cpw -randkey "
          "HTTP/intranet.test' "
          ">/dev/null 2>&1",
          lab);
    refused(store, keytab, "alice@INTRANET.TEST", EXCHANGE, OC_REASON_MISCONFIGURED);
    shell("KRB5_KDC_PROFILE=%s/kdc.conf kadmin.local -r INTRANET.TEST -q 'ktadd -k %s "
          "HTTP/intranet.test' "
          ">/dev/null 2>&1",
          lab, front);
    refused(store, keytab, "alice@INTRANET.TEST", EXCHANGE, OC_REASON_MISCONFIGURED);
    ok(!oc_keytab_load(keytab, pool), "the new keytab is loaded");
    oc_s4u_release(store, get(store, keytab, "alice@INTRANET.TEST", EXCHANGE, OC_REASON_OK));
    oc_s4u_free(store);
}

static int status_of(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    (void)w;
    (void)s;
    (void)body;
    *headers = NULL;
    return 207;
}

static person_t *asks(world_t *w, const oc_keytab_t *keytab, const char *name)
{
    oc_call_t *call = oc_call_create(name, name, NULL);
    person_t *p = world_person(w, call, oc_identity_s4u(call, keytab, name));

    world_wish(p, "GET", "/exchange/", 0, 0);
    for (int i = 0; i < 10000 && !p->job->vt->done(p->job); ++i) {
        world_run(w, status_of);
        usleep(1000);
    }
    return p;
}

static void no_kdc(void)
{
    oc_keytab_t *keytab = loaded();
    world_t *w = world_create(NULL);
    person_t *p = asks(w, keytab, "alice");

    is_int(p->wish[0].status, 207, "alice is signed");
    is_str(oc_identity_key(p->id), "s4u:alice@INTRANET.TEST,HTTP%2Fintranet.test@INTRANET.TEST",
           "under her name and the service's");
    shell("kill $(cat %s/krb5kdc.pid); while kill -0 $(cat %s/krb5kdc.pid) 2>/dev/null; do sleep "
          "0.1; "
          "done",
          lab, lab);
    p = asks(w, keytab, "alice@INTRANET.TEST");
    is_int(p->wish[0].status, 207, "without a KDC her ticket serves on");
    p = asks(w, keytab, "bob");
    is_int(p->call->result.reason, OC_REASON_KDC_UNREACHABLE, "bob, who has none, is told");
    ok(p->call->result.retry_after > 0, "with a time to come back");
    p = asks(w, keytab, "alice");
    is_int(p->wish[0].status, 207, "alice goes on");
    world_destroy(w);
}

static void names(void)
{
    oc_keytab_t *keytab = loaded();
    oc_call_t *call = oc_call_create("x", "x", NULL);

    ok(!oc_identity_s4u(call, keytab, "EX\\alice"), "a Windows domain is no realm");
    is_int(call->result.reason, OC_REASON_IDENTITY_MISMATCH, "and that is said");
    ok(!oc_identity_s4u(call, keytab, ""), "nobody");
    ok(!oc_identity_s4u(call, oc_keytab_declare(pool, "/nowhere", NULL), "alice"), "no keytab");
    ok(strcmp(oc_identity_key(oc_identity_s4u(call, keytab, "a,b@R")),
              oc_identity_key(oc_identity_s4u(call, keytab, "a"))) != 0, "keys are distinct");
    apr_pool_destroy(call->pool);
}

static int tests(void)
{
    apr_pool_create(&pool, NULL);
    files();
    names();
    persons();
    bounded();
    threads();
    keys_changed();
    no_kdc();
    apr_pool_destroy(pool);
    return done_testing();
}

/* The tests run in a child, so that the KDC is stopped whatever becomes of them. */
int main(void)
{
    int status = lab_up();
    pid_t pid;

    if (status == 77) {
        return skip_all("no KDC programs with a directory, or not called from the checkout");
    }
    if (status != 0) {
        shell("cat %s/up.err >&2", lab);
        lab_down();
        return 1;
    }
    fflush(stdout);
    if ((pid = fork()) == 0) {
        apr_initialize();
        status = tests();
        fflush(stdout);
        _exit(status);
    }
    waitpid(pid, &status, 0);
    lab_down();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
