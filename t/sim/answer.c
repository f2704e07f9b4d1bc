/* Answers to meeting requests: see answer.h. */
#include "answer.h"
#include "recur.h"
#include "submitting.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* ---- is the room free? ---- */

typedef struct slot_t {
    apr_time_t start, end;
} slot_t;

typedef struct slots_t {
    slot_t *slot;
    int n, size;
} slots_t;

static int add_slot(void *data, int number, apr_time_t start, apr_time_t end)
{
    slots_t *s = data;

    (void)number;
    if (s->n == s->size) {
        slot_t *more = realloc(s->slot, sizeof(*more) * (size_t)(s->size ? s->size * 2 : 8));

        if (!more) {
            return 0;
        }
        s->slot = more;
        s->size = s->size ? s->size * 2 : 8;
    }
    s->slot[s->n].start = start;
    s->slot[s->n++].end = end;
    return 1;
}

/* The times of an item: one, or a year of a series. */
static void slots_of(const sim_item_t *item, slots_t *s)
{
    const char *start = sim_get(item, SIM_NS_CAL, "dtstart");
    const char *end = sim_get(item, SIM_NS_CAL, "dtend");
    apr_time_t from, to;

    if (!start || !end || !sim_time_parse(start, 0, &from) || !sim_time_parse(end, 0, &to)) {
        return;
    }
    if (sim_recur_is_master(item)) {
        sim_recur_each(item, from, from + apr_time_from_sec(366 * 86400L), add_slot, s);
    }
    else {
        add_slot(s, 0, from, to);
    }
}

static int overlap(const slots_t *a, const slots_t *b)
{
    int i, j;

    for (i = 0; i < a->n; i++) {
        for (j = 0; j < b->n; j++) {
            if (a->slot[i].start < b->slot[j].end && b->slot[j].start < a->slot[i].end) {
                return 1;
            }
        }
    }
    return 0;
}

static const char *text_of(const sim_item_t *item, const sim_name_t *name, const char *def)
{
    const sim_prop_t *prop = sim_prop(item, name);

    return prop && prop->n ? prop->values[0] : def;
}

/* Only what is settled counts: a tentative entry is a request not answered yet. Room calendars can
 * be long: single appointments are compared by their texts, which sort as their times do. */
static int is_taken(const sim_mailbox_t *room, const sim_item_t *request)
{
    const sim_name_t *busystatus = sim_name(SIM_NS_CAL, "busystatus");
    const sim_name_t *dtstart = sim_name(SIM_NS_CAL, "dtstart");
    const sim_name_t *dtend = sim_name(SIM_NS_CAL, "dtend"), *key = sim_name(SIM_NS_CAL, "uid");
    const sim_name_t *rrule = sim_name(SIM_NS_CAL, "rrule");
    const char *uid = text_of(request, key, ""), *start = text_of(request, dtstart, "");
    const char *end = text_of(request, dtend, "");
    int series = sim_recur_is_master(request), taken = 0;
    const sim_item_t *item;
    slots_t want = {NULL, 0, 0};

    slots_of(request, &want);
    for (item = room->known[SIM_F_CALENDAR]->items; item && !taken; item = item->next) {
        const char *busy = text_of(item, busystatus, "BUSY");

        if (strcasecmp(busy, "FREE") == 0 || strcasecmp(busy, "TENTATIVE") == 0
            || strcmp(uid, text_of(item, key, "")) == 0) {
            continue;
        }
        if (!series && !sim_prop(item, rrule)) {
            taken = strcmp(text_of(item, dtstart, "9"), end) < 0
                    && strcmp(start, text_of(item, dtend, "")) < 0;
        }
        else {
            slots_t has = {NULL, 0, 0};

            slots_of(item, &has);
            taken = overlap(&want, &has);
            free(has.slot);
        }
    }
    free(want.slot);
    return taken;
}

/* ---- the answer ---- */

static const char *answer_prefix(sim_language_t language, sim_answer_t answer)
{
    static const char *const texts[][3] = {
        {"Tentative: ", "Accepted: ", "Declined: "},
        {"Mit Vorbehalt: ", "Zugesagt: ", "Abgelehnt: "},
        {"Provisoire : ", "Accept\xc3\xa9 : ", "Refus\xc3\xa9 : "},
        {"Felt\xc3\xa9teles: ", "Elfogadva: ", "Elutas\xc3\xadtva: "},
    };
    return texts[language][answer - SIM_ANSWER_TENTATIVE];
}

static sim_item_t *answer_message(apr_pool_t *p, sim_store_t *store, const sim_mailbox_t *who,
                                  const sim_item_t *meeting, sim_answer_t answer,
                                  const char *organizer)
{
    static const char *const classes[] = {"Tent", "Pos", "Neg"};
    static const char *const copied[][2] = {
        {SIM_NS_CAL, "uid"},      {SIM_NS_CAL, "dtstart"},  {SIM_NS_CAL, "dtend"},
        {SIM_NS_CAL, "location"}, {SIM_NS_CAL, "sequence"}, {SIM_NS_CAL, "organizer"},
        {SIM_NS_MEETING, "0x3"},  {SIM_NS_MEETING, "0x23"}, {SIM_NS_CAL, "alldayevent"},
    };
    sim_item_t *m = sim_item_new(store);
    size_t i;

    sim_set(m, SIM_NS_DAV, "contentclass", SIM_CLASS_CALMESSAGE);
    sim_set(m, SIM_NS_EXCHANGE, "outlookmessageclass",
            apr_pstrcat(p, "IPM.Schedule.Meeting.Resp.", classes[answer - SIM_ANSWER_TENTATIVE],
                        NULL));
    for (i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
        sim_set(m, copied[i][0], copied[i][1], sim_get(meeting, copied[i][0], copied[i][1]));
    }
    sim_set(m, SIM_NS_CAL, "method", "REPLY");
    sim_set(m, SIM_NS_CAL, "dtstamp", sim_time_text(p, sim_now(store)));
    sim_set(m, SIM_NS_CAL, "instancetype", "0");
    sim_set(m, SIM_NS_CAL, "isorganizer", "0");
    sim_set(m, SIM_NS_MAPI, "responsestatus", apr_psprintf(p, "%d", answer));
    sim_set(m, SIM_NS_MAIL, "subject",
            apr_pstrcat(p, answer_prefix(who->language, answer),
                        sim_get_or(meeting, SIM_NS_MAIL, "subject", ""), NULL));
    sim_set(m, SIM_NS_HEADER, "to", organizer);
    sim_message_id(m);
    return m;
}

