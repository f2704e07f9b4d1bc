/* compose.c - the property sets of an appointment and of the messages about it.
 *
 * Which properties, and their values: KB 308373 with the clients built on it, and the Exchange
 * SDK's list for appointments. A meeting is tied together by one value in three properties: Outlook
 * Web Access compares urn:schemas:calendar:uid, Outlook online the global object id 0x3, Outlook in
 * cached mode the clean one, 0x23, which the server never fills in (H. Krause, 2007).
 */
#include "backend/owa2003/write.h"
#include "base/str.h"
#include "cal/zone.h"

#include <apr_strings.h>
#include <string.h>

enum { SHOWN_FREE = 0, SHOWN_TENTATIVE = 1, SHOWN_BUSY = 2, SHOWN_OOF = 3 };

static void put(apr_array_header_t *set, int prop, const char *value)
{
    oc_dav_set_t *s = apr_array_push(set);
    s->prop = prop;
    s->value = value;
}

static void put_int(apr_array_header_t *set, int prop, int n)
{
    put(set, prop, oc_dav_value_int(set->pool, n));
}

static void put_bool(apr_array_header_t *set, int prop, int b)
{
    put(set, prop, oc_dav_value_bool(b));
}

/* An absent value is left out of a new item, and removed from one that stands. */
static void put_maybe(apr_array_header_t *set, int prop, const char *value, int creating)
{
    if (value && *value) {
        put(set, prop, value);
    } else if (!creating) {
        put(set, prop, NULL);
    }
}

const char *owa_compose_list(apr_pool_t *pool, const apr_array_header_t *people, oc_role_t role)
{
    apr_array_header_t *list = apr_array_make(pool, 8, sizeof(const char *));
    for (int i = 0; i < people->nelts; i++) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(people, i, oc_attendee_t);
        if (a->role == role) {
            APR_ARRAY_PUSH(list, const char *) = a->address;
        }
    }
    return list->nelts ? apr_array_pstrcat(pool, list, ',') : NULL;
}

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* was: who was there before, of whom only lists that change are written; NULL: all are. */
static void put_people(apr_array_header_t *set, const apr_array_header_t *people,
                       const apr_array_header_t *was, int creating)
{
    static const int lists[] = {OWA_P_TO, OWA_P_CC, OWA_P_BCC};
    static const oc_role_t roles[] = {OC_ROLE_REQUIRED, OC_ROLE_OPTIONAL, OC_ROLE_RESOURCE};

    for (int i = 0; i < 3; i++) {
        const char *now = owa_compose_list(set->pool, people, roles[i]);
        if (!was || !same(now, owa_compose_list(set->pool, was, roles[i]))) {
            put_maybe(set, lists[i], now, creating);
        }
    }
}

static void put_times(apr_array_header_t *set, const oc_booking_t *b)
{
    int zone = b->zone ? oc_zone_cdo(b->zone) : 0;
    put(set, OWA_P_DTSTART, oc_zone_print_dav(set->pool, b->when.start));
    put(set, OWA_P_DTEND, oc_zone_print_dav(set->pool, b->when.end));
    put_bool(set, OWA_P_ALLDAY, b->all_day);
    if (zone >= 0) {
        put_int(set, OWA_P_TIMEZONEID, zone);
    }
}

static void put_identity(apr_array_header_t *set, const oc_booking_t *b)
{
    const char *goid = owa_goid(set->pool, b->uid);
    put(set, OWA_P_UID, b->uid);
    if (goid) {
        put(set, OWA_P_GOID, goid);
        put(set, OWA_P_CLEAN_GOID, goid);
    }
}

