/* The address list: Cmd=galfind, gallookup and viewmembers. It holds the mailboxes, and whoever
 * POST /_sim/directory added (people of other servers, distribution lists). */
#include "owacmd.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define SIM_NS_OWN "urn:sim:" /* what only the simulator knows of an item */

/* Fields as galfind asks them, and the child of a row that shows each; NULL: not shown. */
static const struct {
    const char *query, *child;
} fields[] = {
    {"DN", "DN"}, {"AN", "AN"}, {"FN", NULL}, {"LN", NULL}, {"TL", "TL"},
    {"CP", "CP"}, {"DP", NULL}, {"OF", "OFFICE"}, {"EM", "EM"},
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))
enum { DN, AN, FN, LN, TL, CP, DP, OF, EM };

typedef struct entry_t {
    struct entry_t *next;
    const char *value[NFIELDS]; /* "" where nothing is known */
    int person; /* gallookup knows persons and rooms only */
} entry_t;

static entry_t *directory; /* under the store's lock */

void sim_gal_reset(void)
{
    entry_t *e;
    size_t i;

    while ((e = directory) != NULL) {
        directory = e->next;
        for (i = 0; i < NFIELDS; i++) {
            free((char *)e->value[i]);
        }
        free(e);
    }
}

const char *sim_gal_add(sim_req_t *q)
{
    entry_t *e, **at = &directory;
    size_t i;

    if (!sim_field(q->p, q->args, "DN") || !sim_field(q->p, q->args, "EM")) {
        return "DN and EM are wanted, list=1 for a distribution list; AN, FN, LN, TL, CP, DP, OF "
               "may stand, too";
    }
    e = calloc(1, sizeof(*e));
    e->person = sim_field(q->p, q->args, "list") == NULL;
    for (i = 0; i < NFIELDS; i++) {
        const char *value = sim_field(q->p, q->args, fields[i].query);

        e->value[i] = strdup(value ? value : "");
    }
    while (*at) {
        at = &(*at)->next;
    }
    *at = e;
    return NULL;
}

static void entry_of(const sim_mailbox_t *m, entry_t *e)
{
    size_t i;

    for (i = 0; i < NFIELDS; i++) {
        e->value[i] = "";
    }
    e->value[DN] = e->value[FN] = m->display;
    e->value[AN] = m->name;
    e->value[EM] = m->address;
    e->value[OF] = m->kind == SIM_ROOM ? "Conference rooms" : "";
    e->person = 1;
}

static int starts_with(const char *text, const char *prefix)
{
    char *t = sim_fold(text), *p = sim_fold(prefix);
    int yes = strncmp(t, p, strlen(p)) == 0;

    free(t);
    free(p);
    return yes;
}

/* All given fields must match by prefix. That clients filter the rows once more is a sign that some
 * server looks at less than it is given: then only the first field counts. */
static int matches(sim_req_t *q, const entry_t *e, const char **wanted)
{
    size_t i;

    for (i = 0; i < NFIELDS; i++) {
        if (wanted[i] && !starts_with(e->value[i], wanted[i])) {
            return 0;
        }
        if (wanted[i] && sim_setting_is(q->conf, "gal-match", "wider")) {
            return 1;
        }
    }
    return 1;
}

/* 1 if there is something to look for. A name that galfind does not know is mostly a value with a
 * raw & in it. */
