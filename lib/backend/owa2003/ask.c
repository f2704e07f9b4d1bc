/* ask.c - the machine under every verb: exchanges out, replies in, judged in one place.
 *
 *   owa_send -> [ready] -> next() -> [flying] -> END -> judge -> then()
 *                  ^                                |-> another host of ours (redirect)
 *                  |                                |-> [waiting]: read refused with 500 or 503,
 *                  once; +--------------------------------+   423 locked, three times
 *
 * A write is repeated only where the server said that it did nothing: 423, or a redirect to another
 * of the configured hosts.
 */
#include <stdlib.h>
#include <string.h>
#include <apr_date.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"

#define BODY_MAX (256 * 1024)
#define HOPS_MAX 3
#define LOCKED_TRIES 3
#define READ_PAUSE apr_time_from_msec(300)
#define LOCKED_PAUSE apr_time_from_msec(200) /* doubled each time */
#define RETRY_AFTER_MAX 2                    /* seconds we are willing to wait for a busy server */

enum { ASK_MADE, ASK_READY, ASK_FLYING, ASK_WAITING, ASK_OVER };

/* ---- asks ---- */

owa_ask_t *owa_ask(owa_verb_t *v, const oc_site_t *site, const char *method, const char *path,
                   const char *purpose, owa_want_t want, owa_then_t *then)
{
    owa_ask_t *a = apr_pcalloc(v->pool, sizeof(*a));

    if (!site) {
        site = v->own ? v->own->site : v->be->conf->site;
    }
    a->x = oc_exchange_create(v->pool, site, method, path, purpose);
    a->x->writes = strcmp(method, "GET") && strcmp(method, "PROPFIND") && strcmp(method, "SEARCH");
    a->x->baton = a;
    apr_table_setn(a->x->headers, "User-Agent", OC_USER_AGENT);
    apr_table_setn(a->x->headers, "Accept", "*/*");
    apr_table_setn(a->x->headers, "Accept-Language",
                   v->call->language ? v->call->language : "en-us");
    a->want = want;
    a->then = then;
    return a;
}

void owa_ask_xml(owa_ask_t *a, const char *body, apr_size_t len)
{
    a->x->body = body;
    a->x->body_len = len;
    apr_table_setn(a->x->headers, "Content-Type", "text/xml; charset=\"utf-8\"");
}

void owa_send(owa_verb_t *v, owa_ask_t *a)
{
    owa_ask_t **end = &v->asks;

    if (a->destination) {
        apr_table_setn(a->x->headers, "Destination", owa_url(v->pool, a->x->site, a->destination));
    }
    oc_result_init(&a->res, v->pool);
    a->range_first = a->range_last = a->range_total = -1;
    a->type = a->body = "";
    a->state = ASK_READY;
    while (*end) { /* in the order sent: few at a time */
        end = &(*end)->link;
    }
    *end = a;
}

owa_ask_t *owa_propfind(owa_verb_t *v, const oc_site_t *site, const char *path, const int *props,
                        const char *purpose, owa_then_t *then)
{
    owa_ask_t *a = owa_ask(v, site, "PROPFIND", path, purpose, OWA_WANT_ROWS, then);
    apr_size_t len;
    const char *body = oc_dav_propfind(v->pool, &owa_schema, props, &len);

    owa_ask_xml(a, body, len);
    apr_table_setn(a->x->headers, "Depth", "0");
    apr_table_setn(a->x->headers, "Brief", "t");
    return a;
}

owa_ask_t *owa_proppatch(owa_verb_t *v, const char *path, const oc_dav_set_t *set, int count,
                         const char *etag, const char *purpose, owa_then_t *then)
{
    owa_ask_t *a = owa_ask(v, NULL, "PROPPATCH", path, purpose, OWA_WANT_ROWS, then);
    apr_size_t len;
    const char *body = oc_dav_proppatch(v->pool, &owa_schema, set, count, &len);

    owa_ask_xml(a, body, len);
    apr_table_setn(a->x->headers, "Brief", "t");
    if (etag) {
        apr_table_setn(a->x->headers, "If-Match", etag);
    } else {
        apr_table_setn(a->x->headers, "If-None-Match", "*");
    }
    return a;
}

