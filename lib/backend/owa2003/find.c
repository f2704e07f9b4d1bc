/* find.c - SEARCH: a calendar between two instants, and the messages of one meeting.
 *
 * The server expands recurring meetings where a range of time is searched (instances come as rows,
 * the master is left out), compares dates in UTC, and does not hide other people's private items
 * from who may read the folder: that is done here.
 */
#include <stdlib.h>
#include <string.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"

#define PAGE 100         /* rows asked for at a time */
#define PAGES_MAX 200
#define MESSAGES_MAX 200
#define COPY_MAX     (128 * 1024) /* bytes of an organizer's copy; many come side by side */

/* ---- a calendar ---- */

typedef struct list_t {
    owa_verb_t v; /* first */
    const oc_list_query_t *query;
    oc_list_t *out;
    const owa_folders_t *folders;
    int own;
    apr_hash_t *seen;    /* hrefs of all rows so far: rows shift when items change between pages */
    int pages, next;
    int strange;         /* rows that could not be taken */
} list_t;

static apr_status_t take_row(void *baton, const oc_dav_row_t *row)
{
    list_t *l = baton;
    const oc_list_query_t *q = l->query;
    apr_pool_t *pool = l->v.pool;
    const char *why, *href;
    oc_booking_t *b;
    oc_range_t when;

    if (apr_hash_get(l->seen, row->href, APR_HASH_KEY_STRING)) {
        return APR_SUCCESS;
    }
    if (!owa_path_below(row->pool, l->folders->calendar, row->path)) {
        ++l->strange; /* another mailbox's, or no item of this folder */
        return APR_SUCCESS;
    }
    /* First in scratch: most of what is dropped should leave nothing behind. */
    b = owa_booking(row->pool, row, l->folders->calendar, l->own, &why);
    if (!b) {
        ++l->strange;
        return APR_SUCCESS;
    }
    when = b->when;
    if (when.end == when.start) {
        when.end += 1; /* an item without duration stands at its start */
    }
    if (!oc_range_overlaps(when, q->range) || b->instance == OC_INSTANCE_MASTER
        || (q->not_uid && b->uid && !strcasecmp(b->uid, q->not_uid))) {
        return APR_SUCCESS;
    }
    if (l->out->bookings->nelts >= q->max) {
        l->out->more = 1;
        return APR_EOF; /* they come by start: what follows is later */
    }
    href = apr_pstrdup(pool, row->href);
    apr_hash_set(l->seen, href, APR_HASH_KEY_STRING, href);
    b = owa_booking(pool, row, l->folders->calendar, l->own, &why);
    if (!l->own && b->sensitivity >= OC_SENSITIVITY_PRIVATE) {
        owa_booking_mask(b);
    }
    APR_ARRAY_PUSH(l->out->bookings, oc_booking_t *) = b;
    return APR_SUCCESS;
}

static int by_start(const void *a, const void *b)
{
    const oc_booking_t *x = *(oc_booking_t *const *)a, *y = *(oc_booking_t *const *)b;

    if (x->when.start != y->when.start) {
        return x->when.start < y->when.start ? -1 : 1;
    }
    return x->when.end < y->when.end ? -1 : x->when.end > y->when.end;
}

/* The first of one's own meetings. A series is left out: a day of it has no answers of its own, and
 * its days would crowd out the others. */
static apr_array_header_t *to_be_answered(const list_t *l)
{
    const apr_array_header_t *rows = l->out->bookings;
    int i, most = l->query->answers < OC_LIST_ANSWERS ? l->query->answers : OC_LIST_ANSWERS;
    apr_array_header_t *own = apr_array_make(l->v.pool, 4, sizeof(oc_booking_t *));

    for (i = 0; l->own && i < rows->nelts && own->nelts < most; ++i) {
        oc_booking_t *b = APR_ARRAY_IDX(rows, i, oc_booking_t *);
        if (b->is_organizer && b->is_meeting && !b->cancelled && b->item
            && b->instance == OC_INSTANCE_SINGLE && b->attendees->nelts > 0) {
            APR_ARRAY_PUSH(own, oc_booking_t *) = b;
        }
    }
    return own;
}

