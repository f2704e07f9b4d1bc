/* The address book of Exchange 2003: what is asked, rows of every kind, lists and their members in
 * free/busy. */
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

#define XML "200 OK\nContent-Type: text/xml\n\n"
#define GAL(rows) XML "<a:response xmlns:a=\"WM\"><a:items>" rows "</a:items></a:response>"
#define ITEM(dn, em, an) \
    "<a:item><a:DN>" dn "</a:DN><a:EM>" em "</a:EM><a:AN>" an "</a:AN></a:item>"
#define DAV(rows) "207 Multi-Status\nContent-Type: text/xml\nMS-WebStorage: 6.5\n\n"              \
    "<a:multistatus xmlns:a=\"DAV:\" xmlns:d=\"urn:schemas:httpmail:\""                            \
    " xmlns:e=\"http://schemas.microsoft.com/exchange/\">" rows "</a:multistatus>"
#define LIST(path, name)                                                              \
    "<a:response><a:href>http://mail.example.com" path "</a:href><a:propstat>"        \
    "<a:status>HTTP/1.1 200 OK</a:status><a:prop><e:outlookmessageclass>IPM.DistList" \
    "</e:outlookmessageclass><d:subject>" name "</d:subject></a:prop></a:propstat></a:response>"
#define FOLDER(name, path) "<d:" name ">http://mail.example.com/exchange/ana/" path "</d:" name ">"

static void folders(drive_t *d, int contacts)
{
#define MAILBOX(more)                                                                              \
    DAV("<a:response><a:href>http://mail.example.com/exchange/ana/</a:href><a:propstat>"           \
        "<a:status>HTTP/1.1 200 OK</a:status><a:prop>" FOLDER("calendar", "Calendar")              \
        FOLDER("drafts", "Drafts") more "</a:prop></a:propstat></a:response>")
    drive_add(d, "PROPFIND /exchange/ana/",
              contacts ? MAILBOX(FOLDER("contacts", "Kontakte")) : MAILBOX(""));
}

typedef struct asked_t {
    oc_call_t *call;
    oc_people_t *found;
    oc_job_t *job;
    drive_t *drive;
} asked_t;

static asked_t ask_for(const char *text, int max)
{
    oc_people_query_t *q = apr_pcalloc(pool, sizeof(*q));
    asked_t a = {drive_call(), NULL, NULL, drive_create(pool)};

    q->text = text;
    q->max = max;
    q->members = 3;
    a.job = be->vt->people(be, a.call, q, &a.found);
    return a;
}

static asked_t ask(const char *text)
{
    return ask_for(text, OC_PEOPLE_ROWS);
}

static const char *run(asked_t *a)
{
    const char *all = "";
    int i;

    drive_run(a->drive, a->job);
    for (i = 0; i < a->found->entries->nelts; ++i) {
        const oc_entry_t *e = APR_ARRAY_IDX(a->found->entries, i, const oc_entry_t *);
        all = apr_pstrcat(pool, all, i ? " | " : "", e->name, " ", e->address ? e->address : "-",
                          e->fit == OC_PEOPLE_EXACT ? "!" : e->fit == OC_PEOPLE_NEAR ? "" : "?",
                          NULL);
    }
    return all;
}

static const char *seen(const asked_t *a)
{
    const char *all = "";
    int i;

    for (i = 0; i < a->drive->seen->nelts; ++i) {
        const char *one = APR_ARRAY_IDX(a->drive->seen, i, const char *);
        const char *query = strstr(one, "?Cmd=galfind");
        if (query) {
            all = apr_pstrcat(pool, all, query + strlen("?Cmd=galfind"), " ", NULL);
        }
    }
    return all;
}

static const char *asks(const char *text)
{
    asked_t a = ask(text);
    int i;

    folders(a.drive, 0);
    for (i = 0; i < 3; ++i) {
        drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind*", GAL(""));
    }
    run(&a);
    return a.call->result.reason == OC_REASON_OK ? seen(&a) : "failed";
}

