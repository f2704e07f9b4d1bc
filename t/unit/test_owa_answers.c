/* Exchange 2003: a calendar's list with the answers of the attendees of one's own meetings. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "backend/backend.h"
#include "backend/owa2003/owa.h"
#include "drive.h"
#include "tap.h"

static apr_pool_t *pool;
static oc_site_t site = {"https", "mail.example.com", 443, NULL, NULL, 12, NULL};
static oc_backend_conf_t conf = {"ex", "owa2003", &site, "/exchange/", "/public/",
                                 NULL, NULL, 0};
static oc_backend_t *be;

#define FOLDERS "t/data/owa2003/folders-german.txt"
#define NINE apr_time_from_sec(1772701200) /* 2026-03-05T09:00:00Z */
#define HOUR apr_time_from_sec(3600)
#define XML "207 Multi-Status\nContent-Type: text/xml\nMS-WebStorage: 6.5.7226\n\n"
#define MULTI "<?xml version=\"1.0\"?><a:multistatus xmlns:a=\"DAV:\" " \
    "xmlns:d=\"urn:schemas:calendar:\" xmlns:e=\"urn:schemas:httpmail:\" " \
    "xmlns:f=\"urn:schemas:mailheader:\" xmlns:m=\"http://schemas.microsoft.com/mapi/\" " \
    "xmlns:x=\"http://schemas.microsoft.com/exchange/\">"
#define END "</a:multistatus>"
#define MEETING "<m:finvited>1</m:finvited><m:responsestatus>1</m:responsestatus>"

static const char *when(int hour)
{
    return apr_psprintf(pool, "<d:dtstart>2026-03-05T%02d:00:00.000Z</d:dtstart>"
                        "<d:dtend>2026-03-05T%02d:00:00.000Z</d:dtend>", hour, hour + 1);
}

static const char *row(const char *path, const char *props)
{
    return apr_pstrcat(pool, "<a:response><a:href>http://old.example/exchange/ana/", path,
                       "</a:href><a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop>", props,
                       "</a:prop></a:propstat></a:response>", NULL);
}

/* An item of the calendar at that hour; its uid is U and its name. */
static const char *item(const char *name, int hour, const char *more)
{
    return row(apr_pstrcat(pool, "Kalender/", name, ".EML", NULL),
               apr_pstrcat(pool, when(hour), "<d:uid>U", name, "</d:uid>", more, NULL));
}

/* An answer in the Inbox; hour of the meeting it is about, 0 = it does not say. */
static const char *answer(const char *uid, const char *class, const char *from, int day, int hour)
{
    static int n;

    return row(apr_psprintf(pool, "Posteingang/%d.EML", ++n),
               apr_psprintf(pool, "<x:outlookmessageclass>IPM.Schedule.Meeting.%s"
                            "</x:outlookmessageclass><d:uid>%s</d:uid><e:fromemail>%s</e:fromemail>"
                            "<a:creationdate>2026-03-%02dT08:00:00.000Z</a:creationdate>%s", class,
                            uid, from, day, hour ? when(hour) : ""));
}

static const char *rows(const char *first, ...)
{
    const char *s = first, *all = XML MULTI;
    va_list ap;

    va_start(ap, first);
    for (; s; s = va_arg(ap, const char *)) {
        all = apr_pstrcat(pool, all, s, NULL);
    }
    va_end(ap);
    return apr_pstrcat(pool, all, END, NULL);
}

static const char *copy(const char *uid, const char *attendees)
{
    return apr_pstrcat(pool, "200 OK\nContent-Type: message/rfc822\n\nMIME-Version: 1.0\n"
                       "Content-Type: text/calendar; method=REQUEST; charset=\"utf-8\"\n\n"
                       "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:", uid, "\n"
                       "DTSTART:20260305T090000Z\nDTEND:20260305T100000Z\n", attendees,
                       "END:VEVENT\nEND:VCALENDAR\n", NULL);
}

typedef struct listed_t {
    oc_call_t *call;
    oc_list_t *list;
    drive_t *drive;
    oc_job_t *job;
} listed_t;

