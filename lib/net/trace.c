/* trace.c - the record of an operation's exchanges. What must not stand in it: redact.c. */
#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "net/trace.h"

#define PIECE 1000 /* bytes of a line; a line of the log has room for twice as many */

typedef struct record_t {
    const oc_exchange_t *x; /* NULL once it has ended */
    const char *request, *head, *body, *end;
    const char *type; /* of the reply's body */
    char *raw;        /* the reply's body until it ends */
    apr_size_t raw_len, raw_room;
    apr_off_t left_out;
    struct record_t *next;
} record_t;

struct oc_trace_t {
    apr_pool_t *pool;
    apr_size_t max, used;
    record_t *first, *last;
    int left_out; /* exchanges of which nothing is kept */
};

oc_trace_t *oc_trace_create(apr_pool_t *pool, apr_size_t max_bytes)
{
    oc_trace_t *trace = apr_pcalloc(pool, sizeof(*trace));

    trace->pool = pool;
    trace->max = max_bytes;
    return trace;
}

/* At most what is left; the rest is counted in the record. */
static apr_size_t fits(oc_trace_t *trace, record_t *record, apr_size_t len)
{
    apr_size_t kept = trace->max - trace->used < len ? trace->max - trace->used : len;

    trace->used += kept;
    record->left_out += (apr_off_t)(len - kept);
    return kept;
}

/* So many bytes of a line that no character is cut in two. */
static apr_size_t piece_of(const char *line, apr_size_t len)
{
    apr_size_t n = len;

    if (len > PIECE) {
        for (n = PIECE; n > PIECE - 4 && ((unsigned char)line[n] & 0xC0) == 0x80; --n) {
        }
    }
    return n;
}

/* Every line of text with the sign in front, harmless for a log. */
static const char *as_lines(apr_pool_t *pool, char sign, const char *text)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(const char *));

    while (*text) {
        apr_size_t len = strcspn(text, "\n"), bare = len;
        char how = ' ';

        if (bare && text[bare - 1] == '\r') {
            --bare;
        }
        do {
            apr_size_t n = piece_of(text, bare);

            APR_ARRAY_PUSH(parts, const char *) =
                apr_psprintf(pool, "%c%c%s\n", sign, how,
                             oc_str_log(pool, apr_pstrmemdup(pool, text, n), 4 * n));
            how = '+';
            text += n;
            bare -= n;
            len -= n;
        } while (bare > 0);
        text += len + (text[len] == '\n');
    }
    return apr_array_pstrcat(pool, parts, '\0');
}

static const char *keep(oc_trace_t *trace, record_t *record, const char *text)
{
    return apr_pstrmemdup(trace->pool, text, fits(trace, record, strlen(text)));
}

typedef struct lines_t {
    apr_pool_t *pool;
    const char *prefix, *text;
} lines_t;

static int add_header(void *baton, const char *name, const char *value)
{
    lines_t *lines = baton;

    lines->text = apr_pstrcat(lines->pool, lines->text, name, ": ",
                              oc_trace_redact_header(lines->pool, name, value), "\n", NULL);
    return 1;
}

static record_t *find(oc_trace_t *trace, const oc_exchange_t *x)
{
    record_t *record = trace->first;

    while (record && record->x != x) {
        record = record->next;
    }
    return record;
}

void oc_trace_request(oc_trace_t *trace, const oc_exchange_t *x)
{
    apr_pool_t *scratch;
    record_t *record;
    lines_t lines = {0};
    const char *text;

    if (trace->used >= trace->max) {
        ++trace->left_out;
        return;
    }
    apr_pool_create(&scratch, trace->pool);
    record = apr_pcalloc(trace->pool, sizeof(*record));
    record->x = x;
    if (trace->last) {
        trace->last->next = record;
    } else {
        trace->first = record;
    }
    trace->last = record;
    lines.pool = scratch;
    lines.text = apr_psprintf(scratch, "%s %s HTTP/1.1\n", x->method ? x->method : "(none)",
                              x->path ? oc_trace_redact_path(scratch, x->path) : "(none)");
    apr_table_do(add_header, &lines, x->headers, NULL);
    if (x->authorization) {
        add_header(&lines, "Authorization", x->authorization);
    }
    if (x->cookie) {
        add_header(&lines, "Cookie", x->cookie);
    }
    text =
        apr_psprintf(scratch, "== %s: %s://%s:%d%s\n", x->purpose ? x->purpose : "exchange",
                     x->site ? x->site->scheme : "?", x->site ? x->site->host : "?",
                     x->site ? x->site->port : 0, x->connauth == OC_CONNAUTH_NTLM ? ", NTLM" : "");
    text = apr_pstrcat(scratch, text, as_lines(scratch, '>', lines.text), NULL);
    if (x->body) {
        apr_size_t most = trace->max < x->body_len ? trace->max : x->body_len;
        const char *body =
            oc_trace_redact_body(scratch, apr_table_get(x->headers, "Content-Type"), x->body, most);

        record->left_out += (apr_off_t)(x->body_len - most);
        text = apr_pstrcat(scratch, text, ">\n", as_lines(scratch, '>', body), NULL);
    }
    record->request = keep(trace, record, text);
    apr_pool_destroy(scratch);
}

