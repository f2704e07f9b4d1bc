/* address.c - see address.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "net/address.h"

int oc_address_is(int fd, const char *ip, int port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } local;
    socklen_t len = sizeof(local);
    char text[INET6_ADDRSTRLEN] = "";

    if (getsockname(fd, &local.any, &len) != 0) {
        return 0;
    }
    if (local.any.sa_family == AF_INET) {
        return ntohs(local.v4.sin_port) == port &&
               inet_ntop(AF_INET, &local.v4.sin_addr, text, sizeof(text)) && strcmp(text, ip) == 0;
    }
    return local.any.sa_family == AF_INET6 && ntohs(local.v6.sin6_port) == port &&
           inet_ntop(AF_INET6, &local.v6.sin6_addr, text, sizeof(text)) && strcmp(text, ip) == 0;
}
