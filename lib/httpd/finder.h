/* finder.h - the kinds of fragments about rooms as such: `finder` and `rooms`. */
#ifndef OC_HTTPD_FINDER_H
#define OC_HTTPD_FINDER_H

#include "httpd/fragment.h"

extern const oc_fragment_kind_t oc_finder_kind;  /* a search for rooms that fit and are free */
extern const oc_fragment_kind_t oc_finder_rooms; /* the rooms, by seats and features only */

#endif
