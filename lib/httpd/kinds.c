/* kinds.c - see kinds.h: for each kind what it asks and how it is shown. */
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "httpd/calendar.h"
#include "httpd/kinds.h"
#include "httpd/panel.h"
#include "view/agenda.h"
#include "view/form.h"
#include "view/grid.h"
#include "wire/words.h"

#define CELLS_MAX 5000

/* ---- parameters that several kinds have ---- */

/* The day that was typed in a form that comes back: who was told that a room is taken wants to see
 * when it is free. NULL: nothing that can be taken for a day. */
static const char *typed_day(const oc_fragment_t *f)
{
    const oc_form_t *values = f->page->again ? f->page->again->values : NULL;
    const char *text = oc_form_value(f->in.pool, values, "date");
    oc_result_t res;
    apr_time_t day;

    text = text && *text ? text : oc_form_value(f->in.pool, values, "start");
    text = text ? apr_pstrndup(f->in.pool, text, sizeof("2026-03-05") - 1) : NULL;
    oc_result_init(&res, f->in.pool);
    return text && oc_zone_parse(text, f->view.zone, "day", &day, NULL, &res) == APR_SUCCESS
               ? text
               : NULL;
}

/* day: "today", "tomorrow", "week" (its first day, by the language), "+3", "-1", or a date.
 * Midnight of it; if nothing is said `otherwise`, or today. */
static apr_status_t day_of(oc_fragment_t *f, const char *otherwise, apr_time_t *day)
{
    const char *text = oc_input_text(&f->in, "day"), *zone = f->view.zone;
    apr_time_t today = oc_zone_midnight(zone, f->in.now, 0);

    text = text ? text : otherwise;
    if (!text || strcmp(text, "today") == 0) {
        *day = today;
    } else if (strcmp(text, "tomorrow") == 0) {
        *day = oc_zone_midnight(zone, today, 1);
    } else if (strcmp(text, "week") == 0) {
        *day = oc_dates_week(today, zone, f->view.locale);
    } else if ((*text == '+' || *text == '-') && strlen(text) <= 4 && text[1] &&
               strspn(text + 1, "0123456789") == strlen(text + 1)) {
        *day = oc_zone_midnight(zone, today, atoi(text));
    } else if (strlen(text) == 10) {
        if (oc_zone_parse(text, zone, "day", day, NULL, &f->result) != APR_SUCCESS) {
            return APR_EGENERAL;
        }
        *day = oc_zone_midnight(zone, *day, 0);
    } else {
        return oc_result_field(&f->result, OC_REASON_OK, "day",
                               "today, tomorrow, week, +3, -1 or a date as 2026-03-05 is wanted");
    }
    return APR_SUCCESS;
}

static apr_status_t number_of(oc_fragment_t *f, const char *name, int least, int most, int def,
                              int *n)
{
    const char *text = oc_input_text(&f->in, name);

    *n = text ? atoi(text) : def;
    return *n >= least && *n <= most
               ? APR_SUCCESS
               : oc_result_field(&f->result, OC_REASON_OK, name, "%d to %d", least, most);
}

/* "08:00" or "8:00" on that day; where the clocks are put forward over it, the time they show then.
 */
