/* inbox.c - compare-and-swap to put in, one exchange to take all: no ABA, no lock. */
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/inbox.h"

apr_status_t oc_inbox_open(oc_inbox_t *inbox)
{
    atomic_init(&inbox->head, NULL);
    inbox->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return inbox->event == -1 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
}

void oc_inbox_close(oc_inbox_t *inbox)
{
    if (inbox->event != -1) {
        close(inbox->event);
        inbox->event = -1;
    }
}

void oc_inbox_ring(oc_inbox_t *inbox)
{
    uint64_t one = 1;
    ssize_t n;

    do {
        n = write(inbox->event, &one, sizeof(one));
    } while (n == -1 && errno == EINTR);
    /* EAGAIN: the counter is full, so the taker is woken anyway. */
}

void oc_inbox_hush(oc_inbox_t *inbox)
{
    uint64_t count;
    ssize_t n;

    do {
        n = read(inbox->event, &count, sizeof(count));
    } while (n == -1 && errno == EINTR);
}

void oc_inbox_post(oc_inbox_t *inbox, oc_note_t *note, unsigned flags)
{
    oc_note_t *head;

    if (atomic_fetch_or(&note->flags, flags) != 0) {
        return; /* in the list already, or about to be put in by another thread */
    }
    head = atomic_load_explicit(&inbox->head, memory_order_relaxed);
    do {
        note->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&inbox->head, &head, note, memory_order_release,
                                                    memory_order_relaxed));
    if (!head) { /* whoever made it non-empty rings: the taker takes all there is then */
        oc_inbox_ring(inbox);
    }
}

oc_note_t *oc_inbox_take(oc_inbox_t *inbox)
{
    oc_note_t *note = atomic_exchange_explicit(&inbox->head, NULL, memory_order_acquire);
    oc_note_t *oldest_first = NULL;

    while (note) {
        oc_note_t *next = note->next;

        note->next = oldest_first;
        oldest_first = note;
        note = next;
    }
    return oldest_first;
}

unsigned oc_inbox_flags(oc_note_t *note)
{
    return atomic_exchange(&note->flags, 0);
}
