/* The submission URI: recipients, rights to send, delivery, what a delivered calendar message does
 * to the calendar it reaches. The answers of rooms and persons are in answer.c. */
#include "submitting.h"
#include "answer.h"
#include "inspect.h"
#include "owacmd.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_MEETING "IPM.Schedule.Meeting."

int sim_message_kind(const sim_item_t *item)
{
    const char *content = sim_get_or(item, SIM_NS_DAV, "contentclass", "");
    const char *class = sim_get_or(item, SIM_NS_EXCHANGE, "outlookmessageclass", "");

    if (strcasecmp(content, SIM_CLASS_CALMESSAGE) != 0) {
        return SIM_KIND_ORDINARY;
    }
    return strcasecmp(class, CLASS_MEETING "Request") == 0    ? SIM_KIND_REQUEST
           : strcasecmp(class, CLASS_MEETING "Canceled") == 0 ? SIM_KIND_CANCEL
           : strncasecmp(class, CLASS_MEETING "Resp.", 26) == 0 ? SIM_KIND_ANSWER
                                                                : SIM_KIND_ORDINARY;
}

sim_item_t *sim_find_meeting(const sim_mailbox_t *mailbox, const sim_item_t *like)
{
    const sim_name_t *key = mailbox->cached ? sim_name(SIM_NS_MEETING, "0x23")
                                            : sim_name(SIM_NS_CAL, "uid");
    const sim_prop_t *want = sim_prop(like, key);
    sim_item_t *item;

    for (item = mailbox->known[SIM_F_CALENDAR]->items; item && want; item = item->next) {
        const sim_prop_t *has = sim_prop(item, key);

        if (has && strcmp(has->values[0], want->values[0]) == 0
            && !sim_get(item, SIM_NS_CAL, "recurrenceid")) {
            return item;
        }
    }
    return NULL;
}

int sim_is_own_meeting(const sim_item_t *item, const sim_mailbox_t *mailbox)
{
    const char *organizer = sim_get(item, SIM_NS_CAL, "organizer");
    sim_address_t *list;
    apr_pool_t *p;
    int own;

    if (strcasecmp(sim_get_or(item, SIM_NS_DAV, "contentclass", ""), SIM_CLASS_APPOINTMENT) != 0
        || strcmp(sim_get_or(item, SIM_NS_MAPI, "finvited", "0"), "1") != 0
        || strcmp(sim_get_or(item, SIM_NS_CAL, "isorganizer", "1"), "1") != 0) {
        return 0;
    }
    apr_pool_create(&p, NULL);
    own = sim_addresses(p, organizer, &list) > 0
          && strcasecmp(list[0].address, mailbox->address) == 0;
    apr_pool_destroy(p);
    return own;
}

const char *sim_attendee_list(apr_pool_t *p, const sim_item_t *item, sim_role_t role)
{
    const char *list = "";
    int i;

    for (i = 0; i < item->nattendees; i++) {
        if (item->attendees[i].role == role) {
            list = apr_pstrcat(p, list, *list ? "," : "", item->attendees[i].address, NULL);
        }
    }
    return list;
}

static const char *cancel_prefix(sim_language_t language)
{
    static const char *const texts[] = {"Canceled: ", "Abgesagt: ", "Annul\xc3\xa9 : ",
                                        "Elmarad: "};
    return texts[language];
}

sim_item_t *sim_meeting_message(sim_store_t *store, const sim_mailbox_t *organizer,
                                const sim_item_t *meeting, int kind)
{
    static const struct {
        const char *local, *request, *cancel;
    } fixed[] = {
        {"finvited", "1", "1"},       {"responsestatus", "1", "1"}, {"responsestate", "0", "0"},
        {"apptstateflags", "3", "7"}, {"busystatus", "1", "0"},
        {"intendedbusystatus", "2", "0"},
    };
    sim_item_t *m = sim_item_copy(store, meeting);
    int cancel = kind == SIM_KIND_CANCEL;
    apr_pool_t *p;
    size_t i;

    apr_pool_create(&p, NULL);
    free(m->stream);
    m->stream = NULL;
    m->stream_len = 0;
    sim_set(m, SIM_NS_DAV, "contentclass", SIM_CLASS_CALMESSAGE);
    sim_set(m, SIM_NS_EXCHANGE, "outlookmessageclass",
            cancel ? CLASS_MEETING "Canceled" : CLASS_MEETING "Request");
    for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        sim_set(m, SIM_NS_MAPI, fixed[i].local, cancel ? fixed[i].cancel : fixed[i].request);
    }
    sim_set(m, SIM_NS_HEADER, "message-id", NULL);
    sim_set(m, SIM_NS_CAL, "isorganizer", "1");
    sim_set(m, SIM_NS_CAL, "method", cancel ? "CANCEL" : "REQUEST");
    if (cancel) {
        sim_set(m, SIM_NS_CAL, "meetingstatus", "CANCELLED");
        sim_set(m, SIM_NS_CAL, "busystatus", "FREE");
        sim_set(m, SIM_NS_MAIL, "subject",
                apr_pstrcat(p, cancel_prefix(organizer->language),
                            sim_get_or(meeting, SIM_NS_MAIL, "subject", ""), NULL));
    }
    apr_pool_destroy(p);
    return m;
}

