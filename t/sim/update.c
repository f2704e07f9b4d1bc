/* POST of lines in application/x-www-UTF8-encoded: the compose form of the rich interface, which
 * sends an update to all attendees the server knows (rules 29 to 31), or a draft. */
#include "owacmd.h"
#include "inspect.h"
#include "submitting.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

typedef struct line_t {
    const char *name, *value;
} line_t;

/* name=value, lines ended by CRLF or LF, values raw (rule 29). */
static int read_lines(sim_req_t *q, line_t **out)
{
    apr_array_header_t *lines = apr_array_make(q->p, 16, sizeof(line_t));
    char *copy = apr_pstrmemdup(q->p, q->body, q->body_len), *last, *text;

    for (text = apr_strtok(copy, "\r\n", &last); text; text = apr_strtok(NULL, "\r\n", &last)) {
        char *eq = strchr(text, '=');
        line_t *l = apr_array_push(lines);

        if (eq) {
            *eq = '\0';
        }
        l->name = text;
        l->value = eq ? eq + 1 : "";
    }
    *out = (line_t *)(void *)lines->elts;
    return lines->nelts;
}

static const char *value_of(const line_t *lines, int n, const char *name)
{
    int i;

    for (i = 0; i < n; i++) {
        if (strcasecmp(lines[i].name, name) == 0) {
            return lines[i].value;
        }
    }
    return NULL;
}

static const char *path_in_mailbox(apr_pool_t *p, const sim_folder_t *f)
{
    return f->parent ? apr_pstrcat(p, path_in_mailbox(p, f->parent), "/", f->name, NULL) : "";
}

static int same_name(const char *a, const char *b)
{
    char *x = sim_fold(a), *y = sim_fold(b);
    int same = strcmp(x, y) == 0;

    free(x);
    free(y);
    return same;
}

/* Every line of the update-lines setting must be there. */
static const char *missing_line(sim_req_t *q, const line_t *lines, int n)
{
    char *wanted = apr_pstrdup(q->p, sim_setting(q->conf, "update-lines")), *last, *w;
    int i;

    for (w = apr_strtok(wanted, ";", &last); w; w = apr_strtok(NULL, ";", &last)) {
        for (i = 0; i < n; i++) {
            const char *line = apr_pstrcat(q->p, lines[i].name, "=", lines[i].value, NULL);

            if (strcmp(w, strchr(w, '=') ? line : lines[i].name) == 0) {
                break;
            }
        }
        if (i == n) {
            return w;
        }
    }
    return NULL;
}

/* What keeps the POST from sending, or NULL. */
static const char *objection(sim_req_t *q, const sim_target_t *t, const line_t *lines, int n)
{
    const char *cmd = value_of(lines, n, "Cmd"), *msgid = value_of(lines, n, "MsgID"), *missing;

    if (!q->ie) {
        return "the User-Agent is no MSIE";
    }
    if (!cmd || strcasecmp(cmd, sim_setting(q->conf, "update-cmd")) != 0) {
        return "Cmd is another";
    }
    if (t->at != SIM_AT_ITEM || !sim_is_own_meeting(t->item, t->mailbox)) {
        return "the item is not this organizer's meeting";
    }
    if (!msgid || !same_name(msgid, apr_pstrcat(q->p, path_in_mailbox(q->p, t->folder), "/",
                                                t->item->name, NULL))) {
        return "MsgID is not the item's own path in the mailbox";
    }
    missing = missing_line(q, lines, n);
    return missing ? apr_psprintf(q->p, "the line %.60s is missing", missing) : NULL;
}

static void take_values(sim_req_t *q, sim_item_t *item, const line_t *lines, int n)
{
    static const char *const fields[][3] = {
        {"urn:schemas:httpmail:subject", SIM_NS_MAIL, "subject"},
        {"urn:schemas:calendar:location", SIM_NS_CAL, "location"},
        {"urn:schemas:httpmail:textdescription", SIM_NS_MAIL, "textdescription"},
    };
    size_t i;

    for (i = 0; i < 3; i++) {
        const char *value = value_of(lines, n, fields[i][0]);

        if (value) {
            sim_set(item, fields[i][1], fields[i][2], value);
        }
    }
    if (sim_setting_is(q->conf, "update-raises", "yes")) {
        long sequence = strtol(sim_get_or(item, SIM_NS_CAL, "sequence", "0"), NULL, 10);

        sim_set(item, SIM_NS_CAL, "sequence", apr_psprintf(q->p, "%ld", sequence + 1));
        sim_set(item, SIM_NS_CAL, "dtstamp", sim_time_text(q->p, sim_now(q->store)));
    }
}

