/* Any reply of the address book, and any members of a list, through the verb itself. */
#include "fuzz.h"
#include "backend/backend.h"

static oc_site_t site = {"http", "h", 80, NULL, NULL, 12, NULL};
static oc_backend_conf_t conf = {"x", "owa2003", &site, "/exchange/", "/public/",
                                 NULL, NULL, 0};

#define DAV(inner)                                                                                 \
    "<a:multistatus xmlns:a='DAV:' xmlns:d='urn:schemas:httpmail:' "                               \
    "xmlns:e='http://schemas.microsoft.com/exchange/'><a:response><a:href>" inner                  \
    "</a:prop></a:propstat></a:response></a:multistatus>"
#define FOUND "</a:href><a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop>"

static const char folders[] = DAV(
    "http://h/exchange/ana/" FOUND "<d:calendar>http://h/exchange/ana/C</d:calendar>"
    "<d:drafts>http://h/exchange/ana/D</d:drafts><d:contacts>http://h/exchange/ana/K</d:contacts>");
static const char lists[] =
    DAV("http://h/exchange/ana/K/bo.EML" FOUND "<e:outlookmessageclass>IPM.DistList"
        "</e:outlookmessageclass><d:subject>bo</d:subject>");

static void reply(oc_job_t *job, oc_exchange_t *x, int status, const char *data, size_t size,
                  size_t step)
{
    size_t i;

    x->status = status;
    x->sent = 1;
    apr_table_setn(x->reply_headers, "Content-Type", "text/xml");
    apr_table_setn(x->reply_headers, "MS-WebStorage", "6.5");
    if (!job->vt->feed(job, x, OC_FEED_HEAD, NULL, 0)) {
        for (i = 0; i < size && !job->vt->feed(job, x, OC_FEED_BODY, data + i,
                                               size - i < step ? size - i : step); i += step) {
        }
    }
    x->outcome = OC_X_REPLIED;
    job->vt->feed(job, x, OC_FEED_END, NULL, 0);
}

static void check(const oc_people_t *found)
{
    int i;

    must(found->entries->nelts <= OC_PEOPLE_ROWS);
    for (i = 0; i < found->entries->nelts; ++i) {
        const oc_entry_t *e = APR_ARRAY_IDX(found->entries, i, const oc_entry_t *);
        must(e->name && *e->name && strlen(e->name) <= 1024 && !oc_str_control(e->name, ""));
        must(oc_str_utf8(e->name, strlen(e->name)));
        must(e->address ? oc_attendee_address_ok(e->address) : e->kind == OC_PEOPLE_LIST);
        must(!e->members || e->members->nelts <= 10);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oc_call_t *call = oc_call_create("ana", "ana", "ana");
    oc_people_query_t q = {"bo", OC_PEOPLE_ROWS, 10};
    oc_people_t *found;
    const char *error;
    oc_backend_t *be = oc_backend_open(call->pool, &conf, &error);
    oc_job_t *job = be->vt->people(be, call, &q, &found);
    size_t step = size > 0 && data[0] ? data[0] : 1;
    oc_exchange_t *x;

    while ((x = job->vt->next(job)) != NULL) {
        if (strcmp(x->method, "PROPFIND") == 0) {
            reply(job, x, 207, folders, sizeof(folders) - 1, 4096);
        } else if (strcmp(x->method, "SEARCH") == 0) {
            reply(job, x, 207, lists, sizeof(lists) - 1, 4096);
        } else {
            reply(job, x, 200, (const char *)data + (size > 0), size - (size > 0), step);
        }
    }
    must(job->vt->done(job));
    check(found);
    apr_pool_destroy(call->pool);
    return 0;
}