apr_array_header_t *owa_compose_item(apr_pool_t *pool, const oc_booking_t *b,
                                     const oc_booking_t *was)
{
    apr_array_header_t *set = apr_array_make(pool, 32, sizeof(oc_dav_set_t));
    int meeting = b->attendees->nelts > 0, creating = !was;
    int was_meeting = was && was->attendees->nelts > 0;

    if (creating) {
        put(set, OWA_P_CONTENTCLASS, OWA_CC_APPOINTMENT);
        put(set, OWA_P_CLASS, OWA_CLASS_APPOINTMENT);
        put_identity(set, b);
        put_int(set, OWA_P_INSTANCETYPE, 0);
        put(set, OWA_P_MEETINGSTATUS, "CONFIRMED");
    }
    put_maybe(set, OWA_P_SUBJECT, b->subject, creating);
    put_maybe(set, OWA_P_TEXT, b->text, creating);
    put_maybe(set, OWA_P_LOCATION, b->location, creating);
    put_times(set, b);
    put(set, OWA_P_BUSYSTATUS, owa_busystatus(b->busy));
    put_int(set, OWA_P_SENSITIVITY, (int)b->sensitivity);
    put_int(set, OWA_P_SEQUENCE, b->sequence);
    put_bool(set, OWA_P_REMINDERSET, b->reminder >= 0);
    if (b->reminder >= 0) { /* the one counts in seconds, the other in minutes */
        put_int(set, OWA_P_REMINDEROFFSET, b->reminder * 60);
        put_int(set, OWA_P_REMINDERDELTA, b->reminder);
    }
    if (creating || b->mark) {
        put(set, OWA_P_PRODID, owa_prodid(pool, b->mark));
    }
    put_people(set, b->attendees, was ? was->attendees : NULL, creating);
    if (meeting) {
        put_bool(set, OWA_P_RESPONSEREQUESTED, 1);
        put_int(set, OWA_P_RESPONSESTATUS, 1); /* organized */
    }
    if (meeting || was_meeting) { /* makes it a meeting in the eyes of OWA, or no longer one */
        put_bool(set, OWA_P_FINVITED, meeting);
        put_int(set, OWA_P_APPTSTATEFLAGS, meeting);
    }
    return set;
}

static int shown(oc_busy_t busy)
{
    return busy == OC_BUSY_FREE        ? SHOWN_FREE
           : busy == OC_BUSY_TENTATIVE ? SHOWN_TENTATIVE
           : busy == OC_BUSY_OOF       ? SHOWN_OOF
                                       : SHOWN_BUSY;
}

apr_array_header_t *owa_compose_message(apr_pool_t *pool, const oc_booking_t *b,
                                        owa_mail_kind_t kind, const apr_array_header_t *people,
                                        int sequence, apr_time_t stamp, const char *note,
                                        int creating)
{
    apr_array_header_t *set = apr_array_make(pool, 32, sizeof(oc_dav_set_t));
    int request = kind == OWA_MAIL_REQUEST;
    /* until he answers, the attendee's calendar shows it as tentative */
    int now = !request || b->busy == OC_BUSY_FREE ? SHOWN_FREE : SHOWN_TENTATIVE;
    const char *text = note && *note ? note : request ? b->text : NULL;

    put(set, OWA_P_CONTENTCLASS, OWA_CC_MESSAGE);
    put(set, OWA_P_CLASS, request ? OWA_CLASS_REQUEST : OWA_CLASS_CANCELED);
    put(set, OWA_P_METHOD, request ? "REQUEST" : "CANCEL");
    put_identity(set, b);
    put_int(set, OWA_P_SEQUENCE, sequence);
    if (stamp) {
        put(set, OWA_P_DTSTAMP, oc_zone_print_dav(pool, stamp));
    }
    put_maybe(set, OWA_P_SUBJECT,
              request ? b->subject
                      : apr_pstrcat(pool, "Canceled: ", b->subject ? b->subject : "", NULL),
              creating);
    put_maybe(set, OWA_P_TEXT, text, creating);
    put_maybe(set, OWA_P_LOCATION, b->location, creating);
    put_times(set, b);
    put_int(set, OWA_P_INSTANCETYPE, 0);
    put(set, OWA_P_BUSYSTATUS, now == SHOWN_FREE ? "FREE" : "TENTATIVE");
    put_int(set, OWA_P_MAPIBUSY, now);
    put_int(set, OWA_P_INTENDEDBUSY, request ? shown(b->busy) : SHOWN_FREE);
    put(set, OWA_P_MEETINGSTATUS, request ? "CONFIRMED" : "CANCELLED");
    put_int(set, OWA_P_SENSITIVITY, (int)b->sensitivity);
    put_bool(set, OWA_P_RESPONSEREQUESTED, request);
    put_bool(set, OWA_P_RESPONSE_REQUESTED, request);
    put_bool(set, OWA_P_ISORGANIZER, 1);
    put_bool(set, OWA_P_FINVITED, 1);
    put_int(set, OWA_P_RESPONSESTATUS, 1); /* organized */
    put_int(set, OWA_P_RESPONSESTATE, 0);
    put_int(set, OWA_P_APPTSTATEFLAGS,
            request ? 1 | 2 : 1 | 2 | 4); /* meeting, received, cancelled */
    if (request && b->reminder >= 0) {
        put_int(set, OWA_P_REMINDEROFFSET, b->reminder * 60);
    }
    put_people(set, people, NULL, creating);
    return set;
}

