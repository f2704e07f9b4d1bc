/* people.c - look people up: several names side by side, each by one verb of the backend. */
#include <string.h>
#include <apr_strings.h>

#include "op/machine.h"

typedef struct people_op_t {
    const oc_people_query_t *queries;
    oc_people_t **found;
    int count;
} people_op_t;

static void ask(oc_op_t *op)
{
    people_op_t *p = op->self;
    int i;

    for (i = 0; i < p->count; ++i) {
        oc_op_verb_t *verb = oc_op_verb(op);
        oc_op_run(op, verb,
                  op->be->vt->people(op->be, &verb->call, &p->queries[i], &p->found[i]));
    }
}

/* The configuration knows which of them are rooms; a server of that age does not. */
static void name_rooms(oc_op_t *op, oc_people_t *found)
{
    int i;

    for (i = 0; op->conf.rooms && i < found->entries->nelts; ++i) {
        oc_entry_t *e = APR_ARRAY_IDX(found->entries, i, oc_entry_t *);
        if (e->address && oc_room_by_address(op->conf.rooms, e->address)) {
            e->kind = OC_PEOPLE_ROOM;
        }
    }
}

static void done(oc_op_t *op)
{
    people_op_t *p = op->self;
    int i;

    for (i = 0; i < p->count; ++i) {
        name_rooms(op, p->found[i]);
    }
    oc_op_finish(op, "answered");
}

static const oc_op_row_t rows[] = {{"ask", ask, done, NULL, 0}};
static const oc_op_machine_t machine = {"people", rows, NULL, NULL};

oc_job_t *oc_op_people(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                       const oc_people_query_t *queries, int count, oc_people_t **found)
{
    people_op_t *p = apr_pcalloc(call->pool, sizeof(*p));

    if (count < 1 || count > OC_OP_MAX_NAMES) {
        oc_result_fail(&call->result, OC_REASON_INVALID_INPUT, "people: 1 to %d names at a time",
                       OC_OP_MAX_NAMES);
        return NULL;
    }
    p->queries = queries;
    p->count = count;
    p->found = found;
    memset(found, 0, sizeof(*found) * (apr_size_t)count);
    return &oc_op_create(call, be, conf, &machine, p)->job;
}
