/* keytab.c - see keytab.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_strings.h>

#include "auth/ccache.h"
#include "auth/keytab.h"

#define KEYTAB_MAX (1024 * 1024) /* bytes; a key has some hundred */

struct oc_keytab_t {
    oc_keytab_t *next; /* declared in the same pool */
    const char *file, *principal;
    oc_krb5_keys_t *keys;
};

static int same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

oc_keytab_t *oc_keytab_declare(apr_pool_t *pconf, const char *file, const char *principal)
{
    static const char userdata[] = "owacal-keytabs";
    oc_keytab_t *keytab, **list = NULL;

    apr_pool_userdata_get((void **)&list, userdata, pconf);
    if (!list) {
        list = apr_pcalloc(pconf, sizeof(*list));
        apr_pool_userdata_setn(list, userdata, NULL, pconf);
    }
    for (keytab = *list; keytab; keytab = keytab->next) {
        if (strcmp(keytab->file, file) == 0 && same(keytab->principal, principal)) {
            return keytab;
        }
    }
    keytab = apr_pcalloc(pconf, sizeof(*keytab));
    keytab->file = apr_pstrdup(pconf, file);
    keytab->principal = apr_pstrdup(pconf, principal);
    keytab->next = *list;
    *list = keytab;
    return keytab;
}

static apr_status_t unload(void *data)
{
    oc_keytab_t *keytab = data;

    if (keytab->keys) {
        oc_krb5_keys_free(keytab->keys);
        keytab->keys = NULL;
    }
    return APR_SUCCESS;
}

/* NULL, or what is wrong with it. */
static const char *wrong(const struct stat *st, apr_pool_t *pool)
{
    if (!S_ISREG(st->st_mode)) {
        return "it is not a regular file; a keytab is made by ktadd, ktpass or msktutil";
    }
    if (st->st_mode & (S_IRWXO | S_IWGRP)) {
        return apr_psprintf(pool, "its mode %04o lets others read or write the service's key; "
                            "chmod 600 (it may belong to root: it is read before the server gives "
                            "its rights up)", (unsigned)(st->st_mode & 07777));
    }
    if (st->st_size > KEYTAB_MAX) {
        return "it is too large for a keytab (1 MiB at most)";
    }
    return st->st_size == 0 ? "it is empty; export the service's key once more" : NULL;
}

const char *oc_keytab_load(oc_keytab_t *keytab, apr_pool_t *pool)
{
    const char *why, *path = apr_pstrcat(pool, "FILE:", keytab->file, NULL);
    char name[OC_CCACHE_NAME];
    oc_krb5_keys_t *keys;
    oc_krb5_why_t krb5;
    struct stat st;
    int fd = open(keytab->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        return apr_psprintf(
            pool, "keytab=%s cannot be read: %s", keytab->file,
            errno == ENOENT   ? "there is no such file; export the service's key to it"
            : errno == EACCES ? "permission denied; start the server as root, or give "
                                "the file to the user it is started as"
                              : strerror(errno));
    }
    why = fstat(fd, &st) != 0 ? "it cannot be examined" : wrong(&st, pool);
    if (why) {
        close(fd);
        return apr_psprintf(pool, "keytab=%s: %s", keytab->file, why);
    }
    oc_ccache_name(path, fd, name, sizeof(name));
    keys = oc_krb5_keys(name, keytab->principal, &krb5);
    close(fd);
    if (!keys) {
        return apr_psprintf(pool, "keytab=%s: %s; \"klist -k %s\" shows what is in it",
                            keytab->file, krb5.detail, keytab->file);
    }
    apr_pool_cleanup_run(pool, keytab, unload);
    keytab->keys = keys;
    apr_pool_cleanup_register(pool, keytab, unload, apr_pool_cleanup_null);
    return NULL;
}

const char *oc_keytab_principal(const oc_keytab_t *keytab)
{
    return keytab->keys ? oc_krb5_keys_principal(keytab->keys) : NULL;
}

const oc_krb5_keys_t *oc_keytab_keys(const oc_keytab_t *keytab)
{
    return keytab->keys;
}
