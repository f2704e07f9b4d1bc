/* Kerberos tokens against a throw-away realm: whose they are, why there is none, and that a silent
 * KDC harms only who asked it. Needs krb5kdc; the programs of t/lab are called from the
 * checkout. Long because all of it works with one realm and one server that takes its tickets. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_base64.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <krb5.h>

#include "auth/ccache.h"
#include "auth/krb5.h"
#include "auth/tokens.h"
#include "auth_world.h"
#include "tap.h"

static char lab[] = "/tmp/owacal-krb5-XXXXXX";
static char cc_alice[200], cc_bob[200];

/* ---- the realm ---- */

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
    status = shell("t/lab/kdc-up.sh %s >%s/up.out 2>%s/up.err", lab, lab, lab);
    snprintf(conf, sizeof(conf), "%s/krb5.conf", lab);
    setenv("KRB5_CONFIG", conf, 1);
    snprintf(cc_alice, sizeof(cc_alice), "FILE:%s/cc/alice", lab);
    snprintf(cc_bob, sizeof(cc_bob), "FILE:%s/cc/bob", lab);
    return status;
}

static void lab_down(void)
{
    shell("t/lab/kdc-down.sh %s >/dev/null 2>&1", lab);
    shell("rm -rf %s", lab);
}

/* ---- the calendar server's side: who is it, and the proof in return ---- */

static gss_cred_id_t acceptor;

static int acceptor_open(void)
{
    char keytab[200];
    OM_uint32 minor;
    gss_key_value_element_desc elements[] = {{"keytab", keytab}, {"rcache", "none:"}};
    gss_key_value_set_desc store = {2, elements};

    snprintf(keytab, sizeof(keytab), "FILE:%s/keytabs/back.keytab", lab);
    return gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, GSS_C_NO_OID_SET,
                                 GSS_C_ACCEPT, &store, &acceptor, NULL, NULL) == GSS_S_COMPLETE;
}

/* The principal of a token, or "" if it is refused; the answer's base64 in `answer`. */
static void accept_token(const char *text, char *name, size_t name_size, char *answer,
                         size_t answer_size)
{
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_buffer_desc in, out = GSS_C_EMPTY_BUFFER, shown = GSS_C_EMPTY_BUFFER;
    gss_name_t client = GSS_C_NO_NAME;
    OM_uint32 minor;

    *name = *answer = '\0';
    in.value = malloc((size_t)apr_base64_decode_len(text) + 1);
    in.length = (size_t)apr_base64_decode_binary(in.value, text);
    if (gss_accept_sec_context(&minor, &context, acceptor, &in, GSS_C_NO_CHANNEL_BINDINGS, &client,
                               NULL, &out, NULL, NULL, NULL) == GSS_S_COMPLETE
        && gss_display_name(&minor, client, &shown, NULL) == GSS_S_COMPLETE) {
        snprintf(name, name_size, "%.*s", (int)shown.length, (char *)shown.value);
        if (out.length > 0 && (size_t)apr_base64_encode_len((int)out.length) < answer_size) {
            apr_base64_encode_binary(answer, out.value, (int)out.length);
        }
    }
    free(in.value);
    gss_release_buffer(&minor, &shown);
    gss_release_buffer(&minor, &out);
    gss_release_name(&minor, &client);
    gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
}

static enum { PROVES, SILENT_ON_PROOF, FALSE_PROOF, REFUSES, REFUSES_LATE } manner;
static int mixed_up, accepted_tokens;

static int server(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    static char line[4096];
    char name[200], answer[3000], claimed[200];
    const char *token = s->x->authorization;
    char *at;

    (void)w;
    if (!token || strncmp(token, "Negotiate ", 10) != 0 || manner == REFUSES
        || manner == REFUSES_LATE) {
        *headers = manner == REFUSES_LATE ? "Date: Sun, 06 Nov 1994 08:49:37 GMT"
                                          : "WWW-Authenticate: Negotiate";
        return 401;
    }
    accept_token(token + 10, name, sizeof(name), answer, sizeof(answer));
    snprintf(claimed, sizeof(claimed), "%s", s->by->call->user);
    if ((at = strchr(claimed, '@')) != NULL) {
        *at = '\0';
    }
    accepted_tokens += *name != '\0';
    mixed_up += strncmp(name, claimed, strlen(claimed)) != 0 || name[strlen(claimed)] != '@';
    if (manner == FALSE_PROOF) {
        answer[strlen(answer) / 2] ^= 3;
    }
    snprintf(line, sizeof(line), "WWW-Authenticate: Negotiate %s", answer);
    *headers = manner == SILENT_ON_PROOF ? NULL : line;
    *body = "<ok/>";
    return *name ? 207 : 401;
}

/* Works all jobs, with real time for the GSS threads; at most that many seconds. */
static int run(world_t *w, int seconds)
{
    for (int i = 0; i < seconds * 1000 && !world_all_done(w); ++i) {
        world_run(w, server);
        if (!world_all_done(w)) {
            usleep(1000);
        }
    }
    return world_all_done(w);
}

static world_t *fresh(const char *scheme)
{
    world_t *w = world_create(NULL);

    w->site.scheme = scheme;
    w->site.port = strcmp(scheme, "https") == 0 ? 443 : 80;
    manner = PROVES;
    mixed_up = accepted_tokens = 0;
    return w;
}

