/* What a row shows: see props.h. */
#include "props.h"

#include <apr_strings.h>
#include <apr_encode.h>
#include <stdlib.h>
#include <string.h>

const char *sim_item_etag(apr_pool_t *p, const sim_item_t *item)
{
    return apr_psprintf(p, "\"%08lx%08lx\"", item->id, item->revision);
}

const char *sim_row_href(sim_req_t *q, const sim_row_t *row)
{
    const char *dot;

    if (!row->item) {
        return sim_href_folder(q, row->folder, 1);
    }
    if (!row->instance) {
        return sim_href_item(q, row->item);
    }
    dot = strrchr(row->item->name, '.');
    return apr_psprintf(q->p, "%s%s-%d%s", sim_href_folder(q, row->folder, 1),
                        sim_escape(q->p, dot ? apr_pstrmemdup(q->p, row->item->name,
                                                              (apr_size_t)(dot - row->item->name))
                                             : row->item->name),
                        row->instance, dot ? dot : "");
}

static const char *number(apr_pool_t *p, long n)
{
    return apr_psprintf(p, "%ld", n);
}

/* x10f3001f holds the name as the store has it. */
static const char *item_name(apr_pool_t *p, const sim_row_t *row)
{
    const char *href_name = row->item->name, *dot;

    if (!row->instance) {
        return href_name;
    }
    dot = strrchr(href_name, '.');
    return apr_psprintf(p, "%.*s-%d%s", (int)(dot ? dot - href_name : (long)strlen(href_name)),
                        href_name, row->instance, dot ? dot : "");
}

static const char *permanent_url(sim_req_t *q, const sim_folder_t *f, unsigned long id)
{
    return apr_psprintf(q->p, "%s-FlatUrlSpace-/%032lx-1/%032lx-%lx",
                        sim_href_folder(q, f->mailbox->root, 1), f->id, f->id, id);
}

static const char *access_rights(sim_req_t *q, const sim_folder_t *f)
{
    switch (sim_rights(q, f->mailbox, f)) {
    case SIM_RIGHT_NONE:
        return "0";
    case SIM_RIGHT_READ:
        return "2";
    default:
        return "63"; /* modify, read, delete, hierarchy, create contents 0x10, associated */
    }
}

static const char *dav_common(apr_pool_t *p, const char *name, apr_time_t created,
                              apr_time_t modified)
{
    if (strcmp(name, "creationdate") == 0) {
        return sim_time_text(p, created);
    }
    if (strcmp(name, "getlastmodified") == 0) {
        return sim_time_text(p, modified);
    }
    return NULL;
}

static const char *folder_class(const sim_folder_t *f)
{
    switch (f->kind) {
    case SIM_F_CALENDAR:
        return "IPF.Appointment";
    case SIM_F_CONTACTS:
        return "IPF.Contact";
    case SIM_F_TASKS:
        return "IPF.Task";
    case SIM_F_NOTES:
        return "IPF.StickyNote";
    case SIM_F_JOURNAL:
        return "IPF.Journal";
    case SIM_F_ROOT:
    case SIM_F_HIDDEN:
        return NULL;
    default:
        return "IPF.Note";
    }
}

static const char *folder_content_class(const sim_folder_t *f)
{
    switch (f->kind) {
    case SIM_F_CALENDAR:
        return "urn:content-classes:calendarfolder";
    case SIM_F_CONTACTS:
        return "urn:content-classes:contactfolder";
    case SIM_F_TASKS:
        return "urn:content-classes:taskfolder";
    case SIM_F_NOTES:
        return "urn:content-classes:notefolder";
    case SIM_F_JOURNAL:
        return "urn:content-classes:journalfolder";
    case SIM_F_ROOT:
    case SIM_F_HIDDEN:
        return "urn:content-classes:folder";
    default:
        return "urn:content-classes:mailfolder";
    }
}

