/* panel.c - a room's door panel as HTML. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "view/agenda.h"
#include "view/html.h"
#include "view/panel.h"

#define MINUTE apr_time_from_sec(60)

const char *oc_view_panel_path(const oc_view_t *view, const oc_room_t *room)
{
    return apr_pstrcat(view->pool, view->base, "/rooms/", oc_str_segment(view->pool, room->id),
                       "/panel", NULL);
}

const char *oc_view_panel_clock(const oc_view_t *view, apr_time_t t)
{
    return oc_view_date(view, t, OC_DATES_CLOCK);
}

apr_time_t oc_view_panel_minute(apr_time_t now)
{
    return now - now % MINUTE;
}

static void clock_element(const oc_view_t *view, oc_html_t *h, apr_time_t t)
{
    oc_html_element(h, "time", oc_view_panel_clock(view, t), "datetime",
                    oc_zone_print(view->pool, t, view->zone), NULL);
}

/* ---- what is ---- */

/* What is tentative is to whoever stands at the door as good as certain. */
static const char *state_word(const oc_view_t *view, oc_busy_t busy)
{
    return oc_view_agenda_state(view, busy == OC_BUSY_TENTATIVE ? OC_BUSY_BUSY : busy);
}

static void state_line(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p, oc_busy_t busy,
                       apr_time_t until)
{
    oc_html_part_t parts[2] = {{"state", state_word(view, busy), NULL, NULL}};

    oc_html_open(h, "p", "class", "owacal-state", NULL);
    oc_html_open(h, "strong", NULL);
    parts[1] = oc_view_part(view, "time", until, OC_DATES_CLOCK);
    oc_html_parts(h,
                  until ? oc_view_say(view, "{state} until {time}")
                  : busy == OC_BUSY_FREE && p->agenda
                      ? oc_view_say(view, "{state} for the rest of the day")
                      : "{state}",
                  parts, 2);
    oc_html_close(h);
    oc_html_close(h);
}

static void meeting(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p,
                    const oc_agenda_entry_t *e, const char *title)
{
    int own = p->own && p->own->when.start == e->when.start && p->own->when.end == e->when.end;

    oc_html_open(h, "p", "class", "owacal-meeting", NULL);
    oc_html_textf(h, "%s: ", oc_view_say(view, title));
    if (e->all_day) {
        oc_html_textf(h, "%s ", oc_view_say(view, "All day"));
    } else {
        clock_element(view, h, e->when.start);
        oc_html_text(h, "–");
        clock_element(view, h, e->when.end);
        oc_html_text(h, " ");
    }
    if (own) {
        oc_html_text(h, oc_view_say(view, "Booked at the door"));
    } else {
        oc_view_agenda_what(view, h, e);
    }
    oc_html_close(h);
}

static void meetings(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p)
{
    const apr_array_header_t *entries = p->agenda->entries;
    int next = 0;

    for (int i = 0; i < entries->nelts && !next; ++i) { /* by start */
        const oc_agenda_entry_t *e = &APR_ARRAY_IDX(entries, i, oc_agenda_entry_t);

        if (e->when.end <= p->now) {
            continue;
        }
        next = e->when.start > p->now;
        meeting(view, h, p, e, next ? OC_TEXT("Next") : OC_TEXT("Now"));
    }
    if (!next) {
        oc_html_element(h, "p", oc_view_say(view, "Nothing more is booked today."), "class",
                        "owacal-nothing", NULL);
    }
}

/* ---- what can be done ---- */

static void hidden(oc_html_t *h, const char *name, const char *value)
{
    if (value) {
        oc_html_open(h, "input", "type", "hidden", "name", name, "value", value, NULL);
    }
}

static void form_open(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p, const char *action)
{
    oc_html_open(h, "form", "method", "post", "action", oc_view_panel_path(view, p->room), "class",
                 "owacal-press", NULL);
    hidden(h, "token", view->token);
    hidden(h, "action", action);
    hidden(h, "return", p->back);
    oc_html_open(h, "p", NULL);
}

static void form_close(oc_html_t *h)
{
    oc_html_close(h);
    oc_html_close(h);
}

static void button(const oc_view_t *view, oc_html_t *h, const char *name, apr_int64_t value,
                   const char *text)
{
    oc_html_element(h, "button", text, "type", "submit", "name", name, "value",
                    apr_psprintf(view->pool, "%" APR_INT64_T_FMT, value), NULL);
    oc_html_text(h, " ");
}

static void book_buttons(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p, apr_time_t until)
{
    static const int minutes[] = {15, 30, 60};
    apr_time_t start = oc_view_panel_minute(p->now);

    if (until && start + 15 * MINUTE > until) {
        oc_html_element(h, "p",
                        oc_view_say(view, "The next meeting begins soon: there is no time to "
                                          "book."),
                        "class", "owacal-off", NULL);
        return;
    }
    form_open(view, h, p, "book");
    hidden(h, "key", p->key);
    oc_html_textf(h, "%s ", oc_view_say(view, "Book now:"));
    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); ++i) {
        if (!until || start + minutes[i] * MINUTE <= until) {
            button(view, h, "minutes", minutes[i],
                   oc_view_with(view, "{n} minutes", "n", apr_itoa(view->pool, minutes[i]), NULL));
        }
    }
    form_close(h);
}