owa_ask_t *owa_submit(owa_verb_t *v, const char *path, const char *purpose, owa_then_t *then)
{
    owa_ask_t *a = owa_ask(v, NULL, "MOVE", path, purpose, OWA_WANT_STATUS, then);

    a->destination = v->own->submission;
    return a;
}

owa_ask_t *owa_delete(owa_verb_t *v, const char *path, const char *purpose, owa_then_t *then)
{
    return owa_ask(v, NULL, "DELETE", path, purpose, OWA_WANT_STATUS, then);
}

owa_ask_t *owa_search(owa_verb_t *v, const oc_site_t *site, const char *folder, const int *props,
                      const oc_dav_where_t *where, int count, int order, int from, int to,
                      const char *purpose, owa_then_t *then)
{
    owa_ask_t *a = owa_ask(v, site, "SEARCH", folder, purpose, OWA_WANT_ROWS, then);
    apr_size_t len;
    const char *body = oc_dav_search(v->pool, &owa_schema, props, where, count, order, &len);

    owa_ask_xml(a, body, len);
    apr_table_setn(a->x->headers, "Brief", "t");
    if (to >= 0) {
        apr_table_setn(a->x->headers, "Range", apr_psprintf(v->pool, "rows=%d-%d", from, to));
    }
    return a;
}

owa_ask_t *owa_command(owa_verb_t *v, const char *path, const char *body, apr_size_t len,
                       const char *purpose, owa_then_t *then)
{
    owa_ask_t *a = owa_ask(v, NULL, body ? "POST" : "GET", path, purpose, OWA_WANT_BODY, then);

    a->command = 1;
    if (body) {
        a->x->body = body;
        a->x->body_len = len;
        /* Exactly so: neither form-urlencoded nor percent-encoded (D. Szabo, 2006). */
        apr_table_setn(a->x->headers, "Content-Type", "application/x-www-UTF8-encoded");
    }
    return a;
}

/* The same request once more, as another exchange. */
static void repeat(owa_verb_t *v, owa_ask_t *a, const oc_site_t *site, const char *path)
{
    oc_exchange_t *old = a->x;

    a->x = oc_exchange_create(v->pool, site, old->method, path, old->purpose);
    a->x->headers = old->headers;
    a->x->body = old->body;
    a->x->body_len = old->body_len;
    a->x->writes = old->writes;
    a->x->max_reply = old->max_reply;
    a->x->baton = a;
    if (a->destination) {
        apr_table_setn(a->x->headers, "Destination", owa_url(v->pool, site, a->destination));
    }
    oc_result_init(&a->res, v->pool);
    a->status = a->unknown = a->row_status = 0;
    a->body_len = 0;
    a->dav = NULL;
}

/* ---- reading a reply ---- */

static const char *header(const owa_ask_t *a, const char *name)
{
    return a->x->reply_headers ? apr_table_get(a->x->reply_headers, name) : NULL;
}

static apr_status_t keep_first(void *baton, const oc_dav_row_t *row)
{
    owa_ask_t *a = baton;
    apr_pool_t *pool = a->res.pool;
    oc_dav_row_t *copy;
    int i, n = row->schema->count;

    if (a->first) {
        return APR_SUCCESS;
    }
    copy = apr_pmemdup(pool, row, sizeof(*row));
    copy->pool = pool;
    copy->href = apr_pstrdup(pool, row->href);
    copy->path = apr_pstrdup(pool, row->path);
    copy->value = apr_pcalloc(pool, sizeof(*copy->value) * (size_t)n);
    copy->prop_status = apr_pmemdup(pool, row->prop_status, sizeof(*copy->prop_status) * (size_t)n);
    for (i = 0; i < n; ++i) {
        copy->value[i] = row->value[i] ? apr_pstrdup(pool, row->value[i]) : NULL;
    }
    a->first = copy;
    return APR_SUCCESS;
}

