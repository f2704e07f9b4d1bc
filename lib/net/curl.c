/* curl.c - exchanges by libcurl's multi interface. The only file that names libcurl.
 *
 * Written against 7.88.1. Four of its habits are dealt with here, each by a callback:
 *  - a request on a reused connection that dies unanswered is repeated silently, with or without a
 *    body (Curl_retry_request): before_sending() lets nothing out twice that writes, or whose
 *    credential serves once;
 *  - connections are reused without regard to whom they were authenticated for (Negotiate) or by
 *    comparing credentials we may not have given it: caches are apart, and before_sending() asks
 *    owner.h about the very connection that is going to be used;
 *  - an NTLM handshake begins anew for as long as the server asks for it, and each round presents
 *    the password: legs.h lets there be one;
 *  - a connection that ends inside the header section may count as success: finished() does not
 *    take a reply without the empty line for one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "net/address.h"
#include "net/curl.h"
#include "net/owner.h"
#include "net/pin.h"
#include "net/reply.h"
#include "net/wiping.h"

#define BLOCK_BYTES  16384
#define NAME_BYTES   (2 * INET6_ADDRSTRLEN + 16)
#define DNS_SECONDS  60L
#define LIFE_SECONDS 600L /* of a connection, used or not: nobody's rights live on for ever */

/* An easy handle with everything set that is the same for all of a cache's exchanges. */
typedef struct slot_t {
    CURL *easy;
    oc_curl_cache_t *cache;
    oc_transfer_t *transfer; /* NULL = resting in the cache */
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    struct slot_t *next;
} slot_t;

struct oc_curl_cache_t {
    oc_curl_t *curl;
    const oc_site_t *site;
    oc_connauth_t connauth;
    oc_pin_t *pin; /* NULL = as many connections as it takes */
    CURLSH *share;
    slot_t *resting;
    int resting_count;
    struct curl_slist *connect_to;
};

struct oc_curl_t {
    CURLM *multi;
    int epoll;
    const oc_net_conf_t *conf;
    oc_curl_counts_t *counts;
    oc_owner_t *owners;
    oc_mono_t due;
};

apr_status_t oc_curl_global(void)
{
    /* Counted by libcurl, and thread-safe in this version. Never undone: others in this process
     * use it, too. */
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, oc_wiping_free, oc_wiping_realloc,
                                strdup, calloc) == CURLE_OK ? APR_SUCCESS : APR_EGENERAL;
}

/* ---- sockets and times -------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *baton, void *known)
{
    oc_curl_t *curl = baton;
    struct epoll_event event = {0};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(curl->epoll, EPOLL_CTL_DEL, fd, NULL); /* closed already: ENOENT or EBADF */
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    event.data.fd = fd;
    if (epoll_ctl(curl->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0 &&
        epoll_ctl(curl->epoll, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0) {
        oc_log(OC_LOG_ERR, APR_FROM_OS_ERROR(errno), NULL,
               OC_LOGID(0101) "a socket cannot be watched; its exchange will time out");
    }
    curl_multi_assign(curl->multi, fd, curl);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *baton)
{
    oc_curl_t *curl = baton;

    (void)multi;
    curl->due = ms < 0 ? 0 : oc_clock_mono() + (oc_mono_t)ms * 1000;
    return 0;
}

static curl_socket_t open_socket(void *baton, curlsocktype purpose, struct curl_sockaddr *address)
{
    slot_t *slot = baton;
    oc_transfer_t *t = slot->transfer;
    oc_curl_t *curl = slot->cache->curl;
    int fd;

    if (!t || purpose != CURLSOCKTYPE_IPCXN) {
        return CURL_SOCKET_BAD;
    }
    if (slot->cache->pin && !oc_pin_may_open(slot->cache->pin, t->x->opens)) {
        t->why = OC_PIN_GONE; /* libcurl wants another in its place */
        return CURL_SOCKET_BAD;
    }
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd == -1) {
        return CURL_SOCKET_BAD;
    }
    if (oc_owner_opened(curl->owners, fd, t->key) != APR_SUCCESS) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    t->opened[t->opened_count++ % 8] = fd;
    ++curl->counts->handshakes;
    curl->counts->connections = oc_owner_count(curl->owners);
    return fd;
}