/* ---- tests ---- */

static void signs(void)
{
    world_t *w = fresh("http");
    person_t *p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");

    world_wish(p, "PROPFIND", "/exchange/alice/", 0, 0);
    world_wish(p, "PROPPATCH", "/exchange/alice/x", 1, 1);
    world_wish(p, "MOVE", "/exchange/alice/x", 1, 1);
    ok(run(w, 10), "a job with three exchanges ends");
    is_int(accepted_tokens, 3, "each with a token of its own that the server takes");
    is_int(mixed_up, 0, "as alice");
    is_int(p->wish[2].status, 207, "the replies arrive");
    is_str(p->wish[0].body, "<ok/>", "with their bodies");
    is_int(p->call->result.reason, OC_REASON_OK, "nothing failed");
    is_str(oc_identity_key(p->id), "krb5:alice@INTRANET.TEST", "the key is the principal");
    ok(!p->wish[0].x->authorization, "the token is gone from the exchange");
    world_destroy(w);
}

static void mixes(void)
{
    world_t *w = fresh("https");
    int good = 0;

    for (int i = 0; i < 40; ++i) {
        person_t *p = i & 1 ? world_delegated(w, cc_bob, "bob@INTRANET.TEST")
                            : world_delegated(w, cc_alice, "alice");
        for (int n = 0; n < 4; ++n) {
            world_wish(p, "GET", "/exchange/", 0, n > 1);
        }
    }
    ok(run(w, 20), "forty jobs, alice's and bob's");
    for (int i = 0; i < 40; ++i) {
        good += w->person[i]->wish[3].status == 207;
    }
    is_int(good, 40, "all are answered");
    is_int(accepted_tokens, 160, "every token is good");
    is_int(mixed_up, 0, "and is its owner's");
    world_destroy(w);
}

typedef struct maker_t {
    pthread_t thread;
    int bob, wrong, made;
} maker_t;

static pthread_mutex_t accept_lock = PTHREAD_MUTEX_INITIALIZER;

static void *maker(void *data)
{
    maker_t *m = data;
    char name[200], answer[3000], *text;
    oc_krb5_why_t why;

    for (int i = 0; i < 25; ++i) {
        const char *who = (i + m->bob) & 1 ? "bob@INTRANET.TEST" : "alice@INTRANET.TEST";
        oc_krb5_t *k = oc_krb5_make(*who == 'b' ? cc_bob : cc_alice, "HTTP@exchange.test", who,
                                   1, &text, &why);
        if (!k) {
            ++m->wrong;
            continue;
        }
        pthread_mutex_lock(&accept_lock);
        accept_token(text, name, sizeof(name), answer, sizeof(answer));
        pthread_mutex_unlock(&accept_lock);
        m->made += strcmp(name, who) == 0;
        oc_krb5_verify(k, answer, &why);
        m->wrong += strcmp(name, who) != 0 || why.reason != OC_REASON_OK;
        free(text);
        oc_krb5_close(k);
    }
    return NULL;
}

static void threads(void)
{
    maker_t m[8] = {{0, 0, 0, 0}};
    int made = 0, wrong = 0;

    for (int i = 0; i < 8; ++i) {
        m[i].bob = i;
        pthread_create(&m[i].thread, NULL, maker, &m[i]);
    }
    for (int i = 0; i < 8; ++i) {
        pthread_join(m[i].thread, NULL);
        made += m[i].made;
        wrong += m[i].wrong;
    }
    is_int(made, 200, "eight threads, alice and bob by turns: all tokens are made");
    is_int(wrong, 0, "no mix-up, and every answer verifies");
}

static oc_reason_t why_not(const char *ccache, const char *spn, const char *principal)
{
    char *text = NULL;
    oc_krb5_why_t why;
    oc_krb5_t *k = oc_krb5_make(ccache, spn, principal, 1, &text, &why);

    if (k) {
        oc_krb5_close(k);
    } else {
        diag("%s", why.detail);
    }
    free(text);
    return why.reason;
}

/* Files that are not what the login module leaves: refused before the library sees them. */
static void files(void)
{
    static const struct {
        const char *name, *detail;
    } rows[] = {
        {"FILE:%s/cc/absent", "not there"},
        {"FILE:%s/cc/empty", "empty"},
        {"FILE:%s/cc/directory", "a directory"},
        {"FILE:%s/cc/fifo", "not a regular file"},
        {"FILE:%s/cc/link", "symbolic link"},
        {"FILE:%s/cc/readable", "accessible to others (mode 0604"},
        {"FILE:%s/cc/writable", "accessible to others (mode 0620"},
        {"FILE:%s/cc/foreign", "owned by user id 65534"},
        {"FILE:%s/cc/huge", "too large"},
        {"DIR::%s/cc/link", "symbolic link"},
    };
    char path[300];

    shell("cd %s/cc; umask 077; mkdir directory; mkfifo fifo; ln -s alice link; cp alice readable; "
          "cp alice writable; cp alice foreign; cp alice huge; chmod 604 readable; chmod 620 "
          "writable; "
          "chown 65534 foreign 2>/dev/null; truncate -s 1G huge; cp alice tktgood",
          lab);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        char *text = NULL;
        oc_krb5_why_t why;

        if (strstr(rows[i].name, "foreign") && geteuid() != 0) {
            continue;
        }
        snprintf(path, sizeof(path), rows[i].name, lab);
        ok(!oc_krb5_make(path, "HTTP@exchange.test", "alice", 1, &text, &why), "%s: refused", path);
        is_int(why.reason, OC_REASON_NO_CREDENTIAL, "with the reason");
        ok(strstr(why.detail, rows[i].detail) != NULL, "and it is said why: %s", why.detail);
    }
    snprintf(path, sizeof(path), "DIR::%s/cc/tktgood", lab);
    is_int(why_not(path, "HTTP@exchange.test", "alice"), OC_REASON_OK, "a file of a DIR is good");
}

