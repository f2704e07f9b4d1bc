#include "cal/room.h"
#include "base/str.h"
#include "cal/attendee.h"

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define ROOMS_MAX      5000
#define LINE_MAX_BYTES 4096
#define CAPACITY_MAX   100000
#define WORDS_MAX      64

static int id_ok(const char *id)
{
    apr_size_t n = 0;
    for (; id[n]; n++) {
        char c = id[n];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (n == 0 || !strchr("._-", c))) {
            return 0;
        }
    }
    return n >= 1 && n <= 64;
}

static int label_ok(const char *s)
{
    return *s && strlen(s) <= 255 && oc_str_utf8(s, strlen(s)) && !oc_str_control(s, "");
}

static const char *add_features(apr_pool_t *pool, oc_room_t *room, const char *value)
{
    char *rest = apr_pstrdup(pool, value), *word, *last;
    for (word = apr_strtok(rest, ",", &last); word; word = apr_strtok(NULL, ",", &last)) {
        const char *feature = oc_str_lower(pool, oc_str_trim(pool, word));
        if (!label_ok(feature)) {
            return apr_psprintf(pool,
                                "features=%s must be words divided by commas, as in "
                                "features=projector,phone",
                                value);
        }
        APR_ARRAY_PUSH(room->features, const char *) = feature;
    }
    return NULL;
}

#define OPTIONS "name=, capacity=, features=, building=, floor= and mailbox= may follow the address"

/* One segment of a path, so that no name leads out of its mailbox's. */
static int mailbox_ok(const char *s)
{
    return label_ok(s) && !strpbrk(s, "/\\?#%") && strcmp(s, ".") && strcmp(s, "..");
}

static const char *set_option(apr_pool_t *pool, oc_room_t *room, const char *word)
{
    const char *value = strchr(word, '=');
    apr_size_t n = value ? (apr_size_t)(value - word) : 0;
    const struct {
        const char *name;
        const char **where;
    } texts[] = {{"name", &room->name}, {"building", &room->building}, {"floor", &room->floor}};

    if (!value) {
        return apr_psprintf(pool, "'%s' is no option: " OPTIONS, word);
    }
    value++;
    for (int i = 0; i < 3; i++) {
        if (strlen(texts[i].name) == n && !strncasecmp(word, texts[i].name, n)) {
            if (!label_ok(value)) {
                return apr_psprintf(pool, "%s= must be 1 to 255 bytes of plain UTF-8 text",
                                    texts[i].name);
            }
            *texts[i].where = apr_pstrdup(pool, value);
            return NULL;
        }
    }
    if (n == 8 && !strncasecmp(word, "capacity", n)) {
        char *end;
        long capacity = strtol(value, &end, 10);
        if (!apr_isdigit(*value) || *end || capacity < 1 || capacity > CAPACITY_MAX) {
            return apr_psprintf(pool, "capacity=%s must be a number of seats from 1 to %d", value,
                                CAPACITY_MAX);
        }
        room->capacity = (int)capacity;
        return NULL;
    }
    if (n == 8 && !strncasecmp(word, "features", n)) {
        return add_features(pool, room, value);
    }
    if (n == 7 && !strncasecmp(word, "mailbox", n)) {
        if (!mailbox_ok(value)) {
            return "mailbox= must be the name by which the calendar server knows the mailbox, "
                   "without '/', '\\', '?', '#' and '%', as in mailbox=boardroom";
        }
        room->mailbox = apr_pstrdup(pool, value);
        return NULL;
    }
    return apr_psprintf(pool, "'%s' is unknown: " OPTIONS, word);
}

oc_room_t *oc_room_parse(apr_pool_t *pool, int argc, char *const argv[], const char **error)
{
    oc_room_t *room = apr_pcalloc(pool, sizeof(*room));
    room->features = apr_array_make(pool, 2, sizeof(const char *));

    if (argc < 2) {
        *error = "a room needs an id and a mailbox address, as in: boardroom "
                 "boardroom@example.com name=\"Board room\" capacity=12";
        return NULL;
    }
    if (!id_ok(argv[0])) {
        *error = apr_psprintf(pool,
                              "the room id '%s' must be 1 to 64 of a-z, 0-9, '.', '_', '-' and "
                              "begin with a letter or digit",
                              argv[0]);
        return NULL;
    }
    if (!oc_attendee_address_ok(argv[1])) {
        *error = apr_psprintf(pool,
                              "'%s' is no e-mail address: the second word is the address of "
                              "the room's mailbox",
                              argv[1]);
        return NULL;
    }
    room->id = apr_pstrdup(pool, argv[0]);
    room->address = apr_pstrdup(pool, argv[1]);
    for (int i = 2; i < argc; i++) {
        if ((*error = set_option(pool, room, argv[i]))) {
            return NULL;
        }
    }
    if (!room->name) {
        room->name = room->id;
    }
    if (!room->mailbox) {
        room->mailbox = apr_pstrmemdup(pool, argv[1], strcspn(argv[1], "@"));
        if (!mailbox_ok(room->mailbox)) {
            *error = apr_psprintf(pool,
                                  "the address '%s' gives no mailbox name: say which with mailbox=",
                                  argv[1]);
            return NULL;
        }
    }
    *error = NULL;
    return room;
}

