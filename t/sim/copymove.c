/* MOVE, COPY, DELETE, MKCOL and the batch forms. A MOVE or COPY to the submission URI sends. */
#include "props.h"
#include "recur.h"
#include "submitting.h"

#include <apr_strings.h>
#include <string.h>

static int denied(sim_req_t *q)
{
    return (int)sim_setting_number(q->conf, "stranger-status");
}

static int may_write(sim_req_t *q, const sim_target_t *t)
{
    return sim_rights(q, t->mailbox, t->folder ? t->folder : t->mailbox->root) >= SIM_RIGHT_WRITE;
}

static int exists(const sim_target_t *t)
{
    return t->at == SIM_AT_ITEM || t->at == SIM_AT_FOLDER || t->at == SIM_AT_INSTANCE;
}

/* ---- DELETE ---- */

static void delete_instance(sim_req_t *q, sim_target_t *t)
{
    const sim_name_t *exdate = sim_name(SIM_NS_CAL, "exdate");
    const sim_prop_t *prop = sim_prop(t->item, exdate);
    int n = prop ? prop->n : 0;
    const char **values = apr_palloc(q->p, sizeof(char *) * (size_t)(n + 1));
    apr_time_t start = 0;

    sim_recur_nth(t->item, t->instance, &start, NULL);
    if (n) {
        memcpy(values, prop->values, sizeof(char *) * (size_t)n);
    }
    values[n] = sim_time_text(q->p, start);
    sim_item_touch(t->item);
    sim_set_values(t->item, exdate, SIM_T_MV_DATE, n + 1, values);
}

static int delete_one(sim_req_t *q, const char *path)
{
    sim_target_t t;
    int rc;

    sim_resolve(q, path, &t);
    if (!t.mailbox || !(exists(&t) || may_write(q, &t))) {
        return t.mailbox ? denied(q) : HTTP_NOT_FOUND;
    }
    if (!may_write(q, &t)) {
        return denied(q);
    }
    if (!exists(&t)) {
        return HTTP_NOT_FOUND;
    }
    rc = sim_preconditions(q, t.at == SIM_AT_ITEM ? t.item : NULL);
    if (rc != OK && t.at == SIM_AT_ITEM) {
        return rc;
    }
    if (sim_setting_is(q->conf, "locked", "yes")) {
        return HTTP_LOCKED;
    }
    if (t.at == SIM_AT_FOLDER) {
        return sim_folder_delete(t.folder) ? HTTP_NO_CONTENT : HTTP_FORBIDDEN;
    }
    if (t.at == SIM_AT_INSTANCE) {
        delete_instance(q, &t);
    }
    else {
        sim_item_delete(t.item); /* a hard delete, which tells nobody (rule 28) */
    }
    return HTTP_NO_CONTENT;
}

/* ---- MOVE and COPY ---- */

static int submit_from(sim_req_t *q, sim_target_t *from, sim_target_t *to, int copy)
{
    int rc;

    if (from->at != SIM_AT_ITEM) {
        return HTTP_FORBIDDEN;
    }
    if (from->mailbox != to->mailbox) {
        return HTTP_BAD_GATEWAY; /* another store */
    }
    rc = sim_submit(q, to->mailbox, from->item);
    if (rc < 300 && !copy) {
        sim_item_delete(from->item); /* used up (rule 19f) */
    }
    return rc;
}

static void copy_folder(sim_store_t *store, sim_folder_t *from, sim_folder_t *parent,
                        const char *name)
{
    sim_folder_t *sub, *to = sim_folder_add(parent, name, SIM_F_OTHER);
    sim_item_t *item;

    for (item = from->items; to && item; item = item->next) {
        sim_item_store(to, sim_item_copy(store, item), item->name);
    }
    for (sub = from->folders; to && sub; sub = sub->next) {
        copy_folder(store, sub, to, sub->name);
    }
}

