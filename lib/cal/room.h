/* room.h - a bookable room from the configuration. Plain data, living as long as that. */
#ifndef OC_CAL_ROOM_H
#define OC_CAL_ROOM_H

#include <apr_tables.h>
#include "base/result.h"

typedef struct oc_room_t {
    const char *id;               /* [a-z0-9][a-z0-9._-]{0,63}: stands in URLs */
    const char *address;          /* SMTP address of its mailbox */
    const char *mailbox;          /* the calendar server's name of it: one path segment */
    const char *name;             /* what people read; never NULL (id if not given) */
    int capacity;                 /* 0 = not said */
    const char *building, *floor; /* NULL = not said */
    apr_array_header_t *features; /* const char *, lower case; never NULL */
} oc_room_t;

/* One room from the words of a directive or a line of a rooms file: ID ADDRESS [name=..]
 * [capacity=N] [features=a,b] [building=..] [floor=..] [mailbox=NAME]. Without mailbox= the name is
 * what stands before the @. Returns NULL and sets *error to a sentence that says what is wrong and
 * what would be right. */
oc_room_t *oc_room_parse(apr_pool_t *pool, int argc, char *const argv[], const char **error);
/* Splits a line into words: blanks divide them; a quotation mark, single or double, at the begin of
 * a word or after its '=' holds blanks together until it closes, \ escapes it inside; # at the
 * begin of a word ends the line. Returns the number of words (at most 64), or -1 with *error set.
 */
int oc_room_words(apr_pool_t *pool, const char *line, char ***words, const char **error);
/* Reads a rooms file: one room a line, words quoted as in httpd's configuration, # comments. Rooms
 * are appended to `rooms` (oc_room_t *). *error names file and line. At most 5,000 rooms. */
apr_status_t oc_room_read_file(apr_pool_t *pool, const char *path, apr_array_header_t *rooms,
                               const char **error);
const oc_room_t *oc_room_find(const apr_array_header_t *rooms, const char *id);
const oc_room_t *oc_room_by_address(const apr_array_header_t *rooms, const char *address);

#endif
