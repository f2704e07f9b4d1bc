#include "tap.h"
#include "fakeowa.h"

#include <apr_general.h>
#include <apr_strings.h>

#define REQUEST  "IPM.Schedule.Meeting.Request"
#define CANCELED "IPM.Schedule.Meeting.Canceled"

static apr_pool_t *pool;
static const oc_backend_t *be;
static oc_booking_t *meeting;
static const char *item_path;

/* What stands once ana's meeting was created and, if it has attendees, sent. */
static oc_booking_t *standing(fake_t *f, const oc_booking_t *b)
{
    oc_booking_t *found = NULL;
    oc_change_t *change;
    int existed;
    fake_run(f, be->vt->create(be, fake_call(pool, NULL), b, &existed, &found));
    if (b->attendees->nelts) {
        fake_run(f, be->vt->invite(be, fake_call(pool, NULL), found, &change));
        apr_table_set(fake_find(f, item_path)->props, "fake known",
                      "bo@x.example,cy@x.example,room@x.example");
    }
    f->exchanges = 0;
    f->log = "";
    return found;
}

static oc_booking_t *an_hour_later(const oc_booking_t *was)
{
    oc_booking_t *b = oc_booking_copy(pool, was);
    b->when.start += apr_time_from_sec(3600);
    b->when.end += apr_time_from_sec(3600);
    return b;
}

static oc_call_t *update(fake_t *f, const oc_booking_t *was, const oc_booking_t *wanted,
                         oc_change_t **change)
{
    oc_call_t *call = fake_call(pool, NULL);
    fake_run(f, be->vt->update(be, call, was, wanted, change));
    return call;
}

static const char *token(const oc_call_t *call)
{
    return oc_reason_token(call->result.reason);
}

static void test_owa(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *was = standing(f, meeting), *wanted = an_hour_later(was);
    oc_change_t *change;
    oc_call_t *call;

    wanted->subject = "Changed\nCmd=delete";
    wanted->text = "one line";
    call = update(f, was, wanted, &change);
    is_str(token(call), "ok", "an update");
    is_int(change->told, OC_TOLD, "everybody was told");
    is_str(change->way, "owa", "by the OWA command");
    is_int(change->item_changed, OC_YES, "the item has the new values");
    ok(change->message_id != NULL, "the message is known");
    is_int(fake_mailed(f, REQUEST, "bo@"), 2, "one update after the invitation");
    is_int(fake_count(f, FAKE_DRAFTS), 0, "no draft");
    is_str(fake_prop(fake_find(f, item_path), "dtstart"), "2026-03-05T10:00:00.000Z", "new start");
    is_str(fake_prop(fake_find(f, item_path), "sequence"), "1", "the sequence is raised");
    ok(change->booking && change->booking->sequence == 1 && change->booking->etag &&
           strcmp(change->booking->etag, was->etag),
       "what stands now is handed up");
    is_str(f->last_post,
           apr_pstrcat(
               pool, "Cmd=sendappt\r\nFORMTYPE=appointment\r\nMsgID=/Napt\xc3\xa1r/", meeting->item,
               "\r\nurn:schemas:calendar:location=Room 4.12\r\n"
               "CALENDAR:UID=/Napt\xc3\xa1r/",
               meeting->item, "\r\nurn:schemas:httpmail:textdescription=one line\r\n", NULL),
           "the command's lines; a value of several lines is left out, it would inject");
    is_int(f->wrong, 0, "nothing forbidden: %s", f->wrong_why ? f->wrong_why : "");
    diag("exchanges of an update:\n%s", f->log);
}

static void test_lines(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *was = standing(f, meeting), *wanted = an_hour_later(was);
    oc_backend_conf_t conf = *be->conf;
    oc_backend_t other = {be->vt, &conf};
    oc_change_t *change;
    oc_call_t *call = fake_call(pool, NULL);

    conf.update_lines = apr_array_make(pool, 4, sizeof(const char *));
    APR_ARRAY_PUSH(conf.update_lines, const char *) = "Cmd=sendappt";
    APR_ARRAY_PUSH(conf.update_lines, const char *) = "MsgID={msgid}";
    APR_ARRAY_PUSH(conf.update_lines, const char *) = "x=Changed: {subject} {{100%} {nothing}{";
    APR_ARRAY_PUSH(conf.update_lines, const char *) = "y={text}";
    wanted->subject = "a\nMsgTo=eve@x.example";
    wanted->text = NULL;
    fake_run(f, other.vt->update(&other, call, was, wanted, &change));
    is_str(f->last_post,
           apr_pstrcat(pool, "Cmd=sendappt\r\nMsgID=/Napt\xc3\xa1r/", meeting->item,
                       "\r\nx=Changed: a MsgTo=eve@x.example {{100%} {nothing}{\r\n", NULL),
           "configured lines, values made one line");
    ok(!oc_backend_line_wrong(pool, "MsgID={msgid}&{text}"), "placeholders that there are");
    ok(!oc_backend_line_wrong(pool, "http://x/id/{00062008-0000-0000-C000-000000000046}/0x1={"),
       "a GUID in braces, and a lone brace, are none");
    ok(oc_backend_line_wrong(pool, "MsgID={msgid}{path}") != NULL, "one that does not exist");
}