/* inbox, calendar, ... of a mailbox: shown by its root, and by NON_IPM_SUBTREE to everybody. */
static const char *well_known(sim_req_t *q, const sim_folder_t *f, const char *name)
{
    static const char *const names[SIM_F_WELLKNOWN] = {
        "msgfolderroot", "inbox", "calendar", "drafts", "sentitems", "deleteditems",
        "outbox",        "tasks", "contacts", "notes",  "journal"};
    int i;

    if (f->kind != SIM_F_ROOT && f != f->mailbox->hidden) {
        return NULL;
    }
    for (i = 0; i < SIM_F_WELLKNOWN; i++) {
        if (strcmp(name, names[i]) == 0) {
            return sim_href_folder(q, f->mailbox->known[i], 0);
        }
    }
    if (strcmp(name, "sendmsg") == 0) {
        return apr_pstrcat(q->p, sim_href_folder(q, f->mailbox->root, 1),
                           sim_setting_is(q->conf, "submit-escaped", "yes")
                               ? "%23%23DavMailSubmissionURI%23%23"
                               : "##DavMailSubmissionURI##",
                           NULL);
    }
    return NULL;
}

static long unread(const sim_folder_t *f)
{
    const sim_name_t *read = sim_name(SIM_NS_MAIL, "read");
    const sim_item_t *item;
    long n = 0;

    for (item = f->items; item; item = item->next) {
        const sim_prop_t *prop = sim_prop(item, read);

        n += prop && strcmp(prop->values[0], "0") == 0;
    }
    return n;
}

static const char *folder_value(sim_req_t *q, apr_pool_t *p, const sim_folder_t *f,
                                const sim_name_t *name)
{
    const char *n = name->local;

    if (name->ns == NULL) {
        return NULL;
    }
    if (strcmp(name->ns, SIM_NS_DAV) == 0) {
        if (strcmp(n, "displayname") == 0) {
            return f->parent ? f->name : f->mailbox->name;
        }
        if (strcmp(n, "href") == 0) {
            return sim_href_folder(q, f, 1);
        }
        if (strcmp(n, "contentclass") == 0) {
            return folder_content_class(f);
        }
        if (strcmp(n, "resourcetype") == 0) {
            return "collection";
        }
        if (strcmp(n, "iscollection") == 0 || strcmp(n, "isfolder") == 0) {
            return "1";
        }
        if (strcmp(n, "ishidden") == 0) {
            return f->kind == SIM_F_HIDDEN ? "1" : "0";
        }
        if (strcmp(n, "hassubs") == 0) {
            return f->folders ? "1" : "0";
        }
        if (strcmp(n, "nosubs") == 0 || strcmp(n, "isreadonly") == 0
            || strcmp(n, "isstructureddocument") == 0) {
            return "0";
        }
        if (strcmp(n, "childcount") == 0) {
            return number(p, (long)(f->item_index.count + f->folder_index.count));
        }
        if (strcmp(n, "objectcount") == 0 || strcmp(n, "visiblecount") == 0) {
            return number(p, (long)f->item_index.count);
        }
        if (strcmp(n, "getetag") == 0) {
            return apr_psprintf(p, "\"%08lx%08lx\"", f->id, f->revision);
        }
        if (strcmp(n, "parentname") == 0) {
            return f->parent ? sim_href_folder(q, f->parent, 1) : NULL;
        }
        if (strcmp(n, "id") == 0 || strcmp(n, "uid") == 0) {
            return apr_psprintf(p, "AQEAAAAA%08lX", f->id);
        }
        return dav_common(p, n, f->created, f->modified);
    }
    if (strcmp(name->ns, SIM_NS_MAIL) == 0) {
        return strcmp(n, "unreadcount") == 0 ? number(p, unread(f)) : well_known(q, f, n);
    }
    if (strcmp(name->ns, SIM_NS_EXCHANGE) == 0) {
        return strcmp(n, "outlookfolderclass") == 0 ? folder_class(f)
               : strcmp(n, "permanenturl") == 0     ? permanent_url(q, f, f->id)
                                                    : NULL;
    }
    if (strcmp(name->ns, SIM_NS_REPL) == 0) {
        return apr_psprintf(p, "rt:%08lx%08lx", f->id, f->revision);
    }
    if (strcmp(name->ns, SIM_NS_PROPTAG) == 0) {
        return strcmp(n, "x0ff40003") == 0 ? access_rights(q, f)
               : strcmp(n, "x10f3001f") == 0 ? f->name
                                             : NULL;
    }
    return NULL;
}

