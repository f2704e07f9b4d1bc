/* legs.c - see legs.h. */
#include <strings.h>

#include "net/legs.h"

/* Two for a handshake, once more when an old connection died, one to find out that an old login has
 * been forgotten, and some for a server that closes early. */
#define SENT_MAX 6

const char *oc_legs_send(oc_legs_t *legs)
{
    if (legs->proved) {
        return "the connection died when the password had been presented; not once more";
    }
    if (++legs->sent > SENT_MAX) {
        return "the server does not let the login come to an end";
    }
    legs->proved = legs->challenged;
    return NULL;
}

static int is_challenge(void *baton, const char *name, const char *value)
{
    (void)name;
    if (strncasecmp(value, "NTLM ", 5) == 0) {
        *(int *)baton = 1;
    }
    return 1;
}

int oc_legs_goes_on(oc_legs_t *legs, const apr_table_t *reply_headers)
{
    int challenge = 0, again = legs->challenged;

    apr_table_do(is_challenge, &challenge, reply_headers, "WWW-Authenticate", NULL);
    legs->challenged |= challenge;
    return !(challenge && again);
}
