/* page.c - plain HTML pages. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "view/grid.h"
#include "view/html.h"
#include "view/page.h"
#include "view/people.h"

oc_html_t *oc_page_begin(const oc_view_t *view, const char *title)
{
    oc_html_t *h = oc_html_create(view->pool);

    if (view->fragment == OC_VIEW_BARE) {
        return h;
    }
    if (view->fragment == OC_VIEW_DOCUMENT) {
        oc_html_doctype(h);
        oc_html_open(h, "html", "lang", oc_say_tag(view->language), NULL);
        oc_html_open(h, "head", NULL);
        oc_html_open(h, "meta", "charset", "utf-8", NULL);
        oc_html_open(h, "meta", "name", "viewport", "content",
                     "width=device-width, initial-scale=1", NULL);
        oc_html_element(h, "title", title, NULL);
        oc_html_close(h);
        oc_html_open(h, "body", NULL);
        oc_html_open(h, "nav", "aria-label", oc_view_say(view, "Booking"), NULL);
        oc_html_element(h, "a", oc_view_say(view, "Rooms"), "href",
                        apr_pstrcat(view->pool, view->base, "/rooms", NULL), NULL);
        oc_html_text(h, " · ");
        oc_html_element(h, "a", oc_view_say(view, "My bookings"), "href",
                        apr_pstrcat(view->pool, view->base, "/bookings", NULL), NULL);
        oc_html_text(h, " · ");
        oc_html_element(h, "a", oc_view_say(view, "New booking"), "href",
                        apr_pstrcat(view->pool, view->base, "/bookings/new", NULL), NULL);
        oc_html_text(h, " · ");
        oc_html_element(h, "a", oc_view_say(view, "People"), "href",
                        apr_pstrcat(view->pool, view->base, "/people", NULL), NULL);
        oc_html_close(h);
        oc_html_open(h, "main", NULL);
    }
    oc_html_open(h, "section", "class", "owacal", NULL);
    oc_html_element(h, view->fragment ? "h2" : "h1", title, NULL);
    if (view->acting_as) {
        oc_html_open(h, "p", "class", "owacal-acting", NULL);
        oc_html_text(h, oc_view_with(view,
                                     "In the calendar of {mailbox}, for {user}, by the account "
                                     "{account}.",
                                     "mailbox", view->acting_as, "user", view->user, "account",
                                     view->credential, NULL));
        oc_html_close(h);
    }
    return h;
}

static void time_element(const oc_view_t *view, oc_html_t *h, apr_time_t t)
{
    oc_html_part_t part = oc_view_part(view, "t", t, OC_DATES_DAY_CLOCK);

    oc_html_parts(h, "{t}", &part, 1);
}

static void range_caption(const oc_view_t *view, oc_html_t *h, oc_range_t range)
{
    oc_html_part_t parts[] = {oc_view_part(view, "start", range.start, OC_DATES_DAY_CLOCK),
                              oc_view_part(view, "end", range.end, OC_DATES_DAY_CLOCK),
                              {"zone", view->zone, NULL, NULL}};

    oc_html_open(h, "caption", NULL);
    oc_html_parts(h, oc_view_say(view, "{start} to {end}, {zone}"), parts, 3);
    oc_html_close(h);
}

static void note_element(oc_html_t *h, const char *note)
{
    if (note) {
        oc_html_element(h, "p", note, "class", "owacal-message", "role", "status", NULL);
    }
}

/* ---- the form ---- */

typedef struct form_field_t {
    const char *name, *label, *type;
    int required;
} form_field_t;

