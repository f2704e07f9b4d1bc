/* people.h - the address book: `GET people`, and names typed where addresses are wanted. Request
 * thread. */
#ifndef OC_HTTPD_PEOPLE_H
#define OC_HTTPD_PEOPLE_H

#include "httpd/request.h"

/* Answers `GET people?q=`; the query has been read. */
int oc_people_get(oc_request_t *q);

/* For a free/busy query about `who` (const char *, addresses): how many members of lists may be
 * asked about; 0 if all are rooms of ours. */
int oc_people_lists(const oc_request_t *q, const apr_array_header_t *who);

/* Names among the attendees of q->in.form are looked up. One that means somebody without doubt is
 * replaced by his address, with a remark; q->in.form is a new one then. APR_SUCCESS: none is left,
 * the booking may go on. Otherwise q->result says why not, and if names are left q->view.asked has
 * whom they may mean and q->in.form is without them. A program's names are never replaced. */
apr_status_t oc_people_resolve(oc_request_t *q);
/* 1 if the form was sent by its button "Look up": nothing is to be booked. */
int oc_people_only_looks(const oc_request_t *q);
/* The answer to that: the form once more. ref: of the booking to be changed, or NULL. */
int oc_people_look(oc_request_t *q, const char *ref);

#endif
