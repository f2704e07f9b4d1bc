/* entry.h - a helper of the entry side: a buffer whose struct lives as long as the pool that frees
 * its memory, so that nobody puts one on the stack. */
#ifndef SIM_ENTRY_H
#define SIM_ENTRY_H

#include "sim.h"

static inline sim_buf_t *sim_buf_make(apr_pool_t *p)
{
    sim_buf_t *b = apr_palloc(p, sizeof(*b));

    sim_buf_init(p, b);
    sim_buf_add(b, "", 0);
    return b;
}

#endif