static const form_field_t form_fields[] = {
    {"subject", OC_TEXT("Subject"), "text", 1},
    {"start", OC_TEXT("Start"), "datetime-local", 1},
    {"end", OC_TEXT("End"), "datetime-local", 0},
    {"duration", OC_TEXT("or duration (minutes)"), "text", 0},
    {"all_day", OC_TEXT("All day"), "checkbox", 0},
    {"required", OC_TEXT("Attendees (names or addresses)"), "text", 0},
    {"optional", OC_TEXT("Optional attendees"), "text", 0},
    {"location", OC_TEXT("Location"), "text", 0},
    {"reminder", OC_TEXT("Reminder (minutes before)"), "text", 0},
    {"text", OC_TEXT("Note"), "textarea", 0},
};
#define FORM_FIELDS (sizeof(form_fields) / sizeof(form_fields[0]))

/* What people call a field that something is wrong with; its name where it has no other. */
static const char *label_of(const oc_view_t *view, const char *name)
{
    static const struct {
        const char *name, *label;
    } more[] = {
        {"room", OC_TEXT("Room")},           {"rooms", OC_TEXT("Room")},
        {"attendees", OC_TEXT("Attendees")}, {"date", OC_TEXT("Date")},
        {"tz", OC_TEXT("Time zone")},        {"capacity", OC_TEXT("Seats")},
    };

    for (size_t i = 0; i < FORM_FIELDS; ++i) {
        if (strcmp(form_fields[i].name, name) == 0) {
            return oc_view_say(view, form_fields[i].label);
        }
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); ++i) {
        if (strcmp(more[i].name, name) == 0) {
            return oc_view_say(view, more[i].label);
        }
    }
    return name;
}

/* "Start: is missing" of a failure that its reader can mend; NULL. */
static const char *detail_of(const oc_view_t *view, const oc_result_t *res)
{
    const char *detail = oc_view_detail(view, res);

    return !detail || !res->field
               ? detail
               : oc_view_with(view, "{name}: {value}", "name", label_of(view, res->field), "value",
                              detail, NULL);
}

/* "upstream-timeout, operation 4f3a..", for whoever is asked for help. */
static const char *code_of(const oc_view_t *view, const oc_result_t *res)
{
    const char *token = oc_reason_token(res->reason);

    return view->op_id ? oc_view_with(view, "{reason}, operation {id}", "reason", token, "id",
                                      view->op_id, NULL)
                       : token;
}

static const char *value_of(const oc_view_t *view, const oc_form_t *values, const char *name)
{
    const char *all = NULL;
    int i;

    for (i = 0; values && i < values->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(values->fields, i, oc_field_t);
        if (strcmp(f->name, name) == 0) {
            all = all ? apr_pstrcat(view->pool, all, ", ", f->value, NULL) : f->value;
        }
    }
    return all;
}

