/* filter.c - the output filter OWACAL.
 *
 * Buckets pass through untouched and uncopied; only what follows the first placeholder that is not
 * filled yet is kept back, and of that no more than the look-ahead: so look-ups of a page run side
 * by side while memory stays bounded.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "httpd/again.h"
#include "httpd/filter.h"
#include "httpd/fragment.h"
#include "wire/scan.h"

APLOG_USE_MODULE(owacal);

#define NAME       "OWACAL"
#define LOOK_AHEAD (256 * 1024) /* bytes behind the begin of the first placeholder not filled */
#define SLICE      (32 * 1024)  /* bytes looked at before that is looked after */

typedef struct hole_t {
    struct hole_t *next;
    oc_fragment_t *fragment;
    apr_uint64_t begin, end; /* offsets in the page; end 0: its end tag has not come yet */
} hole_t;

typedef struct filter_t {
    oc_fragment_page_t *page;
    oc_scan_t *scan;
    apr_bucket_brigade *kept; /* read, but not passed on */
    apr_uint64_t kept_at;     /* offset of its first byte */
    apr_uint64_t read;        /* bytes looked at so far */
    hole_t *first, **last;
    int utf8;   /* the page's charset; else our text goes out in references */
    int strange; /* kinds and parameters not known: said once */
} filter_t;

/* ---- is this page ours to fill? ---- */

