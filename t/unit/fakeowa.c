#include "fakeowa.h"
#include "base/clock.h"
#include "base/str.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAL        "urn:schemas:calendar:"
#define HEADER     "urn:schemas:mailheader:"
#define EX         "http://schemas.microsoft.com/exchange/"
#define REQUEST    "IPM.Schedule.Meeting.Request"
#define CANCELED   "IPM.Schedule.Meeting.Canceled"
#define SUBMISSION "##DavMailSubmissionURI##"

const char *const fake_fault_names[FAKE_FAULTS] = {"ok",
                                                   "lost",
                                                   "lost after it was done",
                                                   "not sent",
                                                   "timeout",
                                                   "timeout after it was done",
                                                   "401",
                                                   "403",
                                                   "404",
                                                   "409",
                                                   "412",
                                                   "423",
                                                   "424",
                                                   "440",
                                                   "500",
                                                   "500 after it was done",
                                                   "503",
                                                   "507",
                                                   "207 in part",
                                                   "207 with 423 in it",
                                                   "HTML",
                                                   "HTML after it was done",
                                                   "cut off",
                                                   "deadline",
                                                   "deadline after it was done"};

typedef struct reply_t {
    int status;
    const char *type, *body, *location;
} reply_t;

fake_t *fake_create(apr_pool_t *pool)
{
    fake_t *f = apr_pcalloc(pool, sizeof(*f));
    f->pool = pool;
    f->items = apr_array_make(pool, 8, sizeof(fake_item_t *));
    f->mails = apr_array_make(pool, 8, sizeof(fake_mail_t *));
    f->draft_uid = f->keeps_uid = 1;
    f->log = "";
    return f;
}

static void wrong(fake_t *f, const char *why)
{
    f->wrong++;
    f->wrong_why = why;
}

fake_item_t *fake_find(const fake_t *f, const char *path)
{
    for (int i = 0; i < f->items->nelts; i++) {
        fake_item_t *item = APR_ARRAY_IDX(f->items, i, fake_item_t *);
        if (!strcasecmp(item->path, path)) {
            return item;
        }
    }
    return NULL;
}

static int in_folder(const fake_item_t *item, const char *folder)
{
    apr_size_t n = strlen(folder);
    return !strncasecmp(item->path, folder, n) && !strchr(item->path + n, '/');
}

int fake_count(const fake_t *f, const char *folder)
{
    int n = 0;
    for (int i = 0; i < f->items->nelts; i++) {
        n += in_folder(APR_ARRAY_IDX(f->items, i, fake_item_t *), folder);
    }
    return n;
}

static fake_item_t *add_item(fake_t *f, const char *path)
{
    fake_item_t *item = apr_pcalloc(f->pool, sizeof(*item));
    item->path = apr_pstrdup(f->pool, path);
    item->props = apr_table_make(f->pool, 32);
    item->etag = ++f->serial;
    item->created = oc_clock_wall();
    APR_ARRAY_PUSH(f->items, fake_item_t *) = item;
    return item;
}

static void drop_item(fake_t *f, fake_item_t *item)
{
    for (int i = 0; i < f->items->nelts; i++) {
        if (APR_ARRAY_IDX(f->items, i, fake_item_t *) == item) {
            APR_ARRAY_IDX(f->items, i, fake_item_t *) =
                APR_ARRAY_IDX(f->items, f->items->nelts - 1, fake_item_t *);
            f->items->nelts--;
            return;
        }
    }
}

static const char *get(const fake_item_t *item, const char *ns, const char *name)
{
    char key[256];
    apr_snprintf(key, sizeof(key), "%s %s", ns, name);
    return apr_table_get(item->props, key);
}

static void set(fake_t *f, fake_item_t *item, const char *ns, const char *name, const char *value)
{
    const char *key = apr_pstrcat(f->pool, ns, " ", name, NULL);
    if (value) {
        apr_table_set(item->props, key, value);
    } else {
        apr_table_unset(item->props, key);
    }
}

