/* agenda.c - a room's agenda as HTML and JSON. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "view/agenda.h"
#include "view/html.h"
#include "wire/json.h"

/* The day only where there is more than one. */
static oc_html_part_t time_part(const oc_view_t *view, const char *name, apr_time_t t, int with_day)
{
    return oc_view_part(view, name, t, with_day ? OC_DATES_DAY_CLOCK : OC_DATES_CLOCK);
}

const char *oc_view_agenda_state(const oc_view_t *view, oc_busy_t busy)
{
    switch (busy) {
    case OC_BUSY_FREE:
        return oc_view_say(view, "Free");
    case OC_BUSY_TENTATIVE:
        return oc_view_say(view, "Tentatively booked");
    case OC_BUSY_BUSY:
        return oc_view_say(view, "Busy");
    case OC_BUSY_OOF:
        return oc_view_say(view, "Not available");
    case OC_BUSY_UNKNOWN:
        break;
    }
    return oc_view_say(view, "Not known");
}

static void now_line(const oc_view_t *view, oc_html_t *h, const oc_agenda_t *agenda, apr_time_t now)
{
    apr_time_t until;
    oc_busy_t busy = oc_agenda_now(agenda, now, &until);
    oc_html_part_t parts[2];

    if (now < agenda->range.start || now >= agenda->range.end) {
        return; /* another day's agenda says nothing of now */
    }
    oc_html_open(h, "p", "class",
                 apr_pstrcat(view->pool, "owacal-now owacal-", oc_busy_token(busy), NULL), NULL);
    parts[0] = (oc_html_part_t){"state", oc_view_agenda_state(view, busy), NULL, NULL};
    parts[1] = time_part(view, "time", until, !oc_view_one_day(view, agenda->range));
    oc_html_parts(h,
                  until ? oc_view_say(view, "{state} until {time}")
                  : busy == OC_BUSY_FREE && oc_view_one_day(view, agenda->range)
                      ? oc_view_say(view, "{state} for the rest of the day")
                      : "{state}",
                  parts, 2);
    oc_html_close(h);
}

static void entry_item(const oc_view_t *view, oc_html_t *h, const oc_agenda_t *agenda,
                       const oc_agenda_entry_t *e, apr_time_t now)
{
    int current = e->when.start <= now && now < e->when.end;
    int with_day =
        !oc_range_contains(agenda->range, e->when) || !oc_view_one_day(view, agenda->range);

    oc_html_open(h, "li", "class",
                 apr_pstrcat(view->pool, "owacal-", oc_busy_token(e->busy),
                             e->when.end <= now ? " owacal-past"
                             : current          ? " owacal-current"
                                                : "",
                             NULL),
                 "aria-current", current ? "time" : NULL, NULL);
    if (e->all_day) {
        oc_html_text(h, oc_view_say(view, "All day"));
    } else {
        oc_html_parts(h, "{start}–{end}",
                      (oc_html_part_t[]){time_part(view, "start", e->when.start, with_day),
                                         time_part(view, "end", e->when.end, with_day)},
                      2);
    }
    oc_html_text(h, " ");
    oc_view_agenda_what(view, h, e);
    if (e->when.end <= now) {
        oc_html_element(h, "span",
                        apr_pstrcat(view->pool, " (", oc_view_say(view, "over"), ")", NULL),
                        "class", "owacal-over", NULL);
    }
    oc_html_close(h);
}

void oc_view_agenda_what(const oc_view_t *view, oc_html_t *h, const oc_agenda_entry_t *e)
{
    oc_html_parts(h,
                  e->subject && e->by ? oc_view_say(view, "{subject}, booked by {name}")
                  : e->subject        ? "{subject}"
                  : e->by             ? oc_view_say(view, "Booked by {name}")
                                      : oc_view_agenda_state(view, e->busy),
                  (oc_html_part_t[]){{"subject", e->subject, NULL, "owacal-subject"},
                                     {"name", e->by, NULL, "owacal-by"}},
                  2);
    if (e->busy == OC_BUSY_TENTATIVE && (e->subject || e->by)) {
        oc_html_textf(h, " (%s)", oc_view_say(view, "tentative"));
    }
}

