/* directives.c - one function for each directive, and the command table.
 *
 * Each takes its words apart, checks them, and says what is wrong and what would be right; httpd
 * adds file and line. What needs the whole configuration is checked later, in config.c. */
#include <http_core.h>
#include <http_log.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "base/str.h"
#include "cal/zone.h"
#include "httpd/config.h"
#include "httpd/identify.h"
#include "wire/words.h"

extern module AP_MODULE_DECLARE_DATA owacal_module;

#define FRESHNESS_MAX 900 /* seconds: published free/busy is as old as that anyway */

static oc_server_conf_t *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &owacal_module);
}

/* ---- directives of server scope ---- */

static const char *parse_also(cmd_parms *cmd, oc_backend_conf_t *be, const char *list)
{
    char *copy = apr_pstrdup(cmd->pool, list), *state = NULL, *word;

    for (word = apr_strtok(copy, ",", &state); word; word = apr_strtok(NULL, ",", &state)) {
        oc_site_t *site = apr_pmemdup(cmd->pool, be->site, sizeof(*site));
        const char *error;

        /* connect= pins the first host only; the SPN of each is made of its own name. */
        site->connect = NULL;
        site->spn = NULL;
        error = oc_words_host(cmd->pool, word, be->site->port, &site->host, &site->port);
        if (error) {
            return apr_pstrcat(cmd->pool, "OwaCalBackend: also=", word, ": ", error, NULL);
        }
        APR_ARRAY_PUSH(be->also, oc_site_t *) = site;
    }
    return NULL;
}

static const char *parse_backend_url(cmd_parms *cmd, oc_backend_conf_t *be, const char *url)
{
    const char *error;
    apr_uri_t uri;

    if (apr_uri_parse(cmd->pool, url, &uri) != APR_SUCCESS || !uri.scheme || !uri.hostinfo ||
        uri.user || uri.password || uri.query || uri.fragment ||
        (strcmp(uri.scheme, "http") && strcmp(uri.scheme, "https"))) {
        return apr_pstrcat(cmd->pool, "OwaCalBackend: \"", url,
                           "\" is not a server's address; write "
                           "https://HOST[:PORT]/exchange/ without user, query or fragment",
                           NULL);
    }
    be->site->scheme = uri.scheme;
    /* Not uri.hostname and uri.port: they come unchecked, and cut to 16 bits. */
    error = oc_words_host(cmd->pool, uri.hostinfo, oc_scheme_port(uri.scheme), &be->site->host,
                          &be->site->port);
    if (error) {
        return apr_pstrcat(cmd->pool, "OwaCalBackend: \"", url, "\": ", error, NULL);
    }
    be->path = uri.path && uri.path[0] ? uri.path : "/exchange/";
    if (be->path[strlen(be->path) - 1] != '/') {
        be->path = apr_pstrcat(cmd->pool, be->path, "/", NULL);
    }
    if (!oc_words_path_ok(be->path)) {
        return apr_pstrcat(cmd->pool, "OwaCalBackend: the path \"", be->path,
                           "\" holds characters "
                           "that a path here may not; write it as /exchange/",
                           NULL);
    }
    return NULL;
}

