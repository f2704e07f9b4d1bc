/* witness.c - see witness.h. */

#include "witness.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "inspect.h"

/* One row for each difference, so that an operation of ten requests over one connection is one row:
 * room for 200,000 requests even if none is like another. 12 MB, touched as it fills. */
#define ROWS_MAX (1 << 18)
#define SLOTS (1 << 16)
#define PAGE_ROWS 20000

typedef struct {
    apr_uint64_t op;
    const char *user, *mailbox, *means;         /* names that live as long as the process */
    unsigned long conn;
    unsigned requests;
    unsigned next;              /* the older row of this slot, counted from 1; 0: none */
} row_t;

static row_t rows[ROWS_MAX];
static unsigned nrows, slots[SLOTS];
static unsigned long lost;      /* requests that found no room */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static const char nobody[] = "-"; /* no user; no mailbox in the path */
static const char unknown[] = "?"; /* one that is not here */

void sim_witness_reset(void)
{
    pthread_mutex_lock(&mutex);
    memset(slots, 0, sizeof(slots));
    nrows = 0;
    lost = 0;
    pthread_mutex_unlock(&mutex);
}

/* 0 unless the id is one as a client has to send it. */
static int op_read(const char *text, apr_uint64_t *op)
{
    if (!text || strlen(text) != SIM_OP_DIGITS
        || strspn(text, "0123456789abcdefABCDEF") != SIM_OP_DIGITS)
        return 0;
    *op = strtoull(text, NULL, 16);
    return 1;
}

static unsigned slot_of(apr_uint64_t op)
{
    return (unsigned)(op * 0x9e3779b97f4a7c15ULL >> 48) % SLOTS;
}

/* The mailbox a path is about, whether or not it led anywhere. */
static const char *mailbox_of(sim_req_t *q, const char *path)
{
    char *last = NULL, *first = apr_strtok(apr_pstrdup(q->p, path), "/", &last), *name;
    const char *plain;
    sim_mailbox_t *m;

    if (!first || strcasecmp(first, "exchange") != 0 || !(name = apr_strtok(NULL, "/", &last)))
        return nobody;
    plain = sim_unescape(q->p, name);
    m = plain ? sim_mailbox_find(q->store, plain) : NULL;
    return m ? m->name : unknown;
}

/* Under the mutex. */
static void add(apr_uint64_t op, const char *user, const char *mailbox, const char *means,
                unsigned long conn)
{
    unsigned *slot = &slots[slot_of(op)], i;
    const char *other = NULL;
    int mine = 0, third = 0;
    row_t *r;

    for (i = *slot; i; i = r->next) {
        r = &rows[i - 1];
        if (r->op != op)
            continue;
        if (r->user == user && r->mailbox == mailbox && r->means == means && r->conn == conn) {
            r->requests++;
            return;
        }
        if (r->user == user) {
            mine = 1;
        }
        else if (r->user != nobody) {
            third |= other && r->user != other;
            other = r->user;
        }
    }
    if (user != nobody && other && !mine && !third)     /* once, when the second shows */
        sim_count(SIM_COUNT_OP_TWO_USERS);
    if (nrows == ROWS_MAX) {
        lost++;
        return;
    }
    r = &rows[nrows++];
    r->op = op;
    r->user = user;
    r->mailbox = mailbox;
    r->means = means;
    r->conn = conn;
    r->requests = 1;
    r->next = *slot;
    *slot = nrows;
}

void sim_witness_note(sim_req_t *q)
{
    const char *to = apr_table_get(q->r->headers_in, "Destination");
    const char *user = q->user ? q->user->name : *q->user_name ? unknown : nobody;
    const char *mailbox = mailbox_of(q, q->path), *second;
    apr_uint64_t op;

    if (user != nobody && q->conn->user && q->conn->user != user && !q->conn->shared) {
        q->conn->shared = 1;
        sim_count(SIM_COUNT_CONNECTION_TWO_USERS);
    }
    if (user != nobody && !q->conn->user)
        q->conn->user = user;
    if (!op_read(q->op, &op)) {
        sim_count(SIM_COUNT_WITHOUT_OP);
        return;
    }
    to = to ? sim_url_path(q, to, NULL) : NULL;
    second = to ? mailbox_of(q, to) : mailbox;
    pthread_mutex_lock(&mutex);
    add(op, user, mailbox, q->means, q->conn->id);
    if (second != mailbox)
        add(op, user, second, q->means, q->conn->id);
    pthread_mutex_unlock(&mutex);
}

static unsigned long number_field(sim_req_t *q, const char *name, unsigned long def)
{
    const char *text = sim_field(q->p, q->args, name);

    return text ? strtoul(text, NULL, 10) : def;
}

int sim_witness_page(sim_req_t *q)
{
    unsigned long i = number_field(q, "from", 0), n = number_field(q, "count", PAGE_ROWS);
    sim_buf_t *b = &q->out.body;

    sim_answer(q, HTTP_OK);
    q->out.type = "text/plain; charset=utf-8";
    pthread_mutex_lock(&mutex);
    apr_table_setn(q->out.headers, "X-Sim-Total", apr_psprintf(q->p, "%u", nrows));
    apr_table_setn(q->out.headers, "X-Sim-Lost", apr_psprintf(q->p, "%lu", lost));
    for (n = n < PAGE_ROWS ? n : PAGE_ROWS; i < nrows && n; i++, n--) {
        const row_t *r = &rows[i];

        sim_buf_printf(b, "%016" APR_UINT64_T_HEX_FMT "\t%s\t%s\t%s\t%lu\t%u\n", r->op, r->user,
                       r->means, r->mailbox, r->conn, r->requests);
    }
    pthread_mutex_unlock(&mutex);
    return OK;
}
