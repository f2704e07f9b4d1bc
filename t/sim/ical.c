/* ical.c - the calendar part of a message becomes properties. libical reads it; it is used under
 * the store's write lock only. */

#include <libical/ical.h>

#include "mime.h"
#include "entry.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define CALENDAR_MAX (1024 * 1024)
#define VALUES_MAX 1000
#define ATTENDEES_MAX 5000

/* ---- small readers ---- */

/* The value of an X- property, NULL if the event has none of that name. */
static const char *x_value(icalcomponent *event, const char *name)
{
    icalproperty *x;

    for (x = icalcomponent_get_first_property(event, ICAL_X_PROPERTY); x;
         x = icalcomponent_get_next_property(event, ICAL_X_PROPERTY))
        if (strcasecmp(icalproperty_get_x_name(x), name) == 0)
            return icalproperty_get_x(x);
    return NULL;
}

/* A property's value as text, from q's pool, NULL if absent or empty. */
static const char *text_of(sim_req_t *q, icalcomponent *event, icalproperty_kind kind)
{
    icalproperty *prop = icalcomponent_get_first_property(event, kind);
    const char *text = NULL;

    if (prop) {
        icalvalue *value = icalproperty_get_value(prop);

        text = value && icalvalue_isa(value) == ICAL_TEXT_VALUE ? icalvalue_get_text(value)
            : icalproperty_get_value_as_string(prop);
    }
    return text && *text ? apr_pstrdup(q->p, text) : NULL;
}

/* The instant of a date property. Its zone is the VTIMEZONE its TZID names, a zone libical knows,
 * or UTC. 0 when it is no valid date. */
static int instant(icalcomponent *calendar, icalproperty *prop, struct icaltimetype t,
                   apr_time_t *out)
{
    icalparameter *tzid = icalproperty_get_first_parameter(prop, ICAL_TZID_PARAMETER);
    icaltimezone *zone = NULL;

    if (icaltime_is_null_time(t) || t.year < 1900 || t.year > 4500)
        return 0;
    if (tzid) {
        zone = icalcomponent_get_timezone(calendar, icalparameter_get_tzid(tzid));
        if (!zone)
            zone = icaltimezone_get_builtin_timezone(icalparameter_get_tzid(tzid));
    }
    if (t.is_date && !zone) {   /* midnight where the calendar says it is */
        icalcomponent *first = icalcomponent_get_first_component(calendar,
                                                                 ICAL_VTIMEZONE_COMPONENT);
        icalproperty *id = first ? icalcomponent_get_first_property(first, ICAL_TZID_PROPERTY)
                                 : NULL;

        zone = id ? icalcomponent_get_timezone(calendar, icalproperty_get_tzid(id)) : NULL;
    }
    t.is_date = 0;
    *out = apr_time_from_sec(icaltime_as_timet_with_zone(t, zone ? zone
                                                         : icaltimezone_get_utc_timezone()));
    return 1;
}

static int date_of(icalcomponent *calendar, icalcomponent *event, icalproperty_kind kind,
                   apr_time_t *out, int *is_date)
{
    icalproperty *prop = icalcomponent_get_first_property(event, kind);
    icalvalue *value = prop ? icalproperty_get_value(prop) : NULL;
    struct icaltimetype t;

    if (!value || (icalvalue_isa(value) != ICAL_DATETIME_VALUE
                   && icalvalue_isa(value) != ICAL_DATE_VALUE))
        return 0;
    t = icalvalue_get_datetime(value);
    if (is_date)
        *is_date = t.is_date;
    return instant(calendar, prop, t, out);
}

static void set_time(sim_req_t *q, sim_item_t *item, const char *local, apr_time_t t)
{
    sim_set(item, SIM_NS_CAL, local, sim_time_text(q->p, t));
}

static void set_int(sim_req_t *q, sim_item_t *item, const char *ns, const char *local, long n)
{
    sim_set(item, ns, local, apr_ltoa(q->p, n));
}

/* ---- people ---- */

static const char *address_of(sim_req_t *q, const char *uri)
{
    if (!uri)
        return NULL;
    if (strncasecmp(uri, "mailto:", 7) == 0)
        uri += 7;
    return *uri && !strpbrk(uri, "\r\n,;<>\"") ? apr_pstrdup(q->p, uri) : NULL;
}

static sim_role_t role_of(icalproperty *attendee)
{
    icalparameter *role = icalproperty_get_first_parameter(attendee, ICAL_ROLE_PARAMETER);
    icalparameter *type = icalproperty_get_first_parameter(attendee, ICAL_CUTYPE_PARAMETER);

    if (type && (icalparameter_get_cutype(type) == ICAL_CUTYPE_RESOURCE
                 || icalparameter_get_cutype(type) == ICAL_CUTYPE_ROOM))
        return SIM_ROLE_BCC;
    if (role && icalparameter_get_role(role) == ICAL_ROLE_OPTPARTICIPANT)
        return SIM_ROLE_CC;
    if (role && icalparameter_get_role(role) == ICAL_ROLE_NONPARTICIPANT)
        return SIM_ROLE_BCC;
    return SIM_ROLE_TO;
}

