#include "tap.h"
#include "fakeowa.h"

#include <apr_general.h>
#include <apr_strings.h>

#define REQUEST     "IPM.Schedule.Meeting.Request"
#define BASE64_GOID "BAAAAIIA4AB0xbcQGoLgCAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAFpaWlpaWlpaWlpaWlpaWlo="

static apr_pool_t *pool;
static const oc_backend_t *be;
static oc_booking_t *meeting;
static const char *item_path, *draft_path;

static oc_booking_t *created;
static int existed;

/* Each runs one verb and returns the call. */
static oc_call_t *create(fake_t *f, oc_memo_t *memo)
{
    oc_call_t *call = fake_call(f->pool, memo);
    fake_run(f, be->vt->create(be, call, meeting, &existed, &created));
    return call;
}

static oc_call_t *invite(fake_t *f, oc_change_t **change)
{
    oc_call_t *call = fake_call(f->pool, NULL);
    fake_run(f, be->vt->invite(be, call, meeting, change));
    return call;
}

static oc_call_t *erase(fake_t *f, oc_memo_t *memo, oc_change_t **change)
{
    oc_call_t *call = fake_call(f->pool, memo);
    fake_run(f, be->vt->remove(be, call, meeting, change));
    return call;
}

static const char *token(const oc_call_t *call)
{
    return oc_reason_token(call->result.reason);
}

static void prop_is(const fake_item_t *item, const char *name, const char *want)
{
    is_str(fake_prop(item, name), want, "property %s", name);
}

static void test_create(void)
{
    fake_t *f = fake_create(pool);
    oc_call_t *call = create(f, NULL);
    fake_item_t *item = fake_find(f, item_path);

    is_str(token(call), "ok", "a meeting is created");
    is_int(f->exchanges, 3, "with three exchanges: folders, write, compare");
    if (!ok(item != NULL, "it stands in the calendar")) {
        return;
    }
    prop_is(item, "contentclass", "urn:content-classes:appointment");
    prop_is(item, "outlookmessageclass", "IPM.Appointment");
    prop_is(item, "subject", "Budget <review> & more");
    prop_is(item, "location", "Room 4.12");
    prop_is(item, "dtstart", "2026-03-05T09:00:00.000Z");
    prop_is(item, "dtend", "2026-03-05T10:00:00.000Z");
    prop_is(item, "instancetype", "0");
    prop_is(item, "busystatus", "BUSY");
    prop_is(item, "meetingstatus", "CONFIRMED");
    prop_is(item, "alldayevent", "0");
    prop_is(item, "responserequested", "1");
    prop_is(item, "reminderoffset", "900");
    prop_is(item, "reminderset", "1");
    prop_is(item, "timezoneid", "6");
    prop_is(item, "uid", meeting->uid);
    prop_is(item, "_x0030_x3", BASE64_GOID);
    prop_is(item, "_x0030_x23", BASE64_GOID);
    prop_is(item, "to", "bo@x.example");
    prop_is(item, "cc", "cy@x.example");
    prop_is(item, "bcc", "room@x.example");
    prop_is(item, "finvited", "1");
    prop_is(item, "apptstateflags", "1");
    prop_is(item, "sensitivity", "0");
    ok(strstr(fake_prop(item, "prodid"), "mark1"), "the mark travels in prodid");
    ok(!fake_prop(item, "from"), "From is left to the server");
    is_int(f->mails->nelts, 0, "nothing was mailed");
    ok(created && !existed, "what stands is handed up");
    is_str(created ? created->mark : NULL, "mark1", "with its mark");
    is_str(created ? created->item : NULL, meeting->item, "and its item");
    ok(created && created->etag, "and its etag");
    is_int(f->wrong, 0, "nothing forbidden: %s", f->wrong_why ? f->wrong_why : "");

    call = create(f, NULL);
    is_str(token(call), "ok", "once more");
    ok(existed && created && !strcmp(created->uid, meeting->uid), "finds what stands");
    is_int(fake_count(f, FAKE_CALENDAR), 1, "and makes no second");
}

