/* ntlm.c - see ntlm.h */

#include "ntlm.h"

#include <string.h>

#include <apr_general.h>
#include <apr_lib.h>
#include <apr_md4.h>
#include <apr_md5.h>
#include <apr_strings.h>

/* [MS-NLMP] 2.2.2.5 */
#define F_UNICODE 0x00000001u
#define F_OEM 0x00000002u
#define F_REQUEST_TARGET 0x00000004u
#define F_NTLM 0x00000200u
#define F_ALWAYS_SIGN 0x00008000u
#define F_TARGET_DOMAIN 0x00010000u
#define F_EXTENDED 0x00080000u
#define F_TARGET_INFO 0x00800000u
#define F_128 0x20000000u
#define F_56 0x80000000u

/* attribute-value pairs of the target information, 2.2.2.1 */
#define AV_EOL 0
#define AV_NB_COMPUTER 1
#define AV_NB_DOMAIN 2
#define AV_DNS_COMPUTER 3
#define AV_DNS_DOMAIN 4

#define NAME_MAX_BYTES 512      /* user, domain, workstation: far above what Windows allows */
#define RESPONSE_MIN (16 + 28)  /* proof, and the fixed head of the blob */
#define RESPONSE_MAX 8192

static const unsigned char SIGNATURE[8] = "NTLMSSP";

