/* mimeout.c - an item as the MIME message that GET with Translate: f reads.
 *
 * An item that was PUT keeps its stream; one made by PROPPATCH is converted on the fly. A meeting
 * whose attendees have answered is always converted, so that a client finds their PARTSTAT (the
 * published way to read answers, e.g. Glen Scales' attstatuswebdav script). */

#include "mime.h"
#include "entry.h"

#include <stdlib.h>
#include <string.h>

#include <apr_encode.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define FOLD 73
#define DEFAULT_ZONE 4          /* Berlin, Rome, Vienna */

/* ---- zones ---- */

/* CDO ids (SDK, CdoTimeZoneId) with the offsets and the rule of daylight time as the server of 2003
 * knew them: US rules before 2007, European ones as today. Minutes east of Greenwich. */
static const struct {
    int id, offset;
    enum { FIXED, EUROPE, US, SOUTH } rule;
    const char *name;
} zones[] = {
    { 0, 0, FIXED, "UTC" }, { 1, 0, EUROPE, "London, Dublin" }, { 2, 60, EUROPE, "Warsaw" },
    { 3, 60, EUROPE, "Paris, Madrid" }, { 4, 60, EUROPE, "Berlin, Rome, Vienna" },
    { 5, 120, EUROPE, "Eastern Europe" }, { 6, 60, EUROPE, "Prague, Budapest" },
    { 7, 120, EUROPE, "Athens" }, { 8, -180, FIXED, "Brasilia" }, { 9, -240, US, "Atlantic" },
    { 10, -300, US, "Eastern" }, { 11, -360, US, "Central" }, { 12, -420, US, "Mountain" },
    { 13, -480, US, "Pacific" }, { 14, -540, US, "Alaska" }, { 15, -600, FIXED, "Hawaii" },
    { 17, 720, SOUTH, "Wellington" }, { 18, 600, FIXED, "Brisbane" }, { 20, 540, FIXED, "Tokyo" },
    { 21, 480, FIXED, "Singapore" }, { 22, 420, FIXED, "Bangkok" }, { 23, 330, FIXED, "India" },
    { 24, 240, FIXED, "Abu Dhabi" }, { 31, 0, FIXED, "Reykjavik" }, { 34, -300, FIXED, "Indiana" },
    { 38, -420, FIXED, "Arizona" }, { 45, 480, FIXED, "Beijing" }, { 51, 180, EUROPE, "Moscow" },
    { 59, 120, EUROPE, "Helsinki, Kyiv" },
};

static const char *offset_text(apr_pool_t *p, int minutes)
{
    return apr_psprintf(p, "%c%02d%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60,
                        abs(minutes) % 60);
}

const char *sim_ical_zone(apr_pool_t *p, int cdo_id)
{
    static const struct { const char *to_standard, *to_daylight; } rules[] = {
        { NULL, NULL },
        { "DTSTART:16010101T030000\r\nRRULE:FREQ=YEARLY;WKST=MO;INTERVAL=1;BYMONTH=10;BYDAY=-1SU",
          "DTSTART:16010101T020000\r\nRRULE:FREQ=YEARLY;WKST=MO;INTERVAL=1;BYMONTH=3;BYDAY=-1SU" },
        { "DTSTART:16010101T020000\r\nRRULE:FREQ=YEARLY;WKST=MO;INTERVAL=1;BYMONTH=10;BYDAY=-1SU",
          "DTSTART:16010101T020000\r\nRRULE:FREQ=YEARLY;WKST=MO;INTERVAL=1;BYMONTH=4;BYDAY=1SU" },
        { "DTSTART:16010101T030000\r\nRRULE:FREQ=YEARLY;WKST=MO;INTERVAL=1;BYMONTH=3;BYDAY=3SU",
          "DTSTART:16010101T020000\r\nRRULE:FREQ=YEARLY;WKST=MO;INTERVAL=1;BYMONTH=10;BYDAY=1SU" },
    };
    size_t i;

    for (i = 0; i < sizeof(zones) / sizeof(zones[0]) && zones[i].id != cdo_id; i++)
        ;
    if (i == sizeof(zones) / sizeof(zones[0]))
        return NULL;
    return apr_pstrcat(
        p, "BEGIN:VTIMEZONE\r\nTZID:", zones[i].name, "\r\nX-MICROSOFT-CDO-TZID:",
        apr_itoa(p, cdo_id), "\r\nBEGIN:STANDARD\r\n",
        zones[i].rule ? rules[zones[i].rule].to_standard : "DTSTART:16010101T000000",
        "\r\nTZOFFSETFROM:", offset_text(p, zones[i].offset + (zones[i].rule ? 60 : 0)),
        "\r\nTZOFFSETTO:", offset_text(p, zones[i].offset), "\r\nEND:STANDARD\r\n",
        zones[i].rule ? apr_pstrcat(p, "BEGIN:DAYLIGHT\r\n", rules[zones[i].rule].to_daylight,
                                    "\r\nTZOFFSETFROM:", offset_text(p, zones[i].offset),
                                    "\r\nTZOFFSETTO:", offset_text(p, zones[i].offset + 60),
                                    "\r\nEND:DAYLIGHT\r\n", NULL) : "",
        "END:VTIMEZONE\r\n", NULL);
}

