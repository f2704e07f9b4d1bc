/* /_sim/: what tests and people may look at and change, in JSON, on loopback only, without logon.
 * What there is, and the shape of the replies: README. */
#include "inspect.h"
#include "owacmd.h"
#include "submitting.h"
#include "witness.h"

#include <apr_strings.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- log and counters ---- */

#define LOG_SIZE 4096

typedef struct log_entry_t {
    unsigned long id, conn;
    unsigned conn_requests;
    int status, ms;
    char method[16], user[64], means[16], op[32], target[512], destination[256], wrong[400];
} log_entry_t;

static log_entry_t log_ring[LOG_SIZE];
static unsigned long log_count;
static unsigned long counters[SIM_COUNT_KINDS];
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static const char *const counter_names[SIM_COUNT_KINDS] = {
    "requests", "wrong", "submitted", "invitations", "cancellations",
    "answers",  "ordinary", "outside", "owa-updates", "logons", "logons-refused",
    "op-two-users", "connection-two-users", "credential-differs", "without-op"};

void sim_count(sim_count_t what)
{
    __atomic_add_fetch(&counters[what], 1, __ATOMIC_RELAXED);
}

void sim_log_request(sim_req_t *q)
{
    const char *destination = apr_table_get(q->r->headers_in, "Destination");
    log_entry_t *e;

    sim_count(SIM_COUNT_REQUESTS);
    sim_witness_note(q);
    if (q->wrong) {
        sim_count(SIM_COUNT_WRONG);
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, q->r, "wrong: %s", q->wrong);
    }
    pthread_mutex_lock(&log_mutex);
    e = &log_ring[log_count++ % LOG_SIZE];
    e->id = q->id;
    e->conn = q->conn->id;
    e->conn_requests = q->conn->requests;
    e->status = q->out.status;
    e->ms = (int)apr_time_as_msec(apr_time_now() - q->started);
    apr_cpystrn(e->method, q->r->method, sizeof(e->method));
    apr_cpystrn(e->user, q->user_name, sizeof(e->user));
    apr_cpystrn(e->means, q->means, sizeof(e->means));
    apr_cpystrn(e->op, q->op, sizeof(e->op));
    apr_cpystrn(e->target, q->r->unparsed_uri, sizeof(e->target));
    apr_cpystrn(e->destination, destination ? destination : "", sizeof(e->destination));
    apr_cpystrn(e->wrong, q->wrong ? q->wrong : "", sizeof(e->wrong));
    pthread_mutex_unlock(&log_mutex);
}

/* ---- JSON helpers ---- */

/* Text that may not be UTF-8 (a header, say): Latin-1 then. */
static json_t *text_json(const char *text)
{
    json_t *j = json_string(text);
    char *copy, *c;

    if (!j && (copy = strdup(text)) != NULL) {
        for (c = copy; *c; c++) {
            *c = (char)((unsigned char)*c < 0x80 ? *c : '?');
        }
        j = json_string(copy);
        free(copy);
    }
    return j ? j : json_string("");
}

static int reply_json(sim_req_t *q, json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    sim_answer(q, HTTP_OK);
    q->out.type = "application/json";
    sim_buf_puts(&q->out.body, text ? text : "null");
    sim_buf_puts(&q->out.body, "\n");
    free(text);
    json_decref(j);
    return OK;
}

static int reply_error(sim_req_t *q, int status, const char *why)
{
    reply_json(q, json_pack("{s:s}", "error", why));
    q->out.status = status;
    return OK;
}

/* ---- looking ---- */

static json_t *log_json(unsigned long since)
{
    json_t *all = json_array();
    unsigned long i, first;

    pthread_mutex_lock(&log_mutex);
    first = log_count > LOG_SIZE ? log_count - LOG_SIZE : 0;
    for (i = first; i < log_count; i++) {
        const log_entry_t *e = &log_ring[i % LOG_SIZE];

        if (e->id > since) {
            json_array_append_new(
                all,
                json_pack("{s:I,s:I,s:i,s:s,s:o,s:o,s:o,s:s,s:o,s:i,s:i,s:o}", "id",
                          (json_int_t)e->id, "connection", (json_int_t)e->conn, "on_connection",
                          (int)e->conn_requests, "method", e->method, "target",
                          text_json(e->target), "destination", text_json(e->destination), "user",
                          text_json(e->user), "means", e->means, "op", text_json(e->op), "status",
                          e->status, "ms", e->ms, "wrong", text_json(e->wrong)));
        }
    }
    pthread_mutex_unlock(&log_mutex);
    return all;
}

