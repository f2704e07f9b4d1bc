/* GET, HEAD, PUT and OPTIONS: pages for browsers, MIME for those who say Translate: f. */
#include "owacmd.h"
#include "props.h"
#include "submitting.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

int sim_do_options(sim_req_t *q)
{
    sim_answer(q, HTTP_OK);
    apr_table_setn(q->out.headers, "MS-Author-Via", "MS-FP/4.0,DAV");
    apr_table_setn(q->out.headers, "DAV", "1");
    apr_table_setn(q->out.headers, "DASL", "<DAV:sql>");
    apr_table_setn(q->out.headers, "Accept-Ranges", "rows");
    apr_table_setn(q->out.headers, "Public",
                   "OPTIONS, TRACE, GET, HEAD, DELETE, PUT, POST, COPY, MOVE, MKCOL, PROPFIND, "
                   "PROPPATCH, SEARCH");
    apr_table_setn(q->out.headers, "Allow",
                   "OPTIONS, GET, HEAD, DELETE, PUT, POST, COPY, MOVE, MKCOL, PROPFIND, PROPPATCH, "
                   "SEARCH, BPROPFIND, BPROPPATCH, BDELETE, BMOVE, BCOPY");
    return OK;
}

/* The frame page of a mailbox; clients take the canonical mailbox root from its base element. */
static int frame_page(sim_req_t *q, const sim_mailbox_t *m)
{
    sim_buf_t *b = &q->out.body;
    const char *root = sim_href_folder(q, m->root, 1);

    sim_answer(q, HTTP_OK);
    q->out.type = "text/html; charset=utf-8";
    sim_buf_puts(b, "<html><head><title>Microsoft Outlook Web Access</title>\r\n<base href=\"");
    sim_buf_html(b, root);
    sim_buf_puts(b, "\">\r\n</head><frameset cols=\"200,*\"><frame name=\"nav\" src=\"");
    sim_buf_html(b, root);
    sim_buf_puts(b, "?Cmd=navbar\"><frame name=\"view\" src=\"");
    sim_buf_html(b, root);
    sim_buf_puts(b, "?Cmd=contents\"></frameset></html>\r\n");
    return OK;
}

static int folder_page(sim_req_t *q, const sim_folder_t *f)
{
    sim_buf_t *b = &q->out.body;
    const sim_item_t *item;
    int n = 0;

    sim_answer(q, HTTP_OK);
    q->out.type = "text/html; charset=utf-8";
    sim_buf_puts(b, "<html><head><title>");
    sim_buf_html(b, f->name);
    sim_buf_puts(b, "</title><base href=\"");
    sim_buf_html(b, sim_href_folder(q, f, 1));
    sim_buf_puts(b, "\"></head><body><ul>\r\n");
    for (item = f->items; item && n < 25; item = item->next, n++) { /* one screen of it */
        sim_buf_puts(b, "<li><a href=\"");
        sim_buf_html(b, sim_escape(q->p, item->name));
        sim_buf_puts(b, "?Cmd=open\">");
        sim_buf_html(b, sim_get_or(item, SIM_NS_MAIL, "subject", item->name));
        sim_buf_puts(b, "</a></li>\r\n");
    }
    sim_buf_puts(b, "</ul></body></html>\r\n");
    return OK;
}

static int item_page(sim_req_t *q, const sim_item_t *item)
{
    return sim_page(q, HTTP_OK, sim_get_or(item, SIM_NS_MAIL, "subject", item->name),
                    sim_get_or(item, SIM_NS_MAIL, "textdescription", ""));
}

static int item_mime(sim_req_t *q, const sim_item_t *item)
{
    apr_size_t len = 0;
    const char *stream = sim_mime_stream(q, item, &len);

    if (!stream) {
        return HTTP_NOT_FOUND;
    }
    sim_answer(q, HTTP_OK);
    q->out.type = "message/rfc822";
    apr_table_set(q->out.headers, "ETag", sim_item_etag(q->p, item));
    sim_buf_add(&q->out.body, stream, len);
    return OK;
}

static int get_at(sim_req_t *q, sim_target_t *t)
{
    switch (t->at) {
    case SIM_AT_TOP:
        return q->translate_f       ? HTTP_FORBIDDEN
               : sim_top_mailbox(q) ? frame_page(q, sim_top_mailbox(q))
                                    : HTTP_NOT_FOUND;
    case SIM_AT_PUBLIC:
        return sim_page(q, HTTP_OK, "Public Folders", "");
    case SIM_AT_FOLDER:
        return t->folder == t->mailbox->root ? frame_page(q, t->mailbox)
                                             : folder_page(q, t->folder);
    case SIM_AT_ITEM:
    case SIM_AT_INSTANCE:
        return q->translate_f ? item_mime(q, t->item) : item_page(q, t->item);
    default:
        return HTTP_NOT_FOUND;
    }
}

int sim_do_get(sim_req_t *q)
{
    sim_target_t t;
    int rc;

    /* Translate: f asks the WebDAV interface, which knows no commands (rules 1-4). */
    if (q->cmd && q->translate_f) {
        sim_wrong(q, 2, "a command with Translate: f is a plain GET");
    }
    if (q->cmd && !q->translate_f) {
        return sim_do_command(q);
    }
    sim_store_read(q->store);
    sim_resolve(q, q->path, &t);
    if (t.mailbox && sim_require(q, t.mailbox, t.folder, SIM_RIGHT_READ) != OK) {
        rc = OK;
    }
    else {
        rc = get_at(q, &t);
    }
    sim_store_unlock(q->store);
    return rc == OK ? OK : sim_answer(q, rc);
}

