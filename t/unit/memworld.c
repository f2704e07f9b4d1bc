/* memworld.c - what stands in the mailboxes of a calendar server in memory. */
#include <string.h>
#include <apr_strings.h>

#include "membackend.h"

/* ---- what stands ---- */

mem_item_t *mem_item(mem_t *w, const char *owner, const char *uid)
{
    MEM_EACH(mem_item_t, i, w->items)
    {
        if ((!owner || !strcmp(i->owner, owner)) && !strcmp(i->booking->uid, uid)) {
            return i;
        }
    }
    return NULL;
}

mem_item_t *mem_find(mem_t *w, const char *owner, const char *name)
{
    MEM_EACH(mem_item_t, i, w->items)
    {
        if (!strcmp(i->owner, owner) && !strcmp(i->booking->item, name)) {
            return i;
        }
    }
    return NULL;
}

int mem_sent(const mem_t *w, const char *uid, mem_kind_t kind)
{
    int n = 0;
    MEM_EACH(const mem_message_t, m, w->sent)
    {
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
    MEM_EACH(const mem_entry_t, e, w->entries)
    {
        n += !strcmp(e->room, room) && oc_range_overlaps(e->when, when) &&
             (!uid || !strcmp(e->uid, uid));
    }
    return n;
}

void mem_drop_entry(mem_t *w, const char *room, const char *uid)
{
    MEM_EACH(mem_entry_t, e, w->entries)
    {
        if ((!room || !strcmp(e->room, room)) && !strcmp(e->uid, uid)) {
            *e = *(mem_entry_t *)apr_array_pop(w->entries);
            mem_drop_entry(w, room, uid);
            return;
        }
    }
}

static void put_entry(mem_t *w, const char *room, oc_range_t when, const char *uid, const char *who)
{
    mem_entry_t *e;

    mem_drop_entry(w, room, uid);
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

void mem_drop_drafts(mem_t *w, const char *uid)
{
    MEM_EACH(mem_message_t, m, w->drafts)
    {
        if (!strcmp(m->uid, uid)) {
            *m = *(mem_message_t *)apr_array_pop(w->drafts);
            mem_drop_drafts(w, uid);
            return;
        }
    }
}

void mem_message(mem_t *w, apr_array_header_t *box, const char *owner, const char *uid,
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
void mem_deliver(mem_t *w, const char *owner, const oc_booking_t *b, mem_kind_t kind)
{
    if (kind == MEM_REQUEST && mem_sent(w, b->uid, MEM_REQUEST)) {
        w->sent_twice = 1;
    }
    if (kind == MEM_CANCEL && mem_sent(w, b->uid, MEM_CANCEL)) {
        w->sent_twice = 1;
    }
    mem_message(w, w->sent, owner, b->uid, kind);
    MEM_EACH(const oc_attendee_t, a, b->attendees)
    {
        if (a->cutype != OC_CUTYPE_ROOM) {
            continue;
        }
        if (kind == MEM_CANCEL) {
            mem_drop_entry(w, a->address, b->uid);
        } else if (w->rooms == MEM_ACCEPTS) {
            int taken = mem_entries(w, a->address, b->when, NULL) -
                        mem_entries(w, a->address, b->when, b->uid);
            mem_drop_entry(w, a->address, b->uid);
            if (!taken) {
                put_entry(w, a->address, b->when, b->uid, owner);
            }
            answer(w, owner, b->uid, a->address,
                   taken ? OC_PARTSTAT_DECLINED : OC_PARTSTAT_ACCEPTED);
        } else if (w->rooms == MEM_REFUSES) {
            mem_drop_entry(w, a->address, b->uid);
            answer(w, owner, b->uid, a->address, OC_PARTSTAT_DECLINED);
        } else if (w->rooms == MEM_TENTATIVE) {
            put_entry(w, a->address, b->when, b->uid, owner);
        }
    }
}

mem_t *mem_create(void)
{
    static oc_site_t site = {.scheme = "http", .host = "mem", .port = 80};
    apr_pool_t *pool;
    mem_t *w;

    apr_pool_create(&pool, NULL);
    w = apr_pcalloc(pool, sizeof(*w));
    w->pool = pool;
    w->conf.name = "memories";
    w->conf.kind = "memory";
    w->conf.site = &site;
    w->backend.vt = &mem_vtable;
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
