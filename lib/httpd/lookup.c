/* lookup.c - see lookup.h. */
#include <string.h>
#include <apr_strings.h>

#include "cal/attendee.h"
#include "httpd/lookup.h"

/* In the call's memory: an operation that was abandoned goes on for a moment without the page, and
 * what it was to fill in must not be somebody else's by then. */
typedef struct oc_answer_t {
    apr_array_header_t *rows; /* oc_freebusy_t *: those that were missing */
    oc_list_t *list;
    oc_booking_t *booking;
} oc_answer_t;

struct oc_lookup_store_t {
    oc_request_t *q;
    oc_lookup_t *first;
    int count, running; /* the page has a place among those that wait while any is running */
};

static void began(oc_lookup_store_t *store)
{
    ++store->running;
}

static void over(oc_lookup_store_t *store)
{
    if (--store->running == 0) {
        oc_child_leave(store->q->child, store->q->person.user);
    }
}

static apr_status_t page_goes(void *data)
{
    oc_lookup_close(data);
    return APR_SUCCESS;
}

oc_lookup_store_t *oc_lookup_open(oc_request_t *q)
{
    oc_lookup_store_t *store = apr_pcalloc(q->r->pool, sizeof(*store));

    store->q = q;
    apr_pool_cleanup_register(q->r->pool, store, page_goes, apr_pool_cleanup_null);
    return store;
}

static oc_lookup_t *add(oc_lookup_store_t *store, oc_verb_t verb, const char *key)
{
    oc_lookup_t *l = apr_pcalloc(store->q->r->pool, sizeof(*l)), **last = &store->first;

    l->verb = verb;
    l->key = key;
    l->store = store;
    oc_result_init(&l->result, store->q->r->pool);
    while (*last) {
        last = &(*last)->next;
    }
    *last = l;
    if (++store->count > OC_LOOKUP_MAX) {
        oc_result_fail(&l->result, OC_REASON_TOO_MANY_REQUESTS,
                       "one page asks for more than %d things", OC_LOOKUP_MAX);
    }
    return l;
}

/* The call of a look-up; NULL with l->result set. */
static oc_call_t *open_call(oc_lookup_t *l, oc_identity_t **id)
{
    oc_request_t *q = l->store->q;
    oc_call_t *call;

    if (l->result.reason != OC_REASON_OK) {
        return NULL;
    }
    q->view.op_id = NULL;
    call = oc_request_call(q, id);
    l->op_id = q->view.op_id;
    if (!call) {
        oc_result_copy(&l->result, &q->result, q->r->pool);
        oc_result_clear(&q->result);
    }
    return call;
}

/* May it go ahead? Takes the page's place, if none of its look-ups has yet. 0 with l->result set.
 */
static int take_place(oc_lookup_t *l)
{
    oc_request_t *q = l->store->q;

    if (l->store->running == 0 &&
        oc_child_enter(q->child, q->person.user, &l->result) != APR_SUCCESS) {
        return 0;
    }
    began(l->store);
    return 1;
}

static void begin(oc_lookup_t *l, oc_call_t *call, oc_identity_t *id, oc_job_t *op)
{
    oc_request_t *q = l->store->q;

    if (!op) {
        oc_result_copy(&l->result, &call->result, q->r->pool);
    } else if (oc_wait_begin(q->child, q->conf, call, id, op, q->r->pool, &l->wait) ==
               APR_SUCCESS) {
        l->begun = 1;
        return;
    } else {
        oc_result_copy(&l->result, &l->wait.result, q->r->pool);
    }
    oc_call_destroy(call);
    l->wait.call = NULL;
    over(l->store);
}

static int holds(const apr_array_header_t *who, const char *address)
{
    for (int i = 0; i < who->nelts; ++i) {
        if (oc_attendee_same(APR_ARRAY_IDX(who, i, const char *), address)) {
            return 1;
        }
    }
    return 0;
}

/* How many of `some` are not among `all`. */
static int missing(const apr_array_header_t *all, const apr_array_header_t *some)
{
    int n = 0;

    for (int i = 0; i < some->nelts; ++i) {
        n += !holds(all, APR_ARRAY_IDX(some, i, const char *));
    }
    return n;
}

static void join(oc_lookup_t *l, const apr_array_header_t *who)
{
    for (int i = 0; i < who->nelts; ++i) {
        const char *address = APR_ARRAY_IDX(who, i, const char *);
        if (!holds(l->who, address)) {
            APR_ARRAY_PUSH(l->who, const char *) = address;
        }
    }
}

