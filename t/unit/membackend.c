/* membackend.c - the verbs of a calendar server in memory. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "membackend.h"

typedef struct verb_t verb_t;
struct verb_t {
    oc_job_t job;
    mem_t *world;
    oc_call_t *call;
    void (*proceed)(verb_t *v); /* called at the beginning and after each exchange */
    void (*carry_out)(verb_t *v);
    int step, over;
    oc_exchange_t *x; /* to be given, or on the wire */
    int given;
    /* arguments and results */
    const oc_booking_t *booking, *wanted;
    const oc_freebusy_query_t *freebusy;
    const oc_list_query_t *list;
    const char *item;
    apr_time_t since;
    int *existed;
    oc_booking_t **out_booking;
    oc_change_t **out_change;
    oc_evidence_t **out_evidence;
    oc_list_t **out_list;
    apr_array_header_t **out_rows;
    apr_table_t **out_facts;
    oc_change_t *change;
    oc_evidence_t *evidence;
    apr_array_header_t *rows;
    oc_list_t *rows_list;
    oc_booking_t *read;
};

static mem_t *world_of(const oc_backend_t *be)
{
    return (mem_t *)be;
}

/* ---- verbs ---- */

static void send_x(verb_t *v, int writes, const char *purpose, void (*carry_out)(verb_t *))
{
    static const oc_site_t site = {"http", "mem.test", 80, NULL, NULL, 12, NULL};

    v->x = oc_exchange_create(v->call->pool, &site, writes ? "POST" : "GET", "/", purpose);
    v->x->writes = writes;
    v->x->baton = v;
    v->x->identity = v->call->identity;
    v->given = 0;
    v->carry_out = carry_out;
    ++v->step;
}

/* Records the failure of the exchange just ended; 0 if it did not fail. */
static int failed(verb_t *v)
{
    oc_exchange_t *x = v->x;
    oc_result_t *res = &v->call->result;

    if (x->outcome == OC_X_REPLIED && x->status < 300) {
        return 0;
    }
    res->upstream_status = x->status;
    if (x->outcome == OC_X_REPLIED) {
        oc_result_fail(res,
                       x->status == 403   ? OC_REASON_ACCESS_DENIED
                       : x->status == 404 ? OC_REASON_BOOKING_NOT_FOUND
                       : x->status == 412 ? OC_REASON_CHANGED_MEANWHILE
                       : x->status == 423 ? OC_REASON_LOCKED
                                          : OC_REASON_UPSTREAM_ERROR,
                       "%s: status %d", x->purpose, x->status);
    } else if (oc_exchange_unknown(x)) {
        oc_result_fail(res, OC_REASON_OUTCOME_UNKNOWN, "%s: reply lost", x->purpose);
    } else {
        oc_result_fail(res,
                       x->outcome == OC_X_TIMEOUT ? OC_REASON_UPSTREAM_TIMEOUT
                                                  : OC_REASON_UPSTREAM_UNAVAILABLE,
                       "%s: no reply", x->purpose);
    }
    return 1;
}

static oc_exchange_t *verb_next(oc_job_t *job)
{
    verb_t *v = (verb_t *)job;

    if (v->over || !v->x || v->given) {
        return NULL;
    }
    v->given = 1;
    return v->x;
}

static int verb_feed(oc_job_t *job, oc_exchange_t *x, oc_feed_t what, const char *data,
                     apr_size_t len)
{
    (void)x, (void)data, (void)len;
    if (what == OC_FEED_END) {
        ((verb_t *)job)->proceed((verb_t *)job);
    }
    return 0;
}

static int verb_done(const oc_job_t *job)
{
    return ((const verb_t *)job)->over;
}

static const oc_job_vtable_t verb_vtable = {"mem", verb_next, verb_feed, verb_done, NULL};

static verb_t *begin(const oc_backend_t *be, oc_call_t *call, void (*proceed)(verb_t *))
{
    verb_t *v = apr_pcalloc(call->pool, sizeof(*v));

    v->job.vt = &verb_vtable;
    v->world = world_of(be);
    v->call = call;
    v->proceed = proceed;
    v->change = apr_pcalloc(call->pool, sizeof(*v->change));
    return v;
}

