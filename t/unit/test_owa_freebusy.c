/* Free/busy of Exchange 2003: the query, its pieces, the digits, and what is no data. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "backend/backend.h"
#include "drive.h"
#include "tap.h"

static apr_pool_t *pool;
static oc_site_t site = {"http", "mail.example.com", 80, NULL, NULL, 12, NULL};
static oc_backend_conf_t conf = {"ex", "owa2003", &site, "/exchange/", "/public/",
                                 NULL, NULL, 0};
static oc_backend_t *be;

#define NINE (apr_time_from_sec(1772701200)) /* 2026-03-05T09:00:00Z */
#define MINUTES(n) (apr_time_from_sec(60) * (n))

static const char *digits(const oc_freebusy_t *row)
{
    char *s = apr_pcalloc(pool, (apr_size_t)row->count + 1);
    int i;

    for (i = 0; i < row->count; ++i) {
        s[i] = "FTBO?"[row->busy[i]];
    }
    return s;
}

typedef struct asked_t {
    oc_call_t *call;
    apr_array_header_t *rows;
    oc_job_t *job;
    drive_t *drive;
} asked_t;

static asked_t ask(apr_time_t start, apr_time_t length, apr_time_t slot, const char *who)
{
    oc_freebusy_query_t *q = apr_pcalloc(pool, sizeof(*q));
    asked_t a = {drive_call(), NULL, NULL, drive_create(pool)};
    char *rest, *one, *list = apr_pstrdup(pool, who);

    q->who = apr_array_make(pool, 4, sizeof(const char *));
    for (one = apr_strtok(list, " ", &rest); one; one = apr_strtok(NULL, " ", &rest)) {
        APR_ARRAY_PUSH(q->who, const char *) = one;
    }
    q->range.start = start;
    q->range.end = start + length;
    q->slot = slot;
    a.job = be->vt->freebusy(be, a.call, q, &a.rows);
    return a;
}

static const char *row(const asked_t *a, int i)
{
    return digits(APR_ARRAY_IDX(a->rows, i, oc_freebusy_t *));
}

static int told(const asked_t *a, int i)
{
    return APR_ARRAY_IDX(a->rows, i, oc_freebusy_t *)->told;
}

static void test_recorded(void)
{
    asked_t a = ask(NINE, MINUTES(180), MINUTES(30),
                    "bo@ex.example room412@ex.example nobody@ex.example");

    drive_load(a.drive, "t/data/owa2003/freebusy.txt");
    is_int(drive_run(a.drive, a.job), 0, "one exchange asks for everybody");
    is_int(a.call->result.reason, OC_REASON_OK, "and succeeds");
    is_str(row(&a, 0), "FF?B??", "digits are read; 4 and strange ones are unknown");
    is_str(row(&a, 1), "FTBO??", "matched by e-mail without case; a short row ends in unknown");
    is_str(row(&a, 2), "??????", "a row that did not come is unknown");
    ok(!told(&a, 0) && !told(&a, 1) && !told(&a, 2),
       "strange digits, too few, none: not all of it was told");
    is_str(APR_ARRAY_IDX(a.rows, 1, oc_freebusy_t *)->name, "Room <b>4.12</b>",
           "a display name with markup is just text");
}

#define ITEM(digits)                                                                               \
    "<a:item><a:displayname>Bo</a:displayname><a:email>bo@ex.example</a:email><a:fbdata>" digits   \
    "</a:fbdata></a:item>"

static void test_twice(void)
{
    asked_t a = ask(NINE, MINUTES(90), MINUTES(30), "bo@ex.example");

    drive_add(a.drive, "GET /public/*",
              "200 OK\nContent-Type: text/xml\n\n<a:response xmlns:a=\"WM\"><a:recipients>"
              ITEM("021") ITEM("000") "</a:recipients></a:response>");
    drive_run(a.drive, a.job);
    is_str(row(&a, 0), "FBT", "of two answers for one person neither hides the other");
    ok(told(&a, 0), "which is told");
}

static void test_odd(void)
{
    asked_t a = ask(NINE, MINUTES(60), MINUTES(30), "bo@ex.example");

    drive_add(a.drive, "GET /public/*", "404\nMS-WebStorage: 6.5\n\nnot found");
    is_int(drive_run(a.drive, a.job), 0, "404:");
    is_int(a.call->result.reason, OC_REASON_OK, "no failure");
    is_str(row(&a, 0), "??", "but nobody is known");
    ok(!told(&a, 0), "nor told of");

    a = ask(NINE, MINUTES(60), MINUTES(30), "bo@ex.example");
    drive_add(a.drive, "GET /public/*", "200 OK\nContent-Type: text/html\n\n<html>grid</html>");
    drive_run(a.drive, a.job);
    is_int(a.call->result.reason, OC_REASON_UPSTREAM_PROTOCOL, "HTML instead is a protocol error");
    is_str(row(&a, 0), "??", "nobody is free by it");

    a = ask(NINE, MINUTES(60), MINUTES(30), "bo@ex.example");
    drive_add(a.drive, "GET /public/*", "200 OK\nContent-Type: text/xml\n\n"
              "<a:response xmlns:a='WM'><a:recipients><a:item><a:email>bo@ex.example"
              "</a:email><a:fbdata>00</a:fbdata>");
    drive_run(a.drive, a.job);
    is_int(a.call->result.reason, OC_REASON_UPSTREAM_PROTOCOL, "a reply cut short is one, too");

    a = ask(NINE, MINUTES(60), MINUTES(30), "bo@ex.example");
    drive_add(a.drive, "GET /public/*", "302 Moved\nLocation: https://mail.example.com/exchweb/bin/"
              "auth/owalogon.asp?url=x&reason=0\n\n");
    drive_run(a.drive, a.job);
    is_int(a.call->result.reason, OC_REASON_TOKEN_REFUSED, "the logon page: the login was refused");

    a = ask(NINE, MINUTES(60), MINUTES(30), "bad\"address x@y\r\n@z");
    is_int(drive_run(a.drive, a.job), 0, "addresses that are none are not sent");
    is_int(a.drive->seen->nelts, 0, "not even in a query of their own");
    is_str(row(&a, 1), "??", "and unknown");

    a = ask(NINE, 0, MINUTES(30), "bo@ex.example");
    ok(!a.job && a.call->result.reason == OC_REASON_INVALID_INPUT, "an empty range is refused");
    a = ask(NINE, MINUTES(60), MINUTES(1) / 2, "bo@ex.example");
    ok(!a.job, "half a minute is no slot");
    a = ask(NINE, MINUTES(1440) * 400, MINUTES(1440) * 100, "bo@ex.example");
    ok(!a.job, "nor is one that is longer than what is asked at once");
}

