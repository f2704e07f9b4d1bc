/* grid.c - see grid.h. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "view/grid.h"

static const char *hour_text(const oc_view_t *view, apr_time_t t)
{
    return oc_view_date(view, t, OC_DATES_CLOCK);
}

static const char *state_text(const oc_view_t *view, oc_busy_t busy)
{
    static const char *const words[] = {OC_TEXT("free"), OC_TEXT("tentative"), OC_TEXT("busy"),
                                        OC_TEXT("out of office"), OC_TEXT("unknown")};

    return oc_view_say(view, words[busy <= OC_BUSY_UNKNOWN ? busy : OC_BUSY_UNKNOWN]);
}

static int is_now(const oc_grid_t *grid, oc_range_t slot)
{
    return grid->now >= slot.start && grid->now < slot.end;
}

/* What is the same in every row. */
typedef struct column_t {
    oc_range_t slot;
    const char *from, *to;   /* to be read */
    const char *start, *end; /* for queries */
} column_t;

static void cell(const oc_view_t *view, oc_html_t *h, const oc_grid_t *grid,
                 const oc_freebusy_t *fb, const oc_room_t *room, const char *name,
                 const column_t *c)
{
    oc_busy_t busy = oc_freebusy_in(fb, c->slot);
    const char *state = state_text(view, busy), *token = oc_busy_token(busy);

    oc_html_open(h, "td", "class",
                 is_now(grid, c->slot) ? apr_pstrcat(view->pool, token, " now", NULL) : token,
                 NULL);
    if (busy == OC_BUSY_FREE && room && grid->form && c->slot.end > grid->now) {
        oc_html_element(h, "a", state, "href",
                        oc_view_form_at(view, grid->form, grid->prefix, room->id, c->start, c->end),
                        "aria-label",
                        oc_view_with(view, "free: book {room} from {start} to {end}", "room", name,
                                     "start", c->from, "end", c->to, NULL),
                        NULL);
    } else {
        oc_html_text(h, state);
    }
    oc_html_close(h);
}

static column_t *columns(const oc_view_t *view, const oc_grid_t *grid, int count)
{
    column_t *all = apr_pcalloc(view->pool, sizeof(*all) * (size_t)(count > 0 ? count : 1));

    for (int k = 0; k < count; ++k) {
        column_t *c = &all[k];

        c->slot.start = grid->range.start + k * grid->slot;
        c->slot.end = c->slot.start + grid->slot < grid->range.end ? c->slot.start + grid->slot
                                                                   : grid->range.end;
        c->from = k ? all[k - 1].to : hour_text(view, c->slot.start);
        c->start = k ? all[k - 1].end : oc_view_input(view, c->slot.start);
        c->to = hour_text(view, c->slot.end);
        c->end = oc_view_input(view, c->slot.end);
    }
    return all;
}

static void caption(const oc_view_t *view, oc_html_t *h, const oc_grid_t *grid)
{
    oc_html_part_t parts[] = {{"day", NULL, NULL, NULL},
                              {"start", NULL, NULL, NULL},
                              {"end", NULL, NULL, NULL},
                              {"zone", view->zone, NULL, NULL},
                              {"now", NULL, NULL, NULL}};
    int one = oc_view_one_day(view, grid->range);
    int now = grid->now >= grid->range.start && grid->now < grid->range.end;

    parts[0].text = oc_view_date(view, grid->range.start, OC_DATES_DAY);
    parts[1] = oc_view_part(view, "start", grid->range.start,
                            one ? OC_DATES_CLOCK : OC_DATES_DAY_CLOCK);
    parts[2] = oc_view_part(view, "end", grid->range.end,
                            one ? OC_DATES_CLOCK : OC_DATES_DAY_CLOCK);
    parts[4] = oc_view_part(view, "now", grid->now, OC_DATES_CLOCK);
    oc_html_open(h, "caption", NULL);
    oc_html_parts(h, oc_view_say(view, one ? OC_TEXT("{day}, {start} to {end}, {zone}")
                                           : OC_TEXT("{start} to {end}, {zone}")),
                  parts, 5);
    if (now) {
        oc_html_text(h, "; ");
        oc_html_parts(h, oc_view_say(view, "it is now {now}"), parts, 5);
    }
    oc_html_close(h);
}

