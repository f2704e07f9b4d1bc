/* membackend.h - a calendar server in memory, behind backend/backend.h, and an owner for jobs.
 *
 * Verbs are jobs that give exchanges like a real backend's: the world changes when an exchange is
 * carried out, not when the verb is begun, and any exchange can be made to fail in every way a real
 * one can, done or not done. Time is the library's clock, which the owner moves on when nothing
 * else is left to do, so that waiting takes no time. One thread.
 */
#ifndef MEMBACKEND_H
#define MEMBACKEND_H

#include "backend/backend.h"

typedef enum mem_room_t {
    MEM_ACCEPTS,  /* if it is free in its own calendar; declines otherwise */
    MEM_SILENT,   /* takes no notice: no entry, no answer */
    MEM_TENTATIVE,/* takes a tentative entry whatever else stands there, and does not answer */
    MEM_REFUSES   /* declines everything */
} mem_room_t;

typedef enum mem_fault_t {
    MEM_FINE,
    MEM_NOT_SENT,
    MEM_LOST_DONE, MEM_LOST_UNDONE,       /* the connection died; carried out or not */
    MEM_TIMEOUT_DONE, MEM_TIMEOUT_UNDONE, /* its own deadline came, three seconds later */
    MEM_HANG_DONE, MEM_HANG_UNDONE,       /* silence until the job's deadline */
    MEM_DENIED,                           /* 403, not carried out */
    MEM_LOCKED,                           /* 423, not carried out */
    MEM_ERROR_DONE, MEM_ERROR_UNDONE,     /* 500 */
    MEM_FAULTS
} mem_fault_t;
const char *mem_fault_name(mem_fault_t f);

typedef enum mem_kind_t { MEM_REQUEST, MEM_UPDATE, MEM_CANCEL } mem_kind_t;

typedef struct mem_item_t {
    const char *owner;
    oc_booking_t *booking;
} mem_item_t;
typedef struct mem_entry_t { /* in a room's calendar */
    const char *room, *uid, *organizer;
    oc_range_t when;
    apr_time_t created;
} mem_entry_t;
typedef struct mem_message_t {
    const char *owner, *uid;
    mem_kind_t kind;
    apr_time_t at;
} mem_message_t;
typedef struct mem_answer_t {
    const char *owner, *uid, *room;
    oc_partstat_t answer;
    apr_time_t at;
} mem_answer_t;

typedef struct mem_t {
    oc_backend_t backend;
    oc_backend_conf_t conf;
    apr_pool_t *pool;
    /* How it behaves. */
    mem_room_t rooms;
    int readable;          /* rooms' calendars may be read by everybody */
    int partly; /* a readable calendar shows: 1 = no row of which sense could be made, 2 =
                 * what it has, and there is more */
    apr_time_t lag;        /* published free/busy shows entries older than that */
    int unknown;           /* free/busy knows nothing */
    int no_sent_copy;      /* copies are not kept, so Sent Items are empty */
    int quiet_update;      /* the update's second step does nothing and says so */
    apr_time_t latency;    /* each exchange takes that long */
    /* What fails: the fault_at-th exchange, and with fault_on all after it. */
    int fault_at, fault_on;
    mem_fault_t fault;
    int fault2_at;         /* one more, alone */
    mem_fault_t fault2;
    apr_time_t late;       /* what is lost, not done, is done that much later; 0 = never */
    oc_exchange_t *late_x; /* ... this one, then */
    oc_mono_t late_at;
    int (*start)(void *baton, int i); /* asked whether job i may begin; NULL: it may */
    void *start_baton;
    int count;             /* exchanges carried out or failed so far */
    int writes;
    int sent_twice;        /* a message sent a second time for one version of a meeting */
    /* What stands. */
    apr_array_header_t *items;    /* mem_item_t */
    apr_array_header_t *drafts;   /* mem_message_t */
    apr_array_header_t *sent;     /* mem_message_t */
    apr_array_header_t *entries;  /* mem_entry_t */
    apr_array_header_t *answers;  /* mem_answer_t */
} mem_t;

mem_t *mem_create(void);
void mem_destroy(mem_t *world);
mem_item_t *mem_item(mem_t *world, const char *owner, const char *uid); /* owner NULL: anybody's */
int mem_sent(const mem_t *world, const char *uid, mem_kind_t kind);
int mem_drafts(const mem_t *world);
/* Entries of that room that overlap; uid NULL: all. */
int mem_entries(const mem_t *world, const char *room, oc_range_t when, const char *uid);
/* Somebody books the room by other means. */
void mem_book(mem_t *world, const char *room, oc_range_t when, const char *uid);

/* Carry out one exchange of that job and end it, as planned. */
void mem_execute(mem_t *world, oc_job_t *job, oc_exchange_t *x);
/* Work one job to its end, as net would. */
void mem_run(mem_t *world, oc_job_t *job);
/* Work all of them, one exchange of a random one at a time. */
void mem_run_all(mem_t *world, oc_job_t **jobs, int n, unsigned seed);

/* Shared by the three files of it. */
#define MEM_EACH(type, var, array) \
    for (type *var = (type *)(array)->elts; var < (type *)(array)->elts + (array)->nelts; ++var)

extern const oc_backend_vtable_t mem_vtable;
mem_item_t *mem_find(mem_t *world, const char *owner, const char *name);
void mem_drop_entry(mem_t *world, const char *room, const char *uid); /* room NULL: all */
void mem_drop_drafts(mem_t *world, const char *uid);
void mem_message(mem_t *world, apr_array_header_t *box, const char *owner, const char *uid,
                 mem_kind_t kind);
/* The message leaves, and rooms take notice. */
void mem_deliver(mem_t *world, const char *owner, const oc_booking_t *b, mem_kind_t kind);
/* Does what the exchange asks for. */
void mem_perform(oc_exchange_t *x);

#endif
