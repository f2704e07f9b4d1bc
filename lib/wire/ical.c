/* ical.c - the calendar part of a message, what an event says of its attendees, and calendars
 * written for other programs. */
#include <string.h>
#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <libical/ical.h>

#include "base/str.h"
#include "cal/zone.h"
#include "wire/ical.h"

#define PARTS_MAX 64
#define NESTING_MAX 4
#define REMINDER_MAX 525600 /* minutes, a year: what an item says may be anything */
/* Of a calendar that is read: a thousand attendees, each with some parameters. */
#define LINES_MAX  5000
#define LINE_BYTES 8192
#define DEPTH_MAX  8

/* ---- MIME ---- */

typedef struct part_t {
    const char *type;     /* "text/calendar", lower case; "text/plain" if not said */
    const char *boundary; /* of a multipart */
    const char *encoding; /* lower case; "" */
    const char *body;
    apr_size_t len;
} part_t;

/* The value of a parameter, unquoted; NULL if it is not there. */
static const char *parameter(apr_pool_t *pool, const char *value, const char *name)
{
    apr_size_t n = strlen(name);
    const char *p = value;

    while ((p = strchr(p, ';')) != NULL) {
        p += 1 + strspn(p + 1, " \t");
        if (!strncasecmp(p, name, n) && p[n] == '=') {
            p += n + 1;
            if (*p == '"') {
                const char *end = strchr(p + 1, '"');
                return end ? apr_pstrmemdup(pool, p + 1, (apr_size_t)(end - p) - 1) : NULL;
            }
            return apr_pstrmemdup(pool, p, strcspn(p, "; \t"));
        }
    }
    return NULL;
}

/* One unfolded header line; *at is put behind it. NULL at the empty line (which is consumed), or at
 * the end. */
static char *header_line(apr_pool_t *pool, const char **at, const char *end)
{
    const char *s = *at, *stop;
    char *line, *o;

    for (stop = s; stop < end; ++stop) {
        if (*stop == '\n' && (stop + 1 == end || (stop[1] != ' ' && stop[1] != '\t'))) {
            break;
        }
        if (stop == s && *stop == '\r' && stop + 1 < end && stop[1] == '\n') {
            ++stop;
            break;
        }
    }
    *at = stop < end ? stop + 1 : end;
    line = o = apr_palloc(pool, (apr_size_t)(stop - s) + 1);
    for (; s < stop; ++s) {
        if (*s != '\r' && *s != '\n') {
            *o++ = *s;
        }
    }
    *o = '\0';
    return *line ? line : NULL;
}

static void read_headers(apr_pool_t *pool, part_t *part, const char *s, const char *end)
{
    char *line;

    part->type = "text/plain";
    part->encoding = "";
    part->boundary = NULL;
    while (s < end && (line = header_line(pool, &s, end)) != NULL) {
        char *value = strchr(line, ':');
        if (!value) {
            continue;
        }
        *value++ = '\0';
        value += strspn(value, " \t");
        if (!strcasecmp(line, "Content-Type")) {
            part->type = oc_str_lower(pool, apr_pstrmemdup(pool, value, strcspn(value, "; \t")));
            part->boundary = parameter(pool, value, "boundary");
        } else if (!strcasecmp(line, "Content-Transfer-Encoding")) {
            part->encoding = oc_str_lower(pool, oc_str_trim(pool, value));
        }
    }
    part->body = s;
    part->len = (apr_size_t)(end - s);
}

static const char *from_base64(apr_pool_t *pool, const char *s, apr_size_t len)
{
    char *clean = apr_palloc(pool, len + 1), *o = clean, *out;
    apr_size_t i;
    int n;

    for (i = 0; i < len; ++i) {
        if (!apr_isspace(s[i])) {
            *o++ = s[i];
        }
    }
    *o = '\0';
    out = apr_palloc(pool, (apr_size_t)apr_base64_decode_len(clean) + 1);
    n = apr_base64_decode(out, clean);
    out[n > 0 ? n : 0] = '\0';
    return out;
}

static int hex_digit(char c)
{
    return apr_isdigit(c) ? c - '0' : (c | 32) - 'a' + 10;
}

