/* result.h - what went wrong, said once and in a form that log, page and JSON share.
 *
 * Functions return apr_status_t; whoever discovers a failure fills the call's oc_result_t with a
 * reason, the step it was in and a detail for the administrator. Callers that know more wrap it
 * with their own step. Only the code that ends the operation logs it, once.
 *
 * A result is plain data in the pool it was initialised with; one thread owns it at a time (the
 * thread that owns the operation, see call.h).
 */
#ifndef OC_BASE_RESULT_H
#define OC_BASE_RESULT_H

#include <apr_pools.h>
#include <apr_errno.h>

#include "base/mark.h"

/* The broad classes of failure. */
typedef enum oc_kind_t {
    OC_KIND_OK = 0,
    OC_KIND_INPUT,    /* the request was wrong: its sender can mend it */
    OC_KIND_CONFLICT, /* the request was right, but the calendar says no */
    OC_KIND_DENIED,   /* this person may not */
    OC_KIND_NOT_FOUND,
    OC_KIND_AUTH,     /* no usable credential, or one that was refused */
    OC_KIND_UPSTREAM, /* the calendar server failed or answered nonsense */
    OC_KIND_TIMEOUT,
    OC_KIND_BUSY,    /* a bound was reached: come back later */
    OC_KIND_INTERNAL /* our configuration or our own fault */
} oc_kind_t;

/* Every reason there is, with its token, kind, HTTP status and the sentence a person reads. The
 * one list: the enum, the table in reason.c, README's table and its drift test follow it.
 * X(NAME, token, kind, HTTP status, sentence) */
