/* write.h - what the verbs that act share: property sets, erasing an item, sending a message.
 *
 * Nothing here outside lib/backend/owa2003; all functions run on the thread that owns the call.
 *
 * Rules they keep: nothing that mails is sent twice; a reply that was lost is resolved by looking;
 * what a change structure says is true at every moment, so that a verb may be cut off anywhere.
 */
#ifndef OWA_WRITE_H
#define OWA_WRITE_H

#include "backend/owa2003/owa.h"

/* 1 if `verb` may be begun on what stands: a single booking of the organizer's own, with item and
 * uid. Else call->result says why not (write.c). */
int owa_may_change(oc_call_t *call, const oc_booking_t *b, const char *verb);

#define OWA_UNSENT OC_TEXT("An unsent message may be left in the Drafts folder.")

/* ---- how a write went (erase.c) ---- */

/* 1 if the server may have carried it out although it reported no success: the reply was lost, or
 * is of the 5xx kind (a 500 can come after the fact), or cannot be read. */
int owa_doubtful(const owa_ask_t *a);
/* 1 if the 2xx of a MOVE or DELETE is none: a page (a logon form, a gateway's notice), or a 207,
 * which these have only to name what failed (RFC 4918, 9.6.1 and 9.9.4). */
int owa_no_success(const owa_ask_t *a);
/* 1 if the name was taken, or the item was changed meanwhile: 412 outside or inside a 207. */
int owa_precondition_failed(const owa_ask_t *a);
/* 1 if some property was refused: the server's practice is to keep the others. */
int owa_partly(const owa_ask_t *a);

/* ---- erasing (erase.c) ---- */

/* DELETE until it is known whether the item is gone. DELETE mails nobody (Exchange SDK), so that it
 * is sent once more when a look shows that the first one, whose reply was lost, did nothing. */
typedef struct owa_erase_t owa_erase_t;
typedef void owa_erased_t(owa_verb_t *v, owa_erase_t *e);
struct owa_erase_t {
    const char *path; /* encoded */
    int look;         /* 1: do not take the server's word for it, look whether it is gone */
    int restart;      /* the verb may start again if the folders moved */
    const char *purpose;
    owa_erased_t *then;
    void *baton;

    oc_tri_t gone;      /* YES: nothing of that name stands there now */
    oc_tri_t was_there; /* YES: this erased it; NO: there was nothing */
    oc_result_t res;    /* why it is not gone, or not known to be */
    int tries;
};
void owa_erase(owa_verb_t *v, owa_erase_t *e);
/* A zeroed one in the call's pool. */
owa_erase_t *owa_erase_make(owa_verb_t *v, const char *path, const char *purpose,
                            owa_erased_t *then, void *baton);

/* ---- property sets (compose.c); arrays of oc_dav_set_t ---- */

/* The organizer's item (an appointment; a meeting if it has attendees). was NULL: a new one, with
 * class, uid and global object ids, absent values left out; else what a change of `was` may touch,
 * absent values removed. Of the people only lists that change are written: names, and whom we
 * cannot read, stay on the others. */
apr_array_header_t *owa_compose_item(apr_pool_t *pool, const oc_booking_t *b,
                                     const oc_booking_t *was);

typedef enum owa_mail_kind_t { OWA_MAIL_REQUEST, OWA_MAIL_CANCEL } owa_mail_kind_t;

/* A message about `b` to `people`. stamp 0: left to the server. note: the text of a cancellation,
 * or NULL for the booking's own. creating: 0 if a draft of an earlier try is written over, which
 * may have been to other people. */
apr_array_header_t *owa_compose_message(apr_pool_t *pool, const oc_booking_t *b,
                                        owa_mail_kind_t kind, const apr_array_header_t *people,
                                        int sequence, apr_time_t stamp, const char *note,
                                        int creating);
/* Addresses of one role with commas between; NULL if there are none. */
const char *owa_compose_list(apr_pool_t *pool, const apr_array_header_t *people, oc_role_t role);
/* The body of the update command: conf->update_lines or the built-in ones, each ended by CRLF. In a
 * line {msgid}, {subject}, {location} and {text} stand for the item's path below the mailbox
 * (decoded, "/Calendar/x.EML") and the booking's values. */
const char *owa_compose_update(apr_pool_t *pool, const oc_backend_conf_t *conf,
                               const owa_folders_t *own, const oc_booking_t *b, apr_size_t *len);

/* ---- sending (mail.c) ---- */

/* One scheduling message: prepared in Drafts, sent by a MOVE to the submission URI. */
typedef struct owa_mail_t owa_mail_t;
typedef void owa_mailed_t(owa_verb_t *v, owa_mail_t *m);
struct owa_mail_t {
    owa_mail_kind_t kind;
    const oc_booking_t *booking;
    const apr_array_header_t *people; /* oc_attendee_t: all of them are written to */
    const char *name; /* the part of the draft's name that tells it from others: "req" */
    int sequence;
    apr_time_t stamp;
    const char *note;
    int only_once; /* no other message of this class and uid may ever have been sent: if the
                      draft stands there already, Sent Items is looked at first */
    int restart;   /* the verb may start again if the folders moved: nothing was done yet */
    owa_mailed_t *then;
    void *baton;

    const char *path;    /* of the draft, encoded */
    oc_change_t *change; /* told and left_behind are kept true at every moment. told, at last:
                            UNVERIFIED (the server took it), TOLD (found in Sent Items), NOT,
                            UNKNOWN */
    oc_result_t res;     /* why it was not sent, or is not known to be */
    int taken;           /* how often the draft's name was found taken */
};
/* A zeroed one in the call's pool. */
owa_mail_t *owa_mail_make(owa_verb_t *v, owa_mail_kind_t kind, const oc_booking_t *b,
                          const apr_array_header_t *people, oc_change_t *change, owa_mailed_t *then,
                          void *baton);
/* Write the draft and send it. */
void owa_mail_send(owa_verb_t *v, owa_mail_t *m);
/* Send a draft that stands at m->path already. */
void owa_mail_submit(owa_verb_t *v, owa_mail_t *m);
/* 1 if all of `people` are among a found message's recipients. */
int owa_mail_reached(apr_pool_t *pool, const owa_message_t *message,
                     const apr_array_header_t *people);

/* A fresh change: nobody told, nothing changed, nothing left. */
oc_change_t *owa_change_make(apr_pool_t *pool);
/* Put a reason in place of what call->result says. `cause` gives status, step and detail; NULL. */
void owa_verdict(owa_verb_t *v, oc_reason_t reason, const oc_result_t *cause, const char *sentence);

#endif