const char *fake_prop(const fake_item_t *item, const char *name)
{
    const apr_array_header_t *all = apr_table_elts(item->props);
    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *e = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
        const char *local = strrchr(e->key, ' ');
        if (local && !strcmp(local + 1, name)) {
            return e->val;
        }
    }
    return NULL;
}

/* ---- sending ---- */

static const char *class_of(const fake_item_t *item)
{
    const char *class = get(item, EX, "outlookmessageclass");
    return class ? class : "";
}

static const char *people_of(fake_t *f, const fake_item_t *item)
{
    const char *to = get(item, HEADER, "to"), *cc = get(item, HEADER, "cc");
    const char *bcc = get(item, HEADER, "bcc");
    return apr_pstrcat(f->pool, to ? to : "", ",", cc ? cc : "", ",", bcc ? bcc : "", NULL);
}

static void send_item(fake_t *f, const fake_item_t *item, const char *class, const char *people,
                      int by_command)
{
    fake_mail_t *m = apr_pcalloc(f->pool, sizeof(*m));
    const char *uid = get(item, CAL, "uid"), *sequence = get(item, CAL, "sequence");
    m->class = apr_pstrdup(f->pool, class);
    m->uid = apr_pstrdup(f->pool, uid ? uid : "");
    m->to = people;
    m->sequence = sequence ? atoi(sequence) : 0;
    m->by_command = by_command;
    APR_ARRAY_PUSH(f->mails, fake_mail_t *) = m;
    if (!f->no_sent_copies) {
        fake_item_t *copy = add_item(f, apr_psprintf(f->pool, "%sm%d.EML", FAKE_SENT, f->serial));
        copy->props = apr_table_clone(f->pool, item->props);
        set(f, copy, "DAV:", "contentclass", "urn:content-classes:calendarmessage");
        set(f, copy, EX, "outlookmessageclass", class);
        set(f, copy, HEADER, "to", people);
        set(f, copy, HEADER, "cc", NULL);
        set(f, copy, HEADER, "bcc", NULL);
        set(f, copy, HEADER, "message-id", apr_psprintf(f->pool, "<m%d@x.example>", f->serial));
    }
}

int fake_mailed(const fake_t *f, const char *class, const char *address)
{
    int n = 0;
    for (int i = 0; i < f->mails->nelts; i++) {
        const fake_mail_t *m = APR_ARRAY_IDX(f->mails, i, fake_mail_t *);
        n += !strcmp(m->class, class) && (!address || strstr(m->to, address));
    }
    return n;
}

/* ---- verbs ---- */

static const char *multistatus(fake_t *f, const char *rows)
{
    return apr_pstrcat(f->pool, "<?xml version=\"1.0\"?><a:multistatus xmlns:a=\"DAV:\">", rows,
                       "</a:multistatus>", NULL);
}

static const char *href(fake_t *f, const char *path)
{
    const char *out = "";
    char *rest = apr_pstrdup(f->pool, path), *slash;
    for (; (slash = strchr(rest, '/')); rest = slash + 1) {
        *slash = '\0';
        out = apr_pstrcat(f->pool, out, oc_str_segment(f->pool, rest), "/", NULL);
    }
    return apr_pstrcat(f->pool, "http://other.example", out, oc_str_segment(f->pool, rest), NULL);
}

static const char *row_of(fake_t *f, const fake_item_t *item)
{
    const apr_array_header_t *all = apr_table_elts(item->props);
    const char *props = "";
    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *e = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
        const char *local = strrchr(e->key, ' ');
        props = apr_pstrcat(f->pool, props, "<b:", local + 1, " xmlns:b=\"",
                            apr_pstrmemdup(f->pool, e->key, (apr_size_t)(local - e->key)), "\">",
                            oc_str_html(f->pool, e->val), "</b:", local + 1, ">", NULL);
    }
    return apr_psprintf(f->pool,
                        "<a:response><a:href>%s</a:href><a:propstat><a:status>HTTP/1.1 200 OK"
                        "</a:status><a:prop><a:getetag>\"e%d\"</a:getetag>%s</a:prop></a:propstat>"
                        "</a:response>",
                        href(f, item->path), item->etag, props);
}

