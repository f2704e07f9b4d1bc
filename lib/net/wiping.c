/* wiping.c - see wiping.h. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "net/wiping.h"

void oc_wiping_free(void *memory)
{
    if (memory) {
        oc_str_wipe(memory, malloc_usable_size(memory));
        free(memory);
    }
}

/* Never by realloc(), which leaves the old content behind when it moves. */
void *oc_wiping_realloc(void *memory, size_t size)
{
    size_t room = memory ? malloc_usable_size(memory) : 0;
    void *grown;

    if (memory && size > 0 && size <= room && size >= room / 2) {
        return memory;
    }
    grown = malloc(size ? size : 1);
    if (grown && memory) {
        memcpy(grown, memory, room < size ? room : size);
        oc_wiping_free(memory);
    }
    return grown;
}