static void reasons(void)
{
    char path[300];

    is_int(why_not(cc_alice, "HTTP@exchange.test", "alice"), OC_REASON_OK,
           "a name without realm is of the default realm");
    is_int(why_not(cc_alice, "HTTP@exchange.test", "alice@intranet.test"), OC_REASON_OK,
           "the realm's case does not matter");
    is_int(why_not(cc_alice, "HTTP@exchange.test", "Alice@INTRANET.TEST"),
           OC_REASON_IDENTITY_MISMATCH, "the name's does");
    is_int(why_not(cc_alice, "HTTP@exchange.test", "bob@INTRANET.TEST"),
           OC_REASON_IDENTITY_MISMATCH, "another's credential is not used");
    is_int(why_not(cc_alice, "HTTP@exchange.test", "alice@OTHER.TEST"),
           OC_REASON_IDENTITY_MISMATCH, "nor one of another realm");
    is_int(why_not(cc_alice, "HTTP@exchange.test", "alice\\@INTRANET.TEST"),
           OC_REASON_IDENTITY_MISMATCH, "an escaped @ is part of a name");
    is_int(why_not(cc_alice, "HTTP/exchange.test@INTRANET.TEST", "alice"), OC_REASON_OK,
           "a target may be written as a principal");
    is_int(why_not(cc_alice, "HTTP@unknown.test", "alice"), OC_REASON_MISCONFIGURED,
           "a server unknown to the KDC");

    snprintf(path, sizeof(path), "FILE:%s/cc/nobody", lab);
    is_int(why_not(path, "HTTP@exchange.test", "alice"), OC_REASON_NO_CREDENTIAL, "no cache");
    setenv("KRB5CCNAME", cc_alice, 1);
    is_int(why_not(path, "HTTP@exchange.test", "alice"), OC_REASON_NO_CREDENTIAL,
           "then the environment's is not used either");
    unsetenv("KRB5CCNAME");
    snprintf(path, sizeof(path), "%s/keytabs/front.keytab", lab);
    setenv("KRB5_CLIENT_KTNAME", path, 1);
    snprintf(path, sizeof(path), "FILE:%s/cc/nobody", lab);
    is_int(why_not(path, "HTTP@exchange.test", "HTTP/intranet.test"), OC_REASON_NO_CREDENTIAL,
           "nor is one made with the process's client keytab");
    ok(access(path + 5, F_OK) != 0, "no cache appears");
    unsetenv("KRB5_CLIENT_KTNAME");
    shell(
        "cd %s/cc; umask 077; : >empty; head -c 300 /dev/urandom >rubbish; head -c 100 alice >cut",
        lab);
    snprintf(path, sizeof(path), "FILE:%s/cc/empty", lab);
    is_int(why_not(path, "HTTP@exchange.test", "alice"), OC_REASON_NO_CREDENTIAL, "an empty cache");
    snprintf(path, sizeof(path), "FILE:%s/cc/rubbish", lab);
    is_int(why_not(path, "HTTP@exchange.test", "alice"), OC_REASON_NO_CREDENTIAL, "a damaged one");
    snprintf(path, sizeof(path), "FILE:%s/cc/cut", lab);
    is_int(why_not(path, "HTTP@exchange.test", "alice"), OC_REASON_NO_CREDENTIAL, "a cut one");
    shell("echo pw-alice | kinit -l 2s -c FILE:%s/cc/short alice >/dev/null 2>&1; sleep 3", lab);
    snprintf(path, sizeof(path), "FILE:%s/cc/short", lab);
    is_int(why_not(path, "HTTP@exchange.test", "alice"), OC_REASON_CREDENTIAL_EXPIRED, "expired");

    files();

    ok(!oc_ccache_refused("FILE:/tmp/x") && !oc_ccache_refused("DIR::/tmp/x/tkt") &&
           !oc_ccache_refused("MEMORY:x"),
       "files, directories and memory are good types");
    ok(oc_ccache_refused("FILE:x") && oc_ccache_refused("/tmp/x") &&
           oc_ccache_refused("KEYRING:x") && oc_ccache_refused("KCM:") &&
           oc_ccache_refused("MEMORY:") && oc_ccache_refused("DIR:x") &&
           oc_ccache_refused("DIR:/tmp/x") && oc_ccache_refused(""),
       "relative paths and other types are not");
}

