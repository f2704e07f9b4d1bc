/* Paths and hrefs, query fields, and who may do what where. */
#include "sim.h"
#include "recur.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define SUBMISSION "##DavMailSubmissionURI##"

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                                                : -1;
}

static int is_utf8(const unsigned char *s)
{
    while (*s) {
        int n = *s < 0x80 ? 0 : *s >= 0xc2 && *s < 0xe0 ? 1 : *s >= 0xe0 && *s < 0xf0 ? 2
                : *s >= 0xf0 && *s < 0xf5 ? 3 : -1;

        if (n < 0) {
            return 0;
        }
        for (s++; n > 0; n--, s++) {
            if ((*s & 0xc0) != 0x80) {
                return 0;
            }
        }
    }
    return 1;
}

const char *sim_unescape(apr_pool_t *p, const char *text)
{
    char *out = apr_palloc(p, strlen(text) + 1), *o = out;

    for (; *text; text++) {
        if (*text == '%') {
            int h = hex(text[1]), l = h < 0 ? -1 : hex(text[2]);

            if (l < 0 || (h == 0 && l == 0)) {
                return NULL;
            }
            *o++ = (char)(h << 4 | l);
            text += 2;
        }
        else {
            *o++ = *text;
        }
    }
    *o = '\0';
    return is_utf8((unsigned char *)out) ? out : NULL;
}

const char *sim_escape(apr_pool_t *p, const char *segment)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = apr_palloc(p, strlen(segment) * 3 + 1), *o = out;

    for (; *segment; segment++) {
        unsigned char c = (unsigned char)*segment;

        if (apr_isalnum(c) || strchr("-._~!$&'()*+,;=:@", c)) {
            *o++ = (char)c;
        }
        else {
            *o++ = '%';
            *o++ = digits[c >> 4];
            *o++ = digits[c & 15];
        }
    }
    *o = '\0';
    return out;
}

/* ---- query and form fields ---- */

int sim_fields(apr_pool_t *p, const char *text, const char *name, const char ***values)
{
    apr_array_header_t *all = apr_array_make(p, 4, sizeof(char *));
    size_t n = strlen(name);

    while (text && *text) {
        const char *end = strchr(text, '&');
        size_t len = end ? (size_t)(end - text) : strlen(text);

        if (len >= n && strncasecmp(text, name, n) == 0 && (len == n || text[n] == '=')) {
            char *v = len == n ? apr_pstrdup(p, "") : apr_pstrmemdup(p, text + n + 1, len - n - 1);
            char *c;
            const char *decoded;

            for (c = v; *c; c++) {
                if (*c == '+') {
                    *c = ' ';
                }
            }
            decoded = sim_unescape(p, v);
            APR_ARRAY_PUSH(all, const char *) = decoded ? decoded : v;
        }
        text = end ? end + 1 : NULL;
    }
    *values = (const char **)(void *)all->elts;
    return all->nelts;
}

const char *sim_field(apr_pool_t *p, const char *text, const char *name)
{
    const char **values;

    return sim_fields(p, text, name, &values) ? values[0] : NULL;
}

/* ---- what a path names ---- */

/* "<master>-<n>.EML": an occurrence of a recurring master. */
static int find_instance(sim_req_t *q, sim_target_t *t, const char *leaf)
{
    const char *dash = strrchr(leaf, '-');
    sim_item_t *master;
    char *end;
    long n;

    if (!dash || (n = strtol(dash + 1, &end, 10)) < 1 || n > 100000 || strcasecmp(end, ".EML")) {
        return 0;
    }
    master = sim_item_find(t->folder, apr_pstrcat(q->p, apr_pstrmemdup(q->p, leaf,
                                                                       (apr_size_t)(dash - leaf)),
                                                  end, NULL));
    if (!master || !sim_recur_nth(master, (int)n, NULL, NULL)) {
        return 0;
    }
    t->item = master;
    t->instance = (int)n;
    return 1;
}

static void walk(sim_req_t *q, sim_target_t *t, char *rest)
{
    char *segment, *last;

    t->at = SIM_AT_FOLDER;
    t->folder = t->mailbox->root;
    for (segment = apr_strtok(rest, "/", &last); segment; segment = apr_strtok(NULL, "/", &last)) {
        const char *name = sim_unescape(q->p, segment);
        int final = last[strspn(last, "/")] == '\0';
        sim_folder_t *sub;

        t->leaf = name;
        if (!name || strchr(name, '/')) {
            sim_wrong(q, 7, "a name holds an escaped slash or is no UTF-8; / is written _xF8FF_");
            t->at = SIM_AT_NO_PARENT;
            return;
        }
        if (t->folder == t->mailbox->root && strcasecmp(name, SUBMISSION) == 0) {
            t->at = SIM_AT_SUBMIT;
            return;
        }
        if (t->folder == t->mailbox->root && strcasecmp(name, "-FlatUrlSpace-") == 0) {
            const char *dash = strrchr(last, '-');

            t->item = dash ? sim_item_by_id(t->mailbox, strtoul(dash + 1, NULL, 16)) : NULL;
            t->at = t->item ? SIM_AT_ITEM : SIM_AT_NO_PARENT;
            t->folder = t->item ? t->item->folder : t->folder;
            return;
        }
        sub = sim_folder_find(t->folder, name);
        if (sub) {
            t->folder = sub;
            continue;
        }
        if (!final) {
            t->at = SIM_AT_NO_PARENT;
            return;
        }
        t->item = sim_item_find(t->folder, name);
        t->at = t->item                          ? SIM_AT_ITEM
                : find_instance(q, t, name) ? SIM_AT_INSTANCE
                                                 : SIM_AT_FREE;
        return;
    }
}

