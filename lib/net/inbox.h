/* inbox.h - how other threads hand things to net's loop: a lock-free list and a descriptor that
 * becomes readable.
 *
 * Anybody may post; one thread takes. A note stands in the list at most once: posting it again
 * before it was taken only adds its flags. A note must stay valid memory for as long as somebody
 * may post it; net keeps its notes until the end, see net.c.
 */
#ifndef OC_NET_INBOX_H
#define OC_NET_INBOX_H

#include <stdatomic.h>
#include <apr_errno.h>

typedef struct oc_note_t {
    struct oc_note_t *next; /* belongs to whoever put the note in, then to the taker */
    atomic_uint flags;      /* 0 = not in the list */
} oc_note_t;

typedef struct oc_inbox_t {
    _Atomic(oc_note_t *) head; /* newest first */
    int event;                 /* an eventfd */
} oc_inbox_t;

apr_status_t oc_inbox_open(oc_inbox_t *inbox);
void oc_inbox_close(oc_inbox_t *inbox);

/* Any thread. `flags` is not 0. Everything written before is seen by the taker of these flags. */
void oc_inbox_post(oc_inbox_t *inbox, oc_note_t *note, unsigned flags);
/* Any thread: wake the taker without a note. */
void oc_inbox_ring(oc_inbox_t *inbox);

/* The taker: empty the descriptor. */
void oc_inbox_hush(oc_inbox_t *inbox);
/* The taker: the whole list, oldest first, linked by next; NULL = empty. Read a note's next before
 * its flags: from then on it may be posted again. */
oc_note_t *oc_inbox_take(oc_inbox_t *inbox);
/* The taker: what the note was posted for; it may be posted again from now on. */
unsigned oc_inbox_flags(oc_note_t *note);

#endif