/* Of a search a failure comes as a row, too: that of the folder, or of a result that was cut off
 * (RFC 5323, 5.6.1). An item that is gone by now is none. */
static apr_status_t hand_on(void *baton, const oc_dav_row_t *row)
{
    owa_ask_t *a = baton;

    if (row->status < 400) {
        return a->row(a->row_baton, row);
    }
    if (!a->row_status &&
        (row->status != 404 || !owa_path_below(row->pool, a->x->path, row->path))) {
        a->row_status = row->status;
    }
    return APR_SUCCESS;
}

static int number(const char **s)
{
    int n = 0, digits = 0;

    for (; apr_isdigit(**s); ++*s, ++digits) {
        if (digits < 9) {
            n = n * 10 + (**s - '0');
        }
    }
    return digits > 0 && digits < 10 ? n : -1;
}

/* "rows 0-49; total=120" */
static void read_range(owa_ask_t *a, const char *s)
{
    if (strncasecmp(s, "rows ", 5)) {
        return;
    }
    s += 5;
    a->range_first = number(&s);
    if (*s == '-') {
        ++s;
        a->range_last = number(&s);
    }
    s = strstr(s, "total=");
    if (s) {
        s += 6;
        a->range_total = number(&s);
    }
}

static int redirected(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307;
}

static int feed_head(owa_verb_t *v, owa_ask_t *a)
{
    const char *s;

    a->status = a->x->status;
    s = header(a, "Content-Type");
    if (s) {
        s = apr_pstrmemdup(v->pool, s, strcspn(s, ";"));
        a->type = oc_str_lower(v->pool, oc_str_trim(v->pool, s));
    }
    s = header(a, "Date");
    if (s && (a->date = apr_date_parse_http(s)) != APR_DATE_BAD) {
        v->skew = a->date - oc_clock_wall();
    }
    s = header(a, "Content-Range");
    if (s) {
        read_range(a, s);
    }
    s = header(a, "Location");
    if (s && (redirected(a->status) || a->status == 201)) {
        const char *scheme, *host, *path = oc_dav_url_path(v->pool, s, &scheme, &host);
        a->location = path && owa_site(v->be, scheme, host, a->x->site) ? path : NULL;
    }
    if (a->want == OWA_WANT_ROWS && a->status == 207) {
        a->dav = oc_dav_open(v->pool, &owa_schema, a->row ? hand_on : keep_first, a);
        if (!a->dav) {
            oc_result_fail(&a->res, OC_REASON_INTERNAL, "out of memory");
            return 1;
        }
    }
    return 0;
}

static int collect(owa_verb_t *v, owa_ask_t *a, const char *data, apr_size_t len)
{
    apr_size_t max = a->max_body ? a->max_body : BODY_MAX;

    if (a->body_len + len > max) {
        oc_result_fail(&a->res, OC_REASON_UPSTREAM_TOO_LARGE, "%s: a reply over %" APR_SIZE_T_FMT
                       " bytes", a->x->purpose, max);
        return 1;
    }
    if (a->body_len + len + 1 > a->room) {
        apr_size_t room = a->room ? a->room * 2 : 4096;
        char *grown;
        while (room < a->body_len + len + 1) {
            room *= 2;
        }
        grown = apr_palloc(a->body_pool ? a->body_pool : v->pool, room);
        if (a->body_len > 0) {
            memcpy(grown, a->buffer, a->body_len);
        }
        a->buffer = grown;
        a->room = room;
    }
    memcpy(a->buffer + a->body_len, data, len);
    a->body_len += len;
    a->buffer[a->body_len] = '\0';
    a->body = a->buffer;
    return 0;
}

static int feed_body(owa_verb_t *v, owa_ask_t *a, const char *data, apr_size_t len)
{
    if (a->dav) {
        return oc_dav_feed(a->dav, data, len, &a->res) != APR_SUCCESS;
    }
    if (a->want == OWA_WANT_XML && a->status == 200 && strcmp(a->type, "text/html")) {
        return oc_xml_feed(a->xml, data, len, &a->res) != APR_SUCCESS;
    }
    if (a->want == OWA_WANT_BODY) {
        return collect(v, a, data, len);
    }
    return 0;
}

