/* Free/busy that was asked for not long ago: whose it is, how old it may be, what makes it stale,
 * and a table that is full or whose holder was killed. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "op/fresh.h"
#include "optest.h"
#include "tap.h"

#define MINUTE  apr_time_from_sec(60)
#define DAY     apr_time_from_sec(86400)
#define SLOT    (5 * MINUTE)
#define SECONDS apr_time_from_sec
#define MIDNIGHT APR_TIME_C(1772665200000000) /* 2026-03-05 00:00 in Budapest */
#define LIST    "team@example.test"

static apr_pool_t *pool;
static oc_site_t site = {.scheme = "https", .host = "mail.example.com", .port = 443};
static oc_backend_conf_t corp = {.name = "corp", .kind = "owa2003", .site = &site,
                                 .path = "/exchange/", .public_path = "/public/"};
static oc_secret_t secret = {.key = {"a key of thirty-two bytes and more"}, .len = {32, 0}};

static oc_fresh_t *table_of(int rows)
{
    void *memory = mmap(NULL, oc_fresh_size(rows), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return oc_fresh_init(memory, rows);
}

static oc_fresh_scope_t scope_of(const oc_backend_conf_t *be, const char *a, const char *b)
{
    const char *whose[] = {a, b};
    oc_fresh_scope_t scope;

    oc_fresh_scope(&scope, &secret, be, whose, b ? 2 : 1);
    return scope;
}

static oc_freebusy_t *row_of(const char *address, apr_time_t start, apr_time_t length,
                             apr_time_t slot)
{
    oc_range_t range = {start, start + length};
    oc_freebusy_t *row = oc_freebusy_create(pool, address, range, slot);

    for (int i = 0; i < row->count; ++i) {
        row->busy[i] = (unsigned char)(i % 5); /* OC_BUSY_UNKNOWN among them */
    }
    row->told = 1;
    return row;
}

/* Is the whole of that row known to be what it is, to whoever takes what is 15 s old? */
static int known(oc_fresh_t *t, const oc_fresh_scope_t *scope, const oc_freebusy_t *row, int lists)
{
    oc_mono_t asked = 0;
    oc_freebusy_t *found = oc_fresh_get(t, scope, pool, row->address, row->range, row->slot, lists,
                                        SECONDS(15), &asked);

    return found && found->count == row->count &&
           memcmp(found->busy, row->busy, (size_t)row->count) == 0 && asked > 0 &&
           found->members == row->members && (found->name != NULL) == (row->name != NULL) &&
           (!row->name || strcmp(found->name, row->name) == 0);
}

static void put(oc_fresh_t *t, const oc_fresh_scope_t *scope, const oc_freebusy_t *row, int lists)
{
    oc_clock_advance(1);
    oc_fresh_put(t, scope, row, lists, oc_clock_mono());
}

static void whose_it_is(void)
{
    oc_fresh_t *t = table_of(8); /* one set: nothing is kept apart by luck */
    oc_site_t elsewhere = site;
    oc_backend_conf_t other = corp;
    oc_fresh_scope_t ana = scope_of(&corp, "self", "ana"), bo = scope_of(&corp, "self", "bo");
    oc_fresh_scope_t cut = scope_of(&corp, "sel", "fana"), there;
    oc_freebusy_t *row = row_of("Room@Example.test", MIDNIGHT, DAY, SLOT), *twin;
    oc_mono_t asked = 0;

    elsewhere.port = 444;
    other.site = &elsewhere;
    there = scope_of(&other, "self", "ana");
    ok(!known(t, &ana, row, 0), "an empty table knows nothing");
    row->name = "Room <b>1</b>";
    put(t, &ana, row, 0);
    ok(known(t, &ana, row, 0), "what was put is found, with its name");
    twin = row_of("room@example.TEST", MIDNIGHT, DAY, SLOT);
    twin->name = row->name;
    ok(known(t, &ana, twin, 0), "in another spelling, too");
    ok(!known(t, &bo, row, 0), "but for nobody else");
    ok(!known(t, &cut, row, 0), "nor for whom the same letters name otherwise");
    ok(!known(t, &there, row, 0), "nor on another server of the same name");
    ok(!known(t, &ana, row, 1), "whether it is a list is another question");
    twin->address = "room@example.tes";
    ok(!known(t, &ana, twin, 0), "another address is another");
    ok(!oc_fresh_get(t, &ana, pool, row->address, row->range, 2 * SLOT, 0, SECONDS(15), &asked),
       "slots of another length are others");
    ok(asked == 0, "and what is not found says nothing of its age");
    memset(secret.key[0], 'x', 32);
    ana = scope_of(&corp, "self", "ana");
    ok(!known(t, &ana, row, 0), "with another secret nothing is found");
    munmap(t, oc_fresh_size(8));
}

static void how_old(void)
{
    oc_fresh_t *t = table_of(64);
    oc_fresh_scope_t ana = scope_of(&corp, "self", "ana");
    oc_freebusy_t *row = row_of(ROOM, MIDNIGHT, DAY, SLOT);
    oc_mono_t asked = 0, before = oc_clock_mono();

    put(t, &ana, row, 0);
    oc_clock_advance(SECONDS(14));
    ok(known(t, &ana, row, 0), "after 14 s it is younger than 15");
    oc_fresh_get(t, &ana, pool, ROOM, row->range, SLOT, 0, SECONDS(60), &asked);
    ok(asked > before && asked < before + SECONDS(1), "when it was asked for is told");
    oc_clock_advance(SECONDS(2));
    ok(!known(t, &ana, row, 0), "after 16 s it is not");
    ok(oc_fresh_get(t, &ana, pool, ROOM, row->range, SLOT, 0, SECONDS(60), &asked) != NULL,
       "but for whoever takes an older one");
    ok(!oc_fresh_get(t, &ana, pool, ROOM, row->range, SLOT, 0, 0, &asked), "0 takes none");
    oc_fresh_put(t, &ana, row, 0, oc_clock_mono() + SECONDS(60));
    ok(!known(t, &ana, row, 0), "what is said to come from the future is not believed");
    munmap(t, oc_fresh_size(64));
}

/* A week and each of its days. */
static void stretches(void)
{
    oc_fresh_t *t = table_of(512);
    oc_fresh_scope_t ana = scope_of(&corp, "self", "ana");
    oc_freebusy_t *week = row_of(ROOM, MIDNIGHT, 7 * DAY, SLOT), *day, *rest;
    oc_freebusy_t *quarter = row_of(ROOM, MIDNIGHT, 31 * DAY, SLOT);
    oc_mono_t asked = 0, now;
    int days = 0;

    put(t, &ana, week, 0);
    for (int i = 0; i < 7; ++i) {
        day = row_of(ROOM, MIDNIGHT + i * DAY, DAY, SLOT);
        memcpy(day->busy, week->busy + i * 288, 288);
        days += known(t, &ana, day, 0);
    }
    is_int(days, 7, "a week knows each of its days");
    ok(known(t, &ana, week, 0), "and itself");
    day = row_of(ROOM, MIDNIGHT, 23 * 3600 * APR_USEC_PER_SEC, SLOT);
    ok(known(t, &ana, day, 0), "a day that is an hour shorter is a part of one");
    rest = row_of(ROOM, MIDNIGHT, 25 * 3600 * APR_USEC_PER_SEC, SLOT);
    ok(known(t, &ana, rest, 0), "one that is an hour longer, of two");
    rest = row_of(ROOM, MIDNIGHT + SLOT, DAY, SLOT);
    ok(!known(t, &ana, rest, 0), "another beginning cuts otherwise");
    rest = row_of(ROOM, MIDNIGHT, 8 * DAY, SLOT);
    ok(!known(t, &ana, rest, 0), "of more than was asked for not a part is given");

    oc_clock_advance(SECONDS(10));
    now = oc_clock_mono();
    day = row_of(ROOM, MIDNIGHT + 3 * DAY, DAY, SLOT);
    put(t, &ana, day, 0);
    oc_fresh_get(t, &ana, pool, ROOM, week->range, SLOT, 0, SECONDS(60), &asked);
    ok(asked > 0 && asked < now - SECONDS(9), "a row is as old as the oldest part of it");
    oc_clock_advance(SECONDS(6));
    ok(known(t, &ana, day, 0) && !known(t, &ana, week, 0), "and not known when that is too old");
    oc_fresh_put(t, &ana, week, 0, oc_clock_mono() - SECONDS(15));
    ok(known(t, &ana, day, 0), "an older answer does not take a younger one's place");

    put(t, &ana, quarter, 0);
    ok(known(t, &ana, quarter, 0), "a month is kept");
    rest = row_of(ROOM2, MIDNIGHT, 32 * DAY, SLOT);
    put(t, &ana, rest, 0);
    ok(!known(t, &ana, rest, 0), "more is not");
    rest = row_of(ROOM2, MIDNIGHT, DAY, MINUTE);
    put(t, &ana, rest, 0);
    ok(known(t, &ana, rest, 0), "slots of a minute are, in more pieces");
    rest = row_of(ROOM2, MIDNIGHT, 3 * DAY, 7 * 60 * MINUTE);
    put(t, &ana, rest, 0);
    ok(!known(t, &ana, rest, 0), "a range of no whole number of slots is not");
    rest = row_of(ROOM2, MIDNIGHT, 14 * 60 * MINUTE * 3, 7 * 60 * MINUTE);
    put(t, &ana, rest, 0);
    ok(known(t, &ana, rest, 0), "of seven hours each: three to a stretch");
    munmap(t, oc_fresh_size(512));
}

static void what_is_not_kept(void)
{
    oc_fresh_t *t = table_of(64);
    oc_fresh_scope_t ana = scope_of(&corp, "self", "ana");
    oc_freebusy_t *row = row_of(ROOM, MIDNIGHT, DAY, SLOT);
    char *lengthy = memset(apr_pcalloc(pool, 200), 'x', 199);

    row->told = 0;
    put(t, &ana, row, 0);
    ok(!known(t, &ana, row, 0), "what the server did not tell");
    row->told = 1;
    row->name = lengthy;
    put(t, &ana, row, 0);
    ok(!known(t, &ana, row, 0), "a row whose name has no room");
    row->name = "";
    put(t, &ana, row, 0);
    row->name = NULL;
    ok(known(t, &ana, row, 0), "an empty name is none");
    row = row_of(apr_pstrcat(pool, lengthy, "@x", NULL), MIDNIGHT, DAY, SLOT);
    put(t, &ana, row, 0);
    ok(!known(t, &ana, row, 0), "a longer address than is good");
    munmap(t, oc_fresh_size(64));
}

static void changes(void)
{
    oc_fresh_t *t = table_of(64);
    oc_fresh_scope_t ana = scope_of(&corp, "self", "ana"), all = scope_of(&corp, "everyone", NULL);
    oc_freebusy_t *row = row_of(ROOM, MIDNIGHT, DAY, SLOT),
                  *two = row_of(ROOM2, MIDNIGHT, DAY, SLOT);
    oc_freebusy_t *list = row_of(LIST, MIDNIGHT, DAY, SLOT);
    oc_backend_conf_t other = corp;
    oc_fresh_scope_t twin;
    oc_mono_t asked;

    other.name = "twin";

    list->members = 3;
    put(t, &ana, row, 0);
    put(t, &all, row, 0);
    put(t, &ana, two, 0);
    put(t, &ana, list, 1);
    ok(known(t, &ana, list, 1), "a list's row is known");
    asked = oc_clock_mono();
    oc_clock_advance(1);
    oc_fresh_touch(t, "BOARDROOM@example.test");
    ok(!known(t, &ana, row, 0) && !known(t, &all, row, 0), "what was changed is known to nobody");
    ok(known(t, &ana, two, 0), "any other still is");
    ok(!known(t, &ana, list, 1), "but no list: who is in it is not known");
    oc_fresh_put(t, &ana, row, 0, asked);
    ok(!known(t, &ana, row, 0), "an answer to what was asked before does not count either");
    put(t, &ana, row, 0);
    ok(known(t, &ana, row, 0), "one asked for afterwards does");
    oc_clock_advance(1);
    oc_fresh_touch(t, "Boardroom");
    ok(!known(t, &ana, row, 0), "the mailbox's name stands for its address");
    put(t, &ana, row, 0);
    oc_clock_advance(1);
    twin = scope_of(&other, "self", "ana");
    put(t, &twin, row, 0);
    oc_clock_advance(1);
    oc_fresh_touch(t, ROOM);
    ok(!known(t, &ana, row, 0) && !known(t, &twin, row, 0), "whatever name the server goes by");
    oc_fresh_touch(NULL, ROOM);
    munmap(t, oc_fresh_size(64));
}

static void bounded(void)
{
    oc_fresh_t *t = table_of(64);
    oc_fresh_scope_t ana = scope_of(&corp, "self", "ana");
    int left = 0;

    for (int i = 0; i < 1000; ++i) {
        put(t, &ana, row_of(apr_psprintf(pool, "r%d@x", i), MIDNIGHT, DAY, SLOT), 0);
    }
    for (int i = 0; i < 1000; ++i) {
        left += known(t, &ana, row_of(apr_psprintf(pool, "r%d@x", i), MIDNIGHT, DAY, SLOT), 0);
    }
    is_int(left, 64, "a full table keeps as many as it can");
    ok(known(t, &ana, row_of("r999@x", MIDNIGHT, DAY, SLOT), 0), "the last among them");
    ok(!known(t, &ana, row_of("r0@x", MIDNIGHT, DAY, SLOT), 0), "the oldest gave way");
    munmap(t, oc_fresh_size(64));
}

static void killed_child(void)
{
    oc_fresh_t *t = table_of(64);
    oc_fresh_scope_t ana = scope_of(&corp, "self", "ana");
    oc_freebusy_t *rows[20], *own = row_of("own@x", MIDNIGHT, DAY, SLOT);
    int wrong = 0, there = 0;

    for (int i = 0; i < 20; ++i) { /* each row's slots are all alike: a mixture would show */
        rows[i] = row_of(apr_psprintf(pool, "r%d@x", i), MIDNIGHT, DAY, SLOT);
        memset(rows[i]->busy, i % 4, 288);
    }
    for (int i = 0; i < 30; ++i) { /* somewhere in the middle, quite often inside the mutex */
        pid_t pid = fork();

        if (pid == 0) {
            for (unsigned n = 0;; ++n) {
                oc_freebusy_t *row = rows[n % 20];
                memset(row->busy, (int)(n / 20 % 4), 288);
                oc_fresh_put(t, &ana, row, 0, oc_clock_mono());
            }
        }
        usleep(2000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        for (int k = 0; k < 20; ++k) {
            oc_mono_t asked = 0;
            oc_freebusy_t *found = oc_fresh_get(t, &ana, pool, rows[k]->address, rows[k]->range,
                                                SLOT, 0, SECONDS(60), &asked);
            there += found != NULL;
            for (int s = 0; found && s < 288; ++s) {
                wrong += found->busy[s] != found->busy[0];
            }
        }
    }
    put(t, &ana, own, 0);
    ok(known(t, &ana, own, 0), "children killed in the middle harm nobody");
    ok(there > 0, "some of what they put is there (%d)", there);
    is_int(wrong, 0, "and none of it half written");
    munmap(t, oc_fresh_size(64));
}

/* ---- acts ---- */

typedef struct shown_t {
    optest_t t;
    oc_fresh_t *table;
    oc_fresh_scope_t scope;
} shown_t;

static const char *const people[] = {ROOM, ROOM2, "bob@example.test", "alice@example.test", LIST,
                                     "carol@example.test"};

static void show(shown_t *s)
{
    for (int i = 0; i < 6; ++i) {
        oc_freebusy_t *row = row_of(people[i], MIDNIGHT, DAY, SLOT);
        row->members = strcmp(people[i], LIST) == 0 ? 2 : 0;
        put(s->table, &s->scope, row, 0);
    }
    oc_clock_advance(1);
}

/* A letter for each of them that is known. */
static const char *shown(shown_t *s)
{
    char *text = apr_pstrdup(pool, "......");

    for (int i = 0; i < 6; ++i) {
        oc_freebusy_t *row = row_of(people[i], MIDNIGHT, DAY, SLOT);
        row->members = strcmp(people[i], LIST) == 0 ? 2 : 0;
        if (known(s->table, &s->scope, row, 0)) {
            text[i] = "12balc"[i];
        }
    }
    return text;
}

static void begin(shown_t *s)
{
    optest_begin(&s->t);
    s->table = s->t.conf.fresh = table_of(64);
    s->scope = scope_of(&corp, "self", "ana");
    show(s);
}

static void end(shown_t *s)
{
    munmap(s->table, oc_fresh_size(64));
    optest_end(&s->t);
}

/* Work it exchange by exchange; pages are shown, and ask, before each of them. */
static void run_watched(shown_t *s, oc_job_t *op)
{
    if (!op || oc_op_prepare(op) != APR_SUCCESS) {
        return;
    }
    while (!op->vt->done(op)) {
        oc_exchange_t *x = op->vt->next(op);

        show(s);
        if (x) {
            mem_execute(s->t.world, op, x);
        } else {
            oc_clock_advance(apr_time_from_msec(100));
        }
    }
}

static oc_job_t *booking(shown_t *s, int shift)
{
    oc_call_t *call = optest_call(&s->t, "alice");
    oc_book_args_t args;

    memset(&args, 0, sizeof(args));
    args.booking = optest_booking(call->pool, shift, ROOM, NULL);
    memset(args.seed, 1, sizeof(args.seed));
    return oc_op_book(call, &s->t.world->backend, &s->t.conf, &args, &s->t.act);
}

static void acts(void)
{
    oc_change_args_t change;
    oc_call_t *call;
    shown_t s;

    begin(&s);
    is_str(shown(&s), "12balc", "all are shown");
    run_watched(&s, booking(&s, 0));
    optest_is(&s.t, OC_STATE_CONFIRMED, OC_REASON_OK, "booked");
    is_str(
        shown(&s), ".2...c",
        "room, attendee, organizer and every list are asked for anew, what was asked for while it "
        "was booked included");

    show(&s);
    call = optest_call(&s.t, "alice");
    memset(&change, 0, sizeof(change));
    change.item = mem_item(s.t.world, NULL, optest_uid(&s.t, 1))->booking->item;
    change.all_day = -1;
    change.reminder = -2;
    change.attendees = optest_booking(call->pool, 0, ROOM2, NULL)->attendees;
    run_watched(&s, oc_op_change(call, &s.t.world->backend, &s.t.conf, &change, &s.t.act));
    optest_is(&s.t, OC_STATE_CONFIRMED, OC_REASON_OK, "moved into another room");
    is_str(shown(&s), ".....c", "both rooms are asked for anew");

    show(&s);
    call = optest_call(&s.t, "alice");
    run_watched(&s, oc_op_cancel(call, &s.t.world->backend, &s.t.conf,
                                 mem_item(s.t.world, NULL, optest_uid(&s.t, 1))->booking->item,
                                 NULL, &s.t.act));
    optest_is(&s.t, OC_STATE_CONFIRMED, OC_REASON_OK, "cancelled");
    is_str(shown(&s), "1....c", "only what it had in the end");
    end(&s);
}

/* The state that writes is entered, and never left: the child is killed. */
static void cut_off(void)
{
    shown_t s;
    oc_job_t *op;
    oc_exchange_t *x;

    begin(&s);
    op = booking(&s, 0);
    oc_op_prepare(op);
    while (!oc_op_wrote(op) && (x = op->vt->next(op)) != NULL) {
        is_str(shown(&s), "12balc", "while it is only looked: %s", x->purpose);
        mem_execute(s.t.world, op, x);
    }
    is_str(shown(&s), ".2...c", "when writing begins they count no more");
    show(&s);
    op->vt->cancel(op, OC_CANCEL_STOPPING);
    is_str(shown(&s), ".2...c", "nor what was asked for since, when it is given up");
    end(&s);
}

/* Her address does not begin like her mailbox's name, and the server tells it nobody who books. */
static void another_name(void)
{
    oc_freebusy_t *own = row_of("alice.smith@example.test", MIDNIGHT, DAY, SLOT);
    oc_fresh_scope_t bob;
    shown_t s;

    begin(&s);
    s.scope.mailbox = "alice";
    bob = s.scope;
    bob.mailbox = "bob";
    put(s.table, &s.scope, own, 0);
    oc_clock_advance(1);
    run_watched(&s, booking(&s, 0));
    optest_is(&s.t, OC_STATE_CONFIRMED, OC_REASON_OK, "booked");
    ok(!known(s.table, &s.scope, own, 0), "whoever has booked is shown nothing from before that");
    put(s.table, &s.scope, own, 0);
    ok(known(s.table, &s.scope, own, 0), "but what was asked for afterwards");
    oc_clock_advance(1);
    oc_fresh_touch(s.table, "bob");
    ok(known(s.table, &s.scope, own, 0), "what others do in their mailboxes is nothing to her");
    ok(!known(s.table, &bob, own, 0), "only to them");
    end(&s);
}

/* Booked once more with the same key: what stands has another room by now, and its request has not
 * left. */
static void resumed(void)
{
    shown_t s;

    begin(&s);
    optest_run(&s.t, booking(&s, 0));
    mem_item(s.t.world, "alice", optest_uid(&s.t, 1))->booking->attendees =
        optest_booking(s.t.world->pool, 0, ROOM2, NULL)->attendees;
    s.t.world->sent->nelts = s.t.world->entries->nelts = s.t.world->answers->nelts = 0;
    oc_clock_advance(1);
    show(&s);
    run_watched(&s, booking(&s, 0));
    optest_is(&s.t, OC_STATE_CONFIRMED, OC_REASON_OK, "booked again");
    ok(mem_sent(s.t.world, optest_uid(&s.t, 1), MEM_REQUEST) == 1, "the request leaves now");
    ok(strchr(shown(&s), '2') == NULL, "the room that it was sent to is asked for anew");
    end(&s);
}

static void refused(void)
{
    shown_t s;

    begin(&s);
    mem_book(s.t.world, ROOM, optest_when(0), "somebody-else");
    optest_run(&s.t, booking(&s, 0));
    optest_is(&s.t, OC_STATE_CONFLICT, OC_REASON_ROOM_TAKEN, "taken by somebody else");
    ok(strchr(shown(&s), '1') == NULL, "whoever is told so is not shown the room as free");
    end(&s);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    whose_it_is();
    how_old();
    stretches();
    what_is_not_kept();
    changes();
    bounded();
    killed_child();
    acts();
    cut_off();
    another_name();
    resumed();
    refused();
    apr_terminate();
    return done_testing();
}
