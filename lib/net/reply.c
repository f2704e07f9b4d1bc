/* reply.c - reading a reply: its header section line by line, its body as it comes. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "base/str.h"
#include "net/reply.h"

#define FOLDS_MAX   64  /* lines that go on with the one before: each copies all of its value */
#define HEADERS_MAX 500 /* a trace copies for each all that stand before it */

static void end_here(oc_transfer_t *t, oc_outcome_t verdict, const char *why)
{
    t->verdict = verdict;
    t->why = why;
}

int oc_reply_head(oc_transfer_t *t)
{
    t->fed = 1;
    t->x->status = t->status;
    if (t->ops->feed(t, OC_FEED_HEAD, NULL, 0) != 0) {
        end_here(t, OC_X_REPLIED, NULL);
        return 0;
    }
    return 1;
}

/* A challenge, and no connection to answer it on: libcurl would answer on another, where it counts
 * as a wrong password. */
static int challenge_is_lost(const apr_table_t *headers)
{
    apr_pool_t *pool = apr_table_elts(headers)->pool;
    const char *offers = apr_table_getm(pool, headers, "WWW-Authenticate");
    const char *connection = apr_table_get(headers, "Connection");

    return offers && strstr(offers, "NTLM TlRMTVNT") && connection &&
           strcasecmp(connection, "close") == 0;
}

/* A 401 within the NTLM login. */
static int ntlm_goes_on(oc_transfer_t *t)
{
    if (challenge_is_lost(t->x->reply_headers)) {
        end_here(t, OC_X_NOT_SENT, "the server closed the connection within the NTLM login");
        return 0;
    }
    /* Refused without having been executed, and perhaps only a leg: whether libcurl goes on shows
     * when it hands over a body, ends, or sends again. */
    t->outstanding = 0;
    if (oc_legs_goes_on(&t->legs, t->x->reply_headers)) {
        return 1;
    }
    oc_reply_head(t);
    end_here(t, OC_X_REPLIED, NULL);
    return 0;
}

/* 0: enough of it. */
static int keep_header(oc_transfer_t *t, const char *line, apr_size_t len)
{
    apr_table_t *headers = t->x->reply_headers;
    apr_pool_t *pool = apr_table_elts(headers)->pool;
    const apr_array_header_t *kept = apr_table_elts(headers);
    const char *colon = memchr(line, ':', len), *value;
    char *text;

    if (line[0] == ' ' || line[0] == '\t') { /* a folded line goes on with the one before */
        if (++t->folds > FOLDS_MAX) {
            end_here(t, OC_X_TOO_LARGE, "the reply's header section is folded too often");
            return 0;
        }
        if (kept->nelts > 0) {
            apr_table_entry_t *last = &((apr_table_entry_t *)kept->elts)[kept->nelts - 1];

            text = apr_pstrmemdup(pool, line, len);
            last->val = apr_pstrcat(pool, last->val, " ", oc_str_trim(pool, text), NULL);
        }
        return 1;
    }
    if (!colon || colon == line) {
        return 1;
    }
    if (kept->nelts >= HEADERS_MAX) {
        end_here(t, OC_X_TOO_LARGE, "the reply has too many headers");
        return 0;
    }
    text = apr_pstrmemdup(pool, line, len);
    text[colon - line] = '\0';
    value = oc_str_trim(pool, text + (colon - line) + 1);
    apr_table_addn(headers, oc_str_trim(pool, text), value);
    return 1;
}

int oc_reply_line(oc_transfer_t *t, const char *line, apr_size_t len)
{
    apr_size_t bare = len;

    t->header_bytes += len;
    if (t->header_bytes > t->max_header) {
        end_here(t, OC_X_TOO_LARGE, "the reply's header section is too long");
        return 0;
    }
    while (bare > 0 && (line[bare - 1] == '\n' || line[bare - 1] == '\r')) {
        --bare;
    }
    if (t->complete) {
        return 1; /* a trailer: bounded above, of no use */
    }
    if (t->status == 0) { /* libcurl has made sure that it is a status line */
        const char *blank = memchr(line, ' ', bare);

        t->status = blank && line + bare - blank >= 4 ? atoi(blank + 1) : 0;
        return 1;
    }
    if (bare > 0) {
        return keep_header(t, line, bare);
    }
    if (t->status < 200) { /* an interim answer; the real one follows */
        t->status = 0;
        apr_table_clear(t->x->reply_headers);
        return 1;
    }
    t->complete = 1;
    return t->status == 401 && t->x->connauth == OC_CONNAUTH_NTLM ? ntlm_goes_on(t)
                                                                   : oc_reply_head(t);
}

int oc_reply_body(oc_transfer_t *t, const char *data, apr_size_t len)
{
    if (!t->fed && !oc_reply_head(t)) {
        return 0;
    }
    if (len > t->max_reply || (apr_size_t)t->x->received > t->max_reply - len) {
        end_here(t, OC_X_TOO_LARGE, "the reply's body is too long");
        return 0;
    }
    t->x->received += (apr_off_t)len;
    if (t->ops->feed(t, OC_FEED_BODY, data, len) != 0) {
        end_here(t, OC_X_REPLIED, NULL);
        return 0;
    }
    return 1;
}
