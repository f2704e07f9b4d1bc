/* input.c - fields to arguments. Body, query and origin: input_body.c. */
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "httpd/input.h"

/* ---- the fields ---- */

enum { ONE, MANY };
enum { TEXT, INTEGER, YESNO };

static const struct field_t {
    const char *name;
    int count, type, max; /* max: bytes of one value */
    const char *controls; /* control characters allowed in it */
} fields[] = {
    {"subject", ONE, TEXT, 1020, ""},
    {"text", ONE, TEXT, OC_TEXT_MAX, "\r\n\t"},
    {"location", ONE, TEXT, 1020, ""},
    {"start", ONE, TEXT, 40, ""},
    {"end", ONE, TEXT, 40, ""},
    {"date", ONE, TEXT, 10, ""},
    {"duration", ONE, INTEGER, 8, ""},
    {"tz", ONE, TEXT, 64, ""},
    {"all_day", ONE, YESNO, 5, ""},
    {"room", MANY, TEXT, 64, ""},
    {"required", MANY, TEXT, 40000, "\r\n\t"},
    {"optional", MANY, TEXT, 40000, "\r\n\t"},
    {"reminder", ONE, INTEGER, 8, ""},
    {"private", ONE, YESNO, 5, ""},
    {"boxes", ONE, TEXT, 20, ""},
    {"check_people", ONE, YESNO, 5, ""},
    {"reason", ONE, TEXT, 1000, ""},
    {"etag", ONE, TEXT, 200, ""},
    {"key", ONE, TEXT, 255, ""},
    {"token", ONE, TEXT, 200, ""},
    {"return", ONE, TEXT, 2000, ""},
    {"action", ONE, TEXT, 20, ""},
    {"who", MANY, TEXT, 254, ""},
    {"slot", ONE, INTEGER, 4, ""},
    {"capacity", ONE, INTEGER, 6, ""},
    {"feature", MANY, TEXT, 64, ""},
    {"lang", ONE, TEXT, 40, ""},
    {"owacal", ONE, TEXT, 4000, ""},
    {"place", ONE, INTEGER, 2, ""},
    {"end_date", ONE, TEXT, 10, ""},
    {"cancel", ONE, TEXT, 3000, ""},
    {"booking", ONE, TEXT, 3000, ""},
    {"q", ONE, TEXT, 4 * OC_PEOPLE_MAX, ""},
    {"lookup", ONE, YESNO, 5, ""},
    {"minutes", ONE, INTEGER, 4, ""}, /* of a panel */
    {"until", ONE, INTEGER, 12, ""},
    {"ref", ONE, TEXT, 2000, ""},
    {"day", ONE, TEXT, 10, ""}, /* of an agenda; it and the rest are parameters of fragments */
    {"days", ONE, INTEGER, 3, ""},
    {"answers", ONE, YESNO, 5, ""}, /* of the list of bookings */
    {"from", ONE, TEXT, 5, ""},
    {"to", ONE, TEXT, 5, ""},
    {"form", ONE, TEXT, 1000, ""},
};

/* Other words that people and programs use for the same thing. */
static const struct {
    const char *alias, *name;
} aliases[] = {
    {"rooms", "room"},
    {"attendees", "required"},
    {"timezone", "tz"},
    {"features", "feature"},
};

static const char *canonical_name(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); ++i) {
        if (strcmp(aliases[i].alias, name) == 0) {
            return aliases[i].name;
        }
    }
    /* The form's answers to "whom do you mean?" are attendees like the others. */
    if (strncmp(name, "required.", 9) == 0 || strncmp(name, "optional.", 9) == 0) {
        return name[0] == 'r' ? "required" : "optional";
    }
    return name;
}

