/* config.c - creating, merging, looking up, and the start-up checks. */
#include <ap_mpm.h>
#include <http_core.h>
#include <http_log.h>
#include <apr_strings.h>

#include "base/log.h"
#include "httpd/config.h"
#include "httpd/identify.h"
#include "httpd/relay.h"
#include "wire/words.h"

APLOG_USE_MODULE(owacal);

/* ---- create, merge, defaults: all from the member lists ---- */

void *oc_config_create_server(apr_pool_t *pool, server_rec *s)
{
    oc_server_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)s;
#define X(type, name, unset, def) conf->name = unset;
    OC_SERVER_MEMBERS(X)
#undef X
    conf->backends = apr_array_make(pool, 2, sizeof(oc_backend_entry_t *));
    conf->rooms = apr_array_make(pool, 8, sizeof(oc_room_t *));
    conf->credentials = apr_array_make(pool, 2, sizeof(oc_credential_entry_t *));
    conf->uses = apr_array_make(pool, 2, sizeof(oc_use_t));
    conf->realms = apr_array_make(pool, 2, sizeof(oc_realm_t *));
    conf->realm_uses = apr_array_make(pool, 2, sizeof(oc_use_t));
    conf->account_uses = apr_array_make(pool, 2, sizeof(oc_account_use_t *));
    conf->keytabs = apr_array_make(pool, 2, sizeof(oc_keytab_use_t));
    conf->relays = apr_array_make(pool, 1, sizeof(oc_use_t));
    return conf;
}

/* A virtual host's room takes the place of the main server's of that id. */
static apr_array_header_t *merge_rooms(apr_pool_t *pool, const apr_array_header_t *base,
                                       const apr_array_header_t *add)
{
    apr_array_header_t *rooms = apr_array_make(pool, base->nelts + 1, sizeof(oc_room_t *));

    for (int i = 0; i < base->nelts; ++i) {
        oc_room_t *room = APR_ARRAY_IDX(base, i, oc_room_t *);
        if (!oc_room_find(add, room->id)) {
            APR_ARRAY_PUSH(rooms, oc_room_t *) = room;
        }
    }
    return apr_array_append(pool, rooms, add);
}

void *oc_config_merge_server(apr_pool_t *pool, void *basev, void *addv)
{
    const oc_server_conf_t *base = basev, *add = addv;
    oc_server_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

#define X(type, name, unset, def) conf->name = add->name != (unset) ? add->name : base->name;
    OC_SERVER_MEMBERS(X)
#undef X
    conf->backends = apr_array_append(pool, base->backends, add->backends);
    conf->rooms = merge_rooms(pool, base->rooms, add->rooms);
    conf->realms = apr_array_append(pool, base->realms, add->realms);
    conf->realm_uses = apr_array_append(pool, base->realm_uses, add->realm_uses);
    conf->credentials = apr_array_append(pool, base->credentials, add->credentials);
    conf->uses = add->uses; /* each use is checked in its own server */
    conf->account_uses = add->account_uses;
    conf->keytabs = add->keytabs;
    conf->relays = add->relays;
    conf->update_lines = add->update_lines ? add->update_lines : base->update_lines;
    return conf;
}

void *oc_config_create_dir(apr_pool_t *pool, char *dir)
{
    oc_dir_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)dir;
#define X(type, name, unset, def) conf->name = unset;
    OC_DIR_MEMBERS(X)
#undef X
    return conf;
}

void *oc_config_merge_dir(apr_pool_t *pool, void *basev, void *addv)
{
    const oc_dir_conf_t *base = basev, *add = addv;
    oc_dir_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

#define X(type, name, unset, def) conf->name = add->name != (unset) ? add->name : base->name;
    OC_DIR_MEMBERS(X)
#undef X
    return conf;
}

const oc_server_conf_t *oc_config_server(server_rec *s)
{
    return ap_get_module_config(s->module_config, &owacal_module);
}

const oc_dir_conf_t *oc_config_dir(request_rec *r)
{
    const oc_dir_conf_t *from = ap_get_module_config(r->per_dir_config, &owacal_module);
    oc_dir_conf_t *conf = apr_pmemdup(r->pool, from, sizeof(*from));

#define X(type, name, unset, def) \
    if (conf->name == (unset)) {  \
        conf->name = def;         \
    }
    OC_DIR_MEMBERS(X)
#undef X
    return conf;
}