static const char *parse_backend_option(cmd_parms *cmd, oc_backend_conf_t *be, const char *word)
{
    const char *v, *error = NULL;

    if ((v = oc_config_option(word, "connect"))) {
        const char *host;
        int port;
        error = oc_words_host(cmd->pool, v, be->site->port, &host, &port);
        be->site->connect = error ? NULL : apr_psprintf(cmd->pool, "%s:%d", host, port);
    } else if ((v = oc_config_option(word, "also"))) {
        return parse_also(cmd, be, v);
    } else if ((v = oc_config_option(word, "public"))) {
        be->public_path = v;
        if (v[0] != '/' || v[strlen(v) - 1] != '/' || !oc_words_path_ok(v)) {
            error = "a path that begins and ends with / is wanted, as in public=/public/";
        }
    } else if ((v = oc_config_option(word, "ca"))) {
        apr_finfo_t info;
        be->site->ca = ap_server_root_relative(cmd->pool, v);
        if (!be->site->ca || apr_stat(&info, be->site->ca, APR_FINFO_TYPE, cmd->temp_pool) ||
            info.filetype != APR_REG) {
            error = "there is no such file; give one with trusted certificates in PEM form";
        }
    } else if ((v = oc_config_option(word, "tls"))) {
        be->site->tls_min = strcmp(v, "1.0") == 0   ? 10
                            : strcmp(v, "1.1") == 0 ? 11
                            : strcmp(v, "1.2") == 0 ? 12
                            : strcmp(v, "1.3") == 0 ? 13
                                                    : 0;
        if (!be->site->tls_min) {
            error = "the lowest version allowed is wanted: 1.0, 1.1, 1.2 or 1.3";
        }
    } else if ((v = oc_config_option(word, "spn"))) {
        be->site->spn = v;
        if (strncmp(v, "HTTP@", 5) != 0 || !v[5]) {
            error = "a service name is wanted, as in spn=HTTP@mail.example.com";
        }
    } else {
        error = "there is no such option; known are connect=, also=, public=, ca=, tls= and spn=";
    }
    return error ? apr_pstrcat(cmd->pool, "OwaCalBackend: ", word, ": ", error, NULL) : NULL;
}

static const char *set_backend(cmd_parms *cmd, void *dummy, int argc, char *const argv[])
{
    oc_server_conf_t *conf = server_of(cmd);
    oc_backend_entry_t *e = apr_pcalloc(cmd->pool, sizeof(*e));
    const char *error, *also = NULL;
    int i;

    (void)dummy;
    if ((error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT))) {
        return error;
    }
    if (argc < 3) {
        return "OwaCalBackend takes a name, a kind and an address: "
               "OwaCalBackend corp owa2003 https://mail.example.com/exchange/";
    }
    if (!oc_words_name_ok(argv[0])) {
        return apr_pstrcat(cmd->pool, "OwaCalBackend: the name \"", argv[0],
                           "\" must be made of "
                           "letters, digits, \".\", \"_\" and \"-\" (at most 64)",
                           NULL);
    }
    for (i = 0; i < conf->backends->nelts; ++i) {
        oc_backend_entry_t *old = APR_ARRAY_IDX(conf->backends, i, oc_backend_entry_t *);
        if (strcmp(old->conf.name, argv[0]) == 0) {
            return apr_psprintf(cmd->pool,
                                "OwaCalBackend: the name \"%s\" was given before (%s line "
                                "%d); give each backend a name of its own",
                                argv[0], old->file, old->line);
        }
    }
    e->conf.name = argv[0];
    e->conf.kind = argv[1];
    e->conf.site = apr_pcalloc(cmd->pool, sizeof(*e->conf.site));
    e->conf.site->tls_min = 12;
    e->conf.public_path = "/public/";
    e->conf.also = apr_array_make(cmd->pool, 2, sizeof(oc_site_t *));
    e->file = cmd->directive->filename;
    e->line = cmd->directive->line_num;
    if ((error = parse_backend_url(cmd, &e->conf, argv[2]))) {
        return error;
    }
    for (i = 3; i < argc; ++i) {
        if (strncmp(argv[i], "also=", 5) == 0) {
            also = argv[i]; /* last: the further hosts take over what the options say of TLS */
        } else if ((error = parse_backend_option(cmd, &e->conf, argv[i]))) {
            return error;
        }
    }
    if (also && (error = parse_backend_option(cmd, &e->conf, also))) {
        return error;
    }
    APR_ARRAY_PUSH(conf->backends, oc_backend_entry_t *) = e;
    return NULL;
}