/* Whom we have no address of is on the meeting all the same. */
static void test_unread(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *was = standing(f, meeting), *wanted;
    fake_item_t *item = fake_find(f, item_path);
    oc_change_t *change;

    apr_table_set(item->props, "urn:schemas:mailheader: to",
                  "\"Bo\" <bo@x.example>, \"Di\" </o=X/ou=First/cn=Recipients/cn=di>");
    update(f, was, an_hour_later(was), &change);
    is_str(fake_prop(item, "dtstart"), "2026-03-05T10:00:00.000Z", "a meeting is moved");
    is_str(fake_prop(item, "to"),
           "\"Bo\" <bo@x.example>, \"Di\" </o=X/ou=First/cn=Recipients/cn=di>",
           "and who is on it stays as it is written");

    was->attendees->nelts = 0; /* nobody on it can be read */
    was->etag = NULL;
    wanted = an_hour_later(was);
    update(f, was, wanted, &change);
    is_str(fake_prop(item, "finvited"), "1", "a meeting stays one whoever is on it");

    was = standing(f = fake_create(pool), meeting);
    wanted = an_hour_later(was);
    wanted->attendees->nelts = 1;
    update(f, was, wanted, &change);
    item = fake_find(f, item_path);
    is_str(fake_prop(item, "to"), "bo@x.example", "a list that does not change");
    ok(!fake_prop(item, "cc") && !fake_prop(item, "bcc"), "and those that do");
}

static void test_webdav(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *was = standing(f, meeting), *wanted = an_hour_later(was);
    oc_change_t *change;
    oc_call_t *call;
    fake_mail_t *m;

    f->command_silent = 1;
    call = update(f, was, wanted, &change);
    is_str(token(call), "ok", "a command that is answered 200 and does nothing");
    is_int(change->told, OC_TOLD_UNVERIFIED, "is made good by a message of our own");
    is_str(change->way, "webdav", "and it is said how");
    is_int(fake_mailed(f, REQUEST, "bo@"), 2, "one update");
    m = APR_ARRAY_IDX(f->mails, f->mails->nelts - 1, fake_mail_t *);
    is_str(m->uid, meeting->uid, "with the same uid");
    is_int(m->sequence, 1, "and the next sequence");
    is_int(fake_count(f, FAKE_DRAFTS), 0, "no draft is left");

    f = fake_create(pool);
    was = standing(f, meeting);
    f->command_silent = f->no_sent_copies = 1;
    f->items->nelts = 1; /* the copy of the invitation is gone, too */
    call = update(f, was, an_hour_later(was), &change);
    is_int(change->told, OC_TOLD_UNVERIFIED, "without copies in Sent Items nothing is proved");
    is_str(change->way, "owa", "so it is left at the command");
    is_int(fake_mailed(f, REQUEST, "bo@"), 1, "rather than to send twice");
}

static void test_people(void)
{
    for (int mode = 0; mode < 3; mode++) { /* OWA tells the removed; does not; does nothing */
        fake_t *f = fake_create(pool);
        oc_booking_t *was = standing(f, meeting), *wanted = oc_booking_copy(pool, was);
        oc_change_t *change;
        oc_call_t *call;

        f->command_cancels = mode == 0;
        f->command_silent = mode == 2;
        wanted->attendees->nelts = 0;
        fake_add(wanted, "bo@x.example", OC_ROLE_REQUIRED);
        fake_add(wanted, "dee@x.example", OC_ROLE_REQUIRED);
        fake_add(wanted, "room@x.example", OC_ROLE_RESOURCE);
        call = update(f, was, wanted, &change);
        is_str(token(call), "ok", "people changed, server %d", mode);
        is_int(fake_mailed(f, REQUEST, "dee@"), 1, "the new one is invited");
        is_int(fake_mailed(f, REQUEST, "bo@"), 2, "the others updated");
        is_int(fake_mailed(f, CANCELED, "cy@"), 1, "the one removed is told, once");
        is_int(fake_mailed(f, CANCELED, "bo@"), 0, "and nobody else");
        ok(!change->left_behind, "nothing is left");
        is_str(fake_prop(fake_find(f, item_path), "to"), "bo@x.example,dee@x.example", "to");
        is_str(fake_prop(fake_find(f, item_path), "cc"), NULL, "cc is removed");
    }
}

