/* form.c - see form.h. */
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "view/form.h"
#include "view/people.h"

const char *oc_form_value(apr_pool_t *pool, const oc_form_t *values, const char *name)
{
    const oc_field_t *first = values ? oc_form_get(values, name) : NULL;
    apr_array_header_t *all;

    if (!first || oc_form_count(values, name) == 1) {
        return first ? first->value : NULL;
    }
    all = apr_array_make(pool, 8, sizeof(const char *));
    for (int i = 0; i < values->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(values->fields, i, oc_field_t);
        if (strcmp(f->name, name) == 0) {
            APR_ARRAY_PUSH(all, const char *) = all->nelts ? ", " : "";
            APR_ARRAY_PUSH(all, const char *) = f->value;
        }
    }
    return apr_array_pstrcat(pool, all, 0);
}

static int chosen(const oc_form_t *values, const char *name, const char *value)
{
    for (int i = 0; values && i < values->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(values->fields, i, oc_field_t);
        if (strcmp(f->name, name) == 0 && strcmp(f->value, value) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *id_of(const oc_view_t *view, const char *name)
{
    return apr_pstrcat(view->pool, view->ids ? view->ids : "owacal", "-", name, NULL);
}

/* ---- the fields ---- */

typedef struct form_field_t {
    const char *name, *label, *type;
    int required;
    const char *max;      /* characters */
    const char *complete; /* autocomplete=; NULL = as the browser likes */
    const char *least, *step;
} form_field_t;

static const form_field_t fields[] = {
    {"subject", OC_TEXT("Subject"), "text", 1, "255", NULL, NULL, NULL},
    {"room", OC_TEXT("Room"), "select", 0, NULL, NULL, NULL, NULL},
    {"date", OC_TEXT("Date"), "date", 1, NULL, "off", NULL, NULL},
    {"start", OC_TEXT("Start"), "time", 0, NULL, "off", NULL, "300"},
    {"end", OC_TEXT("End"), "time", 0, NULL, "off", NULL, "300"},
    {"duration", OC_TEXT("or duration (minutes)"), "number", 0, NULL, "off", "1", NULL},
    {"end_date", OC_TEXT("Last day, if it is another"), "date", 0, NULL, "off", NULL, NULL},
    {"all_day", OC_TEXT("All day"), "checkbox", 0, NULL, NULL, NULL, NULL},
    {"required", OC_TEXT("Attendees (names or addresses)"), "text", 0, NULL, "off", NULL, NULL},
    {"optional", OC_TEXT("Optional attendees"), "text", 0, NULL, "off", NULL, NULL},
    {"location", OC_TEXT("Location, if not the room"), "text", 0, "255", NULL, NULL, NULL},
    {"reminder", OC_TEXT("Reminder (minutes before)"), "number", 0, NULL, "off", "0", NULL},
    {"text", OC_TEXT("Note"), "textarea", 0, NULL, NULL, NULL, NULL},
    {"private", OC_TEXT("Private"), "checkbox", 0, NULL, NULL, NULL, NULL},
    {"reason", OC_TEXT("Reason (sent to the attendees)"), "text", 0, "250", "off", NULL, NULL},
};

static const form_field_t *field_named(const char *name)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

/* ---- what is wrong ---- */

/* What people call a field that something is wrong with; its name where it has no other. */
static const char *label_of(const oc_view_t *view, const char *name)
{
    static const struct {
        const char *name, *label;
    } more[] = {
        {"rooms", OC_TEXT("Room")},
        {"attendees", OC_TEXT("Attendees")},
        {"tz", OC_TEXT("Time zone")},        {"capacity", OC_TEXT("Seats")},
    };

    const form_field_t *f = field_named(name);

    if (f) {
        return oc_view_say(view, f->label);
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); ++i) {
        if (strcmp(more[i].name, name) == 0) {
            return oc_view_say(view, more[i].label);
        }
    }
    return name;
}

/* "Start: is missing" of a failure that its reader can mend; NULL. */
const char *oc_form_detail(const oc_view_t *view, const oc_result_t *res)
{
    const char *detail = oc_view_detail(view, res);

    return !detail || !res->field
               ? detail
               : oc_view_with(view, "{name}: {value}", "name", label_of(view, res->field), "value",
                              detail, NULL);
}

/* "upstream-timeout, operation 4f3a..", for whoever is asked for help. */
const char *oc_form_code(const oc_view_t *view, const oc_result_t *res)
{
    const char *token = oc_reason_token(res->reason);

    return view->op_id ? oc_view_with(view, "{reason}, operation {id}", "reason", token, "id",
                                      view->op_id, NULL)
                       : token;
}

/* The field that a failure belongs to although nobody named one. */
static const char *field_of(const oc_result_t *res)
{
    switch (res->reason) {
    case OC_REASON_ROOM_TAKEN:
    case OC_REASON_AVAILABILITY_UNKNOWN:
        return "room";
    case OC_REASON_ATTENDEE_BUSY:
        return "required";
    default:
        return NULL;
    }
}

static const char *sentence_of(const oc_view_t *view, const oc_result_t *res)
{
    return oc_view_say(view, oc_reason_sentence(res->reason));
}

static const char *text_of(const oc_view_t *view, const oc_result_t *res)
{
    const char *detail = oc_view_detail(view, res);

    return detail ? detail : sentence_of(view, res);
}

static const char *error_at(const oc_view_t *view, const oc_result_t *res, const char *name)
{
    for (int i = 0; view->errors && i < view->errors->nelts; ++i) {
        const oc_view_error_t *e = &APR_ARRAY_IDX(view->errors, i, oc_view_error_t);
        if (strcmp(e->field, name) == 0) {
            return text_of(view, e->what);
        }
    }
    if (!res || res->reason == OC_REASON_OK) {
        return NULL;
    }
    if (res->field && strcmp(res->field, name) == 0 &&
        oc_reason_kind(res->reason) == OC_KIND_INPUT) {
        return text_of(view, res);
    }
    return field_of(res) && strcmp(field_of(res), name) == 0 ? sentence_of(view, res)
                                                             : NULL;
}

static void error_item(const oc_view_t *view, oc_html_t *h, const char *field, const char *text)
{
    const form_field_t *f = field_named(field);

    oc_html_open(h, "li", NULL);
    if (f) {
        oc_html_open(h, "a", "href", apr_pstrcat(view->pool, "#", id_of(view, field), NULL), NULL);
    }
    oc_html_text(h, oc_view_with(view, "{name}: {value}", "name", label_of(view, field), "value",
                                 text, NULL));
    if (f) {
        oc_html_close(h);
    }
    oc_html_close(h);
}

static void error_list(const oc_view_t *view, oc_html_t *h, const oc_result_t *res)
{
    oc_html_open(h, "ul", NULL);
    for (int i = 0; view->errors && i < view->errors->nelts; ++i) {
        const oc_view_error_t *e = &APR_ARRAY_IDX(view->errors, i, oc_view_error_t);
        error_item(view, h, e->field, text_of(view, e->what));
    }
    if (!view->errors || view->errors->nelts == 0) {
        if (res->detail && oc_reason_kind(res->reason) == OC_KIND_INPUT) {
            error_item(view, h, res->field ? res->field : "form", text_of(view, res));
        } else if (field_of(res)) {
            error_item(view, h, field_of(res), sentence_of(view, res));
        }
    }
    oc_html_close(h);
}

/* Who or what is not free, as far as it may be told. */
static void clash_text(const oc_view_t *view, oc_html_t *h, const oc_result_t *res,
                       const oc_act_t *act)
{
    const oc_room_t *room = oc_view_room(view, act->clash_who);
    oc_html_part_t parts[3] = {
        [2] = {"room", room ? room->name : act->clash_who, NULL, NULL}};

    if (act->clash_who && res->reason == OC_REASON_ATTENDEE_BUSY) {
        oc_html_text(h, oc_view_with(view, "{name} is not free at that time.", "name",
                                     act->clash_who, NULL));
    }
    if (!act->clash_who || !act->clash.start) {
        return;
    }
    oc_view_range(view, act->clash, parts);
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
}

/* What another try would do that nobody expects. */
static const char *advice_for(oc_reason_t reason)
{
    switch (reason) {
    case OC_REASON_CHANGED_MEANWHILE:
        return OC_TEXT("Sent once more, this form replaces what the other has written.");
    case OC_REASON_KEY_CONFLICT:
        return OC_TEXT("This form had been sent before with other content. Sent once more, it "
                       "makes a booking of its own.");
    default:
        return NULL;
    }
}

static const char *reason_text(const oc_view_t *view, const oc_result_t *res)
{
    return oc_view_with(view, "Reason: {code}", "code", oc_form_code(view, res), NULL);
}

void oc_form_problem(const oc_view_t *view, oc_html_t *h, const oc_result_t *res,
                     const oc_act_t *act, const char *verb)
{
    oc_html_open(h, "div", "class", "owacal-error", "role", "alert", NULL);
    oc_html_element(h, "p", sentence_of(view, res), NULL);
    error_list(view, h, res);
    if (act) {
        oc_html_element(h, "p", oc_view_act_sentence(view, act, verb), NULL);
        if (act->clash_who) {
            oc_html_open(h, "p", NULL);
            clash_text(view, h, res, act);
            oc_html_close(h);
        }
    }
    if (advice_for(res->reason)) {
        oc_html_element(h, "p", oc_view_say(view, advice_for(res->reason)), NULL);
    }
    oc_html_element(h, "p", reason_text(view, res), NULL);
    oc_html_close(h);
}

void oc_form_told(const oc_view_t *view, oc_html_t *h, const oc_result_t *res, const oc_act_t *act,
                  const char *verb)
{
    oc_html_open(h, "span", "class", "owacal-message owacal-error", "role", "alert", NULL);
    oc_html_text(h, sentence_of(view, res));
    if (act) {
        oc_html_textf(h, " %s", oc_view_act_sentence(view, act, verb));
        oc_html_text(h, " ");
        clash_text(view, h, res, act);
    }
    oc_html_text(h, " ");
    oc_html_element(h, "small", reason_text(view, res), NULL);
    oc_html_close(h);
}

void oc_form_remarks(const oc_view_t *view, oc_html_t *h)
{
    for (int i = 0; view->remarks && i < view->remarks->nelts; ++i) {
        oc_html_element(h, "p", APR_ARRAY_IDX(view->remarks, i, const char *), "class",
                        "owacal-message", "role", "status", NULL);
    }
}

/* ---- times in two fields ---- */

static int shape(const char *text, const char *wanted)
{
    for (; *wanted && *text; ++wanted, ++text) {
        if (*wanted == '9' ? !apr_isdigit(*text) : *wanted != *text) {
            return 0;
        }
    }
    return !*wanted && !*text;
}

static int is_date(const char *text)
{
    return shape(text, "9999-99-99");
}

static int is_clock(const char *text)
{
    return shape(text, "99:99") || shape(text, "99:99:99");
}

typedef struct times_t {
    const char *date, *start, *end_date, *end;
} times_t;

/* "2026-03-05T10:00" and a date alone go into the two fields of a day and a time. Whatever cannot
 * be taken apart so stays where it was typed. */
static void take_apart(const oc_view_t *view, const char **day, const char **clock)
{
    const char *text = *clock;

    if (!text || (*day && **day && strncmp(*day, text, 10) != 0)) {
        return;
    }
    if (is_date(text)) {
        *day = text;
        *clock = NULL;
    } else if (strlen(text) > 11 && text[10] == 'T' && is_clock(text + 11) &&
               is_date(apr_pstrndup(view->pool, text, 10))) {
        *day = apr_pstrndup(view->pool, text, 10);
        *clock = text + 11;
    }
}

static times_t times_of(const oc_view_t *view, const oc_form_t *values)
{
    times_t t = {
        oc_form_value(view->pool, values, "date"), oc_form_value(view->pool, values, "start"),
        oc_form_value(view->pool, values, "end_date"), oc_form_value(view->pool, values, "end")};

    take_apart(view, &t.date, &t.start);
    take_apart(view, &t.end_date, &t.end);
    if (t.end_date && t.date && strcmp(t.end_date, t.date) == 0) {
        t.end_date = NULL;
    }
    return t;
}

static const char *value_of(const oc_view_t *view, const times_t *t, const oc_form_t *values,
                            const char *name)
{
    return strcmp(name, "date") == 0       ? t->date
           : strcmp(name, "start") == 0    ? t->start
           : strcmp(name, "end_date") == 0 ? t->end_date
           : strcmp(name, "end") == 0      ? t->end
                                           : oc_form_value(view->pool, values, name);
}

/* ---- one field ---- */

/* A browser shows nothing where a value does not fit the field's type: what was typed then comes
 * back as a text. */
static const char *type_for(const form_field_t *f, const char *value)
{
    if (!value || !*value) {
        return f->type;
    }
    if (strcmp(f->type, "date") == 0) {
        return is_date(value) ? f->type : "text";
    }
    if (strcmp(f->type, "time") == 0) {
        return is_clock(value) ? f->type : "text";
    }
    if (strcmp(f->type, "number") == 0) {
        return strspn(value, "0123456789") == strlen(value) ? f->type : "text";
    }
    return f->type;
}

/* A step would refuse a time that is there already. */
static const char *step_for(const form_field_t *f, const char *value)
{
    return f->step && (!value || !*value || (strlen(value) == 5 && strchr("05", value[4])))
               ? f->step
               : NULL;
}

static const char *least_for(const oc_view_t *view, const form_field_t *f, const char *ref,
                             const char *value)
{
    const char *today;

    if (strcmp(f->type, "date") != 0 || ref || !view->now) {
        return f->least;
    }
    today = oc_view_day(view, view->now);
    return value && *value && strcmp(value, today) < 0 ? NULL : today;
}

typedef struct form_t { /* what the fields of one form share */
    const oc_view_t *view;
    oc_html_t *h;
    const oc_form_t *values;
    const char *ref;
    const oc_result_t *res;
    times_t times;
} form_t;

static void room_field(const form_t *form, const char *id, const char *bad, const char *described)
{
    oc_html_t *h = form->h;

    oc_html_open(h, "select", "id", id, "name", "room", "multiple",
                 form->values && oc_form_count(form->values, "room") > 1 ? "multiple" : NULL,
                 "aria-invalid", bad,
                 "aria-describedby", described, NULL);
    oc_html_element(h, "option", oc_view_say(form->view, "No room"), "value", "", NULL);
    for (int k = 0; k < form->view->rooms->nelts; ++k) {
        const oc_room_t *room = APR_ARRAY_IDX(form->view->rooms, k, const oc_room_t *);
        oc_html_element(h, "option", room->name, "value", room->id, "selected",
                        chosen(form->values, "room", room->id) ? "selected" : NULL, NULL);
    }
    for (int k = 0; form->values && k < form->values->fields->nelts; ++k) {
        const oc_field_t *v = &APR_ARRAY_IDX(form->values->fields, k, oc_field_t);
        if (*v->value && strcmp(v->name, "room") == 0 &&
            !oc_room_find(form->view->rooms, v->value)) { /* it is none, but it was said */
            oc_html_element(h, "option", v->value, "value", v->value, "selected", "selected", NULL);
        }
    }
    oc_html_close(h);
}

static void field(const form_t *form, const char *name)
{
    const form_field_t *f = field_named(name);
    const oc_view_t *view = form->view;
    const char *id = id_of(view, name), *value = value_of(view, &form->times, form->values, name);
    const char *error = error_at(view, form->res, name), *bad = error ? "true" : NULL;
    const char *described = error ? apr_pstrcat(view->pool, id, "-error", NULL) : NULL;
    oc_html_t *h = form->h;

    oc_html_open(h, "p", NULL);
    oc_html_element(h, "label", oc_view_say(view, f->label), "for", id, NULL);
    oc_html_text(h, " ");
    if (strcmp(f->type, "select") == 0) {
        room_field(form, id, bad, described);
    } else if (strcmp(f->type, "textarea") == 0) {
        oc_html_open(h, "textarea", "id", id, "name", name, "rows", "4", "cols", "50",
                     "aria-invalid", bad, "aria-describedby", described, NULL);
        /* A line break right behind the tag would not count as one of the text. */
        oc_html_textf(h, "%s%s", value && (*value == '\n' || *value == '\r') ? "\n" : "",
                      value ? value : "");
        oc_html_close(h);
    } else if (strcmp(f->type, "checkbox") == 0) {
        oc_html_open(h, "input", "type", f->type, "id", id, "name", name, "value", "1", "checked",
                     value && *value && strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0
                         ? "checked"
                         : NULL,
                     "aria-invalid", bad, "aria-describedby", described, NULL);
    } else {
        const char *type = type_for(f, value);
        int own = strcmp(type, f->type) == 0;

        oc_html_open(h, "input", "type", type, "id", id, "name", name, "value", value, "required",
                     f->required && own ? "required" : NULL, "maxlength", f->max, "autocomplete",
                     f->complete, "min", own ? least_for(view, f, form->ref, value) : NULL, "step",
                     own ? step_for(f, value) : NULL, "aria-invalid", bad, "aria-describedby",
                     described, NULL);
    }
    if (error) {
        oc_html_text(h, " ");
        oc_html_element(h, "span", error, "class", "owacal-field-error", "id", described, NULL);
    }
    oc_html_close(h);
}

static void hidden(oc_html_t *h, const char *name, const char *value)
{
    if (value) {
        oc_html_open(h, "input", "type", "hidden", "name", name, "value", value, "autocomplete",
                     "off", NULL);
    }
}

/* ---- the booking form ---- */

static void hidden_fields(const form_t *form)
{
    /* What is not a visible field of this form but was sent goes back as it came: nothing is lost.
     */
    static const char *const carried[] = {"tz", "return", "key", "check_people", "etag"};
    const oc_view_t *view = form->view;
    const char *zone = oc_form_value(view->pool, form->values, "tz");

    hidden(form->h, "token", view->token);
    hidden(form->h, "lang", view->locale); /* the answer comes in the language of the page */
    hidden(form->h, "action", form->ref ? "update" : NULL);
    hidden(form->h, "boxes", form->ref ? "private" : NULL); /* not ticked, they send nothing */
    hidden(form->h, "place", view->place ? apr_itoa(view->pool, view->place) : NULL);
    for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); ++i) {
        hidden(form->h, carried[i], oc_form_value(view->pool, form->values, carried[i]));
    }
    if (!form->ref && !oc_form_value(view->pool, form->values, "key")) {
        hidden(form->h, "key", view->key); /* a double click books once */
    }
    if (!zone) {
        hidden(form->h, "tz", view->zone);
    }
}

