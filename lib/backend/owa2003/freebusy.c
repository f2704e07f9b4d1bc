/* freebusy.c - who is free when: the free/busy command and its digit strings.
 *
 *   GET /public/?Cmd=freebusy&start=2026-03-05T00:00:00Z&end=..&interval=30&u=SMTP:a@x&u=SMTP:b@x
 *
 *   <a:response xmlns:a="WM"><a:recipients>
 *     <a:item><a:displayname>All Attendees</a:displayname><a:fbdata>002</a:fbdata></a:item>
 *     <a:item><a:displayname>Room</a:displayname><a:email type="SMTP">a@x</a:email>
 *             <a:fbdata>002</a:fbdata></a:item>
 *   </a:recipients></a:response>
 *
 * Only /public/ answers it, and only to Internet Explorer. The first item is everybody merged,
 * under a localized name; order and number of the others are not to be relied on (DavMail, Calendar
 * Connector), so rows are found by their e-mail. Digits: 0 free, 1 tentative, 2 busy, 3 out of
 * office, 4 no data; an absent or short string is no data, too. KB 813268 prints 1 and 2 the other
 * way round: wrong against the SDK and three clients.
 *
 * Of a distribution list the server publishes nothing. Where one may be among the people asked
 * about, it is found out first (lists.c), and its members are asked about in its place.
 */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"
#include "base/text.h"

#define RANGE_DAYS 62     /* published by default: two months */
#define QUERY_MAX 1900    /* bytes of path and query: URLScan, common before IIS 6, ends at 2 KB */
#define DIGITS_MAX 100000 /* of one person in one reply */

typedef struct freebusy_t {
    owa_verb_t v; /* first */
    const oc_freebusy_query_t *query;
    apr_array_header_t *rows; /* oc_freebusy_t *: the result */
    apr_array_header_t *asked; /* oc_freebusy_t *: whom the server is asked about */
    apr_array_header_t *lists; /* listed_t *: those of `rows` that may be distribution lists */
    oc_range_t whole;         /* what is asked for: the query's range, to whole intervals */
    apr_time_t interval;      /* one digit */
    int per_slot;             /* digits in a slot */
    int digits; /* of the whole range */
    int waiting;
} freebusy_t;

/* A row whose address a list of one's own is named after. */
typedef struct listed_t {
    oc_freebusy_t *row;
    owa_dl_t *dl;
    oc_tri_t person;          /* the address book has a person of that address: no list */
    apr_array_header_t *rows; /* oc_freebusy_t *, of `asked`: those it is made of */
} listed_t;

/* One exchange: some people, one piece of the range. */
typedef struct piece_t {
    freebusy_t *f;
    apr_time_t start;
    int digits;
    const char *email; /* of the item being read */
    const char *name;
    char *data;
    char *seen; /* by row: it has been answered for */
    apr_pool_t *scratch;
} piece_t;

enum { AT_ROOT, AT_RESPONSE, AT_RECIPIENTS, AT_ITEM, AT_NAME, AT_EMAIL, AT_DATA };

static const oc_xml_row_t table[] = {
    {AT_ROOT, "WM", "response", AT_RESPONSE, 0},
    {AT_RESPONSE, "WM", "recipients", AT_RECIPIENTS, 0},
    {AT_RECIPIENTS, "WM", "item", AT_ITEM, 0},
    {AT_ITEM, "WM", "displayname", AT_NAME, OC_XML_TEXT},
    {AT_ITEM, "WM", "email", AT_EMAIL, OC_XML_TEXT},
    {AT_ITEM, "WM", "fbdata", AT_DATA, OC_XML_TEXT},
    {0, NULL, NULL, 0, 0},
};

/* ---- reading ---- */

static oc_busy_t digit(char c)
{
    switch (c) {
    case '0':
        return OC_BUSY_FREE;
    case '1':
        return OC_BUSY_TENTATIVE;
    case '2':
        return OC_BUSY_BUSY;
    case '3':
        return OC_BUSY_OOF;
    default:
        return OC_BUSY_UNKNOWN;
    }
}

