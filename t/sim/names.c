/* Property names: the known ones with their types, aliases, the interning table; and the value
 * types with their checks. */
#include "store.h"

#include <apr_strings.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 65536 /* a client that invents names is stopped here */
#define SLOTS 4096

#define RO SIM_NAME_READONLY
#define ROC (SIM_NAME_READONLY | SIM_NAME_COMPUTED)

/* Types and rights of names the server knows: SDK property pages, and values seen in published
 * server replies. Names not listed are strings unless a dt attribute says otherwise. */
static const struct {
    const char *ns, *local;
    sim_type_t type;
    unsigned flags;
} known[] = {
    {SIM_NS_DAV, "contentclass", SIM_T_STRING, 0},
    {SIM_NS_DAV, "href", SIM_T_STRING, ROC},
    {SIM_NS_DAV, "displayname", SIM_T_STRING, ROC},
    {SIM_NS_DAV, "getetag", SIM_T_STRING, ROC},
    {SIM_NS_DAV, "getlastmodified", SIM_T_DATE, ROC},
    {SIM_NS_DAV, "creationdate", SIM_T_DATE, ROC},
    {SIM_NS_DAV, "getcontenttype", SIM_T_STRING, ROC},
    {SIM_NS_DAV, "getcontentlength", SIM_T_INT, ROC},
    {SIM_NS_DAV, "iscollection", SIM_T_BOOL, ROC},
    {SIM_NS_DAV, "isfolder", SIM_T_BOOL, ROC},
    {SIM_NS_DAV, "ishidden", SIM_T_BOOL, ROC},
    {SIM_NS_DAV, "isreadonly", SIM_T_BOOL, ROC},
    {SIM_NS_DAV, "isstructureddocument", SIM_T_BOOL, ROC},
    {SIM_NS_DAV, "resourcetype", SIM_T_STRING, ROC},
    {SIM_NS_DAV, "parentname", SIM_T_STRING, ROC},
    {SIM_NS_DAV, "id", SIM_T_STRING, ROC},
    {SIM_NS_DAV, "uid", SIM_T_STRING, ROC},
    {SIM_NS_DAV, "childcount", SIM_T_INT, ROC},
    {SIM_NS_DAV, "objectcount", SIM_T_INT, ROC},
    {SIM_NS_DAV, "visiblecount", SIM_T_INT, ROC},
    {SIM_NS_DAV, "hassubs", SIM_T_BOOL, ROC},
    {SIM_NS_DAV, "nosubs", SIM_T_BOOL, ROC},
    {SIM_NS_REPL, "repl-uid", SIM_T_STRING, ROC},
    {SIM_NS_REPL, "resourcetag", SIM_T_STRING, ROC},
    {SIM_NS_REPL, "contenttag", SIM_T_STRING, ROC},
    {SIM_NS_EXCHANGE, "outlookmessageclass", SIM_T_STRING, 0},
    {SIM_NS_EXCHANGE, "outlookfolderclass", SIM_T_STRING, 0},
    {SIM_NS_EXCHANGE, "permanenturl", SIM_T_STRING, ROC},
    {SIM_NS_EXCHANGE, "sensitivity", SIM_T_INT, 0},
    {SIM_NS_EXCHANGE, "sensitivity-long", SIM_T_INT, 0},
    {SIM_NS_MAIL, "inbox", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "calendar", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "drafts", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "sentitems", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "deleteditems", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "outbox", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "tasks", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "contacts", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "notes", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "journal", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "sendmsg", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "msgfolderroot", SIM_T_STRING, ROC},
    {SIM_NS_MAIL, "unreadcount", SIM_T_INT, ROC},
    {SIM_NS_MAIL, "subject", SIM_T_STRING, 0},
    {SIM_NS_MAIL, "textdescription", SIM_T_STRING, 0},
    {SIM_NS_MAIL, "htmldescription", SIM_T_STRING, 0},
    {SIM_NS_MAIL, "read", SIM_T_BOOL, 0},
    {SIM_NS_MAIL, "saveinsent", SIM_T_BOOL, 0},
    {SIM_NS_MAIL, "savedestination", SIM_T_STRING, 0},
    {SIM_NS_MAIL, "submitted", SIM_T_BOOL, 0},
    {SIM_NS_MAIL, "hasattachment", SIM_T_BOOL, ROC},
    {SIM_NS_MAIL, "importance", SIM_T_INT, 0},
    {SIM_NS_MAIL, "priority", SIM_T_INT, 0},
    {SIM_NS_MAIL, "date", SIM_T_DATE, 0},
    {SIM_NS_MAIL, "datereceived", SIM_T_DATE, 0},
    {SIM_NS_HEADER, "to", SIM_T_STRING, 0},
    {SIM_NS_HEADER, "cc", SIM_T_STRING, 0},
    {SIM_NS_HEADER, "bcc", SIM_T_STRING, 0},
    {SIM_NS_HEADER, "from", SIM_T_STRING, 0},
    {SIM_NS_HEADER, "sender", SIM_T_STRING, 0},
    {SIM_NS_HEADER, "importance", SIM_T_STRING, 0},
    {SIM_NS_CAL, "dtstart", SIM_T_DATE, 0},
    {SIM_NS_CAL, "dtend", SIM_T_DATE, 0},
    {SIM_NS_CAL, "dtstamp", SIM_T_DATE, 0},
    {SIM_NS_CAL, "created", SIM_T_DATE, ROC},
    {SIM_NS_CAL, "lastmodified", SIM_T_DATE, ROC},
    {SIM_NS_CAL, "lastmodifiedtime", SIM_T_DATE, ROC},
    {SIM_NS_CAL, "transparent", SIM_T_STRING, ROC},
    {SIM_NS_CAL, "duration", SIM_T_INT, ROC},
    {SIM_NS_CAL, "organizer", SIM_T_STRING, RO},
    {SIM_NS_CAL, "uid", SIM_T_STRING, 0},
    {SIM_NS_CAL, "method", SIM_T_STRING, 0},
    {SIM_NS_CAL, "location", SIM_T_STRING, 0},
    {SIM_NS_CAL, "busystatus", SIM_T_STRING, 0},
    {SIM_NS_CAL, "meetingstatus", SIM_T_STRING, 0},
    {SIM_NS_CAL, "timezone", SIM_T_STRING, 0},
    {SIM_NS_CAL, "prodid", SIM_T_STRING, 0},
    {SIM_NS_CAL, "instancetype", SIM_T_INT, 0},
    {SIM_NS_CAL, "sequence", SIM_T_INT, 0},
    {SIM_NS_CAL, "timezoneid", SIM_T_INT, 0},
    {SIM_NS_CAL, "reminderoffset", SIM_T_INT, 0},
    {SIM_NS_CAL, "alldayevent", SIM_T_BOOL, 0},
    {SIM_NS_CAL, "responserequested", SIM_T_BOOL, 0},
    {SIM_NS_CAL, "isorganizer", SIM_T_BOOL, 0},
    {SIM_NS_CAL, "rrule", SIM_T_MV_STRING, RO},
    {SIM_NS_CAL, "exrule", SIM_T_MV_STRING, RO},
    {SIM_NS_CAL, "rdate", SIM_T_MV_DATE, RO},
    {SIM_NS_CAL, "exdate", SIM_T_MV_DATE, RO},
    {SIM_NS_CAL, "recurrenceid", SIM_T_DATE, RO},
    {SIM_NS_CAL, "recurrenceidrange", SIM_T_STRING, RO},
    {SIM_NS_MAPI, "finvited", SIM_T_BOOL, 0},
    {SIM_NS_MAPI, "responsestatus", SIM_T_INT, 0},
    {SIM_NS_MAPI, "responsestate", SIM_T_INT, 0},
    {SIM_NS_MAPI, "response_requested", SIM_T_BOOL, 0},
    {SIM_NS_MAPI, "apptstateflags", SIM_T_INT, 0},
    {SIM_NS_MAPI, "busystatus", SIM_T_INT, 0},
    {SIM_NS_MAPI, "intendedbusystatus", SIM_T_INT, 0},
    {SIM_NS_MAPI, "reminderset", SIM_T_BOOL, 0},
    {SIM_NS_MAPI, "reminderdelta", SIM_T_INT, 0},
    {SIM_NS_MEETING, "0x3", SIM_T_BIN, 0},
    {SIM_NS_MEETING, "0x23", SIM_T_BIN, 0},
    {SIM_NS_PROPTAG, "x10f3001f", SIM_T_STRING, ROC},
    {SIM_NS_PROPTAG, "x0ff40003", SIM_T_INT, ROC},
    {SIM_NS_PROPTAG, "x66590102", SIM_T_BIN, ROC},
};

