/* heap.h - what is due next: a binary heap of points in time.
 *
 * Items are embedded in what they belong to; an item knows its place, so that moving or removing it
 * costs O(log n). No locks: one thread (net's loop) owns a heap. All times by oc_clock_mono().
 */
#ifndef OC_NET_HEAP_H
#define OC_NET_HEAP_H

#include "base/clock.h"

/* Zero-initialise. `at` 0 = not in the heap. Item and owner must outlive their stay. */
typedef struct oc_heap_item_t {
    oc_mono_t at;
    apr_size_t place; /* the heap's own */
    int kind;         /* the owner's own: what to do when it is due */
} oc_heap_item_t;

typedef struct oc_heap_t {
    oc_heap_item_t **items; /* items[0] is due first */
    apr_size_t count, room;
} oc_heap_t;

/* Put the item in, move it, or (at 0) take it out. APR_ENOMEM: nothing was changed. Moving and
 * taking out never fail. */
apr_status_t oc_heap_set(oc_heap_t *heap, oc_heap_item_t *item, oc_mono_t at);
/* The item due first, left in the heap; NULL = empty. */
oc_heap_item_t *oc_heap_first(const oc_heap_t *heap);
void oc_heap_destroy(oc_heap_t *heap);

#endif
