/* people.h - whom a look-up in the address book found. Plain data. */
#ifndef OC_CAL_PEOPLE_H
#define OC_CAL_PEOPLE_H

#include <apr_tables.h>

/* An address book need not say what an entry is: what is neither a configured room nor a list of
 * one's own counts as a person. */
typedef enum oc_people_kind_t {
    OC_PEOPLE_PERSON,
    OC_PEOPLE_ROOM,
    OC_PEOPLE_LIST
} oc_people_kind_t;

/* How well an entry fits the text that was looked for. A server may find more than it was asked. */
typedef enum oc_people_fit_t {
    OC_PEOPLE_FAR,  /* only the server knows why */
    OC_PEOPLE_NEAR, /* every word of the text begins some word of the name, alias or address */
    OC_PEOPLE_EXACT /* the text is its name, alias or address */
} oc_people_fit_t;

typedef struct oc_entry_t {
    const char *name;    /* as the server wrote it: may hold anything but control characters */
    const char *address; /* usable (cal/attendee.h); NULL: a list of one's own, which has none */
    oc_people_kind_t kind;
    oc_people_fit_t fit;
    const char *alias, *title, *office, *company; /* NULL = not said */
    apr_array_header_t *members; /* const char *, of a list: usable addresses, all of them. NULL: no
                                  * list, or its members cannot be read in full */
} oc_entry_t;

typedef struct oc_people_t {
    apr_array_header_t *entries; /* oc_entry_t *, best fit first, then by name */
    int more;    /* 1 = there are more than were asked for */
    int refused; /* 1 = the server found too much or nothing, and did not say which */
} oc_people_t;

const char *oc_people_token(oc_people_kind_t kind); /* "person", "room", "list" */
/* The one entry that is meant without doubt, or NULL: it alone fits exactly, or it alone was found
 * and fits nearly. */
const oc_entry_t *oc_people_only(const oc_people_t *found);
/* How an entry fits `text`, by what it shows of itself, whatever the server was asked. */
oc_people_fit_t oc_people_fit(apr_pool_t *pool, const char *text, const oc_entry_t *e);
/* Best fit first, then by name. */
void oc_people_sort(apr_pool_t *pool, apr_array_header_t *entries);
/* What an attendee field takes for an entry: its address, or a list's members with commas. NULL: it
 * cannot be invited. */
const char *oc_people_value(apr_pool_t *pool, const oc_entry_t *e);

oc_people_t *oc_people_copy(apr_pool_t *pool, const oc_people_t *found);

/* 1 if `text` can be looked for: UTF-8 without control characters, OC_PEOPLE_MIN to OC_PEOPLE_MAX
 * characters without the blanks around it. */
int oc_people_text_ok(apr_pool_t *pool, const char *text);
#define OC_PEOPLE_MIN 2
#define OC_PEOPLE_MAX 64
#define OC_PEOPLE_ROWS 50 /* entries of one look-up */

#endif
