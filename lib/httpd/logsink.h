/* logsink.h - the log functions that base/log.h is given inside httpd. */
#ifndef OC_HTTPD_LOGSINK_H
#define OC_HTTPD_LOGSINK_H

#include <httpd.h>

/* Lines go to the server's error log under this module's LogLevel. Any thread: uses the server_rec
 * only, never a request. */
void oc_logsink_install(server_rec *s);

#endif
