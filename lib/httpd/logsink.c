/* logsink.c - base/log.h's sink: httpd's error log. */
#include <httpd.h>
#include <http_log.h>

#include "base/log.h"
#include "httpd/logsink.h"

APLOG_USE_MODULE(owacal);

static int apache_level(int level)
{
    return level >= OC_LOG_TRACE ? APLOG_TRACE1
                                 : level; /* the others are syslog's numbers, as httpd's */
}

static int wants(void *baton, int level)
{
    const server_rec *s = baton;

    return ap_get_server_module_loglevel(s, owacal_module.module_index) >= apache_level(level);
}

static void sink(void *baton, const char *file, int line, int level, apr_status_t status,
                 const char *text)
{
    const server_rec *s = baton;

    ap_log_error_(file, line, owacal_module.module_index, apache_level(level), status, s, "%s",
                  text);
}

void oc_logsink_install(server_rec *s)
{
    oc_log_install(sink, wants, s);
}
