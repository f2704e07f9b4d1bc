/* identify.c - see identify.h. */
#include <string.h>
#include <strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <apr_strings.h>

#include "httpd/identify.h"
#include "wire/words.h"

APLOG_USE_MODULE(owacal);

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
    oc_server_conf_t *server = ap_get_module_config(cmd->server->module_config, &owacal_module);
    oc_keytab_use_t *use;

    if (!conf->keytab_file) {
        return "keytab= is missing: the file with the service's own key, as in "
               "keytab=/etc/apache2/http.keytab";
    }
    conf->keytab = oc_keytab_declare(cmd->pool, conf->keytab_file, conf->keytab_principal);
    use = apr_array_push(server->keytabs);
    use->keytab = conf->keytab;
    use->file = cmd->directive->filename;
    use->line = cmd->directive->line_num;
    return NULL;
}

static const struct {
    const char *token;
    int mode;
    option_t *option;
    const char *known; /* its options, for messages */
    const char *(*ready)(cmd_parms *cmd, oc_dir_conf_t *conf); /* after them; NULL: nothing */
} modes[] = {
    {"basic", OC_IDENTITY_BASIC, basic_option, "upstream=basic|ntlm|forms and domain=NAME", NULL},
    {"delegated", OC_IDENTITY_DELEGATED, delegated_option, "variable=NAME", NULL},
    {"s4u", OC_IDENTITY_S4U, s4u_option, "keytab=FILE and principal=HTTP/HOST@REALM", s4u_ready},
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
        return "OwaCalIdentity takes a mode, basic, delegated or s4u, and its options";
    }
    conf->identity = modes[m].mode;
    for (int i = 1; i <= argc; ++i) {
        const char *error = NULL;

        if (i == argc) {
            error = modes[m].ready ? modes[m].ready(cmd, conf) : NULL;
        } else if (!modes[m].option(cmd, conf, argv[i], &error)) {
            error = apr_pstrcat(cmd->pool, "there is no option \"", argv[i], "\"; known are ",
                                modes[m].known, NULL);
        }
        if (error) {
            return apr_pstrcat(cmd->pool, "OwaCalIdentity ", modes[m].token, ": ", error, NULL);
        }
    }
    return NULL;
}
