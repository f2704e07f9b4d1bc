/* Exchange 2003, reading: folders, a calendar, one item, evidence, and what each status means. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "backend/backend.h"
#include "backend/owa2003/owa.h"
#include "base/str.h"
#include "cal/zone.h"
#include "drive.h"
#include "tap.h"

static apr_pool_t *pool;
static oc_site_t site = {"https", "mail.example.com", 443, NULL, NULL, 12, NULL};
static oc_site_t second = {"https", "mail2.example.com", 8443, NULL, NULL, 12, NULL};
static oc_backend_conf_t conf = {"ex", "owa2003", &site, "/exchange/", "/public/",
                                 NULL, NULL, 0};
static oc_backend_t *be;

#define FOLDERS "t/data/owa2003/folders-german.txt"
#define NINE apr_time_from_sec(1772701200) /* 2026-03-05T09:00:00Z */
#define HOUR apr_time_from_sec(3600)
#define UID "040000008200E00074C5B7101A82E00800000000AB"
#define XML "207 Multi-Status\nContent-Type: text/xml\nMS-WebStorage: 6.5.7226\n" \
    "Date: Thu, 05 Mar 2026 08:00:00 GMT\n\n"
#define MULTI "<?xml version=\"1.0\"?><a:multistatus xmlns:a=\"DAV:\" " \
    "xmlns:d=\"urn:schemas:calendar:\" xmlns:e=\"urn:schemas:httpmail:\" " \
    "xmlns:m=\"http://schemas.microsoft.com/mapi/\" " \
    "xmlns:x=\"http://schemas.microsoft.com/exchange/\">"
#define END "</a:multistatus>"

/* One row of a calendar: minutes from nine o'clock. */
static const char *row(const char *path, int from, int to, const char *more)
{
    apr_time_exp_t s, e;
    char start[32], end[32];
    apr_size_t n;

    apr_time_exp_gmt(&s, NINE + apr_time_from_sec(60) * from);
    apr_time_exp_gmt(&e, NINE + apr_time_from_sec(60) * to);
    apr_strftime(start, &n, sizeof(start), "%Y-%m-%dT%H:%M:%S.000Z", &s);
    apr_strftime(end, &n, sizeof(end), "%Y-%m-%dT%H:%M:%S.000Z", &e);
    return apr_pstrcat(pool, "<a:response><a:href>http://old.example", path,
                       "</a:href><a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop>"
                       "<d:dtstart>", start, "</d:dtstart><d:dtend>", end, "</d:dtend>", more,
                       "</a:prop></a:propstat></a:response>", NULL);
}

static const char *folders_of(const char *mailbox)
{
    const char *root = apr_pstrcat(pool, "http://old.example/exchange/", mailbox, NULL);

    return apr_pstrcat(pool, XML MULTI "<a:response><a:href>", root, "/NON_IPM_SUBTREE</a:href>"
                       "<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop><e:calendar>", root,
                       "/Calendar</e:calendar></a:prop></a:propstat></a:response>" END, NULL);
}

/* ---- folders, by the probe ---- */

static oc_reason_t probe(drive_t *d, apr_table_t **facts, oc_call_t **call_out)
{
    oc_call_t *call = drive_call();
    oc_job_t *job = be->vt->probe(be, call, facts);

    drive_run(d, job);
    if (call_out) {
        *call_out = call;
    }
    return call->result.reason;
}

static oc_reason_t probe_with(const char *reply)
{
    drive_t *d = drive_create(pool);
    apr_table_t *facts;
    int i;

    for (i = 0; i < 4; ++i) {
        drive_add(d, "PROPFIND /exchange/ana/", reply);
    }
    return probe(d, &facts, NULL);
}

/* Drafts lie where the calendar lies. */
static const char *root_reply(const char *href, const char *calendar)
{
    const char *parent = apr_pstrmemdup(pool, calendar,
                                        (apr_size_t)(strrchr(calendar, '/') - calendar));

    return apr_pstrcat(pool, XML MULTI "<a:response><a:href>", href, "</a:href><a:propstat>"
                       "<a:status>HTTP/1.1 200 OK</a:status><a:prop><e:calendar>", calendar,
                       "</e:calendar><e:drafts>", parent, "/Drafts</e:drafts></a:prop></a:propstat>"
                       "</a:response>" END, NULL);
}

static void test_folders(void)
{
    drive_t *d = drive_create(pool);
    apr_table_t *facts;

    drive_load(d, FOLDERS);
    is_int(probe(d, &facts, NULL), OC_REASON_OK, "a German mailbox");
    is_int(d->complaints, 0, "is asked rightly");
    is_str(apr_table_get(facts, "calendar"), "/exchange/ana/Kalender/", "its calendar");
    is_str(apr_table_get(facts, "drafts"), "/exchange/ana/Entw\xC3\xBCrfe/", "its drafts");
    is_str(apr_table_get(facts, "version"), "6.5.7226", "the server's version");

    is_int(probe_with(root_reply("http://h/exchange/ana/", "http://h/exchange/ana/Calendar")),
           OC_REASON_OK, "only the folders that matter");
    is_int(probe_with(root_reply("http://h/exchange/ana@ex.example/",
                                 "http://h/exchange/ana@ex.example/Calendar")),
           OC_REASON_OK, "an alias may be answered with the address");
    is_int(probe_with(root_reply("http://h/exchange/ana/", "http://h/exchange/bob/Calendar")),
           OC_REASON_UPSTREAM_PROTOCOL, "a calendar in another mailbox is not believed");
    is_int(probe_with(root_reply("http://h/exchange/bob/", "http://h/exchange/bob/Calendar")),
           OC_REASON_UPSTREAM_PROTOCOL, "nor an answer for another mailbox");
    is_int(probe_with(root_reply("http://h/exchange/ana/",
                                 "http://h/exchange/ana/../bob/Calendar")),
           OC_REASON_UPSTREAM_PROTOCOL, "nor one with dot segments");
    is_int(probe_with(root_reply("http://h/evil/ana/", "http://h/evil/ana/Calendar")),
           OC_REASON_UPSTREAM_PROTOCOL, "nor one outside the configured path");
}