oc_lookup_t *oc_lookup_freebusy(oc_lookup_store_t *store, const apr_array_header_t *who,
                                oc_range_t range, apr_time_t slot)
{
    const char *key = apr_psprintf(store->q->r->pool,
                                   "freebusy %" APR_TIME_T_FMT " %" APR_TIME_T_FMT
                                   " %" APR_TIME_T_FMT,
                                   range.start, range.end, slot);
    oc_lookup_t *l;

    for (l = store->first; l; l = l->next) {
        int more = strcmp(l->key, key) == 0 ? missing(l->who, who) : -1;

        if (more == 0 ||
            (more > 0 && !l->sent && l->who->nelts + more <= store->q->conf->max_attendees)) {
            break;
        }
    }
    if (!l) {
        l = add(store, OC_VERB_FREEBUSY, key);
        l->who = apr_array_make(store->q->r->pool, who->nelts + 1, sizeof(const char *));
        l->range = range;
        l->slot = slot;
    }
    join(l, who);
    return l;
}

/* The look-up with that key. */
static oc_lookup_t *find_or_add(oc_lookup_store_t *store, oc_verb_t verb, const char *key)
{
    oc_lookup_t *l = store->first;

    while (l && strcmp(l->key, key) != 0) {
        l = l->next;
    }
    return l ? l : add(store, verb, key);
}

oc_lookup_t *oc_lookup_list(oc_lookup_store_t *store, oc_range_t range, int max, int answers)
{
    const char *key =
        apr_psprintf(store->q->r->pool, "list %" APR_TIME_T_FMT " %" APR_TIME_T_FMT " %d %d",
                     range.start, range.end, max, answers);
    oc_lookup_t *l = find_or_add(store, OC_VERB_LIST, key);

    l->range = range;
    l->max = max;
    l->answers = answers;
    return l;
}

oc_lookup_t *oc_lookup_read(oc_lookup_store_t *store, const char *item)
{
    oc_lookup_t *l = find_or_add(store, OC_VERB_READ,
                                 apr_pstrcat(store->q->r->pool, "read ", item, NULL));

    l->item = item;
    return l;
}

oc_lookup_t *oc_lookup_room(oc_lookup_store_t *store, const oc_room_t *room, oc_range_t range,
                            int max)
{
    const char *key = apr_psprintf(store->q->r->pool,
                                   "room %s %" APR_TIME_T_FMT " %" APR_TIME_T_FMT " %d", room->id,
                                   range.start, range.end, max);
    oc_lookup_t *l = find_or_add(store, OC_VERB_LIST, key);

    l->room = room;
    l->range = range;
    l->max = max;
    return l;
}

/* What is kept is looked for just before the rest is asked for. NULL: there is nothing to ask. */
static oc_job_t *freebusy_job(oc_lookup_t *l, oc_call_t *call, const oc_identity_t *id)
{
    oc_request_t *q = l->store->q;
    oc_freebusy_query_t *query = oc_request_freebusy(call, l->who, l->range, l->slot);

    oc_freshness_open(&l->fresh, q, call, id, query);
    return l->fresh.missing
               ? oc_op_freebusy(call, q->backend, &q->op_conf, query, &l->answer->rows) : NULL;
}

static oc_job_t *list_job(oc_lookup_t *l, oc_call_t *call)
{
    oc_request_t *q = l->store->q;
    oc_list_query_t *ask;

    if (l->room) {
        return oc_op_agenda(call, q->backend, &q->op_conf, l->room->id, l->range, l->max, &l->look);
    }
    ask = apr_pcalloc(call->pool, sizeof(*ask));
    ask->range = l->range;
    ask->max = l->max;
    ask->answers = l->answers;
    return oc_op_list(call, q->backend, &q->op_conf, ask, &l->answer->list);
}

static oc_job_t *job_of(oc_lookup_t *l, oc_call_t *call, const oc_identity_t *id)
{
    oc_request_t *q = l->store->q;

    l->answer = apr_pcalloc(call->pool, sizeof(*l->answer));
    switch (l->verb) {
    case OC_VERB_LIST:
        return list_job(l, call);
    case OC_VERB_READ:
        return oc_op_read(call, q->backend, &q->op_conf, apr_pstrdup(call->pool, l->item),
                          &l->answer->booking);
    default:
        return freebusy_job(l, call, id);
    }
}