static int chosen(const oc_form_t *values, const char *name, const char *value)
{
    int i;

    for (i = 0; values && i < values->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(values->fields, i, oc_field_t);
        if (strcmp(f->name, name) == 0 && strcmp(f->value, value) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *ids(const oc_view_t *view)
{
    return view->ids ? view->ids : "owacal";
}

static void labelled(const oc_view_t *view, oc_html_t *h, const form_field_t *f,
                     const oc_form_t *values, const char *bad)
{
    const char *id = apr_pstrcat(view->pool, ids(view), "-", f->name, NULL);
    const char *value = value_of(view, values, f->name);

    oc_html_open(h, "p", NULL);
    oc_html_element(h, "label", oc_view_say(view, f->label), "for", id, NULL);
    oc_html_text(h, " ");
    if (strcmp(f->type, "textarea") == 0) {
        oc_html_element(h, "textarea", value, "id", id, "name", f->name, "rows", "4", "cols", "50",
                        NULL);
    } else if (strcmp(f->type, "checkbox") == 0) {
        oc_html_open(h, "input", "type", f->type, "id", id, "name", f->name, "value", "1",
                     "checked", value && strcmp(value, "0") != 0 && *value ? "checked" : NULL,
                     NULL);
    } else {
        oc_html_open(h, "input", "type", f->type, "id", id, "name", f->name, "value", value,
                     "required", f->required ? "required" : NULL, "aria-invalid",
                     bad && strcmp(bad, f->name) == 0 ? "true" : NULL, NULL);
    }
    oc_html_close(h);
}

static void hidden(oc_html_t *h, const char *name, const char *value)
{
    if (value) {
        oc_html_open(h, "input", "type", "hidden", "name", name, "value", value, NULL);
    }
}

/* ref NULL: create. */
static void booking_form(const oc_view_t *view, oc_html_t *h, const oc_form_t *values,
                         const char *ref, const char *bad)
{
    /* What is not a visible field of this form but was sent goes back as it came: nothing is lost.
     */
    static const char *const carried[] = {"date",    "tz",           "return", "key",
                                          "private", "check_people", "reason", "etag"};
    size_t i;
    int k;

    if (!view->token) {
        return;
    }
    oc_html_open(h, "form", "method", "post", "action",
                 ref ? apr_pstrcat(view->pool, view->base, "/bookings/", ref, NULL)
                     : apr_pstrcat(view->pool, view->base, "/bookings", NULL),
                 NULL);
    hidden(h, "token", view->token);
    hidden(h, "lang", view->locale); /* the answer comes in the language of the page */
    if (ref) {
        hidden(h, "action", "update");
    }
    for (i = 0; i < sizeof(carried) / sizeof(carried[0]); ++i) {
        hidden(h, carried[i], value_of(view, values, carried[i]));
    }
    if (!ref && !value_of(view, values, "key")) {
        hidden(h, "key", view->key); /* a double click books once */
    }
    if (!value_of(view, values, "tz")) {
        hidden(h, "tz", view->zone);
    }
    oc_html_open(h, "p", NULL);
    oc_html_element(h, "label", oc_view_say(view, "Room"), "for",
                    apr_pstrcat(view->pool, ids(view), "-room", NULL), NULL);
    oc_html_text(h, " ");
    oc_html_open(h, "select", "id", apr_pstrcat(view->pool, ids(view), "-room", NULL),
                 "name", "room", "aria-invalid",
                 bad && strcmp(bad, "room") == 0 ? "true" : NULL, NULL);
    oc_html_element(h, "option", oc_view_say(view, "No room"), "value", "", NULL);
    for (k = 0; k < view->rooms->nelts; ++k) {
        const oc_room_t *room = APR_ARRAY_IDX(view->rooms, k, const oc_room_t *);
        oc_html_element(h, "option", room->name, "value", room->id, "selected",
                        chosen(values, "room", room->id) ? "selected" : NULL, NULL);
    }
    oc_html_close(h);
    oc_html_close(h);
    for (i = 0; i < FORM_FIELDS; ++i) {
        labelled(view, h, &form_fields[i], values, bad);
        oc_people_choices(view, h, form_fields[i].name);
    }
    oc_html_open(h, "p", NULL);
    oc_html_element(h, "button", oc_view_say(view, ref ? "Change" : "Book"), "type", "submit",
                    NULL);
    oc_html_text(h, " ");
    oc_html_element(h, "button", oc_view_say(view, "Look up the attendees"), "type", "submit",
                    "name", "lookup", "value", "1", "formnovalidate", "formnovalidate", NULL);
    oc_html_close(h);
    oc_html_close(h);
}

static void remark_elements(const oc_view_t *view, oc_html_t *h)
{
    int i;

    for (i = 0; view->remarks && i < view->remarks->nelts; ++i) {
        note_element(h, APR_ARRAY_IDX(view->remarks, i, const char *));
    }
}

const char *oc_page_form(const oc_view_t *view, const oc_form_t *values)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Book a room"));

    booking_form(view, h, values, NULL, NULL);
    return oc_html_print(h);
}

const char *oc_page_asked(const oc_view_t *view, const oc_form_t *values, const char *ref)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, ref ? "Change a booking" : "Book a room"));

    remark_elements(view, h);
    booking_form(view, h, values, ref, NULL);
    return oc_html_print(h);
}

