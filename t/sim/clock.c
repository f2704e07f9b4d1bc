/* The settable clock, date-time texts, and what is due later. */
#include "store_private.h"

#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

apr_time_t sim_now(const sim_store_t *store)
{
    return apr_time_now() + (apr_interval_time_t)__atomic_load_n(&store->offset, __ATOMIC_RELAXED);
}

void sim_clock_advance(sim_store_t *store, apr_interval_time_t by)
{
    __atomic_add_fetch(&store->offset, (apr_int64_t)by, __ATOMIC_RELAXED);
}

void sim_clock_set(sim_store_t *store, apr_time_t to)
{
    __atomic_store_n(&store->offset, (apr_int64_t)(to - apr_time_now()), __ATOMIC_RELAXED);
}

const char *sim_time_text(apr_pool_t *p, apr_time_t t)
{
    apr_time_exp_t e;

    apr_time_exp_gmt(&e, t);
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", e.tm_year + 1900, e.tm_mon + 1,
                        e.tm_mday, e.tm_hour, e.tm_min, e.tm_sec, e.tm_usec / 1000);
}

static int digits(const char **p, int n, int *out)
{
    int v = 0;

    while (n-- > 0) {
        if (**p < '0' || **p > '9') {
            return 0;
        }
        v = v * 10 + *(*p)++ - '0';
    }
    *out = v;
    return 1;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29
                                                                               : days[month - 1];
}

/* Z or +hh:mm; its seconds in *offset. SQL literals may go without: they are UTC. */
static int zone(const char **p, int sql, int *offset)
{
    int sign, h, m;

    *offset = 0;
    if (**p == 'Z') {
        ++*p;
        return 1;
    }
    if (**p != '+' && **p != '-') {
        return sql;
    }
    sign = *(*p)++ == '-' ? -1 : 1;
    if (!digits(p, 2, &h)) {
        return 0;
    }
    if (**p == ':') {
        ++*p;
    }
    if (!digits(p, 2, &m) || h > 14 || m > 59) {
        return 0;
    }
    *offset = sign * (h * 3600 + m * 60);
    return 1;
}

int sim_time_parse(const char *text, int sql, apr_time_t *out)
{
    apr_time_exp_t e;
    const char *p = text;
    char sep;
    int year, scale, offset;

    memset(&e, 0, sizeof(e));
    if (!digits(&p, 4, &year) || ((sep = *p++) != '-' && !(sql && sep == '/'))
        || !digits(&p, 2, &e.tm_mon) || *p++ != sep || !digits(&p, 2, &e.tm_mday)) {
        return 0;
    }
    if (*p || !sql) {
        if ((*p != 'T' && !(sql && *p == ' ')) || (p++, !digits(&p, 2, &e.tm_hour)) || *p++ != ':'
            || !digits(&p, 2, &e.tm_min)) {
            return 0;
        }
        if (*p == ':') {
            p++;
            if (!digits(&p, 2, &e.tm_sec)) {
                return 0;
            }
        }
        else if (!sql) {
            return 0;
        }
        if (*p == '.') {
            for (p++, scale = 100000; *p >= '0' && *p <= '9'; p++, scale /= 10) {
                e.tm_usec += (*p - '0') * scale;
            }
        }
    }
    if (!zone(&p, sql, &offset) || *p || year < 1601 || year > 4500 || e.tm_mon < 1 || e.tm_mon > 12
        || e.tm_mday < 1 || e.tm_mday > days_in(year, e.tm_mon) || e.tm_hour > 23 || e.tm_min > 59
        || e.tm_sec > 59) {
        return 0;
    }
    e.tm_year = year - 1900;
    e.tm_mon--;
    if (apr_time_exp_get(out, &e) != APR_SUCCESS) {
        return 0;
    }
    *out -= apr_time_from_sec(offset);
    *out -= *out % 1000; /* the server keeps milliseconds */
    return 1;
}

/* ---- late events ---- */

struct sim_later_t {
    sim_later_t *next;
    apr_time_t due;
    void (*run)(sim_store_t *, void *);
    void (*drop)(void *);
    void *data;
};

static void set_next_due(sim_store_t *store)
{
    __atomic_store_n(&store->next_due, store->later ? (apr_int64_t)store->later->due : 0,
                     __ATOMIC_RELEASE);
}

void sim_later(sim_store_t *store, apr_time_t due, void (*run)(sim_store_t *, void *), void *data,
               void (*drop)(void *))
{
    sim_later_t **at = &store->later, *l = calloc(1, sizeof(*l));

    l->due = due;
    l->run = run;
    l->drop = drop;
    l->data = data;
    while (*at && (*at)->due <= due) {
        at = &(*at)->next;
    }
    l->next = *at;
    *at = l;
    set_next_due(store);
}

void sim_run_due(sim_store_t *store)
{
    apr_time_t due = __atomic_load_n(&store->next_due, __ATOMIC_ACQUIRE);

    if (!due || due > sim_now(store)) {
        return;
    }
    sim_store_write(store);
    while (store->later && store->later->due <= sim_now(store)) {
        sim_later_t *l = store->later;

        store->later = l->next;
        set_next_due(store);
        l->run(store, l->data);
        free(l);
    }
    sim_store_unlock(store);
}

void sim_later_clear(sim_store_t *store)
{
    while (store->later) {
        sim_later_t *l = store->later;

        store->later = l->next;
        l->drop(l->data);
        free(l);
    }
    set_next_due(store);
}
