/* wiping.h - memory that is wiped before it is given back, for libcurl.
 *
 * libcurl keeps copies of what it is told: the password as given and percent-encoded, each request
 * with its Authorization header or logon form in the buffer it is sent from. It frees them as they
 * are (measured with 7.88.1: nine copies after one booking), and there they would stand until
 * somebody else happens to get that memory. These take the place of free() and realloc() in it.
 *
 * The limit: a connection that was signed in by NTLM keeps the password for as long as it lives,
 * since libcurl compares it before using the connection again. A core file would hold that; httpd's
 * children, having changed their user, write none unless CoreDumpDirectory is set, which is the
 * administrator's word and not ours to overrule.
 *
 * Any thread. Compatible with malloc() and free(), so that it does not matter who else in this
 * process uses libcurl; where somebody has initialised it before us, it keeps its own functions.
 */
#ifndef OC_NET_WIPING_H
#define OC_NET_WIPING_H

#include <stddef.h>

void oc_wiping_free(void *memory);
void *oc_wiping_realloc(void *memory, size_t size);

#endif