static void test_create_plain(void)
{
    fake_t *f = fake_create(pool);
    oc_call_t *call = fake_call(pool, NULL);
    oc_booking_t *b = oc_booking_copy(pool, meeting);
    fake_item_t *item;

    b->attendees->nelts = 0;
    b->reminder = -1;
    b->zone = NULL;
    b->text = NULL;
    b->busy = OC_BUSY_OOF;
    b->sensitivity = OC_SENSITIVITY_PRIVATE;
    fake_run(f, be->vt->create(be, call, b, &existed, &created));
    item = fake_find(f, item_path);
    is_str(token(call), "ok", "a plain appointment");
    ok(item && !fake_prop(item, "to") && !fake_prop(item, "finvited") &&
           !fake_prop(item, "responserequested") && !fake_prop(item, "textdescription"),
       "without anything of a meeting");
    prop_is(item, "reminderset", "0");
    prop_is(item, "timezoneid", "0");
    prop_is(item, "busystatus", "OUTOFOFFICE");
    prop_is(item, "sensitivity", "2");
    ok(!be->vt->create(be, call, oc_booking_create(pool), &existed, &created),
       "a booking without a name is refused at once");
}

static void test_create_uid(void)
{
    fake_t *f = fake_create(pool);
    oc_call_t *call;
    f->keeps_uid = 0;
    call = create(f, NULL);
    is_str(token(call), "upstream-protocol", "a server that changes the uid");
    is_int(fake_count(f, FAKE_CALENDAR), 0, "leaves nothing");
    ok(!created, "and hands nothing up");
}

/* Every exchange of a creation fails in every way. */
static void test_create_faults(void)
{
    fake_t *twice = fake_create(pool);

    create(twice, NULL);
    twice->fail_at = twice->exchanges + 2;
    twice->fault = FAKE_423_INNER;
    is_str(token(create(twice, NULL)), "locked", "one that stands, and is refused");
    ok(fake_find(twice, item_path) != NULL, "is not taken for a half-written one");
    for (int n = 1; n <= 3; n++) {
        for (int fault = 1; fault < 2 * FAKE_FAULTS; fault++) {
            fake_t *f = fake_create(pool);
            const char *what = fake_fault_names[fault % FAKE_FAULTS];
            oc_call_t *call;
            int stands;
            f->fail_at = n;
            f->fault = fault % FAKE_FAULTS;
            /* the server dies; one that denies all it has cannot be seen through */
            f->for_good = fault > FAKE_FAULTS && f->fault != FAKE_404;
            call = create(f, NULL);
            stands = fake_find(f, item_path) != NULL;
            if (call->result.reason == OC_REASON_OK) {
                fake_must(stands && created, "%s: done, but it does not stand", what);
            } else if (call->result.reason != OC_REASON_LEFT_BEHIND &&
                       call->result.reason != OC_REASON_OUTCOME_UNKNOWN) {
                fake_must(!stands && !created, "%s: %s, but it stands", what, token(call));
            }
            fake_must(f->mails->nelts == 0 && !f->wrong, "%s: mailed or forbidden", what);
        }
        ok(fake_held(), "create: exchange %d fails in every way, and what is said is true", n);
    }
}

