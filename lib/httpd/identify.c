/* identify.c - see identify.h. */
#include <string.h>
#include <strings.h>
#include <http_core.h>
#include <http_log.h>
#include <ap_mpm.h>
#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "cal/room.h"
#include "httpd/identify.h"
#include "httpd/person.h"
#include "wire/words.h"

APLOG_USE_MODULE(owacal);

static oc_server_conf_t *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &owacal_module);
}

/* basic, ntlm, forms; -1: none of them. */
static int upstream_of(const char *word)
{
    return strcasecmp(word, "basic") == 0   ? OC_UPSTREAM_BASIC
           : strcasecmp(word, "ntlm") == 0  ? OC_UPSTREAM_NTLM
           : strcasecmp(word, "forms") == 0 ? OC_UPSTREAM_FORMS
                                            : -1;
}

static const char upstream_wrong[] = "upstream= takes basic, ntlm or forms";

/* ---- OwaCalCredential ---- */

/* One option of OwaCalCredential: NULL, or what is wrong. */
static const char *credential_option(cmd_parms *cmd, oc_credential_t *c, const char *word)
{
    const char *v;
    int upstream;

    if ((v = oc_config_option(word, "user"))) {
        c->user = v;
        return *v && strlen(v) <= 256 && !oc_str_control(v, "")
                   ? NULL : "user= takes the account as the calendar server wants it, as in "
                            "user=EXAMPLE\\svc-rooms";
    }
    if ((v = oc_config_option(word, "upstream"))) {
        upstream = upstream_of(v);
        c->upstream = (oc_upstream_t)(upstream < 0 ? 0 : upstream);
        return upstream < 0 ? upstream_wrong : NULL;
    }
    if ((v = oc_config_option(word, "mailbox"))) {
        c->mailbox = v;
        return oc_person_mailbox_ok(v) ? NULL
                                       : "mailbox= takes a mailbox that this account may open";
    }
    if ((v = oc_config_option(word, "password"))) {
        c->source = strncmp(v, "exec:", 5) == 0 ? v : ap_server_root_relative(cmd->pool, v);
        return *v && c->source ? NULL : "password= takes a file, or exec:/path and words";
    }
    return apr_pstrcat(cmd->pool, "there is no option \"",
                       apr_pstrmemdup(cmd->pool, word, strcspn(word, "=")),
                       "\"; known are user=, password=, upstream= and mailbox=", NULL);
}

/* The account's own mailbox is named like it, without domain. */
static const char *own_mailbox(apr_pool_t *pool, const char *user)
{
    const char *backslash = strchr(user, '\\'), *name = backslash ? backslash + 1 : user;

    name = apr_pstrmemdup(pool, name, strcspn(name, "@"));
    return oc_person_mailbox_ok(name) ? name : NULL;
}

static const char *credential_wrong(cmd_parms *cmd, oc_credential_t *c)
{
    if (!c->user || !c->source) {
        return "user= and password= are wanted, as in user=EXAMPLE\\svc-rooms "
               "password=/etc/apache2/svc-rooms.password";
    }
    if (c->upstream == OC_UPSTREAM_BASIC && strchr(c->user, ':')) {
        return "a user with a colon cannot be presented by Basic; say upstream=ntlm";
    }
    c->mailbox = c->mailbox ? c->mailbox : own_mailbox(cmd->pool, c->user);
    return c->mailbox ? NULL : "the user's name gives no mailbox; say mailbox=NAME of one that it "
                               "may open";
}

