/* ccache.h - may this credential cache be used, before any library reads it.
 *
 * The login module names the file, and what a request variable says is not to be trusted blindly:
 * a FIFO would hold a thread for ever, a file of somebody else's is somebody else's ticket, one
 * that others can write is anybody's. Whose the ticket in it is, krb5.c looks at afterwards.
 */
#ifndef OC_AUTH_CCACHE_H
#define OC_AUTH_CCACHE_H

#include <apr.h>

#define OC_CCACHE_MAX (1024 * 1024) /* bytes; a ticket is some KB, with a large PAC some ten */
#define OC_CCACHE_NAME 512

/* NULL if that name may be used: FILE: with an absolute path, DIR:: with the absolute path of one
 * file of it, or MEMORY: with a name; else a sentence saying why not. */
const char *oc_ccache_refused(const char *ccache);
/* Open the file of a cache that is not refused, without following a symbolic link and without ever
 * waiting: a regular file, owned by the process's effective user, neither readable for others nor
 * writable for anybody else, neither empty nor too large. The descriptor, to be closed by the
 * caller, or -1 with a sentence in `detail`. Not for MEMORY. */
int oc_ccache_open(const char *ccache, char *detail, apr_size_t size);
/* A cache's or keytab's name for the Kerberos library: the very file that is open there, whatever
 * its path leads to by now. */
void oc_ccache_name(const char *ccache, int fd, char *name, apr_size_t size);

#endif