static void do_propfind(fake_t *f, const char *path, reply_t *r)
{
    fake_item_t *item = fake_find(f, path);
    if (!strcasecmp(path, FAKE_ROOT)) {
        r->body = multistatus(
            f, "<a:response><a:href>http://other.example/exchange/ana/</a:href><a:propstat>"
               "<a:status>HTTP/1.1 200 OK</a:status><a:prop xmlns:m=\"urn:schemas:httpmail:\">"
               "<m:calendar>http://x.example/exchange/ana/Napt%C3%A1r</m:calendar>"
               "<m:drafts>http://x.example/exchange/ana/Piszkozatok</m:drafts>"
               "<m:inbox>http://x.example/exchange/ana/Be%C3%A9rkezett</m:inbox>"
               "<m:sentitems>http://x.example/exchange/ana/Elk%C3%BCld%C3%B6tt%20elemek"
               "</m:sentitems></a:prop></a:propstat></a:response>");
        r->status = 207;
    } else if (item) {
        r->body = multistatus(f, row_of(f, item));
        r->status = 207;
    } else {
        r->status = 404;
    }
}

/* The URI a prefix stands for in a request written by the library's writer. */
static const char *uri_of(fake_t *f, const char *body, const char *prefix, apr_size_t n)
{
    const char *mark = apr_psprintf(f->pool, "xmlns:%.*s=\"", (int)n, prefix);
    const char *p = strstr(body, mark);
    p = p ? p + strlen(mark) : NULL;
    return p ? apr_pstrmemdup(f->pool, p, strcspn(p, "\"")) : "";
}

static const char *unescape_xml(fake_t *f, const char *s, apr_size_t n)
{
    static const char *const refs[] = {"&lt;", "<", "&gt;", ">", "&quot;", "\"", "&amp;", "&"};
    char *out = apr_palloc(f->pool, n + 1), *o = out;
    const char *end = s + n;
    while (s < end) {
        int i;
        for (i = 0; i < 8 && strncmp(s, refs[i], strlen(refs[i])); i += 2) {}
        if (i < 8) {
            *o++ = *refs[i + 1];
            s += strlen(refs[i]);
        } else {
            *o++ = *s++;
        }
    }
    *o = '\0';
    return out;
}

/* Take the properties of a PROPPATCH; only the first `limit` of them if that is not 0. */
static void take_props(fake_t *f, fake_item_t *item, const char *body, int limit)
{
    const char *p = body, *removes = strstr(body, "remove>"), *end;
    int n = 0;
    while ((p = strstr(p, "<p")) || (p = NULL)) {
        const char *colon = strchr(p, ':'), *local, *close;
        const char *uri, *name;
        apr_size_t len;
        if (!colon || strcspn(p, ">") < (apr_size_t)(colon - p)) {
            p += 2;
            continue;
        }
        uri = uri_of(f, body, p + 1, (apr_size_t)(colon - p - 1));
        local = colon + 1;
        len = strcspn(local, " />");
        name = apr_pstrmemdup(f->pool, local, len);
        close = strchr(local, '>');
        if (limit && ++n > limit) {
            return;
        }
        if (close[-1] == '/' || (removes && p > removes)) {
            set(f, item, uri, name, removes && p > removes ? NULL : "");
            p = close;
            continue;
        }
        end = strchr(close, '<');
        set(f, item, uri, name, unescape_xml(f, close + 1, (apr_size_t)(end - close - 1)));
        p = end;
    }
}

/* DAV:contentclass, the one property of the DAV: namespace that is written. */
static void take_contentclass(fake_t *f, fake_item_t *item, const char *body)
{
    const char *p = strstr(body, "<D:contentclass>");
    if (p) {
        p += strlen("<D:contentclass>");
        set(f, item, "DAV:", "contentclass", apr_pstrmemdup(f->pool, p, strcspn(p, "<")));
    }
}