static void test_queries(void)
{
    static const char *const bad[] = {"", "a", " a ", "a\nb", "\xc3\xa1", "\xff\xfe\xfd", "a\x01"};
    size_t i;
    asked_t a;

    is_str(asks(" smi "), "&DN=smi &AN=smi &LN=smi ", "one word: name, alias, last name");
    is_str(asks("Bo Smith"), "&DN=Bo%20Smith &FN=Bo&LN=Smith &FN=Smith&LN=Bo ", "two words");
    is_str(asks("Smith, Bo"), "&DN=Smith%2C%20Bo &FN=Smith&LN=Bo &FN=Bo&LN=Smith ", "a comma");
    is_str(asks("bo@ex.example"), "&AN=bo ", "an address: its alias, never EM");
    is_str(asks("@ex.example"), "", "no alias, no question");
    is_str(asks("a&b=c+#%"),
           "&DN=a%26b%3Dc%2B%23%25 &AN=a%26b%3Dc%2B%23%25 &LN=a%26b%3Dc%2B%23%25 ",
           "what separates is escaped");
    is_str(asks("\xc5\x91r"), "&DN=%C5%91r &AN=%C5%91r &LN=%C5%91r ", "UTF-8, two characters");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        a = ask(bad[i]);
        ok(!a.job && a.call->result.reason == OC_REASON_INVALID_INPUT, "refused: number %d",
           (int)i);
    }
    ok(!ask(apr_pstrcat(pool, "0123456789012345678901234567890123456789012345678901234567890123",
                        "4", NULL))
            .job,
       "65 characters");
    ok(!ask_for("bo", OC_PEOPLE_ROWS + 1).job, "more rows than there may be");
}

/* The reply to the first question; the others find nothing. */
static asked_t answer(const char *text, const char *reply)
{
    asked_t a = ask(text);

    folders(a.drive, 0);
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&DN=*", reply);
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&AN=*", GAL(""));
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&LN=*", GAL(""));
    return a;
}

static void test_rows(void)
{
    asked_t a = answer("bo", GAL(ITEM("Smith, Bo", "bo@x.example", "bsmith")
                                 ITEM("Bo", "BO2@x.example", "b2") ITEM("Zoe", "zoe@x.example", "z")
                                 ITEM("Nobody", "", "bo") ITEM("X400", "c=us;o=x", "bo")
                                 ITEM("", "bore@x.example", "r")
                                 ITEM("Twin", "bo@X.EXAMPLE", "bo")));

    is_str(run(&a),
           "Bo BO2@x.example! | Smith, Bo bo@x.example! | bore@x.example bore@x.example | "
           "Zoe zoe@x.example?",
           "fit decides the order; who has no usable address, or came twice, is "
           "left out");
    is_int(a.found->more + a.found->refused, 0, "and that was all");
    ok(!oc_people_only(a.found), "two that fit exactly: nobody is meant without doubt");

    a = answer("bo", GAL(ITEM("Bo", "bo@x.example", "b") ITEM("Bob", "bob@x.example", "bob")));
    run(&a);
    is_str(oc_people_only(a.found)->address, "bo@x.example", "one fits exactly: it is meant");
    a = answer("bo", GAL(ITEM("Bob", "bob@x.example", "bob")));
    run(&a);
    is_str(oc_people_only(a.found)->address, "bob@x.example", "one alone fits nearly");
    a = answer("bo", GAL(ITEM("Zoe", "zoe@x.example", "z")));
    run(&a);
    ok(!oc_people_only(a.found), "one alone that does not fit");

    a = answer("bo", XML "<b:response xmlns:b='WM'>" "<b:item><b:EM> bo@x.example </b:EM><b:new>1"
               "</b:new></b:item></b:response>");
    is_str(run(&a), "bo@x.example bo@x.example", "no wrapper, no name, unknown elements");
    a = answer("bo", XML "<b:response xmlns:b='WM'><b:error>0x8004</b:error></b:response>");
    is_str(run(&a), "", "an error element: nobody");
    ok(a.found->refused && a.call->result.reason == OC_REASON_OK,
       "... or too many, but no failure");
    a = answer("bo", GAL("<a:item><a:DN>Bo &lt;img src=x&gt;&#1;&#10;\xe2\x80\xae!</a:DN>"
                         "<a:EM>bo@x.example</a:EM></a:item>"));
    is_str(run(&a), "Bo <img src=x> \xe2\x80\xae! bo@x.example", "a name is text, on one line");
}

