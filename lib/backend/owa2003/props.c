/* props.c - the schema table, and one item's properties into a booking. */
#include <string.h>
#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"
#include "cal/zone.h"

static const oc_dav_prop_t props[] = {
#define X(ID, ns, name, type) [OWA_P_##ID] = {ns, name, OC_DAV_##type},
    OWA_PROPS(X)
#undef X
};
const oc_dav_schema_t owa_schema = {props, OWA_P_COUNT};

const int owa_props_booking[] = {
    OWA_P_CONTENTCLASS, OWA_P_CLASS, OWA_P_ETAG, OWA_P_CREATIONDATE, OWA_P_LASTMODIFIED,
    OWA_P_SUBJECT, OWA_P_TEXT, OWA_P_LOCATION, OWA_P_UID, OWA_P_SEQUENCE, OWA_P_DTSTAMP,
    OWA_P_DTSTART, OWA_P_DTEND, OWA_P_ALLDAY, OWA_P_BUSYSTATUS, OWA_P_MEETINGSTATUS,
    OWA_P_INSTANCETYPE, OWA_P_REMINDEROFFSET, OWA_P_REMINDERSET, OWA_P_REMINDERDELTA,
    OWA_P_ORGANIZER, OWA_P_ISORGANIZER, OWA_P_TIMEZONEID, OWA_P_CREATED, OWA_P_PRODID, OWA_P_TO,
    OWA_P_CC, OWA_P_BCC, OWA_P_FINVITED, OWA_P_RESPONSESTATUS, OWA_P_APPTSTATEFLAGS,
    OWA_P_SENSITIVITY, OC_DAV_END};

#define LIST                                                                                       \
    OWA_P_HREF, OWA_P_CONTENTCLASS, OWA_P_CREATIONDATE, OWA_P_LASTMODIFIED, OWA_P_SUBJECT,         \
        OWA_P_LOCATION, OWA_P_UID, OWA_P_SEQUENCE, OWA_P_DTSTART, OWA_P_DTEND, OWA_P_ALLDAY,       \
        OWA_P_BUSYSTATUS, OWA_P_MEETINGSTATUS, OWA_P_INSTANCETYPE, OWA_P_ORGANIZER,                \
        OWA_P_ISORGANIZER, OWA_P_TIMEZONEID, OWA_P_FINVITED, OWA_P_RESPONSESTATUS,                 \
        OWA_P_APPTSTATEFLAGS, OWA_P_SENSITIVITY, OWA_P_PRODID

const int owa_props_list[] = {LIST, OC_DAV_END};
const int owa_props_people[] = {LIST, OWA_P_TO, OWA_P_CC, OWA_P_BCC, OC_DAV_END};

const int owa_props_message[] = {
    OWA_P_CONTENTCLASS, OWA_P_CLASS, OWA_P_CREATIONDATE, OWA_P_UID, OWA_P_FROMEMAIL, OWA_P_FROM,
    OWA_P_TO, OWA_P_CC, OWA_P_BCC, OWA_P_MESSAGE_ID, OWA_P_DTSTART, OWA_P_DTEND, OC_DAV_END};

const int owa_props_answer[] = {OWA_P_CLASS, OWA_P_CREATIONDATE, OWA_P_UID, OWA_P_FROMEMAIL,
                                OWA_P_FROM, OWA_P_DTSTART, OWA_P_DTEND, OC_DAV_END};

const int owa_props_uid[] = {OWA_P_CONTENTCLASS, OWA_P_CLASS, OWA_P_UID, OWA_P_INSTANCETYPE,
                             OWA_P_ETAG, OC_DAV_END};

/* ---- small values ---- */

static const struct {
    oc_busy_t busy;
    const char *text;
} busy_names[] = {{OC_BUSY_FREE, "FREE"},
                  {OC_BUSY_TENTATIVE, "TENTATIVE"},
                  {OC_BUSY_BUSY, "BUSY"},
                  {OC_BUSY_OOF, "OUTOFOFFICE"}};

const char *owa_busystatus(oc_busy_t busy)
{
    size_t i;

    for (i = 0; i < sizeof(busy_names) / sizeof(busy_names[0]); ++i) {
        if (busy_names[i].busy == busy) {
            return busy_names[i].text;
        }
    }
    return "BUSY";
}

