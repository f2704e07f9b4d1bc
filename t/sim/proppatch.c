/* PROPPATCH and BPROPPATCH: creates items, changes items and folders. */
#include "props.h"
#include "recur.h"
#include "submitting.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* Does an ETag list name this one, or is it "*"? */
static int etag_listed(const char *list, const char *etag)
{
    while (*list == ' ') {
        list++;
    }
    return strcmp(list, "*") == 0 || strstr(list, etag) != NULL;
}

int sim_preconditions(sim_req_t *q, const sim_item_t *item)
{
    const char *match = apr_table_get(q->r->headers_in, "If-Match");
    const char *none = apr_table_get(q->r->headers_in, "If-None-Match");
    const char *etag = item ? sim_item_etag(q->p, item) : "";

    if (match && (!item || !etag_listed(match, etag))) {
        return HTTP_PRECONDITION_FAILED;
    }
    if (none && item && etag_listed(none, etag)) {
        return HTTP_PRECONDITION_FAILED;
    }
    return OK;
}

/* The type a value is to be stored with. 0 when the dt attribute is wrong or missing where the
 * server cannot know (named MAPI properties: seen in a published client's own writer). */
static int decide_type(sim_req_t *q, sim_change_t *c)
{
    const sim_name_t *name = c->ask.name;
    sim_type_t given = c->dt ? sim_type_from(c->dt) : SIM_T_UNKNOWN;

    if (c->dt && given == SIM_T_UNKNOWN) {
        sim_wrong(q, 17, "unknown type \"%s\" of %s", c->dt, c->ask.local);
        return 0;
    }
    if (name->flags & SIM_NAME_KNOWN) {
        c->type = name->type;
        if (c->dt && given != name->type && given != SIM_T_STRING) {
            sim_wrong(q, 17, "%s is not of type %s", c->ask.local, c->dt);
            return 0;
        }
    }
    else if (!c->dt && strncmp(name->ns, SIM_NS_MAPI "id/", sizeof(SIM_NS_MAPI "id/") - 1) == 0) {
        sim_wrong(q, 17, "%s needs a type attribute", c->ask.local);
        return 0;
    }
    else {
        c->type = c->dt ? given : c->mv ? SIM_T_MV_STRING : SIM_T_STRING;
    }
    if (!c->mv && c->type >= SIM_T_MV_STRING && c->n == 1 && !c->values[0][strspn(c->values[0],
                                                                                  " \t\r\n")]) {
        c->n = 0;
    }
    return 1;
}

static int check_one(sim_req_t *q, sim_change_t *c, const char *fails)
{
    int i, wrong = sim_setting_is(q->conf, "type-errors", "422") ? HTTP_UNPROCESSABLE_ENTITY
                                                                 : HTTP_BAD_REQUEST;

    c->ask.name = sim_name(c->ask.ns, c->ask.local);
    if (!c->ask.name || !*c->ask.ns) {
        return HTTP_UNPROCESSABLE_ENTITY;
    }
    if (fails && *fails
        && (strcmp(fails, "*") == 0
            || strcmp(fails, apr_pstrcat(q->p, c->ask.ns, " ", c->ask.local, NULL)) == 0)) {
        return HTTP_UNPROCESSABLE_ENTITY;
    }
    if (c->ask.name->flags & SIM_NAME_READONLY) {
        sim_wrong(q, 23, "%s is set by the server", c->ask.local);
        return HTTP_FORBIDDEN;
    }
    if (c->remove) {
        return HTTP_OK;
    }
    if (!decide_type(q, c)) {
        return wrong;
    }
    for (i = 0; i < c->n; i++) {
        const char *v = sim_value_check(q->p, c->type, c->values[i]);

        if (!v) {
            sim_wrong(q, 17, "\"%.40s\" is no value of %s", c->values[i], c->ask.local);
            return wrong;
        }
        c->values[i] = v;
    }
    return HTTP_OK;
}

/* Fills in each change's status. Returns how many failed. */
static int check_all(sim_req_t *q, sim_proppatch_t *pp)
{
    const char *fails = q->fail_property ? q->fail_property
                                         : sim_setting(q->conf, "fail-property");
    int i, failed = 0, one = 0;

    for (i = 0; i < pp->n; i++) {
        /* a fault of "*" fails one property, whichever comes first */
        pp->changes[i].status = check_one(q, &pp->changes[i], one ? NULL : fails);
        failed += pp->changes[i].status != HTTP_OK;
        one |= failed && strcmp(fails, "*") == 0;
    }
    if (failed && sim_setting_is(q->conf, "bad-property", "all-fail")) {
        for (i = 0; i < pp->n; i++) {
            if (pp->changes[i].status == HTTP_OK) {
                pp->changes[i].status = HTTP_FAILED_DEPENDENCY;
            }
        }
    }
    return failed;
}