static void list_done(list_t *l)
{
    apr_array_header_t *rows = l->out->bookings, *own;

    qsort(rows->elts, (size_t)rows->nelts, sizeof(oc_booking_t *), by_start);
    if (l->strange > 0) {
        oc_log(OC_LOG_INFO, 0, l->v.call->id,
               OC_LOGID(0310) "list: %d rows left out: outside the folder, or without usable times",
               l->strange);
        l->out->strange = l->strange;
    }
    own = to_be_answered(l);
    if (own->nelts > 0) {
        owa_answers_find(&l->v, l->folders, own, COPY_MAX, owa_finish);
    } else {
        owa_finish(&l->v);
    }
}

/* Somebody else's calendar that this person may not read is not a failure, but an answer. */
static int unreadable(list_t *l, oc_reason_t reason)
{
    if (l->own || (reason != OC_REASON_ACCESS_DENIED && reason != OC_REASON_MAILBOX_REFUSED
                   && reason != OC_REASON_BOOKING_NOT_FOUND
                   && reason != OC_REASON_MAILBOX_NOT_FOUND)) {
        return 0;
    }
    l->out->unreadable = 1;
    owa_finish(&l->v);
    return 1;
}

static void ask_page(list_t *l);

static void page_read(owa_verb_t *v, owa_ask_t *a)
{
    list_t *l = (list_t *)v;

    if (a->res.reason != OC_REASON_OK) {
        if (!owa_restart(v, a, l->query->mailbox) && !unreadable(l, a->res.reason)) {
            owa_fail(v, a, "list");
        }
        return;
    }
    if (a->status == 416 || l->out->more || a->range_last < l->next /* Range ignored: all came */
        || a->rows < PAGE || (a->range_total >= 0 && a->range_last + 1 >= a->range_total)) {
        list_done(l);
        return;
    }
    if (++l->pages >= PAGES_MAX) {
        l->out->more = 1;
        list_done(l);
        return;
    }
    l->next = a->range_last + 1;
    ask_page(l);
}

static void ask_page(list_t *l)
{
    const oc_dav_where_t where[] = {
        {OWA_P_INSTANCETYPE, "<>", NULL, 1, 0},
        {OWA_P_CONTENTCLASS, "=", OWA_CC_APPOINTMENT, 0, 0},
        {OWA_P_ISHIDDEN, "=", NULL, 0, 0},
        {OWA_P_ISFOLDER, "=", NULL, 0, 0},
        {OWA_P_DTEND, ">", NULL, 0, l->query->range.start},
        {OWA_P_DTSTART, "<", NULL, 0, l->query->range.end + APR_USEC_PER_SEC - 1},
    };
    owa_ask_t *a = owa_search(&l->v, l->folders->site, l->folders->calendar,
                              l->query->answers > 0 ? owa_props_people : owa_props_list, where,
                              (int)(sizeof(where) / sizeof(where[0])), OWA_P_DTSTART, l->next,
                              l->next + PAGE - 1, "list", page_read);

    a->row = take_row;
    a->row_baton = l;
    a->mailbox = l->own ? NULL : l->query->mailbox;
    owa_send(&l->v, a);
}

static void list_folders(owa_verb_t *v, const owa_folders_t *folders, const oc_result_t *res,
                         void *baton)
{
    list_t *l = baton;

    if (!folders) {
        if (!unreadable(l, res->reason)) {
            owa_fail_with(v, res, "list > find folders");
        }
        return;
    }
    l->folders = folders;
    l->seen = apr_hash_make(v->pool);
    l->next = l->pages = 0;
    apr_array_clear(l->out->bookings);
    ask_page(l);
}

static void list_start(owa_verb_t *v)
{
    owa_folders_find(v, ((list_t *)v)->query->mailbox, list_folders, v);
}

oc_job_t *owa_list(const oc_backend_t *be, oc_call_t *call, const oc_list_query_t *query,
                   oc_list_t **out)
{
    list_t *l;

    *out = apr_pcalloc(call->pool, sizeof(**out));
    (*out)->bookings = apr_array_make(call->pool, 16, sizeof(oc_booking_t *));
    if (!oc_range_valid(query->range) || query->max < 1) {
        oc_result_fail(&call->result, OC_REASON_INVALID_INPUT, "list: an empty range");
        return NULL;
    }
    l = (list_t *)owa_verb(be, call, sizeof(*l), "list", list_start);
    l->v.without_own = 1;
    l->query = query;
    l->out = *out;
    l->own = !query->mailbox || (call->mailbox && !strcasecmp(query->mailbox, call->mailbox));
    return &l->v.job;
}