/* ---- judging ---- */

static void no_reply(owa_ask_t *a)
{
    const oc_exchange_t *x = a->x;
    const char *why = x->error ? x->error : "no reason given";
    oc_reason_t reason;

    a->unknown = x->writes && oc_exchange_unknown(x);
    switch (x->outcome) {
    case OC_X_NOT_SENT:
        reason = x->forbidden ? OC_REASON_MAILBOX_REFUSED : OC_REASON_UPSTREAM_UNAVAILABLE;
        break;
    case OC_X_TIMEOUT:
    case OC_X_CANCELLED:
        reason = OC_REASON_UPSTREAM_TIMEOUT;
        break;
    case OC_X_TOO_LARGE:
        reason = OC_REASON_UPSTREAM_TOO_LARGE;
        break;
    default:
        reason = OC_REASON_UPSTREAM_ERROR;
        break;
    }
    if (a->unknown) {
        reason = OC_REASON_OUTCOME_UNKNOWN;
    }
    oc_result_fail(&a->res, reason, "%s: no complete reply: %s", x->purpose, why);
}

/* What a status means that is no success: the one table of it (protocol of Exchange 2000/2003: the
 * SDK's status lists; 425 and 440 from Evolution Connector; 440 on writes from DavMail). */
static oc_reason_t reason_of(const owa_ask_t *a, int status)
{
    switch (status) {
    case 401: /* the login itself was proved before: no rights, unless it is one's own mailbox */
        return a->mailbox ? OC_REASON_ACCESS_DENIED : OC_REASON_TOKEN_REFUSED;
    case 403:
    case 440: /* after a proven forms login: no rights to write there */
        return OC_REASON_ACCESS_DENIED;
    case 404:
        return OC_REASON_BOOKING_NOT_FOUND;
    case 412:
        return OC_REASON_CHANGED_MEANWHILE;
    case 423:
        return OC_REASON_LOCKED;
    case 425:
    case 507:
        return OC_REASON_QUOTA;
    case 503:
        return OC_REASON_UPSTREAM_UNAVAILABLE;
    default:
        return OC_REASON_UPSTREAM_ERROR;
    }
}

static void judge_status(owa_ask_t *a, int status, const char *detail)
{
    oc_result_fail(&a->res, reason_of(a, status), "%s: %s%d", a->x->purpose, detail, status);
    a->res.upstream_status = status;
}

/* The rows of a PROPPATCH or PROPFIND of one item rule, not the 207 around them. */
static void judge_inner(owa_ask_t *a)
{
    const oc_dav_row_t *row = a->first;
    int i, patch = !strcmp(a->x->method, "PROPPATCH");

    if (!row) {
        oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL, "%s: an empty multistatus",
                       a->x->purpose);
        return;
    }
    if (row->status >= 400) {
        judge_status(a, row->status, "within the 207: ");
        return;
    }
    if (!patch) {
        return;
    }
    for (i = 0; i < row->schema->count; ++i) {
        if (row->prop_status[i] >= 400 && (row->prop_status[i] != 424 || row->worst == 424)) {
            judge_status(a, row->prop_status[i],
                         apr_psprintf(a->res.pool, "property %s%s: ", row->schema->props[i].ns,
                                      row->schema->props[i].name));
            return;
        }
    }
    if (row->worst) {
        judge_status(a, row->worst, "a property: ");
    }
}