static void test_plain(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *plain = oc_booking_copy(pool, meeting), *was, *wanted;
    oc_change_t *change;
    oc_call_t *call;

    plain->attendees->nelts = 0;
    was = standing(f, plain);
    call = update(f, was, an_hour_later(was), &change);
    is_str(token(call), "ok", "an appointment without anybody");
    is_int(change->told, OC_TOLD_NOBODY_TO_TELL, "nobody to tell");
    is_int(f->exchanges, 3, "folders, change, read");

    was = change->booking;
    wanted = oc_booking_copy(pool, was);
    fake_add(wanted, "bo@x.example", OC_ROLE_REQUIRED);
    call = update(f, was, wanted, &change);
    is_str(token(call), "ok", "it becomes a meeting");
    is_int(fake_mailed(f, REQUEST, "bo@"), 1, "with an invitation");
    is_str(change->way, "webdav", "of our own");
    is_str(fake_prop(fake_find(f, item_path), "finvited"), "1", "it is a meeting now");

    was = change->booking;
    wanted = oc_booking_copy(pool, was);
    wanted->attendees->nelts = 0;
    call = update(f, was, wanted, &change);
    is_str(token(call), "ok", "and none again");
    is_int(fake_mailed(f, CANCELED, "bo@"), 1, "which is told");
    is_int(change->told, OC_TOLD_UNVERIFIED, "and reported");
    is_str(fake_prop(fake_find(f, item_path), "finvited"), "0", "it is no meeting now");

    f = fake_create(pool);
    was = standing(f, meeting);
    wanted = oc_booking_copy(pool, was);
    wanted->reminder = 5;
    call = update(f, was, wanted, &change);
    is_int(change->told, OC_TOLD_NOBODY_TO_TELL, "a reminder is nobody else's business");
    is_int(f->mails->nelts, 1, "nothing is mailed");
    is_str(fake_prop(fake_find(f, item_path), "reminderoffset"), "300", "but changed");
}

static void test_private(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *was = standing(f, meeting), *wanted = oc_booking_copy(pool, was);
    oc_change_t *change;
    oc_call_t *call;

    wanted->sensitivity = OC_SENSITIVITY_PRIVATE;
    call = update(f, was, wanted, &change);
    is_str(token(call), "ok", "a meeting becomes private");
    is_str(fake_prop(fake_find(f, item_path), "sensitivity"), "2", "so it is written");
    is_int(change->item_changed, OC_YES, "and read back");
    is_int(change->told, OC_TOLD, "the attendees' own calendars are to know");
    is_int(fake_mailed(f, REQUEST, "room@"), 2, "the room's above all");
    was = change->booking;
    is_int(was->sensitivity, OC_SENSITIVITY_PRIVATE, "what stands is handed up");
    wanted = oc_booking_copy(pool, was);
    wanted->sensitivity = OC_SENSITIVITY_NORMAL;
    update(f, was, wanted, &change);
    is_str(fake_prop(fake_find(f, item_path), "sensitivity"), "0", "and open again");

    f = fake_create(pool);
    was = standing(f, meeting);
    wanted = oc_booking_copy(pool, was);
    wanted->sensitivity = OC_SENSITIVITY_PRIVATE;
    f->opens = 1;
    update(f, was, wanted, &change);
    is_int(change->item_changed, OC_NO, "a server that takes it and does not keep it is found out");
}

