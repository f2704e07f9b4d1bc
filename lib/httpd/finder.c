/* finder.c - see finder.h: which rooms fit; if none does, when one will. */
#include <string.h>
#include <apr_strings.h>

#include "cal/zone.h"
#include "httpd/finder.h"
#include "httpd/kinds.h"
#include "view/finder.h"

#define LATER_SLOT apr_time_from_sec(900) /* times that are offered instead */
#define LATER_MAX  5                      /* of them */
#define LATER_DAYS 14 /* as far as one looks for them; what is published ends some weeks ahead */

typedef struct ask_t {
    oc_room_wish_t wish;
    int any;            /* something is asked at all */
    const char *form, *prefix;
    apr_array_header_t *found;  /* as far as it is known without asking */
    oc_result_t problem;        /* what is wrong with the search itself */
    apr_array_header_t *who;    /* of these, those whose time must be asked: addresses */
} ask_t;

/* Which of the rooms would fit if they were free. */
static void preselect(oc_fragment_t *f, ask_t *a)
{
    a->found = oc_find_room(f->in.pool, f->in.conf->rooms, &a->wish, NULL);
    a->who = apr_array_make(f->in.pool, 16, sizeof(const char *));
    for (int i = 0; i < a->found->nelts; ++i) {
        const oc_candidate_t *c = &APR_ARRAY_IDX(a->found, i, oc_candidate_t);
        if (c->fit == OC_FIT_UNKNOWN && a->who->nelts < f->in.conf->max_attendees) {
            APR_ARRAY_PUSH(a->who, const char *) = c->room->address;
        }
    }
}

/* A length is the author's or an hour, unless an end is said. A day alone is no time. */
static void complete(oc_fragment_t *f)
{
    static const char *const times[] = {"end", "duration"};
    oc_form_t *form = (oc_form_t *)f->in.form;
    oc_field_t *v;

    if (!oc_input_text(&f->in, "start")) {
        return;
    }
    for (int i = 0; i < 2; ++i) {
        if (oc_input_text(&f->in, times[i])) {
            return;
        }
    }
    /* An empty field, as browsers send it, is filled; two of one name would be refused. */
    for (int i = 0; i < form->fields->nelts; ++i) {
        v = &APR_ARRAY_IDX(form->fields, i, oc_field_t);
        if (strcmp(v->name, "duration") == 0) {
            v->value = "60";
            return;
        }
    }
    oc_form_put(form, "duration", "60");
}