static void judge_success(owa_ask_t *a)
{
    int html = !strcmp(a->type, "text/html");

    if (a->want == OWA_WANT_ROWS) {
        if (!a->dav) {
            oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL, "%s: %d %s, not a multistatus",
                           a->x->purpose, a->status, html ? "with an HTML page" : "");
        } else if (oc_dav_end(a->dav, &a->res) == APR_SUCCESS && !a->row) {
            a->rows = (int)oc_dav_rows(a->dav);
            judge_inner(a);
        } else if (a->res.reason == OC_REASON_OK && a->row_status) {
            judge_status(a, a->row_status, "within the 207: ");
        }
        if (a->dav) {
            a->rows = (int)oc_dav_rows(a->dav);
        }
    } else if (a->want == OWA_WANT_XML) {
        if (html || a->status != 200) {
            oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL, "%s: %d %s instead of data",
                           a->x->purpose, a->status, html ? "with an HTML page" : a->type);
        } else {
            oc_xml_end(a->xml, &a->res);
        }
    }
    /* An answer nobody understands says nothing about what was done. */
    a->unknown = a->x->writes && (a->res.reason == OC_REASON_UPSTREAM_PROTOCOL
                                  || a->res.reason == OC_REASON_UPSTREAM_TOO_LARGE);
}

static int is_logon_page(const char *location)
{
    return strstr(location, "owalogon.asp") || strstr(location, "/exchweb/bin/auth/");
}

/* A redirect to one of our hosts is asked again there: the path it names (with our own query), the
 * same method. 1 = done so. */
static int follow(owa_verb_t *v, owa_ask_t *a)
{
    const char *to = header(a, "Location");
    const char *scheme, *host, *path = to ? oc_dav_url_path(v->pool, to, &scheme, &host) : NULL;
    const char *query = strchr(a->x->path, '?');
    const char *own = query ? apr_pstrmemdup(v->pool, a->x->path, (apr_size_t)(query - a->x->path))
                            : a->x->path;
    const oc_site_t *site = path ? owa_site(v->be, scheme, host, a->x->site) : NULL;
    const char *why = NULL;

    if (path && is_logon_page(path)) {
        oc_result_fail(&a->res, OC_REASON_TOKEN_REFUSED, "%s: sent to the logon page",
                       a->x->purpose);
        return 0;
    }
    if (!site) {
        why = "no configured host";
    } else if (++a->hops > HOPS_MAX || (site == a->x->site && owa_path_same(v->pool, own, path))) {
        why = "a redirect in a circle";
    } else if (a->x->writes && !owa_path_same(v->pool, own, path)) {
        why = "a write sent elsewhere";
    }
    if (why) {
        oc_result_fail(&a->res, OC_REASON_UPSTREAM_REDIRECT, "%s: %d to %s: %s", a->x->purpose,
                       a->status, to ? oc_str_log(v->pool, to, 200) : "nowhere", why);
        a->res.upstream_status = a->status;
        return 0;
    }
    repeat(v, a, site, query ? apr_pstrcat(v->pool, path, query, NULL) : path);
    a->state = ASK_READY;
    return 1;
}

/* Once more after a pause, where that can do no harm. 1 = so it will be. */
static int wait_and_repeat(owa_verb_t *v, owa_ask_t *a)
{
    apr_time_t pause;

    if (a->x->outcome != OC_X_REPLIED) {
        return 0;
    }
    if (a->status == 423 && a->tries < LOCKED_TRIES) {
        pause = LOCKED_PAUSE << a->tries;
    } else if ((a->status == 500 || a->status == 503) && !a->x->writes && a->tries == 0
               && a->res.retry_after <= RETRY_AFTER_MAX) {
        pause = a->res.retry_after ? apr_time_from_sec(a->res.retry_after) : READ_PAUSE;
    } else {
        return 0;
    }
    ++a->tries;
    repeat(v, a, a->x->site, a->x->path);
    a->retry_at = oc_clock_mono() + pause;
    a->state = ASK_WAITING;
    return 1;
}

