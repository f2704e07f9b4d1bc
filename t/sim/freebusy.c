/* Free/busy: the published snapshot of each mailbox and Cmd=freebusy, which reads nothing else.
 *
 * The server publishes a while after a calendar has changed. Here: `lag` seconds of the simulator's
 * clock after the first change since the last publication, with what the calendar holds at that
 * moment. So a snapshot that became due is taken before the next change, or when it is asked
 * for. */
#include "recur.h"
#include "sim.h"
#include "store_private.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static long publishing_lag;
static long published_months = 2;

/* ---- the snapshot ---- */

typedef struct publish_t {
    sim_mailbox_t *mailbox;
    apr_time_t from, to;
    int status, size;
} publish_t;

static int add_busy(void *data, int n, apr_time_t start, apr_time_t end)
{
    publish_t *pub = data;
    sim_mailbox_t *m = pub->mailbox;

    (void)n;
    if (m->nbusy == pub->size) {
        int size = pub->size ? pub->size * 2 : 16;

        m->busy = sim_must(realloc(m->busy, sizeof(*m->busy) * (size_t)size));
        pub->size = size;
    }
    m->busy[m->nbusy].start = start;
    m->busy[m->nbusy].end = end;
    m->busy[m->nbusy++].status = pub->status;
    return 1;
}

static int status_of(const sim_item_t *item)
{
    const char *busy = sim_get_or(item, SIM_NS_CAL, "busystatus", "BUSY");

    return strcasecmp(busy, "FREE") == 0                                            ? 0
           : strcasecmp(busy, "TENTATIVE") == 0                                     ? 1
           : strcasecmp(busy, "OUTOFOFFICE") == 0 || strcasecmp(busy, "OOF") == 0 ? 3
                                                                                    : 2;
}

/* From the start of the current month, so many months. */
static void published_range(const sim_store_t *store, apr_time_t *from, apr_time_t *to)
{
    apr_time_exp_t e;

    apr_time_exp_gmt(&e, sim_now(store));
    e.tm_usec = e.tm_sec = e.tm_min = e.tm_hour = 0;
    e.tm_mday = 1;
    apr_time_exp_get(from, &e);
    e.tm_mon += (int)__atomic_load_n(&published_months, __ATOMIC_RELAXED);
    e.tm_year += e.tm_mon / 12;
    e.tm_mon %= 12;
    apr_time_exp_get(to, &e);
}

static void publish(sim_mailbox_t *m)
{
    const sim_name_t *content = sim_name(SIM_NS_DAV, "contentclass");
    publish_t pub = {m, 0, 0, 0, 0};
    const sim_item_t *item;

    free(m->busy);
    m->busy = NULL;
    m->nbusy = 0;
    m->busy_due = 0;
    published_range(m->store, &pub.from, &pub.to);
    for (item = m->known[SIM_F_CALENDAR]->items; item; item = item->next) {
        const sim_prop_t *class = sim_prop(item, content);
        const char *start, *end;
        apr_time_t s, e;

        pub.status = status_of(item);
        if (!class || strcasecmp(class->values[0], SIM_CLASS_APPOINTMENT) != 0 || !pub.status) {
            continue;
        }
        if (sim_recur_is_master(item)) {
            sim_recur_each(item, pub.from, pub.to, add_busy, &pub);
            continue;
        }
        start = sim_get(item, SIM_NS_CAL, "dtstart");
        end = sim_get(item, SIM_NS_CAL, "dtend");
        if (start && end && sim_time_parse(start, 0, &s) && sim_time_parse(end, 0, &e)) {
            add_busy(&pub, 0, s, e);
        }
    }
}

void sim_busy_touch(sim_mailbox_t *m)
{
    apr_time_t now = sim_now(m->store);

    if (m->busy_due && m->busy_due <= now && __atomic_load_n(&publishing_lag, __ATOMIC_RELAXED)) {
        publish(m);
    }
    if (!m->busy_due) {
        m->busy_due = now + apr_time_from_sec(__atomic_load_n(&publishing_lag, __ATOMIC_RELAXED));
    }
}

void sim_freebusy_settings(const sim_conf_t *conf)
{
    __atomic_store_n(&publishing_lag, sim_setting_number(conf, "lag"), __ATOMIC_RELAXED);
    __atomic_store_n(&published_months, sim_setting_number(conf, "freebusy-months"),
                     __ATOMIC_RELAXED);
}

