/* backend.c - the kinds of calendar server there are. A new one is one line here. */
#include <string.h>
#include <apr_strings.h>

#include "backend/backend.h"
#include "backend/owa2003/owa.h"

static const oc_backend_vtable_t *const kinds[] = {
    &owa2003_vtable,
};

static int is_folder_path(const char *path)
{
    size_t n = path ? strlen(path) : 0;

    return n > 0 && path[0] == '/' && path[n - 1] == '/' && !strpbrk(path, "?# \\%")
           && !strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./");
}

oc_backend_t *oc_backend_open(apr_pool_t *pool, const oc_backend_conf_t *conf, const char **error)
{
    const oc_backend_vtable_t *vt = NULL;
    oc_backend_t *be;
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        if (conf->kind && !strcmp(kinds[i]->kind, conf->kind)) {
            vt = kinds[i];
        }
    }
    if (!vt) {
        *error = apr_psprintf(pool, "\"%s\" is no kind of calendar server; \"owa2003\" is",
                              conf->kind ? conf->kind : "");
        return NULL;
    }
    if (!conf->site || !conf->site->host || !conf->site->scheme) {
        *error = "the calendar server's URL has no host";
        return NULL;
    }
    if (!is_folder_path(conf->path)) {
        *error = apr_psprintf(pool, "the path of the mailboxes must begin and end with a slash, as"
                              " in \"/exchange/\", not \"%s\"", conf->path ? conf->path : "");
        return NULL;
    }
    if (!is_folder_path(conf->public_path)) {
        *error = apr_psprintf(pool, "public= must begin and end with a slash, as in \"/public/\","
                              " not \"%s\"", conf->public_path ? conf->public_path : "");
        return NULL;
    }
    if (conf->range_days < 0) {
        *error = "the longest free/busy range must be a number of days above 0";
        return NULL;
    }
    be = apr_pcalloc(pool, sizeof(*be));
    be->vt = vt;
    be->conf = conf;
    *error = NULL;
    return be;
}

const char *oc_backend_line_wrong(apr_pool_t *pool, const char *line)
{
    return owa_update_line_wrong(pool, line);
}