/* ---- calendar lines ---- */

/* One content line, folded at 75 octets without splitting a character. */
static void line(sim_buf_t *b, const char *text)
{
    apr_size_t n = strlen(text), room = FOLD;

    while (n > room) {
        apr_size_t cut = room;

        while (cut > 1 && ((unsigned char)text[cut] & 0xc0) == 0x80)
            cut--;
        sim_buf_add(b, text, cut);
        sim_buf_puts(b, "\r\n ");
        text += cut;
        n -= cut;
        room = FOLD - 1;
    }
    sim_buf_puts(b, text);
    sim_buf_puts(b, "\r\n");
}

static void line_text(sim_req_t *q, sim_buf_t *b, const char *name, const char *value)
{
    sim_buf_t *v;

    if (!value || !*value)
        return;
    v = sim_buf_make(q->p);
    sim_buf_printf(v, "%s:", name);
    for (; *value; value++) {
        if (strchr("\\,;", *value))
            sim_buf_printf(v, "\\%c", *value);
        else if (*value == '\n')
            sim_buf_puts(v, "\\n");
        else if ((unsigned char)*value >= 0x20 || *value == '\t')
            sim_buf_add(v, value, 1);
    }
    line(b, v->data);
}

static void line_time(sim_req_t *q, sim_buf_t *b, const char *name, const char *value)
{
    apr_time_exp_t t;
    apr_time_t at;

    if (!value || !sim_time_parse(value, 0, &at))
        return;
    apr_time_exp_gmt(&t, at);
    line(b, apr_psprintf(q->p, "%s:%04d%02d%02dT%02d%02d%02dZ", name, t.tm_year + 1900,
                         t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec));
}

/* A name in a parameter: quotes and controls cannot be written there. */
static const char *param(apr_pool_t *p, const char *value)
{
    char *out = apr_pstrdup(p, value), *o;

    for (o = out; *o; o++)
        if (*o == '"' || (unsigned char)*o < 0x20)
            *o = '\'';
    return out;
}

static void line_attendee(sim_req_t *q, sim_buf_t *b, const sim_attendee_t *a)
{
    static const char *const stat[] = { "NEEDS-ACTION", "ACCEPTED", "TENTATIVE", "ACCEPTED",
                                        "DECLINED", "NEEDS-ACTION" };
    static const char *const role[] = { "REQ-PARTICIPANT", "OPT-PARTICIPANT", "NON-PARTICIPANT" };

    line(b, apr_psprintf(q->p, "ATTENDEE;ROLE=%s;PARTSTAT=%s;%sRSVP=TRUE;CN=\"%s\":MAILTO:%s",
                         role[a->role], stat[a->answer],
                         a->role == SIM_ROLE_BCC ? "CUTYPE=RESOURCE;" : "",
                         param(q->p, a->name ? a->name : a->address), param(q->p, a->address)));
}

static const char *method_of(const sim_item_t *item)
{
    const char *class = sim_get_or(item, SIM_NS_EXCHANGE, "outlookmessageclass", "");

    if (strncmp(class, "IPM.Schedule.Meeting.", 21) == 0) {
        class += 21;
        return strcmp(class, "Canceled") == 0 ? "CANCEL" : strncmp(class, "Resp.", 5) == 0 ? "REPLY"
            : "REQUEST";
    }
    return item->nattendees ? "REQUEST" : "PUBLISH";
}