static const char *from_quoted(apr_pool_t *pool, const char *s, apr_size_t len)
{
    char *out = apr_palloc(pool, len + 1), *o = out;
    const char *end = s + len;

    while (s < end) {
        if (*s != '=') {
            *o++ = *s++;
        } else if (end - s > 2 && apr_isxdigit(s[1]) && apr_isxdigit(s[2])) {
            *o++ = (char)(hex_digit(s[1]) * 16 + hex_digit(s[2]));
            s += 3;
        } else { /* a soft line break */
            for (++s; s < end && s[-1] != '\n'; ++s) {
            }
        }
    }
    *o = '\0';
    return out;
}

static const char *find_calendar(apr_pool_t *pool, const char *s, apr_size_t len, int depth,
                                 int *parts);

static const char *in_multipart(apr_pool_t *pool, const part_t *part, int depth, int *parts)
{
    const char *mark = apr_pstrcat(pool, "--", part->boundary, NULL);
    apr_size_t n = strlen(mark);
    const char *end = part->body + part->len, *line = part->body, *from = NULL, *found;

    while (line < end) {
        const char *next = memchr(line, '\n', (apr_size_t)(end - line));
        apr_size_t left = (apr_size_t)(end - line);
        next = next ? next + 1 : end;
        if (left >= n && !memcmp(line, mark, n)) {
            if (from) {
                found = find_calendar(pool, from, (apr_size_t)(line - from), depth + 1, parts);
                if (found) {
                    return found;
                }
            }
            from = next;
            if (left >= n + 2 && !memcmp(line + n, "--", 2)) {
                return NULL;
            }
        }
        line = next;
    }
    return NULL; /* no closing line: the message is cut */
}

static const char *find_calendar(apr_pool_t *pool, const char *s, apr_size_t len, int depth,
                                 int *parts)
{
    part_t part;

    if (depth > NESTING_MAX || ++*parts > PARTS_MAX) {
        return NULL;
    }
    read_headers(pool, &part, s, s + len);
    if (!strncmp(part.type, "multipart/", 10)) {
        return part.boundary && *part.boundary ? in_multipart(pool, &part, depth, parts) : NULL;
    }
    if (strcmp(part.type, "text/calendar")) {
        return NULL;
    }
    if (!strcmp(part.encoding, "base64")) {
        return from_base64(pool, part.body, part.len);
    }
    if (!strcmp(part.encoding, "quoted-printable")) {
        return from_quoted(pool, part.body, part.len);
    }
    return apr_pstrmemdup(pool, part.body, part.len);
}

const char *oc_ical_in_message(apr_pool_t *pool, const char *message, apr_size_t len)
{
    const char *found;
    int parts = 0;

    if (len > OC_ICAL_MAX || memchr(message, '\0', len)) {
        return NULL;
    }
    if (len > 15 && !strncasecmp(message, "BEGIN:VCALENDAR", 15)) {
        return apr_pstrmemdup(pool, message, len);
    }
    found = find_calendar(pool, message, len, 0, &parts);
    return found && strlen(found) <= OC_ICAL_MAX ? found : NULL;
}

/* ---- events ---- */

static oc_partstat_t partstat_of(icalproperty *p)
{
    icalparameter *param = icalproperty_get_first_parameter(p, ICAL_PARTSTAT_PARAMETER);

    switch (param ? icalparameter_get_partstat(param) : ICAL_PARTSTAT_NEEDSACTION) {
    case ICAL_PARTSTAT_ACCEPTED:
        return OC_PARTSTAT_ACCEPTED;
    case ICAL_PARTSTAT_DECLINED:
        return OC_PARTSTAT_DECLINED;
    case ICAL_PARTSTAT_TENTATIVE:
        return OC_PARTSTAT_TENTATIVE;
    case ICAL_PARTSTAT_NEEDSACTION:
        return OC_PARTSTAT_NEEDS_ACTION;
    default:
        return OC_PARTSTAT_UNKNOWN;
    }
}

static oc_role_t role_of(icalproperty *p)
{
    icalparameter *param = icalproperty_get_first_parameter(p, ICAL_ROLE_PARAMETER);

    switch (param ? icalparameter_get_role(param) : ICAL_ROLE_REQPARTICIPANT) {
    case ICAL_ROLE_OPTPARTICIPANT:
        return OC_ROLE_OPTIONAL;
    case ICAL_ROLE_NONPARTICIPANT:
        return OC_ROLE_RESOURCE;
    default:
        return OC_ROLE_REQUIRED;
    }
}