static void test_invite(void)
{
    fake_t *f = fake_create(pool);
    oc_change_t *change;
    oc_call_t *call = invite(f, &change);
    fake_item_t *copy;

    is_str(token(call), "ok", "an invitation is sent");
    is_int(f->exchanges, 3, "with three exchanges: folders, draft, send");
    is_int(change->told, OC_TOLD_UNVERIFIED, "the server took it, proof is another matter");
    is_int(fake_mailed(f, REQUEST, NULL), 1, "one request");
    ok(fake_mailed(f, REQUEST, "bo@") && fake_mailed(f, REQUEST, "cy@") &&
           fake_mailed(f, REQUEST, "room@") && !fake_mailed(f, REQUEST, "ana@"),
       "to everybody but the organizer");
    is_int(fake_count(f, FAKE_DRAFTS), 0, "no draft is left");
    copy = APR_ARRAY_IDX(f->items, 0, fake_item_t *);
    prop_is(copy, "outlookmessageclass", REQUEST);
    prop_is(copy, "contentclass", "urn:content-classes:calendarmessage");
    prop_is(copy, "method", "REQUEST");
    prop_is(copy, "uid", meeting->uid);
    prop_is(copy, "_x0030_x23", BASE64_GOID);
    prop_is(copy, "responsestate", "0");
    prop_is(copy, "responsestatus", "1");
    prop_is(copy, "response_requested", "1");
    prop_is(copy, "apptstateflags", "3");
    prop_is(copy, "intendedbusystatus", "2");
    prop_is(copy, "isorganizer", "1");
    prop_is(copy, "finvited", "1");
    prop_is(copy, "textdescription", "First line\nSecond line");
    is_str(change->way, "webdav", "the way is named");
    ok(!change->left_behind, "nothing is left behind");
    is_int(f->wrong, 0, "nothing forbidden: %s", f->wrong_why ? f->wrong_why : "");

    f = fake_create(pool);
    call = fake_call(pool, NULL);
    {
        oc_booking_t *b = oc_booking_copy(pool, meeting);
        b->attendees->nelts = 0;
        fake_run(f, be->vt->invite(be, call, b, &change));
    }
    is_int(change->told, OC_TOLD_NOBODY_TO_TELL, "nobody to invite");
    is_int(f->exchanges, 0, "asks nothing");
}

static void test_invite_again(void)
{
    oc_change_t *change;
    oc_call_t *call;
    fake_t *f = fake_create(pool);

    f->fail_at = 3;
    f->fault = FAKE_NOT_SENT; /* MOVE and, right after it, the DELETE of the draft */
    call = invite(f, &change);
    is_int(change->told, OC_TOLD_NOT, "a MOVE that was not sent");
    is_int(fake_count(f, FAKE_DRAFTS), 0, "takes its draft back");
    is_str(token(call), oc_reason_token(OC_REASON_UPSTREAM_UNAVAILABLE), "and says why");

    f = fake_create(pool);
    f->fail_at = 3;
    f->fault = FAKE_LOST;
    call = invite(f, &change);
    is_int(change->told, OC_TOLD_NOT, "a MOVE lost before it was carried out: not told");
    is_int(f->exchanges, 4, "which the DELETE of the draft has settled");
    f = fake_create(pool);
    f->fail_at = 3;
    f->fault = FAKE_LOST_DONE;
    call = invite(f, &change);
    is_int(change->told, OC_TOLD_UNVERIFIED, "and one lost after: told");

    /* A draft that an earlier try left, not sent. */
    f = fake_create(pool);
    call = invite(f, &change);
    {
        fake_item_t *draft =
            apr_pmemdup(pool, APR_ARRAY_IDX(f->items, 0, fake_item_t *), sizeof(*draft));
        draft->path = draft_path;
        f->items->nelts = f->mails->nelts = 0;
        APR_ARRAY_PUSH(f->items, fake_item_t *) = draft;
    }
    call = invite(f, &change);
    is_str(token(call), "ok", "an old draft that was not sent");
    is_int(fake_mailed(f, REQUEST, NULL), 1, "is written again and sent");
    is_int(fake_count(f, FAKE_DRAFTS), 0, "once");

    /* A draft although the request was sent. */
    {
        fake_item_t *draft =
            apr_pmemdup(pool, APR_ARRAY_IDX(f->items, 0, fake_item_t *), sizeof(*draft));
        draft->path = draft_path;
        APR_ARRAY_PUSH(f->items, fake_item_t *) = draft;
    }
    call = invite(f, &change);
    is_int(change->told, OC_TOLD, "an old draft of a request that was sent: told");
    ok(change->message_id != NULL, "with its message id");
    is_int(fake_mailed(f, REQUEST, NULL), 1, "is not sent again");
    is_int(fake_count(f, FAKE_DRAFTS), 0, "and taken away");
}