static void test_statuses(void)
{
    static const struct {
        const char *reply;
        oc_reason_t reason;
    } table[] = {
        {"400\nMS-WebStorage: 6.5\n\n", OC_REASON_UPSTREAM_ERROR},
        {"401\nMS-WebStorage: 6.5\n\n", OC_REASON_TOKEN_REFUSED},
        {"403\n\nSSL required", OC_REASON_ACCESS_DENIED},
        {"404\nMS-WebStorage: 6.5\n\n", OC_REASON_MAILBOX_NOT_FOUND},
        {"404\n\nnot Exchange", OC_REASON_UPSTREAM_PROTOCOL},
        {"409\n\n", OC_REASON_UPSTREAM_ERROR},
        {"412\n\n", OC_REASON_CHANGED_MEANWHILE},
        {"423\n\n", OC_REASON_LOCKED},
        {"425\n\n", OC_REASON_QUOTA},
        {"440 Login Timeout\n\n", OC_REASON_ACCESS_DENIED},
        {"500\n\n", OC_REASON_UPSTREAM_ERROR},
        {"503\nRetry-After: 7\n\n", OC_REASON_UPSTREAM_UNAVAILABLE},
        {"507\n\n", OC_REASON_QUOTA},
        {"200\nContent-Type: text/html\n\n<html></html>", OC_REASON_UPSTREAM_PROTOCOL},
        {"207\nContent-Type: text/html\n\n<html></html>", OC_REASON_UPSTREAM_PROTOCOL},
        {"207\nContent-Type: text/xml\n\n", OC_REASON_UPSTREAM_PROTOCOL},
        {XML MULTI END, OC_REASON_UPSTREAM_PROTOCOL},
        {XML MULTI "<a:response><a:href>/exchange/ana/</a:href><a:status>HTTP/1.1 404 Not Found"
                   "</a:status></a:response>" END, OC_REASON_MAILBOX_NOT_FOUND},
        {"302\nLocation: /exchweb/bin/auth/owalogon.asp?url=x\n\n", OC_REASON_TOKEN_REFUSED},
        {"302\nLocation: https://evil.example/exchange/ana/\n\n", OC_REASON_UPSTREAM_REDIRECT},
        {"302\nLocation: https://mail.example.com.evil.example/\n\n", OC_REASON_UPSTREAM_REDIRECT},
        {"302\nLocation: https://mail.example.com@evil.example/\n\n", OC_REASON_UPSTREAM_REDIRECT},
        {"302\nLocation: https://mail.example.com/exchange/ana/\n\n", OC_REASON_UPSTREAM_REDIRECT},
        {"302\nLocation: //evil.example/\n\n", OC_REASON_UPSTREAM_REDIRECT},
        {"302\n\n", OC_REASON_UPSTREAM_REDIRECT},
        {"304\n\n", OC_REASON_UPSTREAM_ERROR},
        {"LOST", OC_REASON_UPSTREAM_ERROR},
        {"NOT_SENT", OC_REASON_UPSTREAM_UNAVAILABLE},
        {"TIMEOUT", OC_REASON_UPSTREAM_TIMEOUT},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        oc_reason_t got = probe_with(table[i].reply);
        is_str(oc_reason_token(got), oc_reason_token(table[i].reason), "reading, %.40s",
               table[i].reply);
    }
    {
        drive_t *d = drive_create(pool);
        apr_table_t *facts;
        oc_call_t *call;
        drive_add(d, "PROPFIND /exchange/ana/", "503\nRetry-After: 7\n\n");
        probe(d, &facts, &call);
        is_int(call->result.retry_after, 7, "Retry-After is handed up");
        is_int(d->seen->nelts, 1, "and a long one not waited for");
        d = drive_create(pool);
        drive_add(d, "PROPFIND /exchange/ana/", "503\nRetry-After: 1\n\n");
        drive_load(d, FOLDERS);
        is_int(probe(d, &facts, NULL), OC_REASON_OK, "a busy server is asked a second time");
        is_int(d->seen->nelts, 2, "but not a third");
    }
}

