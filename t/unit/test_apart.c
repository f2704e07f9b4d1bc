/* Nothing of one person reaches another: what a child remembers (folders, logon cookies) is tried
 * to be had by somebody else, by another password, on another server, and by names made to look
 * alike. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "auth_world.h"
#include "backend/backend.h"
#include "drive.h"
#include "tap.h"

#define LOGON "POST /exchweb/bin/auth/owaauth.dll"

static apr_pool_t *pool;

/* ---- folders ---- */

static oc_site_t site = {"https", "mail.example.com", 443, NULL, NULL, 12, NULL};
static oc_backend_conf_t one = {"one", "owa2003", &site, "/exchange/", "/public/",
                                NULL,  NULL,      0};
static oc_backend_conf_t two = {"two", "owa2003", &site, "/exchange/", "/public/",
                                NULL,  NULL,      0};

/* How often the folders of ana's mailbox are asked for when that identity lists its calendar. */
static int asks(oc_memo_t *memo, const oc_backend_conf_t *conf, const char *identity)
{
    const char *error;
    oc_backend_t *be = oc_backend_open(pool, conf, &error);
    drive_t *d = drive_create(pool);
    oc_call_t *call = oc_call_create("somebody", "ana", identity);
    oc_list_query_t query = {NULL, {apr_time_from_sec(1772701200), apr_time_from_sec(1772704800)},
                             NULL, 10, 0};
    oc_list_t *list = NULL;
    int asked = 0;

    call->memo = memo;
    drive_load(d, "t/data/owa2003/folders-german.txt");
    drive_add(d, "SEARCH /exchange/ana/Kalender/",
              "207 Multi-Status\nContent-Type: text/xml\nMS-WebStorage: 6.5.7226\n\n"
              "<?xml version=\"1.0\"?><a:multistatus xmlns:a=\"DAV:\"></a:multistatus>");
    is_int(drive_run(d, be->vt->list(be, call, &query, &list)), 0, "%s lists by %s", identity,
           conf->name);
    ok(list != NULL, "and has a list");
    for (int i = 0; i < d->seen->nelts; ++i) {
        asked += strcmp(APR_ARRAY_IDX(d->seen, i, const char *), "PROPFIND /exchange/ana/") == 0;
    }
    oc_call_destroy(call);
    return asked;
}

static void folders(void)
{
    oc_memo_t *memo = oc_memo_create(pool, 100);

    is_int(asks(memo, &one, "basic:ana:x"), 1, "who comes first asks for the folders");
    is_int(asks(memo, &one, "basic:ana:x"), 0, "and knows them the second time");
    is_int(asks(memo, &one, "basic:bob:y"), 1, "somebody else asks himself");
    is_int(asks(memo, &one, "basic:ana:z"), 1, "so does another password");
    is_int(asks(memo, &one, "krb5:ana"), 1, "and another way of signing in");
    is_int(asks(memo, &two, "basic:ana:x"), 1, "and the same person on another server");
    is_int(asks(memo, &one, "basic:ana:x"), 0, "who is not forgotten meanwhile");
}

/* ---- keys ---- */

