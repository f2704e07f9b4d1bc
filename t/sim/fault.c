/* fault.c - which fault applies to which request; what a fault then does is in damage.c. */

#include "fault.h"

#include <stdlib.h>
#include <string.h>
#include <pthread.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "auth.h"

#define FAULTS_MAX 64
#define SPEC_MAX 1024
#define MARKS "sim-fault-marks"

typedef struct fault_t {
    struct fault_t *next;
    apr_pool_t *pool;           /* of its own; everything below lives in it */
    const fault_kind_t *kind;
    const char *spec, *arg;
    unsigned from, to;          /* numbers of the requests, inclusive */
    int per_conn;
    const char *method, *path, *dest, *body, *cmd, *user;
    unsigned seen, hits;
    apr_hash_t *conns;          /* per_conn: connection id -> unsigned */
} fault_t;

/* A copy of what applies to one request, so that nothing refers to a fault that may be cleared. */
typedef struct mark_t {
    struct mark_t *next;
    const fault_kind_t *kind;
    const char *arg;
} mark_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static fault_t *faults;         /* under the mutex */
static int nfaults;
static volatile int armed;      /* nfaults, readable without the mutex: most runs have none */
static apr_array_header_t *configured; /* specs of the configuration file */

/* ---- reading a specification ---- */

static const char *decode(apr_pool_t *p, const char *text)
{
    const char *plain = sim_unescape(p, text);

    return plain ? plain : text;
}

static const char *number(const char *text, fault_t *f)
{
    char *end;

    f->from = strtoul(text, &end, 10);
    f->to = f->from;
    if (*end == '-')
        f->to = end[1] ? strtoul(end + 1, &end, 10) : (end++, ~0u);
    return *end || !f->from || f->to < f->from ? "a number is n, n-m or n-, counted from 1" : NULL;
}

static const char *selector(fault_t *f, const char *text)
{
    static const struct { const char *prefix; size_t at; } filters[] = {
        { "method=", offsetof(fault_t, method) }, { "path~", offsetof(fault_t, path) },
        { "to~", offsetof(fault_t, dest) }, { "body~", offsetof(fault_t, body) },
        { "cmd=", offsetof(fault_t, cmd) }, { "user=", offsetof(fault_t, user) },
    };
    size_t i;

    if (apr_isdigit(*text))
        return number(text, f);
    if (strcmp(text, "every") == 0)
        return NULL;
    if (strcmp(text, "conn") == 0) {
        f->per_conn = 1;
        return NULL;
    }
    for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        size_t n = strlen(filters[i].prefix);

        if (strncmp(text, filters[i].prefix, n) == 0) {
            *(const char **)((char *)f + filters[i].at) = decode(f->pool, text + n);
            return NULL;
        }
    }
    return "a selector is n, n-m, every, conn, method=, path~, to~, body~, cmd= or user=";
}

/* Reads NAME, ARG and the selectors into a new fault with a pool of its own. */
static const char *parse(apr_pool_t *p, const char *name, const char *arg, const char *when,
                         fault_t **out)
{
    const fault_kind_t *kind;
    const char *wrong = NULL;
    apr_pool_t *pool;
    char *rest, *last = NULL, *one;
    fault_t *f;

    for (kind = fault_kinds; kind->name && strcmp(kind->name, name) != 0; kind++)
        ;
    if (!kind->name)
        return apr_psprintf(p, "there is no fault \"%.64s\"; GET /_sim/fault lists them", name);
    if (arg && *arg && !kind->arg)
        return apr_psprintf(p, "fault %s takes no argument", name);

    apr_pool_create_unmanaged(&pool);
    apr_pool_tag(pool, "sim-fault");
    f = apr_pcalloc(pool, sizeof(*f));
    f->pool = pool;
    f->kind = kind;
    f->arg = apr_pstrdup(pool, arg ? arg : "");
    f->from = 1;
    f->to = ~0u;
    f->conns = apr_hash_make(pool);
    f->spec = apr_pstrcat(pool, name, arg && *arg ? "=" : "", f->arg, when && *when ? ":" : "",
                          when ? when : "", NULL);
    rest = apr_pstrdup(pool, when ? when : "");
    for (one = apr_strtok(rest, ",", &last); one && !wrong; one = apr_strtok(NULL, ",", &last))
        wrong = selector(f, one);
    if (wrong) {
        wrong = apr_psprintf(p, "fault \"%s\": %s", f->spec, wrong);
        apr_pool_destroy(pool);
        return wrong;
    }
    *out = f;
    return NULL;
}