static oc_job_t *started(verb_t *v)
{
    v->proceed(v);
    return &v->job;
}

static void freebusy_do(verb_t *v)
{
    apr_time_t seen = oc_clock_wall() - v->world->lag;
    int i;

    v->rows = apr_array_make(v->call->pool, 4, sizeof(oc_freebusy_t *));
    for (i = 0; i < v->freebusy->who->nelts; ++i) {
        const char *who = APR_ARRAY_IDX(v->freebusy->who, i, const char *);
        oc_freebusy_t *fb =
            oc_freebusy_create(v->call->pool, who, v->freebusy->range, v->freebusy->slot);
        if (!v->world->unknown) {
            oc_freebusy_mark(fb, fb->range, OC_BUSY_FREE);
            MEM_EACH(const mem_entry_t, e, v->world->entries)
            {
                if (oc_attendee_same(e->room, who) && e->created <= seen) {
                    oc_freebusy_mark(fb, e->when, OC_BUSY_BUSY);
                }
            }
        }
        APR_ARRAY_PUSH(v->rows, oc_freebusy_t *) = fb;
    }
}

static void freebusy_proceed(verb_t *v)
{
    if (v->step == 0) {
        send_x(v, 0, "free/busy", freebusy_do);
        return;
    }
    if (!failed(v)) {
        *v->out_rows = v->rows;
    }
    v->over = 1;
}

static oc_job_t *mem_freebusy(const oc_backend_t *be, oc_call_t *call,
                              const oc_freebusy_query_t *query, apr_array_header_t **rows)
{
    verb_t *v = begin(be, call, freebusy_proceed);
    v->freebusy = query;
    v->out_rows = rows;
    return started(v);
}

static void list_do(verb_t *v)
{
    const oc_list_query_t *q = v->list;
    apr_pool_t *pool = v->call->pool;
    oc_list_t *list = apr_pcalloc(pool, sizeof(*list));

    list->bookings = apr_array_make(pool, 4, sizeof(oc_booking_t *));
    v->rows_list = list;
    if (q->mailbox && !v->world->readable) {
        list->unreadable = 1;
        return;
    }
    MEM_EACH(const mem_item_t, i, v->world->items)
    {
        if (!q->mailbox && !strcmp(i->owner, v->call->mailbox)) {
            APR_ARRAY_PUSH(list->bookings, oc_booking_t *) = oc_booking_copy(pool, i->booking);
        }
    }
    MEM_EACH(const mem_entry_t, e, v->world->entries)
    {
        const char *room = q->mailbox ? apr_pstrcat(pool, q->mailbox, "@example.test", NULL) : "";
        if (!strcmp(room, e->room) && oc_range_overlaps(e->when, q->range) &&
            !(q->not_uid && !strcmp(e->uid, q->not_uid))) {
            oc_booking_t *b = oc_booking_create(pool);
            b->uid = e->uid;
            b->when = e->when;
            b->created = e->created;
            b->organizer = e->organizer;
            APR_ARRAY_PUSH(list->bookings, oc_booking_t *) = b;
        }
    }
    list->more = v->world->partly == 2;
    if (v->world->partly == 1) {
        list->strange = list->bookings->nelts;
        list->bookings->nelts = 0;
    }
}

static void list_proceed(verb_t *v)
{
    if (v->step == 0) {
        send_x(v, 0, "list", list_do);
        return;
    }
    if (!failed(v)) {
        *v->out_list = v->rows_list;
    }
    v->over = 1;
}

static oc_job_t *mem_list(const oc_backend_t *be, oc_call_t *call, const oc_list_query_t *query,
                          oc_list_t **out)
{
    verb_t *v = begin(be, call, list_proceed);
    v->list = query;
    v->out_list = out;
    return started(v);
}

