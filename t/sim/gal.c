/* Cmd=galfind and Cmd=gallookup: the address list, made of the mailboxes. */
#include "owacmd.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* The fields of a row and the query field that searches each; "" where nothing is known. */
static const char *field_of(const sim_mailbox_t *m, const char *query)
{
    return strcmp(query, "DN") == 0 || strcmp(query, "FN") == 0 ? m->display
           : strcmp(query, "AN") == 0                           ? m->name
           : strcmp(query, "EM") == 0                           ? m->address
           : strcmp(query, "OF") == 0 && m->kind == SIM_ROOM    ? "Conference rooms"
                                                                : "";
}

static int starts_with(const char *text, const char *prefix)
{
    char *t = sim_fold(text), *p = sim_fold(prefix);
    int yes = strncmp(t, p, strlen(p)) == 0;

    free(t);
    free(p);
    return yes;
}

/* All given fields must match by prefix; at least one must be given. */
static int matches(sim_req_t *q, const sim_mailbox_t *m)
{
    static const char *const names[] = {"DN", "AN", "FN", "LN", "TL", "CP", "DP", "OF", "EM"};
    int given = 0;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *wanted = sim_field(q->p, q->args, names[i]);

        if (wanted && *wanted) {
            given = 1;
            if (!starts_with(field_of(m, names[i]), wanted)) {
                return 0;
            }
        }
    }
    return given;
}

static void element(sim_buf_t *b, const char *p, const char *name, const char *text)
{
    sim_buf_printf(b, "<%s:%s>", p, name);
    sim_buf_xml(b, text);
    sim_buf_printf(b, "</%s:%s>", p, name);
}

static void find(sim_req_t *q, sim_buf_t *b, const char *p)
{
    const sim_mailbox_t *m;
    long n = 0, max = sim_setting_number(q->conf, "gal-max");

    sim_buf_printf(b, "<%s:items>", p);
    for (m = sim_mailbox_first(q->store); m; m = m->next) {
        if (!matches(q, m)) {
            continue;
        }
        if (++n > max) {
            sim_buf_clear(b);
            sim_buf_printf(b, "<%s:response xmlns:%s=\"WM\"><%s:error>too many</%s:error>", p, p, p,
                           p);
            return;
        }
        sim_buf_printf(b, "<%s:item>", p);
        element(b, p, "DN", m->display);
        element(b, p, "EM", m->address);
        element(b, p, "AN", m->name);
        element(b, p, "OFFICE", field_of(m, "OF"));
        sim_buf_printf(b, "</%s:item>", p);
    }
    sim_buf_printf(b, "</%s:items>", p);
}

static void look_up(sim_req_t *q, sim_buf_t *b, const char *p)
{
    const char *address = sim_field(q->p, q->args, "ADDR");
    const sim_mailbox_t *m = address && strchr(address, '@') ? sim_mailbox_find(q->store, address)
                                                             : NULL;

    if (!m) {
        sim_buf_printf(b, "<%s:error>not found</%s:error>", p, p);
        return;
    }
    sim_buf_printf(b, "<%s:person>", p);
    element(b, p, "alias", m->name);
    element(b, p, "first", m->display);
    element(b, p, "last", "");
    element(b, p, "office", field_of(m, "OF"));
    sim_buf_printf(b, "</%s:person>", p);
}

int sim_gal(sim_req_t *q)
{
    char p[2] = {(char)('a' + (sim_setting_is(q->conf, "prefixes", "shuffle") ? sim_random(q, 26)
                                                                              : 0)), '\0'};
    sim_buf_t *b = &q->out.body;

    sim_answer(q, HTTP_OK);
    q->out.type = "text/xml";
    sim_buf_printf(b, "<%s:response xmlns:%s=\"WM\">", p, p);
    if (strcasecmp(q->cmd, "galfind") == 0) {
        find(q, b, p);
    }
    else {
        look_up(q, b, p);
    }
    sim_buf_printf(b, "</%s:response>", p);
    return OK;
}