/* What several digits say about the slot they fill: the strongest; but one that is not known leaves
 * free in doubt. */
static oc_busy_t strongest(oc_busy_t a, oc_busy_t b)
{
    if (a == OC_BUSY_UNKNOWN || b == OC_BUSY_UNKNOWN) {
        oc_busy_t other = a == OC_BUSY_UNKNOWN ? b : a;
        return other == OC_BUSY_FREE ? OC_BUSY_UNKNOWN : other;
    }
    return a > b ? a : b;
}

/* Of two answers for one person neither makes the other look free. */
static void take(piece_t *p, oc_freebusy_t *row, int again)
{
    freebusy_t *f = p->f;
    size_t said = strlen(p->data);
    apr_int64_t first = (p->start - f->whole.start) / f->interval;
    int i;

    if (p->name && !row->name) {
        row->name = apr_pstrdup(f->v.pool, p->name);
    }
    for (i = 0; i < p->digits; ++i) {
        oc_busy_t now = (size_t)i < said ? digit(p->data[i]) : OC_BUSY_UNKNOWN;
        apr_int64_t at = first + i, slot = at / f->per_slot;
        /* "No data" is an answer; what is missing may be trouble. */
        row->told += !again && (size_t)i < said && (now != OC_BUSY_UNKNOWN || p->data[i] == '4');
        if (slot >= row->count) {
            break;
        }
        row->busy[slot] = (unsigned char)(at % f->per_slot == 0 && !again
                                              ? now : strongest((oc_busy_t)row->busy[slot], now));
    }
}

static apr_status_t on_open(void *baton, int state, const char *ns, const char *name)
{
    piece_t *p = baton;

    (void)ns, (void)name;
    if (state == AT_ITEM) {
        p->email = p->name = p->data = NULL;
        apr_pool_clear(p->scratch);
    }
    return APR_SUCCESS;
}

static apr_status_t on_close(void *baton, int state, const char *ns, const char *name,
                             const char *text, apr_size_t len)
{
    piece_t *p = baton;
    int i;

    (void)ns, (void)name;
    switch (state) {
    case AT_NAME:
        p->name = apr_pstrmemdup(p->scratch, text, len);
        break;
    case AT_EMAIL:
        p->email = oc_str_trim(p->scratch, text);
        break;
    case AT_DATA:
        p->data = (char *)oc_str_trim(p->scratch, text);
        break;
    case AT_ITEM:
        for (i = 0; p->email && p->data && i < p->f->asked->nelts; ++i) {
            oc_freebusy_t *row = APR_ARRAY_IDX(p->f->asked, i, oc_freebusy_t *);
            if (oc_attendee_same(row->address, p->email)) {
                take(p, row, p->seen[i]);
                p->seen[i] = 1;
            }
        }
        break;
    default:
        break;
    }
    return APR_SUCCESS;
}

/* The digits of a list are those of its members; of one that nobody is known to be in there are
 * none: it stays unknown. */
static void finish(freebusy_t *f)
{
    int i, k;

    for (i = 0; i < f->asked->nelts; ++i) {
        oc_freebusy_t *row = APR_ARRAY_IDX(f->asked, i, oc_freebusy_t *);
        row->told = row->told == f->digits;
    }
    for (i = 0; i < f->lists->nelts; ++i) {
        const listed_t *l = APR_ARRAY_IDX(f->lists, i, const listed_t *);
        const oc_freebusy_t *all = l->rows && l->rows->nelts
                                       ? oc_freebusy_merge(f->v.pool, l->rows) : NULL;
        if (all) {
            memcpy(l->row->busy, all->busy, (size_t)l->row->count);
            l->row->told = 1;
        }
        for (k = 0; all && k < l->rows->nelts; ++k) {
            l->row->told &= APR_ARRAY_IDX(l->rows, k, const oc_freebusy_t *)->told;
        }
    }
    owa_finish(&f->v);
}

