/* A room's agenda: what may be seen of it, its state at a moment, and the operation that looks. */
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "optest.h"
#include "tap.h"
#include "view/agenda.h"
#include "view/feed.h"

#define SECRET "Secret <plans>"

static apr_pool_t *p;
static oc_secret_t secret;
static oc_agenda_seal_t seal = {&secret, "corp"};
static oc_room_t room = {"hall", "hall@example.test", "hall", "Hall", 0, NULL, NULL, NULL};
static const oc_range_t day = {TEN - 10 * HOUR, TEN + 14 * HOUR};

static oc_booking_t *item(apr_array_header_t *list, int from, int to, const char *subject)
{
    oc_booking_t *b = oc_booking_create(p);

    b->uid = apr_psprintf(p, "uid-%s", subject);
    b->subject = subject;
    b->location = b->text = SECRET;
    b->when.start = TEN + from * HOUR;
    b->when.end = TEN + to * HOUR;
    b->busy = OC_BUSY_BUSY;
    b->organizer = "ana@example.test";
    b->organizer_name = "Ana";
    b->modified = TEN;
    APR_ARRAY_PUSH(list, oc_booking_t *) = b;
    return b;
}

static apr_array_header_t *calendar(void)
{
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(oc_booking_t *));

    item(list, 3, 4, SECRET)->sensitivity = OC_SENSITIVITY_PRIVATE;
    item(list, 0, 1, "Budget");
    item(list, 1, 2, " ANA");
    item(list, 5, 6, "Cancelled")->cancelled = 1;
    item(list, 5, 6, "Free")->busy = OC_BUSY_FREE;
    item(list, 40, 41, "Another day");
    item(list, 6, 7, SECRET)->sensitivity = OC_SENSITIVITY_CONFIDENTIAL;
    item(list, 8, 9, "Weekly")->instance = OC_INSTANCE_OCCURRENCE;
    item(list, 10, 11, "Weekly")->instance = OC_INSTANCE_OCCURRENCE;
    return list;
}

static const char *shown(const oc_agenda_t *a)
{
    const char *s = "";

    for (int i = 0; i < a->entries->nelts; ++i) {
        const oc_agenda_entry_t *e = &APR_ARRAY_IDX(a->entries, i, oc_agenda_entry_t);
        s = apr_psprintf(p, "%s%d:%s/%s/%s ", s, (int)((e->when.start - TEN) / HOUR),
                         e->subject ? e->subject : "-", e->by ? e->by : "-",
                         strstr(e->uid, "@owacal") ? "mac" : e->uid);
    }
    return s;
}

/* Every text that can be made of it. */
static const char *everything(const oc_agenda_t *a)
{
    oc_view_t v = {0};

    v.pool = p;
    v.base = "/booking";
    v.zone = "Europe/Budapest";
    return apr_pstrcat(p, oc_view_agenda(&v, a, TEN, 2), oc_view_agenda_page(&v, a, TEN),
                       oc_view_agenda_json(&v, a, TEN), oc_feed_agenda(&v, a), NULL);
}

static void test_privacy(void)
{
    static const char *const names[] = {"busy", "organizer", "subject"};
    const oc_agenda_t *a = oc_agenda_of_calendar(p, &seal, &room, day, calendar(), 0);

    is_str(shown(a), "0:-/-/mac 1:-/-/mac 3:-/-/mac 6:-/-/mac 8:-/-/mac 10:-/-/mac ",
           "busy: times, in order, without what takes no time");
    ok(!strstr(everything(a), "Ana") && !strstr(everything(a), "uid-"), "  and nothing else");
    a = oc_agenda_of_calendar(p, &seal, &room, day, calendar(), 1);
    is_str(shown(a),
           "0:-/Ana/uid-Budget 1:-/Ana/uid- ANA 3:-/-/mac 6:-/-/mac 8:-/Ana/mac 10:-/Ana/mac ",
           "organizer: who");
    ok(!strstr(everything(a), "Budget<") && !strstr(everything(a), "SUMMARY:Budget"), "  not what");
    a = oc_agenda_of_calendar(p, &seal, &room, day, calendar(), 2);
    is_str(shown(a),
           "0:Budget/Ana/uid-Budget 1:-/Ana/uid- ANA 3:-/-/mac 6:-/-/mac "
           "8:Weekly/Ana/mac 10:Weekly/Ana/mac ",
           "subject: what, unless it is a name");
    for (int show = 0; show < 3; ++show) {
        const char *all = everything(oc_agenda_of_calendar(p, &seal, &room, day, calendar(), show));
        ok(!strstr(all, "Secret") && !strstr(all, "plans"), "%s: private stays private",
           names[show]);
    }
}

static const char *uid(const oc_agenda_t *a, int i)
{
    return APR_ARRAY_IDX(a->entries, i, oc_agenda_entry_t).uid;
}

static void test_uids(void)
{
    oc_agenda_t *a = oc_agenda_of_calendar(p, &seal, &room, day, calendar(), 2);
    oc_agenda_t *b = oc_agenda_of_calendar(p, &seal, &room, day, calendar(), 2);
    oc_agenda_seal_t other = {&secret, "other"};

    is_str(uid(b, 2), uid(a, 2), "made uids are always the same");
    ok(strcmp(uid(a, 4), uid(a, 5)) != 0, "occurrences have one each");
    ok(strcmp(oc_agenda_uid(p, &other, "hall", "x", day),
              oc_agenda_uid(p, &seal, "hall", "x", day)),
       "another server's are others");
}