static void test_redirect(void)
{
    drive_t *d = drive_create(pool);
    apr_table_t *facts;

    conf.also = apr_array_make(pool, 1, sizeof(oc_site_t *));
    APR_ARRAY_PUSH(conf.also, oc_site_t *) = &second;
    drive_add(d, "PROPFIND /exchange/ana/",
              "302\nLocation: https://mail2.example.com:8443/exchange/ana/\n\n");
    drive_load(d, FOLDERS);
    is_int(probe(d, &facts, NULL), OC_REASON_OK, "a redirect to a host of also= is followed");
    is_str(apr_table_get(facts, "server"), "https://mail2.example.com:8443", "and remembered");

    d = drive_create(pool);
    drive_add(d, "PROPFIND /exchange/ana/",
              "307\nLocation: http://MAIL2.example.com/exchange/x/\n\n");
    drive_add(d, "PROPFIND /exchange/x/",
              "302\nLocation: https://mail.example.com/exchange/y/\n\n");
    drive_add(d, "PROPFIND /exchange/y/",
              "302\nLocation: https://mail.example.com/exchange/z/\n\n");
    drive_add(d, "PROPFIND /exchange/z/",
              "302\nLocation: https://mail.example.com/exchange/q/\n\n");
    is_int(probe(d, &facts, NULL), OC_REASON_UPSTREAM_REDIRECT, "not for ever");
    is_int(d->seen->nelts, 4, "three hops and no more");
    is_int(d->complaints, 0, "the method is kept");
    conf.also = NULL;
}

/* ---- list ---- */

typedef struct listed_t {
    oc_call_t *call;
    oc_list_t *list;
    drive_t *drive;
    oc_job_t *job;
} listed_t;

static listed_t list(const char *mailbox, int max, const char *not_uid)
{
    oc_list_query_t *q = apr_pcalloc(pool, sizeof(*q));
    listed_t l = {drive_call(), NULL, drive_create(pool), NULL};

    q->mailbox = mailbox;
    q->range.start = NINE;
    q->range.end = NINE + 8 * HOUR;
    q->max = max;
    q->not_uid = not_uid;
    l.job = be->vt->list(be, l.call, q, &l.list);
    return l;
}

static const oc_booking_t *at(const listed_t *l, int i)
{
    return APR_ARRAY_IDX(l->list->bookings, i, oc_booking_t *);
}

static const char *page(int from, int to, int total, const char *rows)
{
    return apr_psprintf(pool, "207 Multi-Status\nContent-Type: text/xml\n"
                        "Content-Range: rows %d-%d; total=%d\n\n" "%s%s%s", from, to, total, MULTI,
                        rows, END);
}

static void test_list(void)
{
    listed_t l = list(NULL, 500, "skip-me");
    char *rows = apr_pstrdup(pool, "");
    int i;

    drive_load(l.drive, FOLDERS);
    for (i = 0; i < 94; ++i) {
        rows = apr_pstrcat(pool, rows, row(apr_psprintf(pool, "/exchange/ana/Kalender/I%d.EML", i),
                                           i, i + 1, "<e:subject>s</e:subject>"), NULL);
    }
    rows = apr_pstrcat(pool, rows,
                       row("/exchange/ana/Kalender/skip.EML", 1, 9, "<d:uid>SKIP-me</d:uid>"),
                       row("/exchange/bob/Calendar/x.EML", 1, 9, ""),
                       row("/exchange/ana/Posteingang/y.EML", 1, 9, ""),
                       row("/exchange/ana/Kalender/before.EML", -60, 0, ""),
                       row("/exchange/ana/Kalender/master.EML", 1, 9,
                           "<d:instancetype>1</d:instancetype>"),
                       row("/exchange/ana/Kalender/backwards.EML", 9, 1, ""), NULL);
    drive_add(l.drive, "SEARCH /exchange/ana/Kalender/", page(0, 99, 103, rows));
    rows = apr_pstrcat(pool, row("/exchange/ana/Kalender/I93.EML", 93, 94, ""),
                       row("/exchange/ana/Kalender/N%C3%A9v%20%26.EML", 200, 230, ""),
                       row("/exchange/ana/Kalender/early.EML", -60, 1, ""), NULL);
    drive_add(l.drive, "SEARCH /exchange/ana/Kalender/", page(100, 102, 103, rows));
    is_int(drive_run(l.drive, l.job), 0, "two pages");
    is_int(l.call->result.reason, OC_REASON_OK, "are a calendar");
    is_int(drive_unused(l.drive), 0, "both are asked for");
    is_int(l.list->bookings->nelts, 96, "rows that came twice, are elsewhere, outside the range, "
           "masters, malformed or not wanted are left out");
    is_str(at(&l, 0)->item, "early.EML", "by start; what began before the range is in");
    is_str(at(&l, 95)->item, "N%C3%A9v%20%26.EML", "the item's name, encoded, is its reference");
    ok(be->vt->item_ok(be, at(&l, 95)->item), "which is accepted again");
    is_int(l.list->more, 0, "nothing more");
    is_int(l.list->strange, 3, "and it is told of how many no sense could be made");
}