/* Two names of one property. */
static const struct {
    const char *ns, *local, *to_ns, *to_local;
} aliases[] = {
    {SIM_NS_PROPTAG, "x0037001f", SIM_NS_MAIL, "subject"},
    {SIM_NS_PROPTAG, "x001a001f", SIM_NS_EXCHANGE, "outlookmessageclass"},
    {SIM_NS_PROPTAG, "x3613001f", SIM_NS_EXCHANGE, "outlookfolderclass"},
    {SIM_NS_PROPTAG, "x1000001f", SIM_NS_MAIL, "textdescription"},
    {SIM_NS_PROPTAG, "x00360003", SIM_NS_EXCHANGE, "sensitivity"},
    {SIM_NS_PROPTAG, "x0063000b", SIM_NS_CAL, "responserequested"},
    {SIM_NS_HEADER, "subject", SIM_NS_MAIL, "subject"},
    {SIM_NS_HEADER, "content-class", SIM_NS_DAV, "contentclass"},
    {SIM_NS_MAIL, "to", SIM_NS_HEADER, "to"},
    {SIM_NS_MAIL, "cc", SIM_NS_HEADER, "cc"},
    {SIM_NS_MAIL, "bcc", SIM_NS_HEADER, "bcc"},
    {SIM_NS_MAIL, "from", SIM_NS_HEADER, "from"},
    {SIM_NS_MAPI, "sensitivity", SIM_NS_EXCHANGE, "sensitivity"},
    {SIM_NS_MAPI, "location", SIM_NS_CAL, "location"},
    {SIM_NS_MAPI, "alldayevent", SIM_NS_CAL, "alldayevent"},
    {SIM_NS_APPT, "0x8205", SIM_NS_MAPI, "busystatus"},
    {SIM_NS_APPT, "0x8208", SIM_NS_CAL, "location"},
    {SIM_NS_APPT, "0x820d", SIM_NS_CAL, "dtstart"},
    {SIM_NS_APPT, "0x820e", SIM_NS_CAL, "dtend"},
    {SIM_NS_APPT, "0x8217", SIM_NS_MAPI, "apptstateflags"},
    {SIM_NS_APPT, "0x8229", SIM_NS_MAPI, "finvited"},
};

