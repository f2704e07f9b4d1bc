/* refusals.h - marks that all children of a server share: this password was refused, that login is
 * being tried. They keep one person's wrong password from being sent often enough to lock the
 * account.
 *
 * A table in shared memory that needs no more than a process-shared robust mutex, held for some
 * hundred nanoseconds: a child killed while holding it harms nobody. Keys are HMACs of site, user
 * and password. The table is bounded: where it is full, the mark that would expire first gives way.
 * Any thread, any child. oc_refusals_size() and oc_refusals_init() stand in identity.h.
 */
#ifndef OC_AUTH_REFUSALS_H
#define OC_AUTH_REFUSALS_H

#include "auth/identity.h"

typedef enum oc_mark_t {
    OC_MARK_NONE = 0,
    OC_MARK_TRYING, /* another child is trying this login now */
    OC_MARK_REFUSED /* refused not long ago: do not send it */
} oc_mark_t;

/* Not changing anything. `owner` names the asking child: its own OC_MARK_TRYING reads as NONE. */
oc_mark_t oc_refusals_look(oc_refusals_t *table, const unsigned char mac[OC_HMAC_SIZE],
                           apr_uint64_t owner);
/* Ask to try a login: NONE means go on, and `owner` now holds the mark until `until`. */
oc_mark_t oc_refusals_begin(oc_refusals_t *table, const unsigned char mac[OC_HMAC_SIZE],
                            apr_uint64_t owner, oc_mono_t until);
/* The attempt is over: take one's own mark away. A refusal stays. */
void oc_refusals_end(oc_refusals_t *table, const unsigned char mac[OC_HMAC_SIZE],
                     apr_uint64_t owner);
/* It was refused: nobody sends it again before `until`. */
void oc_refusals_refuse(oc_refusals_t *table, const unsigned char mac[OC_HMAC_SIZE],
                        oc_mono_t until);

#endif