static void test_list_paging(void)
{
    listed_t l = list(NULL, 3, NULL);
    char *rows = apr_pstrdup(pool, "");
    int i;

    for (i = 0; i < 10; ++i) {
        rows = apr_pstrcat(pool, rows, row(apr_psprintf(pool, "/exchange/ana/Kalender/%d.EML", i),
                                           i, i + 1, ""), NULL);
    }
    drive_load(l.drive, FOLDERS);
    drive_add(l.drive, "SEARCH *", apr_pstrcat(pool, XML MULTI, rows, END, NULL));
    is_int(drive_run(l.drive, l.job), 0, "a server that ignores Range gives all at once");
    is_int(l.list->bookings->nelts, 3, "no more rows are kept than wanted");
    is_int(l.list->more, 1, "and it is said that there were more");
    is_int(l.drive->refused, 1, "the rest is not even read");

    l = list(NULL, 500, NULL);
    rows = apr_pstrdup(pool, "");
    for (i = 0; i < 100; ++i) {
        rows = apr_pstrcat(pool, rows, row(apr_psprintf(pool, "/exchange/ana/Kalender/%d.EML", i),
                                           i, i + 1, ""), NULL);
    }
    drive_load(l.drive, FOLDERS);
    drive_add(l.drive, "SEARCH *",
              apr_psprintf(pool, "207\nContent-Range: rows 0-99\n\n%s%s%s", MULTI, rows, END));
    drive_add(l.drive, "SEARCH *", "416 Requested Range Not Satisfiable\n\n");
    is_int(drive_run(l.drive, l.job), 0, "without a total one page more is asked for");
    is_int(l.call->result.reason, OC_REASON_OK, "416 is the end of the list");
    is_int(l.list->bookings->nelts, 100, "with all rows");

    l = list(NULL, 10, NULL);
    drive_load(l.drive, FOLDERS);
    drive_add(l.drive, "SEARCH *", "416\n\n");
    drive_run(l.drive, l.job);
    is_int(l.call->result.reason, OC_REASON_OK, "an empty calendar may be a 416 at once");
}

/* A multistatus whose one row is a failure. */
#define FAILED(href, status)                                                                       \
    apr_pstrcat(pool, XML MULTI "<a:response><a:href>" href "</a:href><a:status>HTTP/1.1 " status \
                "</a:status></a:response>", END, NULL)

static void test_list_other(void)
{
    listed_t l = list("room412", 10, NULL);
    static const char *const refused[] = {"401\nMS-WebStorage: 6\n\n", "403\nMS-WebStorage: 6\n\n",
                                          "404\nMS-WebStorage: 6\n\n", "440\n\n",
                                          "FORBIDDEN"};
    size_t i;

    drive_add(l.drive, "PROPFIND /exchange/room412/NON_IPM_SUBTREE", folders_of("room412"));
    drive_add(l.drive, "SEARCH /exchange/room412/Calendar/",
              apr_pstrcat(pool, XML MULTI,
                          row("/exchange/room412/Calendar/p.EML", 0, 60,
                              "<e:subject>Salary</e:subject><d:location>x</d:location>"
                              "<d:uid>U1</d:uid><d:busystatus>TENTATIVE</d:busystatus>"
                              "<d:organizer>bo@ex.example</d:organizer><m:sensitivity>2"
                              "</m:sensitivity>"),
                          row("/exchange/room412/Calendar/q.EML", 60, 90,
                              "<e:subject>Open</e:subject><m:sensitivity>0</m:sensitivity>"),
                          row("/exchange/room412/Calendar/r.EML", 90, 99,
                              "<e:subject>Odd</e:subject><m:sensitivity>x</m:sensitivity>"),
                          END, NULL));
    is_int(drive_run(l.drive, l.job), 0, "a room's calendar");
    is_int(l.list->bookings->nelts, 3, "is listed");
    ok(!at(&l, 0)->subject && !at(&l, 0)->location && !at(&l, 0)->organizer && !at(&l, 0)->item,
       "somebody's private item tells nothing");
    is_int(at(&l, 0)->busy, OC_BUSY_TENTATIVE, "but that the time is taken");
    is_str(at(&l, 0)->uid, "U1", "and its uid, which says nothing");
    is_str(at(&l, 1)->subject, "Open", "others are shown");
    ok(!at(&l, 2)->subject, "a sensitivity nobody understands counts as private");
    ok(!at(&l, 1)->is_organizer, "none is one's own");

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i) {
        l = list("room412", 10, NULL);
        drive_add(l.drive, "PROPFIND *", refused[i]);
        drive_run(l.drive, l.job);
        ok(l.call->result.reason == OC_REASON_OK && l.list->unreadable,
           "folders: %.3s: unreadable, no failure", refused[i]);
        l = list("room412", 10, NULL);
        drive_add(l.drive, "PROPFIND *", folders_of("room412"));
        drive_add(l.drive, "SEARCH *", refused[i]);
        drive_run(l.drive, l.job);
        ok(l.call->result.reason == OC_REASON_OK && l.list->unreadable,
           "search: %.3s: unreadable, no failure", refused[i]);
    }
    l = list("room412", 10, NULL);
    drive_add(l.drive, "PROPFIND *", folders_of("room412"));
    drive_add(l.drive, "SEARCH *", FAILED("/exchange/room412/Calendar", "403 Forbidden"));
    drive_run(l.drive, l.job);
    ok(l.call->result.reason == OC_REASON_OK && l.list->unreadable,
       "search: a 207 that says 403 of the folder: unreadable, not empty");
    l = list("room412", 10, NULL);
    drive_add(l.drive, "PROPFIND *", folders_of("room412"));
    drive_add(l.drive, "SEARCH *", FAILED("/exchange/room412/Calendar/", "507 Cut off"));
    drive_run(l.drive, l.job);
    ok(l.call->result.reason != OC_REASON_OK, "search: a result that was cut off is none");
    l = list("room412", 10, NULL);
    drive_add(l.drive, "PROPFIND *", folders_of("room412"));
    drive_add(l.drive, "SEARCH *", FAILED("/exchange/room412/Calendar/x.EML", "404 Gone"));
    drive_run(l.drive, l.job);
    ok(l.call->result.reason == OC_REASON_OK && !l.list->unreadable,
       "search: an item that is gone meanwhile is no failure");
    l = list(NULL, 10, NULL);
    drive_add(l.drive, "PROPFIND *", "FORBIDDEN");
    drive_run(l.drive, l.job);
    is_int(l.call->result.reason, OC_REASON_MAILBOX_REFUSED, "one's own must not be so");
    l = list("../bob", 10, NULL);
    drive_run(l.drive, l.job);
    is_int(l.call->result.reason, OC_REASON_NO_MAILBOX, "a mailbox name is one segment");
    is_int(l.drive->seen->nelts, 0, "nothing is asked with another");
}

