/* The logon form of OWA 2003 and its cookies, against a pretended server. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "auth/cookies.h"
#include "auth_world.h"
#include "tap.h"

#define LOGON "POST /exchweb/bin/auth/owaauth.dll"
#define DELETED "Set-Cookie: sessionid=; path=/; expires=Thu, 01-Jan-1970 00:00:00 GMT\n"    \
                "Set-Cookie: cadata=; path=/; expires=Thu, 01-Jan-1970 00:00:00 GMT\n"       \
                "Connection: close"
#define FORM "<html><body><FORM name=\"logonForm\" method='POST' " \
             "ACTION='/exchweb/bin/auth/owaauth.dll'><input></FORM></body></html>"

/* ---- a server with forms logon: ana:good; logins can be made to run out ---- */

static struct {
    int logins;       /* number of the last login given */
    int valid;        /* the login that is valid; 0: none */
    int expire_after; /* after that many answered requests the login runs out; 0: never */
    int expire_at;    /* before the request with that number, once; 0: never */
    int answered;
    int executed;     /* writes done */
    int denied;       /* 440 on writes, though the login is good */
    int denied_deletes;
    const char *browser; /* how a browser's GET is told: NULL 440, "302", "200" */
} owa;

static int not_logged_on(const sent_t *s, const char **headers, const char **body)
{
    if (owa.browser && strncmp(s->seen, "GET ", 4) == 0) {
        if (strcmp(owa.browser, "302") == 0) {
            *headers = "Location: https://exchange.test/exchweb/bin/auth/owalogon.asp?url=x"
                       "&reason=0";
            return 302;
        }
        *headers = "Content-Type: text/html; charset=utf-8";
        *body = FORM;
        return 200;
    }
    *headers = DELETED;
    return 440;
}

static int server(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    static char set[200], want[80];

    (void)w;
    if (strncmp(s->seen, LOGON, strlen(LOGON)) == 0) {
        ++owa.logins;
        owa.valid = strstr(s->body, "&username=EX%5Cana&password=g%26%3D%20ood%C3%A9&")
                        ? owa.logins : owa.valid;
        apr_snprintf(set, sizeof(set),
                     "Location: https://exchange.test/exchange/\n"
                     "Set-Cookie: sessionid=guid-%d,0x409; path=/\n"
                     "Set-Cookie: cadata=\"2,c%d=\"; HttpOnly; secure; path=/\n"
                     "Set-Cookie: tracker=evil; path=/", owa.logins, owa.logins);
        *headers = set;
        return 302;
    }
    if (++owa.answered == owa.expire_at) {
        owa.valid = 0;
    }
    apr_snprintf(want, sizeof(want), "[sessionid=guid-%d,0x409; cadata=\"2,c%d=\"]", owa.valid,
                 owa.valid);
    if (!owa.valid || !strstr(s->seen, want)) {
        return not_logged_on(s, headers, body);
    }
    if (s->x->writes && owa.denied) {
        *headers = owa.denied_deletes ? DELETED : NULL;
        return 440;
    }
    if (strstr(s->seen, " /exchange/boardroom")) {
        return 440;
    }
    owa.executed += s->x->writes;
    *headers = "Content-Type: text/html";
    *body = "<html><form action='/exchange/ana/'>no logon here, owaauth.dll or not</form></html>";
    return 200;
}

static world_t *fresh(void)
{
    memset(&owa, 0, sizeof(owa));
    return world_create(NULL);
}

static person_t *ana(world_t *w)
{
    person_t *p = world_basic(w, OC_UPSTREAM_FORMS, "EX\\ana", "g&= ood\xC3\xA9");

    oc_identity_home(p->id, "/exchange/ana/");
    return p;
}

