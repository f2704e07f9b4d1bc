/* Who is free when, as a table and in one line: every state in a word, hostile names as text, links
 * only where something can be booked. */
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "view/grid.h"

#define EVIL "\"'><script>alert(1)</script>&"
#define HOUR apr_time_from_sec(3600)
#define DAY  apr_time_from_sec(INT64_C(1772668800)) /* 2026-03-05T00:00Z */

static apr_pool_t *p;

static oc_view_t make_view(void)
{
    oc_view_t v = {0};
    apr_array_header_t *rooms = apr_array_make(p, 1, sizeof(oc_room_t *));
    oc_room_t *room = apr_pcalloc(p, sizeof(*room));

    room->id = "boardroom";
    room->address = "boardroom@ex.example";
    room->name = "Board " EVIL;
    APR_ARRAY_PUSH(rooms, oc_room_t *) = room;
    v.pool = p;
    v.base = "/booking";
    v.zone = "UTC";
    v.rooms = rooms;
    return v;
}

static oc_freebusy_t *row(const char *address)
{
    oc_range_t day = {DAY, DAY + 24 * HOUR};
    oc_freebusy_t *fb = oc_freebusy_create(p, address, day, HOUR / 12);

    oc_freebusy_mark(fb, day, OC_BUSY_FREE);
    return fb;
}

static void mark(oc_freebusy_t *fb, int from, int to, oc_busy_t busy)
{
    oc_range_t r = {DAY + from * HOUR, DAY + to * HOUR};
    oc_freebusy_mark(fb, r, busy);
}

static int count(const char *text, const char *part)
{
    int n = 0;

    for (; (text = strstr(text, part)) != NULL; text += strlen(part)) {
        ++n;
    }
    return n;
}

static void table(void)
{
    oc_view_t v = make_view();
    apr_array_header_t *rows = apr_array_make(p, 2, sizeof(oc_freebusy_t *));
    oc_grid_t g = {rows, {DAY + 8 * HOUR, DAY + 14 * HOUR}, HOUR, DAY + 9 * HOUR + 1, "/form",
                   "x-"};
    oc_freebusy_t *room = row("Boardroom@ex.example"), *person = row("ana@ex.example");
    oc_html_t *h = oc_html_create(p);
    const char *text;

    mark(room, 10, 11, OC_BUSY_TENTATIVE);
    mark(room, 11, 12, OC_BUSY_BUSY);
    mark(room, 12, 13, OC_BUSY_OOF);
    person->name = EVIL;
    memset(person->busy, OC_BUSY_UNKNOWN, (size_t)person->count);
    APR_ARRAY_PUSH(rows, oc_freebusy_t *) = room;
    APR_ARRAY_PUSH(rows, oc_freebusy_t *) = person;
    oc_grid_table(&v, h, &g);
    text = oc_html_print(h);
    ok(!strstr(text, "<script"), "names are text");
    is_int(count(text, "scope=\"col\""), 7, "six columns and their head");
    is_int(count(text, "scope=\"row\""), 2, "two rows");
    is_int(count(text, "<td "), 12, "a cell each");
    is_int(count(text, "aria-current=\"time\""), 1, "one of them is now");
    is_int(count(text, " now\""), 2, "in both rows");
    ok(strstr(text, "<td class=\"free\">free</td>"), "what is past leads nowhere");
    is_int(count(text, "<a "), 2, "free slots of a room lead to the form");
    ok(strstr(text, "href=\"/form?x-room=boardroom&amp;x-start=2026-03-05T13:00&amp;"
                    "x-end=2026-03-05T14:00#owacal-form\""),
       "filling it");
    ok(strstr(text, ">tentative</td>") && strstr(text, ">busy</td>") &&
           strstr(text, ">out of office</td>"),
       "every state is a word");
    is_int(count(text, "<td class=\"unknown"), 6, "unknown is never free");

    h = oc_html_create(p);
    g.form = NULL;
    oc_grid_table(&v, h, &g);
    is_int(count(oc_html_print(h), "<a "), 0, "without a form there are no links");
    h = oc_html_create(p);
    oc_grid_days(&v, h, "?a=" EVIL "&", DAY);
    text = oc_html_print(h);
    ok(!strstr(text, "<script") && strstr(text, "owacal-day=2026-03-04") &&
           strstr(text, "owacal-day=2026-03-12"),
       "links to other days");
}

static void says(const oc_freebusy_t *fb, int hour, const char *want, const char *what)
{
    oc_view_t v = make_view();
    oc_html_t *h = oc_html_create(p);
    const char *text;
    char *plain, *o;
    int tag = 0;

    oc_grid_next(&v, h, fb, DAY + hour * HOUR + 1);
    text = oc_html_print(h);
    for (o = plain = apr_pstrdup(p, text); *text; ++text) {
        tag = *text == '<' ? 1 : tag;
        if (!tag && *text != '\n') {
            *o++ = *text;
        }
        tag = *text == '>' ? 0 : tag;
    }
    *o = '\0';
    is_str(plain, want, "%s", what);
}

static void next(void)
{
    oc_freebusy_t *fb = row("a@ex.example");

    says(fb, 8, "Free for the rest of the day.", "a free day");
    mark(fb, 10, 11, OC_BUSY_TENTATIVE);
    mark(fb, 11, 12, OC_BUSY_BUSY);
    mark(fb, 20, 24, OC_BUSY_OOF);
    says(fb, 8, "Free until 10:00.", "free until then");
    says(fb, 10, "Tentatively taken until 12:00, then free until 20:00.", "two meetings on end");
    says(fb, 11, "Busy until 12:00, then free until 20:00.", "busy");
    says(fb, 21, "Out of office for the rest of the day.", "away");
    memset(fb->busy, OC_BUSY_UNKNOWN, (size_t)fb->count);
    says(fb, 8, "Whether it is free is not known.", "unknown is not free");
    says(fb, 30, "Whether it is free is not known.", "nor is another day");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    table();
    next();
    apr_pool_destroy(p);
    apr_terminate();
    return done_testing();
}
