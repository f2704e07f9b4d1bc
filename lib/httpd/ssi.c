/* ssi.c - see ssi.h.
 *
 * The element leaves a bucket that becomes text when its look-ups are answered. mod_include passes
 * on what it has before each element; a filter of ours behind it holds that until the page, or a
 * good part of it, is there: so all elements are asked side by side, and the page's headers can
 * still be told.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>
#include <mod_include.h>
#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "httpd/filter.h"
#include "httpd/fragment.h"
#include "httpd/ssi.h"
#include "wire/scan.h"

APLOG_USE_MODULE(owacal);

static APR_OPTIONAL_FN_TYPE(ap_ssi_get_tag_and_value) *next_attribute;
static APR_OPTIONAL_FN_TYPE(ap_ssi_parse_string) *expand;

/* ---- a bucket that becomes the fragment's text when somebody reads it ---- */

typedef struct late_t {
    oc_fragment_t *fragment;
    int utf8;
} late_t;

static apr_status_t late_read(apr_bucket *b, const char **data, apr_size_t *len,
                              apr_read_type_e block)
{
    late_t *late = b->data;
    apr_pool_t *pool = late->fragment->in.pool;
    const char *html;

    oc_lookup_go(late->fragment->page->lookups);
    if (block == APR_NONBLOCK_READ && !oc_fragment_over(late->fragment)) {
        return APR_EAGAIN;
    }
    oc_fragment_finish(late->fragment, &html);
    html = !html ? "" : late->utf8 ? html : oc_str_ascii(pool, html);
    if (*html) {
        b = apr_bucket_pool_make(b, html, strlen(html), pool);
    } else {
        b = apr_bucket_immortal_make(b, "", 0);
    }
    return apr_bucket_read(b, data, len, block);
}

/* Whoever keeps it beyond the request, or on another thread, gets the text. */
static apr_status_t late_setaside(apr_bucket *b, apr_pool_t *pool)
{
    const char *data;
    apr_size_t len;
    apr_status_t rv = late_read(b, &data, &len, APR_BLOCK_READ);

    return rv == APR_SUCCESS ? apr_bucket_setaside(b, pool) : rv;
}

static const apr_bucket_type_t late_type = {
    "OWACAL", 5, APR_BUCKET_DATA, apr_bucket_destroy_noop, late_read, late_setaside,
    apr_bucket_split_notimpl, apr_bucket_copy_notimpl,
};

static apr_bucket *late_create(oc_fragment_t *fragment, int utf8, apr_bucket_alloc_t *list)
{
    apr_bucket *b = apr_bucket_alloc(sizeof(*b), list);
    late_t *late = apr_pcalloc(fragment->in.pool, sizeof(*late));

    APR_BUCKET_INIT(b);
    late->fragment = fragment;
    late->utf8 = utf8;
    b->type = &late_type;
    b->free = apr_bucket_free;
    b->list = list;
    b->start = 0;
    b->length = (apr_size_t)-1;
    b->data = late;
    return b;
}

/* ---- the element ---- */

/* What the elements of one page share; NULL: nobody can act here, said once. */
static oc_fragment_page_t *page_of(request_rec *r)
{
    oc_fragment_page_t **slot = ap_get_module_config(r->request_config, &owacal_module);
    const char *why;
    oc_result_t res;

    if (slot) {
        return *slot;
    }
    slot = apr_pcalloc(r->pool, sizeof(*slot));
    ap_set_module_config(r->request_config, &owacal_module, slot);
    oc_result_init(&res, r->pool);
    if (!oc_fragment_wanted(r, &why)) {
        oc_log(OC_LOG_WARNING, 0, NULL,
               OC_LOGID(0596) "%s: the elements owacal are not filled: its location has no %s",
               oc_str_log(r->pool, r->uri, 200), why);
    } else if (!(*slot = oc_fragment_open(r, &res))) {
        oc_log(OC_LOG_WARNING, 0, NULL,
               OC_LOGID(0597) "%s: the elements owacal are not filled: %s: %s",
               oc_str_log(r->pool, r->uri, 200), oc_reason_token(res.reason), res.detail);
    }
    return *slot;
}

static const char *name_of(apr_pool_t *pool, const char *tag)
{
    char *name = (char *)oc_str_lower(pool, tag), *p;

    for (p = name; *p; ++p) {
        *p = *p == '-' ? '_' : *p;
    }
    return name;
}

static int is_utf8(request_rec *r)
{
    const char *type = r->content_type ? ap_make_content_type(r, r->content_type) : "";
    const char *charset = ap_strcasestr(type, "charset=");

    charset = charset ? charset + strlen("charset=") : "";
    return strncasecmp(charset + (*charset == '"'), "utf-8", 5) == 0;
}

