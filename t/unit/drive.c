/* drive.c - see drive.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_base64.h>
#include <apr_file_io.h>
#include <apr_network_io.h>
#include <apr_strings.h>

#include "drive.h"
#include "tap.h"

typedef struct step_t {
    const char *request;             /* "METHOD path" */
    apr_array_header_t *has, *lacks; /* const char * */
    const char *reply;               /* "207 ..\nheaders\n\nbody" */
    apr_size_t len;
    int used;
} step_t;

/* What is being fed: the job's vtable and the job, while drive_run is in progress. */
static __thread oc_job_t *running;

drive_t *drive_create(apr_pool_t *pool)
{
    drive_t *d = apr_pcalloc(pool, sizeof(*d));

    d->pool = pool;
    d->seen = apr_array_make(pool, 16, sizeof(const char *));
    d->steps = apr_array_make(pool, 16, sizeof(step_t));
    d->cut_at = -1;
    return d;
}

static step_t *add_step(drive_t *d, const char *request)
{
    step_t *s = apr_array_push(d->steps);

    memset(s, 0, sizeof(*s));
    s->request = request;
    s->has = apr_array_make(d->pool, 2, sizeof(const char *));
    s->lacks = apr_array_make(d->pool, 2, sizeof(const char *));
    return s;
}

void drive_add(drive_t *d, const char *request, const char *reply)
{
    step_t *s = add_step(d, request);

    s->reply = reply;
    s->len = strlen(reply);
}

/* One line of a trace. */
static void load_trace(drive_t *d, step_t **s, const char *line)
{
    static const char *const ends[][2] = {
        {"== lost", "LOST"}, {"== timeout", "TIMEOUT"}, {"== not sent", "NOT_SENT"}};
    apr_size_t i, len = strlen(line);

    if (*line == '>') {
        if (!*s && len > 11 && !strcmp(line + len - 9, " HTTP/1.1")) {
            *s = add_step(d, apr_pstrmemdup(d->pool, line + 2, len - 11));
            (*s)->reply = "";
        }
    } else if (*s && *line == '<') { /* of the reply; "<+": of the same line */
        const char *start = line + (len > 1 ? 2 : 1);

        (*s)->reply = apr_pstrcat(d->pool, (*s)->reply,
                                  line[1] == '+' || !*(*s)->reply ? "" : "\n", start, NULL);
        (*s)->len = strlen((*s)->reply);
    } else if (*s && (!strncmp(line, "== replied", 10) || !strncmp(line, "== under way", 12))) {
        *s = NULL;
    }
    for (i = 0; *s && i < sizeof(ends) / sizeof(ends[0]); ++i) {
        if (!strncmp(line, ends[i][0], strlen(ends[i][0]))) {
            (*s)->reply = ends[i][1];
            (*s)->len = strlen(ends[i][1]);
            *s = NULL;
        }
    }
}

void drive_load(drive_t *d, const char *file)
{
    apr_file_t *f;
    apr_finfo_t info;
    apr_size_t len;
    char *text, *line, *next;
    step_t *s = NULL;
    int is_trace = 0;

    if (apr_file_open(&f, file, APR_READ | APR_BINARY, APR_OS_DEFAULT, d->pool) != APR_SUCCESS
        || apr_file_info_get(&info, APR_FINFO_SIZE, f) != APR_SUCCESS) {
        printf("Bail out! cannot read %s\n", file);
        exit(1);
    }
    len = (apr_size_t)info.size;
    text = apr_pcalloc(d->pool, len + 1);
    apr_file_read_full(f, text, len, &len);
    apr_file_close(f);
    for (line = text; line && *line; line = next) {
        char *end = strchr(line, '\n');
        next = end ? end + 1 : NULL;
        if (end) {
            *end = '\0';
        }
        is_trace |= !s && !strncmp(line, "== ", 3);
        if (is_trace) {
            load_trace(d, &s, line);
        } else if (!strncmp(line, ">> ", 3)) {
            s = add_step(d, line + 3);
        } else if (s && !strncmp(line, ">~ ", 3)) {
            APR_ARRAY_PUSH(s->has, const char *) = line + 3;
        } else if (s && !strncmp(line, ">! ", 3)) {
            APR_ARRAY_PUSH(s->lacks, const char *) = line + 3;
        } else if (s && !strncmp(line, "<< ", 3)) {
            char *stop;
            if (end) {
                *end = '\n';
            }
            stop = strstr(line, "\n>> ");
            s->reply = line + 3;
            s->len = stop ? (apr_size_t)(stop - s->reply) : strlen(s->reply);
            if (!stop && s->len > 0 && s->reply[s->len - 1] == '\n') {
                --s->len;
            }
            next = stop ? stop + 1 : NULL;
        } else if (*line && *line != '#') {
            printf("Bail out! %s: stray line: %s\n", file, line);
            exit(1);
        }
    }
}

