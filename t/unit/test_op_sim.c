/* Operations on the Exchange 2003 backend against a server that runs; t/40-op-sim.t starts the
 * simulator and this, sets what shall fail, and looks into the mailboxes afterwards.
 *
 *     OWASIM_URL    where it listens
 *     OWASIM_ACTS   what to do, in this order, of: book move subject cancel
 *     OWASIM_USER   who acts (alice)       OWASIM_ROOM    boardroom@example.test
 *     OWASIM_KEY    a letter: which key    OWASIM_PEOPLE  0: nobody is invited
 *
 * For each act one line: "book: state=confirmed reason=ok exchanges=14 told=0 left=- ...".
 */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "drive.h"
#include "op/op.h"
#include "tap.h"

#define HOUR apr_time_from_sec(3600)
#define NINE APR_TIME_C(1898845200000000) /* 2030-03-04 09:00 UTC */

static apr_pool_t *pool;
static oc_site_t site = { "http", "127.0.0.1", 0, NULL, NULL, 12, NULL };
static oc_backend_conf_t backend_conf = { "ex", "owa2003", &site, "/exchange/", "/public/",
                                          NULL, NULL, 0 };
static oc_backend_t *be;
static oc_op_conf_t conf;

/* An owner's view of an operation for whom no time passes by waiting: the clock is put forward. */
typedef struct hasty_t {
    oc_job_t job;
    oc_job_t *inner;
} hasty_t;

static oc_job_t *inner_of(const oc_job_t *job)
{
    return ((const hasty_t *)job)->inner;
}

static oc_exchange_t *hasty_next(oc_job_t *job)
{
    oc_job_t *inner = inner_of(job);
    oc_exchange_t *x;
    int waits = 0;

    while (!inner->vt->done(inner) && !(x = inner->vt->next(inner)) && inner->wake_at
           && ++waits < 1000) {
        oc_mono_t now = oc_clock_mono();
        if (((hasty_t *)job)->job.owner) { /* something is on the wire */
            return NULL;
        }
        oc_clock_advance(inner->wake_at > now ? inner->wake_at - now : 0);
        if (oc_clock_mono() >= inner->deadline) {
            inner->vt->cancel(inner, OC_CANCEL_DEADLINE);
        }
    }
    if (inner->vt->done(inner) || !x) {
        return NULL;
    }
    job->owner = (char *)job->owner + 1;
    return x;
}

static int hasty_feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data,
                      apr_size_t len)
{
    if (what == OC_FEED_END) {
        job->owner = (char *)job->owner - 1;
    }
    return inner_of(job)->vt->feed(inner_of(job), x, what, data, len);
}

static int hasty_done(const oc_job_t *job)
{
    return inner_of(job)->vt->done(inner_of(job));
}

static const oc_job_vtable_t hasty_vtable = { "hasty", hasty_next, hasty_feed, hasty_done, NULL };