static void test_bounds(void)
{
    char *rows = "";
    asked_t a;
    int i;

    for (i = 0; i < 80; ++i) {
        rows = apr_psprintf(
            pool, "%s<a:item><a:DN>Bo %02d</a:DN><a:EM>bo%d@x.example</a:EM></a:item>", rows, i, i);
    }
    a = answer("bo",
               apr_pstrcat(pool, XML "<a:response xmlns:a='WM'>", rows, "</a:response>", NULL));
    run(&a);
    is_int(a.found->entries->nelts, OC_PEOPLE_ROWS, "no more rows than asked for");
    ok(a.found->more, "and it says that there are");

    rows = apr_palloc(pool, 15001);
    for (i = 0; i < 15000; i += 2) { /* two bytes a character */
        rows[i] = '\xc3';
        rows[i + 1] = '\xb6';
    }
    rows[15000] = '\0';
    a = answer("bo", apr_pstrcat(pool, XML "<a:response xmlns:a='WM'><a:item><a:DN>x", rows,
                                 "</a:DN><a:EM>bo@x.example</a:EM></a:item></a:response>", NULL));
    run(&a);
    is_int((long)strlen(APR_ARRAY_IDX(a.found->entries, 0, oc_entry_t *)->name), 511,
           "a long name is cut, between characters");
    rows = apr_palloc(pool, 20001);
    memset(rows, 'x', 20000);
    rows[20000] = '\0';
    a = answer("bo", apr_pstrcat(pool, XML "<a:response xmlns:a='WM'><a:item><a:DN>", rows,
                                 "</a:DN></a:item></a:response>", NULL));
    run(&a);
    is_int(a.call->result.reason, OC_REASON_UPSTREAM_TOO_LARGE, "a huge one fails");
    rows = apr_palloc(pool, 1100001);
    memset(rows, ' ', 1100000);
    rows[1100000] = '\0';
    a = answer("bo",
               apr_pstrcat(pool, XML "<a:response xmlns:a='WM'>", rows, "</a:response>", NULL));
    run(&a);
    is_int(a.call->result.reason, OC_REASON_UPSTREAM_TOO_LARGE, "so does a huge reply");
}

static void test_hostile(void)
{
    static const struct {
        const char *reply, *what;
        oc_reason_t reason;
    } cases[] = {
        {"200 OK\nContent-Type: text/html\n\n<html>Outlook Web Access</html>", "a page",
         OC_REASON_UPSTREAM_PROTOCOL},
        {XML "<html xmlns='http://www.w3.org/1999/xhtml'><body>x</body></html>", "a page as XML",
         OC_REASON_UPSTREAM_PROTOCOL},
        {XML "<a:response xmlns:a='WM'><a:item><a:DN>Bo\xe9</a:DN></a:item></a:response>",
         "another charset", OC_REASON_UPSTREAM_PROTOCOL},
        {XML "<a:response xmlns:a='WM'><a:item>", "a reply cut short", OC_REASON_UPSTREAM_PROTOCOL},
        {XML "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a:response xmlns:a='WM'/>",
         "a DTD", OC_REASON_UPSTREAM_PROTOCOL},
        {XML, "nothing", OC_REASON_UPSTREAM_PROTOCOL},
        {"404\nMS-WebStorage: 6.5\n\n", "404", OC_REASON_MAILBOX_NOT_FOUND},
        {"302 Moved\nLocation: https://mail.example.com/exchweb/bin/auth/owalogon.asp?url=x\n\n",
         "the logon page", OC_REASON_TOKEN_REFUSED},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        asked_t a = answer("bo", cases[i].reply);
        is_str(run(&a), "", "%s: nobody", cases[i].what);
        is_int(a.call->result.reason, cases[i].reason, "... and a failure");
    }
}