static const char *transparency(const sim_item_t *item)
{
    const char *busy = sim_get(item, SIM_NS_CAL, "busystatus");

    return !busy ? NULL : strcasecmp(busy, "FREE") == 0 ? "TRANSPARENT" : "OPAQUE";
}

static const char *duration(apr_pool_t *p, const sim_row_t *row)
{
    const char *start = sim_get(row->item, SIM_NS_CAL, "dtstart");
    const char *end = sim_get(row->item, SIM_NS_CAL, "dtend");
    apr_time_t s, e;

    return start && end && sim_time_parse(start, 0, &s) && sim_time_parse(end, 0, &e)
               ? number(p, (long)apr_time_sec(e - s))
               : NULL;
}

static const char *item_value(sim_req_t *q, apr_pool_t *p, const sim_row_t *row,
                              const sim_name_t *name)
{
    const sim_item_t *item = row->item;
    const char *n = name->local;
    apr_size_t len;

    if (strcmp(name->ns, SIM_NS_DAV) == 0) {
        if (strcmp(n, "href") == 0) {
            return sim_row_href(q, row);
        }
        if (strcmp(n, "displayname") == 0) {
            return item_name(p, row);
        }
        if (strcmp(n, "getetag") == 0) {
            return sim_item_etag(p, item);
        }
        if (strcmp(n, "getcontenttype") == 0) {
            return "message/rfc822";
        }
        if (strcmp(n, "getcontentlength") == 0) {
            return item->stream ? number(p, (long)item->stream_len) : "0";
        }
        if (strcmp(n, "iscollection") == 0 || strcmp(n, "isfolder") == 0
            || strcmp(n, "ishidden") == 0 || strcmp(n, "isreadonly") == 0
            || strcmp(n, "isstructureddocument") == 0 || strcmp(n, "hassubs") == 0) {
            return "0";
        }
        if (strcmp(n, "resourcetype") == 0) {
            return "";
        }
        if (strcmp(n, "parentname") == 0) {
            return sim_href_folder(q, row->folder, 1);
        }
        if (strcmp(n, "id") == 0 || strcmp(n, "uid") == 0) {
            return apr_psprintf(p, "AQEAAAAA%08lX", item->id);
        }
        return dav_common(p, n, item->created, item->modified);
    }
    if (strcmp(name->ns, SIM_NS_CAL) == 0) {
        return strcmp(n, "created") == 0       ? sim_time_text(p, item->created)
               : strcmp(n, "transparent") == 0 ? transparency(item)
               : strcmp(n, "duration") == 0    ? duration(p, row)
               : strncmp(n, "lastmodified", 12) == 0 ? sim_time_text(p, item->modified)
                                                     : NULL;
    }
    if (strcmp(name->ns, SIM_NS_EXCHANGE) == 0) {
        return strcmp(n, "permanenturl") == 0 ? permanent_url(q, row->folder, item->id) : NULL;
    }
    if (strcmp(name->ns, SIM_NS_HEADER) == 0) { /* who wrote it, before it is sent (rule 23) */
        return strcmp(n, "from") == 0 ? sim_get(item, SIM_NS_CAL, "organizer") : NULL;
    }
    if (strcmp(name->ns, SIM_NS_MAIL) == 0) {
        return strcmp(n, "hasattachment") == 0 ? "0" : NULL;
    }
    if (strcmp(name->ns, SIM_NS_REPL) == 0) {
        return apr_psprintf(p, strcmp(n, "repl-uid") == 0 ? "rid:%08lx" : "rt:%08lx%08lx",
                            item->id, item->revision);
    }
    if (strcmp(name->ns, SIM_NS_PROPTAG) == 0) {
        if (strcmp(n, "x10f3001f") == 0) {
            return item_name(p, row);
        }
        if (strcmp(n, "x0ff40003") == 0) {
            return access_rights(q, row->folder);
        }
        if (strcmp(n, "x66590102") == 0) { /* PR_INTERNET_CONTENT */
            const char *stream = sim_mime_stream(q, item, &len);

            return stream ? apr_pencode_base64_binary(p, (const unsigned char *)stream, len,
                                                      APR_ENCODE_NONE, NULL)
                          : NULL;
        }
    }
    return NULL;
}