static void agenda_section(const oc_view_t *view, oc_html_t *h, const oc_agenda_t *agenda,
                           apr_time_t now, int level)
{
    static const char *const headings[] = {"h1", "h2", "h3", "h4", "h5", "h6"};

    oc_html_open(h, "section", "class", "owacal owacal-agenda", "data-source",
                 agenda->by_freebusy ? "freebusy" : "calendar", NULL);
    if (level >= 1 && level <= 6) {
        oc_html_part_t parts[3] = {[2] = {"room", agenda->room->name, NULL, "owacal-room"}};
        int one = oc_view_days(view, agenda->range, parts);

        oc_html_open(h, headings[level - 1], NULL);
        oc_html_parts(h, one ? "{room}, {start}" : "{room}, {start} – {end}", parts, 3);
        oc_html_close(h);
    }
    now_line(view, h, agenda, now);
    if (agenda->entries->nelts > 0) {
        oc_html_open(h, "ol", NULL);
        for (int i = 0; i < agenda->entries->nelts; ++i) {
            entry_item(view, h, agenda, &APR_ARRAY_IDX(agenda->entries, i, oc_agenda_entry_t), now);
        }
        oc_html_close(h);
    } else {
        oc_html_element(h, "p", oc_view_say(view, "Nothing is booked."), "class", "owacal-nothing",
                        NULL);
    }
    if (agenda->more) {
        oc_html_element(h, "p", oc_view_say(view, "There is more than is shown here."), "class",
                        "owacal-more", NULL);
    }
    if (agenda->by_freebusy) {
        oc_html_element(h, "p",
                        oc_view_say(view, "From free/busy: some minutes late, and without names."),
                        "class", "owacal-source", NULL);
    }
    oc_html_close(h);
}

const char *oc_view_agenda(const oc_view_t *view, const oc_agenda_t *agenda, apr_time_t now,
                           int level)
{
    oc_html_t *h = oc_html_create(view->pool);

    agenda_section(view, h, agenda, now, level);
    return oc_html_print(h);
}

const char *oc_view_agenda_page(const oc_view_t *view, const oc_agenda_t *agenda, apr_time_t now)
{
    oc_html_t *h = oc_html_create(view->pool);

    if (view->fragment) {
        return oc_view_agenda(view, agenda, now, 2);
    }
    oc_view_document(view, h, agenda->room->name, NULL);
    oc_html_open(h, "main", NULL);
    agenda_section(view, h, agenda, now, 1);
    oc_html_open(h, "p", NULL);
    oc_html_element(h, "a", oc_view_say(view, "Book this room"), "href",
                    apr_pstrcat(view->pool, view->base, "/bookings/new?room=",
                                oc_str_query(view->pool, agenda->room->id), NULL),
                    NULL);
    oc_html_text(h, " · ");
    oc_html_element(h, "a", oc_view_say(view, "Subscribe"), "href",
                    apr_pstrcat(view->pool, view->base, "/rooms/",
                                oc_str_segment(view->pool, agenda->room->id), ".ics", NULL),
                    NULL);
    return oc_html_print(h);
}

const char *oc_view_agenda_json(const oc_view_t *view, const oc_agenda_t *agenda, apr_time_t now)
{
    oc_json_t *doc = oc_json_object(view->pool), *part;
    apr_time_t until;
    oc_busy_t busy = oc_agenda_now(agenda, now, &until);

    part = oc_json_add_object(doc, "room");
    oc_json_text(part, "id", agenda->room->id);
    oc_json_text(part, "name", agenda->room->name);
    oc_json_text(doc, "start", oc_zone_print(view->pool, agenda->range.start, view->zone));
    oc_json_text(doc, "end", oc_zone_print(view->pool, agenda->range.end, view->zone));
    oc_json_text(doc, "tz", view->zone);
    oc_json_text(doc, "source", agenda->by_freebusy ? "freebusy" : "calendar");
    oc_json_bool(doc, "more", agenda->more);
    if (now >= agenda->range.start && now < agenda->range.end) {
        part = oc_json_add_object(doc, "now");
        oc_json_text(part, "state", oc_busy_token(busy));
        if (until) {
            oc_json_text(part, "until", oc_zone_print(view->pool, until, view->zone));
        }
    }
    part = oc_json_add_array(doc, "entries");
    for (int i = 0; i < agenda->entries->nelts; ++i) {
        const oc_agenda_entry_t *e = &APR_ARRAY_IDX(agenda->entries, i, oc_agenda_entry_t);
        oc_json_t *o = oc_json_add_object(part, NULL);
        oc_json_text(o, "start", oc_zone_print(view->pool, e->when.start, view->zone));
        oc_json_text(o, "end", oc_zone_print(view->pool, e->when.end, view->zone));
        oc_json_bool(o, "all_day", e->all_day);
        oc_json_text(o, "state", oc_busy_token(e->busy));
        if (e->subject) {
            oc_json_text(o, "subject", e->subject);
        }
        if (e->by) {
            oc_json_text(o, "booked_by", e->by);
        }
        oc_json_bool(o, "past", e->when.end <= now);
    }
    return oc_json_print(doc, view->pool);
}
