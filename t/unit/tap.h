/*
 * TAP for the unit programs: each t/unit/test_<file>.c is one program, run under prove, with a main
 * that calls its test functions and ends in `return done_testing();`.
 *
 *     ok(cond, "a half-open range %s", "excludes its end");
 *     is_int(got, want, "..."); is_str(got, want, "..."); is_mem(got, n, want, m, "...");
 *
 * Every check needs a name (printf style), prints one line with its place on failure, and returns
 * whether it passed. Lines are flushed one by one, so that a crash loses none, and a program that
 * ends without done_testing() prints no plan, which prove counts as a failure. Not for use by
 * several threads at once: collect in the threads, check after joining them.
 *
 * Declare test functions static: a test that nobody calls is then a compiler warning.
 */
#ifndef TAP_H
#define TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TAP_FORMAT(fmt, args) __attribute__((format(printf, fmt, args), unused))

static int tap_planned, tap_run, tap_failed;

/* A comment for whoever reads the output; one line of its own for each line of text. */
TAP_FORMAT(1, 2)
static inline void diag(const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fflush(stdout);
    for (char *line = text, *end; line; line = end) {
        if ((end = strchr(line, '\n'))) {
            *end++ = '\0';
        }
        fprintf(stderr, "# %s\n", line);
    }
}

/* Announces how many checks will run. Optional: done_testing() announces it afterwards. */
__attribute__((unused))
static inline void plan(int checks)
{
    tap_planned = checks;
    printf("1..%d\n", checks);
    fflush(stdout);
}

/* The whole program has nothing to run here, for this reason. Use as `return skip_all("..");`. */
TAP_FORMAT(1, 2)
static inline int skip_all(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("1..0 # SKIP ");
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
    return 0;
}

/* Counts `checks` checks as left out, for this reason. */
TAP_FORMAT(2, 3)
static inline void skip(int checks, const char *fmt, ...)
{
    char why[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    for (int i = 0; i < checks; i++) {
        printf("ok %d # SKIP %s\n", ++tap_run, why);
    }
    fflush(stdout);
}

static inline int tap_vok(int pass, const char *file, int line, const char *fmt, va_list args)
{
    char name[512];
    vsnprintf(name, sizeof name, fmt, args);
    for (char *p = name; *p; p++) {         /* must stay one line, and "#" begins a directive */
        if (*p == '\n' || *p == '\r') {
            *p = ' ';
        } else if (*p == '#') {
            *p = '.';
        }
    }
    printf("%sok %d - %s\n", pass ? "" : "not ", ++tap_run, name);
    fflush(stdout);
    if (!pass) {
        tap_failed++;
        diag("  failed: %s\n  at %s line %d", name, file, line);
    }
    return pass;
}

TAP_FORMAT(4, 5)
static inline int tap_ok(int pass, const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tap_vok(pass, file, line, fmt, args);
    va_end(args);
    return pass;
}

TAP_FORMAT(5, 6)
static inline int tap_is_int(intmax_t got, intmax_t want, const char *file, int line,
                             const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int pass = tap_vok(got == want, file, line, fmt, args);
    va_end(args);
    if (!pass) {
        diag("       got: %" PRIdMAX "\n  expected: %" PRIdMAX, got, want);
    }
    return pass;
}

TAP_FORMAT(5, 6)
static inline int tap_is_str(const char *got, const char *want, const char *file, int line,
                             const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int pass = tap_vok(got && want ? strcmp(got, want) == 0 : got == want, file, line, fmt, args);
    va_end(args);
    if (!pass) {
        diag("       got: %s%.900s%s\n  expected: %s%.900s%s", got ? "\"" : "", got ? got : "NULL",
             got ? "\"" : "", want ? "\"" : "", want ? want : "NULL", want ? "\"" : "");
    }
    return pass;
}

TAP_FORMAT(7, 8)
static inline int tap_is_mem(const void *got, size_t got_len, const void *want, size_t want_len,
                             const char *file, int line, const char *fmt, ...)
{
    const unsigned char *g = got, *w = want;
    size_t shorter = got_len < want_len ? got_len : want_len, at = 0;
    va_list args;
    while (at < shorter && g[at] == w[at]) {
        at++;
    }
    va_start(args, fmt);
    int pass = tap_vok(got_len == want_len && at == shorter, file, line, fmt, args);
    va_end(args);
    if (!pass) {
        diag("  got %zu bytes, expected %zu, first difference at byte %zu", got_len, want_len, at);
        if (at < shorter) {
            diag("       got: 0x%02x\n  expected: 0x%02x", g[at], w[at]);
        }
    }
    return pass;
}

#define ok(cond, ...) tap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) tap_is_int((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) tap_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_mem(got, got_len, want, want_len, ...) \
    tap_is_mem((got), (got_len), (want), (want_len), __FILE__, __LINE__, __VA_ARGS__)

/* Ends the program: prints the plan if none was announced. Returns the exit status for main. */
__attribute__((unused))
static inline int done_testing(void)
{
    if (!tap_planned) {
        printf("1..%d\n", tap_run);
    }
    fflush(stdout);
    if (tap_failed) {
        diag("%d of %d checks failed", tap_failed, tap_run);
    }
    return tap_failed != 0 || tap_run == 0 || (tap_planned && tap_planned != tap_run);
}

#endif