/* What an occurrence shows in place of its master's. */
static const char *instance_value(apr_pool_t *p, const sim_row_t *row, const sim_name_t *name,
                                  int *hidden)
{
    *hidden = 0;
    if (strcmp(name->ns, SIM_NS_CAL) != 0) {
        return NULL;
    }
    if (strcmp(name->local, "dtstart") == 0) {
        return sim_time_text(p, row->start);
    }
    if (strcmp(name->local, "dtend") == 0) {
        return sim_time_text(p, row->end);
    }
    if (strcmp(name->local, "instancetype") == 0) {
        return "2";
    }
    *hidden = strcmp(name->local, "rrule") == 0 || strcmp(name->local, "rdate") == 0
              || strcmp(name->local, "exdate") == 0 || strcmp(name->local, "exrule") == 0;
    return NULL;
}

/* {00062002-...}/0x8218 is the answer of this copy, which other clients write as
 * mapi:responsestatus. */
static const sim_prop_t *stored(const sim_item_t *item, const sim_name_t *name)
{
    const sim_prop_t *prop = sim_prop(item, name);

    if (!prop && strcmp(name->ns, SIM_NS_APPT) == 0 && strcmp(name->local, "0x8218") == 0) {
        prop = sim_prop(item, sim_name(SIM_NS_MAPI, "responsestatus"));
    }
    return prop;
}

int sim_row_value(sim_req_t *q, apr_pool_t *p, const sim_row_t *row, const sim_name_t *name,
                  sim_value_t *out)
{
    const sim_prop_t *prop = NULL;
    int hidden, i;

    if (!name) {
        return 0;
    }
    out->one = NULL;
    if (row->item && row->instance) {
        out->one = instance_value(p, row, name, &hidden);
        if (hidden) {
            return 0;
        }
    }
    if (!out->one && row->item) {
        prop = name->flags & SIM_NAME_COMPUTED ? NULL : stored(row->item, name);
        out->one = prop ? NULL : item_value(q, p, row, name);
    }
    else if (!row->item) {
        for (i = 0; i < row->folder->nprops; i++) {
            if (row->folder->props[i].name == name) {
                prop = &row->folder->props[i];
            }
        }
        out->one = prop ? NULL : folder_value(q, p, row->folder, name);
    }
    if (prop) {
        out->type = prop->type;
        out->n = prop->n;
        out->values = (const char *const *)prop->values;
        return 1;
    }
    if (!out->one) {
        return 0;
    }
    out->type = name->type;
    out->n = 1;
    out->values = &out->one;
    return 1;
}

/* ---- one response ---- */