/* ---- read ---- */

static oc_booking_t *read_item(drive_t *d, const char *item, oc_call_t **call)
{
    oc_booking_t *b = NULL;
    oc_job_t *job;

    *call = drive_call();
    job = be->vt->read(be, *call, item, &b);
    if (job) {
        drive_run(d, job);
    }
    return b;
}

static oc_partstat_t answer_of(const oc_booking_t *b, const char *who)
{
    const oc_attendee_t *a = oc_attendee_find(b->attendees, who);

    return a ? a->partstat : (oc_partstat_t)-1;
}

static void test_read(void)
{
    drive_t *d = drive_create(pool);
    oc_call_t *call;
    oc_booking_t *b;
    size_t cut, whole = 0;
    int wrong = 0;

    drive_load(d, FOLDERS);
    drive_load(d, "t/data/owa2003/read-meeting.txt");
    b = read_item(d, "oc-1.EML", &call);
    is_int(d->complaints + drive_unused(d), 0, "a meeting is read");
    if (!ok(b != NULL, "as a booking (%s)", call->result.detail ? call->result.detail : "")) {
        return;
    }
    is_int(d->peak, 2, "answers are looked for in two places at once");
    is_str(b->item, "oc-1.EML", "item");
    is_str(b->uid, UID, "uid");
    is_str(b->etag, "\"abc1\"", "etag");
    is_str(b->mark, "fp0123", "mark");
    is_str(b->subject, "Budget <b>review</b>", "subject");
    is_str(b->text, "One\ntwo", "text, line ends made one");
    is_str(b->location, "Room 4.12", "location");
    is_int(b->when.start, NINE, "start");
    is_int(b->when.end, NINE + HOUR, "end");
    is_int(b->busy, OC_BUSY_OOF, "busy status");
    is_int(b->reminder, 15, "reminder: seconds to minutes");
    is_int(b->sequence, 2, "sequence");
    is_str(b->zone, oc_zone_from_cdo(4), "zone");
    is_str(b->organizer, "ana@ex.example", "organizer");
    is_str(b->organizer_name, "Ana B", "with name");
    is_int(b->is_meeting && b->is_organizer && !b->cancelled, 1, "one's own meeting");
    ok(b->created && b->modified && b->stamp, "created, modified, stamp");
    is_int(b->attendees->nelts, 4, "to, cc and bcc, without the organizer");
    is_int(oc_attendee_find(b->attendees, "dee@ex.example")->role, OC_ROLE_OPTIONAL,
           "cc: optional");
    is_int(oc_attendee_find(b->attendees, "room412@ex.example")->cutype, OC_CUTYPE_ROOM,
           "bcc: room");
    is_int(answer_of(b, "bo@ex.example"), OC_PARTSTAT_DECLINED,
           "the newest answer in the Inbox counts, whatever the case of uid and address");
    is_int(answer_of(b, "cy@ex.example"), OC_PARTSTAT_ACCEPTED,
           "the organizer's copy counts where the Inbox has none of this meeting");
    is_int(answer_of(b, "dee@ex.example"), OC_PARTSTAT_NEEDS_ACTION, "no answer yet");
    is_int(answer_of(b, "room412@ex.example"), OC_PARTSTAT_NEEDS_ACTION,
           "an answer to another time is none to this");

    for (cut = 0; !whole; cut += 13) {
        d = drive_create(pool);
        drive_load(d, FOLDERS);
        drive_load(d, "t/data/owa2003/read-meeting.txt");
        d->cut_at = (long)cut;
        d->cut_exchange = 2;
        b = read_item(d, "oc-1.EML", &call);
        whole = b ? cut : 0;
        wrong += !b && call->result.reason != OC_REASON_UPSTREAM_ERROR;
        apr_pool_destroy(call->pool);
    }
    ok(whole > 1500, "cut within its %d bytes it is no booking", (int)whole);
    is_int(wrong, 0, "but a failure of the server");
}

