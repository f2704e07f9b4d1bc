/* ntlm.h - the three NTLM messages, server side, verified for real (NTLMv2).
 *
 * Layout and key derivation after [MS-NLMP] 2.2.1 and 3.3.2. Only NTLMv2 is accepted: the server
 * always sends target information, to which every client of the last twenty years answers with it.
 * Like Windows 2003, no time stamp is sent, so a client has no reason to add an integrity code.
 *
 * Pure functions without sockets or httpd; every input is bounded and may come from an attacker.
 * Any thread.
 */
#ifndef SIM_NTLM_H
#define SIM_NTLM_H

#include <apr_pools.h>

#define SIM_NTLM_CHALLENGE 8

/* What a server remembers between its challenge and the client's answer. */
typedef struct {
    unsigned char challenge[SIM_NTLM_CHALLENGE];
    int unicode;                /* names in the answer are UTF-16LE, else 8-bit */
} sim_ntlm_t;

/* Who the client claims to be, and what it proves it with; strings are UTF-8, in the pool. */
typedef struct {
    const char *user;
    const char *domain;
    const char *workstation;
    const unsigned char *response;      /* 16 bytes of proof, then the client's blob */
    apr_size_t response_len;
} sim_ntlm_claim_t;

/* Message number 1 or 3; 0 when these bytes are no such NTLM message. */
int sim_ntlm_message(const unsigned char *msg, apr_size_t len);

/* Answers message 1 with message 2. Fills *st with a fresh random challenge. `netbios` and `dns`
 * name the domain ("EXAMPLE", "example.test"). Returns the message in the pool and its length, NULL
 * when message 1 is malformed. */
unsigned char *sim_ntlm_challenge(apr_pool_t *p, sim_ntlm_t *st, const unsigned char *msg,
                                  apr_size_t len, const char *netbios, const char *dns,
                                  apr_size_t *outlen);

/* Reads message 3. Returns NULL, or a sentence saying what is wrong with the message. */
const char *sim_ntlm_read(apr_pool_t *p, const sim_ntlm_t *st, const unsigned char *msg,
                          apr_size_t len, sim_ntlm_claim_t *claim);

/* 1 when the claim's response was made with this password (UTF-8) for this very challenge. */
int sim_ntlm_verify(apr_pool_t *p, const sim_ntlm_t *st, const sim_ntlm_claim_t *claim,
                    const char *password);

#endif
