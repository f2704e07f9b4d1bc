/* Any texts in every place of an event: the calendar that is written reads back as one event, which
 * says what was meant, neither less nor more, in lines that any program takes. */
#include "fuzz.h"
#include "wire/ical.h"

/* The lines with their folds undone; what was folded is held to its bounds. */
static char *unfold(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, strlen(text) + 1), *o = out;

    while (*text) {
        const char *end = strstr(text, "\r\n");
        must(end && end - text <= 75);
        for (; text < end; ++text) {
            must((unsigned char)*text >= 0x20 && *text != 0x7f);
            *o++ = *text;
        }
        text += 2;
        if (*text == ' ') {
            ++text;
        } else {
            *o++ = '\n';
        }
    }
    *o = '\0';
    return out;
}

/* The value of a property that must stand once, or not at all (NULL), unescaped. */
static const char *value_of(apr_pool_t *pool, const char *lines, const char *name)
{
    const char *at = strstr(lines, apr_pstrcat(pool, "\n", name, ":", NULL));
    char *out, *o;

    if (!at) {
        return NULL;
    }
    at += strlen(name) + 2;
    must(!strstr(at, apr_pstrcat(pool, "\n", name, ":", NULL)));
    out = o = apr_palloc(pool, strcspn(at, "\n") + 1);
    for (; *at != '\n'; ++at) {
        if (*at == '\\') {
            ++at;
            must(strchr("\\;,nN\"", *at) && *at);
            *o++ = *at == 'n' || *at == 'N' ? '\n' : *at;
        } else {
            must(!strchr(";,", *at));
            *o++ = *at;
        }
    }
    *o = '\0';
    return out;
}

static void same(apr_pool_t *pool, const char *lines, const char *name, const char *text)
{
    const char *value = value_of(pool, lines, name);

    must(*text ? value && !strcmp(value, oc_ical_plain(pool, text)) : !value);
}

static int times(const char *lines, const char *what)
{
    int n = 0;

    for (; (lines = strstr(lines, what)); ++lines) {
        ++n;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const zones[] = {NULL, "Europe/Budapest", "UTC", "America/St_Johns"};
    const char *text[6], *out, *lines, *again;
    apr_array_header_t *events, *people;
    oc_ical_calendar_t calendar = {NULL, NULL, NULL, 0};
    oc_booking_t *b;
    oc_attendee_t *a;
    apr_pool_t *pool;
    uint32_t hours = 0;
    size_t i;

    if (size < 6) {
        return 0;
    }
    apr_pool_create(&pool, NULL);
    b = oc_booking_create(pool);
    calendar.zone = zones[data[0] & 3];
    b->all_day = data[0] >> 2 & 1;
    b->busy = (oc_busy_t)(data[1] % 5);
    b->sensitivity = (oc_sensitivity_t)(data[1] >> 4 & 3);
    b->cancelled = data[1] >> 7;
    memcpy(&hours, data + 2, 3);
    b->when.start = apr_time_from_sec((apr_time_t)(hours % 2000000) * 3600);
    b->when.end = b->when.start + apr_time_from_sec(60) * data[5];
    b->reminder = data[5] & 1 ? data[5] : -1;
    data += 6;
    size -= 6;
    for (i = 0; i < 6; ++i) { /* texts end with a NUL, the last with the input */
        size_t n = size ? strnlen((const char *)data, size) : 0;
        text[i] = apr_pstrmemdup(pool, (const char *)data, n);
        data += n < size ? n + 1 : n;
        size -= n < size ? n + 1 : n;
    }
    b->uid = apr_pstrcat(pool, "u", text[0], NULL);
    b->subject = text[1];
    b->location = text[2];
    b->text = text[3];
    calendar.name = apr_pstrcat(pool, "n", text[4], NULL);
    b->organizer = "ana@ex.example";
    b->organizer_name = text[5];
    a = apr_array_push(b->attendees);
    memset(a, 0, sizeof(*a));
    a->address = "bo@ex.example";
    a->name = text[5];
    events = apr_array_make(pool, 1, sizeof(oc_booking_t *));
    APR_ARRAY_PUSH(events, oc_booking_t *) = b;
    calendar.events = events;

    out = oc_ical_write(pool, &calendar);
    must(out && oc_str_utf8(out, strlen(out)));
    lines = apr_pstrcat(pool, "\n", unfold(pool, out), NULL);
    must(times(lines, "\nBEGIN:VEVENT\n") == 1 && times(lines, "\nEND:VCALENDAR\n") == 1);
    same(pool, lines, "UID", b->uid);
    same(pool, lines, "SUMMARY", b->subject);
    same(pool, lines, "LOCATION", b->location);
    same(pool, lines, "NAME", calendar.name);
    must(value_of(pool, lines, "X-WR-CALNAME"));
    if (b->reminder < 0) { /* an alarm has one, too */
        same(pool, lines, "DESCRIPTION", b->text);
    }
    if (strlen(out) < OC_ICAL_MAX) {
        people = oc_ical_attendees(pool, out, NULL);
        must(people && people->nelts == 1);
        must(!strcmp(APR_ARRAY_IDX(people, 0, oc_attendee_t).address, "bo@ex.example"));
    }
    again = oc_ical_write(pool, &calendar);
    must(!strcmp(out, again));
    apr_pool_destroy(pool);
    return 0;
}