static apr_status_t finder_ask(oc_fragment_t *f)
{
    ask_t *a = f->data = apr_pcalloc(f->in.pool, sizeof(*a));
    apr_time_t day;
    oc_range_t all;

    if (oc_kinds_form_of(f, &a->form, &a->prefix) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    oc_result_init(&a->problem, f->in.pool);
    if (!oc_input_text(&f->in, "start")) {
        return APR_SUCCESS;
    }
    complete(f);
    /* What is searched for wrongly is no fault of the page's author: it is said with the search. */
    if (oc_input_wish(&f->in, &a->wish, &a->any, &a->problem) == APR_SUCCESS &&
        a->wish.when.end <= f->in.now) {
        oc_result_field(&a->problem, OC_REASON_PAST_DATE, "start", "lies in the past");
    }
    if (a->problem.reason != OC_REASON_OK) {
        return APR_SUCCESS;
    }
    preselect(f, a);
    day = oc_zone_midnight(f->view.zone, a->wish.when.start, 0);
    all.start = day;
    all.end = oc_zone_midnight(f->view.zone, a->wish.when.end - 1, 1);
    if (a->who->nelts > 0) {
        oc_kinds_need(f, oc_lookup_freebusy(f->page->lookups, a->who, all, OC_KINDS_SLOT));
    }
    return APR_SUCCESS;
}

/* ---- when one will be free ---- */

/* Saturday or Sunday in the page's zone. */
static int weekend(const oc_view_t *view, apr_time_t t)
{
    oc_local_t l;
    int offset;
    apr_time_exp_t x;

    return oc_zone_to_local(view->zone, t, &l, &offset) == APR_SUCCESS &&
           apr_time_exp_tz(&x, t, offset) == APR_SUCCESS && (x.tm_wday == 0 || x.tm_wday == 6);
}

/* The next time when one would meet, not before t: from 8 to 18 o'clock, on working days unless a
 * day of rest was asked for. */
static apr_time_t meeting_time(const oc_view_t *view, apr_time_t t, apr_time_t length, int rest)
{
    for (int i = 0; i < 4; ++i) {
        apr_time_t day = oc_zone_midnight(view->zone, t, 0);
        apr_time_t open = day + apr_time_from_sec(8 * 3600);
        apr_time_t close = day + apr_time_from_sec(18 * 3600);

        t = t < open ? open : t;
        if ((rest || !weekend(view, t)) &&
            (t + length <= close || length > apr_time_from_sec(10 * 3600))) {
            return t;
        }
        t = oc_zone_midnight(view->zone, day, 1);
    }
    return t;
}

static apr_time_t first_free(const oc_view_t *view, const oc_freebusy_t *row, apr_time_t from,
                             apr_time_t length, int rest)
{
    apr_pool_t *pool = view->pool;
    apr_array_header_t *one = apr_array_make(pool, 1, sizeof(const oc_freebusy_t *));
    apr_time_t t = from;

    APR_ARRAY_PUSH(one, const oc_freebusy_t *) = row;
    for (int i = 0; i < 4 * LATER_DAYS && t; ++i) {
        apr_time_t wanted = meeting_time(view, t, length, rest);

        t = oc_freebusy_first_fit(one, wanted, length);
        if (!t || t == meeting_time(view, t, length, rest)) {
            break;
        }
    }
    return t;
}

/* What fits elsewhen, the earliest first; equal ones as good rooms come first. */
static apr_array_header_t *look_later(oc_fragment_t *f, const ask_t *a, int *days)
{
    apr_array_header_t *later = apr_array_make(f->in.pool, LATER_MAX, sizeof(oc_finder_free_t));
    apr_time_t length = a->wish.when.end - a->wish.when.start;
    oc_range_t range = {oc_zone_midnight(f->view.zone, a->wish.when.start, 0), 0};
    oc_lookup_t *l;

    *days = f->in.conf->max_range < LATER_DAYS ? f->in.conf->max_range : LATER_DAYS;
    range.end = oc_zone_midnight(f->view.zone, range.start, *days);
    l = oc_lookup_freebusy(f->page->lookups, a->who, range, LATER_SLOT);
    if (oc_lookup_wait(l) != APR_SUCCESS) {
        return NULL; /* that nothing fits is known all the same */
    }
    for (int i = 0; i < a->found->nelts; ++i) {
        const oc_candidate_t *c = &APR_ARRAY_IDX(a->found, i, oc_candidate_t);
        const oc_freebusy_t *row = oc_freebusy_find(l->rows, c->room->address);
        oc_finder_free_t free = {c->room, 0};
        int at = later->nelts;

        if (c->fit != OC_FIT_UNKNOWN || !row ||
            !(free.start = first_free(&f->view, row, a->wish.when.start, length,
                                      weekend(&f->view, a->wish.when.start)))) {
            continue;
        }
        apr_array_push(later);
        for (; at > 0 && APR_ARRAY_IDX(later, at - 1, oc_finder_free_t).start > free.start; --at) {
            APR_ARRAY_IDX(later, at, oc_finder_free_t) =
                APR_ARRAY_IDX(later, at - 1, oc_finder_free_t);
        }
        APR_ARRAY_IDX(later, at, oc_finder_free_t) = free;
    }
    if (later->nelts > LATER_MAX) {
        later->nelts = LATER_MAX;
    }
    return later;
}

/* ---- showing it ---- */

/* Everything that any room has, each once. */
static apr_array_header_t *all_features(const oc_fragment_t *f)
{
    apr_array_header_t *all = apr_array_make(f->in.pool, 8, sizeof(const char *));

    for (int i = 0; i < f->in.conf->rooms->nelts; ++i) {
        const oc_room_t *room = APR_ARRAY_IDX(f->in.conf->rooms, i, const oc_room_t *);

        for (int k = 0; k < room->features->nelts; ++k) {
            const char *name = APR_ARRAY_IDX(room->features, k, const char *);
            int n = 0;

            while (n < all->nelts && strcmp(APR_ARRAY_IDX(all, n, const char *), name) != 0) {
                ++n;
            }
            if (n == all->nelts) {
                APR_ARRAY_PUSH(all, const char *) = name;
            }
        }
    }
    return all;
}

static int any_fits(const apr_array_header_t *found)
{
    for (int i = 0; i < found->nelts; ++i) {
        if (APR_ARRAY_IDX(found, i, oc_candidate_t).fit == OC_FIT_YES) {
            return 1;
        }
    }
    return 0;
}

static const char *finder_show(oc_fragment_t *f)
{
    ask_t *a = f->data;
    oc_html_t *h = oc_html_create(f->in.pool);
    oc_finder_t show = {0};

    show.others = f->page->others;
    show.action = f->page->at;
    show.values = f->in.form;
    show.features = all_features(f);
    show.form = a->form;
    show.prefix = a->prefix;
    show.problem = &a->problem;
    if (a->found) {
        const apr_array_header_t *rows = f->lookups->nelts ? oc_kinds_lookup(f, 0)->rows : NULL;

        show.wish = &a->wish;
        show.found = oc_find_room(f->in.pool, f->in.conf->rooms, &a->wish, rows);
        if (a->who->nelts > 0 && !any_fits(show.found)) {
            show.later = look_later(f, a, &show.days);
        }
    }
    oc_finder_search(&f->view, h, &show);
    return oc_html_print(h);
}

const oc_fragment_kind_t oc_finder_kind = {
    "finder",
    (const char *const[]){"date", "start", "end", "duration", "capacity", "feature", "form", NULL},
    (const char *const[]){"date", "start", "end", "duration", "capacity", "feature", NULL},
    0,
    finder_ask,
    finder_show,
};

/* ---- rooms ---- */

static apr_status_t rooms_ask(oc_fragment_t *f)
{
    ask_t *a = f->data = apr_pcalloc(f->in.pool, sizeof(*a));

    return oc_kinds_form_of(f, &a->form, &a->prefix) != APR_SUCCESS
               ? APR_EGENERAL
               : oc_input_wish(&f->in, &a->wish, &a->any, &f->result);
}

static const char *rooms_show(oc_fragment_t *f)
{
    const ask_t *a = f->data;
    oc_html_t *h = oc_html_create(f->in.pool);

    oc_finder_list(&f->view, h, oc_find_room(f->in.pool, f->in.conf->rooms, &a->wish, NULL),
                   a->wish.when, a->form, a->prefix);
    return oc_html_print(h);
}

const oc_fragment_kind_t oc_finder_rooms = {
    "rooms", (const char *const[]){"capacity", "feature", "form", NULL},
    (const char *const[]){NULL}, 0, rooms_ask, rooms_show,
};
