/* credential.c - reading the password of a service or a device: from a file, or from what a program
 * prints. Runs in the parent only, with its rights, before children are forked.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_strings.h>

#include "auth/credential.h"
#include "base/clock.h"
#include "base/str.h"

#define PATIENCE apr_time_from_sec(10)
#define WORDS_MAX 32
#define OUTPUT_MAX 4096 /* bytes that a program may print */
#define PAUSE_MS 20     /* between looks at whether it has ended */

/* ---- what a password may be ---- */

/* The first line of `text`, which is wiped; NULL with *error set. */
static char *first_line(apr_pool_t *pool, char *text, apr_size_t len, const char **error)
{
    char *end = memchr(text, '\n', len), *line = NULL;
    apr_size_t n = end ? (apr_size_t)(end - text) : len;

    n -= end && n > 0 && text[n - 1] == '\r';
    if (n == 0) {
        *error = "there is no password in it; its first line must be the password";
    } else if (n > OC_PASSWORD_MAX) {
        *error = apr_psprintf(pool, "its first line is too long for a password (at most %d bytes)",
                              OC_PASSWORD_MAX);
    } else if (memchr(text, '\0', n)) {
        *error = "its first line holds a zero byte; the password alone is wanted";
    } else {
        char saved = text[n];

        text[n] = '\0'; /* every caller has room for it */
        line = oc_str_secret(pool, text);
        text[n] = saved;
    }
    oc_str_wipe(text, len);
    return line;
}

/* ---- a file ---- */

/* An open file that only its owner, root or this very account, can read; or -1. */
static int open_private(const char *file, const char **error)
{
    struct stat info;
    /* Without waiting: a FIFO would hold the start up for good. */
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        *error = errno == ENOENT ? "there is no such file; put the password into one with mode 0600"
                                 : "it cannot be read";
        return -1;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        *error = "it is not a regular file";
    } else if (info.st_mode & (S_IRWXG | S_IRWXO)) {
        *error = "others than its owner may use it; chmod 0600";
    } else if (info.st_uid != 0 && info.st_uid != geteuid()) {
        *error = "it belongs to somebody else; it must be the file of root or of the account that "
                 "starts httpd";
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

static const char *read_file(apr_pool_t *pool, const char *file, char **line)
{
    const char *error = NULL;
    char text[OC_PASSWORD_MAX + 4];
    apr_size_t len = 0;
    ssize_t n = 1;
    int fd = open_private(file, &error);

    if (fd < 0) {
        return error;
    }
    while (len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0) {
        len += (apr_size_t)n;
    }
    close(fd);
    if (n < 0) {
        oc_str_wipe(text, sizeof(text));
        return "it cannot be read";
    }
    *line = first_line(pool, text, len, &error);
    return error;
}

/* ---- a program ---- */

static const char *program_of(const char *source)
{
    return strncmp(source, "exec:", 5) == 0 ? source + 5 : NULL;
}

/* The words of a command; NULL with *error set. */
static char **command_words(apr_pool_t *pool, const char *command, const char **error)
{
    char **argv = apr_pcalloc(pool, sizeof(*argv) * (WORDS_MAX + 1)), *state = NULL, *word;
    int n = 0;

    for (word = apr_strtok(apr_pstrdup(pool, command), " \t", &state); word;
         word = apr_strtok(NULL, " \t", &state)) {
        if (n == WORDS_MAX) {
            *error = "too many words after exec:";
            return NULL;
        }
        argv[n++] = word;
    }
    if (n == 0 || argv[0][0] != '/') {
        *error = "exec: takes a program's absolute path and its words, as in exec:/usr/bin/pass x";
        return NULL;
    }
    return argv;
}

/* The child: nothing of the parent but the end of a pipe. */
static void become(char *const argv[], int out)
{
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    int null = open("/dev/null", O_RDWR);
    sigset_t none;

    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 1; i < NSIG; ++i) { /* ignored signals would stay so */
        signal(i, SIG_DFL);
    }
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0) {
        _exit(126);
    }
    closefrom(3);
    if (chdir("/") == 0) {
        execve(argv[0], argv, environment);
    }
    _exit(127);
}

static int milliseconds(oc_mono_t until)
{
    apr_time_t left = until - oc_clock_mono();

    return left <= 0 ? 0 : (int)apr_time_as_msec(left) + 1;
}

