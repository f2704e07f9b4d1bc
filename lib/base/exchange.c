/* exchange.c - making and rewinding exchanges. */
#include <string.h>
#include <apr_strings.h>

#include "base/exchange.h"
#include "base/str.h"

oc_exchange_t *oc_exchange_create(apr_pool_t *pool, const oc_site_t *site, const char *method,
                                  const char *path, const char *purpose)
{
    oc_exchange_t *x = apr_pcalloc(pool, sizeof(*x));

    x->method = method;
    x->path = path;
    x->purpose = purpose;
    x->site = site;
    x->headers = apr_table_make(pool, 8);
    x->reply_headers = apr_table_make(pool, 16);
    return x;
}

void oc_exchange_unsign(oc_exchange_t *x)
{
    x->authorization = x->cookie = NULL;
    x->user = x->password = NULL;
    x->connauth = OC_CONNAUTH_NONE;
    x->pin = NULL;
    x->opens = x->once = x->fresh = 0;
}

void oc_exchange_unanswer(oc_exchange_t *x)
{
    apr_table_clear(x->reply_headers);
    x->status = 0;
    x->received = 0;
    x->outcome = OC_X_PENDING;
    x->sent = x->reused = 0;
    x->error = NULL;
    x->started = x->ended = 0;
}

void oc_exchange_rewind(oc_exchange_t *x)
{
    oc_exchange_unsign(x);
    oc_exchange_unanswer(x);
    x->net = NULL;
    ++x->attempt;
}

int oc_exchange_unknown(const oc_exchange_t *x)
{
    return x->writes && x->sent && x->outcome != OC_X_REPLIED;
}

int oc_scheme_port(const char *scheme)
{
    return strcmp(scheme, "https") == 0 ? 443 : 80;
}

const char *oc_site_origin(apr_pool_t *pool, const oc_site_t *site)
{
    int own = oc_scheme_port(site->scheme);
    int bare_ipv6 = strchr(site->host, ':') != NULL && site->host[0] != '[';

    return apr_pstrcat(pool, site->scheme, "://", bare_ipv6 ? "[" : "", site->host,
                       bare_ipv6 ? "]" : "",
                       site->port == 0 || site->port == own ? NULL
                                                            : apr_psprintf(pool, ":%d", site->port),
                       NULL);
}

int oc_site_protected(const oc_site_t *site)
{
    return strcmp(site->scheme, "https") == 0 ||
           oc_str_loopback(site->connect ? site->connect : site->host);
}
