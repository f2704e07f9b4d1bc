/* kinds.h - the kinds of fragments that are made here; rows of the table in fragment.c. */
#ifndef OC_HTTPD_KINDS_H
#define OC_HTTPD_KINDS_H

#include "httpd/fragment.h"

extern const oc_fragment_kind_t oc_kinds_agenda;  /* what stands in a room */
extern const oc_fragment_kind_t oc_kinds_form;    /* the booking form */
extern const oc_fragment_kind_t oc_kinds_grid;    /* rooms and people by slots */
extern const oc_fragment_kind_t oc_kinds_message; /* outcome of the last post */
extern const oc_fragment_kind_t oc_kinds_mine;    /* my bookings */
extern const oc_fragment_kind_t oc_kinds_next;    /* a room's state in one line */
extern const oc_fragment_kind_t oc_kinds_panel;   /* what hangs at a room's door */

/* ---- what kinds have in common ---- */

/* Free/busy is asked for whole days in slots of this, however it is shown, so that all of a page's
 * fragments about one day ask for the same. */
#define OC_KINDS_SLOT apr_time_from_sec(300)

/* Where links to the form lead: a page of this host, or the handler's own. Fails with f->result
 * set.
 */
apr_status_t oc_kinds_form_of(oc_fragment_t *f, const char **path, const char **prefix);
/* The fragment waits for that look-up; the i-th of them. */
void oc_kinds_need(oc_fragment_t *f, oc_lookup_t *l);
oc_lookup_t *oc_kinds_lookup(const oc_fragment_t *f, int i);

#endif