void sim_resolve(sim_req_t *q, const char *path, sim_target_t *t)
{
    char *copy = apr_pstrdup(q->p, path), *last = NULL, *vdir, *segment;
    int skip = 0;

    memset(t, 0, sizeof(*t));
    vdir = apr_strtok(copy, "/", &last);
    if (vdir && strcasecmp(vdir, "public") == 0) {
        t->at = last && last[strspn(last, "/")] ? SIM_AT_PUBLIC_BELOW : SIM_AT_PUBLIC;
        return;
    }
    if (vdir && strcasecmp(vdir, "exadmin") == 0) { /* /exadmin/admin/<domain>/mbx/<alias>/ */
        skip = 3;
    }
    else if (!vdir || strcasecmp(vdir, "exchange") != 0) {
        t->at = SIM_AT_OUTSIDE;
        return;
    }
    do {
        segment = apr_strtok(NULL, "/", &last);
    } while (segment && skip-- > 0);
    if (!segment) {
        t->at = SIM_AT_TOP;
        return;
    }
    t->leaf = sim_unescape(q->p, segment);
    t->mailbox = t->leaf ? sim_mailbox_find(q->store, t->leaf) : NULL;
    if (!t->mailbox) {
        t->at = SIM_AT_NO_MAILBOX;
        return;
    }
    walk(q, t, last);
}

sim_mailbox_t *sim_top_mailbox(const sim_req_t *q)
{
    return q->user ? q->user : sim_mailbox_first(q->store);
}

/* ---- hrefs ---- */

static const char *own_host(sim_req_t *q)
{
    const char *host = sim_setting(q->conf, "href-host");

    if (!*host) {
        host = apr_table_get(q->r->headers_in, "Host");
    }
    if (!host || !*host) {
        host = apr_psprintf(q->p, "%s:%d", q->r->connection->local_ip,
                            q->r->connection->local_addr->port);
    }
    return host;
}

const char *sim_href_path(sim_req_t *q, const char *encoded_path)
{
    return apr_pstrcat(q->p, ap_http_scheme(q->r), "://", own_host(q), encoded_path, NULL);
}

static const char *folder_path(sim_req_t *q, const sim_folder_t *f)
{
    if (!f->parent) {
        return apr_pstrcat(q->p, "/exchange/", sim_escape(q->p, f->mailbox->name), NULL);
    }
    return apr_pstrcat(q->p, folder_path(q, f->parent), "/", sim_escape(q->p, f->name), NULL);
}

const char *sim_href_folder(sim_req_t *q, const sim_folder_t *folder, int slash)
{
    return apr_pstrcat(q->p, sim_href_path(q, folder_path(q, folder)), slash ? "/" : "", NULL);
}

const char *sim_href_item(sim_req_t *q, const sim_item_t *item)
{
    return apr_pstrcat(q->p, sim_href_folder(q, item->folder, 1), sim_escape(q->p, item->name),
                       NULL);
}

static int same_host(const char *host, size_t len, const char *ours)
{
    size_t n;

    if (!ours || !*ours) {
        return 0;
    }
    n = strcspn(ours, ":");
    return n == len && strncasecmp(host, ours, n) == 0;
}

const char *sim_url_path(sim_req_t *q, const char *url, int *other_host)
{
    const char *host, *path;
    size_t n;

    if (other_host) {
        *other_host = 0;
    }
    if (*url == '/') {
        return url;
    }
    host = strncasecmp(url, "http://", 7) == 0    ? url + 7
           : strncasecmp(url, "https://", 8) == 0 ? url + 8
                                                  : NULL;
    if (!host) {
        return NULL;
    }
    path = host + strcspn(host, "/");
    n = strcspn(host, "/:");
    if (other_host) {
        *other_host = !same_host(host, n, apr_table_get(q->r->headers_in, "Host"))
                      && !same_host(host, n, sim_setting(q->conf, "href-host"))
                      && !same_host(host, n, q->r->server->server_hostname)
                      && !same_host(host, n, "localhost") && !same_host(host, n, "127.0.0.1");
    }
    return *path ? path : "/";
}

const char *sim_target_path(sim_req_t *q, const char *href)
{
    const char *path = *href ? sim_url_path(q, href, NULL) : q->path;

    return path ? path
                : apr_pstrcat(q->p, q->path, q->path[strlen(q->path) - 1] == '/' ? "" : "/", href,
                              NULL);
}

/* ---- rights ---- */

int sim_rights(const sim_req_t *q, const sim_mailbox_t *mailbox, const sim_folder_t *folder)
{
    const sim_folder_t *calendar = mailbox->known[SIM_F_CALENDAR];
    const sim_grant_t *g;
    int right = SIM_RIGHT_NONE;

    if (!q->user || q->user == mailbox) {
        return SIM_RIGHT_OWNER;
    }
    for (g = mailbox->grants; g; g = g->next) {
        if (g->user == q->user && (!g->calendar_only || folder == calendar) && g->level > right) {
            right = g->level;
        }
    }
    /* The names of a mailbox's folders can be read there by anybody (so another person's calendar
     * can be found at all): seen in a published client. */
    if (right < SIM_RIGHT_READ && folder && folder == mailbox->hidden) {
        right = SIM_RIGHT_READ;
    }
    if (right < SIM_RIGHT_READ && folder && folder == calendar && mailbox->kind == SIM_ROOM
        && sim_setting_is(q->conf, "room-calendar", "everybody")) {
        right = SIM_RIGHT_READ;
    }
    return right;
}

int sim_require(sim_req_t *q, const sim_mailbox_t *mailbox, const sim_folder_t *folder, int right)
{
    if (sim_rights(q, mailbox, folder ? folder : mailbox->root) >= right) {
        return OK;
    }
    sim_answer(q, (int)sim_setting_number(q->conf, "stranger-status"));
    return DONE;
}