static const char *add(apr_pool_t *p, const char *name, const char *arg, const char *when)
{
    fault_t *f = NULL, **tail;
    const char *wrong = parse(p, name, arg, when, &f);

    if (wrong)
        return wrong;
    pthread_mutex_lock(&mutex);
    for (tail = &faults; *tail; tail = &(*tail)->next)
        ;
    if (nfaults < FAULTS_MAX) {
        *tail = f;
        armed = ++nfaults;
        f = NULL;
    }
    pthread_mutex_unlock(&mutex);
    if (f) {
        apr_pool_destroy(f->pool);
        return "too many faults are set already";
    }
    return NULL;
}

static const char *add_spec(apr_pool_t *p, const char *spec)
{
    char *name = apr_pstrdup(p, spec), *when = strchr(name, ':'), *arg;

    if (strlen(spec) > SPEC_MAX)
        return "a fault of more than 1024 characters";
    if (when)
        *when++ = '\0';
    arg = strchr(name, '=');
    if (arg)
        *arg++ = '\0';
    return add(p, name, arg ? decode(p, arg) : NULL, when);
}

static void clear(const char *name)
{
    fault_t **at, *f;

    pthread_mutex_lock(&mutex);
    for (at = &faults; (f = *at) != NULL;) {
        if (name && strcmp(f->kind->name, name) != 0) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        apr_pool_destroy(f->pool);
        armed = --nfaults;
    }
    pthread_mutex_unlock(&mutex);
}

static apr_status_t forget_configured(void *unused)
{
    (void)unused;
    configured = NULL;
    clear(NULL);
    return APR_SUCCESS;
}

const char *sim_fault_add(apr_pool_t *p, const char *spec)
{
    const char *wrong = add_spec(p, spec);

    if (!wrong) {
        if (!configured) {
            configured = apr_array_make(p, 4, sizeof(const char *));
            apr_pool_cleanup_register(p, NULL, forget_configured, apr_pool_cleanup_null);
        }
        APR_ARRAY_PUSH(configured, const char *) = apr_pstrdup(p, spec);
    }
    return wrong;
}

/* Clears what was set at run time; the faults of the configuration start anew. */
static void reset(apr_pool_t *p)
{
    int i;

    clear(NULL);
    for (i = 0; configured && i < configured->nelts; i++)
        add_spec(p, APR_ARRAY_IDX(configured, i, const char *));
}

void sim_entry_reset(void)
{
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    reset(p);
    sim_forms_reset();
    apr_pool_destroy(p);
}

/* ---- applying ---- */

/* The command of a posted form: a line or field Cmd=, the first one. */
static const char *posted_cmd(sim_req_t *q)
{
    const char *p = q->body;

    if (q->r->method_number != M_POST || !p)
        return NULL;
    while (p) {
        if (strncasecmp(p, "cmd=", 4) == 0)
            return apr_pstrmemdup(q->p, p + 4, strcspn(p + 4, "&\r\n"));
        p = strpbrk(p, "&\n");
        p = p ? p + 1 : NULL;
    }
    return NULL;
}

static int contains(sim_req_t *q, const char *encoded, const char *text)
{
    const char *plain = encoded ? sim_unescape(q->p, encoded) : NULL;

    if (!plain)
        plain = encoded;
    return plain && ap_strcasestr(plain, text) != NULL;
}

static int filters_pass(sim_req_t *q, const fault_t *f)
{
    const char *cmd;

    if (f->kind->methods && !ap_find_list_item(q->p, f->kind->methods, q->r->method))
        return 0;
    if (f->method && strcmp(f->method, q->r->method) != 0)
        return 0;
    if (f->user && strcasecmp(f->user, q->user_name ? q->user_name : "") != 0)
        return 0;
    if (f->path && !contains(q, q->path, f->path))
        return 0;
    if (f->dest && !contains(q, apr_table_get(q->r->headers_in, "Destination"), f->dest))
        return 0;
    if (f->body && !(q->body && strstr(q->body, f->body)))
        return 0;
    if (f->cmd) {
        cmd = q->cmd ? q->cmd : posted_cmd(q);
        return cmd && strcasecmp(f->cmd, cmd) == 0;
    }
    return 1;
}

/* Counts the request; 1 when its number is one of those wanted. Under the mutex. */
static int counted(sim_req_t *q, fault_t *f)
{
    unsigned *n = &f->seen;

    f->seen++;
    if (f->per_conn) {
        n = apr_hash_get(f->conns, &q->conn->id, sizeof(q->conn->id));
        if (!n) {
            unsigned long *key = apr_pmemdup(f->pool, &q->conn->id, sizeof(*key));

            n = apr_pcalloc(f->pool, sizeof(*n));
            apr_hash_set(f->conns, key, sizeof(*key), n);
        }
        ++*n;
    }
    if (*n < f->from || *n > f->to)
        return 0;
    f->hits++;
    return 1;
}