static const char *add_room(cmd_parms *cmd, oc_server_conf_t *conf, oc_room_t *room)
{
    if (oc_room_find(conf->rooms, room->id)) {
        return apr_pstrcat(cmd->pool, "the room \"", room->id,
                           "\" was given before; give each room an id of its own", NULL);
    }
    if (oc_room_by_address(conf->rooms, room->address)) {
        return apr_pstrcat(cmd->pool, "the mailbox \"", room->address,
                           "\" belongs to another room already; each room needs its own", NULL);
    }
    for (int i = 0; i < conf->rooms->nelts; ++i) {
        const oc_room_t *other = APR_ARRAY_IDX(conf->rooms, i, const oc_room_t *);
        if (strcasecmp(other->mailbox, room->mailbox) == 0) {
            return apr_pstrcat(cmd->pool, "the mailbox name \"", room->mailbox,
                               "\" is that of the room \"", other->id,
                               "\" already; say mailbox=ALIAS as the server has it", NULL);
        }
    }
    APR_ARRAY_PUSH(conf->rooms, oc_room_t *) = room;
    return NULL;
}

/* Raw, because httpd's own words know quotes at their beginning only, and name="Board room" is what
 * people write. */
static const char *set_room(cmd_parms *cmd, void *dummy, const char *args)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    oc_room_t *room = NULL;
    char **words;
    int n;

    (void)dummy;
    if (error) {
        return error;
    }
    n = oc_room_words(cmd->pool, args, &words, &error);
    if (n >= 0) {
        room = oc_room_parse(cmd->pool, n, words, &error);
    }
    error = room ? add_room(cmd, server_of(cmd), room) : error;
    return error ? apr_pstrcat(cmd->pool, "OwaCalRoom: ", error, NULL) : NULL;
}

static const char *set_rooms(cmd_parms *cmd, void *dummy, const char *file)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    const char *path = ap_server_root_relative(cmd->pool, file);
    apr_array_header_t *rooms = apr_array_make(cmd->pool, 32, sizeof(oc_room_t *));
    int i;

    (void)dummy;
    if (error) {
        return error;
    }
    if (!path || oc_room_read_file(cmd->pool, path, rooms, &error) != APR_SUCCESS) {
        return apr_pstrcat(cmd->pool, "OwaCalRooms: ", error ? error : "that is not a file's name",
                           NULL);
    }
    for (i = 0; i < rooms->nelts && !error; ++i) {
        error = add_room(cmd, server_of(cmd), APR_ARRAY_IDX(rooms, i, oc_room_t *));
    }
    return error ? apr_pstrcat(cmd->pool, "OwaCalRooms: ", path, ": ", error, NULL) : NULL;
}

static const char *set_origin(cmd_parms *cmd, void *dummy, const char *url)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);

    (void)dummy;
    if (error) {
        return error;
    }
    server_of(cmd)->origin = oc_words_origin(cmd->pool, url);
    return server_of(cmd)->origin
               ? NULL
               : apr_pstrcat(cmd->pool, "OwaCalOrigin: \"", url,
                             "\" is not an origin; write the scheme, "
                             "host and port that browsers see, as in https://intranet.example.com",
                             NULL);
}

static const char *set_secret(cmd_parms *cmd, void *dummy, const char *file)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)dummy;
    if (error) {
        return error;
    }
    server_of(cmd)->secret_file = ap_server_root_relative(cmd->pool, file);
    return server_of(cmd)->secret_file ? NULL : "OwaCalSecret: that is not a file's name";
}

/* A number and a unit as httpd has them, and nothing behind: of "5months" httpd reads five minutes,
 * of a word alone its first letter for a unit and 0 for the number. 0: it is none. */
static int time_ok(const char *text, apr_time_t *time)
{
    static const char *const units[] = {"", "ms", "s", "mi", "min", "h", NULL};
    size_t digits = strspn(text, "0123456789");
    int i;

    for (i = 0; units[i] && strcmp(text + digits, units[i]) != 0; ++i) {
    }
    return digits > 0 && units[i] && ap_timeout_parameter_parse(text, time, "s") == APR_SUCCESS;
}

