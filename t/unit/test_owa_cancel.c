#include "tap.h"
#include "fakeowa.h"

#include <apr_general.h>
#include <apr_strings.h>

#define CANCELED "IPM.Schedule.Meeting.Canceled"

static apr_pool_t *pool;
static const oc_backend_t *be;
static oc_booking_t *meeting;
static const char *item_path;

static const char *const shapes[FAKE_GETCANCELS] = {"302 absolute",
                                                    "302 path",
                                                    "itemHREF",
                                                    "base",
                                                    "form action",
                                                    "MsgID",
                                                    "XML href",
                                                    "a draft nobody speaks of",
                                                    "no draft",
                                                    "the appointment itself",
                                                    "another host",
                                                    "another mailbox",
                                                    "a foreign cancellation",
                                                    "an ordinary message"};

static oc_booking_t *standing(fake_t *f, const oc_booking_t *b)
{
    oc_booking_t *found = NULL;
    oc_change_t *change;
    int existed;
    fake_run(f, be->vt->create(be, fake_call(pool, NULL), b, &existed, &found));
    if (b->attendees->nelts) {
        fake_run(f, be->vt->invite(be, fake_call(pool, NULL), found, &change));
    }
    found->organizer = "ana@x.example";
    f->exchanges = 0;
    f->log = "";
    return found;
}

/* Something in Drafts that is not ours to touch. */
static void add_foreign(fake_t *f, const char *class)
{
    fake_item_t *other = apr_pcalloc(pool, sizeof(*other));
    other->path = FAKE_DRAFTS "foreign.EML";
    other->props = apr_table_make(pool, 4);
    apr_table_set(other->props, "DAV: contentclass", "urn:content-classes:calendarmessage");
    apr_table_set(other->props, "http://schemas.microsoft.com/exchange/ outlookmessageclass",
                  class);
    apr_table_set(other->props, "urn:schemas:calendar: uid", "ANOTHER");
    apr_table_set(other->props, "urn:schemas:mailheader: to", "eve@x.example");
    APR_ARRAY_PUSH(f->items, fake_item_t *) = other;
}

static oc_call_t *cancel(fake_t *f, const oc_booking_t *b, const char *reason, oc_change_t **change)
{
    oc_call_t *call = fake_call(pool, NULL);
    fake_run(f, be->vt->cancel(be, call, b, reason, change));
    return call;
}

/* The copy of the cancellation in Sent Items. */
static fake_item_t *copy_of(const fake_t *f)
{
    for (int i = 0; i < f->items->nelts; i++) {
        fake_item_t *item = APR_ARRAY_IDX(f->items, i, fake_item_t *);
        if (strstr(item->path, FAKE_SENT) &&
            !strcmp(fake_prop(item, "outlookmessageclass"), CANCELED)) {
            return item;
        }
    }
    return NULL;
}

static const char *token(const oc_call_t *call)
{
    return oc_reason_token(call->result.reason);
}

static int by_owa(int shape)
{
    return shape <= FAKE_SILENT || shape == FAKE_OTHER_HOST;
}

static void test_shapes(void)
{
    for (int shape = 0; shape < FAKE_GETCANCELS; shape++) {
        fake_t *f = fake_create(pool);
        oc_booking_t *b = standing(f, meeting);
        oc_change_t *change;
        oc_call_t *call;
        int foreign = shape == FAKE_FOREIGN || shape == FAKE_ORDINARY;

        if (foreign) {
            add_foreign(f, shape == FAKE_FOREIGN ? CANCELED : "IPM.Note");
        }
        f->getcancel = shape;
        call = cancel(f, b, NULL, &change);
        is_str(token(call), "ok", "getcancel says %s: cancelled", shapes[shape]);
        is_str(change->way, by_owa(shape) ? "owa" : "webdav", "by the way that fits");
        is_int(change->told, OC_TOLD, "everybody was told");
        ok(change->message_id != NULL, "the message is known");
        is_int(fake_mailed(f, CANCELED, NULL), 1, "one cancellation");
        ok(fake_mailed(f, CANCELED, "bo@") && fake_mailed(f, CANCELED, "cy@") &&
               fake_mailed(f, CANCELED, "room@"),
           "to everybody");
        is_str(APR_ARRAY_IDX(f->mails, f->mails->nelts - 1, fake_mail_t *)->uid, meeting->uid,
               "with the meeting's uid");
        ok(!fake_find(f, item_path), "the appointment is gone");
        is_int(change->item_changed, OC_YES, "and said to be");
        is_int(fake_count(f, FAKE_DRAFTS), foreign,
               "no draft of ours is left, no other is touched");
        ok(!change->left_behind && !f->wrong, "nothing left, nothing forbidden: %s",
           f->wrong_why ? f->wrong_why : "");
        if (shape == 0) {
            diag("exchanges of a cancellation:\n%s", f->log);
        }
    }
}

