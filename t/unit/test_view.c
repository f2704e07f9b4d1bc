/* Pages and JSON: hostile text is shown as text, in every place; outcomes are said truthfully. */
#include <apr_general.h>
#include <apr_strings.h>
#include "view/html.h"
#include "view/page.h"
#include "view/panel.h"
#include "tap.h"

#define EVIL "\"'><script>alert(1)</script>&\x01\xff"

static apr_pool_t *p;

static int refs_to_nothing;

static const char *ref(const oc_view_t *view, const char *item, const char *uid)
{
    (void)uid;
    refs_to_nothing += item == NULL;
    return apr_pstrcat(view->pool, "R-", item, NULL);
}

static oc_view_t make_view(void)
{
    oc_view_t v = {0};
    apr_array_header_t *rooms = apr_array_make(p, 1, sizeof(oc_room_t *));
    oc_room_t *room = apr_pcalloc(p, sizeof(*room));

    room->id = "boardroom";
    room->address = "boardroom@ex.example";
    room->mailbox = "boardroom";
    room->name = "Board " EVIL;
    room->features = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(room->features, const char *) = EVIL;
    APR_ARRAY_PUSH(rooms, oc_room_t *) = room;
    v.pool = p;
    v.base = "/booking";
    v.zone = "Europe/Budapest";
    v.op_id = "0123456789abcdef";
    v.user = "ana";
    v.token = "TOKEN";
    v.key = "KEY";
    v.rooms = rooms;
    v.ref = ref;
    return v;
}

static oc_booking_t *make_booking(void)
{
    oc_booking_t *b = oc_booking_create(p);
    oc_attendee_t *a;

    b->item = "oc-1.EML";
    b->uid = "UID" EVIL;
    b->subject = b->text = b->location = EVIL;
    b->organizer = "ana@ex.example";
    b->when.start = apr_time_from_sec(1772701200); /* 2026-03-05T09:00:00Z */
    b->when.end = b->when.start + apr_time_from_sec(3600);
    b->is_organizer = 1;
    b->etag = "\"1\"";
    a = apr_array_push(b->attendees);
    memset(a, 0, sizeof(*a));
    a->address = "boardroom@ex.example";
    a->role = OC_ROLE_RESOURCE;
    a->partstat = OC_PARTSTAT_ACCEPTED;
    a = apr_array_push(b->attendees);
    memset(a, 0, sizeof(*a));
    a->address = "bo@ex.example";
    a->name = EVIL;
    return b;
}

static int safe_html(const char *text)
{
    return !strstr(text, "<script") && !strstr(text, "\x01") && !strstr(text, "\xff") &&
           !strstr(text, "=\"\"'");
}

static int safe_json(const char *text)
{
    return !strchr(text, '<') && !strstr(text, "\x01") && !strstr(text, "\xff");
}

static void test_hostile(void)
{
    oc_view_t v = make_view();
    oc_booking_t *b = make_booking();
    oc_list_t list = {.bookings = apr_array_make(p, 1, sizeof(oc_booking_t *)), .more = 1};
    oc_act_t act = {0};
    oc_result_t res;
    oc_form_t form = {apr_array_make(p, 4, sizeof(oc_field_t))};
    static const char *const names[] = {"subject", "start", "required", "text",
                                        "return",  "key",   "date",     "tz"};
    size_t i;

    APR_ARRAY_PUSH(list.bookings, oc_booking_t *) = b;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        oc_field_t *f = apr_array_push(form.fields);
        f->name = names[i];
        f->value = EVIL;
        f->kind = OC_VALUE_TEXT;
    }
    oc_result_init(&res, p);
    oc_result_field(&res, OC_REASON_OK, EVIL, EVIL);
    act.state = OC_STATE_CONFLICT;
    act.clash_who = "boardroom@ex.example";
    act.clash = b->when;
    act.holder = b;
    act.left_behind = act.not_done = EVIL;
    v.show_holder = 2;
    ok(safe_html(oc_page_booking(&v, b, EVIL)), "%s", "a booking's page");
    ok(safe_html(oc_page_list(&v, &list, b->when, EVIL)), "%s", "the list");
    ok(safe_html(oc_page_rooms(&v, NULL, NULL)), "%s", "the rooms");
    ok(safe_html(oc_page_form(&v, &form)), "%s", "a form filled in again");
    ok(safe_html(oc_page_problem(&v, &res, &act, "book", &form, NULL)), "%s", "a problem's page");
    b->item = NULL; /* its address is none that could stand in a link */
    ok(!strstr(oc_page_list(&v, &list, b->when, NULL), "/bookings/R-") && !refs_to_nothing, "%s",
       "nothing leads to what has no address");
    b->item = "oc-1.EML";
    ok(safe_json(oc_api_booking(&v, b)), "%s", "a booking in JSON");
    ok(safe_json(oc_api_list(&v, &list, b->when)), "%s", "a list in JSON");
    ok(safe_json(oc_api_rooms(&v, NULL)), "%s", "rooms in JSON");
    ok(safe_json(oc_api_problem(&v, &res, &act, "book")), "%s", "a problem in JSON");
    ok(strstr(oc_page_form(&v, &form), "value=\"&#34;&#39;&gt;&lt;script&gt;") != NULL, "%s",
       "what was typed is still there");
}

