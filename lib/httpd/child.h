/* child.h - what one child process runs: the I/O thread, the signer with its GSS threads, the memo;
 * and the bounds on how many requests may wait in it.
 *
 * Started in child_init (after fork), stopped by a pre-cleanup of the child's pool, when all worker
 * threads have been joined. There is one per process.
 */
#ifndef OC_HTTPD_CHILD_H
#define OC_HTTPD_CHILD_H

#include "httpd/shm.h"
#include "net/net.h"

typedef struct oc_child_t oc_child_t;

/* post_config: opens the shared memory. child_init: starts the threads; a child that cannot start
 * them serves errors (INTERNAL) and says so in the log. child_stopping: cancels what waits. */
int oc_child_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
void oc_child_init(apr_pool_t *pchild, server_rec *s);
void oc_child_stopping(apr_pool_t *pchild, int graceful);

/* NULL before child_init and when it failed. */
oc_child_t *oc_child(void);
oc_shared_t *oc_child_shared(void);
oc_net_t *oc_child_net(oc_child_t *child);
oc_signer_t *oc_child_signer(oc_child_t *child);
oc_memo_t *oc_child_memo(oc_child_t *child);

/* A place among the waiting requests of this child and of this user; give it back with leave().
 * Fails with BUSY, TOO_MANY_REQUESTS or STOPPING (and a retry_after). Never waits. */
apr_status_t oc_child_enter(oc_child_t *child, const char *user, oc_result_t *res);
void oc_child_leave(oc_child_t *child, const char *user);
int oc_child_waiting(oc_child_t *child, int *limit);

#endif