/* What applies to this request at these stages, in the order the faults were set. */
static mark_t *applying(sim_req_t *q, int logon)
{
    mark_t *first = NULL, **tail = &first;
    fault_t *f;

    pthread_mutex_lock(&mutex);
    for (f = faults; f; f = f->next) {
        if ((f->kind->stage == FAULT_LOGON) != logon || !filters_pass(q, f) || !counted(q, f))
            continue;
        *tail = apr_pcalloc(q->p, sizeof(mark_t));
        (*tail)->kind = f->kind;
        (*tail)->arg = apr_pstrdup(q->p, f->arg);
        tail = &(*tail)->next;
    }
    pthread_mutex_unlock(&mutex);
    return first;
}

int sim_fault_request(sim_req_t *q)
{
    long latency = sim_setting_number(q->conf, "latency");
    mark_t *marks, *m;
    int rc;

    if (latency)
        sim_fault_sleep(q, latency);
    if (!armed)
        return OK;
    marks = applying(q, 0);
    apr_pool_userdata_setn(marks, MARKS, NULL, q->p);
    for (m = marks; m; m = m->next)
        if (m->kind->stage == FAULT_BEFORE && (rc = m->kind->run(q, m->arg)) != OK)
            return rc;
    return OK;
}

int sim_fault_reply(sim_req_t *q)
{
    void *marks = NULL;
    mark_t *m;
    int rc;

    if (apr_table_get(q->r->notes, SIM_FAULT_TAKEN))
        return DONE;
    if (apr_table_get(q->r->notes, SIM_FAULT_FOREIGN))
        apr_table_unset(q->out.headers, "MS-WebStorage");
    if (!armed)
        return OK;
    if (q->out.status == HTTP_UNAUTHORIZED)
        for (m = applying(q, 1); m; m = m->next)
            if ((rc = m->kind->run(q, m->arg)) != OK)
                return rc;
    apr_pool_userdata_get(&marks, MARKS, q->p);
    for (m = marks; m; m = m->next)
        if (m->kind->stage == FAULT_AFTER && (rc = m->kind->run(q, m->arg)) != OK)
            return rc;
    return OK;
}

/* ---- /_sim/fault ---- */

static void json_text(sim_buf_t *b, const char *text)
{
    sim_buf_puts(b, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            sim_buf_printf(b, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            sim_buf_printf(b, "\\u%04x", *text);
        else
            sim_buf_add(b, text, 1);
    }
    sim_buf_puts(b, "\"");
}

static int list(sim_req_t *q)
{
    sim_buf_t *b = &q->out.body;
    const fault_kind_t *kind;
    const char *comma = "";
    fault_t *f;

    sim_answer(q, HTTP_OK);
    q->out.type = "application/json";
    sim_buf_puts(b, "{\"set\":[");
    pthread_mutex_lock(&mutex);
    for (f = faults; f; f = f->next, comma = ",") {
        sim_buf_printf(b, "%s{\"name\":\"%s\",\"spec\":", comma, f->kind->name);
        json_text(b, f->spec);
        sim_buf_printf(b, ",\"seen\":%u,\"hits\":%u}", f->seen, f->hits);
    }
    pthread_mutex_unlock(&mutex);
    sim_buf_puts(b, "],\"known\":[");
    for (kind = fault_kinds; kind->name; kind++) {
        sim_buf_printf(b, "%s{\"name\":\"%s\",\"arg\":", kind == fault_kinds ? "" : ",",
                       kind->name);
        json_text(b, kind->arg ? kind->arg : "");
        sim_buf_puts(b, ",\"help\":");
        json_text(b, kind->help);
        sim_buf_puts(b, "}");
    }
    sim_buf_puts(b, "]}\n");
    return OK;
}

int sim_fault_inspect(sim_req_t *q)
{
    const char *args = q->args ? q->args : "";
    const char *spec = sim_field(q->p, args, "spec"), *name = sim_field(q->p, args, "name");
    const char *wrong = "spec= or name= is missing";

    if (strcmp(q->r->method, "DELETE") == 0) {
        clear(name);
        return list(q);
    }
    if (q->r->method_number == M_GET)
        return list(q);
    if (q->r->method_number != M_POST)
        return sim_answer(q, HTTP_METHOD_NOT_ALLOWED);
    if (spec)
        wrong = add_spec(q->p, spec);
    else if (name && strpbrk(name, "=:"))
        wrong = add_spec(q->p, name);
    else if (name)
        wrong = add(q->p, name, sim_field(q->p, args, "arg"), sim_field(q->p, args, "when"));
    return wrong ? sim_page(q, HTTP_BAD_REQUEST, "Bad fault", wrong) : list(q);
}