typedef struct entry_t {
    sim_name_t name;
    const sim_name_t *alias_of;
    struct entry_t *next;
} entry_t;

static entry_t *slots[SLOTS];
static unsigned count;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static unsigned hash_of(const char *ns, const char *local)
{
    unsigned h = 5381;

    for (; *ns; ns++) {
        h = h * 33 + (unsigned char)*ns;
    }
    for (; *local; local++) {
        h = h * 33 + (unsigned char)*local;
    }
    return (h ^ (h >> 15)) % SLOTS;
}

static entry_t *find_entry(const char *ns, const char *local)
{
    entry_t *e;

    for (e = slots[hash_of(ns, local)]; e; e = e->next) {
        if (strcmp(e->name.local, local) == 0 && strcmp(e->name.ns, ns) == 0) {
            return e;
        }
    }
    return NULL;
}

static sim_type_t type_of_tag(const char *local)
{
    static const struct {
        const char *suffix;
        sim_type_t type;
    } tags[] = {{"0003", SIM_T_INT},    {"0002", SIM_T_INT},     {"000b", SIM_T_BOOL},
                {"0005", SIM_T_FLOAT},  {"0040", SIM_T_DATE},    {"0102", SIM_T_BIN},
                {"1003", SIM_T_MV_INT}, {"101f", SIM_T_MV_STRING}, {"1102", SIM_T_MV_BIN},
                {"1040", SIM_T_MV_DATE}};
    size_t i, n = strlen(local);

    for (i = 0; n == 9 && i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (strcmp(local + 5, tags[i].suffix) == 0) {
            return tags[i].type;
        }
    }
    return SIM_T_STRING;
}

