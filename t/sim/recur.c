/* Occurrences of recurring masters: see recur.h. libical does the rules. */
#include "recur.h"

#include <libical/ical.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define OCCURRENCES_MAX 5000 /* of one master that anybody ever looks at */

/* libical's zone tables are shared; one master is cheap. */
static pthread_mutex_t ical = PTHREAD_MUTEX_INITIALIZER;

/* CDO time zone ids (SDK, CdoTimeZoneId) of zones whose rules matter here. */
static const struct {
    int cdo;
    const char *zone;
} zones[] = {
    {1, "Europe/London"},     {2, "Europe/Warsaw"},       {3, "Europe/Paris"},
    {4, "Europe/Berlin"},     {5, "Europe/Bucharest"},    {6, "Europe/Budapest"},
    {7, "Europe/Athens"},     {8, "America/Sao_Paulo"},   {9, "America/Halifax"},
    {10, "America/New_York"}, {11, "America/Chicago"},    {12, "America/Denver"},
    {13, "America/Los_Angeles"}, {14, "America/Anchorage"}, {15, "Pacific/Honolulu"},
    {17, "Pacific/Auckland"}, {18, "Australia/Brisbane"}, {19, "Australia/Adelaide"},
    {20, "Asia/Tokyo"},       {21, "Asia/Singapore"},     {23, "Asia/Kolkata"},
    {42, "Australia/Hobart"}, {45, "Asia/Shanghai"},      {49, "Africa/Cairo"},
    {51, "Europe/Moscow"},    {59, "Europe/Helsinki"},
};

int sim_recur_is_master(const sim_item_t *item)
{
    return strcmp(sim_get_or(item, SIM_NS_CAL, "instancetype", "0"), "1") == 0
           && sim_get(item, SIM_NS_CAL, "rrule");
}

static icaltimezone *zone_of(const sim_item_t *master)
{
    int id = atoi(sim_get_or(master, SIM_NS_CAL, "timezoneid", "0"));
    size_t i;

    for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        if (zones[i].cdo == id) {
            icaltimezone *zone = icaltimezone_get_builtin_timezone(zones[i].zone);

            return zone ? zone : icaltimezone_get_utc_timezone();
        }
    }
    return icaltimezone_get_utc_timezone();
}

static int has_date(const sim_item_t *master, const char *local, apr_time_t t)
{
    const sim_prop_t *prop = sim_prop(master, sim_name(SIM_NS_CAL, local));
    apr_time_t d;
    int i;

    for (i = 0; prop && i < prop->n; i++) {
        if (sim_time_parse(prop->values[i], 0, &d) && d == t) {
            return 1;
        }
    }
    return 0;
}

typedef struct series_t {
    const sim_item_t *master;
    apr_time_t start;
    apr_interval_time_t length;
} series_t;

static int series_of(const sim_item_t *master, series_t *s)
{
    const char *start = sim_get(master, SIM_NS_CAL, "dtstart");
    const char *end = sim_get(master, SIM_NS_CAL, "dtend");
    apr_time_t e;

    s->master = master;
    if (!start || !end || !sim_time_parse(start, 0, &s->start) || !sim_time_parse(end, 0, &e)) {
        return 0;
    }
    s->length = e - s->start;
    return 1;
}

static void each_by_rule(const series_t *s, apr_time_t to,
                         int (*each)(void *, int, apr_time_t, apr_time_t), void *data)
{
    const char *rule = sim_get(s->master, SIM_NS_CAL, "rrule");
    struct icalrecurrencetype recur;
    struct icaltimetype t;
    icalrecur_iterator *it;
    icaltimezone *zone;
    int n = 0, on = 1;

    if (strncasecmp(rule, "RRULE:", 6) == 0) {
        rule += 6;
    }
    recur = icalrecurrencetype_from_string(rule);
    if (recur.freq == ICAL_NO_RECURRENCE) {
        return;
    }
    zone = zone_of(s->master);
    t = icaltime_from_timet_with_zone((time_t)apr_time_sec(s->start), 0, zone);
    it = icalrecur_iterator_new(recur, t);
    if (!it) {
        return;
    }
    while (on && n < OCCURRENCES_MAX) {
        apr_time_t start;

        t = icalrecur_iterator_next(it);
        if (icaltime_is_null_time(t)) {
            break;
        }
        start = apr_time_from_sec(icaltime_as_timet_with_zone(t, zone));
        if (start >= to) {
            break;
        }
        on = each(data, ++n, start, start + s->length);
    }
    icalrecur_iterator_free(it);
}