static json_t *counters_json(void)
{
    json_t *all = json_object();
    int i;

    for (i = 0; i < SIM_COUNT_KINDS; i++) {
        json_object_set_new(all, counter_names[i],
                            json_integer((json_int_t)__atomic_load_n(&counters[i],
                                                                     __ATOMIC_RELAXED)));
    }
    return all;
}

static json_t *settings_json(const sim_conf_t *conf)
{
    json_t *all = json_object();
    int i;

    for (i = 0; sim_setting_rows[i].name; i++) {
        const sim_setting_row_t *row = &sim_setting_rows[i];
        int secret = strcmp(row->allowed, "secret") == 0;
        const char *value = secret ? "" : sim_setting(conf, row->name);

        json_object_set_new(all, row->name,
                            json_pack("{s:s,s:s,s:s,s:s}", "value", value, "default", row->def,
                                      "allowed", row->allowed, "help", row->help));
    }
    return all;
}

static json_t *properties_json(const sim_item_t *item, apr_pool_t *p)
{
    json_t *all = json_object(), *list;
    int i, j;

    for (i = 0; i < item->nprops; i++) {
        const sim_prop_t *prop = &item->props[i];
        const char *name = apr_pstrcat(p, prop->name->ns, prop->name->local, NULL);

        if (prop->type < SIM_T_MV_STRING && prop->n == 1) {
            json_object_set_new(all, name, text_json(prop->values[0]));
            continue;
        }
        list = json_array();
        for (j = 0; j < prop->n; j++) {
            json_array_append_new(list, text_json(prop->values[j]));
        }
        json_object_set_new(all, name, list);
    }
    return all;
}

static json_t *item_json(sim_req_t *q, const sim_item_t *item)
{
    static const char *const roles[] = {"to", "cc", "bcc"};
    json_t *attendees = json_array();
    int i;

    for (i = 0; i < item->nattendees; i++) {
        const sim_attendee_t *a = &item->attendees[i];

        json_array_append_new(attendees, json_pack("{s:o,s:s,s:i,s:b}", "address",
                                                   text_json(a->address), "role", roles[a->role],
                                                   "answer", (int)a->answer, "listed", a->listed));
    }
    return json_pack("{s:o,s:o,s:I,s:I,s:s,s:s,s:b,s:o,s:o}", "name", text_json(item->name), "href",
                     text_json(sim_href_item(q, item)), "id", (json_int_t)item->id, "revision",
                     (json_int_t)item->revision, "created", sim_time_text(q->p, item->created),
                     "modified", sim_time_text(q->p, item->modified), "mime", item->stream != NULL,
                     "attendees", attendees, "properties", properties_json(item, q->p));
}

static const char *const folder_keys[SIM_F_WELLKNOWN] = {
    "root",   "inbox", "calendar", "drafts", "sentitems", "deleteditems",
    "outbox", "tasks", "contacts", "notes",  "journal"};

static sim_folder_t *folder_by(const sim_mailbox_t *m, const char *key)
{
    int i;

    for (i = 0; i < SIM_F_WELLKNOWN; i++) {
        if (strcasecmp(key, folder_keys[i]) == 0) {
            return m->known[i];
        }
    }
    return sim_folder_find(m->root, key);
}

static void folders_json(sim_req_t *q, const sim_folder_t *f, const sim_folder_t *only, json_t *all)
{
    json_t *items = json_array();
    const sim_folder_t *sub;
    const sim_item_t *item;

    for (item = f->items; item && (!only || only == f); item = item->next) {
        json_array_append_new(items, item_json(q, item));
    }
    if (!only || only == f) {
        json_array_append_new(
            all, json_pack("{s:s,s:o,s:o,s:o}", "kind",
                           f->kind < SIM_F_WELLKNOWN ? folder_keys[f->kind] : "other", "name",
                           text_json(f->name), "href", text_json(sim_href_folder(q, f, 1)), "items",
                           items));
    }
    else {
        json_decref(items);
    }
    for (sub = f->folders; sub; sub = sub->next) {
        folders_json(q, sub, only, all);
    }
}

static json_t *mailbox_json(const sim_mailbox_t *m)
{
    static const char *const policies[] = {"silent", "accept", "refuse"};
    static const char *const languages[] = {"en", "de", "fr", "hu"};

    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "name", m->name, "address", m->address,
                     "display", m->display, "kind", m->kind == SIM_ROOM ? "room" : "person",
                     "policy", policies[m->policy], "language", languages[m->language], "cached",
                     m->cached);
}