/* ---- PUT ---- */

static int is_type(sim_req_t *q, const char *type)
{
    const char *given = apr_table_get(q->r->headers_in, "Content-Type");
    size_t n = strlen(type);

    return given && strncasecmp(given, type, n) == 0
           && (!given[n] || strchr("; \t", given[n]) != NULL);
}

/* A body without a type is what the name says, as when curl uploads a file. */
static int is_message(sim_req_t *q, const sim_target_t *t)
{
    const char *dot = t->leaf ? strrchr(t->leaf, '.') : NULL;

    return is_type(q, "message/rfc822")
           || (!apr_table_get(q->r->headers_in, "Content-Type") && dot
               && strcasecmp(dot, ".EML") == 0);
}

/* message/rfc821: an envelope, an empty line, then the message. Bcc of what the headers do not
 * name. */
static int read_envelope(sim_req_t *q, sim_item_t *item, const char **data, apr_size_t *len)
{
    const char *line = *data, *end = *data + *len, *to = "";

    while (line < end) {
        const char *nl = memchr(line, '\n', (size_t)(end - line));
        apr_size_t n = nl ? (apr_size_t)(nl - line) : (apr_size_t)(end - line);
        const char *text = apr_pstrmemdup(q->p, line, n && line[n - 1] == '\r' ? n - 1 : n);

        line = nl ? nl + 1 : end;
        if (!*text) {
            *len = (apr_size_t)(end - line);
            *data = line;
            sim_set(item, SIM_NS_HEADER, "bcc", to);
            return OK;
        }
        if (strncasecmp(text, "RCPT TO:", 8) == 0) {
            to = apr_pstrcat(q->p, to, *to ? "," : "", text + 8, NULL);
        }
        else if (strncasecmp(text, "MAIL FROM:", 10) != 0) {
            return HTTP_BAD_REQUEST;
        }
    }
    return HTTP_BAD_REQUEST;
}

static int fill_item(sim_req_t *q, sim_item_t *item, int envelope)
{
    const char *data = q->body;
    apr_size_t len = q->body_len;
    int rc = envelope ? read_envelope(q, item, &data, &len) : OK;

    if (rc == OK) {
        rc = sim_mime_put(q, item, data, len);
    }
    if (rc == OK) {
        sim_attendees_from_headers(item);
        free(item->stream);
        item->stream = malloc(len + 1);
        if (!item->stream) {
            return HTTP_INSUFFICIENT_STORAGE;
        }
        memcpy(item->stream, data, len);
        item->stream[len] = '\0';
        item->stream_len = len;
    }
    return rc;
}

static int put_at(sim_req_t *q, sim_target_t *t)
{
    int envelope = is_type(q, "message/rfc821"), rc;
    sim_item_t *item;

    if (!t->mailbox) {
        return HTTP_NOT_FOUND;
    }
    if (t->at == SIM_AT_NO_PARENT) {
        return HTTP_CONFLICT;
    }
    if (t->at != SIM_AT_ITEM && t->at != SIM_AT_FREE && t->at != SIM_AT_SUBMIT) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if (sim_rights(q, t->mailbox, t->folder ? t->folder : t->mailbox->root) < SIM_RIGHT_WRITE) {
        return (int)sim_setting_number(q->conf, "stranger-status");
    }
    if (!is_message(q, t) && !(envelope && t->at == SIM_AT_SUBMIT)) {
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    if (sim_setting_is(q->conf, "over-quota", "yes")) {
        return HTTP_INSUFFICIENT_STORAGE;
    }
    rc = t->at == SIM_AT_SUBMIT ? OK : sim_preconditions(q, t->item);
    if (rc != OK) {
        return rc;
    }
    item = sim_item_new(q->store);
    rc = fill_item(q, item, envelope);
    if (rc == OK && t->at == SIM_AT_SUBMIT) {
        sim_item_complete(item, t->mailbox);
        rc = sim_submit(q, t->mailbox, item);
        sim_item_free(item);
        return rc;
    }
    if (rc != OK) {
        sim_item_free(item);
        return rc;
    }
    sim_item_complete(item, t->mailbox);
    if (t->item) { /* the new content under the old name and number */
        const char *name = apr_pstrdup(q->p, t->item->name);

        item->id = t->item->id;
        item->created = t->item->created;
        item->revision = t->item->revision;
        sim_item_delete(t->item);
        sim_item_store(t->folder, item, name);
        rc = HTTP_OK;
    }
    else {
        sim_item_store(t->folder, item, t->leaf);
        rc = HTTP_CREATED;
    }
    apr_table_set(q->out.headers, "Location", sim_href_item(q, item));
    apr_table_set(q->out.headers, "GetETag", sim_item_etag(q->p, item));
    apr_table_set(q->out.headers, "ETag", sim_item_etag(q->p, item));
    apr_table_set(q->out.headers, "Repl-UID", apr_psprintf(q->p, "<rid:%08lx>", item->id));
    return rc;
}

int sim_do_put(sim_req_t *q)
{
    sim_target_t t;
    int rc;

    sim_store_write(q->store);
    sim_resolve(q, q->path, &t);
    rc = put_at(q, &t);
    sim_store_unlock(q->store);
    return sim_answer(q, rc);
}