static void each_of(const sim_item_t *master, apr_time_t to,
                    int (*each)(void *, int, apr_time_t, apr_time_t), void *data)
{
    const sim_prop_t *extra;
    series_t s;
    int i;

    if (!sim_recur_is_master(master) || !series_of(master, &s)) {
        return;
    }
    pthread_mutex_lock(&ical);
    each_by_rule(&s, to, each, data);
    pthread_mutex_unlock(&ical);
    extra = sim_prop(master, sim_name(SIM_NS_CAL, "rdate"));
    for (i = 0; extra && i < extra->n; i++) {
        apr_time_t t;

        if (sim_time_parse(extra->values[i], 0, &t) && t < to) {
            each(data, OCCURRENCES_MAX + 1 + i, t, t + s.length);
        }
    }
}

typedef struct nth_t {
    int n, found;
    apr_time_t start, end;
} nth_t;

static int match_nth(void *data, int n, apr_time_t start, apr_time_t end)
{
    nth_t *w = data;

    if (n == w->n) {
        w->found = 1;
        w->start = start;
        w->end = end;
    }
    return n != w->n;
}

int sim_recur_nth(const sim_item_t *master, int n, apr_time_t *start, apr_time_t *end)
{
    nth_t w = {n, 0, 0, 0};

    each_of(master, APR_INT64_MAX, match_nth, &w);
    if (!w.found || has_date(master, "exdate", w.start)) {
        return 0;
    }
    if (start) {
        *start = w.start;
    }
    if (end) {
        *end = w.end;
    }
    return 1;
}

typedef struct window_t {
    const sim_item_t *master;
    apr_time_t from;
    int (*each)(void *, int, apr_time_t, apr_time_t);
    void *data;
    apr_time_t *replaced; /* occurrences that a stored exception stands for */
    int nreplaced;
} window_t;

static void find_exceptions(window_t *w)
{
    const sim_name_t *rid = sim_name(SIM_NS_CAL, "recurrenceid");
    const char *uid = sim_get_or(w->master, SIM_NS_CAL, "uid", "");
    const sim_item_t *item = w->master->folder ? w->master->folder->items : NULL;

    for (; item; item = item->next) {
        const sim_prop_t *prop = sim_prop(item, rid);
        apr_time_t t;

        if (prop && sim_time_parse(prop->values[0], 0, &t)
            && strcmp(uid, sim_get_or(item, SIM_NS_CAL, "uid", "")) == 0) {
            apr_time_t *more = realloc(w->replaced, sizeof(t) * (size_t)(w->nreplaced + 1));

            if (more) {
                w->replaced = more;
                more[w->nreplaced++] = t;
            }
        }
    }
}

static int in_window(void *data, int n, apr_time_t start, apr_time_t end)
{
    window_t *w = data;
    int i;

    if (end <= w->from || has_date(w->master, "exdate", start)) {
        return 1;
    }
    for (i = 0; i < w->nreplaced; i++) {
        if (w->replaced[i] == start) {
            return 1;
        }
    }
    return w->each(w->data, n, start, end);
}

void sim_recur_each(const sim_item_t *master, apr_time_t from, apr_time_t to,
                    int (*each)(void *data, int n, apr_time_t start, apr_time_t end), void *data)
{
    window_t w = {master, from, each, data, NULL, 0};

    if (sim_recur_is_master(master)) {
        find_exceptions(&w);
        each_of(master, to, in_window, &w);
        free(w.replaced);
    }
}
