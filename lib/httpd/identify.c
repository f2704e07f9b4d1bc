/* identify.c - see identify.h. */
#include <strings.h>
#include <httpd.h>
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

static int relay_option(cmd_parms *cmd, oc_dir_conf_t *conf, const char *word, const char **error)
{
    (void)cmd;
    (void)conf;
    (void)word;
    (void)error;
    return 0;
}

/* Start-up says where, so that nobody has it without knowing. */
static void note_relay(cmd_parms *cmd)
{
    oc_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &owacal_module);
    oc_use_t *use = apr_array_push(server->relays);

    use->name = "relay";
    use->file = cmd->directive->filename;
    use->line = cmd->directive->line_num;
}

static const struct {
    const char *token;
    int mode;
    option_t *option;
    const char *known; /* its options, for messages */
} modes[] = {
    {"basic", OC_IDENTITY_BASIC, basic_option, "upstream=basic|ntlm|forms and domain=NAME"},
    {"delegated", OC_IDENTITY_DELEGATED, delegated_option, "variable=NAME"},
    {"relay", OC_IDENTITY_RELAY, relay_option, "none"},
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
    if (conf->identity == OC_IDENTITY_RELAY) {
        note_relay(cmd);
    }
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
