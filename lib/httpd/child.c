/* child.c - the life of one child process's threads, and admission. */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <ap_mpm.h>
#include <apr_hash.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "httpd/child.h"
#include "httpd/identify.h"
#include "httpd/logsink.h"

APLOG_USE_MODULE(owacal);

#define MEMO_ENTRIES 4096
#define SESSIONS_MAX 4096
#define STOP_PATIENCE \
    apr_time_from_sec(2) /* on prefork the stop may run inside a signal's handler */
#define RETRY_AFTER 2    /* seconds */

/* malloc'ed, so that memory does not grow with the number of users ever seen. */
typedef struct waiting_user_t {
    int count;
    char name[];
} waiting_user_t;

struct oc_child_t {
    oc_net_t *net;
    oc_signer_t *signer;
    oc_memo_t *memo;
    pthread_mutex_t mutex; /* guards what follows */
    apr_hash_t *users;     /* name -> waiting_user_t */
    int waiting, limit, per_user, stopping;
};

/* One process, one child; a child never outlives the load of the module it was forked with. */
static oc_child_t *the_child;
static oc_shared_t the_shared;

oc_child_t *oc_child(void)
{
    return the_child;
}

oc_shared_t *oc_child_shared(void)
{
    return &the_shared;
}

oc_net_t *oc_child_net(oc_child_t *child)
{
    return child->net;
}

oc_signer_t *oc_child_signer(oc_child_t *child)
{
    return child->signer;
}

oc_memo_t *oc_child_memo(oc_child_t *child)
{
    return child->memo;
}

int oc_child_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    oc_logsink_install(s);
    /* httpd reads its configuration twice at start; shared memory belongs to the second time. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    if (oc_net_global_init() != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, OC_LOGID(0520) "libcurl cannot be initialised");
        return !OK;
    }
    if (oc_identify_load(pconf, s) != OK) {
        return !OK;
    }
    return oc_shared_open(s, oc_config_server(s), &the_shared);
}

/* Runs when the worker threads have been joined; connections may outlive it, but no request of ours
 * is waiting any more. */
static apr_status_t stop(void *data)
{
    oc_child_t *child = data;

    oc_child_stopping(NULL, 0);
    if (child->net && oc_net_stop(child->net, STOP_PATIENCE) != APR_SUCCESS) {
        oc_log(OC_LOG_WARNING, 0, NULL, OC_LOGID(0521) "the I/O thread did not end in time");
    }
    if (child->signer) {
        oc_signer_stop(child->signer, STOP_PATIENCE);
    }
    the_child = NULL;
    return APR_SUCCESS;
}

static void net_conf(oc_net_conf_t *net, const oc_server_conf_t *conf)
{
    oc_net_conf_defaults(net);
    net->connect_timeout = conf->connect;
    net->step_timeout = conf->step;
    net->max_jobs = conf->queue;
    net->max_inflight = conf->inflight;
    net->max_per_identity = conf->per_identity;
    net->max_pins = conf->relayed;
    net->max_reply = (apr_size_t)conf->max_response;
}

void oc_child_init(apr_pool_t *pchild, server_rec *s)
{
    const oc_server_conf_t *conf = oc_config_server(s);
    oc_child_t *child = apr_pcalloc(pchild, sizeof(*child));
    oc_net_conf_t net;
    oc_signer_conf_t signer = {0};
    oc_result_t res;
    int threads = 1;

    oc_result_init(&res, pchild);
    net_conf(&net, conf);
    signer.gss_threads = conf->gss_threads;
    signer.max_sessions = SESSIONS_MAX;
    signer.refusals = the_shared.refusals;
    signer.secret = the_shared.secret;
    signer.refused_for = apr_time_from_sec(300);
    child->memo = oc_memo_create(pchild, MEMO_ENTRIES);
    child->users = apr_hash_make(pchild);
    pthread_mutex_init(&child->mutex, NULL);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    child->limit = conf->waiting ? conf->waiting : threads > 10 ? threads * 9 / 10 : threads;
    child->limit = child->limit > 0 ? child->limit : 1;
    child->per_user = conf->per_user;
    child->net = oc_net_create(pchild, &net, &res);
    child->signer = child->net ? oc_signer_create(pchild, &signer, &res) : NULL;
    if (!child->net || !child->signer) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, res.status, s,
                     OC_LOGID(0522) "this child cannot serve "
                                    "bookings: %s",
                     res.detail ? res.detail : "threads could not be started");
        if (child->net) {
            oc_net_stop(child->net, STOP_PATIENCE);
        }
        return;
    }
    the_child = child;
    /* Before the sub-pools go, in which requests may still have cleanups of ours. */
    apr_pool_pre_cleanup_register(pchild, child, stop);
}

void oc_child_stopping(apr_pool_t *pchild, int graceful)
{
    oc_child_t *child = the_child;

    (void)pchild;
    if (!child || graceful) {
        return; /* a graceful stop waits for its requests, each of which has a deadline */
    }
    pthread_mutex_lock(&child->mutex);
    child->stopping = 1;
    pthread_mutex_unlock(&child->mutex);
    oc_net_cancel_all(child->net);
}

apr_status_t oc_child_enter(oc_child_t *child, const char *user, oc_result_t *res)
{
    apr_status_t rv = APR_SUCCESS;
    waiting_user_t *u;

    pthread_mutex_lock(&child->mutex);
    u = apr_hash_get(child->users, user, APR_HASH_KEY_STRING);
    if (child->stopping) {
        rv = oc_result_fail(res, OC_REASON_STOPPING, "the child is being stopped");
    } else if (child->waiting >= child->limit) {
        rv = oc_result_fail(res, OC_REASON_BUSY, "%d requests wait already (OwaCalLimit waiting=)",
                            child->waiting);
    } else if (u && u->count >= child->per_user) {
        rv = oc_result_fail(res, OC_REASON_TOO_MANY_REQUESTS,
                            "%d requests of this user wait already "
                            "(OwaCalLimit per-user=)",
                            u->count);
    } else {
        if (!u && (u = calloc(1, sizeof(*u) + strlen(user) + 1)) != NULL) {
            strcpy(u->name, user);
            apr_hash_set(child->users, u->name, APR_HASH_KEY_STRING, u);
        }
        if (u) {
            ++u->count;
            ++child->waiting;
        } else {
            rv = oc_result_fail(res, OC_REASON_INTERNAL, "out of memory");
        }
    }
    pthread_mutex_unlock(&child->mutex);
    if (rv != APR_SUCCESS) {
        res->retry_after = RETRY_AFTER;
    }
    return rv;
}

void oc_child_leave(oc_child_t *child, const char *user)
{
    waiting_user_t *u;

    pthread_mutex_lock(&child->mutex);
    --child->waiting;
    u = apr_hash_get(child->users, user, APR_HASH_KEY_STRING);
    if (u && --u->count == 0) {
        apr_hash_set(child->users, u->name, APR_HASH_KEY_STRING, NULL);
        free(u);
    }
    pthread_mutex_unlock(&child->mutex);
}

int oc_child_waiting(oc_child_t *child, int *limit)
{
    int n;

    pthread_mutex_lock(&child->mutex);
    n = child->waiting;
    *limit = child->limit;
    pthread_mutex_unlock(&child->mutex);
    return n;
}
