/* Items, their properties and attendees: see store.h. */
#include "store_private.h"

#include <apr_encode.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sim_item_t *item_blank(unsigned long id, apr_time_t now)
{
    sim_item_t *item = sim_must(calloc(1, sizeof(*item)));

    item->id = id;
    item->created = item->modified = now;
    return item;
}

sim_item_t *sim_item_new(sim_store_t *store)
{
    return item_blank(++store->next_id, sim_now(store));
}

static void prop_clear(sim_prop_t *prop)
{
    int i;

    for (i = 0; i < prop->n; i++) {
        free(prop->values[i]);
    }
    free(prop->values);
    memset(prop, 0, sizeof(*prop));
}

void sim_props_free(sim_prop_t *props, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        prop_clear(&props[i]);
    }
    free(props);
}

static void attendee_clear(sim_attendee_t *a)
{
    free(a->address);
    free(a->name);
}

void sim_item_free(sim_item_t *item)
{
    int i;

    if (!item) {
        return;
    }
    sim_props_free(item->props, item->nprops);
    for (i = 0; i < item->nattendees; i++) {
        attendee_clear(&item->attendees[i]);
    }
    free(item->attendees);
    free(item->stream);
    free(item->name);
    free(item);
}

sim_item_t *sim_item_copy(sim_store_t *store, const sim_item_t *item)
{
    sim_item_t *copy = sim_item_new(store);
    int i;

    for (i = 0; i < item->nprops; i++) {
        sim_set_values(copy, item->props[i].name, item->props[i].type, item->props[i].n,
                       (const char *const *)item->props[i].values);
    }
    for (i = 0; i < item->nattendees; i++) {
        const sim_attendee_t *from = &item->attendees[i];
        sim_attendee_t *a = sim_attendee_add(copy, from->address, from->name, from->role);

        a->answer = from->answer;
        a->answered = from->answered;
        a->listed = from->listed;
    }
    if (item->stream) {
        copy->stream = sim_must(malloc(item->stream_len + 1));
        memcpy(copy->stream, item->stream, item->stream_len + 1);
        copy->stream_len = item->stream_len;
    }
    return copy;
}

static void folder_changes(sim_folder_t *folder)
{
    folder->revision++;
    folder->modified = sim_now(folder->mailbox->store);
    if (folder == folder->mailbox->known[SIM_F_CALENDAR]) {
        sim_busy_touch(folder->mailbox);
    }
}

void sim_folder_touch(sim_folder_t *folder)
{
    folder_changes(folder);
}

/* Clients write .eml, the server shows .EML: seen in pairs of requests and replies. */
static char *shown_name(const char *name)
{
    char *copy = sim_must(strdup(name));
    size_t n = strlen(copy);

    if (n > 4 && strcasecmp(copy + n - 4, ".EML") == 0) {
        memcpy(copy + n - 4, ".EML", 4);
    }
    return copy;
}

void sim_item_store(sim_folder_t *folder, sim_item_t *item, const char *name)
{
    folder_changes(folder);
    free(item->name);
    item->name = shown_name(name);
    item->folder = folder;
    item->revision++;
    item->prev = folder->last_item;
    item->next = NULL;
    *(folder->last_item ? &folder->last_item->next : &folder->items) = item;
    folder->last_item = item;
    sim_index_add(&folder->item_index, &item->node, name);
}

void sim_item_detach(sim_item_t *item)
{
    sim_folder_t *folder = item->folder;

    folder_changes(folder);
    sim_index_remove(&folder->item_index, &item->node);
    *(item->prev ? &item->prev->next : &folder->items) = item->next;
    *(item->next ? &item->next->prev : &folder->last_item) = item->prev;
    item->prev = item->next = NULL;
    item->folder = NULL;
}

void sim_item_delete(sim_item_t *item)
{
    sim_item_detach(item);
    sim_item_free(item);
}

void sim_item_touch(sim_item_t *item)
{
    if (item->folder) {
        folder_changes(item->folder);
        item->modified = item->folder->modified;
    }
    item->revision++;
}