/* ---- the command ---- */

typedef struct query_t {
    apr_time_t start, end;
    long interval; /* minutes */
    long slots;
    apr_time_t from, to; /* published range */
} query_t;

static void put_range(char *digits, const query_t *fb, apr_time_t s, apr_time_t e, char digit)
{
    apr_interval_time_t step = apr_time_from_sec(fb->interval * 60);
    long i = s <= fb->start ? 0 : (long)((s - fb->start) / step);
    long last = e >= fb->end ? fb->slots - 1 : (long)((e - fb->start - 1) / step);

    for (; e > fb->start && i <= last && i < fb->slots; i++) {
        if (digits[i] < digit) {
            digits[i] = digit; /* the highest wins (rule 35) */
        }
    }
}

static char *digits_of(sim_req_t *q, sim_mailbox_t *m, const query_t *fb)
{
    char *digits = apr_palloc(q->p, (apr_size_t)fb->slots + 1);
    int i;

    memset(digits, m ? '0' : '4', (size_t)fb->slots);
    digits[fb->slots] = '\0';
    for (i = 0; m && i < m->nbusy; i++) {
        put_range(digits, fb, m->busy[i].start, m->busy[i].end, (char)('0' + m->busy[i].status));
    }
    if (m) { /* what is not published is unknown */
        put_range(digits, fb, APR_INT64_MIN / 2, fb->from, '4');
        put_range(digits, fb, fb->to, APR_INT64_MAX / 2, '4');
    }
    return digits;
}

/* Free/busy rows spell addresses as the directory does, not as they were asked. */
static const char *mixed_case(apr_pool_t *p, const char *address)
{
    char *out = apr_pstrdup(p, address), *c;
    int up = 1;

    for (c = out; *c; c++) {
        if (up && *c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 32);
        }
        up = *c == '@' || *c == '.';
    }
    return out;
}

static void add_item(sim_buf_t *b, const char *p, const char *display, const char *email,
                     const char *digits)
{
    sim_buf_printf(b, "<%s:item><%s:displayname>", p, p);
    sim_buf_xml(b, display);
    sim_buf_printf(b, "</%s:displayname>", p);
    if (email) {
        sim_buf_printf(b, "<%s:email type=\"SMTP\">", p);
        sim_buf_xml(b, email);
        sim_buf_printf(b, "</%s:email>", p);
    }
    sim_buf_printf(b, "<%s:type>1</%s:type><%s:fbdata>%s</%s:fbdata></%s:item>", p, p, p, digits, p,
                   p);
}

/* The language of the browser, not of a mailbox, names the merged row. */
static const char *all_attendees(sim_req_t *q)
{
    static const char *const texts[] = {"All Attendees", "Alle Teilnehmer",
                                        "Tous les participants",
                                        "Minden r\xc3\xa9sztvev\xc5\x91"};
    const char *accept = apr_table_get(q->r->headers_in, "Accept-Language");
    int language = accept ? sim_language_from(accept) : 0;

    return texts[language < 0 ? 0 : language];
}

static const char *bare_address(const char *u)
{
    return strncasecmp(u, "SMTP:", 5) == 0 ? u + 5 : u;
}

static int is_address(const char *u)
{
    const char *at = strchr(u, '@');

    return at && at > u && at[1] && !strchr(at + 1, '@') && !strpbrk(u, " \t<>\"(),;:\\");
}