static int show_mailbox(sim_req_t *q, const sim_mailbox_t *m)
{
    const char *key = sim_field(q->p, q->args, "folder");
    json_t *j, *folders;
    sim_folder_t *only;

    sim_store_read(q->store);
    only = key ? folder_by(m, key) : NULL;
    if (key && !only) {
        sim_store_unlock(q->store);
        return reply_error(q, HTTP_NOT_FOUND, "no such folder");
    }
    j = mailbox_json(m);
    folders = json_array();
    folders_json(q, m->root, only, folders);
    json_object_set_new(j, "folders", folders);
    sim_store_unlock(q->store);
    return reply_json(q, j);
}

static int show_mailboxes(sim_req_t *q)
{
    json_t *all = json_array();
    const sim_mailbox_t *m;

    for (m = sim_mailbox_first(q->store); m; m = m->next) {
        json_array_append_new(all, mailbox_json(m));
    }
    return reply_json(q, all);
}

/* ---- changing ---- */

static int set_settings(sim_req_t *q)
{
    char *copy = apr_pstrdup(q->p, q->args ? q->args : ""), *last, *pair;
    const char *wrong;

    for (pair = apr_strtok(copy, "&", &last); pair; pair = apr_strtok(NULL, "&", &last)) {
        const char *name = apr_pstrmemdup(q->p, pair, strcspn(pair, "="));
        const char *value = sim_field(q->p, pair, name);

        wrong = sim_setting_set(q->p, q->conf, name, value ? value : "");
        if (wrong) {
            return reply_error(q, HTTP_BAD_REQUEST, wrong);
        }
    }
    return reply_json(q, settings_json(q->conf));
}

static int set_clock(sim_req_t *q)
{
    const char *advance = sim_field(q->p, q->args, "advance");
    const char *set = sim_field(q->p, q->args, "set");
    apr_time_t t;

    if (advance && *advance && !advance[strspn(advance, "0123456789")] && strlen(advance) < 12) {
        sim_clock_advance(q->store, apr_time_from_sec(strtol(advance, NULL, 10)));
    }
    else if (set && sim_time_parse(set, 0, &t)) {
        sim_clock_set(q->store, t);
    }
    else {
        return reply_error(q, HTTP_BAD_REQUEST, "advance=SECONDS or set=DATE-TIME");
    }
    sim_run_due(q->store);
    return reply_json(q, json_pack("{s:s}", "now", sim_time_text(q->p, sim_now(q->store))));
}

static sim_mailbox_t *mailbox_field(sim_req_t *q, const char *field)
{
    const char *name = sim_field(q->p, q->args, field);

    return name ? sim_mailbox_find(q->store, name) : NULL;
}

static int do_respond(sim_req_t *q)
{
    static const char *const answers[] = {"tentative", "accept", "decline"};
    const char *uid = sim_field(q->p, q->args, "uid"), *answer = sim_field(q->p, q->args, "answer");
    sim_mailbox_t *m = mailbox_field(q, "mailbox");
    int i, found;

    for (i = 0; i < 3 && (!answer || strcmp(answer, answers[i]) != 0); i++) {
    }
    if (!m || !uid || i == 3) {
        return reply_error(q, HTTP_BAD_REQUEST, "mailbox, uid, answer=accept|tentative|decline");
    }
    sim_store_write(q->store);
    found = sim_respond(q->store, q->conf, m, uid, (sim_answer_t)(SIM_ANSWER_TENTATIVE + i));
    sim_store_unlock(q->store);
    return found ? reply_json(q, json_pack("{s:b}", "done", 1))
                 : reply_error(q, HTTP_NOT_FOUND, "no such meeting there");
}

/* A query field that is a full property name sets that property. */
static const char *set_fields(sim_req_t *q, sim_item_t *item)
{
    char *copy = apr_pstrdup(q->p, q->args), *last, *pair;

    for (pair = apr_strtok(copy, "&", &last); pair; pair = apr_strtok(NULL, "&", &last)) {
        const char *raw = apr_pstrmemdup(q->p, pair, strcspn(pair, "="));
        const char *full = sim_unescape(q->p, raw), *value, *local, *checked;
        const sim_name_t *name;

        if (!full || !strchr(full, ':')) {
            continue;
        }
        for (local = full + strlen(full); local[-1] != ':' && local[-1] != '/'; local--) {
        }
        value = sim_field(q->p, pair, raw);
        name = sim_name(apr_pstrmemdup(q->p, full, (apr_size_t)(local - full)), local);
        checked = name && value ? sim_value_check(q->p, name->type, value) : NULL;
        if (!checked) {
            return apr_psprintf(q->p, "\"%.60s\" is no value of %.80s", value ? value : "", full);
        }
        sim_set_values(item, name, name->type, 1, &checked);
    }
    return NULL;
}