static apr_array_header_t *attendees_of(apr_pool_t *pool, icalcomponent *event)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(oc_attendee_t));
    icalproperty *p;

    for (p = icalcomponent_get_first_property(event, ICAL_ATTENDEE_PROPERTY); p;
         p = icalcomponent_get_next_property(event, ICAL_ATTENDEE_PROPERTY)) {
        const char *uri = icalproperty_get_attendee(p);
        icalparameter *cn = icalproperty_get_first_parameter(p, ICAL_CN_PARAMETER);
        oc_attendee_t *a;
        if (!uri || strncasecmp(uri, "mailto:", 7) || !oc_attendee_address_ok(uri + 7)) {
            continue;
        }
        a = apr_array_push(list);
        memset(a, 0, sizeof(*a));
        a->address = apr_pstrdup(pool, uri + 7);
        a->name = cn && icalparameter_get_cn(cn) ? apr_pstrdup(pool, icalparameter_get_cn(cn))
                                                 : NULL;
        a->role = role_of(p);
        a->cutype = a->role == OC_ROLE_RESOURCE ? OC_CUTYPE_ROOM : OC_CUTYPE_INDIVIDUAL;
        a->partstat = partstat_of(p);
    }
    return list;
}

/* Behind a line, and those that go on with it. */
static const char *line_end(const char *s)
{
    do {
        s += strcspn(s, "\n");
        s += *s != '\0';
    } while (*s == ' ' || *s == '\t');
    return s;
}

/* The lines that are looked at below. libical takes seconds for a megabyte of others, and frees
 * components within components by recursion. NULL: even these are too many. */
static const char *needed_lines(apr_pool_t *pool, const char *s)
{
    static const char *const names[] = {"BEGIN", "END", "UID", "RECURRENCE-ID", "ATTENDEE", NULL};
    char *out = apr_palloc(pool, strlen(s) + 1), *o = out;
    const char *end;
    int lines = 0, depth = 0, i;

    for (; *s; s = end) {
        apr_size_t n = strcspn(s, ":;\r\n");

        end = line_end(s);
        for (i = 0; names[i] && (strlen(names[i]) != n || strncasecmp(s, names[i], n)); ++i) {
        }
        if (!names[i]) {
            continue;
        }
        depth += i == 0 ? 1 : i == 1 ? -1 : 0;
        if (++lines > LINES_MAX || depth > DEPTH_MAX || end - s > LINE_BYTES) {
            return NULL;
        }
        memcpy(o, s, (apr_size_t)(end - s));
        o += end - s;
    }
    *o = '\0';
    return out;
}

apr_array_header_t *oc_ical_attendees(apr_pool_t *pool, const char *text, const char *uid)
{
    apr_array_header_t *list = NULL;
    icalcomponent *root, *calendar, *event;

    if (strlen(text) > OC_ICAL_MAX || (text = needed_lines(pool, text)) == NULL ||
        (root = icalparser_parse_string(text)) == NULL) {
        return NULL;
    }
    calendar = icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT
                   ? root : icalcomponent_get_first_component(root, ICAL_VCALENDAR_COMPONENT);
    for (event = calendar ? icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT)
                          : NULL;
         event && !list;
         event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
        const char *its = icalcomponent_get_uid(event);
        if (icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY)
            || (uid && (!its || strcasecmp(its, uid)))) {
            continue;
        }
        list = attendees_of(pool, event);
    }
    icalcomponent_free(root);
    return list;
}

/* ---- writing ---- */

#define PRODUCT     "-//mod_owacal//mod_owacal//EN"
#define AROUND      apr_time_from_sec(366 * 86400)
#define REPLACEMENT "\xEF\xBF\xBD"

/* Bytes of the UTF-8 character at s, 0 if there is none. */
static apr_size_t character(const char *s)
{
    unsigned char c = (unsigned char)*s;
    apr_size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return strnlen(s, n) == n && oc_str_utf8(s, n) ? n : 0;
}

const char *oc_ical_plain(apr_pool_t *pool, const char *s)
{
    char *out = apr_palloc(pool, strlen(s) * 3 + 1), *o = out;

    while (*s) {
        apr_size_t n = character(s);
        if (*s == '\r' || *s == '\n') {
            s += *s == '\r' && s[1] == '\n';
            *o++ = '\n';
            n = 1;
        } else if (*s == '\t') {
            *o++ = ' ';
        } else if (n == 0 || (unsigned char)*s < 0x20 || *s == 0x7f) {
            memcpy(o, REPLACEMENT, 3);
            o += 3;
            n = 1;
        } else {
            memcpy(o, s, n);
            o += n;
        }
        s += n;
    }
    *o = '\0';
    return out;
}