/* Until when the room is free once `own` is over; 0: as far as is known. */
static apr_time_t free_after(const oc_agenda_t *agenda, const oc_booking_t *own)
{
    apr_time_t until = 0;

    for (int i = 0; i < agenda->entries->nelts; ++i) {
        const oc_agenda_entry_t *e = &APR_ARRAY_IDX(agenda->entries, i, oc_agenda_entry_t);

        if (e->when.end > own->when.end) {
            apr_time_t start = e->when.start > own->when.end ? e->when.start : own->when.end;
            until = !until || start < until ? start : until;
        }
    }
    return until;
}

static void own_buttons(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p)
{
    const char *ref = view->ref(view, p->own->item, p->own->uid);
    apr_time_t end = p->own->when.end, until = free_after(p->agenda, p->own);

    if (!until || end + 15 * MINUTE <= until) {
        form_open(view, h, p, "extend");
        hidden(h, "ref", ref);
        oc_html_textf(h, "%s ", oc_view_say(view, "Extend:"));
        for (int more = 15; more <= 30; more += 15) {
            if (!until || end + more * MINUTE <= until) {
                button(view, h, "until", apr_time_sec(end + more * MINUTE),
                       oc_view_with(view, "by {n} minutes", "n", apr_itoa(view->pool, more),
                                    NULL));
            }
        }
        form_close(h);
    }
    form_open(view, h, p, "end");
    hidden(h, "ref", ref);
    oc_html_element(h, "button", oc_view_say(view, "End now"), "type", "submit", NULL);
    form_close(h);
}

static void actions(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p, oc_busy_t busy,
                    apr_time_t until)
{
    if (p->off) {
        oc_html_element(h, "p", oc_view_say(view, p->off), "class", "owacal-off", NULL);
    } else if (!view->token || !p->key) {
        return;
    } else if (p->own) {
        own_buttons(view, h, p);
    } else if (busy == OC_BUSY_FREE) {
        book_buttons(view, h, p, until);
    }
}

/* ---- the whole ---- */

static void failure(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p)
{
    const oc_result_t *res = p->failed;

    oc_html_open(h, "div", "class", "owacal-error", "role", "alert", NULL);
    if (!p->agenda) {
        oc_html_element(h, "p",
                        oc_view_say(view, "The room's calendar cannot be read at the moment. This "
                                          "page tries again by itself."),
                        NULL);
    }
    oc_html_open(h, "p", NULL);
    oc_html_textf(h, "%s (%s%s%s)", oc_view_say(view, oc_reason_sentence(res->reason)),
                  oc_reason_token(res->reason), view->op_id ? ", " : "",
                  view->op_id ? view->op_id : "");
    oc_html_close(h);
    oc_html_close(h);
}

static void section(const oc_view_t *view, oc_html_t *h, const oc_panel_t *p, int level)
{
    apr_time_t until = 0;
    oc_busy_t busy = p->agenda ? oc_agenda_now(p->agenda, p->now, &until) : OC_BUSY_UNKNOWN;

    oc_html_open(h, "section", "class",
                 apr_pstrcat(view->pool, "owacal owacal-panel owacal-", oc_busy_token(busy), NULL),
                 NULL);
    oc_html_open(h, level == 1 ? "h1" : "h2", NULL);
    oc_html_element(h, "bdi", p->room->name, NULL);
    oc_html_close(h);
    state_line(view, h, p, busy, until);
    oc_html_open(h, "p", "class", "owacal-clock", NULL);
    clock_element(view, h, oc_view_panel_minute(p->now)); /* the same for a minute: see the ETag */
    oc_html_textf(h, " %s", view->zone);
    oc_html_close(h);
    if (p->note) {
        oc_html_element(h, "p", p->note, "class", "owacal-message", "role", "status", NULL);
    }
    if (p->failed) {
        failure(view, h, p);
    }
    if (p->agenda) {
        meetings(view, h, p);
        actions(view, h, p, busy, until);
    }
    oc_html_close(h);
}

const char *oc_view_panel(const oc_view_t *view, const oc_panel_t *panel, int level)
{
    oc_html_t *h = oc_html_create(view->pool);

    section(view, h, panel, level);
    return oc_html_print(h);
}

const char *oc_view_panel_page(const oc_view_t *view, const oc_panel_t *panel)
{
    oc_html_t *h = oc_html_create(view->pool);
    const char *again = panel->back ? panel->back : oc_view_panel_path(view, panel->room);

    if (view->fragment) {
        return oc_view_panel(view, panel, 2);
    }
    /* To its plain address: neither a post nor an outcome is repeated. */
    oc_view_document(view, h, panel->room->name,
                     apr_psprintf(view->pool, "%d; url=%s", OC_PANEL_REFRESH, again));
    oc_html_open(h, "main", NULL);
    section(view, h, panel, 1);
    return oc_html_print(h);
}