static void write_rows(sim_req_t *q, const char **who, int n, const query_t *fb)
{
    int reverse = sim_setting_is(q->conf, "freebusy-order", "reverse"), i;
    char **rows = apr_palloc(q->p, sizeof(char *) * (apr_size_t)(n + 1));
    char *merged = apr_palloc(q->p, (apr_size_t)fb->slots + 1);
    char prefix[2] = {(char)('a' + (sim_setting_is(q->conf, "prefixes", "shuffle")
                                        ? sim_random(q, 26) : 0)), '\0'};
    sim_buf_t *b = &q->out.body;
    long s;

    memset(merged, '0', (size_t)fb->slots);
    merged[fb->slots] = '\0';
    for (i = 0; i < n; i++) {
        sim_mailbox_t *m = sim_mailbox_find(q->store, bare_address(who[i]));

        if (m && m->busy_due && m->busy_due <= sim_now(q->store)) {
            publish(m);
        }
        rows[i] = digits_of(q, m, fb);
        for (s = 0; s < fb->slots; s++) {
            merged[s] = rows[i][s] > merged[s] ? rows[i][s] : merged[s];
        }
    }
    sim_buf_printf(b, "<%s:response xmlns:%s=\"WM\"><%s:recipients>", prefix, prefix, prefix);
    if (sim_setting_is(q->conf, "freebusy-merged-row", "yes")) {
        add_item(b, prefix, all_attendees(q), NULL, merged);
    }
    for (i = 0; i < n; i++) {
        int k = reverse ? n - 1 - i : i;
        const char *address = bare_address(who[k]);
        const sim_mailbox_t *m = sim_mailbox_find(q->store, address);

        add_item(b, prefix, m ? m->display : address,
                 mixed_case(q->p, m ? m->address : address), rows[k]);
    }
    sim_buf_printf(b, "</%s:recipients></%s:response>", prefix, prefix);
}

static int refuse(sim_req_t *q, const char *why)
{
    sim_wrong(q, 37, "%s", why);
    return sim_setting_is(q->conf, "freebusy-missing", "page")
               ? sim_page(q, HTTP_OK, "Free/Busy", why)
               : sim_page(q, HTTP_BAD_REQUEST, "Bad Request", why);
}

static int bad_address(sim_req_t *q, const char *who)
{
    sim_wrong(q, 34, "\"%.60s\" is no SMTP address", who);
    if (sim_setting_is(q->conf, "freebusy-bad-address", "error")) {
        sim_answer(q, HTTP_OK);
        q->out.type = "text/xml";
        sim_buf_puts(&q->out.body, "<a:response xmlns:a=\"WM\"><a:error>1</a:error></a:response>");
        return OK;
    }
    return sim_page(q, (int)sim_setting_number(q->conf, "freebusy-bad-address"), "Error",
                    "invalid address");
}

/* OK with *fb filled in, or the answer has been made (DONE). */
static int read_query(sim_req_t *q, query_t *fb)
{
    const char *start = sim_field(q->p, q->args, "start"), *end = sim_field(q->p, q->args, "end");
    const char *interval = sim_field(q->p, q->args, "interval");
    char *rest = NULL;

    if (!start || !end || !interval) {
        return refuse(q, "start, end or interval is missing"), DONE;
    }
    if (!sim_time_parse(start, 0, &fb->start) || !sim_time_parse(end, 0, &fb->end)) {
        return refuse(q, "start or end is no date-time with a zone (a + is written %2B)"), DONE;
    }
    fb->interval = strtol(interval, &rest, 10);
    if (fb->interval < 1 || fb->interval > 1440 || *rest) {
        return refuse(q, "interval is no number of minutes"), DONE;
    }
    if (fb->end <= fb->start) {
        return refuse(q, "end is not after start"), DONE;
    }
    if (fb->end - fb->start
        > apr_time_from_sec(86400L * sim_setting_number(q->conf, "freebusy-days-max"))) {
        return refuse(q, "the range is too long"), DONE;
    }
    fb->slots = (long)((fb->end - fb->start) / apr_time_from_sec(fb->interval * 60));
    published_range(q->store, &fb->from, &fb->to);
    return OK;
}

int sim_do_freebusy(sim_req_t *q)
{
    const char **who;
    query_t fb;
    int n, i;

    if ((long)strlen(q->args) > sim_setting_number(q->conf, "freebusy-url-max")) {
        return sim_answer(q, HTTP_REQUEST_URI_TOO_LARGE);
    }
    if (sim_setting_is(q->conf, "freebusy-published", "no")) {
        return sim_answer(q, HTTP_NOT_FOUND);
    }
    if (read_query(q, &fb) != OK) {
        return OK;
    }
    n = sim_fields(q->p, q->args, "u", &who);
    if (n == 0) {
        return refuse(q, "nobody is asked about");
    }
    for (i = 0; i < n; i++) {
        if (!is_address(bare_address(who[i]))) {
            return bad_address(q, who[i]);
        }
    }
    sim_answer(q, HTTP_OK);
    q->out.type = "text/xml";
    sim_store_write(q->store); /* snapshots may fall due */
    write_rows(q, who, n, &fb);
    sim_store_unlock(q->store);
    return OK;
}
