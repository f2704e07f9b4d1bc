/* The reply under construction: byte buffer, status, pages, remarks; and sending it. */
#include "sim.h"

#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static apr_status_t buf_free(void *data)
{
    sim_buf_t *b = data;

    free(b->data);
    b->data = NULL;
    b->len = b->size = 0;
    return APR_SUCCESS;
}

void sim_buf_init(apr_pool_t *p, sim_buf_t *b)
{
    memset(b, 0, sizeof(*b));
    apr_pool_cleanup_register(p, b, buf_free, apr_pool_cleanup_null);
}

static void reserve(sim_buf_t *b, apr_size_t more)
{
    if (b->len + more + 1 > b->size) {
        apr_size_t size = b->size ? b->size : 1024;

        while (size < b->len + more + 1) {
            size *= 2;
        }
        b->data = realloc(b->data, size);
        if (!b->data) {
            abort();
        }
        b->size = size;
    }
}

void sim_buf_add(sim_buf_t *b, const char *data, apr_size_t len)
{
    reserve(b, len);
    memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void sim_buf_puts(sim_buf_t *b, const char *text)
{
    sim_buf_add(b, text, strlen(text));
}

void sim_buf_printf(sim_buf_t *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        return;
    }
    reserve(b, (apr_size_t)n);
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (apr_size_t)n;
}

void sim_buf_clear(sim_buf_t *b)
{
    b->len = 0;
    if (b->data) {
        b->data[0] = '\0';
    }
}

void sim_buf_xml(sim_buf_t *b, const char *text)
{
    const char *from = text;
    char ref[12];

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        const char *esc = c == '<'    ? "&lt;"
                          : c == '>'  ? "&gt;"
                          : c == '&'  ? "&amp;"
                          : c == '"'  ? "&quot;"
                          : c == '\r' ? "&#13;"
                                      : NULL;

        if (!esc && c < ' ' && c != '\n' && c != '\t') {
            snprintf(ref, sizeof(ref), "&#x%x;", c);
            esc = ref;
        }
        if (esc) {
            sim_buf_add(b, from, (apr_size_t)(text - from));
            sim_buf_puts(b, esc);
            from = text + 1;
        }
    }
    sim_buf_add(b, from, (apr_size_t)(text - from));
}

void sim_buf_html(sim_buf_t *b, const char *text)
{
    sim_buf_xml(b, text);
}

unsigned sim_random(sim_req_t *q, unsigned below)
{
    q->random ^= q->random << 13;
    q->random &= 0xffffffffUL;
    q->random ^= q->random >> 17;
    q->random ^= q->random << 5;
    q->random &= 0xffffffffUL;
    return (unsigned)(q->random % below);
}

void sim_wrong(sim_req_t *q, int rule, const char *fmt, ...)
{
    va_list ap;
    char *text, *c;

    va_start(ap, fmt);
    text = apr_pvsprintf(q->p, fmt, ap);
    va_end(ap);
    for (c = text; *c; c++) { /* it becomes a header */
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = ' ';
        }
    }
    text = apr_psprintf(q->p, "rule %d: %s", rule, text);
    q->wrong = q->wrong ? apr_pstrcat(q->p, q->wrong, "\n", text, NULL) : text;
}

int sim_answer(sim_req_t *q, int status)
{
    q->out.status = status;
    q->out.status_line = status == 440   ? "440 Login Timeout"
                         : status == 425 ? "425 Unordered Collection"
                                         : NULL;
    q->out.type = NULL;
    sim_buf_clear(&q->out.body);
    if (status == HTTP_UNAUTHORIZED) {
        sim_auth_challenge(q);
    }
    return OK;
}

int sim_page(sim_req_t *q, int status, const char *title, const char *text)
{
    sim_answer(q, status);
    q->out.type = "text/html; charset=utf-8";
    sim_buf_puts(&q->out.body, "<html><head><title>");
    sim_buf_html(&q->out.body, title);
    sim_buf_puts(&q->out.body, "</title></head><body><p>");
    sim_buf_html(&q->out.body, text);
    sim_buf_puts(&q->out.body, "</p></body></html>\r\n");
    return OK;
}

static int add_header(void *data, const char *name, const char *value)
{
    request_rec *r = data;

    if (strcasecmp(name, "Connection") == 0) {
        if (strcasecmp(value, "close") == 0) {
            r->connection->keepalive = AP_CONN_CLOSE;
        }
        return 1;
    }
    apr_table_addn(r->headers_out, name, value);
    return 1;
}

int sim_send(sim_req_t *q)
{
    request_rec *r = q->r;
    char *remarks, *last, *line;

    r->status = q->out.status;
    r->status_line = q->out.status_line;
    if (q->out.type) {
        ap_set_content_type(r, q->out.type);
    }
    apr_table_do(add_header, r, q->out.headers, NULL);
    remarks = apr_pstrdup(q->p, q->wrong ? q->wrong : "");
    for (line = apr_strtok(remarks, "\n", &last); line; line = apr_strtok(NULL, "\n", &last)) {
        apr_table_addn(r->headers_out, "X-Sim-Wrong", line);
    }
    ap_set_content_length(r, (apr_off_t)q->out.body.len);
    if (q->out.body.len) {
        ap_rwrite(q->out.body.data, (int)q->out.body.len, r);
    }
    return OK;
}
