/* test_ntlm.c - the NTLM verifier against the published vectors and against hostile messages. */

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "ntlm.h"
#include "tap.h"

/* [MS-NLMP] 4.2.4: User, Domain, Password, server challenge 0123456789abcdef, client challenge
 * aaaaaaaaaaaaaaaa, time 0; the proof is that of 4.2.4.2.2 */
static const unsigned char CHALLENGE[] = "\x01\x23\x45\x67\x89\xab\xcd\xef";
static const unsigned char RESPONSE[] =
    "\x68\xcd\x0a\xb8\x51\xe5\x1c\x96\xaa\xbc\x92\x7b\xeb\xef\x6a\x1c"
    "\x01\x01\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0" "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa" "\0\0\0\0"
    "\x02\0\x0c\0D\0o\0m\0a\0i\0n\0" "\x01\0\x0c\0S\0e\0r\0v\0e\0r\0" "\0\0\0\0" "\0\0\0\0";
#define RESPONSE_LEN (sizeof(RESPONSE) - 1)

static void put_field(unsigned char *msg, int at, unsigned len, unsigned off)
{
    msg[at] = msg[at + 2] = len & 255;
    msg[at + 1] = msg[at + 3] = len >> 8;
    msg[at + 4] = off & 255;
    msg[at + 5] = off >> 8;
}

/* A message 3 with 8-bit names; returns its length. */
static unsigned message3(unsigned char *msg, const char *domain, const char *user,
                         const void *response, unsigned rlen)
{
    unsigned n = 64;

    memset(msg, 0, 64);
    memcpy(msg, "NTLMSSP", 8);
    msg[8] = 3;
    put_field(msg, 28, strlen(domain), n);
    memcpy(msg + n, domain, strlen(domain));
    n += strlen(domain);
    put_field(msg, 36, strlen(user), n);
    memcpy(msg + n, user, strlen(user));
    n += strlen(user);
    put_field(msg, 20, rlen, n);
    memcpy(msg + n, response, rlen);
    return n + rlen;
}

int main(void)
{
    static const unsigned char hello[16] = "NTLMSSP\0\1\0\0\0\7\x82\x08";
    unsigned char msg[1024], *copy, *reply;
    sim_ntlm_t st = { { 0 }, 0 };
    sim_ntlm_t other;
    sim_ntlm_claim_t claim;
    apr_size_t len, i;
    apr_pool_t *p;
    int crashed = 0;

    apr_initialize();
    apr_pool_create(&p, NULL);

    memcpy(st.challenge, CHALLENGE, 8);
    len = message3(msg, "Domain", "User", RESPONSE, RESPONSE_LEN);
    ok(!sim_ntlm_read(p, &st, msg, len, &claim), "the published message is read");
    is_str(claim.user, "User", "user");
    is_str(claim.domain, "Domain", "domain");
    ok(sim_ntlm_verify(p, &st, &claim, "Password"), "the published proof is accepted");
    ok(!sim_ntlm_verify(p, &st, &claim, "password"), "another password is refused");
    ok(!sim_ntlm_verify(p, &st, &claim, ""), "an empty password is refused");

    claim.user = "uSER";
    ok(sim_ntlm_verify(p, &st, &claim, "Password"), "the user's case does not matter");
    claim.domain = "DOMAIN";
    ok(!sim_ntlm_verify(p, &st, &claim, "Password"), "the domain is part of the proof");

    other = st;
    other.challenge[7] ^= 1;
    sim_ntlm_read(p, &st, msg, len, &claim);
    ok(!sim_ntlm_verify(p, &other, &claim, "Password"), "an answer to another challenge");

    len = message3(msg, "D", "", RESPONSE, RESPONSE_LEN);
    is_str(sim_ntlm_read(p, &st, msg, len, &claim), "anonymous logon", "no user: anonymous");
    len = message3(msg, "D", "u", RESPONSE, 24);
    is_str(sim_ntlm_read(p, &st, msg, len, &claim), "NTLM version 1 response",
           "version 1 is refused");
    len = message3(msg, "D", "u\r\nX", RESPONSE, RESPONSE_LEN);
    is_str(sim_ntlm_read(p, &st, msg, len, &claim), "malformed user name",
           "control characters in a name are refused");

    /* every truncation, in a block of exactly that size so that a sanitizer sees an overrun */
    len = message3(msg, "Domain", "User", RESPONSE, RESPONSE_LEN);
    for (i = 0; i < len; i++) {
        copy = malloc(i ? i : 1);
        memcpy(copy, msg, i);
        if (!sim_ntlm_read(p, &st, copy, i, &claim))
            crashed++;
        free(copy);
    }
    is_int(crashed, 0, "no truncated message is accepted");
    put_field(msg, 36, 4, 0xfffe);
    ok(sim_ntlm_read(p, &st, msg, len, &claim) != NULL, "a field outside the message is refused");

    reply = sim_ntlm_challenge(p, &st, hello, sizeof(hello), "EXAMPLE", "example.test", &len);
    ok(reply && len > 56 && reply[8] == 2, "message 1 gets message 2");
    ok(reply && memcmp(reply + 24, st.challenge, 8) == 0, "the challenge is the one remembered");
    sim_ntlm_challenge(p, &other, hello, sizeof(hello), "EXAMPLE", "example.test", &len);
    ok(memcmp(other.challenge, st.challenge, 8) != 0, "each challenge is new");
    ok(!sim_ntlm_challenge(p, &st, msg, 64, "E", "e", &len), "message 3 gets no challenge");
    is_int(sim_ntlm_message((const unsigned char *)"NTLMSSP", 8), 0, "a bare signature is nothing");

    apr_pool_destroy(p);
    return done_testing();
}