static void read_do(verb_t *v)
{
    mem_item_t *i = mem_find(v->world, v->call->mailbox, v->item);

    v->x->status = i ? 207 : 404;
    if (!i) {
        return;
    }
    v->x->status = 200;
    v->read = oc_booking_copy(v->call->pool, i->booking);
    MEM_EACH(const mem_answer_t, a, v->world->answers)
    {
        oc_attendee_t *who = oc_attendee_find(v->read->attendees, a->room);
        if (who && !strcmp(a->uid, v->read->uid) && !strcmp(a->owner, i->owner)) {
            who->partstat = a->answer;
        }
    }
}

static void read_proceed(verb_t *v)
{
    if (v->step == 0) {
        send_x(v, 0, "read", read_do);
        return;
    }
    if (!failed(v)) {
        *v->out_booking = v->read;
    }
    v->over = 1;
}

static oc_job_t *mem_read(const oc_backend_t *be, oc_call_t *call, oc_itemref_t item,
                          oc_booking_t **out)
{
    verb_t *v = begin(be, call, read_proceed);
    v->item = item;
    v->out_booking = out;
    return started(v);
}

static void create_do(verb_t *v)
{
    mem_t *w = v->world;
    mem_item_t *i = mem_find(w, v->call->mailbox, v->booking->item);

    if (i) {
        v->x->status = 412;
        return;
    }
    i = apr_array_push(w->items);
    i->owner = apr_pstrdup(w->pool, v->call->mailbox);
    i->booking = oc_booking_copy(w->pool, v->booking);
    i->booking->created = i->booking->modified = oc_clock_wall();
    i->booking->etag = apr_psprintf(w->pool, "e%d", w->count);
    v->x->status = 201;
}

static void create_proceed(verb_t *v)
{
    switch (v->step) {
    case 0:
        send_x(v, 1, "write the item", create_do);
        return;
    case 1:
        if (v->x->outcome == OC_X_REPLIED && v->x->status == 412) {
            *v->existed = 1;
        } else if (failed(v)) {
            break;
        }
        v->item = v->booking->item;
        send_x(v, 0, "read it back", read_do);
        return;
    default:
        if (!failed(v)) {
            *v->out_booking = v->read;
        }
        break;
    }
    v->over = 1;
}

static oc_job_t *mem_create_item(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *b,
                                 int *existed, oc_booking_t **out)
{
    verb_t *v = begin(be, call, create_proceed);
    v->booking = b;
    v->existed = existed;
    v->out_booking = out;
    return started(v);
}

static void draft_do(verb_t *v)
{
    v->x->status = 201;
    mem_message(v->world, v->world->drafts, v->call->mailbox, v->booking->uid, MEM_REQUEST);
}

static void cancel_draft_do(verb_t *v)
{
    v->x->status = mem_find(v->world, v->call->mailbox, v->booking->item) ? 201 : 404;
    if (v->x->status == 201) {
        mem_message(v->world, v->world->drafts, v->call->mailbox, v->booking->uid, MEM_CANCEL);
    }
}

/* MOVE of the draft to where messages are sent. */
static void submit_do(verb_t *v)
{
    mem_kind_t kind = MEM_REQUEST;
    int found = 0;

    MEM_EACH(const mem_message_t, m, v->world->drafts)
    {
        if (!strcmp(m->uid, v->booking->uid)) {
            found = 1;
            kind = m->kind;
        }
    }
    v->x->status = found ? 201 : 404;
    if (found) {
        mem_drop_drafts(v->world, v->booking->uid);
        mem_deliver(v->world, v->call->mailbox, v->booking, kind);
    }
}

static void drop_drafts_do(verb_t *v)
{
    v->x->status = 204;
    mem_drop_drafts(v->world, v->booking->uid);
}

static void delete_do(verb_t *v)
{
    mem_item_t *i = mem_find(v->world, v->call->mailbox, v->booking->item);

    v->x->status = 204;
    if (i) {
        *i = *(mem_item_t *)apr_array_pop(v->world->items);
    }
}