static apr_status_t element(include_ctx_t *ctx, ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = ctx->r;
    apr_table_t *parameters = apr_table_make(r->pool, 8);
    oc_fragment_page_t *page;
    oc_fragment_t *fragment;
    const char *kind = NULL;
    char *tag, *value;

    if (!(ctx->flags & SSI_FLAG_PRINTING)) {
        return APR_SUCCESS;
    }
    for (;;) {
        next_attribute(ctx, &tag, &value, SSI_VALUE_DECODED);
        if (!tag || !value) {
            break;
        }
        value = expand(ctx, value, NULL, 0, SSI_EXPAND_DROP_NAME);
        if (strcasecmp(tag, "view") == 0) {
            kind = apr_pstrdup(r->pool, value);
        } else {
            apr_table_set(parameters, name_of(r->pool, tag), value);
        }
    }
    page = page_of(r);
    if (!page || !kind) {
        if (page) {
            oc_log(OC_LOG_WARNING, 0, NULL,
                   OC_LOGID(0598) "%s: the element owacal needs view=, as in view=\"grid\"",
                   oc_str_log(r->pool, r->uri, 200));
        }
        SSI_CREATE_ERROR_BUCKET(ctx, f, bb);
        return APR_SUCCESS;
    }
    fragment = oc_fragment_begin(page, kind, parameters, NULL);
    if (oc_reason_kind(fragment->result.reason) == OC_KIND_INPUT) {
        oc_log(OC_LOG_WARNING, 0, NULL, OC_LOGID(0599) "%s: an element owacal: %s: %s",
               oc_str_log(r->pool, r->uri, 200), fragment->result.field, fragment->result.detail);
    }
    if (!fragment->kind) {
        SSI_CREATE_ERROR_BUCKET(ctx, f, bb);
        return APR_SUCCESS;
    }
    APR_BRIGADE_INSERT_TAIL(bb, late_create(fragment, is_utf8(r), f->c->bucket_alloc));
    return APR_SUCCESS;
}

/* ---- the filter behind mod_include ---- */

#define HOLD      "owacal-ssi"
#define HOLD_MOST (256 * 1024) /* bytes */
#define HEAD_MOST (8 * 1024)   /* bytes in which a page has said its language, if it does */

typedef struct hold_t {
    apr_bucket_brigade *kept;
    apr_size_t bytes;
    int seen; /* an element of ours */
    oc_scan_t *head;
    apr_size_t head_bytes; /* looked at */
} hold_t;

/* What stands in the page is none of our business here, but for its language. */
static void ignore(void *baton, const oc_scan_event_t *event)
{
    (void)baton, (void)event;
}

static void look_for_language(hold_t *me, apr_bucket *b)
{
    const char *data;
    apr_size_t len;

    if (me->head_bytes < HEAD_MOST && !oc_scan_lang(me->head)
        && apr_bucket_read(b, &data, &len, APR_BLOCK_READ) == APR_SUCCESS) {
        len = len < HEAD_MOST - me->head_bytes ? len : HEAD_MOST - me->head_bytes;
        oc_scan_feed(me->head, data, len);
        me->head_bytes += len;
    }
}

/* 1: the page has come to an end, or must go on. */
static int hold_bucket(ap_filter_t *f, hold_t *me, apr_bucket *b)
{
    APR_BUCKET_REMOVE(b);
    APR_BRIGADE_INSERT_TAIL(me->kept, b);
    if (b->type == &late_type) {
        me->seen = 1;
        return 0;
    }
    if (APR_BUCKET_IS_METADATA(b)) {
        return APR_BUCKET_IS_EOS(b) || APR_BUCKET_IS_FLUSH(b) || AP_BUCKET_IS_ERROR(b);
    }
    if (b->length == (apr_size_t)-1 || apr_bucket_setaside(b, f->r->pool) != APR_SUCCESS) {
        return 1;
    }
    me->bytes += b->length;
    look_for_language(me, b);
    return me->bytes > HOLD_MOST;
}

/* Of a subrequest, whose memory may go before the page around it is sent. */
static apr_status_t read_late(apr_bucket_brigade *bb)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb); b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t len;
        apr_status_t rv = b->type == &late_type
                              ? apr_bucket_read(b, &data, &len, APR_BLOCK_READ)
                              : APR_SUCCESS;
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t hold(ap_filter_t *f, apr_bucket_brigade *in)
{
    hold_t *me = f->ctx;
    apr_status_t rv;
    int over = 0;

    if (!me) {
        me = f->ctx = apr_pcalloc(f->r->pool, sizeof(*me));
        me->kept = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
        me->head = oc_scan_create(f->r->pool, 0, ignore, NULL);
    }
    while (!APR_BRIGADE_EMPTY(in)) {
        over |= hold_bucket(f, me, APR_BRIGADE_FIRST(in));
    }
    if (!over) {
        return APR_SUCCESS;
    }
    if (me->seen) {
        if (page_of(f->r)) {
            page_of(f->r)->lang = oc_scan_lang(me->head);
            oc_lookup_go(page_of(f->r)->lookups);
        }
        oc_filter_headers(f->r); /* without effect once they are sent */
    }
    if (f->r->main && (rv = read_late(me->kept)) != APR_SUCCESS) {
        return rv;
    }
    me->bytes = 0;
    return ap_pass_brigade(f->next, me->kept);
}

/* httpd's insert_filter hook, after those that add mod_include's filter. */
void oc_ssi_insert_filter(request_rec *r)
{
    const char *why;

    for (const ap_filter_t *f = r->output_filters; f; f = f->next) {
        if (strcasecmp(f->frec->name, "INCLUDES") == 0 && oc_fragment_wanted(r, &why)) {
            ap_add_output_filter(HOLD, NULL, r, r->connection);
            return;
        }
    }
}

void oc_ssi_register(void)
{
    ap_register_output_filter(HOLD, hold, NULL, AP_FTYPE_RESOURCE);
}

int oc_ssi_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    APR_OPTIONAL_FN_TYPE(ap_register_include_handler) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_include_handler);

    (void)pconf, (void)plog, (void)ptemp, (void)s;
    next_attribute = APR_RETRIEVE_OPTIONAL_FN(ap_ssi_get_tag_and_value);
    expand = APR_RETRIEVE_OPTIONAL_FN(ap_ssi_parse_string);
    if (add && next_attribute && expand) {
        add((char *)"owacal", element);
    }
    return OK;
}