static void answered(owa_verb_t *v, owa_ask_t *a)
{
    freebusy_t *f = (freebusy_t *)v;

    if (a->res.reason != OC_REASON_OK) {
        owa_fail(v, a, "free/busy");
        return;
    }
    /* 404: nobody ever published anything here; what was not said stays unknown. */
    if (--f->waiting == 0) {
        finish(f);
    }
}

/* ---- asking ---- */

static const char *utc(apr_pool_t *pool, apr_time_t t)
{
    apr_time_exp_t e;

    apr_time_exp_gmt(&e, t);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ", e.tm_year + 1900, e.tm_mon + 1,
                        e.tm_mday, e.tm_hour, e.tm_min, e.tm_sec);
}

static void ask_for(freebusy_t *f, const char *path, apr_time_t start, apr_time_t end)
{
    oc_xml_sink_t sink = {on_open, on_close, NULL};
    owa_verb_t *v = &f->v;
    piece_t *p = apr_pcalloc(v->pool, sizeof(*p));
    owa_ask_t *a = owa_ask(v, v->be->conf->site, "GET", path, "free/busy", OWA_WANT_XML, answered);

    p->f = f;
    p->start = start;
    p->digits = (int)((end - start) / f->interval);
    p->seen = apr_pcalloc(v->pool, (apr_size_t)f->asked->nelts);
    apr_pool_create(&p->scratch, v->pool);
    sink.baton = p;
    a->baton = p;
    a->xml = oc_xml_open(v->pool, table, &sink, NULL);
    a->quiet_404 = 1;
    ++f->waiting;
    owa_send(v, a);
}

/* As many people as fit into one query, then the next. */
static void ask_piece(freebusy_t *f, apr_time_t start, apr_time_t end)
{
    apr_pool_t *pool = f->v.pool;
    const char *head = apr_psprintf(pool, "%s?Cmd=freebusy&start=%s&end=%s&interval=%d",
                                    f->v.be->conf->public_path, utc(pool, start), utc(pool, end),
                                    (int)(f->interval / apr_time_from_sec(60)));
    const char *path = head;
    int i, k;

    for (i = 0; i < f->asked->nelts; ++i) {
        const char *who = APR_ARRAY_IDX(f->asked, i, oc_freebusy_t *)->address;
        const char *part;
        for (k = 0; k < i; ++k) {
            if (oc_attendee_same(APR_ARRAY_IDX(f->asked, k, oc_freebusy_t *)->address, who)) {
                break;
            }
        }
        if (k < i || !oc_attendee_address_ok(who)) {
            continue; /* one bad address would spoil the answer for everybody */
        }
        part = apr_pstrcat(pool, "&u=SMTP:", oc_str_query(pool, who), NULL);
        if (path != head && strlen(path) + strlen(part) > QUERY_MAX) {
            ask_for(f, path, start, end);
            path = head;
        }
        path = apr_pstrcat(pool, path, part, NULL);
    }
    if (path != head) {
        ask_for(f, path, start, end);
    }
}

static void ask_all(freebusy_t *f)
{
    const oc_backend_conf_t *conf = f->v.be->conf;
    int days = conf->range_days > 0 ? conf->range_days : RANGE_DAYS;
    apr_time_t step = apr_time_from_sec(86400) * days, from;

    if (step > f->interval * DIGITS_MAX) {
        step = f->interval * DIGITS_MAX;
    }
    step -= step % f->interval;
    for (from = f->whole.start; from < f->whole.end; from += step) {
        ask_piece(f, from, from + step < f->whole.end ? from + step : f->whole.end);
    }
    if (f->waiting == 0) {
        finish(f);
    }
}

/* ---- lists ---- */

