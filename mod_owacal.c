/* mod_owacal.c - the module record and its hooks; everything else is in lib/. */
#include <httpd.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_protocol.h>
#include <http_request.h>
#include <ap_mpm.h>
#include <mpm_common.h>

#include "httpd/again.h"
#include "httpd/child.h"
#include "httpd/config.h"
#include "httpd/filter.h"
#include "httpd/handler.h"
#include "httpd/person.h"
#include "httpd/relay.h"
#include "httpd/ssi.h"

static void register_hooks(apr_pool_t *pool)
{
    static const char *const include[] = {"mod_include.c", NULL};

    (void)pool;
    oc_again_register();
    oc_filter_register();
    oc_ssi_register();
    ap_hook_insert_filter(oc_ssi_insert_filter, NULL, NULL, APR_HOOK_LAST);
    ap_hook_check_config(oc_config_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(oc_child_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(oc_ssi_post_config, include, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(oc_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(oc_child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(oc_relay_post_read_request, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_check_authn(oc_relay_check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_pre_close_connection(oc_relay_pre_close, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_fixups(oc_person_fixups, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(oc_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(oc_status_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA owacal_module = {
    STANDARD20_MODULE_STUFF,
    oc_config_create_dir,
    oc_config_merge_dir,
    oc_config_create_server,
    oc_config_merge_server,
    oc_config_commands,
    register_hooks,
    AP_MODULE_FLAG_NONE
};