/* A parameter's value has no way to hold quotation marks and line ends that every reader knows; a
 * circumflex begins one that only some know (RFC 6868), and a backslash is taken for one by others,
 * libical among them. */
static const char *parameter_text(apr_pool_t *pool, const char *s)
{
    char *out = apr_pstrdup(pool, oc_ical_plain(pool, s)), *o;

    for (o = out; *o; ++o) {
        *o = *o == '"' || *o == '^' ? '\'' : *o == '\\' ? '/' : *o == '\n' ? ' ' : *o;
    }
    return out;
}

static struct icaltimetype clock_of(const char *zone, apr_time_t t)
{
    struct icaltimetype out = icaltime_null_time();
    oc_local_t l = {1970, 1, 1, 0, 0, 0};

    oc_zone_to_local(zone ? zone : "UTC", t, &l, NULL);
    out.year = l.year;
    out.month = l.month;
    out.day = l.day;
    out.hour = l.hour;
    out.minute = l.minute;
    out.second = l.second;
    if (!zone) {
        out.zone = icaltimezone_get_utc_timezone();
    }
    return out;
}

static void add(icalcomponent *in, icalproperty *p)
{
    if (p) {
        icalcomponent_add_property(in, p);
    }
}

static void add_named(icalcomponent *in, const char *name, const char *value)
{
    icalproperty *p = icalproperty_new_x(value);

    if (p) {
        icalproperty_set_x_name(p, name);
        add(in, p);
    }
}

static void add_time(icalcomponent *in, icalproperty *p, const char *zone)
{
    if (p && zone) {
        icalproperty_add_parameter(p, icalparameter_new_tzid(zone));
    }
    add(in, p);
}

/* Whole days are dates of the place they were meant in. */
static void add_days(icalcomponent *in, const oc_booking_t *b, const char *zone)
{
    const char *where = b->zone ? b->zone : zone ? zone : "UTC";
    struct icaltimetype start = clock_of(where, b->when.start), end = clock_of(where, b->when.end);

    if (end.hour || end.minute || end.second) {
        icaltime_adjust(&end, 1, 0, 0, 0);
    }
    start.is_date = end.is_date = 1;
    start.hour = start.minute = start.second = end.hour = end.minute = end.second = 0;
    if (icaltime_compare(end, start) <= 0) {
        end = start;
        icaltime_adjust(&end, 1, 0, 0, 0);
    }
    add(in, icalproperty_new_dtstart(start));
    add(in, icalproperty_new_dtend(end));
}

static void add_organizer(apr_pool_t *pool, icalcomponent *in, const oc_booking_t *b)
{
    icalproperty *p;

    if (!b->organizer || !oc_attendee_address_ok(b->organizer)) {
        return;
    }
    p = icalproperty_new_organizer(apr_pstrcat(pool, "mailto:", b->organizer, NULL));
    if (p && b->organizer_name && *b->organizer_name) {
        icalproperty_add_parameter(p,
                                   icalparameter_new_cn(parameter_text(pool, b->organizer_name)));
    }
    add(in, p);
}

static icalparameter *answer_parameter(oc_partstat_t answer)
{
    switch (answer) {
    case OC_PARTSTAT_ACCEPTED:
        return icalparameter_new_partstat(ICAL_PARTSTAT_ACCEPTED);
    case OC_PARTSTAT_DECLINED:
        return icalparameter_new_partstat(ICAL_PARTSTAT_DECLINED);
    case OC_PARTSTAT_TENTATIVE:
        return icalparameter_new_partstat(ICAL_PARTSTAT_TENTATIVE);
    default:
        return icalparameter_new_partstat(ICAL_PARTSTAT_NEEDSACTION);
    }
}

static void add_attendee(apr_pool_t *pool, icalcomponent *in, const oc_attendee_t *a)
{
    icalproperty *p;

    if (!a->address || !oc_attendee_address_ok(a->address)) {
        return;
    }
    p = icalproperty_new_attendee(apr_pstrcat(pool, "mailto:", a->address, NULL));
    if (!p) {
        return;
    }
    if (a->role == OC_ROLE_RESOURCE) {
        icalproperty_add_parameter(p, icalparameter_new_cutype(ICAL_CUTYPE_ROOM));
    }
    icalproperty_add_parameter(
        p, icalparameter_new_role(a->role == OC_ROLE_RESOURCE   ? ICAL_ROLE_NONPARTICIPANT
                                  : a->role == OC_ROLE_OPTIONAL ? ICAL_ROLE_OPTPARTICIPANT
                                                                : ICAL_ROLE_REQPARTICIPANT));
    icalproperty_add_parameter(p, answer_parameter(a->partstat));
    if (a->name && *a->name) {
        icalproperty_add_parameter(p, icalparameter_new_cn(parameter_text(pool, a->name)));
    }
    add(in, p);
}