static entry_t *add_entry(const char *ns, const char *local, sim_type_t type, unsigned flags)
{
    unsigned h = hash_of(ns, local);
    entry_t *e;

    if (count >= NAMES_MAX || (e = calloc(1, sizeof(*e))) == NULL) {
        return NULL;
    }
    e->name.ns = strdup(ns);
    e->name.local = strdup(local);
    e->name.type = type;
    e->name.flags = flags;
    e->next = slots[h];
    slots[h] = e;
    count++;
    return e;
}

static void fill(void)
{
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        add_entry(known[i].ns, known[i].local, known[i].type, known[i].flags | SIM_NAME_KNOWN);
    }
    for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        entry_t *to = find_entry(aliases[i].to_ns, aliases[i].to_local);
        entry_t *e = add_entry(aliases[i].ns, aliases[i].local, to->name.type, to->name.flags);

        e->alias_of = &to->name;
    }
}

/* One spelling of what is spelt in several ways: a published client writes _x0030_x8506 because an
 * XML name cannot begin with a digit; hex numbers come with leading zeros or in capitals. */
static int normalise(char *ns, size_t ns_size, char *local, size_t local_size, const char *ns_in,
                     const char *local_in)
{
    static const char id[] = "http://schemas.microsoft.com/mapi/id/{";
    char *p;

    if (strlen(ns_in) >= ns_size || strlen(local_in) + 2 >= local_size) {
        return 0;
    }
    strcpy(ns, ns_in);
    if (strncmp(local_in, "_x003", 5) == 0 && isdigit((unsigned char)local_in[5])
        && local_in[6] == '_') {
        local[0] = local_in[5];
        strcpy(local + 1, local_in + 7);
    }
    else {
        strcpy(local, local_in);
    }
    if (strncmp(ns, id, sizeof(id) - 1) == 0) {
        for (p = ns + sizeof(id) - 1; *p && *p != '}'; p++) {
            *p = (char)toupper((unsigned char)*p);
        }
        p = local[0] == '0' ? local + 1 : local;
        if (*p == 'x' || *p == 'X') {
            unsigned long n = strtoul(p + 1, &p, 16);

            if (!*p) {
                snprintf(local, local_size, "0x%lx", n);
            }
        }
    }
    else if (strcmp(ns, SIM_NS_PROPTAG) == 0) {
        if (local[0] == '0' && (local[1] == 'x' || local[1] == 'X')) {
            memmove(local, local + 1, strlen(local));
        }
        for (p = local; *p; p++) {
            *p = (char)tolower((unsigned char)*p);
        }
        if (p - local == 9 && strcmp(local + 5, "001e") == 0) {
            local[8] = 'f';
        }
    }
    return 1;
}

static const sim_name_t *lookup(const char *ns_in, const char *local_in, int make)
{
    char ns[512], local[256];
    const sim_name_t *name = NULL;
    entry_t *e;

    pthread_once(&once, fill);
    if (!normalise(ns, sizeof(ns), local, sizeof(local), ns_in, local_in)) {
        return NULL;
    }
    pthread_rwlock_rdlock(&lock);
    e = find_entry(ns, local);
    pthread_rwlock_unlock(&lock);
    if (!e && make) {
        pthread_rwlock_wrlock(&lock);
        e = find_entry(ns, local);
        if (!e) {
            e = add_entry(ns, local,
                          strcmp(ns, SIM_NS_PROPTAG) == 0 ? type_of_tag(local) : SIM_T_STRING,
                          strcmp(ns, SIM_NS_PROPTAG) == 0 ? SIM_NAME_KNOWN : 0);
        }
        pthread_rwlock_unlock(&lock);
    }
    if (e) {
        name = e->alias_of ? e->alias_of : &e->name;
    }
    return name;
}