/* What a failed submission means for those who were to be told. */
static oc_told_t told_after(const oc_exchange_t *x)
{
    return oc_exchange_unknown(x) || x->status >= 500 ? OC_TOLD_UNKNOWN : OC_TOLD_NOT;
}

static void invite_proceed(verb_t *v)
{
    *v->out_change = v->change;
    switch (v->step) {
    case 0:
        v->change->told = OC_TOLD_NOT;
        v->change->way = "webdav";
        send_x(v, 1, "write the request", draft_do);
        return;
    case 1:
        if (failed(v)) {
            break;
        }
        v->change->told = OC_TOLD_UNKNOWN; /* until the reply says better */
        send_x(v, 1, "send the request", submit_do);
        return;
    case 2:
        if (failed(v)) {
            v->change->told = told_after(v->x);
            if (v->change->told == OC_TOLD_NOT && v->x->outcome == OC_X_REPLIED) {
                send_x(v, 1, "remove the draft", drop_drafts_do);
                return;
            }
            break;
        }
        v->change->told = OC_TOLD_UNVERIFIED;
        break;
    default:
        break;
    }
    v->over = 1;
}

static oc_job_t *mem_invite(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *b,
                            oc_change_t **out)
{
    verb_t *v = begin(be, call, invite_proceed);
    v->booking = b;
    v->out_change = out;
    return started(v);
}

static oc_room_evidence_t *room_evidence(verb_t *v, const char *room)
{
    oc_room_evidence_t *r = apr_pcalloc(v->call->pool, sizeof(*r));
    const oc_booking_t *b = v->booking;

    r->address = room;
    r->answer = OC_PARTSTAT_NEEDS_ACTION;
    MEM_EACH(const mem_answer_t, a, v->world->answers)
    {
        if (!strcmp(a->room, room) && !strcmp(a->uid, b->uid) &&
            !strcmp(a->owner, v->call->mailbox) && a->at >= v->since && a->at >= b->created) {
            r->answer = a->answer;
        }
    }
    r->calendar = OC_DONT_KNOW;
    if (v->world->readable) {
        r->calendar = mem_entries(v->world, room, b->when, b->uid) ? OC_YES : OC_NO;
        MEM_EACH(const mem_entry_t, e, v->world->entries)
        {
            if (!strcmp(e->room, room) && strcmp(e->uid, b->uid) &&
                oc_range_overlaps(e->when, b->when)) {
                oc_booking_t *holder = oc_booking_create(v->call->pool);
                holder->uid = e->uid;
                holder->when = e->when;
                holder->created = e->created;
                r->holder = holder;
            }
        }
    }
    return r;
}

static void evidence_do(verb_t *v)
{
    mem_t *w = v->world;
    oc_evidence_t *e = apr_pcalloc(v->call->pool, sizeof(*e));

    v->x->status = 207;
    v->x->status = 200;
    e->item = mem_find(w, v->call->mailbox, v->booking->item) ? OC_YES : OC_NO;
    e->request_sent = OC_NO;
    MEM_EACH(const mem_message_t, m, w->sent)
    {
        if (!w->no_sent_copy && !strcmp(m->uid, v->booking->uid) && m->at >= v->since &&
            m->at >= v->booking->created &&
            (m->kind == MEM_CANCEL) == v->booking->cancelled) {
            e->request_sent = OC_YES;
            e->message_id = "<copy@mem.test>";
        }
    }
    e->draft_left = OC_NO;
    MEM_EACH(const mem_message_t, m, w->drafts)
    {
        if (!strcmp(m->uid, v->booking->uid)) {
            e->draft_left = OC_YES;
        }
    }
    e->rooms = apr_array_make(v->call->pool, 2, sizeof(oc_room_evidence_t *));
    MEM_EACH(const oc_attendee_t, a, v->booking->attendees)
    {
        if (a->cutype == OC_CUTYPE_ROOM) {
            APR_ARRAY_PUSH(e->rooms, oc_room_evidence_t *) = room_evidence(v, a->address);
        }
    }
    v->evidence = e;
}

