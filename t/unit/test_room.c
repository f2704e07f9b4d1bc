#include "tap.h"
#include "cal/room.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <stdlib.h>
#include <unistd.h>

static apr_pool_t *pool;

static oc_room_t *parse(const char *line, const char **error)
{
    char **words;
    int n = oc_room_words(pool, line, &words, error);
    return n < 0 ? NULL : oc_room_parse(pool, n, words, error);
}

static void test_words(void)
{
    char **w;
    const char *error;
    is_int(oc_room_words(pool, " a  b=\"c d\" 'e f' g\\h # rest", &w, &error), 4, "four words");
    is_str(w[1], "b=c d", "quotes after =");
    is_str(w[2], "e f", "a quoted word");
    is_str(w[3], "g\\h", "a backslash outside quotes is itself");
    is_int(oc_room_words(pool, "\"a\\\"b\" o'brien", &w, &error), 2, "escapes and apostrophes");
    is_str(w[0], "a\"b", "an escaped quotation mark");
    is_str(w[1], "o'brien", "an apostrophe inside a word");
    is_int(oc_room_words(pool, "a \"b", &w, &error), -1, "a quote left open");
    ok(error != NULL, "says so: %s", error);
    is_int(oc_room_words(pool, "  # only a comment", &w, &error), 0, "a comment");
}

static void test_parse(void)
{
    static const struct {
        const char *line, *part;
    } wrong[] = {
        {"boardroom", "needs an id and a mailbox"},
        {"Board b@x.example", "must be 1 to 64"},
        {"../etc b@x.example", "must be 1 to 64"},
        {"b not-an-address", "is no e-mail address"},
        {"b a/b@x.example", "gives no mailbox name"},
        {"b b@x.example mailbox=", "mailbox= must be"},
        {"b b@x.example mailbox=a/b", "mailbox= must be"},
        {"b b@x.example mailbox=..", "mailbox= must be"},
        {"b b@x.example \"mailbox=a\\b\"", "mailbox= must be"},
        {"b b@x.example mailbox=a%2fb", "mailbox= must be"},
        {"b b@x.example \"mailbox=a\tb\"", "mailbox= must be"},
        {"b b@x.example capacity=many", "number of seats"},
        {"b b@x.example capacity=-1", "number of seats"},
        {"b b@x.example capacity=99999999999999999999", "number of seats"},
        {"b b@x.example colour=red", "is unknown"},
        {"b b@x.example large", "is no option"},
        {"b b@x.example name=", "1 to 255 bytes"},
    };
    const char *error;
    oc_room_t *r = parse("boardroom Board.Room@x.example name=\"Board room\" capacity=12 "
                         "features=Projector,phone building=4 floor=\"2nd\"",
                         &error);
    ok(r && !error, "a whole room");
    is_str(r->id, "boardroom", "id");
    is_str(r->address, "Board.Room@x.example", "address");
    is_str(r->mailbox, "Board.Room", "mailbox");
    is_str(r->name, "Board room", "name");
    is_int(r->capacity, 12, "capacity");
    is_int(r->features->nelts, 2, "two features");
    is_str(APR_ARRAY_IDX(r->features, 0, const char *), "projector", "in lower case");
    is_str(r->building, "4", "building");
    is_str(r->floor, "2nd", "floor");
    r = parse("r1 a/b@x.example Mailbox=Room.1", &error);
    is_str(r ? r->mailbox : NULL, "Room.1", "a mailbox with a name of its own");
    r = parse("r1 r1@x.example", &error);
    is_str(r->name, "r1", "without a name the id is shown");
    is_int(r->features->nelts, 0, "no features is an empty list");
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        error = NULL;
        ok(!parse(wrong[i].line, &error) && error && strstr(error, wrong[i].part),
           "refused: %s (%s)", wrong[i].line, error ? error : "");
    }
}

static const char *file_with(const char *text)
{
    char *path = apr_pstrdup(pool, "/tmp/owacal-rooms-XXXXXX");
    int fd = mkstemp(path);
    ok(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "a rooms file");
    close(fd);
    return path;
}

static void test_file(void)
{
    apr_array_header_t *rooms = apr_array_make(pool, 4, sizeof(oc_room_t *));
    const char *error, *path = file_with("# rooms\n\nr1 r1@x.example name=\"Room 1\"\n"
                                         "r2 r2@x.example capacity=4");
    ok(!oc_room_read_file(pool, path, rooms, &error), "is read");
    is_int(rooms->nelts, 2, "two rooms, the last without a line end");
    is_str(oc_room_find(rooms, "r1")->name, "Room 1", "found by id");
    ok(!oc_room_find(rooms, "r3") && !oc_room_find(rooms, NULL), "not found");
    is_str(oc_room_by_address(rooms, "R2@X.example")->id, "r2", "found by address");
    unlink(path);
    path = file_with("r3 r3@x.example\nr1 again@x.example\n");
    ok(oc_room_read_file(pool, path, rooms, &error), "an id twice is refused");
    ok(strstr(error, "line 2") && strstr(error, "already"), "with file and line: %s", error);
    unlink(path);
    ok(oc_room_read_file(pool, "/nonexistent/rooms", rooms, &error) && error, "a missing file: %s",
       error);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_words();
    test_parse();
    test_file();
    return done_testing();
}