static void put_attendee(oc_booking_t *b, const char *address, oc_partstat_t said)
{
    oc_attendee_t *a = apr_array_push(b->attendees);

    memset(a, 0, sizeof(*a));
    a->address = address;
    a->partstat = said;
}

/* Who has answered, in a row of the list. */
static void test_answers(void)
{
    oc_view_t v = make_view();
    oc_booking_t *b = make_booking();
    oc_list_t list = {.bookings = apr_array_make(p, 1, sizeof(oc_booking_t *))};
    const char *text, *at;
    int i;

    APR_ARRAY_PUSH(list.bookings, oc_booking_t *) = b;
    APR_ARRAY_IDX(b->attendees, 0, oc_attendee_t).partstat = OC_PARTSTAT_DECLINED;
    put_attendee(b, "cy@ex.example", OC_PARTSTAT_UNKNOWN);
    put_attendee(b, "dee@ex.example", OC_PARTSTAT_TENTATIVE);
    text = oc_page_list(&v, &list, b->when, NULL);
    ok(safe_html(text), "names in answers are text");
    ok(strstr(text, "<strong class=\"owacal-declined\">Board ") != NULL, "a room that declined");
    ok(strstr(text, "cy@ex.example: answer not known") != NULL, "what is not known is no \"no\"");
    ok(strstr(text, "dee@ex.example: tentative") && !strstr(text, "<details"), "a few in full");

    for (i = 0; i < 5; ++i) {
        put_attendee(b, apr_psprintf(p, "p%d@ex.example", i), OC_PARTSTAT_ACCEPTED);
    }
    text = oc_page_list(&v, &list, b->when, NULL);
    at = strstr(text, "<details><summary>accepted: 5, tentative: 1, no answer yet: 1, "
                      "answer not known: 1</summary>");
    ok(at && strstr(at, "p4@ex.example: accepted") && !strstr(at, "owacal-declined"),
       "many folded away, counted; the room stays");

    for (i = 0; i < b->attendees->nelts; ++i) {
        APR_ARRAY_IDX(b->attendees, i, oc_attendee_t).partstat = OC_PARTSTAT_UNKNOWN;
    }
    text = oc_page_list(&v, &list, b->when, NULL);
    ok(strstr(text, "Who has answered?</a>") && !strstr(text, "<ul class=\"owacal-answers\""),
       "nothing known: a link to the booking's page");
    ok(safe_html(text), "with a subject as text");
    b->is_organizer = 0;
    ok(!strstr(oc_page_list(&v, &list, b->when, NULL), "owacal-answers"), "only of one's own");
    b->is_organizer = b->cancelled = 1;
    ok(!strstr(oc_page_list(&v, &list, b->when, NULL), "owacal-answers"),
       "and not of what is over");
}

