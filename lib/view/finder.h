/* finder.h - the search for a room, what it found, and the list of rooms. Text only, see view.h. */
#ifndef OC_VIEW_FINDER_H
#define OC_VIEW_FINDER_H

#include "cal/find_room.h"
#include "view/html.h"
#include "view/view.h"

typedef struct oc_finder_t {
    const char *action;           /* where the search is sent; NULL = the page's own address */
    const oc_form_t *others;      /* the page's other fields, which stay as they are */
    const oc_result_t *problem;   /* what is wrong with the search; reason OK = nothing */
    const oc_form_t *values;      /* what was searched for */
    const apr_array_header_t *features; /* const char *: all that any room has */
    const oc_room_wish_t *wish;   /* NULL: nothing was searched for */
    const apr_array_header_t *found;    /* oc_candidate_t; NULL likewise */
    const apr_array_header_t *later;    /* oc_finder_free_t, earliest first: if no room fits; NULL =
                                         * was not looked for */
    int days;                     /* how far was looked then */
    const char *form, *prefix;    /* where a free room leads, see oc_view_form_path() */
} oc_finder_t;

typedef struct oc_finder_free_t {
    const oc_room_t *room;
    apr_time_t start;
} oc_finder_free_t;

/* The search as a form of the page itself, and below it what it found. */
void oc_finder_search(const oc_view_t *view, oc_html_t *h, const oc_finder_t *finder);
/* Rooms as a list, each leading to the form; found: oc_candidate_t, with why one does not fit. */
void oc_finder_list(const oc_view_t *view, oc_html_t *h, const apr_array_header_t *found,
                    oc_range_t when, const char *form, const char *prefix);

#endif