static const char *add_credential(cmd_parms *cmd, int argc, char *const argv[])
{
    oc_server_conf_t *conf = server_of(cmd);
    oc_credential_entry_t *e = apr_pcalloc(cmd->pool, sizeof(*e));
    const char *error = NULL;

    if (argc < 1 || !oc_words_name_ok(argv[0])) {
        return "takes a name and options: OwaCalCredential rooms user=EXAMPLE\\svc-rooms "
               "password=/etc/apache2/svc-rooms.password";
    }
    for (int i = 0; i < conf->credentials->nelts; ++i) {
        const oc_credential_entry_t *old =
            APR_ARRAY_IDX(conf->credentials, i, oc_credential_entry_t *);
        if (strcmp(old->credential.name, argv[0]) == 0) {
            return apr_psprintf(cmd->pool,
                                "the name \"%s\" was given before (%s line %d); give each "
                                "credential a name of its own",
                                argv[0], old->file, old->line);
        }
    }
    e->credential.name = argv[0];
    e->credential.upstream = OC_UPSTREAM_BASIC;
    e->file = cmd->directive->filename;
    e->line = cmd->directive->line_num;
    for (int i = 1; i < argc && !error; ++i) {
        error = credential_option(cmd, &e->credential, argv[i]);
    }
    error = error ? error : credential_wrong(cmd, &e->credential);
    if (!error) {
        APR_ARRAY_PUSH(conf->credentials, oc_credential_entry_t *) = e;
    }
    return error;
}

const char *oc_identify_credential(cmd_parms *cmd, void *mconfig, const char *args)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    char **words;
    int n;

    (void)mconfig;
    if (error) {
        return error;
    }
    n = oc_room_words(cmd->pool, args, &words, &error);
    error = n < 0 ? error : add_credential(cmd, n, words);
    return error ? apr_pstrcat(cmd->pool, "OwaCalCredential: ", error, NULL) : NULL;
}

int oc_identify_load(apr_pool_t *pconf, server_rec *s)
{
    int generation = 0, rc = OK;

    ap_mpm_query(AP_MPMQ_GENERATION, &generation);
    for (; s; s = s->next) {
        const oc_server_conf_t *conf = oc_config_server(s);

        for (int i = 0; i < conf->credentials->nelts; ++i) {
            oc_credential_entry_t *e = APR_ARRAY_IDX(conf->credentials, i, oc_credential_entry_t *);
            const char *error = e->credential.password ? NULL /* the main server's, seen before */
                                                       : oc_credential_load(&e->credential, pconf);
            if (error) {
                ap_log_error(APLOG_MARK, generation ? APLOG_CRIT : APLOG_STARTUP | APLOG_EMERG, 0,
                             s, OC_LOGID(0570) "%s line %d: OwaCalCredential %s: %s", e->file,
                             e->line, e->credential.name, error);
                rc = generation ? rc : !OK;
            }
        }
    }
    return rc;
}

/* ---- OwaCalIdentity ---- */

/* One option: 1 if the mode knows it. *error says what is wrong with its value. */
typedef int option_t(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word, const char **error);

static int basic_option(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word, const char **error)
{
    const char *v;

    (void)cmd;
    if ((v = oc_config_option(word, "upstream"))) {
        conf->upstream = upstream_of(v);
        *error = conf->upstream < 0 ? upstream_wrong : NULL;
        return 1;
    }
    if ((v = oc_config_option(word, "domain"))) {
        conf->domain = v;
        *error = oc_words_name_ok(v)
                     ? NULL : "domain= takes a domain's name, as in domain=EXAMPLE";
        return 1;
    }
    return 0;
}

static int delegated_option(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word,
                            const char **error)
{
    const char *v = oc_config_option(word, "variable");

    (void)cmd;
    if (!v) {
        return 0;
    }
    conf->ccache_variable = v;
    if (!oc_words_name_ok(v)) {
        *error =
            "variable= takes the name of the request variable that holds the credential cache, "
            "as in variable=KRB5CCNAME";
    }
    return 1;
}

static int credential_name(oc_dir_conf_t *conf, const char *word, const char **error)
{
    const char *v = oc_config_option(word, "credential");

    if (!v) {
        return 0;
    }
    conf->account->credential = v;
    *error = oc_words_name_ok(v) ? NULL : "credential= takes the name of an OwaCalCredential";
    return 1;
}

static int service_option(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word, const char **error)
{
    int actors = oc_config_option(word, "actors") != NULL;
    const char *v = oc_config_option(word, actors ? "actors" : "groups"), *path;

    if (!v) {
        return credential_name(conf, word, error);
    }
    path = *v ? ap_server_root_relative(cmd->pool, v) : NULL;
    *error = path ? NULL : actors ? "actors= takes a file" : "groups= takes a file";
    *(actors ? &conf->account->actors_file : &conf->account->groups_file) = path;
    return 1;
}

