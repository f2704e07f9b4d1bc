/* Whatever is done to a heap, the item due first comes first. */
#include <stdlib.h>

#include "tap.h"
#include "net/heap.h"

int main(void)
{
    enum { MANY = 500 };
    static oc_heap_item_t items[MANY];
    oc_heap_t heap = {0};
    unsigned seed = 42;
    int i, wrong = 0, count = 0;
    oc_mono_t before = 0;

    ok(!oc_heap_first(&heap), "an empty heap has no first");
    for (i = 0; i < 50000; ++i) {
        oc_heap_item_t *item = &items[rand_r(&seed) % MANY], *first;
        int out = rand_r(&seed) % 3 == 0;

        oc_heap_set(&heap, item, out ? 0 : 1 + rand_r(&seed) % 1000);
        first = oc_heap_first(&heap);
        for (int k = 0; i % 50 == 0 && k < MANY; ++k) {
            wrong += items[k].at && (!first || items[k].at < first->at);
        }
        wrong += first && heap.items[first->place] != first;
    }
    is_int(wrong, 0, "after each of 50,000 changes the first is the earliest");
    for (i = 0; i < MANY; ++i) {
        count += items[i].at != 0;
    }
    is_int((int)heap.count, count, "the heap holds what is in it");
    for (wrong = 0; oc_heap_first(&heap); --count) {
        oc_heap_item_t *first = oc_heap_first(&heap);

        wrong += first->at < before;
        before = first->at;
        oc_heap_set(&heap, first, 0);
    }
    ok(!wrong && count == 0, "taken out one by one, they come in order");
    oc_heap_destroy(&heap);
    return done_testing();
}