static int free_for_all(drive_t *d, oc_exchange_t *x, void *baton)
{
    char *body = apr_pstrdup(pool, "<a:response xmlns:a='WM'><a:recipients>");
    const char *p = x->path, *interval = strstr(x->path, "interval=");
    int i, n = interval ? 6000 / atoi(interval + 9) : 0;
    char fb[6001];

    (void)baton;
    for (i = 0; i < n; ++i) {
        fb[i] = "0102"[i % 4];
    }
    fb[n] = '\0';
    while ((p = strstr(p, "&u=SMTP:")) != NULL) {
        const char *end;
        p += 8;
        end = strchr(p, '&');
        body = apr_pstrcat(pool, body, "<a:item><a:email>",
                           apr_pstrmemdup(pool, p, end ? (apr_size_t)(end - p) : strlen(p)),
                           "</a:email><a:fbdata>", fb, "</a:fbdata></a:item>", NULL);
    }
    body = apr_pstrcat(pool, body, "</a:recipients></a:response>", NULL);
    if (strlen(x->path) > 2000) {
        ++d->complaints;
        diag("a query of %d bytes", (int)strlen(x->path));
    }
    drive_reply(d, x, 200, "Content-Type: text/xml", body, strlen(body));
    return 1;
}

static void test_pieces(void)
{
    char *who = apr_pstrdup(pool, "");
    asked_t a;
    int i, known = 0;

    for (i = 0; i < 50; ++i) {
        who = apr_psprintf(pool, "%s room%d@ex.example", who, i);
    }
    a = ask(NINE, MINUTES(60), MINUTES(30), who);
    a.drive->answer = free_for_all;
    is_int(drive_run(a.drive, a.job), 0, "fifty rooms");
    is_int(a.drive->seen->nelts, 1, "in one exchange");

    for (i = 50; i < 200; ++i) {
        who = apr_psprintf(pool, "%s room%d@ex.example", who, i);
    }
    a = ask(NINE, MINUTES(60), MINUTES(30), who);
    a.drive->answer = free_for_all;
    is_int(drive_run(a.drive, a.job), 0, "two hundred: no query over 2 KB");
    is_int(a.drive->peak, a.drive->seen->nelts, "all %d exchanges in flight at once",
           a.drive->seen->nelts);
    for (i = 0; i < a.rows->nelts; ++i) {
        known += !strcmp(row(&a, i), "FT");
    }
    is_int(known, 200, "everybody has a row");
    for (i = 0; i < a.rows->nelts; ++i) {
        known -= told(&a, i);
    }
    is_int(known, 0, "all of which was told");

    a = ask(NINE, MINUTES(60 * 24 * 100), MINUTES(60 * 24), "bo@ex.example bo@EX.example");
    a.drive->answer = free_for_all;
    is_int(drive_run(a.drive, a.job), 0, "a hundred days");
    is_int(a.drive->seen->nelts, 2, "are cut at the longest range, twins are asked for once");
    ok(strstr(APR_ARRAY_IDX(a.drive->seen, 0, const char *), "end=2026-05-06T09:00:00Z")
           && strstr(APR_ARRAY_IDX(a.drive->seen, 1, const char *), "start=2026-05-06T09:00:00Z"),
       "without a gap");
    ok(!told(&a, 0) && !told(&a, 1), "of which so few digits do not tell");

    a = ask(NINE + MINUTES(15), MINUTES(60), MINUTES(30), "bo@ex.example");
    a.drive->answer = free_for_all;
    drive_run(a.drive, a.job);
    ok(strstr(APR_ARRAY_IDX(a.drive->seen, 0, const char *),
              "start=2026-03-05T09:15:00Z&end=2026-03-05T10:15:00Z&interval=15&"),
       "a start between slots asks for an interval that fits both");
    is_str(row(&a, 0), "TB", "of its digits the strongest fills the slot");
    a = ask(NINE + MINUTES(15), MINUTES(120), MINUTES(30), "bo@ex.example");
    drive_add(a.drive, "GET *", "200\nContent-Type: text/xml\n\n<a:response xmlns:a='WM'>"
              "<a:recipients><a:item><a:email>bo@ex.example</a:email><a:fbdata>04400024</a:fbdata>"
              "</a:item></a:recipients></a:response>");
    drive_run(a.drive, a.job);
    is_str(row(&a, 0), "??FB", "half a slot not known leaves free in doubt, but not busy");
    ok(told(&a, 0), "that there is no data is told");
}

int main(void)
{
    const char *error;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    be = oc_backend_open(pool, &conf, &error);
    test_recorded();
    test_twice();
    test_odd();
    test_pieces();
    apr_terminate();
    return done_testing();
}
