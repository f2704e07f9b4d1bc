/* owner.c - sockets by descriptor, and by the addresses of their ends. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <apr_allocator.h>
#include <apr_hash.h>
#include <apr_pools.h>

#include "net/owner.h"

typedef struct entry_t {
    char *key;  /* NULL = descriptor not in use */
    char *name; /* NULL = not connected yet */
} entry_t;

struct oc_owner_t {
    entry_t *by_fd;
    int room, count;
    apr_pool_t *pool;    /* for the hash alone, which uses freed slots again */
    apr_hash_t *by_name; /* name -> descriptor + 1 */
};

oc_owner_t *oc_owner_create(void)
{
    oc_owner_t *owners = calloc(1, sizeof(*owners));

    if (owners && apr_pool_create_unmanaged_ex(&owners->pool, NULL, NULL) != APR_SUCCESS) {
        free(owners);
        return NULL;
    }
    if (owners) {
        apr_pool_tag(owners->pool, "owacal net owners");
        owners->by_name = apr_hash_make(owners->pool);
    }
    return owners;
}

void oc_owner_destroy(oc_owner_t *owners)
{
    int fd;

    if (!owners) {
        return;
    }
    for (fd = 0; fd < owners->room; ++fd) {
        free(owners->by_fd[fd].key);
        free(owners->by_fd[fd].name);
    }
    free(owners->by_fd);
    apr_pool_destroy(owners->pool);
    free(owners);
}

apr_status_t oc_owner_opened(oc_owner_t *owners, int fd, const char *key)
{
    char *copy;

    if (fd < 0) {
        return APR_EINVAL;
    }
    if (fd >= owners->room) {
        int room = owners->room ? owners->room : 64;
        entry_t *by_fd;

        while (room <= fd) {
            room *= 2;
        }
        by_fd = realloc(owners->by_fd, (apr_size_t)room * sizeof(*by_fd));
        if (!by_fd) {
            return APR_ENOMEM;
        }
        memset(by_fd + owners->room, 0, (apr_size_t)(room - owners->room) * sizeof(*by_fd));
        owners->by_fd = by_fd;
        owners->room = room;
    }
    copy = strdup(key);
    if (!copy) {
        return APR_ENOMEM;
    }
    oc_owner_closed(owners, fd);
    owners->by_fd[fd].key = copy;
    ++owners->count;
    return APR_SUCCESS;
}

apr_status_t oc_owner_named(oc_owner_t *owners, int fd, const char *key, const char *name)
{
    entry_t *entry = fd >= 0 && fd < owners->room ? &owners->by_fd[fd] : NULL;

    if (!entry || !entry->key || entry->name || strcmp(entry->key, key) != 0 ||
        apr_hash_get(owners->by_name, name, APR_HASH_KEY_STRING)) {
        return APR_EINVAL;
    }
    entry->name = strdup(name);
    if (!entry->name) {
        return APR_ENOMEM;
    }
    apr_hash_set(owners->by_name, entry->name, APR_HASH_KEY_STRING,
                 (void *)(apr_uintptr_t)(fd + 1));
    return APR_SUCCESS;
}

oc_owner_verdict_t oc_owner_check(oc_owner_t *owners, const char *name, const char *key)
{
    apr_uintptr_t found = (apr_uintptr_t)apr_hash_get(owners->by_name, name, APR_HASH_KEY_STRING);

    if (!found) {
        return OC_OWNER_UNKNOWN;
    }
    return strcmp(owners->by_fd[found - 1].key, key) == 0 ? OC_OWNER_SAME : OC_OWNER_OTHER;
}

void oc_owner_closed(oc_owner_t *owners, int fd)
{
    entry_t *entry = fd >= 0 && fd < owners->room ? &owners->by_fd[fd] : NULL;

    if (!entry || !entry->key) {
        return;
    }
    if (entry->name) {
        apr_hash_set(owners->by_name, entry->name, APR_HASH_KEY_STRING, NULL);
    }
    free(entry->name);
    free(entry->key);
    entry->name = entry->key = NULL;
    --owners->count;
}

int oc_owner_local(int fd, const char *ip, int port)
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

int oc_owner_count(const oc_owner_t *owners)
{
    return owners->count;
}
