/* Cmd=getcancel: makes the cancellation of an organizer's meeting as a draft and says where it is.
 * How it is said is not established, so every likely way can be chosen (setting getcancel). */
#include "owacmd.h"
#include "submitting.h"

#include <apr_strings.h>
#include <string.h>

static sim_item_t *make_draft(sim_req_t *q, sim_target_t *t)
{
    static const char *const headers[] = {"to", "cc", "bcc"};
    sim_item_t *draft = sim_meeting_message(q->store, t->mailbox, t->item, SIM_KIND_CANCEL);
    sim_folder_t *drafts = t->mailbox->known[SIM_F_DRAFTS];
    int i;

    for (i = 0; i < 3; i++) {
        const char *list = sim_attendee_list(q->p, t->item, (sim_role_t)i);

        if (i == 0 && sim_setting_is(q->conf, "getcancel-organizer", "yes")) {
            list = apr_pstrcat(q->p, list, *list ? "," : "", t->mailbox->address, NULL);
        }
        sim_set(draft, SIM_NS_HEADER, headers[i], *list ? list : NULL);
    }
    if (sim_setting_is(q->conf, "getcancel-uid", "no")) {
        sim_set(draft, SIM_NS_CAL, "uid", NULL);
    }
    if (sim_setting_is(q->conf, "getcancel-class", "appointment")) {
        sim_set(draft, SIM_NS_DAV, "contentclass", SIM_CLASS_APPOINTMENT);
        sim_set(draft, SIM_NS_EXCHANGE, "outlookmessageclass", "IPM.Appointment");
    }
    sim_item_store(drafts, draft,
                   sim_item_free_name(q->p, drafts, sim_get_or(draft, SIM_NS_MAIL, "subject", "")));
    return draft;
}

static int redirect(sim_req_t *q, const char *to)
{
    sim_answer(q, HTTP_MOVED_TEMPORARILY);
    q->out.status_line = "302 Moved Temporarily";
    apr_table_set(q->out.headers, "Location", apr_pstrcat(q->p, to, "?Cmd=edit", NULL));
    return OK;
}

/* A page with one element, `before` + escaped text + `after`. */
static int page_with(sim_req_t *q, const char *before, const char *text, const char *after)
{
    sim_answer(q, HTTP_OK);
    q->out.type = "text/html; charset=utf-8";
    sim_buf_puts(&q->out.body, "<html><head><title>Cancel meeting</title></head><body>");
    sim_buf_puts(&q->out.body, before);
    sim_buf_html(&q->out.body, text);
    sim_buf_puts(&q->out.body, after);
    sim_buf_puts(&q->out.body, "</body></html>\r\n");
    return OK;
}

static const sim_mailbox_t *somebody_else(const sim_store_t *store, const sim_mailbox_t *than)
{
    const sim_mailbox_t *m = sim_mailbox_first(store);

    return m == than && m->next ? m->next : m;
}

int sim_getcancel(sim_req_t *q, sim_target_t *t)
{
    const char *how = sim_setting(q->conf, "getcancel"), *href, *path;
    sim_item_t *draft;

    if (t->at != SIM_AT_ITEM || !sim_is_own_meeting(t->item, t->mailbox)) {
        sim_wrong(q, 26, "getcancel works on the organizer's own meeting (finvited) only");
        return sim_page(q, HTTP_OK, "Microsoft Outlook Web Access", "");
    }
    if (sim_rights(q, t->mailbox, t->folder) < SIM_RIGHT_OWNER) {
        return (int)sim_setting_number(q->conf, "stranger-status");
    }
    if (strcmp(how, "self") == 0) {
        return redirect(q, sim_href_item(q, t->item));
    }
    draft = make_draft(q, t);
    href = sim_href_item(q, draft);
    path = sim_url_path(q, href, NULL);
    if (strcmp(how, "302") == 0) {
        return redirect(q, href);
    }
    if (strcmp(how, "302-path") == 0) {
        return redirect(q, path);
    }
    if (strcmp(how, "200-itemhref") == 0) {
        return page_with(q, "<span id=\"itemHREF\">", href, "</span>");
    }
    if (strcmp(how, "200-base") == 0) {
        return page_with(q, "<base href=\"", href, "\">");
    }
    if (strcmp(how, "200-action") == 0) {
        return page_with(q, "<form method=\"POST\" action=\"",
                         apr_pstrcat(q->p, href, "?Cmd=send", NULL), "\"></form>");
    }
    if (strcmp(how, "200-msgid") == 0) {
        return page_with(q, "<form><input type=\"hidden\" name=\"MsgID\" value=\"",
                         apr_pstrcat(q->p, "/", draft->folder->name, "/", draft->name, NULL),
                         "\"></form>");
    }
    if (strcmp(how, "xml") == 0) {
        sim_answer(q, HTTP_OK);
        q->out.type = "text/xml";
        sim_buf_puts(&q->out.body, "<a:response xmlns:a=\"DAV:\"><a:href>");
        sim_buf_xml(&q->out.body, href);
        sim_buf_puts(&q->out.body, "</a:href></a:response>");
        return OK;
    }
    if (strcmp(how, "other-host") == 0) {
        return redirect(q, apr_pstrcat(q->p, "http://elsewhere.example.test", path, NULL));
    }
    if (strcmp(how, "other-mailbox") == 0) {
        const sim_mailbox_t *other = somebody_else(q->store, t->mailbox);

        return redirect(q, apr_pstrcat(q->p, sim_href_folder(q, other->known[SIM_F_DRAFTS], 1),
                                       sim_escape(q->p, draft->name), NULL));
    }
    if (strcmp(how, "folder") == 0) {
        return redirect(q, sim_href_folder(q, t->mailbox->known[SIM_F_DRAFTS], 1));
    }
    return sim_page(q, HTTP_OK, "Microsoft Outlook Web Access", ""); /* "none": made, not told */
}
