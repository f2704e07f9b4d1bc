/* folders.c - where a mailbox keeps its things.
 *
 * The names follow the language of the mailbox's first logon, so they are asked for, never assumed:
 * PROPFIND of the mailbox root gives their URLs. Another person's root tells them only to who may
 * read the root, but its NON_IPM_SUBTREE tells them to anybody (Evolution Connector, other-users).
 *
 * What was found is remembered for each identity and mailbox; a folder that turns out to have moved
 * makes the verb forget it and ask again (owa_restart). Of each URL only the path counts, and only
 * inside that mailbox.
 */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"

#define MEMO_KIND "folders"
#define MEMO_TTL apr_time_from_sec(3600)
#define SUBMISSION "%23%23DavMailSubmissionURI%23%23/"
#define SUBTREE "NON_IPM_SUBTREE"

static const int wanted[] = {OWA_P_F_INBOX, OWA_P_F_CALENDAR, OWA_P_F_DRAFTS, OWA_P_F_SENT,
                             OWA_P_F_DELETED, OWA_P_F_CONTACTS, OWA_P_F_SENDMSG, OC_DAV_END};

typedef struct search_t {
    const char *mailbox; /* as asked for; never NULL */
    int own;
    owa_folders_then_t *then;
    void *baton;
} search_t;

/* ---- the memo: one line for each part, "-" for what is not known ---- */

/* One account may act in a mailbox and look into it from another; then less is known of it. */
static const char *memo_name(owa_verb_t *v, const char *mailbox)
{
    int own = v->call->mailbox && !strcasecmp(mailbox, v->call->mailbox);

    return apr_pstrcat(v->pool, v->be->conf->name ? v->be->conf->name : "", own ? "/" : "//",
                       oc_str_lower(v->pool, mailbox), NULL);
}

static int site_number(const oc_backend_t *be, const oc_site_t *site)
{
    int i, n = be->conf->also ? be->conf->also->nelts : 0;

    for (i = 0; i < n; ++i) {
        if (APR_ARRAY_IDX(be->conf->also, i, const oc_site_t *) == site) {
            return i + 1;
        }
    }
    return 0;
}

static const char **parts_of(owa_folders_t *f, int i)
{
    const char **all[] = {&f->root, &f->calendar, &f->inbox, &f->drafts, &f->sent, &f->deleted,
                          &f->contacts, &f->submission, &f->version};

    return i < (int)(sizeof(all) / sizeof(all[0])) ? all[i] : NULL;
}

static void remember(owa_verb_t *v, const char *mailbox, owa_folders_t *f)
{
    const char *text = apr_itoa(v->pool, site_number(v->be, f->site));
    const char **part;
    int i;

    if (!v->call->memo || !v->call->identity) {
        return;
    }
    for (i = 0; (part = parts_of(f, i)) != NULL; ++i) {
        text = apr_pstrcat(v->pool, text, "\n", *part ? *part : "-", NULL);
    }
    oc_memo_put(v->call->memo, v->call->identity, MEMO_KIND, memo_name(v, mailbox), text, MEMO_TTL);
}

static owa_folders_t *recall(owa_verb_t *v, const char *mailbox)
{
    const oc_backend_conf_t *conf = v->be->conf;
    const char *text = NULL;
    owa_folders_t *f;
    char *line, *rest;
    int i, site;

    if (v->call->memo && v->call->identity) {
        text = oc_memo_get(v->call->memo, v->pool, v->call->identity, MEMO_KIND,
                           memo_name(v, mailbox));
    }
    if (!text) {
        return NULL;
    }
    f = apr_pcalloc(v->pool, sizeof(*f));
    line = apr_strtok(apr_pstrdup(v->pool, text), "\n", &rest);
    site = line ? (int)apr_atoi64(line) : 0;
    if (site < 0 || site > (conf->also ? conf->also->nelts : 0)) {
        return NULL;
    }
    f->site = site == 0 ? conf->site : APR_ARRAY_IDX(conf->also, site - 1, const oc_site_t *);
    for (i = 0; parts_of(f, i) && (line = apr_strtok(NULL, "\n", &rest)) != NULL; ++i) {
        *parts_of(f, i) = strcmp(line, "-") ? line : NULL;
    }
    f->from_memo = 1;
    return f->root && f->calendar ? f : NULL;
}

void owa_folders_forget(owa_verb_t *v, const char *mailbox)
{
    if (v->call->memo && v->call->identity) {
        oc_memo_forget(v->call->memo, v->call->identity, MEMO_KIND,
                       memo_name(v, mailbox ? mailbox : v->call->mailbox));
    }
}

/* ---- reading the reply ---- */

/* The mailbox's root, encoded and with a final slash, from the href of the answer: below the
 * configured path, one segment, and that mailbox's: a name may be answered with the address of the
 * same mailbox or the other way round, but not with another name. */
static const char *root_of(owa_verb_t *v, const search_t *s, const char *href)
{
    apr_pool_t *pool = v->pool;
    const char *base = v->be->conf->path;
    apr_size_t n = strlen(base);
    const char *plain = oc_str_unescape(pool, href, strlen(href));
    const char *name, *end;

    if (!plain || strncasecmp(plain, base, n)) {
        return NULL;
    }
    end = strchr(plain + n, '/');
    name = end ? apr_pstrmemdup(pool, plain + n, (apr_size_t)(end - plain) - n) : plain + n;
    if (!*name
        || (!strchr(name, '@') == !strchr(s->mailbox, '@') && strcasecmp(name, s->mailbox))) {
        return NULL;
    }
    end = strchr(href + n, '/'); /* the base holds nothing encoded: same length */
    return end ? apr_pstrmemdup(pool, href, (apr_size_t)(end - href) + 1)
               : apr_pstrcat(pool, href, "/", NULL);
}

