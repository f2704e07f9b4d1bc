/* refuse.c - the last check of an exchange as text, before it becomes bytes on a connection. */
#include <string.h>
#include <strings.h>

#include <apr_lib.h>

#include "base/str.h"
#include "net/refuse.h"

static int is_token(const char *s)
{
    const char *start = s;

    while (*s && (apr_isalnum(*s) || strchr("!#$%&'*+-.^_`|~", *s))) {
        ++s;
    }
    return s > start && !*s;
}

static int refuses_header(void *baton, const char *name, const char *value)
{
    static const char *const not_yours[] = {"Host",   "Content-Length", "Transfer-Encoding",
                                            "Cookie", "Authorization",  "Proxy-Authorization",
                                            "Expect", "Connection"};
    const char **why = baton;
    apr_size_t i;

    if (!is_token(name) || !oc_str_header_ok(value)) {
        *why = "a header that must not be sent";
    }
    for (i = 0; i < sizeof(not_yours) / sizeof(*not_yours); ++i) {
        if (strcasecmp(name, not_yours[i]) == 0) {
            *why = "a header that is not the caller's to set";
        }
    }
    return !*why;
}

const char *oc_refuse_exchange(const oc_exchange_t *x)
{
    const char *why = NULL;
    const unsigned char *p;

    if (!x->site || !x->site->scheme || !x->site->host ||
        (strcmp(x->site->scheme, "http") != 0 && strcmp(x->site->scheme, "https") != 0) ||
        !*x->site->host || strpbrk(x->site->host, "/?#@\\ ") || !oc_str_header_ok(x->site->host) ||
        x->site->port < 1 || x->site->port > 65535) {
        return "no usable site";
    }
    if (!x->identity) {
        return "an exchange without identity";
    }
    if (!x->method || !is_token(x->method) || !x->path || x->path[0] != '/') {
        return "no usable method or path";
    }
    for (p = (const unsigned char *)x->path; *p; ++p) {
        if (*p <= 0x20 || *p >= 0x7f || *p == '#') {
            return "a character in the path that must not be sent";
        }
    }
    if ((x->authorization && !oc_str_header_ok(x->authorization)) ||
        (x->cookie && !oc_str_header_ok(x->cookie))) {
        return "a credential that must not be sent in a header";
    }
    if (x->connauth == OC_CONNAUTH_NTLM && (!x->user || !x->password)) {
        return "no user and password for NTLM";
    }
    apr_table_do(refuses_header, &why, x->headers, NULL);
    return why;
}