static sim_answer_t answer_of(icalproperty *attendee)
{
    icalparameter *stat = icalproperty_get_first_parameter(attendee, ICAL_PARTSTAT_PARAMETER);

    switch (stat ? icalparameter_get_partstat(stat) : ICAL_PARTSTAT_NONE) {
    case ICAL_PARTSTAT_ACCEPTED:
        return SIM_ANSWER_ACCEPTED;
    case ICAL_PARTSTAT_TENTATIVE:
        return SIM_ANSWER_TENTATIVE;
    case ICAL_PARTSTAT_DECLINED:
        return SIM_ANSWER_DECLINED;
    default:
        return SIM_ANSWER_NONE;
    }
}

/* Attendees with what they answered; to/cc/bcc from their roles where the message names nobody.
 * Returns their number; *answer is that of the first. */
static int put_people(sim_req_t *q, sim_item_t *item, icalcomponent *event, sim_answer_t *answer)
{
    static const char *const header[] = { "to", "cc", "bcc" };
    int given = sim_get(item, SIM_NS_HEADER, "to") || sim_get(item, SIM_NS_HEADER, "cc");
    icalproperty *organizer = icalcomponent_get_first_property(event, ICAL_ORGANIZER_PROPERTY);
    const char *by = organizer ? address_of(q, icalproperty_get_organizer(organizer)) : NULL;
    icalproperty *a;
    sim_buf_t *list[3];
    int n = 0, i;

    for (i = 0; i < 3; i++)
        list[i] = sim_buf_make(q->p);
    *answer = SIM_ANSWER_NONE;
    for (a = icalcomponent_get_first_property(event, ICAL_ATTENDEE_PROPERTY);
         a && n < ATTENDEES_MAX;
         a = icalcomponent_get_next_property(event, ICAL_ATTENDEE_PROPERTY)) {
        const char *address = address_of(q, icalproperty_get_attendee(a));
        icalparameter *cn = icalproperty_get_first_parameter(a, ICAL_CN_PARAMETER);
        sim_role_t role = role_of(a);
        sim_attendee_t *at;

        if (!address || (by && strcasecmp(address, by) == 0))
            continue;
        at = sim_attendee_add(item, address, cn ? icalparameter_get_cn(cn) : NULL, role);
        if (at)
            at->answer = answer_of(a);
        if (!n++)
            *answer = answer_of(a);
        sim_buf_printf(list[role], "%s%s", list[role]->len ? "," : "", address);
    }
    for (i = 0; i < 3 && !given; i++)
        if (list[i]->len)
            sim_set(item, SIM_NS_HEADER, header[i], list[i]->data);
    return n;
}

/* ---- time and recurrence ---- */

static void put_dates(sim_req_t *q, sim_item_t *item, icalcomponent *calendar, icalcomponent *event,
                      icalproperty_kind kind, const char *local)
{
    const char *values[VALUES_MAX];
    icalproperty *prop;
    int n = 0;

    for (prop = icalcomponent_get_first_property(event, kind); prop && n < VALUES_MAX;
         prop = icalcomponent_get_next_property(event, kind)) {
        icalvalue *value = icalproperty_get_value(prop);
        struct icaltimetype t = icaltime_null_time();
        apr_time_t at;

        if (value && icalvalue_isa(value) == ICAL_DATETIMEPERIOD_VALUE)
            t = icalvalue_get_datetimeperiod(value).time;
        else if (value && (icalvalue_isa(value) == ICAL_DATETIME_VALUE
                           || icalvalue_isa(value) == ICAL_DATE_VALUE))
            t = icalvalue_get_datetime(value);
        if (instant(calendar, prop, t, &at))
            values[n++] = sim_time_text(q->p, at);
    }
    if (n)
        sim_set_values(item, sim_name(SIM_NS_CAL, local), SIM_T_MV_DATE, n, values);
}

static int put_rules(sim_req_t *q, sim_item_t *item, icalcomponent *event)
{
    const char *values[VALUES_MAX];
    icalproperty *prop;
    int n = 0;

    for (prop = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
         prop && n < VALUES_MAX;
         prop = icalcomponent_get_next_property(event, ICAL_RRULE_PROPERTY))
        values[n++] = apr_pstrdup(q->p, icalproperty_get_value_as_string(prop));
    if (n)
        sim_set_values(item, sim_name(SIM_NS_CAL, "rrule"), SIM_T_MV_STRING, n, values);
    return n;
}