/* ---- rooms and free/busy ---- */

/* The form's address with the room, and the time asked about, filled in. */
static const char *form_path(const oc_view_t *view, const oc_room_t *room,
                             const oc_room_wish_t *wish)
{
    const char *path = apr_pstrcat(view->pool, view->base,
                                   "/bookings/new?room=", oc_str_query(view->pool, room->id), NULL);

    if (wish && wish->when.start) {
        path = apr_pstrcat(view->pool, path, "&start=", oc_view_input(view, wish->when.start),
                           "&end=", oc_view_input(view, wish->when.end), NULL);
    }
    return path;
}

static const char *fit_text(const oc_view_t *view, const oc_candidate_t *c)
{
    switch (c ? c->fit : OC_FIT_YES) {
    case OC_FIT_YES:
        break;
    case OC_FIT_UNKNOWN:
        return oc_view_say(view, "whether it is free is not known");
    case OC_FIT_TAKEN:
        return oc_view_say(view, "taken");
    case OC_FIT_SMALL:
        return oc_view_say(view, "too small");
    case OC_FIT_FEATURE:
        return oc_view_with(view, "missing: {feature}", "feature", c->missing, NULL);
    }
    return NULL;
}

static void room_item(const oc_view_t *view, oc_html_t *h, const oc_room_t *room,
                      const oc_candidate_t *c, const oc_room_wish_t *wish)
{
    const char *fit = fit_text(view, c);

    oc_html_open(h, "li", NULL);
    oc_html_element(h, "a", room->name, "href", form_path(view, room, wish), NULL);
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
    if (fit) {
        oc_html_textf(h, " – %s", fit);
    }
    oc_html_close(h);
}

const char *oc_page_rooms(const oc_view_t *view, const apr_array_header_t *found,
                          const oc_room_wish_t *wish)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Rooms"));

    oc_html_open(h, "ul", NULL);
    for (int i = 0; !found && i < view->rooms->nelts; ++i) {
        room_item(view, h, APR_ARRAY_IDX(view->rooms, i, const oc_room_t *), NULL, NULL);
    }
    for (int i = 0; found && i < found->nelts; ++i) {
        const oc_candidate_t *c = &APR_ARRAY_IDX(found, i, oc_candidate_t);
        room_item(view, h, c->room, c, wish);
    }
    oc_html_close(h);
    return oc_html_print(h);
}

const char *oc_page_freebusy(const oc_view_t *view, const apr_array_header_t *rows,
                             oc_range_t range, apr_time_t slot)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Free and busy"));
    oc_grid_t grid = {0};

    grid.rows = rows;
    grid.range = range;
    grid.slot = slot;
    oc_grid_table(view, h, &grid);
    return oc_html_print(h);
}

/* ---- bookings ---- */

static const char *answer_text(oc_partstat_t p)
{
    switch (p) {
    case OC_PARTSTAT_ACCEPTED:
        return OC_TEXT("accepted");
    case OC_PARTSTAT_TENTATIVE:
        return OC_TEXT("tentative");
    case OC_PARTSTAT_DECLINED:
        return OC_TEXT("declined");
    default:
        return OC_TEXT("no answer yet");
    }
}

/* The last day of one that lasts whole days is the one before its end. */
static void when_text(const oc_view_t *view, oc_html_t *h, const oc_booking_t *b)
{
    oc_dates_t style = b->all_day ? OC_DATES_DAY : OC_DATES_DAY_CLOCK;
    oc_html_part_t parts[] = {oc_view_part(view, "start", b->when.start, style),
                              oc_view_part(view, "end", b->when.end - (b->all_day ? 1 : 0), style),
                              {"zone", view->zone, NULL, NULL}};
    int one_day = b->all_day && strcmp(parts[0].text, parts[1].text) == 0;

    oc_html_parts(h,
                  oc_view_say(view, one_day      ? OC_TEXT("{start}, all day ({zone})")
                                    : b->all_day ? OC_TEXT("{start} – {end}, all day ({zone})")
                                                 : OC_TEXT("{start} – {end} ({zone})")),
                  parts, 3);
}