static void people_fields(const form_t *form)
{
    static const char *const names[] = {"required", "optional"};

    oc_html_open(form->h, "fieldset", NULL);
    oc_html_element(form->h, "legend", oc_view_say(form->view, "Attendees"), NULL);
    for (int i = 0; i < 2; ++i) {
        field(form, names[i]);
        oc_people_choices(form->view, form->h, names[i]);
    }
    oc_html_close(form->h);
}

void oc_form_booking(const oc_view_t *view, oc_html_t *h, const oc_form_t *values, const char *ref,
                     const oc_result_t *res)
{
    static const char *const when[] = {"date", "start", "end", "duration", "end_date", "all_day"};
    static const char *const more[] = {"location", "reminder", "text", "private"};
    form_t form = {view, h, values, ref, res, times_of(view, values)};

    if (!view->token) {
        return;
    }
    oc_html_open(h, "form", "method", "post", "action",
                 ref ? apr_pstrcat(view->pool, view->base, "/bookings/", ref, NULL)
                     : apr_pstrcat(view->pool, view->base, "/bookings", NULL),
                 "class", "owacal-form", "id", id_of(view, "form"), NULL);
    hidden_fields(&form);
    field(&form, "subject");
    field(&form, "room");
    oc_html_open(h, "fieldset", NULL);
    oc_html_element(h, "legend", oc_view_with(view, "When ({zone})", "zone", view->zone, NULL),
                    NULL);
    for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); ++i) {
        field(&form, when[i]);
    }
    oc_html_close(h);
    people_fields(&form);
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); ++i) {
        field(&form, more[i]);
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

/* Whole days are said by their first and their last. */
static void put_times(const oc_view_t *view, oc_form_t *form, const oc_booking_t *b)
{
    if (b->all_day) {
        oc_form_put(form, "all_day", "1");
        oc_form_put(form, "date", oc_view_day(view, b->when.start));
        oc_form_put(form, "end_date", oc_view_day(view, b->when.end - 1));
    } else {
        oc_form_put(form, "start", oc_view_input(view, b->when.start));
        oc_form_put(form, "end", oc_view_input(view, b->when.end));
    }
}

oc_form_t *oc_form_values(const oc_view_t *view, const oc_booking_t *b)
{
    oc_form_t *form = oc_form_create(view->pool);

    put_times(view, form, b);
    oc_form_put(form, "subject", b->subject);
    oc_form_put(form, "location", b->location);
    oc_form_put(form, "text", b->text);
    oc_form_put(form, "etag", b->etag);
    oc_form_put(form, "private", b->sensitivity == OC_SENSITIVITY_NORMAL ? NULL : "1");
    oc_form_put(form, "reminder", b->reminder >= 0 ? apr_itoa(view->pool, b->reminder) : NULL);
    for (int i = 0; i < b->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        const oc_room_t *room = oc_view_room(view, a->address);
        if (!room && a->role == OC_ROLE_RESOURCE) {
            continue; /* it stays invited: see keep_resources of the change */
        }
        oc_form_put(form,
             room                          ? "room"
             : a->role == OC_ROLE_OPTIONAL ? "optional"
                                           : "required",
             room ? room->id : a->address);
    }
    return form;
}

/* ---- cancelling ---- */

void oc_form_cancel(const oc_view_t *view, oc_html_t *h, const char *ref, const oc_booking_t *b,
                    const oc_form_t *values, const char *keep)
{
    form_t form = {view, h, values, ref, NULL, {NULL, NULL, NULL, NULL}};

    if (!view->token) {
        return;
    }
    oc_html_open(h, "form", "method", "post", "action",
                 apr_pstrcat(view->pool, view->base, "/bookings/", ref, NULL), "class",
                 "owacal-cancel", "id", id_of(view, "cancel"), NULL);
    hidden(h, "token", view->token);
    hidden(h, "lang", view->locale);
    hidden(h, "action", "cancel");
    hidden(h, "return", oc_form_value(view->pool, values, "return"));
    oc_html_open(h, "p", NULL);
    if (b) {
        oc_html_part_t parts[] = {
            {"subject",
             b->subject && *b->subject ? b->subject : oc_view_say(view, "(no subject)"), NULL,
             NULL},
            oc_view_part(view, "start", b->when.start, OC_DATES_DAY_CLOCK)};

        oc_html_parts(h,
                      oc_view_say(view, "Cancel “{subject}” on {start}?"),
                      parts, 2);
    } else {
        oc_html_text(h, oc_view_say(view, "Cancel this booking?"));
    }
    oc_html_textf(h, " %s", oc_view_say(view, "The attendees will be told."));
    oc_html_close(h);
    field(&form, "reason");
    oc_html_open(h, "p", NULL);
    oc_html_element(h, "button", oc_view_say(view, "Cancel the booking"), "type", "submit", NULL);
    oc_html_text(h, " ");
    oc_html_element(h, "a", oc_view_say(view, "Keep it"), "href", keep, NULL);
    oc_html_close(h);
    oc_html_close(h);
}