static void add_event(sim_req_t *q, sim_buf_t *b, const sim_item_t *item)
{
    static const char *const busy[][2] = { { "FREE", "FREE" }, { "TENTATIVE", "TENTATIVE" },
                                           { "BUSY", "BUSY" }, { "OUTOFOFFICE", "OOF" } };
    const char *status = sim_get_or(item, SIM_NS_CAL, "busystatus", "BUSY"), *organizer;
    const char *offset = sim_get(item, SIM_NS_CAL, "reminderoffset");
    const char *sensitivity = sim_get_or(item, SIM_NS_EXCHANGE, "sensitivity", "0");
    const char *instance = sim_get_or(item, SIM_NS_CAL, "instancetype", "0");
    int all_day = strcmp(sim_get_or(item, SIM_NS_CAL, "alldayevent", "0"), "1") == 0;
    const char *stamp = sim_get(item, SIM_NS_CAL, "dtstamp");
    static const char *const dates[][2] = { { "exdate", "EXDATE" }, { "rdate", "RDATE" } };
    const sim_prop_t *prop;
    sim_address_t *who;
    int i, k;

    sim_buf_puts(b, "BEGIN:VEVENT\r\n");
    line_time(q, b, "DTSTAMP", stamp ? stamp : sim_time_text(q->p, item->modified));
    line_time(q, b, "DTSTART", sim_get(item, SIM_NS_CAL, "dtstart"));
    line_time(q, b, "DTEND", sim_get(item, SIM_NS_CAL, "dtend"));
    line_text(q, b, "SUMMARY", sim_get(item, SIM_NS_MAIL, "subject"));
    line_text(q, b, "UID", sim_get(item, SIM_NS_CAL, "uid"));
    organizer = sim_get(item, SIM_NS_CAL, "organizer");
    if (organizer && sim_addresses(q->p, organizer, &who) > 0)
        line(b, apr_psprintf(q->p, "ORGANIZER;CN=\"%s\":MAILTO:%s",
                             param(q->p, who->name ? who->name : who->address),
                             param(q->p, who->address)));
    for (i = 0; i < item->nattendees; i++)
        line_attendee(q, b, &item->attendees[i]);
    line_text(q, b, "LOCATION", sim_get(item, SIM_NS_CAL, "location"));
    line_text(q, b, "DESCRIPTION", sim_get(item, SIM_NS_MAIL, "textdescription"));
    prop = sim_prop(item, sim_name(SIM_NS_CAL, "rrule"));
    for (i = 0; prop && i < prop->n; i++)
        line(b, apr_pstrcat(q->p, "RRULE:", prop->values[i], NULL));
    for (k = 0; k < 2; k++) {
        prop = sim_prop(item, sim_name(SIM_NS_CAL, dates[k][0]));
        for (i = 0; prop && i < prop->n; i++)
            line_time(q, b, dates[k][1], prop->values[i]);
    }
    line_time(q, b, "RECURRENCE-ID", sim_get(item, SIM_NS_CAL, "recurrenceid"));
    line(b, apr_pstrcat(q->p, "SEQUENCE:", sim_get_or(item, SIM_NS_CAL, "sequence", "0"), NULL));
    line(b, "PRIORITY:5");
    line(b, *sensitivity == '2' ? "CLASS:PRIVATE" : *sensitivity == '3' ? "CLASS:CONFIDENTIAL"
         : "CLASS:");
    line(b, apr_pstrcat(q->p, "STATUS:", sim_get_or(item, SIM_NS_CAL, "meetingstatus", "CONFIRMED"),
                        NULL));
    line(b, strcmp(status, "FREE") == 0 ? "TRANSP:TRANSPARENT" : "TRANSP:OPAQUE");
    for (i = 0; i < 4; i++)
        if (strcmp(status, busy[i][0]) == 0)
            line(b, apr_pstrcat(q->p, "X-MICROSOFT-CDO-BUSYSTATUS:", busy[i][1], NULL));
    line(b, apr_pstrcat(q->p, "X-MICROSOFT-CDO-INSTTYPE:", instance, NULL));
    line(b, all_day ? "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE" : "X-MICROSOFT-CDO-ALLDAYEVENT:FALSE");
    line(b, "X-MICROSOFT-CDO-IMPORTANCE:1");
    line_time(q, b, "CREATED", sim_time_text(q->p, item->created));
    line_time(q, b, "LAST-MODIFIED", sim_time_text(q->p, item->modified));
    if (offset && atol(offset) >= 0)
        sim_buf_printf(b, "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:REMINDER\r\n"
                       "TRIGGER;RELATED=START:-PT%ldM\r\nEND:VALARM\r\n", atol(offset) / 60);
    sim_buf_puts(b, "END:VEVENT\r\n");
}

/* ---- message ---- */

static int ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            return 0;
    return 1;
}

/* A header line; text that is not ASCII becomes encoded words of whole characters. */
static void header(sim_req_t *q, sim_buf_t *b, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    if (ascii(value)) {
        sim_buf_printf(b, "%s: %s\r\n", name, value);
        return;
    }
    sim_buf_printf(b, "%s:", name);
    while (*value) {
        apr_size_t n = strlen(value), cut = n < 42 ? n : 42;

        while (cut < n && cut > 1 && ((unsigned char)value[cut] & 0xc0) == 0x80)
            cut--;
        sim_buf_printf(b, " =?utf-8?B?%s?=\r\n",
                       apr_pencode_base64(q->p, value, cut, APR_ENCODE_NONE, NULL));
        value += cut;
    }
}

