/* ical.c - the calendar part of a message, and what an event says of its attendees. */
#include <string.h>
#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <libical/ical.h>

#include "base/str.h"
#include "wire/ical.h"

#define PARTS_MAX 64
#define NESTING_MAX 4

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

apr_array_header_t *oc_ical_attendees(apr_pool_t *pool, const char *text, const char *uid)
{
    apr_array_header_t *list = NULL;
    icalcomponent *root, *calendar, *event;

    if (strlen(text) > OC_ICAL_MAX || (root = icalparser_parse_string(text)) == NULL) {
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