static void booking_facts(const oc_view_t *view, oc_html_t *h, const oc_booking_t *b)
{
    int i;

    oc_html_open(h, "dl", NULL);
    oc_html_element(h, "dt", oc_view_say(view, "When"), NULL);
    oc_html_open(h, "dd", NULL);
    when_text(view, h, b);
    oc_html_close(h);
    if (b->location) {
        oc_html_element(h, "dt", oc_view_say(view, "Where"), NULL);
        oc_html_element(h, "dd", b->location, NULL);
    }
    if (b->organizer) {
        oc_html_element(h, "dt", oc_view_say(view, "Organizer"), NULL);
        oc_html_element(h, "dd", b->organizer, NULL);
    }
    for (i = 0; i < b->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        const oc_room_t *room = oc_view_room(view, a->address);

        oc_html_element(h, "dt",
                        oc_view_say(view, a->role == OC_ROLE_RESOURCE ? OC_TEXT("Room")
                                          : a->role == OC_ROLE_OPTIONAL
                                              ? OC_TEXT("Optional attendee")
                                              : OC_TEXT("Attendee")),
                        NULL);
        oc_html_open(h, "dd", NULL);
        oc_html_text(h, oc_view_with(view, "{name}: {value}", "name",
                                     room      ? room->name
                                     : a->name ? a->name
                                               : a->address,
                                     "value", oc_view_say(view, answer_text(a->partstat)), NULL));
        oc_html_close(h);
    }
    if (b->text) {
        oc_html_element(h, "dt", oc_view_say(view, "Note"), NULL);
        oc_html_element(h, "dd", b->text, NULL);
    }
    oc_html_close(h);
}

static void push(apr_array_header_t *fields, const char *name, const char *value)
{
    oc_field_t *f;

    if (value) {
        f = apr_array_push(fields);
        f->name = name;
        f->value = value;
        f->kind = OC_VALUE_TEXT;
    }
}

/* The booking as form values, so that the change form shows what stands. */
static oc_form_t *values_of(const oc_view_t *view, const oc_booking_t *b)
{
    oc_form_t *form = apr_palloc(view->pool, sizeof(*form));
    int i;

    form->fields = apr_array_make(view->pool, 16, sizeof(oc_field_t));
    push(form->fields, "subject", b->subject);
    push(form->fields, "start", oc_view_input(view, b->when.start));
    push(form->fields, "end", oc_view_input(view, b->when.end));
    push(form->fields, "all_day", b->all_day ? "1" : NULL);
    push(form->fields, "location", b->location);
    push(form->fields, "text", b->text);
    push(form->fields, "etag", b->etag);
    push(form->fields, "reminder", b->reminder >= 0 ? apr_itoa(view->pool, b->reminder) : NULL);
    for (i = 0; i < b->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        const oc_room_t *room = oc_view_room(view, a->address);
        push(form->fields,
             room                          ? "room"
             : a->role == OC_ROLE_OPTIONAL ? "optional"
             : a->role == OC_ROLE_RESOURCE ? "resource"
                                           : "required",
             room ? room->id : a->address);
    }
    return form;
}