/* The row of one member, among those asked about. */
static oc_freebusy_t *asked_row(freebusy_t *f, const char *address)
{
    oc_freebusy_t *row = oc_freebusy_find(f->asked, address);

    if (!row && (row = oc_freebusy_create(f->v.pool, address, f->query->range, f->query->slot))) {
        APR_ARRAY_PUSH(f->asked, oc_freebusy_t *) = row;
    }
    return row;
}

/* Members in the place of a list. An address that may be a person's as well counts with them: so
 * neither can make the other look free. */
static void expand(freebusy_t *f, listed_t *l)
{
    apr_array_header_t *rows = apr_array_make(f->v.pool, 8, sizeof(oc_freebusy_t *));
    int i;

    if (l->person == OC_DONT_KNOW) {
        APR_ARRAY_PUSH(rows, oc_freebusy_t *) = asked_row(f, l->row->address);
    }
    if (!l->dl->members || f->asked->nelts + l->dl->members->nelts
                               > f->query->who->nelts + f->query->members) {
        return; /* not all of them can be asked about: unknown, whatever the others do */
    }
    for (i = 0; i < l->dl->members->nelts; ++i) {
        const char *member = APR_ARRAY_IDX(l->dl->members, i, const char *);
        APR_ARRAY_PUSH(rows, oc_freebusy_t *) = asked_row(f, member);
    }
    l->rows = rows;
    l->row->name = l->dl->name;
    l->row->members = l->dl->members->nelts;
}

/* Everything is known about who is a list. */
static void expand_all(freebusy_t *f)
{
    apr_array_header_t *lists = f->lists;
    int i, k;

    f->lists = apr_array_make(f->v.pool, lists->nelts + 1, sizeof(listed_t *));
    f->asked = apr_array_make(f->v.pool, f->rows->nelts, sizeof(oc_freebusy_t *));
    for (i = 0; i < lists->nelts; ++i) {
        listed_t *l = APR_ARRAY_IDX(lists, i, listed_t *);
        if (l->person != OC_YES) {
            APR_ARRAY_PUSH(f->lists, listed_t *) = l;
        }
    }
    for (i = 0; i < f->rows->nelts; ++i) {
        oc_freebusy_t *row = APR_ARRAY_IDX(f->rows, i, oc_freebusy_t *);
        for (k = 0; k < f->lists->nelts
                    && APR_ARRAY_IDX(f->lists, k, listed_t *)->row != row; ++k) {
        }
        if (k == f->lists->nelts) {
            APR_ARRAY_PUSH(f->asked, oc_freebusy_t *) = row;
        }
    }
    for (i = 0; i < f->lists->nelts; ++i) {
        expand(f, APR_ARRAY_IDX(f->lists, i, listed_t *));
    }
    ask_all(f);
}

static void one_known(owa_verb_t *v)
{
    freebusy_t *f = (freebusy_t *)v;

    if (--f->waiting == 0) {
        expand_all(f);
    }
}

static void person_known(owa_verb_t *v, const char *address, oc_tri_t person)
{
    freebusy_t *f = (freebusy_t *)v;
    int i;

    for (i = 0; i < f->lists->nelts; ++i) {
        listed_t *l = APR_ARRAY_IDX(f->lists, i, listed_t *);
        if (l->row->address == address) {
            l->person = person;
        }
    }
    one_known(v);
}

/* names: of the lists, folded. */
static owa_dl_t *list_named(apr_pool_t *pool, const apr_array_header_t *lists,
                            const char *const *names, const char *address)
{
    const char *local = oc_text_fold(pool, apr_pstrmemdup(pool, address, strcspn(address, "@")));
    int i;

    for (i = 0; local && i < lists->nelts; ++i) {
        if (names[i] && !strcmp(names[i], local)) {
            return APR_ARRAY_IDX(lists, i, owa_dl_t *);
        }
    }
    return NULL;
}