static int read_query(sim_req_t *q, const char **wanted)
{
    char *copy = apr_pstrdup(q->p, q->args ? q->args : ""), *rest = NULL, *pair;
    int given = 0;
    size_t i;

    memset(wanted, 0, sizeof(*wanted) * NFIELDS);
    for (pair = apr_strtok(copy, "&", &rest); pair; pair = apr_strtok(NULL, "&", &rest)) {
        size_t n = strcspn(pair, "=");

        for (i = 0; i < NFIELDS && (n != 2 || strncasecmp(pair, fields[i].query, 2)); i++) {
        }
        if (i == NFIELDS && !(n == 3 && strncasecmp(pair, "Cmd", 3) == 0)) {
            sim_wrong(q, 43, "galfind has no field \"%.*s\"", (int)(n > 40 ? 40 : n), pair);
        }
        if (i == EM && n == 2) {
            sim_wrong(q, 43, "no client asks for EM, so nobody knows what comes; AN does it");
        }
        if (i < NFIELDS && !sim_unescape(q->p, pair + n)) {
            sim_wrong(q, 43, "%s is no UTF-8 in percent-encoding", fields[i].query);
            return 0;
        }
    }
    for (i = 0; i < NFIELDS; i++) {
        const char *value = i == EM && sim_setting_is(q->conf, "gal-em", "ignore")
                                ? NULL : sim_field(q->p, q->args, fields[i].query);

        wanted[i] = value && *value ? value : NULL;
        given |= wanted[i] != NULL;
    }
    if (!given) {
        sim_wrong(q, 43, "galfind without a field to look for");
    }
    return given;
}

static void element(sim_buf_t *b, const char *p, const char *name, const char *text)
{
    sim_buf_printf(b, "<%s:%s>", p, name);
    sim_buf_xml(b, text);
    sim_buf_printf(b, "</%s:%s>", p, name);
}

static void row(sim_req_t *q, sim_buf_t *b, const char *p, const entry_t *e)
{
    size_t i;

    sim_buf_printf(b, "<%s:item>", p);
    for (i = 0; i < NFIELDS; i++) {
        if (fields[i].child && (i < TL || i >= OF || *e->value[i])) {
            element(b, p, fields[i].child, e->value[i]);
        }
    }
    if (sim_setting_is(q->conf, "unknown-elements", "yes")) {
        element(b, p, "x-unknown", "x");
    }
    sim_buf_printf(b, "</%s:item>", p);
}

static void fail(sim_buf_t *b, const char *p, const char *text)
{
    sim_buf_clear(b);
    sim_buf_printf(b, "<%s:response xmlns:%s=\"WM\">", p, p);
    element(b, p, "error", text);
}

static void find(sim_req_t *q, sim_buf_t *b, const char *p)
{
    const char *wanted[NFIELDS];
    long n = 0, max = sim_setting_number(q->conf, "gal-max");
    const sim_mailbox_t *m = sim_mailbox_first(q->store);
    const entry_t *e = directory;
    int given = read_query(q, wanted);
    entry_t one;

    sim_buf_printf(b, "<%s:items>", p);
    while (given && (m || e)) {
        const entry_t *now = m ? &one : e;

        if (m) {
            entry_of(m, &one);
            m = m->next;
        }
        else {
            e = e->next;
        }
        if (!matches(q, now, wanted)) {
            continue;
        }
        if (++n > max) {
            if (sim_setting_is(q->conf, "gal-too-many", "cut")) {
                break;
            }
            fail(b, p, "too many");
            return;
        }
        row(q, b, p, now);
    }
    if (n == 0 && sim_setting_is(q->conf, "gal-nothing", "error")) {
        fail(b, p, "nothing found");
        return;
    }
    sim_buf_printf(b, "</%s:items>", p);
}

static void look_up(sim_req_t *q, sim_buf_t *b, const char *p)
{
    const char *address = sim_field(q->p, q->args, "ADDR");
    const sim_mailbox_t *m = NULL;
    const entry_t *e;
    entry_t one;

    if (!address || !strchr(address, '@')) {
        sim_wrong(q, 43, "gallookup wants ADDR, an SMTP address");
    }
    else {
        m = sim_mailbox_find(q->store, address);
    }
    for (e = directory; e && address && strcasecmp(e->value[EM], address) != 0; e = e->next) {
    }
    if (m) {
        entry_of(m, &one);
        e = &one;
    }
    if (!address || !e || !e->person) {
        element(b, p, "error", "not found");
        return;
    }
    sim_buf_printf(b, "<%s:person>", p);
    element(b, p, "alias", e->value[AN]);
    element(b, p, "first", e->value[FN]);
    element(b, p, "last", e->value[LN]);
    element(b, p, "office", e->value[OF]);
    sim_buf_printf(b, "</%s:person>", p);
}

