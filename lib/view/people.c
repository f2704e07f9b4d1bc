/* people.c - see people.h. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "view/page.h"
#include "view/people.h"

/* U+2068 and U+2069: the direction of what stands between them does not reach the rest. */
#define ISOLATE     "\xe2\x81\xa8"
#define ISOLATE_END "\xe2\x81\xa9"

static const char *people_count(const oc_view_t *view, const oc_entry_t *e)
{
    return !e->members ? oc_view_say(view, "its members cannot be read")
                       : oc_view_with(view, "members: {count}", "count",
                                      apr_itoa(view->pool, e->members->nelts), NULL);
}

const char *oc_people_label(const oc_view_t *view, const oc_entry_t *e)
{
    const char *name =
        apr_pstrcat(view->pool, ISOLATE, oc_str_log(view->pool, e->name, 120), ISOLATE_END, NULL);

    return e->kind == OC_PEOPLE_LIST
               ? apr_pstrcat(view->pool, name, " (", people_count(view, e), ")", NULL)
               : apr_pstrcat(view->pool, name, " <", e->address, ">", NULL);
}

/* ---- pages ---- */

/* Name, address and what else is known, in the element that is open. */
static void entry_text(const oc_view_t *view, oc_html_t *h, const oc_entry_t *e)
{
    const char *const more[] = {e->title, e->company, e->office};

    if (e->kind == OC_PEOPLE_LIST) {
        oc_html_textf(h, ", %s (%s)", oc_view_say(view, "list"), people_count(view, e));
    }
    if (e->address) {
        oc_html_text(h, " ");
        oc_html_element(h, "span", e->address, "class", "owacal-address", NULL);
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); ++i) {
        if (more[i]) {
            oc_html_text(h, ", ");
            oc_html_element(h, "bdi", more[i], NULL);
        }
    }
    if (e->kind == OC_PEOPLE_ROOM) {
        oc_html_textf(h, ", %s", oc_view_say(view, "room"));
    }
}

static void search_form(const oc_view_t *view, oc_html_t *h, const char *text)
{
    oc_html_open(h, "form", "method", "get", "action",
                 apr_pstrcat(view->pool, view->base, "/people", NULL), "role", "search", NULL);
    oc_html_open(h, "p", NULL);
    oc_html_element(h, "label", oc_view_say(view, "Name or address"), "for", "owacal-q", NULL);
    oc_html_text(h, " ");
    oc_html_open(h, "input", "type", "search", "id", "owacal-q", "name", "q", "value", text,
                 "required", "required", "minlength", APR_STRINGIFY(OC_PEOPLE_MIN), "maxlength",
                 APR_STRINGIFY(OC_PEOPLE_MAX), NULL);
    oc_html_text(h, " ");
    oc_html_element(h, "button", oc_view_say(view, "Look up"), "type", "submit", NULL);
    oc_html_close(h);
    oc_html_close(h);
}

static const char *form_path(const oc_view_t *view, const oc_entry_t *e)
{
    const oc_room_t *room = oc_view_room(view, e->address);
    const char *value = oc_people_value(view->pool, e);

    if (!room && (!value || strlen(value) > 1500)) { /* no URL for everybody in a long list */
        return NULL;
    }
    return apr_pstrcat(view->pool, view->base, "/bookings/new?", room ? "room=" : "required=",
                       oc_str_query(view->pool, room ? room->id : value), NULL);
}

static void result_item(const oc_view_t *view, oc_html_t *h, const oc_entry_t *e)
{
    const char *path = form_path(view, e);

    oc_html_open(h, "li", NULL);
    if (path) {
        oc_html_open(h, "a", "href", path, NULL);
    }
    oc_html_element(h, "bdi", e->name, NULL);
    if (path) {
        oc_html_close(h);
    }
    entry_text(view, h, e);
    oc_html_close(h);
}

static const char *remark_of(const oc_people_t *found)
{
    return found->more                  ? OC_TEXT("There are more; write more of the name.")
           : found->refused             ? OC_TEXT("There may be more than the server shows; write "
                                                  "more of the name.")
           : found->entries->nelts == 0 ? OC_TEXT("Nobody was found.")
                                        : NULL;
}

const char *oc_page_people(const oc_view_t *view, const char *text, const oc_people_t *found)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "People"));
    const char *remark = found ? remark_of(found) : NULL;

    search_form(view, h, text);
    if (found && found->entries->nelts) {
        oc_html_open(h, "ul", "class", "owacal-people", NULL);
        for (int i = 0; i < found->entries->nelts; ++i) {
            result_item(view, h, APR_ARRAY_IDX(found->entries, i, const oc_entry_t *));
        }
        oc_html_close(h);
    }
    if (remark) {
        oc_html_element(h, "p", oc_view_say(view, remark), "role", "status", NULL);
    }
    return oc_html_print(h);
}