/* A page included into another that is filled as a whole is filled there. */
static int filled_outside(const request_rec *r)
{
    while ((r = oc_again_outer(r)) != NULL) {
        for (const ap_filter_t *f = r->output_filters; f; f = f->next) {
            if (strcasecmp(f->frec->name, NAME) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

/* Before the handler runs: the page must come whole, and as it is now. */
static int init(ap_filter_t *f)
{
    static const char *const conditional[] = {"If-Modified-Since", "If-None-Match", "If-Range",
                                              "If-Match", "If-Unmodified-Since", "Range"};
    request_rec *r = f->r;
    const char *why;

    if (!oc_fragment_wanted(r, &why) || !r->user) {
        return OK;
    }
    for (size_t i = 0; i < sizeof(conditional) / sizeof(conditional[0]); ++i) {
        apr_table_unset(r->headers_in, conditional[i]);
    }
    r->no_local_copy = 1;
    return OK;
}

/* 1: a charset in which ASCII bytes are ASCII characters, and nothing else. */
static int charset_fits(const char *name, apr_size_t len, int *utf8)
{
    static const char *const families[] = {"iso-8859-", "iso8859-", "windows-125", "cp125",
                                           "koi8-"};

    *utf8 = (len == 5 && strncasecmp(name, "utf-8", 5) == 0) ||
            (len == 4 && strncasecmp(name, "utf8", 4) == 0);
    if (*utf8 || (len == 8 && strncasecmp(name, "us-ascii", 8) == 0) ||
        (len == 6 && strncasecmp(name, "latin1", 6) == 0)) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); ++i) {
        if (strncasecmp(name, families[i], strlen(families[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Which pages can be filled. NULL, or why this one is left alone; "" is no matter for the log. */
static const char *unfit(request_rec *r, int *xml, int *utf8)
{
    /* With AddDefaultCharset, which the core puts there only when the headers are sent. */
    const char *type = r->content_type ? ap_make_content_type(r, r->content_type) : NULL;
    const char *charset, *coding;
    apr_size_t len;

    len = type ? strcspn(type, "; \t") : 0;
    *xml = len == 21 && strncasecmp(type, "application/xhtml+xml", 21) == 0;
    *utf8 = *xml; /* what XML is unless it says otherwise */
    if (!*xml && !(len == 9 && strncasecmp(type, "text/html", 9) == 0)) {
        return "";
    }
    coding = apr_table_get(r->headers_out, "Content-Encoding");
    coding = coding ? coding : r->content_encoding;
    if (coding && *coding && strcasecmp(coding, "identity") != 0) {
        return apr_psprintf(r->pool,
                            "it is compressed (%s); put INFLATE before OWACAL, or unset "
                            "Accept-Encoding towards its origin",
                            oc_str_log(r->pool, coding, 40));
    }
    if (r->status == HTTP_PARTIAL_CONTENT || apr_table_get(r->headers_out, "Content-Range")) {
        return "it is a part of a page only";
    }
    charset = ap_strcasestr(type, "charset=");
    if (charset) {
        charset += strlen("charset=");
        charset += *charset == '"';
        len = strcspn(charset, "\"; \t");
        if (!charset_fits(charset, len, utf8)) {
            return apr_psprintf(r->pool, "its charset %s is none that contains ASCII as it is",
                                oc_str_log(r->pool, apr_pstrmemdup(r->pool, charset, len), 40));
        }
    }
    return NULL;
}

/* ---- the headers of a page that is filled ---- */

/* The words of the unfilled page's Cache-Control that still hold. */
static int still_holds(const char *word)
{
    static const char *const gone[] = {"public", "private", "no-cache", "max-age", "s-maxage",
                                       "immutable", "stale-while-revalidate", "stale-if-error"};
    apr_size_t n = strcspn(word, "= \t");

    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); ++i) {
        if (strlen(gone[i]) == n && strncasecmp(word, gone[i], n) == 0) {
            return 0;
        }
    }
    return n > 0;
}

static void fix_headers(request_rec *r)
{
    static const char *const gone[] = {"ETag",        "Last-Modified", "Content-Length", "Expires",
                                       "Content-MD5", "Accept-Ranges", "Digest", "Content-Digest",
                                       "Repr-Digest", "Cache-Control"};
    const char *was = apr_table_get(r->headers_out, "Cache-Control"), *now = "private, no-cache";
    char *copy, *state = NULL, *word;

    was = was ? was : apr_table_get(r->err_headers_out, "Cache-Control");
    copy = apr_pstrdup(r->pool, was ? was : "");
    for (word = apr_strtok(copy, ",", &state); word; word = apr_strtok(NULL, ",", &state)) {
        word = (char *)oc_str_trim(r->pool, word);
        if (still_holds(word)) {
            now = apr_pstrcat(r->pool, now, ", ", word, NULL);
        }
    }
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); ++i) {
        apr_table_unset(r->headers_out, gone[i]);
        apr_table_unset(r->err_headers_out, gone[i]);
    }
    apr_table_setn(r->notes, "no-etag", "1");
    apr_table_setn(r->headers_out, "Cache-Control", now);
    apr_table_mergen(r->headers_out, "Vary", "Accept-Language");
}

void oc_filter_headers(request_rec *r)
{
    for (; r; r = r->main) { /* those of the outermost are sent */
        fix_headers(r);
    }
}

/* ---- placeholders ---- */

static void found(void *baton, const oc_scan_event_t *e)
{
    filter_t *me = baton;
    request_rec *r = me->page->q.r;
    hole_t *hole;

    switch (e->what) {
    case OC_SCAN_BEGIN:
        hole = apr_pcalloc(r->pool, sizeof(*hole));
        hole->begin = e->at;
        me->page->lang = oc_scan_lang(me->scan);
        /* The author of the page sees what he has, and the log says the rest, once. */
        hole->fragment = oc_fragment_begin(me->page, e->kind, e->parameters, e->element);
        if (oc_reason_kind(hole->fragment->result.reason) == OC_KIND_INPUT && !me->strange++) {
            oc_log(OC_LOG_WARNING, 0, NULL,
                   OC_LOGID(0593) "%s: a placeholder is left as it is: %s: %s",
                   oc_str_log(r->pool, r->uri, 200), hole->fragment->result.field,
                   hole->fragment->result.detail);
        }
        *me->last = hole;
        me->last = &hole->next;
        break;
    case OC_SCAN_END:
    case OC_SCAN_LOST: /* of the youngest */
        for (hole = me->first; hole && hole->next; hole = hole->next) {
        }
        if (hole) {
            hole->end = e->at;
            hole->fragment = e->what == OC_SCAN_END ? hole->fragment : NULL;
        }
        break;
    }
}

/* Our text in the page's charset. */
static const char *in_charset(const filter_t *me, const char *html)
{
    return me->utf8 ? html : oc_str_ascii(me->page->q.r->pool, html);
}

static void insert_text(filter_t *me, ap_filter_t *f, apr_bucket_brigade *out, const char *html)
{
    html = in_charset(me, html);
    APR_BRIGADE_INSERT_TAIL(out, apr_bucket_pool_create(html, strlen(html), f->r->pool,
                                                        f->c->bucket_alloc));
}

/* Moves what is kept up to `offset` to `out`, or to nowhere. */
static apr_status_t move(filter_t *me, apr_uint64_t offset, apr_bucket_brigade *out)
{
    apr_bucket *to, *b;
    apr_status_t rv = apr_brigade_partition(me->kept, (apr_off_t)(offset - me->kept_at), &to);

    if (rv != APR_SUCCESS && rv != APR_INCOMPLETE) {
        return rv;
    }
    while ((b = APR_BRIGADE_FIRST(me->kept)) != to && b != APR_BRIGADE_SENTINEL(me->kept)) {
        APR_BUCKET_REMOVE(b);
        if (out) {
            APR_BRIGADE_INSERT_TAIL(out, b);
        } else {
            apr_bucket_destroy(b);
        }
    }
    me->kept_at = offset;
    return APR_SUCCESS;
}

/* Fill the first placeholder, whose end has been seen; waits for its look-ups. */
static apr_status_t fill(filter_t *me, ap_filter_t *f, apr_bucket_brigade *out)
{
    hole_t *hole = me->first;
    const char *html = NULL;
    apr_status_t rv;

    if ((rv = move(me, hole->begin, out)) != APR_SUCCESS) {
        return rv;
    }
    if (hole->fragment) {
        int known = oc_fragment_finish(hole->fragment, &html) == APR_SUCCESS;

        if ((rv = move(me, hole->end, known && html ? NULL : out)) != APR_SUCCESS) {
            return rv;
        }
        /* A kind that is not there is no news for the reader of the page. */
        if (html && (known || hole->fragment->kind)) {
            insert_text(me, f, out, html);
        }
    }
    me->first = hole->next;
    if (!me->first) {
        me->last = &me->first;
    }
    return APR_SUCCESS;
}

/* ---- passing on ---- */

static apr_status_t pass(filter_t *me, ap_filter_t *f, apr_bucket_brigade *out)
{
    apr_status_t rv;

    if (APR_BRIGADE_EMPTY(out)) {
        return APR_SUCCESS;
    }
    rv = ap_pass_brigade(f->next, out);
    apr_brigade_cleanup(out);
    if (rv != APR_SUCCESS) { /* the reader has gone, and with him the wish to know */
        oc_fragment_close(me->page);
        me->first = NULL;
        me->last = &me->first;
    }
    return rv;
}

/* Everything that may go, goes to `out`: up to the first placeholder that is not filled. those: 1
 * fills all whose end has been seen, 0 only those too far behind. */
static apr_status_t advance(filter_t *me, ap_filter_t *f, int all, apr_bucket_brigade *out)
{
    apr_status_t rv;

    while (me->first && me->first->end && (all || me->read - me->first->begin > LOOK_AHEAD)) {
        if ((rv = fill(me, f, out)) != APR_SUCCESS) {
            return rv;
        }
    }
    if (me->first) {
        return move(me, me->first->begin, out);
    }
    APR_BRIGADE_CONCAT(out, me->kept);
    me->kept_at = me->read;
    return APR_SUCCESS;
}

/* Buckets kept beyond this call must not stand in somebody's stack. */
static apr_status_t set_aside(filter_t *me, ap_filter_t *f)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(me->kept); b != APR_BRIGADE_SENTINEL(me->kept);
         b = APR_BUCKET_NEXT(b)) {
        apr_status_t rv = apr_bucket_setaside(b, f->r->pool);

        if (rv == APR_ENOTIMPL) {
            const char *data;
            apr_size_t len;
            if ((rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ)) == APR_SUCCESS) {
                rv = apr_bucket_setaside(b, f->r->pool);
            }
        }
        if (rv != APR_SUCCESS && rv != APR_ENOTIMPL) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t flush(filter_t *me, ap_filter_t *f, apr_bucket_brigade *out)
{
    APR_BRIGADE_INSERT_TAIL(out, apr_bucket_flush_create(f->c->bucket_alloc));
    return pass(me, f, out);
}

/* The next data bucket of `in`, its bytes readable. One that would block lets go first what can. */
static apr_status_t read_bucket(filter_t *me, ap_filter_t *f, apr_bucket *b, const char **data,
                                apr_size_t *len, apr_bucket_brigade *out)
{
    apr_status_t rv = apr_bucket_read(b, data, len, APR_NONBLOCK_READ);

    if (APR_STATUS_IS_EAGAIN(rv)) {
        oc_lookup_go(me->page->lookups);
        if ((rv = advance(me, f, 0, out)) == APR_SUCCESS &&
            (rv = flush(me, f, out)) == APR_SUCCESS) {
            rv = apr_bucket_read(b, data, len, APR_BLOCK_READ);
        }
    }
    return rv;
}

/* The first bucket of `in`, a data bucket: looked at slice by slice and kept. */
static apr_status_t take(filter_t *me, ap_filter_t *f, apr_bucket *b, apr_bucket_brigade *out)
{
    const char *data;
    apr_size_t len;
    apr_status_t rv = read_bucket(me, f, b, &data, &len, out);

    if (rv == APR_SUCCESS && len > SLICE) {
        rv = apr_bucket_split(b, SLICE);
        len = SLICE;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    APR_BUCKET_REMOVE(b);
    APR_BRIGADE_INSERT_TAIL(me->kept, b);
    oc_scan_feed(me->scan, data, len);
    me->read += len;
    return advance(me, f, 0, out);
}

static void say_what_was_left(filter_t *me)
{
    unsigned int left = oc_scan_left(me->scan);
    request_rec *r = me->page->q.r;

    if (left) {
        oc_log(OC_LOG_WARNING, 0, NULL, OC_LOGID(0594) "%s: placeholders were left alone:%s%s%s%s",
               oc_str_log(r->pool, r->uri, 200),
               left & OC_SCAN_LEFT_MANY ? " more than 50;" : "",
               left & OC_SCAN_LEFT_ATTRIBUTES ? " attributes longer than 4096 bytes;" : "",
               left & OC_SCAN_LEFT_CONTENT ? " own content longer than 65536 bytes;" : "",
               left & OC_SCAN_LEFT_OPEN ? " not closed;" : "");
    }
}

static apr_status_t at_end(filter_t *me, ap_filter_t *f, apr_bucket_brigade *out)
{
    oc_scan_end(me->scan);
    say_what_was_left(me);
    return advance(me, f, 1, out);
}

/* A bucket that is no data: the end, a flush, or somebody's own mark. */
static apr_status_t take_mark(filter_t *me, ap_filter_t *f, apr_bucket *b, apr_bucket_brigade *out)
{
    apr_status_t rv = APR_SUCCESS;

    if (APR_BUCKET_IS_EOS(b)) {
        rv = at_end(me, f, out);
    } else if (APR_BUCKET_IS_FLUSH(b)) {
        rv = advance(me, f, 1, out);
    } else if (!APR_BRIGADE_EMPTY(me->kept)) {
        APR_BUCKET_REMOVE(b); /* it keeps its place */
        APR_BRIGADE_INSERT_TAIL(me->kept, b);
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) {
        APR_BUCKET_REMOVE(b);
        APR_BRIGADE_INSERT_TAIL(out, b);
    }
    return rv;
}

static apr_status_t run(filter_t *me, ap_filter_t *f, apr_bucket_brigade *in)
{
    apr_bucket_brigade *out = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t passed = me->kept_at;

    while (rv == APR_SUCCESS && !APR_BRIGADE_EMPTY(in)) {
        apr_bucket *b = APR_BRIGADE_FIRST(in);
        int end = APR_BUCKET_IS_EOS(b), mark = APR_BUCKET_IS_METADATA(b);

        rv = mark ? take_mark(me, f, b, out) : take(me, f, b, out);
        /* Not all of a large page at once. */
        if (rv == APR_SUCCESS && (end || me->kept_at - passed >= 2 * SLICE)) {
            rv = pass(me, f, out);
            passed = me->kept_at;
        }
        if (end && rv == APR_SUCCESS) {
            oc_fragment_close(me->page);
            ap_remove_output_filter(f);
            return APR_BRIGADE_EMPTY(in) ? rv : ap_pass_brigade(f->next, in);
        }
    }
    oc_lookup_go(me->page->lookups); /* whoever makes the page goes on now */
    if (rv == APR_SUCCESS && (rv = pass(me, f, out)) == APR_SUCCESS) {
        rv = set_aside(me, f);
    }
    apr_brigade_cleanup(in);
    return rv;
}

/* ---- the filter ---- */

/* What becomes of this page; NULL: it is left alone, and why stands in the log. */
static filter_t *begin(ap_filter_t *f)
{
    request_rec *r = f->r;
    const char *why = "", *uri = oc_str_log(r->pool, r->uri, 200);
    int xml = 0, utf8 = 0;
    oc_result_t res;
    filter_t *me;

    if (oc_again_owns(r) || filled_outside(r) || ((why = unfit(r, &xml, &utf8)) && !*why)) {
        return NULL;
    }
    if (why) {
        oc_log(OC_LOG_WARNING, 0, NULL, OC_LOGID(0591) "%s is not filled: %s", uri, why);
        return NULL;
    }
    if (!oc_fragment_wanted(r, &why)) {
        oc_log(OC_LOG_WARNING, 0, NULL,
               OC_LOGID(0590) "%s is not filled: its location has no %s", uri, why);
        return NULL;
    }
    me = apr_pcalloc(r->pool, sizeof(*me));
    oc_result_init(&res, r->pool);
    me->page = oc_fragment_open(r, &res);
    if (!me->page) {
        oc_log(OC_LOG_WARNING, 0, NULL, OC_LOGID(0592) "%s is not filled: %s: %s", uri,
               oc_reason_token(res.reason), res.detail);
        return NULL;
    }
    me->utf8 = utf8;
    me->scan = oc_scan_create(r->pool, xml, found, me);
    me->kept = apr_brigade_create(r->pool, f->c->bucket_alloc);
    me->last = &me->first;
    return me;
}

static apr_status_t filter(ap_filter_t *f, apr_bucket_brigade *in)
{
    filter_t *me = f->ctx;
    apr_bucket *b;

    if (APR_BRIGADE_EMPTY(in)) {
        return ap_pass_brigade(f->next, in);
    }
    /* An error on the way replaces the page; what was kept of it is not wanted. */
    for (b = APR_BRIGADE_FIRST(in); b != APR_BRIGADE_SENTINEL(in); b = APR_BUCKET_NEXT(b)) {
        if (AP_BUCKET_IS_ERROR(b)) {
            ap_remove_output_filter(f);
            return ap_pass_brigade(f->next, in);
        }
    }
    if (!me) {
        me = f->ctx = begin(f);
        if (!me) {
            ap_remove_output_filter(f);
            return ap_pass_brigade(f->next, in);
        }
        oc_filter_headers(f->r);
    }
    if (f->r->header_only) { /* the length of the unfilled page would be wrong */
        for (b = APR_BRIGADE_FIRST(in); b != APR_BRIGADE_SENTINEL(in);) {
            apr_bucket *next = APR_BUCKET_NEXT(b);
            if (!APR_BUCKET_IS_METADATA(b)) {
                apr_bucket_delete(b);
            }
            b = next;
        }
        return ap_pass_brigade(f->next, in);
    }
    return run(me, f, in);
}

void oc_filter_register(void)
{
    /* Behind all that make or change the page, mod_include among them, in whatever order they are
     * named. */
    ap_register_output_filter(NAME, filter, init, AP_FTYPE_RESOURCE + 1);
}
