/* words.h - small parsers for words of the configuration and of requests: hosts, origins, paths,
 * names, the page to go back to. Pure: text in, text or a verdict out, in the caller's pool. */
#ifndef OC_WIRE_WORDS_H
#define OC_WIRE_WORDS_H

#include <apr_pools.h>
#include <apr_tables.h>

/* "host", "host:port", "[::1]:port". Returns NULL, or a sentence saying what is wrong. Host is
 * lower-cased, an IPv6 address without its brackets; without a port `port_default` is taken. */
const char *oc_words_host(apr_pool_t *pool, const char *text, int port_default, const char **host,
                          int *port);
/* Letters, digits, ".", "_", "-"; 1..64 of them. */
int oc_words_name_ok(const char *text);
/* A path of the configuration: begins with '/', no control characters, blanks, '\\', '?', '#', '%',
 * no "." or ".." segment, no empty segment. */
int oc_words_path_ok(const char *path);
/* "http://host[:port]" or https in canonical form (lower case, usual port left out, IPv6 in
 * brackets: as browsers send it), or NULL. A trailing slash is allowed, a path is not. */
const char *oc_words_origin(apr_pool_t *pool, const char *text);
/* An expression that decides for whom we act may use the verified user and literals only. Returns
 * NULL, or a sentence naming what is not allowed. */
const char *oc_words_person_expr(apr_pool_t *pool, const char *text);
/* Is `target` (return=, as the browser sent it, decoded once as a form field) a page of this host
 * that lies under one of `prefixes` (const char *, no trailing slash), also once it is decoded and
 * its dot segments are gone? At most 2,000 bytes; no fragment; nothing that a browser, a proxy and
 * httpd could read differently: backslashes, encoded slashes, empty segments, control characters.
 * Returns the target to emit, unchanged, or NULL. */
const char *oc_words_return(apr_pool_t *pool, const char *target,
                            const apr_array_header_t *prefixes);

#endif