static void settle_entry(sim_item_t *entry, sim_answer_t answer)
{
    static const char *const shown[] = {"FREE", "TENTATIVE", "BUSY", "OUTOFOFFICE"};
    int intended = atoi(sim_get_or(entry, SIM_NS_MAPI, "intendedbusystatus", "2"));
    int busy = answer != SIM_ANSWER_ACCEPTED ? 1 : intended >= 0 && intended <= 3 ? intended : 2;
    char text[2] = {(char)('0' + busy), '\0'};

    sim_item_touch(entry);
    sim_set(entry, SIM_NS_CAL, "busystatus", shown[busy]);
    sim_set(entry, SIM_NS_MAPI, "busystatus", text);
    sim_set(entry, SIM_NS_CAL, "meetingstatus", busy == 1 ? "TENTATIVE" : "CONFIRMED");
    text[0] = (char)('0' + answer);
    sim_set(entry, SIM_NS_MAPI, "responsestatus", text);
}

/* Settles the calendar entry and tells the organizer. */
static void answer_meeting(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *who,
                           const sim_item_t *request, sim_answer_t answer)
{
    sim_item_t *entry = sim_find_meeting(who, request), *reply;
    sim_address_t *list;
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    if (!entry && answer != SIM_ANSWER_DECLINED) {
        entry = sim_entry_of_request(store, who, request);
    }
    if (sim_addresses(p, sim_get(request, SIM_NS_CAL, "organizer"), &list) > 0) {
        reply = answer_message(p, store, who, request, answer, list[0].address);
        if (sim_setting_is(conf, "sent-copy", "yes")) {
            sim_sent_copy(store, who, reply, NULL);
        }
        sim_deliver(store, conf, who, reply, list[0].address);
        sim_item_free(reply);
    }
    if (entry && answer == SIM_ANSWER_DECLINED) {
        sim_item_delete(entry);
    }
    else if (entry) {
        settle_entry(entry, answer);
    }
    apr_pool_destroy(p);
}

/* ---- by policy ---- */

typedef struct asked_t {
    const sim_conf_t *conf;
    sim_mailbox_t *who;
    sim_item_t *request;
} asked_t;

static void drop_asked(void *data)
{
    asked_t *a = data;

    sim_item_free(a->request);
    free(a);
}

static void policy_answers(sim_store_t *store, void *data)
{
    asked_t *a = data;
    sim_item_t *entry = sim_find_meeting(a->who, a->request);
    sim_answer_t answer = SIM_ANSWER_ACCEPTED;

    /* The entry is gone when the meeting was cancelled meanwhile: nothing to answer. */
    if (entry || !sim_setting_is(a->conf, "delivery", "tentative")) {
        if (a->who->policy == SIM_POLICY_REFUSE
            || (sim_setting_is(a->conf, "room-conflicts", "refuse")
                && is_taken(a->who, a->request))) {
            answer = SIM_ANSWER_DECLINED;
        }
        answer_meeting(store, a->conf, a->who, a->request, answer);
    }
    drop_asked(a);
}

void sim_asked(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *who,
               const sim_item_t *request)
{
    long delay = sim_setting_number(conf, "room-delay");
    asked_t *a;

    if (who->policy == SIM_POLICY_SILENT || (a = calloc(1, sizeof(*a))) == NULL) {
        return;
    }
    a->conf = conf;
    a->who = who;
    a->request = sim_item_copy(store, request);
    if (delay > 0) {
        sim_later(store, sim_now(store) + apr_time_from_sec(delay), policy_answers, a, drop_asked);
    }
    else {
        policy_answers(store, a);
    }
}

/* ---- when told to ---- */

int sim_respond(sim_store_t *store, const sim_conf_t *conf, sim_mailbox_t *attendee,
                const char *uid, sim_answer_t answer)
{
    static const sim_folder_kind_t where[] = {SIM_F_CALENDAR, SIM_F_INBOX};
    const sim_name_t *key = sim_name(SIM_NS_CAL, "uid");
    sim_item_t *item, *request = NULL;
    int i;

    for (i = 0; i < 2 && !request; i++) {
        for (item = attendee->known[where[i]]->items; item; item = item->next) {
            const sim_prop_t *prop = sim_prop(item, key);

            if (prop && strcmp(prop->values[0], uid) == 0
                && (i == 0 || sim_message_kind(item) == SIM_KIND_REQUEST)) {
                request = item;
            }
        }
    }
    if (!request) {
        return 0;
    }
    request = sim_item_copy(store, request); /* the entry itself may be about to go */
    answer_meeting(store, conf, attendee, request, answer);
    sim_item_free(request);
    return 1;
}