static void look_alikes(void)
{
    static const char *const rows[][3] = { /* identity, kind, name */
        {"ana", "folders", "one/ana"},   {"ana\nfolders", "one/ana", ""},
        {"anafolders", "", "one/ana"},   {"ana", "foldersone/ana", ""},
        {"", "anafolders", "one/ana"},   {"Ana", "folders", "one/ana"},
        {"ana", "folders", "one/an"},    {"ana ", "folders", "one/ana"},
    };
    static const char *const users[] = {"a:b", "a%3Ab", "a%3ab", "a", "A", "a ", "a\\b", "a/b"};
    enum { ROWS = sizeof(rows) / sizeof(rows[0]), USERS = sizeof(users) / sizeof(users[0]) };
    oc_memo_t *memo = oc_memo_create(pool, 100);
    oc_call_t *call = oc_call_create("x", "x", NULL);
    int alike = 0, i, k;

    for (i = 0; i < ROWS; ++i) {
        for (k = 0; k < i; ++k) {
            const char *got = oc_memo_get(memo, pool, rows[i][0], rows[i][1], rows[i][2]);
            alike += got != NULL;
        }
        oc_memo_put(memo, rows[i][0], rows[i][1], rows[i][2], "secret", apr_time_from_sec(60));
    }
    is_int(alike, 0, "no key of the memo reads as another");
    oc_memo_forget(memo, "ana", "folders", NULL);
    ok(oc_memo_get(memo, pool, "Ana", "folders", "one/ana") != NULL,
       "nor is another's forgotten with one's own");
    for (alike = 0, i = 0; i < USERS; ++i) {
        const char *a = oc_identity_key(oc_identity_basic(call, OC_UPSTREAM_FORMS, users[i], "p"));
        for (k = 0; k < i; ++k) {
            alike += strcmp(a, oc_identity_key(oc_identity_basic(call, OC_UPSTREAM_FORMS, users[k],
                                                                 "p"))) == 0;
        }
        /* What of it belongs to the name and what to the password cannot be shifted. */
        alike += strcmp(a, oc_identity_key(oc_identity_basic(
                               call, OC_UPSTREAM_FORMS, apr_pstrcat(pool, users[i], "p", NULL),
                               "p"))) == 0;
    }
    is_int(alike, 0, "no two names have one identity key");
    oc_call_destroy(call);
}

/* ---- cookies ---- */

/* Every logon gets cookies that bear its user and password; each exchange is compared with them. */
static int foreign;

static const char *field(const char *body, const char *name)
{
    const char *at = strstr(body, name);

    at = at ? at + strlen(name) : "";
    return apr_pstrmemdup(pool, at, strcspn(at, "&"));
}

static int server(world_t *w, const sent_t *s, const char **headers, const char **body)
{
    (void)w;
    (void)body;
    if (strncmp(s->seen, LOGON, strlen(LOGON)) == 0) {
        *headers = apr_psprintf(pool, "Set-Cookie: sessionid=%s\nSet-Cookie: cadata=%s",
                                field(s->body, "username="), field(s->body, "password="));
        return 302;
    }
    foreign += !s->x->cookie
               || strcmp(s->x->cookie, apr_psprintf(pool, "sessionid=%s; cadata=%s",
                                                    s->by->call->user, s->by->call->language)) != 0;
    foreign += strstr(s->seen, apr_psprintf(pool, " forms:%s:", s->by->call->user)) == NULL;
    /* A server that tries to plant another's. */
    *headers = "Set-Cookie: cadata9=planted\nSet-Cookie: other=planted";
    return 207;
}

static void cookies(void)
{
    static const char *const who[][2] = {{"ana", "1"}, {"bob", "1"}, {"ana", "2"}, {"an", "a1"}};
    world_t *w = world_create(NULL);
    int i, answered = 0;

    for (i = 0; i < 40; ++i) {
        const char *const *p = who[i % 4];
        person_t *person = world_basic(w, OC_UPSTREAM_FORMS, p[0], p[1]);

        person->call->language = p[1]; /* for server() to know the password by */
        oc_identity_home(person->id, apr_psprintf(pool, "/exchange/%s/", p[0]));
        world_wish(person, "GET", "/public/?Cmd=freebusy", 0, 0);
        world_wish(person, "PROPPATCH", "/exchange/x", 1, i & 4);
    }
    world_run(w, server);
    for (i = 0; i < 40; ++i) {
        answered += w->person[i]->wish[1].status == 207;
    }
    is_int(answered, 40, "forty jobs of four logins, all at once");
    is_int(world_count(w, LOGON), 4, "log on once each");
    is_int(foreign, 0, "and no exchange bears anything of another's");
    is_int(world_count(w, "planted"), 0, "nor what a reply tried to plant");
    world_destroy(w);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    folders();
    look_alikes();
    cookies();
    return done_testing();
}
