/* Passwords from files and programs, and the file of who may act for whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "auth/credential.h"
#include "base/clock.h"
#include "tap.h"

static apr_pool_t *pool;
static char dir[] = "/tmp/owacal-credential-XXXXXX";

static const char *at(const char *name)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

static const char *put(const char *name, const char *text, apr_size_t len, mode_t mode)
{
    const char *path = at(name);
    FILE *f = fopen(path, "w");

    fwrite(text, 1, len, f);
    fclose(f);
    chmod(path, mode);
    return path;
}

static const char *program(const char *name, const char *script)
{
    return put(name, script, strlen(script), 0700);
}

static void loads(const char *source, const char *password, const char *error, const char *name)
{
    oc_credential_t c = {.name = "x", .user = "svc", .source = source};
    const char *wrong = oc_credential_load(&c, pool);

    if (password) {
        is_str(c.password, password, "%s", name);
        is_str(wrong, NULL, "%s: nothing is wrong", name);
    } else {
        ok(wrong && strstr(wrong, error), "%s: %s", name, wrong ? wrong : "taken");
        is_str(c.password, NULL, "%s: no password", name);
    }
}

static void files(void)
{
    char longest[600];

    loads(put("a", "secret\n", 7, 0600), "secret", NULL, "the line's end is not part of it");
    loads(put("a", "secret", 6, 0600), "secret", NULL, "none is needed");
    loads(put("a", " se cret \r\nsecond\n", 18, 0400), " se cret ", NULL, "blanks are part of it");
    loads(put("a", "", 0, 0600), NULL, "no password in it", "an empty file");
    loads(put("a", "\nsecret", 7, 0600), NULL, "no password in it", "an empty first line");
    loads(put("a", "se\0cret", 7, 0600), NULL, "zero byte", "a zero byte");
    memset(longest, 'x', sizeof(longest));
    longest[512] = '\0';
    loads(put("a", longest, 512, 0600), longest, NULL, "512 bytes");
    loads(put("a", longest, 513, 0600), NULL, "too long", "a byte more, zero");
    longest[512] = 'x';
    loads(put("a", longest, 513, 0600), NULL, "too long", "513 bytes");
    loads(put("a", longest, 600, 0600), NULL, "too long", "600 bytes");
    loads(put("a", "secret", 6, 0640), NULL, "chmod 0600", "readable for the group");
    loads(put("a", "secret", 6, 0604), NULL, "chmod 0600", "readable for others");
    loads(at("none"), NULL, "no such file", "a file that is not there");
    loads(dir, NULL, "regular", "a directory");
    mkfifo(at("fifo"), 0600);
    loads(at("fifo"), NULL, "regular", "a pipe does not hold the start up");
    if (geteuid() == 0) {
        ok(chown(put("a", "secret", 6, 0600), 12345, 0) == 0, "a file of somebody else's");
        loads(at("a"), NULL, "somebody else", "it is not taken");
        unlink(at("a"));
    }
}

static int quiet(const char *command)
{
    return system(command);
}

static void programs(void)
{
    char *line = NULL;
    const char *wrong;
    oc_mono_t began;

    loads(apr_pstrcat(pool, "exec:", program("p", "#!/bin/sh\necho secret\necho more\n"), NULL),
          "secret", NULL, "the first line that a program prints");
    loads(apr_pstrcat(pool, "exec:", at("p"), NULL), "secret", NULL, "and again");
    program("args", "#!/bin/sh\necho \"$#:$1:$2\"\n");
    loads(apr_pstrcat(pool, "exec:", at("args"), " one  $HOME;x", NULL), "2:one:$HOME;x", NULL,
          "its words are words: there is no shell");
    setenv("OWACAL_TEST_SECRET", "leak", 1);
    program("env", "#!/bin/sh\n/usr/bin/env | /usr/bin/sort | /usr/bin/tr '\\n' ' '\n");
    loads(apr_pstrcat(pool, "exec:", at("env"), NULL),
          "LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin PWD=/ ", NULL, "its environment is bare");
    program("fds", "#!/bin/sh\n[ -e /proc/$$/fd/50 ] && echo open || echo closed\n");
    is_int(dup2(1, 50), 50, "something is open here");
    loads(apr_pstrcat(pool, "exec:", at("fds"), NULL), "closed", NULL, "it is not open there");
    close(50);
    loads(apr_pstrcat(pool, "exec:", program("q", "#!/bin/sh\nexit 0\n"), NULL), NULL,
          "no password in it", "it prints nothing");
    loads(apr_pstrcat(pool, "exec:", program("q", "#!/bin/sh\necho secret; exit 3\n"), NULL), NULL,
          "status 3", "it fails");
    loads(apr_pstrcat(pool, "exec:", program("q", "#!/bin/sh\necho secret; kill -9 $$\n"), NULL),
          NULL, "signal 9", "it is killed");
    loads(apr_pstrcat(pool, "exec:", at("none"), NULL), NULL, "cannot be run", "it is not there");
    loads("exec:true", NULL, "absolute path", "it has no absolute path");
    loads("exec:", NULL, "absolute path", "it has no name");
    program("big", "#!/bin/sh\nexec /usr/bin/head -c 1000000 /dev/zero\n");
    loads(apr_pstrcat(pool, "exec:", at("big"), NULL), NULL, "too much", "it prints a megabyte");

    began = oc_clock_mono();
    program("hang", apr_pstrcat(pool, "#!/bin/sh\necho $$ >", at("pid"), "\n/bin/sleep 300 &\n"
                                "echo secret\nwait\n", NULL));
    wrong = oc_credential_exec(pool, at("hang"), apr_time_from_msec(700), &line);
    ok(wrong && strstr(wrong, "in time"), "it hangs: %s", wrong ? wrong : "taken");
    ok(oc_clock_mono() - began < apr_time_from_sec(60), "nobody waits for it");
    ok(!line, "and what it printed does not count");
    is_int(quiet(apr_pstrcat(pool, "for n in 1 2 3 4 5 6 7 8 9 10; do "
                             "ps -eo pgid= | grep -qw \"$(cat ", at("pid"),
                             ")\" || exit 0; sleep 0.3; done; exit 1", NULL)),
           0, "it is gone, with what it started");
    program("closes", "#!/bin/sh\necho secret\nexec >&-\nexec /bin/sleep 300\n");
    wrong = oc_credential_exec(pool, at("closes"), apr_time_from_msec(700), &line);
    ok(wrong && strstr(wrong, "in time"), "it closes its output and hangs: %s", wrong);
}

static void checks(void)
{
    oc_credential_t c = {.name = "x", .user = "svc"};

    c.source = put("a", "secret", 6, 0644);
    ok(oc_credential_check(&c, pool), "configtest sees a file that others can read");
    c.source = put("a", "secret", 6, 0600);
    is_str(oc_credential_check(&c, pool), NULL, "and takes one that they cannot");
    is_str(c.password, NULL, "but reads no password");
    program("touch", apr_pstrcat(pool, "#!/bin/sh\n: >", at("ran"), "\necho x\n", NULL));
    c.source = apr_pstrcat(pool, "exec:", at("touch"), NULL);
    is_str(oc_credential_check(&c, pool), NULL, "a program is there");
    ok(access(at("ran"), F_OK) != 0, "it is not run for that");
    c.source = apr_pstrcat(pool, "exec:", at("nothing"), NULL);
    ok(oc_credential_check(&c, pool), "a program that is not there");
    c.source = apr_pstrcat(pool, "exec:", put("open", "#!/bin/sh\n", 10, 0777), NULL);
    chmod(at("open"), 0777);
    ok(oc_credential_check(&c, pool), "a program that everybody may change");
}

/* ---- actors ---- */