/* ---- the booking form ---- */

static void choice(const oc_view_t *view, oc_html_t *h, const char *name, const char *value,
                   int checked, const oc_entry_t *e, const char *text)
{
    oc_html_open(h, "p", NULL);
    oc_html_open(h, "label", NULL);
    oc_html_open(h, "input", "type", "radio", "name", name, "value", value, "checked",
                 checked ? "checked" : NULL, NULL);
    oc_html_text(h, " ");
    oc_html_element(h, "bdi", e ? e->name : text, NULL);
    if (e) {
        entry_text(view, h, e);
    }
    oc_html_close(h);
    oc_html_close(h);
}

static void one_question(const oc_view_t *view, oc_html_t *h, const oc_asked_t *a, int number)
{
    const char *name = apr_psprintf(view->pool, "%s.%d", a->field, number);
    const char *remark = a->found ? remark_of(a->found) : NULL;
    int i;

    oc_html_open(h, "fieldset", "class", "owacal-choices", NULL);
    oc_html_open(h, "legend", NULL);
    oc_html_text(h, oc_view_with(view, "Whom do you mean by {name}?", "name",
                                 apr_pstrcat(view->pool, ISOLATE, a->text, ISOLATE_END, NULL),
                                 NULL));
    oc_html_close(h);
    if (!a->found) {
        oc_html_element(h, "p",
                        oc_view_with(view, "To look a name up takes {least} to {most} characters.",
                                     "least", APR_STRINGIFY(OC_PEOPLE_MIN), "most",
                                     APR_STRINGIFY(OC_PEOPLE_MAX), NULL),
                        NULL);
    } else if (remark) {
        oc_html_element(h, "p", oc_view_say(view, remark), NULL);
    }
    choice(view, h, name, a->text, 1, NULL,
           oc_view_say(view, "not decided: ask again"));
    for (i = 0; a->found && i < a->found->entries->nelts; ++i) {
        const oc_entry_t *e = APR_ARRAY_IDX(a->found->entries, i, const oc_entry_t *);
        const char *value = oc_people_value(view->pool, e);
        if (value) {
            choice(view, h, name, value, 0, e, NULL);
        }
    }
    choice(view, h, name, "", 0, NULL,
           oc_view_say(view, "nobody: leave the name out"));
    oc_html_close(h);
}

void oc_people_choices(const oc_view_t *view, oc_html_t *h, const char *field)
{
    int i, n = 0;

    for (i = 0; view->asked && i < view->asked->nelts; ++i) {
        const oc_asked_t *a = &APR_ARRAY_IDX(view->asked, i, oc_asked_t);
        if (strcmp(a->field, field) == 0) {
            one_question(view, h, a, n++);
        }
    }
}

/* ---- documents ---- */

static void add_entries(oc_json_t *doc, const oc_people_t *found)
{
    oc_json_t *list = oc_json_add_array(doc, "people");
    int i, k;

    for (i = 0; i < found->entries->nelts; ++i) {
        const oc_entry_t *e = APR_ARRAY_IDX(found->entries, i, const oc_entry_t *);
        oc_json_t *o = oc_json_add_object(list, NULL), *members;
        const struct {
            const char *name, *value;
        } more[] = {{"address", e->address}, {"alias", e->alias},     {"title", e->title},
                    {"office", e->office},   {"company", e->company}};

        oc_json_text(o, "name", e->name);
        oc_json_text(o, "kind", oc_people_token(e->kind));
        for (size_t n = 0; n < sizeof(more) / sizeof(more[0]); ++n) {
            if (more[n].value) {
                oc_json_text(o, more[n].name, more[n].value);
            }
        }
        members = e->members ? oc_json_add_array(o, "members") : NULL;
        for (k = 0; members && k < e->members->nelts; ++k) {
            oc_json_text(members, NULL, APR_ARRAY_IDX(e->members, k, const char *));
        }
    }
    oc_json_bool(doc, "more", found->more || found->refused);
}

const char *oc_api_people(const oc_view_t *view, const char *text, const oc_people_t *found)
{
    oc_json_t *doc = oc_api_begin(view);

    oc_json_text(doc, "q", text);
    add_entries(doc, found);
    return oc_json_print(doc, view->pool);
}

void oc_people_candidates(const oc_view_t *view, oc_json_t *doc)
{
    oc_json_t *list = view->asked && view->asked->nelts ? oc_json_add_array(doc, "candidates")
                                                        : NULL;
    int i;

    for (i = 0; list && i < view->asked->nelts; ++i) {
        const oc_asked_t *a = &APR_ARRAY_IDX(view->asked, i, oc_asked_t);
        oc_json_t *o = oc_json_add_object(list, NULL);

        oc_json_text(o, "field", a->field);
        oc_json_text(o, "name", a->text);
        if (a->found) {
            add_entries(o, a->found);
        }
    }
}