static apr_status_t hour_of(oc_fragment_t *f, const char *name, const char *def, apr_time_t day,
                            apr_time_t *t)
{
    const char *text = oc_input_text(&f->in, name);
    apr_pool_t *pool = f->in.pool;
    oc_zone_fit_t fit;
    oc_result_t res;

    text = text ? text : def;
    if (strcmp(text, "24:00") == 0) {
        *t = oc_zone_midnight(f->view.zone, day, 1);
        return APR_SUCCESS;
    }
    if (strlen(text) > 5 || !strchr(text, ':')) {
        return oc_result_field(&f->result, OC_REASON_OK, name, "a time as 08:00 is wanted");
    }
    text = apr_pstrcat(pool, oc_view_day(&f->view, day), "T",
                       strlen(text) == 4 ? "0" : "", text, NULL);
    oc_result_init(&res, pool);
    if (oc_zone_parse(text, f->view.zone, name, t, &fit, &res) != APR_SUCCESS &&
        fit != OC_ZONE_GAP) {
        oc_result_copy(&f->result, &res, pool);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

/* Where links to the form lead: a page of this host, or the handler's own. */
apr_status_t oc_kinds_form_of(oc_fragment_t *f, const char **path, const char **prefix)
{
    const char *form = oc_input_text(&f->in, "form");

    *prefix = NULL;
    *path = apr_pstrcat(f->in.pool, f->view.base, "/bookings/new", NULL);
    if (form) {
        size_t n = strlen(f->page->self);

        if (strcmp(form, "here") == 0) {
            /* Relative if it can be, so that the page's own address does not matter. */
            form = apr_pstrmemdup(f->in.pool, f->page->self, n > 1 ? n - 1 : n);
        } else if (!oc_words_path_ok(form)) {
            return oc_result_field(
                &f->result, OC_REASON_OK, "form",
                "a path of this host is wanted, as /intranet/book.html, or here");
        }
        *path = form;
        *prefix = "owacal-";
    }
    return APR_SUCCESS;
}

void oc_kinds_need(oc_fragment_t *f, oc_lookup_t *l)
{
    APR_ARRAY_PUSH(f->lookups, oc_lookup_t *) = l;
}

oc_lookup_t *oc_kinds_lookup(const oc_fragment_t *f, int i)
{
    return APR_ARRAY_IDX(f->lookups, i, oc_lookup_t *);
}

/* What the parameters say for a form, and where it comes back to: without being told, the page it
 * stands in with that page's own query, where that is allowed. */
static oc_form_t *values_with_return(oc_fragment_t *f, const char *back)
{
    oc_form_t *values = oc_input_refill(&f->in, "return");
    size_t n = strlen(f->page->rest);

    if (!back) { /* it ends with the '?' or '&' that more would follow */
        back = apr_pstrcat(f->in.pool, f->page->path,
                           n > 1 ? apr_pstrmemdup(f->in.pool, f->page->rest, n - 1) : NULL, NULL);
    }
    oc_form_put(values, "return", oc_words_return(f->in.pool, back, f->in.dir->returns));
    return values;
}

/* What came of the form, with what it was said with. */
static void fill_again(oc_fragment_t *f, const oc_again_t *again, oc_again_view_t *what)
{
    f->view.remarks = again->q->view.remarks;
    f->view.errors = again->q->view.errors;
    f->view.asked = again->q->view.asked;
    f->view.op_id = again->q->view.op_id;
    what->res = &again->q->result;
    what->act = again->act;
    what->verb = again->verb;
    what->values = again->values;
    what->ref = again->ref;
}

/* ---- grid ---- */

typedef struct grid_t {
    apr_array_header_t *who;
    apr_time_t day, slot;
    int days;
    oc_range_t hours[31]; /* what is shown of each day */
    const char *form, *prefix;
} grid_t;

static apr_status_t grid_ask(oc_fragment_t *f)
{
    grid_t *g = f->data = apr_pcalloc(f->in.pool, sizeof(*g));
    oc_range_t all;

    if (day_of(f, typed_day(f), &g->day) != APR_SUCCESS ||
        number_of(f, "days", 1, f->in.conf->max_range < 31 ? f->in.conf->max_range : 31, 1,
                  &g->days) != APR_SUCCESS ||
        oc_kinds_form_of(f, &g->form, &g->prefix) != APR_SUCCESS ||
        oc_input_who(&f->in, &g->who, &g->slot, &f->result) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    for (int i = 0; i < g->days; ++i) {
        apr_time_t day = oc_zone_midnight(f->view.zone, g->day, i);

        if (hour_of(f, "from", "08:00", day, &g->hours[i].start) != APR_SUCCESS ||
            hour_of(f, "to", "18:00", day, &g->hours[i].end) != APR_SUCCESS) {
            return APR_EGENERAL;
        }
        if (!oc_range_valid(g->hours[i])) {
            return oc_result_field(&f->result, OC_REASON_OK, "to", "must be after from");
        }
    }
    if ((g->hours[0].end - g->hours[0].start) / g->slot * g->who->nelts * g->days > CELLS_MAX) {
        return oc_result_field(&f->result, OC_REASON_OK, "slot",
                               "too large a table; show fewer days or longer slots");
    }
    all.start = g->day;
    all.end = oc_zone_midnight(f->view.zone, g->day, g->days);
    oc_kinds_need(f, oc_lookup_freebusy(f->page->lookups, g->who, all, OC_KINDS_SLOT));
    return APR_SUCCESS;
}

static const char *grid_show(oc_fragment_t *f)
{
    const grid_t *g = f->data;
    oc_html_t *h = oc_html_create(f->in.pool);
    apr_array_header_t *rows = apr_array_make(f->in.pool, g->who->nelts, sizeof(oc_freebusy_t *));
    oc_grid_t grid = {rows, {0, 0}, g->slot, f->in.now, g->form, g->prefix};

    for (int i = 0; i < g->who->nelts; ++i) { /* those asked for, of what was asked */
        oc_freebusy_t *fb = oc_freebusy_find(oc_kinds_lookup(f, 0)->rows,
                                             APR_ARRAY_IDX(g->who, i, const char *));
        if (fb) {
            APR_ARRAY_PUSH(rows, oc_freebusy_t *) = fb;
        }
    }
    for (int i = 0; i < g->days; ++i) {
        grid.range = g->hours[i];
        oc_grid_table(&f->view, h, &grid);
    }
    /* Only a grid whose day is left open can be led to another. */
    if (!apr_table_get(f->said, "day")) {
        oc_grid_days(&f->view, h, f->page->self, g->day);
    }
    return oc_html_print(h);
}

const oc_fragment_kind_t oc_kinds_grid = {
    "grid",
    (const char *const[]){"room", "who", "day", "days", "slot", "from", "to", "form", NULL},
    (const char *const[]){"day", NULL},
    0,
    grid_ask,
    grid_show,
};

/* ---- next ---- */

static apr_status_t next_ask(oc_fragment_t *f)
{
    apr_time_t slot, today = oc_zone_midnight(f->view.zone, f->in.now, 0);
    oc_range_t range = {today, oc_zone_midnight(f->view.zone, today, 1)};
    apr_array_header_t *who;

    if (oc_form_count(f->in.form, "room") + oc_form_count(f->in.form, "who") != 1) {
        return oc_result_field(&f->result, OC_REASON_OK, "room", "one room is wanted");
    }
    if (oc_input_who(&f->in, &who, &slot, &f->result) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    f->data = who;
    oc_kinds_need(f, oc_lookup_freebusy(f->page->lookups, who, range, OC_KINDS_SLOT));
    return APR_SUCCESS;
}

static const char *next_show(oc_fragment_t *f)
{
    const char *address = APR_ARRAY_IDX((apr_array_header_t *)f->data, 0, const char *);
    const oc_freebusy_t *fb = oc_freebusy_find(oc_kinds_lookup(f, 0)->rows, address);
    oc_html_t *h = oc_html_create(f->in.pool);

    if (!fb) {
        oc_result_fail(&f->result, OC_REASON_UPSTREAM_PROTOCOL, "nothing was said of %s", address);
        return NULL;
    }
    oc_grid_next(&f->view, h, fb, f->in.now);
    return oc_html_print(h);
}

const oc_fragment_kind_t oc_kinds_next = {
    "next", (const char *const[]){"room", "who", NULL}, (const char *const[]){NULL}, 1, next_ask,
    next_show,
};

/* ---- agenda, panel ---- */

typedef struct room_t {
    const oc_room_t *room;
    oc_range_t range;
} room_t;

static apr_status_t room_of(oc_fragment_t *f, const oc_room_t **room)
{
    const char *id = oc_input_text(&f->in, "room");

    *room = id && oc_form_count(f->in.form, "room") == 1 ? oc_room_find(f->in.conf->rooms, id)
                                                         : NULL;
    return *room ? APR_SUCCESS
                 : oc_result_field(&f->result, OC_REASON_OK, "room",
                                   "the id of one configured room is wanted");
}

static apr_status_t agenda_ask(oc_fragment_t *f)
{
    room_t *r = f->data = apr_pcalloc(f->in.pool, sizeof(*r));
    int days;

    if (room_of(f, &r->room) != APR_SUCCESS ||
        day_of(f, typed_day(f), &r->range.start) != APR_SUCCESS ||
        number_of(f, "days", 1, f->in.conf->max_range, 1, &days) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    r->range.end = oc_zone_midnight(f->view.zone, r->range.start, days);
    oc_kinds_need(f, oc_lookup_room(f->page->lookups, r->room, r->range, 1000));
    return APR_SUCCESS;
}

static const char *agenda_show(oc_fragment_t *f)
{
    const room_t *r = f->data;
    const oc_agenda_t *agenda =
        oc_calendar_agenda(&f->page->q, r->room, r->range, oc_kinds_lookup(f, 0)->look);

    if (!agenda) {
        oc_result_fail(&f->result, OC_REASON_INTERNAL, "no agenda could be made");
        return NULL;
    }
    return oc_view_agenda(&f->view, agenda, f->in.now, 0);
}

const oc_fragment_kind_t oc_kinds_agenda = {
    "agenda", (const char *const[]){"room", "day", "days", NULL},
    (const char *const[]){"day", NULL}, 0, agenda_ask, agenda_show,
};

static apr_status_t panel_ask(oc_fragment_t *f)
{
    room_t *r = f->data = apr_pcalloc(f->in.pool, sizeof(*r));

    if (room_of(f, &r->room) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    r->range = oc_panel_range(&f->page->q);
    oc_kinds_need(f, oc_lookup_room(f->page->lookups, r->room, r->range, 1000));
    return APR_SUCCESS;
}

static const char *panel_show(oc_fragment_t *f)
{
    const room_t *r = f->data;
    const char *back = f->page->path;

    back = oc_words_return(f->in.pool, back, f->in.dir->returns) ? back : NULL;
    return oc_panel_text(&f->page->q, &f->view, r->room, r->range, oc_kinds_lookup(f, 0)->look,
                         back);
}

const oc_fragment_kind_t oc_kinds_panel = {
    "panel", (const char *const[]){"room", NULL}, (const char *const[]){NULL}, 0, panel_ask,
    panel_show,
};

/* ---- mine ---- */

typedef struct mine_t {
    oc_range_t range;
    const char *form, *prefix;
    const char *cancel; /* {ref} of what is to be cancelled, to be asked about; NULL */
} mine_t;

/* Cancelling begins with a link to the page itself, whose query names the booking. */
static apr_status_t mine_ask(oc_fragment_t *f)
{
    mine_t *m = f->data = apr_pcalloc(f->in.pool, sizeof(*m));
    int days, answers;

    if (day_of(f, NULL, &m->range.start) != APR_SUCCESS ||
        oc_kinds_form_of(f, &m->form, &m->prefix) ||
        number_of(f, "days", 1, f->in.conf->max_range, 14, &days) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    m->cancel = oc_input_text(&f->in, "cancel");
    m->range.end = oc_zone_midnight(f->view.zone, m->range.start, days);
    answers = !oc_input_text(&f->in, "answers") || oc_input_flag(&f->in, "answers");
    oc_kinds_need(f, oc_lookup_list(f->page->lookups, m->range, 200,
                                    answers ? OC_LIST_ANSWERS : 0));
    return APR_SUCCESS;
}

static const oc_booking_t *mine_find(const oc_fragment_t *f, const oc_list_t *list, const char *ref)
{
    oc_result_t res;
    const char *item;

    oc_result_init(&res, f->in.pool);
    item = oc_request_item(&f->page->q, ref, &res);
    for (int i = 0; item && i < list->bookings->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(list->bookings, i, const oc_booking_t *);
        if (b->item && strcmp(b->item, item) == 0) {
            return b;
        }
    }
    return NULL;
}

static const char *mine_show(oc_fragment_t *f)
{
    const mine_t *m = f->data;
    const oc_list_t *list = oc_kinds_lookup(f, 0)->list;
    oc_again_t *again = f->page->again;
    oc_mine_t mine = {list, m->range, f->page->self, NULL, NULL, NULL, NULL, NULL, NULL};
    oc_again_view_t what;

    mine.form = m->prefix ? m->form : NULL;
    if (again && strcmp(again->verb, "cancel") == 0 && !again->shown) {
        fill_again(f, again, &what);
        mine.cancel = again->ref;
        mine.values = again->values;
        mine.problem = &what;
        again->shown = 1;
        mine.asked = mine.cancel ? mine_find(f, list, mine.cancel) : NULL;
    } else if (m->cancel && (mine.asked = mine_find(f, list, m->cancel)) != NULL) {
        mine.cancel = m->cancel;
        mine.values = values_with_return(f, NULL);
    }
    return oc_page_mine(&f->view, &mine);
}

const oc_fragment_kind_t oc_kinds_mine = {
    "mine", (const char *const[]){"day", "days", "answers", "form", NULL},
    (const char *const[]){"day", "cancel", NULL}, 0, mine_ask, mine_show,
};

/* ---- form ---- */

typedef struct form_t {
    oc_form_t *values;
    const char *ref; /* of the booking to be changed; NULL */
    oc_again_t *again;
} form_t;

/* A form to change that booking, once it has been read. */
static apr_status_t ask_booking(oc_fragment_t *f, form_t *form, const char *ref)
{
    const char *item = oc_request_item(&f->page->q, ref, &f->result);

    if (!item) {
        return APR_EGENERAL;
    }
    form->ref = ref;
    oc_kinds_need(f, oc_lookup_read(f->page->lookups, item));
    return APR_SUCCESS;
}

static apr_status_t form_ask(oc_fragment_t *f)
{
    form_t *form = f->data = apr_pcalloc(f->in.pool, sizeof(*form));
    oc_again_t *again = f->page->again;
    const char *back = oc_input_text(&f->in, "return"), *ref = oc_input_text(&f->in, "booking");

    f->view.key = oc_request_key(&f->page->q);
    if (!f->view.key) {
        return oc_result_fail(&f->result, OC_REASON_INTERNAL, "no randomness");
    }
    f->view.place = ++f->page->forms;
    if (f->view.place > 1) {
        f->view.ids = apr_psprintf(f->in.pool, "owacal%d", f->page->forms);
    }
    if (again && strcmp(again->verb, "cancel") != 0 && !again->shown &&
        (!again->place || again->place == f->view.place)) {
        form->again = again;
        return APR_SUCCESS;
    }
    if (back && !oc_words_return(f->in.pool, back, f->in.dir->returns)) {
        return oc_result_field(&f->result, OC_REASON_RETURN_REFUSED, "return",
                               "not below any OwaCalReturn of this location");
    }
    form->values = values_with_return(f, back);
    return ref ? ask_booking(f, form, ref) : APR_SUCCESS;
}

static const char *form_show(oc_fragment_t *f)
{
    form_t *form = f->data;
    oc_again_view_t what;

    if (form->again) {
        fill_again(f, form->again, &what);
        form->again->shown = 1;
        return what.res->reason == OC_REASON_OK
                   ? oc_page_asked(&f->view, what.values, what.ref)
                   : oc_page_problem(&f->view, what.res, what.act, what.verb, what.values,
                                     what.ref);
    }
    if (form->ref) {
        const oc_booking_t *b = oc_kinds_lookup(f, 0)->booking;
        const char *back = oc_form_value(f->in.pool, form->values, "return");

        if (!b || !oc_view_own(&f->view, b)) {
            oc_result_fail(&f->result,
                           b ? OC_REASON_NOT_ORGANIZER : OC_REASON_BOOKING_NOT_FOUND, "form");
            return NULL;
        }
        form->values = oc_form_values(&f->view, b);
        oc_form_put(form->values, "return", back);
        return oc_page_asked(&f->view, form->values, form->ref);
    }
    return oc_page_form(&f->view, form->values);
}

static const char *const form_fields[] = {
    "room",     "subject",  "start",    "end",      "date",     "duration", "end_date",
    "tz",       "all_day",  "required", "optional", "location", "reminder", "text",
    "private",  "return",   "booking",  NULL};

const oc_fragment_kind_t oc_kinds_form = {
    "form",
    form_fields,
    form_fields,
    0,
    form_ask,
    form_show,
};

/* ---- message ---- */

static apr_status_t message_ask(oc_fragment_t *f)
{
    const char *token = oc_input_text(&f->in, "owacal");

    f->data = token ? (void *)oc_token_outcome_open(f->in.pool, &f->page->q.scope, token, f->in.now)
                    : NULL;
    return APR_SUCCESS;
}

static const char *message_show(oc_fragment_t *f)
{
    oc_again_t *again = f->page->again;
    oc_again_view_t what;

    if (again && again->q->result.reason != OC_REASON_OK) {
        fill_again(f, again, &what);
        /* Nothing was typed that could be lost. */
        if (strcmp(again->verb, "cancel") == 0 &&
            !oc_form_value(f->in.pool, again->values, "reason")) {
            again->shown = 1;
        }
        return oc_page_told(&f->view, &what);
    }
    return f->data && !again ? oc_page_message(&f->view, f->data) : NULL;
}

const oc_fragment_kind_t oc_kinds_message = {
    "message", (const char *const[]){NULL}, (const char *const[]){"owacal", NULL}, 1, message_ask,
    message_show,
};