static void test_draft(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *b = standing(f, meeting);
    oc_change_t *change;
    fake_item_t *copy;
    oc_call_t *call;

    f->draft_uid = 0;
    f->draft_organizer = 1;
    call = cancel(f, b, "No budget left.", &change);
    is_str(token(call), "ok", "a draft without uid, addressed to the organizer, too");
    is_str(change->way, "owa", "is mended and sent");
    is_int(fake_mailed(f, CANCELED, "ana@"), 0, "not to the organizer");
    copy = copy_of(f);
    is_str(fake_prop(copy, "uid"), meeting->uid, "with the uid");
    is_str(fake_prop(copy, "textdescription"), "No budget left.", "and the reason");

    f = fake_create(pool);
    b = standing(f, meeting);
    apr_table_set(fake_find(f, item_path)->props, "urn:schemas:mailheader: to",
                  "bo@x.example, \"Di\" </o=X/ou=First/cn=Recipients/cn=di>");
    f->draft_organizer = 1;
    call = cancel(f, b, NULL, &change);
    is_str(token(call), "ok", "a draft to somebody of whom there is no address");
    ok(strstr(fake_prop(copy_of(f), "to"), "</o=X/ou=First/cn=Recipients/cn=di>") != NULL,
       "stays to him");

    f = fake_create(pool);
    b = standing(f, meeting);
    f->getcancel = FAKE_NO_DRAFT;
    call = cancel(f, b, "No budget left.", &change);
    copy = copy_of(f);
    is_str(fake_prop(copy, "method"), "CANCEL", "our own message: method");
    is_str(fake_prop(copy, "meetingstatus"), "CANCELLED", "meeting status");
    is_str(fake_prop(copy, "apptstateflags"), "7", "state flags");
    is_str(fake_prop(copy, "sequence"), "1", "a higher sequence");
    is_str(fake_prop(copy, "subject"), "Canceled: Budget <review> & more", "subject");
    is_str(fake_prop(copy, "textdescription"), "No budget left.", "reason");
    ok(fake_prop(copy, "_x0030_x23") != NULL, "and the clean global object id");

    /* A draft of an earlier try is left, to somebody who is not invited any more. */
    f = fake_create(pool);
    b = standing(f, meeting);
    f->getcancel = FAKE_NO_DRAFT;
    {
        fake_item_t *old = apr_pcalloc(pool, sizeof(*old));
        old->path =
            apr_pstrcat(pool, FAKE_DRAFTS, apr_pstrmemdup(pool, b->item, strlen(b->item) - 4),
                        "-cancel.EML", NULL);
        old->props = apr_table_make(pool, 4);
        apr_table_set(old->props, "urn:schemas:httpmail: textdescription", "Old reason");
        apr_table_set(old->props, "urn:schemas:mailheader: cc", "eve@x.example");
        APR_ARRAY_PUSH(f->items, fake_item_t *) = old;
        b->text = NULL;
    }
    for (int i = 0; i < b->attendees->nelts; i++) {
        APR_ARRAY_IDX(b->attendees, i, oc_attendee_t).role = OC_ROLE_REQUIRED;
    }
    call = cancel(f, b, NULL, &change);
    is_str(token(call), "ok", "a draft that an earlier try left is written anew");
    is_int(fake_mailed(f, CANCELED, "bo@"), 1, "and sent");
    is_int(fake_mailed(f, CANCELED, "eve@"), 0, "to those on the meeting only");
    ok(!fake_prop(copy_of(f), "textdescription"), "without the reason given then");

    f = fake_create(pool);
    b = standing(f, meeting);
    f->no_sent_copies = 1;
    call = cancel(f, b, NULL, &change);
    is_str(token(call), "ok", "without copies in Sent Items");
    is_int(change->told, OC_TOLD_UNVERIFIED, "it is said that there is no proof");

    f = fake_create(pool);
    b = standing(f, meeting);
    f->no_sent_copies = 1;
    {
        fake_item_t *old = apr_pcalloc(pool, sizeof(*old));
        old->path = FAKE_SENT "old.EML";
        old->props = apr_table_make(pool, 4);
        apr_table_set(old->props, "DAV: contentclass", "urn:content-classes:calendarmessage");
        apr_table_set(old->props, "DAV: creationdate", "2026-01-01T09:00:00.000Z");
        b->created = APR_TIME_C(1767261600000000); /* an hour later */
        apr_table_set(old->props, "http://schemas.microsoft.com/exchange/ outlookmessageclass",
                      CANCELED);
        apr_table_set(old->props, "urn:schemas:calendar: uid", meeting->uid);
        apr_table_set(old->props, "urn:schemas:mailheader: to",
                      "bo@x.example,cy@x.example,room@x.example");
        APR_ARRAY_PUSH(f->items, fake_item_t *) = old;
    }
    call = cancel(f, b, NULL, &change);
    is_str(token(call), "ok", "with the copy of a cancellation older than the meeting");
    is_int(change->told, OC_TOLD_UNVERIFIED, "which is no proof of this one");
}