void drive_live(drive_t *d, const char *host, int port, const char *user, const char *password)
{
    const char *pair = apr_pstrcat(d->pool, user, ":", password, NULL);
    char *out = apr_palloc(d->pool, (apr_size_t)apr_base64_encode_len((int)strlen(pair)));

    apr_base64_encode(out, pair, (int)strlen(pair));
    d->host = host;
    d->port = port;
    d->basic = apr_pstrcat(d->pool, "Basic ", out, NULL);
}

/* ---- feeding ---- */

static int feed(drive_t *d, oc_exchange_t *x, oc_feed_t what, const char *data, apr_size_t len)
{
    int unwanted = running->vt->feed(running, x, what, data, len);

    if (what != OC_FEED_END && unwanted) {
        ++d->refused;
    }
    return unwanted && what != OC_FEED_END;
}

void drive_end(drive_t *d, oc_exchange_t *x, oc_outcome_t outcome)
{
    x->outcome = outcome;
    x->sent = outcome != OC_X_NOT_SENT;
    x->error = outcome == OC_X_REPLIED ? NULL : "made so by the test";
    feed(d, x, OC_FEED_END, NULL, 0);
}

void drive_reply(drive_t *d, oc_exchange_t *x, int status, const char *headers, const char *body,
                 apr_size_t len)
{
    apr_size_t block = d->block ? d->block : 4096, i, stop = len;
    int cut = d->cut_at >= 0 && (d->cut_exchange == 0 || d->cut_exchange == d->seen->nelts);
    char *copy, *line, *rest;

    x->status = status;
    copy = apr_pstrdup(d->pool, headers ? headers : "");
    for (line = apr_strtok(copy, "\n", &rest); line; line = apr_strtok(NULL, "\n", &rest)) {
        char *colon = strchr(line, ':');
        if (colon) {
            *colon++ = '\0';
            colon += strspn(colon, " ");
            apr_table_add(x->reply_headers, line, colon);
        }
    }
    if (cut && (apr_size_t)d->cut_at < len) {
        stop = (apr_size_t)d->cut_at;
    }
    if (feed(d, x, OC_FEED_HEAD, NULL, 0)) {
        drive_end(d, x, OC_X_REPLIED);
        return;
    }
    for (i = 0; i < stop; i += block) {
        /* In a block of its own, so that memory checkers see reads past its end. */
        apr_size_t n = stop - i < block ? stop - i : block;
        char *piece = malloc(n);
        int unwanted;
        memcpy(piece, body + i, n);
        x->received += (apr_off_t)n;
        unwanted = feed(d, x, OC_FEED_BODY, piece, n);
        free(piece);
        if (unwanted) {
            drive_end(d, x, OC_X_REPLIED);
            return;
        }
    }
    drive_end(d, x, cut && stop < len ? OC_X_LOST : OC_X_REPLIED);
}

/* "207 Multi-Status\nName: value\n\nbody", or the name of an outcome. */
static void reply_text(drive_t *d, oc_exchange_t *x, const char *text, apr_size_t len)
{
    const char *head = memchr(text, '\n', len), *body = NULL, *end = text + len;
    int status = atoi(text);

    if (!status) {
        x->forbidden = !strncmp(text, "FORBIDDEN", 9); /* as an account's confinement does */
        drive_end(d, x, x->forbidden || !strncmp(text, "NOT_SENT", 8) ? OC_X_NOT_SENT
                        : !strncmp(text, "TIMEOUT", 7) ? OC_X_TIMEOUT : OC_X_LOST);
        return;
    }
    head = head ? head + 1 : end;
    if (head < end && *head == '\n') {
        body = head + 1;
        head = NULL;
    } else {
        const char *p;
        for (p = head; p && p < end - 1; ++p) {
            if (p[0] == '\n' && p[1] == '\n') {
                body = p + 2;
                break;
            }
        }
    }
    if (head) {
        head = apr_pstrmemdup(d->pool, head, (apr_size_t)((body ? body : end) - head));
    }
    drive_reply(d, x, status, head, body ? body : "", body ? (apr_size_t)(end - body) : 0);
}

/* ---- the script ---- */

static int fits(const char *pattern, const char *request)
{
    apr_size_t n = strlen(pattern);

    if (n > 0 && pattern[n - 1] == '*') {
        return !strncmp(pattern, request, n - 1);
    }
    return !strcmp(pattern, request);
}

