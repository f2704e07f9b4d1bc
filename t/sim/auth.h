/* auth.h - who is asking: between auth.c (HTTP authentication) and forms.c (the logon form).
 *
 * The switches are rows of settings.c: auth, auth-offer, domain, fba-... Every function runs on the
 * thread that serves the request and answers into q->out; none needs the store's lock. What a
 * refusal was about goes into the reply header X-Sim-Auth, for the author of a client.
 */
#ifndef SIM_AUTH_H
#define SIM_AUTH_H

#include "sim.h"

/* The mailbox of a logon name: "alice", "EXAMPLE\alice", "example.test\alice",
 * "alice@example.test" or the mailbox's full address; NULL when the domain is not ours or nobody
 * has that name. */
sim_mailbox_t *sim_auth_user(const sim_req_t *q, const char *logon);

/* Compares without telling by its time where they differ. */
int sim_auth_equal(const char *a, const char *b);

/* Sets X-Sim-Auth. */
void sim_auth_reason(sim_req_t *q, const char *reason);

/* The answer to whoever has not proved who he is, as the present mode gives it: 401 with
 * challenges, or 440 or 302 with forms. Returns DONE. */
int sim_auth_refuse(sim_req_t *q, const char *reason);

/* What q proved is forgotten: the connection's NTLM state, the logon session of its cookies. */
void sim_auth_expire(sim_req_t *q);

/* 1 if the request came over TLS. */
int sim_auth_tls(const sim_req_t *q);

/* forms.c: as sim_auth_check, for the logon form. */
int sim_forms_check(sim_req_t *q);
/* 440 or 302, whichever this request gets. Returns DONE. */
int sim_forms_refuse(sim_req_t *q, const char *reason);
/* Ends the session of q's cookies. */
void sim_forms_expire(sim_req_t *q);
/* The logon page as a 200 in place of what was asked. Returns OK. */
int sim_forms_page(sim_req_t *q, const char *destination);
/* Forgets all sessions. */
void sim_forms_reset(void);

#endif