/* The only place where replies get their meaning. 1 = the ask goes on, it is not over. */
static int judge(owa_verb_t *v, owa_ask_t *a)
{
    const char *after;

    if (a->x->outcome != OC_X_REPLIED) {
        no_reply(a);
        return 0;
    }
    if (a->res.reason != OC_REASON_OK) { /* found while it streamed */
        a->unknown = a->x->writes && a->status < 400;
        return 0;
    }
    if (a->status >= 200 && a->status < 300) {
        judge_success(a);
        return 0;
    }
    if (redirected(a->status)) {
        const char *to = header(a, "Location");
        if (!a->command) {
            return follow(v, a);
        }
        if (to && is_logon_page(to)) {
            oc_result_fail(&a->res, OC_REASON_TOKEN_REFUSED, "%s: sent to the logon page",
                           a->x->purpose);
        }
        return 0;
    }
    if (a->status == 416 && apr_table_get(a->x->headers, "Range")) {
        return 0; /* no such rows: the end of the list */
    }
    if (a->status == 404 && a->quiet_404) {
        return 0;
    }
    judge_status(a, a->status, "HTTP ");
    if (a->status == 404 && !header(a, "MS-WebStorage")) {
        oc_result_clear(&a->res);
        oc_result_fail(&a->res, OC_REASON_UPSTREAM_PROTOCOL,
                       "%s: 404 without MS-WebStorage: nothing of Exchange at this address",
                       a->x->purpose);
        a->res.upstream_status = 404;
    }
    /* A server that fails in the middle, or a gateway that lost it, may have acted. */
    a->unknown = a->x->writes && (a->status == 500 || a->status == 502 || a->status == 504);
    after = header(a, "Retry-After");
    if (after && a->status == 503) {
        int seconds = number(&after);
        a->res.retry_after = seconds > 0 && seconds < 3600 ? seconds : 0;
    }
    return wait_and_repeat(v, a);
}

/* ---- the job ---- */

static owa_verb_t *verb_of(oc_job_t *job)
{
    return (owa_verb_t *)job;
}

static void own_found(owa_verb_t *v, const owa_folders_t *folders, const oc_result_t *res,
                      void *baton)
{
    (void)baton;
    if (!folders) {
        owa_fail_with(v, res, "find folders");
        return;
    }
    v->own = folders;
    v->start(v);
}

static void begin(owa_verb_t *v)
{
    if (v->without_own) {
        v->start(v);
    } else {
        owa_folders_find(v, NULL, own_found, NULL);
    }
}

static oc_exchange_t *verb_next(oc_job_t *job)
{
    owa_verb_t *v = verb_of(job);
    oc_mono_t now = oc_clock_mono();
    owa_ask_t *a;

    if (!v->begun) {
        v->begun = 1;
        begin(v);
    }
    if (v->woken && now >= v->woken_at && !v->done) {
        void (*woken)(owa_verb_t *) = v->woken;
        v->woken = NULL;
        woken(v);
    }
    job->wake_at = 0;
    if (v->done) {
        return NULL;
    }
    for (a = v->asks; a; a = a->link) {
        if (a->state == ASK_READY || (a->state == ASK_WAITING && now >= a->retry_at)) {
            a->state = ASK_FLYING;
            ++v->flying;
            return a->x;
        }
        if (a->state == ASK_WAITING && (!job->wake_at || a->retry_at < job->wake_at)) {
            job->wake_at = a->retry_at;
        }
    }
    if (v->woken && (!job->wake_at || v->woken_at < job->wake_at)) {
        job->wake_at = v->woken_at;
    }
    return NULL;
}

static void forget_ask(owa_verb_t *v, owa_ask_t *a)
{
    owa_ask_t **p = &v->asks;

    while (*p && *p != a) {
        p = &(*p)->link;
    }
    if (*p) {
        *p = a->link;
    }
    a->link = NULL;
    a->state = ASK_OVER;
}

static void feed_end(owa_verb_t *v, owa_ask_t *a)
{
    int over = a->state != ASK_FLYING; /* dropped meanwhile */
    int again;

    --v->flying;
    again = judge(v, a);
    if (a->x->writes && !again && (a->unknown || a->res.reason == OC_REASON_OK)) {
        v->wrote = 1;
    }
    if (v->done || over) {
        forget_ask(v, a);
        return;
    }
    if (again) {
        oc_log(OC_LOG_DEBUG, 0, v->call->id, OC_LOGID(0300) "%s: %s: once more (try %d, hop %d)",
               v->name, a->x->purpose, a->tries, a->hops);
        return;
    }
    oc_log(OC_LOG_DEBUG, 0, v->call->id, OC_LOGID(0301) "%s: %s: %d %s", v->name, a->x->purpose,
           a->status, oc_reason_token(a->res.reason));
    forget_ask(v, a);
    a->then(v, a);
}