static void evidence_proceed(verb_t *v)
{
    if (v->step == 0) {
        send_x(v, 0, "evidence", evidence_do);
        return;
    }
    if (!failed(v)) {
        *v->out_evidence = v->evidence;
    }
    v->over = 1;
}

static oc_job_t *mem_evidence(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *b,
                              apr_time_t since, oc_evidence_t **out)
{
    verb_t *v = begin(be, call, evidence_proceed);
    v->booking = b;
    v->since = since;
    v->out_evidence = out;
    return started(v);
}

static void update_do(verb_t *v)
{
    mem_t *w = v->world;
    mem_item_t *i = mem_find(w, v->call->mailbox, v->booking->item);
    apr_time_t created;

    if (!i || (v->booking->etag && strcmp(i->booking->etag, v->booking->etag))) {
        v->x->status = i ? 412 : 404;
        return;
    }
    created = i->booking->created;
    i->booking = oc_booking_copy(w->pool, v->wanted);
    i->booking->created = created;
    i->booking->modified = oc_clock_wall();
    i->booking->etag = apr_psprintf(w->pool, "e%d", w->count);
    v->x->status = 200;
}

static void tell_update_do(verb_t *v)
{
    mem_item_t *i = mem_find(v->world, v->call->mailbox, v->booking->item);

    v->x->status = i ? 200 : 404;
    if (i && !v->world->quiet_update) {
        mem_deliver(v->world, v->call->mailbox, i->booking, MEM_UPDATE);
        MEM_EACH(const oc_attendee_t, a, v->booking->attendees)
        {
            if (!oc_attendee_find(i->booking->attendees, a->address)) {
                mem_drop_entry(v->world, a->address, v->booking->uid);
            }
        }
    }
}

static void update_proceed(verb_t *v)
{
    *v->out_change = v->change;
    switch (v->step) {
    case 0:
        v->change->told = OC_TOLD_NOT;
        v->change->item_changed = OC_DONT_KNOW;
        send_x(v, 1, "change the item", update_do);
        return;
    case 1:
        if (failed(v)) {
            if (!oc_exchange_unknown(v->x) && v->x->status < 500) {
                v->change->item_changed = OC_NO;
            }
            break;
        }
        v->change->item_changed = OC_YES;
        if (!v->wanted->attendees->nelts && !v->booking->attendees->nelts) {
            v->change->told = OC_TOLD_NOBODY_TO_TELL;
            v->item = v->booking->item;
            v->step = 2;
            send_x(v, 0, "read it back", read_do);
            return;
        }
        v->change->way = "owa";
        v->change->told = OC_TOLD_UNKNOWN;
        send_x(v, 1, "tell the attendees", tell_update_do);
        return;
    case 2:
        if (failed(v)) {
            v->change->told = told_after(v->x);
            break;
        }
        v->change->told = v->world->quiet_update ? OC_TOLD_NOT : OC_TOLD_UNVERIFIED;
        v->item = v->booking->item;
        send_x(v, 0, "read it back", read_do);
        return;
    default:
        if (!failed(v)) {
            v->change->booking = v->read;
        } else {
            oc_result_clear(&v->call->result);
        }
        break;
    }
    v->over = 1;
}

static oc_job_t *mem_update(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *was,
                            const oc_booking_t *wanted, oc_change_t **out)
{
    verb_t *v = begin(be, call, update_proceed);
    v->booking = was;
    v->wanted = wanted;
    v->out_change = out;
    return started(v);
}

