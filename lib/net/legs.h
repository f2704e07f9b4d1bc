/* legs.h - how often one exchange may go out, and how often a password may be presented with it.
 *
 * libcurl begins an NTLM handshake anew for as long as the server asks for it (7.88.1: a challenge
 * in reply to the last message is answered by another last message, without end), and each round
 * counts for the account's lock-out. Here a challenge is answered once. Plain data; zeroed for each
 * exchange.
 */
#ifndef OC_NET_LEGS_H
#define OC_NET_LEGS_H

#include <apr_tables.h>

typedef struct oc_legs_t {
    int sent;
    int challenged; /* the server asked for the proof of the password */
    int proved;     /* and got it */
} oc_legs_t;

/* Before each sending: NULL, or why it must not be. */
const char *oc_legs_send(oc_legs_t *legs);
/* At a 401 within NTLM: 1 if it may ask for another leg, 0 if it is the answer: a second challenge
 * says that the proof was not good. */
int oc_legs_goes_on(oc_legs_t *legs, const apr_table_t *reply_headers);

#endif