/* The connection may outlive the easy handle it was opened by: the baton is the whole. */
static int close_socket(void *baton, curl_socket_t fd)
{
    oc_curl_t *curl = baton;

    oc_owner_closed(curl->owners, fd);
    curl->counts->connections = oc_owner_count(curl->owners);
    return close(fd);
}

/* The cache outlives its connections. */
static int close_pinned(void *baton, curl_socket_t fd)
{
    oc_curl_cache_t *cache = baton;

    oc_pin_closed(cache->pin, fd);
    return close_socket(cache->curl, fd);
}

/* ---- the last look before anything is sent ------------------------------------------------ */

static int is_own_connection(oc_transfer_t *t, const char *name, const char *ip, int port)
{
    oc_curl_t *curl = t->slot->cache->curl;
    oc_pin_t *pin = t->slot->cache->pin;
    oc_owner_verdict_t verdict = oc_owner_check(curl->owners, name, t->key);
    int i, fd = -1;

    for (i = 0; verdict == OC_OWNER_UNKNOWN && i < t->opened_count && i < 8; ++i) {
        if (oc_address_is(t->opened[i], ip, port) &&
            oc_owner_named(curl->owners, t->opened[i], t->key, name) == APR_SUCCESS) {
            verdict = OC_OWNER_SAME;
            fd = t->opened[i];
        }
    }
    if (verdict == OC_OWNER_SAME) {
        if (pin && !oc_pin_may_send(pin, t->x->opens, fd)) {
            t->verdict = OC_X_NOT_SENT;
            t->why = OC_PIN_GONE;
            return 0;
        }
        return 1;
    }
    ++curl->counts->owner_refused;
    oc_log(
        OC_LOG_CRIT, 0, NULL,
        OC_LOGID(0102) "%s: refused to send on a connection that was opened for %s; this is a bug",
        t->x->purpose ? t->x->purpose : "exchange",
        verdict == OC_OWNER_OTHER ? "somebody else" : "nobody known");
    t->verdict = OC_X_NOT_SENT;
    t->why = "the connection belongs to somebody else";
    return 0;
}

static int before_sending(void *baton, char *remote_ip, char *local_ip, int remote_port,
                          int local_port)
{
    slot_t *slot = baton;
    oc_transfer_t *t = slot->transfer;
    char name[NAME_BYTES];

    snprintf(name, sizeof(name), "%s %d %s %d", local_ip, local_port, remote_ip, remote_port);
    if ((t->x->writes || t->x->once) && t->outstanding) {
        ++slot->cache->curl->counts->resend_refused;
        t->verdict = OC_X_LOST;
        t->why = "the connection died after the request was sent; not sent again";
        return CURL_PREREQFUNC_ABORT;
    }
    if ((t->why = oc_legs_send(&t->legs)) != NULL) {
        t->verdict = t->outstanding ? OC_X_LOST : OC_X_NOT_SENT;
        return CURL_PREREQFUNC_ABORT;
    }
    /* A second sending of what only reads may have reached the server the first time. */
    if (!is_own_connection(t, name, local_ip, local_port)) {
        if (t->outstanding) {
            t->verdict = OC_X_LOST;
        }
        return CURL_PREREQFUNC_ABORT;
    }
    t->outstanding = 1;
    t->x->sent = 1;
    t->x->reused = t->opened_count == 0;
    t->status = t->complete = t->folds = 0;
    t->header_bytes = 0;
    apr_table_clear(t->x->reply_headers);
    t->ops->sending(t);
    return CURL_PREREQFUNC_OK;
}

/* ---- the reply: reply.c reads it --------------------------------------------------------- */

static size_t on_header(char *line, size_t one, size_t len, void *baton)
{
    slot_t *slot = baton;

    (void)one;
    return oc_reply_line(slot->transfer, line, len) ? len : 0;
}