static void proofs(void)
{
    static const struct {
        const char *scheme;
        int manner;
        oc_outcome_t outcome;
        oc_reason_t reason;
        const char *what;
    } rows[] = {
        {"http", PROVES, OC_X_REPLIED, OC_REASON_OK, "a proof"},
        {"http", SILENT_ON_PROOF, OC_X_LOST, OC_REASON_UPSTREAM_PROTOCOL, "no proof"},
        {"http", FALSE_PROOF, OC_X_LOST, OC_REASON_UPSTREAM_PROTOCOL, "a false proof"},
        {"https", SILENT_ON_PROOF, OC_X_REPLIED, OC_REASON_OK, "TLS, where none is needed"},
        {"http", REFUSES, OC_X_NOT_SENT, OC_REASON_TOKEN_REFUSED, "a refusal"},
        {"https", REFUSES_LATE, OC_X_NOT_SENT, OC_REASON_CLOCK_SKEW, "a refusal by another clock"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        world_t *w = fresh(rows[i].scheme);
        person_t *p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");

        manner = rows[i].manner;
        world_wish(p, "MOVE", "/exchange/alice/x", 1, 0);
        ok(run(w, 10), "%s: the job ends", rows[i].what);
        is_int(p->wish[0].outcome, rows[i].outcome, "%s: the outcome", rows[i].what);
        is_int(p->call->result.reason, rows[i].reason, "%s: the reason", rows[i].what);
        is_int(p->wish[0].ends, 1, "%s: one end", rows[i].what);
        is_int(world_count(w, "MOVE"), 1, "%s: sent once", rows[i].what);
        world_destroy(w);
    }
}

static void no_rights(void)
{
    world_t *w = fresh("https");
    person_t *p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");

    oc_identity_home(p->id, "/exchange/alice/");
    world_wish(p, "PROPFIND", "/exchange/boardroom/", 0, 0);
    while (world_pump(w) == 0) {
        usleep(1000);
    }
    world_reply(w, 0, 401, NULL, NULL);
    while (world_pump(w) == 0) {
        usleep(1000);
    }
    ok(strstr(w->flight[0].seen, "PROPFIND /exchange/alice/ [Negotiate") != NULL,
       "a 401 at first: a look at home settles it");
    world_reply(w, 0, 207, NULL, NULL);
    world_pump(w);
    is_int(p->wish[0].status, 401, "it was that path");
    is_int(p->call->result.reason, OC_REASON_OK, "not the login");
    ok(world_all_done(w), "the job is done");
    world_destroy(w);
}

/* The server knew the person a moment ago, and now it takes no ticket any more: that is not a
 * matter of the path. */
static void later_refused(void)
{
    world_t *w = fresh("https");
    person_t *p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");

    oc_identity_home(p->id, "/exchange/alice/");
    world_wish(p, "PROPFIND", "/exchange/alice/", 0, 0);
    ok(run(w, 10), "the login is proved");
    p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");
    oc_identity_home(p->id, "/exchange/alice/");
    world_wish(p, "PROPFIND", "/exchange/boardroom/", 0, 0);
    manner = REFUSES_LATE;
    ok(run(w, 10), "the next job ends");
    is_int(p->call->result.reason, OC_REASON_CLOCK_SKEW, "the clocks are told of");
    world_destroy(w);
}

/* Without TLS, whoever answers may say "accepted": that must not make the person known, or a later
 * refusal of the login would be taken for one of that path. */
static void forged_success(void)
{
    static const struct {
        const char *scheme;
        int manner; /* of the first reply */
        int heads; /* 1: taken for a matter of the path */
        oc_reason_t reason;
        const char *what;
    } rows[] = {
        {"http", SILENT_ON_PROOF, 0, OC_REASON_TOKEN_REFUSED, "no proof: it proves nothing"},
        {"http", FALSE_PROOF, 0, OC_REASON_TOKEN_REFUSED, "a false proof: it proves nothing"},
        /* but that 401 has no proof either */
        {"http", PROVES, 1, OC_REASON_UPSTREAM_PROTOCOL, "a proof: the person is known"},
        {"https", SILENT_ON_PROOF, 1, OC_REASON_OK, "TLS: the person is known"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        world_t *w = fresh(rows[i].scheme);
        person_t *p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");

        manner = rows[i].manner;
        world_wish(p, "GET", "/exchange/alice/", 0, 0);
        ok(run(w, 10), "%s: the first job ends", rows[i].what);
        p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");
        manner = REFUSES;
        world_wish(p, "GET", "/exchange/boardroom/", 0, 0);
        ok(run(w, 10), "%s: the next job ends", rows[i].what);
        is_int(p->call->result.reason, rows[i].reason, "%s: a 401 that follows", rows[i].what);
        is_int(p->wish[0].heads, rows[i].heads, "%s: whose matter it is",
               rows[i].what);
        world_destroy(w);
    }
}

/* The same for the look at home that a doubtful "no" is settled by. */
static void forged_look(int how, oc_reason_t reason, int status, const char *what)
{
    world_t *w = fresh("http");
    person_t *p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");

    oc_identity_home(p->id, "/exchange/alice/");
    world_wish(p, "PROPFIND", "/exchange/boardroom/", 0, 0);
    for (int i = 0; i < 10000 && world_pump(w) == 0; ++i) {
        usleep(1000);
    }
    world_reply(w, 0, 401, NULL, NULL);
    manner = how;
    ok(run(w, 10), "%s: the job ends", what);
    is_int(p->call->result.reason, reason, "%s: the reason", what);
    is_int(p->wish[0].status, status, "%s: the status handed on", what);
    is_int(p->wish[0].ends, 1, "%s: one end", what);
    world_destroy(w);
}

/* Waits until something is sent, with real time for the GSS threads. */
static void await_sending(world_t *w)
{
    for (int i = 0; i < 10000 && world_pump(w) == 0 && !world_all_done(w); ++i) {
        usleep(1000);
    }
}

/* Connections that come to their end, or whose login the server forgets: what only reads is signed
 * anew and sent once more, over a new one; nothing more than that. */
static void used_connections(void)
{
    static const struct {
        const char *what;
        int used, writes;
        int first, second; /* statuses; 0 = it dies unanswered */
        int sent;
        oc_outcome_t outcome;
        oc_reason_t reason;
    } rows[] = {
        {"a read that dies", 1, 0, 0, 207, 2, OC_X_REPLIED, OC_REASON_OK},
        {"a read that dies twice", 1, 0, 0, 0, 2, OC_X_LOST, OC_REASON_OK},
        {"a read that dies on a new connection", 0, 0, 0, 207, 1, OC_X_LOST, OC_REASON_OK},
        {"a write that dies", 1, 1, 0, 207, 1, OC_X_LOST, OC_REASON_OK},
        {"a read that is refused", 1, 0, 401, 207, 2, OC_X_REPLIED, OC_REASON_OK},
        {"a read that is refused twice", 1, 0, 401, 401, 2, OC_X_NOT_SENT,
         OC_REASON_TOKEN_REFUSED},
        {"a read that dies, then is refused", 1, 0, 0, 401, 2, OC_X_NOT_SENT,
         OC_REASON_TOKEN_REFUSED},
        {"a read that is refused on a new connection", 0, 0, 401, 207, 1, OC_X_NOT_SENT,
         OC_REASON_TOKEN_REFUSED},
        {"a write that is refused", 1, 1, 401, 207, 1, OC_X_NOT_SENT, OC_REASON_TOKEN_REFUSED},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        world_t *w = fresh("https");
        person_t *p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");
        char *before = NULL;
        int n;

        w->reused = rows[i].used;
        oc_identity_home(p->id, "/exchange/alice/");
        world_wish(p, rows[i].writes ? "MOVE" : "PROPFIND", "/exchange/alice/", rows[i].writes, 0);
        for (n = 0; n < 5 && !world_all_done(w); ++n) {
            int status = n == 0 ? rows[i].first : rows[i].second;

            await_sending(w);
            if (w->flights == 0) {
                break;
            }
            /* A write's refusal is settled by a look at home. */
            status = n > 0 && rows[i].writes ? 401 : status;
            ok(w->flight[0].x->once && w->flight[0].x->fresh == (w->flight[0].x->attempt > 0),
               "%s: once%s", rows[i].what,
               w->flight[0].x->fresh ? ", over a new connection" : "");
            ok(!before || strcmp(before, w->flight[0].x->authorization) != 0, "%s: another token",
               rows[i].what);
            free(before);
            before = strdup(w->flight[0].x->authorization);
            if (status) {
                world_reply(w, 0, status, NULL, NULL);
            } else {
                world_no_reply(w, 0, OC_X_LOST);
            }
        }
        free(before);
        world_pump(w);
        ok(world_all_done(w), "%s: the job is done", rows[i].what);
        is_int(world_count(w, rows[i].writes ? "MOVE" : "PROPFIND"), rows[i].sent, "%s: sent",
               rows[i].what);
        is_int(p->wish[0].outcome, rows[i].outcome, "%s: the outcome", rows[i].what);
        is_int(p->call->result.reason, rows[i].reason, "%s: the reason", rows[i].what);
        is_int(p->wish[0].ends, 1, "%s: one end", rows[i].what);
        is_int(p->wish[0].heads, rows[i].outcome == OC_X_REPLIED, "%s: one head if any",
               rows[i].what);
        world_destroy(w);
    }
}

/* No rights in many places: each read is not asked twice for ever. */
static void refused_in_vain(void)
{
    world_t *w = fresh("https");
    person_t *p = world_delegated(w, cc_alice, "alice@INTRANET.TEST");

    w->reused = 1;
    oc_identity_home(p->id, "/exchange/alice/");
    world_wish(p, "PROPFIND", "/exchange/alice/", 0, 1);
    world_wish(p, "PROPFIND", "/exchange/one/", 0, 1);
    world_wish(p, "PROPFIND", "/exchange/two/", 0, 1);
    world_wish(p, "PROPFIND", "/exchange/three/", 0, 1);
    for (int n = 0; n < 20 && !world_all_done(w); ++n) {
        await_sending(w);
        if (w->flights > 0) {
            world_reply(w, 0, strstr(w->flight[0].seen, "/alice/") ? 207 : 401, NULL, NULL);
        }
    }
    ok(world_all_done(w), "no rights anywhere: the job is done");
    is_int(world_count(w, "/one/"), 2, "the first is tried again");
    is_int(world_count(w, "/two/") + world_count(w, "/three/"), 2, "the others are not");
    is_int(p->wish[1].status + p->wish[3].status, 802, "401 is their answer");
    is_int(p->call->result.reason, OC_REASON_OK, "the login is good");
    world_destroy(w);
}

/* Exported by the library, in no public header. */
extern krb5_error_code encode_krb5_ticket(const krb5_ticket *ticket, krb5_data **code);

/* A copy of the cache, with so many bytes more in its ticket for the calendar server. */
static krb5_error_code lengthen(const char *from, const char *to, unsigned by)
{
    krb5_context context;
    krb5_ccache a, b;
    krb5_creds want, ticket;
    krb5_ticket *open;
    krb5_data *code;
    char *longer;
    krb5_error_code rv;

    memset(&want, 0, sizeof(want));
    if ((rv = krb5_init_context(&context)) != 0 || (rv = krb5_cc_resolve(context, from, &a)) != 0
        || (rv = krb5_cc_resolve(context, to, &b)) != 0
        || (rv = krb5_cc_get_principal(context, a, &want.client)) != 0
        || (rv = krb5_parse_name(context, "HTTP/exchange.test@INTRANET.TEST", &want.server)) != 0
        || (rv = krb5_cc_initialize(context, b, want.client)) != 0
        || (rv = krb5_cc_retrieve_cred(context, a, 0, &want, &ticket)) != 0
        || (rv = krb5_decode_ticket(&ticket.ticket, &open)) != 0) {
        return rv;
    }
    longer = calloc(1, open->enc_part.ciphertext.length + by);
    memcpy(longer, open->enc_part.ciphertext.data, open->enc_part.ciphertext.length);
    free(open->enc_part.ciphertext.data);
    open->enc_part.ciphertext.data = longer;
    open->enc_part.ciphertext.length += by;
    if ((rv = encode_krb5_ticket(open, &code)) == 0) {
        krb5_free_data_contents(context, &ticket.ticket);
        ticket.ticket = *code;
        rv = krb5_cc_store_cred(context, b, &ticket);
        free(code);
    }
    krb5_free_ticket(context, open);
    krb5_free_cred_contents(context, &ticket);
    krb5_free_cred_contents(context, &want);
    krb5_cc_close(context, a);
    krb5_cc_close(context, b);
    krb5_free_context(context);
    return rv;
}

static char *longest; /* what stood on the exchange */

static int small_server(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    (void)w;
    (void)headers;
    (void)body;
    free(longest);
    longest = strdup(s->x->authorization ? s->x->authorization : "");
    return strlen(longest) > 16384 ? 400 : 207;
}

/* A person in so many groups that the ticket has 60 KB: here, a ticket with that much rubbish in
 * it, which the client does not look into. */
static void long_token(void)
{
    world_t *w = fresh("https");
    person_t *p;
    char path[200];

    snprintf(path, sizeof(path), "FILE:%s/cc/long", lab);
    is_int(lengthen(cc_alice, path, 45000), 0, "a cache with a long ticket");
    p = world_delegated(w, path, "alice@INTRANET.TEST");
    oc_identity_home(p->id, "/exchange/alice/");
    world_wish(p, "PROPFIND", "/exchange/alice/", 0, 0);
    for (int i = 0; i < 5000 && !world_all_done(w); ++i) {
        world_run(w, small_server);
        usleep(1000);
    }
    ok(strlen(longest) > 60000, "the whole token is sent (%d bytes)", (int)strlen(longest));
    is_int(p->call->result.reason, OC_REASON_TOKEN_REFUSED, "a server that takes no such header");
    ok(p->call->result.detail && strstr(p->call->result.detail, "MaxFieldLength") != NULL,
       "it is said what to do: %s", p->call->result.detail);
    world_destroy(w);
}

static void describes(void)
{
    oc_call_t *call = oc_call_create("alice", "alice", NULL);
    oc_identity_t *id = oc_identity_delegated(call, cc_alice, "alice@INTRANET.TEST");
    apr_table_t *facts = apr_table_make(call->pool, 8);

    is_int(oc_identity_describe(id, call->pool, facts, &call->result), APR_SUCCESS, "described");
    is_str(apr_table_get(facts, "principal"), "alice@INTRANET.TEST", "whose it is");
    ok(apr_table_get(facts, "expires") != NULL, "until when");
    ok(!oc_identity_delegated(call, NULL, "alice"), "no cache");
    is_int(call->result.reason, OC_REASON_NO_CREDENTIAL, "is no credential");
    ok(!oc_identity_delegated(call, "KEYRING:x", "alice"), "a keyring is not used");
    ok(!oc_identity_delegated(call, cc_alice, ""), "no name");
    apr_pool_destroy(call->pool);
}

/* ---- KDCs that do not answer: in a process of its own, with its own krb5.conf ---- */

static int listener(int type, int port)
{
    struct sockaddr_in a;
    int fd = socket(AF_INET, type, 0);

    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons((unsigned short)port);
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        close(fd);
        return -1;
    }
    if (type == SOCK_STREAM) {
        listen(fd, 64);
    }
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);

    getsockname(fd, (struct sockaddr *)&a, &len);
    return ntohs(a.sin_port);
}