/* What is in flight ends unheard. */
static void drop_asks(owa_verb_t *v)
{
    owa_ask_t *a;

    for (a = v->asks; a; a = a->link) {
        a->state = ASK_OVER;
    }
    v->asks = NULL;
}

static int verb_feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data,
                     apr_size_t len)
{
    owa_verb_t *v = verb_of(job);
    owa_ask_t *a = x->baton;

    switch (what) {
    case OC_FEED_HEAD:
        return v->done || a->state != ASK_FLYING || feed_head(v, a);
    case OC_FEED_BODY:
        return v->done || a->state != ASK_FLYING || feed_body(v, a, data, len);
    case OC_FEED_END:
        feed_end(v, a);
        break;
    }
    return 0;
}

static int verb_done(const oc_job_t *job)
{
    const owa_verb_t *v = (const owa_verb_t *)job;

    return v->done && v->flying == 0;
}

static void verb_cancel(oc_job_t *job, oc_cancel_t why)
{
    owa_verb_t *v = verb_of(job);
    oc_result_t *res = &v->call->result;

    if (v->done || (why == OC_CANCEL_ABANDON && v->wrote)) {
        return;
    }
    drop_asks(v);
    v->woken = NULL;
    if (v->cancelled && why != OC_CANCEL_STOPPING) {
        v->cancelled(v, why);
        return;
    }
    if (v->wrote) {
        oc_result_fail(res, OC_REASON_OUTCOME_UNKNOWN, "ended before its outcome was known");
    } else if (why == OC_CANCEL_STOPPING) {
        oc_result_fail(res, OC_REASON_STOPPING, "the server is being stopped");
    } else {
        oc_result_fail(res, OC_REASON_UPSTREAM_TIMEOUT, "the time for it was over");
    }
    oc_result_wrap(res, v->name);
    owa_finish(v);
}

static const oc_job_vtable_t verb_vtable = {"owa2003", verb_next, verb_feed, verb_done,
                                            verb_cancel};

owa_verb_t *owa_verb(const oc_backend_t *be, oc_call_t *call, apr_size_t size, const char *name,
                     void (*start)(owa_verb_t *v))
{
    owa_verb_t *v = apr_pcalloc(call->pool, size);

    v->job.vt = &verb_vtable;
    v->be = be;
    v->call = call;
    v->pool = call->pool;
    v->name = name;
    v->start = start;
    return v;
}

void owa_finish(owa_verb_t *v)
{
    v->done = 1;
    v->woken = NULL;
}

void owa_fail_with(owa_verb_t *v, const oc_result_t *res, const char *step)
{
    oc_result_t *to = &v->call->result;

    oc_result_fail(to, res->reason, "%s", res->detail ? res->detail : "");
    to->upstream_status = res->upstream_status;
    to->retry_after = res->retry_after;
    oc_result_wrap(to, step);
    owa_finish(v);
}

void owa_fail(owa_verb_t *v, const owa_ask_t *a, const char *step)
{
    owa_fail_with(v, &a->res, step);
}

int owa_restart(owa_verb_t *v, const owa_ask_t *a, const char *mailbox)
{
    int status = a->res.upstream_status;

    if ((status != 404 && status != 409) || v->restarted || !v->memo_used) {
        return 0;
    }
    oc_log(OC_LOG_DEBUG, 0, v->call->id,
           OC_LOGID(0302) "%s: %s: %d: the folders may have moved, finding them again", v->name,
           a->x->purpose, status);
    v->restarted = 1;
    v->memo_used = 0;
    owa_folders_forget(v, mailbox);
    if (!mailbox) {
        v->own = NULL;
    }
    drop_asks(v);
    begin(v);
    return 1;
}

void owa_pause(owa_verb_t *v, apr_time_t pause, void (*woken)(owa_verb_t *v))
{
    v->woken = woken;
    v->woken_at = oc_clock_mono() + pause;
}