static void do_proppatch(fake_t *f, oc_exchange_t *x, const char *path, int limit, reply_t *r)
{
    fake_item_t *item = fake_find(f, path);
    const char *match = apr_table_get(x->headers, "If-Match");
    int made = !item;

    if (!match && !apr_table_get(x->headers, "If-None-Match")) {
        wrong(f, "a PROPPATCH without a condition");
    }
    if ((item && !match) ||
        (match && (!item || (strcmp(match, "*") &&
                             strcmp(match, apr_psprintf(f->pool, "\"e%d\"", item->etag)))))) {
        r->status = 412;
        return;
    }
    item = item ? item : add_item(f, path);
    take_contentclass(f, item, x->body);
    take_props(f, item, x->body, limit);
    item->etag = ++f->serial;
    if (f->opens) {
        set(f, item, "http://schemas.microsoft.com/mapi/", "sensitivity", "0");
    }
    if (made && !f->keeps_uid) {
        set(f, item, CAL, "uid", "SOMETHING ELSE");
    }
    r->status = 207;
    r->body = multistatus(
        f, limit
               ? apr_psprintf(f->pool,
                              "<a:response><a:href>%s</a:href><a:propstat><a:status>"
                              "HTTP/1.1 403 Forbidden</a:status><a:prop><b:location xmlns:b=\"" CAL
                              "\"/></a:prop></a:propstat></a:response>",
                              href(f, path))
               : apr_psprintf(f->pool,
                              "<a:response><a:href>%s</a:href><a:status>HTTP/1.1 %s"
                              "</a:status></a:response>",
                              href(f, path), made ? "201 Created" : "200 OK"));
}

static void do_move(fake_t *f, oc_exchange_t *x, const char *path, reply_t *r)
{
    const char *to = apr_table_get(x->headers, "Destination"), *class;
    fake_item_t *item = fake_find(f, path);
    apr_size_t n;

    to = to ? oc_str_unescape(f->pool, to, strlen(to)) : "";
    if (strncmp(to, "http://", 7) || !strstr(to, SUBMISSION)) {
        wrong(f, "a MOVE to somewhere else");
    }
    if (!item) {
        r->status = 404;
        return;
    }
    class = class_of(item);
    n = strlen(FAKE_DRAFTS);
    if (strncasecmp(path, FAKE_DRAFTS, n) || (strcmp(class, REQUEST) && strcmp(class, CANCELED))) {
        wrong(f, "something was sent that is no message of a meeting");
    }
    if (strlen(people_of(f, item)) < 3) {
        r->status = 403;
        return;
    }
    send_item(f, item, class, people_of(f, item), 0);
    drop_item(f, item);
    r->status = 201;
}

