/* The account of a service or a device: held to its mailboxes, however a path is written; apart
 * from every personal credential; its password guarded like any. */
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "auth/credential.h"
#include "auth_world.h"
#include "tap.h"

static const oc_credential_t svc = {.name = "rooms", .user = "EX\\svc", .mailbox = "svc",
                                    .upstream = OC_UPSTREAM_BASIC, .source = "/x",
                                    .password = "pw-svc"};

static oc_identity_t *identity(world_t *w, oc_call_t **call, const oc_credential_t *c,
                               const char *mailbox, const char *reading)
{
    oc_identity_t *id;

    *call = oc_call_create("ana", mailbox, NULL);
    id = oc_identity_account(*call, OC_IDENTITY_SERVICE, c);
    if (id) {
        apr_array_header_t *paths = apr_array_make(w->pool, 1, sizeof(const char *));
        APR_ARRAY_PUSH(paths, const char *) = apr_pstrcat(w->pool, "/exchange/", mailbox, "/",
                                                          NULL);
        oc_identity_confine(id, paths, reading);
        oc_identity_home(id, "/exchange/svc/");
    }
    return id;
}

static person_t *person(world_t *w, const oc_credential_t *c, const char *mailbox)
{
    oc_call_t *call;
    oc_identity_t *id = identity(w, &call, c, mailbox, "/public/");

    return world_person(w, call, id);
}

static int unshared; /* sent as if it were one person's */

static int yes(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    (void)w;
    unshared += !s->x->shared;
    *headers = "Content-Type: text/xml";
    *body = "<ok/>";
    return 207;
}

/* ---- the table ---- */

typedef struct path_t {
    const char *method, *path, *destination;
    int writes;
} path_t;

/* All for an account held to /exchange/ana/ on https://exchange.test. */
static const path_t inside[] = {
    {"PROPFIND", "/exchange/ana/", NULL, 0},
    {"PROPFIND", "/exchange/ana", NULL, 0},
    {"PROPFIND", "/EXCHANGE/Ana/Calendar", NULL, 0},
    {"PROPFIND", "/exchange/%61na/Calendar/", NULL, 0},
    {"SEARCH", "/exchange/ana/Napt%C3%A1r/", NULL, 0},
    {"GET", "/exchange/ana/Calendar/100%25%20sure.EML", NULL, 0},
    {"GET", "/exchange/ana/Calendar/x.EML?Cmd=getcancel", NULL, 1},
    {"POST", "/exchange/ana/?Cmd=sendappt", NULL, 1},
    {"PROPPATCH", "/exchange/ana/Calendar/x.EML", NULL, 1},
    {"DELETE", "/exchange/ana/Drafts/a..b.EML", NULL, 1},
    {"MOVE", "/exchange/ana/Drafts/x.EML",
     "https://exchange.test/exchange/ana/%23%23DavMailSubmissionURI%23%23/", 1},
    {"MOVE", "/exchange/ana/Drafts/x.EML",
     "https://EXCHANGE.test:443/exchange/ana/##DavMailSubmissionURI##/", 1},
    {"MOVE", "/exchange/ana/Drafts/x.EML", "/exchange/ana/y.EML", 1},
    {"GET", "/public/?Cmd=freebusy&start=2027-01-01T00:00:00Z&u=SMTP:bob@example.test", NULL, 0},
    {"PROPFIND", "/public/", NULL, 0},
    {"GET", "/public/?cmd=galfind&AN=bo", NULL, 0},
};