const sim_name_t *sim_name(const char *ns, const char *local)
{
    return lookup(ns, local, 1);
}

const sim_name_t *sim_name_find(const char *ns, const char *local)
{
    return lookup(ns, local, 0);
}

/* ---- types ---- */

static const struct {
    const char *dt;
    sim_type_t type;
} types[] = {
    {"string", SIM_T_STRING},        {"int", SIM_T_INT},
    {"boolean", SIM_T_BOOL},         {"dateTime.tz", SIM_T_DATE},
    {"float", SIM_T_FLOAT},          {"bin.base64", SIM_T_BIN},
    {"mv.string", SIM_T_MV_STRING},  {"mv.int", SIM_T_MV_INT},
    {"mv.bin.base64", SIM_T_MV_BIN}, {"mv.dateTime.tz", SIM_T_MV_DATE},
    /* read as well, never written */
    {"dateTime", SIM_T_DATE},        {"i4", SIM_T_INT},
    {"i2", SIM_T_INT},               {"i8", SIM_T_INT},
    {"uuid", SIM_T_STRING},          {"r8", SIM_T_FLOAT},
    {"number", SIM_T_FLOAT},         {"mv.dateTime", SIM_T_MV_DATE},
};

sim_type_t sim_type_from(const char *dt)
{
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].dt, dt) == 0) {
            return types[i].type;
        }
    }
    return SIM_T_UNKNOWN;
}

const char *sim_type_name(sim_type_t type)
{
    size_t i;

    for (i = 1; type != SIM_T_STRING && i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].type == type) {
            return types[i].dt;
        }
    }
    return NULL;
}

static const char *check_int(apr_pool_t *p, const char *text)
{
    const char *digits = text[0] == '-' || text[0] == '+' ? text + 1 : text;
    size_t n = strspn(digits, "0123456789");

    if (n == 0 || n > 18 || digits[n]) {
        return NULL;
    }
    return apr_psprintf(p, "%ld", strtol(text, NULL, 10));
}

static const char *check_base64(apr_pool_t *p, const char *text)
{
    char *out = apr_palloc(p, strlen(text) + 1), *o = out;
    int pad = 0;

    for (; *text; text++) {
        if (strchr(" \t\r\n", *text)) {
            continue;
        }
        if (*text == '=') {
            pad++;
        }
        else if (pad || !(isalnum((unsigned char)*text) || *text == '+' || *text == '/')) {
            return NULL;
        }
        *o++ = *text;
    }
    *o = '\0';
    return (o - out) % 4 || pad > 2 ? NULL : out;
}

const char *sim_value_check(apr_pool_t *p, sim_type_t type, const char *text)
{
    const char *v;
    char *end, *trimmed;
    apr_time_t t;

    if (type == SIM_T_STRING || type == SIM_T_MV_STRING) {
        return text;
    }
    while (*text && strchr(" \t\r\n", *text)) {
        text++;
    }
    trimmed = apr_pstrdup(p, text);
    end = trimmed + strlen(trimmed);
    while (end > trimmed && strchr(" \t\r\n", end[-1])) {
        *--end = '\0';
    }
    switch (type) {
    case SIM_T_INT:
    case SIM_T_MV_INT:
        v = check_int(p, trimmed);
        break;
    case SIM_T_BOOL:
        v = strcmp(trimmed, "0") == 0 || strcmp(trimmed, "1") == 0 ? trimmed : NULL;
        break;
    case SIM_T_DATE:
    case SIM_T_MV_DATE:
        v = sim_time_parse(trimmed, 0, &t) ? sim_time_text(p, t) : NULL;
        break;
    case SIM_T_FLOAT:
        strtod(trimmed, &end);
        v = end > trimmed && !*end ? trimmed : NULL;
        break;
    case SIM_T_BIN:
    case SIM_T_MV_BIN:
        v = check_base64(p, trimmed);
        break;
    default:
        v = NULL;
        break;
    }
    return v;
}
