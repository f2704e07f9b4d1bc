/* The Exchange 2003 backend against a server that runs: every verb, through plain sockets. Needs
 * OWASIM_URL=http://127.0.0.1:port; t/30-owa2003-sim.t starts the simulator and this.
 *
 *     OWASIM_URL     where it listens           OWASIM_USER   alice (mailbox and user; pw-NAME)
 *     OWASIM_EXPECT  only list a calendar and ask for free/busy, which must end for this reason
 */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "backend/backend.h"
#include "backend/owa2003/owa.h"
#include "base/crypto.h"
#include "drive.h"
#include "tap.h"

static apr_pool_t *pool;
static oc_site_t site = {"http", "127.0.0.1", 0, NULL, NULL, 12, NULL};
static oc_backend_conf_t conf = {"ex", "owa2003", &site, "/exchange/", "/public/",
                                 NULL, NULL, 0};
static oc_backend_t *be;
static const char *user = "alice";

static oc_call_t *new_call(const char *who)
{
    oc_call_t *call = oc_call_create(who, who, who);

    call->memo = oc_memo_create(call->pool, 16);
    return call;
}

static void run(oc_call_t *call, oc_job_t *job, const char *what)
{
    drive_t *d = drive_create(pool);

    drive_live(d, "127.0.0.1", site.port, call->user, apr_pstrcat(pool, "pw-", call->user, NULL));
    if (job) {
        drive_run(d, job);
    }
    if (!is_str(oc_reason_token(call->result.reason), "ok", "%s", what)) {
        diag("%s: %s", call->result.step ? call->result.step : "",
             call->result.detail ? call->result.detail : "");
    }
    is_int(d->complaints, 0, "%s: comes to an end", what);
}

static oc_attendee_t *add(oc_booking_t *b, const char *address, oc_role_t role)
{
    oc_attendee_t *a = apr_array_push(b->attendees);

    memset(a, 0, sizeof(*a));
    a->address = address;
    a->role = role;
    a->cutype = role == OC_ROLE_RESOURCE ? OC_CUTYPE_ROOM : OC_CUTYPE_INDIVIDUAL;
    return a;
}

static oc_booking_t *meeting(void)
{
    oc_booking_t *b = oc_booking_create(pool);
    unsigned char seed[32];
    apr_time_t day = apr_time_from_sec(86400);

    oc_crypto_random(seed, sizeof(seed));
    b->item = be->vt->item_of(be, pool, seed);
    b->uid = be->vt->uid_of(be, pool, seed);
    b->mark = "fp42";
    b->subject = "Budget <review> & \"more\" \xC5\x91";
    b->text = "First line\nsecond & last";
    b->location = "Boardroom's";
    b->zone = "Europe/Berlin";
    b->when.start = oc_clock_wall() / day * day + day * 3 + apr_time_from_sec(9 * 3600);
    b->when.end = b->when.start + apr_time_from_sec(3600);
    b->reminder = 15;
    b->organizer = apr_pstrcat(pool, user, "@example.test", NULL);
    b->is_meeting = b->is_organizer = 1;
    add(b, "bob@example.test", OC_ROLE_REQUIRED);
    add(b, "carol@example.test", OC_ROLE_OPTIONAL);
    add(b, "boardroom@example.test", OC_ROLE_RESOURCE);
    return b;
}