/* ---- lists ---- */

#define MEMBER(email) "<a:memberid>1</a:memberid><a:email>" email "</a:email>"

static const char *members(const oc_entry_t *e)
{
    return e->members ? oc_people_value(pool, e) : "unreadable";
}

static const char *read_list(const char *reply)
{
    asked_t a = ask("tea");

    folders(a.drive, 1);
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&DN=*", GAL(""));
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&AN=*", GAL(""));
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&LN=*", GAL(""));
    drive_add(a.drive, "SEARCH /exchange/ana/Kontakte/",
              DAV(LIST("/exchange/ana/Kontakte/Team%20A.EML", "Team A")
                  LIST("/exchange/ana/Kontakte/other.EML", "Other")
                  LIST("/exchange/bob/Contacts/Team.EML", "Team of bob")));
    drive_add(a.drive, "GET /exchange/ana/Kontakte/Team%20A.EML?Cmd=viewmembers", reply);
    if (strcmp(run(&a), "Team A -") != 0 || a.call->result.reason != OC_REASON_OK) {
        return apr_psprintf(pool, "%s, %s", oc_reason_token(a.call->result.reason), run(&a));
    }
    return members(APR_ARRAY_IDX(a.found->entries, 0, const oc_entry_t *));
}

static void test_lists(void)
{
    asked_t a;

    is_str(read_list(XML "<a:response xmlns:a='WM'>" MEMBER("bo@x.example")
                         MEMBER("SMTP:cy@x.example") MEMBER("BO@x.example") "</a:response>"),
           "bo@x.example, cy@x.example", "a list among the contacts, with its members");
    is_str(
        read_list(XML "<a:x xmlns:a='WM'><a:y><a:z>" MEMBER("bo@x.example") "</a:z></a:y></a:x>"),
        "bo@x.example", "whatever stands around them");
    is_str(read_list(XML "<a:r xmlns:a='WM'>" MEMBER("bo@x.example") MEMBER("") "</a:r>"),
           "unreadable", "one without address: not all can be asked");
    is_str(read_list(XML "<a:r xmlns:a='WM'>" MEMBER("bo@x.example") "<a:memberid/></a:r>"),
           "unreadable", "... or without an element for it");
    is_str(read_list(XML "<a:r xmlns:a='WM'>" MEMBER("a@x") MEMBER("b@x") MEMBER("c@x")
                         MEMBER("d@x") "</a:r>"),
           "unreadable", "more than may be");
    is_str(read_list(XML "<html><email>bo@x.example</email></html>"), "unreadable",
           "a page as XML");
    is_str(read_list("200 OK\nContent-Type: text/html\n\n<html>"), "unreadable", "a page");
    is_str(read_list("403\n\n"), "unreadable", "no right");

    a = answer("tea", GAL(""));
    apr_array_clear(a.drive->steps);
    folders(a.drive, 1);
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&DN=*", GAL(""));
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&AN=*", GAL(""));
    drive_add(a.drive, "GET /exchange/ana/?Cmd=galfind&LN=*", GAL(""));
    drive_add(a.drive, "SEARCH /exchange/ana/Kontakte/", "403\n\n");
    run(&a);
    is_int(a.call->result.reason, OC_REASON_OK, "no right to the contacts: no lists, no failure");
}

/* ---- free/busy of a list ---- */

#define HOUR apr_time_from_sec(3600)

