/* address.h - a socket by its own end's address. Any thread. */
#ifndef OC_NET_ADDRESS_H
#define OC_NET_ADDRESS_H

/* 1 if the socket's own address is `ip`, in the usual spelling of inet_ntop(), and `port`. */
int oc_address_is(int fd, const char *ip, int port);

#endif