static void test_truth(void)
{
    oc_view_t v = make_view();
    oc_act_t act = {0};
    oc_result_t res;
    const char *text;

    act.state = OC_STATE_FAILED;
    act.left_behind = "The item could not be removed.";
    ok(strstr(oc_view_act_sentence(&v, &act, "book"), "could not be removed") != NULL, "%s",
       "what is left behind is said");
    act.left_behind = NULL;
    act.state = OC_STATE_PENDING;
    act.pending_why = "the room has not answered";
    ok(strstr(oc_view_act_sentence(&v, &act, "book"), "not confirmed") != NULL, "%s",
       "pending is not confirmed");
    act.state = OC_STATE_CONFLICT;
    act.clash_who = "boardroom@ex.example";
    act.clash.start = 1;
    act.holder = make_booking();
    oc_result_init(&res, p);
    oc_result_fail(&res, OC_REASON_ROOM_TAKEN, "internal: host mail7");
    text = oc_api_problem(&v, &res, &act, "book");
    ok(!strstr(text, "organizer"), "%s", "who holds the room is not said unless it is allowed");
    ok(!strstr(text, "mail7"), "%s", "an administrator's detail is not for everybody");
    v.show_holder = 1;
    text = oc_api_problem(&v, &res, &act, "book");
    ok(strstr(text, "\"organizer\": \"ana@ex.example\"") && !strstr(text, "script"), "%s",
       "organizer, but not subject");
}

static void test_times(void)
{
    oc_view_t v = make_view();
    oc_booking_t *b = make_booking();

    ok(strstr(oc_api_booking(&v, b), "\"start\": \"2026-03-05T10:00:00+01:00\"") != NULL, "%s",
       "times in the page's zone");
    ok(strstr(oc_page_booking(&v, b, NULL), "name=\"start\" value=\"10:00\"") != NULL, "%s",
       "and in the change form");
    v.zone = "America/New_York";
    ok(strstr(oc_api_booking(&v, b), "\"start\": \"2026-03-05T04:00:00-05:00\"") != NULL, "%s",
       "in another zone it is another clock time");
    v.fragment = 1;
    ok(!strstr(oc_page_booking(&v, b, NULL), "<html"), "%s", "a fragment is no document");
}

