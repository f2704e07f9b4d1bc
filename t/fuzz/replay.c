/*
 * Runs a fuzz target over files instead of under a fuzzer: every input that was ever interesting is
 * tried again by the ordinary tests, with any compiler and under any sanitizer.
 *
 *     fuzz_x FILE-or-FOLDER..
 *
 * Linked with one t/fuzz/fuzz_<parser>.c, which defines LLVMFuzzerTestOneInput as libFuzzer wants
 * it; seeds lie in t/fuzz/corpus/fuzz_<parser>/, a dictionary in t/fuzz/fuzz_<parser>.dict. The
 * name of each input is printed before it is run, so that the last line names the one that crashed.
 * Each input lies in memory of exactly its size: reading past the end is seen by ASan and valgrind.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static int replay_file(const char *path, size_t size)
{
    int rv = 1;
    uint8_t *data = malloc(size ? size : 1);
    FILE *in = fopen(path, "rb");
    printf("%s\n", path);
    fflush(stdout);
    if (!data || !in || fread(data, 1, size, in) != size) {
        perror(path);
        goto leave;
    }
    LLVMFuzzerTestOneInput(data, size);
    rv = 0;

leave:
    if (in) {
        fclose(in);
    }
    free(data);
    return rv;
}

static int replay(const char *path);

static int replay_folder(const char *path)
{
    int rv = 0;
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    if (n < 0) {
        perror(path);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char file[4096];
        if (names[i]->d_name[0] != '.') {
            int len = snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
            rv |= len < 0 || (size_t)len >= sizeof file || replay(file);
        }
        free(names[i]);
    }
    free(names);
    return rv;
}

static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        perror(path);
        return 1;
    }
    return S_ISDIR(st.st_mode) ? replay_folder(path) : replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
    int rv = 0;
    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    for (int i = 1; i < argc; i++) {
        rv |= replay(argv[i]);
    }
    return rv;
}
