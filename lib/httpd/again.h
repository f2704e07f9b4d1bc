/* again.h - a form that failed comes back in the page it stood in.
 *
 * The page named by return= is run as a subrequest (GET) and what it makes is caught; the fragments
 * in it find here what was typed and what went wrong. Only if the form really stands in what was
 * caught is that sent, with the failure's status; else nothing has been sent yet, and the caller
 * answers with a page of our own. Nothing is stored anywhere. Request thread.
 */
#ifndef OC_HTTPD_AGAIN_H
#define OC_HTTPD_AGAIN_H

#include "httpd/request.h"

#define OC_AGAIN_MOST (1024 * 1024) /* bytes of such a page */

typedef struct oc_again_t {
    const oc_request_t *q;     /* whose result, and whose view's remarks, errors and questions */
    const oc_act_t *act;       /* may be NULL */
    const char *verb;          /* "book", "change", "cancel" */
    const oc_form_t *values;   /* as typed, for another try */
    const char *ref;           /* of the booking to be changed or cancelled; NULL */
    int place;                 /* number of the form among those of the page; 0 = the first */
    int shown;                 /* set by the fragment that has what was typed in it */
    const request_rec *owner;  /* again.c's own: the request that is answered */
} oc_again_t;

/* Answers with the form, as it stands in q->in.form, once more: in the page q->back if there is one
 * that has a place for it, else in a page of our own. q->result: what went wrong, or OK if it is
 * only asked back (q->view.asked). act: may be NULL. */
int oc_again_answer(oc_request_t *q, const oc_act_t *act, const char *verb, const char *ref);
/* 1 if r is answered by such a page, which has been filled already. */
int oc_again_owns(const request_rec *r);
/* What the page of request r has to show; NULL: it was asked for by itself. */
oc_again_t *oc_again_of(const request_rec *r);
/* The request that r is in the end a part of: the outermost of its page. */
const request_rec *oc_again_top(const request_rec *r);
/* The one around r that belongs to the same page, or NULL. */
const request_rec *oc_again_outer(const request_rec *r);

void oc_again_register(void);

#endif
