/* What the simulator does where a part of its entry side is not linked in: no authentication, no
 * faults, six mailboxes, no MIME. Weak: the real function of the same name wins. */
#include "sim.h"

#define SIM_WEAK __attribute__((weak))

SIM_WEAK int sim_auth_check(sim_req_t *q)
{
    q->user = NULL;
    q->user_name = "";
    return OK;
}

SIM_WEAK void sim_auth_challenge(sim_req_t *q)
{
    (void)q;
}

SIM_WEAK int sim_fault_request(sim_req_t *q)
{
    (void)q;
    return OK;
}

SIM_WEAK int sim_fault_reply(sim_req_t *q)
{
    (void)q;
    return OK;
}

SIM_WEAK const char *sim_fault_add(apr_pool_t *p, const char *spec)
{
    (void)p;
    (void)spec;
    return "this build has no faults";
}

SIM_WEAK int sim_fault_inspect(sim_req_t *q)
{
    return sim_answer(q, HTTP_NOT_FOUND);
}

SIM_WEAK void sim_entry_reset(void)
{
}

SIM_WEAK void sim_entry_register(apr_pool_t *p)
{
    (void)p;
}

SIM_WEAK void sim_entry_child_init(apr_pool_t *p, sim_conf_t *conf)
{
    (void)p;
    (void)conf;
}

SIM_WEAK apr_status_t sim_users_load(sim_store_t *store, const char *file, const char **error)
{
    if (file) {
        *error = "this build reads no users file";
        return APR_ENOTIMPL;
    }
    if (!sim_store_add(store, "alice", "pw-alice", "alice@example.test", SIM_PERSON,
                       SIM_POLICY_SILENT, SIM_EN, error)
        || !sim_store_add(store, "bob", "pw-bob", "bob@example.test", SIM_PERSON,
                          SIM_POLICY_SILENT, SIM_EN, error)
        || !sim_store_add(store, "carol", "pw-carol", "carol@example.test", SIM_PERSON,
                          SIM_POLICY_SILENT, SIM_EN, error)
        || !sim_store_add(store, "boardroom", "pw-boardroom", "boardroom@example.test", SIM_ROOM,
                          SIM_POLICY_ACCEPT, SIM_EN, error)
        || !sim_store_add(store, "room1", "pw-room1", "room1@example.test", SIM_ROOM,
                          SIM_POLICY_ACCEPT, SIM_EN, error)
        || !sim_store_add(store, "zoltan", "pw-zoltan", "zoltan@example.test", SIM_PERSON,
                          SIM_POLICY_SILENT, SIM_HU, error)) {
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

SIM_WEAK int sim_mime_put(sim_req_t *q, sim_item_t *item, const char *data, apr_size_t len)
{
    (void)q;
    (void)item;
    (void)data;
    (void)len;
    return HTTP_NOT_ACCEPTABLE;
}

SIM_WEAK const char *sim_mime_stream(sim_req_t *q, const sim_item_t *item, apr_size_t *len)
{
    (void)q;
    *len = item->stream_len;
    return item->stream;
}