/* digits: what bo, cy and the list's own address have, each one digit or "" for no row. */
static const char *free_of(const char *person, const char *list, const char *bo, const char *cy,
                           const char *own)
{
    oc_freebusy_query_t *q = apr_pcalloc(pool, sizeof(*q));
    apr_array_header_t *rows;
    oc_call_t *call = drive_call();
    drive_t *d = drive_create(pool);
    const oc_freebusy_t *row;
    const char *who[] = {"bo@x.example", "cy@x.example", "team@x.example"};
    const char *digits[] = {bo, cy, own}, *body = "";
    oc_job_t *job;
    int i;

    q->who = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(q->who, const char *) = "team@x.example";
    q->range.start = 480000 * HOUR;
    q->range.end = 480001 * HOUR;
    q->slot = HOUR;
    q->members = 5;
    job = be->vt->freebusy(be, call, q, &rows);
    folders(d, 1);
    drive_add(d, "SEARCH /exchange/ana/Kontakte/",
              DAV(LIST("/exchange/ana/Kontakte/t.EML", "TEAM")));
    drive_add(d, "GET /exchange/ana/?Cmd=gallookup&ADDR=team@x.example", person);
    drive_add(d, "GET /exchange/ana/Kontakte/t.EML?Cmd=viewmembers", list);
    for (i = 0; i < 3; ++i) {
        if (*digits[i]) {
            body = apr_pstrcat(pool, body, "<a:item><a:email>", who[i], "</a:email><a:fbdata>",
                               digits[i], "</a:fbdata></a:item>", NULL);
        }
    }
    drive_add(d, "GET /public/?Cmd=freebusy*",
              apr_pstrcat(pool, XML "<a:response xmlns:a='WM'><a:recipients>", body,
                          "</a:recipients></a:response>", NULL));
    drive_run(d, job);
    row = APR_ARRAY_IDX(rows, 0, const oc_freebusy_t *);
    return call->result.reason != OC_REASON_OK
               ? oc_reason_token(call->result.reason)
               : apr_psprintf(pool, "%s %d", oc_busy_token((oc_busy_t)row->busy[0]), row->members);
}

static void test_freebusy(void)
{
    static const char person[] =
        XML "<a:response xmlns:a='WM'><a:person><a:alias>t</a:alias></a:person>"
            "</a:response>";
    static const char none[] = XML "<a:response xmlns:a='WM'><a:error>none</a:error></a:response>";
    static const char page[] = "200 OK\nContent-Type: text/html\n\n<html></html>";
    static const char both[] =
        XML "<a:r xmlns:a='WM'>" MEMBER("bo@x.example") MEMBER("cy@x.example") "</a:r>";
    static const char odd[] = XML "<a:r xmlns:a='WM'>" MEMBER("bo@x.example") MEMBER("?") "</a:r>";

    is_str(free_of(none, both, "0", "0", "2"), "free 2", "all members are free");
    is_str(free_of(none, both, "0", "2", "0"), "busy 2", "one is busy");
    is_str(free_of(none, both, "0", "4", "0"), "unknown 2", "of one nothing is known");
    is_str(free_of(none, both, "0", "", "0"), "unknown 2", "one has no row");
    is_str(free_of(none, odd, "0", "0", "0"), "unknown 0", "members that cannot all be read");
    is_str(free_of(none, page, "0", "0", "0"), "unknown 0", "... or not at all");
    is_str(free_of(none, XML "<a:r xmlns:a='WM'/>", "0", "0", "0"), "unknown 0", "nobody is in it");
    is_str(free_of(person, both, "2", "2", "0"), "free 0", "a person whom a list is named after");
    is_str(free_of(page, both, "0", "0", "2"), "busy 2",
           "person or list: not known, so both count");
    is_str(free_of(page, both, "0", "2", "0"), "busy 2", "... the other way round");
    is_str(free_of(page, both, "0", "0", "0"), "free 2", "... free if all are");
    is_str(free_of(page, both, "0", "0", ""), "unknown 2", "... not if one is not known");
}

int main(void)
{
    const char *error;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    be = oc_backend_open(pool, &conf, &error);
    test_queries();
    test_rows();
    test_bounds();
    test_hostile();
    test_lists();
    test_freebusy();
    apr_terminate();
    return done_testing();
}