static void test_read_fails(void)
{
    static const char *const refs[] = {"", ".", "..", "a/b", "a%2Fb", "a%5cb", "a?b", "a b", "%zz",
                                       "x%00", "x%0a", "..%2f", "a#b", "%61", "a%C3", NULL};
    drive_t *d;
    oc_call_t *call;
    oc_booking_t *b;
    int i, taken = 0;

    for (i = 0; refs[i]; ++i) {
        d = drive_create(pool);
        b = read_item(d, refs[i], &call);
        if (b || d->seen->nelts || call->result.reason != OC_REASON_BOOKING_NOT_FOUND) {
            diag("taken: %s", refs[i]);
            ++taken;
        }
    }
    is_int(taken, 0, "references that are none are refused before anything is asked");

    d = drive_create(pool);
    drive_load(d, FOLDERS);
    drive_add(d, "PROPFIND /exchange/ana/Kalender/x.EML", "404\nMS-WebStorage: 6.5\n\n");
    b = read_item(d, "x.EML", &call);
    ok(!b && call->result.reason == OC_REASON_BOOKING_NOT_FOUND, "an item that is not there");
    is_int(d->seen->nelts, 2, "folders just found are not looked for again");

    {
        oc_call_t *twice = drive_call();
        oc_booking_t *got = NULL;
        apr_table_t *facts;
        d = drive_create(pool);
        drive_load(d, FOLDERS);
        drive_run(d, be->vt->probe(be, twice, &facts));
        drive_load(d, "t/data/owa2003/read-meeting.txt");
        drive_run(d, be->vt->read(be, twice, "oc-1.EML", &got));
        ok(got && d->complaints == 0, "folders that are known are not asked for again");
        d = drive_create(pool);
        drive_add(d, "PROPFIND /exchange/ana/Kalender/x.EML", "404\nMS-WebStorage: 6.5\n\n");
        drive_load(d, FOLDERS);
        drive_run(d, be->vt->read(be, twice, "x.EML", &got));
        is_int(d->complaints + drive_unused(d), 0, "after 404 they are asked for once more");
        is_int(twice->result.reason, OC_REASON_BOOKING_NOT_FOUND, "they are where they were: gone");
        oc_result_clear(&twice->result);
        d = drive_create(pool);
        drive_add(d, "PROPFIND /exchange/ana/Kalender/oc-1.EML", "404\nMS-WebStorage: 6.5\n\n");
        drive_add(d, "PROPFIND /exchange/ana/", root_reply("http://h/exchange/ana/",
                                                           "http://h/exchange/ana/New%20name"));
        drive_add(d, "PROPFIND /exchange/ana/New%20name/oc-1.EML",
                  apr_pstrcat(pool, XML MULTI, row("/exchange/ana/New%20name/oc-1.EML", 0, 60, ""),
                              END, NULL));
        drive_run(d, be->vt->read(be, twice, "oc-1.EML", &got));
        is_int(d->complaints + drive_unused(d), 0, "a calendar that was renamed is found");
        ok(got && twice->result.reason == OC_REASON_OK, "and the item in it");
    }
}

/* ---- evidence ---- */

static const char *message(const char *path, const char *class, const char *from, const char *when)
{
    return apr_pstrcat(pool, "<a:response><a:href>http://old.example", path, "</a:href><a:propstat>"
                       "<a:status>HTTP/1.1 200 OK</a:status><a:prop><x:outlookmessageclass>"
                       "IPM.Schedule.Meeting.", class, "</x:outlookmessageclass><d:uid>" UID
                       "</d:uid><e:fromemail>", from, "</e:fromemail><a:creationdate>", when,
                       "</a:creationdate></a:prop></a:propstat></a:response>", NULL);
}

static apr_time_t item_made; /* 0 = not known */

static oc_evidence_t *evidence_of(oc_call_t *call, drive_t *d, apr_time_t since)
{
    oc_booking_t *b = oc_booking_create(call->pool);
    oc_attendee_t *room;
    oc_evidence_t *out;

    b->item = "oc-1.EML";
    b->uid = UID;
    b->created = item_made;
    b->when.start = NINE;
    b->when.end = NINE + HOUR;
    room = apr_array_push(b->attendees);
    memset(room, 0, sizeof(*room));
    room->address = "room412@ex.example";
    room->role = OC_ROLE_RESOURCE;
    room->cutype = OC_CUTYPE_ROOM;
    drive_run(d, be->vt->evidence(be, call, b, since, &out));
    return out;
}

static oc_evidence_t *evidence(drive_t *d, apr_time_t since)
{
    return evidence_of(drive_call(), d, since);
}

static const char *many(const char *a, const char *b)
{
    return apr_pstrcat(pool, XML MULTI, a, b, END, NULL);
}

static drive_t *evidence_script(const char *sent, const char *drafts, const char *inbox,
                                const char *room)
{
    drive_t *d = drive_create(pool);

    drive_load(d, FOLDERS);
    drive_add(d, "PROPFIND /exchange/ana/Kalender/oc-1.EML",
              many("<a:response><a:href>/exchange/ana/Kalender/oc-1.EML</a:href><a:propstat>"
                   "<a:status>HTTP/1.1 200 OK</a:status><a:prop><d:uid>" UID "</d:uid></a:prop>"
                   "</a:propstat></a:response>", ""));
    drive_add(d, "SEARCH /exchange/ana/Gesendete%20Objekte/", sent);
    drive_add(d, "SEARCH /exchange/ana/Entw%C3%BCrfe/", drafts);
    drive_add(d, "SEARCH /exchange/ana/Posteingang/", inbox);
    drive_add(d, "PROPFIND /exchange/room412/NON_IPM_SUBTREE", folders_of("room412"));
    drive_add(d, "SEARCH /exchange/room412/Calendar/", room);
    return d;
}