static int is_calendar(const sim_item_t *item)
{
    const char *class = sim_get_or(item, SIM_NS_DAV, "contentclass", "");

    return (strcmp(class, SIM_CLASS_APPOINTMENT) == 0 || strcmp(class, SIM_CLASS_CALMESSAGE) == 0)
        && sim_get(item, SIM_NS_CAL, "dtstart");
}

static int somebody_answered(const sim_item_t *item)
{
    int i;

    for (i = 0; i < item->nattendees; i++)
        if (item->attendees[i].answer != SIM_ANSWER_NONE
            && item->attendees[i].answer != SIM_ANSWER_NOT_RESPONDED)
            return 1;
    return 0;
}

static void add_text(sim_req_t *q, sim_buf_t *b, const sim_item_t *item)
{
    const char *html = sim_get(item, SIM_NS_MAIL, "htmldescription");
    const char *text = sim_get(item, SIM_NS_MAIL, "textdescription");
    const char *body = text ? text : html ? html : "";
    const char *coded = apr_pencode_base64(q->p, body, strlen(body), APR_ENCODE_NONE, NULL);
    apr_size_t n = strlen(coded), at;

    sim_buf_printf(b, "Content-Type: text/%s; charset=\"utf-8\"\r\n"
                   "Content-Transfer-Encoding: base64\r\n\r\n", text || !html ? "plain" : "html");
    for (at = 0; at < n; at += 76) {
        sim_buf_add(b, coded + at, n - at < 76 ? n - at : 76);
        sim_buf_puts(b, "\r\n");
    }
}

const char *sim_mime_stream(sim_req_t *q, const sim_item_t *item, apr_size_t *len)
{
    const char *zone = sim_get(item, SIM_NS_CAL, "timezone"), *method, *class;
    const char *boundary = apr_psprintf(q->p, "----_=_NextPart_%lu_%lu", item->id, item->revision);
    char date[APR_RFC822_DATE_LEN];
    sim_buf_t *b;

    if (item->stream && !somebody_answered(item)) {
        *len = item->stream_len;
        return apr_pmemdup(q->p, item->stream, item->stream_len + 1);
    }
    b = sim_buf_make(q->p);
    apr_rfc822_date(date, item->created);
    class = sim_get_or(item, SIM_NS_DAV, "contentclass", SIM_CLASS_MESSAGE);
    header(q, b, "Content-class", class);
    header(q, b, "From", sim_get_or(item, SIM_NS_HEADER, "from",
                                     sim_get(item, SIM_NS_CAL, "organizer")));
    header(q, b, "To", sim_get(item, SIM_NS_HEADER, "to"));
    header(q, b, "Cc", sim_get(item, SIM_NS_HEADER, "cc"));
    header(q, b, "Subject", sim_get(item, SIM_NS_MAIL, "subject"));
    sim_buf_printf(b, "Date: %s\r\n", date);
    header(q, b, "Message-ID", sim_get_or(item, SIM_NS_HEADER, "message-id",
                                           apr_psprintf(q->p, "<%lu.%lu@exchange.example.test>",
                                                        item->id, item->revision)));
    sim_buf_puts(b, "MIME-Version: 1.0\r\n");
    if (!is_calendar(item)) {
        add_text(q, b, item);
        *len = b->len;
        return b->data;
    }
    if (!zone)
        zone = sim_ical_zone(q->p, atoi(sim_get_or(item, SIM_NS_CAL, "timezoneid", "-1")));
    if (!zone)
        zone = sim_ical_zone(q->p, DEFAULT_ZONE);
    method = method_of(item);
    sim_buf_printf(b, "Content-Type: multipart/alternative;\r\n\tboundary=\"%s\"\r\n\r\n--%s\r\n",
                   boundary, boundary);
    add_text(q, b, item);
    sim_buf_printf(b, "\r\n--%s\r\nContent-class: %s\r\nContent-Type: text/calendar;\r\n\t"
                   "method=%s; name=\"meeting.ics\"; charset=\"utf-8\"\r\n"
                   "Content-Transfer-Encoding: 8bit\r\n\r\n", boundary, class, method);
    sim_buf_printf(b, "BEGIN:VCALENDAR\r\nMETHOD:%s\r\nPRODID:Microsoft CDO for Microsoft Exchange"
                   "\r\nVERSION:2.0\r\n", method);
    sim_buf_puts(b, zone);
    add_event(q, b, item);
    sim_buf_printf(b, "END:VCALENDAR\r\n\r\n--%s--\r\n", boundary);
    *len = b->len;
    return b->data;
}
