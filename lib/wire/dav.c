/* dav.c - multistatus replies into rows, and the three request bodies.
 *
 * What is read, as the server writes it (its prefixes change from reply to reply). The response's
 * own status comes in answer to PROPPATCH, and to PROPFIND of something gone. There is no propstat
 * if all went well and the request said "Brief: t"; its status stands before prop (against RFC
 * 2518):
 *
 *   <a:multistatus xmlns:a="DAV:">
 *     <a:response>
 *       <a:href>http://host/exchange/ana/Calendar/x.EML</a:href>
 *       <a:status>HTTP/1.1 201 Created</a:status>
 *       <a:propstat>
 *         <a:status>HTTP/1.1 200 OK</a:status>
 *         <a:prop><d:subject>..</d:subject><d:keywords><c:v>..</c:v></d:keywords></a:prop>
 *       </a:propstat>
 *     </a:response>
 *   </a:multistatus>
 */
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_base64.h>

#include "base/str.h"
#include "cal/zone.h"
#include "wire/dav.h"
#include "wire/xml.h"

#define ROW_MAX (4 * 1024 * 1024) /* bytes of one response's values */
#define PATH_MAX_BYTES 8192

enum {
    AT_ROOT, AT_WRONG, AT_MULTISTATUS, AT_RESPONSE, AT_HREF, AT_STATUS, AT_PROPSTAT, AT_PROP_STATUS,
    AT_PROP, AT_VALUE, AT_ONE
};

static const oc_xml_row_t table[] = {
    {AT_ROOT, OC_NS_DAV, "multistatus", AT_MULTISTATUS, 0},
    {AT_ROOT, OC_XML_ANY, OC_XML_ANY, AT_WRONG, 0},
    {AT_MULTISTATUS, OC_NS_DAV, "response", AT_RESPONSE, 0},
    {AT_RESPONSE, OC_NS_DAV, "href", AT_HREF, OC_XML_TEXT},
    {AT_RESPONSE, OC_NS_DAV, "status", AT_STATUS, OC_XML_TEXT},
    {AT_RESPONSE, OC_NS_DAV, "propstat", AT_PROPSTAT, 0},
    {AT_PROPSTAT, OC_NS_DAV, "status", AT_PROP_STATUS, OC_XML_TEXT},
    {AT_PROPSTAT, OC_NS_DAV, "prop", AT_PROP, 0},
    {AT_PROP, OC_XML_ANY, OC_XML_ANY, AT_VALUE, OC_XML_TEXT},
    {AT_VALUE, "xml:", "v", AT_ONE, OC_XML_TEXT},
    {0, NULL, NULL, 0, 0},
};

struct oc_dav_t {
    oc_xml_t *xml;
    oc_dav_row_fn *row_fn;
    void *baton;
    oc_dav_row_t row;
    apr_size_t rows, used;   /* responses; bytes of the present one's values */
    int found;               /* index of the property being read, -1 = not in the schema */
    const char *many;        /* its values so far, each ended by '\n' */
    int propstat;            /* status of the propstat being read */
    const char **pending;    /* by property: value of the propstat being read */
    unsigned char *mentioned;
    oc_reason_t reason;      /* why the sink stopped the reader; OK: the row function did */
    const char *why;
};

/* ---- reading ---- */

int oc_dav_status(const char *line)
{
    int status;

    while (apr_isspace(*line)) {
        ++line;
    }
    if (strncmp(line, "HTTP/", 5) || !apr_isdigit(line[5])) {
        return 0;
    }
    line = strchr(line, ' ');
    while (line && *line == ' ') {
        ++line;
    }
    if (!line || !apr_isdigit(line[0]) || !apr_isdigit(line[1]) || !apr_isdigit(line[2])
        || apr_isdigit(line[3])) {
        return 0;
    }
    status = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    return status >= 100 && status < 600 ? status : 0;
}