static void lists_found(owa_verb_t *v, apr_array_header_t *lists, const oc_result_t *res)
{
    freebusy_t *f = (freebusy_t *)v;
    const char **names;
    int i;

    if (!lists) {
        owa_fail_with(v, res, "free/busy > find lists");
        return;
    }
    names = apr_palloc(v->pool, sizeof(*names) * (apr_size_t)(lists->nelts + 1));
    for (i = 0; i < lists->nelts; ++i) {
        names[i] = oc_text_fold(v->pool, APR_ARRAY_IDX(lists, i, owa_dl_t *)->name);
    }
    for (i = 0; i < f->rows->nelts; ++i) {
        oc_freebusy_t *row = APR_ARRAY_IDX(f->rows, i, oc_freebusy_t *);
        owa_dl_t *dl = oc_attendee_address_ok(row->address)
                           ? list_named(v->pool, lists, names, row->address)
                           : NULL;
        if (dl) {
            listed_t *l = apr_pcalloc(v->pool, sizeof(*l));
            l->row = row;
            l->dl = dl;
            l->person = OC_DONT_KNOW;
            APR_ARRAY_PUSH(f->lists, listed_t *) = l;
        }
    }
    f->waiting = 2 * f->lists->nelts;
    if (f->waiting == 0) {
        expand_all(f);
    }
    for (i = 0; i < f->lists->nelts; ++i) {
        listed_t *l = APR_ARRAY_IDX(f->lists, i, listed_t *);
        owa_person_look(v, l->row->address, person_known);
        owa_list_read(v, l->dl, f->query->members, one_known);
    }
}

static void start(owa_verb_t *v)
{
    freebusy_t *f = (freebusy_t *)v;

    f->lists = apr_array_make(v->pool, 2, sizeof(listed_t *));
    f->asked = f->rows;
    f->waiting = 0;
    if (f->query->members > 0) {
        owa_lists_find(v, lists_found);
    } else {
        ask_all(f);
    }
}

static apr_time_t gcd(apr_time_t a, apr_time_t b)
{
    while (b) {
        apr_time_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

oc_job_t *owa_freebusy(const oc_backend_t *be, oc_call_t *call, const oc_freebusy_query_t *query,
                       apr_array_header_t **rows)
{
    const apr_time_t minute = apr_time_from_sec(60), day = apr_time_from_sec(86400);
    freebusy_t *f;
    int i;

    *rows = apr_array_make(call->pool, query->who->nelts, sizeof(oc_freebusy_t *));
    if (!oc_range_valid(query->range) || query->slot < minute || query->slot > day
        || query->slot % minute) { /* the range is asked for in pieces of a day or more */
        oc_result_fail(&call->result, OC_REASON_INVALID_INPUT,
                       "free/busy: an empty range, or a slot that is no whole number of minutes, "
                       "or over a day");
        return NULL;
    }
    f = (freebusy_t *)owa_verb(be, call, sizeof(*f), "free/busy", start);
    f->v.without_own = query->members <= 0;
    f->query = query;
    f->rows = *rows;
    /* The server counts digits from the start, rounded down to whole intervals: so the interval is
     * one that divides both the slot and where the range begins. */
    f->whole.start = query->range.start - query->range.start % minute;
    f->interval = gcd(query->slot, f->whole.start % query->slot);
    f->per_slot = (int)(query->slot / f->interval);
    f->whole.end = query->range.end + f->interval - 1;
    f->whole.end -= (f->whole.end - f->whole.start) % f->interval;
    f->digits = (int)((f->whole.end - f->whole.start) / f->interval);
    for (i = 0; i < query->who->nelts; ++i) {
        oc_freebusy_t *row = oc_freebusy_create(call->pool,
                                                APR_ARRAY_IDX(query->who, i, const char *),
                                                query->range, query->slot);
        if (!row) {
            oc_result_fail(&call->result, OC_REASON_RANGE_TOO_LONG, "free/busy: too many slots");
            return NULL;
        }
        APR_ARRAY_PUSH(*rows, oc_freebusy_t *) = row;
    }
    return &f->v.job;
}