static int is_inside(const sim_folder_t *f, const sim_folder_t *of)
{
    for (; f; f = f->parent) {
        if (f == of) {
            return 1;
        }
    }
    return 0;
}

static int transfer_folder(sim_req_t *q, sim_target_t *from, sim_target_t *to, int copy)
{
    if (to->at != SIM_AT_FREE) {
        return HTTP_PRECONDITION_FAILED;
    }
    if (is_inside(to->folder, from->folder) || from->mailbox != to->mailbox) {
        return from->mailbox != to->mailbox ? HTTP_BAD_GATEWAY : HTTP_FORBIDDEN;
    }
    if (copy) {
        copy_folder(q->store, from->folder, to->folder, to->leaf);
    }
    else if (from->folder->kind == SIM_F_ROOT || from->folder->kind == SIM_F_HIDDEN) {
        return HTTP_FORBIDDEN;
    }
    else {
        sim_folder_move(from->folder, to->folder, to->leaf);
    }
    return HTTP_CREATED;
}

static int transfer_item(sim_req_t *q, sim_target_t *from, sim_target_t *to, int copy)
{
    const char *overwrite = apr_table_get(q->r->headers_in, "Overwrite");
    sim_item_t *item = from->item;
    int replaces = to->at == SIM_AT_ITEM;

    if (to->at == SIM_AT_FOLDER) { /* into the folder, name kept */
        to->leaf = item->name;
        to->item = sim_item_find(to->folder, to->leaf);
        replaces = to->item != NULL;
    }
    if (to->item == item) {
        return HTTP_FORBIDDEN;
    }
    if (replaces && overwrite && (*overwrite | 32) == 'f') {
        return HTTP_PRECONDITION_FAILED;
    }
    if (replaces) {
        sim_item_delete(to->item);
    }
    if (copy) {
        item = sim_item_copy(q->store, item);
    }
    else {
        sim_item_detach(item);
    }
    sim_item_store(to->folder, item, apr_pstrdup(q->p, to->leaf));
    apr_table_set(q->out.headers, "Location", sim_href_item(q, item));
    return replaces ? HTTP_NO_CONTENT : HTTP_CREATED;
}