sim_item_t *sim_item_find(const sim_folder_t *folder, const char *name)
{
    return (sim_item_t *)sim_index_find(&folder->item_index, name);
}

/* The four characters the store would take as syntax, and what published clients write for them. */
static const char *stored_form(char c)
{
    switch (c) {
    case '/':
        return "_xF8FF_";
    case '\\':
        return "_xF8FE_";
    case '?':
        return "_x003F_";
    case '~':
        return "_x007E_";
    default:
        return NULL;
    }
}

const char *sim_item_free_name(apr_pool_t *p, const sim_folder_t *folder, const char *stem)
{
    char *safe = apr_palloc(p, strlen(stem) * 7 + 16), *o = safe;
    const char *name;
    size_t max = 120;
    unsigned n = 2;

    for (; *stem && (size_t)(o - safe) < max; stem++) {
        const char *form = stored_form(*stem);

        if (form) {
            o = strcpy(o, form) + 7;
        }
        else if ((unsigned char)*stem >= ' ') {
            *o++ = *stem;
        }
    }
    while (o > safe && *stem && ((unsigned char)*stem & 0xc0) == 0x80) { /* never half a letter */
        o--;
        stem--;
    }
    if (o == safe) {
        o = strcpy(o, "No subject") + 10;
    }
    *o = '\0';
    name = apr_pstrcat(p, safe, ".EML", NULL);
    while (sim_item_find(folder, name)) {
        name = apr_psprintf(p, "%s-%u.EML", safe, n++);
        if (n == 20) { /* many of one name: go to where free numbers are likely */
            n = folder->item_index.count + 1;
        }
    }
    return name;
}

/* ---- properties ---- */

static int prop_at(const sim_prop_t *props, int n, const sim_name_t *name)
{
    int i;

    for (i = 0; i < n; i++) {
        if (props[i].name == name) {
            return i;
        }
    }
    return -1;
}

const sim_prop_t *sim_prop(const sim_item_t *item, const sim_name_t *name)
{
    int i = name ? prop_at(item->props, item->nprops, name) : -1;

    return i < 0 ? NULL : &item->props[i];
}

const char *sim_get(const sim_item_t *item, const char *ns, const char *local)
{
    const sim_prop_t *prop = sim_prop(item, sim_name_find(ns, local));

    return prop && prop->n ? prop->values[0] : NULL;
}

const char *sim_get_or(const sim_item_t *item, const char *ns, const char *local, const char *def)
{
    const char *v = sim_get(item, ns, local);

    return v ? v : def;
}

void sim_set_values(sim_item_t *item, const sim_name_t *name, sim_type_t type, int n,
                    const char *const *values)
{
    char **copy = sim_must(calloc((size_t)n + 1, sizeof(*copy)));
    int i;

    for (i = 0; i < n; i++) {
        copy[i] = sim_must(strdup(values[i])); /* before the old ones go: they may be the source */
    }
    i = prop_at(item->props, item->nprops, name);
    if (i >= 0) {
        prop_clear(&item->props[i]);
    }
    else {
        if (item->nprops == item->aprops) {
            item->aprops = item->aprops ? item->aprops * 2 : 16;
            item->props = sim_must(realloc(item->props, (size_t)item->aprops * sizeof(sim_prop_t)));
        }
        i = item->nprops++;
    }
    item->props[i].name = name;
    item->props[i].type = type;
    item->props[i].n = n;
    item->props[i].values = copy;
}

void sim_set(sim_item_t *item, const char *ns, const char *local, const char *value)
{
    const sim_name_t *name = sim_name(ns, local);

    if (name && value) {
        sim_set_values(item, name, name->type, 1, &value);
    }
    else if (name) {
        sim_unset(item, name);
    }
}

void sim_unset(sim_item_t *item, const sim_name_t *name)
{
    int i = prop_at(item->props, item->nprops, name);

    if (i >= 0) {
        prop_clear(&item->props[i]);
        item->props[i] = item->props[--item->nprops];
    }
}