/* Where on the server the address list answers: the sources have the mailbox for 2003 and /public/
 * for 2000. A folder or an item in a mailbox has none. */
static int in_its_place(sim_req_t *q, const sim_target_t *t)
{
    int mailbox = t->at == SIM_AT_TOP || (t->at == SIM_AT_FOLDER && t->folder->kind == SIM_F_ROOT);

    return (mailbox && !sim_setting_is(q->conf, "gal-at", "public"))
           || (t->at == SIM_AT_PUBLIC && !sim_setting_is(q->conf, "gal-at", "mailbox"));
}

static sim_buf_t *begin(sim_req_t *q, char *p)
{
    p[0] = (char)('a' + (sim_setting_is(q->conf, "prefixes", "shuffle") ? sim_random(q, 26) : 0));
    p[1] = '\0';
    sim_answer(q, HTTP_OK);
    q->out.type = "text/xml";
    sim_buf_printf(&q->out.body, "<%s:response xmlns:%s=\"WM\">", p, p);
    return &q->out.body;
}

int sim_gal(sim_req_t *q, const sim_target_t *t)
{
    int finding = strcasecmp(q->cmd, "galfind") == 0;
    sim_buf_t *b;
    char p[2];

    if (!in_its_place(q, t)) {
        sim_wrong(q, 44, "the address list is asked at the mailbox itself (or, by the switch "
                  "gal-at, at /public/)");
    }
    if (!in_its_place(q, t) || (!finding && sim_setting_is(q->conf, "gal-lookup", "no"))) {
        return sim_page(q, HTTP_OK, "Microsoft Outlook Web Access", "");
    }
    b = begin(q, p);
    if (finding) {
        find(q, b, p);
    }
    else {
        look_up(q, b, p);
    }
    sim_buf_printf(b, "</%s:response>", p);
    return OK;
}

/* ---- lists ---- */

/* The list that a person keeps among the contacts, as Outlook makes it. */
const char *sim_gal_list(sim_req_t *q, sim_mailbox_t *m)
{
    const char *name = sim_field(q->p, q->args, "name"), **members;
    int n = sim_fields(q->p, q->args, "member", &members);
    sim_folder_t *folder = m->known[SIM_F_CONTACTS];
    sim_item_t *item;

    if (!name || !*name) {
        return "name is wanted, and any number of member=ADDRESS";
    }
    item = sim_item_new(q->store);
    sim_set(item, SIM_NS_DAV, "contentclass", "urn:content-classes:group");
    sim_set(item, SIM_NS_EXCHANGE, "outlookmessageclass", "IPM.DistList");
    sim_set(item, SIM_NS_MAIL, "subject", name);
    if (n > 0) {
        sim_set_values(item, sim_name(SIM_NS_OWN, "member"), SIM_T_MV_STRING, n, members);
    }
    sim_item_store(folder, item, sim_item_free_name(q->p, folder, name));
    return NULL;
}

int sim_viewmembers(sim_req_t *q, const sim_target_t *t)
{
    const sim_prop_t *members;
    sim_buf_t *b;
    char p[2];
    int i;

    if (t->at != SIM_AT_ITEM
        || strcasecmp(sim_get_or(t->item, SIM_NS_EXCHANGE, "outlookmessageclass", ""),
                      "IPM.DistList") != 0) {
        sim_wrong(q, 45, "viewmembers is for the item of a distribution list");
        return sim_page(q, HTTP_OK, "Microsoft Outlook Web Access", "");
    }
    members = sim_prop(t->item, sim_name(SIM_NS_OWN, "member"));
    b = begin(q, p);
    for (i = 0; members && i < members->n; i++) {
        if (sim_setting_is(q->conf, "members-wrapped", "yes")) {
            sim_buf_printf(b, "<%s:item>", p);
        }
        element(b, p, "memberid", apr_itoa(q->p, i + 1));
        element(b, p, "email", members->values[i]);
        if (sim_setting_is(q->conf, "members-wrapped", "yes")) {
            sim_buf_printf(b, "</%s:item>", p);
        }
    }
    sim_buf_printf(b, "</%s:response>", p);
    return OK;
}
