/* again.c - see again.h. */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "httpd/again.h"

APLOG_USE_MODULE(owacal);

#define CATCH "owacal-catch"
#define KEY   "owacal-again"

static oc_again_t *owned_by(const request_rec *r)
{
    void *again = NULL;

    return apr_pool_userdata_get(&again, KEY, r->pool) == APR_SUCCESS ? again : NULL;
}

int oc_again_owns(const request_rec *r)
{
    return owned_by(r) != NULL;
}

oc_again_t *oc_again_of(const request_rec *r)
{
    oc_again_t *again = NULL;

    for (r = r->main; r && !again; r = r->main) {
        again = owned_by(r);
    }
    return again;
}

const request_rec *oc_again_outer(const request_rec *r)
{
    const oc_again_t *again = oc_again_of(r);

    return again && r->main == again->owner ? NULL : r->main;
}

const request_rec *oc_again_top(const request_rec *r)
{
    const request_rec *outer;

    while ((outer = oc_again_outer(r)) != NULL) {
        r = outer;
    }
    return r;
}

/* ---- catching the page ---- */

typedef struct catch_t {
    apr_bucket_brigade *kept;
    apr_size_t bytes;
    int lost; /* too large, or broken off */
} catch_t;

static apr_status_t catch(ap_filter_t *f, apr_bucket_brigade *in)
{
    catch_t *me = f->ctx;

    while (!APR_BRIGADE_EMPTY(in)) {
        apr_bucket *b = APR_BRIGADE_FIRST(in);
        const char *data;
        apr_size_t len;

        APR_BUCKET_REMOVE(b);
        if (APR_BUCKET_IS_METADATA(b)) {
            me->lost |= AP_BUCKET_IS_ERROR(b);
            apr_bucket_destroy(b);
            continue;
        }
        APR_BRIGADE_INSERT_TAIL(me->kept, b);
        if (!me->lost && apr_bucket_read(b, &data, &len, APR_BLOCK_READ) == APR_SUCCESS &&
            (me->bytes += len) <= OC_AGAIN_MOST) {
            apr_bucket_setaside(b, f->r->pool);
        } else {
            me->lost = 1; /* read to its end all the same: whoever makes it must come to one */
            apr_brigade_cleanup(me->kept);
        }
    }
    return APR_SUCCESS;
}

void oc_again_register(void)
{
    ap_register_output_filter(CATCH, catch, NULL, AP_FTYPE_RESOURCE);
}

/* ---- sending it ---- */

static int take_header(void *data, const char *name, const char *value)
{
    static const char *const own[] = {
        "Content-Length", "ETag",    "Last-Modified",     "Accept-Ranges", "Cache-Control",
        "Expires",        "Pragma",  "Transfer-Encoding", "Content-Type",  "Connection",
        "Location",       "Refresh", "OwaCal-Operation",  "Retry-After",
        "Content-Location", "TCN",   "Alternates"}; /* the last three: of the page's address */
    request_rec *r = data;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); ++i) {
        if (strcasecmp(own[i], name) == 0) {
            return 1;
        }
    }
    if (strcasecmp(name, "Set-Cookie") == 0) {
        apr_table_add(r->headers_out, apr_pstrdup(r->pool, name), apr_pstrdup(r->pool, value));
    } else {
        apr_table_merge(r->headers_out, name, value);
    }
    return 1;
}

static void pass_on(request_rec *r, request_rec *page, catch_t *me, int status)
{
    r->status = status;
    apr_table_do(take_header, r, page->headers_out, NULL);
    apr_table_do(take_header, r, page->err_headers_out, NULL);
    apr_table_setn(r->headers_out, "Cache-Control", "private, no-store");
    ap_set_content_type(r,
                        apr_pstrdup(r->pool, ap_make_content_type(page, page->content_type)));
    r->content_languages = page->content_languages;
    ap_set_content_length(r, (apr_off_t)me->bytes);
    ap_pass_brigade(r->output_filters, me->kept); /* a reader who has gone needs no answer */
}

/* Content negotiation puts the file it has found in the place of the page that was asked for, with
 * that file's filters: those of the connection. What it makes would be sent as it is, past us. */
static void lead_to(ap_filter_t *f, request_rec *page)
{
    ap_filter_t *at = page->output_filters;

    while (at && at != f) {
        at = at->next;
    }
    if (!at) {
        page->output_filters = f;
        ap_add_output_filter_handle(ap_subreq_core_filter_handle, NULL, page, page->connection);
    }
}

/* 1: it is answered. */
static int serve(oc_request_t *q, oc_again_t *again, int status)
{
    request_rec *r = q->r, *page;
    catch_t *me = apr_pcalloc(r->pool, sizeof(*me));
    ap_filter_t *f;
    int rc;

    if (r->main || !q->back) {
        return 0;
    }
    me->kept = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    again->q = q;
    again->owner = r;
    apr_pool_userdata_setn(again, KEY, NULL, r->pool);
    f = ap_add_output_filter(CATCH, me, r, r->connection);
    page = ap_sub_req_method_uri("GET", q->back, r, f);
    lead_to(f, page);
    rc = page->status == HTTP_OK ? ap_run_sub_req(page) : page->status;
    ap_remove_output_filter(f);
    if ((rc == OK || rc == HTTP_OK) && page->status == HTTP_OK && again->shown && !me->lost) {
        pass_on(r, page, me, status); /* the page's memory stays until the request's end */
        return 1;
    }
    oc_log(OC_LOG_WARNING, 0, q->view.op_id,
           OC_LOGID(0650) "the form is not shown in %s but in a page of our own: %s",
           oc_str_log(r->pool, q->back, 200),
           me->lost                               ? "that page is too large or broke off"
           : rc != OK || page->status != HTTP_OK ? apr_psprintf(r->pool, "its status is %d",
                                                                rc != OK ? rc : page->status)
                                                  : "it has no place for the form, or OWACAL does "
                                                    "not fill it");
    apr_brigade_cleanup(me->kept);
    ap_destroy_sub_req(page);
    return 0;
}

/* What must not come back with the form: a key that stands for another booking; the revision that
 * another has replaced, once that was said. */
static const char *stale_in(oc_reason_t reason)
{
    return reason == OC_REASON_KEY_CONFLICT       ? "key"
           : reason == OC_REASON_CHANGED_MEANWHILE ? "etag"
                                                   : "token";
}

int oc_again_answer(oc_request_t *q, const oc_act_t *act, const char *verb, const char *ref)
{
    oc_again_t *again = apr_pcalloc(q->r->pool, sizeof(*again));
    const char *place = oc_input_text(&q->in, "place");
    int good = q->result.reason == OC_REASON_OK;

    again->act = act;
    again->verb = verb;
    again->ref = ref;
    again->values = oc_input_refill(&q->in, stale_in(q->result.reason));
    again->place = place ? atoi(place) : 0;
    if (serve(q, again, good ? HTTP_OK : oc_request_status(q))) {
        return OK;
    }
    return good ? oc_request_send(q, HTTP_OK, oc_page_asked(&q->view, again->values, ref))
                : oc_request_problem(q, act, verb, again->values, ref);
}
