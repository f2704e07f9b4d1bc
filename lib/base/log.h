/* log.h - logging without httpd: the adapter installs the sink, units install their own.
 *
 * Any thread. Messages bear an id of their own, "OWACAL0042: ...", given by OC_LOGID(0042) at the
 * call; ids are unique in the source (a drift test checks), kept when a message is reworded, never
 * used again. From debug level up only.
 */
#ifndef OC_BASE_LOG_H
#define OC_BASE_LOG_H

#include <apr.h>
#include <apr_errno.h>
#include <stdarg.h>

/* The numbers are syslog's, as httpd's APLOG_ levels are. */
typedef enum oc_loglevel_t {
    OC_LOG_CRIT = 2,
    OC_LOG_ERR = 3,
    OC_LOG_WARNING = 4,
    OC_LOG_NOTICE = 5,
    OC_LOG_INFO = 6,
    OC_LOG_DEBUG = 7,
    OC_LOG_TRACE = 8
} oc_loglevel_t;

#define OC_LOGID(n) "OWACAL" #n ": "

/* The sink gets one finished line without line end, control characters already replaced. */
typedef void oc_log_sink_t(void *baton, const char *file, int line, int level, apr_status_t status,
                           const char *text);
typedef int oc_log_wants_t(void *baton, int level);

/* Install before threads start. NULL sink: nothing is logged. */
void oc_log_install(oc_log_sink_t *sink, oc_log_wants_t *wants, void *baton);
int oc_log_wanted(int level);

/* op_id may be NULL: then the line has no "[op 7f3a...]" prefix. */
void oc_log_write(const char *file, int line, int level, apr_status_t status, const char *op_id,
                  const char *format, ...) __attribute__((format(printf, 6, 7)));

/* oc_log(OC_LOG_WARNING, rv, call->id, OC_LOGID(0042) "text %s", ...) */
#define oc_log(level, status, op_id, ...)                                              \
    do {                                                                               \
        if (oc_log_wanted(level)) {                                                    \
            oc_log_write(__FILE__, __LINE__, (level), (status), (op_id), __VA_ARGS__); \
        }                                                                              \
    } while (0)

#endif