static size_t on_body(char *data, size_t one, size_t len, void *baton)
{
    slot_t *slot = baton;

    (void)one;
    return oc_reply_body(slot->transfer, data, len) ? len : 0;
}

/* ---- handles ------------------------------------------------------------------------------ */

#define SET(option, value)                              \
    do {                                                \
        if (rc == CURLE_OK) {                           \
            rc = curl_easy_setopt(easy, option, value); \
        }                                               \
    } while (0)

static CURLcode configure_tls(CURL *easy, const oc_site_t *site)
{
    CURLcode rc = CURLE_OK;
    long lowest = site->tls_min == 10   ? CURL_SSLVERSION_TLSv1_0
                  : site->tls_min == 11 ? CURL_SSLVERSION_TLSv1_1
                  : site->tls_min == 13 ? CURL_SSLVERSION_TLSv1_3
                                        : CURL_SSLVERSION_TLSv1_2;

    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, lowest);
    if (site->ca) { /* this file and nothing else */
        SET(CURLOPT_CAINFO, site->ca);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (lowest == CURL_SSLVERSION_TLSv1_0 || lowest == CURL_SSLVERSION_TLSv1_1) {
        /* OpenSSL 3 switches these versions off above level 0, whatever the lowest version says:
         * their handshake hashes with SHA-1 and MD5. */
        SET(CURLOPT_SSL_CIPHER_LIST, "DEFAULT:@SECLEVEL=0");
    }
    return rc;
}

static CURLcode configure(slot_t *slot)
{
    CURL *easy = slot->easy;
    CURLcode rc = CURLE_OK;
    oc_curl_cache_t *cache = slot->cache;
    const oc_site_t *site = cache->site;
    const oc_net_conf_t *conf = cache->curl->conf;
    int bare_ipv6 = strchr(site->host, ':') && site->host[0] != '[';
    char *url = NULL;
    long idle = (long)apr_time_sec(conf->cache_idle);

    if (asprintf(&url, "%s://%s%s%s:%d/", site->scheme, bare_ipv6 ? "[" : "", site->host,
                 bare_ipv6 ? "]" : "", site->port) < 0) {
        return CURLE_OUT_OF_MEMORY;
    }
    SET(CURLOPT_URL, url);
    free(url);
    SET(CURLOPT_PROTOCOLS_STR, site->scheme);
    SET(CURLOPT_REDIR_PROTOCOLS_STR, site->scheme);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_CONNECT_TO, cache->connect_to);
    SET(CURLOPT_SHARE, cache->share);
    /* Nothing comes from the environment. */
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* never join a thread that asks a silent name server */
    SET(CURLOPT_DNS_CACHE_TIMEOUT, DNS_SECONDS);
    /* Lets it try a host's second address in time; the deadline itself is net.c's. */
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)apr_time_as_msec(conf->connect_timeout));
    /* How long a pinned connection lives is decided by its pin alone. */
    SET(CURLOPT_MAXAGE_CONN, cache->pin ? 86400L : idle > 0 ? idle : 1L);
    SET(CURLOPT_MAXLIFETIME_CONN, cache->pin ? 0L : LIFE_SECONDS);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, 30L);
    SET(CURLOPT_TCP_KEEPINTVL, 10L);
    SET(CURLOPT_BUFFERSIZE, (long)BLOCK_BYTES);
    SET(CURLOPT_UNRESTRICTED_AUTH, 0L);
    if (cache->connauth == OC_CONNAUTH_NTLM) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_NTLM);
    }
    SET(CURLOPT_ERRORBUFFER, slot->error);
    SET(CURLOPT_PRIVATE, slot);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, slot);
    SET(CURLOPT_CLOSESOCKETFUNCTION, cache->pin ? close_pinned : close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, cache->pin ? (void *)cache : cache->curl);
    SET(CURLOPT_PREREQFUNCTION, before_sending);
    SET(CURLOPT_PREREQDATA, slot);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, slot);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, slot);
    if (rc == CURLE_OK && strcmp(site->scheme, "https") == 0) {
        rc = configure_tls(easy, site);
    }
    return rc;
}