static int device_option(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word, const char **error)
{
    const char *v = oc_config_option(word, "rooms");
    char *state = NULL, *id;

    if (!v) {
        return credential_name(conf, word, error);
    }
    conf->account->rooms = apr_array_make(cmd->pool, 8, sizeof(const char *));
    for (id = apr_strtok(apr_pstrdup(cmd->pool, v), ",", &state); id;
         id = apr_strtok(NULL, ",", &state)) {
        APR_ARRAY_PUSH(conf->account->rooms, const char *) = id;
    }
    *error = conf->account->rooms->nelts > 0
                 ? NULL : "rooms= takes ids of rooms, as in rooms=boardroom,room1";
    return 1;
}

/* What a service or a device refers to, once all options are read: NULL, or what is wrong. */
static const char *account_ready(cmd_parms *cmd, oc_dir_conf_t *conf)
{
    oc_account_use_t *use = conf->account;
    const char *error = NULL;

    if (!use->credential) {
        return "credential=NAME is wanted, the name of an OwaCalCredential";
    }
    if (use->groups_file && !use->actors_file) {
        return "groups= serves the groups that actors= names: say actors=FILE as well";
    }
    if (use->actors_file) {
        use->actors = oc_actors_read(cmd->pool, use->actors_file, use->groups_file, &error);
    }
    use->file = cmd->directive->filename;
    use->line = cmd->directive->line_num;
    APR_ARRAY_PUSH(server_of(cmd)->account_uses, oc_account_use_t *) = use;
    return error;
}

/* Declared when all its options have been read: see s4u_ready(). */
static int s4u_option(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word, const char **error)
{
    const char *v;

    if ((v = oc_config_option(word, "keytab"))) {
        conf->keytab_file = *v ? ap_server_root_relative(cmd->pool, v) : NULL;
        *error = conf->keytab_file
                     ? NULL : "keytab= takes a file, as in keytab=/etc/apache2/http.keytab";
        return 1;
    }
    if ((v = oc_config_option(word, "principal"))) {
        conf->keytab_principal = v;
        *error = strchr(v, '/') && strchr(v, '@')
                     ? NULL : "principal= takes the service's own name in the keytab, as in "
                              "principal=HTTP/www.example.com@EXAMPLE.COM";
        return 1;
    }
    return 0;
}

/* The file is read by oc_config_check, when the configuration is complete. */
static const char *s4u_ready(cmd_parms *cmd, oc_dir_conf_t *conf)
{
    oc_keytab_use_t *use;

    if (!conf->keytab_file) {
        return "keytab= is missing: the file with the service's own key, as in "
               "keytab=/etc/apache2/http.keytab";
    }
    conf->keytab = oc_keytab_declare(cmd->pool, conf->keytab_file, conf->keytab_principal);
    use = apr_array_push(server_of(cmd)->keytabs);
    use->keytab = conf->keytab;
    use->file = cmd->directive->filename;
    use->line = cmd->directive->line_num;
    return NULL;
}

/* Start-up says where, so that nobody has it without knowing. */
static const char *relay_ready(cmd_parms *cmd, oc_dir_conf_t *conf)
{
    oc_use_t *use = apr_array_push(server_of(cmd)->relays);

    (void)conf;
    use->name = "relay";
    use->file = cmd->directive->filename;
    use->line = cmd->directive->line_num;
    return NULL;
}