const oc_backend_t *oc_config_backend(const oc_server_conf_t *conf, const char *name)
{
    for (int i = conf->backends->nelts - 1; i >= 0; --i) { /* a virtual host's own come last */
        const oc_backend_entry_t *e = APR_ARRAY_IDX(conf->backends, i, oc_backend_entry_t *);
        if (strcmp(e->conf.name, name) == 0) {
            return e->backend;
        }
    }
    return NULL;
}

const oc_credential_t *oc_config_credential(const oc_server_conf_t *conf, const char *name)
{
    for (int i = conf->credentials->nelts - 1; i >= 0; --i) { /* a virtual host's own come last */
        const oc_credential_entry_t *e =
            APR_ARRAY_IDX(conf->credentials, i, oc_credential_entry_t *);
        if (strcmp(e->credential.name, name) == 0) {
            return &e->credential;
        }
    }
    return NULL;
}

const char *oc_config_base(const oc_dir_conf_t *conf)
{
    return conf->base ? conf->base : conf->location;
}

const char *oc_config_option(const char *word, const char *key)
{
    size_t n = strlen(key);

    return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

/* ---- checks over the whole configuration ---- */

static int refuse(server_rec *s, const char *file, int line, const char *text)
{
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, s, OC_LOGID(0500) "%s line %d: %s",
                 file ? file : "configuration", line, text);
    return !OK;
}

/* NULL, or what is wrong with a use of an account. */
static const char *account_wrong(apr_pool_t *pconf, const oc_server_conf_t *conf,
                                 const oc_account_use_t *use)
{
    if (!oc_config_credential(conf, use->credential)) {
        return apr_psprintf(pconf,
                            "OwaCalIdentity: there is no credential %s; declare it with "
                            "OwaCalCredential %s user=DOMAIN\\NAME password=FILE",
                            use->credential, use->credential);
    }
    for (int i = 0; use->rooms && i < use->rooms->nelts; ++i) {
        const char *id = APR_ARRAY_IDX(use->rooms, i, const char *);
        if (!oc_room_find(conf->rooms, id)) {
            return apr_psprintf(pconf,
                                "OwaCalIdentity device: rooms=: there is no room %s; declare it "
                                "with OwaCalRoom %s ADDRESS",
                                id, id);
        }
    }
    return NULL;
}

static int check_accounts(apr_pool_t *pconf, server_rec *s, const oc_server_conf_t *conf)
{
    const char *error;

    for (int i = 0; i < conf->credentials->nelts; ++i) {
        const oc_credential_entry_t *e =
            APR_ARRAY_IDX(conf->credentials, i, oc_credential_entry_t *);
        error = oc_credential_check(&e->credential, pconf);
        if (error) {
            return refuse(
                s, e->file, e->line,
                apr_psprintf(pconf, "OwaCalCredential %s: %s", e->credential.name, error));
        }
    }
    for (int i = 0; i < conf->account_uses->nelts; ++i) {
        const oc_account_use_t *use = APR_ARRAY_IDX(conf->account_uses, i, oc_account_use_t *);
        error = account_wrong(pconf, conf, use);
        if (error) {
            return refuse(s, use->file, use->line, error);
        }
    }
    return OK;
}

/* Read here, so that `apachectl configtest` tells, and with the parent's rights. A server that runs
 * is not ended by a graceful restart for it: what needs the key is told, the rest goes on. */
static int load_keytabs(apr_pool_t *pconf, server_rec *s, const oc_server_conf_t *conf)
{
    int generation = 0;

    ap_mpm_query(AP_MPMQ_GENERATION, &generation);
    for (int i = 0; i < conf->keytabs->nelts; ++i) {
        const oc_keytab_use_t *use = &APR_ARRAY_IDX(conf->keytabs, i, oc_keytab_use_t);
        const char *error = oc_keytab_load(use->keytab, pconf);

        if (error && generation) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                         OC_LOGID(0630) "%s line %d: OwaCalIdentity s4u: %s", use->file, use->line,
                         error);
        } else if (error) {
            return refuse(s, use->file, use->line,
                          apr_pstrcat(pconf, "OwaCalIdentity s4u: ", error, NULL));
        }
    }
    return OK;
}