#define OC_REASONS(X)                                                                              \
    X(OK, "ok", OK, 200, "Done.")                                                                  \
    X(INVALID_INPUT, "invalid-input", INPUT, 422, "Some of the values sent are missing or wrong.") \
    X(MALFORMED_BODY, "malformed-body", INPUT, 400, "The request body could not be read.")         \
    X(BODY_TOO_LARGE, "body-too-large", INPUT, 413, "The request body is too large.")              \
    X(UNSUPPORTED_TYPE, "unsupported-media-type", INPUT, 415,                                      \
      "This content type is not accepted here.")                                                   \
    X(METHOD, "method-not-allowed", INPUT, 405, "This method is not allowed here.")                \
    X(NO_SUCH_PAGE, "no-such-page", NOT_FOUND, 404, "There is nothing at this address.")           \
    X(ORIGIN_REFUSED, "origin-refused", DENIED, 403,                                               \
      "The request came from another site and was refused.")                                       \
    X(FORM_TOKEN_INVALID, "form-token-invalid", DENIED, 403,                                       \
      "The form does not belong to you or was changed; open it again.")                            \
    X(FORM_TOKEN_EXPIRED, "form-token-expired", CONFLICT, 409,                                     \
      "The form has been open too long; send it once more.")                                       \
    X(RETURN_REFUSED, "return-refused", INPUT, 422, "The page to return to is not allowed.")       \
    X(PAST_DATE, "past-date", INPUT, 422, "The time lies in the past.")                            \
    X(TIME_GAP, "time-does-not-exist", INPUT, 422,                                                 \
      "That local time does not exist: the clocks are put forward then.")                          \
    X(RANGE_TOO_LONG, "range-too-long", INPUT, 422, "The time range is too long.")                 \
    X(TOO_MANY_ATTENDEES, "too-many-attendees", INPUT, 422, "There are too many attendees.")       \
    X(UNKNOWN_ROOM, "unknown-room", INPUT, 422, "There is no such room.")                          \
    X(KEY_CONFLICT, "key-conflict", INPUT, 422,                                                    \
      "This idempotency key was used before for a different booking.")                             \
    X(RECURRING, "recurring-not-supported", INPUT, 422,                                            \
      "A recurring meeting cannot be changed or cancelled here.")                                  \
    X(ROOM_TAKEN, "room-taken", CONFLICT, 409, "The room is taken at that time.")                  \
    X(ATTENDEE_BUSY, "attendee-busy", CONFLICT, 409, "Somebody is not free at that time.")         \
    X(AVAILABILITY_UNKNOWN, "availability-unknown", CONFLICT, 409,                                 \
      "Whether the room is free could not be found out.")                                          \
    X(CHANGED_MEANWHILE, "changed-meanwhile", CONFLICT, 409,                                       \
      "The booking was changed by somebody else in the meantime.")                                 \
    X(LOCKED, "locked", CONFLICT, 409, "The booking is open elsewhere; try again later.")          \
    X(BOOKING_NOT_FOUND, "booking-not-found", NOT_FOUND, 404, "There is no such booking.")         \
    X(NOT_ORGANIZER, "not-organizer", DENIED, 403, "Only the organizer can do this.")              \
    X(NOT_AUTHENTICATED, "not-authenticated", INTERNAL, 500,                                       \
      "Nobody is signed in: this location is not protected by a login.")                           \
    X(MISCONFIGURED, "misconfigured", INTERNAL, 500, "The booking service is misconfigured.")      \
    X(IDENTITY_MISMATCH, "identity-mismatch", INTERNAL, 500,                                       \
      "The credential found does not belong to the person signed in.")                             \
    X(NO_MAILBOX, "no-mailbox", DENIED, 403, "No mailbox belongs to the person signed in.")        \
    X(MAILBOX_REFUSED, "mailbox-refused", DENIED, 403,                                             \
      "You may not act in that mailbox here.")                                                     \
    X(NO_CREDENTIAL, "no-delegated-credential", AUTH, 403,                                         \
      "The login did not leave a credential to act with.")                                         \
    X(CREDENTIAL_EXPIRED, "credential-expired", AUTH, 403,                                         \
      "The login has expired; sign in again.")                                                     \
    X(DELEGATION_REFUSED, "delegation-refused", AUTH, 403,                                         \
      "This account may not be used on behalf of its owner.")                                      \
    X(UNKNOWN_PRINCIPAL, "unknown-principal", AUTH, 403, "The domain does not know this account.") \
    X(PASSWORD_REFUSED, "upstream-refused-login", AUTH, 403,                                       \
      "The calendar server refused the password.")                                                 \
    X(TOKEN_REFUSED, "upstream-refused-login", AUTH, 502,                                          \
      "The calendar server refused a valid login.")                                                \
    X(RELAY_REFUSED, "relay-refused", AUTH, 403,                                                   \
      "The login cannot be passed on over this connection.")                                       \
    X(CLOCK_SKEW, "clock-skew", AUTH, 502, "The clocks of the servers differ too much.")           \
    X(KDC_UNREACHABLE, "kdc-unreachable", BUSY, 503,                                               \
      "The domain's login service does not answer.")                                               \
    X(BUSY, "busy", BUSY, 503, "Too much is going on; try again in a moment.")                     \
    X(TOO_MANY_REQUESTS, "too-many-requests", BUSY, 429, "You have too many requests under way.")  \
    X(STOPPING, "stopping", BUSY, 503, "The web server is being restarted; try again.")            \
    X(ACCESS_DENIED, "access-denied", DENIED, 403, "The calendar server does not permit this.")    \
    X(MAILBOX_NOT_FOUND, "mailbox-not-found", NOT_FOUND, 404, "There is no such mailbox.")         \
    X(QUOTA, "mailbox-full", UPSTREAM, 507, "The mailbox is full.")                                \
    X(UPSTREAM_ERROR, "upstream-error", UPSTREAM, 502, "The calendar server reported an error.")   \
    X(UPSTREAM_PROTOCOL, "upstream-protocol", UPSTREAM, 502,                                       \
      "The calendar server sent an answer that cannot be understood.")                             \
    X(UPSTREAM_TOO_LARGE, "upstream-too-large", UPSTREAM, 502,                                     \
      "The calendar server sent too large an answer.")                                             \
    X(UPSTREAM_REDIRECT, "upstream-redirect", UPSTREAM, 502,                                       \
      "The calendar server pointed to a server that is not configured.")                           \
    X(UPSTREAM_UNAVAILABLE, "upstream-unavailable", BUSY, 503,                                     \
      "The calendar server cannot be reached.")                                                    \
    X(UPSTREAM_TIMEOUT, "upstream-timeout", TIMEOUT, 504,                                          \
      "The calendar server did not answer in time.")                                               \
    X(OUTCOME_UNKNOWN, "outcome-unknown", TIMEOUT, 504,                                            \
      "Whether it was done could not be found out; look at your calendar.")                        \
    X(NOT_TOLD, "attendees-not-told", UPSTREAM, 502,                                               \
      "It stands in the calendar, but the attendees were not told.")                               \
    X(LEFT_BEHIND, "left-behind", UPSTREAM, 502,                                                   \
      "It failed half-way and could not be undone completely.")                                    \
    X(INTERNAL, "internal", INTERNAL, 500, "An internal error occurred.")