void oc_trace_reply(oc_trace_t *trace, const oc_exchange_t *x, const char *data, apr_size_t len)
{
    record_t *record = find(trace, x);
    apr_pool_t *scratch;
    lines_t lines;

    if (!record) {
        return;
    }
    if (data) {
        len = fits(trace, record, len);
        if (record->raw_len + len > record->raw_room) {
            apr_size_t room = 2 * (record->raw_len + len);
            char *raw = apr_palloc(trace->pool, room);

            if (record->raw_len) {
                memcpy(raw, record->raw, record->raw_len);
                oc_str_wipe(record->raw, record->raw_len);
            }
            record->raw = raw;
            record->raw_room = room;
        }
        if (len) {
            memcpy(record->raw + record->raw_len, data, len);
        }
        record->raw_len += len;
        return;
    }
    apr_pool_create(&scratch, trace->pool);
    lines.pool = scratch;
    lines.text = apr_psprintf(scratch, "%d\n", x->status);
    apr_table_do(add_header, &lines, x->reply_headers, NULL);
    record->head = keep(trace, record, as_lines(scratch, '<', lines.text));
    record->type = apr_pstrdup(trace->pool, apr_table_get(x->reply_headers, "Content-Type"));
    apr_pool_destroy(scratch);
}

void oc_trace_end(oc_trace_t *trace, const oc_exchange_t *x)
{
    static const char *const outcomes[] = {"pending", "replied",   "not sent", "lost",
                                           "timeout", "too large", "cancelled"};
    record_t *record = find(trace, x);
    apr_pool_t *scratch;

    if (!record) {
        return;
    }
    apr_pool_create(&scratch, trace->pool);
    if (record->raw_len) {
        const char *body =
            oc_trace_redact_body(scratch, record->type, record->raw, record->raw_len);
        apr_size_t len;

        /* Its place was taken while it was raw; escapes may make it longer. */
        trace->used -= record->raw_len;
        body = apr_pstrcat(scratch, "<\n", as_lines(scratch, '<', body), NULL);
        len = fits(trace, record, strlen(body));
        record->body = apr_pstrmemdup(trace->pool, body, len);
        oc_str_wipe(record->raw, record->raw_len);
        record->raw = NULL;
        record->raw_len = record->raw_room = 0;
    }
    record->end = apr_psprintf(
        trace->pool, "== %s%s%s%s, %" APR_OFF_T_FMT " bytes in %" APR_TIME_T_FMT " ms\n",
        outcomes[x->outcome], x->outcome != OC_X_REPLIED && x->sent ? " after sending" : "",
        x->error ? ": " : "", x->error ? oc_str_log(scratch, x->error, 200) : "", x->received,
        apr_time_as_msec(x->ended - x->started));
    record->x = NULL;
    apr_pool_destroy(scratch);
}

const char *oc_trace_text(oc_trace_t *trace, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(const char *));
    record_t *record;

    for (record = trace->first; record; record = record->next) {
        const char *const pieces[] = {record->request, record->head, record->body};
        int i;

        for (i = 0; i < 3; ++i) {
            if (pieces[i] && *pieces[i]) {
                APR_ARRAY_PUSH(parts, const char *) = pieces[i];
                if (pieces[i][strlen(pieces[i]) - 1] != '\n') { /* cut by the bound */
                    APR_ARRAY_PUSH(parts, const char *) = "\n";
                }
            }
        }
        if (record->left_out) {
            APR_ARRAY_PUSH(parts, const char *) =
                apr_psprintf(pool, "== %" APR_OFF_T_FMT " bytes are not kept\n", record->left_out);
        }
        APR_ARRAY_PUSH(parts, const char *) = record->end ? record->end : "== under way\n";
    }
    if (trace->left_out) {
        APR_ARRAY_PUSH(parts, const char *) =
            apr_psprintf(pool, "== %d more exchanges are not kept\n", trace->left_out);
    }
    return apr_array_pstrcat(pool, parts, '\0');
}