static void test_invite_faults(void)
{
    for (int n = 1; n <= 4; n++) {
        for (int fault = 1; fault < 2 * FAKE_FAULTS; fault++) {
            fake_t *f = fake_create(pool);
            const char *what = fake_fault_names[fault % FAKE_FAULTS];
            oc_change_t *change;
            oc_call_t *call;
            int sent;
            f->fail_at = n;
            f->fault = fault % FAKE_FAULTS;
            /* the server dies; one that denies all it has cannot be seen through */
            f->for_good = fault > FAKE_FAULTS && f->fault != FAKE_404;
            call = invite(f, &change);
            sent = fake_mailed(f, REQUEST, NULL);
            fake_must(sent <= 1 && !f->wrong, "%s: sent twice, or forbidden", what);
            fake_must(!fake_count(f, FAKE_DRAFTS) || change->left_behind, "%s: a draft", what);
            if (change->told == OC_TOLD_NOT) {
                fake_must(!sent && call->result.reason, "%s: not told, but sent", what);
            } else if (change->told == OC_TOLD_UNKNOWN) {
                fake_must(call->result.reason == OC_REASON_OUTCOME_UNKNOWN, "%s: unknown, but %s",
                          what, token(call));
            } else {
                fake_must(sent == 1 && !call->result.reason, "%s: told, but not sent", what);
            }
        }
        ok(fake_held(), "invite: exchange %d fails in every way, and what is said is true", n);
    }
}

static void test_remove(void)
{
    fake_t *f = fake_create(pool);
    oc_change_t *change;
    oc_memo_t *memo = oc_memo_create(pool, 10);
    oc_call_t *call;

    create(f, memo);
    call = erase(f, memo, &change);
    is_str(token(call), "ok", "an item is removed");
    is_int(f->items->nelts, 0, "nothing is left");
    is_int(change->item_changed, OC_YES, "and said to be gone");
    ok(!change->booking && !change->left_behind, "without remains");
    is_int(f->mails->nelts, 0, "nobody was told");
    call = erase(f, memo, &change);
    is_str(token(call), "ok", "once more");
    is_int(change->item_changed, OC_YES, "it is gone already");
    ok(strstr(f->log, "PROPFIND /exchange/ana/ "), "the folders were asked for");
}

static void test_remove_faults(void)
{
    for (int n = 1; n <= 5; n++) {
        for (int fault = 1; fault < 2 * FAKE_FAULTS; fault++) {
            fake_t *f = fake_create(pool);
            const char *what = fake_fault_names[fault % FAKE_FAULTS];
            oc_change_t *change;
            oc_call_t *call;
            int stands;
            create(f, NULL);
            f->exchanges = 0;
            f->fail_at = n;
            f->fault = fault % FAKE_FAULTS;
            /* the server dies; one that denies all it has cannot be seen through */
            f->for_good = fault > FAKE_FAULTS && f->fault != FAKE_404;
            call = erase(f, NULL, &change);
            stands = fake_find(f, item_path) != NULL;
            if (change->item_changed == OC_YES) {
                fake_must(!stands, "%s: gone, but it stands (%s)", what, token(call));
            } else if (change->item_changed == OC_NO) {
                fake_must(call->result.reason, "%s: stands, and success", what);
            } else {
                fake_must(call->result.reason == OC_REASON_OUTCOME_UNKNOWN, "%s: not known, but %s",
                          what, token(call));
            }
            fake_must(call->result.reason || !stands, "%s: success, but it stands", what);
            fake_must(!stands || change->left_behind || n == 1, "%s: it stands, unsaid", what);
        }
        ok(fake_held(), "remove: exchange %d fails in every way, and what is said is true", n);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    be = fake_backend(pool);
    meeting = fake_meeting(pool, be);
    item_path = apr_pstrcat(pool, FAKE_CALENDAR, meeting->item, NULL);
    draft_path = apr_psprintf(pool, "%s%.*s-req.EML", FAKE_DRAFTS, (int)(strlen(meeting->item) - 4),
                              meeting->item);
    test_create();
    test_create_plain();
    test_create_uid();
    test_create_faults();
    test_invite();
    test_invite_again();
    test_invite_faults();
    test_remove();
    test_remove_faults();
    return done_testing();
}