const char *oc_dav_url_path(apr_pool_t *pool, const char *url, const char **scheme,
                            const char **host)
{
    static const char submission[] = "##DavMailSubmissionURI##";
    static const char hex[] = "0123456789ABCDEF";
    const char *s = url, *seg;
    char *path, *o;

    if (scheme) {
        *scheme = NULL;
    }
    if (host) {
        *host = NULL;
    }
    if (strlen(url) > PATH_MAX_BYTES) {
        return NULL;
    }
    if (!strncasecmp(s, "http://", 7) || !strncasecmp(s, "https://", 8)) {
        const char *authority = strchr(s, ':') + 3;
        apr_size_t n = strcspn(authority, "/?#");
        const char *name = apr_pstrmemdup(pool, authority, n);
        if (n == 0 || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789.-:[]_") != n) {
            return NULL; /* user information is among what this refuses */
        }
        if (scheme) {
            *scheme = authority - s == 8 ? "https" : "http";
        }
        if (host) {
            *host = name;
        }
        s = authority + n;
        if (*s != '/') {
            return "/";
        }
    } else if (s[0] != '/' || s[1] == '/') {
        return NULL;
    }
    path = o = apr_palloc(pool, strlen(s) * 3 + 1);
    for (; *s && *s != '?'; ++s) {
        unsigned char c = (unsigned char)*s;
        if (c == '#') {
            apr_size_t i;
            if (strncasecmp(s, submission, sizeof(submission) - 1)) {
                break;
            }
            for (i = 0; i < sizeof(submission) - 1; ++i, ++s) {
                o = *s == '#' ? apr_cpystrn(o, "%23", 4) : (*o = *s, o + 1);
            }
            --s;
        } else if (c <= ' ' || c == 0x7F || c == '\\' || c == '"' || c == '<' || c == '>') {
            return NULL;
        } else if (c >= 0x80) {
            *o++ = '%';
            *o++ = hex[c >> 4];
            *o++ = hex[c & 15];
        } else {
            if (c == '%' && (!strncasecmp(s, "%2f", 3) || !strncasecmp(s, "%5c", 3))) {
                return NULL;
            }
            *o++ = (char)c;
        }
    }
    *o = '\0';
    s = oc_str_unescape(pool, path, strlen(path));
    if (!s || oc_str_control(s, "")) {
        return NULL;
    }
    for (seg = s; seg; seg = strchr(seg + 1, '/')) {
        apr_size_t n = strcspn(seg + 1, "/");
        if ((n == 1 && seg[1] == '.') || (n == 2 && seg[1] == '.' && seg[2] == '.')) {
            return NULL;
        }
    }
    return path;
}

static apr_status_t refuse(oc_dav_t *d, oc_reason_t reason, const char *why)
{
    d->reason = reason;
    d->why = why;
    return APR_EGENERAL;
}

static int find_prop(const oc_dav_schema_t *schema, const char *ns, const char *name)
{
    int i;

    for (i = 0; i < schema->count; ++i) {
        if (!strcmp(schema->props[i].name, name) && !strcmp(schema->props[i].ns, ns)) {
            return i;
        }
    }
    return -1;
}

static void clear_row(oc_dav_t *d)
{
    size_t n = (size_t)d->row.schema->count;

    apr_pool_clear(d->row.pool);
    memset(d->row.value, 0, n * sizeof(*d->row.value));
    memset(d->row.prop_status, 0, n * sizeof(*d->row.prop_status));
    d->row.href = d->row.path = NULL;
    d->row.status = d->row.worst = 0;
    d->used = 0;
}

static void clear_propstat(oc_dav_t *d)
{
    d->propstat = 0;
    memset(d->pending, 0, (size_t)d->row.schema->count * sizeof(*d->pending));
    memset(d->mentioned, 0, (size_t)d->row.schema->count);
}

static void note_status(oc_dav_row_t *row, int status)
{
    if (status < 400 || status == 404) {
        return;
    }
    if (status == 424 ? row->worst == 0 : row->worst == 424 || status > row->worst) {
        row->worst = status;
    }
}

