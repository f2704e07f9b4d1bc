/*
 * A scripted HTTP server for units: one thread accepts on a free loopback port, one thread per
 * connection runs the test's function. It says what it is told to and knows nothing by itself.
 *
 * Test functions of different connections run side by side: what they share is guarded by
 * peer_lock()/peer_unlock(), or atomic.
 */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>

typedef struct peer_t peer_t;

typedef struct peer_conn_t {
    peer_t *peer;
    int fd;
    int number;   /* 1 = the first connection accepted */
    int requests; /* read so far on this connection */
    void *baton;
    char head[65536]; /* of the last request, ended by NUL, without its empty line */
    char body[65536]; /* of the last request, ended by NUL */
    size_t body_len;
    char left[65536]; /* read ahead */
    size_t left_len;
} peer_conn_t;

/* Returning ends the connection. */
typedef void peer_script_t(peer_conn_t *c);

/* NULL: no port, no thread. */
peer_t *peer_start(peer_script_t *script, void *baton);
/* Cuts what is still open, waits for the threads, frees. */
void peer_stop(peer_t *peer);
int peer_port(const peer_t *peer);
int peer_connections(peer_t *peer); /* accepted so far */
void peer_lock(peer_t *peer);
void peer_unlock(peer_t *peer);

/* Read one request with its body by Content-Length. 0: the client has gone. */
int peer_request(peer_conn_t *c);
/* The value of a header of the last request, in a static buffer of the connection; NULL. */
const char *peer_header(peer_conn_t *c, const char *name, char *value, size_t size);
void peer_say(peer_conn_t *c, const char *text);
void peer_write(peer_conn_t *c, const void *data, size_t len);
/* A whole reply with Content-Length. extra: more header lines, each with its line end, or "". */
void peer_reply(peer_conn_t *c, int status, const char *extra, const char *body);
/* Close with a reset instead of an orderly end, as soon as the script returns. */
void peer_reset(peer_conn_t *c);
/* Sleep until the client closes, or the peer is stopped. */
void peer_linger(peer_conn_t *c);

#endif