static void actors_file(void)
{
    static const char text[] = "# who for whom\n"
                               "Ana@EX.EXAMPLE.COM: Boss, team.calendar\n"
                               "\n"
                               "  bob :boss\r\n"
                               "bob: visitors\n"
                               "@Reception: front-desk\n";
    static const char groups[] = "reception: carol  dave@EX.EXAMPLE.COM\nother: bob\n"
                                 "reception: erin\n";
    const char *error = NULL;
    oc_actors_t *a = oc_actors_parse(pool, text, groups, &error);

    ok(a != NULL, "the file is read: %s", error ? error : "nothing is wrong");
    ok(oc_actors_may(a, "ana@EX.EXAMPLE.COM", "ana", "boss"), "a person and a mailbox");
    ok(oc_actors_may(a, "ana@EX.EXAMPLE.COM", "ana", "TEAM.calendar"), "case does not matter");
    ok(!oc_actors_may(a, "ana@EX.EXAMPLE.COM", "ana", "visitors"), "not another mailbox");
    ok(!oc_actors_may(a, "ana@OTHER.EXAMPLE.COM", "ana", "boss"), "not the namesake elsewhere");
    ok(!oc_actors_may(a, "ana", "ana", "boss"), "nor without realm");
    ok(oc_actors_may(a, "ana", "ana", "ana"), "his own, without any line");
    ok(!oc_actors_may(a, "ana", NULL, "ana"), "but not if it is not known to be his");
    ok(!oc_actors_may(a, "ana", "", ""), "nothing is nobody's own");
    ok(oc_actors_may(a, "bob", "bob", "boss") && oc_actors_may(a, "bob", "bob", "visitors"),
       "two lines of one person");
    ok(oc_actors_may(a, "carol", "carol", "front-desk")
       && oc_actors_may(a, "dave@EX.EXAMPLE.COM", "dave", "front-desk")
       && oc_actors_may(a, "erin", "erin", "front-desk"), "the members of a group");
    ok(!oc_actors_may(a, "bob", "bob", "front-desk"), "not those of another");
    ok(!oc_actors_may(a, "@reception", NULL, "front-desk"), "nor a person named like it");
    ok(oc_actors_may(NULL, "ana", "ana", "Ana") && !oc_actors_may(NULL, "ana", "ana", "bob"),
       "without a file each in his own");
}

