/* shm.c - shared memory, kept over restarts; the secret. */
#include <httpd.h>
#include <http_log.h>
#include <apr_shm.h>
#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "httpd/shm.h"

APLOG_USE_MODULE(owacal);

#define RETAINED_KEY "mod_owacal-shared-2" /* a new layout takes a new number */
#define REFUSALS     4096
#define SECRET_MIN   32 /* characters of a key in the file */

/* Lives in the process's pool over all restarts, while the module's own statics do not. */
typedef struct retained_t {
    apr_shm_t *shm;
    apr_size_t size;
    int leases, ledger, fresh;
    oc_secret_t secret;
    int secret_is_random;
} retained_t;

static apr_size_t aligned(apr_size_t n)
{
    return (n + 63) & ~(apr_size_t)63;
}

static int read_secret(server_rec *s, const char *path, oc_secret_t *secret)
{
    apr_pool_t *pool = s->process->pconf;
    apr_finfo_t info;
    apr_file_t *file = NULL;
    char line[512];
    int n = 0, rv = !OK;

    if (apr_file_open(&file, path, APR_READ, 0, pool) != APR_SUCCESS ||
        apr_file_info_get(&info, APR_FINFO_PROT | APR_FINFO_TYPE, file) != APR_SUCCESS ||
        info.filetype != APR_REG) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                     OC_LOGID(0510) "OwaCalSecret: %s cannot be read; "
                                    "make it with: (umask 077; openssl rand -hex 32 >%s)",
                     path, path);
        goto leave;
    }
    if (info.protection & (APR_GREAD | APR_GWRITE | APR_WREAD | APR_WWRITE)) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                     OC_LOGID(0511) "OwaCalSecret: %s can be read by "
                                    "others; give it mode 0600",
                     path);
        goto leave;
    }
    memset(secret, 0, sizeof(*secret));
    while (n < 2 && apr_file_gets(line, sizeof(line), file) == APR_SUCCESS) {
        const char *key = oc_str_trim(pool, line);
        apr_size_t len = strlen(key);

        if (len == 0 || key[0] == '#') {
            continue;
        }
        if (len < SECRET_MIN) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                         OC_LOGID(0512) "OwaCalSecret: %s: a key of at "
                                        "least %d characters is wanted on each line",
                         path, SECRET_MIN);
            goto leave;
        }
        secret->len[n] = len < sizeof(secret->key[n]) ? len : sizeof(secret->key[n]);
        memcpy(secret->key[n], key, secret->len[n]);
        oc_str_wipe((char *)key, len);
        ++n;
    }
    if (n == 0) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, OC_LOGID(0513) "OwaCalSecret: %s holds no key",
                     path);
        goto leave;
    }
    rv = OK;

leave:
    oc_str_wipe(line, sizeof(line));
    if (file) {
        apr_file_close(file);
    }
    return rv;
}

static int open_secret(server_rec *s, const oc_server_conf_t *conf, retained_t *kept)
{
    if (conf->secret_file) {
        kept->secret_is_random = 0;
        return read_secret(s, conf->secret_file, &kept->secret);
    }
    if (!kept->secret_is_random) {
        if (oc_crypto_random(kept->secret.key[0], sizeof(kept->secret.key[0])) != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                         OC_LOGID(0514) "no random numbers to be had");
            return !OK;
        }
        kept->secret.len[0] = sizeof(kept->secret.key[0]);
        kept->secret.len[1] = 0;
        kept->secret_is_random = 1;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     OC_LOGID(0515) "no OwaCalSecret: a random key is "
                                    "used; forms and booking addresses do not outlive a full "
                                    "restart and do not work on "
                                    "other front ends");
    }
    return OK;
}

int oc_shared_open(server_rec *s, const oc_server_conf_t *conf, oc_shared_t *shared)
{
    retained_t *kept = ap_retained_data_get(RETAINED_KEY);
    apr_size_t lease_size = aligned(oc_lease_size(conf->leases, conf->ledger));
    apr_size_t refusal_size = aligned(oc_refusals_size(REFUSALS));
    apr_size_t counter_size = aligned(sizeof(oc_counters_t));
    apr_size_t small = lease_size + refusal_size + counter_size;
    apr_size_t size = small + aligned(oc_fresh_size(conf->fresh));
    char *base;
    int fresh = 0;

    if (!kept) {
        kept = ap_retained_data_create(RETAINED_KEY, sizeof(*kept));
    }
    if (open_secret(s, conf, kept) != OK) {
        return !OK;
    }
    if (!kept->shm || kept->size != size || kept->leases != conf->leases ||
        kept->ledger != conf->ledger || kept->fresh != conf->fresh) {
        /* The old block, if any, stays mapped until the last child that uses it has gone. */
        apr_status_t rv = apr_shm_create(&kept->shm, size, NULL, s->process->pool);
        if (rv != APR_SUCCESS) {
            kept->shm = NULL;
            ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s,
                         OC_LOGID(0516) "no shared memory of %" APR_SIZE_T_FMT
                                        " bytes; lower OwaCalLimit leases=, ledger= and fresh=",
                         size);
            return !OK;
        }
        kept->size = size;
        kept->leases = conf->leases;
        kept->ledger = conf->ledger;
        kept->fresh = conf->fresh;
        fresh = 1;
    }
    base = apr_shm_baseaddr_get(kept->shm);
    if (fresh) {
        /* The last and largest part is left as the system gives it, all zeros: it takes memory as
         * rows come. */
        memset(base, 0, small);
        if (!oc_lease_init(base, conf->leases, conf->ledger) ||
            !oc_refusals_init(base + lease_size, REFUSALS) ||
            !oc_fresh_init(base + small, conf->fresh)) {
            kept->shm = NULL;
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                         OC_LOGID(0517) "this system has no robust "
                                        "mutexes in shared memory");
            return !OK;
        }
    }
    shared->leases = (oc_lease_t *)base;
    shared->refusals = (oc_refusals_t *)(base + lease_size);
    shared->counters = (oc_counters_t *)(base + lease_size + refusal_size);
    shared->fresh = (oc_fresh_t *)(base + small);
    shared->secret = &kept->secret;
    return OK;
}

void oc_shared_count(oc_shared_t *shared, oc_verb_t verb, oc_reason_t reason, apr_time_t took)
{
    __atomic_add_fetch(&shared->counters->outcomes[verb][reason], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&shared->counters->microseconds[verb], (apr_uint64_t)took, __ATOMIC_RELAXED);
}

void oc_shared_count_rows(oc_shared_t *shared, int kept, int asked)
{
    __atomic_add_fetch(&shared->counters->rows_kept, (apr_uint64_t)kept, __ATOMIC_RELAXED);
    __atomic_add_fetch(&shared->counters->rows_asked, (apr_uint64_t)asked, __ATOMIC_RELAXED);
}

const char *oc_verb_token(oc_verb_t verb)
{
    static const char *const names[] = {"book", "change",   "cancel", "read",
                                        "list", "freebusy", "check",  "people"};

    return names[verb];
}