/* ---- delivery ---- */

/* An update that is older than what stands in the calendar is out of date (MS-OXOCAL). */
static int is_older(const sim_item_t *message, const sim_item_t *entry)
{
    long new_seq = strtol(sim_get_or(message, SIM_NS_CAL, "sequence", "0"), NULL, 10);
    long old_seq = strtol(sim_get_or(entry, SIM_NS_CAL, "sequence", "0"), NULL, 10);
    const char *new_stamp = sim_get(message, SIM_NS_CAL, "dtstamp");
    const char *old_stamp = sim_get(entry, SIM_NS_CAL, "dtstamp");

    if (new_seq != old_seq) {
        return new_seq < old_seq;
    }
    return new_stamp && old_stamp && strcmp(new_stamp, old_stamp) < 0;
}

sim_item_t *sim_entry_of_request(sim_store_t *store, sim_mailbox_t *mailbox,
                                 const sim_item_t *request)
{
    static const struct {
        const char *ns, *local, *value;
    } fixed[] = {
        {SIM_NS_DAV, "contentclass", SIM_CLASS_APPOINTMENT},
        {SIM_NS_EXCHANGE, "outlookmessageclass", "IPM.Appointment"},
        {SIM_NS_CAL, "isorganizer", "0"},
        {SIM_NS_CAL, "busystatus", "TENTATIVE"},
        {SIM_NS_CAL, "meetingstatus", "TENTATIVE"},
        {SIM_NS_CAL, "method", NULL},
        {SIM_NS_HEADER, "bcc", NULL},
        {SIM_NS_MAIL, "read", NULL},
        {SIM_NS_MAPI, "responsestatus", "5"},
        {SIM_NS_MAPI, "busystatus", "1"},
        {SIM_NS_MAPI, "apptstateflags", "3"},
    };
    sim_item_t *old = sim_find_meeting(mailbox, request), *entry;
    sim_folder_t *calendar = mailbox->known[SIM_F_CALENDAR];
    apr_pool_t *p;
    size_t i;

    if (old && (sim_is_own_meeting(old, mailbox) || is_older(request, old))) {
        return NULL;
    }
    apr_pool_create(&p, NULL);
    entry = sim_item_copy(store, request);
    for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        sim_set(entry, fixed[i].ns, fixed[i].local, fixed[i].value);
    }
    free(entry->stream);
    entry->stream = NULL;
    entry->stream_len = 0;
    if (old) {
        const char *name = apr_pstrdup(p, old->name);

        entry->id = old->id;
        entry->revision = old->revision;
        entry->created = old->created;
        sim_item_delete(old);
        sim_item_store(calendar, entry, name);
    }
    else {
        sim_item_store(calendar, entry,
                       sim_item_free_name(p, calendar, sim_get_or(entry, SIM_NS_MAIL, "subject",
                                                                  "")));
    }
    apr_pool_destroy(p);
    return entry;
}

static void take_request(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *to,
                         const sim_item_t *message)
{
    sim_item_t *entry = NULL;

    if (sim_setting_is(conf, "delivery", "tentative")) {
        entry = sim_entry_of_request(store, to, message);
        if (!entry) {
            return; /* one's own meeting, or out of date */
        }
    }
    sim_asked(store, conf, to, message);
}

static void take_cancel(sim_mailbox_t *to, const sim_item_t *message)
{
    sim_item_t *entry = sim_find_meeting(to, message);

    if (entry && !sim_is_own_meeting(entry, to)) {
        sim_item_delete(entry);
    }
}