static void other_kdc(const char *file, int port)
{
    char conf[200];

    shell("sed 's/kdc = 127.0.0.1:.*/kdc = 127.0.0.1:%d/' %s/krb5.conf >%s/%s", port, lab, lab,
          file);
    snprintf(conf, sizeof(conf), "%s/%s", lab, file);
    setenv("KRB5_CONFIG", conf, 1);
}

static int pump_until(world_t *w, person_t *p, int ms)
{
    for (int i = 0; i < ms && !p->job->vt->done(p->job); ++i) {
        world_run(w, server);
        usleep(1000);
    }
    return p->job->vt->done(p->job);
}

static void silent_kdc(void)
{
    int tcp = listener(SOCK_STREAM, 0), udp = listener(SOCK_DGRAM, port_of(tcp));
    world_t *w = fresh("https");
    person_t *a, *b, *c;
    oc_signer_stats_t stats;
    oc_mono_t began;
    char fresh_cc[200], fresh_bob[200];

    (void)udp; /* where that port is taken, it does not answer Kerberos either */
    snprintf(fresh_cc, sizeof(fresh_cc), "FILE:%s/cc/fresh", lab);
    shell("echo pw-alice | kinit -c %s alice >/dev/null 2>&1", fresh_cc);
    snprintf(fresh_bob, sizeof(fresh_bob), "FILE:%s/cc/fresh-bob", lab);
    shell("echo pw-bob | kinit -c %s bob >/dev/null 2>&1", fresh_bob);
    other_kdc("silent.conf", port_of(tcp));

    a = world_delegated(w, fresh_cc, "alice@INTRANET.TEST");
    world_wish(a, "GET", "/exchange/", 0, 0);
    ok(!pump_until(w, a, 300), "a ticket that a silent KDC has to make does not come");
    b = world_delegated(w, cc_bob, "bob@INTRANET.TEST"); /* whose service ticket is there */
    world_wish(b, "GET", "/exchange/", 0, 0);
    ok(pump_until(w, b, 3000), "another's token is made meanwhile");
    is_int(b->wish[0].status, 207, "and accepted");
    world_cancel(w, a, OC_CANCEL_DEADLINE);
    ok(a->job->vt->done(a->job), "who waits leaves at his deadline");
    is_int(a->wish[0].outcome, OC_X_TIMEOUT, "his exchange ends");
    is_int(a->call->result.reason, OC_REASON_KDC_UNREACHABLE, "with the reason");
    oc_clock_advance(apr_time_from_sec(4));
    oc_signer_stats(w->signer, &stats);
    is_int(stats.gss_stuck, 1, "the thread is counted as stuck");
    c = world_delegated(w, fresh_bob, "bob@INTRANET.TEST");
    world_wish(c, "GET", "/exchange/", 0, 0);
    ok(pump_until(w, c, 3000), "the next who needs it is answered at once");
    is_int(c->call->result.reason, OC_REASON_KDC_UNREACHABLE, "that it does not answer");
    ok(c->call->result.retry_after > 0, "with a time to come back");
    c = world_delegated(w, cc_bob, "bob@INTRANET.TEST");
    world_wish(c, "GET", "/exchange/", 0, 0);
    ok(pump_until(w, c, 3000), "whose ticket is there");
    is_int(c->wish[0].status, 207, "is served all the same");
    began = apr_time_now();
    oc_signer_stop(w->signer, apr_time_from_msec(200));
    ok(apr_time_now() - began < apr_time_from_sec(2), "stopping does not wait for it");
    c = world_delegated(w, cc_bob, "bob@INTRANET.TEST");
    world_wish(c, "GET", "/exchange/", 0, 0);
    world_pump(w);
    is_int(c->call->result.reason, OC_REASON_STOPPING, "and then nothing is begun");
    world_destroy(w);
    close(tcp);
}

