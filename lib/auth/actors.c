/* actors.c - who may act in whose mailbox: a file of the administrator's, read at start-up.
 *
 *   ana@EX.EXAMPLE.COM: boss, team-calendar     a person, and mailboxes
 *   @reception: visitors                        everybody of a group
 *
 * Names are compared without regard to case, as the calendar server does. A person may stand in
 * several lines.
 */
#include <string.h>
#include <strings.h>
#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "auth/credential.h"
#include "base/str.h"

#define FILE_MAX (1024 * 1024) /* bytes */
#define NAME_MAX_BYTES 256
#define ENTRIES_MAX 500000 /* pairs of person and mailbox, groups resolved */

struct oc_actors_t {
    int entries;
    apr_hash_t *mailboxes; /* person -> apr_hash_t: the mailboxes' names; all in lower case */
};

/* ---- lines "name: word word" ---- */

typedef struct lines_t {
    apr_pool_t *pool;
    char *rest;
    int number;
} lines_t;

static int name_ok(const char *name)
{
    apr_size_t n = strlen(name);

    return n > 0 && n <= NAME_MAX_BYTES && !oc_str_control(name, "") && oc_str_utf8(name, n);
}

/* The next line that says something: 1 with *name and *words; 0 at the end; -1 with *error. */
static int next_line(lines_t *l, char **name, char **words, const char **error)
{
    char *line, *colon;

    while ((line = l->rest) != NULL) {
        char *end = strchr(line, '\n');

        l->rest = end ? end + 1 : NULL;
        if (end) {
            *end = '\0';
        }
        ++l->number;
        line = (char *)oc_str_trim(l->pool, line);
        if (!*line || *line == '#') {
            continue;
        }
        colon = strchr(line, ':');
        if (!colon) {
            *error = "there is no colon";
            return -1;
        }
        *colon = '\0';
        *name = (char *)oc_str_lower(l->pool, oc_str_trim(l->pool, line));
        *words = (char *)oc_str_lower(l->pool, colon + 1);
        if (!name_ok(*name)) {
            *error = "before the colon stands no usable name";
            return -1;
        }
        return 1;
    }
    return 0;
}

/* A mailbox is one segment of a path; see OwaCalMailbox. */
static int mailbox_ok(const char *name)
{
    return name_ok(name) && strlen(name) <= 254 && !strpbrk(name, "/\\?#%") && !strstr(name, "..")
           && name[strlen(name) - 1] != '.';
}

/* ---- groups ---- */

/* group -> apr_array_header_t of const char *: its members, lower case. */
static apr_hash_t *read_groups(apr_pool_t *pool, const char *text, const char **error)
{
    apr_hash_t *groups = apr_hash_make(pool);
    lines_t l = {pool, apr_pstrdup(pool, text), 0};
    char *name, *words, *state, *word;
    int rv;

    while ((rv = next_line(&l, &name, &words, error)) > 0) {
        apr_array_header_t *members = apr_hash_get(groups, name, APR_HASH_KEY_STRING);

        if (!members) {
            members = apr_array_make(pool, 8, sizeof(const char *));
            apr_hash_set(groups, name, APR_HASH_KEY_STRING, members);
        }
        for (word = apr_strtok(words, " \t\r", &state); word;
             word = apr_strtok(NULL, " \t\r", &state)) {
            if (*word == '@' || !name_ok(word)) { /* a group would be taken for a person */
                *error = "a member is no person; groups within groups are not known";
                rv = -1;
                goto wrong;
            }
            APR_ARRAY_PUSH(members, const char *) = word;
        }
    }
wrong:
    if (rv < 0) {
        *error = apr_psprintf(pool, "line %d: %s; write it as group: person person", l.number,
                              *error);
        return NULL;
    }
    return groups;
}

/* ---- actors ---- */

static void allow(apr_pool_t *pool, oc_actors_t *actors, const char *person,
                  const apr_array_header_t *mailboxes)
{
    apr_hash_t *of = apr_hash_get(actors->mailboxes, person, APR_HASH_KEY_STRING);

    if (!of) {
        of = apr_hash_make(pool);
        apr_hash_set(actors->mailboxes, person, APR_HASH_KEY_STRING, of);
    }
    actors->entries += mailboxes->nelts;
    for (int i = 0; i < mailboxes->nelts; ++i) {
        apr_hash_set(of, APR_ARRAY_IDX(mailboxes, i, const char *), APR_HASH_KEY_STRING, "");
    }
}

static const char *allow_line(apr_pool_t *pool, oc_actors_t *actors, apr_hash_t *groups,
                              const char *name, const apr_array_header_t *mailboxes)
{
    const apr_array_header_t *members;

    if (*name != '@') {
        allow(pool, actors, name, mailboxes);
        return actors->entries > ENTRIES_MAX ? "too many people and mailboxes" : NULL;
    }
    members = groups ? apr_hash_get(groups, name + 1, APR_HASH_KEY_STRING) : NULL;
    if (!members) {
        return apr_psprintf(pool, groups ? "there is no group \"%s\" in the file of groups="
                                         : "\"@%s\" is a group: say groups=FILE as well",
                            oc_str_log(pool, name + 1, 80));
    }
    for (int i = 0; i < members->nelts && actors->entries <= ENTRIES_MAX; ++i) {
        allow(pool, actors, APR_ARRAY_IDX(members, i, const char *), mailboxes);
    }
    return actors->entries > ENTRIES_MAX ? "too many people and mailboxes" : NULL;
}

