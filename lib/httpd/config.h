/* config.h - the directives: what they fill, how they merge, what start-up checks.
 *
 * Every member stands once in OC_SERVER_MEMBERS or OC_DIR_MEMBERS; struct, create, merge and
 * defaults are made of that line. X(type, name, unset, default): `unset` marks "not said here".
 * The directive functions in directives.c are ordinary code. Configuration is constant once the
 * server runs.
 */
#ifndef OC_HTTPD_CONFIG_H
#define OC_HTTPD_CONFIG_H

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

#include "auth/credential.h"
#include "auth/identity.h"
#include "auth/keytab.h"
#include "auth/names.h"
#include "backend/backend.h"
#include "cal/room.h"
#include "op/op.h"

typedef enum oc_tracing_t { OC_TRACING_OFF, OC_TRACING_FAILURES, OC_TRACING_ALL } oc_tracing_t;
typedef enum oc_privacy_t {
    OC_PRIVACY_BUSY,
    OC_PRIVACY_ORGANIZER,
    OC_PRIVACY_SUBJECT
} oc_privacy_t;

typedef enum oc_audience_t {
    OC_AUDIENCE_SELF,    /* what was asked for with one credential is shown with that one only */
    OC_AUDIENCE_EVERYONE /* configured rooms are shown to whoever may open the page */
} oc_audience_t;

/* Server scope. The lists backends, rooms, realms and credentials may stand in a virtual host and
 * add to the main server's, of one name the virtual host's counts; origin may be given for each;
 * all others exist once for the process (their directives are refused inside <VirtualHost>). */
#define OC_SERVER_MEMBERS(X)                                                                 \
    X(const char *, origin, NULL, NULL)                                                      \
    X(const char *, secret_file, NULL, NULL)                                                 \
    X(apr_time_t, connect, -1, apr_time_from_sec(3))                                         \
    X(apr_time_t, step, -1, apr_time_from_sec(10))                                           \
    X(apr_time_t, operation, -1, apr_time_from_sec(20))                                      \
    X(apr_time_t, undo, -1, apr_time_from_sec(10))                                           \
    X(apr_time_t, answer, -1, apr_time_from_sec(2))                                          \
    X(const char *, timeout_file, NULL, NULL) /* where OwaCalTimeout stands, for messages */ \
    X(int, timeout_line, -1, 0)                                                              \
    X(int, inflight, -1, 256)                                                                \
    X(int, queue, -1, 1024)                                                                  \
    X(int, waiting, -1, 0)                                                                   \
    X(int, per_user, -1, 8)                                                                  \
    X(int, per_identity, -1, 24)                                                             \
    X(int, gss_threads, -1, 8)                                                               \
    X(int, max_body, -1, 131072)                                                             \
    X(int, max_response, -1, 8 * 1024 * 1024)                                                \
    X(int, max_attendees, -1, 100)                                                           \
    X(int, max_range, -1, 62)                                                                \
    X(int, leases, -1, 512)                                                                  \
    X(int, ledger, -1, 4096)                                                                 \
    X(int, fresh, -1, 16384)                                                                 \
    X(int, relayed, -1, 512)                                                                 \
    X(int, tracing, -1, OC_TRACING_OFF)

/* Directory scope. */
#define OC_DIR_MEMBERS(X)                                \
    X(const char *, use, NULL, NULL)                     \
    X(const char *, base, NULL, NULL)                    \
    X(const char *, location, NULL, NULL)                \
    X(int, identity, -1, -1)                             \
    X(int, upstream, -1, OC_UPSTREAM_BASIC)              \
    X(const char *, domain, NULL, NULL)                  \
    X(const char *, ccache_variable, NULL, "KRB5CCNAME") \
    X(oc_account_use_t *, account, NULL, NULL)           \
    X(const char *, keytab_file, NULL, NULL)             \
    X(const char *, keytab_principal, NULL, NULL)        \
    X(oc_keytab_t *, keytab, NULL, NULL)                 \
    X(ap_expr_info_t *, mailbox, NULL, NULL)             \
    X(const char *, zone, NULL, "UTC")                   \
    X(int, conflict, -1, OC_CONFLICT_REFUSE)             \
    X(int, unknown_refuse, -1, 0)                        \
    X(int, privacy, -1, OC_PRIVACY_BUSY)                 \
    X(apr_time_t, freshness, -1, apr_time_from_sec(15))  \
    X(int, audience, -1, OC_AUDIENCE_SELF)               \
    X(apr_array_header_t *, returns, NULL, NULL)

