/* heap.c - a binary heap with items that know their place. */
#include <stdlib.h>

#include "net/heap.h"

static void put(oc_heap_t *heap, apr_size_t place, oc_heap_item_t *item)
{
    heap->items[place] = item;
    item->place = place;
}

/* Bring the item at `place` to where it belongs, whichever way its time was changed. */
static void settle(oc_heap_t *heap, apr_size_t place)
{
    oc_heap_item_t *item = heap->items[place];

    while (place > 0 && heap->items[(place - 1) / 2]->at > item->at) {
        put(heap, place, heap->items[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        apr_size_t child = 2 * place + 1;

        if (child + 1 < heap->count && heap->items[child + 1]->at < heap->items[child]->at) {
            ++child;
        }
        if (child >= heap->count || heap->items[child]->at >= item->at) {
            break;
        }
        put(heap, place, heap->items[child]);
        place = child;
    }
    put(heap, place, item);
}

static void take_out(oc_heap_t *heap, oc_heap_item_t *item)
{
    apr_size_t place = item->place;
    oc_heap_item_t *last = heap->items[--heap->count];

    if (last != item) {
        put(heap, place, last);
        settle(heap, place);
    }
    item->at = 0;
}

apr_status_t oc_heap_set(oc_heap_t *heap, oc_heap_item_t *item, oc_mono_t at)
{
    if (item->at == at) {
        return APR_SUCCESS;
    }
    if (at == 0) {
        take_out(heap, item);
        return APR_SUCCESS;
    }
    if (item->at == 0) {
        if (heap->count == heap->room) {
            apr_size_t room = heap->room ? 2 * heap->room : 64;
            oc_heap_item_t **items = realloc(heap->items, room * sizeof(*items));

            if (!items) {
                return APR_ENOMEM;
            }
            heap->items = items;
            heap->room = room;
        }
        put(heap, heap->count++, item);
    }
    item->at = at;
    settle(heap, item->place);
    return APR_SUCCESS;
}

oc_heap_item_t *oc_heap_first(const oc_heap_t *heap)
{
    return heap->count ? heap->items[0] : NULL;
}

void oc_heap_destroy(oc_heap_t *heap)
{
    free(heap->items);
    heap->items = NULL;
    heap->count = heap->room = 0;
}