/* The mailboxes of a line, or NULL with *error set. */
static apr_array_header_t *mailboxes_of(apr_pool_t *pool, char *words, const char **error)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));
    char *state = NULL, *word;

    for (word = apr_strtok(words, ",", &state); word; word = apr_strtok(NULL, ",", &state)) {
        const char *mailbox = oc_str_trim(pool, word);

        if (!mailbox_ok(mailbox)) {
            *error = apr_psprintf(pool, "\"%s\" is no mailbox's name",
                                  oc_str_log(pool, mailbox, 80));
            return NULL;
        }
        APR_ARRAY_PUSH(list, const char *) = mailbox;
    }
    if (list->nelts == 0) {
        *error = "after the colon stands no mailbox";
        return NULL;
    }
    return list;
}

static oc_actors_t *read_actors(apr_pool_t *pool, const char *text, apr_hash_t *groups,
                                const char **error)
{
    oc_actors_t *actors = apr_pcalloc(pool, sizeof(*actors));
    lines_t l = {pool, apr_pstrdup(pool, text), 0};
    char *name, *words;
    const char *wrong = NULL;

    actors->mailboxes = apr_hash_make(pool);
    while (next_line(&l, &name, &words, &wrong) > 0) {
        apr_array_header_t *mailboxes = mailboxes_of(pool, words, &wrong);

        if (!mailboxes || (wrong = allow_line(pool, actors, groups, name, mailboxes)) != NULL) {
            break;
        }
    }
    if (wrong) {
        *error = apr_psprintf(pool, "line %d: %s; write it as person: mailbox, mailbox", l.number,
                              wrong);
        return NULL;
    }
    return actors;
}

/* A whole file, or NULL with *error set. */
static char *content(apr_pool_t *pool, const char *file, const char **error)
{
    apr_file_t *f = NULL;
    apr_finfo_t info;
    apr_size_t len = 0;
    char *text = NULL;

    /* Without waiting: a FIFO would hold the start up for good. */
    if (apr_file_open(&f, file, APR_READ | APR_FOPEN_NONBLOCK, 0, pool) != APR_SUCCESS
        || apr_file_info_get(&info, APR_FINFO_PROT | APR_FINFO_TYPE | APR_FINFO_SIZE, f)
               != APR_SUCCESS) {
        *error = "there is no such file, or it cannot be read";
    } else if (info.filetype != APR_REG) {
        *error = "it is not a regular file";
    } else if (info.protection & APR_WWRITE) {
        *error = "everybody may change it; chmod o-w";
    } else if (info.size > FILE_MAX) {
        *error = "it is larger than a megabyte";
    } else {
        text = apr_pcalloc(pool, (apr_size_t)info.size + 1);
        apr_file_read_full(f, text, (apr_size_t)info.size, &len);
        if (len != (apr_size_t)info.size || memchr(text, '\0', len)) {
            *error = "it cannot be read as text";
            text = NULL;
        }
    }
    if (f) {
        apr_file_close(f);
    }
    return text;
}

oc_actors_t *oc_actors_parse(apr_pool_t *pool, const char *file, const char *groups,
                             const char **error)
{
    apr_hash_t *known = NULL;

    *error = NULL;
    if (groups && !(known = read_groups(pool, groups, error))) {
        return NULL;
    }
    return read_actors(pool, file, known, error);
}

oc_actors_t *oc_actors_read(apr_pool_t *pconf, const char *file, const char *groups,
                            const char **error)
{
    const char *at = groups, *wrong = NULL;
    apr_hash_t *known = NULL;
    oc_actors_t *actors = NULL;
    char *text = groups ? content(pconf, groups, &wrong) : NULL;

    if (text) {
        known = read_groups(pconf, text, &wrong);
    }
    if (!wrong) {
        at = file;
        text = content(pconf, file, &wrong);
        actors = text ? read_actors(pconf, text, known, &wrong) : NULL;
    }
    *error = wrong ? apr_pstrcat(pconf, at, ": ", wrong, NULL) : NULL;
    return actors;
}

int oc_actors_may(const oc_actors_t *actors, const char *canonical, const char *account,
                  const char *mailbox)
{
    char person[NAME_MAX_BYTES + 1], wanted[NAME_MAX_BYTES + 1];
    const apr_hash_t *of;

    if (account && *account && strcasecmp(account, mailbox) == 0) {
        return 1;
    }
    if (!actors || !canonical || strlen(canonical) > NAME_MAX_BYTES
        || strlen(mailbox) > NAME_MAX_BYTES) {
        return 0;
    }
    oc_str_lower_to(person, canonical, strlen(canonical));
    oc_str_lower_to(wanted, mailbox, strlen(mailbox));
    of = apr_hash_get(actors->mailboxes, person, APR_HASH_KEY_STRING);
    return of && apr_hash_get((apr_hash_t *)of, wanted, APR_HASH_KEY_STRING) != NULL;
}