static const char *set_timeout(cmd_parms *cmd, void *dummy, int argc, char *const argv[])
{
    oc_server_conf_t *conf = server_of(cmd);
    const struct {
        const char *key;
        apr_time_t *to;
    } keys[] = {
        {"connect", &conf->connect}, {"step", &conf->step},     {"operation", &conf->operation},
        {"undo", &conf->undo},       {"answer", &conf->answer},
    };
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int i, k;

    (void)dummy;
    if (error) {
        return error;
    }
    for (i = 0; i < argc; ++i) {
        const char *v = NULL;
        for (k = 0; k < (int)(sizeof(keys) / sizeof(keys[0])) && !v; ++k) {
            v = oc_config_option(argv[i], keys[k].key);
            if (v && (!time_ok(v, keys[k].to) || *keys[k].to < apr_time_from_msec(50) ||
                      *keys[k].to > apr_time_from_sec(300))) {
                return apr_pstrcat(cmd->pool, "OwaCalTimeout: ", argv[i],
                                   ": a time from 50ms to 300s "
                                   "is wanted, as in step=10s",
                                   NULL);
            }
        }
        if (!v) {
            return apr_pstrcat(cmd->pool, "OwaCalTimeout: ", argv[i],
                               ": known are connect=, step=, "
                               "operation=, undo= and answer=",
                               NULL);
        }
    }
    conf->timeout_file = cmd->directive->filename;
    conf->timeout_line = cmd->directive->line_num;
    return argc ? NULL
                : "OwaCalTimeout takes at least one of connect=, step=, operation=, undo=, answer=";
}

static const char *set_limit(cmd_parms *cmd, void *dummy, int argc, char *const argv[])
{
    oc_server_conf_t *conf = server_of(cmd);
    const struct {
        const char *key;
        int *to;
        int min, max;
    } keys[] = {
        {"inflight", &conf->inflight, 1, 10000},
        {"queue", &conf->queue, 1, 100000},
        {"waiting", &conf->waiting, 1, 100000},
        {"per-user", &conf->per_user, 1, 1000},
        {"per-identity", &conf->per_identity, 1, 1000},
        {"gss-threads", &conf->gss_threads, 1, 64},
        {"body", &conf->max_body, 1024, 16 * 1024 * 1024},
        {"response", &conf->max_response, 65536, 256 * 1024 * 1024},
        {"attendees", &conf->max_attendees, 1, 1000},
        {"range", &conf->max_range, 1, 366},
        {"leases", &conf->leases, 16, 65536},
        {"ledger", &conf->ledger, 64, 1048576},
        {"fresh", &conf->fresh, 64, 262144},
        {"relayed", &conf->relayed, 1, 65536},
    };
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int i, k;

    (void)dummy;
    if (error) {
        return error;
    }
    for (i = 0; i < argc; ++i) {
        const char *v = NULL;
        for (k = 0; k < (int)(sizeof(keys) / sizeof(keys[0])) && !v; ++k) {
            if ((v = oc_config_option(argv[i], keys[k].key))) {
                char *end;
                apr_int64_t n = apr_strtoi64(v, &end, 10);
                if (!*v || *end || n < keys[k].min || n > keys[k].max) {
                    return apr_psprintf(cmd->pool,
                                        "OwaCalLimit: %s: a number from %d to %d is wanted",
                                        argv[i], keys[k].min, keys[k].max);
                }
                *keys[k].to = (int)n;
            }
        }
        if (!v) {
            return apr_pstrcat(
                cmd->pool, "OwaCalLimit: ", argv[i],
                ": known are inflight=, queue=, "
                "waiting=, per-user=, per-identity=, gss-threads=, body=, response=, attendees=, "
                "range=, leases=, ledger=, fresh= and relayed=",
                NULL);
        }
    }
    return argc ? NULL : "OwaCalLimit takes at least one NAME=NUMBER";
}