static void free_slot(slot_t *slot)
{
    curl_easy_cleanup(slot->easy);
    free(slot);
}

static slot_t *get_slot(oc_curl_cache_t *cache)
{
    slot_t *slot = cache->resting;

    if (slot) {
        cache->resting = slot->next;
        --cache->resting_count;
        return slot;
    }
    slot = calloc(1, sizeof(*slot));
    if (!slot) {
        return NULL;
    }
    slot->cache = cache;
    slot->easy = curl_easy_init();
    if (!slot->easy || configure(slot) != CURLE_OK) {
        free_slot(slot);
        return NULL;
    }
    return slot;
}

static void wipe_list(struct curl_slist *list)
{
    struct curl_slist *item;

    for (item = list; item; item = item->next) {
        oc_str_wipe(item->data, strlen(item->data));
    }
    curl_slist_free_all(list);
}

/* Take the request out of the handle and let it rest. */
static void put_slot(slot_t *slot)
{
    oc_curl_cache_t *cache = slot->cache;
    CURL *easy = slot->easy;
    CURLcode rc = CURLE_OK;

    slot->transfer = NULL;
    SET(CURLOPT_HTTPHEADER, NULL);
    SET(CURLOPT_POSTFIELDS, NULL);
    SET(CURLOPT_USERNAME, NULL);
    SET(CURLOPT_PASSWORD, NULL);
    wipe_list(slot->headers);
    slot->headers = NULL;
    /* A handle that was told a password keeps it in places that no option clears. */
    if (rc != CURLE_OK || cache->connauth == OC_CONNAUTH_NTLM
        || cache->resting_count >= cache->curl->conf->max_idle) {
        free_slot(slot);
        return;
    }
    slot->next = cache->resting;
    cache->resting = slot;
    ++cache->resting_count;
}