void oc_grid_table(const oc_view_t *view, oc_html_t *h, const oc_grid_t *grid)
{
    int count = (int)((grid->range.end - grid->range.start + grid->slot - 1) / grid->slot);
    const column_t *all = columns(view, grid, count);

    oc_html_open(h, "table", "class", "owacal-grid", NULL);
    caption(view, h, grid);
    oc_html_open(h, "thead", NULL);
    oc_html_open(h, "tr", NULL);
    oc_html_element(h, "th", oc_view_say(view, "Who"), "scope", "col", NULL);
    for (int k = 0; k < count; ++k) {
        const char *now = is_now(grid, all[k].slot) ? "now" : NULL;

        oc_html_open(h, "th", "scope", "col", "class", now, "aria-current", now ? "time" : NULL,
                     NULL);
        oc_html_parts(
            h, "{t}",
            (oc_html_part_t[]){oc_view_part(view, "t", all[k].slot.start, OC_DATES_CLOCK)}, 1);
        oc_html_close(h);
    }
    oc_html_close(h);
    oc_html_close(h);
    oc_html_open(h, "tbody", NULL);
    for (int i = 0; i < grid->rows->nelts; ++i) {
        const oc_freebusy_t *fb = APR_ARRAY_IDX(grid->rows, i, const oc_freebusy_t *);
        const oc_room_t *room = oc_view_room(view, fb->address);
        const char *name = room ? room->name : fb->name ? fb->name : fb->address;

        oc_html_open(h, "tr", NULL);
        oc_html_element(h, "th", name, "scope", "row", NULL);
        for (int k = 0; k < count; ++k) {
            cell(view, h, grid, fb, room, name, &all[k]);
        }
        oc_html_close(h);
    }
    oc_html_close(h);
    oc_html_close(h);
}

void oc_grid_days(const oc_view_t *view, oc_html_t *h, const char *self, apr_time_t day)
{
    static const struct {
        const char *text;
        int days;
    } links[] = {{OC_TEXT("Previous week"), -7},
                 {OC_TEXT("Previous day"), -1},
                 {OC_TEXT("Today"), 0},
                 {OC_TEXT("Next day"), 1},
                 {OC_TEXT("Next week"), 7}};

    oc_html_open(h, "p", "class", "owacal-days", NULL);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); ++i) {
        const char *to = "today";

        if (links[i].days) {
            to = oc_view_day(view, oc_zone_midnight(view->zone, day, links[i].days));
        }
        if (i > 0) {
            oc_html_text(h, " · ");
        }
        oc_html_element(h, "a", oc_view_say(view, links[i].text), "href",
                        apr_pstrcat(view->pool, self, "owacal-day=", to, NULL), NULL);
    }
    oc_html_close(h);
}

/* Where the state that holds at `t` ends, free and not free being the only two. */
static apr_time_t change_after(const oc_freebusy_t *fb, apr_time_t t, int is_free)
{
    oc_range_t slot;

    for (slot.start = t; slot.start < fb->range.end; slot.start = slot.end) {
        slot.end = fb->range.start + ((slot.start - fb->range.start) / fb->slot + 1) * fb->slot;
        if ((oc_freebusy_in(fb, slot) == OC_BUSY_FREE) != is_free) {
            return slot.start;
        }
    }
    return fb->range.end;
}

/* What holds now, until it changes; and what comes then, until that changes. */
static const struct next_t {
    const char *all_day, *until, *then_until, *then_all_day;
} next_texts[] = {
    {OC_TEXT("Free for the rest of the day."), OC_TEXT("Free until {time}."), NULL, NULL},
    {OC_TEXT("Tentatively taken for the rest of the day."), NULL,
     OC_TEXT("Tentatively taken until {time}, then free until {then}."),
     OC_TEXT("Tentatively taken until {time}, then free for the rest of the day.")},
    {OC_TEXT("Busy for the rest of the day."), NULL,
     OC_TEXT("Busy until {time}, then free until {then}."),
     OC_TEXT("Busy until {time}, then free for the rest of the day.")},
    {OC_TEXT("Out of office for the rest of the day."), NULL,
     OC_TEXT("Out of office until {time}, then free until {then}."),
     OC_TEXT("Out of office until {time}, then free for the rest of the day.")},
};

static const char *next_text(const oc_freebusy_t *fb, oc_busy_t busy, apr_time_t change,
                             apr_time_t then)
{
    const struct next_t *t = &next_texts[busy];

    return change >= fb->range.end   ? t->all_day
           : busy == OC_BUSY_FREE    ? t->until
           : then >= fb->range.end   ? t->then_all_day
                                     : t->then_until;
}

void oc_grid_next(const oc_view_t *view, oc_html_t *h, const oc_freebusy_t *fb, apr_time_t now)
{
    oc_range_t slot = {now, now + 1};
    oc_busy_t busy = oc_freebusy_in(fb, slot);

    oc_html_open(h, "span", "class",
                 apr_pstrcat(view->pool, "owacal-next ", oc_busy_token(busy), NULL), NULL);
    if (busy == OC_BUSY_UNKNOWN) {
        oc_html_text(h, oc_view_say(view, "Whether it is free is not known."));
    } else {
        apr_time_t change = change_after(fb, now, busy == OC_BUSY_FREE);
        apr_time_t then = change_after(fb, change, 1);
        oc_html_part_t parts[] = {oc_view_part(view, "time", change, OC_DATES_CLOCK),
                                  oc_view_part(view, "then", then, OC_DATES_CLOCK)};

        oc_html_parts(h, oc_view_say(view, next_text(fb, busy, change, then)), parts, 2);
    }
    oc_html_close(h);
}
