/* s4u.h - tickets for persons, got with the service's own key and kept in the memory of this child.
 *
 * The service's own ticket is got when first needed and renewed before it expires, by one thread at
 * a time: the others go on with the old one, or wait for the new. A person's ticket for a calendar
 * server is kept until shortly before it expires, so that the following tokens of the same person
 * need no KDC; it is found under exactly his principal, the server's name and the keytab only.
 *
 * Bounded in number and in bytes; what was unused for the longest time gives way, and is wiped. Any
 * thread.
 */
#ifndef OC_AUTH_S4U_H
#define OC_AUTH_S4U_H

#include "auth/keytab.h"

typedef struct oc_s4u_t oc_s4u_t;             /* the store */
typedef struct oc_s4u_ticket_t oc_s4u_ticket_t; /* one person's ticket, held */

/* At most `max` tickets. NULL: out of memory. */
oc_s4u_t *oc_s4u_create(int max);
/* No ticket may be held any more. */
void oc_s4u_free(oc_s4u_t *store);

/* What is kept; asks no KDC. NULL: nothing good. */
oc_s4u_ticket_t *oc_s4u_find(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                             const char *spn);
/* How long what is kept still lives; 0: nothing good is kept. Asks no KDC, changes nothing. */
apr_time_t oc_s4u_left(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                       const char *spn);
/* A new one, which replaces what was kept. Blocks; NULL with *why as oc_krb5_act(). */
oc_s4u_ticket_t *oc_s4u_get(oc_s4u_t *store, const oc_keytab_t *keytab, const char *principal,
                            const char *spn, oc_krb5_why_t *why);
/* The name of its cache in memory and of the cache's owner, for oc_krb5_make(). */
const char *oc_s4u_ccache(const oc_s4u_ticket_t *ticket);
const char *oc_s4u_owner(const oc_s4u_ticket_t *ticket);
/* Do not find it any more: it did not serve. Still held. */
void oc_s4u_forget(oc_s4u_t *store, oc_s4u_ticket_t *ticket);
void oc_s4u_release(oc_s4u_t *store, oc_s4u_ticket_t *ticket);

typedef struct oc_s4u_stats_t {
    int kept;
    apr_size_t bytes;
    unsigned own; /* how often the service's own ticket was got */
} oc_s4u_stats_t;
void oc_s4u_stats(oc_s4u_t *store, oc_s4u_stats_t *out);

#endif
