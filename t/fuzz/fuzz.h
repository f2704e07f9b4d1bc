/* fuzz.h - what every target begins with. A target defines LLVMFuzzerTestOneInput, once, and says
 * what must hold with must(): a trap is a finding. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "base/str.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return apr_initialize() != APR_SUCCESS;
}

/* A macro, so that the trap stands at the line that demanded it. */
#define must(condition)           \
    do {                          \
        if (!(condition)) {       \
            __builtin_trap();     \
        }                         \
    } while (0)

#endif
