/* input_body.c - see input.h: where a request comes from, and what it brings. */
#include <string.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "base/str.h"
#include "httpd/input.h"
#include "wire/json.h"
#include "wire/words.h"

#define QUERY_MAX 8192 /* bytes */
#define FIRST_READ 8192
#define FORM_TYPE "application/x-www-form-urlencoded"
#define JSON_TYPE "application/json"

static char *more_room(apr_pool_t *pool, const char *buffer, apr_size_t used, apr_size_t room)
{
    char *more = apr_palloc(pool, room);

    memcpy(more, buffer, used);
    return more;
}

static apr_status_t read_body(request_rec *r, int max, char **data, apr_size_t *len,
                              oc_result_t *res)
{
    apr_size_t used = 0, room, most = (apr_size_t)max + 1;
    char *buffer;
    long n;
    int rc;

    *data = "";
    *len = 0;
    rc = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);
    if (rc != OK) {
        return oc_result_fail(res, OC_REASON_MALFORMED_BODY, "the body cannot be read (%d)", rc);
    }
    if (!ap_should_client_block(r)) {
        return APR_SUCCESS;
    }
    if (r->remaining > max) {
        r->connection->keepalive = AP_CONN_CLOSE; /* what is not read must not become a request */
        return oc_result_fail(res, OC_REASON_BODY_TOO_LARGE, "more than %d bytes", max);
    }
    room = r->remaining > 0 ? (apr_size_t)r->remaining + 1 : FIRST_READ; /* 0: in chunks */
    room = room < most ? room : most;
    buffer = apr_palloc(r->pool, room);
    while ((n = ap_get_client_block(r, buffer + used, room - used)) > 0) {
        used += (apr_size_t)n;
        if (used > (apr_size_t)max) {
            r->connection->keepalive = AP_CONN_CLOSE;
            return oc_result_fail(res, OC_REASON_BODY_TOO_LARGE, "more than %d bytes", max);
        }
        if (used == room) { /* an input filter may make more of it than was announced */
            room = room * 2 < most ? room * 2 : most;
            buffer = more_room(r->pool, buffer, used, room);
        }
    }
    if (n < 0) {
        r->connection->keepalive = AP_CONN_CLOSE;
        return oc_result_fail(res, OC_REASON_MALFORMED_BODY, "the body did not arrive whole");
    }
    *data = buffer;
    *len = used;
    return APR_SUCCESS;
}

static int is_type(const char *header, const char *type)
{
    size_t n = strlen(type);

    return header && strncasecmp(header, type, n) == 0 &&
           (header[n] == '\0' || header[n] == ';' || apr_isspace(header[n]));
}

apr_status_t oc_input_body(request_rec *r, const oc_server_conf_t *conf, oc_form_t **form,
                           int *json, oc_result_t *res)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    const char *charset = type ? ap_strcasestr(type, "charset=") : NULL;
    apr_status_t rv;
    apr_size_t len;
    char *data;

    *json = is_type(type, JSON_TYPE);
    rv = read_body(r, conf->max_body, &data, &len, res);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (len > 0 && !*json && !is_type(type, FORM_TYPE)) {
        return oc_result_fail(res, OC_REASON_UNSUPPORTED_TYPE, "send %s or %s", FORM_TYPE,
                              JSON_TYPE);
    }
    if (charset) {
        charset += strlen("charset=");
        charset += *charset == '"';
        if (strncasecmp(charset, "utf-8", 5) != 0) {
            return oc_result_fail(res, OC_REASON_UNSUPPORTED_TYPE, "send the text as UTF-8");
        }
    }
    if (*json && len > 0) {
        return oc_json_parse(r->pool, data, len, form, res);
    }
    return oc_form_parse(r->pool, data, len, form, res);
}

apr_status_t oc_input_query(request_rec *r, oc_form_t **form, oc_result_t *res)
{
    const char *query = r->args ? r->args : "";
    apr_size_t len = strlen(query);

    if (len > QUERY_MAX) {
        return oc_result_fail(res, OC_REASON_MALFORMED_BODY, "the query is longer than %d bytes",
                              QUERY_MAX);
    }
    return oc_form_parse(r->pool, query, len, form, res);
}

apr_status_t oc_input_origin(request_rec *r, const oc_server_conf_t *conf, oc_result_t *res)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *canonical;

    if (site && strcasecmp(site, "same-origin") != 0 && strcasecmp(site, "none") != 0) {
        return oc_result_fail(res, OC_REASON_ORIGIN_REFUSED, "Sec-Fetch-Site: %s",
                              oc_str_log(res->pool, site, 40));
    }
    if (origin) {
        canonical = oc_words_origin(res->pool, origin);
        if (!canonical || !conf->origin || strcmp(canonical, conf->origin) != 0) {
            return oc_result_fail(res, OC_REASON_ORIGIN_REFUSED, "Origin: %s, expected %s",
                                  oc_str_log(res->pool, origin, 100),
                                  conf->origin ? conf->origin : "?");
        }
    }
    return APR_SUCCESS;
}

int oc_input_ours(request_rec *r, const oc_server_conf_t *conf)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    oc_result_t res;

    oc_result_init(&res, r->pool);
    return oc_input_origin(r, conf, &res) == APR_SUCCESS
           && (apr_table_get(r->headers_in, "Origin")
               || (site && strcasecmp(site, "same-origin") == 0));
}
