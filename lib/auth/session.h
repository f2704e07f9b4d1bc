/* session.h - what a child process knows about being signed in as one identity on one site.
 *
 * Belongs to net's loop thread, like the signing jobs that hold it. A session never knows a
 * password; the identity key it is found by contains the password's HMAC, so a changed password
 * finds another session. Bounded: the one unused longest gives way, none in use does; unused ones
 * are dropped after a while anyway. Cookies are wiped before their memory is given back.
 */
#ifndef OC_AUTH_SESSION_H
#define OC_AUTH_SESSION_H

#include "auth/cookies.h"
#include "base/clock.h"

/* How far the login has come. In LOGON, READY and PROVING one job leads, the others wait. */
typedef enum oc_phase_t {
    OC_PHASE_NEW,     /* nothing is known: somebody has to lead */
    OC_PHASE_LOGON,   /* the logon form is on its way */
    OC_PHASE_READY,   /* the leader may send one exchange that proves the login */
    OC_PHASE_PROVING, /* that exchange is on its way */
    OC_PHASE_PROVEN   /* the server has accepted it */
} oc_phase_t;

typedef struct oc_session_t oc_session_t;
typedef struct oc_attach_t oc_attach_t; /* a signing job's hold on a session: see sign.h */

struct oc_session_t {
    char *key;              /* identity key and site */
    oc_phase_t phase;
    oc_attach_t *leader;    /* in LOGON, READY and PROVING */
    oc_attach_t *attached;  /* all jobs that hold it */
    char *probe_path;       /* this person can read it: a path to prove the login by; NULL */
    oc_cookies_t cookies;   /* forms logon */
    unsigned generation;    /* counts the logons made, from 1 */
    unsigned accepted;      /* the last generation that the server accepted; 0 = none */
    unsigned proofs;        /* counts how often the login was accepted as a proof */
    oc_mono_t accepted_at;  /* when any exchange was accepted last; 0 = none yet */
    unsigned serial;        /* tells sessions of this child apart */
    oc_mono_t born, used;
    int refs;
    oc_session_t *chain;         /* same bucket */
    oc_session_t *newer, *older; /* order of use */
};

typedef struct oc_sessions_t oc_sessions_t;

/* In the process's heap. NULL: out of memory. */
oc_sessions_t *oc_session_store(int max);
/* All sessions must have been given back. */
void oc_session_store_free(oc_sessions_t *store);
/* Found or made; held until oc_session_release(). NULL: out of memory. */
oc_session_t *oc_session_hold(oc_sessions_t *store, const char *key);
void oc_session_release(oc_sessions_t *store, oc_session_t *session);
/* Any thread. */
int oc_session_count(oc_sessions_t *store);
/* Remember a path to prove the login by, unless one is known. */
void oc_session_probe_path(oc_session_t *session, const char *path);

#endif