static const char *set_trace(cmd_parms *cmd, void *dummy, const char *word)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)dummy;
    if (error) {
        return error;
    }
    server_of(cmd)->tracing = strcasecmp(word, "off") == 0        ? OC_TRACING_OFF
                              : strcasecmp(word, "failures") == 0 ? OC_TRACING_FAILURES
                              : strcasecmp(word, "all") == 0      ? OC_TRACING_ALL
                                                                  : -1;
    return server_of(cmd)->tracing >= 0 ? NULL : "OwaCalTrace takes off, failures or all";
}

static const char *set_owa_command(cmd_parms *cmd, void *dummy, int argc, char *const argv[])
{
    oc_server_conf_t *conf = server_of(cmd);
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int i;

    (void)dummy;
    if (error) {
        return error;
    }
    for (i = 0; i < argc; ++i) {
        const char *line = oc_config_option(argv[i], "update");
        if (!line || !*line || oc_str_control(line, "") || strlen(line) > 500 ||
            !strchr(line, '=')) {
            return "OwaCalOwaCommand takes lines as \"update=Cmd=sendappt\": one for each line of "
                   "the update command, NAME=VALUE without line breaks, at most 500 bytes";
        }
        error = oc_backend_line_wrong(cmd->pool, line);
        if (error) {
            return apr_pstrcat(cmd->pool, "OwaCalOwaCommand: ", error, NULL);
        }
        if (!conf->update_lines) {
            conf->update_lines = apr_array_make(cmd->pool, 8, sizeof(const char *));
        }
        APR_ARRAY_PUSH(conf->update_lines, const char *) = line;
    }
    return argc ? NULL : "OwaCalOwaCommand takes at least one update=LINE";
}

/* ---- directives of directory scope ---- */

static const char *set_use(cmd_parms *cmd, void *mconfig, const char *name)
{
    oc_dir_conf_t *conf = mconfig;
    oc_use_t *use = apr_array_push(server_of(cmd)->uses);

    conf->use = name;
    use->name = name;
    use->file = cmd->directive->filename;
    use->line = cmd->directive->line_num;
    /* Where the handler lives, unless OwaCalBase says otherwise. A pattern is no path. */
    if (cmd->path && cmd->path[0] == '/' && cmd->directive->parent &&
        strcasecmp(cmd->directive->parent->directive, "<Location") == 0 &&
        cmd->directive->parent->args[0] != '~') {
        size_t n = strlen(cmd->path);
        conf->location = apr_pstrmemdup(cmd->pool, cmd->path, cmd->path[n - 1] == '/' ? n - 1 : n);
    }
    return NULL;
}

static const char *set_base(cmd_parms *cmd, void *mconfig, const char *path)
{
    oc_dir_conf_t *conf = mconfig;
    size_t n = strlen(path);

    if (path[0] != '/' || !oc_words_path_ok(path)) {
        return apr_pstrcat(cmd->pool, "OwaCalBase: \"", path,
                           "\" is not a path; write it as /booking", NULL);
    }
    conf->base = apr_pstrmemdup(cmd->pool, path, path[n - 1] == '/' ? n - 1 : n);
    return NULL;
}

static const char *set_mailbox(cmd_parms *cmd, void *mconfig, const char *text)
{
    oc_dir_conf_t *conf = mconfig;
    const char *error = oc_words_person_expr(cmd->pool, text);

    if (error) {
        return apr_pstrcat(cmd->pool, "OwaCalMailbox: ", error, NULL);
    }
    conf->mailbox = ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_STRING_RESULT, &error, NULL);
    return error ? apr_pstrcat(cmd->pool, "OwaCalMailbox: ", error, NULL) : NULL;
}

static const char *set_zone(cmd_parms *cmd, void *mconfig, const char *name)
{
    oc_dir_conf_t *conf = mconfig;

    conf->zone = oc_zone_canonical(cmd->pool, name);
    return conf->zone ? NULL
                      : apr_pstrcat(cmd->pool, "OwaCalTimezone: \"", name,
                                    "\" is no time zone; write its IANA "
                                    "name, as in Europe/Budapest",
                                    NULL);
}