oc_busy_t owa_busystatus_parse(const char *text)
{
    size_t i;

    for (i = 0; text && i < sizeof(busy_names) / sizeof(busy_names[0]); ++i) {
        if (!strcasecmp(busy_names[i].text, text)) {
            return busy_names[i].busy;
        }
    }
    return OC_BUSY_BUSY;
}

#define PRODID "mod_owacal/1"

const char *owa_prodid(apr_pool_t *pool, const char *mark)
{
    return mark ? apr_pstrcat(pool, PRODID " ", mark, NULL) : PRODID;
}

const char *owa_prodid_mark(apr_pool_t *pool, const char *prodid)
{
    if (!prodid || strncmp(prodid, PRODID " ", sizeof(PRODID)) || !prodid[sizeof(PRODID)]) {
        return NULL;
    }
    return oc_str_trim(pool, prodid + sizeof(PRODID));
}

/* ---- people ---- */

static void read_organizer(oc_booking_t *b, apr_pool_t *pool, const oc_dav_row_t *row)
{
    const char *text = row->value[OWA_P_ORGANIZER];
    apr_array_header_t *list;

    if (!text || !*text) {
        return;
    }
    list = oc_attendee_parse_list(pool, text, OC_ROLE_REQUIRED, NULL);
    if (list->nelts > 0) {
        b->organizer = APR_ARRAY_IDX(list, 0, oc_attendee_t).address;
        b->organizer_name = APR_ARRAY_IDX(list, 0, oc_attendee_t).name;
    }
}

/* known: the addresses so far, in lower case. Whoever invites may name tens of thousands. */
static void read_people(oc_booking_t *b, apr_pool_t *pool, const oc_dav_row_t *row, int prop,
                        oc_role_t role, apr_hash_t *known)
{
    apr_array_header_t *list;
    int i;

    if (!row->value[prop]) {
        return;
    }
    list = oc_attendee_parse_list(pool, row->value[prop], role, NULL);
    for (i = 0; i < list->nelts; ++i) {
        oc_attendee_t *at = &APR_ARRAY_IDX(list, i, oc_attendee_t);
        const char *key = oc_str_lower(pool, at->address);
        if (apr_hash_get(known, key, APR_HASH_KEY_STRING)) {
            continue;
        }
        apr_hash_set(known, key, APR_HASH_KEY_STRING, at);
        at->role = role;
        at->cutype = role == OC_ROLE_RESOURCE ? OC_CUTYPE_ROOM : OC_CUTYPE_INDIVIDUAL;
        at->partstat = OC_PARTSTAT_UNKNOWN;
        APR_ARRAY_PUSH(b->attendees, oc_attendee_t) = *at;
    }
}

/* ---- an item ---- */

/* reminderoffset is in seconds (KB 308373), MAPI's reminderdelta in minutes (DavMail). */
static int read_reminder(const oc_dav_row_t *row)
{
    int set, minutes, seconds;

    if (oc_dav_bool(row, OWA_P_REMINDERSET, &set) && !set) {
        return -1;
    }
    if (oc_dav_int(row, OWA_P_REMINDEROFFSET, &seconds) && seconds >= 0) {
        return seconds / 60;
    }
    if (oc_dav_int(row, OWA_P_REMINDERDELTA, &minutes) && minutes >= 0) {
        return minutes;
    }
    return -1;
}

/* apptstateflags: 1 meeting, 2 received, 4 cancelled; responsestatus: 1 organized, 2 to 5 an
 * attendee's answer or none yet. */