static void cancel_proceed(verb_t *v)
{
    int tells = v->booking->attendees->nelts > 0;

    *v->out_change = v->change;
    switch (v->step) {
    case 0:
        v->change->item_changed = OC_NO;
        if (tells) {
            v->change->told = OC_TOLD_NOT;
            v->change->way = "owa";
            send_x(v, 1, "make the cancellation", cancel_draft_do);
            return;
        }
        v->change->told = OC_TOLD_NOBODY_TO_TELL;
        v->step = 2;
        send_x(v, 1, "delete the item", delete_do);
        return;
    case 1:
        if (failed(v)) {
            break;
        }
        v->change->told = OC_TOLD_UNKNOWN;
        send_x(v, 1, "send the cancellation", submit_do);
        return;
    case 2:
        if (failed(v)) {
            v->change->told = told_after(v->x);
            if (v->change->told == OC_TOLD_NOT && v->x->outcome == OC_X_REPLIED) {
                v->step = 9;
                send_x(v, 1, "remove the draft", drop_drafts_do);
                return;
            }
            break;
        }
        v->change->told = OC_TOLD_UNVERIFIED;
        send_x(v, 1, "delete the item", delete_do);
        return;
    case 3:
        if (failed(v)) {
            v->change->item_changed = OC_DONT_KNOW;
        } else {
            v->change->item_changed = OC_YES;
        }
        break;
    default:
        break;
    }
    v->over = 1;
}

static oc_job_t *mem_cancel(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *b,
                            const char *reason, oc_change_t **out)
{
    verb_t *v = begin(be, call, cancel_proceed);
    (void)reason;
    v->booking = b;
    v->out_change = out;
    return started(v);
}

static void remove_proceed(verb_t *v)
{
    *v->out_change = v->change;
    switch (v->step) {
    case 0:
        v->change->told = OC_TOLD_NOBODY_TO_TELL;
        v->change->item_changed = OC_NO;
        send_x(v, 1, "remove the draft", drop_drafts_do);
        return;
    case 1:
        if (failed(v)) {
            break;
        }
        send_x(v, 1, "remove the item", delete_do);
        return;
    default:
        v->change->item_changed = failed(v) ? OC_DONT_KNOW : OC_YES;
        break;
    }
    v->over = 1;
}

static oc_job_t *mem_remove(const oc_backend_t *be, oc_call_t *call, const oc_booking_t *b,
                            oc_change_t **out)
{
    verb_t *v = begin(be, call, remove_proceed);
    v->booking = b;
    v->out_change = out;
    return started(v);
}

static void probe_do(verb_t *v)
{
    v->x->status = 200;
}

static void probe_proceed(verb_t *v)
{
    if (v->step == 0) {
        send_x(v, 0, "probe", probe_do);
        return;
    }
    if (!failed(v)) {
        *v->out_facts = apr_table_make(v->call->pool, 2);
        apr_table_setn(*v->out_facts, "server", "memory");
    }
    v->over = 1;
}

static oc_job_t *mem_probe(const oc_backend_t *be, oc_call_t *call, apr_table_t **facts)
{
    verb_t *v = begin(be, call, probe_proceed);
    v->out_facts = facts;
    return started(v);
}

static oc_itemref_t mem_item_of(const oc_backend_t *be, apr_pool_t *pool,
                                const unsigned char seed[32])
{
    (void)be;
    return apr_pstrcat(pool, oc_str_hex(pool, seed, 8), ".EML", NULL);
}

static const char *mem_uid_of(const oc_backend_t *be, apr_pool_t *pool,
                              const unsigned char seed[32])
{
    (void)be;
    return apr_pstrcat(pool, "UID-", oc_str_hex(pool, seed, 16), NULL);
}

static int mem_item_ok(const oc_backend_t *be, const char *item)
{
    (void)be;
    return strlen(item) == 20;
}

const oc_backend_vtable_t mem_vtable = {
    .kind = "memory",
    .item_of = mem_item_of,
    .uid_of = mem_uid_of,
    .item_ok = mem_item_ok,
    .freebusy = mem_freebusy,
    .list = mem_list,
    .read = mem_read,
    .create = mem_create_item,
    .invite = mem_invite,
    .evidence = mem_evidence,
    .update = mem_update,
    .cancel = mem_cancel,
    .remove = mem_remove,
    .probe = mem_probe,
    .look = mem_probe,
};

void mem_perform(oc_exchange_t *x)
{
    verb_t *v = x->baton;

    v->carry_out(v);
}
