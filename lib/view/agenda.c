/* agenda.c - a room's agenda as HTML and JSON. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "view/agenda.h"
#include "view/html.h"
#include "wire/json.h"

/* The day only where there is more than one. */
static const char *clock_text(const oc_view_t *view, apr_time_t t, int with_day)
{
    oc_local_t l;

    if (oc_zone_to_local(view->zone, t, &l, NULL) != APR_SUCCESS) {
        return "";
    }
    return with_day ? apr_psprintf(view->pool, "%04d-%02d-%02d %02d:%02d", l.year, l.month, l.day,
                                   l.hour, l.minute)
                    : apr_psprintf(view->pool, "%02d:%02d", l.hour, l.minute);
}

static const char *day_text(const oc_view_t *view, apr_time_t t)
{
    return apr_pstrmemdup(view->pool, clock_text(view, t, 1), 10);
}

static int one_day(const oc_view_t *view, oc_range_t range)
{
    return strcmp(day_text(view, range.start), day_text(view, range.end - 1)) == 0;
}

static void time_element(const oc_view_t *view, oc_html_t *h, apr_time_t t, int with_day)
{
    oc_html_element(h, "time", clock_text(view, t, with_day), "datetime",
                    oc_zone_print(view->pool, t, view->zone), NULL);
}

/* Texts of other people: whichever way they run, the rest of the line stays as it is. */
static void foreign_text(oc_html_t *h, const char *name, const char *text)
{
    oc_html_open(h, "bdi", "class", name, NULL);
    oc_html_text(h, text);
    oc_html_close(h);
}

static const char *state_word(oc_busy_t busy)
{
    switch (busy) {
    case OC_BUSY_FREE:
        return "Free";
    case OC_BUSY_TENTATIVE:
        return "Tentatively booked";
    case OC_BUSY_BUSY:
        return "Busy";
    case OC_BUSY_OOF:
        return "Not available";
    case OC_BUSY_UNKNOWN:
        break;
    }
    return "Not known";
}

static void now_line(const oc_view_t *view, oc_html_t *h, const oc_agenda_t *agenda, apr_time_t now)
{
    apr_time_t until;
    oc_busy_t busy = oc_agenda_now(agenda, now, &until);

    if (now < agenda->range.start || now >= agenda->range.end) {
        return; /* another day's agenda says nothing of now */
    }
    oc_html_open(h, "p", "class",
                 apr_pstrcat(view->pool, "owacal-now owacal-", oc_busy_token(busy), NULL), NULL);
    oc_html_text(h, state_word(busy));
    if (until) {
        oc_html_text(h, " until ");
        time_element(view, h, until, !one_day(view, agenda->range));
    } else if (busy == OC_BUSY_FREE && one_day(view, agenda->range)) {
        oc_html_text(h, " for the rest of the day");
    }
    oc_html_close(h);
}

static void entry_item(const oc_view_t *view, oc_html_t *h, const oc_agenda_t *agenda,
                       const oc_agenda_entry_t *e, apr_time_t now)
{
    int current = e->when.start <= now && now < e->when.end;
    int with_day = !oc_range_contains(agenda->range, e->when) || !one_day(view, agenda->range);

    oc_html_open(h, "li", "class",
                 apr_pstrcat(view->pool, "owacal-", oc_busy_token(e->busy),
                             e->when.end <= now ? " owacal-past"
                             : current          ? " owacal-current"
                                                : "",
                             NULL),
                 "aria-current", current ? "time" : NULL, NULL);
    if (e->all_day) {
        oc_html_text(h, "All day ");
    } else {
        time_element(view, h, e->when.start, with_day);
        oc_html_text(h, "–");
        time_element(view, h, e->when.end, with_day);
        oc_html_text(h, " ");
    }
    if (e->subject) {
        foreign_text(h, "owacal-subject", e->subject);
        oc_html_text(h, e->by ? ", booked by " : "");
    } else if (e->by) {
        oc_html_text(h, "Booked by ");
    } else {
        oc_html_text(h, state_word(e->busy));
    }
    if (e->by) {
        foreign_text(h, "owacal-by", e->by);
    }
    if (e->busy == OC_BUSY_TENTATIVE && (e->subject || e->by)) {
        oc_html_text(h, " (tentative)");
    }
    if (e->when.end <= now) {
        oc_html_element(h, "span", " (over)", "class", "owacal-over", NULL);
    }
    oc_html_close(h);
}

static void agenda_section(const oc_view_t *view, oc_html_t *h, const oc_agenda_t *agenda,
                           apr_time_t now, int level)
{
    static const char *const headings[] = {"h1", "h2", "h3", "h4", "h5", "h6"};
    const char *day = day_text(view, agenda->range.start);

    oc_html_open(h, "section", "class", "owacal owacal-agenda", "data-source",
                 agenda->by_freebusy ? "freebusy" : "calendar", NULL);
    if (level >= 1 && level <= 6) {
        oc_html_open(h, headings[level - 1], NULL);
        foreign_text(h, "owacal-room", agenda->room->name);
        oc_html_text(h, ", ");
        oc_html_element(h, "time", day, "datetime", day, NULL);
        if (!one_day(view, agenda->range)) {
            const char *last = day_text(view, agenda->range.end - 1);
            oc_html_text(h, " – ");
            oc_html_element(h, "time", last, "datetime", last, NULL);
        }
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
        oc_html_element(h, "p", "Nothing is booked.", "class", "owacal-nothing", NULL);
    }
    if (agenda->more) {
        oc_html_element(h, "p", "There is more than is shown here.", "class", "owacal-more", NULL);
    }
    if (agenda->by_freebusy) {
        oc_html_element(h, "p", "From free/busy: some minutes late, and without names.", "class",
                        "owacal-source", NULL);
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
    oc_html_doctype(h);
    oc_html_open(h, "html", "lang", "en", NULL);
    oc_html_open(h, "head", NULL);
    oc_html_open(h, "meta", "charset", "utf-8", NULL);
    oc_html_open(h, "meta", "name", "viewport", "content", "width=device-width, initial-scale=1",
                 NULL);
    oc_html_element(h, "title", agenda->room->name, NULL);
    oc_html_close(h);
    oc_html_open(h, "body", NULL);
    oc_html_open(h, "main", NULL);
    agenda_section(view, h, agenda, now, 1);
    oc_html_open(h, "p", NULL);
    oc_html_element(h, "a", "Book this room", "href",
                    apr_pstrcat(view->pool, view->base, "/bookings/new?room=",
                                oc_str_query(view->pool, agenda->room->id), NULL),
                    NULL);
    oc_html_text(h, " · ");
    oc_html_element(h, "a", "Subscribe", "href",
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
