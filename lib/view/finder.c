/* finder.c - see finder.h. */
#include <string.h>
#include <apr_strings.h>

#include "view/finder.h"
#include "view/form.h"

/* ---- the search ---- */

static const char *id_of(const oc_view_t *view, const char *name)
{
    return apr_pstrcat(view->pool, "owacal-find-", name, NULL);
}

static void field(const oc_view_t *view, oc_html_t *h, const oc_finder_t *finder, const char *name,
                  const char *label, const char *type, const char *least, int required)
{
    const char *value = oc_form_value(view->pool, finder->values, name);

    oc_html_open(h, "p", NULL);
    oc_html_element(h, "label", oc_view_say(view, label), "for", id_of(view, name), NULL);
    oc_html_text(h, " ");
    oc_html_open(h, "input", "type", type, "id", id_of(view, name), "name",
                 apr_pstrcat(view->pool, "owacal-", name, NULL), "value", value, "required",
                 required ? "required" : NULL, "min", least, "step",
                 strcmp(type, "time") == 0 ? "300" : NULL, "autocomplete", "off", NULL);
    oc_html_close(h);
}

static int chosen(const oc_form_t *values, const char *feature)
{
    for (int i = 0; i < values->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(values->fields, i, oc_field_t);
        if (strcmp(f->name, "feature") == 0 && strcasecmp(f->value, feature) == 0) {
            return 1;
        }
    }
    return 0;
}

static void features(const oc_view_t *view, oc_html_t *h, const oc_finder_t *finder)
{
    if (finder->features->nelts == 0) {
        return;
    }
    oc_html_open(h, "fieldset", NULL);
    oc_html_element(h, "legend", oc_view_say(view, "With"), NULL);
    for (int i = 0; i < finder->features->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(finder->features, i, const char *);
        const char *id = id_of(view, apr_psprintf(view->pool, "feature%d", i));

        oc_html_open(h, "span", NULL);
        oc_html_open(h, "input", "type", "checkbox", "id", id, "name", "owacal-feature", "value",
                     name, "checked",
                     chosen(finder->values, name) ? "checked" : NULL, NULL);
        oc_html_text(h, " ");
        oc_html_element(h, "label", name, "for", id, NULL);
        oc_html_close(h);
        oc_html_text(h, " ");
    }
    oc_html_close(h);
}

static void search_form(const oc_view_t *view, oc_html_t *h, const oc_finder_t *finder)
{
    const char *today =
        view->now ? oc_view_day(view, view->now) : NULL;

    oc_html_open(h, "form", "method", "get", "action", finder->action, "role", "search",
                 "aria-label", oc_view_say(view, "Find a room"), "class", "owacal-find", NULL);
    for (int i = 0; i < finder->others->fields->nelts; ++i) { /* what else the page was asked */
        const oc_field_t *f = &APR_ARRAY_IDX(finder->others->fields, i, oc_field_t);
        oc_html_open(h, "input", "type", "hidden", "name", f->name, "value", f->value, NULL);
    }
    field(view, h, finder, "date", OC_TEXT("Date"), "date", today, 1);
    field(view, h, finder, "start", OC_TEXT("Start"), "time", NULL, 1);
    field(view, h, finder, "duration", OC_TEXT("Duration (minutes)"), "number", "5", 0);
    field(view, h, finder, "capacity", OC_TEXT("Seats"), "number", "1", 0);
    features(view, h, finder);
    oc_html_open(h, "p", NULL);
    oc_html_element(h, "button", oc_view_say(view, "Find a room"), "type", "submit", NULL);
    oc_html_close(h);
    oc_html_close(h);
}

/* ---- what it found ---- */

static void room_text(const oc_view_t *view, oc_html_t *h, const oc_room_t *room)
{
    if (room->capacity) {
        oc_html_textf(h, ", %s", oc_view_with(view, "{name}: {value}", "name",
                                              oc_view_say(view, "Seats"), "value",
                                              apr_itoa(view->pool, room->capacity), NULL));
    }
    if (room->building) {
        oc_html_textf(h, ", %s", room->building);
    }
    if (room->floor) {
        oc_html_textf(h, ", %s", oc_view_with(view, "floor {floor}", "floor", room->floor, NULL));
    }
    for (int k = 0; k < room->features->nelts; ++k) {
        oc_html_textf(h, ", %s", APR_ARRAY_IDX(room->features, k, const char *));
    }
}

