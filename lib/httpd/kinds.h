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

#endif
