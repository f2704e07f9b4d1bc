/* handler.h - the content handlers: `owacal` (the booking interface) and `owacal-status`. */
#ifndef OC_HTTPD_HANDLER_H
#define OC_HTTPD_HANDLER_H

#include <httpd.h>

#include "httpd/request.h"

/* httpd's handler hook: DECLINED unless the request's handler is "owacal". Never answers 401. */
int oc_handler(request_rec *r);
/* DECLINED unless the request's handler is "owacal-status" (status.c). */
int oc_status_handler(request_rec *r);

/* Body, origin, form token and return=: what every state-changing request has to pass. *form is set
 * as soon as there is something that could be put back into a form; *back: where the sender wants
 * to go, NULL if he did not say. Fails with q->result set. */
apr_status_t oc_handler_admit(oc_request_t *q, const oc_form_t **form, const char **back);

/* `GET check` (check.c): the self-test. */
int oc_check_run(oc_request_t *q);
/* 1 if the self-test is asked for and oc_request_open() failed with something that it can explain
 * to the person signed in: oc_check_run() may be called then as well. */
int oc_check_explains(const oc_request_t *q);

#endif