/* Nothing need be asked: the rows are there. */
static int known(const oc_lookup_t *l)
{
    return l->verb == OC_VERB_FREEBUSY && l->fresh.rows && l->fresh.missing == 0;
}

/* Its free/busy is all that is to be had: asked for with that of the others. */
static void join_digits(oc_lookup_t *l)
{
    apr_array_header_t *who = apr_array_make(l->store->q->r->pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(who, const char *) = l->room->address;
    --l->store->count; /* it asks nothing itself */
    l->joined = oc_lookup_freebusy(l->store, who, l->range, OC_OP_AGENDA_SLOT);
}

static void send_off(oc_lookup_t *l)
{
    oc_request_t *q = l->store->q;
    oc_identity_t *id;
    oc_call_t *call = open_call(l, &id);
    oc_job_t *op;

    l->sent = 1;
    if (!call) {
        return;
    }
    if (l->room && oc_op_agenda_closed(call, q->backend, l->room)) {
        join_digits(l);
        oc_request_spare(q, call);
        return;
    }
    op = job_of(l, call, id);
    if (known(l)) {
        l->op_id = NULL;
        oc_request_spare(q, call);
    } else if (take_place(l)) {
        begin(l, call, id, op);
    } else {
        oc_call_destroy(call);
    }
}

/* Rooms first: they may add to the question about free/busy. */
void oc_lookup_go(oc_lookup_store_t *store)
{
    for (oc_lookup_t *l = store->first; l; l = l->next) {
        if (!l->sent && l->room) {
            send_off(l);
        }
    }
    for (oc_lookup_t *l = store->first; l; l = l->next) {
        if (!l->sent) {
            send_off(l);
        }
    }
}

int oc_lookup_over(const oc_lookup_t *l)
{
    if (!l->sent) {
        return 0;
    }
    if (l->joined) {
        return oc_lookup_over(l->joined);
    }
    return !l->begun || l->ended || oc_wait_over(&l->wait);
}

/* Wait for those that it was asked with. */
static void end_joined(oc_lookup_t *l)
{
    apr_pool_t *pool = l->store->q->r->pool;
    oc_lookup_t *digits = l->joined;
    oc_freebusy_t *row = oc_lookup_wait(digits) == APR_SUCCESS
                             ? oc_freebusy_find(digits->rows, l->room->address)
                             : NULL;

    l->op_id = digits->op_id;
    l->look = apr_pcalloc(pool, sizeof(*l->look));
    l->look->rows = apr_array_make(pool, 1, sizeof(oc_freebusy_t *));
    if (row) {
        APR_ARRAY_PUSH(l->look->rows, oc_freebusy_t *) = row;
    }
    oc_result_copy(&l->result, &digits->result, pool);
}

/* It has answered, and is there until oc_lookup_close(). */
static void take(oc_lookup_t *l)
{
    l->list = l->answer->list;
    l->booking = l->answer->booking;
    if (l->verb == OC_VERB_FREEBUSY) {
        oc_freshness_fill(&l->fresh, l->store->q, l->answer->rows);
    }
}

/* The end of one that asked, or could not. */
static void end(oc_lookup_t *l)
{
    oc_request_t *q = l->store->q;

    if (l->begun) {
        oc_wait_end(&l->wait);
        over(l->store);
        oc_result_copy(&l->result, &l->wait.result, q->r->pool);
    }
    if (l->result.reason == OC_REASON_OK) {
        if (l->begun) {
            take(l);
        }
        l->rows = l->fresh.rows;
    }
    q->view.op_id = l->op_id;
    if (!known(l)) {
        oc_request_count(q, l->verb, &l->result, &l->wait);
    }
}

apr_status_t oc_lookup_wait(oc_lookup_t *l)
{
    if (!l->ended) {
        oc_lookup_go(l->store);
        l->ended = 1;
        if (l->joined) {
            end_joined(l);
        } else {
            end(l);
        }
    }
    l->store->q->view.op_id = l->op_id;
    return l->result.reason == OC_REASON_OK ? APR_SUCCESS : APR_EGENERAL;
}

void oc_lookup_close(oc_lookup_store_t *store)
{
    for (oc_lookup_t *l = store->first; l; l = l->next) {
        if (l->begun && !l->ended) {
            oc_wait_drop(&l->wait);
            over(store);
        } else if (l->wait.call) {
            oc_call_destroy(l->wait.call);
        }
        l->wait.call = NULL;
        l->ended = 1;
    }
    store->first = NULL; /* whatever is asked from now on ends with the request */
}