static void logs_on(void)
{
    world_t *w = fresh();
    person_t *p = ana(w), *q = ana(w);
    oc_exchange_t *logon;

    world_wish(p, "PROPFIND", "/exchange/ana/Calendar/", 0, 0);
    world_wish(p, "PROPPATCH", "/exchange/ana/Calendar/x.EML", 1, 1);
    world_wish(q, "GET", "/exchange/ana/?Cmd=navbar", 0, 0);
    is_int(world_pump(w), 1, "two jobs: one logon");
    logon = w->flight[0].x;
    is_str(logon->path, "/exchweb/bin/auth/owaauth.dll", "to the form's address");
    is_str(w->flight[0].body,
           "destination=https%3A%2F%2Fexchange.test%2Fexchange%2F&flags=4&username=EX%5Cana"
           "&password=g%26%3D%20ood%C3%A9&SubmitCreds=Log+On&trusted=4", "with the form's fields");
    is_str(apr_table_get(logon->headers, "Content-Type"), "application/x-www-form-urlencoded",
           "as a form");
    ok(logon->writes, "never to be repeated by itself");
    ok(!logon->authorization && !logon->cookie, "without other credentials");
    world_run(w, server);
    ok(world_all_done(w), "all are done");
    is_int(owa.logins, 1, "one logon for all");
    is_int(world_count(w, "sessionid=guid-1,0x409; cadata=\"2,c1=\"]"), 4,
           "cookies as they came, quotes kept, in the look at home and the three exchanges");
    is_int(world_count(w, "tracker"), 0, "and no foreign cookie");
    is_int(p->wish[0].status, 200, "the first reply");
    ok(strstr(p->wish[0].body, "no logon here") != NULL,
       "with its body, though it was looked into");
    is_int(owa.executed, 1, "the write was done once");
    ok(!logon->body, "the form is gone");
    world_destroy(w);
}

static void refused(void)
{
    world_t *w = fresh();
    person_t *p[5];
    int refused = 0;

    for (int i = 0; i < 5; ++i) {
        p[i] = world_basic(w, OC_UPSTREAM_FORMS, "EX\\ana", "wrong");
        world_wish(p[i], i & 1 ? "PROPPATCH" : "GET", "/exchange/ana/x", i & 1, 0);
    }
    world_run(w, server);
    for (int i = 0; i < 5; ++i) {
        refused += p[i]->call->result.reason == OC_REASON_PASSWORD_REFUSED
                   && p[i]->wish[0].outcome == OC_X_NOT_SENT && p[i]->wish[0].heads == 0;
    }
    is_int(refused, 5, "the 302 proves nothing: a 440 on the first use is a refusal, for all");
    is_int(owa.logins, 1, "the password was sent once");
    is_int(w->sent, 2, "with one exchange to find out");
    world_destroy(w);
}

static void ways_to_say_no(const char *browser, const char *what)
{
    world_t *w = fresh();
    person_t *p = world_basic(w, OC_UPSTREAM_FORMS, "EX\\ana", "wrong");

    owa.browser = browser;
    world_wish(p, "GET", "/exchange/ana/x", 0, 0);
    world_run(w, server);
    is_int(p->call->result.reason, OC_REASON_PASSWORD_REFUSED, "%s on first use: refused", what);
    is_int(p->wish[0].body_len, 0, "%s: the inner job sees nothing of it", what);

    p = ana(w);
    world_wish(p, "GET", "/exchange/ana/1", 0, 0);
    world_wish(p, "GET", "/exchange/ana/2", 0, 1);
    world_wish(p, "GET", "/exchange/ana/3", 0, 1);
    owa.logins = 0;
    owa.answered = 0;
    owa.expire_at = 2;
    world_run(w, server);
    is_int(owa.logins, 2, "%s later: one new logon", what);
    is_int(p->wish[1].status, 200, "%s: and the exchange is repeated", what);
    is_int(p->wish[1].heads + p->wish[1].ends, 2, "%s: the inner job sees one reply", what);
    is_int(p->wish[2].status, 200, "%s: and goes on", what);
    world_destroy(w);
}

/* A booking-like job; the login runs out before its n-th exchange, for every n. */
static void runs_out(void)
{
    for (int n = 1; n <= 7; ++n) {
        world_t *w = fresh();
        person_t *p = ana(w);
        int good = 0;

        world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
        world_wish(p, "GET", "/public/?Cmd=freebusy", 0, 1);
        world_wish(p, "PROPPATCH", "/exchange/ana/Calendar/x.EML", 1, 1);
        world_wish(p, "PROPPATCH", "/exchange/ana/Drafts/x.EML", 1, 1);
        world_wish(p, "MOVE", "/exchange/ana/Drafts/x.EML", 1, 1);
        world_wish(p, "PROPFIND", "/exchange/ana/Calendar/x.EML", 0, 1);
        owa.expire_at = n;
        world_run(w, server);
        for (int i = 0; i < 6; ++i) {
            good += p->wish[i].status == 200 && p->wish[i].ends == 1
                    && p->wish[i].outcome == OC_X_REPLIED;
        }
        if (n == 1) { /* not accepted yet: there is no telling it from a wrong password */
            is_int(p->call->result.reason, OC_REASON_PASSWORD_REFUSED, "at once: refused");
        } else {
            is_int(good, 6, "the login runs out before exchange %d: all are done", n);
            is_int(owa.executed, 3, "each write once (%d)", n);
            is_int(owa.logins, n < 7 ? 2 : 1, "with one more logon (%d)", n);
        }
        ok(world_all_done(w), "and the end is reached (%d)", n);
        world_destroy(w);
    }
}