typedef enum oc_reason_t {
#define X(name, token, kind, http, sentence) OC_REASON_##name,
    OC_REASONS(X)
#undef X
        OC_REASON_COUNT
} oc_reason_t;

typedef struct oc_result_t {
    apr_pool_t *pool;    /* for the strings below */
    apr_status_t status; /* APR_SUCCESS, or the status the function returned */
    oc_reason_t reason;  /* OC_REASON_OK while nothing failed */
    const char *step;    /* "check > freebusy": outermost first; NULL */
    int upstream_status; /* HTTP or multistatus status that caused it; 0 = none */
    int retry_after;     /* seconds, 0 = do not say */
    const char *field;   /* input: the form field or JSON member at fault; NULL */
    const char *detail;  /* for log and administrator, never a secret; may quote input: escape it */
    /* input: the detail as people are told it, in any language: "more than {1} bytes", and what
     * stands for {1}, {2}, ..; NULL: there is none, or it is of no kind that people are told */
    const char *said;
    const char *const *values; /* said_count of them */
    int said_count;
} oc_result_t;

void oc_result_init(oc_result_t *res, apr_pool_t *pool);

/* Record a failure. The first failure of an operation stands; a later one is kept as part of the
 * detail ("then: ..."). Returns APR_EGENERAL (or `status` kept by oc_result_set) so that a caller
 * can `return oc_result_fail(...)`. detail is a printf format; the text is copied.
 * Of reasons of kind INPUT, people are told the detail: what it says in their language stands in
 * lib/view/po under the format, with {1}, {2}, .. for its conversions. */
apr_status_t oc_result_fail(oc_result_t *res, oc_reason_t reason, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for one input field: fills `field`, reason INVALID_INPUT unless another is given. */
apr_status_t oc_result_field(oc_result_t *res, oc_reason_t reason, const char *field,
                             const char *detail, ...) __attribute__((format(printf, 4, 5)));
/* Put `step` in front of the path of steps. No effect while nothing failed. */
void oc_result_wrap(oc_result_t *res, const char *step);
/* Forget a failure that was dealt with (a fall-back succeeded). */
void oc_result_clear(oc_result_t *res);
/* Copy into another pool. */
void oc_result_copy(oc_result_t *to, const oc_result_t *from, apr_pool_t *pool);

/* The table (reason.c). Never NULL; an unknown reason reads as INTERNAL. */
const char *oc_reason_token(oc_reason_t reason);
const char *oc_reason_sentence(oc_reason_t reason);
oc_kind_t oc_reason_kind(oc_reason_t reason);
int oc_reason_http(oc_reason_t reason);
int oc_reason_loglevel(oc_reason_t reason); /* an OC_LOG_* level, see log.h */

#endif