static const path_t outside[] = {
    /* other mailboxes, and none */
    {"PROPFIND", "/exchange/bob/", NULL, 0},
    {"PROPFIND", "/exchange/", NULL, 0},
    {"PROPFIND", "/", NULL, 0},
    {"PROPFIND", "/exchange/anabel/", NULL, 0},
    {"PROPFIND", "/exchange/ana2", NULL, 0},
    {"PROPFIND", "/exchange/ana%20/", NULL, 0},
    {"PROPFIND", "/exchange/ana@other.test/", NULL, 0},
    {"PROPFIND", "/exadmin/admin/example.test/mbx/ana/", NULL, 0},
    {"PROPFIND", "", NULL, 0},
    {"PROPFIND", "exchange/ana/", NULL, 0},
    {"PROPFIND", "https://exchange.test/exchange/ana/", NULL, 0},
    /* dot segments, in all spellings */
    {"PROPFIND", "/exchange/ana/../bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/..", NULL, 0},
    {"PROPFIND", "/exchange/ana/./x", NULL, 0},
    {"PROPFIND", "/exchange/ana/%2e%2e/bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/.%2E/bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/%2e./bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/%252e%252e/bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/%25252e%25252e/bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/%u002e%u002e/bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/%25u002e%25u002e/bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/%c0%ae%c0%ae/bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/.../bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/..%20/bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/%20../bob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/..\\bob/", NULL, 0},
    /* slashes of other kinds */
    {"PROPFIND", "/exchange/ana/..%2fbob/", NULL, 0},
    {"PROPFIND", "/exchange/ana%2f..%2fbob/", NULL, 0},
    {"PROPFIND", "/exchange/ana/%5c..%5cbob", NULL, 0},
    {"PROPFIND", "/exchange/ana/x%5C", NULL, 0},
    {"PROPFIND", "/exchange/ana/%c0%af..%c0%afbob/", NULL, 0},
    {"PROPFIND", "//exchange/ana/", NULL, 0},
    {"PROPFIND", "//bob.test/exchange/ana/", NULL, 0},
    {"PROPFIND", "/exchange//ana/", NULL, 0},
    {"PROPFIND", "/exchange/ana//../bob", NULL, 0},
    {"PROPFIND", "/exchange/ana/x//", NULL, 0},
    /* what cuts or hides */
    {"PROPFIND", "/exchange/ana/x#y", NULL, 0},
    {"PROPFIND", "/exchange/ana/%00", NULL, 0},
    {"PROPFIND", "/exchange/ana/%0d%0aHost:%20x", NULL, 0},
    {"PROPFIND", "/exchange/ana/\r\nX: y", NULL, 0},
    {"GET", "/exchange/ana/?x\r\nX: y", NULL, 0},
    {"GET", "/exchange/ana/?x#y", NULL, 0},
    {"PROPFIND", "/exchange/ana/ x", NULL, 0},
    {"PROPFIND", "/exchange/ana/%", NULL, 0},
    {"PROPFIND", "/exchange/ana/%4", NULL, 0},
    {"PROPFIND", "/exchange/ana/%ff", NULL, 0},
    {"PROPFIND", "/exchange/ana/\xc3\xa1", NULL, 0},
    {"PROPFIND", "/exchange?/ana/", NULL, 0},
    /* a Destination elsewhere */
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test/exchange/bob/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test/exchange/ana/../bob/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test/exchange/ana/%2e%2e/bob/x", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test/exchange/#/ana/x", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test/public/x.EML", 1},
    {"COPY", "/exchange/ana/x.EML", "/public/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://evil.test/exchange/ana/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test.evil.test/exchange/ana/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test@evil.test/exchange/ana/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test:444/exchange/ana/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "https://exchange.test:/exchange/ana/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "http://exchange.test/exchange/ana/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "//evil.test/exchange/ana/x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "x.EML", 1},
    {"MOVE", "/exchange/ana/x.EML", "", 1},
    {"COPY", "/exchange/bob/x.EML", "https://exchange.test/exchange/ana/x.EML", 1},
    /* below /public/: reading only */
    {"PROPPATCH", "/public/x.EML", NULL, 1},
    {"PUT", "/public/x.EML", NULL, 1},
    {"POST", "/public/?Cmd=freebusy", NULL, 0},
    {"DELETE", "/public/x.EML", NULL, 1},
    {"GET", "/public/x.EML", NULL, 1},
    {"GET", "/public/x.EML?Cmd=accept", NULL, 0},
    {"GET", "/public/x.EML?cmd=getcancel", NULL, 0},
    {"GET", "/public/x.EML?%43md=accept", NULL, 0},
    {"GET", "/public/x.EML?Cmd=%61ccept", NULL, 0},
    {"GET", "/public/x.EML?Cmd=freebusy&Cmd=accept", NULL, 0},
    {"GET", "/public/x.EML?a=b;Cmd=accept", NULL, 0},
    {"GET", "/public/x.EML?+Cmd=accept", NULL, 0},
    {"GET", "/public/x.EML?accept", NULL, 0},
    {"GET", "/public/x.EML?Cmd=%zz", NULL, 0},
    {"GET", "/public/../exchange/bob/", NULL, 0},
    {"GET", "/publicity/", NULL, 0},
    /* requests that act on what their body names */
    {"BMOVE", "/exchange/ana/", NULL, 1},
    {"BPROPPATCH", "/exchange/ana/", NULL, 1},
    {"SUBSCRIBE", "/exchange/ana/", NULL, 1},
    {"X", "/exchange/ana/", NULL, 1},
};

static int leaves(world_t *w, const path_t *t, int *forbidden)
{
    person_t *p = person(w, &svc, "ana");
    int before = w->sent;

    world_wish(p, t->method, t->path, t->writes, 0);
    p->wish[0].destination = t->destination;
    world_run(w, yes);
    *forbidden = p->wish[0].x->forbidden && p->wish[0].outcome == OC_X_NOT_SENT
                 && p->wish[0].ends == 1;
    return w->sent - before;
}

static void table(void)
{
    world_t *w = world_create(NULL);
    int forbidden, n;
    person_t *p = person(w, &svc, "ana");

    world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
    world_run(w, yes); /* proves the login, once for all that follows */
    for (int i = 0; i < (int)(sizeof(inside) / sizeof(inside[0])); ++i) {
        n = leaves(w, &inside[i], &forbidden);
        ok(n == 1 && !forbidden, "sent: %s %s %s", inside[i].method, inside[i].path,
           inside[i].destination ? inside[i].destination : "");
        if (w->persons == WORLD_JOBS) {
            break;
        }
    }
    world_destroy(w);
    for (int i = 0; i < (int)(sizeof(outside) / sizeof(outside[0])); ++i) {
        w = world_create(NULL);
        n = leaves(w, &outside[i], &forbidden);
        ok(n == 0 && forbidden, "not even a look at home leaves for: %s %s %s", outside[i].method,
           outside[i].path, outside[i].destination ? outside[i].destination : "");
        world_destroy(w);
    }
}

static void must_be_confined(void)
{
    world_t *w = world_create(NULL);
    oc_call_t *call = oc_call_create("ana", "ana", NULL);
    oc_identity_t *id = oc_identity_account(call, OC_IDENTITY_DEVICE, &svc);
    person_t *p = world_person(w, call, id);
    oc_identity_t *none;

    world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
    world_run(w, yes);
    is_int(w->sent, 0, "an account that was not confined sends nothing");
    ok(p->wish[0].x->forbidden && world_all_done(w), "and the job ends");

    p = world_person(w, call = oc_call_create("ana", "ana", NULL),
                     none = identity(w, &call, &svc, "ana", NULL));
    ok(none != NULL, "without a place to read");
    world_wish(p, "GET", "/public/?Cmd=freebusy", 0, 0);
    world_run(w, yes);
    is_int(w->sent, 0, "nothing is read there");
    world_destroy(w);
}

static void apart(void)
{
    world_t *w = world_create(NULL);
    oc_credential_t other = svc, changed = svc, ntlm = svc, unread = svc;
    oc_call_t *call;
    oc_identity_t *id;
    const char *key = oc_identity_key(identity(w, &call, &svc, "ana", NULL));
    person_t *personal = world_basic(w, OC_UPSTREAM_BASIC, "EX\\svc", "pw-svc");

    other.name = "panels";
    changed.password = "pw-new";
    ntlm.upstream = OC_UPSTREAM_NTLM;
    unread.password = NULL;
    ok(strncmp(key, "service:rooms:", 14) == 0, "the key says what it is");
    ok(!strstr(key, "pw-svc"), "and no password");
    ok(strcmp(key, oc_identity_key(personal->id)) != 0,
       "a person who signs in with that very account has another");
    ok(strcmp(key, oc_identity_key(identity(w, &call, &other, "ana", NULL))) != 0,
       "so has another credential");
    ok(strcmp(key, oc_identity_key(identity(w, &call, &changed, "ana", NULL))) != 0,
       "and a changed password");
    ok(strcmp(key, oc_identity_key(identity(w, &call, &ntlm, "ana", NULL))) != 0,
       "and another way of signing in");
    call = oc_call_create("ana", "ana", NULL);
    id = oc_identity_account(call, OC_IDENTITY_DEVICE, &svc);
    ok(strncmp(oc_identity_key(id), "device:rooms:", 13) == 0, "and a device");
    is_str(oc_identity_key(identity(w, &call, &svc, "bob", NULL)), key,
           "all people of one service share one");
    ok(!identity(w, &call, &unread, "ana", NULL)
       && call->result.reason == OC_REASON_MISCONFIGURED, "without a password there is none");
    world_destroy(w);
}

/* 401 to a wrong password; 401 as well where the account has no rights, as some servers do. */
static int strict(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    (void)w;
    *headers = "WWW-Authenticate: Basic realm=\"x\"";
    *body = "<ok/>";
    return strstr(s->seen, "RVhcc3ZjOnB3LXN2Yw==") && !strstr(s->seen, "/bob/") ? 207 : 401;
}

static void guarded(void)
{
    world_t *w = world_create(NULL);
    oc_credential_t wrong = svc;
    person_t *p;

    wrong.password = "pw-wrong";
    for (int i = 0; i < 5; ++i) {
        p = person(w, &wrong, i % 2 ? "ana" : "carol");
        world_wish(p, "PROPFIND", i % 2 ? "/exchange/ana/" : "/exchange/carol/", 0, 0);
    }
    world_run(w, strict);
    is_int(w->sent, 1, "five people, one wrong password of the service: it is sent once");
    is_int(p->call->result.reason, OC_REASON_PASSWORD_REFUSED, "and all are told");
    is_int(world_count(w, "PROPFIND /exchange/svc/"), 1, "at the account's own mailbox");

    p = person(w, &svc, "bob");
    world_wish(p, "PROPFIND", "/exchange/bob/", 0, 0);
    world_run(w, strict);
    is_int(p->wish[0].status, 401, "a mailbox where it has no rights says so");
    p = person(w, &svc, "ana");
    world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
    world_run(w, strict);
    is_int(p->wish[0].status, 207, "which does not brand the password for everybody else");
    world_destroy(w);
}

int main(void)
{
    apr_initialize();
    table();
    must_be_confined();
    apart();
    guarded();
    is_int(unshared, 0, "what goes out with an account is known to be for many");
    return done_testing();
}