/* The room has said yes to the meeting as it was on that day, from nine to ten. */
static drive_t *about_time(const char *none, const char *day)
{
    const char *yes = apr_pstrcat(pool,
                                  "<a:response><a:href>/exchange/ana/Posteingang/a.EML</a:href>"
                                  "<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop>"
                                  "<x:outlookmessageclass>IPM.Schedule.Meeting.Resp.Pos"
                                  "</x:outlookmessageclass><d:uid>" UID "</d:uid>"
                                  "<e:fromemail>room412@ex.example</e:fromemail>"
                                  "<a:creationdate>2026-03-05T08:01:00.000Z</a:creationdate>"
                                  "<d:dtstart>", day, "T09:00:00.000Z</d:dtstart><d:dtend>", day,
                                  "T10:00:00.000Z</d:dtend></a:prop></a:propstat></a:response>",
                                  NULL);

    return evidence_script(none, none, many(yes, ""), "403\n\n");
}

#define SENT message("/exchange/ana/Gesendete%20Objekte/q.EML", "Request", "ana@ex.example", \
                     "2026-03-05T08:00:00.000Z")
#define YES_AT(when) \
    message("/exchange/ana/Posteingang/a.EML", "Resp.Pos", "room412@ex.example", when)

static void test_evidence(void)
{
    const char *ours = row("/exchange/room412/Calendar/1.EML", 0, 60, "<d:uid>" UID "</d:uid>");
    const char *old = row("/exchange/room412/Calendar/1.EML", -30, 30, "<d:uid>" UID "</d:uid>");
    const char *other = row("/exchange/room412/Calendar/2.EML", 30, 90,
                            "<d:uid>x</d:uid><e:subject>Them</e:subject>");
    const char *unbusy = row("/exchange/room412/Calendar/3.EML", 30, 90,
                             "<d:uid>y</d:uid><d:busystatus>FREE</d:busystatus>");
    const char *none = many("", "");
    drive_t *d = evidence_script(many(SENT, ""), none, many(YES_AT("2026-03-05T08:01:00.000Z"), ""),
                                 many(ours, unbusy));
    oc_evidence_t *e = evidence(d, 0);
    oc_room_evidence_t *room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);

    is_int(d->complaints + drive_unused(d), 0, "all places are looked into");
    ok(d->peak >= 5, "side by side (%d)", d->peak);
    is_int(e->item, OC_YES, "the item stands");
    is_int(e->request_sent, OC_YES, "the request left");
    is_int(e->draft_left, OC_NO, "no draft is left");
    is_int(room->answer, OC_PARTSTAT_ACCEPTED, "the room said yes");
    is_int(room->calendar, OC_YES, "and its calendar shows it");
    ok(!room->holder, "nobody else holds it");

    d = evidence_script(none,
                        many(message("/exchange/ana/Entw%C3%BCrfe/d.EML", "Request", "a@b.example",
                                     "2026-03-05T08:00:00.000Z"), ""),
                        none, many(old, other));
    e = evidence(d, 0);
    room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);
    is_int(e->request_sent, OC_NO, "nothing was sent");
    is_int(e->draft_left, OC_YES, "a draft lies there");
    is_int(room->answer, OC_PARTSTAT_NEEDS_ACTION, "the room has not answered");
    is_int(room->calendar, OC_NO, "ours at another time is not this booking");
    ok(room->holder && !strcmp(room->holder->subject, "Them"), "somebody else holds the room");

    d = evidence_script(none, none, many(YES_AT("2026-03-05T07:00:00.000Z"), ""), "403\n\n");
    /* The server's clock, told by Date, stands at 08:00; half an hour ago by any clock. */
    e = evidence(d, oc_clock_wall() - HOUR / 2);
    room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);
    is_int(room->answer, OC_PARTSTAT_NEEDS_ACTION, "an answer from before does not count");
    is_int(room->calendar, OC_DONT_KNOW, "a calendar one may not read says nothing");
    d = evidence_script(none, none, many(YES_AT("2026-03-05T07:45:00.000Z"), ""), "403\n\n");
    e = evidence(d, oc_clock_wall() - HOUR / 2);
    room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);
    is_int(room->answer, OC_PARTSTAT_ACCEPTED, "one from after does, by the server's clock");
    is_int(e->request_sent, OC_YES, "and proves that the request left, sent copy or not");

    e = evidence(about_time(none, "2026-03-04"), 0);
    room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);
    is_int(room->answer, OC_PARTSTAT_NEEDS_ACTION, "an answer about another time is none to this");
    is_int(e->request_sent, OC_YES, "though it shows that a request left once");
    e = evidence(about_time(none, "2026-03-05"), 0);
    room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);
    is_int(room->answer, OC_PARTSTAT_ACCEPTED, "one about this time is");

    item_made = NINE - HOUR / 2;
    d = evidence_script(many(SENT, ""), none, many(YES_AT("2026-03-05T08:01:00.000Z"), ""),
                        "403\n\n");
    e = evidence(d, 0);
    room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);
    ok(e->request_sent == OC_NO && room->answer == OC_PARTSTAT_NEEDS_ACTION,
       "what is older than the item is not about it");
    item_made = 0;

    d = evidence_script("500\n\n", "LOST", "TIMEOUT", "NOT_SENT");
    drive_add(d, "SEARCH /exchange/ana/Gesendete%20Objekte/", "500\n\n");
    e = evidence(d, 0);
    room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);
    ok(e->request_sent == OC_DONT_KNOW && e->draft_left == OC_DONT_KNOW
           && room->answer == OC_PARTSTAT_UNKNOWN && room->calendar == OC_DONT_KNOW
           && e->item == OC_YES,
       "a look that fails leaves its question open and nothing else");
}