/* One exchange of that person's, until it has ended. */
static person_t *asks(world_t *w, const char *ccache, const char *principal)
{
    person_t *p = world_delegated(w, ccache, principal);

    world_wish(p, "GET", "/exchange/", 0, 0);
    ok(pump_until(w, p, 10000), "%s is answered", principal);
    return p;
}

static void closed_kdc(void)
{
    int tcp = listener(SOCK_STREAM, 0), port = port_of(tcp);
    world_t *w = fresh("https");
    person_t *p;
    char fresh_cc[200], fresh_bob[200], conf[200];
    oc_signer_stats_t stats;

    close(tcp);
    snprintf(fresh_cc, sizeof(fresh_cc), "FILE:%s/cc/fresh", lab);
    snprintf(fresh_bob, sizeof(fresh_bob), "FILE:%s/cc/fresh-bob", lab);
    snprintf(conf, sizeof(conf), "%s/krb5.conf", lab);
    other_kdc("closed.conf", port);
    p = world_delegated(w, fresh_cc, "alice@INTRANET.TEST");
    world_wish(p, "GET", "/exchange/", 0, 0);
    ok(pump_until(w, p, 10000), "a KDC that is not there");
    is_int(p->call->result.reason, OC_REASON_KDC_UNREACHABLE, "is unreachable");
    p = asks(w, fresh_bob, "bob@INTRANET.TEST");
    is_int(p->call->result.reason, OC_REASON_KDC_UNREACHABLE,
           "the next of that realm: the breaker");
    p = asks(w, cc_bob, "bob@INTRANET.TEST");
    is_int(p->wish[0].status, 207, "a ticket that is there already serves");
    setenv("KRB5_CONFIG", conf, 1);
    p = asks(w, fresh_bob, "bob@INTRANET.TEST");
    is_int(p->call->result.reason, OC_REASON_KDC_UNREACHABLE, "the KDC is back, not yet noticed");
    oc_clock_advance(apr_time_from_sec(6));
    p = asks(w, fresh_bob, "bob@INTRANET.TEST");
    is_int(p->wish[0].status, 207, "after some seconds one tries, and it is");
    p = asks(w, fresh_cc, "alice@INTRANET.TEST");
    is_int(p->wish[0].status, 207, "and then everybody");
    oc_signer_stats(w->signer, &stats);
    is_int(stats.gss_busy + stats.gss_queued, 0, "no thread is busy");
    world_destroy(w);
}