static unsigned get16(const unsigned char *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static unsigned get32(const unsigned char *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static void put16(unsigned char *p, unsigned v)
{
    p[0] = v & 255;
    p[1] = v >> 8 & 255;
}

static void put32(unsigned char *p, unsigned v)
{
    put16(p, v & 0xffff);
    put16(p + 2, v >> 16);
}

/* UTF-8 to UTF-16LE; a malformed byte becomes its own Latin-1 character, so that nothing is lost
 * silently and two different passwords stay different. `upper` folds ASCII and Latin-1/Latin
 * Extended-A letters, enough for the account names of a test server. */
static unsigned char *to_utf16(apr_pool_t *p, const char *s, int upper, apr_size_t *len)
{
    const unsigned char *u = (const unsigned char *)s;
    unsigned char *out = apr_palloc(p, strlen(s) * 4 + 2);
    apr_size_t n = 0;

    while (*u) {
        unsigned c = *u;
        int more = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0;
        int i;

        if (c < 0x80 || c >= 0xf5)
            more = 0;
        for (i = 1; i <= more; i++)
            if ((u[i] & 0xc0) != 0x80)
                more = 0;
        if (more) {
            c &= 0xff >> (more + 2);
            for (i = 1; i <= more; i++)
                c = c << 6 | (u[i] & 0x3f);
        }
        u += more + 1;
        if (upper) {
            if (c < 0x80)
                c = apr_toupper(c);
            else if (c >= 0xe0 && c <= 0xfe && c != 0xf7)
                c -= 32;
            else if (c >= 0x100 && c <= 0x177 && c != 0x131 && c != 0x138)
                c = (c >= 0x139 && c <= 0x148) ? c - !(c & 1) : c & ~1u;
        }
        if (c >= 0x10000) {
            put16(out + n, 0xd800 + ((c - 0x10000) >> 10));
            put16(out + n + 2, 0xdc00 + ((c - 0x10000) & 0x3ff));
            n += 4;
        }
        else {
            put16(out + n, c);
            n += 2;
        }
    }
    *len = n;
    return out;
}

/* The name in one security buffer as UTF-8, NULL if it holds a NUL or broken UTF-16. */
static const char *from_wire(apr_pool_t *p, const unsigned char *b, apr_size_t len, int unicode)
{
    char *out = apr_palloc(p, len * 3 + 1);
    apr_size_t i, n = 0;

    if (unicode && len % 2)
        return NULL;
    for (i = 0; i < len; i += unicode ? 2 : 1) {
        unsigned c = unicode ? get16(b + i) : b[i];

        if (c >= 0xd800 && c <= 0xdbff && i + 3 < len && (get16(b + i + 2) & 0xfc00) == 0xdc00) {
            c = 0x10000 + ((c & 0x3ff) << 10) + (get16(b + i + 2) & 0x3ff);
            i += 2;
        }
        else if (c < 0x20 || (c >= 0xd800 && c <= 0xdfff)) {
            return NULL;
        }
        if (c < 0x80 || !unicode) {
            out[n++] = c;       /* 8-bit names are taken as they come: UTF-8 from today's clients */
        }
        else if (c < 0x800) {
            out[n++] = 0xc0 | c >> 6;
            out[n++] = 0x80 | (c & 0x3f);
        }
        else if (c < 0x10000) {
            out[n++] = 0xe0 | c >> 12;
            out[n++] = 0x80 | (c >> 6 & 0x3f);
            out[n++] = 0x80 | (c & 0x3f);
        }
        else {
            out[n++] = 0xf0 | c >> 18;
            out[n++] = 0x80 | (c >> 12 & 0x3f);
            out[n++] = 0x80 | (c >> 6 & 0x3f);
            out[n++] = 0x80 | (c & 0x3f);
        }
    }
    out[n] = '\0';
    return out;
}

/* HMAC-MD5 (RFC 2104) over two pieces; keys here are 16 bytes. */
static void hmac_md5(unsigned char out[16], const unsigned char key[16], const void *a,
                     apr_size_t alen, const void *b, apr_size_t blen)
{
    unsigned char pad[64];
    apr_md5_ctx_t ctx;
    int i;

    for (i = 0; i < 64; i++)
        pad[i] = (i < 16 ? key[i] : 0) ^ 0x36;
    apr_md5_init(&ctx);
    apr_md5_update(&ctx, pad, sizeof(pad));
    apr_md5_update(&ctx, a, alen);
    apr_md5_update(&ctx, b, blen);
    apr_md5_final(out, &ctx);

    for (i = 0; i < 64; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    apr_md5_init(&ctx);
    apr_md5_update(&ctx, pad, sizeof(pad));
    apr_md5_update(&ctx, out, 16);
    apr_md5_final(out, &ctx);
}

int sim_ntlm_message(const unsigned char *msg, apr_size_t len)
{
    unsigned type;

    if (len < 12 || memcmp(msg, SIGNATURE, sizeof(SIGNATURE)) != 0)
        return 0;
    type = get32(msg + 8);
    return type == 1 || type == 3 ? (int)type : 0;
}

static unsigned char *av_pair(apr_pool_t *p, unsigned char *at, int id, const char *value)
{
    apr_size_t n = 0;
    unsigned char *u = to_utf16(p, value, 0, &n);

    put16(at, id);
    put16(at + 2, n);
    memcpy(at + 4, u, n);
    return at + 4 + n;
}

unsigned char *sim_ntlm_challenge(apr_pool_t *p, sim_ntlm_t *st, const unsigned char *msg,
                                  apr_size_t len, const char *netbios, const char *dns,
                                  apr_size_t *outlen)
{
    enum { HEAD = 56 };
    unsigned char *out, *info, *end;
    const unsigned char *name = (const unsigned char *)netbios;
    apr_size_t namelen = strlen(netbios);
    unsigned flags;

    if (sim_ntlm_message(msg, len) != 1 || len < 16)
        return NULL;
    flags = get32(msg + 12);
    if (!(flags & (F_UNICODE | F_OEM)))
        return NULL;
    st->unicode = (flags & F_UNICODE) != 0;
    if (apr_generate_random_bytes(st->challenge, sizeof(st->challenge)) != APR_SUCCESS)
        return NULL;
    if (st->unicode)
        name = to_utf16(p, netbios, 0, &namelen);

    out = apr_pcalloc(p, HEAD + namelen + 5 * 4 + 2 * (2 * strlen(netbios) + 2 * strlen(dns) + 16));
    memcpy(out, SIGNATURE, sizeof(SIGNATURE));
    put32(out + 8, 2);
    put16(out + 12, namelen);
    put16(out + 14, namelen);
    put32(out + 16, HEAD);
    put32(out + 20, (st->unicode ? F_UNICODE : F_OEM) | F_REQUEST_TARGET | F_NTLM | F_TARGET_DOMAIN
          | F_TARGET_INFO | (flags & (F_ALWAYS_SIGN | F_EXTENDED | F_128 | F_56)));
    memcpy(out + 24, st->challenge, sizeof(st->challenge));
    memcpy(out + 48, "\5\2\xce\x0e\0\0\0\x0f", 8);     /* version 5.2.3790: Windows 2003 */
    memcpy(out + HEAD, name, namelen);

    info = end = out + HEAD + namelen;
    end = av_pair(p, end, AV_NB_DOMAIN, netbios);
    end = av_pair(p, end, AV_NB_COMPUTER, "EXCHANGE");
    end = av_pair(p, end, AV_DNS_DOMAIN, dns);
    end = av_pair(p, end, AV_DNS_COMPUTER, apr_pstrcat(p, "exchange.", dns, NULL));
    put32(end, AV_EOL);
    end += 4;
    put16(out + 40, end - info);
    put16(out + 42, end - info);
    put32(out + 44, info - out);
    *outlen = end - out;
    return out;
}

/* One security buffer of the message; 0 when it points outside. */
static int field(const unsigned char *msg, apr_size_t len, int at, apr_size_t max,
                 const unsigned char **data, apr_size_t *n)
{
    apr_size_t off;

    *n = get16(msg + at);
    off = get32(msg + at + 4);
    if (*n > max || (*n && (off > len || *n > len - off)))
        return 0;
    *data = *n ? msg + off : msg;
    return 1;
}

const char *sim_ntlm_read(apr_pool_t *p, const sim_ntlm_t *st, const unsigned char *msg,
                          apr_size_t len, sim_ntlm_claim_t *claim)
{
    const unsigned char *d;
    apr_size_t n;

    memset(claim, 0, sizeof(*claim));
    if (sim_ntlm_message(msg, len) != 3 || len < 52)
        return "not an NTLM message 3";
    if (!field(msg, len, 28, NAME_MAX_BYTES, &d, &n)
        || !(claim->domain = from_wire(p, d, n, st->unicode)))
        return "malformed domain name";
    if (!field(msg, len, 36, NAME_MAX_BYTES, &d, &n)
        || !(claim->user = from_wire(p, d, n, st->unicode)))
        return "malformed user name";
    if (!field(msg, len, 44, NAME_MAX_BYTES, &d, &n)
        || !(claim->workstation = from_wire(p, d, n, st->unicode)))
        return "malformed workstation name";
    if (!field(msg, len, 20, RESPONSE_MAX, &d, &n))
        return "malformed response";
    if (!*claim->user)
        return "anonymous logon";
    if (n == 24)
        return "NTLM version 1 response";
    if (n < RESPONSE_MIN)
        return "response too short";
    claim->response = d;
    claim->response_len = n;
    return NULL;
}

int sim_ntlm_verify(apr_pool_t *p, const sim_ntlm_t *st, const sim_ntlm_claim_t *claim,
                    const char *password)
{
    unsigned char hash[16], key[16], proof[16];
    unsigned char *u, *d;
    apr_size_t ulen, dlen, i;
    unsigned diff = 0;

    u = to_utf16(p, password, 0, &ulen);
    apr_md4(hash, u, ulen);
    u = to_utf16(p, claim->user, 1, &ulen);
    d = to_utf16(p, claim->domain, 0, &dlen);
    hmac_md5(key, hash, u, ulen, d, dlen);
    hmac_md5(proof, key, st->challenge, sizeof(st->challenge), claim->response + 16,
             claim->response_len - 16);
    for (i = 0; i < sizeof(proof); i++)
        diff |= proof[i] ^ claim->response[i];
    return diff == 0;
}