int oc_room_words(apr_pool_t *pool, const char *line, char ***words, const char **error)
{
    char **list = apr_pcalloc(pool, (WORDS_MAX + 1) * sizeof(*list));
    const char *p = line;
    int n = 0;

    *words = list;
    *error = NULL;
    for (;;) {
        char *word, *w, quote = 0;
        while (apr_isspace(*p)) {
            p++;
        }
        if (!*p || *p == '#') {
            return n;
        }
        if (n == WORDS_MAX) {
            *error = "too many words in one line";
            return -1;
        }
        w = word = apr_palloc(pool, strlen(p) + 1);
        for (; *p && (quote || !apr_isspace(*p)); p++) {
            if (*p == '\\' && quote && (p[1] == quote || p[1] == '\\')) {
                *w++ = *++p;
            } else if (quote && *p == quote) {
                quote = 0;
            } else if (!quote && (*p == '"' || *p == '\'') &&
                       (w == word || (w > word && w[-1] == '='))) {
                quote = *p;
            } else {
                *w++ = *p;
            }
        }
        if (quote) {
            *error = "a quotation mark is not closed";
            return -1;
        }
        *w = '\0';
        list[n++] = word;
    }
}

static const char *add_line(apr_pool_t *pool, const char *line, apr_array_header_t *rooms)
{
    const char *error;
    char **words;
    oc_room_t *room;
    int n = oc_room_words(pool, line, &words, &error);
    if (n <= 0) {
        return error;
    }
    if (!(room = oc_room_parse(pool, n, words, &error))) {
        return error;
    }
    if (oc_room_find(rooms, room->id)) {
        return apr_psprintf(pool, "there is a room '%s' already: ids must differ", room->id);
    }
    if (rooms->nelts >= ROOMS_MAX) {
        return apr_psprintf(pool, "more than %d rooms", ROOMS_MAX);
    }
    APR_ARRAY_PUSH(rooms, oc_room_t *) = room;
    return NULL;
}

apr_status_t oc_room_read_file(apr_pool_t *pool, const char *path, apr_array_header_t *rooms,
                               const char **error)
{
    char line[LINE_MAX_BYTES], why[120];
    const char *wrong;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_READ | APR_BUFFERED, APR_OS_DEFAULT, pool);

    *error = NULL;
    if (rv) {
        *error =
            apr_psprintf(pool, "%s: cannot be read: %s", path, apr_strerror(rv, why, sizeof(why)));
        return rv;
    }
    for (int number = 1; !(rv = apr_file_gets(line, sizeof(line), file)); number++) {
        apr_size_t n = strlen(line);
        if (n == sizeof(line) - 1 && line[n - 1] != '\n') {
            wrong = "the line is too long";
        } else {
            wrong = add_line(pool, line, rooms);
        }
        if (wrong) {
            *error = apr_psprintf(pool, "%s line %d: %s", path, number, wrong);
            rv = APR_EGENERAL;
            goto leave;
        }
    }
    if (rv == APR_EOF) {
        rv = APR_SUCCESS;
    } else {
        *error =
            apr_psprintf(pool, "%s: cannot be read: %s", path, apr_strerror(rv, why, sizeof(why)));
    }
leave:
    apr_file_close(file);
    return rv;
}

const oc_room_t *oc_room_find(const apr_array_header_t *rooms, const char *id)
{
    for (int i = 0; id && i < rooms->nelts; i++) {
        const oc_room_t *room = APR_ARRAY_IDX(rooms, i, oc_room_t *);
        if (!strcmp(room->id, id)) {
            return room;
        }
    }
    return NULL;
}

const oc_room_t *oc_room_by_address(const apr_array_header_t *rooms, const char *address)
{
    for (int i = 0; i < rooms->nelts; i++) {
        const oc_room_t *room = APR_ARRAY_IDX(rooms, i, oc_room_t *);
        if (oc_attendee_same(room->address, address)) {
            return room;
        }
    }
    return NULL;
}