/* NULL, or what is wrong. */
static const char *put_times(sim_req_t *q, sim_item_t *item, icalcomponent *calendar,
                             icalcomponent *event)
{
    const char *all_day = x_value(event, "X-MICROSOFT-CDO-ALLDAYEVENT");
    apr_time_t start, end, at;
    int is_date = 0;

    if (!date_of(calendar, event, ICAL_DTSTART_PROPERTY, &start, &is_date))
        return "the event has no valid DTSTART";
    if (!date_of(calendar, event, ICAL_DTEND_PROPERTY, &end, NULL)) {
        icalproperty *duration = icalcomponent_get_first_property(event, ICAL_DURATION_PROPERTY);

        end = start + (duration ? apr_time_from_sec(icaldurationtype_as_int(
                                      icalproperty_get_duration(duration)))
                                : is_date ? apr_time_from_sec(86400) : 0);
    }
    if (end < start)
        return "the event ends before it starts";
    set_time(q, item, "dtstart", start);
    set_time(q, item, "dtend", end);
    sim_set(item, SIM_NS_CAL, "alldayevent",
            is_date || (all_day && strcasecmp(all_day, "TRUE") == 0) ? "1" : "0");
    if (date_of(calendar, event, ICAL_DTSTAMP_PROPERTY, &at, NULL))
        set_time(q, item, "dtstamp", at);
    if (date_of(calendar, event, ICAL_RECURRENCEID_PROPERTY, &at, NULL))
        set_time(q, item, "recurrenceid", at);
    return NULL;
}

static void put_zone(sim_req_t *q, sim_item_t *item, icalcomponent *calendar)
{
    icalcomponent *zone = icalcomponent_get_first_component(calendar, ICAL_VTIMEZONE_COMPONENT);
    const char *id;
    char *text;

    if (!zone)
        return;
    text = icalcomponent_as_ical_string_r(zone);
    sim_set(item, SIM_NS_CAL, "timezone", text);
    icalmemory_free_buffer(text);
    id = x_value(zone, "X-MICROSOFT-CDO-TZID");
    if (id)
        set_int(q, item, SIM_NS_CAL, "timezoneid", atol(id));
}

/* ---- the rest ---- */

static void put_status(sim_req_t *q, sim_item_t *item, icalcomponent *event)
{
    static const struct { const char *cdo, *busy; int mapi; } table[] = {
        { "FREE", "FREE", 0 }, { "TENTATIVE", "TENTATIVE", 1 }, { "BUSY", "BUSY", 2 },
        { "OOF", "OUTOFOFFICE", 3 },
    };
    const char *busy = x_value(event, "X-MICROSOFT-CDO-BUSYSTATUS");
    const char *intended = x_value(event, "X-MICROSOFT-CDO-INTENDEDSTATUS");
    const char *transp = text_of(q, event, ICAL_TRANSP_PROPERTY);
    const char *status = text_of(q, event, ICAL_STATUS_PROPERTY);
    const char *class = text_of(q, event, ICAL_CLASS_PROPERTY);
    size_t i;

    sim_set(item, SIM_NS_CAL, "busystatus",
            transp && strcasecmp(transp, "TRANSPARENT") == 0 ? "FREE" : "BUSY");
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (busy && strcasecmp(busy, table[i].cdo) == 0)
            sim_set(item, SIM_NS_CAL, "busystatus", table[i].busy);
        if (intended && strcasecmp(intended, table[i].cdo) == 0)
            set_int(q, item, SIM_NS_MAPI, "intendedbusystatus", table[i].mapi);
    }
    sim_set(item, SIM_NS_CAL, "meetingstatus",
            status && strcasecmp(status, "TENTATIVE") == 0 ? "TENTATIVE"
            : status && strcasecmp(status, "CANCELLED") == 0 ? "CANCELLED" : "CONFIRMED");
    sim_set(item, SIM_NS_EXCHANGE, "sensitivity",
            class && strcasecmp(class, "PRIVATE") == 0 ? "2"
            : class && strcasecmp(class, "CONFIDENTIAL") == 0 ? "3" : "0");
}

static void put_reminder(sim_req_t *q, sim_item_t *item, icalcomponent *event)
{
    icalcomponent *alarm = icalcomponent_get_first_component(event, ICAL_VALARM_COMPONENT);
    icalproperty *trigger = alarm ? icalcomponent_get_first_property(alarm, ICAL_TRIGGER_PROPERTY)
                                  : NULL;
    struct icaltriggertype t;

    if (!trigger)
        return;
    t = icalproperty_get_trigger(trigger);
    if (icaltime_is_null_time(t.time))
        set_int(q, item, SIM_NS_CAL, "reminderoffset", -icaldurationtype_as_int(t.duration));
}