static void full_queue(void)
{
    world_t *w = fresh("https");
    int busy = 0, queued = 0, n;
    const oc_token_source_t from = {cc_alice, NULL, "alice", "HTTP@exchange.test"};
    oc_token_t *token[200];
    oc_tokens_t *pool = oc_tokens_create(1, 10);
    oc_reason_t reason;
    oc_job_t nobody;
    oc_tokens_stats_t stats;

    memset(&nobody, 0, sizeof(nobody));
    for (n = 0; n < 200; ++n) {
        token[n] = oc_tokens_ask(pool, &nobody, &from, &reason);
        busy += !token[n] && reason == OC_REASON_BUSY;
    }
    ok(busy > 0, "a full queue says so (%d)", busy);
    for (n = 0; n < 200; ++n) {
        if (token[n]) {
            oc_tokens_drop(token[n]);
            ++queued;
        }
    }
    is_int(busy + queued, 200, "no other reason");
    oc_tokens_stats(pool, &stats);
    is_int(stats.queued, 0, "what was dropped leaves the queue");
    oc_tokens_stop(pool, apr_time_from_sec(5));
    oc_tokens_stats(pool, &stats);
    is_int(stats.busy, 0, "and the thread ends");
    oc_tokens_free(pool);
    world_destroy(w);
}