static apr_status_t on_open(void *baton, int state, const char *ns, const char *name)
{
    oc_dav_t *d = baton;

    switch (state) {
    case AT_WRONG:
        return refuse(d, OC_REASON_UPSTREAM_PROTOCOL,
                      !strcasecmp(name, "html") ? "an HTML page where a multistatus was expected"
                                                : "another XML document where a multistatus was"
                                                  " expected");
    case AT_RESPONSE:
        clear_row(d);
        break;
    case AT_PROPSTAT:
        clear_propstat(d);
        break;
    case AT_VALUE:
        d->found = find_prop(d->row.schema, ns, name);
        d->many = NULL;
        break;
    default:
        break;
    }
    return APR_SUCCESS;
}

static apr_status_t close_value(oc_dav_t *d, const char *text, apr_size_t len)
{
    if (d->found < 0) {
        return APR_SUCCESS;
    }
    d->mentioned[d->found] = 1;
    if (d->row.schema->props[d->found].type == OC_DAV_STRINGS) {
        d->pending[d->found] = d->many ? d->many : "";
        return APR_SUCCESS;
    }
    d->used += len + 1;
    if (d->used > ROW_MAX) {
        return refuse(d, OC_REASON_UPSTREAM_TOO_LARGE, "one item's properties are too large");
    }
    d->pending[d->found] = apr_pstrmemdup(d->row.pool, text, len);
    return APR_SUCCESS;
}

static apr_status_t close_one(oc_dav_t *d, const char *text, apr_size_t len)
{
    if (d->found < 0 || d->row.schema->props[d->found].type != OC_DAV_STRINGS) {
        return APR_SUCCESS;
    }
    d->used += len + 2 + (d->many ? strlen(d->many) : 0);
    if (d->used > ROW_MAX) {
        return refuse(d, OC_REASON_UPSTREAM_TOO_LARGE, "one item's properties are too large");
    }
    d->many = apr_pstrcat(d->row.pool, d->many ? d->many : "", text, "\n", NULL);
    return APR_SUCCESS;
}

static apr_status_t close_propstat(oc_dav_t *d)
{
    int i, good = d->propstat >= 200 && d->propstat < 300;

    if (d->propstat == 0) {
        return refuse(d, OC_REASON_UPSTREAM_PROTOCOL, "a propstat without status");
    }
    for (i = 0; i < d->row.schema->count; ++i) {
        if (d->mentioned[i] && (good || !d->row.value[i])) {
            d->row.value[i] = good ? d->pending[i] : NULL;
            d->row.prop_status[i] = (short)d->propstat;
        }
    }
    note_status(&d->row, d->propstat);
    return APR_SUCCESS;
}

static apr_status_t on_close(void *baton, int state, const char *ns, const char *name,
                             const char *text, apr_size_t len)
{
    oc_dav_t *d = baton;

    (void)ns, (void)name;
    switch (state) {
    case AT_HREF:
        if (d->row.href) {
            return APR_SUCCESS; /* RFC 4918 allows several; the first names the row */
        }
        d->row.href = oc_dav_url_path(d->row.pool, oc_str_trim(d->row.pool, text), NULL, NULL);
        if (!d->row.href) {
            return refuse(d, OC_REASON_UPSTREAM_PROTOCOL, "an href that is no usable URL");
        }
        d->row.path = oc_str_unescape(d->row.pool, d->row.href, strlen(d->row.href));
        return APR_SUCCESS;
    case AT_STATUS:
        d->row.status = oc_dav_status(text);
        note_status(&d->row, d->row.status);
        return d->row.status ? APR_SUCCESS
                             : refuse(d, OC_REASON_UPSTREAM_PROTOCOL, "a malformed status line");
    case AT_PROP_STATUS:
        d->propstat = oc_dav_status(text);
        return d->propstat ? APR_SUCCESS
                           : refuse(d, OC_REASON_UPSTREAM_PROTOCOL, "a malformed status line");
    case AT_VALUE:
        return close_value(d, text, len);
    case AT_ONE:
        return close_one(d, text, len);
    case AT_PROPSTAT:
        return close_propstat(d);
    case AT_RESPONSE:
        if (!d->row.href) {
            return refuse(d, OC_REASON_UPSTREAM_PROTOCOL, "a response without href");
        }
        ++d->rows;
        return d->row_fn(d->baton, &d->row);
    default:
        return APR_SUCCESS;
    }
}

