/* Any line of a rooms file: its words, quoted again, are the same words; a room that is taken can
 * stand in an URL, as one segment, and in a header. */
#include "fuzz.h"
#include "cal/attendee.h"
#include "cal/room.h"

static const char *quoted(apr_pool_t *pool, const char *word)
{
    char *out = apr_palloc(pool, strlen(word) * 2 + 4), *o = out;

    *o++ = '"';
    for (; *word; word++) {
        if (*word == '"' || *word == '\\') {
            *o++ = '\\';
        }
        *o++ = *word;
    }
    *o++ = '"';
    *o++ = ' ';
    *o = '\0';
    return out;
}

static void check_room(const oc_room_t *room)
{
    const char *m = room->mailbox;

    must(strlen(room->id) <= 64 && strspn(room->id, "abcdefghijklmnopqrstuvwxyz0123456789._-") ==
                                       strlen(room->id) && *room->id && *room->id != '.');
    must(oc_attendee_address_ok(room->address));
    must(*m && !strpbrk(m, "/\\?#%") && strcmp(m, ".") && strcmp(m, "..") &&
         !oc_str_control(m, ""));
    must(room->name && *room->name && !oc_str_control(room->name, ""));
    must(oc_str_utf8(room->name, strlen(room->name)) && room->capacity >= 0);
    for (int i = 0; i < room->features->nelts; i++) {
        must(!oc_str_control(APR_ARRAY_IDX(room->features, i, const char *), ""));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *error = NULL, *line = "";
    char **words, **again;
    apr_pool_t *pool;
    int n;

    apr_pool_create(&pool, NULL);
    n = oc_room_words(pool, apr_pstrmemdup(pool, (const char *)data, size), &words, &error);
    must((n < 0) == (error != NULL) && n <= 64);
    for (int i = 0; i < n; i++) {
        line = apr_pstrcat(pool, line, quoted(pool, words[i]), NULL);
    }
    if (n >= 0) {
        const oc_room_t *room;
        must(oc_room_words(pool, line, &again, &error) == n);
        for (int i = 0; i < n; i++) {
            must(!strcmp(words[i], again[i]));
        }
        room = oc_room_parse(pool, n, words, &error);
        must((room == NULL) == (error != NULL));
        if (room) {
            check_room(room);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
