/* users.c - the accounts: from a users file, or the six that are there without one.
 *
 *     name:password:address:person|room[:accept|refuse|silent]:language
 *
 * `language` (en, de, fr, hu; may be left out: en) is that of the folder names. The policy is how
 * the mailbox answers meeting requests by itself; without it a room accepts and a person is silent.
 * `#` starts a comment line; blanks around a field do not count; a password cannot hold a colon. */

#include "sim.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define LINE_SIZE 1024
#define FIELDS_MAX 6

static const char default_users[] =
    "alice:pw-alice:alice@example.test:person:en\n"
    "bob:pw-bob:bob@example.test:person:en\n"
    "carol:pw-carol:carol@example.test:person:en\n"
    "boardroom:pw-boardroom:boardroom@example.test:room:accept:en\n"
    "room1:pw-room1:room1@example.test:room:accept:en\n"
    "zoltan:pw-zoltan:zoltan@example.test:person:hu\n";

static char *trim(char *text)
{
    char *end = text + strlen(text);

    while (end > text && apr_isspace(end[-1]))
        *--end = '\0';
    while (apr_isspace(*text))
        text++;
    return text;
}

/* NULL, or what is wrong with the line, a constant. */
static const char *add_line(sim_store_t *store, char *line)
{
    char *field[FIELDS_MAX] = { NULL }, *colon;
    const char *error = NULL, *language = "en";
    sim_policy_t policy;
    int n = 0, at = 4, lang;
    sim_kind_t kind;

    for (; line; line = colon) {
        if (n == FIELDS_MAX)
            return "more than six fields";
        colon = strchr(line, ':');
        if (colon)
            *colon++ = '\0';
        field[n++] = trim(line);
    }
    if (n < 4 || !*field[0] || !*field[2])
        return "want name:password:address:person|room[:accept|refuse|silent]:language";
    if (strcmp(field[3], "person") == 0)
        kind = SIM_PERSON;
    else if (strcmp(field[3], "room") == 0)
        kind = SIM_ROOM;
    else
        return "the fourth field is person or room";

    policy = kind == SIM_ROOM ? SIM_POLICY_ACCEPT : SIM_POLICY_SILENT;
    if (n > at) {
        if (strcmp(field[at], "accept") == 0)
            policy = SIM_POLICY_ACCEPT, at++;
        else if (strcmp(field[at], "refuse") == 0)
            policy = SIM_POLICY_REFUSE, at++;
        else if (strcmp(field[at], "silent") == 0)
            policy = SIM_POLICY_SILENT, at++;
        else if (n == FIELDS_MAX && *field[at])
            return "the fifth field is accept, refuse or silent";
        else if (n == FIELDS_MAX)
            at++;               /* person::en */
    }
    if (n > at + 1)
        return "one field too many";
    if (n == at + 1 && *field[at])
        language = field[at];
    if ((lang = sim_language_from(language)) < 0)
        return "the language is en, de, fr or hu";
    sim_store_add(store, field[0], field[1], field[2], kind, policy, lang, &error);
    return error;
}

apr_status_t sim_users_load(sim_store_t *store, const char *file, const char **error)
{
    static char where[LINE_SIZE + 256];         /* start-up only: one thread */
    apr_pool_t *p;
    apr_file_t *f = NULL;
    apr_status_t rv = APR_SUCCESS;
    const char *wrong = NULL, *next = default_users;
    char line[LINE_SIZE], *text;
    int number = 0, users = 0;

    apr_pool_create(&p, NULL);
    if (file && (rv = apr_file_open(&f, file, APR_READ | APR_BUFFERED, 0, p)) != APR_SUCCESS) {
        apr_snprintf(where, sizeof(where), "cannot open users file %.512s: %pm", file, &rv);
        *error = where;
        goto leave;
    }
    while (!wrong) {
        number++;
        if (f) {
            if (apr_file_gets(line, sizeof(line), f) != APR_SUCCESS)
                break;
            if (strlen(line) == sizeof(line) - 1)
                wrong = "line too long";
        }
        else {
            size_t n = strcspn(next, "\n");

            if (!*next)
                break;
            apr_cpystrn(line, next, n + 1);
            next += n + 1;
        }
        text = trim(line);
        if (wrong || !*text || *text == '#')
            continue;
        wrong = add_line(store, text);
        users++;
    }
    if (!wrong && !users)
        wrong = "no users in it";
    if (wrong) {
        apr_snprintf(where, sizeof(where), "%.512s line %d: %.400s", file ? file : "default users",
                     number, wrong);
        *error = where;
        rv = APR_EGENERAL;
    }
leave:
    apr_pool_destroy(p);
    return rv;
}
