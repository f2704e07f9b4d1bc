/* PROPFIND and BPROPFIND. */
#include "props.h"
#include "recur.h"

#include <apr_strings.h>
#include <string.h>

static int depth_of(sim_req_t *q, int *no_root)
{
    const char *depth = apr_table_get(q->r->headers_in, "Depth");

    *no_root = depth && ap_cstr_casecmp(depth, "1,noroot") == 0;
    return !depth                                                      ? 2
           : strcmp(depth, "0") == 0                                   ? 0
           : strcmp(depth, "1") == 0 || *no_root                       ? 1
           : strncasecmp(depth, "infinity", 8) == 0                    ? 2
                                                                       : -1;
}

static void add_folder(sim_xml_t *x, sim_folder_t *f, const sim_propfind_t *want, int depth,
                       int no_root)
{
    sim_row_t row = {f, NULL, 0, 0, 0};
    sim_item_t *item;
    sim_folder_t *sub;

    if (!no_root) {
        sim_row_response(x, &row, want, x->q->brief);
    }
    if (depth == 0) {
        return;
    }
    for (sub = f->folders; sub; sub = sub->next) {
        if (sim_rights(x->q, sub->mailbox, sub) >= SIM_RIGHT_READ) {
            add_folder(x, sub, want, depth == 2 ? 2 : 0, 0);
        }
    }
    for (item = f->items; item; item = item->next) {
        row.item = item;
        sim_row_response(x, &row, want, x->q->brief);
    }
}

/* 200 when the target can be shown, else the status for it. */
static int showable(sim_req_t *q, const char *path, sim_target_t *t)
{
    sim_resolve(q, path, t);
    if (!t->mailbox) {
        return HTTP_NOT_FOUND;
    }
    if (sim_rights(q, t->mailbox, t->folder) < SIM_RIGHT_READ) {
        return (int)sim_setting_number(q->conf, "stranger-status");
    }
    return t->at == SIM_AT_FOLDER || t->at == SIM_AT_ITEM || t->at == SIM_AT_INSTANCE
               ? HTTP_OK
               : HTTP_NOT_FOUND;
}

static void item_row(sim_target_t *t, sim_row_t *row)
{
    memset(row, 0, sizeof(*row));
    row->folder = t->folder;
    row->item = t->item;
    if (t->at == SIM_AT_INSTANCE) {
        row->instance = t->instance;
        sim_recur_nth(t->item, t->instance, &row->start, &row->end);
    }
}

/* What the top of the public folders shows of itself; it holds nothing here. */
static const char *public_value(sim_req_t *q, const sim_name_t *name)
{
    static const char *const values[][3] = {
        {SIM_NS_DAV, "displayname", "public"},  {SIM_NS_DAV, "resourcetype", "collection"},
        {SIM_NS_DAV, "iscollection", "1"},      {SIM_NS_DAV, "isfolder", "1"},
        {SIM_NS_DAV, "ishidden", "0"},          {SIM_NS_DAV, "hassubs", "0"},
        {SIM_NS_DAV, "contentclass", "urn:content-classes:folder"},
    };
    size_t i;

    if (name == sim_name(SIM_NS_DAV, "href")) {
        return sim_href_path(q, "/public/");
    }
    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (name == sim_name(values[i][0], values[i][1])) {
            return values[i][2];
        }
    }
    return NULL;
}

static void public_propstat(sim_req_t *q, sim_xml_t *x, const sim_propfind_t *want, int status)
{
    int i, any = 0;

    for (i = 0; i < want->n; i++) {
        const sim_ask_t *ask = &want->asks[i];
        const char *value = public_value(q, ask->name);

        if ((value != NULL) != (status == 200)) {
            continue;
        }
        if (!any++) {
            sim_xml_open(x, SIM_NS_DAV, "propstat");
            sim_xml_status(x, status);
            sim_xml_open(x, SIM_NS_DAV, "prop");
        }
        if (value) {
            sim_xml_prop(x, ask->ns, ask->local, ask->name->type, 1, &value);
        }
        else {
            sim_xml_empty(x, ask->ns, ask->local);
        }
    }
    if (any) {
        sim_xml_close(x, SIM_NS_DAV, "prop");
        sim_xml_close(x, SIM_NS_DAV, "propstat");
    }
}

static int public_folder(sim_req_t *q, sim_xml_t *x, sim_propfind_t *want)
{
    sim_ask_t all[] = {{sim_name(SIM_NS_DAV, "displayname"), SIM_NS_DAV, "displayname"}};

    if (!want->asks) {
        want->asks = all;
        want->n = 1;
    }
    sim_xml_begin(x, q);
    sim_xml_open(x, SIM_NS_DAV, "response");
    sim_xml_text(x, SIM_NS_DAV, "href", sim_href_path(q, "/public/"));
    public_propstat(q, x, want, 200);
    if (!q->brief) {
        public_propstat(q, x, want, 404);
    }
    sim_xml_close(x, SIM_NS_DAV, "response");
    sim_xml_finish(x, 207, SIM_NS_DAV, "multistatus");
    return OK;
}

/* BPROPFIND: the targets stand in the body, relative to the request URL or absolute. */
static void batch(sim_req_t *q, sim_xml_t *x, const sim_propfind_t *want)
{
    int i;

    for (i = 0; i < want->nhrefs; i++) {
        sim_target_t t;
        sim_row_t row;
        int status = showable(q, sim_target_path(q, want->hrefs[i]), &t);

        if (status == HTTP_OK) {
            item_row(&t, &row);
            sim_row_response(x, &row, want, q->brief);
        }
        else {
            sim_xml_open(x, SIM_NS_DAV, "response");
            sim_xml_text(x, SIM_NS_DAV, "href", want->hrefs[i]);
            sim_xml_status(x, status);
            sim_xml_close(x, SIM_NS_DAV, "response");
        }
    }
}

int sim_do_propfind(sim_req_t *q)
{
    int no_root, depth = depth_of(q, &no_root), rc, status;
    int is_batch = q->r->method[0] == 'B';
    sim_propfind_t want;
    sim_target_t t;
    sim_xml_t x;

    rc = sim_xml_read_propfind(q, &want);
    if (rc != OK || depth < 0) {
        return sim_answer(q, rc != OK ? rc : HTTP_BAD_REQUEST);
    }
    sim_store_read(q->store);
    sim_resolve(q, q->path, &t);
    if (t.at == SIM_AT_PUBLIC) {
        rc = public_folder(q, &x, &want);
        goto leave;
    }
    if (t.at == SIM_AT_TOP && sim_top_mailbox(q)) { /* the top shows one's own mailbox */
        t.at = SIM_AT_FOLDER;
        t.mailbox = sim_top_mailbox(q);
        t.folder = t.mailbox->root;
        status = HTTP_OK;
        depth = 0;
    }
    else {
        status = is_batch ? HTTP_OK : showable(q, q->path, &t);
    }
    if (status != HTTP_OK) {
        rc = sim_answer(q, status);
        goto leave;
    }
    sim_xml_begin(&x, q);
    if (is_batch) {
        batch(q, &x, &want);
    }
    else if (t.at == SIM_AT_FOLDER) {
        add_folder(&x, t.folder, &want, depth, no_root);
    }
    else {
        sim_row_t row;

        item_row(&t, &row);
        sim_row_response(&x, &row, &want, q->brief);
    }
    sim_xml_finish(&x, 207, SIM_NS_DAV, "multistatus");
    rc = OK;
leave:
    sim_store_unlock(q->store);
    return rc;
}