typedef struct oc_backend_entry_t {
    oc_backend_conf_t conf;
    oc_backend_t *backend; /* opened by the start-up check */
    const char *file;      /* where the directive stands, for messages */
    int line;
} oc_backend_entry_t;

/* Where a name stands that is to be checked when all of the configuration has been read: that of a
 * backend in OwaCalUse, of a realm in OwaCalRealm. */
typedef struct oc_use_t {
    const char *name, *file;
    int line;
} oc_use_t;

/* A declared account, and where. */
typedef struct oc_credential_entry_t {
    oc_credential_t credential;
    const char *file;
    int line;
} oc_credential_entry_t;

/* What OwaCalIdentity service and device refer to; checked like a use of a backend. */
typedef struct oc_account_use_t {
    const char *credential;    /* name */
    const char *actors_file, *groups_file;
    oc_actors_t *actors;       /* service; NULL: everybody in his own mailbox only */
    apr_array_header_t *rooms; /* device: const char *, ids; NULL: all rooms of the server */
    const char *file;
    int line;
} oc_account_use_t;

/* A keytab that some location acts with, to be read when all of the configuration has been. */
typedef struct oc_keytab_use_t {
    oc_keytab_t *keytab;
    const char *file; /* where the directive stands, for messages */
    int line;
} oc_keytab_use_t;

typedef struct oc_server_conf_t {
#define X(type, name, unset, def) type name;
    OC_SERVER_MEMBERS(X)
#undef X
    apr_array_header_t *backends;     /* oc_backend_entry_t * */
    apr_array_header_t *rooms;        /* oc_room_t * */
    apr_array_header_t *credentials;  /* oc_credential_entry_t * */
    apr_array_header_t *uses;         /* oc_use_t, of this server */
    apr_array_header_t *realms;       /* oc_realm_t * */
    apr_array_header_t *realm_uses;   /* oc_use_t, one for each of them */
    apr_array_header_t *account_uses; /* oc_account_use_t *, of this server */
    apr_array_header_t *keytabs;      /* oc_keytab_use_t, of this server */
    apr_array_header_t *relays;       /* oc_use_t: where OwaCalIdentity relay stands */
    apr_array_header_t *update_lines; /* const char *; NULL = built in */
} oc_server_conf_t;

typedef struct oc_dir_conf_t {
#define X(type, name, unset, def) type name;
    OC_DIR_MEMBERS(X)
#undef X
} oc_dir_conf_t;

extern const command_rec oc_config_commands[]; /* directives.c */
/* One "key=value" word of a directive: the value if the key is `key`, else NULL. */
const char *oc_config_option(const char *word, const char *key);

void *oc_config_create_server(apr_pool_t *pool, server_rec *s);
void *oc_config_merge_server(apr_pool_t *pool, void *base, void *add);
void *oc_config_create_dir(apr_pool_t *pool, char *dir);
void *oc_config_merge_dir(apr_pool_t *pool, void *base, void *add);

/* httpd's check_config hook: everything that needs the whole configuration. Prints file, line, what
 * is wrong and what would be right; `apachectl configtest` runs it. Opens the backends. */
int oc_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/* With the defaults filled in. The server's own is made once by oc_config_check; the directory's is
 * copied into the request's pool. */
const oc_server_conf_t *oc_config_server(server_rec *s);
const oc_dir_conf_t *oc_config_dir(request_rec *r);

/* The backend of that name as this server sees it, or NULL. */
const oc_backend_t *oc_config_backend(const oc_server_conf_t *conf, const char *name);

/* The account of that name as this server sees it, or NULL. */
const oc_credential_t *oc_config_credential(const oc_server_conf_t *conf, const char *name);

/* Path under which the handler lives: OwaCalBase, or the <Location> that has OwaCalUse. NULL if
 * neither says so. No trailing slash; "" is the root. */
const char *oc_config_base(const oc_dir_conf_t *conf);

#endif