/* What does not fit a field of the browser's comes back as a text; what can be taken apart, so. */
static void test_form_times(void)
{
    static const struct {
        const char *name, *value, *wanted, *what;
    } cases[] = {
        {"start", "2026-03-05T10:00",
         "type=\"date\" id=\"owacal-date\" name=\"date\" value=\"2026-03-05\"",
         "the day of a time"},
        {"start", "2026-03-05T10:00",
         "type=\"time\" id=\"owacal-start\" name=\"start\" value=\"10:00\"", "the time of a time"},
        {"start", "2026-03-05T10:00:00+05:00",
         "type=\"text\" id=\"owacal-start\" name=\"start\" value=\"2026-03-05T10:00:00+05:00\"",
         "a time with its offset stays whole"},
        {"start", "at ten", "type=\"text\" id=\"owacal-start\" name=\"start\" value=\"at ten\"",
         "no time"},
        {"start", "10:03", "name=\"start\" value=\"10:03\" autocomplete=\"off\">",
         "no step that refuses it"},
        {"date", "5 March", "type=\"text\" id=\"owacal-date\" name=\"date\" value=\"5 March\"",
         "no date"},
        {"reminder", "ten", "type=\"text\" id=\"owacal-reminder\" name=\"reminder\" value=\"ten\"",
         "no number"},
        {"text", "\nx", "\">\n\nx</textarea>", "a line break at the begin of a note"},
        {"room", "cellar", "<option value=\"cellar\" selected=\"selected\">cellar</option>",
         "no room"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        oc_view_t v = make_view();
        oc_form_t form = {apr_array_make(p, 1, sizeof(oc_field_t))};
        oc_field_t *f = apr_array_push(form.fields);

        f->name = cases[i].name;
        f->value = cases[i].value;
        f->kind = OC_VALUE_TEXT;
        ok(strstr(oc_page_form(&v, &form), cases[i].wanted) != NULL, "%s", cases[i].what);
    }
}

static void test_writer(void)
{
    oc_html_t *h = oc_html_create(p);

    oc_html_open(h, "p", "class", NULL, "id", "a\"b", NULL);
    oc_html_text(h, "x < y");
    oc_html_open(h, "input", "name", "n", NULL);
    is_str(oc_html_print(h), "<p id=\"a&#34;b\">x &lt; y<input name=\"n\"></p>\n",
           "attributes, text, void elements, closing");
}

#define NINE APR_TIME_C(1772701200000000) /* 2026-03-05 09:00 UTC, ten o'clock in Budapest */
#define MIN  apr_time_from_sec(60)

static void entry(oc_agenda_t *a, int from, int to, const char *subject)
{
    oc_agenda_entry_t *e = apr_array_push(a->entries);

    memset(e, 0, sizeof(*e));
    e->when.start = NINE + from * MIN;
    e->when.end = NINE + to * MIN;
    e->busy = OC_BUSY_BUSY;
    e->subject = subject;
    e->uid = "uid";
}

static int buttons(const char *text, const char *name)
{
    const char *word = apr_psprintf(p, "type=\"submit\" name=\"%s\"", name);
    int n = 0;

    for (text = strstr(text, word); text; text = strstr(text + 1, word)) {
        ++n;
    }
    return n;
}

static void test_panel(void)
{
    oc_view_t v = make_view();
    const oc_room_t *room = APR_ARRAY_IDX(v.rooms, 0, oc_room_t *);
    oc_agenda_t a = {room, {NINE - 600 * MIN, NINE + 840 * MIN}, 0, 0, NULL};
    oc_booking_t *own = make_booking();
    oc_panel_t panel = {0};
    oc_result_t res;
    const char *text;

    a.entries = apr_array_make(p, 4, sizeof(oc_agenda_entry_t));
    panel.room = room;
    panel.agenda = &a;
    panel.now = NINE + MIN / 2;
    panel.key = EVIL;
    panel.note = EVIL;
    panel.back = EVIL;
    text = oc_view_panel_page(&v, &panel);
    ok(safe_html(text), "%s", "a panel");
    ok(strstr(text, "<strong>Free for the rest of the day</strong>") != NULL, "%s",
       "of a free room");
    is_int(buttons(text, "minutes"), 3, "three lengths");
    entry(&a, 40, 60, EVIL);
    text = oc_view_panel_page(&v, &panel);
    ok(safe_html(text), "%s", "with a next meeting");
    ok(strstr(text, ">10:40</time>") != NULL, "%s", "the clock of the page's zone");
    is_int(buttons(text, "minutes"), 2, "what would run into it is not offered");
    panel.now = NINE + 30 * MIN;
    is_int(buttons(oc_view_panel(&v, &panel, 1), "minutes"), 0, "nor anything just before it");
    panel.now = NINE + 45 * MIN;
    text = oc_view_panel(&v, &panel, 1);
    ok(strstr(text, "<strong>Busy until ") && !strstr(text, "<form"), "%s",
       "somebody's meeting: nothing to press");
    own->when.start = NINE + 40 * MIN;
    own->when.end = NINE + 60 * MIN;
    panel.own = own;
    text = oc_view_panel(&v, &panel, 1);
    is_int(buttons(text, "until"), 2, "one's own: longer by two lengths");
    ok(strstr(text, "End now") && strstr(text, "value=\"R-oc-1.EML\""), "%s", "or ended");
    entry(&a, 75, 90, NULL);
    is_int(buttons(oc_view_panel(&v, &panel, 1), "until"), 1, "as far as the next begins");
    panel.off = EVIL;
    text = oc_view_panel(&v, &panel, 1);
    ok(safe_html(text) && !strstr(text, "<form"), "%s", "off: the reason, and no form");
    oc_result_init(&res, p);
    oc_result_fail(&res, OC_REASON_UPSTREAM_TIMEOUT, EVIL);
    panel.agenda = NULL;
    panel.failed = &res;
    text = oc_view_panel_page(&v, &panel);
    ok(safe_html(text) && strstr(text, "cannot be read") && strstr(text, "Not known") &&
           !strstr(text, "<form") && strstr(text, "http-equiv=\"refresh\""),
       "%s", "what cannot be read is not guessed");
    v.fragment = OC_VIEW_SECTION;
    ok(!strstr(oc_view_panel_page(&v, &panel), "<html"), "%s", "within a page it is a section");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    test_hostile();
    test_answers();
    test_truth();
    test_times();
    test_form_times();
    test_writer();
    test_panel();
    return done_testing();
}
