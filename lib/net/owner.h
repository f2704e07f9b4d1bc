/* owner.h - whose connection is this? The last defence against one person's request going out on
 * a connection that was authenticated for another.
 *
 * Kept apart from the connection caches on purpose: a socket is registered for an owner when it is
 * opened, and before every single sending the connection's addresses must lead back to a socket of
 * the same owner. An owner is a string (identity, site and kind of authentication). No locks, no
 * sockets of its own: net's loop thread owns it.
 */
#ifndef OC_NET_OWNER_H
#define OC_NET_OWNER_H

#include <apr_errno.h>

typedef struct oc_owner_t oc_owner_t;

typedef enum oc_owner_verdict_t {
    OC_OWNER_SAME,   /* this connection was opened for that owner */
    OC_OWNER_OTHER,  /* it was opened for somebody else */
    OC_OWNER_UNKNOWN /* no named socket has these addresses */
} oc_owner_verdict_t;

oc_owner_t *oc_owner_create(void);
void oc_owner_destroy(oc_owner_t *owners);

/* A socket was opened for `key` (copied). */
apr_status_t oc_owner_opened(oc_owner_t *owners, int fd, const char *key);
/* The socket got connected, `name` (copied) tells both its ends. Refused (APR_EINVAL) unless it was
 * opened for that key and has no name yet, and no other open socket has that name. */
apr_status_t oc_owner_named(oc_owner_t *owners, int fd, const char *key, const char *name);
oc_owner_verdict_t oc_owner_check(oc_owner_t *owners, const char *name, const char *key);
/* The socket is about to be closed. Unknown ones are ignored. */
void oc_owner_closed(oc_owner_t *owners, int fd);
/* 1 if the socket's own end is that address, as libcurl tells it before sending. */
int oc_owner_local(int fd, const char *ip, int port);
/* Sockets open now. */
int oc_owner_count(const oc_owner_t *owners);

#endif