static void announce_relays(server_rec *s, const oc_server_conf_t *conf)
{
    for (int i = 0; i < conf->relays->nelts; ++i) {
        const oc_use_t *use = &APR_ARRAY_IDX(conf->relays, i, oc_use_t);

        oc_relay_in_use();
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     OC_LOGID(0584) "%s line %d: OwaCalIdentity relay: this server relays NTLM "
                                    "logins, as an attacker in the middle would, by its owner's "
                                    "will; it must not stand behind a proxy, and another mode is "
                                    "better where there is one",
                     use->file, use->line);
    }
}

static int check_server(apr_pool_t *pconf, server_rec *s, oc_server_conf_t *conf)
{
    const oc_use_t *where;
    const char *wrong;
    int i;

    for (i = 0; i < conf->backends->nelts; ++i) {
        oc_backend_entry_t *e = APR_ARRAY_IDX(conf->backends, i, oc_backend_entry_t *);
        const char *error = NULL;

        e->conf.update_lines = e->conf.update_lines ? e->conf.update_lines : conf->update_lines;
        if (!e->backend) {
            e->backend = oc_backend_open(pconf, &e->conf, &error);
        }
        if (!e->backend) {
            return refuse(s, e->file, e->line,
                          apr_psprintf(pconf, "OwaCalBackend %s: %s", e->conf.name,
                                       error ? error : "cannot be opened"));
        }
        if (e->conf.site->tls_min < 12) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                         OC_LOGID(0501) "OwaCalBackend %s: TLS %d.%d is "
                                        "allowed, which is broken by today's measure; use it for a "
                                        "server that knows "
                                        "nothing newer",
                         e->conf.name, e->conf.site->tls_min / 10, e->conf.site->tls_min % 10);
        }
    }
    for (i = 0; i < conf->uses->nelts; ++i) {
        const oc_use_t *use = &APR_ARRAY_IDX(conf->uses, i, oc_use_t);
        if (!oc_config_backend(conf, use->name)) {
            return refuse(s, use->file, use->line,
                          apr_psprintf(pconf,
                                       "OwaCalUse %s: there is no such backend; declare it with "
                                       "OwaCalBackend %s owa2003 https://HOST/exchange/",
                                       use->name, use->name));
        }
        if (!conf->origin && !s->server_scheme) {
            return refuse(
                s, use->file, use->line,
                "OwaCalUse: the site's public origin is not known; say OwaCalOrigin "
                "https://HOST, or give ServerName a scheme, as in ServerName https://HOST");
        }
    }
    if ((wrong = oc_identify_realms_wrong(pconf, conf, &where)) != NULL) {
        return refuse(s, where->file, where->line,
                      apr_psprintf(pconf, "OwaCalRealm %s: %s", where->name, wrong));
    }
    if (check_accounts(pconf, s, conf) != OK) {
        return !OK;
    }
    if (conf->connect > conf->step || conf->step > conf->operation) {
        return refuse(
            s, conf->timeout_file, conf->timeout_line,
            "OwaCalTimeout: connect= must not be longer than step=, nor step= longer than "
            "operation=");
    }
    return OK;
}

/* Whoever shortens one deadline does not have to name the shorter ones inside it, too. */
static void shorten_defaults(oc_server_conf_t *conf)
{
    if (conf->step < 0 && conf->operation >= 0 && conf->operation < apr_time_from_sec(10)) {
        conf->step = conf->operation;
    }
    if (conf->connect < 0 && conf->step >= 0 && conf->step < apr_time_from_sec(3)) {
        conf->connect = conf->step;
    }
}

int oc_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    for (; s; s = s->next) {
        oc_server_conf_t *conf = ap_get_module_config(s->module_config, &owacal_module);

        shorten_defaults(conf);
#define X(type, name, unset, def) \
    if (conf->name == (unset)) {  \
        conf->name = def;         \
    }
        OC_SERVER_MEMBERS(X)
#undef X
        if (check_server(pconf, s, conf) != OK || load_keytabs(pconf, s, conf) != OK) {
            return !OK;
        }
        announce_relays(s, conf);
        if (!conf->origin && s->server_scheme) {
            conf->origin = oc_words_origin(
                pconf, apr_psprintf(pconf, "%s://%s:%d", s->server_scheme, s->server_hostname,
                                    s->port                             ? s->port
                                    : strcmp(s->server_scheme, "https") ? 80
                                                                        : 443));
        }
    }
    return OK;
}
