/* list.c - operations that only look: each is one verb of the backend under the operation's
 * deadline. On failure call->result is the verb's. */
#include "op/machine.h"

typedef struct look_t {
    union {
        const oc_freebusy_query_t *freebusy;
        const oc_list_query_t *list;
        oc_itemref_t item;
    } what;
    union {
        apr_array_header_t **rows;
        oc_list_t **list;
        oc_booking_t **booking;
        apr_table_t **facts;
    } out;
} look_t;

static void done(oc_op_t *op)
{
    oc_op_finish(op, "answered");
}

static void freebusy_start(oc_op_t *op)
{
    look_t *look = op->self;
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb,
              op->be->vt->freebusy(op->be, &verb->call, look->what.freebusy, look->out.rows));
}

static void list_start(oc_op_t *op)
{
    look_t *look = op->self;
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->list(op->be, &verb->call, look->what.list, look->out.list));
}

static void read_start(oc_op_t *op)
{
    look_t *look = op->self;
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->read(op->be, &verb->call, look->what.item, look->out.booking));
}

static void probe_start(oc_op_t *op)
{
    look_t *look = op->self;
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->probe(op->be, &verb->call, look->out.facts));
}

static void look_start(oc_op_t *op)
{
    look_t *look = op->self;
    oc_op_verb_t *verb = oc_op_verb(op);

    oc_op_run(op, verb, op->be->vt->look(op->be, &verb->call, look->out.facts));
}

static const oc_op_row_t freebusy_rows[] = {{"ask", freebusy_start, done, NULL, 0}};
static const oc_op_row_t list_rows[] = {{"ask", list_start, done, NULL, 0}};
static const oc_op_row_t read_rows[] = {{"ask", read_start, done, NULL, 0}};
static const oc_op_row_t probe_rows[] = {{"ask", probe_start, done, NULL, 0}};
static const oc_op_row_t look_rows[] = {{"ask", look_start, done, NULL, 0}};
static const oc_op_machine_t freebusy_machine = {"freebusy", freebusy_rows, NULL, NULL};
static const oc_op_machine_t list_machine = {"list", list_rows, NULL, NULL};
static const oc_op_machine_t read_machine = {"read", read_rows, NULL, NULL};
static const oc_op_machine_t probe_machine = {"probe", probe_rows, NULL, NULL};
static const oc_op_machine_t look_machine = {"look", look_rows, NULL, NULL};

oc_job_t *oc_op_freebusy(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                         const oc_freebusy_query_t *query, apr_array_header_t **rows)
{
    look_t *look = apr_pcalloc(call->pool, sizeof(*look));

    look->what.freebusy = query;
    look->out.rows = rows;
    *rows = NULL;
    return &oc_op_create(call, be, conf, &freebusy_machine, look)->job;
}

oc_job_t *oc_op_list(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                     const oc_list_query_t *query, oc_list_t **out)
{
    look_t *look = apr_pcalloc(call->pool, sizeof(*look));

    look->what.list = query;
    look->out.list = out;
    *out = NULL;
    return &oc_op_create(call, be, conf, &list_machine, look)->job;
}

oc_job_t *oc_op_read(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                     oc_itemref_t item, oc_booking_t **out)
{
    look_t *look = apr_pcalloc(call->pool, sizeof(*look));

    look->what.item = item;
    look->out.booking = out;
    *out = NULL;
    return &oc_op_create(call, be, conf, &read_machine, look)->job;
}

oc_job_t *oc_op_probe(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                      apr_table_t **facts)
{
    look_t *look = apr_pcalloc(call->pool, sizeof(*look));

    look->out.facts = facts;
    *facts = NULL;
    return &oc_op_create(call, be, conf, &probe_machine, look)->job;
}

oc_job_t *oc_op_look(oc_call_t *call, const oc_backend_t *be, const oc_op_conf_t *conf,
                     apr_table_t **facts)
{
    look_t *look = apr_pcalloc(call->pool, sizeof(*look));

    look->out.facts = facts;
    *facts = NULL;
    return &oc_op_create(call, be, conf, &look_machine, look)->job;
}