const char *oc_page_booking(const oc_view_t *view, const oc_booking_t *b, const char *note)
{
    oc_html_t *h = oc_page_begin(view, b->subject ? b->subject : oc_view_say(view, "Booking"));

    note_element(h, note);
    booking_facts(view, h, b);
    if (b->is_organizer && b->item && view->token && b->instance == OC_INSTANCE_SINGLE) {
        const char *ref = view->ref(view, b->item, b->uid);

        oc_html_element(h, "h2", oc_view_say(view, "Change"), NULL);
        booking_form(view, h, values_of(view, b), ref, NULL);
        oc_html_element(h, "h2", oc_view_say(view, "Cancel"), NULL);
        oc_html_open(h, "form", "method", "post", "action",
                     apr_pstrcat(view->pool, view->base, "/bookings/", ref, NULL), NULL);
        hidden(h, "token", view->token);
        hidden(h, "lang", view->locale);
        hidden(h, "action", "cancel");
        oc_html_open(h, "p", NULL);
        oc_html_element(h, "label", oc_view_say(view, "Reason (sent to the attendees)"), "for",
                        "owacal-reason", NULL);
        oc_html_text(h, " ");
        oc_html_open(h, "input", "type", "text", "id", "owacal-reason", "name", "reason", NULL);
        oc_html_text(h, " ");
        oc_html_element(h, "button", oc_view_say(view, "Cancel the booking"), "type", "submit",
                        NULL);
    }
    return oc_html_print(h);
}

const char *oc_page_list(const oc_view_t *view, const oc_list_t *list, oc_range_t range,
                         const char *note)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "My bookings"));
    int i;

    note_element(h, note);
    oc_html_open(h, "table", NULL);
    range_caption(view, h, range);
    oc_html_open(h, "thead", NULL);
    oc_html_open(h, "tr", NULL);
    oc_html_element(h, "th", oc_view_say(view, "Start"), "scope", "col", NULL);
    oc_html_element(h, "th", oc_view_say(view, "End"), "scope", "col", NULL);
    oc_html_element(h, "th", oc_view_say(view, "Subject"), "scope", "col", NULL);
    oc_html_element(h, "th", oc_view_say(view, "Where"), "scope", "col", NULL);
    oc_html_close(h);
    oc_html_close(h);
    oc_html_open(h, "tbody", NULL);
    for (i = 0; i < list->bookings->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(list->bookings, i, const oc_booking_t *);

        oc_html_open(h, "tr", NULL);
        oc_html_open(h, "td", NULL);
        time_element(view, h, b->when.start);
        oc_html_close(h);
        oc_html_open(h, "td", NULL);
        time_element(view, h, b->when.end);
        oc_html_close(h);
        oc_html_open(h, "td", NULL);
        if (b->item) {
            oc_html_element(
                h, "a", b->subject && *b->subject ? b->subject : oc_view_say(view, "(no subject)"),
                "href", oc_view_booking_path(view, b), NULL);
        } else {
            oc_html_text(h, b->subject);
        }
        oc_html_close(h);
        oc_html_element(h, "td", b->location, NULL);
        oc_html_close(h);
    }
    oc_html_close(h);
    oc_html_close(h);
    if (list->more) {
        oc_html_element(h, "p", oc_view_say(view, "There are more; choose a shorter time."), NULL);
    }
    return oc_html_print(h);
}

/* ---- outcomes ---- */

static void clash_text(const oc_view_t *view, oc_html_t *h, const oc_act_t *act)
{
    const oc_room_t *room = oc_view_room(view, act->clash_room);
    oc_html_part_t parts[] = {{"room", room ? room->name : act->clash_room, NULL, NULL},
                              oc_view_part(view, "start", act->clash.start, OC_DATES_DAY_CLOCK),
                              oc_view_part(view, "end", act->clash.end, OC_DATES_DAY_CLOCK)};

    if (!act->clash_room || !act->clash.start) {
        return;
    }
    oc_html_open(h, "p", NULL);
    oc_html_parts(h, oc_view_say(view, "{room} is taken from {start} to {end}."), parts, 3);
    if (act->holder && act->holder->organizer && view->show_holder >= 1) {
        oc_html_textf(h, " %s", oc_view_with(view, "Booked by {name}.", "name",
                                             act->holder->organizer, NULL));
    }
    if (act->holder && act->holder->subject && view->show_holder >= 2) {
        oc_html_textf(h, " %s", oc_view_with(view, "{name}: {value}", "name",
                                             oc_view_say(view, "Subject"), "value",
                                             act->holder->subject, NULL));
    }
    oc_html_close(h);
}