/* ---- the update command ---- */

/* Order and names: D. Szabo's article (2006) and the code in its comments, where they are certain;
 * Cmd and FORMTYPE are those of OWA 2003's own compose script. CALENDAR:UID takes the path. A field
 * that is absent keeps what the item has, an empty one would clear it (inferred). */
static const char *const update_lines[] = {
    "Cmd=sendappt",
    "FORMTYPE=appointment",
    "MsgID={msgid}",
    "urn:schemas:httpmail:subject={subject}",
    "urn:schemas:calendar:location={location}",
    "CALENDAR:UID={msgid}",
    "urn:schemas:httpmail:textdescription={text}",
};

/* The body is lines, so that a value must not bring any: neither CR nor LF, nor what other readers
 * take for one. */
static const char *flatten(apr_pool_t *pool, const char *s)
{
    char *out = apr_pstrdup(pool, s);
    for (char *p = out; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = ' ';
        }
    }
    return out;
}

static const char *const marks[] = {"{msgid}", "{subject}", "{location}", "{text}"};
#define MARKS (int)(sizeof(marks) / sizeof(*marks))

/* Which placeholder stands at p; -1: none. */
static int mark_at(const char *p)
{
    for (int i = 0; i < MARKS; i++) {
        if (!strncmp(p, marks[i], strlen(marks[i]))) {
            return i;
        }
    }
    return -1;
}

const char *owa_update_line_wrong(apr_pool_t *pool, const char *line)
{
    const char *p = line;

    for (; (p = strchr(p, '{')); p++) {
        apr_size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        /* a property's GUID in braces is a part of its name */
        if (n > 0 && p[n + 1] == '}' && mark_at(p) < 0) {
            return apr_psprintf(pool,
                                "%.*s is no placeholder: {msgid}, {subject}, {location} and {text} "
                                "are",
                                (int)n + 2, p);
        }
    }
    return NULL;
}

/* One line with its placeholders filled in. NULL: leave the line out, because its whole value is
 * absent (an empty field would clear what the item has), or is a text of several lines, which would
 * come back as one: the item has the right text already. */
static const char *fill_line(apr_pool_t *pool, const char *line, const char *path,
                             const oc_booking_t *b)
{
    const char *const values[MARKS] = {path, b->subject, b->location, b->text};
    const char *out = "", *p = line;

    while (*p) {
        apr_size_t plain = strcspn(p, "{");
        int i = mark_at(p + plain);

        if (i < 0) {
            plain += p[plain] == '{';
            out = apr_pstrcat(pool, out, apr_pstrmemdup(pool, p, plain), NULL);
            p += plain;
        } else {
            const char *value = values[i] ? values[i] : "", *mark = p + plain;
            int whole = mark > line && mark[-1] == '=' && !mark[strlen(marks[i])];
            if (whole && (!*value || strpbrk(value, "\r\n"))) {
                return NULL;
            }
            out = apr_pstrcat(pool, out, apr_pstrmemdup(pool, p, plain), flatten(pool, value),
                              NULL);
            p = mark + strlen(marks[i]);
        }
    }
    return out;
}

/* The item's path as the command names it: below the mailbox, decoded. */
static const char *path_below_root(apr_pool_t *pool, const owa_folders_t *own, oc_itemref_t item)
{
    const char *path = owa_item_path(pool, own->calendar, item), *plain, *root;
    plain = oc_str_unescape(pool, path, strlen(path));
    root = oc_str_unescape(pool, own->root, strlen(own->root));
    if (!plain || !root || strncasecmp(plain, root, strlen(root))) {
        return NULL;
    }
    plain += strlen(root);
    return *plain == '/' ? plain : apr_pstrcat(pool, "/", plain, NULL);
}

const char *owa_compose_update(apr_pool_t *pool, const oc_backend_conf_t *conf,
                               const owa_folders_t *own, const oc_booking_t *b, apr_size_t *len)
{
    const apr_array_header_t *given = conf->update_lines;
    int count = given ? given->nelts : (int)(sizeof(update_lines) / sizeof(*update_lines));
    const char *path = path_below_root(pool, own, b->item), *body = "";

    for (int i = 0; path && i < count; i++) {
        const char *line = given ? APR_ARRAY_IDX(given, i, const char *) : update_lines[i];
        line = fill_line(pool, line, path, b);
        if (line) {
            body = apr_pstrcat(pool, body, line, "\r\n", NULL);
        }
    }
    *len = strlen(body);
    return path ? body : NULL;
}