static void no_permission(int deletes)
{
    world_t *w = fresh();
    person_t *p = ana(w);

    owa.denied = 1;
    owa.denied_deletes = deletes;
    world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
    world_wish(p, "PROPPATCH", "/exchange/boss/Calendar/x.EML", 1, 1);
    world_wish(p, "GET", "/exchange/ana/", 0, 1);
    world_run(w, server);
    is_int(p->wish[1].status, 440, "440 on a write though the login is good: handed on (%d)",
           deletes);
    is_int(p->wish[1].heads, 1, "with its head (%d)", deletes);
    is_int(p->wish[2].status, 200, "and the job goes on (%d)", deletes);
    is_int(owa.logins, 1 + deletes, "logged on again only if the cookies were taken back");
    is_int(p->call->result.reason, OC_REASON_OK, "the password is not held refused (%d)", deletes);
    world_destroy(w);

    w = fresh();
    p = ana(w);
    owa.denied = 1;
    owa.denied_deletes = deletes;
    world_wish(p, "PROPPATCH", "/exchange/boss/Calendar/x.EML", 1, 0);
    world_run(w, server);
    is_int(p->wish[0].status, 440, "nor is it when the write comes first (%d)", deletes);
    is_int(p->call->result.reason, OC_REASON_OK, "because home was looked at (%d)", deletes);

    p = ana(w);
    world_wish(p, "PROPFIND", "/exchange/boardroom/", 0, 0);
    world_run(w, server);
    is_int(p->wish[0].status, 440, "a read without rights, too (%d)", deletes);
    is_int(p->call->result.reason, OC_REASON_OK, "is no refusal (%d)", deletes);
    ok(world_all_done(w), "all are done (%d)", deletes);
    world_destroy(w);
}

/* Only the look at home may mark a password as refused, whatever else is answered, and when. */
static void marks_by_home_alone(int home_status, const char *method, const char *path)
{
    world_t *w = fresh();
    person_t *p = ana(w);

    world_wish(p, method, path, 0, 0);
    world_pump(w);
    world_reply(w, 0, 302, "Set-Cookie: sessionid=a\nSet-Cookie: cadata=\"1\"", NULL);
    world_pump(w);
    ok(strstr(w->flight[0].seen, "PROPFIND /exchange/ana/ ["), "%s %s: first a look at home",
       method, path);
    world_reply(w, 0, home_status, NULL, NULL);
    while (world_pump(w) > 0) {
        int logon = strncmp(w->flight[0].seen, LOGON, strlen(LOGON)) == 0;
        int home = strstr(w->flight[0].seen, "PROPFIND /exchange/ana/ [") != NULL;

        world_reply(w, 0, logon ? 302 : home ? home_status : 440,
                    logon ? "Set-Cookie: cadata=\"x\"" : NULL, NULL);
    }
    is_int(p->wish[0].status, 440, "home says %d: the 440 is the inner job's to judge",
           home_status);
    is_int(p->call->result.reason, OC_REASON_OK, "not a refused login");
    p = ana(w);
    world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
    is_int(world_pump(w), 1, "and the password may be used on");
    world_destroy(w);
}

static void password_changed(void)
{
    world_t *w = fresh();
    person_t *p = ana(w);

    world_wish(p, "GET", "/exchange/ana/1", 0, 0);
    world_run(w, server);
    owa.valid = 0;
    p = ana(w);
    world_wish(p, "GET", "/exchange/ana/2", 0, 0);
    world_wish(p, "MOVE", "/exchange/ana/3", 1, 0);
    world_pump(w);
    while (w->flights > 0) { /* the server does not let him in any more */
        int logon = strncmp(w->flight[0].seen, LOGON, strlen(LOGON)) == 0;

        world_reply(w, 0, logon ? 302 : 440, logon ? "Set-Cookie: cadata=\"x\"" : DELETED, NULL);
        world_pump(w);
    }
    is_int(p->call->result.reason, OC_REASON_PASSWORD_REFUSED,
           "a password that ceased to be right");
    is_int(world_count(w, LOGON), 2, "is sent once more, not twice");
    ok(world_all_done(w), "and all ends");
    world_destroy(w);
}