static listed_t list(int answers, const char *calendar)
{
    oc_list_query_t *q = apr_pcalloc(pool, sizeof(*q));
    listed_t l = {drive_call(), NULL, drive_create(pool), NULL};

    q->range.start = NINE;
    q->range.end = NINE + 10 * HOUR;
    q->max = 100;
    q->answers = answers;
    l.job = be->vt->list(be, l.call, q, &l.list);
    drive_load(l.drive, FOLDERS);
    if (calendar) {
        drive_add(l.drive, "SEARCH /exchange/ana/Kalender/", calendar);
    }
    return l;
}

static oc_partstat_t said(const listed_t *l, int i, const char *who)
{
    const oc_booking_t *b = APR_ARRAY_IDX(l->list->bookings, i, oc_booking_t *);
    const oc_attendee_t *a = oc_attendee_find(b->attendees, who);

    return a ? a->partstat : (oc_partstat_t)-1;
}

static int asked(const drive_t *d, const char *what)
{
    int i, n = 0;

    for (i = 0; i < d->seen->nelts; ++i) {
        n += !strncmp(APR_ARRAY_IDX(d->seen, i, const char *), what, strlen(what));
    }
    return n;
}

static const char *calendar(void)
{
    return rows(item("a", 9,
                     MEETING "<f:to>\"Bo\" &lt;bo@ex.example&gt;,cy@ex.example</f:to>"
                             "<f:cc>dee@ex.example</f:cc><f:bcc>room412@ex.example</f:bcc>"),
                item("plain", 10, ""),
                item("other", 11,
                     "<m:apptstateflags>3</m:apptstateflags>"
                     "<m:responsestatus>3</m:responsestatus>"
                     "<f:to>ana@ex.example,bo@ex.example</f:to>"),
                item("day", 12,
                     MEETING "<d:instancetype>2</d:instancetype>"
                             "<f:to>bo@ex.example</f:to>"),
                item("gone", 12,
                     MEETING "<d:meetingstatus>CANCELLED</d:meetingstatus>"
                             "<f:to>bo@ex.example</f:to>"),
                item("b", 13,
                     MEETING "<f:to>bo@ex.example,cy@ex.example</f:to>"
                             "<f:bcc>room412@ex.example</f:bcc>"),
                item("c", 14, MEETING "<f:to>bo@ex.example</f:to>"), NULL);
}

static void test_answers(void)
{
    listed_t l = list(2, calendar());
    const oc_booking_t *b;

    drive_add(l.drive, "GET /exchange/ana/Kalender/a.EML",
              copy("Ua", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bo@ex.example\n"
                         "ATTENDEE;PARTSTAT=ACCEPTED;CN=Cy C:MAILTO:CY@ex.example\n"));
    drive_add(l.drive, "GET /exchange/ana/Kalender/b.EML", "404\nMS-WebStorage: 6.5\n\n");
    drive_add(l.drive, "SEARCH /exchange/ana/Posteingang/",
              rows(answer("ua", "Resp.Pos", "BO@ex.example", 2, 9),
                   answer("Ua", "Resp.Neg", "bo@ex.example", 3, 9),
                   answer("Ua", "Resp.Tent", "bo@ex.example", 1, 9),
                   answer("Ua", "Resp.Neg", "room412@ex.example", 4, 0),
                   answer("Ua", "Resp.Pos", "dee@ex.example", 4, 8), /* of an earlier time */
                   answer("Ub", "Resp.Tent", "cy@ex.example", 4, 13),
                   answer("Uc", "Resp.Neg", "bo@ex.example", 4, 14),  /* not asked about */
                   answer("Ub", "Request", "bo@ex.example", 4, 13),   /* no answer */
                   answer("Ub", "Resp.Pos", "eve@ex.example", 4, 13), /* not an attendee */
                   row("Kalender/x.EML", "<x:outlookmessageclass>IPM.Schedule.Meeting.Resp.Neg"
                                         "</x:outlookmessageclass><d:uid>Ub</d:uid>"
                                         "<e:fromemail>room412@ex.example</e:fromemail>"), NULL));
    is_int(drive_run(l.drive, l.job) + drive_unused(l.drive), 0, "a list with answers");
    is_int(l.call->result.reason, OC_REASON_OK, "is read");
    is_int(l.list->bookings->nelts, 7, "with all its rows");
    is_int(l.drive->seen->nelts, 5, "folders, list, a copy for each meeting, one search for both");
    is_int(l.drive->peak, 3, "the copies and the search are in flight side by side");
    is_int(asked(l.drive, "GET /exchange/ana/Kalender/c"), 0, "no more meetings than asked for");

    is_int(said(&l, 0, "bo@ex.example"), OC_PARTSTAT_DECLINED, "the newest in the Inbox counts");
    is_int(said(&l, 0, "cy@ex.example"), OC_PARTSTAT_ACCEPTED, "else the organizer's copy");
    is_int(said(&l, 0, "dee@ex.example"), OC_PARTSTAT_NEEDS_ACTION,
           "an answer to an earlier time is none");
    is_int(said(&l, 0, "room412@ex.example"), OC_PARTSTAT_DECLINED, "the room said no");
    b = APR_ARRAY_IDX(l.list->bookings, 0, oc_booking_t *);
    is_str(oc_attendee_find(b->attendees, "cy@ex.example")->name, "Cy C", "the copy knows a name");
    is_str(oc_attendee_find(b->attendees, "bo@ex.example")->name, "Bo", "the item's own stays");
    is_int(said(&l, 5, "cy@ex.example"), OC_PARTSTAT_TENTATIVE, "the other meeting has its own");
    is_int(said(&l, 5, "bo@ex.example"), OC_PARTSTAT_NEEDS_ACTION, "nobody else's, no request");
    is_int(said(&l, 5, "room412@ex.example"), OC_PARTSTAT_NEEDS_ACTION,
           "nor what lies in another folder");
    is_int(said(&l, 6, "bo@ex.example"), OC_PARTSTAT_UNKNOWN, "beyond so many it is not known");
    is_int(said(&l, 2, "bo@ex.example"), OC_PARTSTAT_UNKNOWN, "nor of somebody else's meeting");
    is_int(said(&l, 3, "bo@ex.example"), OC_PARTSTAT_UNKNOWN, "nor of a day of a series");
    is_int(said(&l, 4, "bo@ex.example"), OC_PARTSTAT_UNKNOWN, "nor of what is cancelled");
}

