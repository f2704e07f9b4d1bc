/* damage.c - what each fault does to a request or to its answer.
 *
 * The table at the end is the list. A fault that breaks the connection, or sends the answer in
 * pieces, writes the HTTP reply itself below httpd's own header filter. */

#include "fault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <ap_mpm.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <http_connection.h>
#include <http_core.h>

#include "auth.h"
#include "entry.h"

#define SLICE_MS 50
#define SILENCE_SECONDS 60
#define DRIP_BYTES 16
#define DRIP_MS 50
#define HUGE_MB 64
#define BIG_HEADER_KB 64

static int stopping(void)
{
    int state = 0;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state == AP_MPMQ_STOPPING;
}

int sim_fault_sleep(const sim_req_t *q, long ms)
{
    (void)q;
    for (; ms > 0 && !stopping(); ms -= SLICE_MS)
        apr_sleep(apr_time_from_msec(ms < SLICE_MS ? ms : SLICE_MS));
    return ms <= 0;
}

static int socket_of(const sim_req_t *q)
{
    apr_os_sock_t fd = -1;

    apr_os_sock_get(&fd, ap_get_conn_socket(q->r->connection));
    return fd;
}

/* 1 when the client has gone. */
static int client_left(const sim_req_t *q)
{
    char c;

    return recv(socket_of(q), &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* ---- the connection ---- */

/* From here on httpd writes nothing by itself for this request. */
static void take_over(sim_req_t *q)
{
    ap_filter_t *f = q->r->proto_output_filters;

    while (f && f->frec->ftype < AP_FTYPE_CONNECTION)
        f = f->next;
    q->r->output_filters = q->r->proto_output_filters = f;
    q->r->connection->keepalive = AP_CONN_CLOSE;
    q->r->status = q->out.status ? q->out.status : HTTP_OK;
    apr_table_setn(q->r->notes, SIM_FAULT_TAKEN, "1");
}

/* 0 when the client has gone. */
static int put(sim_req_t *q, const char *data, apr_size_t len)
{
    conn_rec *c = q->r->connection;
    apr_bucket_brigade *bb = apr_brigade_create(q->p, c->bucket_alloc);
    apr_status_t rv;

    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_transient_create(data, len, c->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(c->bucket_alloc));
    rv = ap_pass_brigade(q->r->output_filters, bb);
    apr_brigade_destroy(bb);
    return rv == APR_SUCCESS && !c->aborted;
}

/* FIN after what has been written. */
static int hang_up(sim_req_t *q)
{
    take_over(q);
    return DONE;
}

/* RST, whatever has been written. */
static int reset(sim_req_t *q)
{
    struct linger now = { 1, 0 };

    take_over(q);
    setsockopt(socket_of(q), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    q->r->connection->aborted = 1;      /* the MPM then closes without lingering */
    return DONE;
}

static int add_header(void *buf, const char *name, const char *value)
{
    sim_buf_printf(buf, "%s: %s\r\n", name, value);
    return 1;
}

/* Status line and headers of q->out; `length` of the body to come, -1: none announced. */
static sim_buf_t *make_head(sim_req_t *q, apr_off_t length)
{
    sim_buf_t *b = sim_buf_make(q->p);
    char date[APR_RFC822_DATE_LEN];
    char *remarks = apr_pstrdup(q->p, q->wrong ? q->wrong : ""), *last = NULL, *one;

    apr_rfc822_date(date, apr_time_now());
    sim_buf_printf(b, "HTTP/1.1 %s\r\nDate: %s\r\n",
                   q->out.status_line ? q->out.status_line : ap_get_status_line(q->out.status),
                   date);
    apr_table_do(add_header, b, q->out.headers, NULL);
    /* what the login module adds: the proof to a ticket */
    apr_table_do(add_header, b, q->r->err_headers_out, NULL);
    for (one = apr_strtok(remarks, "\n", &last); one; one = apr_strtok(NULL, "\n", &last))
        add_header(b, "X-Sim-Wrong", one);
    if (q->out.type)
        add_header(b, "Content-Type", q->out.type);
    if (length >= 0)
        sim_buf_printf(b, "Content-Length: %" APR_OFF_T_FMT "\r\n", length);
    sim_buf_puts(b, "\r\n");
    return b;
}

/* The whole reply as bytes. */
static sim_buf_t *make_reply(sim_req_t *q)
{
    sim_buf_t *b = make_head(q, q->out.body.len);

    if (!q->r->header_only)
        sim_buf_add(b, q->out.body.data ? q->out.body.data : "", q->out.body.len);
    return b;
}

/* ---- before: time and connection ---- */

static long number_or(const char *arg, long def)
{
    return *arg ? strtol(arg, NULL, 10) : def;
}

static int run_slow(sim_req_t *q, const char *arg)
{
    sim_fault_sleep(q, number_or(arg, 2000));
    return OK;
}

static int run_silence(sim_req_t *q, const char *arg)
{
    long slices = number_or(arg, SILENCE_SECONDS) * 1000 / SLICE_MS;

    while (slices-- > 0 && !client_left(q) && sim_fault_sleep(q, SLICE_MS))
        ;
    return hang_up(q);
}

static int run_reset(sim_req_t *q, const char *arg)
{
    (void)arg;
    return reset(q);
}

static int run_close(sim_req_t *q, const char *arg)
{
    (void)arg;
    return hang_up(q);
}

/* ---- before: another answer ---- */

static int run_login_expired(sim_req_t *q, const char *arg)
{
    (void)arg;
    sim_auth_expire(q);
    return sim_auth_refuse(q, "the fault login-expired");
}

static int run_partial(sim_req_t *q, const char *arg)
{
    q->fail_property = *arg ? apr_pstrdup(q->p, arg) : "*";
    return OK;
}

static int run_html(sim_req_t *q, const char *arg)
{
    (void)arg;
    sim_page(q, HTTP_OK, "Welcome", "A device on the way put this page in place of the answer.");
    apr_table_setn(q->r->notes, SIM_FAULT_FOREIGN, "1");
    return DONE;
}

static int run_login_page(sim_req_t *q, const char *arg)
{
    (void)arg;
    sim_forms_page(q, q->path);
    return DONE;
}

static int run_redirect(sim_req_t *q, const char *arg)
{
    sim_answer(q, HTTP_MOVED_TEMPORARILY);
    apr_table_setn(q->out.headers, "Location",
                   strstr(arg, "://") ? arg
                   : apr_pstrcat(q->p, "http://", *arg ? arg : "other-host.example", q->path,
                                 NULL));
    return DONE;
}

/* "423 Locked"; numbers that httpd does not know get a line, too. */
static const char *line_of(apr_pool_t *p, int status)
{
    const char *line = ap_get_status_line(status);

    return atoi(line) == status ? line
        : apr_psprintf(p, "%d %s", status, status == 440 ? "Login Timeout" : "Status");
}

/* A status by number, as the server words it. */
static int answer_status(sim_req_t *q, const char *arg, int def)
{
    int status = *arg ? atoi(arg) : def;
    const char *retry = strchr(arg, '/');

    if (status < 200 || status > 599)
        status = def;
    sim_page(q, status, "Error", "The request failed, as it was told to.");
    if (!q->out.status_line)
        q->out.status_line = line_of(q->p, status);
    if (status == HTTP_SERVICE_UNAVAILABLE || retry)
        apr_table_setn(q->out.headers, "Retry-After", retry ? retry + 1 : "5");
    return DONE;
}

static int run_status(sim_req_t *q, const char *arg)
{
    return answer_status(q, arg, HTTP_INTERNAL_SERVER_ERROR);
}

static int run_over_quota(sim_req_t *q, const char *arg)
{
    return answer_status(q, arg, HTTP_INSUFFICIENT_STORAGE);
}

static int run_locked(sim_req_t *q, const char *arg)
{
    return answer_status(q, arg, HTTP_LOCKED);
}

static int run_inner(sim_req_t *q, const char *arg)
{
    int status = *arg ? atoi(arg) : HTTP_LOCKED;

    sim_answer(q, HTTP_MULTI_STATUS);
    q->out.type = "text/xml";
    sim_buf_puts(&q->out.body, "<?xml version=\"1.0\"?><a:multistatus xmlns:a=\"DAV:\"><a:response>"
                 "<a:href>");
    sim_buf_xml(&q->out.body, sim_href_path(q, q->path));
    sim_buf_printf(&q->out.body, "</a:href><a:status>HTTP/1.1 %s</a:status></a:response>"
                   "</a:multistatus>", line_of(q->p, status));
    return DONE;
}

static int run_garbage(sim_req_t *q, const char *arg)
{
    static const char noise[] = "\x16\x03\x01\x02\x00 this is no HTTP\r\n\x01\x02\x03\r\n\r\n";

    (void)arg;
    take_over(q);
    put(q, noise, sizeof(noise) - 1);
    return DONE;
}

/* ---- after: time and connection ---- */

static int run_cut(sim_req_t *q, const char *arg)
{
    apr_size_t at = number_or(arg, 0);
    sim_buf_t *b;

    b = make_reply(q);
    take_over(q);
    if (at)
        put(q, b->data, at < b->len ? at : b->len);
    return DONE;
}

static int run_truncated(sim_req_t *q, const char *arg)
{
    apr_size_t keep = *arg ? (apr_size_t)strtoul(arg, NULL, 10) : q->out.body.len / 2;
    sim_buf_t *b;

    b = make_head(q, q->out.body.len);
    sim_buf_add(b, q->out.body.data ? q->out.body.data : "",
                keep < q->out.body.len ? keep : q->out.body.len);
    take_over(q);
    put(q, b->data, b->len);
    return DONE;
}

static int run_drip(sim_req_t *q, const char *arg)
{
    const char *slash = strchr(arg, '/');
    long bytes = number_or(arg, DRIP_BYTES), ms = slash ? atol(slash + 1) : DRIP_MS;
    apr_size_t at = 0;
    sim_buf_t *b;

    b = make_reply(q);
    take_over(q);
    q->r->connection->keepalive = AP_CONN_KEEPALIVE;
    while (at < b->len) {
        apr_size_t n = b->len - at < (apr_size_t)bytes ? b->len - at : (apr_size_t)bytes;

        if (!n || !put(q, b->data + at, n) || (at + n < b->len && !sim_fault_sleep(q, ms))) {
            q->r->connection->keepalive = AP_CONN_CLOSE;
            break;
        }
        at += n;
    }
    return DONE;
}

static int run_close_silently(sim_req_t *q, const char *arg)
{
    sim_buf_t *b;

    (void)arg;
    b = make_reply(q);
    take_over(q);
    put(q, b->data, b->len);
    return DONE;
}

static int run_close_after_401(sim_req_t *q, const char *arg)
{
    if (strcmp(arg, "silently") == 0)
        return run_close_silently(q, "");
    q->r->connection->keepalive = AP_CONN_CLOSE;
    return OK;
}

static int run_huge(sim_req_t *q, const char *arg)
{
    static char blanks[65536];
    apr_off_t fill = (apr_off_t)number_or(arg, HUGE_MB) * 1024 * 1024, left;
    const char *body = q->out.body.data ? q->out.body.data : "", *at = NULL, *p;
    sim_buf_t *b;

    for (p = body; (p = strstr(p, "</")) != NULL; p++)
        at = p;                 /* before the last end tag: the document stays well-formed */
    if (!at)
        at = body + q->out.body.len;
    memset(blanks, ' ', sizeof(blanks));
    b = make_head(q, q->out.body.len + fill);
    sim_buf_add(b, body, at - body);
    take_over(q);
    q->r->connection->keepalive = AP_CONN_KEEPALIVE;
    if (!put(q, b->data, b->len))
        return hang_up(q);
    for (left = fill; left > 0; left -= sizeof(blanks))
        if (!put(q, blanks, left < (apr_off_t)sizeof(blanks) ? (apr_size_t)left : sizeof(blanks)))
            return hang_up(q);
    if (*at && !put(q, at, strlen(at)))
        return hang_up(q);
    return DONE;
}

/* ---- after: the answer's content ---- */

static int run_status_after(sim_req_t *q, const char *arg)
{
    answer_status(q, arg, HTTP_INTERNAL_SERVER_ERROR);
    return OK;
}

/* Puts `text` into the body at offset `at`. */
static void insert(sim_req_t *q, apr_size_t at, const char *text, apr_size_t len)
{
    apr_size_t n = q->out.body.len;
    const char *old = apr_pstrmemdup(q->p, q->out.body.data ? q->out.body.data : "", n);

    sim_buf_clear(&q->out.body);
    sim_buf_add(&q->out.body, old, at);
    sim_buf_add(&q->out.body, text, len);
    sim_buf_add(&q->out.body, old + at, n - at);
}

/* Offset behind the XML declaration, 0 without one. */
static apr_size_t after_declaration(const sim_req_t *q)
{
    const char *body = q->out.body.data ? q->out.body.data : "", *end;

    if (strncmp(body, "<?xml", 5) != 0 || (end = strstr(body, "?>")) == NULL)
        return 0;
    return end + 2 - body;
}

/* Offset behind the start tag of the root element. */
static apr_size_t inside_root(const sim_req_t *q)
{
    apr_size_t at = after_declaration(q);
    const char *body = q->out.body.data ? q->out.body.data : "", *end = strchr(body + at, '>');

    return end ? (apr_size_t)(end + 1 - body) : q->out.body.len;
}

static int run_malformed(sim_req_t *q, const char *arg)
{
    static const char bad[] = "<x:open attribute=novalue></y:other>";

    (void)arg;
    insert(q, inside_root(q), bad, sizeof(bad) - 1);
    return OK;
}

static int run_doctype(sim_req_t *q, const char *arg)
{
    const char *text = apr_psprintf(q->p, "<!DOCTYPE multistatus SYSTEM \"%s\">",
                                    *arg ? arg : "http://other-host.example/evil.dtd");

    insert(q, after_declaration(q), text, strlen(text));
    return OK;
}

static int run_entity_bomb(sim_req_t *q, const char *arg)
{
    sim_buf_t *b;
    int i, k;

    (void)arg;
    b = sim_buf_make(q->p);
    sim_buf_puts(b, "<!DOCTYPE multistatus [<!ENTITY e0 \"haha\">");
    for (i = 1; i < 10; i++) {
        sim_buf_printf(b, "<!ENTITY e%d \"", i);
        for (k = 0; k < 10; k++)
            sim_buf_printf(b, "&e%d;", i - 1);
        sim_buf_puts(b, "\">");
    }
    sim_buf_puts(b, "]>");
    insert(q, inside_root(q), "&e9;", 4);
    insert(q, after_declaration(q), b->data, b->len);
    return OK;
}

/* Reads one UTF-8 character of a body that the simulator itself made. */
static unsigned next_char(const unsigned char **p)
{
    unsigned c = *(*p)++;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

    if (more)
        c &= 0x3f >> more;
    while (more-- && **p)
        c = c << 6 | (*(*p)++ & 0x3f);
    return c;
}

static int run_charset(sim_req_t *q, const char *arg)
{
    const unsigned char *p;
    char unit[4];
    sim_buf_t *b;

    if (strcmp(arg, "label") == 0) {
        q->out.type = apr_pstrcat(q->p, q->out.type ? q->out.type : "text/xml",
                                  "; charset=\"iso-8859-2\"", NULL);
        return OK;
    }
    if (strcmp(arg, "utf-16") != 0)
        insert(q, inside_root(q), "<!--\xc3\xa1-->", 9);
    p = (const unsigned char *)apr_pstrmemdup(q->p, q->out.body.data ? q->out.body.data : "",
                                              q->out.body.len);
    b = sim_buf_make(q->p);
    if (strcmp(arg, "utf-16") == 0)
        sim_buf_add(b, "\xff\xfe", 2);
    while (*p) {
        unsigned c = next_char(&p);

        unit[0] = c & 255;
        unit[1] = c >> 8;
        if (strcmp(arg, "utf-16") != 0)
            sim_buf_add(b, c < 256 ? unit : "?", 1);
        else
            sim_buf_add(b, c < 0x10000 ? unit : "?", 2);
    }
    sim_buf_clear(&q->out.body);
    sim_buf_add(&q->out.body, b->data ? b->data : "", b->len);
    return OK;
}

static int run_big_header(sim_req_t *q, const char *arg)
{
    apr_size_t n = number_or(arg, BIG_HEADER_KB) * 1024;
    char *value = apr_palloc(q->p, n + 1);

    memset(value, 'x', n);
    value[n] = '\0';
    apr_table_setn(q->out.headers, "X-Filler", value);
    return OK;
}

static int run_no_webstorage(sim_req_t *q, const char *arg)
{
    (void)arg;
    apr_table_unset(q->out.headers, "MS-WebStorage");
    return OK;
}

/* ---- the list ---- */

const fault_kind_t fault_kinds[] = {
    { "slow", FAULT_BEFORE, "milliseconds, 2000", "waits, then executes and answers", run_slow,
      NULL },
    { "silence", FAULT_BEFORE, "seconds, 60", "not executed, never answered; then closed",
      run_silence, NULL },
    { "reset-before", FAULT_BEFORE, NULL, "not executed; the connection is reset", run_reset,
      NULL },
    { "close-before", FAULT_BEFORE, NULL, "not executed; closed without a byte", run_close,
      NULL },
    { "login-expired", FAULT_BEFORE, NULL, "not executed: the logon is forgotten, 440 or 401",
      run_login_expired, NULL },
    { "207-partial", FAULT_BEFORE, "\"NAMESPACE NAME\", * (any)",
      "that property of a PROPPATCH fails, the others get 424 (rule 15)", run_partial,
      "PROPPATCH, BPROPPATCH" },
    { "inner", FAULT_BEFORE, "status, 423", "not executed: 207 with this inner status", run_inner,
      NULL },
    { "html-instead-of-xml", FAULT_BEFORE, NULL, "not executed: 200 with a page of HTML",
      run_html, NULL },
    { "login-page", FAULT_BEFORE, NULL, "not executed: 200 with the logon form", run_login_page,
      NULL },
    { "redirect-away", FAULT_BEFORE, "host or URL, other-host.example",
      "not executed: 302 to another host", run_redirect, NULL },
    { "status", FAULT_BEFORE, "status[/Retry-After], 500", "not executed: this status",
      run_status, NULL },
    { "over-quota", FAULT_BEFORE, NULL, "not executed: 507", run_over_quota,
      "PUT, POST, PROPPATCH, BPROPPATCH, MKCOL, COPY, MOVE" },
    { "locked", FAULT_BEFORE, NULL, "not executed: 423", run_locked,
      "PUT, POST, PROPPATCH, BPROPPATCH, DELETE, MOVE" },
    { "garbage", FAULT_BEFORE, NULL, "not executed: bytes that are no HTTP, then closed",
      run_garbage, NULL },
    { "late", FAULT_AFTER, "milliseconds, 2000", "executed; the answer waits", run_slow, NULL },
    { "mute", FAULT_AFTER, "seconds, 60", "executed, never answered; then closed", run_silence,
      NULL },
    { "reset-after-write", FAULT_AFTER, NULL,
      "executed; the connection is reset without an answer", run_reset, NULL },
    { "cut", FAULT_AFTER, "bytes, 0",
      "executed; closed after so many bytes of the reply, headers included", run_cut, NULL },
    { "truncated", FAULT_AFTER, "bytes, half",
      "the body ends early, though Content-Length promises all", run_truncated, NULL },
    { "drip", FAULT_AFTER, "bytes/milliseconds, 16/50", "the answer comes in small pieces",
      run_drip, NULL },
    { "close-silently", FAULT_AFTER, NULL, "answered in full, then closed without having said so",
      run_close_silently, NULL },
    { "status-after", FAULT_AFTER, "status[/Retry-After], 500", "executed, yet this status",
      run_status_after, NULL },
    { "huge", FAULT_AFTER, "megabytes, 64", "the body is padded to this size", run_huge, NULL },
    { "malformed-xml", FAULT_AFTER, NULL, "the XML is damaged", run_malformed, NULL },
    { "doctype", FAULT_AFTER, "URL of a DTD", "the XML has a DOCTYPE that names a file",
      run_doctype, NULL },
    { "entity-bomb", FAULT_AFTER, NULL, "entities that would grow to 4 GB", run_entity_bomb,
      NULL },
    { "wrong-charset", FAULT_AFTER, "bytes|label|utf-16, bytes",
      "Latin-1 bytes where UTF-8 is announced; a wrong charset label; UTF-16", run_charset,
      NULL },
    { "big-header", FAULT_AFTER, "kilobytes, 64", "one header line of this size", run_big_header,
      NULL },
    { "no-ms-webstorage", FAULT_AFTER, NULL, "without the server's version header",
      run_no_webstorage, NULL },
    { "close-after-401", FAULT_LOGON, "silently",
      "the connection of a 401 is closed, with or without saying so", run_close_after_401, NULL },
    { NULL, FAULT_BEFORE, NULL, NULL, NULL, NULL },
};