/* What iTIP's method makes of a calendar message. */
static void put_method(sim_item_t *item, const char *method, sim_answer_t answer)
{
    const char *content = sim_get_or(item, SIM_NS_DAV, "contentclass", "");
    const char *class = NULL;

    if (strcmp(method, "REQUEST") == 0)
        class = "IPM.Schedule.Meeting.Request";
    else if (strcmp(method, "CANCEL") == 0)
        class = "IPM.Schedule.Meeting.Canceled";
    else if (strcmp(method, "REPLY") == 0)
        class = answer == SIM_ANSWER_DECLINED ? "IPM.Schedule.Meeting.Resp.Neg"
            : answer == SIM_ANSWER_TENTATIVE ? "IPM.Schedule.Meeting.Resp.Tent"
            : "IPM.Schedule.Meeting.Resp.Pos";
    sim_set(item, SIM_NS_CAL, "method", method);
    if (class && strcmp(content, SIM_CLASS_CALMESSAGE) == 0)
        sim_set(item, SIM_NS_EXCHANGE, "outlookmessageclass", class);
}

static const char *put_event(sim_req_t *q, sim_item_t *item, const sim_mime_t *m,
                             icalcomponent *calendar, icalcomponent *event)
{
    static const struct { icalproperty_kind kind; const char *ns, *local; int keep; } texts[] = {
        { ICAL_UID_PROPERTY, SIM_NS_CAL, "uid", 0 },
        { ICAL_LOCATION_PROPERTY, SIM_NS_CAL, "location", 0 },
        { ICAL_SUMMARY_PROPERTY, SIM_NS_MAIL, "subject", 1 },
        { ICAL_DESCRIPTION_PROPERTY, SIM_NS_MAIL, "textdescription", 1 },
        { ICAL_SEQUENCE_PROPERTY, SIM_NS_CAL, "sequence", 0 },
    };
    icalproperty *method = icalcomponent_get_first_property(calendar, ICAL_METHOD_PROPERTY);
    const char *name = m->method, *type = x_value(event, "X-MICROSOFT-CDO-INSTTYPE"), *wrong;
    sim_answer_t answer;
    char *upper;
    size_t i;
    int people;

    if (x_value(event, "X-MICROSOFT-CDO-MODPROPS"))
        return "X-MICROSOFT-CDO-MODPROPS: the server fails on it, a client must remove it";
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *text = text_of(q, event, texts[i].kind);

        if (text && !(texts[i].keep && sim_get(item, texts[i].ns, texts[i].local)))
            sim_set(item, texts[i].ns, texts[i].local, text);
    }
    if ((wrong = put_times(q, item, calendar, event)) != NULL)
        return wrong;
    put_zone(q, item, calendar);
    put_status(q, item, event);
    put_reminder(q, item, event);
    put_dates(q, item, calendar, event, ICAL_EXDATE_PROPERTY, "exdate");
    put_dates(q, item, calendar, event, ICAL_RDATE_PROPERTY, "rdate");
    sim_set(item, SIM_NS_CAL, "instancetype",
            put_rules(q, item, event) ? "1"
            : sim_get(item, SIM_NS_CAL, "recurrenceid") ? "3"
            : type && strcmp(type, "1") == 0 ? "1" : "0");

    people = put_people(q, item, event, &answer);
    if (people) {
        sim_set(item, SIM_NS_MAPI, "finvited", "1");
        sim_set(item, SIM_NS_CAL, "responserequested", "1");
        set_int(q, item, SIM_NS_MAPI, "apptstateflags", 1);
    }
    if (!name && method)
        name = icalproperty_method_to_string(icalproperty_get_method(method));
    if (name) {
        upper = apr_pstrdup(q->p, name);
        for (i = 0; upper[i]; i++)
            if (upper[i] >= 'a' && upper[i] <= 'z')
                upper[i] -= 32;
        put_method(item, upper, answer);
    }
    return NULL;
}

const char *sim_ical_put(sim_req_t *q, sim_item_t *item, const sim_mime_t *m)
{
    icalcomponent *root, *calendar, *event;
    const char *wrong = NULL;

    if (strlen(m->calendar) > CALENDAR_MAX)
        return "a calendar part of more than a megabyte";
    root = icalparser_parse_string(m->calendar);
    calendar = root && icalcomponent_isa(root) == ICAL_XROOT_COMPONENT
        ? icalcomponent_get_first_component(root, ICAL_VCALENDAR_COMPONENT) : root;
    if (!calendar || icalcomponent_isa(calendar) != ICAL_VCALENDAR_COMPONENT)
        wrong = "the text/calendar part holds no VCALENDAR";
    else if (!(event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT)))
        wrong = "the calendar holds no VEVENT";
    else
        wrong = put_event(q, item, m, calendar, event);
    if (root)
        icalcomponent_free(root);
    icalmemory_free_ring();
    return wrong;
}