static const char *set_conflict(cmd_parms *cmd, void *mconfig, int argc, char *const argv[])
{
    oc_dir_conf_t *conf = mconfig;
    const char *v = argc > 1 ? oc_config_option(argv[1], "unknown") : NULL;

    (void)cmd;
    conf->conflict = argc < 1                             ? -1
                     : strcasecmp(argv[0], "refuse") == 0 ? OC_CONFLICT_REFUSE
                     : strcasecmp(argv[0], "warn") == 0   ? OC_CONFLICT_WARN
                     : strcasecmp(argv[0], "allow") == 0  ? OC_CONFLICT_ALLOW
                                                          : -1;
    if (conf->conflict < 0 || argc > 2 ||
        (argc == 2 && (!v || (strcasecmp(v, "pending") && strcasecmp(v, "refuse"))))) {
        return "OwaCalConflict takes refuse, warn or allow, and after it unknown=pending or "
               "unknown=refuse";
    }
    if (v) {
        conf->unknown_refuse = strcasecmp(v, "refuse") == 0;
    }
    return NULL;
}

static const char *set_return(cmd_parms *cmd, void *mconfig, const char *prefix)
{
    oc_dir_conf_t *conf = mconfig;
    size_t n = strlen(prefix);

    if (prefix[0] != '/' || prefix[1] == '/' || !oc_words_path_ok(prefix)) {
        return apr_pstrcat(cmd->pool, "OwaCalReturn: \"", prefix,
                           "\" is not a path of this site; write "
                           "it as /intranet",
                           NULL);
    }
    if (!conf->returns) {
        conf->returns = apr_array_make(cmd->pool, 4, sizeof(const char *));
    }
    APR_ARRAY_PUSH(conf->returns, const char *) =
        apr_pstrmemdup(cmd->pool, prefix, prefix[n - 1] == '/' ? n - 1 : n);
    return NULL;
}

static const char *set_privacy(cmd_parms *cmd, void *mconfig, const char *word)
{
    oc_dir_conf_t *conf = mconfig;

    (void)cmd;
    conf->privacy = strcasecmp(word, "busy") == 0        ? OC_PRIVACY_BUSY
                    : strcasecmp(word, "organizer") == 0 ? OC_PRIVACY_ORGANIZER
                    : strcasecmp(word, "subject") == 0   ? OC_PRIVACY_SUBJECT
                                                         : -1;
    return conf->privacy >= 0 ? NULL : "OwaCalPrivacy takes busy, organizer or subject";
}

/* A number alone is seconds, as everywhere in httpd; "0" need not say of what. */
static const char *set_freshness(cmd_parms *cmd, void *mconfig, const char *time,
                                 const char *audience)
{
    oc_dir_conf_t *conf = mconfig;
    const char *v = audience ? oc_config_option(audience, "audience") : NULL;

    (void)cmd;
    if (!time_ok(time, &conf->freshness) || conf->freshness < 0 ||
        conf->freshness > apr_time_from_sec(FRESHNESS_MAX)) {
        return apr_psprintf(
            cmd->pool,
            "OwaCalFreshness: \"%s\" is not a time from 0 to %d minutes, as in 15s; "
            "0 always asks the calendar server",
            time, FRESHNESS_MAX / 60);
    }
    /* What is not said is not inherited: who shares what stands in one line. */
    conf->audience = !audience                       ? OC_AUDIENCE_SELF
                     : !v                               ? -1
                     : strcasecmp(v, "self") == 0     ? OC_AUDIENCE_SELF
                     : strcasecmp(v, "everyone") == 0 ? OC_AUDIENCE_EVERYONE
                                                      : -1;
    return conf->audience >= 0 ? NULL
                               : "OwaCalFreshness takes audience=self or audience=everyone behind "
                                 "the time";
}