static const char *fit_text(const oc_view_t *view, const oc_candidate_t *c)
{
    switch (c->fit) {
    case OC_FIT_YES:
        break;
    case OC_FIT_UNKNOWN:
        return oc_view_say(view, "whether it is free is not known");
    case OC_FIT_TAKEN:
        return oc_view_say(view, "taken");
    case OC_FIT_SMALL:
        return c->room->capacity ? oc_view_say(view, "too small")
                                 : oc_view_say(view, "for how many it is, is not known");
    case OC_FIT_FEATURE:
        return oc_view_with(view, "missing: {feature}", "feature", c->missing, NULL);
    }
    return NULL;
}

void oc_finder_list(const oc_view_t *view, oc_html_t *h, const apr_array_header_t *found,
                    oc_range_t when, const char *form, const char *prefix)
{
    oc_html_open(h, "ul", "class", "owacal-rooms", NULL);
    for (int i = 0; i < found->nelts; ++i) {
        const oc_candidate_t *c = &APR_ARRAY_IDX(found, i, oc_candidate_t);

        oc_html_open(h, "li", "class", oc_fit_token(c->fit), NULL);
        if (c->fit == OC_FIT_YES || c->fit == OC_FIT_UNKNOWN) {
            oc_html_element(h, "a", c->room->name, "href",
                            oc_view_form_path(view, form, prefix, c->room->id, when), NULL);
        } else {
            oc_html_text(h, c->room->name);
        }
        room_text(view, h, c->room);
        if (fit_text(view, c)) {
            oc_html_textf(h, " – %s", fit_text(view, c));
        }
        oc_html_close(h);
    }
    oc_html_close(h);
}

static int fitting(const apr_array_header_t *found)
{
    int n = 0;

    for (int i = 0; i < found->nelts; ++i) {
        n += APR_ARRAY_IDX(found, i, oc_candidate_t).fit == OC_FIT_YES;
    }
    return n;
}

static void later_list(const oc_view_t *view, oc_html_t *h, const oc_finder_t *finder)
{
    apr_time_t length = finder->wish->when.end - finder->wish->when.start;

    if (finder->later->nelts == 0) {
        oc_html_element(h, "p",
                        oc_view_with(view, "None is free for that long within {days} days.", "days",
                                     apr_itoa(view->pool, finder->days), NULL),
                        NULL);
        return;
    }
    oc_html_element(h, "p", oc_view_say(view, "The next times that fit:"), NULL);
    oc_html_open(h, "ul", "class", "owacal-later", NULL);
    for (int i = 0; i < finder->later->nelts; ++i) {
        const oc_finder_free_t *free = &APR_ARRAY_IDX(finder->later, i, oc_finder_free_t);
        oc_range_t when = {free->start, free->start + length};
        oc_html_part_t time;

        oc_html_open(h, "li", NULL);
        oc_html_open(h, "a", "href",
                     oc_view_form_path(view, finder->form, finder->prefix, free->room->id, when),
                     NULL);
        time = oc_view_part(view, "t", free->start, OC_DATES_DAY_CLOCK);
        oc_html_parts(h, "{t}", &time, 1);
        oc_html_textf(h, ", %s", free->room->name);
        oc_html_close(h);
        oc_html_close(h);
    }
    oc_html_close(h);
}

void oc_finder_search(const oc_view_t *view, oc_html_t *h, const oc_finder_t *finder)
{
    const oc_result_t *problem = finder->problem;
    int n;

    search_form(view, h, finder);
    if (problem->reason != OC_REASON_OK) {
        const char *detail = oc_form_detail(view, problem);

        oc_html_open(h, "p", "class", "owacal-error", "role", "alert", NULL);
        oc_html_textf(h, "%s %s", oc_view_say(view, oc_reason_sentence(problem->reason)),
                      detail ? detail : "");
        oc_html_close(h);
    }
    if (!finder->found) {
        return;
    }
    n = fitting(finder->found);
    oc_html_open(h, "p", "class", "owacal-found", "role", "status", NULL);
    if (finder->wish->when.start) {
        oc_html_part_t parts[3] = {[2] = {"zone", view->zone, NULL, NULL}};

        oc_view_range(view, finder->wish->when, parts);
        oc_html_parts(h, oc_view_say(view, "{start} to {end}, {zone}"), parts, 3);
        oc_html_text(h, ". ");
    }
    oc_html_text(h, n == 0 ? oc_view_say(view, "No room fits.")
                           : oc_view_with(view, "Rooms that fit, the best first: {count}.", "count",
                                          apr_itoa(view->pool, n), NULL));
    oc_html_close(h);
    if (finder->later) {
        later_list(view, h, finder);
    }
    oc_finder_list(view, h, finder->found, finder->wish->when, finder->form, finder->prefix);
}
