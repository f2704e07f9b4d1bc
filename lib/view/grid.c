/* grid.c - see grid.h. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "view/grid.h"

static const char *hour_text(const oc_view_t *view, apr_time_t t)
{
    const char *text = oc_view_clock(view, t);

    return strlen(text) > 11 ? text + 11 : text;
}

static const char *day_text(const oc_view_t *view, apr_time_t t)
{
    return apr_pstrndup(view->pool, oc_view_clock(view, t), 10);
}

static void hour_element(const oc_view_t *view, oc_html_t *h, apr_time_t t)
{
    oc_html_element(h, "time", hour_text(view, t), "datetime",
                    oc_zone_print(view->pool, t, view->zone), NULL);
}

static const char *state_text(oc_busy_t busy)
{
    static const char *const words[] = {"free", "tentative", "busy", "out of office", "unknown"};

    return words[busy <= OC_BUSY_UNKNOWN ? busy : OC_BUSY_UNKNOWN];
}

static const char *link_to(const oc_view_t *view, const oc_grid_t *grid, const oc_room_t *room,
                           oc_range_t slot)
{
    const char *p = grid->prefix ? grid->prefix : "";

    return apr_pstrcat(view->pool, grid->form, strchr(grid->form, '?') ? "&" : "?", p, "room=",
                       oc_str_query(view->pool, room->id), "&", p, "start=",
                       oc_view_input(view, slot.start), "&", p, "end=",
                       oc_view_input(view, slot.end), NULL);
}

static int is_now(const oc_grid_t *grid, oc_range_t slot)
{
    return grid->now >= slot.start && grid->now < slot.end;
}

static void cell(const oc_view_t *view, oc_html_t *h, const oc_grid_t *grid,
                 const oc_freebusy_t *fb, const oc_room_t *room, const char *name, oc_range_t slot)
{
    oc_busy_t busy = oc_freebusy_in(fb, slot);
    const char *state = state_text(busy);

    oc_html_open(h, "td", "class",
                 apr_pstrcat(view->pool, oc_busy_token(busy), is_now(grid, slot) ? " now" : "",
                             NULL),
                 NULL);
    if (busy == OC_BUSY_FREE && room && grid->form && slot.end > grid->now) {
        oc_html_element(h, "a", state, "href", link_to(view, grid, room, slot), "aria-label",
                        apr_pstrcat(view->pool, state, ": book ", name, " from ",
                                    hour_text(view, slot.start), " to ",
                                    hour_text(view, slot.end), NULL),
                        NULL);
    } else {
        oc_html_text(h, state);
    }
    oc_html_close(h);
}

static oc_range_t column(const oc_grid_t *grid, int k)
{
    oc_range_t slot;

    slot.start = grid->range.start + k * grid->slot;
    slot.end = slot.start + grid->slot < grid->range.end ? slot.start + grid->slot
                                                         : grid->range.end;
    return slot;
}

static void caption(const oc_view_t *view, oc_html_t *h, const oc_grid_t *grid)
{
    oc_html_open(h, "caption", NULL);
    oc_html_textf(h, "%s to %s, %s", oc_view_clock(view, grid->range.start),
                  oc_view_clock(view, grid->range.end), view->zone);
    if (grid->now >= grid->range.start && grid->now < grid->range.end) {
        oc_html_textf(h, "; it is now %s", hour_text(view, grid->now));
    }
    oc_html_close(h);
}

void oc_grid_table(const oc_view_t *view, oc_html_t *h, const oc_grid_t *grid)
{
    int count = (int)((grid->range.end - grid->range.start + grid->slot - 1) / grid->slot);

    oc_html_open(h, "table", "class", "owacal-grid", NULL);
    caption(view, h, grid);
    oc_html_open(h, "thead", NULL);
    oc_html_open(h, "tr", NULL);
    oc_html_element(h, "th", "Who", "scope", "col", NULL);
    for (int k = 0; k < count; ++k) {
        oc_range_t slot = column(grid, k);
        const char *now = is_now(grid, slot) ? "now" : NULL;

        oc_html_open(h, "th", "scope", "col", "class", now, "aria-current", now ? "time" : NULL,
                     NULL);
        hour_element(view, h, slot.start);
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
            cell(view, h, grid, fb, room, name, column(grid, k));
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
    } links[] = {{"Previous week", -7}, {"Previous day", -1}, {"Today", 0}, {"Next day", 1},
                 {"Next week", 7}};

    oc_html_open(h, "p", "class", "owacal-days", NULL);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); ++i) {
        const char *to = "today";

        if (links[i].days) {
            to = day_text(view, oc_zone_midnight(view->zone, day, links[i].days));
        }
        if (i > 0) {
            oc_html_text(h, " · ");
        }
        oc_html_element(h, "a", links[i].text, "href",
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

static void until(const oc_view_t *view, oc_html_t *h, const oc_freebusy_t *fb, const char *what,
                  apr_time_t t)
{
    oc_html_text(h, what);
    if (t >= fb->range.end) {
        oc_html_text(h, " for the rest of the day");
        return;
    }
    oc_html_text(h, " until ");
    hour_element(view, h, t);
}

void oc_grid_next(const oc_view_t *view, oc_html_t *h, const oc_freebusy_t *fb, apr_time_t now)
{
    oc_range_t slot = {now, now + 1};
    oc_busy_t busy = oc_freebusy_in(fb, slot);
    apr_time_t change = change_after(fb, now, busy == OC_BUSY_FREE);
    static const char *const words[] = {"Free", "Tentatively taken", "Busy", "Out of office"};

    oc_html_open(h, "span", "class",
                 apr_pstrcat(view->pool, "owacal-next ", oc_busy_token(busy), NULL), NULL);
    if (busy == OC_BUSY_UNKNOWN) {
        oc_html_text(h, "Whether it is free is not known");
    } else {
        until(view, h, fb, words[busy], change);
        if (busy != OC_BUSY_FREE && change < fb->range.end) {
            oc_html_text(h, ", then ");
            until(view, h, fb, "free", change_after(fb, change, 1));
        }
    }
    oc_html_text(h, ".");
    oc_html_close(h);
}