oc_dav_t *oc_dav_open(apr_pool_t *pool, const oc_dav_schema_t *schema, oc_dav_row_fn *row,
                      void *baton)
{
    oc_dav_t *d = apr_pcalloc(pool, sizeof(*d));
    size_t n = (size_t)schema->count;
    oc_xml_sink_t sink = {on_open, on_close, d};

    d->row_fn = row;
    d->baton = baton;
    d->row.schema = schema;
    if (apr_pool_create(&d->row.pool, pool) != APR_SUCCESS) {
        return NULL;
    }
    d->row.value = apr_pcalloc(pool, n * sizeof(*d->row.value));
    d->row.prop_status = apr_pcalloc(pool, n * sizeof(*d->row.prop_status));
    d->pending = apr_pcalloc(pool, n * sizeof(*d->pending));
    d->mentioned = apr_pcalloc(pool, n);
    d->xml = oc_xml_open(pool, table, &sink, NULL);
    return d->xml ? d : NULL;
}

static apr_status_t judged(oc_dav_t *d, apr_status_t rv, oc_result_t *res)
{
    if (rv != APR_SUCCESS && d->reason != OC_REASON_OK) {
        oc_result_fail(res, d->reason, "%s", d->why);
        d->reason = OC_REASON_OK; /* said once */
    }
    return rv;
}

apr_status_t oc_dav_feed(oc_dav_t *dav, const char *data, apr_size_t len, oc_result_t *res)
{
    return judged(dav, oc_xml_feed(dav->xml, data, len, res), res);
}

apr_status_t oc_dav_end(oc_dav_t *dav, oc_result_t *res)
{
    return judged(dav, oc_xml_end(dav->xml, res), res);
}

apr_size_t oc_dav_rows(const oc_dav_t *dav)
{
    return dav->rows;
}

/* ---- typed values ---- */

int oc_dav_int(const oc_dav_row_t *row, int prop, int *out)
{
    const char *text = row->value[prop];
    char *end;
    apr_int64_t n;

    if (!text) {
        return 0;
    }
    text = oc_str_trim(row->pool, text);
    if (!*text || strlen(text) > 11) {
        return 0;
    }
    n = apr_strtoi64(text, &end, 10);
    if (*end || n < APR_INT32_MIN || n > APR_INT32_MAX) {
        return 0;
    }
    *out = (int)n;
    return 1;
}

int oc_dav_bool(const oc_dav_row_t *row, int prop, int *out)
{
    const char *text = row->value[prop] ? oc_str_trim(row->pool, row->value[prop]) : "";

    if (!strcmp(text, "1") || !strcasecmp(text, "true")) {
        *out = 1;
        return 1;
    }
    if (!strcmp(text, "0") || !strcasecmp(text, "false")) {
        *out = 0;
        return 1;
    }
    return 0;
}

int oc_dav_time(const oc_dav_row_t *row, int prop, apr_time_t *out)
{
    return row->value[prop]
           && oc_zone_parse_dav(oc_str_trim(row->pool, row->value[prop]), out) == APR_SUCCESS;
}

const char *oc_dav_text(const oc_dav_row_t *row, int prop, apr_pool_t *pool)
{
    const char *s = row->value[prop];
    char *copy, *o;

    if (!s || !*s) {
        return NULL;
    }
    copy = o = apr_palloc(pool, strlen(s) + 1);
    for (; *s; ++s) {
        if (*s == '\r') {
            if (s[1] != '\n') {
                *o++ = '\n';
            }
        } else {
            *o++ = *s;
        }
    }
    *o = '\0';
    return copy;
}

apr_array_header_t *oc_dav_strings(const oc_dav_row_t *row, int prop, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));
    const char *s = row->value[prop], *end;

    for (; s && (end = strchr(s, '\n')) != NULL; s = end + 1) {
        APR_ARRAY_PUSH(list, const char *) = apr_pstrmemdup(pool, s, (apr_size_t)(end - s));
    }
    return list;
}