/* The MIME text an item was PUT as says the same as its properties, or it goes: recipients may be
 * added to a draft (Bcc cannot travel in MIME), anything else makes it stale. */
static void drop_stale_stream(sim_item_t *item, const sim_proppatch_t *pp)
{
    int i;

    for (i = 0; i < pp->n && item->stream; i++) {
        const char *ns = pp->changes[i].ask.name->ns;

        if (strcmp(ns, SIM_NS_CAL) == 0
            || (strcmp(ns, SIM_NS_MAIL) == 0 && strcmp(pp->changes[i].ask.name->local, "read"))) {
            free(item->stream);
            item->stream = NULL;
            item->stream_len = 0;
        }
    }
}

static void apply(sim_item_t *item, const sim_proppatch_t *pp)
{
    int i;

    drop_stale_stream(item, pp);
    for (i = 0; i < pp->n; i++) {
        const sim_change_t *c = &pp->changes[i];

        if (c->status != HTTP_OK) {
            continue;
        }
        if (c->remove) {
            sim_unset(item, c->ask.name);
        }
        else {
            sim_set_values(item, c->ask.name, c->type, c->n, c->values);
        }
    }
    sim_attendees_from_headers(item);
}

static void propstat(sim_xml_t *x, const sim_proppatch_t *pp, int status)
{
    int i, any = 0;

    for (i = 0; i < pp->n; i++) {
        if (pp->changes[i].status != status) {
            continue;
        }
        if (!any++) {
            sim_xml_open(x, SIM_NS_DAV, "propstat");
            sim_xml_status(x, status);
            sim_xml_open(x, SIM_NS_DAV, "prop");
        }
        sim_xml_empty(x, pp->changes[i].ask.ns, pp->changes[i].ask.local);
    }
    if (any) {
        sim_xml_close(x, SIM_NS_DAV, "prop");
        sim_xml_close(x, SIM_NS_DAV, "propstat");
    }
}

/* The response element: href, status where there is one, then a propstat per status. */
static void respond(sim_xml_t *x, const char *href, const sim_proppatch_t *pp, int status)
{
    static const int statuses[] = {HTTP_FORBIDDEN, HTTP_UNPROCESSABLE_ENTITY, HTTP_BAD_REQUEST,
                                   HTTP_FAILED_DEPENDENCY};
    size_t i;

    sim_xml_open(x, SIM_NS_DAV, "response");
    sim_xml_text(x, SIM_NS_DAV, "href", href);
    if (status) {
        sim_xml_status(x, status);
    }
    if (!x->q->brief) {
        propstat(x, pp, HTTP_OK);
    }
    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        propstat(x, pp, statuses[i]);
    }
    sim_xml_close(x, SIM_NS_DAV, "response");
}

/* One item; `status` of the response element in *inner. OK or an HTTP status for the whole. */
static int patch_item(sim_req_t *q, sim_target_t *t, sim_proppatch_t *pp, int failed, int *inner)
{
    int all = failed && sim_setting_is(q->conf, "bad-property", "all-fail"), rc;
    sim_item_t *item = t->at == SIM_AT_ITEM ? t->item : NULL;

    *inner = 0;
    rc = sim_preconditions(q, item);
    if (rc != OK) {
        return rc;
    }
    if (item && sim_setting_is(q->conf, "locked", "yes")) {
        return HTTP_LOCKED;
    }
    if (all) {
        return OK;
    }
    if (!item) {
        item = sim_item_new(q->store);
        apply(item, pp);
        sim_item_complete(item, t->mailbox);
        sim_item_store(t->folder, item, t->leaf);
        t->item = item;
        *inner = HTTP_CREATED;
    }
    else {
        sim_item_touch(item);
        apply(item, pp);
        sim_item_complete(item, t->mailbox);
        *inner = sim_setting_is(q->conf, "changed-status", "200") ? HTTP_OK : 0;
    }
    apr_table_set(q->out.headers, "Location", sim_href_item(q, item));
    apr_table_set(q->out.headers, "GetETag", sim_item_etag(q->p, item));
    apr_table_set(q->out.headers, "Repl-UID", apr_psprintf(q->p, "<rid:%08lx>", item->id));
    return OK;
}

static int patch_folder(sim_target_t *t, const sim_proppatch_t *pp)
{
    sim_item_t holder; /* the folder's properties, looked at as an item's */
    int i;

    memset(&holder, 0, sizeof(holder));
    holder.props = t->folder->props;
    holder.nprops = t->folder->nprops;
    holder.aprops = t->folder->aprops;
    for (i = 0; i < pp->n; i++) {
        if (pp->changes[i].status == HTTP_OK && pp->changes[i].remove) {
            sim_unset(&holder, pp->changes[i].ask.name);
        }
        else if (pp->changes[i].status == HTTP_OK) {
            sim_set_values(&holder, pp->changes[i].ask.name, pp->changes[i].type, pp->changes[i].n,
                           pp->changes[i].values);
        }
    }
    t->folder->props = holder.props;
    t->folder->nprops = holder.nprops;
    t->folder->aprops = holder.aprops;
    sim_folder_touch(t->folder);
    return OK;
}

