/* ccache.c - see ccache.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_strings.h>

#include "auth/ccache.h"

const char *oc_ccache_refused(const char *ccache)
{
    if (strlen(ccache) >= OC_CCACHE_NAME) {
        return "its name is too long";
    }
    if (strncmp(ccache, "FILE:", 5) == 0) {
        return ccache[5] == '/' ? NULL : "the path of a FILE cache must be absolute";
    }
    if (strncmp(ccache, "DIR:", 4) == 0) {
        /* Which file of a directory is meant would be said by another file in it. */
        return ccache[4] == ':' && ccache[5] == '/'
                   ? NULL : "a DIR cache must name one of its files, as in DIR::/dir/tkt";
    }
    if (strncmp(ccache, "MEMORY:", 7) == 0) {
        return ccache[7] ? NULL : "a MEMORY cache needs a name";
    }
    /* A keyring or a KCM daemon would give the caches of the process's own user. */
    return "only caches of the types FILE, DIR and MEMORY are used, with the type named";
}

static const char *path_of(const char *ccache)
{
    return ccache + 5; /* after "FILE:" or "DIR::" */
}

/* NULL, or what is wrong with it. */
static const char *wrong(const struct stat *st, char *detail, apr_size_t size)
{
    if (!S_ISREG(st->st_mode)) {
        return S_ISDIR(st->st_mode) ? "it is a directory" : "it is not a regular file";
    }
    if (st->st_uid != geteuid()) {
        apr_snprintf(detail, size,
                     "it is owned by user id %ld, not by %ld, as whom this server runs",
                     (long)st->st_uid, (long)geteuid());
        return detail;
    }
    if (st->st_mode & (S_IRWXO | S_IWGRP)) {
        apr_snprintf(detail, size, "it is accessible to others (mode %04o; 0600 is right)",
                     (unsigned)(st->st_mode & 07777));
        return detail;
    }
    if (st->st_size == 0) {
        return "it is empty";
    }
    if (st->st_size > OC_CCACHE_MAX) {
        apr_snprintf(detail, size, "it is too large (%" APR_INT64_T_FMT " bytes; %d at most)",
                     (apr_int64_t)st->st_size, OC_CCACHE_MAX);
        return detail;
    }
    return NULL;
}

int oc_ccache_open(const char *ccache, char *detail, apr_size_t size)
{
    const char *why;
    struct stat st;
    int fd = open(path_of(ccache), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        apr_cpystrn(detail, errno == ENOENT   ? "the credential cache is not there"
                            : errno == ELOOP  ? "the credential cache is a symbolic link"
                            : errno == EACCES ? "this server may not read the credential cache"
                                              : "the credential cache cannot be opened", size);
        return -1;
    }
    why = fstat(fd, &st) != 0 ? "it cannot be examined" : wrong(&st, detail, size);
    if (why) {
        char text[200];

        apr_snprintf(text, sizeof(text), "the credential cache is not used: %s", why);
        apr_cpystrn(detail, text, size);
        close(fd);
        return -1;
    }
    return fd;
}

void oc_ccache_name(const char *ccache, int fd, char *name, apr_size_t size)
{
    apr_snprintf(name, size, "FILE:/proc/self/fd/%d", fd);
    if (access(name + 5, R_OK) != 0) {
        /* Without /proc, in a chroot: whoever could exchange the file meanwhile owns the directory,
         * and the ticket's owner is compared in any case. */
        apr_snprintf(name, size, "FILE:%s", path_of(ccache));
    }
}
