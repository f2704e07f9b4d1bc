/* form.h - the forms to book, to change and to cancel, and what was wrong with them. They work
 * without script; every mistake stands at its field, is tied to it for those who hear the page, and
 * is linked to from the top. Text only, see view.h. */
#ifndef OC_VIEW_FORM_H
#define OC_VIEW_FORM_H

#include "view/html.h"
#include "view/view.h"

/* values: what was typed or is to stand there, NULL = nothing; ref: change that booking, NULL: book
 * a new one. view->errors and res (may be NULL) say what is wrong. Nothing without view->token. */
void oc_form_booking(const oc_view_t *view, oc_html_t *h, const oc_form_t *values, const char *ref,
                     const oc_result_t *res);
/* The step before a booking is cancelled. values: "reason" and "return". keep: where the link leads
 * that leaves it alone. b: what is to be cancelled; NULL = not known. */
void oc_form_cancel(const oc_view_t *view, oc_html_t *h, const char *ref, const oc_booking_t *b,
                    const oc_form_t *values, const char *keep);
/* What went wrong, in a box with links to the fields: what was done, what not, what was left
 * behind, the reason and the operation. act may be NULL. */
void oc_form_problem(const oc_view_t *view, oc_html_t *h, const oc_result_t *res,
                     const oc_act_t *act, const char *verb);
/* The same for within any element, without the links. */
void oc_form_told(const oc_view_t *view, oc_html_t *h, const oc_result_t *res, const oc_act_t *act,
                  const char *verb);
/* What was decided for the sender. */
void oc_form_remarks(const oc_view_t *view, oc_html_t *h);
/* "Start: is missing" of a failure that its reader can mend; NULL. */
const char *oc_form_detail(const oc_view_t *view, const oc_result_t *res);
/* "upstream-timeout, operation 4f3a..", for whoever is asked for help. */
const char *oc_form_code(const oc_view_t *view, const oc_result_t *res);

/* The booking as form values, so that the change form shows what stands. */
oc_form_t *oc_form_values(const oc_view_t *view, const oc_booking_t *b);
/* Value of a field; several joined by commas; NULL if there is none. */
const char *oc_form_value(apr_pool_t *pool, const oc_form_t *values, const char *name);

#endif