/* An occurrence that is written to becomes an exception of its own. */
static sim_item_t *exception_of(sim_req_t *q, sim_target_t *t)
{
    apr_time_t start = 0, end = 0;
    sim_item_t *item = sim_item_copy(q->store, t->item);
    const char *text;

    sim_recur_nth(t->item, t->instance, &start, &end);
    sim_unset(item, sim_name(SIM_NS_CAL, "rrule"));
    sim_unset(item, sim_name(SIM_NS_CAL, "exdate"));
    sim_unset(item, sim_name(SIM_NS_CAL, "rdate"));
    text = sim_time_text(q->p, start);
    sim_set(item, SIM_NS_CAL, "recurrenceid", text);
    sim_set(item, SIM_NS_CAL, "dtstart", text);
    sim_set(item, SIM_NS_CAL, "dtend", sim_time_text(q->p, end));
    sim_set(item, SIM_NS_CAL, "instancetype", "3");
    sim_item_store(t->folder, item, t->leaf);
    return item;
}

static int patch(sim_req_t *q, const char *path, sim_proppatch_t *pp, int failed, sim_xml_t *x)
{
    const char *href;
    sim_target_t t;
    int rc, inner = 0;

    sim_resolve(q, path, &t);
    if (!t.mailbox) {
        return HTTP_NOT_FOUND;
    }
    if (t.at == SIM_AT_NO_PARENT) {
        return HTTP_CONFLICT; /* as for a name in a folder that another language calls otherwise */
    }
    if (sim_rights(q, t.mailbox, t.folder ? t.folder : t.mailbox->root) < SIM_RIGHT_WRITE) {
        return (int)sim_setting_number(q->conf, "stranger-status");
    }
    if (sim_setting_is(q->conf, "over-quota", "yes")) {
        return HTTP_INSUFFICIENT_STORAGE;
    }
    if (t.at == SIM_AT_SUBMIT) {
        sim_item_t *message = sim_item_new(q->store);

        apply(message, pp);
        sim_item_complete(message, t.mailbox);
        rc = failed ? HTTP_BAD_REQUEST : sim_submit(q, t.mailbox, message);
        sim_item_free(message);
        if (rc >= 300) {
            return rc;
        }
        respond(x, sim_href_path(q, path), pp, HTTP_CREATED);
        return OK;
    }
    if (t.at == SIM_AT_INSTANCE && !failed) {
        t.item = exception_of(q, &t);
        t.at = SIM_AT_ITEM;
    }
    if (t.at == SIM_AT_FOLDER) {
        rc = patch_folder(&t, pp);
        inner = strcmp(q->r->method, "MKCOL") == 0 ? HTTP_CREATED : 0;
    }
    else {
        rc = patch_item(q, &t, pp, failed, &inner);
    }
    if (rc == OK) {
        href = t.at == SIM_AT_FOLDER ? sim_href_folder(q, t.folder, 1)
               : t.item              ? sim_href_item(q, t.item)
                                     : sim_href_path(q, path);
        respond(x, href, pp, inner);
    }
    return rc;
}

int sim_do_proppatch(sim_req_t *q)
{
    sim_proppatch_t pp;
    sim_xml_t x;
    int rc = sim_xml_read_proppatch(q, &pp), failed, i;

    if (rc != OK) {
        return sim_answer(q, rc);
    }
    failed = check_all(q, &pp);
    for (i = 0; i < pp.n; i++) {
        if (pp.changes[i].status == HTTP_BAD_REQUEST) {
            return sim_answer(q, HTTP_BAD_REQUEST);
        }
    }
    sim_xml_begin(&x, q);
    sim_store_write(q->store);
    if (q->r->method[0] == 'B') {
        for (i = 0; i < pp.nhrefs; i++) {
            rc = patch(q, sim_target_path(q, pp.hrefs[i]), &pp, failed, &x);
            if (rc != OK) {
                sim_xml_open(&x, SIM_NS_DAV, "response");
                sim_xml_text(&x, SIM_NS_DAV, "href", pp.hrefs[i]);
                sim_xml_status(&x, rc);
                sim_xml_close(&x, SIM_NS_DAV, "response");
            }
        }
        rc = OK;
    }
    else {
        rc = patch(q, q->path, &pp, failed, &x);
    }
    sim_store_unlock(q->store);
    if (rc != OK) {
        return sim_answer(q, rc);
    }
    sim_xml_finish(&x, 207, SIM_NS_DAV, "multistatus");
    return OK;
}