oc_curl_cache_t *oc_curl_cache_open(oc_curl_t *curl, const oc_exchange_t *first)
{
    oc_curl_cache_t *cache = calloc(1, sizeof(*cache));
    const oc_site_t *site = first->site;
    char *to = NULL;

    if (!cache) {
        return NULL;
    }
    cache->curl = curl;
    cache->site = site;
    cache->connauth = first->connauth;
    if (first->pin) {
        oc_pin_hold(first->pin);
        cache->pin = first->pin;
    }
    cache->share = curl_share_init();
    if (!cache->share ||
        curl_share_setopt(cache->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK ||
        curl_share_setopt(cache->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) !=
            CURLSHE_OK) {
        goto fail;
    }
    if (site->connect) { /* for every host and port, which are this site's alone */
        if (asprintf(&to, "::%s", site->connect) < 0) {
            goto fail;
        }
        cache->connect_to = curl_slist_append(NULL, to);
        free(to);
        if (!cache->connect_to) {
            goto fail;
        }
    }
    return cache;

fail:
    oc_curl_cache_close(cache);
    return NULL;
}

void oc_curl_cache_close(oc_curl_cache_t *cache)
{
    CURLSHcode rc;

    while (cache->resting) {
        slot_t *slot = cache->resting;

        cache->resting = slot->next;
        free_slot(slot);
    }
    rc = cache->share ? curl_share_cleanup(cache->share) : CURLSHE_OK;
    if (rc != CURLSHE_OK) {
        oc_log(OC_LOG_CRIT, 0, NULL, OC_LOGID(0103) "a connection cache could not be closed: %s",
               curl_share_strerror(rc));
        return; /* its connections may still call back */
    }
    curl_slist_free_all(cache->connect_to);
    if (cache->pin) {
        oc_pin_drop(cache->pin);
    }
    free(cache);
}

/* ---- the request -------------------------------------------------------------------------- */

static int add_line(slot_t *slot, const char *name, const char *value)
{
    struct curl_slist *longer;
    char *line = NULL;
    /* libcurl sends "Name;" as an empty header and takes "Name:" as the wish to send none. */
    int len = value && *value ? asprintf(&line, "%s: %s", name, value)
                              : asprintf(&line, "%s%s", name, value ? ";" : ":");

    if (len < 0) {
        return 0;
    }
    longer = curl_slist_append(slot->headers, line);
    oc_str_wipe(line, (apr_size_t)len);
    free(line);
    if (longer) {
        slot->headers = longer;
    }
    return longer != NULL;
}

static int add_header(void *baton, const char *name, const char *value)
{
    return add_line(baton, name, value);
}

static CURLcode set_request(slot_t *slot, oc_transfer_t *t)
{
    CURL *easy = slot->easy;
    CURLcode rc = CURLE_OK;
    oc_exchange_t *x = t->x;
    /* A method that is meant to carry a body says so even if there is none: IIS answers 411. */
    int has_body = x->body || strcmp(x->method, "POST") == 0 || strcmp(x->method, "PUT") == 0;

    if (!apr_table_do(add_header, slot, x->headers, NULL) ||
        (x->authorization && !add_line(slot, "Authorization", x->authorization)) ||
        (x->cookie && !add_line(slot, "Cookie", x->cookie)) ||
        (x->op && !add_line(slot, "X-Request-Id", x->op)) || !add_line(slot, "Expect", NULL) ||
        (!apr_table_get(x->headers, "Content-Type") && !add_line(slot, "Content-Type", NULL))) {
        return CURLE_OUT_OF_MEMORY;
    }
    SET(CURLOPT_HTTPHEADER, slot->headers);
    SET(CURLOPT_FRESH_CONNECT, (long)x->fresh);
    SET(CURLOPT_FORBID_REUSE, (long)x->fresh); /* no cache gets more than it has transfers */
    SET(CURLOPT_REQUEST_TARGET, x->path);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(x->body ? x->body_len : 0));
    SET(CURLOPT_POSTFIELDS, has_body ? (x->body ? x->body : "") : NULL);
    if (strcmp(x->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (has_body) {
        SET(CURLOPT_NOBODY, 0L);
        SET(CURLOPT_POST, 1L);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    SET(CURLOPT_CUSTOMREQUEST, x->method);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max_reply);
    if (x->connauth == OC_CONNAUTH_NTLM) {
        SET(CURLOPT_USERNAME, x->user);
        SET(CURLOPT_PASSWORD, x->password);
    }
    return rc;
}

apr_status_t oc_curl_start(oc_curl_cache_t *cache, oc_transfer_t *t)
{
    slot_t *slot = get_slot(cache);
    apr_size_t bound = cache->curl->conf->max_reply;

    if (!slot) {
        return APR_ENOMEM;
    }
    t->slot = slot;
    t->max_reply = t->x->max_reply && t->x->max_reply < bound ? t->x->max_reply : bound;
    t->max_header = cache->curl->conf->max_header;
    t->header_bytes = 0;
    t->status = t->folds = t->complete = t->fed = t->outstanding = t->opened_count = 0;
    memset(&t->legs, 0, sizeof(t->legs));
    t->verdict = OC_X_PENDING;
    t->why = NULL;
    slot->transfer = t;
    slot->error[0] = '\0';
    if (set_request(slot, t) != CURLE_OK ||
        curl_multi_add_handle(cache->curl->multi, slot->easy) != CURLM_OK) {
        t->slot = NULL;
        put_slot(slot);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

void oc_curl_abort(oc_transfer_t *t)
{
    slot_t *slot = t->slot;

    if (slot) {
        t->slot = NULL;
        curl_multi_remove_handle(slot->cache->curl->multi, slot->easy);
        put_slot(slot);
    }
}

/* ---- the end ------------------------------------------------------------------------------ */

/* The one place where libcurl's codes become ours. Whatever libcurl says, an exchange of which a
 * byte may have left us is NOT_SENT only if the server refused it: before_sending() sets
 * `outstanding`, a 401 that asks for another leg takes it back. */
static oc_outcome_t outcome_of(const oc_transfer_t *t, CURLcode code)
{
    if (t->verdict != OC_X_PENDING) {
        return t->verdict;
    }
    switch (code) {
    case CURLE_OK:
        if (t->complete) {
            return OC_X_REPLIED;
        }
        break;
    case CURLE_FILESIZE_EXCEEDED:
        return OC_X_TOO_LARGE;
    case CURLE_OUT_OF_MEMORY:
        /* One header line beyond libcurl's own bound of 100 KB ends so, too. */
        if (t->outstanding && !t->complete) {
            return OC_X_TOO_LARGE;
        }
        break;
    case CURLE_OPERATION_TIMEDOUT:
        return OC_X_TIMEOUT;
    default:
        break;
    }
    return t->outstanding ? OC_X_LOST : OC_X_NOT_SENT;
}

static const char *why_of(const oc_transfer_t *t, CURLcode code)
{
    apr_pool_t *pool = apr_table_elts(t->x->reply_headers)->pool;

    if (t->why) {
        return t->why;
    }
    if (code == CURLE_OK) {
        return "the connection ended inside the reply's header section";
    }
    return apr_pstrcat(pool, curl_easy_strerror(code), t->slot->error[0] ? ": " : NULL,
                       t->slot->error, NULL);
}

oc_transfer_t *oc_curl_reap(oc_curl_t *curl, oc_outcome_t *outcome)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(curl->multi, &left))) {
        CURLcode code = message->data.result;
        slot_t *slot = NULL;
        oc_transfer_t *t;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot) != CURLE_OK || !slot ||
            !slot->transfer) {
            continue;
        }
        t = slot->transfer;
        *outcome = outcome_of(t, code);
        if (*outcome == OC_X_REPLIED) {
            if (!t->fed) {
                oc_reply_head(t);
            }
        } else {
            t->x->error = why_of(t, code);
            t->x->sent = t->outstanding;
        }
        oc_curl_abort(t);
        return t;
    }
    return NULL;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static long connections_kept(const oc_net_conf_t *conf)
{
    long most = conf->max_idle > conf->max_per_identity ? conf->max_idle : conf->max_per_identity;

    return conf->max_shared > most ? conf->max_shared : most;
}