static void test_evidence_gone(void)
{
    oc_call_t *call = drive_call();
    apr_table_t *facts;
    const char *none = many("", "");
    drive_t *d = drive_create(pool);
    oc_evidence_t *e;
    int i;

    drive_load(d, FOLDERS);
    drive_run(d, be->vt->probe(be, call, &facts));
    d = drive_create(pool);
    for (i = 0; i < 2; ++i) {
        drive_add(d, "PROPFIND /exchange/ana/Kalender/oc-1.EML", "404\nMS-WebStorage: 6.5\n\n");
        drive_load(d, FOLDERS);
        drive_add(d, "SEARCH /exchange/ana/*", none);
        drive_add(d, "SEARCH /exchange/ana/*", none);
        drive_add(d, "SEARCH /exchange/ana/*", none);
        drive_add(d, "PROPFIND /exchange/room412/*", "403\n\n");
        e = evidence_of(call, d, 0);
        is_int(d->complaints + drive_unused(d), 0,
               "an item that is gone: the folders are found once more, nothing else repeated");
        is_int(e->item, OC_NO, "it is gone");
    }
    d = drive_create(pool);
    drive_add(d, "PROPFIND /exchange/ana/Kalender/oc-1.EML", "404\nMS-WebStorage: 6.5\n\n");
    drive_add(d, "SEARCH /exchange/ana/*", none);
    drive_add(d, "SEARCH /exchange/ana/*", none);
    drive_add(d, "SEARCH /exchange/ana/*", none);
    drive_add(d, "PROPFIND /exchange/ana/", root_reply("http://h/exchange/ana/",
                                                       "http://h/exchange/ana/New"));
    drive_add(d, "PROPFIND /exchange/ana/New/oc-1.EML",
              many("<a:response><a:href>/exchange/ana/New/oc-1.EML</a:href><a:propstat>"
                   "<a:status>HTTP/1.1 200 OK</a:status><a:prop><d:uid>" UID "</d:uid></a:prop>"
                   "</a:propstat></a:response>", ""));
    drive_add(d, "SEARCH /exchange/ana/Drafts/", none);
    drive_add(d, "PROPFIND /exchange/room412/*", "403\n\n");
    drive_add(d, "PROPFIND /exchange/room412/*", "403\n\n");
    e = evidence_of(call, d, 0);
    is_int(d->complaints + drive_unused(d), 0,
           "a calendar that was renamed: all is looked at again");
    is_int(e->item, OC_YES, "and the item stands");
}

/* ---- names ---- */

static void test_names(void)
{
    unsigned char seed[32];
    const char *uid;
    int i;

    for (i = 0; i < 32; ++i) {
        seed[i] = (unsigned char)(i * 8);
    }
    is_str(be->vt->item_of(be, pool, seed), "oc-00081018202830384048505860687078.EML",
           "an item's name comes from the seed");
    uid = be->vt->uid_of(be, pool, seed);
    is_str(uid, "040000008200E00074C5B7101A82E008000000000000000000000000000000000000000010000000"
                "80889098A0A8B0B8C0C8D0D8E0E8F0F8", "a uid has the form of a global object id");
    is_str(owa_goid(pool, uid), "BAAAAIIA4AB0xbcQGoLgCAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAICIkJig"
           "qLC4wMjQ2ODo8Pg=", "whose bytes are the binary one");
    ok(be->vt->item_ok(be, be->vt->item_of(be, pool, seed)), "the name is a reference");
    ok(!owa_goid(pool, "not-hex") && !owa_goid(pool, "040000008200E000zz"),
       "foreign uids have none");
    is_str(owa_message_item(pool, "oc-12.EML", "req"), "oc-12-req.EML", "a message's name");
    ok(be->vt->item_ok(be, owa_message_item(pool, apr_pstrcat(pool, "x", oc_str_segment(pool,
       "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
       "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
       "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
       "\xC3\xA9\xC3\xA9\xC3\xA9"), ".EML", NULL), "req")), "of a long one, too");
    is_str(owa_item_in(pool, "/exchange/ana/Napt%C3%A1r/", "/Exchange/ANA/Napt\xC3\xA1r/x y.EML"),
           "x%20y.EML", "an item in a folder, without regard to case");
    ok(!owa_item_in(pool, "/exchange/ana/Calendar/", "/exchange/ana/Calendar/sub/x.EML"),
       "not in a folder below");
    ok(!owa_path_below(pool, "/exchange/ana/", "/exchange/anabel/x"), "nor in a namesake");
}

int main(void)
{
    const char *error;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    be = oc_backend_open(pool, &conf, &error);
    test_folders();
    test_statuses();
    test_redirect();
    test_list();
    test_list_paging();
    test_list_other();
    test_read();
    test_read_fails();
    test_evidence();
    test_evidence_gone();
    test_names();
    apr_terminate();
    return done_testing();
}