static void add(oc_booking_t *b, const char *address, oc_role_t role)
{
    oc_attendee_t *a = apr_array_push(b->attendees);

    memset(a, 0, sizeof(*a));
    a->address = address;
    a->role = role;
    a->cutype = role == OC_ROLE_RESOURCE ? OC_CUTYPE_ROOM : OC_CUTYPE_INDIVIDUAL;
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

static oc_job_t *begin(const char *act, oc_call_t *call, oc_act_t **out)
{
    unsigned char seed[32];
    oc_book_args_t book;
    oc_change_args_t change;

    memset(seed, setting("OWASIM_KEY", "k")[0], sizeof(seed));
    if (!strcmp(act, "book")) {
        memset(&book, 0, sizeof(book));
        memcpy(book.seed, seed, sizeof(seed));
        book.booking = oc_booking_create(call->pool);
        book.booking->subject = "Budget & review";
        book.booking->zone = "Europe/Berlin";
        book.booking->when.start = NINE;
        book.booking->when.end = NINE + HOUR;
        if (strcmp(setting("OWASIM_PEOPLE", "1"), "0") != 0) {
            add(book.booking, "bob@example.test", OC_ROLE_REQUIRED);
            add(book.booking, setting("OWASIM_ROOM", "boardroom@example.test"), OC_ROLE_RESOURCE);
        }
        return oc_op_book(call, be, &conf, &book, out);
    }
    if (!strcmp(act, "cancel")) {
        return oc_op_cancel(call, be, &conf, be->vt->item_of(be, call->pool, seed), "No need.",
                            out);
    }
    memset(&change, 0, sizeof(change));
    change.item = be->vt->item_of(be, call->pool, seed);
    change.all_day = -1;
    change.reminder = -2;
    if (!strcmp(act, "move")) {
        change.when.start = NINE + 2 * HOUR;
        change.when.end = NINE + 3 * HOUR;
    } else {
        change.subject = "Another subject";
    }
    return oc_op_change(call, be, &conf, &change, out);
}

static const char *partstats(const oc_booking_t *b)
{
    const char *all = "";
    int i;

    for (i = 0; b && i < b->attendees->nelts; ++i) {
        all = apr_pstrcat(pool, all, i ? "," : "",
                          oc_partstat_token(APR_ARRAY_IDX(b->attendees, i, oc_attendee_t).partstat),
                          NULL);
    }
    return *all ? all : "-";
}

static void run(const char *act)
{
    const char *who = setting("OWASIM_USER", "alice");
    oc_call_t *call = oc_call_create(who, who, who);
    drive_t *d = drive_create(pool);
    oc_act_t *out = NULL;
    oc_job_t *op;
    hasty_t hasty;

    call->memo = oc_memo_create(call->pool, 32);
    drive_live(d, site.host, site.port, who, apr_pstrcat(pool, "pw-", who, NULL));
    op = begin(act, call, &out);
    if (op && oc_op_prepare(op) == APR_SUCCESS) {
        memset(&hasty, 0, sizeof(hasty));
        hasty.job.vt = &hasty_vtable;
        hasty.job.deadline = op->deadline;
        hasty.inner = op;
        drive_run(d, &hasty.job);
    }
    printf("%s: state=%s reason=%s exchanges=%d told=%d answers=%s replayed=%d stuck=%d "
           "pending=<%s> left=<%s> undone=<%s> step=<%s> detail=<%s>\n",
           act, out ? oc_state_token(out->state) : "none", oc_reason_token(call->result.reason),
           d->seen->nelts, out ? (int)out->told : -1, out ? partstats(out->booking) : "-",
           out ? out->replayed : 0, d->complaints, out && out->pending_why ? out->pending_why : "",
           out && out->left_behind ? out->left_behind : "",
           out && out->not_done ? out->not_done : "", call->result.step ? call->result.step : "",
           call->result.detail ? call->result.detail : "");
    fflush(stdout);
    apr_pool_destroy(call->pool);
}

int main(void)
{
    const char *url = getenv("OWASIM_URL"), *port, *error;
    char *acts, *act, *last;

    if (!url || !(port = strrchr(url, ':'))) {
        return skip_all("OWASIM_URL names no simulator");
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    site.port = atoi(port + 1);
    be = oc_backend_open(pool, &backend_conf, &error);
    conf.operation = apr_time_from_sec(20);
    conf.undo = apr_time_from_sec(10);
    conf.answer_wait = apr_time_from_sec(1);
    conf.leases = oc_lease_init(apr_palloc(pool, oc_lease_size(8, 8)), 8, 8);
    acts = apr_pstrdup(pool, setting("OWASIM_ACTS", "book"));
    for (act = apr_strtok(acts, " ", &last); act; act = apr_strtok(NULL, " ", &last)) {
        run(act);
    }
    ok(be != NULL, "all acts ended");
    return done_testing();
}
