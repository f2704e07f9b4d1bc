/* Any reply to the free/busy command, through the verb itself. */
#include "fuzz.h"
#include "backend/backend.h"

#define HOUR apr_time_from_sec(3600)

static oc_site_t site = {"http", "h", 80, NULL, NULL, 12, NULL};
static oc_backend_conf_t conf = {"x", "owa2003", &site, "/exchange/", "/public/",
                                 NULL, NULL, 0};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oc_call_t *call = oc_call_create("ana", "ana", "ana");
    oc_freebusy_query_t q = {apr_array_make(call->pool, 2, sizeof(const char *)),
                             {480000 * HOUR, 480004 * HOUR}, HOUR / 2, 0};
    apr_array_header_t *rows;
    const char *error;
    oc_backend_t *be = oc_backend_open(call->pool, &conf, &error);
    oc_exchange_t *x;
    oc_job_t *job;
    size_t step = size > 0 && data[0] ? data[0] : 1, i;
    int k;

    APR_ARRAY_PUSH(q.who, const char *) = "bo@ex.example";
    APR_ARRAY_PUSH(q.who, const char *) = "room412@ex.example";
    job = be->vt->freebusy(be, call, &q, &rows);
    x = job->vt->next(job);
    x->status = 200;
    x->sent = 1;
    apr_table_setn(x->reply_headers, "Content-Type", "text/xml");
    if (!job->vt->feed(job, x, OC_FEED_HEAD, NULL, 0)) {
        for (i = 1; i < size; i += step) {
            if (job->vt->feed(job, x, OC_FEED_BODY, (const char *)data + i,
                              size - i < step ? size - i : step)) {
                break;
            }
        }
    }
    x->outcome = OC_X_REPLIED;
    job->vt->feed(job, x, OC_FEED_END, NULL, 0);
    must(!job->vt->next(job) && job->vt->done(job));
    for (k = 0; k < rows->nelts; ++k) {
        const oc_freebusy_t *row = APR_ARRAY_IDX(rows, k, oc_freebusy_t *);
        for (i = 0; i < (size_t)row->count; ++i) {
            must(row->busy[i] <= OC_BUSY_UNKNOWN);
        }
    }
    apr_pool_destroy(call->pool);
    return 0;
}