static void add_alarm(icalcomponent *in, const char *text, int minutes)
{
    icalcomponent *alarm = icalcomponent_new_valarm();
    struct icaltriggertype trigger;

    if (!alarm) {
        return;
    }
    trigger = icaltriggertype_from_int(-minutes * 60);
    add(alarm, icalproperty_new_action(ICAL_ACTION_DISPLAY));
    add(alarm, icalproperty_new_description(text));
    add(alarm, icalproperty_new_trigger(trigger));
    icalcomponent_add_component(in, alarm);
}

static void add_states(icalcomponent *in, const oc_booking_t *b)
{
    static const char *const names[] = {"FREE", "TENTATIVE", "BUSY", "OOF", NULL};
    int soft = b->busy == OC_BUSY_TENTATIVE || b->busy == OC_BUSY_UNKNOWN;

    add(in, icalproperty_new_status(b->cancelled ? ICAL_STATUS_CANCELLED
                                    : soft       ? ICAL_STATUS_TENTATIVE
                                                 : ICAL_STATUS_CONFIRMED));
    add(in, icalproperty_new_transp(b->busy == OC_BUSY_FREE || b->busy == OC_BUSY_UNKNOWN
                                        ? ICAL_TRANSP_TRANSPARENT
                                        : ICAL_TRANSP_OPAQUE));
    if (b->busy <= OC_BUSY_OOF) {
        add_named(in, "X-MICROSOFT-CDO-BUSYSTATUS", names[b->busy]);
    }
    if (b->sensitivity != OC_SENSITIVITY_NORMAL) {
        add(in, icalproperty_new_class(b->sensitivity == OC_SENSITIVITY_CONFIDENTIAL
                                           ? ICAL_CLASS_CONFIDENTIAL
                                           : ICAL_CLASS_PRIVATE));
    }
}

/* DTSTAMP is, without a METHOD, when the event was last written (RFC 5545, 3.8.7.2). */
static void add_stamps(icalcomponent *in, const oc_booking_t *b, apr_time_t otherwise)
{
    apr_time_t written = b->modified  ? b->modified
                         : b->stamp   ? b->stamp
                         : b->created ? b->created
                                      : otherwise;

    add(in, icalproperty_new_dtstamp(clock_of(NULL, written)));
    if (b->created) {
        add(in, icalproperty_new_created(clock_of(NULL, b->created)));
    }
    if (b->modified) {
        add(in, icalproperty_new_lastmodified(clock_of(NULL, b->modified)));
    }
    add(in, icalproperty_new_sequence(b->sequence));
}

static icalcomponent *event_of(apr_pool_t *pool, const oc_ical_calendar_t *c, const char *zone,
                               const oc_booking_t *b)
{
    icalcomponent *event = icalcomponent_new_vevent();
    const char *subject = oc_ical_plain(pool, b->subject ? b->subject : "");

    if (!event) {
        return NULL;
    }
    add(event, icalproperty_new_uid(oc_ical_plain(pool, b->uid)));
    add_stamps(event, b, c->stamp);
    if (b->all_day) {
        add_days(event, b, c->zone);
    } else {
        add_time(event, icalproperty_new_dtstart(clock_of(zone, b->when.start)), zone);
        if (b->when.end > b->when.start) {
            add_time(event, icalproperty_new_dtend(clock_of(zone, b->when.end)), zone);
        }
    }
    if (*subject) {
        add(event, icalproperty_new_summary(subject));
    }
    if (b->location && *b->location) {
        add(event, icalproperty_new_location(oc_ical_plain(pool, b->location)));
    }
    if (b->text && *b->text) {
        add(event, icalproperty_new_description(oc_ical_plain(pool, b->text)));
    }
    add_states(event, b);
    add_organizer(pool, event, b);
    for (int i = 0; i < b->attendees->nelts; ++i) {
        add_attendee(pool, event, &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t));
    }
    if (b->reminder >= 0 && b->reminder <= REMINDER_MAX) {
        add_alarm(event, *subject ? subject : "-", b->reminder);
    }
    return event;
}