static void take_answer(const sim_conf_t *conf, sim_mailbox_t *to, const sim_mailbox_t *from,
                        const sim_item_t *message)
{
    const char *class = sim_get_or(message, SIM_NS_EXCHANGE, "outlookmessageclass", "");
    sim_item_t *meeting = sim_find_meeting(to, message);
    sim_attendee_t *a = meeting ? sim_attendee(meeting, from->address) : NULL;

    if (a && sim_setting_is(conf, "organizer-update", "yes")) {
        sim_item_touch(meeting);
        a->answer = strcasecmp(class, CLASS_MEETING "Resp.Pos") == 0   ? SIM_ANSWER_ACCEPTED
                    : strcasecmp(class, CLASS_MEETING "Resp.Neg") == 0 ? SIM_ANSWER_DECLINED
                                                                       : SIM_ANSWER_TENTATIVE;
        a->answered = sim_now(to->store);
    }
}

static void stamp(apr_pool_t *p, sim_item_t *m, const sim_mailbox_t *sender)
{
    const char *from = apr_psprintf(p, "\"%s\" <%s>", sender->display, sender->address);
    const char *now = sim_time_text(p, sim_now(sender->store));

    sim_set(m, SIM_NS_HEADER, "from", from);
    sim_set(m, SIM_NS_MAIL, "fromname", sender->display);
    sim_set(m, SIM_NS_MAIL, "fromemail", sender->address);
    sim_set(m, SIM_NS_MAIL, "date", now);
    sim_set(m, SIM_NS_MAIL, "datereceived", now);
}

void sim_message_id(sim_item_t *message)
{
    unsigned char id[12];
    char text[64] = "<", *out = text + 1;
    size_t i;

    if (sim_get(message, SIM_NS_HEADER, "message-id")) {
        return; /* its program gave it one */
    }
    apr_generate_random_bytes(id, sizeof(id));
    for (i = 0; i < sizeof(id); i++) {
        out += apr_snprintf(out, 3, "%02X", id[i]);
    }
    apr_cpystrn(out, "@exchange.example.test>", sizeof(text) - (size_t)(out - text));
    sim_set(message, SIM_NS_HEADER, "message-id", text);
}

int sim_deliver(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *sender,
                const sim_item_t *message, const char *address)
{
    sim_mailbox_t *to = strchr(address, '@') ? sim_mailbox_find(store, address) : NULL;
    int kind = sim_message_kind(message);
    sim_item_t *copy;
    apr_pool_t *p;

    if (!to) {
        sim_count(SIM_COUNT_OUTSIDE);
        return 0;
    }
    apr_pool_create(&p, NULL);
    copy = sim_item_copy(store, message);
    stamp(p, copy, sender);
    sim_set(copy, SIM_NS_HEADER, "bcc", NULL);
    sim_set(copy, SIM_NS_MAIL, "read", "0");
    sim_item_store(to->known[SIM_F_INBOX], copy,
                   sim_item_free_name(p, to->known[SIM_F_INBOX],
                                      sim_get_or(copy, SIM_NS_MAIL, "subject", "")));
    apr_pool_destroy(p);
    switch (kind) {
    case SIM_KIND_REQUEST:
        sim_count(SIM_COUNT_INVITATIONS);
        if (to != sender) {
            take_request(store, conf, to, copy);
        }
        break;
    case SIM_KIND_CANCEL:
        sim_count(SIM_COUNT_CANCELLATIONS);
        take_cancel(to, copy);
        break;
    case SIM_KIND_ANSWER:
        sim_count(SIM_COUNT_ANSWERS);
        take_answer(conf, to, sender, copy);
        break;
    default:
        sim_count(SIM_COUNT_ORDINARY);
        break;
    }
    return 1;
}

void sim_sent_copy(sim_store_t *store, sim_mailbox_t *sender, const sim_item_t *message,
                   sim_folder_t *folder)
{
    sim_item_t *copy = sim_item_copy(store, message);
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    if (!folder) {
        folder = sender->known[SIM_F_SENT];
    }
    stamp(p, copy, sender);
    sim_set(copy, SIM_NS_MAIL, "read", "1");
    sim_item_store(folder, copy,
                   sim_item_free_name(p, folder, sim_get_or(copy, SIM_NS_MAIL, "subject", "")));
    apr_pool_destroy(p);
}

/* ---- submission ---- */

/* May the actor send with that From? */
static int from_allowed(sim_req_t *q, const sim_mailbox_t *mailbox, const sim_item_t *item)
{
    const char *from = sim_get(item, SIM_NS_HEADER, "from");
    const sim_mailbox_t *as;
    sim_address_t *list;
    int i, n;

    n = sim_addresses(q->p, from, &list);
    for (i = 0; i < n; i++) {
        if (strcasecmp(list[i].address, mailbox->address) == 0) {
            continue;
        }
        as = strchr(list[i].address, '@') ? sim_mailbox_find(q->store, list[i].address) : NULL;
        if (!as || !q->user || sim_rights(q, as, as->root) < SIM_RIGHT_OWNER) {
            sim_wrong(q, 19, "From is another than the mailbox it is sent from");
            return 0;
        }
    }
    return 1;
}