/* ---- attendees ---- */

sim_attendee_t *sim_attendee(const sim_item_t *item, const char *address)
{
    int i;

    for (i = 0; i < item->nattendees; i++) {
        if (strcasecmp(item->attendees[i].address, address) == 0) {
            return &item->attendees[i];
        }
    }
    return NULL;
}

sim_attendee_t *sim_attendee_add(sim_item_t *item, const char *address, const char *name,
                                 sim_role_t role)
{
    sim_attendee_t *a = sim_attendee(item, address);

    if (!a) {
        item->attendees = sim_must(realloc(item->attendees, (size_t)(item->nattendees + 1)
                                                            * sizeof(*item->attendees)));
        a = memset(&item->attendees[item->nattendees++], 0, sizeof(*a));
        a->address = sim_must(strdup(address));
        a->answer = SIM_ANSWER_NOT_RESPONDED;
    }
    if (name && (!a->name || strcmp(a->name, name) != 0)) {
        free(a->name);
        a->name = sim_must(strdup(name));
    }
    a->role = role;
    a->listed = 1;
    return a;
}

void sim_attendee_remove(sim_item_t *item, const char *address)
{
    sim_attendee_t *a = sim_attendee(item, address);

    if (a) {
        attendee_clear(a);
        *a = item->attendees[--item->nattendees];
    }
}

int sim_addresses(apr_pool_t *p, const char *list, sim_address_t **out)
{
    int n = 0, room = 4;
    sim_address_t *all = apr_palloc(p, sizeof(*all) * (size_t)room);

    while (list && *list) {
        const char *start = list, *lt = NULL, *gt = NULL;
        int quoted = 0;
        char *address, *name = NULL;

        for (; *list && (quoted || (*list != ',' && *list != ';')); list++) {
            if (*list == '"') {
                quoted = !quoted;
            }
            else if (!quoted && *list == '<') {
                lt = list;
            }
            else if (!quoted && *list == '>' && lt && !gt) {
                gt = list;
            }
        }
        if (lt && gt) {
            address = apr_pstrmemdup(p, lt + 1, (apr_size_t)(gt - lt - 1));
            name = apr_pstrmemdup(p, start, (apr_size_t)(lt - start));
        }
        else {
            address = apr_pstrmemdup(p, start, (apr_size_t)(list - start));
        }
        apr_collapse_spaces(address, address);
        if (strncasecmp(address, "mailto:", 7) == 0) {
            address += 7;
        }
        if (name) {
            char *o = name, *s = name + strspn(name, " \t\r\n");

            for (; *s; s++) {
                if (*s != '"') {
                    *o++ = *s;
                }
            }
            while (o > name && strchr(" \t\r\n", o[-1])) {
                o--;
            }
            *o = '\0';
        }
        if (*address) {
            if (n == room) {
                sim_address_t *more = apr_palloc(p, sizeof(*all) * (size_t)room * 2);

                memcpy(more, all, sizeof(*all) * (size_t)n);
                all = more;
                room *= 2;
            }
            all[n].address = address;
            all[n++].name = name && *name ? name : NULL;
        }
        if (*list) {
            list++;
        }
    }
    *out = all;
    return n;
}

void sim_attendees_from_headers(sim_item_t *item)
{
    static const char *const headers[] = {"to", "cc", "bcc"};
    apr_pool_t *p;
    int i, j;

    apr_pool_create(&p, NULL);
    for (i = 0; i < item->nattendees; i++) {
        item->attendees[i].listed = 0;
    }
    for (i = 0; i < 3; i++) {
        sim_address_t *list;
        int n = sim_addresses(p, sim_get(item, SIM_NS_HEADER, headers[i]), &list);

        for (j = 0; j < n; j++) {
            sim_attendee_add(item, list[j].address, list[j].name, (sim_role_t)i);
        }
    }
    apr_pool_destroy(p);
}

/* ---- what the server generates ---- */

