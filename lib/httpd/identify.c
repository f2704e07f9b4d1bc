/* identify.c - see identify.h. */
#include <strings.h>
#include <apr_strings.h>

#include "httpd/identify.h"
#include "wire/words.h"

extern module AP_MODULE_DECLARE_DATA owacal_module;

/* One option: 1 if the mode knows it. *error says what is wrong with its value. */
typedef int option_t(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word, const char **error);

static int basic_option(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word, const char **error)
{
    const char *v;

    (void)cmd;
    if ((v = oc_config_option(word, "upstream"))) {
        conf->upstream = strcasecmp(v, "basic") == 0   ? OC_UPSTREAM_BASIC
                         : strcasecmp(v, "ntlm") == 0  ? OC_UPSTREAM_NTLM
                         : strcasecmp(v, "forms") == 0 ? OC_UPSTREAM_FORMS
                                                       : -1;
        *error = conf->upstream < 0 ? "upstream= takes basic, ntlm or forms" : NULL;
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

static const struct {
    const char *token;
    int mode;
    option_t *option;
    const char *known; /* its options, for messages */
} modes[] = {
    {"basic", OC_IDENTITY_BASIC, basic_option, "upstream=basic|ntlm|forms and domain=NAME"},
    {"delegated", OC_IDENTITY_DELEGATED, delegated_option, "variable=NAME"},
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
        return "OwaCalIdentity takes a mode, basic or delegated, and its options";
    }
    conf->identity = modes[m].mode;
    for (int i = 1; i < argc; ++i) {
        const char *error = NULL;

        if (!modes[m].option(cmd, conf, argv[i], &error)) {
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
    oc_server_conf_t *conf = ap_get_module_config(cmd->server->module_config, &owacal_module);
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