static int transfer(sim_req_t *q, const char *source, const char *destination, int copy)
{
    sim_target_t from, to;
    int rc, other_host;
    const char *path = sim_url_path(q, destination, &other_host);

    if (!path) {
        return HTTP_BAD_REQUEST;
    }
    if (other_host) {
        return HTTP_BAD_GATEWAY;
    }
    if (q->body_len && q->r->method[0] != 'B') {
        sim_wrong(q, 19, "the body of MOVE and COPY must be empty");
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    sim_resolve(q, source, &from);
    sim_resolve(q, path, &to);
    if (!from.mailbox) {
        return HTTP_NOT_FOUND;
    }
    if (sim_rights(q, from.mailbox, from.folder) < (copy ? SIM_RIGHT_READ : SIM_RIGHT_WRITE)) {
        return denied(q);
    }
    if (!exists(&from)) {
        return HTTP_NOT_FOUND;
    }
    if (!to.mailbox || to.at == SIM_AT_NO_PARENT) {
        return HTTP_CONFLICT;
    }
    if (from.at == SIM_AT_ITEM) {
        rc = sim_preconditions(q, from.item);
        if (rc != OK) {
            return rc;
        }
    }
    if (!copy && sim_setting_is(q->conf, "locked", "yes")) {
        return HTTP_LOCKED;
    }
    if (to.at == SIM_AT_SUBMIT) {
        return submit_from(q, &from, &to, copy);
    }
    if (!may_write(q, &to)) {
        return denied(q);
    }
    if (sim_setting_is(q->conf, "over-quota", "yes")) {
        return HTTP_INSUFFICIENT_STORAGE;
    }
    if (from.at == SIM_AT_INSTANCE || to.at == SIM_AT_INSTANCE) {
        return HTTP_FORBIDDEN;
    }
    return from.at == SIM_AT_FOLDER ? transfer_folder(q, &from, &to, copy)
                                    : transfer_item(q, &from, &to, copy);
}

int sim_do_copymove(sim_req_t *q)
{
    const char *destination = apr_table_get(q->r->headers_in, "Destination"), **hrefs;
    const char *method = q->r->method;
    int batch = *method == 'B', copy = method[batch] == 'C', rc, n = 0, i;
    sim_xml_t x;

    if (!destination) {
        return sim_answer(q, HTTP_BAD_REQUEST);
    }
    if (batch && (rc = sim_xml_read_targets(q, &n, &hrefs)) != OK) {
        return sim_answer(q, rc);
    }
    sim_store_write(q->store);
    if (!batch) {
        rc = transfer(q, q->path, destination, copy);
        sim_store_unlock(q->store);
        return sim_answer(q, rc);
    }
    sim_xml_begin(&x, q);
    for (i = 0; i < n; i++) {
        rc = transfer(q, sim_target_path(q, hrefs[i]), destination, copy);
        sim_xml_open(&x, SIM_NS_DAV, "response");
        sim_xml_text(&x, SIM_NS_DAV, "href", hrefs[i]);
        sim_xml_status(&x, rc);
        sim_xml_close(&x, SIM_NS_DAV, "response");
    }
    sim_store_unlock(q->store);
    sim_xml_finish(&x, 207, SIM_NS_DAV, "multistatus");
    return OK;
}

int sim_do_delete(sim_req_t *q)
{
    const char **hrefs;
    int rc, n = 0, i;
    sim_xml_t x;

    if (q->r->method[0] != 'B') {
        sim_store_write(q->store);
        rc = delete_one(q, q->path);
        sim_store_unlock(q->store);
        return sim_answer(q, rc);
    }
    rc = sim_xml_read_targets(q, &n, &hrefs);
    if (rc != OK) {
        return sim_answer(q, rc);
    }
    sim_xml_begin(&x, q);
    sim_store_write(q->store);
    for (i = 0; i < n; i++) {
        sim_xml_open(&x, SIM_NS_DAV, "response");
        sim_xml_text(&x, SIM_NS_DAV, "href", hrefs[i]);
        sim_xml_status(&x, delete_one(q, sim_target_path(q, hrefs[i])));
        sim_xml_close(&x, SIM_NS_DAV, "response");
    }
    sim_store_unlock(q->store);
    sim_xml_finish(&x, 207, SIM_NS_DAV, "multistatus");
    return OK;
}

static int make_folder(sim_req_t *q)
{
    sim_target_t t;

    sim_resolve(q, q->path, &t);
    if (!t.mailbox) {
        return t.at == SIM_AT_NO_MAILBOX ? HTTP_NOT_FOUND : HTTP_FORBIDDEN;
    }
    if (!may_write(q, &t)) {
        return denied(q);
    }
    switch (t.at) {
    case SIM_AT_FREE:
        break;
    case SIM_AT_NO_PARENT:
        return HTTP_CONFLICT;
    case SIM_AT_SUBMIT:
        return HTTP_FORBIDDEN;
    default:
        return HTTP_METHOD_NOT_ALLOWED;
    }
    return sim_folder_add(t.folder, t.leaf, SIM_F_OTHER) ? HTTP_CREATED : HTTP_METHOD_NOT_ALLOWED;
}

int sim_do_mkcol(sim_req_t *q)
{
    sim_proppatch_t pp;
    int rc;

    if (q->body_len && sim_xml_read_proppatch(q, &pp) != OK) {
        return sim_answer(q, HTTP_UNSUPPORTED_MEDIA_TYPE);
    }
    sim_store_write(q->store);
    rc = make_folder(q);
    sim_store_unlock(q->store);
    if (rc == HTTP_CREATED && q->body_len) {
        return sim_do_proppatch(q); /* properties of the new folder: 207 */
    }
    return sim_answer(q, rc);
}