/* What the clocks do from a year before the events to a year after them, each change by itself:
 * what comes later is not said, and need not be. The years around are for readers that want to see
 * both kinds of time, or look at what an event is moved to. */
static icalcomponent *zone_of(apr_pool_t *pool, const oc_ical_calendar_t *c, const char *zone)
{
    icalcomponent *out = icalcomponent_new_vtimezone();
    apr_time_t from = 0, to = 0;
    apr_array_header_t *shifts;

    for (int i = 0; i < c->events->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(c->events, i, const oc_booking_t *);
        from = i == 0 || b->when.start < from ? b->when.start : from;
        to = i == 0 || b->when.end > to ? b->when.end : to;
    }
    shifts = oc_zone_shifts(pool, zone, from - AROUND, to + AROUND);
    add(out, icalproperty_new_tzid(zone));
    for (int i = 0; i < shifts->nelts; ++i) {
        const oc_zone_shift_t *s = &APR_ARRAY_IDX(shifts, i, oc_zone_shift_t);
        icalcomponent *part =
            s->dst ? icalcomponent_new_xdaylight() : icalcomponent_new_xstandard();
        struct icaltimetype at = clock_of("UTC", s->at ? s->at + apr_time_from_sec(s->before) : 0);
        add(part, icalproperty_new_dtstart(at));
        add(part, icalproperty_new_tzoffsetfrom(s->before));
        add(part, icalproperty_new_tzoffsetto(s->after));
        icalcomponent_add_component(out, part);
    }
    return out;
}

/* NAME is the standard's (RFC 7986); what programs read is the other, in which libical escapes
 * neither comma nor semicolon. */
static void add_name(apr_pool_t *pool, icalcomponent *root, const char *name)
{
    char *label = apr_pstrdup(pool, oc_ical_plain(pool, name)), *o;

    add(root, icalproperty_new_name(label));
    for (o = label; *o; ++o) {
        *o = *o == ',' || *o == ';' ? ' ' : *o;
    }
    add_named(root, "X-WR-CALNAME", label);
}

#define LINE_MAX_BYTES 75

/* The same lines, folded anew between characters: libical 3.0.16 folds a line that ends at its
 * limit between CR and LF. Taking its folds out mends that as well. */
static const char *folded(apr_pool_t *pool, const char *s)
{
    char *out = apr_palloc(pool, strlen(s) * 2 + 1), *o = out;
    apr_size_t used = 0;

    while (*s) {
        apr_size_t n = character(s);
        if (!strncmp(s, "\r\n ", 3)) {
            s += 3;
            continue;
        }
        n = n ? n : 1;
        if (*s == '\r' || *s == '\n') {
            used = 0;
        } else if (used + n > LINE_MAX_BYTES) {
            memcpy(o, "\r\n ", 3);
            o += 3;
            used = 1 + n;
        } else {
            used += n;
        }
        memcpy(o, s, n);
        o += n;
        s += n;
    }
    *o = '\0';
    return out;
}

const char *oc_ical_write(apr_pool_t *pool, const oc_ical_calendar_t *calendar)
{
    icalcomponent *root = icalcomponent_new_vcalendar();
    const char *zone = calendar->zone, *text = NULL;
    char *written;

    if (!root) {
        return NULL;
    }
    if (zone && (!strcmp(zone, "UTC") || !strcmp(zone, "Etc/UTC") || !oc_zone_known(zone))) {
        zone = NULL;
    }
    add(root, icalproperty_new_version("2.0"));
    add(root, icalproperty_new_prodid(PRODUCT));
    if (calendar->name) {
        add_name(pool, root, calendar->name);
    }
    if (zone && calendar->events->nelts > 0) {
        icalcomponent_add_component(root, zone_of(pool, calendar, zone));
    }
    for (int i = 0; i < calendar->events->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(calendar->events, i, const oc_booking_t *);
        icalcomponent *event = event_of(pool, calendar, zone, b);
        if (event) {
            icalcomponent_add_component(root, event);
        }
    }
    written = icalcomponent_as_ical_string_r(root);
    if (written) {
        text = folded(pool, written);
        icalmemory_free_buffer(written);
    }
    icalcomponent_free(root);
    return text;
}