static void do_getcancel(fake_t *f, const char *path, reply_t *r)
{
    fake_item_t *item = fake_find(f, path), *draft = NULL;
    const char *name = "T\xc3\xb6r\xc3\xb6lve: A & B's 50%.EML", *at, *url;

    if (!item) {
        r->status = 404;
        return;
    }
    r->status = 200;
    r->type = "text/html";
    r->body = "<html><body>a page</body></html>";
    for (int i = 2; fake_find(f, apr_pstrcat(f->pool, FAKE_DRAFTS, name, NULL)); i++) {
        name = apr_psprintf(f->pool, "T\xc3\xb6r\xc3\xb6lve-%d.EML", i);
    }
    at = apr_pstrcat(f->pool, FAKE_DRAFTS, name, NULL);
    url = href(f, at);
    url = apr_pstrcat(f->pool, "http://mail.example", url + strlen("http://other.example"), NULL);
    if (f->getcancel != FAKE_NO_DRAFT && f->getcancel != FAKE_SELF &&
        f->getcancel != FAKE_OTHER_MAILBOX && f->getcancel != FAKE_FOREIGN &&
        f->getcancel != FAKE_ORDINARY) {
        draft = add_item(f, at);
        draft->props = apr_table_clone(f->pool, item->props);
        set(f, draft, "DAV:", "contentclass", "urn:content-classes:calendarmessage");
        set(f, draft, EX, "outlookmessageclass", CANCELED);
        if (!f->draft_uid) {
            set(f, draft, CAL, "uid", NULL);
        }
        if (f->draft_organizer) {
            const char *to = get(draft, HEADER, "to");
            set(f, draft, HEADER, "to",
                apr_pstrcat(f->pool, "\"Ana, B\" <ana@x.example>, ", to, NULL));
        }
    }
    if (f->getcancel == FAKE_FOREIGN || f->getcancel == FAKE_ORDINARY) {
        at = FAKE_DRAFTS "foreign.EML";
        url = "http://mail.example/exchange/ana/Piszkozatok/foreign.EML";
    }
    switch (f->getcancel) {
    case FAKE_302:
    case FAKE_FOREIGN:
    case FAKE_ORDINARY:
        r->status = 302;
        r->location = apr_pstrcat(f->pool, url, "?Cmd=edit", NULL);
        break;
    case FAKE_302_PATH:
        r->status = 302;
        r->location = apr_pstrcat(f->pool, url + strlen("http://mail.example"), "?Cmd=edit", NULL);
        break;
    case FAKE_ITEMHREF:
        r->body = apr_pstrcat(f->pool,
                              "<html><!-- <span id=itemHREF>/x</span> --><SPAN ID='itemHREF' "
                              "style=\"display:none\"> ",
                              oc_str_html(f->pool, url), " </SPAN></html>", NULL);
        break;
    case FAKE_BASE:
        r->body = apr_pstrcat(f->pool, "<HTML><BASE HREF=\"", url, "/\"><body></HTML>", NULL);
        break;
    case FAKE_ACTION:
        r->body = apr_pstrcat(f->pool, "<html><form method=post action=\"",
                              oc_str_html(f->pool, url), "?Cmd=x\">", NULL);
        break;
    case FAKE_MSGID:
        r->body = apr_pstrcat(f->pool, "<html><input type=hidden value=\"",
                              oc_str_html(f->pool, at + strlen("/exchange/ana")),
                              "\" name=MsgID></html>", NULL);
        break;
    case FAKE_XML:
        r->type = "text/xml";
        r->body = apr_pstrcat(f->pool, "<?xml version=\"1.0\"?><a:r xmlns:a=\"DAV:\"><a:href>",
                              oc_str_html(f->pool, url), "</a:href></a:r>", NULL);
        break;
    case FAKE_SELF:
        r->status = 302;
        r->location =
            apr_pstrcat(f->pool, "http://mail.example",
                        href(f, path) + strlen("http://other.example"), "?Cmd=open", NULL);
        break;
    case FAKE_OTHER_HOST:
        r->status = 302;
        r->location = "http://evil.example/exchange/ana/Piszkozatok/x.EML";
        break;
    case FAKE_OTHER_MAILBOX:
        r->status = 302;
        r->location = "http://mail.example/exchange/bo/Drafts/x.EML";
        break;
    default:
        break;
    }
}