oc_curl_t *oc_curl_create(int epoll, const oc_net_conf_t *conf, oc_curl_counts_t *counts,
                          oc_result_t *res)
{
    oc_curl_t *curl = calloc(1, sizeof(*curl));

    if (curl) {
        curl->epoll = epoll;
        curl->conf = conf;
        curl->counts = counts;
        curl->owners = oc_owner_create();
        curl->multi = curl_multi_init();
    }
    if (!curl || !curl->owners || !curl->multi ||
        curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl) != CURLM_OK ||
        curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
        curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl) != CURLM_OK ||
        curl_multi_setopt(curl->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) != CURLM_OK
        /* Of each share: libcurl applies it to the cache that the transfer uses. It counts a
         * connection between two legs of NTLM as idle, too, and would close those over the
         * bound: the logons beyond it began anew without end (7.88.1). So it must not be lower
         * than the number of transfers one identity may have. A cache whose identity may have
         * fewer does not come near it, since it opens another only if none is idle; what is
         * really idle the cache's sweep and its age close. */
        || curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS, connections_kept(conf)) !=
               CURLM_OK) {
        oc_result_fail(res, OC_REASON_INTERNAL, "libcurl %s cannot be set up", curl_version());
        oc_curl_destroy(curl);
        return NULL;
    }
    return curl;
}

void oc_curl_destroy(oc_curl_t *curl)
{
    if (curl) {
        curl_multi_cleanup(curl->multi);
        oc_owner_destroy(curl->owners);
        free(curl);
    }
}

void oc_curl_ready(oc_curl_t *curl, int fd, unsigned events)
{
    int running;
    int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

    curl_multi_socket_action(curl->multi, fd, what, &running);
}

oc_mono_t oc_curl_due(const oc_curl_t *curl)
{
    return curl->due;
}

void oc_curl_tick(oc_curl_t *curl)
{
    int running;

    curl->due = 0; /* libcurl sets the next one */
    curl_multi_socket_action(curl->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}