static void test_refused(void)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *was = standing(f, meeting), *b;
    oc_change_t *change;
    oc_call_t *call;

    fake_find(f, item_path)->etag++;
    call = update(f, was, an_hour_later(was), &change);
    is_str(token(call), "changed-meanwhile", "an etag that is old");
    is_int(change->item_changed, OC_NO, "changes nothing");
    is_int(f->mails->nelts, 1, "and mails nothing");

    was = standing(f = fake_create(pool), meeting);
    f->fail_at = 3;
    f->fault = FAKE_PARTIAL;
    call = update(f, was, an_hour_later(was), &change);
    is_str(token(call), "access-denied", "a change that is refused in part");
    is_int(change->item_changed, OC_NO, "is none");
    is_str(fake_prop(fake_find(f, item_path), "dtstart"), "2026-03-05T09:00:00.000Z",
           "the old values are put back");
    ok(!change->left_behind && f->mails->nelts == 1, "nothing is left, nothing mailed");

    was = standing(f = fake_create(pool), meeting);
    f->fail_at = 3;
    f->fault = FAKE_500;
    call = update(f, was, an_hour_later(was), &change);
    is_int(change->item_changed, OC_NO, "a change that failed, and the item is as before: no");
    was = standing(f = fake_create(pool), meeting);
    f->fail_at = 3;
    f->fault = FAKE_LOST;
    call = update(f, was, an_hour_later(was), &change);
    is_int(change->item_changed, OC_DONT_KNOW, "one without a reply may be carried out even now");

    was = standing(f = fake_create(pool), meeting);
    b = oc_booking_copy(pool, was);
    b->etag = NULL;
    call = update(f, b, an_hour_later(was), &change);
    is_str(token(call), "ok", "without an etag it is read first");

    call = fake_call(pool, NULL);
    b->instance = OC_INSTANCE_OCCURRENCE;
    ok(!be->vt->update(be, call, b, b, &change), "an occurrence is refused");
    is_str(token(call), "recurring-not-supported", "with its reason");
    call = fake_call(pool, NULL);
    b->instance = OC_INSTANCE_SINGLE;
    b->is_organizer = 0;
    ok(!be->vt->update(be, call, b, b, &change), "somebody else's meeting is refused");
    is_str(token(call), "not-organizer", "with its reason");
}

static void one_fault(int n, int fault, int for_good, int silent, int remove)
{
    fake_t *f = fake_create(pool);
    oc_booking_t *was = standing(f, meeting), *wanted = an_hour_later(was);
    const char *what = fake_fault_names[fault];
    oc_change_t *change;
    oc_call_t *call;
    int sent, moved;

    if (remove) {
        wanted->attendees->nelts = remove == 1 ? 2 : 0; /* without the room, without anybody */
    }
    f->command_silent = silent;
    f->fail_at = n;
    f->fault = fault;
    f->for_good = for_good && fault != FAKE_404; /* who denies all he has cannot be seen through */
    call = update(f, was, wanted, &change);
    sent = remove == 2 ? fake_mailed(f, CANCELED, "bo@") : fake_mailed(f, REQUEST, "bo@") - 1;
    moved = !strcmp(fake_prop(fake_find(f, item_path), "dtstart"), "2026-03-05T10:00:00.000Z");
    fake_must(sent <= 1 && fake_mailed(f, CANCELED, NULL) <= 1, "%s: sent twice (%s)", what,
              token(call));
    fake_must(!f->wrong, "%s: %s", what, f->wrong_why);
    fake_must(!fake_count(f, FAKE_DRAFTS) || change->left_behind, "%s: a draft, unsaid", what);
    fake_must(change->item_changed == OC_DONT_KNOW || moved == (change->item_changed == OC_YES),
              "%s: the item is not as said", what);
    switch (change->told) {
    case OC_TOLD:
        fake_must(sent == 1, "%s: told, but not sent", what);
        break;
    case OC_TOLD_NOT:
        fake_must(sent == 0 && call->result.reason, "%s: not told, but sent (%s)", what,
                  token(call));
        break;
    case OC_TOLD_UNKNOWN:
        fake_must(call->result.reason == OC_REASON_OUTCOME_UNKNOWN, "%s: unknown, but %s", what,
                  token(call));
        break;
    default: /* by the command without proof: the server's word is all there is */
        fake_must(sent == 1 || !strcmp(change->way, "owa"), "%s: taken for sent, but not", what);
        break;
    }
    if (call->result.reason == OC_REASON_OK) {
        fake_must(moved, "%s: success, but not changed", what);
        fake_must(!remove || fake_mailed(f, CANCELED, "room@") || change->left_behind,
                  "%s: the one removed is not told, unsaid", what);
    }
}

static void faults(const char *kind, int silent, int remove)
{
    apr_pool_t *outer = pool;
    for (int n = 1; n <= 14; n++) {
        for (int fault = 1; fault < 2 * FAKE_FAULTS; fault++) {
            apr_pool_create(&pool, outer);
            one_fault(n, fault % FAKE_FAULTS, fault > FAKE_FAULTS, silent, remove);
            apr_pool_destroy(pool);
            pool = outer;
        }
        ok(fake_held(), "%s: exchange %d fails in every way, and what is said is true", kind, n);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    be = fake_backend(pool);
    meeting = fake_meeting(pool, be);
    item_path = apr_pstrcat(pool, FAKE_CALENDAR, meeting->item, NULL);
    test_owa();
    test_lines();
    test_unread();
    test_webdav();
    test_people();
    test_plain();
    test_private();
    test_refused();
    faults("update", 0, 0);
    faults("silent update", 1, 0);
    faults("removal", 0, 1);
    faults("removal of all", 0, 2);
    return done_testing();
}