static int look(drive_t *d, oc_exchange_t *x, void *baton)
{
    const char **bodies = baton;
    const char *translate = apr_table_get(x->headers, "Translate");
    int inbox = strstr(x->path, "Posteingang") != NULL;

    (void)d;
    if (!strcmp(x->method, "SEARCH")) {
        bodies[inbox] = apr_pstrmemdup(pool, x->body, x->body_len);
    } else if (!strcmp(x->method, "GET") && (!translate || strcmp(translate, "f"))) {
        bodies[2] = x->path;
    }
    return 0;
}

static void test_requests(void)
{
    const char *bodies[3] = {"", "", NULL};
    listed_t l = list(2, calendar());

    l.drive->answer = look;
    l.drive->baton = bodies;
    drive_add(l.drive, "GET *", copy("Ua", ""));
    drive_add(l.drive, "GET *", copy("Ub", ""));
    drive_add(l.drive, "SEARCH /exchange/ana/Posteingang/", rows(NULL));
    drive_run(l.drive, l.job);
    ok(strstr(bodies[0], "mailheader:bcc&#34;"), "with answers the list asks for the attendees");
    ok(strstr(bodies[1], " WHERE &#34;DAV:contentclass&#34; = "
                         "&#39;urn:content-classes:calendarmessage&#39; AND "
                         "(&#34;urn:schemas:calendar:uid&#34; = &#39;Ua&#39; OR "
                         "&#34;urn:schemas:calendar:uid&#34; = &#39;Ub&#39;)</D:sql>"),
       "one search for both: %s", bodies[1]);
    ok(!bodies[2], "a copy is read as a message");
    bodies[0] = "";
    l = list(0, calendar());
    l.drive->answer = look;
    l.drive->baton = bodies;
    drive_run(l.drive, l.job);
    ok(*bodies[0] && !strstr(bodies[0], "mailheader:bcc"), "without, it does not");
}