static void odd_logons(void)
{
    static const struct {
        int status;
        const char *headers;
        oc_reason_t reason;
        const char *what;
    } rows[] = {
        {302, "Location: /exchweb/bin/auth/owalogon.asp?reason=2", OC_REASON_PASSWORD_REFUSED,
         "back to the form, reason 2"},
        {200, "Content-Type: text/html", OC_REASON_PASSWORD_REFUSED, "the form again"},
        {440, NULL, OC_REASON_PASSWORD_REFUSED, "440"},
        {302, "Location: /exchange/", OC_REASON_UPSTREAM_PROTOCOL, "no cookies"},
        {302, "Set-Cookie: PHPSESSID=1", OC_REASON_UPSTREAM_PROTOCOL, "foreign cookies"},
        {401, "WWW-Authenticate: Basic", OC_REASON_MISCONFIGURED, "401: not the form's"},
        {403, NULL, OC_REASON_MISCONFIGURED, "403: wants TLS"},
        {404, NULL, OC_REASON_MISCONFIGURED, "404: no such form"},
        {503, NULL, OC_REASON_UPSTREAM_UNAVAILABLE, "503"},
        {500, NULL, OC_REASON_UPSTREAM_ERROR, "500"},
        {0, NULL, OC_REASON_UPSTREAM_TIMEOUT, "silence"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        world_t *w = fresh();
        person_t *p = ana(w);

        world_wish(p, "GET", "/exchange/ana/", 0, 0);
        world_wish(p, "MOVE", "/exchange/ana/x", 1, 0);
        world_pump(w);
        if (rows[i].status) {
            world_reply(w, 0, rows[i].status, rows[i].headers, "<html>");
        } else {
            world_no_reply(w, 0, OC_X_TIMEOUT);
        }
        is_int(world_pump(w), 0, "logon answered by %s: nothing more is sent", rows[i].what);
        is_int(p->call->result.reason, rows[i].reason, "%s: the reason", rows[i].what);
        is_int(p->wish[0].outcome, OC_X_NOT_SENT, "%s: not sent", rows[i].what);
        ok(world_all_done(w), "%s: done", rows[i].what);
        world_destroy(w);
    }
}

static void cookies(void)
{
    apr_pool_t *pool;
    apr_table_t *h;
    oc_cookies_t jar = {0, {NULL}, {NULL}};
    oc_cookies_change_t change;
    char *big;

    apr_pool_create(&pool, NULL);
    h = apr_table_make(pool, 4);
    apr_table_add(h, "Set-Cookie", "sessionid = a,0x409 ; path=/; domain=.evil.test");
    apr_table_add(h, "set-cookie", "CADATA=\"2,x\"; httponly");
    apr_table_add(h, "Set-Cookie", "cadata2=y");
    apr_table_add(h, "Set-Cookie", "xsessionid=z");
    apr_table_add(h, "Set-Cookie", "rubbish");
    apr_table_add(h, "Set-Cookie", "; =");
    change = oc_cookies_take(&jar, h, 1);
    is_int(change.set, 3, "three cookies of the logon's");
    is_str(oc_cookies_header(&jar, pool), "sessionid=a,0x409; CADATA=\"2,x\"; cadata2=y",
           "in one header");
    apr_table_clear(h);
    apr_table_add(h, "Set-Cookie", "cadata2=renewed; expires=Fri, 01-Jan-2999 00:00:00 GMT");
    apr_table_add(h, "Set-Cookie", "cadata3=new");
    apr_table_add(h, "Set-Cookie", "sessionid=; path=/");
    change = oc_cookies_take(&jar, h, 0);
    is_str(oc_cookies_header(&jar, pool), "cadata2=renewed; CADATA=\"2,x\"",
           "later replies renew and remove, but add nothing");
    is_int(change.refused, 1, "the new one is refused");
    apr_table_clear(h);
    apr_table_add(h, "Set-Cookie", "CADATA=q; Max-Age=0");
    apr_table_add(h, "Set-Cookie", "cadata2=q; Expires=Thu, 01-Jan-1970 00:00:00 GMT");
    ok(oc_cookies_removed(h), "removal is seen");
    oc_cookies_take(&jar, h, 0);
    ok(!oc_cookies_header(&jar, pool), "and done");

    apr_table_clear(h);
    for (int i = 0; i < 20; ++i) {
        apr_table_add(h, "Set-Cookie", apr_psprintf(pool, "cadata%d=v", i));
    }
    change = oc_cookies_take(&jar, h, 1);
    is_int(jar.count, OC_COOKIES_MAX, "no more than that many");
    is_int(change.refused, 20 - OC_COOKIES_MAX, "the rest is refused");
    oc_cookies_drop(&jar);
    apr_table_clear(h);
    big = malloc(OC_COOKIES_MAX_BYTES + 100);
    memset(big, 'x', OC_COOKIES_MAX_BYTES + 99);
    big[OC_COOKIES_MAX_BYTES + 99] = '\0';
    memcpy(big, "cadata=", 7);
    apr_table_addn(h, "Set-Cookie", big);
    apr_table_add(h, "Set-Cookie", "sessionid=a\x01" "b");
    apr_table_add(h, "Set-Cookie", "cadata\r\nX=b");
    change = oc_cookies_take(&jar, h, 1);
    is_int(change.refused, 3, "neither long ones nor control characters");
    is_int(jar.count, 0, "are kept");
    free(big);
    apr_pool_destroy(pool);
}

/* A cookie that the server renews on the way is the one that goes next. */
static void rotates(void)
{
    world_t *w = fresh();
    person_t *p = ana(w);

    world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
    world_wish(p, "PROPFIND", "/exchange/ana/2", 0, 1);
    world_pump(w);
    world_reply(w, 0, 302, "Set-Cookie: sessionid=one\nSet-Cookie: cadata=\"1\"", NULL);
    world_pump(w);
    world_reply(w, 0, 207, "Set-Cookie: cadata=\"2\"", NULL);
    world_pump(w);
    ok(strstr(w->flight[0].seen, "cadata=\"2\"") && !strstr(w->flight[0].seen, "cadata=\"1\""),
       "a renewed cookie takes the old one's place");
    world_reply(w, 0, 207, NULL, NULL);
    world_pump(w);
    world_destroy(w);
}

static void other_hosts(void)
{
    world_t *w = fresh();
    person_t *p = ana(w);

    world_wish(p, "PROPFIND", "/exchange/ana/", 0, 0);
    world_wish(p, "PROPFIND", "/exchange/ana/2", 0, 1);
    world_pump(w);
    world_reply(w, 0, 302, "Set-Cookie: cadata=\"1\"", NULL);
    world_pump(w);
    world_reply(w, 0, 207, NULL, NULL);
    w->site.host = "exchange2.test"; /* the inner job's next exchange is for that one */
    world_pump(w);
    is_int(world_count(w, LOGON), 2, "another host of the organization wants its own logon");
    is_int(world_count(w, "cadata"), 1, "and does not get the first one's cookies");
    world_reply(w, 0, 302, "Set-Cookie: cadata=\"2\"", NULL);
    world_pump(w);
    ok(strstr(w->flight[0].seen, "[cadata=\"2\"]"), "but its own");
    world_reply(w, 0, 207, NULL, NULL);
    world_pump(w);
    world_destroy(w);
}

static void long_pages(void)
{
    world_t *w = fresh();
    person_t *p = ana(w);
    char *page = malloc(40001);

    memset(page, '-', 40000);
    page[40000] = '\0';
    memcpy(page + 39000, FORM, strlen(FORM));
    world_wish(p, "GET", "/exchange/ana/", 0, 0);
    world_pump(w);
    world_reply(w, 0, 302, "Set-Cookie: cadata=\"1\"", NULL);
    world_pump(w);
    world_reply(w, 0, 200, "Content-Type: text/html", page);
    world_pump(w);
    is_int(p->wish[0].body_len, 40000, "of a long page nothing is lost");
    ok(memcmp(p->wish[0].body, page, 40000) == 0, "and nothing changed");
    is_int(p->call->result.reason, OC_REASON_OK, "a form far below is not a logon page");
    free(page);
    world_destroy(w);
}

int main(void)
{
    apr_initialize();
    logs_on();
    refused();
    ways_to_say_no(NULL, "440");
    ways_to_say_no("302", "a redirect to owalogon.asp");
    ways_to_say_no("200", "the form itself");
    runs_out();
    no_permission(0);
    no_permission(1);
    marks_by_home_alone(207, "SEARCH", "/exchange/ana/Calendar/");
    marks_by_home_alone(207, "PROPFIND", "/exchange/boardroom/");
    marks_by_home_alone(503, "SEARCH", "/exchange/ana/Calendar/");
    marks_by_home_alone(403, "PROPFIND", "/exchange/boardroom/");
    password_changed();
    odd_logons();
    cookies();
    rotates();
    other_hosts();
    long_pages();
    return done_testing();
}
