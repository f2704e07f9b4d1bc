/* page.h - plain HTML: one function per page. Text in view->pool: a whole valid document, or with
 * view->fragment only its content, as that says. */
#ifndef OC_VIEW_PAGE_H
#define OC_VIEW_PAGE_H

#include "view/api.h"
#include "view/html.h"

/* The beginning of every page: what stands around it, its heading, and in whose calendar one acts.
 */
oc_html_t *oc_page_begin(const oc_view_t *view, const char *title);

typedef struct oc_again_view_t { /* what came of a form, and what was typed in it */
    const oc_result_t *res;  /* reason OK: it only asks back (view->asked) */
    const oc_act_t *act;     /* may be NULL */
    const char *verb;
    const oc_form_t *values;
    const char *ref;         /* of the booking to be changed; NULL */
} oc_again_view_t;

/* The rooms, each leading to the booking form. found and wish as in oc_api_rooms(); NULL: all. */
const char *oc_page_rooms(const oc_view_t *view, const apr_array_header_t *found,
                          const oc_room_wish_t *wish);
const char *oc_page_freebusy(const oc_view_t *view, const apr_array_header_t *rows,
                             oc_range_t range, apr_time_t slot);
/* One booking; with the form to change it and a link to cancel it when it is this person's own.
 * note: outcome of the act that led here, or NULL. */
const char *oc_page_booking(const oc_view_t *view, const oc_booking_t *b, const char *note);
const char *oc_page_list(const oc_view_t *view, const oc_list_t *list, oc_range_t range,
                         const char *note);
typedef struct oc_mine_t {
    const oc_list_t *list;
    oc_range_t range;
    const char *self; /* "?" or "?x=1&": links of the page to itself go on from it; NULL: no
                       * links but to the bookings' own pages */
    const char *form;          /* path of the page whose form changes a booking; NULL = our own */
    const char *cancel;        /* {ref} of the booking that is to be cancelled, if it is so; NULL */
    const oc_booking_t *asked; /* that booking, if it is known */
    const oc_form_t *values;   /* for the form to cancel it */
    const oc_again_view_t *problem; /* why it was not cancelled; NULL */
    const char *note;
} oc_mine_t;
/* My bookings, each with links to change and to cancel it; and the question before the latter. */
const char *oc_page_mine(const oc_view_t *view, const oc_mine_t *mine);
/* The booking form. values: what was typed (or given in the query), NULL = empty. */
const char *oc_page_form(const oc_view_t *view, const oc_form_t *values);
/* The form again after names were looked up (view->asked, view->remarks). ref: to change that
 * booking; NULL: to create. */
const char *oc_page_asked(const oc_view_t *view, const oc_form_t *values, const char *ref);
/* The step before it is cancelled: its facts, and the form. values: "reason", "return"; NULL. */
const char *oc_page_cancel(const oc_view_t *view, const oc_booking_t *b, const oc_form_t *values);

/* The problem alone, for within any element. */
const char *oc_page_told(const oc_view_t *view, const oc_again_view_t *again);
/* What went wrong. When `values` is not NULL the form stands below with everything typed in it:
 * to create (ref NULL) or to change the booking `ref`. act may be NULL. */
const char *oc_page_problem(const oc_view_t *view, const oc_result_t *res, const oc_act_t *act,
                            const char *verb, const oc_form_t *values, const char *ref);
/* The outcome of the last post, for within any element. */
const char *oc_page_message(const oc_view_t *view, const char *note);
/* What stands after a page's own content when that could not be filled: the reason, quietly, and
 * the operation's id. For within any element. */
const char *oc_page_notice(const oc_view_t *view, const oc_result_t *res);
const char *oc_page_check(const oc_view_t *view, const apr_array_header_t *sections);

#endif