/* The path of a folder URL with a final slash, if it lies in the mailbox. */
static const char *folder_of(owa_verb_t *v, const char *root, const char *url)
{
    const char *path, *plain;

    if (!url || (path = oc_dav_url_path(v->pool, oc_str_trim(v->pool, url), NULL, NULL)) == NULL) {
        return NULL;
    }
    if (path[strlen(path) - 1] != '/') {
        path = apr_pstrcat(v->pool, path, "/", NULL);
    }
    plain = oc_str_unescape(v->pool, path, strlen(path));
    return plain && owa_path_below(v->pool, root, plain) ? path : NULL;
}

static void found(owa_verb_t *v, owa_ask_t *a)
{
    search_t *s = a->baton;
    const oc_dav_row_t *row = a->first;
    owa_folders_t *f;

    if (a->res.reason == OC_REASON_BOOKING_NOT_FOUND) {
        oc_result_clear(&a->res);
        oc_result_fail(&a->res, OC_REASON_MAILBOX_NOT_FOUND, "there is no mailbox \"%s\"",
                       oc_str_log(v->pool, s->mailbox, 100));
        a->res.upstream_status = 404;
    }
    if (a->res.reason != OC_REASON_OK) {
        s->then(v, NULL, &a->res, s->baton);
        return;
    }
    f = apr_pcalloc(v->pool, sizeof(*f));
    f->site = a->x->site;
    f->version = a->x->reply_headers ? apr_table_get(a->x->reply_headers, "MS-WebStorage") : NULL;
    f->version = f->version ? oc_str_log(v->pool, f->version, 40) : NULL;
    f->root = root_of(v, s, row->href);
    if (f->root) {
        f->calendar = folder_of(v, f->root, row->value[OWA_P_F_CALENDAR]);
        f->inbox = folder_of(v, f->root, row->value[OWA_P_F_INBOX]);
        f->drafts = folder_of(v, f->root, row->value[OWA_P_F_DRAFTS]);
        f->sent = folder_of(v, f->root, row->value[OWA_P_F_SENT]);
        f->deleted = folder_of(v, f->root, row->value[OWA_P_F_DELETED]);
        f->contacts = folder_of(v, f->root, row->value[OWA_P_F_CONTACTS]);
        f->submission = s->own ? folder_of(v, f->root, row->value[OWA_P_F_SENDMSG]) : NULL;
        if (s->own && !f->submission) {
            f->submission = apr_pstrcat(v->pool, f->root, SUBMISSION, NULL);
        }
    }
    if (!f->root || !f->calendar || (s->own && !f->drafts)) {
        oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL,
                       f->root ? "the server does not tell this mailbox's folders (%s)"
                               : "the server answered for another mailbox (%s)",
                       oc_str_log(v->pool, row->href, 200));
        s->then(v, NULL, &a->res, s->baton);
        return;
    }
    remember(v, s->mailbox, f);
    s->then(v, f, &a->res, s->baton);
}

void owa_folders_find(owa_verb_t *v, const char *mailbox, owa_folders_then_t *then, void *baton)
{
    const char *name = mailbox ? mailbox : v->call->mailbox;
    int own = !mailbox || (v->call->mailbox && !strcasecmp(mailbox, v->call->mailbox));
    owa_folders_t *f;
    search_t *s;
    owa_ask_t *a;
    const char *path;

    if (!name || !*name || !strcmp(name, ".") || !strcmp(name, "..") || strpbrk(name, "/\\?#%")
        || oc_str_control(name, "")) {
        oc_result_t *res = apr_pcalloc(v->pool, sizeof(*res));
        oc_result_init(res, v->pool);
        oc_result_fail(res, OC_REASON_NO_MAILBOX, "not a mailbox name: \"%s\"",
                       oc_str_log(v->pool, name ? name : "", 100));
        then(v, NULL, res, baton);
        return;
    }
    f = recall(v, name);
    if (f) {
        v->memo_used = 1;
        then(v, f, NULL, baton);
        return;
    }
    s = apr_pcalloc(v->pool, sizeof(*s));
    s->mailbox = name;
    s->own = own;
    s->then = then;
    s->baton = baton;
    path = apr_pstrcat(v->pool, v->be->conf->path, oc_str_segment(v->pool, name), "/",
                       own ? "" : SUBTREE, NULL);
    a = owa_propfind(v, v->be->conf->site, path, wanted, "find folders", found);
    a->baton = s;
    a->mailbox = own ? NULL : name;
    owa_send(v, a);
}

typedef void moved_then_t(owa_verb_t *v, int moved);

static void compare(owa_verb_t *v, const owa_folders_t *folders, const oc_result_t *res,
                    void *baton)
{
    moved_then_t **then = baton;
    int moved = folders && (folders->site != v->own->site
                            || !owa_path_same(v->pool, folders->calendar, v->own->calendar));

    (void)res; /* folders that cannot be found now have not moved anywhere known */
    if (moved) {
        v->own = folders;
    }
    (*then)(v, moved);
}

void owa_folders_moved(owa_verb_t *v, moved_then_t *then)
{
    moved_then_t **baton;

    if (!v->memo_used || v->restarted) {
        then(v, 0);
        return;
    }
    v->restarted = 1;
    v->memo_used = 0;
    owa_folders_forget(v, NULL);
    baton = apr_palloc(v->pool, sizeof(*baton));
    *baton = then;
    owa_folders_find(v, NULL, compare, baton);
}