static const struct {
    const char *token;
    int mode;
    option_t *option;  /* NULL: it has none */
    const char *known; /* its options, for messages */
    const char *(*ready)(cmd_parms *cmd, oc_dir_conf_t *conf); /* after them; NULL: nothing */
} modes[] = {
    {"basic", OC_IDENTITY_BASIC, basic_option, "upstream=basic|ntlm|forms and domain=NAME", NULL},
    {"delegated", OC_IDENTITY_DELEGATED, delegated_option, "variable=NAME", NULL},
    {"s4u", OC_IDENTITY_S4U, s4u_option, "keytab=FILE and principal=HTTP/HOST@REALM", s4u_ready},
    {"service", OC_IDENTITY_SERVICE, service_option,
     "credential=NAME, actors=FILE and groups=FILE", account_ready},
    {"device", OC_IDENTITY_DEVICE, device_option, "credential=NAME and rooms=ID,ID",
     account_ready},
    {"relay", OC_IDENTITY_RELAY, NULL, "none", relay_ready},
};
#define MODES ((int)(sizeof(modes) / sizeof(modes[0])))

const char *oc_identify_token(int mode)
{
    for (int i = 0; i < MODES; ++i) {
        if (modes[i].mode == mode) {
            return modes[i].token;
        }
    }
    return "none";
}

const char *oc_identify_mode(cmd_parms *cmd, void *mconfig, int argc, char *const argv[])
{
    oc_dir_conf_t *conf = mconfig;
    int m = 0;

    while (m < MODES && (argc < 1 || strcasecmp(argv[0], modes[m].token) != 0)) {
        ++m;
    }
    if (m == MODES) {
        const char *known = modes[0].token;

        for (m = 1; m < MODES; ++m) {
            known = apr_pstrcat(cmd->pool, known, m + 1 < MODES ? ", " : " or ", modes[m].token,
                                NULL);
        }
        return apr_pstrcat(cmd->pool, "OwaCalIdentity takes a mode, ", known,
                           ", and its options", NULL);
    }
    conf->identity = modes[m].mode;
    /* Fresh each time: nothing that an outer location said, or the same one before, stays. */
    conf->account = apr_pcalloc(cmd->pool, sizeof(*conf->account));
    conf->upstream = OC_UPSTREAM_BASIC;
    conf->domain = "";
    conf->ccache_variable = "KRB5CCNAME";
    conf->keytab_file = conf->keytab_principal = NULL;
    for (int i = 1; i <= argc; ++i) {
        const char *error = NULL;

        if (i == argc) {
            error = modes[m].ready ? modes[m].ready(cmd, conf) : NULL;
        } else if (!modes[m].option || !modes[m].option(cmd, conf, argv[i], &error)) {
            error = apr_pstrcat(cmd->pool, "there is no option \"", argv[i], "\"; known are ",
                                modes[m].known, NULL);
        }
        if (error) {
            return apr_pstrcat(cmd->pool, "OwaCalIdentity ", modes[m].token, ": ", error, NULL);
        }
    }
    return NULL;
}

/* ---- realms ---- */

const char *oc_identify_realm(cmd_parms *cmd, void *dummy, int argc, char *const argv[])
{
    oc_server_conf_t *conf = server_of(cmd);
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    oc_realm_t *realm = NULL;
    oc_use_t *use;

    (void)dummy;
    if (error) {
        return error;
    }
    if ((error = oc_realm_parse(cmd->pool, argc, argv, &realm)) != NULL) {
        return apr_pstrcat(cmd->pool, "OwaCalRealm: ", error, NULL);
    }
    APR_ARRAY_PUSH(conf->realms, oc_realm_t *) = realm;
    use = apr_array_push(conf->realm_uses);
    use->name = realm->realm;
    use->file = cmd->directive->filename;
    use->line = cmd->directive->line_num;
    return NULL;
}

const char *oc_identify_realms_wrong(apr_pool_t *pool, const oc_server_conf_t *conf,
                                     const oc_use_t **where)
{
    apr_array_header_t *so_far = apr_array_make(pool, 2, sizeof(oc_realm_t *));

    /* One after the other: the first that makes them wrong is the line to name. */
    for (int i = 0; i < conf->realms->nelts; ++i) {
        const char *wrong;

        APR_ARRAY_PUSH(so_far, oc_realm_t *) = APR_ARRAY_IDX(conf->realms, i, oc_realm_t *);
        if ((wrong = oc_realms_wrong(pool, so_far)) != NULL) {
            *where = &APR_ARRAY_IDX(conf->realm_uses, i, oc_use_t);
            return wrong;
        }
    }
    return NULL;
}
