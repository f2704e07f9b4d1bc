/* The signing job with a password presented by Basic or NTLM, against a pretended server. */
#include <stdlib.h>
#include <string.h>
#include <apr_base64.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "auth_world.h"
#include "tap.h"

#define ANA "Basic YW5hOmdvb2Q=" /* ana:good */

/* Knows ana:good; 401 on /exchange/boardroom/ for everybody. */
static int server(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    (void)w;
    *headers = "Content-Type: text/xml";
    if (!strstr(s->seen, ANA) || strstr(s->seen, " /exchange/boardroom")) {
        *headers = "WWW-Authenticate: Basic realm=\"x\"";
        return 401;
    }
    *body = "<ok/>";
    return 207;
}

static int refuses_all(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    (void)w, (void)s, (void)headers, (void)body;
    return 401;
}

static person_t *ana(world_t *w)
{
    return world_basic(w, OC_UPSTREAM_BASIC, "ana", "good");
}

static void signs(void)
{
    world_t *w = world_create(NULL);
    person_t *p = ana(w);

    world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
    world_wish(p, "PROPPATCH", "/exchange/ana/Calendar/x.EML", 1, 0);
    is_int(world_pump(w), 1, "the first exchange of an unproven login goes alone");
    ok(strstr(w->flight[0].seen, ANA), "with user and password in base64");
    world_reply(w, 0, 207, NULL, "<ok/>");
    ok(!p->wish[0].x->authorization, "the header is gone from the exchange when it has ended");
    is_int(world_pump(w), 1, "then the other one goes");
    world_reply(w, 0, 207, NULL, "<more/>");
    world_pump(w);
    ok(world_all_done(w), "the job is done when the inner one is");
    is_int(p->wish[0].status, 207, "the inner job has the status");
    is_str(p->wish[0].body, "<ok/>", "and the body");
    is_str(p->wish[1].body, "<more/>", "and the other body");
    is_int(p->call->result.reason, OC_REASON_OK, "nothing failed");

    p = ana(w);
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 2, "a login proven before needs no proof: both go at once");
    world_run(w, server);
    ok(world_all_done(w), "and end");
    world_destroy(w);
}