/* ---- writing ---- */

static const char *const type_names[] = {
    [OC_DAV_STRING] = NULL,         [OC_DAV_INT] = "int",
    [OC_DAV_BOOL] = "boolean",      [OC_DAV_TIME] = "dateTime.tz",
    [OC_DAV_BINARY] = "bin.base64", [OC_DAV_STRINGS] = "mv.string",
};

/* A writer that knows the namespaces of exactly these properties, plus those of WebDAV itself. */
static oc_xml_writer_t *writer_for(apr_pool_t *pool, const oc_dav_schema_t *schema,
                                   const int *props, int count)
{
    oc_xml_ns_t *known = apr_pcalloc(pool, sizeof(*known) * (size_t)(count + 3));
    int i, k, used = 0;

    known[used++] = (oc_xml_ns_t){"D", OC_NS_DAV};
    known[used++] = (oc_xml_ns_t){"dt", OC_NS_TYPE};
    for (i = 0; i < count; ++i) {
        const char *ns = schema->props[props[i]].ns;
        for (k = 0; k < used && strcmp(known[k].uri, ns); ++k) {
        }
        if (k == used) {
            known[used].prefix = apr_psprintf(pool, "p%d", used);
            known[used++].uri = ns;
        }
    }
    return oc_xml_writer(pool, known);
}

static int count_props(const int *props)
{
    int n = 0;

    while (props[n] != OC_DAV_END) {
        ++n;
    }
    return n;
}

const char *oc_dav_propfind(apr_pool_t *pool, const oc_dav_schema_t *schema, const int *props,
                            apr_size_t *len)
{
    oc_xml_writer_t *w = writer_for(pool, schema, props, count_props(props));

    oc_xml_start(w, OC_NS_DAV, "propfind");
    oc_xml_start(w, OC_NS_DAV, "prop");
    for (; *props != OC_DAV_END; ++props) {
        oc_xml_start(w, schema->props[*props].ns, schema->props[*props].name);
        oc_xml_stop(w);
    }
    return oc_xml_finish(w, len);
}

static void write_values(oc_xml_writer_t *w, const oc_dav_schema_t *schema, const oc_dav_set_t *set,
                         int count, int removing)
{
    int i, open = 0;

    for (i = 0; i < count; ++i) {
        const oc_dav_prop_t *p = &schema->props[set[i].prop];
        if (removing != !set[i].value) {
            continue;
        }
        if (!open) {
            oc_xml_start(w, OC_NS_DAV, removing ? "remove" : "set");
            oc_xml_start(w, OC_NS_DAV, "prop");
            open = 1;
        }
        oc_xml_start(w, p->ns, p->name);
        if (!removing) {
            if (type_names[p->type]) {
                oc_xml_attr(w, OC_NS_TYPE, "dt", type_names[p->type]);
            }
            oc_xml_text(w, set[i].value);
        }
        oc_xml_stop(w);
    }
    if (open) {
        oc_xml_stop(w);
        oc_xml_stop(w);
    }
}

const char *oc_dav_proppatch(apr_pool_t *pool, const oc_dav_schema_t *schema,
                             const oc_dav_set_t *set, int count, apr_size_t *len)
{
    int *props = apr_palloc(pool, sizeof(int) * (size_t)(count + 1));
    oc_xml_writer_t *w;
    int i;

    for (i = 0; i < count; ++i) {
        props[i] = set[i].prop;
    }
    w = writer_for(pool, schema, props, count);
    oc_xml_start(w, OC_NS_DAV, "propertyupdate");
    write_values(w, schema, set, count, 0);
    write_values(w, schema, set, count, 1);
    return oc_xml_finish(w, len);
}

static const char *sql_name(apr_pool_t *pool, const oc_dav_prop_t *p)
{
    return apr_pstrcat(pool, "\"", p->ns, p->name, "\"", NULL);
}