const command_rec oc_config_commands[] = {
    AP_INIT_TAKE_ARGV(
        "OwaCalBackend", set_backend, NULL, RSRC_CONF,
        "NAME owa2003 URL [connect=host:port] [also=host,..] [public=/public/] [ca=FILE] "
        "[tls=1.2] [spn=HTTP@host]: a calendar server"),
    AP_INIT_RAW_ARGS(
        "OwaCalRoom", set_room, NULL, RSRC_CONF,
        "ID ADDRESS [name=..] [capacity=N] [features=a,b] [building=..] [floor=..] [mailbox=..]"),
    AP_INIT_TAKE1("OwaCalRooms", set_rooms, NULL, RSRC_CONF, "FILE with one room a line"),
    AP_INIT_TAKE_ARGV("OwaCalRealm", oc_identify_realm, NULL, RSRC_CONF,
                      "REALM [domain=EX,EX2] [mail=example.com,..] [default]: names that belong "
                      "together"),
    AP_INIT_RAW_ARGS("OwaCalCredential", oc_identify_credential, NULL, RSRC_CONF,
                     "NAME user=DOMAIN\\NAME password=FILE|exec:/path [upstream=basic|ntlm|forms] "
                     "[mailbox=NAME]: an account of a service or a device"),
    AP_INIT_TAKE1("OwaCalOrigin", set_origin, NULL, RSRC_CONF,
                  "the site's public scheme://host[:port]"),
    AP_INIT_TAKE1("OwaCalSecret", set_secret, NULL, RSRC_CONF,
                  "FILE (mode 0600) with one or two keys"),
    AP_INIT_TAKE_ARGV("OwaCalTimeout", set_timeout, NULL, RSRC_CONF,
                      "connect=3s step=10s operation=20s undo=10s answer=2s"),
    AP_INIT_TAKE_ARGV("OwaCalLimit", set_limit, NULL, RSRC_CONF, "NAME=NUMBER ..: every bound"),
    AP_INIT_TAKE1("OwaCalTrace", set_trace, NULL, RSRC_CONF, "off, failures or all"),
    AP_INIT_TAKE_ARGV("OwaCalOwaCommand", set_owa_command, NULL, RSRC_CONF,
                      "update=LINE ..: the lines of the OWA update command"),
    AP_INIT_TAKE1("OwaCalUse", set_use, NULL, ACCESS_CONF,
                  "name of the backend this location books on"),
    AP_INIT_TAKE1("OwaCalBase", set_base, NULL, ACCESS_CONF, "path under which the handler lives"),
    AP_INIT_TAKE_ARGV(
        "OwaCalIdentity", oc_identify_mode, NULL, ACCESS_CONF,
        "basic [upstream=basic|ntlm|forms] [domain=NAME], delegated [variable=NAME], s4u "
        "keytab=FILE [principal=HTTP/HOST@REALM], service credential=NAME [actors=FILE] "
        "[groups=FILE], device credential=NAME [rooms=ID,ID] or relay"),
    AP_INIT_TAKE1("OwaCalMailbox", set_mailbox, NULL, ACCESS_CONF,
                  "expression from the verified user to the mailbox"),
    AP_INIT_TAKE1("OwaCalTimezone", set_zone, NULL, ACCESS_CONF,
                  "IANA time zone of forms and pages"),
    AP_INIT_TAKE_ARGV("OwaCalConflict", set_conflict, NULL, ACCESS_CONF,
                      "refuse, warn or allow [unknown=pending|refuse]"),
    AP_INIT_ITERATE("OwaCalReturn", set_return, NULL, ACCESS_CONF,
                    "paths that return= may lead to"),
    AP_INIT_TAKE12("OwaCalFreshness", set_freshness, NULL, ACCESS_CONF,
                   "15s [audience=self|everyone]: how old the free/busy may be that is shown"),
    AP_INIT_TAKE1("OwaCalPrivacy", set_privacy, NULL, ACCESS_CONF, "busy, organizer or subject"),
    {.name = NULL}};