/* Neither look is essential. */
static void test_failures(void)
{
    static const char *const ends[] = {"500\n\n", "401\n\n", "403\n\n", "440\n\n", "LOST",
                                       "TIMEOUT", "200\nContent-Type: text/html\n\n<html>",
                                       "207\nContent-Type: text/xml\n\n<a"};
    size_t i;
    int wrong = 0;

    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); ++i) {
        listed_t l = list(1, calendar());
        int k;

        for (k = 0; k < 3; ++k) { /* a read may be tried again */
            drive_add(l.drive, "GET *", ends[i]);
            drive_add(l.drive, "SEARCH /exchange/ana/Posteingang/", ends[i]);
        }
        drive_run(l.drive, l.job);
        if (l.call->result.reason != OC_REASON_OK || l.list->bookings->nelts != 7
            || said(&l, 0, "bo@ex.example") != OC_PARTSTAT_UNKNOWN) {
            diag("%s: %s", ends[i], oc_reason_token(l.call->result.reason));
            ++wrong;
        }
    }
    is_int(wrong, 0, "where both looks fail answers are unknown, and the list comes");
    {
        listed_t l = list(1, calendar());
        drive_add(l.drive, "GET *",
                  copy("Ua", "ATTENDEE;PARTSTAT=DECLINED:mailto:bo@ex.example\n"));
        /* Broken off behind an answer that is newer than the copy's. */
        drive_add(l.drive, "SEARCH /exchange/ana/Posteingang/",
                  apr_pstrcat(pool, XML MULTI, answer("Ua", "Resp.Pos", "bo@ex.example", 4, 9),
                              "<a:resp", NULL));
        drive_run(l.drive, l.job);
        is_int(said(&l, 0, "bo@ex.example"), OC_PARTSTAT_DECLINED,
               "a search that broke off says nothing");
        is_int(said(&l, 0, "cy@ex.example"), OC_PARTSTAT_UNKNOWN,
               "nor that somebody has not answered");
    }
    {
        listed_t l = list(1, calendar());
        drive_add(l.drive, "GET *",
                  apr_pstrcat(pool, copy("Ua", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bo@ex.example\n"),
                              apr_psprintf(pool, "%*s", 200 * 1024, "x"), NULL));
        drive_add(l.drive, "SEARCH /exchange/ana/Posteingang/",
                  rows(answer("Ua", "Resp.Pos", "cy@ex.example", 4, 9), NULL));
        drive_run(l.drive, l.job);
        ok(l.call->result.reason == OC_REASON_OK
               && said(&l, 0, "cy@ex.example") == OC_PARTSTAT_ACCEPTED
               && said(&l, 0, "bo@ex.example") == OC_PARTSTAT_NEEDS_ACTION,
           "of a copy that is too large nothing is read");
    }
}

static void test_none(void)
{
    listed_t l = list(0, calendar());

    drive_run(l.drive, l.job);
    is_int(l.drive->seen->nelts, 2, "without being asked for, answers cost nothing");
    l = list(5, rows(item("plain", 10, ""), NULL));
    drive_run(l.drive, l.job);
    is_int(l.drive->seen->nelts, 2, "nor where there is no own meeting");
    is_int(l.call->result.reason, OC_REASON_OK, "which is no failure");
}

static int many_reply(drive_t *d, oc_exchange_t *x, void *baton)
{
    (void)baton;
    if (!strcmp(x->method, "GET")) {
        drive_reply(d, x, 404, NULL, "", 0);
        return 1;
    }
    return 0;
}

static void test_many(void)
{
    const char *all = XML MULTI;
    listed_t l;
    int i;

    for (i = 0; i < 30; ++i) {
        all = apr_pstrcat(pool, all, item(apr_psprintf(pool, "it'%d", i), 9 + i % 9,
                                          MEETING "<f:to>bo@ex.example</f:to>"), NULL);
    }
    l = list(1000, apr_pstrcat(pool, all, END, NULL));
    l.drive->answer = many_reply;
    drive_add(l.drive, "SEARCH /exchange/ana/Posteingang/", rows(NULL));
    is_int(drive_run(l.drive, l.job), 0, "thirty meetings");
    is_int(asked(l.drive, "GET"), OC_LIST_ANSWERS, "have a bound, whatever is asked for");
    is_int(asked(l.drive, "SEARCH"), 2, "and one search");
}

int main(void)
{
    const char *error;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    be = oc_backend_open(pool, &conf, &error);
    test_answers();
    test_requests();
    test_failures();
    test_none();
    test_many();
    apr_terminate();
    return done_testing();
}
