#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "membackend.h"

#define EACH(type, var, array)                                                                     \
    for (type *var = (type *)(array)->elts; var < (type *)(array)->elts + (array)->nelts; ++var)

typedef struct verb_t verb_t;
struct verb_t {
    oc_job_t job;
    mem_t *world;
    oc_call_t *call;
    void (*proceed)(verb_t *v); /* called at the beginning and after each exchange */
    void (*carry_out)(verb_t *v);
    int step, over;
    oc_exchange_t *x;      /* to be given, or on the wire */
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

static const char *const fault_names[] = {
    "fine", "not sent", "lost, done", "lost, not done", "timeout, done", "timeout, not done",
    "silence, done", "silence, not done", "denied", "locked", "error, done", "error, not done"
};

const char *mem_fault_name(mem_fault_t f)
{
    return fault_names[f];
}

static mem_t *world_of(const oc_backend_t *be)
{
    return (mem_t *)be;
}

/* ---- what stands ---- */

mem_item_t *mem_item(mem_t *w, const char *owner, const char *uid)
{
    EACH(mem_item_t, i, w->items) {
        if ((!owner || !strcmp(i->owner, owner)) && !strcmp(i->booking->uid, uid)) {
            return i;
        }
    }
    return NULL;
}

static mem_item_t *by_name(mem_t *w, const char *owner, const char *name)
{
    EACH(mem_item_t, i, w->items) {
        if (!strcmp(i->owner, owner) && !strcmp(i->booking->item, name)) {
            return i;
        }
    }
    return NULL;
}

int mem_sent(const mem_t *w, const char *uid, mem_kind_t kind)
{
    int n = 0;
    EACH(const mem_message_t, m, w->sent) {
        n += m->kind == kind && (!uid || !strcmp(m->uid, uid));
    }
    return n;
}

int mem_drafts(const mem_t *w)
{
    return w->drafts->nelts;
}

int mem_entries(const mem_t *w, const char *room, oc_range_t when, const char *uid)
{
    int n = 0;
    EACH(const mem_entry_t, e, w->entries) {
        n += !strcmp(e->room, room) && oc_range_overlaps(e->when, when)
             && (!uid || !strcmp(e->uid, uid));
    }
    return n;
}

static void drop_entry(mem_t *w, const char *room, const char *uid)
{
    EACH(mem_entry_t, e, w->entries) {
        if ((!room || !strcmp(e->room, room)) && !strcmp(e->uid, uid)) {
            *e = *(mem_entry_t *)apr_array_pop(w->entries);
            drop_entry(w, room, uid);
            return;
        }
    }
}

static void put_entry(mem_t *w, const char *room, oc_range_t when, const char *uid, const char *who)
{
    mem_entry_t *e;

    drop_entry(w, room, uid);
    e = apr_array_push(w->entries);
    e->room = apr_pstrdup(w->pool, room);
    e->uid = apr_pstrdup(w->pool, uid);
    e->organizer = apr_pstrdup(w->pool, who);
    e->when = when;
    e->created = oc_clock_wall();
}

void mem_book(mem_t *w, const char *room, oc_range_t when, const char *uid)
{
    put_entry(w, room, when, uid, "somebody@example.test");
}

static void drop_drafts(mem_t *w, const char *uid)
{
    EACH(mem_message_t, m, w->drafts) {
        if (!strcmp(m->uid, uid)) {
            *m = *(mem_message_t *)apr_array_pop(w->drafts);
            drop_drafts(w, uid);
            return;
        }
    }
}

static void message(mem_t *w, apr_array_header_t *box, const char *owner, const char *uid,
                    mem_kind_t kind)
{
    mem_message_t *m = apr_array_push(box);
    m->owner = apr_pstrdup(w->pool, owner);
    m->uid = apr_pstrdup(w->pool, uid);
    m->kind = kind;
    m->at = oc_clock_wall();
}

static void answer(mem_t *w, const char *owner, const char *uid, const char *room, oc_partstat_t p)
{
    mem_answer_t *a = apr_array_push(w->answers);
    a->owner = apr_pstrdup(w->pool, owner);
    a->uid = apr_pstrdup(w->pool, uid);
    a->room = apr_pstrdup(w->pool, room);
    a->answer = p;
    a->at = oc_clock_wall();
}

/* The message leaves, and rooms take notice. */
static void deliver(mem_t *w, const char *owner, const oc_booking_t *b, mem_kind_t kind)
{
    if (kind == MEM_REQUEST && mem_sent(w, b->uid, MEM_REQUEST)) {
        w->sent_twice = 1;
    }
    if (kind == MEM_CANCEL && mem_sent(w, b->uid, MEM_CANCEL)) {
        w->sent_twice = 1;
    }
    message(w, w->sent, owner, b->uid, kind);
    EACH(const oc_attendee_t, a, b->attendees) {
        if (a->cutype != OC_CUTYPE_ROOM) {
            continue;
        }
        if (kind == MEM_CANCEL) {
            drop_entry(w, a->address, b->uid);
        } else if (w->rooms == MEM_ACCEPTS) {
            int taken = mem_entries(w, a->address, b->when, NULL)
                        - mem_entries(w, a->address, b->when, b->uid);
            drop_entry(w, a->address, b->uid);
            if (!taken) {
                put_entry(w, a->address, b->when, b->uid, owner);
            }
            answer(w, owner, b->uid, a->address,
                   taken ? OC_PARTSTAT_DECLINED : OC_PARTSTAT_ACCEPTED);
        } else if (w->rooms == MEM_REFUSES) {
            drop_entry(w, a->address, b->uid);
            answer(w, owner, b->uid, a->address, OC_PARTSTAT_DECLINED);
        } else if (w->rooms == MEM_TENTATIVE) {
            put_entry(w, a->address, b->when, b->uid, owner);
        }
    }
}

/* ---- verbs ---- */

static void send_x(verb_t *v, int writes, const char *purpose, void (*carry_out)(verb_t *))
{
    static const oc_site_t site = { "http", "mem.test", 80, NULL, NULL, 12, NULL };

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

static const oc_job_vtable_t verb_vtable = { "mem", verb_next, verb_feed, verb_done, NULL };

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
        oc_freebusy_t *fb = oc_freebusy_create(v->call->pool, who, v->freebusy->range,
                                               v->freebusy->slot);
        if (!v->world->unknown) {
            oc_freebusy_mark(fb, fb->range, OC_BUSY_FREE);
            EACH(const mem_entry_t, e, v->world->entries) {
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
    EACH(const mem_item_t, i, v->world->items) {
        if (!q->mailbox && !strcmp(i->owner, v->call->mailbox)) {
            APR_ARRAY_PUSH(list->bookings, oc_booking_t *) = oc_booking_copy(pool, i->booking);
        }
    }
    EACH(const mem_entry_t, e, v->world->entries) {
        const char *room = q->mailbox ? apr_pstrcat(pool, q->mailbox, "@example.test", NULL) : "";
        if (!strcmp(room, e->room) && oc_range_overlaps(e->when, q->range)
            && !(q->not_uid && !strcmp(e->uid, q->not_uid))) {
            oc_booking_t *b = oc_booking_create(pool);
            b->uid = e->uid;
            b->when = e->when;
            b->created = e->created;
            b->organizer = e->organizer;
            APR_ARRAY_PUSH(list->bookings, oc_booking_t *) = b;
        }
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
    mem_item_t *i = by_name(v->world, v->call->mailbox, v->item);

    v->x->status = i ? 207 : 404;
    if (!i) {
        return;
    }
    v->x->status = 200;
    v->read = oc_booking_copy(v->call->pool, i->booking);
    EACH(const mem_answer_t, a, v->world->answers) {
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
    mem_item_t *i = by_name(w, v->call->mailbox, v->booking->item);

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
    message(v->world, v->world->drafts, v->call->mailbox, v->booking->uid, MEM_REQUEST);
}

static void cancel_draft_do(verb_t *v)
{
    v->x->status = by_name(v->world, v->call->mailbox, v->booking->item) ? 201 : 404;
    if (v->x->status == 201) {
        message(v->world, v->world->drafts, v->call->mailbox, v->booking->uid, MEM_CANCEL);
    }
}

/* MOVE of the draft to where messages are sent. */
static void submit_do(verb_t *v)
{
    mem_kind_t kind = MEM_REQUEST;
    int found = 0;

    EACH(const mem_message_t, m, v->world->drafts) {
        if (!strcmp(m->uid, v->booking->uid)) {
            found = 1;
            kind = m->kind;
        }
    }
    v->x->status = found ? 201 : 404;
    if (found) {
        drop_drafts(v->world, v->booking->uid);
        deliver(v->world, v->call->mailbox, v->booking, kind);
    }
}

static void drop_drafts_do(verb_t *v)
{
    v->x->status = 204;
    drop_drafts(v->world, v->booking->uid);
}

static void delete_do(verb_t *v)
{
    mem_item_t *i = by_name(v->world, v->call->mailbox, v->booking->item);

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
    EACH(const mem_answer_t, a, v->world->answers) {
        if (!strcmp(a->room, room) && !strcmp(a->uid, b->uid)
            && !strcmp(a->owner, v->call->mailbox) && a->at >= v->since) {
            r->answer = a->answer;
        }
    }
    r->calendar = OC_DONT_KNOW;
    if (v->world->readable) {
        r->calendar = mem_entries(v->world, room, b->when, b->uid) ? OC_YES : OC_NO;
        EACH(const mem_entry_t, e, v->world->entries) {
            if (!strcmp(e->room, room) && strcmp(e->uid, b->uid)
                && oc_range_overlaps(e->when, b->when)) {
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
    e->item = by_name(w, v->call->mailbox, v->booking->item) ? OC_YES : OC_NO;
    e->request_sent = OC_NO;
    EACH(const mem_message_t, m, w->sent) {
        if (!w->no_sent_copy && !strcmp(m->uid, v->booking->uid) && m->at >= v->since
            && (m->kind == MEM_CANCEL) == v->booking->cancelled) {
            e->request_sent = OC_YES;
            e->message_id = "<copy@mem.test>";
        }
    }
    e->draft_left = OC_NO;
    EACH(const mem_message_t, m, w->drafts) {
        if (!strcmp(m->uid, v->booking->uid)) {
            e->draft_left = OC_YES;
        }
    }
    e->rooms = apr_array_make(v->call->pool, 2, sizeof(oc_room_evidence_t *));
    EACH(const oc_attendee_t, a, v->booking->attendees) {
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
    mem_item_t *i = by_name(w, v->call->mailbox, v->booking->item);
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
    mem_item_t *i = by_name(v->world, v->call->mailbox, v->booking->item);

    v->x->status = i ? 200 : 404;
    if (i && !v->world->quiet_update) {
        deliver(v->world, v->call->mailbox, i->booking, MEM_UPDATE);
        EACH(const oc_attendee_t, a, v->booking->attendees) {
            if (!oc_attendee_find(i->booking->attendees, a->address)) {
                drop_entry(v->world, a->address, v->booking->uid);
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

static const oc_backend_vtable_t vtable = {
    "memory", mem_item_of, mem_uid_of, mem_item_ok, mem_freebusy, mem_list, mem_read,
    mem_create_item, mem_invite, mem_evidence, mem_update, mem_cancel, mem_remove, mem_probe
};

mem_t *mem_create(void)
{
    apr_pool_t *pool;
    mem_t *w;

    apr_pool_create(&pool, NULL);
    w = apr_pcalloc(pool, sizeof(*w));
    w->pool = pool;
    w->conf.name = "mem";
    w->conf.kind = "memory";
    w->backend.vt = &vtable;
    w->backend.conf = &w->conf;
    w->items = apr_array_make(pool, 8, sizeof(mem_item_t));
    w->drafts = apr_array_make(pool, 8, sizeof(mem_message_t));
    w->sent = apr_array_make(pool, 8, sizeof(mem_message_t));
    w->entries = apr_array_make(pool, 8, sizeof(mem_entry_t));
    w->answers = apr_array_make(pool, 8, sizeof(mem_answer_t));
    return w;
}

void mem_destroy(mem_t *w)
{
    apr_pool_destroy(w->pool);
}

/* ---- the owner ---- */

/* Carries out one exchange. 0: it hangs. */
static int carry_out(mem_t *w, oc_exchange_t *x)
{
    verb_t *v = x->baton;
    mem_fault_t fault = MEM_FINE;
    int execute;

    ++w->count;
    w->writes += x->writes;
    if (w->fault_at && (w->count == w->fault_at || (w->fault_on && w->count > w->fault_at))) {
        fault = w->fault;
    } else if (w->fault2_at && w->count == w->fault2_at) {
        fault = w->fault2;
    }
    execute = fault == MEM_FINE || fault == MEM_LOST_DONE || fault == MEM_TIMEOUT_DONE
              || fault == MEM_HANG_DONE || fault == MEM_ERROR_DONE;
    x->sent = fault != MEM_NOT_SENT;
    oc_clock_advance(w->latency);
    if (execute) {
        x->status = 200;
        v->carry_out(v);
    }
    x->outcome = OC_X_REPLIED;
    switch (fault) {
    case MEM_NOT_SENT:
        x->outcome = OC_X_NOT_SENT;
        break;
    case MEM_LOST_DONE:
    case MEM_LOST_UNDONE:
        x->outcome = OC_X_LOST;
        x->status = 0;
        break;
    case MEM_TIMEOUT_DONE:
    case MEM_TIMEOUT_UNDONE:
        x->outcome = OC_X_TIMEOUT;
        x->status = 0;
        oc_clock_advance(apr_time_from_sec(3));
        break;
    case MEM_HANG_DONE:
    case MEM_HANG_UNDONE:
        x->status = 0;
        return 0;
    case MEM_DENIED:
        x->status = 403;
        break;
    case MEM_LOCKED:
        x->status = 423;
        break;
    case MEM_ERROR_DONE:
    case MEM_ERROR_UNDONE:
        x->status = 500;
        break;
    default:
        break;
    }
    return 1;
}

static void end(oc_job_t *job, oc_exchange_t *x)
{
    if (x->outcome == OC_X_REPLIED) {
        job->vt->feed(job, x, OC_FEED_HEAD, NULL, 0);
    }
    job->vt->feed(job, x, OC_FEED_END, NULL, 0);
}

void mem_execute(mem_t *w, oc_job_t *job, oc_exchange_t *x)
{
    carry_out(w, x);
    end(job, x);
}

typedef struct running_t {
    oc_job_t *job;
    oc_exchange_t *wire[80]; /* waiting to be carried out */
    oc_exchange_t *hung[80];
    int waiting, hanging, begun;
} running_t;

static void deadline(running_t *r)
{
    while (r->waiting || r->hanging) {
        oc_exchange_t *x = r->hanging ? r->hung[--r->hanging] : r->wire[--r->waiting];
        x->outcome = x->sent ? OC_X_TIMEOUT : OC_X_NOT_SENT;
        end(r->job, x);
    }
    if (!r->job->vt->done(r->job)) {
        r->job->vt->cancel(r->job, OC_CANCEL_DEADLINE);
    }
}

static void gather(running_t *r)
{
    oc_exchange_t *x;

    while (!r->job->vt->done(r->job) && (x = r->job->vt->next(r->job))) {
        if (r->waiting == 80) {
            abort();
        }
        r->wire[r->waiting++] = x;
    }
}

void mem_run_all(mem_t *w, oc_job_t **jobs, int n, unsigned seed)
{
    running_t *all = calloc((size_t)n, sizeof(*all));
    int i, turn, left = n, rounds = 0;

    for (i = 0; i < n; ++i) {
        all[i].job = jobs[i];
    }
    while (left && ++rounds < 100000) {
        oc_mono_t now = oc_clock_mono(), soonest = 0;
        int busy = 0, pick;

        for (i = left = 0; i < n; ++i) {
            running_t *r = &all[i];
            oc_mono_t at;
            if (r->job->vt->done(r->job)) {
                continue;
            }
            if (!r->begun && w->start && !w->start(w->start_baton, i)) {
                ++left;
                continue;
            }
            r->begun = 1;
            if (now >= r->job->deadline) {
                deadline(r);
            }
            gather(r);
            if (r->job->vt->done(r->job)) {
                continue;
            }
            ++left;
            busy += r->waiting;
            at = r->job->wake_at && r->job->wake_at < r->job->deadline ? r->job->wake_at
                                                                       : r->job->deadline;
            soonest = !soonest || at < soonest ? at : soonest;
        }
        if (!left) {
            break;
        }
        if (!busy) {
            if (soonest > now) {
                oc_clock_advance(soonest - now);
            }
            continue;
        }
        seed = seed * 1103515245u + 12345u;
        pick = (int)((seed >> 8) % (unsigned)busy);
        for (i = 0; i < n && pick >= 0; ++i) {
            running_t *r = &all[i];
            oc_exchange_t *x;
            if (pick >= r->waiting) {
                pick -= r->waiting;
                continue;
            }
            turn = pick;
            x = r->wire[turn];
            r->wire[turn] = r->wire[--r->waiting];
            if (carry_out(w, x)) {
                end(r->job, x);
            } else {
                r->hung[r->hanging++] = x;
            }
            break;
        }
    }
    if (left) {
        abort(); /* a job that never ends */
    }
    free(all);
}

void mem_run(mem_t *w, oc_job_t *job)
{
    mem_run_all(w, &job, 1, 1);
}