static void test_story(void)
{
    oc_booking_t *b = meeting(), *out = NULL;
    oc_freebusy_query_t fbq = {apr_array_make(pool, 2, sizeof(const char *)), b->when,
                               apr_time_from_sec(1800), 0};
    oc_list_query_t lq = {NULL, b->when, NULL, 50, 0};
    apr_array_header_t *rows;
    oc_list_t *list = NULL;
    oc_evidence_t *e = NULL;
    oc_room_evidence_t *room;
    oc_change_t *change = NULL;
    apr_table_t *facts = NULL;
    oc_call_t *call = new_call(user);
    int existed = 0;

    run(call, be->vt->probe(be, call, &facts), "probe");
    ok(facts && apr_table_get(facts, "calendar"), "the calendar is %s",
       facts ? apr_table_get(facts, "calendar") : "not told");

    APR_ARRAY_PUSH(fbq.who, const char *) = "boardroom@example.test";
    APR_ARRAY_PUSH(fbq.who, const char *) = "nobody@elsewhere.test";
    call = new_call(user);
    run(call, be->vt->freebusy(be, call, &fbq, &rows), "free/busy");
    is_int(oc_freebusy_in(APR_ARRAY_IDX(rows, 0, oc_freebusy_t *), b->when), OC_BUSY_FREE,
           "the room is free");
    is_int(oc_freebusy_in(APR_ARRAY_IDX(rows, 1, oc_freebusy_t *), b->when), OC_BUSY_UNKNOWN,
           "somebody of elsewhere is unknown");

    call = new_call(user);
    run(call, be->vt->create(be, call, b, &existed, &out), "create");
    is_int(existed, 0, "it is new");
    call = new_call(user);
    run(call, be->vt->create(be, call, b, &existed, &out), "create once more");
    is_int(existed, 1, "it is there already");
    is_str(out ? out->mark : NULL, "fp42", "with its mark");

    call = new_call(user);
    run(call, be->vt->invite(be, call, b, &change), "invite");
    ok(change && (change->told == OC_TOLD || change->told == OC_TOLD_UNVERIFIED),
       "the server takes the request");

    call = new_call(user);
    run(call, be->vt->evidence(be, call, b, 0, &e), "evidence");
    is_int(e->item, OC_YES, "the item stands");
    is_int(e->request_sent, OC_YES, "the request left");
    is_int(e->draft_left, OC_NO, "no draft is left");
    is_int(e->rooms->nelts, 1, "one room");
    room = APR_ARRAY_IDX(e->rooms, 0, oc_room_evidence_t *);
    is_str(oc_partstat_token(room->answer), "ACCEPTED", "which said yes");

    call = new_call(user);
    run(call, be->vt->read(be, call, b->item, &out), "read");
    if (out) {
        is_str(out->subject, b->subject, "subject");
        is_str(out->text, b->text, "text");
        is_str(out->location, b->location, "location");
        is_str(out->uid, b->uid, "uid");
        is_int(out->when.start, b->when.start, "start");
        is_int(out->when.end, b->when.end, "end");
        is_int(out->reminder, 15, "reminder");
        is_str(out->mark, "fp42", "mark");
        is_str(out->organizer, b->organizer, "organizer");
        is_int(out->is_organizer && out->is_meeting, 1, "one's own meeting");
        is_int(out->attendees->nelts, 3, "three attendees");
        is_str(out->zone, "Europe/Berlin", "zone");
        ok(out->etag && out->created, "etag and creation time");
        is_int(oc_attendee_find(out->attendees, "boardroom@example.test")->partstat,
               OC_PARTSTAT_ACCEPTED, "the room's answer");
        is_int(oc_attendee_find(out->attendees, "bob@example.test")->partstat,
               OC_PARTSTAT_NEEDS_ACTION, "Bob has not answered");
    }

    call = new_call(user);
    run(call, be->vt->list(be, call, &lq, &list), "list");
    is_int(list->bookings->nelts, 1, "one row");
    is_str(list->bookings->nelts ? APR_ARRAY_IDX(list->bookings, 0, oc_booking_t *)->item : NULL,
           b->item, "the booking");

    call = new_call("bob");
    run(call, be->vt->list(be, call, &lq, &list), "Bob's list");
    is_int(list->bookings->nelts, 1, "shows it");
    if (list->bookings->nelts) {
        const oc_booking_t *his = APR_ARRAY_IDX(list->bookings, 0, oc_booking_t *);
        is_str(his->uid, b->uid, "the same meeting");
        is_int(his->is_organizer, 0, "of which he is not the organizer");
    }
    call = new_call("bob");
    lq.mailbox = user;
    run(call, be->vt->list(be, call, &lq, &list), "Bob looks into the organizer's calendar");
    is_int(list->unreadable, 1, "which he may not read");

    call = new_call(user);
    run(call, be->vt->read(be, call, b->item, &out), "read again");
    if (out) {
        oc_booking_t *wanted = oc_booking_copy(pool, out);
        wanted->location = "Elsewhere";
        wanted->when.start += apr_time_from_sec(7200);
        wanted->when.end += apr_time_from_sec(7200);
        call = new_call(user);
        run(call, be->vt->update(be, call, out, wanted, &change), "update");
        is_int(change ? (int)change->told : -1, OC_TOLD, "the people are told (%s)",
               change && change->way ? change->way : "no way");
        b = wanted;
    }

    call = new_call(user);
    run(call, be->vt->cancel(be, call, b, "No need", &change), "cancel");
    is_int(change ? (int)change->told : -1, OC_TOLD, "the people are told (%s)",
           change && change->way ? change->way : "no way");
    is_int(change ? (int)change->item_changed : -1, OC_YES, "the item is gone");

    {
        oc_booking_t *none = NULL;
        drive_t *d = drive_create(pool);
        call = new_call(user);
        drive_live(d, "127.0.0.1", site.port, user, apr_pstrcat(pool, "pw-", user, NULL));
        drive_run(d, be->vt->read(be, call, b->item, &none));
        is_str(oc_reason_token(call->result.reason), "booking-not-found",
               "nothing is left to read");
    }
}

static const char *reason_of(oc_call_t *call, oc_job_t *job)
{
    drive_t *d = drive_create(pool);

    drive_live(d, "127.0.0.1", site.port, user, apr_pstrcat(pool, "pw-", user, NULL));
    is_int(drive_run(d, job), 0, "comes to an end");
    diag("%s", call->result.detail ? call->result.detail : "no failure");
    return oc_reason_token(call->result.reason);
}

static void test_faulty(const char *expected)
{
    apr_time_t now = oc_clock_wall();
    oc_range_t range = {now, now + apr_time_from_sec(86400 * 7)};
    oc_list_query_t lq = {NULL, range, NULL, 50, 0};
    oc_freebusy_query_t fbq = {apr_array_make(pool, 1, sizeof(const char *)), range,
                               apr_time_from_sec(1800), 0};
    apr_array_header_t *rows;
    oc_list_t *list;
    oc_call_t *call = new_call(user);

    is_str(reason_of(call, be->vt->list(be, call, &lq, &list)), expected, "list");
    call = new_call(user);
    APR_ARRAY_PUSH(fbq.who, const char *) = "boardroom@example.test";
    is_str(reason_of(call, be->vt->freebusy(be, call, &fbq, &rows)), expected, "free/busy");
    if (strcmp(expected, "ok")) {
        is_int(oc_freebusy_in(APR_ARRAY_IDX(rows, 0, oc_freebusy_t *), range), OC_BUSY_UNKNOWN,
               "nobody is free by a failure");
    }
}

int main(void)
{
    const char *url = getenv("OWASIM_URL"), *colon, *error;

    if (!url || (colon = strrchr(url, ':')) == NULL) {
        return skip_all("OWASIM_URL names no running simulator");
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    site.port = atoi(colon + 1);
    if (getenv("OWASIM_USER")) {
        user = getenv("OWASIM_USER");
    }
    be = oc_backend_open(pool, &conf, &error);
    if (getenv("OWASIM_EXPECT")) {
        test_faulty(getenv("OWASIM_EXPECT"));
    } else {
        test_story();
    }
    apr_terminate();
    return done_testing();
}