static void bad_actors(void)
{
    static const struct {
        const char *text, *groups, *says;
    } bad[] = {
        {"ana bob\n", NULL, "line 1: there is no colon"},
        {"ana: x\n: bob\n", NULL, "line 2: before the colon"},
        {"ana:\n", NULL, "no mailbox"},
        {"ana: ,,\n", NULL, "no mailbox"},
        {"ana: a/b\n", NULL, "no mailbox's name"},
        {"ana: ..\n", NULL, "no mailbox's name"},
        {"ana: boss.\n", NULL, "no mailbox's name"},
        {"ana: a%2fb\n", NULL, "no mailbox's name"},
        {"ana: a\tb\n", NULL, "no mailbox's name"},
        {"ana: \xff\n", NULL, "no mailbox's name"},
        {"@staff: x\n", NULL, "groups=FILE"},
        {"@staff: x\n", "other: ana\n", "no group \"staff\""},
        {"@staff: x\n", "staff: ana @other\nother: bob\n", "groups within groups"},
        {"ana: x\n", "staff ana\n", "line 1: there is no colon"},
    };

    for (int i = 0; i < (int)(sizeof(bad) / sizeof(bad[0])); ++i) {
        const char *error = NULL;
        ok(!oc_actors_parse(pool, bad[i].text, bad[i].groups, &error) && error
           && strstr(error, bad[i].says), "refused: %s", error ? error : "nothing");
    }
}

static void actors_files(void)
{
    const char *error = NULL;

    ok(oc_actors_read(pool, put("actors", "ana: boss\n", 10, 0644), NULL, &error) && !error,
       "from a file");
    ok(!oc_actors_read(pool, put("actors", "ana: boss\n", 10, 0646), NULL, &error) && error
       && strstr(error, "everybody may change it"), "not from one that everybody may change");
    alarm(10); /* whoever waits for a writer waits for good */
    ok(!oc_actors_read(pool, at("fifo"), NULL, &error) && strstr(error, "not a regular file"),
       "nor a FIFO");
    alarm(0);
    ok(!oc_actors_read(pool, at("none"), NULL, &error) && strstr(error, "no such file"),
       "nor from none");
    ok(!oc_actors_read(pool, put("actors", "ana: boss\n", 10, 0644), at("none"), &error) && error,
       "nor with groups from none");
    put("actors", "ana\n", 4, 0644);
    ok(!oc_actors_read(pool, at("actors"), NULL, &error) && strstr(error, "actors: line 1"),
       "what is wrong names file and line: %s", error);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(dir)) {
        return 1;
    }
    files();
    programs();
    checks();
    actors_file();
    bad_actors();
    actors_files();
    quiet(apr_pstrcat(pool, "rm -r ", dir, NULL));
    apr_pool_destroy(pool);
    return done_testing();
}