/* ---- messages ---- */

typedef struct messages_t {
    const char *folder, *uid, *class;
    apr_time_t since;
    apr_array_header_t *found;
    owa_messages_then_t *then;
    void *baton;
} messages_t;

static const char *address_of(apr_pool_t *pool, const char *text)
{
    apr_array_header_t *list;

    if (!text) {
        return NULL;
    }
    list = oc_attendee_parse_list(pool, text, OC_ROLE_REQUIRED, NULL);
    return list->nelts > 0 ? APR_ARRAY_IDX(list, 0, oc_attendee_t).address : NULL;
}

owa_message_t *owa_message(apr_pool_t *pool, const oc_dav_row_t *row)
{
    owa_message_t *m = apr_pcalloc(pool, sizeof(*m));
    const char *uid = row->value[OWA_P_UID];

    m->path = apr_pstrdup(pool, row->href);
    m->class = oc_dav_text(row, OWA_P_CLASS, pool);
    m->uid = uid ? oc_str_trim(pool, uid) : NULL;
    m->to = oc_dav_text(row, OWA_P_TO, pool);
    m->cc = oc_dav_text(row, OWA_P_CC, pool);
    m->bcc = oc_dav_text(row, OWA_P_BCC, pool);
    m->message_id = oc_dav_text(row, OWA_P_MESSAGE_ID, pool);
    m->from = address_of(pool, row->value[OWA_P_FROMEMAIL]);
    if (!m->from) {
        m->from = address_of(pool, row->value[OWA_P_FROM]);
    }
    oc_dav_time(row, OWA_P_CREATIONDATE, &m->created);
    oc_dav_time(row, OWA_P_DTSTART, &m->when.start);
    oc_dav_time(row, OWA_P_DTEND, &m->when.end);
    return m;
}

static apr_status_t take_message(void *baton, const oc_dav_row_t *row)
{
    messages_t *f = ((owa_ask_t *)baton)->baton;
    const char *class = row->value[OWA_P_CLASS], *uid = row->value[OWA_P_UID];
    apr_time_t created = 0;

    oc_dav_time(row, OWA_P_CREATIONDATE, &created);
    if (!owa_path_below(row->pool, f->folder, row->path) || !uid
        || strcasecmp(oc_str_trim(row->pool, uid), f->uid)
        || (f->class && (!class || strncasecmp(class, f->class, strlen(f->class))))
        || created < f->since) {
        return APR_SUCCESS;
    }
    if (f->found->nelts >= MESSAGES_MAX) {
        return APR_EOF;
    }
    APR_ARRAY_PUSH(f->found, owa_message_t *) = owa_message(f->found->pool, row);
    return APR_SUCCESS;
}

static void messages_read(owa_verb_t *v, owa_ask_t *a)
{
    messages_t *f = a->baton;

    f->then(v, a->res.reason == OC_REASON_OK ? f->found : NULL, &a->res, f->baton);
}

void owa_messages_find(owa_verb_t *v, const char *folder, const char *uid, const char *class,
                       apr_time_t since, owa_messages_then_t *then, void *baton)
{
    const oc_dav_where_t where[] = {
        {OWA_P_CONTENTCLASS, "=", OWA_CC_MESSAGE, 0, 0},
        {OWA_P_UID, "=", uid, 0, 0},
    };
    const char *purpose = folder == v->own->sent     ? "look into Sent Items"
                          : folder == v->own->drafts ? "look into Drafts"
                                                     : "look into Inbox";
    messages_t *f = apr_pcalloc(v->pool, sizeof(*f));
    owa_ask_t *a;

    f->folder = folder;
    f->uid = uid;
    f->class = class;
    f->since = since;
    f->found = apr_array_make(v->pool, 4, sizeof(owa_message_t *));
    f->then = then;
    f->baton = baton;
    a = owa_search(v, NULL, folder, owa_props_message, where, 2, OC_DAV_END, 0, -1, purpose,
                   messages_read);
    a->baton = f;
    a->row = take_message;
    a->row_baton = a;
    owa_send(v, a);
}