static void refused_once(void)
{
    world_t *w = world_create(NULL);
    person_t *p[20];
    int i, refused = 0, ended = 0;

    for (i = 0; i < 20; ++i) {
        p[i] = world_basic(w, OC_UPSTREAM_BASIC, "ana", "wrong");
        world_wish(p[i], "PROPFIND", "/exchange/ana/", 0, 0);
        world_wish(p[i], "MOVE", "/exchange/ana/x", 1, 1);
    }
    world_run(w, server);
    for (i = 0; i < 20; ++i) {
        refused += p[i]->call->result.reason == OC_REASON_PASSWORD_REFUSED;
        ended += p[i]->wish[0].ends == 1 && p[i]->wish[0].outcome == OC_X_NOT_SENT
                 && p[i]->wish[0].heads == 0 && p[i]->wish[1].ends == 1;
    }
    is_int(w->sent, 1, "twenty jobs with a wrong password: it is sent once");
    is_int(refused, 20, "all are told that it was refused");
    is_int(ended, 20, "each exchange ends once, as not sent, and no job sees the 401");
    ok(world_all_done(w), "all are done");
    is_str(p[0]->call->result.step, "sign in", "the step is named");
    is_int(p[0]->call->result.upstream_status, 401, "and the status");

    p[0] = world_basic(w, OC_UPSTREAM_BASIC, "Ana", "wrong");
    world_wish(p[0], "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 0, "another spelling of the name is not another chance");
    is_int(p[0]->call->result.reason, OC_REASON_PASSWORD_REFUSED, "it is answered at once");
    p[0] = world_basic(w, OC_UPSTREAM_BASIC, "ana", "good");
    world_wish(p[0], "GET", "/exchange/ana/", 0, 0);
    world_run(w, server);
    is_int(p[0]->wish[0].status, 207, "another password is tried");
    oc_clock_advance(apr_time_from_sec(301));
    p[0] = world_basic(w, OC_UPSTREAM_BASIC, "ana", "wrong");
    world_wish(p[0], "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 1, "after five minutes the refused one is tried again");
    world_run(w, server);
    world_destroy(w);
}

/* So many jobs that look at the calendar; how many of them are under way then. */
static int page(world_t *w, person_t **p, int many)
{
    for (int i = 0; i < many; ++i) {
        p[i] = ana(w);
        world_wish(p[i], "GET", apr_psprintf(w->pool, "/exchange/ana/Calendar/%d", i), 0, 0);
    }
    return world_pump(w);
}

/* A password is changed while the login counts as proven, and a page asks for much. */
static void few_after_a_pause(void)
{
    world_t *w = world_create(NULL);
    person_t *p[12];
    int before, refused = 0;

    p[0] = ana(w);
    world_wish(p[0], "GET", "/exchange/ana/", 0, 0);
    world_run(w, server);
    is_int(page(w, p, 12), 12, "all exchanges of a page go at once behind a login just accepted");
    oc_clock_advance(apr_time_from_sec(250));
    world_run(w, server);
    oc_clock_advance(apr_time_from_sec(250));
    is_int(page(w, p, 3), 3, "each that is accepted counts");
    world_run(w, server);

    oc_clock_advance(apr_time_from_sec(301));
    is_int(page(w, p, 12), 2, "after a pause a few go first");
    world_no_reply(w, 0, OC_X_LOST);
    oc_clock_advance(apr_time_from_msec(60));
    is_int(world_pump(w), 2, "one that is not answered makes room for another");
    world_reply(w, 0, 207, NULL, NULL);
    is_int(world_pump(w), 10, "and when one is accepted all others follow");
    world_run(w, server);
    ok(world_all_done(w) && p[11]->wish[0].status == 207, "to their end");

    oc_clock_advance(apr_time_from_sec(301));
    before = w->sent;
    page(w, p, 12);
    world_run(w, refuses_all);
    for (int i = 0; i < 12; ++i) {
        refused += p[i]->call->result.reason == OC_REASON_PASSWORD_REFUSED;
    }
    is_int(w->sent - before, 3,
           "a password that is wrong by now: those few present it, and the proof");
    is_int(refused, 12, "and all are told");
    ok(world_all_done(w), "all are done");
    world_destroy(w);
}

static void never_mixed(void)
{
    world_t *w = world_create(NULL);
    person_t *a = ana(w), *b = world_basic(w, OC_UPSTREAM_BASIC, "bob", "good");
    person_t *c = world_basic(w, OC_UPSTREAM_BASIC, "ana", "other");

    ok(strcmp(oc_identity_key(a->id), oc_identity_key(b->id)) != 0, "two people, two keys");
    ok(strcmp(oc_identity_key(a->id), oc_identity_key(c->id)) != 0, "two passwords, two keys");
    is_str(oc_identity_key(a->id), oc_identity_key(ana(w)->id), "the same of both, one key");
    ok(!strstr(oc_identity_key(a->id), "good"), "no password in it");
    ok(strcmp(oc_identity_key(a->id),
              oc_identity_key(world_basic(w, OC_UPSTREAM_NTLM, "ana", "good")->id)) != 0,
       "nor do Basic and NTLM share one");
    world_wish(a, "GET", "/exchange/ana/", 0, 0);
    world_wish(b, "GET", "/exchange/bob/", 0, 0);
    is_int(world_pump(w), 2, "one person's proof does not hold up another's");
    world_run(w, server);
    is_int(a->wish[0].status, 207, "ana is in");
    is_int(b->wish[0].outcome, OC_X_NOT_SENT, "bob is not");
    is_int(a->call->result.reason, OC_REASON_OK, "and ana does not hear of it");
    is_int(world_count(w, "Basic Ym9iOmdvb2Q="), 1, "bob's password went with one exchange");
    world_destroy(w);
}

static void paths_without_rights(void)
{
    world_t *w = world_create(NULL);
    person_t *p = ana(w);

    oc_identity_home(p->id, "/exchange/ana/");
    world_wish(p, "PROPFIND", "/exchange/boardroom/Calendar/", 0, 0);
    is_int(world_pump(w), 1, "first a look at home");
    ok(strstr(w->flight[0].seen, "PROPFIND /exchange/ana/ "), "by PROPFIND");
    is_str(apr_table_get(w->flight[0].x->headers, "Depth"), "0", "of depth 0");
    world_run(w, server);
    is_int(p->wish[0].status, 401, "then the 401 of a room is the inner job's to judge");
    is_int(p->wish[0].heads, 1, "with its headers");
    is_int(p->call->result.reason, OC_REASON_OK, "not a refused login");
    is_int(w->sent, 2, "two exchanges");

    p = ana(w);
    oc_identity_home(p->id, "/exchange/ana/");
    world_wish(p, "GET", "/exchange/ana/x.EML", 0, 0);
    world_wish(p, "PROPFIND", "/exchange/boardroom/", 0, 1);
    world_run(w, server);
    is_int(p->wish[1].status, 401, "after an accepted exchange of the same job");
    is_int(w->sent, 4, "a 401 needs no proof of the login");

    p = ana(w);
    world_wish(p, "PROPFIND", "/exchange/boardroom/", 0, 0);
    world_run(w, server);
    is_int(p->wish[0].status, 401, "a 401 at the beginning of a later job is handed on");
    is_int(w->sent, 6, "after one look at home");

    p = ana(w); /* the password was changed meanwhile */
    world_wish(p, "PROPFIND", "/exchange/boardroom/", 0, 0);
    world_wish(p, "PROPFIND", "/exchange/boardroom/a", 0, 0);
    world_run(w, refuses_all);
    is_int(p->call->result.reason, OC_REASON_PASSWORD_REFUSED, "unless home says no, too");
    is_int(p->wish[0].outcome, OC_X_NOT_SENT, "then it was not executed");
    is_int(p->wish[1].ends, 1, "nor the other one");
    is_int(w->sent, 9, "one look settled both");
    ok(world_all_done(w), "all are done");

    p = ana(w);
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 0, "and the password is not sent again");
    world_destroy(w);
}

/* What home does not decide marks no password. */
static void home_decides_alone(void)
{
    static const struct {
        int home;
        const char *method, *path;
    } rows[] = {
        {207, "SEARCH", "/exchange/ana/Calendar/"},  {207, "PUT", "/exchange/ana/Drafts/x.EML"},
        {503, "PROPFIND", "/exchange/boardroom/"},   {503, "SEARCH", "/exchange/ana/Calendar/"},
        {302, "PROPFIND", "/exchange/ana/Calendar/"}, {403, "GET", "/public/?Cmd=freebusy"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        world_t *w = world_create(NULL);
        person_t *p = ana(w);

        oc_identity_home(p->id, "/exchange/ana/");
        world_wish(p, rows[i].method, rows[i].path, rows[i].method[1] == 'U', 0);
        world_pump(w);
        world_reply(w, 0, rows[i].home, NULL, NULL);
        while (world_pump(w) > 0) {
            world_reply(w, 0, strstr(w->flight[0].seen, " /exchange/ana/ [") ? rows[i].home : 401,
                        NULL, NULL);
        }
        is_int(p->wish[0].status, 401, "%d at home, 401 to %s %s: handed on", rows[i].home,
               rows[i].method, rows[i].path);
        is_int(p->call->result.reason, OC_REASON_OK, "no refused login");
        p = ana(w);
        world_wish(p, "PROPFIND", "/exchange/ana", 0, 0);
        is_int(world_pump(w), 1, "the password is used on");
        world_reply(w, 0, 401, NULL, NULL);
        world_pump(w);
        is_int(p->call->result.reason, OC_REASON_PASSWORD_REFUSED, "a 401 at home is a refusal");
        world_destroy(w);
    }
}

/* Another child keeps waiting for as long as the login under way can take. */
static void tried_until_its_deadline(void)
{
    oc_refusals_t *shared = oc_refusals_init(malloc(oc_refusals_size(64)), 64);
    world_t *w = world_create(shared), *other = world_create(shared);
    person_t *p = ana(w), *q = ana(other);

    p->inner.deadline = oc_clock_mono() + apr_time_from_sec(60);
    p->job->deadline = p->inner.deadline;
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    world_wish(q, "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 1, "a slow login is under way");
    oc_clock_advance(apr_time_from_sec(55));
    is_int(world_pump(other), 0, "its password is not tried by another child meanwhile");
    world_reply(w, 0, 401, NULL, NULL);
    world_pump(w);
    oc_clock_advance(apr_time_from_sec(1));
    is_int(world_pump(other), 0, "nor afterwards, for it was refused");
    is_int(q->call->result.reason, OC_REASON_PASSWORD_REFUSED, "which the other child says, too");
    world_destroy(w);
    world_destroy(other);
    free(shared);
}

static void who_leads_may_leave(void)
{
    world_t *w = world_create(NULL);
    person_t *a = ana(w), *b = ana(w), *c = ana(w);

    world_wish(a, "GET", "/exchange/ana/1", 0, 0);
    world_wish(b, "GET", "/exchange/ana/2", 0, 0);
    world_wish(c, "GET", "/exchange/ana/3", 0, 0);
    is_int(world_pump(w), 1, "one leads");
    world_cancel(w, c, OC_CANCEL_DEADLINE);
    is_int(c->wish[0].outcome, OC_X_TIMEOUT, "one that waits may leave at its deadline");
    is_int(c->wish[0].x->sent, 0, "its exchange was not sent");
    is_int(world_pump(w), 1, "and the others wait on");
    world_cancel(w, a, OC_CANCEL_ABANDON);
    is_int(world_pump(w), 1, "when the leader leaves another takes over");
    ok(strstr(w->flight[0].seen, "/exchange/ana/2"), "with its own exchange");
    world_no_reply(w, 0, OC_X_LOST);
    world_pump(w);
    is_int(b->wish[0].outcome, OC_X_LOST, "an exchange without reply proves nothing");
    a = ana(w);
    world_wish(a, "GET", "/exchange/ana/4", 0, 0);
    world_wish(a, "GET", "/exchange/ana/5", 0, 0);
    is_int(world_pump(w), 1, "so the next still goes alone");
    world_reply(w, 0, 503, NULL, NULL);
    is_int(world_pump(w), 1, "nor does a 503");
    world_reply(w, 0, 200, NULL, NULL);
    world_pump(w);
    ok(world_all_done(w), "all are done");
    is_int(a->wish[0].status, 503, "which the inner job gets");
    world_destroy(w);
}

static void probe_without_reply(void)
{
    world_t *w = world_create(NULL);
    person_t *p = ana(w);

    oc_identity_home(p->id, "/exchange/ana/");
    world_wish(p, "GET", "/public/?Cmd=freebusy", 0, 0);
    world_pump(w);
    world_no_reply(w, 0, OC_X_NOT_SENT);
    world_pump(w);
    ok(world_all_done(w), "when the look at home is not answered the job ends");
    is_int(p->wish[0].outcome, OC_X_NOT_SENT, "its exchange was not sent");
    is_int(p->call->result.reason, OC_REASON_UPSTREAM_UNAVAILABLE, "the server is unavailable");

    p = ana(w);
    oc_identity_home(p->id, "/exchange/ana/");
    world_wish(p, "GET", "/public/?Cmd=freebusy", 0, 0);
    world_pump(w);
    world_reply(w, 0, 403, NULL, NULL);
    is_int(world_pump(w), 1, "when it says neither yes nor no the exchange goes all the same");
    world_reply(w, 0, 200, NULL, NULL);
    world_pump(w);
    is_int(p->wish[0].status, 200, "and has its reply");
    world_destroy(w);
}

static void ntlm(void)
{
    world_t *w = world_create(NULL);
    person_t *p = world_basic(w, OC_UPSTREAM_NTLM, "EX\\ana", "good");

    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    world_pump(w);
    ok(strstr(w->flight[0].seen, "[NTLM good]"), "NTLM is left to the connection");
    is_str(w->flight[0].x->user, "EX\\ana", "with the user");
    ok(!w->flight[0].x->authorization, "and no header");
    world_reply(w, 0, 401, NULL, NULL);
    world_pump(w);
    is_int(p->call->result.reason, OC_REASON_PASSWORD_REFUSED, "a final 401 is a refusal");
    ok(!p->wish[0].x->password, "the password is gone from the exchange");
    world_destroy(w);
}

static void bad_credentials(void)
{
    oc_call_t *call = oc_call_create("ana", "ana", NULL);
    char *longer = malloc(2000);

    memset(longer, 'x', 1999);
    longer[1999] = '\0';
    ok(!oc_identity_basic(call, OC_UPSTREAM_BASIC, "ana", ""), "no password");
    is_int(call->result.reason, OC_REASON_NO_CREDENTIAL, "is no credential");
    ok(!oc_identity_basic(call, OC_UPSTREAM_BASIC, "", "x"), "nor is no name");
    ok(!oc_identity_basic(call, OC_UPSTREAM_BASIC, "a:b", "x"), "Basic cannot say a colon in it");
    ok(!oc_identity_basic(call, OC_UPSTREAM_BASIC, "a\r\nb", "x"), "no control characters");
    ok(!oc_identity_basic(call, OC_UPSTREAM_BASIC, "ana", longer), "no endless password");
    ok(oc_identity_basic(call, OC_UPSTREAM_FORMS, "a:b", "x") != NULL, "a form can say a colon");
    free(longer);
    apr_pool_destroy(call->pool);
}

static void in_the_clear(void)
{
    world_t *w = world_create(NULL);
    person_t *p;

    w->site.scheme = "http";
    w->site.port = 80;
    p = ana(w);
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 0, "a password does not go over plain http");
    is_int(p->call->result.reason, OC_REASON_MISCONFIGURED, "that is a misconfiguration");
    w->site.connect = "127.0.0.1:8080";
    p = ana(w);
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 1, "but to the loopback interface it does");
    world_run(w, server);
    w->site.connect = "127.0.0.1.evil.test:80";
    p = world_basic(w, OC_UPSTREAM_BASIC, "eve", "good");
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 0, "a name that only begins like its address is not it");
    world_destroy(w);
}

static void secrets_are_wiped(void)
{
    world_t *w = world_create(NULL);
    person_t *p = ana(w);
    const char *header;
    oc_identity_t *id = p->id;
    char key[256];

    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    world_pump(w);
    header = w->flight[0].x->authorization;
    is_str(header, ANA, "the header stands while the exchange is under way");
    world_reply(w, 0, 200, NULL, NULL);
    is_str(header, "", "and its memory is overwritten afterwards");
    apr_cpystrn(key, oc_identity_key(id), sizeof(key));
    ok(strncmp(key, "basic:ana:", 10) == 0, "the key names mode and user");
    world_destroy(w);
}

int main(void)
{
    apr_initialize();
    signs();
    refused_once();
    few_after_a_pause();
    never_mixed();
    paths_without_rights();
    home_decides_alone();
    tried_until_its_deadline();
    who_leads_may_leave();
    probe_without_reply();
    ntlm();
    bad_credentials();
    in_the_clear();
    secrets_are_wiped();
    return done_testing();
}