static void send_to(sim_req_t *q, sim_target_t *t, int kind, int removed)
{
    static const char *const headers[] = {"to", "cc", "bcc"};
    sim_item_t *message = sim_meeting_message(q->store, t->mailbox, t->item, kind);
    int i, n = 0;

    for (i = 0; i < 3; i++) {
        const char *list = sim_attendee_list(q->p, t->item, (sim_role_t)i);

        sim_set(message, SIM_NS_HEADER, headers[i], *list ? list : NULL);
    }
    sim_message_id(message);
    for (i = 0; i < t->item->nattendees; i++) {
        const sim_attendee_t *a = &t->item->attendees[i];

        if ((removed < 0 || a->listed != removed)
            && strcasecmp(a->address, t->mailbox->address) != 0) {
            sim_deliver(q->store, q->conf, t->mailbox, message, a->address);
            n++;
        }
    }
    if (n && sim_setting_is(q->conf, "sent-copy", "yes")) {
        sim_sent_copy(q->store, t->mailbox, message, NULL);
    }
    sim_item_free(message);
}

/* The update goes to everybody the server knew, even when to, cc and bcc were emptied (rule 30).
 * What becomes of single removed ones is not established: setting update-removed. */
static void send_update(sim_req_t *q, sim_target_t *t)
{
    const char *how = sim_setting(q->conf, "update-removed");
    int i, listed = 0;

    for (i = 0; i < t->item->nattendees; i++) {
        listed += t->item->attendees[i].listed;
        t->item->attendees[i].answer = SIM_ANSWER_NOT_RESPONDED;
    }
    if (!listed || strcmp(how, "update") == 0) {
        send_to(q, t, SIM_KIND_REQUEST, -1);
        return;
    }
    send_to(q, t, SIM_KIND_REQUEST, 0);
    if (strcmp(how, "cancel") == 0 && listed < t->item->nattendees) {
        send_to(q, t, SIM_KIND_CANCEL, 1);
    }
    for (i = t->item->nattendees - 1; i >= 0; i--) {
        if (!t->item->attendees[i].listed) {
            sim_attendee_remove(t->item, t->item->attendees[i].address);
        }
    }
}

static int page(sim_req_t *q)
{
    return sim_page(q, HTTP_OK, "Microsoft Outlook Web Access", "");
}

/* Cmd=sendcancel on a draft: the Send button of the cancellation form. */
static int send_draft(sim_req_t *q, sim_target_t *t)
{
    int rc = sim_submit(q, t->mailbox, t->item);

    if (rc < 300) {
        sim_item_delete(t->item);
    }
    return rc < 300 ? page(q) : rc;
}

int sim_update_post(sim_req_t *q, sim_target_t *t)
{
    const char *wrong, *cmd;
    line_t *lines;
    int n = read_lines(q, &lines);

    cmd = value_of(lines, n, "Cmd");
    if (cmd && strcasecmp(cmd, "sendcancel") == 0 && t->at == SIM_AT_ITEM && q->ie
        && t->folder == t->mailbox->known[SIM_F_DRAFTS]) {
        return send_draft(q, t);
    }
    wrong = objection(q, t, lines, n);
    if (wrong) {
        sim_wrong(q, 29, "no update is sent: %s", wrong);
        return page(q);
    }
    if (sim_rights(q, t->mailbox, t->folder) < SIM_RIGHT_OWNER) {
        return (int)sim_setting_number(q->conf, "stranger-status");
    }
    if (sim_setting_is(q->conf, "update-mode", "silent")) {
        return page(q);
    }
    sim_item_touch(t->item);
    take_values(q, t->item, lines, n);
    send_update(q, t);
    sim_count(SIM_COUNT_OWA_UPDATES);
    if (sim_setting_is(q->conf, "update-reply", "302")) {
        sim_answer(q, HTTP_MOVED_TEMPORARILY);
        q->out.status_line = "302 Moved Temporarily";
        apr_table_set(q->out.headers, "Location",
                      apr_pstrcat(q->p, sim_href_item(q, t->item), "?Cmd=Edit", NULL));
        return OK;
    }
    return page(q);
}