static void read_meeting(oc_booking_t *b, const oc_dav_row_t *row, int own)
{
    const char *status = row->value[OWA_P_MEETINGSTATUS];
    int flags = 0, response = 0, invited = 0, organizer;

    oc_dav_int(row, OWA_P_APPTSTATEFLAGS, &flags);
    oc_dav_int(row, OWA_P_RESPONSESTATUS, &response);
    oc_dav_bool(row, OWA_P_FINVITED, &invited);
    b->is_meeting = invited || (flags & 3) || b->attendees->nelts > 0;
    b->cancelled = (flags & 4) || (status && !strcasecmp(oc_str_trim(row->pool, status),
                                                         "CANCELLED"));
    b->is_organizer = own;
    if ((flags & 2) || (response >= 2 && response <= 5)) {
        b->is_organizer = 0;
    } else if (own && b->is_meeting && response != 1
               && oc_dav_bool(row, OWA_P_ISORGANIZER, &organizer)) {
        b->is_organizer = organizer;
    }
}

oc_booking_t *owa_booking(apr_pool_t *pool, const oc_dav_row_t *row, const char *calendar, int own,
                          const char **why)
{
    oc_booking_t *b = oc_booking_create(pool);
    const char *busy = row->value[OWA_P_BUSYSTATUS];
    apr_hash_t *known = apr_hash_make(pool);
    int n;

    *why = NULL;
    if (!oc_dav_time(row, OWA_P_DTSTART, &b->when.start)
        || !oc_dav_time(row, OWA_P_DTEND, &b->when.end)) {
        *why = "its times are missing or malformed";
        return NULL;
    }
    if (b->when.end < b->when.start) {
        *why = "it ends before it starts";
        return NULL;
    }
    b->item = calendar ? owa_item_in(pool, calendar, row->path) : NULL;
    b->uid = oc_dav_text(row, OWA_P_UID, pool);
    b->etag = oc_dav_text(row, OWA_P_ETAG, pool);
    b->mark = owa_prodid_mark(pool, row->value[OWA_P_PRODID]);
    b->subject = oc_dav_text(row, OWA_P_SUBJECT, pool);
    b->text = oc_dav_text(row, OWA_P_TEXT, pool);
    b->location = oc_dav_text(row, OWA_P_LOCATION, pool);
    b->busy = owa_busystatus_parse(busy ? oc_str_trim(row->pool, busy) : NULL);
    b->reminder = read_reminder(row);
    oc_dav_bool(row, OWA_P_ALLDAY, &b->all_day);
    if (oc_dav_int(row, OWA_P_TIMEZONEID, &n)) {
        b->zone = oc_zone_from_cdo(n);
    }
    if (row->value[OWA_P_SENSITIVITY]) {
        /* What cannot be read is taken for private: a mistake must not show it. */
        b->sensitivity = oc_dav_int(row, OWA_P_SENSITIVITY, &n) && n >= 0 && n <= 3
                             ? (oc_sensitivity_t)n : OC_SENSITIVITY_PRIVATE;
    }
    if (oc_dav_int(row, OWA_P_INSTANCETYPE, &n) && n >= 0 && n <= 3) {
        b->instance = (oc_instance_t)n;
    }
    if (oc_dav_int(row, OWA_P_SEQUENCE, &n) && n >= 0) {
        b->sequence = n;
    }
    oc_dav_time(row, OWA_P_DTSTAMP, &b->stamp);
    if (!oc_dav_time(row, OWA_P_CREATIONDATE, &b->created)) {
        oc_dav_time(row, OWA_P_CREATED, &b->created);
    }
    oc_dav_time(row, OWA_P_LASTMODIFIED, &b->modified);
    read_organizer(b, pool, row);
    if (b->organizer) {
        apr_hash_set(known, oc_str_lower(pool, b->organizer), APR_HASH_KEY_STRING, b);
    }
    read_people(b, pool, row, OWA_P_TO, OC_ROLE_REQUIRED, known);
    read_people(b, pool, row, OWA_P_CC, OC_ROLE_OPTIONAL, known);
    read_people(b, pool, row, OWA_P_BCC, OC_ROLE_RESOURCE, known);
    read_meeting(b, row, own);
    return b;
}

void owa_booking_mask(oc_booking_t *b)
{
    b->item = b->etag = b->mark = NULL; /* the uid says nothing of what it is about */
    b->subject = b->text = b->location = NULL;
    b->organizer = b->organizer_name = NULL;
    b->attendees = apr_array_make(b->attendees->pool, 0, sizeof(oc_attendee_t));
    b->reminder = -1;
    b->is_meeting = 0;
}
