/* dav.h - WebDAV bodies as Exchange 2003 speaks them: PROPFIND, PROPPATCH and SEARCH out,
 * multistatus in.
 *
 * A schema is a constant table of properties; a property is named by its index everywhere else.
 * Replies are read while they stream, one row (D:response) at a time. Any thread that owns the
 * pool.
 */
#ifndef OC_WIRE_DAV_H
#define OC_WIRE_DAV_H

#include <apr_tables.h>
#include <apr_time.h>
#include "base/result.h"

#define OC_NS_DAV "DAV:"
#define OC_NS_TYPE "urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/" /* of the attribute dt */

typedef enum oc_dav_type_t {
    OC_DAV_STRING, /* written without a type attribute */
    OC_DAV_INT,    /* dt="int", decimal */
    OC_DAV_BOOL,   /* dt="boolean", 1 or 0 */
    OC_DAV_TIME,   /* dt="dateTime.tz", 2026-03-05T09:00:00.000Z */
    OC_DAV_BINARY, /* dt="bin.base64" */
    OC_DAV_STRINGS /* dt="mv.string": several values, {xml:}v children; only read */
} oc_dav_type_t;

typedef struct oc_dav_prop_t {
    const char *ns, *name;
    oc_dav_type_t type;
} oc_dav_prop_t;

typedef struct oc_dav_schema_t {
    const oc_dav_prop_t *props;
    int count; /* at most OC_DAV_PROPS_MAX */
} oc_dav_schema_t;
#define OC_DAV_PROPS_MAX 96
#define OC_DAV_END (-1) /* ends a list of property indices */

/* ---- reading ---- */

/* One response. Valid during the callback only; copy what is to be kept. */
typedef struct oc_dav_row_t {
    apr_pool_t *pool;    /* scratch, cleared after the callback */
    const oc_dav_schema_t *schema;
    const char *href;    /* path of the href, encoded as sent; host, query, fragment dropped */
    const char *path;    /* the same, decoded */
    int status;          /* of the response itself; 0 = none */
    const char **value;  /* by property: text of a propstat with status 2xx; NULL = none */
    short *prop_status;  /* by property: status of the propstat that named it; 0 = not named */
    int worst;           /* the highest status >= 400 but 404 of the response or any propstat; 424
                            only if there is no other; 0 = none. Properties outside the schema
                            count */
} oc_dav_row_t;

/* A status other than APR_SUCCESS ends the reading. */
typedef apr_status_t oc_dav_row_fn(void *baton, const oc_dav_row_t *row);

typedef struct oc_dav_t oc_dav_t;

/* A reader for one multistatus; freed with the pool. The href host is ignored: after migrations and
 * behind front ends it can be wrong (DavMail, encodeAndFixUrl). A row without usable href fails. */
oc_dav_t *oc_dav_open(apr_pool_t *pool, const oc_dav_schema_t *schema, oc_dav_row_fn *row,
                      void *baton);
/* As oc_xml_feed and oc_xml_end. An HTML page, or another root element than D:multistatus, fails
 * with UPSTREAM_PROTOCOL. */
apr_status_t oc_dav_feed(oc_dav_t *dav, const char *data, apr_size_t len, oc_result_t *res);
apr_status_t oc_dav_end(oc_dav_t *dav, oc_result_t *res);
apr_size_t oc_dav_rows(const oc_dav_t *dav); /* responses seen so far */

/* Typed values; 0 (and *out untouched) if absent or not of that form. */
int oc_dav_int(const oc_dav_row_t *row, int prop, int *out);
int oc_dav_bool(const oc_dav_row_t *row, int prop, int *out); /* "1"/"0"/"true"/"false" */
int oc_dav_time(const oc_dav_row_t *row, int prop, apr_time_t *out); /* strict, UTC */
/* The text in `pool` (line ends made LF), or NULL if absent or empty. */
const char *oc_dav_text(const oc_dav_row_t *row, int prop, apr_pool_t *pool);
/* Values of an OC_DAV_STRINGS property (they stand in value[] each ended by '\n'); never NULL. */
apr_array_header_t *oc_dav_strings(const oc_dav_row_t *row, int prop, apr_pool_t *pool);

/* "HTTP/1.1 207 Multi-Status" -> 207; 0 if it is no status line. */
int oc_dav_status(const char *line);
/* The path of an absolute URL or absolute path, percent-encoded as it is (bytes above ASCII become
 * encoded); query and fragment are cut. *host (may be NULL): "host" or "host:port" as written, or
 * NULL for a bare path; *scheme likewise. A raw '#' that begins "##DavMailSubmissionURI##" is part
 * of the path and comes back encoded. NULL: neither of both; user information; control characters,
 * blanks, backslashes, broken escapes, encoded slashes; dot segments; more than 8 KB. */
const char *oc_dav_url_path(apr_pool_t *pool, const char *url, const char **scheme,
                            const char **host);

/* ---- writing; every body is a complete document, *len its length ---- */

/* props: indices up to OC_DAV_END. */
const char *oc_dav_propfind(apr_pool_t *pool, const oc_dav_schema_t *schema, const int *props,
                            apr_size_t *len);

typedef struct oc_dav_set_t {
    int prop;
    const char *value; /* as the type is written, strings raw; NULL = remove the property */
} oc_dav_set_t;
const char *oc_dav_proppatch(apr_pool_t *pool, const oc_dav_schema_t *schema,
                             const oc_dav_set_t *set, int count, apr_size_t *len);

/* One condition of a SEARCH; all must hold. The literal's form follows the property's type. */
typedef struct oc_dav_where_t {
    int prop;
    const char *op; /* "=", "<>", "<", ">", "<=", ">="; "in" (OC_DAV_STRING): is one of several */
    const char *text;  /* OC_DAV_STRING; for "in" at least one, each ended by '\n' */
    int number;        /* OC_DAV_INT, OC_DAV_BOOL */
    apr_time_t time;   /* OC_DAV_TIME: to the second, UTC */
} oc_dav_where_t;
/* SELECT props FROM the folder the request is sent to, not its subfolders, WHERE all conditions
 * hold ORDER BY `order` ascending (OC_DAV_END: unordered). Literals are quoted ('' for ') and then
 * escaped as XML text. */
const char *oc_dav_search(apr_pool_t *pool, const oc_dav_schema_t *schema, const int *props,
                          const oc_dav_where_t *where, int count, int order, apr_size_t *len);

/* Values for oc_dav_set_t. */
const char *oc_dav_value_int(apr_pool_t *pool, int n);
const char *oc_dav_value_bool(int b);
const char *oc_dav_value_binary(apr_pool_t *pool, const unsigned char *data, apr_size_t len);

#endif