static long number_field(sim_req_t *q, const char *name, long def)
{
    const char *text = sim_field(q->p, q->args, name);

    return text ? strtol(text, NULL, 10) : def;
}

static int make_items(sim_req_t *q)
{
    const char *key = sim_field(q->p, q->args, "folder");
    const char *start = sim_field(q->p, q->args, "start"), *stem;
    long n = number_field(q, "count", 1), minutes = number_field(q, "minutes", 30);
    long step = number_field(q, "step", 60), i;
    sim_mailbox_t *m = mailbox_field(q, "mailbox");
    const char *wrong = NULL, *href = "";
    apr_time_t t = 0;
    sim_folder_t *folder;
    apr_pool_t *p;

    if (!m || n < 1 || n > 100000 || (start && !sim_time_parse(start, 0, &t))) {
        return reply_error(q, HTTP_BAD_REQUEST, "mailbox, count up to 100000, start");
    }
    apr_pool_create(&p, q->p);
    sim_store_write(q->store);
    folder = folder_by(m, key ? key : "calendar");
    for (i = 0; i < n && folder && !wrong; i++) {
        sim_item_t *item = sim_item_new(q->store);
        apr_time_t from = t + i * apr_time_from_sec(60 * step);

        apr_pool_clear(p);
        sim_set(item, SIM_NS_DAV, "contentclass", SIM_CLASS_APPOINTMENT);
        sim_set(item, SIM_NS_EXCHANGE, "outlookmessageclass", "IPM.Appointment");
        sim_set(item, SIM_NS_CAL, "busystatus", "BUSY");
        sim_set(item, SIM_NS_CAL, "alldayevent", "0");
        sim_set(item, SIM_NS_MAIL, "subject", apr_psprintf(p, "Item %ld", i + 1));
        if (start) {
            sim_set(item, SIM_NS_CAL, "dtstart", sim_time_text(p, from));
            sim_set(item, SIM_NS_CAL, "dtend",
                    sim_time_text(p, from + apr_time_from_sec(60 * minutes)));
        }
        wrong = set_fields(q, item);
        if (wrong) {
            sim_item_free(item);
            break;
        }
        if (sim_get(item, SIM_NS_CAL, "rrule")) {
            sim_set(item, SIM_NS_CAL, "instancetype", "1");
        }
        sim_item_complete(item, m);
        sim_attendees_from_headers(item);
        stem = n > 1 ? apr_psprintf(p, "item-%lu", item->id)
                     : sim_get(item, SIM_NS_MAIL, "subject");
        sim_item_store(folder, item, sim_item_free_name(p, folder, stem));
        href = sim_href_item(q, item);
    }
    sim_store_unlock(q->store);
    if (wrong || !folder) {
        return reply_error(q, HTTP_BAD_REQUEST, wrong ? wrong : "no such folder");
    }
    return reply_json(q, json_pack("{s:I,s:s}", "made", (json_int_t)n, "last", href));
}

static int change_mailbox(sim_req_t *q, sim_mailbox_t *m)
{
    const char *cached = sim_field(q->p, q->args, "cached");
    const char *policy = sim_field(q->p, q->args, "policy");

    sim_store_write(q->store);
    if (cached) {
        m->cached = *cached == '1';
    }
    if (policy) {
        m->policy = strcmp(policy, "accept") == 0   ? SIM_POLICY_ACCEPT
                    : strcmp(policy, "refuse") == 0 ? SIM_POLICY_REFUSE
                                                    : SIM_POLICY_SILENT;
    }
    sim_store_unlock(q->store);
    return reply_json(q, mailbox_json(m));
}

