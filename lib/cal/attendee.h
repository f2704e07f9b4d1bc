/* attendee.h - people and rooms on a meeting, in iCalendar's words (RFC 5545). Plain data. */
#ifndef OC_CAL_ATTENDEE_H
#define OC_CAL_ATTENDEE_H

#include <apr_pools.h>
#include <apr_tables.h>

typedef enum oc_role_t { OC_ROLE_REQUIRED, OC_ROLE_OPTIONAL, OC_ROLE_RESOURCE } oc_role_t;
typedef enum oc_cutype_t { OC_CUTYPE_INDIVIDUAL, OC_CUTYPE_ROOM } oc_cutype_t;
typedef enum oc_partstat_t {
    OC_PARTSTAT_NEEDS_ACTION,
    OC_PARTSTAT_ACCEPTED,
    OC_PARTSTAT_TENTATIVE,
    OC_PARTSTAT_DECLINED,
    OC_PARTSTAT_UNKNOWN /* the server does not say */
} oc_partstat_t;

typedef struct oc_attendee_t {
    const char *address; /* SMTP address as given; compare with oc_attendee_same */
    const char *name;    /* display name or NULL */
    oc_role_t role;
    oc_cutype_t cutype;
    oc_partstat_t partstat;
    const char *room;    /* id of the configured room, or NULL */
    const char *mailbox; /* the calendar server's name of it, if it is known; or NULL */
} oc_attendee_t;

/* 1 if `s` is an address we are willing to put on the wire: local@domain, printable ASCII without
 * blanks, quotes, commas, semicolons, angle brackets; at most 254 bytes (RFC 5321). */
int oc_attendee_address_ok(const char *s);
/* Addresses are compared without regard to ASCII case. */
int oc_attendee_same(const char *a, const char *b);
/* The attendee with that address in an array of oc_attendee_t, or NULL. */
oc_attendee_t *oc_attendee_find(const apr_array_header_t *list, const char *address);
/* The name of his mailbox: `mailbox`, or what stands before the @, as it is by custom. */
const char *oc_attendee_mailbox(apr_pool_t *pool, const oc_attendee_t *a);
/* Reads a header list: `"Ana B" <ana@x.example>, bo@x.example; cy@x.example`. Rows whose address
 * is unusable are left out and counted in *bad (may be NULL). Never NULL. */
apr_array_header_t *oc_attendee_parse_list(apr_pool_t *pool, const char *header, oc_role_t role,
                                           int *bad);
/* The rows of such a list as they stand, const char *: split at commas and semicolons outside
 * quotes and angle brackets. Never NULL. */
apr_array_header_t *oc_attendee_split(apr_pool_t *pool, const char *header);
const char *oc_partstat_token(oc_partstat_t p); /* "NEEDS-ACTION", ... "UNKNOWN" */
/* "REQ-PARTICIPANT", "OPT-PARTICIPANT", "NON-PARTICIPANT" */
const char *oc_role_token(oc_role_t r);

#endif