static void test_people(void)
{
    apr_array_header_t *list = apr_array_make(p, 2, sizeof(oc_booking_t *));
    oc_booking_t *b = item(list, 0, 1, "ana");

    b->organizer_name = NULL;
    is_str(shown(oc_agenda_of_calendar(p, &seal, &room, day, list, 2)), "0:-/ana/uid-ana ",
           "a mailbox name in place of the subject says who");
    b->subject = "Ana's birthday";
    is_str(shown(oc_agenda_of_calendar(p, &seal, &room, day, list, 2)),
           "0:Ana's birthday/ana@example.test/uid-ana ", "a name in a subject does not");
    b->organizer = NULL;
    is_str(shown(oc_agenda_of_calendar(p, &seal, &room, day, list, 2)),
           "0:Ana's birthday/-/uid-ana ", "nobody is made up");
}

static void now_is(const oc_agenda_t *a, int minutes, oc_busy_t want, int until, const char *what)
{
    apr_time_t end;
    oc_busy_t busy = oc_agenda_now(a, TEN + apr_time_from_sec(60) * minutes, &end);

    is_str(oc_busy_token(busy), oc_busy_token(want), "%s: %s", what, oc_busy_token(want));
    is_int(end ? (int)((end - TEN) / apr_time_from_sec(60)) : 0, until, "  until");
}

static void test_now(void)
{
    oc_agenda_t *a = oc_agenda_of_calendar(p, &seal, &room, day, calendar(), 0);

    now_is(a, -30, OC_BUSY_FREE, 0,
           "before the first, which begins at 0"); /* minute 0 reads as 0 */
    now_is(a, 0, OC_BUSY_BUSY, 120, "as it begins, what follows at once counted");
    now_is(a, 119, OC_BUSY_BUSY, 120, "shortly before its end");
    now_is(a, 120, OC_BUSY_FREE, 180, "as it ends");
    now_is(a, 11 * 60, OC_BUSY_FREE, 0, "after the last");
    now_is(a, 14 * 60, OC_BUSY_UNKNOWN, 0, "past the agenda");
    a->more = 1;
    now_is(a, 11 * 60, OC_BUSY_UNKNOWN, 0, "after the last that was read");
}

static void test_freebusy(void)
{
    oc_freebusy_t *fb = oc_freebusy_create(p, room.address, day, apr_time_from_sec(300));
    oc_range_t busy = {TEN, TEN + HOUR}, free_after = {TEN + HOUR, TEN + 2 * HOUR};
    oc_agenda_t *a;

    oc_freebusy_mark(fb, busy, OC_BUSY_BUSY);
    oc_freebusy_mark(fb, free_after, OC_BUSY_FREE);
    a = oc_agenda_of_freebusy(p, &seal, &room, day, fb);
    is_str(shown(a), "-10:-/-/mac 0:-/-/mac 2:-/-/mac ",
           "blocks in order, what is unknown as well");
    now_is(a, 90, OC_BUSY_FREE, 120, "free only where it is known to be");
    now_is(a, 150, OC_BUSY_UNKNOWN, 0, "unknown where nothing is known");
    ok(strstr(everything(a), "From free/busy") && strstr(everything(a), "\"freebusy\""),
       "it says so");
}

static void test_look(void)
{
    optest_t one, *t = &one;
    apr_array_header_t *rooms;
    oc_room_look_t *look;
    oc_call_t *call;
    oc_memo_t *memo;
    int count;

    optest_begin(t);
    rooms = apr_array_make(t->world->pool, 1, sizeof(oc_room_t *));
    APR_ARRAY_PUSH(rooms, oc_room_t *) = &room;
    room.mailbox = "boardroom";
    room.address = ROOM;
    t->conf.rooms = rooms;
    memo = oc_memo_create(t->world->pool, 16);
    t->world->readable = 1;
    optest_book(t, "alice", NULL, 1);

    call = optest_call(t, "bob");
    call->memo = memo;
    optest_run(t, oc_op_agenda(call, &t->world->backend, &t->conf, "hall", day, 10, &look));
    ok(look->list && look->list->bookings->nelts == 1 && !look->rows, "a room's calendar is read");

    t->world->readable = 0;
    for (int i = 0; i < 2; ++i) {
        call = optest_call(t, "bob");
        call->memo = memo;
        count = t->world->count;
        optest_run(t, oc_op_agenda(call, &t->world->backend, &t->conf, "hall", day, 10, &look));
        ok(!look->list && look->rows && look->rows->nelts == 1, "or its free/busy");
        is_int(t->world->count - count, i ? 1 : 2, i ? "  at once, from then on" : "  after a try");
    }
    call = optest_call(t, "carol");
    call->memo = memo;
    count = t->world->count;
    optest_run(t, oc_op_agenda(call, &t->world->backend, &t->conf, "hall", day, 10, &look));
    is_int(t->world->count - count, 2, "nobody knows it by another");

    call = optest_call(t, "bob");
    ok(!oc_op_agenda(call, &t->world->backend, &t->conf, "alice", day, 10, &look),
       "a mailbox that is no configured room is not looked into");
    is_int(call->result.reason, OC_REASON_UNKNOWN_ROOM, "  for that reason");
    optest_end(t);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    memset(secret.key[0], 7, 32);
    secret.len[0] = 32;
    test_privacy();
    test_uids();
    test_people();
    test_now();
    test_freebusy();
    test_look();
    apr_terminate();
    return done_testing();
}