static int do_grant(sim_req_t *q)
{
    static const char *const levels[] = {"none", "read", "write", "owner"};
    sim_mailbox_t *m = mailbox_field(q, "mailbox"), *user = mailbox_field(q, "user");
    const char *level = sim_field(q->p, q->args, "level");
    sim_grant_t *g;
    int i;

    for (i = 0; i < 4 && (!level || strcmp(level, levels[i]) != 0); i++) {
    }
    if (!m || !user || i == 4 || (g = calloc(1, sizeof(*g))) == NULL) {
        return reply_error(q, HTTP_BAD_REQUEST, "mailbox, user, level=none|read|write|owner");
    }
    sim_store_write(q->store);
    if (i == 0) { /* takes all of that user's away */
        sim_grant_t **at = &m->grants, *old;

        free(g);
        while ((old = *at) != NULL) {
            if (old->user == user) {
                *at = old->next;
                free(old);
            }
            else {
                at = &old->next;
            }
        }
    }
    else {
        g->user = user;
        g->level = i;
        g->calendar_only = sim_field(q->p, q->args, "calendar") != NULL;
        g->next = m->grants;
        m->grants = g;
    }
    sim_store_unlock(q->store);
    return reply_json(q, json_pack("{s:b}", "done", 1));
}

/* list: among somebody's contacts; else: in the address list of all. */
static int add_to_directory(sim_req_t *q, int list)
{
    sim_mailbox_t *m = list ? mailbox_field(q, "mailbox") : NULL;
    const char *wrong;

    if (list && !m) {
        return reply_error(q, HTTP_BAD_REQUEST, "mailbox");
    }
    sim_store_write(q->store);
    wrong = list ? sim_gal_list(q, m) : sim_gal_add(q);
    sim_store_unlock(q->store);
    return wrong ? reply_error(q, HTTP_BAD_REQUEST, wrong)
                 : reply_json(q, json_pack("{s:b}", "done", 1));
}

static int do_reset(sim_req_t *q)
{
    sim_store_write(q->store);
    sim_store_reset(q->store);
    sim_gal_reset();
    sim_setting_reset(q->conf);
    sim_store_unlock(q->store);
    sim_entry_reset();
    sim_witness_reset();
    pthread_mutex_lock(&log_mutex);
    log_count = 0;
    memset(counters, 0, sizeof(counters));
    pthread_mutex_unlock(&log_mutex);
    return reply_json(q, json_pack("{s:b}", "done", 1));
}

static int on_loopback(const request_rec *r)
{
    const char *ip = r->connection->client_ip;

    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0
           || strncmp(ip, "::ffff:127.", 11) == 0;
}

static int one_mailbox(sim_req_t *q, const char *name, int post)
{
    sim_mailbox_t *m = sim_mailbox_find(q->store, name);

    if (!m) {
        return reply_error(q, HTTP_NOT_FOUND, "no such mailbox");
    }
    return post ? change_mailbox(q, m) : show_mailbox(q, m);
}

int sim_do_inspect(sim_req_t *q)
{
    const char *what = q->path + 6; /* "/_sim/" */
    const char *since = sim_field(q->p, q->args, "since");
    int post = q->r->method_number == M_POST;

    if (!on_loopback(q->r)) {
        return sim_answer(q, HTTP_FORBIDDEN);
    }
    if (strcmp(what, "fault") == 0) {
        return sim_fault_inspect(q);
    }
    if (strncmp(what, "mailbox/", 8) == 0) {
        return one_mailbox(q, what + 8, post);
    }
    if (strcmp(what, "settings") == 0) {
        return post ? set_settings(q) : reply_json(q, settings_json(q->conf));
    }
    if (strcmp(what, "witness") == 0 && !post) {
        return sim_witness_page(q);
    }
    if (strcmp(what, "clock") == 0) {
        return post ? set_clock(q)
                    : reply_json(q, json_pack("{s:s}", "now",
                                              sim_time_text(q->p, sim_now(q->store))));
    }
    if (!post) {
        return strcmp(what, "ping") == 0        ? reply_json(q, json_string("ok"))
               : strcmp(what, "mailboxes") == 0 ? show_mailboxes(q)
               : strcmp(what, "log") == 0
                   ? reply_json(q, log_json(since ? strtoul(since, NULL, 10) : 0))
               : strcmp(what, "counters") == 0 ? reply_json(q, counters_json())
                                               : reply_error(q, HTTP_NOT_FOUND, "no such thing");
    }
    return strcmp(what, "respond") == 0 ? do_respond(q)
           : strcmp(what, "items") == 0 ? make_items(q)
           : strcmp(what, "grant") == 0 ? do_grant(q)
           : strcmp(what, "directory") == 0 || strcmp(what, "list") == 0
               ? add_to_directory(q, *what == 'l')
           : strcmp(what, "reset") == 0 ? do_reset(q)
                                        : reply_error(q, HTTP_NOT_FOUND, "no such thing");
}