/* Saveinsent and Savedestination, of the request or else of the item. */
static void keep_copy(sim_req_t *q, sim_mailbox_t *mailbox, const sim_item_t *item)
{
    const char *save = apr_table_get(q->r->headers_in, "Saveinsent");
    const char *where = apr_table_get(q->r->headers_in, "Savedestination");
    const char *path;
    sim_folder_t *folder = NULL;
    sim_target_t t;

    if (!save) {
        save = sim_get_or(item, SIM_NS_MAIL, "saveinsent", "1");
    }
    if (*save == 'f' || *save == 'F' || *save == '0'
        || sim_setting_is(q->conf, "sent-copy", "no")) {
        return;
    }
    if (!where) {
        where = sim_get(item, SIM_NS_MAIL, "savedestination");
    }
    if (where && (path = sim_url_path(q, where, NULL)) != NULL) {
        sim_resolve(q, path, &t);
        if (t.at == SIM_AT_FOLDER && t.mailbox == mailbox) {
            folder = t.folder;
        }
    }
    sim_sent_copy(q->store, mailbox, item, folder);
}

static void remark(sim_req_t *q, const sim_mailbox_t *mailbox, const sim_item_t *item, int kind,
                   const sim_address_t *list, int n)
{
    const char *class = sim_get_or(item, SIM_NS_EXCHANGE, "outlookmessageclass", "");
    int i;

    if (kind == SIM_KIND_ORDINARY
        && (strncasecmp(class, "IPM.Schedule.", 13) == 0
            || strcasecmp(class, "IPM.Appointment") == 0)) {
        sim_wrong(q, 19, "class %.60s without the contentclass of a calendar message, or an "
                         "appointment itself: mailed as an ordinary item", class);
    }
    for (i = 0; i < n && kind != SIM_KIND_ANSWER; i++) {
        if (kind != SIM_KIND_ORDINARY && strcasecmp(list[i].address, mailbox->address) == 0) {
            sim_wrong(q, 20, "the organizer is among the recipients and gets the message too");
        }
    }
}

/* Sent by an account with rights on the mailbox: nobody tells whether the message then names it as
 * its Sender, nor in whose Sent Items the copy stands. Returns the mailbox for the copy. */
static sim_mailbox_t *on_behalf(sim_req_t *q, sim_mailbox_t *mailbox, sim_item_t *item)
{
    if (!q->user || q->user == mailbox || sim_setting_is(q->conf, "on-behalf", "plain")) {
        return mailbox;
    }
    sim_set(item, SIM_NS_HEADER, "sender",
            apr_psprintf(q->p, "\"%s\" <%s>", q->user->display, q->user->address));
    return sim_setting_is(q->conf, "on-behalf", "actor-copy") ? q->user : mailbox;
}

int sim_submit(sim_req_t *q, sim_mailbox_t *mailbox, sim_item_t *item)
{
    static const char *const headers[] = {"to", "cc", "bcc"};
    sim_address_t *list, *all = NULL;
    const char *joined = "";
    int i, j, n, kind = sim_message_kind(item);

    if (sim_rights(q, mailbox, mailbox->root) < SIM_RIGHT_OWNER) {
        sim_wrong(q, 19, "no right to send as this mailbox");
        return HTTP_FORBIDDEN;
    }
    for (i = 0; i < 3; i++) {
        const char *value = sim_get(item, SIM_NS_HEADER, headers[i]);

        joined = value && *value ? apr_pstrcat(q->p, joined, *joined ? "," : "", value, NULL)
                                 : joined;
    }
    n = sim_addresses(q->p, joined, &all);
    list = all;
    if (n == 0) {
        sim_wrong(q, 19, "no recipients");
        return (int)sim_setting_number(q->conf, "no-recipients");
    }
    if (!from_allowed(q, mailbox, item)) {
        return HTTP_FORBIDDEN;
    }
    remark(q, mailbox, item, kind, list, n);
    sim_count(SIM_COUNT_SUBMITTED);
    sim_message_id(item);
    keep_copy(q, on_behalf(q, mailbox, item), item);
    for (i = 0; i < n; i++) {
        for (j = 0; j < i && strcasecmp(list[i].address, list[j].address) != 0; j++) {
        }
        if (j == i) {
            sim_deliver(q->store, q->conf, mailbox, item, list[i].address);
        }
    }
    return (int)sim_setting_number(q->conf, "submit-status");
}