/* Attendees before the PROPPATCH stand in a property of the fake's own. */
static void do_post(fake_t *f, oc_exchange_t *x, const char *path, reply_t *r)
{
    fake_item_t *item = fake_find(f, path);
    const char *type = apr_table_get(x->headers, "Content-Type"), *known;
    const char *body = apr_pstrmemdup(f->pool, x->body, x->body_len);

    f->last_post = body;
    r->status = 200;
    r->type = "text/html";
    r->body = "<html>saved</html>";
    if (!item) {
        r->status = 404;
        return;
    }
    if (!type || strcmp(type, "application/x-www-UTF8-encoded") ||
        strncmp(body, "Cmd=sendappt\r\n", 14) ||
        !strstr(body,
                apr_pstrcat(f->pool, "\r\nMsgID=", path + strlen("/exchange/ana"), "\r\n", NULL)) ||
        !get(item, "http://schemas.microsoft.com/mapi/", "finvited")) {
        wrong(f, "an update command that OWA would not understand");
        return;
    }
    if (f->command_silent) {
        return;
    }
    known = get(item, "fake", "known");
    send_item(f, item, REQUEST, people_of(f, item), 1);
    if (f->command_cancels && known) {
        const char *gone = "";
        char *last, *word = apr_strtok(apr_pstrdup(f->pool, known), ",", &last);
        for (; word; word = apr_strtok(NULL, ",", &last)) {
            if (!strstr(people_of(f, item), word)) {
                gone = apr_pstrcat(f->pool, gone, word, ",", NULL);
            }
        }
        if (*gone) {
            send_item(f, item, CANCELED, gone, 1);
        }
    }
}

static void do_search(fake_t *f, oc_exchange_t *x, const char *path, reply_t *r)
{
    const char *rows = "", *folder = path;
    if (folder[strlen(folder) - 1] != '/') {
        folder = apr_pstrcat(f->pool, folder, "/", NULL);
    }
    for (int i = 0; i < f->items->nelts; i++) {
        fake_item_t *item = APR_ARRAY_IDX(f->items, i, fake_item_t *);
        const char *uid = get(item, CAL, "uid");
        if (in_folder(item, folder) && uid && strstr(x->body, uid)) {
            rows = apr_pstrcat(f->pool, rows, row_of(f, item), NULL);
        }
    }
    r->status = 207;
    r->body = multistatus(f, rows);
}

static void serve(fake_t *f, oc_exchange_t *x, int limit, reply_t *r)
{
    const char *query = strchr(x->path, '?');
    const char *path =
        apr_pstrmemdup(f->pool, x->path, query ? (apr_size_t)(query - x->path) : strlen(x->path));
    path = oc_str_unescape(f->pool, path, strlen(path));
    r->type = "text/xml";
    r->body = "";
    if (strchr(x->path, '#')) {
        wrong(f, "a # in a request line");
    }
    if (!strcmp(x->method, "PROPFIND")) {
        do_propfind(f, path, r);
    } else if (!strcmp(x->method, "PROPPATCH")) {
        do_proppatch(f, x, path, limit, r);
    } else if (!strcmp(x->method, "MOVE")) {
        do_move(f, x, path, r);
    } else if (!strcmp(x->method, "DELETE")) {
        fake_item_t *item = fake_find(f, path);
        r->status = item ? 204 : 404;
        if (item) {
            drop_item(f, item);
        }
    } else if (!strcmp(x->method, "SEARCH")) {
        do_search(f, x, path, r);
    } else if (!strcmp(x->method, "GET") && query && !strcmp(query, "?Cmd=getcancel")) {
        do_getcancel(f, path, r);
    } else if (!strcmp(x->method, "POST")) {
        do_post(f, x, path, r);
    } else {
        wrong(f, "a request nobody expects");
        r->status = 400;
    }
    if ((!strcmp(x->method, "GET") || !strcmp(x->method, "POST")) &&
        (!strstr(apr_table_get(x->headers, "User-Agent"), "MSIE") ||
         apr_table_get(x->headers, "Translate"))) {
        wrong(f, "an OWA command as OWA does not take it");
    }
    if (!x->writes && strcmp(x->method, "PROPFIND") && strcmp(x->method, "SEARCH")) {
        wrong(f, "an exchange that acts without saying so");
    }
}

/* ---- exchanges ---- */

static void finish(oc_job_t *job, oc_exchange_t *x, oc_outcome_t outcome)
{
    x->outcome = outcome;
    x->sent = outcome != OC_X_NOT_SENT;
    x->error = outcome == OC_X_REPLIED ? NULL : "made to fail";
    job->vt->feed(job, x, OC_FEED_END, NULL, 0);
}