const char *oc_page_problem(const oc_view_t *view, const oc_result_t *res, const oc_act_t *act,
                            const char *verb, const oc_form_t *values, const char *ref)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "That did not work"));

    oc_html_open(h, "div", "class", "owacal-error", "role", "alert", NULL);
    oc_html_element(h, "p", oc_view_say(view, oc_reason_sentence(res->reason)), NULL);
    if (detail_of(view, res)) {
        oc_html_element(h, "p", detail_of(view, res), NULL);
    }
    if (act) {
        oc_html_element(h, "p", oc_view_act_sentence(view, act, verb), NULL);
        clash_text(view, h, act);
    }
    oc_html_element(h, "p", oc_view_with(view, "Reason: {code}", "code", code_of(view, res), NULL),
                    NULL);
    oc_html_close(h);
    if (values) {
        remark_elements(view, h);
        booking_form(view, h, values, ref, res->field);
    }
    return oc_html_print(h);
}

const char *oc_page_message(const oc_view_t *view, const char *note)
{
    oc_html_t *h = oc_html_create(view->pool);

    oc_html_element(h, "span", note, "class", "owacal-message", "role", "status", NULL);
    return oc_html_print(h);
}

const char *oc_page_notice(const oc_view_t *view, const oc_result_t *res)
{
    oc_html_t *h = oc_html_create(view->pool);

    oc_html_open(h, "small", "class", "owacal-notice", "role", "note", NULL);
    oc_html_text(h, oc_view_say(view, oc_reason_sentence(res->reason)));
    if (detail_of(view, res)) {
        oc_html_textf(h, " %s.", detail_of(view, res));
    }
    oc_html_textf(h, " (%s)", code_of(view, res));
    return oc_html_print(h);
}

const char *oc_page_act(const oc_view_t *view, const oc_act_t *act, const char *verb)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Done"));

    note_element(h, oc_view_act_sentence(view, act, verb));
    remark_elements(view, h);
    if (act->booking) {
        booking_facts(view, h, act->booking);
    }
    return oc_html_print(h);
}

const char *oc_page_check(const oc_view_t *view, const apr_array_header_t *sections)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Self-test"));
    int i, k;

    for (i = 0; i < sections->nelts; ++i) {
        const oc_check_section_t *s = &APR_ARRAY_IDX(sections, i, oc_check_section_t);
        const apr_array_header_t *rows = apr_table_elts(s->facts);

        oc_html_element(h, "h2", oc_view_say(view, s->title), NULL);
        oc_html_open(h, "p", NULL);
        if (s->skipped) {
            oc_html_text(h, oc_view_with(view, "Not tried: {why}.", "why",
                                         oc_view_say(view, s->skipped), NULL));
        } else {
            oc_html_text(h, oc_view_say(view, s->failure ? oc_reason_sentence(s->failure->reason)
                                                         : OC_TEXT("Well.")));
        }
        if (s->took >= 0) {
            oc_html_textf(h, " (%" APR_TIME_T_FMT " ms)", apr_time_as_msec(s->took));
        }
        oc_html_close(h);
        if (s->failure && s->failure->detail) { /* as it stands in the log */
            oc_html_element(h, "p", s->failure->detail, "lang",
                            view->language ? oc_say_tag(OC_LANGUAGE_EN) : NULL, NULL);
        }
        if (s->remedy) {
            oc_html_element(h, "p", oc_view_say(view, s->remedy), NULL);
        }
        oc_html_open(h, "dl", NULL);
        for (k = 0; k < rows->nelts; ++k) {
            const apr_table_entry_t *e = &APR_ARRAY_IDX(rows, k, apr_table_entry_t);
            oc_html_element(h, "dt", oc_view_say(view, e->key), NULL);
            oc_html_element(h, "dd", e->val, NULL);
        }
        oc_html_close(h);
    }
    return oc_html_print(h);
}
