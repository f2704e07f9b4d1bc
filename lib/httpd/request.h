/* request.h - one request to the handler: who, where, on which backend, in which format; and how
 * answers go out. Everything lives in r->pool; request thread. */
#ifndef OC_HTTPD_REQUEST_H
#define OC_HTTPD_REQUEST_H

#include "base/token.h"
#include "httpd/child.h"
#include "httpd/input.h"
#include "httpd/person.h"
#include "httpd/wait.h"
#include "view/page.h"

typedef struct oc_request_t {
    request_rec *r;
    const oc_server_conf_t *conf;
    const oc_dir_conf_t *dir;
    const oc_backend_t *backend;
    oc_child_t *child;
    oc_shared_t *shared;
    oc_person_t person;
    oc_token_scope_t scope;
    oc_op_conf_t op_conf;
    oc_view_t view;
    oc_input_t in;
    oc_result_t result;
    const char *route; /* what follows the base path, without suffix: "bookings/REF" */
    int json;          /* the answer is wanted as JSON */
    const char *back;  /* return=, if it is allowed; NULL */
    int ics;           /* as iCalendar (failures as JSON): 1 by Accept, 2 by the suffix */
    oc_wait_t wait;    /* of the operation that was run */
    const char *op_before; /* id that the answer bore before the last call was made; NULL */
    struct oc_freshness_scopes_t *freshness; /* freshness.c's own */
} oc_request_t;

/* Fill in everything but the input's form. A failure is in q->result; even then route, json, and
 * all of q->in and q->view that does not depend on the person are set. */
apr_status_t oc_request_open(oc_request_t *q, request_rec *r);

/* The same for a page elsewhere that shows something of ours: no route, and the handler's base is
 * OwaCalBase. */
apr_status_t oc_request_open_page(oc_request_t *q, request_rec *r);

/* A call for this person, with his identity; NULL with q->result set. All calls of one request go
 * by one op id. */
oc_call_t *oc_request_call(oc_request_t *q, oc_identity_t **id);
/* It turned out that nothing need be asked: destroys the call, whose id the answer does not bear.
 */
void oc_request_spare(oc_request_t *q, oc_call_t *call);
/* A query about the free/busy of these, in whole slots; a copy in the call's own pool, which an
 * abandoned operation still reads. */
oc_freebusy_query_t *oc_request_freebusy(oc_call_t *call, const apr_array_header_t *who,
                                         oc_range_t range, apr_time_t slot);
/* Run the operation; the outcome stands in q->result and q->wait. 1: the operation's results may be
 * read until oc_request_done(). */
int oc_request_run(oc_request_t *q, oc_call_t *call, oc_identity_t *id, oc_job_t *op,
                   oc_verb_t verb);
/* Count how an operation went, and log it under q->view.op_id if it went wrong. */
void oc_request_count(oc_request_t *q, oc_verb_t verb, const oc_result_t *res,
                      const oc_wait_t *wait);
/* Destroy the call. */
void oc_request_done(oc_request_t *q);

/* An idempotency key of its own for each form that is handed out; NULL: no randomness. */
const char *oc_request_key(const oc_request_t *q);

/* The item that a {ref} stands for; NULL with *res set (BOOKING_NOT_FOUND). */
const char *oc_request_item(const oc_request_t *q, const char *ref, oc_result_t *res);

/* The configured room of an address; NULL with q->result set (NO_SUCH_PAGE). */
const oc_room_t *oc_request_room(oc_request_t *q, const char *id);

/* One audit line: who, in whose name, what, room, UID, Message-ID, outcome, op id, ms. wanted: what
 * was asked for, when nothing came of it; NULL. */
void oc_request_audit(oc_request_t *q, oc_verb_t verb, const oc_act_t *act,
                      const oc_booking_t *wanted);

#define OC_REQUEST_HTML "text/html; charset=utf-8"
#define OC_REQUEST_VARY "Accept, Accept-Language" /* by what an answer may be another */

/* Send text (HTML or JSON by q->json); returns what the handler returns. */
int oc_request_send(oc_request_t *q, int status, const char *text);
/* The same, of a type, with the headers that no answer is without; the status, Cache-Control and
 * Vary are the caller's. */
int oc_request_write(oc_request_t *q, const char *type, const char *text);
/* The status of q->result, and what goes with it: when to come again. */
int oc_request_status(oc_request_t *q);
/* Send q->result as a problem; form != NULL: with the form filled in again, ref: for that booking.
 */
int oc_request_problem(oc_request_t *q, const oc_act_t *act, const char *verb,
                       const oc_form_t *form, const char *ref);
/* 303 to `path` with the outcome's sentence signed into its query. */
int oc_request_redirect(oc_request_t *q, const char *path, const char *sentence);

#endif