static void answer(fake_t *f, oc_job_t *job, oc_exchange_t *x, const reply_t *r, int cut)
{
    apr_size_t len = strlen(r->body), at = 0;
    x->status = r->status;
    x->reply_headers = apr_table_make(f->pool, 4);
    apr_table_setn(x->reply_headers, "MS-WebStorage", "6.5.7226");
    apr_table_setn(x->reply_headers, "Content-Type", r->type);
    if (r->location) {
        apr_table_setn(x->reply_headers, "Location", r->location);
    }
    if (job->vt->feed(job, x, OC_FEED_HEAD, NULL, 0)) {
        finish(job, x, OC_X_REPLIED);
        return;
    }
    len = cut ? len / 2 : len;
    while (at < len) {
        apr_size_t n = len - at < 100 ? len - at : 100;
        if (job->vt->feed(job, x, OC_FEED_BODY, r->body + at, n)) {
            break;
        }
        x->received += (apr_off_t)n;
        at += n;
    }
    finish(job, x, cut ? OC_X_LOST : OC_X_REPLIED);
}

static void exchange(fake_t *f, oc_job_t *job, oc_exchange_t *x)
{
    static const struct {
        fake_fault_t fault;
        int status;
    } statuses[] = {{FAKE_401, 401}, {FAKE_403, 403}, {FAKE_404, 404}, {FAKE_409, 409},
                    {FAKE_412, 412}, {FAKE_423, 423}, {FAKE_424, 424}, {FAKE_440, 440},
                    {FAKE_500, 500}, {FAKE_503, 503}, {FAKE_507, 507}, {FAKE_500_DONE, 500}};
    reply_t r = {0, "text/xml", "", NULL};
    int number = ++f->exchanges;
    int fails = f->fail_at && (number == f->fail_at || (f->for_good && number > f->fail_at));
    fake_fault_t fault = f->over ? FAKE_TIMEOUT : fails ? f->fault : FAKE_OK;
    int done = fault == FAKE_OK || fault == FAKE_LOST_DONE || fault == FAKE_TIMEOUT_DONE ||
               fault == FAKE_500_DONE || fault == FAKE_HTML_DONE || fault == FAKE_CUT ||
               fault == FAKE_DEADLINE_DONE || fault == FAKE_PARTIAL;

    f->log = apr_psprintf(f->pool, "%s%d %s %s %s\n", f->log, f->exchanges, x->method, x->path,
                          fake_fault_names[fault]);
    if (done) {
        serve(f, x, fault == FAKE_PARTIAL ? 9 : 0, &r);
    }
    for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        if (statuses[i].fault == fault) {
            r = (reply_t){statuses[i].status, "text/html", "<html>no</html>", NULL};
        }
    }
    switch (fault) {
    case FAKE_LOST:
    case FAKE_LOST_DONE:
        finish(job, x, OC_X_LOST);
        return;
    case FAKE_NOT_SENT:
        finish(job, x, OC_X_NOT_SENT);
        return;
    case FAKE_DEADLINE:
    case FAKE_DEADLINE_DONE:
        f->over = 1;
        finish(job, x, OC_X_TIMEOUT);
        return;
    case FAKE_TIMEOUT:
    case FAKE_TIMEOUT_DONE:
        finish(job, x, OC_X_TIMEOUT);
        return;
    case FAKE_423_INNER:
        r = (reply_t){207, "text/xml",
                      apr_pstrcat(f->pool, "<a:multistatus xmlns:a=\"DAV:\"><a:response><a:href>",
                                  apr_pstrmemdup(f->pool, x->path, strcspn(x->path, "?")),
                                  "</a:href><a:status>HTTP/1.1 423 Locked</a:status></a:response>"
                                  "</a:multistatus>", NULL),
                      NULL};
        break;
    case FAKE_HTML:
    case FAKE_HTML_DONE:
        r = (reply_t){200, "text/html", "<html><form action=owaauth.dll></form></html>", NULL};
        break;
    default:
        break;
    }
    answer(f, job, x, &r, fault == FAKE_CUT);
}