/* All it prints; returns how many bytes, or -1 with *error set. */
static ssize_t collect(int fd, char *text, apr_size_t size, oc_mono_t until, const char **error)
{
    apr_size_t len = 0;

    for (;;) {
        struct pollfd ready = {fd, POLLIN, 0};
        int rv = poll(&ready, 1, milliseconds(until));
        ssize_t n;

        if (rv == 0) {
            *error = "the program did not end in time";
            return -1;
        }
        n = rv > 0 ? read(fd, text + len, size - len) : -1;
        if (n == 0) {
            return (ssize_t)len;
        }
        if (n < 0 && errno != EINTR) {
            *error = "what the program prints cannot be read";
            return -1;
        }
        len += n > 0 ? (apr_size_t)n : 0;
        if (len == size) {
            *error = "the program prints too much; its first line must be the password";
            return -1;
        }
    }
}

/* Waits for it, and no longer than until then; its whole group is gone afterwards. */
static const char *reap(apr_pool_t *pool, pid_t pid, oc_mono_t until, const char *error)
{
    int status = 0;
    pid_t got = 0;

    while (!error && (got = waitpid(pid, &status, WNOHANG)) != pid) {
        if (got < 0 && errno != EINTR) {
            error = "the program cannot be waited for";
        } else if (milliseconds(until) == 0) {
            error = "the program did not end in time";
        } else {
            poll(NULL, 0, PAUSE_MS);
        }
    }
    kill(-pid, SIGKILL); /* what it may have left running, too */
    if (got != pid) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        return error;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        return "the program cannot be run";
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return WIFEXITED(status)
                   ? apr_psprintf(pool, "the program failed with status %d", WEXITSTATUS(status))
                   : apr_psprintf(pool, "the program was ended by signal %d", WTERMSIG(status));
    }
    return NULL;
}

const char *oc_credential_exec(apr_pool_t *pool, const char *command, apr_time_t patience,
                               char **line)
{
    oc_mono_t until = oc_clock_mono() + patience;
    const char *error = NULL;
    char **argv = command_words(pool, command, &error);
    char text[OUTPUT_MAX + 2];
    ssize_t len;
    int out[2];
    pid_t pid;

    if (!argv) {
        return error;
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        return "there is no pipe to be had for the program";
    }
    pid = fork();
    if (pid == 0) {
        become(argv, out[1]);
    }
    close(out[1]);
    if (pid < 0) {
        close(out[0]);
        return "the program cannot be started: too many processes";
    }
    setpgid(pid, pid); /* whoever comes first: kill() below must find the group */
    len = collect(out[0], text, OUTPUT_MAX + 1, until, &error);
    close(out[0]);
    error = reap(pool, pid, until, error);
    if (!error) {
        *line = first_line(pool, text, (apr_size_t)len, &error);
    }
    oc_str_wipe(text, sizeof(text));
    return error;
}

/* ---- a credential ---- */

static const char *with_source(apr_pool_t *pool, const oc_credential_t *credential,
                               const char *error)
{
    return error ? apr_pstrcat(pool, "password=", credential->source, ": ", error, NULL) : NULL;
}

const char *oc_credential_check(const oc_credential_t *credential, apr_pool_t *pool)
{
    const char *error = NULL, *program = program_of(credential->source);
    struct stat info;
    char **argv;
    int fd;

    if (!program) {
        fd = open_private(credential->source, &error);
        if (fd >= 0) {
            close(fd);
        }
        return with_source(pool, credential, error);
    }
    argv = command_words(pool, program, &error);
    if (argv && (stat(argv[0], &info) != 0 || !S_ISREG(info.st_mode) || access(argv[0], X_OK))) {
        error = "there is no such program";
    } else if (argv && (info.st_mode & S_IWOTH)) {
        error = "everybody may change the program; chmod o-w";
    }
    return with_source(pool, credential, error);
}

const char *oc_credential_load(oc_credential_t *credential, apr_pool_t *pconf)
{
    const char *program = program_of(credential->source), *error;
    char *line = NULL;

    credential->password = NULL;
    error = program ? oc_credential_exec(pconf, program, PATIENCE, &line)
                    : read_file(pconf, credential->source, &line);
    credential->password = error ? NULL : line;
    return with_source(pconf, credential, error);
}