static int holds(drive_t *d, const oc_exchange_t *x, const char *text)
{
    const apr_array_header_t *all = apr_table_elts(x->headers);
    int i;

    for (i = 0; i < all->nelts; ++i) {
        const apr_table_entry_t *e = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
        if (strstr(apr_pstrcat(d->pool, e->key, ": ", e->val, NULL), text)) {
            return 1;
        }
    }
    return x->body && strstr(apr_pstrmemdup(d->pool, x->body, x->body_len), text) != NULL;
}

static void complain(drive_t *d, const oc_exchange_t *x, const char *what)
{
    ++d->complaints;
    diag("%s %s: %s", x->method, x->path, what);
}

static void by_script(drive_t *d, oc_exchange_t *x, const char *request)
{
    int i, k;

    for (i = 0; i < d->steps->nelts; ++i) {
        step_t *s = &APR_ARRAY_IDX(d->steps, i, step_t);
        if (s->used || !fits(s->request, request)) {
            continue;
        }
        s->used = 1;
        for (k = 0; k < s->has->nelts; ++k) {
            const char *text = APR_ARRAY_IDX(s->has, k, const char *);
            if (!holds(d, x, text)) {
                complain(d, x, apr_psprintf(d->pool, "lacks \"%s\"", text));
                diag("its body: %s", x->body ? x->body : "");
            }
        }
        for (k = 0; k < s->lacks->nelts; ++k) {
            const char *text = APR_ARRAY_IDX(s->lacks, k, const char *);
            if (holds(d, x, text)) {
                complain(d, x, apr_psprintf(d->pool, "has \"%s\"", text));
            }
        }
        reply_text(d, x, s->reply, s->len);
        return;
    }
    complain(d, x, "nobody expected this");
    drive_end(d, x, OC_X_NOT_SENT);
}

/* ---- a real server ---- */

static apr_status_t send_all(apr_socket_t *s, const char *data, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;

    while (len > 0 && rv == APR_SUCCESS) {
        apr_size_t n = len;
        rv = apr_socket_send(s, data, &n);
        data += n;
        len -= n;
    }
    return rv;
}

static apr_size_t unchunk(char *body, apr_size_t len)
{
    char *in = body, *out = body, *end = body + len;

    while (in < end) {
        char *line;
        apr_size_t n = strtoul(in, &line, 16);
        in = memchr(line, '\n', (apr_size_t)(end - line));
        if (!n || !in || n > (apr_size_t)(end - ++in)) {
            break;
        }
        memmove(out, in, n);
        out += n;
        in += n + 2;
    }
    return (apr_size_t)(out - body);
}

/* 1 if what came is a whole reply by its Content-Length: not every server closes as it is told. */
static int whole(char *in, apr_size_t len)
{
    char *body, *length;

    in[len] = '\0';
    body = strstr(in, "\r\n\r\n");
    length = strstr(in, "Content-Length: ");
    return body && length && length < body
           && len >= (apr_size_t)(body + 4 - in) + strtoul(length + 16, NULL, 10);
}

static void by_server(drive_t *d, oc_exchange_t *x)
{
    const apr_array_header_t *all = apr_table_elts(x->headers);
    apr_sockaddr_t *to;
    apr_socket_t *s;
    apr_pool_t *pool;
    const char *head;
    char *in = NULL, *body;
    apr_size_t len = 0, room = 0;
    int i;

    apr_pool_create(&pool, d->pool);
    if (apr_sockaddr_info_get(&to, d->host, APR_INET, (apr_port_t)d->port, 0, pool) != APR_SUCCESS
        || apr_socket_create(&s, to->family, SOCK_STREAM, APR_PROTO_TCP, pool) != APR_SUCCESS
        || apr_socket_timeout_set(s, apr_time_from_sec(10)) != APR_SUCCESS
        || apr_socket_connect(s, to) != APR_SUCCESS) {
        apr_pool_destroy(pool);
        drive_end(d, x, OC_X_NOT_SENT);
        return;
    }
    head = apr_psprintf(pool, "%s %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n"
                        "Authorization: %s\r\nContent-Length: %" APR_SIZE_T_FMT "\r\n", x->method,
                        x->path, x->site->host, d->port, d->basic, x->body_len);
    for (i = 0; i < all->nelts; ++i) {
        const apr_table_entry_t *e = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
        head = apr_pstrcat(pool, head, e->key, ": ", e->val, "\r\n", NULL);
    }
    head = apr_pstrcat(pool, head, "\r\n", NULL);
    if (send_all(s, head, strlen(head)) == APR_SUCCESS && x->body) {
        send_all(s, x->body, x->body_len);
    }
    for (;;) {
        apr_size_t n = 65536;
        if (len + n + 1 > room) {
            room = (len + n + 1) * 2;
            in = realloc(in, room);
        }
        if (apr_socket_recv(s, in + len, &n) != APR_SUCCESS || n == 0) {
            break;
        }
        len += n;
        if (whole(in, len)) {
            break;
        }
    }
    apr_socket_close(s);
    if (!in || len < 12 || (in[len] = '\0', body = strstr(in, "\r\n\r\n")) == NULL) {
        drive_end(d, x, OC_X_LOST);
    } else {
        char *headers = apr_pstrmemdup(pool, in, (apr_size_t)(body - in)), *p;
        int status = atoi(headers + 9);
        for (p = headers; (p = strchr(p, '\r')) != NULL;) {
            memmove(p, p + 1, strlen(p));
        }
        body += 4;
        len -= (apr_size_t)(body - in);
        headers = strchr(headers, '\n');
        if (headers && strstr(headers, "Transfer-Encoding: chunked")) {
            len = unchunk(body, len);
        }
        drive_reply(d, x, status, headers ? headers + 1 : NULL, body, len);
        if (headers && strstr(headers, "X-Sim-Wrong")) {
            diag("%s %s: %s", x->method, x->path, strstr(headers, "X-Sim-Wrong"));
        }
    }
    free(in);
    apr_pool_destroy(pool);
}