/* One person's page wants many tokens; somebody else does not wait for all of them. */
static void turns(void)
{
    world_t *w = fresh("https");
    const oc_token_source_t alice = {cc_alice, NULL, "alice", "HTTP@exchange.test"};
    const oc_token_source_t bob = {cc_bob, NULL, "bob", "HTTP@exchange.test"};
    oc_token_t *token[200], *bobs[64];
    oc_tokens_t *pool = oc_tokens_create(4, 10);
    oc_reason_t reason;
    oc_job_t nobody;
    const char *detail;
    int n, waiting = 0, taken = 0;

    memset(&nobody, 0, sizeof(nobody));
    for (n = 0; n < 200; ++n) {
        token[n] = oc_tokens_ask(pool, &nobody, &alice, &reason);
    }
    for (n = 0; n < 64; ++n) {
        bobs[n] = oc_tokens_ask(pool, &nobody, &bob, &reason);
        taken += bobs[n] != NULL;
    }
    for (n = 0; n < 10000 && bobs[0] && !oc_tokens_ready(bobs[0], &reason, &detail); ++n) {
        usleep(1000);
    }
    ok(bobs[0] && oc_tokens_ready(bobs[0], &reason, &detail), "a token beside many of another's");
    for (n = 0; n < 200; ++n) {
        waiting += token[n] && !oc_tokens_ready(token[n], &reason, &detail);
    }
    ok(waiting > 20, "it does not wait for them: %d are not made yet", waiting);
    is_int(taken, 64, "nor do they fill the queue");
    for (n = 0; n < 200; ++n) {
        if (token[n]) {
            oc_tokens_drop(token[n]);
        }
        if (n < 64 && bobs[n]) {
            oc_tokens_drop(bobs[n]);
        }
    }
    oc_tokens_stop(pool, apr_time_from_sec(5));
    oc_tokens_free(pool);
    world_destroy(w);
}

static int tests(void)
{
    if (!ok(acceptor_open(), "the realm is up")) {
        return done_testing();
    }
    signs();
    mixes();
    threads();
    reasons();
    proofs();
    no_rights();
    later_refused();
    forged_success();
    forged_look(PROVES, OC_REASON_OK, 401, "a look at home that is proved");
    forged_look(SILENT_ON_PROOF, OC_REASON_UPSTREAM_PROTOCOL, 0, "one without proof");
    forged_look(FALSE_PROOF, OC_REASON_UPSTREAM_PROTOCOL, 0, "one with a false proof");
    manner = PROVES;
    used_connections();
    refused_in_vain();
    long_token();
    describes();
    full_queue();
    turns();
    silent_kdc();
    closed_kdc();
    return done_testing();
}

/* The tests run in a child, so that the KDC is stopped whatever becomes of them. */
int main(void)
{
    int status = lab_up();
    pid_t pid;

    if (status == 77) {
        return skip_all("no KDC programs, or not called from the checkout");
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