/* Layout of a global object id (MS-OXOCAL 2.2.1.27). */
static const unsigned char goid_prefix[16] = {0x04, 0x00, 0x00, 0x00, 0x82, 0x00, 0xe0, 0x00,
                                              0x74, 0xc5, 0xb7, 0x10, 0x1a, 0x82, 0xe0, 0x08};

static char *new_uid(apr_pool_t *p, apr_time_t now)
{
    unsigned char id[56] = {0};
    apr_uint64_t filetime = (apr_uint64_t)now * 10 + APR_UINT64_C(116444736000000000);
    char *hex = apr_palloc(p, sizeof(id) * 2 + 1);
    size_t i;

    memcpy(id, goid_prefix, sizeof(goid_prefix));
    for (i = 0; i < 8; i++) {
        id[20 + i] = (unsigned char)(filetime >> (8 * i));
    }
    id[36] = 0x10;
    apr_generate_random_bytes(id + 40, 16);
    for (i = 0; i < sizeof(id); i++) {
        sprintf(hex + 2 * i, "%02X", id[i]);
    }
    return hex;
}

/* The id in binary: what the hex text says, or the wrapping that Outlook gives a foreign uid. */
static const char *goid_of_uid(apr_pool_t *p, const char *uid)
{
    size_t n = strlen(uid), i;
    unsigned char *id = apr_pcalloc(p, n + 64);
    unsigned value;

    if (n >= 80 && n % 2 == 0 && strspn(uid, "0123456789abcdefABCDEF") == n
        && strncasecmp(uid, "040000008200E00074C5B7101A82E008", 32) == 0) {
        for (i = 0; i < n / 2; i++) {
            sscanf(uid + 2 * i, "%2x", &value);
            id[i] = (unsigned char)value;
        }
        n /= 2;
    }
    else {
        memcpy(id, goid_prefix, sizeof(goid_prefix));
        id[36] = (unsigned char)(n + 13);
        id[37] = (unsigned char)((n + 13) >> 8);
        memcpy(id + 40, "vCal-Uid\001\0\0\0", 12);
        memcpy(id + 52, uid, n);
        n += 53;
    }
    return apr_pencode_base64_binary(p, id, n, APR_ENCODE_NONE, NULL);
}

void sim_item_complete(sim_item_t *item, const sim_mailbox_t *owner)
{
    const char *content = sim_get_or(item, SIM_NS_DAV, "contentclass", "");
    const char *class = sim_get_or(item, SIM_NS_EXCHANGE, "outlookmessageclass", "");
    int appointment = strcasecmp(content, SIM_CLASS_APPOINTMENT) == 0;
    apr_pool_t *p;

    if (!*content && strcasecmp(class, "IPM.Appointment") == 0) {
        sim_set(item, SIM_NS_DAV, "contentclass", SIM_CLASS_APPOINTMENT);
        appointment = 1;
    }
    if (appointment && !*class) {
        sim_set(item, SIM_NS_EXCHANGE, "outlookmessageclass", "IPM.Appointment");
    }
    if (!appointment && strcasecmp(content, SIM_CLASS_CALMESSAGE) != 0) {
        return;
    }
    apr_pool_create(&p, NULL);
    if (!sim_get(item, SIM_NS_CAL, "uid")) {
        sim_set(item, SIM_NS_CAL, "uid", new_uid(p, item->created));
    }
    if (!sim_get(item, SIM_NS_MEETING, "0x3")) {
        sim_set(item, SIM_NS_MEETING, "0x3", goid_of_uid(p, sim_get(item, SIM_NS_CAL, "uid")));
    }
    if (!sim_get(item, SIM_NS_CAL, "organizer") && owner) {
        sim_set(item, SIM_NS_CAL, "organizer",
                apr_psprintf(p, "\"%s\" <%s>", owner->display, owner->address));
    }
    if (!sim_get(item, SIM_NS_CAL, "instancetype")) {
        sim_set(item, SIM_NS_CAL, "instancetype", "0");
    }
    apr_pool_destroy(p);
}