static const struct {
    const char *ns, *local;
} all_item[] = {
    {SIM_NS_DAV, "displayname"},      {SIM_NS_DAV, "getetag"},
    {SIM_NS_DAV, "getlastmodified"},  {SIM_NS_DAV, "creationdate"},
    {SIM_NS_DAV, "getcontenttype"},   {SIM_NS_DAV, "getcontentlength"},
    {SIM_NS_DAV, "iscollection"},     {SIM_NS_DAV, "isfolder"},
    {SIM_NS_DAV, "ishidden"},         {SIM_NS_DAV, "resourcetype"},
    {SIM_NS_DAV, "parentname"},       {SIM_NS_DAV, "href"},
    {SIM_NS_CAL, "created"},          {SIM_NS_CAL, "lastmodified"},
    {SIM_NS_CAL, "transparent"},      {SIM_NS_EXCHANGE, "permanenturl"},
    {SIM_NS_REPL, "repl-uid"},        {SIM_NS_REPL, "resourcetag"},
    {SIM_NS_DAV, "contentclass"},     {SIM_NS_EXCHANGE, "outlookfolderclass"},
    {SIM_NS_DAV, "hassubs"},          {SIM_NS_DAV, "childcount"},
    {SIM_NS_DAV, "objectcount"},      {SIM_NS_MAIL, "unreadcount"},
    {SIM_NS_MAIL, "inbox"},           {SIM_NS_MAIL, "calendar"},
    {SIM_NS_MAIL, "drafts"},          {SIM_NS_MAIL, "sentitems"},
    {SIM_NS_MAIL, "deleteditems"},    {SIM_NS_MAIL, "outbox"},
    {SIM_NS_MAIL, "tasks"},           {SIM_NS_MAIL, "contacts"},
    {SIM_NS_MAIL, "notes"},           {SIM_NS_MAIL, "journal"},
    {SIM_NS_MAIL, "sendmsg"},         {SIM_NS_MAIL, "msgfolderroot"},
};

static void write_value(sim_xml_t *x, const sim_ask_t *ask, const sim_value_t *v, int names_only)
{
    if (names_only) {
        sim_xml_empty(x, ask->ns, ask->local);
    }
    else {
        sim_xml_prop(x, ask->ns, ask->local, v->type, v->n, v->values);
    }
}

static void write_all(sim_xml_t *x, const sim_row_t *row, int names_only)
{
    sim_value_t v;
    sim_ask_t ask;
    size_t i;
    int j;

    for (i = 0; i < sizeof(all_item) / sizeof(all_item[0]); i++) {
        ask.ns = all_item[i].ns;
        ask.local = all_item[i].local;
        ask.name = sim_name(ask.ns, ask.local);
        if ((!row->item || ask.name->flags & SIM_NAME_COMPUTED)
            && sim_row_value(x->q, x->q->p, row, ask.name, &v)) {
            write_value(x, &ask, &v, names_only);
        }
    }
    for (j = 0; row->item && j < row->item->nprops; j++) {
        ask.name = row->item->props[j].name;
        ask.ns = ask.name->ns;
        ask.local = ask.name->local;
        if (sim_row_value(x->q, x->q->p, row, ask.name, &v)) {
            write_value(x, &ask, &v, names_only);
        }
    }
}

void sim_row_response(sim_xml_t *x, const sim_row_t *row, const sim_propfind_t *want, int brief)
{
    const char *D = SIM_NS_DAV;
    sim_value_t v;
    int i, missing = 0, found = 0;

    sim_xml_open(x, D, "response");
    sim_xml_text(x, D, "href", sim_row_href(x->q, row));
    for (i = 0; i < want->n; i++) {
        if (sim_row_value(x->q, x->q->p, row, want->asks[i].name, &v)) {
            found = 1;
        }
        else {
            missing = 1;
        }
    }
    if (found || want->allprop || want->propname || !missing || brief) {
        sim_xml_open(x, D, "propstat");
        sim_xml_status(x, 200);
        sim_xml_open(x, D, "prop");
        if (want->allprop || want->propname) {
            write_all(x, row, want->propname);
        }
        for (i = 0; i < want->n; i++) {
            if (sim_row_value(x->q, x->q->p, row, want->asks[i].name, &v)) {
                write_value(x, &want->asks[i], &v, 0);
            }
        }
        sim_xml_close(x, D, "prop");
        sim_xml_close(x, D, "propstat");
    }
    if (missing && !brief) {
        sim_xml_open(x, D, "propstat");
        sim_xml_status(x, 404);
        sim_xml_open(x, D, "prop");
        for (i = 0; i < want->n; i++) {
            if (!sim_row_value(x->q, x->q->p, row, want->asks[i].name, &v)) {
                sim_xml_empty(x, want->asks[i].ns, want->asks[i].local);
            }
        }
        sim_xml_close(x, D, "prop");
        sim_xml_close(x, D, "propstat");
    }
    sim_xml_close(x, D, "response");
}
