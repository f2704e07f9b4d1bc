/* log.c - formatting of log lines; where they go is the installer's business. */
#include <stdio.h>
#include <string.h>
#include <apr_strings.h>

#include "base/log.h"

#define LINE_MAX_BYTES 2048

static oc_log_sink_t *log_sink;
static oc_log_wants_t *log_wants;
static void *log_baton;

void oc_log_install(oc_log_sink_t *sink, oc_log_wants_t *wants, void *baton)
{
    log_sink = sink;
    log_wants = wants;
    log_baton = baton;
}

int oc_log_wanted(int level)
{
    return log_sink && (!log_wants || log_wants(log_baton, level));
}

void oc_log_write(const char *file, int line, int level, apr_status_t status, const char *op_id,
                  const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    char message[LINE_MAX_BYTES];
    va_list args;
    int prefix = 0;
    unsigned char *p;

    if (!log_sink) {
        return;
    }
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    /* The message id stays in front, where people look for it; the op id follows. */
    if (strncmp(message, "OWACAL", 6) == 0) {
        char *colon = strchr(message, ':');
        prefix = colon ? (int)(colon - message) + 2 : 0;
    }
    if (op_id) {
        snprintf(text, sizeof(text), "%.*s[op %s] %s", prefix, message, op_id, message + prefix);
    } else {
        apr_cpystrn(text, message, sizeof(text));
    }
    /* Nothing that came from outside may begin a line of its own or colour a terminal. */
    for (p = (unsigned char *)text; *p; ++p) {
        if (*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
    log_sink(log_baton, file, line, level, status, text);
}