static const char *sql_string(apr_pool_t *pool, const char *s)
{
    char *out = apr_palloc(pool, strlen(s) * 2 + 3), *o = out;

    *o++ = '\'';
    for (; *s; ++s) {
        if (*s == '\'') {
            *o++ = '\'';
        }
        *o++ = *s;
    }
    *o++ = '\'';
    *o = '\0';
    return out;
}

static const char *sql_literal(apr_pool_t *pool, const oc_dav_prop_t *p, const oc_dav_where_t *c)
{
    apr_time_exp_t t;

    switch (p->type) {
    case OC_DAV_INT:
        return apr_itoa(pool, c->number);
    case OC_DAV_BOOL:
        return c->number ? "True" : "False";
    case OC_DAV_TIME: /* as the SDK writes dates; UTC */
        apr_time_exp_gmt(&t, c->time);
        return apr_psprintf(pool, "'%04d/%02d/%02d %02d:%02d:%02d'", t.tm_year + 1900, t.tm_mon + 1,
                            t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
    default:
        return sql_string(pool, c->text ? c->text : "");
    }
}

/* (name = 'a' OR name = 'b'), as DavMail joins its conditions. */
static const char *sql_in(apr_pool_t *pool, const char *name, const char *texts)
{
    const char *out = "", *end;

    for (; (end = strchr(texts, '\n')) != NULL; texts = end + 1) {
        const char *one = apr_pstrmemdup(pool, texts, (apr_size_t)(end - texts));
        out = apr_pstrcat(pool, out, *out ? " OR " : "", name, " = ", sql_string(pool, one), NULL);
    }
    return apr_pstrcat(pool, "(", out, ")", NULL);
}

const char *oc_dav_search(apr_pool_t *pool, const oc_dav_schema_t *schema, const int *props,
                          const oc_dav_where_t *where, int count, int order, apr_size_t *len)
{
    static const oc_xml_ns_t known[] = {{"D", OC_NS_DAV}, {NULL, NULL}};
    oc_xml_writer_t *w = oc_xml_writer(pool, known);
    const char *separator = "SELECT ";
    int i;

    oc_xml_start(w, OC_NS_DAV, "searchrequest");
    oc_xml_start(w, OC_NS_DAV, "sql");
    for (; *props != OC_DAV_END; ++props) {
        oc_xml_text(w, separator);
        oc_xml_text(w, sql_name(pool, &schema->props[*props]));
        separator = ", ";
    }
    /* An empty URL is the one the request is sent to (Evolution Connector): no doubt about how a
     * localized folder name is to be encoded here. */
    oc_xml_text(w, " FROM Scope('SHALLOW TRAVERSAL OF \"\"')");
    separator = " WHERE ";
    for (i = 0; i < count; ++i) {
        const oc_dav_prop_t *p = &schema->props[where[i].prop];
        int differs = !strcmp(where[i].op, "<>");
        oc_xml_text(w, separator);
        separator = " AND ";
        if (!strcmp(where[i].op, "in")) {
            oc_xml_text(w, sql_in(pool, sql_name(pool, p), where[i].text));
            continue;
        }
        oc_xml_text(w, differs ? "NOT " : "");
        oc_xml_text(w, sql_name(pool, p));
        oc_xml_text(w, apr_psprintf(pool, " %s ", differs ? "=" : where[i].op));
        oc_xml_text(w, sql_literal(pool, p, &where[i]));
    }
    if (order != OC_DAV_END) {
        oc_xml_text(w, " ORDER BY ");
        oc_xml_text(w, sql_name(pool, &schema->props[order]));
        oc_xml_text(w, " ASC");
    }
    return oc_xml_finish(w, len);
}

const char *oc_dav_value_int(apr_pool_t *pool, int n)
{
    return apr_itoa(pool, n);
}

const char *oc_dav_value_bool(int b)
{
    return b ? "1" : "0";
}

const char *oc_dav_value_binary(apr_pool_t *pool, const unsigned char *data, apr_size_t len)
{
    char *out = apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)len));

    apr_base64_encode_binary(out, data, (int)len);
    return out;
}