int fake_run(fake_t *f, oc_job_t *job)
{
    int before = f->exchanges, idle = 0;
    while (!job->vt->done(job) && idle < 100) {
        oc_exchange_t *batch[64], *x;
        int n = 0;
        while (n < 64 && (x = job->vt->next(job))) {
            batch[n++] = x;
        }
        for (int i = 0; i < n; i++) {
            exchange(f, job, batch[i]);
        }
        if (f->over) { /* all in flight have ended */
            f->over = 0;
            job->vt->cancel(job, OC_CANCEL_DEADLINE);
        }
        idle = n ? 0 : idle + 1;
        if (!n && job->wake_at > oc_clock_mono()) {
            oc_clock_advance(job->wake_at - oc_clock_mono());
        }
    }
    if (idle >= 100) {
        wrong(f, "the job waits for nothing");
    }
    return f->exchanges - before;
}

/* ---- who and what ---- */

const oc_backend_t *fake_backend(apr_pool_t *pool)
{
    oc_site_t *site = apr_pcalloc(pool, sizeof(*site));
    oc_backend_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));
    const char *error;
    site->scheme = "http";
    site->host = "mail.example";
    site->port = 80;
    conf->name = "main";
    conf->kind = "owa2003";
    conf->site = site;
    conf->path = "/exchange/";
    conf->public_path = "/public/";
    return oc_backend_open(pool, conf, &error);
}

oc_call_t *fake_call(apr_pool_t *pool, oc_memo_t *memo)
{
    oc_call_t *call = apr_pcalloc(pool, sizeof(*call));
    call->pool = pool;
    strcpy(call->id, "0123456789abcdef");
    call->user = call->mailbox = "ana";
    call->identity = "test:ana";
    call->memo = memo;
    oc_result_init(&call->result, pool);
    return call;
}

void fake_add(oc_booking_t *b, const char *address, oc_role_t role)
{
    oc_attendee_t a = {address,
                       NULL,
                       role,
                       role == OC_ROLE_RESOURCE ? OC_CUTYPE_ROOM : OC_CUTYPE_INDIVIDUAL,
                       OC_PARTSTAT_NEEDS_ACTION,
                       NULL, NULL};
    APR_ARRAY_PUSH(b->attendees, oc_attendee_t) = a;
}

oc_booking_t *fake_meeting(apr_pool_t *pool, const oc_backend_t *be)
{
    oc_booking_t *b = oc_booking_create(pool);
    unsigned char seed[32];
    memset(seed, 0x5a, sizeof(seed));
    b->item = be->vt->item_of(be, pool, seed);
    b->uid = be->vt->uid_of(be, pool, seed);
    b->mark = "mark1";
    b->subject = "Budget <review> & more";
    b->text = "First line\nSecond line";
    b->location = "Room 4.12";
    b->when.start = apr_time_from_sec(1772701200); /* 2026-03-05T09:00:00Z */
    b->when.end = b->when.start + apr_time_from_sec(3600);
    b->zone = "Europe/Budapest";
    b->reminder = 15;
    b->organizer = "ana@x.example";
    b->is_meeting = b->is_organizer = 1;
    fake_add(b, "bo@x.example", OC_ROLE_REQUIRED);
    fake_add(b, "cy@x.example", OC_ROLE_OPTIONAL);
    fake_add(b, "room@x.example", OC_ROLE_RESOURCE);
    return b;
}

/* ---- loops ---- */

static int noted;

void fake_must(int holds, const char *format, ...)
{
    va_list args;
    if (holds) {
        return;
    }
    if (noted++ < 10) {
        fprintf(stderr, "# ");
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fprintf(stderr, "\n");
    }
}

int fake_held(void)
{
    int held = noted == 0;
    noted = 0;
    return held;
}