static const struct field_t *known(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static apr_status_t check_field(const oc_input_t *in, const struct field_t *f, const oc_field_t *v,
                                oc_result_t *res)
{
    if (strlen(v->value) > (size_t)f->max) {
        return oc_result_field(res, OC_REASON_OK, f->name, "longer than %d bytes", f->max);
    }
    if (oc_str_control(v->value, f->controls)) {
        return oc_result_field(res, OC_REASON_OK, f->name, "holds control characters");
    }
    if (f->count == ONE && oc_form_count(in->form, f->name) > 1) {
        return oc_result_field(res, OC_REASON_OK, f->name, "stands more than once");
    }
    if (in->json && v->kind != OC_VALUE_NULL &&
        v->kind != (f->type == TEXT    ? OC_VALUE_TEXT
                    : f->type == YESNO ? OC_VALUE_BOOL
                                       : OC_VALUE_NUMBER)) {
        return oc_result_field(res, OC_REASON_OK, f->name,
                               f->type == TEXT    ? "a text is wanted"
                               : f->type == YESNO ? "true or false is wanted"
                                                  : "an integer is wanted");
    }
    if (f->type == INTEGER && v->value[0] && strspn(v->value, "0123456789") != strlen(v->value)) {
        return oc_result_field(res, OC_REASON_OK, f->name, "a whole number is wanted");
    }
    if (f->type == YESNO && v->value[0] && strcmp(v->value, "1") && strcmp(v->value, "0") &&
        strcasecmp(v->value, "on") && strcasecmp(v->value, "true") &&
        strcasecmp(v->value, "false")) {
        return oc_result_field(res, OC_REASON_OK, f->name, "1 or 0 is wanted");
    }
    return APR_SUCCESS;
}

/* ---- all mistakes of a form ---- */

/* One check went wrong: its field is noted, and the first of all is what the request fails with. A
 * program is told of the first only. */
static apr_status_t also(const oc_input_t *in, oc_result_t *res, const oc_result_t *one)
{
    if (one->reason == OC_REASON_OK) {
        return APR_SUCCESS;
    }
    if (in->errors && !in->json && one->field) {
        oc_view_error_t *e = apr_array_push(in->errors);

        e->what = apr_pmemdup(in->pool, one, sizeof(*one)); /* its texts are in this pool */
        e->field = one->field;
    }
    if (res->reason == OC_REASON_OK) {
        oc_result_copy(res, one, res->pool);
    }
    return APR_EGENERAL;
}

/* 1 if something of that field was said to be wrong already. */
static int named(const oc_input_t *in, const char *field)
{
    for (int i = 0; in->errors && i < in->errors->nelts; ++i) {
        if (strcmp(APR_ARRAY_IDX(in->errors, i, oc_view_error_t).field, field) == 0) {
            return 1;
        }
    }
    return 0;
}

static int goes_on(const oc_input_t *in, const oc_result_t *res)
{
    return res->reason == OC_REASON_OK || (!in->json && in->errors);
}

apr_status_t oc_input_check(const oc_input_t *in, oc_result_t *res)
{
    oc_result_t one;
    int i;

    for (i = 0; i < in->form->fields->nelts; ++i) {
        oc_field_t *v = &APR_ARRAY_IDX(in->form->fields, i, oc_field_t);
        v->name = canonical_name(v->name);
    }
    for (i = 0; i < in->form->fields->nelts; ++i) {
        const oc_field_t *v = &APR_ARRAY_IDX(in->form->fields, i, oc_field_t);
        const struct field_t *f = known(v->name);

        /* A form may carry buttons and fields of the page's own; a program's unknown member is a
         * typing mistake that would otherwise go unnoticed. */
        if (!f && in->json) {
            return oc_result_field(res, OC_REASON_OK, oc_str_log(res->pool, v->name, 64),
                                   "there is no such member");
        }
        oc_result_init(&one, in->pool);
        if (f && check_field(in, f, v, &one) != APR_SUCCESS && !named(in, f->name)) {
            also(in, res, &one);
        }
        if (!goes_on(in, res)) {
            break;
        }
    }
    return res->reason == OC_REASON_OK ? APR_SUCCESS : APR_EGENERAL;
}

const char *oc_input_text(const oc_input_t *in, const char *name)
{
    const oc_field_t *f = oc_form_get(in->form, name);

    return f && f->value[0] ? f->value : NULL;
}

int oc_input_flag(const oc_input_t *in, const char *name)
{
    const char *v = oc_input_text(in, name);

    return v && strcmp(v, "0") != 0 && strcasecmp(v, "false") != 0;
}

/* ---- times ---- */

static const char *zone_of(const oc_input_t *in, apr_pool_t *pool, oc_result_t *res)
{
    const char *tz = oc_input_text(in, "tz");
    const char *zone = tz ? oc_zone_canonical(pool, tz) : in->dir->zone;

    if (!zone) {
        oc_result_field(res, OC_REASON_OK, "tz", "\"%s\" is no time zone",
                        oc_str_log(pool, tz, 64));
    }
    return zone;
}

/* "10:00" and "10:00:00" need the date field; everything else stands alone. */
static const char *with_date(const oc_input_t *in, const char *name, const char *value)
{
    const char *date = strcmp(name, "end") == 0 ? oc_input_text(in, "end_date") : NULL;

    date = date ? date : oc_input_text(in, "date");

    if (date && value && strlen(value) <= 8 && strchr(value, ':') && !strchr(value, '-')) {
        return apr_pstrcat(in->pool, date, "T", strlen(value) == 4 ? "0" : "", value, NULL);
    }
    return value;
}

static apr_status_t one_time(const oc_input_t *in, const char *name, const char *text,
                             const char *zone, apr_time_t *t, oc_result_t *res)
{
    oc_zone_fit_t fit = OC_ZONE_EXACT;
    apr_status_t rv = oc_zone_parse(text, zone, name, t, &fit, res);

    if (rv == APR_SUCCESS && fit == OC_ZONE_TWICE) {
        APR_ARRAY_PUSH(in->remarks, const char *) =
            oc_say_with(in->pool, in->language,
                        "The time {time} occurs twice because the clocks are put back; the first "
                        "was taken.",
                        "time", text, NULL);
    }
    return rv;
}

/* The days of a form, in fields of their own, so that a mistake in one is not looked for in the
 * other. */
static apr_status_t days_of(const oc_input_t *in, const char *zone, const char *start,
                            oc_result_t *res)
{
    static const char *const names[] = {"date", "end_date"};
    apr_time_t t;

    for (int i = 0; i < 2; ++i) {
        const char *text = oc_input_text(in, names[i]);
        if (text && (strlen(text) != 10 ||
                     oc_zone_parse(text, zone, names[i], &t, NULL, res) != APR_SUCCESS)) {
            return res->reason != OC_REASON_OK
                       ? APR_EGENERAL
                       : oc_result_field(res, OC_REASON_OK, names[i],
                                         "a date as 2026-03-05 is wanted");
        }
    }
    if (start && strlen(start) <= 8 && strchr(start, ':') && !in->json) {
        return oc_result_field(res, OC_REASON_OK, "date", "is missing");
    }
    return APR_SUCCESS;
}

/* So many minutes after the start; of whole days an instant of the last of them, by the clock on
 * the wall: a day has 1440 minutes then, whether or not the clocks change. */
static apr_time_t after(const char *zone, apr_time_t start, const char *duration, int all_day)
{
    apr_int64_t minutes = apr_strtoi64(duration, NULL, 10);
    oc_local_t at;

    if (!all_day || minutes < 1 || oc_zone_to_local(zone, start, &at, NULL) != APR_SUCCESS) {
        return start + apr_time_from_sec(60 * minutes);
    }
    return oc_zone_midnight(zone, start,
                            (int)((at.hour * 60 + at.minute + minutes - 1) / 1440)) + 1;
}

/* start and end of the form; both stay 0 if neither was sent. */
static apr_status_t times_of(const oc_input_t *in, const char *zone, int all_day, oc_range_t *when,
                             oc_result_t *res)
{
    const char *start = with_date(in, "start", oc_input_text(in, "start"));
    const char *end = with_date(in, "end", oc_input_text(in, "end"));
    const char *duration = oc_input_text(in, "duration");
    apr_status_t rv;

    when->start = when->end = 0;
    if (all_day) {
        start = start ? start : oc_input_text(in, "date");
        end = end ? end : oc_input_text(in, "end_date");
    }
    if ((rv = days_of(in, zone, start, res)) != APR_SUCCESS) {
        return rv;
    }
    if (!start && !end && !duration) {
        return APR_SUCCESS;
    }
    if (!start) {
        return oc_result_field(res, OC_REASON_OK, "start", "is missing");
    }
    if ((rv = one_time(in, "start", start, zone, &when->start, res)) != APR_SUCCESS) {
        return rv;
    }
    if (end && duration && !in->json && !all_day) {
        rv = one_time(in, "end", end, zone, &when->end, res);
        if (rv == APR_SUCCESS &&
            when->end != after(zone, when->start, duration, 0)) {
            return oc_result_field(res, OC_REASON_OK, "duration",
                                   "is not what lies between start and end: leave one of them out");
        }
    } else if (end) {
        rv = one_time(in, "end", end, zone, &when->end, res);
    } else if (duration) {
        when->end = after(zone, when->start, duration, all_day);
    } else if (all_day) {
        when->end = when->start + 1;
    } else {
        return oc_result_field(res, OC_REASON_OK, "end", "is missing: end or duration");
    }
    if (rv == APR_SUCCESS && all_day) {
        /* Whole local days. A date as the end is the last day meant; a clock time at midnight, as
         * it is read back, is the end of the day before. */
        apr_time_t last = end && strlen(end) == 10 ? when->end : when->end - 1;
        when->start = oc_zone_midnight(zone, when->start, 0);
        when->end = last >= when->start ? oc_zone_midnight(zone, last, 1) : when->start;
    }
    if (rv == APR_SUCCESS && when->end <= when->start) {
        return oc_result_field(res, OC_REASON_OK, "end", "must be after the start");
    }
    return rv;
}

/* ---- people and rooms ---- */

static apr_status_t add_people(const oc_input_t *in, apr_pool_t *pool, const char *name,
                               oc_role_t role, apr_array_header_t *to, oc_result_t *res)
{
    int i, k;

    for (i = 0; i < in->form->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(in->form->fields, i, oc_field_t);
        apr_array_header_t *list;
        char *text;
        int bad = 0;

        if (strcmp(f->name, name) != 0 || !f->value[0]) {
            continue;
        }
        text = apr_pstrdup(pool, f->value);
        if (in->json && oc_str_control(text, "")) {
            return oc_result_field(res, OC_REASON_OK, name, "holds control characters");
        }
        for (k = 0; text[k]; ++k) { /* a textarea may have one address a line */
            text[k] = text[k] == '\r' || text[k] == '\n' ? ',' : text[k];
        }
        list = oc_attendee_parse_list(pool, text, role, &bad);
        if (bad) {
            return oc_result_field(res, OC_REASON_OK, name,
                                   "%d of the addresses cannot be used; write "
                                   "them as name@example.com, separated by commas",
                                   bad);
        }
        apr_array_cat(to, list);
        if (to->nelts > in->conf->max_attendees) {
            return oc_result_field(res, OC_REASON_TOO_MANY_ATTENDEES, name,
                                   "more than %d attendees", in->conf->max_attendees);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t add_rooms(const oc_input_t *in, apr_pool_t *pool, apr_array_header_t *to,
                              const char **location, oc_result_t *res)
{
    int i, n = 0;

    for (i = 0; i < in->form->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(in->form->fields, i, oc_field_t);
        const oc_room_t *room;
        oc_attendee_t *a;

        if (strcmp(f->name, "room") != 0 || !f->value[0]) {
            continue;
        }
        room = oc_room_find(in->conf->rooms, f->value);
        if (!room) {
            return oc_result_field(res, OC_REASON_UNKNOWN_ROOM, "room",
                                   "\"%s\" is not a configured room",
                                   oc_str_log(pool, f->value, 64));
        }
        if (++n > OC_LEASE_MAX_ROOMS) {
            return oc_result_field(res, OC_REASON_TOO_MANY_ATTENDEES, "room", "more than %d rooms",
                                   OC_LEASE_MAX_ROOMS);
        }
        a = apr_array_push(to);
        a->address = room->address;
        a->name = room->name;
        a->role = OC_ROLE_RESOURCE;
        a->cutype = OC_CUTYPE_ROOM;
        a->partstat = OC_PARTSTAT_NEEDS_ACTION;
        a->room = room->id;
        *location = *location ? apr_pstrcat(pool, *location, ", ", room->name, NULL) : room->name;
    }
    return APR_SUCCESS;
}

static apr_status_t attendees_of(const oc_input_t *in, apr_pool_t *pool, apr_array_header_t *to,
                                 const char **rooms, oc_result_t *res)
{
    apr_status_t rv = add_people(in, pool, "required", OC_ROLE_REQUIRED, to, res);

    if (rv == APR_SUCCESS) {
        rv = add_people(in, pool, "optional", OC_ROLE_OPTIONAL, to, res);
    }
    return rv == APR_SUCCESS ? add_rooms(in, pool, to, rooms, res) : rv;
}

static apr_status_t reminder_of(const oc_input_t *in, int *minutes, oc_result_t *res)
{
    const char *text = oc_input_text(in, "reminder");

    if (text) {
        apr_int64_t n = apr_strtoi64(text, NULL, 10);
        if (n > OC_REMINDER_MAX) {
            return oc_result_field(res, OC_REASON_OK, "reminder", "at most 20160 minutes");
        }
        *minutes = (int)n;
    }
    return APR_SUCCESS;
}

/* ---- arguments ---- */

/* The parts of a new booking, each by itself: one that is wrong does not hide the next. */
static void check_parts(const oc_input_t *in, apr_pool_t *pool, const char *zone, oc_booking_t *b,
                        const char **rooms, oc_result_t *res)
{
    for (int i = 0; i < 6 && goes_on(in, res); ++i) {
        oc_result_t one;

        oc_result_init(&one, in->pool);
        switch (i) {
        case 0:
            if (!b->subject || !*oc_str_trim(in->pool, b->subject)) {
                oc_result_field(&one, OC_REASON_OK, "subject", "is missing");
            }
            break;
        case 1:
            if (times_of(in, zone, b->all_day, &b->when, &one) == APR_SUCCESS && !b->when.start) {
                oc_result_field(&one, OC_REASON_OK,
                                in->json || oc_input_text(in, "date") ? "start" : "date",
                                "is missing");
            }
            break;
        case 2:
            add_people(in, pool, "required", OC_ROLE_REQUIRED, b->attendees, &one);
            break;
        case 3:
            add_people(in, pool, "optional", OC_ROLE_OPTIONAL, b->attendees, &one);
            break;
        case 4:
            add_rooms(in, pool, b->attendees, rooms, &one);
            break;
        default:
            reminder_of(in, &b->reminder, &one);
            break;
        }
        also(in, res, &one);
    }
}

oc_booking_t *oc_input_booking(const oc_input_t *in, apr_pool_t *pool, oc_result_t *res)
{
    oc_booking_t *b = oc_booking_create(pool);
    const char *rooms = NULL, *zone = zone_of(in, pool, res);
    oc_result_t one;

    if (!zone) {
        return NULL;
    }
    b->zone = zone;
    b->all_day = oc_input_flag(in, "all_day");
    b->subject = oc_input_text(in, "subject");
    b->text = oc_input_text(in, "text");
    b->location = oc_input_text(in, "location");
    b->sensitivity = oc_input_flag(in, "private") ? OC_SENSITIVITY_PRIVATE : OC_SENSITIVITY_NORMAL;
    check_parts(in, pool, zone, b, &rooms, res);
    if (res->reason != OC_REASON_OK) {
        return NULL;
    }
    b->location = b->location ? b->location : rooms;
    b->is_meeting = b->attendees->nelts > 0;
    oc_result_init(&one, in->pool);
    if (oc_booking_check(b, in->conf->max_attendees, in->now, &one) != APR_SUCCESS) {
        also(in, res, &one);
        return NULL;
    }
    return oc_booking_copy(pool, b); /* nothing of it may point into the request */
}

/* A box that is not ticked sends nothing, and nobody's private booking is to be opened because a
 * form has no such box: it must say that it has one. */
static int private_of(const oc_input_t *in)
{
    const char *boxes = oc_input_text(in, "boxes");
    const oc_field_t *f = oc_form_get(in->form, "private");

    if (f) {
        return f->kind == OC_VALUE_NULL ? 0 : oc_input_flag(in, "private") ? 1 : -1;
    }
    return !in->json && boxes && strcmp(boxes, "private") == 0 ? -1 : 0;
}

static const char *copied(apr_pool_t *pool, const oc_input_t *in, const char *name)
{
    const oc_field_t *f = oc_form_get(in->form, name);

    return f ? apr_pstrdup(pool, f->value) : NULL;
}

apr_status_t oc_input_change(const oc_input_t *in, apr_pool_t *pool, oc_change_args_t *args,
                             oc_result_t *res)
{
    const char *rooms = NULL, *zone = zone_of(in, pool, res);
    const char *subject;
    apr_status_t rv;

    if (!zone) {
        return APR_EGENERAL;
    }
    args->subject = copied(pool, in, "subject");
    args->text = copied(pool, in, "text");
    args->location = copied(pool, in, "location");
    args->zone = oc_input_text(in, "tz") ? apr_pstrdup(pool, zone) : NULL;
    args->if_etag = args->if_etag               ? args->if_etag
                    : oc_input_text(in, "etag") ? copied(pool, in, "etag")
                                                : NULL;
    args->reminder = !in->json && oc_form_get(in->form, "reminder") ? -1 : -2; /* emptied: none */
    /* A browser sends nothing for a box that is not ticked: a form says all of it, JSON what it
     * names. */
    args->all_day = oc_form_get(in->form, "all_day")              ? oc_input_flag(in, "all_day")
                    : in->json || !oc_form_get(in->form, "start") ? -1
                                                                  : 0;
    args->private = private_of(in);
    subject = args->subject;
    if (subject && !*oc_str_trim(pool, subject)) {
        return oc_result_field(res, OC_REASON_OK, "subject", "is missing");
    }
    if ((rv = times_of(in, zone, args->all_day == 1, &args->when, res)) != APR_SUCCESS ||
        (rv = reminder_of(in, &args->reminder, res)) != APR_SUCCESS) {
        return rv;
    }
    if (oc_form_get(in->form, "required") || oc_form_get(in->form, "optional") ||
        oc_form_get(in->form, "room")) {
        apr_array_header_t *list = apr_array_make(pool, 8, sizeof(oc_attendee_t));
        int i;

        if ((rv = attendees_of(in, pool, list, &rooms, res)) != APR_SUCCESS) {
            return rv;
        }
        for (i = 0; i < list->nelts; ++i) { /* the configuration's strings outlive the operation */
            oc_attendee_t *a = &APR_ARRAY_IDX(list, i, oc_attendee_t);
            a->address = apr_pstrdup(pool, a->address);
            a->name = a->name ? apr_pstrdup(pool, a->name) : NULL;
        }
        args->attendees = list;
        args->keep_resources = !in->json; /* a form has the configured rooms only */
    }
    return APR_SUCCESS;
}

apr_status_t oc_input_range(const oc_input_t *in, int days, oc_range_t *range, oc_result_t *res)
{
    const char *zone = zone_of(in, in->pool, res);
    const char *start = with_date(in, "start", oc_input_text(in, "start"));
    const char *end = with_date(in, "end", oc_input_text(in, "end"));
    apr_status_t rv;

    if (!zone) {
        return APR_EGENERAL;
    }
    start = start ? start : oc_input_text(in, "date");
    start = start ? start : oc_input_text(in, "day"); /* of an agenda */
    range->start = oc_zone_midnight(zone, in->now, 0);
    if (start && (rv = one_time(in, "start", start, zone, &range->start, res)) != APR_SUCCESS) {
        return rv;
    }
    range->end = oc_zone_midnight(zone, range->start, days);
    if (end && (rv = one_time(in, "end", end, zone, &range->end, res)) != APR_SUCCESS) {
        return rv;
    }
    if (range->end <= range->start) {
        return oc_result_field(res, OC_REASON_OK, "end", "must be after the start");
    }
    if (range->end - range->start > apr_time_from_sec(86400) * (apr_time_t)in->conf->max_range) {
        return oc_result_field(res, OC_REASON_RANGE_TOO_LONG, "end", "at most %d days",
                               in->conf->max_range);
    }
    return APR_SUCCESS;
}

apr_status_t oc_input_wish(const oc_input_t *in, oc_room_wish_t *wish, int *any, oc_result_t *res)
{
    const char *capacity = oc_input_text(in, "capacity");
    const char *zone = zone_of(in, in->pool, res);
    apr_array_header_t *features = apr_array_make(in->pool, 4, sizeof(const char *));
    apr_status_t rv;

    if (!zone) {
        return APR_EGENERAL;
    }
    for (int i = 0; i < in->form->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(in->form->fields, i, oc_field_t);
        if (strcmp(f->name, "feature") == 0 && f->value[0]) {
            APR_ARRAY_PUSH(features, const char *) = f->value;
        }
    }
    wish->capacity = capacity ? (int)apr_strtoi64(capacity, NULL, 10) : 0;
    wish->features = features;
    if ((rv = times_of(in, zone, 0, &wish->when, res)) != APR_SUCCESS) {
        return rv;
    }
    if (wish->when.end - wish->when.start > apr_time_from_sec(86400) * in->conf->max_range) {
        return oc_result_field(res, OC_REASON_RANGE_TOO_LONG, "end", "at most %d days",
                               in->conf->max_range);
    }
    *any = wish->capacity || features->nelts || wish->when.start;
    return APR_SUCCESS;
}

apr_status_t oc_input_who(const oc_input_t *in, apr_array_header_t **who, apr_time_t *slot,
                          oc_result_t *res)
{
    const char *minutes = oc_input_text(in, "slot");
    apr_int64_t n = minutes ? apr_strtoi64(minutes, NULL, 10) : 30;
    int i;

    if (n < 5 || n > 1440) {
        return oc_result_field(res, OC_REASON_OK, "slot", "5 to 1440 minutes");
    }
    *slot = apr_time_from_sec(60 * n);
    *who = apr_array_make(in->pool, 8, sizeof(const char *));
    for (i = 0; i < in->form->fields->nelts; ++i) {
        const oc_field_t *f = &APR_ARRAY_IDX(in->form->fields, i, oc_field_t);
        int room = strcmp(f->name, "room") == 0;
        const oc_room_t *found;

        if ((strcmp(f->name, "who") != 0 && !room) || !f->value[0]) {
            continue;
        }
        found = oc_room_find(in->conf->rooms, f->value);
        if (!found && room) {
            return oc_result_field(res, OC_REASON_UNKNOWN_ROOM, "room",
                                   "\"%s\" is not a configured room",
                                   oc_str_log(in->pool, f->value, 64));
        }
        if (!found && !oc_attendee_address_ok(f->value)) {
            return oc_result_field(res, OC_REASON_OK, "who",
                                   "\"%s\" is neither a room nor an address",
                                   oc_str_log(in->pool, f->value, 64));
        }
        APR_ARRAY_PUSH(*who, const char *) = found ? found->address : f->value;
    }
    if ((*who)->nelts == 0) {
        for (i = 0; i < in->conf->rooms->nelts && i < in->conf->max_attendees; ++i) {
            APR_ARRAY_PUSH(*who, const char *) =
                APR_ARRAY_IDX(in->conf->rooms, i, oc_room_t *)->address;
        }
    }
    if ((*who)->nelts > in->conf->max_attendees) {
        return oc_result_field(res, OC_REASON_TOO_MANY_ATTENDEES, "who", "at most %d",
                               in->conf->max_attendees);
    }
    return APR_SUCCESS;
}

oc_form_t *oc_input_refill(const oc_input_t *in, const char *without)
{
    oc_form_t *form = apr_palloc(in->pool, sizeof(*form));
    int i;

    form->fields = apr_array_make(in->pool, in->form->fields->nelts, sizeof(oc_field_t));
    for (i = 0; i < in->form->fields->nelts; ++i) {
        oc_field_t f = APR_ARRAY_IDX(in->form->fields, i, oc_field_t);
        if (without && strcmp(f.name, without) == 0) {
            continue;
        }
        APR_ARRAY_PUSH(form->fields, oc_field_t) = f;
    }
    return form;
}
