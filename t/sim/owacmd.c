/* OWA commands by GET, and the dispatch of POST. What is no command in its place gets a page and
 * has no effect: status 200 proves nothing (rules 1, 4, 26, 29). */
#include "owacmd.h"
#include "submitting.h"

#include <apr_strings.h>
#include <string.h>

static int is_cmd(const sim_req_t *q, const char *name)
{
    return strcasecmp(q->cmd, name) == 0;
}

static int plain_page(sim_req_t *q)
{
    return sim_page(q, HTTP_OK, "Microsoft Outlook Web Access", "");
}

/* Rule 1: data is for Internet Explorer. */
static int needs_ie(sim_req_t *q)
{
    if (!q->ie) {
        sim_wrong(q, 1, "Cmd=%.20s without MSIE in User-Agent gets a page for basic browsers",
                  q->cmd);
    }
    return q->ie;
}

/* The folder frame links the server's public folders; clients look for that link. */
static int navbar(sim_req_t *q)
{
    sim_answer(q, HTTP_OK);
    q->out.type = "text/html; charset=utf-8";
    sim_buf_puts(&q->out.body, "<html><body><a href=\"");
    sim_buf_html(&q->out.body, sim_href_path(q, "/public/"));
    sim_buf_puts(&q->out.body, "\">Public Folders</a></body></html>\r\n");
    return OK;
}

static int command_at(sim_req_t *q, sim_target_t *t)
{
    if (is_cmd(q, "freebusy")) {
        sim_wrong(q, 4, "Cmd=freebusy is answered under /public/ only");
        return plain_page(q);
    }
    if (t->at == SIM_AT_FREE || t->at == SIM_AT_NO_PARENT || t->at == SIM_AT_OUTSIDE
        || t->at == SIM_AT_NO_MAILBOX || t->at == SIM_AT_PUBLIC_BELOW) {
        return HTTP_NOT_FOUND;
    }
    if (t->mailbox && sim_require(q, t->mailbox, t->folder, SIM_RIGHT_READ) != OK) {
        return OK;
    }
    if (is_cmd(q, "getcancel")) {
        return needs_ie(q) ? sim_getcancel(q, t) : plain_page(q);
    }
    if (is_cmd(q, "galfind") || is_cmd(q, "gallookup")) {
        return needs_ie(q) ? sim_gal(q, t) : plain_page(q);
    }
    if (is_cmd(q, "viewmembers")) {
        return needs_ie(q) ? sim_viewmembers(q, t) : plain_page(q);
    }
    if (is_cmd(q, "navbar") || is_cmd(q, "contents")) {
        return navbar(q);
    }
    return plain_page(q);
}

int sim_do_command(sim_req_t *q)
{
    sim_target_t t;
    int rc;

    sim_store_write(q->store);
    sim_resolve(q, q->path, &t);
    if (t.at == SIM_AT_PUBLIC && is_cmd(q, "freebusy")) {
        sim_store_unlock(q->store);
        return needs_ie(q) ? sim_do_freebusy(q) : plain_page(q);
    }
    rc = command_at(q, &t);
    sim_store_unlock(q->store);
    return rc == OK ? OK : sim_answer(q, rc);
}

/* ---- POST ---- */

static int content_is(sim_req_t *q, const char *type)
{
    const char *given = apr_table_get(q->r->headers_in, "Content-Type");
    size_t n = strlen(type);

    return given && strncasecmp(given, type, n) == 0 && (!given[n] || given[n] == ';');
}

/* Cmd=saveappt on a calendar folder, as the form of basic browsers posts it: makes an appointment
 * and tells its URL in a span that a published client reads. */
static int save_appointment(sim_req_t *q, sim_target_t *t)
{
    static const char *const fields[][3] = {
        {"urn:schemas:httpmail:subject", SIM_NS_MAIL, "subject"},
        {"urn:schemas:calendar:location", SIM_NS_CAL, "location"},
        {"urn:schemas:httpmail:textdescription", SIM_NS_MAIL, "textdescription"},
    };
    sim_item_t *item;
    apr_time_t now = sim_now(q->store);
    size_t i;

    if (sim_rights(q, t->mailbox, t->folder) < SIM_RIGHT_WRITE) {
        return (int)sim_setting_number(q->conf, "stranger-status");
    }
    item = sim_item_new(q->store);
    now -= now % apr_time_from_sec(1800);
    sim_set(item, SIM_NS_DAV, "contentclass", SIM_CLASS_APPOINTMENT);
    sim_set(item, SIM_NS_EXCHANGE, "outlookmessageclass", "IPM.Appointment");
    sim_set(item, SIM_NS_CAL, "dtstart", sim_time_text(q->p, now + apr_time_from_sec(1800)));
    sim_set(item, SIM_NS_CAL, "dtend", sim_time_text(q->p, now + apr_time_from_sec(3600)));
    sim_set(item, SIM_NS_CAL, "busystatus", "BUSY");
    sim_set(item, SIM_NS_CAL, "alldayevent", "0");
    sim_set(item, SIM_NS_CAL, "timezoneid", t->mailbox->language == SIM_HU ? "6" : "1");
    for (i = 0; i < 3; i++) {
        const char *value = sim_field(q->p, q->body, fields[i][0]);

        if (value) {
            sim_set(item, fields[i][1], fields[i][2], value);
        }
    }
    sim_item_complete(item, t->mailbox);
    sim_item_store(t->folder, item,
                   sim_item_free_name(q->p, t->folder,
                                      sim_get_or(item, SIM_NS_MAIL, "subject", "")));
    sim_answer(q, HTTP_OK);
    q->out.type = "text/html; charset=utf-8";
    sim_buf_puts(&q->out.body, "<html><body><span id=\"itemHREF\">");
    sim_buf_html(&q->out.body, sim_href_item(q, item));
    sim_buf_puts(&q->out.body, "</span></body></html>\r\n");
    return OK;
}

static int post_at(sim_req_t *q, sim_target_t *t)
{
    const char *cmd;

    if (!t->mailbox || t->at == SIM_AT_FREE || t->at == SIM_AT_NO_PARENT) {
        return HTTP_NOT_FOUND;
    }
    if (sim_require(q, t->mailbox, t->folder, SIM_RIGHT_READ) != OK) {
        return OK;
    }
    if (content_is(q, "application/x-www-UTF8-encoded")) {
        return sim_update_post(q, t);
    }
    cmd = content_is(q, "application/x-www-form-urlencoded") ? sim_field(q->p, q->body, "Cmd")
                                                             : NULL;
    if (cmd && strcasecmp(cmd, "saveappt") == 0 && t->at == SIM_AT_FOLDER
        && t->folder == t->mailbox->known[SIM_F_CALENDAR]) {
        return save_appointment(q, t);
    }
    if (t->at == SIM_AT_ITEM) {
        sim_wrong(q, 29, "nothing is sent: that takes Content-Type application/x-www-UTF8-encoded");
    }
    return plain_page(q);
}

int sim_do_post(sim_req_t *q)
{
    sim_target_t t;
    int rc;

    sim_store_write(q->store);
    sim_resolve(q, q->path, &t);
    if (t.at == SIM_AT_SUBMIT || (q->translate_f && t.mailbox)) {
        sim_store_unlock(q->store);
        return sim_do_put(q); /* the submission URI takes either */
    }
    rc = post_at(q, &t);
    sim_store_unlock(q->store);
    return rc == OK ? OK : sim_answer(q, rc);
}
