/* Linked around oc_net_conf_defaults() into a copy of the module for one test: one connection cache
 * for everybody. Neither this nor any way to it is in the module that is shipped. */
#include "net/net.h"

void __real_oc_net_conf_defaults(oc_net_conf_t *conf);
void __wrap_oc_net_conf_defaults(oc_net_conf_t *conf);

void __wrap_oc_net_conf_defaults(oc_net_conf_t *conf)
{
    __real_oc_net_conf_defaults(conf);
    conf->share_caches_for_test = 1;
}
