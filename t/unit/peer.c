#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

#define THREADS_MAX 512

struct peer_t {
    int listener, port, count, stopping;
    pthread_t acceptor;
    pthread_mutex_t mutex;
    peer_script_t *script;
    void *baton;
    struct {
        pthread_t thread;
        int fd; /* -1 = closed by its thread */
    } conns[THREADS_MAX];
};

typedef struct start_t {
    peer_t *peer;
    int number;
} start_t;

void peer_lock(peer_t *peer)
{
    pthread_mutex_lock(&peer->mutex);
}

void peer_unlock(peer_t *peer)
{
    pthread_mutex_unlock(&peer->mutex);
}

static void *serve(void *baton)
{
    start_t *start = baton;
    peer_t *peer = start->peer;
    peer_conn_t *c = calloc(1, sizeof(*c));

    c->peer = peer;
    c->number = start->number;
    c->baton = peer->baton;
    peer_lock(peer);
    c->fd = peer->conns[c->number - 1].fd;
    peer_unlock(peer);
    free(start);
    peer->script(c);
    peer_lock(peer);
    close(c->fd);
    peer->conns[c->number - 1].fd = -1;
    peer_unlock(peer);
    free(c);
    return NULL;
}

static void *accept_all(void *baton)
{
    peer_t *peer = baton;
    int fd, one = 1;

    while ((fd = accept(peer->listener, NULL, NULL)) != -1) {
        start_t *start = malloc(sizeof(*start));

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        peer_lock(peer);
        if (peer->stopping || peer->count == THREADS_MAX) {
            peer_unlock(peer);
            close(fd);
            free(start);
            continue;
        }
        start->peer = peer;
        start->number = ++peer->count;
        peer->conns[start->number - 1].fd = fd;
        if (pthread_create(&peer->conns[start->number - 1].thread, NULL, serve, start) != 0) {
            abort();
        }
        peer_unlock(peer);
    }
    return NULL;
}

peer_t *peer_start(peer_script_t *script, void *baton)
{
    peer_t *peer = calloc(1, sizeof(*peer));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->script = script;
    peer->baton = baton;
    pthread_mutex_init(&peer->mutex, NULL);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(peer->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(peer->listener, 512) != 0 ||
        getsockname(peer->listener, (struct sockaddr *)&address, &len) != 0 ||
        pthread_create(&peer->acceptor, NULL, accept_all, peer) != 0) {
        perror("peer");
        free(peer);
        return NULL;
    }
    peer->port = ntohs(address.sin_port);
    return peer;
}

void peer_stop(peer_t *peer)
{
    int i, count;

    peer_lock(peer);
    peer->stopping = 1;
    count = peer->count;
    for (i = 0; i < count; ++i) {
        if (peer->conns[i].fd != -1) {
            shutdown(peer->conns[i].fd, SHUT_RDWR);
        }
    }
    peer_unlock(peer);
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->acceptor, NULL);
    for (i = 0; i < count; ++i) {
        pthread_join(peer->conns[i].thread, NULL);
    }
    close(peer->listener);
    pthread_mutex_destroy(&peer->mutex);
    free(peer);
}

int peer_port(const peer_t *peer)
{
    return peer->port;
}

int peer_connections(peer_t *peer)
{
    int count;

    peer_lock(peer);
    count = peer->count;
    peer_unlock(peer);
    return count;
}

/* More bytes into `left`. 0: end. */
static int fill(peer_conn_t *c)
{
    ssize_t n;

    if (c->left_len == sizeof(c->left)) {
        return 0;
    }
    n = recv(c->fd, c->left + c->left_len, sizeof(c->left) - c->left_len, 0);
    if (n <= 0) {
        return 0;
    }
    c->left_len += (size_t)n;
    return 1;
}

static void drop(peer_conn_t *c, size_t len)
{
    memmove(c->left, c->left + len, c->left_len - len);
    c->left_len -= len;
}

const char *peer_header(peer_conn_t *c, const char *name, char *value, size_t size)
{
    size_t len = strlen(name);
    const char *line;

    for (line = strstr(c->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            snprintf(value, size, "%.*s", (int)strcspn(line + len + 2, "\r"), line + len + 2);
            return value;
        }
    }
    return NULL;
}

int peer_request(peer_conn_t *c)
{
    char value[32];
    char *end;
    size_t head_len;

    while (!(end = memmem(c->left, c->left_len, "\r\n\r\n", 4))) {
        if (!fill(c)) {
            return 0;
        }
    }
    head_len = (size_t)(end - c->left);
    memcpy(c->head, c->left, head_len);
    c->head[head_len] = '\0';
    drop(c, head_len + 4);
    c->body_len = peer_header(c, "Content-Length", value, sizeof(value))
                      ? (size_t)strtoul(value, NULL, 10)
                      : 0;
    if (c->body_len >= sizeof(c->body)) {
        return 0;
    }
    while (c->left_len < c->body_len) {
        if (!fill(c)) {
            return 0;
        }
    }
    memcpy(c->body, c->left, c->body_len);
    c->body[c->body_len] = '\0';
    drop(c, c->body_len);
    ++c->requests;
    return 1;
}

void peer_write(peer_conn_t *c, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

        if (n <= 0) {
            return;
        }
        p += n;
        len -= (size_t)n;
    }
}

void peer_say(peer_conn_t *c, const char *text)
{
    peer_write(c, text, strlen(text));
}

void peer_reply(peer_conn_t *c, int status, const char *extra, const char *body)
{
    char head[4096];

    snprintf(head, sizeof(head), "HTTP/1.1 %d Scripted\r\nContent-Length: %zu\r\n%s\r\n", status,
             strlen(body), extra);
    peer_say(c, head);
    peer_say(c, body);
}

void peer_reset(peer_conn_t *c)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void peer_linger(peer_conn_t *c)
{
    while (fill(c)) {
        c->left_len = 0;
    }
}