/* ---- running ---- */

static void answer(drive_t *d, oc_exchange_t *x)
{
    const char *request = apr_pstrcat(d->pool, x->method, " ", x->path, NULL);

    APR_ARRAY_PUSH(d->seen, const char *) = request;
    if (getenv("DRIVE_VERBOSE")) {
        diag("%s%s %s", request, x->writes ? " (writes)" : "", x->body ? x->body : "");
    }
    if (d->fail_at == d->seen->nelts) {
        if (d->fail_how == OC_X_REPLIED) {
            drive_reply(d, x, d->fail_status,
                        d->fail_body ? "Content-Type: text/html\nMS-WebStorage: 6.5.7226"
                                     : "MS-WebStorage: 6.5.7226",
                        d->fail_body ? d->fail_body : "", d->fail_body ? strlen(d->fail_body) : 0);
        } else {
            drive_end(d, x, d->fail_how);
        }
    } else if (d->answer && d->answer(d, x, d->baton)) {
        return;
    } else if (d->host) {
        by_server(d, x);
    } else {
        by_script(d, x, request);
    }
}

int drive_run(drive_t *d, oc_job_t *job)
{
    apr_array_header_t *flying = apr_array_make(d->pool, 8, sizeof(oc_exchange_t *));
    int i, idle = 0;

    running = job;
    while (!job->vt->done(job)) {
        oc_exchange_t *x;
        while ((x = job->vt->next(job)) != NULL) {
            APR_ARRAY_PUSH(flying, oc_exchange_t *) = x;
        }
        if (flying->nelts > d->peak) {
            d->peak = flying->nelts;
        }
        if (flying->nelts > 0) {
            x = APR_ARRAY_IDX(flying, 0, oc_exchange_t *);
            for (i = 1; i < flying->nelts; ++i) {
                APR_ARRAY_IDX(flying, i - 1, oc_exchange_t *) =
                    APR_ARRAY_IDX(flying, i, oc_exchange_t *);
            }
            apr_array_pop(flying);
            answer(d, x);
            idle = 0;
        } else if (job->vt->done(job)) {
            break;
        } else if (job->wake_at && ++idle < 1000) {
            oc_mono_t now = oc_clock_mono();
            if (d->host) {
                apr_sleep(job->wake_at > now ? job->wake_at - now : 0);
            } else if (job->wake_at > now) {
                oc_clock_advance(job->wake_at - now);
            }
        } else {
            ++d->complaints;
            diag("the job is stuck: not done, nothing in flight, nothing to wait for");
            break;
        }
    }
    return d->complaints;
}

int drive_unused(drive_t *d)
{
    int i, n = 0;

    for (i = 0; i < d->steps->nelts; ++i) {
        const step_t *s = &APR_ARRAY_IDX(d->steps, i, step_t);
        if (!s->used) {
            diag("never asked: %s", s->request);
            ++n;
        }
    }
    return n;
}

oc_call_t *drive_call(void)
{
    oc_call_t *call = oc_call_create("ana", "ana", "test:ana");

    call->memo = oc_memo_create(call->pool, 16);
    return call;
}