static void test_plain(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *b = oc_booking_copy(pool, meeting);
    oc_change_t *change;
    oc_call_t *call;

    b->attendees->nelts = 0;
    b->is_meeting = 0;
    b = standing(f, b);
    call = cancel(f, b, NULL, &change);
    is_str(token(call), "ok", "an appointment without anybody");
    is_int(change->told, OC_TOLD_NOBODY_TO_TELL, "is deleted, and that is all");
    is_int(f->mails->nelts, 0, "nothing is mailed");
    ok(!strstr(f->log, "getcancel"), "nothing is prepared");
    is_int(f->items->nelts, 0, "nothing is left");

    f = fake_create(pool);
    b = standing(f, meeting);
    f->items->nelts = 0;
    call = cancel(f, b, NULL, &change);
    is_str(token(call), "booking-not-found", "a meeting that is gone");
    is_int(fake_mailed(f, CANCELED, NULL), 0, "mails nothing");

    call = fake_call(pool, NULL);
    b->instance = OC_INSTANCE_MASTER;
    ok(!be->vt->cancel(be, call, b, NULL, &change), "a series is refused");
    is_str(token(call), "recurring-not-supported", "with its reason");
    call = fake_call(pool, NULL);
    b->instance = OC_INSTANCE_SINGLE;
    b->is_organizer = 0;
    ok(!be->vt->cancel(be, call, b, NULL, &change), "somebody else's meeting is refused");
    is_str(token(call), "not-organizer", "with its reason");
}

static void one_fault(int shape, int n, int fault, int for_good)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *b = standing(f, meeting);
    const char *what = fake_fault_names[fault];
    oc_change_t *change;
    oc_call_t *call;
    int sent, stands;

    f->getcancel = shape;
    f->fail_at = n;
    f->fault = fault;
    f->for_good = for_good && fault != FAKE_404; /* who denies all he has cannot be seen through */
    f->draft_organizer = 1;
    call = cancel(f, b, NULL, &change);
    sent = fake_mailed(f, CANCELED, NULL);
    stands = fake_find(f, item_path) != NULL;
    fake_must(sent <= 1, "%s: sent twice (%s)", what, token(call));
    fake_must(!f->wrong, "%s: %s", what, f->wrong_why);
    fake_must(sent || stands, "%s: gone, and nobody was told", what);
    fake_must(!fake_mailed(f, CANCELED, "ana@"), "%s: sent to the organizer", what);
    fake_must(!fake_count(f, FAKE_DRAFTS) || change->left_behind ||
                  call->result.reason == OC_REASON_OUTCOME_UNKNOWN,
              "%s: a draft, unsaid (%s)", what, token(call));
    fake_must(change->item_changed == OC_DONT_KNOW || stands == (change->item_changed == OC_NO),
              "%s: the item is not as said", what);
    if (change->told == OC_TOLD_NOT) {
        fake_must(!sent && stands && call->result.reason, "%s: not told, but %s", what,
                  token(call));
    } else if (change->told == OC_TOLD_UNKNOWN) {
        fake_must(stands && call->result.reason == OC_REASON_OUTCOME_UNKNOWN, "%s: unknown, but %s",
                  what, token(call));
    } else {
        fake_must(sent == 1, "%s: told, but not sent", what);
    }
    fake_must(call->result.reason || (!stands && sent == 1), "%s: success, but not done", what);
}

static void faults(int shape)
{
    apr_pool_t *outer = pool;
    for (int n = 1; n <= 12; n++) {
        for (int fault = 1; fault < 2 * FAKE_FAULTS; fault++) {
            apr_pool_create(&pool, outer);
            one_fault(shape, n, fault % FAKE_FAULTS, fault > FAKE_FAULTS);
            apr_pool_destroy(pool);
            pool = outer;
        }
        ok(fake_held(), "cancel, %s: exchange %d fails in every way, and what is said is true",
           shapes[shape], n);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    be = fake_backend(pool);
    meeting = fake_meeting(pool, be);
    item_path = apr_pstrcat(pool, FAKE_CALENDAR, meeting->item, NULL);
    test_shapes();
    test_draft();
    test_plain();
    faults(FAKE_302);
    faults(FAKE_ITEMHREF);
    faults(FAKE_SILENT);
    faults(FAKE_NO_DRAFT);
    return done_testing();
}
