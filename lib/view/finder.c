/* finder.c - see finder.h. */
#include <string.h>
#include <apr_strings.h>

#include "cal/zone.h"
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
    oc_html_element(h, "label", label, "for", id_of(view, name), NULL);
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
    oc_html_element(h, "legend", "With", NULL);
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
        view->now ? apr_pstrndup(view->pool, oc_view_clock(view, view->now), 10) : NULL;

    oc_html_open(h, "form", "method", "get", "role", "search", "aria-label", "Find a room", "class",
                 "owacal-find", NULL);
    for (int i = 0; i < finder->others->fields->nelts; ++i) { /* what else the page was asked */
        const oc_field_t *f = &APR_ARRAY_IDX(finder->others->fields, i, oc_field_t);
        oc_html_open(h, "input", "type", "hidden", "name", f->name, "value", f->value, NULL);
    }
    field(view, h, finder, "date", "Date", "date", today, 1);
    field(view, h, finder, "start", "Start", "time", NULL, 1);
    field(view, h, finder, "duration", "Minutes", "number", "5", 0);
    field(view, h, finder, "capacity", "People", "number", "1", 0);
    features(view, h, finder);
    oc_html_open(h, "p", NULL);
    oc_html_element(h, "button", "Find a room", "type", "submit", NULL);
    oc_html_close(h);
    oc_html_close(h);
}

/* ---- what it found ---- */

static void room_text(oc_html_t *h, const oc_room_t *room)
{
    if (room->capacity) {
        oc_html_textf(h, ", %d people", room->capacity);
    }
    if (room->building) {
        oc_html_textf(h, ", %s", room->building);
    }
    if (room->floor) {
        oc_html_textf(h, ", floor %s", room->floor);
    }
    for (int k = 0; k < room->features->nelts; ++k) {
        oc_html_textf(h, ", %s", APR_ARRAY_IDX(room->features, k, const char *));
    }
}

static void why_not(oc_html_t *h, const oc_candidate_t *c)
{
    switch (c->fit) {
    case OC_FIT_YES:
        break;
    case OC_FIT_UNKNOWN:
        oc_html_text(h, ": whether it is free is not known");
        break;
    case OC_FIT_TAKEN:
        oc_html_text(h, ": taken");
        break;
    case OC_FIT_SMALL:
        oc_html_text(h, c->room->capacity ? ": too small" : ": for how many it is, is not known");
        break;
    case OC_FIT_FEATURE:
        oc_html_textf(h, ": no %s", c->missing);
        break;
    }
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
        room_text(h, c->room);
        why_not(h, c);
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
        oc_html_open(h, "p", NULL);
        oc_html_textf(h, "None is free for that long within %d days.", finder->days);
        oc_html_close(h);
        return;
    }
    oc_html_element(h, "p", "The next time that fits:", NULL);
    oc_html_open(h, "ul", "class", "owacal-later", NULL);
    for (int i = 0; i < finder->later->nelts; ++i) {
        const oc_finder_free_t *free = &APR_ARRAY_IDX(finder->later, i, oc_finder_free_t);
        oc_range_t when = {free->start, free->start + length};

        oc_html_open(h, "li", NULL);
        oc_html_open(h, "a", "href",
                     oc_view_form_path(view, finder->form, finder->prefix, free->room->id, when),
                     NULL);
        oc_html_element(h, "time", oc_view_clock(view, free->start), "datetime",
                        oc_zone_print(view->pool, free->start, view->zone), NULL);
        oc_html_textf(h, ", %s", free->room->name);
        oc_html_close(h);
        oc_html_close(h);
    }
    oc_html_close(h);
}

void oc_finder_search(const oc_view_t *view, oc_html_t *h, const oc_finder_t *finder)
{
    int n;

    search_form(view, h, finder);
    if (finder->problem->reason != OC_REASON_OK) {
        oc_html_open(h, "p", "class", "owacal-error", "role", "alert", NULL);
        oc_html_textf(h, "%s (%s: %s)", oc_reason_sentence(finder->problem->reason),
                      finder->problem->field ? finder->problem->field : "",
                      finder->problem->detail ? finder->problem->detail : "");
        oc_html_close(h);
    }
    if (!finder->found) {
        return;
    }
    n = fitting(finder->found);
    oc_html_open(h, "p", "class", "owacal-found", "role", "status", NULL);
    if (finder->wish->when.start) {
        oc_html_textf(h, "%s to %s: ", oc_view_clock(view, finder->wish->when.start),
                      oc_view_clock(view, finder->wish->when.end));
    }
    if (n == 0) {
        oc_html_text(h, "no room fits.");
    } else {
        oc_html_textf(h, n == 1 ? "%d room fits." : "%d rooms fit, the best first.", n);
    }
    oc_html_close(h);
    if (finder->later) {
        later_list(view, h, finder);
    }
    oc_finder_list(view, h, finder->found, finder->wish->when, finder->form, finder->prefix);
}
